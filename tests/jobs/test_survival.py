"""kill -9 of everything at the worst moments: each job runs once, and ends with its own exit
code.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import sqlite3
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from jupyter_mlinfra.core.errors import Unavailable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.runtime_folder import runtime_folder
from jupyter_mlinfra.jobs import Jobs, JobSpec

COUNTED = "echo x >> count; while [ ! -e go ]; do sleep 0.02; done; echo done >> count; exit 7"
SUBMIT = f"jobs.submit(JobSpec(command=['sh', '-c', {COUNTED!r}]))"


def test_kill_9_of_the_supervisor_during_a_job_changes_nothing_for_the_job(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    job = jobs.submit(JobSpec(command=["sh", "-c", COUNTED]))
    tools.until(
        lambda: tools.lines(project.root / "count") and jobs.show(job.id).state == "running"
    )
    old = tools.kill_supervisor(jobs)
    assert jobs.list().items[0].state == "running"  # not watched for a moment is not failed
    jobs.heal()
    new = jobs.supervisor().pid
    (project.root / "go").touch()
    ended = jobs.wait([job.id], timeout=tools.wait)[0]
    assert new not in (None, old)
    assert (ended.state, ended.exit_code, ended.attempt) == ("failed", 7, 1)
    assert tools.lines(project.root / "count") == ["x", "done"]


def test_the_exit_code_of_a_job_that_ended_while_nobody_watched_is_found(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    job = jobs.submit(JobSpec(command=["sh", "-c", COUNTED]))
    tools.until(lambda: tools.lines(project.root / "count"))
    tools.kill_supervisor(jobs)
    (project.root / "go").touch()
    tools.until(lambda: len(tools.lines(project.root / "count")) == 2)
    tools.until(lambda: not tools.processes_of(project.root))
    ended = jobs.wait([job.id], timeout=tools.wait)[0]
    assert (ended.state, ended.exit_code, ended.attempt) == ("failed", 7, 1)
    assert ended.started_at is not None
    assert tools.lines(project.root / "count") == ["x", "done"]


def test_gpus_of_an_adopted_job_stay_its_own(gpu_jobs: Jobs, tools: Any) -> None:
    first = gpu_jobs.submit(JobSpec(command=tools.sleep, gpus=2))
    tools.until(lambda: gpu_jobs.show(first.id).state == "running")
    tools.kill_supervisor(gpu_jobs)
    second = gpu_jobs.submit(JobSpec(command=["true"], gpus=1))
    reason = tools.until(lambda: "GPU" in (seen := gpu_jobs.show(second.id)).reason and seen.reason)
    assert (
        reason
        == f"Needs 1 GPU, none is free; GPU 0 is held by job {first.id}, GPU 1 is held by job"
        f" {first.id}."
    )


def test_a_submit_starts_a_supervisor_although_the_socket_of_the_killed_one_is_still_open(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    """A child that it had begun to start holds it until the child's program runs."""
    jobs.start()
    tools.kill_supervisor(jobs)
    path = runtime_folder(project.home) / "supervisor.sock"
    path.unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        job = jobs.submit(JobSpec(command=["true"]))
        tools.until(lambda: jobs.show(job.id).state == "succeeded")


def test_a_copy_of_a_project_has_a_supervisor_of_its_own(
    jobs: Jobs, project: Project, tools: Any, tmp_path: Path
) -> None:
    first = jobs.submit(JobSpec(command=tools.sleep))
    tools.until(lambda: jobs.show(first.id).state == "running")
    watching = jobs.supervisor().pid
    shutil.copytree(project.root, tmp_path / "copy")
    copy = Jobs(Project.open(tmp_path / "copy"))
    try:
        job = copy.submit(JobSpec(command=["true"]))
        tools.until(lambda: copy.show(job.id).state == "succeeded")
        assert copy.supervisor().pid not in (None, watching)
        assert jobs.supervisor().pid == watching
        assert jobs.show(first.id).state == "running"
        copy.stop()
        copy.heal()
        assert copy.supervisor().pid is None  # what a user stopped stays so, in a copy too
    finally:
        copy.stop()


@pytest.mark.parametrize(
    "point", ["submitted", "starting", "spawned", "running", "ended", "settled"]
)
def test_no_job_is_lost_or_doubled_whatever_dies_at(
    point: str, jobs: Jobs, project: Project, tools: Any, submitter: Any
) -> None:
    if point == "submitted":
        done = submitter(SUBMIT, fail=point)
        assert done.returncode == -signal.SIGKILL
    else:
        # The supervisor inherits the failpoint from whoever starts it, and dies there with its
        # first job.
        assert submitter("jobs.start()", fail=point).returncode == 0
        pid = jobs.supervisor().pid
        assert pid is not None
        (project.root / "go").touch()
        submitter(SUBMIT)
        tools.until(
            lambda: (
                not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
            )
        )
    (project.root / "go").touch()
    ids = [job.id for job in jobs.list().items]
    ended = jobs.wait(ids, timeout=tools.wait)
    assert [(job.state, job.exit_code, job.attempt) for job in ended] == [("failed", 7, 1)]
    assert tools.lines(project.root / "count") == ["x", "done"]


def test_an_attempt_is_taken_once_even_if_it_is_started_twice(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    """The claim: what no look at the processes can rule out, a second wrapper finds out by
    itself.
    """
    from jupyter_mlinfra.jobs.backends.launch import Place, spawn
    from jupyter_mlinfra.jobs.queue.store import JobStore

    job = jobs.submit(JobSpec(command=["sh", "-c", COUNTED]))
    tools.until(lambda: tools.lines(project.root / "count"))
    entry = JobStore(project.database).entry(job.id)
    pid = spawn(entry, Place(root=project.root, home=project.home))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 113
    (project.root / "go").touch()
    assert jobs.wait([job.id], timeout=tools.wait)[0].exit_code == 7
    assert tools.lines(project.root / "count") == ["x", "done"]


def test_the_death_of_whoever_submitted_is_nothing_to_the_job(
    jobs: Jobs, project: Project, tools: Any, submitter: Any
) -> None:
    assert submitter(SUBMIT, kill_after=True).returncode == -signal.SIGKILL
    tools.until(lambda: tools.lines(project.root / "count"))
    (project.root / "go").touch()
    job = jobs.list().items[0]
    assert jobs.wait([job.id], timeout=tools.wait)[0].exit_code == 7
    assert tools.lines(project.root / "count") == ["x", "done"]


def test_a_job_whose_wrapper_was_killed_goes_on_and_is_lost_only_when_it_has_ended(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    job = jobs.submit(JobSpec(command=["sh", "-c", COUNTED]))
    tools.until(lambda: tools.lines(project.root / "count"))
    wrapper = int((project.home / "jobs" / job.id / "1" / "claim").read_text())
    os.kill(wrapper, signal.SIGKILL)
    seen = tools.until(lambda: (now := jobs.show(job.id)).reason and now)
    assert (seen.state, seen.reason) == (
        "running",
        "Still runs, but the process that would store its exit code was killed.",
    )
    (project.root / "go").touch()
    ended = jobs.wait([job.id], timeout=tools.wait)[0]
    assert (ended.state, ended.exit_code) == ("lost", None)
    assert "not known" in ended.reason
    assert tools.lines(project.root / "count") == ["x", "done"]


def test_after_the_death_of_wrapper_and_job_a_job_with_retries_is_started_again(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    job = jobs.submit(JobSpec(command=["sh", "-c", COUNTED], retries=1))
    tools.until(lambda: tools.lines(project.root / "count"))
    tools.kill_workers(project.root)
    (project.root / "go").touch()
    ended = jobs.wait([job.id], timeout=tools.wait)[0]
    assert (ended.state, ended.exit_code, ended.attempt) == ("failed", 7, 2)
    assert tools.lines(project.root / "count") == ["x", "x", "done"]


@pytest.mark.parametrize(("retries", "state", "attempt"), [(0, "lost", 1), (1, "succeeded", 2)])
def test_after_a_restart_of_the_machine_a_running_job_is_lost_or_tried_again(
    retries: int, state: str, attempt: int, jobs: Jobs, project: Project, tools: Any
) -> None:
    job = jobs.submit(
        JobSpec(
            command=["sh", "-c", "echo x >> count; [ -e go ] || exec sleep 600"], retries=retries
        )
    )
    tools.until(
        lambda: jobs.show(job.id).state == "running" and tools.lines(project.root / "count")
    )
    pid = tools.kill_supervisor(jobs)
    tools.kill_workers(project.root)
    (project.root / "go").touch()
    with sqlite3.connect(
        project.home / "state.db"
    ) as connection:  # as an earlier boot would have left it
        connection.execute("UPDATE job SET boot = 'before'")
        connection.execute("UPDATE supervisor SET boot = 'before', pid = 1")
    connection.close()
    ended = jobs.wait([job.id], timeout=tools.wait)[0]
    assert (ended.state, ended.attempt) == (state, attempt)
    assert jobs.supervisor().pid != pid
    assert state != "lost" or ended.reason == "The machine restarted while it ran."


def test_a_stranger_with_the_pid_of_a_job_is_left_alone(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    stranger = psutil.Popen(tools.sleep)
    try:
        job = jobs.submit(JobSpec(command=tools.sleep))
        tools.until(lambda: jobs.show(job.id).state == "running")
        tools.kill_supervisor(jobs)
        tools.kill_workers(project.root)
        with sqlite3.connect(project.home / "state.db") as connection:
            connection.execute("UPDATE job SET pid = ?", (stranger.pid,))
        connection.close()
        (project.home / "jobs" / job.id / "1" / "claim").write_text(f"{stranger.pid}\n")
        jobs.cancel(job.id)
        assert jobs.wait([job.id], timeout=tools.wait)[0].state in ("lost", "cancelled")
        assert stranger.is_running()
        assert stranger.status() != psutil.STATUS_ZOMBIE
    finally:
        stranger.kill()
        stranger.wait()


def test_a_database_that_is_locked_for_a_while_loses_nothing(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    job = jobs.submit(JobSpec(command=["sh", "-c", COUNTED]))
    tools.until(lambda: tools.lines(project.root / "count"))
    connection = sqlite3.connect(project.home / "state.db", isolation_level=None)
    supervisor = psutil.Process(jobs.supervisor().pid)
    connection.execute("BEGIN EXCLUSIVE")
    begun = supervisor.num_ctx_switches().voluntary
    (project.root / "go").touch()
    tools.until((project.home / "jobs" / job.id / "1" / "exit").exists)
    # It has heard of the end and cannot write it down.
    tools.until(lambda: supervisor.num_ctx_switches().voluntary >= begun + 5)
    connection.execute("ROLLBACK")
    connection.close()
    ended = jobs.wait([job.id], timeout=tools.wait)[0]
    assert (ended.state, ended.exit_code) == ("failed", 7)


def test_a_supervisor_that_cannot_start_is_an_error_that_shows_its_log_and_the_job_waits(
    jobs: Jobs, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlinfra.core.daemons import control

    spawn = control.spawn_detached
    monkeypatch.setattr(control, "START_SECONDS", 1.0)
    monkeypatch.setattr(
        control, "spawn_detached", lambda _, *words, **more: spawn("no_such_module", *words, **more)
    )
    job = jobs.submit(JobSpec(command=["true"]))
    assert job.state == "queued"
    waiting = jobs.show(job.id)
    assert (waiting.state, waiting.reason[:39]) == (
        "queued",
        "Waits: The job supervisor did not start",
    )
    with pytest.raises(Unavailable, match="No module named no_such_module"):
        jobs.start()
    monkeypatch.undo()
    monkeypatch.chdir(project.root)
    assert jobs.wait([job.id], timeout=60)[0].state == "succeeded"


def test_a_supervisor_that_nothing_ends_is_an_error_and_no_endless_wait(
    jobs: Jobs, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlinfra.core.daemons import control
    from jupyter_mlinfra.core.processes import Identity

    pid = jobs.start().pid
    sent = list[int]()
    monkeypatch.setattr(control, "END_SECONDS", 0.05)
    # As a process in uninterruptible sleep takes them.
    monkeypatch.setattr(Identity, "signal", lambda _, number: sent.append(number))
    with pytest.raises(Unavailable, match=f"Process {pid} was killed and is still there"):
        jobs.stop()
    assert sent == [signal.SIGTERM, signal.SIGKILL]


def test_random_kills_of_the_supervisor_lose_and_double_nothing(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    rng, expected, kills = random.Random(20131225), dict[str, int](), 0
    jobs.start()
    while kills < 15:
        for _ in range(rng.randint(1, 3)):
            code, seconds = rng.choice([0, 1, 7]), rng.choice([0, 0, 0.02, 0.1])
            job = jobs.submit(
                JobSpec(
                    command=[
                        "sh",
                        "-c",
                        f'echo "$MLINFRA_JOB" >> runs; sleep {seconds}; exit {code}',
                    ]
                )
            )
            expected[job.id] = code
        time.sleep(rng.random() * 0.03)
        pid = jobs.supervisor().pid
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            kills += 1
    ended = jobs.wait(expected, timeout=tools.wait)
    assert {job.id: (job.exit_code, job.attempt) for job in ended} == {
        job: (code, 1) for job, code in expected.items()
    }
    assert sorted(tools.lines(project.root / "runs")) == sorted(expected)
