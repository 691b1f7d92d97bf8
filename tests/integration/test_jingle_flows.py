"""A jingle is uploaded, listened to and heard before bulletins, with JavaScript and without, in both languages."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from api.problems import Language
from audio.recordings import JINGLE
from tests.integration.serving import ServedStation
from tests.integration.visitor import BOTH, visiting
from tests.sounds import encoded, tone


def _effective(served: ServedStation, area: str) -> dict[str, Any]:
    found: dict[str, Any] = served.as_person("xem").get(f"/api/v1/areas/{area}/sound").json()["effective"]
    return found


@BOTH
@pytest.mark.parametrize("script", [True, False])
def test_a_jingle_is_uploaded_chosen_and_heard(
    *, served: ServedStation, browser: Browser, tongue: Language, script: bool, tmp_path: Path
) -> None:
    area = "xa" if script else "thon-dong"
    hz = {"vi": 700, "en": 800}[tongue] + 50 * script  # the same sound twice is kept once
    files = {}
    for name, data in (
        ("loi-noi.mp3", b"MZ, no sound"),
        ("dai.mp3", encoded(tone(JINGLE.longest_s + 1, hz=hz))),
        ("ngan.wav", encoded(tone(0.2, hz=hz), "wav", "pcm_s16le")),
        ("lon.wav", b"RIFF" + bytes(2 * JINGLE.max_bytes)),
        (f"nhac-hieu-{area}-{tongue}.mp3", encoded(tone(3, hz=hz))),
        (f"nhac-hieu-moi-{area}-{tongue}.flac", encoded(tone(2, hz=hz + 25), "flac", "flac")),
    ):
        files[name] = tmp_path / name
        files[name].write_bytes(data)
    *refused, good, newer = files
    with visiting(served, browser, "mai", tongue, java_script_enabled=script) as editor:
        page, w = editor.page, editor.w
        page.goto("/")
        editor.go("nav_sound")
        if area != "xa":
            page.get_by_role("navigation", name=w["area_below"]).get_by_role("link", name=f"Địa bàn {area}").click()
        upload, jingles = editor.button(w["jingle_upload"], exact=True), page.get_by_role("region", name=w["jingles"])
        for name, said in zip(
            refused,
            (
                {"vi": "không phải MP3, WAV", "en": "no MP3, WAV"},
                {"vi": "dài quá 30 giây", "en": "longer than 30 s"},
                {"vi": "phải ít nhất 0.5 giây", "en": "at least 0.5 s"},
                {"vi": "lớn hơn 20 MB", "en": "larger than 20 MB"},
            ),
            strict=True,
        ):
            editor.labelled(w["jingle_file"]).set_input_files(files[name])
            upload.click()
            expect(jingles.get_by_role("alert")).to_contain_text(said[tongue])
            editor.refused(said[tongue])
            expect(page.get_by_role("heading", level=1)).to_contain_text(f"Địa bàn {area}")
            if script:
                editor.fits()
        assert not [row for row in _jingles(served) if row["name"] in refused]

        # Nothing sounds otherwise until it is saved; then it does, and another one takes its place.
        for name in (good, newer):
            before = _effective(served, area)["jingle"]
            editor.labelled(w["jingle_file"]).set_input_files(files[name])
            upload.click()
            editor.told(w["done_jingle_uploaded"])
            (row,) = [row for row in _jingles(served) if row["name"] == name]
            expect(editor.labelled(w["sound_jingle"])).to_have_value(row["sha256"])
            assert _effective(served, area)["jingle"] == before
            player = page.get_by_label(w["jingle_listen"] % {"name": name})
            heard = page.context.request.get(str(player.get_attribute("src")))
            assert (heard.status, heard.headers["content-type"]) == (200, "audio/flac")
            if script:
                editor.fits()
                player.evaluate("player => player.play()")
                page.wait_for_function(
                    "name => document.querySelector(`audio[aria-label='${name}']`).currentTime > 0.2",
                    arg=w["jingle_listen"] % {"name": name},
                )
            editor.choose(w["sound_chime"], w["sound_chime_yes"])
            editor.button(w["sound_save"], exact=True).click()
            editor.told(w["done_sound_saved"])
            now = page.get_by_role("region", name=w["sound_now"])
            expect(now).to_contain_text(name)
            expect(jingles.get_by_role("listitem").filter(has_text=name)).to_contain_text(w["jingle_in_force"])
            expect(jingles.get_by_text(w["jingle_in_force"])).to_have_count(1)
            effective = _effective(served, area)
            assert (effective["jingle"], effective["jingle_in_place_of_chime"]) == (row["sha256"], True)
    spoken = served.written(
        plan=[{"rule": {"kind": "once", "at": "2030-01-01T17:00:00+07:00"}, "targets": {"areas": [area]}}]
    )["spoken_sound"]
    assert spoken["jingle"] == row["sha256"]


def _jingles(served: ServedStation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        served.as_person("xem").get("/api/v1/recordings", params={"kind": "jingle", "limit": 500}).json()
    )
    return found
