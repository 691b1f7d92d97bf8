"""Lexicon of areas, settled readings, sound of areas and bulletins, recordings, quality reports."""

import sqlalchemy as sa
from alembic import op

from broadcaster.storage.database import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lexicon_entries",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("area_id", sa.String(), nullable=False),
        sa.Column("written", sa.String(), nullable=False),
        sa.Column("reading", sa.String(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name=op.f("fk_lexicon_entries_area_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_lexicon_entries_person_id")),
        sa.ForeignKeyConstraint(["ended_by"], ["people.id"], name=op.f("fk_lexicon_entries_ended_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lexicon_entries")),
    )
    op.create_index(op.f("ix_lexicon_entries_area_id"), "lexicon_entries", ["area_id"])
    op.create_index(
        "uq_lexicon_entries_in_force",
        "lexicon_entries",
        ["area_id", "written"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "area_sounds",
        sa.Column("area_id", sa.String(), nullable=False),
        sa.Column("sound", sa.JSON(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("changed_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name=op.f("fk_area_sounds_area_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_area_sounds_person_id")),
        sa.PrimaryKeyConstraint("area_id", name=op.f("pk_area_sounds")),
    )
    op.create_table(
        "recordings",
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("lufs", sa.Double(), nullable=False),
        sa.Column("true_peak_dbtp", sa.Double(), nullable=False),
        sa.Column("clipped", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_recordings_person_id")),
        sa.PrimaryKeyConstraint("sha256", "kind", name=op.f("pk_recordings")),
    )
    op.create_table(
        "settlements",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("bulletin_id", sa.String(), nullable=False),
        sa.Column("written", sa.String(), nullable=False),
        sa.Column("proposed", sa.Text(), nullable=False),
        sa.Column("reading", sa.Text(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["bulletin_id"], ["bulletins.id"], name=op.f("fk_settlements_bulletin_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_settlements_person_id")),
        sa.ForeignKeyConstraint(["ended_by"], ["people.id"], name=op.f("fk_settlements_ended_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlements")),
    )
    op.create_index(op.f("ix_settlements_bulletin_id"), "settlements", ["bulletin_id"])
    op.add_column("bulletins", sa.Column("recording_sha256", sa.String(), nullable=True))
    op.add_column("bulletins", sa.Column("versions", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("bulletins", sa.Column("sound", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("bulletins", sa.Column("spoken", sa.JSON(), nullable=True))
    op.add_column("bulletins", sa.Column("quality", sa.JSON(), nullable=True))
    op.add_column("clips", sa.Column("synthetic", sa.String(), nullable=False, server_default="true"))
    op.add_column("clips", sa.Column("opus", sa.JSON(), nullable=True))
    # What waits has no report yet: it is spoken again, and so assessed. What was released stays as it was.
    op.execute(
        "UPDATE bulletins SET rendering = 'pending', clip_sha256 = NULL, script_sha256 = NULL "
        "WHERE rendering = 'done' AND state IN ('draft', 'submitted', 'returned')"
    )


def downgrade() -> None:
    for column in ("opus", "synthetic"):
        with op.batch_alter_table("clips") as batch:
            batch.drop_column(column)
    with op.batch_alter_table("bulletins") as batch:
        for column in ("quality", "spoken", "sound", "versions", "recording_sha256"):
            batch.drop_column(column)
    for table in ("settlements", "recordings", "area_sounds", "lexicon_entries"):
        op.drop_table(table)
