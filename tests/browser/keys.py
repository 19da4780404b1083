"""What someone does who has no mouse: open a row of a panel, and go to a control with Tab; and the
same by either hand.
"""

from __future__ import annotations

from typing import Final, Literal

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Lab

MOST = 150
"""Presses of Tab after which a control counts as out of reach."""
FOCUSED = "element => element === document.activeElement"
SEEN = "element => element.matches(':focus-visible')"


def open_row(lab: Lab, chord: str, panel: str, reference: str) -> Locator:
    """Open the page of a row: the chord of the panel, then arrows to the row, then Enter. The arrow
    down enters the list at the row that was the last one there, which may be below.
    """
    lab.chord(chord)
    box = lab.region(panel).get_by_role("searchbox")
    expect(box).to_be_focused()
    row = lab.row(lab.region(panel), reference)
    expect(row).to_be_visible()
    if not goes(lab, row, "ArrowDown", 40):
        walk(lab, row, "ArrowUp")
    lab.page.keyboard.press("Enter")
    return lab.main(reference)


def reach(lab: Lab, control: Locator, key: str = "Tab") -> None:
    """Go on with Tab, or backwards with Shift+Tab, until the control has the focus, which is drawn
    around it.
    """
    expect(control).to_be_enabled()
    walk(lab, control, key)
    assert control.evaluate(SEEN), "the focus cannot be seen"


def walk(lab: Lab, goal: Locator, key: str) -> None:
    assert goes(lab, goal, key, MOST), f"{key} does not lead to {goal}"


def goes(lab: Lab, goal: Locator, key: str, most: int) -> bool:
    """Press the key until the goal has the focus, at most so many times; whether it has."""
    for _ in range(most):
        if goal.evaluate(FOCUSED):
            return True
        lab.page.keyboard.press(key)
    return False


def press(lab: Lab, button: Locator) -> None:
    """Go to a button and press it."""
    reach(lab, button)
    lab.page.keyboard.press("Enter")


Hand = Literal["mouse", "keyboard"]
HANDS: Final = (pytest.param("mouse", marks=pytest.mark.slow), "keyboard")
"""`make test` goes through a scenario by keyboard, the harder way; `make slow` does it by mouse."""


def open_by(hand: Hand, lab: Lab, reference: str, panel: str = "Models") -> Locator:
    """Open a page from its row in a panel."""
    if hand == "mouse":
        return lab.open(panel, reference)
    return open_row(lab, panel[0].lower(), panel, reference)


def press_by(hand: Hand, lab: Lab, button: Locator) -> None:
    """Press a button."""
    if hand == "mouse":
        button.click()
    else:
        press(lab, button)
