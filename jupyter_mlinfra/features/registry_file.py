"""The file of a registry: where it is, which kind, and what in it belongs to another place."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from ..core.files import write_atomic

_SQLITE, _FILE = "sqlite:///", "FileRegistryStore"


def anchored(registry: Any, repo: Path) -> Any:
    """The settings of a registry with its SQLite file as a full path: SQLAlchemy takes a relative
    one from the working directory, which for Feast is the repository.
    """
    path = registry.get("path") if isinstance(registry, Mapping) else registry
    if not isinstance(path, str) or not path.startswith(_SQLITE) or path == f"{_SQLITE}:memory:":
        return registry
    path = f"{_SQLITE}{repo / path.removeprefix(_SQLITE)}"
    return {**registry, "path": path} if isinstance(registry, Mapping) else path


def file_of(registry: Any, repo: Path) -> Path | None:
    """The file of a local registry; None if it is remote, or elsewhere than in a file. registry: as
    `anchored` gives it.
    """
    settings = registry if isinstance(registry, Mapping) else {"path": registry}
    path = str(settings.get("path", ""))
    if path.startswith(_SQLITE):
        return Path(path.removeprefix(_SQLITE).partition("?")[0])
    kinds = settings.get("registry_type", "file"), settings.get("registry_store_type", _FILE)
    if "://" in path or not path or kinds != ("file", _FILE):
        return None
    return repo / path


def forget_foreign_tables(registry: Path | None, online: Path) -> None:
    """Remove from a registry in SQLite all tables that are not of the online store `online`.

    The registry of a copied project names tables by the original's path: `apply` would drop the
    original's tables, and after a move Feast would not open the registry at all. `apply` creates
    missing tables that the registry does not name.
    """
    from feast.protos.feast.core.InfraObject_pb2 import Infra

    if registry is None or not registry.exists() or not is_sqlite(registry):
        return
    with closing(sqlite3.connect(registry, timeout=20)) as connection, connection:
        # Feast is just creating its tables.
        if (
            connection.execute(
                "SELECT 1 FROM sqlite_master WHERE name = 'managed_infra'"
            ).fetchone()
            is None
        ):
            return
        for row, body in connection.execute(
            "SELECT rowid, infra_proto FROM managed_infra"
        ).fetchall():
            infra = Infra.FromString(body)
            if _forget(infra, online):
                connection.execute(
                    "UPDATE managed_infra SET infra_proto = ? WHERE rowid = ?",
                    (infra.SerializeToString(), row),
                )


def forget_foreign_tables_in_message(registry: Path | None, online: Path) -> None:
    """As `forget_foreign_tables`, for a registry that is one message: that one opens, but `apply`
    would look for the tables where they were.
    """
    from feast.protos.feast.core.Registry_pb2 import Registry

    if registry is None or not registry.exists() or is_sqlite(registry):
        return
    found = Registry.FromString(registry.read_bytes())
    if _forget(found.infra, online):
        write_atomic(registry, found.SerializeToString())


def _forget(infra: Any, online: Path) -> bool:
    """Take the tables of other online stores out of the message. Returns whether there were any."""
    kept = [
        item
        for item in infra.infra_objects
        if not item.HasField("sqlite_table")
        or (Path(item.sqlite_table.path) == online and online.exists())
    ]
    if len(kept) == len(infra.infra_objects):
        return False
    del infra.infra_objects[:]
    infra.infra_objects.extend(kept)
    return True


def is_sqlite(registry: Path) -> bool:
    """Whether the file is a SQLite database; older registries of Feast are one protobuf message."""
    with registry.open("rb") as file:
        return file.read(15) == b"SQLite format 3"
