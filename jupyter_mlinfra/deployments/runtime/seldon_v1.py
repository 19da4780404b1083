"""Seldon's own protocol (v1, REST): what a body says, and what an answer looks like.

https://docs.seldon.io/projects/seldon-core/en/latest/reference/apis/internal-api.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson

from .contract import Batch, Contract
from .params import of_tags
from .refusal import RequestRefused, kind, listed
from .tensors import TensorContract
from .values import as_json

_OTHER_FORMS = ("strData", "binData", "customData")
"""Of Seldon's messages; what they mean is a matter of each model's own code."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request that passed. form: `ndarray`, `tensor` or `jsonData`, as the request had it. id:
    the caller's puid, or empty. params: as they were given.
    """

    batch: Batch
    form: str
    id: str
    params: Mapping[str, Any] = field(default_factory=dict)


def read(body: bytes, contract: Contract) -> Question:
    """Check a body. Raises RequestRefused with what, why and fix."""
    try:
        return _read(body, contract)
    except RequestRefused as refused:
        refused.fix = refused.fix or _hint(contract)
        raise


_FEEDBACK = ("request", "response", "truth")
_MESSAGE = ("status", "meta", "data", "jsonData", *_OTHER_FORMS)


def feedback(body: bytes) -> Mapping[str, Any]:
    """A message about an earlier answer. Raises RequestRefused."""
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _no_feedback(f"{error}.") from None
    if not isinstance(message, dict):
        raise _no_feedback(f"It is {kind(message)}, and no object.")
    message = {name: value for name, value in message.items() if value is not None}
    if unknown := [name for name in message if name not in (*_FEEDBACK, "reward")]:
        raise _no_feedback(f"Unknown: {listed(unknown)}.")
    reward = message.get("reward", 0.0)
    if isinstance(reward, bool) or not isinstance(reward, int | float):
        raise _no_feedback(f"The reward is {kind(reward)}, and no number.")
    for name in (name for name in _FEEDBACK if name in message):
        part = message[name]
        if not isinstance(part, dict):
            raise _no_feedback(f"{name} is {kind(part)}, and no message.")
        if unknown := [key for key in part if key not in _MESSAGE]:
            raise _no_feedback(f"Unknown in {name}: {listed(unknown)}.")
    return message


def wrong_path(method: str, path: str, *, known: bool) -> RequestRefused:
    """What a request is answered that no route takes. known: another method has this path."""
    return RequestRefused(
        f"{method} {path[:200]}: {'Method Not Allowed' if known else 'Not Found'}.",
        "",
        "POST to api/v1.0/predictions.",
        status=405 if known else 404,
    )


def _no_feedback(why: str) -> RequestRefused:
    return RequestRefused(
        "The feedback cannot be read.",
        why,
        'Send {"response": {"meta": {"puid": "…"}}, "reward": 1.0, "truth": {"data": {"ndarray":'
        " [0.0]}}}.",
    )


def _read(body: bytes, contract: Contract) -> Question:
    message = parsed(body)
    meta = message.get("meta")
    puid = caller_id(meta.get("puid")) if isinstance(meta, dict) else ""
    given = of_tags(meta)
    if "jsonData" in message:
        return Question(_from_json(message["jsonData"], contract), "jsonData", puid, given)
    data = message.get("data")
    if not isinstance(data, dict):
        raise _no_data(message, contract)
    names = data.get("names")
    if "ndarray" in data:
        return Question(contract.from_rows(data["ndarray"], names), "ndarray", puid, given)
    if "tensor" in data:
        tensor = data["tensor"] if isinstance(data["tensor"], dict) else {}
        shape, values = tensor.get("shape"), tensor.get("values")
        return Question(contract.from_flat(shape, values, names), "tensor", puid, given)
    raise RequestRefused('"data" holds no rows.', 'It must have "ndarray" or "tensor".')


def _from_json(value: Any, contract: Contract) -> Batch:
    """Tensors by name; for a model of columns rows as objects, as lists in its own order, or one
    object. An optional column may be left out of a row.
    """
    if isinstance(contract, TensorContract):
        return contract.from_json(value)
    rows = [value] if isinstance(value, dict) else value
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        return contract.from_rows(rows)
    names = list(dict.fromkeys(name for row in rows for name in row))
    known = set(contract.names)
    if unknown := [name for name in names if name not in known]:
        raise RequestRefused(
            "The columns do not fit.",
            f"Unknown: {listed(unknown)}.",
            f"The model takes {listed(contract.names, 60)}.",
        )
    return contract.from_rows([[row.get(name) for name in names] for row in rows], names)


def _no_data(message: Mapping[str, Any], contract: Contract) -> RequestRefused:
    """What is said to a body without rows."""
    others = [name for name in _OTHER_FORMS if name in message]
    if not others:
        return RequestRefused("The request has no data.", 'It must hold an object under "data".')
    is_tensor = isinstance(contract, TensorContract)
    records = '{"jsonData": {"INPUT": [[…]]}}' if is_tensor else '{"jsonData": [{"COLUMN": …}]}'
    return RequestRefused(
        f"The request holds {others[0]}.",
        f"This model takes {'tensors' if is_tensor else 'rows of columns'}.",
        f"{_hint(contract)[:-1]}, a tensor in its place, or {records}.",
    )


def parsed(body: bytes) -> dict[str, Any]:
    """A JSON object. Raises RequestRefused."""
    if not body:
        raise RequestRefused("The request is empty.", "A JSON body was expected.")
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestRefused("The request is not JSON.", f"{error}.") from None
    if not isinstance(message, dict):
        raise RequestRefused("The request is not a JSON object.", f"It is {kind(message)}.")
    return message


def caller_id(value: Any) -> str:
    """An id that a caller gave, if it is harmless; else empty."""
    fits = isinstance(value, str) and 0 < len(value) <= 128 and value.isprintable()
    return value if fits else ""


def _hint(contract: Contract) -> str:
    if isinstance(contract, TensorContract):
        return 'Send {"data": {"ndarray": [[…]]}}.'
    names = ", ".join(f'"{name}"' for name in contract.names[:3])
    ellipsis = ", …" if len(contract.names) > 3 else ""
    return f'Send {{"data": {{"names": [{names}{ellipsis}], "ndarray": [[…]]}}}}.'


def answer(
    question: Question,
    outputs: Mapping[str, np.ndarray],
    names: Sequence[str],
    meta: Mapping[str, Any],
) -> bytes:
    """The answer in the form of the request. outputs: by name, one value, row or tensor per row of
    the batch. names: of the values of a row, if there is one output.
    """
    if len(outputs) == 1 and question.form != "jsonData":
        (values,) = outputs.values()
    elif question.form != "jsonData" and all(array.ndim == 1 for array in outputs.values()):
        values, names = _rows(outputs), list(outputs)
    else:
        data = {name: json_values(array) for name, array in outputs.items()}
        return orjson.dumps({"jsonData": data, "meta": meta}, default=as_json)
    if question.form == "tensor" and values.dtype.kind in "biuf":
        data = {
            "names": list(names),
            "tensor": {"shape": list(values.shape), "values": json_values(values.ravel())},
        }
    else:
        data = {"names": list(names), "ndarray": json_values(values)}
    return orjson.dumps({"data": data, "meta": meta}, default=as_json)


def _rows(outputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """Several outputs of one value per row each, as rows."""
    if all(array.dtype.kind in "biuf" for array in outputs.values()):
        return np.column_stack(list(outputs.values()))
    found = np.empty((len(next(iter(outputs.values()))), len(outputs)), dtype=object)
    for place, array in enumerate(outputs.values()):
        found[:, place] = array.tolist()
    return found


def json_values(array: np.ndarray) -> Any:
    """Nested lists. As float32 the decimals would lose their last digits."""
    return array.astype(np.float64).tolist() if array.dtype.kind == "f" else array.tolist()
