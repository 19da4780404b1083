"""CSV as blocks of text columns; records with the wrong number of fields are set aside.

Arrow reads (in one thread, so that it can number the records); Python's csv module, slower, finds
lines when blank lines or line breaks inside of fields make a record's number differ from its line.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

from ..core.errors import Unprocessable
from .dialect import aligned, reader_of
from .names import column_names
from .quarantine import MOST, too_many
from .reading import BLANKS, Dialect
from .text import Text

if TYPE_CHECKING:
    import polars as pl

_BLOCK = 8 << 20
ROW_NAMES = "row_names"
"""The column of R's names of rows, which have no name in the header."""

_MAX_HEADER_LENGTH = 1 << 20  # signs
_LINE = re.compile(rb"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
_OPEN_QUOTE_FIX = (
    "Close it, or write it twice; where quotes are signs like any other, say --quote none (in"
    " Python quote=''). Nothing was committed."
)


class CsvFile:
    """One CSV file in UTF-8. After `frames()`, `torn` holds (record,
    reason, text) of the records that were set aside.
    """

    def __init__(
        self, text: Text, null_values: Sequence[str] = (), dialect: Dialect | None = None
    ) -> None:
        self._text = text
        self._null_values = ["", *null_values]
        self.dialect = dialect or Dialect()
        first = _first_record(text, self.dialect)
        self._header_records = int(self.dialect.header)  # records that are not rows
        self.header = first if self.dialect.header else [""] * len(first)
        if self.dialect.row_names:
            self.header = [ROW_NAMES, *self.header]
        self.columns = column_names(self.header, text.path.name)
        self.torn: list[tuple[int, str, str]] = []
        self._quotes = text.count(self.dialect.quote)
        if self._quotes % 2:
            self._refuse_open_quote()

    def frames(self) -> Iterator[pl.DataFrame]:
        """Blocks of rows in the order of the file; all columns are text. Raises Unprocessable if
        Arrow cannot continue.
        """
        import polars as pl
        import pyarrow as pa
        from pyarrow import csv as arrow

        self.torn.clear()
        parse = arrow.ParseOptions(
            delimiter=self.dialect.sign,
            quote_char=self.dialect.quote or False,
            newlines_in_values=bool(self._quotes),
            invalid_row_handler=self._set_aside,
        )
        names = [f"f{number}" for number in range(len(self.columns))]
        convert = arrow.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=self._null_values,
            strings_can_be_null=True,
            check_utf8=False,
        )
        read = arrow.ReadOptions(block_size=_BLOCK, use_threads=False, column_names=names)
        try:
            with arrow.open_csv(
                pa.PythonFile(_bytes(self._text, self.dialect), "r"),
                read_options=read,
                parse_options=parse,
                convert_options=convert,
            ) as reader:
                # A header with a field less is not among the frames: `_set_aside` leaves it out.
                head = self.dialect.header and not self.dialect.row_names
                for batch in reader:
                    frame = pl.DataFrame(pl.from_arrow(batch)).rename(
                        dict(zip(names, self.columns, strict=True))
                    )
                    yield frame.slice(1) if head else frame
                    head = head and not frame.height
                    if len(self.torn) > MOST:
                        raise too_many(
                            self._text.path.name, f"record {self.torn[0][0]}", self.torn[0][1]
                        )
        except pa.ArrowInvalid as error:
            fix = (
                "A record may be longer than 8 MB because a quote is not closed; nothing was"
                " committed."
            )
            raise Unprocessable(
                f"{self._text.path.name} cannot be read as CSV.", f"{error}.", fix
            ) from error

    def record(self, row: int) -> int:
        """Number of the record (the first is 1) that gave row `row` of the frames, counted from
        0.
        """
        rows_before = [number - index for index, (number, _, _) in enumerate(sorted(self.torn))]
        number = row + 1 + self._header_records
        return number + bisect_right(rows_before, number)

    def lines(self, records: Sequence[int], *, rows: int) -> Mapping[int, int]:
        """The line on which each of these records begins. rows: how many the file has, without
        those set aside.
        """
        total = rows + len(self.torn) + self._header_records
        # No blank lines and no line breaks inside fields.
        if not records or self._text.newlines == total - (not self._text.ended):
            return dict(zip(records, records, strict=True))
        requested, last = set(records), max(records)
        lines: dict[int, int] = {}
        reader, number, line = reader_of(_lines(self._text, self.dialect), self.dialect), 0, 1
        for fields in reader:
            if fields:
                number += 1
                if number in requested:
                    lines[number] = line
            line = reader.line_num + 1
            if number >= last:
                break
        return lines

    def _set_aside(self, row: Any) -> str:
        if self.dialect.row_names and row.number == 1:
            return "skip"
        fields = "1 field" if row.actual_columns == 1 else f"{row.actual_columns} fields"
        self.torn.append((row.number, f"{fields} instead of {row.expected_columns}", row.text))
        return "skip"

    def _refuse_open_quote(self) -> None:
        """A quote that is never closed swallows the rest of the file: find its record."""
        lines: list[str] = []

        def recorded() -> Iterator[str]:
            for line in _lines(self._text, self.dialect):
                lines.append(line)
                yield line

        record: list[str] = []
        line_number, reader = 1, reader_of(recorded(), self.dialect)
        for _ in reader:
            record, line_number = list(lines), reader.line_num - len(lines) + 1
            lines.clear()
        try:
            list(reader_of(record, self.dialect, strict=True))
        except csv.Error as error:
            if "unexpected end of data" in str(error):
                what = f"{self._text.path.name} has a quote that is never closed."
                raise Unprocessable(
                    what, f"It is in the record that begins on line {line_number}.", _OPEN_QUOTE_FIX
                ) from error


class _KeptOpen(io.RawIOBase):
    """A handle that outlives its reader: closing this object leaves the handle open."""

    def __init__(self, handle: IO[bytes]) -> None:
        self._handle = handle

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        data = self._handle.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _bytes(text: Text, dialect: Dialect) -> io.BufferedReader:
    """The bytes, with comments and the lines above the header made blank, so that every line keeps
    its number.
    """
    handle: io.RawIOBase = _KeptOpen(text.rewound())
    if dialect.skip or dialect.comment:
        handle = _JoinedBytes(_with_blank_lines(io.BufferedReader(handle, 1 << 20), dialect))
    if dialect.separator == BLANKS:
        lines = io.BufferedReader(handle, 1 << 20)
        handle = _JoinedBytes(aligned(line, dialect.quote) for line in lines)
    return io.BufferedReader(handle, 1 << 20)


def _with_blank_lines(handle: io.BufferedReader, dialect: Dialect) -> Iterator[bytes]:
    comment, quote = dialect.comment.encode(), dialect.quote.encode()
    in_quotes = False  # of a quoted field that spans several lines
    number = 0
    for block in handle:
        lines = _split_at_returns(block)
        for index, line in enumerate(lines):
            text = line.removeprefix(codecs.BOM_UTF8) if not number else line
            is_skipped, number = number < dialect.skip, number + 1
            if is_skipped or (comment and not in_quotes and text.startswith(comment)):
                yield line[len(line.rstrip(b"\r\n")) :]
                continue
            if not comment:
                yield from lines[index:]
                yield from iter(lambda: handle.read(1 << 20), b"")
                return
            in_quotes ^= bool(quote) and line.count(quote) % 2 == 1
            yield line


def _split_at_returns(line: bytes) -> Sequence[bytes]:
    """A line, split also at single carriage returns: they end a line for every CSV reader."""
    return _LINE.findall(line) if b"\r" in line[:-2] else [line]


class _JoinedBytes(io.RawIOBase):
    """Pieces of bytes as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._remaining = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        while not self._remaining:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._remaining = piece
        size = min(len(buffer), len(self._remaining))
        buffer[:size], self._remaining = self._remaining[:size], self._remaining[size:]
        return size


def _lines(text: Text, dialect: Dialect) -> Iterator[str]:
    csv.field_size_limit(1 << 30)
    return io.TextIOWrapper(_bytes(text, dialect), encoding="utf-8-sig", newline="")


def _first_record(text: Text, dialect: Dialect) -> list[str]:
    """The fields of the first record: the header, if there is one."""
    lines: list[str] = []
    has_text, quotes, size = False, 0, 0
    for line in _lines(text, dialect):
        lines.append(line)
        has_text, size = has_text or bool(line.strip()), size + len(line)
        quotes += line.count(dialect.quote) if dialect.quote else 0
        if has_text and (quotes % 2 == 0 or size > _MAX_HEADER_LENGTH):
            break
    record = "".join(lines).strip("\r\n")
    if not record.strip():
        raise Unprocessable(
            f"{text.path.name} is empty.",
            "It has no header and no rows.",
            "Fetch the file again; nothing was committed.",
        )
    reader = reader_of(io.StringIO(record, newline=""), dialect)
    # A quote inside a word opens nothing: then it is one line of the part that was read.
    header: list[str] = next(reader)
    if size > _MAX_HEADER_LENGTH and quotes % 2 and reader.line_num == record.count("\n") + 1:
        raise Unprocessable(
            f"{text.path.name} has a quote in its header that is never closed.",
            "No header is longer than 1 MB.",
            _OPEN_QUOTE_FIX,
        )
    return header
