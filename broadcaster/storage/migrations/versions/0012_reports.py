"""What reports count by, copied into the log; reports with what people fill in; sealed months may leave the log."""

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
SEALED = {
    "as_run": "log_seals.seq >= OLD.seq",
    "audit_log": "log_seals.seq >= OLD.seq",
    "receipt_envelopes": "log_seals.until > OLD.received_at",
}
"""What may leave a table: what a seal covers."""


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
    op.create_table(
        "log_seals",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_log_seals")),
    )
    if op.get_bind().dialect.name == "sqlite":
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER log_seals_no_{action.lower()} BEFORE {action} ON log_seals "
                "BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END"
            )
        for table, sealed in SEALED.items():
            op.execute(f"DROP TRIGGER {table}_no_delete")
            op.execute(
                f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} "  # noqa: S608  names of ours
                f"WHEN NOT EXISTS (SELECT 1 FROM log_seals WHERE {sealed}) "
                "BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END"
            )
        return
    op.execute(
        "CREATE TRIGGER log_seals_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log_seals "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    for table, sealed in SEALED.items():
        op.execute(
            f"CREATE FUNCTION refuse_unsealed_{table}() RETURNS trigger LANGUAGE plpgsql AS "  # noqa: S608  names of ours
            f"$$ BEGIN IF NOT EXISTS (SELECT 1 FROM log_seals WHERE {sealed}) "
            "THEN RAISE EXCEPTION 'the log is append-only'; END IF; RETURN OLD; END $$"
        )
        op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_sealed_only BEFORE DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION refuse_unsealed_{table}()"
        )


def downgrade() -> None:
    """The log refuses every deletion again; plain columns of it go as they came."""
    if op.get_bind().dialect.name == "sqlite":
        for table in SEALED:
            op.execute(f"DROP TRIGGER {table}_no_delete")
            op.execute(
                f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END"
            )
    else:
        for table in SEALED:
            op.execute(f"DROP TRIGGER {table}_sealed_only ON {table}")
            op.execute(f"DROP FUNCTION refuse_unsealed_{table}()")
            op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
            op.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )
    op.drop_table("log_seals")
    op.drop_table("reports")
    for name in LATER:
        op.drop_column("as_run", name)
