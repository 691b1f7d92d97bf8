"""What a planned reorganisation comes to: checked against the tree as it stands before and after its day."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from broadcaster.areas import KINDS, AreaOn, areas_on, lines_of
from broadcaster.errors import ConflictError, InvalidError
from broadcaster.storage.models import Area, Reorganisation
from broadcaster.targets import Place, Places
from devices.wire.messages import Identifier

AreaName = Annotated[str, Field(min_length=1, max_length=200)]


class NewArea(BaseModel):
    """An area that begins on the day."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: Identifier
    name: AreaName
    kind: Literal["province", "commune", "village"]
    parent: Identifier


class Ending(BaseModel):
    """An area that is no more from the day on, and what it becomes: one area (a merger) or several (a split)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    area: Identifier
    into: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=50)]


class Move(BaseModel):
    """An area that stands under another parent from the day on."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    area: Identifier
    to: Identifier


class ReceiverTo(BaseModel):
    """A receiver that stands in another area from the day on."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    receiver: Identifier
    to: Identifier


class ReorganisationPlan(BaseModel):
    """Communes that merge or split. What is right under an area that becomes one other goes there unless a move says otherwise."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "title": "Sáp nhập xã",
                    "day": "2027-07-01",
                    "endings": [{"area": "xa-tan-phong", "into": ["xa-tan-an"]}],
                }
            ]
        },
    )
    title: Annotated[str, Field(min_length=1, max_length=300)]
    day: date = Field(description="The first day of the new order of things, at the station.")
    areas: Annotated[tuple[NewArea, ...], Field(max_length=1000)] = ()
    endings: Annotated[tuple[Ending, ...], Field(max_length=1000)] = ()
    moves: Annotated[tuple[Move, ...], Field(max_length=5000)] = ()
    receivers: Annotated[tuple[ReceiverTo, ...], Field(max_length=10000)] = ()


@dataclass
class Effects:
    """The rows that a plan makes when it is approved."""

    before: Places
    after: dict[str, AreaOn]
    successors: dict[str, tuple[str, ...]] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)  # areas that move
    homes: dict[str, str] = field(default_factory=dict)  # receivers that move

    def line_after(self, place: Place) -> tuple[str, ...]:
        """Where a receiver stands from the day on."""
        return self.lines.get(self.homes.get(place.id, place.area_id), ())

    @cached_property
    def lines(self) -> dict[str, tuple[str, ...]]:
        """The lines of all areas from the day on."""
        return lines_of(self.after)


def effects_of(session: Session, plan: ReorganisationPlan, *, today: date, own: str | None = None) -> Effects:
    """What the plan comes to. Raises InvalidError or ConflictError, naming what does not fit."""
    if plan.day <= today:
        raise InvalidError(
            "Ngày có hiệu lực phải sau hôm nay, để kịp duyệt và báo cho thiết bị.",
            "The day must lie after today, so that it can be approved and receivers be told.",
            field="day",
        )
    if not plan.endings and not plan.moves and not plan.receivers:
        raise InvalidError("Kế hoạch không thay đổi gì.", "The plan changes nothing.")
    _no_other(session, plan, own)
    before = Places(session, plan.day - timedelta(days=1))
    effects = Effects(before, dict(areas_on(session, plan.day)))
    _begin(session, plan, effects)
    _end(session, plan, effects)
    _move(plan, effects)
    _receivers(plan, effects)
    _whole(effects)
    return effects


def _say(vi: str, en: str, names: Iterable[str]) -> InvalidError:
    listed = sorted(set(names))
    return InvalidError(f"{vi}: {', '.join(listed)}.", f"{en}: {', '.join(listed)}.", areas=listed)


def _no_other(session: Session, plan: ReorganisationPlan, own: str | None) -> None:
    mine = _named(plan)
    for other in session.scalars(select(Reorganisation).where(Reorganisation.state == "approved")):
        shared = mine & _named(ReorganisationPlan.model_validate(other.plan))
        if other.id != own and shared:
            names = ", ".join(sorted(shared))
            raise ConflictError(
                f"'{other.title}' ({other.day}) đã được duyệt và cũng đụng tới: {names}. Đợi có hiệu lực, hoặc hủy nó trước.",
                f"'{other.title}' ({other.day}) is approved and concerns these too: {names}. Wait for its day or undo it first.",
            )


def _named(plan: ReorganisationPlan) -> set[str]:
    return (
        {area.id for area in plan.areas}
        | {ending.area for ending in plan.endings}
        | {move.area for move in plan.moves}
        | {f"receiver {move.receiver}" for move in plan.receivers}
    )


def _begin(session: Session, plan: ReorganisationPlan, effects: Effects) -> None:
    taken = [area.id for area in plan.areas if session.get(Area, area.id) is not None]
    if taken:
        raise _say("Mã địa bàn đã dùng, chọn mã khác", "These identifiers are taken; choose others", taken)
    for area in plan.areas:
        effects.after[area.id] = AreaOn(area.id, area.name, area.kind, area.parent)


def _end(session: Session, plan: ReorganisationPlan, effects: Effects) -> None:
    ended = {ending.area for ending in plan.endings}
    unknown = [area for area in ended if area not in effects.before.areas or area not in effects.after]
    if unknown:
        raise _say("Không có địa bàn", "There is no such area to end", unknown)
    if len(ended) < len(plan.endings):
        raise _say("Kết thúc hai lần", "Ended twice", ended)
    for ending in plan.endings:
        del effects.after[ending.area]
    for ending in plan.endings:
        missing = [area for area in ending.into if area not in effects.after]
        if missing:
            raise _say("Không có địa bàn kế tiếp", "There is no such area to become", missing)
        effects.successors[ending.area] = tuple(dict.fromkeys(ending.into))
    planned = [row.id for row in session.scalars(select(Area).where(Area.id.in_(ended), Area.valid_to.is_not(None)))]
    if planned:
        raise _say("Địa bàn đã có ngày kết thúc", "These areas have a last day already", planned)


def _move(plan: ReorganisationPlan, effects: Effects) -> None:
    effects.parents.update({move.area: move.to for move in plan.moves})
    unknown = [area for move in plan.moves for area in (move.area, move.to) if area not in effects.after]
    if unknown:
        raise _say("Không có địa bàn", "There is no such area", unknown)
    open_: list[str] = []
    for area in list(effects.after.values()):
        into = effects.successors.get(area.parent_id or "")
        if into is None or area.id in effects.parents:
            continue
        if len(into) > 1:
            open_.append(area.name)
        else:
            effects.parents[area.id] = into[0]
    if open_:
        raise _say("Xã được chia: hãy nói rõ các thôn này về đâu", "The area is split: say where these go to", open_)
    for name, parent in effects.parents.items():
        area = effects.after[name]
        effects.after[name] = AreaOn(area.id, area.name, area.kind, parent)


def _receivers(plan: ReorganisationPlan, effects: Effects) -> None:
    effects.homes.update({move.receiver: move.to for move in plan.receivers})
    unknown = [move.receiver for move in plan.receivers if move.receiver not in effects.before.receivers]
    unknown += [move.to for move in plan.receivers if move.to not in effects.after]
    if unknown:
        raise _say("Không có thiết bị hoặc địa bàn", "There is no such receiver or area", unknown)
    open_: list[str] = []
    for place in effects.before.receivers.values():
        into = effects.successors.get(place.area_id)
        if into is None or place.id in effects.homes:
            continue
        if len(into) > 1:
            open_.append(place.id)
        else:
            effects.homes[place.id] = into[0]
    if open_:
        raise _say(
            "Xã được chia: hãy nói rõ các thiết bị này về đâu",
            "The area is split: say where these receivers go to",
            open_,
        )


def _whole(effects: Effects) -> None:
    """The tree of after holds together: every area under one that stands, and of a wider kind."""
    lines = effects.lines
    loose = [area for area in effects.after if area not in lines]
    if loose:
        raise _say("Các địa bàn này không nằm dưới địa bàn nào", "These areas would stand under nothing", loose)
    ranks: Mapping[str, int] = {kind: rank for rank, kind in enumerate(KINDS)}
    wrong = [
        area.id
        for area in effects.after.values()
        if area.parent_id is not None and ranks.get(area.kind, 0) <= ranks.get(effects.after[area.parent_id].kind, 0)
    ]
    if wrong:
        raise _say(
            "Cấp của địa bàn không hợp với cấp trên", "These are not of a narrower kind than their parent", wrong
        )
