"""A project's state is deleted while jobs wait: nothing of them is left in memory, and nobody works
on for it.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from jupyter_mlinfra.core.errors import BadRequest, Unavailable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.runtime_folder import runtime_folder
from jupyter_mlinfra.jobs import Jobs, JobSpec
from jupyter_mlinfra.jobs.attempt.environment import forget_deleted, keep


def environments(home: Path) -> list[Path]:
    return [path for path in runtime_folder(home).iterdir() if "environment" in path.name]


def test_a_supervisor_whose_state_is_deleted_while_jobs_run_and_wait_leaves_no_environment(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    for _ in range(3):  # on two CPUs: one waits
        jobs.submit(JobSpec(command=tools.sleep))
    tools.until(lambda: jobs.counts()["running"] == 2)
    assert environments(project.home)
    # In one step: who works there may make a file in a folder that is being emptied.
    project.home.rename(project.root / "gone")
    shutil.rmtree(project.root / "gone", ignore_errors=True)
    tools.until(lambda: not environments(project.home))
    tools.until(lambda: not any(map(_supervises, tools.processes_of(project.root))))
    assert len(tools.processes_of(project.root)) >= 2  # jobs that run go on
    assert not project.home.exists()


def test_a_supervisor_whose_database_is_damaged_is_ended(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    jobs.wait([jobs.submit(JobSpec(command=["true"])).id], timeout=tools.wait)
    pid = jobs.supervisor().pid
    with open(project.database.path, "r+b") as file:
        file.write(os.urandom(8192))
    with pytest.raises(Unavailable, match=rf"\(process {pid}\) was ended"):
        Jobs(Project.open(project.root)).stop(cancel_running=True)
    assert not any(map(_supervises, tools.processes_of(project.root)))


def _supervises(process: psutil.Process) -> bool:
    try:
        return "jupyter_mlinfra.jobs.local.supervisor" in process.cmdline()
    except psutil.Error:  # it has just ended
        return False


@pytest.fixture
def left(project: Project, tmp_path: Path) -> Iterator[Path]:
    """The state of another project, with an old environment of a job that waits. Its supervisor
    does not run.
    """
    home = tmp_path / "other" / ".mlinfra"
    home.mkdir(parents=True)
    folder = runtime_folder(home)
    _age(Path(keep({"A": "2"}, folder)))
    yield home
    shutil.rmtree(folder)


def _age(path: Path) -> None:
    os.utime(path, (time.time() - 7200,) * 2)


def _look_twice(project: Project, home: Path) -> None:
    """As supervisors of another project do, hours apart."""
    forget_deleted(runtime_folder(project.home))
    for mark in runtime_folder(home).glob("gone"):
        _age(mark)
    forget_deleted(runtime_folder(project.home))


def test_what_a_deleted_project_left_without_a_supervisor_goes_once_it_was_missed_for_an_hour(
    project: Project, left: Path
) -> None:
    kept, fresh = (
        Path(keep({"A": "1"}, runtime_folder(project.home))),
        Path(keep({"A": "3"}, runtime_folder(left))),
    )
    _age(kept)
    shutil.rmtree(left.parent)
    for _ in range(2):
        forget_deleted(runtime_folder(project.home))
    assert len(environments(left)) == 2
    _look_twice(project, left)
    assert environments(left) == [fresh]
    assert kept.exists()


def test_a_project_that_is_there_again_is_missed_anew(project: Project, left: Path) -> None:
    left.rename(left.with_name("away"))
    forget_deleted(runtime_folder(project.home))
    left.with_name("away").rename(left)
    _look_twice(project, left)
    left.rename(left.with_name("away"))
    forget_deleted(runtime_folder(project.home))
    assert len(environments(left)) == 1


@pytest.mark.parametrize("fault", [errno.EACCES, errno.ESTALE, errno.EIO, errno.ENOTCONN])
def test_a_state_that_cannot_be_looked_at_is_not_deleted(
    fault: int, project: Project, left: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.stat

    def stat(path: Any, **how: Any) -> os.stat_result:
        if os.fsdecode(path) == str(left):
            raise OSError(fault, os.strerror(fault), path)
        return real(path, **how)

    monkeypatch.setattr(os, "stat", stat)
    _look_twice(project, left)
    assert len(environments(left)) == 1


def test_a_state_on_a_share_that_is_not_mounted_is_not_deleted(
    project: Project, left: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    share, real = left.parent, os.stat
    monkeypatch.setattr(
        os, "stat", lambda path, **how: _on_another_file_system(real(path, **how), path, share)
    )
    runtime_folder(left)  # as a submit does: it notes where the state is
    shutil.rmtree(share)
    share.mkdir()
    monkeypatch.undo()  # the bare mount point lies on the file system around it
    _look_twice(project, left)
    assert len(environments(left)) == 1


def _on_another_file_system(found: os.stat_result, path: Any, share: Path) -> os.stat_result:
    if not isinstance(path, str | bytes | Path) or not Path(os.fsdecode(path)).is_relative_to(
        share
    ):
        return found
    return os.stat_result([*found[:2], found.st_dev + 1, *found[3:]])


@pytest.mark.parametrize("word", ["", " ", "\t"])
def test_a_command_without_a_program_is_refused(word: str) -> None:
    with pytest.raises(BadRequest, match="names no program"):
        JobSpec(command=[word, "train.py"])
