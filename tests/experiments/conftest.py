from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.experiments import Experiments


@pytest.fixture(autouse=True)
def clean_mlflow() -> Iterator[None]:
    """`activate` sets process-wide state of MLflow: put it back, and end what a test left
    active.
    """
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
    if "mlflow" in sys.modules:
        import mlflow

        while mlflow.active_run():
            mlflow.end_run()
        mlflow.tracking.fluent._active_experiment_id = (
            None  # of `set_experiment`: it is none of the next test's store
        )
        mlflow.set_tracking_uri("")
        mlflow.set_registry_uri("")


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An `mlflow.db` with its schema, made once a session."""
    root = tmp_path_factory.mktemp("template")
    (root / "mlinfra.toml").touch()
    project = Project(root)
    Experiments(project).activate()
    with sqlite3.connect(project.home / "mlflow.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return project.home / "mlflow.db"


@pytest.fixture
def experiments(project: Project, empty_store: Path) -> Experiments:
    """The service of a fresh project whose store has its schema and nothing else."""
    shutil.copy(empty_store, project.home / "mlflow.db")
    return Experiments(project)


class Writer:
    """Runs written straight into the tables, as many as a test needs."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with sqlite3.connect(path) as connection:
            connection.execute(
                "INSERT INTO experiments (experiment_id, name, lifecycle_stage, last_update_time,"
                " workspace) VALUES (1, 'churn', 'active', 5, 'default')"
            )

    def runs(self, rows: Sequence[tuple[str, int, dict[str, float], dict[str, str]]]) -> None:
        """(id, start in ms, metrics, params) of finished runs of experiment `churn`."""
        with sqlite3.connect(self._path) as connection:
            connection.executemany(
                """INSERT INTO runs (run_uuid, name, status, start_time, end_time,
                    lifecycle_stage, experiment_id, user_id)
                VALUES (?, ?, 'FINISHED', ?, ?, 'active', 1, 'ana')""",
                [(id, f"name {id}", start, start + 2000) for id, start, _, _ in rows],
            )
            connection.executemany(
                "INSERT INTO latest_metrics VALUES (?, ?, 0, 0, ?, ?)",
                [
                    (key, 0 if value != value else value, value != value, id)
                    for id, _, metrics, _ in rows
                    for key, value in metrics.items()
                ],
            )
            connection.executemany(
                "INSERT INTO params VALUES (?, ?, ?)",
                [(key, value, id) for id, _, _, params in rows for key, value in params.items()],
            )

    def points(self, run: str, key: str, points: Sequence[tuple[int, int, float]]) -> None:
        """(timestamp, step, value) of one metric."""
        with sqlite3.connect(self._path) as connection:
            rows = [
                (key, 0 if value != value else value, when, run, step, value != value)
                for when, step, value in points
            ]
            connection.executemany(
                "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?,"
                " ?, ?, ?, ?)",
                rows,
            )
            connection.execute(
                "INSERT OR REPLACE INTO latest_metrics VALUES (?, ?, ?, ?, ?, ?)",
                (key, rows[-1][1], rows[-1][2], rows[-1][4], rows[-1][5], run),
            )


@pytest.fixture
def writer(project: Project, experiments: Experiments) -> Writer:
    return Writer(project.home / "mlflow.db")
