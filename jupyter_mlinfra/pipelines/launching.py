"""Starting runs and driving them: one driver for each lane of a pipeline, found by its lock; a run
without one is continued or cancelled.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import Conflict, MLInfraError, Unavailable
from ..core.files import file_lock
from ..core.processes import Identity, failpoint, spawn_detached
from ..core.records import now
from ..jobs import JobSettings
from .assess import Assessor
from .backfill import run_digest
from .binding import bind
from .binding import lane as lane_of
from .contents import Contents, Fingerprints
from .definition import Definition, StepDefinition
from .document import Document, read_document
from .engine import CANCEL_MARGIN_SECONDS, Engine, Tools
from .references import kind_of
from .rows import RunEntry, RunRequest
from .spec import PipelineRun, StepRun, StepState
from .state import as_its_job, is_final
from .store import RunStore

if TYPE_CHECKING:
    from ..core.project import Project
    from ..jobs import Jobs

_LOCK_SECONDS = 10.0
"""How long a driver waits for the previous one."""
_NAMED = 10
"""How many missing inputs are named beside the first."""
_START = timedelta(seconds=60)
"""How long a driver may take to start before its run counts as interrupted."""


def _input_position(step: StepDefinition, reference: str) -> tuple[str | int, ...]:
    """The position in the file where a step takes something."""
    return ("steps", step.file_name, "in", step.inputs.index(reference))


class Launcher:
    """Starts and drives the runs of one project."""

    def __init__(
        self, project: Project, jobs: Jobs, store: RunStore, fingerprints: Fingerprints, opener: str
    ) -> None:
        self._project = project
        self._jobs = jobs
        self._store = store
        self._fingerprints = fingerprints
        self._opener = opener

    def launch(
        self,
        definition: Definition,
        bound: Definition,
        values: Mapping[str, Any],
        plan: RunRequest,
        *,
        force: bool,
        wait: bool,
        on_step: Callable[[StepRun], None] | None,
        on_begin: Callable[[], None] | None = None,
        key: str | None = None,
    ) -> PipelineRun:
        """Start a run, or continue one that lost its driver, and drive it. definition: of the file;
        bound: the part that runs.

        key: one that no run was started with; then no other run is continued.
        """
        self.check_inputs(bound, lambda: self.bind(definition, values), without=plan.keep)
        lane = lane_of(definition, definition.date_of(values))
        with self.lock(definition.name, lane):
            entry = self._left_over(bound, values, plan, lane, force=force) if key is None else None
            if entry is None:
                user = self._project.user
                entry = self._store.begin(
                    bound, parameters=values, force=force, user=user, plan=plan, lane=lane, key=key
                )
            if on_begin is not None:
                on_begin()
            if wait:
                return self.drive(entry, on_step)
            self._store.drive(entry, None)
        failpoint("begun")
        return self.detach(entry)

    def drive(self, entry: RunEntry, on_step: Callable[[StepRun], None] | None) -> PipelineRun:
        """Drive a run here, or end it if it cannot be read; the caller holds the lock."""
        if entry.problem:
            return self._give_up(entry)
        self._store.drive(entry, Identity.of(os.getpid()))
        try:
            return self._driven(entry, on_step)
        except BaseException:
            # This process lives on, as a kernel does, but no longer drives the run: it is
            # interrupted.
            with contextlib.suppress(MLInfraError):
                self._store.release(entry)
            raise

    def resume(
        self, run: str, *, wait: bool, on_step: Callable[[StepRun], None] | None = None
    ) -> PipelineRun:
        """See `Pipelines.resume`."""
        entry = self._store.run(run)
        with self.lock(entry.run.pipeline, entry.lane):
            entry = self._store.run(entry.run.run)
            if is_final(entry.run.state):
                raise Conflict(
                    f"Run {entry.run.run} has ended: {entry.run.state}.",
                    fix=f"mlinfra pipelines run {entry.run.pipeline}: what is done is cached.",
                )
            if not entry.cancelled_by:
                entry.check_readable()
            if wait:
                return self.drive(entry, on_step)
            self._store.drive(entry, None)
        return self.detach(entry)

    def take_over(self, run: str) -> PipelineRun:
        """See `Pipelines.drive`."""
        entry = self._store.run(run)
        with self.lock(entry.run.pipeline, entry.lane, patience=_LOCK_SECONDS):
            entry = self._store.run(entry.run.run)
            return entry.run if is_final(entry.run.state) else self.drive(entry, None)

    def driven(self, run: str) -> PipelineRun:
        """The run, with a new driver if it had lost its own."""
        seen = self.observed(self._store.run(run))
        if not is_final(seen.state) and seen.reason:
            with contextlib.suppress(Conflict):  # another process is continuing it
                return self.resume(run, wait=False)
        return seen

    @contextlib.contextmanager
    def lock(self, pipeline: str, lane: str = "", *, patience: float = 0.0) -> Iterator[None]:
        """Take the lock for driving a lane of a pipeline; it is freed when its holder dies. Raises
        Conflict naming the run that holds it.
        """
        name = f"{pipeline}.{sha256(lane.encode()).hexdigest()[:12]}" if lane else pipeline
        limit, path = (
            time.monotonic() + patience,
            self._project.folder("pipelines") / f"{name}.lock",
        )
        with contextlib.ExitStack() as stack:
            while True:
                try:
                    stack.enter_context(file_lock(path, wait=False, what=f"Pipeline {pipeline}"))
                    break
                except Conflict:
                    if time.monotonic() >= limit:
                        raise self._busy(pipeline, lane) from None
                    time.sleep(0.05)
            yield

    def observed(self, entry: RunEntry) -> PipelineRun:
        """The run, with its steps in the state of their jobs, and whether it has a driver."""
        if is_final(entry.run.state) or entry.problem:
            return entry.run
        run = replace(entry.run, steps=[self._with_job(step) for step in entry.run.steps])
        missing = not entry.driver.alive() if entry.driver else now() - entry.driven_at > _START
        if not missing:
            return run
        return replace(
            run,
            reason=(
                "Interrupted: the process that drove it has ended. Continue it: mlinfra pipelines"
                f" resume {entry.run.run}"
            ),
        )

    def detach(self, entry: RunEntry) -> PipelineRun:
        """Let a separate process drive a run."""
        self.spawn([entry.run.run], log=self._project.folder("runs", entry.run.run) / "driver.log")
        return self.observed(self._store.run(entry.run.run))

    def spawn(self, arguments: Sequence[str], *, log: Path) -> None:
        """Start the driver with these arguments; it outlives this process."""
        spawn_detached(
            "jupyter_mlinfra.pipelines.driver",
            [*arguments, "--project", str(self._project.root), "--open", self._opener],
            log=log,
        )

    def cancel_jobs(self, entry: RunEntry) -> list[str]:
        """Cancel the jobs of the steps that run, also of a run that cannot be read; returns them.

        A driver that was killed may have submitted one without recording it: that is found by its
        key.
        """
        jobs: list[str] = []
        for job, key in self._store.running_steps(entry):
            if job is not None:
                jobs.append(job)
            elif submitted := self._jobs.job_of(key):
                jobs.append(submitted.id)
        for job in jobs:
            self._jobs.cancel(job)
        return jobs

    def contents(self) -> Contents:
        """The present contents, looked up again."""
        return Contents(self._project.root, self._store, self._fingerprints)

    def assessor(
        self, bound: Definition, contents: Contents | None = None, plan: RunRequest | None = None
    ) -> Assessor:
        """Examines steps without a run."""
        return Assessor(
            self._project.root,
            self._store,
            contents or self.contents(),
            pipeline=bound.name,
            force=False,
            plan=plan,
        )

    def bind(self, definition: Definition, values: Mapping[str, Any]) -> Definition:
        """The steps of a run with these values; errors in them have their line."""
        return bind(definition, values, lambda *fault: self.document(definition).error(*fault))

    def document(self, definition: Definition) -> Document:
        """The file as it is now, with its lines."""
        return read_document(self._project.root / definition.path, definition.path)

    def check_inputs(
        self,
        bound: Definition,
        whole: Callable[[], Definition] | None = None,
        *,
        without: Collection[str] = (),
    ) -> None:
        """Raise Unprocessable for missing inputs that no step makes: for the first one, with the
        others in its reason.

        whole: returns the pipeline that `bound` is part of. without: steps whose results are taken.
        """
        contents = self.contents()
        missing = [
            (step, reference)
            for step, reference in bound.external_inputs()
            if step.name not in without and not contents.exists(reference)
        ]
        if not missing:
            return
        (step, reference), document = missing[0], self.document(bound)
        what = f"step {step.name} takes {reference}, which does not exist."
        makers = {
            output: step.name
            for step in (whole() if whole else bound).steps
            for output in step.outputs
        }
        if reference in makers:
            why, fix = f"Step {makers[reference]} makes it.", f"mlinfra pipelines run {bound.name}"
        else:
            correction = (
                "Correct the path (it begins at this file's folder)"
                if kind_of(reference) == "file"
                else "Correct the name, make it first"
            )
            why, fix = (
                "No step of this pipeline makes it.",
                f"{correction}, or add the step that makes it under `out`.",
            )
        also = dict.fromkeys(
            f"line {document.line(_input_position(other, taken))}: step {other.file_name} takes"
            f" {taken}"
            for other, taken in missing[1:]
        )
        if also:
            more = f"; and {len(also) - _NAMED} more" if len(also) > _NAMED else ""
            why += f" Missing too: {'; '.join([*also][:_NAMED])}{more}."
        raise document.error(_input_position(step, reference), what, why, fix)

    def _with_job(self, step: StepRun) -> StepRun:
        if step.state is StepState.RUNNING and step.job is not None:
            # A job that cannot be read must not keep the run from being shown.
            with contextlib.suppress(MLInfraError):
                return as_its_job(step, self._jobs.look(step.job))
        return step

    def _busy(self, pipeline: str, lane: str) -> Conflict:
        under_way = self._store.unfinished(pipeline, lane)
        if not under_way:
            return Conflict(
                f"Pipeline {pipeline} is being started.",
                "Another process holds its lock.",
                "Try again in a moment.",
            )
        run = under_way[0].run
        why = (
            f"Run {run.run} of {run.user} began at {run.started_at:%H:%M:%S} UTC; two at once would"
            " write the same outputs."
        )
        return Conflict(
            f"Pipeline {pipeline} is already running.",
            why,
            f"Wait for it, or: mlinfra pipelines cancel {run.run}",
        )

    def _left_over(
        self,
        bound: Definition,
        values: Mapping[str, Any],
        plan: RunRequest,
        lane: str,
        *,
        force: bool,
    ) -> RunEntry | None:
        """The run to continue, if one lost its driver and equals the requested one. Any other such
        run of the lane is cancelled.

        They differ once the inputs of its steps have changed: users want the present state. What is
        still valid is taken from the cache. The caller holds the lock, so the run has no driver;
        but one may be about to start.
        """
        requested = (
            bound.as_stored(),
            dict(values),
            force,
            dict(plan.again),
            plan.repairs,
            plan.backend,
        )
        for entry in self._store.unfinished(bound.name, lane):
            if entry.driver is None and now() - entry.driven_at < _START:
                raise self._busy(bound.name, lane)
            recorded = (
                entry.definition,
                dict(entry.run.parameters),
                entry.force,
                dict(entry.plan.again),
                entry.plan.repairs,
                entry.plan.backend,
            )
            if recorded == requested and not entry.cancelled_by and self._is_current(entry):
                return entry
            self._store.request_cancel(entry, self._project.user)
            self.drive(entry, None)
        return None

    def _is_current(self, entry: RunEntry) -> bool:
        assessor = self.assessor(entry.definition, plan=entry.plan)
        steps = self._store.steps(entry)
        return all(assessor.is_current(step, steps[step.name]) for step in entry.definition.steps)

    def _give_up(self, entry: RunEntry) -> PipelineRun:
        """Cancel a run that cannot be read, once its jobs have ended."""
        jobs = self.cancel_jobs(entry)
        if jobs:
            grace_seconds = self._project.settings.of(JobSettings).grace_seconds
            self._jobs.wait(jobs, timeout=grace_seconds + CANCEL_MARGIN_SECONDS)
        return self._store.give_up(entry, reason="It was ended: it could not be read.").run

    def _driven(self, entry: RunEntry, on_step: Callable[[StepRun], None] | None) -> PipelineRun:
        tools = Tools(
            project=self._project,
            store=self._store,
            jobs=self._jobs,
            contents=self.contents(),
            on_step=on_step,
        )
        while True:
            try:
                current = self._store.run(entry.run.run)
                if current.problem:
                    return self._give_up(current)
                self._note_digest(current, tools.contents)
                return Engine(tools, current).drive().run
            except Unavailable:
                if tools.patience.is_over():
                    raise
                time.sleep(1.0)
            except KeyboardInterrupt:
                current = self._store.run(entry.run.run)
                if current.problem:
                    self._give_up(current)
                else:
                    Engine(replace(tools, on_step=None), current).cancel(
                        f"Interrupted by {self._project.user}."
                    )
                raise

    def _note_digest(self, entry: RunEntry, contents: Contents) -> None:
        """Record what a dated run as a whole is made from, before its first step. Reading all
        inputs takes long: it is done by the driver, not by the process that started it.
        """
        has_started = entry.digest or any(
            step.state is not StepState.WAITING for step in entry.run.steps
        )
        if has_started or entry.cancelled_by or not entry.definition.date:
            return
        # A step that cannot be examined fails, and says why.
        with contextlib.suppress(MLInfraError):
            self._store.note_digest(
                entry,
                run_digest(entry.definition, self.assessor(entry.definition, contents, entry.plan)),
            )
