"""Every object goes into a cell as code that runs: by key, by button and by drag."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Lab, cell

AIRLINES = "dataset:flights.airlines"


@pytest.fixture
def lab(shared: Lab) -> Lab:
    """The tests of this file leave nothing behind but open pages: one page serves them all."""
    return shared


def cells(notebook: Locator) -> Locator:
    return notebook.locator(".jp-Notebook .jp-CodeCell")


def source(lab: Lab, one: Locator) -> str:
    return lab.reads(one.locator(".cm-content"))


def drag(lab: Lab, row: Locator, x: float, y: float) -> None:
    """Press on a row, move in steps, and let go, sooner than its code may be there."""
    box = row.bounding_box()
    assert box
    mouse = lab.page.mouse
    mouse.move(box["x"] + 60, box["y"] + box["height"] / 2)
    mouse.down()
    mouse.move(box["x"] + 80, box["y"] + box["height"] / 2 + 4, steps=3)
    mouse.move(x, y, steps=8)
    mouse.up()


def test_code_is_found_inserted_and_run_with_the_keyboard_alone(lab: Lab) -> None:
    notebook = lab.notebook()
    keys = lab.page.keyboard
    lab.chord("c")
    panel = lab.region("Catalog")
    expect(panel.get_by_role("searchbox")).to_be_focused()
    keys.type("airlines")
    expect(
        panel.get_by_role("tree", name="dataset").get_by_role("treeitem").first
    ).to_have_attribute("data-mlinfra-ref", AIRLINES)
    keys.press("ArrowDown")
    expect(lab.row(panel, AIRLINES)).to_be_focused()
    keys.press("i")
    expect(cells(notebook)).to_have_count(1)
    expect(cells(notebook).first.locator(".cm-content")).to_contain_text(
        'airlines = ml.dataset("flights.airlines").scan()'
    )
    keys.press("Shift+Enter")
    expect(cells(notebook)).to_have_count(2)
    keys.press("Enter")
    keys.type("airlines.collect()")
    keys.press("Shift+Enter")
    output = cells(notebook).nth(1).locator(".jp-OutputArea-output")
    expect(output).to_contain_text("Endeavor Air Inc.")
    expect(notebook.locator("[data-mime-type='application/vnd.jupyter.stderr']")).to_have_count(0)


@pytest.mark.slow
def test_a_page_inserts_its_code_by_button_and_by_key_and_it_runs(lab: Lab) -> None:
    notebook = lab.notebook()
    page = lab.open("Catalog", AIRLINES)
    page.get_by_role("button", name="Insert Code").click()
    expect(cells(notebook).first.locator(".cm-content")).to_contain_text(
        "airlines.head(5).collect()"
    )
    lab.page.keyboard.press("Shift+Enter")
    expect(cells(notebook).first.locator(".jp-OutputArea-output")).to_contain_text(
        "Endeavor Air Inc."
    )
    lab.row(lab.panel("Catalog"), AIRLINES).click()
    lab.main(AIRLINES).get_by_role("tab", name="Columns").focus()
    lab.page.keyboard.press("i")
    last = cells(notebook).last
    expect(last.locator(".cm-content")).to_contain_text("airlines.head(5).collect()")
    assert "import" not in source(lab, last), "the notebook has the import already"


@pytest.mark.slow
def test_a_table_of_ml_ui_is_picked_from_and_its_selection_goes_on_in_python(lab: Lab) -> None:
    notebook = lab.notebook(
        cell("import jupyter_mlinfra as ml\ntable = ml.ui.datasets()\ntable"),
        cell("[data.name for data in table.selection]"),
    )
    cells(notebook).first.locator(".cm-content").click()
    lab.page.keyboard.press("Shift+Enter")
    grid = notebook.get_by_role("grid", name="datasets")
    first = grid.locator("tbody tr").first
    first.locator("td").nth(4).click()
    names = [each.inner_text() for each in grid.locator("tbody tr td:nth-child(2)").all()]
    expect(first).to_have_attribute("aria-selected", "true")
    lab.page.keyboard.press("ArrowDown")
    lab.page.keyboard.press(" ")
    expect(notebook.get_by_text("2 picked")).to_be_visible()
    cells(notebook).nth(1).locator(".cm-content").click()
    lab.page.keyboard.press("Shift+Enter")
    expect(cells(notebook).nth(1).locator(".jp-OutputArea-output")).to_have_text(repr(names[:2]))
    first.get_by_role("button", name=names[0]).click()
    expect(lab.main(f"dataset:{names[0]}")).to_be_visible()


def test_a_row_dragged_between_cells_becomes_a_cell_there(lab: Lab) -> None:
    notebook = lab.notebook(cell("first = 1"), cell("last = 2"))
    panel = lab.panel("Catalog")
    row = lab.row(panel, AIRLINES)
    expect(row).to_be_visible()
    below = cells(notebook).nth(1).bounding_box()
    assert below
    drag(lab, row, below["x"] + 20, below["y"] + 4)
    expect(cells(notebook)).to_have_count(3)
    assert [source(lab, one).splitlines()[-1] for one in cells(notebook).all()] == [
        "first = 1",
        "airlines.head(5).collect()",
        "last = 2",
    ]
    expect(notebook.locator(".jp-Notebook:focus-within")).to_be_attached()
    # The focus is on the new cell, and no more on the row, whose page it would open.
    lab.page.keyboard.press("Shift+Enter")
    expect(cells(notebook).nth(1).locator(".jp-OutputArea-output")).to_contain_text(
        "Endeavor Air Inc."
    )
    expect(lab.page.locator(f'[id="jp-mlinfra-{AIRLINES}"]')).to_have_count(0)


@pytest.mark.slow
def test_a_row_dragged_into_an_editor_becomes_text_there(lab: Lab) -> None:
    notebook = lab.notebook(cell("import jupyter_mlinfra as ml\n\n\n\n"), cell("last = 2"))
    row = lab.row(lab.panel("Catalog"), AIRLINES)
    expect(row).to_be_visible()
    editor = cells(notebook).first.locator(".cm-content").bounding_box()
    assert editor
    drag(lab, row, editor["x"] + 40, editor["y"] + editor["height"] - 8)
    expect(cells(notebook).first.locator(".cm-content")).to_contain_text(
        'airlines = ml.dataset("flights.airlines").scan()'
    )
    expect(cells(notebook)).to_have_count(2)
    assert source(lab, cells(notebook).first).count("import jupyter_mlinfra") == 1
    expect(cells(notebook).first.locator(".cm-content")).to_be_focused()


def test_the_sql_of_a_dataset_runs_in_a_notebook_that_has_loaded_nothing(lab: Lab) -> None:
    notebook = lab.notebook()
    page = lab.open("Catalog", AIRLINES)
    code = page.get_by_role("group", name="Code")
    code.get_by_role("button", name="SQL", exact=True).click()
    code.get_by_role("button", name="Insert", exact=True).click()
    expect(cells(notebook).first.locator(".cm-content")).to_contain_text(
        "SELECT * FROM flights.airlines"
    )
    lab.page.keyboard.press("Shift+Enter")
    expect(cells(notebook).first.locator(".jp-OutputArea-output")).to_contain_text(
        "Endeavor Air Inc.", timeout=90_000
    )


def unfolded(lab: Lab, panel: str, parent: str, beginning: str) -> Locator:
    """The first row under `parent` whose reference begins so."""
    row = lab.row(lab.panel(panel), parent)
    expect(row).to_be_visible()
    if row.get_attribute("aria-expanded") == "false":
        row.focus()
        lab.page.keyboard.press("ArrowRight")
    return lab.panel(panel).locator(f'[role="treeitem"][data-mlinfra-ref^="{beginning}"]').first


@pytest.mark.slow
def test_the_code_of_every_kind_of_object_runs_as_inserted(lab: Lab) -> None:
    notebook = lab.notebook()
    written = cells(notebook)
    parents = [
        ("Catalog", AIRLINES, "column:flights.airlines."),
        ("Features", "view:carrier_delays", "feature:carrier_delays:"),
        ("Experiments", "experiment:flights", "run:"),
        ("Models", "model:flights", "version:flights/"),
        ("Jobs", "pipeline:flights", "step:flights/"),
    ]
    rows = [
        lambda panel=panel, ref=ref: lab.row(lab.panel(panel), ref) for panel, ref, _ in parents
    ]
    rows += [lambda way=way: unfolded(lab, *way) for way in parents]
    rows += [
        lambda: (
            lab.panel("Jobs")
            .get_by_role("tree", name="Jobs")
            .locator('[data-mlinfra-ref^="job:"]')
            .first
        ),
        lambda: lab.row(lab.panel("Models"), "deployment:flights"),
        lambda: lab.row(lab.panel("Models"), "monitor:flights"),
    ]
    loud = [
        alert["ref"]
        for alert in lab.server.ask("mlinfra/api/monitoring/alerts")["items"]
        if alert["state"] != "ok"
    ]
    rows += [lambda: lab.row(lab.panel("Models"), loud[0])] if loud else []
    for index, row in enumerate(rows):
        row().focus()
        lab.page.keyboard.press("i")
        expect(written.nth(index).locator(".cm-content")).to_contain_text("ml.")
        lab.page.keyboard.press("Shift+Enter")
        expect(written).to_have_count(index + 2)
    for index in range(len(rows)):
        expect(written.nth(index).locator(".jp-InputPrompt")).to_have_text(
            f"[{index + 1}]:", timeout=90_000
        )
    assert (
        notebook.locator("[data-mime-type='application/vnd.jupyter.error']").all_inner_texts() == []
    )


FRAME = """\
import polars as pl
import jupyter_mlinfra as ml
frame = pl.DataFrame({"n": range(1000), "wait": [7 * n % 1000 / 10 for n in range(1000)]})
ml.explore(frame)"""


def test_the_code_of_a_brushed_frame_of_the_kernel_gives_the_rows_of_its_grid(lab: Lab) -> None:
    notebook = lab.notebook(cell(FRAME), cell(""))
    notebook.locator(".cm-content").first.click()
    lab.page.keyboard.press("Shift+Enter")
    expect(notebook.locator("canvas").first).to_be_visible()
    notebook.get_by_label("column", exact=True).select_option("wait")
    panel = notebook.get_by_role("region", name="Column wait")
    panel.get_by_role("button", name="Sort Downwards").click()
    bars = panel.get_by_role("listbox", name="Shape of wait").get_by_role("option")
    first, last = bars.nth(2).bounding_box(), bars.nth(4).bounding_box()
    assert first
    assert last
    lab.page.mouse.move(first["x"] + 4, first["y"] + 20)
    lab.page.mouse.down()
    lab.page.mouse.move(last["x"] + 4, last["y"] + 20, steps=5)
    lab.page.mouse.up()
    counts = [
        int((bars.nth(place).get_attribute("title") or "").split()[-2]) for place in (2, 3, 4)
    ]
    panel.get_by_role("button", name="Only These").click()
    rows = sum(counts)
    expect(notebook.get_by_role("status").filter(has_text=f"{rows} of 1,000 rows")).to_be_visible()
    notebook.get_by_role("button", name="Insert Code").click()
    expect(cells(notebook)).to_have_count(3)
    text = source(lab, cells(notebook).nth(1))
    assert ".sort(" in text
    lab.page.keyboard.press("Shift+Enter")
    lab.page.keyboard.press("Enter")
    lab.page.keyboard.type("shown = frame_shown.collect(); print(shown.height, shown['n'][0])")
    lab.page.keyboard.press("Shift+Enter")
    waits = {n: 7 * n % 1000 / 10 for n in range(1000)}
    low, high = (float(text.split(mark)[1].split(",")[0].split(")")[0]) for mark in (">= ", "< "))
    inside = [n for n in waits if low <= waits[n] < high]
    assert len(inside) == rows
    newest = max(inside, key=lambda n: waits[n])
    output = cells(notebook).nth(2).locator(".jp-OutputArea-output")
    expect(output).to_have_text(f"{rows} {newest}\n")
