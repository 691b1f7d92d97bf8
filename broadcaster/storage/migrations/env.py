"""Alembic's way in: it is given an engine by `Database.migrate`, never an address of its own."""

from alembic import context
from sqlalchemy import Engine

from broadcaster.storage.models import Base

engine: Engine = context.config.attributes["engine"]

with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True, user_module_prefix="")
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
