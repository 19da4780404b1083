"""Requests that cannot be used, and a workbench that fails: always a status, a reason and a fix,
never a traceback.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import Conflict, NotFound, Unavailable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.faces.handler import Handler
from jupyter_mlinfra.jobs.remote.backend import FollowedBackend
from jupyter_mlinfra.jobs.remote.slurm.backend import SlurmBackend
from jupyter_mlinfra.jobs.remote.slurm.commands import Commands
from jupyter_mlinfra.server import context

from .conftest import Answer, Noted


def assert_explained(answer: Answer, code: int, error: str) -> None:
    assert (answer.code, answer.value["error"]) == (code, error), answer.value
    assert set(answer.value) == {"error", "message", "why", "fix"}
    assert answer.value["message"]
    assert "Traceback" not in json.dumps(answer.value)


BAD = [
    ("jobs/jobs?limit=0", None),
    ("jobs/jobs?limit=501", None),
    ("jobs/jobs?limit=x", None),
    ("jobs/jobs?limit=1&limit=2", None),
    ("jobs/jobs?limit=%ff", None),
    ("jobs/jobs?state=done", None),
    ("jobs/jobs?colour=red", None),
    ("jobs/compute?x=1", None),
    ("jobs/parameters", None),
    ("catalog/datasets/a.b/rows?count=1000000", None),
    ("catalog/datasets/a.b/rows?start=-1", None),
    ("catalog/datasets/a.b/profile?tier=deep", None),
    ("monitoring/monitors/m?since=nan", None),
    ("monitoring/monitors/m?since=-5", None),
    ("jobs/jobs", {}),
    ("jobs/jobs", {"notebook": "a.ipynb", "command": ["ls"]}),
    ("jobs/jobs", {"command": "rm -rf /"}),
    ("jobs/jobs", {"command": ["ls"], "gpus": -1}),
    ("jobs/jobs", {"command": ["ls"], "shell": True}),
    ("jobs/jobs", {"command": ["a\0b"]}),
    ("jobs/jobs", b"{"),
    ("jobs/jobs", b"[]"),
    ("jobs/jobs", b'"text"'),
    ("jobs/jobs", b'{"command": ["ls"], "memory_gib": NaN}'),
    ("jobs/jobs", b"\xff\xfe"),
    ("jobs/jobs", b"[" * 100_000),
    ("deployments/deployments/d/traffic", {"traffic": {"v1": 101}}),
    ("deployments/deployments/d/traffic", {"traffic": {}}),
    ("deployments/deployments/d/predict", {}),
    ("features/online", {"features": [], "entities": []}),
    ("features/views/v/explain", {"entity": {}, "at": "yesterday"}),
    ("catalog/ingest", {"files": [], "into": "a.b"}),
]


@pytest.mark.parametrize(
    ("path", "body"), BAD, ids=[f"{path} {str(body)[:40]}" for path, body in BAD]
)
async def test_what_cannot_be_used_is_refused_with_a_reason_before_anything_is_asked(
    noted: Noted, ask: Callable[..., Any], path: str, body: Any
) -> None:
    assert_explained(await ask(path, body), 400, "bad_request")
    assert noted.calls == []


async def test_a_text_that_is_no_time_is_told_how_a_time_is_written(
    noted: Noted, ask: Callable[..., Any]
) -> None:
    answer = await ask("features/views/v/explain", {"entity": {}, "at": "yesterday"})
    assert answer.value["why"] == "It is not a time."
    assert "2026-03-01 12:00" in answer.value["fix"]
    assert noted.calls == []


async def test_a_body_that_is_too_large_is_refused(noted: Noted, ask: Callable[..., Any]) -> None:
    assert_explained(await ask("jobs/jobs", b" " * (17 << 20)), 413, "too_large")


HOSTILE = [
    "..",
    "%2e%2e",
    "%2e%2e%2fetc%2fpasswd",
    "%252e%252e",
    "a%00b",
    "%00",
    "a%0d%0aSet-Cookie:%20x=1",
    "%ff%fe",
    "..%5c..%5cwin.ini",
    "%2fetc%2fpasswd",
    "file:%2f%2f%2fx%23%2f..%2f",
    "'%20OR%201=1--",
    "%22;DROP%20TABLE%20job;--",
    "%3Cimg%20src=x%20onerror=alert(1)%3E",
    "%e2%80%aeabc",
    "%F0%9F%A4%96",
    "a" * 5000,
    "*",
    "%25s",
    "$%7B7*7%7D",
    "%7B%7B7*7%7D%7D",
    "con",
    "-rf",
    "~root",
    "%20",
    "\u202e".encode().hex(),
    "9" * 10,
    "9" * 23,
    "v" + "9" * 23,
    "9" * 400,
    "-1",
    "%D9%A3",
]
NAMED = [
    "catalog/datasets/{}",
    "catalog/datasets/{}/rows",
    "catalog/datasets/{}/profile",
    "catalog/datasets/{}/snapshots",
    "catalog/datasets/{}/lineage",
    "features/views/{}",
    "jobs/jobs/{}",
    "jobs/jobs/{}/log",
    "pipelines/pipelines/{}",
    "pipelines/pipelines/{}/runs",
    "pipelines/runs/{}",
    "experiments/runs/{}",
    "experiments/models/{}",
    "experiments/versions/{}/1",
    "experiments/versions/m/{}",
    "deployments/deployments/{}",
    "deployments/deployments/{}/history",
    "monitoring/monitors/{}",
    "jobs/parameters?notebook={}",
    "jobs/executed?path={}",
    "catalog/datasets?namespace={}",
    "features/features?view={}",
    "experiments/runs?experiment={}",
    "workbench/search?q={}",
]


async def test_hostile_names_of_the_real_domains_are_refused_or_not_found_and_never_a_fault(
    ask: Callable[..., Any],
) -> None:
    """The project is empty, so nothing can be found; lists may answer with no items."""
    for template in NAMED:
        for name in HOSTILE:
            answer = await ask(template.format(name))
            assert answer.code < 500, f"{template} {name[:60]}: {answer.value}"
            if answer.code == 200:
                assert answer.value == [] or answer.value["items"] == [], (
                    f"{template} {name[:60]}: {answer.value}"
                )
            else:
                assert set(answer.value) == {"error", "message", "why", "fix"}


async def test_hostile_names_in_bodies_are_refused_or_not_found(ask: Callable[..., Any]) -> None:
    for name in (
        "../../etc/passwd",
        "a\0b",
        "/etc/passwd",
        "\ud800",
        "a" * 400,
        "<script>",
        "; rm -rf /",
    ):
        for path, body in (
            ("jobs/jobs", {"notebook": name}),
            ("catalog/ingest", {"files": [name], "into": "a.b"}),
            ("catalog/ingest", {"files": ["x.csv"], "into": name}),
            ("deployments/deployments", {"name": name, "version": name}),
            ("monitoring/monitors", {"deployment": name}),
            ("features/online", {"features": [name], "entities": [{name: name}]}),
            ("experiments/models/m/versions", {"run": name}),
        ):
            answer = await ask(path, body)
            assert 400 <= answer.code < 500, f"{path} {name!r}: {answer.value}"


async def test_an_unknown_route_says_that_the_halves_may_differ(ask: Callable[..., Any]) -> None:
    assert_explained(await ask("jobs/teleport"), 404, "not_found")
    assert_explained(await ask("jobs/jobs/x/y/z", {}), 404, "not_found")


async def test_a_verb_that_a_route_does_not_have_is_refused(ask: Callable[..., Any]) -> None:
    assert_explained(await ask("jobs/compute", {}), 405, "bad_request")
    assert_explained(await ask("jobs/jobs", method="DELETE"), 405, "bad_request")


@pytest.mark.parametrize(
    "error", [NotFound("w", "y", "f"), Conflict("w", "y", "f"), Unavailable("w", "y", "f")]
)
async def test_an_error_of_a_domain_arrives_in_its_three_parts(
    noted: Noted, ask: Callable[..., Any], error: Any
) -> None:
    noted.error = error
    answer = await ask("jobs/jobs/x")
    assert (answer.code, answer.value) == (
        error.status,
        {"error": error.code, "message": "w", "why": "y", "fix": "f"},
    )


async def test_a_fault_of_ours_tells_the_user_a_number_and_the_log_the_rest(
    noted: Noted, ask: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    noted.error = ZeroDivisionError("the secret is tulip")
    answer = await ask("jobs/jobs/x")
    assert_explained(answer, 500, "internal")
    assert "tulip" not in json.dumps(answer.value)
    number = answer.value["fix"].split()[2]
    assert number in caplog.text
    assert "the secret is tulip" in caplog.text


async def test_outside_a_project_the_answer_says_how_to_make_one_and_init_makes_it(
    jp_serverapp: Any, ask: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.setattr(jp_serverapp.web_app.settings["mlinfra"], "root", folder)
    answer = await ask("jobs/jobs")
    assert_explained(answer, 404, "not_found")
    assert "mlinfra.toml" in answer.value["fix"]
    made = await ask("workbench/init", {})
    assert (made.code, made.value["root"], made.value["name"]) == (200, str(folder), "elsewhere")
    assert Project.open(folder).name == "elsewhere"
    assert_explained(await ask("workbench/init", {}), 409, "conflict")
    assert (await ask("jobs/jobs")).value["items"] == []


async def test_broken_settings_are_named_and_mended_without_a_restart(
    ask: Callable[..., Any], project: Any
) -> None:
    file = project.root / "mlinfra.toml"
    before = file.read_text()
    assert (await ask("jobs/jobs")).code == 200
    file.write_text("[jobs]\ncpus = -3\n")
    answer = await ask("jobs/jobs")
    assert_explained(answer, 400, "bad_request")
    assert "jobs.cpus" in answer.value["message"]
    file.write_text(before + "\n")
    assert (await ask("jobs/jobs")).code == 200


async def test_slow_work_keeps_no_quick_request_waiting_and_a_flood_is_refused(
    tmp_path: Path,
) -> None:
    shared, gate = context.Context(tmp_path), threading.Event()
    slow = [
        asyncio.ensure_future(shared.run(lambda: gate.wait(30), slow=True))
        for _ in range(context.WAITING)
    ]
    try:
        await asyncio.sleep(0)
        assert await asyncio.wait_for(shared.run(lambda: "quick"), 5) == "quick"
        with pytest.raises(Unavailable, match="busy"):
            await shared.run(lambda: None, slow=True)
    finally:
        gate.set()
    assert await asyncio.gather(*slow) == [True] * context.WAITING
    assert await shared.run(lambda: "again", slow=True) == "again"
    shared.close()


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The name of the thread that each request was given."""
    noted, perform = list[str](), Handler.perform

    def noting(handler: Handler, *asked: Any) -> str:
        noted.append(threading.current_thread().name)
        return perform(handler, *asked)

    monkeypatch.setattr(Handler, "perform", noting)
    return noted


def are_slow(threads: list[str]) -> list[bool]:
    return [name.startswith("mlinfra-slow") for name in threads]


READS = [
    "experiments/experiments",
    "experiments/runs",
    "experiments/runs/r",
    "experiments/compare?ids=a,b",
    "experiments/models",
    "experiments/models/m",
    "experiments/versions/m/1",
    "workbench/search?q=x",
    "workbench/status",
]


@pytest.mark.parametrize(
    ("uri", "slow"),
    [("", False), ("sqlite:///here.db", False), ("http://127.0.0.1:1", True), ("env:MLFLOW", True)],
)
async def test_what_may_take_long_gets_a_thread_that_keeps_nobody_waiting(
    noted: Noted, ask: Callable[..., Any], project: Any, threads: list[str], uri: str, slow: bool
) -> None:
    """Reads of experiments where they are kept by a server elsewhere; predictions and changes of
    the registry everywhere.
    """
    (project.root / "mlinfra.toml").write_text(f'[experiments]\ntracking_uri = "{uri}"\n')
    noted.__dict__["project"] = Project(project.root)
    for path in READS:
        assert (await ask(path)).code == 200, path
    assert are_slow(threads) == [slow] * len(READS)
    threads.clear()
    for path, body in (
        ("deployments/deployments/d/predict", {"rows": [{"x": 1}]}),
        ("experiments/models/m/versions", {"run": "r"}),
        ("experiments/versions/m/1/promote", {"alias": "champion"}),
    ):
        assert (await ask(path, body)).code == 200, path
    assert are_slow(threads) == [True] * 3


@pytest.mark.parametrize(("backend", "slow"), [("local", False), ("slurm", True)])
async def test_what_a_cluster_is_asked_keeps_nobody_waiting(
    noted: Noted,
    ask: Callable[..., Any],
    project: Any,
    threads: list[str],
    backend: str,
    slow: bool,
) -> None:
    """A cluster that hangs holds slow threads only; a project of this machine has quick answers of
    all of them.
    """
    asked = [
        ("jobs/estimate", {"command": ["a"], "backend": backend}),
        (f"jobs/compute?backend={backend}", None),
        ("jobs/jobs", {"command": ["a"], "backend": backend}),
    ]
    for path, body in asked:
        assert (await ask(path, body)).code == 200, path
    (project.root / "mlinfra.toml").write_text(f'[jobs]\nbackend = "{backend}"\n')
    noted.__dict__["project"] = Project(project.root)
    asked = [
        ("jobs/estimate", {"command": ["a"]}),
        ("jobs/compute", None),
        ("jobs/queue", None),
        ("jobs/jobs", {"command": ["a"]}),
    ]
    (project.root / "a.csv").touch()
    asked += [("features/apply", {}), ("catalog/ingest", {"files": ["a.csv"], "into": "a.b"})]
    for path, body in asked:
        assert (await ask(path, body)).code == 200, path
    assert are_slow(threads) == [slow] * 9
    threads.clear()
    for path in ("jobs/jobs", "pipelines/pipelines/p/steps/s/explain"):
        await ask(path)
    assert are_slow(threads) == [False, True]


def until(look: Callable[[], bool]) -> None:
    limit = time.monotonic() + 30
    while not look():
        assert time.monotonic() < limit, "It did not come to pass."
        time.sleep(0.02)


async def test_what_changes_the_queue_of_a_cluster_that_hangs_holds_up_no_quick_route(
    ask: Callable[..., Any],
    project: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    threads: list[str],
) -> None:
    commands, gate, called = tmp_path / "bin", tmp_path / "gate", tmp_path / "called"
    commands.mkdir()
    (commands / "scancel").write_text(
        f"#!/bin/sh\necho >> {called}\nwhile [ ! -e {gate} ]; do sleep 0.05; done\n"
    )
    (commands / "scancel").chmod(0o700)
    (project.root / "mlinfra.toml").write_text(
        f'[jobs]\nbackend = "slurm"\n[jobs.slurm]\nbin = "{commands}"\n'
    )
    monkeypatch.setattr(FollowedBackend, "submit", lambda *_: None)
    monkeypatch.setattr(FollowedBackend, "heal", lambda *_: None)
    job = (await ask("jobs/jobs", {"command": ["true"]})).value["id"]

    def hang(backend: Any, _: Any) -> None:  # as a backend does that itself calls its cluster
        Commands(backend._settings).run("scancel", "--me")

    monkeypatch.setattr(SlurmBackend, "submit", hang)
    acts = [("hold", {}), ("release", {}), ("priority", {"priority": 60}), ("requeue", {})]
    slow = [asyncio.ensure_future(ask(f"jobs/jobs/{job}/{verb}", body)) for verb, body in acts * 2]
    # On quick threads they would hold all of either kind.
    assert len(slow) >= max(context.READS, context.WRITES)
    try:
        await asyncio.to_thread(
            until, lambda: called.exists() and len(called.read_text()) >= context.SLOW
        )
        assert (await asyncio.wait_for(ask("jobs/jobs"), 10)).value["total"] == 1
        assert not any(one.done() for one in slow)
        assert [name.rpartition("-")[0] for name in threads[1:]] == [
            "mlinfra-slow-write"
        ] * context.SLOW + ["mlinfra-read"]
    finally:
        gate.touch()
        assert {answer.code for answer in await asyncio.gather(*slow)} <= {200, 409}


async def test_runs_and_schedules_are_begun_and_ended_by_threads_that_keep_nobody_waiting(
    noted: Noted, ask: Callable[..., Any], threads: list[str]
) -> None:
    """They may wait for a lock, for jobs to end, or for the cluster that a step's job goes to."""
    asked = [
        ("pipelines/pipelines/p/runs", {"backend": "slurm"}),
        ("pipelines/pipelines/p/steps/s/runs", {}),
        ("pipelines/runs/r/cancel", {}),
        ("pipelines/runs/r/repair", {}),
        ("pipelines/pipelines/p/backfill", {"first": "2026-01-01", "last": "2026-01-02"}),
        ("pipelines/schedules/s/run", {}),
        ("pipelines/schedules/s/pause", {}),
        ("pipelines/schedules", {"name": "s"}),
    ]
    for path, body in asked:
        assert (await ask(path, body)).code == 200, path
    assert are_slow(threads) == [True] * len(asked)
