"""Sheets whose cells are of several kinds, in Excel's format and in OpenDocument's."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import openpyxl
import pytest

from jupyter_mlinfra.catalog import Catalog

SPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for name in ("office", "table", "text")
)


def number(value: float) -> str:
    return f'<table:table-cell office:value-type="float" office:value="{value}"/>'


def text(value: str, **more: object) -> str:
    marks = " ".join(f'table:{name.replace("_", "-")}="{mark}"' for name, mark in more.items())
    return (
        f'<table:table-cell office:value-type="string" {marks}><text:p>{value}</text:p>'
        "</table:table-cell>"
    )


def span(value: str) -> str:
    return f'<table:table-cell office:value-type="time" office:time-value="{value}"/>'


def day(value: str) -> str:
    return f'<table:table-cell office:value-type="date" office:date-value="{value}"/>'


@pytest.fixture
def ods(tmp_path: Path) -> Callable[..., Path]:
    """Writes rows of cells as LibreOffice does, with the many empty rows below them."""

    def write(*rows: list[str], above: int = 0) -> Path:
        lines = "".join(f"<table:table-row>{''.join(row)}</table:table-row>" for row in rows)
        blank = (
            "<table:table-row table:number-rows-repeated='{}'><table:table-cell/></table:table-row>"
        )
        body = (
            f"<office:document-content {SPACES}><office:body><office:spreadsheet>"
            f"<table:table table:name='s'>{blank.format(above) if above else ''}{lines}"
            f"{blank.format(1_000_000)}</table:table>"
            "</office:spreadsheet></office:body></office:document-content>"
        )
        with zipfile.ZipFile(tmp_path / "a.ods", "w") as book:
            book.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
            book.writestr("META-INF/manifest.xml", "<manifest/>")
            book.writestr("content.xml", body)
        return tmp_path / "a.ods"

    return write


@pytest.fixture
def xlsx(tmp_path: Path) -> Callable[..., Path]:
    def write(values: list[object], *, iso: bool = False) -> Path:
        book = openpyxl.Workbook(iso_dates=iso)
        for row in [["k", "v"], *enumerate(values)]:
            book.active.append(list(row))
        book.save(tmp_path / "a.xlsx")
        return tmp_path / "a.xlsx"

    return write


def values(catalog: Catalog, path: Path, **options: object) -> tuple[list[object], list[str]]:
    """The column `v` of an ingest, and what was said of it."""
    report = catalog.ingest([path], into="t.a", **options)
    return catalog.dataset("t.a").scan().collect()["v"].to_list(), list(report.notes)


HOURS = [timedelta(hours=9), time(10, 30), timedelta(hours=27, minutes=5), None]


def test_hours_and_times_of_day_in_one_column_are_spans(catalog: Catalog, xlsx):
    """A sheet of hours, in which some cells have the format h:mm and some [h]:mm."""
    found, _ = values(catalog, xlsx(HOURS), types={"v": "f64"})
    assert found == [9 * 3600.0, 10.5 * 3600, 27 * 3600 + 300.0, None]


@pytest.mark.parametrize(
    ("others", "written"),
    [
        ([1.5, 2], ["1.5", "2", "27:05:00", "10:30:00"]),
        (["late", "x"], ["late", "x", "27:05:00", "10:30:00"]),
        ([True, False], ["true", "false", "27:05:00", "10:30:00"]),
        (
            [datetime(2024, 1, 2, 3, 4, 5), date(1899, 12, 30)],
            ["2024-01-02 03:04:05", "00:00:00", "27:05:00", "10:30:00"],
        ),
    ],
)
def test_spans_among_others_are_text_as_people_see_them(
    catalog: Catalog, xlsx, others: list[object], written: list[str]
):
    found, _ = values(catalog, xlsx([*others, timedelta(hours=27, minutes=5), time(10, 30)]))
    assert found == written


def test_a_time_of_day_among_text_has_no_day(catalog: Catalog, xlsx):
    assert values(catalog, xlsx(["n/k", time(10, 30, 5), "1.5"]))[0] == ["n/k", "10:30:05", "1.5"]


def test_times_of_day_that_are_written_as_text_of_iso_come_in(catalog: Catalog, xlsx):
    clocks = [time(10, 30), time(23, 59, 59)]
    assert values(catalog, xlsx(clocks, iso=True)) == (clocks, [])


def test_spans_over_a_day_of_opendocument_are_no_errors(catalog: Catalog, ods):
    path = ods([text("v")], [span("PT09H00M00S")], [span("PT27H30M00S")], [span("PT100H00M00.5S")])
    found, notes = values(catalog, path, types={"v": "f64"})
    assert (found, notes) == ([9 * 3600.0, 27.5 * 3600, 360_000.5], [])


def test_times_of_opendocument_among_others_are_text(catalog: Catalog, ods):
    cells = [span("PT09H00M00S"), span("PT27H30M00S"), text("late"), number(1.5)]
    found, notes = values(catalog, ods([text("v")], *([cell] for cell in cells)))
    assert found == ["09:00:00", "27:30:00", "late", "1.5"]
    assert not any("error" in note for note in notes)


def test_moments_of_a_zone_in_opendocument_are_not_lost(catalog: Catalog, ods):
    path = ods([text("v")], [day("2024-01-02T03:04:05Z")], [day("2024-01-03T03:04:05Z")])
    moments = [datetime(2024, 1, day, 3, 4, 5, tzinfo=UTC) for day in (2, 3)]
    assert values(catalog, path) == (moments, [])


def test_formulas_without_a_value_and_merged_cells_of_opendocument_are_told(catalog: Catalog, ods):
    cell = "<table:table-cell table:formula='of:=1' table:number-columns-repeated='2'/>"
    path = ods(
        [text("title", number_rows_spanned=2)],
        [],
        [text("v"), text("a"), text("b")],
        [text("x", number_rows_spanned=3), cell],
        ["<table:covered-table-cell/>", number(1), number(2)],
        ["<table:covered-table-cell/>", number(1), number(2)],
        [text("y", formula="of:=A1"), number(3), number(4)],
        above=2,
    )
    found, notes = values(catalog, path, skip=4)
    assert found == ["x", None, None, "y"]
    assert [note.split(".ods ")[1].split(". ")[0] for note in notes if ".ods has" in note] == [
        "has 1 cell merged over several rows"
    ]
    (formulas,) = [note for note in notes if "formula" in note]
    assert formulas.startswith("2 cells of a.ods hold a formula whose value was never computed.")


def test_lines_in_opendocument_are_those_of_the_sheet(catalog: Catalog, ods):
    rows = [[text("v"), text("w")], *[[number(n if n != 7 else 2.5), text("x")] for n in range(30)]]
    report = catalog.ingest([ods(*rows, above=3)], into="t.a", types={"v": "i64"})
    assert (report.rows_written, report.quarantined) == (29, 1)
    assert "line 12 of a.ods" in report.summary
