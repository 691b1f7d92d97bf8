"""What is said of a Mosquitto's configuration file."""

import re
from pathlib import Path

from devices.brokers.mosquitto import advice

HOW_TO = (Path(__file__).parents[3] / "docs" / "how-to" / "brokers.md").read_text(encoding="utf-8")


def test_the_file_of_the_how_to_is_right() -> None:
    (shown,) = re.findall(r"```\n(listener 8883\n.*?)```", HOW_TO, re.DOTALL)
    assert advice(shown) == []


def test_what_differs_is_said() -> None:
    said = advice("listener 1883\n# persistence true\nallow_anonymous true\nmax_queued_messages 0\n")
    assert [line.split("'")[1].split()[0] for line in said] == [
        *("allow_anonymous", "persistence", "allow_duplicate_messages", "max_inflight_messages"),
        "persistent_client_expiration",
    ]
    assert "receipts are dropped" in " ".join(advice("max_queued_messages 1000"))
