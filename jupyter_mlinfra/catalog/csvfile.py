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
from .dialect import reader_of
from .names import column_names
from .quarantine import MOST, too_many
from .reading import Dialect
from .text import Text

if TYPE_CHECKING:
    import polars as pl

_BLOCK = 8 << 20
_LONGEST_HEADER = 1 << 20  # signs
_LINE = re.compile(rb"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
_TWICE = "Rename one of them, or, if that line is a row, say --no-header (in Python header=False)."
_OPEN = (
    "Close it, or write it twice; where quotes are signs like any other, say --quote none (in"
    " Python quote=''). Nothing was committed."
)


class CsvFile:
    """One CSV file whose bytes are known to be UTF-8. After `frames()`, `torn` holds (record,
    reason, text) of the records that were set aside.
    """

    def __init__(
        self, text: Text, null_values: Sequence[str] = (), dialect: Dialect | None = None
    ) -> None:
        self._text = text
        self._null_values = ["", *null_values]
        self.dialect = dialect or Dialect()
        first = _first_record(text, self.dialect)
        self._above = int(self.dialect.header)  # records that are not rows
        header = first if self.dialect.header else [""] * len(first)
        self.columns = column_names(header, text.path.name, fix=_TWICE)
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
            delimiter=self.dialect.separator,
            quote_char=self.dialect.quote or False,
            newlines_in_values=bool(self._quotes),
            invalid_row_handler=self._set_aside,
        )
        names = [f"f{place}" for place in range(len(self.columns))]
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
                head = self.dialect.header
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
        ahead = [number - place for place, (number, _, _) in enumerate(sorted(self.torn))]
        number = row + 1 + self._above
        return number + bisect_right(ahead, number)

    def lines(self, records: Sequence[int], *, rows: int) -> Mapping[int, int]:
        """The line on which each of these records begins. rows: how many the file has, without
        those set aside.
        """
        total = rows + len(self.torn) + self._above
        # No blank lines and no line breaks inside fields.
        if not records or self._text.newlines == total - (not self._text.ended):
            return dict(zip(records, records, strict=True))
        wanted, last = set(records), max(records)
        found: dict[int, int] = {}
        reader, number, begin = reader_of(_lines(self._text, self.dialect), self.dialect), 0, 1
        for fields in reader:
            if fields:
                number += 1
                if number in wanted:
                    found[number] = begin
            begin = reader.line_num + 1
            if number >= last:
                break
        return found

    def _set_aside(self, row: Any) -> str:
        fields = "1 field" if row.actual_columns == 1 else f"{row.actual_columns} fields"
        self.torn.append((row.number, f"{fields} instead of {row.expected_columns}", row.text))
        return "skip"

    def _refuse_open_quote(self) -> None:
        """A quote that is never closed swallows the rest of the file: find its record."""
        lines: list[str] = []

        def noted() -> Iterator[str]:
            for line in _lines(self._text, self.dialect):
                lines.append(line)
                yield line

        last: list[str] = []
        begin, reader = 1, reader_of(noted(), self.dialect)
        for _ in reader:
            last, begin = list(lines), reader.line_num - len(lines) + 1
            lines.clear()
        try:
            list(reader_of(last, self.dialect, strict=True))
        except csv.Error as error:
            if "unexpected end of data" in str(error):
                what = f"{self._text.path.name} has a quote that is never closed."
                raise Unprocessable(
                    what, f"It is in the record that begins on line {begin}.", _OPEN
                ) from error


class _Shared(io.RawIOBase):
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
    handle: io.RawIOBase = _Shared(text.rewound())
    if dialect.skip or dialect.comment:
        handle = _Joined(_blanked(io.BufferedReader(handle, 1 << 20), dialect))
    return io.BufferedReader(handle, 1 << 20)


def _blanked(handle: io.BufferedReader, dialect: Dialect) -> Iterator[bytes]:
    comment, quote = dialect.comment.encode(), dialect.quote.encode()
    inside = False  # of a quoted field that spans several lines
    number = 0
    for block in handle:
        lines = _cut(block)
        for place, line in enumerate(lines):
            begin = line.removeprefix(codecs.BOM_UTF8) if not number else line
            above, number = number < dialect.skip, number + 1
            if above or (comment and not inside and begin.startswith(comment)):
                yield line[len(line.rstrip(b"\r\n")) :]
                continue
            if not comment:
                yield from lines[place:]
                yield from iter(lambda: handle.read(1 << 20), b"")
                return
            inside ^= bool(quote) and line.count(quote) % 2 == 1
            yield line


def _cut(line: bytes) -> Sequence[bytes]:
    """A line, split also at single carriage returns: they end a line for every CSV reader."""
    return _LINE.findall(line) if b"\r" in line[:-2] else [line]


class _Joined(io.RawIOBase):
    """Pieces of bytes as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left = piece
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size


def _lines(text: Text, dialect: Dialect) -> Iterator[str]:
    csv.field_size_limit(1 << 30)
    return io.TextIOWrapper(_bytes(text, dialect), encoding="utf-8-sig", newline="")


def _first_record(text: Text, dialect: Dialect) -> list[str]:
    """The fields of the first record: the header, if there is one."""
    lines: list[str] = []
    there, quotes, size = False, 0, 0
    for line in _lines(text, dialect):
        lines.append(line)
        there, size = there or bool(line.strip()), size + len(line)
        quotes += line.count(dialect.quote) if dialect.quote else 0
        if there and (quotes % 2 == 0 or size > _LONGEST_HEADER):
            break
    begin = "".join(lines).strip("\r\n")
    if not begin.strip():
        raise Unprocessable(
            f"{text.path.name} is empty.",
            "It has no header and no rows.",
            "Fetch the file again; nothing was committed.",
        )
    reader = reader_of(io.StringIO(begin, newline=""), dialect)
    # A quote inside a word opens nothing: then it is one line of the part that was read.
    header: list[str] = next(reader)
    if size > _LONGEST_HEADER and quotes % 2 and reader.line_num == begin.count("\n") + 1:
        raise Unprocessable(
            f"{text.path.name} has a quote in its header that is never closed.",
            "No header is longer than 1 MB.",
            _OPEN,
        )
    return header
