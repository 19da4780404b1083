"""A run that is driven by a process of its own: it outlives its starter, and its own death costs
nothing.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlinfra.core.errors import Conflict
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Jobs
from jupyter_mlinfra.pipelines import PipelineRun, Pipelines, RunState, StepState

OPENER = """
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Jobs
from jupyter_mlinfra.pipelines import Pipelines

class Opened:
    def __init__(self, path):
        project = Project.open(path)
        self.pipelines = Pipelines(project, Jobs(project), opener="opener_of_tests:Opened")
"""
CHAIN = """
pipeline: chain
steps:
  first: {notebook: first.ipynb, out: first.txt}
  slow: {notebook: slow.ipynb, in: first.txt, out: slow.txt}
  last: {notebook: last.ipynb, in: slow.txt, out: last.txt}
"""


@pytest.fixture
def pipelines(
    project: Project, jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Pipelines:
    """Pipelines whose drivers begin with a module of this test, since a domain knows nothing of the
    workbench above it.
    """
    (tmp_path / "opener").mkdir()
    (tmp_path / "opener" / "opener_of_tests.py").write_text(OPENER)
    paths = [str(tmp_path / "opener"), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    return Pipelines(project, jobs, opener="opener_of_tests:Opened")


@pytest.fixture
def chain(workshop):
    """Three steps; the one in the middle waits until the test writes `go`."""
    workshop.step("first", makes="first.txt")
    wait = "\nimport time\nwhile not Path('go').exists(): time.sleep(0.05)"
    workshop.step("slow", takes="first.txt", makes="slow.txt", then=wait)
    workshop.step("last", takes="slow.txt", makes="last.txt")
    workshop.pipeline(CHAIN)
    return workshop


def until(condition: Callable[[], object], seconds: float = 200) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.05)


def driver_of(project: Project, run: PipelineRun) -> int | None:
    with project.database.read() as connection:
        row = connection.execute(
            "SELECT driver FROM pipeline_run WHERE run = ?", (run.run,)
        ).fetchone()
    return json.loads(row["driver"])[1] if row["driver"] else None


def step(pipelines: Pipelines, run: PipelineRun, name: str):
    return next(step for step in pipelines.show_run(run.run).steps if step.name == name)


def test_a_driver_killed_twice_loses_no_step_and_doubles_none(
    pipelines: Pipelines, project: Project, chain
):
    run = pipelines.run("chain", wait=False)
    assert run.state is RunState.RUNNING
    until(lambda: chain.count("slow") == 1)

    os.kill(driver_of(project, run), signal.SIGKILL)
    until(lambda: "resume" in pipelines.show_run(run.run).reason)
    assert step(pipelines, run, "slow").state is StepState.RUNNING, (
        "its job goes on without the driver"
    )

    pipelines.resume(run.run, wait=False)
    until(lambda: pipelines.show_run(run.run).reason == "" and driver_of(project, run))
    os.kill(driver_of(project, run), signal.SIGKILL)
    until(lambda: "resume" in pipelines.show_run(run.run).reason)  # it is gone, with its lock
    (chain.root / "go").touch()
    until(lambda: (chain.root / "slow.txt").exists())  # the job ends while nobody looks

    ended = pipelines.resume(run.run)

    assert ended.state is RunState.SUCCEEDED, ended
    assert [str(step.state) for step in ended.steps] == ["succeeded"] * 3
    assert (chain.root / "last.txt").read_text() == "firstslowlast"
    assert [chain.count(name) for name in ("first", "slow", "last")] == [1, 1, 1]
    assert pipelines.count_runs() == 1


def test_the_same_pipeline_is_not_run_twice_at_once(pipelines: Pipelines, project: Project, chain):
    run = pipelines.run("chain", wait=False)
    for _ in range(2):  # before its driver is up, and after
        with pytest.raises(Conflict) as caught:
            pipelines.run("chain")
        assert "already running" in caught.value.what
        assert run.run in caught.value.why
        assert f"cancel {run.run}" in caught.value.fix
        until(lambda: chain.count("slow") == 1)
    with pytest.raises(Conflict):
        pipelines.resume(run.run)

    cancelled = pipelines.cancel(run.run)

    assert [str(step.state) for step in cancelled.steps] == ["succeeded", "cancelled", "cancelled"]
    assert cancelled.reason == "Cancelled by ana."
    assert not (chain.root / "slow.txt").exists()
    until(
        lambda: (
            subprocess.run(
                ["kill", "-0", str(driver_of(project, run))], capture_output=True
            ).returncode
        )
    )
    assert "cancelled" in (project.home / "runs" / run.run / "driver.log").read_text()


def test_a_run_outlives_the_process_that_started_it(pipelines: Pipelines, chain, tmp_path: Path):
    code = (
        "from opener_of_tests import Opened; print(Opened('.').pipelines.run('chain',"
        " wait=False).run)"
    )
    starter = subprocess.run(
        [sys.executable, "-c", code], cwd=chain.root, capture_output=True, text=True, check=True
    )
    run = pipelines.show_run(starter.stdout.strip())
    (chain.root / "go").touch()
    until(lambda: pipelines.show_run(run.run).state is not RunState.RUNNING)
    assert pipelines.show_run(run.run).state is RunState.SUCCEEDED


def test_a_driver_that_cannot_open_the_project_leaves_its_words_in_the_log(
    project: Project, jobs: Jobs, workshop
):
    workshop.step("first", makes="first.txt")
    workshop.pipeline("pipeline: p\nsteps: {first: {notebook: first.ipynb, out: first.txt}}")
    run = Pipelines(project, jobs, opener="no_such_module:open").run("p", wait=False)
    log = project.home / "runs" / run.run / "driver.log"
    until(lambda: log.exists() and "no_such_module" in log.read_text())
    assert Pipelines(project, jobs).resume(run.run).state is RunState.SUCCEEDED


@pytest.mark.slow
def test_a_backfill_of_its_own_goes_on_without_whoever_asked_and_its_runs_bear_their_dates(
    pipelines: Pipelines, workshop
):
    workshop.notebook(
        "daily", "from pathlib import Path\nPath(day).write_text(day)", parameters="day = ''"
    )
    workshop.pipeline(
        'pipeline: p\nsteps: {daily: {notebook: daily.ipynb, params: {day: "{{ date }}"}, out: "{{'
        ' date }}"}}'
    )
    plan = pipelines.backfill("p", first="2026-11-01", last="2026-11-02", wait=False)
    assert (plan.runs, plan.parallel, bool(plan.id)) == (2, 2, True)
    until(lambda: [run.state for run in pipelines.runs("p").items].count(RunState.SUCCEEDED) == 2)
    runs = {run.date: run for run in pipelines.runs("p").items}
    assert sorted(runs) == ["2026-11-01", "2026-11-02"]
    assert {run.backfill for run in runs.values()} == {plan.id}
    assert (workshop.root / "2026-11-02").read_text() == "2026-11-02"
    assert pipelines.backfill("p", first="2026-11-01", last="2026-11-02", dry_run=True).runs == 0
