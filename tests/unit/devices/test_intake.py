"""What a receiver believes and takes in, on a real journal and a clock that stands still."""

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.links.port import Delivery
from devices.receiver.intake import Intake
from devices.receiver.journal import REFUSALS_PER_MINUTE, Journal
from devices.receiver.outputs import Performance
from devices.receiver.place import Place
from devices.wire import topics
from devices.wire.messages import (
    Acknowledgement,
    Audience,
    Cancellation,
    ClockAnswer,
    Configuration,
    Document,
    Drill,
    Evidence,
    Hours,
    Order,
    Reason,
    ReceiptState,
    Sound,
    Stop,
)
from devices.wire.signing import Keyring, SigningKey, sign

KEY = SigningKey.generate("station-1")
NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
AREA = "xa-tan-an"
TOPIC = topics.area_order(AREA, "o1")
CONFIGURATION = Configuration(
    station="tan-an",
    receiver="loa-1",
    revision=3,
    issued_at=NOW,
    expires_at=NOW + timedelta(days=1),
    kind="loudspeaker",
    name="Thôn Đông",
    areas=("tinh", AREA, "thon-dong"),
    media_urls=("http://127.0.0.1:1",),
)


class FixedClock:
    def __init__(self) -> None:
        self.instant = NOW

    def now(self) -> datetime:
        return self.instant


@dataclass
class Plays:
    stopped: list[tuple[str, int]] = field(default_factory=list)

    def look(self) -> None:
        pass

    def cancel(self, order: str, revision: int) -> None:
        self.stopped.append((order, revision))


class SoundOutput:
    audible = True

    def supports(self, order: Order) -> bool:
        return order.sound is not None

    def clip(self, order: Order) -> Sound | None:
        return order.sound

    def prepare(self, order: Order, *, from_ms: int = 0, gain_db: float = 0.0) -> Performance:  # noqa: ARG002 - the port asks
        raise AssertionError("nothing is played here")


class Rig:
    def __init__(self, path: Path | str) -> None:
        self.journal = Journal(Path(path))
        self.clock = FixedClock()
        self.plays = Plays()
        self.place = Place("tan-an", "loa-1")
        self.place.configuration = CONFIGURATION
        self.place.output = SoundOutput()
        self.configured: list[Configuration] = []
        self.answers: list[ClockAnswer] = []
        self.connection = 1
        self.intake = Intake(
            self.place,
            Keyring([KEY.public()]),
            self.journal,
            self.clock,
            self.plays,
            changed=lambda: None,
            configured=lambda configuration, _: self.configured.append(configuration),
            rehomed=lambda *_: None,
            clock_answered=lambda answer, _: self.answers.append(answer),
        )

    def give(self, document: Document | bytes, topic: str = TOPIC) -> None:
        data = document if isinstance(document, bytes) else sign(document, KEY)
        self.intake.handle(Delivery(topic, data, self.connection))

    def told(self) -> list[tuple[str, Reason | None]]:
        return [(r.state.value, r.reason) for r in self.journal.outbox()]

    def play(self, order: str = "o1") -> None:
        entry = self.journal.entry(order)
        assert entry is not None
        self.journal.advance(entry.order, "ready", self.clock.now(), only_from=("received",))
        self.journal.advance(entry.order, "starting", self.clock.now(), only_from=("ready",))
        self.journal.advance(entry.order, "started", self.clock.now(), only_from=("starting",))
        self.journal.advance(entry.order, "finished", self.clock.now(), only_from=("started",))


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path / "journal.sqlite")
    yield made
    made.journal.close()


def order(revision: int = 1, *, name: str = "o1", in_s: int = 60) -> Order:
    return Order(
        station="tan-an",
        id=name,
        revision=revision,
        airing="a1",
        audience=Audience(areas=(AREA,)),
        priority="routine",
        title="Bản tin",
        issued_at=NOW,
        play_at=NOW + timedelta(seconds=in_s),
        late_limit_s=60,
        expires_at=NOW + timedelta(hours=2),
        sound=Sound(sha256="a" * 64, size=1000, duration_ms=1000),
    )


def cancellation(revision: int = 2, *, name: str = "o1") -> Cancellation:
    return Cancellation(
        station="tan-an",
        order=name,
        revision=revision,
        audience=Audience(areas=(AREA,)),
        issued_at=NOW,
        expires_at=NOW + timedelta(hours=2),
        reason="Thu hồi",
    )


RECEIVED, REPLAYED = ("received", None), ("refused", Reason.REPLAYED)


def test_an_order_is_taken_in_once(rig: Rig) -> None:
    for _ in range(3):
        rig.give(order())
    rig.connection += 1
    rig.give(order())
    assert rig.told() == [RECEIVED]


def test_an_order_that_was_played_may_come_retained_and_out_of_the_session(rig: Rig) -> None:
    rig.give(order())
    rig.play()
    told = len(rig.told())
    for _ in range(3):
        rig.connection += 1
        rig.give(order())
        rig.give(order())
    assert len(rig.told()) == told
    rig.give(order())
    rig.give(order())
    assert rig.told()[told:] == [REPLAYED]


def test_an_order_that_came_over_this_connection_comes_once(rig: Rig) -> None:
    rig.give(order())
    rig.play()
    told = len(rig.told())
    rig.give(order())
    assert rig.told()[told:] == [REPLAYED]


def test_a_higher_revision_takes_the_place_of_a_lower_one(rig: Rig) -> None:
    rig.give(order(1))
    rig.give(order(2, in_s=120))
    entry = rig.journal.entry("o1")
    assert entry is not None
    assert entry.order.play_at == NOW + timedelta(seconds=120)
    rig.connection += 1
    rig.give(order(1))
    assert rig.told() == [RECEIVED, RECEIVED, REPLAYED]


def test_no_revision_brings_back_what_was_played(rig: Rig) -> None:
    rig.give(order())
    rig.play()
    rig.connection += 1
    rig.give(order(9))
    assert rig.told()[-1] == REPLAYED
    entry = rig.journal.entry("o1")
    assert entry is not None
    assert entry.state == "finished"


def test_two_documents_of_one_revision_are_not_both_believed(rig: Rig) -> None:
    rig.give(order())
    rig.give(order(in_s=120))
    assert rig.told() == [RECEIVED, REPLAYED]


def test_a_cancelled_order_comes_back_in_a_higher_revision_only(rig: Rig) -> None:
    rig.give(order(1))
    rig.give(cancellation(2))
    assert rig.told() == [RECEIVED, ("cancelled", Reason.CANCELLED)]
    assert rig.plays.stopped == [("o1", 2)]
    rig.give(order(1))
    rig.give(order(2, in_s=90))
    rig.give(order(3, in_s=120))
    assert rig.told()[2:] == [REPLAYED, REPLAYED, RECEIVED]


def test_a_cancellation_may_come_before_its_order(rig: Rig) -> None:
    rig.give(cancellation(2))
    rig.give(order(1))  # out of the session that the broker kept: late, but honest
    assert rig.told() == []
    assert rig.journal.entry("o1") is None
    rig.give(order(1))
    assert rig.told() == [REPLAYED]
    assert rig.journal.entry("o1") is None


def test_an_old_cancellation_does_not_stop_a_renewed_order(rig: Rig) -> None:
    rig.give(order(3))
    rig.connection += 1
    for _ in range(3):
        rig.give(cancellation(2))
    assert rig.told() == [RECEIVED, REPLAYED]
    assert rig.plays.stopped == []


def test_what_concerns_others_is_left_alone(rig: Rig) -> None:
    rig.give(order(), topics.area_order("xa-binh-an", "o1"))
    rig.give(order(), topics.receiver_order("loa-2", "o1"))
    rig.give(order(), "cb/v1/elsewhere")
    rig.give(order(), "cb/v2/areas/xa-tan-an/orders/o1")
    rig.give(CONFIGURATION, topics.of_receiver("loa-2", "configuration"))
    rig.give(b"")
    assert rig.told() == []


def test_nothing_is_taken_in_before_a_configuration(rig: Rig) -> None:
    rig.place.configuration = None
    rig.place.output = None
    rig.give(order())
    rig.give(
        order().model_copy(update={"audience": Audience(receivers=("loa-1",))}), topics.receiver_order("loa-1", "o1")
    )
    assert rig.told() == []


@pytest.mark.parametrize("revision", [1, 2, 3])
def test_only_a_higher_configuration_counts(rig: Rig, revision: int) -> None:
    topic = topics.of_receiver("loa-1", "configuration")
    rig.give(CONFIGURATION.model_copy(update={"revision": revision}), topic)
    assert rig.configured == []
    rig.give(CONFIGURATION.model_copy(update={"revision": 4, "receiver": "loa-2"}), topic)
    rig.give(CONFIGURATION.model_copy(update={"revision": 4, "station": "binh-an"}), topic)
    rig.give(CONFIGURATION.model_copy(update={"revision": 4, "expires_at": NOW}), topic)
    rig.give(sign(CONFIGURATION.model_copy(update={"revision": 4}), SigningKey.generate("station-1")), topic)
    assert rig.configured == []
    assert rig.intake.refused_configurations == 4
    rig.give(CONFIGURATION.model_copy(update={"revision": 4}), topic)
    assert [configuration.revision for configuration in rig.configured] == [4]


def test_an_acknowledgement_frees_only_what_it_names(rig: Rig) -> None:
    rig.give(order(name="o1"))
    rig.give(order(name="o2"), topics.area_order(AREA, "o2"))
    first, second = rig.journal.outbox()
    topic = topics.of_receiver("loa-1", "acknowledgements")
    words = Acknowledgement(station="tan-an", receiver="loa-1", at=NOW, receipts=(first.id, "never-there"))
    rig.give(words.model_copy(update={"receiver": "loa-2"}), topic)
    rig.give(sign(words, SigningKey.generate("station-1")), topic)
    assert rig.journal.outbox() == [first, second]
    rig.give(words, topic)
    rig.give(words, topic)
    assert rig.journal.outbox() == [second]


def test_only_the_stations_clock_is_believed(rig: Rig) -> None:
    topic = topics.of_receiver("loa-1", "clock-answers")
    answer = ClockAnswer(station="tan-an", receiver="loa-1", probe="p1", arrived_us=1, left_us=2)
    rig.give(answer.model_copy(update={"receiver": "loa-2"}), topic)
    rig.give(sign(answer, SigningKey.generate("station-1")), topic)
    rig.give(b"five to nine", topic)
    assert rig.answers == []
    rig.give(answer, topic)
    assert rig.answers == [answer]


def stop(revision: int = 1, **changes: object) -> Stop:
    fields = {
        "station": "tan-an",
        "id": "s1",
        "revision": revision,
        "audience": Audience(areas=(AREA,)),
        "issued_at": NOW,
        "expires_at": NOW + timedelta(hours=1),
        "reason": "Dừng tất cả",
        **changes,
    }
    return Stop.model_validate(fields)


def test_a_stop_holds_until_it_is_lifted_or_expires_and_never_comes_back(rig: Rig) -> None:
    topic = topics.area_stop(AREA, "s1")
    rig.give(stop(), topic)
    assert [found.id for found in rig.journal.stops(NOW)] == ["s1"]
    assert rig.journal.stops(NOW + timedelta(hours=1)) == []
    rig.give(stop(2, lifted=True), topic)
    assert rig.journal.stops(NOW) == []
    rig.give(stop(1), topic)
    rig.give(stop(2), topic)
    assert rig.journal.stops(NOW) == []
    rig.give(stop(3), topic)
    assert len(rig.journal.stops(NOW)) == 1
    assert rig.told() == []


def test_a_stop_that_is_forged_or_not_for_here_changes_nothing(rig: Rig) -> None:
    topic = topics.area_stop(AREA, "s1")
    rig.give(sign(stop(), SigningKey.generate("station-1")), topic)
    rig.give(b"silence", topic)
    rig.give(stop(station="binh-an"), topic)
    rig.give(stop(id="s2"), topic)
    rig.give(stop(audience=Audience(areas=("xa-binh-an",))), topic)
    rig.give(order(), topic)
    assert rig.intake.refused_stops == 6
    rig.give(stop(expires_at=NOW), topic)
    rig.give(stop(audience=Audience(areas=(AREA,), excluded=("loa-1",))), topic)
    rig.give(stop(), topics.area_stop("xa-binh-an", "s1"))
    assert (rig.intake.refused_stops, rig.journal.stops(NOW), rig.told()) == (6, [], [])


def test_a_drill_is_taken_in_and_stays_one_over_a_restart(tmp_path: Path) -> None:
    first = Rig(tmp_path / "journal.sqlite")
    first.give(Drill.model_validate(order().model_dump()))
    first.journal.close()
    again = Rig(tmp_path / "journal.sqlite")
    entry = again.journal.entry("o1")
    assert entry is not None
    assert entry.order.is_drill
    assert type(again.journal.entries("received")[0].order) is Drill
    again.journal.close()


def at_night(priority: str = "routine") -> Order:
    night = NOW + timedelta(hours=13)  # 0:00 in Viet Nam
    return order().model_copy(update={"play_at": night, "expires_at": night + timedelta(hours=1), "priority": priority})


@pytest.mark.parametrize(("priority", "refused"), [("routine", True), ("priority", True), ("emergency", False)])
def test_quiet_hours_refuse_all_but_emergencies(rig: Rig, priority: str, refused: bool) -> None:
    quiet = (Hours(start="21:00", end="06:00"),)
    rig.place.configuration = CONFIGURATION.model_copy(update={"quiet_hours": quiet})
    rig.give(at_night(priority))
    assert rig.told() == [("refused", Reason.QUIET_HOURS) if refused else RECEIVED]
    rig.place.configuration = rig.place.configuration.model_copy(update={"kind": "screen"})
    assert not rig.place.quiet(at_night("routine"), at_night().play_at)


def test_an_order_refused_for_quiet_hours_is_taken_in_when_they_change(rig: Rig) -> None:
    quiet = (Hours(start="21:00", end="06:00"),)
    rig.place.configuration = CONFIGURATION.model_copy(update={"quiet_hours": quiet})
    rig.give(at_night())
    rig.place.configuration = CONFIGURATION
    rig.connection += 1
    rig.give(at_night())
    assert rig.told() == [("refused", Reason.QUIET_HOURS), RECEIVED]


def test_quiet_hours_are_of_the_receivers_own_zone_over_a_daylight_change(rig: Rig) -> None:
    rig.place.configuration = CONFIGURATION.model_copy(
        update={"quiet_hours": (Hours(start="21:00", end="06:00"),), "zone": "Europe/Berlin"}
    )
    six_in_winter, six_in_summer = datetime(2027, 3, 27, 5, tzinfo=UTC), datetime(2027, 3, 28, 4, tzinfo=UTC)
    for six in (six_in_winter, six_in_summer):
        assert rig.place.quiet(order(), six - timedelta(seconds=1))
        assert not rig.place.quiet(order(), six)
    unknown = CONFIGURATION.model_copy(update={"revision": 9, "zone": "Asia/Sai_Gon"})
    rig.give(unknown, topics.of_receiver("loa-1", "configuration"))
    assert (rig.configured, rig.intake.refused_configurations) == ([], 1)


def test_what_is_paused_is_cancelled_and_no_replay_brings_it_back(rig: Rig) -> None:
    document = order().model_copy(update={"interrupted": "resume"})
    rig.give(document)
    rig.journal.advance(document, "ready", NOW, only_from=("received",))
    rig.journal.advance(document, "starting", NOW, only_from=("ready",))
    rig.journal.pause(
        document, NOW, position_ms=400, then="resume", reason=Reason.PREEMPTED, evidence=Evidence(played_ms=3400)
    )
    (entry,) = rig.journal.entries("paused")
    assert entry.position_ms == 400
    rig.give(document.model_copy(update={"revision": 2}))
    assert rig.told()[-1] == REPLAYED
    rig.give(cancellation(3))
    assert rig.told()[-1] == ("interrupted", Reason.CANCELLED)
    assert rig.journal.entries("paused") == []


def test_a_flood_makes_few_receipts_and_each_document_one(rig: Rig) -> None:
    for number in range(REFUSALS_PER_MINUTE * 3):
        for _ in range(2):
            rig.give(f"forged {number}".encode(), topics.area_order(AREA, f"f{number}"))
    assert len(rig.told()) == REFUSALS_PER_MINUTE
    rig.clock.instant += timedelta(minutes=2)
    rig.give(b"forged 0", topics.area_order(AREA, "f0"))
    rig.give(b"another", topics.area_order(AREA, "f0"))
    assert len(rig.told()) == REFUSALS_PER_MINUTE + 1


def test_sequence_numbers_are_never_used_again(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    first = Rig(path)
    first.give(order())
    number = first.journal.outbox()[0]
    first.journal.acknowledged([number.id])
    first.journal.close()
    again = Rig(path)
    again.give(order(2, in_s=70))
    assert [r.sequence for r in again.journal.outbox()] == [number.sequence + 1]
    again.journal.close()


def test_a_journal_of_the_first_schema_is_read_on(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute(
            "CREATE TABLE orders (id TEXT PRIMARY KEY, revision INTEGER NOT NULL, state TEXT NOT NULL, document TEXT NOT NULL, "
            "document_sha256 TEXT NOT NULL, latest_start REAL NOT NULL, expires_at REAL NOT NULL) WITHOUT ROWID"
        )
        old = order()
        row = (
            old.id,
            1,
            "ready",
            old.model_dump_json(),
            "0" * 64,
            old.latest_start.timestamp(),
            old.expires_at.timestamp(),
        )
        db.execute("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        db.execute("PRAGMA user_version=1")
        db.commit()
    for _ in range(2):
        journal = Journal(path)
        assert journal.ready_before(old.play_at) == [old]
        assert journal.ready_before(old.play_at - timedelta(seconds=1)) == []
        journal.close()


Step = tuple[Literal["order", "cancel", "play", "reconnect", "restart"], int, int]
steps = st.lists(
    st.tuples(
        st.sampled_from(["order", "order", "order", "cancel", "play", "reconnect", "restart"]),
        st.integers(1, 4),
        st.integers(0, 1),
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_whatever_comes_in_whatever_order_nothing_is_played_twice(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Step]
) -> None:
    path = tmp_path_factory.mktemp("steps") / "journal.sqlite"
    rig = Rig(path)
    played: list[str] = []
    cancelled: dict[str, int] = {}
    for step, revision, which in steps:
        name = f"o{which}"
        topic = topics.area_order(AREA, name)
        if step == "order":
            rig.give(order(revision, name=name, in_s=60 + revision), topic)
            entry = rig.journal.entry(name)
            if entry is not None and entry.state == "received":
                assert entry.order.revision > cancelled.get(name, 0)
        elif step == "cancel":
            known = rig.journal.entry(name)
            rig.give(cancellation(revision, name=name), topic)
            if known is None or known.order.revision < revision:
                cancelled[name] = max(revision, cancelled.get(name, 0))
        elif step == "play":
            entry = rig.journal.entry(name)
            if entry is not None and entry.state == "received":
                rig.play(name)
                played.append(name)
        elif step == "reconnect":
            rig.connection += 1
        else:
            rig.journal.close()
            rig = Rig(path)
    assert len(played) == len(set(played))
    states = [(r.order, r.revision, r.state) for r in rig.journal.outbox() if r.state is not ReceiptState.REFUSED]
    assert len(states) == len(set(states))
    rig.journal.close()
