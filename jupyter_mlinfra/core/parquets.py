"""Parquet files as one frame, though their columns grew or got wider types from file to file."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import Unprocessable
from .frames import exactly
from .julian import old_calendar, refuse_julian

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

    Raises Unprocessable, with column and files, where no type holds both, and for days of an old
    calendar.
    """
    import polars as pl

    reached = dict(options) if options else None
    footers = _footers(files, tuple(sorted((options or {}).items())))
    schemas = {file: footer.columns for file, footer in footers.items()}
    first = next(iter(schemas.values()))
    differing: dict[str, Any] = {}
    maps: list[pl.Expr] = []
    has_int96 = any(footer.has_int96 for footer in footers.values())
    if has_int96 or any(schema != first for schema in schemas.values()):
        union = _union(schemas, naive_is_utc=naive_is_utc)
        differing, maps = {"schema": _without_maps(union), **lenient()}, _maps(union)
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
    rows = rows.with_columns(maps) if maps else rows
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


def check_days(file: Path, facts: Mapping[str, str]) -> None:
    """Raise Unprocessable for days of an old calendar. facts: what the footer says beside."""
    if any(old_calendar(facts)):
        _footer(str(file), marked(file))


def rows_at(place: str, *, options: Mapping[str, str] | None, hive: bool) -> pl.LazyFrame:
    """The rows of a file, or of all that a pattern names: the first one says the columns."""
    import polars as pl

    scan = partial(pl.scan_parquet, place, storage_options=dict(options) if options else None)
    schema = dict(scan(hive_partitioning=False).collect_schema())
    scan.keywords["hive_partitioning"] = hive
    found = _int96_columns(schema, scan)
    if not found:
        return scan(**(lenient() if hive else {}))
    rows = scan(schema=_without_maps(schema | found), **lenient())
    return rows.with_columns(_maps(schema | found))


def _int96_columns(
    schema: Mapping[str, pl.DataType], scan: Callable[..., pl.LazyFrame]
) -> dict[str, pl.DataType]:
    """The types with which such columns are read as they are. Polars takes INT96 for nanoseconds,
    and moments before 1677 or after 2262 for the last one of these, unless it is told that the
    column has microseconds. Without a cast it reads INT96 alone as such, and within lists and
    structs, not maps.
    """
    import polars as pl

    found = {}
    for name, dtype in schema.items():
        if (exact := _in_microseconds(dtype)) == dtype:
            continue
        rows = scan(schema=_without_maps({name: exact}), extra_columns="ignore")
        try:
            rows.filter(pl.lit(value=False)).collect()
        except pl.exceptions.SchemaError:
            continue
        if rows.select(pl.len()).collect().item():  # without rows nothing is cast
            found[name] = exact
    return found


def _in_microseconds(dtype: pl.DataType | pl.datatypes.DataTypeClass) -> pl.DataType:
    """A type, with microseconds where it has nanoseconds."""
    import polars as pl

    dtype = _whole(dtype)
    if isinstance(dtype, pl.Datetime) and dtype.time_unit == "ns":
        return pl.Datetime("us", dtype.time_zone)
    if isinstance(dtype, pl.List):
        return pl.List(_in_microseconds(dtype.inner))
    if isinstance(dtype, pl.Map):
        return pl.Map(_in_microseconds(dtype.key), _in_microseconds(dtype.value))
    if isinstance(dtype, pl.Struct):
        return pl.Struct({field.name: _in_microseconds(field.dtype) for field in dtype.fields})
    return dtype


def _without_maps(schema: Mapping[str, pl.DataType]) -> dict[str, pl.DataType]:
    """The types, with the lists of structs that maps are in the files."""
    return {name: _unfolded(dtype) for name, dtype in schema.items()}


def _unfolded(dtype: pl.DataType | pl.datatypes.DataTypeClass) -> pl.DataType:
    import polars as pl

    dtype = _whole(dtype)
    if isinstance(dtype, pl.List):
        return pl.List(_unfolded(dtype.inner))
    if isinstance(dtype, pl.Map):
        return pl.List(pl.Struct({"key": _unfolded(dtype.key), "value": _unfolded(dtype.value)}))
    if isinstance(dtype, pl.Struct):
        return pl.Struct({field.name: _unfolded(field.dtype) for field in dtype.fields})
    return dtype


def _maps(schema: Mapping[str, pl.DataType]) -> list[pl.Expr]:
    """The columns with maps, of those without."""
    return [
        exactly(name).cast(dtype) for name, dtype in schema.items() if _unfolded(dtype) != dtype
    ]


class _Footer(NamedTuple):
    """The columns of a file, and whether some are INT96."""

    columns: Mapping[str, pl.DataType]
    has_int96: bool


def _footers(files: Mapping[str, str], options: tuple[tuple[str, str], ...]) -> dict[str, _Footer]:
    """Of each file. Elsewhere than on disk several are asked for at once."""
    if not options:
        return {file: _footer(file, mark) for file, mark in files.items()}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(lambda item: _footer(*item, options), files.items())
        return dict(zip(files, found, strict=True))


@lru_cache(maxsize=10_000)
def _footer(file: str, mark: str, options: tuple[tuple[str, str], ...] = ()) -> _Footer:
    """mark: a file that was written again is looked at again. Raises Unprocessable for days of an
    old calendar.
    """
    import polars as pl

    del mark
    reached = dict(options) or None
    scan = partial(
        pl.scan_parquet, file, glob=False, hive_partitioning=False, storage_options=reached
    )
    columns = dict(scan().collect_schema())
    found = _int96_columns(columns, scan)
    columns |= found
    if any("Date" in str(dtype) for dtype in columns.values()):
        facts = pl.read_parquet_metadata(file, storage_options=reached)
        if any(old_calendar(facts)):
            refuse_julian(file, facts, scan(schema=_without_maps(columns)))
    return _Footer(columns, bool(found))


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
    if isinstance(first, pl.Map) and isinstance(second, pl.Map):
        key, value = (
            _common(_whole(one), _whole(other), naive_is_utc)
            for one, other in ((first.key, second.key), (first.value, second.value))
        )
        return None if key is None or value is None else pl.Map(key, value)
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
