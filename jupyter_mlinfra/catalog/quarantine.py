"""Rows that could not be added to the table: kept with file, line and reason, so that they can be
fixed and ingested again. `quarantined` shows them as a table.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from ..core.errors import Unprocessable
from ..core.files import write_atomic
from ..core.records import MASK, now

if TYPE_CHECKING:
    from pathlib import Path

MOST = 100_000
"""More broken rows than this mean that the file is read in the wrong way."""

MASKED = "mlinfra.masked"
"""Says in a file that its rows have values of columns that were masked then."""

_MAX_BYTES = 64 << 20  # of the texts of one ingest
_MAX_TEXT_LENGTH = 10_000  # of a text above that
_LETTERS = 16


@dataclass(frozen=True, slots=True)
class Broken:
    """One row that was set aside. line: where it begins in its file, from 1. text: its text.

    column, value: what did not fit, if the row could be split into fields. header: the line with
    the names, where the text is a line of such a file. cut: `text` is only the beginning.
    """

    file: str
    line: int
    reason: str
    text: str
    column: str = ""
    value: Any = None
    header: str = ""
    cut: bool = False


class Unfit(NamedTuple):
    """A row with a value that does not fit. row: its number in the frames of its source, from 0."""

    row: int
    reason: str
    values: Mapping[str, Any]
    column: str


class Quarantine:
    """The broken rows of one ingest, held in memory up to `MOST`, then in one file. Their texts are
    whole up to 64 MiB together; then long ones are cut, and say so.
    """

    def __init__(self) -> None:
        self.rows: list[Broken] = []
        self._bytes = 0
        self._key = ""
        self.path: Path | None = None
        self.masked: Collection[str] = ()
        """Columns whose values are not told."""

    def told(self, row: Broken | Unfit) -> str:
        """Why it is here, as reports say it: a reason repeats the value."""
        if self.masked and (not row.column or row.column in self.masked):
            return f"a value of {row.column or 'the row'} does not fit, which is masked"
        return row.reason

    def shown(self, row: Broken) -> Broken:
        """The row as errors and inspections show it: its text has the values of all columns."""
        if not self.masked:
            return row
        return replace(row, reason=self.told(row), text=MASK, value=None)

    def add(self, row: Broken) -> None:
        """Add a row. Raises Unprocessable if there are too many."""
        if len(self.rows) >= MOST:
            first = self.rows[0]
            raise too_many(first.file, f"line {first.line}", self.told(first))
        size = len(row.text.encode(errors="replace"))
        cut = self._bytes + size > _MAX_BYTES and len(row.text) > _MAX_TEXT_LENGTH
        text = row.text[:_MAX_TEXT_LENGTH] if cut else row.text
        self._bytes += 0 if cut else size
        self.rows.append(replace(row, text=text, value=None, cut=cut))

    def clear(self) -> None:
        """Forget the rows: they are read again."""
        self.rows.clear()
        self._bytes = 0

    def place(self, folder: Path, key: Sequence[str] = ()) -> None:
        """Choose the `path` of the file that `write` makes; its name is that of the ingest. key: by
        which the rows were to come in. Without rows, there is no file.
        """
        self.discard()
        self._key = json.dumps(list(key)) if key else ""
        if self.rows:
            content = repr([(row.file, row.line, row.text) for row in self._sorted()]).encode()
            digest = sha256(content).hexdigest()[:_LETTERS]
            self.path = folder / f"{now():%Y%m%dT%H%M%S%f}-{digest}.parquet"

    def write(self) -> None:
        """Store the rows as one Parquet file, if there are any; after `place`."""
        if self.path is None:
            return
        import polars as pl

        rows = self._sorted()
        frame = pl.DataFrame(
            {
                name: [getattr(row, name) for row in rows]
                for name in ("file", "line", "column", "reason", "text", "header", "cut")
            }
        ).with_columns(
            key=pl.lit(self._key),
            at=pl.lit(now(), pl.Datetime("us", "UTC")),
        )
        data = io.BytesIO()
        frame.write_parquet(data, metadata={MASKED: "yes"} if self.masked else None)
        write_atomic(self.path, data.getvalue())

    def _sorted(self) -> list[Broken]:
        return sorted(self.rows, key=lambda row: (row.file, row.line))

    def discard(self) -> None:
        """Delete the file: the ingest did not happen."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
            self.path = None


def header_line(columns: Iterable[str], separator: str) -> str:
    """The line with the names, of a file whose rows are lines."""
    line = io.StringIO()
    csv.writer(line, delimiter=separator, lineterminator="").writerow(columns)
    return line.getvalue()


def too_many(file: str, location: str, reason: str) -> Unprocessable:
    """The error for more than `MOST` broken rows, with the first of them."""
    why = f"The first is {location} of {file}: {reason}."
    return Unprocessable(
        f"Over {MOST:,} rows cannot be read.",
        why,
        "Check separator, encoding and types; nothing was committed.",
    )
