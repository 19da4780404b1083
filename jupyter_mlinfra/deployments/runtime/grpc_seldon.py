"""Seldon's protocol by gRPC: its messages as the bodies of its REST form, and back.

One pair of functions a direction, so that a request by gRPC is read, guarded, answered and logged
as one by REST is.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import orjson

from . import protos
from .refusal import RequestRefused

_METRICS = ("COUNTER", "GAUGE", "TIMER")
"""Seldon's types of metrics by number."""


def to_body(message: Any) -> bytes:
    """The REST body of a SeldonMessage. Raises RequestRefused for what has no REST form here."""
    return orjson.dumps(_document(message), option=orjson.OPT_SERIALIZE_NUMPY)


def from_body(body: bytes) -> Any:
    """The SeldonMessage of a REST answer."""
    document, message = orjson.loads(body), protos.seldon("SeldonMessage")()
    meta = document["meta"]
    message.meta.puid = meta["puid"]
    for key, value in meta.get("tags", {}).items():
        _fill(message.meta.tags.add(key=key).value, value)
    for key, value in meta.get("requestPath", {}).items():
        message.meta.requestPath.add(key=key, value=value)
    for item in meta.get("metrics", ()):
        kind = _METRICS.index(item["type"])
        metric = message.meta.metrics.add(key=item["key"], type=kind, value=item["value"])
        for key, value in item.get("tags", {}).items():
            metric.tags.add(key=key, value=value)
    if "jsonData" in document:
        _fill(message.jsonData, document["jsonData"])
        return message
    data = document["data"]
    message.data.names.extend(data["names"])
    if "tensor" in data:
        message.data.tensor.shape.extend(data["tensor"]["shape"])
        values = data["tensor"]["values"]
        message.data.tensor.values.extend(math.nan if value is None else value for value in values)
    else:
        message.data.ndarray.SetInParent()
        for item in data["ndarray"]:
            _fill(message.data.ndarray.values.add(), item)
    return message


def feedback(message: Any) -> dict[str, Any]:
    """The REST form of a Feedback message."""
    found: dict[str, Any] = {"reward": message.reward}
    for name in ("request", "response"):
        if message.HasField(name):
            found[name] = {"meta": {"puid": getattr(message, name).meta.puid}}
    if message.HasField("truth"):
        found["truth"] = orjson.loads(to_body(message.truth))
    return found


def metadata(found: dict[str, Any]) -> Any:
    """The SeldonModelMetadata of what REST answers."""
    message = protos.seldon("SeldonModelMetadata")(
        name=found["name"], versions=found["versions"], platform=found["platform"]
    )
    for item in found["inputs"]:
        _fill(message.inputs.add(messagetype=item["messagetype"]).schema, item["schema"])
    for key, value in found["custom"].items():
        message.custom.add(key=key, value=str(value))
    return message


def _document(message: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if message.meta.puid or message.meta.tags:
        tags = {item.key: _plain(item.value) for item in message.meta.tags}
        found["meta"] = {"puid": message.meta.puid, "tags": tags}
    kind = message.WhichOneof("kind")
    if kind == "jsonData":
        found["jsonData"] = _plain(message.jsonData)
    elif kind == "data":
        found["data"] = _data(message.data)
    elif kind is not None:
        found[kind] = ""  # refused by its name
    return found


def _data(data: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"names": list(data.names)} if data.names else {}
    kind = data.WhichOneof("kind")
    if kind == "tensor":
        values = np.array(data.tensor.values, dtype=np.float64)
        if np.isinf(values).any():
            raise RequestRefused("A value is infinite.", "", "Send finite numbers.")
        # NaN becomes null: a missing value.
        found["tensor"] = {"shape": list(data.tensor.shape), "values": values}
    elif kind == "ndarray":
        found["ndarray"] = [_plain(value) for value in data.ndarray.values]
    elif kind == "tftensor":
        raise RequestRefused(
            "The request holds a tftensor.", "It is not read here.", "Send a tensor or an ndarray."
        )
    return found


def _plain(value: Any) -> Any:
    """A google.protobuf.Value as JSON has it."""
    kind = value.WhichOneof("kind")
    if kind == "number_value":
        if math.isinf(value.number_value):
            raise RequestRefused("A value is infinite.", "", "Send finite numbers.")
        return value.number_value
    if kind == "list_value":
        return [_plain(item) for item in value.list_value.values]
    if kind == "struct_value":
        return {key: _plain(item) for key, item in value.struct_value.fields.items()}
    return None if kind in ("null_value", None) else getattr(value, kind)


def _fill(target: Any, value: Any) -> None:
    """Give a google.protobuf.Value a JSON value."""
    if value is None:
        target.null_value = 0
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int | float):
        target.number_value = value
    elif isinstance(value, list):
        target.list_value.SetInParent()
        for item in value:
            _fill(target.list_value.values.add(), item)
    elif isinstance(value, dict):
        target.struct_value.SetInParent()
        for key, item in value.items():
            _fill(target.struct_value.fields[key], item)
    else:
        target.string_value = str(value)
