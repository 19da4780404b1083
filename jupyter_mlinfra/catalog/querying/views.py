"""The tables of a query, as views of the engine."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

from ..uuids import UUID, Uuids, with_text
from . import words
from .answers import Input
from .engine import Limits, register
from .masking import Masking
from .twins import Spellings, check_fields, check_names

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import duckdb
    import polars as pl

    from ..names import DatasetName

_LARGE_PART = 4
"""A table of more than this part of the memory is read in parts."""
_PLAIN_PARTS = 2


class Sized(Protocol):
    @property
    def bytes(self) -> int | None:
        """Of its data files; None if that is not known."""


class Readable(Protocol):
    """What a query asks of a table: a part of `tables.ReadTable`."""

    @property
    def name(self) -> DatasetName:
        """Its name, perhaps with a snapshot."""

    def record(self) -> Sized:
        """How large it is."""

    def state(self) -> str | None:
        """Differs exactly when the rows read may differ."""

    def scan(self) -> pl.LazyFrame:
        """The rows, lazily."""

    def uuids(self) -> Uuids:
        """Those of its columns of which `scan` has the 16 bytes of UUIDs."""

    def personal(self, columns: Sequence[str], /) -> Collection[str]:
        """Those of them that hold personal data."""

    def explained(self) -> AbstractContextManager[None]:
        """Turn what fails while it is read into what, why and fix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is asked. parameters: values of `$name`. limit: most rows; None for all. hidden: of a
    table's masked columns, those whose values are not in the answer; what it lets through, it
    records. home: a table that may be called by its last name alone. counted: whether `Found` says
    how many rows there are beyond the limit.
    """

    text: str
    parameters: Mapping[str, Any]
    limit: int | None
    limits: Limits
    find: Callable[[words.Named], Readable | None]
    hidden: Callable[[Any, Sequence[str]], Collection[str]]
    home: words.Named | None = None
    counted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """One table: its rows, with tokens for what is masked, and how it is read."""

    name: str
    rows: pl.LazyFrame
    schema: Mapping[str, pl.DataType]
    large: bool
    uuids: Collection[str]
    input: Input


class Views:
    """The tables of one query."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, query: Query, tokens: Sequence[words.Token]
    ) -> None:
        self._connection, self._query, self._tokens = connection, query, tokens
        self._may = _mentioned(tokens)
        self.masking = Masking()
        self.spelled = Spellings([])
        self._read: dict[str, _Read] = {}
        self._scans = count()
        self.states: dict[str, str | None] = {}

    @property
    def inputs(self) -> Sequence[Input]:
        """What the query reads."""
        return [read.input for read in self._read.values()]

    def word_near(self, place: str) -> str | None:
        """The word at a place of the query, or before it, that names a column and is a word of SQL.
        place: the text that stands there; empty for the end.
        """
        columns = {name.lower() for read in self._read.values() for name in read.schema}
        keywords = self._keywords()
        after = [token.text for token in self._tokens[1:]] + [""]
        near = (
            token.text
            for token, following in zip(self._tokens, after, strict=True)
            if token.kind == "word"
            and (place in (token.text, following) or (following and place.startswith(following)))
        )
        return next((word for word in near if word.lower() in columns & keywords), None)

    def _keywords(self) -> set[str]:
        found = self._connection.execute("SELECT keyword_name FROM duckdb_keywords()").fetchall()
        return {word for (word,) in found}

    def prepared(self) -> str:
        """The query with names that DuckDB takes, whose tables it can read now."""
        import duckdb

        home = self._query.home
        for named in [*([home] if home else []), *words.tables(self._tokens)]:
            self._add(named)
        text, known = self._made(), len(self._read)
        if home is not None and _name_of(home) in self._read:
            self._connection.execute("SET search_path = $1", [words.quoted(_place(home)[0])])
        # Where a table can stand is known best by DuckDB's own parser, which cannot tell it always.
        with contextlib.suppress(duckdb.Error):
            for name in self._connection.get_table_names(text, qualified=True):
                for named in words.tables(words.tokens(f"FROM {name}")):
                    self._add(named)
        return text if len(self._read) == known else self._made()

    def _made(self) -> str:
        """Make the views, and say what to ask of them."""
        self._check()
        self.spelled = Spellings([(read.name, list(read.schema)) for read in self._read.values()])
        for name, read in self._read.items():
            scan = f"scan {next(self._scans)}"
            numbered = self.spelled.numbered(list(read.schema))
            rows = read.rows.rename(dict(numbered))
            register(self._connection, scan, rows, large=read.large)
            schema = words.quoted(read.input.place[0])
            self._connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            self._connection.execute(
                f"CREATE OR REPLACE VIEW {name} AS SELECT *"  # noqa: S608 (quoted)
                f" {_as_uuids([numbered.get(name, name) for name in read.uuids])}"
                f" FROM {words.quoted(scan)}"
            )
        return words.replaced(self._query.text, iter([*self._states(), *self._names()]))

    def _check(self) -> None:
        """Raise BadRequest for names that the engine would take for one."""
        check_names([(name, read.input.ref) for name, read in self._read.items()])
        check_fields(
            [
                (read.name, {name: read.schema[name] for name in read.schema if self._may(name)})
                for read in self._read.values()
            ],
            self._tokens,
            self._query.parameters,
        )

    def _named(self) -> list[words.Named]:
        return [named for named in words.tables(self._tokens) if _name_of(named) in self._read]

    def _states(self) -> list[tuple[int, int, str]]:
        """The names that DuckDB does not take as they are."""
        return [
            (named.start, named.end, _name_of(named) + _alias_of(named))
            for named in self._named()
            if named.at or named.moment or len(named.parts) > _PLAIN_PARTS
        ]

    def _names(self) -> list[tuple[int, int, str]]:
        """The names of columns that are told apart by case."""
        if not self.spelled.twins:
            return []
        places = self.spelled.places(self._tokens, self._keywords())
        spans = [(named.start, named.end) for named in self._named()]
        return [
            place for place in places if not any(start <= place[0] < end for start, end in spans)
        ]

    def _add(self, named: words.Named) -> None:
        """Read it, if the catalog has such a table."""
        name = _name_of(named)
        if name in self._read or (table := self._query.find(named)) is None:
            return
        with table.explained():
            rows, state = one_state(table)
            schema = rows.collect_schema()
            columns = schema.names()
            mentioned = [column for column in columns if self._may(column)]
            personal = set(table.personal(mentioned))
            hidden = set(self._query.hidden(table, mentioned)) & personal
            masked = set(table.personal(columns)) - set(mentioned) | hidden
            size = table.record().bytes
            uuids = {name: kind for name, kind in table.uuids().items() if name not in masked}
        most = (self._query.limits.memory_mib << 20) // _LARGE_PART
        self.states[table.name.text] = state
        self._read[name] = _Read(
            name=table.name.text,
            rows=self.masking.masked(with_text(rows, uuids), masked, dataset=table.name.text),
            uuids=[name for name, kind in uuids.items() if kind == UUID],
            schema=schema,
            large=size is None or size > most,
            input=Input(
                place=_place(named),
                ref=f"{table.name.ref}@{state}" if state else table.name.ref,
                columns=columns,
                hidden=hidden,
                revealed=personal - hidden,
            ),
        )


def _as_uuids(columns: Collection[str]) -> str:
    """Of the columns of a view, those that DuckDB has as UUIDs."""
    names = [words.quoted(column) for column in columns]
    casts = ", ".join(f"CAST({name} AS UUID) AS {name}" for name in names)
    return f"REPLACE ({casts})" if casts else ""


def _name_of(named: words.Named) -> str:
    """Its name in the engine."""
    schema, table = _place(named)
    return f"{words.quoted(schema)}.{words.quoted(table)}"


def _place(named: words.Named) -> tuple[str, str]:
    state = named.at or named.moment
    table = f"{named.parts[-1]}@{state}" if state else named.parts[-1]
    return ".".join(named.parts[:-1]), table


def _alias_of(named: words.Named) -> str:
    """The name by which the query speaks of the columns of a table."""
    return "" if named.alias else f" AS {words.quoted(named.parts[-1])}"


def one_state(table: Readable) -> tuple[pl.LazyFrame, str | None]:
    """The rows of a table and the state that they are of, while others may write."""
    while True:
        state = table.state()
        rows = table.scan()
        if table.state() == state:
            return rows, state


def _mentioned(tokens: Sequence[words.Token]) -> Callable[[str], bool]:
    """Whether the query may show or use a column of that name: it names it, or asks for all."""
    names = {token.name.lower() for token in tokens if token.kind in ("word", "quoted")}
    all_of_them = words.asks_for_all(tokens)
    return lambda name: all_of_them or name.lower() in names
