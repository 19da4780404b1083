"""The page of a deployment, tab by tab: its requests, tests, monitors, manifest, access, history;
and the scenarios of deploying, by mouse and by keyboard.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.browser import keys
from tests.browser.conftest import Lab, cell
from tests.deployments.conftest import load

DEPLOYMENT = "deployment:flights"
API = "mlinfra/api/deployments/deployments/flights"


@pytest.fixture
def lab(shared: Lab) -> Lab:
    """The tests of this file leave nothing behind but open pages: one page serves them all."""
    return shared


def tab(page: Locator, name: str) -> Locator:
    """Open a tab of the page; returns what it shows."""
    page.get_by_role("tab", name=name, exact=True).click()
    return page.get_by_role("tabpanel")


def shares(lab: Lab) -> dict[str, int]:
    """The traffic of the versions that can have some."""
    versions = lab.server.ask(API)["deployment"]["versions"]
    return {item["version"]: item["traffic"] for item in versions if item["state"] == "ready"}


def move(lab: Lab, traffic: dict[str, int], reason: str) -> None:
    lab.server.ask(f"{API}/traffic", "POST", {"traffic": traffic, "reason": reason})


@pytest.fixture
def restored(lab: Lab, traffic: None) -> Iterator[Lab]:
    """The traffic is as before after the test."""
    before = shares(lab)
    yield lab
    if shares(lab) != before:
        move(lab, before, "end of a test")


def test_a_logged_request_is_found_opened_tried_again_and_copied(shared: Lab) -> None:
    page = shared.open("Models", DEPLOYMENT)
    panel = tab(page, "Requests")
    rows = panel.get_by_role("grid", name="Requests to flights").locator("tbody tr")
    expect(rows.first).to_be_visible()
    answered = shared.server.ask(f"{API}/requests?outcome=answered&limit=5")["items"]
    assert answered
    panel.get_by_label("status").select_option("answered")
    expect(rows.locator("[data-state=failed]")).to_have_count(0)  # those of before have gone
    rows.first.focus()
    shared.page.keyboard.press("Enter")
    detail = panel.get_by_role("region", name=re.compile("^Request "))
    expect(detail.get_by_role("button", name="Try It")).to_be_enabled()
    expect(page.get_by_role("group", name="Code")).to_contain_text('ml.deployment("flights")')
    detail.get_by_role("button", name="Copy as Code").click()
    detail.get_by_role("button", name="Try It").click()
    expect(page.get_by_role("tab", name="Try It")).to_have_attribute("aria-selected", "true")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_text(re.compile(r"from v\d+ in"))).to_be_visible()


def test_requests_that_were_refused_are_filtered_and_say_why(lab: Lab) -> None:
    body = {"rows": {"data": {"names": ["nothing"], "ndarray": [[1]]}}}
    page = lab.open("Models", DEPLOYMENT)
    lab.page.evaluate(
        "([url, body]) => fetch(url, {method: 'POST', body: JSON.stringify(body), headers:"
        " {'X-XSRFToken': document.cookie.match(/_xsrf=([^;]+)/)?.[1] ?? ''}}).then(() => null)",
        [f"{lab.server.address}/{API}/predict?token={lab.server.token}", body],
    )
    lab.refused("/deployments/flights/predict")
    panel = tab(page, "Requests")
    panel.get_by_label("status").select_option("refused")
    rows = panel.get_by_role("grid", name="Requests to flights").locator("tbody tr")
    expect(rows.first.locator('[data-state="failed"]')).to_have_text("400", timeout=30_000)
    rows.first.click()
    expect(panel.get_by_text('"nothing"').first).to_be_visible()
    expect(panel.get_by_role("button", name="Try It")).to_be_disabled()


def test_the_other_tabs_show_what_the_server_says(shared: Lab) -> None:
    page = shared.open("Models", DEPLOYMENT)
    detail = shared.server.ask(API)["deployment"]
    tests = tab(page, "Tests")
    grid = tests.get_by_role("grid", name="Tests before traffic")
    names = {gate["name"] for version in detail["versions"] for gate in version["gates"]}
    expect(grid.locator("tbody tr")).to_have_count(len(names))
    monitors = tab(page, "Monitors").get_by_role("grid", name="Monitors of flights")
    expect(monitors.locator('[data-mlinfra-ref="monitor:flights"]')).to_be_visible()
    access = tab(page, "Access")
    expect(access.get_by_text(detail["urls"]["seldon"], exact=True)).to_be_visible()
    expect(access.get_by_text("this machine only")).to_be_visible()
    manifest = tab(page, "Manifest")
    manifest.get_by_label("model").fill("s3://models/flights/{version}")
    expect(manifest.get_by_label("flights-kserve.yaml")).to_contain_text("InferenceService")
    with shared.page.expect_download() as download:
        manifest.get_by_role("button", name="Download").click()
    assert "InferenceService" in download.value.path().read_text()


def test_latency_is_drawn_for_each_version_and_is_a_table_too(shared: Lab) -> None:
    page = shared.open("Models", DEPLOYMENT)
    chart = page.get_by_role("region", name="Latency and rate")
    chart.get_by_label("Time that is drawn").select_option("86400")
    found = shared.server.ask(f"{API}/latency?since=86400")
    versions = [item["version"] for item in found["versions"]]
    assert versions
    expect(chart.get_by_role("img")).to_be_visible()
    for version in versions:
        expect(chart.get_by_text(re.compile(f"^{version} [0-9]"))).to_be_visible()
    chart.get_by_role("button", name="as table").click()
    rows = chart.get_by_role("grid", name="Latency and rate of the versions").locator("tbody tr")
    expect(rows).to_have_count(len(versions))
    chart.get_by_role("button", name="as chart").click()


def test_the_versions_say_tests_memory_and_processes(shared: Lab) -> None:
    page = shared.open("Models", DEPLOYMENT)
    rows = page.get_by_role("grid", name="Versions of flights").locator("tbody tr")
    versions = shared.server.ask(API)["deployment"]["versions"]
    expect(rows).to_have_count(len(versions))
    for version in versions:
        row = rows.filter(has_text=version["version"]).first
        for pid in version["pids"][:8]:
            expect(row).to_contain_text(str(pid))


def test_the_verdict_names_both_versions_and_why(restored: Lab) -> None:
    lab = restored
    stable, canary = sorted(shares(lab), key=lambda version: -shares(lab)[version])[:2]
    move(lab, {stable: 50, canary: 50}, "an A/B test")
    page = lab.open("Models", DEPLOYMENT)
    group = page.get_by_role("group", name="Verdict")
    expect(group).to_contain_text("not yet decided")
    group.get_by_label("Compared by").select_option("latency")
    expect(group).to_contain_text("expected 50 %")


@pytest.mark.parametrize("hand", keys.HANDS)
def test_canary_promote_and_roll_back_are_in_the_history_and_can_be_undone(
    restored: Lab, hand: keys.Hand
) -> None:
    """Scenario D2, and no request fails meanwhile."""
    lab = restored
    detail = lab.server.ask(API)
    url, body = detail["deployment"]["url"], json.dumps(detail["sample"]).encode()
    with load(url, body, rate=20, clients=4) as requests:
        canary_and_back(lab, hand)
    assert requests.lost == {}, requests.details[:3]


def canary_and_back(lab: Lab, hand: keys.Hand) -> None:
    stable, canary = sorted(shares(lab), key=lambda version: -shares(lab)[version])[:2]
    move(lab, {stable: 100, canary: 0}, "before the canary")
    page = keys.open_by(hand, lab, DEPLOYMENT)
    editor = page.get_by_role("group", name="Change the traffic")

    def press(button: Locator, key: str = "Tab") -> None:
        if hand == "mouse":
            button.click()
        else:
            keys.reach(lab, button, key)
            lab.page.keyboard.press("Enter")

    def judged() -> None:
        """The page has its verdict: one that is asked for while the canary ends is refused."""
        verdict = page.get_by_role("group", name="Verdict").locator("[aria-busy=false]")
        expect(verdict).to_contain_text(re.compile(rf"{canary}: .*expected 10"))

    share = editor.get_by_label(canary)
    if hand == "keyboard":
        lab.page.keyboard.press("t")
        keys.reach(lab, share)
        lab.page.keyboard.press("ControlOrMeta+A")
        lab.page.keyboard.type("10")
    else:
        share.fill("10")
    press(editor.get_by_role("button", name="Preview Change"))
    press(editor.get_by_role("button", name="Apply"))
    history = page.get_by_role("grid", name="History of flights").locator("tbody tr")
    expect(history.first).to_contain_text(f"{canary} 10 %")
    judged()
    press(page.get_by_role("button", name=f"Promote {canary}…"), "Shift+Tab")
    press(lab.page.get_by_role("dialog").get_by_role("button", name="Promote"))
    expect(history.first).to_contain_text("promote")
    press(page.get_by_role("button", name="Roll Back", exact=True).first, "Shift+Tab")
    expect(history.first).to_contain_text("rollback")
    assert shares(lab) == {**shares(lab), stable: 90, canary: 10}
    expect(history.nth(1)).to_contain_text("undone")
    judged()
    press(history.nth(2).get_by_role("button", name="Undo This…"))
    press(lab.page.get_by_role("dialog").get_by_role("button", name="Undo"))
    expect(history.first).to_contain_text("undo:")
    assert shares(lab)[stable] == 100
    press(history.first.get_by_role("button", name="Undo This"))
    expect(history.nth(1)).to_contain_text("undo:")
    judged()
    assert shares(lab)[stable] == 90


def test_the_model_card_and_where_a_version_is_deployed(shared: Lab) -> None:
    page = shared.open("Models", "model:flights")
    versions = page.get_by_role("grid", name="Versions of flights").locator("tbody tr")
    deployed = shared.server.ask(API)["deployment"]["versions"]
    number = deployed[0]["version"].removeprefix("v")
    row = versions.and_(page.locator(f'[data-mlinfra-ref="version:flights/{number}"]'))
    expect(row.get_by_role("button", name=re.compile("^(stable|canary|standby)"))).to_be_visible()
    for index in range(2):
        versions.nth(index).focus()
        shared.page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Compare 2")).to_be_enabled()
    page.get_by_role("tab", name="Versions").focus()
    shared.page.keyboard.press("ArrowRight")
    card = shared.server.ask(f"mlinfra/api/experiments/versions/flights/{number}/card")
    page.get_by_label("version").select_option(number)
    inputs = page.get_by_role("grid", name="Inputs").locator("tbody tr")
    expect(inputs).to_have_count(len(card["inputs"]))
    expect(page.get_by_text(card["owner"], exact=True).first).to_be_visible()
    expect(page.get_by_text(card["requirements"][0].split("==")[0], exact=True)).to_be_visible()


def answer_of(page: Locator) -> str:
    """The first prediction that Try It shows."""
    found = page.get_by_role("grid", name="Predictions").locator("tbody tr [data-basis]").first
    expect(found).to_be_visible()
    return found.inner_text()


@pytest.mark.slow
def test_a_snippet_of_try_it_answers_the_same_in_a_cell(lab: Lab, traffic: None) -> None:
    """Scenario D1 from Try It on."""
    page = lab.open("Models", DEPLOYMENT)
    page.get_by_role("tab", name="Traffic").focus()
    lab.page.keyboard.press("y")
    page.get_by_role("button", name="Ask").click()
    shown = answer_of(page)
    # Two versions have traffic, and each has its own answer.
    (version,) = re.findall(r"from (v\d+) in", page.inner_text())
    sample = lab.server.ask(API)["sample"]
    code = (
        "import jupyter_mlinfra as ml\n"
        f'print("answer", ml.deployment("flights").predict({json.loads(json.dumps(sample))!r},'
        f" version={version!r}).predictions)"
    )
    notebook = lab.notebook(cell(code))
    notebook.locator(".cm-content").first.click()
    lab.page.keyboard.press("Shift+Enter")
    output = notebook.locator(".jp-OutputArea-output").filter(has_text="answer")
    expect(output).to_be_visible()
    (number,) = re.findall(r"answer \[+([-0-9.e]+)", output.inner_text())
    assert abs(float(number) - float(shown.replace("−", "-"))) < 1e-4
