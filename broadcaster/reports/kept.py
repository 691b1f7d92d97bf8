"""What the log says of each airing, kept as it grows: a province's year is 16 million rows, which nobody can read at each look.

Kept is all that a report may ask of an airing, and nothing but what the log says, up to a row that is named by its number and hash. What came
after it is read from the log at each look, so that figures are those of the log's last row.
"""

import heapq
import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import cache
from itertools import groupby
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, String, cast, delete, false, func, select
from sqlalchemy.orm import Session

from broadcaster.errors import CountingError
from broadcaster.ladder import outcome_of
from broadcaster.ledger import hash_of
from broadcaster.reports.figures import AT_ONCE, CLIP_REFUSED, PLAYED_MS, Aired, Fared, Scope, part
from broadcaster.storage import bulk
from broadcaster.storage.database import HELD, Database
from broadcaster.storage.models import AsRun, KeptAiring, KeptEnd, LogHead, LogSeal
from devices.wire.messages import ReceiptState

log = logging.getLogger(__name__)
BATCH = 20_000
"""Rows of the log that are kept at once."""
READ_AT_A_LOOK = 100_000
"""Rows behind the last one kept that a look reads itself; about half a second."""
EVERY_S = 60.0
_FACTS = (
    *("airing_id", "due_at", "campaign_id", "bulletin_id", "bulletin_title", "field", "programme", "content_group"),
    *("priority", "duration_ms"),
)
_CLIP = "clip"  # beside the states: what was refused is the clip
_BITS = {name: 1 << nth for nth, name in enumerate((*(state.value for state in ReceiptState), _CLIP))}
Facts = tuple[Any, ...]
_T = TypeVar("_T", str, tuple[str, ...])
Place = tuple[tuple[str, ...] | None, str, str | None]
"""The line of areas, the area, the kind of receiver."""
Heard = dict[Place, dict[str, tuple[int, int]]]
"""By place and receiver: what it said, as bits, and the longest that it says it played."""
Group = Sequence[Any]
"""Line, area, kind, what was said, receivers, what each of them played (empty: nothing)."""
Key = tuple[str, datetime]
"""An airing as it was due."""
Late = dict[Key, list[tuple[Facts, list[Group]]]]


def _require(session: Session) -> None:
    """Raises CountingError while too much of the log is still to be kept."""
    kept, _ = _standing(session)
    last = _head(session)
    if last - kept > READ_AT_A_LOOK:
        raise CountingError(kept, last)


def number(session: Session, scope: Scope, *, zone: str) -> int:
    """About how many airings a scope has: as many as are kept."""
    return session.scalar(select(func.count()).select_from(KeptAiring).where(*_conditions(scope, zone))) or 0


def airings(session: Session, scope: Scope, *, zone: str, last: int | None = None) -> Iterator[Aired]:
    """The airings of a scope as they were due, up to the log's last row, or as the log said at its row `last`.

    Of an airing that was spoken of behind that row, the log's own rows up to it are read; any other is as it was. Raises CountingError while too
    much of the log is still to be kept.
    """
    _require(session)
    end, ours = _standing(session)
    asked, conditions = scope.conditions(zone), _conditions(scope, zone)
    until = [AsRun.seq <= last] if last is not None else []
    late: Late = {}
    for facts, (_, heard) in _heard(session, AsRun.seq > end, *until, *asked).items():
        late.setdefault((facts[0], facts[1]), []).append((facts, _groups(heard)))
    told = _Telling(scope.area)
    changed: ColumnElement[bool] = false()
    if last is not None and last < end:
        conditions.append(KeptAiring.seq <= last)  # spoken of since only: nothing was said of it then
        changed = select(AsRun.seq).where(AsRun.airing_id == KeptAiring.airing_id, AsRun.seq > last).exists()

    def then(key: Key) -> list[tuple[Facts, list[Group]]]:
        found = _heard(session, AsRun.airing_id == key[0], AsRun.due_at == key[1], *until, *asked)
        return [(facts, _groups(heard)) for facts, (_, heard) in found.items()]

    kept = _kept(session, conditions, changed, told, late=late, then=then) if ours else iter(())
    before = _keys(session, conditions, late) if ours else set()
    new = sorted((key for key in late if key not in before), key=lambda key: (key[1], key[0]))
    fresh = (aired for key in new if (aired := told.aired(late[key])) is not None)
    yield from heapq.merge(kept, fresh, key=lambda aired: aired.due_at)


def _conditions(scope: Scope, zone: str) -> list[ColumnElement[bool]]:
    first, behind = scope.bounds(zone)
    found = [KeptAiring.due_at >= first, KeptAiring.due_at < behind]
    if scope.campaign is not None:
        found.append(KeptAiring.campaign_id == scope.campaign)
    if scope.area is not None:
        # Identifiers hold no quotes, so a quoted one is found whole; which of the receivers stood there is seen when it is read.
        found.append(KeptAiring.heard.contains(f'"{scope.area}"', autoescape=True))
    return found


def _kept(
    session: Session,
    conditions: Iterable[ColumnElement[bool]],
    changed: ColumnElement[bool],
    told: "_Telling",
    *,
    late: Late,
    then: Callable[[Key], list[tuple[Facts, list[Group]]]],
) -> Iterator[Aired]:
    """What is kept of a scope, each airing with what was said of it since; where it was `changed`, as it was `then`."""
    query = (
        select(*(getattr(KeptAiring, name) for name in _FACTS), KeptAiring.heard, changed)
        .where(*conditions)
        .order_by(KeptAiring.due_at, KeptAiring.airing_id)
        .execution_options(yield_per=AT_ONCE)
    )
    for key, rows in groupby(session.execute(query), key=lambda row: (row[0], row[1])):
        kept = list(rows)
        if kept[0][-1]:
            found = then(key)
        else:
            found = [*((tuple(row[:-2]), json.loads(row[-2])) for row in kept), *late.get(key, ())]
        aired = told.aired(found)
        if aired is not None:
            yield aired


def _keys(session: Session, conditions: Iterable[ColumnElement[bool]], late: Iterable[Key]) -> set[Key]:
    """Which of these airings are among what is kept of the scope."""
    ids = bulk.listed(session, sorted({(airing,) for airing, _ in late}), "id")
    query = select(KeptAiring.airing_id, KeptAiring.due_at).join_from(ids, KeptAiring, KeptAiring.airing_id == ids.c.id)
    return {(airing, due_at) for airing, due_at in session.execute(query.where(*conditions))}


class _Telling:
    """Makes airings of what was heard, as far as it was heard in an area."""

    def __init__(self, area: str | None) -> None:
        self._area = area
        self._part = cache(lambda line, own: part(line, own, area))
        self._outcome = cache(lambda said: outcome_of(said.split(","), clip_refused=_CLIP in said.split(",")))
        self._within = cache(lambda line, own: area is None or own == area or area in (line or ()))

    def aired(self, found: Sequence[tuple[Facts, list[Group]]]) -> Aired | None:
        """One airing, or None if nothing was heard of it there."""
        groups = [group for _, each in found for group in each if self._within(_line(group[0]), group[1])]
        if not groups:
            return None
        names = [name for group in groups for name in group[4]]
        if len(set(names)) != len(names):
            groups = _once(groups)
        fared = tuple(
            Fared(self._part(_line(line), own), kind, self._outcome(said), tuple(receivers), sum(played))
            for line, own, kind, said, receivers, played in groups
        )
        airing, due_at, _, bulletin, title, topic, programme, group, priority, duration = found[-1][0]
        about = (bulletin or title or "", title or "", topic, programme, group, priority)
        return Aired(str(airing), due_at, *about, duration_ms=duration or 0, fared=fared)


def _once(groups: Iterable[Group]) -> list[Group]:
    """Each receiver once, whatever it said before and after it was moved or the last row was kept."""
    found: dict[str, tuple[Place, int, int]] = {}
    for place, name, bits, length in _told(groups):
        if name in found:
            other, more, longest = found[name]
            larger = (_larger(place[0], other[0]), max(place[1], other[1]), _larger(place[2], other[2]))
            found[name] = (larger, bits | more, max(length, longest))
        else:
            found[name] = (place, bits, length)
    heard: Heard = {}
    for name, (place, bits, length) in found.items():
        heard.setdefault(place, {})[name] = (bits, length)
    return _groups(heard)


def _larger(one: _T | None, other: _T | None) -> _T | None:
    # As the database takes the larger one of two texts.
    return other if one is None else one if other is None else max(one, other, key=json.dumps)


def _line(names: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(names)


def _heard(session: Session, *conditions: ColumnElement[bool]) -> dict[Facts, tuple[int, Heard]]:
    """What these rows of the log say, by airing, with the first of the rows."""
    query = (
        select(
            *(getattr(AsRun, name) for name in _FACTS),
            cast(AsRun.area_line, String),
            *(AsRun.area_id, AsRun.receiver_kind, AsRun.seq, AsRun.receiver_id, AsRun.state),
            *(PLAYED_MS, CLIP_REFUSED),
        )
        .where(AsRun.airing_id.is_not(None), AsRun.due_at.is_not(None), AsRun.drill.is_(None), *conditions)
        .order_by(AsRun.seq)
        .execution_options(yield_per=AT_ONCE)
    )
    found: dict[Facts, tuple[int, Heard]] = {}
    ends = len(_FACTS)
    read = cache(lambda text: _line(json.loads(text)) if text else None)
    for row in session.execute(query):
        values: tuple[Any, ...] = tuple(row)
        facts, place = values[:ends], (read(values[ends]), *values[ends + 1 : ends + 3])
        seq, receiver, state, played, clip = values[ends + 3 :]
        if facts not in found:
            found[facts] = (seq, {})
        bits = _BITS[state] | (_BITS[_CLIP] if clip else 0)
        _hear(found[facts][1].setdefault(place, {}), receiver, bits, played or 0)
    return found


def _groups(heard: Heard) -> list[Group]:
    found: dict[tuple[Place, int], tuple[list[str], list[int]]] = {}
    for place, receivers in heard.items():
        for name, (bits, played) in receivers.items():
            names, lengths = found.setdefault((place, bits), ([], []))
            names.append(name)
            lengths.append(played)
    return [
        (*place, _said(bits), names, lengths if any(lengths) else [])
        for (place, bits), (names, lengths) in found.items()
    ]


@cache
def _said(bits: int) -> str:
    return ",".join(name for name, bit in _BITS.items() if bits & bit)


def _merged(groups: Iterable[Group], heard: Heard) -> Heard:
    """What was kept, and what is new."""
    both: Heard = {}
    for place, name, bits, length in _told(groups):
        both.setdefault(place, {})[name] = (bits, length)
    for place, new in heard.items():
        for name, (bits, length) in new.items():
            _hear(both.setdefault(place, {}), name, bits, length)
    return both


def _hear(said: dict[str, tuple[int, int]], receiver: str, bits: int, length: int) -> None:
    """A receiver said this too."""
    before, longest = said.get(receiver, (0, 0))
    said[receiver] = (before | bits, max(longest, length))


def _told(groups: Iterable[Group]) -> Iterator[tuple[Place, str, int, int]]:
    """Each receiver by itself: where it stood, its name, what it said as bits, how long it played."""
    for line, own, kind, said, receivers, played in groups:
        place, bits = (_line(line), own, kind), sum(_BITS[name] for name in said.split(","))
        for name, length in zip(receivers, played or [0] * len(receivers), strict=True):
            yield place, name, bits, length


def _head(session: Session) -> int:
    return session.scalar(select(LogHead.seq).where(LogHead.id == 1)) or 0


def _standing(session: Session) -> tuple[int, bool]:
    """The last row that is kept, and whether what is kept is of this log: a restored database may have another."""
    end = session.get(KeptEnd, 1)
    sealed = session.scalar(select(func.max(LogSeal.seq))) or 0
    if end is None or end.seq < sealed or hash_of(session, end.seq) != end.hash:
        return sealed, False
    return end.seq, True


def _write(session: Session, found: dict[Facts, tuple[int, Heard]]) -> None:
    rows = [
        {"seq": seq, **dict(zip(_FACTS, facts, strict=True)), "heard": _text(_groups(heard))}
        for facts, (seq, heard) in found.items()
    ]
    bulk.add(session, KeptAiring, rows)


def _text(groups: list[Group]) -> str:
    return json.dumps(groups, ensure_ascii=False, separators=(",", ":"))


def leave(session: Session, last: int) -> None:
    """The log's rows up to `last` are about to leave: figures are the log's, so what is kept of them leaves with them."""
    end, ours = _standing(session)
    if not ours or end <= last:
        session.execute(delete(KeptAiring))
        session.execute(delete(KeptEnd))
        return
    touched = select(AsRun.airing_id).where(AsRun.seq <= last, AsRun.airing_id.is_not(None))
    rest = _heard(session, AsRun.seq > last, AsRun.seq <= end, AsRun.airing_id.in_(touched))
    session.execute(delete(KeptAiring).where(KeptAiring.airing_id.in_(touched)))
    _write(session, rest)


class Keeper:
    """Keeps up with the log: one thread, a piece of the log at a time, so that nobody waits long to write."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="reports", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the piece at hand."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        wait = 0.0
        while not self._stop.wait(wait):
            began = time.monotonic()
            try:
                more = self.step()
            except Exception:  # whatever it was, it is tried again
                log.exception("airings could not be kept for reports")
                more = False
            # Half of the time is others': after an upgrade a province's years are kept within the hour.
            wait = time.monotonic() - began if more else EVERY_S

    def step(self) -> bool:
        """Keep the next rows; returns whether there are more."""
        with self._database.reading() as session:
            standing = end, ours = _standing(session)
            head = _head(session)
            last = min(end + BATCH, head)
            if last <= end:
                return False
            digest = hash_of(session, last)
            if digest is None:
                raise LookupError(f"the log has no row {last}")
            found = _heard(session, AsRun.seq > end, AsRun.seq <= last)
            before = _before(session, found) if ours else {}
        gone = [seq for seq, _ in before.values()]
        for facts, (seq, text) in before.items():
            found[facts] = (seq, _merged(json.loads(text), found[facts][1]))
        with self._database.writing() as session:
            session.get(KeptEnd, 1, with_for_update=HELD)
            if _standing(session) != standing:
                return True  # another process was faster, or rows have left the log
            session.execute(delete(KeptAiring).where(KeptAiring.seq.in_(gone)) if ours else delete(KeptAiring))
            _write(session, found)
            session.merge(KeptEnd(id=1, seq=last, hash=digest))
        return last < head


def _before(session: Session, found: Iterable[Facts]) -> dict[Facts, tuple[int, str]]:
    """What is kept of these airings already."""
    ids = bulk.listed(session, sorted({(facts[0],) for facts in found}), "id")
    query = select(*(getattr(KeptAiring, name) for name in _FACTS), KeptAiring.seq, KeptAiring.heard).join_from(
        ids, KeptAiring, KeptAiring.airing_id == ids.c.id
    )
    kept = {tuple(row[:-2]): (row[-2], row[-1]) for row in session.execute(query)}
    return {facts: kept[facts] for facts in found if facts in kept}
