"""Training with XGBoost: the same answers wherever the model is asked, and a model that needs no
pickle.
"""

from __future__ import annotations

import contextlib
import json
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import xgboost

from jupyter_mlinfra.core.errors import BadRequest, Conflict
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.training import XGBoostProgress, train_xgboost

PARAMETERS = {
    "objective": "binary:logistic",
    "eval_metric": ["logloss", "auc"],
    "max_depth": 4,
    "eta": 0.3,
    "subsample": 0.7,
    "nthread": 1,
}


def made_up(rows: int, seed: int) -> tuple[pl.DataFrame, pl.Series]:
    """Late flights of a simple world: wind and one carrier make them late; a third of the
    temperatures is missing.
    """
    random = np.random.default_rng(seed)
    frame = pl.DataFrame(
        {
            "wind": random.normal(10, 5, rows),
            "hour": random.integers(0, 24, rows),
            "night": random.random(rows) < 0.3,
            "carrier": random.choice(["UA", "B6", "éÅ"], rows),
            "temp": random.normal(50, 20, rows),
            "plane": random.integers(1, 9, rows),
        }
    ).with_columns(
        temp=pl.when(pl.col("temp") > 60).then(None).otherwise("temp"),
        plane=pl.when(pl.col("plane") == 3).then(None).otherwise("plane"),
    )
    odds = 0.3 * (frame["wind"] - 12) + 2.0 * (frame["carrier"] == "éÅ").cast(pl.Float64)
    return frame, (odds.to_numpy() + random.logistic(size=rows) > 0).astype(int)


LEARN, TUNE = made_up(3000, 1), made_up(1000, 2)


@pytest.fixture(scope="module")
def trained():
    return train_xgboost(*LEARN, *TUNE, parameters=PARAMETERS, rounds=300, early_stopping_rounds=5)


def test_early_stopping_keeps_the_best_round_and_only_it(trained):
    curve = trained.history["tune_auc"]
    assert trained.best_round == int(np.argmax(curve))
    assert len(curve) == trained.best_round + 1 + 5
    assert trained.booster.num_boosted_rounds() == trained.best_round + 1
    assert trained.booster.best_iteration == trained.best_round
    assert roc_auc(TUNE[1], trained.predict(TUNE[0])) == pytest.approx(max(curve), abs=1e-5)


def roc_auc(label, scores) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(label, scores))


def test_the_booster_equals_one_trained_by_plain_xgboost_on_pandas(trained):
    """Another door to the same library: pandas categoricals instead of our encoding."""

    def frame(data):
        plain = data.to_pandas()
        plain["carrier"] = plain["carrier"].astype("category")
        return plain.astype({name: float for name in plain.columns if name != "carrier"})

    learn = xgboost.QuantileDMatrix(frame(LEARN[0]), LEARN[1], enable_categorical=True)
    plain = xgboost.train({**PARAMETERS, "seed": 0}, learn, trained.best_round + 1)
    expected = plain.predict(xgboost.DMatrix(frame(TUNE[0]), enable_categorical=True))
    np.testing.assert_array_equal(trained.predict(TUNE[0]), expected)


def test_a_pandas_frame_is_predicted_as_the_polars_frame_is(trained):
    expected = trained.predict(TUNE[0])
    np.testing.assert_array_equal(trained.predict(TUNE[0].to_pandas()), expected)


def test_the_same_seed_gives_the_same_model_and_another_seed_another(trained):
    again = train_xgboost(*LEARN, *TUNE, parameters=PARAMETERS, rounds=300, early_stopping_rounds=5)
    other = train_xgboost(
        *LEARN, *TUNE, parameters={**PARAMETERS, "seed": 7}, rounds=300, early_stopping_rounds=5
    )
    assert again.booster.save_raw("ubj") == trained.booster.save_raw("ubj")
    assert other.booster.save_raw("ubj") != trained.booster.save_raw("ubj")


def test_columns_know_their_types_gaps_and_categories(trained):
    assert [(column.name, column.kind, column.optional) for column in trained.columns] == [
        ("wind", "double", True),
        ("hour", "long", False),
        ("night", "boolean", False),
        ("carrier", "string", False),
        ("temp", "double", True),
        ("plane", "double", True),
    ]
    assert trained.columns[3].categories == ("B6", "UA", "éÅ")
    assert trained.names == tuple(LEARN[0].columns)


def test_the_order_of_columns_and_further_ones_do_not_matter_to_predict(trained):
    mixed = TUNE[0].select(reversed(TUNE[0].columns)).with_columns(extra=pl.lit("x"))
    np.testing.assert_array_equal(trained.predict(mixed), trained.predict(TUNE[0]))


def test_a_text_never_seen_counts_as_missing(trained):
    rows = TUNE[0].head(50)
    unknown = trained.predict(rows.with_columns(carrier=pl.lit("ZZ")))
    missing = trained.predict(rows.with_columns(carrier=pl.lit(None, dtype=pl.String)))
    np.testing.assert_array_equal(unknown, missing)


@pytest.mark.parametrize("name", ["carrier", "wind", "night"])
def test_a_column_without_any_value_is_missing_whatever_it_was_trained_on(trained, name):
    """A frame built from records that all lack it has no type for it."""
    rows = TUNE[0].head(50)
    typed = rows.with_columns(pl.lit(None, dtype=rows.schema[name]).alias(name))
    untyped = rows.with_columns(pl.lit(None).alias(name))
    assert untyped.schema[name] == pl.Null
    np.testing.assert_array_equal(trained.predict(untyped), trained.predict(typed))


def test_categorical_and_enum_columns_are_texts_too(trained):
    for dtype in (pl.Categorical, pl.Enum(["éÅ", "UA", "B6"])):
        np.testing.assert_array_equal(
            trained.predict(TUNE[0].cast({"carrier": dtype})), trained.predict(TUNE[0])
        )


def test_a_matrix_without_names_is_trained_and_asked_alike():
    inputs = LEARN[0].select("wind", "temp").to_numpy()
    trained = train_xgboost(inputs, LEARN[1], parameters=PARAMETERS, rounds=5)
    assert trained.names == ("f0", "f1")
    assert [column.optional for column in trained.columns] == [True, True]
    assert trained.best_round == 4
    plain = xgboost.train({**PARAMETERS, "seed": 0}, xgboost.QuantileDMatrix(inputs, LEARN[1]), 5)
    np.testing.assert_array_equal(trained.predict(inputs), plain.predict(xgboost.DMatrix(inputs)))


BAD = {
    "columns that the model has not": (lambda t: t.predict(TUNE[0].drop("wind")), "no column wind"),
    "a text for a number": (
        lambda t: t.predict(TUNE[0].with_columns(wind=pl.lit("strong"))),
        "Column wind has another type",
    ),
    "a number for a text": (
        lambda t: t.predict(TUNE[0].with_columns(carrier=pl.lit(1))),
        "Column carrier has another type",
    ),
    "more labels than rows": (lambda t: train(label=LEARN[1][:-1]), "3000 rows and 2999 labels"),
    "no rows": (lambda t: train(inputs=LEARN[0].head(0), label=LEARN[1][:0]), "0 rows"),
    "labels that are missing": (
        lambda t: train(label=pl.Series([None, None, *LEARN[1][2:].tolist()])),
        "2 training rows have no label",
    ),
    "labels that are texts": (lambda t: train(label=pl.Series(["a"] * 3000)), "label is String"),
    "times among the inputs": (
        lambda t: train(inputs=LEARN[0].with_columns(at=pl.datetime(2013, 1, 1))),
        "Column at cannot be an input",
    ),
    "other columns for tuning": (
        lambda t: train(tune_inputs=TUNE[0].drop("hour"), tune_label=TUNE[1]),
        "no column hour",
    ),
    "early stopping without tuning data": (
        lambda t: train(early_stopping_rounds=3),
        "needs tuning data",
    ),
    "no rounds": (lambda t: train(rounds=0), "rounds=0"),
    "a cube": (lambda t: train(inputs=np.zeros((2, 2, 2))), "3 dimensions"),
}


def train(**changes):
    return train_xgboost(
        **{"inputs": LEARN[0], "label": LEARN[1], "parameters": PARAMETERS, "rounds": 2, **changes}
    )


@pytest.mark.parametrize("case", BAD)
def test_data_that_do_not_fit_are_refused_in_words(case, trained):
    act, words = BAD[case]
    with pytest.raises(BadRequest, match=words) as caught:
        act(trained)
    assert caught.value.what


def test_a_job_with_a_gpu_trains_on_it(monkeypatch: pytest.MonkeyPatch):
    seen: list[str] = []
    monkeypatch.setattr("jupyter_mlinfra.training.devices._can_use_gpus", lambda library: True)
    monkeypatch.setattr(
        xgboost,
        "train",
        lambda settings, *_, **__: seen.append(settings["device"]) or xgboost.Booster(),
    )
    for job, gpus in (("1", "GPU-1"), ("1", ""), ("", "0")):
        monkeypatch.setenv("MLINFRA_JOB", job)
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", gpus)
        with pytest.raises((BadRequest, xgboost.core.XGBoostError)):
            train()
    assert seen == ["cuda", "cpu", "cpu"]


def test_the_callback_reports_each_round_to_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "cell.json"
    monkeypatch.setenv("MLINFRA_PROGRESS", str(path))
    monkeypatch.setattr("jupyter_mlinfra.training.curves.REPORT_SECONDS", 0.0)
    seen: list[dict] = []

    class Reader(xgboost.callback.TrainingCallback):
        def after_iteration(self, model, epoch, evals_log):
            seen.append(json.loads(path.read_text()))
            return False

    matrix = xgboost.QuantileDMatrix(LEARN[0].select("wind").to_numpy(), LEARN[1])
    xgboost.train(
        {"objective": "binary:logistic"},
        matrix,
        4,
        evals=[(matrix, "learn")],
        verbose_eval=False,
        callbacks=[XGBoostProgress(4), Reader()],
    )
    assert [item["fraction"] for item in seen] == [0.25, 0.5, 0.75, 1.0]
    assert seen[1]["text"].startswith("round 2 of at most 4: learn_logloss 0.")
    assert json.loads(path.read_text()) == {"fraction": 1.0, "text": "4 rounds"}


@pytest.mark.parametrize("times", [2, 99], ids=["for a while", "for good"])
def test_a_tracking_store_that_is_away_at_the_end_costs_no_training(
    times: int, project: Project, monkeypatch: pytest.MonkeyPatch
):
    import mlflow
    from mlflow.exceptions import MlflowException

    from jupyter_mlinfra.training import curves

    monkeypatch.setattr(curves, "RETRY_SECONDS", (0.0, 0.0, 0.0))
    mlflow.set_tracking_uri(f"sqlite:///{project.root / 'mlflow.db'}")
    real, left = mlflow.MlflowClient.log_batch, [times]

    def away(self, run_id, metrics=(), *words, **more):
        if metrics and left[0]:
            left[0] -= 1
            raise MlflowException("The store is away.")
        return real(self, run_id, metrics, *words, **more)

    monkeypatch.setattr(mlflow.MlflowClient, "log_batch", away)
    warned = (
        pytest.warns(UserWarning, match="20 points of the curves")
        if times > 4
        else contextlib.nullcontext()
    )
    with mlflow.start_run() as run, warned:
        found = train_xgboost(*LEARN, parameters=PARAMETERS, rounds=10)
    assert found.best_round == 9
    assert len(found.history["learn_auc"]) == 10
    logged = mlflow.MlflowClient().get_metric_history(run.info.run_id, "learn_auc")
    assert len(logged) == (10 if times == 2 else 0)


def test_a_logged_model_holds_no_pickle_states_its_inputs_and_answers_the_same(
    trained, project: Project
):
    import mlflow

    from jupyter_mlinfra.experiments import Experiments

    experiments = Experiments(project)
    with experiments.track("flights") as run:
        logged = train_xgboost(
            *LEARN, *TUNE, parameters=PARAMETERS, rounds=300, early_stopping_rounds=5
        )
        uri = logged.log_model(sample=TUNE[0].head(5))
        with pytest.raises(Conflict, match="already has other parameters"):
            train_xgboost(*LEARN, parameters={**PARAMETERS, "max_depth": 2}, rounds=1)
    shown = experiments.show(run.id)
    assert shown.params["max_depth"] == "4"
    assert shown.params["rows"] == "3000"
    assert experiments.curves(run.id, "tune_auc").total == len(logged.history["tune_auc"]), (
        "a point for each round"
    )

    folder = Path(mlflow.artifacts.download_artifacts(uri))
    files = {path.name for path in folder.rglob("*") if path.is_file()}
    assert "model.ubj" in files
    assert not {name for name in files if name.endswith((".pkl", ".pickle", ".joblib"))}
    assert f"xgboost=={xgboost.__version__}" in (folder / "requirements.txt").read_text()
    columns = {column.name: column for column in mlflow.models.get_model_info(uri).signature.inputs}
    assert {name: (str(column.type), column.required) for name, column in columns.items()} == {
        "wind": ("DataType.double", False),
        "hour": ("DataType.long", True),
        "night": ("DataType.boolean", True),
        "carrier": ("DataType.string", True),
        "temp": ("DataType.double", False),
        "plane": ("DataType.double", False),
    }

    loaded = mlflow.xgboost.load_model(uri)
    asked = replace(trained, booster=loaded).predict(TUNE[0])
    np.testing.assert_array_equal(asked, trained.predict(TUNE[0]))
    assert loaded.num_boosted_rounds() == trained.best_round + 1, (
        "a server that uses all trees uses the best ones"
    )
    assert experiments.register(run.id, model="flights").version == 1


@pytest.mark.parametrize("texts", [True, False])
def test_logging_a_model_warns_of_nothing_that_its_user_could_not_mend(
    project: Project, texts: bool
):
    from jupyter_mlinfra.experiments import Experiments

    said: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    inputs = LEARN[0] if texts else LEARN[0].drop("carrier")
    with Experiments(project).track("flights"):
        trained = train_xgboost(inputs, LEARN[1], parameters=PARAMETERS, rounds=2)
        logging.getLogger("mlflow").addHandler(handler)
        try:
            trained.log_model(sample=inputs.head(5))
        finally:
            logging.getLogger("mlflow").removeHandler(handler)
    assert said == []


def test_the_serving_runtime_finds_the_categories_in_the_model(trained):
    from jupyter_mlinfra.deployments.runtime.categories import with_categories
    from jupyter_mlinfra.deployments.runtime.contract import Column, MatrixContract

    booster = xgboost.Booster(model_file=bytearray(trained.booster.save_raw("ubj")))
    columns = with_categories(
        [Column(column.name, column.kind, column.optional) for column in trained.columns], booster
    )
    booster.feature_names = booster.feature_types = None
    rows = json.loads(json.dumps([list(row) for row in TUNE[0].head(100).rows()]))
    batch = MatrixContract(columns).from_rows(rows, list(trained.names))
    answers = booster.inplace_predict(batch.matrix, validate_features=False)
    np.testing.assert_array_equal(answers, trained.predict(TUNE[0].head(100)))


def test_a_run_without_a_model_is_told_apart(trained):
    with pytest.raises(Conflict, match="no run to log the model to"):
        trained.log_model(sample=TUNE[0].head(5))


def test_inputs_whose_names_are_patterns_are_inputs_like_others():
    odd = dict(zip(LEARN[0].columns, ("*", "^c$", "a1", "^a.*$", "^.*$", "c"), strict=True))
    learn, tune = LEARN[0].rename(odd), TUNE[0].rename(odd)
    found = train_xgboost(learn, LEARN[1], parameters=PARAMETERS, rounds=5)
    right = train_xgboost(LEARN[0], LEARN[1], parameters=PARAMETERS, rounds=5)
    assert found.names == tuple(odd.values())
    assert np.array_equal(found.predict(tune), right.predict(TUNE[0]))
