"""Statistics of columns from the metadata of the data files: no rows are read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..names import DatasetName
from ..odd_times import python_values
from ..rows import plain, with_columns_of
from ..spec import Certainty, ColumnProfile

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table
    from pyiceberg.types import NestedField

type Written = Mapping[str, Collection[int]]


def from_footers(
    table: Table, name: DatasetName, types: Mapping[str, str]
) -> dict[str, ColumnProfile]:
    """Nulls, min and max of every column of a snapshot, as far as its files count them.

    After rows were deleted without rewriting their files, the figures are approximate.
    """
    scan = with_columns_of(table, name).scan(snapshot_id=name.snapshot)
    tasks = list(scan.plan_files())
    files, fields = [task.file for task in tasks], scan.projection().fields
    complete = all(_counts(file, field.field_id) for file in files for field in fields)
    written = {} if complete else _columns_when_written(table, name)
    deletes = any(task.delete_files for task in tasks)
    return {
        field.name: _profile(files, field, types[field.name], written, deletes=deletes)
        for field in fields
    }


def _profile(
    files: Sequence[DataFile], field: NestedField, kind: str, written: Written, *, deletes: bool
) -> ColumnProfile:
    nulls = [_nulls(file, field.field_id, written) for file in files]
    known = [count for count in nulls if count is not None]
    found: dict[str, Any] = {}
    basis: dict[str, Certainty] = {}
    if len(known) == len(nulls):
        found["nulls"] = sum(known)
        basis["nulls"] = "approximate" if deletes else "exact"
    if bounds := _bounds(files, nulls, field):
        found["min"], found["max"] = bounds
        # Writers may cut the bounds of text to 16 characters.
        basis["min"] = basis["max"] = "approximate" if deletes or kind == "str" else "exact"
    return ColumnProfile(type=kind, basis=basis, **found)


def _columns_when_written(table: Table, name: DatasetName) -> Written:
    """The columns that the table had when each file was added, for files whose snapshot still
    exists.
    """
    snapshot = table.snapshot_by_id(name.snapshot or 0)
    schemas = {
        number: {field.field_id for field in schema.fields}
        for number, schema in table.schemas().items()
    }
    columns = {
        item.snapshot_id: schemas[item.schema_id]
        for item in table.snapshots()
        if item.schema_id in schemas
    }
    entries = [
        entry
        for manifest in (snapshot.manifests(table.io) if snapshot else [])
        for entry in manifest.fetch_manifest_entry(table.io)
    ]
    return {
        entry.data_file.file_path: columns[entry.snapshot_id]
        for entry in entries
        if entry.snapshot_id in columns
    }


def _counts(file: DataFile, number: int) -> bool:
    """Whether the statistics of a file include a column's missing values."""
    return number in (file.null_value_counts or {})


def _nulls(file: DataFile, number: int, written: Written) -> int | None:
    """Missing values of a column in a file: all rows if the file is older than the column. None if
    they were not counted.

    Writers count them for plain values only, not for lists and structs, and may be set to leave
    columns out.
    """
    if _counts(file, number):
        return int(file.null_value_counts[number])
    return int(file.record_count) if number not in written.get(file.file_path, {number}) else None


def _bounds(
    files: Sequence[DataFile], nulls: Sequence[int | None], field: NestedField
) -> tuple[Any, Any] | None:
    from pyiceberg.conversions import from_bytes
    from pyiceberg.types import BinaryType, BooleanType, FixedType, PrimitiveType

    iceberg_type, number = field.field_type, field.field_id
    if not isinstance(iceberg_type, PrimitiveType) or isinstance(
        iceberg_type, BooleanType | BinaryType | FixedType
    ):
        return None
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
        return None
    low = min(from_bytes(iceberg_type, file.lower_bounds[number]) for file in bounded)
    high = max(from_bytes(iceberg_type, file.upper_bounds[number]) for file in bounded)
    return _readable(low, iceberg_type), _readable(high, iceberg_type)


def _readable(value: Any, iceberg_type: Any) -> Any:
    from uuid import UUID

    import polars as pl
    from pyiceberg.types import DateType, TimestampType, TimestamptzType, TimeType, UUIDType

    if isinstance(iceberg_type, UUIDType):
        return str(UUID(bytes=value))

    dtypes: Mapping[Any, pl.DataType] = {
        DateType: pl.Date(),
        TimestamptzType: pl.Datetime("us", "UTC"),
        TimestampType: pl.Datetime("us"),
    }
    if (dtype := dtypes.get(type(iceberg_type))) is not None:
        return plain(python_values(pl.Series([value], dtype=pl.Int64).cast(dtype))[0])
    if isinstance(iceberg_type, TimeType):
        return plain((datetime(1970, 1, 1) + timedelta(microseconds=value)).time())
    return plain(value)
