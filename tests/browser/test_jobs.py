"""A notebook becomes a job: the form knows its parameters, and its end is seen without a reload."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Lab, Server, cell

PARAMETERS = 'count: int = 3\nword: str = "plane"\nfactor = 0.5'
WORK = (
    "import time\nfor turn in range(count):\n    print(turn, word, turn * factor, flush=True)\n   "
    " time.sleep(0.5)"
)


@pytest.fixture(scope="module")
def server(small_server: Server) -> Server:
    """Nothing but this file's tests is in its queue."""
    return small_server


@pytest.fixture
def lab(shared: Lab) -> Lab:
    """The tests of this file leave nothing behind but open pages: one page serves them all."""
    return shared


def fill(form: Locator, label: str, value: str) -> None:
    form.get_by_label(re.compile(rf"^{label}\b")).fill(value)


@pytest.fixture
def form(lab: Lab) -> Locator:
    """The submit form of a small notebook, opened from its toolbar."""
    notebook = lab.notebook(
        cell(PARAMETERS, "parameters"), cell(WORK), name=f"counting-{time.time_ns()}"
    )
    notebook.get_by_role("button", name="Run as Job").click()
    form = lab.page.locator("form:visible")
    expect(form.get_by_role("button", name="Submit Job")).to_be_enabled()
    return form


def test_the_form_is_filled_from_the_parameters_cell_and_refuses_what_does_not_fit(
    form: Locator,
) -> None:
    for label, value in (("count", "3"), ("word", "plane"), ("factor", "0.5")):
        expect(form.get_by_label(re.compile(rf"^{label}\b"))).to_have_value(value)
    fill(form, "count", "many")
    expect(form.get_by_label(re.compile(r"^count\b"))).to_have_attribute("aria-invalid", "true")
    expect(form.get_by_role("button", name="Submit Job")).to_be_disabled()


@pytest.mark.slow
def test_the_form_that_is_asked_for_again_shows_the_notebook_as_it_is_now_and_enter_submits_that(
    lab: Lab, form: Locator
) -> None:
    fill(form, "word", "winter")
    lab.page.locator("#jp-main-dock-panel .lm-TabBar-tab").filter(
        has_text="counting-"
    ).first.click()
    notebook = lab.page.locator(".jp-NotebookPanel:visible")
    notebook.locator(".cm-line").first.click()
    lab.page.keyboard.press("End")
    lab.page.keyboard.type("0")
    notebook.get_by_role("button", name="Run as Job").click()
    expect(form.get_by_label(re.compile(r"^count\b"))).to_have_value("30")
    expect(form.get_by_label(re.compile(r"^word\b"))).to_have_value("winter")
    fill(form, "count", "1")
    form.get_by_label(re.compile(r"^word\b")).press("Enter")
    page = lab.page.locator('[data-mlinfra-frame="page"]:visible')
    expect(page.locator('[data-state="succeeded"]').first).to_be_visible(timeout=120_000)
    expect(page.get_by_role("log")).to_have_text(re.compile("0 winter 0.0"))


def test_a_notebook_runs_as_a_job_and_its_end_arrives_in_the_panel_by_itself(
    lab: Lab, form: Locator
) -> None:
    lab.page.evaluate("window.sameDocument = true")
    panel = lab.panel("Jobs")
    fill(form, "count", "5")
    fill(form, "word", "winter")
    name = f"count to five {time.time_ns()}"
    fill(form, "name", name)
    form.get_by_role("button", name="Submit Job").click()
    row = panel.get_by_role("tree", name="Jobs").get_by_role("treeitem").filter(has_text=name)
    expect(row.locator('[data-state="running"]')).to_be_visible()
    expect(form).to_have_count(0)  # what was submitted is done: its page is in front
    expect(row.locator('[data-state="succeeded"]')).to_be_visible(timeout=120_000)
    assert lab.page.evaluate("window.sameDocument") is True, "the page was loaded again"
    reference = row.get_attribute("data-mlinfra-ref") or ""
    page = lab.main(reference)
    expect(page.locator('[data-state="succeeded"]').first).to_be_visible()
    log = page.get_by_role("log")
    expect(log).to_contain_text("4 winter 2.0")
    page.get_by_role("tab", name="Parameters").click()
    expect(page.get_by_role("tabpanel")).to_contain_text('"winter"')
    job = lab.server.ask(f"mlinfra/api/jobs/jobs/{reference.split(':')[1]}")
    assert (job["state"], job["exit_code"], job["parameters"]) == (
        "succeeded",
        0,
        {"count": 5, "word": "winter"},
    )


def test_a_job_that_fails_says_in_which_cell_and_a_running_one_can_be_cancelled(lab: Lab) -> None:
    """Both are started by another door and arrive as events."""
    earlier = lab.server.ask("mlinfra/api/jobs/jobs", "POST", {"command": ["true"]})
    panel = lab.panel("Jobs")
    jobs = panel.get_by_role("tree", name="Jobs")
    expect(lab.row(panel, earlier["ref"])).to_be_visible()
    stamp = str(time.time_ns())
    sleeper = lab.server.ask(
        "mlinfra/api/jobs/jobs", "POST", {"command": ["sleep", "300"], "name": f"sleeper {stamp}"}
    )
    lab.server.ask(
        "mlinfra/api/jobs/jobs", "POST", {"command": ["false"], "name": f"failing {stamp}"}
    )
    failing = jobs.get_by_role("treeitem").filter(has_text=f"failing {stamp}")
    expect(failing.locator('[data-state="failed"]')).to_be_visible()
    asleep = lab.row(panel, sleeper["ref"])
    expect(asleep.locator('[data-state="running"]')).to_be_visible()
    asleep.click()
    lab.main(sleeper["ref"]).get_by_role("button", name="Cancel", exact=True).click()
    expect(asleep.locator('[data-state="cancelled"]')).to_be_visible()
    lab.page.get_by_role("button", name="Undo").click()
    expect(asleep.locator('[data-state="running"]')).to_be_visible()
    lab.main(sleeper["ref"]).get_by_role("button", name="Cancel", exact=True).click()
    expect(asleep.locator('[data-state="cancelled"]')).to_be_visible()
    assert lab.server.ask(f"mlinfra/api/jobs/jobs/{sleeper['id']}")["state"] == "cancelled"


@pytest.mark.slow
def test_the_executed_notebook_of_a_failed_job_opens_at_the_cell_that_failed(lab: Lab) -> None:
    cells = [cell(f"print('before {number}')\n" * 12) for number in range(8)]
    notebook = lab.notebook(
        *cells, cell("1 / 0"), cell("print('never')"), name=f"breaking-{time.time_ns()}"
    )
    notebook.get_by_role("button", name="Run as Job").click()
    form = lab.page.locator("form:visible")
    form.get_by_role("button", name="Submit Job").click()
    page = lab.page.locator('[data-mlinfra-frame="page"]:visible')
    expect(page.locator('[data-state="failed"]').first).to_be_visible(timeout=120_000)
    page.get_by_role("button", name="Open Executed Notebook").click()
    executed = lab.page.locator(".jp-NotebookPanel:visible")
    failed = executed.locator(".jp-Cell.jp-mod-active")
    expect(failed).to_contain_text("ZeroDivisionError: division by zero")
    expect(failed).to_be_in_viewport()
    expect(
        executed.get_by_title("Notebook is read-only").or_(executed.get_by_text("No Kernel"))
    ).to_be_visible()
    assert executed.get_by_role("button", name="No Kernel").is_visible(), (
        "a kernel was started for a record"
    )
    tab = lab.page.locator("#jp-main-dock-panel").get_by_role(
        "tab", name=re.compile(r"^\w{4} \(1\) breaking-")
    )
    expect(tab).to_be_visible()  # the notebook itself is open beside it


def test_the_file_browser_offers_to_run_a_notebook_as_a_job(lab: Lab) -> None:
    lab.page.get_by_role("listitem", name=re.compile("analysis.ipynb")).first.click(button="right")
    lab.page.get_by_role("menuitem", name="Run as Job…").click()
    expect(
        lab.page.get_by_role("heading", level=1, name="Submit job: analysis.ipynb")
    ).to_be_visible()
    expect(lab.page.get_by_role("button", name="Submit Job")).to_be_enabled()
