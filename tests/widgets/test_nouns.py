"""The nouns of a notebook show the records that they stand for."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_mlinfra import nouns, workbench
from jupyter_mlinfra.core.display import MIME
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.server.openapi import _records
from tests.server.noted import Noted, made_up


@pytest.fixture
def noted(project: Project, monkeypatch: pytest.MonkeyPatch) -> Noted:
    notes = Noted()
    notes.__dict__["project"] = project
    for module in (workbench, nouns):
        monkeypatch.setattr(module, "current", lambda path=None: notes)
    return notes


@pytest.mark.parametrize(
    ("name", "kind", "state"),
    [
        ("job", "Job", "queued"),
        ("pipeline", "PipelineDetail", None),
        ("model", "Version", None),
        ("deployment", "DeploymentDetail", "healthy"),
        ("monitor", "MonitorStatus", None),
    ],
)
def test_a_noun_shows_its_record(noted: Noted, name: str, kind: str, state: str | None) -> None:
    noted.answer = made_up(_records()[kind])
    found = getattr(nouns, name)("x")._repr_mimebundle_()
    assert (found[MIME]["record"] or {}).get("state") == state
    assert found["text/plain"].strip()


def test_runs_show_the_metric_of_the_project_and_where_they_belong(noted: Noted, project: Project) -> None:
    run = made_up(_records()["Run"])
    object.__setattr__(run, "metrics", {f"m{number}": 0.5 for number in range(7)})
    noted.answer = run
    shown: Any = nouns.runs(["a", "b"])
    found = shown._repr_mimebundle_()
    assert found[MIME]["ref"] == "experiment:x"
    assert found["text/plain"].splitlines()[0] == "2 runs · 2 more metrics: m5, m6  experiment:x"
    assert nouns.RunList(noted, [])._repr_mimebundle_()["text/plain"].startswith("Nothing found.")  # type: ignore[arg-type]
