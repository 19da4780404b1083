"""Which threads do what: a read waits for no write, and what asks a cluster holds no quick
thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.faces.handler import Handler
from jupyter_mlinfra.jobs.local.client import Control
from jupyter_mlinfra.jobs.remote.backend import FollowedBackend
from jupyter_mlinfra.server import context
from jupyter_mlinfra.workbench import current

NOTEBOOK = {
    "cells": [],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}
READS = [
    "catalog/datasets",
    "catalog/datasets/d.t",
    "catalog/datasets/d.t/rows",
    "catalog/datasets/d.t/profile",
    "features/views",
    "jobs/jobs",
    "jobs/queue",
    "jobs/compute",
    "jobs/supervisor",
    "jobs/parameters?notebook=a.ipynb",
    "jobs/preview?notebook=a.ipynb",
    "pipelines/pipelines",
    "pipelines/pipelines/p",
    "pipelines/pipelines/p/runs",
    "pipelines/pipelines/p/steps/a/explain",
    "pipelines/schedules",
    "pipelines/schedules/s",
    "experiments/experiments",
    "experiments/runs",
    "experiments/models",
    "deployments/deployments",
    "monitoring/monitors",
    "monitoring/alerts",
    "workbench/search?q=a",
    "workbench/status",
    "workbench/project",
]


@contextlib.contextmanager
def written_by_another(path: Path) -> Iterator[None]:
    """Another process is in the middle of a transaction."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


async def test_no_read_waits_for_the_submits_that_wait_for_a_locked_database(
    ask: Callable[..., Any],
    project: Project,
    http_server_client: Any,
    jp_base_url: str,
    jp_auth_header: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As many as there are threads and more; a supervisor that died is to be started as well, which
    each look at the jobs sees to.
    """
    root = project.root
    (root / "a.csv").write_text("a\n1\n")
    (root / "a.ipynb").write_text(json.dumps(NOTEBOOK))
    (root / "p.mlpipeline.yaml").write_text("pipeline: p\nsteps:\n  a: {notebook: a.ipynb}\n")
    bench = current()
    bench.catalog.ingest([root / "a.csv"], into="d.t")
    bench.schedules.create("s", cron="0 0 * * *", pipeline="p")
    bench.jobs.stop(cancel_running=True)
    for path in READS:  # what is opened at its first use is open
        assert (await ask(path)).code == 200, path
    gate = threading.Event()
    monkeypatch.setattr(Control, "heal", lambda _: gate.wait(60))
    monkeypatch.setattr(Control, "wake_with_present_settings", lambda _: None)
    # the fixture's client has ten connections
    url = f"http://127.0.0.1:{http_server_client.get_http_port()}{jp_base_url}mlinfra/api/"
    async with httpx.AsyncClient(
        base_url=url, headers=jp_auth_header, limits=httpx.Limits(max_connections=None), timeout=60
    ) as other:
        await _read_meanwhile(ask, project, other, gate)
    assert (await ask("jobs/jobs")).value["total"] == 12


async def _read_meanwhile(
    ask: Callable[..., Any], project: Project, other: httpx.AsyncClient, gate: threading.Event
) -> None:
    with written_by_another(project.home / "state.db"):
        submits = [
            asyncio.ensure_future(other.post("jobs/jobs", json={"command": ["true"]}))
            for _ in range(12)
        ]
        submits += [
            asyncio.ensure_future(other.post("pipelines/schedules/s/pause", json={}))
            for _ in range(context.SLOW)
        ]
        try:
            for _ in range(2):
                # A write waits for 30 s.
                answers = await asyncio.wait_for(asyncio.gather(*map(ask, READS)), 25)
                assert [answer.code for answer in answers] == [200] * len(READS)
            assert not any(submit.done() for submit in submits)
        finally:
            gate.set()
    assert {(await submit).status_code for submit in submits} == {200}


async def test_questions_about_a_job_of_a_cluster_get_a_slow_thread_even_in_a_local_project(
    ask: Callable[..., Any], project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for verb in ("submit", "heal", "cancel"):
        monkeypatch.setattr(FollowedBackend, verb, lambda *_: None)
    job = (await ask("jobs/jobs", {"command": ["true"], "backend": "slurm"})).value["id"]
    assert (await ask(f"jobs/jobs/{job}/cancel", {})).value["state"] == "cancelled"
    threads, perform = list[str](), Handler.perform

    def noting(handler: Handler, *asked: Any) -> str:
        threads.append(threading.current_thread().name)
        return perform(handler, *asked)

    monkeypatch.setattr(Handler, "perform", noting)
    for verb, body in (("clone", {}), ("requeue", {})):
        assert (await ask(f"jobs/jobs/{job}/{verb}", body)).code == 200, verb
    assert [name.rpartition("-")[0] for name in threads] == ["mlinfra-slow-write"] * 2
