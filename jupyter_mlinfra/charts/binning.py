"""Predicted against observed rates in bins: the table behind a calibration curve and a calibration
error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    Floats = np.ndarray[Any, np.dtype[np.float64]]

_Z = 1.959963984540054  # of a 95 % interval


def rates(labels: Floats, scores: Floats, bins: int) -> pl.DataFrame:
    """Bins of equal size; ties stay together, so there may be fewer. labels: 0 and 1.

    One row per bin: rows, predicted (mean), observed (share of 1), low and high (95 % Wilson
    interval of observed). Source: Wilson (1927) for the interval.
    """
    import numpy as np
    import polars as pl

    edges = np.unique(np.quantile(scores, np.linspace(0, 1, bins + 1)[1:-1]))
    bin_of = np.searchsorted(edges, scores, side="left")
    rows = np.bincount(bin_of, minlength=len(edges) + 1)
    filled = rows > 0
    count = rows[filled]
    predicted = np.bincount(bin_of, scores, len(rows))[filled] / count
    observed = np.bincount(bin_of, labels, len(rows))[filled] / count
    middle = (observed + _Z**2 / (2 * count)) / (1 + _Z**2 / count)
    half = (
        _Z
        / (1 + _Z**2 / count)
        * np.sqrt(observed * (1 - observed) / count + _Z**2 / (4 * count**2))
    )
    return pl.DataFrame(
        {
            "rows": count,
            "predicted": predicted,
            "observed": observed,
            "low": middle - half,
            "high": middle + half,
        }
    )
