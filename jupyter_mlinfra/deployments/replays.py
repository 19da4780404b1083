"""Results of replays, as they are stored."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import fields, replace
from datetime import datetime

from ..core.records import from_seconds, to_json, to_seconds
from .comparing import AnswerComparison

KEPT = 20
"""Results of one deployment; older ones are removed."""

_MOMENTS = ("since", "until")


def write_replay(
    connection: sqlite3.Connection, found: AnswerComparison, user: str
) -> AnswerComparison:
    """Keep a result; returns it with its number and its user."""
    cursor = connection.execute(
        "INSERT INTO deployment_replay (deployment, version, at, user, result) VALUES"
        " (?, ?, ?, ?, ?)",
        (found.deployment, found.version, to_seconds(found.at), user, json.dumps(to_json(found))),
    )
    connection.execute(
        "DELETE FROM deployment_replay WHERE deployment = ? AND id NOT IN (SELECT id FROM"
        " deployment_replay WHERE deployment = ? ORDER BY id DESC LIMIT ?)",
        (found.deployment, found.deployment, KEPT),
    )
    return replace(found, id=int(cursor.lastrowid or 0), user=user)


def read_replays(connection: sqlite3.Connection, deployment: str) -> list[AnswerComparison]:
    """Those of a deployment, newest first."""
    rows = connection.execute(
        "SELECT * FROM deployment_replay WHERE deployment = ? ORDER BY id DESC", (deployment,)
    ).fetchall()
    return [_replay(row) for row in rows]


def _replay(row: sqlite3.Row) -> AnswerComparison:
    known = {item.name for item in fields(AnswerComparison)}
    result = {name: value for name, value in json.loads(row["result"]).items() if name in known}
    moments = {name: datetime.fromisoformat(result[name]) for name in _MOMENTS}
    own = {"id": row["id"], "at": from_seconds(row["at"]), "user": row["user"]}
    return AnswerComparison(**{**result, **moments, **own})
