"""The sketch of rows that come in blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ...core.frames import exactly
from .column import Column, known_of
from .counting import frequencies_of
from .sampling import Sample
from .sketch import WIDE, Sketch, is_flat, limits

if TYPE_CHECKING:
    import polars as pl

    Blocks = Callable[[Sequence[str]], Iterator[pl.DataFrame]]
    """The rows with these columns, block by block, each time in the same order."""


def sketched(
    blocks: Blocks,
    schema: Mapping[str, pl.DataType],
    *,
    rows: int,
    seed: int,
    width: int | None = None,
    sample_rows: int | None = None,
) -> Sketch:
    """The sketch of all rows of `blocks`.

    rows: about how many there are. seed: of the sample. width: columns that are read at once, if
    not all. sample_rows: those that the sketch keeps, if not as many as is usual.
    """
    import polars as pl

    kept, usual = limits(len(schema))
    names, parts = list(schema), list[Sketch]()
    width = width or max(1, len(names))
    for start in range(0, max(1, len(names)), width):
        chosen = names[start : start + width]
        sample = Sample(
            {name: schema[name] for name in chosen if is_flat(schema[name])},
            sample_rows or usual,
            rows=rows,
            seed=seed,
        )
        parts.append(
            _sketched(blocks(chosen), {name: schema[name] for name in chosen}, kept, sample)
        )
    return Sketch(
        parts[0].rows,
        {name: column for part in parts for name, column in part.columns.items()},
        pl.concat([part.sample for part in parts], how="horizontal")
        if len(parts) > 1
        else parts[0].sample,
        parts[0].priorities,
        parts[0].theta,
    )


def sketched_frame(frame: pl.DataFrame) -> Sketch:
    """The sketch of a frame in memory."""
    return sketched(
        lambda names: iter([frame.select(map(exactly, names))]),
        frame.schema,
        rows=frame.height,
        seed=0,
    )


def _sketched(
    blocks: Iterator[pl.DataFrame], schema: Mapping[str, pl.DataType], kept: int, sample: Sample
) -> Sketch:
    columns = {name: Column(dtype, kept) for name, dtype in schema.items()}
    rows = 0
    for block in blocks:
        rows += block.height
        sample.add(block)
        names = list(columns)
        for start in range(0, len(names), WIDE):
            some = names[start : start + WIDE]
            _add(columns, block[some], some)
    return Sketch(rows, {name: column.done() for name, column in columns.items()}, *sample.done())


def _add(columns: Mapping[str, Column], block: pl.DataFrame, names: Sequence[str]) -> None:
    counting = [name for name in names if columns[name].counts]
    found = frequencies_of(block, _few(block, counting, columns))
    many = [name for name in names if not columns[name].count(block[name], found.get(name))]
    if not many:
        return
    known = known_of(block, many)
    for name in many:
        columns[name].add(block[name], known[name])


def _few(block: pl.DataFrame, names: Sequence[str], columns: Mapping[str, Column]) -> Sequence[str]:
    """Those columns of which the beginning of the block does not hold too many distinct values."""
    if not names:
        return names
    kept = columns[names[0]].kept
    if block.height <= 2 * kept:
        return names
    beginning = block.head(2 * kept).select(
        exactly(name).n_unique().alias(str(place)) for place, name in enumerate(names)
    )
    return [name for name, many in zip(names, beginning.row(0), strict=True) if many <= kept + 1]
