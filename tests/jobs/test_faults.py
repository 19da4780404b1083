"""Full and read-only disks: a clear error, nothing half-written, and work goes on when there is room again."""

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

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Job, Jobs, JobSpec

SUBMIT = (
    "import sys\nfrom jupyter_mlinfra.core.errors import MLInfraError\nfrom jupyter_mlinfra.core.project import Project\n"
    "from jupyter_mlinfra.jobs import Jobs, JobSpec\n"
    "spec = JobSpec(notebook='n.ipynb') if sys.argv[1] == 'notebook' else JobSpec(command=['true'])\ntry:\n    Jobs(Project.open()).submit(spec)\n"
    "except MLInfraError as error:\n    print(error.code, '|', error.what, '|', error.why, '|', error.fix)\n"
)


def _no_room() -> None:
    """What a write finds on a full disk, for this process alone: files cannot grow past a few bytes."""
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
def test_a_full_disk_refuses_the_job_and_the_next_one_is_accepted(kind: str, jobs: Jobs, project: Project, tools: Any) -> None:
    tools.write_notebook(project.root / "n.ipynb", tools.cell("x = 1"))
    jobs.start()
    text = _submit(project, kind, _no_room)
    assert text.startswith("unavailable | ")
    assert jobs.list().total == 0
    assert jobs.wait([jobs.submit(JobSpec(command=["true"])).id], timeout=tools.wait)[0].state == "succeeded"


@pytest.mark.parametrize("kind", ["notebook", "command"])
def test_a_read_only_state_folder_refuses_the_job_and_says_how_to_mend_it(kind: str, jobs: Jobs, project: Project, tools: Any) -> None:
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


def test_the_exit_code_is_known_even_if_it_could_not_be_written(run: Callable[..., Job]) -> None:
    job = run("sh", "-c", 'mkdir "$(dirname "$MLINFRA_PROGRESS")/exit"; exit 6')  # where the wrapper would write it
    assert (job.state, job.exit_code) == ("failed", 6)
