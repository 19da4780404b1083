"""A stored run that cannot be read hides no other, says why, and can be ended."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from jupyter_mlinfra.core.database import Database
from jupyter_mlinfra.core.errors import BadRequest, Conflict
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.pipelines import RunState
from jupyter_mlinfra.pipelines.finding import find_pipeline
from jupyter_mlinfra.pipelines.store import RunStore

from .conftest import Workshop
from .made_up import Bench, bench

__all__ = ["bench"]

NEWER = json.dumps({"steps": [], "of_a_newer_version": 1})


@pytest.fixture
def made(bench: Bench, workshop: Workshop) -> Bench:
    """A pipeline of one step."""
    workshop.notebook("a", "1")
    workshop.pipeline("pipeline: p\nsteps:\n  a: {notebook: a.ipynb}")
    return bench


def spoil(database: Database, run: str, **columns: str) -> None:
    marks = ", ".join(f"{name} = ?" for name in columns)
    with database.write() as connection:
        connection.execute(
            f"UPDATE pipeline_run SET {marks} WHERE run = ?", [*columns.values(), run]
        )


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("definition", "{}", "KeyError: 'steps'"),
        ("definition", NEWER, "of_a_newer_version"),
        ("definition", "[]", "TypeError"),
        ("plan", '{"of_a_newer_version": 1}', "of_a_newer_version"),
        ("parameters", "{", "JSONDecodeError"),
        ("state", "paused", "'paused' is not a valid RunState"),
    ],
)
def test_it_is_listed_with_the_reason_among_the_others(
    made: Bench, project: Project, column: str, value: str, why: str
) -> None:
    first, bad, last = (made.pipelines.run("p", force=True).run for _ in range(3))
    spoil(project.database, bad, **{column: value})
    shown = {run.run: run for run in made.pipelines.runs("p").items}
    assert [*shown] == [last, bad, first]
    assert why in shown[bad].reason
    assert "Run the pipeline again." in shown[bad].reason
    assert not shown[bad].repairable
    assert [shown[run].state for run in (first, last)] == [RunState.SUCCEEDED] * 2
    assert made.pipelines.show_run(bad).reason == shown[bad].reason
    assert made.pipelines.list().items[0].problem == ""
    with pytest.raises(Conflict, match="cannot be used"):
        made.pipelines.repair(bad)


def test_its_own_reason_is_shown_before_why_it_cannot_be_read(
    made: Bench, project: Project
) -> None:
    bad = made.pipelines.run("p").run
    spoil(project.database, bad, definition="{}", state="cancelled", reason="Cancelled by bob.")
    (shown,) = made.pipelines.runs("p").items
    assert shown.reason.startswith("Cancelled by bob. It cannot be read (KeyError: 'steps')")


def test_one_that_has_not_ended_is_not_continued_but_can_be_cancelled(
    made: Bench, project: Project
) -> None:
    bad = made.pipelines.run("p").run
    spoil(project.database, bad, definition="{}", state="running")
    (shown,) = made.pipelines.runs("p").items
    assert shown.state is RunState.RUNNING
    assert f"mlinfra pipelines cancel {bad}" in shown.reason
    with pytest.raises(Conflict, match="cannot be read"):
        made.pipelines.resume(bad)
    assert made.pipelines.cancel(bad).state is RunState.CANCELLED
    assert made.pipelines.run("p").state is RunState.SUCCEEDED


@pytest.mark.parametrize("recorded", [True, False], ids=["recorded", "submitted_only"])
def test_the_next_run_ends_it_with_its_jobs(
    made: Bench, project: Project, *, recorded: bool
) -> None:
    bad = made.pipelines.run("p").run
    spoil(project.database, bad, definition="{}", state="running", driven_at="0")
    (job,) = made.jobs.specs
    with project.database.write() as connection:
        connection.execute(
            "UPDATE pipeline_step SET state = 'running', job = ?", [job if recorded else None]
        )
    assert made.pipelines.run("p", force=True).state is RunState.SUCCEEDED
    assert made.jobs.cancelled == {job}
    assert made.pipelines.show_run(bad).state is RunState.CANCELLED
    assert made.pipelines.stop() == ()


def test_half_a_character_in_what_is_told_keeps_no_run_from_ending(
    made: Bench, project: Project
) -> None:
    definition = find_pipeline(project.root, project.home, "p")
    (step,) = definition.steps
    half = replace(definition, steps=[replace(step, outputs=["x\ud800"])])
    store = RunStore(project.database)
    entry = store.begin(half, parameters={}, force=False, user="u")
    run = made.pipelines.resume(entry.run.run)
    assert run.state is RunState.FAILED
    assert "x?" in run.steps[0].reason

    entry = store.begin(half, parameters={}, force=False, user="u")
    assert store.give_up(entry, reason="x\ud800 is gone").run.reason == "x? is gone"


@pytest.mark.parametrize("parameters", [{"x": "\ud800"}, {"x": [{"\udc80": 1}]}, {"\ud800": 1}])
def test_a_run_refuses_half_a_character_in_its_parameters(
    made: Bench, parameters: dict[str, Any]
) -> None:
    with pytest.raises(BadRequest, match="half a character"):
        made.pipelines.run("p", parameters=parameters)
