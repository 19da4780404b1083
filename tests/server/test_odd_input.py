"""Paths that no file system takes, links that lead round, values of the wrong type, text nested
without end: refused with a reason, never a fault.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs.local.client import Control

NOTEBOOK = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
LONG = "x" * 300
PATHS = [
    LONG,
    f"{LONG}.ipynb",
    f"{LONG}/a.ipynb",
    f".mlinfra/jobs/{LONG}.ipynb",
    "é" * 200 + ".mlpipeline.yaml",
    "a/" * 240,
    "x" * 250,
    "loop",
    "loop.ipynb",
    "loop/a.ipynb",
    ".mlinfra/jobs/loop.ipynb",
    "loop.mlpipeline.yaml",
    "a.ipynb/x",
    f"pipeline:{LONG}",
]
TRUE = {"command": ["true"]}
CRON = {"name": "s1", "cron": "0 0 * * *"}


@pytest.fixture
def idle(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose jobs wait for ever, with links that lead round."""
    for verb in ("wake_with_present_settings", "start", "heal"):
        monkeypatch.setattr(Control, verb, lambda _: None)
    root = project.root
    (root / "a.ipynb").write_text(NOTEBOOK)
    (root / "p.mlpipeline.yaml").write_text("pipeline: p\nsteps:\n  a: {notebook: a.ipynb}\n")
    (project.home / "jobs").mkdir(exist_ok=True)
    for link in ("loop", "loop.ipynb", "loop.mlpipeline.yaml", ".mlinfra/jobs/loop.ipynb"):
        (root / link).symlink_to(Path(link).name)
    return project


def asked(path: str) -> Iterator[tuple[str, Any]]:
    """Every route that takes a path or a name, asked with this one."""
    word = quote(path, safe="")
    for template in (
        "jobs/parameters?notebook={}",
        "jobs/preview?notebook={}",
        "jobs/executed?path={}",
        "jobs/compute?backend={}",
        "jobs/jobs/{}",
        "catalog/datasets/{}",
        "features/views/{}",
        "experiments/models/{}",
        "deployments/deployments/{}",
        "monitoring/monitors/{}",
        "pipelines/pipelines/{}",
        "pipelines/pipelines/{}.yaml",
        "pipelines/pipelines/{}.mlpipeline.yaml/runs",
        "pipelines/pipelines/p/steps/{}/explain",
        "pipelines/pipelines/p/export?image=i&schedule={}",
        "pipelines/schedules/{}",
        "pipelines/due-times?cron=0%200%20*%20*%20*&tz={}",
    ):
        yield template.format(word), None
    for job in (
        {"notebook": path},
        {"notebook": "a.ipynb", "output": path},
        {"notebook": "a.ipynb", "output": f"{path}.ipynb"},
        {"command": [f"./{path}"]},
        {"command": ["python", path]},
        TRUE | {"cwd": path},
        TRUE | {"checkpoints": path},
        TRUE | {"backend": path},
        TRUE | {"after": [path]},
    ):
        yield "jobs/jobs", job
        yield "pipelines/schedules", CRON | {"job": job}
    for text in (
        {"notebook": path},
        {"notebook": "a.ipynb", "in": [path], "out": [f"file:{path}"]},
    ):
        yield (
            "pipelines/draft",
            {"path": "x.mlpipeline.yaml", "text": json.dumps({"steps": {"a": text}})},
        )
    yield "pipelines/draft", {"path": path, "text": "steps: {}"}
    yield "pipelines/propose", {"notebooks": [path]}
    yield "pipelines/schedules", {"name": path}
    yield "pipelines/schedules", CRON | {"pipeline": path}
    yield "pipelines/pipelines/p/runs", {"from_step": path}
    yield "catalog/ingest", {"files": [path], "into": "a.b"}


@pytest.mark.parametrize("path", PATHS, ids=[path[:20] for path in PATHS])
async def test_a_path_that_cannot_be_one_is_no_fault(
    idle: Project, ask: Callable[..., Any], path: str
) -> None:
    for route, body in asked(path):
        answer = await ask(route, body)
        assert answer.code < 500, (route[:80], body, answer.value)
        if route == "pipelines/schedules" and answer.code == 200:
            assert (await ask("pipelines/schedules/s1/delete", {})).code == 200


OTHERS: list[Any] = [5, [], {}, {"a": []}, [[]], True, "x"]


async def test_a_value_of_another_type_is_no_fault_at_any_route_that_starts_jobs(
    idle: Project, ask: Callable[..., Any]
) -> None:
    fields = [
        "notebook",
        "command",
        "parameters",
        "output",
        "name",
        "cwd",
        "environment",
        "gpus",
        "gpu_type",
        "cpus",
        "memory_gib",
        "time_limit_minutes",
        "priority",
        "retries",
        "backend",
        "queue",
        "array",
        "max_parallel",
        "after",
        "checkpoints",
        "key",
        "labels",
        "nope",
    ]
    for field in fields:
        for value in OTHERS:
            body = (
                TRUE | {field: value}
                if field not in ("notebook", "output")
                else {"notebook": "a.ipynb", field: value}
            )
            for route, given in (
                ("jobs/jobs", body),
                ("jobs/estimate", body),
                ("jobs/jobs/x/clone", {"needs": body}),
                ("pipelines/schedules", CRON | {"job": body}),
            ):
                answer = await ask(route, given)
                assert answer.code < 500, (route, field, value, answer.value)
                if route == "pipelines/schedules" and answer.code == 200:
                    assert (await ask("pipelines/schedules/s1/delete", {})).code == 200
    answer = await ask("pipelines/schedules", CRON | {"job": TRUE | {"backend": 5}})
    assert (answer.code, answer.value["message"]) == (
        400,
        "backend of the job of schedule s1 cannot be used.",
    )


def nested(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize("levels", [40, 98, 600])
async def test_a_body_that_is_nested_deep_is_no_fault(
    idle: Project, ask: Callable[..., Any], levels: int
) -> None:
    deep = nested(levels)
    for route, body in (
        ("pipelines/edit", {"text": "steps: {}", "at": ["steps", "a"], "value": deep}),
        ("jobs/jobs", {"notebook": "a.ipynb", "parameters": {"a": deep}}),
        ("pipelines/pipelines/p/runs", {"parameters": {"a": deep}}),
        ("pipelines/schedules", CRON | {"pipeline": "p", "parameters": {"a": deep}}),
        ("features/online", {"features": ["v:f"], "entities": [{"a": deep}]}),
        ("deployments/deployments/d/predict", {"rows": [{"a": deep}]}),
        ("pipelines/draft", {"path": "x.mlpipeline.yaml", "text": json.dumps({"steps": deep})}),
    ):
        answer = await ask(route, body)
        assert answer.code < 500, (route, answer.value)
        if levels > 100 and "text" not in body:
            assert "nested too deep" in answer.value["message"]


async def test_an_edit_with_control_characters_is_no_fault(
    idle: Project, ask: Callable[..., Any]
) -> None:
    for text in ("steps: {}", "# \x1b", "\x1b", "\t", "# \0", "[" * 600):
        for at in (["steps"], ["steps", "a\x1b", "b"], ["\0"]):
            if "\0" not in "".join(at):
                assert (
                    await ask("pipelines/edit", {"text": text, "at": at, "value": "\x95\x1b"})
                ).code in (200, 422), (text, at)
    edited = (
        await ask("pipelines/edit", {"text": "steps: {}\n", "at": ["description"], "value": "\x95"})
    ).value["text"]
    assert edited == 'steps: {}\ndescription: "\\u0095"\n'


async def test_code_that_names_a_file_that_cannot_be_one_hides_no_explanation(
    idle: Project, ask: Callable[..., Any]
) -> None:
    cell = {
        "cell_type": "code",
        "metadata": {},
        "outputs": [],
        "source": f"%run /\n%run {LONG}\nimport {LONG}\n%run '..'",
    }
    (idle.root / "b.ipynb").write_text(
        json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    )
    (idle.root / "q.mlpipeline.yaml").write_text("pipeline: q\nsteps:\n  a: {notebook: b.ipynb}\n")
    assert (await ask("pipelines/pipelines/q/steps/a/explain")).code == 200


async def test_a_query_that_is_longer_than_a_header_of_http_is_answered(
    ask: Callable[..., Any], http_server: Any, jp_serverapp: Any
) -> None:
    """Without the extension Tornado closes the connection, which a proxy tells as a fault of the
    server.
    """
    app = jp_serverapp.extension_manager.extension_apps["jupyter_mlinfra"].copy().pop()
    await app._start_jupyter_server_extension(SimpleNamespace(http_server=http_server))
    for path in (
        "catalog/datasets/d.t/rows?columns=",
        "experiments/compare?ids=",
        "workbench/search?q=",
        "jobs/jobs/",
    ):
        answer = await ask(path + "a" * 300_000)
        assert (answer.code, answer.value["error"]) == (400, "bad_request"), path
