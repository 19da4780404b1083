"""What a notebook calls: the questions that it asks of a store."""

from __future__ import annotations

from types import SimpleNamespace as Made
from typing import Any

import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import page_of
from jupyter_mlinfra.experiments.facts import JOB
from jupyter_mlinfra.nouns import JobHandle, ModelHandle, RunHandle
from jupyter_mlinfra.workbench import Workbench


def test_a_printed_handle_says_what_it_is(project: Project) -> None:
    bench = Workbench(project)
    with bench.experiments.track("sweep") as run:
        run.log_metric("auc", 0.5)
    record = bench.experiments.runs("sweep").items[0]
    shown = str(RunHandle(bench, record))
    assert record.ref in shown
    assert "0.5" in shown
    assert "There is no job" in str(JobHandle(bench, "nope"))
    assert "churn" in str(ModelHandle(bench, "churn/99"))


def test_the_table_of_an_array_asks_for_runs_by_the_hundred_and_takes_the_newest_of_each_job(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Workbench(project)
    for job, value in (("j3", 0.1), ("j3", 0.3), ("j240", 0.2), ("other", 0.9)):
        with bench.experiments.track("sweep", tags={JOB: job}) as run:
            run.log_metric("auc", value)
    common = {"state": "succeeded", "elapsed_seconds": 1.0, "notebook": "n.ipynb"}
    elements = [
        Made(id=f"j{place}", index=place, parameters={"depth": place}, **common)
        for place in range(250)
    ]
    bench.__dict__["jobs"] = Made(
        list=lambda *, array, limit, cursor: page_of(elements, limit=limit, cursor=cursor)
    )
    asked, runs = list[str](), bench.experiments.runs

    def counted(*words: Any, where: str = "", **options: Any) -> Any:
        asked.append(where)
        return runs(*words, where=where, **options)

    monkeypatch.setattr(bench.experiments, "runs", counted)
    found = JobHandle(bench, "array").table()
    assert len(asked) == 3
    assert found.filter(found["auc"].is_not_null()).select("job", "depth", "auc").rows() == [
        ("j3", 3, 0.3),
        ("j240", 240, 0.2),
    ]
