"""What a receiver does with each message that arrives: whom it believes, what it refuses, what it takes in.

Nothing of a document is looked at before its signature holds under a pinned key of the station.
"""

import hashlib
import re
import time
from collections import Counter
from collections.abc import Callable
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

import structlog

from devices.links.port import Delivery
from devices.receiver.clock import Clock
from devices.receiver.journal import BEGUN, OPEN, Entry, Journal
from devices.receiver.place import Place
from devices.wire import topics
from devices.wire.areas import Rehomings
from devices.wire.messages import Acknowledgement, Cancellation, ClockAnswer, Configuration, Drill, Order, Reason, Stop
from devices.wire.signing import Keyring, RefusedError, verify

log = structlog.get_logger(__name__)
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Plays(Protocol):
    """What intake needs of the player."""

    def look(self) -> None:
        """The journal changed."""

    def cancel(self, order: str, revision: int) -> None:
        """Stop the order if it plays in a lower revision."""


class Intake:
    """Handles one message at a time, on one thread."""

    def __init__(
        self,
        place: Place,
        keys: Keyring,
        journal: Journal,
        clock: Clock,
        player: Plays,
        *,
        changed: Callable[[], None],
        configured: Callable[[Configuration, bytes], None],
        rehomed: Callable[[Rehomings, bytes], None],
        clock_answered: Callable[[ClockAnswer, float], None],
    ) -> None:
        """`changed`: receipts were written or orders taken in; `configured`: a configuration to live by came;
        `rehomed`: re-homings to live by came; `clock_answered`: an answer of the station's clock came, so many seconds ago."""
        self._place = place
        self._keys = keys
        self._journal = journal
        self._clock = clock
        self._player = player
        self._changed = changed
        self._configured = configured
        self._rehomed = rehomed
        self._clock_answered = clock_answered
        self._copies: Counter[str] = Counter()  # how many copies came on a topic over this connection
        self._taken: set[str] = set()  # orders taken in over this connection
        self._connection = -1
        self.refused_configurations = 0
        self.refused_stops = 0

    def handle(self, delivery: Delivery) -> None:
        """Act on a message; when it returns, whatever must survive a restart is on disk."""
        topic, payload = delivery.topic, delivery.payload
        parsed = topics.parse(topic)
        if delivery.connection != self._connection:
            self._connection = delivery.connection
            self._copies.clear()
            self._taken.clear()
        if parsed is None or not payload:
            return  # not of this protocol, or a retained document that was cleared
        place = self._place
        if parsed.subject == "orders" and parsed.order is not None:
            self._copies[topic] += 1
            # What came over an earlier connection may come twice over this one: as the broker's retained copy, and out of the
            # session that it kept. What came first over this one comes once.
            innocent = self._copies[topic] <= (1 if parsed.order in self._taken else 2)
            if (parsed.owner == "areas" and parsed.name in place.areas) or (
                parsed.owner == "receivers" and parsed.name == place.receiver
            ):
                self._order_or_cancellation(parsed.owner, parsed.name, parsed.order, payload, innocent=innocent)
        elif parsed.subject == "stops" and parsed.stop is not None:
            if (parsed.owner == "areas" and parsed.name in place.areas) or (
                parsed.owner == "receivers" and parsed.name == place.receiver
            ):
                self._stop(parsed.owner, parsed.name, parsed.stop, payload)
        elif parsed.subject == "rehomings" and parsed.name in place.areas:
            self._rehomings(parsed.name, payload)
        elif parsed.owner == "receivers" and parsed.name == place.receiver:
            if parsed.subject == "configuration":
                self._configuration(payload)
            elif parsed.subject == "acknowledgements":
                self._acknowledgement(payload)
            elif parsed.subject == "clock-answers":
                self._clock_answer(payload, delivery.arrived)

    # ---- orders

    def _order_or_cancellation(
        self, owner: Literal["areas", "receivers"], name: str, order: str, payload: bytes, *, innocent: bool
    ) -> None:
        digest = hashlib.sha256(payload).hexdigest()
        try:
            document = verify(payload, self._keys, Order, Drill, Cancellation)
        except RefusedError as error:
            self._refuse(order, 0, error.reason, str(error), digest)
            return
        named = _named(document)
        refusal = self._misplaced(document, owner, name, named == order)
        if refusal is not None:
            self._refuse(named, document.revision, *refusal, digest)
        elif not self._place.addressed(document.audience, document.play_at if isinstance(document, Order) else None):
            if isinstance(document, Order):  # else rightly here, for others of this area
                self._no_longer_addressed(document)
        elif isinstance(document, Cancellation):
            self._cancel(document, digest, innocent=innocent)
        else:
            self._take_in(document, digest, innocent=innocent)

    def _misplaced(
        self, document: Order | Cancellation | Stop, owner: Literal["areas", "receivers"], name: str, same_order: bool
    ) -> tuple[Reason, str] | None:
        if document.station != self._place.station:
            return Reason.WRONG_STATION, f"It is of the station {document.station}."
        audience = document.audience
        here = name in (audience.areas if owner == "areas" else audience.receivers)
        if not here and not self._place.addressed(audience):
            return Reason.WRONG_AUDIENCE, f"It is for areas {audience.areas} and receivers {audience.receivers}."
        if not here or not same_order:
            return Reason.WRONG_TOPIC, "It stands on a topic where the station does not publish it."
        return None

    def _no_longer_addressed(self, order: Order) -> None:
        """A higher revision is for others: the lower one that is held here is taken back with it."""
        known = self._journal.entry(order.id)
        if known is None or known.order.revision >= order.revision:
            return
        self._journal.note_cancellation(order.id, order.revision, order.expires_at)
        detail = f"Revision {order.revision} is no longer for this receiver."
        if self._journal.advance(
            known.order, "cancelled", self._clock.now(), only_from=OPEN, reason=Reason.CANCELLED, detail=detail
        ):
            log.info("no longer addressed", order=order.id, revision=order.revision)
            self._changed()
        self._player.cancel(order.id, order.revision)
        self._player.look()

    def _take_in(self, order: Order, digest: str, *, innocent: bool) -> None:
        now = self._clock.now()
        known = self._journal.entry(order.id)
        if order.revision <= self._journal.cancelled_up_to(order.id):
            if not innocent:
                self._replayed(order, digest, f"It was cancelled at revision {order.revision} or later.")
            return
        if known is not None and (known.order.revision >= order.revision or known.state in BEGUN):
            self._again(known, order, digest, innocent=innocent)
            return
        output = self._place.output
        if now >= order.expires_at:
            self._refuse(order.id, order.revision, Reason.EXPIRED, f"It expired at {order.expires_at}.", digest)
        elif output is None or not output.supports(order):
            detail = "It holds nothing that this receiver can play."
            self._refuse(order.id, order.revision, Reason.UNSUPPORTED, detail, digest)
        elif self._place.quiet(order, order.play_at):
            detail = f"{order.play_at} lies in the quiet hours of this receiver."
            self._refuse(order.id, order.revision, Reason.QUIET_HOURS, detail, digest)
        else:
            self._journal.accept(order, digest, now)
            self._taken.add(order.id)
            log.info("received", order=order.id, revision=order.revision, play_at=order.play_at.isoformat())
            if output.clip(order) is None:
                self._journal.advance(order, "ready", now, only_from=("received",))
            self._changed()
            self._player.look()

    def _again(self, known: Entry, order: Order, digest: str, *, innocent: bool) -> None:
        """A document of an order that is in the journal already, in this or a higher revision, or that has begun.

        Brokers hand out again what is retained and what they kept for a session: that is no replay. Any other copy of
        an order that has begun is one, and so is another document of a revision that is not higher.
        """
        same = known.order.revision == order.revision and known.document_sha256 == digest
        if same and (innocent or known.state not in BEGUN):
            return
        self._replayed(order, digest, f"Revision {known.order.revision} is known and its state is {known.state}.")

    def _replayed(self, order: Order | Cancellation, digest: str, detail: str) -> None:
        self._refuse(_named(order), order.revision, Reason.REPLAYED, detail, digest)

    def _cancel(self, cancellation: Cancellation, digest: str, *, innocent: bool) -> None:
        now = self._clock.now()
        if now >= cancellation.expires_at:
            return  # the order that it takes back has expired as well
        known = self._journal.entry(cancellation.order)
        if known is not None and known.order.revision >= cancellation.revision:
            if not innocent:
                self._replayed(cancellation, digest, f"Revision {known.order.revision} of the order came after it.")
            return
        self._journal.note_cancellation(cancellation.order, cancellation.revision, cancellation.expires_at)
        if known is None:
            return
        if self._journal.advance(
            known.order, "cancelled", now, only_from=OPEN, reason=Reason.CANCELLED, detail=cancellation.reason
        ):
            log.info("cancelled", order=cancellation.order)
            self._changed()
        if self._journal.advance(
            known.order, "interrupted", now, only_from=("paused",), reason=Reason.CANCELLED, detail=cancellation.reason
        ):
            self._changed()  # it will not go on
        self._player.cancel(cancellation.order, cancellation.revision)
        self._player.look()

    def _stop(self, owner: Literal["areas", "receivers"], name: str, stop: str, payload: bytes) -> None:
        try:
            document = verify(payload, self._keys, Stop)
        except RefusedError as error:
            self.refused_stops += 1
            log.warning("refused a stop", reason=error.reason.value, detail=str(error))
            return
        if self._misplaced(document, owner, name, document.id == stop) is not None:
            self.refused_stops += 1
            log.warning("refused a stop that is not for here", stop=document.id)
        elif not self._place.addressed(document.audience) or self._clock.now() >= document.expires_at:
            return
        elif self._journal.note_stop(document):
            log.warning("stop lifted" if document.lifted else "stop", stop=document.id, reason=document.reason)
            self._player.look()

    def _refuse(self, order: str, revision: int, reason: Reason, detail: str, digest: str) -> None:
        name = order if _IDENTIFIER.fullmatch(order) else "unreadable"
        if self._journal.refuse(
            order=name, revision=revision, reason=reason, detail=detail, document_sha256=digest, at=self._clock.now()
        ):
            log.warning("refused", order=name, reason=reason.value, detail=detail)
            self._changed()

    # ---- what concerns the receiver alone

    def _configuration(self, payload: bytes) -> None:
        place, current = self._place, self._place.configuration
        try:
            found = verify(payload, self._keys, Configuration)
        except RefusedError as error:
            self.refused_configurations += 1
            log.warning("refused a configuration", reason=error.reason.value, detail=str(error))
            return
        if (found.station, found.receiver) != (place.station, place.receiver) or self._clock.now() >= found.expires_at:
            self.refused_configurations += 1
            log.warning("refused a configuration that is for another receiver or expired")
        elif not _zone_is_known(found.zone):
            self.refused_configurations += 1
            log.warning("refused a configuration whose time zone is not known here", zone=found.zone)
        elif current is None or found.revision > current.revision:
            self._configured(found, payload)
            self._copies.clear()  # it subscribes anew, and retained orders come once more
            self._taken.clear()

    def _rehomings(self, area: str, payload: bytes) -> None:
        place = self._place
        try:
            found = verify(payload, self._keys, Rehomings)
        except RefusedError as error:
            self.refused_configurations += 1
            log.warning("refused re-homings", reason=error.reason.value, detail=str(error))
            return
        if (found.station, found.area) != (place.station, area) or self._clock.now() >= found.expires_at:
            self.refused_configurations += 1
            log.warning("refused re-homings that are of another station or area, or expired")
            return
        current = place.rehomings.get(area)
        if current is None or found.revision > current.revision:
            self._rehomed(found, payload)
            self._copies.clear()  # it subscribes anew, and retained orders come once more
            self._taken.clear()

    def _acknowledgement(self, payload: bytes) -> None:
        try:
            found = verify(payload, self._keys, Acknowledgement)
        except RefusedError as error:
            log.warning("refused an acknowledgement", reason=error.reason.value)
            return
        if (found.station, found.receiver) == (self._place.station, self._place.receiver):
            self._journal.acknowledged(found.receipts)

    def _clock_answer(self, payload: bytes, arrived: float) -> None:
        try:
            found = verify(payload, self._keys, ClockAnswer)
        except RefusedError as error:
            log.warning("refused a clock answer", reason=error.reason.value)
            return
        if (found.station, found.receiver) == (self._place.station, self._place.receiver):
            self._clock_answered(found, time.monotonic() - arrived)


def _named(document: Order | Cancellation | Stop) -> str:
    return document.order if isinstance(document, Cancellation) else document.id


def _zone_is_known(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
