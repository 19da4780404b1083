"""Files of a kind that nobody plans for: one odd row, keys twice, types that no table has."""

from __future__ import annotations

import ast
import json
import re
import shutil
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField, StructType

from jupyter_mlinfra.catalog.stores.opening import CATALOG
from jupyter_mlinfra.core.errors import BadRequest, MLInfraError, Unprocessable
from jupyter_mlinfra.core.refs import Ref

NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
NUMBERS = [{"a": number} for number in range(100)]


def lines(rows: list[Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def quarantined(catalog, report) -> list[tuple[int, str, str]]:
    found = catalog.dataset(report.quarantine).scan().collect().sort("line")
    return found.select("line", "reason", "text").rows()


@pytest.mark.parametrize(
    ("odd", "text"), [(True, "true"), ({"x": 1}, '{"x": 1}'), ([1], "[1]")], ids=str
)
@pytest.mark.parametrize("late", [False, True], ids=["same block", "later block"])
def test_one_odd_row_of_json_goes_to_quarantine_or_all_is_text(catalog, file, odd, text, late):
    many = 20_000 if late else 100
    path = file("a.jsonl", lines([*({"a": n} for n in range(many)), {"a": odd}, {"a": None}]))
    report = catalog.ingest([path], into="t.a")
    assert (report.rows_written, report.schema) == (many + 1, {"a": "i64"})
    reason = f"{text} in field 'a', which has numbers"
    assert quarantined(catalog, report) == [(many + 1, reason, f'{{"a": {text}}}')]
    report = catalog.ingest([path], into="t.text", types={"a": "str"})
    assert (report.rows_written, report.quarantined) == (many + 2, 0)
    words = catalog.dataset("t.text").scan().collect()["a"].to_list()
    assert [words[0], words[-2], words[-1]] == ["0", text, None]


def test_texts_beside_objects_are_text_however_far_apart(catalog, file):
    """A cast of an object to text would give `{1}`, without its keys."""
    path = file("a.jsonl", lines([*({"a": "x"} for _ in range(20_000)), {"a": {"k": 1}}]))
    report = catalog.ingest([path], into="t.a")
    assert (report.rows_written, report.schema) == (20_001, {"a": "str"})
    assert catalog.dataset("t.a").scan().collect()["a"][-1] == '{"k": 1}'


def test_an_odd_value_deep_within_costs_its_row_alone(catalog, file, rows):
    good = {"id": 12345678901234567, "tags": [{"n": 1}], "at": {"x": 1}}
    odd = [{**good, "tags": [{"n": [2]}]}, {**good, "at": {"x": {}}}, {**good, "tags": {"n": 1}}]
    path = file("a.json", json.dumps([*[good] * 7, *odd]))
    report = catalog.ingest([path], into="t.a", max_bad=0.5)
    assert (report.rows_written, report.quarantined) == (7, 3)
    assert rows("t.a") == [good] * 7
    assert [line for line, _, _ in quarantined(catalog, report)] == [8, 9, 10]


def test_a_field_of_which_no_kind_counts_is_refused_with_lines_and_the_option(catalog, file):
    path = file("a.jsonl", '{"a": 1}\n\n{"a": [1]}\n')
    with pytest.raises(Unprocessable, match=r"numbers \(1, the first in line 1\) and lists") as why:
        catalog.ingest([path], into="t.a")
    assert "the first in line 3" in str(why.value)
    assert "--schema a=str" in why.value.fix
    many = file("b.jsonl", lines([*NUMBERS[:50], *[{"a": True}] * 20]))
    with pytest.raises(Unprocessable, match="20 of 70 rows") as why:
        catalog.ingest([many], into="t.a")
    assert "--schema a=str" in why.value.fix


def test_objects_asked_for_as_text_are_json(catalog, file, rows):
    path = file("a.jsonl", '{"id": 1, "o": {"k": ["ä", 1.5]}}\n{"id": 2, "o": {}}\n{"id": 3}\n')
    catalog.ingest([path], into="t.a", types={"o": "str"})
    texts = [row["o"] for row in rows("t.a")]
    assert [text and json.loads(text) for text in texts] == [{"k": ["ä", 1.5]}, {}, None]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.jsonl", '{"a": 1, "b": "t:1"}\n{"a": 2, "b": "\\"x\\": 1", "a": 3}\n{"a": 4}\n'),
        ("a.json", '[{"a": 1},\n{"a": 2, "c": [{"k": 1, "k": 2}]}, {"a": 4}]'),
        ("b.json", '{\n"a": 1}\n{\n"a": 2, "c": {"k" : 1, "k": 2}}\n{\n"a": 4}\n'),
    ],
)
def test_a_key_that_is_there_twice_costs_its_row(catalog, file, rows, name, text):
    report = catalog.ingest([file(name, text)], into="t.a")
    assert [row["a"] for row in rows("t.a")] == [1, 4]
    [(line, reason, _)] = quarantined(catalog, report)
    assert line == 2
    assert reason == f"the key {'a' if name == 'a.jsonl' else 'k'!r} is there twice"


def test_objects_without_fields_are_kept_and_told(catalog, file, rows):
    path = file("a.jsonl", lines([{"a": 1, "b": {}, "c": {"x": {}, "y": [{}]}}, {"a": 2}]))
    report = catalog.ingest([path], into="t.a")
    assert rows("t.a") == [
        {"a": 1, "b": "{}", "c": {"x": "{}", "y": ["{}"]}},
        {"a": 2, "b": None, "c": None},
    ]
    assert any("'b' holds objects without fields" in note for note in report.notes)
    catalog.write(pl.DataFrame({"o": [{}, None]}, schema={"o": pl.Struct([])}), into="t.frame")
    assert rows("t.frame") == [{"o": "{}"}, {"o": None}]


def test_durations_come_in_as_what_is_asked_for(catalog, tmp_path: Path, rows):
    path = tmp_path / "a.parquet"
    spans = [timedelta(hours=30, microseconds=5), timedelta(seconds=-1.5), None]
    pl.DataFrame({"d": spans}).write_parquet(path)
    with pytest.raises(Unprocessable, match="Duration") as why:
        catalog.ingest([path], into="t.a")
    assert "d=i64 (microseconds), d=f64 (seconds) or d=str" in why.value.fix
    values = {}
    for word in ("i64", "f64", "str"):
        catalog.ingest([path], into=f"t.{word}", types={"d": word})
        values[word] = catalog.dataset(f"t.{word}").scan().collect()["d"].to_list()
    assert values == {
        "i64": [108_000_000_005, -1_500_000, None],
        "f64": [108_000.000005, -1.5, None],
        "str": ["P1DT6H0.000005S", "-PT1.5S", None],
    }
    with pytest.raises(Unprocessable, match="Duration"):  # seconds or microseconds?
        catalog.ingest([path], into="t.i64", again=True)


@pytest.mark.parametrize("order", [("a", "ab"), ("ab", "a")])
def test_files_of_different_columns_are_refused_in_any_order(catalog, file, order):
    texts = {"a": "a\n1\n", "ab": "a,b\n1,2\n"}
    paths = [file(f"{name}.csv", texts[name]) for name in order]
    with pytest.raises(Unprocessable, match=r"a\.csv has no column 'b'"):
        catalog.ingest(paths, into="t.a")
    catalog.ingest([file("first.csv", "a\n0\n")], into="t.a")
    with pytest.raises(Unprocessable, match=r"ab\.csv has it"):
        catalog.ingest(paths, into="t.a")
    assert catalog.ingest(paths, into="t.a", union=True).rows_written == 2


def test_files_of_one_name_that_differ_in_columns_are_named_with_their_folders(catalog, tmp_path):
    for folder, text in (("x", "a,b\n1,2\n"), ("y", "a\n1\n")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "part-0.csv").write_text(text)
    with pytest.raises(Unprocessable) as caught:
        catalog.ingest([tmp_path / "x", tmp_path / "y"], into="t.a")
    assert caught.value.what.endswith("y/part-0.csv has no column 'b'.")
    assert "x/part-0.csv has it; " in caught.value.why


def test_a_repeated_ingest_tells_the_schema(catalog, file):
    path = file("a.csv", "a,b\n1,x\n")
    first, second = (catalog.ingest([path], into="t.a") for _ in range(2))
    assert second.rows_written == 0
    assert second.schema == first.schema == {"a": "i64", "b": "str"}


def test_layouts_of_arrow_that_polars_lacks_are_unfolded(catalog, tmp_path: Path, rows):
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array([7, None]))
    views = pa.ListViewArray.from_arrays(
        pa.array([1, 0, 2], pa.int32()),
        pa.array([2, 1, 0], pa.int32()),
        pa.array([5, 6, 7]),
        mask=pa.array([False, True, False]),
    )
    table = pa.table({"run": runs, "view": views})
    with (
        pa.OSFile(str(tmp_path / "a.arrow"), "w") as sink,
        pa.ipc.new_file(sink, table.schema) as writer,
    ):
        writer.write(table)
    catalog.ingest([tmp_path / "a.arrow"], into="t.a")
    expected = [{"run": 7, "view": [6, 7]}, {"run": 7, "view": None}, {"run": None, "view": []}]
    assert catalog.dataset("t.a").scan().collect().to_dicts() == expected


def test_json_of_arrow_in_parquet_is_its_text(catalog, tmp_path: Path, rows):
    texts = ['{"a": 1}', None]
    parquet.write_table(pa.table({"c": pa.array(texts, pa.json_())}), tmp_path / "a.parquet")
    catalog.ingest([tmp_path / "a.parquet"], into="t.a")
    catalog.ingest([tmp_path / "a.parquet"], into="t.b", types={"c": "str"})
    assert [row["c"] for row in rows("t.a")] == [row["c"] for row in rows("t.b")] == texts


def test_whole_numbers_above_those_of_a_dataset_name_what_keeps_them(catalog, tmp_path: Path):
    path, large = tmp_path / "a.parquet", [2**64 - 1, 2**63 + 1]
    pl.DataFrame({"c": pl.Series(large, dtype=pl.UInt64)}).write_parquet(path)
    for types in ({}, {"c": "f64"}):
        with pytest.raises(MLInfraError, match="are larger than") as why:
            catalog.ingest([path], into="t.a", types=types)
        assert "--schema 'c=dec[20,0]'" in why.value.fix
        assert "another dataset" not in why.value.fix
    catalog.ingest([path], into="t.a", types={"c": "dec[20,0]"})
    assert [int(value) for value in catalog.dataset("t.a").scan().collect()["c"]] == large


def test_formulas_that_nobody_computed_are_counted(catalog, tmp_path: Path, capfd, rows):
    book = openpyxl.Workbook()
    for cells in (["id", "twice"], [1, "=A2*2"], [2, "=A3*2"], [3, None]):
        book.active.append(cells)
    book.save(tmp_path / "a.xlsx")
    report = catalog.ingest([tmp_path / "a.xlsx"], into="t.a")
    [note] = report.notes
    assert note.startswith("2 cells of a.xlsx hold a formula whose value was never computed.")
    assert capfd.readouterr().err == ""
    assert [doubt.what for doubt in catalog.inspect([tmp_path / "a.xlsx"]).doubts] == [
        note.partition(" They are")[0]
    ]
    computed = tmp_path / "b.xlsx"
    with zipfile.ZipFile(tmp_path / "a.xlsx") as old, zipfile.ZipFile(computed, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, re.sub(rb"(?<=</f>)<v\s*/>|<v></v>", b"<v>4</v>", data))
    report = catalog.ingest([computed], into="t.b")
    assert (list(report.notes), [row["twice"] for row in rows("t.b")]) == ([], [4, 4, None])


def partitioned(place: Path) -> Path:
    """What Spark writes, with a file of the same bytes in two folders."""
    frame = pl.DataFrame({"id": [1, 2]})
    for folder in ("year=2023/at=a%3Ab", "year=2024/at=a%3Ab", "year=2024/at=" + NO_VALUE):
        (place / folder).mkdir(parents=True)
        frame.write_parquet(place / folder / "part-0.parquet")
    (place / "_SUCCESS").touch()
    return place


def test_folders_that_are_values_become_typed_columns(catalog, tmp_path: Path, rows):
    place = partitioned(tmp_path / "sales")
    inspected = catalog.inspect([place])
    assert [(column.name, column.type) for column in inspected.columns] == [
        ("id", "i64"),
        ("year", "i64"),
        ("at", "str"),
    ]
    report = catalog.ingest([place], into="t.a")
    assert (report.rows_written, list(report.notes)) == (6, [])
    assert rows("t.a") == sorted(
        [
            {"id": number, "year": year, "at": at}
            for number in (1, 2)
            for year, at in ((2023, "a:b"), (2024, "a:b"), (2024, None))
        ],
        key=repr,
    )
    assert catalog.ingest([place], into="t.a").rows_written == 0
    (place / "year=2025/at=x").mkdir(parents=True)  # the same bytes again, but other rows
    shutil.copy(place / "year=2024/at=a%3Ab/part-0.parquet", place / "year=2025/at=x")
    assert catalog.ingest([place], into="t.a").rows_written == 2
    catalog.ingest([place], into="t.text", types={"year": "str"})
    assert {row["year"] for row in rows("t.text")} == {"2023", "2024", "2025"}
    with pytest.raises(Unprocessable, match="at=a:b is not i64"):
        catalog.ingest([place], into="t.b", types={"at": "i64"})


def test_folders_of_text_files_and_a_column_of_the_file_itself(catalog, tmp_path: Path, rows):
    for month, text in (("01", "id\n1\n"), ("12", "id\nx\n2\n")):
        (tmp_path / "days" / f"month={month}").mkdir(parents=True)
        (tmp_path / "days" / f"month={month}" / "a.csv").write_text(text)
    report = catalog.ingest([tmp_path / "days"], into="t.a", types={"id": "i64"})
    assert rows("t.a") == [{"id": 1, "month": "01"}, {"id": 2, "month": "12"}]
    assert quarantined(catalog, report)[0][0] == 2
    (tmp_path / "days" / "month=12" / "a.csv").write_text("id,month\n1,12\n")
    with pytest.raises(BadRequest, match="has a column 'month', and lies in a folder"):
        catalog.ingest([tmp_path / "days"], into="t.b")


def test_one_file_of_such_folders_comes_in_as_it_is_and_says_so(catalog, tmp_path: Path):
    place = partitioned(tmp_path / "sales")
    one = place / "year=2023" / "at=a%3Ab" / "part-0.parquet"
    for files in ([one], [f"{place}/year=2023/*/*.parquet"], [place / "year=2023"]):
        report = catalog.ingest(files, into="t.a", mode="replace")
        [note] = report.notes
        assert f"catalog ingest {place} --into" in note
        assert catalog.inspect(files).notes == [note]
    assert list(report.columns) == ["id", "at"]


ALIGNED = "  name   n  day\n'b  c'  1  2024-01-31  \n\td\t-2   2024-02-01\n"


def test_a_table_aligned_by_blanks_is_a_doubt_until_it_is_said(catalog, file, rows):
    path = file("a.txt", ALIGNED)
    with pytest.raises(Unprocessable, match="runs of blanks would make 3") as why:
        catalog.ingest([path], into="t.a", quote="'")
    assert "--separator blanks" in why.value.fix
    report = catalog.ingest([path], into="t.a", separator="blanks", quote="'")
    assert report.schema == {"name": "str", "n": "i64", "day": "date"}
    assert [row["name"] for row in rows("t.a")] == ["b  c", "d"]
    bad = file("b.txt", f"\n{ALIGNED}e 3\n f x 2024-01-01\n")
    report = catalog.ingest([bad], into="t.b", separator="blanks", quote="'", types={"n": "i64"})
    assert [line for line, _, _ in quarantined(catalog, report)] == [5, 6]
    header = catalog.dataset(report.quarantine).scan().collect()["header"][0]
    assert header == "name\tn\tday"


def test_what_hive_writes_between_fields_is_found(catalog, file, rows):
    catalog.ingest([file("a.txt", "a\x01b\n1\x012,5;6|7\n")], into="t.a")
    assert rows("t.a") == [{"a": 1, "b": "2,5;6|7"}]


@pytest.mark.parametrize(
    ("text", "columns", "stops"),
    [
        ("a^b\n1^2\n", ["a", "b"], True),
        ("a~b\nx~y\n", ["a", "b"], False),
        ("1  2\n3  4\n", ["column_1", "column_2"], True),
        ("a b\n1 2 3\n4 5 6\n", ["row_names", "a", "b"], True),
    ],
)
def test_an_unusual_separator_is_pointed_out_with_the_option(catalog, file, text, columns, stops):
    path = file("a.csv", text)
    [doubt] = [one for one in catalog.inspect([path]).doubts if one.option == "separator"]
    assert doubt.stops == stops
    sign = ast.literal_eval(re.search(r"separator=('.+?')\)", doubt.fix)[1])
    options = {"header": columns[0] != "column_1", "row_names": columns[0] == "row_names"}
    inspected = catalog.inspect([path], separator=sign, **options)
    assert [column.name for column in inspected.columns] == columns


@pytest.mark.parametrize(
    "text",
    [
        "at\n2024-01-31 10:00\n2024-02-01 11:00\n",
        "2024-01-31 10:00\n2024-02-01 11:00\n",
        "at\n10:30\n11:30\n",
        "10:30\n11:30\n",
        "n\n1 234\n5 678\n",
        "1 234\n5 678\n",
        "text here\nsome words\nother words\n",
        "a\nx^y\n",
    ],
)
def test_one_column_of_words_or_moments_is_no_table(catalog, file, text):
    doubts = catalog.inspect([file("a.csv", text)]).doubts
    assert not [doubt for doubt in doubts if doubt.option == "separator"]


@pytest.mark.parametrize(
    ("words", "told", "options", "kind"),
    [
        (
            ["2026-01-01T10:00:00Z", "2026-01-02T10:00:00+01:00", "2026-01-03T10:00"],
            "a zone in some rows (2 of the first 3) and none in others",
            {"time_zone": "UTC"},
            "ts[us, tz]",
        ),
        (["€ 1.234,50", "€ -2,00"], "without '€' its values are numbers", {}, "str"),
        (["12 %", "13.5 %", ""], "without '%' its values are numbers", {}, "str"),
        (["\u22121", "2"], "its minus is the sign U+2212", {}, "str"),
        (
            ["20260101", "20251231"],
            "whole numbers that could be days",
            {"date_format": "%Y%m%d", "types": {"a": "date"}},
            "date",
        ),
        (
            ["2026-W01-1", "2025-W52-7"],
            "could be days of weeks",
            {"date_format": "%G-W%V-%u"},
            "date",
        ),
        (
            ["0.5", "-123456789012345678.0123456789"],
            "more digits than f64 keeps, such as -123456789012345678.0123456789: they are rounded",
            {"types": {"a": "dec[38,10]"}},
            "dec[38,10]",
        ),
    ],
)
def test_what_is_nearly_times_or_numbers_says_so(catalog, file, words, told, options, kind):
    path = file("a.csv", "a;b\n" + "".join(f"{word};x\n" for word in words))
    [note] = catalog.ingest([path], into="t.a").notes
    assert told in note
    report = catalog.ingest([path], into="t.b", **options)
    assert report.schema["a"] == kind
    assert report.quarantined == 0


@pytest.mark.parametrize(
    "words",
    [
        ["20269901", "20260101"],
        ["1", "20260101"],
        ["5 €", "cheap"],
        ["0.10000000000000000555", "0.30000000000000004"],
    ],
)
def test_what_is_neither_says_nothing(catalog, file, words):
    path = file("a.csv", "a;b\n" + "".join(f"{word};x\n" for word in words))
    assert list(catalog.ingest([path], into="t.a").notes) == []


def test_a_field_within_a_column_that_needs_a_value_says_so(catalog, project, file):
    schema = Schema(
        NestedField(1, "id", LongType()),
        NestedField(2, "s", StructType(NestedField(3, "x", LongType(), required=True))),
    )
    catalog.write(pl.DataFrame({"id": [1]}), into="t.first")
    uri, home = f"sqlite:///{project.home}/catalog.db", project.home
    other = SqlCatalog(CATALOG, uri=uri, warehouse=f"file://{home}/warehouse")
    other.create_table("t.a", schema)
    with pytest.raises(Unprocessable, match="needs a value in every row"):
        catalog.ingest([file("a.csv", "id\n1\n")], into="t.a", union=True)


def test_a_reference_with_a_blank_says_how_it_is_written():
    with pytest.raises(BadRequest) as why:
        Ref.parse("column:o.n.a b")
    assert "a blank is written %20" in why.value.fix
    with pytest.raises(BadRequest) as why:
        Ref.parse("odd:o.n")
    assert "Kinds: " in why.value.fix
