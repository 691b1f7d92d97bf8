"""Numbers and what they count: decimals, per cent, money, units, ranges, fractions, addresses."""

import re
from dataclasses import dataclass

from audio.script import tables
from audio.script.letters import foreign, names_of
from audio.script.model import TokenClass
from audio.script.numerals import cardinal, decimal_part, ordinal, spelled
from audio.script.rules.cursor import Cursor, Reading
from audio.script.syllables import is_syllable

_NUMBER = re.compile(
    r"\d{1,3}(?:\.\d{3}){1,8}(?:,\d{1,12})?(?!\d)|\d{1,3}(?:,\d{3}){2,8}(?:\.\d{1,12})?(?!\d)|\d{1,40}(?:,\d{1,20})?"
)
_SHORT_MONEY = re.compile(r"(k|K|\s?(?:tr|Tr)|t|ty|tỷ|tỉ)(?:([1-9])(?!\d))?")
_SHORT_WORTH = {
    "k": ("nghìn", "trăm"),
    "tr": ("triệu", "trăm nghìn"),
    "t": ("tỷ", "trăm triệu"),
    "ty": ("tỷ", "trăm triệu"),
    "tỷ": ("tỷ", "trăm triệu"),
    "tỉ": ("tỉ", "trăm triệu"),
}
_TO = re.compile(r"\s{0,2}-{1,2}\s{0,2}")
_PARTED = (2, 3, 4)
"""What one divides a whole into: "3/4 số hộ" is a part, "4/6 trường" so many of so many."""
_SCORE = re.compile(r"(\d{1,2})\s?-\s?(\d{1,2})")
_SERIES = re.compile(r"\d{1,2}(?:\.\d)?(?:[-:.]\d{1,2}){2,4}")
_DASHED = re.compile(r"\d{1,2}(?:-\d{1,2}){2,4}")
_PLATE = re.compile(r"(\d{2})\s?-?\s?([A-ZĐ]{1,2})(\d?)\s?[-. ]?\s?(\d{3}\.\d{2}|\d{4,5})")
_PLATE_WORDS = ("biển", "biển số", "biển kiểm soát", "biển số xe", "bks", "bsx", "biển đăng ký", "số xe")
_FRACTION = re.compile(r"(\d{1,4})/(\d{1,5}(?!\.\d{3}))")
_OF_MANY = re.compile(r"(\d{1,4})/(\d{1,3}(?:\.\d{3}){1,3}|\d{1,5},\d{1,2})(?![.,]?\d)")
_TIMES = re.compile(r"(\d{1,4})\s?[xX×]\s?(?=\d)")
_METRES = re.compile(r"(\d{1,3})m(\d{1,2})(?![.,]?\d|/)")
_GLUED_COUNTED = re.compile(r"[^\W_]*")
_RATIO = re.compile(r"(\d{1,4})\s?:\s?(\d{1,5})(?!:)")
_POINT = re.compile(r"(\d{1,6})\.(\d{1,2})(?!\d|\.\d)")
_MIXED = re.compile(r"(\d{1,4})\s(\d{1,2})/(\d{1,2})")
_ADDRESS = re.compile(r"(\d{1,4})([A-Za-z]?)((?:/\d{1,4}[A-Za-z]?){1,4})")
_ADDRESS_WORDS = ("số", "ngõ", "ngách", "hẻm", "kiệt", "số nhà", "nhà số", "ngõ số")
_DOTTED = re.compile(r"\d{1,4}(?:\.\d{1,4}){1,4}")
_UNIT = re.compile(r"\s?(độ C(?![^\W_])|°\s?[CFKcfkNE]?|[A-Za-zμµ]{1,6}[23]?|%|‰)")
_PER = re.compile(r"\s?/\s?(?:(\d{1,3}(?:\.\d{3}){0,3})\s?)?([^\W\d_]{1,12}[23]?)")
_CURRENCY = re.compile(r"\s?(US\$|USD|EUR|VNĐ|VND|vnđ|vnd|usd|đồng|[đ₫$€£¥₹])")
_CURRENCY_FIRST = re.compile(r"(US\$|USD|[$€£¥₹])\s?")
_LEADING_ZERO_READ = (
    "đề án",
    "số",
    "mã",
    "mã số",
    "quốc lộ",
    "đường",
    "tỉnh lộ",
    "mẫu",
    "mẫu số",
    "kênh",
    "biểu",
    "nghị quyết",
    "nghị định",
    "thông tư",
    "quyết định",
    "chỉ thị",
    "tổ",
    "ký hiệu",
    "phụ lục",
    "qcvn",
    "tcvn",
    "đh",
    "dh",
    "đt",
    "đx",
    "ql",
    "tl",
    "hl",
)
_LETTERED = (
    "ấp",
    "thôn",
    "xóm",
    "khóm",
    "cụm",
    "tdp",
    "kp",
    "khu phố",
    "tổ dân phố",
    "phòng",
    "dãy",
    "hẻm",
    "ngõ",
    "nhóm",
    "trạm",
    "bản",
    "làng",
    "cống",
    "lớp",
    "khối",
    "tổ",
    "nhà",
    "số",
    "đội",
    "khu",
    "quốc lộ",
    "tỉnh lộ",
    "đường",
    "cao tốc",
    "biển số",
    "điều",
    "khoản",
    "mẫu",
    "lô",
    "hạng",
    "phụ lục",
    "tuyến",
    "đh",
    "dh",
    "đt",
    "đx",
    "ql",
    "tl",
    "hl",
)
"""Before these a letter after a number is a letter: "Quốc lộ 38B", "lớp 5A"."""
_CODED = (
    "tài khoản",
    "số tài khoản",
    "mã",
    "mã số",
    "số thẻ",
    "căn cước",
    "số cccd",
    "cccd",
    "số căn cước",
    "định danh",
    "số hiệu",
    "mã số thuế",
    "mã hồ sơ",
    "stk",
    "otp",
    "mã qr",
)
_SCORES = frozenset(["thắng", "thua", "hòa", "hoà", "dẫn", "tỷ số", "tỉ số"])
_SPACED_UNITS = frozenset(["m", "g", "h", "l"])
_MONEY_PER = frozenset(["kg", "g", "m2", "m3", "ha", "lít", "l", "tấn", "tạ", "yến", "kWh", "kwh"])
_PER_WORDS = {"cp": "cổ phiếu", "ng": "người", "ngđ": "người", "đv": "đơn vị", "th": "tháng", "hs": "học sinh"}


@dataclass(frozen=True, slots=True)
class _Amount:
    said: str
    end: int
    cls: TokenClass
    certain: bool = True


def number_said(written: str) -> str:
    """ "1.234,5" → "một nghìn hai trăm ba mươi tư phẩy năm"; dots are thousands, the comma is the decimal mark."""
    if written.count(",") > 1:  # the English way
        written = written.replace(",", "").replace(".", ",")
    whole, _, part = written.replace(".", "").partition(",")
    said = cardinal(whole)
    return f"{said} phẩy {decimal_part(part)}" if part else said


def score(at: Cursor) -> Reading | None:
    """The score of a match, "2-1", where the sentence speaks of one."""
    found = at.match(_SCORE)
    if found is None or not (
        at.preceded_by("tỷ số", "tỉ số")
        or _SCORES & {*at.before[-5:], *(" ".join(at.before[place : place + 2]) for place in range(len(at.before)))}
    ):
        return None
    return Reading(found.end(), TokenClass.RANGE, f"{cardinal(found[1])} {cardinal(found[2])}")


def series(at: Cursor) -> Reading | None:
    """Shares of a fertiliser, "NPK 16-16-8", "NPK 5:10:3": one after the other. Elsewhere three numbers with dashes may be anything."""
    fertiliser = not {"npk", "npk-s"}.isdisjoint(at.before[-3:])
    found = at.match(_SERIES if fertiliser else _DASHED)
    if found is None:
        return None
    said = " ".join(cardinal(part) for part in re.findall(r"\d+", found[0]))
    return Reading(found.end(), TokenClass.CODE, said, certain=fertiliser)


def plate(at: Cursor) -> Reading | None:
    """The plate of a vehicle, "34A-123.45", "29C1-234.56": digits one by one. Without a word that says so, only the form with a dot is certain."""
    found = at.match(_PLATE)
    if found is None:
        return None
    named = at.preceded_by(*_PLATE_WORDS) or (at.last is TokenClass.CODE and "biển" in at.before)
    if not named and "." not in found[4]:
        return None
    parts = [spelled(found[1]), names_of(found[2]), spelled(found[3]), spelled(found[4].replace(".", ""))]
    return Reading(found.end(), TokenClass.CODE, " ".join(part for part in parts if part))


def quantity(at: Cursor) -> Reading | None:
    """A number with what it counts, or a span of two such."""
    start = at.place
    sign = ""
    if at.text[start] in "-+":
        before = at.text[start - 1 : start]
        if before.isalnum() or not at.text[start + 1 : start + 2].isdecimal():
            return None
        sign = "âm " if at.text[start] == "-" else "cộng "
        start += 1
    if not sign and (prefixed := _currency_first(at, start)) is not None:
        return prefixed
    if not at.text[start].isdecimal():
        return None
    first = _amount(at, start)
    if first is None:
        return None
    dash = _TO.match(at.text, first.end)
    if dash is not None and at.text[dash.end() : dash.end() + 1].isdecimal():
        second = _amount(at, dash.end())
        if second is not None and (spanned := _spanned(at, sign, first, second, dash.end())) is not None:
            return spanned
    return Reading(first.end, first.cls, sign + first.said, certain=first.certain)


def _spanned(at: Cursor, sign: str, first: _Amount, second: _Amount, start: int) -> Reading | None:
    """Two amounts with a dash between: from the one to the other, or two parts of a code."""
    if first.cls is TokenClass.CODE:  # "mã số thuế 0901234567-001"
        digits = at.text[start : second.end]
        tail = spelled(digits) if digits.isdecimal() else second.said
        return Reading(second.end, first.cls, f"{first.said} gạch ngang {tail}", certain=first.certain)
    if first.cls is TokenClass.MEASURE and second.cls is TokenClass.NUMBER:
        return None  # "180kVA-22/0,4kV"
    cls = TokenClass.RANGE if first.cls is TokenClass.NUMBER and second.cls is TokenClass.NUMBER else second.cls
    return Reading(second.end, cls, f"{sign}{first.said} đến {second.said}", certain=first.certain and second.certain)


def _currency_first(at: Cursor, start: int) -> Reading | None:
    found = _CURRENCY_FIRST.match(at.text, start)
    if found is None or not at.text[found.end() : found.end() + 1].isdecimal():
        return None
    number = _NUMBER.match(at.text, found.end())
    if number is None or at.joined(number.end()):
        return None
    return Reading(number.end(), TokenClass.MONEY, f"{number_said(number[0])} {tables.currencies()[found[1]][0]}")


def ratio(at: Cursor) -> Reading | None:
    """ "bản đồ tỷ lệ 1:2000"; what is no time of day and is not called a ratio is uncertain."""
    found = at.match(_RATIO)
    if found is None:
        return None
    named = at.preceded_by("tỷ lệ", "tỉ lệ", "bản đồ")
    if not named and (len(found[2]) == 2 or len(found[1]) > 2):
        return None
    said = f"{cardinal(found[1])} trên {cardinal(found[2])}"
    return Reading(found.end(), TokenClass.FRACTION, said, certain=named)


def times(at: Cursor) -> Reading | None:
    """The first of two numbers that are multiplied, "5x8.000m3/h", "100x50cm"; the second is read with its unit."""
    found = _TIMES.match(at.text, at.place)
    return Reading(found.end(), TokenClass.NUMBER, f"{cardinal(found[1])} nhân") if found is not None else None


def _amount(at: Cursor, start: int) -> _Amount | None:
    pointed = _pointed(at, start)
    found = _NUMBER.match(at.text, start)
    if pointed is not None or found is None:
        return pointed
    written, end = found[0], found.end()
    short = _SHORT_MONEY.match(at.text, end)
    if short is not None and not at.joined(short.end()):
        worth, tenth = _SHORT_WORTH[short[1].strip().lower()]
        said = f"{number_said(written)} {worth}" + (f" {cardinal(short[2])} {tenth}" if short[2] else "")
        currency = _CURRENCY.match(at.text, short.end())
        if currency is not None and not at.joined(currency.end()):
            return _per(at, _Amount(f"{said} {tables.currencies()[currency[1]][0]}", currency.end(), TokenClass.MONEY))
        return _per(at, _Amount(said, short.end(), TokenClass.MONEY))
    currency = _CURRENCY.match(at.text, end)
    if currency is not None and not at.joined(currency.end()):
        return _per(at, _Amount(_money(written, currency[1]), currency.end(), TokenClass.MONEY))
    unit = _unit(at, end)
    if unit is not None:
        said, unit_end = unit
        cls = TokenClass.PERCENT if said in ("phần trăm", "phần nghìn") else TokenClass.MEASURE
        return _per(at, _Amount(f"{number_said(written)} {said}", unit_end, cls))
    return _plain_number(at, start, written, end)


def _pointed(at: Cursor, start: int) -> _Amount | None:
    """ "360.5 m2", a decimal in the English way; "1m65", a length as it is spoken."""
    point = _POINT.match(at.text, start)
    if point is not None and (measured := _unit(at, point.end())) is not None:
        said = f"{cardinal(point[1])} phẩy {decimal_part(point[2])} {measured[0]}"
        return _per(at, _Amount(said, measured[1], TokenClass.MEASURE))
    if point is not None and at.following(point.end())[0] in ("triệu", "tỷ", "tỉ", "nghìn"):
        return _Amount(f"{cardinal(point[1])} phẩy {decimal_part(point[2])}", point.end(), TokenClass.NUMBER)
    metres = _METRES.match(at.text, start)
    if metres is None or at.joined(metres.end()):
        return None
    power = metres[2] in ("2", "3")  # "cao 1m2" may be height or area
    if power and not at.preceded_by("cao", "sâu", "dài", "rộng", "ngang"):
        return None
    said = f"{cardinal(metres[1])} mét {cardinal(metres[2])}"
    return _Amount(said, metres.end(), TokenClass.MEASURE, certain=not power)


def _unit(at: Cursor, end: int) -> tuple[str, int] | None:
    found = _UNIT.match(at.text, end)
    if found is None or (found[1][-1] not in "%‰" and at.joined(found.end())):
        return None
    written = "°C" if found[1] == "độ C" else found[1].replace(" ", "")
    if found[0][0] == " " and len(written) == 1 and written.isalpha() and written not in _SPACED_UNITS:
        return None
    if written in "%‰":
        return tables.symbols()[written], found.end()
    if len(written) == 1 and written.isupper() and at.preceded_by(*_LETTERED):
        return None
    said = tables.units().get(written) or (tables.units().get(written.lower()) if len(written) > 1 else None)
    return (said, found.end()) if said else None


def _per(at: Cursor, amount: _Amount) -> _Amount:
    """ "/kg", "/người/tháng" after an amount."""
    while (found := _PER.match(at.text, amount.end)) is not None and not at.joined(found.end()):
        written = found[2]
        said = (
            tables.units().get(written)
            or _PER_WORDS.get(written.lower())
            or (tables.units().get(written.lower()) if len(written) > 1 else None)
        )
        known = said is not None or written.islower()
        link = "một" if amount.cls is TokenClass.MONEY and written in _MONEY_PER else "trên"
        count = f"{number_said(found[1])} " if found[1] else ""
        amount = _Amount(
            f"{amount.said} {link} {count}{said or _word(written)}".strip(),
            found.end(),
            amount.cls,
            amount.certain and known,
        )
    return amount


def _word(written: str) -> str:
    lower = written.lower()
    entry = tables.abbreviations().get(written)
    if entry is not None:
        return entry.reading
    return lower if is_syllable(lower) else foreign(lower) or names_of(lower)


def share(at: Cursor) -> Reading | None:
    """The slash between what was counted and what it is counted for: "65 tạ/ha", "triệu đồng/người/tháng"; between other words it is silent."""
    found = _PER.match(at.text, at.place)
    if at.last is TokenClass.CODE and found is not None and (found[1] or (len(found[2]) == 1 and found[2].isupper())):
        return None  # "4G/5G"
    if found is None or at.joined(found.end()) or not any(word[0].isdecimal() for word in at.before[-5:]):
        return None
    written = found[2]
    said = tables.units().get(written) or _PER_WORDS.get(written.lower()) or _word(written)
    count = f"{number_said(found[1])} " if found[1] else ""
    link = "một" if written in _MONEY_PER and "đồng" in at.before[-2:] else "trên"
    known = written in tables.units() or written.islower() or written in tables.abbreviations()
    return Reading(found.end(), TokenClass.SYMBOL, f"{link} {count}{said}".strip(), certain=known)


def _money(written: str, currency: str) -> str:
    name, hundredth = tables.currencies()[currency]
    whole, _, part = written.partition(",")
    if hundredth and part and len(part) <= 2 and "," in written and written.count(",") == 1:
        cents = int(part.ljust(2, "0"))
        main = f"{cardinal(whole.replace('.', ''))} {name}"
        if not cents:
            return main
        return (
            f"{cardinal(cents)} {hundredth}"
            if not int(whole.replace(".", ""))
            else f"{main} {cardinal(cents)} {hundredth}"
        )
    return f"{number_said(written)} {name}"


def _plain_number(at: Cursor, start: int, written: str, end: int) -> _Amount | None:
    if at.joined(end) and _GLUED_COUNTED.match(at.text, end)[0] not in tables.counted():  # type: ignore[index]  # it matches anything
        return None
    dotted = _DOTTED.match(at.text, start)
    if dotted is not None and dotted.end() > end and not at.joined(dotted.end()):
        said = " chấm ".join(cardinal(part) for part in dotted[0].split("."))
        return _Amount(said, dotted.end(), TokenClass.NUMBER)
    if written.isdecimal():
        return _whole_number(at, written, end)
    return _Amount(number_said(written), end, TokenClass.NUMBER)


def _whole_number(at: Cursor, written: str, end: int) -> _Amount:
    """Digits alone: "thứ 4" is an ordinal, "tháng 4" a month, "mã 1234" a code, "05 hộ" five, "Đề án 06" zero six."""
    zero = written.startswith("0") and len(written) > 1
    if at.preceded_by("thứ") and len(written) < 6:
        return _Amount(ordinal(int(written)), end, TokenClass.ORDINAL)
    if at.preceded_by("tháng", "tết") and int(written) == 4:
        return _Amount("tư", end, TokenClass.DATE)
    if len(at.before) > 1 and at.before[-2] == "tháng" and at.before[-1].isdecimal() and 1900 <= int(written) <= 2100:
        return _Amount("năm " + cardinal(written), end, TokenClass.DATE)
    if (zero and len(written) > 2) or (len(written) > 3 and at.preceded_by(*_CODED)):
        return _Amount(spelled(written), end, TokenClass.CODE)
    if zero and int(written) and at.preceded_by(*_LEADING_ZERO_READ):
        return _Amount("không " + cardinal(written), end, TokenClass.NUMBER)
    too_long = len(written) > 9  # an amount of that size would be written with dots
    return _Amount(cardinal(written), end, TokenClass.NUMBER, certain=not too_long)


def address(at: Cursor) -> Reading | None:
    """A slash that is said as "trên": house numbers "số 12/5", ranks of invalids "thương binh 2/4", "lớp 1/2"."""
    if at.preceded_by(*_ADDRESS_WORDS) and (found := at.match(_ADDRESS)) is not None:
        parts = [
            f"{cardinal(digits)}{' ' + names_of(letter) if letter else ''}"
            for digits, letter in re.findall(r"(\d+)([A-Za-z]?)", found[0])
        ]
        return Reading(found.end(), TokenClass.ADDRESS, " trên ".join(parts))
    if at.preceded_by("thương binh", "bệnh binh", "lớp", "hạng") and (found := at.match(_FRACTION)) is not None:
        return Reading(found.end(), TokenClass.FRACTION, f"{cardinal(found[1])} trên {cardinal(found[2])}")
    return None


def fraction(at: Cursor) -> Reading | None:
    """ "1/2", "23 1/5"; house numbers "12/5" after "số", "ngõ"; "24/24", "123/125" as "trên"."""
    sign = ""
    place = at.place
    if at.text[place] == "-" and not at.text[place - 1 : place].isalnum():
        sign, place = "âm ", place + 1
    found = _MIXED.match(at.text, place)
    if found is not None and not at.joined(found.end()) and int(found[2]) < int(found[3]) <= 20:
        said = f"{sign}{cardinal(found[1])} và {_part(found[2], found[3])[0]}"
        return Reading(found.end(), TokenClass.FRACTION, said)
    found = _OF_MANY.match(at.text, place)
    if found is not None:
        return Reading(found.start(2), TokenClass.FRACTION, f"{sign}{cardinal(found[1])} trên")
    found = _FRACTION.match(at.text, place)
    if found is None:
        return None
    unit = _unit(at, found.end())
    if at.joined(found.end()) and unit is None:
        return None
    said, certain = _part(found[1], found[2])
    if len(found[1]) == len(found[2]) == 4 and found[1][:2] == found[2][:2] == "20":
        certain = False  # "năm 2025/2024": this year compared with that
    following = at.following(found.end())[0]
    if (
        int(found[2]) not in _PARTED
        and following in tables.counted()
        and not (found[2] in ("5", "10") and following == "số")
    ):
        said = f"{cardinal(found[1])} trên {cardinal(found[2])}"  # "4/6 trường"
    if unit is not None:
        return Reading(unit[1], TokenClass.MEASURE, f"{sign}{said} {unit[0]}")
    return Reading(found.end(), TokenClass.FRACTION, sign + said, certain=certain)


def _part(above: str, below: str) -> tuple[str, bool]:
    top, bottom = int(above), int(below)
    if bottom == 0 or (bottom > 10 and top != 1) or top == bottom:
        return f"{cardinal(top)} trên {cardinal(bottom)}", True
    return f"{cardinal(top)} phần {'tư' if bottom == 4 else cardinal(bottom)}", True
