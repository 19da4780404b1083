"""The cells of a sheet as columns of one type each, whatever kinds of values stand in them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

_UNTYPED = re.compile(r"could not determine dtype for column (\d+)")
_UNREAD = re.compile(r"got '(?:DurationIso|DateTimeIso)\(\"(.*)\"\)'$")
_SPAN = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_CLOCK = re.compile(r"(?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d(?:\.\d+)?)")
_NO_DAY = r"^(?:1899-12-3[01]|1904-01-01) "
"""How a time of day without a day begins where a column is text."""

_LONGEST = timedelta(days=3650)
"""Of spans of time: a longer one is a date, whose number counts the days since 1900."""

_Unread = Mapping[int, Mapping[int, str]]
"""By column and row: what stands in cells that do not fit the type of the others."""


def load(book: Any, sheet: str, names: Sequence[str], **options: Any) -> tuple[pl.DataFrame, int]:
    """Rows of a sheet, and how many cells of them hold an error, such as #N/A.

    Times of day and longer spans are a column of spans together; kinds that have no type in common
    are text, with spans as people see them (`27:30:00`). names: of the columns. options: of
    fastexcel's `load_sheet`.
    """

    def loaded(types: Mapping[int, str]) -> tuple[pl.DataFrame, int, _Unread]:
        found = book.load_sheet(
            sheet,
            header_row=None,
            column_names=list(names),
            schema_sample_rows=None,
            dtypes=dict(types) or None,
            **options,
        )
        return _read(found)

    import fastexcel

    mixed: dict[int, str] = {}
    while True:
        try:
            frame, errors, unread = loaded(mixed)
            break
        except fastexcel.UnsupportedColumnTypeCombinationError as error:
            column = _UNTYPED.search(str(error))
            if column is None or int(column[1]) in mixed:
                raise
            mixed[int(column[1])] = "string"
    odd = {*mixed, *unread, *_with_clocks(frame)}
    if not odd:
        return frame, errors
    as_spans, as_text = loaded(dict.fromkeys(odd, "duration")), loaded(dict.fromkeys(odd, "string"))
    return frame.with_columns(
        _column(
            as_text[0].to_series(place),
            as_text[2].get(place, {}),
            as_spans[0].to_series(place),
            as_spans[2].get(place, {}),
        )
        for place in sorted(odd)
    ), errors


def _read(sheet: Any) -> tuple[pl.DataFrame, int, _Unread]:
    """Rows, how many cells of them hold an error, and values that were left out."""
    import polars as pl

    batch, found = sheet.to_arrow_with_errors()
    unread: dict[int, dict[int, str]] = {}
    errors = 0
    for error in found.errors if found else ():
        row, column = error.offset_position
        if value := _UNREAD.search(error.detail):
            unread.setdefault(column, {})[row] = value[1]
        else:
            errors += 1
    return pl.DataFrame(pl.from_arrow(batch)), errors, unread


def _with_clocks(frame: pl.DataFrame) -> Collection[int]:
    """Columns of text in which times of day look like moments of 1899."""
    import polars as pl

    return [
        place
        for place, column in enumerate(frame.iter_columns())
        if column.dtype == pl.String and column.str.contains(_NO_DAY).any()
    ]


def _column(
    texts: pl.Series, more_texts: Mapping[int, str], spans: pl.Series, more_spans: Mapping[int, str]
) -> pl.Series:
    """The column of these cells: spans if all of them are such, else text."""
    import polars as pl

    found = spans.to_list()
    for row, text in more_spans.items():
        found[row] = _span(text)
    written = texts.to_list()
    for row, text in more_texts.items():
        written[row] = text
    whole = [span if span is not None and span < _LONGEST else None for span in found]
    if all(text is None or span is not None for text, span in zip(written, whole, strict=True)):
        return pl.Series(texts.name, whole, pl.Duration("us"))
    values = [
        text if span is None else _as_seen(span) for text, span in zip(written, whole, strict=True)
    ]
    return pl.Series(texts.name, values, pl.String)


def _span(text: str) -> timedelta | None:
    """`PT27H30M` and `03:02:01` as a span; None for a date."""
    if clock := _CLOCK.fullmatch(text):
        return timedelta(hours=int(clock["h"]), minutes=int(clock["m"]), seconds=float(clock["s"]))
    if not (found := _SPAN.fullmatch(text)):
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _as_seen(span: timedelta) -> str:
    seconds, micros = divmod(span // timedelta(microseconds=1), 1_000_000)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{text}.{micros:06}".rstrip("0") if micros else text
