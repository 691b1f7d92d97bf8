"""How far planners have looked through the log for receivers that tell late of an interruption."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("plan_head") as batch_op:
        batch_op.add_column(sa.Column("log_seq", sa.Integer(), server_default="0", nullable=False))
    # What was told before was answered by the rule of before; the log of years is not read for it.
    op.execute("UPDATE plan_head SET log_seq = COALESCE((SELECT seq FROM log_head WHERE id = 1), 0)")


def downgrade() -> None:
    with op.batch_alter_table("plan_head") as batch_op:
        batch_op.drop_column("log_seq")
