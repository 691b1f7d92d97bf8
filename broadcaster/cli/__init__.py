"""The command line: one-line errors, honest exit codes (0 done, 1 failed, 2 wrong usage), `--help` everywhere."""

from broadcaster.cli.main import main

__all__ = ["main"]
