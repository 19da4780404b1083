"""Runs of a job and runs of a catalog's data: the other domains as they are."""

from __future__ import annotations

import nbformat
import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.experiments.tracking import origin_of
from jupyter_mlinfra.jobs import Jobs, JobSpec

CELL = """
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.experiments import Experiments
with Experiments(Project.open()).track("churn") as run:
    run.log_metric("auc", 0.5)
"""


@pytest.fixture
def jobs(project):
    jobs = Jobs(project)
    yield jobs
    jobs.stop(cancel_running=True)


@pytest.mark.slow
def test_a_run_of_a_pipelines_job_names_notebook_job_and_step(project, experiments, jobs):
    nbformat.write(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)]),
        project.root / "train.ipynb",
    )
    job = jobs.submit(
        JobSpec(
            notebook="train.ipynb", labels={"pipeline": "flights", "run": "r1", "step": "train"}
        )
    )
    ended = jobs.wait([job.id], timeout=120)[0]
    assert ended.state == "succeeded", jobs.logs(job.id).text
    run = experiments.runs("churn", where=f"job = '{job.id}' and step = 'flights/train'").items[0]
    assert (run.notebook, run.job, run.step, run.status) == (
        "train.ipynb",
        job.id,
        "flights/train",
        "finished",
    )


def test_in_a_job_that_the_project_does_not_know_only_its_id_is_noted(project, monkeypatch):
    monkeypatch.setenv("MLINFRA_JOB", "feed")
    origin = origin_of(project)
    assert (origin.job, origin.notebook, origin.step, origin.name) == ("feed", "", "", "job:feed")


@pytest.mark.parametrize(
    ("session", "notebook"),
    [
        ("sub/a.ipynb", "sub/a.ipynb"),
        ("{root}/a.ipynb", "a.ipynb"),
        ("/elsewhere/a.ipynb", "/elsewhere/a.ipynb"),
        ("console-1", ""),
    ],
)
def test_a_kernels_session_names_the_notebook(project, monkeypatch, session, notebook):
    monkeypatch.setenv("JPY_SESSION_NAME", session.format(root=project.root))
    assert origin_of(project).notebook == notebook


def test_a_dataset_is_noted_with_the_snapshot_that_it_had_when_the_run_began(project, experiments):
    catalog = Catalog(project)
    first = catalog.write(pl.DataFrame({"a": [1]}), into="sales.orders").snapshot
    table = catalog.dataset("sales.orders")
    second = catalog.write(pl.DataFrame({"a": [2]}), into="sales.orders").snapshot
    with experiments.track("churn", datasets=["sales.orders"]) as run:
        catalog.write(pl.DataFrame({"a": [3]}), into="sales.orders")
    assert experiments.show(run.id).datasets == [f"dataset:sales.orders@{second}"]
    with experiments.track("churn", datasets=[f"dataset:sales.orders@{first}"]) as run:
        pass
    assert experiments.show(run.id).datasets == [f"dataset:sales.orders@{first}"]
    with experiments.track("churn", datasets=[table]) as run:
        pass
    assert experiments.show(run.id).datasets == [f"dataset:sales.orders@{table.snapshot}"]
    assert run.ref in {edge.output for edge in project.lineage.around("dataset:sales.orders").items}
