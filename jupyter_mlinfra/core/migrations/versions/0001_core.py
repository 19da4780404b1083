"""Tables of core."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE event (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at TEXT NOT NULL,
            topic TEXT NOT NULL,
            ref TEXT NOT NULL,
            data TEXT NOT NULL
        )
        """)
