"""CSV as blocks of text columns, with the records that have the wrong number of fields set aside.

Arrow reads (in one thread, so that it can number the records); Python's csv module, slower, finds lines when blank lines or line breaks
inside of fields make a record's number differ from its line.
"""

from __future__ import annotations

import csv
import io
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

from ..core.errors import Unprocessable
from .names import column_names
from .quarantine import MOST, too_many
from .text import Text

if TYPE_CHECKING:
    import polars as pl

_BLOCK = 8 << 20
_SEPARATORS = ",;\t|"
_LONGEST_HEADER = 1 << 20  # signs


class CsvFile:
    """One CSV file whose bytes are known to be UTF-8. After `frames()` ended, `torn` holds (record, reason, text) of the records set aside."""

    def __init__(self, text: Text, null_values: Sequence[str] = ()) -> None:
        self._text = text
        self._null_values = ["", *null_values]
        self.separator, self._header = _head(text)
        self.columns = column_names(self._header, text.path.name)
        self.torn: list[tuple[int, str, str]] = []
        if text.quotes % 2:
            self._refuse_open_quote()

    def frames(self) -> Iterator[pl.DataFrame]:
        """Blocks of rows in the order of the file; all columns are text. Raises Unprocessable when Arrow cannot go on."""
        import polars as pl
        import pyarrow as pa
        from pyarrow import csv as arrow

        self.torn.clear()
        parse = arrow.ParseOptions(delimiter=self.separator, newlines_in_values=bool(self._text.quotes), invalid_row_handler=self._set_aside)
        names = [f"f{place}" for place in range(len(self.columns))]
        convert = arrow.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), null_values=self._null_values, strings_can_be_null=True, check_utf8=False
        )
        read = arrow.ReadOptions(block_size=_BLOCK, use_threads=False, column_names=names)
        try:
            with arrow.open_csv(pa.PythonFile(_bytes(self._text), "r"), read_options=read, parse_options=parse, convert_options=convert) as reader:
                head = True
                for batch in reader:
                    frame = pl.DataFrame(pl.from_arrow(batch)).rename(dict(zip(names, self.columns, strict=True)))
                    yield frame.slice(1) if head else frame
                    head = head and not frame.height
                    if len(self.torn) > MOST:
                        raise too_many(self._text.path.name, f"record {self.torn[0][0]}", self.torn[0][1])
        except pa.ArrowInvalid as error:
            fix = "A record may be longer than 8 MB because a quote is not closed; nothing was committed."
            raise Unprocessable(f"{self._text.path.name} cannot be read as CSV.", f"{error}.", fix) from error

    def record(self, row: int) -> int:
        """Number of the record (the header is 1) that gave row `row` of the frames, counted from 0."""
        ahead = [number - place for place, (number, _, _) in enumerate(sorted(self.torn))]
        return row + 2 + bisect_right(ahead, row + 2)

    def lines(self, records: Sequence[int], *, total: int) -> Mapping[int, int]:
        """The line on which each of these records begins. total: records of the file, the header included."""
        if not records or self._text.newlines == total - (not self._text.ended):  # no blank lines, no line breaks inside of fields
            return dict(zip(records, records, strict=True))
        wanted, last = set(records), max(records)
        found: dict[int, int] = {}
        reader, number, begin = csv.reader(_lines(self._text), delimiter=self.separator), 0, 1
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
        self.torn.append((row.number, f"{row.actual_columns} fields instead of {row.expected_columns}", row.text))
        return "skip"

    def _refuse_open_quote(self) -> None:
        """A quote that is never closed swallows the rest of the file: find the record that has it."""
        lines: list[str] = []

        def noted() -> Iterator[str]:
            for line in _lines(self._text):
                lines.append(line)
                yield line

        last: list[str] = []
        begin, reader = 1, csv.reader(noted(), delimiter=self.separator)
        for _ in reader:
            last, begin = list(lines), reader.line_num - len(lines) + 1
            lines.clear()
        try:
            list(csv.reader(last, delimiter=self.separator, strict=True))
        except csv.Error as error:
            if "unexpected end of data" in str(error):
                what = f"{self._text.path.name} has a quote that is never closed."
                raise Unprocessable(what, f"It is in the record that begins on line {begin}.", "Close it, or write it twice; nothing was committed.") from error


class _Shared(io.RawIOBase):
    """A handle that outlives its reader: closing this leaves the handle open."""

    def __init__(self, handle: IO[bytes]) -> None:
        self._handle = handle

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        data = self._handle.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _bytes(text: Text) -> io.BufferedReader:
    return io.BufferedReader(_Shared(text.rewound()), 1 << 20)


def _lines(text: Text) -> Iterator[str]:
    csv.field_size_limit(1 << 30)
    return io.TextIOWrapper(_bytes(text), encoding="utf-8-sig", newline="")


def _head(text: Text) -> tuple[str, list[str]]:
    """The separator (the one that the header has most of, outside of quotes) and the fields of the header."""
    lines: list[str] = []
    there, quotes, size = False, 0, 0
    for line in _lines(text):
        lines.append(line)
        there, quotes, size = there or bool(line.strip()), quotes + line.count('"'), size + len(line)
        if there and (quotes % 2 == 0 or size > _LONGEST_HEADER):
            break
    begin = "".join(lines).strip("\r\n")
    if not begin.strip():
        raise Unprocessable(f"{text.path.name} is empty.", "It has no header and no rows.", "Fetch the file again; nothing was committed.")
    bare = "".join(begin.split('"')[::2])
    separator = max(_SEPARATORS, key=bare.count) if any(sign in bare for sign in _SEPARATORS) else ","
    reader = csv.reader(io.StringIO(begin), delimiter=separator)
    header = next(reader)  # a quote inside of a word opens nothing: then it is one line of what was looked through
    if size > _LONGEST_HEADER and quotes % 2 and reader.line_num == begin.count("\n") + 1:
        why = "No header is longer than 1 MB."
        raise Unprocessable(f"{text.path.name} has a quote in its header that is never closed.", why, "Close it, or write it twice; nothing was committed.")
    return separator, header
