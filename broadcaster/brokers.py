"""The broker of a station: which one, with which accounts, and how receivers reach it."""

import logging
import ssl
from dataclasses import dataclass
from pathlib import Path

from broadcaster.credentials import AccountSecrets
from broadcaster.errors import SetupError
from broadcaster.settings import Settings
from devices.brokers.accounts import Account, station_account
from devices.brokers.dynamic_security import DynamicSecurity
from devices.brokers.embedded import EmbeddedBroker
from devices.brokers.mosquitto import advice
from devices.brokers.port import BrokerAccounts, ForeignAccounts
from devices.links.mqtt import MqttLink
from devices.wire.enrolment import BrokerAddress

log = logging.getLogger(__name__)
STATION_ACCOUNT = "station"


@dataclass(frozen=True)
class BrokerSide:
    """What the station needs to speak to its broker and to give receivers accounts there."""

    settings: Settings
    username: str
    password: str
    tls: ssl.SSLContext | None
    accounts: BrokerAccounts
    own_account: Account | None  # none: its administrator made it
    process: EmbeddedBroker | None

    def link(self, client_id: str, *, clean_session: bool = False) -> MqttLink:
        """A link with the station's own account."""
        return MqttLink(
            *(self.settings.broker_host, self.settings.broker_port, client_id, self.username, self.password),
            clean_session=clean_session,
            tls=self.tls,
        )

    def address(self) -> BrokerAddress:
        """Where receivers find the broker."""
        settings = self.settings
        return BrokerAddress(
            host=settings.broker_public_host or settings.broker_host,
            port=settings.broker_public_port or settings.broker_port,
            tls=settings.broker_tls,
            ca_pem=(_read(settings.broker_ca_file) or None) if settings.broker_tls else None,
        )


def reserved_names(settings: Settings) -> frozenset[str]:
    """Accounts that no receiver may be called like."""
    return frozenset({STATION_ACCOUNT, settings.broker_username, settings.broker_admin_username})


def broker_side(settings: Settings, secrets: AccountSecrets) -> BrokerSide:
    """The broker that the settings choose. Raises SetupError."""
    tls = _context(settings) if settings.broker_tls else None
    if settings.broker == "embedded":
        folder = settings.folder / "broker"
        folder.mkdir(exist_ok=True, mode=0o700)
        process = EmbeddedBroker(
            settings.broker_host, settings.broker_port, folder=folder, certificate=_certificate(settings)
        )
        password = secrets.of_station(STATION_ACCOUNT)
        own = station_account(password, username=STATION_ACCOUNT)
        return BrokerSide(settings, STATION_ACCOUNT, password, tls, process.accounts, own, process)
    if settings.broker_configuration_file is not None:
        for line in advice(_read(settings.broker_configuration_file)):
            log.warning("mosquitto's configuration: %s", line)
    username = settings.broker_username
    if settings.broker == "mosquitto":
        if settings.broker_admin_password is None:
            raise SetupError(
                "Mosquitto cần mật khẩu quản trị. Đặt BROADCASTER_BROKER_ADMIN_PASSWORD.",
                "Mosquitto needs its administrator's password. Set BROADCASTER_BROKER_ADMIN_PASSWORD.",
            )
        admin = settings.broker_admin_password.get_secret_value()
        password = secrets.of_station(username)
        accounts = DynamicSecurity(
            lambda: MqttLink(
                *(settings.broker_host, settings.broker_port, f"{username}~accounts"),
                *(settings.broker_admin_username, admin),
                clean_session=True,
                tls=tls,
            ),
            station=settings.station,
            several_connections=frozenset({username}),
        )
        return BrokerSide(
            settings, username, password, tls, accounts, station_account(password, username=username), None
        )
    if settings.broker_password is None:
        raise SetupError(
            "Máy chủ MQTT bên ngoài cần mật khẩu. Đặt BROADCASTER_BROKER_PASSWORD.",
            "An external broker needs a password. Set BROADCASTER_BROKER_PASSWORD.",
        )
    return BrokerSide(
        settings, username, settings.broker_password.get_secret_value(), tls, ForeignAccounts(), None, None
    )


def _certificate(settings: Settings) -> tuple[Path, Path] | None:
    if not settings.broker_tls:
        return None
    if settings.broker_certificate_file is None or settings.broker_key_file is None:
        raise SetupError(
            "TLS của máy chủ MQTT cần chứng thư và khóa. Đặt BROADCASTER_BROKER_CERTIFICATE_FILE và BROADCASTER_BROKER_KEY_FILE.",
            "TLS of the embedded broker needs a certificate and its key. Set BROADCASTER_BROKER_CERTIFICATE_FILE and "
            "BROADCASTER_BROKER_KEY_FILE.",
        )
    return settings.broker_certificate_file, settings.broker_key_file


def _context(settings: Settings) -> ssl.SSLContext:
    """TLS towards the broker. The embedded one is our own child on this machine: there the name is not looked at."""
    try:
        context = ssl.create_default_context(cafile=settings.broker_ca_file)
    except (OSError, ssl.SSLError) as error:
        raise SetupError(
            f"Không đọc được chứng thư gốc {settings.broker_ca_file}: {error}.",
            f"The authority in {settings.broker_ca_file} cannot be read: {error}.",
        ) from error
    if settings.broker == "embedded":
        context.check_hostname = False
    return context


def _read(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"Không đọc được {path}: {error}.", f"{path} cannot be read: {error}.") from error
