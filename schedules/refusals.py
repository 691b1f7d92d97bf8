"""A rule of a policy in plain words; a refusal names its rule and the area whose rule it is. In Vietnamese and English."""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Literal
from zoneinfo import ZoneInfo

from schedules.hours import Standing
from schedules.named_days import name_of
from schedules.policy_rules import (
    ClosedDays,
    DaysAWeek,
    PolicyRule,
    QuietHours,
    SessionMinutes,
    SessionsADay,
    SpecialPlace,
    VolumeCeiling,
    Weekdays,
)

Language = Literal["vi", "en"]
_VI_DAYS = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")
_PLACES: dict[SpecialPlace, tuple[str, str]] = {
    "school": ("trường học", "schools"),
    "health_post": ("trạm y tế", "health posts"),
    "pagoda": ("chùa, nhà thờ", "pagodas and churches"),
    "library": ("thư viện", "libraries"),
    "kindergarten": ("nhà trẻ", "kindergartens"),
}
_NAMED_DATES = 5
_COUNTING = (SessionsADay, SessionMinutes, DaysAWeek)
_EN_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Refusal:
    """By this rule it may not air; `would_be` is what a counted rule would come to (sessions, minutes, days)."""

    standing: Standing
    would_be: int = 0

    @property
    def kind(self) -> str:
        """The kind of rule, such as `quiet_hours`."""
        return self.standing.rule.kind

    def said(self, language: Language) -> str:
        """One sentence."""
        rule = self.standing.rule
        said = (_vi if language == "vi" else _en)(rule) + _counted(self, language)
        area = self.standing.area_name if language == "vi" or self.standing.area != "national" else "national default"
        source = f"{area}; {rule.source}" if rule.source else area
        return f"{said} ({source})."


def stated(rule: PolicyRule, language: Language) -> str:
    """What a rule allows, as one sentence without a full stop."""
    said = (_vi if language == "vi" else _en)(rule)
    if rule.places:
        names = [_PLACES[place][language == "en"] for place in rule.places]
        said += f" ({'gần' if language == 'vi' else 'near'} {', '.join(names)})"
    if "screen" in rule.kinds:
        screens = rule.kinds == ("screen",)
        if language == "vi":
            said += "; chỉ màn hình LED" if screens else "; cả loa và màn hình LED"
        else:
            said += "; LED screens only" if screens else "; loudspeakers and LED screens"
    return said


def _vi(rule: PolicyRule) -> str:
    match rule:
        case QuietHours():
            hours = f"từ {_hour(rule.begins, 'vi')} đến {_hour(rule.ends, 'vi')}"
            said = f"Không phát trong giờ yên tĩnh, {hours}{_on_days(rule.weekdays, 'vi')}"
        case SessionsADay():
            said = f"Mỗi ngày phát nhiều nhất {rule.most} buổi"
        case SessionMinutes():
            said = f"Mỗi buổi phát nhiều nhất {rule.most} phút"
        case DaysAWeek():
            said = f"Mỗi tuần phát nhiều nhất {rule.most} ngày"
        case Weekdays():
            said = f"Chỉ phát vào {_days(rule.days, 'vi')}"
        case ClosedDays():
            said = f"Không phát vào {_closed(rule, 'vi')}"
        case VolumeCeiling():
            hours = f"từ {_hour(rule.begins, 'vi')} đến {_hour(rule.ends, 'vi')}"
            said = f"Âm lượng nhiều nhất {rule.dba} dBA tại nhà dân gần nhất, {hours}"
    return said


def _en(rule: PolicyRule) -> str:
    match rule:
        case QuietHours():
            hours = f"{_hour(rule.begins, 'en')} to {_hour(rule.ends, 'en')}"
            said = f"Nothing airs in quiet hours, {hours}{_on_days(rule.weekdays, 'en')}"
        case SessionsADay():
            said = f"At most {rule.most} sessions a day"
        case SessionMinutes():
            said = f"At most {rule.most} minutes in a session"
        case DaysAWeek():
            said = f"At most {rule.most} days a week"
        case Weekdays():
            said = f"Airings only on {_days(rule.days, 'en')}"
        case ClosedDays():
            said = f"Nothing airs on {_closed(rule, 'en')}"
        case VolumeCeiling():
            hours = f"{_hour(rule.begins, 'en')} to {_hour(rule.ends, 'en')}"
            said = f"At most {rule.dba} dBA at the nearest home, {hours}"
    return said


def _counted(refusal: Refusal, language: Language) -> str:
    """What one airing more would come to, for a rule that counts."""
    count = refusal.would_be
    if language == "en":
        return f"; this would make {count}" if isinstance(refusal.standing.rule, _COUNTING) else ""
    match refusal.standing.rule:
        case SessionsADay():
            return f"; thêm lượt này thành {count} buổi"
        case SessionMinutes():
            return f"; thêm lượt này thành {count} phút"
        case DaysAWeek():
            return f"; thêm ngày này thành {count} ngày"
    return ""


def _hour(at: time, language: Language) -> str:
    if language == "en":
        return f"{at.hour}:{at.minute:02}"
    return f"{at.hour} giờ" + (f" {at.minute}" if at.minute else "")


def _days(days: tuple[int, ...], language: Language) -> str:
    names = _VI_DAYS if language == "vi" else _EN_DAYS
    return ", ".join(names[day] for day in sorted(set(days)))


def _on_days(days: tuple[int, ...], language: Language) -> str:
    if not days:
        return ""
    return f" ({'các tối' if language == 'vi' else 'evenings of'} {_days(days, language)})"


def _closed(rule: ClosedDays, language: Language) -> str:
    names = [name_of(name, language) for name in rule.days]
    dates = sorted(set(rule.dates))
    names += [f"{day.day}/{day.month}/{day.year}" for day in dates[:_NAMED_DATES]]
    if (more := len(dates) - _NAMED_DATES) > 0:
        names.append(f"{more} ngày khác đã nêu" if language == "vi" else f"{more} other dates")
    return ", ".join(names)


def clock(instant: datetime, zone: ZoneInfo, language: Language) -> str:
    """Time and date as people there read it."""
    at = instant.astimezone(zone)
    if language == "vi":
        return f"{_hour(at.time(), 'vi')} ngày {at.day}/{at.month}"
    return f"{at.hour}:{at.minute:02} on {at.day}/{at.month}"
