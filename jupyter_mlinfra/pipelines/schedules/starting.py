"""Starts what a schedule is for, once for each firing, and knows what stands in its way."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from ...core.errors import BadRequest, Conflict, MLInfraError, NotFound, Unavailable, Unprocessable
from ...core.secrets import check_secret
from ..definition import Definition, placeholders, render
from ..finding import find_pipeline
from ..spec import PipelineRun, RunState
from .spec import FiringState, ScheduleSpec
from .store import FiringEntry, ScheduleEntry, ScheduleStore

if TYPE_CHECKING:
    from ...core.project import Project
    from ...jobs import Jobs, JobSpec
    from ..service import Pipelines

TEMPLATES = ("date", "due")
QUEUE_LIMIT = 100
"""Firings of a schedule that may wait for their turn; more are skipped."""
_END_SECONDS = 30.0
_FINAL_JOBS = ("succeeded", "failed", "cancelled", "lost")


@dataclass(frozen=True, slots=True)
class Blocker:
    """What runs still. cancel: ends it, and waits for its end. resumed: it had lost its driver, and was gone on with."""

    text: str
    cancel: Callable[[], object]
    resumed: bool


class Starter:
    """For one project."""

    def __init__(self, project: Project, store: ScheduleStore, pipelines: Pipelines, jobs: Jobs) -> None:
        self._project = project
        self._store = store
        self._pipelines = pipelines
        self._jobs = jobs

    def check(self, spec: ScheduleSpec) -> None:
        """Raise for what could never be started: a pipeline, notebook or parameter that is not there, a template that stands for nothing."""
        for name in placeholders([spec.parameters, spec.job or {}]):
            if name not in TEMPLATES:
                raise BadRequest(f"{{{{ {name} }}}} stands for nothing.", f"A schedule knows {', '.join(TEMPLATES)}: the due time in its zone.", "Mend it.")
        if spec.pipeline is not None:
            self.definition(spec).values(spec.parameters)
            return
        job = self._job(spec, datetime(2000, 1, 1, tzinfo=ZoneInfo("UTC")))
        for given in (job.parameters, job.environment):
            for name, value in given.items():
                check_secret(name, value, name)
        if job.notebook is not None:
            known = {item.name for item in self._jobs.parameters(job.notebook)}
            if known and (unknown := [name for name in job.parameters if name not in known]):
                raise BadRequest(f"{job.notebook} has no parameter {unknown[0]}.", f"It has: {', '.join(sorted(known))}.", "Mend the name.")
        elif job.parameters:
            raise BadRequest("A command takes no parameters.", "They are for notebooks and pipelines.", "Put them among its words: {{ date }} works there too.")

    def definition(self, spec: ScheduleSpec) -> Definition:
        """The pipeline of a schedule. Raises NotFound, Unprocessable."""
        return find_pipeline(self._project.root, self._project.home, spec.pipeline or "")

    def start(self, entry: ScheduleEntry, firing: FiringEntry, *, at: datetime) -> FiringEntry:
        """Start it, once however often this is called, and note it."""
        spec, run, job = entry.spec, None, None
        due = firing.due.astimezone(ZoneInfo(spec.tz))
        if spec.pipeline is not None:
            given, date = _filled(spec.parameters, due), self.definition(spec).date
            if date:  # the day that it was due, also when it is made up for on a later one
                given.setdefault(date, f"{due:%Y-%m-%d}")
            run = self._pipelines.run(spec.pipeline, parameters=given, wait=False, key=firing.key).run
        else:
            job = self._jobs.submit(self._job(spec, due, key=firing.key)).id
        return self._store.started(entry, firing, run=run, job=job, at=at)

    def dispatch(self, entry: ScheduleEntry, *, clock: Callable[[], datetime]) -> None:
        """Go on with runs that lost their drivers, and start what waits, oldest first, as far as the overlap policy lets it."""
        self._running(entry)
        waiting = [firing for firing in self._store.unsettled(entry) if firing.state is FiringState.WAITING]
        for place, firing in enumerate(waiting):
            begun = entry.spec.pipeline is not None and self._pipelines.run_of(firing.key) is not None
            later = any(other.cause == "clock" for other in waiting[place + 1 :])
            if not begun and not self._clear(entry, firing, place=place, later=later):
                continue
            self._try(entry, firing, begun=begun, at=clock())

    def outcome(self, firing: FiringEntry) -> str:
        """Where that stands now which a firing started; empty when it started nothing, or nothing is known of it any more."""
        with contextlib.suppress(NotFound):
            if firing.run is not None:
                run = self._pipelines.run_of(firing.key)
                return "" if run is None else str(run.state)
            if firing.job is not None:
                return str(self._jobs.show(firing.job).state)
        return ""

    def _try(self, entry: ScheduleEntry, firing: FiringEntry, *, begun: bool, at: datetime) -> None:
        try:
            if entry.spec.pipeline is not None and not begun:
                self.definition(entry.spec)
        except MLInfraError as error:
            self._store.settle(entry, firing, FiringState.FAILED, str(error))
            return
        try:
            self.start(entry, firing, at=at)
        except (Conflict, Unavailable) as error:  # another run begins just now; a disk or a database that cannot be used now
            self._store.settle(entry, firing, FiringState.WAITING, f"Waits: {error.what} {error.why}".strip())
        except MLInfraError as error:
            self._store.settle(entry, firing, FiringState.FAILED, str(error))

    def _clear(self, entry: ScheduleEntry, firing: FiringEntry, *, place: int, later: bool) -> bool:
        """Whether nothing stands in the way of a firing any more; else it was told to wait, or skipped."""
        blocker = self._blocker(entry)
        if blocker is None:
            return True
        # What is made up for takes its turn: two of them would else shut each other out. A run that lost its driver is no reason to leave a due time out.
        policy = entry.spec.overlap if firing.cause == "clock" else "queue"
        if policy == "skip" and blocker.resumed:
            policy = "queue"
        if policy == "cancel" and not later:
            try:
                blocker.cancel()
            except Conflict:
                pass  # it has ended meanwhile
            except MLInfraError as error:
                self._store.settle(entry, firing, FiringState.WAITING, f"Waits: {error.what}")
                return False
            return True
        if policy == "queue" and place < QUEUE_LIMIT:
            self._store.settle(entry, firing, FiringState.WAITING, f"Waits for {blocker.text} to end.")
        elif policy == "queue":
            self._store.settle(entry, firing, FiringState.SKIPPED, f"{QUEUE_LIMIT} earlier ones wait already.")
        elif policy == "cancel":
            self._store.settle(entry, firing, FiringState.SKIPPED, "A later due time takes its place.")
        else:
            self._store.settle(entry, firing, FiringState.SKIPPED, f"{blocker.text[:1].upper()}{blocker.text[1:]} went on still.")
        return False

    def _blocker(self, entry: ScheduleEntry) -> Blocker | None:
        running = self._running(entry)
        jobs = [firing.job for firing in running if firing.job is not None]
        if jobs:
            return Blocker(f"job {jobs[0]}", lambda: self._cancel_jobs(jobs), resumed=False)
        if entry.spec.pipeline is None:
            return None
        try:
            newest = self._pipelines.runs(entry.spec.pipeline, limit=1).items
        except (BadRequest, Conflict, NotFound, Unprocessable):  # its file is gone or broken: that is said when it is to be started
            return None
        if not newest or newest[0].state is not RunState.RUNNING:
            return None
        run = newest[0]
        resumed = self._go_on(run) or any(firing.resumed for firing in running)
        return Blocker(f"run {run.run} of {run.pipeline}", lambda: self._pipelines.cancel(run.run), resumed)

    def _running(self, entry: ScheduleEntry) -> list[FiringEntry]:
        """What this schedule started and has not ended, oldest first. A run of it that nobody drives is gone on with."""
        running: list[FiringEntry] = []
        for firing in self._store.unsettled(entry):
            if firing.state is not FiringState.STARTED:
                continue
            if self.outcome(firing) in ("", *_FINAL_JOBS):
                self._store.over(firing)
                continue
            run = None if firing.run is None else self._pipelines.run_of(firing.key)
            if run is not None and self._go_on(run):
                firing = self._store.settle(entry, firing, FiringState.STARTED, "The process that drove it had ended; it was gone on with.")
            running.append(firing)
        return running

    def _go_on(self, run: PipelineRun) -> bool:
        """Whether nobody drove a run: it would stand in the way for ever, and has a driver from now on."""
        if run.state is not RunState.RUNNING or not run.reason:
            return False
        with contextlib.suppress(Conflict):  # somebody goes on with it just now
            self._pipelines.resume(run.run, wait=False)
        return True

    def _cancel_jobs(self, jobs: list[str]) -> None:
        for job in jobs:
            self._jobs.cancel(job)
        left = self._jobs.wait(jobs, timeout=self._project.settings.jobs.grace_seconds + _END_SECONDS)
        if any(job.state not in _FINAL_JOBS for job in left):
            raise Unavailable(f"Job {jobs[0]} does not end.", "It was cancelled and is still there.")

    def _job(self, spec: ScheduleSpec, due: datetime, *, key: str | None = None) -> JobSpec:
        from ...jobs import JobSpec

        given = spec.job or {}
        facts = _filled({**given, "parameters": {**given.get("parameters", {}), **spec.parameters}}, due)
        labels = {**facts.pop("labels", {}), "schedule": spec.name}
        try:
            return JobSpec(**{"name": spec.name, **facts, "labels": labels, "key": key})
        except TypeError as error:
            raise BadRequest(f"The job of schedule {spec.name} cannot be one.", f"{error}.", "Use the fields of a JobSpec: notebook, gpus, cpus, …") from None


def _filled(value: Mapping[str, Any], due: datetime) -> dict[str, Any]:
    found: dict[str, Any] = render(value, {"date": f"{due:%Y-%m-%d}", "due": due.isoformat()})
    return found
