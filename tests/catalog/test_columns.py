"""Columns that were renamed, dropped, moved or widened without new rows: every face without a
snapshot shows those of now.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from pyiceberg.types import LongType

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.project import Project

ROWS = pl.DataFrame(
    {"a": [1, 2, 3], "b": ["x", "y", None], "n": pl.Series([7, 8, 9], dtype=pl.Int32)}
)


def change(catalog: Catalog, edit: Callable[[Any], object]) -> None:
    """Another client of Iceberg changes the columns of t.t; no snapshot is made."""
    with catalog._store.iceberg.load_table("t.t").update_schema() as update:
        edit(update)


def rename(update: Any) -> None:
    update.rename_column("a", "id")


CHANGES = {
    "renamed": (rename, {"id": [1, 2, 3], "b": ["x", "y", None], "n": [7, 8, 9]}),
    "dropped": (lambda update: update.delete_column("b"), {"a": [1, 2, 3], "n": [7, 8, 9]}),
    "moved": (
        lambda update: update.move_first("n"),
        {"n": [7, 8, 9], "a": [1, 2, 3], "b": ["x", "y", None]},
    ),
    "added": (
        lambda update: update.add_column("late", LongType()),
        ROWS.to_dict(as_series=False) | {"late": [None] * 3},
    ),
    "widened": (
        lambda update: update.update_column("n", LongType()),
        ROWS.to_dict(as_series=False),
    ),
}


@pytest.fixture
def catalog(project: Project) -> Catalog:
    made = Catalog(project)
    made.write(ROWS, into="t.t")
    return made


@pytest.mark.parametrize("kind", CHANGES)
def test_every_face_shows_the_columns_of_now(catalog: Catalog, kind: str) -> None:
    edit, expected = CHANGES[kind]
    for tier in ("footer", "sample", "exact"):
        catalog.profile("t.t", tier=tier)  # kept for the columns of then
    change(catalog, edit)
    table, names = catalog.dataset("t.t"), list(expected)
    assert table.scan().collect().to_dict(as_series=False) == expected
    assert list(table.schema) == names
    assert table.head(2).columns == names
    assert [column.name for column in table.detail.schema] == names
    assert [column.name for column in table.preview().columns] == names
    assert catalog.sql("SELECT * FROM t.t").to_dict(as_series=False) == expected
    for tier in ("footer", "sample", "exact"):
        for profile in (catalog.profile("t.t", tier=tier), table.profile(tier)):
            assert {
                name: column.min for name, column in profile.columns.items() if name in ("id", "a")
            } in ({"id": 1}, {"a": 1})
            assert list(profile.columns) == names
            assert [column.type for column in profile.columns.values()] == [
                column.type for column in table.detail.schema
            ]


def test_a_snapshot_that_is_named_has_the_columns_that_it_was_written_with(
    catalog: Catalog,
) -> None:
    snapshot = catalog.fingerprint("t.t")
    change(catalog, rename)
    for table in (catalog.dataset(f"t.t@{snapshot}"), catalog.dataset("t.t")):
        assert table.scan(snapshot=snapshot).collect().equals(ROWS)
    assert list(catalog.profile(f"t.t@{snapshot}").columns) == ROWS.columns


def test_a_dataset_that_was_opened_keeps_its_rows_and_its_columns(catalog: Catalog) -> None:
    """Also those that it had in between, which no snapshot was written with."""
    before = catalog.dataset("t.t")
    change(catalog, rename)
    between = catalog.dataset("t.t")
    change(catalog, lambda update: update.rename_column("id", "key"))
    catalog.write(ROWS.rename({"a": "key"}), into="t.t")
    assert before.scan().collect().equals(ROWS)
    for _ in range(2):  # the second time from what is kept
        assert between.scan().collect().equals(ROWS.rename({"a": "id"}))
        assert list(between.profile().columns) == ["id", "b", "n"]
        assert [column.name for column in between.preview().columns] == ["id", "b", "n"]
    assert (
        catalog.dataset("t.t").scan().collect().equals(pl.concat([ROWS, ROWS]).rename({"a": "key"}))
    )


def test_a_frame_that_is_pickled_reads_the_same_or_fails(catalog: Catalog) -> None:
    change(catalog, rename)
    frame = catalog.dataset("t.t").scan()
    assert pickle.loads(pickle.dumps(frame)).collect().columns == ["id", "b", "n"]
    opened = catalog.dataset("t.t")
    change(catalog, lambda update: update.rename_column("id", "key"))
    with pytest.raises(Exception, match="columns=1"):
        pickle.loads(pickle.dumps(opened.scan())).collect()


def test_a_change_of_columns_changes_the_fingerprint_and_nothing_else_does(
    catalog: Catalog,
) -> None:
    """By it a pipeline's step is run again, or is not."""
    seen = [catalog.fingerprint("t.t")]
    catalog.tag("t.t", add=["gold"])
    assert catalog.fingerprint("t.t") == seen[0]
    for edit in (rename, lambda update: update.rename_column("id", "a")):
        change(catalog, edit)
        seen.append(catalog.fingerprint("t.t"))
    assert len(set(seen[:2])) == 2
    catalog.write(ROWS, into="t.t")
    seen.append(catalog.fingerprint("t.t"))
    assert seen[2] == seen[0], "they are what they were"
    assert seen[3] not in seen[:3]
