"""A project whose jobs leave no process behind, whatever a test does to them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from fake_ray.site import ray

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.runtime_folder import runtime_folder
from jupyter_mlinfra.jobs import Job, Jobs, JobSpec

__all__ = ["ray"]  # found by pytest in this module: one cluster for all folders below
WAIT = 60.0
"""Longest wait for anything: the machine may be busy."""


_GUARDS = {f"jupyter_mlinfra.jobs.remote.{name}" for name in ("guard", "ray.driver")}


class Tools:
    """What the tests of this folder share; a fixture, because test modules cannot import each
    other.
    """

    wait = WAIT
    sleep = (sys.executable, "-c", "import time; time.sleep(600)")

    @staticmethod
    def processes_of(root: Path, *, supervisor: bool = True) -> list[psutil.Process]:
        """Every process that works for the project, found without the code under test; without the
        supervisor if so asked.
        """
        found = []
        for process in psutil.process_iter():
            try:
                words, environment = process.cmdline(), process.environ()
                waits = (
                    environment.get("MLINFRA_PROCESS_TOKEN", "").startswith("warm-ready-")
                    and not process.children()
                )
            except psutil.Error:
                continue
            if waits:  # a wrapper without a job, see test_ready.py: it ends by itself
                continue
            supervises = "jupyter_mlinfra.jobs.local.supervisor" in words and any(
                f'"{root}"' in word for word in words
            )
            supervises = supervises or (
                "jupyter_mlinfra.jobs.remote.follower" in words and str(root) in words
            )
            guards = bool(_GUARDS & set(words)) and any(
                word.startswith(f"{root}{os.sep}") for word in words
            )
            if process.pid != os.getpid() and (
                (supervises and supervisor)
                or guards
                or environment.get("MLINFRA_PROJECT") == str(root)
            ):
                found.append(process)
        return found

    @staticmethod
    def until[T](look: Callable[[], T], *, seconds: float = WAIT) -> T:
        """What `look` gives, as soon as it is true."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            found = look()
            if found:
                return found
            time.sleep(0.01)
        raise AssertionError("It did not come to pass.")

    @staticmethod
    def lines(path: Path) -> list[str]:
        """Lines of a file that may not be there yet."""
        return path.read_text().splitlines() if path.exists() else []

    @classmethod
    def kill_supervisor(cls, jobs: Jobs) -> int:
        """kill -9; returns the pid that was killed, once it is dead."""
        pid = jobs.supervisor().pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        cls.until(lambda: jobs.supervisor().pid is None)
        return pid

    @classmethod
    def kill_workers(cls, root: Path) -> None:
        """kill -9 of every wrapper and job."""
        for process in cls.processes_of(root, supervisor=False):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    @staticmethod
    def cell(source: str, *tags: str) -> dict[str, Any]:
        """A code cell as JupyterLab saves it."""
        ident = hashlib.sha256(source.encode()).hexdigest()[:8]
        return {
            "cell_type": "code",
            "id": ident,
            "metadata": {"tags": list(tags)},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }

    @staticmethod
    def write_notebook(path: Path, *cells: dict[str, Any], kernel: str = "python3") -> Path:
        """A Python notebook."""
        path.parent.mkdir(parents=True, exist_ok=True)
        metadata = {
            "kernelspec": {"name": kernel, "language": "python", "display_name": "Python 3"},
            "language_info": {"name": "python"},
        }
        path.write_text(
            json.dumps(
                {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
            )
        )
        return path


class Submitter:
    """Other processes that use the same project, with failpoints."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __call__(
        self, code: str, *, fail: str | None = None, kill_after: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run Python code with `jobs` and `JobSpec` in a process of its own; with `kill_after` that
        process is killed at its end.
        """
        prelude = (
            "from jupyter_mlinfra.core.project import Project\nfrom jupyter_mlinfra.jobs import"
            " Jobs, JobSpec\njobs = Jobs(Project.open())\n"
        )
        ending = "\nimport os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n" if kill_after else ""
        environment = {**os.environ, **({"MLINFRA_FAIL": fail} if fail else {})}
        return subprocess.run(
            [sys.executable, "-c", prelude + code + ending],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=WAIT,
            check=False,
        )


@pytest.fixture
def jobs(project: Project) -> Iterator[Jobs]:
    """Jobs of a fresh project with 2 CPU slots and a short grace."""
    (project.root / "mlinfra.toml").write_text(
        '[project]\nname = "test"\n[jobs]\nwarm_kernels = 0\ncpus = 2\ngpus ='
        " 0\ngrace_seconds = 1.0\n"
    )
    yield from clean(project.root)


@pytest.fixture
def gpu_jobs(project: Project) -> Iterator[Jobs]:
    """The same with 2 GPU slots that only count."""
    (project.root / "mlinfra.toml").write_text(
        '[project]\nname = "test"\n[jobs]\nwarm_kernels = 0\ncpus = 4\ngpus ='
        " 2\ngrace_seconds = 1.0\n"
    )
    yield from clean(project.root)


def clean(root: Path) -> Iterator[Jobs]:
    """Jobs of the project at `root`; afterwards nothing that worked for it is left."""
    project = Project.open(root)
    yield Jobs(project)
    for _ in range(50):
        left = Tools.processes_of(root)
        if not left:
            break
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=1)
    shutil.rmtree(runtime_folder(project.home), ignore_errors=True)
    project.database.close()


@pytest.fixture(scope="session", name="clean")
def _clean() -> Callable[[Path], Iterator[Jobs]]:
    """`clean`, for the folders below."""
    return clean


@pytest.fixture(scope="session")
def tools() -> type[Tools]:
    """Helpers."""
    return Tools


@pytest.fixture
def submitter(jobs: Jobs, project: Project) -> Submitter:
    """Other processes of the same project."""
    return Submitter(project.root)


@pytest.fixture
def run(jobs: Jobs) -> Callable[..., Job]:
    """Submit a command and wait for its end."""

    def run(*command: str, **options: Any) -> Job:
        job = jobs.submit(JobSpec(command=command, **options))
        return jobs.wait([job.id], timeout=WAIT)[0]

    return run
