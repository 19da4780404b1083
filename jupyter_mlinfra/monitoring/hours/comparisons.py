"""Points of drift against something else than the reference: the window before, or a span of
time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ...core.errors import MLInfraError
from ..against import METRICS, REFERENCE, span_before
from .hourly import points_of
from .points import Point

if TYPE_CHECKING:
    from .recording import Plan
    from .windows import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class AgainstOthers:
    """Points with the label `against`. reasons: why nothing could be measured, by what it is
    against; its points have no values.
    """

    points: Sequence[Point] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)


def points_against(
    measured: Callable[[float, float], Window],
    plan: Plan,
    version: str,
    against: Sequence[str],
    start: float,
    end: float,
) -> AgainstOthers:
    """The distances of a window of one version. measured: gives the window of a span of time.
    Distances over bins need a reference, whose bins both sides have. Whatever is wrong with one of
    `against` hides no other.
    """
    points, reasons = list[Point](), dict[str, str]()
    for name in against:
        if name == REFERENCE:
            continue
        try:
            sketches = measured(start, end).sketches
            before = measured(*span_before(name, start, end)).sketches
            window = {(version, "", column): item for column, item in sketches.items()}
            found = points_of(window, plan, start=start, end=end, before=before)
        except Exception as error:  # noqa: BLE001 (of one of them: the others are measured)
            reasons[name] = f"drift against {name} could not be measured: {_cause(error)}"
            labels = {"version": version}
            found = [
                Point(metric=item, labels=labels, start=start, end=end, value=None, rows=0)
                for item in METRICS
            ]
        points += [
            replace(point, labels={**point.labels, "against": name})
            for point in found
            if point.metric in METRICS
        ]
    return AgainstOthers(points=points, reasons=reasons)


def _cause(error: Exception) -> str:
    return str(error) if isinstance(error, MLInfraError) else f"{type(error).__name__}: {error}"
