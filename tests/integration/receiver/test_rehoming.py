"""Two communes of a thousand receivers merge: one publish re-homes all of them, and the log of before stays as it was."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from broadcaster.reorganisation.effects import ReorganisationPlan
from broadcaster.storage.database import Database
from broadcaster.storage.models import Area, Receiver
from devices.brokers.accounts import hash_secret, new_secret
from devices.fleet.simulation import Fleet
from devices.links.memory import MemoryLink
from devices.links.port import Link
from devices.receiver.provision import BrokerAccess, Provision
from devices.wire import topics
from devices.wire.signing import SigningKey
from schedules.rules import Once
from tests.brokers import wait_for
from tests.commune import STATION, Commune
from tests.conftest import SteppedClock
from tests.databases import migrated_sqlite

RECEIVERS = 1000
DAY = date(2026, 11, 25)


@pytest.fixture
def commune(tmp_path: Path) -> Iterator[Commune]:
    path = tmp_path / "station.db"
    path.write_bytes(migrated_sqlite())
    database = Database(f"sqlite:///{path}")
    made = Commune(database, SteppedClock())
    made.link.open()
    yield made
    made.link.close()
    database.close()


def test_one_publish_rehomes_a_thousand_receivers(commune: Commune, tmp_path: Path) -> None:
    key = SigningKey.generate()  # one for all: making a thousand proves nothing
    members = []
    with commune.database.writing() as session:
        for area, parent in (("xa-bac", "tinh"), ("thon-bac", "xa-bac")):
            kind = "commune" if parent == "tinh" else "village"
            session.add(Area(id=area, name=f"Địa bàn {area}", kind=kind, parent_id=parent, valid_from=date(2025, 7, 1)))
            session.flush()
        for number in range(RECEIVERS):
            name = f"loa-{number:04}"
            session.add(
                Receiver(
                    id=name,
                    name=name,
                    kind="loudspeaker",
                    area_id=("xa", "thon-dong", "xa-bac", "thon-bac")[number % 4],
                    public_key=key.public().to_jwk(),
                    secret_sha256=hash_secret(name),
                    enrolled_at=commune.clock.now(),
                    configuration_revision=0,
                )
            )
            access = BrokerAccess(host="memory", port=1, username=name, secret=new_secret())
            members.append(
                (
                    Provision(
                        station=STATION,
                        receiver=name,
                        station_keys=(commune.signatory.key.public().to_jwk(),),
                        broker=access,
                    ),
                    key,
                )
            )

    def connect(provision: Provision, will: object, _arrived: object) -> Link:
        return MemoryLink(commune.broker, provision.receiver, will=will)  # type: ignore[arg-type]

    fleet = Fleet(members, tmp_path / "clips", connect=connect)
    for receiver in fleet.receivers:
        receiver.clock.now = commune.clock.now  # type: ignore[method-assign]

    def take_in() -> None:
        for receiver in fleet.receivers:
            receiver.step()

    def settle() -> None:
        commune.planner.run()
        if commune.planner.moved:
            commune.dispatcher.renew_configurations()
        assert commune.dispatcher.run()
        take_in()

    try:
        for receiver in fleet.receivers:
            receiver.link.open()
        settle()
        assert Counter(receiver.place.line(commune.clock.now())[1] for receiver in fleet.receivers) == {
            "xa": RECEIVERS // 2,
            "xa-bac": RECEIVERS // 2,
        }
        plan = ReorganisationPlan.model_validate(
            {
                "title": "Sáp nhập",
                "day": DAY,
                "areas": [{"id": "xa-moi", "name": "Xã mới", "kind": "commune", "parent": "tinh"}],
                "endings": [{"area": "xa", "into": ["xa-moi"]}, {"area": "xa-bac", "into": ["xa-moi"]}],
            }
        )
        made = commune.reorganisations.plan(commune.operator, plan)
        _, digest = commune.reorganisations.preview(commune.approver, made)
        sent: list[str] = []
        publish = commune.link.publish

        def counted(topic: str, payload: bytes, *, retain: bool = False):  # type: ignore[no-untyped-def]
            sent.append(topic)
            return publish(topic, payload, retain=retain)

        commune.link.publish = counted  # type: ignore[method-assign]
        commune.reorganisations.approve(commune.approver, made, preview_sha256=digest)
        settle()
        commune.clock.move(days=2)
        settle()
        assert sent == [topics.area_rehomings("tinh")]
        lines = Counter(receiver.place.line(commune.clock.now()) for receiver in fleet.receivers)
        assert lines == {
            ("tinh", "xa-moi"): RECEIVERS // 2,
            ("tinh", "xa-moi", "thon-dong"): RECEIVERS // 4,
            ("tinh", "xa-moi", "thon-bac"): RECEIVERS // 4,
        }
        commune.released(Once(at=commune.clock.now() + timedelta(hours=2)), areas=("xa-moi",))  # type: ignore[arg-type]
        settle()
        (order,) = commune.orders()
        wait_for(lambda: all(r.journal.still_to_play() == 1 for r in fleet.receivers), 20, "the order everywhere")
        assert sent[1:] == [topics.area_order("xa-moi", order.id)]
    finally:
        commune.link.publish = publish  # type: ignore[method-assign]
        for receiver in fleet.receivers:
            receiver.link.close()
            receiver.journal.close()
