"""The windows that ended last before a moment, of every key: what belongs online then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from ...core.frames import exactly
from .plan import ended_last

if TYPE_CHECKING:
    import polars as pl

    from ..definitions import Definition, WindowSpec
    from ..joining.view import JoinView
    from ..sources import SourceSpec
    from . import Tiles

_AT = "__until"


def newest_end(windows: Sequence[WindowSpec], until: datetime) -> datetime:
    """The end of the last window that has ended by then."""
    return max(ended_last(item, until) for item in windows)


def newest_windows(
    rows: pl.LazyFrame,
    view: Definition,
    source: SourceSpec,
    until: datetime,
    tiles: Tiles,
) -> pl.LazyFrame:
    """One row per key that has an event before the newest window's end: keys, features, and that
    end as its event time.

    rows: those of the source, without keys that are null. tiles: where they are kept.
    """
    import polars as pl

    from ..join import join_as_of, moment

    end = newest_end(view.windows, until)
    schema = rows.collect_schema()
    keys = [exactly(key.name) for key in view.keys]
    before = rows.filter(exactly(source.time) < moment(end, schema[source.time]))
    entities = before.select(keys).unique() if keys else before.select(pl.len() > 0).head(1)
    asked = entities.select(*keys, pl.lit(until).alias(_AT))
    joined = join_as_of(asked, [windowed(view, rows, source, tiles)], at=_AT)
    times = [pl.lit(end).alias(source.time)]
    if source.created:
        times.append(pl.lit(None, pl.Datetime("us", "UTC")).alias(source.created))
    features = [exactly(column.name) for column in view.features]
    return joined.select(*keys, *features, *times)


def windowed(
    view: Definition, rows: pl.LazyFrame, source: SourceSpec, tiles: Tiles | None = None
) -> JoinView:
    """A view with aggregations, for a join with its keys. rows: of its source."""
    from ..join import JoinView

    return JoinView(
        name=view.name,
        frame=rows,
        keys={key.name: key.name for key in view.keys},
        features={column.name: column.name for column in view.features},
        time=source.time,
        created=source.created,
        windows=view.windows,
        types={column.name: column.type for column in view.features},
        tiles=tiles,
    )
