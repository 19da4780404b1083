"""The shape of a column: bars that a reader can trust.

Few distinct values have a bar each. Otherwise the bars are bins of a round width that is a multiple
of the step between the values, so that no bin holds more possible values than another. Long tails
are cut off and counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..odd_times import python_values
from ..rows import MAX_TEXT_LENGTH, plain
from ..spec import Bar, Shape
from .calendar import bins_of_days, bins_of_moments, bins_of_times

if TYPE_CHECKING:
    import polars as pl

    Numbers = np.ndarray[Any, Any]

VALUES = 24
"""Up to so many distinct values have a bar each."""

WORDS = 12
"""Of more words than `VALUES`, the most frequent ones have a bar."""

BINS = 30
_IN_A_ROW = 60
_TAIL = 0.005
_LONG = 4
_DECIMALS = 4
_LARGEST = 2**53
_TOLD = 10**15  # a float tells 15 digits


def shape_of(values: pl.Series, counts: Numbers, *, counted: bool) -> Shape | None:
    """The shape of finite values in order, without nulls. counts: rows with each. counted: each
    value is there once; of a sample, one may be there several times.
    """
    import polars as pl

    if not len(values):
        return None
    dtype = values.dtype
    few = counted and len(values) <= VALUES
    if dtype == pl.Boolean or (few and not dtype.is_numeric()):
        return _one_each(values, counts)
    if dtype.is_numeric():
        return _of_numbers(values, counts, few=few)
    if not dtype.is_temporal():
        return None
    return _of_moments(values, counts)


def shape_of_words(frequent: Sequence[tuple[Any, int]], distinct: int, total: int) -> Shape | None:
    """A bar for each word, or for the most frequent ones; `above` counts the rows with others, also
    with those that are so long that they are cut: rows could not be chosen by their bars.

    frequent: words with their counts, the most frequent first. total: rows with a word.
    """
    whole = [(word, count) for word, count in frequent if len(str(word)) <= MAX_TEXT_LENGTH]
    if not whole:
        return None
    chosen = whole[: VALUES if distinct <= VALUES else WORDS]
    bars = [Bar(low=word, high=word, label=str(word), count=count) for word, count in chosen]
    return Shape(kind="words", bars=bars, above=max(0, total - sum(bar.count for bar in bars)))


def scaled(shape: Shape, factor: float) -> Shape:
    """The shape with estimated counts of all rows."""
    bars = [replace(bar, count=round(bar.count * factor)) for bar in shape.bars]
    below, above = round(shape.below * factor), round(shape.above * factor)
    return replace(shape, bars=bars, below=below, above=above)


@dataclass(frozen=True, slots=True)
class _Clipped:
    """The values that have bars, and how many rows lie below and above them."""

    values: Numbers
    counts: Numbers
    below: int
    above: int


def _clipped(values: Numbers, counts: Numbers) -> _Clipped:
    cumulated = np.cumsum(counts)
    total = cumulated[-1]
    last = len(values) - 1
    low, high = (
        values[min(last, int(np.searchsorted(cumulated, share * total)))]
        for share in (_TAIL, 1 - _TAIL)
    )
    if _extent(values[0], values[-1]) <= _LONG * _extent(low, high):
        return _Clipped(values, counts, 0, 0)
    first = int(np.searchsorted(values, low))
    end = int(np.searchsorted(values, high, side="right"))
    below, above = int(counts[:first].sum()), int(counts[end:].sum())
    return _Clipped(values[first:end], counts[first:end], below, above)


def _extent(low: Any, high: Any) -> float:
    if isinstance(low, int):  # of any size
        return float(high - low)
    return float(high) - float(low)


def _one_each(values: pl.Series, counts: Numbers) -> Shape:
    found = [plain(value) for value in python_values(values)]
    bars = [
        Bar(low=value, high=value, label=str(value), count=int(count))
        for value, count in zip(found, counts, strict=True)
    ]
    return Shape(kind="values", bars=bars)


def _of_moments(values: pl.Series, counts: Numbers) -> Shape | None:
    import polars as pl

    if values.dtype == pl.Time:
        clipped = _clipped((values.to_physical() // 1000).to_numpy(), counts)
        return _shape("days", clipped, *bins_of_times(clipped.values))
    if isinstance(values.dtype, pl.Duration):
        return None
    clipped = _clipped(values.dt.timestamp("us").to_numpy(), counts)
    bins = bins_of_days if values.dtype == pl.Date else bins_of_moments
    return _shape("days", clipped, *bins(clipped.values))


def _of_numbers(values: pl.Series, counts: Numbers, *, few: bool) -> Shape:
    import polars as pl

    whole, scale = _whole(values)
    if whole is not None and scale == 1 and whole[-1] - whole[0] < _IN_A_ROW:
        return _shape("values", _Clipped(whole, counts, 0, 0), whole, plain, str)
    if few:
        return _one_each(values, counts)
    if whole is None:
        return _continuous(_clipped(values.cast(pl.Float64).to_numpy(), counts))
    return _stepped(_clipped(whole, counts), scale)


def _whole(values: pl.Series) -> tuple[Numbers | None, int]:
    """The numbers times a power of ten that makes them whole, and that power; None if there is
    none.
    """
    import polars as pl

    if values.dtype.is_integer():
        return _exact(values), 1
    if isinstance(values.dtype, pl.Decimal):
        return _unscaled(_exact(values.to_physical()), 10**values.dtype.scale)
    numbers = values.cast(pl.Float64).to_numpy()
    if max(abs(float(numbers[0])), abs(float(numbers[-1]))) >= _LARGEST:
        return None, 1
    for scale in (10**decimals for decimals in range(_DECIMALS + 1)):
        found = numbers * scale
        whole = np.rint(found)
        if np.abs(whole).max() < _LARGEST and np.all(np.abs(found - whole) < 1e-6):
            return whole.astype(np.int64), scale
    return None, 1


def _exact(values: pl.Series) -> Numbers:
    """Integers; large ones are Python's, which are neither rounded nor overflow."""
    import polars as pl

    if max(abs(values[0]), abs(values[-1])) < _LARGEST:
        return values.cast(pl.Int64).to_numpy()
    return np.array(values.to_list(), object)


def _unscaled(whole: Numbers, scale: int) -> tuple[Numbers, int]:
    """Decimals without the zeros that all of them end in."""
    spare = math.gcd(int(np.gcd.reduce(whole)), scale)
    while scale > 1 and not spare % 10:
        whole, scale, spare = whole // 10, scale // 10, spare // 10
    return whole, scale


def _stepped(clipped: _Clipped, scale: int) -> Shape:
    """Bins of numbers that lie on a grid."""
    values = clipped.values
    step = int(np.gcd.reduce(values - values[0])) or 1
    width = step * _round_whole((int(values[-1]) - int(values[0])) / step / BINS)

    def edge(place: int) -> int | float | str:
        return _edge(place * width, scale)

    def label(place: int) -> str:
        last = edge(place + 1) if scale > 1 else place * width + width - 1
        return str(edge(place)) if scale == width == 1 else f"{edge(place)} – {last}"

    return _shape("bins", clipped, values // width, edge, label)


def _edge(number: int, scale: int) -> int | float | str:
    """The number divided by a power of ten; as text where a float would not tell all its digits."""
    if scale == 1:
        found: int | str = plain(number)
        return found
    if abs(number) < _TOLD:
        return number / scale
    return f"{Decimal(f'{number}e-{len(str(scale)) - 1}'):f}"


def _continuous(clipped: _Clipped) -> Shape:
    values = clipped.values
    extent = float(values[-1]) - float(values[0])
    digits, exponent = _round(extent / BINS) if extent else (1.0, 0)
    width = digits * 10.0**exponent

    largest = max(abs(float(values[0])), abs(float(values[-1])))
    # As many digits as tell two edges apart.
    shown = max(6, math.floor(math.log10(largest)) - exponent + 2) if largest else 6

    def edge(place: int) -> float:
        return float((Decimal(place) * Decimal(str(digits))).scaleb(exponent))

    def label(place: int) -> str:
        return f"{edge(place):.{shown}g} – {edge(place + 1):.{shown}g}"

    first, last = (math.floor(float(end) / width) for end in (values[0], values[-1]))
    # By the edges as they are told: a value at one is not counted beside it.
    edges = [edge(place) for place in range(first - 1, last + 2)]
    index = np.searchsorted(edges, values, side="right") + (first - 2)
    return _shape("bins", clipped, index, edge, label)


def _round(number: float) -> tuple[float, int]:
    """The first of 1, 2, 2.5 and 5 times a power of ten that is not below `number`."""
    exponent = math.floor(math.log10(number))
    for digits in (1.0, 2.0, 2.5, 5.0):
        if digits * 10.0**exponent >= number:
            return digits, exponent
    return 1.0, exponent + 1


def _round_whole(number: float) -> int:
    return next(width for width in _whole_widths() if width >= number)


def _whole_widths() -> Iterator[int]:
    yield from (1, 2, 5)
    power = 10
    while True:
        yield from (power, 2 * power, 5 * power // 2, 5 * power)
        power *= 10


def _shape(
    kind: Literal["values", "bins", "days"],
    clipped: _Clipped,
    index: Numbers,
    edge: Callable[[int], Any],
    label: Callable[[int], str],
) -> Shape:
    """A bar for each place from the first to the last of `index`, which is in order."""
    first = int(index[0])
    counts = np.bincount((index - first).astype(np.int64), weights=clipped.counts)
    bars = [
        Bar(
            low=edge(first + place),
            high=edge(first + place + (kind != "values")),
            label=label(first + place),
            count=round(float(count)),
        )
        for place, count in enumerate(counts)
    ]
    return Shape(kind=kind, bars=bars, below=clipped.below, above=clipped.above)
