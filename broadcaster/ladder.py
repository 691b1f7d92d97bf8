"""The ladder of proof: for each receiver of an airing, how far it got by its own word. Without its word: unknown."""

from collections.abc import Container
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from broadcaster.storage.models import Airing, AiringReceiver, AsRun, OrderRecord
from devices.wire.messages import Reason

RUNGS = ("planned", "sent", "received", "ready", "started", "finished")
"""đã lên lịch, đã gửi, máy nhận, tải xong, bắt đầu, kết thúc"""
LINGER = timedelta(seconds=30)
"""How long an airing that is over stays "current", so that its last receipts are seen."""


def outcome_of(states: Container[str], *, clip_refused: bool) -> str:
    """What a receiver's states of one airing come to, whether the clip was among what it refused."""
    if "finished" in states:
        return "finished"
    for state in ("interrupted", "failed", "missed", "cancelled"):
        if state in states:
            return state
    # A refusal of a forged or repeated document undoes no rung that was reached; one of the clip does: the receiver
    # had taken the order in, and then gave it up because what it fetched was not the released clip.
    if clip_refused:
        return "refused"
    for rung in reversed(RUNGS):
        if rung in states:
            return rung
    return "refused" if "refused" in states else "unknown"


@dataclass
class Climb:
    """One receiver's way up: the instant of each rung (its own clock), and how it ended."""

    receiver: str
    name: str
    kind: str
    area: str
    states: dict[str, datetime] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    evidence: dict[str, Any] | None = None

    @property
    def outcome(self) -> str:
        """finished, or a way off the ladder, or the highest rung reached, or unknown."""
        return outcome_of(self.states, clip_refused=self.reasons.get("refused") == Reason.CLIP_MISMATCH)

    @property
    def reason(self) -> str | None:
        """Why it ended as it did; nothing while all is well, whatever else was refused meanwhile."""
        return self.reasons.get(self.outcome)

    def take(self, row: AsRun) -> None:
        """Add a row of the log. The first row of a state counts, but a refusal of the order itself before others."""
        own = row.state == "refused" and row.reason == Reason.CLIP_MISMATCH
        if own or row.state not in self.states:
            self.states[row.state] = row.at
            if row.reason is not None:
                self.reasons[row.state] = row.reason
        if row.evidence is not None:
            self.evidence = {**(self.evidence or {}), **row.evidence}


@dataclass(frozen=True)
class Ladder:
    """An airing with its receivers."""

    airing: Airing
    sent_at: datetime | None
    climbs: tuple[Climb, ...]

    def count(self, rung: str) -> int:
        """How many receivers reached a rung."""
        return sum(rung in climb.states for climb in self.climbs)


def ladder(session: Session, airing: Airing, *, within: frozenset[str] | None = None) -> Ladder:
    """The ladder of one airing from the as-run log; `within` keeps to the receivers of these areas."""
    climbs = {
        row.receiver_id: Climb(row.receiver_id, row.receiver_name, row.kind, row.area_id)
        for row in session.scalars(
            select(AiringReceiver).where(AiringReceiver.airing_id == airing.id).order_by(AiringReceiver.receiver_name)
        )
    }
    order = session.scalar(select(OrderRecord).where(OrderRecord.airing_id == airing.id))
    for row in session.scalars(select(AsRun).where(AsRun.airing_id == airing.id).order_by(AsRun.seq)):
        climb = climbs.get(row.receiver_id)
        if climb is None:  # enrolled after the order went out, and inside its audience
            climb = climbs[row.receiver_id] = Climb(row.receiver_id, row.receiver_name, "unknown", row.area_id)
        climb.take(row)
    shown = tuple(climb for climb in climbs.values() if within is None or climb.area in within)
    return Ladder(airing, order.published_at if order else None, shown)


def current(session: Session, now: datetime, *among: ColumnElement[bool]) -> Airing | None:
    """The airing that is on; else the next; else the last one, of those that fulfil `among`."""
    standing = and_(Airing.state.in_(("planned", "dispatched", "closed")), *among)
    last = session.scalar(
        select(Airing).where(standing, Airing.due_at <= now).order_by(Airing.due_at.desc(), Airing.id).limit(1)
    )
    if last is not None and now < last.due_at + timedelta(milliseconds=last.duration_ms) + LINGER:
        return last
    coming = session.scalar(
        select(Airing).where(standing, Airing.due_at > now).order_by(Airing.due_at, Airing.id).limit(1)
    )
    return coming or last
