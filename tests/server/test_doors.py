"""Four doors, one house: panel (REST), command line, magic and Python give the same answer, and the
code that records carry is understood.
"""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra import workbench
from jupyter_mlinfra.cli.app import main, run
from jupyter_mlinfra.cli.session import Session
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import to_json
from jupyter_mlinfra.magics.lines import magics, split, words_of
from jupyter_mlinfra.magics.magics import carry_out
from jupyter_mlinfra.workbench import Workbench, current
from tests.server.noted import Noted, made_up

PIPELINE = """\
pipeline: demo
description: Two steps
steps:
  first:
    notebook: first.ipynb
    out: [file:first.txt]
  second:
    notebook: second.ipynb
    in: [file:first.txt]
"""
NOTEBOOK = {
    "cells": [],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


@pytest.fixture
def furnished(project: Project) -> Iterator[Workbench]:
    """A project with a dataset, a finished job, a pipeline, a run; what it started is stopped."""
    root = project.root
    (root / "planes.csv").write_text("tail,year\nN1,1999\nN2,2004\n")
    for name in ("first", "second"):
        (root / f"{name}.ipynb").write_text(json.dumps(NOTEBOOK))
    (root / "demo.mlpipeline.yaml").write_text(PIPELINE)
    bench = current()
    bench.catalog.ingest([root / "planes.csv"], into="flights.planes")
    from jupyter_mlinfra.jobs import JobSpec

    job = bench.jobs.submit(JobSpec(command=[sys.executable, "-c", "print('hello')"], name="hello"))
    with bench.experiments.track("demo", name="one") as tracked:
        tracked.log_metrics({"auc": 0.75})
        tracked.log_params({"depth": 6})
    bench.jobs.wait([job.id], timeout=60)
    yield bench
    bench.jobs.stop(cancel_running=True)


def doors(bench: Workbench) -> list[tuple[str, str, Any, Callable[[], Any]]]:
    """REST path, words of the command line, line of a magic, and the call in Python."""
    job = bench.jobs.list().items[0].id
    run_id = bench.experiments.runs("demo").items[0].id
    return [
        ("catalog/datasets", "catalog list", "catalog", lambda: bench.catalog.list()),
        (
            "catalog/datasets?limit=1",
            "catalog list --limit 1",
            "catalog list --limit 1",
            lambda: bench.catalog.list(limit=1),
        ),
        (
            "catalog/datasets/flights.planes",
            "catalog show flights.planes",
            "catalog flights.planes",
            lambda: bench.catalog.show("flights.planes"),
        ),
        (
            "catalog/datasets/flights.planes/rows",
            "catalog preview flights.planes --count 100",
            "catalog preview flights.planes --count 100",
            lambda: bench.catalog.preview("flights.planes"),
        ),
        (
            "catalog/datasets/flights.planes/snapshots",
            "catalog snapshots flights.planes",
            "catalog snapshots flights.planes",
            lambda: bench.catalog.snapshots("flights.planes"),
        ),
        ("features/views", "features views", "features views", lambda: bench.features.views()),
        ("features/features", "features list", "features", lambda: bench.features.list()),
        (
            "features/services",
            "features services",
            "features services",
            lambda: bench.features.services(),
        ),
        (
            "features/entities",
            "features entities",
            "features entities",
            lambda: bench.features.entities(),
        ),
        ("features/saved", "features saved", "features saved", lambda: bench.features.saved_sets()),
        ("jobs/jobs", "jobs list", "jobs", lambda: bench.jobs.list()),
        (f"jobs/jobs/{job}", f"jobs show {job}", f"job {job}", lambda: bench.jobs.show(job)),
        ("pipelines/pipelines", "pipelines list", "pipeline", lambda: bench.pipelines.list()),
        (
            "pipelines/pipelines/demo",
            "pipelines show demo",
            "pipeline demo",
            lambda: bench.pipelines.show("demo"),
        ),
        (
            "pipelines/pipelines/demo/runs",
            "pipelines runs demo",
            "pipeline runs demo",
            lambda: bench.pipelines.runs("demo"),
        ),
        (
            "experiments/experiments",
            "experiments list",
            "mlinfra experiments list",
            lambda: bench.experiments.experiments(),
        ),
        (
            "experiments/runs?experiment=demo",
            "runs list demo",
            "runs demo",
            lambda: bench.experiments.runs("demo"),
        ),
        (
            f"experiments/runs/{run_id}",
            f"runs show {run_id}",
            f"runs show {run_id}",
            lambda: bench.experiments.show(run_id),
        ),
        ("experiments/models", "models list", "models", lambda: bench.experiments.models()),
        ("deployments/deployments", "deployments list", "deploy", lambda: bench.deployments.list()),
        ("monitoring/monitors", "monitors list", "monitor", lambda: bench.monitoring.list()),
        ("monitoring/alerts", "alerts list", "alerts", lambda: bench.monitoring.alerts()),
        (
            "workbench/search?q=planes",
            "search planes",
            "mlinfra search planes",
            lambda: bench.search("planes"),
        ),
        ("workbench/status", "status", "mlinfra status", lambda: bench.status()),
    ]


def magic(line: str) -> Any:
    name, _, rest = line.partition(" ")
    return to_json(
        carry_out(split(rest) if name == "mlinfra" else words_of(magics()[name], split(rest)), None)
    )


async def test_the_four_doors_give_the_same_answer(
    furnished: Workbench, ask: Callable[..., Any], capfd: pytest.CaptureFixture[str]
) -> None:
    for path, words, line, call in doors(furnished):
        expected = json.loads(json.dumps(to_json(call())))
        answer = await ask(path)
        assert (answer.code, answer.value) == (200, expected), path
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([*words.split(), "--json"])
        assert ended.value.code == 0, words
        assert json.loads(capfd.readouterr().out) == expected, words
        assert json.loads(json.dumps(magic(line))) == expected, line


async def test_many_panels_at_once_get_the_answers_that_one_gets(
    furnished: Workbench, ask: Callable[..., Any]
) -> None:
    """The domains are shared between the threads of the server, and opened by whichever asks
    first.
    """
    paths = [path for path, *_ in doors(furnished)]
    answers = await asyncio.gather(*(ask(path) for path in paths * 6))
    assert [answer.code for answer in answers] == [200] * len(answers)
    for number, path in enumerate(paths):
        same = [answers[number + len(paths) * turn].value for turn in range(6)]
        assert all(value == same[0] for value in same), path


async def test_the_three_doors_give_the_same_error(
    project: Project, ask: Callable[..., Any], capfd: pytest.CaptureFixture[str]
) -> None:
    for path, words, line in (
        ("catalog/datasets/a.b", "catalog show a.b", "catalog a.b"),
        ("jobs/jobs/beef", "jobs show beef", "job beef"),
        ("pipelines/pipelines/none", "pipelines show none", "pipeline none"),
        ("experiments/models/none", "models show none", "models none"),
        ("deployments/deployments/none", "deployments show none", "deploy status none"),
        ("monitoring/monitors/none", "monitors status none", "monitor none"),
    ):
        body = (await ask(path)).value
        capfd.readouterr()
        with pytest.raises(SystemExit):
            main([*words.split(), "--json"])
        error = json.loads(capfd.readouterr().out)["error"]
        assert error == {
            "code": body["error"],
            "what": body["message"],
            "why": body["why"],
            "fix": body["fix"],
        }, path
        with pytest.raises(Exception, match=re.escape(body["message"])):
            magic(line)


def codes(bench: Workbench) -> Iterator[tuple[str, str]]:
    """The command line and the magic of every record that says how to get at it."""
    records = [
        bench.catalog.show("flights.planes"),
        bench.jobs.show(bench.jobs.list().items[0].id),
        bench.pipelines.show("demo"),
        bench.experiments.compare(
            [bench.experiments.runs("demo").items[0].id, _another_run(bench)]
        ),
    ]
    for record in records:
        for kind in ("cli", "magic"):
            yield kind, record.code[kind]


def _another_run(bench: Workbench) -> str:
    with bench.experiments.track("demo", name="two") as tracked:
        tracked.log_metrics({"auc": 0.5})
    return str(tracked.id)


def test_the_code_that_records_carry_is_understood(
    furnished: Workbench, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each line is carried out over a workbench that only notes the call: words that do not fit
    would be refused.
    """
    found = list(codes(furnished))
    notes = Noted()
    notes.__dict__["project"] = project
    monkeypatch.setattr(workbench, "current", lambda path=None: notes)
    for kind, line in found:
        before = len(notes.calls)
        if kind == "cli":
            words = shlex.split(line)
            assert words.pop(0) == "mlinfra", line
        else:
            name, _, rest = line.removeprefix("%").partition(" ")
            words = words_of(magics()[name], split(rest))
        from jupyter_mlinfra.pipelines.spec import PipelineRun

        notes.answer = made_up(PipelineRun) if words[0] == "pipelines" else None
        run(words, Session(json=False, say=lambda text: None))
        assert len(notes.calls) == before + 1, line


PROSE = re.compile(
    r"`?mlinfra"
    r" ((?:catalog|features|jobs|pipelines|experiments|runs"
    r"|models|deployments|monitors|alerts|project)"
    r" [a-z]+)"
)


def test_every_verb_that_a_message_or_document_names_exists() -> None:
    import click

    from jupyter_mlinfra.cli.app import root

    package = Path(workbench.__file__).parent
    files = [
        *package.rglob("*.py"),
        *(package.parent / "docs").glob("*.md"),
        package.parent / "README.md",
    ]
    named = {match for file in files for match in PROSE.findall(file.read_text())}
    assert len(named) > 20
    for words in sorted(named):
        group, verb = words.split()
        command = root.get_command(click.Context(root), group)
        assert isinstance(command, click.Group)
        assert verb in command.commands, words
