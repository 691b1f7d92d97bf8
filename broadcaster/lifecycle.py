"""The life of a receiver's place after enrolment: moved, renewed, revoked, wiped. Whoever decides it is written down."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from broadcaster.areas import areas_on, require
from broadcaster.clock import Clock
from broadcaster.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError, TooManyError
from broadcaster.identity import Signatory, new_id
from broadcaster.people import Actor, Right
from broadcaster.provisions import Provisions
from broadcaster.receivers import Receivers, Standing, keyring_of, record
from broadcaster.storage.database import Database
from broadcaster.storage.models import Airing, AiringReceiver, Receiver, ReceiverEvent
from devices.wire import topics
from devices.wire.enrolment import KeyProof, RenewalRequest, Wipe, Wiped
from devices.wire.signing import Keyring, PublicKey, RefusedError, thumbprint, verify

KEY_OVERLAP = timedelta(days=7)
"""How long what a receiver signed with its former key is still taken: receipts that wait in its outbox."""
WIPE_STANDS = timedelta(days=400)
WIPE_WITHIN = timedelta(days=3)
"""How long a receiver that is to be wiped tries to deliver its receipts."""
LEAST_BETWEEN_RENEWALS = timedelta(seconds=30)


class Lifecycle:
    """Changes of places. After each, `Station.place_changed` brings the broker up to date."""

    def __init__(
        self, database: Database, clock: Clock, signatory: Signatory, *, receivers: Receivers, provisions: Provisions
    ) -> None:
        self._database = database
        self._clock = clock
        self._signatory = signatory
        self._receivers = receivers
        self._provisions = provisions

    def move(self, actor: Actor, receiver: str, *, name: str | None = None, area: str | None = None) -> Receiver:
        """Give a receiver another name or area. Raises NotFoundError, InvalidError for an unknown area."""
        with self._database.writing() as session:
            row = self._in_service(session, receiver)
            if area is not None:
                require(areas_on(session, self._receivers.today()), [area])
            actor.need(Right.OPERATE, row.area_id, area or row.area_id)
            before = {"name": row.name, "area": row.area_id}
            row.name, row.area_id = name or row.name, area or row.area_id
            if (row.name, row.area_id) != (before["name"], before["area"]):
                session.flush()
                record(session, row, "moved", at=self._clock.now(), actor=actor, detail=before)
        return row

    def revoke(self, actor: Actor | None, receiver: str, *, what: str = "revoked") -> None:
        """Take a receiver out of service: nothing that it says counts from now on, and nothing is expected of it.

        Raises NotFoundError.
        """
        now = self._clock.now()
        with self._database.writing() as session:
            row = self._in_service(session, receiver)
            if actor is not None:
                actor.need(Right.OPERATE, row.area_id)
            self._end(session, row, actor, what)
            coming = select(Airing.id).where(Airing.due_at > now)
            session.execute(
                delete(AiringReceiver).where(
                    AiringReceiver.receiver_id == receiver, AiringReceiver.airing_id.in_(coming)
                )
            )

    def ask_wipe(self, actor: Actor, receiver: str) -> None:
        """Have a receiver deliver its receipts and forget everything; it is revoked when it says that it has.

        Raises NotFoundError, and ConflictError if it was asked already.
        """
        now = self._clock.now()
        with self._database.writing() as session:
            row = self._in_service(session, receiver)
            actor.need(Right.OPERATE, row.area_id)
            if row.wipe_id is not None:
                raise ConflictError(
                    "Lệnh xóa đã được gửi, đang chờ thiết bị.", "It is to be wiped already; the station waits for it."
                )
            row.wipe_id = new_id()
            row.wipe_document = self._signatory.sign(
                Wipe(
                    station=self._signatory.station,
                    receiver=row.id,
                    id=row.wipe_id,
                    key_thumbprint=thumbprint(row.public_key),
                    issued_at=now,
                    expires_at=now + WIPE_STANDS,
                    deadline=now + WIPE_WITHIN,
                )
            )
            record(session, row, "wipe-asked", at=now, actor=actor)

    def wiped(self, statement: Wiped) -> bool:
        """A receiver says that it forgets everything now; whether it was asked to."""
        with self._database.writing() as session:
            row = session.get(Receiver, statement.receiver)
            if row is None or row.revoked_at is not None or row.wipe_id != statement.wipe:
                return False
            self._end(session, row, None, "wiped", {"undelivered": statement.undelivered})
        return True

    def renew_secret(self, actor: Actor, receiver: str) -> None:
        """Make its broker secret worthless; the receiver fetches another with its key. Raises NotFoundError."""
        with self._database.writing() as session:
            row = self._in_service(session, receiver)
            actor.need(Right.OPERATE, row.area_id)
            self._receivers.renew_secret(row)
            record(
                session, row, "renewed", at=self._clock.now(), actor=actor, detail={"generation": row.secret_generation}
            )

    def renewal(self, receiver: str, data: bytes) -> tuple[str, bool]:
        """Answer a receiver's request for its secret, or a new one, and perhaps with a new key: its provision (compact JWS), and whether it changed.

        Raises NotFoundError, ForbiddenError for any other key, InvalidError, TooManyError.
        """
        now = self._clock.now()
        with self._database.writing() as session:
            row = self._in_service(session, receiver)
            try:
                request = verify(data, keyring_of(row, now), RenewalRequest)
            except RefusedError as error:
                raise _foreign() from error
            if (request.station, request.receiver) != (self._signatory.station, row.id):
                raise _foreign()
            changed = request.change and request.generation == row.secret_generation
            if changed:
                self._not_too_often(session, row)
                if request.new_key is not None:
                    self._take_key(session, row, request)
                self._receivers.renew_secret(row)
                session.flush()
                detail = {"generation": row.secret_generation, "new_key": request.new_key is not None}
                record(session, row, "renewed", at=now, actor=None, detail=detail)
            return self._provisions.document(row, request.seal_key), changed

    def _take_key(self, session: Session, row: Receiver, request: RenewalRequest) -> None:
        key = PublicKey.from_jwk(request.new_key or {})
        try:
            proof = verify((request.new_key_proof or "").encode(), Keyring([key]), KeyProof)
        except RefusedError as error:
            raise _bad_key() from error
        if (proof.station, proof.receiver, proof.generation) != (request.station, row.id, request.generation):
            raise _bad_key()
        others = session.scalars(select(Receiver)).all()
        if key.kid == row.public_key["kid"] or any(other.public_key["x"] == key.to_jwk()["x"] for other in others):
            raise _bad_key()
        row.previous_key, row.previous_key_until = row.public_key, self._clock.now() + KEY_OVERLAP
        row.public_key = key.to_jwk()

    def _not_too_often(self, session: Session, row: Receiver) -> None:
        query = select(ReceiverEvent.id).where(
            ReceiverEvent.receiver_id == row.id,
            ReceiverEvent.event == "renewed",
            ReceiverEvent.at > self._clock.now() - LEAST_BETWEEN_RENEWALS,
        )
        if session.scalar(query.limit(1)) is not None:
            raise TooManyError(
                "Thiết bị đổi mật khẩu quá thường xuyên.",
                "The receiver renews its secret too often.",
                retry_after_s=int(LEAST_BETWEEN_RENEWALS.total_seconds()),
            )

    def history(self, actor: Actor, receiver: str) -> Sequence[ReceiverEvent]:
        """What happened to a place, oldest first. Raises NotFoundError."""
        actor.need(Right.READ)
        with self._database.reading() as session:
            rows = session.scalars(
                select(ReceiverEvent).where(ReceiverEvent.receiver_id == receiver).order_by(ReceiverEvent.id)
            ).all()
            row = session.get(Receiver, receiver)
            if row is None:
                raise _unknown(receiver)
            actor.need(Right.READ, row.area_id)
            return rows

    def standing(self) -> list[Standing]:
        """Wipes that stand, and cleared topics of receivers that are out of service."""
        with self._database.reading() as session:
            gone = session.scalars(select(Receiver.id).where(Receiver.revoked_at.is_not(None))).all()
            wipes = session.execute(
                select(Receiver.id, Receiver.wipe_document).where(
                    Receiver.revoked_at.is_(None), Receiver.wipe_document.is_not(None)
                )
            ).all()
        cleared = [
            Standing(topics.of_receiver(name, subject), "") for name in gone for subject in ("configuration", "wipe")
        ]
        return cleared + [Standing(topics.of_receiver(name, "wipe"), document or "") for name, document in wipes]

    def _end(
        self, session: Session, row: Receiver, actor: Actor | None, what: str, detail: dict[str, int] | None = None
    ) -> None:
        now = self._clock.now()
        row.revoked_at, row.presence, row.presence_at = now, "offline", now
        row.wipe_id = row.wipe_document = None
        row.configuration_document = row.configuration_sha256 = None
        session.flush()
        record(session, row, what, at=now, actor=actor, detail=detail)

    @staticmethod
    def _in_service(session: Session, receiver: str) -> Receiver:
        row = session.get(Receiver, receiver)
        if row is None or row.revoked_at is not None:
            raise _unknown(receiver)
        return row


def _unknown(receiver: str) -> NotFoundError:
    return NotFoundError(
        f"Không có thiết bị '{receiver}' đang hoạt động.", f"There is no receiver '{receiver}' in service."
    )


def _foreign() -> ForbiddenError:
    return ForbiddenError("Chỉ chính thiết bị mới được đổi mật khẩu.", "Only the receiver itself may renew its secret.")


def _bad_key() -> InvalidError:
    return InvalidError(
        "Khóa mới không hợp lệ: thiếu bằng chứng sở hữu, hoặc đã được dùng.",
        "The new key does not serve: its proof is missing or wrong, or it is in use.",
        field="new_key",
    )
