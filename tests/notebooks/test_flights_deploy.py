"""`06_deploy`, with one version and with two: what it asks of the deployments."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_mlinfra.nouns import ModelHandle

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


class Deployments:
    """Notes what is asked; v9 is left over from before."""

    def __init__(self) -> None:
        self.versions, self.shares, self.reason, self.removed = ["v9"], {}, "", []

    def deploy(self, name: str, *, version: str, **_: Any) -> None:
        assert version.startswith("version:flights/")
        self.versions.append(f"v{version.rpartition('/')[2]}")

    def traffic(self, name: str, shares: dict[str, int], *, reason: str) -> None:
        self.shares, self.reason = shares, reason

    def show(self, name: str) -> SimpleNamespace:
        shares = {
            f"v{version.rpartition('/')[2]}": percent for version, percent in self.shares.items()
        }
        found = [
            SimpleNamespace(version=item, traffic=shares.get(item, 0)) for item in self.versions
        ]
        return SimpleNamespace(deployment=SimpleNamespace(versions=found))

    def remove(self, name: str, version: str, **_: Any) -> None:
        self.removed.append(version)


@pytest.mark.parametrize(
    ("made", "shares", "word"),
    [
        ([2], {"flights/2": 100}, "alone"),
        ([2, 1], {"flights/2": 90, "flights/1": 10}, "canary"),
        ([3, 2, 1], {"flights/2": 90, "flights/3": 10}, "canary"),
    ],
)
def test_the_champion_is_deployed_beside_another_version_or_alone(
    made: list[int],
    shares: dict[str, int],
    word: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    records = {
        f"flights/{number}": SimpleNamespace(
            model="flights", version=number, ref=f"version:flights/{number}"
        )
        for number in made
    }
    records["flights@champion"] = records["flights/2"]
    experiments = SimpleNamespace(
        version=records.__getitem__,
        model=lambda _: SimpleNamespace(versions=[records[f"flights/{number}"] for number in made]),
    )
    deployments = Deployments()
    workbench: Any = SimpleNamespace(experiments=experiments, deployments=deployments)
    monkeypatch.setitem(
        sys.modules,
        "jupyter_mlinfra",
        SimpleNamespace(model=lambda ref: ModelHandle(workbench, ref)),
    )
    monkeypatch.syspath_prepend(NOTEBOOKS)
    cells = [
        cell
        for cell in json.loads((NOTEBOOKS / "06_deploy.ipynb").read_text())["cells"]
        if cell["cell_type"] == "code"
    ]
    names: dict[str, Any] = {}
    for cell in cells[:3]:  # parameters, deploy, traffic
        exec("".join(cell["source"]), names)
    assert deployments.shares == shares
    assert deployments.removed == ["v9"]
    assert word in deployments.reason
    assert word in capsys.readouterr().out
