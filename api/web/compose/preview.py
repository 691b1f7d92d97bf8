"""What the compose page shows of a form: how it will be read, what there is to mend, when and where it airs, what clashes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from api.problems import Language, said
from api.web.compose.form import AHEAD, Form
from api.web.compose.in_words import count_in_words, moment_in_words
from api.web.compose.marked_text import sentences_of
from api.web.compose.seen import Clash, FindingSeen, Planned, Seen, Uncertain
from api.web.words import words
from audio.script import Lexicon, Script, Settled, Token, read
from audio.script.checks import Concern, check
from broadcaster import card_preview
from broadcaster.approvers import unattended
from broadcaster.bulletins import TEXT_LIMIT
from broadcaster.composing import expected_ms, short_version
from broadcaster.errors import BroadcasterError
from broadcaster.foresight import conflicts
from broadcaster.groups import expanded
from broadcaster.people import Actor, Right
from broadcaster.releases import find
from broadcaster.speech import decisions, lexicon_of, line_shared, read_out, settled
from broadcaster.station import Station
from broadcaster.storage.models import Bulletin, ClipRecord, ProgrammeRecord
from broadcaster.target_tree import Count, Tree
from broadcaster.usual_times import EVENING, MORNING, next_at
from broadcaster.whereabouts import need_sight
from schedules.rules import AtOnce, Once, Rule
from schedules.sentences import describe

NEXT = 5
MOST_FINDINGS = 30


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
        """When the usual sessions are next, in words, and the day of the next evening's for its field."""
        now, zone = self.now, self.zone
        said = {
            name: moment_in_words(next_at(at, now, zone).at, self.tongue, zone, now=now).partition(" ")[2]
            for name, at in (("morning", MORNING), ("evening", EVENING))
        }
        day = next_at(EVENING, now, zone).at.astimezone(ZoneInfo(zone)).date()
        return {**said, "day": day.isoformat()}

    def unattended(self, row: Bulletin | None) -> str:
        """Why nobody can release it in time, if so."""
        found = unattended(self.session, row, now=self.now, today=self.station.today()) if row is not None else None
        return "" if found is None else found.en if self.tongue == "en" else found.vi

    def stored(self, form: Form) -> tuple[Bulletin | None, ClipRecord | None]:
        """The bulletin that the form is of, and its clip if that is of these very words."""
        if not form.bulletin:
            return None, None
        row = find(self.session, form.bulletin)
        need_sight(self.session, self.actor, row)
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
            sentences=sentences_of(script, uncertain, form, row if clip else None),
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
            scopes=tuple(self._scope(area) for area in reversed(at)),
            summary=self._summary(form, rules, count, length, clip is not None),
        )

    def _scope(self, area: str) -> tuple[str, str, str]:
        name = self.tree.places.areas[area].name
        may = self.actor.may(Right.PRONOUNCE, area)
        return (area, "scope_area", name) if may else (f"propose:{area}", "scope_propose", name)

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
            return form.ticked(), said(error, self.tongue)

    def planned(self, rule: Rule) -> Planned:
        """A rule as people say it, with one airing more than is shown, to tell whether there are more."""
        now = self.now
        return Planned(
            rule.model_dump_json(),
            describe(rule, self.tongue, zone=self.zone),
            () if isinstance(rule, AtOnce) else tuple(islice(rule.instants(now, now + AHEAD), NEXT + 1)),
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

    def _summary(self, form: Form, rules: Sequence[Rule], count: Count, length: int, exact: bool) -> str:
        say = words(self.tongue)
        if form.programme:
            programme = self.session.get(ProgrammeRecord, form.programme)
            when = say["summary_programme"] % {"name": programme.name if programme is not None else form.programme}
        elif rules := [rule for rule in rules if isinstance(rule, AtOnce) or self.planned(rule).next]:
            when = say["summary_when"] % {"when": say["summary_and"].join(self._briefly(rule) for rule in rules[:2])}
            when += say["summary_more"] % {"more": len(rules) - 2} if len(rules) > 2 else ""
        else:
            when = say["summary_over" if form.over else "summary_no_time"]
        parts = [when]
        if not form.programme:
            nowhere = say["summary_nowhere" if form.targets is None else "summary_no_receiver"]
            parts += count_in_words(count, self.tongue) or [nowhere]
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


def _on_the_minute(free: datetime, due: datetime) -> datetime:
    """A free time as people say it: the minute after, or before where it lies before what was wanted."""
    whole = free.replace(second=0, microsecond=0)
    return whole + timedelta(minutes=1) if whole < free and free > due else whole
