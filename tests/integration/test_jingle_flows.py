"""A jingle is uploaded, listened to and heard before bulletins, with JavaScript and without, in both languages; what was typed beside it stays."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from api.problems import Language
from audio.recordings import FORMATS, JINGLE
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
    call = f"Đây là Đài truyền thanh {area}, nghe thử."
    with visiting(served, browser, "mai", tongue, java_script_enabled=script) as editor:
        page, w = editor.page, editor.w
        page.goto("/")
        editor.go("nav_sound")
        if area != "xa":
            page.get_by_role("navigation", name=w["area_below"]).get_by_role("link", name=f"Địa bàn {area}").click()
        typed = {w["sound_rate"]: "135", w["sound_call_text"]: call}
        chosen = {w["sound_repeats"]: "2", w["sound_call"]: "own", w["sound_equaliser"]: "horn"}
        for name, value in typed.items():
            editor.labelled(name).fill(value)
        for name, value in chosen.items():
            editor.labelled(name).select_option(value)

        def nothing_is_lost() -> None:
            for name, value in (typed | chosen).items():
                expect(editor.labelled(name)).to_have_value(value)

        # What the page says of a jingle is what counts.
        shortest, size = (
            f"{JINGLE.shortest_s:g}".replace(".", "," if tongue == "vi" else "."),
            JINGLE.max_bytes // 10**6,
        )
        hint = page.locator("#file-hint")
        for each in (*FORMATS, f"{shortest} – {JINGLE.longest_s:g} ", f"{size} MB"):
            expect(hint).to_contain_text(each)
        upload, jingles = editor.button(w["jingle_upload"], exact=True), page.get_by_role("region", name=w["jingles"])
        before = _effective(served, area)
        for name, said in zip(
            (None, *refused),
            (
                {"vi": "Chọn một tệp", "en": "Choose a file"},
                {"vi": "không phải MP3, WAV", "en": "no MP3, WAV"},
                {"vi": "dài quá 30 giây", "en": "longer than 30 s"},
                {"vi": "phải ít nhất 0.5 giây", "en": "at least 0.5 s"},
                {"vi": "lớn hơn 20 MB", "en": "larger than 20 MB"},
            ),
            strict=True,
        ):
            editor.labelled(w["jingle_file"]).set_input_files(files[name] if name else [])
            # Whichever button sends it.
            (editor.button(w["sound_save"], exact=True) if name == refused[0] else upload).click()
            expect(jingles.get_by_role("alert")).to_contain_text(said[tongue])
            editor.refused(said[tongue])
            expect(page.get_by_role("heading", level=1)).to_contain_text(f"Địa bàn {area}")
            nothing_is_lost()
            if script:
                editor.fits()
        assert not [row for row in _jingles(served) if row["name"] in refused]
        assert _effective(served, area) == before

        # Nothing sounds otherwise until it is saved; then it does, and another one takes its place.
        for name in (good, newer):
            before = _effective(served, area)["jingle"]
            editor.labelled(w["jingle_file"]).set_input_files(files[name])
            upload.click()
            editor.told(w["jingle_uploaded"])
            expect(jingles.get_by_role("status")).to_be_focused()
            nothing_is_lost()
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
            assert (effective["rate_wpm"], effective["repeats"], effective["call"]) == (135, 2, call)
        # Saved at once with a file that was chosen and not yet uploaded.
        editor.labelled(w["jingle_file"]).set_input_files(files[good])
        editor.labelled(w["sound_rate"]).fill("140")
        editor.button(w["sound_save"], exact=True).click()
        editor.told(w["done_sound_saved"])
        (row,) = [row for row in _jingles(served) if row["name"] == good]
        effective = _effective(served, area)
        assert (effective["jingle"], effective["rate_wpm"]) == (row["sha256"], 140)
    spoken = served.written(
        plan=[{"rule": {"kind": "once", "at": "2030-01-01T17:00:00+07:00"}, "targets": {"areas": [area]}}]
    )["spoken_sound"]
    assert spoken["jingle"] == row["sha256"]


def _jingles(served: ServedStation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        served.as_person("xem").get("/api/v1/recordings", params={"kind": "jingle", "limit": 500}).json()
    )
    return found
