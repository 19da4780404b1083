"""A model that is asked what it was trained on: the log holds what it saw and said, so nothing
drifts.
"""

from __future__ import annotations

import json
from pathlib import Path

import flask
import mlflow
import numpy as np
import polars as pl
import pytest
import xgboost
from mlflow.models import infer_signature

from jupyter_mlinfra.deployments.packaging import package
from jupyter_mlinfra.deployments.payload_log import reading
from jupyter_mlinfra.monitoring.measures.drift import compare
from jupyter_mlinfra.monitoring.references import profiles as references


def train(folder: Path) -> tuple[xgboost.Booster, pl.DataFrame]:
    """One tree, so few and equal scores; one input with few values, one with many, as float32."""
    random = np.random.default_rng(1)
    frame = pl.DataFrame(
        {
            "few": random.choice([0.1, 0.2, 0.3, 0.7], 1000),
            "many": random.normal(size=1000).round(3),
        }
    ).cast(pl.Float32)
    label = (frame["few"] + frame["many"] > 0.3).cast(int).to_numpy()
    matrix = xgboost.DMatrix(frame.to_numpy(), label=label, feature_names=frame.columns)
    booster = xgboost.train(
        {"objective": "binary:logistic", "max_depth": 3, "nthread": 1}, matrix, 1
    )
    pandas = frame.to_pandas()
    requirements = [f"{module.__name__}=={module.__version__}" for module in (xgboost, np)]
    signature = infer_signature(pandas, booster.predict(matrix))
    mlflow.xgboost.save_model(
        booster,
        folder,
        signature=signature,
        input_example=pandas.head(5),
        model_format="ubj",
        pip_requirements=requirements,
    )
    return booster, frame


def test_a_model_that_is_asked_its_own_training_data_does_not_drift(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlinfra.deployments.runtime.model import Model

    booster, frame = train(tmp_path / "model")
    monkeypatch.setenv(
        "MLINFRA_BUNDLE", str(package(tmp_path / "model", tmp_path / "bundles").folder)
    )
    for name, value in {
        "DEPLOYMENT": "flights",
        "VERSION": "v1",
        "MODEL": "flights/1",
        "PAYLOADS": str(tmp_path / "log"),
    }.items():
        monkeypatch.setenv(f"MLINFRA_{name}", value)
    model = Model()
    model.load()
    # As people write them: 0.1, not 0.10000000149011612.
    decimals = frame.cast(pl.Float64).select(pl.all().round(3))
    answers: list[float] = []
    for start in range(0, frame.height, 50):
        body = {
            "data": {
                "names": frame.columns,
                "ndarray": [list(row) for row in decimals[start : start + 50].iter_rows()],
            }
        }
        with flask.Flask("test").test_request_context():
            answers += json.loads(model.predict_raw(json.dumps(body).encode()))["data"]["ndarray"]
    assert model.journal is not None
    model.journal.close()
    logged = reading.scan(tmp_path / "log")
    assert sorted(logged["prediction"]) == sorted(answers)  # to the last digit
    score = booster.predict(xgboost.DMatrix(frame.to_numpy(), feature_names=frame.columns))
    for given in (score, score.astype(float).tolist()):
        profile = references.make("flights/1", frame, given)
        assert profile.score is not None
        for column, values in [
            (profile.score, logged["prediction"]),
            *((column, logged[column.name]) for column in profile.columns),
        ]:
            found = compare(column, values, threshold=0.2)
            assert found.ks is not None
            assert (column.name, found.psi.value, found.ks.value) == (column.name, 0.0, 0.0)
