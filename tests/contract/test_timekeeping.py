"""Clock probes are answered for receivers in service, and for nobody else."""

import time

from devices.links.memory import MemoryLink
from devices.links.timekeeping import ClockAnswers
from devices.wire import topics
from devices.wire.messages import ClockAnswer, ClockProbe
from devices.wire.signing import Keyring, SigningKey, sign, verify
from tests.commune import STATION, Commune


def test_a_probe_is_answered_between_its_arrival_and_now(commune: Commune) -> None:
    device = MemoryLink(commune.broker, "loa-dong")
    device.subscribe(topics.of_receiver("loa-dong", "clock-answers"))
    device.open()
    service = ClockAnswers(
        MemoryLink(commune.broker, "clock"),
        STATION,
        sign=lambda document: commune.signatory.sign(document).encode(),
        keys=commune.receivers.keyring,
    )
    service.start()
    try:

        def ask(name: str, key: SigningKey, topic: str = "loa-dong") -> None:
            probe = ClockProbe(station=STATION, receiver="loa-dong", id=name)
            device.publish(topics.of_receiver(topic, "clock-probes"), sign(probe, key))

        before = time.time_ns() // 1000
        ask("forged", SigningKey.generate())
        ask("elsewhere", commune.keys["loa-dong"], topic="loa-doai")
        device.publish(topics.of_receiver("loa-dong", "clock-probes"), b"rubbish")
        ask("mine", commune.keys["loa-dong"])
        (answer,) = device.receive(limit=10, wait_s=10)
        after = time.time_ns() // 1000
        said = verify(answer.payload, Keyring([commune.signatory.key.public()]), ClockAnswer)
        assert said.probe == "mine"
        assert before <= said.arrived_us <= said.left_us <= after
    finally:
        service.stop()
        device.close()
