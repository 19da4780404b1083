"""Arrays of jobs, jobs after jobs, jobs on hold, and what each user has used."""

from alembic import op

revision = "0008"
down_revision = "0007"

_STATEMENTS = (
    # part_of: id of the array. place: of an element, from 0. at_once: elements at a time. remote:
    # how another backend calls the job.
    "ALTER TABLE job ADD COLUMN part_of TEXT",
    "ALTER TABLE job ADD COLUMN place INTEGER",
    "ALTER TABLE job ADD COLUMN at_once INTEGER",
    "ALTER TABLE job ADD COLUMN held_by TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE job ADD COLUMN requeued_by TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE job ADD COLUMN remote TEXT",
    "CREATE INDEX job_element ON job (part_of, place)",
    (
        "CREATE TABLE job_after (job INTEGER NOT NULL REFERENCES job (number) ON DELETE CASCADE,"
        " before INTEGER NOT NULL, PRIMARY KEY (job, before)) WITHOUT ROWID"
    ),
    "CREATE INDEX job_after_before ON job_after (before)",
    # seconds: weighed by what was held, as they stood at `at` (seconds since 1970); they fade from
    # then on.
    (
        "CREATE TABLE job_share (user TEXT PRIMARY KEY, seconds REAL NOT NULL, at REAL NOT NULL)"
        " WITHOUT ROWID"
    ),
)


def upgrade() -> None:
    """Every job so far stands for itself."""
    for statement in _STATEMENTS:
        op.execute(statement)
