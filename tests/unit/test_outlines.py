"""Outlines and positions as they are given."""

from typing import Any

import pytest
from pydantic import ValidationError

from broadcaster.errors import InvalidError
from broadcaster.outlines import MOST_POSITIONS, Outline
from broadcaster.positions import Position

RING = [[106.3, 20.9], [106.4, 20.9], [106.4, 21.0], [106.3, 20.9]]


def test_polygons_with_holes_and_several_polygons_are_outlines() -> None:
    assert Outline.model_validate({"type": "Polygon", "coordinates": [RING, RING]}).positions == 8
    several = Outline.model_validate({"type": "MultiPolygon", "coordinates": [[RING], [RING, RING]]})
    assert several.positions == 12
    assert several.model_dump(mode="json")["coordinates"][0][0] == RING


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "Point", "coordinates": [106.3, 20.9]},
        {"type": "Polygon", "coordinates": [[RING]]},
        {"type": "MultiPolygon", "coordinates": [RING]},
        {"type": "Polygon", "coordinates": [RING[:3]]},
        {"type": "Polygon", "coordinates": [[*RING[:3], [106.0, 20.0]]]},
        {"type": "Polygon", "coordinates": [[[20.9, 106.3]] * 4]},
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[RING[0]] * (MOST_POSITIONS + 1)]},
        {"type": "Polygon", "coordinates": [RING], "crs": "VN-2000"},
    ],
)
def test_what_is_no_outline_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Outline.model_validate(wrong)


@pytest.mark.parametrize(
    "text", ["20.94012, 106.33301", "(20.94012,106.33301)", "20.94012 106.33301", "20.94012°; 106.33301°"]
)
def test_a_position_is_read_as_phones_copy_it(text: str) -> None:
    assert Position.read(text) == Position(20.94012, 106.33301)


@pytest.mark.parametrize("text", ["", "106.33301, 20.94012", "20,94012, 106,33301", "Thôn Đông", "20.9", "1e3, 4"])
def test_what_is_no_position_is_told(text: str) -> None:
    with pytest.raises(InvalidError) as told:
        Position.read(text)
    assert "106.33301" in told.value.vi
