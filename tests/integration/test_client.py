"""The generated Python client against a served station: what docs/examples/client.py does, checked by mypy and done."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from broadcaster.settings import Settings
from tests.brokers import free_port
from tests.integration.serving import ServedStation, serving

ROOT = Path(__file__).parents[2]
GENERATOR = Path(sys.prefix) / "client" / "bin" / "openapi-python-client"
EXAMPLE = ROOT / "docs" / "examples" / "client.py"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the package lies, generated as `make client` does; any warning of the generator fails."""
    folder = tmp_path_factory.mktemp("client") / "generated"
    assert GENERATOR.exists(), "make install-dev installs the generator"
    made = subprocess.run(
        [
            *(GENERATOR, "generate", "--path", ROOT / "docs/reference/openapi.json", "--fail-on-warning"),
            *("--config", ROOT / "clients/python.yml", "--meta", "setup", "--output-path", folder),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    return folder


def _token(served: ServedStation, person: str, *rights: str) -> str:
    answer = served.as_person(person).post("/api/v1/people/me/tokens", json={"name": "ví dụ", "rights": rights})
    assert answer.status_code == 201, answer.text
    token: str = answer.json()["token"]
    return token


def test_every_route_of_the_document_is_in_the_client(client: Path) -> None:
    made = [path for path in (client / "broadcaster_client" / "api").rglob("*.py") if path.name != "__init__.py"]
    assert len(made) > 130


def test_its_use_is_typed(client: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text(EXAMPLE.read_text("utf-8").replace("revision=bulletin.revision", 'revision="một"'), "utf-8")
    for program, code in ((EXAMPLE, 0), (wrong, 1)):
        mypy = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--cache-dir", tmp_path / "cache"]
        done = subprocess.run(
            [*mypy, program],
            env={"MYPYPATH": str(client), "PATH": ""},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr


def test_it_writes_releases_and_reads_the_log(client: Path, tmp_path: Path) -> None:
    settings = Settings(
        folder=tmp_path, port=free_port(), broker_port=free_port(), engines=("espeak",), speech_workers=1
    )
    with serving(settings) as served:
        tokens = _token(served, "mai", "read", "edit"), _token(served, "hoa", "read", "release")
        done = subprocess.run(
            [sys.executable, EXAMPLE, served.base, "xa", *tokens],
            env={"PYTHONPATH": str(client), "PYTHONUTF8": "1", "NO_PROXY": "*"},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "of revision 1" in done.stdout
        newest: httpx.Response = served.as_person("xem").get("/api/v1/bulletins")
        assert [each["state"] for each in newest.json()["items"]] == ["released"]
        refused = subprocess.run(
            [sys.executable, EXAMPLE, served.base, "xa", tokens[1], tokens[1]],
            env={"PYTHONPATH": str(client), "PYTHONUTF8": "1", "NO_PROXY": "*"},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert refused.returncode == 1
        assert "The station refused: " in refused.stderr
