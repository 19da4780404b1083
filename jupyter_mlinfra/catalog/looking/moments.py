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

_WHOLE = 2**53
"""Up to here a float is every whole number."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Of the finite numbers of a column: how many, their mean, and the sum of the squares of their
    distances from it. origin: what the mean is measured from; whole numbers that a float cannot
    tell apart differ from it by little.
    """

    n: int = 0
    mean: float = 0.0
    squares: float = 0.0
    origin: int = 0

    @property
    def average(self) -> float:
        """The mean itself."""
        return self.origin + self.mean

    def std(self) -> float | None:
        """The standard deviation of a sample; None of fewer than two numbers, or if the squares are
        larger than any float.
        """
        if self.n < 2 or not math.isfinite(self.squares):
            return None
        return math.sqrt(self.squares / (self.n - 1))


def joined(parts: Iterable[Moments]) -> Moments:
    """The moments of all numbers together."""
    total = Moments()
    for part in parts:
        if not part.n or not total.n:
            total = part if part.n else total
            continue
        n = total.n + part.n
        step = (part.origin - total.origin) + (part.mean - total.mean)
        total = Moments(
            n,
            total.mean + step * (part.n / n),
            total.squares + part.squares + step * step * total.n * part.n / n,
            total.origin,
        )
    return total


def needs_origin(ends: pl.Series) -> bool:
    """Whether these are whole numbers that a float cannot tell apart. ends: the lowest and the
    highest.
    """
    return ends.dtype.is_integer() and any(abs(int(end)) > _WHOLE for end in ends)


def moments_of(values: pl.Series, counts: pl.Series | None = None) -> Moments:
    """The moments of the finite numbers in `values`, each as often as `counts` says, or once."""
    import polars as pl

    origin = 0
    if values.dtype.is_integer() and len(values):
        ends = pl.Series([values.min(), values.max()], dtype=values.dtype).drop_nulls()
        if needs_origin(ends):
            origin = int(ends[0])
            values = values.cast(pl.Int128) - ends[:1].cast(pl.Int128)
    numbers = values.cast(float).to_numpy()
    weights = np.ones(len(numbers)) if counts is None else counts.cast(float).to_numpy()
    finite = np.isfinite(numbers)
    numbers, weights = numbers[finite], weights[finite]
    n = float(weights.sum())
    if not n:
        return Moments()
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float((numbers * weights).sum() / n)
        if not math.isfinite(mean):  # the sum is larger than any float
            mean = float((numbers * (weights / n)).sum())
        squares = float((weights * (numbers - mean) ** 2).sum())
    return Moments(round(n), mean, squares, origin)
