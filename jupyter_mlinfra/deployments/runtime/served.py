"""One model version in a serving process, whatever server carries it: a body in, a body out, and a
payload log that never blocks.

The Seldon component (`model`), the lean server (`asgi`) and MLServer's runtime ask the same object,
so that they answer the same.

Environment: MLINFRA_BUNDLE (folder with `bundle.json` and the model), MLINFRA_DEPLOYMENT,
MLINFRA_VERSION, MLINFRA_MODEL (`name/3`), MLINFRA_PAYLOADS (folder of the log; empty = none).
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from . import by_row, engine, explaining, guard, open_inference, seldon_v1
from .contract import Batch, Contract
from .custom import Count, Custom
from .ending import kept
from .engine import Packaged
from .ids import new_id
from .journal import BODY_BYTES, Journal, weighed
from .param_names import TAG
from .params import checked_params, of_parameters
from .refusal import RequestRefused
from .table import LOGGED_TEXT
from .tensors import TensorContract
from .values import as_text

PROBE = "x-mlinfra-probe"
"""Header of our own tests and measurements: answered like any request, but not in the
payload log.
"""

SHADOW = "x-mlinfra-shadow"
"""Header of the gateway: a copy, whose answer nobody gets. It goes into the log marked."""

VERSION = "x-mlinfra-version"
REQUEST = "x-mlinfra-request"
"""Header of the gateway: new for each request, the same if the gateway retries it."""

ASKING_SECONDS = 5.0
"""So long a question about the outputs waits for another one that asks the model."""

Headers = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. headers: beside the version."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Progress:
    """How far a request came, for the log."""

    batch: Batch | None = None
    outputs: Mapping[str, np.ndarray] | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    caller_id: str = ""
    status: int = 500
    reason: str = "the model failed"


class Served:
    """A version: `load` once before the server forks; then many threads ask it."""

    def __init__(self) -> None:
        self.folder = Path(os.environ["MLINFRA_BUNDLE"])
        self.bundle: dict[str, Any] = json.loads((self.folder / "bundle.json").read_text())
        self.packaged = Packaged.of(self.folder)
        self.deployment, self.version, self.name = (
            os.environ[name] for name in ("MLINFRA_DEPLOYMENT", "MLINFRA_VERSION", "MLINFRA_MODEL")
        )
        self.guard = guard.from_environment(RequestRefused)
        self.journal: Journal | None = None
        self._outputs: list[dict[str, Any]] | None = None
        self._asking = threading.Lock()
        self.on_metrics: Count | None = None
        self._custom = Custom()

    def load(self) -> None:
        """Read the model, once its files are known to be those that were packaged. Raises
        RuntimeError if they are not, else what the library raises.
        """
        engine.check_files(self.folder)
        engine.one_thread()
        self.engine = engine.load(self.packaged)
        self.contract = self._contract()
        self._custom = Custom(getattr(self.engine, "owner", None), self.on_metrics)
        self._explainer = explaining.Explainer(self.engine, self.packaged)
        payloads = os.environ.get("MLINFRA_PAYLOADS", "")
        if payloads:
            self.journal = Journal(Path(payloads), self._head())
            atexit.register(self.journal.close)  # an orderly end loses nothing of the log

    def _contract(self) -> Contract:
        """What a request must look like: the model's inputs, or the keys by which some of them are
        read from the online store.
        """
        if not self.bundle.get("features"):
            return self.engine.contract
        from .online_features import featured

        return featured(self.bundle["features"], self.engine.contract)

    def seldon_v1(self, body: bytes, headers: Headers) -> Reply:
        """Answer a body of Seldon's protocol. Raises RequestRefused if it does not fit."""
        with _Watch(self, body, headers) as progress:
            question = seldon_v1.read(body, self.contract)
            progress.batch, progress.caller_id = question.batch, question.id
            progress.params = question.params
            asked = self._with_params(question.batch, question.params)
            outputs = progress.outputs = self._predict(body, headers, asked)
            said = self._custom.said()
            meta: dict[str, Any] = {
                "puid": _request_id(progress, headers),
                "requestPath": {self.deployment: self.version},
                "tags": {**said.tags, "version": self.version, "model": self.name},
            }
            if said.metrics:
                meta["metrics"] = said.metrics
            answer = seldon_v1.answer(question, outputs, self.value_names(outputs), meta)
            progress.status = 200
        return Reply(answer)

    def open_inference(self, body: bytes, headers: Headers) -> Reply:
        """Answer a body of the Open Inference Protocol. Raises RequestRefused if it does not
        fit.
        """
        with _Watch(self, body, headers) as progress:
            question = open_inference.read(body, self.contract, _json_length(headers))
            progress.batch, progress.caller_id = question.batch, question.id
            given = progress.params = of_parameters(self.packaged.params, question.params)
            asked = self._with_params(question.batch, given)
            outputs = progress.outputs = self._predict(body, headers, asked)
            answer, extra = open_inference.answer(
                question,
                outputs,
                self.value_names(outputs),
                model=self.deployment,
                version=self.version,
                request_id=_request_id(progress, headers),
                tags=self._custom.said().tags,
            )
            progress.status = 200
        return Reply(answer, extra)

    def explain(self, body: bytes, headers: Headers) -> Reply:
        """The contributions of the inputs to the answers of a body of Seldon's protocol, for who
        has the project's secret. Raises RequestRefused.
        """
        if headers(PROBE) is None or not os.environ.get("MLINFRA_SOCKET"):
            raise RequestRefused(
                "Answers are explained to users of the project alone.",
                "",
                f"mlinfra deployments explain {self.deployment} --rows FILE",
                status=404,
            )
        question = seldon_v1.read(body, self.contract)
        batch = self._with_params(question.batch, question.params)

        def work() -> bytes:
            predictions = logged_outputs(self.engine.predict(batch))
            found = self._explainer.of(batch)
            columns = list(self.engine.contract.columns)
            return explaining.body(found, batch, columns, predictions, self.version)

        # Not the same request as a prediction for these rows: that one may be harmless.
        return Reply(self.guard.run(b"explain " + body, headers(guard.ATTEMPT), lambda: kept(work)))

    def _with_params(self, batch: Batch, given: Mapping[str, Any]) -> Batch:
        """The batch with its parameters. Raises RequestRefused for those that do not fit."""
        if not given:
            return batch
        return replace(batch, params=checked_params(self.packaged.params, given))

    def _predict(self, body: bytes, headers: Headers, batch: Batch) -> Mapping[str, np.ndarray]:
        """Ask the model, unless this very body has ended processes before; see `guard`. Raises
        NotByRow for an answer that is none to these rows.
        """
        stands_in = headers(guard.ROUTED) not in (None, self.version)
        outputs = self.guard.run(
            body,
            headers(guard.ATTEMPT),
            lambda: kept(lambda: self.engine.predict(batch)),
            stands_in=stands_in,
        )
        by_row.check(outputs, batch.size)
        return outputs

    def feedback(self, message: Mapping[str, Any]) -> None:
        """Record the reward or the true value of an earlier answer; its id is `response.meta.puid`
        (or `request.meta.puid`). Raises RequestRefused without an id.
        """
        puid = _puid(message.get("response")) or _puid(message.get("request"))
        if not puid:
            raise RequestRefused(
                "The feedback names no request.",
                "response.meta.puid is missing.",
                "Send back the meta of the answer.",
            )
        told = message.get("truth")
        data = told.get("data") if isinstance(told, Mapping) else None
        data = data if isinstance(data, Mapping) else {}
        values = data.get("ndarray", _tensor_rows(data.get("tensor")))
        if self.journal is not None:
            truth, size = weighed(values)
            entry = {"k": "f", "id": puid, "ts": time.time(), "truth": truth}
            self.journal.put({**entry, "reward": message.get("reward", 0.0)}, size)

    def figures(self) -> str:
        """What the model's own metrics have come to in this process, as Prometheus scrapes it."""
        labels = {"deployment": self.deployment, "version": self.version}
        return self._custom.exposition({**labels, "process": str(os.getpid())})

    def metadata(self) -> dict[str, Any]:
        """What `GET /v2/models/<name>` answers. The first time the model is asked, which may take
        long.
        """
        return open_inference.metadata(
            self.contract,
            name=self.deployment,
            version=self.version,
            platform=self.packaged.engine,
            outputs=self._output_metadata(),
        )

    def _output_metadata(self) -> list[dict[str, Any]]:
        """As the model answers its sample, which it is asked once; as the signature names them if
        it does not.
        """
        # A model that hangs keeps no other thread for long.
        if self._outputs is None and self._asking.acquire(timeout=ASKING_SECONDS):
            try:
                if self._outputs is None:
                    self._outputs = self._asked_outputs()
            finally:
                self._asking.release()
        names = self.packaged.output_names or ["predict"]
        return self._outputs or [
            {"name": name, "datatype": "FP64", "shape": [-1]} for name in names
        ]

    def _asked_outputs(self) -> list[dict[str, Any]]:
        with contextlib.suppress(Exception):  # of the model
            sample = engine.sample_batch(self.engine, self.packaged)
            return open_inference.output_metadata(kept(lambda: self.engine.predict(sample)))
        return []

    def seldon_metadata(self) -> dict[str, Any]:
        """Seldon's model metadata with the signature, and the kind of answers; known before the
        model is loaded.
        """
        features = self.bundle.get("features") or {}
        columns = features.get("inputs") or self.bundle["columns"]
        names = [item["name"] for item in columns]
        inputs = [{"messagetype": "tensor", "schema": {"names": names, "shape": [len(names)]}}]
        return {
            "name": self.deployment,
            "versions": [self.version],
            "platform": self.packaged.engine,
            "inputs": inputs,
            "outputs": [],
            "custom": {"answers": self.bundle["answers"], **self._param_metadata()},
        }

    def _param_metadata(self) -> dict[str, str]:
        """Type and default of each parameter, as JSON text, because Seldon's `custom` has texts."""
        known = {
            item.name: {"type": item.type, "list": item.is_list, "default": item.default}
            for item in self.packaged.params
        }
        return {TAG: json.dumps(known)} if known else {}

    def value_names(self, outputs: Mapping[str, np.ndarray]) -> list[str]:
        """Names of the values of a row: those of the signature if they fit, else t:0, t:1, … as
        Seldon has them; none for one value per row.
        """
        if len(outputs) > 1:
            return []
        (values,) = outputs.values()
        width = values.shape[1] if values.ndim > 1 else 1
        if len(self.packaged.output_names) == width:
            return list(self.packaged.output_names)
        return [f"t:{number}" for number in range(width)] if values.ndim > 1 else []

    def log(self, progress: Progress, body: bytes, headers: Headers, started: float) -> None:
        """Put a request into the payload log. started: seconds of `time.perf_counter`."""
        if self.journal is None or headers(PROBE) is not None:
            return
        milliseconds = (time.perf_counter() - started) * 1000
        entry = {
            "id": _request_id(progress, headers),
            "u": headers(REQUEST) or new_id(),
            "ts": time.time() - milliseconds / 1000,
            "ms": round(milliseconds, 3),
            "st": progress.status,
        }
        if headers(SHADOW) is not None:
            entry["sh"] = 1
        batch, outputs = progress.batch, progress.outputs
        if progress.status == 200 and batch is not None and outputs is not None:
            rows, rows_size = weighed(batch.matrix if batch.logged is None else batch.logged)
            scores, size = weighed(logged_outputs(outputs))
            if progress.params:
                given = orjson.dumps(progress.params).decode()
                entry["q"], size = given, size + len(given)
            self.journal.put({"k": "p", **entry, "x": rows, "y": scores}, rows_size + size)
        else:
            text = body[:BODY_BYTES].decode(errors="replace")
            failed = {"k": "e", **entry, "what": progress.reason, "b": text}
            self.journal.put(failed, sys.getsizeof(text))

    def _head(self) -> dict[str, Any]:
        columns = self.contract.logged_columns
        names, types = [column.name for column in columns], [column.type for column in columns]
        if isinstance(self.contract, TensorContract):
            names = self.contract.logged_names
            types = ["tensor"] * len(names)
        classes = list(getattr(self.engine, "classes", ()))
        return {
            "deployment": self.deployment,
            "version": self.version,
            "model": self.name,
            "names": names,
            "types": types,
            "categories": [column.categories for column in columns],
            "outputs": classes if self.packaged.answers == "probabilities" else [],
        }


class _Watch:
    """Logs a request when it ends, however it ends."""

    def __init__(self, served: Served, body: bytes, headers: Headers) -> None:
        self._served, self._body, self._headers = served, body, headers
        self._progress, self._started = Progress(), time.perf_counter()

    def __enter__(self) -> Progress:
        return self._progress

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, RequestRefused) and error.status == guard.DECLINED:
            return  # another process works on it, and logs it
        if isinstance(error, RequestRefused):
            self._progress.status, self._progress.reason = error.status, error.what
        elif error is not None:
            self._progress.reason = f"the model failed: {type(error).__name__}"
        # A prediction never fails because of its log.
        with contextlib.suppress(Exception):
            self._served.log(self._progress, self._body, self._headers, self._started)


def logged_outputs(outputs: Mapping[str, np.ndarray]) -> Any:
    """The outputs as the payload log keeps them: one number, text or flat list per row. float64, as
    in the answer: float32 in decimal would be another number.
    """
    if len(outputs) == 1:
        (values,) = outputs.values()
        if values.dtype.kind in "biuf":
            flat = values if values.ndim < 3 else values.reshape(len(values), -1)
            return np.ascontiguousarray(flat, dtype=np.float64)
    size = len(next(iter(outputs.values())))
    columns = [
        array.astype(np.float64).reshape(size, -1) if array.dtype.kind in "biuf" else array
        for array in outputs.values()
    ]
    return [_row(columns, number) for number in range(size)]


def _row(columns: list[np.ndarray], number: int) -> list[Any]:
    values: list[Any] = []
    for column in columns:
        item = column[number]
        values.extend(item.tolist() if isinstance(item, np.ndarray) else [item])
    return [_logged(value) for value in values]


def _logged(value: Any) -> Any:
    if value is None or isinstance(value, float):
        return value
    return as_text(value, LOGGED_TEXT if isinstance(value, bytes) else None)


def _request_id(progress: Progress, headers: Headers) -> str:
    """The id that the caller and its feedback use for the request: its own, else its x-request-id,
    else one of ours.
    """
    if not progress.caller_id:
        header = headers("x-request-id") or ""
        harmless = 0 < len(header) <= 128 and header.isprintable()
        progress.caller_id = header if harmless else new_id()
    return progress.caller_id


def _puid(message: Any) -> str:
    meta = message.get("meta") if isinstance(message, Mapping) else None
    return seldon_v1.caller_id(meta.get("puid")) if isinstance(meta, Mapping) else ""


def _tensor_rows(tensor: Any) -> Any:
    """The values of a Seldon tensor; of one of rows and outputs, as a list of each row."""
    if not isinstance(tensor, Mapping):
        return None
    values, shape = tensor.get("values"), tensor.get("shape")
    if not isinstance(values, list) or not isinstance(shape, list) or len(shape) != 2:
        return values
    if not all(isinstance(size, int) for size in shape) or shape[0] * shape[1] != len(values):
        return values
    return [values[row * shape[1] : (row + 1) * shape[1]] for row in range(shape[0])]


def _json_length(headers: Headers) -> int | None:
    text = headers(open_inference.BINARY_HEADER)
    if text is None:
        return None
    if not text.isdecimal() or len(text) > 12:
        raise RequestRefused(
            "Inference-Header-Content-Length is not a length.",
            f"It is {text[:40]!r}.",
            "Give the length of the JSON part in bytes, or leave the header out.",
        )
    return int(text)
