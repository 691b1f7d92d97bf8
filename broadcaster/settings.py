"""Settings: environment variables `BROADCASTER_…`, then `broadcaster.toml` in the working folder, then these defaults."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from broadcaster.errors import SetupError
from broadcaster.reports.deadlines import deadline


class Settings(BaseSettings):
    """All settings of a station, with their units. `docs/reference/settings.md` is made from this class."""

    model_config = SettingsConfigDict(env_prefix="BROADCASTER_", extra="forbid", frozen=True)

    folder: Path = Field(Path("var"), description="Where the station keeps its database, clips and keys.")
    database_url: str | None = Field(
        None,
        description="SQLAlchemy address, such as postgresql+psycopg://user@host/name; without it SQLite in `folder`.",
    )
    station: str = Field(
        "station", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="The station's identifier on the wire."
    )
    station_name: str = Field("Đài truyền thanh xã", description="The station's name as people read it.")
    zone: str = Field("Asia/Ho_Chi_Minh", description="IANA time zone of wall-clock times.")

    host: str = Field("127.0.0.1", description="Address that the HTTP server listens on.")
    port: int = Field(8000, ge=1, le=65535, description="Port of the HTTP server.")
    public_url: str | None = Field(
        None, description="How receivers and people reach the HTTP server; default from host and port."
    )

    broker: Literal["embedded", "mosquitto", "external"] = Field(
        "embedded",
        description="`embedded` runs a broker as a child process; `mosquitto` connects to a Mosquitto 2 and makes its accounts "
        "(dynamic security); `external` connects to any broker, whose accounts you make.",
    )
    broker_host: str = Field("127.0.0.1", description="Address of the MQTT broker.")
    broker_port: int = Field(18830, ge=1, le=65535, description="Port of the MQTT broker.")
    broker_public_host: str | None = Field(None, description="How receivers reach the broker; default `broker_host`.")
    broker_public_port: int | None = Field(
        None, ge=1, le=65535, description="The broker's port as receivers reach it; default `broker_port`."
    )
    broker_tls: bool = Field(False, description="Whether the broker speaks TLS; an embedded one needs a certificate.")
    broker_ca_file: Path | None = Field(
        None,
        description="PEM file of the authority that the broker's certificate is from; receivers are given it at enrolment. "
        "Without it the authorities of each system are trusted.",
    )
    broker_certificate_file: Path | None = Field(
        None,
        description="The broker's certificate with its chain (PEM): the embedded broker uses it; of others its expiry is watched.",
    )
    broker_key_file: Path | None = Field(None, description="The key of an embedded broker's certificate (PEM).")
    broker_username: str = Field(
        "station",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="The station's account at a broker that it does not run itself.",
    )
    broker_password: SecretStr | None = Field(
        None, description="Its password at an `external` broker; elsewhere the station makes it."
    )
    broker_admin_username: str = Field("admin", description="The administrator's account of a `mosquitto`.")
    broker_admin_password: SecretStr | None = Field(None, description="Its password.")
    broker_configuration_file: Path | None = Field(
        None,
        description="A Mosquitto's configuration file, where this machine can read it: it is checked at the start.",
    )

    engines: tuple[Literal["gtts", "espeak", "piper"], ...] = Field(
        ("gtts", "espeak"), min_length=1, description="Speech engines in the order in which they are tried."
    )
    piper_voice: Path | None = Field(
        None,
        validate_default=True,
        description="Voice file of the engine piper, an .onnx file with its .onnx.json beside it; needed when `engines` names piper.",
    )
    gtts_timeout_s: float = Field(
        3.0, gt=0, le=60, description="Seconds until Google's speech service counts as failed."
    )
    voice: str = Field(
        "vi",
        pattern=r"^[A-Za-z0-9._+-]{1,60}$",
        description="Voice of an engine, such as vi, vi-vn-x-central, vi-vn-x-south; an area or a bulletin may have another.",
    )
    speech_rate: int = Field(150, ge=80, le=260, description="Words a minute; an area or a bulletin may have another.")
    speech_pitch: int = Field(
        50, ge=0, le=100, description="Pitch of the voice; 50 is its own; an area or a bulletin may have another."
    )
    equaliser: Literal["none", "horn"] = Field(
        "none", description="`horn` shapes the sound for horn loudspeakers; an area or a bulletin may have another."
    )
    station_call: str = Field(
        "", max_length=300, description="What is said before each bulletin, such as “Đây là Đài truyền thanh xã …”."
    )
    repeats: int = Field(0, ge=0, le=5, description="How often a bulletin is read again after “Xin nhắc lại”.")
    opus: bool = Field(True, description="Whether each clip is kept as Opus too.")
    speech_workers: int = Field(2, ge=1, le=32, description="Speech worker processes.")

    dispatch_horizon: timedelta = Field(timedelta(hours=48), description="How far ahead orders and clips go out.")
    plan_horizon: timedelta = Field(timedelta(days=14), description="How far ahead airings are written down.")
    late_limit: timedelta = Field(timedelta(seconds=120), description="How late a receiver may still begin an airing.")
    certificate_files: tuple[Path, ...] = Field(
        (), description="Other certificates whose expiry is to be watched (PEM), such as the reverse proxy's."
    )
    oidc_issuer: str | None = Field(
        None,
        pattern=r"^https?://[^\s?#]+$",
        description="Address of an OpenID Connect service by which people log in too, such as https://sso.tinh.example/realms/can-bo; https except on "
        "this machine. Without it there is none.",
    )
    oidc_client_id: str | None = Field(None, description="The station's name at that service.")
    oidc_client_secret: SecretStr | None = Field(None, description="Its secret there; none for a public client.")
    oidc_label: str = Field("Đăng nhập một lần", description="What its button on the log-in page says.")
    oidc_claim: Literal["preferred_username", "email"] = Field(
        "preferred_username",
        description="By which claim somebody who was invited is known at the first log-in: it is their user name, or of an e-mail address what stands "
        "before `@` `oidc_email_domain`.",
    )
    oidc_email_domain: str | None = Field(None, description="The domain of `email`, such as tinh.gov.vn.")
    session_length: timedelta = Field(timedelta(hours=12), description="How long a log-in lasts.")
    log_months: int = Field(
        24,
        ge=1,
        le=1200,
        description="How many whole months of the as-run log `broadcaster ledger archive` leaves in it.",
    )
    metrics_token: SecretStr | None = Field(
        None,
        description="What Prometheus must show at `/metrics` (as a bearer token); without it only this machine may read them. "
        "Needed behind a reverse proxy that hides who asks.",
    )
    report_deadline: str = Field(
        "12-10", description="Month and day by which the yearly reports are owed, such as 12-10 for 10 December."
    )

    @model_validator(mode="after")
    def _whole_service(self) -> Self:
        if self.oidc_issuer is not None:
            at = urlsplit(self.oidc_issuer)
            if at.scheme != "https" and at.hostname not in ("localhost", "127.0.0.1", "::1"):
                raise ValueError("oidc_issuer needs https; without it somebody on the way could log in as anybody")
            if self.oidc_client_id is None:
                raise ValueError("oidc_issuer needs oidc_client_id")
            if self.oidc_claim == "email" and self.oidc_email_domain is None:
                raise ValueError("oidc_claim email needs oidc_email_domain")
        return self

    @field_validator("report_deadline")
    @classmethod
    def _is_a_day(cls, text: str) -> str:
        deadline(text)
        return text

    @field_validator("piper_voice")
    @classmethod
    def _voice_file(cls, given: Path | None, others: ValidationInfo) -> Path | None:
        if "piper" in others.data.get("engines", ()) and (given is None or not given.is_file()):
            raise ValueError("engines names piper, which needs its voice: the path of an .onnx file that is there")
        return given

    alert_emails: tuple[str, ...] = Field((), description="Addresses to which alerts are sent by e-mail.")
    alert_webhooks: tuple[str, ...] = Field(
        (), description="Addresses (http or https) to which alerts are posted as JSON."
    )
    alert_webhook_secret: SecretStr | None = Field(
        None, description="What posted alerts are signed with (HMAC-SHA256); without it they are not signed."
    )
    alert_quiet: str = Field(
        "",
        pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9])?$",
        description="Hours in which only critical alerts are sent, such as `22:00-05:00`; the others wait for their end.",
    )
    alert_from: str = Field("broadcaster@localhost", description="The sender of the station's e-mail.")
    alert_smtp_host: str | None = Field(None, description="The mail server (SMTP).")
    alert_smtp_port: int = Field(587, ge=1, le=65535, description="Its port.")
    alert_smtp_security: Literal["none", "starttls", "tls"] = Field(
        "starttls", description="How the connection to it is secured."
    )
    alert_smtp_username: str | None = Field(None, description="The station's account there; none: no log-in.")
    alert_smtp_password: SecretStr | None = Field(None, description="Its password.")

    @property
    def database(self) -> str:
        """The SQLAlchemy address in force."""
        return self.database_url or f"sqlite:///{(self.folder / 'broadcaster.db').absolute()}"

    @property
    def base_url(self) -> str:
        """The HTTP server's address as others see it, without a slash at the end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  the base class's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = Path(os.environ.get("BROADCASTER_CONFIG", "broadcaster.toml"))
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=file)


def load_settings(**overrides: object) -> Settings:
    """The settings in force. Raises SetupError, naming the setting that is wrong."""
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]  # checked by pydantic
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SetupError(
            f"Thiết lập '{name}' không đúng: {first['msg']}. Sửa trong broadcaster.toml hoặc biến BROADCASTER_{name.upper()}.",
            f"Setting '{name}' is wrong: {first['msg']}. Mend it in broadcaster.toml or BROADCASTER_{name.upper()}.",
        ) from error
    except OSError as error:
        raise SetupError(
            f"Không đọc được tệp thiết lập: {error}.", f"The settings file cannot be read: {error}."
        ) from error


def settings_reference() -> str:
    """`docs/reference/settings.md`, made from the class."""
    lines = [
        "# Settings",
        "",
        "Each is read from the environment (`BROADCASTER_` and the name in capitals), then from `broadcaster.toml` in the working folder (or the file",
        "that `BROADCASTER_CONFIG` names), then the default holds. `make reference` makes this page from the code.",
        "",
        "| setting | default | meaning |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = field.default.total_seconds() if isinstance(field.default, timedelta) else field.default
        shown = "" if default is None else f"`{default}`"
        unit = " Seconds, or ISO 8601 such as `PT48H`." if isinstance(field.default, timedelta) else ""
        lines.append(f"| `{name}` | {shown} | {field.description}{unit} |")
    return "\n".join(lines) + "\n"
