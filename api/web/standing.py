"""How a receiver is, in a word: for lists in which the worst stands first, with what it says of itself in sentences."""

from dataclasses import dataclass

from broadcaster.storage.models import Receiver


@dataclass(frozen=True)
class ReceiverStanding:
    """`word` names a word of the pages, `kind` the colour; the lower the `rank`, the worse."""

    word: str
    kind: str
    rank: int


OFFLINE = ReceiverStanding("receiver_offline", "bad", 0)
IN_TROUBLE = ReceiverStanding("receiver_in_trouble", "warn", 1)
NEVER_HEARD = ReceiverStanding("receiver_never_heard", "warn", 2)
WIPING = ReceiverStanding("receiver_wiping", "warn", 3)
ONLINE = ReceiverStanding("receiver_online", "good", 4)
REVOKED = ReceiverStanding("receiver_revoked", "", 5)


def standing_of(row: Receiver) -> ReceiverStanding:
    """What matters most of a receiver now."""
    if row.revoked_at is not None:
        return REVOKED
    if row.wipe_id is not None:
        return WIPING
    if row.presence is None:
        return NEVER_HEARD
    if row.presence != "online":
        return OFFLINE
    return IN_TROUBLE if conditions_of(row) else ONLINE


def conditions_of(row: Receiver) -> list[tuple[str, str]]:
    """What a receiver in service said was wrong with it: the name of the condition and its own English sentence."""
    health = row.health or {}
    names, sentences = list(health.get("conditions", ())), list(health.get("problems", ()))
    names += [""] * (len(sentences) - len(names))
    sentences += [""] * (len(names) - len(sentences))
    return [] if row.revoked_at is not None else list(zip(names, sentences, strict=True))
