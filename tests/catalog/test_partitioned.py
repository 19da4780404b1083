"""Partitioned tables of other clients: written here as pyiceberg writes them itself."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl
import pytest
from pyiceberg.manifest import PartitionFieldStats, PartitionFieldSummary
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import (
    BucketTransform,
    DayTransform,
    HourTransform,
    IdentityTransform,
    MonthTransform,
    Transform,
    TruncateTransform,
    VoidTransform,
    YearTransform,
)
from pyiceberg.types import (
    DateType,
    DecimalType,
    LongType,
    NestedField,
    StringType,
    StructType,
    TimestampType,
    TimestamptzType,
)

from jupyter_mlinfra.catalog import Catalog, DatasetName
from jupyter_mlinfra.catalog.change import present
from jupyter_mlinfra.catalog.store import CatalogStore
from jupyter_mlinfra.core.errors import MLInfraError, Unprocessable
from jupyter_mlinfra.core.project import Project

_START = datetime(1969, 12, 31, 22, 30)
ROWS = pl.DataFrame(
    {
        "id": list(range(12)),
        "word": [None, "ä/b=c", "ä", *["long word"] * 9],
        "day": [None, *(date(1969, 12, 30) + timedelta(days=20 * n) for n in range(11))],
        "at": [None, *(_START + timedelta(hours=n) for n in range(11))],
        "moment": [
            None,
            *((_START + timedelta(days=9 * n)).replace(tzinfo=UTC) for n in range(11)),
        ],
        "price": [None, *(Decimal(f"{n - 5}.55") for n in range(11))],
    },
    schema_overrides={
        "price": pl.Decimal(9, 2),
        "moment": pl.Datetime("us", "UTC"),
        "at": pl.Datetime("us"),
    },
)
SCHEMA = Schema(
    NestedField(1, "id", LongType(), required=False),
    NestedField(2, "word", StringType(), required=False),
    NestedField(3, "day", DateType(), required=False),
    NestedField(4, "at", TimestampType(), required=False),
    NestedField(5, "moment", TimestamptzType(), required=False),
    NestedField(6, "price", DecimalType(9, 2), required=False),
)
SPECS: dict[str, list[tuple[int, Transform[Any, Any]]]] = {
    "identity": [(2, IdentityTransform()), (3, IdentityTransform())],
    "times": [(3, MonthTransform()), (4, HourTransform())],
    "years": [(5, YearTransform()), (3, DayTransform())],
    "days": [(4, DayTransform()), (2, VoidTransform())],
    "buckets": [(1, BucketTransform(3)), (2, BucketTransform(4)), (6, BucketTransform(2))],
    "truncated": [
        (1, TruncateTransform(5)),
        (2, TruncateTransform(1)),
        (6, TruncateTransform(100)),
    ],
    "twice": [(1, BucketTransform(2)), (1, TruncateTransform(4))],
}


def make(project: Project, fields: list[tuple[int, Transform[Any, Any]]]) -> None:
    """What another client makes: an empty table t.p with these partitions, by an address."""
    iceberg = CatalogStore(project).iceberg
    iceberg.create_namespace_if_not_exists("t")
    spec = PartitionSpec(
        *(
            PartitionField(source, 1000 + number, transform, f"p {number}")
            for number, (source, transform) in enumerate(fields)
        )
    )
    place = f"file://{project.folder('warehouse')}/t/p"
    iceberg.create_table("t.p", SCHEMA, location=place, partition_spec=spec)


def expected(fields: list[tuple[int, Transform[Any, Any]]]) -> dict[tuple[Any, ...], list[int]]:
    """The ids by partition, each value asked of pyiceberg by itself."""
    found: dict[tuple[Any, ...], list[int]] = {}
    for row in ROWS.iter_rows():
        values = []
        for source, transform in fields:
            value = transform.transform(SCHEMA.find_type(source))(row[source - 1])
            if isinstance(value, date):
                value = (value - date(1970, 1, 1)).days
            values.append(value)
        found.setdefault(tuple(values), []).append(row[0])
    return found


def by_partition(project: Project) -> dict[tuple[Any, ...], list[int]]:
    """The ids by partition, as the files have them."""
    found: dict[tuple[Any, ...], list[int]] = {}
    for file in present(CatalogStore(project).load(DatasetName("t", "p"))):
        ids = pl.read_parquet(file.file_path.removeprefix("file://"))["id"].to_list()
        found.setdefault(tuple(file.partition), []).extend(ids)
    return found


@pytest.mark.parametrize("kind", SPECS)
def test_rows_go_to_the_partitions_that_iceberg_gives_them(
    catalog: Catalog, project: Project, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("jupyter_mlinfra.catalog.datafiles._OPEN", 2)
    make(project, SPECS[kind])
    assert catalog.write(ROWS, into="t.p").rows_written == 12
    found = by_partition(project)
    assert found == expected(SPECS[kind])
    assert catalog.dataset("t.p").scan().sort("id").collect().equals(ROWS)
    assert catalog.profile("t.p", tier="exact").columns["word"].nulls == 1
    assert catalog.verify("t.p").checked >= len(found)
    summary = CatalogStore(project).load(DatasetName("t", "p")).current_snapshot().summary  # type: ignore[union-attr]
    assert int(summary["changed-partition-count"] or 0) == len(found)  # type: ignore[index]


def test_a_filter_reads_only_its_partition_and_pyiceberg_reads_all(
    catalog: Catalog, project: Project
) -> None:
    make(project, [(2, IdentityTransform()), (1, TruncateTransform(4))])
    catalog.write(ROWS, into="t.p")
    table = CatalogStore(project).load(DatasetName("t", "p"))
    assert len(list(table.scan(row_filter="word = 'long word'").plan_files())) == 3
    assert sorted(table.scan().to_arrow()["id"].to_pylist()) == list(range(12))
    assert table.inspect.partitions()["record_count"].to_pylist()


def test_folders_tell_no_value_of_a_masked_column(catalog: Catalog, project: Project) -> None:
    """They stand in the paths of data files, which verbs and errors name."""
    make(project, [(2, IdentityTransform()), (3, IdentityTransform())])
    store, name = CatalogStore(project), DatasetName("t", "p")
    store.load(name).append(ROWS.to_arrow())  # files of others have no checksum
    catalog.write(ROWS, into="t.p")
    shown = catalog.verify("t.p")
    assert any("long" in path for path in shown.unchecked)
    catalog.tag("column:t.p.word", add=["pii"])
    assert "long" not in str(catalog.verified("t.p")), "the verification from before the tag"
    assert "/p+0=•••/p+1=" in catalog.verify("t.p").unchecked[0]
    paths = [item.file_path.removeprefix("file://") for item in present(store.load(name))]
    file = next(Path(path) for path in paths if "long" in path)
    spare = file.with_name(f"00000-1-{uuid4()}.parquet")
    shutil.copy(file, spare)
    os.utime(spare, (1, 1))
    plan = catalog.clean("t.p", really=False)
    assert [Path(item.file).name for item in plan.orphans] == [spare.name]
    assert "long" not in str(plan)
    file.unlink()
    for fails in (
        lambda: catalog.clean("t.p", really=False),
        lambda: catalog.compact("t.p"),
        lambda: catalog.sql("SELECT count(word) FROM t.p"),
    ):
        with pytest.raises(MLInfraError, match=r"p\+0=(•••|…)/p\+1=") as caught:
            fails()
        assert "long" not in str(caught.value)
    with pytest.raises(Unprocessable, match=r"missing .* mlinfra catalog verify"):
        catalog.sql("SELECT count(word) FROM t.p")


def test_no_row_is_missing_where_a_writer_does_not_tell_the_bounds_of_its_partitions(
    catalog: Catalog, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ClickHouse writes its lists of files: nothing is null, and no bounds."""
    make(project, [(1, BucketTransform(3))])
    with monkeypatch.context() as patch:
        unknown = PartitionFieldSummary.from_args(contains_null=False, contains_nan=False)
        patch.setattr(PartitionFieldStats, "to_summary", lambda _: unknown)
        catalog.write(ROWS[:6], into="t.p")
        catalog.write(ROWS[6:], into="t.p")
    assert catalog.dataset("t.p").scan().filter(pl.col("id") == 7).collect().height == 1
    assert catalog.sql("SELECT price FROM t.p WHERE id = 7").rows() == [(Decimal("1.55"),)]
    changed = catalog.write(
        ROWS[:2].with_columns(word=pl.lit("new")), into="t.p", mode="upsert", key="id"
    )
    assert (changed.rows_written, changed.rows_updated) == (2, 2)
    catalog.compact("t.p")
    assert sorted(catalog.dataset("t.p").scan().collect()["id"]) == list(range(12))


def test_files_and_upserts_come_into_a_partitioned_table_too(
    catalog: Catalog, project: Project, file: Callable[..., Path]
) -> None:
    make(project, [(2, IdentityTransform())])
    catalog.write(ROWS, into="t.p")
    text = "id,word,day,at,moment,price\n2,new,,,,\n20,new,,,,1.50\n"
    report = catalog.ingest([file("a.csv", text)], into="t.p", mode="upsert", key="id")
    assert (report.rows_written, report.rows_updated) == (2, 1)
    found = by_partition(project)
    assert found["new",] == [2, 20]
    assert ("ä",) not in found
    assert sum(map(len, found.values())) == 13
    replaced = catalog.write(ROWS[:2], into="t.p", mode="replace")
    assert replaced.rows_written == 2
    assert by_partition(project) == {(None,): [0], ("ä/b=c",): [1]}


def test_a_rule_that_is_not_known_here_is_refused_before_a_row_is_read(
    catalog: Catalog, project: Project
) -> None:
    iceberg = CatalogStore(project).iceberg
    iceberg.create_namespace_if_not_exists("t")
    inner = StructType(NestedField(2, "x", LongType(), required=False))
    schema = Schema(NestedField(1, "a", inner, required=False))
    spec = PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "x"))
    iceberg.create_table("t.n", schema, partition_spec=spec)
    with pytest.raises(Unprocessable, match=r"a field within a column.*engine that made it"):
        catalog.write(pl.DataFrame({"a": [{"x": 1}]}), into="t.n")
