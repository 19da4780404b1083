"""The paths in a store whose project was moved: MLflow notes whole ones, and finds no file under
them afterwards.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from .artifacts import local_path

_PATHS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
    ("model_versions", "source"),
    ("trace_tags", "value"),
)
"""Columns with the place of files, or of what was logged with them."""


def relocate(store: Path, root: str) -> None:
    """Let the paths of a SQLite file of MLflow begin with `root`, the folder of its artifacts, if
    they begin with the same folder at another place, where it is no longer. So a copy of a project
    goes on with the files of the first one, as long as these are there.

    All paths change in one transaction. The store has the schema of the installed MLflow.
    """
    with contextlib.closing(sqlite3.connect(store, timeout=20)) as connection, connection:
        row = connection.execute(
            "SELECT artifact_location FROM experiments WHERE experiment_id = 0"
        ).fetchone()
        before = str(row[0] or "").rpartition("/")[0] if row else ""
        old, new = local_path(before), Path(root)
        if old is None or old == new or old.name != new.name or old.exists() or not new.is_dir():
            return
        after = new.as_uri() if before.startswith("file:") else str(new)
        for table, column in _PATHS:
            connection.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?)"  # noqa: S608 (our names)
                f" WHERE substr({column}, 1, ?) = ?",
                (after, len(before) + 1, len(before) + 1, f"{before}/"),
            )
