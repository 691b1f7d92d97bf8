"""Receivers: taking one into service, and the signed configuration that tells it its place."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from broadcaster.areas import areas_on, line, require
from broadcaster.canonical import sha256_of
from broadcaster.clock import Clock
from broadcaster.errors import ConflictError, InvalidError
from broadcaster.identity import Signatory
from broadcaster.storage.database import Database
from broadcaster.storage.models import Area, Receiver
from devices.brokers.accounts import Account, hash_secret, new_secret, receiver_account
from devices.wire import topics
from devices.wire.messages import Configuration, Kind
from devices.wire.signing import Keyring, PublicKey

CONFIGURATION_LASTS = timedelta(days=400)
CONFIGURATION_RENEWED_BEFORE = timedelta(days=60)


@dataclass(frozen=True)
class Standing:
    """A retained document that has to stand on the broker."""

    topic: str
    document: str


class Receivers:
    """The receivers in service, and what the broker must know of them."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        signatory: Signatory,
        *,
        zone: str,
        media_url: str,
        today: Callable[[], date],
    ) -> None:
        self._database = database
        self._clock = clock
        self._signatory = signatory
        self._zone = zone
        self._media_url = media_url
        self._today = today

    def enrol(self, *, receiver: str, name: str, kind: Kind, area: str, public_key: PublicKey) -> str:
        """Take a receiver into service and return its secret for the broker, shown once.

        The receiver made its key itself; only the public part comes here. Raises ConflictError where the identifier
        is taken, InvalidError for an unknown area.
        """
        secret = new_secret()
        with self._database.writing() as session:
            areas = areas_on(session, self._today())
            require(areas, [area])
            if session.get(Receiver, receiver) is not None:
                raise ConflictError(
                    f"Thiết bị '{receiver}' đã có trong hệ thống.",
                    f"There is a receiver '{receiver}' already. Revoke it first, or use another identifier.",
                )
            key = public_key.to_jwk()
            if any(other.public_key.get("x") == key.get("x") for other in session.scalars(select(Receiver))):
                raise InvalidError(
                    "Khóa này đã thuộc về một thiết bị khác.",
                    "This key belongs to another receiver already. Let the receiver make a new one.",
                )
            session.add(
                Receiver(
                    id=receiver,
                    name=name,
                    kind=kind,
                    area_id=area,
                    public_key=key,
                    secret_sha256=hash_secret(secret),
                    enrolled_at=self._clock.now(),
                    configuration_revision=0,
                )
            )
        return secret

    def accounts(self) -> list[Account]:
        """The broker accounts of all receivers in service, with the rules of their present place."""
        with self._database.reading() as session:
            areas = areas_on(session, self._today())
            return [
                # The secret itself is with the receiver alone; here is its hash.
                receiver_account(row.id, line(areas, row.area_id), "").model_copy(
                    update={"secret_sha256": row.secret_sha256}
                )
                for row in self._in_service(session)
                if row.area_id in areas
            ]

    def keyring(self, receiver: str) -> Keyring | None:
        """The key of a receiver in service, or None."""
        with self._database.reading() as session:
            row = session.get(Receiver, receiver)
            if row is None or row.revoked_at is not None:
                return None
            return Keyring([PublicKey.from_jwk(row.public_key)])

    def configurations(self) -> list[Standing]:
        """The configuration of each receiver in service; signed anew, a revision higher, where it changed or ages."""
        now = self._clock.now()
        with self._database.writing() as session:
            areas = areas_on(session, self._today())
            rows = [row for row in self._in_service(session) if row.area_id in areas]
            for row in rows:
                self._renew(row, areas, now)
            return [
                Standing(topics.of_receiver(row.id, "configuration"), row.configuration_document)
                for row in rows
                if row.configuration_document is not None
            ]

    def _renew(self, row: Receiver, areas: dict[str, Area], now: datetime) -> None:
        content = {
            "kind": row.kind,
            "name": row.name,
            "areas": line(areas, row.area_id),
            "media_urls": (self._media_url,),
            "zone": self._zone,
            "kid": self._signatory.key.kid,
        }
        digest = sha256_of(content)
        ages = row.configuration_expires_at is None or row.configuration_expires_at - now < CONFIGURATION_RENEWED_BEFORE
        if digest == row.configuration_sha256 and not ages:
            return
        row.configuration_revision += 1
        row.configuration_sha256 = digest
        row.configuration_expires_at = now + CONFIGURATION_LASTS
        document = Configuration(
            station=self._signatory.station,
            receiver=row.id,
            revision=row.configuration_revision,
            issued_at=now,
            expires_at=row.configuration_expires_at,
            kind="screen" if row.kind == "screen" else "loudspeaker",
            name=row.name,
            areas=line(areas, row.area_id),
            media_urls=(self._media_url,),
            zone=self._zone,
        )
        row.configuration_document = self._signatory.sign(document)

    @staticmethod
    def _in_service(session: Session) -> list[Receiver]:
        return list(session.scalars(select(Receiver).where(Receiver.revoked_at.is_(None)).order_by(Receiver.id)))
