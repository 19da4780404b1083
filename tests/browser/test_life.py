"""Scenario D1: a run's model is registered, deployed and asked, and the code of the question
answers the same in a notebook; by either hand.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.browser import keys
from tests.browser.conftest import Lab, Opener, Server, jupyterlab
from tests.browser.test_failed_test import CLI, REQUIREMENTS

SETTINGS = """
[project]
name = "life"

[project.targets]
latency_p99_ms = 5000

[deployments]
workers = 1
runtime = "open-inference"
memory_seconds = 0.1
"""
MODELS = """
import sys
import mlflow, pandas as pd, xgboost
from mlflow.models import infer_signature
import jupyter_mlinfra as ml

frame = pd.DataFrame({"distance": [float(place) for place in range(50)]})
data = xgboost.DMatrix(frame, label=frame["distance"])
for name in ("mouse", "keyboard"):
    booster = xgboost.train({"max_depth": 2}, data, 5)
    with ml.track(name) as run:
        mlflow.xgboost.log_model(
            booster,
            name="model",
            signature=infer_signature(frame, booster.predict(data)),
            input_example=frame.tail(3),
            model_format="ubj",
            pip_requirements=sys.argv[1:],
        )
"""


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A JupyterLab on a project with two runs, each in an experiment of its own, whose models
    nobody has registered.
    """
    root = tmp_path_factory.mktemp("life")
    (root / "mlinfra.toml").write_text(SETTINGS)
    script = [sys.executable, "-c", MODELS, *REQUIREMENTS]
    subprocess.run(script, cwd=root, check=True, capture_output=True)
    with jupyterlab(root, tmp_path_factory.mktemp("lab")) as server:
        yield server
    subprocess.run([*CLI, "down"], cwd=root, check=False, capture_output=True, timeout=120)


@pytest.mark.parametrize("hand", keys.HANDS)
def test_d1_a_run_is_registered_deployed_and_asked_and_its_code_answers_the_same(
    fresh: Opener, logged: Server, hand: keys.Hand
) -> None:
    lab = fresh(logged)
    lab.go()
    notebook = lab.notebook()
    (run,) = logged.ask(f"mlinfra/api/experiments/runs?experiment={hand}")["items"]
    page = open_run(hand, lab, run["ref"])
    keys.press_by(hand, lab, page.get_by_role("button", name="Register…"))
    dialog = lab.page.get_by_role("dialog")
    expect(dialog.get_by_role("textbox")).to_have_value(hand)
    keys.press_by(hand, lab, dialog.get_by_role("button", name="Register"))

    page = lab.main(f"model:{hand}")
    row = page.locator(f'tr[data-mlinfra-ref="version:{hand}/1"]')
    keys.press_by(hand, lab, row.get_by_role("button", name="Deploy…"))
    form = lab.main(f"deploying:{hand}/1").get_by_role("form", name="Deploy")
    expect(form.get_by_label("deployment")).to_have_value(hand)
    keys.press_by(hand, lab, form.get_by_role("button", name="Deploy"))
    expect(lab.page.get_by_role("heading", level=1, name=f"deploy {hand}/1")).to_be_visible()
    until_it_answers(lab, hand)

    page = keys.open_by(hand, lab, f"deployment:{hand}")
    keys.press_by(hand, lab, page.get_by_role("button", name="Try It"))
    keys.press_by(hand, lab, page.get_by_role("button", name="Ask"))
    answers = page.get_by_role("grid", name="Predictions").locator("tbody tr [data-basis]")
    expect(answers.first).to_be_visible()
    shown = float(answers.first.inner_text().replace("−", "-"))
    code = page.get_by_role("group", name="Code")
    keys.press_by(hand, lab, code.get_by_role("button", name="Insert"))

    cells = notebook.locator(".jp-Cell")
    expect(cells.last.locator(".cm-content")).to_contain_text(f'ml.deployment("{hand}")')
    cells.last.locator(".cm-content").focus()
    lab.page.keyboard.press("Shift+Enter")
    output = notebook.locator(".jp-OutputArea-output").last
    expect(output).to_contain_text(re.compile(r"\d\.\d"))
    numbers = [float(text) for text in re.findall(r"\d+\.\d+", output.inner_text())]
    assert any(abs(number - shown) < 0.01 for number in numbers), (numbers, shown)


def open_run(hand: keys.Hand, lab: Lab, reference: str) -> Locator:
    """From its experiment in the panel."""
    if hand == "mouse":
        experiment = lab.open("Experiments", f"experiment:{hand}")
        experiment.locator(f'tr[data-mlinfra-ref="{reference}"]').click()
        return lab.main(reference)
    panel = lab.region("Experiments")
    lab.chord("e")
    expect(panel.get_by_role("searchbox")).to_be_focused()
    experiment = lab.row(panel, f"experiment:{hand}")
    expect(experiment).to_be_visible()
    keys.walk(lab, experiment, "ArrowDown")
    lab.page.keyboard.press("ArrowRight")
    run = panel.locator(f'[data-mlinfra-ref="{reference}"]').first
    expect(run).to_be_visible()
    keys.walk(lab, run, "ArrowDown")
    lab.page.keyboard.press("Enter")
    return lab.main(reference)


def until_it_answers(lab: Lab, name: str) -> None:
    """The environment is built and the tests are run meanwhile."""
    row = lab.row(lab.panel("Models"), f"deployment:{name}")
    expect(row.locator('[data-state="healthy"]')).to_be_visible(timeout=240_000)
