"""The form that deploys a version, by keyboard: from the row of the version to its traffic."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser import keys
from tests.browser.conftest import Lab
from tests.browser.test_keyboard import find_in_palette

API = "mlinfra/api/deployments/deployments/flights"


def shares(lab: Lab) -> dict[str, int]:
    """The traffic of the versions that can have some."""
    versions = lab.server.ask(API)["deployment"]["versions"]
    return {item["version"]: item["traffic"] for item in versions if item["state"] == "ready"}


@pytest.fixture
def waiting(lab: Lab, traffic: None) -> Iterator[str]:
    """A version of flights without traffic; the traffic is as before after the test."""
    before = shares(lab)
    stable, other = sorted(before, key=lambda version: -before[version])[:2]
    rest = dict.fromkeys(before, 0)
    move(lab, rest | {stable: 100}, "before the form")
    yield other
    move(lab, before, "end of a test")


def move(lab: Lab, traffic: dict[str, int], reason: str) -> None:
    lab.server.ask(f"{API}/traffic", "POST", {"traffic": traffic, "reason": reason})


def test_by_keyboard_a_version_becomes_a_canary_with_the_share_of_the_form(
    lab: Lab, waiting: str
) -> None:
    page = keys.open_row(lab, "m", "Models", "model:flights")
    number = waiting.removeprefix("v")
    row = page.locator(f'tr[data-mlinfra-ref="version:flights/{number}"]')
    keys.press(lab, row.get_by_role("button", name="Deploy…"))

    form = lab.main(f"deploying:flights/{number}").get_by_role("form", name="Deploy")
    expect(form.get_by_label("deployment")).to_have_value("flights")
    how = form.get_by_label("how it comes in")
    keys.reach(lab, how)
    expect(how).to_have_value("standby")
    lab.page.keyboard.press("ArrowDown")
    expect(how).to_have_value("canary")
    share = form.get_by_label("share")
    keys.reach(lab, share)
    lab.page.keyboard.press("Control+a")
    lab.page.keyboard.type("0")
    expect(form.get_by_text("Give a whole number from 1 to 100.")).to_be_visible()
    lab.page.keyboard.press("Control+a")
    lab.page.keyboard.type("15")
    code = lab.main(f"deploying:flights/{number}").get_by_role("group", name="Code")
    expect(code).to_contain_text(f'ml.model("flights/{number}").deploy("flights", traffic=15)')
    lab.page.keyboard.press("Enter")

    name = f"deploy flights/{number}"
    expect(lab.page.get_by_role("heading", level=1, name=name)).to_be_visible()
    page = keys.open_row(lab, "m", "Models", "deployment:flights")
    history = page.get_by_role("grid", name="History of flights").locator("tbody tr")
    expect(history.first).to_contain_text(f"{waiting} 15 %", timeout=180_000)
    assert shares(lab)[waiting] == 15


@pytest.mark.slow
@pytest.mark.parametrize("hand", keys.HANDS)
def test_a_notebook_is_deployed_beside_what_is_live(lab: Lab, hand: keys.Hand) -> None:
    """The form of the version that it made says what would change, before anything is done."""
    versions = lab.server.ask("mlinfra/api/experiments/models/flights")["versions"]
    newest = max(item["version"] for item in versions if item["notebook"] == "04_train.ipynb")
    lab.command("docmanager:open", path="04_train.ipynb")
    expect(lab.page.get_by_role("button", name="| Idle")).to_be_visible()
    toolbar = lab.page.locator(".jp-NotebookPanel-toolbar:visible")
    button = toolbar.get_by_role("button", name="Deploy…")
    expect(button).to_be_enabled()
    if hand == "mouse":
        button.click()
    else:
        find_in_palette(lab, "Deploy This Notebook")
        item = lab.page.locator(".lm-CommandPalette-item.lm-mod-active")
        expect(item.locator("mark")).to_have_text(["Deploy", "This", "Notebook"])
        lab.page.keyboard.press("Enter")
    page = lab.main(f"deploying:flights/{newest}@flights")
    found = lab.server.ask(f"{API}/compare?version=flights/{newest}")
    other = [row["key"] for row in found["rows"] if not row["same"]]
    grid = page.get_by_role("grid", name="Beside what is live")
    expect(grid.locator("tbody tr")).to_have_count(len(other))
    for key in ("max_depth", "learn_auc"):
        assert key in other
        expect(grid.locator("tbody")).to_contain_text(key)
    expect(page.get_by_role("button", name="Deploy", exact=True)).to_be_enabled()
