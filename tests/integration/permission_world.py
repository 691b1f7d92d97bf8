"""Two communes that are alike, with one of everything and a person of each role in each, in one database behind the application."""

import asyncio
import hashlib
import sqlite3
import wave
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import select

from api.app import create_app
from audio.store import DiskStore
from broadcaster.bulletins import Draft
from broadcaster.campaigns import CampaignPlan
from broadcaster.emergencies import Sending, TemplateContent
from broadcaster.people import HASHER, Actor, Role
from broadcaster.reorganisation.effects import Ending, ReorganisationPlan
from broadcaster.settings import Settings
from broadcaster.station import Station
from broadcaster.storage.models import (
    Airing,
    Alert,
    Area,
    AreaPolicy,
    AsRun,
    Bulletin,
    ClipRecord,
    EmergencyTemplate,
    Enrolment,
    GrantRecord,
    LoginSession,
    Person,
    Recording,
    Release,
    Schedule,
    SettlementRecord,
)
from broadcaster.targets import Targets
from devices.wire.signing import SigningKey
from schedules.programmes import Programme
from schedules.rules import Once
from tests.databases import migrated_sqlite, unsafe

SIDES = ("a", "b")
CODE = {"a": "111111", "b": "222222"}


@dataclass
class World:
    """The station, a client without a log-in, tokens by person, and the ids of each commune's things."""

    station: Station
    runner: asyncio.Runner
    client: httpx.AsyncClient
    database: Path
    snapshot: Path
    tokens: dict[str, str] = field(default_factory=dict)
    ids: dict[str, dict[str, str]] = field(default_factory=lambda: {side: {} for side in SIDES})

    async def send(self, person: str | None, method: str, path: str, **arguments: Any) -> httpx.Response:
        """A request by one of the people, or by nobody."""
        headers = {"Origin": "http://testserver", **arguments.pop("headers", {})}
        if person is not None:
            headers["Authorization"] = f"Bearer {self.tokens[person]}"
        return await self.client.request(method, path, headers=headers, **arguments)

    def restore(self) -> None:
        """Everything as it was at first."""
        with closing(sqlite3.connect(self.snapshot)) as source, closing(sqlite3.connect(self.database)) as target:
            target.execute("PRAGMA synchronous=OFF")
            source.backup(target)


def wav() -> bytes:
    """Two seconds of a square wave."""
    buffer = BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24000)
        file.writeframes((b"\x00\x20" * 60 + b"\x00\xe0" * 60) * 400)
    return buffer.getvalue()


@contextmanager
def two_communes(folder: Path) -> Iterator[World]:
    """The station is made and not started: no broker, no speech; what is asked of it is decided all the same."""
    settings = Settings(folder=folder / "station", engines=("espeak",), broker_port=1, session_length=timedelta(days=9))
    station = Station(settings)
    unsafe(station.database)
    (settings.folder / "broadcaster.db").write_bytes(migrated_sqlite())
    runner = asyncio.Runner()
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(station), raise_app_exceptions=False), base_url="http://testserver"
    )
    database = settings.folder / "broadcaster.db"
    world = World(station, runner, client, database, folder / "snapshot.db")
    _found(world)
    for side in SIDES:
        _fill(world, side)
    station.changes.close()  # a stream of events says what is, and ends
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(world.snapshot)) as target:
        source.backup(target)
    try:
        yield world
    finally:
        runner.run(client.aclose())
        runner.close()
        station.link.close()
        station._clock_answers.stop()
        station.close()


def _found(world: World) -> None:
    now = world.station.clock.now()
    secret = HASHER.hash("một mật khẩu")
    with world.station.database.writing() as session:
        session.add(Area(id="tinh", name="Tỉnh", kind="province", valid_from=date(2025, 7, 1)))
        session.flush()
        for side in SIDES:
            session.add(Area(id=side, name=f"Xã {side}", kind="commune", parent_id="tinh", valid_from=date(2025, 7, 1)))
            session.flush()
            for village in ("1", "2"):
                area = Area(id=f"{side}-thon-{village}", name="Thôn", kind="village", valid_from=date(2025, 7, 1))
                area.parent_id = side
                session.add(area)
        session.add(AreaPolicy(area_id="national", policy={"rules": []}, revision=1, changed_at=now))
        for area in (*SIDES, None):
            for role in Role:
                name = f"{role}-{area or 'station'}"
                person = Person(id=name, username=name, name=f"Người {name}", password_hash=secret, created_at=now)
                session.add(person)
                session.flush()
                session.add(GrantRecord(person_id=name, role=role, area_id=area))
                world.tokens[name] = f"token of {name}"
                session.add(
                    LoginSession(
                        token_sha256=hashlib.sha256(world.tokens[name].encode()).hexdigest(),
                        person_id=name,
                        created_at=now,
                        expires_at=now + timedelta(days=9),
                    )
                )


def _actor(world: World, role: Role, side: str) -> Actor:
    return world.station.log_ins.recognise(world.tokens[f"{role}-{side}"], address="")


def _spoken(world: World, bulletin: str) -> str:
    """A clip for it, as the renderer would have made it."""
    with world.station.database.writing() as session:
        row = session.get_one(Bulletin, bulletin)
        sha256 = DiskStore(world.station.clips).put(wav() + bulletin.encode())
        session.add(
            ClipRecord(
                sha256=sha256, size=9, duration_ms=9000, lufs=-16, true_peak_dbtp=-2, engine="espeak", voice="vi",
                fallback=False, script_sha256=sha256, created_at=world.station.clock.now(),
            )
        )  # fmt: skip
        session.flush()
        row.rendering, row.clip_sha256, row.script_sha256 = "done", sha256, sha256
        row.spoken = world.station.speaking.of(session, row).facts()
        row.quality = {
            "uncertain": [], "faults": [], "syllables": 1, "syllables_a_second": 4.0, "slowest": 4.0, "fastest": 4.0, "lufs": -16.0,
            "true_peak_dbtp": -2.0, "clipped": 0, "duration_ms": 9000, "engine": "espeak", "voice": "vi", "synthetic": "true",
            "fallback": False, "fallback_reason": None,
        }  # fmt: skip
        return sha256


def _fill(world: World, side: str) -> None:
    """One of everything."""
    station, ids = world.station, world.ids[side]
    now = station.clock.now()
    editor, approver, operator = (_actor(world, role, side) for role in (Role.EDITOR, Role.APPROVER, Role.OPERATOR))
    whole = _actor(world, Role.OPERATOR, "station")
    targets = Targets(areas=(side,))
    ids["area_id"] = side

    def bulletin(state: str, hours: int) -> str:
        draft = Draft(
            title=f"Tin {state} của {side}", text="Xin chào bà con.", card_text=None, field="thông tin", priority="priority",
            plan=((Once(at=now + timedelta(hours=hours)), targets),),
        )  # fmt: skip
        made = station.bulletins.write(editor, draft)
        sha256 = _spoken(world, made)
        if state != "draft":
            station.bulletins.submit(editor, made, revision=1)
        if state == "released":
            _, digest = station.releases.preview(approver, made)
            ids["release_id"] = station.releases.release(approver, made, content_sha256=digest)
            ids["sha256"] = sha256
        return made

    for state in ("draft", "submitted", "released"):
        ids[state] = bulletin(state, 30)
    ids["other_released"] = bulletin("released", 30)
    _, ids["digest"] = station.releases.preview(approver, ids["submitted"])
    ids["bulletin_id"] = ids["draft"]
    key = SigningKey.generate().public()
    ids["receiver"] = ids["receiver_id"] = f"loa-{side}"
    station.receivers.enrol(
        receiver=ids["receiver"], name=f"Loa {side}", kind="loudspeaker", area=f"{side}-thon-1", public_key=key
    )
    ids["group_id"] = station.groups.save(operator, name=f"Nhóm {side}", targets=targets)
    ids["programme_id"] = f"chuyen-muc-{side}"
    station.programmes.save(approver, Programme(id=ids["programme_id"], name="Chuyên mục"), targets, revision=0)
    campaign = CampaignPlan(name=f"Đợt {side}", starts_on=date(2026, 1, 1), ends_on=date(2026, 12, 31))
    ids["campaign_id"] = station.campaigns.save(editor, campaign)
    period = (date(2026, 1, 1), date(2026, 12, 31))
    for name in ("report_id", "submitted_report"):
        ids[name] = station.reports.begin(editor, area=side, period=period)
    station.reports.submit(approver, ids["submitted_report"], revision=1)
    content = TemplateContent(title="Bão", text="Bão sắp tới.")
    ids["template_id"] = station.emergencies.draft(editor, name=f"Mẫu nháp {side}", content=content)
    released = station.emergencies.draft(editor, name=f"Mẫu {side}", content=content)
    with station.database.reading() as session:
        ids["template_sha256"] = session.get_one(EmergencyTemplate, ids["template_id"]).content_sha256
    station.emergencies.release(approver, released, content_sha256=ids["template_sha256"])
    ids["released_template"] = released
    ids["emergency_id"] = station.emergencies.issue(operator, released, blanks={}, sending=Sending(targets=targets))
    ids["person_id"] = f"viewer-{side}"
    station.proposals.make(editor, side, written="OCOP", reading="ốc cốp")
    ids["proposal_id"] = station.proposals.waiting(editor, side)[0][0].id
    ids["absence_id"] = station.absences.say(
        approver, begins_at=now + timedelta(days=60), ends_at=now + timedelta(days=61)
    )
    ids["token_id"] = "no-such-token"
    merger = ReorganisationPlan(
        title=f"Gộp thôn {side}",
        day=station.today() + timedelta(days=30),
        endings=(Ending(area=f"{side}-thon-2", into=(f"{side}-thon-1",)),),
    )
    ids["reorganisation_id"] = station.reorganisations.plan(whole, merger)
    _, ids["preview_sha256"] = station.reorganisations.preview(whole, ids["reorganisation_id"])
    ids["enrolment"] = ids["waiting"] = f"enrolment-{side}"
    with station.database.writing() as session:
        session.add(
            SettlementRecord(
                id=f"reading-{side}", bulletin_id=ids["draft"], written="bà", proposed="bà", reading="bà",
                person_id=editor.id, created_at=now,
            )
        )  # fmt: skip
        ids["reading_id"] = f"reading-{side}"
        session.add(
            Alert(
                id=f"alert-{side}", key=f"hot:{side}", rule="hot", severity="warning", area_id=side, size=1, opened_at=now, changed_at=now,
                facts={"area_name": side, "receivers": [f"Loa {side}"]},
            )
        )  # fmt: skip
        ids["alert_id"] = f"alert-{side}"
        session.add(
            Recording(
                sha256=ids["sha256"], kind="speech", name=f"ghi-{side}.wav", size=9, duration_ms=2000, lufs=-16, true_peak_dbtp=-2, clipped=0,
                person_id=editor.id, created_at=now,
            )
        )  # fmt: skip
        session.add(
            Enrolment(
                id=ids["enrolment"], state="waiting", address="192.0.2.1", public_key=SigningKey.generate().public().to_jwk(), seal_key={},
                key_thumbprint=side, commitment="", kind="loudspeaker", name="Loa mới", software="x",
                code_hash=station.secrets.code_hash(CODE[side]), fingerprint="ABCD", requested_at=now, expires_at=now + timedelta(hours=9),
            )
        )  # fmt: skip
        for number, name in enumerate(("released", "other_released"), 1):
            release = session.scalars(select(Release).where(Release.bulletin_id == ids[name])).one()
            schedule = session.scalars(select(Schedule).where(Schedule.bulletin_id == ids[name])).one()
            ids[f"airing_{number}"] = f"airing-{side}-{number}"
            session.add(
                Airing(
                    id=ids[f"airing_{number}"], schedule_id=schedule.id, release_id=release.id, bulletin_id=ids[name],
                    due_at=now + timedelta(hours=30), state="planned", title=f"Tin của {side}", priority="priority",
                    clip_sha256=ids["sha256"], duration_ms=9000, targets=schedule.targets,
                )
            )  # fmt: skip
        ids["airing_id"] = ids["airing_1"]
        seq = 1_000_000 + SIDES.index(side)
        session.add(
            AsRun(
                seq=seq, receipt_id="r", receiver_id=ids["receiver"], receiver_name="Loa", receiver_seq=1, area_id=f"{side}-thon-1",
                area_name="Thôn", order_id="o", order_revision=1, state="finished", at=now, envelope_sha256="-", received_at=now,
                previous_hash="-", hash="-", airing_id=ids["airing_id"],
            )
        )  # fmt: skip
    ids["stop_id"] = station.stops.issue(operator, targets, reason="thử", lasts=timedelta(hours=1))
