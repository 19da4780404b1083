"""What an ingest reports: all of it in one line, beginning with what was left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from .spec import IngestReport

if TYPE_CHECKING:
    from .intake import FileRows
    from .quarantine import Quarantine


def completed(
    report: IngestReport,
    rows: FileRows,
    skipped: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
) -> IngestReport:
    """The report with what was seen while the rows were read. skipped: by file, the snapshot that
    has it.
    """
    skipped = skipped or {}
    return replace(
        report,
        summary=_summary(report, rows.read, rows.quarantine, skipped),
        skipped=list(skipped),
        spelled=rows.spelled,
        notes=[*report.notes, *(f"{doubt.what} {doubt.fix}" for doubt in rows.doubts), *notes],
    )


def not_done(report: IngestReport) -> IngestReport:
    """The report of a dry run."""
    return replace(report, summary=f"Nothing was written, this is a dry run. {report.summary}")


def nothing_written(
    name: str, snapshot: str, schema: Mapping[str, str], why: str, skipped: Sequence[str] = ()
) -> IngestReport:
    """The report of an ingest without anything new. snapshot: the one that has the rows. schema:
    the columns of the dataset with their short types.
    """
    return IngestReport(
        dataset=name,
        rows_written=0,
        quarantined=0,
        snapshot=snapshot,
        columns=list(schema),
        schema=schema,
        summary=f"Nothing was written: {why}",
        skipped=skipped,
    )


def said_of_skipped(skipped: Mapping[str, str]) -> str:
    """Which files are in the dataset already."""
    path, snapshot = next(iter(skipped.items()))
    return (
        f"{path} is already in it (snapshot {snapshot})"
        if len(skipped) == 1
        else f"{len(skipped):,} files are already in it, such as {path} (snapshot {snapshot})"
    )


def _summary(
    report: IngestReport, read: int, quarantine: Quarantine, skipped: Mapping[str, str]
) -> str:
    parts = []
    if quarantine.rows:
        first = min(quarantine.rows, key=lambda row: (row.file, row.line))
        parts.append(
            f"{len(quarantine.rows):,} of {read:,} rows do not fit and are in quarantine, the first"
            f" in line {first.line} of {first.file.rpartition('/')[2]}: {quarantine.told(first)}"
        )
    parts += report.rules_failed
    if skipped:
        parts.append(said_of_skipped(skipped))
    written = report.rows_written
    if not written and read > len(quarantine.rows):  # an upsert: any other mode writes them
        return "; ".join([*parts, "nothing is written, all rows are in it already as they are"])
    updated = f", {report.rows_updated:,} of them in place of others" if report.rows_updated else ""
    said = "1 row is written" if written == 1 else f"{written:,} rows are written"
    return "; ".join([*parts, f"{said}{updated}"])
