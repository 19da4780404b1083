"""A window of any length, put together from recorded hours and, at its ends, from the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from .recording import Log, Plan, gather, is_current
from .series import HOUR, SeriesStore, readable, sketches_of
from .sketches import Gathered, Sketch


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The sketches of one version and segment over a span of time, by column. problems: files of
    the log that could not be read, and hours that were recorded without some.
    """

    start: float
    end: float
    sketches: Mapping[str, Sketch]
    problems: Sequence[str] = field(default_factory=tuple)

    @property
    def features(self) -> Mapping[str, Sketch]:
        """Those of inputs."""
        return {name: item for name, item in self.sketches.items() if not name.startswith(".")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The sketches of all rows of a span of time, by version and column. first, last: when the
    first and the last row arrived, of a recorded hour that comes first its start; None without
    rows.
    """

    sketches: Mapping[tuple[str, str], Sketch]
    first: datetime | None
    last: datetime | None
    problems: Sequence[str]


@dataclass(slots=True)
class _Found:
    """What was gathered. hours: recorded ones with rows. times: of the first and the last row of
    each part that is not recorded.
    """

    sketches: Mapping[tuple[str, str], Sketch]
    hours: Sequence[int]
    times: Sequence[datetime]
    problems: Sequence[str]


def window(
    store: SeriesStore,
    log: Log,
    monitor: str,
    plan: Plan,
    *,
    version: str,
    segment: str,
    start: float,
    end: float,
) -> Window:
    """The window from `start` until before `end`. Whole hours that are recorded are read from their
    sketches, everything else that the log has is sketched now.
    """
    found = _gathered(
        store, log, monitor, plan, version=version, segment=segment, start=start, end=end
    )
    return Window(
        start=start,
        end=end,
        sketches={
            column: item
            for (its_version, column), item in found.sketches.items()
            if its_version == version
        },
        problems=found.problems,
    )


def overview(
    store: SeriesStore, log: Log, monitor: str, plan: Plan, *, start: float, end: float
) -> Overview:
    """All versions from `start` until before `end`, in the same way."""
    found = _gathered(store, log, monitor, plan, version=None, segment="", start=start, end=end)
    begun = [datetime.fromtimestamp(hour, UTC) for hour in found.hours]
    last = max(found.times, default=None)
    if begun and (last is None or last < max(begun)):
        last = _last(log, plan, max(found.hours))
    return Overview(
        sketches=found.sketches,
        first=min([*begun, *found.times], default=None),
        last=last,
        problems=found.problems,
    )


def _last(log: Log, plan: Plan, hour: int) -> datetime:
    """When the last row of a recorded hour arrived, from the log; if it holds none any more, the
    end of the hour.
    """
    since, until = (datetime.fromtimestamp(moment, UTC) for moment in (hour, hour + HOUR))
    parts = log.payload_parts(plan.deployment, since=since, until=until)
    times = [part.rows["ts"].max() for part in parts]
    return max((moment for moment in times if isinstance(moment, datetime)), default=until)


def _gathered(
    store: SeriesStore,
    log: Log,
    monitor: str,
    plan: Plan,
    *,
    version: str | None,
    segment: str,
    start: float,
    end: float,
) -> _Found:
    recorded = {
        hour: done
        for hour, done in store.recorded(monitor).items()
        if start <= hour
        and hour + HOUR <= end
        and is_current(done, plan)
        and readable([store.path(monitor, "sketches", hour)])
    }
    found, problems = Gathered[tuple[str, str]](), list[str]()
    times = list[datetime]()
    for hour in sorted(recorded):
        file = store.path(monitor, "sketches", hour)
        for key, item in sketches_of(file, version=version, segment=segment):
            found.add(key, item)
        if recorded[hour].broken:
            problems.append(f"{recorded[hour].broken} files of an hour could not be read")
    asked = plan if segment else replace(plan, segments=())
    # An hour at a time: what has been seen of it is kept in memory until it is done.
    for hour in log.payload_hours(plan.deployment, since=start, until=end):
        if hour in recorded:
            continue
        live = gather(log, asked, max(hour, start), min(hour + HOUR, end))
        problems += live.problems
        times += (moment for moment in (live.first, live.last) if moment is not None)
        for (its_version, its_segment, column), item in live.sketches.items():
            if its_segment == segment:
                found.add((its_version, column), item)
    return _Found(
        sketches=found.all(),
        hours=[hour for hour, done in recorded.items() if done.rows],
        times=times,
        problems=list(dict.fromkeys(problems)),  # a file spans hours
    )
