"""Clips over bad lines and from bad file servers. Their orders are due in minutes; only `ready` matters."""

from datetime import timedelta

from devices.conformance.cases import case
from devices.conformance.clips import LONGER, Manner, clip
from devices.conformance.rig import Rig, now
from devices.wire.messages import Sound

RETRY_S = 10.0
"""How long a receiver may take over a second attempt: it waits a little after a failure."""


def _offer(rig: Rig, manner: Manner, seconds: float, hertz: float) -> Sound:
    return rig.clips.put(clip(seconds, hertz), seconds, manner)


@case("clip.mismatch")
def meets_another_clip(rig: Rig) -> None:
    """A hacked file server changes one byte."""
    order = rig.order("clip-mismatch", sound=_offer(rig, "changed", 0.5, 1000))
    with rig.point("clip.mismatch"):
        rig.receipt(order.id, "refused", RETRY_S, reason="clip_mismatch")
        rig.never(order.id, "ready")


@case("clip.longer")
def meets_a_clip_without_end(rig: Rig) -> None:
    """A hacked file server would fill the disk."""
    sound = _offer(rig, "longer", 0.5, 1100)
    order = rig.order("clip-longer", sound=sound)
    with rig.point("clip.longer") as note:
        rig.receipt(order.id, "refused", RETRY_S, reason="clip_mismatch")
        sent = rig.wait(lambda: rig.clips.sent.get(sound.sha256), "the download went on", RETRY_S)
        rig.needs((sent or 0) < LONGER, f"all {sent} bytes were read, of a clip of {sound.size}")
        note.seen = f"broken off after at most {sent} bytes (sockets hold some)"


@case("clip.resume")
def goes_on(rig: Rig) -> None:
    """The line breaks in the middle of a clip."""
    sound = _offer(rig, "breaks off", 4.0, 1200)
    order = rig.order("clip-resume", sound=sound)
    with rig.point("clip.resume") as note:
        rig.receipt(order.id, "ready", RETRY_S)
        later = [request.first for request in rig.clips.asked(sound)[1:]]
        rig.needs(any(later), f"it was fetched from the first byte again ({len(later)} more requests)")
        note.seen = f"went on at byte {max(later)} of {sound.size}"


@case("clip.no-range")
def begins_anew(rig: Rig) -> None:
    """The same, from a file server that knows no ranges."""
    order = rig.order("clip-no-range", sound=_offer(rig, "no ranges", 4.0, 1300))
    with rig.point("clip.no-range"):
        rig.receipt(order.id, "ready", RETRY_S)


@case("clip.second-source")
def asks_the_next(rig: Rig) -> None:
    """The first file server is out of service."""
    order = rig.order("clip-second", sound=_offer(rig, "second only", 0.5, 1400))
    with rig.point("clip.second-source"):
        rig.receipt(order.id, "ready", RETRY_S)


@case("clip.shared")
def fetches_once(rig: Rig) -> None:
    """The same clip morning and evening."""
    sound = _offer(rig, "good", 0.5, 1500)
    for name in ("clip-morning", "clip-evening"):
        rig.order(name, sound=sound)
    with rig.point("clip.shared"):
        for name in ("clip-morning", "clip-evening"):
            rig.receipt(name, "ready", RETRY_S)
        times = len(rig.clips.asked(sound))
        rig.needs(times == 1, f"it was fetched {times} times")


@case("clip.unavailable")
def misses(rig: Rig) -> None:
    """The clip never comes."""
    sound = _offer(rig, "absent", 0.5, 1600)
    order = rig.order("clip-absent", sound=sound, play_at=now() + timedelta(seconds=1), late_limit_s=1)
    with rig.point("clip.unavailable"):
        rig.receipt(order.id, "missed", 2 + RETRY_S, reason="clip_unavailable")
        rig.never(order.id, "started")
