"""What a step tells others while it runs: OpenLineage events, and tags on the runs that its
notebook tracks.
"""

from __future__ import annotations

import json

import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import JobState
from jupyter_mlinfra.pipelines import RunState
from jupyter_mlinfra.workbench import Workbench

from .made_up import Bench, bench, states

__all__ = ["bench"]


def events(project: Project) -> list[tuple[str, str, str]]:
    """(job, event, run id) of every event that was written, oldest first."""
    lines = [
        json.loads(line)
        for path in (project.home / "lineage").glob("*.jsonl")
        for line in path.read_text().splitlines()
    ]
    return [
        (line["job"]["name"], line["eventType"], line["run"]["runId"])
        for line in sorted(lines, key=lambda line: line["eventTime"])
    ]


def test_a_step_tells_its_begin_and_its_end_under_one_id_and_only_a_whole_one_made_something(
    bench: Bench, project: Project
):
    for name in "abc":
        bench.workshop.notebook(name, f"# {name}")
    bench.workshop.pipeline("""
        pipeline: p
        steps:
          a: {notebook: a.ipynb, out: a.out}
          b: {notebook: b.ipynb, in: a.out, out: b.out}
          c: {notebook: c.ipynb, in: b.out, out: c.out}
        """)
    bench.jobs.outputs = lambda spec: [f"{spec.labels['step']}.out"]
    bench.jobs.fails = {"b"}
    assert bench.pipelines.run("p").state is RunState.FAILED
    told = events(project)
    assert [(job, event) for job, event, _ in told] == [
        ("step:p/a", "START"),
        ("step:p/a", "COMPLETE"),
        ("step:p/b", "START"),
        ("step:p/b", "FAIL"),
    ]
    assert (told[0][2] == told[1][2], told[2][2] == told[3][2], told[0][2] == told[2][2]) == (
        True,
        True,
        False,
    )
    assert project.lineage.edges() == (), "a has no input, and what failed made nothing"

    bench.jobs.fails = set()
    bench.pipelines.run("p")
    assert [(edge.input, edge.output) for edge in project.lineage.edges()] == [
        ("a.out", "b.out"),
        ("b.out", "c.out"),
    ]
    assert [event for job, event, _ in events(project) if job == "step:p/b"] == [
        "START",
        "FAIL",
        "START",
        "COMPLETE",
    ]


def test_a_cancelled_step_tells_so(bench: Bench, project: Project):
    bench.workshop.notebook("a", "1")
    bench.workshop.pipeline("pipeline: p\nsteps: {a: {notebook: a.ipynb}}")
    shown = bench.jobs.look

    def cancelled(job: str):
        found = shown(job)
        found.state = JobState.CANCELLED
        return found

    bench.jobs.look = cancelled
    assert bench.pipelines.run("p").state is RunState.CANCELLED
    assert [event for _, event, _ in events(project)] == ["START", "ABORT"]


@pytest.mark.slow
def test_runs_of_plain_mlflow_carry_the_step_and_are_found_also_when_it_is_cached(
    project: Project, workshop
):
    """One real job: MLflow itself must put the tags there."""
    workshop.notebook(
        "train",
        """
        import mlflow
        from jupyter_mlinfra.workbench import current
        current().experiments.activate()
        mlflow.set_experiment("plain")
        with mlflow.start_run(tags={"own": "kept"}):
            mlflow.log_metric("auc", 0.9)
        """,
    )
    workshop.pipeline("pipeline: p\nsteps: {train: {notebook: train.ipynb}}")
    workbench = Workbench(project)
    try:
        run = workbench.pipelines.run("p")
        assert states(run) == {"train": "succeeded"}, run.steps[0].reason
        (tracked,) = workbench.experiments.runs("plain").items
        assert {
            "own": "kept",
            "mlinfra.pipeline": "p",
            "mlinfra.run": run.run,
        }.items() <= tracked.tags.items()
        assert tracked.step == "p/train"
        again = workbench.pipelines.run("p")
        assert states(again) == {"train": "cached"}
        for id in (run.run, again.run):
            assert [list(step.runs) for step in workbench.pipelines.show_run(id).steps] == [
                [tracked.id]
            ]
    finally:
        workbench.jobs.stop(cancel_running=True)
