"""Request bodies for rows of a packaged model, in both protocols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from ..core.records import MASK
from .logged import Input
from .packaging import Bundle
from .runtime.param_names import TAG

_DATATYPES = {
    "double": "FP64",
    "float": "FP32",
    "integer": "INT32",
    "long": "INT64",
    "boolean": "BOOL",
}
_OF_DTYPE = {"float16": "FP16", "float32": "FP32", "float64": "FP64", "bool": "BOOL"}


def sample_body(bundle: Bundle, rows: int | None = None) -> dict[str, Any]:
    """The sample of a bundle as a body of Seldon's protocol. rows: how many of them; None for
    all.
    """
    return seldon_body(bundle, first_rows(bundle.asked, rows))


def shown_sample(sample: Mapping[str, Any], masked: Sequence[str]) -> Mapping[str, Any]:
    """A sample without the values of masked inputs, for people to look at. masked: patterns."""
    from .requests import is_masked

    hidden = [is_masked(name, masked) for name in sample["names"]] if masked else []
    if not any(hidden):
        return sample
    if "jsonData" in sample:
        tensors = zip(sample["jsonData"].items(), hidden, strict=True)
        return {
            **sample,
            "jsonData": {name: MASK if off else rows for (name, rows), off in tensors},
        }
    rows = [
        [MASK if off else value for value, off in zip(row, hidden, strict=True)]
        for row in sample["ndarray"]
    ]
    return {**sample, "ndarray": rows}


def first_rows(sample: Mapping[str, Any], rows: int | None) -> Mapping[str, Any]:
    """A sample with at most so many rows."""
    if "jsonData" in sample:
        cut = {name: tensor[:rows] for name, tensor in sample["jsonData"].items()}
        return {**sample, "jsonData": cut}
    return {**sample, "ndarray": sample["ndarray"][:rows]}


def rows_in(sample: Mapping[str, Any]) -> int:
    """How many rows a sample has."""
    return len(
        next(iter(sample["jsonData"].values())) if "jsonData" in sample else sample["ndarray"]
    )


def row_at(sample: Mapping[str, Any], place: int) -> Mapping[str, Any]:
    """A sample with one of its rows, counted from 0."""
    if "jsonData" in sample:
        tensors = sample["jsonData"].items()
        return {**sample, "jsonData": {name: rows[place : place + 1] for name, rows in tensors}}
    return {**sample, "ndarray": sample["ndarray"][place : place + 1]}


def twice(sample: Mapping[str, Any]) -> Mapping[str, Any]:
    """A sample with each of its rows a second time."""
    if "jsonData" in sample:
        return {**sample, "jsonData": {name: [*of, *of] for name, of in sample["jsonData"].items()}}
    return {**sample, "ndarray": [*sample["ndarray"], *sample["ndarray"]]}


def seldon_body(bundle: Bundle, sample: Mapping[str, Any]) -> dict[str, Any]:
    """A body of Seldon's protocol for rows in the form of a bundle's sample."""
    if "jsonData" in sample:
        return {"jsonData": sample["jsonData"]}
    if bundle.layout == "tensors":
        return {"data": {"ndarray": sample["ndarray"]}}
    return {"data": {"names": sample["names"], "ndarray": sample["ndarray"]}}


def with_params(body: Mapping[str, Any], params: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """A body of Seldon's protocol with parameters of the model beside those that it has."""
    if not params:
        return body
    meta = body.get("meta") or {}
    tags = meta.get("tags") or {}
    given = {**(tags.get(TAG) or {}), **params}
    return {**body, "meta": {**meta, "tags": {**tags, TAG: given}}}


def open_inference_body(bundle: Bundle, sample: Mapping[str, Any]) -> dict[str, Any]:
    """A body of the Open Inference Protocol for the same rows."""
    if bundle.layout == "tensors":
        tensors = sample.get("jsonData") or {sample["names"][0]: sample["ndarray"]}
        return {"inputs": [_tensor(item, tensors[item.name]) for item in bundle.columns]}
    return {
        "inputs": [
            _column(item, [row[place] for row in sample["ndarray"]])
            for place, item in enumerate(bundle.inputs)
        ]
    }


def _column(item: Input, values: Sequence[Any]) -> dict[str, Any]:
    datatype = _DATATYPES.get(item.type, "BYTES")
    nested = item.type in ("array", "object", "map", "any")
    data = [orjson.dumps(value).decode() for value in values] if nested else list(values)
    return {"name": item.name, "shape": [len(values)], "datatype": datatype, "data": data}


def _tensor(item: Input, values: Any) -> dict[str, Any]:
    dtype = str(item.spec.get("dtype", "float64"))
    datatype = _OF_DTYPE.get(dtype) or (dtype.upper() if "int" in dtype else "BYTES")
    shape, flat = [], values
    while isinstance(flat, list):
        shape.append(len(flat))
        flat = flat[0] if flat else None
    return {"name": item.name, "shape": shape, "datatype": datatype, "data": _flat(values)}


def _flat(values: Any) -> list[Any]:
    return (
        [item for value in values for item in _flat(value)]
        if isinstance(values, list)
        else [values]
    )
