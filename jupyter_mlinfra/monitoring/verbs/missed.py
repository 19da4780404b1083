"""What was to be judged while nothing was evaluated."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil

from ...core.errors import MLInfraError
from ...core.records import now
from ..against import REFERENCE
from ..alerts.judging import Judging
from ..catching_up import missed_ends, missed_points
from ..hours.comparisons import AgainstOthers
from ..hours.points import Point
from ..hours.series import HOUR
from ..measured_points import hourly_points, points_of
from ..settings import MonitoringSettings
from ..spec import Monitor, MonitorStatus
from .causes import CauseVerbs

MEASURING_SECONDS = 120.0
"""Measuring missed windows takes about so long, at most."""

MOST_COMPARED, COMPARING_SECONDS = 24, 60.0
"""Of so many missed windows drift against another one is measured, which reads both, if that takes
no longer.
"""


class MissedVerbs(CauseVerbs):
    """Windows that nobody looked at; a base of `Monitoring`."""

    _judging: Judging

    def _missed(self, monitor: Monitor, at: datetime, window: timedelta) -> Sequence[Point]:
        """The points of the windows that ended since the last evaluation, without the present
        one.
        """
        import polars as pl

        minutes = self._minutes()
        ends = missed_ends(monitor.evaluated_at, at, timedelta(minutes=minutes))
        if not ends:
            return ()
        seconds = min(30.0 * minutes, MEASURING_SECONDS)
        until = time.monotonic() + seconds
        try:
            found, gone = self.past_points(monitor.name, ends, window=window, seconds=seconds)
            if there := [end for end in ends if end not in gone]:
                found += missed_points(
                    self._project,
                    self._deployments,
                    self._series,
                    monitor,
                    self._plan(monitor),
                    self._models(monitor.deployment),
                    there,
                    window=window,
                    seconds=until - time.monotonic(),
                )
            found += self._compared(monitor, ends, window)
        except (MLInfraError, OSError, pl.exceptions.PolarsError):
            # The deployment or its log is gone; what is true now is judged anyway.
            return ()
        return found

    def _compared(
        self, monitor: Monitor, ends: Sequence[datetime], window: timedelta
    ) -> Sequence[Point]:
        """The drift of missed windows against what rules name beside the reference."""
        found, until = list[Point](), time.monotonic() + COMPARING_SECONDS
        for end in ends[:: ceil(len(ends) / MOST_COMPARED)]:
            if time.monotonic() < until:
                found += self._against(monitor, end, window).points
        return found

    def _points(
        self, status: MonitorStatus, at: datetime, window: timedelta
    ) -> tuple[Sequence[Point], Mapping[str, str]]:
        """What the rules judge; and why there is nothing, by what drift is against."""
        version = status.reference.rpartition("/")[2]
        others = self._against(status.monitor, at, window)
        found = [
            *points_of(status, at, window=window, version=f"v{version}" if version else ""),
            *self._masking.points(
                hourly_points(self._series, status.monitor.name, at, window=window)
            ),
            *others.points,
        ]
        return found, others.reasons

    def _against(self, monitor: Monitor, at: datetime, window: timedelta) -> AgainstOthers:
        """The drift of a window against what rules name beside the reference; nothing if the
        deployment is gone.
        """
        against = self._judging.against(monitor.name)
        if not set(against) - {REFERENCE}:
            return AgainstOthers()
        try:
            version, _ = self._version_of(monitor.deployment)
            return self.points_against(monitor.name, against, at, window, version=version)
        except MLInfraError:
            return AgainstOthers()

    def _was_down(self, monitor: Monitor) -> bool:
        """Whether rounds of the evaluation were missed, and hours ended that are not recorded."""
        last, minutes = monitor.evaluated_at, self._minutes()
        pause = max(HOUR, 1.5 * 60 * minutes)
        return last is not None and (now() - last).total_seconds() > pause

    def _minutes(self) -> float:
        """From one round of the evaluation to the next."""
        return self._project.settings.of(MonitoringSettings).evaluate_minutes
