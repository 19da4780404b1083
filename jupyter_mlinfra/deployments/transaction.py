"""One change of a deployment's traffic and of its versions: nobody sees any of it before the
transaction ends.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..core import events
from ..core.errors import Conflict
from ..core.records import now, to_seconds
from .access import audit
from .delivery.plans import Plans
from .rows import DeploymentRow, gates_text, read_deployment, read_earlier_traffic
from .spec import Gate, VersionState
from .state import advance, checked_traffic, describe

if TYPE_CHECKING:
    from .delivery.alarm import PlanAlarm

KEEPER = "keeper"
"""The verb of lines of the history that say what has happened to processes."""

KEEPER_LINES = 1000
"""So many of them are kept, the newest; those of people and plans all are."""


class Transaction:
    """A change in progress. row: the deployment as this transaction has left it. wish: the number
    of the change for the target; 0 if it has nothing to do. plans: of progressive delivery.
    """

    def __init__(self, connection: sqlite3.Connection, row: DeploymentRow) -> None:
        self._connection = connection
        self.row = row
        self.wish = 0
        self.plans = Plans(connection, row.name)

    def earlier_traffic(self) -> list[tuple[int, dict[str, int]]]:
        """See `rows.read_earlier_traffic`."""
        return read_earlier_traffic(self._connection, self.row.name)

    def set_alarm(self, alarm: PlanAlarm, *, at: float, seconds: float) -> None:
        """Have plans looked at, as this transaction leaves them."""
        alarm.set(self._connection, at=at, seconds=seconds)

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

        a sum other than 100 %, or more traffic for a version that has not passed its tests, is
        refused here. A plan ends when anything but its own step moves traffic, and a version with
        traffic is no shadow.
        """
        before, at = self.row.traffic, to_seconds(now())
        traffic = checked_traffic(
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
        self._connection.execute(
            "UPDATE deployment_version SET shadow = 0 WHERE deployment = ? AND traffic > 0",
            (self.row.name,),
        )
        if traffic != before:
            self.plans.end_by(verb, traffic, reason)
        self.record(
            verb=verb,
            user=user,
            reason=reason,
            traffic=traffic,
            text=", ".join(part for part in (text, describe(before, traffic)) if part)
            or "as it was",
            returns_to=returns_to,
        )
        self.row = read_deployment(self._connection, self.row.name)

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
        """Write one line of the history and its event, and increase the wish. Of the lines of the
        keeper, which move no traffic, the oldest are removed.
        """
        at = to_seconds(now())
        self._connection.execute(
            "INSERT INTO deployment_change (deployment, at, user, verb, text, reason, traffic,"
            " returns_to) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (self.row.name, at, user, verb, text, reason, json.dumps(dict(traffic)), returns_to),
        )
        self._connection.execute(
            "UPDATE deployment SET updated_at = ? WHERE name = ?", (at, self.row.name)
        )
        if verb == KEEPER:
            self._connection.execute(
                "DELETE FROM deployment_change WHERE deployment = :name AND verb = :verb AND id <="
                " (SELECT id FROM deployment_change WHERE deployment = :name AND verb = :verb"
                " ORDER BY id DESC LIMIT 1 OFFSET :kept)",
                {"name": self.row.name, "verb": KEEPER, "kept": KEEPER_LINES},
            )
        announce(self._connection, self.row.name, verb=verb, traffic=dict(traffic), text=text)
        if user:  # else it is the keeper
            audit.note(
                self._connection, self.row.name, verb=verb, user=user, text=text, reason=reason
            )
        self.wish = next_wish(self._connection)

    def shadow(
        self, version: str, percent: int, *, verb: str, user: str, reason: str, text: str = ""
    ) -> None:
        """Give a version copies of so many percent of the requests; 0 ends that. Raises Conflict
        for one that has traffic, or has not passed its tests.
        """
        item = self.row.version(version)
        if percent and (item.traffic or not item.proved):
            raise Conflict(
                f"{item.version} of {self.row.name} cannot be a shadow.",
                f"It has {item.traffic} % of the traffic."
                if item.traffic
                else item.reason or "It has not passed its tests.",
                f"mlinfra deployments show {self.row.name}",
            )
        if percent and not any(self.row.traffic.values()):
            raise Conflict(
                f"{item.version} of {self.row.name} cannot be a shadow.",
                "No version has traffic that could be copied.",
                f"mlinfra deployments promote {self.row.name} {item.version}",
            )
        self._connection.execute(
            "UPDATE deployment_version SET shadow = ?, used_at = ? WHERE deployment = ? AND"
            " version = ?",
            (percent, to_seconds(now()), self.row.name, item.version),
        )
        said = f"{item.version} gets copies of {item.shadow} → {percent} % of the requests"
        self.record(
            verb=verb,
            user=user,
            reason=reason,
            traffic=self.row.traffic,
            text=", ".join(part for part in (text, said) if part),
        )
        self.row = read_deployment(self._connection, self.row.name)

    def ready(self, version: str, gates: Sequence[Gate]) -> None:
        """Record that a version has passed its tests."""
        row = self.row.version(version)
        state = advance(version, row.state, VersionState.READY)
        self._connection.execute(
            "UPDATE deployment_version SET state = ?, reason = '', proved = 1, wanted = 1, gates ="
            " ?, deployer = '', used_at = ? WHERE deployment = ? AND version = ?",
            (state, gates_text(gates), to_seconds(now()), self.row.name, version),
        )
        announce(self._connection, self.row.name, version=version, state=state)
        self.row = read_deployment(self._connection, self.row.name)
        self.wish = next_wish(self._connection)

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
        reason = "" if same else reason
        self._connection.execute(
            "UPDATE deployment_version SET state = ?, reason = ?, wanted = ? WHERE deployment = ?"
            " AND version = ?",
            (advance(version, row.state, state), reason, same, self.row.name, version),
        )
        if row.state is not state or row.reason != reason:
            announce(self._connection, self.row.name, version=version, state=state, reason=reason)
        self.row = read_deployment(self._connection, self.row.name)
        self.wish = next_wish(self._connection)

    def set_wanted(self, version: str, wanted: bool) -> None:
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
        self.row = read_deployment(self._connection, self.row.name)
        self.wish = next_wish(self._connection)

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
        self.row = read_deployment(self._connection, self.row.name)


def last_wish(connection: sqlite3.Connection) -> int:
    """The number of the last change that a target must carry out."""
    return int(connection.execute("SELECT wish FROM deployment_target").fetchone()[0])


def next_wish(connection: sqlite3.Connection) -> int:
    """Request that the target carries out what this transaction changes; returns its number."""
    connection.execute("UPDATE deployment_target SET wish = wish + 1")
    return last_wish(connection)


def announce(connection: sqlite3.Connection, name: str, **data: Any) -> None:
    """Write an event of the deployment, in the same transaction."""
    events.append(connection, "deployment", f"deployment:{name}", data)
