"""A PostgreSQL server for tests and benchmarks, on a free port, in a folder of its own."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.brokers import free_port


@contextmanager
def postgresql(*, durable: bool = False) -> Iterator[str]:
    """Its address, without a database's name. `durable`: it waits for the disk, as a station's does; tests need not."""
    binaries = max(Path("/usr/lib/postgresql").glob("*/bin"))
    # Not under pytest's own folder: PostgreSQL refuses to run as root, and only root may look in there.
    folder = Path(tempfile.mkdtemp(prefix="broadcaster-postgres-"))
    prefix: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
        prefix = ["runuser", "-u", "postgres", "--"]
    data, port = folder / "data", free_port()

    def run(program: str, *arguments: str | Path) -> None:
        subprocess.run(
            [*prefix, binaries / program, "-D", data, *arguments], check=True, capture_output=True, cwd=folder
        )

    run("initdb", "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")
    fsync = "" if durable else "-F "
    options = f"{fsync}-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=60"
    run("pg_ctl", "-l", folder / "log", "-w", "-o", options, "start")
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}/"
    finally:
        run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(folder)
