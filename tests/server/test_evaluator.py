"""Alerts fire while nobody looks at a monitor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import Page, page_of
from jupyter_mlinfra.workbench import Workbench


class Monitoring:
    """Three monitors on two pages; the first two cannot be judged, one for a reason that nobody
    foresaw. The first round of all fails as a whole.
    """

    def __init__(self) -> None:
        self.evaluated: list[str] = []
        self.asked = 0

    def list(self, *, limit: int, cursor: str | None = None) -> Page[Any]:
        self.asked += 1
        if self.asked == 1:
            raise RuntimeError("unforeseen, of the round")
        return page_of(
            [
                SimpleNamespace(name="broken"),
                SimpleNamespace(name="odd"),
                SimpleNamespace(name="flights"),
            ],
            limit=2,
            cursor=cursor,
        )

    def evaluate(self, name: str) -> None:
        self.evaluated.append(name)
        if name == "broken":
            raise Unprocessable("Its reference is damaged.")
        if name == "odd":
            raise KeyError("unforeseen, of a monitor")


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
    for _ in range(300):
        if len(monitoring.evaluated) >= 6:
            break
        await asyncio.sleep(0.1)
    assert monitoring.evaluated[:6] == ["broken", "odd", "flights"] * 2
    assert "unforeseen, of the round" in caplog.text
    assert "unforeseen, of a monitor" in caplog.text
    assert "monitor broken was not evaluated: Its reference is damaged." in caplog.text


async def test_a_server_that_nobody_uses_evaluates_nothing(
    monitoring: Monitoring, jp_serverapp: Any
) -> None:
    await asyncio.sleep(1.5)
    assert monitoring.evaluated == []
