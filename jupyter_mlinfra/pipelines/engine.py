"""Driving one run: examines each step when those before it have ended, submits jobs, follows them,
and records every move.

All state is in the database, so that another process can continue where this one was killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..core.errors import MLInfraError, Unavailable
from ..core.events import telling
from ..core.lineage import Event
from ..core.records import now
from ..core.refs import reference
from ..jobs import Job, JobSettings, JobSpec, JobState, asked
from . import graph
from .assess import Assessment, Assessor
from .cache import Parts, cell_digests
from .definition import StepDefinition
from .notebook import read_notebook
from .rows import Result, RunEntry, StepEntry, job_key
from .settings import PipelineSettings
from .spec import RunState, StepRun, StepState
from .state import DONE, as_its_job, is_final, outcome
from .store import RunStore

if TYPE_CHECKING:
    from ..core.project import Project
    from ..jobs import Jobs
    from .contents import Contents

_LOOK_SECONDS = 0.02
_QUIET_SECONDS = 2.0
"""The longest time between two checks of the jobs while the database reports no change."""
_PATIENCE_SECONDS = 60.0
"""How long to wait for a database, disk or catalog that cannot be used: failing to observe a run is
not its failure.
"""
CANCEL_MARGIN_SECONDS = 20.0
"""How long jobs of a cancelled run may take to end after their grace period."""
RUN_CONTEXT = "MLFLOW_RUN_CONTEXT"
_WORDS: Mapping[Event, str] = {
    "START": "begins",
    "COMPLETE": "is done",
    "FAIL": "failed",
    "ABORT": "was cancelled",
}
_ENDED = {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.LOST}


class Patience:
    """Waits for what cannot be used at the moment; starts again once everything works."""

    def __init__(self) -> None:
        self._until: float | None = None

    def calm(self) -> None:
        """Everything worked."""
        self._until = None

    def is_over(self) -> bool:
        """Something could not be used; returns whether that has lasted too long."""
        if self._until is None:
            self._until = time.monotonic() + _PATIENCE_SECONDS
        return time.monotonic() >= self._until


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What the engine works with."""

    project: Project
    store: RunStore
    jobs: Jobs
    contents: Contents
    patience: Patience = field(default_factory=Patience)
    on_step: Callable[[StepRun], None] | None = None


class Engine:
    """Drives one run. The caller holds the lock of its pipeline."""

    def __init__(self, tools: Tools, run: RunEntry) -> None:
        self._tools = tools
        self._store = tools.store
        self._run = run
        self._definition = run.definition
        self._steps = tools.store.steps(run)
        self._reported: defaultdict[str, set[StepState]] = defaultdict(set)
        self._assessor = Assessor(
            tools.project.root,
            tools.store,
            tools.contents,
            pipeline=run.run.pipeline,
            force=run.force,
            plan=run.plan,
        )

    def drive(self) -> RunEntry:
        """Bring the run to its end."""
        self._tools.contents.forget()
        while True:
            seen = self._store.data_version()
            by = self._store.cancelled_by(self._run)
            if by:
                return self.cancel(f"Cancelled by {by}.")
            # Of a driver that was killed between recording and doing it.
            for entry in list(self._running()):
                if entry.step.job is None:
                    self._submit(entry)
            self._collect()
            cancelled = [
                name
                for name, entry in self._steps.items()
                if entry.step.state is StepState.CANCELLED
            ]
            if cancelled:
                return self.cancel(f"The job of step {cancelled[0]} was cancelled.")
            self._start_ready()
            self._skip_hopeless()
            if not any(self._running()):
                return self._store.end(
                    self._run, outcome(entry.step.state for entry in self._steps.values())
                )
            self._tools.patience.calm()
            self._wait(seen)

    def cancel(self, reason: str) -> RunEntry:
        """End all jobs and the steps that wait for them. Nothing is submitted; but a job that a
        killed driver may have submitted without recording it is looked for.
        """
        for entry in list(self._running()):
            if entry.step.job is None and (submitted := self._submitted(entry)):
                self._keep(self._store.submitted(self._run, entry, submitted))
        jobs = [entry.step.job for entry in self._running() if entry.step.job is not None]
        for job in jobs:
            self._tools.jobs.cancel(job)
        if jobs:
            grace_seconds = self._tools.project.settings.of(JobSettings).grace_seconds
            self._tools.jobs.wait(jobs, timeout=grace_seconds + CANCEL_MARGIN_SECONDS)
        self._collect()
        for entry in list(self._steps.values()):
            if not is_final(entry.step.state):
                if entry.step.job is not None:
                    self._tell(self._definition.step(entry.step.name), entry, "ABORT")
                self._move(entry, StepState.CANCELLED, reason)
        return self._store.end(self._run, RunState.CANCELLED, reason=reason)

    # Before a step

    def _start_ready(self) -> None:
        """Submit or skip every step that waits for nothing. A step that is taken from the cache may
        make others ready.
        """
        settled = False
        while not settled:
            settled = True
            for step in self._definition.steps:
                entry = self._steps[step.name]
                if entry.step.state is not StepState.WAITING or not self._is_ready(step):
                    continue
                if self._free_places() == 0:
                    return
                self._start(step, entry)
                settled = settled and self._steps[step.name].step.state is StepState.RUNNING

    def _is_ready(self, step: StepDefinition) -> bool:
        return all(self._steps[name].step.state in DONE for name in step.after)

    def _free_places(self) -> int:
        most = self._tools.project.settings.of(PipelineSettings).max_parallel or len(self._steps)
        return most - sum(1 for _ in self._running())

    def _start(self, step: StepDefinition, entry: StepEntry) -> None:
        try:
            found = self._assessor.look(
                step,
                untouched=all(
                    self._steps[name].step.state is StepState.CACHED for name in step.after
                ),
            )
        except Unavailable:
            raise
        except MLInfraError as error:
            self._fail(entry, str(error))
            return
        if found.made is not None:
            self._take(entry, found.made, found)
        else:
            self._tools.contents.forget()
            started = self._store.start(
                self._run,
                entry,
                found.parts,
                reason=found.reason,
                changed=found.changed,
                detail=found.detail,
            )
            self._submit(started)

    def _take(self, entry: StepEntry, made: Result, found: Assessment) -> None:
        entry = replace(entry, parts=found.parts)
        self._keep(
            self._store.move(
                self._run,
                entry,
                StepState.CACHED,
                reason=found.reason,
                notebook=made.notebook,
                job=made.job,
            )
        )

    def _submit(self, entry: StepEntry) -> None:
        """Submit under a key of run, step and attempt, so that a second request returns the same
        job.
        """
        step = self._definition.step(entry.step.name)
        run = self._run.run
        self._steps[step.name] = entry
        try:
            job = self._tools.jobs.submit(
                JobSpec(
                    notebook=step.notebook,
                    parameters=entry.parts.parameters if entry.parts else {},
                    output=self._output(step.name),
                    name=f"{run.pipeline}/{step.name}",
                    key=self._key(entry),
                    environment=self._environment(step.name),
                    labels={"pipeline": run.pipeline, "run": run.run, "step": step.name},
                    **asked(step) | {"backend": step.backend or run.backend},
                )
            )
        except MLInfraError as error:
            if isinstance(error, Unavailable) and (
                not self._tools.patience.is_over() or self._submitted(entry)
            ):
                raise
            self._fail(entry, str(error))
        else:
            entry = self._store.submitted(self._run, entry, job.id)
            self._keep(entry)
            self._tell(step, entry, "START")

    def _environment(self, step: str) -> dict[str, str]:
        """MLflow adds these tags to every run that the step's notebook starts, also by plain
        `mlflow.start_run()`.
        """
        context: dict[str, str] = {}
        with contextlib.suppress(ValueError):
            context = dict(json.loads(os.environ.get(RUN_CONTEXT, "{}")))
        run = self._run.run
        return {
            RUN_CONTEXT: json.dumps(
                {
                    **context,
                    "mlinfra.pipeline": run.pipeline,
                    "mlinfra.step": f"{run.pipeline}/{step}",
                    "mlinfra.run": run.run,
                }
            )
        }

    def _submitted(self, entry: StepEntry) -> str | None:
        """The job that was submitted for a step and has not ended."""
        job = self._tools.jobs.job_of(self._key(entry))
        return job.id if job is not None and job.state not in _ENDED else None

    def _key(self, entry: StepEntry) -> str:
        return job_key(self._run.run.run, entry.step.name, entry.attempt)

    def _output(self, step: str) -> str | None:
        """Where the executed notebook goes; None (the job's own folder) if the state is not below
        the project.
        """
        path = self._tools.project.home / "runs" / self._run.run.run / f"{step}.ipynb"
        root = self._tools.project.root
        return path.relative_to(root).as_posix() if path.is_relative_to(root) else None

    # After a step

    def _collect(self) -> None:
        """Check the running jobs; those that have ended move their steps."""
        self._tools.jobs.heal()  # a supervisor that died would hold up the run
        for entry in list(self._running()):
            if entry.step.job is None:
                continue
            job = self._tools.jobs.look(entry.step.job)
            self._report(as_its_job(entry.step, job))
            if job.state in _ENDED:
                self._tools.contents.forget()
                self._end(
                    replace(
                        entry,
                        step=replace(entry.step, started_at=job.started_at, ended_at=job.ended_at),
                    ),
                    job,
                )

    def _end(self, entry: StepEntry, job: Job) -> None:
        notebook = (
            job.output if job.output and (self._tools.project.root / job.output).exists() else None
        )
        if job.state is JobState.SUCCEEDED:
            self._succeed(entry, job, notebook)
        elif job.state is JobState.CANCELLED:
            self._tell(self._definition.step(entry.step.name), entry, "ABORT")
            self._keep(
                self._store.move(
                    self._run,
                    entry,
                    StepState.CANCELLED,
                    reason=job.reason or "Its job was cancelled.",
                    notebook=notebook,
                )
            )
        else:
            self._fail(entry, job.reason or f"Its job {job.state}.", notebook)

    def _succeed(self, entry: StepEntry, job: Job, notebook: str | None) -> None:
        step = self._definition.step(entry.step.name)
        assert entry.parts is not None
        try:
            outputs = self._assessor.outputs(step)
        except Unavailable:
            raise
        except MLInfraError as error:
            self._fail(entry, str(error), notebook)
            return
        parts, changed = self._as_run(step, entry.parts, notebook)
        reason = "; ".join(
            [
                entry.step.reason,
                *([f"will run again: {', '.join(changed)} changed meanwhile"] if changed else []),
            ]
        )
        result = Result(
            whole=not changed, parts=parts, outputs=outputs, job=job.id, notebook=notebook
        )
        self._tell(step, entry, "COMPLETE", result)
        self._keep(self._store.succeed(self._run, entry, result, reason=reason))

    def _as_run(
        self, step: StepDefinition, parts: Parts, notebook: str | None
    ) -> tuple[Parts, Sequence[str]]:
        """The parts with the code that actually ran: the notebook may have been saved between its
        examination and its job's snapshot.

        Also what else has changed since then, where it is unknown what the job has read.
        """
        try:
            ran = notebook or step.notebook
            executed = read_notebook(
                self._tools.project.root / ran, ran, parametrized=bool(parts.parameters)
            )
        except MLInfraError:
            return parts, ()
        changed = self._assessor.changed_since(step, parts, executed)
        if notebook is None:
            return parts, changed
        return (
            replace(
                parts, cells=cell_digests(executed), places=[cell.number for cell in executed.cells]
            ),
            changed,
        )

    def _tell(
        self, step: StepDefinition, entry: StepEntry, event: Event, result: Result | None = None
    ) -> None:
        """Record lineage of a step that began, succeeded, failed or was cancelled. Its end is
        recorded before the state: after a crash between the two it is there twice under one id,
        never missing. Only a full disk leaves it out, and the step continues.
        """
        run = self._run.run
        facts = {
            "pipeline": run.pipeline,
            "run": run.run,
            "notebook": step.notebook,
            "job": entry.step.job or "",
        }
        if run.date:
            facts["date"] = run.date
        if result is not None:
            facts["key"] = result.parts.key
        name = reference("step", run.pipeline, step.name)
        ident = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{name}/{run.run}/{entry.attempt}"))
        with telling(f"{name} {_WORDS[event]}"):
            outputs = self._without_lineage(result.outputs) if result is not None else []
            self._tools.project.lineage.record(
                name, inputs=step.inputs, outputs=outputs, facts=facts, run=ident, event=event
            )

    def _without_lineage(self, outputs: Mapping[str, str]) -> list[str]:
        """Outputs as they are now for which no lineage exists yet: a step only knows that each may
        be made from everything that it takes.
        """
        edges = self._tools.project.lineage.edges()
        recorded = {edge.output for edge in edges if not edge.job.startswith("step:")}
        return [
            output
            for output, content in outputs.items()
            if not recorded & {output, f"{output}@{content}"}
        ]

    def _fail(self, entry: StepEntry, reason: str, notebook: str | None = None) -> None:
        if entry.step.job is not None:
            self._tell(self._definition.step(entry.step.name), entry, "FAIL")
        self._keep(
            self._store.move(self._run, entry, StepState.FAILED, reason=reason, notebook=notebook)
        )

    def _skip_hopeless(self) -> None:
        """Skip what depends, directly or not, on a failed step; computed again each time, so that a
        killed driver leaves none behind.

        A step that several failures stop names the one that failed first, even if a new driver
        finds them all at once.
        """
        failed = [
            entry.step for entry in self._steps.values() if entry.step.state is StepState.FAILED
        ]
        for step in sorted(failed, key=lambda step: step.ended_at or now()):
            for name in graph.downstream(self._definition.after, step.name):
                if self._steps[name].step.state is StepState.WAITING:
                    self._move(self._steps[name], StepState.SKIPPED, f"{step.name} failed")

    def _move(self, entry: StepEntry, to: StepState, reason: str) -> None:
        self._keep(self._store.move(self._run, entry, to, reason=reason))

    # All the time

    def _running(self) -> Iterator[StepEntry]:
        return (entry for entry in self._steps.values() if entry.step.state is StepState.RUNNING)

    def _keep(self, entry: StepEntry) -> None:
        self._steps[entry.step.name] = entry
        if entry.step.state is not StepState.RUNNING:  # reported once its job runs
            self._report(entry.step)

    def _report(self, step: StepRun) -> None:
        """Report a step's moves to `on_step`, each once; that it waits only with the reason."""
        waits = step.state is StepState.WAITING
        if (
            self._tools.on_step is None
            or step.state in self._reported[step.name]
            or (waits and step.reason == self._steps[step.name].step.reason)
        ):
            return
        self._reported[step.name].add(step.state)
        self._tools.on_step(step)

    def _wait(self, seen: int) -> None:
        """Wait until something was committed since `seen`, or for a while."""
        limit = time.monotonic() + _QUIET_SECONDS
        while time.monotonic() < limit and self._store.data_version() == seen:
            time.sleep(_LOOK_SECONDS)
