"""`python -m tests.benchmarks [NAME]`: run all benchmarks, or one, and exit 1 if a goal is missed.

A benchmark is a module of this package with `run() -> Result`, or several.
"""

import importlib
import logging
import pkgutil
import subprocess
import sys

import tests.benchmarks as package
from broadcaster.cli.logs import set_up_logs
from broadcaster.cli.main import all_is_loaded

NOT_BENCHMARKS = {"result", "__main__", "table", "pipe"}


def main(wanted: str | None) -> int:
    """Run and print; returns the exit code."""
    names = sorted(item.name for item in pkgutil.iter_modules(package.__path__) if item.name not in NOT_BENCHMARKS)
    if wanted is None:  # each in a process of its own: none finds the memory of another
        return max(
            [subprocess.run([sys.executable, "-m", __package__, name], check=False).returncode for name in names]
        )
    if wanted not in names:
        print(f"There is no benchmark '{wanted}'. There are: {', '.join(names)}.", file=sys.stderr)
        return 2
    set_up_logs()
    logging.getLogger().setLevel(logging.WARNING)
    good = True
    benchmark = importlib.import_module(f"tests.benchmarks.{wanted}")
    all_is_loaded()  # as in a station
    results = benchmark.run()
    for result in results if isinstance(results, tuple) else (results,):
        print(result.line(), flush=True)
        good &= result.ok
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else None))
