"""Tables of monitoring."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Tables come with the domain."""
