"""Phone numbers, web addresses, e-mail."""

import re

from audio.script import tables
from audio.script.letters import foreign, names_of, unaccented
from audio.script.model import TokenClass
from audio.script.numerals import spelled
from audio.script.rules.cursor import Cursor, Reading
from audio.script.syllables import is_syllable

_PHONE = re.compile(
    r"(?:\(?\+84\)?[ .-]?\d{1,3}|\(?0\d{1,3}\)?)(?:[ .]\d(?=[ .]\d{3}))?(?:(?:\. |[ .-])?\d{2,4}){2,4}|(?:1800|1900)(?:[ .-]?\d{2,4}){1,2}"
)
_LOOSE = re.compile(r"0[35789]\d{1,2}(?:[ .]\d{1,4}){2,5}")
_DATE = re.compile(r"(?:0[1-9]|[12]\d|3[01])([ .-])(?:0[1-9]|1[0-2])\1(?:19|20)\d\d(?!\d)")
_SHORT = re.compile(r"\d{3,8}")
_CALL = tables.cues("call")
_SHORT_NUMBERS = frozenset(
    ["111", "112", "113", "114", "115", "116", "119", "1022", "1080", "1800", "1900", "18001", "9029", "195"]
)
_EMERGENCY = frozenset(["111", "112", "113", "114", "115"])
_SERVICES = tables.cues("emergency service")
_URL = re.compile(
    r"(?:https?://|www\.)[^\s<>\"',;]{1,300}|[a-z0-9-]{2,60}(?:\.[a-z0-9-]{2,60}){0,4}\.(?:vn|com|net|org|gov|edu|info)(?:/[^\s<>\"',;]{0,200})?",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{2,63}){1,4}")
_KNOWN = {
    "gov": "gốp",
    "com": "com",
    "vn": "vê en",
    "www": "vê kép vê kép vê kép",
    "edu": "e đu",
    "org": "o rờ giê",
    "net": "nét",
    "dichvucong": "dịch vụ công",
    "http": "",
    "https": "",
    "gmail": "gi meo",
    "info": "in phô",
    "dichvucongquocgia": "dịch vụ công quốc gia",
    "chinhphu": "chính phủ",
    "binhdanhocvuso": "bình dân học vụ số",
    "baohiemxahoi": "bảo hiểm xã hội",
    "thuedientu": "thuế điện tử",
    "vneid": "vi en e ai đi",
    "bocongan": "bộ công an",
    "vssid": "vi ét ét ai đi",
    "facebook": "phây búc",
    "youtube": "diu túp",
    "zalo": "da lô",
    "gopy": "góp ý",
    "google": "gu gồ",
}
_MARKS = {".": "chấm", "/": "xuyệt", "@": "a còng", "-": "gạch ngang", "_": "gạch dưới"}
_SHORT_FORM = re.compile(r"ubmttq|ubnd|hdnd|mttq|thcs|thpt|bhxh|csgt|pccc")
_PIECE = re.compile(r"[^\W\d_]{1,60}|\d{1,20}|[./@_-]")


def phone(at: Cursor) -> Reading | None:
    """ "0983.123.456", "+84 ...", "1900 1234"; after words of calling, and of the emergency services, also short ones."""
    loose = at.match(_LOOSE)
    if loose is not None and len(re.sub(r"\D", "", loose[0])) == 10:
        return Reading(loose.end(), TokenClass.PHONE, spelled(re.sub(r"\D", "", loose[0])))  # "098 666 8 333"
    found = at.match(_PHONE)
    if found is not None and _DATE.match(found[0]) is None:
        digits = re.sub(r"\D", "", found[0])
        if 8 <= len(digits) <= 12:
            return Reading(
                found.end(),
                TokenClass.PHONE,
                ("cộng " if found[0].lstrip("(").startswith("+") else "") + spelled(digits),
            )
    found = at.match(_SHORT)
    joined = at.before[-2:-1] if at.before[-1:] and at.before[-1] in ("hoặc", "và", "hay") else at.before[-1:]
    if found is not None and found[0] in _SHORT_NUMBERS and joined and joined[0] in _SHORT_NUMBERS:
        return Reading(found.end(), TokenClass.PHONE, spelled(found[0]))  # "gọi 113, 114, 115"
    if (
        found is not None
        and found[0] in _EMERGENCY
        and (at.preceded_by(*_SERVICES) or at.phone)
        and at.following(found.end())[0] not in tables.counted()
    ):
        return Reading(found.end(), TokenClass.PHONE, spelled(found[0]))  # "cảnh sát 113", "ứng dụng Báo cháy 114"
    if (
        found is not None
        and not at.preceded_by("thông báo số", "báo cáo số")
        and (
            (at.preceded_by(*_CALL) and (at.last is TokenClass.PHONE or not at.preceded_by("hoặc")))
            or (
                at.preceded_by("số")
                and found[0] in _SHORT_NUMBERS
                and len(at.before) > 1
                and at.before[-2] in ("gọi", "nóng", "đài", "thoại", "theo", "qua", "vào")
            )
        )
    ):
        return Reading(found.end(), TokenClass.PHONE, spelled(found[0]))
    return None


def web(at: Cursor) -> Reading | None:
    """A web address or an e-mail address, said piece by piece; unless all its pieces are known, a person must hear whether it is understood."""
    found = at.match(_EMAIL)
    cls = TokenClass.EMAIL
    if found is None:
        found = _URL.match(at.text, at.place)
        cls = TokenClass.URL
    if found is None:
        return None
    written = found[0].rstrip(".!?:)")
    pieces = _PIECE.findall(re.sub(r"^https?://", "", written.rstrip("/")))
    said = " ".join(part for part in map(_piece, pieces) if part)
    certain = cls is TokenClass.URL and len(pieces) <= 7 and all(_known(piece) for piece in pieces)
    return Reading(at.place + len(written), cls, said, certain=certain)


def _known(piece: str) -> bool:
    return piece in _MARKS or piece.lower() in _KNOWN


def _piece(piece: str) -> str:
    lower = piece.lower()
    if piece in _MARKS:
        return _MARKS[piece]
    if lower in _KNOWN:
        return _KNOWN[lower]
    if piece[0].isdecimal():
        return spelled(piece) if piece.isascii() else ""
    if is_syllable(lower):
        return lower
    if (short := _SHORT_FORM.match(lower)) is not None and short.end() < len(lower):  # "ubndxa"
        return f"{names_of(short[0])} {_piece(lower[short.end() :])}"
    return names_of(piece) if len(piece) <= 4 else unaccented(lower) or foreign(piece)
