"""How far the events of outboxes have come."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """bytes: how much of the job's event file is already in `event`. The row is deleted once that
    is noted beside the file.
    """
    op.execute("CREATE TABLE outbox (job TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID")
