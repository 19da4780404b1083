"""Rows of the payload log as frames, from journals and from Parquet files."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from ...core.frames import is_pattern
from .journals import JournalRows

if TYPE_CHECKING:
    import polars as pl

BASE_COLUMNS = (
    "request_id",
    "row",
    "ts",
    "deployment",
    "version",
    "status",
    "latency_ms",
    "params",
    "prediction",
)
"""The columns of a frame before the inputs, see `names_of_inputs`. params: of the model's
parameters those that the request gave, as JSON text; null for none.
"""

UNIQUE = ".unique"
"""Column of the gateway's own id: in the files, and in frames until their rows are unique."""

SHADOW = ".shadow"
"""Column of the same: whether a row is of a copy that a shadow answered, with the ids of its
original.
"""

PREFIX = "input."

_OUTPUT = "prediction"
_FURTHER = re.compile(r"prediction_[1-9][0-9]*")
"""Names of columns that only further outputs have."""

_TEXT_TYPES = ("string", "datetime", "binary", "array", "object", "map", "any")
"""Inputs that the journals hold as texts, unless they have categories."""


def is_output(column: str) -> bool:
    """Whether a column is of the answers. An input of such a name is `input.<name>`; others that
    only begin like one, such as `prediction_0`, are inputs.
    """
    return column == _OUTPUT or _FURTHER.fullmatch(column) is not None


def list_frame(rows: JournalRows) -> pl.DataFrame:
    """Inputs and predictions as lists: one schema for every model, so that files of different
    signatures can be read together.
    """
    import polars as pl

    return pl.DataFrame(
        {
            "request_id": rows.request_id,
            UNIQUE: rows.unique,
            "row": rows.row,
            SHADOW: rows.shadow,
            "ts": (
                pl.Series([int(moment * 1e6) for moment in rows.ts], dtype=pl.Int64).cast(
                    pl.Datetime("us", "UTC")
                )
            ),
            "deployment": [rows.deployment] * len(rows.row),
            "version": [rows.version] * len(rows.row),
            "status": rows.status,
            "latency_ms": rows.latency_ms,
            "params": rows.params,
            "predictions": rows.scores,
            "labels": rows.labels,
            "inputs": rows.inputs,
            "texts": rows.texts,
            "what": rows.what,
            "request": rows.request,
        },
        schema={
            "request_id": pl.String,
            UNIQUE: pl.String,
            "row": pl.Int32,
            SHADOW: pl.Boolean,
            "ts": pl.Datetime("us", "UTC"),
            "deployment": pl.String,
            "version": pl.String,
            "status": pl.Int16,
            "latency_ms": pl.Float64,
            "params": pl.String,
            "predictions": pl.List(pl.Float64),
            "labels": pl.List(pl.String),
            "inputs": pl.List(pl.Float64),
            "texts": pl.List(pl.String),
            "what": pl.String,
            "request": pl.String,
        },
    )


def frame_of(rows: JournalRows) -> pl.DataFrame:
    """The rows of a journal, one column per input and output."""
    return _with_columns(list_frame(rows), rows.names, rows.categories, rows.types)


def _with_columns(
    frame: pl.DataFrame,
    names: Sequence[str],
    categories: Sequence[Sequence[str]],
    types: Sequence[str],
) -> pl.DataFrame:
    """One column per input and output; codes of categories become the texts they stand for."""
    import polars as pl

    width = max(1, int(frame.select(pl.col("predictions").list.len().max()).item() or 1))
    outputs = [
        _output(frame, position).alias(f"prediction_{position}" if position else "prediction")
        for position in range(width)
    ]
    further = (f"prediction_{position}" for position in range(1, width))
    # Also where the model has fewer outputs: a stacked model has answers of others as inputs.
    stacked = (name for name in names if _FURTHER.fullmatch(name))
    columns = names_of_inputs(names, {*BASE_COLUMNS, UNIQUE, SHADOW, *further, *stacked})
    inputs = []
    for position, column in enumerate(columns):
        value = pl.col("inputs").list.get(position, null_on_oob=True)
        if position < len(categories) and categories[position]:
            value = value.cast(pl.Int32).replace_strict(
                dict(enumerate(categories[position])), default=None, return_dtype=pl.String
            )
        elif position < len(types) and types[position] in _TEXT_TYPES:
            value = pl.col("texts").list.get(position, null_on_oob=True)
            if types[position] == "datetime":
                value = _moment(value)
        inputs.append(value.alias(column))
    # All three: a file of an earlier version.
    params = pl.col("params") if "params" in frame.columns else pl.lit(None, pl.String)
    unique = pl.col(UNIQUE) if UNIQUE in frame.columns else pl.col("request_id").alias(UNIQUE)
    shadow = pl.col(SHADOW) if SHADOW in frame.columns else pl.lit(value=False).alias(SHADOW)
    base = BASE_COLUMNS[: BASE_COLUMNS.index("params")]
    return frame.select(*base, params.alias("params"), unique, shadow, *outputs, *inputs)


def names_of_inputs(names: Sequence[str], reserved: Collection[str]) -> list[str]:
    """What the columns of inputs are called: `input.<name>` if the name is reserved, is a pattern
    to Polars (`*`, `^…$`), or is `input.` before one that is reserved or of another input; else as
    they are. Whoever looks for an input finds it under `input.<name>` first. No two are equal: of
    inputs with one name, which some models of earlier versions have, the second is `<name>.2`.
    """
    taken = {*reserved, *names}
    found = [
        f"{PREFIX}{name}"
        if name in reserved
        or is_pattern(name)
        or (name.startswith(PREFIX) and name.removeprefix(PREFIX) in taken)
        else name
        for name in names
    ]
    return found if len(set(found)) == len(found) else _numbered(found, taken)


def _numbered(names: Sequence[str], reserved: Collection[str]) -> list[str]:
    """The names, with a number behind each that is there already."""
    taken, seen, found = {*reserved, *names}, set[str](), []
    for name in names:
        own, numbers = name, count(2)
        while own in seen or (own != name and own in taken):
            own = f"{name}.{next(numbers)}"
        seen.add(own)
        found.append(own)
    return found


def _output(frame: pl.DataFrame, position: int) -> pl.Expr:
    """One output: texts if the model has answered any there."""
    import polars as pl

    number = pl.col("predictions").list.get(position, null_on_oob=True)
    if "labels" not in frame.columns:  # a file of an earlier version
        return number
    text = pl.col("labels").list.get(position, null_on_oob=True)
    return text if frame.select(text.is_not_null().any()).item() else number


def _moment(value: pl.Expr) -> pl.Expr:
    """ISO 8601 text as a moment without zone; one with a zone is turned into UTC."""
    import polars as pl

    text = value.str.replace(" ", "T", literal=True)
    zoned = text.str.to_datetime(time_unit="us", time_zone="UTC", strict=False)
    plain = text.str.to_datetime(time_unit="us", strict=False)
    return pl.coalesce(plain, zoned.dt.replace_time_zone(None))


def read_parquet(
    file: Path, wanted: pl.Expr | None = None, *, most: int | None = None
) -> pl.DataFrame:
    """The rows of a compacted file, as those of its journal. wanted: a condition on its columns;
    most: so many of them.
    """
    import polars as pl

    facts = facts_of(file)
    rows = pl.scan_parquet(file)
    if wanted is not None:
        rows = rows.filter(wanted)
    return _with_columns(
        rows.collect() if most is None else rows.head(most).collect(),
        orjson.loads(facts.get("names", "[]")),
        orjson.loads(facts.get("categories", "[]")),
        orjson.loads(facts.get("types", "[]")),
    )


def answers_of(rows: pl.LazyFrame, wanted: pl.Expr, *, newest: int | None = None) -> pl.DataFrame:
    """The wanted rows of a file, as `frame_of` gives them but without inputs, in any order. rows:
    in the form of `list_frame`; newest: at most so many.
    """
    import polars as pl

    present = rows.collect_schema().names()
    older = []  # what a file of an earlier version lacks
    if UNIQUE not in present:
        older.append(pl.col("request_id").alias(UNIQUE))
    if SHADOW not in present:
        older.append(pl.lit(value=False).alias(SHADOW))
    left_out = [name for name in ("inputs", "texts", "what", "request") if name in present]
    found = rows.drop(left_out).with_columns(older).filter(wanted)
    if newest is not None:
        found = found.top_k(newest, by="ts")
    return _with_columns(found.collect(), (), (), ())


def facts_of(file: Path) -> dict[str, str]:
    """What a compacted file says of itself; nothing if it was removed meanwhile."""
    import polars as pl

    try:
        return dict(pl.read_parquet_metadata(file))
    except FileNotFoundError:  # the file was too old and has been removed
        return {}
