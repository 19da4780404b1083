"""Full and read-only disks: a clear error, nothing half-written, and work goes on when there is
room again.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import Unavailable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Job, Jobs, JobSpec

SUBMIT = (
    "import sys\nfrom jupyter_mlinfra.core.errors import MLInfraError\nfrom"
    " jupyter_mlinfra.core.project import Project\nfrom jupyter_mlinfra.jobs import Jobs,"
    " JobSpec\nspec = JobSpec(notebook='n.ipynb') if sys.argv[1] == 'notebook' else"
    " JobSpec(command=['true'])\ntry:\n    Jobs(Project.open()).submit(spec)\nexcept MLInfraError"
    " as error:\n    print(error.code, '|', error.what, '|', error.why, '|', error.fix)\n"
)


def _no_room() -> None:
    """What a write finds on a full disk, for this process alone: files cannot grow past a few
    bytes.
    """
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))


def _no_privilege() -> None:
    """Root obeys the permissions of files like anybody else from the next exec on."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP; refused to others, who need it not


def _submit(project: Project, kind: str, prepare: Callable[[], None]) -> str:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SUBMIT, kind],
        cwd=project.root,
        env=environment,
        preexec_fn=prepare,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("kind", ["notebook", "command"])
def test_a_full_disk_refuses_the_job_and_the_next_one_is_accepted(
    kind: str, jobs: Jobs, project: Project, tools: Any
) -> None:
    tools.write_notebook(project.root / "n.ipynb", tools.cell("x = 1"))
    jobs.start()
    text = _submit(project, kind, _no_room)
    assert text.startswith("unavailable | ")
    assert jobs.list().total == 0
    assert (
        jobs.wait([jobs.submit(JobSpec(command=["true"])).id], timeout=tools.wait)[0].state
        == "succeeded"
    )


@pytest.mark.parametrize("kind", ["notebook", "command"])
def test_a_read_only_state_folder_refuses_the_job_and_says_how_to_mend_it(
    kind: str, jobs: Jobs, project: Project, tools: Any
) -> None:
    tools.write_notebook(project.root / "n.ipynb", tools.cell("x = 1"))
    jobs.start()
    jobs.stop()
    jobs.submit(JobSpec(command=["true"]))
    jobs.wait([job.id for job in jobs.list().items], timeout=tools.wait)
    jobs.stop()
    project.database.close()
    paths = [project.home, *project.home.rglob("*")]
    for path in paths:
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        text = _submit(project, kind, _no_privilege)
    finally:
        for path in paths:
            path.chmod(path.stat().st_mode | 0o200)
    assert text.startswith("unavailable | ")
    assert "writ" in text
    assert jobs.list().total == 1


STUBBORN = (
    sys.executable,
    "-c",
    (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open('deaf', 'x');"
        " time.sleep(600)"
    ),
)


@pytest.fixture
def full(small_disk: Any, jobs: Jobs, project: Project, tools: Any) -> tuple[Any, list[Job]]:
    """A disk without a page left under two jobs that run, one of which ignores SIGTERM."""
    disk = small_disk(4)
    running = [
        jobs.submit(JobSpec(command=command, retries=1)) for command in (tools.sleep, STUBBORN)
    ]
    tools.until(lambda: jobs.counts()["running"] == 2 and (project.root / "deaf").exists())
    disk.fill()
    return disk, running


def test_a_job_is_cancelled_on_a_full_disk_and_known_as_cancelled_when_there_is_room(
    full: Any, jobs: Jobs, project: Project, tools: Any
) -> None:
    disk, running = full
    for job in running:
        assert "cancelled by ana" in jobs.cancel(job.id).reason
    tools.until(lambda: not tools.processes_of(project.root, supervisor=False))
    assert jobs.supervisor().pid
    disk.free()
    ended = jobs.wait([job.id for job in running], timeout=tools.wait)
    assert [(job.state, job.reason, job.attempt) for job in ended] == [
        ("cancelled", "Cancelled by ana.", 1)
    ] * 2


def test_a_stop_on_a_full_disk_leaves_no_process_and_says_what_is_not_written(
    full: Any, jobs: Jobs, project: Project, tools: Any
) -> None:
    disk, running = full
    with pytest.raises(Unavailable) as caught:
        jobs.stop(cancel_running=True)
    assert "cannot grow" in str(caught.value)
    assert "Free some space" in caught.value.fix
    assert tools.processes_of(project.root) == []
    disk.free()
    jobs.start()  # another supervisor, that knows only what was left for it
    ended = jobs.wait([job.id for job in running], timeout=tools.wait)
    assert [(job.state, job.reason, job.attempt) for job in ended] == [
        ("cancelled", "Cancelled by ana.", 1)
    ] * 2


def test_a_job_without_a_supervisor_is_cancelled_on_a_full_disk(
    full: Any, jobs: Jobs, project: Project, tools: Any
) -> None:
    disk, running = full
    tools.kill_supervisor(jobs)
    for job in running:
        jobs.cancel(job.id)
    tools.until(lambda: not tools.processes_of(project.root, supervisor=False))
    disk.free()
    jobs.start()
    assert {job.state for job in jobs.wait([job.id for job in running], timeout=tools.wait)} == {
        "cancelled"
    }


def test_a_supervisor_is_not_waited_for_where_it_could_not_tell_that_it_runs(
    small_disk: Any, jobs: Jobs, project: Project, tools: Any
) -> None:
    disk = small_disk(4)
    jobs.counts()  # the state database is there
    disk.fill()
    with pytest.raises(Unavailable, match="cannot be started") as caught:
        jobs.start()
    assert (caught.value.why, caught.value.fix.startswith("Free some space")) == (
        "The disk is full.",
        True,
    )
    assert tools.processes_of(project.root) == []
    disk.free()
    assert jobs.start().pid


def test_the_exit_code_is_known_even_if_it_could_not_be_written(run: Callable[..., Job]) -> None:
    # Where the wrapper would write it.
    job = run("sh", "-c", 'mkdir "$(dirname "$MLINFRA_PROGRESS")/exit"; exit 6')
    assert (job.state, job.exit_code) == ("failed", 6)
