"""Which columns of a dataset become wider with the rows of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from .conform import Target, fit, from_text
from .dtypes import requested_dtype, storable
from .kept import Kept
from .reading import Reading
from .widening import requested, widest

if TYPE_CHECKING:
    import polars as pl

    from .sources import Source


def widened(
    existing: Mapping[str, Target], sources: Sequence[Source], reading: Reading, kept: Kept
) -> dict[str, Target]:
    """The columns of the dataset, some of them wider: as it is asked, as a file has them, or as the
    first rows of a file need it that would be refused otherwise. Raises Unprocessable for a type
    that is asked for and is not wider.
    """
    dtypes = {name: target.dtype for name, target in existing.items()}
    for name, dtype in dtypes.items():
        of_files = [
            storable(source.columns[name], name)
            for source in sources
            if name in source.columns and source.columns[name].is_numeric()
        ]
        dtypes[name] = widest(dtype, of_files)
    for source in sources:
        dtypes |= _needed(source, _wholes(source, dtypes), reading, kept)
    for name, word in reading.types.items():
        if name in dtypes:
            dtypes[name] = requested(name, existing[name].dtype, requested_dtype(name, word))
    return {name: replace(existing[name], dtype=dtype) for name, dtype in dtypes.items()}


def _wholes(source: Source, dtypes: Mapping[str, pl.DataType]) -> dict[str, pl.DataType]:
    """The columns of whole numbers for which a file has floats or words."""
    import polars as pl

    return {
        name: dtype
        for name, dtype in dtypes.items()
        if dtype.is_integer()
        and name in source.columns
        and (
            source.columns[name].is_float()
            or (source.spelled and source.columns[name] == pl.String())
        )
    }


def _needed(
    source: Source, wholes: Mapping[str, pl.DataType], reading: Reading, kept: Kept
) -> Mapping[str, pl.DataType]:
    """Wider types for columns of whole numbers, where too many of a file's first rows hold larger
    ones or fractions.
    """
    import polars as pl

    first = next(kept.frames_of(source), None) if wholes else None
    wider: dict[str, pl.DataType] = {}
    if first is None:
        return wider
    for name, dtype in wholes.items():
        for candidate in (dtype, pl.Int64(), pl.Float64()):
            if reading.tolerates(_lost(first, name, candidate, reading), first.height):
                wider[name] = candidate
                break
    return wider


def _lost(frame: pl.DataFrame, name: str, dtype: pl.DataType, reading: Reading) -> int:
    """How many values of a column are lost as numbers of a type."""
    import polars as pl

    column = pl.col(name)
    if frame[name].dtype == pl.String():
        value, present = from_text(column, dtype, reading.time_zone)
        bad = present & value.is_null()
    else:
        bad = fit(name, frame[name].dtype, Target(dtype), spelled=False, zone=None).bad
    return int(frame.select(bad.sum()).item())
