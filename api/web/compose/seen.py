"""What is shown of a form: value types between the domain and the templates."""

from dataclasses import dataclass, field
from datetime import datetime

from audio.script.checks import Finding
from broadcaster.target_tree import Count


@dataclass(frozen=True)
class Piece:
    """Part of the text: as it stands, or a token that is uncertain (`number` among those) or was settled."""

    text: str
    number: int | None = None
    settled: str = ""


@dataclass(frozen=True)
class SentenceSeen:
    """A sentence of the text, and when it is heard in the clip: stretches of milliseconds, more than one where it is repeated."""

    pieces: tuple[Piece, ...]
    heard: str = ""


@dataclass(frozen=True)
class Uncertain:
    """A reading to settle, with all places that have it counted once."""

    text: str
    reading: str
    alternatives: tuple[str, ...]
    places: int


@dataclass(frozen=True)
class FindingSeen:
    """A remark, and where it stands in the field; `apply` is its number where something is proposed."""

    finding: Finding
    start: int | None
    apply: int | None


@dataclass(frozen=True)
class Planned:
    """A rule as people say it, with its next airings."""

    rule: str
    said: str
    next: tuple[datetime, ...]


@dataclass(frozen=True)
class Clash:
    """An airing that cannot be as it stands, and one free time."""

    due_at: datetime
    said: str
    free: datetime | None
    rule: int  # its number in the plan


@dataclass(frozen=True)
class Seen:
    """Everything that is shown of a form."""

    title: str
    sentences: tuple[SentenceSeen, ...] = ()
    uncertain: tuple[Uncertain, ...] = ()
    settled: tuple[tuple[str, str, str], ...] = ()  # what stands with the bulletin: id, text, reading
    findings: tuple[FindingSeen, ...] = ()
    card: str = ""
    proposed_card: str = ""
    card_moments: tuple[int, ...] = ()
    card_pass_ms: int = 0
    card_problem: str = ""
    length_ms: int = 0
    exact: bool = False  # whether the length is the clip's
    plan: tuple[Planned, ...] = ()
    plan_problem: str = ""
    clashes: tuple[Clash, ...] = ()
    count: Count = field(default_factory=Count)
    scopes: tuple[
        tuple[str, str, str], ...
    ] = ()  # for what a reading may be settled or proposed: value, word, area's name
    summary: str = ""
