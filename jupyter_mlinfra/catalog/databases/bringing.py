"""The rows of a table of a database into a dataset: all of them, or those that are new by a cursor,
each once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from ...core.errors import Conflict, NotFound, Unprocessable
from .. import metadata as records
from ..change import WriteMode
from ..fromfiles import columns_of
from ..intake import FileRows
from ..names import DatasetName
from ..options import refuse_unused
from ..positions import Advance, Advancing, Position
from ..progress import Meter
from ..reading import Reading
from ..reporting import completed, not_done, nothing_written
from ..spec import IngestReport
from .incremental import Window, check_high, check_texts, earlier, known, stream_of
from .reading import Database, TableSource, explained, opened
from .urls import DatabaseTable

if TYPE_CHECKING:
    import polars as pl

    from ..store import CatalogStore
    from ..writing import Writer

    Tried = Callable[[FileRows, WriteMode, Sequence[str]], IngestReport]

_ATTEMPTS = 3


class _OvertakenError(Exception):
    """Another ingest has meanwhile brought rows of the table."""


class _InError(Exception):
    """These rows are in the dataset by now. args: the snapshot that added them."""


@dataclass(frozen=True, slots=True)
class _Terms:
    """What makes an ingest happen once; see `Writer.write`."""

    properties: Callable[[], Mapping[str, str]]
    stale: Callable[[records.Metadata], bool]


@dataclass(frozen=True, slots=True)
class _Way:
    """How rows come in."""

    mode: WriteMode
    key: tuple[str, ...]
    reading: Reading
    _: KW_ONLY
    again: bool
    lookback: timedelta | None = None

    @property
    def follows(self) -> bool:
        """Whether what is in the dataset already counts."""
        return self.mode != "replace" and not self.again


class Bringing:
    """One table into one dataset. tried: judges the rows instead of writing them, in a dry run."""

    def __init__(
        self,
        store: CatalogStore,
        writer: Writer,
        table: DatabaseTable,
        name: DatasetName,
        meter: Meter,
        tried: Tried | None = None,
    ) -> None:
        self._store, self._writer, self._table, self._name = store, writer, table, name
        self._meter, self._tried = meter, tried
        self._mark = f"table:{table.identity}:"

    def bring(
        self,
        mode: WriteMode,
        reading: Reading,
        *,
        key: Sequence[str] = (),
        cursor: str = "",
        lookback: timedelta | None = None,
        again: bool = False,
    ) -> IngestReport:
        """Commit the rows that the dataset does not have. key: columns of an upsert. cursor: the
        column that tells which those are; empty to read all rows, which are then added once as long
        as nobody changes them. lookback: how far before the cursor rows are read again, which needs
        a key. again: add all rows in any case.

        Raises BadRequest for an option that a table does not take, Conflict if it is not certain
        which rows are new.
        """
        refuse_unused(reading, ["database"])
        for _ in range(_ATTEMPTS):
            try:
                with opened(self._table) as database:
                    way = _Way(mode, tuple(key), reading, again=again, lookback=lookback)
                    return self._new(database, way, cursor) if cursor else self._all(database, way)
            except _InError as error:
                return self._nothing(f"{self._table.shown} is already in it (snapshot {error})")
            except _OvertakenError:
                continue
        raise Conflict(
            f"{self._name.text} was not written.",
            "Other ingests of the same table came first.",
            "Look at the dataset, then try again.",
        )

    def _all(self, database: Database, way: _Way) -> IngestReport:
        with explained(self._table):
            count = database.count(None)
        if not count:
            return self._nothing_to_read(way)
        self._meter.table(count)
        source = _Fingerprinted(self._table, database, asked=way.reading.types)
        seen: dict[str, str] = {}

        def properties() -> Mapping[str, str]:
            mark = f"{self._mark}{source.fingerprint}"
            metadata = self._metadata()
            seen.clear()
            seen.update(self._marks(metadata))
            # What an upsert wrote may have got other values since.
            brought = records.upserted_last(metadata, way.key) if way.key else seen
            if way.follows and mark in brought:
                raise _InError(brought[mark])
            self._refuse_rows_of(seen, way)
            return {records.FILES: json.dumps([mark]), **_key(way)}

        def stale(metadata: records.Metadata) -> bool:
            return way.follows and self._marks(metadata) != seen

        return self._write(source, way, _Terms(properties, stale))

    def _new(self, database: Database, way: _Way, cursor: str) -> IngestReport:
        stream = stream_of(self._table, cursor)
        before = self._writer.position(self._name, stream)
        reached = known(self._table, cursor, before, way.key) if way.follows else None
        if reached is None:
            self._refuse_rows_of(self._marks(self._metadata()), way)
        with explained(self._table):
            high, notes = database.newest(cursor), _notes(database, cursor)
            ends = database.ends_by_length(cursor) if isinstance(high, str) else ()
        if high is None:
            return self._nothing_to_read(way, *notes)
        check_high(self._table, cursor, high)
        check_texts(self._table, cursor, str(high), ends)
        low = reached.at if reached else None
        if reached is not None and way.lookback is not None:
            # By their key, rows that are read again are there once, so none has to be known.
            low, reached = earlier(self._table, cursor, low, way.lookback), None
        if low not in (None, high):
            with explained(self._table):
                is_behind = not database.count(Window(self._table, cursor, low, None))
            if is_behind:
                notes.append(
                    f"The latest value of {cursor!r} is {high} now, which is before {low}, the"
                    " last that was read: such rows are gone from the table."
                )
                return self._nothing(f"{self._table.shown} has no new rows", *notes)
        window = Window(self._table, cursor, low, high, reached, keyed=bool(way.key))
        source = TableSource(self._table, database, window, asked=way.reading.types)
        if low == high and not any(frame.height for frame in source.frames()):
            return self._nothing(f"{self._table.shown} has no new rows", *notes)

        def move(now: Position) -> str:
            if way.follows and now != before:
                raise _OvertakenError
            return window.reached().text()

        advancing = Advancing(Advance(stream, move))

        def properties() -> Mapping[str, str]:
            mark = f"{self._mark}{stream}"
            return {records.FILES: json.dumps([mark]), **advancing.properties(self._metadata())}

        report = self._write(source, way, _Terms(properties, advancing.stale))
        return replace(report, notes=[*report.notes, *notes])

    def _write(self, source: TableSource, way: _Way, terms: _Terms) -> IngestReport:
        rows = FileRows([source], as_written(way.reading), meter=self._meter)
        if self._tried is not None:
            report = self._tried(rows, way.mode, way.key)
            terms.properties()  # raises what shows only once the rows are read
            return not_done(completed(report, rows))
        report = self._writer.write(
            self._name,
            rows,
            way.mode,
            [self._table.shown],
            rows.quarantine,
            key=way.key,
            properties=terms.properties,
            stale=terms.stale,
            columns=columns_of([source], [self._table.shown]),
        )
        return completed(report, rows)

    def _refuse_rows_of(self, marks: Mapping[str, str], way: _Way) -> None:
        """Raise Conflict if the dataset has rows of the table, and nobody knows which: an append
        could double them.
        """
        for snapshot in marks.values() if way.follows and not way.key else ():
            raise Conflict(
                f"{self._name.text} has rows of {self._table.shown} already.",
                f"They came with snapshot {snapshot}. The table has other rows now, or they were"
                " chosen in another way.",
                "Ingest all rows with --replace, bring them in by their key with --key COLUMN, or"
                " add all of them once more with --again (in Python mode='replace', mode='upsert'"
                " and key=[…], again=True). For rows that keep coming, always name the same column"
                " with --cursor (in Python cursor=…).",
            )

    def _nothing_to_read(self, way: _Way, *notes: str) -> IngestReport:
        if way.mode != "replace" and self._metadata():
            return self._nothing(f"{self._table.shown} has no rows to read", *notes)
        raise Unprocessable(
            f"{self._table.shown} has no rows to read.",
            " ".join(notes) or "It is empty.",
            "Ingest it when it has some; nothing was changed.",
        )

    def _nothing(self, why: str, *notes: str) -> IngestReport:
        metadata = self._metadata()
        report = nothing_written(
            self._name.text,
            str(metadata["current-snapshot-id"]),
            {column.name: column.type for column in records.columns(self._name, metadata)},
            why,
        )
        return replace(report, notes=notes)

    def _marks(self, metadata: records.Metadata) -> dict[str, str]:
        """The snapshots with rows of the table, by their marks."""
        found = records.files_in(metadata)
        return {mark: found[mark] for mark in found if mark.startswith(self._mark)}

    def _metadata(self) -> records.Metadata:
        """That of the dataset now; empty if there is none."""
        try:
            return self._store.metadata(self._store.entry(self._name))
        except NotFound:
            return {}


def as_written(reading: Reading) -> Reading:
    """How numbers in text are spelled: as databases write them, if nothing else is said."""
    if reading.decimal is None and reading.thousands is None:
        return replace(reading, decimal=".", thousands="")
    return reading


class _Fingerprinted(TableSource):
    """A table, and what tells its rows from others, in whatever order they come."""

    _SEEDS = (1, 2)

    def __init__(self, table: DatabaseTable, database: Database, *, asked: Collection[str]) -> None:
        super().__init__(table, database, asked=asked)
        self._rows, self._sums = 0, [0, 0]

    def frames(self) -> Iterator[pl.DataFrame]:
        self._rows, self._sums = 0, [0, 0]
        for frame in super().frames():
            self._rows += frame.height
            for place, seed in enumerate(self._SEEDS):
                added = int(frame.hash_rows(seed=seed).to_numpy().sum())
                self._sums[place] = (self._sums[place] + added) % 2**64
            yield frame

    @property
    def fingerprint(self) -> str:
        """After `frames`. Another version of Polars may give another one."""
        return f"{self._sums[0]:016x}{self._sums[1]:016x}.{self._rows}"


def _key(way: _Way) -> dict[str, str]:
    return {records.KEY: json.dumps(list(way.key))} if way.key else {}


def _notes(database: Database, cursor: str) -> list[str]:
    """What is said of rows that no cursor reaches."""
    count = database.missing(cursor)
    rows = "1 row has" if count == 1 else f"{count:,} rows have"
    return [f"{rows} no value in {cursor!r} and cannot come in by it."] if count else []
