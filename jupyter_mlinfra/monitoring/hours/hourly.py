"""The points of one window, computed from its sketches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ...core.records import Number
from ..measures import distances, quantiles
from ..measures.drift import psi, share, shares
from ..spec import Distances, FeatureDrift
from . import expected as estimated
from .points import Point
from .series import Key
from .sketches import Sketch, of_reference

if TYPE_CHECKING:
    from ..measures.drift import ColumnReference
    from ..references.profiles import Reference
    from .recording import Plan


Figure = tuple[str, float | None, int, float | None]
"""Metric, value, rows, and by how much the value may be off; see `Point`."""

OUTPUT = ".output."
_OF_ANSWERS = {".score": "score_psi", ".class": "class_psi"}


def points_of(
    sketches: Mapping[Key, Sketch],
    plan: Plan,
    *,
    start: float,
    end: float,
    before: Mapping[str, Sketch] | None = None,
) -> list[Point]:
    """The points of every version, segment and column, in that order. before: by column what
    distances are against; by default the reference of each version.
    """
    found: list[Point] = []
    sides: dict[str, Mapping[str, Sketch]] = {}
    for (version, segment, column), item in sorted(sketches.items()):
        reference = plan.reference(version)
        if version not in sides:
            sides[version] = sides_of(reference) if before is None else before
        labels = {"version": version} | ({"segment": segment} if segment else {})
        if column == ".requests":
            figures = _of_requests(item)
        elif column == ".expected":
            figures = [
                (f"performance_estimated.{name}", value, item.rows, None)
                for name, value in estimated.metrics(item, reference, plan.answers).items()
            ]
        elif column in _OF_ANSWERS or column.startswith(OUTPUT):
            against = sides[version].get(column)
            value = distances_of(against, item).psi if against else None
            figures = [(_OF_ANSWERS.get(column, "output_psi"), value, item.rows, 0.0)]
            if column.startswith(OUTPUT):
                labels["feature"] = column.removeprefix(OUTPUT)
        else:
            labels["feature"] = column
            figures = list(_of_column(item, sides[version].get(column)))
        found += [
            Point(
                metric=metric,
                labels=labels,
                start=start,
                end=end,
                value=value,
                rows=rows,
                error=None if value is None else error,
            )
            for metric, value, rows, error in figures
        ]
    return found


def sides_of(reference: Reference | None) -> Mapping[str, Sketch]:
    """A reference as sketches, by column."""
    if reference is None:
        return {}
    sides = {column.name: of_reference(column) for column in reference.columns}
    sides |= {f"{OUTPUT}{column.name}": of_reference(column) for column in reference.outputs}
    answers = {".score": reference.score, ".class": reference.predicted}
    return sides | {name: of_reference(column) for name, column in answers.items() if column}


def distances_of(before: Sketch, window: Sketch) -> Distances:
    """How far a window is from what was before. Those of histograms need the same bins on both
    sides, those of values numbers; what cannot be computed is None.

    `ks_error` bounds the error of the Kolmogorov–Smirnov statistic.
    """
    bins = None
    if len(before.counts) == len(window.counts) > 0 and before.rows and window.rows:
        bins = [*before.counts, before.missing], [*window.counts, window.missing]
    values = None
    if len(before.quantiles.values) and len(window.quantiles.values):
        values = before.quantiles, window.quantiles
    error = sum(item.relative_error for item in values) if values else 0.0
    return Distances(
        psi=psi(*bins) if bins else None,
        ks=quantiles.kolmogorov_smirnov(*values) if values else None,
        wasserstein=quantiles.wasserstein(*values) if values else None,
        js=distances.jensen_shannon(*bins) if bins else None,
        hellinger=distances.hellinger(*bins) if bins else None,
        chi2=distances.chi_squared(*bins) if bins else None,
        basis="approx" if error else "exact",
        ks_error=error if values else None,
    )


def compare_sketch(
    column: ColumnReference, window: Sketch | None, *, threshold: float
) -> FeatureDrift:
    """Drift of a column against its reference, from a sketch. window: None if no row of
    it came.
    """
    rows = window.rows if window else 0
    counts = window.counts if window and window.counts else (0,) * len(column.counts)
    missing = window.missing if window else 0
    found = distances_of(of_reference(column), window) if window else None

    def number(name: str) -> Number:
        return Number(value=getattr(found, name) if found else None, n=rows)

    def of_values(name: str) -> Number | None:
        value = getattr(found, name) if found else None
        return (
            Number(value=value, basis=found.basis, n=rows) if found and value is not None else None
        )

    index = found.psi if found else None
    return FeatureDrift(
        feature=column.name,
        kind=column.kind,
        psi=number("psi"),
        ks=of_values("ks"),
        wasserstein=of_values("wasserstein"),
        js=number("js"),
        hellinger=number("hellinger"),
        chi2=number("chi2"),
        missing_reference=Number(value=share(column.missing, column.rows), n=column.rows),
        missing_window=Number(value=share(missing, rows), n=rows),
        edges=list(column.edges),
        reference=shares(column.counts),
        window=shares(counts),
        drifted=index is not None and index >= threshold,
    )


def _of_requests(item: Sketch) -> list[Figure]:
    requests = sum(item.counts)
    _, refused, failed = item.counts
    return [
        ("requests", float(requests), requests, 0.0),
        ("error_fraction", failed / requests if requests else None, requests, 0.0),
        ("refused_fraction", refused / requests if requests else None, requests, 0.0),
        ("p95_ms", item.quantiles.at(0.95), requests, item.quantiles.relative_error),
    ]


def _of_column(item: Sketch, before: Sketch | None) -> Iterator[Figure]:
    found = distances_of(before, item) if before else None
    bounds = _bounds(found, before, item) if found and before else {}
    for name in ("psi", "ks", "wasserstein", "js", "hellinger", "chi2"):
        yield name, getattr(found, name) if found else None, item.rows, bounds.get(name, 0.0)
    for name, part in (
        ("missing", item.missing),
        ("out_of_range", item.outside),
        ("unseen", item.unseen),
    ):
        yield name, None if part is None or not item.rows else part / item.rows, item.rows, 0.0


def _bounds(found: Distances, before: Sketch, window: Sketch) -> Mapping[str, float | None]:
    """By how much the distances of values may be off: as the share of rows, times the range of the
    values for a distance in their unit. A long reference leaves out its farthest values.
    """
    ends = [item for item in (before.low, before.high, window.low, window.high) if item is not None]
    if found.ks_error is None or not ends:
        return {}
    width = max(ends) - min(ends) if len(ends) == 4 else None
    return {
        "ks": found.ks_error,
        "wasserstein": None if width is None else found.ks_error * width,
    }
