"""UUIDs: Iceberg and Parquet keep 16 bytes; people read and write text with hyphens."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

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
