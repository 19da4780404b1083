"""What, why and fix of what the engine refuses."""

from __future__ import annotations

import re

from ...core.errors import BadRequest, Forbidden, MLInfraError, NotFound, Unprocessable
from ...core.files import without_values
from .views import Views
from .words import quoted

_NEAR = re.compile(r'syntax error at (?:or near "([^"]*)"|end of input)')
_OF_FILES = "ComputeError: parquet:", "JoinError::Panic", "FileNotFoundError:"
"""What Polars says of a data file, through DuckDB."""
_NO_VALUE = re.compile(r"Values were not provided for .*parameters: (\w+)")


def needs_values() -> Forbidden:
    """The refusal of what would need the values of a masked column."""
    return Forbidden(
        "The query needs the values of a masked column.",
        "It holds personal data (tag pii). Its values can be counted and grouped, but not be"
        " compared with a given one, matched, made a text or calculated with.",
        "Leave that out, or, if you have that right, show its values: --reveal (in Python"
        " reveal=True).",
    )


def explained(error: Exception, views: Views) -> MLInfraError:
    """What, why and fix of an error of DuckDB."""
    import duckdb

    if views.masking.is_about(error):
        return needs_values()
    said = without_values(views.spelled.plain(str(error)))
    why = " ".join(said.split())[:300].rstrip(".") + "."
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
    if empty := _NO_VALUE.search(why):
        fix = f"Give it a value: -p {empty[1]}=VALUE (in Python parameters={{'{empty[1]}': …}})."
        return BadRequest("The query cannot be run.", f"${empty[1]} has no value.", fix)
    if isinstance(error, duckdb.OutOfMemoryException):
        return Unprocessable(
            "The query needs more memory than it may take.",
            why,
            "Ask for less, or set more: [catalog] sql_memory_mib.",
        )
    if found := _of_a_file(why):
        return found
    if isinstance(
        error,
        duckdb.ParserException
        | duckdb.BinderException
        | duckdb.CatalogException
        | duckdb.SyntaxException
        | duckdb.InvalidInputException,
    ):
        return BadRequest("The query cannot be run.", *_correction(why, views))
    return Unprocessable("The query failed.", why, "Correct the query.")


def _of_a_file(why: str) -> Unprocessable | None:
    """The error for a data file that cannot be read; None for another fault."""
    if "ComputeError: parquet: Not yet supported" in why:
        return Unprocessable(
            "The query cannot be run.",
            f"A file that is read in place has an encoding that Polars does not read ({why})",
            "Ingest the file, or write it again: mlinfra catalog ingest FILE --into"
            " NAMESPACE.TABLE",
        )
    if any(word in why for word in _OF_FILES):
        return Unprocessable(
            "The query cannot be run.",
            f"A data file of a dataset that it reads is damaged or missing ({why})",
            "Which one, and the others without it: mlinfra catalog verify NAMESPACE.TABLE"
            " --quarantine",
        )
    return None


def _correction(why: str, views: Views) -> tuple[str, str]:
    """Why a query cannot be run, and what to write instead."""
    if views.spelled.twins:
        return (
            f"{why} {views.spelled.why}",
            "Write each name as its dataset does; one that is a word of SQL too in double quotes.",
        )
    near = _NEAR.search(why)
    if near and (word := views.word_near(near[1] or "")):
        return (
            f"{why} {word} is a column here, and a word of SQL.",
            f"Write it in double quotes: {quoted(word)}.",
        )
    if "does not support time travel" in why:
        return why, (
            "Write the snapshot or the time as it is: FOR VERSION AS OF 123, or FOR TIMESTAMP AS OF"
            " '2026-03-01 12:00'."
        )
    return why, "Correct the query."
