"""What is not shown of the inputs that `masked_inputs` of the deployments names.

A figure of many rows is shown: a share of rows, a distance, a count. A value is not: the name of a
category, the edge of a bin, the first or last date, or a segment, whose name is a value.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..core.errors import BadRequest
from ..core.records import MASK

if TYPE_CHECKING:
    import polars as pl

    from ..core.project import Project
    from .figures import MonitorFigures
    from .hours.points import Point
    from .spec import FeatureDrift, MonitorStatus


class Masking:
    """The rule in one project."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def hidden(self, inputs: Collection[str]) -> Collection[str]:
        """Those of these inputs, or of their parts, whose values are not shown."""
        from ..deployments import masked_inputs

        return masked_inputs(self._project, inputs)

    def drift(self, item: FeatureDrift) -> FeatureDrift:
        """The drift of an input; of a masked one without the values of its bins."""
        return without_values(item) if self.hidden([item.feature]) else item

    def status(self, status: MonitorStatus) -> MonitorStatus:
        """The same without values of masked inputs."""
        return replace(status, drift=[self.drift(item) for item in status.drift])

    def figures(self, found: MonitorFigures) -> MonitorFigures:
        """The same without the dates of masked inputs."""
        hidden = self.hidden(found.dates)
        if not hidden:
            return found
        shown = {name: dates for name, dates in found.dates.items() if name not in hidden}
        why = f"Values of {', '.join(sorted(hidden)[:5])} are not shown in this project."
        return replace(found, dates=shown, reasons={**found.reasons, "dates": why})

    def segments(self, columns: Sequence[str]) -> Sequence[str]:
        """Those of these columns that have segments."""
        hidden = self.hidden(columns)
        return [name for name in columns if name not in hidden]

    def check_segments(self, columns: Sequence[str]) -> None:
        """Raise BadRequest if one is masked."""
        if hidden := [name for name in columns if name in self.hidden(columns)]:
            raise BadRequest(
                f"{hidden[0]} cannot have segments.",
                "Its values are not shown in this project, and each would be the name of one.",
                "See masked_inputs of [deployments] in mlinfra.toml.",
            )

    def points(self, points: Iterable[Point]) -> Iterator[Point]:
        """Without those of segments of masked inputs, which were recorded before they were."""
        for point in points:
            segment = point.labels.get("segment", "")
            if not segment or self.segments([column_of(segment)]):
                yield point


def column_of(segment: str) -> str:
    """The column of a segment, such as `origin` of `origin=JFK`."""
    return segment.partition("=")[0]


def without_values(item: FeatureDrift) -> FeatureDrift:
    """The same with a number in the place of each edge or category, so that bins stay apart."""
    edges = [f"{MASK} {place}" for place in range(1, len(item.edges) + 1)]
    return replace(item, edges=edges)


def with_masked(rows: pl.DataFrame, columns: Collection[str]) -> pl.DataFrame:
    """The same rows with `MASK` for each value of these columns."""
    import polars as pl

    return rows.with_columns(pl.lit(MASK).alias(name) for name in columns)
