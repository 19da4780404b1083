"""Of a project whose state was removed nothing comes back: whoever was about to do something for it
ends there, whether daemon, start of a job, or job that goes on.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import MLInfraError, Unavailable
from jupyter_mlinfra.core.processes import spawn_detached
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.variables import CHECKPOINTS, PROGRESS
from jupyter_mlinfra.jobs import Jobs, JobSpec
from jupyter_mlinfra.jobs.attempt.files import Attempt, NotebookTask
from jupyter_mlinfra.jobs.backends.launch import Place, prepare
from jupyter_mlinfra.jobs.code.snapshot import Snapshots
from jupyter_mlinfra.jobs.local.client import Config
from jupyter_mlinfra.jobs.queue.store import JobStore
from jupyter_mlinfra.training import checkpoints


def remove(project: Project) -> None:
    """In one step: who works there may make a file in a folder that is being emptied."""
    project.home.rename(project.root / "gone")
    shutil.rmtree(project.root / "gone")


def tidy(place: Place) -> None:
    """What a supervisor does after its first round."""
    Snapshots(place.root, place.home, max_mib=0).prune(running=(), known=(), beat=lambda: None)


def freeze(place: Place) -> None:
    """What a submit does with the code."""
    (place.root / "train.py").write_text("print(1)")
    Snapshots(place.root, place.home, max_mib=1).take([])


def write_task(place: Place) -> None:
    task = NotebookTask(source="n", shown="n", output="n", parameters={}, code="")
    task.write(Attempt.of(place.home, "7f", 1).notebook)


def start_process(place: Place) -> None:
    spawn_detached("this", [], log=place.home / "logs" / "supervisor.log")


@pytest.mark.parametrize("step", [tidy, freeze, write_task, start_process])
def test_a_step_that_was_about_to_begin_makes_nothing(
    step: Callable[[Place], None], project: Project
) -> None:
    place = Place(root=project.root, home=project.home)
    remove(project)
    with contextlib.suppress(MLInfraError, OSError):
        step(place)
    assert not place.home.exists()


def test_a_job_that_was_about_to_start_makes_nothing(jobs: Jobs, project: Project) -> None:
    entry = JobStore(project.database).entry(jobs.submit(JobSpec(command=["true"])).id)
    entry = replace(entry, job=replace(entry.job, attempt=1))
    jobs.stop(cancel_running=True)
    remove(project)
    with pytest.raises(FileNotFoundError):
        prepare(entry, Place(root=project.root, home=project.home), {})
    assert not project.home.exists()


def test_a_supervisor_that_was_just_started_makes_nothing(jobs: Jobs, project: Project) -> None:
    config = Config.of(project).dump()
    remove(project)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "jupyter_mlinfra.jobs.local.supervisor", config],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "supervisor.lock" in done.stderr
    assert not project.home.exists()


def test_a_job_that_goes_on_makes_nothing_and_is_told_why(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    said = project.root / "said"
    code = (
        "import pathlib, time\n"
        "from jupyter_mlinfra.core.project import Project\n"
        "from jupyter_mlinfra.core.files import file_lock\n"
        "before = Project.open()\n"
        "before.events.emit('job', 'job:1')\n"
        "pathlib.Path('begun').touch()\n"
        "while before.home.exists(): time.sleep(0.01)\n"
        "words = []\n"
        "for act in (lambda: Project.open().home, lambda: before.folder('models'),\n"
        "            lambda: before.events.emit('job', 'job:2'),\n"
        "            lambda: file_lock(before.home / 'models.lock').__enter__()):\n"
        "    try: act()\n"
        "    except Exception as error: words.append(type(error).__name__)\n"
        f"pathlib.Path({str(said)!r}).write_text(' '.join(words))\n"
    )
    jobs.submit(JobSpec(command=[sys.executable, "-c", code]))
    tools.until((project.root / "begun").exists)
    remove(project)
    tools.until(lambda: said.exists() and said.read_text())
    assert said.read_text().split() == ["Unavailable"] * 4
    assert not project.home.exists()


def test_a_process_in_the_background_opens_no_state_that_is_gone(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = project.home
    remove(project)
    monkeypatch.setenv("MLINFRA_DETACHED", "1")
    with pytest.raises(Unavailable, match="is gone"):
        _ = Project.open(project.root).home
    assert not home.exists()
    monkeypatch.delenv("MLINFRA_DETACHED")
    assert Project.open(project.root).events.last_id() == 0  # a user begins anew


def test_a_training_that_goes_on_writes_no_checkpoint_into_a_state_that_is_gone(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = project.folder("jobs", "7f")
    monkeypatch.setenv(CHECKPOINTS, str(job / "checkpoints"))
    monkeypatch.setenv(PROGRESS, str(job / "1" / "progress.json"))
    assert checkpoints.begin(job / "checkpoints" / "second", 1).is_dir()
    remove(project)
    with pytest.raises(Unavailable):
        checkpoints.begin(job / "checkpoints" / "second", 2)
    assert not project.home.exists()
    own = project.root / "mine" / "checkpoints"
    monkeypatch.setenv(CHECKPOINTS, str(own))
    assert checkpoints.begin(own, 1).is_dir()


def test_the_environment_of_a_job_does_not_say_that_it_is_in_the_background(
    run: Callable[..., Any], jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLINFRA_DETACHED", "1")  # as in the driver of a pipeline
    job = run("sh", "-c", 'echo "[$MLINFRA_DETACHED]" >&2; test -z "$MLINFRA_DETACHED"')
    assert job.exit_code == 0
