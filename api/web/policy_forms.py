"""The rules of a policy as forms: what is shown of a rule, and the rule that comes out of what was typed."""

from datetime import datetime
from typing import Annotated, Any, get_args

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from broadcaster.errors import InvalidError
from schedules.named_days import NamedDay
from schedules.policy_rules import PolicyRule, SpecialPlace

KINDS = (
    "quiet_hours",
    "sessions_a_day",
    "session_minutes",
    "days_a_week",
    "weekdays",
    "closed_days",
    "volume_ceiling",
)
NAMED_DAYS: tuple[NamedDay, ...] = get_args(NamedDay)
PLACES: tuple[SpecialPlace, ...] = get_args(SpecialPlace)
_RULE: TypeAdapter[PolicyRule] = TypeAdapter(PolicyRule)
_OF_KIND = {
    "quiet_hours": ("begins", "ends", "weekdays"),
    "sessions_a_day": ("most",),
    "session_minutes": ("most",),
    "days_a_week": ("most",),
    "weekdays": ("days",),
    "closed_days": ("days", "dates"),
    "volume_ceiling": ("begins", "ends", "dba"),
}
_SAID = {
    "begins": ("Nhập giờ bắt đầu, ví dụ 21:00.", "Enter when it begins, such as 21:00."),
    "ends": ("Nhập giờ kết thúc, ví dụ 05:00.", "Enter when it ends, such as 05:00."),
    "most": ("Nhập một số trong khoảng cho phép.", "Enter a number within the limits."),
    "dba": ("Nhập số dBA từ 20 đến 110.", "Enter 20 to 110 dBA."),
    "days": ("Chọn ít nhất một ngày.", "Choose at least one day."),
    "dates": ("Viết mỗi ngày một dòng, như 02/09/2026.", "Write one date a line, such as 02/09/2026."),
    "": (
        "Giờ bắt đầu và kết thúc phải khác nhau. Muốn nghỉ cả ngày, dùng quy định về ngày.",
        "It begins and ends at the same time. For whole days, use a rule of days.",
    ),
}


class RuleForm(BaseModel):
    """What somebody typed: all fields are text, so that anything can be shown again."""

    area: Annotated[str, Field(max_length=64)] = ""
    revision: int = 0
    index: int | None = None  # of the rule that it takes the place of
    kind: str = KINDS[0]
    begins: Annotated[str, Field(max_length=10)] = ""
    ends: Annotated[str, Field(max_length=10)] = ""
    most: Annotated[str, Field(max_length=10)] = ""
    dba: Annotated[str, Field(max_length=10)] = ""
    weekdays: list[str] = Field(default_factory=list, max_length=7)
    days: list[str] = Field(default_factory=list, max_length=50)
    dates: Annotated[str, Field(max_length=10_000)] = ""
    places: list[str] = Field(default_factory=list, max_length=10)
    kinds: list[str] = Field(default_factory=list, max_length=2)
    binding: Annotated[str, Field(max_length=3)] = ""
    source: Annotated[str, Field(max_length=300)] = ""

    @classmethod
    def of(cls, rule: PolicyRule, index: int) -> "RuleForm":
        """A rule as it is typed."""
        given = rule.model_dump()
        for name in ("begins", "ends"):
            if name in given:
                given[name] = f"{given[name]:%H:%M}"
        for name in ("weekdays", "days"):
            given[name] = [str(each) for each in given.get(name, ())]
        given["dates"] = "\n".join(f"{day:%d/%m/%Y}" for day in given.get("dates", ()))
        given |= {name: str(given[name]) for name in ("most", "dba") if name in given}
        given["binding"] = "yes" if rule.binding else ""
        return cls.model_validate(given | {"index": index})

    def rule(self) -> PolicyRule:
        """The rule. Raises InvalidError, naming the field."""
        given: dict[str, Any] = {name: getattr(self, name) for name in _OF_KIND.get(self.kind, ())}
        if "dates" in given:
            given["dates"] = [_day(line) for line in self.dates.split("\n") if line.strip()]
            if not given["dates"] and not self.days:
                raise _invalid("days")
        for name in ("weekdays", "days"):
            if name in given and self.kind != "closed_days":
                given[name] = [int(day) for day in given[name] if day.isdigit()]
        given |= {
            "kind": self.kind,
            "places": self.places,
            "kinds": self.kinds or ["loudspeaker"],
            "binding": bool(self.binding),
            "source": self.source.strip(),
        }
        try:
            return _RULE.validate_python(given)
        except ValidationError as error:
            where = error.errors()[0]["loc"]
            raise _invalid(str(where[1]) if len(where) > 1 else "") from error


def _day(text: str) -> Any:
    for form in ("%d/%m/%Y", "%Y-%m-%d"):
        try:
            return datetime.strptime(text.strip(), form).date()  # noqa: DTZ007  a date alone
        except ValueError:
            continue
    raise _invalid("dates")


def _invalid(field: str) -> InvalidError:
    vi, en = _SAID.get(
        field, ("Giá trị không dùng được. Sửa rồi lưu lại.", "This value does not serve. Correct it and save.")
    )
    return InvalidError(vi, en, field=field)
