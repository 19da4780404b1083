"""Blocks of rows in the types of a table, and the rows that do not fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .conform import Fit
from .odd_times import python_rows
from .quarantine import Unfit

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Failed:
    """A row that fails a rule which sets rows aside. place: in its block."""

    place: int
    reason: str
    column: str


_BAD, _PLACE = "\0bad", "\0place"  # no column can have these names


def typed(frame: pl.DataFrame, fits: Sequence[Fit]) -> tuple[pl.DataFrame, Sequence[int]]:
    """The rows that fit, in their types, and the numbers of the others. Only the columns and rows
    in doubt take the slow way.
    """
    import polars as pl

    quick = frame.lazy().select([item.quick for item in fits]).collect()
    suspects = [
        item
        for item in fits
        if not item.nulls_tell or quick[item.name].null_count() != frame[item.name].null_count()
    ]
    if not suspects:
        return quick, ()
    doubt = pl.any_horizontal([item.doubt for item in suspects])
    doubtful = frame.lazy().select(doubt.alias(_BAD)).collect()[_BAD].arg_true()
    if not len(doubtful):
        return quick, ()
    exact = (
        frame[doubtful]
        .lazy()
        .select(
            *(item.typed for item in suspects),
            pl.any_horizontal([item.bad for item in suspects]).alias(_BAD),
        )
        .collect()
    )
    bad = doubtful.filter(exact[_BAD])
    result = quick.with_columns(_mended(quick, exact.drop(_BAD), doubtful).get_columns())
    return (result.filter(but(bad, frame.height)) if len(bad) else result), bad.to_list()


def _mended(quick: pl.DataFrame, exact: pl.DataFrame, places: pl.Series) -> pl.DataFrame:
    """The columns of `exact`, with the values of `quick` in all other places."""
    import polars as pl

    others = quick.select(exact.columns).with_row_index(_PLACE).filter(but(places, quick.height))
    placed = exact.select(places.cast(pl.UInt32).alias(_PLACE), *exact.columns)
    return pl.concat([others, placed]).sort(_PLACE).drop(_PLACE)


def but(places: pl.Series | Sequence[int], height: int) -> pl.Series:
    """A mask of all rows but those at these places."""
    import polars as pl

    return ~pl.int_range(height, dtype=pl.UInt32, eager=True).is_in(
        pl.Series(places).cast(pl.UInt32).implode()
    )


def failed_rows(
    rows: pl.DataFrame, numbers: Sequence[int] | pl.Series, failed: Sequence[Failed]
) -> list[Unfit]:
    """Number, reason and values of rows that fail a rule, as they are in `rows`."""
    values = python_rows(rows)
    return [
        Unfit(number, item.reason, row, item.column)
        for number, item, row in zip(numbers, failed, values, strict=True)
    ]


def unfit_rows(rows: pl.DataFrame, numbers: Sequence[int], fits: Sequence[Fit]) -> list[Unfit]:
    """Number, reason and values of rows with at least one bad value each; the reason names the
    first one.
    """
    flags = rows.select([item.bad.alias(str(index)) for index, item in enumerate(fits)]).rows()
    unfit: list[Unfit] = []
    for number, is_unfit, values in zip(numbers, flags, python_rows(rows), strict=True):
        column = fits[is_unfit.index(True)]
        value = values[column.name]
        reason = f"{value!r:.100} in column {column.name!r}, which is {column.target.word}"
        if isinstance(value, str) and rows.schema[column.name].is_temporal():
            reason += " of the years 1 to 9999"
        unfit.append(
            Unfit(
                number,
                (
                    reason
                    if value is not None
                    else f"no value in column {column.name!r}, which needs one"
                ),
                values,
                column.name,
            )
        )
    return unfit


def cut(frame: pl.DataFrame, fits: Sequence[Fit]) -> dict[str, int]:
    """In how many rows a time has parts of a microsecond, which no table keeps; by column."""
    cuts = [item.cut.sum().alias(item.name) for item in fits if item.cut is not None]
    counts = frame.lazy().select(cuts).collect().row(0) if cuts else ()
    names = [item.name for item in fits if item.cut is not None]
    return {name: count for name, count in zip(names, counts, strict=True) if count}
