"""The machine-readable mark that speech is synthetic, for ID3 and Vorbis comments, and the hash of what is spoken."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from enum import StrEnum

from audio.rendered import RECORDED, RenderedVersion


class Synthetic(StrEnum):
    """Whether a machine speaks in a clip: everywhere, nowhere, or in some of what is spoken. An uploaded recording counts as a person's voice: nobody can tell."""

    TRUE = "true"
    FALSE = "false"
    MIXED = "mixed"


def synthetic(versions: Sequence[RenderedVersion]) -> Synthetic:
    """What the versions (with the station's call, if a machine says it) come to."""
    kinds = {version.engine == RECORDED for version in versions}
    return Synthetic.MIXED if len(kinds) == 2 else Synthetic.FALSE if True in kinds else Synthetic.TRUE


def script_sha256(versions: Sequence[RenderedVersion]) -> str:
    """The hash of what is spoken: of the only version, or over those of all in their order."""
    if len(versions) == 1:
        return versions[0].sha256
    return hashlib.sha256(json.dumps([[each.language, each.sha256] for each in versions]).encode()).hexdigest()


def tags(title: str, call: RenderedVersion | None, versions: Sequence[RenderedVersion]) -> dict[str, str]:
    """Names and values of the comments. ``SPEECH_VERSIONS`` tells of each version in order who speaks: ``vi synthetic espeak vi; hmn recorded``."""
    heard = (*([call] if call else []), *versions)
    kind = synthetic(heard)
    speakers = "; ".join(dict.fromkeys(f"{each.engine}, {each.voice}" for each in heard if each.engine != RECORDED))
    comment = {
        Synthetic.TRUE: f"Giọng đọc tổng hợp bằng máy (synthetic speech): {speakers}",
        Synthetic.FALSE: "Giọng người ghi âm (recorded speech)",
        Synthetic.MIXED: f"Có phần ghi âm, có phần giọng đọc tổng hợp bằng máy (partly synthetic speech): {speakers}",
    }[kind]
    told = [f"call synthetic {call.engine} {call.voice}"] if call else []
    told += [
        f"{each.language} {RECORDED}"
        if each.engine == RECORDED
        else f"{each.language} synthetic {each.engine} {each.voice}"
        for each in versions
    ]
    return {
        "title": title,
        "comment": comment,
        "SYNTHETIC_SPEECH": kind.value,
        "SPEECH_ENGINE": joined(each.engine for each in heard),
        "SPEECH_VOICE": joined(each.voice for each in heard),
        "SPEECH_FALLBACK": str(any(each.fallback for each in heard)).lower(),
        "SPEECH_VERSIONS": "; ".join(told),
        "SCRIPT_SHA256": script_sha256(versions),
    }


def joined(names: Iterable[str]) -> str:
    """Each name once, in order, with commas."""
    return ", ".join(dict.fromkeys(names))
