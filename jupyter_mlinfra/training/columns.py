"""The inputs of a model as columns with a name, a type, missing values and categories: the contract
between training and serving.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..core.errors import BadRequest
from ..core.frames import exactly, polars_frame, unnamed

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from ..core.frames import Frame

Kind = Literal["double", "long", "boolean", "string"]
"""Types of an MLflow signature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One input. categories: the texts seen in training, in the order of their codes.

    optional: whether a request may omit it. Always true for floats: NaN is one of their values,
    sensors also fail after training, and XGBoost has a default branch for them. For integers,
    booleans and texts only if values were missing in training.
    """

    name: str
    kind: Kind
    optional: bool
    categories: tuple[str, ...] = ()


def as_frame(inputs: Frame | np.ndarray) -> pl.DataFrame:
    """A matrix of n rows as a frame with columns `f0`, `f1`, …; a Polars or pandas frame with its
    own. NaN becomes null: both mean missing.
    """
    import numpy as np
    import polars as pl

    if not isinstance(inputs, np.ndarray):
        inputs = polars_frame(inputs, "The inputs cannot be used.")
    elif inputs.ndim != 2:
        raise BadRequest(
            f"The inputs have {inputs.ndim} dimensions.",
            fix="Give a frame, or a matrix of rows by columns.",
        )
    else:
        inputs = pl.from_numpy(inputs, schema=[f"f{number}" for number in range(inputs.shape[1])])
    return inputs.with_columns(
        exactly(name).fill_nan(None) for name, dtype in inputs.schema.items() if dtype.is_float()
    )


def columns_of(frame: pl.DataFrame) -> tuple[Column, ...]:
    """The `Column` of each column. Texts become categories in alphabetical order; an Enum keeps its
    order.

    Raises BadRequest on a column that is neither number, boolean nor text.
    """
    return tuple(_column(series) for series in frame.iter_columns())


def _column(series: pl.Series) -> Column:
    import polars as pl

    texts = (
        unnamed(series).cast(pl.String).drop_nulls().unique().sort()
        if is_text(series.dtype)
        else ()
    )
    return column_of(
        series.name, series.dtype, optional=series.null_count() > 0, texts=tuple(texts)
    )


def is_text(dtype: pl.DataType) -> bool:
    """Whether the categories of such a column are the texts that occur in it."""
    import polars as pl

    return dtype in (pl.String, pl.Categorical)


def column_of(
    name: str, dtype: pl.DataType, *, optional: bool, texts: Sequence[str] = ()
) -> Column:
    """The `Column` for a type. optional: whether values are missing. texts: the categories of a
    text.

    Raises BadRequest if it is neither number, boolean nor text.
    """
    import polars as pl

    if dtype == pl.Boolean:
        return Column(name=name, kind="boolean", optional=optional)
    if isinstance(dtype, pl.Enum):
        return Column(
            name=name, kind="string", optional=optional, categories=tuple(dtype.categories)
        )
    if is_text(dtype):
        return Column(name=name, kind="string", optional=optional, categories=tuple(texts))
    if dtype.is_numeric():
        # An integer column with missing values reaches a model as float, in pandas and over JSON
        # alike; so its signature says float.
        integer = dtype.is_integer() and not optional
        return Column(name=name, kind="long" if integer else "double", optional=not integer)
    fix = (
        "Turn it into a number first, for example by .dt.epoch('s')."
        if dtype.is_temporal()
        else "Turn it into a number or text first."
    )
    raise BadRequest(
        f"Column {name} cannot be an input.",
        f"It is {dtype}; XGBoost takes numbers, booleans and categories.",
        fix,
    )


def encode(frame: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """The columns in the model's order: texts as Enum of the known categories (others as missing),
    all else as Float64.

    Raises BadRequest if a column is missing, or is a text instead of a number.
    """
    import polars as pl

    missing = [column.name for column in columns if column.name not in frame.columns]
    if missing:
        raise BadRequest(
            f"The data have no column {', '.join(missing[:5])}.",
            f"The model takes {len(columns)} columns; {len(missing)} of them are missing.",
        )
    expressions: list[pl.Expr] = []
    for column in columns:
        dtype = frame.schema[column.name]
        # A column without any value has no type of its own: all of it is missing, whatever type it
        # was trained on.
        is_text = (
            column.kind == "string"
            if dtype == pl.Null
            else dtype in (pl.String, pl.Categorical) or isinstance(dtype, pl.Enum)
        )
        if is_text != (column.kind == "string"):
            why = (
                f"It is {dtype}; the model was trained on"
                f" {'text' if column.kind == 'string' else 'numbers'}."
            )
            raise BadRequest(
                f"Column {column.name} has another type.", why, "Cast it as in training."
            )
        cast = (
            exactly(column.name).cast(pl.String).cast(pl.Enum(column.categories), strict=False)
            if is_text
            else exactly(column.name).cast(pl.Float64)
        )
        expressions.append(cast)
    return frame.select(expressions)


def codes(frame: pl.DataFrame) -> np.ndarray:
    """An encoded frame as the matrix that the serving runtime also uses: float64, NaN for missing,
    categories as their codes.
    """
    import polars as pl
    import polars.selectors as cs

    matrix: np.ndarray = frame.with_columns(cs.enum().to_physical().cast(pl.Float64)).to_numpy()
    return matrix
