"""Begins each order at its instant, once, and tells how it went."""

import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from devices.receiver import precedence
from devices.receiver.clock import Clock, wait_until
from devices.receiver.journal import Entry, Journal
from devices.receiver.outputs import ClipLostError, Output, Performance
from devices.receiver.sinks import SinkError
from devices.wire.messages import Evidence, Order, Reason

log = structlog.get_logger(__name__)

AHEAD = timedelta(milliseconds=700)
"""How long before its instant an order's output is opened."""
COMMIT_AHEAD = timedelta(milliseconds=120)
"""How long before its instant it is written down that the order may have begun: a slow disk then delays no start."""
SETTLE_S = 0.05
"""Nothing else is done for so long after a start: the first samples, here and on receivers beside, come first."""
FINISHED_SHARE = 0.98


@dataclass
class _Current:
    order: Order
    stop: threading.Event = field(default_factory=threading.Event)
    reason: Reason | None = None  # why it was stopped
    begun_at: datetime | None = None
    thread: threading.Thread | None = None

    @property
    def late_ms(self) -> float | None:
        """How far behind the order's instant it began, by the receiver's clock."""
        if self.begun_at is None:
            return None
        return round((self.begun_at - self.order.play_at).total_seconds() * 1000, 3)


class Player:
    """One output, one order at a time.

    What it does is decided on its own thread from the journal alone; each performance runs on a thread made for it,
    which waits for the instant, so that deciding never delays a start.
    """

    def __init__(self, journal: Journal, clock: Clock, changed: Callable[[], None]) -> None:
        """`changed` is called after receipts were written."""
        self._journal = journal
        self._clock = clock
        self._changed = changed
        self._output: Output | None = None
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
        self._thread.start()

    def close(self) -> None:
        """Stop playing (what plays is interrupted by a restart) and end."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

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

    def next_start(self) -> datetime | None:
        """The earliest instant at which something is to begin."""
        return self._next

    # ---- the player's thread

    def _run(self) -> None:
        while True:
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
        self._miss(now)
        with self._wake:
            output, current = self._output, self._current
        play_at, late_at = self._journal.next_instants(now)
        self._next = play_at
        candidate = precedence.first(self._journal.ready_before(now + AHEAD))
        if output is not None and candidate is not None:
            if current is None:
                self._begin(output, candidate)
            elif candidate.id != current.order.id and precedence.displaces(candidate, current.order):
                if now >= candidate.play_at or current.begun_at is None:
                    with self._wake:
                        self._stop(current, Reason.PREEMPTED)
                else:
                    return min(0.5, (candidate.play_at - now).total_seconds())
        following = self._journal.next_instants(now + AHEAD)[0]
        edges = [] if late_at is None else [late_at]
        if following is not None:
            edges.append(following - AHEAD)
        return max(0.001, min(0.5, *((edge - now).total_seconds() for edge in edges))) if edges else 0.5

    def _miss(self, now: datetime) -> None:
        """Give up what may no longer begin."""
        current = self._current
        for entry in self._journal.overdue(now):
            if current is not None and current.order.id == entry.order.id:
                continue
            if self._journal.advance(
                entry.order, "missed", now, only_from=("received", "ready"), reason=self._why_missed(entry)
            ):
                log.warning("missed", order=entry.order.id, state=entry.state)
                self._changed()

    def _why_missed(self, entry: Entry) -> Reason:
        if entry.state == "ready":
            return Reason.TOO_LATE
        return self._obstacles.get(entry.order.id, Reason.CLIP_UNAVAILABLE)

    def _stop(self, current: _Current, reason: Reason) -> None:
        if current.reason is None:
            current.reason = reason
            current.stop.set()

    def _begin(self, output: Output, order: Order) -> None:
        current = _Current(order)
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
            performance = output.prepare(order)
            if wait_until(self._clock, order.play_at - COMMIT_AHEAD, current.stop):
                self._play(performance, current)
        except ClipLostError:
            log.warning("the clip was lost or damaged; fetching it again", order=order.id)
            self._journal.back_to_received(order)
        except SinkError as error:
            log.error("the output failed", order=order.id, error=str(error))  # noqa: TRY400 - said in full
            self._fail(order, str(error))
        except Exception:
            log.exception("a performance failed", order=order.id)
            self._fail(order, "an unexpected error; see the receiver's log")
        finally:
            if performance is not None:
                performance.close()
            with self._wake:
                self._current = None
                self._woken = True
                self._wake.notify_all()
            self._changed()

    def _fail(self, order: Order, detail: str) -> None:
        try:
            self._journal.advance(
                order,
                "failed",
                self._clock.now(),
                only_from=("ready", "starting", "started"),
                reason=Reason.SINK_FAILED,
                detail=detail,
            )
        except sqlite3.Error as error:
            # What may have begun stays `starting` or `started`, and is told of as interrupted after a restart.
            log.error("the journal cannot be written", order=order.id, error=str(error))  # noqa: TRY400 - said in full

    def _play(self, performance: Performance, current: _Current) -> None:
        order = current.order
        now = self._clock.now()
        if now > order.latest_start or not self._journal.advance(order, "starting", now, only_from=("ready",)):
            return  # missed, cancelled or replaced meanwhile; nothing has sounded
        if not wait_until(self._clock, order.play_at, current.stop):
            if current.reason is Reason.CANCELLED:
                at = self._clock.now()
                self._journal.advance(order, "cancelled", at, only_from=("starting",), reason=Reason.CANCELLED)
            else:
                self._journal.not_begun(order)
            return
        started = threading.Thread(target=self._tell_started, args=(current,), name="started", daemon=True)

        def begun() -> None:
            current.begun_at = self._clock.now()
            started.start()  # the disk must not hold the samples up

        try:
            evidence = performance.run(current.stop, begun)
        finally:
            if started.ident is not None:
                started.join()
        self._end(current, evidence)

    def _tell_started(self, current: _Current) -> None:
        order, at = current.order, current.begun_at
        if at is None:
            return
        current.stop.wait(SETTLE_S)
        late = max(0.0, (at - order.play_at).total_seconds() * 1000)
        self._journal.advance(order, "started", at, only_from=("starting",), evidence=Evidence(late_ms=round(late, 3)))
        log.info("started", order=order.id, late_ms=round(late, 3))
        self._changed()

    def _end(self, current: _Current, evidence: Evidence) -> None:
        order, at = current.order, self._clock.now()
        evidence = evidence.model_copy(update={"late_ms": current.late_ms})
        played, expected = evidence.played_ms or 0, evidence.expected_ms or 0
        if expected and played >= FINISHED_SHARE * expected:
            self._journal.advance(order, "finished", at, only_from=("starting", "started"), evidence=evidence)
        else:
            self._journal.advance(
                order,
                "interrupted",
                at,
                only_from=("starting", "started"),
                reason=current.reason,
                evidence=evidence,
            )
        log.info("ended", order=order.id, played_ms=played, expected_ms=expected)
