"""Parquet as blocks of rows."""

from __future__ import annotations

import contextlib
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
        import polars as pl
        from pyarrow import parquet

        self._path = path
        self._most = most
        if not path.stat().st_size:
            raise Unprocessable(f"{path.name} is empty.", "It has 0 bytes.", "Fetch the file again; nothing was committed.")
        with self._explained(), parquet.ParquetFile(path) as file:
            names = column_names(file.schema_arrow.names, path.name)
            self.whole = most is None or file.metadata.num_rows <= most
            schema = pl.DataFrame(pl.from_arrow(file.schema_arrow.empty_table())).schema
        self.columns = dict(zip(names, schema.values(), strict=True))

    def frames(self) -> Iterator[pl.DataFrame]:
        """Blocks of rows in the order of the file; a page that is damaged ends it with an error."""
        import polars as pl
        from pyarrow import parquet

        with self._explained(), parquet.ParquetFile(self._path, page_checksum_verification=True) as file:
            for batch in file.iter_batches(batch_size=self._most or _ROWS):
                frame = pl.DataFrame(pl.from_arrow(batch))
                yield frame.rename(dict(zip(frame.columns, self.columns, strict=True)))
                if self._most is not None:
                    break

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        import pyarrow as pa

        errors: tuple[Any, ...] = (pa.ArrowException, OSError)
        try:
            yield
        except errors as error:
            why = str(error).partition("\n")[0].rstrip(".")
            raise Unprocessable(f"{self._path.name} is not a whole Parquet file.", f"{why}.", "Fetch the file again; nothing was committed.") from error
