"""`fleet`: simulated receivers at the command line."""

import json
import sys

import structlog

from broadcaster.errors import SetupError
from devices.brokers.embedded import EmbeddedBrokerError
from devices.fleet.mosquitto import program
from devices.fleet.trial import Plan, Summary, run
from devices.links.port import LinkError


def run_fleet(plan: Plan, *, json_output: bool) -> int:
    """0 if nothing was lost, doubled or forged; 1 otherwise."""
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(50),  # thousands connect and fail as ordered
    )
    if plan.broker == "mosquitto" and program() is None:
        raise SetupError(
            "Chưa cài Mosquitto. Cài bằng 'apt install mosquitto', hoặc dùng --broker embedded.",
            "Mosquitto is not installed: 'apt install mosquitto', or use --broker embedded.",
        )
    try:
        summary = run(plan, say=_progress if sys.stderr.isatty() else lambda _text: None)
    except (EmbeddedBrokerError, LinkError, OSError) as error:
        raise SetupError(f"Không chạy được mô phỏng: {error}", str(error)) from error
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
    sys.stdout.write(json.dumps(summary.to_json(), indent=1) + "\n" if json_output else _text(summary))
    return 0 if summary.good else 1


def _progress(text: str) -> None:
    sys.stderr.write(f"\r\033[K{text}")
    sys.stderr.flush()


def _text(summary: Summary) -> str:
    lines = [
        f"{summary.receivers} receivers on {summary.broker}, connected in {summary.connected_in_s} s; "
        f"{summary.took_s} s in all, {summary.memory_mb:.0f} MB for fleet and station together",
        f"orders ended:  {_counts(summary.ends)}",
        *(f"  with {fault + ':':<9} {_counts(found)}" for fault, found in sorted(summary.with_fault.items())),
        f"refused:       {_counts(summary.refused)}",
        f"behind the instant: {summary.late_ms['p50']} ms (p50), {summary.late_ms['p99']} ms (p99)",
        f"receipts sent again and written once: {summary.repeated}",
        f"lost {summary.lost}, played twice {summary.doubled}, forged orders played {summary.forged_played}",
    ]
    return "\n".join(lines) + "\n"


def _counts(found: dict[str, int]) -> str:
    return ", ".join(f"{count} {word}" for word, count in sorted(found.items(), key=lambda item: -item[1])) or "none"
