"""Tiles: what is known of the events of one key in one stretch of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ...core.frames import exactly
from ..joining.names import CREATED, key_names
from ..joining.times import Unit, utc
from .numbers import number, squares
from .plan import Plan

if TYPE_CHECKING:
    import polars as pl

    from ..joining.view import JoinView

TILE = "__tile"
"""The number of a tile: its beginning since 1970, in tiles."""

LETTERS = "nsfazmv"
"""See `numbers.needed`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TileFrames:
    """The tiles of a source, all with the keys of the source as `__key0`….

    tiles: a row for each key and tile, with what the plan needs of each input (`n0`, `s0`, …).
    values: by number of the input, each different value of a key and tile (`d0`). late: events that
    were created after their tile had ended, or nobody knows when, with their created time and
    their values (`x0`, `d0`); None: they are in the tiles, like all others.
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
            number(column, view.schema[column]).alias(f"x{place}")
            for place, column in enumerate(plan.inputs)
        ),
        *(
            _value(plan.inputs[place], view.schema[plan.inputs[place]]).alias(f"d{place}")
            for place in plan.distinct
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
    for place, letters in plan.needs.items():
        n, s, m, v = (pl.col(f"{letter}{place}") for letter in "nsmv")
        mean: pl.Expr
        if "m" in letters:
            mean = pl.when(n.sum() > 0).then((n * m).sum() / n.sum())
            apart = (v + n * (m - mean).pow(2)).sum()
        else:
            mean = s.sum() // n.sum()
            far = (s - n * mean).cast(pl.Float64)
            apart = (v + pl.when(n > 0).then(far.pow(2) / n)).sum() - far.sum().pow(2) / n.sum()
        merge = {
            "n": n.sum(),
            "s": s.sum(),
            "f": pl.col(f"f{place}").sum(),
            "a": pl.col(f"a{place}").min(),
            "z": pl.col(f"z{place}").max(),
            "m": mean,
            "v": apart,
        }
        made += [merge[letter].alias(f"{letter}{place}") for letter in letters]
    return tiles.group_by(*names, TILE).agg(made)


def unit_of(view: JoinView) -> Unit:
    """The unit that holds the times of a source."""
    columns = [view.time, *([view.created] if view.created else [])]
    units = [getattr(view.schema[column], "time_unit", "us") for column in columns]
    return "ns" if "ns" in units else "us"


def stats(needs: Mapping[int, str], schema: Mapping[str, pl.DataType]) -> list[pl.Expr]:
    """What events hold together: `n0`, `s0`, …. schema: of the events."""
    import polars as pl

    made: list[pl.Expr] = []
    for place, letters in needs.items():
        values = pl.col(f"x{place}")
        whole = schema[f"x{place}"].is_integer()
        of = {
            "n": values.count().cast(pl.Int64),
            "s": (values.cast(pl.Int128) if whole else values).sum(),
            "f": values.cast(pl.Float64).sum(),
            "a": values.min(),
            "z": values.max(),
            "m": values.mean(),
            "v": values.var(ddof=0) * values.count() if "m" in letters else squares(values),
        }
        made += [of[letter].alias(f"{letter}{place}") for letter in letters]
    return made


def _tiles(events: pl.LazyFrame, names: Sequence[str], plan: Plan) -> pl.LazyFrame:
    return events.group_by(*names, TILE).agg(stats(plan.needs, events.collect_schema()))


def _values(events: pl.LazyFrame, names: Sequence[str], plan: Plan) -> dict[int, pl.LazyFrame]:
    return {
        number: events.select(*names, TILE, f"d{number}").drop_nulls().unique()
        for number in plan.distinct
    }


def _value(column: str, dtype: pl.DataType) -> pl.Expr:
    values = exactly(column)
    return values.fill_nan(None) if dtype.is_float() else values
