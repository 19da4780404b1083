"""What the aggregations of a view ask for, and the tiles that all of them share."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from ...core.errors import Unprocessable
from ..definitions import WindowSpec

if TYPE_CHECKING:
    import polars as pl

TAG = "mlinfra.aggregations"
"""The tag in which `apply` keeps the aggregations of a batch view: Feast's registry has no place
for them.
"""

DEFAULT_HOP = timedelta(minutes=5)
"""From one window to the next, where neither the aggregation nor its view says it: Feast's hop."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHORTEST, _LONGEST = 1e-6, 1e12
"""Seconds that the window in a tag may have."""

Function = Literal["count", "sum", "mean", "min", "max", "std", "var", "count_distinct"]

FUNCTIONS: Mapping[str, Function] = {
    "count": "count",
    "sum": "sum",
    "mean": "mean",
    "avg": "mean",
    "min": "min",
    "max": "max",
    "std": "std",
    "stddev": "std",
    "var": "var",
    "variance": "var",
    "count_distinct": "count_distinct",
}
"""Feast's names of the functions, and ours."""

NEEDS: Mapping[Function, str] = {
    "count": "n",
    "sum": "ns",
    "mean": "ns",
    "min": "na",
    "max": "nz",
    "std": "nmv",
    "var": "nmv",
    "count_distinct": "",
}
"""What a tile must hold of a column of floats: number of values, sum, smallest, largest, mean, and
sum of squared distances from the mean. Of other columns see `numbers.needed`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Aggregations with the same windows. hop: from one window to the next; length: of a window,
    None for the whole past; both in tiles.
    """

    hop: int
    length: int | None
    specs: tuple[WindowSpec, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a view is aggregated. tile: microseconds. inputs: the columns that are aggregated, in the
    order of their numbers. needs: by number, what a tile holds of it. distinct: numbers of those
    whose values are counted.
    """

    tile: int
    groups: tuple[Group, ...]
    inputs: tuple[str, ...]
    needs: Mapping[int, str]
    distinct: tuple[int, ...]


def plan_of(windows: Sequence[WindowSpec], schema: Mapping[str, pl.DataType]) -> Plan:
    """The plan for these aggregations of a source: tiles as long as fit into every hop and every
    window.
    """
    from .numbers import needed

    lengths = [(hop(item), _microseconds(item.seconds)) for item in windows]
    tile = math.gcd(*(value for pair in lengths for value in pair if value is not None))
    grouped: dict[tuple[int, int | None], list[WindowSpec]] = {}
    for item, (slide, length) in zip(windows, lengths, strict=True):
        key = (slide // tile, None if length is None else length // tile)
        grouped.setdefault(key, []).append(item)
    inputs = tuple(dict.fromkeys(item.column for item in windows))
    functions = [{item.function for item in windows if item.column == column} for column in inputs]
    return Plan(
        tile=tile,
        groups=tuple(
            Group(hop=hop, length=length, specs=tuple(specs))
            for (hop, length), specs in grouped.items()
        ),
        inputs=inputs,
        needs={
            number: "".join(
                sorted({letter for name in names for letter in needed(name, schema[column])})
            )
            for number, (column, names) in enumerate(zip(inputs, functions, strict=True))
        },
        distinct=tuple(
            number for number, names in enumerate(functions) if "count_distinct" in names
        ),
    )


def ended_last(item: WindowSpec, at: datetime) -> datetime:
    """The end of the last window that has ended at a time."""
    slide = timedelta(microseconds=hop(item))
    return _EPOCH + (at - _EPOCH) // slide * slide


def window_spec(
    column: str,
    function: str,
    *,
    window: timedelta | None,
    slide: timedelta | None,
    name: str = "",
    hop: timedelta | None = None,
) -> WindowSpec:
    """One of Feast's aggregations. hop: of a view with tiles."""
    seconds = window.total_seconds() if window else 0.0
    after = hop or slide or window or DEFAULT_HOP
    default = f"{function}_{column}" + (f"_{int(seconds)}s" if seconds else "")
    return WindowSpec(
        feature=name or default,
        column=column,
        function=function,
        seconds=seconds or None,
        slide=after.total_seconds(),
    )


def windows_of(view: Any) -> list[WindowSpec]:
    """The aggregations of one of Feast's views; of a batch view also those that its tags keep."""
    hop = None
    if getattr(view, "enable_tiling", False):
        hop = view.tiling_hop_size or DEFAULT_HOP
    return [
        window_spec(
            item.column,
            item.function,
            window=item.time_window,
            slide=item.slide_interval,
            name=item.name,
            hop=hop,
        )
        for item in getattr(view, "aggregations", None) or ()
    ] or windows_in(view.tags or {})


def windows_in(tags: Mapping[str, str]) -> list[WindowSpec]:
    """The aggregations that the tags of a batch view keep. Raises Unprocessable for a tag that
    is not ours.
    """
    try:
        windows = [WindowSpec(**item) for item in json.loads(tags.get(TAG, "[]"))]
        sound = all(map(_is_sound, windows))
    except (TypeError, ValueError):
        sound = False
    if not sound:
        raise Unprocessable(
            f"The tag {TAG} holds no aggregations.",
            "mlinfra features apply writes it; somebody else has changed it.",
            "Take the tag out of the definition, then mlinfra features apply.",
        )
    return windows


def _is_sound(item: WindowSpec) -> bool:
    lengths = [value for value in (item.seconds, item.slide) if value is not None]
    texts = (item.feature, item.column, item.function)
    return (
        all(isinstance(text, str) for text in texts)
        and item.function in FUNCTIONS
        and all(_SHORTEST <= value < _LONGEST for value in lengths)
    )


def tagged(windows: Iterable[WindowSpec]) -> dict[str, str]:
    """The tag that keeps these aggregations."""
    return {TAG: json.dumps([asdict(item) for item in windows])}


def check_windows(
    windows: Sequence[WindowSpec],
    features: Collection[str],
    schema: Mapping[str, pl.DataType],
    view: str,
    types: Mapping[str, str],
) -> None:
    """Raise Unprocessable unless the aggregations give all features, from columns of the source.
    types: Feast's types of the features.
    """
    for item in windows:
        _check(item, schema, view)
        if types.get(item.feature) == "DECIMAL":
            _check_decimal(item, schema[item.column], view)
    names = [item.feature for item in windows]
    if unknown := [name for name in features if name not in names]:
        raise Unprocessable(
            f"No aggregation of {view} gives {unknown[0]}.",
            f"They give {', '.join(names)}.",
            "Name the feature so, or give the aggregation that name.",
        )


def _check(item: WindowSpec, schema: Mapping[str, pl.DataType], view: str) -> None:
    import polars as pl

    if item.function not in FUNCTIONS:
        raise Unprocessable(
            f"{view} has an aggregation by {item.function or 'no function'}.",
            f"There are {', '.join(FUNCTIONS)}.",
            "Take one of these.",
        )
    if item.column not in schema:
        raise Unprocessable(
            f"The source of {view} has no column {item.column}.",
            f"{item.feature} aggregates it. Its columns are {', '.join(schema)}.",
            "Correct the definition or the source.",
        )
    if any(value is not None and value <= 0 for value in (item.seconds, item.slide)):
        raise Unprocessable(
            f"The window of {item.feature} in {view} has no length.",
            "Windows and slides are longer than nothing.",
            "Give a time_window such as timedelta(days=7).",
        )
    dtype, function = schema[item.column], FUNCTIONS[item.function]
    summed = dtype.is_numeric() or dtype == pl.Boolean
    ordered = summed or dtype.is_temporal()
    fits = summed or function in ("count", "count_distinct")
    if not (fits or (ordered and function in ("min", "max"))):
        raise Unprocessable(
            f"{item.feature} of {view} cannot be computed.",
            f"{item.column} is {dtype}, which has no {function} here.",
            "Take count or count_distinct, or a column of numbers.",
        )


def _check_decimal(item: WindowSpec, dtype: pl.DataType, view: str) -> None:
    function = FUNCTIONS[item.function]
    if function in ("mean", "std", "var") or (
        dtype.is_float() and NEEDS[function] not in ("n", "")
    ):
        raise Unprocessable(
            f"{item.feature} of {view} is no decimal.",
            f"A {function} of {dtype} is a float.",
            "Give the feature the type Float64.",
        )


def hop(item: WindowSpec) -> int:
    """Microseconds from one window to the next."""
    found = _microseconds(item.slide) or _microseconds(item.seconds)
    return found or _microseconds(DEFAULT_HOP.total_seconds()) or 1


def _microseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1_000_000)
