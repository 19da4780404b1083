"""UUIDs: Iceberg and Parquet keep 16 bytes; people read and write text with hyphens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..core.frames import exactly
from ..core.snippets import text

if TYPE_CHECKING:
    import polars as pl
    from pyarrow.parquet import ParquetSchema

UUID = "uuid"
"""The short word of the type."""

type Kind = str | Mapping[str, Any]
"""A type as Iceberg's metadata has it."""

type Uuids = Mapping[str, Kind]
"""The columns with the 16 bytes of UUIDs, perhaps within lists and structs."""

_PARTS = ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))
_WITH_HYPHENS = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_TEXT = rf"^({_WITH_HYPHENS}|[0-9a-f]{{32}}|\{{{_WITH_HYPHENS}\}})$"


def as_text(value: pl.Expr) -> pl.Expr:
    """16 bytes as text with hyphens, in small letters."""
    import polars as pl

    digits = value.bin.encode("hex")
    return pl.concat_str([digits.str.slice(*part) for part in _PARTS], separator="-")


def in_iceberg(fields: Sequence[Mapping[str, Any]]) -> Uuids:
    """Those columns of a table that have UUIDs; the keys and values of maps stay bytes. fields: as
    its metadata has them.
    """
    return {field["name"]: field["type"] for field in fields if _has(field["type"])}


def _has(kind: Kind) -> bool:
    if isinstance(kind, str):
        return kind == UUID
    return _has(kind.get("element", "")) or any(_has(part["type"]) for part in _parts(kind))


def _parts(kind: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The fields of a struct that have UUIDs."""
    return [part for part in kind.get("fields", ()) if _has(part["type"])]


def text_of(value: pl.Expr, kind: Kind) -> pl.Expr:
    """A value with text in place of the bytes of UUIDs."""
    import polars as pl

    if isinstance(kind, str):
        return as_text(value)
    if "element" in kind:
        return value.list.eval(text_of(pl.element(), kind["element"]))
    return value.struct.with_fields(
        **{part["name"]: text_of(pl.field(part["name"]), part["type"]) for part in _parts(kind)}
    )


def text_code(value: str, kind: Kind) -> str:
    """The code of a value with text in place of the bytes of UUIDs. value: its code."""
    if isinstance(kind, str):
        return (
            f'pl.concat_str([{value}.bin.encode("hex").str.slice(start, length)'
            f' for start, length in {_PARTS!r}], separator="-")'
        )
    if "element" in kind:
        return f"{value}.list.eval({text_code('pl.element()', kind['element'])})"
    names = [(text(part["name"]), part["type"]) for part in _parts(kind)]
    fields = ", ".join(f"{name}: {text_code(f'pl.field({name})', kind)}" for name, kind in names)
    return f"{value}.struct.with_fields(**{{{fields}}})"


def as_bytes(text: pl.Expr) -> pl.Expr:
    """The 16 bytes of text with or without hyphens and braces; null where it is no UUID."""
    import polars as pl

    word = text.str.strip_chars().str.to_lowercase()
    digits = pl.when(word.str.contains(_TEXT)).then(word.str.replace_all(r"[-{}]", ""))
    return digits.str.decode("hex", strict=False)


def with_text(rows: pl.LazyFrame, columns: Uuids) -> pl.LazyFrame:
    """The rows, with text in place of the bytes of these columns."""
    expressions = [text_of(exactly(name), kind).alias(name) for name, kind in columns.items()]
    return rows.with_columns(expressions) if expressions else rows


def in_parquet(schema: ParquetSchema, dtypes: Mapping[str, pl.DataType]) -> Uuids:
    """Those columns of a Parquet file that are marked as UUIDs, or have such values within lists
    and structs. dtypes: of all its columns, in its order; where they do not have its parts, nothing
    is found within a column.
    """
    columns = [schema.column(number) for number in range(len(schema))]
    marked = [column.logical_type.type == "UUID" for column in columns]
    if not any(marked):
        return {}
    if sum(map(_leaves, dtypes.values())) == len(marked):
        flags = iter(marked)
        kinds = {name: _kind(dtype, flags) for name, dtype in dtypes.items()}
        return {name: kind for name, kind in kinds.items() if _has(kind)}
    paths = {column.path for column, is_uuid in zip(columns, marked, strict=True) if is_uuid}
    own = schema.to_arrow_schema().names
    return {name: UUID for name, old in zip(dtypes, own, strict=True) if old in paths}


def text_type(dtype: Any, kind: Kind) -> pl.DataType:
    """The type of a column with text in place of the bytes of UUIDs."""
    import polars as pl

    schema = pl.LazyFrame(schema={"": dtype}).select(text_of(pl.col(""), kind)).collect_schema()
    return schema.dtypes()[0]


def _leaves(dtype: Any) -> int:
    """How many parts of a type have values."""
    import polars as pl

    if isinstance(dtype, pl.List | pl.Array):
        return _leaves(dtype.inner)
    if isinstance(dtype, pl.Map):
        return _leaves(dtype.key) + _leaves(dtype.value)
    return (
        sum(_leaves(field.dtype) for field in dtype.fields) if isinstance(dtype, pl.Struct) else 1
    )


def _kind(dtype: Any, marked: Iterator[bool]) -> Kind:
    """A type as Iceberg's metadata would have it, as far as UUIDs are in it. marked: of each part
    with values, whether it is one.
    """
    import polars as pl

    if isinstance(dtype, pl.List):
        return {"element": _kind(dtype.inner, marked)}
    if isinstance(dtype, pl.Struct):
        fields = [{"name": part.name, "type": _kind(part.dtype, marked)} for part in dtype.fields]
        return {"fields": fields}
    flags = [next(marked) for _ in range(_leaves(dtype))]
    return UUID if flags == [True] and dtype == pl.Binary() else ""
