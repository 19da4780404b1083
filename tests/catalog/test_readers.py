"""DuckDB's Iceberg reader, which nobody here wrote, on tables that were written here: each snapshot
has the rows that it should have.
"""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from duckdb_reader import read
from pyiceberg.transforms import BucketTransform, IdentityTransform

from jupyter_mlinfra.catalog import Catalog, DatasetName
from jupyter_mlinfra.catalog.store import CatalogStore
from jupyter_mlinfra.core.project import Project


def _partitioned(project: Project) -> None:
    table = CatalogStore(project).open(DatasetName("t", "p"))
    with table.update_spec() as update:
        update.add_field("word", IdentityTransform(), "word")
        update.add_field("id", BucketTransform(3), "bucket")


@pytest.mark.slow
def test_duckdb_reads_every_snapshot_as_polars_does(catalog: Catalog, project: Project) -> None:
    first = pl.DataFrame({"id": [1, 2, 3], "word": ["a", "b", None], "x": [0.5, None, 2.0]})
    changed = pl.DataFrame({"id": [2, 4], "word": ["B", "d"], "x": [1.5, 4.5]})
    for name in ("t.a", "t.p"):
        catalog.write(first, into=name)
        if name == "t.p":
            _partitioned(project)
        catalog.write(first.with_columns(pl.col("id") + 10), into=name)
        catalog.write(changed, into=name, mode="upsert", key="id")
        catalog.write(changed.with_columns(more=pl.lit("new")), into=name)
    catalog.write(first[:1], into="t.a", mode="replace")
    asked, expected = list[tuple[str, str]](), list[list[Any]]()
    for name in ("t.a", "t.p"):
        location = CatalogStore(project).load(DatasetName.parse(name)).metadata_location
        for snapshot in catalog.snapshots(name).items:
            asked.append((location, snapshot.id))
            frame = catalog.dataset(f"{name}@{snapshot.id}").scan().collect()
            expected.append(sorted((list(row) for row in frame.rows()), key=repr))
    found = [sorted(rows, key=repr) for rows in read(asked)]
    # DuckDB gives an earlier snapshot the columns of now.
    assert [
        [row[: len(other[0])] for row in rows] for rows, other in zip(found, expected, strict=True)
    ] == expected
