"""Rows of a source in a range of time, and the newest of each key. Loads no Feast."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import polars.selectors as cs

from ..core.frames import exactly
from .join import moment, require_time
from .labels import Resolution, resolution_of, resolved
from .sources import SourceSpec

if TYPE_CHECKING:
    from .definitions import Definition


def within(
    rows: pl.LazyFrame, source: SourceSpec, start: datetime | None, end: datetime | None
) -> pl.LazyFrame:
    """Rows with an event time in [start, end]; rows without one are excluded."""
    schema = rows.collect_schema()
    require_time(schema, source.time, f"The rows of {source.name}")
    rows = rows.filter(exactly(source.time).is_not_null())
    if start is not None:
        rows = rows.filter(exactly(source.time) >= moment(start, schema[source.time]))
    return (
        rows.filter(exactly(source.time) <= moment(end, schema[source.time]))
        if end is not None
        else rows
    )


def label_start(view: Definition, until: datetime) -> datetime | None:
    """The first event time that counts at `until` where an old label may count beside a new one;
    None: all do.
    """
    return until - view.ttl if view.ttl and resolution_of(view.labels) else None


def counting(
    rows: pl.LazyFrame, view: Definition, source: SourceSpec, until: datetime, repo: Path
) -> pl.LazyFrame:
    """One row per key, the one that is to be online at `until`: its newest row, its labels that
    count, or its windows that ended last. rows: those of the source. repo: what its paths are
    relative to.
    """
    keys = [column.name for column in view.keys]
    if view.aggregated:
        from .windows.kept import KeptTiles
        from .windows.newest import newest_windows

        tiles = KeptTiles(source, repo)
        return newest_windows(with_keys(rows, keys), view, source, until, tiles)
    resolution = resolution_of(view.labels)
    if resolution is None:
        return latest(rows, source, keys)
    features = [column.name for column in view.features]
    return latest_labels(rows, source, keys, features, resolution)


def latest(rows: pl.LazyFrame, source: SourceSpec, keys: Sequence[str]) -> pl.LazyFrame:
    """The winning row of each key by the rule of `join.py`; rows with a null or NaN key are
    excluded.
    """
    columns = [exactly(key) for key in keys]
    winner_last = with_keys(rows, keys).sort(ordered(source), nulls_last=False, maintain_order=True)
    return winner_last.group_by(columns).agg(pl.all().last()) if keys else winner_last.tail(1)


def latest_labels(
    rows: pl.LazyFrame,
    source: SourceSpec,
    keys: Sequence[str],
    features: Sequence[str],
    resolution: Resolution,
) -> pl.LazyFrame:
    """Of each key the labels that count by a policy, and its times; rows with a null or NaN
    key are excluded.
    """
    place = "__source_order"
    return resolved(
        with_keys(rows.with_row_index(place), keys),
        resolution,
        group=keys,
        order=[*times_of(source), place],
        features=features,
        times=times_of(source),
    )


def with_keys(rows: pl.LazyFrame, keys: Sequence[str]) -> pl.LazyFrame:
    """The rows that have all keys; NaN is how pandas writes that one is missing."""
    if not keys:
        return rows
    floats = cs.by_name(*keys) & cs.float()
    return rows.drop_nulls(cs.by_name(*keys)).drop_nans(floats)


def ordered(source: SourceSpec) -> list[pl.Expr]:
    """What rows are sorted by so that the winning one comes last."""
    return [exactly(name) for name in times_of(source)]


def times_of(source: SourceSpec) -> list[str]:
    """The columns of event time and, if there is one, created time."""
    return [source.time, source.created] if source.created else [source.time]
