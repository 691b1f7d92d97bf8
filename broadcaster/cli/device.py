"""`receiver`: the agent's process."""

import json
import sys
from pathlib import Path

from broadcaster.cli.logs import set_up_logs
from broadcaster.errors import SetupError
from devices.receiver.provision import initialise
from devices.receiver.run import ReceiverError, enrol_receiver, renew_receiver, run_receiver
from devices.wire.messages import Kind
from devices.wire.signing import KeyFileError


def initialise_receiver(folder: Path) -> None:
    """Make the receiver's key, and print the public half as JSON."""
    try:
        key = initialise(folder)
    except (KeyFileError, OSError) as error:
        raise SetupError(f"Không tạo được khóa: {error}", f"The key cannot be made: {error}") from error
    sys.stdout.write(json.dumps(key.to_jwk()) + "\n")


def enrol(folder: Path, url: str, *, kind: Kind, name: str, page_port: int | None) -> bool:
    """Wait, with a code on the terminal and on the page, until somebody takes the device into service."""
    set_up_logs()
    try:
        return enrol_receiver(folder, url, kind=kind, name=name, page_port=page_port)
    except ReceiverError as error:
        raise SetupError(f"Không đăng ký được thiết bị: {error}", str(error)) from error


def renew(folder: Path, *, new_key: bool) -> None:
    """Change the receiver's secret, and perhaps its key, while the agent runs or not."""
    try:
        renew_receiver(folder, new_key=new_key)
    except ReceiverError as error:
        raise SetupError(f"Không đổi được mật khẩu thiết bị: {error}", str(error)) from error


def run(folder: Path, *, sink: str, page_port: int | None, amplifier: tuple[str | None, Path | None]) -> int:
    """Run until SIGINT or SIGTERM; `amplifier` is the command or the file that switches it."""
    set_up_logs()
    try:
        return run_receiver(
            folder, sink=sink, page_port=page_port, amplifier_command=amplifier[0], amplifier_file=amplifier[1]
        )
    except ReceiverError as error:
        raise SetupError(f"Thiết bị không khởi động được: {error}", str(error)) from error
