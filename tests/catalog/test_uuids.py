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


@pytest.fixture
def nested(catalog: Catalog) -> Catalog:
    """`s.deep` as another client of Iceberg makes it: UUIDs in a list, a struct and a map."""
    from pyiceberg.schema import Schema
    from pyiceberg.types import (
        BinaryType,
        ListType,
        LongType,
        MapType,
        NestedField,
        StringType,
        StructType,
        UUIDType,
    )

    inner = [
        NestedField(6, "u", UUIDType()),
        NestedField(7, "raw", BinaryType()),
        NestedField(10, "all", ListType(11, UUIDType(), False)),
    ]
    iceberg = catalog._store.iceberg
    iceberg.create_namespace("s")
    made = iceberg.create_table(
        "s.deep",
        Schema(
            NestedField(1, "n", LongType()),
            NestedField(2, "l", ListType(5, UUIDType(), False)),
            NestedField(3, "s", StructType(*inner)),
            NestedField(4, "m", MapType(8, StringType(), 9, UUIDType(), False)),
        ),
    )
    first, second = _bytes(FIRST), _bytes(SECOND)
    rows = [
        {
            "n": 1,
            "l": [first, None],
            "s": {"u": second, "raw": b"zz", "all": [first]},
            "m": {"k": first},
        },
        {"n": 2, "l": None, "s": None, "m": None},
    ]
    part = pa.struct(
        [("u", pa.binary(16)), ("raw", pa.large_binary()), ("all", pa.list_(pa.binary(16)))]
    )
    plain = pa.schema(
        [
            ("n", pa.int64()),
            ("l", pa.list_(pa.binary(16))),
            ("s", part),
            ("m", pa.map_(pa.string(), pa.binary(16))),
        ]
    )
    made.append(pa.Table.from_pylist(rows, schema=plain).cast(made.schema().as_arrow()))
    return catalog


def test_those_within_lists_and_structs_of_iceberg_are_text_where_people_look(
    nested: Catalog,
) -> None:
    import jupyter_mlinfra as ml

    found = nested._store.iceberg.load_table("s.deep").scan().to_arrow().to_pylist()
    assert found[0]["l"] == [uuid.UUID(FIRST), None]  # what pyiceberg reads
    block = nested.preview("s.deep")
    assert [column.type for column in block.columns][1:] == [
        "list[uuid]",
        "struct[u: uuid, raw: bin, all: list[uuid]]",
        "map[str, uuid]",
    ]
    shown = {"u": SECOND, "raw": "0x7a7a", "all": [FIRST]}
    assert block.data[1:3] == [[[FIRST, None], None], [shown, None]]
    assert nested.sql(f"SELECT n FROM s.deep WHERE l[1] = '{FIRST}'").item() == 1
    assert nested.sql("SELECT s.u AS u, s.all AS a FROM s.deep WHERE n = 1").rows() == [
        (SECOND, [FIRST])
    ]
    rows = nested.dataset("s.deep").scan().collect()  # Python gets the bytes, as docs say
    assert rows["l"][0].to_list() == [_bytes(FIRST), None]
    assert rows["s"][0]["all"] == [_bytes(FIRST)]
    grid = nested.grid("s.deep", GridQuery(sort=(Sort(column="n"),)))
    assert grid.data[1:3] == block.data[1:3]
    code = grid.code["python"].replace("ml.dataset(", "dataset(")
    names: dict[str, Any] = {"ml": ml, "dataset": nested.dataset}
    exec(code, names)
    frame = next(value for value in names.values() if isinstance(value, pl.LazyFrame))
    assert frame.collect()["l"].to_list() == [[FIRST, None], None]
    nested.write(rows.head(1).with_columns(n=pl.lit(3, dtype=pl.Int64)), into="s.deep")
    again = nested._store.iceberg.load_table("s.deep").scan(row_filter="n = 3").to_arrow()
    assert again.to_pylist() == [{**found[0], "n": 3}]  # written as what they are
    with pytest.raises(Unprocessable, match="It holds list"):
        text = rows.head(1).with_columns(l=pl.lit([FIRST]))
        nested.write(text, into="s.deep")
    nested.tag("column:s.deep.s", add=["pii"])
    assert nested.sql("SELECT s FROM s.deep").item(0, 0) == MASK


def test_those_within_lists_and_structs_come_in_as_text_and_into_bytes_as_bytes(
    catalog: Catalog, tmp_path: Path
) -> None:
    kind, number = pa.uuid(), pa.int64()
    plain = pa.struct([("n", number), ("l", pa.list_(pa.binary(16)))])
    marked = pa.struct([("n", number), ("l", pa.list_(kind))])
    values = [{"n": 1, "l": [_bytes(FIRST), None]}, None, {"n": 2, "l": []}]
    table = pa.table(
        {"u": pa.array([_bytes(THIRD)] * 3, kind), "s": pa.array(values, plain).cast(marked)}
    )
    pq.write_table(table, tmp_path / "a.parquet")
    report = catalog.ingest([tmp_path / "a.parquet"], into="s.new")
    assert report.schema == {"u": "str", "s": "struct[n: i64, l: list[str]]"}
    rows = catalog.dataset("s.new").scan().collect()
    assert rows["s"].to_list() == [{"n": 1, "l": [FIRST, None]}, None, {"n": 2, "l": []}]
    assert rows["u"].to_list() == [THIRD] * 3
    old = pl.DataFrame({"u": [b"x"], "s": [{"n": 0, "l": [b"y"]}]})
    catalog.write(old, into="s.old")
    catalog.ingest([tmp_path / "a.parquet"], into="s.old")
    rows = catalog.dataset("s.old").scan().collect()
    assert {"n": 1, "l": [_bytes(FIRST), None]} in rows["s"].to_list()
