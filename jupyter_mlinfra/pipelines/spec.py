"""What is known of a pipeline, its runs and their steps. The file's own model is in `file.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class StepState(StrEnum):
    """Where a step of a run stands. skipped: something it depends on failed. cached: nothing it depends on changed."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    CACHED = "cached"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class RunState(StrEnum):
    """Where a pipeline run stands."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRun:
    """A step in a run. job: id. notebook: the executed one. reason: why it ran, was cached, failed or was skipped."""

    name: str
    state: StepState
    job: str | None
    notebook: str | None
    reason: str
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineRun:
    """One execution of a pipeline. reason: why it ended as it did, or that nobody drives it any more; often empty."""

    run: str
    pipeline: str
    state: RunState
    steps: Sequence[StepRun]
    parameters: Mapping[str, Any]
    user: str
    started_at: datetime
    ended_at: datetime | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step as the file says it. after: steps whose outputs it takes, reckoned from inputs and outputs."""

    name: str
    notebook: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    parameters: Mapping[str, Any]
    after: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """One pipeline in a list. last: states of the newest runs, newest last (at most 5). problem: what is wrong with its file."""

    ref: str
    name: str
    path: str
    steps: int
    last: Sequence[RunState]
    description: str
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineDetail:
    """A pipeline's page: the graph, and its newest runs, newest first (at most 5 of the `runs_total` that there are)."""

    pipeline: Pipeline
    graph: Sequence[Step]
    runs: Sequence[PipelineRun]
    runs_total: int
    code: Mapping[str, str]
