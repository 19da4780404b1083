"""The grid of a table of the catalog: its rows, and the code that shows the same."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from ...core.snippets import Snippets, text, variable
from ..snippets import dataset_code, scan_code
from ..uuids import Uuids, text_code
from .plan import cell
from .running import Source

if TYPE_CHECKING:
    from ..names import DatasetName
    from ..tables import ReadTable
    from .plan import Schema
    from .spec import GridQuery


def source_of(
    table: ReadTable, query: GridQuery, hidden: Callable[[Sequence[str]], Collection[str]]
) -> Source:
    """The rows that a query reads: all of them; of a domain's table without a query only those
    that its preview shows. hidden: those of some columns whose values are not shown.
    """
    shown = table.shown()
    has_all = shown.snapshot is not None or query.is_plain
    return Source(
        name=table.name.text,
        rows=shown.rows if has_all else table.scan(),
        columns=shown.columns,
        state=table.state() if shown.snapshot is None else shown.snapshot,
        snapshot=shown.snapshot,
        total=shown.total,
        masked=hidden([column.name for column in shown.columns]),
    )


def code_of(name: DatasetName, query: GridQuery, schema: Schema, uuids: Uuids) -> Snippets:
    """The code of a query; of none, that of the dataset. uuids: columns that a grid shows as text,
    of which the dataset has the bytes.
    """
    if query.is_plain and query.columns is None:
        return dataset_code(name.asked, name.at_text)
    imports = ["import jupyter_mlinfra as ml"]
    scan = scan_code(name.asked, name.at_text)
    if shown := ", ".join(
        f"{text_code(f'pl.col({text(column)})', kind)}.alias({text(column)})"
        for column, kind in uuids.items()
    ):
        imports.append("import polars as pl")
        scan = f"{scan}.with_columns({shown})"
    return {"python": cell(query, schema, scan, name=variable(name.asked), imports=imports)}
