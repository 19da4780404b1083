"""Two runs side by side: what differs, their metrics, their curves."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Lab


@pytest.fixture
def lab(shared: Lab) -> Lab:
    """The tests of this file only look: one page serves them all."""
    return shared


def compared(lab: Lab) -> tuple[Locator, list[str]]:
    """Pick the two newest finished runs with the keyboard, and compare them."""
    page = lab.open("Experiments", "experiment:flights")
    runs = page.get_by_role("grid", name="Runs").locator("tbody tr")
    expect(runs.nth(1)).to_be_visible()
    ids = [
        (runs.nth(index).get_attribute("data-mlinfra-ref") or "").removeprefix("run:")
        for index in range(2)
    ]
    runs.nth(0).focus()
    lab.page.keyboard.press("Space")
    lab.page.keyboard.press("ArrowDown")
    lab.page.keyboard.press("Space")
    page.get_by_role("button", name="Compare 2").click()
    return lab.main(f"compare:{','.join(ids)}"), ids


def test_two_runs_are_compared_by_what_differs(lab: Lab) -> None:
    page, ids = compared(lab)
    expected = lab.server.ask(f"mlinfra/api/experiments/compare?ids={','.join(ids)}")
    rows = {
        kind: [row["key"] for row in expected["rows"] if row["kind"] == kind]
        for kind in ("metric", "param")
    }
    differ = {
        kind: [row["key"] for row in expected["rows"] if row["kind"] == kind and not row["same"]]
        for kind in rows
    }
    assert len(differ["param"]) < len(rows["param"])
    parameters = page.get_by_role("grid", name="Parameters")
    metrics = page.get_by_role("grid", name="Metrics")
    expect(parameters.locator("tbody tr")).to_have_count(len(differ["param"]))
    expect(metrics.locator("tbody tr")).to_have_count(len(differ["metric"]))
    assert metrics.locator("tbody tr td:first-child").all_inner_texts() == differ["metric"]
    assert metrics.locator("tbody td [data-basis]").count() > 0
    page.get_by_label("only different").uncheck()
    expect(parameters.locator("tbody tr")).to_have_count(len(rows["param"]))


def test_the_curves_of_two_runs_are_drawn(lab: Lab) -> None:
    page, _ = compared(lab)
    chart = page.locator("figure").get_by_role("img")
    expect(chart.locator("canvas")).to_be_visible()
    inked = chart.locator("canvas").evaluate(
        "canvas => { const d = canvas.getContext('2d').getImageData(0, 0, canvas.width,"
        " canvas.height).data; let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 100;"
        " return n }"
    )
    assert inked > 500
    assert "depth" in (chart.get_attribute("aria-label") or "")


def test_the_runs_are_filtered_by_the_server(lab: Lab) -> None:
    page = lab.open("Experiments", "experiment:flights")
    runs = page.get_by_role("grid", name="Runs").locator("tbody tr")
    expect(runs.nth(1)).to_be_visible()
    page.get_by_role("searchbox", name="Filter the runs").fill("metrics.tune_auc > 2")
    expect(page.get_by_text("No run of this experiment fits the filter.")).to_be_visible()
    page.get_by_role("searchbox", name="Filter the runs").fill("metrics.tune_auc > ")
    expect(page.get_by_role("alert")).to_contain_text(
        "A number or a text in quotes is expected here"
    )
    expect(page.get_by_role("alert")).to_contain_text("Write one, as in metrics.auc > 0.7")
    lab.refused("/experiments/runs")
    page.get_by_role("searchbox", name="Filter the runs").fill("metrics.tune_auc > 0.5")
    expect(runs.nth(1)).to_be_visible()


def test_a_run_tells_its_metrics_and_where_it_came_from(lab: Lab) -> None:
    panel = lab.panel("Experiments")
    experiment = lab.row(panel, "experiment:flights")
    experiment.focus()
    lab.page.keyboard.press("ArrowRight")
    run = panel.locator('[data-mlinfra-ref^="run:"]').first
    expect(run).to_be_visible()
    reference = run.get_attribute("data-mlinfra-ref") or ""
    run.click()
    page = lab.main(reference)
    expect(page.get_by_text("tune_auc").first).to_be_visible()
    page.get_by_role("tab", name="Origin").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("04_train.ipynb")
