"""A metric over its steps, reduced without losing a spike: minimum, mean and maximum of each bucket
of steps.

MLflow's own sampling keeps the first point of each bucket; a spike of one step in 10,000 then
survives with a chance of 3 %.
"""

# ruff: noqa: S608 - names come from the tables of this package, every value is bound

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence

from .facts import value_of
from .spec import Curve

# A run that logs without steps has step 0 throughout: its points are numbered by time instead.
_POINTS = "SELECT step, value, is_nan FROM metrics WHERE run_uuid = :run AND key = :key"
_IN_ORDER = (
    "SELECT row_number() OVER (ORDER BY timestamp, rowid) - 1 AS step, value, is_nan FROM metrics"
    " WHERE run_uuid = :run AND key = :key AND NOT is_nan"
)
_BUCKETS = """
SELECT min(step), min(value), avg(value), max(value) FROM ({points})
WHERE NOT is_nan GROUP BY (step - :low) / :width ORDER BY 1
"""


def width_of(low: int, high: int, points: int) -> int:
    """Steps per bucket, so that at most `points` buckets span low to high."""
    return (high - low) // points + 1


def from_sql(connection: sqlite3.Connection, run: str, key: str, points: int) -> Curve | None:
    """One curve from MLflow's `metrics` table, through its index on the run; None if the run has no
    such metric.
    """
    values: dict[str, object] = {"run": run, "key": key}
    total, numbers, low, high = connection.execute(
        "SELECT count(*), count(*) FILTER (WHERE NOT is_nan), min(step) FILTER (WHERE NOT is_nan),"
        f" max(step) FILTER (WHERE NOT is_nan) FROM ({_POINTS})",
        values,
    ).fetchone()
    if not total:
        return None
    source = _POINTS
    if numbers > 1 and low == high:
        source, low, high = _IN_ORDER, 0, numbers - 1
    rows: Sequence[tuple[int, float, float, float]] = []
    if numbers:
        rows = connection.execute(
            _BUCKETS.format(points=source),
            values | {"low": low, "width": width_of(low, high, points)},
        ).fetchall()
    return _curve(run, key, rows, total)


def from_history(
    run: str, key: str, history: Sequence[tuple[int, int, float]], points: int
) -> Curve | None:
    """One curve from all its points as (timestamp, step, value); None if there are none."""
    if not history:
        return None
    numbers = [
        (timestamp, step, value) for timestamp, step, value in history if not math.isnan(value)
    ]
    low, high = (
        min((step for _, step, _ in numbers), default=0),
        max((step for _, step, _ in numbers), default=0),
    )
    if len(numbers) > 1 and low == high:
        numbers = [
            (timestamp, index, value)
            for index, (timestamp, _, value) in enumerate(
                sorted(numbers, key=lambda point: point[0])
            )
        ]
        low, high = 0, len(numbers) - 1
    width = width_of(low, high, points)
    buckets: dict[int, list[tuple[int, float]]] = {}
    for _, step, value in numbers:
        buckets.setdefault((step - low) // width, []).append((step, value))
    rows = []
    for _, bucket in sorted(buckets.items()):
        values = [value for _, value in bucket]
        rows.append(
            (min(step for step, _ in bucket), min(values), sum(values) / len(values), max(values))
        )
    return _curve(run, key, rows, len(history))


def _curve(
    run: str, key: str, rows: Sequence[tuple[int, float, float, float]], total: int
) -> Curve:
    lows, highs = (
        [value_of(row[1], False) for row in rows],
        [value_of(row[3], False) for row in rows],
    )
    means = [_mean(low, row[2], high) for low, row, high in zip(lows, rows, highs, strict=True)]
    return Curve(
        run=run,
        metric=key,
        step=[row[0] for row in rows],
        low=lows,
        mean=means,
        high=highs,
        total=total,
    )


def _mean(low: float, mean: float, high: float) -> float:
    # The store wrote the largest float instead of infinity.
    if math.isinf(low) or math.isinf(high):
        return (
            low + high
            if math.isinf(low) and math.isinf(high)
            else (low if math.isinf(low) else high)
        )
    return mean
