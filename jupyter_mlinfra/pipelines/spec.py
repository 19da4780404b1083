"""The records of pipelines, their runs and their steps. The file's own model is in `file.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from ..jobs import Needs


class StepState(StrEnum):
    """The state of a step in a run. skipped: something it depends on failed. cached: nothing it
    depends on changed.
    """

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    CACHED = "cached"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class RunState(StrEnum):
    """The state of a pipeline run."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRun:
    """A step in a run. job: id. notebook: the executed one. reason: why it ran, was cached, failed
    or was skipped.

    changed: which parts of its key made it run, see `Explanation`. detail: the same in words, with
    lines of code (in a list of runs its first line); both stay when it fails. runs: ids of the
    tracked runs that it made; looked up when one pipeline run is shown.
    """

    name: str
    state: StepState
    job: str | None
    notebook: str | None
    reason: str
    started_at: datetime | None
    ended_at: datetime | None
    changed: Sequence[str] = ()
    detail: str = ""
    runs: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineRun:
    """One execution of a pipeline. reason: why it ended as it did, or that it has no driver any
    more; often empty.

    date: the value of the pipeline's date, empty if it depends on none. repairs: the run whose
    failed steps this one ran again. backend: where its jobs were sent, None for the default.
    backfill: id of the backfill that it is part of. repairable: it has ended, and has steps that a
    repair would run again. only: the step, if the run was of one step alone.
    """

    run: str
    pipeline: str
    state: RunState
    steps: Sequence[StepRun]
    parameters: Mapping[str, Any]
    user: str
    started_at: datetime
    ended_at: datetime | None
    reason: str = ""
    date: str = ""
    repairs: str = ""
    backend: str | None = None
    backfill: str = ""
    repairable: bool = False
    only: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Needs):
    """A step as in the file. after: steps whose outputs it takes, computed from inputs and outputs.
    elements: of a `foreach`.

    The rest is what its job asks for, including the file's defaults.
    """

    name: str
    notebook: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    parameters: Mapping[str, Any]
    after: Sequence[str]
    elements: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """One pipeline in a list. last: states of the newest runs, newest last (at most 5). problem:
    what is wrong with its file.
    """

    ref: str
    name: str
    path: str
    steps: int
    last: Sequence[RunState]
    description: str
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineDetail:
    """A pipeline's page: the graph, and its newest runs, newest first (at most 5 of `runs_total`).

    parameters: with their defaults. date: the parameter that is the date of a run; empty if nothing
    depends on one.
    """

    pipeline: Pipeline
    graph: Sequence[Step]
    runs: Sequence[PipelineRun]
    runs_total: int
    code: Mapping[str, str]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    date: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What a step would do now, and why.

    changed: which parts of its key differ from its last complete result: code, params, inputs,
    environment, kernel; also `first run`, `unfinished` (its newest execution did not succeed, or
    what it takes changed meanwhile), `outputs` (gone, or not what it made), `cache off`. Empty: it
    would be taken from the cache. detail: how they differ, with the lines of code.
    """

    ref: str
    pipeline: str
    step: str
    changed: Sequence[str]
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillDate:
    """One date of a backfill. run: the newest run of that date. done: it succeeded, and nothing has
    changed since. steps, cached: how many would run, how many would be taken from the cache.
    """

    date: str
    done: bool
    run: str
    steps: int
    cached: int
    state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """One run per date, oldest first. runs: dates that are not done. steps, cached: of all these
    runs, at most and at least.

    parallel: how many run at the same time, and `note` why no more. id: empty for a dry run.
    """

    ref: str
    pipeline: str
    parameter: str
    dates: Sequence[BackfillDate]
    runs: int
    steps: int
    cached: int
    parallel: int
    note: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A pipeline in the form of another system. notes: the differences. path: where it was written,
    empty if it was not.
    """

    pipeline: str
    target: str
    text: str
    notes: Sequence[str]
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with the text of a pipeline file. line: where, from 1; None if it is the whole
    text.
    """

    line: int | None
    what: str
    why: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What the text of a pipeline file means before it is saved. fault: what is wrong with it; then
    there is no graph.

    parameters: of the pipeline, with their defaults. date: the parameter that is the date of a run;
    empty if nothing depends on one. written: the parameters of each step that has some, in YAML,
    one per line.
    """

    path: str
    name: str
    graph: Sequence[Step]
    parameters: Mapping[str, Any]
    date: str
    fault: Fault | None
    written: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A first file for some notebooks. path: below the project, where no file was yet. saved:
    whether it was written.
    """

    path: str
    text: str
    saved: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """The text of a pipeline file after a change. name: of what was changed, such as the new step.

    fault: what is wrong with the written parameters; then the text is unchanged.
    """

    text: str
    name: str
    fault: Fault | None = None
