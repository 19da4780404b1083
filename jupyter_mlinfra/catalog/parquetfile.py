"""Parquet as blocks of rows."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import Unprocessable
from ..core.parquets import check_days
from .formats.arrays import arrays_with_gaps, with_arrays
from .formats.columns import (
    ROWS,
    arrow_errors,
    dtypes_of,
    first_line,
    frame_of,
    unreadable_column,
)
from .formats.late_times import late_times, with_times_as_text
from .names import column_names
from .uuids import in_parquet

if TYPE_CHECKING:
    import polars as pl


class ParquetFile:
    """One Parquet file, or its first `limit` rows; `complete` says whether those are all. header:
    the names as they are in the file. uuids: columns with bytes that are marked as such. types: the
    words of columns that are read as text, for the sake of values that their type cannot hold.

    Raises Unprocessable if its footer is missing or damaged, and for days of an old calendar.
    """

    def __init__(self, path: Path, *, limit: int | None = None) -> None:
        import polars as pl

        self._path = path
        self._limit = limit
        self.share = 0.0  # of the rows that `frames` has given
        if not path.stat().st_size:
            raise Unprocessable(
                f"{path.name} is empty.",
                "It has 0 bytes.",
                "Fetch the file again; nothing was committed.",
            )
        with self._open() as file:
            self.header: list[str] = file.schema_arrow.names
            names = column_names(self.header, path.name)
            self.complete = limit is None or file.metadata.num_rows <= limit
            self.columns = dtypes_of(file.schema_arrow, names, path.name)
            self._gaps = arrays_with_gaps(file)
            self._late = late_times(file)
            late = [name for name, own in zip(names, self.header, strict=True) if own in self._late]
            self.types: dict[str, str] = dict.fromkeys(late, "time")
            self.columns |= dict.fromkeys(late, pl.String())
            self.uuids = in_parquet(file.schema, self.columns)
            said = file.metadata.metadata or {}
        facts = {key.decode(): value.decode(errors="replace") for key, value in said.items()}
        check_days(path, facts)

    def frames(self) -> Iterator[pl.DataFrame]:
        """Blocks of rows in the order of the file; a damaged page ends it with an error."""
        done = 0
        with self._open() as file:
            for batch in self._batches(file):
                if self._gaps:
                    batch = with_arrays(batch, self._path, self._gaps, self.header, done)
                done += batch.num_rows
                self.share = done / max(1, file.metadata.num_rows)
                batch = with_times_as_text(batch, self._late)
                yield frame_of(batch, list(self.columns), self._path.name)
                if self._limit is not None:
                    break

    def _batches(self, file: Any) -> Iterator[Any]:
        """Raise Unprocessable that names the column that Arrow cannot read."""
        try:
            columns = [name for name in self.header if name not in self._gaps]
            yield from file.iter_batches(
                batch_size=self._limit or ROWS, columns=columns if self._gaps else None
            )
        except arrow_errors() as error:
            for field, name in zip(file.schema_arrow, self.columns, strict=True):
                if why := _read_error(file, field.name):
                    fix = (
                        "Fetch the file again, or write it again with another type or without the"
                        " column; nothing was committed."
                    )
                    raise unreadable_column(name, self._path.name, why, field.type, fix) from error
            raise

    @contextlib.contextmanager
    def _open(self) -> Iterator[Any]:
        from pyarrow import parquet

        # Spark's INT96 covers the years 1 to 9999. As nanoseconds, the default, moments outside
        # 1677 to 2262 would become other moments. With `pre_buffer`, Arrow's default, it would keep
        # the bytes of all row groups that were read, until the file is closed.
        options: dict[str, Any] = {
            "coerce_int96_timestamp_unit": "us",
            "arrow_extensions_enabled": False,
            "page_checksum_verification": True,
            "pre_buffer": False,
        }
        try:
            with parquet.ParquetFile(self._path, **options) as file:
                yield file
        except arrow_errors() as error:
            raise Unprocessable(
                f"{self._path.name} is not a whole Parquet file.",
                f"{first_line(error)}.",
                "Fetch the file again; nothing was committed.",
            ) from error


def _read_error(file: Any, column: str) -> str:
    """Why a column cannot be read; empty if it can."""
    try:
        for _ in file.iter_batches(batch_size=ROWS, columns=[column]):
            pass
    except arrow_errors() as error:
        return first_line(error)
    return ""
