"""A flood of fuzzed messages on every topic that a receiver reads, as somebody with the broker's own rights could send."""

import base64
import json
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from devices.wire import topics
from devices.wire.examples import payload
from devices.wire.messages import Order
from devices.wire.signing import SigningKey, sign
from tests.station import AREAS, Station


def messages(station: Station, receiver: str, genuine: Order, seed: int) -> Iterator[tuple[str, bytes]]:
    """Topics and payloads without end: noise, broken, cut, foreign and strange documents, and true ones repeated."""
    draw = random.Random(seed)
    intruder = SigningKey.generate("station-1")
    good = sign(genuine, station.key)
    spaces = [topics.area_order(area, "{}") for area in AREAS] + [topics.receiver_order(receiver, "{}")]
    spaces += [topics.area_stop(AREAS[1], "{}"), topics.receiver_stop(receiver, "{}")]
    spaces += [
        topics.of_receiver(receiver, "configuration"),
        topics.of_receiver(receiver, "acknowledgements"),
        topics.of_receiver(receiver, "clock-answers"),
        topics.of_receiver(receiver, "wipe"),
        topics.area_rehomings(AREAS[0]),
        topics.keys("station-1"),
    ]
    number = 0
    while True:
        number += 1
        topic = draw.choice(spaces).format(f"f{draw.randrange(1000)}")
        match draw.randrange(8):
            case 0:
                data = draw.randbytes(draw.randrange(1, 400))
            case 1:
                place = draw.randrange(len(good))
                data = good[:place] + bytes([draw.randrange(33, 127)]) + good[place + 1 :]
            case 2:
                data = good[: draw.randrange(1, len(good))]
            case 3:
                changed = payload(genuine) | {"id": f"f{number}", "revision": draw.randrange(1, 2**40)}
                data = intruder.sign_bytes(json.dumps(changed).encode(), Order.TYP)
            case 4:  # the station's own signature under what is no document
                strange = draw.choice([{}, [], "x", 1, None, payload(genuine) | {"play_at": draw.random()}])
                data = station.key.sign_bytes(json.dumps(strange).encode(), draw.choice([Order.TYP, "x", "stop+jws"]))
            case 5:
                head = base64.urlsafe_b64encode(b'{"alg":' + b"[" * draw.randrange(2000)).rstrip(b"=")
                data = head + b"." + head + b"." + head
            case 6:
                data = good  # the very document, again and elsewhere
            case _:
                data = b"A" * draw.choice([1, 4096, 65_537])
        yield topic, data


@dataclass
class Flood:
    """Sends so many a second, on a thread of its own, until it is stopped."""

    station: Station
    source: Iterator[tuple[str, bytes]]
    per_s: float
    sent: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Flood":
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        begin = time.monotonic()
        while not self._stop.wait(0.02):
            while self.sent < (time.monotonic() - begin) * self.per_s and not self._stop.is_set():
                self.station.link.publish(*next(self.source))
                self.sent += 1


def resident_bytes(pid: int) -> int:
    """A process's resident memory."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


def cpu_seconds(pid: int) -> float:
    """The processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100
