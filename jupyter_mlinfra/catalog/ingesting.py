"""Files into a dataset: which of them are new, how they are read, and what is reported."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import BadRequest, Conflict, NotFound
from . import metadata as records
from .change import WriteMode
from .conform import Target, check_zone
from .databases.urls import DatabaseTable, database_table, is_database
from .formats.packed import content_size, packed_size
from .fromfiles import columns_of
from .hive import Values, part_of_table, unread
from .inspection import LOOKED_AT, inspect
from .intake import FileRows
from .names import DatasetName
from .places import Given, given
from .progress import Meter, OnProgress
from .quality.ingest import Guarding
from .reading import Reading, ReadingOptions
from .reporting import completed, not_done, nothing_written, said_of_skipped
from .rows import scan
from .settings import CatalogSettings
from .sources import open_sources, part_of, paths_of
from .spec import IngestReport, Inspection
from .spelling import check_date_format
from .store import CatalogStore
from .trial import trial
from .uuids import UUID
from .watch import Watch, digest, watched
from .writing import Writer

if TYPE_CHECKING:
    from pyiceberg.table import Table

    from ..core.project import Project

_ATTEMPTS = 3


class _AlreadyInError(Exception):
    """Another ingest has meanwhile added a file that was new when this one started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _NewFiles:
    """The files of an ingest that are not in the dataset yet. digests: of these files. marks: of
    those that are objects. shown: as users know them. inputs: the same for the lineage. skipped: by
    path as it is shown, the snapshot that added the file. values: those of a file's folders.
    """

    paths: Sequence[Path]
    digests: frozenset[str]
    marks: frozenset[str]
    shown: Sequence[str]
    inputs: Sequence[str]
    skipped: Mapping[str, str]
    notes: Sequence[str]
    values: Callable[[Path], Values]


class Ingesting:
    """Ingests and inspections of one project."""

    def __init__(self, project: Project, store: CatalogStore, writer: Writer) -> None:
        self._project, self._store, self._writer = project, store, writer
        self._guarding = Guarding(project, store)

    def ingest(
        self,
        files: Sequence[str | Path],
        name: DatasetName,
        mode: WriteMode,
        reading: ReadingOptions,
        *,
        again: bool,
        key: Sequence[str] = (),
        cursor: str = "",
        lookback: timedelta | None = None,
        dry_run: bool = False,
        on_progress: OnProgress | None = None,
    ) -> IngestReport:
        """See `Catalog.ingest`."""
        options, meter = self._checked(reading), Meter(on_progress)
        self._store.check_writable(name)
        _check_lookback(lookback, cursor, key)
        if table := self._database_table(files, cursor):
            from .databases.bringing import Bringing

            tried = partial(self._tried, name) if dry_run else None
            bringing = Bringing(self._store, self._writer, table, name, meter, tried)
            return bringing.bring(
                mode, options, key=key, cursor=cursor, lookback=lookback, again=again
            )
        known = self._files_in(name) if mode == "append" and not again else {}
        with given(
            files,
            self._store,
            root=self._project.root,
            scratch=partial(self._project.folder, "staging"),
            known=known,
            sheet=options.sheet,
            meter=meter,
        ) as found:
            return self._ingest_new(
                found, name, mode, options, again=again, key=key, dry_run=dry_run, meter=meter
            )

    def _ingest_new(
        self,
        found: Given,
        name: DatasetName,
        mode: WriteMode,
        options: Reading,
        *,
        again: bool,
        key: Sequence[str],
        dry_run: bool,
        meter: Meter,
    ) -> IngestReport:
        """Ingest the files that are not in the dataset yet, or say what would come."""
        if found.skipped and not found.files:
            return self._nothing_new(name, found.skipped, found.notes())
        paths = paths_of(found.files, self._project.root)
        with watched(paths) as watch:
            meter.begin("checking", sum(map(content_size, paths)))
            digests = {
                path: digest(path, _part(path, options, found), passed=meter.passed)
                for path in paths
            }
            for _ in range(_ATTEMPTS):
                existing = self._brought(name, mode, key, digests, found) if not again else {}
                new = self._new_files(paths, digests, existing, found)
                if not new.paths:
                    return self._nothing_new(name, new.skipped, new.notes)
                if dry_run:
                    return self._trial(name, new, options, mode, key, meter)
                try:
                    return self._ingest(
                        name, new, options, mode, watch=watch, again=again, key=key, meter=meter
                    )
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
        options = self._checked(reading)
        schema = self._schema(name) if name is not None else None
        append = mode != "replace"
        if table := self._database_table(files, ""):
            from .databases.glimpse import inspect_table

            return inspect_table(
                table,
                options,
                name=name.text if name else None,
                schema=schema,
                append=append,
                masked=self._masked(name) if name is not None else (),
            )
        existing = self._files_in(name) if name is not None and append else {}
        with given(
            files,
            self._store,
            root=self._project.root,
            scratch=partial(self._project.folder, "staging"),
            known={},
            sheet=options.sheet,
            meter=Meter(),
            most=LOOKED_AT,
        ) as found:
            paths = paths_of(found.files, self._project.root)
            return inspect(
                {path: found.url(path) or self._shown(path) for path in paths},
                options,
                name=name.text if name else None,
                schema=schema,
                append=append,
                existing=existing,
                masked=self._masked(name) if name is not None else (),
                notes=self._notes(paths, found),
                values=found.values,
                whole=not found.beyond,
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
        meter: Meter,
    ) -> IngestReport:
        """Ingest files of which none was in the dataset when this began. Raises _AlreadyInError if
        one is by now.
        """
        once = files.digests if mode == "append" and not again else frozenset[str]()

        def stale(metadata: records.Metadata) -> bool:
            return bool(once and once & records.files_in(metadata).keys())

        def last_check() -> Mapping[str, str]:
            watch.check()
            if once and once & self._files_in(name).keys():
                raise _AlreadyInError
            brought = {records.FILES: json.dumps(sorted({*files.digests, *files.marks}))}
            return {**brought, records.KEY: json.dumps(list(key))} if key else brought

        scratch = self._project.folder("staging")
        with open_sources(files.paths, options, scratch, files.values) as sources:
            meter.files(sources, [packed_size(path) for path in files.paths])
            rows = FileRows(sources, options, shown=files.shown, meter=meter)
            rows.quarantine.masked = self._masked(name)
            report = self._writer.write(
                name,
                rows,
                mode,
                files.inputs,
                rows.quarantine,
                key=key,
                properties=last_check,
                stale=stale,
                columns=columns_of(sources, files.inputs),
            )
        return completed(report, rows, files.skipped, files.notes)

    def _database_table(self, files: Sequence[str | Path], cursor: str) -> DatabaseTable | None:
        """The table that the rows come from; None if they come from files. Raises BadRequest if
        both are named.
        """
        tables = [file for file in files if is_database(file)]
        if not tables and cursor:
            raise BadRequest(
                "Files have no cursor.",
                "Of files, those that are new are read; --cursor names a column of a table in a"
                " database.",
                "Leave --cursor out (in Python cursor).",
            )
        if not tables:
            return None
        if len(files) > 1:
            raise BadRequest(
                "A table of a database is ingested by itself.",
                f"{len(files)} sources are named.",
                "Ingest them one after the other.",
            )
        return database_table(str(tables[0]), self._project.root)

    def _trial(
        self,
        name: DatasetName,
        files: _NewFiles,
        options: Reading,
        mode: WriteMode,
        key: Sequence[str],
        meter: Meter,
    ) -> IngestReport:
        """The report of an ingest that is not done."""
        scratch = self._project.folder("staging")
        with open_sources(files.paths, options, scratch, files.values) as sources:
            meter.files(sources, [packed_size(path) for path in files.paths])
            rows = FileRows(sources, options, meter=meter)
            report = self._tried(name, rows, mode, key)
            return not_done(completed(report, rows, files.skipped, files.notes))

    def _tried(
        self, name: DatasetName, rows: FileRows, mode: WriteMode, key: Sequence[str]
    ) -> IngestReport:
        """The counts and columns of an ingest of these rows that is not done."""
        rows.quarantine.masked = self._masked(name)
        table, scratch = self._table(name), self._project.folder("staging")
        with self._guarding.guarding(name, rows, mode, key, kept=False) as guard:
            return trial(name.text, rows, table, mode, key=key, scratch=scratch, guard=guard)

    def _table(self, name: DatasetName) -> Table | None:
        """The table of a dataset; None if it does not exist."""
        try:
            return self._store.load(name)
        except NotFound:
            return None

    def _masked(self, name: DatasetName) -> frozenset[str]:
        """The columns of a dataset that hold personal data; none if it does not exist."""
        try:
            return records.masked(name, self._store.metadata(self._store.entry(name)))
        except NotFound:
            return frozenset()

    def _checked(self, reading: ReadingOptions) -> Reading:
        """The options with the limits of the settings. Raises BadRequest for an impossible one."""
        most = self._project.settings.of(CatalogSettings).json_columns
        return replace(checked(reading), json_columns=most)

    def _new_files(
        self,
        paths: Sequence[Path],
        digests: Mapping[Path, str],
        existing: Mapping[str, str],
        found: Given,
    ) -> _NewFiles:
        new = [path for path in paths if digests[path] not in existing]
        in_it = {path: existing[value] for path, value in digests.items() if value in existing}
        return _NewFiles(
            paths=new,
            digests=frozenset(digests[path] for path in new),
            marks=frozenset(mark for path in new if (mark := found.mark(path))),
            shown=[found.url(path) or self._shown(path) for path in new],
            inputs=[found.url(path) or f"file:{self._shown(path)}" for path in new],
            skipped={
                **{found.url(path) or self._shown(path): at for path, at in in_it.items()},
                **found.skipped,
            },
            notes=self._notes(paths, found),
            values=found.values,
        )

    def _notes(self, paths: Sequence[Path], found: Given) -> list[str]:
        places = {found.url(path) or self._shown(path): found.values(path) for path in paths}
        return [*found.notes(), *unread(places)]

    def _nothing_new(
        self, name: DatasetName, skipped: Mapping[str, str], notes: Sequence[str]
    ) -> IngestReport:
        """The report of an ingest without anything new."""
        metadata = self._store.metadata(self._store.entry(name))
        report = nothing_written(
            name.text,
            next(iter(skipped.values())),
            {column.name: column.type for column in records.columns(name, metadata)},
            f"{said_of_skipped(skipped)}; --again (in Python again=True) adds the rows once more",
            list(skipped),
        )
        return replace(report, notes=notes)

    def _schema(self, name: DatasetName) -> Mapping[str, Target] | None:
        """The columns of a dataset; None if it does not exist."""
        table = self._table(name)
        if table is None:
            return None
        uuids = [field.name for field in table.schema().fields if str(field.field_type) == UUID]
        return {
            column: Target(dtype, is_uuid=column in uuids)
            for column, dtype in scan(table, name).collect_schema().items()
        }

    def _brought(
        self,
        name: DatasetName,
        mode: WriteMode,
        key: Sequence[str],
        digests: Mapping[Path, str],
        found: Given,
    ) -> Mapping[str, str]:
        """The snapshots that brought files whose rows count already, by digest: those of an upsert
        only if the last write was the same, since others may have changed what it wrote.
        """
        if mode == "replace":
            return {}
        if mode == "append":
            return self._files_in(name)
        try:
            last = records.upserted_last(self._store.metadata(self._store.entry(name)), key)
        except NotFound:
            return {}
        return last if last.keys() == {*digests.values(), *found.marks.values()} else {}

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


def _part(path: Path, options: Reading, found: Given) -> str:
    """What of a file is meant, beside its bytes."""
    return part_of(path, options) + part_of_table(found.values(path))


def _check_lookback(lookback: timedelta | None, cursor: str, key: Sequence[str]) -> None:
    """Raise BadRequest for a look back without what it needs."""
    if lookback is None or (cursor and key and lookback > timedelta(0)):
        return
    raise BadRequest(
        "There is no looking back so.",
        "Rows from before the cursor are read again, and are there once by their key.",
        "Name both, and a time: --cursor changed --key id --lookback 1h (in Python cursor=…,"
        " key=[…], lookback=timedelta(hours=1)).",
    )


def checked(options: ReadingOptions) -> Reading:
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
