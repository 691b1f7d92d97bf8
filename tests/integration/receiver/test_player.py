"""The player on a real journal, real clips and the WAV sink: who yields to whom, what goes on, what stays silent."""

import hashlib
import threading
import time
import wave
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from devices.receiver import player as player_module
from devices.receiver.amplifier import Amplifier, CommandSwitch, FileSwitch
from devices.receiver.clips import Clips
from devices.receiver.journal import Journal
from devices.receiver.outputs import Loudspeaker
from devices.receiver.place import Place
from devices.receiver.player import Player
from devices.receiver.sinks import Decoded, Played, Source, WavSink
from devices.wire.messages import (
    Audience,
    Configuration,
    Drill,
    GainCeiling,
    Hours,
    Order,
    Reason,
    Receipt,
    ReceiptState,
    Sound,
    Stop,
    Tone,
)
from tests.brokers import wait_for
from tests.station import now as this_instant
from tests.station import opus_tone, tone


class Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class Rig:
    """A loudspeaker without a line: orders are put into its journal as intake would."""

    def __init__(self, folder: Path, amplifier: Amplifier | None = None) -> None:
        self.folder = folder
        self.clock = Clock()
        self.clips = Clips(folder / "clips")
        self.place = Place("tan-an", "loa-1")
        self.configure()
        self.amplifier = amplifier
        self.start()

    def start(self) -> None:
        self.journal = Journal(self.folder / "journal.sqlite")
        output = Loudspeaker(WavSink(self.folder / "played"), self.clips, self.clock)
        self.place.output = output
        self.player = Player(self.journal, self.clock, self.place, lambda: None, self.amplifier)
        self.player.use(output)
        self.player.start()

    def close(self) -> None:
        self.player.close()
        self.journal.close()

    def configure(self, **changes: Any) -> None:
        now = datetime.now(UTC)
        self.place.configuration = Configuration(
            station="tan-an",
            receiver="loa-1",
            revision=1,
            issued_at=now,
            expires_at=now + timedelta(days=1),
            kind="loudspeaker",
            name="Thôn Đông",
            areas=("xa",),
            media_urls=("http://127.0.0.1:1",),
            **changes,
        )

    def order(
        self, name: str, clip: bytes | None, *, in_s: float = 0.1, kind: type[Order] = Order, **changes: Any
    ) -> Order:
        sound = None
        if clip is not None:
            sha = hashlib.sha256(clip).hexdigest()
            sound = Sound(sha256=sha, size=len(clip), duration_ms=1000)
            self.clips.path(sound).write_bytes(clip)
        now = this_instant()
        fields: dict[str, Any] = {
            "station": "tan-an",
            "id": name,
            "revision": 1,
            "airing": name,
            "audience": Audience(areas=("xa",)),
            "priority": "routine",
            "title": name,
            "issued_at": now,
            "play_at": now + timedelta(seconds=in_s),
            "late_limit_s": 60,
            "expires_at": now + timedelta(hours=1),
            "sound": sound,
            **changes,
        }
        order = kind(**fields)
        self.journal.accept(order, "0" * 64, now)
        self.journal.advance(order, "ready", now, only_from=("received",))
        self.player.look()
        return order

    def stop_all(self, *, revision: int = 1, lifted: bool = False) -> None:
        now = datetime.now(UTC)
        stop = Stop(
            station="tan-an",
            id="s1",
            revision=revision,
            audience=Audience(areas=("xa",)),
            issued_at=now,
            expires_at=now + timedelta(hours=1),
            reason="Dừng tất cả",
            lifted=lifted,
        )
        assert self.journal.note_stop(stop)
        self.player.look()

    def receipts(self, order: str) -> list[Receipt]:
        return [r for r in self.journal.outbox() if r.order == order and r.state not in {"received", "ready"}]

    def until(self, order: str, *states: str, within_s: float = 10.0) -> list[Receipt]:
        """Wait until exactly these states were told of the order, after `ready`."""
        wait_for(
            lambda: [r.state.value for r in self.receipts(order)] == list(states),
            within_s,
            f"{states} of {order}; there are {[(r.state.value, r.reason) for r in self.receipts(order)]}",
        )
        return self.receipts(order)

    def samples(self, name: str) -> NDArray[np.int16]:
        with wave.open(str(self.folder / "played" / f"{name}.wav")) as file:
            return np.frombuffer(file.readframes(file.getnframes()), np.int16)


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    monkeypatch.setattr(player_module, "RUN_BACK_MS", 100)
    made = Rig(tmp_path)
    yield made
    made.close()


LONG, SHORT = tone(1.0, hertz=300), tone(0.2, hertz=500)


def emergency(rig: Rig, name: str = "khan", **changes: Any) -> Order:
    return rig.order(name, SHORT, in_s=0, priority="emergency", **changes)


def test_what_was_interrupted_goes_on_a_little_before(rig: Rig) -> None:
    rig.order("tin", LONG, interrupted="resume")
    rig.until("tin", "started")
    threading.Event().wait(0.4)
    emergency(rig)
    first, stopped, again, finished = rig.until("tin", "started", "interrupted", "started", "finished")
    assert (stopped.reason, stopped.then) == (Reason.PREEMPTED, "resume")
    assert stopped.evidence is not None
    assert again.evidence is not None
    assert finished.evidence is not None
    assert again.evidence.from_ms == (stopped.evidence.played_ms or 0) - 100
    assert finished.evidence.from_ms == again.evidence.from_ms
    assert finished.evidence.played_ms == finished.evidence.expected_ms
    assert abs((finished.evidence.played_ms or 0) - 1000) < 50
    khan = rig.until("khan", "started", "finished")
    assert first.at < stopped.at <= khan[0].at < khan[1].at < again.at
    whole = _decoded(rig, "tin")
    skip = round((again.evidence.from_ms or 0) * 24)
    assert np.array_equal(rig.samples("tin.2"), whole[skip:])


def _decoded(rig: Rig, order: str) -> NDArray[np.int16]:
    entry = rig.journal.entry(order)
    assert entry is not None
    assert entry.order.sound is not None
    decoded = Decoded(rig.clips.path(entry.order.sound))
    found = np.concatenate(list(decoded.blocks()))
    decoded.close()
    return found


def test_what_was_interrupted_begins_anew(rig: Rig) -> None:
    rig.order("tin", LONG, interrupted="restart")
    rig.until("tin", "started")
    emergency(rig)
    _, stopped, again, _ = rig.until("tin", "started", "interrupted", "started", "finished")
    assert stopped.then == "restart"
    assert again.evidence is not None
    assert again.evidence.from_ms is None
    assert np.array_equal(rig.samples("tin.2"), _decoded(rig, "tin"))


def test_what_was_interrupted_is_dropped_where_nothing_else_is_said(rig: Rig) -> None:
    rig.order("tin", LONG)
    rig.until("tin", "started")
    emergency(rig)
    rig.until("khan", "started", "finished")
    _, stopped = rig.until("tin", "started", "interrupted")
    assert (stopped.reason, stopped.then) == (Reason.PREEMPTED, None)


def test_what_waits_to_go_on_survives_a_restart_and_is_given_up_when_its_time_is_over(rig: Rig) -> None:
    rig.order("tin", LONG, interrupted="resume", priority="priority")
    rig.until("tin", "started")
    rig.order("khan", tone(2.0), in_s=0, priority="emergency")
    rig.until("tin", "started", "interrupted")
    rig.until("khan", "started")
    rig.close()
    rig.start()
    assert rig.until("khan", "started", "interrupted")[-1].reason is Reason.RESTARTED
    rig.until("tin", "started", "interrupted", "started", "finished")
    rig.order("voi", LONG, interrupted="resume", expires_at=datetime.now(UTC) + timedelta(seconds=2), late_limit_s=1)
    rig.until("voi", "started")
    rig.order("khan-2", tone(2.0), in_s=0, priority="emergency")
    told = rig.until("voi", "started", "interrupted", "interrupted")
    assert [(r.reason, r.then) for r in told[1:]] == [(Reason.PREEMPTED, "resume"), (Reason.TOO_LATE, None)]


def all_day(**changes: Any) -> dict[str, Any]:
    return {"start": "00:00", "end": "00:00", **changes}


def test_quiet_hours_are_looked_at_again_at_the_start(rig: Rig) -> None:
    rig.order("tin", SHORT, late_limit_s=1)
    rig.configure(quiet_hours=(Hours(**all_day()),))
    emergency(rig)
    rig.until("khan", "started", "finished")
    (missed,) = rig.until("tin", "missed")
    assert missed.reason is Reason.QUIET_HOURS


def test_a_ceiling_holds_for_its_hours_and_for_one_order_only(rig: Rig) -> None:
    rig.configure(gain_ceilings=(GainCeiling(**all_day(gain_db=-20.0)), GainCeiling(**all_day(gain_db=-5.0))))
    rig.order("nho", SHORT)
    quiet = rig.until("nho", "started", "finished")[-1].evidence
    emergency(rig)
    loud = rig.until("khan", "started", "finished")[-1].evidence
    rig.configure()
    rig.order("sau", SHORT, gain_db=-6.0)
    after = rig.until("sau", "started", "finished")[-1].evidence
    assert quiet is not None
    assert loud is not None
    assert after is not None
    assert (quiet.gain_db, loud.gain_db, after.gain_db) == (-20.0, 0.0, -6.0)
    full = loud.level_dbfs or 0.0
    assert quiet.level_dbfs == pytest.approx(full - 20, abs=0.5)
    assert after.level_dbfs == pytest.approx(full - 6, abs=0.5)


def test_a_stop_silences_and_bars_and_is_lifted(rig: Rig) -> None:
    rig.order("tin", tone(8.0), interrupted="resume")
    rig.until("tin", "started")
    rig.order("cho", SHORT, in_s=1.0)
    rig.order("lo", SHORT, in_s=0.5, late_limit_s=1)
    asked = time.monotonic()
    rig.stop_all()
    stopped = rig.until("tin", "started", "interrupted")[-1]
    assert time.monotonic() - asked < 1.0
    assert (stopped.reason, stopped.then) == (Reason.STOPPED, None)
    assert rig.until("lo", "missed")[0].reason is Reason.STOPPED
    emergency(rig)  # issued after the stop
    rig.until("khan", "started", "finished")
    rig.close()
    rig.start()  # it is on disk
    wait_for(lambda: rig.player.stops == ("s1",), 5)
    assert rig.receipts("cho") == []
    rig.stop_all(revision=2, lifted=True)
    rig.until("cho", "started", "finished")
    assert rig.player.stops == ()
    assert [r.state for r in rig.receipts("tin")] == [ReceiptState.STARTED, ReceiptState.INTERRUPTED]


def test_what_waited_to_go_on_is_given_up_by_a_stop(rig: Rig) -> None:
    rig.order("tin", LONG, interrupted="resume")
    rig.until("tin", "started")
    rig.order("khan", tone(3.0), in_s=0, priority="emergency")
    rig.until("khan", "started")
    rig.stop_all()
    assert rig.until("khan", "started", "interrupted")[-1].reason is Reason.STOPPED
    told = rig.until("tin", "started", "interrupted", "interrupted")
    assert (told[-1].reason, told[-1].then) == (Reason.STOPPED, None)


def test_a_drill_is_silent_and_yields(rig: Rig) -> None:
    rig.order("dien-tap", SHORT, kind=Drill, priority="emergency")
    started, finished = rig.until("dien-tap", "started", "finished")
    assert started.reason is finished.reason is Reason.DRILL
    assert finished.evidence is not None
    assert finished.evidence.level_dbfs == -120
    assert not rig.samples("dien-tap").any()
    rig.order("dien-tap-2", tone(5.0), kind=Drill, priority="emergency")
    rig.until("dien-tap-2", "started")
    rig.order("tin", SHORT, in_s=0.2)
    rig.until("tin", "started", "finished")
    assert rig.until("dien-tap-2", "started", "interrupted")[-1].reason is Reason.PREEMPTED


def test_the_smaller_encoding_is_played(rig: Rig) -> None:
    data = opus_tone(0.4)
    sha = hashlib.sha256(data).hexdigest()
    opus = Sound(sha256=sha, size=len(data), duration_ms=400, media_type="audio/ogg")
    other = Sound(sha256="f" * 64, size=10, duration_ms=400, media_type="audio/x-of-tomorrow")
    rig.clips.path(opus).write_bytes(data)
    rig.order("opus", tone(0.4), alternatives=(other, opus))
    evidence = rig.until("opus", "started", "finished")[-1].evidence
    assert evidence is not None
    assert evidence.clip_sha256 == sha
    assert abs((evidence.played_ms or 0) - 400) <= 25
    assert evidence.level_dbfs == pytest.approx(-15.1, abs=1)


def test_a_self_test_sounds_at_its_level(rig: Rig) -> None:
    rig.order("thu", None, tone=Tone(duration_ms=300, level_dbfs=-30))
    evidence = rig.until("thu", "started", "finished")[-1].evidence
    assert evidence is not None
    assert evidence.level_dbfs == pytest.approx(-30, abs=0.5)
    assert (evidence.clip_sha256, evidence.played_ms, evidence.expected_ms) == (None, 300, 300)


class HangingSink:
    """A driver that never comes back."""

    name = "hanging"

    def __init__(self) -> None:
        self.released = threading.Event()

    def prepare(self, order: str, source: Source) -> "HangingSink":  # noqa: ARG002 - the port's
        return self

    def play(self, stop: threading.Event, begun: Callable[[], None]) -> Played:  # noqa: ARG002 - the port's
        begun()
        self.released.wait(30)
        return Played(0, 1000, None)

    def trouble(self) -> str | None:
        return None

    def close(self) -> None:
        pass


def test_a_player_that_hangs_is_known_as_stalled(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(player_module, "STALLED", timedelta(seconds=0.3))
    sink = HangingSink()
    rig.player.use(Loudspeaker(sink, rig.clips, rig.clock))
    rig.order("treo", SHORT)
    rig.until("treo", "started")
    wait_for(rig.player.stalled, 10, "the stall")
    sink.released.set()
    rig.until("treo", "started", "interrupted")


def test_the_amplifier_is_on_before_and_off_after(tmp_path: Path) -> None:
    line = tmp_path / "gpio"
    line.write_text("1")  # as a power cut left it
    rig = Rig(tmp_path, Amplifier(FileSwitch(line)))
    try:
        rig.configure(amplifier_lead_ms=300, amplifier_tail_ms=400)
        wait_for(lambda: line.read_text() == "0", 5)
        order = rig.order("tin", SHORT, in_s=0.6)
        wait_for(lambda: line.read_text() == "1", 5)
        on = datetime.now(UTC)
        assert timedelta() < order.play_at - on <= timedelta(milliseconds=300)
        started, finished = rig.until("tin", "started", "finished")
        assert started.at >= order.play_at
        assert line.read_text() == "1"
        wait_for(lambda: line.read_text() == "0", 5)
        assert datetime.now(UTC) - finished.at > timedelta(milliseconds=300)
        rig.order("gap", SHORT, in_s=0, priority="emergency")
        started, _ = rig.until("gap", "started", "finished")
        assert started.evidence is not None
        assert (started.evidence.late_ms or 0) >= 300  # nothing is said into an amplifier that is still waking
        rig.order("dien-tap", SHORT, in_s=0.6, kind=Drill)
        wait_for(lambda: line.read_text() == "0", 5)
        rig.until("dien-tap", "started", "finished")
        assert line.read_text() == "0"
    finally:
        rig.close()


def test_an_amplifier_that_fails_is_told_of_and_stops_nothing(tmp_path: Path) -> None:
    amplifier = Amplifier(CommandSwitch("/bin/false"))
    rig = Rig(tmp_path, amplifier)
    try:
        rig.order("tin", SHORT, in_s=0)
        rig.until("tin", "started", "finished")
        assert "failed" in (amplifier.failure or "")
    finally:
        rig.close()
