"""Ways to find the winning row of the source for each entity row, and when to take which."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from .names import AT, CREATED, KNOWN, RANK, ROW, SRC, TIME, key_names
from .ties import without_beaten
from .view import Engine, JoinView, Strategy

if TYPE_CHECKING:
    import polars as pl

FEW_PER_KEY, FEW_ON_AVERAGE = 16, 3.0
"""`auto` pairs rows by hash if no key has more entity rows than the first, and keys have at most
the second on average: so many pairs there are for each row of the source.
"""

_LONGEST_NS = timedelta(microseconds=(2**63 - 1) // 1_000)

_SAMPLE = 50_000
"""Rows of the source that tell whether most have keys that no entity row has."""


def winners(
    entity_keys: pl.LazyFrame,
    features: pl.LazyFrame,
    view: JoinView,
    strategy: Strategy,
    engine: Engine,
) -> pl.DataFrame:
    """Entity row number → number of the winning source row."""
    keys = key_names(view.keys)
    if any(view.schema[column].is_nested() for column in view.keys.values()):
        strategy = "hash"  # Polars' as-of join takes no lists and structs
    if strategy == "auto":
        strategy = "hash" if keys and _few_pairs(entity_keys, keys, engine) else "asof"
    if strategy == "hash" and keys:
        known = features.join(entity_keys.select(keys).unique(), on=keys, how="semi")
        return _by_hash(entity_keys, known, view).collect(engine=engine)
    features = _of_entities(entity_keys, features, keys)
    ordered = (
        _by_known_time(features, view)
        if view.created_counts and view.created
        else _by_time(features, view, engine)
    )
    return _last(entity_keys, ordered, view).collect(engine=engine)


def _few_pairs(entity_keys: pl.LazyFrame, keys: list[str], engine: Engine) -> bool:
    import polars as pl

    per_key = (
        entity_keys.group_by(keys).len().select(most=pl.col("len").max(), mean=pl.col("len").mean())
    )
    most, mean = per_key.collect(engine=engine).row(0)
    return most is None or (most <= FEW_PER_KEY and mean <= FEW_ON_AVERAGE)


def _of_entities(
    entity_keys: pl.LazyFrame, features: pl.LazyFrame, keys: list[str]
) -> pl.LazyFrame:
    """The features without those of other keys, if these are most: else the join drops them."""
    if not keys:
        return features
    asked = entity_keys.select(keys).unique()
    sample = features.head(_SAMPLE).select(keys).collect()
    if sample.lazy().join(asked, on=keys, how="semi").collect().height > sample.height / 2:
        return features
    return features.join(asked, on=keys, how="semi", maintain_order="left")


def pairs(entity_keys: pl.LazyFrame, features: pl.LazyFrame, view: JoinView) -> pl.LazyFrame:
    """Every entity row with each feature row that it may use."""
    import polars as pl

    usable = pl.col(TIME) <= pl.col(AT)
    if view.ttl is not None:
        usable &= within_ttl(pl.col(AT), pl.col(TIME), view.ttl)
    if view.created_counts and view.created:
        usable &= pl.col(CREATED) <= pl.col(AT)
    keys = key_names(view.keys)
    both = features.join(entity_keys, on=keys) if keys else features.join(entity_keys, how="cross")
    return both.filter(usable)


def within_ttl(at: pl.Expr, time: pl.Expr, ttl: timedelta) -> pl.Expr:
    """Whether a feature row of `time` is not too old at `at`. Polars rounds nanoseconds down for a
    literal in µs.
    """
    import polars as pl

    exact = ttl <= _LONGEST_NS
    return at - time <= (pl.lit(ttl, pl.Duration("ns")) if exact else ttl)


def order(view: JoinView) -> list[str]:
    """By what feature rows are sorted so that the winning one comes last."""
    return [TIME, *([CREATED] if view.created else []), SRC]


def _by_hash(entity_keys: pl.LazyFrame, features: pl.LazyFrame, view: JoinView) -> pl.LazyFrame:
    import polars as pl

    return (
        pairs(entity_keys, features, view)
        .group_by(ROW)
        .agg(pl.col(SRC).sort_by(order(view), nulls_last=False).last())
    )


def _by_time(features: pl.LazyFrame, view: JoinView, engine: Engine) -> pl.LazyFrame:
    """The features in order of time, of equal ones the winner last. Most sources are in that order
    already, and few rows have key and time of another: only these need their created times.
    """
    keys = key_names(view.keys)
    rows = features.select(SRC, *keys, TIME).collect(engine=engine)
    if not rows[TIME].is_sorted():
        rows = rows.sort(TIME, maintain_order=True)
    if not view.created:
        return rows.lazy()
    kept = without_beaten(rows, features.select(SRC, CREATED), keys, engine)
    return features.sort(order(view), nulls_last=False) if kept is None else kept.lazy()


def _by_known_time(features: pl.LazyFrame, view: JoinView) -> pl.LazyFrame:
    """The features in order of the time from which they can be used, KNOWN, without those that an
    earlier one beats by the rule: so the last of them wins.
    """
    import polars as pl

    keys = key_names(view.keys)
    best = pl.col(RANK).cum_max()
    return (
        features.sort(order(view), nulls_last=False)
        .with_row_index(RANK)
        .with_columns(pl.max_horizontal(TIME, CREATED).alias(KNOWN))
        .sort(KNOWN, RANK)
        .filter(pl.col(RANK) == (best.over(keys) if keys else best))
    )


def _last(entity_keys: pl.LazyFrame, ordered: pl.LazyFrame, view: JoinView) -> pl.LazyFrame:
    """The last of these features at or before each entity row's time, if the ttl allows it."""
    import polars as pl

    known = view.created_counts and view.created
    joined = entity_keys.sort(AT).join_asof(
        ordered,
        left_on=AT,
        right_on=KNOWN if known else TIME,
        by=key_names(view.keys) or None,
        strategy="backward",
        check_sortedness=False,
        coalesce=False,
    )
    if view.ttl is not None:
        joined = joined.filter(within_ttl(pl.col(AT), pl.col(TIME), view.ttl))
    return joined.select(ROW, SRC).drop_nulls()
