"""Verbs are commands: context menus, the ML menu, the palette and keys call the same ones."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.browser.conftest import Lab

MENU = ".lm-Menu:visible"


@pytest.fixture
def lab(shared: Lab) -> Lab:
    """The tests of this file leave nothing behind but open pages: one page serves them all."""
    return shared


def items(menu: Locator) -> list[str]:
    return [
        text
        for text in menu.locator(".lm-Menu-item:visible .lm-Menu-itemLabel").all_inner_texts()
        if text
    ]


def trained(panel: Locator) -> Locator:
    """The row of a job that has ended and has a run. Others may have submitted jobs since."""
    tree = panel.get_by_role("tree", name="Jobs")
    return tree.get_by_role("treeitem").filter(has_text="flights/train").first


def test_a_row_has_a_context_menu_of_what_can_be_done_with_it(lab: Lab) -> None:
    panel = lab.panel("Jobs")
    trained(panel).click(button="right")
    menu = lab.page.locator(MENU)
    expect(menu.get_by_text("Cancel Job", exact=True)).to_be_visible()
    labels = items(menu)
    assert labels[0] == "Open"
    assert {"Cancel Job", "Hold Job", "Clone Job…", "Insert Code", "Pin or Unpin"} <= set(labels)
    assert "Release Job" not in labels
    ended = menu.locator(".lm-Menu-item").filter(has_text="Cancel Job")
    expect(ended).to_have_class(re.compile("lm-mod-disabled"))
    lab.page.keyboard.press("Escape")

    lab.panel("Catalog")
    row = lab.row(lab.region("Catalog"), "dataset:flights.airlines")
    row.click(button="right")
    menu.get_by_text("Copy Reference", exact=True).click()
    lab.page.wait_for_function(
        "async () => await navigator.clipboard.readText() === 'dataset:flights.airlines'"
    )


def test_a_pin_from_the_keyboard_is_undone_from_its_notification(lab: Lab) -> None:
    panel = lab.panel("Catalog")
    row = lab.row(panel, "dataset:flights.airlines")
    expect(row).to_be_visible()
    row.focus()
    lab.page.keyboard.press("p")
    favourites = panel.get_by_role("tree", name="Favourites")
    expect(favourites).to_contain_text("flights.airlines")
    lab.page.get_by_role("button", name="Undo").first.click()
    expect(favourites).to_be_hidden()


def test_the_palette_shows_what_becomes_possible_while_it_is_open(lab: Lab) -> None:
    row = trained(lab.panel("Jobs"))
    reference = row.get_attribute("data-mlinfra-ref") or ""
    waiting: list[Route] = []
    released = False
    answer = re.compile(rf"/jobs/{reference.partition(':')[2]}(\?|$)")

    def hold(route: Route) -> None:
        if released:
            route.continue_()
        else:
            waiting.append(route)

    lab.page.route(answer, hold)
    row.click()
    lab.main(reference)
    found = lab.page.locator(".lm-CommandPalette-item:visible")
    lab.page.keyboard.press("Control+Shift+c")
    # The page can follow its log only once it has the job.
    lab.page.keyboard.type("go to the end of the log")
    box = lab.page.locator(".lm-CommandPalette-input")
    expect(box).to_have_value("go to the end of the log")
    assert waiting
    expect(found.filter(has_text="Go to the End of the Log")).to_have_count(0)
    released = True
    for route in waiting:
        route.continue_()
    expect(found.filter(has_text="Go to the End of the Log")).to_be_visible()
    # A list does not say which run a job has, and does not hide it either.
    box.fill("open the run of a job")
    expect(found.filter(has_text="Open the Run of a Job")).to_be_visible()
    lab.page.keyboard.press("Escape")
