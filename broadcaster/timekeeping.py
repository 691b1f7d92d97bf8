"""Timekeeping: answers the receivers' clock probes, on a connection of its own so that nothing else delays an answer."""

import logging
import threading
import time

from broadcaster.identity import Signatory
from broadcaster.receivers import Receivers
from devices.links.port import Delivery, Link
from devices.wire import topics
from devices.wire.messages import ClockAnswer, ClockProbe
from devices.wire.signing import Keyring, RefusedError, verify

log = logging.getLogger(__name__)
KEYS_LAST_S = 30.0
"""Seconds for which a receiver's key is remembered: a revoked receiver may ask for the time so much longer."""


class Timekeeping:
    """One thread that answers; the clock is the system's, which NTP keeps right, since receivers start by it."""

    def __init__(self, receivers: Receivers, signatory: Signatory, link: Link) -> None:
        self._receivers = receivers
        self._signatory = signatory
        self._link = link
        self._keys: dict[str, tuple[float, Keyring | None]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="timekeeping", daemon=True)

    def start(self) -> None:
        """Connect and begin to answer."""
        self._link.subscribe(topics.of_receiver("+", "clock-probes"))
        self._link.open()
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._link.close()

    def _work(self) -> None:
        while not self._stop.is_set():
            deliveries = self._link.receive(limit=20, wait_s=0.5)
            arrived_us = time.time_ns() // 1000
            for delivery in deliveries:
                try:
                    self.answer(delivery, arrived_us)
                except Exception:  # one odd probe must not end the answering of all others
                    log.exception("a clock probe on %s could not be answered", delivery.topic)
            self._link.acknowledge(deliveries)

    def answer(self, delivery: Delivery, arrived_us: int) -> None:
        """Answer one probe if a receiver in service signed it; `arrived_us` is microseconds since 1970 (UTC)."""
        topic = topics.parse(delivery.topic)
        if topic is None or topic.subject != "clock-probes":
            return
        keys = self._keys_of(topic.name)
        if keys is None:
            return
        try:
            probe = verify(delivery.payload, keys, ClockProbe)
        except RefusedError as error:
            log.warning("clock probe on %s refused: %s", delivery.topic, error)
            return
        if probe.receiver != topic.name or probe.station != self._signatory.station:
            return
        document = ClockAnswer(
            station=self._signatory.station,
            receiver=topic.name,
            probe=probe.id,
            arrived_us=arrived_us,
            left_us=time.time_ns() // 1000,
        )
        # Not waited for: an answer that is late is of no use, and the receiver asks again.
        self._link.publish(topics.of_receiver(topic.name, "clock-answers"), self._signatory.sign(document).encode())

    def _keys_of(self, receiver: str) -> Keyring | None:
        now = time.monotonic()
        known = self._keys.get(receiver)
        if known is None or now - known[0] > KEYS_LAST_S:
            known = (now, self._receivers.keyring(receiver))
            self._keys[receiver] = known
        return known[1]
