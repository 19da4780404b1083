"""Alerts fire while nobody looks at a monitor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import Page
from jupyter_mlinfra.workbench import Workbench


class Monitoring:
    """Two monitors; the first cannot be judged."""

    def __init__(self) -> None:
        self.evaluated: list[str] = []

    def list(self, *, limit: int) -> Page[Any]:
        names = [SimpleNamespace(name="broken"), SimpleNamespace(name="flights")]
        return Page(items=names, shown=2, total=2)

    def evaluate(self, name: str) -> None:
        self.evaluated.append(name)
        if name == "broken":
            raise Unprocessable("Its reference is damaged.")


@pytest.fixture
def monitoring(project: Project, monkeypatch: pytest.MonkeyPatch) -> Monitoring:
    """Monitors that are judged every 0.6 s."""
    (project.root / "mlinfra.toml").write_text("[monitoring]\nevaluate_minutes = 0.01\n")
    found = Monitoring()
    monkeypatch.setattr(Workbench, "monitoring", found)
    return found


async def test_every_monitor_is_evaluated_again_and_again_once_the_server_is_used(
    monitoring: Monitoring, ask: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    assert (await ask("workbench/project")).code == 200
    await asyncio.sleep(2.5)
    assert monitoring.evaluated[:4] == ["broken", "flights", "broken", "flights"]
    assert "monitor broken was not evaluated: Its reference is damaged." in caplog.text


async def test_a_server_that_nobody_uses_evaluates_nothing(monitoring: Monitoring, jp_serverapp: Any) -> None:
    await asyncio.sleep(1.5)
    assert monitoring.evaluated == []
