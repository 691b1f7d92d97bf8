"""The same station on PostgreSQL and a real Mosquitto: only settings differ."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from broadcaster.settings import Settings
from devices.brokers.accounts import new_secret
from tests.brokers import Mosquitto, certificate, free_port, wait_for
from tests.integration.serving import enrol, serving
from tests.station import ReceiverProcess


def test_one_bulletin_over_mosquitto_into_postgresql(tmp_path: Path, postgres_url: str) -> None:
    """With TLS and accounts by dynamic security, which the station makes; the receiver enrols with its code."""
    certificate_file, key_file = certificate(tmp_path, "broker")
    password = new_secret()
    mosquitto = Mosquitto.dynamic(
        tmp_path / "mosquitto", free_port(), password, certificate=(certificate_file, key_file)
    )
    mosquitto.start()
    settings = Settings(
        folder=tmp_path / "station",
        database_url=postgres_url,
        port=free_port(),
        broker="mosquitto",
        broker_port=mosquitto.port,
        broker_admin_password=SecretStr(password),
        broker_tls=True,
        broker_ca_file=certificate_file,
        broker_configuration_file=tmp_path / "mosquitto" / "mosquitto.conf",
        engines=("espeak",),
        speech_workers=1,
    )
    device = tmp_path / "loa-1"
    try:
        with serving(settings) as station:
            operator = station.as_person("viet")
            enrol(station, device, receiver="loa-1", name="Cụm loa 1", area="xa")
            receiver = ReceiverProcess(device)
            receiver.start()
            wait_for(lambda: operator.get("/api/v1/receivers").json()[0]["presence"] == "online", 30)
            at = (datetime.now(UTC) + timedelta(seconds=5)).isoformat()
            plan = [{"rule": {"kind": "once", "at": at}, "targets": {"areas": ["tinh"]}}]
            bulletin = station.released(text="Một hai ba.", plan=plan)
            wait_for(lambda: operator.get("/api/v1/airings", params={"bulletin": bulletin["id"]}).json())
            (airing,) = operator.get("/api/v1/airings", params={"bulletin": bulletin["id"]}).json()
            path = f"/api/v1/airings/{airing['id']}"
            mosquitto.stop()  # and back: the session is kept on its disk, and everything that stands is published anew
            mosquitto.start()
            wait_for(lambda: [row["outcome"] for row in operator.get(path).json()["receivers"]] == ["finished"], 40)
            found = operator.get("/api/v1/as-run/verification").json()
            assert (found["rows"], found["ok"]) == (4, True), found
            assert receiver.stop() == 0, receiver.log()
            wait_for(lambda: operator.get("/api/v1/receivers").json()[0]["presence"] == "offline", 30)
    finally:
        mosquitto.stop()
