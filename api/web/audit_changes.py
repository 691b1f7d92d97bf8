"""What an entry of the audit trail says of before and after, as people read it: fields by their words, areas by their names."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from api.problems import Language
from api.web.area_tree import AreaTree
from api.web.words import words
from broadcaster.storage.models import AuditEntry
from schedules.policies import Policy
from schedules.refusals import stated

_UNTOLD = frozenset({"id", "changed_by", "changed_at", "in_place_of", "proposal"})
"""What the entry's own columns tell already, and what is of no use to people."""
_AREAS = ("area", "area_id", "parent_id")


def changes_of(
    row: AuditEntry, tree: AreaTree, tongue: Language, zone: ZoneInfo
) -> Iterator[tuple[str, str | None, str]]:
    """What was before and after, field by field; what is only noted has no before."""
    said = _Said(tree, tongue, zone)
    old, new = row.before or {}, row.after or {}
    for name in {**old, **new}:
        if name not in _UNTOLD and old.get(name) != new.get(name):
            yield said.field(name), said.value(name, old.get(name)), said.value(name, new.get(name))
    for name, value in (row.details or {}).items():
        if name not in _UNTOLD and value is not None:
            yield said.field(name), None, said.value(name, value)


class _Said:
    def __init__(self, tree: AreaTree, tongue: Language, zone: ZoneInfo) -> None:
        self._tree, self._tongue, self._zone = tree, tongue, zone
        self._words = words(tongue)

    def field(self, name: str) -> str:
        return self._words.get(f"field_{name}", name)

    def value(self, name: str, value: Any) -> str:
        """A policy's rules as sentences, places by their names, instants on the station's clock."""
        if value is None or value in ([], {}, ""):
            return "—"
        if isinstance(value, bool):
            return self._words["changed_yes" if value else "changed_no"]
        if isinstance(value, str):
            return self._text(name, value)
        if not isinstance(value, dict | list):
            return str(value)
        return self._many(name, value)

    def _many(self, name: str, value: dict[str, Any] | list[Any]) -> str:
        if name == "areas" and isinstance(value, dict):
            return ", ".join(str(each) for each in value.values())
        if name == "targets" and isinstance(value, dict):
            return "; ".join(f"{self.field(part)}: {self._listed(held)}" for part, held in value.items() if held)
        if isinstance(value, dict) and all(isinstance(each, str | int) for each in value.values()):
            return ", ".join(f"{self.field(part)}: {self.value(part, held)}" for part, held in value.items())
        rules = value.get("rules") if isinstance(value, dict) else value
        try:
            return (
                ". ".join(stated(rule, self._tongue) for rule in Policy.model_validate({"rules": rules}).rules) or "—"
            )
        except ValidationError:
            return json.dumps(value, ensure_ascii=False)

    def _text(self, name: str, value: str) -> str:
        if name in _AREAS:
            return self._tree.said(value)
        if name.endswith("_at"):
            try:
                return datetime.fromisoformat(value).astimezone(self._zone).strftime("%H:%M %d/%m/%Y")
            except ValueError:
                return value
        if name == "kind":
            return self._words.get(value, self._words.get(f"area_kind_{value}", value))
        if name == "special_place":
            return self._words.get(f"place_{value}", value)
        return value

    def _listed(self, values: Any) -> str:
        names = values if isinstance(values, list) else [values]
        return ", ".join(self._words.get(str(each), self._tree.said(str(each))) for each in names)
