"""Tables of format version 3, which newer engines write: they are read, with the rows that deletion
vectors delete left out, and pyiceberg does not write them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...core.errors import Unprocessable

if TYPE_CHECKING:
    from pyiceberg.table import Table
    from pyiceberg.table.metadata import TableMetadata

_WRITTEN = 2


def as_json(metadata: TableMetadata) -> Mapping[str, Any]:
    """The metadata as its file says it, of any version: pyiceberg refuses to give that of 3, lest
    it be written.
    """
    from pyiceberg.typedef import IcebergBaseModel

    found: Mapping[str, Any] = json.loads(IcebergBaseModel.model_dump_json(metadata))
    return found


def is_written(table: Table) -> bool:
    """Whether the table can get a snapshot here."""
    return table.metadata.format_version <= _WRITTEN


def check_rows(table: Table, what: str) -> None:
    """Raise Unprocessable unless `is_written`. what: was not done."""
    if not is_written(table):
        raise _not_written(table, what)


def check_moving(metadata: TableMetadata, what: str) -> None:
    """Raise Unprocessable for a table whose files cannot be named anew: its deletion vectors name
    data files by their place.
    """
    if metadata.format_version > _WRITTEN:
        raise Unprocessable(
            what,
            f"It is of format version {metadata.format_version}, which is not known here.",
            "Move it with the engine that made it.",
        )


def can_change(table: Table) -> bool:
    """Whether properties and snapshots' names of the table can be changed: a REST catalog writes
    its metadata itself, whatever its version.
    """
    from pyiceberg.catalog import MetastoreCatalog

    return is_written(table) or not isinstance(table.catalog, MetastoreCatalog)


def check_properties(table: Table, what: str) -> None:
    """Raise Unprocessable unless `can_change`. what: was not done."""
    if not can_change(table):
        raise _not_written(table, what)


def _not_written(table: Table, what: str) -> Unprocessable:
    name = ".".join(table.name())
    return Unprocessable(
        what,
        f"It is of format version {table.metadata.format_version}, which is read here, and not"
        " written.",
        "Change it with the engine that made it, or copy its rows:"
        f' ml.write(ml.dataset("{name}").scan(), into="{name}_copy")',
    )
