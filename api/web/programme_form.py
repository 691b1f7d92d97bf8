"""The form of a programme: its slots as days and a time each, what the form cannot say kept as it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from pydantic import ValidationError

from api.web.fields import Fields
from broadcaster.errors import InvalidError
from broadcaster.letters import plain
from schedules.programmes import Programme, Slot
from schedules.recurrence import Recurring, parts_of

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
MOST_ROWS = 14
SPARE_ROWS = 2
FALLBACKS = ("silence", "repeat_last", "programme")


@dataclass(frozen=True)
class SlotRow:
    """A slot as it is typed; `start` is the first day of one that stands already."""

    days: tuple[str, ...] = ()
    at: str = ""
    minutes: str = ""
    start: str = ""

    @property
    def empty(self) -> bool:
        """Whether nothing was typed."""
        return not (self.days or self.at.strip() or self.minutes.strip())


def row_of(slot: Slot) -> SlotRow | None:
    """A slot on some days of the week at one time; None for any other rule."""
    rule = slot.rule
    if not isinstance(rule, Recurring) or rule.skipped or rule.extra or rule.moved or rule.on or rule.not_on:
        return None
    parts = parts_of(rule.rrule)
    days: tuple[str, ...]
    if parts == {"FREQ": "DAILY"}:
        days = DAYS
    elif parts.keys() == {"FREQ", "BYDAY"} and parts["FREQ"] == "WEEKLY":
        days = tuple(parts["BYDAY"].split(","))
    else:
        return None
    return SlotRow(days, f"{rule.start:%H:%M}", f"{slot.seconds / 60:g}", rule.start.date().isoformat())


def fields_from(programme: Programme | None, targets: Mapping[str, Any], revision: int) -> Fields:
    """The form of a programme as it stands; of a new one."""
    if programme is None:
        return Fields(
            {"revision": ["0"], "airings": ["1"], "fallback": ["silence"], "areas": list(targets.get("areas", ()))}
        )
    found: dict[str, list[str]] = {
        "name": [programme.name],
        "revision": [str(revision)],
        "airings": [str(programme.airings)],
        "fresh_days": [str(programme.fresh_days or "")],
        "fallback": [programme.fallback],
        "fallback_programme": [programme.fallback_programme or ""],
        "call": [programme.call or ""],
        "closing": [programme.closing or ""],
        "areas": list(targets.get("areas", ())),
        "keep": [str(number) for number, slot in enumerate(programme.slots) if row_of(slot) is None],
    }
    rows = [row for slot in programme.slots if (row := row_of(slot)) is not None]
    for number, row in enumerate(rows):
        found |= {f"days.{number}": list(row.days), f"at.{number}": [row.at]}
        found |= {f"minutes.{number}": [row.minutes], f"start.{number}": [row.start]}
    return Fields(found)


def rows_of(fields: Fields) -> list[SlotRow]:
    """The rows of the form with some empty ones behind."""
    found = [
        SlotRow(
            fields.all(f"days.{number}"),
            fields.one(f"at.{number}"),
            fields.one(f"minutes.{number}"),
            fields.one(f"start.{number}"),
        )
        for number in range(MOST_ROWS)
    ]
    filled = [row for row in found if not row.empty]
    return (filled + [SlotRow()] * SPARE_ROWS)[:MOST_ROWS]


def programme_of(fields: Fields, *, before: Programme | None, today: date, zone: str) -> Programme:
    """What was typed. Raises InvalidError."""
    name = fields.one("name").strip()
    if not name:
        raise InvalidError("Đặt tên cho chuyên mục.", "Give the programme a name.", field="name")
    kept = [slot for number, slot in enumerate(before.slots) if str(number) in fields.all("keep")] if before else []
    rows = [row for row in rows_of(fields) if not row.empty]
    slots = [*kept, *(_slot(row, number, today=today, zone=zone) for number, row in enumerate(rows))]
    fallback = fields.one("fallback", "silence")
    try:
        return Programme.model_validate(
            {
                "id": before.id if before else identifier(name),
                "name": name,
                "slots": tuple(slots),
                "airings": fields.number("airings") or 1,
                "fresh_days": fields.number("fresh_days") or None,
                "fallback": fallback,
                "fallback_programme": (fields.one("fallback_programme") or None) if fallback == "programme" else None,
                "call": fields.one("call") or None,
                "closing": fields.one("closing") or None,
            }
        )
    except ValidationError as error:
        raise InvalidError(
            "Kiểm tra lại: số lần phát từ 1 đến 100, số ngày còn mới từ 1 đến 3650; nếu phát chuyên mục khác thì chọn chuyên mục đó.",
            "Look again: airings are 1 to 100, days 1 to 3650; where another programme is to air instead, choose which.",
            field=str(error.errors()[0]["loc"][0]) if error.errors()[0]["loc"] else "fallback_programme",
        ) from error


def identifier(name: str) -> str:
    """ban-tin-sang of Bản tin sáng."""
    letters = "".join(each if each.isascii() and each.isalnum() else "-" for each in plain(name))
    return "-".join(part for part in letters.split("-") if part)[:60] or "chuyen-muc"


def _missing(row: SlotRow) -> str:
    """The field of a slot that is to be looked at."""
    return "days" if not row.days else "at" if not row.at.strip() else "minutes"


def _slot(row: SlotRow, number: int, *, today: date, zone: str) -> Slot:
    try:
        at = time.fromisoformat(row.at.strip())
        seconds = round(float(row.minutes.strip().replace(",", ".")) * 60)
        first = date.fromisoformat(row.start) if row.start else today
        rrule = "FREQ=DAILY" if len(set(row.days)) == len(DAYS) else f"FREQ=WEEKLY;BYDAY={','.join(row.days)}"
        return Slot(rule=Recurring(zone=zone, start=datetime.combine(first, at), rrule=rrule), seconds=seconds)
    except (ValueError, OverflowError) as error:
        raise InvalidError(
            f"Khung giờ {number + 1}: chọn ít nhất một ngày, giờ bắt đầu, và độ dài từ 10 giây đến 60 phút.",
            f"Slot {number + 1}: choose a day at least, when it begins, and a length from 10 seconds to 60 minutes.",
            field=f"{_missing(row)}.{number}",
        ) from error
