"""In a window of 1024 × 700 a page keeps its title, its tab and all that can be pressed within its
edges.
"""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import FOLDER, Lab, cell
from tests.browser.scenes import RULES

SMALL = {"width": 1024, "height": 700}
BEYOND = """page => {
  const frame = page.querySelector('[data-mlinfra-frame]');
  const { left, right } = frame.getBoundingClientRect();
  const inside = ({ left: from, right: to }) => from >= left - 1 && to <= right + 1;
  const shown = 'h1, button, input, select, [role="tab"], [data-card] p, [data-card] dd';
  const found = [...frame.querySelectorAll(shown)];
  // A wide table or graph may scroll; the last column of a table stays.
  const scrolls = 'thead, td:has(~ td), [class*="graph"]';
  return found
    .filter(node => node.checkVisibility() && !node.closest(`[class*="unseen"], ${scrolls}`))
    .filter(node => !inside(node.getBoundingClientRect()))
    .map(node => `${node.tagName}: ${node.textContent || node.placeholder}`)
    .concat(frame.scrollWidth > frame.clientWidth ? ['the page scrolls sideways'] : []);
}"""
LONG = (
    "raise ValueError('the column customer_identification_number_of_the_previous_month is missing;"
    " ' * 9 + '/a/path/without/any/blank/' * 20)"
)


@pytest.fixture
def small(shared: Lab) -> Lab:
    shared.page.set_viewport_size(SMALL)  # type: ignore[arg-type]
    return shared


def through(lab: Lab, page: Locator) -> dict[str, Any]:
    """What lies beyond the edges, by the tab of the page; after the one that is open at first,
    which may have no tabs.
    """
    expect(page.locator("[data-basis], [role=log], [role=grid]").first).to_be_attached()
    lab.page.wait_for_timeout(500)
    found = {"": page.evaluate(BEYOND)}
    for tab in page.get_by_role("tab").all():
        tab.click()
        lab.page.wait_for_timeout(500)
        found[tab.inner_text()] = page.evaluate(BEYOND)
    return {name: cut for name, cut in found.items() if cut}


PAGES = [
    ("Catalog", "dataset:flights.departures"),
    ("Features", "view:route_delays"),
    ("Jobs", "pipeline:flights"),
    ("Experiments", "experiment:flights"),
    ("Models", "model:flights"),
    ("Models", "deployment:flights"),
    ("Models", "monitor:flights"),
]


@pytest.mark.parametrize(("panel", "reference"), PAGES)
def test_nothing_that_can_be_pressed_is_cut_off(small: Lab, panel: str, reference: str) -> None:
    assert through(small, small.open(panel, reference)) == {}


ROOM = """page => {
  const [panel, strip] = ['[role="tabpanel"]', '[class*="drawer"]'].map(s => page.querySelector(s));
  const { bottom, height } = panel.getBoundingClientRect();
  const own = ':is([class*=mlinfra-scroll], [class*=mlinfra-grid]) *';  // it scrolls by itself
  const inside = [...panel.querySelectorAll('*')].filter(node => !node.closest(own));
  const lowest = Math.max(bottom, ...inside.map(node => node.getBoundingClientRect().bottom));
  return [height, strip ? strip.getBoundingClientRect().top - lowest : 0];
}"""
"""How high the tab is, and how far above the strip of code it ends."""


@pytest.mark.parametrize(("panel", "reference"), PAGES[:2])
def test_at_a_zoom_of_200_percent_each_tab_has_room_above_the_code(
    shared: Lab, panel: str, reference: str
) -> None:
    page = shared.open(panel, reference)
    shared.command("filebrowser:activate")
    shared.page.set_viewport_size({"width": 720, "height": 450})  # of 1440 × 900
    for tab in page.get_by_role("tab").all():
        tab.click()
        expect(page.get_by_role("status", name="Loading")).to_have_count(0)
        expect(tab).to_be_in_viewport(ratio=1)
        height, above = page.evaluate(ROOM)
        assert height >= 200, tab.inner_text()
        assert above >= -1, tab.inner_text()


def test_drift_and_skew_of_features_are_in_sight_at_1280_pixels(shared: Lab) -> None:
    shared.page.set_viewport_size({"width": 1280, "height": 720})
    page = shared.open("Features", "view:origin_weather")
    page.get_by_role("tab", name="Features", exact=True).click()
    expect(page.get_by_role("grid").locator("svg").first).to_be_visible()
    for name in ("drift", "skew"):
        head = page.get_by_role("columnheader", name=name)
        expect(head).to_be_in_viewport(ratio=1)


def test_nothing_of_a_job_that_failed_with_a_long_error_is_cut_off(small: Lab) -> None:
    file = small.server.root / FOLDER / "long.ipynb"
    file.parent.mkdir(exist_ok=True)
    file.write_text(
        json.dumps({"cells": [cell(LONG)], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    )
    job = small.server.ask("mlinfra/api/jobs/jobs", "POST", {"notebook": f"{FOLDER}/long.ipynb"})[
        "ref"
    ]
    while small.server.ask(f"mlinfra/api/jobs/jobs/{job.partition(':')[2]}")["state"] in (
        "queued",
        "starting",
        "running",
    ):
        time.sleep(0.5)
    page = small.open("Jobs", job)
    expect(page.get_by_text("…").first).to_be_visible()  # the reason says that there is more of it
    assert through(small, page) == {}


def test_the_buttons_of_a_history_leave_its_reasons_in_sight(small: Lab) -> None:
    page = small.open("Models", "deployment:flights")
    page.get_by_role("tab", name="History").click()
    expect(page.get_by_role("button", name="Undo This").first).to_be_visible()
    buttons = page.locator('tbody td[class*="is-sticky"]').first.bounding_box()
    reason = page.get_by_role("columnheader", name="reason").bounding_box()
    assert buttons
    assert reason
    assert reason["x"] + 40 < buttons["x"]


def test_each_label_of_the_form_of_rules_has_one_line(small: Lab) -> None:
    file = small.server.root / "small.mlrules.yaml"
    file.write_text(RULES)
    try:
        small.command("docmanager:open", path=file.name)
        form = small.page.get_by_role("group", name="The rule")
        expect(form.get_by_text("ends when good for")).to_be_visible()
        heights = "labels => labels.map(label => label.getBoundingClientRect().height)"
        assert max(form.locator("label[for]").evaluate_all(heights)) < 24
        fields = "fields => fields.map(field => field.scrollWidth - field.clientWidth)"
        assert max(form.locator('[class*="mlinfra-field"]').evaluate_all(fields)) <= 1
    finally:
        file.unlink()


def test_the_tab_in_front_keeps_its_title_among_many(small: Lab) -> None:
    for panel, reference in PAGES:
        small.open(panel, reference)
    label = small.page.locator(
        '.lm-TabBar-tab[data-mlinfra-page="monitor:flights"] .lm-TabBar-tabLabel'
    )
    expect(label).to_have_text("monitor flights")
    assert label.evaluate("label => label.clientWidth") >= 70
