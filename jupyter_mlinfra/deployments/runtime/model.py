"""The Seldon component that serves an XGBoost model: `seldon-core-microservice
mlinfra_runtime.model.Model`.

Seldon's own routes, error form and gunicorn server are used as they are; this class adds a cheap
prediction (bytes in, bytes out: PAYLOAD_PASSTHROUGH), an enforced signature, and a payload log that
never blocks.

Environment: MLINFRA_BUNDLE (folder with `bundle.json` and the model), MLINFRA_DEPLOYMENT,
MLINFRA_VERSION, MLINFRA_MODEL (`name/3`), MLINFRA_PAYLOADS (folder of the log; empty = none), and
those of `listen`.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import time
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import xgboost
from flask import Blueprint, Response, g, request
from werkzeug.exceptions import HTTPException

from . import guard, listen
from .answers import predictor
from .categories import with_categories
from .contract import Batch, Column, Contract, RequestRefused, answer
from .journal import BODY_BYTES, Journal

listen.on_private_socket()

PROBE = "x-mlinfra-probe"
"""Header of our own tests and measurements: answered like any request, but not in the
payload log.
"""

VERSION = "x-mlinfra-version"
REQUEST = "x-mlinfra-request"
"""Header of the gateway: new for each request, the same if the gateway retries it."""


class Model:
    """One model version. Created once before gunicorn forks; its threads call `predict_raw`."""

    def __init__(self) -> None:
        self.folder = Path(os.environ["MLINFRA_BUNDLE"])
        self.bundle: dict[str, Any] = json.loads((self.folder / "bundle.json").read_text())
        self.deployment, self.version, self.name = (
            os.environ[name] for name in ("MLINFRA_DEPLOYMENT", "MLINFRA_VERSION", "MLINFRA_MODEL")
        )
        self.output_names: list[str] = self.bundle["output_names"]
        self.model_error_handler = _blueprint(self)
        self.guard = guard.from_environment(RequestRefused)

    def load(self) -> None:
        """Read the model. Seldon swallows an AttributeError here, so it is raised as another error
        to make the start fail.
        """
        try:
            self._load()
        except AttributeError as error:
            raise RuntimeError(f"The model cannot be loaded: {error}") from error

    def _load(self) -> None:
        file = self.folder / self.bundle["model_file"]
        if hashlib.sha256(file.read_bytes()).hexdigest() != self.bundle["model_sha256"]:
            raise RuntimeError(f"{file.name} is not the file that was packaged.")
        booster = xgboost.Booster(model_file=str(file))
        # One thread per request: gunicorn's threads are the parallelism, and a pool of OpenMP
        # threads would not survive the fork.
        booster.set_param({"nthread": 1})
        columns = with_categories(
            _in_model_order(
                [
                    Column(**{**item, "categories": tuple(item["categories"])})
                    for item in self.bundle["columns"]
                ],
                booster,
            ),
            booster,
        )
        booster.feature_names = booster.feature_types = (
            None  # names are checked by the contract; XGBoost would check them again
        )
        self.contract = Contract(columns)
        self.predict = predictor(booster, self.bundle["model_class"], self.bundle["answers"])
        head = {
            "deployment": self.deployment,
            "version": self.version,
            "model": self.name,
            "names": self.contract.names,
            "categories": [column.categories for column in columns],
        }
        payloads = os.environ.get("MLINFRA_PAYLOADS", "")
        self.journal = Journal(Path(payloads), head) if payloads else None
        if self.journal is not None:
            atexit.register(self.journal.close)  # an orderly end loses nothing of the log

    def predict_raw(self, body: bytes) -> bytes:
        """Answer one request. Raises RequestRefused if it does not fit the signature."""
        started, arrived_at = time.perf_counter(), time.time()
        batch: Batch | None = None
        status, reason = 500, "the model failed"
        scores = np.empty(0)
        try:
            batch = self.contract.read(body)
            matrix = batch.matrix
            attempt = request.headers.get(guard.ATTEMPT)
            scores = self.guard.run(body, attempt, lambda: self.predict(matrix))
            status = 200
        except RequestRefused as refused:
            status, reason = refused.status, refused.what
            raise
        finally:
            self._log(
                batch,
                scores,
                _Outcome(status, reason, body, arrived_at, (time.perf_counter() - started) * 1000),
            )
        meta = {
            "puid": _request_id(batch),
            "requestPath": {self.deployment: self.version},
            "tags": {"version": self.version, "model": self.name},
        }
        return answer(batch, scores, self._names_of(scores), meta)

    def send_feedback_raw(self, feedback: Any) -> Any:
        """Record the reward or the true value of an earlier answer; the id is `response.meta.puid`
        (or `request.meta.puid`).
        """
        from google.protobuf import json_format

        message = json_format.MessageToDict(feedback)
        puid = _puid(message.get("response")) or _puid(message.get("request"))
        if not puid:
            raise RequestRefused(
                "The feedback names no request.",
                "response.meta.puid is missing.",
                "Send back the meta of the answer.",
            )
        data = message.get("truth", {}).get("data", {})
        truth = data.get("ndarray", data.get("tensor", {}).get("values"))
        if self.journal is not None:
            self.journal.put(
                {
                    "k": "f",
                    "id": puid,
                    "ts": time.time(),
                    "reward": message.get("reward", 0.0),
                    "truth": truth,
                }
            )
        return type(feedback.response)()

    def health_status(self) -> list[str]:
        """What `/health/status` answers."""
        return [self.deployment, self.version]

    def init_metadata(self) -> dict[str, Any]:
        """What `/api/v1.0/metadata` answers: Seldon's model metadata with the signature, and the
        kind of answers.
        """
        inputs = [
            {
                "messagetype": "tensor",
                "schema": {"names": self.output_columns(), "shape": [len(self.output_columns())]},
            }
        ]
        custom = {"answers": self.bundle["answers"]}
        return {
            "name": self.deployment,
            "versions": [self.version],
            "platform": "xgboost",
            "inputs": inputs,
            "outputs": [],
            "custom": custom,
        }

    def output_columns(self) -> list[str]:
        """Names of the outputs, known before the model is loaded."""
        return [item["name"] for item in self.bundle["columns"]]

    def _names_of(self, scores: np.ndarray) -> list[str]:
        """Class names as Seldon returns them: those of the signature if they fit, else t:0, t:1, …;
        none for one value per row.
        """
        width = scores.shape[1] if scores.ndim > 1 else 1
        if len(self.output_names) == width:
            return self.output_names
        return [f"t:{number}" for number in range(width)] if scores.ndim > 1 else []

    def note_refusal(self, refused: RequestRefused) -> None:
        """Log a request that was refused before it was read."""
        self._log(
            None,
            np.empty(0),
            _Outcome(refused.status, refused.what, request.get_data(), time.time(), 0.0),
        )

    def _log(self, batch: Batch | None, scores: np.ndarray, outcome: _Outcome) -> None:
        if self.journal is None or PROBE in request.headers:
            return
        ids = {"id": _request_id(batch), "u": request.headers.get(REQUEST) or _own_id()}
        entry = {
            "k": "p",
            **ids,
            "ts": outcome.arrived_at,
            "ms": round(outcome.milliseconds, 3),
            "st": outcome.status,
        }
        if outcome.status == 200 and batch is not None:
            # float64, as in the answer: float32 in decimal would be another number, and the log
            # must hold the number that was sent.
            self.journal.put(
                {**entry, "x": batch.matrix, "y": scores.astype(np.float64)}, batch.matrix.size
            )
        else:
            body = outcome.body[:BODY_BYTES].decode(errors="replace")
            self.journal.put(
                {**entry, "k": "e", "what": outcome.reason, "b": body}, 1 + len(body) // 8
            )


@dataclass(frozen=True, slots=True)
class _Outcome:
    """How a request ended. arrived_at: its arrival, in seconds since 1970."""

    status: int
    reason: str
    body: bytes
    arrived_at: float
    milliseconds: float


def _in_model_order(columns: list[Column], booster: xgboost.Booster) -> list[Column]:
    """The signature's columns in the order of the booster: an array has no names."""
    names = booster.feature_names
    if names is None or names == [column.name for column in columns]:
        return columns
    by_name = {column.name: column for column in columns}
    if set(names) == set(by_name):
        return [by_name[name] for name in names]
    if len(names) == len(columns) and list(by_name) == [
        f"f{number}" for number in range(len(columns))
    ]:
        # A signature without names.
        return [replace(column, name=name) for column, name in zip(columns, names, strict=True)]
    raise RuntimeError(
        f"Signature and model disagree on the inputs: {sorted(set(names) ^ set(by_name))[:5]}."
    )


def _request_id(batch: Batch | None) -> str:
    """The id that the caller and its feedback use for the request: its puid, else its x-request-id,
    else one of ours.
    """
    if batch is not None and batch.puid:
        return batch.puid
    header = request.headers.get("x-request-id", "")
    if 0 < len(header) <= 128 and header.isprintable():
        return header
    return _own_id()


def _own_id() -> str:
    if "request_id" not in g:
        g.request_id = str(uuid.uuid4())
    return str(g.request_id)


def _puid(message: Any) -> str:
    meta = message.get("meta") if isinstance(message, dict) else None
    puid = meta.get("puid") if isinstance(meta, dict) else None
    return puid if isinstance(puid, str) and 0 < len(puid) <= 128 and puid.isprintable() else ""


def _blueprint(model: Model) -> Blueprint:
    """Hooks that Seldon registers in its app: error bodies with what, why and fix; the version in
    each answer's header.
    """
    hooks = Blueprint("mlinfra", __name__)

    @hooks.before_app_request
    def only_json() -> None:
        # Any web page can post a form across origins; for JSON it needs a consent that is never
        # given here.
        if request.method == "POST" and not request.is_json:
            content_type = request.content_type or "none"
            refused = RequestRefused(
                "The request is not marked as JSON.",
                f"Its Content-Type is {content_type[:80]}.",
                "Send Content-Type: application/json.",
                status=415,
            )
            if request.path.endswith("/predictions"):
                model.note_refusal(refused)
            raise refused
        if request.method == "POST" and request.path.endswith("/feedback"):
            _check_feedback(request.get_data())

    @hooks.after_app_request
    def add_version(response: Response) -> Response:
        response.headers[VERSION] = model.version
        return response

    @hooks.app_errorhandler(RequestRefused)
    def refuse(refused: RequestRefused) -> Response:
        return Response(
            orjson.dumps(refused.to_json()), status=refused.status, mimetype="application/json"
        )

    @hooks.app_errorhandler(HTTPException)
    def refuse_http(error: HTTPException) -> Response:
        fix = "POST to api/v1.0/predictions." if error.code in (404, 405) else ""
        refused = RequestRefused(
            f"{request.method} {request.path[:200]}: {error.name}.",
            error.description or "",
            fix,
            status=error.code or 400,
        )
        return refuse(refused)

    return hooks


def _check_feedback(body: bytes) -> None:
    from google.protobuf import json_format
    from seldon_core.proto import prediction_pb2

    fix = (
        'Send {"response": {"meta": {"puid": "…"}}, "reward": 1.0, "truth": {"data": {"ndarray":'
        " [0.0]}}}."
    )
    try:
        json_format.Parse(body, prediction_pb2.Feedback())
    except (json_format.ParseError, UnicodeDecodeError) as error:
        raise RequestRefused("The feedback cannot be read.", str(error)[:300], fix) from None
