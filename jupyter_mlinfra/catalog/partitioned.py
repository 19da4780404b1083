"""Which partition a row of a partitioned table belongs to.

The values of a partition are pyiceberg's own, asked once for each distinct value of the column.
Source: https://iceberg.apache.org/spec/#partition-transforms
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ..core.errors import Unprocessable
from ..core.frames import exactly

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.partitioning import PartitionField
    from pyiceberg.schema import Schema
    from pyiceberg.table.metadata import TableMetadata
    from pyiceberg.typedef import Record

_CODE = "\0code"  # no column has such a name


class Partitioning:
    """The partitions of one table, by its present rule; one for all rows if it has none. Raises
    Unprocessable for a rule that is not known here.
    """

    def __init__(self, metadata: TableMetadata) -> None:
        self._spec, self._schema = metadata.spec(), metadata.schema()
        self._fields = [_Field(field, self._schema) for field in self._spec.fields]

    @property
    def is_single(self) -> bool:
        """Whether all rows are in one partition."""
        return not self._fields

    def folder(self, partition: Record) -> str:
        """Where its files are below the table's data, such as `day=2026-01-01/`; empty for the one
        of a table without partitions.
        """
        if self.is_single:
            return ""
        return f"{self._spec.partition_to_path(partition, self._schema)}/"

    def split(self, rows: pl.DataFrame) -> Iterator[tuple[Record, pl.DataFrame]]:
        """The rows by partition, each in their order."""
        from pyiceberg.typedef import Record

        if self.is_single:
            yield Record(), rows
            return
        names = [f"{_CODE}{number}" for number in range(len(self._fields))]
        coded = [field.coded(rows) for field in self._fields]
        marked = rows.with_columns(
            codes.alias(name) for name, (codes, _) in zip(names, coded, strict=True)
        )
        for part in marked.partition_by(names, maintain_order=True):
            found = [values[part[name][0]] for name, (_, values) in zip(names, coded, strict=True)]
            yield Record(*found), part.drop(names)


class _Field:
    """One field of a table's rule."""

    def __init__(self, field: PartitionField, schema: Schema) -> None:
        from pyiceberg.transforms import TimeTransform
        from pyiceberg.types import PrimitiveType

        source = schema.find_field(field.source_id)
        if all(source.field_id != column.field_id for column in schema.fields):
            raise _unknown(f"by {field.name!r}, a field within a column")
        if not isinstance(source.field_type, PrimitiveType):
            raise _unknown(f"by {field.name!r}, which is {source.field_type}")
        try:
            self._transform: Callable[[Any], Any] = field.transform.transform(source.field_type)
        except (NotImplementedError, ValueError) as error:
            raise _unknown(f"by {field.transform} of {source.name!r}") from error
        self._field, self._schema, self._name = field, schema, source.name
        self._by_time = isinstance(field.transform, TimeTransform)

    def coded(self, rows: pl.DataFrame) -> tuple[pl.Series, list[Any]]:
        """For each row the number of its value in the list."""
        import polars as pl
        from pyiceberg.partitioning import partition_record_value

        column = rows.select(exactly(self._name)).to_series()
        if self._by_time and isinstance(column.dtype, pl.Datetime):
            column = column.dt.truncate("1h")  # the finest of them
        distinct = column.unique(maintain_order=True)
        numbers: dict[Any, int] = {}
        codes = []
        for value in distinct.to_list():
            moved = partition_record_value(self._field, self._transform(value), self._schema)
            codes.append(numbers.setdefault(moved, len(numbers)))
        known = pl.DataFrame({"value": distinct, "code": pl.Series(codes, dtype=pl.UInt32)})
        asked = pl.DataFrame({"value": column})
        found = asked.join(known, on="value", how="left", nulls_equal=True, maintain_order="left")
        return found["code"], list(numbers)


def _unknown(how: str) -> Unprocessable:
    return Unprocessable(
        "The table cannot be written.",
        f"It is partitioned {how}.",
        "Write it with the engine that made it; reading works here.",
    )
