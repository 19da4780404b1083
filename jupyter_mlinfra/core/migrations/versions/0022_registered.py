"""Files and Delta tables that the catalog reads where they are."""

from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """name: `namespace.table`. kind: of files (parquet, csv, …), or delta. location: a file, a
    pattern or a folder. options: how it is read, as JSON. at: seconds since 1970.
    """
    op.execute("""
        CREATE TABLE catalog_registered (
          name TEXT PRIMARY KEY,
          kind TEXT NOT NULL,
          location TEXT NOT NULL,
          options TEXT NOT NULL DEFAULT '{}',
          properties TEXT NOT NULL DEFAULT '{}',
          at REAL NOT NULL,
          user TEXT NOT NULL
        ) WITHOUT ROWID
    """)
