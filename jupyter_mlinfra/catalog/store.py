"""The Iceberg catalog behind the datasets: opened once, cheap to list, with its metadata parsed
directly.

Lists and pages of datasets need only the metadata JSON of each table, so pyiceberg (half a second
to import) is not loaded for them.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from ..core.errors import BadRequest, MLInfraError, NotFound, Unavailable, Unprocessable
from ..core.files import explain_os_error, file_lock
from ..core.http import proxy_advice
from ..core.imports import load_modules
from ..core.passwords import HIDDEN, password_in
from ..core.secrets import is_reference, resolve
from ..core.sqlite import fix_of, sqlite_error
from .drivers import check_account, missing_driver, with_region
from .metadata import checked
from .names import DatasetName
from .parquetfile import first_line
from .settings import CatalogSettings
from .tables.domain import tables_of_domains

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog as IcebergCatalog
    from pyiceberg.table import Table

    from ..core.project import Project

CATALOG = "mlinfra"
# every column: `iceberg_type` is missing in older catalogs
_TABLES = "SELECT * FROM iceberg_tables WHERE catalog_name = {0}"
_MAX_CACHED = 4096  # tables
_PYICEBERG = (
    "pyiceberg.exceptions",
    "pyiceberg.table",
    "pyiceberg.catalog",
    "pyiceberg.io.pyarrow",
)
_DURABLE = "jupyter_mlinfra.catalog.durable.DurableFileIO"


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """One table of the catalog. metadata: the path of its newest metadata file; None if the list
    does not contain it.
    """

    namespace: str
    table: str
    metadata: str | None

    @property
    def name(self) -> str:
        """`namespace.table`."""
        return f"{self.namespace}.{self.table}"


class CatalogStore:
    """The Iceberg catalog of one project; safe to share between threads."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._settings = project.settings.of(CatalogSettings)
        self._opening = threading.Lock()
        self._iceberg: IcebergCatalog | None = None
        self._parsed: dict[str, tuple[str, Mapping[str, Any]]] = {}

    @property
    def embedded(self) -> bool:
        """Whether the catalog is the project's own SQLite file."""
        return not self._settings.uri and "type" not in self._settings.properties

    @property
    def _file(self) -> Path:
        return self._project.home / "catalog.db"

    @property
    def iceberg(self) -> IcebergCatalog:
        """pyiceberg's catalog. Raises Unavailable, without secrets in the text, if it cannot be
        reached.
        """
        with self._opening, self.explained("The catalog cannot be opened."):
            if self._iceberg is None:
                load_modules(*_PYICEBERG)
                # Polars plans with pyiceberg; its own planner needs another package, and without it
                # every scan would warn.
                os.environ.setdefault("POLARS_ICEBERG_PLANNER", "pyiceberg")
                self._iceberg = self._open_embedded() if self.embedded else self._open_settings()
            return self._iceberg

    def entries(self, namespace: str | None = None) -> list[CatalogEntry]:
        """All tables, or those of one namespace, by name. One SQL statement where the catalog is a
        SQL database.
        """
        with self.explained("The catalog cannot be listed."):
            entries = self._list_tables()
        return sorted(
            (entry for entry in entries if namespace in (None, entry.namespace)),
            key=lambda entry: entry.name,
        )

    def has(self, name: DatasetName) -> bool:
        """Whether there is a table of that name."""
        return any(entry.table == name.table for entry in self.entries(name.namespace))

    def open(self, name: DatasetName) -> Table:
        """The table as pyiceberg loads it, with pyiceberg's own errors."""
        table = self.iceberg.load_table(name.identifier)
        # A REST catalog may name the endpoint.
        table.io.properties.update(with_region(table.io.properties))
        return table

    def load(self, name: DatasetName) -> Table:
        """The table as pyiceberg reads it now. Raises NotFound, with similar names, if there is
        none.
        """
        load_modules(*_PYICEBERG)
        from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError
        from pyiceberg.io import load_file_io

        if self.embedded and not self._file.exists():
            raise self.absent(name)
        with self.explained(f"{name.text} cannot be read."):
            try:
                table = self.open(name)
            except (NoSuchTableError, NoSuchNamespaceError) as error:
                raise self.absent(name) from error
            # The plain class is enough for reading, and with it Polars keeps manifests in memory.
            if table.io.properties.get("py-io-impl") == _DURABLE:
                table.io = load_file_io(
                    {
                        key: value
                        for key, value in table.io.properties.items()
                        if key != "py-io-impl"
                    },
                    table.metadata.location,
                )
            return table

    def check_writable(self, name: DatasetName) -> None:
        """Raise BadRequest for a table that does not exist and that this catalog cannot create:
        only REST catalogs have nested namespaces.
        """
        if "." not in name.namespace:
            return
        iceberg = self.iceberg
        from pyiceberg.catalog import MetastoreCatalog

        if isinstance(iceberg, MetastoreCatalog):
            try:
                self.load(name)
            except NotFound as error:
                fix = (
                    f"Write into {name.namespace.replace('.', '_')}.{name.table}, or set [catalog]"
                    " uri to a REST catalog."
                )
                raise BadRequest(
                    f"{name.text} cannot be made.",
                    "In this catalog a namespace is one word, without a dot.",
                    fix,
                ) from error

    def entry(self, name: DatasetName) -> CatalogEntry:
        """The table in the list. Raises NotFound if there is none; where listing is expensive,
        `metadata` does.
        """
        if not self._is_sql:
            return CatalogEntry(name.namespace, name.table, None)
        for entry in self.entries(name.namespace):
            if entry.table == name.table:
                return entry
        raise self.absent(name)

    def metadata(self, entry: CatalogEntry) -> Mapping[str, Any]:
        """The parsed metadata file of a table; files never change, so the newest is read once.

        Raises NotFound if the table is gone, Unavailable if the file is gone, Unprocessable if it
        is damaged.
        """
        location = entry.metadata
        # The catalog's own answer holds the metadata; without it the storage may refuse access.
        if location is None:
            return self.metadata_of(self.load(DatasetName(entry.namespace, entry.table)))
        parsed_location, metadata = self._parsed.get(entry.name, ("", {}))
        if parsed_location != location:
            with self.explained(f"{entry.name} cannot be read."):
                metadata = checked(
                    DatasetName(entry.namespace, entry.table), self._read_file(location), location
                )
            if len(self._parsed) >= _MAX_CACHED:
                self._parsed.clear()
            # Each commit writes a longer file, so only a table's newest is kept.
            self._parsed[entry.name] = (location, metadata)
        return metadata

    @staticmethod
    def metadata_of(table: Table) -> Mapping[str, Any]:
        """As `metadata`, for a table that was loaded: both come from one commit."""
        metadata: Mapping[str, Any] = json.loads(table.metadata.model_dump_json())
        return metadata

    def fingerprint(self) -> str:
        """Changes with every commit to a table; where the list has only names, with the names and
        every ten minutes.
        """
        import time

        entries = self.entries()
        clock = "" if all(entry.metadata for entry in entries) else str(int(time.time() // 600))
        return hashlib.sha256(
            repr((clock, [(entry.name, entry.metadata) for entry in entries])).encode()
        ).hexdigest()

    @contextlib.contextmanager
    def lock(self, name: DatasetName) -> Iterator[None]:
        """Take the lock for changes that two writers of this machine must not make at once:
        creating the table, changing its columns or tags.
        """
        with file_lock(
            self._project.folder("locks") / f"{name.text}.lock", what=f"A change of {name.text}"
        ):
            yield

    def absent(self, name: DatasetName) -> NotFound:
        """The error for a name that no table has."""
        names = list[str]()
        for entry in self._list_tables():
            found = DatasetName(entry.namespace, entry.table)
            try:
                found.check()
            except Unprocessable as error:
                if found.text == name.text:
                    return NotFound(error.what, error.why, error.fix)
            else:
                names.append(found.text)
        tables, _ = tables_of_domains(self._project, (name.namespace,))
        names += [table.name.text for table in tables]
        similar = difflib.get_close_matches(name.text, names, n=3, cutoff=0.6)
        fix = (
            f"Perhaps: {', '.join(similar)}."
            if similar
            else f"mlinfra catalog list --namespace {name.namespace}"
            if tables
            else f"mlinfra catalog ingest FILES --into {name.text}"
        )
        return NotFound(
            f"There is no dataset {name.text}.", "The catalog has no table of that name.", fix
        )

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
            if _about_values(error):
                why = f"{type(error).__name__}: {self._without_secrets(first_line(error))}."
                raise Unprocessable(
                    what,
                    why,
                    "Look at the column's type and values; the catalog and its storage did answer.",
                ) from error
            if not isinstance(error, Exception):
                raise
            if self.embedded and (cause := sqlite_error(error)) and (fix := fix_of(cause)):
                raise Unavailable(what, f"{self._file}: {cause}.", fix) from error
            if missing := missing_driver(error, what):
                raise missing from error
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

    def _proxy_advice(self) -> tuple[str, str]:
        with contextlib.suppress(MLInfraError):  # a secret that is not set
            uri = resolve(self._settings.uri or self._settings.properties.get("uri", ""))
            return proxy_advice(uri)
        return "", ""

    @property
    def _is_sql(self) -> bool:
        return self.embedded or hasattr(self.iceberg, "engine")

    def _list_tables(self) -> list[CatalogEntry]:
        if self.embedded:
            return self._list_embedded()
        engine = getattr(self.iceberg, "engine", None)
        if engine is not None:
            from sqlalchemy import text

            with engine.connect() as connection:
                return _tables(
                    connection.execute(
                        text(_TABLES.format(":name")), {"name": self.iceberg.name}
                    ).mappings()
                )
        namespaces = (tuple(namespace) for namespace in self.iceberg.list_namespaces())
        return [
            CatalogEntry(".".join(identifier[:-1]), identifier[-1], None)
            for namespace in namespaces
            for identifier in self.iceberg.list_tables(namespace)
        ]

    def _list_embedded(self) -> list[CatalogEntry]:
        if not self._file.exists():
            return []
        with contextlib.closing(
            sqlite3.connect(f"file:{_quoted(self._file)}?mode=ro", uri=True, timeout=30)
        ) as connection:
            connection.row_factory = sqlite3.Row
            try:
                return _tables(
                    dict(row) for row in connection.execute(_TABLES.format("?"), (CATALOG,))
                )
            except sqlite3.OperationalError as error:
                if "no such table" in str(error):  # another process is creating the file
                    return []
                raise

    def _open_embedded(self) -> IcebergCatalog:
        load_modules("pyiceberg.catalog.sql")
        from pyiceberg.catalog.sql import SqlCatalog
        from sqlalchemy import URL

        with file_lock(self._project.folder("locks") / "catalog.lock"):
            if not self._file.exists():
                with contextlib.closing(sqlite3.connect(self._file)) as connection:
                    connection.execute("PRAGMA journal_mode=WAL")
            url = URL.create(
                "sqlite", database=str(self._file), query={"timeout": "60"}
            ).render_as_string()
            # A plain path, not file://, because a `#` or `%` in the project's folder would be read
            # as part of a URL.
            warehouse = self._settings.warehouse or str(self._project.folder("warehouse"))
            return SqlCatalog(
                CATALOG,
                **{
                    "uri": url,
                    "warehouse": warehouse,
                    "py-io-impl": _DURABLE,
                    **self._properties(),
                },
            )

    def _open_settings(self) -> IcebergCatalog:
        from pyiceberg.catalog import load_catalog

        properties = self._properties()
        # A shared SQL catalog has a name of its own.
        name = properties.pop("name", CATALOG)
        if uri := resolve(self._settings.uri):
            is_sql = uri.startswith("sql+")
            properties = {
                "type": "sql" if is_sql else "rest",
                "uri": uri.removeprefix("sql+"),
                **properties,
            }
        if self._settings.warehouse:
            properties["warehouse"] = self._settings.warehouse
        return load_catalog(name, **properties)

    def _properties(self) -> dict[str, str]:
        properties = {key: resolve(value) for key, value in self._settings.properties.items()}
        check_account(properties, self._settings.warehouse)
        return with_region(properties)

    def _without_secrets(self, text: str) -> str:
        if password := password_in(self._settings.uri):
            text = text.replace(password, HIDDEN).replace(unquote(password), HIDDEN)
        for value in (self._settings.uri, *self._settings.properties.values()):
            if is_reference(value):
                with contextlib.suppress(MLInfraError):
                    text = text.replace(resolve(value) or "\0", "***")
        return text

    def _read_file(self, location: str) -> bytes:
        path = location.removeprefix("file://")
        if path.startswith("/"):
            return Path(path).read_bytes()
        from pyiceberg.io import load_file_io

        with load_file_io(self.iceberg.properties, location).new_input(location).open() as stream:
            data: bytes = stream.read()
        return data


def _tables(rows: Iterable[Mapping[str, Any]]) -> list[CatalogEntry]:
    # The other rows are views.
    tables = (row for row in rows if row.get("iceberg_type") in (None, "TABLE"))
    return [
        CatalogEntry(row["table_namespace"], row["table_name"], row["metadata_location"])
        for row in tables
    ]


def _quoted(path: Path) -> str:
    from urllib.parse import quote

    return quote(str(path))


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
    return isinstance(error, values)


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
