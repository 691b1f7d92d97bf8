"""What the compose page shows of a form: how it will be read, what there is to mend, when and where it airs, what clashes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from api.problems import Language, said
from api.web.compose.form import AHEAD, Form, Settling
from api.web.words import words
from audio.script import Lexicon, Script, Settled, Token, read
from audio.script.checks import Concern, Finding, check
from broadcaster import card_preview
from broadcaster.bulletins import TEXT_LIMIT
from broadcaster.composing import expected_ms, short_version
from broadcaster.errors import BroadcasterError
from broadcaster.foresight import conflicts
from broadcaster.groups import expanded
from broadcaster.people import Actor
from broadcaster.releases import find
from broadcaster.speech import decisions, lexicon_of, line_shared, read_out, settled
from broadcaster.station import Station
from broadcaster.storage.models import Bulletin, ClipRecord
from broadcaster.target_tree import Count, Tree
from broadcaster.targets import Targets
from broadcaster.usual_times import EVENING, MORNING, next_at
from schedules.rules import AtOnce, Once, Rule
from schedules.sentences import describe

NEXT = 5
MOST_FINDINGS = 30
_WEEKDAYS = {
    "vi": ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}


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
    areas: tuple[tuple[str, str], ...] = ()  # for whose lexicon a reading may be settled
    summary: str = ""


@dataclass(frozen=True)
class Desk:
    """One state of the database, in which a form is looked at."""

    session: Session
    station: Station
    actor: Actor
    tree: Tree
    tongue: Language

    @property
    def now(self) -> datetime:
        """Now."""
        return self.station.clock.now()

    @property
    def zone(self) -> str:
        """The station's."""
        return self.station.settings.zone

    def usual(self) -> dict[str, str]:
        """When the usual sessions are next, in words, and today's date for its field."""
        now, zone = self.now, self.zone
        said = {
            name: moment_in_words(next_at(at, now, zone).at, self.tongue, zone, now=now).partition(" ")[2]
            for name, at in (("morning", MORNING), ("evening", EVENING))
        }
        return {**said, "today": self.station.today().isoformat()}

    def stored(self, form: Form) -> tuple[Bulletin | None, ClipRecord | None]:
        """The bulletin that the form is of, and its clip if that is of these very words."""
        if not form.bulletin:
            return None, None
        row = find(self.session, form.bulletin)
        written = form.written
        same = row.title == written.title and row.text == written.text and not form.settlings
        clip = self.session.get(ClipRecord, row.clip_sha256) if same and row.clip_sha256 else None
        return row, clip

    def unsaved(self, form: Form) -> Form:
        """The form without readings that were settled on it and stand with the bulletin by now."""
        if not form.settlings or not form.bulletin:
            return form
        left = self.station.readings.outstanding(self.actor, form.bulletin, [each.choice() for each in form.settlings])
        return replace(form, settlings=tuple(each for each in form.settlings if each.choice() in left))

    def _settled(self, form: Form, row: Bulletin | None) -> tuple[tuple[str, str, str], ...]:
        if row is None:
            return ()
        taken = {(each.written, each.proposed) for each in form.settlings}
        return tuple(
            (each.id, each.written, each.reading)
            for each in settled(self.session, row)
            if (each.written, each.proposed) not in taken and each.written in form.words
        )

    def lexicon(self, form: Form, row: Bulletin | None) -> tuple[Lexicon, tuple[str, ...]]:
        """By which it is read, with what was settled, and the areas that all its targets share."""
        targets = [form.targets.model_dump(mode="json")] if form.targets is not None else []
        at = line_shared(self.session, targets, self.tree.places)
        lexicon = lexicon_of(self.session, at)
        chosen = list(decisions(settled(self.session, row))) if row is not None else []
        own = [Settled(each.written, each.proposed, each.reading) for each in form.settlings]
        taken = {(each.written, each.proposed) for each in own}
        kept = [each for each in chosen if (each.written, each.proposed) not in taken]
        return lexicon.settling([*kept, *own]), at

    def script(self, form: Form, row: Bulletin | None) -> tuple[Script, tuple[str, ...]]:
        """How title and text are read."""
        lexicon, at = self.lexicon(form, row)
        written = form.written
        return read(read_out(written.title, written.text[:TEXT_LIMIT]), lexicon), at

    def uncertain(self, script: Script) -> tuple[Uncertain, ...]:
        """What is uncertain, each once."""
        found: dict[tuple[str, str], list[Token]] = {}
        for token in script.uncertain:
            found.setdefault((token.text, token.reading), []).append(token)
        return tuple(
            Uncertain(text, reading, tuple(dict.fromkeys(tokens[0].alternatives)), len(tokens))
            for (text, reading), tokens in found.items()
        )

    def look(self, form: Form) -> Seen:
        """The form as it will be heard and seen."""
        row, clip = self.stored(form)
        written = form.written
        if not written.title:
            rules, problem = self._rules(form)
            count = self.tree.count(self.session, form.targets)
            plan = tuple(self.planned(rule) for rule in rules)
            return Seen(
                "", plan=plan, plan_problem=problem, count=count, summary=self._summary(form, rules, count, 0, True)
            )
        script, at = self.script(form, row)
        sound = self.station.speaking.sound_of(self.session, at)
        length = (
            clip.duration_ms
            if clip
            else expected_ms(script, rate_wpm=sound.rate_wpm or 150, repeats=sound.repeats or 0)
        )
        proposed = short_version(written.title, script)
        card = form.own_card() or proposed
        moments, pass_ms, card_problem = self._card(card, length)
        rules, problem = self._rules(form)
        count = self.tree.count(self.session, form.targets)
        uncertain = self.uncertain(script)
        return Seen(
            title=written.title,
            sentences=self._sentences(script, uncertain, form, row if clip else None),
            uncertain=uncertain,
            settled=self._settled(form, row),
            findings=self.findings(form, script),
            card=card,
            proposed_card=proposed,
            card_moments=moments,
            card_pass_ms=pass_ms,
            card_problem=card_problem,
            length_ms=length,
            exact=clip is not None,
            plan=tuple(self.planned(rule) for rule in rules),
            plan_problem=problem,
            clashes=self._clashes(form, rules, length),
            count=count,
            areas=tuple((area, self.tree.places.areas[area].name) for area in reversed(at)),
            summary=self._summary(form, rules, count, length, clip is not None),
        )

    def findings(self, form: Form, script: Script) -> tuple[FindingSeen, ...]:
        """Remarks on the text; uncertain readings stand apart."""
        written = form.written
        found = check(script.text)
        shown = [
            FindingSeen(
                finding,
                written.where(finding.start),
                number if finding.proposal is not None and written.where(finding.start) is not None else None,
            )
            for number, finding in enumerate(found)
            if finding.concern not in (Concern.UNCERTAIN_READING, Concern.NOT_NFC)
        ]
        return tuple(shown[:MOST_FINDINGS])

    def _card(self, card: str, length: int) -> tuple[tuple[int, ...], int, str]:
        try:
            found = card_preview.preview(card, length)
        except BroadcasterError as error:
            return (), 0, said(error, self.tongue)
        return found.moments, found.pass_ms, ""

    def _rules(self, form: Form) -> tuple[list[Rule], str]:
        try:
            return form.plan(now=self.now, zone=self.zone), ""
        except BroadcasterError as error:
            return [], said(error, self.tongue)

    def planned(self, rule: Rule) -> Planned:
        """A rule as people say it."""
        now = self.now
        return Planned(
            rule.model_dump_json(),
            describe(rule, self.tongue, zone=self.zone),
            () if isinstance(rule, AtOnce) else tuple(islice(rule.instants(now, now + AHEAD), NEXT)),
        )

    def _clashes(self, form: Form, rules: Sequence[Rule], length: int) -> tuple[Clash, ...]:
        if form.targets is None or not rules:
            return ()
        targets = expanded(self.session, form.targets.model_dump(mode="json"))
        content = {
            "title": form.written.title,
            "priority": form.priority,
            "clip": {"duration_ms": length},
            "schedules": [
                {"id": f"draft-{number}", "rule": rule.model_dump(mode="json"), "targets": targets}
                for number, rule in enumerate(rules)
            ],
        }
        found = conflicts(self.session, content, now=self.now, zone=self.zone, bulletin=form.bulletin or None)
        return tuple(self._clash(each, rules) for each in found[:NEXT])

    def _clash(self, found: Mapping[str, Any], rules: Sequence[Rule]) -> Clash:
        due = datetime.fromisoformat(found["due_at"])
        now = self.now
        number = next((n for n, rule in enumerate(rules) if due in rule.instants(now, due + (due - now) + AHEAD)), 0)
        if found["kind"] == "policy":
            free = found["after"] or found["before"]
            text = " ".join(each[self.tongue] for each in found["refusals"])
        else:
            titles = ", ".join(f"“{each['title']}”" for each in found["with"])
            text = words(self.tongue)["compose_overlaps"] % {"titles": titles}
            changes = (way["changes"][0]["due_at"] for way in found["choices"] if way["kind"] in ("move", "append"))
            free = next(changes, None)
        return Clash(due, text, _on_the_minute(datetime.fromisoformat(free), due) if free else None, number)

    def _sentences(
        self, script: Script, uncertain: Sequence[Uncertain], form: Form, row: Bulletin | None
    ) -> tuple[SentenceSeen, ...]:
        """The text in the sentences in which it is heard; while there is no clip of it, in lines."""
        before = len(form.written.title) + 2
        spans: dict[tuple[int, int], list[str]] = {}
        for each in ((row.quality if row is not None else None) or {}).get("sentences", ()):
            shift = 0 if each["part"] == "title" else before
            span = (max(0, each["start"] + shift), min(len(script.text), each["end"] + shift))
            spans.setdefault(span, []).append(f"{each['start_ms']}-{each['end_ms']}")
        bounds = sorted(spans) or list(_lines(script.text))
        marks = _marks(script, uncertain, form.settlings)
        found: list[SentenceSeen] = []
        at = 0
        for start, end in bounds:
            if start < at:
                continue
            if start > at:
                found.append(SentenceSeen(tuple(_cut(script.text, at, start, marks))))
            found.append(
                SentenceSeen(tuple(_cut(script.text, start, end, marks)), " ".join(spans.get((start, end), ())))
            )
            at = end
        if at < len(script.text):
            found.append(SentenceSeen(tuple(_cut(script.text, at, len(script.text), marks))))
        return tuple(found)

    def _summary(self, form: Form, rules: Sequence[Rule], count: Count, length: int, exact: bool) -> str:
        say = words(self.tongue)
        if form.programme:
            when = say["summary_programme"]
        elif rules:
            when = say["summary_when"] % {"when": say["summary_and"].join(self._briefly(rule) for rule in rules[:2])}
            when += say["summary_more"] % {"more": len(rules) - 2} if len(rules) > 2 else ""
        else:
            when = say["summary_no_time"]
        parts = [when]
        if not form.programme:
            parts += count_in_words(count, self.tongue) or [say["summary_nowhere"]]
        if length:
            minutes, seconds = divmod(round(length / 1000), 60)
            spent = say["summary_minutes"] % {"minutes": minutes} + " " if minutes else ""
            spent += say["summary_seconds"] % {"seconds": seconds}
            parts.append(spent if exact else say["summary_about"] % {"length": spent})
        return ", ".join(parts)

    def _briefly(self, rule: Rule) -> str:
        if isinstance(rule, Once):
            return moment_in_words(rule.at, self.tongue, self.zone, now=self.now)
        text = describe(rule, self.tongue, zone=self.zone)
        return text[:1].lower() + text[1:]


def moment_in_words(at: datetime, tongue: Language, zone: str, *, now: datetime) -> str:
    """05:00 thứ Ba 25/11; with the year where it is another."""
    local = at.astimezone(ZoneInfo(zone))
    year = "" if local.year == now.astimezone(ZoneInfo(zone)).year else f"/{local.year}"
    return f"{local:%H:%M} {_WEEKDAYS[tongue][local.weekday()]} {local.day}/{local.month}{year}"


def _on_the_minute(free: datetime, due: datetime) -> datetime:
    """A free time as people say it: the minute after, or before where it lies before what was wanted."""
    whole = free.replace(second=0, microsecond=0)
    return whole + timedelta(minutes=1) if whole < free and free > due else whole


def count_in_words(count: Count, tongue: Language) -> list[str]:
    """How many loudspeakers, how many screens; none of a kind is left out."""
    say = words(tongue)
    found = (("summary_loudspeakers", count.loudspeakers), ("summary_screens", count.screens))
    return [say[f"{name}_one"] if n == 1 else say[name] % {"count": n} for name, n in found if n]


def _lines(text: str) -> list[tuple[int, int]]:
    found, at = [], 0
    for line in text.splitlines(keepends=True):
        found.append((at, at + len(line)))
        at += len(line)
    return found


def _marks(
    script: Script, uncertain: Sequence[Uncertain], settlings: Sequence[Settling]
) -> list[tuple[int, int, int | None, str]]:
    numbers = {(each.text, each.reading): number for number, each in enumerate(uncertain)}
    chosen = {each.written: each.reading for each in settlings}
    marks: list[tuple[int, int, int | None, str]] = []
    for token in script.tokens:
        if not token.certain:
            marks.append((token.start, token.end, numbers[token.text, token.reading], ""))
        elif token.text in chosen and chosen[token.text] == token.reading:
            marks.append((token.start, token.end, None, token.reading))
    return marks


def _cut(text: str, start: int, end: int, marks: Sequence[tuple[int, int, int | None, str]]) -> list[Piece]:
    pieces: list[Piece] = []
    at = start
    for first, last, number, reading in marks:
        if first < at or last > end:
            continue
        if first > at:
            pieces.append(Piece(text[at:first]))
        pieces.append(Piece(text[first:last], number, reading))
        at = last
    if at < end:
        pieces.append(Piece(text[at:end]))
    return pieces


def targets_in_words(targets: Mapping[str, Any], tree: Tree, session: Session, tongue: Language) -> str:
    """Where something airs: names of areas, groups' content expanded, and how many receivers that is."""
    say = words(tongue)
    found = Targets.model_validate(expanded(session, dict(targets)))
    names = [tree.places.areas[area].name if area in tree.places.areas else area for area in found.areas]
    names += [tree.places.receivers[one].name if one in tree.places.receivers else one for one in found.receivers]
    but = [tree.places.areas[area].name for area in found.excluded_areas if area in tree.places.areas]
    but += [tree.places.receivers[one].name for one in found.excluded if one in tree.places.receivers]
    text = ", ".join(names[:8]) + (" …" if len(names) > 8 else "")
    if but:
        text += say["release_but_for"] % {"names": ", ".join(but[:8])}
    count = tree.count(session, found)
    counted = count_in_words(count, tongue)
    counted += [say["compose_offline"] % {"count": count.offline}] if count.offline else []
    return f"{text} ({', '.join(counted) or say['summary_nowhere']})"
