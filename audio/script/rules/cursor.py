"""Where the reader stands, and what a rule answers."""

import re
import sys
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from audio.script.model import TokenClass

CAPITALS = "".join(
    char
    for char in map(chr, range(min(sys.maxunicode, 0x1EFA)))
    if char.isupper() and unicodedata.name(char, "").startswith("LATIN")
)
"""Capital letters with and without marks: in Unicode they stand among the small ones, so no range names them."""
SMALL = CAPITALS.lower()
_NEXT_WORDS = re.compile(r"[\s\"'(,]{0,4}([^\W\d_]{1,20})?(?:\s{1,2}([^\W\d_]{1,20}))?")


_PHONE_FOLLOWS = re.compile(r"\s?[:.]?\s{0,3}\(?(?:\+84|0\d{2})")
_DATE_FOLLOWS = re.compile(r",?\s\(?(?:ngày\s)?(?:0?[1-9]|[12]\d|3[01])[/-](?:1[0-2]|0?[1-9])(?!\d)")
_NUMBER_FOLLOWS = re.compile(r"[\s.]{0,2}\d")
_CAPITAL_WORD = re.compile(rf"(?<![^\W_])[{CAPITALS}][{SMALL}]{{0,6}}\.? $")
_YEAR_FOLLOWS = re.compile(r"\s(?:19|20)\d\d(?!\d)")
_ROMAN_FOLLOWS = re.compile(r"\s?[IVX]{1,4}(?![^\W_])")


@dataclass(frozen=True, slots=True)
class Reading:
    """A rule's answer: the text up to ``end`` is read as ``said``."""

    end: int
    cls: TokenClass
    said: str
    others: tuple[str, ...] = ()
    certain: bool = True


@dataclass(slots=True)
class Cursor:
    """A place in the clean text. ``before`` holds the last words of the sentence, lower case, as written, the nearest last; ``last`` is the class of the token before."""

    text: str
    place: int
    before: list[str]
    last: TokenClass | None = None
    shouting: bool = False
    """Whether the line is written in capitals throughout: then capitals do not mark an abbreviation."""
    scores: bool = False
    """Whether this sentence speaks of a match's result."""
    phone: bool = False
    """Whether a telephone number was read in this sentence."""
    crops: bool = False
    """Whether this line speaks of crops, so that "BC15" is a variety."""
    defined: dict[str, str] = field(default_factory=dict)
    """Short forms that the text itself has explained in brackets, and what they stand for."""
    _tails: frozenset[str] | None = None

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """The pattern here, unless a letter or digit goes on after it."""
        found = pattern.match(self.text, self.place)
        if found is None or self.joined(found.end()):
            return None
        return found

    def joined(self, end: int) -> bool:
        """Whether the character at ``end`` belongs to the same word or number."""
        return end < len(self.text) and self.text[end].isalnum() and self.text[end - 1].isalnum()

    def preceded_by(self, *phrases: str) -> bool:
        """Whether the sentence so far ends with one of these (one to four words each)."""
        return not self.tails().isdisjoint(phrases)

    def heard(self, words: Iterable[str]) -> None:
        """Note words of the sentence; only the last ten are kept."""
        self.before.extend(words)
        del self.before[:-10]
        self._tails = None

    def new_sentence(self, *, scores: bool = False) -> None:
        """Forget the words so far; ``scores``: it goes on speaking of a match's result."""
        self.before.clear()
        self.scores, self.phone = scores, False
        self._tails = None

    def after_phone(self) -> bool:
        """Whether a telephone number stands before, with no other word between than "hoặc", "và": then this is another."""
        between = self.before[-1] if self.before else ""
        return self.phone and (between[:1] in "(+0123456789" or between in ("hoặc", "và", "hay"))

    def tails(self) -> frozenset[str]:
        """The last word, the last two, three and four words of the sentence so far."""
        if self._tails is None:
            self._tails = frozenset(" ".join(self.before[-count:]) for count in range(1, min(4, len(self.before)) + 1))
        return self._tails

    def after_name(self) -> bool:
        """Whether the word just before begins with a capital, as a person's name before an initial."""
        found = _CAPITAL_WORD.search(self.text, max(0, self.place - 24), self.place)
        return found is not None

    def capital_before(self) -> bool:
        """Whether the word just before begins with a capital."""
        near = self.text[max(0, self.place - 16) : self.place].split()[-1:]
        return bool(near) and near[0][:1].isupper()

    def among_capitals(self, end: int) -> bool:
        """Whether a word just before or after is written in capitals with marks, as in a name "XÃ TAM KỲ"."""
        near = self.text[max(0, self.place - 12) : self.place].split()[-1:] + self.text[end : end + 12].split()[:1]
        return any(len(word) > 1 and word.isupper() for word in near)

    def name_follows(self, end: int) -> bool:
        """Whether the next word begins with a capital."""
        found = _NEXT_WORDS.match(self.text, end)
        return bool(found and found[1] and found[1][0].isupper())

    def fits_after(self, end: int, wanted: frozenset[str]) -> bool:
        """Whether what comes after ``end`` is one of these words, or of these kinds: <name> (a capital), <number>, <date>, <year>, <roman>, <phone>."""
        rest = self.text[end : end + 24]
        return (
            self.following(end)[0] in wanted
            or ("<name>" in wanted and self.name_follows(end))
            or ("<phone>" in wanted and _PHONE_FOLLOWS.match(rest) is not None)
            or ("<year>" in wanted and _YEAR_FOLLOWS.match(rest) is not None)
            or ("<roman>" in wanted and _ROMAN_FOLLOWS.match(rest) is not None)
            or ("<date>" in wanted and _DATE_FOLLOWS.match(rest) is not None)
            or ("<number>" in wanted and _NUMBER_FOLLOWS.match(rest) is not None)
        )

    def following(self, end: int) -> tuple[str, str]:
        """The next two words after ``end``, lower case, or empty strings."""
        found = _NEXT_WORDS.match(self.text, end)
        return ((found[1] or "").lower(), (found[2] or "").lower()) if found else ("", "")
