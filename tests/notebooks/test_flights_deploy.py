"""`06_deploy`, with one version and with two: what it asks of the deployments."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


class Deployments:
    """Notes what is asked; v9 is left over from before."""

    def __init__(self) -> None:
        self.versions, self.shares, self.reason, self.removed = ["v9"], {}, "", []

    def deploy(self, name: str, *, version: str, **_: Any) -> None:
        self.versions.append(f"v{version.rpartition('/')[2]}")

    def traffic(self, name: str, shares: dict[str, int], *, reason: str) -> None:
        self.shares, self.reason = shares, reason

    def show(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(deployment=SimpleNamespace(versions=[SimpleNamespace(version=item) for item in self.versions]))

    def remove(self, name: str, version: str, **_: Any) -> None:
        self.removed.append(version)


@pytest.mark.parametrize(
    ("made", "shares", "word"), [([2], {"v2": 100}, "alone"), ([2, 1], {"v2": 90, "v1": 10}, "canary"), ([3, 2, 1], {"v2": 90, "v3": 10}, "canary")]
)
def test_the_champion_is_deployed_beside_another_version_or_alone(
    made: list[int], shares: dict[str, int], word: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    versions = [SimpleNamespace(version=number) for number in made]
    experiments = SimpleNamespace(version=lambda _: SimpleNamespace(version=2), model=lambda _: SimpleNamespace(versions=versions))
    deployments = Deployments()
    workbench = SimpleNamespace(experiments=experiments, deployments=deployments)
    monkeypatch.setitem(sys.modules, "jupyter_mlinfra", SimpleNamespace(workbench=lambda: workbench))
    monkeypatch.syspath_prepend(NOTEBOOKS)
    cells = [cell for cell in json.loads((NOTEBOOKS / "06_deploy.ipynb").read_text())["cells"] if cell["cell_type"] == "code"]
    names: dict[str, Any] = {}
    for cell in cells[:3]:  # parameters, deploy, traffic
        exec("".join(cell["source"]), names)
    assert deployments.shares == shares
    assert deployments.removed == ["v9"]
    assert word in deployments.reason
    assert word in capsys.readouterr().out
