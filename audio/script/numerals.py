"""Numbers in words, as an announcer of the north says them: "nghìn", "linh", "mốt", "tư", "lăm"."""

_DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_GROUPS = ("", "nghìn", "triệu")
_LONGEST = 27
"""Digits; beyond it (a billion billion billions) nobody counts, and digits are read one by one."""
_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


def cardinal(digits: str | int) -> str:
    """A whole number in words: 105 → "một trăm linh năm". A string's leading zeros are not read, except that "0" is "không"."""
    text = str(digits).lstrip("0")
    if not text:
        return "không"
    if len(text) > _LONGEST:
        return spelled(text)
    words: list[str] = []
    billions = [text[max(0, end - 9) : end] for end in range(len(text), 0, -9)]
    for power in range(len(billions) - 1, -1, -1):
        part = _below_billion(billions[power], full=bool(words))
        if part:
            words += part
            words += ["tỷ"] * power
    return " ".join(words)


def _below_billion(text: str, *, full: bool) -> list[str]:
    groups = [text[max(0, end - 3) : end] for end in range(len(text), 0, -3)]
    words: list[str] = []
    for power in range(len(groups) - 1, -1, -1):
        value = int(groups[power])
        if value:
            words += _below_thousand(value, full=full or bool(words))
            if _GROUPS[power]:
                words.append(_GROUPS[power])
    return words


def _below_thousand(value: int, *, full: bool) -> list[str]:
    """``full``: something stands before this group, so its hundreds are said even when they are zero."""
    hundreds, rest = divmod(value, 100)
    words: list[str] = []
    if hundreds or full:
        words += [_DIGITS[hundreds], "trăm"]
    tens, ones = divmod(rest, 10)
    if not rest:
        return words
    if tens == 0:
        return [*words, "linh", _DIGITS[ones]] if words else [_DIGITS[ones]]
    words += ["mười"] if tens == 1 else [_DIGITS[tens], "mươi"]
    if ones == 1 and tens > 1:
        words.append("mốt")
    elif ones == 4 and tens > 1:
        words.append("tư")
    elif ones == 5:
        words.append("lăm")
    elif ones:
        words.append(_DIGITS[ones])
    return words


def spelled(digits: str) -> str:
    """Digit by digit: "0983" → "không chín tám ba"."""
    return " ".join(_DIGITS[int(digit)] for digit in digits)


def in_file_number(digits: str) -> str:
    """The number of a document: "03" → "không ba", "113" → "một trăm mười ba"."""
    if digits.startswith("0") and 1 < len(digits) <= 3 and digits.strip("0"):
        zeros = len(digits) - len(digits.lstrip("0"))
        return " ".join(["không"] * zeros + [cardinal(digits)])
    return cardinal(digits)


def decimal_part(digits: str) -> str:
    """What follows the comma: "25" → "hai mươi lăm"; with a zero in front, or more than two digits, one by one."""
    if digits.startswith("0") or len(digits) > 2:
        return spelled(digits)
    return spelled(digits)


def ordinal(value: int) -> str:
    """What follows "thứ" or "lần thứ": nhất, hai, ba, tư, năm …"""
    return {1: "nhất", 4: "tư"}.get(value) or cardinal(value)


def month(value: int) -> str:
    """A month's name after "tháng": April is "tư"."""
    return "tư" if value == 4 else cardinal(value)


def roman(text: str) -> int | None:
    """The value of a well-formed Roman numeral of any case (1 to 3999), else None."""
    upper = text.upper()
    if not upper or any(letter not in _ROMAN for letter in upper) or len(upper) > 15:
        return None
    values = [_ROMAN[letter] for letter in upper]
    total = sum(
        -value if value < following else value for value, following in zip(values, [*values[1:], 0], strict=True)
    )
    return total if 0 < total < 4000 and to_roman(total) == upper else None


def to_roman(value: int) -> str:
    """The canonical Roman numeral of 1 to 3999."""
    out: list[str] = []
    for letters, worth in (
        ("M", 1000),
        ("CM", 900),
        ("D", 500),
        ("CD", 400),
        ("C", 100),
        ("XC", 90),
        ("L", 50),
        ("XL", 40),
        ("X", 10),
        ("IX", 9),
        ("V", 5),
        ("IV", 4),
        ("I", 1),
    ):
        count, value = divmod(value, worth)
        out.append(letters * count)
    return "".join(out)
