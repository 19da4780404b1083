"""Verbs are commands: context menus, the ML menu, the palette and keys call the same ones."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

from tests.browser.conftest import Lab

MENU = ".lm-Menu:visible"


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


def test_the_palette_offers_what_can_be_done_with_the_selected_row(lab: Lab) -> None:
    panel = lab.panel("Jobs")
    row = trained(panel)
    row.click()
    reference = row.get_attribute("data-mlinfra-ref") or ""
    lab.main(reference)
    lab.page.keyboard.press("Control+Shift+c")
    lab.page.keyboard.type("open the run of a job")
    found = lab.page.locator(".lm-CommandPalette-item:visible").filter(
        has_text="Open the Run of a Job"
    )
    expect(found).to_be_visible()
    lab.page.keyboard.press("Escape")
