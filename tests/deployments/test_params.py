"""The parameters of a signature: what a request gives reaches the model as MLflow itself would hand
it on, by each protocol and each server; anything else is refused with its name. And what the model
says of its answers by Seldon's `tags` and `metrics`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from flask import Flask

from jupyter_mlinfra.deployments import logged, request_verbs, servable
from jupyter_mlinfra.deployments.bodies import open_inference_body, sample_body, with_params
from jupyter_mlinfra.deployments.packaging import Bundle, package
from jupyter_mlinfra.deployments.runtime import grpc_seldon, grpc_v2, listen, protos
from jupyter_mlinfra.deployments.runtime.asgi import Application
from jupyter_mlinfra.deployments.runtime.custom import MOST_SERIES, Custom
from jupyter_mlinfra.deployments.runtime.model import Model
from jupyter_mlinfra.deployments.runtime.params import Param, checked_params, of_parameters
from jupyter_mlinfra.deployments.runtime.refusal import RequestRefused
from jupyter_mlinfra.deployments.runtime.served import Served
from jupyter_mlinfra.deployments.spec import Deployment, DeploymentState
from jupyter_mlinfra.deployments.views import detail
from tests.deployments import test_requests as requests

DEFAULTS: dict[str, Any] = {
    "factor": 2.0,
    "count": 3,
    "names": ["a", "b"],
    "upper": False,
    "unit": "kg",
}
FRAME = pd.DataFrame({"x": [1.0, 2.0]})
V2 = "/v2/models/echo/infer"
V1 = "/api/v1.0/predictions"


def save(folder: Path, requirements: Sequence[str] = ("pandas",)) -> Path:
    """A model that answers the parameters that it got, after each row, and speaks of it."""
    import mlflow
    from mlflow.models import infer_signature

    class Echo(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
            given = {name: repr(value) for name, value in sorted(params.items())}
            self.asked = len(model_input)
            return [f"{value} {given}" for value in model_input["x"]]

        def tags(self) -> Any:
            return {"team": "blue", "rows": self.asked, "version": "forged"}

        def metrics(self) -> Any:
            return [{"type": "COUNTER", "key": "rows", "value": self.asked}]

    mlflow.pyfunc.save_model(
        folder,
        python_model=Echo(),
        signature=infer_signature(FRAME, ["text"], DEFAULTS),
        input_example=(FRAME, DEFAULTS),
        pip_requirements=list(requirements),
    )
    return folder


class Asked:
    """The packaged model in each server's own application, in this process."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        import mlflow

        self.bundle: Bundle = package(save(root / "model"), root / "bundles")
        self.logged = mlflow.pyfunc.load_model(str(root / "model"))
        for key, value in {
            "BUNDLE": str(self.bundle.folder),
            "DEPLOYMENT": "echo",
            "VERSION": "v1",
            "MODEL": "echo/1",
            "PAYLOADS": "",
        }.items():
            patch.setenv(f"MLINFRA_{key}", value)
        in_image = Flask("image")
        in_image.register_blueprint(Model().model_error_handler)
        self.rules_in_image = {str(rule) for rule in in_image.url_map.iter_rules()}
        patch.setenv("MLINFRA_SOCKET", "unused")
        seldon = Model()
        seldon.load()
        flask = Flask("seldon")
        flask.register_blueprint(seldon.model_error_handler)
        flask.add_url_rule(
            V1, "v1", lambda: seldon.predict_raw(_flask_body()).decode(), methods=["POST"]
        )
        self.flask, self.served = flask.test_client(), Served()
        self.served.load()
        self.lean = Application(self.served, 1)

    def ask(self, runtime: str, path: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        """Status and body of an answer."""
        text = json.dumps(body).encode()
        if runtime == "seldon-core":
            answer = self.flask.post(path, data=text, content_type="application/json")
            return answer.status_code, json.loads(answer.data)
        headers = {"content-type": "application/json"}
        status, reply = asyncio.run(self.lean.respond(path, "POST", text, headers.get))
        return status, json.loads(reply.body)

    def figure(self, runtime: str) -> float:
        """What the process has counted of the model's metric `rows`."""
        if runtime == "seldon-core":
            text = self.flask.get("/metrics").data.decode()
        else:
            _, reply = asyncio.run(self.lean.respond("/metrics", "GET", b"", lambda _: None))
            text = reply.body.decode()
        lines = [line for line in text.splitlines() if line.startswith("rows_total{")]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    def values(self, runtime: str, protocol: str, given: Mapping[str, Any]) -> tuple[int, Any]:
        """Status, and the answers to the sample with these parameters, or the refusal."""
        if protocol == "V1":
            body = with_params(sample_body(self.bundle), given)
            status, found = self.ask(runtime, V1, body)
            return status, found["data"]["ndarray"] if status == 200 else found
        body = {**open_inference_body(self.bundle, self.bundle.sample), "parameters": given}
        status, found = self.ask(runtime, V2, body)
        return status, found["outputs"][0]["data"] if status == 200 else found


def _flask_body() -> bytes:
    from flask import request

    return request.get_data()


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", list(sys.path))
        yield Asked(tmp_path_factory.mktemp("params"), patch)


@pytest.mark.parametrize("runtime", ["seldon-core", "open-inference"])
@pytest.mark.parametrize("protocol", ["V1", "V2"])
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"factor": 0.5},
        {"factor": 3, "count": 7},
        {"names": ["z"], "upper": True, "unit": "lb"},
        {"names": []},
    ],
)
def test_the_model_gets_what_mlflow_would_hand_on(
    asked: Asked, runtime: str, protocol: str, given: dict[str, Any]
) -> None:
    right = asked.logged.predict(FRAME, params=given)
    assert asked.values(runtime, protocol, given) == (200, list(right))


@pytest.mark.parametrize("protocol", ["V1", "V2"])
@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"temperature": 1.0}, "no parameter temperature"),
        ({"factor": "much"}, "factor has a wrong type"),
        ({"factor": True}, "factor has a wrong type"),
        ({"count": 1.5}, "count has a wrong type"),
        ({"count": 2**60}, "count has a wrong type"),
        ({"names": "z"}, "names has a wrong type"),
        ({"names": [1]}, "names has a wrong type"),
        ({"upper": 1}, "upper has a wrong type"),
        ({"unit": 5}, "unit has a wrong type"),
    ],
)
def test_a_parameter_that_does_not_fit_is_refused_by_its_name(
    asked: Asked, protocol: str, given: dict[str, Any], what: str
) -> None:
    status, found = asked.values("open-inference", protocol, given)
    assert status == 400
    assert what in found["what"]
    assert found["fix"]


@pytest.mark.parametrize("protocol", ["V1", "V2"])
def test_what_a_request_gives_is_in_the_payload_log_and_defaults_are_not(
    asked: Asked, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[dict[str, Any]] = []
    journal = SimpleNamespace(put=lambda entry, _: kept.append(entry))
    monkeypatch.setattr(asked.served, "journal", journal)
    given = {"names": ["z"], "factor": 0.5}
    for params in (given, {}, {"factor": "much"}):
        asked.values("open-inference", protocol, params)
    assert json.loads(kept[0]["q"]) == given
    assert [("q" in entry, entry["st"]) for entry in kept] == [
        (True, 200),
        (False, 200),
        (False, 400),
    ]


def test_a_logged_request_is_repeated_with_what_it_gave_unless_that_is_masked(
    tmp_path: Path,
) -> None:
    requests.logged(tmp_path, "v1", {**requests.answered(1), "q": '{"factor": 0.5}'})
    found = requests.detail(tmp_path)
    assert found.body["meta"] == {"tags": {"params": {"factor": 0.5}}}
    assert set(found.request.features) == {"a", "ssn"}
    hidden = requests.detail(tmp_path, ("fact*",))
    assert hidden.body is None
    assert "factor" in hidden.not_repeatable


def test_a_logged_request_is_repeated_with_what_the_version_takes_that_serves_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests.logged(tmp_path, "v1", {**requests.answered(1), "q": '{"factor": 0.5, "gone": 1}'})
    known = {"v1": ["factor", "gone"], "v2": ["factor"], "v3": []}
    asked = {
        name: SimpleNamespace(
            inputs=requests.INPUTS,
            asked=requests.SAMPLE,
            params=[Param(item, "double", 1.0) for item in params],
        )
        for name, params in known.items()
    }
    monkeypatch.setattr(request_verbs.RequestVerbs, "_masked", ())
    monkeypatch.setattr(request_verbs, "load_bundle", lambda path: asked[path.name])
    monkeypatch.setattr(request_verbs, "payload_folder", lambda *_: tmp_path)
    at = datetime.fromtimestamp(requests.START + 1, UTC).isoformat()
    for serving, meta in {
        "v1": {"tags": {"params": {"factor": 0.5, "gone": 1}}},
        "v2": {"tags": {"params": {"factor": 0.5}}},
        "v3": None,
    }.items():
        row = SimpleNamespace(
            packaged=SimpleNamespace(version=serving),
            version=lambda name: SimpleNamespace(bundle=name),
        )
        verbs: Any = request_verbs.RequestVerbs()
        verbs._store = SimpleNamespace(deployment=lambda _, row=row: row)
        verbs._project, verbs._labelled = None, None
        verbs.request_code = lambda *_: {}
        found = verbs.request("flights", "r1", at=at)
        assert (found.body.get("meta"), found.request.version) == (meta, "v1"), serving


def test_what_clients_of_the_protocol_send_of_their_own_is_no_parameter(asked: Asked) -> None:
    own = {"content_type": "pd", "sequence_id": 5, "triton_enable_empty_final_response": True}
    status, found = asked.values("open-inference", "V2", {**own, "factor": 0.5})
    assert (status, found) == (200, list(asked.logged.predict(FRAME, params={"factor": 0.5})))


def test_a_name_of_the_protocols_extensions_is_a_parameter_if_the_signature_has_it() -> None:
    given = {"timeout": 5, "triton_limit": 1, "priority": 2, "binary_data_output": True, "new": 3}
    known = [Param("timeout", "long", 1), Param("triton_limit", "long", 1)]
    assert of_parameters(known, given) == {"timeout": 5, "triton_limit": 1, "new": 3}
    assert of_parameters([], given) == {}
    signature = {"params": json.dumps([{"name": "binary_data_output", "dtype": "boolean"}])}
    with pytest.raises(logged.Unreadable, match="binary_data_output"):
        logged._params({"signature": signature}, "pyfunc")


SIZES = {"width": {"type": "long"}, "unit": {"type": "string", "required": False}}
TYPED = [
    Param("since", "datetime", None),
    Param("size", "object", {}, spec={"properties": SIZES}),
    Param("days", "datetime", [], is_list=True),
    Param("whole", "integer", 1),
]


@pytest.mark.parametrize(
    ("name", "given", "taken"),
    [
        ("since", "2026-03-01T12:00:00+02:00", "2026-03-01T10:00:00"),
        ("since", None, None),
        ("size", {"width": 3}, {"width": 3}),
        ("size", '{"width": 3, "unit": "m"}', {"width": 3, "unit": "m"}),
        ("days", ["2026-03-01"], ["2026-03-01T00:00:00"]),
        ("days", '["2026-03-01", null]', ["2026-03-01T00:00:00", None]),
        ("whole", 7.0, 7),
        ("whole", "7", 7),
    ],
)
def test_dates_and_objects_become_what_the_model_takes(name: str, given: Any, taken: Any) -> None:
    found = checked_params(TYPED, {name: given})
    assert found == {name: taken}
    assert type(found[name]) is type(taken)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("since", "yesterday"),
        ("since", 20260301),
        ("size", {"unit": "m"}),
        ("size", {"width": "wide"}),
        ("size", {"width": 3, "depth": 1}),
        ("size", [3]),
        ("days", "2026-03-01"),
        ("whole", 2**31),
        ("whole", '"7"'),
    ],
)
def test_dates_and_objects_of_another_form_are_refused(name: str, given: Any) -> None:
    with pytest.raises(RequestRefused, match=f"Parameter {name} has a wrong type"):
        checked_params(TYPED, {name: given})


def test_calls_carry_parameters_lists_and_fractions_as_json_text(asked: Asked) -> None:
    right = list(asked.logged.predict(FRAME, params={"factor": 0.5, "count": 7, "names": ["z"]}))
    message = protos.v2("ModelInferRequest")(model_name="echo")
    message.inputs.add(name="x", datatype="FP64", shape=[2]).contents.fp64_contents.extend([1, 2])
    for name, kind, value in (
        ("factor", "string_param", "0.5"),
        ("count", "int64_param", 7),
        ("names", "string_param", '["z"]'),
    ):
        setattr(message.parameters.add(key=name).value, kind, value)
    body, length = grpc_v2.to_body(message)
    headers = {"inference-header-content-length": str(length)}
    reply = asked.served.open_inference(body, headers.get)
    head = int(reply.headers["inference-header-content-length"])
    answer = grpc_v2.from_body(reply.body, head, raw=False)
    assert [item.decode() for item in answer.outputs[0].contents.bytes_contents] == right
    seldon = protos.seldon("SeldonMessage")()
    given = seldon.meta.tags.add(key="params").value.struct_value.fields
    given["factor"].number_value, given["count"].number_value = 0.5, 7
    given["names"].list_value.values.add().string_value = "z"
    seldon.data.names.append("x")
    for number in (1.0, 2.0):
        seldon.data.ndarray.values.add().list_value.values.add().number_value = number
    reply = asked.served.seldon_v1(grpc_seldon.to_body(seldon), lambda _: None)
    assert json.loads(reply.body)["data"]["ndarray"] == right


@pytest.mark.parametrize("runtime", ["seldon-core", "open-inference"])
def test_the_models_own_tags_and_metrics_come_with_the_answer_and_are_counted(
    asked: Asked, runtime: str
) -> None:
    before = asked.figure(runtime)
    _, found = asked.ask(runtime, V1, sample_body(asked.bundle))
    assert found["meta"]["tags"] == {
        "team": "blue",
        "rows": len(FRAME),
        "version": "v1",  # who has answered is not for the model to say
        "model": "echo/1",
    }
    assert found["meta"]["metrics"] == [{"type": "COUNTER", "key": "rows", "value": len(FRAME)}]
    message = grpc_seldon.from_body(json.dumps(found).encode())
    (metric,) = message.meta.metrics
    assert (metric.key, metric.type, metric.value) == ("rows", 0, len(FRAME))
    tags = {item.key: item.value for item in message.meta.tags}
    assert (tags["team"].string_value, tags["rows"].number_value) == ("blue", len(FRAME))
    _, found = asked.ask(runtime, V2, open_inference_body(asked.bundle, asked.bundle.sample))
    assert found["parameters"] == {"team": "blue", "rows": len(FRAME), "version": "forged"}
    assert found["model_version"] == "v1"
    assert asked.figure(runtime) == before + 2 * len(FRAME)


def test_a_model_that_takes_none_says_so_where_its_place_is_ours(
    models: Mapping[int, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = package(models[1], tmp_path / "bundles")
    monkeypatch.setenv("MLINFRA_BUNDLE", str(bundle.folder))
    for name in ("DEPLOYMENT", "VERSION", "MODEL"):
        monkeypatch.setenv(f"MLINFRA_{name}", "flights")
    lean = Application(served := Served(), 1)
    served.load()
    body = json.dumps(with_params(sample_body(bundle), {"factor": 1.0})).encode()
    headers = {"content-type": "application/json"}
    status, reply = asyncio.run(lean.respond(V1, "POST", body, headers.get))
    assert status == 400
    assert json.loads(reply.body)["what"] == "The model has no parameter factor."


def test_the_signature_that_is_shown_lists_them_and_the_sample_has_them(asked: Asked) -> None:
    shown = detail(_deployment(), asked.bundle, ())
    assert {item["name"]: item["default"] for item in shown.params} == DEFAULTS
    assert {item["name"]: item["type"] for item in shown.params}["count"] == "long"
    assert shown.sample is not None
    assert shown.sample["meta"] == {"tags": {"params": DEFAULTS}}
    status, found = asked.ask("open-inference", V1, shown.sample)
    assert (status, found["data"]["ndarray"]) == (200, list(asked.logged.predict(FRAME))[:1])


def test_an_xgboost_model_with_parameters_is_asked_by_its_pyfunc_which_alone_takes_them() -> None:
    flavors = {"xgboost": {"data": "model.ubj"}, "python_function": {}}
    inputs = '[{"name": "x", "type": "double"}]'
    plain = {"flavors": flavors, "signature": {"inputs": inputs}}
    params = '[{"name": "output_margin", "type": "boolean", "default": true, "shape": null}]'
    with_params = {"flavors": flavors, "signature": {"inputs": inputs, "params": params}}
    assert servable.engine_of(plain) == "xgboost"
    assert servable.engine_of(with_params) == "pyfunc"


def _deployment() -> Deployment:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Deployment(
        ref="deployment:echo",
        name="echo",
        namespace="test",
        target="local",
        state=DeploymentState.HEALTHY,
        url="",
        urls={},
        versions=[],
        created_at=at,
        updated_at=at,
    )


def test_in_an_image_seldons_metrics_server_alone_says_what_all_workers_have_counted(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "/api/v1.0/explain" in asked.rules_in_image
    assert "/metrics" not in asked.rules_in_image
    counted: list[Any] = []

    class Metrics:
        """Stands in for Seldon's."""

        def update(self, metrics: Sequence[Any], method: str) -> None:
            counted.extend((method, item["key"], item["tags"]) for item in metrics)

    class Talking:
        """A model that invents names without end, and takes labels that are Seldon's."""

        def metrics(self) -> Any:
            tags = {"worker_id": "7", "team": "blue"}
            return [
                {"type": "GAUGE", "key": f"g-{number}", "value": 1, "tags": tags}
                for number in range(MOST_SERIES + 5)
            ]

    monkeypatch.setattr(listen, "_metrics", [Metrics()])
    Custom(Talking(), listen.count_by_seldon).said()
    assert len(counted) == MOST_SERIES
    assert counted[0] == ("predict", "g_0", {"team": "blue"})
