"""A uniform sample of rows whose number need not be known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import polars as pl

    Priorities = np.ndarray[Any, Any]

TEXT_LENGTH = 200
"""Characters of a text, or bytes, that a sample keeps."""


def enough(size: int, rows: int) -> float:
    """The priority below which at least `size` of `rows` rows lie, all but certainly."""
    return min(1.0, (size + 6 * math.sqrt(size) + 10) / max(1, rows))


class Sample:
    """Keeps the rows with the lowest of random priorities.

    size: how many at most. rows: about how many will come. seed: the same one gives the rows the
    same priorities, whatever the blocks.
    """

    def __init__(
        self, schema: Mapping[str, pl.DataType], size: int, *, rows: int, seed: int
    ) -> None:
        self._schema, self._size = schema, size
        self._random = np.random.default_rng(seed)
        self._theta = enough(size, rows)
        self._parts: list[tuple[pl.DataFrame, Priorities]] = []

    def add(self, block: pl.DataFrame) -> None:
        """Take the next rows."""
        import polars as pl

        priorities = self._random.random(block.height)
        chosen = np.flatnonzero(priorities < self._theta)
        rows = pl.DataFrame([_short(block[name]) for name in self._schema])
        self._parts.append((_taken(rows, chosen), priorities[chosen]))
        if sum(len(part) for _, part in self._parts) > 2 * self._size:
            self._cut()

    def done(self) -> tuple[pl.DataFrame, Priorities, float]:
        """The rows, their priorities, and the priority below which all rows are there."""
        import polars as pl

        if not self._parts:
            return pl.DataFrame(schema=dict(self._schema)), np.empty(0), 1.0
        self._cut()
        return (*self._parts[0], self._theta)

    def _cut(self) -> None:
        import polars as pl

        rows = pl.concat([part for part, _ in self._parts])
        priorities = np.concatenate([part for _, part in self._parts])
        rows, priorities, self._theta = cut(rows, priorities, self._theta, self._size)
        self._parts = [(rows, priorities)]


def cut(
    rows: pl.DataFrame, priorities: Priorities, theta: float, size: int
) -> tuple[pl.DataFrame, Priorities, float]:
    """At most `size` of the rows below `theta`, those with the lowest priorities."""
    below = priorities < theta
    if np.count_nonzero(below) > size:
        theta = float(np.partition(priorities, size)[size])
        below = priorities < theta
    if below.all():
        return rows, priorities, theta
    return _taken(rows, np.flatnonzero(below)), priorities[below], theta


def _taken(rows: pl.DataFrame, places: Priorities) -> pl.DataFrame:
    """The rows at these places; a table that has only lists and structs has no columns here."""
    return rows[places] if rows.width else rows


def _short(values: pl.Series) -> pl.Series:
    import polars as pl

    if values.dtype == pl.String:
        return values.str.head(TEXT_LENGTH)
    return values.bin.head(TEXT_LENGTH) if values.dtype == pl.Binary else values
