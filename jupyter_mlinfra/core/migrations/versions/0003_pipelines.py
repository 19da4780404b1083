"""Tables of pipelines."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Tables come with the domain."""
