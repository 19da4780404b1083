"""A folder that is no project yet becomes one, and what the empty panels offer to insert runs."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Lab, Opener, Server, jupyterlab

COLD = 300_000
"""Milliseconds until a server or a kernel has read the catalog or all of Feast for the first time,
while other tests keep the machine busy.
"""

SALES = """
import datetime as dt, polars as pl, jupyter_mlinfra as ml
pl.DataFrame({
    "shop": ["north", "south"] * 10,
    "at": [
        dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc) + dt.timedelta(hours=h) for h in range(20)
    ],
    "items": range(20),
    "euros": [1.5 * n for n in range(20)],
}).write_parquet("sales.parquet")
ml.workbench().catalog.ingest(["sales.parquet"], into="shop.sales")
"""


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A JupyterLab in a folder that is in no project."""
    with jupyterlab(tmp_path_factory.mktemp("empty"), tmp_path_factory.mktemp("lab")) as server:
        yield server
    subprocess.run(
        [sys.executable, "-m", "jupyter_mlinfra.cli", "down"],
        cwd=server.root,
        check=False,
        capture_output=True,
    )


def card(panel: Locator) -> Locator:
    return panel.locator('[data-card="empty"]')


def forgive(lab: Lab, asked: Counter[str]) -> None:
    """Of what was asked before there was a project some may be answered late: as many questions of
    each address may be refused as were `asked` until then.
    """
    left = asked.copy()
    kept = []
    for fault in lab.faults:
        address = fault.rpartition("(")[2].removesuffix(")")
        if "status of 404" in fault and left[address]:
            left[address] -= 1
        else:
            kept.append(fault)
    lab.faults[:] = kept


def ingest_sales(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SALES], cwd=root, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_a_folder_becomes_a_project_and_its_first_feature_view_is_inserted_and_runs(
    fresh: Opener, empty: Server
) -> None:
    lab: Lab = fresh(empty)
    asked: Counter[str] = Counter()
    lab.page.on("request", lambda request: asked.update([request.url]))
    lab.go()
    for title in ("Jobs", "Catalog"):
        panel = lab.panel(title)
        expect(card(panel)).to_contain_text("There is no project yet.")
        expect(panel.locator("[data-card]")).to_have_count(1)
    lab.refused("/workbench/project")
    panel.get_by_role("button", name="Create Project Here").click()
    expect(card(panel)).to_contain_text("%catalog ingest", timeout=COLD)
    # The sections and the status bar, which asked before there was a project.
    lab.faults[:] = [fault for fault in lab.faults if "status of 404" not in fault]
    early = asked.copy()
    expect(panel.get_by_title(str(empty.root))).to_have_text(empty.root.name)
    assert (empty.root / "mlinfra.toml").is_file()

    ingest_sales(empty.root)
    notebook = lab.notebook()
    features = lab.panel("Features")
    insert = card(features).get_by_role("button", name="Insert an Example")
    expect(insert).to_be_visible(timeout=COLD)
    expect(card(features).locator("code"), "it is too long for a card").to_have_count(0)
    insert.click()
    first = notebook.locator(".jp-CodeCell").first
    expect(first.locator(".cm-content")).to_contain_text("bench.features.apply()")
    inserted = lab.reads(first.locator(".cm-content"))
    assert inserted.startswith("import jupyter_mlinfra as ml\n")
    assert "sales_example = FeatureView(" in inserted
    compile(inserted, "cell", "exec")
    # The button keeps the focus until the notebook takes it.
    expect(notebook.locator(":focus")).to_be_attached()
    lab.page.keyboard.press("Shift+Enter")
    expect(first.locator(".jp-InputPrompt"), "the cell has run").to_have_text("[1]:", timeout=COLD)
    error = notebook.locator("[data-mime-type='application/vnd.jupyter.error']")
    assert error.all_inner_texts() == []
    expect(lab.row(features, "view:sales_example")).to_be_visible(timeout=120_000)
    forgive(lab, early)
    assert Path(empty.root, "feature_repo", "sales_example.py").is_file()
