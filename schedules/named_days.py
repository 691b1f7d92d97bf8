"""Named days: public holidays and the Vietnamese lunar calendar, usable in rules and policies.

Lunar dates are those of Viet Nam (UTC+7, after Hồ Ngọc Đức), by lunar-vn; they differ from China's in some years: Tết 1985, 2007, 2030, 2053.
Public holidays are those of article 112 of the Labour Code 2019. Which days are added or exchanged around them the Government announces year by
year; such dates are named in the rule or the policy itself.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

from lunar_vn import LunarDate, solar_to_lunar

NamedDay = Literal[
    "public_holiday",
    "new_year",
    "lunar_new_year_eve",
    "tet",
    "first_full_moon",
    "hung_kings",
    "buddha_birthday",
    "doan_ngo",
    "vu_lan",
    "mid_autumn",
    "kitchen_gods",
    "lunar_first",
    "full_moon",
    "party_day",
    "reunification_day",
    "labour_day",
    "war_invalids_day",
    "national_day",
    "digital_day",
    "teachers_day",
    "army_day",
]


@dataclass(frozen=True, slots=True)
class _Named:
    vi: str
    en: str
    holds: Callable[[date], bool]


@lru_cache(maxsize=8192)
def lunar(day: date) -> LunarDate:
    """The lunar date of a day from 1900 to 2100: `day`, `month`, `year`, `leap`."""
    return solar_to_lunar(day)


def _on(month: int, *days: int) -> Callable[[date], bool]:
    def holds(day: date) -> bool:
        found = lunar(day)
        return found.month == month and found.day in days and not found.leap

    return holds


def _each(lunar_day: int) -> Callable[[date], bool]:
    return lambda day: lunar(day).day == lunar_day


def _solar(month: int, day_of_month: int) -> Callable[[date], bool]:
    return lambda day: (day.month, day.day) == (month, day_of_month)


def _eve(day: date) -> bool:
    return _on(1, 1)(day + timedelta(days=1))


def _public_holiday(day: date) -> bool:
    # Five days at Tết: the last day of the year and the first four. The day beside 2 September is now 1, now 3 September.
    if (day.month, day.day) in ((1, 1), (4, 30), (5, 1), (9, 2)):
        return True
    if (day.month, day.day) == (11, 24) and day.year >= 2026:  # Ngày Văn hóa Việt Nam
        return True
    return _eve(day) or _on(1, 1, 2, 3, 4)(day) or _on(3, 10)(day)


_DAYS: dict[NamedDay, _Named] = {
    "public_holiday": _Named("ngày nghỉ lễ, tết", "public holidays", _public_holiday),
    "new_year": _Named("Tết Dương lịch", "New Year's Day", _solar(1, 1)),
    "lunar_new_year_eve": _Named("ngày giao thừa", "Lunar New Year's Eve", _eve),
    "tet": _Named("ba ngày Tết Nguyên đán", "the three days of Tết", _on(1, 1, 2, 3)),
    "first_full_moon": _Named("rằm tháng Giêng", "the first full moon of the lunar year", _on(1, 15)),
    "hung_kings": _Named("Giỗ Tổ Hùng Vương", "the Hùng Kings' day", _on(3, 10)),
    "buddha_birthday": _Named("lễ Phật đản", "Buddha's birthday", _on(4, 15)),
    "doan_ngo": _Named("Tết Đoan ngọ", "Đoan ngọ (5th of the 5th lunar month)", _on(5, 5)),
    "vu_lan": _Named("lễ Vu Lan", "Vu Lan (15th of the 7th lunar month)", _on(7, 15)),
    "mid_autumn": _Named("Tết Trung thu", "the Mid-Autumn Festival", _on(8, 15)),
    "kitchen_gods": _Named(
        "ngày ông Công ông Táo", "the Kitchen Gods' day (23rd of the 12th lunar month)", _on(12, 23)
    ),
    "lunar_first": _Named("mùng một âm lịch", "the first day of the lunar month", _each(1)),
    "full_moon": _Named("ngày rằm", "the fifteenth of the lunar month", _each(15)),
    "party_day": _Named("ngày thành lập Đảng (3/2)", "the Party's founding day (3 February)", _solar(2, 3)),
    "reunification_day": _Named("ngày Giải phóng miền Nam (30/4)", "Reunification Day (30 April)", _solar(4, 30)),
    "labour_day": _Named("ngày Quốc tế Lao động (1/5)", "Labour Day (1 May)", _solar(5, 1)),
    "war_invalids_day": _Named(
        "ngày Thương binh - Liệt sĩ (27/7)", "War Invalids and Martyrs Day (27 July)", _solar(7, 27)
    ),
    "national_day": _Named("ngày Quốc khánh (2/9)", "National Day (2 September)", _solar(9, 2)),
    "digital_day": _Named(
        "ngày Chuyển đổi số quốc gia (10/10)", "National Digital Transformation Day (10 October)", _solar(10, 10)
    ),
    "teachers_day": _Named("ngày Nhà giáo Việt Nam (20/11)", "Teachers' Day (20 November)", _solar(11, 20)),
    "army_day": _Named(
        "ngày thành lập Quân đội (22/12)", "the People's Army's founding day (22 December)", _solar(12, 22)
    ),
}


def is_named(day: date, names: Iterable[NamedDay]) -> bool:
    """Whether the day, in Viet Nam, is one of those."""
    return any(_DAYS[name].holds(day) for name in names)


def name_of(name: NamedDay, language: Literal["vi", "en"]) -> str:
    """As it stands within a sentence."""
    return _DAYS[name].vi if language == "vi" else _DAYS[name].en
