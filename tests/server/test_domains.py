"""An authorizer that grants some domains only: what starts a job asks for jobs, and what spans the
domains tells of the granted ones alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from jupyter_server.auth import Authorizer

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.workbench import current

JOB = {"command": ["true"]}


class Only(Authorizer):
    """Grants everything on some domains, and asks itself as a coroutine, as an authorizer may."""

    domains: frozenset[str]

    async def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return resource in {f"mlinfra:{domain}" for domain in self.domains}


@pytest.fixture
def grant(jp_serverapp: Any) -> Callable[..., None]:
    """From now on the server lets everybody do everything on these domains, and nothing else: no
    jobs, terminals, contents, kernels.
    """

    def _grant(*domains: str) -> None:
        authorizer = Only(parent=jp_serverapp)
        authorizer.domains = frozenset(domains)
        jp_serverapp.web_app.settings["authorizer"] = authorizer

    return _grant


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("pipelines/schedules", {"name": "mine", "cron": "0 0 * * *", "job": JOB}),
        ("pipelines/schedules/daily/update", {"job": {"command": ["id"]}}),
        ("pipelines/schedules/daily/update", {"cron": "* * * * *"}),
        ("pipelines/schedules/daily/run", {}),
        ("pipelines/schedules/daily/resume", {}),
        ("pipelines/schedules/of-a-pipeline/update", {"job": JOB}),
    ],
)
async def test_who_may_start_no_jobs_starts_none_by_a_schedule(
    ask: Callable[..., Any],
    project: Project,
    grant: Callable[..., None],
    made: None,
    path: str,
    body: Any,
) -> None:
    bench = current()
    before = bench.schedules.show("daily")
    grant("pipelines", "workbench")
    answer = await ask(path, body)
    assert (answer.code, answer.value["error"]) == (403, "forbidden")
    assert "mlinfra:jobs" in answer.value["why"]
    assert bench.schedules.show("daily") == before
    assert bench.jobs.list().total == 0


async def test_who_may_start_no_jobs_still_has_schedules_of_pipelines_and_may_stop_those_of_jobs(
    ask: Callable[..., Any], grant: Callable[..., None], made: None
) -> None:
    grant("pipelines", "workbench")
    for path, body in (
        ("pipelines/schedules/of-a-pipeline/update", {"cron": "5 0 * * *"}),
        ("pipelines/schedules/of-a-pipeline/resume", {}),
        ("pipelines/schedules/daily/pause", {}),
        ("pipelines/schedules/daily/delete", {}),
    ):
        assert (await ask(path, body)).code == 200, path


async def test_with_the_right_to_start_jobs_a_schedule_of_one_is_made(
    ask: Callable[..., Any], grant: Callable[..., None], made: None
) -> None:
    grant("pipelines", "jobs")
    answer = await ask("pipelines/schedules", {"name": "mine", "cron": "0 0 * * *", "job": JOB})
    assert (answer.code, answer.value["what"]) == (200, "true")


async def test_a_search_and_the_status_tell_of_the_granted_domains_alone(
    ask: Callable[..., Any], grant: Callable[..., None], made: None
) -> None:
    everything = {hit["kind"] for hit in (await ask("workbench/search?q=daily")).value["items"]}
    assert everything == {"dataset", "column", "schedule", "experiment", "run"}
    grant("workbench", "experiments")
    found = (await ask("workbench/search?q=daily")).value
    assert ({hit["kind"] for hit in found["items"]}, found["total"]) == ({"experiment", "run"}, 2)
    assert (await ask("workbench/search?q=daily&kinds=schedule")).value["total"] == 0
    assert set((await ask("workbench/status")).value) == {"experiments", "models"}
    assert [target["target"] for target in (await ask("workbench/check", {})).value] == []
    grant("workbench")
    assert (await ask("workbench/search?q=daily")).value["items"] == []
    assert (await ask("workbench/status")).value == {}


async def test_a_granted_domain_is_checked(
    ask: Callable[..., Any], grant: Callable[..., None], made: None
) -> None:
    grant("workbench", "catalog")
    assert [
        (target["target"], target["verdict"]) for target in (await ask("workbench/check", {})).value
    ] == [("dataset data.daily", "met")]


@pytest.fixture
def made(project: Project) -> None:
    """Objects of several domains that one word finds; the project card has a target on one of
    them.
    """
    root = project.root
    (root / "mlinfra.toml").write_text('[project.targets]\ndatasets = ["data.daily"]\n')
    bench = current()
    (root / "a.csv").write_text("daily_sales\n1\n")
    bench.catalog.ingest([root / "a.csv"], into="data.daily")
    with bench.experiments.track("daily"):
        pass
    notebook = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
    (root / "a.ipynb").write_text(notebook)
    (root / "p.mlpipeline.yaml").write_text("pipeline: p\nsteps:\n  a: {notebook: a.ipynb}\n")
    bench.schedules.create("daily", cron="0 0 * * *", job=JOB)
    bench.schedules.create("of-a-pipeline", cron="0 0 * * *", pipeline="p")
    bench.jobs.stop(cancel_running=True)


async def test_only_objects_of_granted_domains_are_named(
    ask: Callable[..., Any], grant: Callable[..., None], made: None
) -> None:
    (run,) = current().experiments.runs(None).items
    refs = {"refs": [run.ref, "run:none", "job:00000000"]}
    grant("workbench")
    assert (await ask("workbench/names", refs)).value == {}
    grant("workbench", "experiments")
    assert (await ask("workbench/names", refs)).value == {run.ref: run.name}


async def test_an_example_shows_no_datasets_to_who_may_not_read_them(
    ask: Callable[..., Any], grant: Callable[..., None]
) -> None:
    grant("features", "workbench")
    answer = await ask("workbench/code", {"call": "features-example"})
    assert answer.code == 403
    assert "catalog" in answer.value["why"]
    grant("features", "workbench", "catalog")
    assert (await ask("workbench/code", {"call": "features-example"})).code == 200
