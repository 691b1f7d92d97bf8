"""`receiver`: the agent's process."""

import json
import sys
from pathlib import Path

from broadcaster.cli.logs import set_up_logs
from broadcaster.errors import SetupError
from devices.receiver.provision import initialise
from devices.receiver.run import ReceiverError, run_receiver
from devices.wire.signing import KeyFileError


def initialise_receiver(folder: Path) -> None:
    """Make the receiver's key, and print the public half as JSON."""
    try:
        key = initialise(folder)
    except (KeyFileError, OSError) as error:
        raise SetupError(f"Không tạo được khóa: {error}", f"The key cannot be made: {error}") from error
    sys.stdout.write(json.dumps(key.to_jwk()) + "\n")


def run(folder: Path, *, sink: str, page_port: int | None) -> int:
    """Run until SIGINT or SIGTERM."""
    set_up_logs()
    try:
        return run_receiver(folder, sink=sink, page_port=page_port)
    except ReceiverError as error:
        raise SetupError(f"Thiết bị không khởi động được: {error}", str(error)) from error
