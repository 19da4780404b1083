"""Tables of deployments."""

from alembic import op

revision = "0004"
down_revision = "0003"

TABLES = (
    # up: whether its processes are wanted at all
    """
    CREATE TABLE deployment (
        name TEXT PRIMARY KEY,
        namespace TEXT NOT NULL,
        target TEXT NOT NULL,
        model TEXT NOT NULL,
        up INTEGER NOT NULL DEFAULT 1,
        created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL
    )
    """,
    # wanted: whether it keeps processes while the deployment is up. proved: its tests have passed.
    # used_at: last change of its traffic.
    """
    CREATE TABLE deployment_version (
        deployment TEXT NOT NULL REFERENCES deployment (name) ON DELETE CASCADE,
        version TEXT NOT NULL,
        number INTEGER NOT NULL,
        bundle TEXT NOT NULL DEFAULT '',
        python TEXT NOT NULL DEFAULT '',
        state TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        traffic INTEGER NOT NULL DEFAULT 0,
        wanted INTEGER NOT NULL DEFAULT 0,
        proved INTEGER NOT NULL DEFAULT 0,
        gates TEXT NOT NULL DEFAULT '[]',
        workers INTEGER NOT NULL,
        deployer TEXT NOT NULL DEFAULT '',
        created_at TEXT NOT NULL,
        used_at TEXT NOT NULL,
        PRIMARY KEY (deployment, version)
    )
    """,
    # returns_to: the change whose traffic a rollback brought back
    """
    CREATE TABLE deployment_change (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        deployment TEXT NOT NULL REFERENCES deployment (name) ON DELETE CASCADE,
        at TEXT NOT NULL,
        user TEXT NOT NULL,
        verb TEXT NOT NULL,
        text TEXT NOT NULL,
        reason TEXT NOT NULL,
        traffic TEXT NOT NULL,
        returns_to INTEGER
    )
    """,
    "CREATE INDEX deployment_change_of ON deployment_change (deployment, id)",
    # the processes that the keeper of the local target has started
    """
    CREATE TABLE deployment_process (
        token TEXT PRIMARY KEY,
        deployment TEXT NOT NULL,
        version TEXT NOT NULL,
        slot INTEGER NOT NULL,
        boot TEXT NOT NULL,
        pid INTEGER NOT NULL,
        start INTEGER NOT NULL,
        started_at TEXT NOT NULL
    )
    """,
    # One row. wish: grows with every change that the target has to carry out; done: the last wish
    # that is true outside.
    """
    CREATE TABLE deployment_target (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        wish INTEGER NOT NULL DEFAULT 0,
        done INTEGER NOT NULL DEFAULT 0,
        port INTEGER NOT NULL DEFAULT 0,
        trouble TEXT NOT NULL DEFAULT ''
    )
    """,
    "INSERT INTO deployment_target (id) VALUES (1)",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
