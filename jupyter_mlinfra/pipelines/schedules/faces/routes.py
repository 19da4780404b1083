"""Routes of the schedules."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict, Unpack

from ....core.errors import Forbidden
from ....faces.handler import Handler, access
from ....faces.parameters import Cursor, Interval, Limit, Name, Text

if TYPE_CHECKING:
    from ....core.records import Page
    from ..spec import DueTimes, Firing, Schedule

read, write, execute = access("pipelines")

Times = Annotated[int, Interval(ge=1, le=100)]


class Facts(TypedDict, total=False):
    """Fields of a schedule that is created or changed; None for those that are not given."""

    cron: Text | None
    tz: Text | None
    pipeline: Name | None
    job: dict[str, Any] | None
    parameters: dict[str, Any] | None
    catchup: Literal["latest", "all", "none"] | None
    grace_seconds: float | None
    overlap: Literal["skip", "queue", "cancel"] | None


def _check_job(handler: Handler, facts: Facts, name: str | None = None) -> None:
    """Raise Forbidden if the request, or the present schedule `name`, starts a job and the user may
    not start jobs.
    """
    if handler.allowed("execute", ["jobs"]):
        return
    if facts.get("job") is not None or (
        name is not None and handler.bench.schedules.show(name).job is not None
    ):
        why = (
            "The schedule is of a job, and the Jupyter server does not let you start jobs (execute"
            " mlinfra:jobs)."
        )
        raise Forbidden(
            "You may not do this.", why, "Schedule a pipeline, or ask who runs the server."
        )


class ScheduleList(Handler):
    @read
    def get(self, *, limit: Limit = 50, cursor: Cursor = None) -> Page[Schedule]:
        """Schedules by name, each with its next five due times."""
        return self.bench.schedules.list(limit=limit, cursor=cursor)

    @execute(slow=True)
    def post(self, *, name: Name, **facts: Unpack[Facts]) -> Schedule:
        """A new schedule; without `cron`, the one in the pipeline's file. `job`: fields of a
        submitted job.
        """
        _check_job(self, facts)
        return self.bench.schedules.create(name, **facts)


class SchedulePage(Handler):
    @read
    def get(self, name: str) -> Schedule:
        """One schedule."""
        return self.bench.schedules.show(name)


class ScheduleUpdate(Handler):
    @execute(slow=True)
    def post(self, name: str, **facts: Unpack[Facts]) -> Schedule:
        """Change the given fields; new times count from now on."""
        _check_job(self, facts, name)
        return self.bench.schedules.update(name, **facts)


class SchedulePause(Handler):
    @execute(slow=True)
    def post(self, name: str) -> Schedule:
        """Start nothing until it is resumed; what runs continues."""
        return self.bench.schedules.pause(name)


class ScheduleResume(Handler):
    @execute(slow=True)
    def post(self, name: str) -> Schedule:
        """Continue with the next due time."""
        _check_job(self, {}, name)
        return self.bench.schedules.resume(name)


class ScheduleRun(Handler):
    @execute(slow=True)
    def post(self, name: str, *, due: datetime | None = None) -> Firing:
        """Start it at once; `due`: for that due time, such as a missed one; without a zone it is
        UTC.
        """
        _check_job(self, {}, name)
        return self.bench.schedules.run_now(name, due=due)


class ScheduleDelete(Handler):
    @execute(slow=True)
    def post(self, name: str) -> Mapping[str, str]:
        """Delete it and its history; what it started continues."""
        self.bench.schedules.delete(name)
        return {"deleted": name}


class ScheduleHistory(Handler):
    @read
    def get(self, name: str, *, limit: Limit = 50, cursor: Cursor = None) -> Page[Firing]:
        """What happened at its due times, newest first."""
        return self.bench.schedules.history(name, limit=limit, cursor=cursor)


class SchedulePreview(Handler):
    @read
    def get(self, *, cron: Text, tz: Text = "UTC", count: Times = 5) -> DueTimes:
        """The next due times of a cron text in a time zone, before there is a schedule; or why it
        has none.
        """
        return self.bench.schedules.foresee(cron, tz=tz, count=count)


ROUTES = {
    "pipelines/schedules": ScheduleList,
    "pipelines/schedules/{name}": SchedulePage,
    "pipelines/schedules/{name}/update": ScheduleUpdate,
    "pipelines/schedules/{name}/pause": SchedulePause,
    "pipelines/schedules/{name}/resume": ScheduleResume,
    "pipelines/schedules/{name}/run": ScheduleRun,
    "pipelines/schedules/{name}/delete": ScheduleDelete,
    "pipelines/schedules/{name}/history": ScheduleHistory,
    "pipelines/due-times": SchedulePreview,
}
