"""Rules and their results, commits that outlive their snapshots, use, trash, and who saw masked
columns.
"""

from alembic import op

revision = "0023"
down_revision = "0022"

# dataset: `namespace.table`. Times are seconds since 1970; `day` is days since then.
_TABLES = (
    # definition: JSON. severity: block or warn.
    """CREATE TABLE catalog_rule (
         dataset TEXT NOT NULL,
         rule TEXT NOT NULL,
         definition TEXT NOT NULL,
         severity TEXT NOT NULL,
         at REAL NOT NULL,
         user TEXT NOT NULL,
         PRIMARY KEY (dataset, rule)
       ) WITHOUT ROWID""",
    # sample: JSON, a few of the rows that failed. by: the ingest, or who asked.
    """CREATE TABLE catalog_result (
         id INTEGER PRIMARY KEY AUTOINCREMENT,
         dataset TEXT NOT NULL,
         snapshot TEXT NOT NULL,
         rule TEXT NOT NULL,
         at REAL NOT NULL,
         passed INTEGER NOT NULL,
         failed_rows INTEGER,
         rows INTEGER,
         sample TEXT NOT NULL DEFAULT '[]',
         by TEXT NOT NULL
       )""",
    "CREATE INDEX catalog_result_of ON catalog_result (dataset, rule, at)",
    # What a snapshot's summary said, kept when the snapshot expires.
    """CREATE TABLE catalog_commit (
         dataset TEXT NOT NULL,
         snapshot TEXT NOT NULL,
         at REAL NOT NULL,
         operation TEXT NOT NULL,
         added INTEGER NOT NULL,
         removed INTEGER NOT NULL,
         total INTEGER,
         bytes INTEGER,
         PRIMARY KEY (dataset, snapshot)
       ) WITHOUT ROWID""",
    """CREATE TABLE catalog_use (
         dataset TEXT NOT NULL,
         day INTEGER NOT NULL,
         reads INTEGER NOT NULL,
         PRIMARY KEY (dataset, day)
       ) WITHOUT ROWID""",
    # metadata: the address of the dropped table's last metadata. ends_at: when it is purged.
    """CREATE TABLE catalog_trash (
         id INTEGER PRIMARY KEY AUTOINCREMENT,
         name TEXT NOT NULL,
         metadata TEXT NOT NULL,
         rows INTEGER,
         bytes INTEGER,
         at REAL NOT NULL,
         user TEXT NOT NULL,
         ends_at REAL NOT NULL
       )""",
    # columns: JSON, the names that were shown.
    """CREATE TABLE catalog_audit (
         id INTEGER PRIMARY KEY AUTOINCREMENT,
         at REAL NOT NULL,
         user TEXT NOT NULL,
         verb TEXT NOT NULL,
         dataset TEXT NOT NULL,
         columns TEXT NOT NULL,
         face TEXT NOT NULL
       )""",
    "CREATE INDEX catalog_audit_of ON catalog_audit (dataset, at)",
)


def upgrade() -> None:
    for table in _TABLES:
        op.execute(table)
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER catalog_audit_no_{change} BEFORE {change} ON catalog_audit "
            "BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END"
        )
