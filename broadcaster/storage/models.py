"""The tables. Identifiers are strings that are safe in a topic and a file name; instants are UTC."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, MetaData, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from broadcaster.storage.database import LongWords, UtcDateTime, Words

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
    type_annotation_map = {datetime: UtcDateTime, Json: JSON, list[Json]: JSON, list[str]: JSON, str: Words}  # noqa: RUF012  SQLAlchemy's form


class Area(Base):
    """A node of the effective-dated tree: province, commune, village."""

    __tablename__ = "areas"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]  # province | commune | village
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("areas.id"), index=True)
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]  # the first day on which it is no more


class Reorganisation(Base):
    """Communes that merge or split on a day: planned by one person, approved by another, undone until its day."""

    __tablename__ = "reorganisations"
    id: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    day: Mapped[date] = mapped_column(index=True)  # the first day of the new order of things
    plan: Mapped[Json]  # what was asked for
    state: Mapped[str]  # planned | approved | in_force | undone
    planned_by: Mapped[str] = mapped_column(ForeignKey("people.id"))
    planned_at: Mapped[datetime]
    approved_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    approved_at: Mapped[datetime | None]
    preview_sha256: Mapped[str | None]  # of what the approver saw
    preview: Mapped[str | None] = mapped_column(LongWords)  # its canonical JSON
    undone_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    undone_at: Mapped[datetime | None]
    undone_reason: Mapped[str | None] = mapped_column(LongWords)
    in_force_at: Mapped[datetime | None]
    __table_args__ = (CheckConstraint("state IN ('planned','approved','in_force','undone')", name="state"),)


class AreaMove(Base):
    """From a day on, an area stands under another parent."""

    __tablename__ = "area_moves"
    area_id: Mapped[str] = mapped_column(ForeignKey("areas.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    parent_id: Mapped[str] = mapped_column(ForeignKey("areas.id"))
    reorganisation_id: Mapped[str] = mapped_column(ForeignKey("reorganisations.id"), index=True)


class AreaSuccessor(Base):
    """What an area that ends is merged or split into: what is addressed to it airs there from that day on."""

    __tablename__ = "area_successors"
    area_id: Mapped[str] = mapped_column(ForeignKey("areas.id"), primary_key=True)
    successor_id: Mapped[str] = mapped_column(ForeignKey("areas.id"), primary_key=True)
    day: Mapped[date]
    reorganisation_id: Mapped[str] = mapped_column(ForeignKey("reorganisations.id"), index=True)


class ReceiverMove(Base):
    """From a day on, a receiver stands in another area. On the day the receiver's own row follows."""

    __tablename__ = "receiver_moves"
    receiver_id: Mapped[str] = mapped_column(ForeignKey("receivers.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    area_id: Mapped[str] = mapped_column(ForeignKey("areas.id"))
    reorganisation_id: Mapped[str] = mapped_column(ForeignKey("reorganisations.id"), index=True)


class RehomingRecord(Base):
    """The signed document that re-homes whoever stands under an area, as it stands on the broker."""

    __tablename__ = "rehomings"
    area_id: Mapped[str] = mapped_column(ForeignKey("areas.id"), primary_key=True)
    revision: Mapped[int]
    content_sha256: Mapped[str]  # of its content without revision and dates
    document: Mapped[str] = mapped_column(LongWords)  # compact JWS
    expires_at: Mapped[datetime]
    published_at: Mapped[datetime | None]


class ReceiverGroup(Base):
    """Targets that are saved under a name."""

    __tablename__ = "receiver_groups"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    targets: Mapped[Json]
    changed_by: Mapped[str] = mapped_column(ForeignKey("people.id"))
    changed_at: Mapped[datetime]


class AreaPolicy(Base):
    """What an area allows on air (`schedules.policies.Policy`). `national` in place of an area: the defaults above all areas."""

    __tablename__ = "area_policies"
    area_id: Mapped[str] = mapped_column(primary_key=True)
    policy: Mapped[Json]
    break_glass: Mapped[bool | None]  # whether one person may issue an emergency; none: as above
    revision: Mapped[int]
    changed_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    changed_at: Mapped[datetime]


class AuditEntry(Base):
    """What somebody did, chained with the as-run log: one sequence of numbers and of hashes. The database refuses to change it."""

    __tablename__ = "audit_log"
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor_id: Mapped[str]  # empty: whoever holds the station's folder; or nobody that is known
    actor_name: Mapped[str]
    address: Mapped[str]  # where the request came from
    action: Mapped[str]  # such as bulletin-released, account-log-in
    subject: Mapped[str]  # the id of what it was done to
    area_id: Mapped[str | None] = mapped_column(
        index=True
    )  # the lowest area that holds all it concerned; none: the whole station
    reason: Mapped[str | None] = mapped_column(LongWords)
    before: Mapped[Json | None]  # what changed, as it was
    after: Mapped[Json | None]  # and as it is
    details: Mapped[Json | None]
    previous_hash: Mapped[str]
    hash: Mapped[str]
    __table_args__ = (
        Index("ix_audit_log_at", "at", "seq"),
        Index("ix_audit_log_actor", "actor_id", "seq"),
        Index("ix_audit_log_action", "action", "seq"),
    )


class EarlierAuditEntry(Base):
    """An entry of before the audit log was chained: the station takes it into the chain when it starts."""

    __tablename__ = "audit_entries"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor_id: Mapped[str]
    actor_name: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    reason: Mapped[str | None] = mapped_column(LongWords)
    details: Mapped[Json | None]


class StopRecord(Base):
    """Silence for an audience, as it stands on the broker, until it is lifted or expires."""

    __tablename__ = "stops"
    id: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int]
    topics: Mapped[list[str]]
    audience: Mapped[Json]
    document: Mapped[str] = mapped_column(LongWords)  # compact JWS
    reason: Mapped[str]
    issued_by: Mapped[str] = mapped_column(ForeignKey("people.id"))
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    lifted_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    lifted_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    cleared_at: Mapped[datetime | None]


class EmergencyTemplate(Base):
    """An emergency text with blanks, released beforehand by two persons."""

    __tablename__ = "emergency_templates"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    area_id: Mapped[str | None] = mapped_column(ForeignKey("areas.id"))  # whose it is; none: the whole station's
    content: Mapped[Json]  # title, text, blanks
    content_sha256: Mapped[str]
    state: Mapped[str]  # draft | released | retired
    author_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime]
    released_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    released_at: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]
    __table_args__ = (CheckConstraint("state IN ('draft','released','retired')", name="state"),)


class Emergency(Base):
    """One emergency message (CAP 1.2: Alert, Update or Cancel; Actual or Exercise) and the bulletin that says it."""

    __tablename__ = "emergencies"
    id: Mapped[str] = mapped_column(primary_key=True)
    message: Mapped[str]  # alert | update | cancel
    drill: Mapped[bool]
    references: Mapped[str | None] = mapped_column(
        ForeignKey("emergencies.id")
    )  # the message that it takes the place of
    template_id: Mapped[str | None] = mapped_column(ForeignKey("emergency_templates.id"))
    blanks: Mapped[Json | None]  # what stood in the template's blanks; the next message of it begins with the same
    bulletin_id: Mapped[str] = mapped_column(ForeignKey("bulletins.id"), unique=True)
    targets: Mapped[Json]
    every_minutes: Mapped[int | None]  # none: once
    state: Mapped[str] = mapped_column(index=True)  # preparing | issued | ended | failed
    reason: Mapped[str | None] = mapped_column(LongWords)  # of one person who issued it alone
    issued_by: Mapped[str] = mapped_column(ForeignKey("people.id"))
    asked_at: Mapped[datetime]
    issued_at: Mapped[datetime | None]
    until: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    end_reason: Mapped[str | None] = mapped_column(LongWords)
    __table_args__ = (CheckConstraint("state IN ('preparing','issued','ended','failed')", name="state"),)


class Person(Base):
    """Somebody who logs in. What they may do, their grants say."""

    __tablename__ = "people"
    id: Mapped[str] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    must_change_password: Mapped[bool] = mapped_column(default=False)  # after a reset: nothing else may be done
    totp_secret: Mapped[str | None]  # base32 (RFC 6238)
    totp_confirmed_at: Mapped[datetime | None]  # asked for from then on
    totp_last_step: Mapped[int | None]  # the time step of the last code taken: a code serves once
    outside_issuer: Mapped[str | None]  # the service by which they log in too (OpenID Connect), and who they are there
    outside_subject: Mapped[str | None]
    __table_args__ = (UniqueConstraint("outside_issuer", "outside_subject"),)


class GrantRecord(Base):
    """A role that a person has in an area and what is under it (decision 0020)."""

    __tablename__ = "grants"
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    role: Mapped[str]
    area_id: Mapped[str | None] = mapped_column(ForeignKey("areas.id"), index=True)  # none: the whole station


class Absence(Base):
    """An approver is away, and perhaps somebody releases in their place meanwhile (decision 0022)."""

    __tablename__ = "absences"
    id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    deputy_id: Mapped[str | None] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    area_id: Mapped[str | None] = mapped_column(
        ForeignKey("areas.id")
    )  # where the deputy releases; none: wherever the person does
    begins_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    reason: Mapped[str | None] = mapped_column(LongWords)
    said_by: Mapped[str] = mapped_column(ForeignKey("people.id"))
    said_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]  # where it was ended before its time


class LoginSession(Base):
    """A log-in. Only the hash of its token is kept."""

    __tablename__ = "sessions"
    token_sha256: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    proved_at: Mapped[datetime | None]  # when a one-time code was last given in it


class OutsideLogIn(Base):
    """A log-in that was begun at another service and has not come back: each comes back once, to the browser that began it."""

    __tablename__ = "outside_log_ins"
    state_sha256: Mapped[str] = mapped_column(primary_key=True)
    browser_sha256: Mapped[str]
    nonce: Mapped[str]
    verifier: Mapped[str]  # PKCE (RFC 7636)
    onward: Mapped[str]  # where it leads, a path of ours
    person_id: Mapped[str | None] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))  # who links an account
    expires_at: Mapped[datetime]


class LogInFailure(Base):
    """A try to log in that did not succeed, kept as long as it counts."""

    __tablename__ = "log_in_failures"
    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str]
    address: Mapped[str]
    at: Mapped[datetime] = mapped_column(index=True)


class ApiToken(Base):
    """A program's key, with some of its owner's rights. Only its hash is kept."""

    __tablename__ = "api_tokens"
    id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    token_sha256: Mapped[str] = mapped_column(unique=True)
    rights: Mapped[list[str]]
    area_id: Mapped[str | None] = mapped_column(ForeignKey("areas.id"))  # none: wherever its owner has them
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class WelcomeLink(Base):
    """A link by which one administrator of the whole station is made, once. Only the hash of its token is kept."""

    __tablename__ = "welcome_links"
    token_sha256: Mapped[str] = mapped_column(primary_key=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class IdempotentAnswer(Base):
    """The answer to a request that had an Idempotency-Key, for whoever sends it again."""

    __tablename__ = "idempotent_answers"
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_sha256: Mapped[str]  # of method, path and body
    at: Mapped[datetime] = mapped_column(index=True)
    status: Mapped[int | None]  # none: it is being answered
    headers: Mapped[Json | None]
    body: Mapped[str | None] = mapped_column(LongWords)


class Receiver(Base):
    """An endpoint that was enrolled: its own public key, its place, the hash of its broker secret."""

    __tablename__ = "receivers"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]  # loudspeaker | screen
    area_id: Mapped[str] = mapped_column(ForeignKey("areas.id"), index=True)
    special_place: Mapped[str | None]  # school | health_post | pagoda | library | kindergarten (QCVN 26:2010/BTNMT)
    full_volume_dba: Mapped[int | None]  # measured at the nearest home at full volume; none: never measured
    latitude: Mapped[float | None]  # WGS 84, in degrees; both or neither
    longitude: Mapped[float | None]
    public_key: Mapped[Json]  # JWK (RFC 7517, RFC 8037)
    previous_key: Mapped[Json | None]  # what it signed with before it renewed its key
    previous_key_until: Mapped[datetime | None]
    secret_sha256: Mapped[str]
    secret_generation: Mapped[int] = mapped_column(default=0, server_default="0")  # 0: made before secrets were derived
    enrolled_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    wipe_id: Mapped[str | None]
    wipe_document: Mapped[str | None] = mapped_column(LongWords)  # compact JWS, while it is to be wiped
    configuration_revision: Mapped[int] = mapped_column(default=0)
    configuration_sha256: Mapped[str | None]  # of its content without areas, revision and dates
    configuration_areas: Mapped[list[str] | None]  # its line there; re-homing may have changed it since
    configuration_document: Mapped[str | None] = mapped_column(LongWords)  # compact JWS
    configuration_expires_at: Mapped[datetime | None]
    presence: Mapped[str | None]  # online | offline | None while it was never heard of
    presence_session: Mapped[str | None]
    presence_at: Mapped[datetime | None]
    health: Mapped[Json | None]
    health_at: Mapped[datetime | None]
    troubles: Mapped[Json | None] = mapped_column(
        JSON(none_as_null=True)
    )  # what of its health is wrong, with the figure; empty while it is well


class LexiconRecord(Base):
    """How a term is read in an area and below it. A change ends the row and adds another: the history stays."""

    __tablename__ = "lexicon_entries"
    id: Mapped[str] = mapped_column(primary_key=True)
    area_id: Mapped[str] = mapped_column(ForeignKey("areas.id"), index=True)
    written: Mapped[str]
    reading: Mapped[str | None]  # None: its letters are named one by one
    note: Mapped[str] = mapped_column(LongWords)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    __table_args__ = (
        Index(
            "uq_lexicon_entries_in_force",
            "area_id",
            "written",
            unique=True,
            sqlite_where=sql("ended_at IS NULL"),
            postgresql_where=sql("ended_at IS NULL"),
        ),
    )


class LexiconProposal(Base):
    """A reading that is proposed for an area's lexicon from below, and what became of it."""

    __tablename__ = "lexicon_proposals"
    id: Mapped[str] = mapped_column(primary_key=True)
    area_id: Mapped[str] = mapped_column(ForeignKey("areas.id"), index=True)
    written: Mapped[str]
    reading: Mapped[str | None]  # None: its letters are named one by one
    bulletin_id: Mapped[str | None] = mapped_column(ForeignKey("bulletins.id", ondelete="SET NULL"))  # where it came up
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime]
    decision: Mapped[str | None]  # accepted | declined
    reason: Mapped[str | None] = mapped_column(LongWords)
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))


class AreaSound(Base):
    """How an area and what is under it wants to sound, where that differs from what is above."""

    __tablename__ = "area_sounds"
    area_id: Mapped[str] = mapped_column(ForeignKey("areas.id"), primary_key=True)
    sound: Mapped[Json]
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    changed_at: Mapped[datetime]


class AreaOutline(Base):
    """Where an area ends, for the map."""

    __tablename__ = "area_outlines"
    area_id: Mapped[str] = mapped_column(ForeignKey("areas.id"), primary_key=True)
    geometry: Mapped[Json]  # GeoJSON: `outlines.Outline`
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    changed_at: Mapped[datetime]


class Recording(Base):
    """A sound that somebody uploaded: speech in place of synthesis, or a jingle."""

    __tablename__ = "recordings"
    sha256: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)  # speech | jingle
    name: Mapped[str]
    size: Mapped[int]  # bytes
    duration_ms: Mapped[int]
    lufs: Mapped[float]
    true_peak_dbtp: Mapped[float]
    clipped: Mapped[int]
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime]


class ReceiverEvent(Base):
    """What happened to a receiver's place: who stood there with which key, and who decided it."""

    __tablename__ = "receiver_events"
    id: Mapped[int] = mapped_column(primary_key=True)
    receiver_id: Mapped[str] = mapped_column(index=True)
    at: Mapped[datetime]
    event: Mapped[str]  # enrolled | replaced | moved | renewed | revoked | wipe-asked | wiped
    actor_id: Mapped[str | None]  # none: the receiver itself
    actor_name: Mapped[str | None]
    name: Mapped[str]
    area_id: Mapped[str]
    key_thumbprint: Mapped[str]  # RFC 7638
    public_key: Mapped[Json]  # the log is verified with the keys of all who ever stood here
    detail: Mapped[Json | None]


class Enrolment(Base):
    """A device that asks to be taken into service. Its code is kept as a keyed hash only."""

    __tablename__ = "enrolments"
    id: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]  # offered | waiting | accepted | refused
    address: Mapped[str]  # where the request came from; an IPv6 network of 64 bits counts as one
    public_key: Mapped[Json]
    seal_key: Mapped[Json]
    key_thumbprint: Mapped[str]
    commitment: Mapped[str]
    transcript: Mapped[str | None]  # hexadecimal; gone once the code is known
    kind: Mapped[str]
    name: Mapped[str]
    software: Mapped[str]
    code_hash: Mapped[str | None] = mapped_column(unique=True)  # HMAC-SHA256; gone once it is decided or expired
    fingerprint: Mapped[str | None]
    requested_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    receiver_id: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    __table_args__ = (Index("ix_enrolments_address", "address", "requested_at"),)


class EnrolmentAttempt(Base):
    """A code that somebody typed and that no waiting device showed."""

    __tablename__ = "enrolment_attempts"
    id: Mapped[int] = mapped_column(primary_key=True)
    actor_id: Mapped[str]
    at: Mapped[datetime] = mapped_column(index=True)


class Bulletin(Base):
    """The text item at its present revision. A rendering is kept only if it is of what would be spoken now."""

    __tablename__ = "bulletins"
    id: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    text: Mapped[str] = mapped_column(LongWords)
    card_text: Mapped[str] = mapped_column(LongWords)
    field: Mapped[str]
    priority: Mapped[str]
    interrupted: Mapped[str] = mapped_column(default="drop", server_default="drop")  # resume | restart | move | drop
    programme_id: Mapped[str | None] = mapped_column(
        ForeignKey("programmes.id"), index=True
    )  # in whose queue it stands
    expires_at: Mapped[datetime | None]  # after it, it airs neither out of the queue nor behind a later session
    campaign_id: Mapped[str | None] = mapped_column(ForeignKey("campaigns.id"))
    content_group: Mapped[str | None]  # of the campaign
    area_id: Mapped[str | None] = mapped_column(ForeignKey("areas.id"))  # whose it is; none: the whole station's
    author_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    revision: Mapped[int] = mapped_column(default=1)
    state: Mapped[str]  # draft | submitted | released | returned | withdrawn
    state_reason: Mapped[str | None] = mapped_column(LongWords)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    rendering: Mapped[str]  # pending | done | failed
    rendering_error_vi: Mapped[str | None] = mapped_column(LongWords)
    rendering_error_en: Mapped[str | None] = mapped_column(LongWords)
    clip_sha256: Mapped[str | None] = mapped_column(ForeignKey("clips.sha256"))
    script_sha256: Mapped[str | None]
    recording_sha256: Mapped[str | None]  # heard in place of the text
    versions: Mapped[list[Json]] = mapped_column(default=list)  # in other languages, in their order
    sound: Mapped[Json] = mapped_column(default=dict)  # what of the area's sound it overrides
    spoken: Mapped[Json | None]  # by which lexicon and with which sound the clip was made
    quality: Mapped[Json | None]  # the report of the clip
    __table_args__ = (
        Index("ix_bulletins_created", "created_at", "id"),
        Index(
            "ix_bulletins_pending",
            "rendering",
            sqlite_where=sql("rendering = 'pending'"),
            postgresql_where=sql("rendering = 'pending'"),
        ),
    )


class BulletinRevision(Base):
    """What a bulletin was at one of its revisions. Those of one author that follow each other closely, and that nobody was asked about, are kept as the last of them."""

    __tablename__ = "bulletin_revisions"
    bulletin_id: Mapped[str] = mapped_column(ForeignKey("bulletins.id", ondelete="CASCADE"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    saved_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    content: Mapped[Json]  # title, text, card_text, field, priority, plan, readings


class UnfinishedBulletin(Base):
    """What somebody is typing: the form as it stands, kept every few seconds. It is no bulletin yet, or not its next revision."""

    __tablename__ = "unfinished_bulletins"
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)  # a bulletin's id, or a new one's key
    form: Mapped[Json]
    saved_at: Mapped[datetime]


class BulletinArea(Base):
    """An area in which a bulletin is to be heard, by what it is addressed to: who may see it and act on it follows from these."""

    __tablename__ = "bulletin_areas"
    bulletin_id: Mapped[str] = mapped_column(ForeignKey("bulletins.id", ondelete="CASCADE"), primary_key=True)
    area_id: Mapped[str] = mapped_column(primary_key=True, index=True)  # it may begin later


class SettlementRecord(Base):
    """What a person decided on one uncertain reading of one bulletin. A change ends the row and adds another."""

    __tablename__ = "settlements"
    id: Mapped[str] = mapped_column(primary_key=True)
    bulletin_id: Mapped[str] = mapped_column(ForeignKey("bulletins.id", ondelete="CASCADE"), index=True)
    written: Mapped[str]
    proposed: Mapped[str] = mapped_column(LongWords)
    reading: Mapped[str] = mapped_column(LongWords)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))


class ProgrammeRecord(Base):
    """A standing column with its slots (`schedules.programmes.Programme`) and where they air. A queue is what is released for it."""

    __tablename__ = "programmes"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    rules: Mapped[Json]
    targets: Mapped[Json]
    revision: Mapped[int]
    changed_by: Mapped[str] = mapped_column(ForeignKey("people.id"))
    changed_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class ProgrammeWarning(Base):
    """A slot for which nothing was queued the day before."""

    __tablename__ = "programme_warnings"
    programme_id: Mapped[str] = mapped_column(ForeignKey("programmes.id"), primary_key=True)
    slot_at: Mapped[datetime] = mapped_column(primary_key=True)
    warned_at: Mapped[datetime]
    vi: Mapped[str] = mapped_column(LongWords)
    en: Mapped[str] = mapped_column(LongWords)


class Campaign(Base):
    """A plan that bulletins count towards, with its period, content groups and goals."""

    __tablename__ = "campaigns"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    starts_on: Mapped[date]
    ends_on: Mapped[date]  # the last day
    content_groups: Mapped[list[str]]
    goals: Mapped[Json]  # airings, minutes, communes; each may be absent
    area_id: Mapped[str | None] = mapped_column(ForeignKey("areas.id"))  # whose it is; none: the whole station's
    changed_by: Mapped[str] = mapped_column(ForeignKey("people.id"))
    changed_at: Mapped[datetime]


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
    fallback_reason: Mapped[str | None] = mapped_column(LongWords)
    script_sha256: Mapped[str]
    created_at: Mapped[datetime]
    synthetic: Mapped[str] = mapped_column(default="true")  # true | false | mixed
    opus: Mapped[Json | None]  # the same sound as Opus: sha256, size, duration_ms


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
    content: Mapped[str] = mapped_column(LongWords)  # canonical JSON, whose SHA-256 is content_sha256
    approver_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    in_place_of: Mapped[list[Json] | None]  # whom the approver stood in for, with names and times as they were
    released_at: Mapped[datetime]
    voided_at: Mapped[datetime | None]
    void_reason: Mapped[str | None] = mapped_column(LongWords)
    planned_until: Mapped[datetime | None]  # up to here its rules have been expanded into airings
    __table_args__ = (
        # Which releases have to be expanded further.
        Index(
            "ix_releases_planned_until",
            "planned_until",
            sqlite_where=sql("voided_at IS NULL"),
            postgresql_where=sql("voided_at IS NULL"),
        ),
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
    state_reason: Mapped[str | None] = mapped_column(LongWords)
    title: Mapped[str]  # copied, so that deleting a bulletin cannot rewrite history
    priority: Mapped[str]
    clip_sha256: Mapped[str]
    duration_ms: Mapped[int]
    targets: Mapped[Json | None]  # as released; none for airings of before they were kept here
    drill: Mapped[bool] = mapped_column(default=False, server_default=sql("false"))
    position: Mapped[int] = mapped_column(default=0, server_default="0")  # the commune's own order of a clash, 1 first
    starts_at: Mapped[datetime | None]  # where that order puts it at another instant than `due_at`
    interrupted: Mapped[str] = mapped_column(default="drop", server_default="drop")  # as released
    programme_id: Mapped[str | None]
    slot_at: Mapped[datetime | None]  # when the programme's slot begins
    campaign_id: Mapped[str | None] = mapped_column(index=True)
    content_group: Mapped[str | None]
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
        Index(
            "ix_airings_moved",
            "starts_at",
            sqlite_where=sql("starts_at IS NOT NULL"),
            postgresql_where=sql("starts_at IS NOT NULL"),
        ),
        Index("ix_airings_slot", "programme_id", "slot_at"),
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
    document: Mapped[str] = mapped_column(LongWords)  # compact JWS of the order, or of its cancellation
    cancelled: Mapped[bool] = mapped_column(default=False)
    play_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    cleared_at: Mapped[datetime | None]
    left_topics: Mapped[list[str] | None]  # where an earlier revision stood and this one does not
    left_document: Mapped[str | None] = mapped_column(LongWords)  # the cancellation that stands there
    __table_args__ = (Index("ix_orders_standing", "cleared_at", "expires_at"),)


class PlanHead(Base):
    """One row: whoever plans holds it, so that planners follow each other."""

    __tablename__ = "plan_head"
    id: Mapped[int] = mapped_column(primary_key=True)
    places_sha256: Mapped[str | None]  # of the areas and receivers for which the orders that stand were made


class ReceiptEnvelope(Base):
    """A signed message of receipts as it arrived: the proof behind the log's rows."""

    __tablename__ = "receipt_envelopes"
    sha256: Mapped[str] = mapped_column(primary_key=True)
    receiver_id: Mapped[str]
    document: Mapped[str] = mapped_column(LongWords)
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
    # Later than the others: empty in rows of before, and left out of the hash while empty.
    area_line: Mapped[list[str] | None]  # ids from the root down to area_id, as they were when it happened
    bulletin_id: Mapped[str | None]
    field: Mapped[str | None]
    priority: Mapped[str | None]
    duration_ms: Mapped[int | None]  # of the clip
    programme: Mapped[str | None]  # its name
    campaign: Mapped[str | None]  # its name
    programme_id: Mapped[str | None]
    campaign_id: Mapped[str | None]
    content_group: Mapped[str | None]  # of the campaign
    receiver_kind: Mapped[str | None]  # loudspeaker | screen
    drill: Mapped[bool | None]  # true, or nothing
    __table_args__ = (
        UniqueConstraint("receiver_id", "receipt_id", name="uq_as_run_receipt"),
        Index("ix_as_run_airing", "airing_id", "seq"),
        Index("ix_as_run_at", "at", "seq"),
    )


class LogName(Base):
    """A name that stands in the log of receipts, as people search for it. Beside the log, and no part of its chain."""

    __tablename__ = "log_names"
    kind: Mapped[str] = mapped_column(primary_key=True)  # title | receiver
    name: Mapped[str] = mapped_column(primary_key=True)
    plain: Mapped[str]  # without marks and capitals


class LogHead(Base):
    """The end of the chain, one row: whoever appends holds it, so that the chain has one order."""

    __tablename__ = "log_head"
    id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int]
    hash: Mapped[str]
    document: Mapped[str | None] = mapped_column(LongWords)  # the same, signed by the station (compact JWS)


class LogCheckpoint(Base):
    """A signed statement of where the chain stood. A copy kept elsewhere proves what the log held then."""

    __tablename__ = "log_checkpoints"
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[str]
    at: Mapped[datetime]
    document: Mapped[str] = mapped_column(LongWords)  # compact JWS


class LogSeal(Base):
    """Whole months that left the log for an archive: the station's signed word on where they began and ended."""

    __tablename__ = "log_seals"
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # the last row that left
    first: Mapped[int]
    hash: Mapped[str]  # of row `seq`
    until: Mapped[datetime]  # what was received before this instant
    file: Mapped[str]  # the archive's name
    document: Mapped[str] = mapped_column(LongWords)  # compact JWS


class Report(Base):
    """A report on an area, a campaign and a period: what people fill in; its figures are the log's until it is submitted."""

    __tablename__ = "reports"
    id: Mapped[str] = mapped_column(primary_key=True)
    area_id: Mapped[str] = mapped_column(ForeignKey("areas.id"))
    campaign_id: Mapped[str | None] = mapped_column(ForeignKey("campaigns.id"))  # none: whatever aired
    starts_on: Mapped[date]
    ends_on: Mapped[date]  # the last day
    due_on: Mapped[date | None]  # none: nobody waits for it
    state: Mapped[str]  # draft | submitted
    revision: Mapped[int]
    filled: Mapped[Json]  # `reports.filled.Filled`
    created_at: Mapped[datetime]
    changed_by: Mapped[str] = mapped_column(ForeignKey("people.id"))
    changed_at: Mapped[datetime]
    submitted_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    submitted_at: Mapped[datetime | None]
    figures: Mapped[Json | None]  # `reports.figures.Figures` as they were submitted
    __table_args__ = (
        Index("ix_reports_due_on", "due_on"),
        Index(
            "uq_reports_owed",
            "area_id",
            "campaign_id",
            "due_on",
            unique=True,
            sqlite_where=sql("due_on IS NOT NULL"),
            postgresql_where=sql("due_on IS NOT NULL"),
        ),
        CheckConstraint("state IN ('draft','submitted')", name="state"),
    )


class KeptAiring(Base):
    """What the log says of one airing, a row for all its receivers: derived from the log, never a source (`broadcaster.reports.kept`)."""

    __tablename__ = "kept_airings"
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # the log's first row of it
    airing_id: Mapped[str] = mapped_column(index=True)
    due_at: Mapped[datetime]
    campaign_id: Mapped[str | None]
    bulletin_id: Mapped[str | None]
    bulletin_title: Mapped[str | None]
    field: Mapped[str | None]
    programme: Mapped[str | None]
    content_group: Mapped[str | None]
    priority: Mapped[str | None]
    duration_ms: Mapped[int | None]
    heard: Mapped[str] = mapped_column(
        LongWords
    )  # JSON: receivers that stood together and said the same; what each played
    __table_args__ = (Index("ix_kept_airings_due_at", "due_at", "airing_id"),)


class KeptEnd(Base):
    """Up to which row of the log airings are kept, and that row's hash: one row."""

    __tablename__ = "kept_end"
    id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int]
    hash: Mapped[str]


class WaitingMessage(Base):
    """A message of an outage as it arrived, on disk and not in the log yet (`broadcaster.backlog`)."""

    __tablename__ = "waiting_messages"
    id: Mapped[int] = mapped_column(primary_key=True)
    receiver_id: Mapped[str]  # who signed it; what it says is not verified yet
    topic: Mapped[str]
    payload: Mapped[bytes]
    receipts: Mapped[int]
    received_at: Mapped[datetime]


class RejectedMessage(Base):
    """What arrived and does not fit, kept apart with the reason, never dropped: a message, or one receipt of a message."""

    __tablename__ = "rejected_messages"
    id: Mapped[int] = mapped_column(primary_key=True)
    topic: Mapped[str]
    payload_sha256: Mapped[str] = mapped_column(unique=True)
    payload: Mapped[str] = mapped_column(LongWords)
    code: Mapped[str] = mapped_column(default="other", server_default="other", index=True)  # broadcaster.set_apart.Code
    reason: Mapped[str] = mapped_column(LongWords)
    receiver_id: Mapped[str | None] = mapped_column(index=True)  # by its topic
    receipt_id: Mapped[str | None]  # which receipt of the message, where the others of it fit
    received_at: Mapped[datetime]
    times: Mapped[int] = mapped_column(default=1)


class Alert(Base):
    """Something that somebody has to know of, from when it was seen until its cause is gone. Of one cause one alert is open."""

    __tablename__ = "alerts"
    id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str]  # what it is about: the rule, and where
    rule: Mapped[str]
    severity: Mapped[str]  # critical | warning | notice
    area_id: Mapped[str | None] = mapped_column(index=True)
    facts: Mapped[Json]  # what its sentence says: names, figures, receivers
    size: Mapped[int]  # how many receivers it is about; 0: the station itself
    opened_at: Mapped[datetime] = mapped_column(index=True)
    changed_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None]
    acknowledged_name: Mapped[str | None]
    note: Mapped[str | None] = mapped_column(LongWords)
    __table_args__ = (
        CheckConstraint("severity IN ('critical','warning','notice')", name="severity"),
        Index(
            "uq_alerts_open",
            "key",
            unique=True,
            sqlite_where=sql("resolved_at IS NULL"),
            postgresql_where=sql("resolved_at IS NULL"),
        ),
    )


class AlertDelivery(Base):
    """A message about an alert that is to go out by e-mail or webhook: tried until it has arrived or is given up."""

    __tablename__ = "alert_deliveries"
    id: Mapped[str] = mapped_column(primary_key=True)
    alert_id: Mapped[str] = mapped_column(ForeignKey("alerts.id", ondelete="CASCADE"), index=True)
    event: Mapped[str]  # opened | grown | resolved
    channel: Mapped[str]  # email | webhook
    target: Mapped[str]  # an address
    content: Mapped[Json]
    created_at: Mapped[datetime]
    next_at: Mapped[datetime | None] = mapped_column(index=True)  # none: it is over
    attempts: Mapped[int]
    delivered_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(LongWords)
