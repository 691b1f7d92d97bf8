"""Where and how a card stands on a panel: type size, lines, speed, and for how long.

Letters are never smaller than people can read from the street: 24 px on a panel of 32, a twentieth of its height on a
tall one. A text that is too long for that moves, and a moving text is shown whole at least once: between 2.2 and 5
type sizes a second (about 4 to 9 letters), and where that is too slow for the card's time the card stays for longer.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from devices.cards.lettering import LINE, missing, normal, width
from devices.wire.messages import Card

MIN_PANEL = (64, 32)
"""Pixels: smaller panels show no letters of 24 px."""
SLOWEST, USUAL, FASTEST = 2.2, 3.0, 5.0
"""Of a moving text, in type sizes a second."""
LONGER_MS = 60_000
"""By how much a card may outlast its time, so that its text passes once."""
_MARGIN = 0.02
_HIGHEST = 0.6  # of the panel's height: a single word need not fill it


class CardError(Exception):
    """The card could not be read by anybody; `vi` and `en` say why and what to do."""

    def __init__(self, vi: str, en: str) -> None:
        super().__init__(en)
        self.vi = vi
        self.en = en


@dataclass(frozen=True, slots=True)
class Panel:
    """A screen's size in pixels."""

    width: int
    height: int

    @property
    def least_px(self) -> int:
        """The smallest type size that can be read on it."""
        return math.ceil(max(min(24.0, 0.75 * self.height), self.height / 20))


@dataclass(frozen=True, slots=True)
class Layout:
    """One card on one panel."""

    kind: Literal["still", "moving", "image", "clock"]
    px: int  # type size
    lines: tuple[str, ...]
    shows_ms: int  # how long the card is there
    pass_ms: int = 0  # of a moving text: from the right edge until its end has left
    slogan: bool = False
    time_px: int = 0  # of a clock's time of day

    @property
    def line_px(self) -> int:
        """Height of a line."""
        return math.ceil(self.px * LINE)


@dataclass(frozen=True, slots=True)
class Idle:
    """Type sizes of what stands there while there is no card; 0 where there is no room for it."""

    clock_px: int
    date_px: int
    name_px: int
    name_pass_ms: int  # 0: the name stands still


def check(card: Card, panel: Panel) -> None:
    """Raise CardError if the card can't be read on such a panel: for whoever writes it, before it is released."""
    if panel.width < MIN_PANEL[0] or panel.height < MIN_PANEL[1]:
        raise CardError(
            f"Màn hình {panel.width} × {panel.height} điểm ảnh quá nhỏ: chữ phải cao ít nhất 24 điểm ảnh, màn hình ít nhất 64 × 32.",
            f"A panel of {panel.width} x {panel.height} pixels is too small: letters need 24 px, a panel at least 64 x 32.",
        )
    if unknown := missing(card.text):
        raise CardError(
            f"Màn hình không hiển thị được các ký tự: {' '.join(unknown)}. Hãy xóa hoặc viết bằng chữ.",
            f"The screen has no letters for: {' '.join(unknown)}. Delete them or write them out.",
        )
    if not normal(card.text).strip():
        raise CardError("Trang LED không có chữ nào. Hãy nhập nội dung.", "The card has no text. Write one.")
    if card.kind == "image" and card.image is None:
        raise CardError("Trang LED hình ảnh chưa có tệp hình. Hãy chọn một tệp PNG hoặc JPEG.", "Choose a PNG or JPEG.")
    longest = (card.duration_ms + LONGER_MS) / 1000
    moving = _moving(card, panel)
    if lay_out(card, panel).kind == "moving" and moving.pass_ms > longest * 1000:
        letters = math.floor(len(one_line(card.text)) * longest * 1000 / moving.pass_ms)
        raise CardError(
            f"Chữ chạy quá dài: trong {longest:.0f} giây chỉ đọc được khoảng {letters} ký tự. Hãy rút gọn.",
            f"The text is too long to pass: {longest:.0f} s are enough for about {letters} characters. Shorten it.",
        )


def lay_out(card: Card, panel: Panel) -> Layout:
    """The card on the panel, as well as can be: a receiver shows what was released, however it is."""
    if card.kind == "image" and card.image is not None:
        return Layout("image", panel.least_px, (), card.duration_ms)
    if card.kind == "clock":
        return _clock(card, panel)
    if card.kind == "slogan" or card.style == "static":
        still = _still(card, panel)
        if still is not None:
            return still
    return _moving(card, panel)


def lay_out_idle(name: str, panel: Panel) -> Idle:
    """The default screen: the time of day; the date and the commune's name where they can be read."""
    least, room = panel.least_px, panel.width * (1 - 2 * _MARGIN)
    rows = int(panel.height / (least * LINE) + 0.01)
    widest, name = int(panel.width / width("00:00")), one_line(name)
    if rows < 2 or not name:
        return Idle(min(int(panel.height / LINE), widest), 0, 0, 0)
    shares = (0.5, 0.2, 0.28) if rows >= 3 else (0.5, 0.0, 0.5)
    sizes = [max(least, int(panel.height * share / LINE)) if share else 0 for share in shares]
    date_px = min(sizes[1], int(room / width("thứ Năm, ngày 28 tháng 12 năm 2028")))
    name_px = max(least, min(sizes[2], int(room / width(name))))
    pass_s = 0.0
    if width(name) * name_px > room:
        pass_s = (panel.width / name_px + width(name)) / SLOWEST
    left = panel.height - name_px * LINE - (date_px * LINE if date_px >= least else 0)
    return Idle(min(int(left / LINE), widest), date_px if date_px >= least else 0, name_px, round(pass_s * 1000))


def one_line(text: str) -> str:
    """The text with single spaces between words."""
    return " ".join(normal(text).split())


def _still(card: Card, panel: Panel) -> Layout | None:
    """The largest size at which the whole text stands on the panel; None if that would be too small to read."""
    least, most = panel.least_px, max(panel.least_px, int(panel.height * _HIGHEST))
    best: Layout | None = None
    while least <= most:
        px = (least + most) // 2
        lines = tuple(_wrapped(normal(card.text), panel.width * (1 - 2 * _MARGIN) / px))
        fits = math.ceil(px * LINE) * len(lines) <= panel.height
        if fits and all(width(line) * px <= panel.width for line in lines):
            best = Layout("still", px, lines, card.duration_ms, slogan=card.kind == "slogan")
            least = px + 1
        else:
            most = px - 1
    return best


def _wrapped(text: str, room: float) -> Iterator[str]:
    """Lines of at most `room` type sizes, broken between words; a longer word is a line of its own."""
    for paragraph in text.strip().split("\n"):
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}".strip()
            if line and width(longer) > room:
                yield line
                line = word
            else:
                line = longer
        if line:
            yield line


def _moving(card: Card, panel: Panel) -> Layout:
    line = one_line(card.text)
    px = max(panel.least_px, min(int(panel.height / LINE), panel.width // 5, int(panel.height * _HIGHEST)))
    way = panel.width / px + width(line)  # of one pass, in type sizes
    seconds = card.duration_ms / 1000
    passes = min(range(1, max(2, math.ceil(FASTEST * seconds / way) + 1)), key=lambda n: abs(n * way / seconds - USUAL))
    speed = passes * way / seconds
    if speed > FASTEST:
        passes, speed = 1, FASTEST
    pass_ms = math.ceil(way / speed * 1000)
    shows = max(card.duration_ms, min(pass_ms * passes, card.duration_ms + LONGER_MS))
    return Layout("moving", px, (line,), shows, pass_ms, slogan=card.kind == "slogan")


def _clock(card: Card, panel: Panel) -> Layout:
    """The time above, the text below it; on a low panel only the time."""
    rows = int(panel.height / (panel.least_px * LINE) + 0.01)
    text = one_line(card.text)
    px = min(int(panel.height / 2 / LINE), int(panel.width * (1 - 2 * _MARGIN) / width(text)))
    widest = int(panel.width / width("00:00"))
    if rows < 2 or px < panel.least_px:
        return Layout("clock", 0, (), card.duration_ms, time_px=min(int(panel.height / LINE), widest))
    time_px = min(int((panel.height - px * LINE) / LINE), widest)
    return Layout("clock", px, (text,), card.duration_ms, time_px=time_px)
