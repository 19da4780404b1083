"""Tables of jobs."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Tables come with the domain."""
