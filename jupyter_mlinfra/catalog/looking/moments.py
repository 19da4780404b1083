"""Mean and standard deviation, computed in parts.

Source: Chan, Golub and LeVeque, Updating formulae and a pairwise algorithm for computing sample
variances (1979).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Moments:
    """Of the finite numbers of a column: how many, their mean, and the sum of the squares of their
    distances from it.
    """

    n: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def std(self) -> float | None:
        """The standard deviation of a sample; None of fewer than two numbers."""
        return math.sqrt(self.squares / (self.n - 1)) if self.n > 1 else None


def joined(parts: Iterable[Moments]) -> Moments:
    """The moments of all numbers together."""
    total = Moments()
    for part in parts:
        n = total.n + part.n
        if not part.n:
            continue
        step = part.mean - total.mean
        total = Moments(
            n,
            total.mean + step * part.n / n,
            total.squares + part.squares + step * step * total.n * part.n / n,
        )
    return total


def moments_of(values: pl.Series, counts: pl.Series | None = None) -> Moments:
    """The moments of the finite numbers in `values`, each as often as `counts` says, or once."""
    numbers = values.cast(float).to_numpy()
    weights = np.ones(len(numbers)) if counts is None else counts.cast(float).to_numpy()
    finite = np.isfinite(numbers)
    numbers, weights = numbers[finite], weights[finite]
    n = float(weights.sum())
    if not n:
        return Moments()
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float((numbers * weights).sum() / n)
        squares = float((weights * (numbers - mean) ** 2).sum())
    return Moments(round(n), mean, squares)
