"""Iceberg's Avro files with other paths in them: every other field stays as it is, those that this
version does not know too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyiceberg.io import InputFile, OutputFile
    from pyiceberg.typedef import Record
    from pyiceberg.types import NestedField

_SCHEMA = "avro.schema"


class Fields:
    """The fields of a record by Iceberg's ids, which stay whatever the writer."""

    def __init__(self, record: Record, fields: tuple[NestedField, ...]) -> None:
        self._record = record
        self._places = {field.field_id: place for place, field in enumerate(fields)}
        self._fields = fields

    def get(self, number: int) -> Any:
        """The value of a field; None if the file has no such field."""
        place = self._places.get(number)
        return None if place is None else self._record[place]

    def set(self, number: int, value: Any) -> None:
        """Another value for a field that the file has."""
        self._record[self._places[number]] = value

    def within(self, number: int) -> Fields:
        """The fields of a field that is a record itself."""
        from pyiceberg.types import StructType

        struct = self._fields[self._places[number]].field_type
        assert isinstance(struct, StructType)  # the specification says so
        return Fields(self.get(number), struct.fields)


def rewrite(
    source: InputFile,
    target: OutputFile,
    change: Callable[[Fields], None],
    *,
    name: str,
    header: Mapping[str, str] | None = None,
) -> int:
    """Write the records of a file, after `change`, to another one. name: of the records. header:
    values of the file's header in place of its own. Returns the new file's bytes.
    """
    from pyiceberg.avro.file import AvroFile, AvroOutputFile
    from pyiceberg.typedef import Record

    with AvroFile[Record](source) as reader:
        records = list(reader)
        schema = reader.schema
        kept = {key: value for key, value in reader.header.meta.items() if key != _SCHEMA}
    for record in records:
        change(Fields(record, schema.fields))
    with AvroOutputFile[Record](
        target, schema, schema_name=name, metadata={**kept, **(header or {})}
    ) as out:
        if records:
            out.write_block(records)
    return len(target)
