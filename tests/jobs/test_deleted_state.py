"""A project's state is deleted while jobs wait: nothing of them is left in memory, and nobody works on for it."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Jobs, JobSpec
from jupyter_mlinfra.jobs.environment import forget_deleted, keep, runtime_folder


def environments(home: Path) -> list[Path]:
    return [path for path in runtime_folder(home).iterdir() if "environment" in path.name]


def test_a_supervisor_whose_state_is_deleted_while_jobs_run_and_wait_leaves_no_environment(jobs: Jobs, project: Project, tools: Any) -> None:
    for _ in range(3):  # on two CPUs: one waits
        jobs.submit(JobSpec(command=tools.sleep))
    tools.until(lambda: jobs.counts()["running"] == 2)
    assert environments(project.home)
    project.home.rename(project.root / "gone")  # in one step: who works there may make a file in a folder that is being emptied
    shutil.rmtree(project.root / "gone", ignore_errors=True)
    tools.until(lambda: not environments(project.home))
    supervisors = "jupyter_mlinfra.jobs.backends.supervisor"
    tools.until(lambda: not any(supervisors in process.cmdline() for process in tools.processes_of(project.root)))
    assert len(tools.processes_of(project.root)) >= 2  # jobs that run go on
    assert not project.home.exists()


def test_what_a_deleted_project_left_without_a_supervisor_goes_with_the_next_start_of_another(project: Project, tmp_path: Path) -> None:
    other = tmp_path / "gone" / ".mlinfra"
    there, gone = runtime_folder(project.home), runtime_folder(other)
    try:
        kept, old, fresh = keep({"A": "1"}, there), Path(keep({"A": "2"}, gone)), Path(keep({"A": "3"}, gone))
        for path in (kept, old):
            os.utime(path, (time.time() - 7200,) * 2)
        forget_deleted(there)
        assert [Path(kept).exists(), old.exists(), fresh.exists()] == [True, False, True]
    finally:
        shutil.rmtree(gone)


@pytest.mark.parametrize("word", ["", " ", "\t"])
def test_a_command_without_a_program_is_refused(word: str) -> None:
    with pytest.raises(BadRequest, match="names no program"):
        JobSpec(command=[word, "train.py"])
