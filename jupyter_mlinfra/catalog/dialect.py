"""How a CSV file is split, guessed from its head: separator, quote, comments, lines above the
header, and whether there is one.

A guess that could produce wrong data is a doubt that stops the ingest: a first line of numbers, a
title above the header. What can only mean one thing (`sep=;`, lines of `#` at the top) is applied
and reported.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import TYPE_CHECKING, NamedTuple

from .reading import BLANKS, Dialect, Doubt, Reading, say

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

SEPARATORS = ",;\t|\x01"
_RECORDS = 200
_MAX_LINES_ABOVE = 30
"""The most lines of a title and the like above a header."""

_RUNS = re.compile(rb"[ \t]+")
_SPACED = re.compile(r"^[+-]?\d{1,3}(?: \d{3})+(?:[.,]\d+)?$")
_RARE = ("^", "~", ":")
"""Signs between fields that are pointed out, not guessed."""

_SEP = re.compile(r'^"?sep=(.)"?\s*$', re.IGNORECASE)
_NUMBER = re.compile(r"^[+-]?(?:\d[\d.,' \u00a0\u202f\u2019]*|[.,]\d+)(?:[eE][+-]?\d+)?\s?%?$")
_DATE = re.compile(
    r"^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T ]\d{1,2}:\d{2}.*)?$|^\d{1,2}[- ][A-Za-z]{3}[- ]\d{4}$"
)
_SINGLE = re.compile(r"(?:^|[,;\t|])'(?:[^'\n]|'')*'(?=[,;\t|\r\n]|$)", re.MULTILINE)


def guess_dialect(head: str, reading: Reading, name: str, *, encoding: str = "utf-8") -> Dialect:
    """The dialect: what `reading` says, and for the rest what the head of the file shows. name: of
    the file, for the text of a doubt.
    """
    lines = _lines(head)
    declared = _SEP.match(lines[0]) if lines and reading.skip is None else None
    skip = reading.skip or int(declared is not None)
    following = lines[skip:]
    quote = reading.quote if reading.quote is not None else "'" if _single_quoted(head) else '"'
    comment = reading.comment if reading.comment is not None else _comment(following)
    numbered = [
        (number, line)
        for number, line in enumerate(following, skip)
        if line.strip() and not (comment and line.startswith(comment))
    ]
    explicit = reading.separator or (declared[1] if declared else None)
    likely = _separator([line for _, line in numbered], quote)
    separator = explicit or likely
    table = HeadRows.read(numbered, separator, quote)
    layout = layout_of(table, reading, name, likely=likely if likely != separator else "")
    unsplit = (
        []
        if explicit or table.width() > 1
        else _unsplit([line for _, line in numbered[:_RECORDS]], quote, name)
    )
    escaped = [] if reading.quote is not None else _escaped(head, separator, quote, name)
    options = {
        "encoding": reading.encoding,
        "separator": reading.separator,
        "quote": reading.quote,
        "comment": reading.comment,
        "skip": reading.skip,
        "header": reading.header,
    }
    return Dialect(
        encoding=encoding,
        separator=separator,
        quote=quote,
        comment=comment,
        skip=skip if layout.skip is None else layout.skip,
        header=layout.header,
        row_names=layout.row_names,
        guessed=tuple(option for option, value in options.items() if value is None),
        doubts=(*escaped, *unsplit, *layout.doubts),
    )


def _escaped(head: str, separator: str, quote: str, name: str) -> list[Doubt]:
    """A doubt about quotes that are written as a backslash and a quote, as Spark and MySQL do."""
    sign = re.escape("\t" if separator == BLANKS else separator)
    within = rf"(?:^|(?<={sign})|(?<=\n)){quote}[^{quote}\r\n]*\\{quote}[^{quote}{sign}\r\n]+"
    found = re.search(within, head)
    if not found:
        return []
    what = f"{name} seems to write a quote within quotes with a backslash: {found[0][:40]!r}."
    fix = (
        "Write it again with such quotes doubled (Spark: option('escape', '\"'))."
        f" Where the backslashes belong to the values, say {say('quote', quote)}."
    )
    return [Doubt("quote", what, fix, stops=True)]


class Layout(NamedTuple):
    """Where the header of a table is. skip: lines above it, if they were found and not said.
    row_names: its first field has no name.
    """

    skip: int | None
    header: bool
    row_names: bool
    doubts: tuple[Doubt, ...]


def layout_of(table: HeadRows, reading: Reading, name: str, *, likely: str = "") -> Layout:
    """What `reading` says of the layout, and for the rest what the first records show. name: of the
    file. likely: the separator that it seems to have, if another one was given.
    """
    doubts: list[Doubt] = []
    skip = None
    if reading.skip is None and (above := table.above()):
        doubts.append(_above_doubt(name, table, above, likely))
        table, skip = table.below(above), table.lines[above]
    header, short = reading.header, table.has_short_header(expected=reading.row_names)
    if header is None:
        header, doubt = _header(table, name, short=short and not reading.row_names)
        doubts += [doubt] if doubt else []
    return Layout(skip, header, header and short and reading.row_names, tuple(doubts))


def _lines(head: str) -> list[str]:
    """Lines ending with `\n`, whatever the file has. Not str.splitlines, which accepts line ends
    that CSV does not have.
    """
    plain = head.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return [f"{line}\n" for line in plain.split("\n")]


def records(lines: Sequence[str], separator: str, quote: str) -> Sequence[Sequence[str]]:
    """The first records of these lines, split into fields, without blank ones."""
    csv.field_size_limit(1 << 30)
    return [
        fields
        for fields in islice(reader_of(lines, Dialect(separator=separator, quote=quote)), _RECORDS)
        if fields
    ]


def reader_of(lines: Iterable[str], dialect: Dialect, *, strict: bool = False) -> CsvReader:
    """Python's CSV reader for this dialect. strict: it raises csv.Error for a quote that is never
    closed.
    """
    if dialect.separator == BLANKS:
        lines = (aligned(line.encode(), dialect.quote).decode() for line in lines)
    if dialect.quote:
        return csv.reader(lines, delimiter=dialect.sign, quotechar=dialect.quote, strict=strict)
    return csv.reader(lines, delimiter=dialect.sign, quoting=csv.QUOTE_NONE, strict=strict)


def aligned(line: bytes, quote: str) -> bytes:
    """A line with one tab for each run of blanks outside of quotes, and none at its ends."""
    text = line.rstrip(b"\r\n")
    parts = text.split(quote.encode()) if quote else [text]
    parts[::2] = [_RUNS.sub(b"\t", part) for part in parts[::2]]
    return quote.encode().join(parts).strip(b"\t") + line[len(text) :]


def kind(cell: str) -> str:
    """What a field looks like: number, date, text, or nothing."""
    word = cell.strip()
    if not word:
        return ""
    return "date" if _DATE.match(word) else "number" if _NUMBER.match(word) else "text"


@dataclass(frozen=True, slots=True)
class HeadRows:
    """The first records of a table, and the line on which each begins, from 0."""

    rows: Sequence[Sequence[str]]
    lines: Sequence[int]

    @classmethod
    def read(cls, numbered: Sequence[tuple[int, str]], separator: str, quote: str) -> HeadRows:
        rows: list[Sequence[str]] = []
        starts: list[int] = []
        csv.field_size_limit(1 << 30)
        reader, index = (
            reader_of([line for _, line in numbered], Dialect(separator=separator, quote=quote)),
            0,
        )
        for fields in islice(reader, _RECORDS):
            rows.append(fields)
            starts.append(numbered[index][0])
            index = reader.line_num
        return cls(rows, starts)

    def below(self, count: int) -> HeadRows:
        return HeadRows(self.rows[count:], self.lines[count:])

    def has_short_header(self, *, expected: bool) -> bool:
        """Whether the first record has one field less than all others, as R writes row names; if
        that is expected, than most others.
        """
        head, body = self.rows[:1], self.rows[1:]
        if not body or (len(head[0]) < 2 and not expected):
            return False
        longer = sum(len(row) == len(head[0]) + 1 for row in body)
        return 2 * longer > len(body) if expected else longer == len(body)

    def width(self) -> int:
        """The most frequent number of fields."""
        counts = Counter(len(row) for row in self.rows)
        return max(counts, key=lambda size: (counts[size], size), default=0)

    def above(self) -> int:
        """Records of a title and the like above the header: they have fewer fields than nearly all
        that follow, or are mostly blank.
        """
        usual = self.width()
        first = next((number for number, row in enumerate(self.rows) if len(row) == usual), 0)
        while (
            first + 1 < len(self.rows)
            and first < _MAX_LINES_ABOVE
            and _mostly_blank(self.rows[first])
            and not _mostly_blank(self.rows[first + 1])
        ):
            first += 1
        following = self.rows[first:]
        usual_rows = sum(len(row) == usual for row in following)
        # R writes row names under one name less than there are fields: that line is a header,
        # although it is short.
        row_names = first == 1 and len(self.rows[0]) == usual - 1 and len(self.rows[0]) > 1
        if (
            not 0 < first <= _MAX_LINES_ABOVE
            or usual < 2
            or len(following) < 2
            or usual_rows < 0.8 * len(following)
            or row_names
        ):
            return 0
        return first


def _mostly_blank(row: Sequence[str]) -> bool:
    return len(row) > 1 and 2 * sum(not cell.strip() for cell in row) > len(row)


def _above_doubt(name: str, table: HeadRows, count: int, likely: str) -> Doubt:
    """likely: the separator that the file seems to have, if another one was given."""
    skipped = table.lines[count]
    what = (
        f"{name} does not begin with its header: line {skipped + 1} has {len(table.rows[count])}"
        " names."
    )
    first_line = table.lines[0]
    separator_hint = f"Perhaps {say('separator', likely)}. " if likely else ""
    fix = (
        f"{separator_hint}Say {say('skip', skipped)}, or {say('skip', first_line)} if line"
        f" {first_line + 1} is the header."
    )
    return Doubt("skip", what, fix, stops=True)


def _comment(lines: Sequence[str]) -> str:
    """`#` if the file begins with such lines and the last of them is not a header of what
    follows.
    """
    top = [line for line in lines if line.strip()]
    count = next((number for number, line in enumerate(top) if not line.startswith("#")), len(top))
    if not count or count == len(top):
        return ""
    last, following = top[count - 1], top[count]
    separator = _separator([last, following], '"')
    names, fields = records([last], separator, '"'), records([following], separator, '"')
    is_header = len(names[0]) == len(fields[0]) > 1 and any(
        kind(cell) in ("number", "date") for cell in fields[0]
    )
    is_header = is_header and not any(kind(cell) in ("number", "date") for cell in names[0])
    return "" if is_header and count == 1 else "##" if is_header else "#"


def _single_quoted(head: str) -> bool:
    return '"' not in head and len(_SINGLE.findall(head)) >= max(2, head.count("\n") // 2)


def _separator(lines: Sequence[str], quote: str) -> str:
    """The character that splits most records into the same number of fields that look like
    values.
    """
    return max(
        SEPARATORS,
        key=lambda sign: (
            _score(records(lines[: 2 * _RECORDS], sign, quote), sign),
            -SEPARATORS.index(sign),
        ),
    )


def _score(rows: Sequence[Sequence[str]], sign: str) -> tuple[float, int]:
    counts = Counter(len(row) for row in rows)
    usual = max(counts, key=lambda size: (counts[size], size), default=0)
    if usual < 2:
        return 0.0, 0
    others = set(SEPARATORS) - {sign}
    cells = [cell for row in rows for cell in row]
    clean = sum(not others & set(cell) or kind(cell) in ("number", "date") for cell in cells)
    return round(counts[usual] / len(rows) * (1 + clean / len(cells)), 3), usual


def _unsplit(lines: Sequence[str], quote: str, name: str) -> list[Doubt]:
    """A doubt about a file of one column, all lines of which another sign splits into as many
    fields. It stops the ingest if they stand above numbers or dates, as in a table.
    """
    for sign in (BLANKS, *_RARE):
        rows = records(lines, sign, quote)
        if len(rows) < 2 or not _are_fields(rows) or not _may_be(sign, lines, rows[0]):
            continue
        width = len(rows[1])
        is_table = any(
            {kind(row[column]) for row in rows[1:]} <= {"number", "date"} for column in range(width)
        )
        if sign == BLANKS and not is_table:
            continue  # sentences of as many words
        shown = "runs of blanks" if sign == BLANKS else repr(sign)
        what = f"{name} has one column, {lines[0].strip()[:40]!r}; {shown} would make {width}."
        fix = f"Say {say('separator', sign)}, or {say('separator', ',')} if it is one column."
        return [Doubt("separator", what, fix, stops=is_table)]
    return []


def _are_fields(rows: Sequence[Sequence[str]]) -> bool:
    """Whether all rows have as many fields, more than one; the first may lack that of R's names of
    rows.
    """
    width, head = len(rows[1]), len(rows[0])
    return width > 1 and head in (width, max(2, width - 1)) and {*map(len, rows[1:])} == {width}


def _may_be(sign: str, lines: Sequence[str], head: Sequence[str]) -> bool:
    """Whether fields may lie between such signs: not in moments, or in numbers such as 1 234."""
    if sign != BLANKS:
        return {kind(cell) for cell in head} == {"text"}
    words = [line.strip() for line in lines]
    return not all(kind(word) == "date" or _SPACED.match(word) for word in words)


def _header(table: HeadRows, name: str, *, short: bool) -> tuple[bool, Doubt | None]:
    """Whether the first record holds the names. A number or a date among them is a doubt, unless a
    name stands above numbers; so is one name too few.
    """
    if not table.rows:
        return True, None
    head, body = table.rows[0], table.rows[1:]
    if short:
        what = (
            f"The first line of {name} has {len(head)} names, the others have {len(body[0])}"
            " fields."
        )
        lines = table.lines[0] + 1
        return True, Doubt(
            "row_names",
            what,
            f"Say {say('row_names', value=True)} if the first field is a name of the row, as R"
            f" writes it, or {say('skip', lines)} {say('header', value=False)}.",
            stops=True,
        )
    kinds = [kind(cell) for cell in head]
    values = [
        cell for cell, cell_kind in zip(head, kinds, strict=True) if cell_kind in ("number", "date")
    ]
    if not values or _has_name_above_values(kinds, body) or _years(values):
        return True, None
    what = (
        f"The first line of {name} may be a row and not a header:"
        f" it holds {values[0].strip()[:40]!r}."
    )
    return False, Doubt(
        "header",
        what,
        f"Say {say('header', value=False)} if it is a row, or {say('header', value=True)}.",
        stops=True,
    )


def _has_name_above_values(kinds: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Whether a word of the first record stands above numbers or dates, as a name does."""
    for column, header_kind in enumerate(kinds):
        below = Counter(
            kind(row[column]) for row in body if column < len(row) and row[column].strip()
        )
        if header_kind == "text" and below and below["text"] == 0:
            return True
    return False


def _years(values: Sequence[str]) -> bool:
    """Whether all are consecutive years, as the columns of a wide table are often named."""
    words = [value.strip() for value in values]
    if len(words) < 3 or not all(re.fullmatch(r"1[5-9]\d\d|2[01]\d\d", word) for word in words):
        return False
    steps = {int(later) - int(earlier) for earlier, later in pairwise(words)}
    return len(steps) == 1 and steps != {0}
