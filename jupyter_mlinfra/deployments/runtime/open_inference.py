"""The Open Inference Protocol (V2), REST, with the extension for binary tensors.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import orjson

from .contract import Batch, Column, Contract
from .datatypes import DTYPES, check_datatype
from .nested import flattened
from .refusal import RequestRefused, is_shape, kind, show
from .seldon_v1 import caller_id, json_values, parsed
from .tensors import TensorContract
from .values import as_json, as_text

BINARY_HEADER = "inference-header-content-length"
"""Length of the JSON part of a body with binary tensors."""

_NAMES = {dtype: name for name, dtype in DTYPES.items()}
_OF_COLUMN = {
    "double": "FP64",
    "float": "FP32",
    "integer": "INT32",
    "long": "INT64",
    "boolean": "BOOL",
}


@dataclass(frozen=True, slots=True)
class Question:
    """A request that passed. id: the caller's, or empty. outputs: names that are wanted, empty for
    all. binary: which of them as bytes; `*` for all. params: as they
    were given, of any type.
    """

    batch: Batch
    id: str
    outputs: tuple[str, ...]
    binary: frozenset[str]
    params: Any = None


def read(body: bytes, contract: Contract, json_length: int | None = None) -> Question:
    """Check a body. json_length: of its JSON part, if binary tensors follow. Raises
    RequestRefused with what, why and fix.
    """
    try:
        return _read(body, contract, json_length)
    except RequestRefused as refused:
        refused.fix = refused.fix or _hint(contract)
        raise


def _read(body: bytes, contract: Contract, json_length: int | None) -> Question:
    if json_length is not None and not 0 <= json_length <= len(body):
        raise RequestRefused(
            "The body is shorter than its JSON part.",
            f"{json_length} bytes were announced, {len(body)} came.",
        )
    message = parsed(body if json_length is None else body[:json_length])
    inputs = message.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise RequestRefused("The request has no inputs.", '"inputs" must be a list of tensors.')
    blob = memoryview(b"" if json_length is None else body)[json_length or 0 :]
    columns: dict[str, tuple[Sequence[int], Any]] = {}
    for item in inputs:
        name, shape, values, blob = _input(item, blob)
        if name in columns:
            raise RequestRefused(f"Input {name[:80]} is given twice.", "", "Give each input once.")
        columns[name] = shape, values
    if len(blob):
        raise RequestRefused(
            "The body has bytes that belong to no input.", f"{len(blob)} are left."
        )
    outputs, binary = _wanted(message)
    batch, given = contract.from_columns(columns), message.get("parameters")
    return Question(batch, _id(message.get("id")), outputs, binary, given)


def _input(item: Any, blob: memoryview) -> tuple[str, list[int], Any, memoryview]:
    """Name, shape and flat values of one input, and the bytes that are left."""
    if not isinstance(item, dict) or not isinstance(item.get("name"), str):
        raise RequestRefused("An input has no name.", f"It is {show(item)}.")
    name, shape, datatype = item["name"], item.get("shape"), item.get("datatype")
    if not is_shape(shape):
        raise RequestRefused(f"Input {name[:80]} has no usable shape.", f"It is {show(shape)}.")
    if not isinstance(datatype, str) or (datatype != "BYTES" and datatype not in DTYPES):
        raise RequestRefused(
            f"Input {name[:80]} has no known datatype.",
            f"It is {show(datatype)}.",
            f"Use one of {', '.join([*DTYPES, 'BYTES'])}.",
        )
    parameters = item.get("parameters")
    size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
    if size is not None:
        values, rest = _from_bytes(name, str(datatype), shape, size, blob)
        return name, shape, values, rest
    values = item.get("data")
    if not isinstance(values, list):
        raise RequestRefused(f"Input {name[:80]} has no data.", f"It is {kind(values)}.")
    flat = flattened(name, values)[1]  # nested lists are allowed too
    check_datatype(name, str(datatype), flat)
    return name, shape, flat, blob


def _from_bytes(
    name: str, datatype: str, shape: Sequence[int], size: Any, blob: memoryview
) -> tuple[Any, memoryview]:
    count = math.prod(shape)
    if type(size) is not int or not 0 <= size <= len(blob):
        raise RequestRefused(
            f"The bytes of input {name[:80]} are not all there.",
            f"{show(size)} were announced, {len(blob)} are left.",
        )
    part, rest = blob[:size], blob[size:]
    if datatype == "BYTES":
        return _elements(name, part, count), rest
    dtype = np.dtype(DTYPES[datatype])
    if size != count * dtype.itemsize:
        raise RequestRefused(
            f"Input {name[:80]} does not fit its shape.",
            f"{count} values of {datatype} take {count * dtype.itemsize} bytes, {size} came.",
        )
    return np.frombuffer(part, dtype=dtype), rest


def _elements(name: str, part: memoryview, count: int) -> list[bytes]:
    """Bytes with their lengths before them, four bytes each, little-endian."""
    found: list[bytes] = []
    try:
        while part:
            (length,) = struct.unpack_from("<I", part)
            if length > len(part) - 4:
                raise ValueError("one is cut off")
            found.append(bytes(part[4 : 4 + length]))
            part = part[4 + length :]
    except (struct.error, ValueError) as error:
        raise RequestRefused(
            f"The bytes of input {name[:80]} are not BYTES.", f"{error}."
        ) from None
    if len(found) != count:
        raise RequestRefused(
            f"Input {name[:80]} does not fit its shape.",
            f"{count} values were announced, {len(found)} came.",
        )
    return found


def _wanted(message: Mapping[str, Any]) -> tuple[tuple[str, ...], frozenset[str]]:
    parameters = message.get("parameters")
    everything = isinstance(parameters, dict) and parameters.get("binary_data_output") is True
    items = message.get("outputs") or []
    if not isinstance(items, list) or not all(
        isinstance(item, dict) and isinstance(item.get("name"), str) for item in items
    ):
        raise RequestRefused('"outputs" is not a list of named outputs.', f"It is {show(items)}.")
    if not items:
        return (), frozenset({"*"} if everything else ())
    binary = {item["name"] for item in items if _as_bytes(item, otherwise=everything)}
    return tuple(item["name"] for item in items), frozenset(binary)


def _as_bytes(item: Mapping[str, Any], *, otherwise: bool) -> bool:
    """Whether an output is wanted as bytes: what is said of it overrides what the request says of
    all of them.
    """
    parameters = item.get("parameters")
    own = parameters.get("binary_data") if isinstance(parameters, dict) else None
    return otherwise if own is None else own is True


def _id(value: Any) -> str:
    """The id of a request, which its answer repeats; empty for none. Raises RequestRefused for one
    that log and feedback cannot refer to.
    """
    if value is None or value == "":
        return ""
    if found := caller_id(value):
        return found
    why = f"It is {kind(value)}."
    if isinstance(value, str):
        why = "It holds characters that cannot be printed."
        why = why if len(value) <= 128 else f"It has {len(value)} characters."
    fix = "Send a text of at most 128 printable characters, or none: then the answer has a new one."
    raise RequestRefused("The id of the request cannot be used.", why, fix)


def _hint(contract: Contract) -> str:
    name = contract.names[0]
    return (
        f'Send {{"inputs": [{{"name": "{name[:40]}", "shape": [1], "datatype": "FP64", "data":'
        " [0.0]}, …]}."
    )


def answer(
    question: Question,
    outputs: Mapping[str, np.ndarray],
    names: Sequence[str],
    *,
    model: str,
    version: str,
    request_id: str,
    tags: Mapping[str, Any] | None = None,
) -> tuple[bytes, dict[str, str]]:
    """The body of an answer, and headers of its own. names: of the values of a row, if there is one
    output; they become its parameter `names`. tags: of the model; they become the answer's
    parameters. Raises RequestRefused for an unknown output.
    """
    unknown = [name for name in question.outputs if name not in outputs]
    if unknown:
        raise RequestRefused(
            f"The model has no output {unknown[0][:80]}.",
            "",
            f"It has {', '.join(outputs)}.",
        )
    items: list[dict[str, Any]] = []
    blobs: list[bytes] = []
    for name in question.outputs or outputs:
        values = outputs[name]
        item: dict[str, Any] = {
            "name": name,
            "shape": list(values.shape),
            "datatype": datatype_of(values.dtype),
        }
        if len(outputs) == 1 and names:
            item["parameters"] = {"names": list(names)}
        if question.binary & {"*", name}:
            blob = _to_bytes(values)
            item["parameters"] = {**item.get("parameters", {}), "binary_data_size": len(blob)}
            blobs.append(blob)
        else:
            item["data"] = json_values(values.ravel())
        items.append(item)
    head: dict[str, Any] = {"model_name": model, "model_version": version, "id": request_id}
    if tags:
        head["parameters"] = {name: _parameter(value) for name, value in tags.items()}
    text = orjson.dumps({**head, "outputs": items}, default=as_json)
    if not blobs:
        return text, {"Content-Type": "application/json"}
    headers = {"Content-Type": "application/octet-stream", BINARY_HEADER: str(len(text))}
    return text + b"".join(blobs), headers


def _parameter(value: Any) -> str | bool | int | float:
    """A value as a parameter: the protocol has only single ones."""
    plain = isinstance(value, str | bool | int | float)
    return value if plain else orjson.dumps(value, default=str).decode()


@cache  # NumPy takes longer to name a type than the model to answer a row
def datatype_of(dtype: np.dtype[Any]) -> str:
    """The protocol's name of a type of NumPy; BYTES for texts and bytes."""
    return _NAMES.get(dtype.name, "BYTES")


def _to_bytes(values: np.ndarray) -> bytes:
    if values.dtype.kind in "biuf":
        return values.tobytes()
    parts = [_element(value) for value in values.ravel().tolist()]
    return b"".join(struct.pack("<I", len(part)) + part for part in parts)


def _element(value: Any) -> bytes:
    """One of BYTES: a list or an object as JSON; empty for a missing value, which BYTES cannot
    say.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return b""
    if isinstance(value, list | dict | np.ndarray):
        return orjson.dumps(value, default=as_json)
    return value if isinstance(value, bytes) else as_text(value).encode()


def metadata(
    contract: Contract,
    *,
    name: str,
    version: str,
    platform: str,
    outputs: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """What `GET /v2/models/<name>` answers. outputs: see `output_metadata`."""
    return {
        "name": name,
        "versions": [version],
        "platform": platform,
        "inputs": [_input_metadata(column, contract) for column in contract.columns],
        "outputs": list(outputs),
    }


def output_metadata(outputs: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """Name, datatype and shape of each output, as in an answer; the first size is open."""
    return [
        {"name": name, "datatype": datatype_of(values.dtype), "shape": [-1, *values.shape[1:]]}
        for name, values in outputs.items()
    ]


def _input_metadata(column: Column, contract: Contract) -> dict[str, Any]:
    if isinstance(contract, TensorContract):
        dtype = str(column.spec.get("dtype", "float64"))
        shape = list(column.spec.get("shape", [-1]))
        return {"name": column.name, "datatype": _NAMES.get(dtype, "BYTES"), "shape": shape}
    datatype = _OF_COLUMN.get(column.type, "BYTES")
    return {"name": column.name, "datatype": datatype, "shape": [-1]}
