"""Projects whose jobs run in a Ray cluster: a fake that really runs them, or with `--real-ray` a
real head where a case asks for `ray`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fake_ray import FakeRay
from fake_ray.site import settings_of

from jupyter_mlinfra.jobs import Job, Jobs, JobSpec


@dataclass(frozen=True)
class Site:
    """A project and its cluster."""

    root: Path
    jobs: Jobs
    ray: Any
    tools: Any

    def shell(self, script: str, **options: Any) -> Job:
        """A line of shell as a job."""
        return self.jobs.submit(JobSpec(command=["sh", "-c", script], **options))

    def end_of(self, job: Job) -> Job:
        """A job, once it has ended."""
        return self.jobs.wait([job.id], timeout=90)[0]

    def running(self, job: Job) -> str:
        """What Ray calls a job, once it runs."""
        shown = self.tools.until(lambda: (now := self.jobs.show(job.id)).state == "running" and now)
        return str(shown.remote)

    def reason(self, job: Job, words: str) -> str:
        """Why it waits, once that has the words."""
        return str(
            self.tools.until(lambda: words in (now := self.jobs.show(job.id)).reason and now.reason)
        )


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeRay]:
    """A cluster of its own."""
    folder = tmp_path / "cluster"
    folder.mkdir()
    found = FakeRay.start(folder)
    yield found
    found.close()


@pytest.fixture
def make_project(
    tmp_path: Path, clean: Any, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Site]]:
    """Make a project on a cluster; `more` are lines of its section [jobs.ray]."""
    for name in [name for name in os.environ if name.startswith("MLINFRA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MLINFRA_USER", "ana")
    root = tmp_path / "a project"
    root.mkdir()
    monkeypatch.chdir(root)
    opened = []

    def make(cluster: Any, more: str = "", python: str = sys.executable) -> Site:
        settings = (
            '[project]\nname = "test"\n[jobs]\nbackend = "ray"\ngrace_seconds ='
            f' 1.0\n{settings_of(cluster.address)}python = "{python}"\n{more}'
        )
        (root / "mlinfra.toml").write_text(settings)
        opened.append(clean(root))
        return Site(root, next(opened[-1]), cluster, tools)

    yield make
    for one in opened:
        next(one, None)


@pytest.fixture
def site(make_project: Callable[..., Site], fake: FakeRay) -> Site:
    """A project with a fake cluster of its own."""
    return make_project(fake)


@pytest.fixture
def either(make_project: Callable[..., Site], ray: Any) -> Site:
    """A project on the cluster of the run: the fake, or the real one."""
    return make_project(ray)
