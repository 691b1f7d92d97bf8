"""Runs the demo: founds the commune, starts every process, airs a bulletin and tells each rung as it happens."""

import json
import re
import signal
import sys
import tempfile
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from audio.mastering import measure
from broadcaster.clock import SystemClock
from broadcaster.demo import commune
from broadcaster.demo.client import Json, StationClient
from broadcaster.demo.processes import Processes, port_is_free
from broadcaster.demo.teller import Teller
from broadcaster.errors import BroadcasterError, SetupError
from broadcaster.settings import Settings, load_settings
from broadcaster.station import Core
from devices.brokers.ports import free_port
from devices.files import write_private

LEAD_S = 6.0
"""Seconds from release to the airing: orders and clips go out and everything is ready well before."""
AFTER_S = 20.0
"""Seconds after the end of an airing in which its last confirmations arrive."""
NOW = SystemClock().now
_WELCOME = re.compile(r"http\S+/welcome/\S+")
_CODE = re.compile(r"enrolment code\): (\d{3}) (\d{3})\n.*fingerprint\): (\S+)\n")


class Demo:
    """A station, three receivers and three people."""

    def __init__(self, folder: Path, *, port: int, teller: Teller) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder.absolute()
        self._tell = teller
        state = commune.load(self._folder)
        broker_port = state.broker_port if state and port_is_free(state.broker_port) else free_port()
        self._settings: Settings = load_settings(
            folder=self._folder, port=port, broker_port=broker_port, station_name=commune.STATION_NAME
        )
        if state is None:
            core = Core(self._settings)
            state = commune.found(core, broker_port)
            core.close()
        self.state = replace(state, broker_port=broker_port)
        self.state.save(self._folder)
        self.processes = Processes(self._folder / "logs")

    def start(self) -> None:
        """Every process up, every receiver online."""
        settings = self._settings
        if not port_is_free(settings.port):
            raise SetupError(
                f"Cổng {settings.port} đang được dùng. Chọn cổng khác: make run PORT=8001.",
                f"Port {settings.port} is taken. Choose another: make run PORT=8001.",
            )
        self._tell.step("Khởi động đài (starting the station)")
        environment = {
            "BROADCASTER_FOLDER": str(settings.folder),
            "BROADCASTER_PORT": str(settings.port),
            "BROADCASTER_BROKER_PORT": str(settings.broker_port),
            "BROADCASTER_STATION_NAME": settings.station_name,
        }
        before = len(self.processes.said("server"))
        self.processes.start("server", "serve", environment=environment)
        self.processes.wait(self._up, within_s=60, what="the station answers")
        found = _WELCOME.search(self.processes.said("server")[before:])
        self.welcome = found.group() if found else None
        self.editor, self.approver, self.operator = (
            StationClient(settings.base_url, name, self.state.passwords[name])
            for name in ("bientap", "lanhdao", "vanhanh")
        )
        self._tell.step("Kết nối thiết bị (connecting the receivers)")
        asking = []
        for receiver in commune.RECEIVERS:
            folder = self._folder / "receivers" / receiver.id
            enrolled = self._moved(folder / "provision.json")
            output = ["--sink", "wav"]
            if receiver.kind == "screen":
                port = free_port()
                output = ["--sink", "none", "--page-port", str(port)]
                self._tell.fact(f"Trang LED (LED page): http://127.0.0.1:{port}/")
            output += ["--enrol", settings.base_url, "--kind", receiver.kind, "--name", receiver.name]
            said = self.processes.said(receiver.id)
            self.processes.start(receiver.id, "receiver", "--folder", str(folder), *output)
            if not enrolled:
                asking.append((receiver, len(said)))
        for receiver, before in asking:
            self._accept(receiver, before)
        self.processes.wait(self._online, within_s=60, what="three receivers are online")

    def stop(self) -> None:
        """Stop every process."""
        self.processes.stop()

    def air(self, title: str, text: str) -> Json:
        """Write, render, submit, release, air; returns the report when all receivers have spoken or time is over."""
        content = {"title": title, "text": text, "field": "chuyển đổi số"}
        bulletin = self.editor.write(**content)
        self._tell.step(f"Bản tin: {title}")
        self._tell.step("Tạo giọng đọc (making the speech)")
        bulletin = self._settled(self._rendered(bulletin))
        clip = bulletin["clip"]
        self._tell.fact(
            f"Giọng đọc xong (clip): {clip['duration_ms'] / 1000:.1f} s, {clip['lufs']:.1f} LUFS, "
            f"{clip['true_peak_dbtp']:.1f} dBTP, {clip['engine']}"
        )
        due = NOW() + timedelta(seconds=LEAD_S)
        plan = [{"rule": {"kind": "once", "at": due.isoformat()}, "targets": {"areas": [commune.COMMUNE]}}]
        bulletin = self._rendered(self.editor.edit(bulletin, **content, plan=plan))
        self.editor.submit(bulletin)
        self.approver.release(bulletin["id"])
        self._tell.step(f"Đã duyệt, phát lúc {self._tell.at(due)} (released)")
        found: list[Json] = []

        def planned() -> bool:
            found[:] = self.operator.airings(bulletin["id"])
            return bool(found)

        self.processes.wait(planned, within_s=15, what="the airing is planned")
        airing = self._follow(found[0])
        return self._report(bulletin, airing)

    def _up(self) -> bool:
        with suppress(httpx.TransportError):
            return bool(httpx.get(f"{self._settings.base_url}/healthz", timeout=2, trust_env=False).is_success)
        return False

    def _online(self) -> bool:
        online = [row for row in self.operator.receivers() if row["presence"] == "online"]
        return len(online) >= len(commune.RECEIVERS)

    def _moved(self, path: Path) -> bool:
        """Whether the receiver has its provision. The embedded broker's port is chosen anew when the old one is taken."""
        if not path.is_file():
            return False
        provision = json.loads(path.read_bytes())
        provision["broker"]["port"] = self._settings.broker_port
        write_private(path, json.dumps(provision).encode(), overwrite=True)
        return True

    def _accept(self, receiver: commune.DemoReceiver, before: int) -> None:
        """Do what an operator does who stands before the device: type the code that it shows."""
        shown: list[re.Match[str]] = []

        def shows_a_code() -> bool:
            shown[:] = _CODE.finditer(self.processes.said(receiver.id)[before:])
            return bool(shown)

        self.processes.wait(shows_a_code, within_s=60, what=f"{receiver.id} shows its code")
        code, fingerprint = "".join(shown[-1].group(1, 2)), shown[-1].group(3)
        self.operator.accept(
            code=code,
            fingerprint=fingerprint,
            receiver=receiver.id,
            name=receiver.name,
            kind=receiver.kind,
            area=receiver.area,
        )
        self._tell.fact(f"{receiver.name}: mã {code}, dấu nhận dạng {fingerprint} (code and fingerprint accepted)")

    def _rendered(self, bulletin: Json) -> Json:
        current = [bulletin]

        def done() -> bool:
            current[0] = self.editor.bulletin(bulletin["id"])
            return bool(current[0]["rendering"] != "pending")

        self.processes.wait(done, within_s=300, what="the speech is made")
        if current[0]["rendering"] == "failed":
            cause = str(current[0]["rendering_error"])
            raise SetupError(cause, f"The speech could not be made: {cause}")
        return current[0]

    def _settled(self, bulletin: Json) -> Json:
        """As an editor would, the demo's says yes to the readings of which the script is not certain."""
        uncertain = bulletin["quality"]["uncertain"]
        if not uncertain:
            return bulletin
        self._tell.step("Xác nhận cách đọc chưa chắc (confirming uncertain readings)")
        bulletin = self._rendered(self.editor.settle(bulletin))
        for one in bulletin["readings"]:
            self._tell.fact(f"“{one['text']}” đọc là (is read as) “{one['reading']}”")
        return bulletin

    def _follow(self, airing: Json) -> Json:
        due = datetime.fromisoformat(airing["due_at"])
        until = due + timedelta(milliseconds=airing["duration_ms"], seconds=AFTER_S) + self._settings.late_limit
        told: set[tuple[str, str]] = set()
        state = airing
        for fresh in self.operator.follow(airing["id"], until, NOW):
            self.processes.check()
            if not fresh:
                continue
            state = fresh
            if fresh["sent_at"] and ("", "sent") not in told:
                told.add(("", "sent"))
                self._tell.rung(datetime.fromisoformat(fresh["sent_at"]), "máy chủ (broker)", "sent", None)
            for row in fresh["receivers"]:
                for name, at in sorted(row["states"].items(), key=lambda item: str(item[1])):
                    if (row["receiver"], name) not in told:
                        told.add((row["receiver"], name))
                        self._tell.rung(datetime.fromisoformat(at), row["name"], name, row["reason"])
            if len(fresh["receivers"]) >= len(commune.RECEIVERS) and all(
                row["outcome"] in ("finished", "missed", "failed", "interrupted", "cancelled", "refused")
                for row in fresh["receivers"]
            ):
                break
        return state

    def _report(self, bulletin: Json, airing: Json) -> Json:
        orders = {row["order_id"] for row in self.operator.log(airing["id"])}
        chain = self.operator.verification()
        receivers = []
        for row in airing["receivers"]:
            entry: dict[str, Any] = {
                name: row[name] for name in ("receiver", "name", "kind", "outcome", "states", "reason", "evidence")
            }
            played = self._folder / "receivers" / row["receiver"] / "played"
            for wav in (played / f"{order}.wav" for order in orders):
                if wav.is_file():
                    heard = measure(wav)
                    entry["wav"] = {
                        "path": str(wav),
                        "duration_ms": heard.duration_ms,
                        "lufs": heard.lufs,
                        "true_peak_dbtp": heard.true_peak_dbtp,
                    }
            receivers.append(entry)
        finished = sum(row["outcome"] == "finished" for row in receivers)
        clip = bulletin["clip"]
        return {
            "ok": finished == len(commune.RECEIVERS) == len(receivers) and chain["ok"],
            "bulletin": {"id": bulletin["id"], "title": bulletin["title"]},
            "airing": {name: airing[name] for name in ("id", "due_at", "sent_at", "duration_ms", "state")},
            "clip": {name: clip[name] for name in clip},
            "settled": [{"text": one["text"], "reading": one["reading"]} for one in bulletin["readings"]],
            "receivers": receivers,
            "as_run": {"rows": chain["rows"], "chain_ok": chain["ok"]},
        }


def _bulletin(file: Path | None, turn: int) -> tuple[str, str]:
    if file is None:
        texts = commune.bulletins()
        return texts[turn % len(texts)]
    try:
        title, text = commune.split(file.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"Không đọc được {file}: {error}", f"{file} cannot be read as UTF-8 text: {error}") from error
    if not text:
        raise SetupError(f"{file} không có nội dung.", f"{file} is empty. Write a title and a text into it.")
    return title, text


def run_once(*, bulletin: Path | None, folder: Path | None, json_output: bool) -> int:
    """Air one bulletin on free ports; 0 only when all three receivers confirmed `finished`."""
    title, text = _bulletin(bulletin, 0)
    teller = Teller(load_settings().zone, quiet=json_output)
    with tempfile.TemporaryDirectory(prefix="broadcaster-demo-") as temporary:
        demo = Demo(folder or Path(temporary), port=free_port(), teller=teller)
        try:
            with _stoppable():
                demo.start()
                report = demo.air(title, text)
        finally:
            demo.stop()
        if folder is None:
            for row in report["receivers"]:
                row.get("wav", {}).pop("path", None)  # gone with the folder
    if json_output:
        sys.stdout.write(json.dumps(report, ensure_ascii=False, indent=1) + "\n")
    else:
        teller.result(report)
    return 0 if report["ok"] else 1


def run_demo(*, folder: Path, port: int, bulletin: Path | None) -> int:
    """Stay up until Ctrl-C; air one bulletin at the start."""
    teller = Teller(load_settings().zone)
    demo = Demo(folder, port=port, teller=teller)
    title, text = _bulletin(bulletin, demo.state.aired)
    try:
        with _stoppable():
            demo.start()
            base = f"http://127.0.0.1:{port}/"
            teller.fact(f"Trang điều hành (page): {base}")
            for name, password in demo.state.passwords.items():
                teller.fact(f"Đăng nhập (log-in): {name} / {password}")
            if demo.welcome is not None:
                teller.fact(f"Người quản trị đầu tiên, một lần (first administrator, once): {demo.welcome}")
            report = demo.air(title, text)
            teller.result(report)
            replace(demo.state, aired=demo.state.aired + 1).save(folder.absolute())
            teller.step(f"Đài đang chạy tại {base} — Ctrl-C để dừng (to stop)")
            demo.processes.wait(_never, within_s=timedelta(days=3650).total_seconds(), what="Ctrl-C")
    except _StopAskedError:
        teller.step("Đang dừng (stopping)")
        demo.stop()
        teller.step("Đã dừng (stopped)")
        return 0
    finally:
        demo.stop()
    return 1


class _StopAskedError(BroadcasterError):
    """Somebody pressed Ctrl-C, or asked this process to end."""

    code = "stopped"


class _stoppable:  # noqa: N801  a context manager reads as a word
    """Turns SIGINT and SIGTERM into an exception at the place that waits."""

    def __enter__(self) -> None:
        self._before: dict[int, Any] = {
            number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)
        }

    def __exit__(self, *_exc: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @staticmethod
    def _stop(_number: int, _frame: object) -> None:
        raise _StopAskedError("Đã dừng.", "Stopped.")


def _never() -> bool:
    return False
