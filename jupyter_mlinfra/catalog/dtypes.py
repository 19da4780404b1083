"""Types of columns: Iceberg's JSON form, short words, and what Polars holds."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..core.errors import BadRequest, Unprocessable

if TYPE_CHECKING:
    import polars as pl

_SHORT_TYPES = {
    "boolean": "bool",
    "int": "i32",
    "long": "i64",
    "float": "f32",
    "double": "f64",
    "string": "str",
    "date": "date",
    "time": "time",
    "timestamp": "ts[us]",
    "timestamptz": "ts[us, tz]",
    "timestamp_ns": "ts[ns]",
    "timestamptz_ns": "ts[ns, tz]",
    "uuid": "uuid",
    "binary": "bin",
}
_DECIMAL_DIGITS = 38
# By the names of Polars' types, because importing this module must not load Polars.
_KEPT = {
    "Boolean",
    "Int32",
    "Int64",
    "Float32",
    "Float64",
    "String",
    "Date",
    "Time",
    "Binary",
    "Decimal",
}
_WIDENED = {
    "Int8": "Int32",
    "Int16": "Int32",
    "UInt8": "Int32",
    "UInt16": "Int32",
    "UInt32": "Int64",
    "UInt64": "Int64",
    "Int128": "Int64",
    "Float16": "Float32",
    "Categorical": "String",
    "Enum": "String",
    "Null": "String",
}
_REQUESTABLE = {
    "bool": "Boolean",
    "i32": "Int32",
    "i64": "Int64",
    "f32": "Float32",
    "f64": "Float64",
    "str": "String",
    "date": "Date",
    "time": "Time",
    "bin": "Binary",
}
_DECIMAL = re.compile(r"dec\[\s*(\d{1,2})\s*,\s*(\d{1,2})\s*\]")


def short_type(iceberg_type: str | Mapping[str, Any]) -> str:
    """The short word of an Iceberg type in its JSON form: `long` → `i64`, a list of it →
    `list[i64]`.
    """
    if isinstance(iceberg_type, str):
        if iceberg_type.startswith("decimal"):
            return "dec[" + ",".join(re.findall(r"\d+", iceberg_type)) + "]"
        if iceberg_type.startswith("fixed"):
            return "bin[" + "".join(re.findall(r"\d+", iceberg_type)) + "]"
        return _SHORT_TYPES.get(iceberg_type, iceberg_type)
    if iceberg_type["type"] == "list":
        return f"list[{short_type(iceberg_type['element'])}]"
    if iceberg_type["type"] == "map":
        return f"map[{short_type(iceberg_type['key'])}, {short_type(iceberg_type['value'])}]"
    return (
        "struct["
        + ", ".join(
            f"{field['name']}: {short_type(field['type'])}" for field in iceberg_type["fields"]
        )
        + "]"
    )


def short_dtype(dtype: pl.DataType) -> str:
    """The short word of a Polars type; a frame of a kernel may have some that are not storable."""
    import polars as pl

    if isinstance(dtype, pl.Datetime):
        return "ts[us, tz]" if dtype.time_zone else "ts[us]"
    if isinstance(dtype, pl.Duration):
        return f"dur[{dtype.time_unit}]"
    if isinstance(dtype, pl.Enum):
        return "enum"
    if isinstance(dtype, pl.Decimal):
        return f"dec[{dtype.precision},{dtype.scale}]"
    if isinstance(dtype, pl.List | pl.Array):
        return f"list[{short_dtype(_instance(dtype.inner))}]"
    if isinstance(dtype, pl.Map):
        return f"map[{short_dtype(_instance(dtype.key))}, {short_dtype(_instance(dtype.value))}]"
    if isinstance(dtype, pl.Struct):
        fields = (f"{field.name}: {short_dtype(_instance(field.dtype))}" for field in dtype.fields)
        return f"struct[{', '.join(fields)}]"
    names = {name: word for word, name in _REQUESTABLE.items()}
    return names.get(dtype.base_type().__name__, str(dtype).lower())


def _instance(dtype: Any) -> pl.DataType:
    """The type within another one, which may be a class, says Polars, and always is an instance."""
    found: pl.DataType = dtype
    return found


def requested_dtype(column: str, word: str) -> pl.DataType:
    """The type that a user asks for a column of text.

    Raises BadRequest if the word is not one of our types.
    """
    import polars as pl

    if word in ("ts", "ts[us]", "ts[us, tz]", "ts[us,tz]"):
        return pl.Datetime("us", "UTC" if "tz" in word else None)
    decimal = _DECIMAL.fullmatch(word)
    if decimal and 1 <= int(decimal[1]) <= _DECIMAL_DIGITS and int(decimal[2]) <= int(decimal[1]):
        return pl.Decimal(int(decimal[1]), int(decimal[2]))
    if word not in _REQUESTABLE:
        raise BadRequest(
            f"{word!r} is not a type for column {column!r}.",
            fix=f"Types: {', '.join(_REQUESTABLE)}, ts[us], ts[us, tz], dec[DIGITS,DECIMALS].",
        )
    dtype: pl.DataType = getattr(pl, _REQUESTABLE[word])()
    return dtype


def refuse_equal_paths(columns: Mapping[str, pl.DataType]) -> None:
    """Raise Unprocessable for a column `a.b` beside a column `a` with a field `b`: Iceberg gives
    both one name.
    """
    counts = Counter(path for name, dtype in columns.items() for path in _paths(name, dtype))
    for path, count in counts.items():
        if count > 1:
            raise Unprocessable(
                f"Two columns are called {path!r}.",
                "One is a column, the other a field within a column; Iceberg joins both names with"
                " a dot.",
                "Rename one of them.",
            )


def _paths(name: str, dtype: pl.DataType) -> Iterator[str]:
    import polars as pl

    yield name
    if isinstance(dtype, pl.Struct):
        for field in dtype.fields:
            yield from _paths(f"{name}.{field.name}", _instance(field.dtype))
    elif isinstance(dtype, pl.List):
        yield from _paths(f"{name}.element", _instance(dtype.inner))


def in_zone(dtype: pl.DataType, zone: str | None) -> pl.DataType:
    """The type of times without a zone once it is known in which zone they were read."""
    import polars as pl

    return pl.Datetime("us", "UTC") if zone and dtype == pl.Datetime("us") else dtype


def storable(dtype: pl.DataType, column: str) -> pl.DataType:
    """The type in which Iceberg (format 2) keeps values of a Polars type, without loss; an all-null
    column becomes text.

    Raises Unprocessable if there is none.
    """
    import polars as pl

    if isinstance(dtype, pl.Datetime):
        return pl.Datetime("us", "UTC" if dtype.time_zone else None)
    if isinstance(dtype, pl.List | pl.Array):
        return pl.List(storable(_instance(dtype.inner), column))
    if isinstance(dtype, pl.Struct):
        if not dtype.fields:
            return pl.String()
        return pl.Struct(
            [
                pl.Field(field.name, storable(_instance(field.dtype), column))
                for field in dtype.fields
            ]
        )
    if isinstance(dtype, pl.Map):
        key, value = (
            storable(_instance(dtype.key), column),
            storable(_instance(dtype.value), column),
        )
        return pl.Map(key, value)
    base = dtype.base_type()
    if isinstance(dtype, pl.Decimal) and (dtype.precision or 0) > _DECIMAL_DIGITS:
        raise Unprocessable(
            f"Column {column!r} cannot be stored.",
            f"{dtype} has more than {_DECIMAL_DIGITS} digits, the most that Iceberg keeps.",
            "Convert the column, for example to text or to f64.",
        )
    if base.__name__ in _KEPT:
        return dtype
    if base.__name__ in _WIDENED:
        widened: pl.DataType = getattr(pl, _WIDENED[base.__name__])()
        return widened
    raise Unprocessable(
        f"Column {column!r} cannot be stored.",
        f"This catalog writes no columns of type {dtype}.",
        _duration_fix(column) if dtype == pl.Duration else "Convert it, for example to text.",
    )


def has_empty_struct(dtype: pl.DataType) -> bool:
    """Whether a type is, or has within it, a struct without fields, of which no table has a
    column.
    """
    import polars as pl

    if isinstance(dtype, pl.Struct):
        inner = [_instance(field.dtype) for field in dtype.fields]
        return not inner or any(map(has_empty_struct, inner))
    return isinstance(dtype, pl.List | pl.Array) and has_empty_struct(_instance(dtype.inner))


def refuse_duration(dtype: pl.DataType, column: str) -> None:
    """Raise Unprocessable for a duration, of which nobody said as what it is to be kept."""
    import polars as pl

    if dtype == pl.Duration:
        storable(dtype, column)


def _duration_fix(column: str) -> str:
    return (
        f"Of files, say --schema {column}=i64 (microseconds), {column}=f64 (seconds) or"
        f" {column}=str (such as PT1H30M); in Python types={{{column!r}: 'i64'}}. Of a frame,"
        f" write pl.col({column!r}).dt.total_microseconds()."
    )
