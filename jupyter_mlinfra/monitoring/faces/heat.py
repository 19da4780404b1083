"""A heat map in lines of text."""

from __future__ import annotations

from collections.abc import Sequence

from ...faces.words import moment, span
from ..figures import HeatMap

LIMITS = (0.08, 0.15, 0.2, 0.3)
"""From which PSI on a mark is darker, as on the page of a monitor."""
MARKS, NOTHING = "·░▒▓█", "–"


def marks(values: Sequence[float | None]) -> str:
    """One row of the map: a mark for each column."""
    return "".join(
        NOTHING if value is None else MARKS[sum(value >= limit for limit in LIMITS)]
        for value in values
    )


def legend(heat: HeatMap) -> str:
    """What the marks mean."""
    steps = ", ".join(f"{mark} {limit:g}" for mark, limit in zip(MARKS[1:], LIMITS, strict=True))
    return (
        f"PSI over time since {moment(heat.starts[0])}, a mark is {span(heat.step_seconds)}:"
        f" {MARKS[0]} under {LIMITS[0]:g}, from {steps}; {NOTHING} no data"
    )
