"""Enrolment: a device asks over HTTP, shows a code, and a person who reads the code takes it into service.

The code comes out of the conversation itself (`devices.wire.enrolment`), so that typing it proves that the device
and the station had one conversation and nobody between them two. What is left to guessing is bounded by the limits.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from broadcaster import audit
from broadcaster.clock import Clock
from broadcaster.credentials import AccountSecrets
from broadcaster.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError, TooManyError
from broadcaster.identity import Signatory, new_id
from broadcaster.people import Actor, Right
from broadcaster.provisions import Provisions
from broadcaster.receivers import Place, Receivers
from broadcaster.storage.database import Database
from broadcaster.storage.models import Enrolment, EnrolmentAttempt, Receiver
from devices.wire.enrolment import (
    EnrolmentOffer,
    EnrolmentPoll,
    EnrolmentRequest,
    EnrolmentState,
    commitment,
    comparison,
    transcript,
)
from devices.wire.signing import Keyring, PublicKey, RefusedError, thumbprint, unverified, verify

LASTS = timedelta(minutes=15)
KEPT = timedelta(hours=24)
"""How long an accepted device may fetch its provision again, and decided rows can be looked at."""
WAITING_AT_MOST = 100
PER_ADDRESS = 10
"""Requests from one address in the time that a code lasts."""
PER_STATION = 60
"""Requests from everywhere in the time that a code lasts: each is one try of somebody in the middle to hit a code."""
WRONG_CODES_PER_ACTOR, WRONG_CODES = 5, 30
"""Codes that fit nobody, typed by one person and by all, in the time that a code lasts."""


@dataclass(frozen=True)
class Acceptance:
    """What an operator decides for the device that shows a code."""

    code: str
    place: Place
    fingerprint: str | None = None


class Enrolments:
    """Devices that ask, and what became of them."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        signatory: Signatory,
        *,
        account_secrets: AccountSecrets,
        receivers: Receivers,
        provisions: Provisions,
    ) -> None:
        self._database = database
        self._clock = clock
        self._signatory = signatory
        self._secrets = account_secrets
        self._receivers = receivers
        self._provisions = provisions

    # ---- the device's side

    def ask(self, data: bytes, *, address: str) -> str:
        """Take up a request and answer with an offer (compact JWS).

        Raises TooManyError, and InvalidError for a request that is no request.
        """
        now = self._clock.now()
        with self._database.writing() as session:
            self._tidy(session, now)
            self._limit(session, address, now)
            try:
                claimed = unverified(data, EnrolmentRequest)
                request = verify(data, Keyring([PublicKey.from_jwk(claimed.public_key)]), EnrolmentRequest)
            except (RefusedError, ValueError) as error:
                raise InvalidError(
                    f"Yêu cầu đăng ký không đúng: {error}. Cập nhật phần mềm thiết bị.",
                    f"This is no enrolment request: {error}. Update the device's software.",
                ) from error
            offer = self._signatory.sign(
                EnrolmentOffer(
                    station=self._signatory.station,
                    enrolment=new_id(),
                    station_name=self._provisions.station_name,
                    station_keys=self._provisions.station_keys(),
                    nonce=secrets.token_hex(32),
                    issued_at=now,
                    expires_at=now + LASTS,
                )
            )
            session.add(
                Enrolment(
                    id=unverified(offer.encode(), EnrolmentOffer).enrolment,
                    state="offered",
                    address=address,
                    public_key=request.public_key,
                    seal_key=request.seal_key,
                    key_thumbprint=thumbprint(request.public_key),
                    commitment=request.commitment,
                    transcript=transcript(data, offer.encode()).hex(),
                    kind=request.kind,
                    name=request.name,
                    software=request.software,
                    requested_at=now,
                    expires_at=now + LASTS,
                )
            )
        return offer

    def poll(self, enrolment: str, data: bytes) -> tuple[str, bool]:
        """The answer to a device's question (compact JWS), and whether it is final.

        Raises NotFoundError where there is no such enrolment, ForbiddenError for another key or nonce, and
        ConflictError where the code is another's already: the device asks anew.
        """
        now = self._clock.now()
        clash = False
        with self._database.writing() as session:
            row = session.get(Enrolment, enrolment)
            if row is None:
                raise _unknown()
            nonce = self._nonce(row, data)
            if row.state in ("offered", "waiting") and row.expires_at <= now:
                return self._state(row, "expired"), True
            if row.state == "offered":
                found = comparison(bytes.fromhex(row.transcript or ""), nonce)
                self._tidy(session, now)
                digest = self._secrets.code_hash(found.code)
                if session.scalar(select(Enrolment.id).where(Enrolment.code_hash == digest)):
                    clash = True
                    session.delete(row)
                else:
                    row.state, row.code_hash, row.fingerprint, row.transcript = (
                        "waiting",
                        digest,
                        found.fingerprint,
                        None,
                    )
        if clash:
            raise ConflictError(
                "Mã bị trùng. Thiết bị tự đăng ký lại.", "The code is taken by another device. Ask anew."
            )
        if row.state == "accepted" and row.receiver_id is not None:
            return self._provision(row), True
        return self._state(row, "refused" if row.state == "refused" else "waiting"), row.state == "refused"

    def _nonce(self, row: Enrolment, data: bytes) -> str:
        try:
            poll = verify(data, Keyring([PublicKey.from_jwk(row.public_key)]), EnrolmentPoll)
        except RefusedError as error:
            raise _foreign() from error
        if (poll.station, poll.enrolment) != (self._signatory.station, row.id):
            raise _foreign()
        if commitment(poll.nonce) != row.commitment:
            raise _foreign()
        return poll.nonce

    def _state(self, row: Enrolment, state: str) -> str:
        return self._signatory.sign(
            EnrolmentState(
                station=self._signatory.station,
                enrolment=row.id,
                state="expired" if state == "expired" else "refused" if state == "refused" else "waiting",
            )
        )

    def _provision(self, row: Enrolment) -> str:
        with self._database.reading() as session:
            receiver = session.get(Receiver, row.receiver_id)
            if (
                receiver is None
                or receiver.revoked_at is not None
                or thumbprint(receiver.public_key) != row.key_thumbprint
            ):
                raise NotFoundError(
                    "Thiết bị đã bị thu hồi hoặc thay thế. Đăng ký lại.",
                    "The receiver was revoked or replaced meanwhile. Enrol anew.",
                )
            return self._provisions.document(receiver, row.seal_key)

    # ---- the operator's side

    def waiting(self) -> Sequence[Enrolment]:
        """Devices that show a code now, oldest first. Their codes are nowhere to be read: they must be typed."""
        with self._database.reading() as session:
            return session.scalars(
                select(Enrolment)
                .where(Enrolment.state == "waiting", Enrolment.expires_at > self._clock.now())
                .order_by(Enrolment.requested_at)
            ).all()

    def accept(self, actor: Actor, acceptance: Acceptance) -> Receiver:
        """Take the device that shows this code into service.

        Raises NotFoundError where no device shows it, ConflictError where its fingerprint is another, TooManyError,
        and what `Receivers.install` raises; a wrong code is counted.
        """
        now = self._clock.now()
        with self._database.writing() as session:
            self._tidy(session, now)
            self._limit_attempts(session, actor, now)
            digest = self._secrets.code_hash(acceptance.code)
            row = session.scalar(select(Enrolment).where(Enrolment.code_hash == digest, Enrolment.state == "waiting"))
            if row is None:
                session.add(EnrolmentAttempt(actor_id=actor.id, at=now))
                areas = {grant.area for grant in actor.grants}
                audit.note(session, actor, "enrolment-code-wrong", acceptance.place.receiver, at=now, areas=areas)
            else:
                if acceptance.fingerprint is not None and _letters(acceptance.fingerprint) != _letters(row.fingerprint):
                    raise ConflictError(
                        "Dấu nhận dạng khác với dấu trên thiết bị: có thể có kẻ đứng giữa. Từ chối thiết bị này.",
                        "The fingerprint differs from the device's: somebody may stand between. Refuse this device.",
                    )
                receiver = self._receivers.install(
                    session, acceptance.place, public_key=PublicKey.from_jwk(row.public_key), actor=actor
                )
                row.state, row.code_hash, row.receiver_id = "accepted", None, receiver.id
                row.decided_at, row.decided_by = now, actor.id
        if row is None:
            raise NotFoundError(
                "Không có thiết bị nào đang hiện mã này. Kiểm tra mã trên thiết bị; mã chỉ dùng được 15 phút.",
                "No device shows this code. Look at the device again; a code lasts 15 minutes.",
            )
        return receiver

    def refuse(self, actor: Actor, enrolment: str) -> None:
        """Send a device away. Raises NotFoundError unless it waits."""
        with self._database.writing() as session:
            row = session.get(Enrolment, enrolment)
            if row is None or row.state != "waiting":
                raise _unknown()
            actor.need(Right.OPERATE)
            row.state, row.code_hash = "refused", None
            details = {"name": row.name, "kind": row.kind, "key": row.key_thumbprint}
            areas = {grant.area for grant in actor.grants}
            audit.note(session, actor, "enrolment-refused", row.id, at=self._clock.now(), areas=areas, details=details)
            row.decided_at, row.decided_by = self._clock.now(), actor.id

    # ---- limits

    @staticmethod
    def _tidy(session: Session, now: datetime) -> None:
        """Codes of expired rows are free again; old rows go."""
        session.execute(
            update(Enrolment)
            .where(Enrolment.code_hash.is_not(None), Enrolment.expires_at <= now)
            .values(code_hash=None)
        )
        session.execute(delete(Enrolment).where(Enrolment.expires_at <= now, Enrolment.decided_at.is_(None)))
        session.execute(delete(Enrolment).where(Enrolment.decided_at <= now - KEPT))
        session.execute(delete(EnrolmentAttempt).where(EnrolmentAttempt.at <= now - LASTS))

    @staticmethod
    def _limit(session: Session, address: str, now: datetime) -> None:
        since = Enrolment.requested_at > now - LASTS
        mine = session.scalar(select(func.count()).where(Enrolment.address == address, since)) or 0
        everybody = session.scalar(select(func.count()).where(since)) or 0
        undecided = session.scalar(select(func.count()).where(Enrolment.decided_at.is_(None))) or 0
        if mine >= PER_ADDRESS or everybody >= PER_STATION or undecided >= WAITING_AT_MOST:
            raise TooManyError(
                "Quá nhiều yêu cầu đăng ký. Thử lại sau ít phút.",
                "Too many devices ask to be enrolled. Try again in some minutes.",
                retry_after_s=60,
            )

    @staticmethod
    def _limit_attempts(session: Session, actor: Actor, now: datetime) -> None:
        since = EnrolmentAttempt.at > now - LASTS
        mine = session.scalar(select(func.count()).where(EnrolmentAttempt.actor_id == actor.id, since)) or 0
        everybody = session.scalar(select(func.count()).where(since)) or 0
        if mine >= WRONG_CODES_PER_ACTOR or everybody >= WRONG_CODES:
            raise TooManyError(
                "Nhập sai mã quá nhiều lần. Chờ 15 phút rồi thử lại.",
                "Too many wrong codes were typed. Wait 15 minutes and try again.",
                retry_after_s=int(LASTS.total_seconds()),
            )


def _letters(fingerprint: str | None) -> str:
    return "".join(letter for letter in (fingerprint or "").upper() if letter.isalnum())


def _unknown() -> NotFoundError:
    return NotFoundError(
        "Không có yêu cầu đăng ký này, hoặc đã hết hạn. Để thiết bị đăng ký lại.",
        "There is no such enrolment, or it has expired. Let the device ask anew.",
    )


def _foreign() -> ForbiddenError:
    return ForbiddenError(
        "Chỉ thiết bị đã gửi yêu cầu mới được hỏi kết quả.", "Only the device that asked may ask what became of it."
    )
