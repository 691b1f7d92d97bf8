"""What people fill in: the head and foot of the document, and what the station cannot see."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=300)]
Paragraphs = Annotated[str, StringConstraints(strip_whitespace=True, max_length=10_000)]
Number = Annotated[int, Field(ge=0, le=1_000_000_000)]


class Channels(BaseModel):
    """Other ways by which the campaign was made known. None: not stated, which is not the same as none at all."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    portal: Number | None = Field(default=None, description="Items on portals and web pages.")
    facebook: Number | None = Field(default=None, description="Posts on Facebook.")
    zalo: Number | None = Field(default=None, description="Posts on Zalo.")
    video: Number | None = Field(default=None, description="Videos on YouTube, TikTok and the like.")
    banners: Number | None = Field(default=None, description="Banners, panels and posters.")
    leaflets: Number | None = Field(default=None, description="Leaflets.")
    meetings: Number | None = Field(default=None, description="Meetings and talks.")
    attendees: Number | None = Field(default=None, description="Who attended them.")


CHANNELS: dict[str, tuple[str, str]] = {
    "portal": ("Cổng, trang thông tin điện tử", "tin, bài"),
    "facebook": ("Mạng xã hội Facebook", "bài đăng"),
    "zalo": ("Mạng xã hội Zalo", "bài đăng"),
    "video": ("YouTube, TikTok", "video"),
    "banners": ("Băng rôn, pa nô, áp phích", "chiếc"),
    "leaflets": ("Tờ rơi, tờ gấp", "tờ"),
    "meetings": ("Hội nghị, buổi nói chuyện", "cuộc"),
    "attendees": ("Người dự hội nghị, buổi nói chuyện", "lượt người"),
}
"""How a document names a channel, and what it counts."""


class Other(BaseModel):
    """A channel that has no field of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: Annotated[Line, Field(min_length=1)]
    number: Number
    unit: Line = ""


class Filled(BaseModel):
    """All that people fill in; what is left empty the document leaves open or leaves out."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    superior: Line = Field(default="", description="The authority above, such as ỦY BAN NHÂN DÂN TỈNH HẢI DƯƠNG.")
    agency: Line = Field(
        default="", description="Who reports, such as ỦY BAN NHÂN DÂN XÃ TÂN PHONG; default from the area."
    )
    number: Line = Field(default="", description="The document's number, without its sign.")
    sign: Line = Field(default="BC-UBND", description="The sign behind the number.")
    place: Line = Field(default="", description="Where it is signed; default from the area.")
    signed_on: date | None = Field(default=None, description="The day of signing; left open while empty.")
    basis: Paragraphs = Field(default="", description="By what plan or order the campaign was carried out.")
    channels: Channels = Channels()
    others: Annotated[tuple[Other, ...], Field(max_length=30)] = ()
    results: Paragraphs = Field(default="", description="What stood out.")
    difficulties: Paragraphs = Field(default="", description="Difficulties, and their causes.")
    proposals: Paragraphs = Field(default="", description="What is proposed.")
    authority: Line = Field(default="TM. ỦY BAN NHÂN DÂN", description="In whose name it is signed.")
    position: Line = Field(default="CHỦ TỊCH", description="The signer's position.")
    signer: Line = Field(default="", description="The signer's full name.")
    recipients: Annotated[tuple[Annotated[Line, Field(min_length=1)], ...], Field(max_length=30)] = ()

    def head_and_foot(self) -> "Filled":
        """Only what the same unit says in each of its reports."""
        kept = ("superior", "agency", "sign", "place", "authority", "position", "signer", "recipients")
        return Filled(**{name: getattr(self, name) for name in kept})


def sum_of(filled: Iterable[Filled]) -> tuple[Channels, tuple[Other, ...]]:
    """Channel by channel over several reports; None where nobody stated anything. Others are added by name and unit."""
    numbers: dict[str, int] = {}
    others: dict[tuple[str, str], int] = {}
    for each in filled:
        for name in CHANNELS:
            stated = getattr(each.channels, name)
            if stated is not None:
                numbers[name] = numbers.get(name, 0) + stated
        for other in each.others:
            others[other.name, other.unit] = others.get((other.name, other.unit), 0) + other.number
    return Channels(**numbers), tuple(Other(name=n, number=count, unit=u) for (n, u), count in sorted(others.items()))
