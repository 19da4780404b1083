"""The sites that every backend's tests run at: the same project, with jobs that run here, in a real
Slurm, or in fakes that really run them.

A backend is added here with how it is started, and passes the same cases as the others.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fake_kubernetes import site as kubernetes_site
from fake_kubernetes.site import kubernetes
from fake_ray import site as ray_site

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Job, Jobs, JobSpec

__all__ = ["kubernetes"]  # found by pytest in this module
REPOSITORY = Path(__file__).parents[3]
BACKENDS = ("local", "slurm", "kubernetes", "ray")
UNLIKE = {"kubernetes": kubernetes_site.UNLIKE, "ray": ray_site.UNLIKE}
# `make test` goes through these files here and in a real Slurm, `make slow` also in the fakes.
LONG, FAKED = ("test_queue", "test_survival", "test_tracking"), ("[kubernetes]", "[ray]")
WAIT = 60.0


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the cases out that mean nothing to a backend; on a real Ray, those of all others."""
    unlike = {f"{name}[{backend}]" for backend, names in UNLIKE.items() for name in names}
    only = "[ray]" if config.getoption("--real-ray") else ""
    left_out = [
        item
        for item in items
        if item.path.parent == Path(__file__).parent
        and (item.name in unlike or only not in item.name)
    ]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        gone = set(left_out)
        items[:] = [item for item in items if item not in gone]
    for item in items:
        ours = item.path.parent == Path(__file__).parent
        if ours and item.path.stem in LONG and item.name.endswith(FAKED):
            item.add_marker(pytest.mark.slow)


@dataclass(frozen=True)
class Site:
    """A project whose jobs run on one backend with 2 GPUs. failpoints: of who follows them, in the
    order of a job's life.
    """

    backend: str
    root: Path
    jobs: Jobs
    failpoints: tuple[str, ...]

    def submit(self, *command: str, **options: Any) -> Job:
        """A command as a job."""
        return self.jobs.submit(JobSpec(command=command, **options))

    def shell(self, script: str, **options: Any) -> Job:
        """A line of shell as a job."""
        return self.submit("sh", "-c", script, **options)

    def end_of(self, *jobs: Job) -> list[Job]:
        """Jobs, once all have ended."""
        ended = list(self.jobs.wait([job.id for job in jobs], timeout=WAIT))
        assert not {job.state for job in ended} & {"queued", "starting", "running"}, [
            (job.state, job.reason) for job in ended
        ]
        return ended

    def run(self, *command: str, **options: Any) -> Job:
        """Submit a command and wait for its end."""
        return self.end_of(self.submit(*command, **options))[0]

    def follower(self) -> int | None:
        """Pid of who follows the jobs: the supervisor, or a follower."""
        if self.backend == "local":
            return self.jobs.supervisor().pid
        from jupyter_mlinfra.jobs.remote.client import FollowerControl

        mark = FollowerControl(Project.open(self.root), self.backend).alive()
        return mark.process.pid if mark else None

    def kill_follower(self) -> None:
        """kill -9."""
        if pid := self.follower():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A real Slurm for the run; its configuration. Installed where it is missing: a machine that
    cannot have it fails these tests, and says what to do.
    """
    folder = tmp_path_factory.mktemp("slurm")
    control = [sys.executable, str(REPOSITORY / "scripts" / "slurm_cluster.py")]
    installed = subprocess.run(
        [*control, "install"], capture_output=True, text=True, timeout=280, check=False
    )
    assert installed.returncode == 0, installed.stderr
    try:
        started = subprocess.run(
            [*control, "up", str(folder), "--gpus", "2"],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert started.returncode == 0, started.stderr
        yield Path(started.stdout.strip())
    finally:
        subprocess.run([*control, "down", str(folder)], timeout=120, check=False)


@pytest.fixture(scope="module", params=BACKENDS)
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, clean: Any
) -> Iterator[Site]:
    """One project for all cases of a file: none depends on another."""
    yield from _site(request.param, request, tmp_path_factory.mktemp("site"), clean)


@pytest.fixture(params=BACKENDS)
def fresh_site(request: pytest.FixtureRequest, tmp_path: Path, clean: Any) -> Iterator[Site]:
    """A project of its own for a case that kills whoever follows the jobs."""
    yield from _site(request.param, request, tmp_path, clean)


@pytest.fixture
def slurm_site(request: pytest.FixtureRequest, tmp_path: Path, clean: Any) -> Iterator[Site]:
    """A project of its own on Slurm, whose commands are looked for in the folder `bin` first: a
    test may put others there.
    """
    commands = tmp_path / "bin"
    commands.mkdir()
    for name in ("sbatch", "squeue", "scancel", "scontrol", "sacct"):
        (commands / name).symlink_to(f"/usr/bin/{name}")
    yield from _site("slurm", request, tmp_path, clean, f'bin = "{commands}"\n')


def _site(
    backend: str, request: pytest.FixtureRequest, folder: Path, clean: Any, more: str = ""
) -> Iterator[Site]:
    conf = request.getfixturevalue("slurm") if backend == "slurm" else None
    root = folder / "a project"
    root.mkdir()
    settings = (
        '[project]\nname = "test"\n[jobs]\nwarm_kernels = 0\nbackend ='
        f' "{backend}"\ncpus = 8\ngpus = 2\ngrace_seconds = 1.0\n'
    )
    points = ("starting", "spawned", "running", "ended", "settled")
    if backend != "local":
        points = ("sending", "sent", "noted", "running", "ended", "settled")
    if backend == "kubernetes":
        settings += kubernetes_site.settings_of(request.getfixturevalue("kubernetes"), folder)
    if backend == "ray":
        settings += ray_site.settings_of(request.getfixturevalue("ray").address)
    if conf is not None:
        settings += (
            f'[jobs.slurm]\nconf = "{conf}"\npoll_seconds = 0.25\nraise_priority = true\n{more}'
        )
    (root / "mlinfra.toml").write_text(settings)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("MLINFRA_")]:
            patch.delenv(name)
        patch.setenv("MLINFRA_USER", "ana")
        patch.chdir(root)
        for jobs in clean(root):
            yield Site(backend, root, jobs, points)
            if conf is not None:
                subprocess.run(
                    ["scancel", "--me"],
                    env={**os.environ, "SLURM_CONF": str(conf)},
                    timeout=60,
                    check=False,
                )
