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
from .refusal import RequestRefused, kind
from .tensors import TensorContract
from .values import as_text


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


def _read(body: bytes, contract: Contract) -> Question:
    message = parsed(body)
    meta = message.get("meta")
    puid = caller_id(meta.get("puid")) if isinstance(meta, dict) else ""
    given = of_tags(meta)
    if isinstance(contract, TensorContract) and "jsonData" in message:
        return Question(contract.from_json(message["jsonData"]), "jsonData", puid, given)
    data = message.get("data")
    if not isinstance(data, dict):
        raise RequestRefused("The request has no data.", 'It must hold an object under "data".')
    names = data.get("names")
    if "ndarray" in data:
        return Question(contract.from_rows(data["ndarray"], names), "ndarray", puid, given)
    if "tensor" in data:
        tensor = data["tensor"] if isinstance(data["tensor"], dict) else {}
        shape, values = tensor.get("shape"), tensor.get("values")
        return Question(contract.from_flat(shape, values, names), "tensor", puid, given)
    raise RequestRefused('"data" holds no rows.', 'It must have "ndarray" or "tensor".')


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
        return orjson.dumps({"jsonData": data, "meta": meta}, default=as_text)
    if question.form == "tensor" and values.dtype.kind in "biuf":
        data = {
            "names": list(names),
            "tensor": {"shape": list(values.shape), "values": json_values(values.ravel())},
        }
    else:
        data = {"names": list(names), "ndarray": json_values(values)}
    return orjson.dumps({"data": data, "meta": meta}, default=as_text)


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
