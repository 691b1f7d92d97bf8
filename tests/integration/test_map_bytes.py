"""The map of a province: how many bytes its page takes, and how many a change."""

import re
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import insert, update

from broadcaster.people import Role
from broadcaster.storage.models import Area, Receiver
from tests.benchmarks.board import COMMUNES, VILLAGES, names
from tests.integration.serving import ServedStation


@pytest.fixture(scope="module")
def province(served: ServedStation) -> ServedStation:
    """6,000 receivers with coordinates in 300 communes; of every ten one is offline."""
    now, since = served.station.clock.now(), {"valid_from": date(2025, 7, 1)}
    communes = [{"id": f"xa-{c}", "name": f"Xã {c}", "kind": "commune", "parent_id": "tinh"} for c in range(COMMUNES)]
    villages = [
        {"id": f"thon-{c}-{v}", "name": f"Thôn {v}, xã {c}", "kind": "village", "parent_id": f"xa-{c}"}
        for c in range(COMMUNES)
        for v in range(VILLAGES)
    ]
    rows: list[dict[str, Any]] = [
        {
            "id": name, "name": f"Cụm loa {name[4:]}", "kind": "loudspeaker", "area_id": village, "public_key": {},
            "secret_sha256": "0" * 64, "secret_generation": 1, "enrolled_at": now, "configuration_revision": 1,
            "presence": "offline" if number % 10 == 3 else "online", "presence_at": now - timedelta(hours=9), "health_at": now,
            "latitude": round(20.5 + number // 80 * 0.0113177, 6), "longitude": round(105.9 + number % 80 * 0.0127193, 6),
        }
        for number, (name, village) in enumerate(names())
    ]  # fmt: skip
    with served.station.database.writing() as session:
        session.execute(insert(Area), [{**row, **since} for row in (*communes, *villages)])
        session.execute(insert(Receiver), rows)
    return served


def _part(client: httpx.Client, tag: str = "") -> httpx.Response:
    """What the page's script fetches after a change."""
    return client.get("/operations/map", headers={"HX-Request": "true", "If-None-Match": tag})


def _now(part: httpx.Response) -> tuple[str, str]:
    found = re.search(r'id="spots-now" data-places="(\w+)" hidden>(\d+)<', part.text)
    assert found is not None
    return found[1], found[2]


def test_a_change_fetches_what_changes_and_places_are_fetched_once(province: ServedStation) -> None:
    client = province.visit("viet")
    page, places, part = client.get("/operations/map"), client.get("/operations/map/places"), _part(client)
    name, now = _now(part)
    assert (places.json()["name"], places.json()["now"]) == (name, now)
    drawn = [receiver for _, spots in places.json()["places"] for receiver, *_ in spots]
    assert (len(drawn), now.count("0"), now.count("3")) == (6000, 600, 5400)
    unchanged = _part(client, part.headers["etag"])
    assert (unchanged.status_code, unchanged.content) == (304, b"")

    off = [receiver for receiver, digit in zip(drawn, now, strict=True) if digit == "3"][::540]
    assert len(off) == 10
    with province.station.database.writing() as session:
        session.execute(update(Receiver).where(Receiver.id.in_(off)).values(presence="offline"))
    changed = _part(client, part.headers["etag"])
    assert _now(changed)[0] == name  # so that the script asks for no places
    after = zip(drawn, now, _now(changed)[1], strict=True)
    assert [receiver for receiver, old, new in after if old != new] == off

    # Bytes before compression: all was 586 kB, at first and at each change, and 16 kB in the stream.
    assert len(page.content) < 25_000
    assert len(places.content) < 70 * 6000
    assert len(changed.content) < 20_000
    with client.stream("GET", re.findall(r'data-stream="([^"]+)"', page.text)[0]) as stream:
        event = next(chunk for chunk in stream.iter_bytes() if b"event: today" in chunk)
    assert len(event) < 200

    with province.station.database.writing() as session:
        session.execute(update(Receiver).where(Receiver.id == off[0]).values(latitude=21.5))
    assert _now(_part(client))[0] != name


def test_places_are_those_of_whom_they_are_shown_to(province: ServedStation) -> None:
    province.station.people.add(
        username="dong", name="Đông", role=Role.VIEWER, password="mật khẩu của dong", area="xa-7"
    )
    client = province.visit("dong")
    places = client.get("/operations/map/places").json()
    assert {receiver for _, spots in places["places"] for receiver, *_ in spots} == {f"loa-7-{n}" for n in range(20)}
    assert len(_now(_part(client))[1]) == 20
    assert client.get("/operations/map/places?area=xa-8").status_code == 403
