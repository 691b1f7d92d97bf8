"""Absences of approvers, in whose place somebody released, readings proposed for an area above, and log-ins by another service."""

import sqlalchemy as sa
from alembic import op

from broadcaster.storage.database import UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "absences",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("deputy_id", sa.String(), nullable=True),
        sa.Column("area_id", sa.String(), nullable=True),
        sa.Column("begins_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("said_by", sa.String(), nullable=False),
        sa.Column("said_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_absences_person_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["deputy_id"], ["people.id"], name="fk_absences_deputy_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name="fk_absences_area_id"),
        sa.ForeignKeyConstraint(["said_by"], ["people.id"], name="fk_absences_said_by"),
        sa.PrimaryKeyConstraint("id", name="pk_absences"),
    )
    op.create_index("ix_absences_person_id", "absences", ["person_id"])
    op.create_index("ix_absences_deputy_id", "absences", ["deputy_id"])
    op.create_table(
        "lexicon_proposals",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("area_id", sa.String(), nullable=False),
        sa.Column("written", sa.String(), nullable=False),
        sa.Column("reading", sa.String(), nullable=True),
        sa.Column("bulletin_id", sa.String(), nullable=True),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("decision", sa.String(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name="fk_lexicon_proposals_area_id"),
        sa.ForeignKeyConstraint(
            ["bulletin_id"], ["bulletins.id"], name="fk_lexicon_proposals_bulletin_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_lexicon_proposals_person_id"),
        sa.ForeignKeyConstraint(["decided_by"], ["people.id"], name="fk_lexicon_proposals_decided_by"),
        sa.PrimaryKeyConstraint("id", name="pk_lexicon_proposals"),
    )
    op.create_index("ix_lexicon_proposals_area_id", "lexicon_proposals", ["area_id"])
    op.create_table(
        "outside_log_ins",
        sa.Column("state_sha256", sa.String(), nullable=False),
        sa.Column("browser_sha256", sa.String(), nullable=False),
        sa.Column("nonce", sa.String(), nullable=False),
        sa.Column("verifier", sa.String(), nullable=False),
        sa.Column("onward", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_outside_log_ins_person_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("state_sha256", name="pk_outside_log_ins"),
    )
    with op.batch_alter_table("people") as batch:
        batch.add_column(sa.Column("outside_issuer", sa.String(), nullable=True))
        batch.add_column(sa.Column("outside_subject", sa.String(), nullable=True))
        batch.create_unique_constraint("uq_people_outside_issuer", ["outside_issuer", "outside_subject"])
    with op.batch_alter_table("releases") as batch:
        batch.add_column(sa.Column("in_place_of", sa.JSON(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("releases") as batch:
        batch.drop_column("in_place_of")
    with op.batch_alter_table("people") as batch:
        batch.drop_constraint("uq_people_outside_issuer", type_="unique")
        batch.drop_column("outside_subject")
        batch.drop_column("outside_issuer")
    op.drop_table("outside_log_ins")
    op.drop_table("lexicon_proposals")
    op.drop_table("absences")
