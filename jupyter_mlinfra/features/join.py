"""Point-in-time joins on Polars: each entity row gets the newest feature row known at its time.

The rule, which tests compare with a brute-force search. A feature row may be used by an entity row
when
- the join keys are equal (null equals nothing),
- its event time is at or before the entity row's time, and not older than that by more than the ttl
  (both bounds included),
- and, where created times are asked to count, its created time is at or before the entity row's
  time. Of those, the one with the latest event time wins; at equal event times the latest created
  time (null is earliest); at equal created times the later row of the source. No such row: nulls.
  Entity rows keep their number, their order and every duplicate.

Two strategies give the same answer. `asof` sorts both sides and walks them once. `hash` pairs rows
by key and keeps the best: no sort of the features, but its cost is the number of pairs. `auto`
counts the pairs first. Both carry only keys, times and row numbers; the wide columns are read once,
at the end, for the rows that won.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from ..core.errors import BadRequest, Unprocessable
from ..core.frames import exactly
from .labels import Resolution, resolved

if TYPE_CHECKING:
    import polars as pl

Strategy = Literal["auto", "asof", "hash"]
Engine = Literal["streaming", "in-memory"]

PAIRS_PER_ROW = 4
"""`auto` pairs rows by hash up to this many pairs per row of both sides; beyond that, sorting is
cheaper.
"""

FEW_PER_KEY = 16
"""If no key has more entity rows than this, `auto` does not count: sorting would be cheaper only if
all features had the most frequent key.
"""

_ROW, _SRC, _AT, _TIME, _CREATED, _KNOWN, _RANK = (
    "__row",
    "__src",
    "__at",
    "__time",
    "__created",
    "__known",
    "__rank",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinView:
    """One view's part in a join.

    frame: its source, one row for each event. keys: column of the entity rows → column of the
    source; none = one entity for all. features: column of the source → column of the answer. ttl:
    None = values never expire. created_counts: ignore rows created later than the entity row's
    time. resolution: how labels of several labelers become one; None = the rule above.
    """

    name: str
    frame: pl.LazyFrame
    keys: Mapping[str, str]
    features: Mapping[str, str]
    time: str
    created: str | None = None
    ttl: timedelta | None = None
    created_counts: bool = False
    resolution: Resolution | None = None
    schema: Mapping[str, pl.DataType] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "schema", dict(self.frame.collect_schema()))
        required = [
            *self.keys.values(),
            *self.features,
            self.time,
            *([self.created] if self.created else []),
            *(self.resolution.columns if self.resolution else ()),
        ]
        missing = [column for column in required if column not in self.schema]
        if missing:
            columns = ", ".join(self.schema)
            raise Unprocessable(
                f"The source of {self.name} has no column {missing[0]}.",
                f"Its columns are {columns}.",
                "Correct the definition or the source.",
            )


def join_as_of(
    entities: pl.LazyFrame,
    views: Sequence[JoinView],
    *,
    at: str,
    strategy: Strategy = "auto",
    engine: Engine = "streaming",
) -> pl.LazyFrame:
    """`entities` with the features of all views as they were known at `at`: its rows in its order,
    its columns, then the features.

    at: a time or date column of `entities`; without a zone it is UTC. Rows with a null time or key
    get nulls. Raises BadRequest if a column of `entities` is missing, has a wrong type, or has the
    name of a feature.
    """
    schema = dict(entities.collect_schema())
    check_entities(schema, views, at=at)
    numbered = entities.with_row_index(_ROW)
    answer = numbered
    for view in views:
        answer = answer.join(
            _values(numbered, schema, view, at, strategy, engine).lazy(),
            on=_ROW,
            how="left",
            maintain_order="left",
        )
    return answer.drop(_ROW)


def check_entities(
    schema: Mapping[str, pl.DataType], views: Sequence[JoinView], *, at: str
) -> None:
    """Reject entity rows that cannot be joined, before anything is read."""
    require_time(schema, at, "The entity rows")
    owner_of = dict.fromkeys(schema, "the entity rows")
    for view in views:
        for key, column in view.keys.items():
            if key not in schema:
                fix = f"Add it; the entity rows have {', '.join(schema)}."
                raise BadRequest(
                    f"The entity rows have no column {key}.", f"{view.name} is joined on it.", fix
                )
            if _kind(schema[key]) != _kind(view.schema[column]):
                why = f"{view.name} has {column} as {view.schema[column]}."
                raise BadRequest(
                    f"Column {key} of the entity rows is {schema[key]}.",
                    why,
                    f"Cast {key} before the join.",
                )
        for name in view.features.values():
            if name in owner_of:
                fix = "Rename one, or ask for full names (view__feature)."
                raise BadRequest(
                    f"{name} would appear twice.",
                    f"It is a feature of {view.name} and a column of {owner_of[name]}.",
                    fix,
                )
            owner_of[name] = view.name


def require_time(schema: Mapping[str, pl.DataType], column: str, owner: str) -> None:
    """Raise BadRequest unless `column` exists and holds times or dates."""
    import polars as pl

    if column not in schema:
        raise BadRequest(
            f"{owner} have no column {column}.",
            "It holds the time for which each row asks.",
            f"Name another: the columns are {', '.join(schema)}.",
        )
    if not isinstance(schema[column], pl.Datetime | pl.Date):
        fix = (
            f'Convert it: pl.col("{column}").str.to_datetime(time_zone="UTC")'
            if schema[column] == pl.String
            else "Convert it to Datetime."
        )
        raise BadRequest(
            f"Column {column} is {schema[column]}.",
            f"{owner} need a time (Datetime) or a date in it.",
            fix,
        )


def utc(column: str, dtype: pl.DataType, unit: Literal["us", "ns"] = "us") -> pl.Expr:
    """The column as UTC times in `unit`; times without a zone and dates are UTC."""
    import polars as pl

    values = exactly(column)
    if dtype == pl.Date:
        return values.cast(pl.Datetime(unit)).dt.replace_time_zone("UTC")
    if getattr(dtype, "time_zone", None):
        return values.dt.convert_time_zone("UTC").dt.cast_time_unit(unit)
    return values.dt.replace_time_zone("UTC").dt.cast_time_unit(unit)


def moment(time: datetime, dtype: pl.DataType) -> pl.Expr:
    """`time` (without a zone: UTC) as a literal of `dtype`, so that a filter on the raw column can
    skip row groups by their statistics.
    """
    import polars as pl

    naive = (time.astimezone(UTC) if time.tzinfo else time).replace(tzinfo=None)
    literal = pl.lit(naive, pl.Datetime("us"))
    if dtype == pl.Date:
        return literal
    zone = getattr(dtype, "time_zone", None)
    if getattr(dtype, "time_unit", "us") == "ns":  # a literal in ms would truncate the bound
        literal = literal.dt.cast_time_unit("ns")
    return literal.dt.replace_time_zone("UTC").dt.convert_time_zone(zone) if zone else literal


def _values(
    numbered: pl.LazyFrame,
    schema: Mapping[str, pl.DataType],
    view: JoinView,
    at: str,
    strategy: Strategy,
    engine: Engine,
) -> pl.DataFrame:
    """Entity row number → features of `view`, for the rows that have any."""
    nanoseconds = "ns" in (
        getattr(schema[at], "time_unit", "us"),
        getattr(view.schema[view.time], "time_unit", "us"),
    )
    unit: Literal["us", "ns"] = "ns" if nanoseconds else "us"
    keys = [
        _key(key, schema[key], _common(schema[key], view.schema[column])).alias(name)
        for name, (key, column) in zip(_key_names(view), view.keys.items(), strict=True)
    ]
    entity_keys = (
        numbered.select(_ROW, utc(at, schema[at], unit).alias(_AT), *keys)
        .drop_nulls()
        .collect(engine=engine)
    )
    low, high = entity_keys[_AT].min(), entity_keys[_AT].max()
    source = (
        _prune(view.frame, view, low, high)
        if isinstance(low, datetime) and isinstance(high, datetime)
        else view.frame
    )
    # Numbered after the time filter, which thus reaches the files (whole files of a dataset are
    # skipped), and before the other filters: both reads of the source below must count the same
    # rows.
    source = source.with_row_index(_SRC)
    candidates = _keys_and_times(source, schema, view, unit)
    if view.resolution is not None:
        return _resolved(entity_keys.lazy(), candidates, source, view).collect(engine=engine)
    winners = _winners(entity_keys.lazy(), candidates, view, strategy, engine)
    values = source.select(
        _SRC, *(exactly(column).alias(name) for column, name in view.features.items())
    )
    return values.join(winners.lazy(), on=_SRC).drop(_SRC).collect(engine=engine)


def _prune(source: pl.LazyFrame, view: JoinView, low: datetime, high: datetime) -> pl.LazyFrame:
    """Remove feature rows that no entity row can use, with a microsecond of slack for what a
    datetime cannot hold.
    """
    import polars as pl

    dtype, tolerance = view.schema[view.time], timedelta(microseconds=1)
    source = source.filter(exactly(view.time) <= moment(high + tolerance, dtype))
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
    unit: Literal["us", "ns"],
) -> pl.LazyFrame:
    """Row number, keys under the names of `_key_names`, event time and created time of the feature
    rows that can match.
    """

    names = _key_names(view)
    keys = [
        _key(column, view.schema[column], _common(schema[key], view.schema[column])).alias(name)
        for name, (key, column) in zip(names, view.keys.items(), strict=True)
    ]
    created = (
        [utc(view.created, view.schema[view.created], unit).alias(_CREATED)] if view.created else []
    )
    columns = source.select(
        _SRC, *keys, utc(view.time, view.schema[view.time], unit).alias(_TIME), *created
    )
    return columns.drop_nulls(
        [*names, _TIME, *([_CREATED] if view.created_counts and created else [])]
    )


def _winners(
    entity_keys: pl.LazyFrame,
    features: pl.LazyFrame,
    view: JoinView,
    strategy: Strategy,
    engine: Engine,
) -> pl.DataFrame:
    """Entity row number → number of the winning source row."""
    keys = _key_names(view)
    if keys:
        features = features.join(entity_keys.select(keys).unique(), on=keys, how="semi")
    if strategy == "auto":
        strategy = "hash" if keys and _few_pairs(entity_keys, features, keys, engine) else "asof"
    joined = (
        _by_hash(entity_keys, features, view)
        if strategy == "hash" and keys
        else _by_order(entity_keys, features, view)
    )
    return joined.collect(engine=engine)


def _few_pairs(
    entity_keys: pl.LazyFrame, features: pl.LazyFrame, keys: list[str], engine: Engine
) -> bool:
    import polars as pl

    entities_per_key = entity_keys.group_by(keys).len("left").collect(engine=engine)
    if entities_per_key.filter(pl.col("left") > FEW_PER_KEY).is_empty():
        return True
    features_per_key = features.group_by(keys).len("right")
    totals = (
        entities_per_key.lazy()
        .join(features_per_key, on=keys)
        .select(
            pairs=(pl.col("left").cast(pl.Float64) * pl.col("right")).sum(),
            rows=pl.col("left").sum() + pl.col("right").sum(),
        )
    )
    pairs, rows = totals.collect(engine=engine).row(0)
    return bool(pairs <= PAIRS_PER_ROW * rows)


def _resolved(
    entity_keys: pl.LazyFrame, features: pl.LazyFrame, source: pl.LazyFrame, view: JoinView
) -> pl.LazyFrame:
    """Entity row number → the labels that count, under the names of the answer."""
    assert view.resolution is not None
    columns = dict.fromkeys([*view.features, *view.resolution.columns])
    # Under names of their own: a label may be called like a key or a time of the join.
    inside = {column: f"__label{place}" for place, column in enumerate(columns)}
    values = source.select(_SRC, *(exactly(column).alias(name) for column, name in inside.items()))
    resolution = replace(
        view.resolution, labeler=inside.get(view.resolution.labeler, view.resolution.labeler)
    )
    answer = resolved(
        _pairs(entity_keys, features, view).join(values, on=_SRC),
        resolution,
        group=[_ROW],
        order=_order(view),
        features=[inside[column] for column in view.features],
    )
    return answer.rename({inside[column]: name for column, name in view.features.items()})


def _pairs(entity_keys: pl.LazyFrame, features: pl.LazyFrame, view: JoinView) -> pl.LazyFrame:
    """Every entity row with each feature row that it may use."""
    import polars as pl

    usable = pl.col(_TIME) <= pl.col(_AT)
    if view.ttl is not None:
        usable &= pl.col(_AT) - pl.col(_TIME) <= view.ttl
    if view.created_counts and view.created:
        usable &= pl.col(_CREATED) <= pl.col(_AT)
    keys = _key_names(view)
    pairs = features.join(entity_keys, on=keys) if keys else features.join(entity_keys, how="cross")
    return pairs.filter(usable)


def _order(view: JoinView) -> list[str]:
    """By what feature rows are sorted so that the winning one comes last."""
    return [_TIME, *([_CREATED] if view.created else []), _SRC]


def _by_hash(entity_keys: pl.LazyFrame, features: pl.LazyFrame, view: JoinView) -> pl.LazyFrame:
    import polars as pl

    return (
        _pairs(entity_keys, features, view)
        .group_by(_ROW)
        .agg(pl.col(_SRC).sort_by(_order(view), nulls_last=False).last())
    )


def _by_order(entity_keys: pl.LazyFrame, features: pl.LazyFrame, view: JoinView) -> pl.LazyFrame:
    import polars as pl

    keys, join_time = _key_names(view), _TIME
    features = features.sort(_order(view), nulls_last=False)
    if view.created_counts and view.created:
        # A row can be used from max(event, created) on. Along that axis keep only rows that beat
        # all earlier ones by the rule: then the last of them wins, and an as-of join on the axis
        # finds it.
        features = (
            features.with_row_index(_RANK)
            .with_columns(pl.max_horizontal(_TIME, _CREATED).alias(_KNOWN))
            .sort(_KNOWN, _RANK)
        )
        best = pl.col(_RANK).cum_max()
        features, join_time = (
            features.filter(pl.col(_RANK) == (best.over(keys) if keys else best)),
            _KNOWN,
        )
    joined = entity_keys.sort(_AT).join_asof(
        features,
        left_on=_AT,
        right_on=join_time,
        by=keys or None,
        strategy="backward",
        check_sortedness=False,
        coalesce=False,
    )
    if view.ttl is not None:
        joined = joined.filter(pl.col(_AT) - pl.col(_TIME) <= view.ttl)
    return joined.select(_ROW, _SRC).drop_nulls()


def _key_names(view: JoinView) -> list[str]:
    """What the keys are called inside a join: never as the user calls them, for that may be a
    pattern of names to Polars.
    """
    return [f"__key{place}" for place in range(len(view.keys))]


def _key(column: str, dtype: pl.DataType, common: pl.DataType) -> pl.Expr:
    """A key in the common type of both sides. pandas turns integers into floats if one is missing;
    a fraction equals no integer.
    """
    import polars as pl

    key = exactly(column)
    if dtype.is_float() and common.is_integer():
        key = pl.when(key.is_finite() & (key == key.round())).then(key)
    return key.cast(common, strict=False)


def _kind(dtype: pl.DataType) -> str:
    """Key columns of the same kind can be compared."""
    import polars as pl

    if dtype.is_numeric() and not isinstance(dtype, pl.Decimal):
        return "number"
    return (
        "string"
        if isinstance(dtype, pl.String | pl.Categorical | pl.Enum)
        else str(dtype.base_type())
    )


def _common(left: pl.DataType, right: pl.DataType) -> pl.DataType:
    """A type that holds the keys of both sides; a value outside it becomes null and matches
    nothing.
    """
    import polars as pl

    if left == right and not isinstance(left, pl.Categorical | pl.Enum):
        return left
    if left.is_integer() or (left.is_float() and right.is_integer()):
        return pl.Int64()
    if left.is_float():
        return pl.Float64()
    return pl.String() if _kind(left) == "string" else right
