"""How far the events of outboxes have come."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """bytes: of the job's file of events, all that is in `event` already. The row goes once that is
    noted beside the file.
    """
    op.execute("CREATE TABLE outbox (job TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID")
