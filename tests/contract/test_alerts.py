"""Alerts: one for each cause and place, told once, resolved by itself; through a real mail server and a real HTTP server."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import date, time, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import select, update

from broadcaster import asrun
from broadcaster.alerts import findings
from broadcaster.alerts.courier import SIGNATURE, Courier, Mail
from broadcaster.alerts.findings import Finding, Source
from broadcaster.alerts.register import Register, Route
from broadcaster.alerts.sentences import headline, line, todo
from broadcaster.alerts.watch import Watch
from broadcaster.errors import ConflictError, ForbiddenError
from broadcaster.expiries import Expiry
from broadcaster.operating.rows import Light
from broadcaster.operating.today import Operating
from broadcaster.people import Actor, Grant, Role
from broadcaster.reach import Reach
from broadcaster.reports.board import Owed
from broadcaster.storage.models import AlertDelivery, Receiver
from devices.wire.messages import Reason, ReceiptState
from tests.brokers import free_port
from tests.commune import ZONE, Commune
from tests.contract.test_operating import Board

SECRET = "bí mật của webhook"
DUE = date(2026, 12, 10)


class Inbox:
    """What a mail server was given."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        content = envelope.content
        assert isinstance(content, bytes)
        found = message_from_bytes(content, policy=policy.default)
        assert isinstance(found, EmailMessage)
        self.mails.append(found)
        return "250 OK"


@pytest.fixture(scope="module")
def post_office() -> Iterator[tuple[Inbox, int]]:
    inbox, port = Inbox(), free_port()
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    yield inbox, port
    controller.stop()


class Hook(BaseHTTPRequestHandler):
    """Takes what is posted; answers 503 as often as it is told to."""

    got: ClassVar[list[tuple[str, bytes]]] = []
    failing: ClassVar[int] = 0
    babbling: ClassVar[bool] = False

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if Hook.babbling:
            self.wfile.write(b"this is no HTTP\r\n\r\n")
            return
        if Hook.failing:
            Hook.failing -= 1
            self.send_response(503)
        else:
            Hook.got.append((self.headers.get(SIGNATURE, ""), body))
            self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Not into the test's output."""


@pytest.fixture(scope="module")
def hook_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/alerts"
    server.shutdown()
    server.server_close()


class Desk:
    """The watch over a commune, step by step."""

    def __init__(self, commune: Commune, route: Route, *, port: int) -> None:
        self.commune = commune
        self.board = Board(commune)
        self.lights: list[Light] = [Light("broker", "good", "well")]
        self.expiries: list[Expiry] = []
        self.owed: list[Owed] = []
        self.register = Register(commune.database, commune.clock, route, changed=commune.changes.notify)
        self.courier = Courier(
            commune.database, commune.clock, mail=Mail("127.0.0.1", port, "dai@xa.example", "none"), secret=SECRET,
            station="Đài xã", zone=ZONE,
        )  # fmt: skip
        self.watch = Watch(
            commune.database, commune.clock, operating=Operating(commune.database, commune.clock, zone=ZONE),
            register=self.register, courier=self.courier, expiries=lambda: self.expiries, lights=lambda: self.lights,
            owed=lambda _: self.owed,
        )  # fmt: skip

    def loses_one(self) -> None:
        """Of two receivers one is away for longer than a line is."""
        self.board.online("loa-dong", "loa-doai")
        self.board.online("loa-dong", state="offline")
        self.watch.look()
        self.commune.clock.move(minutes=3)
        self.board.health("loa-doai")
        self.watch.look()

    def standing(self) -> list[tuple[str, str | None, int]]:
        rows = self.register.listed(self.commune.operator, standing=True)
        return sorted((row.rule, row.area_id, row.size) for row in rows)

    def outbox(self) -> list[AlertDelivery]:
        with self.commune.database.reading() as session:
            return list(
                session.scalars(select(AlertDelivery).order_by(AlertDelivery.created_at, AlertDelivery.channel))
            )


def desk(commune: Commune, port: int = 1, **route: Any) -> Desk:
    return Desk(commune, Route(zone=ZONE, **route), port=port)


def test_a_lost_receiver_is_told_of_when_it_stays_away_and_resolved_by_itself(
    commune: Commune, post_office: tuple[Inbox, int], hook_url: str
) -> None:
    inbox, port = post_office
    inbox.mails.clear()
    Hook.got.clear()
    at = desk(commune, port, emails=("xa@example.vn",), webhooks=(hook_url,))
    at.watch.look()
    assert at.standing() == [], "receivers that were never heard of are not in service"
    at.board.online("loa-dong", "loa-doai")
    at.board.online("loa-dong", state="offline")
    at.watch.look()
    assert at.standing() == [], "a line that comes back by itself is no news"
    commune.clock.move(minutes=3)
    at.board.health("loa-doai")
    at.watch.look()
    at.watch.look()
    assert at.standing() == [("lost", "thon-dong", 1)]
    Hook.failing = 1
    assert at.courier.deliver() == 1, "the mail went, the webhook was down"
    (mail,) = inbox.mails
    assert "Máy loa-dong mất kết nối" in mail["Subject"]
    assert "Kiểm tra nguồn điện" in mail.get_content()
    waiting = [row for row in at.outbox() if row.delivered_at is None]
    assert [(row.channel, row.attempts, row.last_error) for row in waiting] == [("webhook", 1, "answered 503")]
    assert at.courier.deliver() == 0, "it pauses before it tries again"
    commune.clock.move(minutes=1)
    assert at.courier.deliver() == 1
    (stamp, body) = Hook.got[0]
    seconds, digest = (part.partition("=")[2] for part in stamp.split(","))
    assert digest == hmac.new(SECRET.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    (told,) = json.loads(body)["alerts"]
    assert (told["rule"], told["event"], told["severity"], told["area"]) == ("lost", "opened", "critical", "thon-dong")
    at.board.online("loa-dong")
    at.watch.look()
    assert at.standing() == []
    assert at.courier.deliver() == 2
    assert "(đã hết)" in inbox.mails[1]["Subject"]


def test_whatever_one_address_does_others_are_told(
    commune: Commune, post_office: tuple[Inbox, int], hook_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox, port = post_office
    inbox.mails.clear()
    at = desk(commune, port, emails=("xa@example.vn",), webhooks=(hook_url, "http://[là gì]/"))
    with commune.database.writing() as session:
        session.execute(update(Receiver).where(Receiver.id == "loa-dong").values(name="Máy\r\nBcc: ai@example.vn"))
    at.loses_one()
    monkeypatch.setattr(Hook, "babbling", True)
    assert at.courier.deliver() == 1
    (mail,) = inbox.mails
    assert (mail["To"], mail["Bcc"]) == ("xa@example.vn", None)
    assert sorted((row.attempts, bool(row.last_error)) for row in at.outbox()) == [(1, False), (1, True), (1, True)]


def test_quiet_hours_hold_back_all_but_what_is_critical(commune: Commune, post_office: tuple[Inbox, int]) -> None:
    inbox, port = post_office
    inbox.mails.clear()
    # 16:00 at the station.
    at = desk(commune, port, emails=("xa@example.vn",), quiet=(time(15), time(18)))
    at.register.take([Finding("hot:xa", "hot", "warning", "xa", 1, {"area_name": "Xã", "receivers": ["LED"]})])
    at.register.take(
        [
            Finding("hot:xa", "hot", "warning", "xa", 1, {"area_name": "Xã", "receivers": ["LED"]}),
            Finding("broker", "broker", "critical", facts={"cause": "away"}),
        ]
    )
    commune.clock.move(minutes=2)
    at.register.take(
        [
            Finding("hot:xa", "hot", "warning", "xa", 1, {"area_name": "Xã", "receivers": ["LED"]}),
            Finding("broker", "broker", "critical", facts={"cause": "away"}),
        ]
    )
    at.courier.deliver()
    assert ["MQTT" in mail["Subject"] for mail in inbox.mails] == [True]
    commune.clock.move(hours=2)
    at.courier.deliver()
    assert ["quá nóng" in mail["Subject"] for mail in inbox.mails] == [False, True]


def test_one_alert_for_a_village_that_tells_again_only_when_it_grows(commune: Commune) -> None:
    at = desk(commune, emails=("xa@example.vn",))

    def village(size: int) -> list[Finding]:
        facts = {"area_name": "Thôn Đông", "receivers": [f"Loa {n}" for n in range(size)]}
        return [Finding("silent:thon-dong", "silent", "critical", "thon-dong", size, facts)]

    for size in (2, 3, 6, 6):
        at.register.take(village(size))
    assert [row.event for row in at.outbox()] == ["opened", "grown"]
    assert at.standing() == [("silent", "thon-dong", 6)]
    (alert,) = at.register.listed(commune.operator)
    with pytest.raises(ForbiddenError):
        at.register.acknowledge(commune.editor, alert.id)
    at.register.acknowledge(commune.operator, alert.id, note="Thợ điện đang đến")
    at.register.take(village(20))
    assert [row.event for row in at.outbox()] == ["opened", "grown"], "somebody has it in hand"
    at.register.take([])
    (alert,) = at.register.listed(commune.operator)
    assert (alert.acknowledged_name, alert.note, alert.resolved_at) == (
        "viet",
        "Thợ điện đang đến",
        commune.clock.now(),
    )
    with pytest.raises(ConflictError):
        at.register.acknowledge(commune.operator, alert.id)


def test_without_its_broker_the_station_accuses_no_receiver_and_forgets_none(commune: Commune) -> None:
    at = desk(commune)
    at.loses_one()
    at.lights = [Light("broker", "bad", "away")]
    at.board.online("loa-doai", state="offline")
    at.watch.look()
    commune.clock.move(minutes=3)
    at.watch.look()
    assert at.standing() == [("broker", None, 0), ("lost", "thon-dong", 1)]


def test_the_station_itself_forgeries_and_what_ends(commune: Commune) -> None:
    at = desk(commune)
    now = commune.clock.now()
    at.board.online("loa-dong")
    at.lights = [
        Light("broker", "warn", "slow", 9.0),
        Light("speech", "warn", "fallback"),
        Light("database", "good", "well"),
    ]
    at.expiries = [
        Expiry("certificate", "/etc/ssl/xa.pem", now + timedelta(days=6), 7),
        Expiry("configuration", "loa-dong", now + timedelta(days=50), 60),
    ]
    at.board.say("loa-dong", "x", ReceiptState.REFUSED, reason=Reason.UNKNOWN_KEY)
    order = at.board.order(minutes=30)
    forged = commune.message(
        "loa-dong", commune.receipt("loa-dong", order, ReceiptState.FINISHED, number=50), key=commune.keys["led-xa"]
    )
    at.board.take(*forged)
    at.watch.look()
    commune.clock.move(minutes=2)
    at.watch.look()
    assert at.standing() == [
        ("broker", None, 0),
        ("expiry", None, 0),
        ("forged", "thon-dong", 1),
        ("forged_receipts", "thon-dong", 0),
        ("speech", None, 0),
    ]


def test_receipts_of_orders_that_nobody_knows_are_told_of_for_a_week(commune: Commune) -> None:
    at = desk(commune)
    told = commune.message("loa-dong", commune.receipt("loa-dong", "never-given", ReceiptState.FINISHED, number=1))
    at.board.take(*told)
    at.watch.look()
    assert at.standing() == [("unknown_orders", None, 0)]
    (row,) = at.register.listed(commune.operator, standing=True)
    text, do = headline(row.rule, row.size, row.facts), todo(row.rule)
    assert text[0].startswith("1 xác nhận của lệnh phát mà đài không biết")
    assert "khôi phục" in do[0]
    assert row.facts["receivers"] == ["Máy loa-dong"]
    commune.clock.move(hours=24 * 8)
    at.watch.look()
    assert "unknown_orders" not in {rule for rule, _, _ in at.standing()}


def test_what_the_station_fails_to_write_is_told_of(commune: Commune, monkeypatch: pytest.MonkeyPatch) -> None:
    at = desk(commune)
    told = commune.message("loa-dong", commune.receipt("loa-dong", "x", ReceiptState.REFUSED, number=1))

    def failing(*_: object, **__: object) -> None:
        raise ValueError("no log has such a row")

    monkeypatch.setattr(asrun, "append", failing)
    at.board.take(*told)
    at.watch.look()
    assert at.standing() == [("unwritable", None, 0)]
    (row,) = at.register.listed(commune.operator, standing=True)
    assert headline(row.rule, row.size, row.facts)[1].startswith("1 messages of Máy loa-dong could not be written")
    assert "server's log" in todo(row.rule)[1]


@pytest.mark.parametrize("source", ["station", "receivers", "expiries", "messages", "reports"])
def test_what_cannot_be_looked_at_is_told_of_and_hides_nothing_else(
    commune: Commune, monkeypatch: pytest.MonkeyPatch, source: Source
) -> None:
    at = desk(commune)
    at.lights = [Light("speech", "warn", "fallback")]
    at.expiries = [Expiry("certificate", "/etc/ssl/xa.pem", commune.clock.now() + timedelta(days=20), 30)]
    at.board.take(
        *commune.message("loa-dong", commune.receipt("loa-dong", "never-given", ReceiptState.FINISHED, number=1))
    )
    at.owed = [Owed("xa", "Xã", "commune", "nq57", "Nghị quyết 57", DUE, "missing", None, 30)]
    at.loses_one()
    everything = [("expiry", None), ("lost", "thon-dong"), ("report", None), ("speech", None), ("unknown_orders", None)]

    def standing() -> list[tuple[str, str | None]]:
        return [(rule, area) for rule, area, _ in at.standing()]

    assert standing() == everything

    def failing(*_: object, **__: object) -> Any:
        raise ValueError("what nobody thought of")

    with monkeypatch.context() as patch:
        whole, name = {
            "station": (at.watch, "_lights"),
            "receivers": (Operating, "troubles"),
            "expiries": (findings, "of_expiries"),
            "messages": (findings, "of_set_apart"),
            "reports": (at.watch, "_owed"),
        }[source]
        patch.setattr(whole, name, failing)
        commune.clock.move(minutes=11)
        at.board.health("loa-doai")
        at.watch.look()
        assert standing() == everything, "nobody knows that it is over"
        commune.clock.move(minutes=2)
        at.watch.look()
        assert standing() == sorted([*everything, ("watch", None)], key=str)
        (row,) = [row for row in at.register.listed(commune.operator, standing=True) if row.rule == "watch"]
        assert row.severity == "critical"
        assert headline(row.rule, row.size, row.facts)[0].startswith("Đài không kiểm tra được")
        assert "server's log" in todo(row.rule)[1]
        at.board.say("loa-doai", "x", ReceiptState.REFUSED, reason=Reason.UNKNOWN_KEY)
        at.watch.look()
        assert (("forged", "thon-doai") in standing()) == (source != "receivers"), "what is new elsewhere is told of"
    commune.clock.move(minutes=11)
    at.board.health("loa-doai")
    at.watch.look()
    assert ("watch", None) not in standing()
    assert ("forged", "thon-doai") in standing()


def test_reports_that_are_owed_are_told_of_thirty_seven_and_one_days_before(
    commune: Commune,
) -> None:
    at = desk(commune, emails=("lanhdao@xa.example",))

    def look(level: int | None, *areas: str) -> list[str]:
        at.owed = [
            Owed(each, f"Xã {each}", "commune", "nq57", "Nghị quyết 57", DUE, "missing", None, level) for each in areas
        ]
        commune.clock.move(minutes=11)
        at.watch.look()
        return [f"{row.event} {row.content['size']} {row.content['facts']['level']}" for row in at.outbox()]

    assert look(30, "xa", "xa-hai") == ["opened 2 30"]
    assert look(30, "xa") == ["opened 2 30"]
    assert look(7, "xa")[1:] == ["grown 1 7"]
    assert look(0, "xa")[2:] == ["grown 1 0"]
    assert look(None)[3:] == ["resolved 1 0"]
    texts = [line(row.content, ZONE)[0] for row in at.outbox()]
    assert [text.split(" ", 4)[4] for text in texts] == [
        "Chưa nộp 2 báo cáo, hạn 10/12/2026. Mở trang Báo cáo, lập và nộp báo cáo.",
        "Chưa nộp 1 báo cáo, hạn 10/12/2026. Mở trang Báo cáo, lập và nộp báo cáo.",
        "Quá hạn 10/12/2026, chưa nộp 1 báo cáo. Mở trang Báo cáo, lập và nộp báo cáo.",
        "Quá hạn 10/12/2026, chưa nộp 1 báo cáo (đã hết).",
    ]


def test_that_a_report_is_owed_is_seen_by_those_who_serve_the_area_and_above(commune: Commune) -> None:
    at = desk(commune, webhooks=("http://127.0.0.1:9/alerts",))
    levels = {"xa": 7, "xa-hai": 1, "xa-ba": 30}
    at.owed = [
        Owed(area, f"Xã {area}", "commune", campaign, "Nghị quyết 57", DUE, "missing", None, level)
        for area, level in levels.items()
        for campaign in ("nq57", "chuyen-doi-so")
    ]
    at.watch.look()

    def seen(*areas: str) -> list[tuple[int, int, list[str]]]:
        grants = tuple(Grant(Role.EDITOR, area) for area in areas)
        rows = at.register.listed(Actor("p", "p", "P", grants), standing=True)
        return [(row.size, row.facts["level"], sorted(row.facts["owing"])) for row in rows if row.rule == "report"]

    assert seen("xa") == [(2, 7, ["xa"])]
    assert seen("xa", "xa-ba", "thon-dong") == [(4, 7, ["xa", "xa-ba"])]
    assert seen("xa-bon") == []
    (whole,) = at.register.listed(commune.operator, standing=True)
    assert (whole.size, whole.facts["level"]) == (6, 1)
    assert [sorted(row.content["facts"]) for row in at.outbox()] == [["areas", "due_on", "level"]]
    above = Grant(Role.VIEWER, "tinh", Reach(frozenset({"tinh", "xa", "xa-hai"}), frozenset()))
    (row,) = at.register.listed(Actor("p", "p", "P", (above,)), standing=True)
    assert headline(row.rule, row.size, row.facts)[0] == "Chưa nộp 4 báo cáo, hạn 10/12/2026"

    # One who serves the whole station has it in hand; the communes owe theirs all the same, and cannot speak for all.
    with pytest.raises(ForbiddenError):
        at.register.acknowledge(Actor("p", "p", "P", (Grant(Role.OPERATOR, "xa"),)), whole.id)
    at.register.acknowledge(commune.operator, whole.id, note="đã nhắc")
    own = Actor("p", "p", "P", (Grant(Role.OPERATOR, "xa"),))
    assert [row.acknowledged_at for row in at.register.listed(own, standing=True)] == [None]
    assert at.register.listed(commune.operator, standing=True)[0].note == "đã nhắc"
    at.owed = at.owed[2:]
    commune.clock.move(minutes=11)
    at.watch.look()
    assert (seen("xa"), seen("xa-hai")) == ([], [(2, 1, ["xa-hai"])])
