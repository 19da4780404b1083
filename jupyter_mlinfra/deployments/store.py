"""The wanted and the actual state of deployments, in `state.db`. Every write that a target must
carry out increases `wish`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..core.errors import Conflict, NotFound
from ..core.processes import Identity
from ..core.records import Page, now, to_seconds
from .access import audit
from .delivery.plans import active_plans, last_plan
from .replays import read_replays, write_replay
from .rows import (
    DeploymentRow,
    TargetRow,
    gates_text,
    read_changes,
    read_deployment,
    read_deployments,
    read_history,
    read_shares,
)
from .runtimes import DEFAULT
from .spec import Change, VersionState
from .state import advance
from .transaction import Transaction, announce, last_wish, next_wish

if TYPE_CHECKING:
    from ..core.database import Database
    from .comparing import AnswerComparison
    from .delivery.alarm import PlanAlarm
    from .delivery.spec import DeliveryPlan

DEPLOYING = (VersionState.BUILDING, VersionState.STARTING, VersionState.TESTING)


class DeploymentStore:
    """All deployments of one project."""

    def __init__(self, database: Database, namespace: str) -> None:
        self._database, self._namespace = database, namespace

    def deployments(self) -> list[DeploymentRow]:
        """All, by name."""
        with self._database.read() as connection:
            return read_deployments(connection)

    def deployment(self, name: str) -> DeploymentRow:
        """One deployment. Raises NotFound."""
        with self._database.read() as connection:
            return read_deployment(connection, name)

    def find(self, name: str) -> DeploymentRow | None:
        """One deployment; None if it does not exist."""
        try:
            return self.deployment(name)
        except NotFound:
            return None

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
        self,
        name: str,
        version: str,
        *,
        target: str,
        model: str,
        number: int,
        workers: int,
        runtime: str = DEFAULT,
        user: str = "",
    ) -> int:
        """Record that this process is building a version; create the deployment if it is the first
        one. Returns the wish: other versions answer for this one until it has passed its tests.

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
            row = read_deployment(connection, name)
            if row.model != model:
                raise Conflict(
                    f"Deployment {name} serves model {row.model}.",
                    f"{model} is a different one.",
                    "Deploy it under another name.",
                )
            existing = next((item for item in row.versions if item.version == version), None)
            state = existing.state if existing else VersionState.BUILDING
            # Left by a deploy that was killed: the caller holds the lock, so no deploy is working
            # on it.
            if state in DEPLOYING:
                state = VersionState.BUILDING
            connection.execute(
                "INSERT INTO deployment_version (deployment, version, number, state, workers,"
                " runtime, deployer, created_at, used_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT"
                " (deployment, version) DO UPDATE SET state = excluded.state, reason = '', gates ="
                " '[]', wanted = 0, proved = 0, deployer = excluded.deployer, workers ="
                " excluded.workers, runtime = excluded.runtime, shadow = 0, used_at ="
                " excluded.used_at",
                (
                    name,
                    version,
                    number,
                    advance(version, state, VersionState.BUILDING),
                    workers,
                    runtime,
                    _own_identity(),
                    at,
                    at,
                ),
            )
            announce(connection, name, version=version, state=VersionState.BUILDING)
            text = f"deploy of {version} begun on {runtime}"
            audit.note(connection, name, verb="deploy", user=user, text=text)
            return next_wish(connection)

    def move(
        self,
        name: str,
        version: str,
        to: VersionState,
        *,
        reason: str = "",
        wish: bool = False,
        only_from: VersionState | None = None,
        **values: Any,
    ) -> int:
        """Move a version to another state, and set further columns with it. Returns the wish
        (increased if `wish`).

        only_from: the state that the caller has seen; if another process has moved the version
        since, nothing is changed.
        """
        columns = {
            "state": to,
            "reason": reason,
            **{key: _column(value) for key, value in values.items()},
        }
        with self._database.write() as connection:
            row = read_deployment(connection, name).version(version)
            if only_from not in (None, row.state):
                return last_wish(connection)
            advance(version, row.state, to)
            sets = ", ".join(f"{key} = :{key}" for key in columns)
            connection.execute(
                f"UPDATE deployment_version SET {sets} WHERE deployment = :_name AND version ="  # noqa: S608
                " :_version",
                {**columns, "_name": name, "_version": version},
            )
            if row.state is not to or row.reason != reason:
                announce(connection, name, version=version, state=to, reason=reason)
            return next_wish(connection) if wish else last_wish(connection)

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
            yield Transaction(connection, read_deployment(connection, name))

    def plan(self, name: str) -> DeliveryPlan | None:
        """The last plan of a deployment, active or ended."""
        with self._database.read() as connection:
            return last_plan(connection, name)

    def active_plans(self) -> list[DeliveryPlan]:
        """The plans of all deployments that have not ended."""
        with self._database.read() as connection:
            return active_plans(connection)

    def set_plan_alarm(self, alarm: PlanAlarm, *, seconds: float) -> None:
        """Have the plans looked at again; not if none is active."""
        with self._database.write() as connection:
            alarm.set(connection, at=to_seconds(now()), seconds=seconds)

    def replays(self, name: str) -> list[AnswerComparison]:
        """The last results of replays, newest first."""
        with self._database.read() as connection:
            return read_replays(connection, name)

    def add_replay(self, found: AnswerComparison, *, user: str) -> AnswerComparison:
        """Keep the result of a replay; returns it with its number."""
        with self._database.write() as connection:
            kept = write_replay(connection, found, user)
            announce(connection, found.deployment, version=found.version, replay=kept.id)
            return kept

    def set_up(self, names: Sequence[str], up: bool, *, user: str = "") -> int:
        """Request deployments to be up or down. Versions that were stopped with the deployment are
        started again.
        """
        with self._database.write() as connection:
            for name in names:
                connection.execute(
                    "UPDATE deployment SET up = ?, updated_at = ? WHERE name = ?",
                    (up, to_seconds(now()), name),
                )
                announce(connection, name, up=up)
                verb, text = ("up", "to be up") if up else ("down", "to be down")
                audit.note(connection, name, verb=verb, user=user, text=text)
            return next_wish(connection)

    def audit(self, name: str, *, verb: str, user: str, text: str, reason: str = "") -> None:
        """Note who changes something of a deployment that is not in its history."""
        with self._database.write() as connection:
            audit.note(connection, name, verb=verb, user=user, text=text, reason=reason)

    def delete(self, name: str, *, user: str = "") -> None:
        """Remove a deployment that is down. Raises Conflict if it has been started again."""
        with self._database.write() as connection:
            if read_deployment(connection, name).up:
                raise Conflict(
                    f"Deployment {name} was not deleted.",
                    "It was started again meanwhile.",
                    f"mlinfra deployments show {name}",
                )
            connection.execute("DELETE FROM deployment WHERE name = ?", (name,))
            text = "deleted with its history and its keys"
            audit.note(connection, name, verb="delete", user=user, text=text)
            announce(connection, name, removed=name)
            next_wish(connection)

    def history(self, name: str, *, limit: int = 50, cursor: str | None = None) -> Page[Change]:
        """Changes, newest first."""
        with self._database.read() as connection:
            return read_history(connection, name, limit=limit, cursor=cursor)

    def shares(
        self, name: str, versions: tuple[str, str]
    ) -> tuple[datetime, tuple[int, int]] | None:
        """See `rows.read_shares`."""
        with self._database.read() as connection:
            return read_shares(connection, name, versions)

    def changes(self, name: str) -> list[Change]:
        """All changes, newest first."""
        with self._database.read() as connection:
            return read_changes(connection, name)


def _column(value: Any) -> Any:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return gates_text(value)
    return value


def _own_identity() -> str:
    identity = Identity.of(os.getpid())
    return f"{identity.boot}|{identity.pid}|{identity.start}" if identity else ""
