"""The hours that monitors have recorded, and what a monitor is asked to record."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """segments: JSON list of columns. costs: JSON object of a cost matrix, null without one."""
    op.execute("ALTER TABLE monitor ADD COLUMN segments TEXT NOT NULL DEFAULT '[]'")
    op.execute("ALTER TABLE monitor ADD COLUMN costs TEXT")
    op.execute("""
        CREATE TABLE monitor_hour (
            monitor TEXT NOT NULL REFERENCES monitor(name) ON DELETE CASCADE,
            hour INTEGER NOT NULL,
            basis TEXT NOT NULL,
            rows INTEGER NOT NULL,
            broken INTEGER NOT NULL,
            PRIMARY KEY (monitor, hour)
        )
        """)
