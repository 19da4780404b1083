"""Tiles: what is known of the events of one key in one stretch of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ...core.frames import exactly
from ..joining.names import CREATED, key_names
from ..joining.times import Unit, utc
from .plan import Plan

if TYPE_CHECKING:
    import polars as pl

    from ..joining.view import JoinView

TILE = "__tile"
"""The number of a tile: its beginning since 1970, in tiles."""

LETTERS = "nsazmv"
"""See `plan.NEEDS`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TileFrames:
    """The tiles of a source, all with the keys of the source as `__key0`….

    tiles: a row for each key and tile, with what the plan needs of each input (`n0`, `s0`, …).
    values: by number of the input, each different value of a key and tile (`d0`). late: events that
    were created after their tile had ended, or nobody knows when, with their created time and
    their values (`x0`, `y0`, `d0`); None: they are in the tiles, like all others.
    """

    tiles: pl.LazyFrame
    values: Mapping[int, pl.LazyFrame]
    late: pl.LazyFrame | None


class Tiles(Protocol):
    """Keeps the tiles of a view."""

    def of(self, view: JoinView, plan: Plan) -> TileFrames | None:
        """Those of the source as it is now; None if they cannot be kept."""


def tiles_of(rows: pl.LazyFrame, view: JoinView, plan: Plan, *, split: bool) -> TileFrames:
    """The tiles of some rows of the source of a view. split: keep late events apart."""
    import polars as pl

    unit = unit_of(view)
    names = key_names(view.keys)
    created = (
        [utc(view.created, view.schema[view.created], unit).alias(CREATED)]
        if split and view.created
        else []
    )
    events = rows.select(
        *(
            exactly(column).alias(name)
            for name, column in zip(names, view.keys.values(), strict=True)
        ),
        (utc(view.time, view.schema[view.time]).to_physical() // plan.tile).alias(TILE),
        *created,
        *(
            _number(column, view.schema[column]).alias(f"x{number}")
            for number, column in enumerate(plan.inputs)
        ),
        *(
            _ordered(plan.inputs[number], view.schema[plan.inputs[number]]).alias(f"y{number}")
            for number, letters in plan.needs.items()
            if "a" in letters or "z" in letters
        ),
        *(
            _value(plan.inputs[number], view.schema[plan.inputs[number]]).alias(f"d{number}")
            for number in plan.distinct
        ),
    ).drop_nulls([*names, TILE])
    late = None
    if created:
        end = (pl.col(TILE) + 1) * plan.tile * (1_000 if unit == "ns" else 1)
        known = (pl.col(CREATED).to_physical() <= end).fill_null(value=False)
        events, late = events.filter(known), events.filter(~known)
    return TileFrames(
        tiles=_tiles(events, names, plan), values=_values(events, names, plan), late=late
    )


def with_late(frames: TileFrames, view: JoinView, plan: Plan) -> TileFrames:
    """The same with the late events in the tiles."""
    import polars as pl

    if frames.late is None:
        return frames
    names = key_names(view.keys)
    more, values = _tiles(frames.late, names, plan), _values(frames.late, names, plan)
    return TileFrames(
        tiles=merged_tiles(pl.concat([frames.tiles, more]), names, plan),
        values={
            number: pl.concat([frame, values[number]]).unique()
            for number, frame in frames.values.items()
        },
        late=None,
    )


def merged_tiles(tiles: pl.LazyFrame, names: Sequence[str], plan: Plan) -> pl.LazyFrame:
    """One tile for each key and stretch of time, where parts of the source made several."""
    import polars as pl

    made: list[pl.Expr] = []
    for number, letters in plan.needs.items():
        n, m, v = (pl.col(f"{letter}{number}") for letter in "nmv")
        mean = pl.when(n.sum() > 0).then((n * m).sum() / n.sum())
        merge = {
            "n": n.sum(),
            "s": pl.col(f"s{number}").sum(),
            "a": pl.col(f"a{number}").min(),
            "z": pl.col(f"z{number}").max(),
            "m": mean,
            "v": (v + n * (m - mean).pow(2)).sum(),
        }
        made += [merge[letter].alias(f"{letter}{number}") for letter in letters]
    return tiles.group_by(*names, TILE).agg(made)


def unit_of(view: JoinView) -> Unit:
    """The unit that holds the times of a source."""
    columns = [view.time, *([view.created] if view.created else [])]
    units = [getattr(view.schema[column], "time_unit", "us") for column in columns]
    return "ns" if "ns" in units else "us"


def stats(needs: Mapping[int, str], schema: Mapping[str, pl.DataType]) -> list[pl.Expr]:
    """What events hold together: `n0`, `s0`, …, the sums of integers in a type that holds many of
    them. schema: of the events.
    """
    import polars as pl

    made: list[pl.Expr] = []
    for number, letters in needs.items():
        values, ordered = pl.col(f"x{number}"), pl.col(f"y{number}")
        whole = schema[f"x{number}"].is_integer()
        of = {
            "n": values.count().cast(pl.Int64),
            "s": (values.cast(pl.Int128) if whole else values).sum(),
            "a": ordered.min(),
            "z": ordered.max(),
            "m": values.mean(),
            "v": values.var(ddof=0) * values.count(),
        }
        made += [of[letter].alias(f"{letter}{number}") for letter in letters]
    return made


def _tiles(events: pl.LazyFrame, names: Sequence[str], plan: Plan) -> pl.LazyFrame:
    return events.group_by(*names, TILE).agg(stats(plan.needs, events.collect_schema()))


def _values(events: pl.LazyFrame, names: Sequence[str], plan: Plan) -> dict[int, pl.LazyFrame]:
    return {
        number: events.select(*names, TILE, f"d{number}").drop_nulls().unique()
        for number in plan.distinct
    }


def _number(column: str, dtype: pl.DataType) -> pl.Expr:
    """The values as numbers that can be added up; of what is none, whether there is a value."""
    import polars as pl

    values = exactly(column)
    if dtype.is_float():
        return values.cast(pl.Float64).fill_nan(None)
    if is_wide(dtype):
        return values.cast(pl.Float64)
    if dtype.is_integer() or dtype == pl.Boolean:
        return values.cast(pl.Int64)
    if dtype.is_temporal():
        return values.to_physical().cast(pl.Int64)
    return pl.when(values.is_not_null()).then(pl.lit(1, pl.Int64))


def _ordered(column: str, dtype: pl.DataType) -> pl.Expr:
    """The values as numbers of which the smallest and the largest lose nothing."""
    return exactly(column) if is_wide(dtype) else _number(column, dtype)


def is_wide(dtype: pl.DataType) -> bool:
    """Whether there are values that Int64 does not hold: they are added up as floats."""
    import polars as pl

    return dtype in (pl.UInt64(), pl.Int128(), pl.UInt128()) or isinstance(dtype, pl.Decimal)


def _value(column: str, dtype: pl.DataType) -> pl.Expr:
    values = exactly(column)
    return values.fill_nan(None) if dtype.is_float() else values
