"""The wanted and the known state of deployments, in `state.db`. Every write that a target must
carry out increases `wish`.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..core import events
from ..core.errors import Conflict, NotFound
from ..core.processes import Identity
from ..core.records import Page, from_seconds, now, page_of, to_seconds
from .spec import Change, Gate, VersionState
from .state import advance, describe, whole

if TYPE_CHECKING:
    from ..core.database import Database

UNDER_WAY = (VersionState.BUILDING, VersionState.STARTING, VersionState.TESTING)


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """One version. wanted: keeps processes while the deployment is up. proved: its tests have
    passed. deployer: the process that deploys it.
    """

    deployment: str
    version: str
    number: int
    bundle: str
    python: str
    state: VersionState
    reason: str
    traffic: int
    wanted: bool
    proved: bool
    gates: Sequence[Gate]
    workers: int
    deployer: Identity | None
    created_at: datetime
    used_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentRow:
    """One deployment with its versions, lowest number first."""

    name: str
    namespace: str
    target: str
    model: str
    up: bool
    created_at: datetime
    updated_at: datetime
    versions: Sequence[VersionRow]

    @property
    def traffic(self) -> dict[str, int]:
        """Percent of each version."""
        return {row.version: row.traffic for row in self.versions}

    def label(self, version: str) -> str:
        """The name here (`v3`) for any of its names, such as the model's version: `flights/3`,
        `flights/v3`, `version:flights/3` or `3`.
        """
        number = version.removeprefix("version:").removeprefix(f"{self.model}/")
        return f"v{number}" if number.isdecimal() else number

    def version(self, version: str) -> VersionRow:
        """By any of its names; see `label`. Raises NotFound."""
        label = self.label(version)
        for row in self.versions:
            if row.version == label:
                return row
        known = ", ".join(row.version for row in self.versions) or "none"
        raise NotFound(
            f"Deployment {self.name} has no version {version}.",
            f"It has: {known}.",
            f"mlinfra deployments deploy {self.model}/{label.removeprefix('v')}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRow:
    """A serving process that the keeper started; it is found again by `token` and known by
    `identity`.
    """

    token: str
    deployment: str
    version: str
    slot: int
    identity: Identity
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRow:
    """wish: the last requested change. done: the last one carried out. trouble: why the target
    cannot continue.
    """

    wish: int
    done: int
    port: int
    trouble: str


class DeploymentStore:
    """All deployments of one project."""

    def __init__(self, database: Database, namespace: str) -> None:
        self._database, self._namespace = database, namespace

    def deployments(self) -> list[DeploymentRow]:
        """All, by name."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT * FROM deployment ORDER BY name").fetchall()
            versions = connection.execute(
                "SELECT * FROM deployment_version ORDER BY deployment, number"
            ).fetchall()
        return [
            _deployment(
                row, [_version(item) for item in versions if item["deployment"] == row["name"]]
            )
            for row in rows
        ]

    def deployment(self, name: str) -> DeploymentRow:
        """One deployment. Raises NotFound."""
        with self._database.read() as connection:
            return _read(connection, name)

    def target(self) -> TargetRow:
        """The state of the target."""
        with self._database.read() as connection:
            row = connection.execute("SELECT * FROM deployment_target").fetchone()
        return TargetRow(
            wish=row["wish"], done=row["done"], port=row["port"], trouble=row["trouble"]
        )

    def note_target(self, **values: int | str) -> None:
        """Set `done`, `port` or `trouble`."""
        columns = ", ".join(
            f"{name} = :{name}" for name in values if name in ("done", "port", "trouble")
        )
        with self._database.write() as connection:
            connection.execute(f"UPDATE deployment_target SET {columns}", values)  # noqa: S608 (names from the line above)

    def begin(
        self, name: str, version: str, *, target: str, model: str, number: int, workers: int
    ) -> None:
        """Record that this process is building a version; create the deployment if it is the first
        one.

        Raises Conflict if the deployment serves another model.
        """
        at = to_seconds(now())
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO deployment (name, namespace, target, model, created_at, updated_at)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (name, self._namespace, target, model, at, at),
            )
            # A deploy implies that the deployment should be up.
            connection.execute("UPDATE deployment SET up = 1 WHERE name = ?", (name,))
            row = _read(connection, name)
            if row.model != model:
                raise Conflict(
                    f"Deployment {name} serves model {row.model}.",
                    f"{model} is a different one.",
                    "Deploy it under another name.",
                )
            known = next((item for item in row.versions if item.version == version), None)
            state = known.state if known else VersionState.BUILDING
            # Left by a deploy that was killed: the caller holds the lock, so no deploy is working
            # on it.
            if state in UNDER_WAY:
                state = VersionState.BUILDING
            connection.execute(
                "INSERT INTO deployment_version (deployment, version, number, state, workers,"
                " deployer, created_at, used_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT"
                " (deployment, version) DO UPDATE SET state = excluded.state, reason = '', gates ="
                " '[]', wanted = 0, proved = 0, deployer = excluded.deployer, workers ="
                " excluded.workers, used_at = excluded.used_at",
                (
                    name,
                    version,
                    number,
                    advance(version, state, VersionState.BUILDING),
                    workers,
                    _text_of_self(),
                    at,
                    at,
                ),
            )
            _announce(connection, name, version=version, state=VersionState.BUILDING)

    def move(
        self,
        name: str,
        version: str,
        to: VersionState,
        *,
        reason: str = "",
        wish: bool = False,
        **values: Any,
    ) -> int:
        """Move a version to another state, and set further columns with it. Returns the wish
        (increased if `wish`).
        """
        columns = {
            "state": to,
            "reason": reason,
            **{key: _column(value) for key, value in values.items()},
        }
        with self._database.write() as connection:
            row = _read(connection, name).version(version)
            advance(version, row.state, to)
            sets = ", ".join(f"{key} = :{key}" for key in columns)
            connection.execute(
                f"UPDATE deployment_version SET {sets} WHERE deployment = :_name AND version ="  # noqa: S608
                " :_version",
                {**columns, "_name": name, "_version": version},
            )
            if row.state is not to or row.reason != reason:
                _announce(connection, name, version=version, state=to, reason=reason)
            return _wish(connection, raise_it=wish)

    def note(self, name: str, version: str, **values: Any) -> None:
        """Set columns of a version that do not concern the target."""
        sets = ", ".join(f"{key} = :{key}" for key in values)
        with self._database.write() as connection:
            connection.execute(
                f"UPDATE deployment_version SET {sets} WHERE deployment = :_name AND version ="  # noqa: S608
                " :_version",
                {
                    **{key: _column(value) for key, value in values.items()},
                    "_name": name,
                    "_version": version,
                },
            )

    @contextmanager
    def change(self, name: str) -> Iterator[Transaction]:
        """One transaction on a deployment's traffic and on which versions are wanted."""
        with self._database.write() as connection:
            yield Transaction(connection, _read(connection, name))

    def set_up(self, names: Sequence[str], up: bool) -> int:
        """Request deployments to be up or down. Versions that were stopped with the deployment are
        started again.
        """
        with self._database.write() as connection:
            for name in names:
                connection.execute(
                    "UPDATE deployment SET up = ?, updated_at = ? WHERE name = ?",
                    (up, to_seconds(now()), name),
                )
                _announce(connection, name, up=up)
            return _wish(connection, raise_it=True)

    def delete(self, name: str) -> None:
        """Remove a deployment that is down. Raises Conflict if it has been started again."""
        with self._database.write() as connection:
            if _read(connection, name).up:
                raise Conflict(
                    f"Deployment {name} was not deleted.",
                    "It was started again meanwhile.",
                    f"mlinfra deployments show {name}",
                )
            connection.execute("DELETE FROM deployment WHERE name = ?", (name,))
            _announce(connection, name, removed=name)
            _wish(connection, raise_it=True)

    def history(self, name: str, *, limit: int = 50, cursor: str | None = None) -> Page[Change]:
        """Changes, newest first."""
        return page_of(self.changes(name), limit=limit, cursor=cursor)

    def changes(self, name: str) -> list[Change]:
        """All changes, newest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM deployment_change WHERE deployment = ? ORDER BY id DESC", (name,)
            ).fetchall()
        return [_change(row) for row in rows]

    def earlier_traffic(self, name: str) -> list[tuple[int, dict[str, int]]]:
        """Change id and traffic of each state before the present one, newest first."""
        with self._database.read() as connection:
            return _earlier(connection, name)

    def processes(self) -> list[ProcessRow]:
        """Serving processes that were started and whose end has not been seen."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM deployment_process ORDER BY deployment, version, slot"
            ).fetchall()
        return [
            ProcessRow(
                token=row["token"],
                deployment=row["deployment"],
                version=row["version"],
                slot=row["slot"],
                identity=Identity(row["boot"], row["pid"], row["start"]),
                started_at=from_seconds(row["started_at"]),
            )
            for row in rows
        ]

    def add_process(self, row: ProcessRow) -> None:
        """Record a process before it is used, so that a keeper finds it again after a kill."""
        identity = row.identity
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO deployment_process VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    row.token,
                    row.deployment,
                    row.version,
                    row.slot,
                    identity.boot,
                    identity.pid,
                    identity.start,
                    to_seconds(row.started_at),
                ),
            )

    def drop_process(self, token: str) -> None:
        """Record that a process is gone."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM deployment_process WHERE token = ?", (token,))


class Transaction:
    """A change in progress: nobody sees any of it before the block ends."""

    def __init__(self, connection: sqlite3.Connection, row: DeploymentRow) -> None:
        self._connection = connection
        self.row = row
        self.wish = 0

    def earlier_traffic(self) -> list[tuple[int, dict[str, int]]]:
        """As `DeploymentStore.earlier_traffic`, at this moment."""
        return _earlier(self._connection, self.row.name)

    def traffic(
        self,
        traffic: Mapping[str, int],
        *,
        verb: str,
        user: str,
        reason: str,
        returns_to: int | None = None,
        text: str = "",
    ) -> None:
        """Set the traffic of all versions and write the history; unchanged traffic writes only the
        history. This is the one place that sets traffic:

        a sum other than 100 %, or traffic for a version that has not passed its tests, is refused
        here.
        """
        before, at = self.row.traffic, to_seconds(now())
        traffic = whole(
            traffic,
            before,
            {item.version for item in self.row.versions if item.proved and item.wanted},
        )
        for version, percent in traffic.items():
            if percent != before.get(version, 0):
                values = (percent, at, self.row.name, version)
                self._connection.execute(
                    "UPDATE deployment_version SET traffic = ?, used_at = ? WHERE deployment = ?"
                    " AND version = ?",
                    values,
                )
        self.record(
            verb=verb,
            user=user,
            reason=reason,
            traffic=traffic,
            text=", ".join(part for part in (text, describe(before, traffic)) if part)
            or "as it was",
            returns_to=returns_to,
        )
        self.row = _read(self._connection, self.row.name)

    def record(
        self,
        *,
        verb: str,
        user: str,
        reason: str,
        traffic: Mapping[str, int],
        text: str,
        returns_to: int | None = None,
    ) -> None:
        """Write one line of the history and its event, and increase the wish."""
        at = to_seconds(now())
        self._connection.execute(
            "INSERT INTO deployment_change (deployment, at, user, verb, text, reason, traffic,"
            " returns_to) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (self.row.name, at, user, verb, text, reason, json.dumps(dict(traffic)), returns_to),
        )
        self._connection.execute(
            "UPDATE deployment SET updated_at = ? WHERE name = ?", (at, self.row.name)
        )
        _announce(self._connection, self.row.name, verb=verb, traffic=dict(traffic), text=text)
        self.wish = _wish(self._connection, raise_it=True)

    def ready(self, version: str, gates: Sequence[Gate]) -> None:
        """Record that a version has passed its tests."""
        row = self.row.version(version)
        state = advance(version, row.state, VersionState.READY)
        self._connection.execute(
            "UPDATE deployment_version SET state = ?, reason = '', proved = 1, wanted = 1, gates ="
            " ?, deployer = '', used_at = ? WHERE deployment = ? AND version = ?",
            (state, _gates(gates), to_seconds(now()), self.row.name, version),
        )
        _announce(self._connection, self.row.name, version=version, state=state)
        self.row = _read(self._connection, self.row.name)
        self.wish = _wish(self._connection, raise_it=True)

    def renew(self, version: str, *, same: bool, reason: str) -> None:
        """Record that the damaged bundle of a version was made again. same: it is unchanged, so it
        may be started; otherwise it must be deployed again.
        """
        row = self.row.version(version)
        state = row.state
        if same and state is VersionState.FAILED:
            state = VersionState.STOPPED
        elif not same and state in (VersionState.STARTING, VersionState.READY):
            state = VersionState.FAILED
        self._connection.execute(
            "UPDATE deployment_version SET state = ?, reason = ?, wanted = ? WHERE deployment = ?"
            " AND version = ?",
            (
                advance(version, row.state, state),
                "" if same else reason,
                same,
                self.row.name,
                version,
            ),
        )
        self.row = _read(self._connection, self.row.name)
        self.wish = _wish(self._connection, raise_it=True)

    def want(self, version: str, wanted: bool) -> None:
        """Request that a version's processes are kept or ended. A requested version has just been
        used, so it is not the next to be ended.
        """
        used = to_seconds(now()) if wanted else to_seconds(self.row.version(version).used_at)
        values = (wanted, used, self.row.name, version)
        self._connection.execute(
            "UPDATE deployment_version SET wanted = ?, used_at = ? WHERE deployment = ? AND"
            " version = ?",
            values,
        )
        self.row = _read(self._connection, self.row.name)
        self.wish = _wish(self._connection, raise_it=True)

    def forget(self, version: str) -> None:
        """Remove a version whose processes have ended. Raises Conflict if it is wanted again, or
        was given traffic.
        """
        row = self.row.version(version)
        if (
            row.wanted
            or row.traffic
            or row.state not in (VersionState.STOPPED, VersionState.FAILED)
        ):
            raise Conflict(
                f"{version} of {self.row.name} was not removed.",
                f"It is wanted again: it is {row.state}.",
                "Look at it, then try again.",
            )
        self._connection.execute(
            "DELETE FROM deployment_version WHERE deployment = ? AND version = ?",
            (self.row.name, version),
        )
        self.row = _read(self._connection, self.row.name)


def _read(connection: sqlite3.Connection, name: str) -> DeploymentRow:
    row = connection.execute("SELECT * FROM deployment WHERE name = ?", (name,)).fetchone()
    if row is None:
        known = ", ".join(
            item[0]
            for item in connection.execute("SELECT name FROM deployment ORDER BY name LIMIT 10")
        )
        raise NotFound(
            f"There is no deployment {name}.",
            f"There is: {known or 'none'}.",
            "mlinfra deployments deploy MODEL/VERSION",
        )
    versions = connection.execute(
        "SELECT * FROM deployment_version WHERE deployment = ? ORDER BY number", (name,)
    ).fetchall()
    return _deployment(row, [_version(item) for item in versions])


def _earlier(connection: sqlite3.Connection, name: str) -> list[tuple[int, dict[str, int]]]:
    """A stack: each change adds its traffic on top, a rollback removes what it undid.

    So a rollback never leads to what an earlier one has undone.
    """
    rows = connection.execute(
        "SELECT id, traffic, returns_to FROM deployment_change WHERE deployment = ? ORDER BY id",
        (name,),
    ).fetchall()
    stack: list[tuple[int, dict[str, int]]] = []
    for row in rows:
        shares = {
            version: percent for version, percent in json.loads(row["traffic"]).items() if percent
        }
        if row["returns_to"] is not None:
            stack = [state for state in stack if state[0] <= row["returns_to"]]
        elif shares and (not stack or stack[-1][1] != shares):
            stack.append((row["id"], shares))
    return stack[-2::-1] if len(stack) > 1 else []


def _deployment(row: sqlite3.Row, versions: Sequence[VersionRow]) -> DeploymentRow:
    return DeploymentRow(
        name=row["name"],
        namespace=row["namespace"],
        target=row["target"],
        model=row["model"],
        up=bool(row["up"]),
        created_at=from_seconds(row["created_at"]),
        updated_at=from_seconds(row["updated_at"]),
        versions=versions,
    )


def _version(row: sqlite3.Row) -> VersionRow:
    deployer = row["deployer"].split("|") if row["deployer"] else None
    return VersionRow(
        deployment=row["deployment"],
        version=row["version"],
        number=row["number"],
        bundle=row["bundle"],
        python=row["python"],
        state=VersionState(row["state"]),
        reason=row["reason"],
        traffic=row["traffic"],
        wanted=bool(row["wanted"]),
        proved=bool(row["proved"]),
        gates=[Gate(**gate) for gate in json.loads(row["gates"])],
        workers=row["workers"],
        deployer=Identity(deployer[0], int(deployer[1]), int(deployer[2])) if deployer else None,
        created_at=from_seconds(row["created_at"]),
        used_at=from_seconds(row["used_at"]),
    )


def _change(row: sqlite3.Row) -> Change:
    return Change(
        id=row["id"],
        at=from_seconds(row["at"]),
        user=row["user"],
        verb=row["verb"],
        text=row["text"],
        reason=row["reason"],
        traffic=json.loads(row["traffic"]),
    )


def _column(value: Any) -> Any:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _gates(value)
    return value


def _gates(gates: Sequence[Gate]) -> str:
    return json.dumps([asdict(gate) for gate in gates])


def _text_of_self() -> str:
    identity = Identity.of(os.getpid())
    return f"{identity.boot}|{identity.pid}|{identity.start}" if identity else ""


def _wish(connection: sqlite3.Connection, *, raise_it: bool) -> int:
    if raise_it:
        connection.execute("UPDATE deployment_target SET wish = wish + 1")
    return int(connection.execute("SELECT wish FROM deployment_target").fetchone()[0])


def _announce(connection: sqlite3.Connection, name: str, **data: Any) -> None:
    events.append(connection, "deployment", f"deployment:{name}", data)
