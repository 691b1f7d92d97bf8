"""The command line as a person types it: real processes, one-line errors, honest exit codes."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from audio.mastering import measure
from tests.brokers import free_port


def _run(
    *arguments: object, stdin: bytes = b"", cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "broadcaster", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        timeout=120,
        check=False,
        cwd=cwd,
        env={**os.environ, **environment},
    )


def _one_line(done: subprocess.CompletedProcess[bytes], code: int) -> str:
    text = done.stderr.decode()
    assert done.returncode == code, text
    assert len(text.strip().splitlines()) == 1, text
    assert "Traceback" not in text
    return text


@pytest.mark.parametrize(
    "command",
    [
        (),
        ("serve",),
        ("demo",),
        ("say",),
        ("script",),
        ("check",),
        ("receiver",),
        ("migrate",),
        ("ledger", "verify"),
        ("ledger", "export"),
        ("backup",),
        ("restore",),
        ("reference",),
    ],
    ids=str,
)
def test_every_command_has_help(command: tuple[str, ...]) -> None:
    done = _run(*command, "--help")
    assert done.returncode == 0
    assert b"Usage" in done.stdout


def test_say_speaks_offline_and_its_clip_says_who_spoke(tmp_path: Path) -> None:
    """Google's service is out of reach here or not: the clip says truly which engine spoke."""
    out = tmp_path / "out.mp3"
    done = _run("say", "-o", out, "--json", stdin="Xin chào bà con thôn Đông.".encode())
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    heard = measure(out)
    assert heard.duration_ms == facts["duration_ms"]
    assert heard.lufs == pytest.approx(-16, abs=0.5)
    assert heard.true_peak_dbtp <= -1
    assert facts["engine"] == ("espeak" if facts["fallback"] else "gtts")
    assert facts["engine"].encode() in out.read_bytes()[:4096]  # its ID3 tag


@pytest.mark.parametrize(("suffix", "head"), [(".opus", b"OggS"), (".WAV", b"RIFF")])
def test_say_writes_what_the_suffix_names(tmp_path: Path, suffix: str, head: bytes) -> None:
    out = tmp_path / f"out{suffix}"
    how = ("--engine", "espeak", "--voice", "vi-vn-x-south", "--rate", 120, "--pitch", 60, "--equaliser", "horn")
    done = _run("say", "-o", out, *how, "--json", stdin="Một hai ba.".encode())
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    data = out.read_bytes()
    assert data.startswith(head)
    assert facts["path"] == str(out)
    assert (facts["sha256"], facts["size"]) == (hashlib.sha256(data).hexdigest(), len(data))
    assert facts["voice"] == "vi-vn-x-south"
    assert facts["quality"]["ok"] is True
    assert abs(measure(out).lufs - facts["lufs"]) < 0.1
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


def test_say_falls_back_within_seconds_when_the_network_is_missing(tmp_path: Path) -> None:
    """A proxy that refuses every connection stands for a missing network, wherever this test runs."""
    out = tmp_path / "out.mp3"
    nowhere = f"http://127.0.0.1:{free_port()}"
    done = _run("say", "-o", out, "--json", stdin="Một hai ba.".encode(), HTTPS_PROXY=nowhere, HTTP_PROXY=nowhere)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert (facts["engine"], facts["fallback"]) == ("espeak", True)
    assert "gtts" in facts["fallback_reason"]


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (("say", "-o", "out.mp3"), b"", "nothing that can be spoken"),
        (("say", "-o", "out.mp3"), b"\xff\xfe\x00", "not UTF-8"),
        (("say", "-o", "no/such/folder/out.mp3"), b"a", "no folder"),
        (("say", "-o", "out.mp3", "--engine", "robot"), b"a", "no engine 'robot'"),
        (("say", "--engine", "piper"), b"a", "add --piper-voice"),
        (("say", "-o", "out.mp4"), b"a", "Choose from: .mp3, .opus, .ogg, .wav"),
        (("say", "--engine", "espeak", "--voice", "robot"), b"a", "choose from espeak: vi, vi-vn-x-south"),
        (("say", "--engine", "espeak", "--language", "hmn", "--voice", "hmn"), b"a", "no engine speaks this language"),
        (("receiver", "--folder", "nowhere"), b"", "enrol"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, arguments: tuple[str, ...], stdin: bytes, said: str) -> None:
    assert said in _one_line(_run(*arguments, stdin=stdin, cwd=tmp_path), 1)
    assert list(tmp_path.glob("*.mp3")) == []


def test_wrong_usage_is_exit_code_2(tmp_path: Path) -> None:
    for arguments in (("say", tmp_path / "missing.txt"), ("demo", "--json"), ("script",), ("nonsense",)):
        done = _run(*arguments)
        assert done.returncode == 2, arguments
        assert b"Traceback" not in done.stderr


def test_script_gives_one_line_for_each_line() -> None:
    lines = ["Nghị quyết số 57-NQ/TW ngày 22/12/2024", "", "lúc 19h30\u2028ngày 05/12", "Mục II"]
    done = _run("script", "--plain", stdin="\n".join(lines).encode())
    assert done.returncode == 0
    spoken = done.stdout.decode().split("\n")
    assert len(spoken) == len(lines) + 1
    assert spoken[-1] == ""
    assert spoken[0].startswith("nghị quyết số năm mươi bảy")
    assert spoken[1] == ""
    assert spoken[3] == "mục hai"
    script = json.loads(_run("script", "--json", stdin=lines[0].encode()).stdout)
    tokens = script["tokens"]
    assert script["lexicon"]
    assert {"start", "end", "text", "class", "reading", "alternatives", "certain"} <= tokens[0].keys()


def test_check_says_what_is_wrong_and_where(tmp_path: Path) -> None:
    text = "Nghị quyết số 57-NQ/TW và Nghị quyết số 57/NQ-TW.\nHọp ngày 31/02/2025 tại nhà văn hóa thôn."
    file = tmp_path / "tin.txt"
    file.write_text(text)
    done = _run("check", file, "--json")
    findings = json.loads(done.stdout)
    assert {"citation", "date"} <= {item["concern"] for item in findings}
    for item in findings:
        assert text[item["start"] : item["end"]] == item["text"]
        assert item["cause"]
    assert done.returncode == (1 if any(item["severity"] == "error" for item in findings) else 0)
    assert b"57/NQ-TW" in _run("check", file).stdout
    assert _run("check", stdin="Xin chào bà con thôn Đông.".encode()).returncode == 0


def test_migrate_then_serve_says_when_the_port_is_taken(tmp_path: Path) -> None:
    import socket  # noqa: PLC0415

    assert _run("migrate", "--folder", tmp_path).returncode == 0
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = _run("serve", "--folder", tmp_path, "--port", port, "--broker-port", free_port())
        assert done.returncode == 1
        assert f"Port {port} cannot be opened" in done.stderr.decode().strip().splitlines()[-1]


def test_wrong_settings_name_the_setting(tmp_path: Path) -> None:
    (tmp_path / "broadcaster.toml").write_text("late_limit = 'yesterday'\n")
    assert "late_limit" in _one_line(_run("migrate", cwd=tmp_path), 1)
    (tmp_path / "broadcaster.toml").write_text("colour = 'red'\n")
    assert "colour" in _one_line(_run("migrate", cwd=tmp_path), 1)
    (tmp_path / "broadcaster.toml").unlink()
    assert "engines" in _one_line(_run("migrate", cwd=tmp_path, BROADCASTER_ENGINES='["robot"]'), 1)


def test_damaged_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "station.json").write_text("{}")
    done = _run("serve", "--folder", tmp_path, "--port", free_port(), "--broker-port", free_port())
    assert done.returncode == 1
    assert "station.json holds no Ed25519 key" in done.stderr.decode().strip().splitlines()[-1]
    (tmp_path / "broadcaster.db").write_bytes(b"this is no database" * 100)
    assert "database" in _one_line(_run("migrate", "--folder", tmp_path), 1)


def test_a_receiver_keeps_its_key(tmp_path: Path) -> None:
    folder = tmp_path / "loa"
    first = json.loads(_run("receiver", "--folder", folder, "--initialise").stdout)
    again = json.loads(_run("receiver", "--folder", folder, "--initialise").stdout)
    assert first == again
    assert first.keys() == {"kty", "crv", "x", "kid"}
