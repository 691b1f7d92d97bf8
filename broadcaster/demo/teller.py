"""Tells people what happens: progress on a terminal, plain lines otherwise."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.markup import escape
from rich.status import Status

_RUNGS = {
    "sent": "đã gửi",
    "received": "máy nhận",
    "ready": "tải xong",
    "started": "bắt đầu",
    "finished": "kết thúc",
    "refused": "từ chối",
    "cancelled": "đã hủy",
    "missed": "lỡ giờ",
    "interrupted": "bị ngắt",
    "failed": "hỏng",
}
_GOOD = ("sent", "received", "ready", "started", "finished")


class Teller:
    """Writes to standard output; a terminal also gets a line that shows what is being waited for."""

    def __init__(self, zone: str, *, quiet: bool = False) -> None:
        self._zone = ZoneInfo(zone)
        self._console = Console(quiet=quiet, highlight=False, soft_wrap=True)
        self._status: Status | None = None

    def step(self, what: str) -> None:
        """What is being done now."""
        if self._status is not None:
            self._status.stop()
            self._status = None
        self._console.print(f"[bold]•[/] {escape(what)}")
        if self._console.is_terminal and not self._console.quiet:
            self._status = self._console.status("")
            self._status.start()

    def at(self, instant: datetime) -> str:
        """An instant as the station's clock shows it, to the second."""
        return instant.astimezone(self._zone).strftime("%H:%M:%S")

    def fact(self, what: str) -> None:
        """Something to know."""
        self._console.print(f"  {escape(what)}")

    def rung(self, at: datetime, who: str, state: str, reason: str | None) -> None:
        """A rung of the ladder of proof, as the receiver stated it."""
        colour = "green" if state in _GOOD else "red"
        because = f" — {reason}" if reason and state not in _GOOD else ""
        instant = at.astimezone(self._zone).strftime("%H:%M:%S.%f")[:-3]
        self._console.print(
            f"  {instant}  {escape(f'{who:<24}')} [{colour}]{_RUNGS.get(state, state)}[/] ({state}){escape(because)}"
        )

    def result(self, report: dict[str, Any]) -> None:
        """The end of an airing."""
        if self._status is not None:
            self._status.stop()
            self._status = None
        finished = sum(row["outcome"] == "finished" for row in report["receivers"])
        self._console.print(
            f"[bold {'green' if report['ok'] else 'red'}]Máy xác nhận đã phát: {finished}/{len(report['receivers'])}[/] "
            f"(confirmed as played); nhật ký {report['as_run']['rows']} dòng, "
            f"chuỗi băm {'đúng' if report['as_run']['chain_ok'] else 'SAI'} (as-run log)"
        )
