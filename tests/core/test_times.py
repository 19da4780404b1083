"""Times in `state.db` are seconds since 1970; those that were text before are converted.

`state_0011.sql` is what the revision before wrote in a project that had run everything, with odd
times beside; `state_0011.json` is what that revision showed of it.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import to_json
from jupyter_mlinfra.deployments.store import DeploymentStore
from jupyter_mlinfra.deployments.targets.process_table import ProcessTable
from jupyter_mlinfra.monitoring.alerts.store import AlertStore
from jupyter_mlinfra.monitoring.state import STALE
from jupyter_mlinfra.monitoring.store import MonitorStore

HERE = Path(__file__).parent
WERE_TEXT = {
    "event": {"at"},
    "deployment": {"created_at", "updated_at"},
    "deployment_version": {"created_at", "used_at"},
    "deployment_change": {"at"},
    "deployment_process": {"started_at"},
    "monitor": {"created_at", "evaluated_at", "last_request_at"},
    "alert": {"since", "evaluated_at"},
}
NOON = 1_772_366_400.0
"""2026-03-01T12:00:00Z, as `date -d … +%s` has it."""
LATER = datetime(2027, 6, 1, tzinfo=UTC)
"""When `state_0011.json` was made: what is not judged for hours is shown without a verdict."""
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
def old(project: Project) -> Iterator[Callable[[], sqlite3.Connection]]:
    """Opens the state of a project as the revision before has left it."""
    path = project.home / "state.db"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((HERE / "state_0011.sql").read_text())
        connection.execute("PRAGMA journal_mode=WAL")
    opened = list[sqlite3.Connection]()

    def open_it() -> sqlite3.Connection:
        opened.append(sqlite3.connect(path))
        opened[-1].row_factory = sqlite3.Row
        return opened[-1]

    yield open_it
    for connection in opened:
        connection.close()


def rows(connection: sqlite3.Connection) -> Rows:
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return {
        name: [dict(row) for row in connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2")]
        for (name,) in tables
        if name not in ("alembic_version", "sqlite_sequence")
    }


def test_every_table_of_the_revision_before_has_rows(
    old: Callable[[], sqlite3.Connection],
) -> None:
    """What the other tests stand on."""
    assert not [name for name, found in rows(old()).items() if not found]


def test_records_are_shown_as_before(
    old: Callable[[], sqlite3.Connection], project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = json.loads((HERE / "state_0011.json").read_text())
    for store in ("store", "alerts.store"):
        monkeypatch.setattr(f"jupyter_mlinfra.monitoring.{store}.now", lambda: LATER)
    deployments, monitors = (
        DeploymentStore(project.database, "test"),
        MonitorStore(project.database),
    )
    found = to_json(deployments.deployments())
    for row in found:
        for item in row["versions"]:
            assert item.pop("runtime") == "seldon-core"  # there was no other one
            assert item.pop("shadow") == 0
            assert {gate.pop("log") for gate in item["gates"]} <= {""}
    assert found == shown["deployments"]
    assert (
        to_json({name: deployments.changes(name) for name in shown["changes"]})
        == (shown["changes"])
    )
    assert to_json(ProcessTable(project.database).rows()) == shown["processes"]
    watching = to_json(monitors.monitors())
    for item in watching:
        assert (item.pop("lately"), item.pop("note")) == ([], "")  # there was neither
    assert watching == shown["monitors"]
    alerts = {alert.name: alert for alert in AlertStore(project.database).alerts()}
    for alert in shown["alerts"]:
        # A verdict that became too old is none from that moment on; it was from its own begin on.
        stale = alert["text"].startswith("not judged")
        since = alerts[alert["name"]].evaluated_at + STALE if stale else alert["since"]
        found = to_json(alerts[alert["name"]])
        ref = alert["ref"]
        ref += f"/{alert['subject']}" if alert["name"] == "drift" else ""  # by feature since
        expected = {**alert, "since": to_json(since), "ref": ref}
        assert {name: found[name] for name in alert} == expected
    assert alerts.keys() == {alert["name"] for alert in shown["alerts"]}
    events = {event.id: to_json(event) for event in project.events.after(0)}
    assert [events[event["id"]] for event in shown["events"]] == shown["events"]


def test_all_else_is_as_it_was(old: Callable[[], sqlite3.Connection], project: Project) -> None:
    def without_times(found: Rows) -> Rows:
        return {
            table: [
                {key: value for key, value in row.items() if key not in WERE_TEXT.get(table, ())}
                for row in rows
            ]
            for table, rows in found.items()
        }

    def schema() -> list[tuple[str, str]]:
        return [
            (row["name"], " ".join(row["sql"].replace('"', "").split()))
            for row in old().execute("SELECT name, sql FROM sqlite_master WHERE type = 'index'")
            if row["sql"]
        ]

    before, indexes = without_times(rows(old())), schema()
    project.events.last_id()
    after = without_times(rows(old()))
    added = {name: after.pop(name) for name in set(after) - set(before)}
    assert set(map(len, added.values())) <= {0}, "tables of later revisions are empty"
    kept = {
        table: [
            {key: value for key, value in row.items() if key in former}
            for row, former in zip(found, before[table], strict=True)
        ]
        for table, found in after.items()
    }
    assert kept == before
    assert {*indexes} <= {*schema()}
    assert old().execute("PRAGMA foreign_key_check").fetchall() == []
    assert old().execute("PRAGMA integrity_check").fetchone()[0] == "ok"


@pytest.mark.parametrize(
    ("ref", "seconds"),
    [
        ("run:a", NOON),
        ("run:b", NOON + 1e-6),
        ("run:c", NOON + 0.999999),
        ("run:d", NOON),
        ("run:f", 1_792_888_200.5),
    ],
)
def test_an_odd_time_is_the_same_moment(
    old: Callable[[], sqlite3.Connection], project: Project, ref: str, seconds: float
) -> None:
    project.events.last_id()
    found = old().execute("SELECT at FROM event WHERE ref = ?", (ref,)).fetchone()["at"]
    assert found == pytest.approx(seconds, abs=3e-7, rel=0)


def test_what_was_no_time_is_none_or_the_beginning(
    old: Callable[[], sqlite3.Connection], project: Project
) -> None:
    project.events.last_id()
    begun = "SELECT at FROM event WHERE ref IN ('run:e', 'run:g')"
    assert [row["at"] for row in old().execute(begun)] == [0.0, 0.0]
    alert = old().execute("SELECT since, evaluated_at FROM alert WHERE monitor = 'new'").fetchone()
    assert tuple(alert) == (NOON, None)
    monitor = old().execute("SELECT * FROM monitor WHERE name = 'new'").fetchone()
    assert (monitor["evaluated_at"], monitor["last_request_at"]) == (None, None)
    hand = old().execute("SELECT created_at FROM deployment_version WHERE deployment = 'hand'")
    assert hand.fetchone()["created_at"] == -0.5


def test_a_number_of_a_row_that_is_gone_is_not_given_again(
    old: Callable[[], sqlite3.Connection], project: Project
) -> None:
    """The fixture's newest event, 2000, and change, 77, were deleted."""
    project.events.emit("run", "run:new")
    assert project.events.last_id() == 2001
    with DeploymentStore(project.database, "test").change("hand") as change:
        change.record(verb="v", user="ana", reason="", traffic={}, text="")
    assert DeploymentStore(project.database, "test").changes("hand")[0].id == 78


def test_a_deleted_deployment_takes_its_rows_along(
    old: Callable[[], sqlite3.Connection], project: Project
) -> None:
    DeploymentStore(project.database, "test").delete("hand")
    for table in ("deployment_version", "deployment_change"):
        query = f"SELECT count(*) FROM {table} WHERE deployment = 'hand'"
        assert old().execute(query).fetchone()[0] == 0


def test_every_time_of_the_schema_is_a_number(project: Project) -> None:
    project.events.last_id()
    with project.database.read() as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        columns = {
            f"{table}.{name}": kind
            for (table,) in tables.fetchall()
            for _, name, kind, *_ in connection.execute(f"PRAGMA table_info({table})")
        }
    times = {
        name: kind
        for name, kind in columns.items()
        if name.endswith(("_at", ".at", ".since", ".due", "_until", ".not_before"))
    }
    assert len(times) >= 25
    assert {name: kind for name, kind in times.items() if kind != "REAL"} == {}


def test_a_kernel_that_runs_since_before_the_upgrade_stops_no_event(
    old: Callable[[], sqlite3.Connection], project: Project
) -> None:
    last = project.events.last_id()
    with closing(old()) as kernel:
        values = ("2026-03-01T12:00:00.250000Z", "run", "run:old", "{}")
        kernel.execute("INSERT INTO event (at, topic, ref, data) VALUES (?, ?, ?, ?)", values)
        kernel.commit()
    project.events.emit("run", "run:new")
    found = project.events.after(last)
    assert [event.ref for event in found] == ["run:old", "run:new"]
    assert found[0].at == "2026-03-01T12:00:00.250000Z"
    assert datetime.fromisoformat(found[1].at).tzinfo is not None


KILLED = """
import os, sys
from alembic import op
from jupyter_mlinfra.core.project import Project
execute, left = op.execute, [int(sys.argv[1])]
def counted(*words, **more):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), 9)
    return execute(*words, **more)
op.execute = counted
Project.open().database.data_version()
"""


@pytest.mark.parametrize("statement", [1, 2, 3, 6, 7, 20, 33])
def test_one_that_is_killed_in_the_midst_leaves_the_old_state_whole(
    old: Callable[[], sqlite3.Connection], project: Project, statement: int
) -> None:
    with closing(old()) as connection:
        before = list(connection.iterdump())
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(statement)],
        cwd=project.root,
        capture_output=True,
        check=False,
    )
    assert done.returncode == -9, (done.stdout, done.stderr)
    with closing(old()) as connection:
        assert list(connection.iterdump()) == before
    monitor = MonitorStore(project.database).show("new")
    assert (monitor.name, monitor.evaluated_at) == ("new", None)


@pytest.mark.parametrize("text", ["2026-03-01T12:00:00Z", "2026-03-01T13:00:00.000000+01:00"])
def test_what_a_process_of_the_revision_before_still_writes_is_read(
    old: Callable[[], sqlite3.Connection], project: Project, text: str
) -> None:
    """A keeper, say, that has run since before the upgrade."""
    project.events.last_id()
    connection = old()
    for table, times in WERE_TEXT.items():
        sets = ", ".join(f"{name} = :text" for name in times)
        connection.execute(f"UPDATE {table} SET {sets}", {"text": text})
    connection.commit()
    deployments, noon = DeploymentStore(project.database, "test"), datetime.fromtimestamp(NOON, UTC)
    found = deployments.deployments()
    assert {row.created_at for row in found} == {row.updated_at for row in found} == {noon}
    assert {version.used_at for row in found for version in row.versions} == {noon}
    assert {change.at for row in found for change in deployments.changes(row.name)} == {noon}
    assert {row.started_at for row in ProcessTable(project.database).rows()} == {noon}
    monitors = MonitorStore(project.database)
    assert {item.evaluated_at for item in monitors.monitors()} == {noon}
    alerts = AlertStore(project.database).alerts()
    assert {item.since for item in alerts} <= {noon, noon + STALE, None}
