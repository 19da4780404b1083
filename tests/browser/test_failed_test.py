"""Scenario D3: a version that a test before traffic has stopped, and the reason that overrides
it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata

import pytest
from playwright.sync_api import Locator, expect

from tests.browser import keys
from tests.browser.conftest import Lab, Opener, Server, jupyterlab

SETTINGS = """
[project]
name = "stopped"

[project.targets]
latency_p99_ms = 5000

[deployments]
workers = 1
runtime = "open-inference"
tests = ["own_checks:likely"]
memory_seconds = 1
"""
CHECKS = '''
def likely(trial):
    """every answer is above 1,000"""
    highest = max(trial.ask(trial.sample))
    return f"{highest:.0f} at most", highest > 1000
'''
MODEL = """
import sys
import mlflow, pandas as pd, xgboost
from mlflow.models import infer_signature
import jupyter_mlinfra as ml

frame = pd.DataFrame({"distance": [float(place) for place in range(50)]})
data = xgboost.DMatrix(frame, label=frame["distance"])
booster = xgboost.train({"max_depth": 2}, data, 5)
with ml.track("flights") as run:
    mlflow.xgboost.log_model(
        booster,
        name="model",
        signature=infer_signature(frame, booster.predict(data)),
        input_example=frame.head(5),
        model_format="ubj",
        pip_requirements=sys.argv[1:],
    )
    run = mlflow.active_run().info.run_id
ml.workbench().experiments.register(run, model="flights")
"""
# Those of the other models that are deployed in tests, which so share an environment.
REQUIREMENTS = [
    f"{name}=={metadata.version(name)}"
    for name in ("mlflow", "numpy", "pandas", "scipy", "xgboost")
]
CLI = [sys.executable, "-m", "jupyter_mlinfra.cli"]
REASON = "the limit is that of long flights"
DEPLOYMENTS: dict[keys.Hand, str] = {"mouse": "flights", "keyboard": "flights-too"}
"""What each hand deploys."""


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A JupyterLab on a project whose only version has failed its test before traffic, in two
    deployments.
    """
    root = tmp_path_factory.mktemp("stopped")
    (root / "mlinfra.toml").write_text(SETTINGS)
    (root / "own_checks.py").write_text(CHECKS)
    script = [sys.executable, "-c", MODEL, *REQUIREMENTS]
    subprocess.run(script, cwd=root, check=True, capture_output=True)
    for name in DEPLOYMENTS.values():
        command = [*CLI, "deployments", "deploy", "flights/1", "--name", name]
        refused = subprocess.run(command, cwd=root, check=False, capture_output=True, text=True)
        assert "did not pass its tests" in refused.stderr, refused.stderr
    with jupyterlab(root, tmp_path_factory.mktemp("lab")) as server:
        yield server
    subprocess.run([*CLI, "down"], cwd=root, check=False, capture_output=True, timeout=120)


def refused(stopped: Server, name: str) -> bool:
    """Whether the version still stands there without traffic."""
    versions = stopped.ask(f"mlinfra/api/deployments/deployments/{name}")["deployment"]["versions"]
    return [(item["state"], item["traffic"]) for item in versions] == [("failed", 0)]


@pytest.mark.slow
@pytest.mark.parametrize("hand", keys.HANDS)
def test_a_stopped_version_says_why_and_is_deployed_only_with_a_reason(
    fresh: Opener, stopped: Server, hand: keys.Hand
) -> None:
    lab, name = fresh(stopped), DEPLOYMENTS[hand]
    lab.go()
    page = keys.open_by(hand, lab, f"deployment:{name}")
    card = page.get_by_role("alert").filter(has_text="v1 may not take traffic")
    expect(card).to_contain_text("own_checks:likely: measured 8 at most")
    expect(card).to_contain_text("every answer is above 1,000")
    expect(card).to_contain_text("An override needs a reason")

    override = card.get_by_role("button", name="Override…")
    answer(lab, hand, override, "   ")
    expect(lab.page.get_by_text("v1 was not deployed")).to_be_visible()
    assert refused(stopped, name)

    answer(lab, hand, override, REASON)
    expect(lab.page.get_by_role("heading", level=1, name="deploy flights/1")).to_be_visible()
    page = keys.open_by(hand, lab, f"deployment:{name}")
    newest = page.get_by_role("grid", name=f"History of {name}").locator("tbody tr").first
    expect(newest).to_contain_text(REASON, timeout=180_000)
    expect(newest).to_contain_text("deployed although own_checks:likely failed")
    expect(newest).to_contain_text("v1 100 %")
    expect(card).to_have_count(0)


def answer(lab: Lab, hand: keys.Hand, override: Locator, reason: str) -> None:
    """Press the button, and give the reason that it asks for."""
    keys.press_by(hand, lab, override)
    dialog = lab.page.get_by_role("dialog")
    box = dialog.get_by_role("textbox")
    if hand == "mouse":
        box.fill(reason)
        dialog.get_by_role("button", name="Deploy", exact=True).click()
    else:
        expect(box).to_be_focused()
        lab.page.keyboard.type(reason)
        lab.page.keyboard.press("Enter")
