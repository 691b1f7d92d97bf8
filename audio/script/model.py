"""What a script is: tokens with their place in the written text, and phrases to be spoken."""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum


class TokenClass(StrEnum):
    """What kind of thing a token is; the editor shows it, and the checks count it."""

    WORD = "word"
    DOCUMENT_NUMBER = "document_number"
    DATE = "date"
    DATE_RANGE = "date_range"
    TIME = "time"
    TIME_RANGE = "time_range"
    ABBREVIATION = "abbreviation"
    NUMBER = "number"
    RANGE = "range"
    ORDINAL = "ordinal"
    FRACTION = "fraction"
    PERCENT = "percent"
    MONEY = "money"
    MEASURE = "measure"
    PHONE = "phone"
    ROMAN = "roman"
    NAME = "name"
    CODE = "code"
    ADDRESS = "address"
    URL = "url"
    EMAIL = "email"
    SYMBOL = "symbol"
    LIST_MARK = "list_mark"
    END_MARK = "end_mark"
    LEXICON = "lexicon"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Token:
    """One thing read as a whole.

    ``start`` and ``end`` are character offsets in :attr:`Script.text`; ``text`` is what is written there; ``reading`` is what is spoken (lower case, one space between words, empty if
    it is not spoken); ``alternatives`` are other readings that an editor may choose; ``certain`` is False where a person must look.
    """

    start: int
    end: int
    text: str
    cls: TokenClass
    reading: str
    alternatives: tuple[str, ...] = ()
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Phrase:
    """What is said in one go (``text``), the pause after it in milliseconds, and its place in the written text."""

    text: str
    pause_ms: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Script:
    """How a text is read. ``text`` is the written text in NFC, which the tokens' offsets refer to."""

    text: str
    tokens: tuple[Token, ...]
    phrases: tuple[Phrase, ...]
    lexicon: str = ""
    """Version of the lexicon by which it was read."""

    def plain(self) -> str:
        """The spoken form on one line: lower case, words separated by one space, no punctuation."""
        return " ".join(phrase.text for phrase in self.phrases)

    @property
    def sha256(self) -> str:
        """Hash of what is spoken and where it pauses, and of nothing else."""
        canonical = json.dumps(
            [[phrase.text, phrase.pause_ms] for phrase in self.phrases], ensure_ascii=False, separators=(",", ":")
        )
        return hashlib.sha256(canonical.encode()).hexdigest()

    @property
    def uncertain(self) -> tuple[Token, ...]:
        """The tokens that a person must look at before the bulletin is released."""
        return tuple(token for token in self.tokens if not token.certain)
