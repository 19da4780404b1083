"""The Seldon component: `seldon-core-microservice mlinfra_runtime.model.Model`.

Seldon's own routes, error form and gunicorn server are used as they are; this class adds a cheap
prediction (bytes in, bytes out: PAYLOAD_PASSTHROUGH), an enforced signature, a payload log, and the
routes of the Open Inference Protocol in the same process. What is refused has the words of all
runtimes.

Environment: that of `served` and of `listen`.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import time
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson
from flask import Blueprint, Request, Response, current_app, request
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import HTTPException

from . import compression, forms, grpc_calls, grpc_server, listen, seldon_v1
from .refusal import RequestRefused, failed
from .served import VERSION, Progress, Reply, Served

if TYPE_CHECKING:
    from .served import Headers

listen.on_private_socket()
listen.note_metrics()
grpc_server.answer_alike()

JSON = "application/json"


class Model(Served):
    """One model version. Created once before gunicorn forks; its threads call `predict_raw`."""

    def __init__(self) -> None:
        super().__init__()
        self.model_error_handler = _blueprint(self)
        self.on_metrics = listen.count_by_seldon

    def load(self) -> None:
        """Read the model. Seldon swallows an AttributeError here, so it is raised as another error
        to make the start fail.

        What is loaded is left out of garbage collection: the first full one of a process writes to
        each object, and so copies what it shares (for Feast's modules 63 MiB).
        """
        try:
            super().load()
        except AttributeError as error:
            raise RuntimeError(f"The model cannot be loaded: {error}") from error
        gc.collect()
        gc.freeze()

    def predict_raw(self, body: bytes | str) -> bytes:
        """Answer one request, a text if it came in a form. Raises RequestRefused if it does not fit
        the signature.
        """
        body = body if isinstance(body, bytes) else body.encode()
        with _failures():
            return self.seldon_v1(body, _headers()).body

    def send_feedback_raw(self, feedback: Any) -> Any:
        """Record feedback; see `Served.feedback`."""
        from google.protobuf import json_format

        self.feedback(json_format.MessageToDict(feedback))
        return type(feedback.response)()

    def health_status(self) -> list[str]:
        """What `/health/status` answers."""
        return [self.deployment, self.version]

    def init_metadata(self) -> dict[str, Any]:
        """What `/api/v1.0/metadata` answers."""
        return self.seldon_metadata()

    def note_refusal(self, refused: RequestRefused, body: bytes) -> None:
        """Log a request that was refused before it was read, unless it is feedback."""
        if request.path.endswith(("/predictions", "/infer")):
            progress = Progress(status=refused.status, reason=refused.what)
            self.log(progress, body, request.headers.get, time.perf_counter())


@lru_cache(64)
def _key(name: str) -> str:
    """Of a header in WSGI."""
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


def _headers() -> Headers:
    """Those of the request. Werkzeug's own reader of them takes eight times as long."""
    environ = request.environ
    return lambda name: environ.get(_key(name))


class _Request(Request):
    """Seldon's reader first looks for a form in each body."""

    @property
    def want_form_data_parsed(self) -> bool:
        """JSON is none."""
        return self.environ.get("CONTENT_TYPE") != JSON and super().want_form_data_parsed


@contextlib.contextmanager
def _failures() -> Iterator[None]:
    """What the model raises, as a refusal: Seldon's handler of exceptions leaves out `error`, and
    what, why and fix.
    """
    try:
        yield
    except RequestRefused:
        raise
    except Exception as error:
        raise failed(error) from error


def _blueprint(model: Model) -> Blueprint:
    """Hooks and routes that Seldon registers in its app: error bodies with what, why and fix; the
    version in each answer's header; the Open Inference Protocol.
    """
    hooks = Blueprint("mlinfra", __name__)

    @hooks.before_app_request
    def only_json() -> Response | None:
        return _read_first(model) if request.method == "POST" else None

    @hooks.after_app_request
    def add_version(response: Response) -> Response:
        response.headers[VERSION] = model.version
        return response

    @hooks.record_once
    def change(state: BlueprintSetupState) -> None:
        app: Any = state.app
        app.request_class = _Request
        # Flask looks at each function, with each request, whether it is a coroutine. None is.
        app.ensure_sync = lambda function: function
        # The gateway limits bodies; releases of Flask refuse forms above 500 kB. A container for a
        # cluster has no gateway.
        if os.environ.get("MLINFRA_SOCKET"):
            app.config["MAX_FORM_MEMORY_SIZE"] = None

    _add_refusals(hooks)
    _add_routes(hooks, model)
    _add_grpc(hooks, model)
    return hooks


def _read_first(model: Model) -> Response | None:
    """What was posted, before Seldon's own reader: without its compression; the answer to feedback,
    which that reader would refuse in the words of protobuf. Raises RequestRefused for what is not
    marked as JSON: any web page can post a form across origins; for JSON it needs a consent that is
    never given here.
    """
    environ = request.environ
    if environ.get("CONTENT_TYPE") == JSON and "HTTP_CONTENT_ENCODING" not in environ:
        return _feedback(model, request.get_data())
    if grpc_calls.is_call(request.path, request.content_type):
        return None
    binary = request.path.endswith("/infer") and request.mimetype == "application/octet-stream"
    if compression.is_encoded(request.headers.get):
        request.stream = io.BytesIO(_inflated(model))
    # Seldon's own reader takes the field `json` of a form.
    v1 = not request.path.startswith("/v2/")
    form = forms.json_of(request.get_data(), request.headers.get) if v1 else None
    untyped = forms.is_untyped(request.path, request.headers.get)
    if not (request.is_json or binary or form or untyped):
        refused = RequestRefused(
            "The request is not marked as JSON.",
            f"Its Content-Type is {request.mimetype[:80] or 'none'}.",
            "Send Content-Type: application/json.",
            status=415,
        )
        model.note_refusal(refused, request.get_data())
        raise refused
    return _feedback(model, form or request.get_data())


def _feedback(model: Model, body: bytes) -> Response | None:
    """Record feedback, and answer it; None for other requests."""
    if not request.path.endswith("/feedback"):
        return None
    model.feedback(seldon_v1.feedback(body))
    return _json({})


def _add_refusals(hooks: Blueprint) -> None:
    @hooks.app_errorhandler(RequestRefused)
    def refuse(refused: RequestRefused) -> Response:
        text = orjson.dumps(refused.to_json())
        return Response(text, refused.status, headers=dict(refused.headers), mimetype=JSON)

    @hooks.app_errorhandler(HTTPException)
    def refuse_http(error: HTTPException) -> Response:
        if error.code in (404, 405):
            return refuse(_wrong_path())
        what = f"{request.method} {request.path[:200]}: {error.name}."
        status = error.code or 400
        return refuse(RequestRefused(what, error.description or "", status=status))


def _wrong_path() -> RequestRefused:
    """Whether it is the path or the method that is wrong. Flask cannot tell: Seldon's app has a
    route for static files that takes each path by GET.
    """
    adapter, known = current_app.create_url_adapter(request), False
    assert adapter is not None
    for method in ("GET", "POST"):
        with contextlib.suppress(HTTPException):
            known |= adapter.match(method=method)[0] != "static"
    return seldon_v1.wrong_path(request.method, request.path, known=known)


def _inflated(model: Model) -> bytes:
    """The body without its compression; it is logged if it is refused."""
    body = request.stream.read()
    try:
        return compression.plain(body, request.headers.get)
    except RequestRefused as refused:
        model.note_refusal(refused, body)
        raise


def _add_grpc(hooks: Blueprint, model: Model) -> None:
    calls = grpc_calls.Calls(model)

    def call(**_: str) -> Response:
        status, body, headers = calls.answer(request.path, request.get_data(), request.headers.get)
        return Response(body, status=status, headers=headers)

    hooks.add_url_rule(f"{grpc_calls.SELDON}<service>/<method>", "seldon", call, methods=["POST"])
    hooks.add_url_rule(f"{grpc_calls.V2}<method>", "v2", call, methods=["POST"])


def _add_routes(hooks: Blueprint, model: Model) -> None:
    """Those that Seldon's server does not have."""
    name = f"/v2/models/{model.deployment}"
    paths = (name, f"{name}/versions/{model.version}")

    def explain() -> Response:
        with _failures():
            return _response(model.explain(request.get_data(), request.headers.get))

    hooks.add_url_rule("/api/v1.0/explain", "explain", explain, methods=["POST"])

    def figures() -> Response:
        return Response(model.figures(), mimetype="text/plain")

    # Elsewhere Seldon's metrics server has them, and of all workers: here one would answer for
    # itself, another one each time.
    if os.environ.get("MLINFRA_SOCKET"):
        hooks.add_url_rule("/metrics", "figures", figures)

    def infer() -> Response:
        with _failures():
            return _response(model.open_inference(request.get_data(), _headers()))

    def ready() -> Response:
        return _json({"name": model.deployment, "ready": True})

    def metadata() -> Response:
        return _json(model.metadata())

    for number, path in enumerate(paths):
        hooks.add_url_rule(f"{path}/infer", f"infer{number}", infer, methods=["POST"])
        hooks.add_url_rule(f"{path}/ready", f"ready{number}", ready)
        hooks.add_url_rule(path, f"metadata{number}", metadata)


def _json(value: Any) -> Response:
    return Response(orjson.dumps(value), mimetype=JSON)


def _response(reply: Reply) -> Response:
    return Response(reply.body, headers={"Content-Type": JSON, **reply.headers})
