"""Rows that never were in a request, as the payload log would keep them: training data that logged
requests are compared with.

The values go through the contracts that check requests, so that both sides are derived by the same
code: a tensor becomes its numbers or their summary, bytes and nested values become text.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import BadRequest
from ...core.frames import unnamed
from ..logged import read_document
from ..runtime.contract import Column
from ..runtime.refusal import RequestRefused
from ..runtime.table import LOGGED_TEXT, TableContract
from ..runtime.tensors import TensorContract
from ..servable import NESTED, engine_of, is_numeric_matrix, layout_of

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

_AT_ONCE = 10_000
_BY_PLACE = ("xgboost", "lightgbm", "sklearn")
"""Engines that take a matrix without names as columns f0, f1, …"""

_KEPT = ("name", "type", "required", "tensor-spec")


def inputs_of(signature: Sequence[Mapping[str, Any]], model: Path | None) -> list[Column]:
    """The inputs of a request, in their order. signature: the inputs of it, as MLflow writes them.
    model: the folder of the model, None if it cannot be read: then a matrix is a tensor.
    """
    if model is not None and is_numeric_matrix(signature):
        engine = engine_of(read_document(model))
        if engine in _BY_PLACE:
            width = signature[0]["tensor-spec"]["shape"][1]
            return [Column(f"f{place}", "double") for place in range(width)]
    return [
        Column(
            name=str(item.get("name") or "input"),
            type=str(item.get("type", "")),
            optional=item.get("required") is False,
            spec=dict(
                item.get("tensor-spec")
                or {key: value for key, value in item.items() if key not in _KEPT}
            ),
        )
        for item in signature
    ]


def needs_model(signature: Sequence[Mapping[str, Any]]) -> bool:
    """Whether it depends on the model's files what its one matrix is called in the log."""
    return layout_of(signature) == "tensors" and is_numeric_matrix(signature)


def as_logged(
    rows: pl.DataFrame, inputs: Sequence[Column]
) -> tuple[pl.DataFrame, Sequence[Column]]:
    """The columns that the log has of these rows, with their types: `tensor` for a part of one.

    rows: one column per input; the columns of a single matrix may also stand side by side. Inputs
    that are not among the rows are left out, columns that are no inputs stay. Raises BadRequest for
    values that no request could have.
    """
    found, columns = rows, list[Column]()
    side_by_side = not any(column.name in rows.columns for column in inputs)
    if side_by_side and inputs and _width(inputs) == rows.width:
        found = _placed(rows, inputs)
    for column in inputs:
        if column.type == "tensor":
            found, parts = _with_parts(found, column)
            columns += parts
        elif column.name in found.columns:
            found = found.with_columns(_texts(found[column.name], column))
            columns.append(column)
    return found, columns


def request_of(rows: pl.DataFrame, inputs: Sequence[Column]) -> pl.DataFrame | dict[str, Any]:
    """A request for rows as they are in a dataset: a body where the values are no JSON."""
    if inputs and all(column.type == "tensor" for column in inputs):
        tensors = {
            item.name: [part.tolist() for array in _arrays(rows[item.name], item) for part in array]
            for item in inputs
        }
        only = tensors[inputs[0].name]
        return {"data": {"ndarray": only}} if len(inputs) == 1 else {"jsonData": tensors}
    if not any(column.type in (*NESTED, "binary", "datetime") for column in inputs):
        return rows
    values = [_json(rows[column.name], column) for column in inputs]
    names = [column.name for column in inputs]
    return {"data": {"names": names, "ndarray": [[*row] for row in zip(*values, strict=True)]}}


def _width(inputs: Sequence[Column]) -> int | None:
    """How many columns the rows have if those of the only tensor stand side by side."""
    if inputs[0].type != "tensor":
        return len(inputs) if inputs[0].name == "f0" else None
    sizes = list(inputs[0].spec.get("shape", [-1]))[1:]
    return sizes[0] if len(inputs) == len(sizes) == 1 and sizes[0] > 0 else None


def _placed(rows: pl.DataFrame, inputs: Sequence[Column]) -> pl.DataFrame:
    import polars as pl

    if inputs[0].type != "tensor":
        return rows.rename(dict(zip(rows.columns, (item.name for item in inputs), strict=True)))
    if rows.width == 1:
        return rows.rename({rows.columns[0]: inputs[0].name})
    return rows.select(pl.concat_list(pl.all().cast(pl.Float64)).alias(inputs[0].name))


def _with_parts(rows: pl.DataFrame, column: Column) -> tuple[pl.DataFrame, list[Column]]:
    """The rows with what the log has of a tensor in its place."""
    import polars as pl
    import polars.selectors as cs

    names = TensorContract([column]).logged_names
    if column.name not in rows.columns:
        return rows, [Column(name, "tensor") for name in names if name in rows.columns]
    is_text = names == [column.name] and not _is_number(column)
    schema = dict.fromkeys(names, pl.String if is_text else pl.Float64)
    chunks = [
        pl.DataFrame([*_logged(part, column, len(names))], schema=schema, orient="row")
        for part in _chunks(rows[column.name])
    ]
    parts, others = (
        pl.concat(chunks or [pl.DataFrame(schema=schema)]),
        rows.drop(cs.by_name(column.name)),
    )
    both = others.hstack(parts) if others.width else parts
    return both, [Column(name, "string" if is_text else "tensor") for name in names]


def _logged(values: pl.Series, column: Column, width: int) -> Iterator[Sequence[Any]]:
    """What the log has of each row; nothing of one without a tensor."""
    arrays = _arrays(values, column)
    kept = iter([row for array in arrays for row in _checked(array, column)])
    for missing in unnamed(values).is_null():
        yield [None] * width if missing else next(kept)


def _arrays(values: pl.Series, column: Column) -> list[np.ndarray]:
    """The tensors of the rows that have one; the first axis of each array counts rows."""
    sizes = list(column.spec.get("shape", [-1]))[1:]
    present = unnamed(values).drop_nulls().to_list()
    try:
        if present and all(size > 0 for size in sizes):
            return [_array(present, column).reshape(len(present), *sizes)]
        # Rows of different sizes: as many requests.
        return [_array([value], column) for value in present]
    except (ValueError, TypeError) as error:
        raise _unfit(column, str(error)) from None


def _array(values: Sequence[Any], column: Column) -> np.ndarray:
    import numpy as np

    if not _is_number(column):
        return np.asarray(values, object)
    found = np.asarray(values)
    return found.astype(np.float64) if found.dtype == object else found  # a missing one is NaN


def _checked(array: np.ndarray, column: Column) -> Sequence[Sequence[Any]]:
    flat = array.ravel() if _is_number(column) else array.ravel().tolist()
    try:
        batch = TensorContract([column]).from_columns({column.name: (list(array.shape), flat)})
    except RequestRefused as error:
        raise _unfit(column, error.text) from None
    return batch.logged_rows()


def _is_number(column: Column) -> bool:
    return str(column.spec.get("dtype")) not in ("str", "object", "bytes")


def _texts(values: pl.Series, column: Column) -> pl.Series:
    """A column as the log keeps it: bytes and nested values as text, no text beyond its limit."""
    import polars as pl

    if column.type == "string" and values.dtype == pl.String:
        return unnamed(values).str.slice(0, LOGGED_TEXT).alias(column.name)
    if column.type not in (*NESTED, "binary"):
        return values
    contract = TableContract([replace(column, optional=True)])
    found: list[str | None] = []
    for part in _chunks(values):
        given = _json(part, column)
        try:
            batch = contract.from_columns({column.name: ([len(given)], given)})
        except RequestRefused as error:
            raise _unfit(column, error.text) from None
        found += [row[0] for row in batch.logged_rows()]
    return pl.Series(values.name, found, dtype=pl.String)


def _json(values: pl.Series, column: Column) -> list[Any]:
    """Values as a request has them."""
    import polars as pl

    if column.type == "binary" and values.dtype == pl.Binary:
        return [None if item is None else base64.b64encode(item).decode() for item in values]
    if column.type == "datetime" and values.dtype.is_temporal():
        return [None if item is None else item.isoformat() for item in values.to_list()]
    if column.type == "map" and isinstance(values.dtype, pl.List):  # as Parquet has it
        return [
            None if item is None else {part["key"]: part["value"] for part in item}
            for item in values.to_list()
        ]
    return values.to_list()


def _chunks(values: pl.Series) -> Iterator[pl.Series]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]


def _unfit(column: Column, why: str) -> BadRequest:
    return BadRequest(
        f"Input {column.name} of these rows is not what the model takes.",
        f"{why}" if why.endswith(".") else f"{why}.",
        "Give the rows that it was trained on, one tensor or value a row.",
    )
