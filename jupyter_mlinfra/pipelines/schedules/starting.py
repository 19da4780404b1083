"""Starts what a schedule is for, once for each firing, and knows what prevents it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from ...core.errors import BadRequest, Conflict, MLInfraError, NotFound, Unavailable
from ...core.secrets import check_secret
from ..definition import Definition, placeholders, render
from ..finding import find_pipeline
from ..spec import PipelineRun, RunState, StepState
from .rows import FiringEntry, ScheduleEntry
from .spec import TEMPLATES, FiringState, ScheduleSpec
from .store import ScheduleStore

if TYPE_CHECKING:
    from ...core.project import Project
    from ...jobs import Jobs, JobSpec
    from ..service import Pipelines

QUEUE_LIMIT = 100
"""How many firings of a schedule may wait for their turn; more are skipped."""
_FINAL_JOBS = ("succeeded", "failed", "cancelled", "lost")


class Starter:
    """Starts the firings of one project."""

    def __init__(
        self, project: Project, store: ScheduleStore, pipelines: Pipelines, jobs: Jobs
    ) -> None:
        self._project = project
        self._store = store
        self._pipelines = pipelines
        self._jobs = jobs

    def check(self, spec: ScheduleSpec) -> None:
        """Raise for what could never be started: an invalid calendar, a missing pipeline, notebook
        or parameter, needs that its backend can never meet.
        """
        spec.check_calendar()
        for name in placeholders([spec.parameters, spec.job or {}]):
            if name not in TEMPLATES:
                raise BadRequest(
                    f"{{{{ {name} }}}} has no value.",
                    f"A schedule knows {', '.join(TEMPLATES)}: the due time in its zone.",
                    "Correct it.",
                )
        if spec.pipeline is not None:
            self.definition(spec).values(spec.parameters)
            return
        job = self._job(spec, datetime(2000, 1, 1, tzinfo=ZoneInfo("UTC")))
        for values in (job.parameters, job.environment):
            for name, value in values.items():
                check_secret(name, value, name)
        if job.notebook is not None:
            declared = {item.name for item in self._jobs.parameters(job.notebook)}
            if declared and (unknown := [name for name in job.parameters if name not in declared]):
                raise BadRequest(
                    f"{job.notebook} has no parameter {unknown[0]}.",
                    f"It has: {', '.join(sorted(declared))}.",
                    "Correct the name.",
                )
        elif job.parameters:
            raise BadRequest(
                "A command takes no parameters.",
                "They are for notebooks and pipelines.",
                "Put them into the command: {{ date }} works there too.",
            )
        self._jobs.check(job)

    def definition(self, spec: ScheduleSpec) -> Definition:
        """The pipeline of a schedule. Raises NotFound, Unprocessable."""
        return find_pipeline(self._project.root, self._project.home, spec.pipeline or "")

    def start(self, entry: ScheduleEntry, firing: FiringEntry, *, at: datetime) -> FiringEntry:
        """Start it once, however often this is called, and record it."""
        spec = entry.spec
        run, job = self._find_started(spec, firing)
        if spec.pipeline is not None:
            parameters = {} if run is not None else self._parameters(spec, firing)
            run = self._pipelines.run(
                spec.pipeline, parameters=parameters, wait=False, key=firing.key
            ).run
        elif job is None:
            job = self._jobs.submit(
                self._job(spec, firing.due.astimezone(ZoneInfo(spec.tz)), key=firing.key)
            ).id
        return self._store.started(entry, firing, run=run, job=job, at=at)

    def record_started(self, entry: ScheduleEntry, *, at: datetime) -> None:
        """Record a run or job whose starter died before recording it: from now on it no longer
        waits, and does not count as skipped.
        """
        for firing in self._store.unsettled(entry):
            if firing.state is FiringState.WAITING and (
                started := self._find_started(entry.spec, firing)
            ) != (None, None):
                self._store.started(entry, firing, run=started[0], job=started[1], at=at)

    def dispatch(self, entry: ScheduleEntry, *, clock: Callable[[], datetime]) -> None:
        """Continue runs that lost their drivers, and start what waits, oldest first, as far as the
        overlap policy allows.
        """
        self._running(entry)
        waiting = [
            firing for firing in self._store.unsettled(entry) if firing.state is FiringState.WAITING
        ]
        for place, firing in enumerate(waiting):
            later = any(other.cause == "clock" for other in waiting[place + 1 :])
            self._take(entry, firing, place=place, later=later, at=clock())

    def outcome(self, firing: FiringEntry) -> tuple[str, str]:
        """The present state of what a firing started, and why; empty if it started nothing, or
        nothing is known of it any more.
        """
        with contextlib.suppress(NotFound):
            if firing.run is not None:
                run = self._pipelines.run_of(firing.key)
                return ("", "") if run is None else (str(run.state), _why(run))
            if firing.job is not None:
                job = self._jobs.look(firing.job)
                return str(job.state), job.reason
        return "", ""

    def _take(
        self, entry: ScheduleEntry, firing: FiringEntry, *, place: int, later: bool, at: datetime
    ) -> None:
        # A disk or a database that cannot be used at the moment.
        passing: tuple[type[MLInfraError], ...] = (Unavailable,)
        try:
            if self._find_started(entry.spec, firing) == (None, None) and not self._clear(
                entry, firing, place=place, later=later
            ):
                return
            passing = (Unavailable, Conflict)  # another run is just starting
            self.start(entry, firing, at=at)
        except MLInfraError as error:
            if isinstance(error, passing):
                self._store.settle(
                    entry, firing, FiringState.WAITING, f"Waits: {error.what} {error.why}".strip()
                )
            else:
                self._store.settle(entry, firing, FiringState.FAILED, str(error))

    def _clear(self, entry: ScheduleEntry, firing: FiringEntry, *, place: int, later: bool) -> bool:
        """Whether a firing can start; otherwise it was made to wait, or skipped.

        The policy applies to what this schedule has started. A run that somebody else started is
        waited for.
        """
        running = self._running(entry)
        other = None if running else self._other(entry.spec, firing)
        if not running and other is None:
            return True
        running_text = (
            f"run {other.run} of {other.user}" if other is not None else _named(running[0])
        )
        # Catch-ups take turns: otherwise two of them would exclude each other. A run that lost its
        # driver is not a reason to skip a due time.
        policy = entry.spec.overlap if firing.cause == "clock" else "queue"
        if policy == "skip" and (
            other is not None or any(firing_running.resumed for firing_running in running)
        ):
            policy = "queue"
        if policy == "cancel" and not later and running:
            for firing_running in running:
                self._cancel(firing_running)
            if not self._running(entry):
                return True
            running_text += ", which is being cancelled,"
        if policy == "cancel" and later:
            self._store.settle(entry, firing, FiringState.SKIPPED, "A later due time replaces it.")
        elif policy == "skip":
            self._store.settle(
                entry,
                firing,
                FiringState.SKIPPED,
                f"{running_text[:1].upper()}{running_text[1:]} was still running.",
            )
        elif place < QUEUE_LIMIT:
            self._store.settle(
                entry, firing, FiringState.WAITING, f"Waits for {running_text} to end."
            )
        else:
            self._store.settle(
                entry,
                firing,
                FiringState.SKIPPED,
                f"{QUEUE_LIMIT} earlier ones are already waiting.",
            )
        return False

    def _find_started(
        self, spec: ScheduleSpec, firing: FiringEntry
    ) -> tuple[str | None, str | None]:
        """The run or the job that was started for it, even if that was never recorded."""
        if spec.pipeline is not None:
            run = self._pipelines.run_of(firing.key)
            return (None if run is None else run.run), None
        job = self._jobs.job_of(firing.key)
        return None, (None if job is None else job.id)

    def _other(self, spec: ScheduleSpec, firing: FiringEntry) -> PipelineRun | None:
        """Another user's run that writes what this firing's would. One without a driver would block
        for ever, so it is continued.
        """
        if spec.pipeline is None:
            return None
        for run in self._pipelines.under_way(
            spec.pipeline, parameters=self._parameters(spec, firing)
        ):
            self._go_on(run)
            return run
        return None

    def _running(self, entry: ScheduleEntry) -> list[FiringEntry]:
        """What this schedule started and has not ended, oldest first. A run without a driver is
        continued.
        """
        running: list[FiringEntry] = []
        for firing in self._store.unsettled(entry):
            if firing.state is not FiringState.STARTED:
                continue
            if self.outcome(firing)[0] in ("", *_FINAL_JOBS):
                self._store.over(firing)
                continue
            run = None if firing.run is None else self._pipelines.run_of(firing.key)
            if run is not None and self._go_on(run):
                firing = self._store.settle(
                    entry,
                    firing,
                    FiringState.STARTED,
                    "The process that drove it had ended; it was continued.",
                )
            running.append(firing)
        return running

    def _go_on(self, run: PipelineRun) -> bool:
        """Whether a run had no driver: it would block for ever, and gets a new driver."""
        if run.state is not RunState.RUNNING or not run.reason:
            return False
        with contextlib.suppress(Conflict):  # another process is continuing it
            self._pipelines.resume(run.run, wait=False)
        return True

    def _cancel(self, firing: FiringEntry) -> None:
        """Request its end without waiting for it, because other schedules wait for their turn."""
        with contextlib.suppress(Conflict, NotFound):  # it has ended meanwhile
            if firing.run is not None:
                self._pipelines.cancel(firing.run, wait=False)
            if firing.job is not None:
                self._jobs.cancel(firing.job)

    def _parameters(self, spec: ScheduleSpec, firing: FiringEntry) -> dict[str, Any]:
        """The pipeline's parameters for one due time."""
        due = firing.due.astimezone(ZoneInfo(spec.tz))
        parameters, date = _filled(spec.parameters, due), self.definition(spec).date
        if date:  # the day that it was due, even if it is caught up later
            parameters.setdefault(date, f"{due:%Y-%m-%d}")
        return parameters

    def _job(self, spec: ScheduleSpec, due: datetime, *, key: str | None = None) -> JobSpec:
        from ...jobs import JobSpec

        job = _plain(spec)
        facts = _filled(
            {**job, "parameters": {**job.get("parameters", {}), **spec.parameters}}, due
        )
        labels = {**facts.pop("labels", {}), "schedule": spec.name}
        try:
            return TypeAdapter(JobSpec).validate_python(
                {"name": spec.name, **facts, "labels": labels, "key": key}
            )
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise BadRequest(
                f"{place[:200]} of the job of schedule {spec.name} cannot be used.",
                f"{first['msg']}.",
                "See the fields of a JobSpec.",
            ) from None


def _plain(spec: ScheduleSpec) -> Mapping[str, Any]:
    """The schedule's job as plain values. Raises BadRequest for unknown fields, and for mappings
    that are not mappings.
    """
    from ...jobs import JobSpec

    job, names = spec.job or {}, [field.name for field in fields(JobSpec)]
    for name in job:
        if name not in names:
            raise BadRequest(
                f"A job has no {name[:80]}.", f"It has: {', '.join(names)}.", "Correct the name."
            )
    for name in ("parameters", "labels"):
        if not isinstance(job.get(name, {}), Mapping):
            raise BadRequest(
                f"{name} of the job of schedule {spec.name} cannot be used.",
                "It is not a mapping.",
                "Give names with their values.",
            )
    return job


def _named(firing: FiringEntry) -> str:
    return f"job {firing.job}" if firing.job is not None else f"run {firing.run}"


def _why(run: PipelineRun) -> str:
    """Why a run ended as it did, or continues; for a failed one the reasons of its steps."""
    failed = [f"{step.name}: {step.reason}" for step in run.steps if step.state is StepState.FAILED]
    return run.reason or "; ".join(failed)


def _filled(value: Mapping[str, Any], due: datetime) -> dict[str, Any]:
    found: dict[str, Any] = render(value, {"date": f"{due:%Y-%m-%d}", "due": due.isoformat()})
    return found
