"""Runs of small pipelines with the real supervisor and real kernels."""

from __future__ import annotations

import json
import time

import pytest

from jupyter_mlinfra.core.errors import NotFound
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Jobs
from jupyter_mlinfra.pipelines import Pipelines, RunState, StepRun, StepState

CHAIN = """
pipeline: chain
steps:
  first: {notebook: first.ipynb, out: first.txt}
  second: {notebook: second.ipynb, in: first.txt, out: second.txt}
"""


def states(run):
    return {step.name: str(step.state) for step in run.steps}


def test_steps_run_in_order_and_a_second_run_does_nothing(
    pipelines: Pipelines, jobs: Jobs, workshop, project: Project
):
    workshop.step("first", makes="first.txt")
    workshop.step("second", takes="first.txt", makes="second.txt")
    workshop.pipeline(CHAIN)
    told: list[StepRun] = []

    run = pipelines.run("chain", on_step=told.append)

    assert run.state is RunState.SUCCEEDED, run
    assert (workshop.root / "second.txt").read_text() == "firstsecond"
    # On a busy machine a job waits first.
    moves = [(step.name, str(step.state)) for step in told if step.state is not StepState.WAITING]
    assert moves == [
        ("first", "running"),
        ("first", "succeeded"),
        ("second", "running"),
        ("second", "succeeded"),
    ]
    assert all(step.reason == "first run" for step in run.steps)
    for step in run.steps:
        executed = json.loads((workshop.root / step.notebook).read_text())
        assert step.notebook == f".mlinfra/runs/{run.run}/{step.name}.ipynb"
        assert executed["cells"][0]["execution_count"] == 1
    before = jobs.counts()

    begun = time.perf_counter()
    again = pipelines.run("chain")

    assert states(again) == {"first": "cached", "second": "cached"}
    assert jobs.counts() == before
    assert time.perf_counter() - begun < 10, "no kernel is started and nothing is waited for"
    assert [step.notebook for step in again.steps] == [step.notebook for step in run.steps]
    assert (workshop.count("first"), workshop.count("second")) == (1, 1)
    for verb in (pipelines.show, pipelines.run):
        with pytest.raises(NotFound, match="That is a run of chain") as caught:
            verb(run.run[:6])
        assert caught.value.fix == f"mlinfra pipelines status {run.run}"


def test_independent_steps_run_at_the_same_time(pipelines: Pipelines, workshop):
    """Each waits for a file of the other: one after the other they would never end."""
    for own, other in (("left", "right"), ("right", "left")):
        workshop.notebook(
            own,
            f"""
            import time
            from pathlib import Path
            Path("{own}.here").touch()
            limit = time.monotonic() + 200
            while not Path("{other}.here").exists():
                assert time.monotonic() < limit, "the other never came"
                time.sleep(0.05)
            """,
        )
    workshop.pipeline(
        "pipeline: pair\nsteps: {left: {notebook: left.ipynb}, right: {notebook: right.ipynb}}"
    )
    assert states(pipelines.run("pair")) == {"left": "succeeded", "right": "succeeded"}


def test_an_error_in_cell_3_fails_its_step_names_the_cell_and_keeps_the_executed_notebook(
    pipelines: Pipelines, workshop
):
    workshop.step("first", makes="first.txt")
    workshop.notebook("second", "a = 1", "b = 2", "1 / 0", "open('second.txt', 'w').close()")
    workshop.step("third")
    workshop.pipeline("""
        pipeline: broken
        steps:
          first: {notebook: first.ipynb, out: first.txt}
          second: {notebook: second.ipynb, in: first.txt, out: second.txt}
          after: {notebook: third.ipynb, in: second.txt}
          beside: {notebook: third.ipynb, in: first.txt}
        """)

    run = pipelines.run("broken")

    assert run.state is RunState.FAILED
    assert states(run) == {
        "first": "succeeded",
        "second": "failed",
        "after": "skipped",
        "beside": "succeeded",
    }
    second = run.steps[1]
    assert "Cell 3" in second.reason
    assert "ZeroDivisionError" in second.reason
    executed = json.loads((workshop.root / second.notebook).read_text())
    assert any(
        output["output_type"] == "error"
        for cell in executed["cells"]
        for output in cell.get("outputs", [])
    )
    assert run.steps[2].reason == "second failed"

    workshop.notebook("second", "a = 1", "b = 2", "1 / 1", "open('second.txt', 'w').close()")
    mended = pipelines.run("broken")
    assert states(mended) == {
        "first": "cached",
        "second": "succeeded",
        "after": "succeeded",
        "beside": "cached",
    }
    assert mended.steps[1].reason == "not finished last time; code changed: cell 3"


def test_parameters_reach_the_notebook_and_another_value_runs_only_what_takes_it(
    pipelines: Pipelines, workshop
):
    workshop.notebook(
        "write",
        "open('written.txt', 'w').write(f'{day}/{depth!r}')",
        parameters="day = 'none'\ndepth = 0",
    )
    workshop.step("other", makes="other.txt")
    workshop.pipeline("""
        pipeline: p
        parameters: {day: 2013-11-01, depth: 4}
        steps:
          write: {notebook: write.ipynb, params: {day: "d{{ day }}", depth: "{{ depth }}"},
                  out: written.txt}
          other: {notebook: other.ipynb, out: other.txt}
        """)
    pipelines.run("p")
    assert (workshop.root / "written.txt").read_text() == "d2013-11-01/4"
    again = pipelines.run("p", parameters={"depth": 2.5})
    assert (workshop.root / "written.txt").read_text() == "d2013-11-01/2.5"
    assert states(again) == {"write": "succeeded", "other": "cached"}
    assert again.steps[0].reason == "params changed: depth 4 → 2.5"


@pytest.mark.slow
def test_a_notebook_in_a_folder_runs_there_and_sees_its_modules(pipelines: Pipelines, workshop):
    (workshop.root / "lab").mkdir()
    (workshop.root / "lab" / "tools.py").write_text("VALUE = 1\n")
    workshop.notebook("lab/use", "import tools", "open('value.txt', 'w').write(str(tools.VALUE))")
    workshop.pipeline(
        "pipeline: p\nsteps: {use: {notebook: use.ipynb, out: value.txt}}", "lab/p.mlpipeline.yaml"
    )
    assert states(pipelines.run("p")) == {"use": "succeeded"}
    assert (workshop.root / "lab/value.txt").read_text() == "1"
    (workshop.root / "lab" / "tools.py").write_text("VALUE = 2\n")
    again = pipelines.run("p")
    assert again.steps[0].reason == "code changed: lab/tools.py"
    assert (workshop.root / "lab/value.txt").read_text() == "2"


def test_a_notebook_saved_while_its_job_waits_is_not_taken_for_what_ran(
    pipelines: Pipelines, workshop, monkeypatch: pytest.MonkeyPatch
):
    """The step's key is that of the code that did run, or the next run would skip code that never
    ran.
    """
    workshop.notebook("a", "open('a.txt', 'w').write('old')")
    workshop.pipeline("pipeline: p\nsteps: {a: {notebook: a.ipynb, out: a.txt}}")
    submit = pipelines._jobs.submit

    def saved_just_before(spec):
        workshop.notebook("a", "open('a.txt', 'w').write('new')")
        return submit(spec)

    monkeypatch.setattr(pipelines._jobs, "submit", saved_just_before)
    pipelines.run("p")
    assert (workshop.root / "a.txt").read_text() == "new"
    assert states(pipelines.run("p")) == {"a": "cached"}, (
        "what stands in the notebook now is what ran"
    )
    workshop.notebook("a", "open('a.txt', 'w').write('old')")
    assert pipelines.run("p").steps[0].reason == "code changed: cell 1"


@pytest.mark.slow
def test_a_mended_step_is_explained_by_its_line_and_repaired_with_what_hangs_on_it(
    pipelines: Pipelines, jobs: Jobs, workshop
):
    workshop.step("first", makes="first.txt")
    workshop.notebook("second", "a = 1\nb = 1 / a\nopen('second.txt', 'w').write('2')")
    workshop.step("third", makes="third.txt")
    workshop.pipeline("""
        pipeline: flights
        steps:
          first: {notebook: first.ipynb, out: first.txt}
          second: {notebook: second.ipynb, in: first.txt, out: second.txt}
          third: {notebook: third.ipynb, in: second.txt, out: third.txt}
        """)
    pipelines.run("flights")
    workshop.notebook("second", "a = 0\nb = 1 / a\nopen('second.txt', 'w').write('2')")
    found = pipelines.explain("flights/second")
    assert (list(found.changed), "-a = 1\n+a = 0\n" in found.detail) == (
        ["code"],
        True,
    ), found.detail

    broken = pipelines.run("flights")
    assert states(broken) == {"first": "cached", "second": "failed", "third": "skipped"}
    workshop.notebook("second", "a = 2\nb = 1 / a\nopen('second.txt', 'w').write('2')")
    repaired = pipelines.repair(broken.run)
    assert states(repaired) == {"first": "cached", "second": "succeeded", "third": "succeeded"}
    assert (list(repaired.steps[1].changed), "-a = 1\n+a = 2\n" in repaired.steps[1].detail) == (
        ["unfinished", "code"],
        True,
    ), repaired.steps[1].detail
    assert (workshop.count("first"), workshop.count("third")) == (1, 2)
