"""What reports count by, copied into the log; reports with what people fill in."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from broadcaster.storage.database import UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

LATER: dict[str, sa.types.TypeEngine[Any]] = {
    "programme_id": sa.String(),
    "campaign_id": sa.String(),
    "content_group": sa.String(),
    "receiver_kind": sa.String(),
    "drill": sa.Boolean(),
}


def upgrade() -> None:
    """Empty columns leave the hashes of the rows that stand as they are."""
    for name, kind in LATER.items():
        op.add_column("as_run", sa.Column(name, kind, nullable=True))
    op.create_table(
        "reports",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("area_id", sa.String(), nullable=False),
        sa.Column("campaign_id", sa.String(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("filled", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("submitted_by", sa.String(), nullable=True),
        sa.Column("submitted_at", UtcDateTime(), nullable=True),
        sa.Column("figures", sa.JSON(), nullable=True),
        sa.CheckConstraint("state IN ('draft','submitted')", name=op.f("ck_reports_state")),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name=op.f("fk_reports_area_id")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_reports_campaign_id")),
        sa.ForeignKeyConstraint(["changed_by"], ["people.id"], name=op.f("fk_reports_changed_by")),
        sa.ForeignKeyConstraint(["submitted_by"], ["people.id"], name=op.f("fk_reports_submitted_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
    )
    op.create_index("ix_reports_due_on", "reports", ["due_on"])
    op.create_index(
        "uq_reports_owed",
        "reports",
        ["area_id", "campaign_id", "due_on"],
        unique=True,
        sqlite_where=sa.text("due_on IS NOT NULL"),
        postgresql_where=sa.text("due_on IS NOT NULL"),
    )


def downgrade() -> None:
    """Plain columns of the log go as they came."""
    op.drop_table("reports")
    for name in LATER:
        op.drop_column("as_run", name)
