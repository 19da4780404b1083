"""Alerts with labels and a history; silences; messages to receivers."""

from alembic import op

revision = "0014"
down_revision = "0013"

_COLUMNS = (
    "monitor, rule, state, severity, value, rows, threshold, subject, text, since, evaluated_at"
)
_STATEMENTS = (
    # labels: the values of the rule's `by`, as a JSON array; part of the key. at, seen, kept_since,
    # episode, told: the track of the alert. bad_start, bad_end: the windows that crossed the
    # threshold in its last episode. Defaults, since a process of before still writes the others.
    """
    CREATE TABLE alert_draft (
        monitor TEXT NOT NULL REFERENCES monitor(name) ON DELETE CASCADE,
        rule TEXT NOT NULL,
        labels TEXT NOT NULL DEFAULT '[]',
        state TEXT NOT NULL,
        severity TEXT NOT NULL,
        value REAL,
        rows INTEGER,
        threshold REAL NOT NULL,
        subject TEXT NOT NULL,
        text TEXT NOT NULL,
        since REAL NOT NULL,
        evaluated_at REAL,
        by_labels TEXT NOT NULL DEFAULT '{}',
        metric TEXT NOT NULL DEFAULT '',
        op TEXT NOT NULL DEFAULT '>=',
        version TEXT NOT NULL DEFAULT '',
        rule_group TEXT NOT NULL DEFAULT '',
        summary TEXT NOT NULL DEFAULT '',
        runbook TEXT NOT NULL DEFAULT '',
        source TEXT NOT NULL DEFAULT '',
        at REAL NOT NULL DEFAULT 0,
        seen REAL NOT NULL DEFAULT 0,
        kept_since REAL,
        episode INTEGER NOT NULL DEFAULT 0,
        told INTEGER NOT NULL DEFAULT 0,
        resolved_at REAL,
        bad_start REAL,
        bad_end REAL,
        held_by TEXT NOT NULL DEFAULT '',
        acknowledged_at REAL,
        acknowledged_by TEXT NOT NULL DEFAULT '',
        acknowledged_why TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (monitor, rule, labels)
    )
    """,
    f"INSERT INTO alert_draft ({_COLUMNS}) SELECT {_COLUMNS} FROM alert",  # noqa: S608
    (
        "UPDATE alert_draft SET at = coalesce(evaluated_at, since),"
        " seen = coalesce(evaluated_at, since), episode = (state = 'firing'),"
        " told = (state = 'firing')"
    ),
    "DROP TABLE alert",
    "ALTER TABLE alert_draft RENAME TO alert",
    # Who did what to an alert, when and why. by_user: empty for the evaluator.
    """
    CREATE TABLE alert_history (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        monitor TEXT NOT NULL REFERENCES monitor(name) ON DELETE CASCADE,
        rule TEXT NOT NULL,
        labels TEXT NOT NULL,
        at REAL NOT NULL,
        what TEXT NOT NULL,
        by_user TEXT NOT NULL,
        why TEXT NOT NULL,
        link TEXT NOT NULL
    )
    """,
    "CREATE INDEX alert_history_newest ON alert_history (monitor, rule, labels, number DESC)",
    # monitor: empty for all; labels: null for all alerts of the rule.
    """
    CREATE TABLE alert_silence (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        monitor TEXT NOT NULL,
        rule TEXT NOT NULL,
        labels TEXT,
        begun_at REAL NOT NULL,
        until REAL NOT NULL,
        by_user TEXT NOT NULL,
        why TEXT NOT NULL,
        ended_by TEXT NOT NULL DEFAULT ''
    )
    """,
    # An outbox: written with the change that it tells of. next_at: when it is tried again.
    """
    CREATE TABLE alert_delivery (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        receiver TEXT NOT NULL,
        body TEXT NOT NULL,
        state TEXT NOT NULL,
        created_at REAL NOT NULL,
        next_at REAL NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        error TEXT NOT NULL DEFAULT ''
    )
    """,
    "CREATE INDEX alert_delivery_waiting ON alert_delivery (next_at) WHERE state = 'waiting'",
)


def upgrade() -> None:
    """Alerts that fire now count as told: whoever listens was told by the version before."""
    for statement in _STATEMENTS:
        op.execute(statement)
