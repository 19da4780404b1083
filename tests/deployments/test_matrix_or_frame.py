"""A scikit-learn model gets a matrix only where it cannot tell it from a frame; its answers are
those of its own pyfunc.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_mlinfra.deployments import own_answers
from jupyter_mlinfra.deployments.packaging import package
from jupyter_mlinfra.deployments.runtime import engine
from jupyter_mlinfra.deployments.runtime.contract import Column, MatrixContract
from jupyter_mlinfra.deployments.runtime.refusal import RequestRefused

STORES = np.arange(100, 140)


def as_text(values: Any) -> Any:
    return np.asarray(values).astype(str)


def texts_of(**columns: Any) -> tuple[Any, pd.DataFrame]:
    """A pipeline that makes texts of the first column's codes, fitted to all of it."""
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

    frame = pd.DataFrame(columns)
    codes = make_pipeline(FunctionTransformer(as_text), OneHotEncoder(handle_unknown="ignore"))
    first = codes if frame.shape[1] == 1 else ColumnTransformer([("codes", codes, [0])])
    target = (frame.iloc[:, 0].astype(float) * 10 % 7).to_numpy()
    return make_pipeline(first, LinearRegression()).fit(frame, target), frame


def rarely(store: int) -> tuple[Any, pd.DataFrame]:
    """A tree that knows one store alone, by its text."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
    from sklearn.tree import DecisionTreeRegressor

    frame = pd.DataFrame({"store": STORES[::-1], "area": np.arange(40.0)})
    codes = make_pipeline(FunctionTransformer(as_text), OneHotEncoder(handle_unknown="ignore"))
    columns = ColumnTransformer([("codes", codes, [0])])
    model = make_pipeline(columns, DecisionTreeRegressor(max_depth=1))
    return model.fit(frame, np.where(frame["store"] == store, 5.0, 1.0)), frame


def rates() -> tuple[Any, pd.DataFrame]:
    """Knows its numbers of 32 bits each by its value; another column is of 64 bits."""
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    rate = np.tile(np.arange(1, 9) / 10, 5).astype("float32")
    frame = pd.DataFrame({"share": np.tile(np.arange(1, 9) / 10, 5)[::-1], "rate": rate})
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LinearRegression())
    return model.fit(frame, np.where(rate > 0.45, 100.0, 0.0) + rate), frame


def linear(**columns: Any) -> tuple[Any, pd.DataFrame]:
    from sklearn.linear_model import LinearRegression

    frame = pd.DataFrame(columns)
    return LinearRegression().fit(frame, frame.sum(axis=1)), frame


MODELS: dict[str, tuple[Callable[[], tuple[Any, pd.DataFrame]], int, bool]] = {
    # name: (model and its rows, rows of the example, whether a matrix is taken)
    "whole numbers as texts, no example": (lambda: texts_of(store=STORES), 0, True),
    "several types, no example": (lambda: texts_of(store=STORES, area=np.ones(40)), 0, False),
    "an example of one row": (lambda: linear(a=STORES, b=np.arange(40.0) ** 2), 1, False),
    "a code that the example lacks": (lambda: rarely(117), 20, False),
    "singles as texts": (
        lambda: texts_of(rate=np.repeat(np.arange(1, 9, dtype="float32") / 10, 5)),
        0,
        True,
    ),
    "truth values as texts": (
        lambda: texts_of(night=np.array([True, False] * 20)),
        0,
        True,
    ),
    "doubles, no example": (lambda: linear(a=np.arange(40.0), b=np.arange(40.0) ** 2), 0, True),
    "singles beside doubles": (rates, 20, True),
    "numbers of several types": (lambda: linear(a=STORES, b=np.arange(40.0) ** 2), 20, True),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_answers_are_those_of_the_pyfunc(name: str, tmp_path: Path) -> None:
    import mlflow
    from mlflow.models import infer_signature

    make, examples, takes_matrix = MODELS[name]
    model, frame = make()
    mlflow.sklearn.save_model(
        model,
        tmp_path / "model",
        serialization_format="cloudpickle",
        signature=infer_signature(frame, model.predict(frame)),
        input_example=frame.head(examples) if examples else None,
        pip_requirements=["scikit-learn"],
    )
    bundle = package(tmp_path / "model", tmp_path / "bundles")
    loaded = engine.load(engine.Packaged.of(bundle.folder))
    rows = [list(row) for row in frame.astype(object).itertuples(index=False)]
    (found,) = loaded.predict(loaded.contract.from_rows(rows)).values()
    expected = mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(frame)
    np.testing.assert_allclose(found, expected, atol=1e-9)
    assert isinstance(loaded.contract, MatrixContract) is takes_matrix
    if not examples:
        asked = own_answers.compared(bundle)["ndarray"]
        assert len({*map(tuple, asked)}) > 1


@pytest.mark.parametrize("columns", [["rate"], ["share", "rate"]], ids=["alone", "beside doubles"])
def test_decimals_of_json_are_the_numbers_of_32_bits_that_the_model_knows(
    columns: list[str], tmp_path: Path
) -> None:
    import mlflow
    from mlflow.models import infer_signature
    from sklearn.base import clone

    model, frame = rates()
    frame = frame[columns]
    model = clone(model).fit(frame, np.where(frame["rate"] > 0.45, 100.0, 0.0))
    mlflow.sklearn.save_model(
        model,
        tmp_path / "model",
        serialization_format="skops",
        signature=infer_signature(frame, model.predict(frame)),
        input_example=frame.head(20),
        pip_requirements=["scikit-learn"],
    )
    bundle = package(tmp_path / "model", tmp_path / "bundles")
    loaded = engine.load(engine.Packaged.of(bundle.folder))
    assert isinstance(loaded.contract, MatrixContract)
    expected = mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(frame)
    rows = [[float(str(value)) for value in row] for row in frame.to_numpy(object)]
    flat = [value for row in rows for value in row]
    by_name = {name: [row[place] for row in rows] for place, name in enumerate(columns)}
    for batch in (
        loaded.contract.from_rows(rows),
        loaded.contract.from_flat([len(rows), len(columns)], flat),
        loaded.contract.from_flat([len(rows), len(columns)], np.array(flat)),
        loaded.contract.from_columns({name: ([40], item) for name, item in by_name.items()}),
        loaded.contract.from_columns(
            {name: ([40], np.array(item)) for name, item in by_name.items()}
        ),
    ):
        (found,) = loaded.predict(batch).values()
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_number_that_32_bits_cannot_hold_is_refused() -> None:
    contract = MatrixContract([Column("a", "double"), Column("b", "float")])
    with pytest.raises(RequestRefused, match="Column b has a wrong value in row 2") as refused:
        contract.from_rows([[1e300, 1.0], [1.0, 1e39]])
    assert "1e+39: it does not fit a number of 32 bits" in refused.value.why
