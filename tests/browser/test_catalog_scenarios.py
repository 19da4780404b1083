"""Scenarios C1 to C3, each by mouse and by keyboard: among very many datasets a column is found,
inserted and run; a large table is walked and profiled; rows that a notebook appends are seen, and
traced to their cell. And what every tab of the page of a dataset has to be.
"""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import polars as pl
import pytest
from playwright.sync_api import FloatRect, Locator, Request, Route, expect

from jupyter_mlinfra import Workbench
from tests.browser.catalog_scenes import TABS, tab
from tests.browser.catalogued import ANIMALS, READINGS, REFUNDS, WHISKERS, catalogued
from tests.browser.conftest import Contexts, Lab, Server, cell, close_kernels, new_lab
from tests.browser.keys import HANDS, Hand, goes, press_by, reach, walk
from tests.browser.test_accessibility import faultless
from tests.browser.test_small_window import BEYOND, SMALL

BOTH = pytest.mark.parametrize("hand", HANDS)
KERNEL = 180_000  # ms; until a kernel has answered, on a loaded machine


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root, config = tmp_path_factory.mktemp("shop"), tmp_path_factory.mktemp("lab")
    with catalogued(root, config, tables=300, rows=400_000) as server:
        yield server


@pytest.fixture(scope="module")
def huge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Ten thousand datasets, and ten million rows."""
    root, config = tmp_path_factory.mktemp("huge"), tmp_path_factory.mktemp("lab")
    with catalogued(root, config, tables=10_000, rows=10_000_000) as server:
        yield server


@pytest.fixture(params=["shop", pytest.param("huge", marks=pytest.mark.slow)])
def size(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def of(contexts: Contexts, size: Server) -> Iterator[Lab]:
    yield from watched(contexts, size)


@pytest.fixture
def lab(contexts: Contexts, shop: Server) -> Iterator[Lab]:
    yield from watched(contexts, shop)


def watched(contexts: Contexts, server: Server) -> Iterator[Lab]:
    with new_lab(contexts(server), server) as lab:
        yield lab
        close_kernels(server)
        assert lab.faults == []


# C1


@BOTH
def test_a_column_of_very_many_datasets_is_found_inserted_and_run(of: Lab, hand: Hand) -> None:
    lab = of
    notebook = lab.notebook()
    found = searched(lab, hand, "whiskers_mm", WHISKERS)
    if hand == "keyboard":
        lab.page.keyboard.press("i")
    else:
        found.click(button="right")
        lab.page.get_by_role("menuitem", name=re.compile("^Insert Code I$")).click()
    cells = notebook.locator(".jp-Notebook .jp-CodeCell")
    expect(cells.first.locator(".cm-content")).to_contain_text('select("whiskers_mm")')
    if hand == "keyboard":
        lab.page.keyboard.press("Shift+Enter")
    else:
        cells.first.locator(".cm-content").click()
        notebook.get_by_role("button", name="Run this cell and advance (Shift+Enter)").click()
    output = cells.first.locator(".jp-OutputArea-output")
    expect(output).to_contain_text("57", timeout=KERNEL)
    expect(output).to_contain_text("whiskers_mm")
    expect(notebook.locator("[data-mime-type='application/vnd.jupyter.stderr']")).to_have_count(0)


def searched(lab: Lab, hand: Hand, words: str, reference: str) -> Locator:
    """The row that is found by these words; by keyboard it has the focus."""
    if hand == "keyboard":
        lab.chord("s")
        where = lab.page.get_by_role("dialog", name="Search the Workbench")
        expect(where.get_by_role("searchbox")).to_be_focused()
    else:
        where = lab.panel("Catalog")
        where.get_by_role("searchbox").click()
    lab.page.keyboard.type(words)
    row = lab.row(where, reference)
    expect(row).to_be_visible()
    if hand == "keyboard":
        goes(lab, row, "ArrowDown", 20)
        expect(row).to_be_focused()
    return row


def opened(lab: Lab, hand: Hand, name: str) -> Locator:
    """The page of a dataset that is searched for."""
    row = searched(lab, hand, name, f"dataset:{name}")
    if hand == "keyboard":
        lab.page.keyboard.press("Enter")
    else:
        row.click()
    return lab.main(f"dataset:{name}")


@BOTH
def test_namespaces_are_unfolded_one_by_one_and_a_column_is_tagged(lab: Lab, hand: Hand) -> None:
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
    expect(tree.locator('[data-mlinfra-ref^="dataset:ns000."]')).to_have_count(10)
    panel.get_by_role("searchbox").fill("id")
    expect(panel.get_by_role("group", name="namespace")).to_be_visible()
    lab.command("mlinfra:workbench-open", ref=WHISKERS)
    row = lab.main(f"dataset:{ANIMALS}").locator(f'[data-mlinfra-ref="{WHISKERS}"]')
    expect(row).to_be_visible()
    if hand == "mouse":
        row.click(button="right")
        lab.page.get_by_role("menuitem", name="Edit Tags and Description…").click()
    else:
        row.focus()
        keys.press("t")
    lab.page.get_by_label("tags").fill("length")
    if hand == "mouse":
        lab.page.get_by_role("button", name="Save").click()
    else:
        keys.press("Enter")
    expect(row).to_contain_text("length")
    press_by("mouse", lab, lab.page.get_by_role("button", name="Undo").first)
    expect(row).not_to_contain_text("length")


# C2


@BOTH
def test_a_large_table_shows_its_first_and_last_rows_and_is_profiled_exactly(
    of: Lab, hand: Hand
) -> None:
    lab = of
    for folder in ("profiles", "sketches"):  # nobody has read all of its rows yet
        shutil.rmtree(lab.server.root / ".mlinfra" / folder, ignore_errors=True)
    lab.go()
    rows = Workbench.open(lab.server.root).catalog.dataset(READINGS).scan()
    total, sensors = rows.select(pl.len(), pl.col("sensor").n_unique()).collect().row(0)
    page = opened(lab, hand, READINGS)
    last_row(lab, page, hand, total)
    turn(lab, page, hand, "Columns")
    grid = page.get_by_role("grid", name=f"Columns of {READINGS}")
    expect(grid.locator('[data-basis="sample"]').first).to_be_visible()

    gate = held(lab) if total < 1_000_000 else None
    exact = page.get_by_role("button", name="Run Exact")
    press_by(hand, lab, exact)
    press_by(hand, lab, page.get_by_role("button", name="Cancel"))
    expect(exact).to_be_visible()
    expect(grid.locator('[data-basis="sample"]').first).to_be_visible()
    if gate:
        gate.set()
    if hand == "keyboard":
        lab.page.keyboard.press("e")  # the page has kept the focus
    else:
        exact.click()
    done = page.locator('[data-state="passed"]').filter(has_text="exact")
    expect(done).to_be_visible(timeout=180_000)
    expect(grid.locator('[data-basis="sample"]')).to_have_count(0)
    for column, figure in (("sensor", sensors), ("number", total - 1)):
        line = grid.locator(f'[data-mlinfra-ref="column:{READINGS}.{column}"]')
        expect(line.locator('[data-basis="exact"]').filter(has_text=str(figure))).not_to_have_count(
            0
        )


def last_row(lab: Lab, page: Locator, hand: Hand, total: int) -> None:
    """See the first rows, and then go to the last one, as a table that can be read."""
    turn(lab, page, hand, "Preview")
    expect(page.locator("canvas").first).to_be_visible()
    bars = page.locator(".lm-ScrollBar")  # its five columns fit
    expect(bars.filter(visible=True)).to_have_attribute("data-orientation", "vertical")
    press_by(hand, lab, page.get_by_role("button", name="Show as Accessible Table"))
    table = page.get_by_role("grid", name=f"Rows of {READINGS}")
    rows = table.locator("tbody tr")
    expect(rows).to_have_count(100)
    first = int(rows.first.locator("td").nth(1).inner_text())
    assert first == (total - 1) // 2_000_000 * 2_000_000  # the rows of the newest commit
    field = page.get_by_role("spinbutton", name="go to row")
    if hand == "mouse":
        field.click()
    else:
        reach(lab, field, "Shift+Tab")
    lab.page.keyboard.type(str(total))
    lab.page.keyboard.press("Enter")
    expect(rows.last).to_have_attribute("aria-rowindex", str(total + 1))
    expect(rows.last.locator("td").first).to_have_text(f"{total:,}")
    press_by(hand, lab, page.get_by_role("button", name="Show as Grid"))
    expect(page.locator("canvas").first).to_be_visible()


def test_a_dragged_scroll_bar_stays_and_loads_only_the_rows_that_come_in_sight(of: Lab) -> None:
    """To the middle, where it still is when the page has asked the server again, and to the end."""
    of.go()
    of.command("mlinfra:workbench-open", ref=f"dataset:{READINGS}")
    page = of.main(f"dataset:{READINGS}")
    turn(of, page, "mouse", "Preview")
    expect(page.locator("canvas").first).to_be_visible()
    total = shown_rows(page)
    bar = page.locator('.lm-ScrollBar[data-orientation="vertical"]').filter(visible=True)
    thumb = bar.locator(".lm-ScrollBar-thumb")
    asked = list[int]()
    of.page.on("request", lambda request: asked.extend(starts(request)))
    dragged(of, bar, 0.5)
    wait_for_last(of, asked, lambda start: abs(start - total / 2) < total / 20)
    assert len(asked) <= 2 * MOVES  # what is in sight may lie in two blocks
    place = still(thumb)
    with of.page.expect_response(lambda answer: READINGS in answer.url):
        page.get_by_role("button", name="Refresh").click()
    assert still(thumb) == place
    dragged(of, bar, 1)
    wait_for_last(of, asked, lambda start: start >= total - 1_000)


MOVES = 40


def starts(request: Request) -> list[int]:
    """The first row of the block that is asked for, if one is."""
    is_block = request.url.partition("?")[0].endswith("/grid")
    return [int(request.post_data_json["start"])] if is_block else []


def wait_for_last(lab: Lab, asked: Sequence[int], right: Callable[[int], bool]) -> None:
    """Until the last block that was asked for is the right one."""
    deadline = time.monotonic() + 30
    while not (asked and right(asked[-1])):
        assert time.monotonic() < deadline, asked[-5:]
        lab.page.wait_for_timeout(100)


def dragged(lab: Lab, bar: Locator, share: float) -> None:
    """The thumb of a scroll bar, slowly, to that share of its track."""
    track, at = (still(bar.locator(f".lm-ScrollBar-{part}")) for part in ("track", "thumb"))
    across, half = at["x"] + at["width"] / 2, at["height"] / 2
    lab.page.mouse.move(across, at["y"] + half)
    lab.page.mouse.down()
    down = track["y"] + half + share * (track["height"] - at["height"])
    lab.page.mouse.move(across, down, steps=MOVES)
    lab.page.mouse.up()


def still(part: Locator) -> FloatRect:
    """Where it is, once it is drawn and stays there."""
    before, found = None, part.bounding_box()
    while found is None or found != before:
        part.page.wait_for_timeout(300)
        before, found = found, part.bounding_box()
    return found


def held(lab: Lab) -> threading.Event:
    """Exact profiles do not reach the server before the event is set: one of few rows would be done
    before it can be cancelled.
    """
    gate = threading.Event()

    def pass_on(route: Route) -> None:
        if gate.is_set():
            route.continue_()

    lab.page.route("**/profile?*tier=exact*", pass_on)
    return gate


# C3


WRITE = """\
import polars as pl
import jupyter_mlinfra as ml

refunds = ml.dataset("shop.refunds")
least = refunds.scan().select(pl.col("order_id").min()).collect().item()
late = refunds.head(3).with_columns(order_id=least - 1 - pl.int_range(3))
ml.write(late, into="shop.refunds", inputs=["dataset:zoo.animals"])"""


@BOTH
def test_rows_that_a_notebook_appends_are_told_shown_and_traced(lab: Lab, hand: Hand) -> None:
    notebook = lab.notebook(cell("print('before')"), cell(WRITE), name=f"appends-{hand}")
    page = opened(lab, hand, REFUNDS)
    before = shown_rows(page)
    neighbour(lab, hand, notebook, "BracketLeft")
    run_second_cell(lab, notebook, hand)
    neighbour(lab, hand, page, "BracketRight")
    expect(page.get_by_text("1 snapshot newer")).to_be_visible()
    assert shown_rows(page) == before  # what is looked at does not change below the reader
    press_by(hand, lab, page.get_by_role("button", name="Update"))
    expect(page.get_by_text("1 snapshot newer")).to_have_count(0)
    assert shown_rows(page) == before + 3

    if hand == "mouse":
        turn(lab, page, hand, "Snapshots")
        page.get_by_role("button", name="Compare").click()
    else:
        page.get_by_role("tab", name="Columns").focus()
        lab.page.keyboard.press("d")
    came = page.get_by_role("grid", name="Rows that came").locator("tbody tr")
    expect(came).to_have_count(3)
    expected = Workbench.open(lab.server.root).catalog.dataset(REFUNDS).head(3)["order_id"]
    numbers = {int(row.locator("td").nth(1).inner_text().replace("−", "-")) for row in came.all()}
    assert numbers == set(expected)
    assert max(numbers) < 0

    turn(lab, page, hand, "Lineage")
    graph = page.get_by_role("group", name=f"Lineage of {REFUNDS}")
    writer = graph.get_by_role("button").filter(has_text=f"appends-{hand}.ipynb")
    if hand == "mouse":
        writer.click()
    else:
        reach(lab, graph.locator(f'[data-mlinfra-ref="dataset:{REFUNDS}"]'))
        lab.page.keyboard.press("ArrowLeft")
        if not goes(lab, writer, "ArrowDown", 5):  # the cell of the other hand may be above
            walk(lab, writer, "ArrowUp")
        lab.page.keyboard.press("Enter")
    active = notebook.locator(".jp-Cell.jp-mod-active")
    expect(active).to_be_visible()
    expect(active).to_contain_text("ml.write(late")


def shown_rows(page: Locator) -> int:
    figure = page.locator('[class*="mlinfra-facts"] [data-basis]').first
    expect(figure).to_be_visible()
    return int(figure.inner_text().split()[0].replace(",", ""))


def neighbour(lab: Lab, hand: Hand, wanted: Locator, key: str) -> None:
    """To the tab on that side of the one in front."""
    if hand == "keyboard":
        lab.page.keyboard.press(f"Control+Shift+{key}")
    else:
        tabs = lab.page.locator("#jp-main-dock-panel .lm-TabBar-tab")
        tabs.nth(0 if key == "BracketLeft" else -1).click()
    expect(wanted).to_be_visible()


def run_second_cell(lab: Lab, notebook: Locator, hand: Hand) -> None:
    second = notebook.locator(".jp-CodeCell").nth(1)
    if hand == "mouse":
        second.locator(".cm-content").click()
        notebook.get_by_role("button", name="Run this cell and advance (Shift+Enter)").click()
    else:
        notebook.locator(".jp-Cell").first.focus()
        lab.page.keyboard.press("ArrowDown")
        lab.page.keyboard.press("Shift+Enter")
    expect(second.locator(".jp-OutputArea-output").first).to_be_visible(timeout=KERNEL)


def turn(lab: Lab, page: Locator, hand: Hand, name: str) -> None:
    """To a tab of the page, by the arrow keys one after the other."""
    if hand == "mouse":
        page.get_by_role("tab", name=name, exact=True).click()
        return
    tabs = page.get_by_role("tab")
    expect(page.get_by_role("tab", name=name, exact=True)).to_be_visible()
    names = tabs.all_inner_texts()
    place, goal = (
        names.index(page.get_by_role("tab", selected=True).inner_text()),
        names.index(name),
    )
    while place != goal:
        tabs.nth(place).focus()
        lab.page.keyboard.press("ArrowRight" if place < goal else "ArrowLeft")
        place += 1 if place < goal else -1
        expect(tabs.nth(place)).to_have_attribute("aria-selected", "true")


# the tabs


REACHED = """page => {
  const mark = event => event.target.setAttribute('data-reached', '');
  page.addEventListener('focusin', mark, { capture: true }); // a select keeps it to itself
}"""
MISSED = """page => {
  const alone = 'button, input, select, a[href], [role="listbox"] > [tabindex="0"]';
  return [...page.querySelectorAll(`:scope [role="tabpanel"] :is(${alone})`)]
    .filter(node => node.checkVisibility() && !node.disabled && node.tabIndex >= 0)
    .filter(node => !node.hasAttribute('data-reached'))
    .map(node => node.outerHTML.slice(0, 200));
}"""


@pytest.fixture(scope="module")
def tabs(contexts: Contexts, shop: Server) -> Iterator[Lab]:
    """JupyterLab, loaded once for the tabs."""
    with new_lab(contexts(shop), shop) as lab:
        lab.go()
        yield lab


@pytest.mark.slow
def test_axe_finds_nothing_in_the_tabs_of_a_dataset(tabs: Lab) -> None:
    for scene in TABS.values():
        scene(tabs)
        faultless(tabs.page)


def test_the_tabs_of_a_dataset_fit_a_small_window_and_are_reached_by_keyboard(tabs: Lab) -> None:
    tabs.page.set_viewport_size(SMALL)  # type: ignore[arg-type]
    page = tab(tabs, "Columns")
    page.evaluate(REACHED)
    found = {}
    for name, scene in TABS.items():
        scene(tabs)
        tabs.page.wait_for_timeout(500)
        found[name] = page.evaluate(BEYOND)
        page.get_by_role("tab", selected=True).focus()
        for _ in range(40):
            tabs.page.keyboard.press("Tab")
        found[name] += page.evaluate(MISSED)
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
