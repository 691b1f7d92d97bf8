"""The station's signing keys: one signs, the next is announced while the one before is still believed.

Everything stands in the folder `keys`, private halves and plan together, because whoever serves the station needs
both: `plan.json` holds the times and, for each key, the last document of all keys that it signed. A receiver that was
away while keys changed finds there, signed with the key that it knows, which keys came after.
"""

from datetime import datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

from broadcaster.clock import Clock
from broadcaster.errors import ConflictError, InvalidError, SetupError
from broadcaster.identity import FIRST, PLAN, Signatory
from devices.files import write_private
from devices.wire import topics
from devices.wire.enrolment import Jwk, StationKey, StationKeys
from devices.wire.messages import Instant, Value
from devices.wire.signing import KeyFileError, PublicKey, SigningKey, sign

RENEWED_EVERY = timedelta(days=730)
"""How old a signing key may become before the operators are reminded of the next."""
SIGNS_IN = timedelta(days=30)
OVERLAP = timedelta(days=60)
LEAST_OVERLAP = timedelta(days=7)
"""Longer than any order stands (48 hours), with room for receivers whose line is broken."""


class KeyTimes(Value):
    """One key's file and times."""

    kid: str
    file: str
    jwk: Jwk
    created_at: Instant
    signs_from: Instant
    retires_at: Instant | None = None
    renew_by: Instant

    def believed(self, now: datetime) -> bool:
        """Whether receivers believe it at this instant."""
        return self.retires_at is None or now < self.retires_at


class KeyPlan(Value):
    """All keys that ever signed, and what each of them signed about all."""

    revision: int = 0
    keys: tuple[KeyTimes, ...]
    documents: dict[str, str] = {}  # kid: compact JWS  # noqa: RUF012 - pydantic copies it
    withdrawn: tuple[str, ...] = ()  # kids whose documents are to be cleared from the broker


class KeyRing:
    """The station's keys in their folder. `look` follows the clock and what another process changed."""

    def __init__(self, folder: Path, clock: Clock, signatory: Signatory) -> None:
        """Raises SetupError."""
        self._folder = folder / "keys"
        self._clock = clock
        self._signatory = signatory
        self._stamp: tuple[int, int] | None = None
        self._plan = self._load()
        self.look()

    @property
    def times(self) -> tuple[KeyTimes, ...]:
        """All keys, the newest last."""
        return self._plan.keys

    def look(self) -> bool:
        """Sign with the key whose time it is; whether anything changed for receivers. Raises SetupError."""
        now = self._clock.now()
        before = (self._plan, self._signatory.key.kid)
        stamp = self._stamp_of()
        if stamp != self._stamp:
            self._plan = self._load()
        current = self._signing(now)
        if current.kid != self._signatory.key.kid:
            self._signatory.key = self._private(current)
        self._signatory.former = tuple(PublicKey.from_jwk(key.jwk) for key in self._plan.keys)
        for key in self._plan.keys:
            if not key.believed(now):
                (self._folder / key.file).unlink(missing_ok=True)  # nobody shall sign with it any more
        return before != (self._plan, self._signatory.key.kid)

    def public(self) -> tuple[Jwk, ...]:
        """What a receiver pins: the keys that are believed now, also the one that is to come."""
        now = self._clock.now()
        return tuple(key.jwk for key in self._plan.keys if key.believed(now))

    def standing(self) -> list[tuple[str, str]]:
        """Topics and documents that stand retained; an empty document clears its topic."""
        return [(topics.keys(kid), document) for kid, document in sorted(self._plan.documents.items())] + [
            (topics.keys(kid), "") for kid in self._plan.withdrawn
        ]

    def rotate(self, *, signs_in: timedelta = SIGNS_IN, overlap: timedelta = OVERLAP) -> KeyTimes:
        """Announce the next key: it signs after `signs_in`, and the one before is believed for `overlap` more.

        Raises ConflictError while a key is announced that does not sign yet, InvalidError for too short times.
        """
        now = self._clock.now()
        if signs_in < timedelta(days=1) or overlap < LEAST_OVERLAP:
            raise InvalidError(
                "Khóa mới phải được báo trước ít nhất 1 ngày và khóa cũ còn hiệu lực ít nhất 7 ngày sau đó.",
                "The next key must be announced at least 1 day ahead, and the one before be believed 7 days after.",
            )
        if any(key.signs_from > now for key in self._plan.keys):
            raise ConflictError(
                "Đã có khóa mới đang chờ. Đợi khóa đó có hiệu lực.",
                "A next key is announced already. Wait until it signs.",
            )
        current = self._signing(now)
        following = self._make(now, now + signs_in)
        retired = current.model_copy(update={"retires_at": now + signs_in + overlap})
        others = tuple(key for key in self._plan.keys if key.kid != current.kid)  # the log was signed with them
        self._change((*others, retired, following), now, signers=(retired, following))
        return following

    def replace_stolen(self) -> KeyTimes:
        """Sign with a new key from now on and believe no other: the ones before may be in foreign hands.

        No old key vouches for the new one, so that receivers must be enrolled anew: whoever stole the key could else
        have them believe any key.
        """
        now = self._clock.now()
        following = self._make(now, now)
        gone = tuple(key.kid for key in self._plan.keys)
        keys = (*(key.model_copy(update={"retires_at": now}) for key in self._plan.keys), following)
        self._change(keys, now, signers=(following,), withdrawn=gone)
        self.look()
        return following

    # ---- the folder

    def _signing(self, now: datetime) -> KeyTimes:
        serving = [key for key in self._plan.keys if key.signs_from <= now and key.believed(now)]
        return max(serving, key=lambda key: key.signs_from) if serving else self._plan.keys[-1]

    def _change(
        self,
        keys: tuple[KeyTimes, ...],
        now: datetime,
        *,
        signers: tuple[KeyTimes, ...],
        withdrawn: tuple[str, ...] = (),
    ) -> None:
        revision = self._plan.revision + 1
        document = StationKeys(
            station=self._signatory.station,
            revision=revision,
            issued_at=now,
            keys=tuple(StationKey(jwk=key.jwk, until=key.retires_at) for key in keys if key.believed(now)),
        )
        documents = {kid: text for kid, text in self._plan.documents.items() if kid not in withdrawn}
        documents |= {key.kid: sign(document, self._private(key)).decode("ascii") for key in signers}
        self._save(KeyPlan(revision=revision, keys=keys, documents=documents, withdrawn=withdrawn))

    def _make(self, now: datetime, signs_from: datetime) -> KeyTimes:
        key = SigningKey.generate()
        name = f"station-{now:%Y%m%d}-{key.kid[:8]}.json"
        try:
            key.save(self._folder / name)
        except KeyFileError as error:
            raise SetupError(f"Không lưu được khóa mới: {error}", str(error)) from error
        return KeyTimes(
            kid=key.kid,
            file=name,
            jwk=key.public().to_jwk(),
            created_at=now,
            signs_from=signs_from,
            renew_by=signs_from + RENEWED_EVERY,
        )

    def _private(self, key: KeyTimes) -> SigningKey:
        try:
            return SigningKey.load(self._folder / key.file)
        except KeyFileError as error:
            raise SetupError(
                f"Không đọc được khóa ký của đài: {error}", f"The station's signing key: {error}"
            ) from error

    def _load(self) -> KeyPlan:
        path = self._folder / PLAN
        self._stamp = self._stamp_of()
        if self._stamp is not None:
            try:
                return KeyPlan.model_validate_json(path.read_bytes())
            except (OSError, ValidationError) as error:
                raise SetupError(
                    f"Tệp {path} hỏng. Khôi phục từ bản sao lưu.", f"{path} is damaged. Restore it from a copy."
                ) from error
        now = self._clock.now()
        first = self._signatory.key
        times = KeyTimes(
            kid=first.kid,
            file=FIRST,
            jwk=first.public().to_jwk(),
            created_at=now,
            signs_from=now,
            renew_by=now + RENEWED_EVERY,
        )
        plan = KeyPlan(keys=(times,))
        self._save(plan)
        return plan

    def _save(self, plan: KeyPlan) -> None:
        write_private(self._folder / PLAN, plan.model_dump_json(indent=1).encode(), overwrite=True)
        self._plan, self._stamp = plan, self._stamp_of()

    def _stamp_of(self) -> tuple[int, int] | None:
        try:
            status = (self._folder / PLAN).stat()
        except FileNotFoundError:
            return None
        return status.st_mtime_ns, status.st_ino
