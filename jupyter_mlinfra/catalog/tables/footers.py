"""Statistics of columns in place as the files say them: footers of Parquet files, and what the log
of a Delta table says of its files. No rows are read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..looking.profile import Tier
from ..odd_times import python_rows
from ..reading import Reading
from ..rows import plain
from ..spec import Certainty, ColumnProfile
from .divided import folder_values
from .statistics import Statistics

if TYPE_CHECKING:
    import polars as pl
    from deltalake import DeltaTable

    from .placed import Found, Place

_FOOTER: Tier = "footer"
_ORDERED = (int, float, str, date, datetime, Decimal)


@dataclass(slots=True)
class _Column:
    """What is known of one column so far. nulls: None if a file does not count them. bounded:
    whether every file with values says its bounds; exact: whether they are values.
    """

    nulls: int | None = 0
    values: list[Any] = field(default_factory=list)
    bounded: bool = True
    exact: bool = True

    def add(self, rows: int, nulls: int | None, bounds: Sequence[Any], *, exact: bool) -> None:
        """One file, or part of it. bounds: lowest and highest value; empty if it says none."""
        self.nulls = None if nulls is None or self.nulls is None else self.nulls + nulls
        if nulls == rows:
            return
        known = [value for value in bounds if isinstance(value, _ORDERED) and value == value]
        self.bounded &= len(known) == 2 and not isinstance(known[0], bool)
        self.values += known
        self.exact &= exact

    def profile(self, kind: str, *, deletes: bool) -> ColumnProfile:
        """deletes: some rows are deleted that the files still count."""
        found: dict[str, Any] = {}
        basis: dict[str, Certainty] = {}
        if self.nulls is not None:
            found["nulls"] = self.nulls
            basis["nulls"] = "approximate" if deletes else "exact"
        if self.values and self.bounded and len({isinstance(v, str) for v in self.values}) == 1:
            found["min"], found["max"] = plain(min(self.values)), plain(max(self.values))
            exact = self.exact and not deletes
            basis["min"] = basis["max"] = "exact" if exact else "approximate"
        return ColumnProfile(type=kind, basis=basis, **found)


def of_parquet(
    files: Sequence[Found],
    place: Place,
    schema: Mapping[str, pl.DataType],
    kinds: Mapping[str, str],
) -> Statistics:
    """Rows, nulls, min and max as the footers of Parquet files and the names of their folders say
    them. schema: of the rows. Bounds of text are exact where the writer says that it did not cut
    them.
    """
    from pyarrow import parquet

    columns, total = {name: _Column() for name in schema}, 0
    words = folder_values(place.location, files)
    for file in files:
        with place.opened(file) as source, parquet.ParquetFile(source) as opened:
            metadata = opened.metadata
        total += metadata.num_rows
        folders = {name: word for name, word in words[file.place].items() if name in schema}
        for name, word in folders.items():
            value = _of_folder(name, word, schema[name])
            nulls = metadata.num_rows if value is None else 0
            columns[name].add(metadata.num_rows, nulls, [value, value], exact=True)
        _add_footer(metadata, {k: v for k, v in columns.items() if k not in folders}, schema)
    found = {name: column.profile(kinds[name], deletes=False) for name, column in columns.items()}
    return Statistics(_FOOTER, total, found)


def of_delta(table: DeltaTable, kinds: Mapping[str, str]) -> Statistics:
    """The same as the log of a Delta table says it. Bounds of text and of moments may be cut there;
    where rows were deleted without rewriting their files, all is approximate.
    """
    import polars as pl

    facts = pl.DataFrame(table.get_add_actions())
    deletes = "deletionVectors" in (table.protocol().reader_features or ())
    columns = {name: _Column() for name in kinds}
    keys = ("partition_values", "partition", "null_count", "min", "max")
    for row in python_rows(facts):
        said = {key: row.get(key) or {} for key in keys}
        folders = {**said["partition_values"], **said["partition"]}
        rows = row.get("num_records")
        for name, column in columns.items():
            if name in folders:
                value = folders[name]
                nulls = (rows if value is None else 0) if rows is not None else None
                column.add(-1 if rows is None else rows, nulls, [value, value], exact=True)
                continue
            bounds = [said["min"].get(name), said["max"].get(name)]
            if kinds[name] != "str" and any(isinstance(value, str) for value in bounds):
                bounds = []  # of times that Python does not know
            cut = kinds[name] == "str" or any(isinstance(value, datetime) for value in bounds)
            nulls = said["null_count"].get(name)
            nulls = nulls if isinstance(nulls, int) else None
            column.add(-1 if rows is None else rows, nulls, bounds, exact=not cut)
    counted = facts["num_records"] if "num_records" in facts.columns else None
    known = counted is not None and not counted.null_count() and not deletes
    found = {name: column.profile(kinds[name], deletes=deletes) for name, column in columns.items()}
    return Statistics(_FOOTER, int(counted.sum()) if known and counted is not None else None, found)


def _of_folder(name: str, word: str | None, dtype: pl.DataType) -> Any:
    from ..dtypes import short_dtype
    from ..hive import typed_values

    return typed_values(name, [word], Reading(types={name: short_dtype(dtype)})).item()


def _add_footer(
    metadata: Any, columns: Mapping[str, _Column], schema: Mapping[str, pl.DataType]
) -> None:
    """What one footer says of these columns."""
    places = {
        metadata.schema.column(number).path: number
        for number in range(metadata.num_columns)
        if metadata.schema.column(number).max_repetition_level == 0
    }
    for name, column in columns.items():
        number = places.get(name)
        if number is None or schema[name].is_nested():
            nested = schema[name].is_nested()
            column.add(metadata.num_rows, None if nested else metadata.num_rows, [], exact=True)
            continue
        zone = getattr(schema[name], "time_zone", None)
        for group in map(metadata.row_group, range(metadata.num_row_groups)):
            said = group.column(number).statistics
            nulls = said.null_count if said is not None and said.has_null_count else None
            bounds = _bounds(said, schema[name], zone) if said is not None else []
            column.add(group.num_rows, nulls, bounds, exact=_is_exact(said))


def _bounds(said: Any, dtype: pl.DataType, zone: str | None) -> list[Any]:
    """The bounds of a row group, as far as they are of a type that has an order for people."""
    import polars as pl

    usual = dtype.is_integer() or dtype.is_float() or dtype in (pl.String, pl.Date)
    found = _ends(said) if usual or isinstance(dtype, pl.Datetime | pl.Decimal) else []
    if not found or dtype == pl.UInt64 or (dtype == pl.String and not isinstance(found[0], str)):
        return []  # the former is read as signed, the latter is the text of bytes
    if isinstance(dtype, pl.Datetime):
        times = [value for value in found if isinstance(value, datetime)]
        return [
            value.replace(tzinfo=UTC) if zone else value.replace(tzinfo=None) for value in times
        ]
    return found


def _ends(said: Any) -> list[Any]:
    """The least and the greatest value; none of times that Python does not know."""
    if said is None or not said.has_min_max:
        return []
    try:
        return [said.min, said.max]
    except (OverflowError, ValueError):
        return []


def _is_exact(said: Any) -> bool:
    """Whether bounds are values: numbers are, text only where the writer says so."""
    found = _ends(said)
    if not found or not isinstance(found[0], str):
        return True
    return bool(getattr(said, "is_min_value_exact", None)) and bool(
        getattr(said, "is_max_value_exact", None)
    )
