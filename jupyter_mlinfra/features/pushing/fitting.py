"""Whether windows take the rows of a push, asked before they are written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ...core.frames import exactly
from ...core.project import Project
from ..definitions import Definition, WindowSpec
from ..repo import folder
from ..sources import one_snapshot, readable, scan
from ..windows.newest import windowed
from ..windows.plan import hop

if TYPE_CHECKING:
    import polars as pl

_AT = "__at"


def require_fitting(
    project: Project, view: Definition, columns: Mapping[str, list[Any]], until: datetime
) -> None:
    """Raise Unprocessable if a window of a key that gets rows would hold a value that its feature
    does not take: the windows that ended last, and all that the rows are in, as far as rows are
    known.
    """
    import polars as pl

    from ..join import join_as_of

    source = view.source
    if source is None or source.kind == "other":  # only its own store reads it
        return
    keys = [key.name for key in view.keys]
    names = list(
        dict.fromkeys(
            [*keys, source.time, *filter(None, [source.created]), *(w.column for w in view.windows)]
        )
    )
    with one_snapshot(), readable(source):
        rows = scan(source, folder(project)).select(map(exactly, names))
        schema = rows.collect_schema()
        new = pl.DataFrame({name: columns[name] for name in names}, strict=False)
        new = new.cast({name: schema[name] for name in names}, strict=False)
        if keys:
            same = [exactly(name) for name in keys]
            rows = rows.join(new.lazy().select(same).unique(), on=same, how="semi")
        every = pl.concat([rows, new.lazy()])
        asked = _asked(every, new, keys, source.time, view, until)
        join_as_of(asked.lazy(), [windowed(view, every, source)], at=_AT).collect()


def _asked(
    every: pl.LazyFrame,
    new: pl.DataFrame,
    keys: list[str],
    time: str,
    view: Definition,
    until: datetime,
) -> pl.DataFrame:
    """Each key with the present and with the ends of those windows that its new rows are in and
    that hold other rows than the window before: a row came in, or one went out.
    """
    import polars as pl

    same = [exactly(name) for name in keys]
    moment = exactly(time).cast(pl.Datetime("us", "UTC")).alias(_AT)
    of_new, of_all = new.lazy().select(*same, moment), every.select(*same, moment)
    found = [of_new.with_columns(pl.lit(until).alias(_AT))]
    for item in view.windows:
        first, last = (_ends(of_new, item, keys, end) for end in ("min", "max"))
        ends = [of_all.with_columns(_next_end(item))]
        inside = pl.col(_AT) >= pl.col("min")
        if item.seconds is not None:  # else no row ever goes out
            length = pl.duration(microseconds=round(item.seconds * 1e6))
            ends.append(ends[0].with_columns(pl.col(_AT) + length))
            inside &= pl.col(_AT) <= pl.col("max") + length
        spans = _beside(first, last, keys)
        found.append(_beside(pl.concat(ends), spans, keys).filter(inside).select(*same, _AT))
    return pl.concat(found).unique().collect(engine="streaming")


def _next_end(item: WindowSpec) -> pl.Expr:
    """The end of the first window that a row is in; as `ended_last`, one slide later."""
    import polars as pl

    slide = hop(item)
    ended = pl.col(_AT).dt.epoch("us") // slide * slide
    return (ended + slide).cast(pl.Datetime("us")).dt.replace_time_zone("UTC").alias(_AT)


def _ends(rows: pl.LazyFrame, item: WindowSpec, keys: list[str], which: str) -> pl.LazyFrame:
    """Of each key the first (`min`) or last (`max`) such end, in a column of that name."""
    import polars as pl

    ends = rows.with_columns(_next_end(item))
    chosen = getattr(pl.col(_AT), which)().alias(which)
    return ends.group_by(keys).agg(chosen) if keys else ends.select(chosen)


def _beside(one: pl.LazyFrame, two: pl.LazyFrame, keys: list[str]) -> pl.LazyFrame:
    """The rows of both with the same keys; without keys each with each."""
    return one.join(two, on=keys) if keys else one.join(two, how="cross")
