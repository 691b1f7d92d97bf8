"""Topics of protocol version 1. One level per fact; no wildcard ever stands in a published topic.

| topic | from | retained | document |
|---|---|---|---|
| cb/v1/areas/{area}/orders/{order} | station | yes | order, or its cancellation |
| cb/v1/receivers/{receiver}/orders/{order} | station | yes | order, or its cancellation |
| cb/v1/receivers/{receiver}/configuration | station | yes | configuration |
| cb/v1/receivers/{receiver}/acknowledgements | station | no | acknowledgement |
| cb/v1/receivers/{receiver}/clock-answers | station | no | clock answer |
| cb/v1/receivers/{receiver}/clock-probes | receiver | no | clock probe |
| cb/v1/receivers/{receiver}/receipts | receiver | no | receipts |
| cb/v1/receivers/{receiver}/presence | receiver | yes | presence (and last will) |
| cb/v1/receivers/{receiver}/health | receiver | no | health |
"""

from dataclasses import dataclass
from typing import Literal

from devices.wire.messages import VERSION

PREFIX = f"cb/v{VERSION}"

Subject = Literal[
    "orders", "configuration", "acknowledgements", "clock-answers", "clock-probes", "receipts", "presence", "health"
]
_RECEIVER_SUBJECTS = {
    "configuration",
    "acknowledgements",
    "clock-answers",
    "clock-probes",
    "receipts",
    "presence",
    "health",
}


def area_order(area: str, order: str) -> str:
    """Where the order of an area stands; `+` as the order gives the filter for all of them."""
    return f"{PREFIX}/areas/{area}/orders/{order}"


def receiver_order(receiver: str, order: str) -> str:
    """Where the order of a single receiver stands; `+` as the order gives the filter for all of them."""
    return f"{PREFIX}/receivers/{receiver}/orders/{order}"


def of_receiver(receiver: str, subject: Subject) -> str:
    """The topic of one subject of one receiver; `+` as the receiver gives the filter for all of them."""
    return f"{PREFIX}/receivers/{receiver}/{subject}"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic taken apart: whose it is, its subject, and the order where there is one."""

    owner: Literal["areas", "receivers"]
    name: str
    subject: Subject
    order: str | None = None


def parse(topic: str) -> Topic | None:
    """The parts of a topic of this protocol, or None for any other topic."""
    if not topic.startswith(PREFIX + "/"):
        return None
    match topic[len(PREFIX) + 1 :].split("/"):
        case ["areas" | "receivers" as owner, name, "orders", order] if name and order:
            return Topic("areas" if owner == "areas" else "receivers", name, "orders", order)
        case ["receivers", name, subject] if name and subject in _RECEIVER_SUBJECTS:
            return Topic("receivers", name, subject)  # type: ignore[arg-type]  # narrowed by the set above
    return None
