"""How good a classifier is, and how certain that is: ranking, calibration, money, and bootstrap
intervals.

Labels are 0 and 1 (or booleans), predictions are scores where higher means more likely; both are
Polars series, arrays or lists of the same length. Every function refuses empty input, NaN and other
labels with BadRequest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.errors import BadRequest

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    Floats = np.ndarray[Any, np.dtype[np.float64]]
    Labels = Sequence[bool] | Sequence[int] | Floats | pl.Series
    Scores = Sequence[float] | Floats | pl.Series
    Groups = Sequence[Any] | np.ndarray[Any, Any] | pl.Series

MIN_GROUPS = 10
_CELLS = 4_000_000  # numbers that a bootstrap draws at a time: 32 MB


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A figure with its percentile interval. level: 0.95 = 95 %. resamples: how many were drawn
    from `rows` rows.
    """

    value: float
    low: float
    high: float
    level: float
    rows: int
    resamples: int

    def __str__(self) -> str:
        return f"{self.value:.4g} [{self.low:.4g}, {self.high:.4g}]"


def auc(y: Labels, p: Scores) -> float:
    """Area under the ROC curve: the chance that a random 1 scores above a random 0, ties counted
    half.

    Source: Hanley and McNeil (1982), the Mann-Whitney form. Raises BadRequest if only one label
    occurs.
    """
    labels, scores = _checked(y, p, both_labels=True)
    return _auc_of(labels, scores)(None)


def average_precision(y: Labels, p: Scores) -> float:
    """Area under the precision-recall curve as a sum over thresholds, without interpolation; tied
    scores are one threshold.

    Source: `sklearn.metrics.average_precision_score`, same definition.
    """
    labels, scores = _checked(y, p, both_labels=True)
    return _average_precision_of(labels, scores)(None)


def brier(y: Labels, p: Scores) -> float:
    """Mean squared difference of prediction and label. Source: Brier (1950)."""
    labels, scores = _checked(y, p)
    return _brier_of(labels, scores)(None)


def calibration(y: Labels, p: Scores, *, bins: int = 10) -> pl.DataFrame:
    """Predicted against observed rate in bins of equal size (ties stay together, so there may be
    fewer bins).

    One row per bin: rows, predicted (mean), observed (share of 1), low and high (95 % Wilson
    interval of observed). Source: Wilson (1927) for the interval.
    """
    from ..charts import rates

    labels, scores = _checked(y, p)
    if bins < 1:
        raise BadRequest(f"bins={bins} is below 1.", fix="Use 10.")
    return rates(labels, scores, bins)


def calibration_error(y: Labels, p: Scores, *, bins: int = 10) -> float:
    """Expected calibration error: mean distance of predicted and observed rate over bins of equal
    size, weighted by rows.

    Source: Naeini, Cooper and Hauskrecht (2015), with quantile bins.
    """
    table = calibration(y, p, bins=bins).to_numpy()
    rows, predicted, observed = table[:, 0], table[:, 1], table[:, 2]
    return float(rows @ abs(predicted - observed) / rows.sum())


def savings(
    y: Labels, p: Scores, *, threshold: float, cost_action: float, cost_late: float
) -> Floats:
    """Money saved per row compared with doing nothing, if one acts wherever `p >= threshold`.

    cost_action: what acting on a row costs. cost_late: what a row labelled 1 costs without action;
    acting prevents it.
    """
    labels, scores = _checked(y, p)
    _check_costs(cost_action, cost_late)
    saved: Floats = (scores >= threshold) * (cost_late * labels - cost_action)
    return saved


def business_kpi(
    y: Labels, p: Scores, *, threshold: float, cost_action: float, cost_late: float
) -> float:
    """Money saved per 1,000 rows compared with doing nothing, at a threshold that was chosen on
    other data (`best_threshold`).
    """
    return 1000 * float(
        savings(y, p, threshold=threshold, cost_action=cost_action, cost_late=cost_late).mean()
    )


def best_threshold(
    y: Labels, p: Scores, *, cost_action: float, cost_late: float
) -> tuple[float, float]:
    """(threshold, money saved per 1,000 rows) of the best `p >= threshold` on tuning data; infinity
    if acting never pays.

    Every distinct score is tried; of equally good thresholds the highest (the fewest actions) is
    taken.
    """
    import numpy as np

    labels, scores = _checked(y, p)
    _check_costs(cost_action, cost_late)
    order = np.argsort(-scores, kind="stable")
    total = np.cumsum(cost_late * labels[order] - cost_action)
    # Rows with the same score are acted on together.
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    best = ends[np.argmax(total[ends])]
    if total[best] <= 0:
        return float("inf"), 0.0
    return float(scores[order][best]), float(1000 * total[best] / len(scores))


def bootstrap_difference(
    y: Labels,
    a: Scores,
    b: Scores,
    *,
    metric: str | Callable[[Floats, Floats], float] = "auc",
    groups: Groups | None = None,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """How much better `a` is than `b` on the same rows: metric(a) - metric(b) with its paired
    percentile interval.

    metric: auc, average_precision, brier, or a function of labels and scores. Both are computed on
    the same resampled rows, so that what they have in common cancels. groups: one value per row.
    Rows of a group (a day, a customer) are correlated, so whole groups are drawn; otherwise the
    interval would be too narrow. Deterministic for a seed. Source: Efron and Tibshirani (1993),
    sections 8.3, 8.6 and 13.3; groups: Cameron, Gelbach and Miller (2008), section 3.1 (pairs
    cluster bootstrap).
    """
    labels, first = _checked(y, a, both_labels=metric in ("auc", "average_precision"))
    _, second = _checked(y, b)
    if callable(metric):
        metric_of_a, metric_of_b = _by_rows(metric, labels, first), _by_rows(metric, labels, second)
    elif metric in _METRICS:
        metric_of_a, metric_of_b = _METRICS[metric](labels, first), _METRICS[metric](labels, second)
    else:
        raise BadRequest(
            f"There is no metric {metric!r}.",
            fix=f"One of {', '.join(_METRICS)}, or a function of labels and scores.",
        )
    return _bootstrap(
        lambda weights: metric_of_a(weights) - metric_of_b(weights),
        len(labels),
        groups,
        resamples,
        level,
        seed,
    )


def bootstrap_metric(
    y: Labels,
    p: Scores,
    *,
    metric: str = "auc",
    groups: Groups | None = None,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """One metric with its percentile interval; groups as in `bootstrap_difference`."""
    labels, scores = _checked(y, p, both_labels=metric in ("auc", "average_precision"))
    if metric not in _METRICS:
        raise BadRequest(f"There is no metric {metric!r}.", fix=f"One of {', '.join(_METRICS)}.")
    return _bootstrap(_METRICS[metric](labels, scores), len(labels), groups, resamples, level, seed)


def bootstrap_saving(
    y: Labels,
    p: Scores,
    *,
    threshold: float,
    cost_action: float,
    cost_late: float,
    groups: Groups | None = None,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """`business_kpi` with its percentile interval; groups as in `bootstrap_difference`."""
    saved = savings(y, p, threshold=threshold, cost_action=cost_action, cost_late=cost_late)

    def kpi(weights: Floats | None) -> float:
        return 1000 * float(saved.mean() if weights is None else (weights @ saved) / weights.sum())

    return _bootstrap(kpi, len(saved), groups, resamples, level, seed)


def report(
    frame: pl.DataFrame,
    *,
    label: str,
    threshold: float | Mapping[str, float],
    cost_action: float,
    cost_late: float,
) -> pl.DataFrame:
    """One row per score column of `frame`: AUC, average precision, Brier score, calibration error,
    money saved per 1,000 rows.

    frame: `label` and one column of scores per model. threshold: one for all, or one for each: a
    comparison in money is fair if each model has the threshold that was best for it on tuning data.
    """
    import polars as pl

    if label not in frame.columns:
        raise BadRequest(
            f"The frame has no column {label}.", f"It has: {', '.join(frame.columns)}."
        )
    names = [name for name in frame.columns if name != label]
    limits = threshold if isinstance(threshold, Mapping) else dict.fromkeys(names, threshold)
    if missing := [name for name in names if name not in limits]:
        raise BadRequest(
            f"{missing[0]} has no threshold.",
            f"There are some for: {', '.join(limits)}.",
            "Give one for each column of scores.",
        )
    y = frame[label]
    rows = [
        {
            "model": name,
            "auc": auc(y, frame[name]),
            "average_precision": average_precision(y, frame[name]),
            "brier": brier(y, frame[name]),
            "calibration_error": calibration_error(y, frame[name]),
            "saved_per_1000": business_kpi(
                y, frame[name], threshold=limits[name], cost_action=cost_action, cost_late=cost_late
            ),
        }
        for name in names
    ]
    return pl.DataFrame(rows)


def _auc_of(labels: Floats, scores: Floats) -> Callable[[Floats | None], float]:
    """AUC as a function of row weights, with a single sort. NaN if the weights leave only one
    label.
    """
    import numpy as np

    order = np.argsort(scores, kind="stable")
    sorted_labels = labels[order]
    # The first row of each distinct score.
    starts = np.flatnonzero(np.append(True, np.diff(scores[order]) != 0))

    def metric(weights: Floats | None) -> float:
        w = np.ones(len(labels)) if weights is None else weights[order]
        ones, zeros = (
            np.add.reduceat(w * sorted_labels, starts),
            np.add.reduceat(w * (1 - sorted_labels), starts),
        )
        below = np.cumsum(zeros) - zeros / 2
        pairs = ones.sum() * zeros.sum()
        return float(ones @ below / pairs) if pairs else float("nan")

    return metric


def _average_precision_of(labels: Floats, scores: Floats) -> Callable[[Floats | None], float]:
    import numpy as np

    order = np.argsort(-scores, kind="stable")
    sorted_labels = labels[order]
    starts = np.flatnonzero(np.append(True, np.diff(scores[order]) != 0))

    def metric(weights: Floats | None) -> float:
        w = np.ones(len(labels)) if weights is None else weights[order]
        ones, rows = np.add.reduceat(w * sorted_labels, starts), np.add.reduceat(w, starts)
        hits, counted = np.cumsum(ones), np.cumsum(rows)
        total = hits[-1]
        return (
            float((ones * hits / np.maximum(counted, 1e-300)).sum() / total)
            if total
            else float("nan")
        )

    return metric


def _brier_of(labels: Floats, scores: Floats) -> Callable[[Floats | None], float]:
    squares = (scores - labels) ** 2
    return lambda weights: float(
        squares.mean() if weights is None else weights @ squares / weights.sum()
    )


_METRICS: dict[str, Callable[[Floats, Floats], Callable[[Floats | None], float]]] = {
    "auc": _auc_of,
    "average_precision": _average_precision_of,
    "brier": _brier_of,
}


def _by_rows(
    metric: Callable[[Floats, Floats], float], labels: Floats, scores: Floats
) -> Callable[[Floats | None], float]:
    """A function of labels and scores as a function of row weights."""
    import numpy as np

    def weighted(weights: Floats | None) -> float:
        rows = (
            slice(None)
            if weights is None
            else np.repeat(np.arange(len(labels)), weights.astype(np.int64))
        )
        return metric(labels[rows], scores[rows])

    return weighted


def _bootstrap(
    figure: Callable[[Floats | None], float],
    rows: int,
    groups: Groups | None,
    resamples: int,
    level: float,
    seed: int,
) -> Interval:
    """Resample rows, or whole groups, by how often each is drawn: a weight per row, so that nothing
    is copied or sorted again.
    """
    import numpy as np

    if resamples < 100 or not 0 < level < 1:
        raise BadRequest(
            f"resamples={resamples}, level={level} give no interval.",
            "It takes 100 resamples or more, and a level between 0 and 1.",
        )
    group = (
        np.arange(rows) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    )
    if len(group) != rows:
        raise BadRequest(
            "The groups do not fit the rows.",
            f"There are {rows} rows and {len(group)} groups.",
            "Give the group of each row.",
        )
    units = int(group.max()) + 1
    if groups is not None and units < MIN_GROUPS:
        raise BadRequest(
            f"{units} groups give no interval.",
            f"It takes {MIN_GROUPS} or more.",
            "Use smaller groups, such as days for weeks.",
        )
    generator, figures = np.random.default_rng(seed), []
    block = max(1, _CELLS // units)
    for start in range(0, resamples, block):
        samples = generator.integers(0, units, size=(min(block, resamples - start), units))
        figures += [
            figure(np.bincount(sample, minlength=units).astype(np.float64)[group])
            for sample in samples
        ]
    low, high = np.nanquantile(figures, [(1 - level) / 2, (1 + level) / 2])
    return Interval(
        value=figure(None),
        low=float(low),
        high=float(high),
        level=level,
        rows=rows,
        resamples=resamples,
    )


def _checked(y: Labels, p: Scores, *, both_labels: bool = False) -> tuple[Floats, Floats]:
    import numpy as np

    try:
        labels, scores = np.asarray(y, dtype=np.float64), np.asarray(p, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise BadRequest("Labels and scores must be numbers.", f"{error}.") from error
    if labels.ndim != 1 or labels.shape != scores.shape or not len(labels):
        raise BadRequest(
            "Labels and scores do not fit together.",
            f"Their shapes are {labels.shape} and {scores.shape}.",
            "Give two lists of the same length, not empty.",
        )
    if not np.isfinite(scores).all():
        raise BadRequest(
            "A score is missing or infinite.",
            f"{int((~np.isfinite(scores)).sum())} of {len(scores)} are not finite.",
            "Drop those rows, or fill them.",
        )
    ones = int((labels == 1).sum())
    if ones + int((labels == 0).sum()) != len(labels):
        raise BadRequest(
            "A label is neither 0 nor 1.",
            "Only two classes can be judged here.",
            "Drop rows without label.",
        )
    if both_labels and ones in (0, len(labels)):
        raise BadRequest(
            "All labels are the same.",
            f"Every one of the {len(labels)} rows is {int(ones > 0)}.",
            "Judge on data that hold both.",
        )
    return labels, scores


def _check_costs(cost_action: float, cost_late: float) -> None:
    if cost_action < 0 or cost_late < 0:
        raise BadRequest(
            "A cost is below 0.",
            f"cost_action={cost_action}, cost_late={cost_late}.",
            "State costs as positive amounts.",
        )
