"""Rows of a dataset as requests of the Open Inference Protocol, with numbers as bytes.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
and its extension for binary tensors.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from ...core.frames import exactly, unnamed
from .columns import Feed

if TYPE_CHECKING:
    import polars as pl

NUMBERS = ("double", "float", "integer", "long", "boolean")
_NESTED = ("array", "object", "map", "any")
_EXACT = 2**53
"""Beyond it a double cannot hold every integer."""

_TIME = "%Y-%m-%dT%H:%M:%S%.f"
_TENSORS = {
    "float16": "FP16",
    "float32": "FP32",
    "float64": "FP64",
    "bool": "BOOL",
    **{f"int{bits}": f"INT{bits}" for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": f"UINT{bits}" for bits in (8, 16, 32, 64)},
}


class Ragged(Exception):
    """Rows whose tensors have different shapes: they cannot be in one request."""


@dataclass(frozen=True, slots=True)
class Body:
    """A request. json_length: bytes of its JSON part; the tensors follow."""

    data: bytes
    json_length: int


def with_plain_columns(frame: pl.DataFrame, feeds: Sequence[Feed]) -> pl.DataFrame:
    """The columns that feed the inputs, in types that a request can carry. NaN is a missing value,
    as it is for pandas and MLflow; categories are texts, times are in UTC, without a zone.
    """
    import polars as pl

    found = []
    for feed in feeds:
        if feed.column not in frame.columns:
            continue
        series = unnamed(frame[feed.column])
        dtype = series.dtype
        if isinstance(dtype, pl.Categorical | pl.Enum):
            series = series.cast(pl.String)
        elif isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
            series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        elif dtype.is_decimal() or isinstance(dtype, pl.Float32):
            series = series.cast(pl.Float64).fill_nan(None)
        elif dtype.is_float():
            series = series.fill_nan(None)
        elif isinstance(dtype, pl.Int128):
            series = series.cast(pl.Float64)
        found.append(series.alias(feed.column))
    return pl.DataFrame(found)


def inexact(frame: pl.DataFrame, feeds: Sequence[Feed]) -> pl.Series:
    """Why a row cannot be asked, null if it can: an input of whole numbers would get another one
    than the row has, because decimals and integers beyond 64 bits travel as doubles.
    """
    import polars as pl

    reasons = [pl.Series([None], dtype=pl.String).new_from_index(0, frame.height)]
    for feed in feeds:
        if feed.column not in frame.columns or not _is_whole(feed):
            continue
        values = unnamed(frame[feed.column])
        if not (values.dtype.is_decimal() or isinstance(values.dtype, pl.UInt64 | pl.Int128)):
            continue
        whole = values.cast(pl.Int64, strict=False)
        kept = (whole.cast(values.dtype, strict=False) == values) & whole.is_between(
            -_EXACT, _EXACT
        )
        wrong = values.is_not_null() & ~kept.fill_null(value=False)
        text = (
            f"Column {feed.input.name} is no whole number, or beyond 2^53 = {_EXACT:,}, where a"
            " double loses digits."
        )
        reasons.append(pl.select(pl.when(wrong).then(pl.lit(text))).to_series())
    return pl.select(pl.coalesce(reasons).alias("why")).to_series()


def _is_whole(feed: Feed) -> bool:
    if feed.input.type == "tensor":
        return "int" in str(feed.input.spec.get("dtype", ""))
    return feed.input.type in ("integer", "long", "boolean")


def body_of(
    frame: pl.DataFrame, feeds: Sequence[Feed], *, layout: str, binary_answer: bool
) -> Body:
    """The request for rows from `with_plain_columns`, at least one. A model of numbers alone gets
    them as one matrix, which its process checks without a loop over rows. Raises Ragged.
    """
    if layout == "tensors":
        items = [
            _tensor(unnamed(frame[feed.column]), feed.input.name, feed.input.spec) for feed in feeds
        ]
    elif len(feeds) > 1 and all(feed.input.type in NUMBERS for feed in feeds) and _exact(frame):
        items = [_matrix(frame, feeds)]
    else:
        items = [
            _column(unnamed(frame[feed.column]), feed)
            for feed in feeds
            if feed.column in frame.columns
        ]
    parameters = {"parameters": {"binary_data_output": True}} if binary_answer else {}
    text = orjson.dumps({"inputs": [head for head, _ in items], **parameters})
    return Body(b"".join([text, *(blob for _, blob in items)]), len(text))


def _exact(frame: pl.DataFrame) -> bool:
    """Whether doubles hold all the values."""
    import polars.selectors as cs

    whole = frame.select(cs.integer())
    return all(
        _least(column) >= -_EXACT and _most(column) <= _EXACT for column in whole.iter_columns()
    )


def _least(column: pl.Series) -> int:
    return int(column.min() or 0)  # type: ignore[arg-type]  # a column of whole numbers


def _most(column: pl.Series) -> int:
    return int(column.max() or 0)  # type: ignore[arg-type]  # as above


def _matrix(frame: pl.DataFrame, feeds: Sequence[Feed]) -> tuple[dict[str, Any], bytes]:
    """Columns by place. Missing values are NaN."""
    import polars as pl

    columns = [
        exactly(feed.column).cast(pl.Float64).fill_null(math.nan).alias(str(place))
        if feed.column in frame.columns
        else pl.lit(math.nan).alias(str(place))
        for place, feed in enumerate(feeds)
    ]
    # An order by rows, in which the protocol has its tensors.
    data = frame.select(columns).to_numpy(order="c").astype("<f8", copy=False).tobytes()
    names = {feed.input.name for feed in feeds}
    name = next(text for text in ("rows", "rows_", "rows__") if text not in names)
    return _binary(name, [frame.height, len(feeds)], "FP64", data), data


def _column(series: pl.Series, feed: Feed) -> tuple[dict[str, Any], bytes]:
    import polars as pl

    name, kind, rows = feed.input.name, feed.input.type, len(series)
    if kind in NUMBERS and not series.null_count() and not isinstance(series.dtype, pl.Null):
        datatype, dtype = (
            ("BOOL", "bool")
            if series.dtype == pl.Boolean()
            else ("FP64", "<f8")
            if series.dtype.is_float() or series.dtype == pl.UInt64()
            else ("INT64", "<i8")
        )
        data = series.to_numpy().astype(dtype, copy=False).tobytes()
        return _binary(name, [rows], datatype, data), data
    datatype = "FP64" if kind in NUMBERS else "BYTES"
    return {"name": name, "shape": [rows], "datatype": datatype, "data": _json(series, kind)}, b""


def _json(series: pl.Series, kind: str) -> list[Any]:
    """Values that bytes cannot carry: texts, times, and whatever is missing."""
    import polars as pl

    if kind in _NESTED:
        return [None if value is None else _text_of(value) for value in series.to_list()]
    if kind == "datetime" and isinstance(series.dtype, pl.Date | pl.Datetime):
        return series.cast(pl.Datetime("us")).dt.strftime(_TIME).to_list()
    if isinstance(series.dtype, pl.Binary):
        return series.bin.encode("base64").to_list()
    return series.to_list()


def _text_of(value: Any) -> str:
    return orjson.dumps(value, default=_json_default).decode()


def _json_default(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def _tensor(series: pl.Series, name: str, spec: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    """A column of lists as one tensor. Raises Ragged if the rows have different shapes."""
    import numpy as np
    import polars as pl

    first, shape = series[0], [len(series)]
    flat = series
    while isinstance(flat.dtype, pl.List | pl.Array):
        if flat.null_count():
            raise Ragged
        lengths = flat.list.len() if isinstance(flat.dtype, pl.List) else None
        size = int(lengths[0]) if lengths is not None else flat.dtype.shape[0]  # type: ignore[union-attr]
        if lengths is not None and lengths.n_unique() > 1:
            raise Ragged
        shape.append(size)
        flat = flat.explode() if size else flat.clear()
    if first is None or flat.null_count():
        raise Ragged
    dtype = str(spec.get("dtype", "float64"))
    if dtype not in _TENSORS:
        return {"name": name, "shape": shape, "datatype": "BYTES", "data": flat.to_list()}, b""
    data = np.asarray(flat.to_numpy()).astype(dtype).tobytes()
    return _binary(name, shape, _TENSORS[dtype], data), data


def _binary(name: str, shape: list[int], datatype: str, data: bytes) -> dict[str, Any]:
    parameters = {"binary_data_size": len(data)}
    return {"name": name, "shape": shape, "datatype": datatype, "parameters": parameters}
