"""The one result type of the editorial checks."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """``error`` is to be mended (an uncertain reading blocks the release by the quality report); ``warning`` is to be seen; ``info`` is a proposal."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Concern(StrEnum):
    """What a finding is about."""

    UNCERTAIN_READING = "uncertain_reading"
    CITATION = "citation"
    DATE = "date"
    NOT_FOR_READING = "not_for_reading"
    FORMER_UNIT = "former_unit"
    ADVERTISING = "advertising"
    NOT_NFC = "not_nfc"
    OLD_ENCODING = "old_encoding"
    INVISIBLE = "invisible_character"
    MIXED_SCRIPT = "mixed_script"
    LONG_SENTENCE = "long_sentence"


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark on a text.

    ``start`` and ``end`` are offsets in the NFC form of the text, ``text`` is what stands there, ``cause`` is a sentence in Vietnamese for the editor, ``proposal`` is
    what to put there instead (empty: delete it; None: a person must decide).
    """

    concern: Concern
    severity: Severity
    start: int
    end: int
    text: str
    cause: str
    proposal: str | None = None
