"""One contract for every runtime: the same bundle gives the same answers by both protocols,
whatever server carries it, through the real gateway.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pandas as pd
import pytest

from jupyter_mlinfra.core.errors import BadRequest, Conflict, NotFound
from jupyter_mlinfra.deployments import Deployments, packaging
from jupyter_mlinfra.deployments.bodies import open_inference_body, seldon_body
from jupyter_mlinfra.deployments.packaging import load_bundle
from jupyter_mlinfra.deployments.targets.process_table import ProcessTable
from tests.deployments.gate import Gate
from tests.deployments.test_engines import onnx_tensors
from tests.deployments.test_params import save as save_echo

RUNTIMES = (
    "seldon-core",
    "open-inference",
    *(["mlserver"] if os.environ.get("MLINFRA_TEST_MLSERVER") else []),
)
"""MLServer's environment takes a while: `make mlserver`."""


RAISES = 666005
FAULT = f"""
_run = Guard.run


def _with_fault(self, body, *others, **meant):
    if b"{RAISES}" in body:
        raise KeyError("wing")
    return _run(self, body, *others, **meant)


Guard.run = _with_fault
"""


@pytest.fixture(scope="module")
def gate(
    tmp_path_factory: pytest.TempPathFactory, models: Mapping[int, Path], kit: ModuleType
) -> Iterator[Gate]:
    """Version 1 on each runtime, with one process each; it raises at a request with RAISES."""
    settings = "[deployments]\nworkers = 1\n"
    project = kit.open_project(tmp_path_factory.mktemp("runtimes"), settings)
    found = Deployments(project, kit.Registry(models))
    code = tmp_path_factory.mktemp("runtime") / "runtime"
    shutil.copytree(packaging.RUNTIME, code)
    with open(code / "guard.py", "a") as file:
        file.write(FAULT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packaging, "RUNTIME", code)
        for runtime in RUNTIMES:
            found.deploy(runtime, version="flights/1", runtime=runtime)
    yield Gate(found, RUNTIMES[0])
    kit.clean_up(project)


@pytest.fixture(scope="module")
def frame(kit: ModuleType) -> pd.DataFrame:
    found: pd.DataFrame = kit.make_frame(200, 5)
    return found


@pytest.fixture(params=RUNTIMES)
def name(request: pytest.FixtureRequest) -> str:
    """The deployment, named after its runtime."""
    found: str = request.param
    return found


def test_every_runtime_and_both_protocols_give_the_answers_of_the_model(
    gate: Gate, frame: pd.DataFrame, models: Mapping[int, Path]
) -> None:
    import xgboost

    booster = xgboost.Booster(model_file=models[1] / "model.ubj")
    expected = booster.predict(xgboost.DMatrix(frame))
    for runtime in RUNTIMES:
        v1 = gate.deployments.predict(runtime, frame)
        assert np.abs(np.array(v1.predictions) - expected).max() <= 1e-6
        answer = gate.ask("POST", gate.v2(runtime), gate.body(frame))
        assert answer.status == 200, answer.body
        assert answer.headers["x-mlinfra-version"] == "v1"
        (output,) = answer.body["outputs"]
        assert output["datatype"] == "FP32"
        assert output["shape"] == [len(frame)]
        assert output["data"] == v1.predictions
        assert (answer.body["model_name"], answer.body["model_version"]) == (runtime, "v1")


def save_pipeline(folder: Path) -> Any:
    """A scikit-learn Pipeline that reads texts and numbers, and answers names of classes."""
    import mlflow
    from mlflow.models import infer_signature
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    columns = make_column_transformer((OneHotEncoder(), ["carrier"]), (StandardScaler(), ["miles"]))
    frame = pd.DataFrame(
        {"carrier": ["UA", "AA", "DL", "UA"] * 5, "miles": [float(at % 7) for at in range(20)]}
    )
    late = np.where(frame["miles"] > 3, "late", "on time")
    model = make_pipeline(columns, LogisticRegression()).fit(frame, late)
    mlflow.sklearn.save_model(
        model,
        folder,
        signature=infer_signature(frame, model.predict(frame)),
        input_example=frame,
        pip_requirements=["scikit-learn", "skops"],
    )
    return frame


@pytest.mark.skipif(len(RUNTIMES) < 3, reason="builds six environments: make mlserver")
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("save", [save_pipeline, onnx_tensors], ids=["pipeline", "onnx"])
def test_a_pipeline_and_a_network_answer_the_same_on_every_runtime_by_both_protocols(
    gate: Gate, tmp_path: Path, save: Any, kit: ModuleType
) -> None:
    import mlflow

    rows = save(tmp_path / "model")
    answers = mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(rows)
    expected = list(answers.values()) if isinstance(answers, dict) else [answers]
    deployments = Deployments(gate.deployments._project, kit.Registry({1: tmp_path / "model"}))
    for runtime in RUNTIMES:
        name = f"{save.__name__.replace('_', '-')}-{runtime}"
        row = deployments.deploy(name, version="flights/1", runtime=runtime).name
        bundle = load_bundle(Path(deployments._store.deployment(row).versions[0].bundle))
        body = open_inference_body(bundle, bundle.sample)
        asked = len(bundle.sample["ndarray"])
        outputs = gate.ask("POST", gate.v2(name), body).body["outputs"]
        assert len(outputs) == len(expected)
        for output, right in zip(outputs, expected, strict=True):
            assert close(output["data"], np.asarray(right)[:asked])
        v1 = gate.ask("POST", gate.v1(name), seldon_body(bundle, bundle.sample)).body
        found = v1.get("jsonData") or {"": v1["data"]["ndarray"]}
        for values, right in zip(found.values(), expected, strict=True):
            assert close(values, np.asarray(right)[:asked])
        deployments.delete(name)


@pytest.mark.skipif(len(RUNTIMES) < 3, reason="builds environments: make mlserver")
@pytest.mark.timeout(1200)
def test_parameters_reach_the_model_and_its_own_metrics_reach_prometheus(
    gate: Gate, tmp_path: Path, kit: ModuleType
) -> None:
    folder = save_echo(tmp_path / "model", kit.requirements())
    deployments = Deployments(gate.deployments._project, kit.Registry({1: folder}))
    rows = [{"x": 1.0}, {"x": 2.0}]
    for runtime in (RUNTIMES[0], *RUNTIMES[2:]):  # the lean one is asked by test_params
        name = f"echo-{runtime}"
        deployments.deploy(name, version="flights/1", runtime=runtime)
        found = deployments.predict(name, rows, params={"factor": 0.5, "names": ["z"]})
        assert [text.partition(" ")[0] for text in found.predictions] == ["1.0", "2.0"]
        for word in ("'factor': '0.5'", "'names'", "'count': '3'"):
            assert word in found.predictions[0]
        with pytest.raises(BadRequest, match="no parameter temperature"):
            deployments.predict(name, rows, params={"temperature": 1})
        body = open_inference_body(
            deployments._bundle(deployments._store.deployment(name)), {"ndarray": [[1.0], [2.0]]}
        )
        answer = gate.ask("POST", gate.v2(name), {**body, "parameters": {"factor": 0.25}})
        assert "'factor': '0.25'" in answer.body["outputs"][0]["data"][1]
        assert answer.body["parameters"]["team"] == "blue"
        line = f'rows_total{{deployment="{name}",version="v1",'
        counted = [text for text in deployments.metrics().splitlines() if text.startswith(line)]
        assert sum(float(text.rpartition(" ")[2]) for text in counted) >= 4
        deployments.delete(name)


def close(found: Any, right: np.ndarray) -> bool:
    """Texts the same, numbers within 1e-6."""
    if right.dtype.kind in "OU":
        return bool(np.asarray(found, dtype=object).ravel().tolist() == right.ravel().tolist())
    return bool(np.allclose(np.asarray(found).ravel(), right.ravel(), rtol=0, atol=1e-6))


def test_the_versions_path_the_header_and_binary_tensors_work_on_each(
    gate: Gate, frame: pd.DataFrame, name: str
) -> None:
    body = gate.body(frame.head(3))
    plain = gate.ask("POST", gate.v2(name), body).body["outputs"]
    assert gate.ask("POST", gate.v2(name, "/versions/v1/infer"), body).body["outputs"] == plain
    missing = gate.ask("POST", gate.v2(name, "/versions/v9/infer"), body)
    assert missing.status == 404
    assert "v9" not in missing.body["why"]
    assert missing.body["error"]
    assert gate.ask("POST", gate.v2(name), body, {"x-mlinfra-version": "v9"}).status == 404
    matrix = frame.head(3).astype("float64").to_numpy()
    head = {
        "inputs": [
            {
                "name": "rows",
                "shape": list(matrix.shape),
                "datatype": "FP64",
                "parameters": {"binary_data_size": matrix.nbytes},
            }
        ]
    }
    text = json.dumps(head).encode()
    sent = {
        "Content-Type": "application/octet-stream",
        "Inference-Header-Content-Length": str(len(text)),
    }
    answer = gate.ask("POST", gate.v2(name), text + matrix.tobytes(), sent)
    assert answer.status == 200, answer.body
    assert answer.body["outputs"][0]["data"] == plain[0]["data"]


def test_compressed_requests_are_answered_as_plain_ones(
    gate: Gate, frame: pd.DataFrame, name: str
) -> None:
    rows = gate.deployments.show(name).sample
    for path, body in ((gate.v2(name), gate.body(frame.head(3))), (gate.v1(name), rows)):
        plain = gate.ask("POST", path, body).body
        for encoding, compress in (("gzip", gzip.compress), ("deflate", zlib.compress)):
            sent = compress(json.dumps(body).encode())
            answer = gate.ask("POST", path, sent, {"Content-Encoding": encoding})
            assert answer.status == 200, answer.body
            for part in ("outputs", "data"):
                assert answer.body.get(part) == plain.get(part)
    feedback = json.dumps({"response": {"meta": {"puid": "a"}}, "reward": 1.0}).encode()
    path, marked = gate.v1(name, "api/v1.0/feedback"), {"Content-Encoding": "gzip"}
    assert gate.ask("POST", path, gzip.compress(feedback), marked).status == 200


def test_metadata_and_health_are_those_of_the_protocols(gate: Gate, name: str) -> None:
    found = gate.ask("GET", gate.v2(name, "")).body
    assert (found["name"], found["versions"], found["platform"]) == (name, ["v1"], "xgboost")
    types = {item["name"]: item["datatype"] for item in found["inputs"]}
    assert types["count"] == "INT64"
    assert types["flag"] == "BOOL"
    assert types["x0"] == "FP64"
    assert gate.ask("GET", gate.v2(name, "/versions/v1")).body == found
    assert gate.ask("GET", gate.v2(name, "/ready")).body == {"name": name, "ready": True}
    assert gate.ask("GET", "/v2").body["name"] == "jupyter-mlinfra"
    assert gate.ask("GET", "/v2/").body == gate.ask("GET", "/v2").body
    assert gate.ask("GET", "/v2/health/live").body == {"live": True}
    seldon = gate.ask("GET", gate.v1(name, "api/v1.0/metadata")).body
    assert seldon["custom"] == {"answers": "probabilities"}
    assert gate.ask("GET", gate.v1(name, "health/ping")).status == 200


BOMB = gzip.compress(bytes(9 << 20))
"""A little more than `max_body_mib` takes."""

BAD = {
    "a form": ("v1", b"x=1", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
    "a form to V2": ("v2", b"x=1", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
    "no JSON": ("v2", b"{", {}, 400),
    "no inputs": ("v2", b"{}", {}, 400),
    "an unknown input": (
        "v2",
        b'{"inputs":[{"name":"a","shape":[1],"datatype":"FP64","data":[1]},'
        b'{"name":"b","shape":[1],"datatype":"FP64","data":[1]}]}',
        {},
        400,
    ),
    "an unknown datatype": (
        "v2",
        b'{"inputs":[{"name":"x0","shape":[1],"datatype":"COMPLEX","data":[1]}]}',
        {},
        400,
    ),
    "an encoding that is not known": ("v2", b"{}", {"Content-Encoding": "br"}, 415),
    "what is not compressed": ("v1", b"{}", {"Content-Encoding": "gzip"}, 400),
    "a bomb": ("v2", BOMB, {"Content-Encoding": "gzip"}, 413),
    "a bomb to V1": ("v1", BOMB, {"Content-Encoding": "gzip"}, 413),
    "no type, from a browser": (
        "v2",
        b'{"inputs":[{"name":"rows","shape":[1,8],"datatype":"FP64","data":[1,1,1,1,1,1,1,1]}]}',
        {"Content-Type": "", "Origin": "null"},
        415,
    ),
    "a list beside a number": (
        "v2",
        b'{"inputs":[{"name":"x0","shape":[2],"datatype":"FP64","data":[1,[2]]}]}',
        {},
        400,
    ),
    "a header that is no length": (
        "v2",
        b"{}",
        {"Inference-Header-Content-Length": "-1"},
        400,
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_requests_get_the_same_4xx_on_each(gate: Gate, case: str) -> None:
    protocol, body, headers, status = BAD[case]
    answers = [
        gate.ask("POST", getattr(gate, protocol)(runtime), body, headers) for runtime in RUNTIMES
    ]
    for answer in answers:
        assert answer.status == status, answer.body
        assert answer.body["what"]
        assert answer.body["fix"]
        assert answer.body["error"] == answer.body["status"]["info"]
    assert all(answer.body == answers[0].body for answer in answers)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"{", "unexpected end of data"),
        (b"[1]", "It is a list, and no object."),
        (b'{"response": {"meta": {"puid": "a"}}, "nonsense": 1}', "Unknown: nonsense."),
        (b'{"reward": true}', "The reward is true or false, and no number."),
        (b'{"response": 5}', "response is a number, and no message."),
        (b'{"truth": {"rows": [1]}}', "Unknown in truth: rows."),
        (b'{"response": {"meta": {}}, "reward": 1}', "response.meta.puid is missing."),
    ],
    ids=["no JSON", "a list", "unknown", "no number", "no message", "unknown in truth", "no id"],
)
def test_feedback_that_is_none_is_refused_in_the_same_words_on_each(
    gate: Gate, body: bytes, why: str
) -> None:
    answers = [gate.ask("POST", gate.v1(name, "api/v1.0/feedback"), body) for name in RUNTIMES]
    for answer in answers:
        assert answer.status == 400, answer.body
        assert why in answer.body["why"]
        assert answer.body["error"] == answer.body["status"]["info"]
        assert "puid" in answer.body["fix"] or "meta" in answer.body["fix"]
    assert all(answer.body == answers[0].body for answer in answers)


def test_what_the_model_raises_is_said_in_the_form_of_both_protocols_on_each(
    gate: Gate, frame: pd.DataFrame
) -> None:
    rows = frame.head(1).assign(x0=float(RAISES))
    v1 = {"data": {"names": list(rows), "ndarray": json.loads(rows.to_json(orient="values"))}}
    answers = [
        gate.ask("POST", path, body)
        for name in RUNTIMES
        for path, body in ((gate.v1(name), v1), (gate.v2(name), gate.body(rows)))
    ]
    for answer in answers:
        assert answer.status == 500
        assert (answer.body["what"], answer.body["why"]) == (
            "The model failed.",
            "KeyError: 'wing'",
        )
        info = answer.body["status"].pop("info")
        assert answer.body.pop("error") == info
        assert "KeyError: 'wing'" in info
        assert "Traceback" not in info
        reason = "MICROSERVICE_INTERNAL_ERROR"
        assert answer.body["status"] == {"status": 1, "code": 500, "reason": reason}
    assert all(answer.body == answers[0].body for answer in answers)


def test_a_wrong_path_or_method_is_said_to_be_wrong_in_the_same_words(gate: Gate) -> None:
    for method, path, status in (
        ("GET", "/seldon/test/{name}/api/v1.0/predictions", 405),
        ("POST", "/seldon/test/{name}/api/v1.0/nothing", 404),
        ("GET", "/v2/models/{name}/nothing", 404),
        ("GET", "/v2/models/{name}/infer", 405),
    ):
        said = set()
        for name in RUNTIMES:
            sent = b"{}" if method == "POST" else None
            answer = gate.ask(method, path.format(name=name), sent)
            assert answer.status == status, (path, answer.body)
            said.add(json.dumps(answer.body).replace(name, "NAME"))
        (text,) = said
        assert json.loads(text)["error"]
    assert gate.ask("POST", "/v2/models/nobody/infer", {}).status == 404


def test_long_headers_addresses_and_forms_are_taken_on_each(gate: Gate, name: str) -> None:
    """Cookies of a hub are longer than gunicorn takes headers, and Flask ends forms at 500 kB."""
    body = gate.deployments.show(name).sample
    cookie = {"Cookie": "c" * 20_000}
    assert gate.ask("POST", gate.v1(name), body, cookie).status == 200
    assert gate.ask("POST", f"{gate.v1(name)}?{'q' * 9000}", body).status == 200
    form = urlencode({"json": json.dumps(body) + " " * 600_000}).encode()
    sent = {"Content-Type": "application/x-www-form-urlencoded"}
    assert gate.ask("POST", gate.v1(name), form, sent).status == 200


def test_the_payload_log_holds_requests_of_both_protocols_and_feedback(
    gate: Gate, frame: pd.DataFrame, name: str
) -> None:
    answer = gate.deployments.predict(name, frame.head(2))
    sent = {**gate.body(frame.head(2)), "id": f"of-{name}"}
    assert gate.ask("POST", gate.v2(name), sent).body["id"] == f"of-{name}"
    feedback = {
        "response": {"meta": {"puid": f"of-{name}"}},
        "reward": 1.0,
        "truth": {"data": {"ndarray": [1.0, 0.0]}},
    }
    assert gate.ask("POST", gate.v1(name, "api/v1.0/feedback"), feedback).status == 200
    broken = {"response": {"meta": {"puid": "x"}}, "nonsense": 1}
    assert gate.ask("POST", gate.v1(name, "api/v1.0/feedback"), broken).status == 400
    for _ in range(100):
        logged = gate.deployments.payloads(name)
        rows = logged.filter(logged["request_id"].is_in([answer.request_id, f"of-{name}"]))
        if rows.height == 4:
            break
    assert rows.height == 4
    assert rows["prediction"].to_list()[:2] == rows["prediction"].to_list()[2:]
    assert rows["x0"].to_list()[:2] == pytest.approx(frame["x0"].head(2).tolist())
    given = gate.deployments.payloads_feedback(name)
    assert given.filter(given["request_id"] == f"of-{name}")["truth"].to_list() == [[1.0, 0.0]]


def test_the_lean_runtime_is_one_process_with_less_memory(gate: Gate) -> None:
    import psutil

    memory = {}
    for row in ProcessTable(gate.deployments._project.database).rows():
        root = psutil.Process(row.identity.pid)
        parts = [root, *root.children(recursive=True)]
        memory[row.deployment] = sum(part.memory_full_info().pss for part in parts), len(parts)
    assert memory["open-inference"][1] == 1
    assert memory["open-inference"][0] < memory["seldon-core"][0]


def test_an_unknown_runtime_is_refused_before_anything_is_built(gate: Gate) -> None:
    with pytest.raises(NotFound, match="no serving runtime 'triton'") as refused:
        gate.deployments.deploy("other", version="flights/1", runtime="triton")
    assert "seldon-core" in refused.value.why
    with pytest.raises(NotFound):
        gate.deployments.show("other")


def test_a_version_that_answers_does_not_change_its_runtime(
    gate: Gate, frame: pd.DataFrame
) -> None:
    before = ProcessTable(gate.deployments._project.database).rows()
    with pytest.raises(Conflict, match="deployed already on seldon-core"):
        gate.deployments.deploy("seldon-core", version="flights/1", runtime="open-inference")
    gate.deployments.deploy("seldon-core", version="flights/1", runtime="seldon-core")
    assert gate.deployments.predict("seldon-core", frame.head(2)).version == "v1"
    assert ProcessTable(gate.deployments._project.database).rows() == before
