"""Projects whose jobs run in a Kubernetes of their own: a fake that refuses what a real one would,
and really runs the pods.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fake_kubernetes.server import FakeKubernetes
from fake_kubernetes.site import REPOSITORY, settings_of

from jupyter_mlinfra.jobs import Job, Jobs, JobSpec


@dataclass(frozen=True)
class Site:
    """A project and its cluster."""

    root: Path
    jobs: Jobs
    fake: FakeKubernetes
    tools: Any

    def shell(self, script: str, **options: Any) -> Job:
        """A line of shell as a job."""
        return self.jobs.submit(JobSpec(command=["sh", "-c", script], **options))

    def end_of(self, job: Job) -> Job:
        """A job, once it has ended."""
        return self.jobs.wait([job.id], timeout=60)[0]

    def running(self, job: Job) -> str:
        """Name of the pod of a job, once its command runs."""
        shown = self.tools.until(lambda: (now := self.jobs.show(job.id)).state == "running" and now)
        found: list[str] = self.tools.until(
            lambda: self.fake.cluster.pods_of((shown.remote or "").partition("/")[0])
        )
        return found[0]

    def reason(self, job: Job, words: str) -> str:
        """Why it waits, once that has the words."""
        return str(
            self.tools.until(lambda: words in (now := self.jobs.show(job.id)).reason and now.reason)
        )


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeKubernetes]:
    """A cluster of its own."""
    folder = tmp_path / "containers"
    folder.mkdir()
    found = FakeKubernetes.start(folder, REPOSITORY)
    yield found
    found.close()


@pytest.fixture
def make_site(
    tmp_path: Path, clean: Any, tools: Any, fake: FakeKubernetes, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], Site]]:
    """Make a project; `more` are lines of its section [jobs.kubernetes]."""
    for name in [name for name in os.environ if name.startswith("MLINFRA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MLINFRA_USER", "ana")
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)
    opened = []

    def make(more: str = "", image: str = "mlinfra:1", python: str = sys.executable) -> Site:
        settings = (
            settings_of(fake, tmp_path)
            .replace('"mlinfra:1"', f'"{image}"')
            .replace(sys.executable, python)
            + more
        )
        (root / "mlinfra.toml").write_text(
            '[project]\nname = "test"\n[jobs]\nbackend = "kubernetes"\ngrace_seconds ='
            f" 1.0\n{settings}"
        )
        opened.append(clean(root))
        return Site(root, next(opened[-1]), fake, tools)

    yield make
    for one in opened:
        next(one, None)


@pytest.fixture
def site(make_site: Callable[[], Site]) -> Site:
    """A project with a cluster of one node, 8 CPUs and 2 GPUs."""
    return make_site()
