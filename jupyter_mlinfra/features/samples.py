"""Rows to try a training set with: keys and times at which the views have values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.frames import exactly
from .definitions import Definition, read_for
from .join import JoinView, moment, require_time, utc
from .repo import folder
from .sources import one_snapshot, scan
from .training import known_values

if TYPE_CHECKING:
    import polars as pl

    from ..core.project import Project

_AT, _OTHER_AT, _FILLED, _APART = "event_timestamp", "__at", "__filled", "__apart"
_CANDIDATES = 1000
"""Rows of a view, and of all views together, that are tried."""


def examples(
    project: Project,
    requested: Mapping[str, Sequence[str]],
    views: Mapping[str, Definition],
    count: int,
    *,
    gaps: bool = False,
) -> pl.DataFrame:
    """At most `count` rows with the keys of all views, of each key one, the newest first, for which
    a join finds most of the features; with `gaps` also rows with fewer, after them. requested:
    features by view; of one that is computed from other views these are looked at, of one that is
    computed from the rows of a source the keys of these.
    """
    import polars as pl

    repo, pins = folder(project), dict[str, str | None]()
    sourced = [name for name in read_for(requested, views) if views[name].source is not None]
    stored = {
        name: list(requested.get(name, [column.name for column in views[name].features]))
        if views[name].stored
        else []
        for name in sourced
    }
    with one_snapshot(pins):
        ends = [end for name in stored if (end := _end(views[name], repo)) is not None]
        until = min(ends, default=None)
        found: pl.DataFrame | None = None
        for name in stored:
            rows = _rows(views[name], stored[name], repo, until, found)
            if rows.is_empty():  # no key of the views before it: side by side
                rows = _rows(views[name], stored[name], repo, until, None)
            found = rows if found is None else _beside(found, rows)
    if found is None:
        return pl.DataFrame({_AT: []}, schema={_AT: pl.Datetime("us", "UTC")})
    rows = found.head(_CANDIDATES)
    if requested.keys() == stored.keys() and all(stored.values()):
        rows = _best(project, stored, views, rows, pins, gaps=gaps)
    keys = [name for name in rows.columns if name != _AT]
    if keys:
        rows = rows.unique(list(map(exactly, keys)), keep="first", maintain_order=True)
    return rows.select(*map(exactly, keys), _AT).head(count)


def _best(
    project: Project,
    requested: Mapping[str, Sequence[str]],
    views: Mapping[str, Definition],
    rows: pl.DataFrame,
    pins: dict[str, str | None],
    *,
    gaps: bool,
) -> pl.DataFrame:
    """The rows for which a join finds most values, the newest first; with `gaps` also the others
    with any, after them.
    """
    import polars as pl

    values = known_values(project, requested, views, rows, at=_AT, snapshots=pins)
    names = [f"{view}:{feature}" for view, features in requested.items() for feature in features]
    filled = values.select(
        pl.sum_horizontal(exactly(name).is_not_null().cast(pl.Int32) for name in names)
    ).to_series()
    least = pl.lit(1) if gaps else pl.col(_FILLED).max()
    ranked = rows.with_columns(filled.alias(_FILLED)).filter(pl.col(_FILLED) >= least)
    return ranked.sort(_FILLED, _AT, descending=True, maintain_order=True).drop(_FILLED)


def _end(view: Definition, repo: Path) -> datetime | None:
    """The last time at which the view has a value; None for one whose values never expire."""
    assert view.source is not None  # of a stored view
    if view.ttl is None:
        return None
    frame = scan(view.source, repo)
    schema, column = frame.collect_schema(), view.source.time
    require_time(schema, column, f"The rows of {view.source.name}")
    time = utc(column, schema[column])
    newest = frame.select(time.max()).collect(engine="streaming").item()
    return newest + view.ttl if isinstance(newest, datetime) else None


def _rows(
    view: Definition,
    features: Sequence[str],
    repo: Path,
    until: datetime | None,
    known: pl.DataFrame | None,
) -> pl.DataFrame:
    """Keys and times of rows of a view, those with most values first, then the newest. known: only
    keys that these rows have too.
    """
    import polars as pl

    assert view.source is not None  # of a stored view
    frame = scan(view.source, repo)
    schema, time = frame.collect_schema(), view.source.time
    require_time(schema, time, f"The rows of {view.source.name}")
    if until is not None:
        frame = frame.filter(exactly(time) <= moment(until, schema[time]))
    keys = [key.name for key in view.keys]
    own, named = {name: name for name in keys}, {name: name for name in features}
    # It raises for a column that is not there.
    JoinView(name=view.name, frame=frame, keys=own, features=named, time=time)
    shared = [name for name in keys if known is not None and name in known.columns]
    if known is not None and shared:
        wanted = known.select(map(exactly, shared)).unique()
        frame = frame.join(wanted.lazy(), on=shared, how="semi")
    known_here = [exactly(name).is_not_null().cast(pl.Int32) for name in features]
    filled = pl.sum_horizontal(known_here) if known_here else pl.lit(0)
    rows = frame.select(
        *map(exactly, keys), utc(time, schema[time]).alias(_AT), filled.alias(_FILLED)
    )
    best = rows.drop_nulls([*keys, _AT]).top_k(_CANDIDATES, by=[_FILLED, _AT])
    order = best.collect(engine="streaming").sort(_FILLED, _AT, descending=True)
    return order.drop(_FILLED).unique(maintain_order=True)


def _beside(left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    """The keys of both, at the later of their times: of each row on the left the one of the same
    keys that is nearest in time, else both side by side.
    """
    import polars as pl

    right = right.rename({_AT: _OTHER_AT})
    shared = [name for name in right.columns if name in left.columns]
    both = left.join(right, on=shared) if shared else left.clear()
    if both.is_empty():
        height = min(left.height, right.height)
        both = pl.concat([left.head(height), right.drop(shared).head(height)], how="horizontal")
    later = pl.max_horizontal(_AT, _OTHER_AT).alias(_AT)
    apart = (pl.col(_AT) - pl.col(_OTHER_AT)).abs().alias(_APART)
    nearest = both.with_columns(later, apart).sort(_APART, maintain_order=True)
    keys = [name for name in both.columns if name not in (_AT, _OTHER_AT)]
    return nearest.unique([*keys, _AT], keep="first", maintain_order=True).select(
        *map(exactly, keys), _AT
    )
