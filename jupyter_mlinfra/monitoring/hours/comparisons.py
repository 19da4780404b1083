"""Points of drift against something else than the reference: the window before, or a span of
time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..against import METRICS, REFERENCE, span_before
from .hourly import points_of

if TYPE_CHECKING:
    from .points import Point
    from .recording import Plan
    from .windows import Window


def points_against(
    measured: Callable[[float, float], Window],
    plan: Plan,
    version: str,
    against: Sequence[str],
    start: float,
    end: float,
) -> Iterator[Point]:
    """The distances of a window of one version, each with the label `against`. measured: gives the
    window of a span of time. Distances over bins need a reference, whose bins both sides have.
    """
    others = [name for name in against if name != REFERENCE]
    sketches = measured(start, end).sketches if others else {}
    window = {(version, "", name): item for name, item in sketches.items()}
    for name in others:
        before = measured(*span_before(name, start, end)).sketches
        for point in points_of(window, plan, start=start, end=end, before=before):
            if point.metric in METRICS:
                yield replace(point, labels={**point.labels, "against": name})
