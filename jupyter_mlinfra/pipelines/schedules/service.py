"""The verbs of schedules: the only module that interfaces call."""

from __future__ import annotations

import contextlib
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ...core.errors import BadRequest, MLInfraError, NotFound, Unavailable
from ...core.files import file_lock
from ...core.processes import failpoint
from ...core.records import Page, now, page_of
from ...core.refs import reference
from ...core.search import Document
from ...jobs import ROOT
from .calendar import Calendar, clock_change
from .decide import ON_TIME, decide
from .rows import FiringEntry, ScheduleEntry
from .snippets import start_code
from .spec import Due, DueTimes, Firing, FiringState, Schedule, ScheduleSpec, ScheduleState
from .starting import Starter
from .store import ScheduleStore, Waker

if TYPE_CHECKING:
    from ...core.project import Project
    from ...jobs import Jobs
    from ..definition import Definition
    from ..service import Pipelines

NEXT = 5
"""How many due times a list shows per schedule."""
_BUSY = timedelta(seconds=5)
"""The holder of the lock checks again for due times when it has worked for this long."""
_CHUNK = 5_000
"""How many due times are written at once."""
_RING = "jupyter_mlinfra.pipelines.schedules.ring"


class Schedules:
    """The schedules of one project: each starts a pipeline or a job at its due times, through the
    project's supervisor, with or without a server.

    opener: `module:function` that opens the project at a path and has these schedules as
    `.schedules`. clock: gives the time; steady: seconds that the machine was awake, whatever the
    clock is set to.
    """

    def __init__(
        self,
        project: Project,
        pipelines: Pipelines,
        jobs: Jobs,
        *,
        opener: str = "",
        clock: Callable[[], datetime] = now,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._project = project
        self._jobs = jobs
        self._clock = clock
        self._steady = steady
        waker = Waker(
            module=_RING,
            arguments=["--project", ROOT, "--open", opener],
            log="logs/schedules.log",
        )
        self._store = ScheduleStore(project.database, waker)
        self._starter = Starter(project, self._store, pipelines, jobs)

    # Looking

    def list(self, *, limit: int = 50, cursor: str | None = None) -> Page[Schedule]:
        """Schedules by name, each with its next five due times."""
        page = page_of(self._store.entries(), limit=limit, cursor=cursor)
        return Page(
            items=[self._record(entry) for entry in page.items],
            shown=page.shown,
            total=page.total,
            cursor=page.cursor,
        )

    def show(self, name: str) -> Schedule:
        """One schedule. Raises NotFound."""
        return self._record(self._store.entry(name))

    def planned(self, name: str, definition: Definition) -> tuple[ScheduleSpec, bool]:
        """The schedule of that name and whether it is paused; if there is none, what `create(name)`
        would make from the file of pipeline `name`.

        Raises NotFound, or BadRequest if it starts something other than this pipeline.
        """
        try:
            entry = self._store.entry(name)
            spec, paused = entry.spec, entry.state is ScheduleState.PAUSED
        except NotFound as error:
            from ..file import declared_schedule

            if name != definition.name:
                raise
            root = self._project.root
            facts = declared_schedule(root, root / definition.path)
            if facts is None:
                why = f"And {definition.path} has no `schedule:`."
                raise NotFound(error.what, why, error.fix) from None
            spec, paused = ScheduleSpec(name=name, pipeline=name, **facts), False
        if spec.pipeline is None or self._starter.definition(spec).path != definition.path:
            raise BadRequest(
                f"Schedule {name} does not start pipeline {definition.name}.",
                f"It starts {_started_object(spec)}.",
                "Name one of its own schedules.",
            )
        self._starter.check(spec)
        return spec, paused

    def history(self, name: str, *, limit: int = 50, cursor: str | None = None) -> Page[Firing]:
        """What happened at its due times, newest first. Raises NotFound."""
        entry = self._store.entry(name)
        page = self._store.page(entry, limit=limit, cursor=cursor)
        return Page(
            items=[self._firing(entry, firing) for firing in page.items],
            shown=page.shown,
            total=page.total,
            cursor=page.cursor,
        )

    def preview(self, cron: str, *, tz: str = "UTC", count: int = NEXT) -> Sequence[Due]:
        """The next due times of a cron text in a time zone. Raises BadRequest for an invalid text
        or zone.
        """
        if not 1 <= count <= 500:
            raise BadRequest(f"count={count} is out of range.", "It is 1 to 500.")
        return [
            Due(at=due.isoformat(), note=clock_change(due))
            for due in Calendar(cron, tz).next(count, self._clock())
        ]

    def foresee(self, cron: str, *, tz: str = "UTC", count: int = NEXT) -> DueTimes:
        """The same for a user who is still typing: an incomplete cron text or zone is an answer,
        not an error.
        """
        try:
            return DueTimes(valid=True, reason="", items=self.preview(cron, tz=tz, count=count))
        except BadRequest as error:
            return DueTimes(valid=False, reason=f"{error.what} {error.why}".strip(), items=())

    # Changing

    def create(
        self,
        name: str,
        *,
        pipeline: str | None = None,
        job: Mapping[str, Any] | None = None,
        **facts: Any,
    ) -> Schedule:
        """A new schedule for a pipeline or a job (fields of a JobSpec); with neither, for the
        pipeline of its own name.

        facts: as in ScheduleSpec: cron, tz, parameters, catchup, grace_seconds, overlap. Without
        `cron` they are those of `schedule:` in the pipeline's file. Raises BadRequest, Conflict if
        the name is taken, NotFound and Unprocessable for what it should start.
        """
        is_own = pipeline is None and job is None
        if is_own:
            pipeline = name
        values = {key: value for key, value in facts.items() if value is not None}
        if pipeline is not None and "cron" not in values:
            values = {**self._declared(pipeline), **values}
        if "cron" not in values:
            raise BadRequest(
                "When is it due?",
                "A schedule for a job needs a cron text.",
                "For example --cron '0 6 * * *' --tz Europe/Paris",
            )
        spec = ScheduleSpec(name=name, pipeline=pipeline, job=job, **_checked_fields(values))
        try:
            self._starter.check(spec)
        except NotFound as error:
            if not is_own:
                raise
            fix = (
                "Say what it starts: --pipeline NAME, --notebook PATH, or a command after two"
                " dashes."
            )
            raise NotFound(
                error.what,
                f"By default a schedule starts the pipeline of its own name. {error.why}",
                fix,
            ) from error
        return self._notified(self._store.insert(spec, user=self._project.user, at=self._clock()))

    def update(self, name: str, **facts: Any) -> Schedule:
        """Change the given fields. New times count from now on; due times of the old ones up to now
        are recorded first.

        The new policy decides about those that were missed.
        """
        with self._lock(wait=True):
            entry = self._store.entry(name)
            spec = self._changed(entry.spec, facts)
            at = self._clock()
            self._starter.record_started(entry, at=at)
            self._pass(
                replace(
                    entry,
                    spec=replace(
                        entry.spec, catchup=spec.catchup, grace_seconds=spec.grace_seconds
                    ),
                ),
                at,
            )
            entry = self._store.update(entry, spec, at=at)
        return self._notified(entry)

    def pause(self, name: str) -> Schedule:
        """Start nothing until `resume`, not even what waits. Running runs continue."""
        return self._notified(self._switched(name, ScheduleState.PAUSED), start=False)

    def resume(self, name: str) -> Schedule:
        """Continue with the next due time from now; due times during the pause are not
        caught up.
        """
        return self._notified(self._switched(name, ScheduleState.ACTIVE))

    def delete(self, name: str) -> None:
        """Delete a schedule and its history; what it started continues."""
        with self._lock(wait=True):
            self._store.delete(self._store.entry(name), at=self._clock())
        self._jobs.heed_alarms(start=False)

    def run_now(self, name: str, *, due: datetime | None = None) -> Firing:
        """Start it by hand, at once. Raises the error that prevents this.

        due: for that due time, such as a missed one; without a zone it is UTC. Raises BadRequest
        for a time at which it was not due.
        """
        with self._lock(wait=True):
            entry, at, seen = self._store.entry(name), self._clock(), self._steady()
            entry.spec.check_calendar()  # raises: no due time can be computed
            moment = at.replace(microsecond=0) if due is None else self._due(entry, due, at)
            firing = self._store.by_hand(entry, moment, user=self._project.user, at=at)
            try:
                firing = self._starter.start(entry, firing, at=at)
            except MLInfraError as error:
                self._store.settle(entry, firing, FiringState.FAILED, str(error))
                raise
            finally:
                if self._store.armed():
                    self._look_again(seen)
                self._store.rearm(at=self._clock())
        return self._firing(entry, firing)

    # Coming due

    def ring(self) -> None:
        """Record what happens to every due time that has passed, start what must be started, set
        the next alarm.

        Raises Conflict while another process does so.
        """
        with self._lock(wait=False):
            if not self._store.armed():
                return  # disarmed while this process started
            seen = self._look(timedelta())
            failpoint("recorded")
            for entry in self._store.entries():
                try:
                    entry.spec.check_calendar()
                    self._starter.dispatch(entry, clock=self._clock)
                except MLInfraError as error:
                    sys.stderr.write(f"schedule {entry.spec.name}: {error}\n")
                except Exception:  # noqa: BLE001 - a fault that shows in one schedule must not keep the others from being started
                    sys.stderr.write(f"schedule {entry.spec.name}:\n{traceback.format_exc()}")
                seen = self._look_again(seen)
            failpoint("dispatched")
            self._store.rearm(at=self._clock())
        self._jobs.heed_alarms(start=False)

    def start(self) -> None:
        """Check due times again after `stop`; those that passed meanwhile are caught up as each
        schedule says.
        """
        self._store.rearm(at=self._clock())
        self._jobs.heed_alarms(start=False)

    def stop(self) -> None:
        """Check no due times until `start`, or until a schedule is created, changed or resumed."""
        with self._lock(wait=True):
            self._store.disarm()

    def _look(self, busy: timedelta) -> float:
        """Record what happens to the due times of all schedules; returns the time of the check."""
        seen = self._steady()
        for entry in self._store.entries():
            self._pass(entry, self._clock(), busy)
        return seen

    def _look_again(self, seen: float) -> float:
        """Check again after work that took long, so that what came due meanwhile is not missed."""
        busy = timedelta(seconds=self._steady() - seen)
        return self._look(busy) if busy > _BUSY else seen

    def _pass(self, entry: ScheduleEntry, at: datetime, busy: timedelta = timedelta()) -> None:
        """Record what happens to the due times that have passed; the caller holds the lock. Times
        during a pause do not count.

        If the calendar cannot be used, they are recorded once it can. busy: how long the caller has
        worked since its last check.
        """
        if entry.state is not ScheduleState.ACTIVE or entry.problem:
            return
        spec, grace = entry.spec, timedelta(seconds=entry.spec.grace_seconds)
        if at < entry.handled_until:
            self._store.set_back(entry, to=at)
            entry = replace(entry, handled_until=at)
        dues: list[datetime] = []
        for due in spec.calendar.between(entry.handled_until, at):
            dues.append(due)
            # None of these will be run any more.
            if len(dues) >= _CHUNK and at - due > max(grace, ON_TIME + busy):
                if not self._store.record(
                    entry, decide(dues, at, catchup=spec.catchup, grace=grace), until=due, at=at
                ):
                    return
                entry, dues = replace(entry, handled_until=due), []
        if dues:
            self._store.record(
                entry,
                decide(dues, at, catchup=spec.catchup, grace=grace, busy=busy),
                until=at,
                at=at,
            )

    # Search

    def search_fingerprint(self) -> str:
        """Changes when a schedule does."""
        return self._store.fingerprint()

    def search_documents(self) -> Iterator[Document]:
        """Every schedule."""
        for entry in self._store.entries():
            spec = entry.spec
            detail = f"{spec.cron} {spec.tz} · {_started_object(spec)}"
            yield Document(
                ref=reference("schedule", spec.name),
                kind="schedule",
                name=spec.name,
                text=f"{_started_object(spec)} {entry.user}",
                detail=detail,
            )

    # Within

    def _changed(self, spec: ScheduleSpec, facts: Mapping[str, Any]) -> ScheduleSpec:
        """The spec with the given changes, checked."""
        values = {key: value for key, value in facts.items() if value is not None}
        if "pipeline" in values:
            values.setdefault("job", None)
        elif "job" in values:
            is_complete = "notebook" in values["job"] or "command" in values["job"]
            values |= {
                "pipeline": None,
                "job": values["job"] if is_complete else {**(spec.job or {}), **values["job"]},
            }
        changed = replace(spec, **_checked_fields(values))
        self._starter.check(changed)
        return changed

    def _due(self, entry: ScheduleEntry, requested: datetime, at: datetime) -> datetime:
        """The requested due time: one of the present times, or an earlier one in the history."""
        spec, what = entry.spec, f"{entry.spec.name} was not due at {requested.isoformat()}."
        fix = (
            f"mlinfra schedules history {spec.name} shows its due times; without one it is started"
            " for now."
        )
        try:
            due = (requested if requested.tzinfo else requested.replace(tzinfo=UTC)).astimezone(UTC)
            if due > at:
                raise BadRequest(what, "That time is still to come.", fix)
            if self._store.was_due(entry, due):
                return due
            (next_one,) = spec.calendar.next(1, due - timedelta(seconds=1))
        except OverflowError:
            raise BadRequest(what, "The calendar does not reach that far.", fix) from None
        # In two zones, times of an hour that occurs twice are never equal.
        if next_one.astimezone(UTC) != due:
            raise BadRequest(
                what,
                f"By {spec.cron} in {spec.tz} the next time after it is {next_one.isoformat()}.",
                fix,
            )
        return due

    def _switched(self, name: str, to: ScheduleState) -> ScheduleEntry:
        with self._lock(wait=True):
            entry, at = self._store.entry(name), self._clock()
            self._starter.record_started(entry, at=at)
            self._pass(entry, at)
            return self._store.switch(entry, to, at=at)

    def _lock(self, *, wait: bool) -> contextlib.AbstractContextManager[int]:
        return file_lock(
            self._project.folder("pipelines") / ".schedules.lock",
            wait=wait,
            what="Looking at the schedules",
        )

    def _declared(self, pipeline: str) -> dict[str, Any]:
        """The schedule in a pipeline's file. Raises BadRequest if it has none."""
        from ..file import declared_schedule

        definition = self._starter.definition(
            ScheduleSpec(name="x", cron="0 0 * * *", pipeline=pipeline)
        )
        found = declared_schedule(self._project.root, self._project.root / definition.path)
        if found is None:
            fix = "Give --cron, or write into it: schedule: {cron: '0 6 * * *', tz: Europe/Paris}"
            raise BadRequest(
                f"When is {definition.name} due?", f"{definition.path} says no `schedule:`.", fix
            )
        return found

    def _notified(self, entry: ScheduleEntry, *, start: bool = True) -> Schedule:
        """The change is recorded. A supervisor that does not start now is started by the next check
        of the jobs; that is not a fault of the schedule.
        """
        with contextlib.suppress(Unavailable):
            self._jobs.heed_alarms(start=start)
        return self._record(entry)

    def _record(self, entry: ScheduleEntry) -> Schedule:
        spec, at = entry.spec, self._clock()
        problem = entry.problem
        following = (
            spec.calendar.next(NEXT, at)
            if entry.state is ScheduleState.ACTIVE and not problem
            else []
        )
        newest = self._store.page(entry, limit=1, cursor=None).items
        return Schedule(
            ref=reference("schedule", spec.name),
            name=spec.name,
            state=entry.state,
            cron=spec.cron,
            tz=spec.tz,
            what=_started_object(spec),
            pipeline=spec.pipeline,
            job=spec.job,
            parameters=spec.parameters,
            catchup=spec.catchup,
            grace_seconds=spec.grace_seconds,
            overlap=spec.overlap,
            user=entry.user,
            created_at=entry.created_at,
            next=[due.isoformat() for due in following],
            next_notes=[clock_change(due) for due in following],
            missed=self._store.missed(entry, at=at),
            last=self._firing(entry, newest[0]) if newest else None,
            code=start_code(spec.name),
            problem=problem,
        )

    def _firing(self, entry: ScheduleEntry, firing: FiringEntry) -> Firing:
        outcome, why = self._starter.outcome(firing)
        return Firing(
            schedule=entry.spec.name,
            due=firing.due.astimezone(entry.zone).isoformat(),
            due_at=firing.due,
            cause=firing.cause,
            state=firing.state,
            reason=" ".join(filter(None, [firing.reason, why])),
            run=firing.run,
            job=firing.job,
            outcome=outcome,
            user=firing.user,
            started_at=firing.started_at,
        )


def _checked_fields(facts: Mapping[str, Any]) -> dict[str, Any]:
    names = {field.name for field in fields(ScheduleSpec)} - {"name"}
    for name in facts:
        if name not in names:
            raise BadRequest(f"A schedule has no {name}.", f"It has: {', '.join(sorted(names))}.")
    return dict(facts)


def _started_object(spec: ScheduleSpec) -> str:
    if spec.pipeline is not None:
        return reference("pipeline", spec.pipeline)
    job = spec.job or {}
    return str(job.get("notebook") or " ".join(job.get("command", ())))
