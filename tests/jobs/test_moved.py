"""The folder of a project is moved while a job runs."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Jobs, JobSpec, JobState
from jupyter_mlinfra.jobs.attempt.files import Attempt
from jupyter_mlinfra.jobs.local.running import Live
from jupyter_mlinfra.jobs.queue.inserting import Accepted
from jupyter_mlinfra.jobs.queue.rows import Launch
from jupyter_mlinfra.jobs.queue.store import JobStore


def lost(project: Project, folder: Path) -> Live:
    """An attempt in this folder that left no exit code."""
    store = JobStore(project.database)
    launch = Launch(folder=str(folder), command=["true"], python=sys.executable, environment="")
    job = store.insert(
        JobSpec(command=launch.command),
        Accepted(name="x", launch=launch, snapshot=None, backend="local", user="ana"),
    )
    attempt = Attempt.of(project.home, job.id, 1)
    attempt.folder.mkdir(parents=True)
    entry = store.starting(job.id, token="t", gpu_ids=[])
    return Live(entry=entry, attempt=attempt, wrapper=None)


def test_a_link_from_the_old_place_is_no_move(project: Project, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.symlink_to(project.root)
    assert lost(project, old).ended(project.root).reason == ""
    assert lost(project, project.root).ended(old).reason == ""
    old.unlink()
    assert f"was started in {old}" in lost(project, old).ended(project.root).reason
    old.symlink_to(old)  # leads nowhere
    assert lost(project, old).ended(project.root).reason == ""


def test_what_the_job_says_of_its_failure_comes_before_the_move(
    project: Project, tmp_path: Path
) -> None:
    live = lost(project, tmp_path / "old")
    live.attempt.reason.write_text("The loss is NaN.")
    assert live.ended(project.root).reason == "The loss is NaN."


def test_its_end_is_lost_and_it_says_why_and_what_to_do(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    job = jobs.submit(JobSpec(command=tools.sleep)).id
    tools.until(lambda: jobs.show(job).state is JobState.RUNNING)
    workers = tools.processes_of(project.root, supervisor=False)
    place = project.root.with_name("moved")
    project.root.rename(place)
    os.chdir(place)
    moved = Jobs(Project.open(place))
    moved.start()
    for process in workers:
        os.kill(process.pid, signal.SIGTERM)
    (ended,) = moved.wait([job], timeout=tools.wait)
    assert ended.state is JobState.LOST
    assert "the project was moved while it ran" in ended.reason
    assert str(project.root) in ended.reason
    assert f"mlinfra jobs clone {job}" in ended.reason
    copy = moved.clone(job, command=(sys.executable, "-c", "pass"))
    (ended,) = moved.wait([copy.id], timeout=tools.wait)
    assert ended.state is JobState.SUCCEEDED
    moved.stop(cancel_running=True)
