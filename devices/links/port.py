"""What a link to a broker does, for the server and for a receiver alike.

Only MQTT 3.1.1 features are relied on: QoS 1, retained messages, last will, persistent session. The retain flag of
an arriving message is not handed on, because brokers differ in setting it.
"""

from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol


class LinkError(Exception):
    """The broker could not be reached, or refused the account."""


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker publishes, retained, when the connection breaks without a goodbye."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message that arrived and is not yet acknowledged to the broker."""

    topic: str
    payload: bytes
    connection: int = 0  # which of the link's `connections` it came over
    arrived: float = field(default=0.0, compare=False)  # time.monotonic() when it was read from the line
    token: object = field(default=None, compare=False, repr=False)


class Link(Protocol):
    """A connection that reopens itself. Methods may be called from any thread."""

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted the connection that is open now."""

    @property
    def connections(self) -> int:
        """How many connections the broker accepted since `open`; a change tells that the link was broken."""

    def open(self) -> None:
        """Begin to connect, and go on trying with back-off until `close`. Returns at once."""

    def close(self) -> None:
        """Say goodbye to the broker and stop. Idempotent."""

    def subscribe(self, *filters: str) -> None:
        """Add filters at QoS 1; they are subscribed anew after every connection."""

    def unsubscribe(self, *filters: str) -> None:
        """Take filters away, now or when the broker is reached again."""

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> "Future[None]":
        """Publish at QoS 1. The future ends when the broker has acknowledged, or with LinkError if it was closed.

        An empty retained payload clears what was retained. Nothing is kept over a restart of this process.
        """

    def receive(self, *, limit: int, wait_s: float) -> list[Delivery]:
        """Up to `limit` messages; waits at most `wait_s` seconds for the first, and for no other.

        Messages of a connection that is gone are not handed out: what was not acknowledged comes again.
        """

    def acknowledge(self, deliveries: Iterable[Delivery]) -> None:
        """Tell the broker that these messages are safe here. Unacknowledged ones come again after a reconnection.

        An acknowledgement for a connection that is gone is dropped: its number may mean another message by now.
        """
