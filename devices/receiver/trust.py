"""What a receiver trusts, and how that changes: the station's keys that follow each other, and the order to forget."""

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

import structlog

from devices.links.port import Delivery
from devices.receiver.clock import Clock
from devices.receiver.journal import OPEN, Journal
from devices.receiver.provision import Pin, Provision
from devices.wire import topics
from devices.wire.enrolment import StationKeys, Wipe
from devices.wire.messages import Reason
from devices.wire.signing import Keyring, PublicKey, RefusedError, SigningKey, thumbprint, verify

log = structlog.get_logger(__name__)
WIPE_NOTE = "wipe"


class Pins(Keyring):
    """The station's keys that are pinned here, each until its time is over. `replace` changes them for all who hold this."""

    __slots__ = ("_clock", "_until")

    def __init__(self, pins: Iterable[Pin], clock: Clock) -> None:
        self._clock = clock
        self._until: dict[str, datetime | None] = {}
        self.replace(pins)

    def replace(self, pins: Iterable[Pin]) -> None:
        """Pin these keys and no others."""
        pins = tuple(pins)
        super().__init__(PublicKey.from_jwk(pin.jwk) for pin in pins)
        self._until = {pin.jwk["kid"]: pin.until for pin in pins}

    def __getitem__(self, kid: str) -> PublicKey:
        until = self._until.get(kid)
        if until is not None and self._clock.now() >= until:
            raise KeyError(kid)
        return super().__getitem__(kid)


class Trust:
    """Handles the station's keys and the order to wipe, before anything else looks at a message."""

    def __init__(
        self,
        folder: Path,
        provision: Provision,
        key: SigningKey,
        pins: Pins,
        *,
        journal: Journal,
        clock: Clock,
        repinned: Callable[[], None],
    ) -> None:
        """`repinned`: other keys are pinned now, so that what was refused before may be believed."""
        self._folder = folder
        self._provision = provision
        self._thumbprint = thumbprint(key.public().to_jwk())
        self._pins = pins
        self._journal = journal
        self._clock = clock
        self._repinned = repinned
        self.wipe: Wipe | None = None
        noted = journal.note(WIPE_NOTE)
        if noted is not None:
            self.wipe = Wipe.model_validate_json(noted)

    def handle(self, delivery: Delivery) -> bool:
        """Whether the message was one of these; what it says is on disk when it returns."""
        parsed = topics.parse(delivery.topic)
        if parsed is None or not delivery.payload:
            return False
        if parsed.subject == "keys":
            self._keys(delivery.payload)
            return True
        if parsed.subject == "wipe" and parsed.name == self._provision.receiver:
            self._wipe(delivery.payload)
            return True
        return False

    def _keys(self, payload: bytes) -> None:
        try:
            found = verify(payload, self._pins, StationKeys)
        except RefusedError as error:
            log.info("station keys that are not for us to believe", reason=error.reason.value)
            return
        if found.station != self._provision.station or found.revision <= self._provision.keys_revision:
            return
        pins = tuple(Pin(jwk=key.jwk, until=key.until) for key in found.keys)
        self._provision = self._provision.model_copy(
            update={
                "station_keys": tuple(pin.jwk for pin in pins),
                "station_key_times": {pin.jwk["kid"]: pin.until for pin in pins if pin.until is not None},
                "keys_revision": found.revision,
            }
        )
        self._provision.save(self._folder)
        self._pins.replace(pins)
        log.info("the station's keys", revision=found.revision, keys=[pin.jwk["kid"] for pin in pins])
        self._repinned()

    def _wipe(self, payload: bytes) -> None:
        try:
            found = verify(payload, self._pins, Wipe)
        except RefusedError as error:
            log.warning("refused a wipe", reason=error.reason.value, detail=str(error))
            return
        mine = (self._provision.station, self._provision.receiver, self._thumbprint)
        if (found.station, found.receiver, found.key_thumbprint) != mine or self._clock.now() >= found.expires_at:
            log.warning("refused a wipe that is for another receiver or key, or expired")
            return
        if self.wipe is not None:
            return
        self._journal.set_note(WIPE_NOTE, found.model_dump_json().encode())
        self.wipe = found
        now = self._clock.now()
        for entry in self._journal.entries(*OPEN):
            self._journal.advance(
                entry.order,
                "cancelled",
                now,
                only_from=OPEN,
                reason=Reason.CANCELLED,
                detail="The receiver is to be wiped.",
            )
        log.warning("the station has this receiver wiped", deadline=found.deadline.isoformat())

    def may_forget(self) -> bool:
        """Whether everything may be forgotten now: it is to be, and no receipt waits, or the time for them is over."""
        if self.wipe is None:
            return False
        settled = self._journal.outbox_size() == 0 and not self._journal.entries("starting", "started", "paused")
        return settled or self._clock.now() >= self.wipe.deadline
