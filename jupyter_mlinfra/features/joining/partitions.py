"""Joins larger than memory: keys in parts, one part after the other."""

from __future__ import annotations

import math
from functools import reduce
from operator import xor
from typing import TYPE_CHECKING

from .names import key_names
from .view import Engine, JoinView

if TYPE_CHECKING:
    import polars as pl

PART_BYTES = 512 * 2**20
"""So many bytes of keys, times and row numbers of both sides are joined at once."""

_TEXT, _NUMBER, _REST = 32, 8, 20  # bytes of a key; of times and row numbers


def parts_of(
    view: JoinView, entity_keys: pl.DataFrame, source: pl.LazyFrame, engine: Engine
) -> int:
    """Into how many parts the keys are split. source: the rows that may match."""
    if not view.keys:
        return 1
    width = _REST + sum(_bytes(view.schema[column]) for column in view.keys.values())
    largest = PART_BYTES // width - entity_keys.height
    if _count(view.frame, engine) <= largest:  # files know it; a filter has to read
        return 1
    return max(1, math.ceil((_count(source, engine) + entity_keys.height) * width / PART_BYTES))


def part(keys: int, number: int, parts: int) -> pl.Expr:
    """Whether a row belongs to a part, by its keys under the names of a join."""
    import polars as pl

    hashes = [pl.col(name).hash(seed) for seed, name in enumerate(key_names(range(keys)))]
    return reduce(xor, hashes) % parts == number


def _bytes(dtype: pl.DataType) -> int:
    return _NUMBER if dtype.is_numeric() or dtype.is_temporal() else _TEXT


def _count(rows: pl.LazyFrame, engine: Engine) -> int:
    import polars as pl

    return int(rows.select(pl.len()).collect(engine=engine).item())
