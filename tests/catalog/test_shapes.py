"""Files whose shape is not the usual one: no rows, names twice, columns that differ, R's row names,
JSON over several lines, times that are too fine.
"""

from __future__ import annotations

import json
from datetime import datetime, time

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet

from jupyter_mlinfra.core.errors import TooLarge, Unprocessable


def types(catalog, name: str) -> dict[str, str]:
    return {column.name: column.type for column in catalog.show(name).schema}


def test_a_header_without_rows_makes_an_empty_table(catalog, file, tmp_path, rows):
    path = file("a.csv", "id,word\n")
    report = catalog.ingest([path], into="t.a", types={"id": "i64"})
    assert (report.rows_written, report.columns) == (0, ["id", "word"])
    assert "no rows" in report.notes[0]
    assert types(catalog, "t.a") == {"id": "i64", "word": "str"}
    assert catalog.preview("t.a").total == 0
    assert catalog.ingest([file("b.csv", "id,word\n1,x\n")], into="t.a").rows_written == 1
    pl.DataFrame(schema={"id": pl.Int32, "at": pl.Datetime("ms")}).write_parquet(
        tmp_path / "c.parquet"
    )
    catalog.ingest([tmp_path / "c.parquet"], into="t.c")
    assert types(catalog, "t.c") == {"id": "i32", "at": "ts[us]"}


def test_files_of_mixed_columns_are_joined_when_that_is_said(catalog, file, project, rows):
    folder = project.root / "data"
    folder.mkdir()
    (folder / "a.csv").write_text("id,x\n1,0.5\n")
    (folder / "b.csv").write_text("y,id\nb,2\n")
    with pytest.raises(Unprocessable, match="--union"):
        catalog.ingest(["data/*.csv"], into="t.a")
    catalog.ingest(["data/*.csv"], into="t.a", union=True)
    expected = duckdb.sql(f"FROM read_csv('{folder}/*.csv', union_by_name = true)").pl().to_dicts()
    assert rows("t.a") == sorted(expected, key=repr)
    # the dataset's own columns may be missing, too
    catalog.ingest([file("c.csv", "id\n3\n")], into="t.a", union=True)
    assert {"id": 3, "x": None, "y": None} in rows("t.a")


def test_a_wider_type_of_a_later_file_is_the_one_of_the_new_column(catalog, tmp_path, rows):
    pl.DataFrame({"n": [1]}, schema={"n": pl.Int32}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"n": [2**40]}).write_parquet(tmp_path / "b.parquet")
    catalog.ingest([tmp_path / "a.parquet", tmp_path / "b.parquet"], into="t.a")
    assert sorted(row["n"] for row in rows("t.a")) == [1, 2**40]


def test_a_name_that_is_there_twice_gets_a_number_and_one_that_is_too_long_is_cut(
    catalog, file, rows
):
    long = "x" * 300
    report = catalog.ingest(
        [file("a.csv", f'id,id,id_2,id,"a\nb",{long},{long}\n1,2,3,4,5,6,7\n')], into="t.a"
    )
    cut = "x" * 255
    assert rows("t.a") == [
        {"id": 1, "id_3": 2, "id_2": 3, "id_4": 4, "a b": 5, cut: 6, f"{cut[:-2]}_2": 7}
    ]
    (note,) = report.notes
    assert "'id' is called 'id_3'" in note
    assert [doubt.stops for doubt in catalog.inspect([file("b.csv", "a,a\n1,2\n")]).doubts] == [
        False
    ]
    catalog.ingest([file("c.csv", "a," * 1_000 + "a\n" + "1," * 1_000 + "1\n")], into="t.wide")
    assert catalog.show("t.wide").schema[-1].name == "a_1001"


def test_columns_of_maps_are_kept(catalog, tmp_path):
    table = pa.table(
        {
            "id": [1, 2, 3],
            "tags": pa.array([[("a", 1), ("b", 2)], [], None], pa.map_(pa.string(), pa.int64())),
        }
    )
    parquet.write_table(table, tmp_path / "a.parquet")
    catalog.ingest([tmp_path / "a.parquet"], into="t.a")
    assert types(catalog, "t.a")["tags"] == "map[str, i64]"
    frame = catalog.dataset("t.a").scan().collect()
    assert [row and dict(row) for row in frame["tags"].to_list()] == [{"a": 1, "b": 2}, {}, None]
    assert catalog.preview("t.a").data[1][2] is None


def test_parts_of_a_microsecond_are_cut_and_counted(catalog, file, tmp_path, rows):
    stamps = pa.array([1_356_998_400_000_000_123, 1_356_998_400_000_000_000], pa.timestamp("ns"))
    clocks = pa.array([1_000_000_001, None], pa.time64("ns"))
    parquet.write_table(pa.table({"at": stamps, "clock": clocks}), tmp_path / "a.parquet")
    report = catalog.ingest([tmp_path / "a.parquet"], into="t.a")
    assert [note.partition(".")[0] for note in report.notes] == [
        "Column 'at' has parts of a microsecond in 1 rows",
        "Column 'clock' has parts of a microsecond in 1 rows",
    ]
    assert rows("t.a") == [
        {"at": datetime(2013, 1, 1), "clock": None},
        {"at": datetime(2013, 1, 1), "clock": time(0, 0, 1)},
    ]
    text = "at\n2013-01-01T00:00:00.123456789\n2013-01-01T00:00:00.123456000\n"
    report = catalog.ingest([file("b.csv", text)], into="t.b")
    assert "'at' has parts of a microsecond in 1 rows" in report.notes[0]
    assert catalog.ingest([file("c.csv", text[:-30])], into="t.c", types={"at": "str"}).notes == []


def test_names_of_rows_of_r_become_a_column_when_that_is_said(catalog, file, rows):
    r = '"mpg" "cyl"\n"Mazda RX4" 21 6\n"Datsun 710" 22.8 4\n'
    with pytest.raises(Unprocessable, match="--row-names"):
        catalog.ingest([file("a.csv", r)], into="t.a", separator=" ")
    catalog.ingest([file("a.csv", r)], into="t.a", separator=" ", row_names=True)
    expected = pd.read_csv(file("a.csv", r), sep=" ").reset_index(names="row_names")
    assert rows("t.a") == sorted(expected.to_dict("records"), key=repr)
    torn = r + "".join(f'"n{n}" {n} {n}\n' for n in range(30)) + '"torn" 1\n'
    report = catalog.ingest([file("b.csv", torn)], into="t.b", separator=" ", row_names=True)
    assert (report.rows_written, report.quarantined) == (32, 1)
    assert "line 34 of b.csv" in report.summary


OBJECTS = [
    {"id": n, "text": 'a "{}" \\ ü' * (n % 3), "at": {"x": [n, {"y": None}]}} for n in range(5000)
]


@pytest.mark.parametrize("indent", [1, 4])
@pytest.mark.parametrize("between", ["\n", "", ",\n"])
def test_objects_over_several_lines_are_rows(catalog, file, indent, between):
    text = between.join(json.dumps(item, indent=indent, ensure_ascii=False) for item in OBJECTS)
    path = file("a.json", text)
    inspection = catalog.inspect([path])
    assert (inspection.whole, inspection.bad) == (False, 0)
    assert inspection.data[0][:3] == [0, 1, 2]
    catalog.ingest([path], into="t.a")
    frame = catalog.dataset("t.a").scan().select("id", "text").collect()
    assert frame.to_dicts() == [{"id": item["id"], "text": item["text"]} for item in OBJECTS]


def test_one_object_over_many_lines_is_one_row_and_what_is_none_is_set_aside(catalog, file, rows):
    catalog.ingest([file("a.json", '{\n  "n": 1\n}')], into="t.a")
    assert rows("t.a") == [{"n": 1}]
    report = catalog.ingest([file("b.json", '{\n  "n": 1\n}\n{\n  "n" 2\n}')], into="t.b")
    assert (report.rows_written, report.quarantined) == (1, 1)
    # its number among the objects
    assert catalog.sql("SELECT line FROM quarantine.t__b").item() == 2
    # a first line that is broken is one broken line, not the beginning of an object
    lines = '{"n": \n' + '{"n": 2}\n' * 20
    assert catalog.ingest([file("c.jsonl", lines)], into="t.c").rows_written == 20
    lines = '{"n": 1}x\n' + '{"n": 2}\n' * 20
    report = catalog.ingest([file("d.jsonl", lines)], into="t.d")
    assert (report.rows_written, report.quarantined) == (20, 1)
    lines = '{"n": 1} {"n": 2},\n{"n": 3}'
    assert catalog.ingest([file("e.jsonl", lines)], into="t.e").rows_written == 3


@pytest.mark.parametrize(
    "lines",
    [
        [{f"k{n}": n for n in range(10_000)}],
        [{f"k{n}": n} for n in range(6000)],
        [{"map": {f"k{n}": n}} for n in range(6000)],
        [{"list": [{f"k{n}": n}]} for n in range(6000)],
    ],
)
def test_more_field_names_than_columns_make_sense_are_refused_at_once(catalog, file, lines):
    path = file("a.jsonl", "\n".join(map(json.dumps, lines)))
    for look in (catalog.inspect, lambda paths: catalog.ingest(paths, into="t.a")):
        with pytest.raises(TooLarge, match="over 5,000 different field names") as caught:
            look([path])
        assert "json_columns" in caught.value.fix


def test_words_for_yes_and_no_are_hinted_at_and_read_when_it_is_said(catalog, file, rows):
    path = file("a.csv", "id,paid\n1,yes\n2,No\n3,\n4,y\n")
    assert "--schema paid=bool" in catalog.ingest([path], into="t.a").notes[0]
    catalog.ingest([path], into="t.b", types={"paid": "bool"})
    assert [row["paid"] for row in rows("t.b")] == [True, False, None, True]


def test_decimals_times_of_day_and_marks_of_numbers_are_read_as_they_are_said(catalog, file, rows):
    path = file("a.csv", 'price,clock\n"1,200.50",06:07\n3,23:59:59.5\n')
    catalog.ingest([path], into="t.a", types={"price": "dec[10,2]", "clock": "time"})
    assert types(catalog, "t.a") == {"price": "dec[10,2]", "clock": "time"}
    assert [str(row["price"]) for row in rows("t.a")] == ["1200.50", "3.00"]
    # digits that the type has no place for are not rounded away
    odd = "price\n" + "1.25\n" * 30 + "0.125\n"
    report = catalog.ingest([file("b.csv", odd)], into="t.b", types={"price": "dec[10,2]"})
    assert (report.rows_written, report.quarantined) == (30, 1)
