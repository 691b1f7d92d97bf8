"""What is wrong with a field, in both languages: pydantic's kinds of errors as people say them."""

from collections.abc import Mapping
from typing import Any

from schedules.unfit import UnfitError

_SAID: dict[str, tuple[str, str]] = {
    "missing": ("thiếu", "it is missing"),
    "extra_forbidden": ("không có trường này", "there is no such field"),
    "string_type": ("phải là chữ", "it must be text"),
    "string_too_short": ("phải có ít nhất {min_length} ký tự", "it needs at least {min_length} characters"),
    "string_too_long": ("tối đa {max_length} ký tự", "it has more than {max_length} characters"),
    "string_pattern_mismatch": ("không đúng dạng {pattern}", "it does not have the form {pattern}"),
    "too_short": ("phải có ít nhất {min_length} mục", "it needs at least {min_length} items"),
    "too_long": ("tối đa {max_length} mục", "it has more than {max_length} items"),
    "int_type": ("phải là số nguyên", "it must be a whole number"),
    "int_parsing": ("phải là số nguyên", "it must be a whole number"),
    "int_parsing_size": ("số quá lớn", "the number is too large"),
    "int_from_float": ("phải là số nguyên", "it must be a whole number"),
    "float_type": ("phải là số", "it must be a number"),
    "float_parsing": ("phải là số", "it must be a number"),
    "finite_number": ("phải là số hữu hạn", "it must be a finite number"),
    "bool_type": ("phải là đúng hoặc sai", "it must be true or false"),
    "bool_parsing": ("phải là đúng hoặc sai", "it must be true or false"),
    "greater_than": ("phải lớn hơn {gt}", "it must be more than {gt}"),
    "greater_than_equal": ("phải từ {ge} trở lên", "it must be {ge} or more"),
    "less_than": ("phải nhỏ hơn {lt}", "it must be less than {lt}"),
    "less_than_equal": ("tối đa {le}", "it must be {le} or less"),
    "enum": ("phải là một trong {expected}", "it must be one of {expected}"),
    "literal_error": ("phải là một trong {expected}", "it must be one of {expected}"),
    "list_type": ("phải là danh sách", "it must be a list"),
    "tuple_type": ("phải là danh sách", "it must be a list"),
    "dict_type": ("phải là đối tượng JSON", "it must be a JSON object"),
    "model_type": ("phải là đối tượng JSON", "it must be a JSON object"),
    "model_attributes_type": ("phải là đối tượng JSON", "it must be a JSON object"),
    "json_invalid": ("không phải JSON", "it is no JSON"),
    "union_tag_invalid": ("phải là một trong {expected_tags}", "it must be one of {expected_tags}"),
    "union_tag_not_found": ("thiếu {discriminator}", "{discriminator} is missing"),
    "timezone_aware": ("phải có múi giờ, ví dụ +07:00", "it needs a time zone, such as +07:00"),
    "timezone_naive": ("không có múi giờ", "it must be without a time zone"),
    "datetime_type": ("phải là thời điểm, ví dụ 2026-12-01T17:00:00+07:00", "it must be an instant, such as 2026-12-01T17:00:00+07:00"),
    "datetime_parsing": ("phải là thời điểm, ví dụ 2026-12-01T17:00:00+07:00", "it must be an instant, such as 2026-12-01T17:00:00+07:00"),
    "datetime_from_date_parsing": ("phải là thời điểm, ví dụ 2026-12-01T17:00:00+07:00", "it must be an instant, such as 2026-12-01T17:00:00+07:00"),
    "datetime_object_invalid": ("phải là thời điểm", "it must be an instant"),
    "date_type": ("phải là ngày, ví dụ 2026-12-01", "it must be a date, such as 2026-12-01"),
    "date_parsing": ("phải là ngày, ví dụ 2026-12-01", "it must be a date, such as 2026-12-01"),
    "date_from_datetime_parsing": ("phải là ngày, ví dụ 2026-12-01", "it must be a date, such as 2026-12-01"),
    "date_from_datetime_inexact": ("phải là ngày, không có giờ", "it must be a date without a time"),
    "time_parsing": ("phải là giờ, ví dụ 17:00", "it must be a time, such as 17:00"),
}  # fmt: skip
_OTHER = ("không hợp lệ", "it is not valid")


def complaint(error: Mapping[str, Any]) -> tuple[str, str]:
    """One error of pydantic in Vietnamese and English. Our own checks say both (`UnfitError`); of what another's say, its English stands in both."""
    context = {name: value for name, value in (error.get("ctx") or {}).items() if name != "error"}
    kind = str(error.get("type", ""))
    own = (error.get("ctx") or {}).get("error")
    if isinstance(own, UnfitError):
        return own.vi, own.en
    if kind in ("value_error", "assertion_error"):
        return f"{_OTHER[0]}: {_own(error)}", _own(error)
    vi, en = _SAID.get(kind, _OTHER)
    try:
        return vi.format(**context), en.format(**context)
    except (KeyError, IndexError):
        return _OTHER


def _own(error: Mapping[str, Any]) -> str:
    return str(error.get("msg", "")).partition(", ")[2] or str(error.get("msg", ""))
