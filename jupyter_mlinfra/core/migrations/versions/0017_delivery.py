"""Shadows, plans of progressive delivery, and replays of logged requests."""

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """shadow: percent of the requests of which the version gets a copy.

    Of a plan: step counts from 0; due_at is when the next one may come; steps and verdict are JSON.
    """
    op.execute("ALTER TABLE deployment_version ADD COLUMN shadow INTEGER NOT NULL DEFAULT 0")
    op.execute(
        """
        CREATE TABLE deployment_plan (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            deployment TEXT NOT NULL REFERENCES deployment (name) ON DELETE CASCADE,
            version TEXT NOT NULL,
            against TEXT NOT NULL,
            steps TEXT NOT NULL,
            every_seconds REAL NOT NULL,
            least_requests INTEGER NOT NULL,
            goal TEXT NOT NULL,
            better TEXT NOT NULL,
            state TEXT NOT NULL,
            step INTEGER NOT NULL,
            step_at REAL NOT NULL,
            due_at REAL NOT NULL,
            reason TEXT NOT NULL DEFAULT '',
            verdict TEXT NOT NULL DEFAULT '{}',
            user TEXT NOT NULL,
            created_at REAL NOT NULL,
            updated_at REAL NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX deployment_plan_of ON deployment_plan (deployment, id)")
    op.execute(
        """
        CREATE TABLE deployment_replay (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            deployment TEXT NOT NULL REFERENCES deployment (name) ON DELETE CASCADE,
            version TEXT NOT NULL,
            at REAL NOT NULL,
            user TEXT NOT NULL,
            result TEXT NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX deployment_replay_of ON deployment_replay (deployment, id)")
