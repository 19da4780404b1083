"""Which columns of a dataset feed which inputs of a model, and whether they can."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...core.errors import Unprocessable
from ..logged import Input
from .answers import ERROR, MODEL_VERSION, PREDICTION

if TYPE_CHECKING:
    import polars as pl

_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Feed:
    """An input of the model and the column that it is read from. input: its name is the one that
    the serving process knows.
    """

    input: Input
    column: str


def feeds(inputs: Sequence[Input], served: Sequence[str]) -> list[Feed]:
    """The inputs in the order of the serving process. served: its names of them: the same in
    another order, or, for a signature without names, the model's own by position.
    """
    by_name = {item.name: item for item in inputs}
    if set(served) == set(by_name):
        return [Feed(by_name[name], name) for name in served]
    return [
        Feed(replace(item, name=name), item.name) for item, name in zip(inputs, served, strict=True)
    ]


def _is_number(dtype: pl.DataType) -> bool:
    import polars as pl

    return dtype.is_numeric() or dtype == pl.Boolean()


def _is_text(dtype: pl.DataType) -> bool:
    import polars as pl

    return isinstance(dtype, pl.String | pl.Categorical | pl.Enum)


def _is_time(dtype: pl.DataType) -> bool:
    import polars as pl

    # A text is read as ISO 8601.
    return isinstance(dtype, pl.Date | pl.Datetime | pl.String)


def _is_binary(dtype: pl.DataType) -> bool:
    import polars as pl

    return isinstance(dtype, pl.Binary)


def _is_tensor(dtype: pl.DataType) -> bool:
    import polars as pl

    return isinstance(dtype, pl.List | pl.Array) or dtype.is_numeric()


_TAKES: Mapping[str, Callable[[pl.DataType], bool]] = {
    **dict.fromkeys(("double", "float", "integer", "long", "boolean"), _is_number),
    "string": _is_text,
    "datetime": _is_time,
    "binary": _is_binary,
    "tensor": _is_tensor,
}
"""What each type of MLflow's signature can be read from; the nested ones are checked row by row."""


def check_columns(
    inputs: Sequence[Input], schema: Mapping[str, pl.DataType], *, source: str, model: str
) -> None:
    """Raise Unprocessable if the dataset lacks an input of the model, or has it in another type."""
    import polars as pl

    missing = [item.name for item in inputs if item.name not in schema and not item.optional]
    if missing:
        raise Unprocessable(
            f"{source} does not have the inputs of {model}.",
            f"Missing: {listed(missing)}. It has {listed(list(schema))}.",
            "Make a dataset with these columns, for example by ml.sql and ml.write.",
        )
    for item in inputs:
        dtype = schema.get(item.name)
        takes = _TAKES.get(item.type)
        if dtype is None or takes is None or isinstance(dtype, pl.Null) or takes(dtype):
            continue
        raise Unprocessable(
            f"{source} does not fit {model}.",
            f"Column {item.name} is {dtype}; the model takes {item.type} there.",
            "Convert the column in a dataset of its own.",
        )


def check_kept(
    keep: Sequence[str] | None, schema: Mapping[str, pl.DataType], *, source: str
) -> list[str]:
    """The columns of the source that the result has. Raises Unprocessable for one that is not
    there, or that a column of the predictions would replace.
    """
    unknown = [name for name in keep or () if name not in schema]
    if unknown:
        raise Unprocessable(
            f"{source} has no column {unknown[0]!r}.",
            f"It has {listed(list(schema))}.",
            "Correct the name after --keep.",
        )
    kept = list(schema) if keep is None else list(dict.fromkeys(keep))
    taken = [
        name
        for name in kept
        if name in (PREDICTION, MODEL_VERSION, ERROR) or name.startswith(f"{PREDICTION}_")
    ]
    if taken:
        raise Unprocessable(
            f"{source} has a column {taken[0]!r} already.",
            "The predictions are written under that name.",
            "Name the columns to keep with --keep, without this one.",
        )
    return kept


def listed(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
