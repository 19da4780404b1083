"""The verbs of pipelines: the only module that interfaces call."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import BadRequest, Conflict, NotFound, Unprocessable
from ..core.files import write_atomic
from ..core.records import Page, page_of
from ..core.refs import named
from ..core.search import Document
from . import drafting, explaining, planning, views
from .argo.plan import ArgoPlan, slug
from .backfill import DateRange
from .binding import lane as lane_of
from .contents import Fingerprints
from .definition import Definition
from .export import check_target, export, written
from .file import SUFFIX
from .filling import Backfills
from .finding import find_pipeline, pipeline_files, steps_like
from .launching import Launcher
from .parameter_values import plain
from .rows import RunRequest
from .single import read_parameters, single
from .spec import (
    Backfill,
    Draft,
    Edited,
    Explanation,
    Exported,
    Pipeline,
    PipelineDetail,
    PipelineRun,
    Proposal,
    RunState,
    StepRun,
)
from .state import is_final
from .stopping import RunStopper
from .store import RunStore

if TYPE_CHECKING:
    from ..core.project import Project
    from ..jobs import Jobs

LAST = 5
"""How many runs a list shows per pipeline."""
_RUN = re.compile("[0-9a-f]{4,}")


class Pipelines:
    """Pipelines of one project: notebooks in order, with a cache.

    fingerprints: kind → function that returns the content id of a name, None if it is absent.
    tracked: returns the (step, id) of the tracked runs that carry the tag of a pipeline run.
    opener: `module:function` that opens the project at a path and has these pipelines as
    `.pipelines`; a driver in a process of its own begins with it.
    """

    def __init__(
        self,
        project: Project,
        jobs: Jobs,
        fingerprints: Fingerprints | None = None,
        *,
        tracked: views.Tracked | None = None,
        opener: str = "",
    ) -> None:
        self._project = project
        self._tracked = tracked
        self._jobs = jobs
        self._store = RunStore(project.database)
        self._launcher = Launcher(
            project, jobs, self._store, {} if fingerprints is None else fingerprints, opener
        )
        self._stopper = RunStopper(project, self._store, self._launcher)
        self._backfills = Backfills(project, self._store, self._launcher, self._stopper)

    # Looking

    def list(self, *, limit: int = 50, cursor: str | None = None) -> Page[Pipeline]:
        """Every pipeline file; one that is broken says so in `problem`."""
        return page_of(
            [views.listed(self._project.root, path, self._last) for path in self._files()],
            limit=limit,
            cursor=cursor,
        )

    def show(self, name: str) -> PipelineDetail:
        """A pipeline by name or path. Raises NotFound, Unprocessable if its file is broken."""
        return self._detail(self._find(name))

    def check(self, path: str | Path) -> PipelineDetail:
        """The same, with a check that all inputs exist. Raises Unprocessable with line and fix: the
        file's first fault, else all missing inputs.
        """
        definition = self._find(str(path))
        self._launcher.check_inputs(self._launcher.bind(definition, definition.values({})))
        return self._detail(definition)

    def draft(self, path: str, text: str) -> Draft:
        """What `text` would mean as the file `path`, checked like a saved file in `show`. Raises
        BadRequest outside the project.
        """
        return drafting.draft(self._project.root, path, text)

    def edit(
        self,
        text: str,
        at: Sequence[str],
        value: Any = None,
        *,
        parameters: str | None = None,
        rename: str | None = None,
        new: bool = False,
    ) -> Edited:
        """`text` with `value` at the keys `at` (None removes them), or with the step at `at`
        renamed; comments and order stay.

        parameters: instead of `value`, as a user writes them in YAML (`k: 5`); text that cannot be
        read is returned as a fault. new: if the place is taken, the last key gets a number:
        `train-2`. Raises Unprocessable if only editing the text by hand can do that.
        """
        return drafting.edit(text, at, value, parameters=parameters, rename=rename, new=new)

    def propose(
        self, notebooks: Sequence[str], *, name: str | None = None, save: bool = False
    ) -> Proposal:
        """A first file that runs these notebooks (paths below the project). save: write it.

        name: default that of their folder. Raises NotFound, Unprocessable for a file that is not a
        notebook, BadRequest or Conflict for a name that cannot be used.
        """
        found = drafting.proposal(
            self._project.root, notebooks, name=None if name is None else named(name, "pipeline")
        )
        if not save:
            return found
        write_atomic(self._project.root / found.path, found.text.encode(), mode=0o644, parents=True)
        return replace(found, saved=True)

    def runs(
        self, name: str | None = None, *, limit: int = 50, cursor: str | None = None
    ) -> Page[PipelineRun]:
        """Runs of a pipeline (also of one whose file is gone), or of all; newest first. Raises
        NotFound for an unknown one.
        """
        pipeline = (
            None
            if name is None
            else self._find(name).name
            if name.endswith(SUFFIX)
            else named(name, "pipeline")
        )
        page = self._store.runs(pipeline, limit=limit, cursor=cursor)
        if pipeline is not None and not page.total:
            # A broken file still exists.
            with contextlib.suppress(Unprocessable, Conflict):
                self._find(pipeline)
        items = [
            (
                self._launcher.observed(self._store.run(run.run))
                if run.state is RunState.RUNNING
                else run
            )
            for run in page.items
        ]
        items = planning.as_the_files_are(items, self._find, self._launcher.bind)
        return replace(page, items=[views.brief(run) for run in items])

    def show_run(self, run: str) -> PipelineRun:
        """A run by its id, or the beginning of it, with the tracked runs that its steps made."""
        observed = [self._launcher.observed(self._store.run(run))]
        (shown,) = planning.as_the_files_are(observed, self._find, self._launcher.bind)
        if self._tracked is None:
            return shown
        return views.with_tracked(shown, self._tracked, self._jobs)

    def explain(self, step: str, *, parameters: Mapping[str, Any] | None = None) -> Explanation:
        """What `PIPELINE/STEP` would do now: which part of its key differs from its last complete
        result, and how. Nothing is run.

        parameters: of the pipeline, as for a run. Raises NotFound if there is no such pipeline or
        step.
        """
        name, slash, step_name = step.rpartition("/")
        if not slash or not name or not step_name:
            like = steps_like(self._project.root, self._project.home, name or step_name)
            examples = ", ".join(like[:5])
            raise BadRequest(
                f"{step!r} is not a step of a pipeline.",
                "The form is PIPELINE/STEP.",
                f"For example {examples}" if examples else "mlinfra pipelines list",
            )
        definition = self._find(name)
        bound = self._launcher.bind(definition, definition.values(plain(parameters)))
        contents = self._launcher.contents()
        steps = planning.find(bound, step_name)
        return explaining.explain(
            bound, step_name, steps, self._launcher.assessor(bound, contents), contents
        )

    def export(
        self,
        name: str,
        *,
        to: str = "argo",
        image: str | None = None,
        secret: str | None = None,
        schedule: str | None = None,
        output: str | Path | None = None,
    ) -> Exported:
        """The pipeline in the form of another system, as text; written to `output` if that is
        given.

        secret: the Kubernetes Secret that holds its secrets, by default NAME-secrets. schedule: of
        the pipeline, on which it starts. Raises BadRequest for an unknown system, NotFound for the
        schedule, Unprocessable for what the system cannot do.
        """
        check_target(to)
        definition = self._find(name)
        exported = export(
            self._plan(definition, image=image, secret=secret, schedule=schedule),
            root=self._project.root,
        )
        return exported if output is None else written(exported, Path(output))

    def _plan(
        self, definition: Definition, *, image: str | None, secret: str | None, schedule: str | None
    ) -> ArgoPlan:
        chosen, paused = None, False
        if schedule is not None:
            from .schedules.service import Schedules

            chosen, paused = Schedules(self._project, self, self._jobs).planned(
                schedule, definition
            )
        parameters = {} if chosen is None else chosen.parameters
        bound = self._launcher.bind(definition, definition.values(parameters))
        return ArgoPlan(
            definition=definition,
            bound=bound,
            image=image,
            secret=secret or f"{slug(definition.name)}-secrets",
            schedule=chosen,
            paused=paused,
        )

    def run_of(self, key: str) -> PipelineRun | None:
        """The run that was started with this key."""
        entry = self._store.by_key(key)
        return None if entry is None else self._launcher.observed(entry)

    def under_way(self, name: str, *, parameters: Mapping[str, Any]) -> Sequence[PipelineRun]:
        """Runs that write what a run with these parameters would: it cannot start until they have
        ended. Raises as `run` does for errors in them.
        """
        definition = self._find(name)
        lane = lane_of(definition, definition.date_of(definition.values(plain(parameters))))
        return [
            self._launcher.observed(entry)
            for entry in self._store.unfinished(definition.name, lane)
        ]

    def count_runs(self) -> int:
        """The number of all runs."""
        return self._store.count_runs()

    # Running

    def run(
        self,
        name: str | Path,
        *,
        parameters: Mapping[str, Any] | None = None,
        force: bool = False,
        from_step: str | None = None,
        backend: str | None = None,
        wait: bool = True,
        on_step: Callable[[StepRun], None] | None = None,
        key: str | None = None,
    ) -> PipelineRun:
        """Run a pipeline by name or path: steps whose code, parameters, inputs and environment are
        unchanged are taken from the cache.

        force: run every step. from_step: run that one and what depends on it; for the others the
        last results are taken, even if their code has changed. backend: for jobs whose step names
        none. wait: drive the run here and return it when it has ended (an interrupt cancels it);
        otherwise a separate process drives it. on_step: called for each move of a step; only with
        `wait`. A run of the same pipeline that lost its driver is continued if it is the same, else
        cancelled. key: for `wait=False`; a second call with the same key returns the run of the
        first, with a driver if it has none, and continues no other run. Raises Conflict if the
        pipeline is already running, Unprocessable with the line for errors in its file.
        """
        if key is not None and (entry := self._store.by_key(key)) is not None:
            return (
                entry.run
                if is_final(entry.run.state) or (entry.driver is not None and entry.driver.alive())
                else self._launcher.detach(entry)
            )
        definition = self._find(str(name))
        values = definition.values(plain(parameters))
        bound = self._launcher.bind(definition, values)
        plan = planning.from_step(bound, from_step, self._store, backend=backend)
        return self._launcher.launch(
            definition, bound, values, plan, force=force, wait=wait, on_step=on_step, key=key
        )

    def run_step(
        self,
        name: str,
        step: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        force: bool = False,
        backend: str | None = None,
        wait: bool = True,
        on_step: Callable[[StepRun], None] | None = None,
    ) -> PipelineRun:
        """Run one step alone, with other values for some of its notebook's parameters; its inputs
        must exist.

        Its result counts like any other: the next run of the pipeline reports that its parameters
        have changed. Raises as `run` does.
        """
        definition = self._find(name)
        values = definition.values({})
        plan = RunRequest(backend=backend, only=step, given=plain(parameters))
        changed, bound = self._bound(definition, values, plan)
        return self._launcher.launch(
            changed, bound, values, plan, force=force, wait=wait, on_step=on_step
        )

    def repair(
        self,
        run: str,
        *,
        backend: str | None = None,
        wait: bool = True,
        on_step: Callable[[StepRun], None] | None = None,
    ) -> PipelineRun:
        """A new run of the present file with the parameters of `run`: steps that failed, were
        cancelled or skipped there run again, with everything that depends on them. For a run of one
        step alone, that step with its values.

        What had succeeded is taken from `run`, even if its code has changed since. It runs again
        only if its result is gone: another run has replaced it, or its files have changed. Raises
        Conflict if nothing needs repair, or `run` has not ended.
        """
        base = self._store.run(run)
        if not is_final(base.run.state):
            raise Conflict(
                f"Run {base.run.run} has not ended.",
                "Only a run that has ended is repaired.",
                f"mlinfra pipelines resume {base.run.run}",
            )
        base.check_readable()
        definition = self._find(base.run.pipeline)
        values = planning.values_of(base.run, definition)
        definition, bound = self._bound(definition, values, base.plan)
        plan = planning.repair(base, bound, backend=backend or base.plan.backend)
        return self._launcher.launch(
            definition, bound, values, plan, force=False, wait=wait, on_step=on_step
        )

    def backfill(
        self,
        name: str,
        *,
        first: str,
        last: str,
        every: str = "day",
        parameters: Mapping[str, Any] | None = None,
        parallel: int = 4,
        dry_run: bool = False,
        wait: bool = True,
        on_run: Callable[[PipelineRun], None] | None = None,
        id: str = "",
    ) -> Backfill:
        """One run for each date from `first` to `last`, both included, oldest first; a date that
        succeeded and has not changed is skipped.

        every: `day`, `week` or `month`. parallel: most dates at the same time, if they do not write
        the same things. dry_run: only count. wait: as for `run`; on_run is called at the end of
        each, and a failure does not stop the others.
        """
        return self._backfills.run(
            name,
            self._find(name),
            DateRange(first=first, last=last, every=every),
            parameters=plain(parameters),
            parallel=parallel,
            dry_run=dry_run,
            wait=wait,
            on_run=on_run,
            id=id,
        )

    def resume(
        self, run: str, *, wait: bool = True, on_step: Callable[[StepRun], None] | None = None
    ) -> PipelineRun:
        """Continue a run whose driver ended: its finished steps stay, its running jobs are
        followed, nothing is done twice.

        Raises Conflict if the run has ended, or has a driver.
        """
        return self._launcher.resume(run, wait=wait, on_step=on_step)

    def drive(self, run: str) -> PipelineRun:
        """What the process of `wait=False` does: drive a run to its end. A run that has ended
        meanwhile is unchanged.
        """
        return self._launcher.take_over(run)

    def cancel(self, run: str, *, wait: bool = True) -> PipelineRun:
        """End a run with all its jobs; returns when they have ended. Raises Conflict if the run had
        already ended.

        wait: if false, its driver is only asked to do so. On a full disk its jobs are ended anyway,
        and Unavailable is raised.
        """
        return self._stopper.cancel(run, wait=wait)

    def stop(self) -> Sequence[PipelineRun]:
        """Cancel every unfinished run. Each is tried; what could not be cancelled is raised at the
        end.
        """
        return self._stopper.cancel_all()

    # Search

    def search_fingerprint(self) -> str:
        """Changes when a pipeline file does."""
        stamps = []
        for path in self._files():
            with contextlib.suppress(OSError):
                status = path.stat()
                stamps.append([str(path), status.st_mtime_ns, status.st_size])
        return json.dumps(stamps)

    def search_documents(self) -> Iterator[Document]:
        """Every pipeline and every step; a broken file by its name."""
        for path in self._files():
            yield from views.documents(self._project.root, path)

    # Within

    def _bound(
        self, definition: Definition, values: Mapping[str, Any], plan: RunRequest
    ) -> tuple[Definition, Definition]:
        """The pipeline, and the part of it that runs: all, or the one step of the plan with its
        values.
        """
        if not plan.only:
            return definition, self._launcher.bind(definition, values)
        changed, bound = single(
            definition, plan.only, plan.given, lambda item: self._launcher.bind(item, values)
        )
        read_parameters(self._project.root, bound.steps[0].notebook, plan.given)
        return changed, bound

    def _files(self) -> Iterator[Path]:
        return pipeline_files(self._project.root, self._project.home)

    def _find(self, name: str) -> Definition:
        try:
            return find_pipeline(self._project.root, self._project.home, name)
        except NotFound as error:
            run = self._run_called(name)
            if run is None:
                raise
            raise NotFound(
                error.what,
                f"That is a run of {run.pipeline}.",
                f"mlinfra pipelines status {run.run}",
            ) from None

    def _run_called(self, name: str) -> PipelineRun | None:
        """The run that a user has named instead of a pipeline."""
        if not _RUN.fullmatch(name):
            return None
        with contextlib.suppress(NotFound, BadRequest):
            return self._store.run(name).run
        return None

    def _detail(self, definition: Definition) -> PipelineDetail:
        bound = self._launcher.bind(definition, definition.values({}))
        return views.detail(
            definition, bound, self._last(definition.name), self.runs(definition.name, limit=LAST)
        )

    def _last(self, name: str) -> Sequence[RunState]:
        return self._store.newest_states(name, LAST)
