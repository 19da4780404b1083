"""A monitor's requests beside their rows."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """What was noted as requests were rows; how many requests they came in is not known of earlier
    evaluations: null.
    """
    op.execute("ALTER TABLE monitor RENAME COLUMN requests TO rows")
    op.execute("ALTER TABLE monitor ADD COLUMN requests INTEGER")
