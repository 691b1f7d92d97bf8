"""Revisions of bulletins, and what is being typed."""

import sqlalchemy as sa
from alembic import op

import broadcaster.storage.database

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bulletin_revisions",
        sa.Column("bulletin_id", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.String(), nullable=False),
        sa.Column("saved_at", broadcaster.storage.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", broadcaster.storage.database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["people.id"], name=op.f("fk_bulletin_revisions_author_id")),
        sa.ForeignKeyConstraint(
            ["bulletin_id"], ["bulletins.id"], name=op.f("fk_bulletin_revisions_bulletin_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("bulletin_id", "revision", name=op.f("pk_bulletin_revisions")),
    )
    op.create_table(
        "unfinished_bulletins",
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("form", sa.JSON(), nullable=False),
        sa.Column("saved_at", broadcaster.storage.database.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_unfinished_bulletins_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person_id", "key", name=op.f("pk_unfinished_bulletins")),
    )


def downgrade() -> None:
    op.drop_table("unfinished_bulletins")
    op.drop_table("bulletin_revisions")
