"""A data file of a table, read block by block. Its columns are called by Iceberg's ids, which stay
when a column is renamed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ...core.frames import empty_table, exactly
from ..rows import file_options
from ..stores.tiers import plain

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.schema import Schema
    from pyiceberg.table import FileScanTask, Table

_BLOCK_ROWS = 1 << 17
_BLOCK_CELLS = 32 << 20
_ID = b"PARQUET:field_id"


@dataclass(frozen=True)
class RowFile:
    """One data file of `table`, and the files that list rows deleted from it."""

    table: Table
    task: FileScanTask

    @property
    def path(self) -> str:
        """Where it is."""
        return str(self.task.file.file_path)

    @property
    def bytes(self) -> int:
        """Its size."""
        return int(self.task.file.file_size_in_bytes)

    @property
    def rows(self) -> int:
        """Its rows, with those that are deleted."""
        return int(self.task.file.record_count)

    @property
    def deletes(self) -> Sequence[str]:
        """The files that list rows deleted from it."""
        return [str(file.file_path) for file in self.task.delete_files]

    @property
    def seed(self) -> int:
        """Of its random sample."""
        return int.from_bytes(sha256(self.path.encode()).digest()[:8])

    @property
    def width(self) -> int:
        """How many columns are read at once, so that a block fits into memory."""
        return max(1, _BLOCK_CELLS // max([1, *(count for _, count in self._ranges)]))

    @cached_property
    def schema(self) -> Mapping[str, pl.DataType]:
        """The types of its columns, by id."""
        import polars as pl

        if self._names is None:
            from pyiceberg.io.pyarrow import schema_to_pyarrow

            nothing = pl.from_arrow(empty_table(schema_to_pyarrow(self._columns)))
            return dict(pl.DataFrame(nothing).schema)
        types = self._scan().collect_schema()
        return {key: types[name] for key, name in self._names.items()}

    def blocks(self, keys: Sequence[str]) -> Iterator[pl.DataFrame]:
        """The rows that are not deleted, with these columns, in the order of the file."""
        if self._names is None:
            return self._iceberg_blocks(keys)
        return self._parquet_blocks(keys, self._names)

    def _scan(self) -> pl.LazyFrame:
        import polars as pl

        return pl.scan_parquet(
            plain(self.path),  # in an address, `%` begins a sign to Polars, and a name to Iceberg
            storage_options=file_options(self.table),
            glob=False,
            hive_partitioning=False,
        )

    def _parquet_blocks(
        self, keys: Sequence[str], names: Mapping[str, str]
    ) -> Iterator[pl.DataFrame]:
        rows, chosen = self._scan(), [names[key] for key in keys]
        if len(chosen) < len(names):
            rows = rows.select(map(exactly, chosen))
        for start, count in self._ranges:
            block = rows.slice(start, count).collect()[chosen]
            block.columns = list(keys)
            yield block

    def _iceberg_blocks(self, keys: Sequence[str]) -> Iterator[pl.DataFrame]:
        """As pyiceberg reads them: a file with deleted rows, or without ids of its columns."""
        import polars as pl
        from pyiceberg.expressions import AlwaysTrue
        from pyiceberg.io.pyarrow import ArrowScan

        scan = ArrowScan(
            self.table.metadata, self.table.io, self._columns.select(*keys), AlwaysTrue()
        )
        for batch in scan.to_record_batches([self.task]):
            yield pl.DataFrame(pl.from_arrow(batch)).select(keys)

    @cached_property
    def _columns(self) -> Schema:
        """Every column that the table ever had, called by its id."""
        from pyiceberg.schema import Schema

        fields = {
            field.field_id: field.model_copy(
                update={"name": str(field.field_id), "required": False}
            )
            for number, schema in sorted(self.table.schemas().items())
            for field in schema.fields
        }
        return Schema(*fields.values())

    @cached_property
    def _parquet(self) -> tuple[Any, Any]:
        """Its Arrow schema and its metadata, from its end."""
        from pyarrow import parquet

        with self.table.io.new_input(self.path).open() as stream:
            file = parquet.ParquetFile(stream)
            return file.schema_arrow, file.metadata

    @cached_property
    def _names(self) -> Mapping[str, str] | None:
        """The names of its columns by id; None if pyiceberg has to read it."""
        schema, _ = self._parquet
        names = {(field.metadata or {}).get(_ID, b"").decode(): field.name for field in schema}
        return None if self.deletes or "" in names else names

    @cached_property
    def _ranges(self) -> Sequence[tuple[int, int]]:
        """Begin and number of rows of each block: whole row groups, so that each is read once."""
        _, metadata = self._parquet
        ranges, start, count = list[tuple[int, int]](), 0, 0
        for place in range(metadata.num_row_groups):
            count += metadata.row_group(place).num_rows
            if count >= _BLOCK_ROWS or place == metadata.num_row_groups - 1:
                ranges.append((start, count))
                start, count = start + count, 0
        return ranges
