"""Files of further formats: packed ones, members of archives, Arrow's own, workbooks; each read
back beside another library.
"""

from __future__ import annotations

import bz2
import gzip
import io
import warnings
import zipfile
from datetime import date, datetime, time

import openpyxl
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import feather

from jupyter_mlinfra.core.errors import (
    BadRequest,
    MLInfraError,
    NotFound,
    TooLarge,
    Unprocessable,
)

TEXT = "id,word\n" + "".join(f"{number},w{number % 7}\n" for number in range(1, 3001))


def packed(data: bytes, codec: str) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, codec) as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


def zipped(members: dict[str, str | bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return sink.getvalue()


def outcome(catalog, path) -> tuple[int, str]:
    """The rows that came in, or the fix of an error of ours."""
    try:
        return catalog.ingest([path], into="t.a", mode="replace").rows_written, ""
    except MLInfraError as error:
        return 0, error.fix


PACKED = {
    "a.csv.gz": gzip.compress,
    "a.csv.bz2": bz2.compress,
    "a.csv.zst": lambda data: packed(data, "zstd"),
    "a.csv.lz4": lambda data: packed(data, "lz4"),
    # files that were packed in parts and put one after the other
    "b.csv.bz2": lambda data: bz2.compress(data[:999]) + bz2.compress(data[999:]),
    "b.csv.zst": lambda data: packed(data[:999], "zstd") + packed(data[999:], "zstd"),
    "b.csv.lz4": lambda data: packed(data[:999], "lz4") + packed(data[999:], "lz4"),
    "a.zip": lambda data: zipped({"a.csv": data}),
}


@pytest.mark.parametrize("name", PACKED)
def test_a_packed_file_is_read_as_what_was_packed(catalog, file, rows, name):
    path = file(name, PACKED[name](TEXT.encode()))
    inspection = catalog.inspect([path])
    assert (inspection.rows, [column.type for column in inspection.columns]) == (
        3000,
        ["i64", "str"],
    )
    report = catalog.ingest([path], into="t.a")
    assert report.rows_written == 3000
    expected = pl.read_csv(TEXT.encode()).to_dicts()
    assert rows("t.a") == sorted(expected, key=repr)
    assert catalog.ingest([path], into="t.a").skipped


@pytest.mark.parametrize("name", [*PACKED, "c.jsonl.zst"])
def test_a_packed_file_that_is_cut_or_flipped_is_refused_or_read_right(
    catalog, tmp_path, stored, name
):
    """No damage is an error of ours, and no half of a file comes in."""
    pack = PACKED.get(name, PACKED["a.csv.zst"])
    text = TEXT if "csv" in name or "zip" in name else '{"id": 1, "word": "w"}\n' * 3000
    content, path = pack(text.encode()), tmp_path / name
    # Arrow writes no checksums for these, so a flipped byte may be another sign of the text.
    flips = not name.endswith(("zst", "lz4"))
    refused = 0
    for place in range(3, len(content), len(content) // 4):
        flipped = content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]
        for damaged in (content[:place], *([flipped] if flips else [])):
            path.write_bytes(damaged)
            written, fix = outcome(catalog, path)
            assert fix or written == 3000
            refused += bool(fix)
    assert refused >= 4  # every cut one


def test_a_packed_file_that_unfolds_without_end_is_refused(catalog, file):
    data = b"id\n" + b"1\n" * 36_000_000
    for name in ("a.csv.zst", "a.zip"):
        with pytest.raises(TooLarge, match="unfolds"):
            catalog.ingest([file(name, PACKED[name](data))], into="t.a")


def test_all_members_of_one_kind_or_those_that_are_named(catalog, file, rows):
    first, second = "id\n1\n", "id\n2\n"
    path = file("a.zip", zipped({"x.csv": first, "y.csv": second, "__MACOSX/x.csv": "junk"}))
    report = catalog.ingest([path], into="t.a")
    assert (report.rows_written, rows("t.a")) == (2, [{"id": 1}, {"id": 2}])
    assert catalog.ingest([f"{path}!y.csv"], into="t.b").rows_written == 1
    assert rows("t.b") == [{"id": 2}]
    # the same content is the same file, whatever it came in
    again = catalog.ingest([file("plain.csv", second), f"{path}!x.csv"], into="t.b")
    assert (len(again.skipped), rows("t.b")) == (1, [{"id": 1}, {"id": 2}])
    mixed = file("mixed.zip", zipped({"x.csv": first, "notes.md": "# Read me"}))
    with pytest.raises(BadRequest, match=r"several kinds.*mixed\.zip!"):
        catalog.ingest([mixed], into="t.c")
    assert catalog.ingest([f"{mixed}!*.csv"], into="t.c").rows_written == 1
    with pytest.raises(NotFound, match=r"no member z\.csv.*x\.csv"):
        catalog.ingest([f"{path}!z.csv"], into="t.c")
    with pytest.raises(NotFound, match="no file"):
        catalog.ingest([f"{path.parent}/none.zip!z.csv"], into="t.c")


def test_a_member_with_a_password_and_one_that_is_packed_again_are_named(catalog, file):
    data = bytearray(zipped({"x.csv": "id\n1\n"}))
    data[6] |= 1  # the mark of a password, in both headers
    data[data.rindex(b"PK\1\2") + 8] |= 1
    with pytest.raises(Unprocessable, match="password"):
        catalog.ingest([file("a.zip", bytes(data))], into="t.a")
    with pytest.raises(BadRequest, match="not of a kind"):
        catalog.ingest([file("b.zip", zipped({"x.csv.gz": gzip.compress(b"id\n1\n")}))], into="t.a")


EVERYTHING = pa.table(
    {
        "whole": pa.array([1, None, 3], pa.int32()),
        "word": ["ä", None, "c"],
        "kind": pa.array(["a", "b", "a"]).dictionary_encode(),
        "at": pa.array([datetime(2013, 1, 1, 5), None, None], pa.timestamp("ms")),
        "day": [date(2013, 1, 1), None, date(1, 1, 1)],
        "clock": pa.array([time(1, 2, 3, 456), None, None], pa.time64("us")),
        "list": pa.array([[1, 2], None, []], pa.list_(pa.int64())),
        "view": pa.array(["x" * 20, None, "y"], pa.string_view()),
    }
)


def arrow_file(path, table):
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=2)


def arrow_stream(path, table):
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=2)


def feather_1(path, table):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        feather.write_feather(table, path, version=1)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.arrow", arrow_file),
        ("a.arrows", arrow_stream),
        ("b.arrow", arrow_stream),  # its content says what it is
        ("a.feather", lambda path, table: feather.write_feather(table, path, compression="lz4")),
        ("b.feather", lambda path, table: feather.write_feather(table, path, compression="zstd")),
        ("c.feather", feather_1),
    ],
)
def test_arrows_files_come_in_with_their_types(catalog, tmp_path, name, write):
    table = EVERYTHING
    if write is feather_1:
        table = table.select(["whole", "word", "day"])
    path = tmp_path / name
    write(path, table)
    assert catalog.inspect([path]).whole
    catalog.ingest([path], into="t.a")
    expected = table.to_pylist()
    assert catalog.dataset("t.a").scan().collect().to_dicts() == expected
    types = {column.name: column.type for column in catalog.show("t.a").schema}
    assert types["whole"] == "i32"
    if "list" in table.column_names:
        assert (types["kind"], types["at"], types["clock"], types["list"]) == (
            "str",
            "ts[us]",
            "time",
            "list[i64]",
        )


def test_of_a_large_arrow_file_only_the_beginning_is_looked_at(catalog, tmp_path):
    table = pa.table({"n": range(300_000)})
    for name, write in (("a.arrow", arrow_file), ("b.arrow", arrow_stream)):
        with pa.OSFile(str(tmp_path / name), "wb") as sink:
            new = pa.ipc.new_file if write is arrow_file else pa.ipc.new_stream
            with new(sink, table.schema) as writer:
                writer.write_table(table)
        inspection = catalog.inspect([tmp_path / name])
        assert (inspection.whole, inspection.rows) == (False, 1000)
        catalog.ingest([tmp_path / name], into="t.a", mode="replace")
        assert catalog.dataset("t.a").scan().collect()["n"].to_list() == list(range(300_000))


@pytest.mark.parametrize("write", [arrow_file, arrow_stream])
def test_a_damaged_arrow_file_is_refused_or_read_right(catalog, tmp_path, write):
    path = tmp_path / "a.arrow"
    write(path, EVERYTHING)
    content = path.read_bytes()
    for place in range(5, len(content) - 20, len(content) // 8):
        for damaged in (content[:place], content[:place] + b"\xff" + content[place + 1 :]):
            path.write_bytes(damaged)
            written, fix = outcome(catalog, path)
            assert fix or written


@pytest.fixture
def book(tmp_path):
    """A workbook of two sheets, written by openpyxl."""

    def write(name: str = "book.xlsx", *, above: int = 0, **sheets: list[list[object]]):
        workbook = openpyxl.Workbook()
        workbook.remove(workbook.active)
        for title, cells in sheets.items():
            sheet = workbook.create_sheet(title)
            for row, values in enumerate(cells, above + 1):
                for column, value in enumerate(values, 1):
                    sheet.cell(row, column, value)
        workbook.save(tmp_path / name)
        return tmp_path / name

    return write


SALES = [
    ["id", "city", "price", "day", "at", "clock", "paid", "note"],
    [1, "Köln", 1.5, date(2024, 1, 2), datetime(2024, 1, 2, 3, 4, 5), time(6, 7), True, None],
    [2, None, 2, date(2024, 1, 3), datetime(2024, 1, 3), time(23, 59, 59), False, "x"],
    [3, "0123", None, None, None, None, None, 7],
]


def test_a_sheet_comes_in_as_openpyxl_reads_it(catalog, book):
    path = book(sales=SALES, other=[["a"], ["b"]])
    report = catalog.ingest([path], into="t.a")
    assert "2 sheets; 'sales' is read" in report.notes[0]
    header, *cells = openpyxl.load_workbook(path)["sales"].iter_rows(values_only=True)
    frame = catalog.dataset("t.a").scan().collect()
    expected = [dict(zip(header, row, strict=True)) for row in cells]
    for row in expected:
        row["day"] = row["day"] and row["day"].date()
        row["note"] = None if row["note"] is None else str(row["note"])
    assert frame.to_dicts() == expected
    assert {column.name: column.type for column in catalog.show("t.a").schema} == {
        "id": "i64",
        "city": "str",
        "price": "f64",
        "day": "date",
        "at": "ts[us]",
        "clock": "time",
        "paid": "bool",
        "note": "str",
    }
    # another sheet of the same file holds other rows
    assert catalog.ingest([path], into="t.a").skipped
    assert catalog.ingest([path], into="t.b", sheet="other").rows_written == 1
    assert catalog.ingest([path], into="t.b", sheet="2").skipped
    with pytest.raises(BadRequest, match="Sheets: sales, other"):
        catalog.ingest([path], into="t.b", sheet="third")


def test_rows_above_the_header_of_a_sheet_are_a_doubt_and_lines_are_those_of_the_sheet(
    catalog, book
):
    cells = [["Sales of 2024"], [], ["id", "name"], *[[n, f"n{n}"] for n in range(1, 21)]]
    path = book(sales=cells, above=2)
    with pytest.raises(Unprocessable, match="--skip 4"):
        catalog.ingest([path], into="t.a")
    assert catalog.ingest([path], into="t.a", skip=4).rows_written == 20
    worse = [["id", "name"], *[[n if n != 7 else 2.5, "x"] for n in range(1, 21)]]
    report = catalog.ingest([book("worse.xlsx", sales=worse)], into="t.a")
    assert (report.rows_written, report.quarantined) == (19, 1)
    assert "line 8 of worse.xlsx" in report.summary


def test_what_is_no_workbook_is_named(catalog, file, book):
    with pytest.raises(Unprocessable, match=r"is no workbook\. It is text") as caught:
        catalog.ingest([file("a.xlsx", "id\n1\n")], into="t.a")
    assert caught.value.fix
    content = book(sales=SALES).read_bytes()
    with pytest.raises(Unprocessable, match="not a whole workbook"):
        catalog.ingest([file("half.xlsx", content[: len(content) // 2])], into="t.a")
    with pytest.raises(Unprocessable, match="no cells"):
        catalog.ingest([book("blank.xlsx", empty=[])], into="t.a")
