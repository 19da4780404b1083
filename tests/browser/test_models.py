"""Deployments and monitors: traffic moves and comes back, requests are answered, drift is seen."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Lab, cell

DEPLOYMENT = "deployment:flights"


@pytest.fixture
def lab(shared: Lab) -> Lab:
    """The tests of this file leave nothing behind but open pages: one page serves them all."""
    return shared


@pytest.fixture
def page(lab: Lab, traffic: None) -> Iterator[Locator]:
    """The page of the deployment; its traffic is as before after the test."""
    before = shares(lab)
    yield lab.open("Models", DEPLOYMENT)
    if shares(lab) != before:
        lab.server.ask(
            "mlinfra/api/deployments/deployments/flights/traffic",
            "POST",
            {"traffic": before, "reason": "end of a test"},
        )


def shares(lab: Lab) -> dict[str, int]:
    """What the REST door says."""
    versions = lab.server.ask("mlinfra/api/deployments/deployments/flights")["deployment"][
        "versions"
    ]
    return {item["version"]: item["traffic"] for item in versions if item["state"] == "ready"}


def shown(page: Locator, version: str) -> Locator:
    return (
        page.locator(f'[data-version="{version}"]').get_by_role("cell").filter(has_text="%").first
    )


@pytest.mark.slow
def test_traffic_is_previewed_moved_and_rolled_back_with_one_click(lab: Lab, page: Locator) -> None:
    before = shares(lab)
    stable, canary = sorted(before, key=lambda version: -before[version])[:2]
    assert before[stable] + before[canary] == 100
    editor = page.get_by_role("group", name="Change the traffic")
    editor.get_by_label(canary).fill("60")
    expect(editor.get_by_label(stable)).to_have_value("40")
    editor.get_by_role("button", name="Preview Change").click()
    expect(editor.get_by_role("status")).to_contain_text(f"{stable} 40 %")
    assert shares(lab) == before, "a preview moves nothing"
    editor.get_by_label("reason").fill("more for the canary")
    editor.get_by_role("button", name="Apply").click()
    expect(shown(page, canary)).to_contain_text("60 %")
    assert shares(lab) == before | {stable: 40, canary: 60}
    expect(page.get_by_text("more for the canary").first).to_be_visible()
    page.get_by_role(
        "button", name="Roll Back", exact=True
    ).first.click()  # the page's own; the newest line of the history has another
    expect(shown(page, stable)).to_contain_text(f"{before[stable]} %")
    assert shares(lab) == before


def test_a_change_of_traffic_offers_its_undo(lab: Lab, page: Locator) -> None:
    before = shares(lab)
    stable, canary = sorted(before, key=lambda version: -before[version])[:2]
    editor = page.get_by_role("group", name="Change the traffic")
    editor.get_by_label(canary).fill("55")
    editor.get_by_role("button", name="Preview Change").click()
    editor.get_by_role("button", name="Apply").click()
    lab.page.get_by_role("button", name="Undo", exact=True).click()
    expect(shown(page, stable)).to_contain_text(f"{before[stable]} %")
    assert shares(lab) == before


@pytest.mark.slow
def test_a_share_above_a_hundred_is_not_offered(lab: Lab, page: Locator) -> None:
    editor = page.get_by_role("group", name="Change the traffic")
    editor.get_by_label(next(iter(shares(lab)))).fill("160")
    expect(editor.get_by_role("button", name="Preview Change")).to_be_disabled()


def test_try_it_answers_and_names_the_version(lab: Lab, page: Locator) -> None:
    page.get_by_role("button", name="Try It").click()
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_text(re.compile(r"from v\d+ in"))).to_be_visible()
    rows = page.get_by_role("grid", name="Predictions").locator("tbody tr")
    expect(rows.first.locator("[data-basis]").first).to_have_text(re.compile(r"^0\.\d+|^\d\.\d+e-"))
    first = page.get_by_role("tabpanel").get_by_role("textbox").first
    before = first.input_value()
    first.fill("far")
    expect(page.get_by_text("not a number")).to_be_visible()
    first.fill(before)
    page.get_by_role("button", name="JSON").click()
    page.get_by_label("Request body").fill('{"data": {"names": ["nothing"], "ndarray": [[1]]}}')
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_role("alert")).to_contain_text("fix")
    lab.refused("/deployments/flights/predict")


@pytest.mark.slow
def test_the_monitor_shows_drifted_features_and_their_distribution(lab: Lab) -> None:
    page = lab.open("Models", "monitor:flights")
    page.get_by_role("button", name="as table").first.click()
    drift = page.get_by_role("grid", name="Drift of the features")
    status = lab.server.ask("mlinfra/api/monitoring/monitors/flights")
    features = [item["feature"] for item in status["drift"]]
    drifted = [item["feature"] for item in status["drift"] if item["drifted"]]
    assert drifted
    expect(drift.locator("tbody tr")).to_have_count(min(50, len(features)))
    expect(drift.locator('[data-state="drifted"]')).to_have_count(len(drifted))
    row = drift.get_by_role("row").filter(has_text=drifted[-1]).first
    row.focus()
    lab.page.keyboard.press("Enter")
    chart = page.get_by_role("region", name=f"Distribution of {drifted[-1]}")
    expect(chart.get_by_role("img")).to_be_visible()
    assert chart.locator("rect").count() >= 4
    chart.get_by_role("button", name="as table").click()
    expect(
        chart.get_by_role("grid", name=f"Bins of {drifted[-1]}").locator("tbody tr").first
    ).to_be_visible()
    chart.get_by_role("button", name="as chart").click()
    page.get_by_role("button", name="as map").click()
    expect(page.get_by_role("grid", name="Feature by time")).to_be_visible()


def test_the_model_names_its_champion(lab: Lab) -> None:
    page = lab.open("Models", "model:flights")
    expect(page.get_by_text("champion").first).to_be_visible()
    expect(page.get_by_text("candidate").first).to_be_visible()
    table = page.get_by_role("grid", name="Versions of flights")
    for head in ("data", "feature views", "size"):
        expect(table.get_by_role("columnheader", name=head, exact=True)).to_be_visible()
    expect(table.locator("tbody tr").first).to_contain_text(re.compile(r"\d [kM]B"))
    champion = table.locator("tbody tr").filter(has_text="champion").first
    champion.get_by_role("button", name=re.compile("^Delete v")).click()
    lab.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    refused = lab.page.locator(".Toastify__toast").filter(has_text="was not deleted")
    expect(refused).to_be_visible()
    lab.refused("/delete")


def test_a_chart_in_a_notebook_is_drawn_offline_by_our_own_renderer(lab: Lab) -> None:
    """Vega-Lite 6, which JupyterLab itself does not draw; `lab` holds that nothing outside was
    asked for.
    """
    code = (
        "import polars as pl\nfrom jupyter_mlinfra import"
        ' charts\ncharts.histogram(pl.DataFrame({"delay": [float(i % 37) for i in range(500)]}),'
        ' "delay", title="Delays")'
    )
    notebook = lab.notebook(cell(code))
    notebook.locator(".cm-content").first.click()
    lab.page.keyboard.press("Shift+Enter")
    drawing = notebook.locator(".jp-OutputArea-output").locator("svg").filter(has_text="500 rows")
    expect(drawing).to_be_visible(timeout=60_000)
    assert drawing.locator("path").count() >= 37, "a bar for each of the values"
    box = drawing.bounding_box()
    assert box
    assert box["width"] > 200
    assert box["height"] > 80
