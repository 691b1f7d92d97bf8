"""Areas entered by an administrator, on both databases."""

from datetime import date

import pytest
from sqlalchemy import select

from broadcaster.areas import areas_on
from broadcaster.errors import ConflictError, ForbiddenError, InvalidError
from broadcaster.founding import Founding, identifier_of
from broadcaster.people import Actor, Grant, Role
from broadcaster.reach import reach_of
from broadcaster.storage.models import AuditEntry
from tests.commune import Commune


@pytest.fixture
def founding(commune: Commune) -> Founding:
    return Founding(commune.database, commune.clock, zone="Asia/Ho_Chi_Minh", changed=lambda: None)


def _administrator(commune: Commune, area: str | None = None) -> Actor:
    with commune.database.reading() as session:
        reach = reach_of(session, area, commune.clock.now().date()) if area is not None else None
    return Actor("quan", "quan", "Quân", (Grant(Role.ADMINISTRATOR, area, reach),))


def _names(commune: Commune) -> dict[str, tuple[str, str | None]]:
    with commune.database.reading() as session:
        found = areas_on(session, commune.clock.now().date())
    return {area.id: (area.name, area.parent_id) for area in found.values()}


def test_areas_are_added_all_or_none_and_get_speaking_ids(commune: Commune, founding: Founding) -> None:
    admin = _administrator(commune)
    before = _names(commune)
    assert founding.add(admin, parent="tinh", kind="commune", names=["Xã  Tân Phong", "Phường Đề Thám"]) == [
        "xa-tan-phong",
        "phuong-de-tham",
    ]
    assert founding.add(admin, parent="xa-tan-phong", kind="village", names=["Thôn Đông"]) == ["thon-dong-2026"]
    assert _names(commune).items() - before.items() == {
        ("xa-tan-phong", ("Xã Tân Phong", "tinh")),
        ("phuong-de-tham", ("Phường Đề Thám", "tinh")),
        ("thon-dong-2026", ("Thôn Đông", "xa-tan-phong")),
    }
    there = _names(commune)
    for names in (["Thôn Mới", "thôn đông"], ["Thôn Hai", "Thôn Hai"]):
        with pytest.raises(ConflictError):
            founding.add(admin, parent="xa-tan-phong", kind="village", names=names)
    for kind, names in (
        ("commune", ["Xã"]),
        ("province", ["Tỉnh"]),
        ("village", []),
        ("village", ["  "]),
        ("village", ["x" * 201]),
    ):
        with pytest.raises(InvalidError):
            founding.add(admin, parent="xa-tan-phong", kind=kind, names=names)
    with pytest.raises(InvalidError):
        founding.add(admin, parent="sao-hoa", kind="village", names=["Thôn"])
    assert _names(commune) == there


def test_a_name_is_mended_and_the_trail_has_both(commune: Commune, founding: Founding) -> None:
    admin = _administrator(commune)
    founding.rename(admin, "thon-dong", " Thôn  Đông Hạ ")
    assert _names(commune)["thon-dong"][0] == "Thôn Đông Hạ"
    with pytest.raises(ConflictError):
        founding.rename(admin, "thon-dong", _names(commune)["thon-doai"][0])
    with commune.database.reading() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "area-renamed")).one()
    assert entry.before == {"name": "Địa bàn thon-dong"}
    assert entry.after == {"name": "Thôn Đông Hạ"}


def test_it_is_done_where_one_administers_and_nowhere_else(commune: Commune, founding: Founding) -> None:
    local = _administrator(commune, "xa")
    founding.add(local, parent="xa", kind="village", names=["Thôn Trung"])
    for parent, kind in (("tinh", "commune"), (None, "province")):
        with pytest.raises(ForbiddenError):
            founding.add(local, parent=parent, kind=kind, names=["Nơi khác"])
    with pytest.raises(ForbiddenError):
        founding.rename(local, "tinh", "Tỉnh khác")
    with pytest.raises(ForbiddenError):
        founding.add(commune.operator, parent="xa", kind="village", names=["Thôn Hạ"])


def test_ids_are_of_plain_letters() -> None:
    day = date(2027, 7, 1)
    assert identifier_of("Đặc khu Phú Quốc!", day, ()) == "dac-khu-phu-quoc"
    assert identifier_of("Đặc khu Phú Quốc", day, {"dac-khu-phu-quoc"}) == "dac-khu-phu-quoc-2027"
    assert identifier_of("☃", day, ()) == "dia-ban"
