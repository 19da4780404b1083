"""The routes as a stranger uses them who has read the OpenAPI document, and as one who does not
keep to it: no input is a fault of the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import JobSpec
from jupyter_mlinfra.jobs.local.client import Control
from jupyter_mlinfra.pipelines.launching import Launcher
from jupyter_mlinfra.server.app import widen_header
from jupyter_mlinfra.server.openapi import document
from jupyter_mlinfra.workbench import current

EXAMPLES = 3
"""Of each operation and kind of data: kept to the document or not, with names of things that are
there or made up.
"""
NOTEBOOK = (
    '{"cells": [], "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},'
    ' "nbformat": 4, "nbformat_minor": 5}'
)
PIPELINE = "pipeline: p\nparameters: {date: '2026-01-01'}\nsteps:\n  a: {notebook: a.ipynb}\n"
REACHED = {
    "get /catalog/datasets/{name}",
    "get /catalog/datasets/{name}/lineage",
    "get /jobs/jobs/{id}",
    "get /jobs/jobs/{id}/attempts",
    "post /jobs/jobs/{id}/cancel",
    "get /pipelines/pipelines/{name}",
    "get /pipelines/runs/{id}",
    "get /pipelines/schedules/{name}",
    "get /experiments/runs/{id}",
    "get /workbench/status",
}
"""Some that have to be answered: else the requests would all be refused before anything looks at
them.
"""
UNASKED = {"post /workbench/up", "post /workbench/down"}
"""They start and end what works for the project, and take no input."""


@pytest.fixture
def furnished(project: Project, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, str]]:
    """A project with an object of each kind that needs no process; what is submitted waits for
    ever. By operation, the path of one that is there.
    """
    monkeypatch.setattr(Control, "wake_with_present_settings", lambda _: None)
    monkeypatch.setattr(Control, "start", lambda _: None)
    monkeypatch.setattr(Control, "heal", lambda _: None)
    monkeypatch.setattr(Launcher, "spawn", lambda *_, **__: None)
    root = project.root
    (root / "a.ipynb").write_text(NOTEBOOK)
    (root / "a.csv").write_text("a,b\n1,x\n")
    (root / "p.mlpipeline.yaml").write_text(PIPELINE)
    bench = current()
    bench.catalog.ingest([root / "a.csv"], into="d.t")
    job = bench.jobs.submit(JobSpec(command=["true"])).id
    with bench.experiments.track("e") as run:
        run.log_metrics({"m": 1.0})
    bench.schedules.create("s", cron="0 0 * * *", job={"command": ["true"]})
    begun = bench.pipelines.run("p", wait=False).run
    names = {
        "/catalog/datasets/": "d.t",
        "/jobs/jobs/": job,
        "/experiments/runs/": str(run.id),
        "/pipelines/pipelines/": "p",
        "/pipelines/runs/": begun,
        "/pipelines/schedules/": "s",
    }
    own = {
        path: next((name for start, name in names.items() if path.startswith(start)), "none")
        for path in document()["paths"]
    }
    return {
        path: {"id": name, "name": name, "step": "a", "version": "1"} for path, name in own.items()
    }


class Walk:
    """Sends generated requests to the server, and notes what was answered."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self._url, self._session = url, requests.Session()
        self._session.headers.update(headers)
        self.codes: dict[str, set[int]] = {}
        self.faults: list[str] = []

    def ask(self, case: Case) -> None:
        name = f"{case.method.lower()} {case.path}"
        what = f"{name} {case.path_parameters} {case.query} {case.body}"[:600]
        try:
            answer = case.call(base_url=self._url, session=self._session, timeout=60)
        except requests.RequestException as error:
            self.faults.append(f"{error!r}: {what}")
            return
        self.codes.setdefault(name, set()).add(answer.status_code)
        if answer.status_code >= 500:
            self.faults.append(f"{answer.status_code} {answer.text[:300]}: {what}")


@pytest.mark.slow
@pytest.mark.timeout(900)  # half a minute alone
async def test_no_input_is_a_fault_of_the_server(
    furnished: dict[str, dict[str, str]],
    http_server: Any,
    http_server_client: Any,
    jp_base_url: str,
    jp_auth_header: dict[str, str],
) -> None:
    widen_header(http_server)
    walk = Walk(
        f"http://127.0.0.1:{http_server_client.get_http_port()}{jp_base_url}mlinfra/api",
        jp_auth_header,
    )
    await asyncio.to_thread(_walk_all, walk, furnished)
    assert walk.faults == []
    assert {name for name, codes in walk.codes.items() if 200 in codes} >= REACHED


def _walk_all(walk: Walk, there: Mapping[str, Mapping[str, str]]) -> None:
    schema = schemathesis.openapi.from_dict(document())
    for found in schema.get_all_operations():
        operation = found.ok()
        if f"{operation.method} {operation.path}" in UNASKED:
            continue
        for mode in GenerationMode:
            for names in (
                None,
                {
                    name: value
                    for name, value in there[operation.path].items()
                    if f"{{{name}}}" in operation.path
                },
            ):
                _walk(walk, operation.as_strategy(generation_mode=mode, path_parameters=names))


def _walk(walk: Walk, cases: st.SearchStrategy[Case]) -> None:
    @seed(7)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def ask(case: Case) -> None:
        walk.ask(case)

    ask()
