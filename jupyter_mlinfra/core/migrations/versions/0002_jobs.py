"""Tables of jobs."""

from alembic import op

revision = "0002"
down_revision = "0001"

_TABLES = (
    # Times are seconds since 1970 in UTC. spec: the JobSpec. launch: folder, interpreter and frozen
    # command. token, boot, pid, start: the process of the present attempt. failures: attempts that
    # count against `retries`.
    """
    CREATE TABLE job (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        key TEXT UNIQUE,
        name TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT NOT NULL,
        backend TEXT NOT NULL,
        user TEXT NOT NULL,
        spec TEXT NOT NULL,
        launch TEXT NOT NULL,
        snapshot TEXT,
        priority INTEGER NOT NULL,
        cpus INTEGER NOT NULL,
        gpus INTEGER NOT NULL,
        memory_gib REAL NOT NULL,
        attempt INTEGER NOT NULL DEFAULT 0,
        failures INTEGER NOT NULL DEFAULT 0,
        requeues INTEGER NOT NULL DEFAULT 0,
        not_before REAL NOT NULL DEFAULT 0,
        cancelled_by TEXT NOT NULL DEFAULT '',
        gpu_ids TEXT NOT NULL DEFAULT '[]',
        token TEXT,
        boot TEXT,
        pid INTEGER,
        start INTEGER,
        exit_code INTEGER,
        progress REAL,
        progress_text TEXT NOT NULL DEFAULT '',
        submitted_at REAL NOT NULL,
        started_at REAL,
        ended_at REAL,
        changed_at REAL NOT NULL
    )
    """,
    "CREATE INDEX job_queue ON job (state, priority DESC, number)",
    (
        "CREATE TABLE job_label (job INTEGER NOT NULL REFERENCES job (number) ON DELETE CASCADE,"
        " key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (job, key)) WITHOUT ROWID"
    ),
    "CREATE INDEX job_label_value ON job_label (key, value, job)",
    # At most one row. settings: what the supervisor was started with. stopped: a user asked it to
    # end.
    """
    CREATE TABLE supervisor (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        boot TEXT NOT NULL,
        pid INTEGER NOT NULL,
        start INTEGER NOT NULL,
        started_at REAL NOT NULL,
        socket TEXT NOT NULL,
        settings TEXT NOT NULL,
        cpus INTEGER NOT NULL,
        gpus INTEGER NOT NULL,
        stopped INTEGER NOT NULL DEFAULT 0
    )
    """,
)


def upgrade() -> None:
    """Create the queue and the supervisor's entry."""
    for statement in _TABLES:
        op.execute(statement)
