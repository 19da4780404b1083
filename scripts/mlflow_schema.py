"""Write what the installed MLflow makes of an empty SQLite file to
jupyter_mlinfra/experiments/schemas/REVISION.sql; run it when MLflow's schema changes.
"""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path

from jupyter_mlinfra.experiments import making


def dump(folder: Path) -> list[str]:
    """The statements of a fresh store, without its default experiment, which knows where its
    artifacts are.
    """
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    SqlAlchemyStore(f"sqlite:///{folder / 'mlflow.db'}", str(folder))
    with sqlite3.connect(folder / "mlflow.db") as connection:
        return [
            statement
            for statement in connection.iterdump()
            if not statement.startswith('INSERT INTO "experiments"')
        ]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        text = "\n".join(dump(Path(made))) + "\n"
        (making.SCHEMAS / f"{making.installed_revision()}.sql").write_text(text)
