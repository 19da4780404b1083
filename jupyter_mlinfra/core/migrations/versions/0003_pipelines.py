"""Tables of pipelines."""

from alembic import op

revision = "0003"
down_revision = "0002"

_TABLES = (
    # Times are seconds since 1970 in UTC. definition: the pipeline as it was when the run began, so
    # that a run ends as it began. driver: (boot id, pid, start) of the process that drives it, as
    # JSON; null until there is one. driven_at: when a driver was named, or asked for.
    """
    CREATE TABLE pipeline_run (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        run TEXT NOT NULL UNIQUE,
        pipeline TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        user TEXT NOT NULL,
        force INTEGER NOT NULL,
        parameters TEXT NOT NULL,
        definition TEXT NOT NULL,
        driver TEXT,
        driven_at REAL NOT NULL,
        cancelled_by TEXT NOT NULL DEFAULT '',
        started_at REAL NOT NULL,
        ended_at REAL
    )
    """,
    # Two runs of one pipeline at a time would write the same outputs.
    "CREATE UNIQUE INDEX pipeline_run_one ON pipeline_run (pipeline) WHERE state = 'running'",
    "CREATE INDEX pipeline_run_newest ON pipeline_run (pipeline, number DESC)",
    # parts: what the cache key was made of. attempt: which job of this step and run, for its
    # idempotency key.
    """
    CREATE TABLE pipeline_step (
        run INTEGER NOT NULL REFERENCES pipeline_run (number) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        name TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        job TEXT,
        notebook TEXT,
        attempt INTEGER NOT NULL DEFAULT 0,
        parts TEXT,
        started_at REAL,
        ended_at REAL,
        PRIMARY KEY (run, position)
    ) WITHOUT ROWID
    """,
    # The newest execution of each step. whole: 0 while it runs and after it failed, since its
    # outputs may then be half made.
    """
    CREATE TABLE pipeline_result (
        pipeline TEXT NOT NULL,
        step TEXT NOT NULL,
        whole INTEGER NOT NULL,
        parts TEXT NOT NULL,
        outputs TEXT NOT NULL DEFAULT '{}',
        job TEXT,
        notebook TEXT,
        PRIMARY KEY (pipeline, step)
    ) WITHOUT ROWID
    """,
    # What the digests of environments stand for, to say which package changed.
    (
        "CREATE TABLE pipeline_environment (digest TEXT PRIMARY KEY, packages TEXT NOT NULL)"
        " WITHOUT ROWID"
    ),
    # Digests of files that have not been touched since: a large input is read once. stamp: size,
    # times and inode.
    (
        "CREATE TABLE pipeline_file (path TEXT PRIMARY KEY, stamp TEXT NOT NULL, digest TEXT NOT"
        " NULL) WITHOUT ROWID"
    ),
)


def upgrade() -> None:
    """Create runs, steps and the cache."""
    for statement in _TABLES:
        op.execute(statement)
