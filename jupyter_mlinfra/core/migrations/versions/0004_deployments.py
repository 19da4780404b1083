"""Tables of deployments."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Tables come with the domain."""
