"""Cards: nothing is too small to read, everything is shown whole, and pictures are what they say."""

import io
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from devices.cards import images
from devices.cards.drawing import date_in_words, draw, draw_idle, png
from devices.cards.layout import FASTEST, LONGER_MS, CardError, Panel, check, lay_out, lay_out_idle
from devices.cards.lettering import LINE, font, missing, width
from devices.wire.messages import Card
from devices.wire.messages import Image as WireImage

LETTERS = "aàáảãạăằắẳẵặâầấẩẫậeèéẻẽẹêềếểễệiìíỉĩịoòóỏõọôồốổỗộơờớởỡợuùúủũụưừứửữựyỳýỷỹỵđ"
TEXT = "Nghị quyết số 57-NQ/TW, chuyển đổi số: ẵ ễ ộ ữ Ỵ"
TITLE = "Thông báo về việc tạm ngừng cấp nước sinh hoạt để sửa chữa đường ống."  # some 70 letters
LOW, LED, HD = Panel(192, 32), Panel(320, 160), Panel(1280, 720)
NOON = datetime(2026, 11, 23, 12, 5, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
panels = st.builds(Panel, st.integers(64, 2000), st.integers(32, 1200))
texts = st.text(st.sampled_from(LETTERS + LETTERS.upper() + "  0123456789,.-"), min_size=1, max_size=300).filter(
    str.strip
)


def card(text: str = TEXT, *, kind: str = "text", style: str = "static", seconds: float = 8.0) -> Card:
    return Card.model_validate(
        {"text": text, "kind": kind, "style": style, "duration_ms": round(seconds * 1000)}, strict=False
    )


def columns(picture: Image.Image) -> list[int]:
    """Lit pixels of each column."""
    grey = picture.convert("L").point(lambda value: 255 if value > 100 else 0)
    return [grey.crop((x, 0, x + 1, grey.height)).histogram()[255] for x in range(grey.width)]


def test_the_font_has_every_vietnamese_letter_and_letters_of_24_px_stand_on_32() -> None:
    everything = LETTERS + LETTERS.upper()
    assert missing(everything + "0123456789 .,:;!?()%/–—“”‘’…₫°") == ""
    boxes = [font(24).getbbox(letter, anchor="ls") for letter in everything]
    assert max(box[3] for box in boxes) - min(box[1] for box in boxes) <= 32
    assert missing("Hội 😀 chợ 中") == "😀中"


@given(texts, panels, st.sampled_from(["text", "slogan", "clock"]), st.sampled_from(["static", "scroll"]))
def test_no_text_is_too_small_cut_or_shown_in_part(text: str, panel: Panel, kind: str, style: str) -> None:
    wanted = card(text, kind=kind, style=style)
    layout = lay_out(wanted, panel)
    if layout.lines:
        assert layout.px >= panel.least_px
        assert layout.px * LINE * len(layout.lines) <= panel.height + 1
    if layout.kind == "still":
        assert " ".join(layout.lines).split() == text.split()
        assert all(width(line) * layout.px <= panel.width for line in layout.lines)
    if layout.kind == "moving":
        way = panel.width / layout.px + width(layout.lines[0])
        assert way / (layout.pass_ms / 1000) <= FASTEST * 1.01
        assert layout.shows_ms >= min(layout.pass_ms, wanted.duration_ms + LONGER_MS)
    assert wanted.duration_ms <= layout.shows_ms <= wanted.duration_ms + LONGER_MS


@given(st.text(max_size=40).map(str.strip), panels)
def test_the_default_screen_is_never_too_small(name: str, panel: Panel) -> None:
    idle = lay_out_idle(name, panel)
    assert idle.clock_px >= min(panel.least_px, int(panel.width / width("00:00")))
    assert {px for px in (idle.date_px, idle.name_px) if 0 < px < panel.least_px} == set()
    assert (idle.clock_px + idle.date_px + idle.name_px) * LINE <= panel.height + 2


@pytest.mark.parametrize("seconds", [3.0, 8.0, 20.0, 45.0])
def test_a_title_of_seventy_letters_passes_whole_however_short_the_clip(seconds: float) -> None:
    layout = lay_out(card(TITLE, seconds=seconds), LOW)
    assert layout.kind == "moving"
    assert layout.shows_ms >= layout.pass_ms
    if seconds >= 20:
        assert layout.shows_ms == seconds * 1000  # several passes within the card's time, none broken off
        assert seconds * 1000 % layout.pass_ms <= 10


def test_what_cannot_be_read_is_said_with_its_cause() -> None:
    check(card(), LOW)
    for wanted, panel, word in (
        (card("Mừng xuân 🎆"), LOW, "🎆"),
        (card(), Panel(64, 16), "64 × 16"),
        (card("dài " * 400, seconds=5), LOW, "quá dài"),
        (card(" \u200b "), LOW, "không có chữ"),
        (card(kind="image"), LOW, "PNG"),
    ):
        with pytest.raises(CardError) as raised:
            check(wanted, panel)
        assert word in raised.value.vi
        assert str(raised.value) == raised.value.en


def test_pictures_show_the_text_where_the_layout_says() -> None:
    for panel in (LOW, LED, HD):
        still = card("ĐIỆN")
        lit = columns(draw(still, panel, local=NOON))
        layout = lay_out(still, panel)
        first, last = next(x for x, n in enumerate(lit) if n), max(x for x, n in enumerate(lit) if n)
        assert last - first == pytest.approx(width("ĐIỆN") * layout.px, rel=0.1)
        assert (first + last) / 2 == pytest.approx(panel.width / 2, abs=panel.width * 0.03)
    begun, later = (draw(card(TITLE), LOW, local=NOON, elapsed_ms=ms) for ms in (0, 4000))
    assert sum(columns(begun)) == 0  # it comes in from the right
    assert sum(columns(later)) > 500
    assert draw(card(kind="slogan"), LED, local=NOON).getpixel((0, 0)) == (0xB3, 0x14, 0x0C)
    assert png(draw_idle("Xã Tân An", LED, local=NOON)).startswith(b"\x89PNG")
    assert date_in_words(NOON) == "thứ Hai, ngày 23 tháng 11 năm 2026"


def encoded(picture: Image.Image, form: str) -> bytes:
    out = io.BytesIO()
    picture.save(out, form)
    return out.getvalue()


def test_a_picture_fills_the_panel_and_keeps_its_shape() -> None:
    red = encoded(Image.new("RGB", (100, 50), "red"), "PNG")
    wanted = Card(
        kind="image",
        text="Cờ",
        duration_ms=1000,
        image=WireImage(sha256="a" * 64, size=len(red), media_type="image/png"),
    )
    shown = draw(wanted, Panel(200, 160), local=NOON, image=red)
    assert shown.getpixel((100, 80)) == (255, 0, 0)
    assert shown.getpixel((100, 20)) == (0, 0, 0)
    assert images.media_type(red) == "image/png"
    assert images.media_type(encoded(Image.new("RGB", (9, 9)), "JPEG")) == "image/jpeg"
    clear = images.read(encoded(Image.new("RGBA", (2, 2), (255, 0, 0, 0)), "PNG"))
    assert clear.getpixel((0, 0)) == (0, 0, 0)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a",
        encoded(Image.new("RGB", (9, 9)), "GIF"),
        encoded(Image.new("RGB", (900, 900), "red"), "PNG")[:-40],
        encoded(Image.new("1", (images.MAX_SIDE + 1, 1)), "PNG"),
        encoded(Image.new("RGB", (9, 9)), "PNG") + bytes(images.MAX_BYTES),
    ],
    ids=["empty", "word", "gif", "cut short", "too wide", "too long"],
)
def test_what_is_no_picture_within_bounds_is_refused(data: bytes) -> None:
    with pytest.raises(CardError):
        images.read(data)
