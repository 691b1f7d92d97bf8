"""Tuesday, 24 November 2026 in xã Tân Phong: a station, forty-four simulated receivers, and a clock that stands where it is wanted.

The station is stopped between the hours of the day that are looked at, and goes on from its folder.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from broadcaster.settings import Settings
from devices.fleet.faults import Faults, SkewedClock
from devices.fleet.simulation import Fleet
from devices.receiver.enrolment import Enrolment
from devices.receiver.provision import KEY_FILE, Provision, initialise
from devices.wire.signing import SigningKey
from tests.brokers import free_port, wait_for
from tests.integration.serving import ServedStation, serving
from tests.showcase import bulletins, commune
from tests.showcase.bulletins import at

LATE = timedelta(seconds=30)
ONE_WITH_A_FULL_DISK = {"full_share": 0.03, "seed": 4}
LOST = ("loa-bai-dinh", "loa-bai-cho")


@dataclass
class Day:
    """The commune's folder, what its receivers hold, and the ids of its things by name."""

    folder: Path
    members: list[tuple[Provision, SigningKey]] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.settings = Settings(
            folder=self.folder / "station",
            port=free_port(),
            broker_port=free_port(),
            station="tan-phong",
            station_name=commune.STATION,
            station_call="Đây là Đài truyền thanh xã Tân Phong.",
            engines=("espeak",),
            speech_workers=1,
            late_limit=LATE,
        )

    @contextmanager
    def station(self, moment: datetime) -> Iterator[ServedStation]:
        """The station at work from that moment on."""
        clock = SkewedClock((moment - datetime.now(UTC)).total_seconds())
        with serving(self.settings, clock=clock, founding=commune.found) as served:
            yield served

    @contextmanager
    def receivers(self, served: ServedStation) -> Iterator[Fleet]:
        """Its receivers, connected."""
        ahead = (served.station.clock.now() - datetime.now(UTC)).total_seconds()
        faults = Faults(ahead_s=ahead, **ONE_WITH_A_FULL_DISK)  # type: ignore[arg-type]  # of several types
        fleet = Fleet(self.members, self.folder / "clips", faults=faults)
        try:
            fleet.start(per_s=25)
            wait_for(lambda: fleet.connected == len(self.members), 60, "every receiver's connection")
            yield fleet
        finally:
            fleet.stop()

    @contextmanager
    def new_device(self, served: ServedStation) -> Iterator[None]:
        """A loudspeaker that was switched on for the first time and shows its code."""
        folder, stop, shown = self.folder / "new-device", threading.Event(), threading.Event()
        initialise(folder)
        with httpx.Client(trust_env=False) as client:
            device = Enrolment(
                *(folder, SigningKey.load(folder / KEY_FILE)),
                url=served.base,
                kind="loudspeaker",
                name="Cụm loa sân bóng thôn Hạ",
                software="commune-broadcaster 0.1.0",
                client=client,
                show=lambda seen: shown.set() if seen is not None else None,
                stop=stop,
            )
            thread = threading.Thread(target=device.run, daemon=True)
            thread.start()
            try:
                assert shown.wait(60), "the new device shows no code"
                yield
            finally:
                stop.set()
                thread.join(60)

    def prepare(self) -> None:
        """Monday afternoon: everything is entered, and Tuesday's bulletins are released."""
        with self.station(at(23, 14, 30)) as served:
            self.members = commune.enrol(served.station)
            self.ids = commune.furnish(served)
            bulletins.publish(served, self.ids)

    def morning(self) -> None:
        """The session at five is aired and proved."""
        with self.station(at(24, 4, 59, 30)) as served, self.receivers(served):
            wait_for(lambda: self._over(served, at(24, 5, 2)), 420, "the end of the morning's session")

    @contextmanager
    def evening(self) -> Iterator[ServedStation]:
        """The session at five in the afternoon has just begun; two receivers have no line."""
        with self.station(at(24, 16, 59, 30)) as served, self.receivers(served) as fleet, self.new_device(served):
            for receiver in fleet.receivers:
                if receiver.name in LOST:
                    receiver.lose_line(86_400)
            viewer = served.as_person("viet")
            wait_for(lambda: any(row["started"] for row in _today(viewer)["playing"]), 120, "the evening's session")
            wait_for(lambda: _today(viewer)["totals"]["online"] == len(self.members) - len(LOST), 60, "the lost lines")
            self.ids["airing"] = _today(viewer)["playing"][0]["airing"]
            self.ids["coming"] = _airing(served, at(25, 17))["id"]
            yield served

    @contextmanager
    def new_station(self) -> Iterator[ServedStation]:
        """Another one on the same afternoon, which has an administrator and nothing else."""
        settings = self.settings.model_copy(
            update={"folder": self.folder / "new-station", "port": free_port(), "broker_port": free_port()}
        )
        clock = SkewedClock((at(24, 17) - datetime.now(UTC)).total_seconds())
        with serving(settings, clock=clock, founding=commune.found_nothing) as served:
            yield served

    @staticmethod
    def _over(served: ServedStation, due: datetime) -> bool:
        length = timedelta(milliseconds=_airing(served, due)["duration_ms"])
        return bool(served.station.clock.now() > due + max(length, LATE) + timedelta(seconds=10))


def _airing(served: ServedStation, due: datetime) -> Any:
    params = {"start": due.isoformat(), "limit": 1}
    return served.as_person("viet").get("/api/v1/airings", params=params).json()[0]


def _today(client: httpx.Client) -> Any:
    return client.get("/api/v1/operations/today").json()
