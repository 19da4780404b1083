"""Estimated performance of an hour, in a form that adds up over its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ..measures import estimating
from ..measures.answers import probabilities_of
from .sketches import Sketch, sketch

if TYPE_CHECKING:
    import polars as pl

    from ..references.profiles import Reference


def expected(
    rows: pl.DataFrame, reference: Reference | None, answers: str, *, points: int
) -> Sketch | None:
    """What can be expected of answered rows; None if nothing can be estimated.

    sums: of two classes those of `estimating.confusion`, and the quantiles are those of the
    scores; of more classes the expected right answers and log loss; of values the expected absolute
    and squared errors.
    """
    import numpy as np
    import polars as pl

    if reference is None:
        return None
    if answers == "values":
        if reference.errors is None:
            return None
        absolute, squared = reference.errors.predicted(rows)
        empty = sketch(pl.Series("none", [], dtype=pl.Float64), None)
        return replace(empty, rows=rows.height, sums=(float(absolute.sum()), float(squared.sum())))
    if answers != "probabilities" or not reference.calibrations:
        return None
    scores = probabilities_of(rows)
    scores = scores[np.isfinite(scores).all(axis=1)]
    if scores.shape[1] != max(2, len(reference.calibrations)):
        return None
    sums = estimating.sums_of(scores, reference.calibrations)
    kept = sketch(pl.Series("score", scores[:, 1]), None, points=points)
    return replace(kept, sums=tuple(sums.tolist()))


def metrics(found: Sketch, reference: Reference | None, answers: str) -> Mapping[str, float | None]:
    """The estimated metrics of such a sketch."""
    if not found.rows or reference is None:
        return {}
    if answers == "values":
        absolute, squared = found.sums
        return {"mae": absolute / found.rows, "rmse": float((squared / found.rows) ** 0.5)}
    return estimating.of_sums(
        found.sums, found.quantiles.values, found.quantiles.weights, reference.calibrations
    )
