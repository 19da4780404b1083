"""Which rows are in the windows of one entity at a time, why every other is not, and what the
aggregations give: the rule of `features.windows`, told row by row.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import Conflict
from ...core.frames import exactly
from ...core.records import MASK
from ..definitions import Definition, WindowSpec
from ..join import join_as_of
from ..sources import SourceSpec, one_snapshot, readable, scan
from ..windows.newest import windowed
from ..windows.plan import ended_last
from .explain import (
    CREATED,
    SRC,
    TIME,
    VERDICT,
    first_true,
    moment_in,
    of_key,
    times_of,
    told,
    values_of,
)
from .spec import Explained, HeldWindow, Verdict
from .telling import Words, clock, lasting

if TYPE_CHECKING:
    import polars as pl

_AT, _RANK = "__at", "__rank"


@dataclass(frozen=True, slots=True)
class _Bounds:
    """The window of an aggregation at the time that is asked for. start: None: the whole past.
    following: from when on rows are in the next window, and not in this one.
    """

    item: WindowSpec
    start: datetime | None
    end: datetime
    following: datetime

    def holds(self, rows: pl.DataFrame) -> pl.Expr:
        import polars as pl

        inside = pl.col(TIME) < moment_in(rows, self.end)
        if self.start is not None:
            inside &= pl.col(TIME) >= moment_in(rows, self.start)
        return inside.fill_null(value=False)

    def has(self, event_at: datetime) -> bool:
        return (self.start is None or self.start <= event_at) and event_at < self.end


def explain_windows(
    view: Definition,
    repo: Path,
    entity: Mapping[str, Any],
    at: datetime,
    *,
    known_only: bool,
    limit: int,
    masked: Collection[str],
) -> Explained:
    """As `explain`, for a view with aggregations. masked: features and columns."""
    import polars as pl

    source = _source_of(view)
    windows = [_bounds(item, at) for item in view.windows]
    columns = list(dict.fromkeys(item.column for item in view.windows))
    hidden = {*masked, *(item.column for item in view.windows if item.feature in masked)}
    with one_snapshot(), readable(source):
        every = scan(source, repo)
        rows, given = of_key(every, view, entity)
        judged = _judged(rows, columns, windows, source, at, known_only)
        others = every.select(pl.len()).collect(engine="streaming").item() - judged.height
        answer = _answer(every, view, source, given, at, known_only)
        chosen = _chosen(judged, at, limit)
        values = values_of(rows, chosen, columns)
    words = Words(view.ttl, source.created or "", at, known_only, (None, None))
    shown = told(chosen, values, columns, hidden, _Words(windows, words).of)
    return Explained(
        view=view.name,
        entity=given,
        at=at,
        ttl_seconds=view.ttl_seconds,
        known_only=known_only,
        taken=None,
        rows=shown,
        shown=len(shown),
        total=judged.height,
        verdicts=dict(judged[VERDICT].value_counts(sort=True).iter_rows()),
        masked=sorted(hidden),
        note=_note(view, source, windows, at, known_only, others),
        windows=_held(judged, windows, columns, answer, masked),
    )


def _source_of(view: Definition) -> SourceSpec:
    if view.source is None:
        raise Conflict(
            f"{view.name} has no offline source.",
            "Its push source has no batch source.",
            "Give the push source a batch_source, then mlinfra features apply.",
        )
    return view.source


def _judged(
    rows: pl.LazyFrame,
    columns: Sequence[str],
    windows: Sequence[_Bounds],
    source: SourceSpec,
    at: datetime,
    known_only: bool,
) -> pl.DataFrame:
    """Number, times, verdict and the values that are aggregated (`x0`, …) of each row."""
    values = [exactly(name).alias(f"x{place}") for place, name in enumerate(columns)]
    slim = rows.select(SRC, *times_of(rows, source), *values).collect(engine="streaming")
    return slim.with_columns(_verdict(slim, windows, source, at, known_only).alias(VERDICT))


def _bounds(item: WindowSpec, at: datetime) -> _Bounds:
    end = ended_last(item, at)
    try:
        start = end - timedelta(seconds=item.seconds) if item.seconds else None
    except OverflowError:  # longer than a datetime can tell
        start = None
    slide, length = item.slide or 0.0, item.seconds
    following = end
    if length and slide > length:  # what lies between two windows is in none
        try:
            following = end + timedelta(seconds=slide) - timedelta(seconds=length)
        except OverflowError:
            following = datetime.max.replace(tzinfo=UTC)
    return _Bounds(item, start, end, following)


def _verdict(
    rows: pl.DataFrame,
    windows: Sequence[_Bounds],
    source: SourceSpec,
    at: datetime,
    known_only: bool,
) -> pl.Expr:
    import polars as pl

    time, created, asked = pl.col(TIME), pl.col(CREATED), moment_in(rows, at)
    inside = pl.any_horizontal([window.holds(rows) for window in windows])
    following = moment_in(rows, min(window.following for window in windows))
    rules = [
        (time.is_null(), "no_time"),
        (time > asked, "later"),
        (~inside & (time >= following), "pending"),
        (~inside, "outside"),
    ]
    if known_only and source.created:
        rules.append((created.is_null() | (created > asked), "created_later"))
    return first_true(rules, pl.lit("counted"))


def _answer(
    rows: pl.LazyFrame,
    view: Definition,
    source: SourceSpec,
    entity: Mapping[str, Any],
    at: datetime,
    known_only: bool,
) -> dict[str, Any]:
    """The features as a training set gets them."""
    import polars as pl

    schema = rows.collect_schema()
    asked = pl.DataFrame(
        {
            **{key.name: pl.Series([entity[key.name]]).cast(schema[key.name]) for key in view.keys},
            _AT: pl.Series([at], dtype=pl.Datetime("us", "UTC")),
        }
    )
    names = [column.name for column in view.features]
    join = replace(
        windowed(view, rows, source),
        features={name: f"value {name}" for name in names},
        ttl=view.ttl,
        created_counts=known_only,
    )
    row = join_as_of(asked.lazy(), [join], at=_AT).collect().row(0, named=True)
    return {name: row[f"value {name}"] for name in names}


def _chosen(judged: pl.DataFrame, at: datetime, limit: int) -> pl.DataFrame:
    """Rows that count, then others: of both the nearest in time, so that some of each are shown."""
    import polars as pl

    far = (pl.col(TIME).dt.timestamp("us") - pl.lit(at).dt.timestamp("us")).abs()
    counts = pl.col(VERDICT) == "counted"
    ranked = judged.sort([far, -pl.col(SRC).cast(pl.Int64)], nulls_last=True).with_columns(
        pl.int_range(pl.len()).over(counts).alias(_RANK)
    )
    few = ranked.sort(_RANK, maintain_order=True).head(limit)
    return few.sort([~counts, pl.col(_RANK)], maintain_order=True)


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of one question. others: those of a view without windows."""

    windows: Sequence[_Bounds]
    others: Words

    def of(self, verdict: Verdict, event_at: datetime | None, created_at: datetime | None) -> str:
        """Why a row with these times has this verdict."""
        if event_at is None or verdict in ("later", "created_later"):
            return self.others.of(verdict, event_at, created_at)
        if verdict == "pending":
            names = [w.item.feature for w in self.windows if event_at >= w.following]
            return f"in a window of {', '.join(names)} that has not ended"
        if verdict == "outside":
            starts = [window.start for window in self.windows if window.start]
            if starts and event_at < min(starts):
                return f"outside: the windows begin at {clock(min(starts))}"
            return "outside: between two windows"
        return self._counted(event_at)

    def _counted(self, event_at: datetime) -> str:
        inside = [window.item.feature for window in self.windows if window.has(event_at)]
        left = [window.item.feature for window in self.windows if not window.has(event_at)]
        return f"in the window of {', '.join(inside)}" + (
            f"; outside that of {', '.join(left)}" if left else ""
        )


def _held(
    judged: pl.DataFrame,
    windows: Sequence[_Bounds],
    columns: Sequence[str],
    answer: Mapping[str, Any],
    masked: Collection[str],
) -> list[HeldWindow]:
    import polars as pl

    found = []
    for window in windows:
        item = window.item
        if item.feature not in answer:
            continue
        place = f"x{columns.index(item.column)}"
        inside = judged.filter((pl.col(VERDICT) == "counted") & window.holds(judged))[place]
        empty = inside.is_null()
        if inside.dtype.is_float():
            empty |= inside.is_nan().fill_null(value=True)
        found.append(
            HeldWindow(
                feature=item.feature,
                column=item.column,
                function=item.function,
                start=window.start,
                end=window.end,
                rows=inside.len(),
                without=int(empty.sum()),
                value=MASK if item.feature in masked else answer[item.feature],
            )
        )
    return found


def _note(
    view: Definition,
    source: SourceSpec,
    windows: Sequence[_Bounds],
    at: datetime,
    known_only: bool,
    others: int,
) -> str:
    notes = []
    end = max(window.end for window in windows)
    if view.ttl is not None and at - end > view.ttl:
        age = lasting(at - end)
        notes.append(
            f"The windows ended {age} before, the ttl is {lasting(view.ttl)}: all values are null."
        )
    if known_only and not source.created:
        notes.append(
            f"{source.name} has no created time: each row counts as written at its event time."
        )
    if others:
        notes.append(f"{others:,} rows of other entities are left out.")
    return " ".join(notes)
