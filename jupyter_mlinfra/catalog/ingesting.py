"""Files into a dataset: which of them are new, how they are read, and what is reported."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import BadRequest, Conflict, NotFound
from . import metadata as records
from .change import WriteMode
from .conform import check_zone
from .inspection import inspect
from .intake import FileRows
from .names import DatasetName
from .quarantine import Quarantine
from .reading import Reading, ReadingOptions
from .rows import scan
from .sources import open_sources, paths_of
from .spec import IngestReport, Inspection
from .spelling import check_date_format
from .store import CatalogStore
from .watch import Watch, digest, watched
from .writing import Writer

if TYPE_CHECKING:
    import polars as pl

    from ..core.project import Project

_ATTEMPTS = 3


class _AlreadyInError(Exception):
    """Another ingest has meanwhile added a file that was new when this one started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _NewFiles:
    """The files of an ingest that are not in the dataset yet. digests: of these files. skipped: by
    path as it is shown, the snapshot that added the file.
    """

    paths: Sequence[Path]
    digests: frozenset[str]
    skipped: Mapping[str, str]


class Ingesting:
    """Ingests and inspections of one project."""

    def __init__(self, project: Project, store: CatalogStore, writer: Writer) -> None:
        self._project, self._store, self._writer = project, store, writer

    def ingest(
        self,
        files: Sequence[str | Path],
        name: DatasetName,
        mode: WriteMode,
        reading: ReadingOptions,
        *,
        again: bool,
        key: Sequence[str] = (),
    ) -> IngestReport:
        """See `Catalog.ingest`."""
        options = _checked(reading)
        self._store.check_writable(name)
        paths = paths_of(files, self._project.root)
        with watched(paths) as watch:
            digests = {path: digest(path) for path in paths}
            for _ in range(_ATTEMPTS):
                existing = self._files_in(name) if mode != "replace" and not again else {}
                new = self._new_files(paths, digests, existing)
                if not new.paths:
                    return self._nothing_new(name, new.skipped)
                try:
                    return self._ingest(name, new, options, mode, watch=watch, again=again, key=key)
                except _AlreadyInError:
                    continue
        raise Conflict(
            f"{name.text} was not written.",
            "Other ingests of the same files came first.",
            "Look at the dataset, then try again.",
        )

    def inspect(
        self,
        files: Sequence[str | Path],
        name: DatasetName | None,
        mode: WriteMode,
        reading: ReadingOptions,
    ) -> Inspection:
        """See `Catalog.inspect`."""
        options = _checked(reading)
        paths = paths_of(files, self._project.root)
        schema = self._schema(name) if name is not None else None
        append = mode != "replace"
        existing = self._files_in(name) if name is not None and append else {}
        return inspect(
            {path: self._shown(path) for path in paths},
            options,
            name=name.text if name else None,
            schema=schema,
            append=append,
            existing=existing,
        )

    def _ingest(
        self,
        name: DatasetName,
        files: _NewFiles,
        options: Reading,
        mode: WriteMode,
        *,
        watch: Watch,
        again: bool,
        key: Sequence[str],
    ) -> IngestReport:
        """Ingest files of which none was in the dataset when this began. Raises _AlreadyInError if
        one is by now.
        """
        once = files.digests if mode != "replace" and not again else frozenset[str]()

        def stale(metadata: records.Metadata) -> bool:
            return bool(once and once & records.files_in(metadata).keys())

        def last_check() -> Mapping[str, str]:
            watch.check()
            if once and once & self._files_in(name).keys():
                raise _AlreadyInError
            return {records.FILES: json.dumps(sorted(files.digests))}

        with open_sources(files.paths, options, self._project.folder("staging")) as sources:
            rows = FileRows(sources, options)
            report = self._writer.write(
                name,
                rows,
                mode,
                [f"file:{self._shown(path)}" for path in files.paths],
                rows.quarantine,
                key=key,
                properties=last_check,
                stale=stale,
            )
        return replace(
            report,
            summary=_summary(report, rows.read, rows.quarantine, files.skipped),
            skipped=list(files.skipped),
            spelled=rows.spelled,
            notes=[*report.notes, *(f"{doubt.what} {doubt.fix}" for doubt in rows.doubts)],
        )

    def _new_files(
        self, paths: Sequence[Path], digests: Mapping[Path, str], existing: Mapping[str, str]
    ) -> _NewFiles:
        new = [path for path in paths if digests[path] not in existing]
        return _NewFiles(
            paths=new,
            digests=frozenset(digests[path] for path in new),
            skipped={
                self._shown(path): existing[value]
                for path, value in digests.items()
                if value in existing
            },
        )

    def _nothing_new(self, name: DatasetName, skipped: Mapping[str, str]) -> IngestReport:
        """The report of an ingest without anything new."""
        metadata = self._store.metadata(self._store.entry(name))
        return IngestReport(
            dataset=name.text,
            rows_written=0,
            quarantined=0,
            snapshot=next(iter(skipped.values())),
            columns=[column.name for column in records.columns(name, metadata)],
            summary=(
                f"Nothing was written: {_skipped(skipped)}; --again (in Python again=True) adds the"
                " rows once more"
            ),
            skipped=list(skipped),
        )

    def _schema(self, name: DatasetName) -> Mapping[str, pl.DataType] | None:
        """The columns of a dataset; None if it does not exist."""
        try:
            return dict(scan(self._store.load(name), name).collect_schema())
        except NotFound:
            return None

    def _files_in(self, name: DatasetName) -> Mapping[str, str]:
        """The snapshots that added files, by digest; none if the dataset does not exist."""
        try:
            return records.files_in(self._store.metadata(self._store.entry(name)))
        except NotFound:
            return {}

    def _shown(self, path: Path) -> str:
        full = path.resolve()
        return str(
            full.relative_to(self._project.root)
            if full.is_relative_to(self._project.root)
            else full
        )


def _checked(options: ReadingOptions) -> Reading:
    """Raises BadRequest for an impossible value."""
    if unknown := sorted(options.keys() - ReadingOptions.__annotations__.keys()):
        raise BadRequest(
            f"{unknown[0]!r} is not a reading option.",
            fix=f"Options: {', '.join(ReadingOptions.__annotations__)}.",
        )
    reading = Reading(**options)  # type: ignore[arg-type]  # None for types is read as none
    check_zone(reading.time_zone)
    check_date_format(reading.date_format)
    return reading


def _summary(
    report: IngestReport, read: int, quarantine: Quarantine, skipped: Mapping[str, str]
) -> str:
    """One line that begins with what was left out."""
    parts = []
    if quarantine.rows:
        first = min(quarantine.rows, key=lambda row: (row.file, row.line))
        parts.append(
            f"{len(quarantine.rows):,} of {read:,} rows do not fit and are in quarantine, the first"
            f" in line {first.line} of {first.file}: {first.reason}"
        )
    if skipped:
        parts.append(_skipped(skipped))
    updated = f", {report.rows_updated:,} of them in place of others" if report.rows_updated else ""
    return "; ".join([*parts, f"{report.rows_written:,} rows are written{updated}"])


def _skipped(skipped: Mapping[str, str]) -> str:
    path, snapshot = next(iter(skipped.items()))
    return (
        f"{path} is already in it (snapshot {snapshot})"
        if len(skipped) == 1
        else f"{len(skipped):,} files are already in it, such as {path} (snapshot {snapshot})"
    )
