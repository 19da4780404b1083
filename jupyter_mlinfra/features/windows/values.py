"""The aggregations of a view for entity rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ...core.frames import exactly
from ..joining.keys import common, key
from ..joining.names import AT, ROW, key_names
from ..joining.times import Unit, moment
from .answers import answered, fitting
from .distinct import also, distinct_at
from .late import known_late, late_stats
from .numbers import needed
from .plan import FUNCTIONS, Group, Plan, plan_of
from .sliding import END, GID, both, windows_at
from .tiles import TILE, TileFrames, tiles_of, with_late

if TYPE_CHECKING:
    import polars as pl

    from ..definitions import WindowSpec
    from ..joining.view import Engine, JoinView

_MICROS = "__micros"
_LATE = "late "
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """What was read: tiles, values by number of their input, and late events, each with GID and
    TILE. late: None if there are none.
    """

    tiles: pl.DataFrame
    values: Mapping[int, pl.DataFrame]
    late: pl.DataFrame | None


def window_values(
    entity_keys: pl.DataFrame,
    key_types: Mapping[str, pl.DataType],
    view: JoinView,
    unit: Unit,
    engine: Engine,
) -> pl.DataFrame:
    """Entity row number → features of `view`, by the rule of `windows`.

    entity_keys: ROW, AT in `unit` and the keys under the names of a join. key_types: types of the
    keys in the entity rows, by their names there. Raises Unprocessable if a value does not fit
    into the type of its feature.
    """
    import polars as pl

    plan, names = plan_of(view.windows, view.schema), key_names(view.keys)
    per_micro = 1_000 if unit == "ns" else 1
    micros = pl.col(AT).to_physical() // per_micro
    ids = entity_keys.select(names).unique().with_row_index(GID) if names else None
    rows = (
        entity_keys.with_columns(pl.lit(0).alias(GID))
        if ids is None
        else entity_keys.join(ids, on=names)
    )
    rows = rows.select(ROW, AT, micros.alias(_MICROS), pl.col(GID).cast(pl.Int64))
    keys = _keys(view, key_types)
    if ids is not None:  # nothing is added up for other keys
        inside = [source for source, _ in keys]
        frame = view.frame.join(ids.lazy(), left_on=inside, right_on=names, how="semi")
        view = replace(view, frame=frame)
    with fitting(view):
        frames = _between(view, plan, rows)
        held = _held(frames, ids, [tile for _, tile in keys], engine)
    parts = [rows.select(ROW)]
    for group in plan.groups:
        specs = [item for item in group.specs if item.feature in view.features]
        if specs:
            asked = rows.select(ROW, AT, GID, _end(group, plan).alias(END))
            parts.append(_group(asked, held, group.length, specs, plan, view))
    answer = pl.concat(parts, how="horizontal")
    if view.ttl is not None:
        newest = pl.max_horizontal([_end(group, plan) for group in plan.groups]) * plan.tile
        age = -(-pl.col(AT).to_physical() // per_micro) - newest  # rounded up
        answer = answer.filter(
            rows.select(age <= view.ttl // timedelta(microseconds=1)).to_series()
        )
    return answer.select(ROW, *view.features.values())


def _keys(view: JoinView, key_types: Mapping[str, pl.DataType]) -> list[tuple[pl.Expr, pl.Expr]]:
    """The keys of the source and those of its tiles, in the types of the join."""
    return [
        (
            key(column, view.schema[column], shared),
            key(name, view.schema[column], shared).alias(name),
        )
        for name, (asked, column) in zip(key_names(view.keys), view.keys.items(), strict=True)
        for shared in [common(key_types[asked], view.schema[column])]
    ]


def _end(group: Group, plan: Plan) -> pl.Expr:
    """The tile before which the window of a row ends."""
    import polars as pl

    return (pl.col(_MICROS) // (group.hop * plan.tile)) * group.hop


def _between(view: JoinView, plan: Plan, rows: pl.DataFrame) -> TileFrames:
    """The tiles that the rows may need."""
    import polars as pl

    bounds = [
        rows.select(low=_end(group, plan).min(), high=_end(group, plan).max()).row(0)
        for group in plan.groups
    ]
    high = max((high for _, high in bounds if high is not None), default=0)
    lengths = [group.length for group in plan.groups]
    low = None
    if None not in lengths:
        low = min(
            (
                low - (group.length or 0)
                for (low, _), group in zip(bounds, plan.groups, strict=True)
                if low is not None
            ),
            default=0,
        )
    split = view.created_counts and view.created is not None
    frames = view.tiles.of(view, plan) if view.tiles else None
    if frames is None:
        source = _read(view, None if low is None else low * plan.tile, high * plan.tile)
        return tiles_of(source, view, plan, split=split)
    inside = (
        pl.col(TILE) < high if low is None else pl.col(TILE).is_between(low, high, closed="left")
    )
    frames = TileFrames(
        tiles=frames.tiles.filter(inside),
        values={number: frame.filter(inside) for number, frame in frames.values.items()},
        late=None if frames.late is None else frames.late.filter(inside),
    )
    return frames if split else with_late(frames, view, plan)


def _read(view: JoinView, low: int | None, high: int) -> pl.LazyFrame:
    """The rows of the source between two moments, in microseconds since 1970."""
    source, dtype = view.frame, view.schema[view.time]
    try:
        source = source.filter(
            exactly(view.time) < moment(_EPOCH + timedelta(microseconds=high), dtype)
        )
        if low is not None:
            source = source.filter(
                exactly(view.time) >= moment(_EPOCH + timedelta(microseconds=low), dtype)
            )
    except OverflowError:  # a window as long as a datetime cannot be
        return source
    return source


def _held(
    frames: TileFrames, ids: pl.DataFrame | None, keys: list[pl.Expr], engine: Engine
) -> _Held:
    """What was kept of the keys with these numbers. keys: those of tiles, in the types of `ids`."""
    import polars as pl

    names = key_names(keys)

    def numbered(frame: pl.LazyFrame) -> pl.LazyFrame:
        if ids is None:
            return frame.with_columns(pl.lit(0, pl.Int64).alias(GID))
        found = frame.with_columns(keys).join(ids.lazy(), on=names)
        return found.drop(names).with_columns(pl.col(GID).cast(pl.Int64))

    late = [] if frames.late is None else [numbered(frames.late)]
    tiles, *others = pl.collect_all(
        [
            numbered(frames.tiles).sort(GID, TILE),
            *(numbered(frame).sort(GID, TILE) for frame in frames.values.values()),
            *late,
        ],
        engine=engine,
    )
    found = others[-1] if late and not others[-1].is_empty() else None
    return _Held(tiles=tiles, values=dict(zip(frames.values, others, strict=False)), late=found)


def _group(
    asked: pl.DataFrame,
    held: _Held,
    length: int | None,
    specs: list[WindowSpec],
    plan: Plan,
    view: JoinView,
) -> pl.DataFrame:
    """The aggregations with the same windows, for all rows in their order."""
    import polars as pl

    needs, counted = _needs(specs, plan, view)
    ends = asked.select(GID, END).unique().sort(GID, END)
    found = ends
    if needs:
        found = windows_at(held.tiles, ends, length, needs)
    for number in counted:
        counts = distinct_at(held.values[number], ends, length, f"d{number}")
        found = found.hstack([counts[f"d{number}"]])
    found = asked.join(found, on=[GID, END], how="left", maintain_order="left")
    if held.late is not None:
        found = _with_late(found, asked, held, length, needs, counted)
    return pl.concat((answered(found, item, plan, view) for item in specs), how="horizontal")


def _needs(specs: list[WindowSpec], plan: Plan, view: JoinView) -> tuple[dict[int, str], list[int]]:
    """What the aggregations need of each input, and the inputs whose values are counted."""
    needs: dict[int, set[str]] = {}
    counted: dict[int, None] = {}
    for item in specs:
        number = plan.inputs.index(item.column)
        if FUNCTIONS[item.function] == "count_distinct":
            counted[number] = None
        else:
            letters = needed(item.function, view.schema[item.column])
            needs.setdefault(number, set()).update(letters)
    return {number: "".join(sorted(letters)) for number, letters in needs.items()}, list(counted)


def _with_late(
    found: pl.DataFrame,
    asked: pl.DataFrame,
    held: _Held,
    length: int | None,
    needs: Mapping[int, str],
    counted: list[int],
) -> pl.DataFrame:
    import polars as pl

    assert held.late is not None
    events = known_late(asked, held.late, length)
    if events.is_empty():
        return found
    if needs:
        more = late_stats(events, needs)
        more = more.rename({name: f"{_LATE}{name}" for name in more.columns if name != ROW})
        found = found.join(more, on=ROW, how="left", maintain_order="left")
        found = found.with_columns(both(needs, "", _LATE))
    for number in counted:
        name = f"d{number}"
        added = also(events.select(ROW, GID, END, name), held.values[number], length, name)
        found = found.join(added, on=ROW, how="left", maintain_order="left", suffix=" more")
        found = found.with_columns(pl.col(name) + pl.col(f"{name} more").fill_null(0))
    return found
