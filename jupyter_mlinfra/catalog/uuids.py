"""UUIDs: Iceberg and Parquet keep 16 bytes; people read and write text with hyphens."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..core.frames import exactly

if TYPE_CHECKING:
    import polars as pl
    from pyarrow.parquet import ParquetSchema

UUID = "uuid"
"""The short word of the type."""

_PARTS = ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))
_WITH_HYPHENS = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_TEXT = rf"^({_WITH_HYPHENS}|[0-9a-f]{{32}}|\{{{_WITH_HYPHENS}\}})$"


def as_text(value: pl.Expr) -> pl.Expr:
    """16 bytes as text with hyphens, in small letters."""
    import polars as pl

    digits = value.bin.encode("hex")
    return pl.concat_str([digits.str.slice(*part) for part in _PARTS], separator="-")


def as_text_code(column: str) -> str:
    """The code of `as_text` of a column. column: the code of its name."""
    return (
        f'pl.concat_str([pl.col({column}).bin.encode("hex").str.slice(start, length)'
        f' for start, length in {_PARTS!r}], separator="-")'
    )


def as_bytes(text: pl.Expr) -> pl.Expr:
    """The 16 bytes of text with or without hyphens and braces; null where it is no UUID."""
    import polars as pl

    word = text.str.strip_chars().str.to_lowercase()
    digits = pl.when(word.str.contains(_TEXT)).then(word.str.replace_all(r"[-{}]", ""))
    return digits.str.decode("hex", strict=False)


def with_text(rows: pl.LazyFrame, columns: Iterable[str]) -> pl.LazyFrame:
    """The rows, with text in place of the bytes of these columns."""
    expressions = [as_text(exactly(name)).alias(name) for name in columns]
    return rows.with_columns(expressions) if expressions else rows


def in_parquet(schema: ParquetSchema, names: Collection[str]) -> list[str]:
    """Those columns of a Parquet file that are marked as UUIDs. names: what its columns are called,
    in their order.
    """
    marked = {
        column.path
        for column in map(schema.column, range(len(schema)))
        if column.logical_type.type == "UUID"
    }
    own = schema.to_arrow_schema().names
    return [name for name, old in zip(names, own, strict=True) if old in marked]


def within_parquet(schema: ParquetSchema, dtypes: Mapping[str, pl.DataType]) -> dict[str, pl.Expr]:
    """Of the columns of a Parquet file that have UUIDs within lists and structs, the same values
    with text in their place. dtypes: of all its columns, in its order; nothing is found where they
    do not have its parts.
    """
    marked = [
        column.logical_type.type == "UUID" for column in map(schema.column, range(len(schema)))
    ]
    if not any(marked) or sum(map(_leaves, dtypes.values())) != len(marked):
        return {}
    flags = iter(marked)
    found: dict[str, pl.Expr] = {}
    for name, dtype in dtypes.items():
        own = [next(flags) for _ in range(_leaves(dtype))]
        if dtype.is_nested() and any(own):
            found[name] = _with_text_within(exactly(name), dtype, iter(own)).alias(name)
    return found


def _leaves(dtype: Any) -> int:
    """How many parts of a type have values."""
    import polars as pl

    if isinstance(dtype, pl.List | pl.Array):
        return _leaves(dtype.inner)
    return (
        sum(_leaves(field.dtype) for field in dtype.fields) if isinstance(dtype, pl.Struct) else 1
    )


def _with_text_within(value: pl.Expr, dtype: Any, marked: Iterator[bool]) -> pl.Expr:
    import polars as pl

    if isinstance(dtype, pl.List):
        return value.list.eval(_with_text_within(pl.element(), dtype.inner, marked))
    if isinstance(dtype, pl.Struct):
        parts = {
            field.name: _with_text_within(pl.field(field.name), field.dtype, marked)
            for field in dtype.fields
        }
        return value.struct.with_fields(**parts)
    is_bytes = dtype == pl.Binary()
    return as_text(value) if next(marked) and is_bytes else value
