"""Calls by gRPC, of both protocols and on every runtime, through the real gateway; the other half
of `test_runtimes`. Messages are written by hand (`wire`), and Seldon's own clients speak too.
"""

from __future__ import annotations

import base64
import json
import math
import os
import signal
import struct
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
from wire import (
    SELDON,
    V2,
    Caller,
    doubles,
    field,
    read,
    tensor_answer,
    tensor_request,
    value,
    varint,
)

from jupyter_mlinfra.deployments import Deployments, environment
from jupyter_mlinfra.deployments.packaging import load_bundle
from jupyter_mlinfra.deployments.runtime import open_inference
from jupyter_mlinfra.deployments.runtime.contract import Column
from jupyter_mlinfra.deployments.runtime.table import TableContract
from jupyter_mlinfra.deployments.runtimes import load_runtime
from jupyter_mlinfra.deployments.targets.process_table import ProcessTable

MLSERVER = bool(os.environ.get("MLINFRA_TEST_MLSERVER"))
RUNTIMES = ("seldon-core", "open-inference", *(["mlserver"] if MLSERVER else []))
FP64, INT64, BOOL = "FP64", "INT64", "BOOL"
CONTENTS = {FP64: 7, INT64: 3, BOOL: 1}


def until(happened: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def gate(
    tmp_path_factory: pytest.TempPathFactory, models: Mapping[int, Path], kit: ModuleType
) -> Iterator[Deployments]:
    """Version 1 on each runtime, with one process each."""
    project = kit.open_project(tmp_path_factory.mktemp("calls"), "[deployments]\nworkers = 1\n")
    found = Deployments(project, kit.Registry(models))
    for runtime in reversed(RUNTIMES):
        found.deploy(runtime, version="flights/1", runtime=runtime)
    yield found
    kit.clean_up(project)


@pytest.fixture(scope="module")
def caller(gate: Deployments) -> Iterator[Caller]:
    found = Caller(gate.show(RUNTIMES[0]).deployment.urls["grpc"])
    yield found
    found.close()


@pytest.fixture(scope="module")
def frame(kit: ModuleType) -> pd.DataFrame:
    found: pd.DataFrame = kit.make_frame(50, 5)
    assert found[kit.GAPS].isna().any()
    return found


@pytest.fixture(params=RUNTIMES)
def name(request: pytest.FixtureRequest) -> str:
    """The deployment, named after its runtime."""
    found: str = request.param
    return found


def datatype(column: pd.Series[Any]) -> str:
    return {"f": FP64, "i": INT64, "b": BOOL}[column.dtype.kind]


def infer_request(model: str, frame: pd.DataFrame, *, raw: bool, id: str = "") -> bytes:
    """A ModelInferRequest with one input per column."""
    message, blobs = field(1, model) + (field(3, id) if id else b""), b""
    for column in frame:
        values, kind = frame[column].tolist(), datatype(frame[column])
        contents = (
            doubles(values) if kind == FP64 else b"".join(varint(int(item)) for item in values)
        )
        tensor = field(1, column) + field(2, kind) + field(3, varint(len(values)))
        if raw:
            blobs += field(7, frame[column].to_numpy().tobytes())
        else:
            tensor += field(5, field(CONTENTS[kind], contents))
        message += field(5, tensor)
    return message + blobs


def infer_answer(message: bytes) -> list[float]:
    """The FP32 values of a ModelInferResponse's one output, typed or raw."""
    found = read(message)
    (output,) = found[5]
    parts = read(output)
    assert parts[2] == [b"FP32"]
    (data,) = found[6] if 6 in found else read(parts[5][0])[6]
    return list(struct.unpack(f"<{len(data) // 4}f", data))


def test_calls_of_both_protocols_give_the_answers_of_the_model(
    gate: Deployments, caller: Caller, frame: pd.DataFrame, models: Mapping[int, Path], name: str
) -> None:
    import xgboost

    booster = xgboost.Booster(model_file=models[1] / "model.ubj")
    expected = booster.predict(xgboost.DMatrix(frame))
    for raw in (False, True):
        done = caller.call(V2 + "ModelInfer", infer_request(name, frame, raw=raw))
        assert done.code == "OK", done.text
        assert done.metadata["x-mlinfra-version"] == "v1"
        assert np.abs(np.array(infer_answer(done.message)) - expected).max() <= 1e-6
        head = read(done.message)
        assert (head[1], head[2]) == ([name.encode()], [b"v1"])
    rows = frame.astype(float).to_numpy().tolist()  # NaN is missing
    done = caller.call(SELDON + "Predict", tensor_request(list(frame), rows), seldon=name)
    assert done.code == "OK", done.text
    assert np.abs(np.array(tensor_answer(done.message)) - expected).max() <= 1e-6
    listed = [[None if math.isnan(item) else item for item in row] for row in rows]
    data = b"".join(field(1, column) for column in frame)
    data += field(3, b"".join(field(1, value(row)) for row in listed))
    model = SELDON.replace("Seldon/", "Model/")  # a microservice's own service
    done = caller.call(model + "Predict", field(3, data), seldon=name, namespace="test")
    assert done.code == "OK", done.text
    values = read(read(read(done.message)[3][0])[3][0])[1]
    found = [struct.unpack("<d", read(item)[2][0])[0] for item in values]
    assert np.abs(np.array(found) - expected).max() <= 1e-6


def test_health_and_metadata_are_called_too(caller: Caller, frame: pd.DataFrame, name: str) -> None:
    for what in ("ServerLive", "ServerReady"):
        assert read(caller.call(V2 + what).message) == {1: [1]}
    assert read(caller.call(V2 + "ServerMetadata").message)[1] == [b"jupyter-mlinfra"]
    assert read(caller.call(V2 + "ModelReady", field(1, name)).message) == {1: [1]}
    found = read(caller.call(V2 + "ModelMetadata", field(1, name)).message)
    assert found[1] == [name.encode()]
    types = {read(item)[1][0].decode(): read(item)[2][0].decode() for item in found[4]}
    assert types == {column: datatype(frame[column]) for column in frame}


def test_a_call_that_does_not_fit_gets_the_status_and_the_words(
    caller: Caller, frame: pd.DataFrame, name: str
) -> None:
    good = infer_request(name, frame.head(2), raw=False)
    short = infer_request(name, frame.head(2).drop(columns="flag"), raw=True)
    infer = V2 + "ModelInfer"
    cases = [
        (infer, infer_request("nobody", frame, raw=True), {}, "NOT_FOUND", "no deployment"),
        (infer, b"", {}, "NOT_FOUND", "no deployment"),
        (infer, good + field(2, "v9"), {"seldon": name}, "OK", ""),  # the metadata routes
        (infer, field(1, name) + field(2, "v9"), {}, "NOT_FOUND", "no such version"),
        (infer, good, {"x_mlinfra_version": "v9"}, "NOT_FOUND", "no such version"),
        (infer, good, {"seldon": name, "namespace": "other"}, "NOT_FOUND", "no deployment"),
        (infer, infer_request("x", frame, raw=True), {"seldon": name}, "NOT_FOUND", "no model x"),
        (infer, short, {}, "INVALID_ARGUMENT", "Missing: flag"),
        (infer, b"\xff", {"seldon": name}, "INVALID_ARGUMENT", "no ModelInferRequest"),
        (infer, good + field(7, "x"), {}, "INVALID_ARGUMENT", "raw contents"),
        (SELDON + "Predict", b"", {"seldon": name}, "INVALID_ARGUMENT", "no data"),
        (V2 + "RepositoryIndex", b"", {"seldon": name}, "UNIMPLEMENTED", "no call"),
        (infer, field(1, name) + bytes(9 << 20), {}, "RESOURCE_EXHAUSTED", "too large"),
    ]
    for path, message, metadata, code, text in cases:
        done = caller.call(path, message, **metadata)
        assert (done.code, text in done.text) == (code, True), (path, metadata, done)


def test_calls_are_logged_and_their_feedback_too(
    gate: Deployments, caller: Caller, frame: pd.DataFrame, name: str
) -> None:
    mine = f"call-of-{name}"
    assert (
        caller.call(V2 + "ModelInfer", infer_request(name, frame.head(2), raw=True, id=mine)).code
        == "OK"
    )
    refused, bad = tensor_request(["nonsense"], [[1.0]]), f"bad-{name}"
    done = caller.call(SELDON + "Predict", refused, seldon=name, x_request_id=bad)
    assert done.code == "INVALID_ARGUMENT"
    truth = field(3, field(2, field(1, varint(2)) + field(2, doubles([1.0, 0.0]))))
    response = field(2, field(2, field(1, mine)))
    feedback = response + varint(3 << 3 | 5) + struct.pack("<f", 0.5) + field(4, truth)
    assert caller.call(SELDON + "SendFeedback", feedback, seldon=name).code == "OK"

    def logged() -> bool:
        rows = gate.payloads(name)
        return rows.filter(rows["request_id"] == mine).height == 2

    until(logged)
    rows = gate.payloads(name)
    rows = rows.filter(rows["request_id"] == mine)
    assert rows["x0"].to_list() == pytest.approx(frame["x0"].head(2).tolist())
    until(lambda: mine in gate.payloads_feedback(name)["request_id"].to_list())
    given = gate.payloads_feedback(name)
    given = given.filter(given["request_id"] == mine)
    assert (given["truth"].to_list(), given["reward"].to_list()) == ([[1.0, 0.0]], [0.5])
    until(lambda: bad in gate.payloads_refused(name)["request_id"].to_list())
    failed = gate.payloads_refused(name)
    (text,) = failed.filter(failed["request_id"] == bad)["request"].to_list()
    assert json.loads(text)["data"]["names"] == ["nonsense"]


def seldon_script(gate: Deployments, script: str) -> list[str]:
    """A program of seldon-core's, from the environment that serves the model with it."""
    row = gate._store.deployment("open-inference").versions[0]
    bundle = load_bundle(Path(row.bundle))
    python = environment.ensure(
        bundle.requirements,
        environment.cache_folder(gate._project.settings),
        recipe=load_runtime("seldon-core").recipe,
    )
    return [str(python), str(python.parent / script)]


@pytest.fixture(scope="module")
def contract(frame: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What Seldon's testers make rows from."""
    whole = {"dtype": "INT", "ftype": "continuous", "range": [0, 1]}
    fraction = {"dtype": "FLOAT", "ftype": "continuous", "range": [-1, 1]}
    features = [
        {"name": column, **(fraction if datatype(frame[column]) == FP64 else whole)}
        for column in frame
    ]
    file = tmp_path_factory.mktemp("contract") / "contract.json"
    file.write_text(json.dumps({"features": features, "targets": []}))
    return str(file)


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["--grpc"], ["--grpc", "-t"]], ids=" ".join)
def test_seldons_own_tester_of_the_api_is_answered(
    gate: Deployments, contract: str, name: str, options: list[str]
) -> None:
    host, port = gate.show(name).deployment.urls["grpc"].split(":")
    where = [contract, host, port, name, "--namespace", "test", "-b", "3", "-n", "2", "-p"]
    command = [*seldon_script(gate, "seldon-core-api-tester"), *where, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.count(f"'{name}': 'v1'") == 2, done.stdout + done.stderr


def ask_with(
    gate: Deployments, package: str, script: str, frame: pd.DataFrame, *arguments: str
) -> Any:
    """What a script in `support` finds with a foreign client, in an environment of the client's."""
    python = environment.ensure(
        [package],
        environment.cache_folder(gate._project.settings),
        recipe=environment.Recipe(f"environment of {package}", packages=(), overrides=()),
    )
    columns = {
        column: [datatype(frame[column]), json.loads(frame[column].to_json(orient="values"))]
        for column in frame
    }
    file = Path(__file__).parents[1] / "support" / script
    command, text = [str(python), str(file), *arguments], json.dumps(columns)
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(not MLSERVER, reason="needs Triton's client; run `make mlserver`")
def test_tritons_client_is_answered(gate: Deployments, frame: pd.DataFrame, name: str) -> None:
    address = gate.show(name).deployment.urls["grpc"]
    found = ask_with(gate, "tritonclient[grpc]>=2.60", "triton_client.py", frame, address, name)
    expected = gate.predict(name, frame.round(10)).predictions
    assert np.abs(np.array([found["plain"], found["packed"]]) - expected).max() <= 1e-6
    assert (found["ready"], found["id"], found["refused"]) == (True, "mine", "StatusCode.NOT_FOUND")
    assert found["inputs"] == list(frame)


@pytest.mark.skipif(not MLSERVER, reason="needs Triton's client; run `make mlserver`")
def test_tritons_client_is_answered_by_http_compressed_or_not(
    gate: Deployments, frame: pd.DataFrame, name: str
) -> None:
    address = gate.show(name).deployment.urls["v2"].partition("/v2/")[0].removeprefix("http://")
    package, script = "tritonclient[http]>=2.60", "triton_http_client.py"
    found = ask_with(gate, package, script, frame, address, name)
    assert (found["ready"], found["ids"], found["inputs"]) == (True, ["mine"], list(frame))
    answers = found["answers"]
    expected = gate.predict(name, frame.round(10)).predictions
    for way in ("bytes", "gzip", "deflate"):
        assert np.abs(np.array(answers[way]) - expected).max() <= 1e-6, way
    assert answers["json"] == pytest.approx(answers["filled"], abs=1e-6)
    body, length = found["image"]
    contract = TableContract([Column("image", "binary")])
    batch = open_inference.read(base64.b64decode(body), contract, length).batch
    assert batch.columns == {"image": [b"\xff\xd8\0", b"a"]}


@pytest.mark.skipif(not MLSERVER, reason="needs KServe's clients; run `make mlserver`")
def test_kserves_clients_are_answered(
    gate: Deployments, frame: pd.DataFrame, models: Mapping[int, Path], name: str
) -> None:
    import xgboost

    booster = xgboost.Booster(model_file=models[1] / "model.ubj")
    expected = booster.predict(xgboost.DMatrix(frame.round(10)))
    urls = gate.show(name).deployment.urls
    where = urls["v2"].partition("/v2/")[0], urls["grpc"], name
    found = ask_with(gate, "kserve>=0.21", "kserve_client.py", frame, *where)
    refused = {"rest": 404, "grpc": "NOT_FOUND"}
    for way, answer in found.items():
        for values in answer.pop("values"):
            assert np.abs(np.array(values) - expected).max() <= 1e-6, way
        assert answer.pop("nobody ready", False) is False
        assert answer == {
            "ids": ["mine", "mine"],
            "versions": ["v1", "v1"],
            "live": True,
            "ready": True,
            "model ready": True,
            "inputs": list(frame),
            "refused": refused.pop(way),
        }
    assert not refused


@pytest.fixture(scope="module")
def lonely(
    tmp_path_factory: pytest.TempPathFactory, models: Mapping[int, Path], kit: ModuleType
) -> Iterator[Deployments]:
    """The only deployment of a project: two versions share the traffic."""
    project = kit.open_project(tmp_path_factory.mktemp("lonely"))
    found = Deployments(project, kit.Registry(models))
    found.deploy("open-inference", version="flights/1", runtime="open-inference")
    found.deploy("open-inference", version="flights/2", runtime="open-inference", traffic=50)
    yield found
    kit.clean_up(project)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["predict", "send-feedback"])
@pytest.mark.parametrize("options", [[], ["--grpc"], ["--grpc", "-t"]], ids=" ".join)
def test_seldons_own_tester_of_a_microservice_reaches_the_only_deployment(
    lonely: Deployments, contract: str, what: str, options: list[str]
) -> None:
    host, port = lonely.show("open-inference").deployment.urls["grpc"].split(":")
    where = [contract, host, port, "-b", "2", "-n", "2", "-p", "--endpoint", what]
    command = [*seldon_script(lonely, "seldon-core-microservice-tester"), *where, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.count("requestPath") == 2, done.stdout + done.stderr
    if what == "send-feedback":
        assert "None" not in done.stdout


def test_a_form_is_read_unless_a_browser_sends_it(gate: Deployments) -> None:
    deployment = gate.show("open-inference")
    form = {"json": json.dumps(deployment.sample)}
    url = deployment.deployment.url
    assert httpx.post(url, data=form).status_code == 200
    for header in ("Origin", "Sec-Fetch-Site"):
        assert httpx.post(url, data=form, headers={header: "null"}).status_code == 415


@pytest.mark.slow
def test_calls_are_shared_by_weight_and_a_version_can_be_named(
    lonely: Deployments, frame: pd.DataFrame
) -> None:
    caller = Caller(lonely.show("open-inference").deployment.urls["grpc"])
    message = infer_request("open-inference", frame.head(1), raw=True)

    def versions(number: int, text: bytes = message, **metadata: str) -> Counter[str]:
        done = [caller.call(V2 + "ModelInfer", text, **metadata) for _ in range(number)]
        assert {item.code for item in done} == {"OK"}
        return Counter(item.metadata["x-mlinfra-version"] for item in done)

    found = lonely.show("open-inference")
    root = found.deployment.url.partition("/seldon/")[0]
    form = {"json": json.dumps(found.sample)}
    assert httpx.post(f"{root}/predict", data=form).status_code == 200
    shares = versions(100)
    assert 25 <= shares["v1"] <= 75  # five deviations
    assert versions(20, field(1, "open-inference") + field(2, "v2") + message) == {"v2": 20}
    assert versions(20, x_mlinfra_version="v1") == {"v1": 20}
    caller.close()

    def counted() -> bool:
        rates = [
            item.requests_per_second for item in lonely.show("open-inference").deployment.versions
        ]
        return all(rate is not None and rate.value for rate in rates)

    until(counted)


@pytest.mark.slow
def test_a_killed_worker_costs_no_call(lonely: Deployments, frame: pd.DataFrame) -> None:
    address = lonely.show("open-inference").deployment.urls["grpc"]
    message = infer_request("open-inference", frame.head(1), raw=True)
    codes: Counter[str] = Counter()
    stop = threading.Event()

    def ask() -> None:
        caller = Caller(address)
        while not stop.is_set():
            codes[caller.call(V2 + "ModelInfer", message).code] += 1
        caller.close()

    crowd = [threading.Thread(target=ask) for _ in range(4)]
    for thread in crowd:
        thread.start()
    until(lambda: codes["OK"] > 100)
    rows = [r for r in ProcessTable(lonely._project.database).rows() if r.version == "v1"]
    os.killpg(rows[0].identity.pid, signal.SIGKILL)
    before = codes["OK"]
    until(lambda: codes["OK"] > before + 400)
    stop.set()
    for thread in crowd:
        thread.join()
    assert set(codes) == {"OK"}, codes
