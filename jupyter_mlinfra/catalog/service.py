"""The verbs of the catalog: the only module that interfaces call."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from ..core.errors import BadRequest, Conflict, MLInfraError, NotFound
from ..core.events import telling
from ..core.lineage import Edge
from ..core.records import Page, page_of
from ..core.search import Document, Hit
from . import metadata as records
from . import search
from .change import Mode
from .derived import DomainTable, table_of_domain, tables_of_domains
from .ingesting import Ingesting
from .intake import FrameRows
from .labels import check_tags, with_tags, with_texts
from .names import DatasetName
from .positions import Advance, Position
from .profile import TIERS, Tier
from .quarantine import Quarantine
from .reading import ReadingOptions
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
from .uses import made_from, used_by
from .writing import Writer

if TYPE_CHECKING:
    import polars as pl

    from ..core.frames import Frame
    from ..core.project import Project
    from .table import Table


class Catalog:
    """Datasets of one project: Iceberg tables, named `namespace.table`. Safe to share between
    threads.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._store = CatalogStore(project)
        self._writer = Writer(project, self._store)
        self._ingesting = Ingesting(project, self._store, self._writer)

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
        name = self.own(into)
        _check_mode(mode)
        return self._ingesting.ingest(files, name, mode, reading, again=again)

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
        name = self.own(into) if into is not None else None
        _check_mode(mode)
        return self._ingesting.inspect(files, name, mode, reading)

    def write(
        self,
        frame: Frame,
        *,
        into: str,
        mode: Mode = "append",
        inputs: Sequence[str] = (),
        key: str = "",
        advance: Advance | None = None,
    ) -> IngestReport:
        """Write a Polars or pandas frame (without its index) into a dataset in one commit, or
        change nothing.

        inputs: references of what the rows were made from, for the lineage. key: names these rows;
        while rows with the same key are in the dataset, nothing is written, and the report has
        their snapshot. So a write may be repeated by who does not know whether it was done.
        advance: with a key, the position in a stream that these rows bring the dataset to. Raises
        Unprocessable if a value or a column does not fit, and what `advance` raises.
        """
        name = self.own(into)
        _check_mode(mode)
        self._store.check_writable(name)
        rows = FrameRows(frame)
        if key:
            return self._writer.write_once(name, rows, mode, list(inputs), key, advance)
        return self._writer.write(name, rows, mode, list(inputs), Quarantine())

    def written(self, name: str, key: str) -> str | None:
        """The snapshot that added the rows with this key (see `write`), if they are in the dataset
        now.
        """
        return self._writer.written(_plain(name), key)

    def position(self, name: str, stream: str) -> Position:
        """How far a dataset has got with a stream (see `write`); nowhere if there is no such
        dataset.
        """
        return self._writer.position(_plain(name), stream)

    def grown_from(self, name: str, snapshots: Collection[str]) -> str | None:
        """The newest of these snapshots of a dataset (`ns.table`, `ns.table@SNAPSHOT`); None if
        there are none. Raises Conflict if rows were replaced or deleted since, or it is unknown.
        """
        from .appended import grown_from

        dataset_name = DatasetName.parse(name)
        metadata = self._store.metadata(self._store.entry(dataset_name))
        return grown_from(dataset_name, metadata, snapshots)

    def appended(self, name: str, since: str) -> pl.LazyFrame:
        """The rows that were added after snapshot `since` (see `grown_from`), lazily. Raises
        Conflict if columns have other names or types since.
        """
        from .appended import appended

        dataset_name = DatasetName.parse(name)
        return appended(self._store.load(dataset_name), dataset_name, since)

    def tag(self, name: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> Dataset:
        """Add tags to a dataset and remove tags. Adding one twice is not an error."""
        check_tags(add)
        return self._change(
            self.own(name), lambda properties: with_tags(name, properties, add=add, remove=remove)
        )

    def describe(
        self, name: str, *, owner: str | None = None, description: str | None = None
    ) -> Dataset:
        """Set a dataset's owner and description; None keeps the present one."""
        texts = with_texts(owner, description)
        return self._change(self.own(name), lambda _: texts)

    def delete(self, name: str, *, force: bool = False) -> str:
        """Remove a dataset from the catalog; its files stay in the folder that is returned.

        Raises Conflict if lineage knows something made from it (a view, a run, an existing
        dataset), unless `force`.
        """
        dataset_name = self.own(name)
        with (
            self._store.lock(dataset_name),
            self._store.explained(f"{dataset_name.text} was not deleted."),
        ):
            location = self._store.load(dataset_name).location()
            if not force and (users := made_from(dataset_name, self._project, self._store)):
                more = f" and {len(users) - 5} more" if len(users) > 5 else ""
                why = f"Made from it: {', '.join(users[:5])}{more}."
                raise Conflict(
                    f"{dataset_name.text} is in use.",
                    why,
                    "If they may lose it: --force (in Python force=True).",
                )
            self._store.iceberg.drop_table(dataset_name.identifier)
        with telling(f"{dataset_name.text} is deleted"):
            self._project.events.emit("dataset", dataset_name.ref, {"deleted": True})
        return location

    def list(
        self,
        *,
        namespace: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
        domains: Collection[str] | None = None,
    ) -> Page[Dataset]:
        """Datasets by name, then the tables of other domains by name; `total` counts all of them.
        Only the metadata of those on the page is read. domains: whose tables; None for those of
        all. A domain that cannot list its tables is named in the page's `note`.
        """
        entries, tables, note = self._listed(namespace, domains)
        listed: Sequence[CatalogEntry | DomainTable] = [*entries, *tables]
        page = page_of(listed, limit=limit, cursor=cursor)
        items = [
            item.record() if isinstance(item, DomainTable) else self._dataset(item)
            for item in page.items
        ]
        return Page(items=items, shown=page.shown, total=page.total, cursor=page.cursor, note=note)

    def namespaces(
        self,
        *,
        limit: int = 50,
        cursor: str | None = None,
        domains: Collection[str] | None = None,
    ) -> Page[str]:
        """The namespaces that have datasets or tables of other domains, by name. domains: as in
        `list`.
        """
        entries, tables, note = self._listed(None, domains)
        names = {entry.namespace for entry in entries} | {item.name.namespace for item in tables}
        return replace(page_of(sorted(names), limit=limit, cursor=cursor), note=note)

    def needs(self, name: str) -> Sequence[str]:
        """The domains that one must be allowed to read to see that table; none for a dataset."""
        table = self._table_of_domain(DatasetName.parse(name))
        return table.needs() if table else ()

    def show(self, name: str) -> DatasetDetail:
        """One dataset, at its newest snapshot or, as `ns.table@SNAPSHOT`, at that one. Raises
        NotFound if it does not exist.
        """
        dataset_name = DatasetName.parse(name)
        if table := self._table_of_domain(dataset_name):
            return table.detail()
        metadata = self._store.metadata(self._store.entry(dataset_name))
        snapshot = records.snapshot_of(dataset_name, metadata)
        return DatasetDetail(
            dataset=records.dataset(dataset_name, metadata),
            schema=records.columns(dataset_name, metadata, used_by(dataset_name, self._project)),
            location=metadata["location"],
            snapshots=len(metadata.get("snapshots", [])),
            newer=records.newer(metadata, snapshot),
            code=dataset_code(dataset_name.text, dataset_name.at_text),
        )

    def snapshots(self, name: str, *, limit: int = 50, cursor: str | None = None) -> Page[Snapshot]:
        """The commits of a dataset, newest first."""
        dataset_name = self.own(name)
        return page_of(
            records.snapshots(dataset_name, self._store.metadata(self._store.entry(dataset_name))),
            limit=limit,
            cursor=cursor,
        )

    def fingerprint(self, name: str) -> str | None:
        """The newest snapshot, and the columns if they have changed since: differs exactly when the
        rows read may differ.

        None if there is no such dataset, or nothing was written.
        """
        try:
            dataset_name = DatasetName.parse(name)
            if table := self._table_of_domain(dataset_name):
                return table.fingerprint()
            return records.dataset(
                dataset_name, self._store.metadata(self._store.entry(dataset_name))
            ).snapshot
        except (BadRequest, NotFound):
            return None

    def column_ids(self, name: str) -> Mapping[str, int]:
        """Iceberg's own id of each column: it stays when the column is renamed, and differs for a
        new column of an old name.
        """
        dataset_name = DatasetName.parse(name)
        return {
            field["name"]: field["id"]
            for field in records.fields(
                dataset_name, self._store.metadata(self._store.entry(dataset_name))
            )
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
        from .rows import block, height, plain, python_values, scan, with_odd_times_as_text

        dataset_name = DatasetName.parse(name)
        if snapshot is not None:
            dataset_name = dataset_name.at(snapshot)
        if derived := self._table_of_domain(dataset_name):
            return derived.block(start=start, count=count, columns=columns)
        table = self._store.load(
            dataset_name
        )  # once: rows, columns and total must come from one commit
        metadata = self._store.metadata_of(table)
        dataset = records.dataset(dataset_name, metadata)
        with self._store.explained(f"{dataset_name.text} cannot be read."):
            rows = scan(table, dataset_name)
            frame = with_odd_times_as_text(block(rows, start=start, count=count, columns=columns))
            total = dataset.rows.value
            if total is None:  # another engine may not record it
                total = height(rows)
        columns_by_name = {
            column.name: column for column in records.columns(dataset_name, metadata)
        }
        return RowBlock(
            start=start,
            columns=[columns_by_name[column] for column in frame.columns],
            data=[
                [plain(value) for value in python_values(column)] for column in frame.iter_columns()
            ],
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
            raise BadRequest(f"{tier!r} is not a tier.", fix=f"Tiers: {', '.join(TIERS)}.")
        dataset_name = DatasetName.parse(name)
        size = self._project.settings.of(CatalogSettings).sample_rows
        if table := self._table_of_domain(dataset_name):
            return table.profile(tier, size)
        metadata = self._store.metadata(self._store.entry(dataset_name))
        dataset = records.dataset(dataset_name, metadata)
        at = dataset_name.at(dataset.snapshot) if dataset.snapshot else dataset_name
        types = {column.name: column.type for column in records.columns(at, metadata)}
        with self._store.explained(f"{dataset_name.text} cannot be read."):
            return profile(
                lambda: self._store.load(dataset_name),
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

        dataset_name = DatasetName.parse(name)
        if derived := self._table_of_domain(dataset_name):
            raise derived.refused()
        table = self._store.load(dataset_name)
        records.snapshot_of(dataset_name, self._store.metadata_of(table))
        with self._store.explained(f"{dataset_name.text} cannot be read."):
            return verify(table, dataset_name, on_progress=on_progress)

    def dataset(self, name: str) -> Table:
        """The dataset as an object for notebooks. Raises NotFound if it does not exist."""
        from .table import Table

        return Table(self, DatasetName.parse(name))

    def scan(self, name: DatasetName) -> pl.LazyFrame:
        """The rows, lazily; `Table.scan` uses it."""
        from .rows import scan

        if table := self._table_of_domain(name):
            return table.scan()
        return scan(self._store.load(name), name)

    def sql(self, query: str, *, limit: int | None = None) -> pl.DataFrame:
        """The answer to one SELECT over datasets (`FROM flights.departures`), and over the tables
        that other domains have (`FROM monitoring.flights_series`). limit: most rows; None for all.
        """
        from .sql import run

        return run(query, self.scan, limit=limit)

    def lineage(self, name: str) -> Page[Edge]:
        """What the dataset was made from and what was made from it, at any distance, nearest first:
        at most 200 edges each way.
        """
        dataset_name = self.own(name)
        # A dataset that does not exist has no lineage; this raises NotFound.
        self._store.metadata(self._store.entry(dataset_name))
        return self._project.lineage.around(dataset_name.ref)

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
        return search.documents(self._store)

    def own(self, text: str) -> DatasetName:
        """A name without a snapshot, for verbs that only datasets have. Raises Conflict if it is a
        table of another domain.
        """
        name = _plain(text)
        if table := self._table_of_domain(name):
            raise table.refused()
        return name

    def _table_of_domain(self, name: DatasetName) -> DomainTable | None:
        """The table of another domain, unless a dataset has the same name."""
        table = table_of_domain(self._project, name)
        return None if table and self._store.has(name) else table

    def _listed(
        self, namespace: str | None, domains: Collection[str] | None
    ) -> tuple[Sequence[CatalogEntry], Sequence[DomainTable], str]:
        """Datasets, tables of other domains, and which domains cannot list theirs."""
        entries = self._store.entries(namespace)
        names = {entry.name for entry in entries}
        tables, note = tables_of_domains(self._project, domains)
        kept = [
            table
            for table in tables
            if namespace in (None, table.name.namespace) and table.name.text not in names
        ]
        return entries, kept, note

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
            name.check()
            return records.dataset(name, self._store.metadata(entry))
        # One damaged table, or one with a name that only other clients accept, must not hide the
        # others.
        except MLInfraError as error:
            return records.unreadable(name, f"{error.what} {error.why}".strip())


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


def _check_mode(mode: str) -> None:
    if mode not in ("append", "replace"):
        raise BadRequest(f"{mode!r} is not a mode.", fix="Modes: append, replace.")
