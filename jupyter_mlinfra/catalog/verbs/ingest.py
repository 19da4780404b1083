"""The verbs that bring rows in, and those by which others follow them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Unpack, get_args

from ...core.errors import Conflict, Forbidden
from ...core.viewer import Reveal
from ..change import WriteMode
from ..intake import FrameRows
from ..origin import inherited, joined, notes, origin_of
from ..positions import Advance, Position
from ..progress import OnProgress
from ..reading import ReadingOptions
from ..spec import IngestReport, Inspection
from ..ways import no_mode, way_of
from ..writing import Columns
from .base import Verbs, whole

if TYPE_CHECKING:
    import polars as pl

    from ...core.frames import Frame
    from ..names import DatasetName


class IngestVerbs(Verbs):
    """Rows into datasets; a base of `Catalog`."""

    def ingest(
        self,
        files: Sequence[str | Path],
        *,
        into: str,
        mode: WriteMode | None = None,
        key: str | Sequence[str] = (),
        again: bool = False,
        cursor: str = "",
        lookback: timedelta | None = None,
        dry_run: bool = False,
        on_progress: OnProgress | None = None,
        **reading: Unpack[ReadingOptions],
    ) -> IngestReport:
        """Read CSV, Parquet or JSON files, or a table of a database (`postgresql://…#table`,
        `sqlite:///…#table`), into a dataset in one commit, or change nothing.

        mode: append keeps the existing rows; replace replaces them (older snapshots stay readable);
        with upsert, a row takes the place of those with the same `key` (columns), or is added, and
        of rows with equal keys the last one counts. None: upsert with a key, append without. again:
        take files again that are already in the dataset; otherwise they are skipped, and the report
        says so. cursor: a column of the table that grows with every new row (a number, a time):
        only rows that came since the last ingest by it are read. lookback: how long before the
        cursor rows are read again, because they came late or have changed; it needs a key. dry_run:
        read and judge all rows, and write nothing; the report has the columns and counts as they
        would be. on_progress: called with an `IngestProgress` after each block; what it raises, and
        Ctrl-C, ends the ingest, and nothing has changed. reading: how text is read (see
        `ReadingOptions`); what is left out is guessed. Rows that do not fit go to quarantine, with
        line and reason, up to `max_bad` of a file.

        Raises NotFound for a missing file, BadRequest for a name or an option that cannot be, or an
        upsert without a key, Conflict for a file that changes while it is read or where it is not
        certain which rows of a table are new, Unavailable for a database that cannot be reached,
        Unprocessable for a file that is empty, damaged, in another encoding, without a column that
        the dataset has, of which too many rows do not fit, or whose guessed options are in doubt.
        """
        name = self.own(into)
        way, columns = way_of(mode, key)
        return self._ingesting.ingest(
            files,
            name,
            way,
            reading,
            again=again,
            key=columns,
            cursor=cursor,
            lookback=lookback,
            dry_run=dry_run,
            on_progress=on_progress,
        )

    def export_quarantine(self, name: str, file: str | Path, *, reveal: Reveal = True) -> int:
        """Write the rows that did not fit into a dataset to a new file, as they stood in theirs, to
        be mended there; returns how many. name: the dataset, or its table in quarantine.

        reveal: who gets the rows, which is recorded if they are masked. Raises NotFound if there
        are none, Conflict if the file exists, Forbidden if he may not see masked values.
        """
        from ..mending import Mending
        from ..quarantined import quarantine_of, table_name
        from ..quarantined.tables import COLUMNS, QuarantineTables

        dataset = self._mended(name)
        masked = QuarantineTables(self._project).masked(table_name(dataset.text), COLUMNS)
        if masked:
            if not reveal:
                raise Forbidden(
                    f"The rows of {quarantine_of(dataset)} were not exported.",
                    "They have masked values, and the Jupyter server does not allow you to read"
                    " mlinfra:catalog-pii.",
                    "Ask whoever runs the server for that right.",
                )
            self._revealing.record(quarantine_of(dataset), masked, reveal, verb="mend")
        return Mending(self._project, dataset).export(Path(file))

    def mend(
        self,
        name: str,
        file: str | Path,
        *,
        key: str | Sequence[str] = (),
        on_progress: OnProgress | None = None,
        **reading: Unpack[ReadingOptions],
    ) -> IngestReport:
        """Ingest the mended rows of a file that `export_quarantine` wrote, and take those rows out
        of quarantine; what still does not fit is in quarantine again.

        name: as in `export_quarantine`. key, on_progress: as in `ingest`; by default the key is
        that of the ingests from which the rows come, so that rows of an upsert come in by theirs.
        Raises what `ingest` raises, and Conflict for rows of ingests with several keys if none is
        given; then nothing has changed.
        """
        from ..mending import Mending

        dataset = self._mended(name)
        mending = Mending(self._project, dataset)
        ingests = mending.ingests(Path(file))
        report = self.ingest(
            [file],
            into=dataset.text,
            key=key or mending.key(ingests),
            on_progress=on_progress,
            **reading,
        )
        mending.done(Path(file), ingests)
        return report

    def _mended(self, name: str) -> DatasetName:
        """The dataset of a name, which may be that of its table in quarantine. Raises Conflict if
        that has rows of several.
        """
        from ..quarantined import NAMESPACE
        from ..quarantined.tables import QuarantineTables

        asked = whole(name)
        if asked.namespace != NAMESPACE:
            return asked
        found = QuarantineTables(self._project).datasets(asked.table)
        if len(found) > 1:
            raise Conflict(
                f"{asked.text} has rows of several datasets.",
                f"They are those of {' and '.join(found)}.",
                "Name one of these.",
            )
        return whole(found[0]) if found else asked

    def inspect(
        self,
        files: Sequence[str | Path],
        *,
        into: str | None = None,
        mode: WriteMode | None = None,
        in_place: bool = False,
        **reading: Unpack[ReadingOptions],
    ) -> Inspection:
        """What an ingest of these files, or of a table of a database, would read, judged by the
        beginning of each; nothing is written.

        into, mode: where the rows would go; the types of an existing dataset count. in_place: the
        files are to be registered under the name `into`, not ingested; then a Delta table may be
        named, and `exists` says whether the name is taken. Raises what `ingest` does, except doubts
        and rows that do not fit, which are in the answer.
        """
        if mode is not None and mode not in get_args(WriteMode):
            raise no_mode(mode)
        if in_place:
            return self._inspect_in_place(files, whole(into) if into else None, reading)
        name = self.own(into) if into is not None else None
        return self._ingesting.inspect(files, name, mode or "append", reading)

    def _inspect_in_place(
        self,
        files: Sequence[str | Path],
        name: DatasetName | None,
        reading: ReadingOptions,
    ) -> Inspection:
        from ..tables.glimpse import inspect_delta
        from ..tables.placed import place_of

        place = place_of(files[0], self._project, self._store) if len(files) == 1 else None
        found = (
            inspect_delta(place, str(files[0]))
            if place is not None and place.is_delta()
            else self._ingesting.inspect(files, None, "append", reading)
        )
        if name is None:
            return found
        return replace(found, dataset=name.text, exists=self._tables.is_taken(name))

    def write(
        self,
        frame: Frame,
        *,
        into: str,
        mode: WriteMode | None = None,
        key: str | Sequence[str] = (),
        inputs: Sequence[str] = (),
        once: str = "",
        advance: Advance | None = None,
        properties: Mapping[str, str] = MappingProxyType({}),
        personal: Collection[str] = (),
        columns: Columns = MappingProxyType({}),
    ) -> IngestReport:
        """Write a Polars or pandas frame (without its index) into a dataset in one commit, or
        change nothing.

        mode, key: as in `ingest`. inputs: references of what the rows were made from, for the
        lineage; the plan of a lazy frame tells what it scans, and which columns. once: a name of
        these rows; while rows of the same name are in the dataset, nothing is written, and the
        report has their snapshot. So a write may be repeated by who does not know whether it was
        done. advance: with `once`, the position in a stream that these rows bring the dataset to.
        properties: without `once`, what is kept with the snapshot (see `properties`). personal:
        without `once`, columns that are tagged `pii` by the commit itself, so that nobody ever
        reads their values untagged. columns: of columns of the frame, the inputs and their columns
        that they were made of, where the writer knows it.

        Raises BadRequest for an upsert without a key, Unprocessable if a value or a column does not
        fit, and what `advance` raises.
        """
        name = self.own(into)
        way, keys = way_of(mode, key)
        self._store.check_writable(name)
        rows, origin = FrameRows(frame), origin_of(frame, self._project.root)
        made_from, told = joined(inputs, origin), {**origin.columns, **columns}
        passed_on = inherited(self._project, origin)
        if once:
            return self._writer.write_once(
                name,
                rows,
                way,
                made_from,
                once,
                advance,
                key=keys,
                personal=passed_on,
                columns=told,
            )
        report = self._writer.write(
            name,
            rows,
            way,
            made_from,
            rows.quarantine,
            key=keys,
            properties=lambda: properties,
            personal={*personal, *passed_on},
            columns=told,
        )
        return replace(report, notes=[*report.notes, *notes(origin, passed_on)])

    def written(self, name: str, once: str) -> str | None:
        """The snapshot that added the rows of this name (see `write`), if they are in the dataset
        now.
        """
        return self._writer.written(whole(name), once)

    def position(self, name: str, stream: str) -> Position:
        """How far a dataset has got with a stream (see `write`); nowhere if there is no such
        dataset.
        """
        return self._writer.position(whole(name), stream)

    def grown_from(self, name: str, snapshots: Collection[str]) -> str | None:
        """The newest of these snapshots of a dataset (`ns.table`, `ns.table@SNAPSHOT`); None if
        there are none. Raises Conflict if rows were replaced or deleted since, or it is unknown.
        """
        from ..appended import grown_from

        dataset_name = self.named(name)
        metadata = self._store.metadata(self._store.entry(dataset_name))
        return grown_from(dataset_name, metadata, snapshots)

    def appended(self, name: str, since: str) -> pl.LazyFrame:
        """The rows that were added after snapshot `since` (see `grown_from`), lazily. Raises
        Conflict if columns have other names or types since.
        """
        from ..appended import appended

        dataset_name = self.named(name)
        return appended(self._store.load(dataset_name), dataset_name, since)
