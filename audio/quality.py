"""The quality report of a clip: gates, not decoration. A clip with a fault cannot be released."""

from dataclasses import dataclass
from enum import StrEnum

from audio.mastering import Target
from audio.render import Rendered
from audio.script import Token

_SLOWEST, _FASTEST = 2.0, 4.6
"""Syllables a second. Announcers speak 2.4 to 4.3; short sentences vary more. Slower is silence or noise, faster is a text that was swallowed."""
_ENOUGH = 12
"""Syllables that a sentence must have for its rate to mean something."""


class Fault(StrEnum):
    """Why a clip cannot be released."""

    UNCERTAIN = "uncertain_reading"
    LOUDNESS = "loudness"
    TRUE_PEAK = "true_peak"
    RATE = "rate"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Quality:
    """What an editor is shown of a clip.

    ``syllables_a_second`` is that of the whole; ``slowest`` and ``fastest`` those of its sentences (None if all are short). ``faults`` is what blocks the release, with a sentence in Vietnamese for each.
    """

    uncertain: tuple[Token, ...]
    syllables: int
    syllables_a_second: float
    slowest: float | None
    fastest: float | None
    lufs: float
    true_peak_dbtp: float
    duration_ms: int
    engine: str
    fallback: bool
    fallback_reason: str | None
    faults: tuple[tuple[Fault, str], ...]

    @property
    def ok(self) -> bool:
        """Whether the clip may be released."""
        return not self.faults


def assess(rendered: Rendered, target: Target | None = None) -> Quality:
    """The report of a rendered clip. Pure."""
    target = target or Target()
    clip, script = rendered.clip, rendered.script
    counts = [(len(sentence.text.split()), sentence.speech_ms) for sentence in rendered.sentences]
    syllables = sum(count for count, _ in counts)
    speech_ms = sum(length for _, length in counts)
    rates = [count * 1000 / length for count, length in counts if count >= _ENOUGH and length]
    faults: list[tuple[Fault, str]] = []
    if not syllables or not speech_ms:
        faults.append((Fault.EMPTY, "Tệp âm thanh không có lời đọc."))
    unsettled = "Chưa chắc cách đọc “{}”: hãy chọn cách đọc hoặc viết rõ bằng lời."
    faults += [(Fault.UNCERTAIN, unsettled.format(token.text[:40])) for token in script.uncertain]
    if abs(clip.lufs - target.lufs) > target.tolerance_lu:
        faults.append(
            (Fault.LOUDNESS, f"Độ to {clip.lufs:.1f} LUFS, phải trong khoảng {target.lufs:g} ±{target.tolerance_lu:g}.")
        )
    if clip.true_peak_dbtp > target.true_peak_dbtp:
        faults.append(
            (
                Fault.TRUE_PEAK,
                f"Đỉnh {clip.true_peak_dbtp:.1f} dBTP, phải không quá {target.true_peak_dbtp:g}: loa có thể rè.",
            )
        )
    if any(not _SLOWEST <= rate <= _FASTEST for rate in rates):
        faults.append(
            (
                Fault.RATE,
                f"Có câu đọc {min(rates):.1f} đến {max(rates):.1f} tiếng một giây, ngoài khoảng {_SLOWEST:g} đến {_FASTEST:g}: hãy nghe lại.",
            )
        )
    return Quality(
        uncertain=script.uncertain,
        syllables=syllables,
        syllables_a_second=syllables * 1000 / speech_ms if speech_ms else 0.0,
        slowest=min(rates, default=None),
        fastest=max(rates, default=None),
        lufs=clip.lufs,
        true_peak_dbtp=clip.true_peak_dbtp,
        duration_ms=clip.duration_ms,
        engine=clip.engine,
        fallback=clip.fallback,
        fallback_reason=clip.fallback_reason,
        faults=tuple(faults),
    )
