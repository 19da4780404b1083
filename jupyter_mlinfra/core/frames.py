"""Frames as notebooks have them: Polars or pandas. Neither is imported for users who do not
use it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .errors import BadRequest

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    Frame = pl.DataFrame | pl.LazyFrame | pd.DataFrame


def is_pattern(name: str) -> bool:
    """Whether Polars takes the name of a column for a pattern of names."""
    return name == "*" or (name.startswith("^") and name.endswith("$"))


def exactly(name: str) -> pl.Expr:
    """The column of that very name, also if it is a pattern to `pl.col`."""
    import polars as pl
    import polars.selectors as cs

    return cs.by_name(name).as_expr() if is_pattern(name) else pl.col(name)


def empty_table(schema: Any) -> Any:
    """An Arrow table without rows. schema: of Arrow."""
    import pyarrow as pa

    try:
        return schema.empty_table()
    except pa.ArrowNotImplementedError:  # of an extension within a list or a struct
        return pa.Table.from_batches([], schema=schema)


def asked_for(
    frames: Iterable[pl.DataFrame],
    columns: Sequence[str] | None,
    predicate: pl.Expr | None,
    most: int | None,
) -> Iterator[pl.DataFrame]:
    """What a lazy frame asks of one who reads its rows (`register_io_source`): of these frames the
    columns (all: None), the rows that fulfil a condition, and at most so many.
    """
    for frame in frames:
        part = frame if columns is None else frame.select(map(exactly, columns))
        part = part if predicate is None else part.filter(predicate)
        if most is not None:
            part, most = part.head(most), most - min(most, part.height)
        yield part
        if most == 0:
            return


def conditions(predicate: pl.Expr | None) -> list[pl.Expr]:
    """The conditions that must all be fulfilled."""
    if predicate is None:
        return []
    parts = predicate.meta.pop()
    for first, second in [parts, parts[::-1]] if len(parts) == 2 else []:
        if (first & second).meta.eq(predicate):
            return [*conditions(first), *conditions(second)]
    return [predicate]


def unnamed(series: pl.Series) -> pl.Series:
    """The same values without their name: if that is a pattern to Polars, such as `^a.*$`, most
    methods of a series fail.
    """
    return series.alias("")


def polars_frame(frame: Frame, what: str) -> pl.DataFrame:
    """The same rows as a Polars frame. what: the error's first sentence.

    Raises BadRequest for anything that is not a frame, and for a pandas frame with columns of mixed
    types.
    """
    import polars as pl

    if isinstance(frame, pl.DataFrame):
        return frame
    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    pandas = sys.modules.get("pandas")  # loaded if there is such a frame
    if pandas is None or not isinstance(frame, pandas.DataFrame):
        raise BadRequest(
            what, f"{type(frame).__name__} is not a frame.", "Give a Polars or pandas frame."
        )
    try:
        converted: pl.DataFrame = pl.from_pandas(frame)
    except (
        TypeError,
        ValueError,
        pl.exceptions.PolarsError,
    ) as error:  # pyarrow's errors are of the first two
        raise BadRequest(
            what,
            f"A column of the frame cannot be read: {str(error)[:200]}.",
            "Give each column values of one kind.",
        ) from error
    return converted


def lazy_frame(frame: Frame, what: str) -> pl.LazyFrame:
    """As `polars_frame`, lazily; nothing of a lazy frame is read."""
    import polars as pl

    return frame if isinstance(frame, pl.LazyFrame) else polars_frame(frame, what).lazy()
