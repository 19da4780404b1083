"""Rows that could not be added to the table: kept with file, line and reason, so that they can be
fixed and ingested again. `quarantined` shows them as a table.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from ..core.errors import Unprocessable
from ..core.files import write_atomic
from ..core.records import now

if TYPE_CHECKING:
    from pathlib import Path

MOST = 100_000
"""More broken rows than this mean that the file is read in the wrong way."""

_MAX_TEXT_LENGTH = 10_000
_LETTERS = 16


@dataclass(frozen=True, slots=True)
class Broken:
    """One row that was set aside. line: where it begins in its file, from 1. text: its text.

    column, value: what did not fit, if the row could be split into fields.
    """

    file: str
    line: int
    reason: str
    text: str
    column: str = ""
    value: Any = None


class Unfit(NamedTuple):
    """A row with a value that does not fit. row: its number in the frames of its source, from 0."""

    row: int
    reason: str
    values: Mapping[str, Any]
    column: str


class Quarantine:
    """The broken rows of one ingest, held in memory up to `MOST`, then in one file. headers: of the
    files of which the text of a row is a part of a line: that line with the names.
    """

    def __init__(self) -> None:
        self.rows: list[Broken] = []
        self.headers: dict[str, str] = {}
        self.path: Path | None = None

    def add(self, row: Broken) -> None:
        """Add a row. Raises Unprocessable if there are too many."""
        if len(self.rows) >= MOST:
            first = self.rows[0]
            raise too_many(first.file, f"line {first.line}", first.reason)
        self.rows.append(
            Broken(row.file, row.line, row.reason, row.text[:_MAX_TEXT_LENGTH], row.column)
        )

    def note_header(self, file: str, columns: Iterable[str], separator: str) -> None:
        """Keep the line with the names above the rows of a file whose rows are lines."""
        line = io.StringIO()
        csv.writer(line, delimiter=separator, lineterminator="").writerow(columns)
        self.headers[file] = line.getvalue()

    def write(self, folder: Path) -> None:
        """Store the rows as one Parquet file at `path`, whose name is that of the ingest; without
        rows, no file.
        """
        self.discard()
        if not self.rows:
            return
        import polars as pl

        rows = sorted(self.rows, key=lambda row: (row.file, row.line))
        frame = pl.DataFrame(
            {
                name: [getattr(row, name) for row in rows]
                for name in ("file", "line", "column", "reason", "text")
            }
        ).with_columns(
            header=pl.Series([self.headers.get(row.file, "") for row in rows], dtype=pl.String),
            at=pl.lit(now(), pl.Datetime("us", "UTC")),
        )
        data = io.BytesIO()
        frame.write_parquet(data)
        content = repr([(row.file, row.line, row.text) for row in rows]).encode()
        digest = sha256(content).hexdigest()[:_LETTERS]
        path = folder / f"{now():%Y%m%dT%H%M%S%f}-{digest}.parquet"
        write_atomic(path, data.getvalue())
        self.path = path

    def drop_copies(self, landed: Container[str]) -> None:
        """After the commit, delete files of the same rows whose ingest was killed before its own.
        landed: the names of the ingests that are in the dataset.
        """
        if self.path is None:
            return
        for other in self.path.parent.glob(f"*-{self.path.stem[-_LETTERS:]}.parquet"):
            if other != self.path and other.stem not in landed:
                other.unlink(missing_ok=True)

    def discard(self) -> None:
        """Delete the file: the ingest did not happen."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
            self.path = None


def too_many(file: str, location: str, reason: str) -> Unprocessable:
    """The error for more than `MOST` broken rows, with the first of them."""
    why = f"The first is {location} of {file}: {reason}."
    return Unprocessable(
        f"Over {MOST:,} rows cannot be read.",
        why,
        "Check separator, encoding and types; nothing was committed.",
    )
