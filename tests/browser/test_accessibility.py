"""axe finds nothing in any panel or page of ours, in the light and in the dark theme."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import Lab
from tests.browser.scenes import FEATURES, SCENES, cause

PAGES = [
    "catalog",
    "features",
    "jobs",
    "job",
    "submit",
    "pipeline",
    "schedule",
    "experiments",
    "models",
    "requests",
    "manifest",
    "model",
    "deploy",
    pytest.param("monitor", marks=pytest.mark.slow),  # tests/browser/test_monitoring.py has another
]
OPTIONS = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
}
# All that another theme can change.
COLOURS = {
    "resultTypes": ["violations"],
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}
OURS = """
for (const node of document.querySelectorAll('[class*="jp-mlinfra"]')) {
  if (node.offsetParent !== null && !node.parentElement.closest('[data-axe]'))
    node.setAttribute('data-axe', '');
}
"""
"""Marks what is drawn by the extension; the rest is JupyterLab's."""


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(shared: Lab, name: str, request: pytest.FixtureRequest) -> None:
    if name == "deploy":  # the form offers what fits the present traffic
        request.getfixturevalue("traffic")
    SCENES[name](shared)
    faultless(shared.page)


@pytest.mark.slow
@pytest.mark.parametrize("name", FEATURES)
def test_axe_finds_nothing_in_any_tab_of_a_feature_view(shared: Lab, name: str) -> None:
    FEATURES[name](shared)
    faultless(shared.page)


@pytest.mark.slow
def test_axe_finds_nothing_where_a_feature_is_traced_to_its_code(shared: Lab) -> None:
    cause(shared)
    faultless(shared.page)


def faultless(page: Page) -> None:
    """In the light theme, and the colours also in the dark one."""
    light = faults(page)
    with dark(page):
        assert (light, faults(page, COLOURS)) == ([], [])


@contextmanager
def dark(page: Page) -> Iterator[None]:
    """The dark theme, as from the Settings menu."""
    change_theme(page, "JupyterLab Dark")
    try:
        yield
    finally:
        change_theme(page, "JupyterLab Light")


def change_theme(page: Page, theme: str) -> None:
    page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
    page.locator(f"body[data-jp-theme-name='{theme}']").wait_for(state="attached")


def faults(page: Page, options: dict[str, Any] = OPTIONS) -> list[str]:
    """Each fault with the rule and the element that has it."""
    page.evaluate(OURS)
    found: Any = Axe().run(page, context="[data-axe]", options=options).response
    assert found["passes"] or found["inapplicable"], "nothing was looked at"
    return [
        f"{rule['id']}: {node['html'][:200]} ({node['failureSummary']})"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def test_axe_sees_what_is_wrong(shared: Lab) -> None:
    SCENES["catalog"](shared)
    shared.page.evaluate(
        "document.querySelector('[class*=\"jp-mlinfra-page\"] h1').insertAdjacentHTML('afterend',"
        " '<img src=\"data:,\">')"
    )
    assert any(fault.startswith("image-alt") for fault in faults(shared.page))
