"""The same station on PostgreSQL and a real Mosquitto: only settings differ."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from broadcaster.settings import Settings
from devices.brokers.accounts import new_secret, receiver_account, station_account
from devices.receiver.provision import PROVISION_FILE, initialise
from tests.brokers import Mosquitto, free_port, wait_for
from tests.integration.serving import serving
from tests.station import ReceiverProcess


def test_one_bulletin_over_mosquitto_into_postgresql(tmp_path: Path, postgres_url: str) -> None:
    station_secret, receiver_secret = new_secret(), new_secret()
    rules = {
        "station": station_account(station_secret),
        "loa-1": receiver_account("loa-1", ("tinh", "xa"), receiver_secret),
    }
    secrets = {"station": station_secret, "loa-1": receiver_secret}
    accounts = {name: (secrets[name], rule.publish, rule.subscribe) for name, rule in rules.items()}
    mosquitto = Mosquitto(tmp_path / "mosquitto", free_port(), accounts)
    mosquitto.start()
    settings = Settings(
        folder=tmp_path / "station",
        database_url=postgres_url,
        port=free_port(),
        broker="external",
        broker_port=mosquitto.port,
        broker_password=SecretStr(station_secret),
        engines=("espeak",),
        speech_workers=1,
    )
    device = tmp_path / "loa-1"
    try:
        with serving(settings) as station:
            operator = station.as_person("viet")
            body = {
                "receiver": "loa-1",
                "name": "Cụm loa 1",
                "kind": "loudspeaker",
                "area": "xa",
                "public_key": initialise(device).to_jwk(),
            }
            provision = operator.post("/api/v1/receivers", json=body).json()
            provision["broker"]["secret"] = receiver_secret  # an external broker's accounts are its administrator's
            (device / PROVISION_FILE).write_text(json.dumps(provision))
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
            assert operator.get("/api/v1/as-run/verification").json() == {
                "rows": 4,
                "ok": True,
                "fault_seq": None,
                "fault": None,
            }
            assert receiver.stop() == 0, receiver.log()
            wait_for(lambda: operator.get("/api/v1/receivers").json()[0]["presence"] == "offline", 30)
    finally:
        mosquitto.stop()
