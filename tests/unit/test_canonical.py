"""Canonical JSON: the quick way for rows gives what the encoder gives, letter for letter, so that hashes of years ago stand."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.canonical import canonical_json, canonical_members

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
INSTANTS = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=7))]))
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | FLOATS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)
NAMES = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=12)


@given(st.dictionaries(NAMES, JSON | INSTANTS, max_size=12), st.sets(NAMES, max_size=3))
def test_members_are_written_as_the_encoder_writes_them(row: dict[str, Any], later: set[str]) -> None:
    plain = {
        name: value.isoformat(timespec="microseconds") if isinstance(value, datetime) else value
        for name, value in row.items()
        if value is not None or name not in later
    }
    columns = [(name, name in later) for name in sorted(row)]
    assert canonical_members(row, columns).decode() == canonical_json(plain)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_has_no_number_for_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_members({"a": value}, [("a", False)])
