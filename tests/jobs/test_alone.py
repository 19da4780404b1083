"""What is wrong with one job is nothing to the others: the supervisor goes on, and each of them
ends as it should.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Job, Jobs, JobSpec
from jupyter_mlinfra.jobs.attempt.files import Attempt
from jupyter_mlinfra.jobs.backends.launch import Place, spawn
from jupyter_mlinfra.jobs.local.client import Config
from jupyter_mlinfra.jobs.local.running import Live
from jupyter_mlinfra.jobs.queue.inserting import Accepted
from jupyter_mlinfra.jobs.queue.rows import Launch
from jupyter_mlinfra.jobs.queue.store import JobStore

ODD = [
    '{"fraction": 0.5, "text": "caf\\udce9.csv"}',
    '{"fraction": 1' + "0" * 400 + "}",
    "[" * 9000,
]
FAULTS = """
import sys
import jupyter_mlinfra.jobs.local.supervisor as s
from jupyter_mlinfra.jobs.backends import launch
from jupyter_mlinfra.jobs.local import prestarted as ready
judge, look, prepare, find = s.judge, s.Live.look, launch.prepare, s.find
def bad_judge(ended, **more):
    return judge(ended, **more) if ended.code != 42 else 1 / 0
def bad_look(live, *words, **more):
    return look(live, *words, **more) if live.entry.job.name != "unseen" else 1 / 0
def bad_prepare(entry, *more):
    return prepare(entry, *more) if entry.job.name != "unstarted" else 1 / 0
def bad_find(entry, home):
    return find(entry, home) if entry.job.name != "unfound" else 1 / 0
s.judge, s.Live.look, s.find, s.LATER_SECONDS = bad_judge, bad_look, bad_find, 0.2
launch.prepare = ready.prepare = bad_prepare
"""


@pytest.fixture
def faulty(
    jobs: Jobs, project: Project, tools: Any
) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts a supervisor that fails in one of four ways with jobs of certain names, or of a
    certain exit code.
    """
    started = []

    def start() -> subprocess.Popen[str]:
        code = (
            f"{FAULTS}\nsys.argv[1:] = [{Config.of(Project.open(project.root)).dump()!r}]\ns.main()"
        )
        jobs.counts()  # makes the database, and heals nothing
        process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
        started.append(process)
        tools.until(lambda: jobs.supervisor().pid == process.pid)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()


@pytest.mark.parametrize(
    "text", ODD, ids=["half a character", "a huge number", "nested beyond measure"]
)
def test_odd_progress_of_one_job_ends_neither_it_nor_the_supervisor(
    text: str, run: Callable[..., Job], jobs: Jobs
) -> None:
    pid = jobs.start().pid
    job = run(
        sys.executable,
        "-c",
        f"import os; open(os.environ['MLINFRA_PROGRESS'], 'w').write({text!r}); raise"
        " SystemExit(3)",
    )
    assert (job.state, job.exit_code) == ("failed", 3)
    assert run("true").state == "succeeded"
    assert jobs.supervisor().pid == pid


def test_a_time_limit_of_months_is_kept_and_one_that_is_no_number_refused(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    pid = jobs.start().pid
    for minutes in (60_000.0, 1e7, 1e308):
        job = jobs.submit(
            JobSpec(
                command=["sh", "-c", "while [ ! -e go ]; do sleep 0.02; done"],
                time_limit_minutes=minutes,
                cpus=0,
            )
        )
        tools.until(lambda: jobs.show(job.id).state == "running")  # noqa: B023
    (project.root / "go").touch()
    assert {
        job.state for job in jobs.wait([job.id for job in jobs.list().items], timeout=tools.wait)
    } == {"succeeded"}
    assert jobs.supervisor().pid == pid
    with pytest.raises(BadRequest, match="nan is not a number above 0"):
        jobs.submit(JobSpec(command=["true"], time_limit_minutes=float("nan")))


def test_a_fault_with_one_job_fails_or_parks_it_alone(
    faulty: Callable[[], subprocess.Popen[str]], jobs: Jobs, project: Project, tools: Any
) -> None:
    supervisor = faulty()
    unseen = jobs.submit(JobSpec(command=tools.sleep, name="unseen", cpus=0))
    unstarted = jobs.submit(JobSpec(command=["true"], name="unstarted", cpus=0))
    unjudged = jobs.submit(JobSpec(command=["sh", "-c", "exit 42"], cpus=0))
    tools.until(lambda: jobs.show(unseen.id).state == "running")
    other = jobs.submit(JobSpec(command=["sh", "-c", "exit 5"]))
    ended = {
        job.id: job for job in jobs.wait([unstarted.id, unjudged.id, other.id], timeout=tools.wait)
    }
    assert (ended[other.id].state, ended[other.id].exit_code) == ("failed", 5)
    assert (ended[unstarted.id].state, ended[unstarted.id].reason[:48]) == (
        "failed",
        "It could not be started: ZeroDivisionError: divi",
    )
    assert (ended[unjudged.id].state, ended[unjudged.id].reason[:53]) == (
        "failed",
        "How it ended could not be judged: ZeroDivisionError: ",
    )
    assert jobs.show(unseen.id).state == "running"
    assert supervisor.poll() is None
    supervisor.terminate()
    said = supervisor.communicate()[1]
    assert said.count(f"job {unseen.id} is set aside") == 1, "not at every turn"
    assert "in bad_look" in said
    assert "in bad_judge" in said


def test_a_job_that_cannot_be_adopted_keeps_what_it_holds_and_stops_no_other(
    faulty: Callable[[], subprocess.Popen[str]], jobs: Jobs, project: Project, tools: Any
) -> None:
    job = jobs.submit(JobSpec(command=tools.sleep, name="unfound"))
    tools.until(lambda: jobs.show(job.id).state == "running")
    tools.kill_supervisor(jobs)
    faulty()
    small, large = (
        jobs.submit(JobSpec(command=["true"])),
        jobs.submit(JobSpec(command=["true"], cpus=2)),
    )
    assert jobs.wait([small.id], timeout=tools.wait)[0].state == "succeeded"
    tools.until(
        lambda: jobs.show(large.id).reason == f"Needs 2 CPUs, 1 is free; held by job {job.id}."
    )
    tools.kill_supervisor(jobs)
    jobs.cancel(job.id)
    ended = jobs.wait([job.id, large.id], timeout=tools.wait)
    assert [one.state for one in ended] == ["cancelled", "succeeded"]


def test_a_job_whose_claim_found_the_disk_full_is_tried_again(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    store = JobStore(project.database)
    launch = Launch(
        folder=str(project.root),
        command=["sh", "-c", "echo x >> count"],
        python=sys.executable,
        environment="",
    )
    job = store.insert(
        JobSpec(command=launch.command),
        Accepted(name="x", launch=launch, snapshot=None, backend="local", user="ana"),
    )
    claim = project.home / "jobs" / job.id / "1" / "claim"
    claim.parent.mkdir(parents=True)
    claim.touch()  # what creates the file and cannot write into it leaves behind
    jobs.start()
    ended = jobs.wait([job.id], timeout=tools.wait)[0]
    assert (ended.state, ended.attempt, tools.lines(project.root / "count")) == (
        "succeeded",
        2,
        ["x"],
    )


def test_a_start_on_a_full_disk_is_known_never_to_have_begun(
    jobs: Jobs, project: Project, tmp_path: Path
) -> None:
    place = tmp_path / "home"
    place.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], capture_output=True, check=False
    ).returncode:
        pytest.skip("needs the right to mount a tmpfs; run as root")
    try:
        store = JobStore(project.database)
        launch = Launch(
            folder=str(project.root),
            command=["touch", "ran"],
            python=sys.executable,
            environment="",
        )
        job = store.insert(
            JobSpec(command=launch.command),
            Accepted(name="x", launch=launch, snapshot=None, backend="local", user="ana"),
        )
        entry = store.starting(job.id, token="t", gpu_ids=[])
        with (
            pytest.raises(OSError, match="No space left"),
            open(place / "filler", "wb", buffering=0) as file,
        ):
            while True:
                file.write(bytes(4096))
        pid = spawn(entry, Place(root=project.root, home=place))
        live = Live(
            entry=entry,
            attempt=Attempt.of(place, job.id, 1),
            wrapper=None,
            status=os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]),
        )
        assert live.never_began()
        assert not (project.root / "ran").exists()
    finally:
        subprocess.run(["umount", place], check=True)
