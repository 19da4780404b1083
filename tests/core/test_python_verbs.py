"""The verbs of `import jupyter_mlinfra as ml`, on a real project."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import jupyter_mlinfra as ml
from jupyter_mlinfra.core.errors import BadRequest, NotFound
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.workbench import Workbench


@pytest.fixture
def csv(project: Project) -> Path:
    """A file of two orders in the project's root, which is the working directory."""
    path = project.root / "orders.csv"
    path.write_text("id,amount\n1,2.5\n2,4.0\n")
    return path


def test_files_and_frames_become_datasets_and_a_dataset_reads_what_it_wrote(csv: Path) -> None:
    assert ml.ingest("orders.csv", into="shop.orders").rows_written == 2
    orders = ml.dataset("shop.orders")
    first = orders.snapshot
    csv.write_text("id,amount\n3,1.0\n")
    assert orders.ingest([csv]).rows_written == 1
    orders.write(pl.DataFrame({"id": [4], "amount": [0.5]}), inputs=["dataset:shop.raw"])
    assert sorted(orders.scan().collect()["id"]) == [1, 2, 3, 4]
    assert len(orders.snapshots()) == 3
    with pytest.raises(BadRequest, match="earlier state"):
        ml.dataset(f"shop.orders@{first}").write(pl.DataFrame({"id": [5], "amount": [0.0]}))
    assert ml.sql("SELECT count(*) AS n FROM shop.orders").item() == 4
    assert ml.write(pl.DataFrame({"n": [1]}), into="shop.counts").rows_written == 1
    assert {hit.ref for hit in ml.search("shop", kinds=["dataset"]).items} == {
        "dataset:shop.orders",
        "dataset:shop.counts",
    }


def test_a_command_and_a_notebook_are_submitted_from_where_the_kernel_stands(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ml.submit([sys.executable, "-c", "print('done')"], name="hello")
    assert (job.wait(60).state, job.logs().strip(), job.record.name) == (
        "succeeded",
        "done",
        "hello",
    )
    folder = project.root / "work"
    folder.mkdir()
    empty: dict[str, Any] = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "n.ipynb").write_text(json.dumps(empty))
    monkeypatch.chdir(folder)
    assert ml.submit("n.ipynb", cpus=1).record.notebook == "work/n.ipynb"
    assert ml.submit("work/n.ipynb").record.notebook == "work/n.ipynb"
    Workbench.open(project.root).jobs.stop(cancel_running=True)


@pytest.mark.parametrize(
    ("what", "options", "word"),
    [
        ("python train.py", {}, "list of words"),
        (["python"], {"gpu": 1}, "no gpu"),
        ("train.ipynb", {"notebook": "x"}, "no notebook"),
    ],
)
@pytest.mark.usefixtures("project")
def test_what_is_no_job_is_refused_with_a_way_out(
    what: Any, options: dict[str, Any], word: str
) -> None:
    with pytest.raises(BadRequest) as refused:
        ml.submit(what, **options)
    assert word in str(refused.value)
    assert refused.value.fix


def test_a_run_is_registered_promoted_and_found_by_one_name(project: Project) -> None:
    import mlflow
    import numpy as np
    import xgboost
    from mlflow.models import infer_signature

    inputs = pl.DataFrame({"a": np.arange(40.0)}).to_pandas()
    booster = xgboost.train({"max_depth": 1, "nthread": 1}, xgboost.DMatrix(inputs, inputs["a"]), 1)
    made = []
    for _ in range(2):
        with ml.track("shop") as run:
            mlflow.xgboost.log_model(
                booster,
                name="model",
                signature=infer_signature(inputs, booster.predict(xgboost.DMatrix(inputs))),
            )
        made.append(ml.run(run.id).register("churn"))
    first, second = made
    assert (first.name, second.name) == ("churn/1", "churn/2")
    first.promote("champion")
    assert ml.model("churn@champion").name == "churn/1"
    assert [version.name for version in first.versions] == ["churn/2", "churn/1"]
    assert ml.run(run.id).log_metrics({"auc": 0.5}).metrics == {"auc": 0.5}
    assert second.run.id == run.id
    assert second.run.metrics == {"auc": 0.5}
    assert [found.id for found in ml.runs("shop")] == [found.id for found in ml.runs("shop")[:]]
    assert ml.runs("shop")[0].register("churn").name == "churn/2"
    first.reference(pl.from_pandas(inputs))
    assert (project.home / "monitoring" / "references" / "churn" / "1.json").is_file()
    with pytest.raises(NotFound):
        ml.model("churn/9").deploy("live")


def test_alerts_of_a_monitor_are_its_own(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    from jupyter_mlinfra.core.records import page_of
    from jupyter_mlinfra.nouns import MonitorHandle

    alerts = [SimpleNamespace(monitor=name) for name in ("a", "b", "a")]
    bench = Workbench(project)
    bench.__dict__["monitoring"] = SimpleNamespace(
        alerts=lambda *, firing, limit, cursor=None: page_of(alerts, limit=limit, cursor=cursor)
    )
    assert MonitorHandle(bench, "a").alerts() == [alerts[0], alerts[2]]
