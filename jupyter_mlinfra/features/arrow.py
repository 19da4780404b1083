"""Arrow types as Feast knows them. Polars writes large text and large lists, which Feast takes for
JSON or rejects.
"""

from __future__ import annotations

import pyarrow as pa


def plain(kind: pa.DataType) -> pa.DataType:
    """The type with plain text, bytes and lists, at any depth."""
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return pa.binary()
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(plain(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(plain(field.type)) for field in kind])
    return kind


def plain_table(table: pa.Table) -> pa.Table:
    """The table with plain types; a column whose text is too long for them (2 GiB in one chunk)
    keeps its type.
    """
    columns = []
    for column in table.columns:
        try:
            columns.append(column.cast(plain(column.type)))
        except pa.ArrowInvalid:
            columns.append(column)
    return pa.table(columns, names=table.column_names)
