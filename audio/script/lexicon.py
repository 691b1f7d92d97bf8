"""How a term is to be read: national defaults in the data files, and what a province, a commune or a village says instead.

A lexicon is a value: two with the same entries are equal and have the same version, so a script can say by which one it was read.
"""

import hashlib
import json
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from audio.script import tables
from audio.script.letters import names_of
from audio.script.syllables import is_syllable, not_syllables

_LONGEST = 80


class LexiconError(ValueError):
    """An entry cannot be used; the message says which, why, and what to write instead."""


@dataclass(frozen=True, slots=True)
class LexiconEntry:
    """``written`` is read as ``reading`` (Vietnamese syllables, lower case, one space between); without a reading its letters are named one by one.

    Upper and lower case do not matter, unless the term in lower case is itself Vietnamese ("AI" and "ai"): then it must stand as written.
    """

    written: str
    reading: str | None = None

    def __post_init__(self) -> None:
        if (
            not self.written.strip()
            or len(self.written) > _LONGEST
            or self.written != unicodedata.normalize("NFC", self.written.strip())
        ):
            raise LexiconError(
                f"{self.written!r} cannot be an entry: write a term of 1 to {_LONGEST} characters in NFC, without spaces around it"
            )
        if not self.written[0].isalnum():
            raise LexiconError(f"{self.written!r} cannot be an entry: it must begin with a letter or a digit")
        if not self.spoken or self.spoken != " ".join(self.spoken.split()):
            raise LexiconError(
                f"the reading of {self.written!r} is empty or has stray spaces: write syllables with one space between"
            )
        if wrong := not_syllables(self.spoken):
            raise LexiconError(
                f"the reading of {self.written!r} has what is no Vietnamese syllable: {', '.join(wrong)}; write it as it is said, in lower case"
            )

    @property
    def spoken(self) -> str:
        """What is said."""
        return names_of(self.written) if self.reading is None else self.reading

    @property
    def exact(self) -> bool:
        """Whether the case must be as written."""
        return all(is_syllable(word) for word in self.written.lower().split())


@dataclass(frozen=True, slots=True)
class Settled:
    """A person's decision for one bulletin: where its text has ``written`` and the reader proposes ``proposed``, ``reading`` is said, and is certain.

    Unlike an entry it knows the reader's proposal, so that "9/4" settled as a date does not touch the "9/4" that is read as a fraction; and it may be of anything
    that is read as a whole, such as "+" or an address on the web. A confirmation has ``reading`` equal to ``proposed``.
    """

    written: str
    proposed: str
    reading: str

    def __post_init__(self) -> None:
        if self.reading == self.proposed:
            return
        if not self.reading or self.reading != " ".join(self.reading.split()):
            raise LexiconError(
                f"the reading of {self.written!r} is empty or has stray spaces: write syllables with one space between"
            )
        if wrong := not_syllables(self.reading):
            raise LexiconError(
                f"the reading of {self.written!r} has what is no Vietnamese syllable: {', '.join(wrong)}; write it as it is said, in lower case"
            )


@dataclass(frozen=True)
class Lexicon:
    """Entries of areas, the nearest last: ``Lexicon.of(province_entries, commune_entries)``. They stand before the national data files.

    ``settled`` are the decisions for one bulletin, before all entries: ``lexicon.settling(decisions)``.
    """

    entries: tuple[LexiconEntry, ...] = ()
    settled: tuple[Settled, ...] = ()
    _by_head: dict[str, tuple[LexiconEntry, ...]] = field(init=False, repr=False, compare=False)
    _decided: dict[tuple[str, str | None], str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        heads: dict[str, list[LexiconEntry]] = {}
        for entry in sorted(self.entries, key=lambda each: (-len(each.written), each.written)):
            heads.setdefault(entry.written[0].lower(), []).append(entry)
        object.__setattr__(self, "_by_head", {head: tuple(each) for head, each in heads.items()})
        decided: dict[tuple[str, str | None], str] = {}
        for one in self.settled:
            decided[one.written, one.proposed] = decided[one.written, None] = one.reading
        object.__setattr__(self, "_decided", decided)

    @classmethod
    def of(cls, *layers: Iterable[LexiconEntry]) -> "Lexicon":
        """The layers' entries; for one term the last layer counts. The nation's data files need not be given."""
        merged = {entry.written: entry for layer in layers for entry in layer}
        return cls(tuple(merged[written] for written in sorted(merged)))

    def settling(self, decisions: Iterable[Settled]) -> "Lexicon":
        """The same entries, with these decisions for one bulletin before them."""
        return Lexicon(self.entries, tuple(sorted(decisions, key=lambda one: (one.written, one.proposed))))

    def concerning(self, text: str) -> "Lexicon":
        """Only what the text mentions: it is read alike, and two such lexicons are equal if what they say of the text is."""
        folded = _folded(text)
        return Lexicon(
            tuple(entry for entry in self.entries if _folded(entry.written) in folded),
            tuple(one for one in self.settled if _folded(one.written) in folded),
        )

    @property
    def version(self) -> str:
        """Of the national data files, these entries and decisions: changes if and only if something could be read otherwise."""
        said = [[entry.written, entry.spoken] for entry in self.entries]
        said += [[one.written, one.proposed, one.reading] for one in self.settled]
        own = json.dumps(said, ensure_ascii=False)
        return f"{tables.version()}-{hashlib.sha256(own.encode()).hexdigest()[:12]}"

    def find(self, text: str, place: int) -> LexiconEntry | None:
        """The longest entry that is written at ``place``, as whole words."""
        for entry in self._by_head.get(text[place].lower(), ()):
            end = place + len(entry.written)
            part = text[place:end]
            if (part == entry.written or (not entry.exact and part.lower() == entry.written.lower())) and not (
                text[end : end + 1].isalnum() and entry.written[-1].isalnum()
            ):
                return entry
        return None

    def decided(self, written: str, proposed: str, *, by_entry: bool) -> str | None:
        """What was settled for this text and proposal, or for this text alone where an entry proposes: an entry may be younger than the decision."""
        return self._decided.get((written, None if by_entry else proposed))


def mentions(text: str, terms: Iterable[str]) -> bool:
    """Whether a text holds one of the terms, so that a changed lexicon concerns it (upper and lower case alike: one render too many does no harm)."""
    folded = _folded(text)
    return any(_folded(term) in folded for term in terms)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).lower()
