"""Runs the cases and tells how the receiver did."""

import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devices.conformance.cases import CASES, Case, airing, connection, fetching, proof, refusals, trust, withdrawal
from devices.conformance.points import POINTS, Verdict
from devices.conformance.rig import CaseOverError, NotSeenError, Rig
from devices.conformance.subject import Subject, SubjectError, arguments
from devices.wire.messages import VERSION, Kind
from devices.wire.signing import PublicKey

MODULES = (connection, airing, withdrawal, refusals, fetching, proof, trust)
"""In this order cases that run alone take their turns."""
ENROL_S = 60.0


class ConformanceError(Exception):
    """The kit cannot begin; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What is to be tried, and how."""

    folder: Path
    kind: Kind = "loudspeaker"
    command: str | None = None  # None: the receiver is started by somebody else
    host: str = "127.0.0.1"
    only: tuple[str, ...] = ()
    patience_s: float = 5.0
    connect_within_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Report:
    """Verdicts in the order of the points."""

    verdicts: tuple[Verdict, ...]

    @property
    def passed(self) -> bool:
        """Whether every required point did, and what the receiver says that it supports."""
        return all(v.result == "pass" for v in self.verdicts if v.point.required) and not any(
            v.result == "fail" for v in self.verdicts if v.point.supports
        )

    def count(self, result: str) -> int:
        """How many points ended so."""
        return sum(v.result == result for v in self.verdicts)

    def to_json(self) -> dict[str, Any]:
        """For --json."""
        return {
            "protocol": VERSION,
            "passed": self.passed,
            "points": [
                {
                    "id": v.point.id,
                    "section": v.point.section,
                    "demand": v.point.demand,
                    "required": v.point.required,
                    "result": v.result,
                    "seen": v.seen,
                }
                for v in self.verdicts
            ],
        }


def selected(only: tuple[str, ...], kind: Kind) -> set[str]:
    """The ids of points that are wanted: by id, or by what stands before the dot. Raises ConformanceError."""
    known = {point.id for point in POINTS if kind in point.kinds}
    if not only:
        return known
    found = {name for name in known if any(name == wanted or name.startswith(f"{wanted}.") for wanted in only)}
    for wanted in only:
        if not any(name == wanted or name.startswith(f"{wanted}.") for name in known):
            groups = ", ".join(sorted({name.partition(".")[0] for name in known}))
            raise ConformanceError(f"There is no point {wanted!r} for a {kind}. Points begin with: {groups}.")
    return found


def enrol(command: str, folder: Path) -> str:
    """What the receiver's own command prints: its public key as a JWK. Raises ConformanceError."""
    try:
        done = subprocess.run(arguments(command, folder), capture_output=True, timeout=ENROL_S, check=False)
    except (OSError, SubjectError, subprocess.TimeoutExpired) as error:
        raise ConformanceError(f"The receiver's key cannot be had: {error}") from error
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
        raise ConformanceError(f"The command for the key ended with {done.returncode}: {last[0]}")
    return done.stdout.decode(errors="replace")


def conform(
    trial: Trial,
    public_key: PublicKey,
    *,
    provisioned: Callable[[Path], None] = lambda _path: None,
    judged: Callable[[int, int], None] = lambda _done, _all: None,
) -> Report:
    """Try a receiver. `provisioned` is told where its provision.json lies; `judged` how far it is.

    Raises ConformanceError, EmbeddedBrokerError, SubjectError, OSError.
    """
    wanted = selected(trial.only, trial.kind)
    subject = None if trial.command is None else Subject(trial.command, trial.folder)
    rig = Rig(
        trial.folder,
        public_key,
        kind=trial.kind,
        host=trial.host,
        patience_s=trial.patience_s,
        connect_within_s=trial.connect_within_s,
    )
    try:
        provisioned(rig.provision(trial.host))
        rig.subject = subject
        if subject is not None:
            subject.start()
        _run(rig, wanted, lambda: judged(len(rig.verdicts.keys() & wanted), len(wanted)))
        if rig.tap.connections:
            proof.judge_what_was_said(rig)
    finally:
        if subject is not None:
            subject.kill()
        rig.close()
    return Report(tuple(_verdict(rig, point.id) for point in rig.all_points if point.id in wanted))


def _run(rig: Rig, wanted: set[str], progress: Callable[[], None]) -> None:
    cases = sorted(CASES, key=lambda case: [module.__name__ for module in MODULES].index(case.run.__module__))
    cases = [case for case in cases if case.phase == "first" or wanted & set(case.points)]
    cases = [case for case in cases if any(name in {p.id for p in rig.all_points} for name in case.points)]

    def run(case: Case) -> None:
        if case.needs_process and rig.subject is None:
            for name in case.points:
                rig.judge(name, "not tried", "the kit did not start the receiver, and cannot cut its power")
            return
        try:
            case.run(rig)
        except CaseOverError as over:
            for name in case.points:
                rig.judge(name, "not tried", f"{over} failed before")
        except NotSeenError as error:  # between two points
            for name in case.points:
                rig.judge(name, "fail", str(error))
        progress()

    for case in cases:
        if case.phase == "first" and (rig.tap.connections or case is cases[0]):
            run(case)
    if not rig.tap.connections:
        return
    together = [case for case in cases if case.phase == "together"]
    with ThreadPoolExecutor(max(1, len(together))) as pool:
        for future in [pool.submit(run, case) for case in together]:
            future.result()
    for case in sorted((case for case in cases if case.phase == "last"), key=lambda case: case.needs_process):
        run(case)


def _verdict(rig: Rig, name: str) -> Verdict:
    rig.judge(name, "not tried", "the receiver never connected")
    return rig.verdicts[name]
