"""Statistics of columns: from the metadata of the data files (no rows are read), or from rows.

Every number says what it was computed from. Missing is a share of rows. NaN and infinity are
values, but take no part in mean and shape.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..core.frames import exactly
from ..core.records import Basis, Number
from .rows import plain
from .spec import ColumnProfile

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.manifest import DataFile
    from pyiceberg.schema import Schema
    from pyiceberg.types import NestedField

BINS = 24
_UNKNOWN = Number(value=None)

type Written = Mapping[str, Collection[int]]


def from_files(
    files: Sequence[DataFile],
    schema: Schema,
    types: Mapping[str, str],
    *,
    written: Written,
    deletes: bool,
) -> list[ColumnProfile]:
    """Missing, min and max from the statistics that the manifests keep for each data file.

    written: by path, the ids of the columns that the table had when a file was added, where that is
    known. deletes: rows of these files are deleted elsewhere, so the numbers cover more rows than
    the table has.
    """
    rows = sum(file.record_count for file in files)
    profiles = []
    for field in schema.fields:
        nulls = [_nulls(file, field.field_id, written) for file in files]
        missing = _missing(nulls, rows, deletes=deletes)
        low, high = _bounds(files, nulls, field, rows, deletes=deletes)
        profiles.append(of_column(field.name, types, missing=missing, min=low, max=high))
    return profiles


def from_rows(
    frame: pl.LazyFrame, types: Mapping[str, str], *, basis: Basis, rows: int
) -> list[ColumnProfile]:
    """All statistics of the rows in `frame`; only one column's distinct values are held at a time.

    basis: exact if these are all rows, else sample. rows: their number.
    """
    import polars as pl

    schema = frame.collect_schema()
    sums = _sums(frame, schema)
    profiles = []
    for name, dtype in schema.items():
        numbers = {
            key: Number(value=plain(sums[name, key]), basis=basis, n=rows)
            for key in ("min", "max", "mean")
            if (name, key) in sums
        }
        numbers["missing"] = Number(
            value=sums[name, "null"] / rows if rows else 0.0, basis=basis, n=rows
        )
        shape: Sequence[int] = ()
        if dtype in (pl.String(), pl.Boolean(), pl.Binary()):
            frequencies = _frequencies(frame, name)
            numbers["distinct"] = Number(value=frequencies.height, basis=basis, n=rows)
            order = ["\0n", exactly(name)]
            most_frequent = frequencies.sort(order, descending=[True, False]).head(BINS)
            shape = most_frequent["\0n"].to_list()
            if shape:
                top = f"{_word(most_frequent[name][0])} {100 * shape[0] / rows:.1f} %"
                numbers["top"] = Number(value=top, basis=basis, n=rows)
        elif not dtype.is_nested():
            numbers["distinct"] = Number(value=_distinct(frame, name), basis=basis, n=rows)
            low, high = sums[name, "low"], sums[name, "high"]
            shape = _shape(frame, name, integers=not dtype.is_float(), low=low, high=high)
        profiles.append(of_column(name, types, shape=shape, **numbers))
    return profiles


def merged(rows: Sequence[ColumnProfile], files: Sequence[ColumnProfile]) -> list[ColumnProfile]:
    """A profile of some rows, with the exact numbers that the files know about all rows in place of
    its own.
    """
    from dataclasses import replace

    exact_by_name = {column.name: column for column in files}
    profiles = []
    for column in rows:
        numbers = {
            key: getattr(exact_by_name[column.name], key)
            for key in ("missing", "min", "max")
            if column.name in exact_by_name
        }
        exact = {
            key: number
            for key, number in numbers.items()
            if number.value is not None and number.basis == "exact"
        }
        profiles.append(replace(column, **exact))
    return profiles


def of_column(
    name: str, types: Mapping[str, str], *, shape: Sequence[int] = (), **numbers: Number
) -> ColumnProfile:
    """The profile of one column; numbers that are not passed are unknown."""
    complete = {
        key: numbers.get(key, _UNKNOWN)
        for key in ("missing", "distinct", "min", "max", "mean", "top")
    }
    return ColumnProfile(name=name, type=types[name], shape=shape, **complete)


def _missing(nulls: Sequence[int | None], rows: int, *, deletes: bool) -> Number:
    counted = [count for count in nulls if count is not None]
    if len(counted) < len(nulls):
        return _UNKNOWN
    return Number(
        value=sum(counted) / rows if rows else 0.0, basis="approx" if deletes else "exact", n=rows
    )


def counts(file: DataFile, number: int) -> bool:
    """Whether the statistics of a file include a column's missing values."""
    return number in (file.null_value_counts or {})


def _nulls(file: DataFile, number: int, written: Written) -> int | None:
    """Missing values of a column in a file: all rows if the file is older than the column. None if
    they were not counted.

    Writers count them for plain values only, not for lists and structs, and may be set to leave
    columns out.
    """
    if counts(file, number):
        return int(file.null_value_counts[number])
    return int(file.record_count) if number not in written.get(file.file_path, {number}) else None


def _bounds(
    files: Sequence[DataFile],
    nulls: Sequence[int | None],
    field: NestedField,
    rows: int,
    *,
    deletes: bool,
) -> tuple[Number, Number]:
    from pyiceberg.conversions import from_bytes
    from pyiceberg.types import BinaryType, BooleanType, FixedType, PrimitiveType, StringType

    iceberg_type, number = field.field_type, field.field_id
    if not isinstance(iceberg_type, PrimitiveType) or isinstance(
        iceberg_type, BooleanType | BinaryType | FixedType
    ):
        return _UNKNOWN, _UNKNOWN
    with_values = [
        file for file, count in zip(files, nulls, strict=True) if count != file.record_count
    ]
    bounded = [
        file
        for file in with_values
        if number in (file.lower_bounds or {}) and number in (file.upper_bounds or {})
    ]
    # A file that has values but no bounds could hold any value.
    if not bounded or len(bounded) < len(with_values):
        return _UNKNOWN, _UNKNOWN
    # Writers may cut the bounds of text to 16 characters.
    basis: Basis = "approx" if deletes or isinstance(iceberg_type, StringType) else "exact"
    low = min(from_bytes(iceberg_type, file.lower_bounds[number]) for file in bounded)
    high = max(from_bytes(iceberg_type, file.upper_bounds[number]) for file in bounded)
    return Number(value=_readable(low, iceberg_type), basis=basis, n=rows), Number(
        value=_readable(high, iceberg_type), basis=basis, n=rows
    )


def _readable(value: Any, iceberg_type: Any) -> Any:
    from pyiceberg.types import DateType, TimestampType, TimestamptzType, TimeType

    if isinstance(iceberg_type, DateType):
        return plain(date(1970, 1, 1) + timedelta(days=value))
    if isinstance(iceberg_type, TimestamptzType):
        return plain(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=value))
    if isinstance(iceberg_type, TimestampType):
        return plain(datetime(1970, 1, 1) + timedelta(microseconds=value))
    if isinstance(iceberg_type, TimeType):
        return plain((datetime(1970, 1, 1) + timedelta(microseconds=value)).time())
    return plain(value)


def _sums(frame: pl.LazyFrame, schema: Mapping[str, pl.DataType]) -> dict[tuple[str, str], Any]:
    """null, min, max, mean, and the finite range (low, high) of every column, in one pass."""
    import polars as pl

    expressions: dict[tuple[str, str], pl.Expr] = {}
    for name, dtype in schema.items():
        column = exactly(name)
        expressions[name, "null"] = column.null_count()
        if dtype.is_nested() or dtype in (pl.Boolean(), pl.Binary()):
            continue
        value = column.fill_nan(None) if dtype.is_float() else column
        expressions[name, "min"], expressions[name, "max"] = value.min(), value.max()
        if dtype.is_numeric():
            finite = value.filter(value.is_finite()) if dtype.is_float() else value
            expressions[name, "mean"] = finite.cast(pl.Float64).mean()
            expressions[name, "low"], expressions[name, "high"] = (
                finite.min().cast(pl.Float64),
                finite.max().cast(pl.Float64),
            )
        elif dtype != pl.String():
            expressions[name, "low"], expressions[name, "high"] = (
                column.to_physical().min(),
                column.to_physical().max(),
            )
    row = (
        frame.select(
            [number.alias(str(index)) for index, number in enumerate(expressions.values())]
        )
        .collect(engine="streaming")
        .row(0)
    )
    return dict(zip(expressions, row, strict=True))


def _frequencies(frame: pl.LazyFrame, name: str) -> pl.DataFrame:
    """The distinct values of a column, and in column `\\0n` how many rows have each."""

    return (
        frame.select(exactly(name).drop_nulls())
        .group_by(exactly(name))
        .len("\0n")
        .collect(engine="streaming")
    )


def _distinct(frame: pl.LazyFrame, name: str) -> int:

    distinct = frame.select(exactly(name).drop_nulls().n_unique())
    return int(distinct.collect(engine="streaming").item())


def _shape(frame: pl.LazyFrame, name: str, *, integers: bool, low: Any, high: Any) -> list[int]:
    """Counts in equal bins between the lowest and the highest finite value; whole numbers of a
    small range get one bin each.
    """
    import polars as pl

    if low is None:
        return []
    width = (high - low + 1) if integers else (high - low)
    bins = int(min(BINS, width)) if integers else BINS
    if not width or bins <= 1:
        width, bins = 1, 1
    value = exactly(name).to_physical().cast(pl.Float64)
    bin_number = ((value - low) * bins / width).floor()  # in this order whole numbers stay whole
    bin_number = bin_number.clip(0, bins - 1).cast(pl.Int32).alias("\0b")
    counts = (
        frame.select(exactly(name))
        .filter(value.is_finite())
        .select(bin_number)
        .group_by("\0b")
        .len("\0n")
        .collect(engine="streaming")
    )
    count_of: dict[int, int] = dict(counts.iter_rows())
    return [count_of.get(number, 0) for number in range(bins)]


def _word(value: Any) -> str:
    text = str(plain(value))
    return text if len(text) <= 40 else f"{text[:40]}…"
