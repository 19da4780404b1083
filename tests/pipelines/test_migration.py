"""A state of before runs had dates and plans: its runs are shown, its results are taken."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config

from jupyter_mlinfra.core import migrations
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.pipelines import Pipelines

from .made_up import Maker, states

BEFORE = "0008"
ADDED = {"backend", "gpu_type", "queue", "foreach", "group", "item", "slot"}


def test_runs_and_results_of_before_stay(project: Project, workshop, monkeypatch):
    workshop.notebook("a", "1")
    workshop.pipeline("pipeline: p\nsteps: {a: {notebook: a.ipynb, out: a.out}}")
    jobs = Maker(project.root, outputs=lambda spec: ["a.out"])
    monkeypatch.setattr("jupyter_mlinfra.pipelines.engine._QUIET_SECONDS", 0.01)
    run = Pipelines(project, jobs).run("p")
    rows = {}
    with project.database.read() as connection:
        for table in ("pipeline_run", "pipeline_step", "pipeline_result", "pipeline_environment"):
            rows[table] = [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]
    definition = json.loads(rows["pipeline_run"][0]["definition"])
    definition.pop("date")
    definition["steps"] = [
        {key: value for key, value in step.items() if key not in ADDED}
        for step in definition["steps"]
    ]
    rows["pipeline_run"][0]["definition"] = json.dumps(definition)

    project.database.close()
    for path in project.home.glob("state.db*"):
        path.unlink()
    _make_before(project.home / "state.db", rows)
    pipelines = Pipelines(Project.open(project.root), jobs)
    assert (pipelines.show_run(run.run).state, pipelines.show_run(run.run).date) == (run.state, "")
    assert states(pipelines.run("p")) == {"a": "cached"}


def _make_before(path: Path, rows: dict[str, list[dict[str, object]]]) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["path"] = path
    command.upgrade(config, BEFORE)
    connection = sqlite3.connect(path)
    for table, found in rows.items():
        known = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        for row in found:
            marks = ", ".join("?" * len(known))
            connection.execute(
                f"INSERT INTO {table} ({', '.join(known)}) VALUES ({marks})",
                [row[name] for name in known],
            )
    connection.commit()
    connection.close()
