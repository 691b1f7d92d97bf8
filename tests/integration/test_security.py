"""Attacks that are tried on every web application: each is refused with a clear answer, and nothing is stored."""

import asyncio
import io
import resource
import struct
import subprocess
import sys
import zlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pyotp
import pytest
from sqlalchemy import func, select, update

from api.permissions import permissions
from api.v1 import calendars
from api.web.words import words
from broadcaster.errors import InvalidError
from broadcaster.metrics import REQUESTS_S
from broadcaster.people import Role
from broadcaster.storage.models import Bulletin, LoginSession, Person, Recording
from tests.integration.permission_pages import SAMPLES
from tests.integration.permission_samples import Sample
from tests.integration.permission_world import World

PASSWORD = "một mật khẩu"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(2)</script></svg>'


def _send(world: World, person: str | None, method: str, path: str, **arguments: Any) -> httpx.Response:
    return world.runner.run(world.send(person, method, path, **arguments))


def _stored(world: World) -> tuple[Any, ...]:
    with world.station.database.reading() as session:
        rows = [session.scalar(select(func.count()).select_from(table)) for table in (Bulletin, Recording)]
    files = sorted(path.name for path in world.station.clips.rglob("*") if path.is_file())
    return (*rows, files)


def test_a_password_is_hashed_as_dearly_as_the_rfc_recommends() -> None:
    """RFC 9106, section 4, second choice: Argon2id with 64 MiB and three passes. In a process of its own: tests hash quickly."""
    code = "from broadcaster.people import HASHER; print(HASHER.hash('một mật khẩu'))"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert made.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


# ---- uploads


def _bomb() -> bytes:
    """A .docx of 4 MB that unpacks to 4 GB: the same compressed block 256 times, which a packer would need half a minute for."""
    name, block = b"word/document.xml", 16_000_000
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(bytes(block)) + packer.flush(zlib.Z_FULL_FLUSH)
    stream = packed * 256 + packer.flush(zlib.Z_FINISH)
    facts = struct.pack("<HHHHHIII", 20, 0, 8, 0, 0, 0, len(stream), block * 256)
    there = b"PK\3\4" + facts + struct.pack("<HH", len(name), 0) + name + stream
    entry = b"PK\1\2" + struct.pack("<H", 20) + facts + struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, 0) + name
    return there + entry + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(entry), len(there), 0)


def _many_pages(count: int = 10_000) -> bytes:
    """A PDF of so many pages, which share one page's content."""
    out = io.BytesIO(b"")
    offsets: list[int] = []

    def add(body: bytes) -> None:
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (len(offsets), body))

    out.write(b"%PDF-1.4\n")
    add(b"<</Type/Catalog/Pages 2 0 R>>")
    kids = b" ".join(b"%d 0 R" % (number + 4) for number in range(count))
    add(b"<</Type/Pages/Count %d/Kids[%s]>>" % (count, kids))
    add(b"<</Length 44>>stream\nBT /F1 12 Tf 72 720 Td (trang) Tj ET         \nendstream")
    for _ in range(count):
        add(b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 3 0 R/Resources<<>>>>")
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(offsets) + 1))
    for offset in offsets:
        out.write(b"%010d 00000 n \n" % offset)
    out.write(b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(offsets) + 1, start))
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("bom.docx", _bomb),
        ("nghin-trang.pdf", _many_pages),
        ("anh.svg", lambda: SVG),
        ("gia.docx", lambda: SVG),
        ("gia.pdf", lambda: SVG),
    ],
)
def test_a_document_that_is_a_bomb_is_refused(world: World, name: str, made: Any) -> None:
    data = made()
    before = _stored(world)
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = _send(world, "editor-a", "POST", "/api/v1/bulletins/intake", params={"name": name}, content=data)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held  # kB
    assert answer.status_code in (413, 422), answer.text
    assert len(answer.json()["detail"]) > 20
    assert peak < 300_000
    assert _stored(world) == before


@pytest.mark.parametrize("data", [SVG, b"RIFF\xff\xff\xff\xffWAVEfmt ", b"ID3" + b"\0" * 5000, b""])
def test_what_is_no_sound_is_no_recording(world: World, data: bytes) -> None:
    before = _stored(world)
    answer = _send(world, "editor-a", "POST", "/api/v1/recordings", params={"name": "x.svg"}, content=data)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert _stored(world) == before


# ---- paths, origins, sessions


@pytest.mark.parametrize(
    "path",
    [
        "/static/../../../broadcaster/settings.py",
        "/static/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/static/..%5c..%5cpages.py",
        "/static//etc/passwd",
        "/api/v1/media/..%2f..%2fkeys%2fstation.json",
        "/api/v1/media/%00",
        "/api/v1/receivers/..%2f..%2fkeys/history",
        "/api/v1/areas/..%2f..%2fx/policy",
    ],
)
def test_no_path_leads_out(world: World, path: str) -> None:
    answer = _send(world, "administrator-station", "GET", path)
    assert answer.status_code in (401, 404, 422), (path, answer.status_code)
    assert "PRIVATE" not in answer.text
    assert "root:" not in answer.text


def test_every_answer_has_its_headers(world: World) -> None:
    for path in ("/login", "/healthz", "/static/style.css", "/api/v1/bulletins", "/nothing", "/welcome/x"):
        headers = _send(world, None, "GET", path).headers
        assert "default-src 'none'" in headers["content-security-policy"], path
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        if path.startswith("/api"):
            assert headers["cache-control"] == "no-store"


def test_a_fault_is_told_as_a_page_without_its_inside(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("secret of the inside")

    monkeypatch.setattr(world.station.emergencies, "standing", fails)
    answer = _send(world, "administrator-station", "GET", "/emergencies")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "text/html; charset=utf-8")
    assert "secret of the inside" not in answer.text
    assert "gửi nhật ký cho người quản trị" in answer.text


def test_a_cookie_from_another_site_changes_nothing(world: World) -> None:
    """Every route that changes something, as a page of another site would have the browser send it."""
    token = world.tokens["administrator-station"]
    tried = 0
    for row in permissions():
        if row.method == "GET" or row.rights[0] in ("anybody", "device"):
            continue
        sample = SAMPLES.get((row.method, row.path), lambda _: Sample())(world.ids["a"])
        for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
            answer = _send(
                world, None, row.method, row.path.format(**{**world.ids["a"], **sample.ids}),
                json=sample.json, params=sample.params, data=sample.data, content=sample.content,
                headers={"Origin": "", "Cookie": f"session={token}", **headers},
            )  # fmt: skip
            assert answer.status_code == 403, (row.method, row.path, headers, answer.text)
            tried += 1
    assert tried > 150


def test_a_session_that_somebody_else_chose_is_not_taken_over(world: World) -> None:
    """Fixation: a log-in gives a token of its own, whatever cookie the browser brought, and the old one stays worth nothing."""
    form = {"username": "viewer-a", "password": PASSWORD}
    answer = _send(world, None, "POST", "/login", data=form, headers={"Cookie": "session=chosen-by-an-attacker"})
    assert answer.status_code == 303
    given = answer.cookies["session"]
    assert len(given) >= 40
    assert given != "chosen-by-an-attacker"
    for token, status in (("chosen-by-an-attacker", 401), (given, 200)):
        me = _send(world, None, "GET", "/api/v1/people/me", headers={"Cookie": f"session={token}"})
        assert me.status_code == status
    world.client.cookies.clear()
    out = _send(world, None, "POST", "/logout", headers={"Cookie": f"session={given}"})
    assert out.status_code == 303
    assert _send(world, None, "GET", "/api/v1/people/me", headers={"Cookie": f"session={given}"}).status_code == 401


def test_nobody_raises_themselves(world: World) -> None:
    """An administrator of a commune cannot become one of the station, by the body, by a token or by another's account."""
    person = world.ids["a"]["person_id"]
    station = {"name": "X", "roles": [{"role": "administrator"}]}
    own = {"name": "X", "roles": [{"role": "administrator", "area": "a"}, {"role": "administrator", "area": "b"}]}
    for body in (station, own):
        for name in (person, "administrator-a", "administrator-station"):
            assert _send(world, "administrator-a", "PUT", f"/api/v1/people/{name}", json=body).status_code == 403
    for area in ("b", "tinh"):
        token = {"name": "x", "rights": ["administer"], "area": area}
        assert _send(world, "administrator-a", "POST", "/api/v1/people/me/tokens", json=token).status_code == 403
    extra = {"name": "X", "roles": [{"role": Role.VIEWER, "area": "a", "reach": ["tinh"]}]}
    assert _send(world, "administrator-a", "PUT", f"/api/v1/people/{person}", json=extra).status_code == 422


def test_a_draft_s_clip_is_kept_by_nothing_between(world: World) -> None:
    """A proxy that kept it for everybody would give it to whoever is not logged in; and a token that may not read does not hear it."""
    ids = world.ids["a"]
    with world.station.database.reading() as session:
        draft = session.get_one(Bulletin, ids["draft"]).clip_sha256
    path = f"/api/v1/media/{draft}"
    answer = _send(world, "viewer-a", "GET", path)
    assert (answer.status_code, answer.headers["cache-control"].split(",")[0]) == (200, "private")
    assert _send(world, None, "GET", path).status_code == 404
    aired = _send(world, None, "GET", f"/api/v1/media/{ids['sha256']}")
    assert (aired.status_code, aired.headers["cache-control"].split(",")[0]) == (200, "public")
    body = {"name": "chỉ quản trị", "rights": ["administer"], "area": "a"}
    token = _send(world, "administrator-a", "POST", "/api/v1/people/me/tokens", json=body).json()["token"]
    # Nor does it see what else its owner has: that is for whoever is logged in.
    for barred in (path, "/api/v1/people/me/tokens", "/me"):
        narrow = _send(world, None, "GET", barred, headers={"Authorization": f"Bearer {token}"})
        assert narrow.status_code == 403, barred


# ---- what one request may take of the machine


@pytest.mark.parametrize(
    ("method", "path", "media_type"),
    [
        ("POST", "/api/v1/sessions", "application/json"),
        ("POST", "/login", "application/x-www-form-urlencoded"),
        ("POST", "/login", "multipart/form-data; boundary=x"),
        ("POST", "/compose", "application/x-www-form-urlencoded"),
    ],
)
def test_nobody_sends_more_than_a_form_has(world: World, method: str, path: str, media_type: str) -> None:
    """200 MB of JSON, for which nobody has to be known, took 5 GB and a quarter of a minute of everybody's time."""
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        head = b'--x\r\nContent-Disposition: form-data; name="username"\r\n\r\n' if "boundary" in media_type else b""
        yield head + b"a=1&" if "form" in media_type else b'{"username": "'
        while taken < 50_000_000:
            taken += 1_000_000
            yield b"a" * 1_000_000

    for key in ({}, {"Idempotency-Key": "k"}):
        taken = 0
        answer = _send(
            world, "editor-a", method, path, content=endless(),
            headers={"Content-Type": media_type, "Accept-Language": "en", **key},
        )  # fmt: skip
        # 400: a field of a form has a limit of its own.
        assert answer.status_code in ((413,) if media_type.endswith("json") else (400, 413)), answer.text
        assert taken < 10_000_000


def test_a_key_is_no_way_to_send_more(world: World) -> None:
    large = b'{"title": "x", "text": "' + b"a" * 5_000_000 + b'"}'
    headers = {"Content-Type": "application/json", "Accept-Language": "en"}
    for key in ({}, {"Idempotency-Key": "k"}):
        answer = _send(world, "editor-a", "POST", "/api/v1/bulletins", content=large, headers={**headers, **key})
        assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
        assert "larger than 4 MB" in answer.json()["detail"]


def test_what_is_large_by_nature_still_comes(world: World) -> None:
    """A recording is longer than any form; only what it is decides on it."""
    answer = _send(world, "editor-a", "POST", "/api/v1/recordings", params={"name": "x.wav"}, content=b"x" * 6_000_000)
    assert answer.status_code == 422, answer.text


def test_a_calendar_is_read_while_others_are_served(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five hundred events take seconds: they are read beside the loop that answers everybody."""
    found: list[bool] = []

    def read(*_: object, **__: object) -> object:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            found.append(True)
        raise InvalidError("thử", "a trial")

    monkeypatch.setattr(calendars, "import_calendar", read)
    assert _send(world, "editor-a", "POST", "/api/v1/calendars/import", content=b"x").status_code == 422
    assert found == [True]
    assert _send(world, "editor-a", "POST", "/api/v1/calendars/import", content=b"x" * 1_100_000).status_code == 413


def test_nobody_fills_the_metrics(world: World) -> None:
    """Each series stays in memory: neither a method nor an address that somebody made up becomes one."""

    def series() -> set[tuple[str, ...]]:
        return {tuple(sample.labels.values()) for metric in REQUESTS_S.collect() for sample in metric.samples}

    _send(world, None, "BREW", "/welcome/x")
    _send(world, None, "GET", "/welcome/x")
    before = series()
    for number in range(3):
        _send(world, None, f"BREW{number}", "/welcome/x")
        for sign in ("%3F", "%23", "%0A", "%2F"):
            _send(world, None, "GET", f"/welcome/x{number}{sign}y{number}")
    assert not [labels for labels in series() - before if any("x" in label or "BREW" in label for label in labels)]


@pytest.mark.parametrize("tongue", ["vi", "en"])
def test_an_open_log_in_gives_nobody_an_account(world: World, tongue: str) -> None:
    """An administrator with one-time codes is asked for one before an account is made, changed or reset: whoever finds the log-in open, or has stolen it,
    would otherwise give themselves an approver's account, or reset one, codes and all."""
    secret = pyotp.random_base32()
    with world.station.database.writing() as session:
        person = session.get_one(Person, "administrator-a")
        person.totp_secret, person.totp_confirmed_at = secret, world.station.clock.now()
    account = {"name": "Mới", "roles": [{"role": "approver", "area": "a"}]}
    for method, path, body in (
        ("POST", "/api/v1/people", {"username": "ke-trom", **account}),
        ("PUT", "/api/v1/people/viewer-a", account),
        ("POST", "/api/v1/people/approver-a/password-reset", None),
    ):
        answer = _send(world, "administrator-a", method, path, json=body)
        assert (answer.status_code, answer.json()["errors"]) == (403, [{"proof": "totp"}]), path
    label = words("vi" if tongue == "vi" else "en")["release_code"]
    totp = pyotp.TOTP(secret)
    for path, form in (
        ("/people/new", {"username": "nguoi-moi", "name": "Mới", "role": "viewer", "area": "a"}),
        ("/people/viewer-a", {"name": "Tên khác", "roles": "viewer", "areas": "a"}),
        ("/people/approver-a/password", {"sure": "1"}),
    ):
        with world.station.database.writing() as session:  # each has to ask by itself
            session.execute(update(LoginSession).values(proved_at=None))
            session.get_one(Person, "administrator-a").totp_last_step = None
        page = _send(world, "administrator-a", "GET", path.removesuffix("/password"), params={"lang": tongue})
        assert label in page.text
        refused = _send(world, "administrator-a", "POST", path, data=form, params={"lang": tongue})
        assert refused.status_code == 403
        assert {"vi": "Việc này cần mã xác thực", "en": "This needs a one-time code"}[tongue] in refused.text
        assert all(value in refused.text for name, value in form.items() if name in ("username", "name"))
        done = _send(world, "administrator-a", "POST", path, data={**form, "code": totp.at(world.station.clock.now())})
        assert done.status_code in (200, 303), done.text
    world.client.cookies.clear()
