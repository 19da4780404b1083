"""Rows that other engines deleted with files of their own: by position in a data file, and by their
values.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet
from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    FileFormat,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestFile,
    ManifestWriterV2,
)
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Operation, Summary
from pyiceberg.table.update.snapshot import _FastAppendFiles
from pyiceberg.typedef import Record
from pyiceberg.types import LongType

from jupyter_mlinfra.catalog import Catalog, DatasetName
from jupyter_mlinfra.catalog.change import present
from jupyter_mlinfra.catalog.store import CatalogStore
from jupyter_mlinfra.catalog.time import sides
from jupyter_mlinfra.core.errors import Unprocessable
from jupyter_mlinfra.core.project import Project

PATH, POSITION = 2147483546, 2147483545


class _Writer(ManifestWriterV2):
    def content(self) -> ManifestContent:
        return ManifestContent.DELETES

    @property
    def _meta(self) -> dict[str, str]:
        return {**super()._meta, "content": "deletes"}


class _Deletes(_FastAppendFiles):
    """A commit of delete files, which pyiceberg does not write."""

    def _manifests(self) -> list[ManifestFile]:
        metadata = self._transaction.table_metadata
        writer = _Writer(
            metadata.spec(), self.schema(), self.new_manifest_output(), self._snapshot_id, "gzip"
        )
        with writer:
            for file in self._added_data_files:
                writer.add(
                    ManifestEntry.from_args(
                        status=ManifestEntryStatus.ADDED,
                        snapshot_id=self._snapshot_id,
                        sequence_number=None,
                        file_sequence_number=None,
                        data_file=file,
                    )
                )
        return [*self._existing_manifests(), writer.to_manifest_file()]


class _Uncounted(_Deletes):
    """One without totals, which are optional."""

    def _summary(self, snapshot_properties: Mapping[str, str] = MappingProxyType({})) -> Summary:
        return Summary(self._operation)


def delete(
    table: Table,
    rows: dict[str, list[Any]],
    ids: list[int],
    path: Path,
    commit: type[_Deletes] = _Deletes,
    **more: Any,
) -> None:
    """Commit a delete file with these columns. ids: of its fields."""
    frame = pl.DataFrame(rows).to_arrow()
    fields = [
        field.with_type(
            pa.string() if pa.types.is_large_string(field.type) else field.type
        ).with_metadata({"PARQUET:field_id": str(number)})
        for field, number in zip(frame.schema, ids, strict=True)
    ]
    parquet.write_table(frame.cast(pa.schema(fields)), path)
    by_value = PATH not in ids
    file = DataFile.from_args(
        content=DataFileContent.EQUALITY_DELETES if by_value else DataFileContent.POSITION_DELETES,
        file_path=str(path),
        file_format=FileFormat.PARQUET,
        partition=Record(),
        record_count=frame.num_rows,
        file_size_in_bytes=path.stat().st_size,
        equality_ids=ids if by_value else None,
        spec_id=0,
        **more,
    )
    transaction = table.transaction()
    producer = commit(Operation.DELETE, transaction, table.io)
    producer.append_data_file(file)
    producer.commit()
    transaction.commit_transaction()


def load(project: Project) -> Table:
    return CatalogStore(project).load(DatasetName("t", "a"))


def rows(catalog: Catalog, name: str = "t.a") -> list[tuple[Any, ...]]:
    return sorted(catalog.dataset(name).scan().collect().rows(), key=repr)


@pytest.fixture
def table(catalog: Catalog) -> str:
    """Six rows in two files. The snapshot."""
    catalog.write(pl.DataFrame({"id": [1, 2, 3], "x": ["a", "b", None]}), into="t.a")
    return catalog.write(
        pl.DataFrame({"id": [4, 5, 6], "x": ["a", "b", None]}), into="t.a"
    ).snapshot


def test_rows_that_were_deleted_by_their_values_are_gone_and_later_ones_are_not(
    catalog: Catalog, project: Project, table: str, tmp_path: Path
) -> None:
    delete(load(project), {"x": ["a", None]}, [2], tmp_path / "one.parquet")
    assert rows(catalog) == [(2, "b"), (5, "b")]
    middle = catalog.snapshots("t.a").items[0].id
    catalog.write(pl.DataFrame({"id": [7, 2], "x": ["a", "c"]}), into="t.a")
    assert rows(catalog) == [(2, "b"), (2, "c"), (5, "b"), (7, "a")]
    delete(load(project), {"id": [2, 7], "x": ["b", "b"]}, [1, 2], tmp_path / "two.parquet")
    assert rows(catalog) == [(2, "c"), (5, "b"), (7, "a")]
    with load(project).update_schema() as update:
        update.rename_column("x", "word")
    assert catalog.sql("SELECT * FROM t.a WHERE word = 'b'").to_dicts() == [{"id": 5, "word": "b"}]
    assert rows(catalog, f"t.a@{middle}") == [(2, "b"), (5, "b")]
    assert len(rows(catalog, f"t.a@{table}")) == 6
    shown = catalog.preview("t.a", columns=["id"])
    assert sorted(shown.data[0]) == [2, 5, 7]
    for verb in (
        lambda: catalog.verify("t.a"),
        lambda: catalog.write(
            pl.DataFrame({"id": [5], "word": ["z"]}), into="t.a", mode="upsert", key="id"
        ),
    ):
        with pytest.raises(Unprocessable, match=r"by their values.*compaction"):
            verb()
    with load(project).update_schema() as update:
        update.delete_column("word")
    with pytest.raises(Unprocessable, match="column 2, which it has no more"):
        catalog.dataset("t.a").scan()


def test_rows_are_gone_too_where_no_summary_counts_those_that_were_deleted(
    catalog: Catalog, project: Project, table: str, tmp_path: Path
) -> None:
    delete(load(project), {"x": ["a"]}, [2], tmp_path / "one.parquet", _Uncounted)
    assert rows(catalog) == [(2, "b"), (3, None), (5, "b"), (6, None)]
    deleted = catalog.snapshots("t.a").items[0].id
    catalog.write(pl.DataFrame({"id": [7], "x": ["a"]}), into="t.a")
    assert rows(catalog) == [(2, "b"), (3, None), (5, "b"), (6, None), (7, "a")]
    assert catalog.sql("SELECT count(*) FROM t.a").item() == 5
    found = catalog.diff("t.a", deleted, key="id")
    assert (found.added, found.removed, found.changed) == (1, 0, 0)
    kept = load(project).current_snapshot()
    assert kept is not None
    others = [item.snapshot_id for item in load(project).snapshots() if item != kept]
    load(project).maintenance.expire_snapshots().by_ids(others).commit()
    assert rows(catalog) == [(2, "b"), (3, None), (5, "b"), (6, None), (7, "a")]


@pytest.mark.parametrize("bounds", [True, False])
def test_an_upsert_keeps_rows_deleted_that_were_deleted_by_position(
    catalog: Catalog, project: Project, table: str, tmp_path: Path, bounds: bool
) -> None:
    first = next(
        file.file_path
        for file in present(load(project))
        if 1 in pl.read_parquet(file.file_path)["id"]
    )
    more = {"lower_bounds": {PATH: first.encode()}, "upper_bounds": {PATH: first.encode()}}
    gone = {"file_path": [first], "pos": [0]}
    delete(load(project), gone, [PATH, POSITION], tmp_path / "p.parquet", **more if bounds else {})
    assert [row[0] for row in rows(catalog)] == [2, 3, 4, 5, 6]
    new = pl.DataFrame({"id": [1, 2, 3, 4], "x": ["new", "B", None, "a"]})
    report = catalog.write(new, into="t.a", mode="upsert", key="id")
    assert (report.rows_written, report.rows_updated) == (2, 1)
    assert rows(catalog) == [(1, "new"), (2, "B"), (3, None), (4, "a"), (5, "b"), (6, None)]


@pytest.mark.parametrize("by_value", [True, False])
def test_states_with_rows_that_others_deleted_are_compared_and_restored(
    catalog: Catalog,
    project: Project,
    table: str,
    tmp_path: Path,
    by_value: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sides, "block_rows", lambda _: 1)  # row by row
    if by_value:
        delete(load(project), {"x": ["a", None]}, [2], tmp_path / "one.parquet")
    else:
        first = present(load(project))[0].file_path
        gone = {"file_path": [first, first], "pos": [0, 2]}
        delete(load(project), gone, [PATH, POSITION], tmp_path / "p.parquet")
    left = rows(catalog)
    assert len(left) == (2 if by_value else 4)
    found = catalog.diff("t.a", table, key="id")
    assert (found.added, found.removed, found.changed) == (0, 6 - len(left), 0)
    deleted = catalog.snapshots("t.a").items[0].id
    assert catalog.diff("t.a", deleted, table).added == 6 - len(left)
    more = catalog.write(pl.DataFrame({"id": [9], "x": ["a"]}), into="t.a").snapshot
    after = catalog.diff("t.a", deleted, more, key="id")
    # A file of which the same rows are gone is not read.
    assert (after.added, after.removed, after.files_read) == (1, 0, 1)
    catalog.restore("t.a", deleted)
    restored = catalog.restore("t.a", table)
    assert "went back to that snapshot itself" in restored.note
    assert len(rows(catalog)) == 6
    catalog.restore("t.a", restored.undo.split()[-1])
    assert rows(catalog) == left


def test_a_state_of_before_the_partitions_comes_back_with_what_columns_it_can(
    catalog: Catalog, project: Project
) -> None:
    catalog.write(pl.DataFrame({"id": [1], "v": [1.5], "w": ["a"]}), into="t.parts")
    first = catalog.snapshots("t.parts").items[0].id
    table = CatalogStore(project).load(DatasetName.parse("t.parts"))
    with table.update_schema() as columns:
        columns.delete_column("w")
    with table.update_spec() as spec:
        spec.add_identity("id")
    catalog.write(pl.DataFrame({"id": [2], "v": [2.5]}), into="t.parts", mode="replace")

    restored = catalog.restore("t.parts", first)
    assert "went back to that snapshot itself" in restored.note
    assert "its present columns" not in restored.note
    assert catalog.dataset("t.parts").scan().collect().rows() == [(1, 1.5, "a")]
    catalog.restore("t.parts", restored.undo.split()[-1])
    assert catalog.dataset("t.parts").scan().collect().rows() == [(2, 2.5)]

    table = CatalogStore(project).load(DatasetName.parse("t.parts"))
    with table.update_schema() as columns:
        columns.add_column("z", LongType())
    with table.update_spec() as spec:
        spec.add_identity("z")
    catalog.write(pl.DataFrame({"id": [3], "v": [3.5], "z": [7]}), into="t.parts")
    restored = catalog.restore("t.parts", first)
    assert "with its present columns" in restored.note
    assert catalog.dataset("t.parts").scan().collect().rows() == [(1, 1.5, None)]
    catalog.restore("t.parts", restored.undo.split()[-1])
    rows = sorted(catalog.dataset("t.parts").scan().collect().rows())
    assert rows == [(2, 2.5, None), (3, 3.5, 7)]
