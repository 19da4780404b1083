"""Missing values reach a model as they were in its training, and answers do not depend on the other
rows of the request; the tests before traffic ask for the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest

from jupyter_mlinfra.deployments import oracle
from jupyter_mlinfra.deployments.packaging import package
from jupyter_mlinfra.deployments.runtime import engine, seldon_v1

CITIES = ["rome", None, "oslo", None, "rome", "oslo"]
OTHERS = ["a", None, "a", "a", None, "a"]
TARGETS = [10.0, 105.0, 1.0, 100.0, 15.0, 1.0]
"""The sum of 10, 1 and 100, and of 0 and 5: linear in each category and in each missing text."""


def asked(folder: Path, rows: list[list[Any]]) -> tuple[list[Any], list[Any]]:
    """What the engine and the oracle answer to these rows, whose answer is one number each."""
    bundle = package(folder, folder.parent / "bundles")
    packaged = engine.Packaged.of(bundle.folder)
    served = engine.load(packaged)
    names = [column.name for column in packaged.columns]
    body = orjson.dumps({"data": {"names": names, "ndarray": rows}})
    (found,) = served.predict(seldon_v1.read(body, served.contract).batch).values()
    facts = json.loads((bundle.folder / "bundle.json").read_text())
    request = {**facts, "sample": {"names": names, "ndarray": rows}}
    given, answers = folder.parent / "rows.json", folder.parent / "answers.json"
    given.write_bytes(orjson.dumps(request))
    oracle.main(str(bundle.folder / "model"), str(given), str(answers))
    (expected,) = json.loads(answers.read_text()).values()
    return found.tolist(), expected


def encoded() -> Any:
    from sklearn.preprocessing import OneHotEncoder

    return OneHotEncoder(handle_unknown="ignore")


def imputed() -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    fill = SimpleImputer(strategy="constant", fill_value="missing")
    return make_pipeline(fill, OneHotEncoder(handle_unknown="ignore"))


@pytest.mark.parametrize(
    ("encoder", "missing"),
    [(encoded, np.nan), (encoded, None), (imputed, np.nan), (imputed, None)],
    ids=["nan", "none", "imputed-nan", "behind-an-imputer-none"],
)
def test_a_missing_text_is_what_the_model_was_fitted_to(
    encoder: Callable[[], Any], missing: float | None, tmp_path: Path
) -> None:
    import mlflow
    from mlflow.models import infer_signature
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline

    # Of two columns each has its own form.
    forms = {"city": (CITIES, missing), "other": (OTHERS, np.nan)}
    frame = pd.DataFrame(
        {
            name: pd.Series([form if text is None else text for text in texts], dtype=object)
            for name, (texts, form) in forms.items()
        }
    )
    parts = [("city", encoder(), ["city"]), ("other", encoded(), ["other"])]
    model = make_pipeline(ColumnTransformer(parts), LinearRegression()).fit(frame, TARGETS)
    mlflow.sklearn.save_model(
        model,
        tmp_path / "model",
        serialization_format="cloudpickle",
        signature=infer_signature(frame, np.array(TARGETS)),
        input_example=frame,
        pip_requirements=["scikit-learn"],
    )
    rows = json.loads(frame.to_json(orient="values"))
    found, expected = asked(tmp_path / "model", rows)
    assert found == pytest.approx(TARGETS)
    assert expected == pytest.approx(TARGETS)


def test_a_missing_value_of_any_type_gives_a_pyfunc_the_same_answer_in_any_company(
    tmp_path: Path,
) -> None:
    import mlflow
    from mlflow.models import ModelSignature
    from mlflow.types.schema import ColSpec, Schema

    class Said(mlflow.pyfunc.PythonModel):
        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
            names = list(model_input)
            return [
                " ".join(f"{name}={value!s}" for name, value in zip(names, row, strict=True))
                for row in model_input.itertuples(index=False)
            ]

    kinds = ["double", "long", "integer", "boolean", "string", "datetime"]
    columns = [ColSpec(kind, kind, required=kind == "double") for kind in kinds]
    mlflow.pyfunc.save_model(
        tmp_path / "model",
        python_model=Said(),
        signature=ModelSignature(Schema(columns), Schema([ColSpec("string")])),
        input_example=pd.DataFrame({"double": [1.0]}),
        pip_requirements=["pandas"],
    )
    rows: list[list[Any]] = [
        [1.0, None, None, None, None, None],
        [2.0, 7, 8, True, "x", "2026-01-02T00:00:00"],
        [3.0, None, 9, False, None, None],
    ]
    answers = [
        "double=1.0 boolean=None string=None datetime=NaT",
        "double=2.0 long=7 integer=8 boolean=True string=x datetime=2026-01-02 00:00:00",
        "double=3.0 integer=9 boolean=False string=None datetime=NaT",
    ]
    assert asked(tmp_path / "model", rows) == (answers, answers)
    for row, answer in zip(rows, answers, strict=True):
        assert asked(tmp_path / "model", [row]) == ([answer], [answer])
