"""The columns of an Iceberg table as a commit has them, and how they become others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..core.frames import empty_table
from .columnlabels import copied
from .conform import Target
from .widening import is_in_place

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.schema import Schema
    from pyiceberg.table import Transaction
    from pyiceberg.types import IcebergType


def targets_of(schema: Schema) -> dict[str, Target]:
    """The columns of a table in the types of Polars."""
    import polars as pl
    from pyiceberg.io.pyarrow import schema_to_pyarrow
    from pyiceberg.types import UUIDType

    dtypes = pl.DataFrame(
        pl.from_arrow(empty_table(schema_to_pyarrow(schema, include_field_ids=False)))
    ).schema
    return {
        field.name: Target(dtype, field.required, is_uuid=isinstance(field.field_type, UUIDType))
        for field, dtype in zip(schema.fields, dtypes.values(), strict=True)
    }


def evolve(
    transaction: Transaction, columns: Mapping[str, Target], targets: Mapping[str, Target]
) -> None:
    """Make the columns those of `targets`. A column of a wider type is the same column, if Iceberg
    can widen it; one of another type becomes a new column, so that old snapshots keep theirs. What
    is said of it, such as the tag `pii`, is said of the new one too.
    """
    widened = {
        name: target
        for name, target in targets.items()
        if name in columns
        and columns[name].required == target.required
        and is_in_place(columns[name].dtype, target.dtype)
    }
    if widened:
        with transaction.update_schema() as update:
            for name, target in widened.items():
                update.update_column((name,), _iceberg_type(target.dtype))
    columns = {**columns, **widened}
    ids = _ids(transaction)
    removed = [name for name, target in columns.items() if targets.get(name) != target]
    if removed:
        with transaction.update_schema(allow_incompatible_changes=True) as update:
            for name in removed:
                update.delete_column((name,))
    new = {name: target for name, target in targets.items() if columns.get(name) != target}
    if new:
        with transaction.update_schema() as update:
            update.union_by_name(arrow_schema(new))
    names = list(targets)
    if retyped := [name for name in removed if name in targets]:
        with transaction.update_schema() as update:
            for name in retyped:  # back to its place
                place = names.index(name)
                if place:
                    update.move_after((name,), (names[place - 1],))
                else:
                    update.move_first((name,))
        new_ids = _ids(transaction)
        labels = copied(
            transaction.table_metadata.properties,
            {ids[name]: new_ids[name] for name in retyped},
        )
        if labels:
            transaction.set_properties(dict(labels))


def _ids(transaction: Transaction) -> Mapping[str, int]:
    return {field.name: field.field_id for field in transaction.table_metadata.schema().fields}


def _iceberg_type(dtype: pl.DataType) -> IcebergType:
    """Of the types to which a column can be widened."""
    import polars as pl
    from pyiceberg.types import DecimalType, DoubleType, LongType

    if isinstance(dtype, pl.Decimal):
        return DecimalType(dtype.precision or 38, dtype.scale)
    return LongType() if dtype == pl.Int64() else DoubleType()


def arrow_schema(targets: Mapping[str, Target]) -> Any:
    """The columns as an Arrow schema that Iceberg accepts: its times of day are in microseconds,
    those of Polars in nanoseconds.
    """
    import polars as pl
    import pyarrow as pa

    schema = (
        pl.DataFrame(schema={name: target.dtype for name, target in targets.items()})
        .to_arrow()
        .schema
    )
    return pa.schema([field.with_type(_in_microseconds(field.type)) for field in schema])


def _in_microseconds(dtype: Any) -> Any:
    """An Arrow type of Polars whose times of day, also those within lists, structs and maps, are in
    microseconds.
    """
    import pyarrow as pa

    if pa.types.is_time(dtype):
        return pa.time64("us")
    if pa.types.is_map(dtype):
        return pa.map_(_in_microseconds(dtype.key_type), _in_microseconds(dtype.item_type))
    if pa.types.is_large_list(dtype):
        inner = dtype.value_field
        return pa.large_list(inner.with_type(_in_microseconds(inner.type)))
    if pa.types.is_struct(dtype):
        return pa.struct([field.with_type(_in_microseconds(field.type)) for field in dtype])
    return dtype
