"""The tables. Identifiers are strings that are safe in a topic and a file name; instants are UTC."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, MetaData, String, Text, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from broadcaster.storage.database import UtcDateTime

Json = dict[str, Any]


class Base(DeclarativeBase):
    """Constraints are named, so that migrations can change them on both databases."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime, Json: JSON, list[str]: JSON, str: String}  # noqa: RUF012  SQLAlchemy's form


class Area(Base):
    """A node of the effective-dated tree: province, commune, village."""

    __tablename__ = "areas"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]  # province | commune | village
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("areas.id"), index=True)
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]  # the first day on which it is no more


class Person(Base):
    """Somebody who logs in, with one role."""

    __tablename__ = "people"
    id: Mapped[str] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[str]
    password_hash: Mapped[str]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class LoginSession(Base):
    """A log-in. Only the hash of its token is kept."""

    __tablename__ = "sessions"
    token_sha256: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class Receiver(Base):
    """An endpoint that was enrolled: its own public key, its place, the hash of its broker secret."""

    __tablename__ = "receivers"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]  # loudspeaker | screen
    area_id: Mapped[str] = mapped_column(ForeignKey("areas.id"), index=True)
    public_key: Mapped[Json]  # JWK (RFC 7517, RFC 8037)
    secret_sha256: Mapped[str]
    enrolled_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    configuration_revision: Mapped[int] = mapped_column(default=0)
    configuration_sha256: Mapped[str | None]  # of its content without revision and dates
    configuration_document: Mapped[str | None] = mapped_column(Text)  # compact JWS
    configuration_expires_at: Mapped[datetime | None]
    presence: Mapped[str | None]  # online | offline | None while it was never heard of
    presence_session: Mapped[str | None]
    presence_at: Mapped[datetime | None]
    health: Mapped[Json | None]
    health_at: Mapped[datetime | None]


class Bulletin(Base):
    """The text item at its present revision. Its rendering belongs to that revision alone."""

    __tablename__ = "bulletins"
    id: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    text: Mapped[str] = mapped_column(Text)
    card_text: Mapped[str] = mapped_column(Text)
    field: Mapped[str]
    priority: Mapped[str]
    author_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    revision: Mapped[int] = mapped_column(default=1)
    state: Mapped[str]  # draft | submitted | released | returned | withdrawn
    state_reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    rendering: Mapped[str]  # pending | done | failed
    rendering_error_vi: Mapped[str | None] = mapped_column(Text)
    rendering_error_en: Mapped[str | None] = mapped_column(Text)
    clip_sha256: Mapped[str | None] = mapped_column(ForeignKey("clips.sha256"))
    script_sha256: Mapped[str | None]
    __table_args__ = (
        Index("ix_bulletins_created", "created_at", "id"),
        Index(
            "ix_bulletins_pending",
            "rendering",
            sqlite_where=sql("rendering = 'pending'"),
            postgresql_where=sql("rendering = 'pending'"),
        ),
    )


class ClipRecord(Base):
    """What is known of a rendered, mastered clip in the store."""

    __tablename__ = "clips"
    sha256: Mapped[str] = mapped_column(primary_key=True)
    size: Mapped[int]  # bytes
    duration_ms: Mapped[int]
    lufs: Mapped[float]
    true_peak_dbtp: Mapped[float]
    engine: Mapped[str]
    voice: Mapped[str]
    fallback: Mapped[bool]
    fallback_reason: Mapped[str | None] = mapped_column(Text)
    script_sha256: Mapped[str]
    created_at: Mapped[datetime]


class Schedule(Base):
    """When and where a bulletin is to air: a rule in wall-clock time, and targets."""

    __tablename__ = "schedules"
    id: Mapped[str] = mapped_column(primary_key=True)
    bulletin_id: Mapped[str] = mapped_column(ForeignKey("bulletins.id", ondelete="CASCADE"), index=True)
    rule: Mapped[Json]
    targets: Mapped[Json]
    created_at: Mapped[datetime]


class Release(Base):
    """An approver's binding to the exact hash of text, script, clip, card, targets and times."""

    __tablename__ = "releases"
    id: Mapped[str] = mapped_column(primary_key=True)
    bulletin_id: Mapped[str] = mapped_column(ForeignKey("bulletins.id"), index=True)
    revision: Mapped[int]
    content_sha256: Mapped[str]
    content: Mapped[str] = mapped_column(Text)  # canonical JSON, whose SHA-256 is content_sha256
    approver_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    released_at: Mapped[datetime]
    voided_at: Mapped[datetime | None]
    void_reason: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (
        # One release in force per bulletin, whatever races.
        Index(
            "uq_releases_in_force",
            "bulletin_id",
            unique=True,
            sqlite_where=sql("voided_at IS NULL"),
            postgresql_where=sql("voided_at IS NULL"),
        ),
    )


class Airing(Base):
    """One dated occurrence of a released bulletin. This row is the truth; alarms only wake whoever reads it."""

    __tablename__ = "airings"
    id: Mapped[str] = mapped_column(primary_key=True)
    schedule_id: Mapped[str | None] = mapped_column(ForeignKey("schedules.id", ondelete="SET NULL"))
    release_id: Mapped[str] = mapped_column(ForeignKey("releases.id"), index=True)
    bulletin_id: Mapped[str] = mapped_column(ForeignKey("bulletins.id"), index=True)
    due_at: Mapped[datetime]
    state: Mapped[str]  # planned | dispatched | closed | cancelled | missed
    state_reason: Mapped[str | None] = mapped_column(Text)
    title: Mapped[str]  # copied, so that deleting a bulletin cannot rewrite history
    priority: Mapped[str]
    clip_sha256: Mapped[str]
    duration_ms: Mapped[int]
    __table_args__ = (
        # Unique among airings that stand: a voided release's airing must not block the next release's.
        Index(
            "uq_airings_occurrence",
            "schedule_id",
            "due_at",
            unique=True,
            sqlite_where=sql("state <> 'cancelled'"),
            postgresql_where=sql("state <> 'cancelled'"),
        ),
        Index("ix_airings_due", "state", "due_at"),
        CheckConstraint("state IN ('planned','dispatched','closed','cancelled','missed')", name="state"),
    )


class AiringReceiver(Base):
    """Who was to play an airing when its order went out, with names as they were then."""

    __tablename__ = "airing_receivers"
    airing_id: Mapped[str] = mapped_column(ForeignKey("airings.id"), primary_key=True)
    receiver_id: Mapped[str] = mapped_column(primary_key=True)
    receiver_name: Mapped[str]
    kind: Mapped[str]
    area_id: Mapped[str]


class OrderRecord(Base):
    """The signed document of one airing, as it stands on the broker. `published_at` is empty until it does."""

    __tablename__ = "orders"
    id: Mapped[str] = mapped_column(primary_key=True)
    airing_id: Mapped[str] = mapped_column(ForeignKey("airings.id"), unique=True)
    revision: Mapped[int]
    topics: Mapped[list[str]]
    audience: Mapped[Json]
    document: Mapped[str] = mapped_column(Text)  # compact JWS of the order, or of its cancellation
    cancelled: Mapped[bool] = mapped_column(default=False)
    play_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    cleared_at: Mapped[datetime | None]
    __table_args__ = (Index("ix_orders_standing", "cleared_at", "expires_at"),)


class ReceiptEnvelope(Base):
    """A signed message of receipts as it arrived: the proof behind the log's rows."""

    __tablename__ = "receipt_envelopes"
    sha256: Mapped[str] = mapped_column(primary_key=True)
    receiver_id: Mapped[str]
    document: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime]


class AsRun(Base):
    """The append-only, hash-chained log of receipts. Names and hashes are copied in."""

    __tablename__ = "as_run"
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    receipt_id: Mapped[str]
    receiver_id: Mapped[str]
    receiver_name: Mapped[str]
    receiver_seq: Mapped[int]
    area_id: Mapped[str]
    area_name: Mapped[str]
    order_id: Mapped[str]
    order_revision: Mapped[int]
    airing_id: Mapped[str | None]
    due_at: Mapped[datetime | None]
    bulletin_title: Mapped[str | None]
    clip_sha256: Mapped[str | None]
    state: Mapped[str]
    at: Mapped[datetime]  # the receiver's clock
    reason: Mapped[str | None]
    detail: Mapped[str | None]
    evidence: Mapped[Json | None]
    envelope_sha256: Mapped[str]
    received_at: Mapped[datetime]  # the station's clock
    previous_hash: Mapped[str]
    hash: Mapped[str]
    __table_args__ = (
        UniqueConstraint("receiver_id", "receipt_id", name="uq_as_run_receipt"),
        Index("ix_as_run_airing", "airing_id", "seq"),
        Index("ix_as_run_at", "at", "seq"),
    )


class LogHead(Base):
    """The end of the chain, one row: whoever appends holds it, so that the chain has one order."""

    __tablename__ = "log_head"
    id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int]
    hash: Mapped[str]


class RejectedMessage(Base):
    """What arrived and does not fit, kept apart with the reason, never dropped."""

    __tablename__ = "rejected_messages"
    id: Mapped[int] = mapped_column(primary_key=True)
    topic: Mapped[str]
    payload_sha256: Mapped[str] = mapped_column(unique=True)
    payload: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime]
    times: Mapped[int] = mapped_column(default=1)
