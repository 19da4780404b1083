"""Tables of monitoring."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Monitors, and the alerts of their rules."""
    op.execute("""
        CREATE TABLE monitor (
            name TEXT PRIMARY KEY,
            deployment TEXT NOT NULL,
            created_at TEXT NOT NULL,
            created_by TEXT NOT NULL,
            state TEXT NOT NULL,
            requests INTEGER NOT NULL,
            worst TEXT NOT NULL,
            worst_psi REAL,
            evaluated_at TEXT,
            last_request_at TEXT
        )
        """)
    op.execute("""
        CREATE TABLE alert (
            monitor TEXT NOT NULL REFERENCES monitor(name) ON DELETE CASCADE,
            rule TEXT NOT NULL,
            state TEXT NOT NULL,
            severity TEXT NOT NULL,
            value REAL,
            rows INTEGER,
            threshold REAL NOT NULL,
            subject TEXT NOT NULL,
            text TEXT NOT NULL,
            since TEXT NOT NULL,
            evaluated_at TEXT,
            PRIMARY KEY (monitor, rule)
        )
        """)
