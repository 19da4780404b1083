"""A supervisor that is there and sees to nothing: it is noticed, said, and replaced."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from jupyter_mlinfra.core.daemons import control
from jupyter_mlinfra.core.daemons.registration import FileRegistry, Registration
from jupyter_mlinfra.core.daemons.wakeups import Wakeups, beat_path
from jupyter_mlinfra.core.processes import Identity
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.runtime_folder import runtime_folder
from jupyter_mlinfra.jobs import Jobs, JobSpec
from jupyter_mlinfra.jobs.dispatch import Dispatch
from jupyter_mlinfra.jobs.local.registry import SupervisorRegistry
from jupyter_mlinfra.jobs.queue.retention import Retention
from jupyter_mlinfra.jobs.queue.store import JobStore
from jupyter_mlinfra.jobs.remote.client import (
    SILENT_SECONDS,
    FollowerControl,
    follower_path,
)
from jupyter_mlinfra.jobs.remote.slurm.commands import ANSWER_SECONDS


def _stop(jobs: Jobs, tools: Any) -> int:
    pid = jobs.start().pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    tools.until(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    return pid


def test_a_stopped_supervisor_is_said_where_its_jobs_are_shown_and_they_go_on_with_it(
    jobs: Jobs, tools: Any
) -> None:
    assert jobs.start().trouble == ""
    pid = _stop(jobs, tools)
    job = jobs.submit(JobSpec(command=["true"]))
    words = (
        f"The job supervisor (process {pid}) is suspended. It continues after `kill -CONT {pid}`."
    )
    assert [
        jobs.supervisor().trouble,
        jobs.show(job.id).reason,
        jobs.list().items[0].reason,
        jobs.queue().items[0].job.reason,
    ] == [words] * 4
    os.kill(pid, signal.SIGCONT)
    assert jobs.wait([job.id], timeout=tools.wait)[0].state == "succeeded"
    assert (jobs.supervisor().pid, jobs.supervisor().trouble) == (pid, "")


def test_a_list_asks_once_of_each_backend_who_sees_to_its_jobs(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[str]()
    monkeypatch.setattr(Dispatch, "start", lambda *_: None)
    ids = [jobs.submit(JobSpec(command=["true"])).id for _ in range(5)]
    monkeypatch.setattr(
        Dispatch, "trouble", lambda self, backend: asked.append(backend) or f"{backend} is stopped."
    )
    for found in (
        lambda: jobs.list().items,
        lambda: [item.job for item in jobs.queue().items],
        lambda: jobs.wait(ids, timeout=0),
    ):
        assert [job.reason for job in found()] == ["local is stopped."] * 5
        assert asked == ["local"]
        asked.clear()


def test_a_stopped_supervisor_ends_at_once(jobs: Jobs, tools: Any) -> None:
    pid = _stop(jobs, tools)
    began = time.monotonic()
    assert jobs.stop().pid is None
    assert time.monotonic() - began < control.END_SECONDS / 2  # by SIGTERM, not by SIGKILL
    assert Identity.of(pid) is None


def test_a_start_replaces_a_stopped_supervisor_and_its_jobs_go_on(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    job = jobs.submit(
        JobSpec(command=["sh", "-c", "while [ ! -e go ]; do sleep 0.02; done; exit 4"])
    )
    tools.until(lambda: jobs.show(job.id).state == "running")
    old = _stop(jobs, tools)
    new = jobs.start()
    assert new.pid not in (None, old)
    assert new.trouble == ""
    (project.root / "go").touch()
    ended = jobs.wait([job.id], timeout=tools.wait)[0]
    assert (ended.state, ended.exit_code, ended.attempt) == ("failed", 4, 1)


def test_a_submit_replaces_a_supervisor_that_hangs(
    jobs: Jobs, project: Project, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = jobs.start().pid
    entry = SupervisorRegistry(project.database).read()
    assert entry is not None
    monkeypatch.setattr(control, "_silence", lambda _: 1e6)  # as if the last beat were long ago
    assert "has not moved for" in jobs.supervisor().trouble
    job = jobs.submit(JobSpec(command=["true"]))
    monkeypatch.undo()
    assert jobs.wait([job.id], timeout=tools.wait)[0].state == "succeeded"
    assert jobs.supervisor().pid != old


def test_the_heart_beats_while_it_sleeps_and_only_then_are_small_things_done(
    project: Project,
) -> None:
    done = list[float]()
    with opened(project.home / "test.sock") as wakeups:
        before = int(beat_path(wakeups.path).read_text())
        assert not wakeups.wait(
            0.3, meanwhile=lambda: done.append(time.monotonic()) is None, every=0.1
        ).early
        assert int(beat_path(wakeups.path).read_text()) - before > 0.25e9
        assert len(done) in (1, 2, 3, 4)
        assert not wakeups.wait(
            60, meanwhile=lambda: False, every=0.01
        ).early  # what it looks after is gone: it wakes up
    assert not beat_path(wakeups.path).exists()


def test_a_socket_that_cannot_be_opened_again_is_tried_until_it_can(tmp_path: Path) -> None:
    """As when memory is full while the folder of the sockets was removed."""
    folder = tmp_path / "run"
    with opened(folder / "test.sock") as wakeups:
        shutil.rmtree(folder)
        folder.write_text("in its place")
        os.kill(os.getpid(), signal.SIGHUP)
        for _ in range(2):
            with pytest.raises(OSError, match="run"):
                wakeups.wait(5)
        folder.unlink()
        wakeups.wait(0.01)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"!", str(wakeups.path))
        assert wakeups.wait(5).early


@contextmanager
def opened(path: Path) -> Iterator[Wakeups]:
    wakeups = Wakeups(path)
    wakeups.open()
    try:
        yield wakeups
    finally:
        wakeups.close()
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.set_wakeup_fd(-1)


@pytest.mark.parametrize(
    ("silent", "hangs"), [(2 * ANSWER_SECONDS, False), (SILENT_SECONDS + 60, True)]
)
def test_a_follower_whose_cluster_answers_slowly_does_not_hang(
    project: Project, silent: float, hangs: bool
) -> None:
    own, beat = Identity.of(os.getpid()), beat_path(runtime_folder(project.home) / "slurm.sock")
    assert own is not None
    FileRegistry(follower_path(project.home, "slurm")).write(
        Registration(process=own, socket=str(beat.with_suffix(".sock")), settings="")
    )
    beat.write_text(str(time.monotonic_ns() - int(silent * 1e9)))
    assert ("has not moved for" in FollowerControl(project, "slurm").trouble()) is hangs


def test_the_heart_beats_at_each_step_of_tidying(jobs: Jobs, project: Project) -> None:
    beats, home = list[int](), project.home / "snapshots"
    for number in range(3):
        (home / "trees" / f"{number}").mkdir(parents=True)
        for name in (f"manifests/{number}.json", f"objects/ab/{number}"):
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_text("{")
    Retention(JobStore(project.database), project.root, project.home).tidy(lambda: beats.append(1))
    assert len(beats) == 3 + 2 * 3 + 3


def test_without_a_heartbeat_nothing_is_said(project: Project) -> None:
    own = Identity.of(os.getpid())
    assert own is not None
    FileRegistry(follower_path(project.home, "slurm")).write(
        Registration(
            process=own, socket=str(runtime_folder(project.home) / "none.sock"), settings=""
        )
    )
    assert FollowerControl(project, "slurm").trouble() == ""
