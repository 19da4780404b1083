"""One SELECT over the tables of the catalog."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...core.display import encodable
from ...core.errors import BadRequest, Forbidden, MLInfraError, NotFound, Unprocessable
from . import words
from .answers import Found, Input, framed
from .engine import Limits, answer, bounded, engine, lock, register
from .guarding import uses_tokens
from .masking import Masking

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb
    import polars as pl

    from ..tables import ReadTable

_NO_VALUE = re.compile(r"Values were not provided for .*parameters: (\w+)")
_LARGE_PART = 4
"""A table of more than this part of the memory is read in parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is asked. parameters: values of `$name`. limit: most rows; None for all. show: of a
    table's masked columns, those whose values are not in the answer; what it lets through, it
    records.
    """

    text: str
    parameters: Mapping[str, Any]
    limit: int | None
    limits: Limits
    find: Callable[[words.Named], ReadTable | None]
    hidden: Callable[[ReadTable, Sequence[str]], Collection[str]]


def run(query: Query) -> Found:
    """Answer it. Raises BadRequest for anything but one SELECT and for SQL that DuckDB does not
    know, NotFound for a table that the catalog does not have, Forbidden for what would need the
    values of a masked column, Unprocessable for a query that fails on its rows, Unavailable when
    its time is over.
    """
    import duckdb

    _check_text(query)
    tokens = words.tokens(query.text)
    words.check_select(tokens)
    masking = Masking()
    with engine(query.limits) as connection:
        try:
            with bounded(connection, query.limits.seconds):
                text, tables = _prepared(connection, query, tokens, masking)
                lock(connection)
                _check_one_select(connection, text)
                if masking.used and uses_tokens(connection, text, query.parameters, masking.field):
                    raise _needs_values()
                found, kinds = answer(
                    connection, text, query.parameters, query.limit, query.limits.memory_mib
                )
        except (duckdb.Error, OSError) as error:
            raise _explained(error, masking) from None
    frame, masked = masking.hidden(framed(found, kinds))
    more = query.limit is not None and frame.height > query.limit
    return Found(
        frame=frame if query.limit is None else frame.head(query.limit),
        masked=masked,
        more=more,
        snapshots=tables.states,
        text=text,
        inputs=tables.inputs,
    )


def _check_text(query: Query) -> None:
    """Raise BadRequest for what DuckDB does not take as text."""
    values = json.dumps(query.parameters, ensure_ascii=False, skipkeys=True, default=str)
    if encodable(query.text) != query.text or encodable(values) != values:
        raise BadRequest(
            "The query cannot be run.",
            "It, or one of its parameters, has half of a character (a lone surrogate).",
            "Type the character again.",
        )


def _prepared(
    connection: duckdb.DuckDBPyConnection,
    query: Query,
    tokens: Sequence[words.Token],
    masking: Masking,
) -> tuple[str, _Tables]:
    """The query with names that DuckDB takes, and the tables, which it can read now."""
    import duckdb

    tables = _Tables(connection, query, _mentioned(tokens), masking)
    places = [
        (named.start, named.end, tables.name_of(named) + _alias_of(named))
        for named in words.tables(tokens)
        if tables.add(named) and (named.at or named.moment or len(named.parts) > _PLAIN_PARTS)
    ]
    text = words.replaced(query.text, iter(places))
    # Where a table can stand is known best by DuckDB's own parser, which cannot tell it always.
    with contextlib.suppress(duckdb.Error):
        for name in connection.get_table_names(text, qualified=True):
            for named in words.tables(words.tokens(f"FROM {name}")):
                tables.add(named)
    return text, tables


_PLAIN_PARTS = 2


def _alias_of(named: words.Named) -> str:
    """The name by which the query speaks of the columns of a table."""
    return "" if named.alias else f" AS {words.quoted(named.parts[-1])}"


class _Tables:
    """The tables of one query, as views of the engine."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        query: Query,
        mentioned: Callable[[str], bool],
        masking: Masking,
    ) -> None:
        self._connection, self._query = connection, query
        self._mentioned, self._masking = mentioned, masking
        self.read: dict[str, ReadTable] = {}
        self.states: dict[str, str | None] = {}
        self.inputs = list[Input]()

    def name_of(self, named: words.Named) -> str:
        """Its name in the engine."""
        schema, table = self._place(named)
        return f"{words.quoted(schema)}.{words.quoted(table)}"

    @staticmethod
    def _place(named: words.Named) -> tuple[str, str]:
        state = named.at or named.moment
        table = f"{named.parts[-1]}@{state}" if state else named.parts[-1]
        return ".".join(named.parts[:-1]), table

    def add(self, named: words.Named) -> bool:
        """Make it readable; False if the catalog has no such table."""
        name = self.name_of(named)
        if name in self.read:
            return True
        if (table := self._query.find(named)) is None:
            return False
        with table.explained():
            rows, state = _one_state(table)
            columns = rows.collect_schema().names()
            mentioned = [column for column in columns if self._mentioned(column)]
            personal = set(table.personal(mentioned))
            hidden = set(self._query.hidden(table, mentioned)) & personal
            masked = set(table.personal(columns)) - set(mentioned) | hidden
            size = table.record().bytes
        scan = f"scan {len(self.read)}"
        most = (self._query.limits.memory_mib << 20) // _LARGE_PART
        rows = self._masking.masked(rows, masked, dataset=table.name.text)
        register(self._connection, scan, rows, large=size is None or size > most)
        schema = words.quoted(".".join(named.parts[:-1]))
        self._connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        self._connection.execute(f"CREATE VIEW {name} AS SELECT * FROM {words.quoted(scan)}")  # noqa: S608 (quoted)
        self.read[name] = table
        self.states[table.name.text] = state
        self.inputs.append(
            Input(
                place=self._place(named),
                ref=f"{table.name.ref}@{state}" if state else table.name.ref,
                columns=columns,
                hidden=hidden,
                revealed=personal - hidden,
            )
        )
        return True


def _one_state(table: ReadTable) -> tuple[pl.LazyFrame, str | None]:
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


def _check_one_select(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    import duckdb

    statements = connection.extract_statements(text)
    if len(statements) != 1:
        raise BadRequest(
            "Only one SELECT can be run at a time.",
            f"The query has {len(statements)} statements.",
            "Run them one after the other.",
        )
    if statements[0].type != duckdb.StatementType.SELECT:
        raise BadRequest(
            "Only a SELECT can be run here.",
            f"This is {statements[0].type.name.replace('_', ' ')}.",
            "Datasets change by ingest and write, which check the rows and record lineage.",
        )


def _needs_values() -> Forbidden:
    return Forbidden(
        "The query needs the values of a masked column.",
        "It holds personal data (tag pii). Its values can be counted and grouped, but not be"
        " compared with a given one, matched, made a text or calculated with.",
        "Leave that out, or, if you have that right, show its values: --reveal (in Python"
        " reveal=True).",
    )


def _explained(error: Exception, masking: Masking) -> MLInfraError:
    """What, why and fix of an error of DuckDB."""
    import duckdb

    if masking.is_about(error):
        return _needs_values()
    why = " ".join(str(error).split())[:300].rstrip(".") + "."
    if isinstance(error, duckdb.CatalogException) and "Table with name" in str(error):
        return NotFound(
            "The query reads from a table that the catalog does not have.",
            why,
            "Tables are written NAMESPACE.TABLE; mlinfra catalog list shows them.",
        )
    if isinstance(error, duckdb.PermissionException | OSError):
        return BadRequest(
            "A query reads datasets, and nothing else of this machine.",
            why,
            "Ingest the file: mlinfra catalog ingest FILE --into NAMESPACE.TABLE",
        )
    if found := _NO_VALUE.search(why):
        fix = f"Give it a value: -p {found[1]}=VALUE (in Python parameters={{'{found[1]}': …}})."
        return BadRequest("The query cannot be run.", f"${found[1]} has no value.", fix)
    if isinstance(error, duckdb.OutOfMemoryException):
        return Unprocessable(
            "The query needs more memory than it may take.",
            why,
            "Ask for less, or set more: [catalog] sql_memory_mib.",
        )
    if "ComputeError: parquet:" in why or "JoinError::Panic" in why:
        return Unprocessable(
            "The query cannot be run.",
            f"A data file of a dataset that it reads is damaged ({why})",
            "Which one, and the others without it: mlinfra catalog verify NAMESPACE.TABLE"
            " --quarantine",
        )
    if isinstance(
        error,
        duckdb.ParserException
        | duckdb.BinderException
        | duckdb.CatalogException
        | duckdb.SyntaxException
        | duckdb.InvalidInputException,
    ):
        return BadRequest("The query cannot be run.", why, "Correct the query.")
    return Unprocessable("The query failed.", why, "Correct the query.")
