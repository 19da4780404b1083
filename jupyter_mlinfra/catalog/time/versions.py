"""How two versions of a Delta table in place differ."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from ...core.deltas import delta_frame, has_plain_files
from ..dtypes import short_dtype
from ..pieces import block_rows
from ..rows import height
from .columns import Fields, pairs, schema_diff
from .counting import count
from .diff import check_key, note_of
from .examples import examples_of
from .sides import Side
from .spec import Diff

if TYPE_CHECKING:
    import polars as pl
    from deltalake import DeltaTable

    from ...core.project import Project
    from ..tables import ReadTable
    from ..tables.registered import RegisteredTable


def version_diff(
    before: RegisteredTable,
    after: RegisteredTable,
    key: Sequence[str],
    examples: int,
    hidden: Callable[[ReadTable, Sequence[str]], Collection[str]],
    project: Project,
) -> Diff:
    """How they differ; see `TimeVerbs.diff`. Columns are the same ones by the ids of column
    mapping, else by their names. It tells no statistics.
    """
    tables = [before.tables.opened(), after.tables.opened()]
    old, new = (frozenset(table.file_uris()) for table in tables)
    common = old & new if all(map(has_plain_files, tables)) else frozenset[str]()
    sides = _side(tables[0], old - common), _side(tables[1], new - common)
    types = [dict(side.rows.collect_schema()) for side in sides]
    columns = pairs(_fields(tables[0]), _fields(tables[1]), *types)
    check_key(key, columns)
    staging = partial(project.folder, "staging")
    counted = count(*sides, columns, key, examples=examples, staging=staging)
    shown = [
        hidden(table, list(names)) for table, names in zip((before, after), types, strict=True)
    ]
    masked = {pair.after for pair in columns if pair.before in shown[0] or pair.after in shown[1]}
    kinds = [{name: short_dtype(dtype) for name, dtype in schema.items()} for schema in types]
    return Diff(
        dataset=before.name.text,
        before=str(before.name.at_text),
        after=str(after.name.at_text),
        key=list(key),
        added=counted.added,
        removed=counted.removed,
        changed=counted.changed if key else None,
        schema=schema_diff(kinds[0], kinds[1], columns),
        statistics={},
        examples=examples_of(counted, *sides, columns, key, masked, {}),
        files_read=len(sides[0].files | sides[1].files),
        note=note_of(counted, key),
    )


def _fields(table: DeltaTable) -> Fields:
    """Its columns, with what makes them the same ones when they are renamed."""
    return [
        {
            "name": field["name"],
            "id": field.get("metadata", {}).get("delta.columnMapping.id", field["name"]),
        }
        for field in json.loads(table.schema().to_json())["fields"]
    ]


def _side(table: DeltaTable, files: frozenset[str]) -> Side:
    """The rows of some of its data files."""
    rows = delta_frame(table, files=files)
    rows_there = height(rows)
    return Side(rows, partial(_blocks, rows, rows_there), rows_there, files, planned=False)


def _blocks(rows: pl.LazyFrame, most: int, columns: int) -> Iterator[pl.LazyFrame]:
    size = block_rows(columns)
    return (rows.slice(start, size) for start in range(0, most, size))
