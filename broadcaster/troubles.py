"""What is wrong with a receiver by its own account: the trouble's name, and the figure behind it."""

from broadcaster.storage.models import Json
from devices.wire.messages import Health

DISK_LOW_BYTES = 100 * 1024**2
HOT_C = 80.0
CLOCK_WRONG_MS = 2000.0
"""It plays by the station's clock, whatever its own says; so wrong a one comes of a dead battery and is lost at the next power cut."""
CLOCK_UNSURE_MS = 500.0
_BY_CONDITION = {
    "storage_low": "disk_full",
    "storage_unwritable": "disk_broken",
    "temperature_high": "hot",
    "throttled": "throttled",
    "output_missing": "output",
    "output_failed": "output",
    "amplifier_failed": "amplifier",
    "configuration_expired": "configuration",
    "documents_refused": "documents_refused",
}
"""A receiver's own words for it (`devices.receiver.health`, protocol: Health). Words that are not known here count as `other`."""
_STARTING = {"unconfigured"}


def troubles_of(health: Health) -> Json | None:
    """None where all is well."""
    found: Json = {}
    for condition, sentence in zip(
        health.conditions, (*health.problems, *("",) * len(health.conditions)), strict=False
    ):
        if condition not in _STARTING:
            found.setdefault(_BY_CONDITION.get(condition, "other"), sentence)
    if health.disk_free_bytes < DISK_LOW_BYTES:
        found["disk_full"] = health.disk_free_bytes
    if health.temperature_c is not None and health.temperature_c >= HOT_C:
        found["hot"] = health.temperature_c
    if health.clock_offset_ms is not None and abs(health.clock_offset_ms) >= CLOCK_WRONG_MS:
        found["clock"] = health.clock_offset_ms
    elif health.clock_uncertainty_ms is not None and health.clock_uncertainty_ms >= CLOCK_UNSURE_MS:
        found["clock"] = health.clock_uncertainty_ms
    return found or None
