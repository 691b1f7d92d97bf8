"""Numbers and what they count: decimals, per cent, money, units, ranges, fractions, addresses."""

import itertools
import re
from dataclasses import dataclass, replace

from audio.script import tables
from audio.script.letters import foreign, names_of
from audio.script.model import TokenClass
from audio.script.numerals import cardinal, decimal_part, ordinal, spelled
from audio.script.rules.cursor import Cursor, Reading
from audio.script.syllables import is_syllable

_NUMBER = re.compile(
    r"\d{1,3}(?:\.\d{3}){1,8}(?:,\d{1,12})?(?!\d)|\d{1,3}(?:,\d{3}){2,8}(?:\.\d{1,12})?(?!\d)|\d{1,40}(?:,\d{1,20})?"
)
_DECIMAL_OF = tables.cues("decimal of")
"""After a decimal written the English way, "46.8 tạ"."""
_SHORT_MONEY = re.compile(r"(k|K|\s?(?:tr|Tr)|t|ty|tỷ|tỉ)(?:([1-9])(?!\d)|\.?(?=đ(?![^\W_])))?")
_SHORT_WORTH = {
    "k": ("nghìn", "trăm"),
    "tr": ("triệu", "trăm nghìn"),
    "t": ("tỷ", "trăm triệu"),
    "ty": ("tỷ", "trăm triệu"),
    "tỷ": ("tỷ", "trăm triệu"),
    "tỉ": ("tỉ", "trăm triệu"),
}
_ENGLISH_THOUSANDS = re.compile(r"[1-9]\d{0,2},000(?![.,]?\d)")
_ROW = re.compile(r"\d{1,2}(?:,\d{1,2}){1,9}(?![\d.,/%]?\d|%|/)")
_STRAY = re.compile(r"([1-9]\d{0,2})\. (\d{3})(?=\s[^\W\d_])")
_ROW_WORDS = tables.cues("row of numbers")
_SPACED = re.compile(r"[1-9]\d{0,2}(?: \d{3}){1,4}(?![.,]?\d| \d{3})")
_TO_MEASURED = re.compile(r"\s?-\s?\d{1,4}(?:[.,]\d{1,2})?\s?(?:%|tỷ|triệu|tấn|tạ|lần|kg|ha|m2?\b|km|độ|°)")
_GOES_ON = re.compile(r"[:/]\d|-\d")
_TO = re.compile(r"\s{0,2}-{1,2}\s{0,2}")
_METRES = re.compile(r"(\d{1,3})m(\d{1,2})(?![.,]?\d|/)")
_GLUED_COUNTED = re.compile(r"[^\W_]{0,30}")
_POINT = re.compile(r"(\d{1,6})\.(\d{1,2})(?!\d|\.\d)")
_DOTTED = re.compile(r"\d{1,8}(?:\.\d{1,8}){1,5}")
_UNIT = re.compile(r"\s?(độ\s?C(?![^\W_])|0C(?![^\W_])|°\s?[CFKcfkNE]?|[A-Za-zμµ]{1,6}[23]?|%|‰)")
_PARTED_POWER = re.compile(r"\s?(m|km(?=\s2)|cm)\s([23])(?![.,/]?\d)(?=\s?[,.;)]|$|\s[^\W\d_])")
_PER = re.compile(r"\s?/\s?(?:(\d{1,3}(?:\.\d{3}){1,3}|\d{1,7}(?:,\d{1,2})?)\s?)?([^\W\d_]{1,12}[23]?)")
_CURRENCY = re.compile(r"\s?(US\$|USD|EUR|VNĐ|VND|vnđ|vnd|usd|đồng|[đ₫$€£¥₹])")
_PAID = frozenset(["đồng", "triệu", "nghìn", "ngàn", "tỷ", "suất"])
_PLACES = tables.cues("place")
_SLOGANS = tables.cues("slogan")
_POINTS = tables.cues("points")
_DEGREES = re.compile(r"(\d{1,3})[.,](\d{1,2})\s?([NE])")
_ARC = re.compile(r"(\d{1,3})°\s?(\d{1,2})'\s?(?:(\d{1,2})(?:[.,]\d{1,3})?(?:\"|'')\s?)?([NE])(?![^\W_])")
_MONTHS_SHORT = re.compile(r"\s?[Tt](?:/(20\d\d)(?!\d)|(?=\s(?:đầu|cuối)\snăm|\snăm\s20))")
_HEAVY = frozenset(
    ["xe", "tải", "trên", "quá", "cầu", "trọng", "nặng", "khối", "lượng", "sản", "tấn", "dưới", "cấm", "đường"]
)
_COMPASS = {"N": "vĩ bắc", "E": "kinh đông"}
_ON_THE_MAP = frozenset(["vĩ", "kinh", "tuyến", "trí", "tọa", "toạ", "độ", "tâm", "bão", "ở", "khoảng"])
_ONLY_SMALL = frozenset(["th", "md", "ph", "tr", "min", "gr", "cc", "cal"])
"""Units that in capitals are something else: "15 TH"."""
_COMRADES = re.compile(r"đ/c(?![^\W_])")
_FORMULATION = re.compile(
    r"(\d{1,3})(?:[.,](\d{1,2}))?\s?(EC|SC|WG|WP|SL|ND|EW|SE|GR|BTN|DC|OD|WDG|FS|SP|ME|G)(?![^\W_])"
)
"""Strength and formulation of a pesticide, "50WG", "3.6EC"."""
_CURRENCY_FIRST = re.compile(r"(US\$|USD|[$€£¥₹])\s?")
_LEADING_ZERO_READ = tables.cues("leading zero")
_LETTERED = tables.cues("letter after number")
"""Before these a letter after a number is a letter: "Quốc lộ 38B", "lớp 5A"."""
_CODED = tables.cues("code")
_VERSIONED = tables.cues("version")
"""Before these a dot between numbers is said."""
_CODE_WORDS = tables.cues("code near")
"""Near these a long number is said digit by digit."""
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
    if _GOES_ON.match(at.text, second.end) is not None:
        return None  # "2025 - 13:38"
    if first.said.endswith("độ vĩ bắc") and second.said.endswith("độ kinh đông"):  # a place, not a span
        return Reading(second.end, second.cls, f"{first.said} {second.said}")
    spaced = " " in at.text[first.end : start]
    if (
        spaced
        and second.cls is TokenClass.MEASURE
        and first.cls is TokenClass.NUMBER
        and bool(at.before)
        and at.capital_before()
    ):
        said = f"{first.said} {second.said}"  # "TBA Cẩm Hưng 3 - 320kVA"
        return Reading(second.end, second.cls, said, (f"{first.said} đến {second.said}",), certain=False)
    cls = TokenClass.RANGE if first.cls is TokenClass.NUMBER and second.cls is TokenClass.NUMBER else second.cls
    # What falls ("25-20") is seldom a span: a score, a pair of marks, a day and a month.
    low, high = _value(at, at.place + bool(sign)), _value(at, start)
    rises = bool(sign) or low < high or (first.cls is not TokenClass.NUMBER and first.cls is not second.cls)
    said = f"{sign}{first.said} đến {second.said}"
    others = () if rises else (f"{first.said} {second.said}", f"{first.said} gạch ngang {second.said}")
    return Reading(second.end, cls, said, others, first.certain and second.certain and rises)


def _value(at: Cursor, place: int) -> float:
    """The number written here, so that the ends of a span can be compared."""
    found = _NUMBER.match(at.text, place)
    if found is None:
        return 0.0
    whole, _, part = found[0].partition(",")
    return float(f"{whole.replace('.', '')}.{re.sub(r'[^0-9]', '', part) or '0'}")


def _currency_first(at: Cursor, start: int) -> Reading | None:
    found = _CURRENCY_FIRST.match(at.text, start)
    if found is None or not at.text[found.end() : found.end() + 1].isdecimal():
        return None
    number = _NUMBER.match(at.text, found.end())
    if number is None or at.joined(number.end()):
        return None
    return Reading(number.end(), TokenClass.MONEY, f"{number_said(number[0])} {tables.currencies()[found[1]][0]}")


def _amount(at: Cursor, start: int) -> _Amount | None:  # noqa: PLR0911, PLR0912 - one answer for each form
    pointed = _pointed(at, start)
    found = _NUMBER.match(at.text, start)
    if pointed is not None or found is None:
        return pointed
    if found[0][0] == "0" and "." in found[0] and "," not in found[0]:  # "ngạch 01.003"
        return None if at.joined(found.end()) else _dotted(at, found)
    written, end = found[0], found.end()
    english = _ENGLISH_THOUSANDS.match(at.text, start)
    if english is not None:  # "500,000 đồng"
        whole = english[0].replace(",", "")
        currency = _CURRENCY.match(at.text, english.end())
        if currency is not None and not at.joined(currency.end()):
            return _per(at, _Amount(_money(whole, currency[1]), currency.end(), TokenClass.MONEY))
        if not at.joined(english.end()) and at.following(english.end())[0] in tables.counted():
            return _Amount(cardinal(whole), english.end(), TokenClass.NUMBER, certain=False)
    stray = _STRAY.match(at.text, start)
    if stray is not None and at.following(stray.end())[0] in tables.counted():  # "1. 000 hội viên"
        return _Amount(cardinal(stray[1] + stray[2]), stray.end(), TokenClass.NUMBER, certain=stray[2] == "000")
    spaced = _SPACED.match(at.text, start)
    if spaced is not None and spaced.end() > end:
        return _thousands_by_spaces(at, spaced)
    short = _SHORT_MONEY.match(at.text, end)
    if short is not None and (not at.joined(short.end()) or at.text[short.end()] == "đ"):
        worth, tenth = _SHORT_WORTH[short[1].strip().lower()]
        said = f"{number_said(written)} {worth}" + (f" {cardinal(short[2])} {tenth}" if short[2] else "")
        currency = _CURRENCY.match(at.text, short.end())
        if currency is not None and not at.joined(currency.end()):
            return _per(at, _Amount(f"{said} {tables.currencies()[currency[1]][0]}", currency.end(), TokenClass.MONEY))
        if short[1] in ("k", "K") and written.isdecimal() and int(written) <= 24 and "vàng" in at.before[-6:]:
            return _Amount(f"{cardinal(written)} ca", short.end(), TokenClass.CODE)  # "vàng 24K"
        if short[1] == "K" and len(written) == 1 and not at.preceded_by("giá", "phí", "mức", "thu"):
            said = f"{cardinal(written)} ca"  # "thông điệp 5K"
            return _Amount(said, short.end(), TokenClass.CODE, not _SLOGANS.isdisjoint(at.before[-6:]))
        doubtful = short[1] == "t" and not short[2]  # "18-25t": years old, tonnes, billions
        return _per(at, _Amount(said, short.end(), TokenClass.MONEY, certain=not doubtful))
    currency = _CURRENCY.match(at.text, end)
    if currency is not None and not at.joined(currency.end()) and _COMRADES.match(at.text, currency.end() - 1) is None:
        if (
            currency[1] == "đ"
            and len(written.partition(",")[0]) < 3
            and at.text[currency.end() : currency.end() + 1] != "/"
        ):
            points = not _POINTS.isdisjoint(at.before[-6:])  # "cộng 1,5đ ưu tiên"
            return _Amount(
                f"{number_said(written)} {'điểm' if points else 'đồng'}", currency.end(), TokenClass.MONEY, points
            )
        return _per(at, _Amount(_money(written, currency[1]), currency.end(), TokenClass.MONEY))
    months = _MONTHS_SHORT.match(at.text, end)
    if months is not None and written.isdecimal() and int(written) <= 12:  # "9T/2025"
        year = f" năm {cardinal(months[1])}" if months[1] else ""
        return _Amount(f"{cardinal(written)} tháng{year}", months.end(), TokenClass.DATE)
    unit = unit_at(at, end)
    if unit is not None:
        said, unit_end = unit
        if at.text[unit_end - 1] == "T" and said == "tấn" and _HEAVY.isdisjoint(at.before[-6:]):
            return _Amount(f"{number_said(written)} tấn", unit_end, TokenClass.MEASURE, certain=False)  # "nữ, 34T"
        cls = TokenClass.PERCENT if said in ("phần trăm", "phần nghìn") else TokenClass.MEASURE
        return _per(at, _Amount(f"{number_said(written)} {said}", unit_end, cls))
    return _plain_number(at, start, written, end)


def _thousands_by_spaces(at: Cursor, found: re.Match[str]) -> _Amount | None:
    """ "570 000 ha": a space in place of the dot; what does not end in zeros may be two numbers ("thôn 5 200 hộ")."""
    whole = found[0].replace(" ", "")
    currency = _CURRENCY.match(at.text, found.end())
    if currency is not None and not at.joined(currency.end()):
        return _per(at, _Amount(_money(whole, currency[1]), currency.end(), TokenClass.MONEY))
    unit = unit_at(at, found.end())
    certain = whole.endswith("000") or unit is not None
    if unit is not None:
        return _per(at, _Amount(f"{cardinal(whole)} {unit[0]}", unit[1], TokenClass.MEASURE))
    if at.joined(found.end()):
        return None
    return _Amount(cardinal(whole), found.end(), TokenClass.NUMBER, certain)


def _pointed(at: Cursor, start: int) -> _Amount | None:  # noqa: PLR0911 - one answer for each form
    """ "360.5 m2", a decimal in the English way; "1m65", a length as it is spoken; "3.6EC", a pesticide."""
    strength = _FORMULATION.match(at.text, start)
    mobile = strength is not None and strength[3] == "G" and len(strength[1]) == 1  # "4G"
    if strength is not None and not mobile and at.last in (TokenClass.NAME, TokenClass.UNKNOWN, TokenClass.WORD):
        whole = cardinal(strength[1]) + (f" phẩy {decimal_part(strength[2])}" if strength[2] else "")
        certain = strength[3] != "G"
        return _Amount(f"{whole} {names_of(strength[3])}", strength.end(), TokenClass.CODE, certain=certain)
    degrees = _DEGREES.match(at.text, start)
    if degrees is not None and not at.joined(degrees.end()):  # "16,7N-109,3E"
        said = f"{cardinal(degrees[1])} phẩy {decimal_part(degrees[2])} độ {_COMPASS[degrees[3]]}"
        return _Amount(said, degrees.end(), TokenClass.MEASURE, not _ON_THE_MAP.isdisjoint(at.before[-5:]))
    arc = _ARC.match(at.text, start)
    if arc is not None:  # "20°57'N"
        seconds = f" {cardinal(arc[3])} giây" if arc[3] else ""
        said = f"{cardinal(arc[1])} độ {cardinal(arc[2])} phút{seconds} {_COMPASS[arc[4]]}"
        return _Amount(said, arc.end(), TokenClass.MEASURE)
    point = _POINT.match(at.text, start)
    if point is not None and (measured := unit_at(at, point.end())) is not None:
        said = f"{cardinal(point[1])} phẩy {decimal_part(point[2])} {measured[0]}"
        return _per(at, _Amount(said, measured[1], TokenClass.MEASURE))
    if (
        point is not None
        and not at.joined(point.end())
        and (at.following(point.end())[0] in _DECIMAL_OF or _TO_MEASURED.match(at.text, point.end()) is not None)
    ):
        return _Amount(f"{cardinal(point[1])} phẩy {decimal_part(point[2])}", point.end(), TokenClass.NUMBER)
    metres = _METRES.match(at.text, start)
    if metres is None or at.joined(metres.end()):
        return None
    power = metres[2] in ("2", "3")  # "cao 1m2" may be height or area
    if power and int(metres[1]) > 9:
        return None
    if power and not at.preceded_by("cao", "sâu", "dài", "rộng", "ngang"):
        return None
    said = f"{cardinal(metres[1])} mét {cardinal(metres[2])}"
    return _Amount(said, metres.end(), TokenClass.MEASURE, certain=not power)


def unit_at(at: Cursor, end: int) -> tuple[str, int] | None:  # noqa: PLR0911 - one answer for each form
    parted = _PARTED_POWER.match(at.text, end)  # "500 m 2"
    if parted is not None and not at.joined(parted.end()) and at.following(parted.end())[0] not in tables.counted():
        return tables.units()[parted[1] + parted[2]], parted.end()
    found = _UNIT.match(at.text, end)
    if found is None or (found[1][-1] not in "%‰" and at.joined(found.end())):
        return None
    written = "°C" if found[1] in ("độ C", "độC", "0C") else found[1].replace(" ", "")
    if found[0][0] == " " and len(written) == 1 and written.isalpha() and written not in _SPACED_UNITS:
        return None
    if written in "%‰":
        return tables.symbols()[written], found.end()
    if len(written) == 1 and written.isupper() and at.preceded_by(*_LETTERED):
        return None
    if found[0][0] == " " and written.isupper() and written in tables.abbreviations():
        return None  # "23 TB nặng"
    if written == "Mb" and at.text[found.end() : found.end() + 2] == "/s":
        return "mê ga bít", found.end()  # a speed is of bits, a file of bytes
    said = tables.units().get(written)
    if said is None and len(written) > 1 and not (written.isupper() and written.lower() in _ONLY_SMALL):
        said = tables.units().get(written.lower())
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
        one = amount.cls is TokenClass.MONEY and written in _MONEY_PER and found[1] in (None, "1")
        link = "một" if one else "trên"
        count = f"{number_said(found[1])} " if found[1] and not one else ""
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
    if (at.last is TokenClass.ABBREVIATION and written.isupper()) or (found[1] and at.last is TokenClass.NUMBER):
        return None
    if not found[1] and written in _PLACES and at.before[-1] in _PLACES:
        return None  # "61 phường/xã"
    if not found[1] and written.isupper() and written in tables.abbreviations() and at.before[-1] not in _PAID:
        return Reading(at.place + 1, TokenClass.SYMBOL, "", ("trên",), certain=False)  # "cơn bão/ATNĐ"
    said = tables.units().get(written) or _PER_WORDS.get(written.lower()) or _word(written)
    one = written in _MONEY_PER and "đồng" in at.before[-2:] and found[1] in (None, "1")
    count = f"{number_said(found[1])} " if found[1] and not one else ""
    link = "một" if one else "trên"
    known = written in tables.units() or written.islower() or written in tables.abbreviations()
    # "12 hộ/45 khẩu": so many of one and so many of another, not the one for the other.
    pair = (
        found[1] not in (None, "1", "10", "100", "1000", "1.000", "10.000", "100.000")
        and at.last is TokenClass.WORD
        and written not in tables.units()
    )
    others = (f"{count}{said}".strip(),) if pair else ()
    return Reading(found.end(), TokenClass.SYMBOL, f"{link} {count}{said}".strip(), others, known and not pair)


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


def _listed(at: Cursor, start: int) -> _Amount | None:
    """ "khoản 1,2 Điều 5", "ngày 9,10 và 11/10", "tổ 1,2,3": numbers in a row, not a decimal."""
    row = _ROW.match(at.text, start)
    if row is None or at.joined(row.end()):
        return None
    numbers = row[0].split(",")
    if any(int(low) >= int(high) for low, high in itertools.pairwise(numbers)):
        return None  # "12,0"
    if len(numbers) == 2:
        named = (
            start == at.place and bool(at.before) and at.before[-1] in _ROW_WORDS and at.before[-2:] != ["nông", "thôn"]
        )
        following = at.following(row.end())[0]
        if not named or following in tables.counted() or following in tables.units() or following in _DECIMAL_OF:
            return None
    return _Amount(" ".join(cardinal(number) for number in numbers), row.end(), TokenClass.NUMBER)


def _plain_number(at: Cursor, start: int, written: str, end: int) -> _Amount | None:
    if (
        at.joined(end)
        and (glued := _GLUED_COUNTED.match(at.text, end)) is not None
        and glued[0] not in tables.counted()
    ):
        if written.isdecimal() or len(glued[0]) > 3 or not glued[0].isalpha():
            return None
        said = f"{number_said(written)} {names_of(glued[0])}"  # "dầu 0,05S"
        return _Amount(said, glued.end(), TokenClass.CODE, certain=False)
    dotted = _DOTTED.match(at.text, start)
    if dotted is not None and dotted.end() > end and not at.joined(dotted.end()):
        return _dotted(at, dotted)
    if written.isdecimal():
        beside = at.last is TokenClass.NUMBER and start == at.place and at.text[start - 1 : start] == " "
        amount = _whole_number(at, written, end)
        return replace(amount, certain=False) if beside and amount.cls is TokenClass.NUMBER else amount
    return _listed(at, start) or _Amount(number_said(written), end, TokenClass.NUMBER)


def _dotted(at: Cursor, found: re.Match[str]) -> _Amount:
    """ "4.0", "1.2.3": parts with dots between; elsewhere one dot may be a decimal mark, and long parts a telephone number."""
    parts = found[0].split(".")
    if not _CODE_WORDS.isdisjoint(at.before[-3:]) and len(found[0]) > 7:
        return _Amount(" ".join(spelled(part) for part in parts), found.end(), TokenClass.CODE)
    if (parts[0].startswith("0") and len(parts[0]) > 2) or at.after_phone():
        return _Amount(
            " ".join(spelled(part) for part in parts), found.end(), TokenClass.PHONE, certain=at.after_phone()
        )
    if any(len(part) > 1 and part[0] == "0" for part in parts):
        said = " chấm ".join(spelled(part) if part[0] == "0" else cardinal(part) for part in parts)
        return _Amount(said, found.end(), TokenClass.CODE, certain=False)
    said = " chấm ".join(cardinal(part) for part in parts)
    if len(parts) == 2 and at.preceded_by(
        "môn", "bình", "đạt", "tăng", "giảm", "chiếm", "khoảng", "gần", "hơn", "điểm tb", "là"
    ):
        return _Amount(f"{cardinal(parts[0])} phẩy {decimal_part(parts[1])}", found.end(), TokenClass.NUMBER)
    certain = (
        len(parts) > 2
        or parts[1] == "0"
        or at.preceded_by(*_VERSIONED)
        or bool(at.before and at.before[-1][:1].isupper())
    )
    return _Amount(said, found.end(), TokenClass.NUMBER, certain and all(len(part) < 4 for part in parts))


def _whole_number(at: Cursor, written: str, end: int) -> _Amount:  # noqa: PLR0911 - one answer for each form
    """Digits alone: "thứ 4" is an ordinal, "tháng 4" a month, "mã 1234" a code, "05 hộ" five, "Đề án 06" zero six."""
    zero = written.startswith("0") and len(written) > 1
    if written in ("999", "9999") and "vàng" in at.before[-5:]:
        return _Amount(f"{cardinal(len(written))} số chín", end, TokenClass.CODE)  # the fineness of gold
    if at.preceded_by("thứ") and len(written) < 6:
        return _Amount(ordinal(int(written)), end, TokenClass.ORDINAL)
    if at.preceded_by("tháng", "tết") and int(written) == 4:
        return _Amount("tư", end, TokenClass.DATE)
    if len(at.before) > 1 and at.before[-2] == "tháng" and at.before[-1].isdecimal() and 1900 <= int(written) <= 2100:
        return _Amount("năm " + cardinal(written), end, TokenClass.DATE)
    named = len(written) > 5 and not _CODE_WORDS.isdisjoint(at.before[-5:])
    if (zero and len(written) > 2) or named or (len(written) > 3 and at.preceded_by(*_CODED)):
        return _Amount(spelled(written), end, TokenClass.CODE)
    if zero and int(written) and at.preceded_by(*_LEADING_ZERO_READ):
        return _Amount("không " + cardinal(written), end, TokenClass.NUMBER)
    # An amount of that size would be written with dots.
    too_long = len(written) > 9 or (len(written) > 5 and at.following(end)[0] not in tables.counted())
    return _Amount(cardinal(written), end, TokenClass.NUMBER, not too_long)
