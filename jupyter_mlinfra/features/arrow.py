"""Arrow types as Feast knows them. Polars writes large text and large lists, which Feast takes for
JSON or rejects.
"""

from __future__ import annotations

import pyarrow as pa


def feast_type(arrow_type: pa.DataType) -> pa.DataType:
    """The type with plain text, bytes and lists, at any depth."""
    if pa.types.is_large_string(arrow_type) or pa.types.is_string_view(arrow_type):
        return pa.string()
    if pa.types.is_large_binary(arrow_type) or pa.types.is_binary_view(arrow_type):
        return pa.binary()
    if pa.types.is_list(arrow_type) or pa.types.is_large_list(arrow_type):
        return pa.list_(feast_type(arrow_type.value_type))
    if pa.types.is_map(arrow_type):
        return pa.map_(feast_type(arrow_type.key_type), feast_type(arrow_type.item_type))
    if pa.types.is_struct(arrow_type):
        return pa.struct([field.with_type(feast_type(field.type)) for field in arrow_type])
    return arrow_type


def feast_table(table: pa.Table) -> pa.Table:
    """The table with plain types; a column whose text is too long for them (2 GiB in one chunk)
    keeps its type.
    """
    columns = []
    for column in table.columns:
        try:
            columns.append(column.cast(feast_type(column.type)))
        except pa.ArrowInvalid:
            columns.append(column)
    return pa.table(columns, names=table.column_names)


def feast_type_name(arrow_type: pa.DataType) -> str:
    """An Arrow type as in Feast's table of types, which knows only one spelling of lists, and no
    dates: it keeps them as times.
    """
    arrow_type = feast_type(arrow_type)
    if pa.types.is_date(arrow_type):
        return "timestamp[us]"
    return (
        f"list<item: {feast_type_name(arrow_type.value_type)}>"
        if pa.types.is_list(arrow_type)
        else str(arrow_type)
    )


def from_mappings(column: pa.ChunkedArray, map_type: pa.DataType) -> pa.Array:
    """A column of mappings as maps. pandas' dictionaries have become structs with all keys of the
    column: one without a value was not there.
    """
    return pa.array(
        [
            [pair for pair in value.items() if pair[1] is not None]
            if isinstance(value, dict)
            else value
            for value in column.to_pylist()
        ],
        map_type,
    )
