"""An empty store as the installed MLflow would create it, in milliseconds and without importing
MLflow.

MLflow itself takes many seconds, and two processes that do so at once break each other, as the
first jobs of a project do if they start together.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
import time
from importlib.util import find_spec
from pathlib import Path

SCHEMAS = Path(__file__).parent / "schemas"
"""A file of SQL statements for each known schema of MLflow, by its Alembic revision;
`scripts/mlflow_schema.py` writes them.
"""
_REVISION = re.compile(r"^(down_)?revision(?:: [^=]+)? = \"(\w+)\"", re.MULTILINE)


def empty_store(artifacts: str) -> bytes | None:
    """The SQLite file; None if the installed MLflow has a schema that is not known here. artifacts:
    root for those of experiments.
    """
    schema = SCHEMAS / f"{installed_revision()}.sql"
    if not schema.is_file() or set(artifacts) & {"?", "#"}:  # MLflow puts the path before a query
        return None
    created_ms = int(time.time() * 1000)
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(schema.read_text())
        connection.execute(
            "INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage,"
            " creation_time, last_update_time, workspace) VALUES (0, 'Default', ?, 'active', ?, ?,"
            " 'default')",
            (f"{artifacts.rstrip('/')}/0", created_ms, created_ms),
        )
        connection.commit()
        return connection.serialize()


def installed_revision() -> str:
    """The Alembic revision that the installed MLflow's schema ends with; empty if that is
    unclear.
    """
    mlflow = find_spec("mlflow")
    if mlflow is None or not mlflow.submodule_search_locations:
        return ""
    folder = Path(mlflow.submodule_search_locations[0]) / "store" / "db_migrations" / "versions"
    revisions = [
        pair
        for path in folder.glob("*.py")
        for pair in _REVISION.findall(path.read_text(errors="replace"))
    ]
    newest = {name for down, name in revisions if not down} - {
        name for down, name in revisions if down
    }
    return newest.pop() if len(newest) == 1 else ""
