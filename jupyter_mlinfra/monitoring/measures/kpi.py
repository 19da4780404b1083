"""A business KPI: what each outcome of a decision is worth, and how sure its mean is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...core.errors import BadRequest
from ..figures import KpiFigure

if TYPE_CHECKING:
    import numpy as np

OUTCOMES = ("tp", "fp", "fn", "tn")
CONFIDENCE = 0.95
_DRAWS = 4000
_SEED = 20_130_101


def check_costs(costs: Mapping[str, float]) -> dict[str, float]:
    """The worth of every outcome; those that are not named are worth nothing. Raises BadRequest."""
    if unknown := sorted(set(costs) - set(OUTCOMES)):
        raise BadRequest(
            f"{unknown[0]!r} is no outcome.",
            f"Outcomes are {', '.join(OUTCOMES)}.",
            "For example --value fn=-75 --value fp=-10",
        )
    return {name: float(costs.get(name, 0.0)) for name in OUTCOMES}


def kpi(predicted: np.ndarray, labels: np.ndarray, costs: Mapping[str, float]) -> KpiFigure | None:
    """The KPI of labelled rows of a classifier with two classes; None without any.

    The interval is the percentile bootstrap over rows: as a row is worth one of four amounts, to
    draw n rows is to draw the four counts from a multinomial distribution. Source: Efron and
    Tibshirani, An Introduction to the Bootstrap (1993), ch. 13.
    """
    import numpy as np

    positive, true = predicted == 1, labels == 1
    counts = np.asarray(
        [
            (positive & true).sum(),
            (positive & ~true).sum(),
            (~positive & true).sum(),
            (~positive & ~true).sum(),
        ]
    )
    rows = int(counts.sum())
    if not rows:
        return None
    worth = np.asarray([costs[name] for name in OUTCOMES])
    drawn = np.random.default_rng(_SEED).multinomial(rows, counts / rows, size=_DRAWS)
    means = drawn @ worth / rows
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    total = float(counts @ worth)
    return KpiFigure(
        value=total / rows,
        low=float(low),
        high=float(high),
        confidence=CONFIDENCE,
        total=total,
        rows=rows,
        outcomes=dict(zip(OUTCOMES, counts.tolist(), strict=True)),
    )
