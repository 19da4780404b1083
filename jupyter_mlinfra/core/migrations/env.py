"""Alembic's entry: run the migrations against the file that `core.database` names, all or none."""

from alembic import context
from sqlalchemy import URL, create_engine
from sqlalchemy.pool import NullPool

# A path is no part of a URL: it may hold a `%` or a `#`.
url = URL.create("sqlite", database=str(context.config.attributes["path"]))
engine = create_engine(url, poolclass=NullPool)
with engine.begin() as connection:
    connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    # SQLite takes back DDL as well, but its driver begins no transaction for it: a kill between two
    # statements would leave half a migration.
    connection.connection.driver_connection.isolation_level = None
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
