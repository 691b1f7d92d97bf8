"""What our own checks of fields say reaches people in their language."""

import ast
from collections.abc import Iterator
from datetime import datetime, time
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from api.complaints import complaint
from api.v1.readings import ReadingInput
from broadcaster.campaigns import CampaignPlan
from broadcaster.emergencies import Sending, TemplateContent
from broadcaster.targets import Targets
from schedules.policy_rules import QuietHours
from schedules.programmes import Programme
from schedules.recurrence import Recurring
from schedules.zones import Zone

ROOT = Path(__file__).parents[2]
WHERE = {"areas": ["xa"]}
NINE = {"start": datetime(2026, 11, 25, 9), "zone": "Asia/Ho_Chi_Minh"}  # noqa: DTZ001  a wall-clock time


@pytest.mark.parametrize(
    ("model", "given"),
    [
        (Targets, {}),
        (Sending, {"targets": WHERE, "message": "update"}),
        (TemplateContent, {"title": "Bão", "text": "Bão {ten}"}),
        (CampaignPlan, {"name": "Đợt", "starts_on": "2026-12-01", "ends_on": "2026-11-01"}),
        (QuietHours, {"begins": time(22), "ends": time(22)}),
        (Programme, {"id": "a", "name": "A", "fallback": "programme"}),
        (ReadingInput, {"text": "OCOP", "proposed": "o xê", "reading": "ốc", "spelled": True}),
        (Recurring, {**NINE, "rrule": "FREQ=SOMETIMES"}),
        (Recurring, {**NINE, "rrule": "FREQ=DAILY;COUNT=2;UNTIL=20261201"}),
        (Recurring, {**NINE, "rrule": "FREQ=DAILY;BYDAY=1MO"}),
        (Recurring, {**NINE, "rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}),
        (Recurring, {**NINE, "rrule": "X=1"}),
    ],
)
def test_a_check_of_ours_says_it_in_both_languages(model: type[BaseModel], given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        model.model_validate(given)
    vi, en = complaint(refused.value.errors()[0])
    assert any(ord(letter) > 127 for letter in vi), vi
    assert vi != en
    assert "Value error" not in en


def test_a_check_of_a_type_says_it_too() -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(Zone).validate_python("Hà Nội")
    assert complaint(refused.value.errors()[0])[0] == "'Hà Nội' không phải múi giờ IANA, ví dụ Asia/Ho_Chi_Minh"


def _checks() -> Iterator[tuple[Path, ast.FunctionDef]]:
    for package in ("api", "broadcaster", "schedules"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.FunctionDef) and any(
                    "_validator" in ast.dump(each) for each in node.decorator_list
                ):
                    yield path, node


def test_no_check_says_it_in_english_alone() -> None:
    found = list(_checks())
    assert len(found) > 8
    for path, node in found:
        if path.name == "settings.py":
            continue  # whoever sets up a station reads it on the command line, with both languages around it
        raised = [ast.dump(each.exc) for each in ast.walk(node) if isinstance(each, ast.Raise) and each.exc is not None]
        assert not [each for each in raised if "'ValueError'" in each], f"{path}: {node.name}"
