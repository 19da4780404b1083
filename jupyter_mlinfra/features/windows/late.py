"""Late events: each counts for the entity rows that ask after it was created."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..joining.names import AT, CREATED, ROW
from .sliding import END, GID
from .tiles import TILE, stats

if TYPE_CHECKING:
    import polars as pl

_BLOCK = "__block"


def known_late(rows: pl.DataFrame, late: pl.DataFrame, length: int | None) -> pl.DataFrame:
    """The late events in the window of each entity row that it knew: the columns of both.

    rows: ROW, GID, AT and END. late: GID, TILE, CREATED and values. length: of a window in tiles.
    """
    import polars as pl

    known = (pl.col(TILE) < pl.col(END)) & (pl.col(CREATED) <= pl.col(AT))
    if length is None:
        return rows.lazy().join(late.lazy(), on=GID).filter(known).collect()
    # A window reaches into two blocks of its own length: fewer pairs than with the whole history.
    block = pl.col(END) // length
    blocks = rows.lazy().with_columns(pl.concat_list(block - 1, block).alias(_BLOCK))
    pairs = blocks.explode(_BLOCK).join(
        late.lazy().with_columns((pl.col(TILE) // length).alias(_BLOCK)), on=[GID, _BLOCK]
    )
    return pairs.filter(known & (pl.col(TILE) >= pl.col(END) - length)).collect()


def late_stats(events: pl.DataFrame, needs: Mapping[int, str]) -> pl.DataFrame:
    """What late events hold together, by ROW: `n0`, `s0`, …."""
    return events.group_by(ROW).agg(stats(needs, events.schema))
