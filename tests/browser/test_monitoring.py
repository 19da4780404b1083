"""Monitors, alerts and rules: what drifts is seen, explained and acted on, by mouse and by keys.
On the same project, the keys, plans and replays of a deployment.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Locator, expect

from jupyter_mlinfra.core.records import now
from tests.browser import keys
from tests.browser.conftest import Contexts, Lab, new_lab
from tests.browser.test_accessibility import faultless
from tests.browser.watched import RULES, Watched, shifted, watch

REAL = """
  - name: accuracy
    metric: performance_real.accuracy
    op: <
    threshold: 0.6
    severity: critical
"""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with watch(tmp_path_factory.mktemp("watched"), tmp_path_factory.mktemp("lab")) as found:
        yield found


@pytest.fixture
def real_rule(watched: Watched) -> Iterator[Path]:
    """The file for rules on what labels show; it is as before after the test."""
    path = watched.server.root / "flights.mlrules.yaml"
    yield path
    path.write_text(RULES)
    watched.evaluate()


@pytest.fixture
def fired(watched: Watched) -> None:
    """The alert of the drift fires, or is silenced, whichever tests came before."""

    def fires() -> bool:
        alerts = watched.flights.monitoring.alerts().items
        return any(
            item.ref == "alert:flights/drift/temp" and item.state in ("firing", "silenced")
            for item in alerts
        )

    if not fires():
        shifted(watched.flights)
    deadline = time.monotonic() + 60
    while not fires():
        assert time.monotonic() < deadline
        watched.evaluate()
        time.sleep(1.1)  # the rule waits for a second


@pytest.fixture(scope="module")
def opened(contexts: Contexts, watched: Watched) -> Iterator[Lab]:
    with new_lab(contexts(watched.server), watched.server) as lab:
        lab.go()
        yield lab


@pytest.fixture
def lab(opened: Lab) -> Iterator[Lab]:
    opened.faults.clear()
    yield opened
    found = list(opened.faults)
    opened.clear()
    assert found == []


def card(page: Locator, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


def last_cell(page: Locator, feature: str) -> Locator:
    return page.locator(f'[data-feature="{feature}"] [data-cell]').last


def test_m1_a_shifted_feature_darkens_fires_and_its_notebook_shows_the_window(
    lab: Lab, watched: Watched
) -> None:
    page = lab.open("Models", "monitor:flights")
    expect(page.locator('[data-feature="temp"]')).not_to_contain_text("no. 1")
    shifted(watched.flights)
    page.get_by_role("button", name="Evaluate Now").click()
    expect(card(page, "drift of temp")).to_contain_text("pending")
    expect(last_cell(page, "temp")).to_have_attribute("data-heat", "4")
    time.sleep(1.1)  # the rule's `for`
    page.get_by_role("button", name="Evaluate Now").click()
    expect(card(page, "drift of temp")).to_contain_text("firing")
    toast = lab.page.locator(".Toastify__toast").filter(has_text="drift temp of flights fires")
    expect(toast).to_have_count(1)
    expect(toast.get_by_role("button", name="Silence…")).to_be_visible()
    toast.get_by_role("button", name="Open").click()
    expect(lab.main("alert:flights/drift/temp")).to_be_visible()
    page = lab.open("Models", "monitor:flights")
    expect(lab.page.get_by_role("tab", name="Models: 1 alert firing").first).to_be_visible()
    expect(lab.page.locator("#jp-main-statusbar").get_by_label("1 alert firing")).to_be_visible()
    alert_row_has_its_buttons(lab)
    row = page.locator('[data-feature="temp"]')
    expect(row).to_contain_text("no. 1")
    page.get_by_role("region", name="Timeline").get_by_role("button", name="drift temp").click()
    expect(lab.main("alert:flights/drift/temp")).to_be_visible()
    page = lab.open("Models", "monitor:flights")
    last_cell(page, "temp").click()
    chart = page.get_by_role("region", name="Distribution of temp")
    expect(chart.get_by_role("img")).to_be_visible()
    expect(page.get_by_role("group", name="Code")).to_contain_text('.distribution("temp"')
    alert = lab.open("Models", "alert:flights/drift/temp")
    expect(
        alert.get_by_role("img", name=re.compile("PSI over time, threshold 0.2"))
    ).to_be_visible()
    expect(alert.get_by_role("region", name="What fired")).to_contain_text("flights.mlrules.yaml:4")
    watched.evaluate()
    expect(alert).to_contain_text("firing")
    assert lab.page.locator(".Toastify__toast").filter(has_text="fires").count() <= 1
    alert.get_by_role("button", name="Open Notebook").click()
    notebook = opened_notebook(lab)
    lab.command("notebook:run-all-cells")
    shows_the_window(notebook)
    saved(lab)


def opened_notebook(lab: Lab) -> Locator:
    """The notebook in front, once its kernel takes cells."""
    notebook = lab.page.locator(".jp-NotebookPanel:visible")
    expect(notebook.locator(".jp-Cell").first).to_be_visible()
    expect(lab.page.get_by_role("button", name="| Idle")).to_be_visible()
    lab.page.wait_for_timeout(1_000)
    return notebook


def shows_the_window(notebook: Locator) -> None:
    """The notebook of the alert has run, and shows the feature and a chart."""
    output = notebook.locator(".jp-OutputArea-output")
    expect(output.filter(has_text="temp").first).to_be_visible()
    expect(output.locator("svg").first).to_be_visible()
    assert output.filter(has_text="Traceback").count() == 0


def alert_row_has_its_buttons(lab: Lab) -> None:
    """The row of the alert that fires says how bad it is, and keys reach what is done first."""
    row = lab.row(lab.region("Models"), "alert:flights/drift/temp")
    expect(row).to_contain_text(re.compile(r"flights v2 · PSI [\d.]+.* · limit 0.2"))
    row.focus()
    lab.page.keyboard.press("Tab")
    expect(row.get_by_role("button", name="Notebook")).to_be_focused()
    lab.page.keyboard.press("Tab")
    expect(row.get_by_role("button", name="Silence…")).to_be_focused()
    lab.page.keyboard.press("Enter")
    dialog = lab.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Silence flights/drift/temp for")
    lab.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    faultless(lab.page)


def saved(lab: Lab) -> None:
    """Save what is in front; else closing it would ask."""
    lab.command("docmanager:save")
    expect(lab.page.locator("#jp-main-dock-panel .jp-mod-dirty")).to_have_count(0)


@pytest.mark.slow
def test_m1_by_keyboard_a_cell_opens_its_distribution_and_keys_act_on_the_alert(
    lab: Lab, watched: Watched, fired: None
) -> None:
    press = lab.page.keyboard.press
    lab.row(lab.panel("Models"), "monitor:flights").focus()
    press("Enter")
    page = lab.main("monitor:flights")
    grid = page.get_by_role("grid", name="Feature by time")
    expect(grid.locator('[tabindex="0"]')).to_have_count(1)
    grid.locator('[tabindex="0"]').focus()
    press("ArrowDown")
    press("ArrowLeft")
    press("Home")
    press("End")
    focused = grid.locator("[data-cell]:focus")
    feature = focused.locator("xpath=..").get_attribute("data-feature") or ""
    press("Enter")
    expect(focused).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("region", name=f"Distribution of {feature}")).to_be_visible()
    lab.row(lab.panel("Models"), "alert:flights/drift/temp").focus()
    press("Enter")
    alert = lab.main("alert:flights/drift/temp")
    alert.get_by_role("button", name="Open Notebook").focus()
    press("a")
    dialog = lab.page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("the sensor was changed")
    press("Enter")
    expect(alert.get_by_role("region", name="What fired")).to_contain_text("the sensor was changed")
    alert.get_by_role("button", name="Open Notebook").focus()
    press("s")
    expect(dialog.get_by_role("combobox")).to_be_focused()
    press("Enter")
    expect(dialog.get_by_role("textbox")).to_be_focused()
    lab.page.keyboard.type("known")
    press("Enter")
    expect(alert.get_by_role("region", name="What fired")).to_contain_text("known")
    end = alert.get_by_role("button", name="End Silence")
    end.focus()
    press("Enter")
    expect(end).to_be_hidden()
    history = alert.get_by_role("grid", name="History of the alert")
    expect(history).to_contain_text("acknowledged")
    expect(history).to_contain_text("unsilenced")
    keys.reach(lab, alert.get_by_role("button", name="Open Notebook"), "Shift+Tab")
    press("n")
    notebook = opened_notebook(lab)
    expect(notebook.locator(".jp-Cell:focus, .jp-Cell :focus").first).to_be_attached()
    for _ in range(notebook.locator(".jp-Cell").count()):
        press("Shift+Enter")
    shows_the_window(notebook)
    saved(lab)


@pytest.mark.parametrize("hand", keys.HANDS)
def test_switches_of_version_and_segment_show_a_part_of_the_rows(
    lab: Lab, watched: Watched, hand: keys.Hand
) -> None:
    page = keys.open_by(hand, lab, "monitor:flights")
    heat = "mlinfra/api/monitoring/monitors/flights/heat"
    for switch, value, part, rows in (
        ("Version", "v3", "version=v3", 100),
        ("Version", "most traffic", "", 300),
        ("Segment", "origin=JFK", "segment=origin%3DJFK", 100),
        ("Segment", "all rows", "", 300),
    ):
        box = page.get_by_label(switch, exact=True)
        if hand == "mouse":
            box.select_option(label=value)
        else:
            keys.reach(lab, box, "Tab" if switch == "Version" else "Shift+Tab")
            lab.page.wait_for_timeout(
                1_100
            )  # a select takes what comes within a second as one word
            lab.page.keyboard.type(value.split()[0])
        shown = watched.server.ask(f"{heat}?{part}")
        (counts,) = [row["rows"] for row in shown["rows"] if row["feature"] == "temp"]
        full = counts.index(rows)
        cell = page.locator('[data-feature="temp"] [data-cell]').nth(full)
        expect(cell).to_have_attribute("title", re.compile(rf"\b{rows} rows"))
        expect(page.get_by_text(f"the training data, {shown['version']} ")).to_be_visible()


def number(tile: Locator) -> float:
    """The figure of a tile."""
    found = re.match(r"[\d.]+", tile.locator('[data-basis="est"]').inner_text())
    assert found
    return float(found[0])


@pytest.mark.parametrize("hand", keys.HANDS)
def test_m2_labels_show_what_the_estimate_cannot(
    lab: Lab, watched: Watched, real_rule: Path, hand: keys.Hand
) -> None:
    page = keys.open_by(hand, lab, "monitor:flights")
    estimated = page.locator('[class*="monitoring-tile"]').filter(has_text="estimated").first
    expect(estimated).to_contain_text("blind to concept drift")
    expect(estimated.locator('[data-basis="est"]')).to_be_visible()
    before = number(estimated)
    real = page.locator('[class*="monitoring-tile"]').filter(has_text="real").first
    if not watched.has_labels:
        expect(real).not_to_contain_text("labels are in")
    real_rule.write_text(RULES + REAL)
    rows = watched.flights.bench.deployments.payloads("flights")
    old = rows.filter(pl.col("ts") < now() - timedelta(hours=1))
    wrong = [
        {"request_id": id, "label": int(score < 0.5)}
        for id, score in old.select("request_id", "prediction").iter_rows()
    ]
    watched.server.ask("mlinfra/api/monitoring/monitors/flights/labels", "POST", {"labels": wrong})
    watched.has_labels = True
    keys.press_by(hand, lab, page.get_by_role("button", name="Evaluate Now"))
    real = page.locator('[class*="monitoring-tile"]').filter(has_text="real").first
    expect(real).to_contain_text("of the labels are in")
    expect(card(page, "accuracy")).to_contain_text("firing")
    estimated = page.locator('[class*="monitoring-tile"]').filter(has_text="estimated").first
    assert number(estimated) == pytest.approx(before, abs=0.05)
    kpi = page.locator('[class*="monitoring-tile"]').filter(has_text="KPI").first
    expect(kpi).to_contain_text("95 % in [")


@pytest.mark.parametrize("hand", keys.HANDS)
def test_m3_a_silent_monitor_has_no_data_and_is_never_green(
    lab: Lab, watched: Watched, hand: keys.Hand
) -> None:
    page = keys.open_by(hand, lab, "monitor:trains")
    keys.press_by(hand, lab, page.get_by_role("button", name="Evaluate Now"))
    row = lab.row(lab.region("Models"), "monitor:trains")
    expect(row.locator('[data-state="no_data"]')).to_be_visible()
    expect(page.get_by_text(re.compile("has no data")).first).to_be_visible()
    expect(page.get_by_text("none in this window")).to_be_visible()
    assert page.locator('[data-state="ok"]').count() == 0


@pytest.mark.parametrize("hand", keys.HANDS)
def test_m3_a_silence_runs_out_by_itself(
    lab: Lab, watched: Watched, fired: None, hand: keys.Hand
) -> None:
    page = keys.open_by(hand, lab, "alert:flights/drift/temp")
    dialog = lab.page.get_by_role("dialog")
    if hand == "mouse":
        page.get_by_role("button", name="Silence…").click()
        box = dialog.get_by_role("combobox")
        box.select_option(index=box.locator("option").count() - 1)  # until a time
        go_on(lab, dialog, hand)
    else:
        keys.reach(lab, page.get_by_role("button", name="Open Notebook"))
        lab.page.keyboard.press("s")
        expect(dialog.get_by_role("combobox")).to_be_focused()
        lab.page.keyboard.press("End")  # until a time
        lab.page.keyboard.press("Enter")
    expect(dialog.get_by_role("textbox")).to_be_focused()
    lab.page.keyboard.type((now().astimezone() + timedelta(seconds=25)).isoformat())
    go_on(lab, dialog, hand)
    expect(dialog).to_contain_text("Why is flights/drift/temp silenced?")
    lab.page.keyboard.type("a moment")
    go_on(lab, dialog, hand)
    expect(page.get_by_role("region", name="What fired")).to_contain_text("a moment")
    expect(page.locator('[data-state="silenced"]').first).to_be_visible()
    deadline = time.monotonic() + 90
    while watched.status("silences")["total"]:
        assert time.monotonic() < deadline, "the silence does not end"
        time.sleep(0.2)
    watched.evaluate()
    expect(page.locator('[data-state="firing"]').first).to_be_visible()
    expect(page.get_by_role("region", name="What fired")).not_to_contain_text("a moment")


def go_on(lab: Lab, dialog: Locator, hand: keys.Hand) -> None:
    """Answer a question of JupyterLab."""
    if hand == "mouse":
        dialog.locator("button.jp-mod-accept").click()
    else:
        lab.page.keyboard.press("Enter")


@pytest.mark.parametrize("hand", keys.HANDS)
def test_m3_retrain_starts_the_pipeline_and_links_to_it(
    lab: Lab, watched: Watched, fired: None, hand: keys.Hand
) -> None:
    until_no_run_of_a_pipeline(watched)
    page = keys.open_by(hand, lab, "alert:flights/drift/temp")
    keys.press_by(hand, lab, page.get_by_role("button", name="Retrain…"))
    confirm = lab.page.get_by_role("dialog").get_by_role("button", name="Retrain")
    keys.press_by(hand, lab, confirm)
    expect(lab.main("pipeline:train")).to_be_visible()
    page = keys.open_by(hand, lab, "alert:flights/drift/temp")
    history = page.get_by_role("grid", name="History of the alert")
    line = history.get_by_role("row").filter(has_text="retrain").first
    expect(line).to_contain_text("run ")
    keys.press_by(hand, lab, line.get_by_role("button", name="train"))
    expect(lab.main("pipeline:train")).to_be_visible()


def until_no_run_of_a_pipeline(watched: Watched) -> None:
    """A second one at once is refused."""
    deadline = time.monotonic() + 120
    while any(
        run["state"] == "running"
        for run in watched.server.ask("mlinfra/api/pipelines/pipelines/train/runs")["items"]
    ):
        assert time.monotonic() < deadline
        time.sleep(0.5)


def test_a_monitor_without_a_reference_has_one_button_that_builds_it(
    lab: Lab, watched: Watched
) -> None:
    page = lab.open("Models", "monitor:ships")
    with lab.page.expect_response(lambda answer: answer.request.method == "POST"):
        page.get_by_role("button", name="Build from the Training Data").click()
    jobs = watched.server.ask("mlinfra/api/jobs/jobs?limit=50")["items"]
    assert any("monitors" in " ".join(job["command"]) for job in jobs), jobs


def editor(lab: Lab, path: str) -> Locator:
    lab.command("docmanager:open", path=path)
    page = lab.page.locator(".jp-mlinfra-page-widget:visible")
    expect(page.get_by_role("heading", level=1)).to_contain_text(path)
    return page


def test_form_and_text_of_a_rule_file_are_in_step_and_a_fault_stands_at_its_line(
    lab: Lab, watched: Watched
) -> None:
    path = watched.server.root / "form.mlrules.yaml"
    path.write_text(RULES.replace("name: drift", "name: heat"))
    page = editor(lab, "form.mlrules.yaml")
    text = page.locator(".cm-content")
    expect(page.get_by_text("armed", exact=True).first).to_be_visible()
    threshold = page.get_by_label("threshold", exact=True)
    threshold.fill("0.35")
    threshold.press("Enter")
    expect(text).to_contain_text("threshold: 0.35")
    expect(text).to_contain_text("# how the flights are watched")
    expect(page.get_by_text("not saved, not in force")).to_be_visible()
    assert "0.35" not in path.read_text()
    text.click()
    lab.page.keyboard.press("Control+End")
    lab.page.keyboard.type("    clear: 0.9\n")
    expect(page.get_by_text(re.compile("fault.*not in force")).first).to_be_visible()
    expect(page.locator("[data-line]").first).to_be_visible()
    expect(page.get_by_role("button", name="Save and Arm")).to_be_disabled()
    while not lab.reads(text).rstrip().endswith("for: 1s"):
        lab.page.keyboard.press("Backspace")
    page.get_by_role("checkbox", name="armed").click()
    expect(text).to_contain_text("enabled: false")
    page.get_by_role("checkbox", name="armed").click()
    expect(text).not_to_contain_text("enabled: false")
    expect(page.get_by_role("button", name="Save and Arm")).to_be_enabled()
    page.get_by_role("button", name="Save and Arm").click()
    expect(page.get_by_text("armed", exact=True).first).to_be_visible()
    assert "0.35" in path.read_text()
    rules = watched.status("rules?monitor=flights")["items"]
    assert [rule["threshold"] for rule in rules if rule["name"] == "heat"] == [0.35]
    path.unlink()


def test_a_back_test_is_drawn_before_anything_is_armed(lab: Lab, watched: Watched) -> None:
    path = watched.server.root / "past.mlrules.yaml"
    path.write_text(RULES.replace("name: drift", "name: past"))
    page = editor(lab, "past.mlrules.yaml")
    page.get_by_label("days").fill("2")
    page.get_by_role("button", name="Back-Test").click()
    result = page.get_by_role("region", name="Back-test").locator("li").first
    expect(result).to_contain_text("would have fired")
    expect(result.get_by_role("img", name=re.compile("episode"))).to_be_visible()
    assert all("past" not in alert["name"] for alert in watched.status("alerts")["items"])
    path.unlink()


def test_the_rules_of_a_monitor_are_listed_and_one_can_be_replaced(
    lab: Lab, watched: Watched
) -> None:
    page = lab.open("Models", "monitor:flights")
    page.get_by_role("button", name="Rules", exact=True).click()
    rules = lab.main("rules:flights")
    table = rules.get_by_role("grid", name="Rules in force")
    expect(table.get_by_role("row").filter(has_text="drift")).to_contain_text("psi >= 0.2")
    table.get_by_role("row").filter(has_text="failed").get_by_role(
        "button", name="Replace…"
    ).click()
    page = lab.page.locator(".jp-mlinfra-page-widget:visible")
    expect(page.locator(".cm-content")).to_contain_text("metric: error_fraction")
    expect(page.get_by_text("not saved, not in force")).to_be_visible()
    saved(lab)
    for file in watched.server.root.glob("untitled*.mlrules.yaml"):
        file.unlink()


def test_a_feature_is_traced_and_where_the_trace_ends_is_said(lab: Lab, watched: Watched) -> None:
    page = lab.open("Models", "monitor:flights")
    section = page.get_by_role("region", name="Where temp comes from")
    section.get_by_role("button", name="Trace to Its Code").click()
    found = watched.status("monitors/flights/cause?feature=temp")
    expect(section.get_by_text(found["basis"])).to_be_visible()
    assert found["reasons"]
    for reason in found["reasons"]:
        expect(section.get_by_text(reason)).to_be_visible()
    expect(section.get_by_role("button", name="Trace Again")).to_be_enabled()
    section.get_by_role("button", name="flights/2").click()
    expect(lab.main("model:flights")).to_be_visible()


def tab_of(lab: Lab, name: str) -> Locator:
    """The page of the deployment, at one of its tabs."""
    page = lab.open("Models", "deployment:flights")
    page.get_by_role("tab", name=name, exact=True).click()
    return page


def test_a_new_key_is_seen_once_and_can_be_revoked(lab: Lab, watched: Watched) -> None:
    page = tab_of(lab, "Access")
    form = page.get_by_role("form", name="New key")
    form.get_by_label("for", exact=True).fill("shop")
    form.get_by_role("button", name="Create Key").click()
    made = page.get_by_role("status").filter(has_text="The key of shop")
    key = made.locator("code").inner_text()
    page.get_by_role("tab", name="History", exact=True).click()
    expect(made).to_contain_text(key)
    page.get_by_role("tab", name="Access", exact=True).click()
    made.get_by_role("button", name="Hide").click()
    expect(page.get_by_text(key)).to_have_count(0)
    row = (
        page.get_by_role("grid", name="Keys of flights").locator("tbody tr").filter(has_text="shop")
    )
    row.get_by_role("button", name="Revoke…").click()
    dialog = lab.page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("the shop has closed")
    dialog.get_by_role("button", name="Revoke").click()
    expect(row).to_contain_text("revoked")
    log = page.get_by_role("grid", name="Audit log of flights")
    expect(log).to_contain_text("the shop has closed")
    kept = watched.server.ask("mlinfra/api/deployments/deployments/flights/keys")
    assert key not in str(kept)


def test_a_plan_is_held_and_goes_on(lab: Lab, watched: Watched) -> None:
    page = tab_of(lab, "Traffic")
    plan = page.get_by_role("region", name="Plan of v2")
    expect(plan.locator('[aria-current="step"]')).to_have_text("5 %")
    plan.get_by_role("button", name="Pause").click()
    expect(plan).to_contain_text("It is held by hand.")
    plan.get_by_role("button", name="Resume").click()
    expect(plan.get_by_role("button", name="Pause")).to_be_enabled()
    expect(plan).not_to_contain_text("It is held by hand.")
    history = page.get_by_role("grid", name="History of flights").locator("tbody tr")
    expect(history.nth(0)).to_contain_text("resume")
    expect(history.nth(1)).to_contain_text("the plan of v2 is held at 5 %")


def test_a_replay_is_compared_and_another_one_is_a_job(lab: Lab, watched: Watched) -> None:
    page = tab_of(lab, "Tests")
    row = page.get_by_role("grid", name="Replays to flights").locator("tbody tr")
    expect(row).to_have_count(1)
    for text in ("v2", "5,000", "97.1 %", "+0.02", "44, given in 21"):
        expect(row).to_contain_text(text)
    expect(page.get_by_text("3 rows were left out.")).to_be_visible()
    page.get_by_role("form", name="Replay").get_by_role("button", name="Replay").click()
    job = lab.page.locator('[id^="jp-mlinfra-job:"]:visible')
    expect(job.get_by_role("heading", level=1)).to_contain_text("flights")


@pytest.mark.parametrize("name", ["monitor:flights", "alert:flights/drift/temp", "rules:flights"])
def test_axe_finds_nothing_on_the_pages(lab: Lab, watched: Watched, fired: None, name: str) -> None:
    if name.startswith("rules"):
        page = lab.open("Models", "monitor:flights")
        page.get_by_role("button", name="Rules", exact=True).click()
        expect(lab.main(name).get_by_role("grid", name="Rules in force")).to_be_visible()
    else:
        page = lab.open("Models", name)
        expect(page.locator("svg[role='img']").first).to_be_visible()
        page.get_by_role("button", name="Trace to Its Code").click()
        expect(page.get_by_text("Datasets, runs and jobs are from lineage")).to_be_visible()
    faultless(lab.page)


def test_axe_finds_nothing_in_a_rule_file_with_a_fault_and_a_back_test(
    lab: Lab, watched: Watched
) -> None:
    path = watched.server.root / "axe.mlrules.yaml"
    path.write_text(RULES.replace("name: drift", "name: axe"))
    page = editor(lab, path.name)
    page.get_by_label("days").fill("2")
    page.get_by_role("button", name="Back-Test").click()
    expect(page.get_by_role("region", name="Back-test").locator("li").first).to_be_visible()
    faultless(lab.page)
    page.locator(".cm-content").click()
    lab.page.keyboard.press("Control+End")
    lab.page.keyboard.type("    clear: 0.9\n")
    expect(page.locator("[data-line]").first).to_be_visible()
    faultless(lab.page)
    saved(lab)
    path.unlink()


@pytest.mark.parametrize(
    "tab", ["Traffic", pytest.param("Tests", marks=pytest.mark.slow), "Access"]
)
def test_axe_finds_nothing_on_the_page_of_a_deployment(
    lab: Lab, watched: Watched, tab: str
) -> None:
    page = lab.open("Models", "deployment:flights")
    page.get_by_role("tab", name=tab, exact=True).click()
    if tab == "Traffic":
        expect(page.get_by_role("grid", name="Checks of the plan")).to_be_visible()
    elif tab == "Tests":
        expect(page.get_by_role("grid", name="Replays to flights")).to_be_visible()
    else:
        page.get_by_role("form", name="New key").get_by_role("button").click()
        expect(page.get_by_text("it is not shown again")).to_be_visible()
        expect(page.get_by_role("grid", name="Keys of flights")).to_be_visible()
        expect(page.get_by_role("grid", name="Audit log of flights")).to_be_visible()
    faultless(lab.page)
