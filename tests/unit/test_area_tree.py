"""The tree of areas as pages show it."""

import pytest

from api.web.area_tree import AreaTree, by_name, plain
from broadcaster.areas import AreaOn

AREAS = (
    ("tinh", "Tỉnh Sông Hồng", "province", None),
    ("xa", "Xã Tân Phong", "commune", "tinh"),
    ("t10", "Thôn 10", "village", "xa"),
    ("dong", "Thôn Đông", "village", "xa"),
    ("t2", "Thôn 2", "village", "xa"),
    ("doai", "Thôn Đoài", "village", "xa"),
)


@pytest.fixture
def tree() -> AreaTree:
    return AreaTree({area: AreaOn(area, name, kind, parent) for area, name, kind, parent in AREAS})


def test_what_people_type_without_diacritics_finds_the_name() -> None:
    assert plain("  Thôn  ĐÔNG ") == "thon dong"
    assert plain("thon do") in plain("Thôn Đoài")


def test_names_stand_where_people_look_for_them(tree: AreaTree) -> None:
    assert [area.name for area in tree.below("xa")] == ["Thôn 2", "Thôn 10", "Thôn Đoài", "Thôn Đông"]
    assert by_name("Thôn 2") < by_name("Thôn 10") < by_name("Thôn Đoài")


def test_the_way_down_and_what_is_set_in(tree: AreaTree) -> None:
    assert [area.id for area in tree.way("t2")] == ["tinh", "xa", "t2"]
    assert tree.said("t2") == "Thôn 2, Xã Tân Phong"  # one province: nobody has to be told which
    assert tree.said("gone") == "gone"
    assert [depth for _, depth in tree.walk()] == [0, 1, 2, 2, 2, 2]
    assert tree.options({"xa", "t2"}) == [("xa", "Xã Tân Phong"), ("t2", "\u2003Thôn 2")]
