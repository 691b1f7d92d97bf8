"""How a station sounds, how an area wants it otherwise, and how a bulletin does: one value type, laid one over the other."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from audio.announcement import MOST_REPEATS, Equaliser, Jingle

RATES_WPM = (80, 260)
PITCHES = (0, 100)
"""The least and the most."""
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Sound(BaseModel):
    """What is given counts; what is None is as above: a bulletin's over its areas', the deepest first, over the station's."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    voice: Annotated[str, Field(pattern=r"^[A-Za-z0-9._+-]{1,60}$")] | None = Field(
        default=None, description="A voice of an engine, such as vi, vi-vn-x-central, vi-vn-x-south."
    )
    rate_wpm: Annotated[int, Field(ge=RATES_WPM[0], le=RATES_WPM[1])] | None = Field(
        default=None, description="Words a minute."
    )
    pitch: Annotated[int, Field(ge=PITCHES[0], le=PITCHES[1])] | None = Field(
        default=None, description="0 to 100; 50 is the voice's own."
    )
    equaliser: Literal["none", "horn"] | None = Field(
        default=None, description="`horn`: for horn loudspeakers out of doors."
    )
    call: Annotated[str, Field(max_length=300)] | None = Field(
        default=None, description="What the station says first; empty: nothing."
    )
    repeats: Annotated[int, Field(ge=0, le=MOST_REPEATS)] | None = Field(
        default=None, description="How often it is read again, after “Xin nhắc lại”."
    )
    jingle: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] | None = Field(
        default=None, description="SHA-256 of an uploaded jingle; empty: none."
    )
    jingle_in_place_of_chime: bool | None = Field(default=None, description="Without the opening chime.")

    def over(self, other: "Sound") -> "Sound":
        """This one's values where they are given, else the other's."""
        return other.model_copy(update=self.given())

    def given(self) -> dict[str, Any]:
        """What differs from above, for the database."""
        return self.model_dump(exclude_none=True)

    def made_jingle(self) -> Jingle | None:
        """The jingle as the renderer takes it."""
        if not self.jingle:
            return None
        return Jingle(self.jingle, in_place_of_chime=bool(self.jingle_in_place_of_chime))

    def made_equaliser(self) -> Equaliser | None:
        """The equaliser as the renderer takes it."""
        return None if self.equaliser is None else Equaliser(self.equaliser)


AS_ABOVE = Sound()
"""Nothing differs."""
