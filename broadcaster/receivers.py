"""Receivers: taking one into service, and the signed configuration that tells it its place."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from broadcaster import audit, policies
from broadcaster.areas import AreaOn, areas_on, line, lines_of, require
from broadcaster.canonical import sha256_of
from broadcaster.clock import Clock
from broadcaster.credentials import AccountSecrets
from broadcaster.errors import ConflictError, InvalidError
from broadcaster.identity import Signatory
from broadcaster.people import Actor, Right
from broadcaster.reorganisation import rehoming
from broadcaster.storage.database import Database, passes
from broadcaster.storage.models import Json, Receiver, ReceiverEvent, ReceiverMove
from devices.brokers.accounts import Account, hash_secret, receiver_account
from devices.wire import topics
from devices.wire.areas import Rehoming, line_at
from devices.wire.messages import Configuration, Kind
from devices.wire.signing import Keyring, PublicKey, thumbprint
from schedules.policies import Policies, Spot

log = structlog.get_logger(__name__)

CONFIGURATION_LASTS = timedelta(days=400)
CONFIGURATION_RENEWED_BEFORE = timedelta(days=90)
"""Well before the first alarm at 60 days: an alarm then means that renewing fails."""
MOVES_AHEAD = timedelta(days=3)
"""So long before receivers are re-homed their broker accounts may read where they will stand."""


@dataclass(frozen=True)
class Standing:
    """A retained document that has to stand on the broker."""

    topic: str
    document: str


@dataclass(frozen=True)
class Place:
    """Where a device is to stand. A device that replaces another takes its name and area unless others are given."""

    receiver: str
    kind: Kind
    name: str | None = None
    area: str | None = None
    replace: bool = False


def keyring_of(row: Receiver, now: datetime) -> Keyring:
    """The keys that a receiver may sign with: its own, and for a time the one before it."""
    keys = [PublicKey.from_jwk(row.public_key)]
    if row.previous_key is not None and row.previous_key_until is not None and now < row.previous_key_until:
        keys.append(PublicKey.from_jwk(row.previous_key))
    return Keyring(keys)


def keys_ever(session: Session) -> dict[str, list[Json]]:
    """The public keys (JWK) of all devices that ever stood in each place: what the log was signed with."""
    found = {row.id: {thumbprint(row.public_key): row.public_key} for row in session.scalars(select(Receiver))}
    for past in session.scalars(select(ReceiverEvent).order_by(ReceiverEvent.id)):
        found.setdefault(past.receiver_id, {}).setdefault(past.key_thumbprint, past.public_key)
    return {name: list(keys.values()) for name, keys in found.items()}


def ring_of(jwks: Iterable[Json]) -> Keyring:
    """Keys as a ring; of two that bear one id the first counts."""
    keys: dict[str, PublicKey] = {}
    for jwk in jwks:
        key = PublicKey.from_jwk(jwk)
        keys.setdefault(key.kid, key)
    return Keyring(keys.values())


def record(
    session: Session, row: Receiver, what: str, *, at: datetime, actor: Actor | None, detail: Json | None = None
) -> None:
    """Write down what happened to a receiver's place, with the place and the key as they are now; in the audit log if a person did it."""
    session.add(
        ReceiverEvent(
            receiver_id=row.id,
            at=at,
            event=what,
            actor_id=actor.id if actor else None,
            actor_name=actor.name if actor else None,
            name=row.name,
            area_id=row.area_id,
            key_thumbprint=thumbprint(row.public_key),
            public_key=row.public_key,
            detail=detail,
        )
    )
    if actor is not None:
        details = {"name": row.name, "area": row.area_id, "key": thumbprint(row.public_key), "detail": detail}
        audit.note(session, actor, f"receiver-{what}", row.id, at=at, areas=[row.area_id], details=details)


class Receivers:
    """The receivers in service, and what the broker must know of them."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        signatory: Signatory,
        secrets: AccountSecrets,
        *,
        zone: str,
        media_url: str,
        today: Callable[[], date],
        reserved: frozenset[str] = frozenset(),
    ) -> None:
        """`reserved`: identifiers that are accounts of others at the broker."""
        self._database = database
        self._clock = clock
        self._signatory = signatory
        self._secrets = secrets
        self._reserved = reserved
        self._zone = zone
        self._media_url = media_url
        self._today = today
        self.failures: tuple[str, ...] = ()
        """Receivers whose configuration could not be made at the last look."""

    def enrol(
        self, *, receiver: str, name: str, kind: Kind, area: str, public_key: PublicKey, actor: Actor | None = None
    ) -> str:
        """Take a receiver into service by hand and return its secret for the broker.

        The receiver made its key itself; only the public part comes here. Raises what `install` raises.
        """
        with self._database.writing() as session:
            place = Place(receiver=receiver, kind=kind, name=name, area=area)
            row = self.install(session, place, public_key=public_key, actor=actor)
            return self._secrets.of_receiver(row.id, row.secret_generation)

    def install(self, session: Session, place: Place, *, public_key: PublicKey, actor: Actor | None) -> Receiver:
        """Put the device with this key into a place.

        Raises ConflictError where the place is taken and is not to be replaced, InvalidError for an unknown area, a
        reserved identifier, a key of another receiver, or where something is missing.
        """
        now = self._clock.now()
        key = public_key.to_jwk()
        row = session.get(Receiver, place.receiver)
        self._check(session, place, row, key)
        if actor is not None:  # none: whoever holds the station's folder
            actor.need(Right.OPERATE, *{*([place.area] if place.area else []), *([row.area_id] if row else [])})
        before = None if row is None else thumbprint(row.public_key)
        if row is None:
            row = Receiver(id=place.receiver, secret_generation=0, configuration_revision=0)
            session.add(row)
        row.name, row.area_id = place.name or row.name, place.area or row.area_id
        row.kind = place.kind
        row.public_key, row.previous_key, row.previous_key_until = key, None, None
        row.enrolled_at, row.revoked_at = now, None
        row.configuration_sha256 = None  # a new one, whatever the one before was told
        row.presence = row.presence_session = row.presence_at = row.health = row.health_at = None
        row.wipe_id = row.wipe_document = None
        self.renew_secret(row)
        session.flush()
        what = "enrolled" if before is None else "replaced"
        detail: Json | None = None if before is None else {"previous_key_thumbprint": before}
        record(session, row, what, at=now, actor=actor, detail=detail)
        return row

    def renew_secret(self, row: Receiver) -> None:
        """Give the receiver the secret of the next generation; the one before opens nothing from now on."""
        row.secret_generation += 1
        row.secret_sha256 = hash_secret(self._secrets.of_receiver(row.id, row.secret_generation))

    def _check(self, session: Session, place: Place, row: Receiver | None, key: dict[str, str]) -> None:
        if place.receiver in self._reserved:
            raise InvalidError(
                f"Mã thiết bị '{place.receiver}' dành riêng cho đài. Chọn mã khác.",
                f"The identifier '{place.receiver}' is the station's own. Choose another.",
                field="receiver",
            )
        if row is not None and not place.replace:
            raise ConflictError(
                f"Thiết bị '{place.receiver}' đã có trong hệ thống. Chọn 'thay thế' nếu thiết bị mới đứng vào chỗ này.",
                f"There is a receiver '{place.receiver}' already. Replace it if the new device is to take its place, or "
                "use another identifier.",
            )
        if row is None and place.replace:
            raise InvalidError(
                f"Không có thiết bị '{place.receiver}' để thay thế.",
                f"There is no receiver '{place.receiver}' to replace.",
                field="receiver",
            )
        if row is None and not (place.name and place.area):
            raise InvalidError(
                "Thiết bị mới cần tên và địa bàn.", "A new receiver needs a name and an area.", field="area"
            )
        if place.area is not None:
            require(areas_on(session, self._today()), [place.area])
        others = session.scalars(select(Receiver).where(Receiver.id != place.receiver))
        if any(other.public_key.get("x") == key.get("x") for other in others):
            raise InvalidError(
                "Khóa này đã thuộc về một thiết bị khác.",
                "This key belongs to another receiver already. Let the receiver make a new one.",
            )

    def today(self) -> date:
        """The date at the station."""
        return self._today()

    def accounts(self, *names: str) -> list[Account]:
        """The broker accounts of receivers in service, all or those named, with the rules of their present place and of
        the coming one.
        """
        today = self._today()
        with self._database.reading() as session:
            lines = lines_of(areas_on(session, today))
            coming = lines_of(areas_on(session, today + MOVES_AHEAD))
            moves = dict(
                session.execute(
                    select(ReceiverMove.receiver_id, ReceiverMove.area_id)
                    .where(ReceiverMove.day > today, ReceiverMove.day <= today + MOVES_AHEAD)
                    .order_by(ReceiverMove.day)
                ).all()
            )
            found = []
            for row in self._in_service(session):
                if names and row.id not in names:
                    continue
                here, there = lines.get(row.area_id, ()), coming.get(moves.get(row.id, row.area_id), ())
                if not here and not there:
                    continue
                found.append(self._account(row, tuple(dict.fromkeys((*here, *there)))))
            return found

    def _account(self, row: Receiver, areas: tuple[str, ...]) -> Account:
        secret = self._secrets.of_receiver(row.id, row.secret_generation)
        account = receiver_account(row.id, areas, secret)
        if hash_secret(secret) == row.secret_sha256:
            return account
        # It was enrolled before secrets were derived: only the hash is known here.
        return account.model_copy(update={"secret": None, "secret_sha256": row.secret_sha256})

    def keyring(self, receiver: str) -> Keyring | None:
        """The key of a receiver in service, or None."""
        with self._database.reading() as session:
            row = session.get(Receiver, receiver)
            if row is None or row.revoked_at is not None:
                return None
            return keyring_of(row, self._clock.now())

    def configurations(self, *, changed: bool = False) -> list[Standing]:
        """The configuration of each receiver in service, or only the `changed` ones; signed anew, a revision higher, where it
        changed or ages. That a whole area was re-homed is no change: its receivers are told by one document.
        """
        now = self._clock.now()
        with self._database.writing() as session:
            areas = areas_on(session, self._today())
            told = rehoming.told(session, now, zone=self._zone, ahead=timedelta())
            rehomings = [item for items in told.values() for item in items]
            rows = [row for row in self._in_service(session) if row.area_id in areas]
            rules = policies.load(session, {area.id: area.name for area in areas.values()}, self._zone)
            failures: list[str] = []
            renewed = []
            for row in rows:
                try:
                    if self._renew(row, areas, rules, rehomings, now):
                        renewed.append(row)
                except Exception as error:
                    if passes(error):
                        raise
                    # It lives by the one that it has; the orders of all others wait for this.
                    if row.id not in self.failures:  # once, and not at each look
                        log.exception("a receiver's configuration cannot be made", receiver=row.id)
                    failures.append(row.id)
            self.failures = tuple(failures)
            return [
                Standing(topics.of_receiver(row.id, "configuration"), row.configuration_document)
                for row in (renewed if changed else rows)
                if row.configuration_document is not None
            ]

    def _renew(
        self, row: Receiver, areas: dict[str, AreaOn], rules: Policies, rehomings: list[Rehoming], now: datetime
    ) -> bool:
        where = line(areas, row.area_id)
        kind: Kind = "screen" if row.kind == "screen" else "loudspeaker"
        in_force = rules.in_force(Spot(row.id, where, kind, row.special_place))  # type: ignore[arg-type]  # one of them
        quiet = policies.quiet_hours(in_force)
        ceilings = policies.gain_ceilings(in_force, row.full_volume_dba)
        content = {
            "quiet_hours": [hours.model_dump(mode="json") for hours in quiet],
            "gain_ceilings": [ceiling.model_dump(mode="json") for ceiling in ceilings],
            "kind": row.kind,
            "name": row.name,
            "media_urls": (self._media_url,),
            "zone": self._zone,
            "kid": self._signatory.key.kid,
        }
        digest = sha256_of(content)
        ages = row.configuration_expires_at is None or row.configuration_expires_at - now < CONFIGURATION_RENEWED_BEFORE
        same = row.configuration_areas is not None and line_at(tuple(row.configuration_areas), rehomings, now) == where
        if digest == row.configuration_sha256 and same and not ages:
            return False
        document = Configuration(
            station=self._signatory.station,
            receiver=row.id,
            revision=row.configuration_revision + 1,
            issued_at=now,
            expires_at=now + CONFIGURATION_LASTS,
            kind=kind,
            name=row.name,
            areas=where,
            quiet_hours=quiet,
            gain_ceilings=ceilings,
            media_urls=(self._media_url,),
            zone=self._zone,
        )
        row.configuration_document = self._signatory.sign(document)
        row.configuration_revision, row.configuration_expires_at = document.revision, document.expires_at
        row.configuration_sha256, row.configuration_areas = digest, list(where)
        return True

    @staticmethod
    def _in_service(session: Session) -> list[Receiver]:
        return list(session.scalars(select(Receiver).where(Receiver.revoked_at.is_(None)).order_by(Receiver.id)))
