"""The catalog that the settings name, opened when it is first asked for: the project's own SQLite
file, or another one.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sqlite3
import threading
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from ...core.errors import BadRequest
from ...core.files import file_lock
from ...core.imports import load_modules
from ...core.secrets import resolve
from ...core.sqlite import can_write, mode_of_reading
from ..drivers import check_account, with_region
from ..settings import CatalogSettings
from .bounds import look_where_bounds_are_unknown
from .embedded import Embedded
from .faults import Faults
from .patience import patient, stay_patient
from .tiers import Tiers

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog as IcebergCatalog
    from sqlalchemy import Engine

    from ...core.project import Project
    from .changes import SqliteFile

CATALOG = "mlinfra"
_OPENINGS = 4
DURABLE = "jupyter_mlinfra.catalog.durable.DurableFileIO"
TIERED = "jupyter_mlinfra.catalog.tiered.TieredFileIO"
PYICEBERG = (
    "pyiceberg.exceptions",
    "pyiceberg.table",
    "pyiceberg.catalog",
    "pyiceberg.io.pyarrow",
)


class Opening:
    """The catalog of one project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._settings = project.settings.of(CatalogSettings)
        self.embedded = Embedded(project)
        self.tiers = Tiers(project)
        self.faults = Faults(self._settings, self.embedded)
        self._lock = threading.Lock()
        self._iceberg: IcebergCatalog | None = None
        self.readers: list[SqliteFile] = []

    @property
    def iceberg(self) -> IcebergCatalog:
        """pyiceberg's catalog. Raises Unavailable, without secrets in the text, if it cannot be
        reached.
        """
        with self._lock, self.faults.explained("The catalog cannot be opened."):
            if self._iceberg is None:
                load_modules(*PYICEBERG)
                look_where_bounds_are_unknown()
                # Polars plans with pyiceberg; its own planner needs another package, and without it
                # every scan would warn.
                os.environ.setdefault("POLARS_ICEBERG_PLANNER", "pyiceberg")
                self._iceberg = (
                    self._open_embedded(self.embedded.file)
                    if self.embedded.is_used
                    else self._open_settings()
                )
            return self._iceberg

    def _open_embedded(self, file: Path) -> IcebergCatalog:
        load_modules("pyiceberg.catalog.sql")
        from pyiceberg.catalog.sql import SqlCatalog
        from sqlalchemy import URL

        if not can_write(file):
            return self._open_read_only(file)
        with file_lock(self._project.folder("locks") / "catalog.lock"):
            if not file.exists():
                with contextlib.closing(sqlite3.connect(file)) as connection:
                    connection.execute("PRAGMA journal_mode=WAL")
            url = URL.create(
                "sqlite", database=str(file), query={"timeout": "60"}
            ).render_as_string()
            # A plain path, not file://, because a `#` or `%` in the project's folder would be read
            # as part of a URL.
            warehouse = self._settings.warehouse or str(self._project.folder("warehouse"))
            catalog = SqlCatalog(
                CATALOG,
                **{
                    "uri": url,
                    "warehouse": warehouse,
                    "py-io-impl": DURABLE,
                    **self._tiered(),
                    **self._properties(),
                },
            )
            weakref.finalize(catalog, _close, os.getpid(), self.readers, catalog.engine)
            return catalog

    def _open_read_only(self, file: Path) -> IcebergCatalog:
        """The catalog of a project that this user cannot write."""
        from pyiceberg.catalog.sql import SqlCatalog
        from sqlalchemy import NullPool, create_engine

        url = f"sqlite:///file:{quote(str(file))}?{mode_of_reading(file)}&uri=true"
        catalog = SqlCatalog(
            CATALOG,
            **{
                "uri": url,
                "init_catalog_tables": "false",
                "warehouse": self._settings.warehouse or str(self._project.home / "warehouse"),
                **self._tiered(),
                **self._properties(),
            },
        )
        catalog.engine.dispose()
        catalog.engine = create_engine(url, poolclass=NullPool)
        return catalog

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
            _check_address(properties["type"], uri)
        if self._settings.warehouse:
            properties["warehouse"] = self._settings.warehouse
        if properties.get("type") == "sql":  # others do not let a table move
            return _loaded_sql(name, {**self._tiered(), **properties})
        return load_catalog(name, **properties)

    def _tiered(self) -> dict[str, str]:
        """What lets pyiceberg reach tables in tiers with keys of their own."""
        places = {place.warehouse: dict(place.properties) for place in self.tiers.others}
        return {"py-io-impl": TIERED, "mlinfra.tiers": json.dumps(places)} if places else {}

    def _properties(self) -> dict[str, str]:
        properties = {key: resolve(value) for key, value in self._settings.properties.items()}
        check_account(properties, self._settings.warehouse)
        return with_region(properties)


def _check_address(kind: str, uri: str) -> None:
    """Raise BadRequest for an address that no client takes. Only its beginning is told: it may hold
    a password.
    """
    scheme, found, _ = uri.partition("://")
    if kind == "rest" and scheme.lower() not in ("http", "https"):
        raise BadRequest(
            "[catalog] uri is no address of a catalog.",
            f"It begins with {scheme}://." if found else "It has no https:// at its beginning.",
            "REST: https://…. A SQL database: sql+ before its address, such as"
            " sql+postgresql+psycopg://USER:PASSWORD@HOST/DATABASE or sql+sqlite:///FILE.",
        )


def _loaded_sql(name: str, properties: Mapping[str, str]) -> IcebergCatalog:
    """A catalog in a SQL database. The first to open it makes its tables; PostgreSQL refuses those
    who make them at the same moment, and they find them then.
    """
    from pyiceberg.catalog import load_catalog
    from sqlalchemy.exc import IntegrityError, ProgrammingError

    with patient():
        for _ in range(_OPENINGS - 1):
            try:
                found = load_catalog(name, **properties)
                break
            except (IntegrityError, ProgrammingError) as error:
                if not re.search("UniqueViolation|DuplicateTable", str(error)):
                    raise
        else:
            found = load_catalog(name, **properties)
    if engine := getattr(found, "engine", None):
        stay_patient(engine)
    return found


def _close(process: int, readers: Sequence[SqliteFile], engine: Engine) -> None:
    """Let go of the embedded catalog's file, at the end of the process at the latest: those who
    only read first, for the last to close takes the log away, and needs the right to write.

    Left to the interpreter, the order is by chance. process: the one that opened it; those that
    were forked from it have none of its connections.
    """
    if os.getpid() == process:
        for reader in readers:
            reader.close()
        engine.dispose()
