"""One SELECT over the tables of the catalog."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from ...core.display import encodable
from ...core.errors import BadRequest
from . import words
from .answers import Found, framed
from .engine import answer, bounded, engine, lock
from .explaining import explained, needs_values
from .guarding import uses_tokens
from .views import Query, Views

if TYPE_CHECKING:
    import duckdb


def run(query: Query) -> Found:
    """Answer it. Raises BadRequest for anything but one SELECT and for SQL that DuckDB does not
    know, NotFound for a table that the catalog does not have, Forbidden for what would need the
    values of a masked column, Unprocessable for a query that fails on its rows, Unavailable when
    its time is over.
    """
    import duckdb

    _check_text(query)
    _check_parameters(query)
    tokens = words.tokens(query.text)
    words.check_select(tokens)
    with engine(query.limits) as connection:
        views = Views(connection, query, tokens)
        masking = views.masking
        try:
            with bounded(connection, query.limits.seconds):
                text = views.prepared()
                lock(connection)
                check_one_select(connection, text)
                if masking.used and uses_tokens(connection, text, query.parameters, masking.field):
                    raise needs_values()
                found, kinds = answer(
                    connection, text, query.parameters, query.limit, query.limits.memory_mib
                )
                total = _rows(connection, query, text, found.num_rows) if query.counted else None
        except (duckdb.Error, OSError) as error:
            raise explained(error, views) from None
    names = [views.spelled.plain(name) for name in found.schema.names]
    frame, masked = masking.hidden(
        views.spelled.answered(framed(found.rename_columns(names), kinds))
    )
    more = query.limit is not None and frame.height > query.limit
    return Found(
        frame=frame if query.limit is None else frame.head(query.limit),
        masked=masked,
        more=more,
        total=total,
        snapshots=views.states,
        text=text,
        inputs=views.inputs,
        spelled=views.spelled,
    )


def _rows(connection: duckdb.DuckDBPyConnection, query: Query, text: str, found: int) -> int:
    """How many rows the whole answer has. found: those that were read."""
    if query.limit is None or found <= query.limit:
        return found
    relation = connection.sql(text, params=dict(query.parameters) or None)
    return int(relation.count("*").fetchall()[0][0])


def _check_text(query: Query) -> None:
    """Raise BadRequest for what DuckDB does not take as text."""
    values = json.dumps(query.parameters, ensure_ascii=False, skipkeys=True, default=str)
    if encodable(query.text) != query.text or encodable(values) != values:
        raise BadRequest(
            "The query cannot be run.",
            "It, or one of its parameters, has half of a character (a lone surrogate).",
            "Type the character again.",
        )


def _check_parameters(query: Query) -> None:
    """Raise BadRequest for a value that the query has no place for."""
    for name in query.parameters:
        if not re.search(rf"\${re.escape(str(name))}(?!\w)", query.text, re.IGNORECASE):
            raise BadRequest(
                f"The query has no ${name}, for which a value is given.",
                f"Between double quotes a shell puts the value of its own variable {name} there,"
                " or nothing.",
                f"Write ${name} where the value belongs; in a terminal, put the query between"
                " single quotes.",
            )


def check_one_select(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    """Raise BadRequest for what is not one SELECT, duckdb.ParserException for what is no SQL."""
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
