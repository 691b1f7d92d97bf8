"""The names that stand in the log, without their marks: by these it is searched."""

import sqlalchemy as sa
from alembic import op

from broadcaster.letters import plain

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    names = op.create_table(
        "log_names",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("plain", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", name=op.f("pk_log_names")),
    )
    log = sa.table("as_run", sa.column("bulletin_title"), sa.column("receiver_name"))
    for kind, column in (("title", log.c.bulletin_title), ("receiver", log.c.receiver_name)):
        found = op.get_bind().execute(sa.select(column).distinct()).scalars()
        op.bulk_insert(names, [{"kind": kind, "name": name, "plain": plain(name)} for name in found if name])


def downgrade() -> None:
    op.drop_table("log_names")
