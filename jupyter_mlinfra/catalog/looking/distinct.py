"""How many distinct values a column has, from the smallest hashes of its values.

Source: Bar-Yossef et al., Counting distinct elements in a data stream (2002), and the theta sketch
of Dasgupta et al., A framework for estimating stream expression cardinalities (2016).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import polars as pl

    Hashes = np.ndarray[tuple[int], np.dtype[np.uint64]]

ALL = 1 << 64
"""Above every hash."""

_SEED = 7


@dataclass(frozen=True, slots=True)
class Distinct:
    """The hashes below `theta` of all values of a column, sorted, each once.

    theta: 2⁶⁴ if these are the hashes of all values.
    """

    hashes: Hashes
    theta: int = ALL

    def count(self) -> int:
        """The number of distinct values; exact if `theta` is 2⁶⁴, but for collisions of 64 bits."""
        return round(len(self.hashes) * (ALL / self.theta))

    def error(self) -> float | None:
        """The relative standard error of `count`; None if it is exact."""
        if self.theta == ALL:
            return None
        return 1 / math.sqrt(max(1, len(self.hashes) - 1))


def merged(parts: Iterable[Distinct], most: int) -> Distinct:
    """The hashes of the union of these values: of more than `most`, only the smallest."""
    found = list(parts)
    theta = min((part.theta for part in found), default=ALL)
    joined = np.concatenate([np.empty(0, np.uint64), *(part.hashes for part in found)])
    hashes = np.sort(joined, kind="stable")  # which merges what is sorted in parts
    hashes = hashes[np.append(True, hashes[1:] != hashes[:-1])[: len(hashes)]]
    if theta < ALL:
        hashes = hashes[: int(np.searchsorted(hashes, np.uint64(theta)))]
    if len(hashes) > most:
        theta = int(hashes[most])
        hashes = hashes[:most]
    return Distinct(hashes, theta)


def hashes_of(values: pl.Series) -> Hashes:
    """A hash of each value; no value may be null. Equal numbers of any width have equal hashes."""
    import polars as pl

    if values.dtype in (pl.Int8, pl.Int16, pl.Int32, pl.UInt8, pl.UInt16, pl.UInt32):
        values = values.cast(pl.Int64)
    elif values.dtype == pl.Float32:
        values = values.cast(pl.Float64)
    return values.hash(_SEED).to_numpy()
