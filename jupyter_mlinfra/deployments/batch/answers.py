"""Answers of the Open Inference Protocol as columns of predictions."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from ...core.errors import Unprocessable
from ..runtime import by_row

if TYPE_CHECKING:
    import polars as pl

PREDICTION, MODEL_VERSION, ERROR = "prediction", "model_version", "error"
"""Columns of the result."""

MOST_COLUMNS = 64
"""Beyond it the values of a row become one list: an embedding, not a choice of columns."""

_DTYPES = {
    "BOOL": "bool",
    "FP16": "float16",
    "FP32": "float32",
    "FP64": "float64",
    **{f"INT{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
}


def is_binary(data: bytes) -> bool:
    """Whether every output of an answer in JSON is of a type that bytes can carry, so that further
    answers may be asked for in that form.
    """
    return all(item["datatype"] in _DTYPES for item in orjson.loads(data)["outputs"])


def predictions_of(data: bytes, json_length: int | None, rows: int) -> pl.DataFrame:
    """A row of predictions for each of `rows`. json_length: of the JSON part, if bytes follow.

    Columns: `prediction` for one value; `prediction_NAME` for named ones, `prediction_1`,
    `prediction_2`, … for others; a list if there are more than MOST_COLUMNS. Raises Unprocessable
    if the model answered another number of rows.
    """
    import polars as pl

    length = len(data) if json_length is None else json_length
    items = orjson.loads(data[:length])["outputs"]
    blob = memoryview(data)[length:]
    columns: dict[str, pl.Series] = {}
    for item in items:
        values, blob = _values(item, blob)
        shape = item["shape"]
        if fault := by_row.fault(item["name"], shape, rows):
            raise Unprocessable(by_row.WHAT, fault, by_row.FIX)
        prefix = PREDICTION if len(items) == 1 else f"{PREDICTION}_{item['name']}"
        columns.update(_columns(prefix, values, shape, _names(item)))
    return pl.DataFrame(columns)


def _names(item: Mapping[str, Any]) -> Sequence[str]:
    names: Sequence[str] = item.get("parameters", {}).get("names", ())
    # t:0, t:1, … are the names of values that have none.
    return () if any(name.startswith("t:") for name in names) else names


def _values(item: Mapping[str, Any], blob: memoryview) -> tuple[pl.Series, memoryview]:
    """The flat values of one output, and the bytes that are left."""
    import numpy as np
    import polars as pl

    size = item.get("parameters", {}).get("binary_data_size")
    dtype = _DTYPES.get(item["datatype"])
    if size is None:
        return _plain(item["data"], dtype), blob
    part, rest = blob[:size], blob[size:]
    if dtype is None:
        return pl.Series(_texts(part), dtype=pl.String), rest
    return pl.Series(np.frombuffer(part, dtype=dtype)), rest


def _plain(values: list[Any], dtype: str | None) -> pl.Series:
    import numpy as np
    import polars as pl

    if dtype is None:
        return pl.Series(
            [None if value is None else _text(value) for value in values], dtype=pl.String
        )
    if dtype.startswith("float"):  # JSON has no NaN
        values = [math.nan if value is None else value for value in values]
    return pl.Series(np.array(values, dtype=dtype))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _texts(part: memoryview) -> list[str]:
    """Texts with their lengths before them, four bytes each, little-endian."""
    texts = []
    while part:
        (length,) = struct.unpack_from("<I", part)
        texts.append(bytes(part[4 : 4 + length]).decode())
        part = part[4 + length :]
    return texts


def _columns(
    prefix: str, values: pl.Series, shape: Sequence[int], names: Sequence[str]
) -> dict[str, pl.Series]:
    import polars as pl

    if str(values.dtype) == "Float16":
        values = values.cast(pl.Float32)
    width = math.prod(shape[1:])
    if width == 1:
        return {prefix: values.alias(prefix)}
    if len(shape) > 2 or not 1 < width <= MOST_COLUMNS:
        rows = values.reshape((shape[0], width)).cast(pl.List(values.dtype))
        return {prefix: rows.alias(prefix)}
    labels = names if len(names) == width else range(1, width + 1)
    return {
        f"{prefix}_{label}": values.gather_every(width, place) for place, label in enumerate(labels)
    }
