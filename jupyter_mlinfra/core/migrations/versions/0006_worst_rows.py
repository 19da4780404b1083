"""The rows that a monitor's worst PSI is of."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Not known of earlier evaluations: null."""
    op.execute("ALTER TABLE monitor ADD COLUMN worst_rows INTEGER")
