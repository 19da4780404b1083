"""Arrow's own files as blocks of rows: IPC files (Feather 2), IPC streams and Feather 1."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import Unprocessable
from ..names import column_names
from .columns import ROWS, arrow_errors, dtypes_of, first_line, frame_of

if TYPE_CHECKING:
    import polars as pl

_FILE, _FEATHER_1 = b"ARROW1", b"FEA1"


class ArrowFile:
    """One file of Arrow, or its first `limit` rows; `complete` says whether those are all. header:
    the names as they are in the file.

    Raises Unprocessable if it is none, or damaged.
    """

    def __init__(self, path: Path, *, limit: int | None = None) -> None:
        self._path = path
        self._limit = limit
        self.share = 0.0  # of the file that `frames` has read, if its batches can be counted
        if not path.stat().st_size:
            raise Unprocessable(
                f"{path.name} is empty.",
                "It has 0 bytes.",
                "Fetch the file again; nothing was committed.",
            )
        with self._open() as (schema, batches, _):
            self.header: list[str] = schema.names
            self.columns = dtypes_of(schema, column_names(self.header, path.name), path.name)
            self.complete = limit is None or _has_at_most(batches, limit)

    def frames(self) -> Iterator[pl.DataFrame]:
        """Blocks of rows in the order of the file; a damaged batch ends it with an error."""
        left = self._limit
        with self._open() as (_, batches, count):
            for number, batch in enumerate(batches, 1):
                self.share = number / count if count else 0.0
                for start in range(0, batch.num_rows, ROWS):
                    part = batch.slice(start, ROWS if left is None else min(ROWS, left))
                    yield frame_of(part, list(self.columns), self._path.name)
                    left = None if left is None else left - part.num_rows
                    if left == 0:
                        return

    @contextlib.contextmanager
    def _open(self) -> Iterator[tuple[Any, Iterator[Any], int]]:
        """The schema, the batches as they are read, and how many; 0 if that is unknown."""
        import pyarrow as pa

        try:
            with pa.memory_map(str(self._path)) as source:
                yield _read(source)
        except arrow_errors() as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise Unprocessable(
                f"{self._path.name} is not a whole Arrow file.",
                f"{first_line(error)}.",
                "Fetch the file again; nothing was committed.",
            ) from error


def _read(source: Any) -> tuple[Any, Iterator[Any], int]:
    import pyarrow as pa
    from pyarrow import feather

    start = source.read(len(_FILE))
    source.seek(0)
    if start == _FILE:
        file = pa.ipc.open_file(source)
        count = file.num_record_batches
        return file.schema, map(file.get_batch, range(count)), count
    if start.startswith(_FEATHER_1):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # it says that the format is old
            table = feather.read_table(source)
        batches = table.to_batches(max_chunksize=ROWS)
        return table.schema, iter(batches), len(batches)
    stream = pa.ipc.open_stream(source)
    return stream.schema, iter(stream), 0


def _has_at_most(batches: Iterator[Any], rows: int) -> bool:
    total = 0
    for batch in batches:
        total += batch.num_rows
        if total > rows:
            return False
    return True
