"""Rows of a source with the same key and time: only one of them can win."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .names import CREATED, SRC, TIME

if TYPE_CHECKING:
    import polars as pl

    from .view import Engine

_MOST_AT_ONCE = 32
"""So many rows may have one time for them to be compared with each other."""


def without_beaten(
    rows: pl.DataFrame, created: pl.LazyFrame, keys: list[str], engine: Engine
) -> pl.DataFrame | None:
    """The rows without those that another one beats by created time or place. None: too many rows
    have one time to tell.

    rows: SRC, the keys and TIME, sorted by time. created: SRC and CREATED.
    """
    import polars as pl

    tied = _tied(rows, keys)
    if tied is None or tied.is_empty():
        return None if tied is None else rows
    among = rows[tied]
    found = created.join(among.lazy(), on=SRC).collect(engine=engine)
    best = found.group_by(*keys, TIME).agg(
        pl.col(SRC).sort_by(CREATED, SRC, nulls_last=False).last()
    )
    beaten = found.join(best, on=SRC, how="anti").select(SRC)
    return rows.join(beaten, on=SRC, how="anti", maintain_order="left")


def _tied(rows: pl.DataFrame, keys: list[str]) -> pl.Series | None:
    """The places of rows that share key and time with another; None: they are not looked for."""
    import polars as pl

    most = rows[TIME].rle().struct.field("len").max() if rows.height else 0
    if not isinstance(most, int) or most > _MOST_AT_ONCE:
        return None
    found = []
    for apart in range(1, most):
        same = rows[TIME] == rows[TIME].shift(apart)
        for key in keys:
            same &= rows[key] == rows[key].shift(apart)
        places = same.arg_true()
        found += [places, places - apart]
    empty = pl.Series([], dtype=pl.UInt32)
    return pl.concat([empty, *(places.cast(pl.UInt32) for places in found)]).unique()
