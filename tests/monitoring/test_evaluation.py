"""Monitors are evaluated unasked: by a program that the alarm of the supervisor starts."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from jupyter_mlinfra.core.errors import Conflict, Unprocessable
from jupyter_mlinfra.core.files import file_lock
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Jobs
from jupyter_mlinfra.monitoring import Monitoring, evaluation
from jupyter_mlinfra.monitoring.store import MonitorStore
from jupyter_mlinfra.workbench import Workbench


@pytest.fixture
def project(project: Project) -> Project:
    """Monitors are evaluated every 0.6 s."""
    (project.root / "mlinfra.toml").write_text("[monitoring]\nevaluate_minutes = 0.01\n")
    return Project(project.root)


@pytest.fixture
def jobs(project: Project) -> Iterator[Jobs]:
    found = Jobs(project)
    yield found
    found.stop()


def test_the_supervisor_has_monitors_evaluated_again_and_again(
    project: Project, jobs: Jobs
) -> None:
    """Without any server. The deployment is gone, which is no data; that is found each time."""
    store = MonitorStore(project.database)
    store.add("flights", "gone", "ana")
    Workbench(project).heal()  # a project of before there were such alarms
    seen, limit = set[object](), time.monotonic() + 120
    while len(seen) < 3 and time.monotonic() < limit:
        seen |= {store.show("flights").evaluated_at} - {None}
        time.sleep(0.05)
    assert len(seen) == 3
    assert "gone" in store.alerts("flights")[0].text


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
    monitoring.evaluate_all(said.append)
    assert evaluated == ["broken", "flights", "odd", "rides"]
    assert said[0] == "monitor broken was not evaluated: Its reference is damaged."
    assert ("monitor odd" in said[1], "unforeseen" in said[1], len(said)) == (True, True, 2)
    assert monitoring._store.has_alarm()


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
    assert not monitoring._store.has_alarm()
