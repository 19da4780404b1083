"""Names and descriptions that others wrote are text, whatever stands in them; a missing server half is told once."""

from __future__ import annotations

import re
import time
from pathlib import Path

import polars as pl
from playwright.sync_api import expect

from jupyter_mlinfra import Workbench
from tests.browser.conftest import Lab, Opener, cell, start_server

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}"


def test_a_job_with_markup_in_its_name_is_shown_as_text(lab: Lab) -> None:
    name = f"{HOSTILE} {time.time_ns()}"
    job = lab.server.ask("mlinfra/api/jobs/jobs", "POST", {"command": ["echo", HOSTILE], "name": name})
    panel = lab.panel("Jobs")
    row = lab.row(panel, job["ref"])
    expect(row).to_contain_text("{{7*7}}")
    row.click()
    page = lab.main(job["ref"])
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    expect(page.get_by_role("log")).to_contain_text(HOSTILE)
    panel.get_by_role("searchbox").fill("onerror")
    expect(lab.row(panel, job["ref"])).to_contain_text("<img src=x onerror=alert(1)>")
    assert lab.page.locator("img[src='x']").count() == 0


def test_a_dataset_with_markup_in_its_description_and_rows_is_shown_as_text(lab: Lab) -> None:
    catalog = Workbench.open(lab.server.root).catalog
    catalog.write(pl.DataFrame({"text": [HOSTILE, "\u202egnirts", "🛫" * 50]}), into="browser.hostile", mode="replace")
    catalog.describe("browser.hostile", owner=HOSTILE, description=HOSTILE)
    page = lab.open("Catalog", "dataset:browser.hostile")
    expect(page.get_by_text(HOSTILE).first).to_be_visible()
    page.get_by_role("tab", name="Preview").click()
    expect(page.get_by_role("grid", name="Rows of browser.hostile")).to_contain_text(HOSTILE)
    assert lab.page.locator("img[src='x']").count() == 0


def test_an_object_with_markup_in_its_name_is_text_in_a_notebooks_output(lab: Lab) -> None:
    job = lab.server.ask("mlinfra/api/jobs/jobs", "POST", {"command": ["true"], "name": HOSTILE})
    notebook = lab.notebook(cell(f"import jupyter_mlinfra as ml\nml.job({job['id']!r})"))
    notebook.locator(".cm-content").first.click()
    lab.page.keyboard.press("Shift+Enter")
    expect(notebook.locator(".jp-OutputArea-output").first).to_contain_text("<img src=x", timeout=60_000)
    assert lab.page.locator("img[src='x']").count() == 0


def test_without_the_server_half_a_panel_says_so_and_how_to_mend_it(fresh: Opener, tmp_path: Path, lab: Lab) -> None:
    process, server = start_server(lab.server.root, tmp_path, "--ServerApp.jpserver_extensions={'jupyter_mlinfra': False}")
    other = fresh(server)
    try:
        other.go()
        panel = other.panel("Catalog")
        card = panel.get_by_role("alert")
        expect(card).to_have_count(1)
        expect(card).to_contain_text("jupyter server extension enable jupyter_mlinfra")
        other.page.wait_for_timeout(4_000)  # the status bar asks three seconds after the start
        other.faults[:] = [fault for fault in other.faults if not re.search(r"status of 404 .*/mlinfra/", fault)]
    finally:
        other.page.context.close()  # it would ask a server that is gone
        process.terminate()
        process.wait(30)
