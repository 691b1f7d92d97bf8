"""The log refuses change: triggers, signed head and checkpoints."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from broadcaster.storage.database import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

APPEND_ONLY = ("as_run", "receipt_envelopes", "log_checkpoints")
LATER: dict[str, sa.types.TypeEngine[Any]] = {
    "area_line": sa.JSON(),
    "bulletin_id": sa.String(),
    "field": sa.String(),
    "priority": sa.String(),
    "duration_ms": sa.Integer(),
    "programme": sa.String(),
    "campaign": sa.String(),
}


def upgrade() -> None:
    """What was written stays: whoever wants to change the log must first take the triggers away, and the chain tells."""
    with op.batch_alter_table("log_head") as batch:
        batch.add_column(sa.Column("document", sa.Text(), nullable=True))
    for name, kind in LATER.items():
        op.add_column("as_run", sa.Column(name, kind, nullable=True))
    op.create_table(
        "log_checkpoints",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_log_checkpoints"),
    )
    if op.get_bind().dialect.name == "sqlite":
        for table in APPEND_ONLY:
            for action in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} "
                    "BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END"
                )
        return
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the log is append-only'; END $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    """The triggers go first."""
    if op.get_bind().dialect.name == "sqlite":
        for table in APPEND_ONLY:
            for action in ("update", "delete"):
                op.execute(f"DROP TRIGGER {table}_no_{action}")
    else:
        for table in APPEND_ONLY:
            op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
        op.execute("DROP FUNCTION refuse_change()")
    op.drop_table("log_checkpoints")
    with op.batch_alter_table("as_run") as batch:
        for name in LATER:
            batch.drop_column(name)
    with op.batch_alter_table("log_head") as batch:
        batch.drop_column("document")
