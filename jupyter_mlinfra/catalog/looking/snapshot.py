"""The data files of one snapshot, and the sketch of all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.waiting import check_waiting
from ..columnlabels import pii_of
from ..integrity import check_file, checksums_of
from ..names import DatasetName
from ..rows import scan, with_columns_of
from .files import RowFile
from .folders import forget, key_of, sketches_in
from .hiding import without_values
from .kept import Kept
from .merging import merge
from .sketches import sketched

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.table import Table

    from .sketch import Sketch


_MANY = 8
"""So many files of which there is no sketch together are worth one."""


class SnapshotFiles:
    """The files of a snapshot of `table`. home: the folder that sketches are kept in. reveal: with
    the values of columns tagged `pii`, which are kept nowhere, so that all files are read.

    read: how many of them `sketch` has read so far; it finds the others' sketches.
    """

    def __init__(
        self, table: Table, name: DatasetName, home: Path, *, reveal: bool = False
    ) -> None:
        self.table, self.name, self.read = table, name, 0
        found = with_columns_of(table, name).scan(snapshot_id=name.snapshot)
        self._fields = found.projection().fields
        files = [RowFile(table, task) for task in found.plan_files()]
        self.files: Sequence[RowFile] = sorted(files, key=lambda file: file.path)
        self._masked = frozenset(map(str, pii_of(table.properties)))
        self._reveal = reveal and bool(self._masked)
        self._folder, self._wrote = sketches_in(home, table.metadata.table_uuid), False
        self._kept = Kept(self._folder, self._masked)
        self._checksums = checksums_of(table)

    @property
    def rows(self) -> int:
        """Rows of all files, with those that are deleted."""
        return sum(file.rows for file in self.files)

    @property
    def unknown(self) -> Sequence[RowFile]:
        """The files of which there is no sketch."""
        return [file for file in self.files if self._reveal or not self._kept.has(file)]

    def sketch(self) -> Sketch:
        """The sketch of all rows, with the names of the columns. A file without one is read, and
        its sketch kept.

        Raises Unprocessable if one of those is not what was written.
        """
        types = scan(self.table, self.name).collect_schema()
        names = {str(field.field_id): field.name for field in self._fields}
        schema = {key: types[name] for key, name in names.items()}
        try:
            found = self._merged(schema)
        finally:
            if self.read or self._wrote:
                self._compare_tags()
        return replace(
            found,
            columns={names[key]: column for key, column in found.columns.items()},
            sample=found.sample.rename({key: names[key] for key in found.sample.columns}),
        )

    def _compare_tags(self) -> None:
        """Remove the sketches if a column was tagged `pii` meanwhile: they have its values."""
        latest = self.table.catalog.load_table(self.table.name())
        masked = frozenset(map(str, pii_of(latest.properties)))
        if not masked <= self._masked:
            forget(self._folder, keep=key_of(masked))

    def _merged(self, schema: Mapping[str, pl.DataType]) -> Sketch:
        if self._reveal:
            return merge(map(self._sketch, self.files), schema, rows=self.rows)
        together, rest = self._kept.together(self.files, schema)
        before = () if together is None else (together,)
        found = merge(chain(before, map(self._sketch, rest)), schema, rows=self.rows)
        if len(rest) >= _MANY:
            self._kept.put_together(self.files, schema, found)
            self._wrote = True
        return found

    def _sketch(self, file: RowFile) -> Sketch:
        if not self._reveal and (kept := self._kept.get(file)):
            return kept
        check_waiting()
        check_file(self.table, self.name, file.path, self._checksums)

        def blocks(keys: Sequence[str]) -> Iterator[pl.DataFrame]:
            for block in file.blocks(keys):
                check_waiting()
                yield block

        made = sketched(blocks, file.schema, rows=file.rows, seed=file.seed, width=file.width)
        self.read += 1
        hidden = without_values(made, self._masked)
        self._kept.put(file, hidden)
        return made if self._reveal else hidden
