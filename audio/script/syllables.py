"""Whether a spoken word is a well-formed Vietnamese syllable: initial + rhyme + tone.

Source of the grammar: the orthography of Quyết định 240/QĐ (1984) and the rhyme tables of Đoàn Thiện Thuật, Ngữ âm tiếng Việt (1977).
"""

import re
import unicodedata
from functools import lru_cache

_TONES = {"\u0300": "huyền", "\u0301": "sắc", "\u0303": "ngã", "\u0309": "hỏi", "\u0323": "nặng"}

# Rhymes without tone, by their first letter's sound. Those of the second group end in a stop and bear only sắc and nặng.
_OPEN = frozenset(
    [
        "a",
        "ai",
        "ao",
        "au",
        "ay",
        "am",
        "an",
        "ang",
        "anh",
        "ăm",
        "ăn",
        "ăng",
        "âu",
        "ây",
        "âm",
        "ân",
        "âng",
        "e",
        "em",
        "en",
        "eng",
        "eo",
        "ê",
        "êu",
        "êm",
        "ên",
        "ênh",
        "êng",
        "i",
        "ia",
        "iu",
        "im",
        "in",
        "inh",
        "iêu",
        "iêm",
        "iên",
        "iêng",
        "o",
        "oi",
        "om",
        "on",
        "ong",
        "oong",
        "oa",
        "oai",
        "oao",
        "oay",
        "oam",
        "oan",
        "oang",
        "oanh",
        "oăm",
        "oăn",
        "oăng",
        "oe",
        "oem",
        "oen",
        "oeo",
        "ô",
        "ôi",
        "ôm",
        "ôn",
        "ông",
        "ôông",
        "ơ",
        "ơi",
        "ơm",
        "ơn",
        "ơng",
        "u",
        "ua",
        "ui",
        "um",
        "un",
        "ung",
        "uôi",
        "uôm",
        "uôn",
        "uông",
        "uê",
        "uên",
        "uênh",
        "uơ",
        "uy",
        "uya",
        "uyu",
        "uyn",
        "uynh",
        "uyên",
        "uân",
        "uâng",
        "uây",
        "ư",
        "ưa",
        "ưi",
        "ưu",
        "ưm",
        "ưn",
        "ưng",
        "ươi",
        "ươu",
        "ươm",
        "ươn",
        "ương",
        "y",
        "ya",
        "yêu",
        "yêm",
        "yên",
        "yêng",
    ]
)
_STOPPED = frozenset(
    [
        "ac",
        "ach",
        "ap",
        "at",
        "ăc",
        "ăp",
        "ăt",
        "âc",
        "âp",
        "ât",
        "ec",
        "ep",
        "et",
        "êch",
        "êp",
        "êt",
        "êc",
        "ich",
        "ip",
        "it",
        "iêc",
        "iêp",
        "iêt",
        "oc",
        "op",
        "ot",
        "ooc",
        "oac",
        "oach",
        "oap",
        "oat",
        "oăc",
        "oăt",
        "oet",
        "oep",
        "ôc",
        "ôp",
        "ôt",
        "ôôc",
        "ơp",
        "ơt",
        "ơc",
        "uc",
        "up",
        "ut",
        "uôc",
        "uôp",
        "uôt",
        "uât",
        "uêch",
        "uêt",
        "uych",
        "uyp",
        "uyt",
        "uyêt",
        "ưc",
        "ưp",
        "ưt",
        "ươc",
        "ươp",
        "ươt",
        "yêt",
    ]
)
_RHYMES = _OPEN | _STOPPED
_INITIAL = re.compile(r"(ngh|ng|nh|gh|gi|kh|ph|th|tr|ch|qu|[bcdđghklmnprstvx])?(.*)")
_FRONT = frozenset("ieêy")


def _folded_rhymes() -> dict[str, str]:
    found: dict[str, str] = {}
    for rhyme in sorted(
        _RHYMES, key=lambda each: (each.isascii(), each), reverse=True
    ):  # what needs no diacritics is taken as it is
        plain = "".join(char for char in unicodedata.normalize("NFD", rhyme) if not unicodedata.combining(char))
        found.setdefault(plain, rhyme)
    return found


_FOLDED = _folded_rhymes()


def unfolded(plain: str) -> str | None:
    """A syllable that someone typed without diacritics, with some: "duong" → "dương"; None if no syllable is written so."""
    match = _INITIAL.fullmatch(plain)
    rhyme = _FOLDED.get(match[2]) if match is not None else None
    if match is None or rhyme is None:
        return None
    if rhyme in _STOPPED:
        mark = next(place for place in range(len(rhyme) - 1, -1, -1) if rhyme[place] in "aăâeêioôơuưy")
        rhyme = unicodedata.normalize("NFC", rhyme[: mark + 1] + "\u0301" + rhyme[mark + 1 :])
    whole = (match[1] or "") + rhyme
    return whole if is_syllable(whole) else None


@lru_cache(maxsize=20_000)
def is_syllable(word: str) -> bool:
    """True for a lower-case word that Vietnamese spelling allows, with old or new placement of the tone mark (``hoà``, ``hòa``)."""
    if not word or len(word) > 8:
        return False
    bare, tone = _without_tone(word)
    if bare is None:
        return False
    if _fits(bare, tone):
        return True
    # Where "gi" itself holds the vowel: gì, giếng.
    return bare.startswith("gi") and _rhyme_fits(bare[1:], tone)


def _without_tone(word: str) -> tuple[str | None, str]:
    tone = ""
    kept: list[str] = []
    for char in unicodedata.normalize("NFD", word):
        if char in _TONES:
            if tone:
                return None, ""
            tone = _TONES[char]
        else:
            kept.append(char)
    return unicodedata.normalize("NFC", "".join(kept)), tone


def _fits(bare: str, tone: str) -> bool:
    match = _INITIAL.fullmatch(bare)
    if match is None:
        return False
    initial, rhyme = match[1] or "", match[2]
    if initial == "qu":  # the u is a glide: quang, quốc, quý, quên
        return bool(rhyme) and rhyme[0] not in "uư" and (_rhyme_fits(rhyme, tone) or _rhyme_fits("u" + rhyme, tone))
    if not rhyme or not _rhyme_fits(rhyme, tone):
        return False
    if initial in ("k", "gh", "ngh"):
        return rhyme[0] in _FRONT
    if initial in ("c", "g", "ng"):
        return rhyme[0] not in _FRONT
    return True


def _rhyme_fits(rhyme: str, tone: str) -> bool:
    return rhyme in _RHYMES and (rhyme not in _STOPPED or tone in ("sắc", "nặng"))


def not_syllables(spoken: str) -> tuple[str, ...]:
    """The words of a spoken text that are not well-formed Vietnamese syllables."""
    return tuple(word for word in spoken.split() if not is_syllable(word))
