"""The verbs over drift by feature and time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ...core.errors import BadRequest
from ...core.records import now
from ..figures import HeatMap, MonitorFigures
from ..hours.heatmap import distribution, heat_map, is_answer
from ..hours.series import HOUR, METRICS
from ..hours.windows import window
from ..settings import MonitoringSettings
from ..spec import FeatureDrift
from .figures import WINDOW, MeasuringVerbs

FEATURES_OF_CARD = 20
OF_FEATURES = METRICS[: METRICS.index("unseen") + 1]
"""Metrics that each feature has."""


class HeatVerbs(MeasuringVerbs):
    """What the heat map of a monitor shows; a base of `Monitoring`."""

    def heat(
        self,
        name: str,
        *,
        metric: str = "psi",
        since: timedelta | None = None,
        version: str | None = None,
        segment: str = "",
        words: str = "",
        limit: int = 50,
    ) -> HeatMap:
        """One metric of every feature by the hour, up to now; the most suspect feature first.
        words: only features with that in their name. Over a longer time a column is the worst of
        several hours.
        """
        if metric not in OF_FEATURES:
            raise BadRequest(
                f"{metric!r} is not measured for each feature.",
                f"Metrics are {', '.join(OF_FEATURES)}.",
                "For example metric=psi",
            )
        monitor, end = self._store.show(name), now().timestamp()
        label, model_version = self._version_of(monitor.deployment, version)
        plan = self._plan(monitor)
        self._check_segment(monitor, plan, segment)
        return heat_map(
            self._series,
            self._deployments,
            name,
            plan,
            metric=metric,
            version=label,
            segment=segment,
            start=end - (since or WINDOW).total_seconds(),
            end=end,
            importance=self._importance(model_version),
            words=words,
            limit=limit,
            versions=[*self._models(monitor.deployment)],
        )

    def overview(
        self,
        name: str,
        *,
        since: timedelta | None = None,
        version: str | None = None,
        segment: str = "",
        against: str = "reference",
    ) -> MonitorFigures:
        """`figures`, with the heat map of the most suspect features."""
        found = self.figures(name, since=since, version=version, segment=segment, against=against)
        heat = self.heat(
            name, since=since, version=version, segment=segment, limit=FEATURES_OF_CARD
        )
        return replace(found, heat=heat)

    def distribution(
        self,
        name: str,
        feature: str,
        start: datetime,
        end: datetime | None = None,
        *,
        version: str | None = None,
        segment: str = "",
    ) -> FeatureDrift:
        """The values of one feature from `start` to `end` (an hour later by default) over the bins
        of the reference; `prediction` for the answers. Raises NotFound without a reference.
        """
        monitor = self._store.show(name)
        label, _ = self._version_of(monitor.deployment, version)
        plan = self._plan(monitor)
        self._check_segment(monitor, plan, segment)
        begin = _aware(start).timestamp()
        found = window(
            self._series,
            self._deployments,
            name,
            plan,
            version=label,
            segment=segment,
            start=begin,
            end=begin + HOUR if end is None else _aware(end).timestamp(),
        )
        drift = distribution(
            feature,
            plan.reference(label),
            found.sketches,
            version=label,
            threshold=self._project.settings.of(MonitoringSettings).psi_alert,
        )
        return drift if is_answer(feature) else self._masking.drift(drift)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
