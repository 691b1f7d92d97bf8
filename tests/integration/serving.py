"""A station that is served from a thread of the test, and people who talk to it over HTTP."""

import queue
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from api.app import create_app
from api.server import configured
from broadcaster.clock import Clock
from broadcaster.people import Role
from broadcaster.settings import Settings
from broadcaster.station import Station
from broadcaster.storage.models import Area, AreaPolicy
from devices.receiver.enrolment import Enrolment, EnrolmentError, Shown
from devices.receiver.provision import KEY_FILE, Provision, initialise
from devices.wire.enrolment import Comparison
from devices.wire.signing import PublicKey, SigningKey
from tests.brokers import wait_for
from tests.databases import migrated_sqlite, unsafe

TRUST = ssl.create_default_context()
"""Made once: each client would read all authorities' certificates again, whether it asks one or not."""
PEOPLE = {"mai": Role.EDITOR, "lan": Role.EDITOR, "hoa": Role.APPROVER, "viet": Role.OPERATOR, "xem": Role.VIEWER}


def found(station: Station) -> None:
    """Areas and people, as an administrator would enter them."""
    if station.database.is_sqlite:
        (station.settings.folder / "broadcaster.db").write_bytes(migrated_sqlite())
    else:
        station.database.migrate()
    with station.database.writing() as session:
        for area, parent in (("tinh", None), ("xa", "tinh"), ("thon-dong", "xa")):
            kind = "province" if parent is None else "commune" if parent == "tinh" else "village"
            session.add(Area(id=area, name=f"Địa bàn {area}", kind=kind, parent_id=parent, valid_from=date(2025, 7, 1)))
            session.flush()
        # Tests run at night too.
        session.add(AreaPolicy(area_id="national", policy={"rules": []}, revision=1, changed_at=station.clock.now()))
    for name, role in PEOPLE.items():
        station.people.add(username=name, name=name, role=role, password=f"mật khẩu của {name}")


class ServedStation:
    """The station, its HTTP server, and clients by user name."""

    def __init__(self, station: Station, server: uvicorn.Server) -> None:
        self.station, self.server = station, server
        self.base = station.settings.base_url
        self._thread = threading.Thread(target=server.run, daemon=True)
        self._clients: list[httpx.Client] = []
        self.as_person = cache(self._log_in)
        self.visit = cache(self._log_in_by_form)
        """Somebody's browser without JavaScript, logged in by the form."""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        for client in self._clients:
            client.close()
        self.station.changes.close()
        self.server.should_exit = True
        self._thread.join(30)
        assert not self._thread.is_alive()

    def anonymous(self, **arguments: Any) -> httpx.Client:
        """A client without a log-in."""
        client = httpx.Client(base_url=self.base, trust_env=False, timeout=30, verify=TRUST, **arguments)
        self._clients.append(client)
        return client

    def _log_in(self, name: str) -> httpx.Client:
        client = self.anonymous(headers={"Accept-Language": "en"})
        answer = client.post("/api/v1/sessions", json={"username": name, "password": f"mật khẩu của {name}"})
        assert answer.status_code == 201, answer.text
        client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        return client

    def _log_in_by_form(self, name: str) -> httpx.Client:
        client = self.anonymous(headers={"Origin": self.base})
        answer = client.post("/login", data={"username": name, "password": f"mật khẩu của {name}"})
        assert answer.status_code == 303, answer.text
        return client

    def written(self, by: str = "mai", **content: Any) -> dict[str, Any]:
        """A draft whose speech is made."""
        body = {"title": "Tin ngắn", "text": "Xin chào bà con.", **content}
        client = self.as_person(by)
        answer = client.post("/api/v1/bulletins", json=body)
        assert answer.status_code == 201, answer.text
        path = answer.headers["location"]
        wait_for(lambda: client.get(path).json()["rendering"] != "pending", 60)
        made: dict[str, Any] = client.get(path).json()
        assert made["rendering"] == "done", made
        return made

    def released(self, **content: Any) -> dict[str, Any]:
        """A bulletin that went through a second person."""
        bulletin = self.written(**content)
        path = f"/api/v1/bulletins/{bulletin['id']}"
        answer = self.as_person("mai").post(f"{path}/submission", json={"revision": bulletin["revision"]})
        assert answer.status_code == 200, answer.text
        seen = self.as_person("hoa").get(f"{path}/release-preview").json()
        answer = self.as_person("hoa").post(
            "/api/v1/releases", json={"bulletin": bulletin["id"], "content_sha256": seen["content_sha256"]}
        )
        assert answer.status_code == 201, answer.text
        return bulletin


@contextmanager
def serving(
    settings: Settings, *, clock: Clock | None = None, founding: Callable[[Station], None] = found
) -> Iterator[ServedStation]:
    """A founded station behind its HTTP server."""
    station = Station(settings, clock=clock)
    if station.database.is_sqlite:
        unsafe(station.database)
    founding(station)
    server = uvicorn.Server(configured(settings, create_app(station)))
    running = ServedStation(station, server)
    running.start()
    wait_for(
        lambda: server.started and httpx.get(f"{settings.base_url}/healthz", trust_env=False, timeout=30).is_success
    )
    try:
        yield running
    finally:
        running.stop()


class Asking:
    """A new device that asks to be taken into service and shows its code."""

    def __init__(self, comparison: Comparison, key: PublicKey, ended: queue.SimpleQueue[Provision | Exception]) -> None:
        self.code, self.fingerprint = comparison.code, comparison.fingerprint
        self.key = key
        self._ended = ended

    def outcome(self) -> Provision | Exception:
        """What became of it: its provision, or why there is none."""
        return self._ended.get(timeout=30)


@contextmanager
def asking(served: ServedStation, folder: Path, *, name: str) -> Iterator[Asking]:
    """A new loudspeaker, switched on."""
    shown: queue.SimpleQueue[Shown | None] = queue.SimpleQueue()
    ended: queue.SimpleQueue[Provision | Exception] = queue.SimpleQueue()
    stop = threading.Event()
    key = initialise(folder)
    with httpx.Client(trust_env=False) as client:
        device = Enrolment(
            *(folder, SigningKey.load(folder / KEY_FILE)),
            url=served.base,
            kind="loudspeaker",
            name=name,
            software="test",
            client=client,
            show=shown.put,
            stop=stop,
        )

        def run() -> None:
            try:
                provision = device.run()
            except EnrolmentError as error:
                ended.put(error)
            else:
                if provision is not None:
                    ended.put(provision)

        waiting = threading.Thread(target=run)
        waiting.start()
        try:
            seen = shown.get(timeout=20)
            assert seen is not None
            yield Asking(seen.comparison, key, ended)
        finally:
            stop.set()
            waiting.join(40)


def enrol(served: ServedStation, folder: Path, *, receiver: str, name: str, area: str) -> None:
    """What happens at a new loudspeaker: it asks, an operator types the code that it shows, it has its provision."""
    with asking(served, folder, name=name) as device:
        body = {
            "code": device.code,
            "fingerprint": device.fingerprint,
            "receiver": receiver,
            "kind": "loudspeaker",
            "name": name,
            "area": area,
        }
        answer = served.as_person("viet").post("/api/v1/enrolments/acceptance", json=body)
        assert answer.status_code == 201, answer.text
        provision = device.outcome()
    assert isinstance(provision, Provision)
    assert provision.receiver == receiver
    assert SigningKey.load(folder / KEY_FILE).public() == device.key
