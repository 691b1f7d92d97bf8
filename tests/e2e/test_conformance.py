"""The kit against four receivers at once: ours, a foreign one written from the document, that one with faults, and that one
at the end of a slow line."""

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from broadcaster.cli.conform import run_kit
from broadcaster.errors import SetupError
from devices.conformance.points import POINTS
from tests.faulty_receiver import EXAMPLE, FAULTS

PYTHON = shlex.quote(sys.executable)
OURS = f"{PYTHON} -m broadcaster receiver --folder {{folder}}"
FOREIGN = f"{PYTHON} {shlex.quote(str(EXAMPLE))} {{folder}}"
HURRIED = ("renew", "late", "preempt", "cancel.during", "order.started", "order.once", "order.punctual")
"""What can only be judged if messages come before an instant."""
PLAYER = "--player 'sleep {seconds}'"
ROOT = EXAMPLE.parents[2]


def kit(*arguments: str, within_s: float = 170) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "broadcaster", "conform", *arguments],
        capture_output=True,
        text=True,
        timeout=within_s,
        check=False,
        cwd=ROOT,
    )


@pytest.fixture(scope="module")
def absent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a receiver that has a key and is never started."""
    folder = tmp_path_factory.mktemp("absent")
    made = subprocess.run([sys.executable, EXAMPLE, folder, "--initialise"], capture_output=True, check=True)
    (folder / "public.json").write_bytes(made.stdout)
    return folder


@pytest.fixture(scope="module")
def trials(absent: Path) -> Iterator[dict[str, Future[subprocess.CompletedProcess[str]]]]:
    """All trials at once: they mostly wait for instants."""
    with ThreadPoolExecutor() as pool:
        yield {
            "ours": pool.submit(kit, "--json", "--receiver", OURS, "--enrol", f"{OURS} --initialise"),
            "foreign": pool.submit(
                kit, "--json", "--receiver", f"{FOREIGN} {PLAYER}", "--enrol", f"{FOREIGN} --initialise"
            ),
            "faulty": pool.submit(
                kit,
                *("--json", "--patience", "6", "--receiver", f"{PYTHON} -m tests.faulty_receiver {{folder}} {PLAYER}"),
                *("--enrol", f"{FOREIGN} --initialise"),
            ),
            "slow": pool.submit(
                kit,
                *("--json", "--receiver", f"{PYTHON} -m tests.slow_receiver {{folder}} {PLAYER}"),
                *("--enrol", f"{FOREIGN} --initialise"),
                *(word for name in HURRIED for word in ("--only", name)),
            ),
            "absent": pool.submit(
                kit,
                *("--folder", str(absent), "--key", str(absent / "public.json")),
                *("--wait", "1", "--only", "connect"),
            ),
        }


def results(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    assert done.stdout, done.stderr
    return {point["id"]: point for point in json.loads(done.stdout)["points"]}


def not_passed(found: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {name: point["seen"] for name, point in found.items() if point["result"] != "pass"}


def test_our_receiver_conforms(trials: dict[str, Future[subprocess.CompletedProcess[str]]]) -> None:
    done = trials["ours"].result()
    found = results(done)
    assert not not_passed(found), json.dumps(not_passed(found), indent=1)
    assert done.returncode == 0
    assert set(found) == {point.id for point in POINTS}


def test_a_receiver_written_from_the_document_alone_conforms(
    trials: dict[str, Future[subprocess.CompletedProcess[str]]],
) -> None:
    done = trials["foreign"].result()
    assert set(not_passed(results(done))) <= {
        "clock.probe",  # it trusts its system's clock
        *(point.id for point in POINTS if point.supports),
    }
    assert done.returncode == 0
    source = EXAMPLE.read_text(encoding="utf-8")
    assert not [name for name in ("devices", "broadcaster", "schedules", "audio") if f"import {name}" in source]
    assert "from devices" not in source


def test_the_kit_finds_the_faults_of_a_faulty_receiver_and_no_others(
    trials: dict[str, Future[subprocess.CompletedProcess[str]]],
) -> None:
    done = trials["faulty"].result()
    found = results(done)
    failed = {name: point["seen"] for name, point in found.items() if point["result"] == "fail"}
    assert set(failed) == FAULTS, json.dumps(failed, indent=1)
    assert done.returncode == 1


def test_a_slow_line_is_no_fault(trials: dict[str, Future[subprocess.CompletedProcess[str]]]) -> None:
    done = trials["slow"].result()
    found = results(done)
    assert not not_passed(found), json.dumps(not_passed(found), indent=1)
    assert found.keys() >= {"renew.later", "late.missed", "preempt.interrupted", "cancel.during", "order.once"}


def test_a_receiver_that_ends_at_once_is_told_of_with_its_last_words() -> None:
    done = kit("--receiver", "sh -c 'echo no sound card >&2; exit 3'", "--enrol", f"{FOREIGN} --initialise")
    assert done.returncode == 1
    assert "it did not connect: it ended with 3; its last words: no sound card" in " ".join(done.stdout.split())


def test_a_receiver_that_never_comes_is_told_of(
    trials: dict[str, Future[subprocess.CompletedProcess[str]]], absent: Path
) -> None:
    done = trials["absent"].result()
    assert done.returncode == 1
    assert "it did not connect" in done.stdout
    provision = json.loads((absent / "provision.json").read_text())
    assert provision["station_keys"][0]["crv"] == "Ed25519"
    assert done.stderr.startswith("Start the receiver with ")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({}, "--key FILE"),
        ({"enrolment": "false"}, "ended with 1"),
        ({"enrolment": "echo {}"}, "no JWK"),
        ({"receiver": None}, "--receiver"),
    ],
)
def test_wrong_use_is_said(arguments: dict[str, Any], word: str) -> None:
    usual: dict[str, Any] = {
        "receiver": "true",
        "enrolment": None,
        "public_key": None,
        "folder": None,
        "kind": "loudspeaker",
        "host": "127.0.0.1",
        "only": [],
        "patience_s": 5.0,
        "connect_within_s": 1.0,
        "json_output": False,
    }
    with pytest.raises(SetupError) as raised:
        run_kit(**usual | arguments)
    assert word in raised.value.en
