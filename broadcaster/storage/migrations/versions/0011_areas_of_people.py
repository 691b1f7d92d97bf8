"""Roles are bound to areas; bulletins, campaigns, templates and tokens know whose they are; the audit log is chained."""

import json

import sqlalchemy as sa
from alembic import op

from broadcaster.storage.database import UtcDateTime

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
    _audit()
    op.create_table(
        "welcome_links",
        sa.Column("token_sha256", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_welcome_links")),
    )
    op.create_table(
        "idempotent_answers",
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("request_sha256", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("headers", sa.JSON(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_idempotent_answers_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person_id", "key", name=op.f("pk_idempotent_answers")),
    )
    op.create_index(op.f("ix_idempotent_answers_at"), "idempotent_answers", ["at"])


def _audit() -> None:
    op.create_table(
        "audit_log",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        *(
            sa.Column(name, sa.String(), nullable=False)
            for name in ("actor_id", "actor_name", "address", "action", "subject")
        ),
        sa.Column("area_id", sa.String(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        *(sa.Column(name, sa.JSON(), nullable=True) for name in ("before", "after", "details")),
        sa.Column("previous_hash", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_log")),
    )
    op.create_index(op.f("ix_audit_log_area_id"), "audit_log", ["area_id"])
    for name, column in (("at", "at"), ("actor", "actor_id"), ("action", "action")):
        op.create_index(f"ix_audit_log_{name}", "audit_log", [column, "seq"])
    if op.get_bind().dialect.name == "sqlite":
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_log_no_{action.lower()} BEFORE {action} ON audit_log "
                "BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END"
            )
    else:
        op.execute(
            "CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


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
    """A person keeps one of their roles, everywhere. What people did is forgotten, and the chain with it shows gaps."""
    if op.get_bind().dialect.name == "sqlite":
        for action in ("update", "delete"):
            op.execute(f"DROP TRIGGER audit_log_no_{action}")
    else:
        op.execute("DROP TRIGGER audit_log_append_only ON audit_log")
    for table in ("audit_log", "idempotent_answers", "welcome_links"):
        op.drop_table(table)
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
