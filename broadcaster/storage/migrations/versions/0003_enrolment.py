"""Enrolment by a code, the life of a receiver's place."""

import sqlalchemy as sa
from alembic import op

from broadcaster.storage.database import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, UtcDateTime(timezone=True), nullable=nullable)


def _text(name: str, *, nullable: bool = False, long: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text() if long else sa.String(), nullable=nullable)


def upgrade() -> None:
    with op.batch_alter_table("receivers", schema=None) as batch_op:
        batch_op.add_column(sa.Column("previous_key", sa.JSON(), nullable=True))
        batch_op.add_column(_instant("previous_key_until", nullable=True))
        batch_op.add_column(sa.Column("secret_generation", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(_text("wipe_id", nullable=True))
        batch_op.add_column(_text("wipe_document", nullable=True, long=True))
    op.create_table(
        "receiver_events",
        sa.Column("id", sa.Integer(), nullable=False),
        _text("receiver_id"),
        _instant("at"),
        _text("event"),
        _text("actor_id", nullable=True),
        _text("actor_name", nullable=True),
        _text("name"),
        _text("area_id"),
        _text("key_thumbprint"),
        sa.Column("public_key", sa.JSON(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receiver_events")),
    )
    with op.batch_alter_table("receiver_events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_receiver_events_receiver_id"), ["receiver_id"], unique=False)
    op.create_table(
        "enrolments",
        _text("id"),
        _text("state"),
        _text("address"),
        sa.Column("public_key", sa.JSON(), nullable=False),
        sa.Column("seal_key", sa.JSON(), nullable=False),
        _text("key_thumbprint"),
        _text("commitment"),
        _text("transcript", nullable=True),
        _text("kind"),
        _text("name"),
        _text("software"),
        _text("code_hash", nullable=True),
        _text("fingerprint", nullable=True),
        _instant("requested_at"),
        _instant("expires_at"),
        _text("receiver_id", nullable=True),
        _instant("decided_at", nullable=True),
        _text("decided_by", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolments")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_enrolments_code_hash")),
    )
    with op.batch_alter_table("enrolments", schema=None) as batch_op:
        batch_op.create_index("ix_enrolments_address", ["address", "requested_at"], unique=False)
    op.create_table(
        "enrolment_attempts",
        sa.Column("id", sa.Integer(), nullable=False),
        _text("actor_id"),
        _instant("at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolment_attempts")),
    )
    with op.batch_alter_table("enrolment_attempts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_enrolment_attempts_at"), ["at"], unique=False)


def downgrade() -> None:
    for table in ("enrolment_attempts", "enrolments", "receiver_events"):
        op.drop_table(table)
    with op.batch_alter_table("receivers", schema=None) as batch_op:
        for name in ("wipe_document", "wipe_id", "secret_generation", "previous_key_until", "previous_key"):
            batch_op.drop_column(name)
