"""Write what all migrations make of an empty file to core/migrations/newest.sql of the package; run
it when a migration was added.
"""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from jupyter_mlinfra.core import database


def dump(folder: Path) -> str:
    """The statements of a file to which each migration was applied in turn."""
    path = folder / "state.db"
    database.migrate_file(path)
    with closing(sqlite3.connect(path)) as connection:
        return "\n".join(connection.iterdump()) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        database.NEWEST.write_text(dump(Path(made)))
