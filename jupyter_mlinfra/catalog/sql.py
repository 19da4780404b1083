"""SQL over datasets: one SELECT, run by Polars on the newest snapshots of the tables that it
names.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..core.errors import BadRequest, NotFound, Unprocessable
from .names import DatasetName

if TYPE_CHECKING:
    import polars as pl

_TOKEN = re.compile(
    r"""(?P<blank>\s+|--[^\n]*|/\*.*?\*/)|(?P<text>'(?:[^']|'')*')|(?P<quoted>"(?:[^"]|"")*")|(?P<word>[^\W\d]\w*)|(?P<number>\d[\w.]*)|(?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)

# Polars functions that open any file of the machine: read_csv, read_parquet, … The text is
# searched, not its tokens: Polars accepts more forms of quotes and comments than `_TOKEN` does, and
# a name hidden in one of those must not pass. So such a name is refused inside text as well.
_OPENS = re.compile(
    r"""(?<![^\W\d_])(?P<name>(?:read|scan)_\w*)["`]?\s*(?:\(|/\*|--)""", re.IGNORECASE
)


def run(
    query: str, scan: Callable[[DatasetName], pl.LazyFrame], *, limit: int | None
) -> pl.DataFrame:
    """The answer to a SELECT. limit: most rows; None for all.

    Raises BadRequest for anything but one SELECT, for a function that reads files, and for SQL that
    Polars does not support; NotFound for a table that is not a dataset.
    """
    import polars as pl

    tokens = _tokens(query)
    _refuse(query, tokens)
    context = pl.SQLContext(eager=False)
    for name in _tables(tokens):
        # The name may be a column of an alias; Polars itself reports a missing table.
        with contextlib.suppress(NotFound):
            context.register(name.text, scan(name))
    try:
        answer = context.execute(query, eager=False)
        return (answer.head(limit) if limit is not None else answer).collect(engine="streaming")
    except (
        pl.exceptions.SQLInterfaceError,
        pl.exceptions.SQLSyntaxError,
        pl.exceptions.ColumnNotFoundError,
    ) as error:
        if missing := re.search(r"relation '(.*)' was not found", str(error)):
            raise NotFound(
                f"There is no dataset {missing[1]:.100}.",
                "The query reads from it.",
                "Tables are written NAMESPACE.TABLE.",
            ) from error
        raise BadRequest("The query cannot be run.", _why(error), "Correct the query.") from error
    except pl.exceptions.PolarsError as error:
        raise Unprocessable("The query failed.", _why(error), "Correct the query.") from error


def _tokens(query: str) -> list[tuple[str, str]]:
    """(kind, text) of each token; comments and blanks are left out."""
    return [
        (match.lastgroup or "", match.group())
        for match in _TOKEN.finditer(query)
        if match.lastgroup != "blank"
    ]


def _refuse(query: str, tokens: list[tuple[str, str]]) -> None:
    if not tokens or tokens[0][1].lower() not in ("select", "with"):
        raise BadRequest(
            "Only a SELECT can be run here.",
            "Datasets change by ingest and write, which check the rows and record lineage.",
            "Begin the query with SELECT or WITH.",
        )
    if match := _OPENS.search(query):
        raise BadRequest(
            f"{match['name'].lower()} cannot be used here.",
            "A query reads datasets, not files.",
            "Ingest the file: mlinfra catalog ingest FILE --into NAMESPACE.TABLE",
        )


def _tables(tokens: list[tuple[str, str]]) -> list[DatasetName]:
    """Dotted names where a table can stand: after FROM, JOIN or a comma."""
    names: dict[str, DatasetName] = {}
    for index, (_, text) in enumerate(tokens):
        if text.lower() not in ("from", "join", ","):
            continue
        with contextlib.suppress(BadRequest):  # not a dataset's name
            name = DatasetName.parse(_dotted(tokens[index + 1 :]))
            names[name.text] = name
    return list(names.values())


def _dotted(tokens: list[tuple[str, str]]) -> str:
    """The dotted name at the start of the tokens; empty if there is none."""
    parts: list[str] = []
    for (kind, text), (_, sign) in itertools.zip_longest(
        tokens[::2], tokens[1::2], fillvalue=("", "")
    ):
        if kind not in ("word", "quoted"):
            break
        parts.append(_unquoted(text))
        if sign != ".":
            break
    return ".".join(parts)


def _unquoted(text: str) -> str:
    return text[1:-1].replace('""', '"') if text.startswith('"') else text


def _why(error: Exception) -> str:
    return str(error).partition("\n")[0][:300].rstrip(".") + "."
