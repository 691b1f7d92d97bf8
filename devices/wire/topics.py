"""Topics of protocol version 1. One level per fact; no wildcard ever stands in a published topic.

| topic | from | retained | document |
|---|---|---|---|
| cb/v1/areas/{area}/orders/{order} | station | yes | order, or its cancellation |
| cb/v1/areas/{area}/rehomings | station | yes | re-homings |
| cb/v1/receivers/{receiver}/orders/{order} | station | yes | order, or its cancellation |
| cb/v1/areas/{area}/stops/{stop} | station | yes | stop, or its lifting |
| cb/v1/receivers/{receiver}/stops/{stop} | station | yes | stop, or its lifting |
| cb/v1/receivers/{receiver}/configuration | station | yes | configuration |
| cb/v1/receivers/{receiver}/acknowledgements | station | no | acknowledgement |
| cb/v1/receivers/{receiver}/clock-answers | station | no | clock answer |
| cb/v1/receivers/{receiver}/clock-probes | receiver | no | clock probe |
| cb/v1/receivers/{receiver}/receipts | receiver | no | receipts |
| cb/v1/receivers/{receiver}/presence | receiver | yes | presence (and last will) |
| cb/v1/receivers/{receiver}/health | receiver | no | health |
| cb/v1/receivers/{receiver}/wipe | station | yes | wipe |
| cb/v1/receivers/{receiver}/wiped | receiver | no | wiped |
| cb/v1/keys/{kid} | station | yes | station keys, signed with the key of that id |
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from devices.wire.messages import VERSION

PREFIX = f"cb/v{VERSION}"

Subject = Literal[
    "orders",
    "rehomings",
    "stops",
    "configuration",
    "acknowledgements",
    "clock-answers",
    "clock-probes",
    "receipts",
    "presence",
    "health",
    "wipe",
    "wiped",
    "keys",
]
_RECEIVER_SUBJECTS = {
    "configuration",
    "acknowledgements",
    "clock-answers",
    "clock-probes",
    "receipts",
    "presence",
    "health",
    "wipe",
    "wiped",
}


def area_order(area: str, order: str) -> str:
    """Where the order of an area stands; `+` as the order gives the filter for all of them."""
    return f"{PREFIX}/areas/{area}/orders/{order}"


def area_rehomings(area: str) -> str:
    """Where it stands how an area's receivers are re-homed; `+` as the area gives the filter for all of them."""
    return f"{PREFIX}/areas/{area}/rehomings"


def receiver_order(receiver: str, order: str) -> str:
    """Where the order of a single receiver stands; `+` as the order gives the filter for all of them."""
    return f"{PREFIX}/receivers/{receiver}/orders/{order}"


def area_stop(area: str, stop: str) -> str:
    """Where the stop of an area stands; `+` as the stop gives the filter for all of them."""
    return f"{PREFIX}/areas/{area}/stops/{stop}"


def receiver_stop(receiver: str, stop: str) -> str:
    """Where the stop of a single receiver stands; `+` as the stop gives the filter for all of them."""
    return f"{PREFIX}/receivers/{receiver}/stops/{stop}"


def of_receiver(receiver: str, subject: Subject) -> str:
    """The topic of one subject of one receiver; `+` as the receiver gives the filter for all of them."""
    return f"{PREFIX}/receivers/{receiver}/{subject}"


def keys(kid: str) -> str:
    """Where the station's keys stand, signed with the key of this id; `+` gives the filter for all of them."""
    return f"{PREFIX}/keys/{kid}"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic taken apart: whose it is, its subject, and the order or stop where there is one."""

    owner: Literal["areas", "receivers", "keys"]
    name: str
    subject: Subject
    order: str | None = None
    stop: str | None = None


@lru_cache(maxsize=16384)  # the same few thousand topics come again and again
def parse(topic: str) -> Topic | None:
    """The parts of a topic of this protocol, or None for any other topic."""
    if not topic.startswith(PREFIX + "/"):
        return None
    found: Topic | None = None
    match topic[len(PREFIX) + 1 :].split("/"):
        case ["areas" | "receivers" as owner, name, "orders", order] if name and order:
            found = Topic("areas" if owner == "areas" else "receivers", name, "orders", order)
        case ["keys", kid] if kid:
            found = Topic("keys", kid, "keys")
        case ["areas", name, "rehomings"] if name:
            found = Topic("areas", name, "rehomings")
        case ["areas" | "receivers" as owner, name, "stops", stop] if name and stop:
            found = Topic("areas" if owner == "areas" else "receivers", name, "stops", stop=stop)
        case ["receivers", name, subject] if name and subject in _RECEIVER_SUBJECTS:
            found = Topic("receivers", name, subject)  # type: ignore[arg-type]  # narrowed by the set above
    return found
