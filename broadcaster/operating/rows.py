"""What stands on the page of today, as values."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from broadcaster.operating.exceptions import Exceptional


@dataclass(frozen=True, slots=True)
class Light:
    """One light of the bar: good, warn or bad, why, and a figure or instant."""

    name: str  # broker | speech | clock | data
    state: Literal["good", "warn", "bad"]
    cause: str
    figure: float | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Alarm:
    """An emergency that stands, or a stop."""

    kind: str  # emergency | drill | stop
    id: str
    title: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Playing:
    """An airing that is on."""

    airing: str
    title: str
    priority: str
    drill: bool
    due_at: datetime
    ends_at: datetime
    started: int
    finished: int
    all: int
    failing: int


@dataclass(frozen=True, slots=True)
class Coming:
    """An airing of the next hours, and how many of its receivers have all they need."""

    airing: str
    title: str
    priority: str
    drill: bool
    due_at: datetime
    sent: bool
    ready: int
    all: int
    lost: int


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """A village, or a commune where there are many: its receivers, what is wrong, and its last 24 hours."""

    area: str
    name: str
    kind: str
    receivers: int
    troubled: int
    worst: str | None
    not_in_service: int
    strip: tuple[str, ...]  # for each hour, the oldest first: none | well | some | ill


@dataclass(frozen=True, slots=True)
class Waiting:
    """A bulletin that waits for its release."""

    bulletin: str
    title: str
    priority: str
    submitted_at: datetime


@dataclass(frozen=True, slots=True)
class Totals:
    """Since midnight: airings that are over, receivers' turns, minutes that receivers confirm."""

    airings: int
    turns_well: int
    turns_ill: int
    played_minutes: float
    receivers: int
    online: int
    not_in_service: int


@dataclass(frozen=True, slots=True)
class More:
    """What was left out of each part."""

    playing: int
    exceptions: int
    coming: int
    places: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Today:
    """The page's facts. `at` is when they were gathered and no part of what makes two of them differ."""

    at: datetime
    area: str | None
    area_name: str | None
    alarms: tuple[Alarm, ...]
    lights: tuple[Light, ...]
    playing: tuple[Playing, ...]
    exceptions: tuple[Exceptional, ...]
    coming: tuple[Coming, ...]
    places: tuple[PlaceRow, ...]
    waiting: tuple[Waiting, ...]
    totals: Totals
    more: More
    hour: datetime

    @property
    def rows(self) -> int:
        """How many rows a page draws of it."""
        parts = (self.alarms, self.lights, self.playing, self.exceptions, self.coming, self.places, self.waiting)
        return sum(len(part) for part in parts)
