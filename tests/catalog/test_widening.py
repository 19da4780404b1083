"""Columns that become wider with the rows that need it; everything else is refused with the fix."""

from __future__ import annotations

import json
from decimal import Decimal

import duckdb
import polars as pl
import pytest

from jupyter_mlinfra.core.errors import Unprocessable

OLD = pl.DataFrame(
    {
        "small": [1, -2],
        "single": [0.5, 1.5],
        "money": [Decimal("1.25"), Decimal("99999999.99")],
        "word": ["a", "b"],
    },
    schema={
        "small": pl.Int32,
        "single": pl.Float32,
        "money": pl.Decimal(10, 2),
        "word": pl.String,
    },
)
NEW = OLD.cast({"small": pl.Int64, "single": pl.Float64, "money": pl.Decimal(20, 2)}).with_columns(
    small=pl.lit(2**40),
    single=pl.lit(0.1),
    money=pl.lit("123456789012.25").cast(pl.Decimal(20, 2)),
)


def types(catalog, name: str) -> list[str]:
    return [column.type for column in catalog.show(name).schema]


def test_wider_types_of_a_file_widen_the_columns_and_old_rows_stay_what_they_are(catalog, tmp_path):
    NEW.write_parquet(tmp_path / "new.parquet")
    first = catalog.write(OLD, into="t.a")
    report = catalog.ingest([tmp_path / "new.parquet"], into="t.a")
    assert report.schema == {"small": "i64", "single": "f64", "money": "dec[20,2]", "word": "str"}
    assert report.schema_changes == [
        "small: i32 → i64",
        "single: f32 → f64",
        "money: dec[10,2] → dec[20,2]",
    ]
    assert types(catalog, "t.a") == ["i64", "f64", "dec[20,2]", "str"]
    result = catalog.dataset("t.a").scan().collect()
    expected = duckdb.sql("FROM OLD UNION ALL FROM NEW").pl()
    assert result.sort("small").to_dicts() == expected.sort("small").to_dicts()
    assert catalog.dataset("t.a").scan(first.snapshot).collect().to_dicts() == OLD.to_dicts()
    assert catalog.preview("t.a").total == 4
    # what is narrower fits, and changes nothing
    again = catalog.write(OLD, into="t.a")
    assert (again.schema_changes, again.schema) == ([], report.schema)


def test_whole_numbers_become_floats_where_a_file_would_be_refused_otherwise(catalog, file, rows):
    catalog.ingest([file("a.csv", "id,n\n1,10\n2,20\n")], into="t.a")
    catalog.ingest([file("b.csv", "id,n\n3,30\n")], into="t.a")
    report = catalog.ingest([file("c.csv", "id,n\n4,0.5\n5,1.5\n6,7\n")], into="t.a")
    assert report.schema_changes == ["n: i64 → f64"]
    assert (report.rows_written, report.quarantined) == (3, 0)
    expected = [{"id": i, "n": n} for i, n in enumerate([10.0, 20.0, 30.0, 0.5, 1.5, 7.0], 1)]
    assert rows("t.a") == expected
    assert [snapshot.rows.value for snapshot in catalog.snapshots("t.a").items] == [6, 3, 2]
    # files of earlier ingests still count
    assert catalog.ingest([file("d.csv", "id,n\n1,10\n2,20\n")], into="t.a").skipped
    # one odd value among many is set aside as before
    catalog.ingest([file("e.csv", "n\n" + "1\n" * 30)], into="t.b")
    report = catalog.ingest([file("f.csv", "n\n" + "2\n" * 30 + "2.5\n")], into="t.b")
    assert (report.quarantined, report.schema_changes) == (1, [])


def test_a_whole_number_that_no_float_keeps_stops_the_widening(catalog, file, rows, stored):
    catalog.ingest([file("a.csv", f"n\n{2**53 + 1}\n")], into="t.a")
    before = stored()
    with pytest.raises(Unprocessable, match="9007199254740993") as caught:
        catalog.ingest([file("b.csv", "n\n0.5\n")], into="t.a")
    assert caught.value.fix
    assert (rows("t.a"), stored()) == ([{"n": 2**53 + 1}], before)
    catalog.tag("column:t.a.n", add=["pii"])
    with pytest.raises(Unprocessable, match="The dataset has a masked value") as caught:
        catalog.ingest([file("b.csv", "n\n0.5\n")], into="t.a")
    assert "9007199254740993" not in str(caught.value)


def test_floats_are_not_upserted_into_whole_numbers(catalog, file, rows):
    catalog.ingest([file("a.csv", "id,n\n1,10\n")], into="t.a")
    with pytest.raises(Unprocessable, match=r"by an upsert.*--schema n=f64"):
        catalog.ingest([file("b.csv", "id,n\n1,0.5\n")], into="t.a", mode="upsert", key="id")
    assert rows("t.a") == [{"id": 1, "n": 10}]


def test_a_type_that_is_asked_for_widens_and_no_other_is_taken(catalog, file):
    catalog.ingest([file("a.csv", "n,w\n1,x\n")], into="t.a")
    report = catalog.ingest([file("b.csv", "n,w\n2,y\n")], into="t.a", types={"n": "f64"})
    assert report.schema_changes == ["n: i64 → f64"]
    with pytest.raises(Unprocessable, match=r"cannot become i64.*--replace"):
        catalog.ingest([file("c.csv", "n,w\n3,y\n")], into="t.a", types={"n": "i64"})
    with pytest.raises(Unprocessable, match="'w' cannot become date"):
        catalog.ingest([file("c.csv", "n,w\n3,y\n")], into="t.a", types={"w": "date"})
    replaced = catalog.ingest(
        [file("c.csv", "n,w\n3,2024-01-01\n")], into="t.a", mode="replace", types={"w": "date"}
    )
    assert replaced.schema == {"n": "i64", "w": "date"}
    assert replaced.schema_changes == ["n: f64 → i64", "w: str → date"]


def test_new_columns_are_recorded(catalog, file):
    catalog.ingest([file("a.csv", "n\n1\n")], into="t.a")
    report = catalog.ingest([file("b.csv", "n,w\n2,x\n")], into="t.a")
    assert report.schema_changes == ["w: new, str"]


def test_an_upsert_widens_what_needs_no_other_file_and_refuses_the_rest(catalog, rows):
    old = pl.DataFrame({"id": [1, 2, 3], "n": [1, 2, 3]}, schema={"id": pl.Int32, "n": pl.Int64})
    catalog.write(old, into="t.a")
    new = pl.DataFrame({"id": [2, 2**40], "n": [20, 40]})
    report = catalog.write(new, into="t.a", mode="upsert", key="id")
    assert (report.schema_changes, report.rows_updated) == (["id: i32 → i64"], 1)
    assert {row["id"]: row["n"] for row in rows("t.a")} == {1: 1, 2: 20, 3: 3, 2**40: 40}


def test_a_dry_run_counts_everything_and_writes_nothing(catalog, file, stored, project):
    text = "n,w\n" + "".join(f"{n},x\n" for n in range(20)) + "odd,y\n"
    path = file("a.csv", text)
    report = catalog.ingest([path], into="t.a", dry_run=True)
    assert (report.rows_written, report.quarantined, report.snapshot, report.quarantine) == (
        20,
        1,
        None,
        None,
    )
    assert report.schema == {"n": "i64", "w": "str"}
    assert report.summary.startswith("Nothing was written")
    assert "line 22 of a.csv" in report.summary
    assert catalog.list().total == 0
    assert not list(project.home.glob("quarantine/**/*.parquet"))
    overridden = catalog.ingest([path], into="t.a", dry_run=True, types={"n": "str"})
    assert (overridden.schema, overridden.quarantined) == ({"n": "str", "w": "str"}, 0)
    catalog.ingest([path], into="t.a")
    before = stored()
    report = catalog.ingest([file("b.csv", "n,w,z\n1,a,2\n")], into="t.a", dry_run=True)
    assert (report.schema_changes, report.rows_written) == (["z: new, i64"], 1)
    assert catalog.ingest([path], into="t.a", dry_run=True).skipped
    with pytest.raises(Unprocessable, match="no column 'w'"):
        catalog.ingest([file("c.csv", "n\n1\n")], into="t.a", dry_run=True)
    assert stored() == before
    assert catalog.snapshots("t.a").total == 1


def test_the_command_line_takes_a_schema_and_a_dry_run(project, file, capfd, monkeypatch):
    from jupyter_mlinfra.cli.app import main

    path = file("a.csv", "id,price,day\n1,2.50,2024-01-02\n")
    words = ["catalog", "ingest", str(path), "--into", "t.a", "--json", "--dry-run"]
    monkeypatch.chdir(project.root)
    with pytest.raises(SystemExit) as ended:
        main([*words, "--schema", "id=str,price=dec[10,2]", "--schema", "day=str"])
    assert not ended.value.code
    report = json.loads(capfd.readouterr().out)
    assert report["schema"] == {"id": "str", "price": "dec[10,2]", "day": "str"}
    assert (report["snapshot"], report["rows_written"]) == (None, 1)
