"""Files that are not what their names say: what they are is told, and nothing is taken in."""

from __future__ import annotations

import bz2
import gzip
import io
import math
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.catalog.formats import formulas
from jupyter_mlinfra.core.errors import Unprocessable

type Write = Callable[[str, str | bytes], Path]

TEXT = "id,word\n1,a\n2,ä\n"


def parquet() -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame({"id": [1]}).write_parquet(buffer)
    return buffer.getvalue()


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("a.csv", TEXT)
    return buffer.getvalue()


BYTES = {
    r"packed with gzip.*name a\.csv\.gz": gzip.compress(TEXT.encode()),
    r"packed with bzip2.*name a\.csv\.bz2": bz2.compress(TEXT.encode()),
    r"a Parquet file.*ends with \.parquet": parquet(),
    r"a zip archive or a workbook.*\.zip or \.xlsx": archive(),
    r"a workbook of old Excel": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100),
    r"a database of SQLite.*sqlite:///a\.csv#TABLE": b"SQLite format 3\0" + bytes(84),
    r"looks like a web page.*say --header": "<!DOCTYPE html>\n<html><body>404</body></html>\n",
    r"looks like JSON.*ends with \.json": '[{"id": 1}, {"id": 2}]\n',
    r"looks like utf-16-le.*--encoding utf-16-le": TEXT.encode("utf-16-le"),
    r"looks like utf-16-be.*--encoding utf-16-be": "id,word\n1,a\n".encode("utf-16-be"),
    r"line 2 does not belong to it(?!.*utf-16)": "id\n1ä".encode()[:-1],
    r"may be put together of several": "id\nä\n".encode() + "ö\n".encode("latin-1"),
    r"Line 2 holds a zero byte.*tr -d": b"id,word\n1,a\0b\n2,c\n",
    r"From line 3 on it holds zero bytes alone.*Fetch": b"id,word\n1,a\n" + bytes(500),
}


@pytest.mark.parametrize("told", BYTES)
def test_a_csv_that_is_none_says_what_it_is(catalog: Catalog, file: Write, told: str) -> None:
    path = file("a.csv", BYTES[told])
    with pytest.raises(Unprocessable, match=told):
        catalog.ingest([path], into="t.a")
    assert catalog.list().total == 0


def test_what_only_begins_like_a_page_is_read_when_asked(catalog: Catalog, file: Write) -> None:
    path = file("a.csv", "<html>,b\n1,2\n")
    assert catalog.ingest([path], into="t.a", header=True).rows_written == 1


def test_utf_16_without_its_mark_is_read_as_it_is_said(
    catalog: Catalog, file: Write, rows: Callable[[str], list[dict[str, Any]]]
) -> None:
    path = file("a.csv", TEXT.encode("utf-16-le"))
    assert catalog.inspect([path]).data[1] == ["a", "ä"]
    catalog.ingest([path], into="t.a", encoding="utf-16-le")
    assert rows("t.a") == [{"id": 1, "word": "a"}, {"id": 2, "word": "ä"}]


def test_a_workbook_that_is_none_says_what_it_is(catalog: Catalog, file: Write) -> None:
    for name, content, told in (
        ("a.xlsx", TEXT, r"It is text.*ends with \.csv"),
        ("a.xls", "<html><table></table></html>", r"a web page.*save it as \.xlsx"),
        ("b.xlsx", "", r"is empty.*0 bytes"),
    ):
        with pytest.raises(Unprocessable, match=told):
            catalog.ingest([file(name, content)], into="t.a")


def test_a_hidden_sheet_is_read_only_by_its_name(
    catalog: Catalog, tmp_path: Path, rows: Callable[[str], list[dict[str, Any]]]
) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    for sheet, word in ((book.active, "secret"), (book.create_sheet("data"), "seen")):
        sheet.append(["word", "group"])
        sheet.append([word, "a"])
        sheet.append([word, None])
        sheet.merge_cells("B2:B3")
    book.active.sheet_state, name = "hidden", book.active.title
    book.create_chartsheet("chart", 0)
    book.active = 2
    path = tmp_path / "a.xlsx"
    book.save(path)
    report = catalog.ingest([path], into="t.a")
    assert [row["word"] for row in rows("t.a")] == ["seen", "seen"]
    assert any("1 cell merged over several rows" in note for note in report.notes)
    assert catalog.ingest([path], into="t.a", sheet="data").skipped
    catalog.ingest([path], into="t.b", sheet=name)
    assert [row["word"] for row in rows("t.b")] == ["secret", "secret"]


def test_utf_8_that_is_read_as_ascii_is_found(catalog: Catalog, file: Write) -> None:
    with pytest.raises(Unprocessable, match="looks like utf-8"):
        catalog.ingest([file("a.csv", TEXT)], into="t.a", encoding="ascii")


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "cp1251"])
def test_utf_8_that_is_read_as_something_else_is_pointed_out(
    catalog: Catalog, file: Write, encoding: str
) -> None:
    path = file("a.csv", "id,word\n" + "1,Müller\n" * 50_000)
    (note,) = catalog.ingest([path], into="t.a", encoding=encoding).notes
    assert "looks like UTF-8" in note
    assert "'Müller' becomes 'M" in note
    other = file("b.csv", "id,word\n1,Müller ©\n".encode("latin-1"))
    assert catalog.ingest([other], into="t.b", encoding="latin-1").notes == []
    assert catalog.ingest([path], into="t.c", encoding="utf-8-sig").notes == []


def test_a_number_that_is_too_large_is_no_infinity(catalog: Catalog, file: Write) -> None:
    path = file("a.csv", "x\n1e400\ninf\n" + "1.5\n" * 200)
    report = catalog.ingest([path], into="t.a", types={"x": "f64"})
    assert (report.rows_written, report.quarantined) == (201, 1)
    assert "'1e400' in column 'x', which is f64" in report.summary
    assert catalog.dataset("t.a").scan().collect()["x"].max() == math.inf


SPARK = 'id,word,size\n1,"5\\" disk",2\n2,"plain",3\n'


def test_quotes_with_a_backslash_are_a_doubt_that_stops(
    catalog: Catalog, file: Write, rows: Callable[[str], list[dict[str, Any]]]
) -> None:
    """Spark writes them so; read as usual, a backslash would stay and the quote move."""
    path = file("a.csv", SPARK)
    with pytest.raises(Unprocessable, match=r"with a backslash.*doubled.*--quote"):
        catalog.ingest([path], into="t.a")
    assert any("backslash" in doubt.what for doubt in catalog.inspect([path]).doubts)
    assert catalog.ingest([path], into="t.a", quote='"').rows_written == 2


@pytest.mark.parametrize(
    "text",
    ['id,path\n1,"C:\\"\n2,"D:\\x"\n', "id,path\n1,a\\b\n", 'id,w\n1,"a ""b"" c\\"\n'],
)
def test_a_backslash_that_escapes_nothing_is_none(catalog: Catalog, file: Write, text: str) -> None:
    assert catalog.ingest([file("a.csv", text)], into="t.a").quarantined == 0


@pytest.mark.parametrize("block", [*range(16, 80, 3), 1 << 20])
def test_merged_cells_count_once_wherever_the_file_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    import openpyxl

    monkeypatch.setattr(formulas, "_BLOCK", block)
    book = openpyxl.Workbook()
    for cells in ("A1:B1", "A10:A123", "B10:B99", "C130:D130"):
        book.active.merge_cells(cells)
    path = tmp_path / "a.xlsx"
    book.save(path)
    assert formulas.merged_rows(path, book.active.title, above=0) == 2
    assert formulas.merged_rows(path, book.active.title, above=10) == 0
