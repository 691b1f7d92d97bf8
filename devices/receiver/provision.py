"""What a receiver is given once, and the key that it makes for itself."""

from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field, ValidationError, field_validator

from devices.files import write_private
from devices.wire.messages import Identifier, Instant, Value
from devices.wire.signing import Keyring, PublicKey, SigningKey

KEY_FILE = "key.json"
NEXT_KEY_FILE = "next-key.json"
PROVISION_FILE = "provision.json"


class ProvisionError(Exception):
    """The receiver cannot start with what its folder holds; the message says what is missing and what to do."""


class BrokerAccess(Value):
    """Where the broker is and the account there; `username` is also the MQTT client id."""

    host: str
    port: Annotated[int, Field(gt=0, lt=65536)]
    username: Identifier
    secret: Annotated[str, Field(min_length=32, repr=False)]
    tls: bool = False
    ca_file: str | None = None  # a PEM file that an installer put there
    ca_pem: str | None = None  # what the station gave; neither: the system's authorities


class Pin(Value):
    """A station key that is believed, and until when."""

    jwk: dict[str, str]
    until: Instant | None = None


class Provision(Value):
    """A receiver's identity, the station keys that it pins, and its access; `provision.json`, mode 0600."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    station: Identifier
    receiver: Identifier
    station_keys: Annotated[tuple[dict[str, str], ...], Field(min_length=1)]  # JWK, several while keys rotate
    broker: BrokerAccess
    media_urls: tuple[str, ...] = ()  # until a configuration says more
    station_url: str | None = None  # where it enrolled, and renews its secret
    generation: Annotated[int, Field(ge=0)] = 0  # of the secret
    station_key_times: dict[str, Instant] = {}  # until when a key is believed, by kid  # noqa: RUF012 - pydantic copies it
    keys_revision: Annotated[int, Field(ge=0)] = 0  # of the station's document that these keys are from

    @field_validator("station_keys")
    @classmethod
    def _are_keys(cls, value: tuple[dict[str, str], ...]) -> tuple[dict[str, str], ...]:
        Keyring(PublicKey.from_jwk(jwk) for jwk in value)
        return value

    def keyring(self) -> Keyring:
        """The station's keys."""
        return Keyring(PublicKey.from_jwk(jwk) for jwk in self.station_keys)

    def pins(self) -> tuple["Pin", ...]:
        """The station's keys, each with its end."""
        return tuple(Pin(jwk=jwk, until=self.station_key_times.get(jwk["kid"])) for jwk in self.station_keys)

    def save(self, folder: Path) -> None:
        """Write `provision.json`, replacing an older one."""
        write_private(folder / PROVISION_FILE, self.model_dump_json(indent=1).encode(), overwrite=True)

    @classmethod
    def load(cls, folder: Path) -> "Provision":
        """Read `provision.json`. Raises ProvisionError."""
        path = folder / PROVISION_FILE
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise ProvisionError(f"{path} cannot be read ({error.strerror}): enrol the receiver first.") from error
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            # The input is left out, as it holds the account's secret.
            raise ProvisionError(f"{path} is damaged at {where!r} ({first['msg']}): enrol the receiver anew.") from None


def initialise(folder: Path) -> PublicKey:
    """Make the receiver's folder and its own key, if it has none; the private half never leaves the folder."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / KEY_FILE
    if path.exists():
        return SigningKey.load(path).public()
    key = SigningKey.generate()
    key.save(path)
    return key.public()
