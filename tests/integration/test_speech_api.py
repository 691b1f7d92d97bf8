"""Speech over HTTP: what an editor is helped with, what blocks a release, how it is settled, and how it sounds."""

import io
import wave
from datetime import UTC, datetime, timedelta
from typing import Any

import docx
import httpx
import numpy as np

from audio.intake import MAX_BYTES
from tests.brokers import wait_for
from tests.integration.serving import ServedStation

API = "/api/v1"


def _plan() -> list[dict[str, Any]]:
    at = datetime.now(UTC) + timedelta(hours=1)
    return [{"rule": {"kind": "once", "at": at.isoformat()}, "targets": {"areas": ["xa"]}}]


def _tone(seconds: float) -> bytes:
    """A WAV file that is neither silent nor too loud."""
    at = np.arange(int(seconds * 16_000)) / 16_000
    samples = (8000 * np.sin(2 * np.pi * 300 * at) * (1 + np.sin(2 * np.pi * 3 * at)) / 2).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(samples.tobytes())
    return buffer.getvalue()


def _again(client: httpx.Client, bulletin: dict[str, Any]) -> dict[str, Any]:
    path = f"{API}/bulletins/{bulletin['id']}"
    wait_for(lambda: client.get(path).json()["rendering"] != "pending")
    made: dict[str, Any] = client.get(path).json()
    assert made["rendering"] == "done", made
    return made


def test_an_uncertain_reading_blocks_until_it_is_settled(served: ServedStation) -> None:
    client = served.as_person("mai")
    bulletin = served.written(title="Về QXZK", text="Bà con gửi QXZK theo 57-NQ/T.", plan=_plan())
    path = f"{API}/bulletins/{bulletin['id']}"
    found = {(each["part"], each["text"]): each for each in bulletin["quality"]["uncertain"]}
    assert set(found) == {("title", "QXZK"), ("text", "QXZK"), ("text", "57-NQ/T")}
    for (part, text), each in found.items():
        assert bulletin[part][each["start"] : each["end"]] == text
    refused = client.post(f"{path}/submission", json={"revision": 1})
    assert refused.status_code == 409
    assert {fault["fault"] for fault in refused.json()["errors"][0]["faults"]} == {"uncertain_reading"}
    assert "Chưa chắc cách đọc “QXZK”" in client.get("/operations", params={"lang": "vi"}).text
    doubtful = {each["text"]: each["reading"] for each in found.values()}
    body = {
        "revision": 1,
        "readings": [
            {"text": "QXZK", "proposed": doubtful["QXZK"]},
            {"text": "57-NQ/T", "proposed": doubtful["57-NQ/T"], "reading": "năm mươi bảy của trung ương"},
        ],
    }
    other = served.written(text="Lại gửi QXZK.")
    bad = {**body, "readings": [{"text": "QXZK", "proposed": doubtful["QXZK"], "reading": "facebook"}]}
    assert client.put(f"{path}/readings", json=bad).json()["errors"][0]["not_syllables"] == ["facebook"]
    assert served.as_person("viet").put(f"{path}/readings", json=body).status_code == 403
    answer = client.put(f"{path}/readings", json=body)
    assert answer.status_code == 200, answer.text
    bulletin = _again(client, answer.json()["bulletin"])
    assert bulletin["quality"]["faults"] == []
    assert {each["text"]: each["reading"] for each in bulletin["readings"]}["57-NQ/T"] == "năm mươi bảy của trung ương"
    assert client.post(f"{path}/submission", json={"revision": 2}).status_code == 200
    preview = served.as_person("hoa").get(f"{path}/release-preview").json()
    assert preview["faults"] == []
    released = {"bulletin": bulletin["id"], "content_sha256": preview["content_sha256"]}
    assert served.as_person("hoa").post(f"{API}/releases", json=released).status_code == 201

    taught = client.put(f"{API}/areas/xa/lexicon", json={"written": "QXZK", "reading": "Quỹ xóa nghèo"})
    assert taught.status_code == 200, taught.text
    assert [each["id"] for each in taught.json()["anew"]] in ([other["id"]], [])
    assert [each["id"] for each in taught.json()["unchanged"]] == [bulletin["id"]]
    assert served.as_person("viet").delete(f"{API}/areas/xa/lexicon?written=QXZK").status_code == 403
    entry = client.get(f"{API}/areas/xa/lexicon").json()["entries"][0]
    assert (entry["written"], entry["spoken"], entry["area"]) == ("QXZK", "quỹ xóa nghèo", "xa")
    assert client.get(path).json()["clip"] == bulletin["clip"]
    read = client.post(f"{API}/bulletins/script", json={"text": "Gửi QXZK", "area": "xa"}).json()
    assert read["plain"] == "gửi quỹ xóa nghèo"
    assert [token["kind"] for token in read["tokens"]] == ["word", "lexicon"]
    assert client.delete(f"{API}/areas/xa/lexicon", params={"written": "QXZK"}).status_code == 200
    assert client.get(f"{API}/areas/xa/lexicon/history").json()[0]["ended_at"]


def test_a_text_is_looked_over_and_proposals_are_put_in(served: ServedStation) -> None:
    client = served.as_person("mai")
    text = "Theo Nghị quyết 57/NQ-TW, họp ngày 31/4/2026."
    checked = client.post(f"{API}/bulletins/check", json={"text": text}).json()
    found = {each["concern"]: (number, each) for number, each in enumerate(checked["findings"])}
    number, citation = found["citation"]
    assert text[citation["start"] : citation["end"]] == "57/NQ-TW"
    assert citation["proposal"] == "57-NQ/TW"
    assert found["date"][1]["severity"] == "error"
    applied = client.post(f"{API}/bulletins/check", json={"text": text, "apply": [number]}).json()
    assert applied["text"] == text.replace("57/NQ-TW", "57-NQ/TW")
    assert "citation" not in {each["concern"] for each in applied["findings"]}
    assert client.post(f"{API}/bulletins/check", json={"text": text, "apply": [99]}).status_code == 422


def test_documents_are_taken_in_or_refused_with_the_next_step(served: ServedStation) -> None:
    client = served.as_person("mai")
    document = docx.Document()
    document.add_heading("Thông báo lịch cấp nước", 1)
    document.add_paragraph("Từ 5 giờ sáng mai, thôn Đông có nước.")
    buffer = io.BytesIO()
    document.save(buffer)
    url = f"{API}/bulletins/intake"
    taken = client.post(url, params={"name": "nuoc.docx"}, content=buffer.getvalue()).json()
    assert (taken["title"], taken["text"]) == ("Thông báo lịch cấp nước", "Từ 5 giờ sáng mai, thôn Đông có nước.")
    assert [block["kind"] for block in taken["blocks"]] == ["heading", "paragraph"]
    plain = client.post(url, params={"name": "mot.txt"}, content="Chỉ có một dòng.".encode()).json()
    assert (plain["title"], plain["text"]) == ("Chỉ có một dòng.", "Chỉ có một dòng.")
    vietnamese = {"Accept-Language": "vi"}
    for name, data, said in (
        ("x.exe", b"MZ", "không phải tệp .txt"),
        ("x.docx", b"PK nothing", "văn bản Word"),
        ("x.pdf", b"%PDF-1.7 nothing", "tệp PDF"),
        ("x.txt", b"\xb8\xf3 \xff", "UTF-8"),
    ):
        refused = client.post(url, params={"name": name}, content=data, headers=vietnamese)
        assert (refused.status_code, said in refused.json()["detail"]) == (422, True), refused.text
    large = client.post(url, params={"name": "x.txt"}, content=b"a" * (MAX_BYTES + 1))
    assert (large.status_code, large.json()["code"]) == (413, "too-large")
    assert served.as_person("xem").post(url, params={"name": "a.txt"}, content=b"a").status_code == 403


def test_a_recording_is_heard_in_place_of_the_text_with_versions_and_a_jingle(served: ServedStation) -> None:
    client = served.as_person("mai")
    speech = client.post(f"{API}/recordings", params={"name": "loi.wav"}, content=_tone(3))
    assert speech.status_code == 201, speech.text
    jingle = client.post(f"{API}/recordings", params={"name": "nhac.wav", "kind": "jingle"}, content=_tone(2)).json()
    sha256 = speech.json()["sha256"]
    assert 2900 <= speech.json()["duration_ms"] <= 3100
    assert {row["kind"] for row in client.get(f"{API}/recordings").json()} == {"speech", "jingle"}
    for name, data in (("x.mp3", b"not a sound"), ("ngan.wav", _tone(0.2))):
        refused = client.post(f"{API}/recordings", params={"name": name}, content=data)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    bulletin = served.written(
        recording=sha256,
        versions=[{"language": "en", "text": "Good morning.", "voice": "en"}, {"language": "km", "recording": sha256}],
        sound={"jingle": jingle["sha256"], "repeats": 1},
        plan=_plan(),
    )
    assert bulletin["clip"]["synthetic"] == "mixed"
    assert bulletin["clip"]["duration_ms"] > 2 * 2 * 3000 + 2000
    assert bulletin["quality"]["faults"] == []
    assert bulletin["clip"]["opus"]["size"] < bulletin["clip"]["size"]
    assert bulletin["spoken_sound"]["repeats"] == 1
    drawn = client.get(f"{API}/media/{bulletin['clip']['sha256']}/waveform")
    assert (drawn.headers["content-type"], drawn.text[:4]) == ("image/svg+xml", "<svg")
    peaks = client.get(f"{API}/media/{sha256}/peaks", params={"count": 10}).json()
    assert len(peaks) == 10
    assert 0.05 < max(peaks) <= 1
    heard = client.get(f"{API}/media/{sha256}")
    assert heard.headers["content-type"] == "audio/flac"
    unknown = {"title": "a", "text": "b", "recording": "0" * 64}
    assert client.post(f"{API}/bulletins", json=unknown).status_code == 422
    both = {"title": "a", "text": "b", "versions": [{"language": "en", "text": "a", "recording": sha256}]}
    assert client.post(f"{API}/bulletins", json=both).status_code == 422


def test_an_area_sounds_otherwise_and_its_waiting_bulletins_with_it(served: ServedStation) -> None:
    client = served.as_person("mai")
    bulletin = served.written(text="Mời bà con nghe đài.", plan=_plan())
    wait_for(lambda: client.get(f"{API}/voices").json())
    (engine,) = client.get(f"{API}/voices").json()
    assert engine["engine"] == "espeak"
    assert "vi-vn-x-south" in engine["voices"]["vi"]
    changed = client.put(f"{API}/areas/xa/sound", json={"voice": "vi-vn-x-south", "rate_wpm": 130})
    assert changed.status_code == 200, changed.text
    assert bulletin["id"] in {each["id"] for each in changed.json()["anew"]}
    assert changed.json()["effective"]["pitch"] == 50
    spoken = _again(client, bulletin)
    assert (spoken["clip"]["voice"], spoken["spoken_sound"]["rate_wpm"]) == ("vi-vn-x-south", 130)
    assert spoken["clip"]["sha256"] != bulletin["clip"]["sha256"]
    assert client.put(f"{API}/areas/xa/sound", json={"voice": "vi-nowhere"}).status_code == 422
    assert client.put(f"{API}/areas/xa/sound", json={"rate_wpm": 10}).status_code == 422
    assert client.put(f"{API}/areas/xa/sound", json={}).json()["own"]["voice"] is None
    assert _again(client, bulletin)["clip"]["sha256"] == bulletin["clip"]["sha256"]
    path = f"{API}/bulletins/{bulletin['id']}/rendering"
    assert client.post(path, json={"revision": 1}).json()["rendering"] == "pending"
    assert client.post(path, json={"revision": 7}).status_code == 409
