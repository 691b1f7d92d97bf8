"""The station's end of the clock: answers receivers who ask what time it is, on a link and a thread of its own.

The time between a probe's arrival and its answer's departure is in the answer, so that a busy station costs no
precision; a queue in front of the answer would.
"""

import threading
import time
from collections.abc import Callable

import structlog

from devices.links.port import Delivery, Link
from devices.wire import topics
from devices.wire.messages import ClockAnswer, ClockProbe, Document
from devices.wire.signing import Keyring, RefusedError, verify

log = structlog.get_logger(__name__)
KEYS_KEPT_S = 60.0
LONGEST_SIGNING_US = 2000


class ClockAnswers:
    """Reads `clock-probes` of all receivers and answers each on its `clock-answers`."""

    def __init__(
        self,
        link: Link,
        station: str,
        *,
        sign: Callable[[Document], bytes],
        keys: Callable[[str], Keyring | None],
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        """`keys` gives the key ring of a receiver in service, None for any other name; `now_us` is the station's clock."""
        self._now_us = now_us
        self._signing_us = 0  # how long signing and sending an answer takes, smoothed
        self._link = link
        self._station = station
        self._sign = sign
        self._keys = keys
        self._known: dict[str, tuple[float, Keyring | None]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="clock-answers", daemon=True)

    def start(self) -> None:
        """Open the link and answer until `stop`."""
        self._link.subscribe(topics.of_receiver("+", "clock-probes"))
        self._link.open()
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and close the link."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        self._link.close()

    def _work(self) -> None:
        while not self._stop.is_set():
            deliveries = self._link.receive(limit=100, wait_s=0.5)
            for delivery in deliveries:
                try:
                    self._answer(delivery)
                except Exception:  # one strange probe must not end the clock of all
                    log.exception("a clock probe was not answered")
            self._link.acknowledge(deliveries)

    def _answer(self, delivery: Delivery) -> None:
        topic = topics.parse(delivery.topic)
        if topic is None or topic.subject != "clock-probes" or not delivery.payload:
            return
        keys = self._keyring(topic.name)
        if keys is None:
            return
        try:
            probe = verify(delivery.payload, keys, ClockProbe)
        except RefusedError as error:
            log.info("refused a clock probe", receiver=topic.name, reason=error.reason.value)
            return
        if (probe.station, probe.receiver) != (self._station, topic.name):
            return
        now_us = self._now_us()
        waited_us = round((time.monotonic() - delivery.arrived) * 1_000_000)
        begun_us = self._now_us()
        answer = ClockAnswer(
            station=self._station,
            receiver=topic.name,
            probe=probe.id,
            arrived_us=now_us - waited_us,
            left_us=begun_us + self._signing_us,  # it leaves when it is signed
        )
        document = self._sign(answer)
        self._link.publish(topics.of_receiver(topic.name, "clock-answers"), document)
        took_us = min(max(0, self._now_us() - begun_us), LONGEST_SIGNING_US)
        self._signing_us += (took_us - self._signing_us) // 8

    def _keyring(self, receiver: str) -> Keyring | None:
        now = time.monotonic()
        kept = self._known.get(receiver)
        if kept is None or now - kept[0] > KEYS_KEPT_S:
            if len(self._known) > 50_000:
                self._known.clear()
            kept = self._known[receiver] = (now, self._keys(receiver))
        return kept[1]
