"""Cells as SQL, as jobs, as tracked runs."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import polars as pl
import pytest
from IPython.utils.capture import capture_output

import jupyter_mlinfra as ml
from jupyter_mlinfra.catalog import Explorer
from jupyter_mlinfra.core.errors import (
    BadRequest,
    Conflict,
    MLInfraError,
    NotFound,
    Unprocessable,
)
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import JobSpec
from jupyter_mlinfra.jobs.values import put_value as put
from jupyter_mlinfra.jobs.values import take_value as take
from jupyter_mlinfra.magics.cell import title_of
from jupyter_mlinfra.workbench import Workbench, current


@pytest.mark.parametrize(
    "value",
    [
        pl.DataFrame({"a": [1, None]}),
        pd.DataFrame({"b": ["x", "y"]}),
        np.arange(6.0).reshape(2, 3),
        {"k": [1, 2.5, None, "é"]},
        "text",
        7,
        [True],
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_comes_back_as_it_went(tmp_path: Path, value: Any) -> None:
    put(tmp_path, "name", value)
    found = take(tmp_path, "name")
    assert type(found) is type(value)
    if isinstance(value, np.ndarray):
        np.testing.assert_array_equal(found, value)
    elif isinstance(value, pl.DataFrame | pd.DataFrame):
        assert found.equals(value)
    else:
        assert found == value


def test_a_booster_comes_back_with_the_same_answers(tmp_path: Path) -> None:
    import xgboost

    data = xgboost.DMatrix(np.arange(40.0).reshape(20, 2), label=np.arange(20) % 2)
    booster = xgboost.train({"objective": "binary:logistic"}, data, 3)
    put(tmp_path, "model", booster)
    np.testing.assert_array_equal(take(tmp_path, "model").predict(data), booster.predict(data))


@pytest.mark.parametrize(
    "value",
    [lambda: 1, {1: "a"}, (1, 2), float("nan"), np.array([object()]), {"a": {1, 2}}, open],
    ids=lambda value: type(value).__name__,
)
def test_what_no_file_of_data_can_hold_is_refused(tmp_path: Path, value: Any) -> None:
    with pytest.raises(Unprocessable, match="cannot be passed"):
        put(tmp_path, "name", value)


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        (
            (
                "# load\nimport polars as pl\nfrom x import y\n\n%matplotlib inline\nmodel = fit( "
                " df,\n  depth=6)"
            ),
            "model = fit( df,",
        ),
        ("token = 'hunter2'", "token = …"),
        ('df.write_csv(f"a/{b}.csv")', "df.write_csv(…"),
        ("rate = a / b", "rate = a …"),
        ("from_there = 1", "from_there = 1"),
        ("first_name = second_name(with_a_long_argument, another_one)", "first_name = …"),
        ('"""Only a docstring."""\nimport os', "cell of my train.ipynb"),
        ("", "cell of my train.ipynb"),
    ],
)
def test_the_job_of_a_cell_goes_by_its_code_or_its_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cell: str, name: str
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "nc" / "my train.ipynb"))
    assert title_of(cell, tmp_path) == name
    monkeypatch.delenv("JPY_SESSION_NAME")
    assert title_of("import os", tmp_path) == "cell"


def test_a_value_that_a_job_did_not_leave_is_not_found(tmp_path: Path) -> None:
    put(tmp_path, "names", 1)
    with pytest.raises(NotFound):
        take(tmp_path, "name")


def test_sql_in_a_cell_gives_a_frame_and_a_variable(shell: Any, project: Project) -> None:
    (project.root / "planes.csv").write_text("tail,year\nN1,1999\nN2,2004\n")
    shell.run_line_magic("catalog", "ingest planes.csv --into flights.planes")
    found = shell.run_cell_magic(
        "catalog", "sql --out late", "SELECT tail FROM flights.planes WHERE year > 2000"
    )
    assert found.to_dicts() == [{"tail": "N2"}]
    assert shell.user_ns["late"] is found
    grid = shell.run_cell_magic(
        "catalog",
        "sql --out some --explore -p least=2000",
        "FROM flights.planes WHERE year > $least",
    )
    assert shell.user_ns["some"].to_dicts() == [{"tail": "N2", "year": 2004}]
    assert isinstance(grid, Explorer)
    query = "SELECT tail FROM flights.planes"
    written = shell.run_cell_magic("catalog", "sql --out flights.tails", query)
    assert (written.dataset, written.rows_written) == ("flights.tails", 2)
    with pytest.raises(BadRequest, match="--explore"):
        shell.run_cell_magic("catalog", "sql --out flights.tails --explore", query)
    again = ml.sql(query, limit=1, out="flights.tails")
    assert again.rows_written == 1
    assert ml.dataset("flights.tails").scan().collect().height == 1


@pytest.fixture
def supervised(project: Project) -> Any:
    """Jobs may be submitted; what runs is ended."""
    yield project
    current().jobs.stop(cancel_running=True)


def test_a_cell_runs_as_a_job_with_its_values_and_hands_others_back(
    shell: Any, supervised: Project
) -> None:
    shell.user_ns["frame"] = pl.DataFrame({"x": [1, 2, 3]})
    job = shell.run_cell_magic(
        "job",
        "--in frame --out total,doubled --name sums --wait",
        "total = int(frame['x'].sum())\ndoubled = frame.select(x=frame['x'] * 2)",
    )
    assert (job.name, job.state) == ("sums", "succeeded")
    assert shell.user_ns["total"] == 6
    assert shell.user_ns["doubled"].to_dict(as_series=False) == {"x": [2, 4, 6]}
    del shell.user_ns["total"]
    shell.run_line_magic("job", f"collect {job.id}")
    assert shell.user_ns["total"] == 6


@pytest.mark.slow
def test_a_name_that_comes_back_stands_for_its_value_while_the_kernel_stays_free(
    shell: Any, supervised: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(supervised.root)
    job = shell.run_cell_magic("job", "--out total --gpus 0 --priority 70", "total = 6")
    assert job.priority == 70
    assert shell.user_ns["total"].result(timeout=120) == 6
    assert ml.job(job.id).result() == 6
    failed = shell.run_cell_magic("job", "--out other", "1 / 0")
    with pytest.raises(Conflict, match=f"Job {failed.id} is failed"):
        shell.user_ns["other"].result(timeout=120)


@pytest.mark.slow
def test_an_array_is_a_table_of_what_its_elements_made(
    supervised: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(supervised.root)
    tracks = (
        "import jupyter_mlinfra as ml, mlflow\nwith ml.track('sweep'):\n   "
        " mlflow.log_metric('auc', depth / 10)"
    )
    cells = [("depth = 1", ["parameters"]), (tracks, [])]
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source, metadata={"tags": tags}) for source, tags in cells]
    )
    nbformat.write(notebook, supervised.root / "train.ipynb")
    jobs = Workbench(supervised).jobs
    array = jobs.submit(JobSpec(notebook="train.ipynb", array=[{"depth": 4}, {"depth": 6}]))
    jobs.wait([array.id], timeout=120)
    found = ml.job(array.id).table()
    element = ml.job(f"{array.id}/1").record
    assert element.run is not None
    assert ml.run(element.run).metrics == {"auc": 0.6}
    assert found.select("index", "state", "depth", "auc").rows() == [
        (0, "succeeded", 4, 0.4),
        (1, "succeeded", 6, 0.6),
    ]


def test_values_go_when_their_job_has_ended_and_results_a_week_later(
    shell: Any, supervised: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(supervised.root)
    cells = supervised.home / "cells"
    shell.user_ns["big"] = list(range(10))
    job = shell.run_cell_magic("job", "--in big --out total --wait", "total = sum(big)")
    first = cells / job.labels["cell"]
    foreign = cells / "of-another-kernel"
    (foreign / "in").mkdir(parents=True)
    running = shell.run_cell_magic("job", "--in big", "import time; time.sleep(600)")
    assert [path.name for path in first.iterdir() if path.is_dir()] == ["out"]
    assert (cells / running.labels["cell"] / "in" / "big.json").exists()
    assert (foreign / "in").exists()
    shell.run_line_magic("job", f"collect {job.id}")
    monkeypatch.setattr("jupyter_mlinfra.magics.cell.KEEP", timedelta())
    shell.run_cell_magic("job", "", "1")
    assert not first.exists()
    assert not foreign.exists()
    assert (cells / running.labels["cell"] / "in" / "big.json").exists()


def test_a_cell_that_is_not_waited_for_says_how_its_values_come(
    shell: Any, supervised: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    job = shell.run_cell_magic("job", "--out x,y", "x = y = 1")
    assert f"`%job collect {job.id}` brings x, y" in capsys.readouterr().out


def test_a_cell_that_is_waited_for_shows_what_it_wrote(
    shell: Any, supervised: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    job = shell.run_cell_magic("job", "--wait", "print('auc', 0.5 + 0.25)")
    said = capsys.readouterr().out.splitlines()
    assert "auc 0.75" in said[:-1]
    assert said[-1] == f"Job {job.id} was asked for no variable (`--out NAME`)."


def test_a_cell_that_is_refused_leaves_no_values(shell: Any, project: Project) -> None:
    shell.user_ns["good"] = 1
    for words in ("--in good,missing", "--in good --gpus 9999"):
        with pytest.raises(MLInfraError):
            shell.run_cell_magic("job", words, "1")
    assert list((project.home / "cells").iterdir()) == []


def test_a_cell_that_fails_as_a_job_fails_the_cell_and_hands_nothing_back(
    shell: Any, supervised: Project
) -> None:
    with capture_output() as said:
        done = shell.run_cell("%%job --out x --wait\nx = 1\nraise ValueError('on purpose')")
    assert isinstance(done.error_in_exec, Unprocessable)
    assert "on purpose" in said.outputs[-1].data["text/plain"]
    assert "x" not in shell.user_ns


def test_a_cell_needs_the_variables_that_it_names(shell: Any, project: Project) -> None:
    with pytest.raises(NotFound, match="no variable missing"):
        shell.run_cell_magic("job", "--in missing", "1")
    assert current().jobs.list().total == 0


def test_a_tracked_cell_is_a_run_that_ends_as_the_cell_does(shell: Any, project: Project) -> None:
    run = shell.run_cell_magic(
        "track", "demo --name first", "import mlflow\nmlflow.log_metric('auc', 0.5)\nkept = 1"
    )
    assert (run.name, run.experiment, run.status, run.metrics) == (
        "first",
        "demo",
        "finished",
        {"auc": 0.5},
    )
    assert shell.user_ns["kept"] == 1
    with capture_output():
        done = shell.run_cell("%%track demo --name second\n1 / 0")
    assert done.error_in_exec is not None
    newest = current().experiments.runs("demo").items[0]
    assert (newest.name, newest.status) == ("second", "failed")
