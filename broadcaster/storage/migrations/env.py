"""Alembic's way in: it is given an engine by `Database.migrate`, never an address of its own."""

from alembic import context
from sqlalchemy import Engine

from broadcaster.storage.models import Base

engine: Engine = context.config.attributes["engine"]

with engine.connect() as connection:
    sqlite = connection.dialect.name == "sqlite"
    if sqlite:
        # In batch mode a table is made anew and the old one dropped, under the rows that refer to it: SQLite's own procedure
        # (https://www.sqlite.org/lang_altertable.html, section 7). All or nothing, and one process at a time.
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True, user_module_prefix="")
    try:
        with context.begin_transaction():
            context.run_migrations()
        if sqlite and (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()):
            raise RuntimeError(f"the migration would leave rows that refer to nothing: {broken[:3]}")
        connection.commit()
    finally:
        connection.rollback()
        if sqlite:
            connection.exec_driver_sql("PRAGMA foreign_keys=ON")
