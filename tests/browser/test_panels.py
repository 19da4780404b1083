"""The five panels of the side bar and the search box at their head."""

from __future__ import annotations

import contextlib

import pytest
from playwright.sync_api import Error, Route, expect

from tests.browser.conftest import Lab, Opener, refs

OBJECTS = {
    "Catalog": [
        "dataset:flights.departures",
        "dataset:flights.weather",
        "dataset:flights.airlines",
    ],
    "Features": ["view:origin_weather", "view:carrier_delays"],
    "Jobs": ["pipeline:flights"],
    "Experiments": ["experiment:flights"],
    "Models": ["model:flights", "deployment:flights", "monitor:flights"],
}


@pytest.fixture
def lab(shared: Lab) -> Lab:
    """The tests of this file leave nothing behind but open pages: one page serves them all."""
    return shared


def test_each_of_the_five_panels_opens_and_shows_its_objects(lab: Lab) -> None:
    for title, objects in OBJECTS.items():
        panel = lab.panel(title)
        for reference in objects:
            expect(lab.row(panel, reference)).to_be_visible()
    jobs = lab.panel("Jobs")
    expect(jobs.get_by_role("tree", name="Jobs").get_by_role("treeitem")).not_to_have_count(0)
    expect(jobs.get_by_role("button", name="Compute")).to_have_attribute("aria-expanded", "true")


def test_a_panel_paints_its_frame_before_the_server_answers(fresh: Opener) -> None:
    lab = fresh()
    lab.go()
    held: list[Route] = []
    answering = False
    lab.page.route(
        "**/mlinfra/api/**", lambda route: route.continue_() if answering else held.append(route)
    )
    panel = lab.panel("Catalog")
    expect(panel.get_by_role("searchbox")).to_be_visible()
    expect(panel.get_by_role("button", name="Namespaces")).to_be_visible()
    expect(panel.get_by_role("status", name="Loading")).to_be_visible()
    assert held, "nothing was asked"
    assert refs(panel) == []
    answering = True
    for route in held:
        with contextlib.suppress(Error):  # a request that the panel has given up and asked again
            route.continue_()
    expect(lab.row(panel, "dataset:flights.departures")).to_be_visible()


def test_a_reference_in_the_address_opens_its_page_and_nothing_is_seen_without_its_styles(
    fresh: Opener,
) -> None:
    lab = fresh()
    lab.page.add_init_script(
        """
        window.seen = [];
        const look = () => {
          for (const frame of document.querySelectorAll('[data-mlinfra-frame]')) {
            const icon = frame.querySelector('svg');
            window.seen.push([
              getComputedStyle(frame).display,
              icon === null || icon.getBoundingClientRect().width <= 24,
            ].join());
          }
          requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
        """
    )
    lab.go(query="&mlinfra=dataset:flights.airlines")
    expect(lab.main("dataset:flights.airlines").get_by_role("heading", level=1)).to_have_text(
        "flights.airlines"
    )
    lab.open("Catalog", "dataset:flights.departures")
    lab.page.wait_for_timeout(500)
    assert set(lab.page.evaluate("window.seen")) == {"flex,true"}


@pytest.mark.parametrize(
    ("panel", "word", "kinds"),
    [
        ("Catalog", "flights", {"dataset", "model", "job", "experiment"}),
        ("Jobs", "temp", {"column", "feature", "view", "dataset"}),
    ],
)
def test_one_word_finds_objects_of_at_least_four_kinds_from_any_panel(
    lab: Lab, panel: str, word: str, kinds: set[str]
) -> None:
    region = lab.panel(panel)
    region.get_by_role("searchbox").fill(word)
    for kind in kinds:
        expect(
            region.locator(f'[role="treeitem"][data-mlinfra-ref^="{kind}:"]').first
        ).to_be_visible()
    assert {ref.split(":")[0] for ref in refs(region)} >= kinds


def test_the_scope_chip_leaves_only_what_the_panel_shows(lab: Lab) -> None:
    region = lab.panel("Catalog")
    region.get_by_role("searchbox").fill("temp")
    expect(lab.row(region, "view:origin_weather")).to_be_visible()
    region.get_by_role("search").get_by_role("button", name="all").click()
    expect(lab.row(region, "view:origin_weather")).to_be_hidden()
    expect(lab.row(region, "column:flights.weather.temp")).to_be_visible()
    assert {ref.split(":")[0] for ref in refs(region)} <= {"dataset", "column"}
    region.get_by_role("searchbox").press("Escape")
    expect(lab.row(region, "dataset:flights.departures")).to_be_visible()
    region.get_by_role("search").get_by_role("button", name="catalog").click()


def test_pages_of_one_kind_share_a_tab_until_one_is_kept(lab: Lab) -> None:
    panel = lab.panel("Catalog")
    tabs = lab.page.locator("#jp-main-dock-panel .lm-TabBar-tab[data-mlinfra-page]")
    for name in ("airlines", "weather"):
        lab.row(panel, f"dataset:flights.{name}").click()
        expect(tabs).to_have_count(1)
        expect(tabs).to_have_attribute("data-mlinfra-page", f"dataset:flights.{name}")
    lab.row(panel, "dataset:flights.weather").dblclick()
    lab.row(panel, "dataset:flights.airlines").click()
    expect(tabs).to_have_count(2)
    lab.row(panel, "dataset:flights.planes").click()
    expect(tabs.last).to_have_attribute("data-mlinfra-page", "dataset:flights.planes")
    expect(tabs).to_have_count(2)


def test_refresh_keeps_the_place_in_a_panel(lab: Lab) -> None:
    panel = lab.panel("Catalog")
    row = lab.row(panel, "dataset:flights.airlines")
    row.evaluate("row => { row.dataset.seen = 'before' }")
    with lab.page.expect_response(lambda response: "/catalog/datasets" in response.url):
        panel.get_by_role("button", name="Refresh").click()
    expect(row).to_have_attribute("data-seen", "before")  # the row itself, and no copy of it


def test_the_page_of_a_pipeline_shows_its_steps(lab: Lab) -> None:
    page = lab.open("Jobs", "pipeline:flights")
    for step in ("ingest", "explore", "features", "train", "evaluate", "deploy", "monitor"):
        expect(page.get_by_text(step, exact=True).first).to_be_visible()
