"""What a user waits for among ten thousand datasets of twenty columns, and in a table of ten
million rows. The seconds, of which those of docs/benchmarks.md come from here, are printed:
`pytest -m slow -s tests/browser/test_large_catalog.py`. None may be as long as that of a page that
hangs, on a busy machine too.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import polars as pl
import pytest
from playwright.sync_api import Locator, Request, expect

from jupyter_mlinfra import Workbench
from tests.browser.catalogued import ANIMALS, READINGS, WHISKERS, catalogued
from tests.browser.conftest import Contexts, Lab, Server, new_lab

pytestmark = pytest.mark.slow

TABLES, ROWS = 10_000, 10_000_000
LONGEST = 60.0  # seconds of a step on a machine that has much else to do
HEAP = 64  # MiB by which the page may grow


def say(name: str, figure: str) -> None:
    sys.stdout.write(f"{name:58s} {figure:>12s}\n")
    sys.stdout.flush()


@dataclass
class Watch:
    """How long what a user does takes, until it is seen."""

    lab: Lab
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        self.told(name, time.perf_counter() - begun)

    def told(self, name: str, seconds: float) -> None:
        self.seconds[name] = seconds
        say(name, f"{seconds:.2f} s")

    def heap(self) -> float:
        """MiB of JavaScript's objects that are in use."""
        session = self.lab.page.context.new_cdp_session(self.lab.page)
        session.send("HeapProfiler.collectGarbage")
        size = session.send("Runtime.getHeapUsage")["usedSize"] / 2**20
        session.detach()
        return float(size)

    def end(self, before: float) -> None:
        grown = self.heap() - before
        say("heap of the page, at first and grown", f"{before:.0f} + {grown:.0f} MiB")
        assert grown < HEAP
        assert {name: took for name, took in self.seconds.items() if took > LONGEST} == {}


@pytest.fixture(scope="module")
def huge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root, config = tmp_path_factory.mktemp("huge"), tmp_path_factory.mktemp("lab")
    with catalogued(root, config, tables=TABLES, rows=ROWS) as server:
        yield server


@pytest.fixture
def watch(contexts: Contexts, huge: Server) -> Iterator[Watch]:
    with new_lab(contexts(huge), huge) as lab:
        lab.go()
        yield Watch(lab)
        assert lab.faults == []


def test_ten_thousand_datasets_are_listed_searched_and_opened(watch: Watch) -> None:
    lab = watch.lab
    before = watch.heap()
    with watch.step("the panel with its namespaces"):
        panel = lab.panel("Catalog")
        tree = panel.get_by_role("tree", name="Datasets")
        expect(tree.get_by_role("treeitem").first).to_contain_text("ns000")
    with watch.step("the next of its 103 namespaces"):
        panel.get_by_role("button", name="next 50").click()
        expect(tree.get_by_role("treeitem").nth(99)).to_be_visible()
    with watch.step("a namespace of 100 datasets is unfolded"):
        tree.get_by_role("treeitem").first.click()
        expect(tree.locator('[data-mlinfra-ref^="dataset:ns000."]')).to_have_count(100)
    with watch.step("… and scrolled to its last dataset"):
        last = tree.locator('[data-mlinfra-ref^="dataset:ns000."]').last
        last.scroll_into_view_if_needed()
        expect(last).to_be_in_viewport()
    keystrokes(watch, panel, "whiskers_mm")
    expect(lab.row(panel, WHISKERS)).to_be_visible()
    with watch.step("one of the results is opened"):
        lab.row(panel, WHISKERS).click()
        expect(lab.main(f"dataset:{ANIMALS}").locator("[data-basis]").first).to_be_visible()

    with watch.step("a word that thousands hold"):
        panel.get_by_role("searchbox").fill("order")
        note = panel.locator('[aria-live="polite"]').filter(has_text=re.compile(r"\d of \d"))
        expect(panel.locator('[data-mlinfra-ref*="order"] mark').first).to_be_visible()
    total = found_of(note)
    assert total > 1_000
    with watch.step("… of one owner"):
        owner = panel.get_by_role("group", name="owner").get_by_role("button").first
        count = int(owner.inner_text().split()[-1].replace(",", ""))
        owner.click()
        expect(note).to_contain_text(re.compile(rf"of {count:,}\b|of {count}\b"))
    assert 0 < count < total
    with watch.step("… and the next of them"):
        rows = panel.locator('[role="treeitem"][data-mlinfra-ref]')
        shown = rows.count()
        panel.get_by_role("button", name=re.compile("^next ")).click()
        expect(rows.nth(shown)).to_be_attached()
    watch.end(before)


def found_of(note: Locator) -> int:
    return int(note.inner_text().split(" of ")[1].replace(",", ""))


def keystrokes(watch: Watch, panel: Locator, word: str) -> None:
    """Type a word; after each key the letter stands in the box before the next one, and what is
    found for the word is there at its end.
    """
    lab = watch.lab
    box = panel.get_by_role("searchbox")
    box.click()
    slowest = 0.0
    for place, letter in enumerate(word, 1):
        begun = time.perf_counter()
        lab.page.keyboard.type(letter)
        expect(box).to_have_value(word[:place])
        lab.page.evaluate("() => new Promise(done => requestAnimationFrame(() => done()))")
        slowest = max(slowest, time.perf_counter() - begun)
        if place == 3:
            with watch.step("the first three letters are found"):
                expect(panel.locator("mark").first).to_have_text(
                    re.compile(word[:place], re.IGNORECASE)
                )
    watch.told("the slowest key, until its letter is drawn", slowest)
    with watch.step("the whole word is found"):
        expect(panel.locator("mark").first).to_have_text(word)


def test_ten_million_rows_are_walked_filtered_sorted_and_grouped(watch: Watch) -> None:
    lab = watch.lab
    before = watch.heap()
    lab.panel("Catalog")
    with watch.step("the page of the table"):
        lab.command("mlinfra:workbench-open", ref=f"dataset:{READINGS}")
        page = lab.main(f"dataset:{READINGS}")
    with watch.step("its first rows"), block_at(lab, 0):
        page.get_by_role("tab", name="Preview", exact=True).click()
        expect(page.locator("canvas").first).to_be_visible()
    field = page.get_by_role("spinbutton", name="go to row")
    for name, row in (("the middle", ROWS // 2), ("the end", ROWS)):
        with watch.step(f"jump to {name}"), block_at(lab, (row - 1) // 500 * 500):
            field.fill(str(row))
            field.press("Enter")

    shown = page.get_by_role("status").filter(has_text="rows")
    page.get_by_label("column", exact=True).select_option("pressure")
    panel = page.get_by_role("region", name="Column pressure")
    bars = panel.get_by_role("listbox", name="Shape of pressure").get_by_role("option")
    with watch.step("the shape of a column"):
        expect(bars.nth(5)).to_be_visible()
    scan = Workbench.open(lab.server.root).catalog.dataset(READINGS).scan()
    fit = int(scan.filter(pl.col("pressure") > 1040).select(pl.len()).collect().item())
    with watch.step("a filter"):
        panel.get_by_label("Condition for pressure").select_option(">")
        panel.get_by_label("value").fill("1040")
        panel.get_by_role("button", name="Filter", exact=True).click()
        expect(shown).to_contain_text(f"{fit:,} of {ROWS:,} rows")
    with watch.step("all rows again"):
        page.get_by_role("button", name="Show All Rows").click()
        expect(shown).to_contain_text(f"{ROWS:,} rows")
    with watch.step("a sort of all rows, its first page"):
        page.get_by_label("column", exact=True).select_option("pressure")
        panel.get_by_role("button", name="Sort Downwards").click()
        expect(page.get_by_role("group", name="What is shown")).to_contain_text("downwards")
        expect(page.get_by_role("group", name=f"Rows of {READINGS}")).to_be_visible()
    with watch.step("… jump to its middle"), block_at(lab, ROWS // 2 // 500 * 500 - 500):
        field.fill(str(ROWS // 2))
        field.press("Enter")
    inserted(watch, page)
    with watch.step("a group"):
        page.get_by_role("button", name="Show All Rows").click()
        page.get_by_role("button", name="Group…").click()
        page.get_by_label("group by").select_option("sensor")
        expect(page.get_by_role("status").filter(has_text="64 groups")).to_be_visible()
    watch.end(before)


@contextmanager
def block_at(lab: Lab, start: int) -> Iterator[None]:
    """What is done makes the grid ask for the rows from `start`, and draw them."""
    with lab.page.expect_event(
        "requestfinished", lambda one: is_block(one) and start_of(one) == start
    ):
        yield
    lab.page.evaluate("() => new Promise(done => requestAnimationFrame(() => done()))")


def is_block(request: Request) -> bool:
    return request.url.partition("?")[0].endswith("/grid")


def start_of(request: Request) -> int:
    return int(json.loads(request.post_data or "")["start"])


def inserted(watch: Watch, page: Locator) -> None:
    """The code of what the grid shows."""
    lab = watch.lab
    with watch.step("Insert Code into a new notebook"):
        page.get_by_role("button", name=re.compile("^Insert Code")).first.click()
        editor = lab.page.locator(".jp-NotebookPanel:visible .cm-content").first
        expect(editor).to_contain_text(".sort(")
    lab.command("mlinfra:workbench-open", ref=f"dataset:{READINGS}")
