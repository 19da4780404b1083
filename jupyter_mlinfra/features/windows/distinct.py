"""How many different values a window holds.

A value is in the window that ends at e when its last event before e is in it. So from each event on
it counts until the next event with the same value, or until the event has left the window, whatever
comes first; the number of values is how many have begun to count less how many have ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..joining.names import ROW
from .sliding import END, GID
from .tiles import TILE

if TYPE_CHECKING:
    import polars as pl

_LAST, _NUMBER, _UNTIL = "__last", "__number", "__until"


def distinct_at(
    values: pl.DataFrame, ends: pl.DataFrame, length: int | None, name: str
) -> pl.DataFrame:
    """How many different values of `name` the windows that end at `ends` hold. values: GID, TILE
    and the value, each once. Returns GID, END and the number, under the name.
    """
    import polars as pl

    following = pl.col(TILE).shift(-1).over(GID, name, order_by=TILE)
    spans = values.with_columns(following.alias(_UNTIL)).select(
        GID,
        TILE,
        pl.col(_UNTIL) if length is None else pl.min_horizontal(_UNTIL, pl.col(TILE) + length),
    )
    begun = _count(spans.select(GID, TILE), ends)
    ended = _count(spans.select(GID, pl.col(_UNTIL).alias(TILE)).drop_nulls(), ends)
    return ends.with_columns((begun - ended).alias(name))


def also(late: pl.DataFrame, values: pl.DataFrame, length: int | None, name: str) -> pl.DataFrame:
    """How many different values late events add. late: ROW, GID, END and the value. Returns ROW and
    the number, under the name.
    """
    import polars as pl

    last = (
        late.drop_nulls(name)
        .unique()
        .with_columns((pl.col(END) - 1).alias(_LAST))
        .sort(_LAST)
        .join_asof(
            values.sort(TILE),
            left_on=_LAST,
            right_on=TILE,
            by=[GID, name],
            strategy="backward",
            check_sortedness=False,
        )
    )
    is_new = pl.col(TILE).is_null()
    if length is not None:
        is_new |= pl.col(TILE) < pl.col(END) - length
    return last.filter(is_new).group_by(ROW).agg(pl.len().cast(pl.Int64).alias(name))


def _count(places: pl.DataFrame, ends: pl.DataFrame) -> pl.Series:
    """How many of the places of its key lie before each end."""
    import polars as pl

    counted = places.sort(GID, TILE).with_columns(
        pl.int_range(1, pl.len() + 1).over(GID).alias(_NUMBER)
    )
    found = ends.with_columns((pl.col(END) - 1).alias(_LAST)).join_asof(
        counted,
        left_on=_LAST,
        right_on=TILE,
        by=GID,
        strategy="backward",
        check_sortedness=False,
    )
    return found[_NUMBER].fill_null(0)
