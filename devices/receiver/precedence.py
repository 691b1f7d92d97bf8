"""Which order plays when two want the same output at once. Decided here and nowhere else."""

from collections.abc import Iterable

from devices.wire.messages import Order, Priority

RANK: dict[Priority, int] = {"routine": 0, "priority": 1, "emergency": 2}


def rank(order: Order) -> int:
    """Higher plays first. A drill yields to whatever is live."""
    return -1 if order.is_drill else RANK[order.priority]


def first(orders: Iterable[Order]) -> Order | None:
    """The order that begins next: the highest priority, then the earliest instant, then the one issued first."""
    return min(orders, key=lambda order: (-rank(order), order.play_at, order.issued_at, order.id), default=None)


def displaces(candidate: Order, playing: Order) -> bool:
    """Whether `candidate` ends what is playing. Of equal priority, what began goes on."""
    return rank(candidate) > rank(playing)
