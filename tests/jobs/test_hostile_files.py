"""What a job puts in the place of its own files keeps nobody waiting but itself: FIFOs, links,
folders.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import MLInfraError
from jupyter_mlinfra.core.files import open_regular, read_regular, read_tail, write_regular
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Jobs, JobSpec
from jupyter_mlinfra.jobs.attempt.files import Attempt

SECONDS = 20.0
"""What is blocked stays so for ever: this is far more than anything here takes."""
FIFOS = """
cd "$(dirname "$MLINFRA_REASON")" || exit 9
rm -f reason progress.json cell.json log claim resources.jsonl gap.json
mkfifo reason progress.json cell.json log claim resources.jsonl gap.json exit n.ipynb
mkdir ../2 && mkfifo ../2/log
exit 3
"""


def within[T](action: Any, *arguments: Any, **options: Any) -> T:
    """What it returns; fails where it blocks."""
    pool = ThreadPoolExecutor(1)
    try:
        found: T = pool.submit(action, *arguments, **options).result(SECONDS)
        return found
    finally:
        pool.shutdown(wait=False)


@pytest.fixture
def unblocked(project: Project) -> Any:
    """At the end, whoever still waits for a FIFO of the project is let go, so that a failing test
    does not hang.
    """
    yield
    for path in project.home.rglob("*"):
        if path.is_fifo():
            os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))


@pytest.mark.usefixtures("unblocked")
def test_a_job_whose_files_are_fifos_ends_and_stops_neither_supervisor_nor_lists(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    job = jobs.submit(JobSpec(command=["sh", "-c", FIFOS]))
    ended = within(jobs.wait, [job.id], timeout=SECONDS)[0]
    assert (ended.state, ended.exit_code) == ("failed", 3)
    assert within(jobs.list).items[0].id == job.id
    assert within(jobs.attempts, job.id).items[0].log_bytes == 0
    assert within(jobs.logs, job.id, tail=5).text == ""
    assert within(jobs.resources, job.id).points == []
    again = jobs.submit(JobSpec(command=["true"]))
    assert within(jobs.wait, [again.id], timeout=SECONDS)[0].state == "succeeded"
    assert within(jobs.stop).pid is None
    assert tools.processes_of(project.root) == []


@pytest.mark.usefixtures("unblocked")
def test_a_running_job_whose_progress_is_a_fifo_blocks_no_list(jobs: Jobs, tools: Any) -> None:
    job = jobs.submit(JobSpec(command=["sh", "-c", 'mkfifo "$MLINFRA_PROGRESS"; sleep 600']))
    tools.until(lambda: within(jobs.show, job.id).state == "running")
    tools.until(
        lambda: Path(
            os.path.dirname(jobs.show(job.id).checkpoints or ""), "1", "progress.json"
        ).is_fifo()
    )
    assert within(jobs.list).items[0].progress is None
    within(jobs.cancel, job.id)
    assert within(jobs.wait, [job.id], timeout=SECONDS)[0].state == "cancelled"


@pytest.mark.usefixtures("unblocked")
def test_an_attempt_whose_log_is_a_fifo_before_it_starts_fails_and_says_why(jobs: Jobs) -> None:
    job = jobs.submit(JobSpec(command=["sh", "-c", FIFOS.replace("exit 3", "exit 75")]))
    ended = within(jobs.wait, [job.id], timeout=SECONDS)[0]
    assert (ended.state, ended.attempt) == ("failed", 2)
    assert "not a regular file" in ended.reason


def test_an_executed_notebook_that_is_a_fifo_is_refused(jobs: Jobs, project: Project) -> None:
    folder = project.folder("jobs", "x", "1")
    os.mkfifo(folder / "n.ipynb")
    with pytest.raises(MLInfraError):
        within(jobs.executed, str((folder / "n.ipynb").relative_to(project.root)))


@pytest.mark.parametrize("kind", ["fifo", "link", "folder", "device"])
def test_only_regular_files_are_opened(kind: str, tmp_path: Path) -> None:
    (tmp_path / "real").write_text("secret")
    path = tmp_path / "it"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to(tmp_path / "real")
    elif kind == "folder":
        path.mkdir()
    place = Path(os.devnull) if kind == "device" else path
    for action in (
        read_regular,
        lambda found: read_tail(found, 10),
        lambda found: write_regular(found, "x"),
    ):
        with pytest.raises(OSError):
            within(action, place)
    assert (tmp_path / "real").read_text() == "secret"


def test_a_regular_file_is_read_written_and_inherited_as_always(tmp_path: Path) -> None:
    path = tmp_path / "it"
    write_regular(path, "0123456789")
    write_regular(path, "abcdef")
    assert (read_regular(path), read_regular(path, 2), read_tail(path, 2)) == (
        b"abcdef",
        b"ab",
        b"ef",
    )
    (tmp_path / "link").symlink_to(path)
    assert read_regular(tmp_path / "link", follow=True) == b"abcdef"
    handle = open_regular(path)
    assert os.get_blocking(handle)
    os.close(handle)


@pytest.mark.parametrize("name", ["reason", "progress.json", "cell.json", "claim", "exit", "log"])
def test_each_file_of_an_attempt_may_be_a_fifo(name: str, tmp_path: Path) -> None:
    attempt = Attempt(tmp_path)
    attempt.progress.write_text('{"fraction": 0.5, "cells": 2}')
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    assert within(attempt.own_reason) == ""
    assert within(attempt.last_line) == ""
    assert within(attempt.exit_code) is None
    assert within(attempt.claimed) in (None, 0)
    assert within(attempt.read_progress)[0] in (None, 0.5)
