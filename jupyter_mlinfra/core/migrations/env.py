"""Alembic's entry: run the migrations against the file that `core.database` names."""

from alembic import context
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

engine = create_engine(f"sqlite:///{context.config.attributes['path']}", poolclass=NullPool)
with engine.begin() as connection:  # commits: SQLite ends a transaction at DDL, but the revision is a row
    connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
