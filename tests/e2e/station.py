"""A demo commune whose processes can be killed and started one by one, and what each of them has on disk."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from audio.store import DiskStore
from broadcaster.demo import commune
from broadcaster.demo.client import Json, StationClient
from broadcaster.demo.processes import end_with_parent
from broadcaster.settings import load_settings
from broadcaster.station import Core
from devices.receiver.provision import Provision
from tests.brokers import accepts, free_port, wait_for

ENDS = {"finished", "interrupted", "missed", "failed", "cancelled", "refused"}


def children(pid: int) -> set[int]:
    """The processes that this one's threads have started and that still are there (proc(5): needs no root)."""
    found: set[int] = set()
    with suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):
                found.update(int(child) for child in (task / "children").read_text().split())
    return found


def descendants(pid: int) -> set[int]:
    """Children, their children, and so on."""
    found = children(pid)
    for child in set(found):
        found |= descendants(child)
    return found


def command_line(pid: int) -> str:
    """How a process was called; nothing where it is gone or only waits to be reaped."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


class Program:
    """One `broadcaster …` command, with what it says in a file."""

    def __init__(self, log: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        self._log = log
        self._arguments = arguments
        self._environment = {**os.environ, "NO_COLOR": "1", **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; what it said before stays in the file."""
        assert self._process is None
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "broadcaster", *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
                preexec_fn=end_with_parent,  # noqa: PLW1509  one C call, so that nothing outlives a test run that is killed
            )

    @property
    def running(self) -> bool:
        """Whether it was started and not ended from here."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """As a power cut would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(timeout=10)
        self._process = None

    def stop(self, number: int = signal.SIGTERM, *, within_s: float = 30) -> int:
        """End it as a service manager would, or as Ctrl-C does; its exit code."""
        if self._process is None:
            return 0
        process, self._process = self._process, None
        process.send_signal(number)
        try:
            return process.wait(timeout=within_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def check(self) -> None:
        """Fail, with its last words, if it ended by itself."""
        if self._process is not None and (code := self._process.poll()) is not None:
            raise AssertionError(f"{self._arguments[0]} ended with {code}: {self.said()[-2000:]}")

    def said(self) -> str:
        """All that it wrote."""
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""


class ReceiverProgram(Program):
    """A receiver's process, and its folder."""

    def __init__(self, receiver: commune.DemoReceiver, folder: Path, log: Path) -> None:
        self.receiver = receiver
        self.folder = folder
        self.page_port = free_port() if receiver.kind == "screen" else None
        output = ["--sink", "wav"] if self.page_port is None else ["--sink", "none", "--page-port", str(self.page_port)]
        super().__init__(log, "receiver", "--folder", str(folder), *output)

    @property
    def id(self) -> str:
        """The receiver's identifier."""
        return self.receiver.id

    def wav(self, order: str) -> Path:
        """Where the sound of an order lies once it has been played."""
        return self.folder / "played" / f"{order}.wav"

    def sounding(self, order: str) -> float:
        """Seconds of the order's sound that have been played so far; 16 bit mono at 24 kHz."""
        part = self.wav(order).with_name(f"{order}.wav.part")
        try:
            return max(0, part.stat().st_size - 44) / 2 / 24_000
        except FileNotFoundError:
            return 0.0

    def state(self, order: str) -> str | None:
        """The order's state in the receiver's own journal, whether or not anybody was told of it yet."""
        rows = self._read("SELECT state FROM orders WHERE id = ?", order)
        return rows[0][0] if rows else None

    def outbox(self) -> int:
        """How many receipts the station has not acknowledged."""
        return int(self._read("SELECT count(*) FROM outbox")[0][0])

    def issued(self) -> int:
        """How many receipts the receiver ever wrote: SQLite remembers the highest number that it gave out."""
        rows = self._read("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'")
        return int(rows[0][0]) if rows else 0

    def _read(self, query: str, *values: str) -> list[Any]:
        path = self.folder / "journal.sqlite"
        if not path.exists():
            return []
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as journal:
            return journal.execute(query, values).fetchall()


@dataclass(frozen=True)
class Aired:
    """One airing that was ordered."""

    airing: str
    order: str
    due: datetime
    clip: Json


class StationRig:
    """The server with its broker, two loudspeakers, a screen, and the people who make them speak."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.broker_port = free_port(), free_port()
        core = Core(load_settings(folder=folder, port=self.port, broker_port=self.broker_port))
        self.passwords = commune.found(core, self.broker_port).passwords
        core.close()
        self._clients: list[StationClient] = []
        self._broker_since = datetime.now(UTC)
        (folder / "logs").mkdir()
        self.server = Program(
            folder / "logs" / "server.log",
            "serve",
            environment={
                "BROADCASTER_FOLDER": str(folder),
                "BROADCASTER_PORT": str(self.port),
                "BROADCASTER_BROKER_PORT": str(self.broker_port),
                "BROADCASTER_STATION_NAME": commune.STATION_NAME,
                "BROADCASTER_ENGINES": '["espeak"]',
            },
        )
        self.receivers = [
            ReceiverProgram(receiver, folder / "receivers" / receiver.id, folder / "logs" / f"{receiver.id}.log")
            for receiver in commune.RECEIVERS
        ]
        self.loudspeakers = [found for found in self.receivers if found.page_port is None]
        self.screen = next(found for found in self.receivers if found.page_port is not None)

    @property
    def base_url(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Everything up, everybody logged in, every receiver online."""
        self.start_server()
        self._clients = [
            StationClient(self.base_url, name, self.passwords[name]) for name in ("bientap", "lanhdao", "vanhanh")
        ]
        self.editor, self.approver, self.operator = self._clients
        for receiver in self.receivers:
            self.enrol(receiver)
            receiver.start()
        wait_for(self.everybody_is_online, 60, "everybody's connection")

    def stop(self) -> None:
        """Everything down, receivers first."""
        for program in (*self.receivers, self.server):
            program.stop()
        for client in self._clients:
            client.close()

    def start_server(self) -> None:
        """Start the server and wait until it answers."""
        self._broker_since = datetime.now(UTC)
        self.server.start()
        wait_for(self.the_server_answers, 60, "the server's answer")

    def start_what_is_down(self) -> None:
        """Start again what a failed test left killed."""
        if not self.server.running:
            self.start_server()
        for receiver in self.receivers:
            if not receiver.running:
                receiver.start()

    def enrol(self, receiver: ReceiverProgram) -> None:
        """Let the receiver make its key, and the operator take it into service."""
        made = subprocess.run(
            [sys.executable, "-m", "broadcaster", "receiver", "--folder", str(receiver.folder), "--initialise"],
            check=True,
            capture_output=True,
        )
        provision = self.operator.enrol(
            receiver=receiver.id,
            name=receiver.receiver.name,
            kind=receiver.receiver.kind,
            area=receiver.receiver.area,
            public_key=json.loads(made.stdout),
        )
        Provision.model_validate_json(json.dumps(provision)).save(receiver.folder)

    def brokers(self) -> list[int]:
        """The brokers that run now; they are the server's children."""
        return [pid for pid in children(self.server.pid) if "devices.brokers.amqtt_process" in command_line(pid)]

    def kill_broker(self) -> None:
        """SIGKILL the broker; returns when the server has started another."""
        (old,) = self.brokers()
        self._broker_since = datetime.now(UTC)
        os.kill(old, signal.SIGKILL)
        wait_for(lambda: self.brokers() not in ([], [old]), 20, "another broker")

    def write(self, title: str, text: str) -> Json:
        """A draft with its speech made."""
        bulletin = self.editor.write(title=title, text=text, field="chuyển đổi số")

        def the_speech_is_made() -> bool:
            nonlocal bulletin
            bulletin = self.editor.bulletin(bulletin["id"])
            assert bulletin["rendering"] != "failed", bulletin["rendering_error"]
            return bool(bulletin["rendering"] == "done")

        wait_for(the_speech_is_made, 60, "the speech")
        return bulletin

    def release(self, bulletin: Json, *, lead_s: float) -> Aired:
        """Submit and release it for an instant that is near; returns when the order exists."""
        due = datetime.now(UTC) + timedelta(seconds=lead_s)
        bulletin = self.editor.edit(
            bulletin,
            **{name: bulletin[name] for name in ("title", "text", "field")},
            plan=[{"rule": {"kind": "once", "at": due.isoformat()}, "targets": {"areas": [commune.COMMUNE]}}],
        )
        self.editor.submit(bulletin)
        self.approver.release(bulletin["id"])
        order: list[tuple[str, str]] = []

        def the_order_exists() -> bool:
            order[:] = self._orders(bulletin["id"])
            return bool(order)

        wait_for(the_order_exists, 15, "the order")
        return Aired(airing=order[0][0], order=order[0][1], due=due, clip=bulletin["clip"])

    def clip_path(self, bulletin: Json) -> Path:
        """Where the station keeps the bulletin's clip."""
        return DiskStore(self.folder / "clips").path(bulletin["clip"]["sha256"])

    def _orders(self, bulletin: str) -> list[tuple[str, str]]:
        """(airing, order) of a bulletin: the API speaks of airings, not of orders."""
        return self.stored(
            "SELECT airings.id, orders.id FROM orders JOIN airings ON airings.id = orders.airing_id "
            "WHERE airings.bulletin_id = ?",
            bulletin,
        )

    def stored(self, query: str, *values: str) -> list[Any]:
        """What stands in the station's database."""
        with closing(sqlite3.connect(f"file:{self.folder / 'broadcaster.db'}?mode=ro", uri=True, timeout=10)) as data:
            return data.execute(query, values).fetchall()

    def climbs(self, aired: Aired) -> dict[str, Json]:
        """Each receiver's way up the ladder of proof."""
        return {row["receiver"]: row for row in self.operator.airing(aired.airing)["receivers"]}

    def settle(self, aired: Aired, *, within_s: float = 60) -> None:
        """Until every receiver has come to an end with the airing and the station has each of its receipts."""

        def everything_has_settled() -> bool:
            for program in (self.server, *self.receivers):
                program.check()
            return (
                all(receiver.state(aired.order) in ENDS for receiver in self.receivers)
                and all(receiver.outbox() == 0 for receiver in self.receivers)
                and all(climb["outcome"] in ENDS for climb in self.climbs(aired).values())
            )

        wait_for(everything_has_settled, within_s, "the end of the airing and all its receipts")

    def everybody_is_online(self) -> bool:
        """Every receiver has told of a connection to the broker that runs now.

        A broker that was killed sends no last wills: what the station knows from before still says "online".
        """
        for receiver in self.receivers:
            receiver.check()
        return all(
            row["presence"] == "online" and datetime.fromisoformat(row["presence_at"]) >= self._broker_since
            for row in self.operator.receivers()
        )

    def the_server_answers(self) -> bool:
        """The server's health address answers."""
        self.server.check()
        if not accepts(self.port):
            return False
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.base_url}/healthz", timeout=2, trust_env=False).is_success
        return False
