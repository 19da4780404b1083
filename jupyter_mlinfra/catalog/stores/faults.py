"""Errors of a catalog, its database or its storage as what, why and fix, without secrets."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from ...core.errors import MLInfraError, Unavailable, Unprocessable
from ...core.files import explain_os_error, without_values
from ...core.http import proxy_advice
from ...core.passwords import HIDDEN, password_in
from ...core.secrets import is_reference, resolve
from ...core.sqlite import fix_of, holder_said, is_busy, sqlite_error
from ..drivers import missing_driver
from ..formats.columns import first_line
from ..settings import CatalogSettings
from .embedded import Embedded
from .patience import is_lock
from .refusals import refusal

_LOCKED = (
    "Another client of PostgreSQL holds its tables, and did not let go in time.",
    "See who: SELECT pid, usename, query FROM pg_stat_activity WHERE state <> 'idle'; end it with"
    " SELECT pg_terminate_backend(PID), then try again.",
)


_METADATA = re.compile(r"validation errors? for TableMetadata\w*\n(\S+)\n  (.+?) \[type=")


class Faults:
    """What is said about the errors of one catalog."""

    def __init__(self, settings: CatalogSettings, embedded: Embedded) -> None:
        self._settings, self._embedded = settings, embedded

    @contextlib.contextmanager
    def explained(self, what: str) -> Iterator[None]:
        """Turn errors of the catalog, its database or its storage into what, why and fix, without
        secrets.
        """
        try:
            yield
        except MLInfraError:
            raise
        except BaseException as error:
            if _about_a_file(error):
                name = what.partition(" ")[0]
                raise Unprocessable(
                    what,
                    f"One of its data files is damaged ({first_line(error)}).",
                    "Which one, and the others without it: mlinfra catalog verify"
                    f" {name if '.' in name else 'NAMESPACE.TABLE'} --quarantine",
                ) from error
            if found := _METADATA.search(str(error)):
                raise Unprocessable(what, *_of_metadata(found)) from error
            if _about_values(error):
                why = f"{type(error).__name__}: {self._without_secrets(first_line(error))}."
                raise Unprocessable(what, why, _fix_of_values(error)) from error
            if not isinstance(error, Exception):
                raise
            if isinstance(error, ValueError) and "equality deletes" in str(error):
                raise Unprocessable(
                    what,
                    "Another engine deleted rows of it by their values (equality deletes).",
                    "Its rows can be read, and others appended. For anything else, rewrite its"
                    " files (compaction) with that engine.",
                ) from error
            if known := self._known(error, what):
                raise known from error
            if not _from_library(error):
                raise
            if isinstance(error, OSError) and error.errno:
                raise explain_os_error(error, what) from error
            why = self._without_secrets(str(error).partition("\n")[0])
            proxied, fix = self._proxy_advice()
            raise Unavailable(
                what,
                f"{proxied} {type(error).__name__}: {why}".strip()[:500],
                fix or "Look at [catalog] in mlinfra.toml, at the disk and at the network.",
            ) from error

    def _known(self, error: Exception, what: str) -> MLInfraError | None:
        """The error for a database that is held, a store that refuses, or a missing package."""
        if (cause := sqlite_error(error)) and (fix := fix_of(cause)):
            file = self._sqlite_file()
            held = holder_said(file) if file and is_busy(cause) else ""
            return Unavailable(what, f"{file or 'SQLite'}: {cause}. {held}".strip(), fix)
        if is_lock(getattr(error, "orig", None)):
            return Unavailable(what, *_LOCKED)
        return missing_driver(error, what) or refusal(error, what, what.partition(" ")[0])

    def _sqlite_file(self) -> Path | None:
        """Of a catalog that is one; None for another."""
        if self._embedded.is_used:
            return self._embedded.file
        from sqlalchemy.engine import make_url

        uri = resolve(self._settings.uri or self._settings.properties.get("uri", ""))
        uri = uri.removeprefix("sql+")
        found = make_url(uri).database if uri.startswith("sqlite") else None
        return Path(found) if found else None

    def _proxy_advice(self) -> tuple[str, str]:
        with contextlib.suppress(MLInfraError):  # a secret that is not set
            uri = resolve(self._settings.uri or self._settings.properties.get("uri", ""))
            return proxy_advice(uri)
        return "", ""

    def _without_secrets(self, text: str) -> str:
        text = without_values(text)
        if password := password_in(self._settings.uri):
            text = text.replace(password, HIDDEN).replace(unquote(password), HIDDEN)
        for value in (self._settings.uri, *self._settings.properties.values()):
            if is_reference(value):
                with contextlib.suppress(MLInfraError):
                    text = text.replace(resolve(value) or "\0", "***")
        return text


def _of_metadata(found: re.Match[str]) -> tuple[str, str]:
    """Why pyiceberg does not read the metadata of a table, and what to do."""
    place = re.sub(r"^\d\.", "", found[1])
    if place.endswith(".manifest-list"):
        return (
            "A snapshot names its manifests one by one, as Iceberg's first writers did, and not in"
            " a list.",
            "Write it again with the engine that made it: its next snapshots have lists, and older"
            " ones can expire.",
        )
    return (
        f"Its metadata file is not as pyiceberg reads it: {place}: {found[2]}.",
        "Restore that file from a backup, or delete the dataset and ingest its files again.",
    )


def _fix_of_values(error: BaseException) -> str:
    if "non-nullable field" in str(error):
        return (
            "The field lies within a column of the table, and needs a value in every row: give it"
            " one, or let the owner of the table make it optional."
        )
    return "Look at the column's type and values; the catalog and its storage did answer."


def _about_values(error: BaseException) -> bool:
    """Whether a library's error is about types or values. A panic of Polars is not an Exception,
    and does not end this process.
    """
    library = type(error).__module__.partition(".")[0]
    if library not in {"polars", "pyarrow", "pyiceberg", "pyo3_runtime", "builtins"}:
        return False
    if isinstance(error, UnicodeDecodeError):
        return True
    import polars.exceptions as pl
    import pyarrow as pa
    from pyiceberg.exceptions import ValidationError
    from pyiceberg.io.pyarrow import UnsupportedPyArrowTypeException

    values = (
        pl.PanicException,
        pl.InvalidOperationError,
        pl.SchemaError,
        pl.SchemaFieldNotFoundError,
        pl.OutOfBoundsError,
        pl.DuplicateError,
        pl.ShapeError,
        pa.ArrowInvalid,
        pa.ArrowTypeError,
        pa.ArrowNotImplementedError,
        UnsupportedPyArrowTypeException,
        ValidationError,
    )
    is_cast = isinstance(error, pl.ComputeError) and str(error).startswith("cannot cast")
    return is_cast or isinstance(error, values)


def _about_a_file(error: BaseException) -> bool:
    """Whether Polars found that a Parquet file is none, or not what its footer says; it panics
    where that names a place behind the end.
    """
    if type(error).__module__.partition(".")[0] not in {"polars", "pyo3_runtime"}:
        return False
    import polars.exceptions as pl

    if isinstance(error, pl.PanicException):
        return "JoinError::Panic" in str(error) or "range.end" in str(error)
    return isinstance(error, pl.ComputeError) and str(error).startswith("parquet:")


def _from_library(error: Exception) -> bool:
    """Whether an error comes from the catalog's libraries or the system, not from a bug in this
    code.
    """
    library = type(error).__module__.partition(".")[0]
    return isinstance(error, OSError) or library in {
        "pyiceberg",
        "sqlalchemy",
        "requests",
        "pyarrow",
        "polars",
        "botocore",
        "s3fs",
        "fsspec",
        "adlfs",
        "gcsfs",
    }
