"""A receiver's whole life over HTTP and MQTT: enrolled by its code, moved, renewed, wiped, enrolled anew, revoked."""

import json
import re
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from devices.receiver.enrolment import EnrolmentError, Shown, renew
from devices.receiver.enrolment_page import EnrolmentPage, page
from devices.receiver.provision import KEY_FILE, Provision, initialise
from devices.receiver.run import run_receiver
from devices.wire.enrolment import Comparison
from devices.wire.signing import SigningKey
from tests.brokers import certificate, free_port, wait_for
from tests.integration.serving import ServedStation, enrol
from tests.station import ReceiverProcess


def row(served: ServedStation, name: str = "loa-1") -> dict[str, Any]:
    rows: list[dict[str, Any]] = served.as_person("viet").get("/api/v1/receivers").json()
    return next(found for found in rows if found["id"] == name)


def online(served: ServedStation) -> bool:
    return row(served)["presence"] == "online" and row(served)["health"] is not None


def configured(folder: Path) -> str:
    """What the receiver last said about its configuration."""
    lines = [line for line in (folder / "log").read_text().splitlines() if "configured" in line]
    return lines[-1] if lines else ""


def test_a_life(served: ServedStation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    operator, folder = served.as_person("viet"), tmp_path / "loa-1"
    enrol(served, folder, receiver="loa-1", name="Cụm loa 1", area="thon-dong")
    receiver = ReceiverProcess(folder)
    receiver.start()
    wait_for(lambda: online(served), 30, "the receiver")

    # Its keys: the next one is announced, and pinned beside the one that signs.
    assert operator.post("/api/v1/station-keys", json={}).status_code == 403
    following = served.station.keys.rotate()
    served.station.keys_changed()
    wait_for(lambda: len(Provision.load(folder).station_keys) == 2, 15, "the announced key")
    assert following.kid in {jwk["kid"] for jwk in Provision.load(folder).station_keys}

    # Its place.
    answer = operator.patch("/api/v1/receivers/loa-1", json={"area": "xa", "name": "Cụm loa xã"})
    assert (answer.status_code, answer.json()["area_id"]) == (200, "xa")
    wait_for(lambda: "thon-dong" not in configured(folder) and "xa" in configured(folder), 15, "the new place")
    assert operator.patch("/api/v1/receivers/loa-1", json={"area": "nowhere"}).status_code == 422

    # Its secret and key, changed by itself; it goes on with the new ones.
    old = Provision.load(folder)
    assert receiver.stop() == 0, receiver.log()
    with httpx.Client(trust_env=False) as client:
        renewed = renew(folder, client, new_key=True)
    assert (renewed.generation, renewed.station_keys) == (2, old.station_keys)
    assert renewed.broker.secret != old.broker.secret
    assert not (folder / "next-key.json").exists()

    # Its secret made worthless by an operator: refused by the broker, it fetches the one in force.
    assert operator.post("/api/v1/receivers/loa-1/secret-renewal").status_code == 204
    monkeypatch.setattr("devices.receiver.run.REFUSED_FOR_S", 0.3)
    stop = threading.Event()
    running = threading.Thread(target=run_receiver, args=(folder,), kwargs={"stop": stop})
    wait_for(lambda: row(served)["presence"] == "offline", 15, "the goodbye")
    running.start()
    try:
        wait_for(lambda: Provision.load(folder).generation == 3, 20, "the new secret")
        wait_for(lambda: online(served), 20, "the receiver")
        # And now it forgets everything.
        assert operator.post("/api/v1/receivers/loa-1/wipe").status_code == 202
        running.join(30)
        assert not running.is_alive()
    finally:
        stop.set()
        running.join(30)
    wait_for(lambda: row(served)["revoked_at"] is not None, 10, "its last word")
    assert {path.name for path in folder.iterdir()} <= {"log"}
    events = operator.get("/api/v1/receivers/loa-1/history").json()
    assert [event["event"] for event in events] == [*("enrolled", "moved", "renewed", "renewed", "wipe-asked", "wiped")]
    assert len({event["key_thumbprint"] for event in events}) == 2
    assert [event["actor_name"] for event in events] == ["viet", "viet", None, "viet", "viet", None]


def test_a_revoked_receiver_is_cut_off(served: ServedStation, tmp_path: Path) -> None:
    operator, folder = served.as_person("viet"), tmp_path / "loa-2"
    enrol(served, folder, receiver="loa-2", name="Cụm loa 2", area="thon-dong")
    receiver = ReceiverProcess(folder)
    receiver.start()
    wait_for(lambda: row(served, "loa-2")["presence"] == "online", 30, "the receiver")
    assert served.as_person("mai").post("/api/v1/receivers/loa-2/revocation").status_code == 403
    assert operator.post("/api/v1/receivers/loa-2/revocation").status_code == 204
    wait_for(lambda: "refused the connection" in receiver.log(), 15, "the broker's refusal")
    assert row(served, "loa-2")["presence"] == "offline"
    assert operator.post("/api/v1/receivers/loa-2/revocation").status_code == 404
    with httpx.Client(trust_env=False) as client, pytest.raises(EnrolmentError, match="loa-2"):
        renew(folder, client)
    assert receiver.stop() == 0


def test_a_place_named_like_the_stations_account_is_refused(served: ServedStation) -> None:
    key = SigningKey.generate().public().to_jwk()
    body = {"receiver": "station", "name": "x", "kind": "screen", "area": "xa", "public_key": key}
    assert served.as_person("viet").post("/api/v1/receivers", json=body).status_code == 422


def test_what_expires_is_listed_and_told_once(
    served: ServedStation, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    soon, _ = certificate(tmp_path, "soon", days=20)
    served.station.expiries._certificates = (soon, tmp_path / "missing.pem")
    found = served.as_person("xem").get("/api/v1/expiries").json()
    levels = {(item["subject"], item["level"]) for item in found}
    assert {("station-key", None), ("certificate", 30), ("unreadable-certificate", 0)} <= levels
    served.station.expiries.tell()
    before = len(caplog.records)
    assert any("certificate" in record.getMessage() for record in caplog.records)
    served.station.expiries.tell()
    assert len([r for r in caplog.records[before:] if r.name == "broadcaster.expiries"]) == 0
    board = served.anonymous()
    form = {"username": "xem", "password": "mật khẩu của xem"}
    assert board.post("/login", data=form, headers={"Origin": served.base}).status_code == 303
    assert "soon.pem" in board.get("/alerts").text


def test_the_page_shows_code_fingerprint_and_qr(tmp_path: Path) -> None:
    shown = Shown("Đài <xã>", "http://dai.example", Comparison("012345", "ABCD-EFGH"), None)  # type: ignore[arg-type]  # not shown
    text = page(shown)
    assert "012 345" in text
    assert "ABCD-EFGH" in text
    assert "<svg" in text
    assert "Đài &lt;xã&gt;" in text
    served = EnrolmentPage(free_port())
    try:
        served.shown = shown
        here, there = f"http://127.0.0.1:{served.port}/", {"Host": "evil.example"}
        assert "012 345" in httpx.get(here, trust_env=False).text
        assert httpx.get(here, headers=there, trust_env=False).status_code == 421
    finally:
        served.close()


def test_an_operator_types_the_code_on_the_page(served: ServedStation, tmp_path: Path) -> None:
    process = ReceiverProcess(tmp_path)
    process.enrolling(served.base)
    operator = served.as_person("viet")
    wait_for(lambda: operator.get("/api/v1/enrolments").json(), 20, "the waiting device")
    shown = re.compile(r"code\): (\d{3} \d{3})\n.*fingerprint\): (\S+)")
    wait_for(lambda: shown.search(process.log()), 20, "the code on the device")
    code, fingerprint = shown.findall(process.log())[-1]
    browser, editor = served.anonymous(), served.anonymous()
    ours = {"Origin": served.base}
    for client, name in ((browser, "viet"), (editor, "mai")):
        client.post("/login", data={"username": name, "password": f"mật khẩu của {name}"}, headers=ours)
    assert editor.get("/enrolments").status_code == 403
    text = browser.get("/enrolments", params={"code": code}).text
    assert f'value="{code.replace(" ", "")}"' in text
    form = {"code": code, "fingerprint": "AAAA-AAAA", "receiver": "loa-3", "kind": "loudspeaker", "name": "Cụm loa 3"}
    form["area"] = "xa"
    wrong = browser.post("/enrolments", data=form, headers=ours)
    assert (wrong.status_code, "kẻ đứng giữa" in wrong.text) == (409, True)
    form["fingerprint"] = fingerprint
    assert browser.post("/enrolments", data=form, headers={"Origin": "http://evil.example"}).status_code == 403
    assert editor.post("/enrolments", data=form, headers=ours).status_code == 403
    assert browser.post("/enrolments", data=form, headers=ours).status_code == 303
    wait_for(lambda: row(served, "loa-3")["presence"] == "online", 30, "the receiver")
    assert process.stop() == 0, process.log()


def test_a_device_that_is_refused_says_so(served: ServedStation, tmp_path: Path) -> None:
    operator = served.as_person("viet")
    process = ReceiverProcess(tmp_path)
    process.enrolling(served.base)
    wait_for(lambda: operator.get("/api/v1/enrolments").json(), 20, "the waiting device")
    (waiting,) = operator.get("/api/v1/enrolments").json()
    wait_for(lambda: waiting["fingerprint"] in process.log(), 20, "the device to show what it computed")
    assert waiting["key_thumbprint"]
    assert "code" not in json.dumps(waiting)
    assert served.as_person("mai").get("/api/v1/enrolments").status_code == 403
    assert operator.post(f"/api/v1/enrolments/{waiting['id']}/refusal").status_code == 204
    wait_for(lambda: "refused this device" in process.log(), 30, "the refusal")
    assert initialise(tmp_path) == SigningKey.load(tmp_path / KEY_FILE).public()
    process.stop()
