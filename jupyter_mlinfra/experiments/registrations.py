"""Which versions this project has registered itself, with which files.

The tags of a registry can be written by everybody who may write to its server. A model that runs
code when it is loaded is deployed only if its files are those that were registered from here, so
that is kept in the project's own state.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from ..core.records import now, to_seconds

if TYPE_CHECKING:
    from ..core.database import Database


def note(database: Database, model: str, version: int, digest: str, user: str) -> None:
    """Record a registration. digest: of the files of the version; see `artifacts.digest`."""
    with database.write() as connection:
        connection.execute(
            "INSERT OR IGNORE INTO registration (model, version, digest, user, at)"
            " VALUES (?, ?, ?, ?, ?)",
            (model, version, digest, user, to_seconds(now())),
        )


def is_noted(database: Database, model: str, version: int, digests: Collection[str]) -> bool:
    """Whether this project registered the version with exactly these files. digests: see
    `artifacts.every_digest`.
    """
    with database.read() as connection:
        rows = connection.execute(
            "SELECT digest FROM registration WHERE model = ? AND version = ?", (model, version)
        ).fetchall()
    return any(digest in digests for (digest,) in rows)
