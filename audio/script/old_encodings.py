"""Texts in the encodings from before Unicode, TCVN3 (ABC, the fonts .VnTime) and VNI (the fonts VNI-Times), as a browser pastes them.

Their letters stand on the places of Western European ones: "Th«ng b¸o" and "Thoâng baùo" for "Thông báo". A line is taken for one of them
only if words that are no Vietnamese syllables become some.
"""

import re
from collections.abc import Callable, Iterator

from audio.script.findings import Concern, Finding, Severity
from audio.script.model import Script
from audio.script.syllables import is_syllable

_TCVN3 = str.maketrans(
    "µ¸¶·¹¨»¾¼½Æ©ÇÊÈÉË®ÌÐÎÏÑªÒÕÓÔÖ×ÝØÜÞßãáâä«åèæçé¬êíëìîïóñòô\u00adõøö÷ùúýûüþ¡¢§£¤¥¦",
    "àáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵĂÂĐÊÔƠƯ",
)
_VNI_AFTER = {
    **dict(zip(("aø", "aù", "aû", "aõ", "aï"), "àáảãạ", strict=True)),
    **dict(zip(("aâ", "aà", "aá", "aå", "aã", "aä"), "âầấẩẫậ", strict=True)),
    **dict(zip(("aê", "aè", "aé", "aú", "aü", "aë"), "ăằắẳẵặ", strict=True)),
    **dict(zip(("eø", "eù", "eû", "eõ", "eï"), "èéẻẽẹ", strict=True)),
    **dict(zip(("eâ", "eà", "eá", "eå", "eã", "eä"), "êềếểễệ", strict=True)),
    **dict(zip(("oø", "où", "oû", "oõ", "oï"), "òóỏõọ", strict=True)),
    **dict(zip(("oâ", "oà", "oá", "oå", "oã", "oä"), "ôồốổỗộ", strict=True)),
    **dict(zip(("ôø", "ôù", "ôû", "ôõ", "ôï"), "ờớởỡợ", strict=True)),
    **dict(zip(("uø", "uù", "uû", "uõ", "uï"), "ùúủũụ", strict=True)),
    **dict(zip(("öø", "öù", "öû", "öõ", "öï"), "ừứửữự", strict=True)),
    **dict(zip(("yø", "yù", "yû", "yõ"), "ỳýỷỹ", strict=True)),
    **dict(zip("æóòôöñî", "ỉĩịơưđỵ", strict=True)),
}
_VNI = {
    **_VNI_AFTER,
    **{old[0].upper() + old[1:]: new.upper() for old, new in _VNI_AFTER.items()},
    **{old.upper(): new.upper() for old, new in _VNI_AFTER.items()},
}
_VNI_SIGN = re.compile("|".join(sorted(_VNI, key=len, reverse=True)))
_UNICODE_ALONE = re.compile("[ăđơưĂĐƠƯ\u1ea0-\u1ef9]")
"""Letters that neither encoding's places can show: a line with one is in Unicode."""
_WORD = re.compile(r"\S+")
_MARKS = " \t.,;:!?()[]“”\"'‘’…/–-"
_FEWEST = 3
"""Words of a text that must become syllables."""

_ENCODINGS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("TCVN3 (.VnTime)", lambda text: text.translate(_TCVN3)),
    ("VNI", lambda text: _VNI_SIGN.sub(lambda match: _VNI[match[0]], text)),
)


def old_encodings(text: str, _script: Script) -> Iterator[Finding]:
    """Lines in an old encoding, with what they say; the first line, which is the title, apart from the others."""
    for name, converted in _ENCODINGS:
        lines = [match for match in re.finditer(r"[^\n]+", text) if _UNICODE_ALONE.search(match[0]) is None]
        mended, spoilt = _told("\n".join(match[0] for match in lines), converted)
        if mended < _FEWEST or spoilt * 4 > mended:
            continue
        for start, end in _stretches(text, lines):
            old = text[start:end].removesuffix(".") if start == 0 else text[start:end]
            new = converted(old)
            if new != old:
                yield Finding(
                    *(Concern.OLD_ENCODING, Severity.ERROR, start, start + len(old), old),
                    f"Chữ gõ bằng bảng mã cũ {name}, máy không đọc được. Bấm để chuyển sang Unicode.",
                    new,
                )
        return


def _told(text: str, converted: Callable[[str], str]) -> tuple[int, int]:
    """How many words become syllables that were none, and how many that change do not."""
    mended = spoilt = 0
    for match in _WORD.finditer(text):
        old = match[0].strip(_MARKS)
        new = converted(old)
        if new == old:
            continue
        if is_syllable(new.lower()) and not is_syllable(old.lower()):
            mended += 1
        else:
            spoilt += 1
    return mended, spoilt


def _stretches(text: str, lines: list[re.Match[str]]) -> Iterator[tuple[int, int]]:
    """From where to where lines follow each other, but for the first line of the text."""
    waiting: tuple[int, int] | None = None
    for line in lines:
        if waiting is not None and waiting[0] > 0 and not text[waiting[1] : line.start()].strip():
            waiting = (waiting[0], line.end())
            continue
        if waiting is not None:
            yield waiting
        waiting = line.span()
    if waiting is not None:
        yield waiting
