"""The compose form: what stands in its fields, and what becomes of it."""

import json
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from pydantic import ValidationError

from api.web.fields import Fields
from audio.script import LexiconError, Settled
from broadcaster.bulletins import Draft
from broadcaster.composing import Written, together
from broadcaster.errors import InvalidError
from broadcaster.readings import Choice
from broadcaster.target_tree import Tree
from broadcaster.targets import Targets
from broadcaster.usual_times import EVENING, MORNING, REPEATS, Plain, Repeat, next_at
from schedules.rules import RULE, AtOnce, Rule
from schedules.sentences import describe

CHIPS = ("morning", "evening", "now", "other")
AHEAD = timedelta(days=366 * 5)
EMPTY = Draft(title="", text="", card_text=None, field="thông tin chung", priority="routine", plan=())


@dataclass(frozen=True)
class Settling:
    """A reading that was settled on the page, for this bulletin or for an area's lexicon, and is not saved yet."""

    written: str
    proposed: str
    reading: str
    area: str = ""
    propose: str = ""  # an area to whose lexicon it is proposed

    @classmethod
    def read(cls, text: str) -> "Settling | None":
        """From its field; None for what is none."""
        try:
            found = cls(*json.loads(text))
            Settled(found.written, found.proposed, found.reading)
        except (ValueError, TypeError, AttributeError, LexiconError):
            return None
        return found

    def field(self) -> str:
        """For its field."""
        return json.dumps([self.written, self.proposed, self.reading, self.area, self.propose], ensure_ascii=False)

    def choice(self) -> Choice:
        """For the domain."""
        area, propose = self.area or None, self.propose or None
        return Choice(self.written, self.proposed, self.reading, area=area, propose=propose)


@dataclass(frozen=True)
class Form:
    """The fields of the page, read."""

    key: str  # what the id of a new bulletin is made of
    bulletin: str = ""
    revision: int = 0
    words: str = ""
    card: str = ""
    card_proposed: str = ""
    chips: frozenset[str] = frozenset()
    rules: tuple[str, ...] = ()  # JSON of rules that are ticked
    over: bool = False  # whether a bulletin had times, and none of them is to come
    repeat: Repeat = "once"
    day: str = ""
    until: str = ""
    times: tuple[str, ...] = ("", "")
    weekdays: frozenset[int] = frozenset()
    targets: Targets | None = None
    field: str = EMPTY.field
    priority: str = "routine"
    programme: str = ""
    campaign: str = ""  # a campaign's id, then after a bar the content group
    settlings: tuple[Settling, ...] = ()
    scope: str = ""  # the area for whose lexicon the next reading is settled, `propose:` before one to which it is proposed; empty: this bulletin

    @classmethod
    def blank(cls, targets: Targets | None) -> "Form":
        """A new bulletin's."""
        return cls(key=secrets.token_hex(16), targets=targets)

    @classmethod
    def read(cls, fields: Fields, tree: Tree) -> "Form":
        """What was posted, or kept while it was typed."""
        repeat = fields.one("repeat")
        kinds = [kind for kind in ("loudspeaker", "screen") if kind in fields.all("kind")]
        return cls(
            key=fields.one("key")[:64] or secrets.token_hex(16),
            bulletin=fields.one("bulletin")[:64],
            revision=fields.number("revision"),
            words=fields.one("words"),
            card=fields.one("card"),
            card_proposed=fields.one("card_proposed"),
            chips=frozenset(fields.all("when")) & set(CHIPS),
            rules=tuple(dict.fromkeys(fields.all("rule")))[:50],
            repeat=next((each for each in REPEATS if each == repeat), "once"),
            day=fields.one("day"),
            until=fields.one("until"),
            times=(fields.one("time1"), fields.one("time2")),
            weekdays=frozenset(int(each) for each in fields.all("weekday") if each in "0123456" and len(each) == 1),
            targets=tree.chosen(
                fields.all("area"),
                fields.all("receiver"),
                drawn=fields.all("drawn"),
                groups=fields.all("group"),
                kinds=kinds,
            ),
            field=fields.one("field", EMPTY.field)[:100],
            priority="priority" if fields.one("priority") == "priority" else "routine",
            programme=fields.one("programme"),
            campaign=fields.one("campaign"),
            settlings=tuple(found for text in fields.all("settled") if (found := Settling.read(text)) is not None),
            scope=fields.one("scope"),
        )

    @classmethod
    def of(cls, bulletin: str, revision: int, draft: Draft, *, now: datetime) -> "Form":
        """What a bulletin is now. Airings at an instant that is over are left out."""
        found = [(next(iter(rule.instants(now, now + AHEAD)), None), rule) for rule, _ in draft.plan]
        rules = [rule for _, rule in sorted(((at, rule) for at, rule in found if at), key=lambda pair: pair[0])]
        return cls(
            key=bulletin,
            bulletin=bulletin,
            revision=revision,
            words=together(draft.title, draft.text),
            card=draft.card_text or "",
            chips=frozenset({"now"} if any(isinstance(rule, AtOnce) for rule in rules) else ()),
            rules=tuple(dict.fromkeys(rule.model_dump_json() for rule in rules if not isinstance(rule, AtOnce))),
            over=bool(found) and not rules,
            targets=draft.plan[0][1] if draft.plan else None,
            field=draft.field,
            priority=draft.priority,
            programme=draft.programme or "",
            campaign="|".join(part for part in (draft.campaign, draft.content_group) if part),
        )

    @property
    def written(self) -> Written:
        """Title and text."""
        return Written.of(self.words)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Of receivers that are addressed."""
        return self.targets.kinds if self.targets is not None else ("loudspeaker", "screen")

    def own_card(self) -> str | None:
        """What stands on the LED screen, if the editor wrote it; None: what is proposed."""
        card = self.card.strip()
        return None if not card or card == self.card_proposed.strip() else card

    def ticked(self) -> list[Rule]:
        """The rules that are ticked and can be read."""
        found: list[Rule] = []
        for text in self.rules:
            with suppress(ValidationError):
                found.append(RULE.validate_json(text))
        return found

    def plan(self, *, now: datetime, zone: str) -> list[Rule]:
        """When it airs. Raises InvalidError for what is missing or cannot be."""
        found = self.ticked()
        if len(found) < len(self.rules):
            raise InvalidError("Lịch phát không đọc được.", "A rule cannot be read.", field="rule")
        if "morning" in self.chips:
            found.append(next_at(MORNING, now, zone))
        if "evening" in self.chips:
            found.append(next_at(EVENING, now, zone))
        if "now" in self.chips:
            found.append(AtOnce())
        if "other" in self.chips:
            found += self._plain(now).rules(zone)
        for rule in found:
            if next(iter(rule.instants(now, now + AHEAD)), None) is None and not isinstance(rule, AtOnce):
                raise InvalidError(
                    f"Giờ phát đã qua ({describe(rule, 'vi', zone=zone)}). Chọn giờ khác, hoặc bỏ chọn giờ này.",
                    f"This time is over ({describe(rule, 'en', zone=zone)}). Choose another, or untick it.",
                    field="day",
                )
        return list({rule.model_dump_json(): rule for rule in found}.values())

    def _plain(self, now: datetime) -> Plain:
        try:
            day = date.fromisoformat(self.day) if self.day else None
            until = date.fromisoformat(self.until) if self.until and self.repeat != "once" else None
            times = tuple(dict.fromkeys(time.fromisoformat(each) for each in self.times if each))
        except ValueError as error:
            raise InvalidError("Ngày hoặc giờ không đúng.", "A date or a time is wrong.", field="day") from error
        if day is None:
            raise InvalidError("Chọn ngày phát.", "Choose a day.", field="day")
        if day.year < now.year - 1 or day >= (now + AHEAD).date():
            raise InvalidError("Ngày phát quá xa.", "The day is too far away.", field="day")
        return Plain(self.repeat, day, times, until, tuple(sorted(self.weekdays)))

    def draft(self, before: Draft, rules: Sequence[Rule], *, card: str) -> Draft:
        """What is to be saved: this, and of what was before what this page does not ask. Raises InvalidError."""
        written = self.written
        if not written.text:
            raise InvalidError(
                "Bản tin chưa có nội dung. Dòng đầu là tiêu đề, nội dung viết từ dòng thứ hai.",
                "The bulletin has no text yet. The first line is the title; write the text from the second line on.",
                field="words",
            )
        if rules and self.targets is None:
            raise InvalidError("Chọn nơi phát.", "Choose where it airs.", field="targets")
        campaign, _, group = self.campaign.partition("|")
        changed: dict[str, Any] = {
            "title": written.title,
            "text": written.text,
            "card_text": self.own_card() or card,
            "field": self.field.strip() or EMPTY.field,
            "priority": self.priority,
            "plan": tuple((rule, self.targets) for rule in rules if self.targets is not None),
            "programme": self.programme or None,
            "campaign": campaign or None,
            "content_group": group or None,
        }
        return replace(before, **changed)
