"""Followers that a test steps through by hand, with a far side in memory that does what it is told
to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Job, Jobs, JobSpec
from jupyter_mlinfra.jobs.attempt.files import Attempt
from jupyter_mlinfra.jobs.queue.rows import JobEntry
from jupyter_mlinfra.jobs.queue.store import JobStore
from jupyter_mlinfra.jobs.remote import (
    Batch,
    Cluster,
    Sighting,
    Stage,
    follower,
    record,
)
from jupyter_mlinfra.jobs.remote.client import FollowerControl
from jupyter_mlinfra.jobs.remote.slurm.backend import SlurmBackend


class FarSide:
    """What it shows is `shown`, by its own ids. Whatever is put into `faults` by the name of a call
    is called first, and may raise.
    """

    poll_seconds = 0.2

    def __init__(self) -> None:
        self.shown, self.recalled = dict[str, Sighting](), dict[str, Sighting]()
        self.faults = dict[str, Callable[..., None]]()
        self.name = "one"
        self.sent, self.asked = list[Batch](), list[tuple[str, Any]]()

    def _call(self, name: str, *words: Any) -> None:
        self.asked.append((name, *words))
        if name in self.faults:
            self.faults[name](*words)

    def cluster(self) -> Cluster:
        self._call("cluster")
        return Cluster(name=self.name)

    def look(self) -> Sequence[Sighting]:
        self._call("look")
        return list(self.shown.values())

    def recall(self, remotes: Sequence[str]) -> Mapping[str, Sighting]:
        self._call("recall", list(remotes))
        return {remote: self.recalled[remote] for remote in remotes if remote in self.recalled}

    def send(self, batch: Batch) -> Sequence[str]:
        self._call("send", batch)
        self.sent.append(batch)
        remotes = [f"{len(self.sent)}_{parcel.key.rpartition('.')[2]}" for parcel in batch.parcels]
        for remote, parcel in zip(remotes, batch.parcels, strict=True):
            self.shown[remote] = Sighting(
                remote=remote, key=parcel.key, stage=Stage.WAITING, reason="Waits there."
            )
        return remotes

    def end(self, sightings: Sequence[Sighting]) -> None:
        self._call("end", [sighting.remote for sighting in sightings])

    def forget(self, sightings: Sequence[Sighting]) -> None:
        self._call("forget", [sighting.remote for sighting in sightings])

    def hold(self, remotes: Sequence[str], *, held: bool) -> None:
        self._call("hold", list(remotes), held)

    def prioritize(self, priorities: Mapping[str, int]) -> None:
        self._call("prioritize", dict(priorities))

    def rank(self, priority: int) -> int | None:
        return None

    def names(self) -> list[str]:
        """Of all that was sent, in order."""
        return [parcel.entry.job.name for batch in self.sent for parcel in batch.parcels]


class Steps:
    """A project whose follower does a round when it is told to."""

    def __init__(self, project: Project) -> None:
        self.project, self.jobs, self.store, self.there = (
            project,
            Jobs(project),
            JobStore(project.database),
            FarSide(),
        )
        self.follower = follower.Follower(project, "slurm", self.there)

    def rounds(self, count: int = 1) -> None:
        for _ in range(count):
            self.follower._safely(self.follower._round)

    def submit(self, name: str = "job", **options: Any) -> Job:
        return self.jobs.submit(JobSpec(command=["true"], name=name, **options))

    def entry(self, job: Job) -> JobEntry:
        return self.store.entry(job.id)

    def attempt(self, job: Job, number: int = 1) -> Attempt:
        return Attempt.of(self.project.home, job.id, number)

    def claim(self, job: Job, code: int | None = None) -> None:
        """As its guard does when it begins; with a code, when it has ended."""
        folder = self.attempt(job).folder
        (folder / "claim").write_text("1\n")
        (folder / "begun.json").write_text('{"node": "n1", "gpu_ids": []}')
        if code is not None:
            (folder / "exit").write_text(f"{code}\n")

    def show(self, job: Job, **changes: Any) -> None:
        """Change how the far side shows a job."""
        remote = self.entry(job).remote
        assert remote
        self.there.shown[remote] = replace(self.there.shown[remote], **changes)

    def begin(self, job: Job) -> None:
        self.claim(job)
        self.show(job, stage=Stage.RUNNING, reason="")
        self.rounds()
        assert self.jobs.show(job.id).state == "running"

    def again(self) -> None:
        """Another follower takes over."""
        self.follower = follower.Follower(self.project, "slurm", self.there)


@pytest.fixture
def steps(project: Project, monkeypatch: pytest.MonkeyPatch) -> Steps:
    """A follower of its own, which waits for nothing."""
    Path("mlinfra.toml").write_text(
        '[project]\nname = "test"\n[jobs]\nbackend = "slurm"\ngrace_seconds = 1.0\n'
    )
    for name in ("wake_with_present_settings", "heal", "start"):
        monkeypatch.setattr(FollowerControl, name, lambda self: None)
    monkeypatch.setattr(SlurmBackend, "check", lambda self, spec: None)
    monkeypatch.setattr(record, "LAG_SECONDS", -1.0)
    return Steps(Project.open(project.root))
