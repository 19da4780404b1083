"""The folder of a project is moved while a job runs."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Jobs, JobSpec, JobState


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
