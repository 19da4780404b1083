"""Pipeline runs with a date and a plan (repair, run from a step, backfill); why a step ran; one
result for each thing that a step makes.
"""

from alembic import op

revision = "0010"
down_revision = "0009"

_STATEMENTS = (
    # lane: two runs of one pipeline may go on at once only when they write different things; then
    # their lanes differ.
    "ALTER TABLE pipeline_run ADD COLUMN lane TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE pipeline_run ADD COLUMN date TEXT NOT NULL DEFAULT ''",
    # digest: what the whole run was made of, without what its own steps make; a backfill leaves out
    # a date that succeeded with the same digest.
    "ALTER TABLE pipeline_run ADD COLUMN digest TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE pipeline_run ADD COLUMN plan TEXT NOT NULL DEFAULT '{}'",
    "DROP INDEX pipeline_run_one",
    "CREATE UNIQUE INDEX pipeline_run_one ON pipeline_run (pipeline, lane) WHERE state = 'running'",
    "ALTER TABLE pipeline_step ADD COLUMN changed TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE pipeline_step ADD COLUMN detail TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE pipeline_result RENAME TO pipeline_result_before",
    # slot: of a step whose outputs are named by parameters, one for each set of outputs; else
    # empty.
    """
    CREATE TABLE pipeline_result (
        pipeline TEXT NOT NULL,
        step TEXT NOT NULL,
        slot TEXT NOT NULL DEFAULT '',
        whole INTEGER NOT NULL,
        parts TEXT NOT NULL,
        outputs TEXT NOT NULL DEFAULT '{}',
        job TEXT,
        notebook TEXT,
        PRIMARY KEY (pipeline, step, slot)
    ) WITHOUT ROWID
    """,
    (
        "INSERT INTO pipeline_result SELECT pipeline, step, '', whole, parts, outputs, job,"
        " notebook FROM pipeline_result_before"
    ),
    "DROP TABLE pipeline_result_before",
)


def upgrade() -> None:
    """What is known of earlier runs stays; they have no date and no plan."""
    for statement in _STATEMENTS:
        op.execute(statement)
