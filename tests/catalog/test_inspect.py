"""What an ingest would read, before anything is written."""

from __future__ import annotations

import gzip
import json

import polars as pl
import pytest

from jupyter_mlinfra.catalog import text
from jupyter_mlinfra.core.errors import Unprocessable

EUROPEAN = "Datum;Kunde;Umsatz\n20.01.1962;Müller;1.649,37\n21.01.1962;Köhler;649,38\n"


def test_a_foreign_file_is_shown_as_it_would_be_read(catalog, project, file):
    path = project.root / "verkauf.csv"
    path.write_bytes(EUROPEAN.encode("cp1252"))
    inspection = catalog.inspect([path])
    assert [
        (column.name, column.type, column.guessed, column.decimal, column.date_format)
        for column in inspection.columns
    ] == [
        ("Datum", "date", True, ".", "%d.%m.%Y"),
        ("Kunde", "str", True, ".", ""),
        ("Umsatz", "f64", True, ",", ""),
    ]
    assert inspection.data == [
        ["1962-01-20", "1962-01-21"],
        ["Müller", "Köhler"],
        [1649.37, 649.38],
    ]
    (found,) = inspection.files
    assert (found.path, found.kind, found.encoding, found.separator, found.header, found.skip) == (
        "verkauf.csv",
        "csv",
        "cp1252",
        ";",
        True,
        0,
    )
    assert set(found.guessed) == {"encoding", "separator", "quote", "comment", "skip", "header"}
    assert (
        inspection.whole,
        inspection.rows,
        inspection.bad,
        inspection.exists,
        inspection.refused,
    ) == (True, 2, 0, False, "")
    assert [(doubt.option, doubt.stops) for doubt in inspection.doubts] == [("encoding", True)]
    inspection = catalog.inspect([path], encoding="cp1252", separator=";", types={"Umsatz": "str"})
    assert "encoding" not in inspection.files[0].guessed
    assert (inspection.columns[2].type, inspection.columns[2].guessed, inspection.doubts) == (
        "str",
        False,
        [],
    )
    assert catalog.list().total == 0
    assert not (project.home / "catalog.db").exists()


def test_what_would_be_refused_is_told_and_shown(catalog, file):
    inspection = catalog.inspect([file("a.csv", "5.1,3.5\n4.9,3.0\n")])
    assert [(doubt.option, doubt.stops) for doubt in inspection.doubts] == [("header", True)]
    assert (inspection.files[0].header, inspection.shown) == (False, 2)
    inspection = catalog.inspect([file("b.csv", EUROPEAN)], types={"Kunde": "i64"})
    assert (inspection.bad, inspection.shown) == (2, 0)
    assert "Kunde=str" in inspection.refused
    assert [(row.line, row.text) for row in inspection.broken] == [
        (2, "20.01.1962;Müller;1.649,37"),
        (3, "21.01.1962;Köhler;649,38"),
    ]
    with pytest.raises(Unprocessable, match="is not utf-8"):
        catalog.inspect([file("c.csv", EUROPEAN.encode("cp1252"))], encoding="utf-8")


def test_the_types_of_a_dataset_that_is_there_count_unless_it_is_replaced(catalog, file):
    first = catalog.ingest([file("a.csv", "id,x\n1,w\n")], into="t.a")
    inspection = catalog.inspect([file("b.csv", "id,x,new\n2,3,4\n")], into="t.a")
    assert [(column.name, column.type, column.in_dataset) for column in inspection.columns] == [
        ("id", "i64", True),
        ("x", "str", True),
        ("new", "i64", False),
    ]
    assert (inspection.exists, inspection.files[0].snapshot) == (True, None)
    assert [
        column.type
        for column in catalog.inspect(
            [file("b.csv", "id,x,new\n2,3,4\n")], into="t.a", mode="replace"
        ).columns
    ] == ["i64", "i64", "i64"]
    assert (
        catalog.inspect([file("copy.csv", "id,x\n1,w\n")], into="t.a").files[0].snapshot
        == first.snapshot
    )
    with pytest.raises(Unprocessable, match="no column 'x'"):
        catalog.inspect([file("c.csv", "id\n1\n")], into="t.a")


@pytest.mark.parametrize(
    "kind", ["a.csv", "a.csv.gz", "a.jsonl", "a.json", "a.parquet", "utf16.csv"]
)
def test_of_a_large_file_only_the_beginning_is_read(catalog, tmp_path, kind, monkeypatch):
    """Half a million rows; whatever comes after the head is not looked at: in the packed file it is
    damaged.
    """
    frame = pl.DataFrame({"id": range(500_000), "word": ["two\nlines, and “more”"] * 500_000})
    path = tmp_path / kind
    if kind == "a.parquet":
        frame.write_parquet(path)
    else:
        content = {
            "csv": frame.write_csv,
            "gz": frame.write_csv,
            "jsonl": frame.write_ndjson,
            "json": lambda: json.dumps(frame.to_dicts()),
        }
        data = content[kind.rpartition(".")[2]]().encode("utf-16" if "16" in kind else "utf-8")
        path.write_bytes(gzip.compress(data, 1)[:-9000] if kind.endswith("gz") else data)
    monkeypatch.setattr(text, "_check", counted := Counted(text._check))
    inspection = catalog.inspect([path])
    assert counted.bytes <= text.HEAD
    assert (inspection.whole, inspection.bad, inspection.shown) == (False, 0, 50)
    assert 900 < inspection.rows < 20_000
    assert [(column.name, column.type) for column in inspection.columns] == [
        ("id", "i64"),
        ("word", "str"),
    ]
    assert inspection.data[0] == list(range(50))
    assert set(inspection.data[1]) == {"two\nlines, and “more”"}


class Counted:
    def __init__(self, real):
        self.real, self.bytes = real, 0

    def __call__(self, block, *given, **options):
        self.bytes += len(block)
        return self.real(block, *given, **options)


def test_a_wide_head_with_one_open_quote_is_shown(catalog, file):
    inspection = catalog.inspect([file("a.csv", 'id,x\n1,5" pipe\n' + "2,b\n" * 200_000)])
    assert (inspection.whole, inspection.data[1][:2]) == (False, ['5" pipe', "b"])


def test_many_files_are_listed_and_the_first_are_looked_at(catalog, project):
    (project.root / "data").mkdir()
    for number in range(30):
        (project.root / "data" / f"{number:02d}.csv").write_text(f"id\n{number}\n")
    inspection = catalog.inspect(["data/*.csv"])
    assert ([file.path for file in inspection.files], inspection.rows, inspection.whole) == (
        [f"data/{number:02d}.csv" for number in range(30)],
        20,
        False,
    )
