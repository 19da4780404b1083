"""Folders whose names are values of columns, as Spark, Athena, Polars and DuckDB write them, in
place; judged by three other readers of such folders.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.dataset as ds
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.errors import Unprocessable
from jupyter_mlinfra.core.project import Project

ROWS = pl.DataFrame(
    {
        "y": [2023, 2023, 2024, None],
        "at": ["a/b", None, "c d", "é=1"],
        "day": [date(2024, 1, 1), date(2024, 1, 2), None, date(2024, 1, 3)],
        "id": [1, 2, 3, 4],
        "price": [0.5, None, 2.5, 4.5],
    }
)
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


@pytest.fixture
def hv(tmp_path: Path) -> Path:
    """What PyArrow writes (as Spark does), below a folder that looks like one of them."""
    place = tmp_path / "env=prod" / "hv"
    hive = ds.partitioning(ROWS.select("y", "at", "day").to_arrow().schema, flavor="hive")
    ds.write_dataset(ROWS.to_arrow(), place, format="parquet", partitioning=hive)
    (place / "_SUCCESS").touch()
    return place


def in_order(rows: pl.LazyFrame | pl.DataFrame) -> list[tuple[object, ...]]:
    return rows.lazy().select(ROWS.columns).sort("id").collect().rows()


def test_its_columns_are_those_that_three_other_readers_see(catalog: Catalog, hv: Path) -> None:
    shown = catalog.register(hv, name="lake.hv")
    assert (shown.domain, shown.columns) == ("parquet", 5)
    rows = catalog.dataset("lake.hv").scan()
    assert dict(rows.collect_schema())["day"] == pl.Date
    assert in_order(rows) == ROWS.rows()
    arrow = ds.dataset(hv, partitioning=ds.partitioning(flavor="hive"), ignore_prefixes=["_"])
    assert [(row["y"], row["at"]) for row in arrow.sort_by("id").to_table().to_pylist()] == (
        ROWS.select("y", "at").rows()
    )
    duck = duckdb.sql(
        f"SELECT * FROM read_parquet('{hv}/**/*.parquet', hive_partitioning=true) ORDER BY id"
    ).pl()
    assert duck["at"].to_list() == ROWS["at"].to_list()
    polars = pl.scan_parquet(hv, hive_partitioning=True)
    assert in_order(polars) == ROWS.rows()


def test_every_verb_that_reads_knows_the_columns(catalog: Catalog, hv: Path) -> None:
    catalog.register(hv, name="lake.hv")
    head = catalog.preview("lake.hv")
    assert {column.name: column.type for column in head.columns}["y"] == "i64"
    assert head.total == 4
    assert catalog.sql('SELECT sum(id) FROM lake.hv WHERE y = 2023 AND "at" IS NULL').item() == 2
    profile = catalog.profile("lake.hv", tier="exact").columns
    assert (profile["y"].min, profile["y"].max, profile["y"].nulls) == (2023, 2024, 1)
    assert profile["day"].max == "2024-01-03"
    assert "column" in {hit.kind for hit in catalog.search("day").items}
    seen = catalog.inspect([hv], in_place=True)
    assert {column.name: column.type for column in seen.columns}["y"] == "i64"


def test_files_that_a_condition_rules_out_are_not_read(catalog: Catalog, tmp_path: Path) -> None:
    for kind in ("parquet", "csv"):
        place = tmp_path / kind
        for day in range(1, 4):
            folder = place / f"day=2024-01-0{day}" / "ok=true"
            folder.mkdir(parents=True)
            frame = pl.DataFrame({"n": [day, day + 10]})
            frame.write_parquet(folder / "x.parquet") if kind == "parquet" else frame.write_csv(
                folder / "x.csv"
            )
        catalog.register(place, name=f"lake.{kind}")
        rows = catalog.dataset(f"lake.{kind}").scan()
        for gone in (place / "day=2024-01-01", place / "day=2024-01-03"):
            next(gone.rglob("x.*")).write_bytes(b"PAR1")
        wanted = (pl.col("n") > 2) & (pl.col("day") == date(2024, 1, 2)) & pl.col("ok")
        assert rows.filter(wanted).collect().rows() == [(12, date(2024, 1, 2), True)]
        assert rows.filter(pl.col("day").is_null()).collect().height == 0


def test_values_that_are_not_all_of_one_type_stay_text(catalog: Catalog, tmp_path: Path) -> None:
    words = {
        "01": ("01", "02"),
        "1": ("1", "x"),
        "t": ("2024-01-01T10:00:00Z", "2024-01-01T11:00:00Z"),
        "b": ("True", "FALSE"),
    }
    types = dict.fromkeys(words, pl.String) | {"t": pl.Datetime("us", "UTC"), "b": pl.Boolean}
    for name, (first, second) in words.items():
        for word in (first, second):
            folder = tmp_path / name / f"a%20{name}={word}"
            folder.mkdir(parents=True)
            pl.DataFrame({"word": [word]}).write_parquet(folder / "x.parquet")
        catalog.register(tmp_path / name, name=f"lake.c{name}")
        rows = catalog.dataset(f"lake.c{name}").scan()
        assert dict(rows.collect_schema())[f"a {name}"] == types[name]
        found = rows.collect().rows_by_key("word", named=True)
        assert [found[word][0][f"a {name}"] for word in (first, second)] == (
            pl.Series([first, second]).str.to_datetime(time_zone="UTC").to_list()
            if name == "t"
            else [True, False]
            if name == "b"
            else [first, second]
        )


def test_a_column_of_the_files_must_say_what_the_folder_says(
    catalog: Catalog, tmp_path: Path
) -> None:
    frame = pl.DataFrame({"y": [2023, 2024], "id": [1, 2]})
    duckdb.sql(
        f"COPY frame TO '{tmp_path / 'same'}'"
        " (FORMAT parquet, PARTITION_BY (y), WRITE_PARTITION_COLUMNS true)"
    )
    catalog.register(tmp_path / "same", name="lake.same")
    assert catalog.dataset("lake.same").scan().sort("id").collect().select("y", "id").equals(frame)
    folder = tmp_path / "same" / "y=2025"
    folder.mkdir()
    pl.DataFrame({"y": [2025, 7], "id": [3, 4]}).write_parquet(folder / "x.parquet")
    for ask in (
        lambda: catalog.register(tmp_path / "same", name="lake.other"),
        lambda: catalog.preview("lake.same"),
    ):
        with pytest.raises(Unprocessable, match=r"'y' with other values than its folder.*file 7"):
            ask()
    catalog.register(f"{tmp_path}/same/*/*.parquet", name="lake.asis")
    assert sorted(catalog.dataset("lake.asis").scan().collect()["y"]) == [7, 2023, 2024, 2025]


def test_names_above_the_folder_are_no_columns(catalog: Catalog, tmp_path: Path) -> None:
    frame = pl.DataFrame({"id": [1, None], "year": [1999, 2000]})
    tops = ("year=2024/sales", "a=b=c/sales", "region=1/env=x/sales")
    for number, top in enumerate(tops):
        for region in ("EU", NO_VALUE):
            folder = tmp_path / top / f"region={region}"
            folder.mkdir(parents=True)
            frame.write_parquet(folder / "x.parquet")
        catalog.register(tmp_path / top, name=f"lake.t{number}")
        rows = catalog.sql(f"SELECT * FROM lake.t{number} ORDER BY region NULLS LAST, year")
        assert rows.columns == ["id", "year", "region"]
        assert rows.rows() == [
            (*row, region) for region in ("EU", None) for row in frame.iter_rows()
        ]
        assert catalog.sql(f"SELECT sum(id) FROM lake.t{number} WHERE region = 'EU'").item() == 1


def test_what_cannot_be_one_table_is_refused(catalog: Catalog, tmp_path: Path) -> None:
    for folder in ("a/y=1", "a/m=1", "b/y=1=2"):
        (tmp_path / folder).mkdir(parents=True)
        pl.DataFrame({"id": [1]}).write_parquet(tmp_path / folder / "x.parquet")
    with pytest.raises(Unprocessable, match=r"different columns.*has m=….*has y=…"):
        catalog.register(tmp_path / "a", name="lake.a")
    with pytest.raises(Unprocessable, match=r"cannot be read in place.*%3D"):
        catalog.register(tmp_path / "b", name="lake.b")


def test_one_partition_and_new_ones(catalog: Catalog, project: Project, hv: Path) -> None:
    """A pattern within one folder is that folder's rows; a folder that comes is there at once."""
    one = next(hv.glob("y=2024/*/*"))
    catalog.register(one, name="lake.one")
    assert catalog.dataset("lake.one").scan().collect().columns == ["id", "price"]
    catalog.register(f"{hv}/*/*/*/*.parquet", name="lake.all")
    before = catalog.fingerprint("lake.all")
    new = hv / f"y=2025/at={NO_VALUE}/day=2025-01-01"
    new.mkdir(parents=True)
    pl.DataFrame({"id": [5], "price": [1.0]}).write_parquet(new / "x.parquet")
    assert catalog.dataset("lake.all").scan().filter(pl.col("y") == 2025).collect()["id"][0] == 5
    assert catalog.fingerprint("lake.all") != before
