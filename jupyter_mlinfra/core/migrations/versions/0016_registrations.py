"""Which model versions this project has registered, with which files; and the runtime of a deployed
version.
"""

from alembic import op

revision = "0016"
down_revision = "0014"


def upgrade() -> None:
    """digest: of all files at that moment. runtime: what carries the version's processes."""
    op.execute(
        """
        CREATE TABLE registration (
            model TEXT NOT NULL,
            version INTEGER NOT NULL,
            digest TEXT NOT NULL,
            user TEXT NOT NULL,
            at REAL NOT NULL,
            PRIMARY KEY (model, version, digest)
        ) WITHOUT ROWID
        """
    )
    op.execute(
        "ALTER TABLE deployment_version ADD COLUMN runtime TEXT NOT NULL DEFAULT 'seldon-core'"
    )
