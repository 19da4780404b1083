"""A model without input_example is asked with a row that it takes, or the cause is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_mlinfra.core.errors import Unprocessable
from jupyter_mlinfra.deployments.client import Answer
from jupyter_mlinfra.deployments.lightgbm_file import pandas_categories
from jupyter_mlinfra.deployments.logged import read_document
from jupyter_mlinfra.deployments.packaging import package
from jupyter_mlinfra.deployments.row_test import RowTest
from jupyter_mlinfra.deployments.runtime import engine
from jupyter_mlinfra.deployments.servable import unservable
from jupyter_mlinfra.deployments.xgboost_file import first_categories

FRAME = pd.DataFrame(
    {
        "distance": np.arange(20.0),
        "origin": pd.Categorical(["É", "LGA", "JFK", "EWR"] * 5),
        "carrier": pd.Categorical(["UA", "AA"] * 10),
    }
)
TARGET = np.arange(20.0)
REQUIREMENTS = ["pandas"]


def xgboost_model(folder: Path, model_format: str) -> None:
    import mlflow
    import xgboost

    booster = xgboost.train(
        {"max_depth": 2, "nthread": 1},
        xgboost.DMatrix(FRAME, TARGET, enable_categorical=True),
        2,
    )
    mlflow.xgboost.save_model(
        booster,
        folder,
        model_format=model_format,
        signature=mlflow.models.infer_signature(FRAME.astype({"origin": str, "carrier": str})),
        pip_requirements=REQUIREMENTS,
    )


def lightgbm_model(folder: Path, _: str) -> None:
    import lightgbm
    import mlflow

    options = {"verbose": -1, "num_threads": 1, "min_data_in_leaf": 1}
    mlflow.lightgbm.save_model(
        lightgbm.train(options, lightgbm.Dataset(FRAME, TARGET), 2),
        folder,
        signature=mlflow.models.infer_signature(FRAME.astype({"origin": str, "carrier": str})),
        pip_requirements=REQUIREMENTS,
    )


@pytest.mark.parametrize(
    ("save", "form"),
    [(xgboost_model, "ubj"), (xgboost_model, "json"), (lightgbm_model, "txt")],
    ids=["xgboost ubj", "xgboost json", "lightgbm"],
)
def test_a_made_up_row_has_categories_that_the_model_knows(
    save: Any, form: str, tmp_path: Path
) -> None:
    save(tmp_path / "model", form)
    bundle = package(tmp_path / "model", tmp_path / "bundles")
    assert bundle.sample["made_up"] is True
    assert bundle.sample["ndarray"] == [[0, "EWR", "AA"]]
    loaded = engine.load(engine.Packaged.of(bundle.folder))
    batch = loaded.contract.from_rows(bundle.sample["ndarray"], bundle.sample["names"])
    assert len(next(iter(loaded.predict(batch).values()))) == 1


@pytest.mark.parametrize("codes", [[10, 20], [False, True]], ids=["numbers", "truth values"])
def test_categories_that_are_no_texts_are_refused_before_anything_is_built(
    codes: list[Any], tmp_path: Path
) -> None:
    import lightgbm
    import mlflow

    frame = pd.DataFrame({"a": np.arange(20.0), "c": pd.Categorical(codes * 10)})
    plain = frame.astype({"c": type(codes[0])})
    options = {"verbose": -1, "num_threads": 1, "min_data_in_leaf": 1}
    mlflow.lightgbm.save_model(
        lightgbm.train(options, lightgbm.Dataset(frame, TARGET), 2),
        tmp_path / "model",
        signature=mlflow.models.infer_signature(plain),
        pip_requirements=REQUIREMENTS,
    )
    with pytest.raises(Exception, match="categorical_feature do not match"):
        mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(plain)
    with pytest.raises(Unprocessable, match="do not fit its signature") as refused:
        package(tmp_path / "model", tmp_path / "bundles")
    assert f"One has {codes[0]}, {codes[1]}, which are no texts." in refused.value.why
    # The same on its page, before anybody deploys it.
    document = read_document(tmp_path / "model")
    assert unservable(document, tmp_path / "model") == refused.value.why
    assert unservable(document) == ""  # nobody can know without its files


def test_categories_are_read_from_the_last_line_alone(tmp_path: Path) -> None:
    file = tmp_path / "model.lgb"
    long = [f"category {number}" for number in range(20_000)]  # over several blocks
    for text, right in (
        (f"tree\n{'x' * 200_000}\npandas_categorical:{json.dumps([long])}\n\n", [long]),
        ('pandas_categorical:[["a"]]\nparameters\n', []),
        ("\npandas_categorical:null\n", []),
        ("\npandas_categorical:[[", []),
        ("", []),
    ):
        file.write_text(text)
        assert pandas_categories(file) == right


def test_a_file_that_says_nothing_of_categories_gives_none(tmp_path: Path) -> None:
    for name, data in (("m.ubj", b"{L"), ("m.json", b"[]"), ("cut.json", b'{"learner": {}}')):
        (tmp_path / name).write_bytes(data)
        assert first_categories(tmp_path / name) == ([], [])


@pytest.mark.parametrize("made_up", [True, False])
def test_a_made_up_row_that_is_refused_is_said_to_be_one(made_up: bool) -> None:
    refused = Answer(400, "v1", {"what": "Column origin has an unknown category in row 1."}, 1.0)
    test = RowTest("v1", lambda *_: refused, list)
    sample = {"names": ["origin"], "ndarray": [[""]], **({"made_up": True} if made_up else {})}
    said = test.gate(sample).measured
    assert ("Log it with input_example=" in said) is made_up
    assert "unknown category" in said
