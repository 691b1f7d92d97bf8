"""The kinds of rules that an area's policy may hold, as data."""

from datetime import date, time
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from schedules.named_days import NamedDay
from schedules.unfit import UnfitError

SpecialPlace = Literal["school", "health_post", "pagoda", "library", "kindergarten"]
"""Where QCVN 26:2010/BTNMT asks for more quiet (khu vực đặc biệt)."""
ReceiverKind = Literal["loudspeaker", "screen"]
Weekday = Annotated[int, Field(ge=0, le=6)]
"""0 is Monday."""


def _naive(value: time) -> time:
    if value.tzinfo is not None:
        raise UnfitError(
            "giờ địa phương không kèm độ lệch múi giờ; múi giờ nằm ở zone",
            "a wall-clock time carries no offset; the zone says it",
        )
    return value.replace(second=0, microsecond=0)


WallTime = Annotated[time, AfterValidator(_naive)]


class _Rule(BaseModel):
    """`places` and `kinds` limit a rule to receivers at such places (none: everywhere) and of such kinds; `source` names the regulation."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    binding: bool = False
    places: tuple[SpecialPlace, ...] = ()
    kinds: Annotated[tuple[ReceiverKind, ...], Field(min_length=1)] = ("loudspeaker",)
    source: Annotated[str, Field(max_length=200)] = ""


class QuietHours(_Rule):
    """Nothing sounds from `begins` to `ends`, which may lie after midnight; on the days on which it begins (none: all)."""

    kind: Literal["quiet_hours"] = "quiet_hours"
    begins: WallTime
    ends: WallTime
    weekdays: tuple[Weekday, ...] = ()

    @model_validator(mode="after")
    def _some_time(self) -> "QuietHours":
        if self.begins == self.ends:
            raise UnfitError(
                "giờ yên tĩnh bắt đầu và kết thúc cùng lúc; muốn nghỉ cả ngày thì dùng quy định về ngày",
                "quiet hours begin and end at the same time; a day without airings is a rule of days",
            )
        return self


class SessionsADay(_Rule):
    """At most so many sessions a day. Airings with shorter pauses than SESSION_PAUSE are one session."""

    kind: Literal["sessions_a_day"] = "sessions_a_day"
    most: Annotated[int, Field(ge=0, le=100)]


class SessionMinutes(_Rule):
    """At most so much airtime in a session."""

    kind: Literal["session_minutes"] = "session_minutes"
    most: Annotated[int, Field(ge=1, le=600)]


class DaysAWeek(_Rule):
    """At most so many days with airings from Monday to Sunday."""

    kind: Literal["days_a_week"] = "days_a_week"
    most: Annotated[int, Field(ge=0, le=7)]


class Weekdays(_Rule):
    """Only on these days of the week."""

    kind: Literal["weekdays"] = "weekdays"
    days: Annotated[tuple[Weekday, ...], Field(min_length=1)]


class ClosedDays(_Rule):
    """Nothing on these named days and dates."""

    kind: Literal["closed_days"] = "closed_days"
    days: tuple[NamedDay, ...] = ()
    dates: Annotated[tuple[date, ...], Field(max_length=400)] = ()


class VolumeCeiling(_Rule):
    """At most so loud, in dBA at the nearest home, from `begins` to `ends`. Never refuses: it turns down."""

    kind: Literal["volume_ceiling"] = "volume_ceiling"
    begins: WallTime
    ends: WallTime
    dba: Annotated[int, Field(ge=20, le=110)]


PolicyRule = Annotated[
    QuietHours | SessionsADay | SessionMinutes | DaysAWeek | Weekdays | ClosedDays | VolumeCeiling,
    Field(discriminator="kind"),
]
