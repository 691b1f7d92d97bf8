"""The quality report of a clip: gates, not decoration. A clip with a fault cannot be released."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from audio.mastering import Target
from audio.rendered import RECORDED, Clip, Rendered
from audio.script import Token

_SLOWEST, _FASTEST = 1.5, 5.5
"""Syllables a second of one sentence. Announcers speak 2.4 to 4.3; espeak-ng at 100 to 175 words a minute 1.9 to 5.2. Slower is silence or noise, faster a text that was swallowed."""
_ENOUGH = 12
"""Syllables that a sentence must have for its rate to mean something."""
_MOST_CLIPPED = 10
"""Samples at full scale in the decoded file: below the ceiling of -1 dBTP there is none; a few come from a decoder's rounding."""


class Fault(StrEnum):
    """Why a clip cannot be released."""

    UNCERTAIN = "uncertain_reading"
    LOUDNESS = "loudness"
    TRUE_PEAK = "true_peak"
    CLIPPING = "clipping"
    RATE = "rate"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Found:
    """A fault, and what to do about it, in Vietnamese and in English."""

    fault: Fault
    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """A token that was read without certainty, in the script of the ``version``-th version (from 0). What the editor has settled is certain: the lexicon says so."""

    version: int
    token: Token


@dataclass(frozen=True, slots=True)
class Quality:
    """What an editor is shown of a clip.

    ``syllables_a_second`` is that of the whole Vietnamese speech by an engine; ``slowest`` and ``fastest`` those of its sentences (None if all are short, or recorded, or in
    another language). ``clipped`` counts samples at full scale in the decoded file. ``faults`` is what blocks the release.
    """

    doubts: tuple[Doubt, ...]
    syllables: int
    syllables_a_second: float | None
    slowest: float | None
    fastest: float | None
    lufs: float
    true_peak_dbtp: float
    clipped: int
    duration_ms: int
    engine: str
    voice: str
    synthetic: str
    fallback: bool
    fallback_reason: str | None
    faults: tuple[Found, ...]

    @property
    def ok(self) -> bool:
        """Whether the clip may be released."""
        return not self.faults

    def as_dict(self) -> dict[str, Any]:
        """The report for JSON: the fields by their names, and ``ok``."""
        return {**asdict(self), "ok": self.ok}


def assess(rendered: Rendered, target: Target | None = None) -> Quality:
    """The report of a rendered clip. Pure."""
    clip = rendered.clip
    doubts = tuple(
        Doubt(place, token)
        for place, version in enumerate(rendered.versions)
        if version.script is not None
        for token in version.script.uncertain
    )
    counts = [
        (len(sentence.text.split()), sentence.speech_ms) for sentence in rendered.sentences if sentence.vietnamese
    ]
    syllables = sum(count for count, _ in counts)
    speech_ms = sum(length for _, length in counts)
    rates = [count * 1000 / length for count, length in counts if count >= _ENOUGH and length]
    faults = [
        Found(
            Fault.UNCERTAIN,
            f"Chưa chắc cách đọc “{doubt.token.text[:40]}”: hãy chọn cách đọc hoặc viết rõ bằng lời.",
            f"It is not certain how “{doubt.token.text[:40]}” is read: choose a reading or write it in words.",
        )
        for doubt in doubts
    ]
    recorded = any(version.engine == RECORDED for version in rendered.versions)
    if not recorded and not any(sentence.speech_ms for sentence in rendered.sentences):
        faults.append(
            Found(
                Fault.EMPTY,
                "Tệp âm thanh không có lời đọc: hãy kiểm tra văn bản và tạo lại.",
                "There is no speech in the clip: check the text and render it again.",
            )
        )
    faults += _levels(clip, target or Target())
    if any(not _SLOWEST <= rate <= _FASTEST for rate in rates):
        faults.append(
            Found(
                Fault.RATE,
                f"Có câu đọc {min(rates):.1f} đến {max(rates):.1f} tiếng một giây, ngoài khoảng {_SLOWEST:g} đến {_FASTEST:g}: hãy nghe lại và chỉnh tốc độ.",
                f"A sentence has {min(rates):.1f} to {max(rates):.1f} syllables a second, outside {_SLOWEST:g} to {_FASTEST:g}: listen to it and change the rate.",
            )
        )
    return Quality(
        doubts=doubts,
        syllables=syllables,
        syllables_a_second=syllables * 1000 / speech_ms if speech_ms else None,
        slowest=min(rates, default=None),
        fastest=max(rates, default=None),
        lufs=clip.lufs,
        true_peak_dbtp=clip.true_peak_dbtp,
        clipped=clip.clipped,
        duration_ms=clip.duration_ms,
        engine=clip.engine,
        voice=clip.voice,
        synthetic=clip.synthetic,
        fallback=clip.fallback,
        fallback_reason=clip.fallback_reason,
        faults=tuple(faults),
    )


def _levels(clip: Clip, target: Target) -> list[Found]:
    """What the figures of the decoded MP3, and of the decoded Opus if there is one, have against them."""
    faults: list[Found] = []
    for name, file in (("MP3", clip), ("Opus", clip.opus)):
        if file is None:
            continue
        if abs(file.lufs - target.lufs) > target.tolerance_lu:
            faults.append(
                Found(
                    Fault.LOUDNESS,
                    f"Độ to ({name}) {file.lufs:.1f} LUFS, phải trong khoảng {target.lufs:g} ±{target.tolerance_lu:g}: hãy tạo lại tệp âm thanh.",
                    f"The loudness ({name}) is {file.lufs:.1f} LUFS and must be {target.lufs:g} ±{target.tolerance_lu:g}: render the clip again.",
                )
            )
        if file.true_peak_dbtp > target.true_peak_dbtp:
            faults.append(
                Found(
                    Fault.TRUE_PEAK,
                    f"Đỉnh ({name}) {file.true_peak_dbtp:.1f} dBTP, phải không quá {target.true_peak_dbtp:g}: loa có thể rè, hãy tạo lại tệp âm thanh.",
                    f"The peak ({name}) is {file.true_peak_dbtp:.1f} dBTP and must be at most {target.true_peak_dbtp:g}: loudspeakers may rattle, render the clip again.",
                )
            )
        if file.clipped > _MOST_CLIPPED:
            faults.append(
                Found(
                    Fault.CLIPPING,
                    f"Âm thanh ({name}) bị cắt đỉnh ở {file.clipped} mẫu: hãy tạo lại tệp âm thanh, nếu là bản ghi thì ghi nhỏ hơn.",
                    f"The sound ({name}) is clipped at {file.clipped} samples: render the clip again; if it is a recording, record it less loud.",
                )
            )
    return faults
