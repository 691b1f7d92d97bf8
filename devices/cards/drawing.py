"""A card as a picture: previews for editors and approvers, frames for panels without a browser."""

import io
from datetime import datetime

from PIL import Image, ImageDraw, ImageOps

from devices.cards import images
from devices.cards.layout import Layout, Panel, lay_out, lay_out_idle, one_line
from devices.cards.lettering import ASCENT, LINE, font, width
from devices.wire.messages import Card

WHITE, AMBER, GREY = "#ffffff", "#ffd23f", "#d8d8d8"
SLOGAN_GROUND, SLOGAN_LETTERS = "#b3140c", "#ffe600"
_WEEKDAYS = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ Nhật")


def draw(card: Card, panel: Panel, *, local: datetime, elapsed_ms: int = 0, image: bytes | None = None) -> Image.Image:
    """The panel so many milliseconds after the card began; `local` is the time of day there.

    A card of the kind `image` needs the picture's bytes. Raises CardError where they are no picture.
    """
    layout = lay_out(card, panel)
    picture = Image.new("RGB", (panel.width, panel.height), SLOGAN_GROUND if layout.slogan else "black")
    if layout.kind == "image" and image is not None:
        shown = ImageOps.contain(images.read(image), (panel.width, panel.height))
        picture.paste(shown, ((panel.width - shown.width) // 2, (panel.height - shown.height) // 2))
    elif layout.kind == "moving":
        way = panel.width + width(layout.lines[0]) * layout.px
        x = panel.width - way * (elapsed_ms % layout.pass_ms) / layout.pass_ms
        _line(picture, layout.lines[0], layout.px, (x, (panel.height - layout.line_px) / 2), _colour(layout))
    elif layout.kind == "clock":
        rows = [(f"{local:%H:%M}", layout.time_px, AMBER), *((line, layout.px, WHITE) for line in layout.lines)]
        _rows(picture, rows)
    else:
        _rows(picture, [(line, layout.px, _colour(layout)) for line in layout.lines])
    return picture


def draw_idle(name: str, panel: Panel, *, local: datetime, elapsed_ms: int = 0) -> Image.Image:
    """The default screen."""
    idle = lay_out_idle(name, panel)
    picture = Image.new("RGB", (panel.width, panel.height), "black")
    rows = [(f"{local:%H:%M}", idle.clock_px, AMBER)]
    if idle.date_px:
        rows.append((date_in_words(local), idle.date_px, GREY))
    if idle.name_px:
        rows.append(("" if idle.name_pass_ms else one_line(name), idle.name_px, WHITE))
    bottom = _rows(picture, rows)
    if idle.name_pass_ms:
        way = panel.width + width(one_line(name)) * idle.name_px
        x = panel.width - way * (elapsed_ms % idle.name_pass_ms) / idle.name_pass_ms
        _line(picture, one_line(name), idle.name_px, (x, bottom - idle.name_px * LINE), WHITE)
    return picture


def date_in_words(local: datetime) -> str:
    """As in "thứ Hai, ngày 23 tháng 11 năm 2026"."""
    return f"{_WEEKDAYS[local.weekday()]}, ngày {local.day} tháng {local.month} năm {local.year}"


def png(picture: Image.Image) -> bytes:
    """The picture as PNG."""
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


def _colour(layout: Layout) -> str:
    return SLOGAN_LETTERS if layout.slogan else WHITE


def _rows(picture: Image.Image, rows: list[tuple[str, int, str]]) -> float:
    """Centred lines, one under the other; where the last one ends."""
    top = (picture.height - sum(px * LINE for _, px, _ in rows)) / 2
    for text, px, colour in rows:
        _line(picture, text, px, ((picture.width - width(text) * px) / 2, top), colour)
        top += px * LINE
    return top


def _line(picture: Image.Image, text: str, px: int, at: tuple[float, float], colour: str) -> None:
    pen = ImageDraw.Draw(picture)
    pen.text((round(at[0]), round(at[1] + px * ASCENT)), text, font=font(px), fill=colour, anchor="ls")
