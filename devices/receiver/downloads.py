"""Fetches the clips of the orders that wait for one, the most urgent first."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
import structlog

from devices.receiver import precedence
from devices.receiver.clips import Clips, Fetched
from devices.receiver.clock import Clock
from devices.receiver.journal import Journal
from devices.receiver.place import Place
from devices.receiver.player import Player
from devices.wire.messages import File, Order, Reason

log = structlog.get_logger(__name__)

BACKOFF_S = (1.0, 60.0)
SPREAD_SHARE = 0.25
"""Of the time that is left before the instant, over which receivers spread the beginning of a download at random."""
SPREAD_MOST = timedelta(minutes=30)
NOT_SPREAD = timedelta(minutes=2)
"""What is due so soon is fetched at once."""
_OBSTACLES = {Fetched.MISMATCH: Reason.CLIP_MISMATCH, Fetched.DISK_FULL: Reason.DISK_FULL}


@dataclass
class _Attempt:
    next_at: float
    delay_s: float


class Downloads:
    """One thread: receivers share a thin line, and the next clip matters more than two at once."""

    def __init__(
        self,
        *,
        place: Place,
        clips: Clips,
        journal: Journal,
        clock: Clock,
        player: Player,
        client: httpx.Client,
        fallback_urls: tuple[str, ...] = (),
        changed: Callable[[], None],
        backoff_s: tuple[float, float] = BACKOFF_S,
    ) -> None:
        self._place = place
        self._clips = clips
        self._journal = journal
        self._clock = clock
        self._player = player
        self._client = client
        self._fallback_urls = fallback_urls
        self._changed = changed
        self._backoff_s = backoff_s
        self._attempts: dict[str, _Attempt] = {}
        self._begin_at: dict[str, datetime] = {}
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="downloads", daemon=True)

    def start(self) -> None:
        """Fetch until `close`."""
        self._thread.start()

    def look(self) -> None:
        """There may be orders that wait for a clip, or new addresses to try."""
        self._wake.set()

    def try_again_now(self) -> None:
        """The line is back or the addresses changed: forget the back-off (but not the spreading)."""
        self._attempts.clear()
        self._wake.set()

    def close(self) -> None:
        """Break off; what was fetched so far is gone on with after a restart."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            try:
                pause = self._step()
            except Exception:
                log.exception("fetching clips failed")
                pause = 5.0
            self._wake.wait(pause)

    def _step(self) -> float:
        output = self._place.output
        if output is None:
            return 1.0
        orders = [entry.order for entry in self._journal.entries("received")]
        waiting = [(order, clip) for order in orders if (clip := output.clip(order)) is not None]
        wanted = {clip.sha256 for _, clip in waiting}
        self._attempts = {sha: attempt for sha, attempt in self._attempts.items() if sha in wanted}
        self._begin_at = {sha: at for sha, at in self._begin_at.items() if sha in wanted}
        now, tick = self._clock.now(), time.monotonic()
        due = [
            (order, clip)
            for order, clip in waiting
            if self._spread(order, clip, now) <= now
            and ((a := self._attempts.get(clip.sha256)) is None or a.next_at <= tick)
        ]
        urgent = precedence.first(order for order, _ in due if order.play_at <= now)
        chosen = urgent or min((order for order, _ in due), key=_by_instant, default=None)
        if chosen is None:
            return min([1.0, *(max(0.01, attempt.next_at - tick) for attempt in self._attempts.values())])
        clip = next(clip for order, clip in due if order is chosen)
        self._fetch(clip, [order for order, other in waiting if other.sha256 == clip.sha256])
        return 0.0

    def _spread(self, order: Order, clip: File, now: datetime) -> datetime:
        """When to begin: a province's receivers got the order in the same second, and must not all fetch in the next."""
        if self._clips.present(clip):
            return now
        drawn = begin_at(order.play_at, now, random.random())  # noqa: S311 - spreading, not secrecy
        kept = self._begin_at.setdefault(clip.sha256, drawn)
        if kept > begin_at(order.play_at, now, 1.0):  # another order needs the clip sooner
            kept = self._begin_at[clip.sha256] = drawn
        return kept

    def _fetch(self, sound: File, orders: list[Order]) -> None:
        """Fetch once for all orders that share the clip."""
        if self._clips.present(sound) and self._clips.verified(sound):
            outcome, detail = Fetched.READY, "it was on the device"
        elif not self._clips.make_room(sound, self._needed()):
            outcome, detail = Fetched.DISK_FULL, "There is no room for it beside the clips that are due."
        else:
            configuration = self._place.configuration
            urls = configuration.media_urls if configuration else self._fallback_urls
            outcome, detail = self._clips.fetch(sound, urls, self._client, self._stop)
        if self._stop.is_set() and outcome is not Fetched.READY:
            return
        now = self._clock.now()
        if outcome is Fetched.READY:
            log.info("clip ready", clip=sound.sha256[:12], orders=len(orders))
            self._attempts.pop(sound.sha256, None)
            output = self._place.output
            flaw = None if output is None else output.flaw(sound)
            for order in orders:
                if flaw is None:
                    self._journal.advance(order, "ready", now, only_from=("received",))
                else:
                    self._journal.advance(
                        order, "refused", now, only_from=("received",), reason=Reason.UNSUPPORTED, detail=flaw
                    )
        elif outcome is Fetched.MISMATCH:
            log.warning("the clip is not the released one", clip=sound.sha256[:12], detail=detail)
            for order in orders:
                self._journal.advance(
                    order, "refused", now, only_from=("received",), reason=Reason.CLIP_MISMATCH, detail=detail
                )
        else:
            before = self._attempts.get(sound.sha256)
            delay = self._backoff_s[0] if before is None else min(before.delay_s * 2, self._backoff_s[1])
            spread = delay * random.uniform(0.5, 1.5)  # noqa: S311 - spreading, not secrecy
            self._attempts[sound.sha256] = _Attempt(time.monotonic() + spread, delay)
            log.warning("the clip cannot be fetched yet", clip=sound.sha256[:12], detail=detail)
            for order in orders:
                self._player.obstacle(order.id, _OBSTACLES.get(outcome, Reason.CLIP_UNAVAILABLE))
            return
        self._changed()
        self._player.look()

    def _needed(self) -> set[str]:
        entries = self._journal.entries("received", "ready", "starting", "started", "paused")
        return {
            file.sha256
            for entry in entries
            for file in (
                entry.order.sound,
                *entry.order.alternatives,
                entry.order.card.image if entry.order.card else None,
            )
            if file is not None
        }


def begin_at(play_at: datetime, now: datetime, share: float) -> datetime:
    """When to begin to fetch what is to play at an instant, `share` (0 to 1) of the way through the time for it."""
    left = play_at - now
    return now if left <= NOT_SPREAD else now + min(left * SPREAD_SHARE, SPREAD_MOST) * share


def _by_instant(order: Order) -> datetime:
    return order.play_at
