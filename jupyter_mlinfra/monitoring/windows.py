"""A window of any length, put together from recorded hours and, at its ends, from the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .recording import Log, Plan, gather, is_current
from .series import HOUR, SeriesStore, readable, sketches_of
from .sketches import Gathered, Sketch

if TYPE_CHECKING:
    from collections.abc import Iterator


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
    sketches, everything else is sketched now.
    """
    recorded = {
        hour: done
        for hour, done in store.recorded(monitor).items()
        if start <= hour
        and hour + HOUR <= end
        and is_current(done, plan)
        and readable([store.path(monitor, "sketches", hour)])
    }
    found, problems = Gathered[str](), list[str]()
    for hour in sorted(recorded):
        for column, item in sketches_of(
            store.path(monitor, "sketches", hour), version=version, segment=segment
        ):
            found.add(column, item)
        if recorded[hour].broken:
            problems.append(f"{recorded[hour].broken} files of an hour could not be read")
    for since, until in _gaps(sorted(recorded), start, end):
        live = gather(log, plan, since, until)
        problems += live.problems
        for (its_version, its_segment, column), item in live.sketches.items():
            if (its_version, its_segment) == (version, segment):
                found.add(column, item)
    return Window(start=start, end=end, sketches=found.all(), problems=problems)


def _gaps(hours: Sequence[int], start: float, end: float) -> Iterator[tuple[float, float]]:
    """The parts of a span that are in none of the hours."""
    at = start
    for hour in hours:
        if at < hour:
            yield at, hour
        at = hour + HOUR
    if at < end:
        yield at, end
