"""Every kind of model that MLflow can log is served as its own pyfunc answers, by both protocols,
and its typed inputs come back from the payload log.
"""

from __future__ import annotations

import datetime
import json
import os
import struct
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import polars as pl
import pytest

from jupyter_mlinfra.deployments import gates, own_answers, requests
from jupyter_mlinfra.deployments.bodies import open_inference_body, seldon_body
from jupyter_mlinfra.deployments.packaging import Bundle, package
from jupyter_mlinfra.deployments.payload_log import compacting, reading
from jupyter_mlinfra.deployments.runtime.open_inference import BINARY_HEADER
from jupyter_mlinfra.deployments.runtime.refusal import RequestRefused
from jupyter_mlinfra.deployments.runtime.served import Reply, Served

ROWS = 60


def flights() -> pd.DataFrame:
    """Numbers, a text, a date, a truth value."""
    chance = np.random.default_rng(4)
    return pd.DataFrame(
        {
            "distance": chance.normal(1000, 300, ROWS),
            "seats": chance.integers(20, 300, ROWS),
            "carrier": chance.choice(["UA", "DL", "AA"], ROWS),
            "departs": pd.date_range("2026-01-01", periods=ROWS, freq="7h"),
            "night": chance.random(ROWS) < 0.3,
        }
    )


FLIGHTS = flights()
LATE = np.where(FLIGHTS["distance"] > 1000, "late", np.where(FLIGHTS["night"], "early", "on time"))


def hours(frame: pd.DataFrame) -> pd.DataFrame:
    """A date as a number."""
    return frame.apply(lambda column: column.dt.hour)


def pipeline() -> Any:
    """Reads its columns by name: a text, a date and numbers; answers names of classes."""
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    columns = ColumnTransformer(
        [
            ("text", OneHotEncoder(handle_unknown="ignore"), ["carrier"]),
            ("date", FunctionTransformer(hours), ["departs"]),
            ("number", StandardScaler(), ["distance", "seats", "night"]),
        ]
    )
    forest = RandomForestClassifier(n_estimators=5, random_state=0)
    return make_pipeline(columns, forest).fit(FLIGHTS, LATE)


def save_pipeline(folder: Path, asks: str) -> pd.DataFrame:
    """As a pickle. asks: the method that its pyfunc calls."""
    import mlflow
    from mlflow.models import infer_signature

    model = pipeline()
    mlflow.sklearn.save_model(
        model,
        folder,
        serialization_format="cloudpickle",
        pyfunc_predict_fn=asks,
        signature=infer_signature(FLIGHTS, getattr(model, asks)(FLIGHTS)),
        input_example=FLIGHTS.head(10),
        pip_requirements=["scikit-learn"],
    )
    return FLIGHTS


def sklearn_pipeline(folder: Path) -> pd.DataFrame:
    return save_pipeline(folder, "predict")


def sklearn_probabilities(folder: Path) -> pd.DataFrame:
    return save_pipeline(folder, "predict_proba")


def sklearn_numbers(folder: Path) -> pd.DataFrame:
    """Two outputs, and no column that needs its name: in skops, which holds no code."""
    import mlflow
    from mlflow.models import infer_signature
    from sklearn.linear_model import LinearRegression

    frame = FLIGHTS[["distance", "seats"]].astype(float)
    model = LinearRegression().fit(frame, np.column_stack([frame["seats"] * 2, frame["distance"]]))
    mlflow.sklearn.save_model(
        model,
        folder,
        serialization_format="skops",
        signature=infer_signature(frame, model.predict(frame)),
        input_example=frame.head(10),
        pip_requirements=["scikit-learn"],
    )
    return frame


def lightgbm_booster(folder: Path) -> pd.DataFrame:
    import lightgbm
    import mlflow
    from mlflow.models import infer_signature

    frame = FLIGHTS[["distance", "seats"]].assign(
        carrier=pd.Categorical(FLIGHTS["carrier"]), night=FLIGHTS["night"]
    )
    data = lightgbm.Dataset(frame, FLIGHTS["carrier"].map({"UA": 1, "DL": 5, "AA": 2}))
    booster = lightgbm.train({"min_data_in_leaf": 2, "verbose": -1, "num_threads": 1}, data, 8)
    mlflow.lightgbm.save_model(
        booster,
        folder,
        signature=infer_signature(frame.astype({"carrier": "object"}), booster.predict(frame)),
        input_example=frame.head(10).astype({"carrier": "object"}),
        pip_requirements=["lightgbm"],
    )
    return frame


def lightgbm_classifier(folder: Path) -> pd.DataFrame:
    import lightgbm
    import mlflow
    from mlflow.models import infer_signature

    frame = FLIGHTS[["distance", "seats"]].astype(float)
    model = lightgbm.LGBMClassifier(n_estimators=4, verbose=-1, n_jobs=1, min_child_samples=2)
    model.fit(frame, LATE)
    mlflow.lightgbm.save_model(
        model,
        folder,
        signature=infer_signature(frame, model.predict(frame)),
        input_example=frame.head(10),
        pip_requirements=["lightgbm", "scikit-learn"],
    )
    return frame


def _linear_graph(name: str, inputs: int) -> Any:
    """y = x·w + b and a second output, its sign."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = np.arange(1, inputs * 2 + 1, dtype=np.float32).reshape(inputs, 2) / 10
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["y"]),
            helper.make_node("ReduceSum", ["y", "axis"], ["total"], keepdims=0),
        ],
        name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", inputs])],
        [
            helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", 2]),
            helper.make_tensor_value_info("total", TensorProto.FLOAT, ["rows"]),
        ],
        [
            numpy_helper.from_array(weights, "w"),
            numpy_helper.from_array(np.array([1], dtype=np.int64), "axis"),
        ],
    )
    opset = [helper.make_opsetid("", 18)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=10)
    onnx.checker.check_model(model)
    return model


def onnx_tensors(folder: Path) -> np.ndarray:
    """A matrix in, two outputs of different shapes."""
    import mlflow
    from mlflow.models import infer_signature

    rows = np.random.default_rng(1).normal(size=(ROWS, 3)).astype(np.float32)
    answers = {"y": np.zeros((ROWS, 2), np.float32), "total": np.zeros(ROWS, np.float32)}
    mlflow.onnx.save_model(
        _linear_graph("linear", 3),
        folder,
        signature=infer_signature(rows, answers),
        input_example=rows[:10],
        pip_requirements=["onnxruntime"],
    )
    return rows


CODE = """
import pandas as pd

def score(frame):
    tags = frame["tags"].map(len)
    price = frame["item"].map(lambda item: item["price"])
    return pd.DataFrame({
        "score": frame["weight"].fillna(0.0) * price + tags,
        "label": [("many " if count > 1 else "few ") + text
                  for count, text in zip(tags, frame["text"])],
    })
"""


def pyfunc_with_code(folder: Path) -> pd.DataFrame:
    """Nested inputs, a column with gaps, a frame as its answer, and modules of its own."""
    import mlflow
    from mlflow.models import infer_signature

    code = folder.parent / "theirs"
    code.mkdir()
    (code / "__init__.py").write_text("")
    (code / "scoring.py").write_text(textwrap.dedent(CODE))

    class Scorer(mlflow.pyfunc.PythonModel):
        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
            from theirs.scoring import score

            return score(model_input)

    frame = pd.DataFrame(
        {
            "tags": [["a"], ["a", "b"], [], ["c"]],
            "item": [{"price": 2.0, "name": "x"}] * 4,
            "weight": [1.5, None, 0.25, 2.0],
            "text": ["one", "two", "three", "four"],
        }
    )
    answers = pd.DataFrame({"score": [1.0], "label": ["few one"]})
    mlflow.pyfunc.save_model(
        folder,
        python_model=Scorer(),
        code_paths=[str(code)],
        signature=infer_signature(frame, answers),
        input_example=frame,
        pip_requirements=["pandas"],
    )
    return frame


MODELS: Mapping[str, Callable[[Path], Any]] = {
    item.__name__: item
    for item in (
        sklearn_pipeline,
        sklearn_probabilities,
        sklearn_numbers,
        lightgbm_booster,
        lightgbm_classifier,
        onnx_tensors,
        pyfunc_with_code,
    )
}
ENGINES = {
    "sklearn_pipeline": ("sklearn", True),
    "sklearn_probabilities": ("sklearn", True),
    "sklearn_numbers": ("sklearn", False),
    "lightgbm_booster": ("lightgbm", False),
    "lightgbm_classifier": ("sklearn", False),  # in skops
    "onnx_tensors": ("onnx", False),
    "pyfunc_with_code": ("pyfunc", True),
}


class Case:
    """A model that was logged, packaged and loaded as a serving process loads it."""

    def __init__(self, name: str, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.log = root / "model", root / "payloads"
        self.rows = MODELS[name](self.folder)
        self.bundle: Bundle = package(self.folder, root / "bundles")
        for key, value in {
            "BUNDLE": str(self.bundle.folder),
            "DEPLOYMENT": "flights",
            "VERSION": "v1",
            "MODEL": "flights/1",
            "PAYLOADS": str(self.log),
        }.items():
            patch.setenv(f"MLINFRA_{key}", value)
        self.served = Served()
        self.served.load()

    @property
    def sample(self) -> dict[str, Any]:
        """All rows that the model was logged with, in the form of the bundle's sample."""
        if isinstance(self.rows, np.ndarray):
            return {"names": ["input"], "ndarray": self.rows.tolist()}
        records = orjson.loads(
            orjson.dumps(
                [list(row) for row in self.rows.itertuples(index=False)], default=_json_value
            )
        )
        return {"names": list(self.rows.columns), "ndarray": records}

    def expected(self) -> dict[str, list[Any]]:
        """What the pyfunc answers to them."""
        import mlflow

        model = mlflow.pyfunc.load_model(str(self.folder))
        if self.bundle.engine == "lightgbm":
            answers = model._model_impl.predict(self.rows)  # MLflow's check knows no categories
        else:
            answers = model.predict(self.rows)
        if isinstance(answers, pd.DataFrame):
            answers = {name: answers[name].to_numpy() for name in answers}
        if not isinstance(answers, dict):
            answers = {"predict": np.asarray(answers)}
        return {name: np.asarray(values).ravel().tolist() for name, values in answers.items()}

    def ask(self, protocol: str, body: Any, headers: Mapping[str, str] | None = None) -> Reply:
        """Ask as a server does."""
        text = body if isinstance(body, bytes) else orjson.dumps(body)
        given = headers or {}
        asked = self.served.seldon_v1 if protocol == "V1" else self.served.open_inference
        return asked(text, given.get)


def _json_value(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return value.item()


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Case]]:
    """Models by name, each logged once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", list(sys.path))
        yield lru_cache(lambda name: Case(name, tmp_path_factory.mktemp(name), patch))


@pytest.fixture
def case(request: pytest.FixtureRequest, cases: Callable[[str], Case]) -> Case:
    """The model that the test's parameter names."""
    return cases(request.param)


def equal(found: list[Any], expected: list[Any]) -> bool:
    """Numbers within 1e-6, texts the same."""
    return len(found) == len(expected) and all(
        value == right
        if isinstance(right, str)
        else abs(value - right) <= 1e-6 * max(1, abs(right))
        for value, right in zip(found, expected, strict=True)
    )


@pytest.mark.parametrize("case", MODELS, indirect=True)
def test_both_protocols_answer_what_the_pyfunc_answers(case: Case, request: Any) -> None:
    name = request.node.callspec.params["case"]
    assert (case.bundle.engine, case.bundle.runs_code) == ENGINES[name]
    expected = case.expected()
    answer = orjson.loads(case.ask("V2", open_inference_body(case.bundle, case.sample)).body)
    outputs = {item["name"]: item["data"] for item in answer["outputs"]}
    if len(expected) == 1:
        expected = {next(iter(outputs)): next(iter(expected.values()))}
    assert outputs.keys() == expected.keys()
    for output, values in outputs.items():
        assert equal(values, expected[output]), output
    answer = orjson.loads(case.ask("V1", seldon_body(case.bundle, case.sample)).body)
    if "jsonData" in answer:
        found = {name: np.array(item).ravel().tolist() for name, item in answer["jsonData"].items()}
        assert all(equal(found[name], expected[name]) for name in expected)
    else:
        by_row = [value for row in zip(*expected.values(), strict=True) for value in row]
        flat = np.array(answer["data"]["ndarray"], dtype=object).ravel().tolist()
        assert equal(flat, by_row)


WITHOUT_PANDAS = """
import sys
sys.modules["pandas"] = None  # an import of it fails
from jupyter_mlinfra.deployments.runtime.served import Served
served = Served()
served.load()
sys.stdout.buffer.write(served.open_inference(sys.stdin.buffer.read(), {}.get).body)
"""


@pytest.mark.parametrize("name", ["lightgbm_booster", "onnx_tensors", "xgboost"])
def test_hot_paths_need_no_pandas(name: str, tmp_path: Path, models: Mapping[int, Path]) -> None:
    folder = models[1] if name == "xgboost" else tmp_path / "model"
    if name != "xgboost":
        MODELS[name](folder)
    bundle = package(folder, tmp_path / "bundles")
    body = open_inference_body(bundle, bundle.sample)
    variables = {"BUNDLE": str(bundle.folder), "DEPLOYMENT": "f", "VERSION": "v1", "MODEL": "f/1"}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_PANDAS],
        input=orjson.dumps(body),
        env=os.environ | {f"MLINFRA_{key}": value for key, value in variables.items()},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    (first, *_) = orjson.loads(done.stdout)["outputs"]
    assert len(first["data"]) >= body["inputs"][0]["shape"][0]


def test_typed_inputs_and_names_of_classes_come_back_from_the_payload_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = Case("sklearn_pipeline", tmp_path, monkeypatch)
    case.ask("V1", seldon_body(case.bundle, case.sample))
    case.ask("V2", open_inference_body(case.bundle, case.sample))
    assert case.served.journal is not None
    case.served.journal.close()
    for _ in range(2):  # from the journal, then from its Parquet file
        logged = reading.scan(case.log)
        assert logged.height == 2 * ROWS
        first = logged.head(ROWS)
        assert first["prediction"].to_list() == case.expected()["predict"]
        expected = pl.from_pandas(FLIGHTS).with_columns(pl.col("departs").cast(pl.Datetime("us")))
        for column in ("carrier", "departs", "distance"):
            assert first[column].to_list() == expected[column].to_list(), column
        assert first["seats"].to_list() == [float(value) for value in FLIGHTS["seats"]]
        assert compacting.compact(case.log) <= 1


def test_logged_probabilities_come_back_with_the_names_of_their_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = Case("sklearn_probabilities", tmp_path, monkeypatch)
    case.ask("V1", seldon_body(case.bundle, case.sample))
    assert case.served.journal is not None
    case.served.journal.close()
    page = requests.page(case.log, requests.Wanted(), limit=ROWS, cursor=None, labels=lambda *_: {})
    found = {item.row: item.answer for item in page.items}
    expected = pipeline().predict_proba(FLIGHTS)
    names = sorted(set(LATE))
    for row, probabilities in enumerate(expected):
        assert found[row] == pytest.approx(dict(zip(names, probabilities, strict=True))), row


WRONG: Mapping[str, Any] = {
    "departs": "yesterday",
    "carrier": 7,
    "seats": 1.5,
    "night": 3,
    "distance": "far",
}


@pytest.mark.parametrize("case", ["sklearn_pipeline"], indirect=True)
def test_a_wrong_value_of_any_type_names_its_column(case: Case) -> None:
    good = case.sample
    for column, value in WRONG.items():
        row = dict(zip(good["names"], good["ndarray"][0], strict=True)) | {column: value}
        body = {"data": {"names": good["names"], "ndarray": [list(row.values())]}}
        with pytest.raises(RequestRefused) as refused:
            case.ask("V1", body)
        assert column in refused.value.what
        assert refused.value.fix
    zoned = dict(zip(good["names"], good["ndarray"][0], strict=True))
    zoned["departs"] = "2026-01-01T01:00:00+01:00"  # the first row's moment
    body = {"data": {"names": good["names"], "ndarray": [list(zoned.values()), good["ndarray"][0]]}}
    answers = orjson.loads(case.ask("V1", body).body)["data"]["ndarray"]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("case", ["onnx_tensors"], indirect=True)
def test_tensors_travel_as_bytes_in_both_directions(case: Case) -> None:
    rows = case.rows
    head = {
        "id": "mine",
        "inputs": [
            {
                "name": "x",
                "shape": list(rows.shape),
                "datatype": "FP32",
                "parameters": {"binary_data_size": rows.nbytes},
            }
        ],
        "outputs": [{"name": "y", "parameters": {"binary_data": True}}],
    }
    text = json.dumps(head).encode()
    reply = case.ask("V2", text + rows.tobytes(), {BINARY_HEADER: str(len(text))})
    length = int(reply.headers[BINARY_HEADER])
    answer = json.loads(reply.body[:length])
    assert answer["id"] == "mine"
    assert [item["name"] for item in answer["outputs"]] == ["y"]
    found = np.frombuffer(reply.body[length:], np.float32)
    assert equal(found.tolist(), case.expected()["y"])
    for broken in (text + rows.tobytes()[:-1], text + rows.tobytes() + b"x", text):
        with pytest.raises(RequestRefused):
            case.ask("V2", broken, {BINARY_HEADER: str(len(text))})
    with pytest.raises(RequestRefused):
        case.ask("V2", text, {BINARY_HEADER: "9999999"})


@pytest.mark.parametrize("case", ["pyfunc_with_code"], indirect=True)
def test_texts_travel_as_bytes_too(case: Case) -> None:
    body = open_inference_body(case.bundle, case.sample)
    texts = [value.encode() for value in body["inputs"][-1].pop("data")]
    blob = b"".join(struct.pack("<I", len(text)) + text for text in texts)
    body["inputs"][-1]["parameters"] = {"binary_data_size": len(blob)}
    text = orjson.dumps(body)
    reply = case.ask("V2", text + blob, {BINARY_HEADER: str(len(text))})
    labels = {item["name"]: item["data"] for item in orjson.loads(reply.body)["outputs"]}["label"]
    assert labels == case.expected()["label"]


@pytest.mark.parametrize(
    "case",
    [
        "sklearn_pipeline",
        pytest.param("lightgbm_booster", marks=pytest.mark.slow),
        "onnx_tensors",
        pytest.param("pyfunc_with_code", marks=pytest.mark.slow),
    ],
    indirect=True,
)
def test_the_oracle_of_the_tests_before_traffic_gives_the_same(case: Case) -> None:
    rows = own_answers.compared(case.bundle)
    own = own_answers.own_answers(case.bundle, sys.executable)
    body = open_inference_body(case.bundle, rows)
    found = {
        item["name"]: item["data"] for item in orjson.loads(case.ask("V2", body).body)["outputs"]
    }
    pairs = gates._pairs({name: gates._flat(values) for name, values in found.items()}, own)
    assert pairs
    for value, right in pairs:
        difference = gates._difference(value, right)
        assert difference is not None
        assert difference <= gates.TOLERANCE
