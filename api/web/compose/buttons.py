"""The small buttons of the compose page: a proposal applied, a reading settled, a free time taken. Each makes another form of the form."""

import dataclasses
import json

from api.web.compose.form import Form, Settling
from api.web.compose.preview import Desk
from api.web.fields import Fields
from broadcaster.errors import InvalidError
from broadcaster.lexicons import spoken_form
from broadcaster.usual_times import instead


def done(at: Desk, form: Form, fields: Fields) -> Form:
    """The form after the button whose name stands in `do`; the same form for any other. Raises InvalidError."""
    verb, _, rest = fields.one("do").partition(":")
    if verb == "settle":
        return _settled(form, rest)
    if not rest.isdigit():
        return form
    number = int(rest)
    if verb == "own":
        return _own(at, form, number, fields.one(f"own_{number}"))
    if verb == "unsettle":
        return dataclasses.replace(
            form, settlings=tuple(each for place, each in enumerate(form.settlings) if place != number)
        )
    made = {"apply": _applied, "use": _moved}.get(verb)
    return form if made is None else made(at, form, number)


def _settled(form: Form, chosen: str) -> Form:
    """`chosen`: the text, what is proposed, what is chosen, as JSON."""
    try:
        written, proposed, reading = json.loads(chosen)
        proposal = form.scope.removeprefix("propose:") if form.scope.startswith("propose:") else ""
        area = "" if proposal else form.scope
        settling = Settling.read(json.dumps([written, proposed, reading, area, proposal]))
    except (ValueError, TypeError):
        settling = None
    if settling is None:
        raise InvalidError(
            "Cách đọc này máy không đọc được. Viết bằng âm tiết tiếng Việt, ví dụ “ốc cốp”.",
            "This cannot be spoken. Write Vietnamese syllables, such as “ốc cốp”.",
            field="reading",
        )
    others = (each for each in form.settlings if (each.written, each.proposed) != (settling.written, settling.proposed))
    return dataclasses.replace(form, settlings=(*others, settling))


def _own(at: Desk, form: Form, number: int, reading: str) -> Form:
    """A reading that the editor wrote."""
    script, _ = at.script(form, at.stored(form)[0])
    uncertain = at.uncertain(script)
    if number >= len(uncertain) or not reading.strip():
        return form
    each = uncertain[number]
    return _settled(form, json.dumps([each.text, each.reading, spoken_form(reading)]))


def _applied(at: Desk, form: Form, number: int) -> Form:
    script, _ = at.script(form, None)
    found = next((each for each in at.findings(form, script) if each.apply == number), None)
    if found is None or found.start is None:
        return form
    words, end = form.written.words, found.start + len(found.finding.text)
    if words[found.start : end] != found.finding.text:
        return form
    return dataclasses.replace(form, words=words[: found.start] + (found.finding.proposal or "") + words[end:])


def _moved(at: Desk, form: Form, number: int) -> Form:
    """The free time that is proposed for a clash takes its place; the whole plan stands as rules then."""
    clashes = at.look(form).clashes
    free = clashes[number].free if number < len(clashes) else None
    if free is None:
        return form
    clash, rules = clashes[number], form.plan(now=at.now, zone=at.zone)
    rules[clash.rule] = instead(rules[clash.rule], clash.due_at, free)
    written = [rule.model_dump_json() for rule in rules if rule.kind != "at_once"]
    chips = frozenset({"now"} if any(rule.kind == "at_once" for rule in rules) else ())
    return dataclasses.replace(form, rules=tuple(dict.fromkeys(written)), chips=chips)
