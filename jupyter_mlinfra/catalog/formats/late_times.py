"""Times of day in Parquet that no clock shows, such as 24:00:00: Arrow's own checks refuse them,
and Polars reads them as missing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from typing import Any

_IN_A_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
_UNITS = {"milliseconds": "ms", "microseconds": "us", "nanoseconds": "ns"}
_ROWS = 1 << 17


def late_times(file: Any) -> frozenset[str]:
    """The columns of a Parquet file of PyArrow that hold such a time. Only where its footer does
    not tell, the columns of times are read.
    """
    import pyarrow as pa

    metadata = file.metadata
    places = {metadata.schema.column(number).path: number for number in range(metadata.num_columns)}
    twice = Counter(file.schema_arrow.names)
    times = [
        field
        for field in file.schema_arrow
        if pa.types.is_time(field.type) and twice[field.name] == 1
    ]
    return frozenset(
        field.name
        for field in times
        if field.name in places and _is_late(file, field, places[field.name])
    )


def late_times_within(file: Any) -> frozenset[str]:
    """The fields within lists, structs and maps that hold such a time, by what the footer tells."""
    metadata, found = file.metadata, set[str]()
    for place in range(metadata.num_columns):
        column = metadata.schema.column(place)
        unit = _UNITS.get(_unit_of(column.logical_type))
        if unit is None or "." not in column.path:
            continue
        for group in range(metadata.num_row_groups):
            said = metadata.row_group(group).column(place).statistics
            if said is not None and said.has_min_max and said.max_raw >= _IN_A_DAY[unit]:
                found.add(column.path)
    return frozenset(found)


def _unit_of(kind: Any) -> str:
    """The unit of times of day, as Parquet says it; empty for another type."""
    return json.loads(kind.to_json()).get("timeUnit", "") if kind.type == "TIME" else ""


def _is_late(file: Any, field: Any, place: int) -> bool:
    from pyarrow import compute

    most = _IN_A_DAY[field.type.unit]
    groups = [
        file.metadata.row_group(number).column(place).statistics
        for number in range(file.metadata.num_row_groups)
    ]
    if all(said is not None and said.has_min_max for said in groups):
        return any(said.max_raw >= most or said.min_raw < 0 for said in groups)
    for batch in file.iter_batches(batch_size=_ROWS, columns=[field.name]):
        found = compute.min_max(_numbers(batch.column(0))).as_py()
        if found["max"] is not None and (found["max"] >= most or found["min"] < 0):
            return True
    return False


def with_times_as_text(batch: Any, names: Collection[str]) -> Any:
    """The rows, with these columns of times as the texts that spell them."""
    for place, field in enumerate(batch.schema):
        if field.name in names:
            batch = batch.set_column(place, field.name, _texts(batch.column(place)))
    return batch


def _numbers(times: Any) -> Any:
    import pyarrow as pa

    return times.view(pa.int64() if times.type.bit_width == 64 else pa.int32())


def _texts(times: Any) -> Any:
    import polars as pl
    import pyarrow as pa

    parts = _IN_A_DAY[times.type.unit] // _IN_A_DAY["s"]
    digits = len(str(parts)) - 1
    number = pl.Series("", pl.from_arrow(_numbers(times).cast(pa.int64())))
    second, part = number // parts, number % parts
    frame = pl.DataFrame({"second": second, "part": part})
    clock = [
        value.cast(pl.String).str.zfill(2)
        for value in (
            pl.col("second") // 3600,
            pl.col("second") // 60 % 60,
            pl.col("second") % 60,
        )
    ]
    fraction = pl.when(pl.col("part") > 0).then(
        pl.format(".{}", pl.col("part").cast(pl.String).str.zfill(digits))
    )
    spelled = pl.format("{}:{}:{}", *clock) + fraction.otherwise(pl.lit(""))
    return frame.select(spelled.alias("text"))["text"].to_arrow()
