"""The reader: one pass over the text, rules in order at each place, phrases from punctuation and structure."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from audio.script import tables
from audio.script.letters import names_of
from audio.script.lexicon import Lexicon
from audio.script.model import Phrase, Script, Token, TokenClass
from audio.script.numerals import cardinal, roman, spelled
from audio.script.rules import calendar, codes, contacts, dashes, documents, quantities, shares, words
from audio.script.rules.cursor import Cursor, Reading
from audio.script.source import Source, source_of
from audio.script.syllables import is_syllable

_DIGIT_RULES: tuple[Callable[[Cursor], Reading | None], ...] = (
    documents.standard,
    codes.fuel,
    documents.document_number,
    contacts.phone,
    shares.plate,
    shares.series,
    calendar.date_span,
    calendar.of_year,
    calendar.date,
    calendar.time,
    shares.address,
    shares.times,
    shares.ratio,
    shares.fraction,
    calendar.duration,
    shares.score,
    quantities.quantity,
    codes.code,
)
_PAUSES_MS = {",": 180, ";": 400, ":": 300, ".": 500, "!": 500, "?": 500, "(": 150, ")": 150, "…": 400}
_LINE_PAUSE_MS = 600
_PARAGRAPH_PAUSE_MS = 800
_ITEM_PAUSE_MS = 250
_COMPARED = {">": "trên", "<": "dưới"}
_BEFORE_NUMBER = re.compile(r"[<>]\s?\d")
_NO_NUMBER_AFTER = re.compile(r"(?!\s?\d)")
_END_MARK = re.compile(r"\.\s?/\s?\.")
_BULLET = re.compile(r"[ ]{0,40}(?:#{1,6}\s{1,4}|>\s{1,4})?[*_]{0,3}((?:[-+*•–·●○■□▪►✓❖➢✔](?:[ ]{1,4}|(?=[^\W\d_])))?)")
_ITEM = re.compile(
    r"(\d{1,2}(?:\.\d{1,2}){0,3}|[IVX]{1,6}|[A-Ha-hđĐ])"
    r"(?:[.)](?=[\s*]|[^\W\d])|\.(?=\s)|(?<=[a-hđ]),(?=\s[^\W\d_a-zà-ỹ])|/(?:(?=\s{1,2}[^\W\d_])|(?<=\d/)(?=[^\W\d_][a-zà-ỹ])))[*_]{0,3}"
)
_SHORT_FORM = re.compile(r"\(\s?([^\W\d_][^\s()]{1,15})\s?\)")
_DEFINED = re.compile(r"\((?:[Ss]au đây )?(?:gọi |viết )(?:chung |tắt )?là:?\s\"?([A-ZĐÂĂÊÔƠƯ&-]{2,12})\"?\)")
_JOINING = frozenset(("và", "của", "về", "các"))
_NUMBER_AGAIN = re.compile(r"\(\s?(\d{1,6})\s?\)")
_WORDS_AGAIN = re.compile(r"\(\s?(?:[Bb]ằng chữ:?\s)?([^\W\d_]{1,8}(?:(?:, ?| )[^\W\d_]{1,8}){0,36})\.?/?\s?\)")
_DIGITS = re.compile(r"\d{1,400}")
_LONGEST_SPELLED = 30
_MARKDOWN = re.compile(r"[*_#\\`|~]{1,400}")
_WORD_AND_SPACE = re.compile(r"[a-zà-ỹđ]{1,8}(?=[\s,;:!?)\"]|\.\s|\.?$)")
_MAIL_OR_WEB = re.compile(
    r"[A-Za-z0-9._%+-]{1,64}@|https?://|www\.|[A-Za-z0-9-]{2,60}(?:\.[A-Za-z0-9-]{2,60}){0,4}\.(?:vn|com|net|org|gov|edu|info)\b"
)
_SIGNED = re.compile(r"[-+]\d|[$€£¥₹]\s?\d|US\$\s?\d|USD\s?\d")


_NATIONAL = Lexicon()


def read(text: str, lexicon: Lexicon = _NATIONAL) -> Script:
    """Read any string, with the area's ``lexicon`` before the national data files.

    Pure and deterministic; the time grows with the length of the text and with nothing else; never raises.
    """
    return _Pass(source_of(text), lexicon).script()


@dataclass(slots=True)
class _Pass:
    source: Source
    lexicon: Lexicon
    tokens: list[Token] = field(default_factory=list)
    phrases: list[Phrase] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    defined: dict[str, str] = field(default_factory=dict)
    said_from: int = 0
    said_to: int = 0

    def script(self) -> Script:
        place = 0
        for line in self.source.clean.splitlines(keepends=True) if self.source.clean else ():
            content = line.rstrip("\n")
            if content.strip():
                self._line(place, place + len(content))
                self._pause(_LINE_PAUSE_MS, at_least=True)
            elif self.phrases:
                self._pause(_PARAGRAPH_PAUSE_MS, at_least=True)
            place += len(line)
        self._pause(0)
        if self.phrases:
            last = self.phrases[-1]
            self.phrases[-1] = Phrase(last.text, 0, last.start, last.end)
        return Script(self.source.nfc, tuple(self.tokens), tuple(self.phrases), self.lexicon.version)

    def _line(self, start: int, end: int) -> None:
        text = self.source.clean
        line = text[start:end]
        cursor = Cursor(line, 0, [], shouting=_shouting(line), defined=self.defined)
        cursor.place = self._marks(cursor, start)
        while cursor.place < len(line):
            char = line[cursor.place]
            if char == " ":
                cursor.place += 1
                continue
            if self.lexicon.entries and char.isalnum() and not line[cursor.place - 1 : cursor.place].isalnum():
                entry = self.lexicon.find(line, cursor.place)
                if entry is not None:
                    end = cursor.place + len(entry.written)
                    self._keep(cursor, start, Reading(end, TokenClass.LEXICON, entry.spoken))
                    continue
            if "a" <= char <= "z" or char > "\x7f":
                quick = _WORD_AND_SPACE.match(line, cursor.place)
                if (
                    quick is not None
                    and quick[0] != "ha"
                    and is_syllable(quick[0])
                    and (cursor.last is not TokenClass.ROMAN and quick[0] not in _LOWER_ROMAN)
                ):
                    self._keep(cursor, start, Reading(quick.end(), TokenClass.WORD, quick[0]))
                    continue
            self._step(cursor, start, char)

    def _step(self, cursor: Cursor, start: int, char: str) -> None:
        line, place = cursor.text, cursor.place
        reading: Reading | None = None
        if char.isalnum() and char.isascii() and _MAIL_OR_WEB.match(line, place) is not None:
            reading = contacts.web(cursor)
        if reading is None and (char.isdecimal() or char in "+($") and char.isascii():
            reading = (
                next((found for rule in _DIGIT_RULES if (found := rule(cursor)) is not None), None)
                if char.isdecimal() or _SIGNED.match(line, place) or (char in "+(" and contacts.phone(cursor))
                else None
            )
        elif (
            reading is None
            and char in "-€£¥₹U"
            and _SIGNED.match(line, place) is not None
            and not (place and line[place - 1].isalnum())
        ):
            reading = shares.fraction(cursor) or quantities.quantity(cursor)
        elif reading is None and char == "/":
            reading = quantities.share(cursor)
        if reading is None and char.isalpha() and char not in tables.symbols():
            reading = words.word(cursor)
            if place and line[place - 1].isdecimal() and reading.said not in tables.counted():
                reading = replace(reading, certain=False)  # the tail of something glued that no rule has taken whole
        if reading is not None:
            self._keep(cursor, start, reading)
        elif char.isalnum() and char not in tables.symbols():
            self._leftover(cursor, start)
        else:
            self._sign(cursor, start, char)

    def _leftover(self, cursor: Cursor, start: int) -> None:
        """Digits that no rule takes, and signs such as "Ⅳ" or "①": said as well as may be, and a person must look."""
        digits = _DIGITS.match(cursor.text, cursor.place)
        if digits is not None:
            said = spelled(digits[0]) if len(digits[0]) <= _LONGEST_SPELLED else ""
            self._keep(cursor, start, Reading(digits.end(), TokenClass.CODE, said, certain=False))
            return
        plain = unicodedata.normalize("NFKC", cursor.text[cursor.place])
        value = roman(plain)
        said = (
            cardinal(value) if value else cardinal(plain) if plain.isascii() and plain.isdecimal() else names_of(plain)
        )
        self._keep(cursor, start, Reading(cursor.place + 1, TokenClass.UNKNOWN, said, certain=False))

    def _marks(self, cursor: Cursor, start: int) -> int:
        """List and heading marks at the beginning of a line."""
        line = cursor.text
        found = _BULLET.match(line)
        place = found.end() if found is not None else 0
        if found is not None and found[1]:
            self._token(start + found.start(1), start + found.end(1), Reading(found.end(1), TokenClass.LIST_MARK, ""))
        item = _ITEM.match(line, place)
        if item is None or not line[item.end() :].strip(" .*_") or (item[1].isdecimal() and len(item[1]) > 3):
            return place
        value = roman(item[1]) if item[1].isupper() else None
        if item[1][0].isdecimal():
            said = " chấm ".join(cardinal(part) for part in item[1].split("."))
        else:
            said = cardinal(value) if value is not None and item[1] not in ("C", "D") else names_of(item[1])
        cursor.place = place
        self._keep(cursor, start, Reading(item.end(), TokenClass.LIST_MARK, said))
        self._pause(_ITEM_PAUSE_MS)
        cursor.new_sentence()
        return item.end()

    def _keep(self, cursor: Cursor, start: int, reading: Reading) -> None:
        written = cursor.text[cursor.place : reading.end]
        if reading.cls is TokenClass.WORD:
            cursor.heard((reading.said,))
        else:
            cursor.heard(written.lower().split())
        self._token(start + cursor.place, start + reading.end, reading)
        cursor.place = reading.end
        cursor.last = reading.cls
        if reading.cls is TokenClass.PHONE:
            cursor.phone = True
        elif reading.cls is TokenClass.WORD and reading.said in _RESULT_WORDS:
            cursor.scores = True
        elif reading.cls is TokenClass.WORD and reading.said in _CROPS:
            cursor.crops = True

    def _token(self, start: int, end: int, reading: Reading) -> None:
        first, last = self.source.span(start, end)
        written, said, certain = self.source.nfc[first:last], reading.said, reading.certain
        if self.lexicon.settled:
            decided = self.lexicon.decided(written, said, by_entry=reading.cls is TokenClass.LEXICON)
            if decided is not None:
                said, certain = decided, True
        self.tokens.append(Token(first, last, written, reading.cls, said, reading.others, certain))
        if said:
            if not self.said:
                self.said_from = first
            self.said_to = last
            self.said.append(said)

    def _sign(self, cursor: Cursor, start: int, char: str) -> None:  # noqa: PLR0911, PLR0912 - one answer for each form
        line, place = cursor.text, cursor.place
        end_mark = _END_MARK.match(line, place) if char == "." else None
        if end_mark is not None:
            self._token(start + place, start + end_mark.end(), Reading(end_mark.end(), TokenClass.END_MARK, ""))
            self._pause(_PAUSES_MS["."])
            cursor.place = end_mark.end()
            cursor.new_sentence()
            return
        if (
            char == "("
            and not self.said
            and self.phrases
            and line[max(0, place - 3) : place].rstrip()[-1:] in (".", ",")
        ):
            repeated = self._again_after_stop(line, place)
        else:
            repeated = self._said_again(line, place) if char == "(" and self.said else None
        if repeated is not None:
            self._token(start + place, start + repeated.end, repeated)
            cursor.place = repeated.end
            return
        if (
            char == "-"
            and line[place + 1 : place + 2] != ">"
            and (said_to := dashes.until(cursor) or dashes.doubtful_dash(cursor)) is not None
        ):
            self._keep(cursor, start, said_to)
            return
        if char == "-" and line[place + 1 : place + 2] == ">":  # an arrow made of two signs
            self._keep(cursor, start, Reading(place + 2, TokenClass.SYMBOL, "đến", ("thành", ""), certain=False))
            return
        if char == "/" and (shared := dashes.doubtful_slash(cursor)) is not None:
            self._keep(cursor, start, shared)
            return
        if char in "+-" and line[place - 1 : place] == "(" and line[place + 1 : place + 2] == ")":  # "xét nghiệm (+)"
            result = "dương tính" if char == "+" else "âm tính"
            self._keep(
                cursor,
                start,
                Reading(place + 1, TokenClass.SYMBOL, result, ("cộng" if char == "+" else "trừ",), certain=False),
            )
            return
        if (
            char == "+"
            and cursor.last is TokenClass.NUMBER
            and cursor.before[-2:-1] == [cursor.following(place + 1)[0]]
        ):
            self._keep(cursor, start, Reading(place + 1, TokenClass.SYMBOL, "và", ("cộng",)))  # "Thôn 1 + Thôn 2"
            return
        if char == "+" and cursor.last is TokenClass.NUMBER and _NO_NUMBER_AFTER.match(line, place + 1):
            self._keep(cursor, start, Reading(place + 1, TokenClass.SYMBOL, "trở lên", ("cộng",), certain=False))
            return
        markdown = _MARKDOWN.match(line, place)
        if markdown is not None:
            cursor.place = markdown.end()
            return
        cursor.place += 1
        if char in _PAUSES_MS:
            while cursor.place < len(line) and line[cursor.place] == char:
                cursor.place += 1
            self._pause(_PAUSES_MS[char])
            if char in ".;!?":
                cursor.new_sentence(scores=cursor.scores and char == ";")
            cursor.last = None
        elif (said := tables.symbols().get(char)) is not None:
            cursor.place = place
            if char in _COMPARED and _BEFORE_NUMBER.match(line, place):
                said = _COMPARED[char]
            self._keep(
                cursor,
                start,
                Reading(place + 1, TokenClass.SYMBOL, said, certain=char not in "<>" or said in _COMPARED.values()),
            )

    def _said_again(self, line: str, place: int) -> Reading | None:
        """What stands in brackets and repeats what was just said, so that it is not said twice."""
        again = _NUMBER_AGAIN.match(line, place)  # "ba (03) ngày"
        if again is not None and " ".join(self.said[-6:]).endswith(cardinal(again[1])):
            return Reading(again.end(), TokenClass.NUMBER, "")
        in_words = _WORDS_AGAIN.match(line, place)  # "500.000 (năm trăm nghìn) đồng"
        if in_words is not None and _plainly(in_words[1]) == _plainly(self.said[-1]):
            return Reading(in_words.end(), TokenClass.NUMBER, "")
        short = _SHORT_FORM.match(line, place)  # "thủ tục hành chính (TTHC)"
        if short is not None and (self._just_said(short[1]) or self._spelled_out(short[1])):
            return Reading(short.end(), TokenClass.ABBREVIATION, "")
        defined = _DEFINED.match(
            line, place
        )  # "Quỹ phòng, chống thiên tai (sau đây gọi là Quỹ)" is left alone: only capitals
        if defined is not None:
            self._spelled_out(defined[1])
        return None

    def _spelled_out(self, written: str) -> bool:
        """Whether the words just said begin with the letters of this short form; then it stands for them from here on."""
        letters = [char.lower() for char in written if char.isalpha()]
        if len(letters) < 3 or not written.isupper():
            return False
        words = self._lately().split()[-24:]
        for joins in range(min(3, len(words))):  # "và", "của" in between have no letter of their own
            count = len(letters) + joins
            tail = words[-count:]
            bare = [word for word in tail if word not in _JOINING] if joins else tail
            if len(tail) == count and [word[0] for word in bare] == letters:
                if written not in tables.abbreviations() or tables.abbreviations()[written].others:
                    self.defined[written] = " ".join(tail)
                return True
        return False

    def _again_after_stop(self, line: str, place: int) -> Reading | None:
        """ "500.000đ. (Năm trăm nghìn đồng)" """
        in_words = _WORDS_AGAIN.match(line, place)
        if (
            in_words is not None
            and _plainly(self.phrases[-1].text).endswith(_plainly(in_words[1]))
            and "đồng" in in_words[1]
        ):
            return Reading(in_words.end(), TokenClass.NUMBER, "")
        return None

    def _lately(self) -> str:
        """The last words said, also before a comma: "phòng cháy, chữa cháy rừng (PCCCR)"."""
        return " ".join(
            [
                *(phrase.text[-160:] for phrase in self.phrases[-2:] if phrase.pause_ms < _PAUSES_MS[":"]),
                *self.said[-20:],
            ]
        )

    def _just_said(self, written: str) -> bool:
        entry = tables.abbreviations().get(written)
        said = self._lately()
        return entry is not None and any(said.endswith(reading) for reading in (entry.reading, *entry.others))

    def _pause(self, pause_ms: int, *, at_least: bool = False) -> None:
        if self.said:
            self.phrases.append(Phrase(" ".join(self.said), pause_ms, self.said_from, self.said_to))
            self.said = []
        elif self.phrases and (at_least or pause_ms > self.phrases[-1].pause_ms):
            last = self.phrases[-1]
            self.phrases[-1] = Phrase(last.text, max(pause_ms, last.pause_ms), last.start, last.end)


_RESULT_WORDS = frozenset(("thắng", "thua", "hòa", "hoà", "séc"))
_CROPS = tables.cues("crops")
_LOWER_ROMAN = frozenset(("i", "v", "x", "l", "c", "d", "m", "vi", "xi", "mi", "di", "li"))


def _plainly(words: str) -> str:
    """An amount in words without what people write in different ways."""
    said = words.lower().replace(",", " ")
    for other, ours in _SAME_WORDS:
        said = said.replace(other, ours)
    return " ".join(said.split())


_SAME_WORDS = (
    ("ngàn", "nghìn"),
    ("lẻ", "linh"),
    ("tỉ", "tỷ"),
    ("chẵn", ""),
    ("./", ""),
    ("mươi bốn", "mươi tư"),
    ("mươi nhăm", "mươi lăm"),
    ("bẩy", "bảy"),
    ("việt nam", ""),
)


def _shouting(line: str) -> bool:
    letters = [char for char in line[:400] if char.isalpha()]
    return len(letters) > 6 and sum(char.isupper() for char in letters) > 0.9 * len(letters)
