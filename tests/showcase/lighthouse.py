"""`make lighthouse`: Lighthouse on the pages that people wait for, by the profile of a slow phone; into docs/performance.md.

Compose, release and operate are those of a commune with 44 receivers that has just begun its evening session; the board is besides that of
a province with 6,000 receivers, every tenth of which fails. Each is loaded with nothing in the browser's memory; the median of the runs counts.
"""

import json
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import httpx
import uvicorn

from api.app import create_app
from api.server import configured
from broadcaster.cli.logs import set_up_logs
from broadcaster.people import Role
from broadcaster.settings import Settings
from broadcaster.station import Station
from devices.fleet.faults import SkewedClock
from tests.benchmarks import board
from tests.benchmarks.table import put
from tests.brokers import free_port, wait_for
from tests.browser import FLAGS, chromium
from tests.integration.serving import ServedStation
from tests.showcase.commune import password
from tests.showcase.day import Day

HERE = Path(__file__).parent
PROGRAM = HERE / "node_modules/.bin/lighthouse"
BEGIN, END = "<!-- lighthouse: begin -->", "<!-- lighthouse: end -->"
NODE = (18, 16)
CPU = 6
"""How many times slower than this machine. The network is Lighthouse's slow 4G: 150 ms, 1.6 Mbit/s."""
KILO = 1024
MOST_ROWS = 100


@dataclass(frozen=True)
class Target:
    """A figure, how it is read from Lighthouse's report, and what it may be at most."""

    name: str
    audit: str
    most: float
    each: float = 1.0
    places: int = 0


TARGETS = (
    Target("first load, KB", "total-byte-weight", 60, KILO),
    Target("JavaScript, KB", "scripts", 25, KILO),
    Target("LCP, s", "largest-contentful-paint", 2.0, 1000, 2),
    Target("TTI, s", "interactive", 2.6, 1000, 2),
    Target("TBT, ms", "total-blocking-time", 150),
    Target("CLS", "cumulative-layout-shift", 0.05, places=3),
)
TTI_OF_MANY = 3.0


@dataclass(frozen=True)
class Measured:
    """The median figures of one page, its accessibility, and who else was asked for anything."""

    name: str
    figures: dict[str, float]
    accessibility: float
    elsewhere: frozenset[str]
    rows: int | None = None

    def misses(self) -> list[str]:
        """The targets that are not met."""
        wrong = [target.name for target in TARGETS if self.figures[target.name] > self.most(target)]
        wrong += ["accessibility"] * (self.accessibility < 100) + [f"asks {host}" for host in self.elsewhere]
        return wrong + ["rows"] * (self.rows is not None and self.rows > MOST_ROWS)

    def most(self, target: Target) -> float:
        """What it may be here: of thousands of receivers the page may come a little later."""
        return TTI_OF_MANY if self.rows is not None and target.audit == "interactive" else target.most


def run(url: str, cookies: dict[str, str], folder: Path) -> dict[str, Any]:
    """Lighthouse's report of one load."""
    out = folder / "report.json"
    headers = json.dumps({"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())})
    command = [
        *(str(PROGRAM), url, "--quiet", "--output=json", f"--output-path={out}", f"--extra-headers={headers}"),
        *("--only-categories=performance,accessibility", "--form-factor=mobile", "--no-enable-error-reporting"),
        *("--throttling-method=simulate", f"--throttling.cpuSlowdownMultiplier={CPU}"),
        f"--chrome-flags={' '.join(['--headless=new', *FLAGS])}",
    ]
    environment = os.environ | {"CHROME_PATH": shutil.which("chromium") or "", "TMPDIR": str(folder)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        raise SystemExit(f"Lighthouse failed on {url}:\n{done.stderr[-2000:]}")
    report: dict[str, Any] = json.loads(out.read_text("utf-8"))
    if "runtimeError" in report:
        raise SystemExit(f"Lighthouse could not load {url}: {report['runtimeError']['message']}")
    if urlsplit(report["finalDisplayedUrl"]).path != urlsplit(url).path:
        raise SystemExit(f"{url} led to {report['finalDisplayedUrl']}")
    return report


def figures_of(report: dict[str, Any]) -> dict[str, float]:
    """The figures of one load, by the targets' names."""
    requests = report["audits"]["network-requests"]["details"]["items"]
    found = {"scripts": sum(each["transferSize"] for each in requests if each.get("resourceType") == "Script")}
    for target in TARGETS:
        if target.audit not in found:
            found[target.audit] = report["audits"][target.audit]["numericValue"]
    return {target.name: found[target.audit] / target.each for target in TARGETS}


def measure(name: str, url: str, cookies: dict[str, str], runs: int, *, rows: int | None = None) -> Measured:
    """The median of some loads."""
    with tempfile.TemporaryDirectory(prefix="lighthouse-") as folder:
        reports = [run(url, cookies, Path(folder)) for _ in range(runs)]
    figures = [figures_of(report) for report in reports]
    hosts = {
        urlsplit(each["url"]).netloc
        for report in reports
        for each in report["audits"]["network-requests"]["details"]["items"]
        if each["url"].startswith("http")
    }
    made = Measured(
        name,
        {target.name: median(each[target.name] for each in figures) for target in TARGETS},
        min(report["categories"]["accessibility"]["score"] * 100 for report in reports),
        frozenset(hosts - {urlsplit(url).netloc}),
        rows,
    )
    print(
        f"{name}: {made.figures}, accessibility {made.accessibility:.0f}; misses: {made.misses() or 'none'}", flush=True
    )
    return made


def table(measured: list[Measured]) -> str:
    """Markdown: a row for each figure, a column for each page."""
    lines = [
        "| | target | " + " | ".join(each.name for each in measured) + " |",
        "|---|---|" + "---|" * len(measured),
    ]
    for target in TARGETS:
        cells = [_cell(each.figures[target.name], each.most(target), target.places) for each in measured]
        most = f"≤ {target.most:g}" + (f" (6,000: ≤ {TTI_OF_MANY:g})" if target.audit == "interactive" else "")
        lines.append(f"| {target.name} | {most} | {' | '.join(cells)} |")
    scores = " | ".join(
        f"{each.accessibility:.0f}" if each.accessibility >= 100 else f"**{each.accessibility:.0f}**"
        for each in measured
    )
    lines.append(f"| accessibility | 100 | {scores} |")
    lines.append(f"| other hosts asked | 0 | {' | '.join(str(len(each.elsewhere)) for each in measured)} |")
    rows = (("" if each.rows is None else _cell(each.rows, MOST_ROWS, 0)) for each in measured)
    lines.append(f"| rows drawn | ≤ {MOST_ROWS} | {' | '.join(rows)} |")
    return "\n".join(lines)


def _cell(value: float, most: float, places: int) -> str:
    text = f"{value:.{places}f}"
    return text if value <= most else f"**{text}**"


def _cookies(served: ServedStation, who: str) -> dict[str, str]:
    token = served.as_person(who).headers["Authorization"].removeprefix("Bearer ")
    return {"session": token, "lang": "vi"}


def commune(folder: Path, runs: int) -> list[Measured]:
    """The three pages of the commune."""
    day = Day(folder)
    day.prepare()
    with day.evening() as served:
        return [
            measure(name, f"{served.base}{path.format_map(day.ids)}", _cookies(served, who), runs)
            for name, path, who in (
                ("compose", "/compose?new=1", "mai"),
                ("release", "/releases/{skills}", "hoa"),
                ("operate", "/operations", "viet"),
            )
        ]


@contextmanager
def _province(folder: Path) -> Iterator[Station]:
    """The benchmark's province behind the HTTP server; nothing else of the station runs, since no receiver is real."""
    settings = Settings(folder=folder, port=free_port(), broker_port=free_port(), engines=("espeak",))
    ahead = (board.NOW - datetime.now(UTC)).total_seconds()
    station = Station(settings, clock=SkewedClock(ahead))
    station.database.migrate()
    board.furnish(station.database)
    station.people.add(username="viet", name="Lê Quốc Việt", role=Role.OPERATOR, password=password("viet"))
    configuration = configured(settings, create_app(station))
    configuration.lifespan = "off"
    server = uvicorn.Server(configuration)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_for(lambda: server.started, 60, "the server")
    try:
        yield station
    finally:
        station.changes.close()
        server.should_exit = True
        thread.join(30)
        station.database.close()


def province(folder: Path, runs: int) -> Measured:
    """The board of 6,000 receivers."""
    with _province(folder) as station:
        base = station.settings.base_url
        with httpx.Client(base_url=base, trust_env=False, timeout=120) as client:
            answer = client.post("/api/v1/sessions", json={"username": "viet", "password": password("viet")})
            cookies = {"session": answer.json()["token"], "lang": "vi"}
        with chromium() as browser:
            context = browser.new_context(base_url=base)
            context.add_cookies([{"name": name, "value": value, "url": base} for name, value in cookies.items()])
            page = context.new_page()
            page.goto("/operations")  # the first picture of all reads the log; later ones go on from there
            rows = page.locator("main li").count()
            context.close()
        return measure("operate, 6,000 receivers", f"{base}/operations", cookies, runs, rows=rows)


def require_node() -> None:
    """Say what is missing, and how it is had."""
    how = "Lighthouse needs Node.js {}.{} or newer and npm: apt-get install nodejs npm".format(*NODE)
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise SystemExit(how)
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    if tuple(int(part) for part in re.findall(r"\d+", said)[:2]) < NODE:
        raise SystemExit(f"{how} (here is {said.strip()})")
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=HERE, check=True)


def main(runs: int) -> int:
    """Measure, write the table, and answer 1 where a target is missed."""
    set_up_logs()
    logging.getLogger().setLevel(logging.ERROR)
    require_node()
    with tempfile.TemporaryDirectory(prefix="showcase-") as folder:
        measured = [*commune(Path(folder) / "commune", runs), province(Path(folder) / "province", runs)]
    put(table(measured), BEGIN, END)
    return int(any(each.misses() for each in measured))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
