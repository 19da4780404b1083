"""Why most rows of a file do not fit, and the option that would read them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..core.errors import Unprocessable
from .conform import from_text
from .dtypes import short_dtype
from .quarantine import Broken
from .reading import Reading, say
from .spelling import DATES, NUMBERS, PLAIN, SHORT_DATES, Spelling

if TYPE_CHECKING:
    import polars as pl

    from .sources import Source

_MIN_SHARE = 0.9
"""The share of words that another spelling must read before it is named as the cause."""


def refusal(
    source: Source,
    broken: Sequence[Broken],
    total: int,
    reading: Reading,
    types: Mapping[str, pl.DataType],
) -> Unprocessable:
    """The error for a file with too many rows that do not fit. total: its rows. types: of the
    table's columns.
    """
    first = broken[0]
    torn = [row for row in broken if not row.column]
    cause, fix = (
        _torn_cause(source)
        if 2 * len(torn) >= len(broken)
        else _values_cause(source, broken, reading, types)
    )
    what = (
        f"No row of {source.name} can be read."
        if len(broken) == total
        else f"{len(broken):,} of {total:,} rows of {source.name} do not fit."
    )
    why = f"Line {first.line}: {first.reason}.{f' {cause}' if cause else ''}"
    return Unprocessable(what, why, f"{fix} Nothing was committed.")


def _torn_cause(source: Source) -> tuple[str, str]:
    """Records with the wrong number of fields: the file is split wrongly, or its header is another
    line.
    """
    advice = source.advice()
    if source.dialect is None:
        fix = "Write one object per line, or one array of objects."
        return "", f"To keep all values as JSON text, say {advice}." if advice else fix
    if advice:
        return "The file looks different.", f"Say {advice}."
    return (
        "",
        (
            "Check --separator, --quote, --comment and --skip (in Python separator=, quote=,"
            " comment=, skip=)."
        ),
    )


def _values_cause(
    source: Source, broken: Sequence[Broken], reading: Reading, types: Mapping[str, pl.DataType]
) -> tuple[str, str]:
    """Values that are not of their column's type."""
    import polars as pl

    name, count = Counter(row.column for row in broken if row.column).most_common(1)[0]
    words = [str(row.value) for row in broken if row.column == name and row.value is not None]
    dtype = types[name]
    in_file = source.columns[name]
    if in_file.is_unsigned_integer() or in_file == pl.Int128():
        return (
            f"Whole numbers of column {name!r} are larger than {short_dtype(dtype)} keeps.",
            f"Say {say('schema', f'{name}=dec[20,0]')} or {say('schema', f'{name}=str')}, if the"
            " dataset does not have the column yet.",
        )
    is_text = in_file == pl.String()
    if is_text and (spelling := _other_spelling(words, dtype, reading)) is not None:
        return (
            f"{count:,} values of column {name!r} are written in another way.",
            f"Say {_options(spelling, dtype)}.",
        )
    word, times = Counter(words).most_common(1)[0] if words else ("", 0)
    if 2 * times > count and len(words) > 1:
        return (
            f"{times:,} of the values are {word[:40]!r}.",
            f"If that means no value, say {say('null', word[:40])}.",
        )
    if name in reading.types:
        return "", f"Give column {name!r} another type, such as {say('schema', f'{name}=str')}."
    return (
        "",
        (
            f"Column {name!r} of the dataset has another type: use another dataset, or --replace"
            " (in Python mode='replace')."
        ),
    )


def _other_spelling(words: Sequence[str], dtype: pl.DataType, reading: Reading) -> Spelling | None:
    """The spelling that reads nearly all of the words that could not be read; None if there is
    none, or the marks of numbers are given.
    """
    import polars as pl

    marks_given = reading.decimal is not None and reading.thousands is not None
    if not words or (marks_given and not dtype.is_temporal()):
        return None
    spellings = (
        [Spelling(date=form) for form in (*DATES, *SHORT_DATES)]
        if dtype.is_temporal()
        else [PLAIN, *(Spelling(*marks) for marks in NUMBERS)]
    )
    series = pl.DataFrame({"word": words})
    for spelling in spellings:
        value, present = from_text(pl.col("word"), dtype, reading.time_zone, spelling)
        read_count, present_count = series.select(
            value.is_not_null().sum().alias("read"), present.sum().alias("there")
        ).row(0)
        if present_count and read_count >= _MIN_SHARE * present_count:
            return spelling
    return None


def _options(spelling: Spelling, dtype: pl.DataType) -> str:
    if dtype.is_temporal():
        return say("date_format", spelling.date)
    marks = {"decimal": spelling.decimal, "thousands": spelling.thousands}
    return " ".join(say(name, mark) for name, mark in marks.items() if mark or name == "decimal")
