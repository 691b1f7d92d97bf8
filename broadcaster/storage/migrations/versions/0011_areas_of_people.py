"""Roles are bound to areas; bulletins, campaigns, templates and tokens know whose they are."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

OWNED = ("bulletins", "campaigns", "emergency_templates", "api_tokens")


def upgrade() -> None:
    """Whoever had a role has it for the whole station; bulletins lie where their schedules say."""
    op.create_table(
        "grants",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("area_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name=op.f("fk_grants_area_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_grants_person_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grants")),
    )
    op.create_index(op.f("ix_grants_area_id"), "grants", ["area_id"])
    op.create_index(op.f("ix_grants_person_id"), "grants", ["person_id"])
    op.execute("INSERT INTO grants (person_id, role) SELECT id, role FROM people ORDER BY id")
    with op.batch_alter_table("people") as batch:
        batch.drop_column("role")
    for table in OWNED:
        with op.batch_alter_table(table) as batch:
            batch.add_column(sa.Column("area_id", sa.String(), nullable=True))
            batch.create_foreign_key(op.f(f"fk_{table}_area_id"), "areas", ["area_id"], ["id"])
    op.create_table(
        "bulletin_areas",
        sa.Column("bulletin_id", sa.String(), nullable=False),
        sa.Column("area_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["bulletin_id"], ["bulletins.id"], name=op.f("fk_bulletin_areas_bulletin_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("bulletin_id", "area_id", name=op.f("pk_bulletin_areas")),
    )
    op.create_index(op.f("ix_bulletin_areas_area_id"), "bulletin_areas", ["area_id"])
    _place_bulletins()


def _place_bulletins() -> None:
    connection = op.get_bind()

    def read(query: str) -> list[tuple[str, dict[str, list[str]]]]:
        rows = connection.execute(sa.text(query))
        return [(name, json.loads(raw) if isinstance(raw, str) else raw) for name, raw in rows]

    homes: dict[str, str] = dict(connection.execute(sa.text("SELECT id, area_id FROM receivers")).all())
    groups = dict(read("SELECT id, targets FROM receiver_groups"))
    found: set[tuple[str, str]] = set()
    for bulletin, targets in read(
        "SELECT bulletin_id, targets FROM schedules"
        " UNION ALL SELECT bulletins.id, programmes.targets FROM bulletins"
        " JOIN programmes ON programmes.id = bulletins.programme_id"
    ):
        for part in (targets, *(groups.get(name, {}) for name in targets.get("groups", ()))):
            found.update((bulletin, area) for area in part.get("areas", ()))
            found.update((bulletin, homes[name]) for name in part.get("receivers", ()) if name in homes)
    for bulletin, area in sorted(found):
        connection.execute(
            sa.text("INSERT INTO bulletin_areas (bulletin_id, area_id) VALUES (:bulletin, :area)"),
            {"bulletin": bulletin, "area": area},
        )


def downgrade() -> None:
    """A person keeps one of their roles, everywhere."""
    op.drop_table("bulletin_areas")
    for table in OWNED:
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(op.f(f"fk_{table}_area_id"), type_="foreignkey")
            batch.drop_column("area_id")
    with op.batch_alter_table("people") as batch:
        batch.add_column(sa.Column("role", sa.String(), nullable=False, server_default="viewer"))
    op.execute(
        "UPDATE people SET role = (SELECT role FROM grants WHERE person_id = people.id ORDER BY id LIMIT 1)"
        " WHERE EXISTS (SELECT 1 FROM grants WHERE person_id = people.id)"
    )
    op.drop_table("grants")
