"""Provisions: what a receiver is given at enrolment and at each renewal."""

from collections.abc import Callable

from broadcaster.clock import Clock
from broadcaster.credentials import AccountSecrets
from broadcaster.errors import ConflictError
from broadcaster.identity import Signatory
from broadcaster.storage.models import Receiver
from devices.brokers.accounts import hash_secret
from devices.wire.enrolment import BrokerAddress, Jwk, ProvisionDocument
from devices.wire.sealing import seal
from devices.wire.signing import thumbprint


class Provisions:
    """Writes provisions for receivers in service."""

    def __init__(
        self,
        clock: Clock,
        signatory: Signatory,
        secrets: AccountSecrets,
        *,
        station_name: str,
        station_keys: Callable[[], tuple[Jwk, ...]],
        broker: Callable[[], BrokerAddress],
        media_url: str,
    ) -> None:
        self._clock = clock
        self._signatory = signatory
        self._secrets = secrets
        self.station_name = station_name
        self.station_keys = station_keys
        self.broker = broker
        self._media_url = media_url

    def secret(self, row: Receiver) -> str:
        """The receiver's secret at the broker. Raises ConflictError where only its hash is known."""
        secret = self._secrets.of_receiver(row.id, row.secret_generation)
        if hash_secret(secret) != row.secret_sha256:
            raise ConflictError(
                f"Đài không còn giữ mật khẩu của '{row.id}'. Để thiết bị tự đổi mật khẩu, hoặc thay thế thiết bị.",
                f"The station does not know the secret of '{row.id}'. Let the receiver renew it, or replace it.",
            )
        return secret

    def document(self, row: Receiver, seal_key: Jwk) -> str:
        """The provision as a compact JWS, its secret sealed for the holder of `seal_key`."""
        return self._signatory.sign(
            ProvisionDocument(
                station=self._signatory.station,
                receiver=row.id,
                key_thumbprint=thumbprint(row.public_key),
                generation=row.secret_generation,
                sealed_secret=seal(self.secret(row).encode(), seal_key),
                broker=self.broker(),
                station_keys=self.station_keys(),
                media_urls=(self._media_url,),
                issued_at=self._clock.now(),
            )
        )
