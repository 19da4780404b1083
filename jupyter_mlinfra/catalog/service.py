"""The verbs of the catalog: the only room that a face calls."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from .spec import Dataset, DatasetDetail, IngestReport, Profile, RowBlock, Snapshot
from .store import Entry, Store

if TYPE_CHECKING:
    import polars as pl

    from ..core.project import Project
    from .intake import Rows
    from .table import Table

_MOST_TAGS, _LONGEST_TAG, _LONGEST_NOTE = 50, 100, 10_000


class Catalog:
    """Datasets of one project: Iceberg tables, named `namespace.table`. Safe to share between threads."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._store = Store(project)

    # -- writing -------------------------------------------------------------------------------------------------------------------

    def ingest(
        self,
        files: Sequence[str | Path],
        *,
        into: str,
        mode: Mode = "append",
        encoding: str = "utf-8",
        null_values: Sequence[str] = (),
        time_zone: str | None = None,
        types: Mapping[str, str] | None = None,
    ) -> IngestReport:
        """Read CSV, Parquet or JSON files into a dataset in one commit, or change nothing.

        mode: append keeps the rows that are there; replace puts these in their place (older snapshots stay readable).
        null_values: words that mean a missing value in every column. time_zone: where times without a zone were read.
        types: short type words for columns of text that are not to be guessed ({"flight": "str"}).
        Rows that do not fit go to quarantine, with line and reason. Raises NotFound for a missing file, BadRequest for a name or an option
        that cannot be, Unprocessable for a file that is empty, damaged, in another encoding, or without a column that the dataset has.
        """
        from .conform import check_zone
        from .intake import FileRows
        from .sources import Reading, open_sources, paths_of

        name = _plain(into)
        _check_mode(mode)
        check_zone(time_zone)
        self._store.check_writable(name)
        reading = Reading(encoding=encoding, null_values=tuple(null_values), time_zone=time_zone, types=types or {})
        paths = paths_of(files, self._project.root)
        with open_sources(paths, reading, self._project.folder("staging")) as sources:
            rows = FileRows(sources, reading)
            return self._write(name, rows, mode, [f"file:{self._shown(path)}" for path in paths], rows.quarantine)

    def write(self, frame: pl.DataFrame | pl.LazyFrame, *, into: str, mode: Mode = "append", inputs: Sequence[str] = ()) -> IngestReport:
        """Write a frame into a dataset in one commit, or change nothing.

        inputs: references of what the rows were made from, for the lineage. Raises Unprocessable when a value or a column does not fit.
        """
        from .intake import FrameRows

        name = _plain(into)
        _check_mode(mode)
        self._store.check_writable(name)
        return self._write(name, FrameRows(frame), mode, list(inputs), Quarantine())

    def tag(self, name: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> Dataset:
        """Put tags on a dataset and take tags off; both at once, and adding one twice is no error."""
        for text in add:
            if not text.strip() or len(text) > _LONGEST_TAG or not text.isprintable():
                raise BadRequest(f"{text[:40]!r} cannot be a tag.", f"A tag is 1 to {_LONGEST_TAG} printable characters.")

        def change(properties: Mapping[str, str]) -> Mapping[str, str]:
            left = [tag for tag in records.tags(properties) if tag not in remove]
            tags = list(dict.fromkeys([*left, *(text.strip() for text in add)]))
            if len(tags) > _MOST_TAGS:
                raise BadRequest(f"{name} would have {len(tags)} tags.", f"A dataset has at most {_MOST_TAGS}.", "Take some off first.")
            return {records.TAGS: json.dumps(tags)}

        return self._change(_plain(name), change)

    def describe(self, name: str, *, owner: str | None = None, description: str | None = None) -> Dataset:
        """Say who answers for a dataset and what it is; None leaves what stands there."""
        said = {records.OWNER: owner, records.DESCRIPTION: description}
        for text in said.values():
            if text is not None and len(text) > _LONGEST_NOTE:
                raise BadRequest("The text is too long.", f"It has {len(text):,} characters; {_LONGEST_NOTE:,} are allowed.")
        return self._change(_plain(name), lambda _: {key: text for key, text in said.items() if text is not None})

    def delete(self, name: str, *, force: bool = False) -> str:
        """Take a dataset out of the catalog; its files stay where they are, in the folder that is answered.

        Raises Conflict when lineage knows of what was made from it (a view, a run, a dataset that is there), unless `force`.
        """
        wanted = _plain(name)
        with self._store.lock(wanted), self._store.explained(f"{wanted.text} was not deleted."):
            location = self._store.load(wanted).location()
            if not force and (users := self._made_of(wanted)):
                why = f"Made from it: {', '.join(users[:5])}{f' and {len(users) - 5} more' if len(users) > 5 else ''}."
                raise Conflict(f"{wanted.text} is in use.", why, "If they may lose it: --force (in Python force=True).")
            self._store.iceberg.drop_table(wanted.identifier)
        with telling(f"{wanted.text} is deleted"):
            self._project.events.emit("dataset", wanted.ref, {"deleted": True})
        return location

    # -- reading -------------------------------------------------------------------------------------------------------------------

    def list(self, *, namespace: str | None = None, limit: int = 50, cursor: str | None = None) -> Page[Dataset]:
        """Datasets by name; `total` counts all of them. Only the metadata of those on the page is read."""
        page = page_of(self._store.entries(namespace), limit=limit, cursor=cursor)
        return Page(items=[self._dataset(entry) for entry in page.items], shown=page.shown, total=page.total, cursor=page.cursor)

    def namespaces(self, *, limit: int = 50, cursor: str | None = None) -> Page[str]:
        """The namespaces that have datasets, by name."""
        return page_of(sorted({entry.namespace for entry in self._store.entries()}), limit=limit, cursor=cursor)

    def show(self, name: str) -> DatasetDetail:
        """One dataset, at its newest snapshot or, as `ns.table@SNAPSHOT`, at that one. Raises NotFound when there is none."""
        wanted = DatasetName.parse(name)
        metadata = self._store.metadata(self._store.entry(wanted))
        snapshot = records.snapshot_of(wanted, metadata)
        return DatasetDetail(
            dataset=records.dataset(wanted, metadata),
            schema=records.columns(wanted, metadata, self._used_by(wanted)),
            location=metadata["location"],
            snapshots=len(metadata.get("snapshots", [])),
            newer=records.newer(metadata, snapshot),
            code=records.code(wanted),
        )

    def snapshots(self, name: str, *, limit: int = 50, cursor: str | None = None) -> Page[Snapshot]:
        """The commits of a dataset, newest first."""
        wanted = _plain(name)
        return page_of(records.snapshots(wanted, self._store.metadata(self._store.entry(wanted))), limit=limit, cursor=cursor)

    def fingerprint(self, name: str) -> str | None:
        """The newest snapshot, and the columns where they have changed since: changes exactly when what is read may have.

        None when there is no such dataset, or nothing was written.
        """
        try:
            wanted = DatasetName.parse(name)
            return records.dataset(wanted, self._store.metadata(self._store.entry(wanted))).snapshot
        except (BadRequest, NotFound):
            return None

    def column_ids(self, name: str) -> Mapping[str, int]:
        """Iceberg's own number of each column, which stays when the column is renamed, and is a new one for another column of an old name."""
        wanted = DatasetName.parse(name)
        return {field["name"]: field["id"] for field in records.fields(wanted, self._store.metadata(self._store.entry(wanted)))}

    def preview(self, name: str, *, start: int = 0, count: int = 100, columns: Sequence[str] | None = None, snapshot: str | int | None = None) -> RowBlock:
        """Rows `start` to `start + count` (at most 500) as JSON-safe values, column by column."""
        from .rows import block, height, plain, scan

        wanted = DatasetName.parse(name)
        if snapshot is not None:
            wanted = wanted.at(snapshot)
        table = self._store.load(wanted)  # once: rows, columns and total must be of one commit
        metadata = self._store.metadata_of(table)
        dataset = records.dataset(wanted, metadata)
        with self._store.explained(f"{wanted.text} cannot be read."):
            rows = scan(table, wanted)
            frame = block(rows, start=start, count=count, columns=columns)
            total = dataset.rows.value
            if total is None:  # another engine need not tell it
                total = height(rows)
        known = {column.name: column for column in records.columns(wanted, metadata)}
        return RowBlock(
            start=start,
            columns=[known[column] for column in frame.columns],
            data=[[plain(value) for value in column.to_list()] for column in frame.iter_columns()],
            shown=frame.height,
            total=int(total),
            snapshot=dataset.snapshot,
        )

    def profile(self, name: str, *, tier: Tier = "sample") -> Profile:
        """Statistics of every column, each with its basis.

        tier: footer (what the files know, nothing is read), sample (some rows), exact (all rows). Reckoned once for a snapshot.
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
            size = self._project.settings.catalog.sample_rows
            return profile(lambda: self._store.load(wanted), dataset, types, tier=tier, sample_rows=size, folder=self._project.home / "profiles")

    def dataset(self, name: str) -> Table:
        """The dataset as an object for notebooks. Raises NotFound when there is none."""
        from .table import Table

        return Table(self, DatasetName.parse(name))

    def scan(self, name: DatasetName) -> pl.LazyFrame:
        """The rows, lazily; the door of `Table.scan`."""
        from .rows import scan

        return scan(self._store.load(name), name)

    def sql(self, query: str, *, limit: int | None = None) -> pl.DataFrame:
        """The answer to one SELECT over datasets (`FROM flights.departures`). limit: rows at most; None for all."""
        from .sql import run

        return run(query, self.scan, limit=limit)

    def lineage(self, name: str) -> Page[Edge]:
        """What the dataset was made from and what was made from it, at any distance: at most 200 edges each way, the near ones first."""
        wanted = _plain(name)
        self._store.metadata(self._store.entry(wanted))  # a dataset that does not exist has no lineage
        return self._project.lineage.around(wanted.ref)

    # -- search --------------------------------------------------------------------------------------------------------------------

    def search(self, words: str, *, limit: int = 50, cursor: str | None = None) -> Page[Hit]:
        """Datasets and columns whose name, tags, owner or description hold every word."""
        self._project.index.refresh("catalog", self.search_fingerprint(), self.search_documents)
        return self._project.index.search(words, kinds=("dataset", "column"), limit=limit, cursor=cursor)

    def search_fingerprint(self) -> str:
        """Changes with every commit and every change of a tag."""
        return self._store.fingerprint()

    def search_documents(self) -> Iterator[Document]:
        """Every dataset and every column. A table whose metadata cannot be read is found by its name."""
        for entry in self._store.entries():
            try:
                yield from _documents(entry, self._store.metadata(entry))
            except MLInfraError as error:
                yield Document(ref=reference("dataset", entry.name), kind="dataset", name=entry.name, detail=error.what)

    # -- inside --------------------------------------------------------------------------------------------------------------------

    def _write(self, name: DatasetName, rows: Rows, mode: Mode, inputs: builtins.list[str], quarantine: Quarantine) -> IngestReport:
        from .commit import commit

        who = actor(self._project)

        def summary() -> Mapping[str, str]:
            quarantine.write(self._project.home / "quarantine" / name.text)
            return {records.WRITTEN_BY: who, records.QUARANTINED: str(len(quarantine.rows))}

        try:
            done = commit(self._store, name, rows, mode=mode, owner=self._project.user, summary=summary)
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

    def _tell(self, name: DatasetName, done: Committed, who: str, inputs: builtins.list[str], *, quarantined: int) -> None:
        """Event and lineage of a commit. The rows are in: what fails here is logged, never reported as a failed write."""
        facts = {"rows": done.rows, "quarantined": quarantined}
        with telling(f"{name.text} is written (snapshot {done.snapshot})"):
            self._project.lineage.record(who, inputs=inputs, outputs=[f"{name.ref}@{done.snapshot}"], facts=facts)
            self._project.events.emit("dataset", name.ref, {"snapshot": done.snapshot, **facts})

    def _change(self, name: DatasetName, change: Callable[[Mapping[str, str]], Mapping[str, str]]) -> Dataset:
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

    def _dataset(self, entry: Entry) -> Dataset:
        name = DatasetName(entry.namespace, entry.table)
        try:
            return records.dataset(name, self._store.metadata(entry))
        except MLInfraError as error:  # one damaged table must not hide the others
            return records.unreadable(name, error.what)

    def _made_of(self, name: DatasetName) -> builtins.list[str]:
        """What was made of a dataset; a dataset that is gone itself does not count."""
        outputs = (edge.output.partition("@")[0] for edge in self._project.lineage.edges() if edge.input.partition("@")[0] == name.ref)
        there = {reference("dataset", entry.name) for entry in self._store.entries()}
        return [ref for ref in dict.fromkeys(outputs) if ref != name.ref and (ref in there or not ref.startswith("dataset:"))]

    def _used_by(self, name: DatasetName) -> Mapping[str, Sequence[str]]:
        """By column: what lineage says was made of it, as `column:…` or as a feature of the same name."""
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
        return str(full.relative_to(self._project.root) if full.is_relative_to(self._project.root) else full)


def _plain(text: str) -> DatasetName:
    """A name without a snapshot: a verb that changes a dataset, or speaks of all its snapshots, means the dataset itself."""
    name = DatasetName.parse(text)
    if name.snapshot is not None:
        raise BadRequest(f"{text} names one snapshot.", "This verb is about the whole dataset.", f"Write {name.text}.")
    return name


def _check_mode(mode: str) -> None:
    if mode not in ("append", "replace"):
        raise BadRequest(f"{mode!r} is no mode.", fix="Modes: append, replace.")


def _documents(entry: Entry, metadata: Mapping[str, Any]) -> Iterator[Document]:
    name = DatasetName(entry.namespace, entry.table)
    dataset, columns = records.dataset(name, metadata), records.columns(name, metadata)
    text = " ".join([*(column.name for column in columns), *dataset.tags, dataset.owner, dataset.description])
    yield Document(ref=name.ref, kind="dataset", name=name.text, text=text, detail=f"{number(dataset.rows)} rows, {dataset.columns} columns")
    for column in columns:
        yield Document(ref=reference("column", name.text, column.name), kind="column", name=column.name, text=column.doc, detail=f"{column.type} · {name.text}")
