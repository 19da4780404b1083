"""Tables of schedules, and the alarms that wake them."""

from alembic import op

revision = "0009"
down_revision = "0008"

_STATEMENTS = (
    # What the supervisor starts at a time of the wall clock. set_at: the clock when it was set; a
    # clock that shows less was set back.
    """
    CREATE TABLE alarm (
        name TEXT PRIMARY KEY,
        due_at REAL NOT NULL,
        set_at REAL NOT NULL,
        module TEXT NOT NULL,
        arguments TEXT NOT NULL,
        log TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    # Times are seconds since 1970 in UTC. handled_until: every due time up to here has its row
    # below. job: fields of a JobSpec.
    """
    CREATE TABLE schedule (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        state TEXT NOT NULL,
        cron TEXT NOT NULL,
        tz TEXT NOT NULL,
        pipeline TEXT,
        job TEXT,
        parameters TEXT NOT NULL,
        catchup TEXT NOT NULL,
        grace_seconds REAL NOT NULL,
        overlap TEXT NOT NULL,
        user TEXT NOT NULL,
        created_at REAL NOT NULL,
        handled_until REAL NOT NULL
    )
    """,
    # over: what it started has ended, so that nobody looks again.
    """
    CREATE TABLE schedule_firing (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        schedule INTEGER NOT NULL REFERENCES schedule (number) ON DELETE CASCADE,
        due REAL NOT NULL,
        cause TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        run TEXT,
        job TEXT,
        by_user TEXT NOT NULL DEFAULT '',
        decided_at REAL NOT NULL,
        started_at REAL,
        over INTEGER NOT NULL DEFAULT 0
    )
    """,
    # A due time is met once, and made up for once; by hand as often as somebody wants.
    (
        "CREATE UNIQUE INDEX schedule_firing_once ON schedule_firing (schedule, due, cause) WHERE"
        " cause != 'hand'"
    ),
    "CREATE INDEX schedule_firing_newest ON schedule_firing (schedule, due DESC, number DESC)",
    (
        "CREATE INDEX schedule_firing_open ON schedule_firing (schedule) WHERE state = 'waiting' OR"
        " (state = 'started' AND over = 0)"
    ),
    # A run that is asked for twice with the same key is begun once.
    "ALTER TABLE pipeline_run ADD COLUMN key TEXT",
    "CREATE UNIQUE INDEX pipeline_run_key ON pipeline_run (key) WHERE key IS NOT NULL",
)


def upgrade() -> None:
    """Create schedules, their firings and the alarms."""
    for statement in _STATEMENTS:
        op.execute(statement)
