"""Any one process may die at any step of the ladder: nothing is played twice, and every receipt is logged once."""

import wave
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Literal

import pytest

from tests.brokers import wait_for
from tests.e2e.station import Aired, ReceiverProgram, StationRig

Victim = Literal["server", "receiver", "broker"]
Step = Literal["sent", "received", "ready", "started", "finished"]
VICTIMS: tuple[Victim, ...] = ("server", "receiver", "broker")
STEPS: tuple[Step, ...] = ("sent", "received", "ready", "started", "finished")
LEAD_S = 2.0
NUMBERS = ("một", "hai", "ba", "bốn", "năm")
NAMES = {"server": "máy chủ", "receiver": "cụm loa", "broker": "trạm chuyển tin"}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("victim", VICTIMS)
def test_killed_and_started_again(rig: StationRig, victim: Victim, step: Step) -> None:
    bulletin = rig.write("Thử nghiệm", f"Thử {NAMES[victim]}, lần {NUMBERS[STEPS.index(step)]}.")
    loudspeaker = rig.loudspeakers[0]
    # A clip that cannot be had yet holds the loudspeakers at "received"; else they are ready before one can look.
    with _out_of_reach(rig.clip_path(bulletin), step == "received"):
        aired = rig.release(bulletin, lead_s=LEAD_S)
        _wait_for(loudspeaker, step, aired)
        _kill(rig, victim)
    _start_again(rig, victim)
    rig.settle(aired)

    interrupted = {loudspeaker.id} if (victim, step) == ("receiver", "started") else set()
    outcomes = {receiver: climb["outcome"] for receiver, climb in rig.climbs(aired).items()}
    assert outcomes == {
        receiver.id: "interrupted" if receiver.id in interrupted else "finished" for receiver in rig.receivers
    }
    if interrupted:
        assert rig.climbs(aired)[loudspeaker.id]["reason"] == "restarted"
    _assert_logged_once(rig)
    _assert_played_once(rig, aired, interrupted)


def test_after_all_of_them_died_together_nothing_old_sounds_again(rig: StationRig) -> None:
    before = {path: path.stat().st_mtime_ns for path in _wavs(rig)}
    for program in (rig.server, *rig.receivers):
        program.kill()
    rig.start_server()
    for receiver in rig.receivers:
        receiver.start()
    # The orders that still stand on the broker come to each receiver once more, before this new one.
    aired = rig.release(rig.write("Thử nghiệm", "Tất cả chạy lại."), lead_s=LEAD_S)
    rig.settle(aired)
    _assert_logged_once(rig)
    _assert_played_once(rig, aired, set())
    assert {path: path.stat().st_mtime_ns for path in _wavs(rig) if path in before} == before
    assert len(_wavs(rig)) == len(before) + len(rig.loudspeakers)


@contextmanager
def _out_of_reach(clip: Path, wanted: bool) -> Iterator[None]:
    if not wanted:
        yield
        return
    hidden = clip.rename(clip.with_suffix(".hidden"))
    try:
        yield
    finally:
        hidden.rename(clip)


def _wait_for(loudspeaker: ReceiverProgram, step: Step, aired: Aired) -> None:
    """The loudspeaker's own journal and sound file tell, so that the kill comes before anybody else was told."""
    if step == "started":
        wait_for(lambda: loudspeaker.sounding(aired.order) > aired.clip["duration_ms"] / 3000, 30, "sound")
    elif step != "sent":
        wait_for(lambda: loudspeaker.state(aired.order) == step, 30, step)


def _kill(rig: StationRig, victim: Victim) -> None:
    if victim == "server":
        rig.server.kill()
    elif victim == "receiver":
        rig.loudspeakers[0].kill()
    else:
        rig.kill_broker()


def _start_again(rig: StationRig, victim: Victim) -> None:
    if victim == "server":
        rig.start_server()
    elif victim == "receiver":
        rig.loudspeakers[0].start()
    # The server starts its broker again by itself; `kill_broker` waits for that.


def _assert_logged_once(rig: StationRig) -> None:
    """Every receipt that a receiver ever wrote stands in the log, once; and the log's chain holds."""
    log = rig.operator.log()
    assert len({(row["receiver_id"], row["receipt_id"]) for row in log}) == len(log)
    for receiver in rig.receivers:
        numbers = [row["receiver_seq"] for row in log if row["receiver_id"] == receiver.id]
        assert sorted(numbers) == list(range(1, receiver.issued() + 1)), receiver.id
    verified = rig.operator.verification()
    assert (verified["rows"], verified["ok"], verified["faults"]) == (len(log), True, [])


def _assert_played_once(rig: StationRig, aired: Aired, interrupted: set[str]) -> None:
    log = rig.operator.log(aired.airing)
    for receiver in rig.receivers:
        told = [row for row in log if row["receiver_id"] == receiver.id]
        end = "interrupted" if receiver.id in interrupted else "finished"
        assert Counter(row["state"] for row in told) == Counter(["received", "ready", "started", end]), receiver.id
    for loudspeaker in rig.loudspeakers:
        wav = loudspeaker.wav(aired.order)
        if loudspeaker.id in interrupted:
            assert not wav.exists()
            continue
        with wave.open(str(wav)) as file:
            assert abs(file.getnframes() / file.getframerate() * 1000 - aired.clip["duration_ms"]) <= 50
        (finished,) = (row for row in log if row["receiver_id"] == loudspeaker.id and row["state"] == "finished")
        # A second playing would have written the file anew, later than the one receipt says.
        assert abs(wav.stat().st_mtime - datetime.fromisoformat(finished["at"]).timestamp()) < 1


def _wavs(rig: StationRig) -> list[Path]:
    return [path for loudspeaker in rig.loudspeakers for path in (loudspeaker.folder / "played").glob("*.wav")]
