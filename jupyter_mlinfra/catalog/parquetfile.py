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
    """One Parquet file, or its first `most` rows; `whole` says whether those are all.

    Raises Unprocessable when its end, where it is described, is missing or damaged.
    """

    def __init__(self, path: Path, *, most: int | None = None) -> None:
        from pyarrow import parquet

        self._path = path
        self._most = most
        if not path.stat().st_size:
            raise Unprocessable(f"{path.name} is empty.", "It has 0 bytes.", "Fetch the file again; nothing was committed.")
        with self._explained(), parquet.ParquetFile(path) as file:
            names = column_names(file.schema_arrow.names, path.name)
            self.whole = most is None or file.metadata.num_rows <= most
            empty = file.schema_arrow.empty_table()
            dtypes = [self._frame(empty.select([place]), name).dtypes[0] for place, name in enumerate(names)]
        self.columns = dict(zip(names, dtypes, strict=True))

    def frames(self) -> Iterator[pl.DataFrame]:
        """Blocks of rows in the order of the file; a page that is damaged ends it with an error."""
        import polars as pl
        from pyarrow import parquet

        with self._explained(), parquet.ParquetFile(self._path, page_checksum_verification=True) as file:
            for batch in file.iter_batches(batch_size=self._most or _ROWS):
                parts = [self._frame(batch.select([place]), name) for place, name in enumerate(self.columns)]
                yield pl.concat(parts, how="horizontal") if parts else pl.DataFrame()
                if self._most is not None:
                    break

    def _frame(self, part: Any, name: str) -> pl.DataFrame:
        """One column of the file as Polars has it. Raises Unprocessable for values that are not of its type, and for a type that Polars has not."""
        import polars as pl
        import pyarrow as pa
        from polars.exceptions import PanicException, PolarsError

        try:
            part.validate(full=True)  # text that is no UTF-8 would be found much later, or never
            return pl.DataFrame(pl.from_arrow(part.rename_columns([name])))
        except (pa.ArrowException, PolarsError, PanicException, ValueError) as error:
            raise Unprocessable(
                f"Column {name!r} of {self._path.name} cannot be read.",
                f"{first_line(error)}. Its type in the file is {part.schema.field(0).type}.",
                "Write the file again with another type or without the column; nothing was committed.",
            ) from error

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        import pyarrow as pa

        errors: tuple[Any, ...] = (pa.ArrowException, OSError)
        try:
            yield
        except errors as error:
            raise Unprocessable(
                f"{self._path.name} is not a whole Parquet file.", f"{first_line(error)}.", "Fetch the file again; nothing was committed."
            ) from error


def first_line(error: BaseException) -> str:
    """What a library says, without its hints; a panic of Rust without the frame around its words."""
    text = str(error).partition("\n")[0]
    if said := re.search(r'ErrString\("(.*)', text):
        text = said[1].partition("\\n")[0]
    return text.strip().rstrip('."')[:300]
