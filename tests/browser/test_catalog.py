"""A dataset's page: its rows are the catalog's own, and no number stands without saying how it was
obtained.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import sqlite3
from datetime import date
from typing import Any

import polars as pl
import pytest
from playwright.sync_api import Locator, Response, expect

from jupyter_mlinfra import Workbench
from jupyter_mlinfra.core.errors import NotFound
from tests.browser.conftest import FOLDER, Lab

SMALL, LARGE = "flights.airlines", "flights.departures"


@pytest.fixture
def lab(shared: Lab) -> Lab:
    """The tests of this file leave nothing behind but open pages: one page serves them all."""
    return shared


def rows_of(lab: Lab, name: str) -> pl.DataFrame:
    """The dataset by the notebook's door, without the server."""
    return Workbench.open(lab.server.root).catalog.dataset(name).scan().collect()


def tab(page: Locator, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()
    expect(page.get_by_role("tab", name=name, exact=True)).to_have_attribute(
        "aria-selected", "true"
    )


def is_block(response: Response) -> bool:
    return f"/catalog/datasets/{LARGE}/grid" in response.url


def start_of(response: Response) -> int:
    return int(response.request.post_data_json["start"])


def test_the_preview_of_a_small_dataset_shows_the_rows_of_the_catalog(lab: Lab) -> None:
    page = lab.open("Catalog", f"dataset:{SMALL}")
    tab(page, "Preview")
    grid = page.get_by_role("grid", name=f"Rows of {SMALL}")
    expect(grid).to_be_visible()
    expected = rows_of(lab, SMALL)
    assert grid.get_by_role("columnheader").all_inner_texts() == expected.columns
    shown = [
        row.get_by_role("gridcell").or_(row.locator("td")).all_inner_texts()
        for row in grid.locator("tbody tr").all()
    ]
    assert shown == [[str(value) for value in row] for row in expected.rows()]


def test_the_preview_of_a_large_dataset_fetches_the_first_and_the_last_block_only(lab: Lab) -> None:
    """The grid is drawn on a canvas, so the blocks that it was given are compared."""
    blocks: list[Response] = []
    lab.page.on(
        "response", lambda response: blocks.append(response) if is_block(response) else None
    )
    page = lab.open("Catalog", f"dataset:{LARGE}")
    tab(page, "Preview")
    canvas = page.locator("canvas").first
    expect(canvas).to_be_visible()
    expected = rows_of(lab, LARGE)
    expect(page.get_by_text(f"{expected.height:,} rows, fetched by blocks")).to_be_visible()
    # Another canvas lies over it; the click waits if the grid is drawn anew.
    canvas.click(position={"x": 130, "y": 60}, force=True)
    with lab.page.expect_response(
        lambda response: is_block(response) and start_of(response) > expected.height - 2000
    ):
        lab.page.keyboard.press("Control+ArrowDown")
    lab.page.wait_for_load_state("networkidle")
    found = [(start_of(response), response.json()) for response in blocks]
    ends = [start + block["shown"] for start, block in found]
    assert max(ends) == expected.height
    assert sum(block["shown"] for _, block in found) < 5_000
    for start, block in found:
        assert [column["name"] for column in block["columns"]] == expected.columns
        for place, name in enumerate(expected.columns):
            same(expected[name].slice(start, block["shown"]), block["data"][place])


def same(expected: pl.Series, shown: list[Any]) -> None:
    """A column as it travels: numbers as themselves, times as ISO 8601."""
    if expected.dtype.is_temporal():
        text = pl.Series(shown, dtype=pl.String).str.to_datetime(
            time_zone="UTC", time_unit="us", strict=True
        )
        assert (
            text.to_list()
            == expected.dt.convert_time_zone("UTC").cast(pl.Datetime("us", "UTC")).to_list()
        )
    else:
        assert shown == json.loads(json.dumps(expected.to_list()))


def test_every_number_of_the_columns_says_how_it_was_obtained(lab: Lab) -> None:
    # Nobody has read all of its rows yet.
    for folder in ("profiles", "sketches"):
        shutil.rmtree(lab.server.root / ".mlinfra" / folder, ignore_errors=True)
    page = lab.open("Catalog", f"dataset:{LARGE}")
    tab(page, "Columns")
    grid = page.get_by_role("grid", name=f"Columns of {LARGE}")
    expected = rows_of(lab, LARGE)
    expect(grid.locator("tbody tr")).to_have_count(len(expected.columns))
    expect(grid.locator("[data-basis]").first).to_be_visible()
    numbers = grid.locator("tbody td").evaluate_all(
        "cells => cells.filter(cell => cell.cellIndex >= 2 && cell.cellIndex <= 6 &&"
        " cell.innerText.trim()).map(cell => [cell.innerText,"
        " cell.querySelector('[data-basis]')?.dataset.basis])"
    )
    assert len(numbers) > 3 * len(expected.columns)
    bases = {basis for _, basis in numbers}
    assert "sample" in bases, numbers
    assert bases <= {"exact", "approx", "sample", "est", "n"}, numbers


def test_snapshots_and_lineage_of_a_dataset_are_shown(lab: Lab) -> None:
    page = lab.open("Catalog", f"dataset:{LARGE}")
    snapshot = lab.server.ask(f"mlinfra/api/catalog/datasets/{LARGE}")["dataset"]["snapshot"]
    tab(page, "Snapshots")
    expect(page.get_by_role("tabpanel").get_by_text(snapshot).first).to_be_visible()
    tab(page, "Lineage")
    expect(page.get_by_role("tabpanel").get_by_text("training_set").first).to_be_visible()
    tab(page, "Snapshots")
    page.locator(f'[data-mlinfra-ref="dataset:{LARGE}@{snapshot}"]').click()
    expect(lab.main(f"dataset:{LARGE}@{snapshot}").get_by_text("rows").first).to_be_visible()


def test_a_column_that_was_searched_for_is_selected_on_the_page_of_its_dataset(lab: Lab) -> None:
    panel = lab.panel("Catalog")
    panel.get_by_role("searchbox").fill("dep_delay")
    lab.row(panel, f"column:{LARGE}.dep_delay").click()
    row = lab.main(f"dataset:{LARGE}").get_by_role("row", selected=True)
    expect(row).to_have_attribute("data-mlinfra-ref", f"column:{LARGE}.dep_delay")
    expect(row).to_be_focused()
    expect(row).to_be_in_viewport()
    # The page lies behind another one: what it was asked for last counts, not what it was asked for
    # before.
    lab.chord("q")
    expect(row).to_be_hidden()
    panel.get_by_role("searchbox").fill("arr_delay")
    lab.row(panel, f"column:{LARGE}.arr_delay").click()
    expect(row).to_have_attribute("data-mlinfra-ref", f"column:{LARGE}.arr_delay")


def test_a_foreign_file_is_registered_as_the_dialog_shows_it(lab: Lab) -> None:
    """A file of Excel in German: Windows' encoding, semicolons, decimal commas and dates that begin
    with the day.
    """
    name, catalog = "data.umsatz", Workbench.open(lab.server.root).catalog
    folder = lab.server.root / FOLDER
    folder.mkdir(exist_ok=True)
    lines = [f"{day:02d}.01.2024;Müller {day};1.{day:03d},50" for day in range(1, 29)]
    (folder / "umsatz.csv").write_bytes(
        "\n".join(["Datum;Kunde;Umsatz", *lines, ""]).encode("cp1252")
    )
    try:
        lab.command("filebrowser:go-to-path", path=FOLDER)
        lab.page.get_by_role("listitem", name=re.compile("umsatz.csv")).click(button="right")
        lab.page.get_by_role("menuitem", name="Register as Dataset…").click()
        dialog = lab.page.get_by_role("dialog").filter(has_text="Register 1 File")
        table = dialog.get_by_role("grid", name="What would be read")
        expect(table.get_by_role("row").nth(1)).to_have_text("2024-01-01Müller 11001.5")
        expect(dialog.get_by_role("list", name="Please check")).to_contain_text("looks like cp1252")
        dialog.get_by_label("type of Kunde").select_option("i64")
        expect(dialog.get_by_role("alert")).to_contain_text("--schema Kunde=str")
        expect(dialog.get_by_role("button", name="Register", exact=True)).to_be_disabled()
        dialog.get_by_label("type of Kunde").select_option("")
        expect(dialog.get_by_role("button", name="Register", exact=True)).to_be_enabled()
        dialog.get_by_role("button", name="Register", exact=True).click()
        lab.main(f"dataset:{name}")
        assert catalog.dataset(name).head(1).rows() == [(date(2024, 1, 1), "Müller 1", 1001.5)]
        expect(lab.page.get_by_text(f"{name}: 28 rows are written").first).to_be_visible()
    finally:
        lab.command("filebrowser:go-to-path", path="/")
        with contextlib.suppress(NotFound):
            catalog.delete(name, force=True)


def test_a_pattern_is_tried_and_a_table_of_a_database_is_registered(lab: Lab) -> None:
    """From the panel's own button; before anything is written it is seen what would come."""
    name, catalog = "data.sales", Workbench.open(lab.server.root).catalog
    place = f"{FOLDER}/sales"
    folder = lab.server.root / place
    folder.mkdir(exist_ok=True, parents=True)
    (folder / "a.csv").write_text("id,v\n1,x\n")
    (folder / "b.csv").write_text("id,v\n2,y\n")
    with contextlib.closing(sqlite3.connect(folder / "shop.db", autocommit=True)) as shop:
        shop.execute("CREATE TABLE IF NOT EXISTS sales (id INTEGER, price REAL)")
        shop.execute("INSERT INTO sales VALUES (1, 9.5), (2, 7)")
    try:
        lab.panel("Catalog").get_by_role("button", name="Register…").click()
        dialog = lab.page.get_by_role("dialog").filter(has_text="Register Data")
        source = dialog.get_by_label("source")
        expect(source).to_be_focused()
        source.fill(f"{place}/*.csv")
        table = dialog.get_by_role("grid", name="What would be read")
        expect(table.get_by_role("row").nth(2)).to_have_text("2y")
        dialog.get_by_role("button", name="Dry Run").click()
        expect(dialog.get_by_text("Nothing was written, this is a dry run.")).to_be_visible()
        source.fill(f"sqlite:///{place}/shop.db#sales")
        expect(table.get_by_role("row").nth(1)).to_have_text("19.5")
        expect(dialog.get_by_label("dataset")).to_have_value(name)
        dialog.get_by_label("only rows with a later").fill("id")
        dialog.get_by_role("button", name="Register", exact=True).click()
        lab.main(f"dataset:{name}")
        assert catalog.dataset(name).scan().collect().rows() == [(1, 9.5), (2, 7.0)]
    finally:
        with contextlib.suppress(NotFound):
            catalog.delete(name, force=True)
