"""Parquet as blocks of rows."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import Unprocessable
from .names import column_names

if TYPE_CHECKING:
    import polars as pl

_ROWS = 1 << 17


class ParquetFile:
    """One Parquet file, or its first `limit` rows; `complete` says whether those are all.

    Raises Unprocessable if its footer is missing or damaged.
    """

    def __init__(self, path: Path, *, limit: int | None = None) -> None:
        self._path = path
        self._limit = limit
        if not path.stat().st_size:
            raise Unprocessable(
                f"{path.name} is empty.",
                "It has 0 bytes.",
                "Fetch the file again; nothing was committed.",
            )
        with self._open() as file:
            names = column_names(file.schema_arrow.names, path.name)
            self.complete = limit is None or file.metadata.num_rows <= limit
            empty = file.schema_arrow.empty_table()
            dtypes = [
                self._frame(empty.select([index]), name).dtypes[0]
                for index, name in enumerate(names)
            ]
        self.columns = dict(zip(names, dtypes, strict=True))

    def frames(self) -> Iterator[pl.DataFrame]:
        """Blocks of rows in the order of the file; a damaged page ends it with an error."""
        import polars as pl

        with self._open() as file:
            for batch in self._batches(file):
                parts = [
                    self._frame(batch.select([index]), name)
                    for index, name in enumerate(self.columns)
                ]
                yield pl.concat(parts, how="horizontal") if parts else pl.DataFrame()
                if self._limit is not None:
                    break

    def _batches(self, file: Any) -> Iterator[Any]:
        """Raise Unprocessable that names the column that Arrow cannot read."""
        try:
            yield from file.iter_batches(batch_size=self._limit or _ROWS)
        except _errors() as error:
            for field, name in zip(file.schema_arrow, self.columns, strict=True):
                if why := _read_error(file, field.name):
                    fix = (
                        "Fetch the file again, or write it again with another type or without the"
                        " column; nothing was committed."
                    )
                    raise self._unreadable(name, why, field.type, fix) from error
            raise

    def _frame(self, part: Any, name: str) -> pl.DataFrame:
        """One column of the file in Polars. Raises Unprocessable for values that are not of its
        type, and for a type that Polars lacks.
        """
        import polars as pl
        import pyarrow as pa
        from polars.exceptions import PanicException, PolarsError

        try:
            part.validate(full=True)  # text that is not UTF-8 would be found much later, or never
            return pl.DataFrame(pl.from_arrow(part.rename_columns([name])))
        except (pa.ArrowException, PolarsError, PanicException, ValueError) as error:
            fix = (
                "Write the file again with another type or without the column; nothing was"
                " committed."
            )
            raise self._unreadable(
                name, first_line(error), part.schema.field(0).type, fix
            ) from error

    def _unreadable(self, name: str, why: str, arrow_type: object, fix: str) -> Unprocessable:
        return Unprocessable(
            f"Column {name!r} of {self._path.name} cannot be read.",
            f"{why}. Its type in the file is {arrow_type}.",
            fix,
        )

    @contextlib.contextmanager
    def _open(self) -> Iterator[Any]:
        from pyarrow import parquet

        # Spark's INT96 covers the years 1 to 9999. As nanoseconds, the default, moments outside
        # 1677 to 2262 would become other moments.
        options: dict[str, Any] = {
            "coerce_int96_timestamp_unit": "us",
            "arrow_extensions_enabled": False,
            "page_checksum_verification": True,
        }
        try:
            with parquet.ParquetFile(self._path, **options) as file:
                yield file
        except _errors() as error:
            raise Unprocessable(
                f"{self._path.name} is not a whole Parquet file.",
                f"{first_line(error)}.",
                "Fetch the file again; nothing was committed.",
            ) from error


def _errors() -> tuple[type[BaseException], ...]:
    """The exceptions that PyArrow raises for a file."""
    import pyarrow as pa

    return (pa.ArrowException, OSError)


def _read_error(file: Any, column: str) -> str:
    """Why a column cannot be read; empty if it can."""
    try:
        for _ in file.iter_batches(batch_size=_ROWS, columns=[column]):
            pass
    except _errors() as error:
        return first_line(error)
    return ""


def first_line(error: BaseException) -> str:
    """A library's message without its hints, and a Rust panic without the frame around its
    words.
    """
    text = str(error).partition("\n")[0]
    if message := re.search(r'ErrString\("(.*)', text):
        text = message[1].partition("\\n")[0]
    return text.strip().rstrip('."')[:300]
