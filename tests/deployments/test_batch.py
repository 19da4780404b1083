"""A dataset is scored into another one: equal to what the model answers offline, every row once,
whatever is killed; a row that is refused does not stop the others.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from jupyter_mlinfra.core.errors import BadRequest, Conflict, NotFound, Unprocessable
from jupyter_mlinfra.core.processes import with_token
from jupyter_mlinfra.deployments import Batches
from jupyter_mlinfra.deployments.batch import job as batch_job
from jupyter_mlinfra.deployments.batch.job import BatchJob, Scored
from jupyter_mlinfra.deployments.batch.spec import BatchTask
from jupyter_mlinfra.jobs import REFUSED
from jupyter_mlinfra.nouns import ModelHandle
from jupyter_mlinfra.workbench import Workbench

from .batch_bench import open_bench
from .test_trust import REQUIREMENTS

ROWS = 3000
SIZE = 400
"""Rows of a chunk in these tests."""


def trips(rows: int = ROWS, seed: int = 3) -> pd.DataFrame:
    """Texts, dates and numbers, with missing values in each; `trip` is no input of a model."""
    chance = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "trip": np.arange(rows),
            "carrier": chance.choice(["UA", "DL", "Über"], rows).astype(object),
            "distance": chance.normal(900, 200, rows),
            "departs": pd.date_range("2026-03-01", periods=rows, freq="5h").to_series().to_numpy(),
            "seats": chance.integers(20, 300, rows),
        }
    )
    for name in ("carrier", "distance", "departs"):
        frame.loc[chance.random(rows) < 0.1, name] = None
    return frame


def save_pipeline(folder: Path) -> Path:
    """A pipeline of texts, dates and numbers that takes missing values, as a pickle."""
    import mlflow
    from mlflow.models import infer_signature
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

    def weekday(frame: pd.DataFrame) -> pd.DataFrame:
        # Inside, so that it travels with the pickle.
        return frame.apply(lambda column: column.dt.weekday)

    frame = trips().drop(columns="trip")
    columns = ColumnTransformer(
        [
            ("text", OneHotEncoder(sparse_output=False), ["carrier"]),
            ("date", FunctionTransformer(weekday), ["departs"]),
        ],
        remainder="passthrough",
    )
    label = np.where(frame["distance"].fillna(0) > 900, "late", "on time")
    model = make_pipeline(columns, HistGradientBoostingClassifier(max_iter=10)).fit(frame, label)
    mlflow.sklearn.save_model(
        model,
        folder,
        serialization_format="cloudpickle",
        signature=infer_signature(frame, model.predict(frame)),
        input_example=frame.head(10),
        pip_requirements=[f"{name}=={importlib.metadata.version(name)}" for name in REQUIREMENTS],
    )
    return folder


def save_booster(folder: Path, requirements: list[str]) -> Path:
    """XGBoost with a category, which must be known, and a number, which must be there."""
    import mlflow
    import xgboost
    from mlflow.models import infer_signature

    frame = trips()[["carrier", "distance", "seats"]].dropna(subset=["carrier"])
    label = frame["distance"].fillna(0) / 100 + frame["seats"] + (frame["carrier"] == "UA") * 50
    typed = frame.assign(carrier=frame["carrier"].astype("category"))
    booster = xgboost.train(
        {"nthread": 1, "max_depth": 4}, xgboost.DMatrix(typed, label, enable_categorical=True), 10
    )
    mlflow.xgboost.save_model(
        booster,
        folder,
        signature=infer_signature(frame, np.zeros(len(frame), dtype=np.float32)),
        input_example=frame.head(10),
        model_format="ubj",
        pip_requirements=requirements,
    )
    return folder


def save_touchy(folder: Path) -> Path:
    """A model that ends its process at distance 666, and fails at 667."""
    import mlflow
    from mlflow.models import infer_signature
    from sklearn.base import BaseEstimator

    class Touchy(BaseEstimator):
        def predict(self, rows: Any) -> Any:
            values = np.asarray(rows, dtype=float)[:, 0]
            if (values == 666).any():
                os._exit(9)
            if (values == 667).any():
                raise ValueError("667 is too much")
            return values * 2

    frame = pd.DataFrame({"distance": [1.0, 2.0]})
    mlflow.sklearn.save_model(
        Touchy(),
        folder,
        serialization_format="cloudpickle",
        signature=infer_signature(frame, np.array([2.0, 4.0])),
        input_example=frame,
        pip_requirements=[f"{name}=={importlib.metadata.version(name)}" for name in REQUIREMENTS],
    )
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, kit: ModuleType) -> Mapping[int, Path]:
    """1: the pipeline. 2: the booster. 3: the touchy one."""
    root = tmp_path_factory.mktemp("batch-models")
    return {
        1: save_pipeline(root / "1"),
        2: save_booster(root / "2", kit.requirements()),
        3: save_touchy(root / "3"),
    }


class Bench:
    """A project with the models, a real catalog and a dataset of trips."""

    def __init__(self, root: Path, folders: Mapping[int, Path]) -> None:
        root.mkdir()
        (root / "mlinfra.toml").write_text('[project]\nname = "test"\n')
        models = {str(number): str(folder) for number, folder in folders.items()}
        (root / "models.json").write_text(json.dumps(models))
        self.root = root
        self.opened = open_bench(root)
        self.catalog, self.project = self.opened.catalog, self.opened.project
        self.told: list[str] = []
        self.on_report: Callable[[str], None] = self.told.append
        self.batches = Batches(
            self.project,
            self.opened.experiments,
            self.catalog,
            _NoJobs(),  # type: ignore[arg-type]
            features=self.features,
            opener="",
        )

    def features(self) -> Any:
        """None are asked for."""
        raise AssertionError

    def task(self, model: str, source: str = "t.trips", into: str = "t.scored", **more: Any) -> Any:
        """What the verb would submit."""
        with pytest.raises(_SubmittedError) as submitted:
            self.batches.submit(model, source=source, into=into, **more)
        return submitted.value.task

    def run(self, task: BatchTask) -> Scored:
        """The job, in this process."""
        return BatchJob(
            task,
            project=self.project,
            experiments=self.opened.experiments,
            catalog=self.catalog,
            features=self.features,
            folder=self.folder(task),
            report=lambda _, text: self.on_report(text),
        ).run()

    def folder(self, task: BatchTask) -> Path:
        """What the attempts of a job share."""
        return self.root / "checkpoints" / task.key

    def frame(self, name: str = "t.scored") -> pl.DataFrame:
        """All rows of a dataset."""
        found: pl.DataFrame = self.catalog.dataset(name).scan().collect()
        return found


class _SubmittedError(Exception):
    """Holds the task that would have become a job; the last test runs real ones."""

    def __init__(self, task: BatchTask) -> None:
        self.task = task


class _NoJobs:
    """Reads the task of a job back from its command, as the job's process does."""

    def submit(self, spec: Any) -> None:
        import argparse

        parser = argparse.ArgumentParser()
        parser.add_argument("--project")
        parser.add_argument("--open")
        BatchTask.add_arguments(parser)
        raise _SubmittedError(BatchTask.of(parser.parse_args(spec.command[4:])))


@pytest.fixture
def bench(
    tmp_path: Path, folders: Mapping[int, Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    monkeypatch.setattr(batch_job, "CHUNK_ROWS", SIZE)
    found = Bench(tmp_path / "project", folders)
    found.catalog.write(trips(), into="t.trips")
    yield found
    found.project.database.close()


def offline(folder: Path, frame: pd.DataFrame) -> Any:
    """What the model itself answers, without any of our code."""
    import mlflow

    return mlflow.sklearn.load_model(folder).predict(frame)


def boosted(folder: Path, frame: pd.DataFrame) -> np.ndarray:
    """The same of the booster."""
    import xgboost

    booster = xgboost.Booster(model_file=folder / "model.ubj")
    typed = frame[["carrier", "distance", "seats"]].assign(
        carrier=frame["carrier"].astype("category")
    )
    return np.asarray(booster.predict(xgboost.DMatrix(typed, enable_categorical=True)))


def test_texts_dates_and_gaps_are_scored_as_offline_at_the_snapshot_of_the_submit(
    bench: Bench, folders: Mapping[int, Path]
) -> None:
    more = trips(700, seed=9).assign(trip=lambda frame: frame["trip"] + ROWS)
    bench.catalog.write(more, into="t.trips")  # a second file
    task = bench.task("trips/1", workers=1)
    bench.catalog.write(trips(50), into="t.trips")  # comes too late
    scored = bench.run(task)
    frame = pd.concat([trips(), more], ignore_index=True)
    assert (scored.rows, scored.refused) == (len(frame), 0)
    found = bench.frame().sort("trip")
    assert found["prediction"].to_list() == offline(folders[1], frame.drop(columns="trip")).tolist()
    assert found["trip"].to_list() == frame["trip"].to_list()
    assert found.columns == [*frame.columns, "prediction", "model_version", "error"]
    assert found["model_version"].unique().to_list() == ["trips/1"]
    assert found["error"].null_count() == found.height
    edges = {(edge.input, edge.output) for edge in bench.catalog.lineage("t.scored").items}
    target = f"dataset:t.scored@{scored.snapshot}"
    assert {(f"dataset:{task.source}", target), ("version:trips/1", target)} <= edges
    assert f"{len(frame):,} of {len(frame):,} rows" in bench.told
    assert not list(bench.folder(task).glob("chunk-*"))


def test_a_refused_row_has_a_reason_and_the_others_their_predictions(
    bench: Bench, folders: Mapping[int, Path]
) -> None:
    frame = trips()
    frame.loc[[5, 1200], "carrier"] = "unknown"
    gaps = frame["carrier"].isna()
    bench.catalog.write(frame, into="t.odd")
    task = bench.task("trips/2", source="t.odd", keep=["trip"], max_errors=0.2, workers=2)
    scored = bench.run(task)
    found = bench.frame()
    bad = gaps | (frame["carrier"] == "unknown")
    assert scored.refused == bad.sum()
    assert found.columns == ["trip", "prediction", "model_version", "error"]
    assert found["error"].is_not_null().to_list() == bad.tolist()
    assert found["prediction"].is_null().to_list() == bad.tolist()
    assert "unknown category" in found["error"][5]
    assert "has no value" in found["error"][int(np.flatnonzero(gaps)[0])]
    assert "row" not in found["error"][5]
    good = found["prediction"].drop_nulls().to_numpy()
    assert np.abs(good - boosted(folders[2], frame[~bad])).max() <= 1e-6


def test_too_many_refused_rows_stop_the_job_with_their_reasons_and_write_nothing(
    bench: Bench,
) -> None:
    task = bench.task("trips/2", max_errors=0.01)
    with pytest.raises(Unprocessable, match="Too many rows are refused") as refused:
        bench.run(task)
    assert "Column carrier has no value" in refused.value.why
    with pytest.raises(NotFound):
        bench.frame()


def test_a_serving_process_that_is_killed_costs_no_row(
    bench: Bench, folders: Mapping[int, Path]
) -> None:
    task = bench.task("trips/1", workers=2)
    killed: list[int] = []

    def kill(text: str) -> None:
        if "of 3,000 rows" in text and len(killed) < 2:
            pid = _processes(bench.folder(task))[0]
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)

    bench.on_report = kill
    assert bench.run(task).refused == 0
    assert len(killed) == 2
    expected = offline(folders[1], trips().drop(columns="trip")).tolist()
    assert bench.frame()["prediction"].to_list() == expected


def _processes(folder: Path) -> list[int]:
    """The serving processes of a job."""
    pids = with_token("mlinfra-batch-", begins=True)
    return [pid for pid in pids if Path(os.readlink(f"/proc/{pid}/cwd")) == folder]


@pytest.mark.slow
def test_a_row_at_which_the_model_fails_or_its_process_ends_costs_only_itself(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_job, "CHUNK_ROWS", 4)
    distances = [1.0, 2.0, 667.0, 4.0, 5.0, 666.0, 7.0, 8.0, 9.0]
    bench.catalog.write(pl.DataFrame({"distance": distances}), into="t.touchy")
    task = bench.task("trips/3", source="t.touchy", max_errors=0.5, workers=1)
    assert bench.run(task).refused == 2
    found = bench.frame()
    assert found["prediction"].to_list() == [2, 4, None, 8, 10, None, 14, 16, 18]
    assert "667 is too much" in found["error"][2]
    assert "process ends" in found["error"][5]


def test_an_empty_dataset_becomes_an_empty_one_with_the_columns_of_the_result(
    bench: Bench,
) -> None:
    bench.catalog.write(pl.from_pandas(trips()).clear(), into="t.none")
    scored = bench.run(bench.task("trips/2", source="t.none"))
    assert (scored.rows, scored.refused) == (0, 0)
    found = bench.frame()
    assert found.height == 0
    assert found.schema["prediction"] == pl.Float32
    assert found.columns[-3:] == ["prediction", "model_version", "error"]


def test_a_target_that_exists_gets_another_snapshot_once_and_only_if_it_fits(
    bench: Bench,
) -> None:
    few = trips(300).dropna(subset=["carrier"])
    bench.catalog.write(few, into="t.few")
    first = bench.task("trips/2", source="t.few", keep=["trip"])
    bench.run(first)
    with pytest.raises(Conflict, match="has these predictions already") as known:
        bench.batches.submit("trips/2", source="t.few", into="t.scored", keep=["trip"])
    assert "--again" in known.value.fix
    # An attempt that was killed after its commit, or a second job of the same rows.
    assert bench.run(first).snapshot == bench.catalog.dataset("t.scored").snapshot
    assert bench.frame().height == len(few)
    bench.run(bench.task("trips/2", source="t.few", keep=["trip"], again=True))
    assert bench.frame().height == 2 * len(few)
    assert len(bench.catalog.snapshots("t.scored").items) == 2
    bench.run(bench.task("trips/2", source="t.few", keep=["trip"], mode="replace"))
    assert bench.frame().height == len(few)
    with pytest.raises(Unprocessable, match=r"do not fit t\.scored") as misfit:
        bench.batches.submit("trips/2", source="t.few", into="t.scored", keep=["seats"])
    assert "trip" in misfit.value.why
    late = bench.task("trips/2", source="t.few", into="t.late", keep=["trip"])
    bench.catalog.write(bench.frame().with_columns(prediction=pl.lit("late")), into="t.late")
    told = len(bench.told)
    with pytest.raises(Unprocessable, match="Its column prediction is String; the result has"):
        bench.run(late)
    assert not any("rows" in text for text in bench.told[told:]), "found before the first row"
    assert _attempt(bench, late).wait(120) == REFUSED, "it is not tried again"


def test_only_new_rows_are_scored_each_once_whoever_goes_on_and_a_rewritten_source_is_refused(
    bench: Bench, folders: Mapping[int, Path]
) -> None:
    def grow(first: int, count: int) -> pd.DataFrame:
        frame = trips(count, seed=first).dropna(subset=["carrier"])
        frame["trip"] += first
        bench.catalog.write(frame, into="t.grows")
        return frame

    def task(model: str = "trips/2") -> BatchTask:
        found: BatchTask = bench.task(model, source="t.grows", keep=["trip"], new=True)
        return found

    parts = [grow(0, 30)]
    assert bench.run(task()).rows == len(parts[0])
    parts.append(grow(100, 20))
    first, other = task(), task("trips/1")
    parts.append(grow(200, 10))
    second = task()
    assert bench.run(first).rows == len(parts[1])
    told = len(bench.told)
    for late in (second, other):
        bench.folder(late).mkdir(parents=True)
        (bench.folder(late) / "chunk-0000000000.parquet").touch()  # of an attempt before
        with pytest.raises(Conflict, match=r"has got other rows of t\.grows meanwhile"):
            bench.run(late)
        assert not list(bench.folder(late).glob("chunk-*"))
    assert len(bench.told) == told, "found before the first row"
    assert bench.run(first).snapshot == bench.catalog.dataset("t.scored").snapshot  # once more
    assert bench.run(task()).rows == len(parts[2])
    snapshot = bench.catalog.dataset("t.scored").snapshot
    nothing = bench.run(task())
    assert (nothing.rows, nothing.snapshot) == (0, snapshot)
    whole, found = pd.concat(parts), bench.frame().sort("trip")
    assert found["trip"].to_list() == whole["trip"].to_list()
    assert np.abs(found["prediction"].to_numpy() - boosted(folders[2], whole)).max() <= 1e-6
    bench.catalog.write(parts[0], into="t.grows", mode="replace")
    with pytest.raises(Conflict, match="not only grown") as rewritten:
        bench.batches.submit("trips/2", source="t.grows", into="t.scored", new=True)
    assert "--replace" in rewritten.value.fix
    for option in ({"again": True}, {"mode": "replace"}):
        with pytest.raises(BadRequest, match="New rows cannot be combined"):
            bench.batches.submit("trips/2", source="t.grows", into="t.scored", new=True, **option)


def test_what_cannot_be_is_refused_before_there_is_a_job(bench: Bench) -> None:
    submit = bench.batches.submit
    frame = pl.from_pandas(trips())
    bench.catalog.write(frame.drop("seats"), into="t.lacks")
    bench.catalog.write(frame.with_columns(pl.lit("many").alias("seats")), into="t.text")
    bench.catalog.write(frame.with_columns(prediction=1), into="t.taken")
    cases: list[tuple[type[Exception], str, dict[str, Any]]] = [
        (Unprocessable, "Missing: seats", {"source": "t.lacks"}),
        (Unprocessable, "Column seats is String; the model takes long", {"source": "t.text"}),
        (Unprocessable, "has a column 'prediction' already", {"source": "t.taken"}),
        (Unprocessable, "has no column 'x'", {"keep": ["x"]}),
        (NotFound, "t.absent", {"source": "t.absent"}),
        (NotFound, "trips/9", {"version": "trips/9"}),
        (BadRequest, "is the source", {"into": "t.trips"}),
        (BadRequest, "names one snapshot", {"into": "t.scored@1"}),
        (BadRequest, "max_errors=2", {"max_errors": 2}),
        (BadRequest, "No features are read", {"at": "departs"}),
    ]
    for kind, text, changes in cases:
        options = {"version": "trips/1", "source": "t.trips", "into": "t.scored", **changes}
        with pytest.raises(kind, match=text):
            submit(options.pop("version"), **options)
    bench.opened.experiments.registered.clear()
    with pytest.raises(Unprocessable, match="runs code when it is loaded"):
        submit("trips/1", source="t.trips", into="t.scored")


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("prediction", datetime(2026, 3, 1), "no prediction is"),
        ("prediction", "1.5", "promises Float64"),
        ("prediction", 1, "promises Float64"),
        ("model_version", 1, "the result has String"),
        ("trip", "1", "the result has Int64"),
    ],
)
def test_a_target_of_other_types_is_refused_before_there_is_a_job(
    bench: Bench, column: str, value: Any, why: str
) -> None:
    usual = {"trip": 1, "prediction": 1.5, "model_version": "trips/3", "error": ""}
    bench.catalog.write(pl.DataFrame([{**usual, column: value}]), into="t.other")
    options: dict[str, Any] = {"source": "t.trips", "into": "t.other", "keep": ["trip"]}
    with pytest.raises(Unprocessable, match=r"do not fit t\.other") as refused:
        bench.batches.submit("trips/3", **options)
    assert f"Its column {column} is" in refused.value.why
    assert why in refused.value.why
    assert "--replace" in refused.value.fix
    bench.task("trips/3", **{**options, "mode": "replace"})


def test_a_target_that_fits_is_taken(bench: Bench) -> None:
    usual = {"trip": 1.0, "prediction": 1.5, "model_version": "trips/3", "error": ""}
    bench.catalog.write(pl.DataFrame([usual]), into="t.other")
    bench.task("trips/3", into="t.other", keep=["trip"])


def _attempt(bench: Bench, task: BatchTask, **variables: str) -> subprocess.Popen[bytes]:
    words = ["--open=tests.deployments.batch_bench:open_bench", f"--project={bench.root}"]
    environment = {
        **os.environ,
        "MLINFRA_CHECKPOINTS": str(bench.folder(task)),
        **variables,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "jupyter_mlinfra.deployments.batch", *words, *task.words()],
        env=environment,
        stdout=subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
    )


@pytest.mark.slow
def test_a_job_that_is_killed_again_and_again_writes_every_row_once(
    bench: Bench, folders: Mapping[int, Path]
) -> None:
    """At a chunk, before and after the commit, and at random moments."""
    many = pd.concat([trips(seed=seed) for seed in range(20)], ignore_index=True)
    many["trip"] = np.arange(len(many))
    bench.catalog.write(many, into="t.many")
    task = bench.task("trips/1", source="t.many")
    chance = random.Random(5)
    for point in ("batch-chunk", "", "", "batch-before-commit", "batch-after-commit"):
        attempt = _attempt(bench, task, MLINFRA_FAIL=point)
        if not point:
            # Before it can be through, on a fast machine too: it takes about 4 s.
            time.sleep(chance.uniform(0.3, 2))
            attempt.kill()
        assert attempt.wait(120) == -signal.SIGKILL
    assert _attempt(bench, task).wait(120) == 0
    found = bench.frame()
    assert found["trip"].to_list() == many["trip"].to_list()
    expected = offline(folders[1], many.drop(columns="trip")).tolist()
    assert found["prediction"].to_list() == expected
    assert len(bench.catalog.snapshots("t.scored").items) == 1
    assert _processes(bench.folder(task)) == []


@pytest.fixture(scope="module")
def workbench(
    tmp_path_factory: pytest.TempPathFactory, kit: ModuleType, folders: Mapping[int, Path]
) -> Iterator[Workbench]:
    """A project with everything real; the pipeline is registered from its folder."""
    project = kit.open_project(
        tmp_path_factory.mktemp("batch-jobs") / "project",
        '[deployments]\ntrusted_models = ["trips"]\n',
    )
    found = Workbench(project)
    client: Any = found.experiments._store.client()
    client.create_registered_model("trips")
    client.create_model_version("trips", str(folders[1]))
    yield found
    found.down()
    kit.clean_up(project)


def _progress(workbench: Workbench, job: str) -> float:
    progress = workbench.jobs.show(job).progress
    return float(progress.value or 0) if progress is not None else 0.0


@pytest.mark.slow
def test_a_job_can_be_cancelled_and_continued_and_the_python_door_waits_for_it(
    workbench: Workbench, folders: Mapping[int, Path]
) -> None:
    frame = pd.concat([trips(60_000, seed=seed) for seed in range(8)], ignore_index=True)
    frame["trip"] = np.arange(len(frame))
    workbench.catalog.write(frame, into="t.trips")
    job = ModelHandle(workbench, "trips/1").batch("t.trips", "t.scored", keep=["trip"])
    deadline = time.monotonic() + 120
    while not _progress(workbench, job.id) > 0:
        assert time.monotonic() < deadline, workbench.jobs.show(job.id)
        time.sleep(0.2)
    workbench.jobs.cancel(job.id)
    assert workbench.jobs.wait([job.id])[0].state == "cancelled"
    with pytest.raises(NotFound):
        workbench.catalog.show("t.scored")
    workbench.jobs.requeue(job.id)
    ended = workbench.jobs.wait([job.id])[0]
    assert ended.state == "succeeded", ended
    assert ended.progress_text.startswith(f"{len(frame):,} rows in t.scored")
    found = workbench.catalog.dataset("t.scored").scan().collect()
    assert found["trip"].to_list() == frame["trip"].to_list()
    expected = offline(folders[1], frame.drop(columns="trip")).tolist()
    assert found["prediction"].to_list() == expected
    edges = {edge.input: edge.job for edge in workbench.catalog.lineage("t.scored").items}
    assert edges["version:trips/1"] == f"job:{job.id}"
