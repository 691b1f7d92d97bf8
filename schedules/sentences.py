"""A rule in plain words, Vietnamese and English, as an editor would say it: "Thứ Hai đến thứ Sáu, 5 giờ sáng và 5 giờ chiều"."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Literal
from zoneinfo import ZoneInfo

from schedules.named_days import name_of
from schedules.recurrence import Recurring, parts_of
from schedules.rules import AtOnce, Once, Repeating

Language = Literal["vi", "en"]
_CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_VI_DAYS = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")
_EN_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_EN_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")  # fmt: skip
_VI_NTH = {1: "đầu tiên", 2: "thứ hai", 3: "thứ ba", 4: "thứ tư", 5: "thứ năm", -1: "cuối cùng", -2: "áp chót"}
_EN_NTH = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last", -2: "last but one"}


def describe(rule: Once | Recurring | Repeating | AtOnce, language: Language, *, zone: str) -> str:
    """One sentence without a full stop. `zone` is where an instant is to be read; a recurring rule has its own."""
    if isinstance(rule, AtOnce):
        return "Ngay khi được duyệt" if language == "vi" else "As soon as it is released"
    say = _Vietnamese() if language == "vi" else _English()
    if isinstance(rule, Once):
        local = rule.at.astimezone(ZoneInfo(zone))
        return _capital(f"{say.weekday(local.weekday())} {say.day_of(local.date(), None)}, {say.clock(local.time())}")
    if isinstance(rule, Repeating):
        return _capital(say.repeating(rule, ZoneInfo(zone)))
    parts = parts_of(rule.rrule)
    if parts == {"FREQ": "DAILY", "COUNT": "1"} and not (rule.skipped or rule.moved or rule.not_on or rule.on):
        return _capital(say.joined([say.moment(at, None) for at in sorted({rule.start, *rule.extra})]))
    names = [name_of(name, language) for name in rule.on]
    plain = names and parts["FREQ"] == "DAILY" and parts.keys() <= {"FREQ", "BYHOUR", "BYMINUTE", "UNTIL"}
    days = say.named(names) if plain else say.days(_Days.of(parts, rule.start))
    sentence = [days, say.joined([say.clock(at) for at in _times(parts, rule.start)])]
    if "COUNT" in parts:
        sentence.append(say.so_often(int(parts["COUNT"])))
    else:
        sentence.append(say.period(rule.start.date(), _last_day(parts, rule), interval=int(parts.get("INTERVAL", "1"))))
    if names and not plain:
        sentence.append(say.only_on(names))
    if rule.not_on:
        sentence.append(say.skipped_named([name_of(name, language) for name in rule.not_on]))
    if rule.skipped:
        sentence.append(say.skipped([say.day_of(day, rule.start.year) for day in sorted(rule.skipped)]))
    sentence += [say.added(say.moment(at, rule.start.year)) for at in sorted(rule.extra)]
    sentence += [
        say.moved(say.moment(change.original, rule.start.year), say.moment(change.to, rule.start.year))
        for change in sorted(rule.moved, key=lambda change: change.original)
    ]
    return _capital(", ".join(part for part in sentence if part))


@dataclass(frozen=True)
class _Days:
    """Which days, taken out of the rule's parts."""

    frequency: str
    interval: int
    weekdays: tuple[tuple[int, int], ...]  # (nth or 0, weekday from Monday)
    month_days: tuple[int, ...]
    months: tuple[int, ...]
    positions: tuple[int, ...]

    @classmethod
    def of(cls, parts: dict[str, str], start: datetime) -> "_Days":
        weekdays = tuple(
            sorted((int(code[:-2] or 0), _CODES.index(code[-2:])) for code in parts.get("BYDAY", "").split(",") if code)
        )
        month_days = _numbers(parts, "BYMONTHDAY")
        months = _numbers(parts, "BYMONTH")
        frequency = parts["FREQ"]
        if frequency == "WEEKLY" and not weekdays:
            weekdays = ((0, start.weekday()),)
        if frequency in ("MONTHLY", "YEARLY") and not weekdays and not month_days:
            month_days = (start.day,)
        if frequency == "YEARLY" and not months and month_days:
            months = (start.month,)
        return cls(
            frequency, int(parts.get("INTERVAL", "1")), weekdays, month_days, months, _numbers(parts, "BYSETPOS")
        )


def _numbers(parts: dict[str, str], name: str) -> tuple[int, ...]:
    return tuple(sorted(int(value) for value in parts.get(name, "").split(",") if value))


def _times(parts: dict[str, str], start: datetime) -> list[time]:
    hours = _numbers(parts, "BYHOUR") or (start.hour,)
    minutes = _numbers(parts, "BYMINUTE") or (start.minute,)
    return [time(hour, minute) for hour in hours for minute in minutes]


def _last_day(parts: dict[str, str], rule: Recurring) -> date | None:
    until = parts.get("UNTIL")
    if until is None:
        return None
    if until.endswith("Z"):
        utc = datetime.strptime(until + "+0000", "%Y%m%dT%H%M%SZ%z")
        return utc.astimezone(ZoneInfo(rule.zone)).date()
    return date(int(until[:4]), int(until[4:6]), int(until[6:8]))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _run(days: Sequence[int]) -> bool:
    """Whether weekdays follow each other, three or more."""
    return len(days) >= 3 and list(days) == list(range(days[0], days[0] + len(days)))


class _Vietnamese:
    def weekday(self, day: int) -> str:
        return _VI_DAYS[day]

    def joined(self, items: Sequence[str]) -> str:
        return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} và {items[-1]}"

    def clock(self, at: time) -> str:
        if at.hour < 4 or at.hour >= 22:
            part = "đêm"
        elif at.hour < 11:
            part = "sáng"
        elif at.hour < 13:
            part = "trưa"
        else:
            part = "chiều" if at.hour < 18 else "tối"
        hour = at.hour if at.hour <= 12 else at.hour - 12
        return f"{hour} giờ {f'{at.minute:02} ' if at.minute else ''}{part}"

    def day_of(self, day: date, year: int | None) -> str:
        return f"{day.day}/{day.month}" if day.year == year else f"{day.day}/{day.month}/{day.year}"

    def moment(self, at: datetime, year: int | None) -> str:
        return f"{self.clock(at.time())} ngày {self.day_of(at.date(), year)}"

    def days(self, days: _Days) -> str:
        months = f" trong {self.joined([f'tháng {month}' for month in days.months])}" if days.months else ""
        every = days.interval
        if days.frequency == "DAILY":
            chosen = self._weekdays(days) or ("hằng ngày" if every == 1 else f"cứ {every} ngày một lần")
            if days.month_days:
                chosen = f"{self._month_days(days)} hằng tháng"
            return chosen + months
        if days.frequency == "WEEKLY":
            chosen = self._weekdays(days)
            return (
                chosen if every == 1 else f"cứ {every} tuần một lần vào {chosen.removesuffix(' hằng tuần')}"
            ) + months
        chosen = self._month_days(days) if days.month_days else self._nth(days)
        if days.frequency == "YEARLY":
            chosen = (
                f"{chosen}{months}" if days.weekdays or len(days.months) != 1 else f"{chosen} tháng {days.months[0]}"
            )
            return f"{chosen} {'hằng năm' if every == 1 else f'cứ {every} năm một lần'}"
        return f"{chosen} {'hằng tháng' if every == 1 else f'cứ {every} tháng một lần'}{months}"

    def _weekdays(self, days: _Days) -> str:
        found = [day for _, day in days.weekdays]
        if len(found) == 7:
            return "hằng ngày"
        if _run(found):
            return f"{_VI_DAYS[found[0]]} đến {_VI_DAYS[found[-1]]}"
        return f"{self.joined([_VI_DAYS[day] for day in found])} hằng tuần" if found else ""

    def _month_days(self, days: _Days) -> str:
        counted = [str(day) for day in days.month_days if day > 0]
        names = [f"ngày {self.joined(counted)}"] if counted else []
        names += [
            "ngày cuối cùng" if day == -1 else f"ngày thứ {-day} từ cuối tháng" for day in days.month_days if day < 0
        ]
        limited = f" nếu là {self.joined([_VI_DAYS[day] for _, day in days.weekdays])}" if days.weekdays else ""
        return self.joined(names) + limited

    def _nth(self, days: _Days) -> str:
        names = [
            f"{_VI_DAYS[day]} {_VI_NTH.get(nth, f'thứ {nth}')}" if nth else f"mọi {_VI_DAYS[day]}"
            for nth, day in days.weekdays
        ]
        if days.positions:
            names = [_VI_DAYS[day] for _, day in days.weekdays]
            nths = self.joined([_VI_NTH.get(nth, f"thứ {nth}") for nth in days.positions])
            return f"ngày {nths} trong số {self.joined(names)}"
        return self.joined(names)

    def so_often(self, number: int) -> str:
        return f"{number} lần"

    def period(self, first: date, last: date | None, *, interval: int) -> str:
        start = f"từ ngày {self.day_of(first, last.year if last else None)}" if interval > 1 else ""
        end = f"đến hết ngày {self.day_of(last, first.year)}" if last else ""
        return " ".join(part for part in (start, end) if part)

    def named(self, names: Sequence[str]) -> str:
        return f"vào {self.joined(names)}"

    def only_on(self, names: Sequence[str]) -> str:
        return f"chỉ vào {self.joined(names)}"

    def skipped_named(self, names: Sequence[str]) -> str:
        return f"trừ {self.joined(names)}"

    def repeating(self, rule: Repeating, zone: ZoneInfo) -> str:
        end = "cho đến khi có tin mới hoặc lệnh dừng"
        if rule.until is not None:
            end = f"đến {self.moment(rule.until.astimezone(zone), None)}"
        hours, minutes = divmod(rule.every_minutes, 60)
        every = " ".join(
            part for part in (f"{hours} giờ" if hours else "", f"{minutes} phút" if minutes else "") if part
        )
        return f"cứ {every} một lần, cả ngày lẫn đêm, từ {self.moment(rule.start.astimezone(zone), None)}, {end}"

    def skipped(self, days: Sequence[str]) -> str:
        return f"trừ ngày {self.joined(days)}"

    def added(self, moment: str) -> str:
        return f"thêm {moment}"

    def moved(self, original: str, to: str) -> str:
        return f"dời {original} sang {to}"


class _English:
    def weekday(self, day: int) -> str:
        return _EN_DAYS[day]

    def joined(self, items: Sequence[str]) -> str:
        return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"

    def clock(self, at: time) -> str:
        return f"{at.hour}:{at.minute:02}"

    def day_of(self, day: date, year: int | None) -> str:
        short = f"{day.day} {_EN_MONTHS[day.month - 1]}"
        return short if day.year == year else f"{short} {day.year}"

    def moment(self, at: datetime, year: int | None) -> str:
        return f"{self.clock(at.time())} on {self.day_of(at.date(), year)}"

    def days(self, days: _Days) -> str:
        months = f" in {self.joined([_EN_MONTHS[month - 1] for month in days.months])}" if days.months else ""
        every = days.interval
        if days.frequency == "DAILY":
            chosen = self._weekdays(days) or ("every day" if every == 1 else f"every {every} days")
            if days.month_days:
                chosen = f"{self._month_days(days)} of every month"
            return chosen + months
        if days.frequency == "WEEKLY":
            chosen = self._weekdays(days)
            return (chosen if every == 1 else f"every {every} weeks on {chosen.removeprefix('every ')}") + months
        chosen = self._month_days(days) if days.month_days else self._nth(days)
        if days.frequency == "YEARLY":
            return f"{chosen}{months} {'every year' if every == 1 else f'every {every} years'}"
        return f"{chosen} of {'every month' if every == 1 else f'every {every} months'}{months}"

    def _weekdays(self, days: _Days) -> str:
        found = [day for _, day in days.weekdays]
        if len(found) == 7:
            return "every day"
        if _run(found):
            return f"{_EN_DAYS[found[0]]} to {_EN_DAYS[found[-1]]}"
        return f"every {self.joined([_EN_DAYS[day] for day in found])}" if found else ""

    def _month_days(self, days: _Days) -> str:
        counted = [str(day) for day in days.month_days if day > 0]
        names = [f"day {self.joined(counted)}"] if counted else []
        names += ["the last day" if day == -1 else f"day {-day} from the end" for day in days.month_days if day < 0]
        limited = f" if it is a {' or '.join(_EN_DAYS[day] for _, day in days.weekdays)}" if days.weekdays else ""
        return self.joined(names) + limited

    def _nth(self, days: _Days) -> str:
        names = [
            f"the {_EN_NTH.get(nth, f'number {nth}')} {_EN_DAYS[day]}" if nth else f"every {_EN_DAYS[day]}"
            for nth, day in days.weekdays
        ]
        if days.positions:
            nths = self.joined([_EN_NTH.get(nth, f"number {nth}") for nth in days.positions])
            return f"the {nths} among {self.joined([_EN_DAYS[day] for _, day in days.weekdays])}"
        return self.joined(names)

    def so_often(self, number: int) -> str:
        return "once" if number == 1 else f"{number} times"

    def period(self, first: date, last: date | None, *, interval: int) -> str:
        start = f"from {self.day_of(first, last.year if last else None)}" if interval > 1 else ""
        end = f"until the end of {self.day_of(last, first.year)}" if last else ""
        return " ".join(part for part in (start, end) if part)

    def named(self, names: Sequence[str]) -> str:
        return f"on {self.joined(names)}"

    def only_on(self, names: Sequence[str]) -> str:
        return f"only on {self.joined(names)}"

    def skipped_named(self, names: Sequence[str]) -> str:
        return f"except on {self.joined(names)}"

    def repeating(self, rule: Repeating, zone: ZoneInfo) -> str:
        end = "until it is updated or called off"
        if rule.until is not None:
            end = f"until {self.moment(rule.until.astimezone(zone), None)}"
        hours, minutes = divmod(rule.every_minutes, 60)
        parts = (f"{hours} h" if hours else "", f"{minutes} min" if minutes else "")
        every = " ".join(part for part in parts if part)
        return f"every {every}, day and night, from {self.moment(rule.start.astimezone(zone), None)}, {end}"

    def skipped(self, days: Sequence[str]) -> str:
        return f"except on {self.joined(days)}"

    def added(self, moment: str) -> str:
        return f"also {moment}"

    def moved(self, original: str, to: str) -> str:
        return f"{original} moved to {to}"
