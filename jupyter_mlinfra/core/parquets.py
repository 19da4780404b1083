"""Parquet files as one frame, though their columns grew or got wider types from file to file."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import Unprocessable

if TYPE_CHECKING:
    import polars as pl

ENDINGS = (".parquet", ".parq", ".pq")
_AT_ONCE = 8


def parquet_rows(
    files: Mapping[str, str],
    *,
    options: Mapping[str, str] | None = None,
    hive: bool | Mapping[str, pl.DataType] = False,
    naive_is_utc: bool = False,
    places: str | None = None,
) -> pl.LazyFrame:
    """The rows of files, one file after the other; only the footers are read now.

    It has the columns of all files: where a file lacks one, it is null. Their types are the
    narrowest that hold those of all: an integer becomes a float where another file has floats,
    moments are cut to microseconds where another file has coarser ones.

    files: path or address → a text that is another one when the content is. options: what Polars
    needs to reach them. hive: names of folders such as `day=2026-01-01` are columns; if it says
    which and of what types, no others are. Files that a condition on them rules out are not read.
    naive_is_utc: moments with and without a zone are of one type. places: name of a column with the
    path or address of the file.

    Raises Unprocessable, with column and files, where no type holds both.
    """
    import polars as pl

    reached = dict(options) if options else None
    schemas = _schemas(files, tuple(sorted((options or {}).items())))
    first = next(iter(schemas.values()))
    differing: dict[str, Any] = {}
    if any(schema != first for schema in schemas.values()):
        differing = {"schema": _union(schemas, naive_is_utc=naive_is_utc), **lenient()}
    above: list[str] = []
    if hive and not isinstance(hive, bool):
        above = _keys_above(files, hive)
        differing["hive_schema"] = {**dict.fromkeys(above, pl.String()), **hive}
    rows = pl.scan_parquet(
        list(files),
        glob=False,
        hive_partitioning=bool(hive),
        storage_options=reached,
        include_file_paths=places,
        **differing,
    )
    return rows.drop(above) if above else rows


def _keys_above(files: Iterable[str], hive: Collection[str]) -> list[str]:
    """The names that Polars sees in the paths and that are not asked for."""
    parts = {part for file in files for part in file.split("/")[:-1] if part.count("=") == 1}
    return sorted({part.partition("=")[0] for part in parts} - set(hive))


def marked(file: Path) -> str:
    """What stands for the content of a file on disk: its size and the time of its last change."""
    found = os.stat(file)
    return f"{found.st_size}.{found.st_mtime_ns}"


def lenient() -> dict[str, Any]:
    """Arguments of `scan_parquet` for files that differ from its schema, else from the first file:
    what they lack is null, what they have beside is left out, narrower types are widened.
    """
    import polars as pl

    return {
        "missing_columns": "insert",
        "extra_columns": "ignore",
        "cast_options": pl.ScanCastOptions(
            integer_cast=["upcast", "allow-float"],
            float_cast="upcast",
            datetime_cast=["nanosecond-downcast", "millisecond-upcast", "convert-timezone"],
            missing_struct_fields="insert",
            extra_struct_fields="ignore",
            categorical_to_string="allow",
        ),
    }


def _schemas(
    files: Mapping[str, str], options: tuple[tuple[str, str], ...]
) -> dict[str, Mapping[str, pl.DataType]]:
    """The columns of each file. Elsewhere than on disk several are asked for at once."""
    if not options:
        return {file: _footer(file, mark) for file, mark in files.items()}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(lambda item: _footer(*item, options), files.items())
        return dict(zip(files, found, strict=True))


@lru_cache(maxsize=10_000)
def _footer(
    file: str, mark: str, options: tuple[tuple[str, str], ...] = ()
) -> Mapping[str, pl.DataType]:
    """The columns of a file. mark: one that was written again is looked at again."""
    import polars as pl

    del mark
    reached = dict(options) or None
    rows = pl.scan_parquet(file, glob=False, hive_partitioning=False, storage_options=reached)
    return dict(rows.collect_schema())


def _union(
    schemas: Mapping[str, Mapping[str, pl.DataType]], *, naive_is_utc: bool
) -> dict[str, pl.DataType]:
    union: dict[str, pl.DataType] = {}
    came: dict[str, str] = {}
    for file, schema in schemas.items():
        for name, dtype in schema.items():
            if name not in union:
                union[name], came[name] = dtype, file
                continue
            if (both := _common(union[name], dtype, naive_is_utc)) is None:
                here, there = (place.rpartition("/")[2] for place in (file, came[name]))
                raise Unprocessable(
                    f"Column {name} has another type in {here} than in {there}.",
                    f"It is {dtype} and {union[name]}; no type holds both.",
                    "Write one of the files again with the type of the other, or keep them apart.",
                )
            union[name] = both
    return union


def _common(first: pl.DataType, second: pl.DataType, naive_is_utc: bool) -> pl.DataType | None:
    """The narrowest type that holds the values of both; None if there is none."""
    import polars as pl

    if first == second or second == pl.Null:
        return first
    if first == pl.Null:
        return second
    if isinstance(first, pl.Struct) and isinstance(second, pl.Struct):
        return _common_struct(first, second, naive_is_utc)
    if isinstance(first, pl.List) and isinstance(second, pl.List):
        inner = _common(_whole(first.inner), _whole(second.inner), naive_is_utc)
        return None if inner is None else pl.List(inner)
    if isinstance(first, pl.Datetime) and isinstance(second, pl.Datetime):
        zones = {first.time_zone, second.time_zone}
        if None in zones and len(zones) > 1 and not naive_is_utc:
            return None
        return pl.Datetime("us", zones.pop() if len(zones) == 1 else "UTC")
    texts = (pl.String, pl.Categorical, pl.Enum)
    if isinstance(first, texts) and isinstance(second, texts):
        return pl.String()
    return _common_number(first, second)


def _common_struct(first: pl.Struct, second: pl.Struct, naive_is_utc: bool) -> pl.DataType | None:
    import polars as pl

    fields = {field.name: _whole(field.dtype) for field in first.fields}
    for field in second.fields:
        name, dtype = field.name, _whole(field.dtype)
        both = _common(fields[name], dtype, naive_is_utc) if name in fields else dtype
        if both is None:
            return None
        fields[name] = both
    return pl.Struct(fields)


def _common_number(first: pl.DataType, second: pl.DataType) -> pl.DataType | None:
    """Of integers and floats; no 128 bits, which hardly anything else can take."""
    import polars as pl

    if not all(dtype.is_integer() or dtype.is_float() for dtype in (first, second)):
        return None
    frames = [pl.DataFrame(schema={"n": dtype}) for dtype in (first, second)]
    both = pl.concat(frames, how="vertical_relaxed").schema["n"]
    wide = (pl.Int128, pl.UInt128)
    return None if both in wide and first not in wide and second not in wide else both


def _whole(dtype: pl.DataType | pl.datatypes.DataTypeClass) -> pl.DataType:
    """A type, where Polars may give its class."""
    import polars as pl

    return dtype if isinstance(dtype, pl.DataType) else dtype()
