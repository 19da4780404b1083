"""The nouns of a notebook show the records that they stand for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_mlinfra import nouns, workbench
from jupyter_mlinfra.core.display import MIME
from jupyter_mlinfra.core.errors import NotFound
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import page_of
from jupyter_mlinfra.server.openapi import _records
from tests.server.noted import Noted, made_up


@pytest.fixture
def noted(project: Project, monkeypatch: pytest.MonkeyPatch) -> Noted:
    notes = Noted()
    notes.__dict__["project"] = project
    for module in (
        workbench,
        *(
            getattr(nouns, name)
            for name in ("deployments", "experiments", "jobs", "monitoring", "pipelines")
        ),
    ):
        monkeypatch.setattr(module, "current", lambda path=None: notes)
    return notes


@pytest.mark.parametrize(
    ("name", "kind", "state"),
    [
        ("job", "Job", "queued"),
        ("pipeline", "PipelineDetail", None),
        ("schedule", "Schedule", "active"),
        ("model", "Version", None),
        ("deployment", "DeploymentDetail", "healthy"),
        ("monitor", "MonitorStatus", None),
        ("alert", "AlertDetail", None),
    ],
)
def test_a_noun_shows_its_record(noted: Noted, name: str, kind: str, state: str | None) -> None:
    noted.answer = made_up(_records()[kind])
    found = getattr(nouns, name)("x")._repr_mimebundle_()
    assert (found[MIME]["record"] or {}).get("state") == state
    assert found["text/plain"].strip()


def test_runs_show_the_metric_of_the_project_and_where_they_belong(
    noted: Noted, project: Project
) -> None:
    run = made_up(_records()["Run"])
    object.__setattr__(run, "metrics", {f"m{number}": 0.5 for number in range(7)})
    noted.answer = run
    shown: Any = nouns.runs(["a", "b"])
    found = shown._repr_mimebundle_()
    assert found[MIME]["ref"] == "experiment:x"
    assert found["text/plain"].splitlines()[0] == "2 runs · 2 more metrics: m5, m6  experiment:x"
    assert nouns.RunList(noted, [])._repr_mimebundle_()["text/plain"].startswith("Nothing found.")  # type: ignore[arg-type]


def test_runs_that_are_not_all_say_so_and_all_can_be_had(noted: Noted) -> None:
    run = made_up(_records()["Run"])
    noted.__dict__["experiments"] = SimpleNamespace(
        runs=lambda which, *, where, sort, limit, cursor=None: page_of(
            [run] * 601, limit=limit, cursor=cursor
        )
    )
    first: Any = nouns.runs("churn")
    assert first._repr_mimebundle_()["text/plain"].startswith(
        "500 of 601 runs · limit=None gives them all  experiment:x\n"
    )
    assert (len(first), len(first[:10]), first.frame().height) == (500, 10, 500)
    every: Any = nouns.runs("churn", limit=None)
    assert (len(every), every._repr_mimebundle_()["text/plain"].partition("  ")[0]) == (
        601,
        "601 runs",
    )


@pytest.mark.parametrize("name", ["job", "pipeline", "schedule", "model", "deployment", "monitor"])
def test_a_noun_of_what_is_not_there_says_why_and_what_to_do(noted: Noted, name: str) -> None:
    noted.error = NotFound("There is no such thing.", "Things: none.", "Make one.")
    found = getattr(nouns, name)("nope")._repr_mimebundle_()
    assert found["text/plain"] == "✗ There is no such thing.\n  why Things: none.\n  fix Make one."
    assert all(
        part in found["text/html"]
        for part in ("There is no such thing.", "Things: none.", "Make one.")
    )


def test_printed_runs_are_a_table(noted: Noted) -> None:
    assert (
        repr(nouns.RunList(noted, [made_up(_records()["Run"])] * 2)).splitlines()[0]
        == "2 runs  experiment:x"
    )  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("noun", "domain", "verb", "record", "title"),
    [
        ("schedule", "schedules", "history", "Firing", "2 firings"),
        ("deployment", "deployments", "history", "Change", "2 changes"),
        ("deployment", "deployments", "requests", "LoggedRequest", "2 requests"),
        ("monitor", "monitoring", "alerts", "Alert", "2 alerts"),
    ],
)
def test_a_list_of_a_handle_is_a_table(
    noted: Noted, noun: str, domain: str, verb: str, record: str, title: str
) -> None:
    item = made_up(_records()[record])
    for items, first in (([item, item], title), ([], "Nothing found.")):
        page = page_of(items)
        noted.__dict__[domain] = SimpleNamespace(**{verb: lambda *_, page=page, **__: page})
        handle = getattr(nouns, noun)(getattr(item, "monitor", "x"))
        found = getattr(handle, verb)()
        assert len(found) == len(items)
        assert repr(found).splitlines()[0].strip() == first
        assert "<table>" in found._repr_mimebundle_()["text/html"] or not items
    assert "workbench" not in repr(handle)


def test_a_deployment_tells_a_request_its_latency_and_a_verdict(noted: Noted) -> None:
    live = nouns.deployment("flights")
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    live.request("a/b", at=noon, row=2)
    live.payloads(noon, shadow=True)
    live.latency(since="2h")
    live.verdict(treatment="v2", measure="quality")
    assert [call[1:] for call in noted.calls] == [
        (
            "request",
            {
                "name": "flights",
                "id": "a/b",
                "at": noon.isoformat(),
                "row": 2,
                "shadow": False,
                "version": "",
            },
        ),
        ("payloads", {"name": "flights", "since": noon, "shadow": True}),
        ("latencies", {"name": "flights", "since": timedelta(hours=2)}),
        (
            "verdict",
            {"name": "flights", "control": "", "treatment": "v2", "measure": "quality"},
        ),
    ]
