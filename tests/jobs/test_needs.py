"""What a job needs is said once: every face has every need, with the same limits and words."""

from __future__ import annotations

import dataclasses
import json
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.jobs import JobSpec
from jupyter_mlinfra.jobs.faces.cli import jobs
from jupyter_mlinfra.jobs.needs import JobNeeds, Need, Needs, needs_of
from jupyter_mlinfra.jobs.queue.rows import spec_of
from jupyter_mlinfra.pipelines.definition import Definition
from jupyter_mlinfra.pipelines.file_model import Options
from jupyter_mlinfra.pipelines.schedules.faces.cli import schedules
from jupyter_mlinfra.pipelines.spec import Step
from jupyter_mlinfra.server.openapi import document
from tests.conftest import REPOSITORY

EVERY = [pytest.param(need, id=need.name) for need in needs_of()]
NAMES = [
    "cpus",
    "gpus",
    "gpu_type",
    "memory_gib",
    "time_limit_minutes",
    "retries",
    "backend",
    "queue",
    "priority",
]


def body(path: str) -> dict[str, Any]:
    """The properties of what is posted there."""
    given = document()["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    found: dict[str, Any] = given["schema"]["properties"]
    return found


def option(words: str, need: Need) -> click.Option:
    group, verb = words.split()
    command = {"jobs": jobs, "schedules": schedules}[group].commands[verb]
    return next(
        item
        for item in command.params
        if isinstance(item, click.Option) and need.option in item.opts
    )


def limits(schema: dict[str, Any]) -> tuple[float | None, float | None]:
    number: dict[str, Any] = next(
        (item for item in schema.get("anyOf", [schema]) if "maximum" in item), {}
    )
    return number.get("minimum", number.get("exclusiveMinimum")), number.get("maximum")


def test_the_table_is_all_that_a_job_could_ask_for() -> None:
    """As the forms, the command line and REST had it before there was a table."""
    assert [need.name for need in needs_of()] == NAMES
    assert {item.name for item in dataclasses.fields(JobSpec)} >= set(NAMES)
    assert {item.name for item in dataclasses.fields(Step)} >= set(NAMES) - {"priority"}


@pytest.mark.parametrize("need", EVERY)
@pytest.mark.parametrize("words", ["jobs submit", "jobs clone", "schedules create"])
def test_every_need_is_an_option(words: str, need: Need) -> None:
    found = option(words, need)
    assert found.name == need.name
    assert need.sentence in (found.help or "")
    if words == "jobs submit":
        assert found.default == need.default
    else:  # what is not said is nothing, or stays as it was
        assert found.default is None
    if need.kind != "word":
        assert isinstance(found.type, click.IntRange | click.FloatRange)
        assert (found.type.min, found.type.max) == (need.least, need.most)


@pytest.mark.parametrize("need", EVERY)
@pytest.mark.parametrize("path", ["/jobs/jobs", "/jobs/estimate"])
def test_every_need_is_in_the_bodies_of_rest(path: str, need: Need) -> None:
    found = body(path)[need.name]
    assert (found["default"], found["description"]) == (need.default, need.sentence)
    if need.kind != "word":
        assert limits(found) == (need.least, need.most)
    assert ("anyOf" in found) is need.optional


@pytest.mark.parametrize("need", EVERY)
def test_a_clone_changes_every_need(need: Need) -> None:
    found = document()["components"]["schemas"]["Needs"]["properties"][need.name]
    assert "default" not in found  # what is not there stays as it was
    if need.kind != "word":
        assert limits(found) == (need.least, need.most)


@pytest.mark.parametrize("need", EVERY)
def test_the_table_of_the_forms_is_the_same(need: Need) -> None:
    """`jlpm types --check` holds it against the document; here against the table itself."""
    text = (REPOSITORY / "labextension/src/api/needs.ts").read_text()
    facts, words = (
        re.search(rf"\n  {need.name}: \{{(.*?)\n  \}}", part, re.DOTALL)
        for part in text.split("export type Need ")
    )
    assert facts is not None
    assert words is not None
    said = dict(re.findall(r"(\w+): '?(.*?)'?,?\n", f"{facts[1]}\n"))
    assert said == {
        "kind": need.kind,
        "default": "null" if need.default is None else str(need.default),
        "least": str(need.least),
        "most": "null" if need.most is None else str(need.most),
        "option": need.option,
    }
    for word in (need.label, need.help):
        assert f"trans.__('{word.replace(chr(39), chr(92) + chr(39))}')" in words[1]


@pytest.mark.parametrize("need", needs_of(Needs), ids=lambda need: need.name)
def test_every_need_of_a_step_is_a_key_of_the_file(need: Need) -> None:
    assert need.name in Options.model_fields


def test_a_cell_that_is_a_job_takes_every_need() -> None:
    from jupyter_mlinfra.magics.cell import _options

    assert {name: getattr(_options(""), name) for name in NAMES} == {
        need.name: need.default for need in needs_of()
    }
    line = " ".join(f"{need.option} {'a' if need.kind == 'word' else 2}" for need in needs_of())
    assert [getattr(_options(line), need.name) for need in needs_of()] == [
        "a" if need.kind == "word" else 2 for need in needs_of()
    ]


MADE_UP = """
import dataclasses, json
from dataclasses import dataclass
from jupyter_mlinfra.jobs import needs

@dataclass(frozen=True, slots=True, kw_only=True)
class More(needs.JobNeeds):
    licences: int = needs._need(
        label="licences", kind="whole", default=3, most=7, option="--licences", help="of a solver"
    )

table = needs.needs_of
needs.JobNeeds, needs.needs_of = More, lambda kind=More: table(kind)

from jupyter_mlinfra.cli.app import main
from jupyter_mlinfra.magics.cell import _options
from jupyter_mlinfra.server.openapi import document

post = document()["paths"]["/jobs/jobs"]["post"]["requestBody"]["content"]["application/json"]
print(json.dumps({
    "cell": _options("--licences 5").licences,
    "rest": post["schema"]["properties"]["licences"],
}), flush=True)
main(["jobs", "submit", "--help"])
"""


def test_a_need_that_is_added_to_the_table_is_in_every_face() -> None:
    done = subprocess.run([sys.executable, "-c", MADE_UP], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    first, _, text = done.stdout.partition("\n")
    found, text = json.loads(first), " ".join(text.split())
    assert re.search(r"--licences .{,40}Of a solver\. \[default: 3; 0<=x<=7\]", text), text
    assert found["cell"] == 5
    # The forms' table is made of this: see labextension/scripts/types.mjs
    assert found["rest"]["x-need"]["label"] == "licences"
    assert (found["rest"]["minimum"], found["rest"]["maximum"]) == (0, 7)
    assert found["rest"]["default"] == 3


def test_jobs_that_earlier_versions_have_stored_are_read() -> None:
    with sqlite3.connect(":memory:") as connection:
        connection.executescript((REPOSITORY / "tests/core/state_0011.sql").read_text())
        stored = connection.execute("SELECT spec, cpus, gpus FROM job").fetchall()
    connection.close()
    assert len(stored) == 14
    for text, cpus, gpus in stored:
        spec = spec_of(text)
        assert (spec.cpus, spec.gpus) == (cpus, gpus)
        written = json.loads(text)
        assert {name: getattr(spec, name) for name in NAMES} == {
            name: written[name] for name in NAMES
        }
    first = next(spec_of(text) for text, *_ in stored if '"first"' in text)
    assert (first.retries, first.gpu_type, first.memory_gib) == (2, "A100", 0.5)


def test_steps_that_earlier_versions_have_stored_are_read() -> None:
    step = {
        "name": "train",
        "notebook": "train.ipynb",
        "description": "",
        "parameters": {},
        "inputs": ["file:a"],
        "outputs": ["file:b"],
        "after": [],
        "gpus": 0.5,
        "cpus": 2,
        "memory_gib": 8.0,
        "time_limit_minutes": None,
        "retries": 1,
        "cache": True,
        "line": 7,
        "backend": "slurm",
        "gpu_type": "A100",
        "queue": None,
        "foreach": None,
        "group": "",
        "item": {},
        "slot": "",
    }
    found = Definition.from_json(
        {"name": "p", "path": "p.yaml", "description": "", "parameters": {}, "steps": [step]}
    ).steps[0]
    record = found.record((), folder=Path("."))  # type: ignore[arg-type]
    for work in (found, record):
        assert {name: getattr(work, name) for name in NAMES if name != "priority"} == {
            name: step[name] for name in NAMES if name != "priority"
        }


@pytest.mark.parametrize(
    ("needs", "words"),
    [
        ({"cpus": -1}, "cpus=-1 is below 0"),
        ({"retries": -1}, "retries=-1 is below 0"),
        ({"gpus": 1.5}, "gpus=1.5 cannot be used"),
        ({"gpus": float("nan")}, "gpus=nan cannot be used"),
        ({"memory_gib": 0}, "memory_gib=0 is not a number above 0"),
        ({"time_limit_minutes": float("inf")}, "time_limit_minutes=inf is not a number"),
        ({"priority": 101}, "priority=101 is out of range"),
        ({"priority": -1}, "priority=-1 is out of range"),
    ],
)
def test_what_no_job_can_have_is_refused(needs: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequest, match=re.escape(words)):
        JobSpec(command=("true",), **needs)


def test_a_whole_number_of_gpus_is_shown_as_one() -> None:
    assert isinstance(JobSpec(command=("true",), gpus=1.0).gpus, int)
    assert isinstance(JobNeeds().gpus, int)
