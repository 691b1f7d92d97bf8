"""The data files of the reading, loaded once. A linguist mends the data; the rules stay as they are."""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from audio.script.syllables import is_syllable, not_syllables


@dataclass(frozen=True, slots=True)
class Entry:
    """How something written is read; other readings make it uncertain unless the context settles it."""

    reading: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """Words before or after that settle a reading; empty sets fit everything."""

    before: frozenset[str]
    after: frozenset[str]
    reading: str


def rows(file: str) -> list[list[str]]:
    """The rows of a data file: tab-separated columns; lines that begin with "# " are remarks. Raises ``ValueError`` for a reading that is not Vietnamese syllables."""
    text = files("audio.script").joinpath("data", file).read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines() if line and not line.startswith("# ")]


@cache
def version() -> str:
    """Of all data files together: the first digits of their hash."""
    folder = files("audio.script").joinpath("data")
    names_here = sorted(each.name for each in folder.iterdir() if each.name.endswith(".tsv"))
    return hashlib.sha256(b"".join(folder.joinpath(each).read_bytes() for each in names_here)).hexdigest()[:12]


def _column(row: list[str], place: int) -> str:
    return row[place].strip() if place < len(row) else ""


def _words(column: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in column.split("|") if part.strip())


def _checked(reading: str, name: str) -> str:
    if wrong := not_syllables(reading):
        raise ValueError(f"{name}: {reading!r} has what is no Vietnamese syllable: {', '.join(wrong)}")
    return reading


@cache
def entries(name: str) -> dict[str, Entry]:
    """A data file of written forms and readings."""
    return {
        row[0]: Entry(
            _checked(_column(row, 1), name), tuple(_checked(other, name) for other in _words(_column(row, 2)))
        )
        for row in rows(name)
    }


@cache
def abbreviations() -> dict[str, Entry]:
    """By exact case."""
    return entries("abbreviations.tsv")


@cache
def names() -> dict[str, Entry]:
    """By exact case and, where it is not a Vietnamese word ("AI" and "ai"), by lower case."""
    exact = entries("names.tsv")
    return {written.lower(): entry for written, entry in exact.items() if not is_syllable(written.lower())} | exact


def name(written: str) -> Entry | None:
    """The entry of a foreign name or word, in whatever case it is written."""
    return names().get(written) or names().get(written.lower())


@cache
def compound_heads() -> frozenset[str]:
    """First words, lower case, of the names that are two words."""
    return frozenset(written.split()[0].lower() for written in entries("names.tsv") if " " in written)


@cache
def with_roman() -> frozenset[str]:
    """Abbreviations that a Roman numeral may follow without a space."""
    return frozenset(written for written, found in contexts().items() if any("<roman>" in each.after for each in found))


@cache
def contexts() -> dict[str, tuple[Context, ...]]:
    """For each written form, what settles it, in order."""
    found: dict[str, list[Context]] = {}
    for row in rows("contexts.tsv"):
        context = Context(
            frozenset(_words(_column(row, 1))),
            frozenset(_words(_column(row, 2))),
            _checked(_column(row, 3), "contexts.tsv"),
        )
        found.setdefault(row[0], []).append(context)
    return {written: tuple(each) for written, each in found.items()}


@cache
def counted() -> frozenset[str]:
    """First words of what is counted."""
    return frozenset(row[0] for row in rows("counted.tsv"))


@cache
def cues(name: str) -> frozenset[str]:
    """A list of words that tell how what stands beside them is read. Raises ``KeyError`` for a name that is not in the file."""
    return {row[0]: frozenset(_words(_column(row, 1))) for row in rows("cues.tsv")}[name]


@cache
def former_units() -> dict[str, str]:
    """Units that no longer exist, and what they belong to now."""
    return {row[0]: _column(row, 1) for row in rows("former_units.tsv")}


@cache
def advertising_words() -> re.Pattern[str]:
    """Any of the words of advertising, lower case."""
    return re.compile(rf"\b(?:{'|'.join(re.escape(row[0]) for row in rows('advertising.tsv'))})\b")


@cache
def document_types() -> dict[str, str]:
    """Code to kind of document."""
    return {written: entry.reading for written, entry in entries("document_types.tsv").items()}


@cache
def issuers() -> dict[str, str]:
    """Code to issuing body."""
    return {written: entry.reading for written, entry in entries("issuers.tsv").items()}


@cache
def units() -> dict[str, str]:
    """Exact case first; two or more letters also in lower case."""
    exact = {written: entry.reading for written, entry in entries("units.tsv").items()}
    return {written.lower(): reading for written, reading in exact.items() if len(written) > 1} | exact


@cache
def currencies() -> dict[str, tuple[str, str]]:
    """Sign or code to its name and the name of its hundredth part (may be empty)."""
    return {row[0]: (_checked(_column(row, 1), "currencies.tsv"), _column(row, 2)) for row in rows("currencies.tsv")}


@cache
def symbols() -> dict[str, str]:
    """Signs that are spoken."""
    return {written: entry.reading for written, entry in entries("symbols.tsv").items()}


@cache
def roman_contexts() -> dict[str, str]:
    """Words before a Roman numeral, and how it is then read."""
    return {row[0]: row[1].strip() for row in rows("roman_contexts.tsv")}
