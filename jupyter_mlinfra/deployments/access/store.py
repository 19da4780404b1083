"""Keys in `state.db`: their hashes, never the keys."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

from ...core.errors import BadRequest, Conflict, NotFound
from ...core.records import from_seconds, now, to_seconds
from ..gateway import KeyPlan
from ..rows import read_deployment
from ..transaction import announce, next_wish
from . import audit
from .keys import digest, new_key
from .records import AccessKey, NewKey

if TYPE_CHECKING:
    from ...core.database import Database

MOST_ACTIVE = 100
"""Keys of a deployment that may be valid at once: the gateway holds them all."""
KEPT_DAYS = 365
"""Days that a key which is over stays in the list."""
LONGEST_NAME = 100


class KeyStore:
    """The keys of all deployments of one project."""

    def __init__(self, database: Database, user: str) -> None:
        self._database, self._user = database, user

    def create(self, deployment: str, name: str, *, days: float | None) -> tuple[NewKey, int]:
        """A new key, and the wish that makes it valid. name: empty for the next number. Raises
        NotFound, BadRequest for a name that nobody can read, Conflict if a valid key has that name.
        """
        if name:
            _check_name(name)
        ends = now() + timedelta(days=days) if days is not None else None
        with self._database.write() as connection:
            read_deployment(connection, deployment)
            taken = {row["name"] for row in self._active(connection, deployment)}
            name = name or next(
                free for number in count(1) if (free := f"key-{number}") not in taken
            )
            if name in taken:
                raise Conflict(
                    f"{deployment} has a valid key {name} already.",
                    "A name stands for one valid key.",
                    f"mlinfra deployments keys {deployment} rotate {name}, or choose another name.",
                )
            return self._add(connection, deployment, name, ends), next_wish(connection)

    def rotate(
        self, deployment: str, key: str, *, grace: timedelta, days: float | None
    ) -> tuple[NewKey, int]:
        """A new key of the same name; the old one is valid for `grace` more, under a name that no
        other valid key has. days: until the new one expires; None: as long after now as the old one
        after its making.
        """
        at = now()
        with self._database.write() as connection:
            row = self._find(connection, deployment, key)
            old_end = from_seconds(row["expires_at"]) if row["expires_at"] else None
            life = timedelta(days=days) if days is not None else None
            if life is None and old_end is not None:
                life = old_end - from_seconds(row["created_at"])
            end = min(at + grace, old_end) if old_end else at + grace
            taken = {other["name"] for other in self._active(connection, deployment)}
            connection.execute(
                "UPDATE deployment_key SET expires_at = ?, name = ? WHERE id = ?",
                (to_seconds(end), _name_of_old(row["name"], taken), row["id"]),
            )
            made = self._add(
                connection,
                deployment,
                row["name"],
                at + life if life else None,
                text=f"; {row['id']} ends {end:%Y-%m-%d %H:%M} UTC",
            )
            return made, next_wish(connection)

    def revoke(self, deployment: str, key: str, *, reason: str) -> tuple[AccessKey, int]:
        """End a key, by its id or by the name of a valid one. Raises NotFound."""
        with self._database.write() as connection:
            row = self._find(connection, deployment, key)
            connection.execute(
                "UPDATE deployment_key SET revoked_at = ?, revoked_by = ? WHERE id = ?",
                (to_seconds(now()), self._user, row["id"]),
            )
            text = f"key {row['id']} ({row['name']}) revoked"
            self._note(connection, deployment, "keys revoke", text, reason)
            found = connection.execute(
                "SELECT * FROM deployment_key WHERE id = ?", (row["id"],)
            ).fetchone()
            return _record(found), next_wish(connection)

    def all(self, deployment: str) -> Sequence[AccessKey]:
        """Newest first; those that were over long ago are left out. Raises NotFound."""
        since = to_seconds(now() - timedelta(days=KEPT_DAYS))
        with self._database.read() as connection:
            read_deployment(connection, deployment)
            rows = connection.execute(
                "SELECT * FROM deployment_key WHERE deployment = ? AND"
                " coalesce(revoked_at, expires_at, ?) >= ? ORDER BY created_at DESC",
                (deployment, since, since),
            ).fetchall()
        return [_record(row) for row in rows]

    def plans(self) -> Mapping[str, Mapping[str, KeyPlan]]:
        """What a gateway has to know of the valid keys, by deployment and id."""
        found: dict[str, dict[str, KeyPlan]] = {}
        with self._database.read() as connection:
            for row in connection.execute(
                "SELECT * FROM deployment_key WHERE revoked_at IS NULL AND"
                " (expires_at IS NULL OR expires_at > ?)",
                (to_seconds(now()),),
            ):
                ends = int(row["expires_at"] * 1000) if row["expires_at"] else 0
                found.setdefault(row["deployment"], {})[row["id"]] = KeyPlan(
                    digest=row["digest"], ends_ms=ends
                )
        return found

    def _add(
        self,
        connection: sqlite3.Connection,
        deployment: str,
        name: str,
        ends: datetime | None,
        text: str = "",
    ) -> NewKey:
        if len(self._active(connection, deployment)) >= MOST_ACTIVE:
            raise Conflict(
                f"{deployment} has {MOST_ACTIVE} valid keys.",
                "The gateway holds no more of one deployment.",
                f"Revoke some: mlinfra deployments keys {deployment} list",
            )
        id, key = new_key()
        connection.execute(
            "INSERT INTO deployment_key (id, deployment, name, digest, created_at, created_by,"
            " expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                id,
                deployment,
                name,
                digest(key),
                to_seconds(now()),
                self._user,
                to_seconds(ends) if ends else None,
            ),
        )
        until = f", until {ends:%Y-%m-%d %H:%M} UTC" if ends else ""
        verb = "keys rotate" if text else "keys create"
        self._note(connection, deployment, verb, f"key {id} ({name}) created{until}{text}")
        return NewKey(id=id, deployment=deployment, name=name, expires_at=ends, key=key)

    def _note(
        self,
        connection: sqlite3.Connection,
        deployment: str,
        verb: str,
        text: str,
        reason: str = "",
    ) -> None:
        audit.note(connection, deployment, verb=verb, user=self._user, text=text, reason=reason)
        announce(connection, deployment, verb=verb, text=text)

    def _active(self, connection: sqlite3.Connection, deployment: str) -> list[sqlite3.Row]:
        found: list[sqlite3.Row] = connection.execute(
            "SELECT * FROM deployment_key WHERE deployment = ? AND revoked_at IS NULL AND"
            " (expires_at IS NULL OR expires_at > ?) ORDER BY created_at DESC",
            (deployment, to_seconds(now())),
        ).fetchall()
        return found

    def _find(self, connection: sqlite3.Connection, deployment: str, key: str) -> sqlite3.Row:
        """A valid key by its id, else by its name."""
        read_deployment(connection, deployment)
        active = self._active(connection, deployment)
        for row in (*(row for row in active if row["id"] == key), *active):
            if key in (row["id"], row["name"]):
                return row
        names = ", ".join(f"{row['id']} ({row['name']})" for row in active[:10])
        # What was given is not repeated: it may be a whole key.
        raise NotFound(
            f"{deployment} has no such valid key.",
            f"It has: {names}." if names else "It has none.",
            f"Give its id or its name: mlinfra deployments keys {deployment} list",
        )


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise BadRequest(
            "That is not a name for a key.",
            f"It has 1 to {LONGEST_NAME} printable characters.",
            "Name who uses it, for example: mobile-app",
        )


def _name_of_old(name: str, taken: Collection[str]) -> str:
    """What a key is called after its rotation: `app (old)`, else `app (old 2)` and so on, since a
    name stands for one valid key.
    """
    endings = (f" (old{f' {number}' if number > 1 else ''})" for number in count(1))
    names = (name[: LONGEST_NAME - len(ending)] + ending for ending in endings)
    return next(free for free in names if free not in taken)


def _record(row: sqlite3.Row) -> AccessKey:
    expires = from_seconds(row["expires_at"]) if row["expires_at"] else None
    revoked = from_seconds(row["revoked_at"]) if row["revoked_at"] else None
    over = expires is not None and expires <= now()
    return AccessKey(
        id=row["id"],
        deployment=row["deployment"],
        name=row["name"],
        state="revoked" if revoked else "expired" if over else "active",
        created_at=from_seconds(row["created_at"]),
        created_by=row["created_by"],
        expires_at=expires,
        revoked_at=revoked,
    )
