"""What is wrong with a receiver, as sentences for an operator and as words for a machine."""

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

STORAGE_LOW_BYTES = 100 * 1024**2
HOT_C = 80.0
"""A Raspberry Pi slows down from 80 °C on."""
THERMAL = Path("/sys/class/thermal")
THROTTLED = Path("/sys/devices/platform/soc/soc:firmware/get_throttled")
"""Raspberry Pi: bits 0 to 3 are under-voltage, capped, throttled, soft temperature limit, all of now."""


@dataclass
class Account:
    """Conditions found, each with its sentence."""

    conditions: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def add(self, condition: str, sentence: str) -> None:
        """Note a condition."""
        self.conditions.append(condition)
        self.problems.append(sentence[:200])


@dataclass(frozen=True)
class Machine:
    """What the machine says about itself; the paths are settings so that other boards can be read."""

    folder: Path
    thermal: Path = THERMAL
    throttled: Path = THROTTLED

    def free_bytes(self) -> int:
        """Of the disk that holds the receiver's folder; 0 where it cannot be read."""
        try:
            return shutil.disk_usage(self.folder).free
        except OSError:
            return 0

    def temperature_c(self) -> float | None:
        """The hottest thermal zone; None where there is none."""
        found = [_number(zone / "temp") for zone in self.thermal.glob("thermal_zone*")]
        known = [value / 1000 for value in found if value is not None]
        return round(max(known), 1) if known else None

    def look(self, account: Account) -> None:
        """Note what is wrong with disk, temperature and power."""
        free = self.free_bytes()
        if free < STORAGE_LOW_BYTES:
            account.add("storage_low", f"Only {free // 1024 // 1024} MiB of the disk are free.")
        if not os.access(self.folder, os.W_OK):
            account.add("storage_unwritable", "The receiver's folder cannot be written.")
        temperature = self.temperature_c()
        if temperature is not None and temperature >= HOT_C:
            account.add("temperature_high", f"The processor is at {temperature:.0f} °C: give it air or shade.")
        bits = _number(self.throttled, base=16)
        if bits is not None and bits & 0b1111:
            cause = "its power supply is too weak" if bits & 0b1 else "it is too hot"
            account.add("throttled", f"The processor is slowed down because {cause}.")


def _number(path: Path, *, base: int = 10) -> int | None:
    try:
        return int(path.read_text(encoding="ascii").strip(), base)
    except (OSError, ValueError):
        return None
