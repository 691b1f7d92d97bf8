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


@dataclass(frozen=True)
class Lexicon:
    """Entries of areas, the nearest last: ``Lexicon.of(province_entries, commune_entries)``. They stand before the national data files."""

    entries: tuple[LexiconEntry, ...] = ()
    _by_head: dict[str, tuple[LexiconEntry, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        heads: dict[str, list[LexiconEntry]] = {}
        for entry in sorted(self.entries, key=lambda each: (-len(each.written), each.written)):
            heads.setdefault(entry.written[0].lower(), []).append(entry)
        object.__setattr__(self, "_by_head", {head: tuple(each) for head, each in heads.items()})

    @classmethod
    def of(cls, *layers: Iterable[LexiconEntry]) -> "Lexicon":
        """The layers' entries; for one term the last layer counts. The nation's data files need not be given."""
        merged = {entry.written: entry for layer in layers for entry in layer}
        return cls(tuple(merged[written] for written in sorted(merged)))

    @property
    def version(self) -> str:
        """Of the national data files and these entries: changes if and only if something could be read otherwise."""
        own = json.dumps([[entry.written, entry.spoken] for entry in self.entries], ensure_ascii=False)
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

    def changed_since(self, older: "Lexicon") -> frozenset[str]:
        """Terms that the two lexicons read differently."""
        now = {entry.written: entry.spoken for entry in self.entries}
        then = {entry.written: entry.spoken for entry in older.entries}
        return frozenset(written for written in now.keys() | then.keys() if now.get(written) != then.get(written))


def mentions(text: str, terms: Iterable[str]) -> bool:
    """Whether a text holds one of the terms, so that a changed lexicon concerns it (upper and lower case alike: one render too many does no harm)."""
    folded = unicodedata.normalize("NFC", text).lower()
    return any(unicodedata.normalize("NFC", term).lower() in folded for term in terms)
