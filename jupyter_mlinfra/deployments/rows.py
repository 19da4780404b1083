"""Deployments, versions and changes as they are stored, and their reading from `state.db`."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path

from ..core.errors import NotFound
from ..core.newest import newest_first
from ..core.processes import Identity
from ..core.records import Page, from_seconds
from .delivery.plans import STEP
from .spec import Change, Gate, VersionState

INTERRUPTED = "Its deploy was interrupted."
"""The reason of such a version."""

BUNDLES = Path("deployments", "bundles")
"""Beside the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """One version. wanted: keeps processes while the deployment is up. proved: its tests have
    passed. deployer: the process that deploys it. shadow: percent of the requests of which it gets
    a copy.
    """

    deployment: str
    version: str
    number: int
    bundle: str
    python: str
    state: VersionState
    reason: str
    traffic: int
    shadow: int
    wanted: bool
    proved: bool
    gates: Sequence[Gate]
    workers: int
    runtime: str
    deployer: Identity | None
    created_at: datetime
    used_at: datetime

    @property
    def interrupted(self) -> bool:
        """Whether the process that deploys it has ended before its tests did."""
        return (
            not self.proved
            and self.state is not VersionState.FAILED
            and self.deployer is not None
            and not self.deployer.alive()
        )


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

    @property
    def shadows(self) -> dict[str, int]:
        """Percent of the requests of which each shadow gets a copy."""
        return {row.version: row.shadow for row in self.versions if row.shadow}

    @property
    def packaged(self) -> VersionRow | None:
        """The version with most traffic; the newest one while none has any, None before one is
        packaged.
        """
        return max(
            (item for item in self.versions if item.bundle),
            key=lambda item: (item.traffic, item.number),
            default=None,
        )

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
        names = ", ".join(row.version for row in self.versions) or "none"
        raise NotFound(
            f"Deployment {self.name} has no version {version}.",
            f"It has: {names}.",
            f"mlinfra deployments deploy {self.model}/{label.removeprefix('v')}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRow:
    """What was requested of the target. wish: number of the last requested change. done: of the
    last one carried out. trouble: why the target cannot continue.
    """

    wish: int
    done: int
    port: int
    trouble: str


def read_deployment(connection: sqlite3.Connection, name: str) -> DeploymentRow:
    """One deployment with its versions. Raises NotFound."""
    row = connection.execute("SELECT * FROM deployment WHERE name = ?", (name,)).fetchone()
    if row is None:
        names = read_names(connection)
        similar = get_close_matches(name, names, n=3)
        raise NotFound(
            f"There is no deployment {name}.",
            f"There is: {', '.join(names[:10])}." if names else "There are none yet.",
            f"Perhaps: {', '.join(similar)}."
            if similar
            else "mlinfra deployments deploy MODEL/VERSION",
        )
    versions = connection.execute(
        "SELECT * FROM deployment_version WHERE deployment = ? ORDER BY number", (name,)
    ).fetchall()
    bundles = _bundles(connection)
    return _deployment(row, [_version(item, bundles) for item in versions])


def read_names(connection: sqlite3.Connection) -> list[str]:
    """The names of all deployments, in order."""
    return [row["name"] for row in connection.execute("SELECT name FROM deployment ORDER BY name")]


def read_deployments(connection: sqlite3.Connection) -> list[DeploymentRow]:
    """All deployments with their versions, by name."""
    rows = connection.execute("SELECT * FROM deployment ORDER BY name").fetchall()
    versions = defaultdict[str, list[VersionRow]](list)
    bundles = _bundles(connection)
    for item in connection.execute("SELECT * FROM deployment_version ORDER BY deployment, number"):
        versions[item["deployment"]].append(_version(item, bundles))
    return [_deployment(row, versions[row["name"]]) for row in rows]


def read_history(
    connection: sqlite3.Connection, name: str, *, limit: int, cursor: str | None
) -> Page[Change]:
    """A page of the history of a deployment, newest first."""
    return newest_first(
        connection,
        "deployment_change",
        _change,
        where="deployment = ?",
        values=(name,),
        limit=limit,
        cursor=cursor,
    )


def read_changes(connection: sqlite3.Connection, name: str) -> list[Change]:
    """The whole history of a deployment, newest first."""
    rows = connection.execute(
        "SELECT * FROM deployment_change WHERE deployment = ? ORDER BY id DESC", (name,)
    ).fetchall()
    return [_change(row) for row in rows]


def read_shares(
    connection: sqlite3.Connection, name: str, versions: tuple[str, str]
) -> tuple[datetime, tuple[int, int]] | None:
    """The present shares of two versions, percent, and since when they have had both, by the
    history, however long it is; None without one.
    """
    percent = "coalesce(json_extract(traffic, ?), 0)"
    places = [f'$."{version}"' for version in versions]
    newest = connection.execute(
        f"SELECT {percent}, {percent} FROM deployment_change WHERE deployment = ?"  # noqa: S608
        " ORDER BY id DESC LIMIT 1",
        (*places, name),
    ).fetchone()
    if newest is None:
        return None
    other = (
        f"SELECT id FROM deployment_change WHERE deployment = ? AND ({percent}, {percent}) <> (?,"  # noqa: S608
        " ?) ORDER BY id DESC LIMIT 1"
    )
    first = connection.execute(
        f"SELECT at FROM deployment_change WHERE deployment = ? AND id > coalesce(({other}), 0)"  # noqa: S608
        " ORDER BY id LIMIT 1",
        (name, name, *places, *newest),
    ).fetchone()
    return from_seconds(first["at"]), (newest[0], newest[1])


def read_earlier_traffic(
    connection: sqlite3.Connection, name: str
) -> list[tuple[int, dict[str, int]]]:
    """Change id and traffic of each state before the present one, newest first.

    A stack: each change adds its traffic on top, a rollback removes what it undid. So a rollback
    never leads to what an earlier one has undone. A further step of a plan replaces the one before
    it, so that a rollback leads to what was before the plan.
    """
    rows = connection.execute(
        # Lines that left the traffic as it was are many, and put nothing on the stack.
        "SELECT id, verb, traffic, returns_to FROM (SELECT id, verb, traffic, returns_to,"
        " lag(traffic) OVER (ORDER BY id) AS before FROM deployment_change WHERE deployment = ?)"
        " WHERE returns_to IS NOT NULL OR traffic IS NOT before ORDER BY id",
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
            if row["verb"] == STEP and stack:
                stack.pop()
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


def _bundles(connection: sqlite3.Connection) -> Path:
    """Where the project that has this database keeps its bundles, however it was called when they
    were made.
    """
    _, _, file = connection.execute("PRAGMA database_list").fetchone()
    return Path(file).parent / BUNDLES


def _version(row: sqlite3.Row, bundles: Path) -> VersionRow:
    bundle = row["bundle"]
    if bundle and (own := bundles / Path(bundle).name).is_dir():
        bundle = str(own)  # also after the project's folder was moved
    deployer = row["deployer"].split("|") if row["deployer"] else None
    return VersionRow(
        deployment=row["deployment"],
        version=row["version"],
        number=row["number"],
        bundle=bundle,
        python=row["python"],
        state=VersionState(row["state"]),
        reason=row["reason"],
        traffic=row["traffic"],
        shadow=row["shadow"],
        wanted=bool(row["wanted"]),
        proved=bool(row["proved"]),
        gates=[Gate(**gate) for gate in json.loads(row["gates"])],
        workers=row["workers"],
        runtime=row["runtime"],
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


def gates_text(gates: Sequence[Gate]) -> str:
    """Tests as they are stored."""
    return json.dumps([asdict(gate) for gate in gates])
