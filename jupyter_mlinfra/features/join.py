"""Point-in-time joins on Polars: each entity row gets the newest feature row known at its time.

The rule, which tests compare with a brute-force search. A feature row may be used by an entity row
when
- the join keys are equal (null and NaN equal nothing),
- its event time is at or before the entity row's time, and not older than that by more than the ttl
  (both bounds included),
- and, where created times are asked to count, its created time is at or before the entity row's
  time. Of those, the one with the latest event time wins; at equal event times the latest created
  time (null is earliest); at equal created times the later row of the source. No such row: nulls.
  Entity rows keep their number, their order and every duplicate.

Two strategies give the same answer. `asof` brings both sides in order of time and walks them once.
`hash` pairs rows by key and keeps the best: nothing is sorted, but its cost is the number of pairs.
`auto` tells by the number of entity rows of each key. Both carry only keys,
times and row numbers; the wide columns are read once, at the end, for the rows that won. What is
larger than memory is joined in parts (`joining/partitions.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ..core.frames import exactly
from .joining.keys import common, key
from .joining.names import AT, CREATED, ROW, SRC, TIME, key_names
from .joining.partitions import part, parts_of
from .joining.times import (
    Unit,
    moment,
    nanoseconds,
    require_time,
    unit_for,
    utc,
    within_unit,
)
from .joining.view import Engine, JoinView, Strategy, check_entities
from .joining.winners import order, pairs, winners
from .labels import resolved

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "Engine",
    "JoinView",
    "Strategy",
    "check_entities",
    "join_as_of",
    "moment",
    "require_time",
    "utc",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How to join; see `join_as_of`."""

    strategy: Strategy
    engine: Engine
    partitions: int


def join_as_of(
    entities: pl.LazyFrame,
    views: Sequence[JoinView],
    *,
    at: str,
    strategy: Strategy = "auto",
    engine: Engine = "streaming",
    partitions: int = 0,
) -> pl.LazyFrame:
    """`entities` with the features of all views as they were known at `at`: its rows in its order,
    its columns, then the features.

    at: a time or date column of `entities`; without a zone it is UTC. Rows with a null time or key
    get nulls. partitions: parts into which the keys are split, joined one after the other so that
    memory holds one; 0 = by size. Raises BadRequest if a column of `entities` is missing, has a
    wrong type, or has the name of a feature.
    """
    schema = dict(entities.collect_schema())
    check_entities(schema, views, at=at)
    numbered = entities.with_row_index(ROW)
    answer = numbered
    how = How(strategy=strategy, engine=engine, partitions=partitions)
    for view in views:
        answer = answer.join(
            _values(numbered, schema, view, at, how).lazy(),
            on=ROW,
            how="left",
            maintain_order="left",
        )
    return answer.drop(ROW)


def _values(
    numbered: pl.LazyFrame,
    schema: Mapping[str, pl.DataType],
    view: JoinView,
    at: str,
    how: How,
) -> pl.DataFrame:
    """Entity row number → features of `view`, for the rows that have any."""
    import polars as pl

    keys = [
        key(asked, schema[asked], common(schema[asked], view.schema[column])).alias(name)
        for name, (asked, column) in zip(key_names(view.keys), view.keys.items(), strict=True)
    ]
    own: Unit = "ns" if nanoseconds(schema[at]) else "us"
    entity_keys = (
        numbered.select(ROW, utc(at, schema[at], own).alias(AT), *keys)
        .drop_nulls()
        .collect(engine=how.engine)
    )
    of_source = [view.schema[name] for name in (view.time, view.created) if name]
    unit = unit_for(entity_keys[AT], of_source, view.ttl)
    entity_keys = entity_keys.with_columns(within_unit(pl.col(AT), unit))
    if view.windows:
        return _aggregated(entity_keys, schema, view, unit, how)
    low, high = entity_keys[AT].min(), entity_keys[AT].max()
    source = (
        _prune(view.frame, view, low, high)
        if isinstance(low, datetime) and isinstance(high, datetime)
        else view.frame
    )
    # Numbered after the time filter, which thus reaches the files (whole files of a dataset are
    # skipped), and before the other filters: both reads of the source below must count the same
    # rows.
    source = source.with_row_index(SRC)
    candidates = _keys_and_times(source, schema, view, unit)
    if view.resolution is not None:
        return _resolved(entity_keys.lazy(), candidates, source, view).collect(engine=how.engine)
    found = pl.concat(
        winners(rows.lazy(), candidates.filter(mine), view, how.strategy, how.engine)
        for rows, mine in _parts(entity_keys, candidates, view, how)
    )
    values = source.select(
        SRC, *(exactly(column).alias(name) for column, name in view.features.items())
    )
    return values.join(found.lazy(), on=SRC).drop(SRC).collect(engine=how.engine)


def _parts(
    entity_keys: pl.DataFrame, source: pl.LazyFrame, view: JoinView, how: How
) -> Iterator[tuple[pl.DataFrame, pl.Expr | bool]]:
    """The entity rows by parts of the keys, and what tells whether a feature row is of a part."""
    parts = how.partitions or parts_of(view, entity_keys, source, how.engine)
    if parts == 1 or not view.keys:
        yield entity_keys, True
        return
    for number in range(parts):
        mine = part(len(view.keys), number, parts)
        yield entity_keys.filter(mine), mine


def _aggregated(
    entity_keys: pl.DataFrame,
    schema: Mapping[str, pl.DataType],
    view: JoinView,
    unit: Unit,
    how: How,
) -> pl.DataFrame:
    """Entity row number → aggregations of `view`."""
    import polars as pl

    from .windows.values import window_values

    return pl.concat(
        window_values(rows, schema, view, unit, how.engine)
        for rows, _ in _parts(entity_keys, view.frame, view, how)
    )


def _prune(source: pl.LazyFrame, view: JoinView, low: datetime, high: datetime) -> pl.LazyFrame:
    """Remove feature rows that no entity row can use, with a microsecond of slack for what a
    datetime cannot hold.
    """
    import polars as pl

    dtype, tolerance = view.schema[view.time], timedelta(microseconds=1)
    latest = high + min(tolerance, datetime.max.replace(tzinfo=UTC) - high)
    source = source.filter(exactly(view.time) <= moment(latest, dtype))
    if view.ttl is None:
        return source
    try:
        oldest = (
            low - view.ttl - timedelta(days=1) if dtype == pl.Date else low - view.ttl - tolerance
        )
    except OverflowError:
        return source
    return source.filter(exactly(view.time) >= moment(oldest, dtype))


def _keys_and_times(
    source: pl.LazyFrame,
    schema: Mapping[str, pl.DataType],
    view: JoinView,
    unit: Unit,
) -> pl.LazyFrame:
    """Row number, keys under the names of a join, event time and created time of the feature
    rows that can match.
    """

    names = key_names(view.keys)
    keys = [
        key(column, view.schema[column], common(schema[asked], view.schema[column])).alias(name)
        for name, (asked, column) in zip(names, view.keys.items(), strict=True)
    ]
    created = (
        [utc(view.created, view.schema[view.created], unit).alias(CREATED)] if view.created else []
    )
    columns = source.select(
        SRC, *keys, utc(view.time, view.schema[view.time], unit).alias(TIME), *created
    )
    return columns.drop_nulls(
        [*names, TIME, *([CREATED] if view.created_counts and created else [])]
    )


def _resolved(
    entity_keys: pl.LazyFrame, features: pl.LazyFrame, source: pl.LazyFrame, view: JoinView
) -> pl.LazyFrame:
    """Entity row number → the labels that count, under the names of the answer."""
    assert view.resolution is not None
    columns = dict.fromkeys([*view.features, *view.resolution.columns])
    # Under names of their own: a label may be called like a key or a time of the join.
    inside = {column: f"__label{place}" for place, column in enumerate(columns)}
    values = source.select(SRC, *(exactly(column).alias(name) for column, name in inside.items()))
    resolution = replace(
        view.resolution, labeler=inside.get(view.resolution.labeler, view.resolution.labeler)
    )
    answer = resolved(
        pairs(entity_keys, features, view).join(values, on=SRC),
        resolution,
        group=[ROW],
        order=order(view),
        features=[inside[column] for column in view.features],
    )
    return answer.rename({inside[column]: name for column, name in view.features.items()})
