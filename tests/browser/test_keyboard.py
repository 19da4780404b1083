"""Everything by keyboard, with one tab stop for each list."""

from __future__ import annotations

import contextlib
import time

import pytest
from playwright.sync_api import TimeoutError, expect

from tests.browser.conftest import Lab, cell

CHORDS = {"c": "Catalog", "f": "Features", "j": "Jobs", "e": "Experiments", "m": "Models"}


@pytest.fixture
def lab(shared: Lab) -> Lab:
    """The tests of this file leave nothing behind but open pages: one page serves them all."""
    return shared


def test_chords_open_the_panels_with_the_caret_in_the_search_box(lab: Lab) -> None:
    for key, title in CHORDS.items():
        lab.chord(key)
        panel = lab.region(title)
        expect(panel.get_by_role("searchbox")).to_be_focused()
    lab.page.evaluate("navigator.clipboard.writeText('mine')")
    lab.row(lab.panel("Models"), "model:flights").focus()
    lab.chord("c")  # alone this key copies the code of the row
    expect(lab.region("Catalog").get_by_role("searchbox")).to_be_focused()
    assert lab.page.evaluate("navigator.clipboard.readText()") == "mine"


def test_a_chord_searches_everything_above_what_is_open_and_gives_the_caret_back(lab: Lab) -> None:
    notebook = lab.notebook(cell("value = 1"))
    notebook.locator(".cm-content").first.click()
    lab.chord("s")
    search = lab.page.get_by_role("dialog", name="Search the Workbench")
    expect(search.get_by_role("searchbox")).to_be_focused()
    lab.page.keyboard.press("Escape")
    expect(search).to_be_hidden()
    expect(notebook.locator(".cm-content").first).to_be_focused()
    lab.chord("s")
    lab.page.keyboard.type("dep_delay")
    expect(lab.row(search, "column:flights.departures.dep_delay")).to_be_visible()
    lab.page.keyboard.press("ArrowDown")
    lab.page.keyboard.press("i")
    expect(search).to_be_hidden()
    expect(notebook.locator(".jp-Cell")).to_have_count(2)
    assert 'select("dep_delay")' in lab.reads(notebook.locator(".cm-content").nth(1))


def test_a_question_mark_tells_the_keys_of_the_page(lab: Lab) -> None:
    page = lab.open("Catalog", "dataset:flights.airlines")
    expect(page.locator("[data-basis]").first).to_be_visible()
    lab.page.keyboard.press("?")
    dialog = lab.page.get_by_role("dialog")
    keys = dialog.get_by_role("region", name="This page")
    expect(keys).to_contain_text("Compute the Exact Profile")
    expect(dialog.get_by_role("button", name="Close")).to_be_focused()
    lab.page.keyboard.press("Escape")
    expect(keys).to_be_hidden()


def test_arrows_move_the_focus_in_a_list_and_open_and_close_its_nodes(lab: Lab) -> None:
    panel = lab.panel("Catalog")
    tree = panel.get_by_role("tree", name="Datasets")
    expect(lab.row(panel, "dataset:flights.airlines")).to_be_visible()
    assert tree.locator('[tabindex="0"]').count() == 1
    tree.get_by_role("treeitem").first.focus()  # the list is entered at the row of last time
    panel.get_by_role("searchbox").focus()
    press = lab.page.keyboard.press
    press("ArrowDown")
    expect(tree.get_by_role("treeitem").first).to_be_focused()
    press("ArrowDown")
    expect(tree.get_by_role("treeitem").nth(1)).to_be_focused()
    airlines = lab.row(panel, "dataset:flights.airlines")
    airlines.focus()
    press("ArrowRight")
    expect(airlines).to_have_attribute("aria-expanded", "true")
    expect(lab.row(panel, "column:flights.airlines.carrier")).to_be_visible()
    press("ArrowRight")
    expect(lab.row(panel, "column:flights.airlines.carrier")).to_be_focused()
    press("ArrowLeft")
    press("ArrowLeft")
    expect(airlines).to_have_attribute("aria-expanded", "false")
    press("End")
    expect(tree.get_by_role("treeitem").last).to_be_focused()
    press("Home")
    press("ArrowUp")
    expect(panel.get_by_role("searchbox")).to_be_focused()
    press("ArrowDown")
    press("End")
    assert tree.locator('[tabindex="0"]').count() == 1
    press("/")
    expect(panel.get_by_role("searchbox")).to_be_focused()


def test_enter_opens_the_page_of_a_row(lab: Lab) -> None:
    panel = lab.panel("Features")
    lab.row(panel, "view:carrier_delays").focus()
    lab.page.keyboard.press("Enter")
    expect(lab.main("view:carrier_delays").get_by_role("heading", level=1)).to_be_visible()


@pytest.mark.slow
def test_escape_in_a_list_returns_to_the_notebook(lab: Lab) -> None:
    notebook = lab.notebook(cell("value = 1"))
    row = lab.row(lab.panel("Catalog"), "dataset:flights.airlines")
    row.focus()
    lab.page.keyboard.press("Escape")
    expect(notebook.locator(".jp-Notebook:focus-within")).to_be_attached()


@pytest.mark.parametrize(
    ("key", "text"),
    [("r", "dataset:flights.airlines"), ("c", 'ml.dataset("flights.airlines").scan()')],
)
def test_one_key_copies_the_reference_or_the_code(lab: Lab, key: str, text: str) -> None:
    lab.row(lab.panel("Catalog"), "dataset:flights.airlines").focus()
    lab.page.keyboard.press(key)
    lab.page.wait_for_function(
        "text => navigator.clipboard.readText().then(found => found.includes(text))", arg=text
    )


def find_in_palette(lab: Lab, text: str) -> None:
    """Open the palette and type. It closes whenever JupyterLab runs a command of its own, such as
    the launcher's after the last page was closed; a user opens it again then.
    """
    box = lab.page.locator(".lm-CommandPalette-input")
    end = time.monotonic() + 60
    while not box.is_visible() or box.input_value() != text:
        assert time.monotonic() < end, "the palette does not stay open"
        lab.page.keyboard.press("Control+Shift+KeyC")
        with contextlib.suppress(AssertionError, TimeoutError):  # closed again
            expect(box).to_be_focused(timeout=5_000)
            box.fill("", timeout=2_000)
            lab.page.keyboard.type(text)
            lab.page.wait_for_timeout(250)


def test_the_palette_holds_the_commands_of_the_workbench(lab: Lab) -> None:
    item = lab.page.locator(".lm-CommandPalette-item.lm-mod-active")
    find_in_palette(lab, "Show Models")
    expect(item).to_contain_text("Show Models")
    # The palette draws what it has found in the next frame, and loses an Enter before that. Only
    # what was found with the last letter is marked to its end.
    expect(item.locator("mark")).to_have_text(["Show", "Models"])
    lab.page.keyboard.press("Enter")
    expect(lab.region("Models")).to_be_visible()
