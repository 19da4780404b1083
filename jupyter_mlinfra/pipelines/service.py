"""The verbs of pipelines: the only room that a face calls."""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from ..core.errors import BadRequest, Conflict, MLInfraError, Unavailable, Unprocessable, raise_all
from ..core.files import file_lock
from ..core.processes import Identity, failpoint, spawn_detached
from ..core.records import Page, now, page_of
from ..core.refs import named, reference
from ..core.search import Document
from .contents import Contents, Fingerprints
from .definition import Definition
from .engine import Engine, Tools
from .file import SUFFIX, load, shown
from .finding import find_pipeline, pipeline_files
from .references import kind_of
from .spec import Pipeline, PipelineDetail, PipelineRun, RunState, StepRun, StepState
from .state import is_final
from .store import RunEntry, Store

if TYPE_CHECKING:
    from ..core.project import Project
    from ..jobs import Jobs

LAST = 5
"""How many runs a list shows of each pipeline."""
_START = timedelta(seconds=60)
"""How long a driver may take to come up before its run counts as interrupted."""
_LOCK_SECONDS = 10.0


class Pipelines:
    """Pipelines of one project: notebooks in order, with a cache.

    fingerprints: kind → function that gives the content id of a name, None when it is absent. opener: `module:function` that opens
    the project at a path and has these pipelines as `.pipelines`; a driver in a process of its own begins with it.
    """

    def __init__(self, project: Project, jobs: Jobs, fingerprints: Fingerprints | None = None, *, opener: str = "jupyter_mlinfra.workbench:current") -> None:
        self._project = project
        self._jobs = jobs
        self._fingerprints: Fingerprints = {} if fingerprints is None else fingerprints
        self._opener = opener
        self._store = Store(project.database)

    # Looking

    def list(self, *, limit: int = 50, cursor: str | None = None) -> Page[Pipeline]:
        """Every pipeline file; one that is broken says so in `problem`."""
        return page_of([self._pipeline(path) for path in self._files()], limit=limit, cursor=cursor)

    def show(self, name: str) -> PipelineDetail:
        """A pipeline by name or path. Raises NotFound, Unprocessable when its file is broken."""
        return self._detail(self._find(name))

    def check(self, path: str | Path) -> PipelineDetail:
        """The same, once everything that it takes is there too: Unprocessable, with line and fix, is all that can be wrong before a run."""
        definition = self._find(str(path))
        self._check_inputs(definition)
        return self._detail(definition)

    def runs(self, name: str | None = None, *, limit: int = 50, cursor: str | None = None) -> Page[PipelineRun]:
        """Runs of a pipeline (also of one whose file is gone), or of all; newest first. Raises NotFound for one of which nothing is known."""
        plain = None if name is None else self._find(name).name if name.endswith(SUFFIX) else named(name, "pipeline")
        page = self._store.runs(plain, limit=limit, cursor=cursor)
        if plain is not None and not page.total:
            with contextlib.suppress(Unprocessable, Conflict):  # a file that is broken is there all the same
                self._find(plain)
        return replace(page, items=[self._observed(self._store.run(run.run)) if run.state is RunState.RUNNING else run for run in page.items])

    def show_run(self, run: str) -> PipelineRun:
        """A run by its id, or the beginning of it."""
        return self._observed(self._store.run(run))

    def run_of(self, key: str) -> PipelineRun | None:
        """The run that was begun with this key."""
        known = self._store.by_key(key)
        return None if known is None else self._observed(known)

    def count_runs(self) -> int:
        """All runs there are."""
        return self._store.count_runs()

    # Running

    def run(
        self,
        name: str | Path,
        *,
        parameters: Mapping[str, Any] | None = None,
        force: bool = False,
        wait: bool = True,
        on_step: Callable[[StepRun], None] | None = None,
        key: str | None = None,
    ) -> PipelineRun:
        """Run a pipeline by name or path: steps whose code, parameters, inputs and environment are unchanged are taken from the cache.

        force: run every step. wait: drive the run here and return its end (an interrupt cancels it); else a process of its own
        drives it, whatever becomes of this one. on_step: told of each move of a step; only with `wait`.
        A run of the same pipeline that lost its driver is gone on with when it is the same, else cancelled.
        key: for `wait=False`; a second call with the same key gives the run of the first, with a driver if it has none. No other run is gone on with.
        Raises Conflict when the pipeline runs already, Unprocessable with the line for what is wrong in its file.
        """
        if key is not None and (known := self._store.by_key(key)) is not None:
            return known.run if is_final(known.run.state) or (known.driver is not None and known.driver.alive()) else self._detach(known)
        definition = self._find(str(name))
        values = definition.values(_plain(parameters or {}))
        self._check_inputs(definition)
        with self._lock(definition.name):
            entry = self._left_over(definition, values, force=force) if key is None else None
            if entry is None:
                entry = self._store.begin(definition, parameters=values, force=force, user=self._project.user, key=key)
            if wait:
                return self._drive(entry, on_step)
            self._store.drive(entry, None)
        failpoint("begun")
        return self._detach(entry)

    def resume(self, run: str, *, wait: bool = True, on_step: Callable[[StepRun], None] | None = None) -> PipelineRun:
        """Go on with a run whose driver ended: its finished steps stay, its running jobs are followed, nothing is done twice.

        Raises Conflict when the run has ended, or is being driven.
        """
        entry = self._store.run(run)
        with self._lock(entry.run.pipeline):
            entry = self._store.run(entry.run.run)
            if is_final(entry.run.state):
                raise Conflict(f"Run {entry.run.run} has ended: {entry.run.state}.", fix=f"mlinfra pipelines run {entry.run.pipeline}: what is done is cached.")
            if wait:
                return self._drive(entry, on_step)
            self._store.drive(entry, None)
        return self._detach(entry)

    def drive(self, run: str) -> PipelineRun:
        """What the process of `wait=False` does: drive a run to its end. A run that has ended meanwhile is left as it is."""
        entry = self._store.run(run)
        with self._lock(entry.run.pipeline, patience=_LOCK_SECONDS):
            entry = self._store.run(entry.run.run)
            return entry.run if is_final(entry.run.state) else self._drive(entry, None)

    def cancel(self, run: str) -> PipelineRun:
        """End a run with all its jobs; returns when they have ended. Raises Conflict when the run had ended before.

        On a full disk its jobs are ended all the same, and Unavailable is raised.
        """
        entry = self._store.run(run)
        if is_final(entry.run.state):
            raise Conflict(f"Run {entry.run.run} has ended: {entry.run.state}.", "There is nothing to cancel.")
        try:
            self._store.request_cancel(entry, self._project.user)
        except Unavailable as error:
            self._end_jobs(entry)
            why = f"{error.why} Its jobs are being ended, but that the run is cancelled cannot be written down."
            raise Unavailable(f"Run {entry.run.run} of {entry.run.pipeline} is not cancelled.", why, error.fix) from error
        limit = time.monotonic() + self._project.settings.jobs.grace_seconds + 30
        while time.monotonic() < limit:
            entry = self._store.run(entry.run.run)
            if is_final(entry.run.state):
                return entry.run
            with contextlib.suppress(Conflict), self._lock(entry.run.pipeline):  # nobody drives it
                entry = self._store.run(entry.run.run)
                return entry.run if is_final(entry.run.state) else self._drive(entry, None)
            time.sleep(0.1)
        return self._observed(entry)

    def stop(self) -> Sequence[PipelineRun]:
        """Cancel every run that is under way. Each is tried; what could not be cancelled is raised at the end."""
        stopped: Sequence[PipelineRun] = ()
        failed: list[MLInfraError] = []
        for entry in self._store.unfinished():
            try:
                stopped = (*stopped, self.cancel(entry.run.run))
            except Conflict:  # it has ended meanwhile
                continue
            except MLInfraError as error:
                failed.append(error)
        raise_all(failed)
        return stopped

    # Search

    def search_fingerprint(self) -> str:
        """Changes when a pipeline file does."""
        found = []
        for path in self._files():
            with contextlib.suppress(OSError):
                status = path.stat()
                found.append([str(path), status.st_mtime_ns, status.st_size])
        return json.dumps(found)

    def search_documents(self) -> Iterator[Document]:
        """Every pipeline and every step; a broken file by its name."""
        for path in self._files():
            try:
                definition = load(self._project.root, path)
            except MLInfraError as error:
                name = PurePosixPath(shown(self._project.root, path)).name.removesuffix(SUFFIX)
                yield Document(ref=reference("pipeline", name), kind="pipeline", name=name, detail=error.what)
                continue
            words = " ".join([definition.description, definition.path, *(step.name for step in definition.steps)])
            detail = f"{len(definition.steps)} steps · {definition.path}"
            yield Document(ref=reference("pipeline", definition.name), kind="pipeline", name=definition.name, text=words, detail=detail)
            for step in definition.steps:
                ref, name = reference("step", definition.name, step.name), f"{definition.name}/{step.name}"
                text = " ".join([step.description, step.notebook, *step.inputs, *step.outputs])
                yield Document(ref=ref, kind="step", name=name, text=text, detail=step.notebook)

    # Within

    def _files(self) -> Iterator[Path]:
        return pipeline_files(self._project.root, self._project.home)

    def _find(self, name: str) -> Definition:
        return find_pipeline(self._project.root, self._project.home, name)

    def _pipeline(self, path: Path) -> Pipeline:
        try:
            return self._record(load(self._project.root, path))
        except MLInfraError as error:
            place = shown(self._project.root, path)
            name = PurePosixPath(place).name.removesuffix(SUFFIX)
            last = self._store.newest_states(name, LAST)
            return Pipeline(ref=reference("pipeline", name), name=name, path=place, steps=0, last=last, description="", problem=str(error))

    def _record(self, definition: Definition) -> Pipeline:
        name = definition.name
        last = self._store.newest_states(name, LAST)
        return Pipeline(
            ref=reference("pipeline", name), name=name, path=definition.path, steps=len(definition.steps), last=last, description=definition.description
        )

    def _detail(self, definition: Definition) -> PipelineDetail:
        name = definition.name
        given = "".join(f", {key}={value!r}" for key, value in definition.parameters.items())
        words = "".join(f" -p {key}={value}" for key, value in definition.parameters.items() if isinstance(value, str | int | float))
        code = {
            "python": f'import jupyter_mlinfra as ml\n\nml.pipeline("{name}").run({given.removeprefix(", ")})',
            "magic": f"%pipeline run {name}{words.replace(' -p ', ' ')}",
            "cli": f"mlinfra pipelines run {name}{words}",
        }
        graph = [step.record() for step in definition.steps]
        runs = self.runs(name, limit=LAST)
        return PipelineDetail(pipeline=self._record(definition), graph=graph, runs=runs.items, runs_total=runs.total, code=code)

    def _contents(self) -> Contents:
        return Contents(self._project.root, self._store, self._fingerprints)

    def _check_inputs(self, definition: Definition) -> None:
        """Raise Unprocessable for the first input that no step makes and that is not there."""
        from .document import read_document

        contents = self._contents()
        for step, taken in definition.external_inputs():
            if contents.of(taken) is None:
                document = read_document(self._project.root / definition.path, definition.path)
                spot = ("steps", step.name, "in", step.inputs.index(taken))
                what = f"step {step.name} takes {taken}, which does not exist."
                if kind_of(taken) == "file":
                    fix = "Mend the path (it begins at this file's folder), or add the step that makes it under `out`."
                else:
                    fix = "Mend the name, make it first, or add the step that makes it under `out`."
                raise document.error(spot, what, "No step of this pipeline makes it.", fix)

    @contextlib.contextmanager
    def _lock(self, pipeline: str, *, patience: float = 0.0) -> Iterator[None]:
        """Hold the right to drive a pipeline; it dies with its holder. Raises Conflict naming the run that holds it."""
        limit, path = time.monotonic() + patience, self._project.folder("pipelines") / f"{pipeline}.lock"
        with contextlib.ExitStack() as stack:
            while True:
                try:
                    stack.enter_context(file_lock(path, wait=False, what=f"Pipeline {pipeline}"))
                    break
                except Conflict:
                    if time.monotonic() >= limit:
                        raise self._busy(pipeline) from None
                    time.sleep(0.05)
            yield

    def _busy(self, pipeline: str) -> Conflict:
        under_way = self._store.unfinished(pipeline)
        if not under_way:
            return Conflict(f"Pipeline {pipeline} is being started.", "Another process holds its lock.", "Try again in a moment.")
        run = under_way[0].run
        why = f"Run {run.run} of {run.user} began at {run.started_at:%H:%M:%S} UTC; two at once would write the same outputs."
        return Conflict(f"Pipeline {pipeline} is already running.", why, f"Wait for it, or: mlinfra pipelines cancel {run.run}")

    def _left_over(self, definition: Definition, values: Mapping[str, Any], *, force: bool) -> RunEntry | None:
        """The run to go on with, if one lost its driver and is the same as asked for. Any other such run is cancelled.

        The caller holds the lock, so nobody drives it; yet its driver may be about to come up.
        """
        for entry in self._store.unfinished(definition.name):
            if entry.driver is None and now() - entry.driven_at < _START:
                raise self._busy(definition.name)
            if (entry.definition, dict(entry.run.parameters), entry.force) == (definition.kept(), dict(values), force) and not entry.cancelled_by:
                return entry
            self._store.request_cancel(entry, self._project.user)
            self._drive(entry, None)
        return None

    def _drive(self, entry: RunEntry, on_step: Callable[[StepRun], None] | None) -> PipelineRun:
        """Drive a run here; the caller holds the lock."""
        self._store.drive(entry, Identity.of(os.getpid()))
        try:
            return self._driven(entry, on_step)
        except BaseException:
            with contextlib.suppress(MLInfraError):  # this process lives on, as a kernel does, but drives no more: the run is interrupted
                self._store.release(entry)
            raise

    def _driven(self, entry: RunEntry, on_step: Callable[[StepRun], None] | None) -> PipelineRun:
        tools = Tools(project=self._project, store=self._store, jobs=self._jobs, contents=self._contents(), on_step=on_step)
        while True:
            try:
                return Engine(tools, self._store.run(entry.run.run)).drive().run
            except Unavailable:
                if tools.patience.is_over():
                    raise
                time.sleep(1.0)
            except KeyboardInterrupt:
                Engine(replace(tools, on_step=None), self._store.run(entry.run.run)).cancel(f"Interrupted by {self._project.user}.")
                raise

    def _end_jobs(self, entry: RunEntry) -> None:
        for step in entry.run.steps:
            if step.state is StepState.RUNNING and step.job is not None:
                self._jobs.cancel(step.job)

    def _detach(self, entry: RunEntry) -> PipelineRun:
        log = self._project.home / "runs" / entry.run.run / "driver.log"
        spawn_detached("jupyter_mlinfra.pipelines.driver", [entry.run.run, "--project", str(self._project.root), "--open", self._opener], log=log)
        return self.show_run(entry.run.run)

    def _observed(self, entry: RunEntry) -> PipelineRun:
        """The run, and whether anybody drives it."""
        if is_final(entry.run.state):
            return entry.run
        missing = not entry.driver.alive() if entry.driver else now() - entry.driven_at > _START
        if not missing:
            return entry.run
        return replace(entry.run, reason=f"Interrupted: the process that drove it has ended. Go on with: mlinfra pipelines resume {entry.run.run}")


def _plain(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as they stand in a file: JSON values only. Raises BadRequest."""
    for name, value in parameters.items():
        try:
            text = json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            fix = "Give text, numbers, true or false, lists or mappings of them."
            raise BadRequest(f"Parameter {name} cannot be {value!r}.", "It has no JSON form." if not _is_nan(value) else "It is not finite.", fix) from error
        parameters = {**parameters, name: json.loads(text)}
    return dict(parameters)


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
