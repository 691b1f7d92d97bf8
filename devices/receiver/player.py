"""Begins each order at its instant, once, and tells how it went."""

import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import structlog

from devices.receiver import precedence
from devices.receiver.amplifier import Amplifier
from devices.receiver.clock import Clock, Undisturbed, wait_until
from devices.receiver.journal import Entry, Journal, State
from devices.receiver.outputs import ClipLostError, Output, Performance
from devices.receiver.place import Place
from devices.receiver.sinks import SinkError
from devices.wire.messages import Evidence, Order, Reason, Stop

log = structlog.get_logger(__name__)

AHEAD = timedelta(milliseconds=700)
"""How long before its instant an order's output is opened."""
COMMIT_AHEAD = timedelta(milliseconds=120)
"""How long before its instant it is written down that the order may have begun: a slow disk then delays no start."""
SETTLE_S = 0.05
"""Nothing else is done for so long after a start: the first samples, here and on receivers beside, come first."""
FINISHED_SHARE = 0.98
RUN_BACK_MS = 3000
"""How far before the place where it was stopped an order goes on, so that a listener finds the thread."""
CLEAR = timedelta(seconds=5)
"""Nothing goes on so shortly before something of a higher class is due."""
DISK_PAUSE_S = 1.0
"""How long to wait before writing to a disk again that refused it."""
STALLED = timedelta(seconds=30)
"""How long past its end a performance may last before the player counts as stalled."""


@dataclass
class _Current:
    order: Order
    from_ms: int = 0
    goes_on: bool = False  # it was paused before
    gain_db: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)  # nothing sounds any more
    reason: Reason | None = None  # why it was stopped
    begun_at: datetime | None = None
    ends: float | None = None  # time.monotonic() by which it must be over
    thread: threading.Thread | None = None

    @property
    def late_ms(self) -> float | None:
        """How far behind the order's instant it began, by the receiver's clock; None of what goes on later."""
        if self.begun_at is None or self.goes_on:
            return None
        return round(max(0.0, (self.begun_at - self.order.play_at).total_seconds() * 1000), 3)


class Player:
    """One output, one order at a time.

    What it does is decided on its own thread from the journal alone; each performance runs on a thread made for it,
    which waits for the instant, so that deciding never delays a start.
    """

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        place: Place,
        changed: Callable[[], None],
        amplifier: Amplifier | None = None,
    ) -> None:
        """`changed` is called after receipts were written."""
        self._journal = journal
        self._clock = clock
        self._place = place
        self._changed = changed
        self._amplifier = amplifier or Amplifier(None)
        self._output: Output | None = None
        self._stops: tuple[Stop, ...] = ()
        self._beat = time.monotonic()
        self.output_failed = False  # the last performance failed at the output
        self._current: _Current | None = None
        self._wake = threading.Condition()
        self._obstacles: dict[str, Reason] = {}
        self._next: datetime | None = None
        self._woken = False
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="player", daemon=True)

    def start(self) -> None:
        """First end what a restart interrupted, then play."""
        now = self._clock.now()
        for entry in self._journal.entries("starting", "started"):
            self._journal.advance(
                entry.order, "interrupted", now, only_from=("starting", "started"), reason=Reason.RESTARTED
            )
        self._changed()
        self._amplifier.off()  # a power cut may have left it on
        self._thread.start()

    def close(self) -> None:
        """Stop playing (what plays is interrupted by a restart) and end."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        self._amplifier.off()

    def use(self, output: Output | None) -> None:
        """Play on this output from now on."""
        with self._wake:
            self._output = output
        self.look()

    def look(self) -> None:
        """Something in the journal changed."""
        with self._wake:
            self._woken = True
            self._wake.notify_all()

    def cancel(self, order: str, revision: int) -> None:
        """Stop the order if it plays now in a lower revision. What has not begun is cancelled in the journal."""
        with self._wake:
            current = self._current
            if current is not None and current.order.id == order and current.order.revision < revision:
                self._stop(current, Reason.CANCELLED)

    def obstacle(self, order: str, reason: Reason) -> None:
        """Why the order is not ready yet; its receipt says so if it is missed."""
        if len(self._obstacles) > 1000:
            self._obstacles.clear()
        self._obstacles[order] = reason

    @property
    def playing(self) -> str | None:
        """The order that plays now."""
        current = self._current
        return None if current is None or current.begun_at is None else current.order.id

    @property
    def stops(self) -> tuple[str, ...]:
        """The stops in force."""
        return tuple(sorted(stop.id for stop in self._stops))

    def stalled(self) -> bool:
        """Whether its thread, or the performance that is on, should long have done something and has not."""
        if self._thread.ident is not None and time.monotonic() - self._beat > STALLED.total_seconds():
            return True
        current = self._current
        return current is not None and current.ends is not None and time.monotonic() > current.ends

    def next_start(self) -> datetime | None:
        """The earliest instant at which something is to begin."""
        return self._next

    # ---- the player's thread

    def _run(self) -> None:
        while True:
            self._beat = time.monotonic()
            with self._wake:
                self._woken = False
                if self._stopping:
                    current = self._current
                    if current is not None:
                        self._stop(current, Reason.RESTARTED)
                    break
            try:
                pause = self._step()
            except sqlite3.Error as error:
                log.error("the journal cannot be written", error=str(error))  # noqa: TRY400 - said in full
                pause = 2.0
            with self._wake:
                if not self._woken and not self._stopping:
                    self._wake.wait(pause)
        if current is not None and current.thread is not None:
            current.thread.join(timeout=8)

    def _step(self) -> float:
        """Do what is due; return for how many seconds nothing else can be."""
        now = self._clock.now()
        self._stops = tuple(self._journal.stops(now))
        self._miss(now)
        with self._wake:
            output, current = self._output, self._current
            if current is not None and self._barred(current.order, now):
                self._stop(current, Reason.STOPPED)
        play_at, late_at = self._journal.next_instants(now)
        self._next = play_at
        ahead = AHEAD + self._lead(output)
        paused = {entry.order.id: entry for entry in self._to_go_on(now)}
        due = [order for order in self._journal.ready_before(now + ahead) if self._may_begin(order, now)]
        candidate = precedence.first([*due, *(entry.order for entry in paused.values())])
        if output is not None and candidate is not None:
            if current is None:
                self._begin(output, candidate, paused.get(candidate.id), now)
            elif candidate.id != current.order.id and precedence.displaces(candidate, current.order):
                if now >= candidate.play_at or current.begun_at is None:
                    with self._wake:
                        self._stop(current, Reason.PREEMPTED)
                else:
                    return min(0.5, (candidate.play_at - now).total_seconds())
        following = self._journal.next_instants(now + ahead)[0]
        edges = [] if late_at is None else [late_at]
        if following is not None:
            edges.append(following - ahead)
        return max(0.001, min(0.5, *((edge - now).total_seconds() for edge in edges))) if edges else 0.5

    def _lead(self, output: Output | None) -> timedelta:
        configuration = self._place.configuration
        if configuration is None or output is None or not output.audible or not self._amplifier.present:
            return timedelta()
        return timedelta(milliseconds=configuration.amplifier_lead_ms)

    def _barred(self, order: Order, now: datetime) -> bool:
        return any(stop.bars(order, now) for stop in self._stops)

    def _may_begin(self, order: Order, now: datetime) -> bool:
        return not self._barred(order, now) and not self._place.quiet(order, max(now, order.play_at))

    def _to_go_on(self, now: datetime) -> list[Entry]:
        """What is paused and may go on now; what never can is given up."""
        found = []
        for entry in self._journal.entries("paused"):
            order = entry.order
            left = timedelta(milliseconds=_length_ms(order, self._place) - entry.position_ms)
            reason = None
            if self._barred(order, now):
                reason = Reason.STOPPED
            elif now + left > order.expires_at:
                reason = Reason.TOO_LATE
            elif self._place.quiet(order, now):
                reason = Reason.QUIET_HOURS
            if reason is not None:
                current = self._current
                if (current is None or current.order.id != order.id) and self._journal.advance(
                    order, "interrupted", now, only_from=("paused",), reason=reason
                ):
                    self._changed()
            elif not any(
                precedence.displaces(other, order) and self._may_begin(other, now)
                for other in self._journal.ready_before(now + CLEAR)
            ):
                found.append(entry)
        return found

    def _miss(self, now: datetime) -> None:
        """Give up what may no longer begin."""
        current = self._current
        for entry in self._journal.overdue(now):
            if current is not None and current.order.id == entry.order.id:
                continue
            if self._journal.advance(
                entry.order, "missed", now, only_from=("received", "ready"), reason=self._why_missed(entry, now)
            ):
                log.warning("missed", order=entry.order.id, state=entry.state)
                self._changed()

    def _why_missed(self, entry: Entry, now: datetime) -> Reason:
        if self._barred(entry.order, now):
            return Reason.STOPPED
        if entry.state == "received":
            return self._obstacles.get(entry.order.id, Reason.CLIP_UNAVAILABLE)
        return Reason.QUIET_HOURS if self._place.quiet(entry.order, now) else Reason.TOO_LATE

    def _stop(self, current: _Current, reason: Reason) -> None:
        if current.reason is None:
            current.reason = reason
            current.stop.set()

    def _begin(self, output: Output, order: Order, paused: Entry | None, now: datetime) -> None:
        current = _Current(
            order,
            from_ms=0 if paused is None else paused.position_ms,
            goes_on=paused is not None,
            gain_db=self._place.gain_db(order, max(now, order.play_at)),
        )
        length = timedelta(milliseconds=_length_ms(order, self._place))
        wait = max(timedelta(), order.play_at - now)
        current.ends = time.monotonic() + (wait + length + STALLED).total_seconds()
        current.thread = threading.Thread(
            target=self._perform, args=(output, current), name=f"play-{order.id}", daemon=True
        )
        with self._wake:
            self._current = current
        current.thread.start()

    # ---- a performance's thread

    def _perform(self, output: Output, current: _Current) -> None:
        order = current.order
        performance: Performance | None = None
        try:
            performance = output.prepare(order, from_ms=current.from_ms, gain_db=current.gain_db)
            instant = self._amplify(output, current)
            if wait_until(self._clock, instant - COMMIT_AHEAD, current.stop):
                self._play(performance, current, instant)
            self.output_failed = False
        except ClipLostError:
            log.warning("the clip was lost or damaged; fetching it again", order=order.id)
            self._journal.back_to_received(order)
            self._journal.advance(  # there is no time to fetch what was to go on
                order, "interrupted", self._clock.now(), only_from=("paused",), reason=Reason.CLIP_UNAVAILABLE
            )
        except SinkError as error:
            self.output_failed = True
            log.error("the output failed", order=order.id, error=str(error))  # noqa: TRY400 - said in full
            self._fail(order, str(error))
        except sqlite3.Error as error:
            # Nothing has sounded: what cannot be written down as begun does not begin, until its latest start.
            log.error("the journal cannot be written", order=order.id, error=str(error))  # noqa: TRY400 - said in full
            current.stop.wait(DISK_PAUSE_S)
        except Exception:
            log.exception("a performance failed", order=order.id)
            self._fail(order, "an unexpected error; see the receiver's log")
        finally:
            if performance is not None:
                performance.close()
            if output.audible:
                self._amplifier.off_after(self._tail())
            with self._wake:
                self._current = None
                self._woken = True
                self._wake.notify_all()
            self._changed()

    def _amplify(self, output: Output, current: _Current) -> datetime:
        """Switch the amplifier on in time; the instant at which the first sample may go out."""
        order, lead = current.order, self._lead(output)
        instant = max(order.play_at, self._clock.now()) if current.goes_on else order.play_at
        if not lead or order.is_drill or not wait_until(self._clock, instant - lead, current.stop):
            return instant
        was_on = self._amplifier.on()
        return instant if was_on else max(instant, self._clock.now() + lead)

    def _tail(self) -> timedelta:
        configuration = self._place.configuration
        return timedelta(milliseconds=0 if configuration is None else configuration.amplifier_tail_ms)

    def _fail(self, order: Order, detail: str) -> None:
        try:
            self._journal.advance(
                order,
                "failed",
                self._clock.now(),
                only_from=("ready", "starting", "started", "paused"),
                reason=Reason.SINK_FAILED,
                detail=detail,
            )
        except sqlite3.Error as error:
            # What may have begun stays `starting` or `started`, and is told of as interrupted after a restart.
            log.error("the journal cannot be written", order=order.id, error=str(error))  # noqa: TRY400 - said in full

    def _play(self, performance: Performance, current: _Current, instant: datetime) -> None:
        order = current.order
        before: Literal["ready", "paused"] = "paused" if current.goes_on else "ready"
        now = self._clock.now()
        if now > order.latest_start and not current.goes_on:
            return  # too late by now
        if not self._journal.advance(order, "starting", now, only_from=(before,)):
            return  # missed, cancelled or replaced meanwhile; nothing has sounded
        # All that can be done before the instant is: the first thing after it is the first sample.
        teller = threading.Thread(target=self._tell_started, args=(current, instant), name="started", daemon=True)
        teller.start()

        calm = Undisturbed()

        def begun() -> None:
            current.begun_at = self._clock.now()
            calm.end()

        try:
            with calm:
                in_time = wait_until(self._clock, instant, current.stop)
                evidence = performance.run(current.stop, begun) if in_time else None
        finally:
            current.over.set()
            teller.join()
        if evidence is None:
            if current.reason is Reason.CANCELLED:
                state: State = "interrupted" if current.goes_on else "cancelled"
                self._journal.advance(order, state, self._clock.now(), only_from=("starting",), reason=Reason.CANCELLED)
            else:
                self._journal.not_begun(order, before)
            return
        self._end(current, evidence)

    def _tell_started(self, current: _Current, instant: datetime) -> None:
        """On a thread beside: the disk must not hold the samples up, nor what wakes this thread."""
        while current.begun_at is None and not current.over.is_set():
            left = (instant - self._clock.now()).total_seconds()
            current.over.wait(max(0.0, left) + SETTLE_S)
        order, at = current.order, current.begun_at
        if at is None:
            return
        late = current.late_ms
        evidence = Evidence(
            late_ms=late,
            from_ms=current.from_ms or None,
            gain_db=None if order.is_drill else round(current.gain_db, 2),
        )
        self._persist(
            lambda: self._journal.advance(
                order, "started", at, only_from=("starting",), reason=_drill(order), evidence=evidence
            )
        )
        log.info("started", order=order.id, late_ms=late, from_ms=current.from_ms)
        self._changed()

    def _persist(self, write: Callable[[], object]) -> None:
        """Write until the disk takes it: what has sounded is told, however long the disk is full."""
        while True:
            try:
                write()
            except sqlite3.Error as error:
                log.error("the journal cannot be written", error=str(error))  # noqa: TRY400 - said in full
                with self._wake:
                    if self._stopping:
                        return  # it is told of as interrupted after the restart
                    self._wake.wait(DISK_PAUSE_S)
            else:
                return

    def _end(self, current: _Current, evidence: Evidence) -> None:
        at = self._clock.now()
        self._persist(lambda: self._write_end(current, evidence, at))

    def _write_end(self, current: _Current, evidence: Evidence, at: datetime) -> None:
        order = current.order
        evidence = evidence.model_copy(update={"late_ms": current.late_ms})
        played, expected = evidence.played_ms or 0, evidence.expected_ms or 0
        log.info("ended", order=order.id, played_ms=played, expected_ms=expected)
        if expected and played >= FINISHED_SHARE * expected:
            self._journal.advance(
                order, "finished", at, only_from=("starting", "started"), reason=_drill(order), evidence=evidence
            )
        elif current.reason is Reason.PREEMPTED and order.interrupted != "drop":
            self._journal.pause(
                order,
                at,
                position_ms=max(0, played - RUN_BACK_MS) if order.interrupted == "resume" else 0,
                then=order.interrupted,
                reason=Reason.PREEMPTED,
                evidence=evidence,
            )
        else:
            self._journal.advance(
                order,
                "interrupted",
                at,
                only_from=("starting", "started"),
                reason=current.reason or _drill(order),
                evidence=evidence,
            )


def _drill(order: Order) -> Reason | None:
    return Reason.DRILL if order.is_drill else None


def _length_ms(order: Order, place: Place) -> int:
    """How long the order lasts here."""
    configuration = place.configuration
    if configuration is not None and configuration.kind == "screen" and order.card is not None:
        return order.card.duration_ms
    held = order.sound or order.tone or order.card
    return 0 if held is None else held.duration_ms
