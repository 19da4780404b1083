"""The Open Inference Protocol by gRPC: its messages as REST bodies with binary tensors, and back.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_grpc.md

Bytes of tensors are handed on as they are. An answer holds raw contents if the request did, else
typed ones, because many clients read only what they send.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson

from . import protos
from .datatypes import DTYPES
from .refusal import RequestRefused

_CONTENTS = {
    "BOOL": "bool_contents",
    **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
    "INT64": "int64_contents",
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
"""FP16 has no contents of its own: it travels raw."""

_WIDE = {
    "bool_contents": "bool",
    "int_contents": "int64",
    "int64_contents": "int64",
    "uint_contents": "uint64",
    "uint64_contents": "uint64",
    "fp32_contents": "float32",
    "fp64_contents": "float64",
}
"""Types that hold what such contents can."""


def to_body(message: Any) -> tuple[bytes, int]:
    """The REST body of a ModelInferRequest, and the length of its JSON part. Raises
    RequestRefused.
    """
    raw = message.raw_input_contents
    if raw and len(raw) != len(message.inputs):
        raise RequestRefused(
            "The raw contents do not fit the inputs.",
            f"{len(message.inputs)} inputs came with {len(raw)} raw contents.",
            "Send raw contents for all inputs, or for none.",
        )
    blobs: Sequence[bytes] = list(raw) if raw else [_packed(item) for item in message.inputs]
    inputs = [
        {
            "name": item.name,
            "shape": list(item.shape),
            "datatype": item.datatype,
            "parameters": {"binary_data_size": len(blob)},
        }
        for item, blob in zip(message.inputs, blobs, strict=True)
    ]
    head = orjson.dumps(
        {
            "id": message.id,
            "inputs": inputs,
            "outputs": [{"name": item.name} for item in message.outputs],
            "parameters": {**_parameters(message.parameters), "binary_data_output": True},
        }
    )
    return b"".join((head, *blobs)), len(head)


def from_body(body: bytes, json_length: int, *, raw: bool) -> Any:
    """The ModelInferResponse of a REST answer with binary tensors."""
    document, rest = orjson.loads(body[:json_length]), memoryview(body)[json_length:]
    message = protos.v2("ModelInferResponse")(
        model_name=document["model_name"],
        model_version=document["model_version"],
        id=document["id"],
    )
    for name, value in document.get("parameters", {}).items():
        setattr(message.parameters.add(key=name).value, _kind(value), value)
    for item in document["outputs"]:
        output = message.outputs.add(
            name=item["name"], datatype=item["datatype"], shape=item["shape"]
        )
        parameters = item["parameters"]
        if "names" in parameters:
            names = orjson.dumps(parameters["names"]).decode()
            output.parameters.add(key="names").value.string_param = names
        size = parameters["binary_data_size"]
        blob, rest = rest[:size], rest[size:]
        if raw or item["datatype"] not in _CONTENTS:
            message.raw_output_contents.append(bytes(blob))
        else:
            _unpack(output, blob)
    return message


def metadata(found: dict[str, Any]) -> Any:
    """The ModelMetadataResponse of what REST answers."""
    message = protos.v2("ModelMetadataResponse")(
        name=found["name"], versions=found["versions"], platform=found["platform"]
    )
    for side in ("inputs", "outputs"):
        for item in found[side]:
            getattr(message, side).add(**item)
    return message


def _kind(value: Any) -> str:
    """The field of a parameter that takes this value."""
    kinds = {bool: "bool_param", int: "int64_param", float: "double_param"}
    return kinds.get(type(value), "string_param")


def _parameters(items: Sequence[Any]) -> dict[str, Any]:
    """The parameters of a message by name."""
    kinds = {item.key: item.value.WhichOneof("kind") for item in items}
    return {item.key: getattr(item.value, kinds[item.key] or "", None) for item in items}


def _packed(item: Any) -> bytes:
    """The typed contents of an input as its raw ones would be."""
    field = _CONTENTS.get(item.datatype)
    if field is None:
        fix = "Send raw_input_contents." if item.datatype == "FP16" else "Use a known datatype."
        raise RequestRefused(
            f"Input {item.name[:80]} has no contents of type {item.datatype[:40]}.", "", fix
        )
    values = getattr(item.contents, field)
    if item.datatype == "BYTES":
        return b"".join(struct.pack("<I", len(text)) + text for text in values)
    wide = np.array(values, dtype=_WIDE[field])
    dtype = np.dtype(DTYPES[item.datatype])
    if field in ("int_contents", "uint_contents") and wide.size:
        bounds = np.iinfo(dtype)
        if wide.min() < bounds.min or wide.max() > bounds.max:
            raise RequestRefused(
                f"Input {item.name[:80]} has a number that is too large.",
                f"It does not fit {item.datatype}.",
                "Use a wider datatype.",
            )
    return wide.astype(dtype).tobytes()


def _unpack(output: Any, blob: memoryview) -> None:
    field = getattr(output.contents, _CONTENTS[output.datatype])
    if output.datatype != "BYTES":
        field.extend(np.frombuffer(blob, dtype=DTYPES[output.datatype]).tolist())
        return
    for _ in range(math.prod(output.shape)):
        (length,) = struct.unpack_from("<I", blob)
        field.append(bytes(blob[4 : 4 + length]))
        blob = blob[4 + length :]
