"""Monitors are evaluated unasked: by a program that the alarm of the supervisor starts."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import Conflict, MLInfraError, Unprocessable
from jupyter_mlinfra.core.files import file_lock
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Jobs
from jupyter_mlinfra.monitoring import Monitoring, evaluation
from jupyter_mlinfra.monitoring.alerts.store import AlertStore
from jupyter_mlinfra.monitoring.store import MonitorStore
from jupyter_mlinfra.workbench import Workbench


@pytest.fixture
def project(project: Project) -> Project:
    """Monitors are evaluated every minute."""
    (project.root / "mlinfra.toml").write_text("[monitoring]\nevaluate_minutes = 1\n")
    return Project(project.root)


@pytest.fixture
def jobs(project: Project) -> Iterator[Jobs]:
    found = Jobs(project)
    yield found
    found.stop()


def kept(project: Project) -> dict[str, Any]:
    """The alarm of the monitors, read from the file."""
    with closing(sqlite3.connect(project.home / "state.db")) as connection:
        connection.row_factory = sqlite3.Row
        return dict(connection.execute("SELECT * FROM alarm WHERE name = 'monitors'").fetchone())


def test_the_supervisor_has_monitors_evaluated_again_and_again(
    project: Project, jobs: Jobs
) -> None:
    """Without any server. The deployment is gone, which is no data; that is found each time. The
    minute until the next alarm is not waited for: its time is set to now.
    """
    store = MonitorStore(project.database)
    store.add("flights", "gone", "ana")
    Workbench(project).heal()  # a project of before there were such alarms
    for _ in range(3):
        seen, at = store.show("flights").evaluated_at, time.time()
        with project.database.write() as connection:
            connection.execute("UPDATE alarm SET due_at = ?", (at,))
        jobs.heed_alarms(start=False)
        while store.show("flights").evaluated_at == seen and time.time() < at + 120:
            time.sleep(0.05)
        assert store.show("flights").evaluated_at != seen
        assert at + 60 <= kept(project)["due_at"] <= time.time() + 60, "and the next one is set"
    assert "gone" in AlertStore(project.database).alerts("flights")[0].text


def test_what_fires_while_nobody_looks_is_told_by_the_supervisor(
    project: Project, jobs: Jobs
) -> None:
    """From the alarm of the monitors to a receiver's file, all by processes of the supervisor."""
    with (project.root / "mlinfra.toml").open("a") as settings:
        settings.write('[monitoring.receivers.log]\ntype = "file"\npath = "told.jsonl"\n')
    (project.root / "silent.mlrules.yaml").write_text(
        "rules:\n  - {name: silent, metric: requests, op: <, threshold: 1, no_data: fire}\n"
    )
    MonitorStore(project.database).add("flights", "gone", "ana")
    Workbench(project).heal()
    at, told = time.time(), project.root / "told.jsonl"
    with project.database.write() as connection:
        connection.execute("UPDATE alarm SET due_at = ?", (at,))
    jobs.heed_alarms(start=True)
    while not (told.exists() and told.stat().st_size) and time.time() < at + 120:
        time.sleep(0.05)
    (line,) = told.read_text().splitlines()
    (alert,) = json.loads(line)["alerts"]
    assert (alert["labels"]["alertname"], alert["status"]) == ("silent", "firing")


def test_one_monitor_that_cannot_be_evaluated_keeps_no_other_from_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitoring, evaluated, said = Workbench(project).monitoring, list[str](), list[str]()
    for name in ("broken", "flights", "odd", "rides"):
        monitoring._store.add(name, name, "ana")

    def evaluate(self: Monitoring, name: str) -> None:
        evaluated.append(name)
        if name == "broken":
            raise Unprocessable("Its reference is damaged.")
        if name == "odd":
            raise KeyError("unforeseen")

    monkeypatch.setattr(Monitoring, "evaluate", evaluate)
    (project.root / "bad.mlrules.yaml").write_text("rules: [")
    monitoring.evaluate_all(said.append)
    assert evaluated == ["broken", "flights", "odd", "rides"]
    assert said[0].startswith("the rules of bad.mlrules.yaml are not used: bad.mlrules.yaml, line")
    assert said[1] == "monitor broken was not evaluated: Its reference is damaged."
    assert ("monitor odd" in said[2], "unforeseen" in said[2], len(said)) == (True, True, 3)
    assert monitoring._store.alarm() is not None


def test_of_two_rounds_at_a_time_one_does_nothing(project: Project) -> None:
    monitoring = Workbench(project).monitoring
    with file_lock(project.folder("monitoring") / "evaluation.lock"):
        with pytest.raises(Conflict):
            monitoring.evaluate_all(print)
        assert evaluation.main(str(project.root)) == 0


def test_a_project_without_monitors_has_no_alarm(project: Project) -> None:
    monitoring = Workbench(project).monitoring
    assert not monitoring.schedule()
    monitoring.evaluate_all(print)
    assert monitoring._store.alarm() is None


def test_a_project_that_was_moved_is_evaluated_and_its_old_folder_does_not_come_back(
    project: Project, tmp_path: Path
) -> None:
    old = project.root
    (old / "mlinfra.toml").write_text("[monitoring]\nevaluate_minutes = 60\n")
    monitoring = Workbench(Project(old)).monitoring
    monitoring._store.add("flights", "gone", "ana")
    assert monitoring.schedule()
    new = shutil.move(old, tmp_path / "moved")
    process = subprocess.run(
        [sys.executable, "-m", "jupyter_mlinfra.monitoring.evaluation", str(old)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        check=False,
    )
    assert (process.returncode, str(old) in process.stderr, old.exists()) == (1, True, False)
    moved = Project(new)
    assert Workbench(moved).monitoring.schedule(), "as `up` and the Jupyter server do"
    alarm = kept(moved)
    assert json.loads(alarm["arguments"]) == [str(new)]
    assert alarm["log"].startswith(f"{new}/")
    assert not Workbench(moved).monitoring.schedule(), "from then on it stays"
    assert kept(moved) == alarm


def test_a_shorter_interval_counts_at_once_and_an_alarm_that_is_due_sooner_stays(
    project: Project,
) -> None:
    settings = project.root / "mlinfra.toml"
    for minutes, changed in ((600, True), (10, True), (60, False)):
        settings.write_text(f"[monitoring]\nevaluate_minutes = {minutes}\n")
        monitoring = Workbench(Project(project.root)).monitoring
        monitoring._store.add("flights", "gone", "ana")
        assert monitoring.schedule() is changed, minutes
    assert 0 < kept(project)["due_at"] - time.time() <= 600


@pytest.mark.parametrize("minutes", ["0.01", "0", "-1", "inf", "nan", "525601"])
def test_an_interval_without_sense_is_refused(project: Project, minutes: str) -> None:
    (project.root / "mlinfra.toml").write_text(f"[monitoring]\nevaluate_minutes = {minutes}\n")
    with pytest.raises(MLInfraError, match="evaluate_minutes"):
        Project(project.root)
