"""Sheets of workbooks (Excel, OpenDocument) as blocks of rows, read by fastexcel."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import date, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import BadRequest, Unavailable, Unprocessable
from ...core.imports import fix_of_missing
from ..dialect import HeadRows, layout_of
from ..misnamed import check_workbook
from ..names import column_names
from ..reading import Doubt, Reading, say
from .cells import load
from .columns import ROWS, first_line
from .formulas import formulas_without_value, merged_rows
from .opendocument import empty_cells

if TYPE_CHECKING:
    import polars as pl

_HEAD = 100
"""Rows by which the place of the header is judged."""

_NO_DAY = [date(1899, 12, 30), date(1899, 12, 31), date(1904, 1, 1)]
"""The days of a time of day without one."""

_WHOLE = 2**53  # up to here a cell, which is a float, tells whole numbers apart


class ExcelFile:
    """One sheet of a workbook, or its first `limit` rows; `complete` says whether those are all. A
    workbook is read into memory.

    header: the names as they are in the sheet. doubts: about the place of the header and what is
    left out. Raises BadRequest for a sheet that is not there, Unprocessable for a file that is no
    workbook.
    """

    def __init__(self, path: Path, reading: Reading, *, limit: int | None = None) -> None:
        self._path = path
        self.share = 0.0  # of the sheet that `frames` has given
        book = _open(path)
        self.sheets: list[str] = book.sheet_names
        self.sheet, head = _beginning(book, reading.sheet, path.name)
        cells = [[cell or "" for cell in row] for row in head.rows()]
        filled = [(number, row) for number, row in enumerate(cells) if any(row)]
        if not filled:
            raise Unprocessable(
                f"{path.name} is empty.",
                f"Its sheet {self.sheet!r} has no cells.",
                f"Sheets: {', '.join(self.sheets[:12])}.",
            )
        start = reading.skip or 0
        below = [(_trimmed(row), number) for number, row in filled if number >= start]
        rows = HeadRows(*zip(*below, strict=True))
        layout = layout_of(rows, reading, path.name)
        first = rows.lines[0] if layout.skip is None else layout.skip
        self._above = first + layout.header
        self.header = cells[first] if layout.header else [""] * head.width
        names = column_names(self.header, path.name)
        cells_below, errors = load(
            book,
            self.sheet,
            [str(number) for number in range(head.width)],
            skip_rows=self._above,
            n_rows=None if limit is None else limit + 1,
        )
        self.complete = limit is None or cells_below.height <= limit
        cells_below = cells_below if limit is None else cells_below.head(limit)
        self._frame, self._places = _typed(cells_below, names)
        self.columns: dict[str, pl.DataType] = dict(self._frame.schema)
        self.doubts = [
            *layout.doubts,
            *_others(self.sheets, self.sheet, reading, path.name),
            *_errors(errors, path.name),
            *_empty(path, self.sheet, self._above, limit),
        ]

    def frames(self) -> Iterator[pl.DataFrame]:
        """Blocks of rows in the order of the sheet."""
        for number, frame in enumerate(self._frame.iter_slices(ROWS), 1):
            self.share = min(1.0, number * ROWS / self._frame.height)
            yield frame

    def line(self, row: int) -> int:
        """The row of the sheet, from 1, of row `row` of the frames, counted from 0."""
        return self._above + int(self._places[row]) + 1


def sheet_of(path: Path, sheet: str | None) -> str:
    """The name of the sheet that is meant, if it is not the one that is read without a name: two
    sheets of one file are not the same rows.
    """
    if sheet is None:
        return ""
    book = _open(path)
    found = _sheet(book.sheet_names, sheet, path.name)
    return "" if found == _beginning(book, None, path.name)[0] else found


def _trimmed(row: Sequence[str]) -> Sequence[str]:
    """A row of one cell is a title, or the like, and no row of blanks."""
    return row if any(row[1:]) else row[:1]


def _open(path: Path) -> Any:
    try:
        import fastexcel
    except ModuleNotFoundError as error:
        raise Unavailable(
            f"{path.name} cannot be read.",
            "Workbooks need fastexcel, which is not installed.",
            fix_of_missing("fastexcel"),
        ) from error
    # It warns of each column without values, which is told with the columns anyway.
    logging.getLogger("fastexcel").setLevel(logging.ERROR)
    try:
        return fastexcel.read_excel(path.absolute())
    except fastexcel.FastExcelError as error:
        check_workbook(path)
        raise Unprocessable(
            f"{path.name} is not a whole workbook.",
            f"{first_line(error)}.",
            "Fetch the file again, or save it without a password; nothing was committed.",
        ) from error


def _beginning(book: Any, requested: str | None, file: str) -> tuple[str, pl.DataFrame]:
    """The sheet that is meant, with its first rows as text; without a name the first that people
    see and that has cells.
    """
    import polars as pl

    names = book.sheet_names
    found = []
    for name in names if requested is None else [_sheet(names, requested, file)]:
        loaded = book.load_sheet(name, header_row=None, skip_rows=0, n_rows=_HEAD, dtypes="string")
        found.append((name, pl.DataFrame(pl.from_arrow(loaded.to_arrow_with_errors()[0]))))
        if loaded.visible == "visible" and loaded.height:
            return found[-1]
    if not found:
        raise _no_sheet(requested, names, file)
    return found[0]


def _sheet(names: Sequence[str], requested: str, file: str) -> str:
    """The sheet that is meant: a name, or a number from 1."""
    if requested in names:
        return requested
    if requested.isdecimal() and 1 <= int(requested) <= len(names):
        return names[int(requested) - 1]
    raise _no_sheet(requested, names, file)


def _no_sheet(requested: str | None, names: Sequence[str], file: str) -> BadRequest:
    return BadRequest(
        f"{file} has no sheet {requested!r}.", fix=f"Sheets: {', '.join(names[:12]) or 'none'}."
    )


def _others(names: Sequence[str], sheet: str, reading: Reading, file: str) -> list[Doubt]:
    """A note on the sheets that are not read, if none was asked for."""
    others = [name for name in names if name != sheet]
    if not others or reading.sheet is not None:
        return []
    return [
        Doubt(
            "sheet",
            f"{file} has {len(names)} sheets; {sheet!r} is read.",
            f"For another one say {say('sheet', others[0])}.",
        )
    ]


def _empty(path: Path, sheet: str, above: int, limit: int | None) -> list[Doubt]:
    """What is said of cells that have a value on a screen and none here."""
    rows = None if limit is None else above + limit
    formulas, merged = empty_cells(path, sheet, above, rows)
    formulas += formulas_without_value(path, sheet, rows)
    merged += merged_rows(path, sheet, above)
    return [*_merged(merged, path.name), *_formulas(formulas, path.name)]


def _merged(count: int, file: str) -> list[Doubt]:
    if not count:
        return []
    cells = "1 cell" if count == 1 else f"{count:,} cells"
    what = f"{file} has {cells} merged over several rows."
    return [Doubt("types", what, "Only the first of these rows has the value; unmerge them.")]


def _errors(count: int, file: str) -> list[Doubt]:
    if not count:
        return []
    cells = "1 cell of" if count == 1 else f"{count:,} cells of"
    what = f"{cells} {file} hold{'s' if count == 1 else ''} an error, such as #N/A."
    return [Doubt("types", what, "They are empty here; mend the formulas to have values.")]


def _formulas(count: int, file: str) -> list[Doubt]:
    if not count:
        return []
    cells = "1 cell" if count == 1 else f"{count:,} cells"
    what = f"{cells} of {file} hold a formula whose value was never computed."
    fix = "They are empty here; open the workbook in Excel or LibreOffice and save it again."
    return [Doubt("types", what, fix)]


def _typed(frame: pl.DataFrame, names: Sequence[str]) -> tuple[pl.DataFrame, pl.Series]:
    """The rows that are not blank, and the place of each. Cells know floats and moments only: whole
    numbers, days and times of day are made of them, where all values of a column are such.
    """
    import polars as pl

    filled = pl.any_horizontal(pl.all().is_not_null())
    rows = frame.rename(dict(zip(frame.columns, names, strict=True)))
    places = rows.select(filled.alias("\0filled"))["\0filled"].arg_true()
    return rows[places].select(map(_narrowed, rows[places].iter_columns())), places


def _narrowed(column: pl.Series) -> pl.Series:
    import polars as pl

    values = column.drop_nulls()
    if not len(values):
        return column
    if column.dtype.is_float():
        whole = values.is_finite().all() and (values == values.round()).all()
        return column.cast(pl.Int64) if whole and (values.abs() <= _WHOLE).all() else column
    if column.dtype == pl.Duration:
        micros = column.dt.total_microseconds()
        is_clock = micros.drop_nulls().is_between(0, 86_399_999_999).all()
        return (micros * 1000).cast(pl.Time) if is_clock else column
    if isinstance(column.dtype, pl.Datetime):
        if values.dt.date().is_in(_NO_DAY).all():
            return column.dt.time()
        return column.dt.date() if (values.dt.time() == time(0)).all() else column
    return column
