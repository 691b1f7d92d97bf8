"""What was approved is what is heard: the loudspeakers' sound is the released clip, and it begins on time."""

import hashlib
from datetime import datetime, timedelta

import numpy as np

from audio.mastering import decode, measure
from tests.e2e.station import StationRig
from tests.punctuality import LATE_MS


def test_each_loudspeaker_plays_the_released_clip_at_the_instant(rig: StationRig) -> None:
    bulletin = rig.write("Lịch tiêm phòng", "Trạm y tế xã tiêm phòng cho trẻ em vào sáng thứ Bảy.")
    clip = rig.clip_path(bulletin)
    said_before = len(rig.server.said())
    assert hashlib.sha256(clip.read_bytes()).hexdigest() == bulletin["clip"]["sha256"]
    aired = rig.release(bulletin, lead_s=3)
    rig.settle(aired)

    released = measure(clip)
    assert abs(released.lufs - -16) <= 0.5
    assert released.true_peak_dbtp <= -1
    samples = _samples(decode(clip).data)
    for loudspeaker in rig.loudspeakers:
        wav = loudspeaker.wav(aired.order)
        heard = measure(wav)
        assert abs(heard.duration_ms - released.duration_ms) <= 50
        assert abs(heard.lufs - released.lufs) <= 0.5
        # More than the same length and loudness: the same sound, but for how a decoder rounds.
        assert np.abs(_samples(decode(wav).data) - samples).max() <= 1

    due = datetime.fromisoformat(rig.operator.airing(aired.airing)["due_at"])
    due = due.replace(microsecond=due.microsecond // 1000 * 1000)  # the wire has milliseconds
    for receiver, climb in rig.climbs(aired).items():
        assert climb["outcome"] == "finished", receiver
        started = datetime.fromisoformat(climb["states"]["started"])
        assert timedelta(0) <= started - due <= timedelta(milliseconds=LATE_MS), receiver
        assert 0 <= climb["evidence"]["late_ms"] <= LATE_MS, receiver
        assert abs(climb["evidence"]["played_ms"] - released.duration_ms) <= 50, receiver
    for loudspeaker in rig.loudspeakers:
        assert rig.climbs(aired)[loudspeaker.id]["evidence"]["clip_sha256"] == bulletin["clip"]["sha256"]
    # Two clients of one name would throw each other out for ever; the broker and the station would be busy with that.
    assert "broke" not in rig.server.said()[said_before:]


def _samples(data: bytes) -> "np.ndarray[tuple[int], np.dtype[np.int32]]":
    return np.frombuffer(data, np.int16).astype(np.int32)
