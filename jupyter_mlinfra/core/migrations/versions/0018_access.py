"""Keys of deployments, and who changed what."""

from alembic import op

revision = "0018"
down_revision = "0017"

TABLES = (
    # digest: SHA-256 of the key, in hexadecimal
    """
    CREATE TABLE deployment_key (
        id TEXT PRIMARY KEY,
        deployment TEXT NOT NULL REFERENCES deployment (name) ON DELETE CASCADE,
        name TEXT NOT NULL,
        digest TEXT NOT NULL,
        created_at REAL NOT NULL,
        created_by TEXT NOT NULL,
        expires_at REAL,
        revoked_at REAL,
        revoked_by TEXT NOT NULL DEFAULT ''
    )
    """,
    "CREATE INDEX deployment_key_of ON deployment_key (deployment, created_at)",
    # It outlives the deployment.
    """
    CREATE TABLE deployment_audit (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at REAL NOT NULL,
        user TEXT NOT NULL,
        "on" TEXT NOT NULL,
        verb TEXT NOT NULL,
        deployment TEXT NOT NULL,
        text TEXT NOT NULL,
        reason TEXT NOT NULL
    )
    """,
    "CREATE INDEX deployment_audit_of ON deployment_audit (deployment, id)",
    *(
        f"CREATE TRIGGER deployment_audit_no_{what} BEFORE {what} ON deployment_audit"
        " BEGIN SELECT RAISE(ABORT, 'the audit log is not changed'); END"
        for what in ("UPDATE", "DELETE")
    ),
)


def upgrade() -> None:
    """Earlier changes are in the history of their deployments alone."""
    for statement in TABLES:
        op.execute(statement)
