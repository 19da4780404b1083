"""What came in, and what an ingest would read."""

from __future__ import annotations

from typing import Any

from ....core.refs import reference
from ....faces.cards import Card, card, said
from ....faces.rows import Row, row
from ....faces.words import NONE, beginning, counted, plain
from ...spec import ExportedRows, IngestReport, Inspection, ReadFile


@row(ExportedRows)
def _exported(item: ExportedRows) -> Row:
    return {"dataset": item.dataset, "file": item.file, "rows": plain(item.rows)}


@card(IngestReport)
def _ingest(item: IngestReport) -> Card:
    left_out = {
        "in quarantine": counted(item.quarantined, "row") if item.quarantined else "",
        "skipped": counted(len(item.skipped), "file") if item.skipped else "",
    }
    facts = {
        "left out": item.summary if any(left_out.values()) or not item.rows_written else NONE,
        "rows written": plain(item.rows_written),
        "in place of others": plain(item.rows_updated) if item.rows_updated else NONE,
        "quarantined": plain(item.quarantined),
        "skipped": beginning(", ".join(item.skipped), 200) or NONE,
        "columns": plain(item.columns),
        "columns changed": "; ".join(item.schema_changes) or NONE,
        "read as": "; ".join(item.spelled) or NONE,
        "snapshot": plain(item.snapshot),
        "quarantine": plain(item.quarantine),
    }
    # The first line says what was left out: nobody reads on after a success.
    words = ", ".join(f"{count} {word}" for word, count in left_out.items() if count)
    return Card(
        title=f"{item.dataset}: {words}" if words else item.dataset,
        ref=reference("dataset", item.dataset),
        facts=said(facts),
        note="\n".join(item.notes),
    )


@card(Inspection)
def _inspection(item: Inspection) -> Card:
    first = item.files[0]
    facts = {
        "read as": ", ".join(_reading_options(first)) or first.kind,
        "rows looked at": f"{plain(item.rows)}{'' if item.whole else ', the beginning'}",
        "do not fit": (
            f"{plain(item.bad)}, the first in line {item.broken[0].line} of {item.broken[0].file}:"
            f" {item.broken[0].reason}"
            if item.broken
            else NONE
        ),
        "would be refused": item.refused or NONE,
        "in it already": (
            plain([file.path for file in item.files if file.snapshot])
            if any(file.snapshot for file in item.files)
            else NONE
        ),
    }
    rows = [
        {
            "column": column.name,
            "type": column.type,
            "how": "of the dataset" if column.in_dataset else "guessed" if column.guessed else "",
            "spelled": _spelled(column),
            "examples": beginning(
                " · ".join(NONE if value is None else str(value) for value in values[:3]), 60
            ),
        }
        for column, values in zip(item.columns, item.data, strict=True)
    ]
    title = first.path if len(item.files) == 1 else counted(len(item.files), "file")
    return Card(
        title=title,
        facts=said(facts),
        rows=rows,
        note="\n".join([*(f"{doubt.what} {doubt.fix}" for doubt in item.doubts), *item.notes]),
    )


def _reading_options(file: ReadFile) -> list[str]:
    """The options with which a file was read, such as `separator tab (guessed)`."""
    marks = {
        "encoding": file.encoding,
        "separator": _sign(file.separator),
        "quote": _sign(file.quote),
        "comment": file.comment,
        "skip": file.skip,
        "header": {None: "", True: "yes", False: "no"}[file.header],
    }
    return [
        f"{name} {value}{' (guessed)' if name in file.guessed else ''}"
        for name, value in marks.items()
        if value
    ]


def _sign(sign: str | None) -> str:
    """A visible name of a sign."""
    return {None: "", "\t": "tab", " ": "space", "": "none"}.get(sign, sign or "")


def _spelled(column: Any) -> str:
    marks = (
        f"decimal {column.decimal} thousands {_sign(column.thousands)}"
        if (column.decimal, column.thousands) != (".", "")
        else ""
    )
    return " ".join(filter(None, [marks, column.date_format]))
