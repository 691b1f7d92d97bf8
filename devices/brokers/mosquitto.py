"""Whether a Mosquitto's configuration file holds what was measured to matter (docs/how-to/brokers.md)."""

from collections.abc import Iterator

LEAST_QUEUED = 100_000
LEAST_INFLIGHT = 2_000
SWITCHES = {
    "allow_anonymous": ("false", "anybody may connect"),
    "persistence": ("true", "what is retained and queued is gone after a restart"),
    "allow_duplicate_messages": ("true", "publishing to many receivers grows slow with the square of their number"),
}
DEFAULTS = {"allow_anonymous": "false", "persistence": "false", "allow_duplicate_messages": "false"}


def advice(text: str) -> list[str]:
    """What to change in this mosquitto.conf, in sentences; none if it is right. Included files are not followed."""
    found = dict(_options(text))
    said = []
    for name, (wanted, why) in SWITCHES.items():
        if found.get(name, DEFAULTS[name]) != wanted:
            said.append(f"set '{name} {wanted}': otherwise {why}")
    queued = _number(found.get("max_queued_messages"), 1000)
    if queued != 0 and queued < LEAST_QUEUED:
        said.append(
            f"set 'max_queued_messages {LEAST_QUEUED}': with {queued} receipts are dropped without a word once the station is slower"
        )
    inflight = _number(found.get("max_inflight_messages"), 20)
    if inflight != 0 and inflight < LEAST_INFLIGHT:
        said.append(f"set 'max_inflight_messages {LEAST_INFLIGHT}': {inflight} slow the station's own queue down")
    if "persistent_client_expiration" not in found:
        said.append(
            "set 'persistent_client_expiration 14d': otherwise sessions of receivers that are gone stay for ever"
        )
    return said


def _options(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, _, value = line.strip().partition(" ")
        if name and not name.startswith("#"):
            yield name, value.strip()


def _number(value: str | None, default: int) -> int:
    return int(value) if value is not None and value.isdigit() else default
