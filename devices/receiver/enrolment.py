"""The device's side of enrolment and renewal: signed documents over HTTP, a code for people to read.

Nothing that the station says is believed before an operator has typed the code: until then its keys are only those
of whoever answered. The provision that follows is signed with one of them, names this device's key, and holds the
secret sealed for a key that exists in this process alone.
"""

import random
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import httpx
import structlog

from devices.receiver.provision import KEY_FILE, NEXT_KEY_FILE, BrokerAccess, Provision
from devices.receiver.timekeeping import Timekeeper
from devices.receiver.trust import Pins
from devices.wire.enrolment import (
    Comparison,
    EnrolmentOffer,
    EnrolmentPoll,
    EnrolmentRequest,
    EnrolmentState,
    KeyProof,
    ProvisionDocument,
    RenewalRequest,
    commitment,
    comparison,
    transcript,
)
from devices.wire.messages import Kind, Signed
from devices.wire.sealing import SealError, SealKey
from devices.wire.signing import Keyring, PublicKey, RefusedError, SigningKey, sign, thumbprint, unverified, verify

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/jose"
BACKOFF_S = (1.0, 60.0)
POLL_TIMEOUT_S = 40.0
"""The station holds a question open for some twenty seconds."""
D = TypeVar("D", bound=Signed)


class EnrolmentError(Exception):
    """Enrolment ended without a provision; the message says why and what to do."""


class _AskAnewError(Exception):
    """This enrolment is over; another may succeed."""


class _StationError(Exception):
    """The station did not answer, or with an error that may pass."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What people at the device are to see."""

    station_name: str
    station_url: str
    comparison: Comparison
    expires_at: datetime

    @property
    def address(self) -> str:
        """Where an operator types the code: what the QR code holds."""
        return f"{self.station_url}/enrolments?code={self.comparison.code}"


Show = Callable[[Shown | None], None]


class Enrolment:
    """Asks one station until somebody accepts the device, refuses it, or it is told to stop."""

    def __init__(
        self,
        folder: Path,
        key: SigningKey,
        *,
        url: str,
        kind: Kind,
        name: str,
        software: str,
        client: httpx.Client,
        show: Show,
        stop: threading.Event,
        backoff_s: tuple[float, float] = BACKOFF_S,
    ) -> None:
        self._folder = folder
        self._key = key
        self._url = url.rstrip("/")
        self._about: tuple[Kind, str, str] = (kind, name, software)
        self._client = client
        self._show = show
        self._stop = stop
        self._backoff_s = backoff_s

    def run(self) -> Provision | None:
        """The provision, saved in the folder; None if `stop` came first. Raises EnrolmentError when it was refused."""
        delay = self._backoff_s[0]
        while not self._stop.is_set():
            try:
                return self._attempt()
            except _AskAnewError as reason:
                log.info("asking anew", reason=str(reason))
                delay = self._backoff_s[0]
            except _StationError as error:
                log.warning("the station cannot enrol this device yet", detail=str(error), again_in_s=round(delay))
            finally:
                self._show(None)
            self._stop.wait(delay * random.uniform(0.5, 1.5))  # noqa: S311 - spreading, not secrecy
            delay = min(delay * 2, self._backoff_s[1])
        return None

    def _attempt(self) -> Provision | None:
        seal_key, nonce = SealKey.generate(), secrets.token_hex(32)
        kind, name, software = self._about
        request = sign(
            EnrolmentRequest(
                public_key=self._key.public().to_jwk(),
                seal_key=seal_key.to_jwk(),
                commitment=commitment(nonce),
                kind=kind,
                name=name,
                software=software,
            ),
            self._key,
        )
        answer = self._post("/api/v1/enrolments", request)
        try:
            claimed = unverified(answer, EnrolmentOffer)
            keys = Keyring(PublicKey.from_jwk(jwk) for jwk in claimed.station_keys)
            offer = verify(answer, keys, EnrolmentOffer)
        except (RefusedError, ValueError) as error:
            raise _StationError(f"its offer cannot be read: {error}") from error
        found = comparison(transcript(request, answer), nonce)
        shown = Shown(offer.station_name, self._url, found, offer.expires_at)
        poll = sign(EnrolmentPoll(station=offer.station, enrolment=offer.enrolment, nonce=nonce), self._key)
        # Shown only when the station has the nonce too: before that nobody could accept the code.
        path, told, delay = f"/api/v1/enrolments/{offer.enrolment}/poll", False, self._backoff_s[0]
        while not self._stop.is_set():
            try:
                answer = self._post(path if told else f"{path}?wait=0", poll)
            except _StationError as error:
                log.warning("the station does not answer", detail=str(error))
                self._stop.wait(delay)
                delay = min(delay * 2, self._backoff_s[1])
                continue
            delay = self._backoff_s[0]
            state = self._read(answer, keys, EnrolmentState, ProvisionDocument)
            if isinstance(state, ProvisionDocument):
                if state.station != offer.station:
                    raise _StationError("the provision is of another station")
                return accept_provision(self._folder, state, self._key, seal_key, url=self._url)
            if (state.station, state.enrolment) != (offer.station, offer.enrolment):
                raise _StationError("it answers about another enrolment")
            if state.state == "refused":
                raise EnrolmentError(f"The station {offer.station_name} refused this device. Ask its operator why.")
            if state.state == "expired":
                raise _AskAnewError("the code has expired")
            if not told:
                told = True
                self._show(shown)
        return None

    @staticmethod
    def _read(
        answer: bytes, keys: Keyring, kind: type[EnrolmentState], other: type[ProvisionDocument]
    ) -> EnrolmentState | ProvisionDocument:
        try:
            return verify(answer, keys, kind, other)
        except RefusedError as error:
            raise _StationError(f"its answer is not to be believed: {error}") from error

    def _post(self, path: str, document: bytes) -> bytes:
        return _post(self._client, self._url + path, document)


def accept_provision(
    folder: Path,
    document: ProvisionDocument,
    key: SigningKey,
    seal_key: SealKey,
    *,
    url: str,
    before: Provision | None = None,
) -> Provision:
    """Open what was sealed for this device, and save it as its provision; of the one `before` it keeps what it has
    learnt of the station's keys. Raises EnrolmentError."""
    if document.key_thumbprint != thumbprint(key.public().to_jwk()):
        raise EnrolmentError("The provision is for another key than this device's. Enrol anew.")
    try:
        secret = seal_key.open(document.sealed_secret).decode("ascii")
    except (SealError, UnicodeDecodeError) as error:
        raise EnrolmentError(f"{error} Enrol anew.") from error
    provision = Provision(
        station=document.station,
        receiver=document.receiver,
        station_keys=document.station_keys if before is None else before.station_keys,
        station_key_times={} if before is None else before.station_key_times,
        keys_revision=0 if before is None else before.keys_revision,
        broker=BrokerAccess(
            host=document.broker.host,
            port=document.broker.port,
            username=document.receiver,
            secret=secret,
            tls=document.broker.tls,
            ca_pem=document.broker.ca_pem,
        ),
        media_urls=document.media_urls,
        station_url=url,
        generation=document.generation,
    )
    provision.save(folder)
    return provision


def renew(folder: Path, client: httpx.Client, *, change: bool = False, new_key: bool = False) -> Provision:
    """Fetch the provision that is in force, with the receiver's own key, and save it; with `change` a new secret is made
    first, and with `new_key` the key changes too.

    An answer that was lost does no harm: asking again brings what holds. Raises EnrolmentError, and ProvisionError
    and KeyFileError where the folder cannot be read.
    """
    provision = Provision.load(folder)
    if provision.station_url is None:
        raise EnrolmentError("This receiver was enrolled by hand and does not know its station's address: enrol anew.")
    key, seal_key = SigningKey.load(folder / KEY_FILE), SealKey.generate()
    following = _following(folder) if new_key else None
    proof = None
    if following is not None:
        statement = KeyProof(station=provision.station, receiver=provision.receiver, generation=provision.generation)
        proof = sign(statement, following).decode("ascii")
    request = RenewalRequest(
        station=provision.station,
        receiver=provision.receiver,
        generation=provision.generation,
        change=change or new_key,
        seal_key=seal_key.to_jwk(),
        new_key=None if following is None else following.public().to_jwk(),
        new_key_proof=proof,
    )
    url = f"{provision.station_url}/api/v1/receivers/{provision.receiver}/renewal"
    try:
        answer = _post(client, url, sign(request, key))
        document = verify(answer, Pins(provision.pins(), Timekeeper()), ProvisionDocument)
    except (_StationError, _AskAnewError, RefusedError) as error:
        raise EnrolmentError(f"The station did not renew the secret: {error}") from error
    if (document.station, document.receiver) != (provision.station, provision.receiver):
        raise EnrolmentError("The station answered with the provision of another receiver.")
    if document.key_thumbprint != thumbprint(key.public().to_jwk()) and (folder / NEXT_KEY_FILE).exists():
        key = SigningKey.load(folder / NEXT_KEY_FILE)  # this time, or before the power went
        renewed = accept_provision(folder, document, key, seal_key, before=provision, url=provision.station_url)
        key.save(folder / KEY_FILE, overwrite=True)
        (folder / NEXT_KEY_FILE).unlink()
        return renewed
    return accept_provision(folder, document, key, seal_key, before=provision, url=provision.station_url)


def _following(folder: Path) -> SigningKey:
    """The next key of this receiver: on disk before anybody is told of it."""
    path = folder / NEXT_KEY_FILE
    if path.exists():
        return SigningKey.load(path)
    key = SigningKey.generate()
    key.save(path)
    return key


def _post(client: httpx.Client, url: str, document: bytes) -> bytes:
    try:
        answer = client.post(url, content=document, headers={"Content-Type": MEDIA_TYPE}, timeout=POLL_TIMEOUT_S)
    except httpx.HTTPError as error:
        raise _StationError(f"{url} is not reached: {error}") from error
    if answer.status_code in (404, 409):
        raise _AskAnewError(_detail(answer))
    if answer.is_error:
        raise _StationError(_detail(answer))
    return answer.content.strip()


def _detail(answer: httpx.Response) -> str:
    """Problem details (RFC 9457) if there are any."""
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {answer.status_code}"
