"""Who looks after an alert."""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Empty until the alert is judged again."""
    op.execute("ALTER TABLE alert ADD COLUMN owner TEXT NOT NULL DEFAULT ''")
