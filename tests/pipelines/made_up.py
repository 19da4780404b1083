"""Pipelines over made-up jobs that make what a test says, so that a run takes milliseconds."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import JobSpec
from jupyter_mlinfra.pipelines import PipelineRun, Pipelines

from .conftest import Workshop
from .test_engine import MadeUpJobs


@dataclass
class Maker(MadeUpJobs):
    """Each job writes the files of its step; the same parameters give the same bytes."""

    outputs: Callable[[JobSpec], list[str]] = field(default=lambda spec: [])
    ran: list[str] = field(default_factory=list)

    def submit(self, spec: JobSpec):
        self.ran.append(spec.labels["step"])
        return super().submit(spec)

    def makes(self, spec: JobSpec) -> list[str]:
        for name in self.outputs(spec):
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps([spec.labels["step"], dict(spec.parameters)]))
        return []


@dataclass
class Bench:
    """A project, its pipelines, and what its jobs do."""

    root: Path
    workshop: Workshop
    jobs: Maker
    pipelines: Pipelines

    def ran(self) -> list[str]:
        """Steps whose jobs were submitted since this was last asked, in order."""
        found, self.jobs.ran = self.jobs.ran, []
        return found


def states(run: PipelineRun) -> dict[str, str]:
    return {step.name: str(step.state) for step in run.steps}


def reasons(run: PipelineRun) -> dict[str, str]:
    return {step.name: step.reason for step in run.steps}


@pytest.fixture
def bench(project: Project, workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Made-up jobs commit nothing when they end, so nothing is waited for."""
    monkeypatch.setattr("jupyter_mlinfra.pipelines.engine._QUIET_SECONDS", 0.01)
    jobs = Maker(project.root)
    return Bench(project.root, workshop, jobs, Pipelines(project, jobs))
