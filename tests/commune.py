"""A small commune in a database, wired as the station wires it, but driven step by step."""

import hashlib
from datetime import date, datetime, timedelta

from sqlalchemy import select

from broadcaster import audit
from broadcaster.absences import Absences
from broadcaster.accounts import People
from broadcaster.area_sounds import AreaSounds
from broadcaster.areas import day_of
from broadcaster.bulletins import Bulletins, Draft
from broadcaster.campaigns import Campaigns
from broadcaster.changes import Changes
from broadcaster.credentials import AccountSecrets
from broadcaster.dispatch import Dispatcher
from broadcaster.emergencies import Emergencies
from broadcaster.groups import Groups
from broadcaster.identity import Signatory
from broadcaster.ingestion import Ingestion
from broadcaster.lexicons import Lexicons
from broadcaster.logins import LogIns
from broadcaster.overrides import Overrides
from broadcaster.people import HASHER, Actor, Grant, Role
from broadcaster.planning import Planner
from broadcaster.policies import AreaPolicies
from broadcaster.programmes import Programmes
from broadcaster.proposals import Proposals
from broadcaster.readings import Readings
from broadcaster.receivers import Receivers
from broadcaster.releases import Releases
from broadcaster.reorganisation.plans import Reorganisations
from broadcaster.sound import Sound
from broadcaster.speech import Speaking
from broadcaster.stops import Stops
from broadcaster.storage.database import Database
from broadcaster.storage.models import (
    Airing,
    Area,
    AreaPolicy,
    AsRun,
    Bulletin,
    ClipRecord,
    GrantRecord,
    OrderRecord,
    Person,
)
from broadcaster.targets import Targets
from broadcaster.week_copies import WeekCopies
from devices.links.memory import MemoryBroker, MemoryLink
from devices.wire import topics
from devices.wire.messages import Order, Receipt, Receipts, ReceiptState
from devices.wire.signing import Keyring, SigningKey, sign, verify
from schedules.recurrence import Recurring
from schedules.rules import Once
from tests.conftest import SteppedClock

STATION = "tan-phong"
ZONE = "Asia/Ho_Chi_Minh"
PASSWORD = "mật khẩu đủ dài"  # of people who exist in tests only
RECEIVERS = (
    ("loa-dong", "loudspeaker", "thon-dong"),
    ("loa-doai", "loudspeaker", "thon-doai"),
    ("led-xa", "screen", "xa"),
)


class Commune:
    """Areas, three people, three receivers, and every service around one database and an in-memory broker."""

    def __init__(self, database: Database, clock: SteppedClock) -> None:
        self.database, self.clock = database, clock
        self.signatory = Signatory(STATION, SigningKey.generate())
        audit.keep(database, self.signatory, clock)
        self.changes = Changes()
        self.broker = MemoryBroker()
        self.link = MemoryLink(self.broker, "station")
        today = lambda: day_of(clock.now(), ZONE)  # noqa: E731
        self.people = People(database, clock, today=today)
        self.absences = Absences(database, clock, today=today)
        self.log_ins = LogIns(database, clock, session_length=timedelta(hours=12), station="Đài xã", today=today)
        self.receivers = Receivers(
            database,
            clock,
            self.signatory,
            AccountSecrets(bytes(32)),
            zone=ZONE,
            media_url="http://127.0.0.1:1/media",
            today=lambda: day_of(clock.now(), ZONE),
        )
        self.speaking = Speaking(Sound(voice="vi"), today=lambda: day_of(clock.now(), ZONE))
        self.bulletins = Bulletins(
            database, clock, self.signatory, self.speaking, zone=ZONE, changed=self.changes.notify
        )
        self.week_copies = WeekCopies(database, clock, self.bulletins, zone=ZONE)
        self.lexicons = Lexicons(database, clock, self.speaking, changed=self.changes.notify)
        self.proposals = Proposals(database, clock, self.speaking, self.lexicons, changed=self.changes.notify)
        self.readings = Readings(database, clock, self.speaking, self.lexicons, changed=self.changes.notify)
        self.area_sounds = AreaSounds(database, clock, self.speaking, changed=self.changes.notify)
        self.policies = AreaPolicies(database, clock, zone=ZONE, changed=self.changes.notify)
        self.overrides = Overrides(database, clock, self.signatory, zone=ZONE, changed=self.changes.notify)
        self.programmes = Programmes(database, clock, zone=ZONE, changed=self.changes.notify)
        self.campaigns = Campaigns(database, clock, zone=ZONE)
        self.groups = Groups(database, clock)
        self.reorganisations = Reorganisations(database, clock, zone=ZONE, changed=self.changes.notify)
        self.releases = Releases(database, clock, zone=ZONE, changed=self.changes.notify)
        self.dispatcher = Dispatcher(database, clock, self.receivers, self.link, late_limit=timedelta(seconds=120))
        self.stops = Stops(
            database,
            clock,
            self.signatory,
            zone=ZONE,
            publish=self.dispatcher.publish_stops,
            changed=self.changes.notify,
        )
        self.emergencies = Emergencies(database, clock, self.signatory, zone=ZONE, changed=self.changes.notify)
        self.ingestion = Ingestion(database, clock, self.signatory, self.link, zone=ZONE, changed=self.changes.notify)
        self.planner = self.new_planner()
        with database.writing() as session:
            for area, kind, parent in (
                ("tinh", "province", None),
                ("xa", "commune", "tinh"),
                ("thon-dong", "village", "xa"),
                ("thon-doai", "village", "xa"),
            ):
                session.add(
                    Area(id=area, name=f"Địa bàn {area}", kind=kind, parent_id=parent, valid_from=date(2025, 7, 1))
                )
                session.flush()
            # Tests air at any hour; those of policies set their own.
            session.add(AreaPolicy(area_id="national", policy={"rules": []}, revision=1, changed_at=clock.now()))
        self.editor, self.approver, self.operator = (
            self._person(name, role)
            for name, role in (("mai", Role.EDITOR), ("hoa", Role.APPROVER), ("viet", Role.OPERATOR))
        )
        self.keys = {name: SigningKey.generate() for name, _, _ in RECEIVERS}
        for name, kind, area in RECEIVERS:
            self.receivers.enrol(
                receiver=name,
                name=f"Máy {name}",
                kind="screen" if kind == "screen" else "loudspeaker",
                area=area,
                public_key=self.keys[name].public(),
            )

    def new_planner(self) -> Planner:
        """As after a restart of the server."""
        return Planner(
            self.database,
            self.clock,
            self.signatory,
            zone=ZONE,
            plan_horizon=timedelta(days=14),
            dispatch_horizon=timedelta(hours=48),
            late_limit=timedelta(seconds=120),
        )

    def _person(self, name: str, role: Role) -> Actor:
        person = Person(
            id=name, username=name, name=name, password_hash=HASHER.hash(PASSWORD), created_at=self.clock.now()
        )
        with self.database.writing() as session:
            session.add(person)
            session.flush()
            session.add(GrantRecord(person_id=name, role=role))
        return Actor(name, name, name, (Grant(role),))

    def draft(
        self, rule: Once | Recurring | None, *, title: str = "Chuyển đổi số", areas: tuple[str, ...] = ("xa",)
    ) -> Draft:
        """What an editor gives."""
        return Draft(
            title=title,
            text="Nghị quyết số 57-NQ/TW về đột phá phát triển khoa học, công nghệ.",
            card_text=None,
            field="chuyển đổi số",
            priority="routine",
            plan=((rule, Targets(areas=areas)),) if rule else (),
        )

    def speak(self, bulletin: str, *faults: dict[str, str]) -> str:
        """Stand in for the rendering thread: record a clip of 20 s with these faults; returns its SHA-256."""
        with self.database.writing() as session:
            row = session.get_one(Bulletin, bulletin)
            sha256 = hashlib.sha256(f"{bulletin} {row.revision}".encode()).hexdigest()
            if session.get(ClipRecord, sha256) is None:
                session.add(
                    ClipRecord(
                        sha256=sha256,
                        size=160_000,
                        duration_ms=20_000,
                        lufs=-16.0,
                        true_peak_dbtp=-1.5,
                        engine="espeak",
                        voice="vi",
                        fallback=False,
                        script_sha256=sha256,
                        created_at=self.clock.now(),
                    )
                )
                session.flush()
            row.rendering, row.clip_sha256, row.script_sha256 = "done", sha256, sha256
            row.spoken = self.speaking.of(session, row).facts()
            row.quality = {"uncertain": [], "faults": list(faults)}
        return sha256

    def written(self, rule: Once | Recurring, **content: str) -> str:
        """A bulletin with speech, submitted."""
        bulletin = self.bulletins.write(self.editor, self.draft(rule, **content))  # type: ignore[arg-type]
        self.speak(bulletin)
        self.bulletins.submit(self.editor, bulletin, revision=1)
        return bulletin

    def released(self, rule: Once | Recurring, **content: str) -> str:
        """A bulletin that an approver released."""
        bulletin = self.written(rule, **content)
        _, digest = self.releases.preview(self.approver, bulletin)
        self.releases.release(self.approver, bulletin, content_sha256=digest)
        return bulletin

    def airings(self, bulletin: str | None = None) -> list[Airing]:
        """Airing rows in order of their instant."""
        with self.database.reading() as session:
            query = select(Airing).order_by(Airing.due_at, Airing.state)
            if bulletin is not None:
                query = query.where(Airing.bulletin_id == bulletin)
            return list(session.scalars(query))

    def orders(self) -> list[OrderRecord]:
        """Order rows in order of their instant."""
        with self.database.reading() as session:
            return list(session.scalars(select(OrderRecord).order_by(OrderRecord.play_at)))

    def log(self) -> list[AsRun]:
        """The as-run log."""
        with self.database.reading() as session:
            return list(session.scalars(select(AsRun).order_by(AsRun.seq)))

    def read(self, order: OrderRecord) -> Order:
        """The signed document as a receiver reads it."""
        return verify(order.document.encode(), Keyring([self.signatory.key.public()]), Order)

    def receipt(
        self, receiver: str, order: str, state: ReceiptState, *, number: int = 1, at: datetime | None = None
    ) -> Receipt:
        """A receipt as this receiver would write it."""
        return Receipt(
            id=f"{receiver}-{number}",
            sequence=number,
            order=order,
            revision=1,
            state=state,
            at=at or self.clock.now(),
        )

    def message(self, receiver: str, *receipts: Receipt, key: SigningKey | None = None) -> tuple[str, bytes]:
        """Topic and payload of a signed message of receipts."""
        document = Receipts(station=STATION, receiver=receiver, sent_at=self.clock.now(), receipts=receipts)
        return topics.of_receiver(receiver, "receipts"), sign(document, key or self.keys[receiver])
