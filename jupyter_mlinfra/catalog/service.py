"""The verbs of the catalog: the only module that interfaces call."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from ..core.display import number
from ..core.errors import BadRequest, Conflict, MLInfraError, NotFound
from ..core.events import telling
from ..core.lineage import Edge
from ..core.origin import actor
from ..core.records import Page, page_of
from ..core.refs import decoded, reference
from ..core.search import Document, Hit
from . import metadata as records
from .commit import Committed, Mode
from .names import DatasetName
from .profile import TIERS, Tier
from .quarantine import Quarantine
from .reading import Reading, ReadingOptions
from .settings import CatalogSettings
from .snippets import dataset_code
from .spec import (
    Dataset,
    DatasetDetail,
    IngestReport,
    Inspection,
    Profile,
    RowBlock,
    Snapshot,
    Verification,
)
from .store import CatalogEntry, CatalogStore
from .watch import Watch, digest, watched

if TYPE_CHECKING:
    import polars as pl

    from ..core.project import Project
    from .intake import Rows
    from .table import Table

_ATTEMPTS = 3
_MOST_TAGS, _LONGEST_TAG, _LONGEST_NOTE = 50, 100, 10_000


class _ComeFirstError(Exception):
    """A file that was to be ingested is in the dataset by now."""


class Catalog:
    """Datasets of one project: Iceberg tables, named `namespace.table`. Safe to share between
    threads.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._store = CatalogStore(project)

    # -- writing
    # ------------------------------------------------------------

    def ingest(
        self,
        files: Sequence[str | Path],
        *,
        into: str,
        mode: Mode = "append",
        again: bool = False,
        **reading: Unpack[ReadingOptions],
    ) -> IngestReport:
        """Read CSV, Parquet or JSON files into a dataset in one commit, or change nothing.

        mode: append keeps the existing rows; replace replaces them (older snapshots stay readable).
        again: append files again that are already in the dataset; otherwise they are skipped, and
        the report says so. reading: how text is read (see `ReadingOptions`); what is left out is
        guessed. Rows that do not fit go to quarantine, with line and reason, up to `max_bad` of a
        file. Raises NotFound for a missing file, BadRequest for a name or an option that cannot be,
        Conflict for a file that changes while it is read, Unprocessable for one that is empty,
        damaged, in another encoding, without a column that the dataset has, of which too many rows
        do not fit, or whose guessed options are in doubt.
        """
        from .sources import paths_of

        name = _plain(into)
        _check_mode(mode)
        options = _reading(reading)
        self._store.check_writable(name)
        paths = paths_of(files, self._project.root)
        with watched(paths) as watch:
            digests = {path: digest(path) for path in paths}
            for _ in range(_ATTEMPTS):
                known = self._files_in(name) if mode == "append" and not again else {}
                new = [path for path in paths if digests[path] not in known]
                skipped = {
                    self._shown(path): known[digests[path]] for path in paths if path not in new
                }
                if not new:
                    return _nothing(name, skipped, self.show(name.text))
                try:
                    return self._ingest(
                        name,
                        new,
                        options,
                        mode,
                        watch=watch,
                        digests=digests,
                        skipped=skipped,
                        again=again,
                    )
                except _ComeFirstError:
                    # Another ingest brought in a file that was new when this one began.
                    continue
        raise Conflict(
            f"{name.text} was not written.",
            "Other ingests of the same files came first.",
            "Look at the dataset, then try again.",
        )

    def inspect(
        self,
        files: Sequence[str | Path],
        *,
        into: str | None = None,
        mode: Mode = "append",
        **reading: Unpack[ReadingOptions],
    ) -> Inspection:
        """What an ingest of these files would read, judged by the beginning of each; nothing is
        written.

        into, mode: where the rows would go; the types of an existing dataset count. Raises what
        `ingest` does, except doubts and rows that do not fit, which are in the answer.
        """
        from .inspection import inspect
        from .sources import paths_of

        name = _plain(into) if into is not None else None
        _check_mode(mode)
        options = _reading(reading)
        paths = paths_of(files, self._project.root)
        schema, known = self._there(name) if name is not None else (None, {})
        shown = {path: self._shown(path) for path in paths}
        append = mode == "append"
        return inspect(
            shown,
            options,
            name=name.text if name else None,
            schema=schema,
            append=append,
            known=known if append else {},
        )

    def write(
        self,
        frame: pl.DataFrame | pl.LazyFrame,
        *,
        into: str,
        mode: Mode = "append",
        inputs: Sequence[str] = (),
    ) -> IngestReport:
        """Write a frame into a dataset in one commit, or change nothing.

        inputs: references of what the rows were made from, for the lineage. Raises Unprocessable if
        a value or a column does not fit.
        """
        from .intake import FrameRows

        name = _plain(into)
        _check_mode(mode)
        self._store.check_writable(name)
        return self._write(name, FrameRows(frame), mode, list(inputs), Quarantine())

    def tag(self, name: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> Dataset:
        """Add tags to a dataset and remove tags. Adding one twice is not an error."""
        for text in add:
            if not text.strip() or len(text) > _LONGEST_TAG or not text.isprintable():
                raise BadRequest(
                    f"{text[:40]!r} cannot be a tag.",
                    f"A tag is 1 to {_LONGEST_TAG} printable characters.",
                )

        def change(properties: Mapping[str, str]) -> Mapping[str, str]:
            left = [tag for tag in records.tags(properties) if tag not in remove]
            tags = list(dict.fromkeys([*left, *(text.strip() for text in add)]))
            if len(tags) > _MOST_TAGS:
                raise BadRequest(
                    f"{name} would have {len(tags)} tags.",
                    f"A dataset has at most {_MOST_TAGS}.",
                    "Take some off first.",
                )
            return {records.TAGS: json.dumps(tags)}

        return self._change(_plain(name), change)

    def describe(
        self, name: str, *, owner: str | None = None, description: str | None = None
    ) -> Dataset:
        """Set a dataset's owner and description; None keeps the present one."""
        said = {records.OWNER: owner, records.DESCRIPTION: description}
        for text in said.values():
            if text is not None and len(text) > _LONGEST_NOTE:
                raise BadRequest(
                    "The text is too long.",
                    f"It has {len(text):,} characters; {_LONGEST_NOTE:,} are allowed.",
                )
        return self._change(
            _plain(name), lambda _: {key: text for key, text in said.items() if text is not None}
        )

    def delete(self, name: str, *, force: bool = False) -> str:
        """Remove a dataset from the catalog; its files stay in the folder that is returned.

        Raises Conflict if lineage knows something made from it (a view, a run, an existing
        dataset), unless `force`.
        """
        wanted = _plain(name)
        with self._store.lock(wanted), self._store.explained(f"{wanted.text} was not deleted."):
            location = self._store.load(wanted).location()
            if not force and (users := self._made_of(wanted)):
                more = f" and {len(users) - 5} more" if len(users) > 5 else ""
                why = f"Made from it: {', '.join(users[:5])}{more}."
                raise Conflict(
                    f"{wanted.text} is in use.",
                    why,
                    "If they may lose it: --force (in Python force=True).",
                )
            self._store.iceberg.drop_table(wanted.identifier)
        with telling(f"{wanted.text} is deleted"):
            self._project.events.emit("dataset", wanted.ref, {"deleted": True})
        return location

    # -- reading
    # ------------------------------------------------------------

    def list(
        self, *, namespace: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[Dataset]:
        """Datasets by name; `total` counts all of them. Only the metadata of those on the page is
        read.
        """
        page = page_of(self._store.entries(namespace), limit=limit, cursor=cursor)
        return Page(
            items=[self._dataset(entry) for entry in page.items],
            shown=page.shown,
            total=page.total,
            cursor=page.cursor,
        )

    def namespaces(self, *, limit: int = 50, cursor: str | None = None) -> Page[str]:
        """The namespaces that have datasets, by name."""
        return page_of(
            sorted({entry.namespace for entry in self._store.entries()}), limit=limit, cursor=cursor
        )

    def show(self, name: str) -> DatasetDetail:
        """One dataset, at its newest snapshot or, as `ns.table@SNAPSHOT`, at that one. Raises
        NotFound if it does not exist.
        """
        wanted = DatasetName.parse(name)
        metadata = self._store.metadata(self._store.entry(wanted))
        snapshot = records.snapshot_of(wanted, metadata)
        return DatasetDetail(
            dataset=records.dataset(wanted, metadata),
            schema=records.columns(wanted, metadata, self._used_by(wanted)),
            location=metadata["location"],
            snapshots=len(metadata.get("snapshots", [])),
            newer=records.newer(metadata, snapshot),
            code=dataset_code(wanted.text, wanted.at_text),
        )

    def snapshots(self, name: str, *, limit: int = 50, cursor: str | None = None) -> Page[Snapshot]:
        """The commits of a dataset, newest first."""
        wanted = _plain(name)
        return page_of(
            records.snapshots(wanted, self._store.metadata(self._store.entry(wanted))),
            limit=limit,
            cursor=cursor,
        )

    def fingerprint(self, name: str) -> str | None:
        """The newest snapshot, and the columns if they have changed since: differs exactly when the
        rows read may differ.

        None if there is no such dataset, or nothing was written.
        """
        try:
            wanted = DatasetName.parse(name)
            return records.dataset(wanted, self._store.metadata(self._store.entry(wanted))).snapshot
        except (BadRequest, NotFound):
            return None

    def column_ids(self, name: str) -> Mapping[str, int]:
        """Iceberg's own id of each column: it stays when the column is renamed, and differs for a
        new column of an old name.
        """
        wanted = DatasetName.parse(name)
        return {
            field["name"]: field["id"]
            for field in records.fields(wanted, self._store.metadata(self._store.entry(wanted)))
        }

    def preview(
        self,
        name: str,
        *,
        start: int = 0,
        count: int = 100,
        columns: Sequence[str] | None = None,
        snapshot: str | int | None = None,
    ) -> RowBlock:
        """Rows `start` to `start + count` (at most 500) as JSON-safe values, column by column."""
        from .rows import block, height, listed, plain, sayable, scan

        wanted = DatasetName.parse(name)
        if snapshot is not None:
            wanted = wanted.at(snapshot)
        table = self._store.load(wanted)  # once: rows, columns and total must come from one commit
        metadata = self._store.metadata_of(table)
        dataset = records.dataset(wanted, metadata)
        with self._store.explained(f"{wanted.text} cannot be read."):
            rows = scan(table, wanted)
            frame = sayable(block(rows, start=start, count=count, columns=columns))
            total = dataset.rows.value
            if total is None:  # another engine may not record it
                total = height(rows)
        known = {column.name: column for column in records.columns(wanted, metadata)}
        return RowBlock(
            start=start,
            columns=[known[column] for column in frame.columns],
            data=[[plain(value) for value in listed(column)] for column in frame.iter_columns()],
            shown=frame.height,
            total=int(total),
            snapshot=dataset.snapshot,
        )

    def profile(self, name: str, *, tier: Tier = "sample") -> Profile:
        """Statistics of every column, each with its basis.

        tier: footer (file statistics, no rows are read), sample (some rows), exact (all rows).
        Computed once per snapshot.
        """
        from .profile import profile

        if tier not in TIERS:
            raise BadRequest(f"{tier!r} is no tier.", fix=f"Tiers: {', '.join(TIERS)}.")
        wanted = DatasetName.parse(name)
        metadata = self._store.metadata(self._store.entry(wanted))
        dataset = records.dataset(wanted, metadata)
        at = wanted.at(dataset.snapshot) if dataset.snapshot else wanted
        types = {column.name: column.type for column in records.columns(at, metadata)}
        with self._store.explained(f"{wanted.text} cannot be read."):
            size = self._project.settings.of(CatalogSettings).sample_rows
            return profile(
                lambda: self._store.load(wanted),
                dataset,
                types,
                tier=tier,
                sample_rows=size,
                folder=self._project.home / "profiles",
            )

    def verify(
        self, name: str, *, on_progress: Callable[[int, int], None] = lambda *_: None
    ) -> Verification:
        """Read every data file of a dataset, or of one snapshot of it, and compare it with the
        checksum of what was written.

        on_progress: called with bytes read and total bytes.
        """
        from .integrity import verify

        wanted = DatasetName.parse(name)
        table = self._store.load(wanted)
        records.snapshot_of(wanted, self._store.metadata_of(table))
        with self._store.explained(f"{wanted.text} cannot be read."):
            return verify(table, wanted, on_progress=on_progress)

    def dataset(self, name: str) -> Table:
        """The dataset as an object for notebooks. Raises NotFound if it does not exist."""
        from .table import Table

        return Table(self, DatasetName.parse(name))

    def scan(self, name: DatasetName) -> pl.LazyFrame:
        """The rows, lazily; `Table.scan` uses it."""
        from .rows import scan

        return scan(self._store.load(name), name)

    def sql(self, query: str, *, limit: int | None = None) -> pl.DataFrame:
        """The answer to one SELECT over datasets (`FROM flights.departures`). limit: most rows;
        None for all.
        """
        from .sql import run

        return run(query, self.scan, limit=limit)

    def lineage(self, name: str) -> Page[Edge]:
        """What the dataset was made from and what was made from it, at any distance, nearest first:
        at most 200 edges each way.
        """
        wanted = _plain(name)
        # A dataset that does not exist has no lineage; this raises NotFound.
        self._store.metadata(self._store.entry(wanted))
        return self._project.lineage.around(wanted.ref)

    # -- search
    # ------------------------------------------------------------

    def search(self, words: str, *, limit: int = 50, cursor: str | None = None) -> Page[Hit]:
        """Datasets and columns whose name, tags, owner or description hold every word."""
        self._project.index.refresh("catalog", self.search_fingerprint(), self.search_documents)
        return self._project.index.search(
            words, kinds=("dataset", "column"), limit=limit, cursor=cursor
        )

    def search_fingerprint(self) -> str:
        """Changes with every commit and every change of a tag."""
        return self._store.fingerprint()

    def search_documents(self) -> Iterator[Document]:
        """Every dataset and every column. A table whose metadata cannot be read is found by its
        name.
        """
        for entry in self._store.entries():
            try:
                yield from _documents(entry, self._store.metadata(entry))
            except MLInfraError as error:
                yield Document(
                    ref=reference("dataset", entry.name),
                    kind="dataset",
                    name=entry.name,
                    detail=error.what,
                )

    # -- inside
    # ------------------------------------------------------------

    def _ingest(
        self,
        name: DatasetName,
        paths: Sequence[Path],
        options: Reading,
        mode: Mode,
        *,
        watch: Watch,
        digests: Mapping[Path, str],
        skipped: Mapping[str, str],
        again: bool,
    ) -> IngestReport:
        """Ingest files of which none was in the dataset when this began. Raises _ComeFirstError if
        one is by now.
        """
        from .intake import FileRows
        from .sources import open_sources

        def last_look() -> Mapping[str, str]:
            watch.check()
            if (
                mode == "append"
                and not again
                and {digests[path] for path in paths} & set(self._files_in(name))
            ):
                raise _ComeFirstError
            return {records.FILES: json.dumps(sorted({digests[path] for path in paths}))}

        with open_sources(paths, options, self._project.folder("staging")) as sources:
            rows = FileRows(sources, options)
            done = self._write(
                name,
                rows,
                mode,
                [f"file:{self._shown(path)}" for path in paths],
                rows.quarantine,
                more=last_look,
            )
        said = _summary_of(done, rows.read, rows.quarantine, skipped)
        notes = [f"{doubt.what} {doubt.fix}" for doubt in rows.doubts]
        return replace(done, summary=said, skipped=list(skipped), spelled=rows.spelled, notes=notes)

    def _there(
        self, name: DatasetName
    ) -> tuple[Mapping[str, pl.DataType] | None, Mapping[str, str]]:
        """The columns of a dataset and the files in it; None if it does not exist."""
        try:
            return dict(self.scan(name).collect_schema()), self._files_in(name)
        except NotFound:
            return None, {}

    def _files_in(self, name: DatasetName) -> Mapping[str, str]:
        """The snapshots that brought in files, by digest; none for a dataset that does not
        exist.
        """
        try:
            return records.files_in(self._store.metadata(self._store.entry(name)))
        except NotFound:
            return {}

    def _write(
        self,
        name: DatasetName,
        rows: Rows,
        mode: Mode,
        inputs: builtins.list[str],
        quarantine: Quarantine,
        *,
        more: Callable[[], Mapping[str, str]] = dict,
    ) -> IngestReport:
        """Commit rows. more: further properties of the snapshot; called after the last row was
        read, so that an error in it stops the commit.
        """
        from .commit import commit
        from .fate import FateUnknown

        who = actor(self._project)

        def summary() -> Mapping[str, str]:
            found = more()
            quarantine.write(self._project.home / "quarantine" / name.text)
            return {
                records.WRITTEN_BY: who,
                records.QUARANTINED: str(len(quarantine.rows)),
                **found,
            }

        try:
            done = commit(
                self._store, name, rows, mode=mode, owner=self._project.user, summary=summary
            )
        except FateUnknown:
            raise  # the rows may have landed, and the rows set aside belong to them
        except BaseException:
            quarantine.discard()
            raise
        self._tell(name, done, who, inputs, quarantined=len(quarantine.rows))
        where = str(quarantine.path) if quarantine.path else None
        return IngestReport(
            dataset=name.text,
            rows_written=done.rows,
            quarantined=len(quarantine.rows),
            snapshot=done.snapshot,
            quarantine=where,
            columns=done.columns,
        )

    def _tell(
        self,
        name: DatasetName,
        done: Committed,
        who: str,
        inputs: builtins.list[str],
        *,
        quarantined: int,
    ) -> None:
        """Event and lineage of a commit. The rows are in: an error here is logged, never reported
        as a failed write.
        """
        facts = {"rows": done.rows, "quarantined": quarantined}
        with telling(f"{name.text} is written (snapshot {done.snapshot})"):
            self._project.lineage.record(
                who, inputs=inputs, outputs=[f"{name.ref}@{done.snapshot}"], facts=facts
            )
            self._project.events.emit("dataset", name.ref, {"snapshot": done.snapshot, **facts})

    def _change(
        self, name: DatasetName, change: Callable[[Mapping[str, str]], Mapping[str, str]]
    ) -> Dataset:
        """Set properties of a table; the lock keeps two changes at once from losing one."""
        with self._store.lock(name), self._store.explained(f"{name.text} was not changed."):
            table = self._store.load(name)
            properties = change(table.properties)
            if properties:
                with table.transaction() as transaction:
                    transaction.set_properties(dict(properties))
        with telling(f"{name.text} is changed"):
            self._project.events.emit("dataset", name.ref, {"changed": sorted(properties)})
        return records.dataset(name, self._store.metadata(self._store.entry(name)))

    def _dataset(self, entry: CatalogEntry) -> Dataset:
        name = DatasetName(entry.namespace, entry.table)
        try:
            DatasetName.parse(entry.name)
            return records.dataset(name, self._store.metadata(entry))
        # One damaged table, or one with a name that only other clients accept, must not hide the
        # others.
        except MLInfraError as error:
            return records.unreadable(name, error.what)

    def _made_of(self, name: DatasetName) -> builtins.list[str]:
        """What was made from a dataset; datasets that no longer exist do not count."""
        outputs = (
            edge.output.partition("@")[0]
            for edge in self._project.lineage.edges()
            if edge.input.partition("@")[0] == name.ref
        )
        there = {reference("dataset", entry.name) for entry in self._store.entries()}
        return [
            ref
            for ref in dict.fromkeys(outputs)
            if ref != name.ref and (ref in there or not ref.startswith("dataset:"))
        ]

    def _used_by(self, name: DatasetName) -> Mapping[str, Sequence[str]]:
        """By column: what lineage says was made from it, as `column:…` or as a feature of the same
        name.
        """
        found: dict[str, dict[str, None]] = {}
        for edge in self._project.lineage.edges():
            source = edge.input.partition("@")[0]
            owner, _, column = source.removeprefix("column:").rpartition(".")
            if source.startswith("column:") and owner == name.text:
                found.setdefault(decoded(column), {})[edge.output] = None
            elif source == name.ref and edge.output.startswith("feature:"):
                found.setdefault(decoded(edge.output.rpartition(":")[2]), {})[edge.output] = None
        return {column: tuple(refs) for column, refs in found.items()}

    def _shown(self, path: Path) -> str:
        full = path.resolve()
        return str(
            full.relative_to(self._project.root)
            if full.is_relative_to(self._project.root)
            else full
        )


def _plain(text: str) -> DatasetName:
    """A name without a snapshot, for verbs that change a dataset or concern all its snapshots."""
    name = DatasetName.parse(text)
    if name.snapshot is not None:
        raise BadRequest(
            f"{text} names one snapshot.",
            "This verb is about the whole dataset.",
            f"Write {name.text}.",
        )
    return name


def _reading(options: ReadingOptions) -> Reading:
    """Raises BadRequest for a value that cannot be."""
    from .conform import check_zone
    from .spelling import check_date_format

    if unknown := sorted(options.keys() - ReadingOptions.__annotations__.keys()):
        raise BadRequest(
            f"{unknown[0]!r} is not a reading option.",
            fix=f"Options: {', '.join(ReadingOptions.__annotations__)}.",
        )
    reading = Reading(**options)  # type: ignore[arg-type]  # None for types is read as none
    check_zone(reading.time_zone)
    check_date_format(reading.date_format)
    return reading


def _summary_of(
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
    return "; ".join([*parts, f"{report.rows_written:,} rows are written"])


def _skipped(skipped: Mapping[str, str]) -> str:
    path, snapshot = next(iter(skipped.items()))
    return (
        f"{path} is already in it (snapshot {snapshot})"
        if len(skipped) == 1
        else f"{len(skipped):,} files are already in it, such as {path} (snapshot {snapshot})"
    )


def _nothing(name: DatasetName, skipped: Mapping[str, str], detail: DatasetDetail) -> IngestReport:
    """The report of an ingest without anything new."""
    said = (
        f"Nothing was written: {_skipped(skipped)}; --again (in Python again=True) adds the rows"
        " once more"
    )
    columns = [column.name for column in detail.schema]
    snapshot = next(iter(skipped.values()))
    return IngestReport(
        dataset=name.text,
        rows_written=0,
        quarantined=0,
        snapshot=snapshot,
        columns=columns,
        summary=said,
        skipped=list(skipped),
    )


def _check_mode(mode: str) -> None:
    if mode not in ("append", "replace"):
        raise BadRequest(f"{mode!r} is no mode.", fix="Modes: append, replace.")


def _documents(entry: CatalogEntry, metadata: Mapping[str, Any]) -> Iterator[Document]:
    name = DatasetName(entry.namespace, entry.table)
    dataset, columns = records.dataset(name, metadata), records.columns(name, metadata)
    text = " ".join(
        [*(column.name for column in columns), *dataset.tags, dataset.owner, dataset.description]
    )
    yield Document(
        ref=name.ref,
        kind="dataset",
        name=name.text,
        text=text,
        detail=f"{number(dataset.rows)} rows, {dataset.columns} columns",
    )
    for column in columns:
        yield Document(
            ref=reference("column", name.text, column.name),
            kind="column",
            name=column.name,
            text=column.doc,
            detail=f"{column.type} · {name.text}",
        )
