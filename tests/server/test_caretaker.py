"""No request starts a process that has died; the server does, in the background."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from logging import getLogger
from typing import Any

import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Alarm, Jobs, JobSpec, set_alarm
from jupyter_mlinfra.jobs.remote.client import FollowerControl
from jupyter_mlinfra.jobs.remote.slurm.backend import SlurmBackend
from jupyter_mlinfra.server import caretaker
from jupyter_mlinfra.server.caretaker import Caretaker
from jupyter_mlinfra.server.context import Context
from jupyter_mlinfra.workbench import Workbench

READS = [
    "jobs/jobs",
    "jobs/queue",
    "jobs/compute",
    "jobs/backends",
    "jobs/supervisor",
    "pipelines/schedules",
    "deployments/deployments",
    "monitoring/monitors",
    "workbench/status",
    "workbench/search?q=sleep",
]


@pytest.fixture
def jobs(project: Project) -> Iterator[Jobs]:
    found = Jobs(project)
    yield found
    found.stop(cancel_running=True)


async def until(look: Callable[[], bool]) -> None:
    for _ in range(600):
        if look():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("It did not come to pass.")


async def test_a_read_says_that_the_supervisor_died_and_starts_none_and_the_server_does(
    jobs: Jobs, project: Project, ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = jobs.submit(JobSpec(command=[sys.executable, "-c", "import time; time.sleep(600)"]))
    await until(lambda: jobs.show(job.id).state == "running")
    pid = jobs.supervisor().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await until(lambda: jobs.supervisor().pid is None)
    for path in [*READS, f"jobs/jobs/{job.id}"]:
        assert (await ask(path)).code == 200, path
    await asyncio.sleep(1)
    supervisor = (await ask("jobs/supervisor")).value
    assert (supervisor["pid"], f"process {pid}" in supervisor["trouble"]) == (None, True)
    shown = (await ask(f"jobs/jobs/{job.id}")).value
    assert (shown["state"], "mlinfra up" in shown["reason"]) == ("running", True)
    monkeypatch.setattr(caretaker, "FIRST_SECONDS", 0.0)
    context = Context(project.root)
    found = Caretaker(context, getLogger("test"))
    found.start()
    try:
        await until(lambda: jobs.supervisor().pid not in (None, pid))
    finally:
        await found.stop()
        context.close()
    assert (await ask(f"jobs/jobs/{job.id}")).value["reason"] == ""


async def test_a_supervisor_that_a_user_stopped_stays_so(jobs: Jobs, project: Project) -> None:
    job = jobs.submit(JobSpec(command=[sys.executable, "-c", "import time; time.sleep(600)"]))
    await until(lambda: jobs.show(job.id).state == "running")
    jobs.stop()
    Workbench(project).heal()
    await asyncio.sleep(1)
    assert jobs.supervisor().pid is None
    jobs.start()


async def test_a_follower_that_a_user_stopped_stays_so_until_a_user_starts_it(
    jobs: Jobs, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real one, of a cluster that does not answer."""
    monkeypatch.setattr(SlurmBackend, "check", lambda self, spec: None)
    follower = FollowerControl(project, "slurm")

    def pid() -> int | None:
        mark = follower.alive()
        return mark and mark.process.pid

    jobs.submit(JobSpec(command=["true"], backend="slurm"))
    first = pid()
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await until(lambda: pid() is None)
    assert f"process {first}" in follower.trouble()
    Workbench(project).heal()
    assert pid() not in (None, first), "it died, and there is work"
    for starts in (jobs.start, follower.wake_with_present_settings):
        jobs.stop()
        Workbench(project).heal()
        assert (pid(), follower.trouble()) == (None, "")
        starts()
        assert pid() is not None


async def test_a_stop_before_the_first_supervisor_counts_too(jobs: Jobs, project: Project) -> None:
    with project.database.write() as connection:
        set_alarm(
            connection,
            Alarm(
                name="a",
                due_at=time.time() + 86_400,
                set_at=time.time(),
                module="no_such_module_of_tests",
                arguments=[],
                log=str(project.root / "log"),
            ),
        )
    stopped = jobs.stop()
    assert (stopped.pid, stopped.trouble) == (None, "")
    Workbench(project).heal()
    assert jobs.supervisor().pid is None
    jobs.heed_alarms(start=True)
    assert jobs.supervisor().pid is not None


async def test_a_look_that_fails_is_logged_once_and_the_next_comes_all_the_same(
    project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looks = list[int]()

    def heal(self: Workbench) -> None:
        looks.append(1)
        if len(looks) < 4:
            raise RuntimeError("unforeseen")

    monkeypatch.setattr(Workbench, "heal", heal)
    monkeypatch.setattr(caretaker, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(caretaker, "LOOK_SECONDS", 0.01)
    context = Context(project.root)
    found = Caretaker(context, getLogger("test"))
    found.start()
    try:
        await until(lambda: len(looks) >= 5)
    finally:
        await found.stop()
        context.close()
    assert len([line for line in caplog.messages if "unforeseen" in line]) == 1
