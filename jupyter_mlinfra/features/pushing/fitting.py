"""Whether windows take the rows of a push, asked before they are written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ...core.frames import exactly
from ...core.project import Project
from ..definitions import Definition
from ..repo import folder
from ..sources import one_snapshot, readable, scan
from ..windows.newest import windowed
from ..windows.plan import ended_last

if TYPE_CHECKING:
    import polars as pl

_AT = "__at"


def require_fitting(
    project: Project, view: Definition, columns: Mapping[str, list[Any]], until: datetime
) -> None:
    """Raise Unprocessable if a window of a key that gets rows would hold a value that its feature
    does not take: the windows that ended last, and the next ones that the rows are in.
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
        asked = _asked(new.select(keys), columns[source.time], view, until)
        if keys:
            same = [exactly(name) for name in keys]
            rows = rows.join(new.lazy().select(same).unique(), on=same, how="semi")
        every = pl.concat([rows, new.lazy()])
        join_as_of(asked.lazy(), [windowed(view, every, source)], at=_AT).collect()


def _asked(
    keys: pl.DataFrame, times: list[datetime], view: Definition, until: datetime
) -> pl.DataFrame:
    """Each key with the present and the end of each next window that its rows are in."""
    import polars as pl

    moments = [pl.repeat(until, len(times), dtype=pl.Datetime("us", "UTC"), eager=True)]
    for item in view.windows:
        slide = timedelta(seconds=item.slide or 0)
        moments.append(
            pl.Series([ended_last(item, at) + slide for at in times], dtype=moments[0].dtype)
        )
    found = [keys.with_columns(ends.alias(_AT)) for ends in moments]
    return pl.concat(found).unique()
