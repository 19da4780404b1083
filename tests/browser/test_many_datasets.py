"""Scenario C1: among ten thousand datasets a column is found, inserted and run, with the keyboard
alone; the panel is walked without reading them all; a column is tagged, and the search narrowed.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pytest
from many_tables import make_tables
from playwright.sync_api import expect

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.project import Project
from tests.browser.conftest import Contexts, Lab, Server, jupyterlab, new_lab

TABLES = 10_000
COLUMN = "column:zoo.animals.whiskers_mm"


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """JupyterLab on a project of ten thousand datasets, one of them with rows."""
    root = tmp_path_factory.mktemp("many")
    (root / "mlinfra.toml").write_text('[project]\nname = "many"\n[jobs]\nwarm_kernels = 0\n')
    project = Project.open(root)
    make_tables(project, TABLES)
    rows = pl.DataFrame({"whiskers_mm": [41, 57], "customer_id": [1, 2]})
    catalog = Catalog(project)
    catalog.write(rows, into="zoo.animals")
    project.index.follow("catalog", catalog)  # as a project is that was searched before
    with jupyterlab(root, tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture
def many_lab(contexts: Contexts, many: Server) -> Iterator[Lab]:
    with new_lab(contexts(many), many) as lab:
        yield lab


@pytest.mark.slow
def test_a_column_of_ten_thousand_datasets_is_found_inserted_and_run_by_keyboard(
    many_lab: Lab,
) -> None:
    lab = many_lab
    lab.go()
    notebook = lab.notebook()
    keys = lab.page.keyboard
    lab.chord("s")
    found = lab.page.locator(f'[role="treeitem"][data-mlinfra-ref="{COLUMN}"]')
    keys.type("whiskers_mm")
    expect(found).to_be_visible()
    keys.press("ArrowDown")
    expect(found).to_be_focused()
    keys.press("i")
    cells = notebook.locator(".jp-Notebook .jp-CodeCell")
    expect(cells.first.locator(".cm-content")).to_contain_text('select("whiskers_mm")')
    keys.press("Shift+Enter")
    expect(cells.first.locator(".jp-OutputArea-output")).to_contain_text("57")


@pytest.mark.slow
@pytest.mark.parametrize("hand", ["mouse", "keyboard"])
def test_the_panel_is_walked_without_reading_all_and_a_column_is_tagged(
    hand: str, many_lab: Lab
) -> None:
    lab = many_lab
    lab.go()
    keys = lab.page.keyboard
    panel = lab.panel("Catalog")
    tree = panel.get_by_role("tree", name="Datasets")
    first = tree.get_by_role("treeitem").first
    expect(first).to_contain_text("ns000")
    expect(tree.locator('[data-mlinfra-ref^="dataset:"]')).to_have_count(0)
    if hand == "mouse":
        first.click()
    else:
        first.focus()
        keys.press("ArrowRight")
    expect(tree.locator('[data-mlinfra-ref^="dataset:ns000."]')).to_have_count(100)
    box = panel.get_by_role("searchbox")
    box.fill("customer_id")
    group = panel.get_by_role("group", name="namespace")
    expect(group).to_be_visible()
    lab.command("mlinfra:workbench-open", ref=COLUMN)
    page = lab.main("dataset:zoo.animals")
    row = page.locator(f'[data-mlinfra-ref="{COLUMN}"]')
    expect(row).to_be_visible()
    if hand == "mouse":
        row.click(button="right")
        lab.page.get_by_role("menuitem", name="Edit Tags and Description…").click()
    else:
        row.focus()
        keys.press("t")
    lab.page.get_by_label("tags").fill("pii")
    if hand == "mouse":
        lab.page.get_by_role("button", name="Save").click()
    else:
        keys.press("Enter")
    expect(row).to_contain_text("pii")
    lab.page.get_by_role("button", name="Undo").first.click()
    expect(row).not_to_contain_text("pii")
