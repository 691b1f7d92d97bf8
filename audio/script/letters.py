"""Names of letters, and foreign words made speakable."""

import re
import unicodedata

from audio.script.numerals import spelled
from audio.script.syllables import is_syllable, unfolded

_NAMES = {
    **dict(
        zip(
            "abcdefghijklmnopqrstuvwxyz",
            [
                "a",
                "bê",
                "xê",
                "dê",
                "e",
                "ép",
                "giê",
                "hát",
                "i",
                "gi",
                "ca",
                "eo",
                "em",
                "en",
                "o",
                "pê",
                "quy",
                "e_rờ",
                "ét",
                "tê",
                "u",
                "vê",
                "vê_kép",
                "ích",
                "i",
                "dét",
            ],
            strict=True,
        )
    ),
    **dict(zip("ăâđêôơư", ["á", "ớ", "đê", "ê", "ô", "ơ", "ư"], strict=True)),
}
_FOREIGN = str.maketrans({"f": "ph", "j": "gi", "w": "u", "z": "d", "q": "c", "ç": "x", "ñ": "nh", "ß": "x"})
_CHUNK = re.compile(r"[^aeiouyăâêôơư]*[aeiouyăâêôơư]{1,2}(?:(?:ng|nh|[mnptc])(?![aeiouyăâêôơưh]))?")
_LONGEST_SPELLED = 12


def names_of(word: str) -> str:
    """The letters' Vietnamese names: "NQ" → "en quy"; digits one by one. What has no name is left out."""
    said: list[str] = []
    for char in word.lower():
        if char in _NAMES:
            said.append(_NAMES[char].replace("_", " "))
        elif "0" <= char <= "9":
            said.append(spelled(char))
        else:
            bare = unicodedata.normalize("NFD", char)[:1]
            if bare in _NAMES:
                said.append(_NAMES[bare].replace("_", " "))
    return " ".join(said)


def unaccented(word: str) -> str | None:
    """Vietnamese written as one word without diacritics, as in web addresses: "haiduong" → "hai dương"; None if it is not that."""
    best: list[list[str] | None] = [[]] + [None] * len(word)
    for end in range(1, len(word) + 1):
        for start in range(max(0, end - 7), end):
            before = best[start]
            if before is None or (said := unfolded(word[start:end])) is None:
                continue
            if best[end] is None or len(before) + 1 < len(best[end] or ()):
                best[end] = [*before, said]
    return " ".join(best[-1]) if best[-1] else None


def foreign(word: str) -> str:
    """A foreign word as Vietnamese syllables, roughly as a reader would try it: a proposal that a person must hear. Empty if nothing can be said."""
    folded = "".join(
        char
        for char in unicodedata.normalize("NFD", word.lower())
        if char in "\u0302\u0306\u031b" or not unicodedata.combining(char)
    )
    folded = unicodedata.normalize("NFC", folded).translate(_FOREIGN)
    said: list[str] = []
    place = 0
    for match in _CHUNK.finditer(folded):
        said += _sayable(match[0])
        place = match.end()
    for letter in folded[place:]:
        said += names_of(letter).split()
    return " ".join(said)


def _sayable(chunk: str) -> list[str]:
    """A chunk (consonants, vowels, perhaps a final) as valid syllables; consonants too many get a syllable of their own."""
    for cut in range(min(len(chunk), 4)):
        for candidate in _variants(chunk[cut:]):
            if is_syllable(candidate):
                return [name for letter in chunk[:cut] if (name := _consonant(letter))] + [candidate]
    return names_of(chunk).split()[:_LONGEST_SPELLED]


def _variants(tail: str) -> tuple[str, ...]:
    stopped = tail[-1:] in "ptc" and len(tail) > 1
    tail = re.sub(r"^c(?=[ieêy])", "x", re.sub(r"^k(?=[aouăâôơư])", "c", re.sub(r"^g(?=[ieê])", "gh", tail)))
    bases = (tail, tail.replace("ee", "i").replace("oo", "u").replace("ea", "i").replace("ou", "u"), tail.rstrip("ptc"))
    if not stopped:
        return bases
    return _acute(bases[0]), _acute(bases[1]), bases[2]


def _acute(text: str) -> str:
    for place in range(len(text) - 1, -1, -1):
        if text[place] in "aeiouyăâêôơư":
            return unicodedata.normalize("NFC", text[: place + 1] + "\u0301" + text[place + 1 :])
    return text


def _consonant(letter: str) -> str:
    return {
        "s": "xờ",
        "h": "",
        "r": "rờ",
        "l": "lờ",
        "b": "bờ",
        "c": "cờ",
        "k": "cờ",
        "d": "đờ",
        "g": "gờ",
        "m": "mờ",
        "n": "nờ",
        "p": "pờ",
        "t": "tờ",
        "v": "vờ",
        "x": "xờ",
    }.get(letter, "")
