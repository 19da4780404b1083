"""UUIDs of others: text with hyphens wherever people read or write them."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.catalog.grid.spec import Filter, GridQuery, Sort
from jupyter_mlinfra.core.errors import Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import MASK

FIRST = "21a0b65a-0036-4fb1-aadd-6db7270631f1"
SECOND = "f0000000-0000-4000-8000-000000000002"
THIRD = "00000000-0000-4000-8000-000000000003"


def _bytes(text: str) -> bytes:
    return uuid.UUID(text).bytes


@pytest.fixture
def table(catalog: Catalog) -> Catalog:
    """`s.t` as another client of Iceberg makes it."""
    from pyiceberg.schema import Schema
    from pyiceberg.types import LongType, NestedField, UUIDType

    iceberg = catalog._store.iceberg
    iceberg.create_namespace("s")
    fields = NestedField(1, "n", LongType()), NestedField(2, "u", UUIDType())
    made = iceberg.create_table("s.t", Schema(*fields))
    values = [_bytes(FIRST), _bytes(SECOND), None]
    made.append(
        pa.table({"n": [1, 2, 3], "u": pa.array(values, pa.uuid())}).cast(made.schema().as_arrow())
    )
    return catalog


def _uuids(catalog: Catalog) -> list[Any]:
    return [None if item is None else str(uuid.UUID(bytes=item)) for item in _raw(catalog)]


def _raw(catalog: Catalog) -> list[Any]:
    return catalog.dataset("s.t").scan().sort("n").collect()["u"].to_list()


def test_they_are_text_in_every_face_that_shows_rows(table: Catalog) -> None:
    block = table.preview("s.t")
    assert [column.type for column in block.columns] == ["i64", "uuid"]
    assert block.data[1] == [FIRST, SECOND, None]
    for tier in ("footer", "sample", "exact"):
        column = table.profile("s.t", tier=tier).columns["u"]
        assert (column.type, column.min, column.max) == ("uuid", FIRST, SECOND), tier
    assert dict(column.top) == {FIRST: 1, SECOND: 1}
    assert _raw(table)[0] == _bytes(FIRST)  # what Python gets, as docs say
    table.write(pl.DataFrame({"n": [4], "u": [THIRD]}), into="s.t")
    states = [item.id for item in table.snapshots("s.t").items]
    found = table.diff("s.t", states[-1], states[0], key=["n"])
    assert found.examples.added.data[1] == [THIRD]


def test_the_grid_finds_them_by_their_text_and_so_does_its_code(table: Catalog) -> None:
    import jupyter_mlinfra as ml

    query = GridQuery(
        filters=(Filter(column="u", op="contains", value="-0036-"),), sort=(Sort(column="u"),)
    )
    block = table.grid("s.t", query)
    assert block.data == [[1], [FIRST]]
    names: dict[str, Any] = {"ml": ml}
    code = block.code["python"].replace("ml.dataset(", "dataset(")
    exec(code, names | {"dataset": table.dataset}, names)
    shown = next(value for value in names.values() if isinstance(value, pl.LazyFrame))
    assert shown.collect()["u"].to_list() == [FIRST]


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        (f"SELECT n FROM s.t WHERE u = '{FIRST}'", [(1,)]),
        (f"SELECT n FROM s.t WHERE u IN ('{SECOND.upper()}')", [(2,)]),
        ("SELECT n FROM s.t WHERE u = $u", [(1,)]),
        ("SELECT u FROM s.t WHERE n = 1", [(FIRST,)]),
        ("SELECT u::VARCHAR, typeof(u) FROM s.t WHERE n = 1", [(FIRST, "UUID")]),
        ("SELECT max(u), count(u) FROM s.t", [(SECOND, 2)]),
        ("SELECT list(u ORDER BY n DESC) FROM s.t WHERE n < 3", [([SECOND, FIRST],)]),
    ],
)
def test_sql_has_them_as_uuids(table: Catalog, query: str, rows: list[tuple[Any, ...]]) -> None:
    assert table.sql(query, parameters={"u": FIRST} if "$u" in query else {}).rows() == rows


def test_masked_ones_stay_masked(table: Catalog) -> None:
    table.tag("column:s.t.u", add=["pii"])
    assert table.sql("SELECT u FROM s.t WHERE n = 1").item() == MASK
    assert table.preview("s.t").data[1] == [MASK] * 3
    assert table.profile("s.t", tier="exact").columns["u"].min == MASK


def test_text_and_bytes_are_appended(table: Catalog, project: Project) -> None:
    table.write(pl.DataFrame({"n": [4], "u": [_bytes(THIRD)]}), into="s.t")
    table.write(pl.DataFrame({"n": [5, 6], "u": [THIRD.upper(), None]}), into="s.t")
    csv = project.root / "more.csv"
    csv.write_text(f"n,u\n7,{{{SECOND}}}\n8,{THIRD.replace('-', '')}\n9,\n10,no uuid\n")
    assert table.inspect([csv], into="s.t").columns[1].type == "uuid"
    report = table.ingest([csv], into="s.t")
    assert (report.rows_written, report.quarantined) == (3, 1)
    assert _uuids(table)[3:] == [THIRD, THIRD, None, SECOND, THIRD, None]
    reasons = table.sql(f"SELECT reason FROM {report.quarantine}")["reason"]
    assert reasons.to_list() == ["'no uuid' in column 'u', which is uuid"]
    with pytest.raises(Unprocessable, match="'no uuid' in column 'u', which is uuid"):
        table.write(pl.DataFrame({"n": [11], "u": ["no uuid"]}), into="s.t")
    table.write(pl.DataFrame({"n": [1], "u": [THIRD]}), into="s.t", mode="upsert", key=["n"])
    assert _uuids(table)[0] == THIRD


def test_those_of_parquet_come_in_as_text(table: Catalog, project: Project) -> None:
    file = project.root / "of.parquet"
    values = pa.array([_bytes(FIRST), None], pa.uuid())
    fixed = pa.array([b"0123456789abcdef", None], pa.binary(16))
    pq.write_table(pa.table({"n": [1, 2], "u": values, "f": fixed}), file)
    report = table.ingest([file], into="s.new")
    assert report.schema == {"n": "i64", "u": "str", "f": "bin"}
    assert table.dataset("s.new").scan().collect().rows()[0] == (1, FIRST, b"0123456789abcdef")
    table.write(pl.DataFrame({"n": [0], "u": [b"x"], "f": [b"y"]}), into="s.old")
    table.ingest([file], into="s.old")  # a column of bytes stays one
    rows = table.dataset("s.old").scan().sort("n").collect()
    assert rows["u"].to_list() == [b"x", _bytes(FIRST), None]
    pq.write_table(pa.table({"n": [4], "u": pa.array([_bytes(THIRD)], pa.uuid())}), file)
    table.ingest([file], into="s.t")
    assert _uuids(table)[-1] == THIRD
    table.register(file, name="s.place")
    assert table.preview("s.place").data[1] == [THIRD]
    assert table.sql(f"SELECT n FROM s.place WHERE u = '{THIRD}'").item() == 4


def test_those_within_lists_and_structs_of_parquet_in_place_are_text_too(
    catalog: Catalog, tmp_path: Path
) -> None:
    first, second = uuid.UUID(FIRST), uuid.UUID(SECOND)
    kind = pa.uuid()
    column = pa.array(
        [{"n": 1, "l": [first.bytes, None]}, None, {"n": 2, "l": []}],
        pa.struct([("n", pa.int64()), ("l", pa.list_(pa.binary(16)))]),
    ).cast(pa.struct([("n", pa.int64()), ("l", pa.list_(kind))]))
    plain = pa.array([[second.bytes], None, []], pa.list_(pa.binary(16))).cast(pa.list_(kind))
    bare = pa.array([[b"x" * 16], None, []], pa.list_(pa.binary(16)))
    table = pa.table({"s": column, "l": plain, "bytes": bare})
    pq.write_table(table, tmp_path / "a.parquet")
    catalog.register(tmp_path / "a.parquet", name="lake.a")
    rows = catalog.dataset("lake.a").scan().collect()
    assert rows["s"].to_list() == [{"n": 1, "l": [FIRST, None]}, None, {"n": 2, "l": []}]
    assert rows["l"].to_list() == [[SECOND], None, []]
    assert rows["bytes"].to_list() == [[b"x" * 16], None, []]
    assert catalog.sql(f"SELECT s.n FROM lake.a WHERE s.l[1] = '{FIRST}'").item() == 1
