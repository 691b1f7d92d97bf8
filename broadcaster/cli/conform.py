"""`conform`: the conformance kit at the command line."""

import json
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import structlog

from broadcaster.errors import SetupError
from devices.brokers.embedded import EmbeddedBrokerError
from devices.conformance.run import ConformanceError, Report, Trial, conform, enrol
from devices.conformance.subject import SubjectError
from devices.wire.messages import Kind
from devices.wire.signing import PublicKey

MARKS = {"pass": "ok", "fail": "FAIL", "not tried": "-"}


def run_kit(
    *,
    receiver: str | None,
    enrolment: str | None,
    public_key: Path | None,
    folder: Path | None,
    kind: Kind,
    host: str,
    only: list[str],
    patience_s: float,
    connect_within_s: float,
    json_output: bool,
) -> int:
    """0 if every required point passed, 1 otherwise."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))  # the report says what was seen
    if receiver is None and folder is None:
        raise SetupError(
            "Hãy cho biết --receiver (lệnh chạy thiết bị) hoặc --folder (nơi ghi provision.json).",
            "Give --receiver (the command that runs it) or --folder (where provision.json is to be written).",
        )
    with ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="conform-")))
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            key = _key(enrolment, public_key, folder)
            trial = Trial(
                folder=folder.resolve(),
                kind=kind,
                command=receiver,
                host=host,
                only=tuple(only),
                patience_s=patience_s,
                connect_within_s=connect_within_s,
            )
            report = conform(trial, key, provisioned=lambda path: _invite(path, receiver), judged=_progress)
        except (ConformanceError, SubjectError, EmbeddedBrokerError, OSError) as error:
            raise SetupError(f"Không kiểm thử được thiết bị: {error}", str(error)) from error
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
    sys.stdout.write(
        json.dumps(report.to_json(), ensure_ascii=False, indent=1) + "\n" if json_output else _text(report)
    )
    return 0 if report.passed else 1


def _key(enrolment: str | None, file: Path | None, folder: Path) -> PublicKey:
    if (enrolment is None) == (file is None):
        raise ConformanceError("Give the receiver's public key: either --key FILE, or --enrol COMMAND that prints it.")
    text = enrol(enrolment, folder) if enrolment is not None else file.read_text() if file is not None else ""
    try:
        return PublicKey.from_jwk(json.loads(text))
    except (ValueError, AttributeError) as error:
        raise ConformanceError(f"The receiver's public key is no JWK (RFC 8037, with a kid): {error}") from error


def _invite(path: Path, receiver: str | None) -> None:
    if receiver is None:
        sys.stderr.write(f"Start the receiver with {path}\n")


def _progress(done: int, all_: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done} of {all_} points")
        sys.stderr.flush()


def _text(report: Report) -> str:
    width = max(len(v.point.id) for v in report.verdicts)
    lines = []
    for verdict in report.verdicts:
        optional = "" if verdict.point.required else " (optional)"
        lines.append(
            f"{MARKS[verdict.result]:<4}  {verdict.point.id:<{width}}  {verdict.point.section:>2}  {verdict.point.demand}{optional}"
        )
        if verdict.seen:
            lines.append(f"{'':<{width + 12}}{verdict.seen}")
    lines.append("")
    lines.append(
        f"{report.count('pass')} passed, {report.count('fail')} failed, {report.count('not tried')} not tried. "
        + ("Every required point passed." if report.passed else "It does not conform to version 1 yet.")
    )
    return "\n".join(lines) + "\n"
