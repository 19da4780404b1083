"""What the rows of alerts and monitors say beside their values."""

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """hold_seconds: of its rule. cause: the likely one; NULL until it was looked for. lately: the
    worst PSI by the hour, as JSON: [[start in seconds since 1970, PSI or null], …].
    """
    op.execute("ALTER TABLE alert ADD COLUMN hold_seconds REAL NOT NULL DEFAULT 0")
    op.execute("ALTER TABLE alert ADD COLUMN cause TEXT")
    op.execute("ALTER TABLE monitor ADD COLUMN lately TEXT NOT NULL DEFAULT '[]'")
