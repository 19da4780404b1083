"""Requests to the gateway: bodies of Seldon's protocol made from rows and frames, and their
answers.
"""

from __future__ import annotations

import base64
import contextlib
import math
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from ..core import http
from ..core.errors import BadRequest, MLInfraError, NotFound, TooLarge, Unavailable
from .gateway import PROBE_HEADER, REQUEST_SECONDS, VERSION_HEADER, Keys
from .spec import ExplainedAnswers, ExplainedRow, Prediction

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

_OPEN = threading.local()


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer. body: parsed JSON, or None if it was not JSON."""

    status: int
    version: str
    body: Any
    milliseconds: float


def request_body(
    rows: Mapping[str, Any] | Sequence[Any] | pd.DataFrame | pl.DataFrame,
) -> dict[str, Any]:
    """A body of Seldon's protocol.

    rows: a complete body (a mapping with `data`), rows as mappings, a Polars or pandas frame, or
    the values themselves for a model of one input, such as texts. What becomes of a value:
    `_json_value`. Raises BadRequest.
    """
    if isinstance(rows, Mapping):
        if not {"data", "jsonData"} & rows.keys():
            raise BadRequest(
                "A single mapping is not a request.",
                "It has neither the key `data` nor `jsonData`.",
                "Give a list of rows, a frame, or a body of Seldon's protocol.",
            )
        return dict(rows)
    if isinstance(rows, Sequence) and not isinstance(rows, str | bytes):
        if rows and not any(isinstance(row, Mapping | list | tuple) for row in rows):
            return {"data": {"ndarray": [[_json_value(value)] for value in rows]}}
        if not all(isinstance(row, Mapping) for row in rows):
            raise BadRequest(
                "The rows cannot be read.",
                "Each row must map column names to values.",
                'For example [{"distance": 1400, "hour": 9}]; of a model of one input ["a text"].',
            )
        names = list(dict.fromkeys(str(name) for row in rows for name in row))
        return _body(names, ([row.get(name) for name in names] for row in rows))
    if hasattr(rows, "iter_rows"):
        frame = cast("pl.DataFrame", rows)
        return _body(list(frame.columns), frame.iter_rows())
    if hasattr(rows, "itertuples"):
        table = cast("pd.DataFrame", rows)
        return _body(
            [str(name) for name in table.columns], table.itertuples(index=False, name=None)
        )
    raise BadRequest(
        "The rows cannot be read.",
        f"They are a {type(rows).__name__}.",
        "Give a list of rows, a Polars or pandas frame, or a body of Seldon's protocol.",
    )


def feedback_body(request_id: str, *, reward: float, truth: Any) -> dict[str, Any]:
    """A message of Seldon's protocol about an earlier answer."""
    message: dict[str, Any] = {"response": {"meta": {"puid": request_id}}, "reward": reward}
    if truth is not None:
        given = _true(truth.tolist() if hasattr(truth, "tolist") else truth)
        message["truth"] = {"data": {"ndarray": given if isinstance(given, list) else [given]}}
    return message


def _true(value: Any) -> Any:
    """A true value, or those of rows, or of the outputs of each: numbers, names, and None where
    nothing is said.
    """
    if value is None or isinstance(value, str):
        return value
    return [_true(item) for item in value] if isinstance(value, Sequence) else float(value)


def _body(names: Sequence[str], rows: Iterable[Iterable[Any]]) -> dict[str, Any]:
    return {
        "data": {
            "names": list(names),
            "ndarray": [[_json_value(value) for value in row] for row in rows],
        }
    }


def _json_value(value: Any) -> Any:
    """A JSON value as the server reads it: dates and times as ISO 8601 in the zone that they have,
    bytes as base64, arrays as lists, and every kind of missing value as None, also in lists and
    mappings. Raises BadRequest.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {str(name): _json_value(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(item) for item in value]
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, date):  # a datetime, or pandas' Timestamp, is one
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value) if value.is_finite() else None
    return _of_library(value)


def _of_library(value: Any) -> Any:
    """A scalar, array, series or tensor of NumPy, pandas, Polars or PyTorch as a JSON value."""
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if kind == "M" and not hasattr(value, "index"):  # as Python's it would be nanoseconds
        text = value.astype("datetime64[us]").astype("str")
        return _times(text.tolist())
    for method in ("tolist", "to_list"):
        if kind != "m" and hasattr(value, method):
            return _json_value(getattr(value, method)())
    with contextlib.suppress(TypeError, ValueError):
        return _json_value(float(value))
    raise BadRequest(
        f"{type(value).__name__} cannot be sent.",
        f"{str(value)[:60]} is no number, text, date, bytes, list or mapping.",
        "Turn it into a value of the type that the model's signature names.",
    )


def _times(texts: Any) -> Any:
    if isinstance(texts, list):
        return [_times(text) for text in texts]
    return None if texts == "NaT" else texts


def post(
    url: str,
    body: bytes,
    *,
    keys: Keys,
    version: str | None = None,
    probe: bool = False,
    timeout: float = REQUEST_SECONDS + 5.0,
) -> Answer:
    """POST JSON over a connection that this thread keeps open. probe: a test or measurement of
    ours, which is not counted.

    Raises Unavailable if nothing answers.
    """
    import httpx
    import orjson

    optional_headers = {
        VERSION_HEADER: version,
        PROBE_HEADER: keys.probe if probe else None,
        "Authorization": f"Bearer {keys.token}" if keys.token else None,
    }
    headers = {
        "Content-Type": "application/json",
        **{name: value for name, value in optional_headers.items() if value},
    }
    started = time.perf_counter()
    try:
        status, answered, text = _exchange(url, body, headers, timeout)
    except (OSError, httpx.HTTPError) as error:
        raise Unavailable(
            "The gateway does not answer.", f"{http.reason_of(error)}.", "mlinfra up"
        ) from error
    milliseconds = (time.perf_counter() - started) * 1000
    try:
        parsed = orjson.loads(text)
    except orjson.JSONDecodeError:
        parsed = None
    return Answer(status, answered, parsed, milliseconds)


def _exchange(
    url: str, body: bytes, headers: Mapping[str, str], timeout: float
) -> tuple[int, str, bytes]:
    import httpx

    clients: dict[str, httpx.Client] = _OPEN.__dict__.setdefault("clients", {})
    host = urlsplit(url).netloc
    if host not in clients:
        clients[host] = http.open_client(url, timeout=timeout)
    for is_last in (False, True):
        try:
            answer = clients[host].post(url, content=body, headers=headers, timeout=timeout)
        except (httpx.NetworkError, httpx.RemoteProtocolError) as error:
            # The other end may have closed a kept connection meanwhile; asking twice does no harm.
            if is_last or isinstance(error, httpx.ConnectError):
                raise
        else:
            return answer.status_code, answer.headers.get(VERSION_HEADER, ""), answer.content
    raise AssertionError("the second try answers or raises")


def prediction(answer: Answer, *, version: str | None = None) -> Prediction:
    """The predictions in an answer. Raises the error that a refused request stands for."""
    if answer.status != 200 or not isinstance(answer.body, dict):
        raise refusal(answer)
    if version and answer.version != version:
        raise Unavailable(
            f"Version {version} does not answer.",
            f"{answer.version} answered instead of it.",
            "Ask without a version, or see its log.",
        )
    data, meta = answer.body.get("data", {}), answer.body.get("meta", {})
    if "jsonData" in answer.body:
        data = {"ndarray": _side_by_side(answer.body["jsonData"])}
    values = data.get("ndarray") if "ndarray" in data else _unfold(data.get("tensor", {}))
    return Prediction(
        version=answer.version,
        predictions=_listed(values),
        names=data.get("names", []),
        request_id=str(meta.get("puid", "")),
        milliseconds=answer.milliseconds,
    )


def explanation(answer: Answer, *, version: str | None = None) -> ExplainedAnswers:
    """The contributions in an answer. Raises the error that a refused request stands for."""
    if answer.status != 200 or not isinstance(answer.body, dict):
        raise refusal(answer)
    if version and answer.version != version:
        raise Unavailable(
            f"Version {version} does not answer.",
            f"{answer.version} answered instead of it.",
            "Ask without a version, or see its log.",
        )
    rows = [ExplainedRow(**row) for row in answer.body["rows"]]
    return ExplainedAnswers(**{**answer.body, "rows": rows}, milliseconds=answer.milliseconds)


def _side_by_side(outputs: Mapping[str, Sequence[Any]]) -> list[list[Any]]:
    """The values of several outputs by row, in their order, as the payload log has them."""
    columns = map(_listed, outputs.values())
    return [[*_flat(row)] for row in zip(*columns, strict=True)]


def _listed(values: Any) -> list[Any]:
    """One answer per row; a model may give one for all."""
    return values if isinstance(values, list) else [] if values is None else [values]


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list | tuple):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def _unfold(tensor: Mapping[str, Any]) -> list[Any]:
    shape, values = tensor.get("shape", []), tensor.get("values", [])
    if len(shape) < 2:
        return list(values)
    return [values[start : start + shape[1]] for start in range(0, len(values), max(shape[1], 1))]


def refusal(answer: Answer) -> MLInfraError:
    """The error that an answer other than 200 stands for, in the words of its sender."""
    body = answer.body if isinstance(answer.body, dict) else {}
    info = body.get("status", {}).get("info", "") if isinstance(body.get("status"), dict) else ""
    what = str(body.get("what") or info or f"The request was answered with status {answer.status}.")
    texts = (what, str(body.get("why", "")), str(body.get("fix", "")))
    if answer.status == 404:
        return NotFound(*texts)
    if answer.status == 413:
        return TooLarge(*texts)
    return BadRequest(*texts) if 400 <= answer.status < 500 else Unavailable(*texts)
