"""Several answers of a model: each is measured apart, and so is the class that they are for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from jupyter_mlinfra.core.errors import NotFound
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments import Part
from jupyter_mlinfra.monitoring import Monitoring
from jupyter_mlinfra.monitoring.hours import recording
from jupyter_mlinfra.monitoring.hours.hourly import OUTPUT, points_of
from jupyter_mlinfra.monitoring.hours.recording import Plan, gather
from jupyter_mlinfra.monitoring.hours.series import SeriesStore
from jupyter_mlinfra.monitoring.labels.classes import codes_of
from jupyter_mlinfra.monitoring.measures import shifting
from jupyter_mlinfra.monitoring.measures.answers import output_columns, outputs_of
from jupyter_mlinfra.monitoring.references import labelled
from jupyter_mlinfra.monitoring.references import profiles as references
from jupyter_mlinfra.workbench import Workbench
from tests.monitoring.logs import HOUR, Logged, answered, set_now, write_journal

T0 = 1_764_000_000 // HOUR * HOUR
NOW = datetime.fromtimestamp(T0 + HOUR + 1800, UTC)
NAMES = ["bird", "cat", "dog"]


class Experiments:
    def __init__(self, *datasets: str) -> None:
        self.datasets = datasets

    def version(self, ref: str) -> Any:
        return SimpleNamespace(model="flights", version=1, datasets=self.datasets)

    def signature(self, ref: str) -> Any:
        return {"inputs": [{"name": "x", "type": "double"}], "outputs": []}

    def download(self, ref: str) -> Path:
        raise NotFound(f"The files of {ref} are gone.")


def logged(version: str, outputs: np.ndarray) -> pl.DataFrame:
    """Rows of one version as the log has them."""
    answers = {f"prediction_{n}" if n else "prediction": row for n, row in enumerate(outputs.T)}
    facts = {"row": 0, "version": version, "status": 200, "latency_ms": 2.5, "x": 0.5}
    moment = pl.lit(datetime.fromtimestamp(T0 + 60, UTC)).alias("ts")
    return pl.DataFrame(answers).with_columns(moment, **{k: pl.lit(v) for k, v in facts.items()})


def watched(
    project: Project,
    folder: Path,
    outputs: np.ndarray,
    trained: np.ndarray,
    patch: pytest.MonkeyPatch,
    *,
    answers: str = "probabilities",
    names: Any = NAMES,
) -> Monitoring:
    """A deployment that gave these answers; its reference was made by asking it for the others."""
    set_now(patch, NOW)
    patch.setattr("jupyter_mlinfra.monitoring.service.now", lambda: NOW)
    entries = [
        answered(T0 + place * HOUR / len(outputs), f"r{place}", [[0.5]], [row.tolist()])
        for place, row in enumerate(outputs)
    ]
    write_journal(folder, T0, entries, names=["x"], types=["double"])
    bench = Workbench(project)
    bench.catalog.write(pl.DataFrame({"x": np.full(len(trained), 0.5)}), into="flights.training")
    log = Logged(folder, {"v1": 100}, answers=answers)

    def predict(self: Any, name: str, rows: Any, *, version: str, logged: bool) -> Any:
        return SimpleNamespace(predictions=trained[: rows.height].tolist(), names=names)

    patch.setattr(Logged, "predict", predict, raising=False)
    found = bench.catalog.dataset("flights.training").ref
    monitoring = Monitoring(project, log, Experiments(found))  # type: ignore[arg-type]
    monitoring.watch("flights")
    monitoring.backfill("flights")
    return monitoring


def test_a_shift_to_another_class_is_seen_in_its_probability_and_in_the_predicted_classes(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From dogs to cats; the first output, of birds, stays as it was."""
    random = np.random.default_rng(1)
    birds = random.uniform(0, 0.2, 500)
    rest = (1 - birds) * random.uniform(0.55, 0.95, 500)
    trained = np.column_stack([birds, 1 - birds - rest, rest])
    outputs = trained[:, [0, 2, 1]]
    monitoring = watched(project, tmp_path, outputs, trained, monkeypatch)
    figures = monitoring.figures("flights", since=timedelta(days=1))
    assert figures.scores
    assert (figures.scores.psi or 0) < 0.01
    assert {name: (item.psi or 0) > 1 for name, item in figures.outputs.items()} == {
        "bird": False,
        "cat": True,
        "dog": True,
    }
    assert figures.outputs["cat"].mean == pytest.approx(outputs[:, 1].mean())
    assert figures.predicted
    assert figures.predicted.before
    assert (figures.predicted.shares["cat"], figures.predicted.before["dog"]) == (1.0, 1.0)
    assert (figures.predicted.psi or 0) > 1
    status = monitoring.status("flights")
    assert [item.feature for item in status.outputs if item.drifted] == ["cat", "dog"]
    assert status.predicted
    assert status.predicted.drifted
    points = monitoring.series("flights", metric="output_psi", feature="cat").items
    assert max(point.value or 0 for point in points) > 1
    assert any(point.value for point in monitoring.series("flights", metric="class_psi").items)
    begun = datetime.fromtimestamp(T0, UTC)
    seen = monitoring.distribution("flights", "prediction.class", begun)
    assert dict(zip(seen.edges, seen.window, strict=False)) == {"bird": 0, "cat": 1, "dog": 0}


def test_of_several_values_each_is_measured_and_labels_are_said_to_be_of_the_first(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(1)
    trained = random.normal(size=(500, 2))
    monitoring = watched(
        project,
        tmp_path,
        trained + np.asarray([0, 3]),
        trained,
        monkeypatch,
        answers="values",
        names=["t:0", "t:1"],
    )
    figures = monitoring.figures("flights", since=timedelta(days=1))
    assert [(item.psi or 0) > 1 for item in figures.outputs.values()] == [False, True]
    assert [*figures.outputs] == ["0", "1"], "Seldon's t:0 is no name"
    assert figures.predicted is None
    assert "of the first output" in figures.reasons["performance.outputs"]


def test_feedback_of_several_outputs_is_of_the_outputs_of_its_rows(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers of over a million: no digit of the truth may be lost."""
    given = np.column_stack([1_234_567.0 + np.arange(4), 10.0 * np.arange(4)])
    true = given + np.asarray([[1, 5], [2, 6], [3, 7], [4, 8]])
    monitoring = watched(
        project, tmp_path, given, given, monkeypatch, answers="values", names=["price", "volume"]
    )
    at = T0 + HOUR
    entries = [
        {"k": "f", "id": f"r{place}", "ts": at + place, "truth": [row]}
        for place, row in enumerate(true.tolist())
    ]
    write_journal(tmp_path, at, entries, names=["x"], types=["double"], pid=99)
    monitoring._take_feedback(monitoring.monitor("flights"))
    real = monitoring.figures("flights", since=timedelta(days=1)).performance.real
    assert real
    assert (real.metrics["mae"], real.rows) == (2.5, 4)
    assert {name: (item.metrics["mae"], item.rows) for name, item in real.outputs.items()} == {
        "price": (2.5, 4),
        "volume": (6.5, 4),
    }


def test_feedback_of_more_values_than_outputs_are_measured_is_refused_and_holds_up_nothing(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = np.arange(8.0).reshape(4, 2)
    monitoring = watched(
        project, tmp_path, given, given, monkeypatch, answers="values", names=["price", "volume"]
    )
    at = T0 + HOUR
    told = {"r0": [[1.0, 2.0]], "r1": [[0.5] * 300], "r2": [[0.5, "high"]]}
    entries = [{"k": "f", "id": id, "ts": at, "truth": truth} for id, truth in told.items()]
    write_journal(tmp_path, at, entries, names=["x"], types=["double"], pid=99)
    monitoring._record(monitoring.monitor("flights"))
    refused = SeriesStore(project).unjoined("flights").refused()
    assert dict(refused.select("request_id", "why").iter_rows()) == {
        "r1": "300 labels of one row; at most 50 outputs are measured",
        "r2": "the label of an output is no number: high",
    }
    real = monitoring.figures("flights", since=timedelta(days=1)).performance.real
    assert real
    assert {name: item.rows for name, item in real.outputs.items()} == {"price": 1, "volume": 1}


def test_feedback_that_cannot_be_joined_is_tried_once_and_the_hours_are_recorded(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = np.arange(8.0).reshape(4, 2)
    monitoring = watched(project, tmp_path, given, given, monkeypatch, answers="values")
    at = T0 + HOUR
    entries = [{"k": "f", "id": "r0", "ts": at, "truth": [[1.0, 2.0]]}]
    write_journal(tmp_path, at, entries, names=["x"], types=["double"], pid=99)
    store = SeriesStore(project)
    store.forget("flights", hours := list(store.recorded("flights")))
    with monkeypatch.context() as patch:
        patch.setattr("jupyter_mlinfra.monitoring.labels.joining._keep", lambda *_: 1 / int("x"))
        with pytest.raises(ValueError, match="invalid literal"):
            monitoring._record(monitoring.monitor("flights"))
        assert list(store.recorded("flights")) == hours
        monitoring._record(monitoring.monitor("flights"))


def test_labels_of_each_output_measure_each(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(1)
    given, true = random.normal(size=(60, 2)), random.normal(size=(60, 2))
    monitoring = watched(
        project, tmp_path, given, given, monkeypatch, answers="values", names=["price", "volume"]
    )
    rows: list[dict[str, Any]] = [
        {"request_id": f"r{place}", "label.price": price, "label.volume": volume}
        for place, (price, volume) in enumerate(true[:59].tolist())
    ]
    for row in rows[50:]:
        del row["label.volume"]
    rows.append({"request_id": "r0", "label.volume": rows[0].pop("label.volume")})
    other = [
        {"request_id": "r59", "label.weight": 1},
        {"request_id": "r2", "label.price": "dear", "label.volume": 1},
    ]
    report = monitoring.labels("flights", [*rows, *other])
    assert (report.joined, report.bad) == (59, 2)
    assert report.bad_rows == [
        "row 61: none of the outputs price, volume: weight",
        "row 62: the label of an output is no number: dear",
    ]
    wrong = abs(given - true)[:59]

    def measured() -> Any:
        figures = monitoring.figures("flights", since=timedelta(days=1))
        assert "performance.outputs" not in figures.reasons
        assert figures.performance.real
        return figures.performance.real

    real = measured()
    assert real.metrics["mae"] == pytest.approx(wrong[:, 0].mean())
    assert {name: item.rows for name, item in real.outputs.items()} == {"price": 59, "volume": 50}
    assert real.outputs["volume"].metrics["mae"] == pytest.approx(wrong[:50, 1].mean())
    assert real.outputs["volume"].metrics["rmse"] == pytest.approx(
        (wrong[:50, 1] ** 2).mean() ** 0.5
    )
    hourly = monitoring.series(
        "flights", metric="performance_output.mae", feature="volume", since=timedelta(hours=3)
    )
    assert [point.value for point in hourly.items if point.rows] == [
        pytest.approx(wrong[:50, 1].mean())
    ]
    late = [{"request_id": f"r{place}", "label.volume": true[place, 1]} for place in range(50, 59)]
    assert monitoring.labels("flights", [*late, {"request_id": "r0", "label": 7}]).replaced == 10
    wrong[0, 0] = abs(given[0, 0] - 7)
    real = measured()
    assert real.outputs["volume"].metrics["mae"] == pytest.approx(wrong[:, 1].mean())
    assert real.outputs["price"].metrics == real.metrics
    assert real.metrics["mae"] == pytest.approx(wrong[:, 0].mean()), "labels of others stay"


def test_labels_of_an_earlier_version_are_of_the_first_output_beside_later_ones_of_others(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour of an earlier version has no column `labels`."""
    given = np.random.default_rng(1).normal(size=(20, 2))
    names = ["price", "volume"]
    monitoring = watched(
        project, tmp_path, given, given, monkeypatch, answers="values", names=names
    )
    first = [{"request_id": f"r{place}", "label": place} for place in range(20)]
    monitoring.labels("flights", first)
    for file in SeriesStore(project).files("flights", "labels"):
        pl.read_parquet(file).drop("labels").write_parquet(file)
    later = [{"request_id": f"r{place}", "label.volume": 3.0} for place in range(12)]
    monitoring.labels("flights", later)
    real = monitoring.figures("flights", since=timedelta(days=1)).performance.real
    assert real
    assert {name: item.rows for name, item in real.outputs.items()} == {"price": 20, "volume": 12}
    wrong = abs(given[:, 0] - np.arange(20))
    assert real.outputs["price"].metrics["mae"] == pytest.approx(wrong.mean())


def test_a_version_with_more_outputs_leaves_those_of_another_as_they_are() -> None:
    """Two versions in one file of the log, of 2 and of 3 outputs: rows of the first have no value
    in the third column.
    """
    answers = {"v1": np.random.default_rng(1).dirichlet([1, 1], 400)}
    answers["v2"] = np.random.default_rng(2).dirichlet([1, 1, 1], 400)
    made = {
        version: references.with_score(
            references.make(f"flights/{version[1:]}", pl.DataFrame({"x": [0.5] * 400}), None),
            given,
            NAMES[: given.shape[1]],
        )
        for version, given in answers.items()
    }
    rows = pl.concat([logged(version, given) for version, given in answers.items()], how="diagonal")
    log = SimpleNamespace(payload_parts=lambda *_, **__: [Part(rows=rows)])
    plan = Plan(
        deployment="flights",
        segments=(),
        answers="probabilities",
        reference=made.get,
        digest=lambda version: version,
    )
    found = gather(log, plan, T0, T0 + HOUR).sketches
    assert {column for version, _, column in found if version == "v1" and "output" in column} == {
        f"{OUTPUT}bird",
        f"{OUTPUT}cat",
    }
    points = points_of(found, plan, start=T0, end=T0 + HOUR)
    psi = {item.labels["version"]: item.value for item in points if item.metric == "class_psi"}
    assert psi == {"v1": pytest.approx(0), "v2": pytest.approx(0)}
    for version, given in answers.items():
        own = rows.filter(pl.col("version") == version)
        assert len(output_columns(own)) == len(made[version].outputs)  # what a status goes by
        assert outputs_of(own).tolist() == given.tolist()  # what is kept of labelled rows


def test_labelled_rows_of_two_outputs_may_be_kept_with_an_empty_third_one() -> None:
    """As they were kept before; of later hours the empty one is left out."""
    kept = [[0.25, 0.75, float("nan")], [0.5, 0.5]]
    rows = pl.DataFrame({"outputs": kept, "label": [1.0, 0.0], "text": ["1", "0"]})
    outputs, labels, _ = codes_of(rows, (), "probabilities")
    assert (outputs.tolist(), labels.tolist()) == ([[0.25, 0.75], [0.5, 0.5]], [1.0, 0.0])


def test_inputs_that_are_answers_of_other_models_are_inputs(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stacked model of two probabilities and a text, of which one class of two is answered."""
    names = ["prediction_1", "prediction_2", "prediction_of", "x"]
    given = [[0.25, 0.75, 3.0, 4.0], [0.5, 0.5, 5.0, 6.0]]
    entries = [answered(T0 + n, f"r{n}", [row], [0.5 + n / 4]) for n, row in enumerate(given)]
    write_journal(tmp_path, T0, entries, names=names)
    rows = Logged(tmp_path).payloads("flights")
    assert outputs_of(rows).tolist() == [[0.5], [0.75]]
    assert output_columns(rows) == []
    sketched = {name: item.mean for name, item in recording._columns(rows, None, 50)}
    assert sketched.pop(".score") == 0.625
    assert sketched == {"prediction_1": 0.375, "prediction_2": 0.625, "prediction_of": 4, "x": 5}

    random = np.random.default_rng(1)
    known = pl.DataFrame(random.random((200, 4)), schema=names)
    made = references.make("flights/1", known, None, made_from="a", inputs=[])
    path = references.path_of(project, "flights/1")
    path.parent.mkdir(parents=True, exist_ok=True)
    answers = known.rename({name: f"input.{name}" for name in names[:2]}).with_columns(
        prediction=pl.Series(random.random(200))
    )
    truth = pl.Series(random.integers(0, 2, 200))
    labelled.learned(made, path, answers, names, truth, "probabilities")
    asked = dict[str, Any]()

    def pape(*matrices: np.ndarray) -> dict[str, float]:
        asked["inputs"], asked["given"] = matrices[0], matrices[1]
        return {}

    monkeypatch.setattr(shifting, "pape", pape)
    assert not isinstance(labelled.estimated_under_shift(path, answers), str)
    assert asked["inputs"].tolist() == known.to_numpy().tolist()
    assert asked["given"][:, 1].tolist() == answers["prediction"].to_list()
