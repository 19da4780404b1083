"""Pipelines and schedules as someone meets them who has three notebooks: scenarios P1 to P3."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.browser.conftest import Lab, Opener, Server, cell, jupyterlab

RUN = 180_000  # ms; three notebooks, one after the other, on a loaded machine

NOTEBOOKS = {
    "01_features": ["text = open('raw.csv').read()\nopen('features.txt', 'w').write(text)"],
    "02_train": [
        "depth = 6",
        (
            "text = open('features.txt').read()\nassert depth < 10, 'too deep'\nopen('model.txt',"
            " 'w').write(text * depth)"
        ),
    ],
    "03_evaluate": [
        "model = open('model.txt').read()\nopen('report.txt', 'w').write(str(len(model)))"
    ],
}


@dataclass
class Churn:
    """A project with three notebooks, its JupyterLab, and the page that shows it."""

    lab: Lab
    root: Path

    def depth(self, value: int) -> None:
        """Edit the first cell of the training."""
        path = self.root / "02_train.ipynb"
        path.write_text(re.sub(r"depth = \d+", f"depth = {value}", path.read_text()))

    @property
    def document(self) -> Locator:
        """The editor in front."""
        return self.lab.page.locator(".jp-mlinfra-page-widget:visible")

    def file(self, name: str) -> Locator:
        return self.lab.page.locator(".jp-DirListing-item").filter(has_text=name)

    def text(self) -> str:
        return next(self.root.glob("*.mlpipeline.yaml")).read_text()

    def tab(self, name: str) -> None:
        self.document.get_by_role("tab", name=name, exact=True).click()

    def states(self) -> list[str]:
        """The last column of the matrix, from top to bottom."""
        rows = self.document.get_by_role("grid").locator('[role="row"][data-mlinfra-ref]').all()
        return [
            row.get_by_role("gridcell").last.locator("[data-state]").get_attribute("data-state")
            or ""
            for row in rows
        ]

    def runs(self, number: int, state: str) -> None:
        """Wait until there are so many runs, and the newest is in this state."""
        expect(self.document.get_by_role("columnheader")).to_have_count(number + 1, timeout=RUN)
        expect(
            self.document.locator(f'.jp-mlinfra-page-header [data-state="{state}"]')
        ).to_be_visible(timeout=RUN)
        expect(
            self.document.get_by_role("grid").locator(
                '[data-state="running"], [data-state="waiting"]'
            )
        ).to_have_count(0, timeout=RUN)

    def mlinfra(self, *words: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "jupyter_mlinfra.cli", *words],
            cwd=self.root,
            check=True,
            capture_output=True,
            timeout=120,
        )


def write(root: Path) -> None:
    root.mkdir(exist_ok=True)
    (root / "mlinfra.toml").write_text('[project]\nname = "churn"\n')
    (root / "raw.csv").write_text("x\n1\n2\n")
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    for name, sources in NOTEBOOKS.items():
        cells = [
            cell(source, *(["parameters"] if source.startswith("depth") else []))
            for source in sources
        ]
        (root / f"{name}.ipynb").write_text(
            json.dumps(
                {
                    "cells": cells,
                    "metadata": {"kernelspec": kernel},
                    "nbformat": 4,
                    "nbformat_minor": 5,
                }
            )
        )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A JupyterLab on three notebooks."""
    with on_notebooks(tmp_path_factory.mktemp("churn"), tmp_path_factory.mktemp("lab")) as server:
        yield server


@contextmanager
def on_notebooks(folder: Path, config: Path) -> Iterator[Server]:
    root = folder / "churn"
    write(root)
    with jupyterlab(root, config) as server:
        yield server
    command = [sys.executable, "-m", "jupyter_mlinfra.cli", "down"]
    subprocess.run(command, cwd=root, check=False, capture_output=True, timeout=120)


@pytest.fixture
def churn(shared: Lab, server: Server) -> Churn:
    """The notebooks are as at first, and in no pipeline. Runs of before stay: one test alone of
    this project has some.
    """
    for path in server.root.glob("*.mlpipeline.yaml"):
        path.unlink()
    write(server.root)
    return Churn(shared, server.root)


@pytest.fixture
def planned(fresh: Opener, tmp_path: Path) -> Iterator[Churn]:
    """A project of its own, for a schedule that makes runs."""
    with on_notebooks(tmp_path, tmp_path / "lab") as server:
        lab = fresh(server)
        lab.go()
        yield Churn(lab, server.root)
        lab.page.close()  # it would ask a server that is gone


def create(churn: Churn) -> None:
    """Select the notebooks, and make a pipeline of them."""
    items = churn.lab.page.locator('.jp-DirListing-item[data-file-type="notebook"]')
    expect(items).to_have_count(3)
    items.first.click()
    items.last.click(modifiers=["Shift"])
    items.last.click(button="right")
    churn.lab.page.get_by_role("menuitem", name="Create Pipeline…").click()
    expect(churn.document.locator("[data-node]")).to_have_count(4)


def test_three_notebooks_become_a_pipeline_with_a_cache_and_a_repair_runs_what_hangs_on_a_failure(
    churn: Churn,
) -> None:
    """P1: the edges come from what the code reads and writes. P2, by keyboard where it counts: the
    cell of the matrix opens with Enter.
    """
    create(churn)
    page = churn.lab.page
    assert re.findall(r"(in|out): \[(.*)\]", churn.text()) == [
        ("in", "raw.csv"),
        ("out", "features.txt"),
        ("in", "features.txt"),
        ("out", "model.txt"),
        ("in", "model.txt"),
        ("out", "report.txt"),
    ]
    churn.document.locator('[data-node="in:raw.csv"]').focus()
    walked = []
    for _ in range(3):
        page.keyboard.press("ArrowRight")
        walked.append(page.evaluate("document.activeElement.dataset.node"))
    assert walked == ["features", "train", "evaluate"], "arrows go along the edges"
    run = churn.document.get_by_role("button", name="Run", exact=True)
    run.click()
    churn.runs(1, "succeeded")
    assert churn.states() == ["succeeded"] * 3
    assert (churn.root / "report.txt").read_text() == "36"
    expect(run).to_be_enabled()
    run.click()
    churn.runs(2, "succeeded")
    assert churn.states() == ["cached"] * 3

    churn.depth(12)
    expect(run).to_be_enabled()
    run.click()
    churn.runs(3, "failed")
    assert churn.states() == ["cached", "failed", "skipped"]
    expect(churn.document.get_by_role("alert")).to_contain_text(
        "Cell 2 failed at line 2: AssertionError: too deep"
    )
    rows = churn.document.get_by_role("grid").locator('[role="row"][data-mlinfra-ref]')
    rows.first.get_by_role("gridcell").last.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    failed = page.locator(".jp-NotebookPanel:visible .jp-Cell.jp-mod-active")
    expect(failed).to_contain_text("AssertionError: too deep")
    expect(failed).to_be_in_viewport()
    churn.depth(7)
    page.locator("#jp-main-dock-panel .lm-TabBar-tab").filter(has_text="mlpipeline").click()
    churn.document.get_by_role("button", name="Explain").click()
    card = churn.document.locator(".jp-mlinfra-pipelines-step-card")
    expect(card).to_contain_text("code changed: cell 1")
    churn.document.get_by_role("button", name="Repair, 2 steps").click()
    churn.runs(4, "succeeded")
    assert churn.states() == ["cached", "succeeded", "succeeded"]
    assert (churn.root / "report.txt").read_text() == "42"


def test_a_missed_time_stands_in_the_matrix_and_is_caught_up_once_and_a_pause_can_be_undone(
    planned: Churn,
) -> None:
    """P3: the schedule is made at 06:00 in a zone where that is some hours away; the state then
    says that it has been so since yesterday.
    """
    churn = planned
    create(churn)
    page = churn.lab.page
    churn.document.get_by_role("button", name="Schedule…").click()
    form = page.get_by_role("form", name="Schedule")
    expect(form.locator("[data-due]")).to_have_count(5)
    form.get_by_label("in", exact=True).fill("Europe/Paris")
    form.get_by_label("how often").select_option("weekday")
    expect(form.get_by_label("cron")).to_have_value("0 6 * * 1-5")
    form.get_by_label("cron").fill("0 6 * * *")
    expect(form.get_by_label("how often")).to_have_value("day")
    form.get_by_label("within").fill("48")
    expect(form.locator("[data-due]").first).to_have_attribute(
        "data-due", re.compile(r"T06:00:00\+0[12]:00$")
    )
    form.get_by_role("button", name="Schedule", exact=True).click()
    expect(churn.document.get_by_role("heading", level=1, name="pipeline-daily")).to_be_visible()

    churn.mlinfra("down")
    with sqlite3.connect(churn.root / ".mlinfra" / "state.db") as state:
        state.execute(
            "UPDATE schedule SET handled_until = handled_until - 86400, created_at = created_at - 2"
            " * 86400"
        )
    churn.mlinfra("up")

    panel = churn.lab.panel("Jobs")
    row = churn.lab.row(panel, "schedule:pipeline-daily")
    expect(row).to_contain_text("missed 1", timeout=RUN)
    churn.lab.row(panel, "pipeline:pipeline").click()
    main = churn.lab.main("pipeline:pipeline")
    # The label, the missed time, one run.
    expect(main.get_by_role("grid").locator('[role="columnheader"]')).to_have_count(3, timeout=RUN)
    expect(main.get_by_role("grid").locator('[data-state="missed"]')).to_have_count(3)
    expect(main.locator('.jp-mlinfra-page-header [data-state="succeeded"]')).to_be_visible(
        timeout=RUN
    )
    main.get_by_role("grid").locator('[data-state="missed"]').first.click()
    expect(main.locator('[data-card="waiting"]')).to_contain_text("was missed")

    row.get_by_role("button", name="Pause pipeline-daily").click()
    expect(row.get_by_role("button", name="Resume pipeline-daily")).to_be_visible()
    assert (
        churn.lab.server.ask("mlinfra/api/pipelines/schedules/pipeline-daily")["state"] == "paused"
    )
    page.get_by_role("button", name="Undo").click()
    expect(row.get_by_role("button", name="Pause pipeline-daily")).to_be_visible()
    assert (
        churn.lab.server.ask("mlinfra/api/pipelines/schedules/pipeline-daily")["state"] == "active"
    )


def test_graph_and_text_stay_in_step_and_a_comment_survives_what_the_graph_changes(
    churn: Churn,
) -> None:
    create(churn)
    page = churn.lab.page
    churn.tab("Text")
    editor = churn.document.locator(".cm-content")
    editor.click()
    page.keyboard.press("Control+Home")
    page.keyboard.type("# who leaves\n")
    page.keyboard.press("Control+End")
    page.keyboard.type("  bad: {notebok: x.ipynb}")
    expect(churn.document.get_by_role("alert")).to_contain_text("line 16: Unknown key notebok.")
    churn.tab("Graph")
    expect(churn.document.locator(".jp-mlinfra-is-stale [data-node]")).to_have_count(4)
    churn.document.get_by_role("button", name="Go to Line 16").click()
    expect(churn.document.locator(".cm-content")).to_be_focused()
    page.keyboard.press("Shift+End")
    page.keyboard.press("Delete")
    expect(churn.document.get_by_text("graph and text in step")).to_be_visible()

    churn.tab("Graph")
    churn.document.locator('[data-node="features"]').focus()
    page.keyboard.press("e")
    page.get_by_role("form", name="Connect").get_by_role("combobox").select_option("evaluate")
    page.keyboard.press("Enter")
    page.get_by_role("form", name="Connect").get_by_role("button", name="Connect").click()
    expect(churn.document.locator("svg .jp-mlinfra-link-line")).to_have_count(4)
    churn.document.locator('[data-node="train"]').focus()
    page.keyboard.press("Enter")
    properties = page.get_by_role("form", name="Properties of train")
    properties.get_by_label("name").fill("fit")
    properties.get_by_label("params").fill("depth: 4")
    properties.get_by_role("button", name="Apply").click()
    expect(churn.document.locator('[data-node="fit"]')).to_be_visible()
    expect(churn.document.get_by_text("not saved")).to_be_visible()
    churn.document.get_by_role("button", name="Save").click()
    expect(churn.document.get_by_text("not saved")).to_be_hidden()
    text = churn.text()
    assert text.startswith("# who leaves\npipeline: pipeline\n")
    assert "    in: [model.txt, features.txt]\n" in text
    assert "  fit:\n    notebook: 02_train.ipynb\n" in text
    assert "    params: {depth: 4}\n" in text


def test_a_file_that_was_changed_elsewhere_is_read_again_or_asked_about(churn: Churn) -> None:
    create(churn)
    path = next(churn.root.glob("*.mlpipeline.yaml"))
    time.sleep(1.1)  # the file's time is told to the second by some disks
    path.write_text(path.read_text().replace("  evaluate:", "  report:"))
    expect(churn.document.locator('[data-node="report"]')).to_be_visible()
    churn.tab("Text")
    churn.document.locator(".cm-content").click()
    churn.lab.page.keyboard.press("Control+End")
    churn.lab.page.keyboard.type("# mine")
    time.sleep(1.1)
    path.write_text(path.read_text().replace("  report:", "  figures:"))
    expect(churn.document.get_by_text("The file has changed on disk")).to_be_visible()
    churn.document.get_by_role("button", name="Reload").click()
    churn.tab("Graph")
    expect(churn.document.locator('[data-node="figures"]')).to_be_visible()
    expect(churn.document.get_by_text("The file has changed on disk")).to_be_hidden()


@pytest.mark.slow
def test_a_notebook_is_dropped_on_the_graph_and_added_from_its_own_toolbar(churn: Churn) -> None:
    create(churn)
    page = churn.lab.page
    churn.tab("Text")
    churn.tab("Graph")
    churn.document.locator('[data-node="evaluate"]').focus()
    page.keyboard.press("Delete")
    expect(churn.document.locator("[data-node]")).to_have_count(3)
    box = churn.document.locator('[data-node="train"]').bounding_box()
    source = churn.file("03_evaluate").bounding_box()
    assert box
    assert source
    page.mouse.move(source["x"] + 40, source["y"] + 8)
    page.mouse.down()
    page.mouse.move(source["x"] + 60, source["y"] + 20, steps=3)
    page.mouse.move(box["x"] + 20, box["y"] + 120, steps=12)
    page.mouse.up()
    expect(churn.document.locator('[data-node="evaluate"]')).to_be_visible()
    churn.document.get_by_role("button", name="Save").click()
    churn.file("01_features").dblclick()
    notebook = page.locator(".jp-NotebookPanel:visible")
    notebook.get_by_role("button", name="ML ▾").click()
    page.get_by_role("menuitem", name="Add to Pipeline…").click()
    page.get_by_role("dialog").get_by_role("button", name="Add").click()
    expect(
        churn.document.locator('[data-node="features-2"]').or_(churn.document.get_by_role("alert"))
    ).to_be_visible()


def test_what_is_typed_while_the_file_is_read_again_stays(churn: Churn) -> None:
    create(churn)
    page = churn.lab.page
    churn.tab("Text")
    editor = churn.document.locator(".cm-content")
    (path,) = churn.root.glob("*.mlpipeline.yaml")
    held: list[Route] = []
    # Playwright marks what it calls.
    page.route(
        re.compile(r"/api/contents/.*mlpipeline\.yaml.*content=1"), lambda route: held.append(route)
    )
    path.write_text(path.read_text() + "# by someone else\n")
    for _ in range(100):
        if held:
            break
        page.wait_for_timeout(200)  # also lets the browser's requests come
    editor.click()
    page.keyboard.press("Control+Home")
    page.keyboard.type("# mi")
    held[0].continue_()
    expect(editor).to_contain_text("# by someone else")
    page.keyboard.type("ne\n")  # the cursor is where it was
    assert churn.lab.reads(editor) == "# mine\n" + path.read_text().strip()
    expect(churn.document.get_by_text("not saved")).to_be_visible()
