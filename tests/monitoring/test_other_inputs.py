"""Inputs that are no plain columns: tensors, lists, bytes, objects and dates, as in the log."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from mlflow.models import infer_signature

from jupyter_mlinfra.core.errors import NotFound
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments import as_logged, client, inputs_of
from jupyter_mlinfra.deployments.runtime.contract import Batch, Column
from jupyter_mlinfra.deployments.runtime.table import TableContract
from jupyter_mlinfra.deployments.runtime.tensors import TensorContract
from jupyter_mlinfra.monitoring import Monitoring
from jupyter_mlinfra.monitoring.measures.encoding import encoded, levels_of_inputs
from jupyter_mlinfra.monitoring.references import profiles as references
from jupyter_mlinfra.monitoring.references.training_data import TrainingData
from jupyter_mlinfra.workbench import Workbench
from tests.monitoring.logs import HOUR, Logged, answered, set_now, write_journal

T0 = 1_764_000_000 // HOUR * HOUR
NOW = datetime.fromtimestamp(T0 + HOUR + 1800, UTC)
DAY = timedelta(days=1)


class Experiments:
    """One version with a signature of MLflow's own."""

    def __init__(self, signature: Any, datasets: Sequence[str] = ()) -> None:
        self.inputs = json.loads(signature.to_dict()["inputs"])
        self.datasets = datasets

    def version(self, ref: str) -> Any:
        return SimpleNamespace(model="flights", version=1, datasets=self.datasets)

    def signature(self, ref: str) -> Any:
        return {"inputs": self.inputs, "outputs": []}

    def download(self, ref: str) -> Path:
        raise NotFound(f"The files of {ref} are gone.")


def log(folder: Path, batch: Batch, names: Sequence[str], types: Sequence[str]) -> None:
    """The rows of a request that passed, each a request, spread over an hour, as served."""
    assert batch.logged is not None
    entries = [
        answered(T0 + place * HOUR / batch.size, f"r{place}", [row], [0.5])
        for place, row in enumerate(batch.logged)
    ]
    write_journal(folder, T0, entries, names=names, types=types)


def log_tensors(folder: Path, experiments: Experiments, tensors: Mapping[str, Any]) -> None:
    contract = TensorContract(inputs_of(experiments.inputs, None))
    batch = contract.from_json(json.loads(json.dumps(tensors)))
    log(folder, batch, contract.logged_names, ["tensor"] * len(contract.logged_names))


def log_rows(folder: Path, experiments: Experiments, rows: Sequence[Sequence[Any]]) -> None:
    contract = TableContract(inputs_of(experiments.inputs, None))
    batch = contract.from_rows(json.loads(json.dumps(rows)))
    log(folder, batch, contract.names, [column.type for column in contract.columns])


def opened(
    project: Project, folder: Path, experiments: Experiments, patch: pytest.MonkeyPatch
) -> Monitoring:
    set_now(patch, NOW)
    patch.setattr("jupyter_mlinfra.monitoring.service.now", lambda: NOW)
    return Monitoring(project, Logged(folder, {"v1": 100}), experiments)  # type: ignore[arg-type]


def test_a_tensor_is_watched_by_its_numbers_and_only_the_one_that_moved_drifts(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reference is of four columns side by side, as a matrix was made of them in training."""
    random = np.random.default_rng(1)
    train = random.normal(size=(3000, 4)).astype(np.float32)
    experiments = Experiments(infer_signature(train, train[:, 0]))
    window = random.normal(size=(800, 4)) + np.asarray([0, 0, 2, 0])
    log_tensors(tmp_path, experiments, {"input": window.tolist()})
    monitoring = opened(project, tmp_path, experiments, monkeypatch)
    monkeypatch.setattr(experiments, "download", lambda _: model_of_pytorch(tmp_path / "model"))
    monitoring.reference("flights/1", pl.DataFrame(train, schema=["a", "b", "c", "d"]))
    monitoring.watch("flights")
    monitoring.backfill("flights")
    figures = monitoring.figures("flights", since=DAY)
    psi = {name: item.psi for name, item in figures.drift.items()}
    assert sorted(psi) == [f"input.{place}" for place in range(4)]
    assert [name for name, value in psi.items() if value and value > 0.2] == ["input.2"]
    assert set(figures.fill_rate.values()) == {1.0}
    assert [item.feature for item in monitoring.status("flights").drift if item.drifted] == [
        "input.2"
    ]
    points = monitoring.series("flights", metric="psi", feature="input.2", since=2 * DAY).items
    assert [point.rows for point in points if point.value] == [800]


def model_of_pytorch(folder: Path) -> Path:
    """What is read of a model: that its engine takes the matrix as a tensor."""
    folder.mkdir(exist_ok=True)
    flavors = {"pytorch": {"model_data": "data"}, "python_function": {"loader_module": "own"}}
    (folder / "MLmodel").write_text(json.dumps({"flavors": flavors}))
    return folder


def test_a_large_tensor_is_watched_by_its_summary_from_the_training_dataset(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Images that became brighter. The deployment is asked with tensors by name."""
    random = np.random.default_rng(1)
    train = random.random((600, 10, 10)).astype(np.float32)
    bench = Workbench(project)
    frame = pl.DataFrame({"image": train.reshape(600, 100).tolist()})
    bench.catalog.write(frame, into="flights.images")
    snapshot = bench.catalog.dataset("flights.images").ref
    experiments = Experiments(infer_signature({"image": train}, train[:, 0, 0]), [snapshot])
    bright = np.clip(random.random((600, 10, 10)) + 0.2, 0, 1)
    log_tensors(tmp_path, experiments, {"image": bright.tolist()})
    monitoring, asked = opened(project, tmp_path, experiments, monkeypatch), list[Any]()

    def predict(self: Any, name: str, rows: Any, *, version: str, logged: bool) -> Any:
        asked.append(rows)
        return SimpleNamespace(predictions=[0.5] * len(rows["data"]["ndarray"]), names=[])

    monkeypatch.setattr(Logged, "predict", predict, raising=False)
    monitoring.watch("flights")
    assert np.shape(asked[0]["data"]["ndarray"]) == (500, 10, 10)
    drift = monitoring.figures("flights", since=DAY).drift
    assert sorted(drift) == [f"image.{part}" for part in ("max", "mean", "min", "std")]
    assert drift["image.mean"].psi > 1  # type: ignore[operator]
    # What a model of the same training says of itself: nothing moved.
    log_tensors(tmp_path / "same", experiments, {"image": train.tolist()})
    same = Monitoring(project, Logged(tmp_path / "same", {"v1": 100}), experiments)  # type: ignore[arg-type]
    assert max(item.psi or 0 for item in same.figures("flights", since=DAY).drift.values()) < 0.01


def test_the_answers_of_several_named_outputs_are_rows_as_the_log_has_them() -> None:
    body = {"jsonData": {"mean": [1.0, 2.0], "parts": [[[3.0], [4.0]], [[5.0], [6.0]]]}}
    found = client.prediction(client.Answer(200, "v1", body, 1.0)).predictions
    assert found == [[1.0, 3.0, 4.0], [2.0, 5.0, 6.0]]


def table(random: np.random.Generator, rows: int, *, size: int, day: datetime) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "codes": [random.normal(size=int(n)).tolist() for n in random.integers(3, 9, rows)],
            "photo": [random.bytes(int(n)) for n in random.integers(1, size, rows)],
            "place": [{"lat": float(lat), "name": "x"} for lat in random.random(rows)],
            "when": [day + timedelta(minutes=place) for place in range(rows)],
            "x": random.normal(size=rows),
        }
    )


def requests(frame: pd.DataFrame) -> list[list[Any]]:
    rows: Any = frame.itertuples()
    return [
        [row.codes, base64.b64encode(row.photo).decode(), row.place, row.when.isoformat(), row.x]
        for row in rows
    ]


def test_lists_bytes_objects_and_dates_are_watched_by_what_can_be_compared_of_them(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Photos became larger; a year has passed, which is no drift."""
    random, year = np.random.default_rng(1), datetime(2024, 1, 1)
    train = table(random, 2000, size=400, day=year)
    experiments = Experiments(infer_signature(train, [0.5]))
    now = table(random, 900, size=1400, day=year + timedelta(days=365))
    log_rows(tmp_path, experiments, requests(now))
    monitoring = opened(project, tmp_path, experiments, monkeypatch)
    monitoring.reference("flights/1", train)
    monitoring.watch("flights")
    monitoring.backfill("flights")
    figures = monitoring.figures("flights", since=DAY)
    parts = [f"codes.{part}" for part in ("length", "max", "mean", "min", "std")]
    assert sorted(figures.drift) == [*parts, "photo.bytes", "place", "when", "x"]
    moved = [name for name, item in figures.drift.items() if item.psi and item.psi > 0.2]
    assert moved == ["photo.bytes"]
    assert set(figures.fill_rate.values()) == {1.0}
    assert figures.out_of_range["when"] is None
    length = monitoring.distribution("flights", "codes.length", datetime.fromtimestamp(T0, UTC))
    counted = now["codes"].map(len).value_counts(normalize=True).sort_index()
    assert length.window[:-1] == pytest.approx(counted.tolist())


def test_bytes_and_dates_that_no_longer_come_are_drift(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random, year = np.random.default_rng(1), datetime(2024, 1, 1)
    train = table(random, 1000, size=400, day=year)
    experiments = Experiments(infer_signature(train, [0.5]))
    for item in experiments.inputs:
        item["required"] = False
    rows = [[row[0], None, row[2], None, row[4]] for row in requests(train.head(700))]
    log_rows(tmp_path, experiments, rows)
    monitoring = opened(project, tmp_path, experiments, monkeypatch)
    monitoring.reference("flights/1", train)
    monitoring.watch("flights")
    status = monitoring.status("flights")
    assert sorted(item.feature for item in status.drift if item.drifted) == ["photo.bytes", "when"]
    fill = monitoring.figures("flights", since=DAY).fill_rate
    assert (fill["photo.bytes"], fill["when"], fill["place"]) == (0.0, 0.0, 1.0)


def test_a_tensor_whose_name_is_a_pattern_takes_no_other_column_along() -> None:
    inputs = [
        Column("^a.*$", "tensor", spec={"dtype": "float64", "shape": [-1, 2]}),
        Column("*", "tensor", spec={"dtype": "float64", "shape": [-1, 1]}),
    ]
    rows = pl.DataFrame({"abc": [5, 6], "^a.*$": [[1.0, 2.0], [3.0, 4.0]], "*": [[7.0], [8.0]]})
    asked = TrainingData(dataset="t.a", rows=rows, inputs=inputs, of_rows=2).asked
    assert asked.columns == ["^a.*$", "*"]
    found, _ = as_logged(rows, inputs)
    assert found["abc"].to_list() == [5, 6]
    assert found.width == 4


def test_inputs_whose_names_are_patterns_have_references_like_others() -> None:
    rows = pl.DataFrame({"*": [1.0, 2.0, 3.0] * 50, "^a.*$": ["x", "y", "y"] * 50})
    inputs = [Column("*", "double"), Column("^a.*$", "string")]
    made = references.make("flights/1", *as_logged(rows, inputs)[:1], None, inputs=inputs)
    edges = {column.name: list(column.edges) for column in made.columns}
    assert edges == {"*": [1.0, 2.0, 3.0], "^a.*$": ["y", "x"]}
    levels = levels_of_inputs(rows, list(rows.columns))
    assert levels == {"*": None, "^a.*$": ["x", "y"]}
    assert encoded(rows, levels)[:2].tolist() == [[1.0, 0.0], [2.0, 1.0]]
