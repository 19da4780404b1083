"""Which row a join takes for one entity at a time, and why it refuses every other: the rule of
`features.join`, told row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import Conflict
from ...core.feast_online.feast_keys import KINDS
from ...core.frames import exactly
from ...core.records import MASK
from ..definitions import Definition
from ..join import require_time, utc
from ..joining.times import Unit, nanoseconds, within_unit
from ..joining.winners import within_ttl
from ..labels import MAJORITY, PRIORITY, Resolution, resolution_of
from ..online.keys import missing_key, shown_key, wrong_key
from ..sources import SourceSpec, one_snapshot, readable, scan
from .spec import Explained, JudgedRow, Verdict
from .telling import Words

if TYPE_CHECKING:
    import polars as pl

SRC, TIME, CREATED, VERDICT, _RANK = "__src", "__time", "__created", "__verdict", "__rank"
_USABLE = "usable"


def explain(
    view: Definition,
    repo: Path,
    entity: Mapping[str, Any],
    at: datetime,
    *,
    known_only: bool = False,
    limit: int = 20,
    masked: Collection[str] = (),
) -> Explained:
    """The rows of the view's source with this key, each with the verdict of a join at `at`.

    known_only: a row counts only once it is written, as with Feast's `filter_by_created_timestamp`.
    limit: rows that are shown. masked: features whose values are not shown. Raises BadRequest for a
    key that is missing or of a wrong type, Conflict for a view whose values Feast computes,
    NotFound and Unprocessable for a source that cannot be read.
    """
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    if view.aggregated:
        from .windowed import explain_windows

        return explain_windows(
            view, repo, entity, at, known_only=known_only, limit=limit, masked=masked
        )
    source, features = _source_of(view), [column.name for column in view.features]
    with one_snapshot(), readable(source):
        rows, given = of_key(scan(source, repo), view, entity)
        judged = _judged(_slim(rows, view, source), view, at, known_only)
        chosen = _nearest(judged, at, limit)
        values = values_of(rows, chosen, features)
    words = Words(view.ttl, source.created or "", at, known_only, _taken_times(judged))
    shown = told(chosen, values, features, masked, words.of)
    return Explained(
        view=view.name,
        entity=given,
        at=at,
        ttl_seconds=view.ttl_seconds,
        known_only=known_only,
        taken=next((row for row in shown if row.verdict == "taken"), None),
        rows=shown,
        shown=len(shown),
        total=judged.height,
        verdicts=dict(judged[VERDICT].value_counts(sort=True).iter_rows()),
        masked=sorted({column.name for column in (*view.features, *view.keys)} & {*masked}),
        note=_note(view, source, known_only),
    )


def told(
    chosen: pl.DataFrame,
    values: Mapping[int, Mapping[str, Any]],
    names: Sequence[str],
    masked: Collection[str],
    why: Callable[[Verdict, datetime | None, datetime | None], str],
) -> list[JudgedRow]:
    """The chosen rows. values: by their number. names: of those that are shown. why: a verdict in
    words, for the times of its row.
    """
    return [
        JudgedRow(
            event_at=row[TIME],
            created_at=row[CREATED],
            values={
                name: MASK if name in masked else _plain(values[row[SRC]][name]) for name in names
            },
            verdict=row[VERDICT],
            why=why(row[VERDICT], row[TIME], row[CREATED]),
        )
        for row in chosen.to_dicts()
    ]


def _source_of(view: Definition) -> SourceSpec:
    if view.source is None or view.computed:
        uses = ", ".join(view.uses)
        raise Conflict(
            f"{view.name} has no stored rows.",
            "Feast computes its values.",
            f"Ask for a view that it is made from: {uses}." if uses else "Ask for another view.",
        )
    return view.source


def of_key(
    rows: pl.LazyFrame, view: Definition, entity: Mapping[str, Any]
) -> tuple[pl.LazyFrame, dict[str, Any]]:
    """The numbered rows with this key, and the key in its types."""
    import polars as pl

    schema, given = rows.collect_schema(), dict[str, Any]()
    for key in view.keys:
        if entity.get(key.name) is None:
            raise missing_key(view, key.name, entity)
        try:
            value = entity[key.name]
            value = shown_key(value, key.type) if key.type in KINDS else value
            typed = pl.Series("", [value]).cast(schema[key.name]).item()
        except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError) as error:
            raise wrong_key(view, key, error) from error
        given[key.name] = value if key.type in KINDS else typed
        rows = rows.filter(exactly(key.name) == pl.lit(typed, schema[key.name]))
    return rows.with_row_index(SRC), given


def _slim(rows: pl.LazyFrame, view: Definition, source: SourceSpec) -> pl.DataFrame:
    """Number, times and rank of the labeler of each row."""
    import polars as pl

    resolution = resolution_of(view.labels)
    rank = _rank(resolution) if resolution and resolution.policy == PRIORITY else pl.lit(0)
    return rows.select(SRC, *times_of(rows, source), rank.alias(_RANK)).collect(engine="streaming")


def times_of(rows: pl.LazyFrame, source: SourceSpec) -> list[pl.Expr]:
    """TIME and CREATED in UTC, in the same unit."""
    import polars as pl

    schema = rows.collect_schema()
    require_time(schema, source.time, f"The rows of {source.name}")
    times = [schema[name] for name in (source.time, source.created) if name]
    unit: Unit = "ns" if any(map(nanoseconds, times)) else "us"
    created = (
        utc(source.created, schema[source.created], unit)
        if source.created
        else pl.lit(None, pl.Datetime(unit, "UTC"))
    )
    return [utc(source.time, schema[source.time], unit).alias(TIME), created.alias(CREATED)]


def _rank(resolution: Resolution) -> pl.Expr:
    import polars as pl

    names = list(resolution.priorities)
    return (
        exactly(resolution.labeler)
        .cast(pl.String)
        .replace_strict(names, list(range(len(names), 0, -1)), default=0, return_dtype=pl.Int32)
    )


def _judged(rows: pl.DataFrame, view: Definition, at: datetime, known_only: bool) -> pl.DataFrame:
    """The rows with their verdicts."""
    import polars as pl

    asked = moment_in(rows, at)
    time, created = pl.col(TIME), pl.col(CREATED)
    rules = [(time.is_null(), "no_time"), (time > asked, "later")]
    if view.ttl is not None:
        rules.append((~within_ttl(asked, time, view.ttl), "expired"))
    if known_only and view.source and view.source.created:
        rules.append((created.is_null() | (created > asked), "created_later"))
    rows = rows.with_columns(first_true(rules, pl.lit(_USABLE)).alias(VERDICT))
    resolution = resolution_of(view.labels)
    usable = pl.col(VERDICT) == _USABLE
    if resolution is not None and resolution.policy == MAJORITY:
        return rows.with_columns(
            pl.when(usable).then(pl.lit("counted")).otherwise(VERDICT).alias(VERDICT)
        )
    order = [_RANK, TIME, CREATED, SRC]
    winner = rows.filter(usable).sort(order, nulls_last=False).tail(1)
    if winner.is_empty():
        return rows
    best = {name: pl.lit(winner[name]).first() for name in order}
    earlier = (created.is_null() & best[CREATED].is_not_null()) | (created < best[CREATED])
    lost = first_true(
        [
            (pl.col(SRC) == best[SRC], "taken"),
            (pl.col(_RANK) < best[_RANK], "outranked"),
            (time < best[TIME], "older"),
            (earlier, "tie_created"),
        ],
        pl.lit("tie_order"),
    )
    return rows.with_columns(pl.when(usable).then(lost).otherwise(VERDICT).alias(VERDICT))


def first_true(rules: Sequence[tuple[pl.Expr, str]], rest: pl.Expr) -> pl.Expr:
    """The word of the first rule that holds."""
    import polars as pl

    for holds, word in reversed(rules):
        rest = pl.when(holds).then(pl.lit(word)).otherwise(rest)
    return rest


def _nearest(judged: pl.DataFrame, at: datetime, limit: int) -> pl.DataFrame:
    """The taken row, then those nearest in time; of equally near ones the later row first."""
    import polars as pl

    far = (pl.col(TIME).dt.timestamp("us") - pl.lit(at).dt.timestamp("us")).abs()
    taken = pl.col(VERDICT) == "taken"
    return judged.sort([~taken, far, -pl.col(SRC).cast(pl.Int64)], nulls_last=True).head(limit)


def _taken_times(judged: pl.DataFrame) -> tuple[datetime | None, datetime | None]:
    """Event and created time of the row that is taken."""
    taken = judged.filter(judged[VERDICT] == "taken")
    return taken.select(TIME, CREATED).row(0) if taken.height else (None, None)


def moment_in(rows: pl.DataFrame, moment: datetime) -> pl.Expr:
    """A moment in the unit of the times of the rows."""
    import polars as pl

    unit: Unit = "ns" if nanoseconds(rows.schema[TIME]) else "us"
    return within_unit(pl.lit(moment, pl.Datetime("us", "UTC")), unit)


def values_of(
    rows: pl.LazyFrame, chosen: pl.DataFrame, names: Sequence[str]
) -> dict[int, dict[str, Any]]:
    """The values of the chosen rows, by their number."""
    import polars as pl

    found = (
        rows.filter(pl.col(SRC).is_in(chosen[SRC].to_list()))
        .select(SRC, *(exactly(name) for name in names))
        .collect(engine="streaming")
    )
    return {row.pop(SRC): row for row in found.to_dicts()}


def _plain(value: Any) -> Any:
    return f"0x{value[:32].hex()}" if isinstance(value, bytes) else value


def _note(view: Definition, source: SourceSpec, known_only: bool) -> str:
    resolution = resolution_of(view.labels)
    if resolution is not None and resolution.policy == MAJORITY:
        return "Of each label the most frequent value of the counted rows is taken."
    if known_only and not source.created:
        return f"{source.name} has no created time: each row counts as written at its event time."
    return ""
