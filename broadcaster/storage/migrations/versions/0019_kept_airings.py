"""What reports count, kept a row for each airing, so that a province's year is not read from its log at each look."""

import sqlalchemy as sa
from alembic import op

import broadcaster.storage.database

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "kept_airings",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("airing_id", sa.String(), nullable=False),
        sa.Column("due_at", broadcaster.storage.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("campaign_id", sa.String(), nullable=True),
        sa.Column("bulletin_id", sa.String(), nullable=True),
        sa.Column("bulletin_title", sa.String(), nullable=True),
        sa.Column("field", sa.String(), nullable=True),
        sa.Column("programme", sa.String(), nullable=True),
        sa.Column("content_group", sa.String(), nullable=True),
        sa.Column("priority", sa.String(), nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.Column("heard", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_kept_airings")),
    )
    op.create_index("ix_kept_airings_airing_id", "kept_airings", ["airing_id"])
    op.create_index("ix_kept_airings_due_at", "kept_airings", ["due_at", "airing_id"])
    op.create_table(
        "kept_end",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_end")),
    )


def downgrade() -> None:
    op.drop_table("kept_end")
    op.drop_table("kept_airings")
