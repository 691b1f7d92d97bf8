"""Where receivers stand on the earth, and where areas end."""

import sqlalchemy as sa
from alembic import op

import broadcaster.storage.database

revision = "0016"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("receivers") as batch_op:
        batch_op.add_column(sa.Column("latitude", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("longitude", sa.Double(), nullable=True))
    op.create_table(
        "area_outlines",
        sa.Column("area_id", sa.String(), nullable=False),
        sa.Column("geometry", sa.JSON(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("changed_at", broadcaster.storage.database.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name=op.f("fk_area_outlines_area_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_area_outlines_person_id")),
        sa.PrimaryKeyConstraint("area_id", name=op.f("pk_area_outlines")),
    )


def downgrade() -> None:
    op.drop_table("area_outlines")
    with op.batch_alter_table("receivers") as batch_op:
        batch_op.drop_column("longitude")
        batch_op.drop_column("latitude")
