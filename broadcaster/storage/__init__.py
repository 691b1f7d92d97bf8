"""What the station remembers: SQLAlchemy models and Alembic migrations, on SQLite (WAL) or PostgreSQL."""
