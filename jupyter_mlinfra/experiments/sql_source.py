"""The fast source: plain SQL on MLflow's SQLite tables, read only, without importing MLflow."""

# ruff: noqa: S608 - names come from the tables of this package, every value is bound

from __future__ import annotations

import contextlib
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ..core.records import next_cursor, parse_cursor
from ..core.refs import reference
from . import curves
from .facts import Ends, FoundRuns, RunFacts, VersionFacts, moment, unknown, value_of
from .query import Filter, Sort
from .spec import Curve, Experiment, Model
from .sql_filter import DATASET_REF, DATASETS_OF_RUNS, add_functions, condition, order
from .store import reading
from .strays import IMPORTED

_ACTIVE = (
    "r.lifecycle_stage = 'active' AND e.lifecycle_stage = 'active' AND e.workspace = 'default'"
)
_RUNS = "runs r JOIN experiments e ON e.experiment_id = r.experiment_id"
_VERSIONS = (
    "model_versions v WHERE v.workspace = 'default' AND v.current_stage != 'Deleted_Internal'"
)
_CHUNK = 500  # ids in one statement


class SqlSource:
    """Reads one file. Each call opens it again (0.3 ms), so that it can be replaced and no read
    transaction stays open.
    """

    reason = ""

    def __init__(self, path: Path, ends: Ends = unknown) -> None:
        self._path = path
        self._ends = cache(ends)

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection | None]:
        """A connection in one short read transaction; None if nothing was ever tracked."""
        if not self._path.exists():
            yield None
            return
        with (
            reading(self._path),
            contextlib.closing(
                sqlite3.connect(
                    f"{self._path.as_uri()}?mode=ro", uri=True, timeout=20, isolation_level=None
                )
            ) as connection,
        ):
            add_functions(connection, self._ends)
            connection.execute("BEGIN")
            yield connection

    def experiments(self) -> list[Experiment]:
        with self._open() as connection:
            if connection is None:
                return []
            rows = connection.execute(
                """SELECT e.experiment_id, e.name, count(r.run_uuid),
                    max(coalesce(r.end_time, r.start_time)), e.last_update_time
                FROM experiments e LEFT JOIN runs r
                    ON r.experiment_id = e.experiment_id AND r.lifecycle_stage = 'active'
                WHERE e.lifecycle_stage = 'active' AND e.workspace = 'default'
                GROUP BY e.experiment_id"""
            ).fetchall()
        experiments = [
            Experiment(
                ref=reference("experiment", name),
                id=str(number),
                name=name,
                runs=runs,
                updated_at=moment(used or changed),
            )
            for number, name, runs, used, changed in rows
            if runs or number != 0
        ]
        return sorted(
            experiments,
            key=lambda item: (-item.updated_at.timestamp() if item.updated_at else 0, item.name),
        )

    def experiment_id(self, name: str) -> str | None:
        with self._open() as connection:
            if connection is None:
                return None
            row = connection.execute(
                """SELECT experiment_id FROM experiments
                WHERE (name = ? OR CAST(experiment_id AS TEXT) = ?)
                    AND lifecycle_stage = 'active' AND workspace = 'default'
                ORDER BY name = ? DESC LIMIT 1""",
                (name, name, name),
            ).fetchone()
        return str(row[0]) if row else None

    def runs(
        self,
        experiment: str | None,
        run_filter: Filter | None,
        sorts: Sequence[Sort],
        cursor: str | None,
        count: int,
    ) -> FoundRuns:
        start = parse_cursor(cursor)
        where, values = [_ACTIVE], list[Any]()
        if experiment is not None:
            where.append("r.experiment_id = ?")
            values.append(int(experiment))
        if run_filter is not None:
            text, parameters = condition(run_filter)
            where.append(text)
            values += parameters
        join, keys, order_by = order(sorts)
        everything = f"{_RUNS} {{}} WHERE {' AND '.join(where)}"
        with self._open() as connection:
            if connection is None:
                return FoundRuns(runs=[], total=0)
            total = connection.execute(
                f"SELECT count(*) FROM {everything.format('')}", values
            ).fetchone()[0]
            ids = connection.execute(
                f"SELECT r.run_uuid FROM {everything.format(join)} ORDER BY {order_by}"
                " LIMIT ? OFFSET ?",
                [*keys, *values, count, start],
            ).fetchall()
            runs = self._with_job_ends(connection, [row[0] for row in ids])
        return FoundRuns(runs=runs, total=total, cursor=next_cursor(start, len(runs), total))

    def run_states(self, experiment: str) -> list[tuple[str, str, int | None]]:
        with self._open() as connection:
            if connection is None:
                return []
            columns = "r.run_uuid, lower(r.status), r.end_time"
            return connection.execute(
                f"SELECT {columns} FROM {_RUNS} WHERE {_ACTIVE} AND r.experiment_id = ? ORDER BY 1",
                (int(experiment),),
            ).fetchall()

    def run_ids(self, beginning: str) -> list[str]:
        with self._open() as connection:
            if connection is None:
                return []
            rows = connection.execute(
                f"SELECT r.run_uuid FROM {_RUNS} WHERE {_ACTIVE} AND r.run_uuid >= ? AND r.run_uuid"
                " < ? ORDER BY 1 LIMIT 10",
                (beginning, beginning + "\U0010ffff"),
            )
            return [row[0] for row in rows]

    def several(self, ids: Sequence[str]) -> list[RunFacts]:
        with self._open() as connection:
            return [] if connection is None else self._with_job_ends(connection, ids)

    def curve_metrics(self, ids: Sequence[str]) -> list[str]:
        with self._open() as connection:
            if connection is None:
                return []
            marks = ",".join("?" * len(ids))
            return [
                row[0]
                for row in connection.execute(
                    f"SELECT DISTINCT key FROM latest_metrics WHERE run_uuid IN ({marks}) AND step"
                    " > 0 ORDER BY key",
                    list(ids),
                )
            ]

    def curve(self, run: str, metric: str, points: int) -> Curve | None:
        with self._open() as connection:
            return None if connection is None else curves.from_sql(connection, run, metric, points)

    def models(self) -> list[Model]:
        with self._open() as connection:
            if connection is None:
                return []
            rows = connection.execute(
                "SELECT name, last_updated_time, description FROM registered_models WHERE workspace"
                " = 'default'"
            ).fetchall()
            counts = dict(
                connection.execute(
                    f"SELECT v.name, count(*) FROM {_VERSIONS} GROUP BY v.name"
                ).fetchall()
            )
            aliases = _aliases(connection)
        models = [
            Model(
                ref=reference("model", name),
                name=name,
                versions=counts.get(name, 0),
                aliases=dict(sorted(aliases[name].items())),
                updated_at=moment(changed),
                description=description or "",
            )
            for name, changed, description in rows
        ]
        return sorted(
            models,
            key=lambda item: (-item.updated_at.timestamp() if item.updated_at else 0, item.name),
        )

    def versions(self, model: str, limit: int) -> list[VersionFacts]:
        return self._versions("v.name = ? ORDER BY v.version DESC LIMIT ?", (model, limit))

    def version(self, model: str, version: int) -> VersionFacts | None:
        return next(iter(self._versions("v.name = ? AND v.version = ?", (model, version))), None)

    def _versions(self, condition: str, values: Sequence[Any]) -> list[VersionFacts]:
        with self._open() as connection:
            if connection is None:
                return []
            columns = (
                "v.name, v.version, v.run_id, v.creation_time, v.source, v.storage_location,"
                " v.description"
            )
            rows = connection.execute(
                f"SELECT {columns} FROM {_VERSIONS} AND {condition}", values
            ).fetchall()
            aliases = _aliases(connection)
            tags: dict[tuple[str, int], dict[str, str]] = defaultdict(dict)
            for name in {row[0] for row in rows}:
                for version, key, value in connection.execute(
                    "SELECT version, key, value FROM model_version_tags WHERE workspace = 'default'"
                    " AND name = ?",
                    (name,),
                ):
                    tags[name, version][key] = value or ""
        return [
            VersionFacts(
                model=name,
                version=version,
                run=run or None,
                created=created,
                source=source or "",
                location=location or source or "",
                aliases=[alias for alias, number in aliases[name].items() if number == version],
                tags=tags[name, version],
                description=description or "",
            )
            for name, version, run, created, source, location, description in rows
        ]

    def logged_models(self, run: str) -> Mapping[str, tuple[str, str]]:
        with self._open() as connection:
            if connection is None:
                return {}
            rows = connection.execute(
                """SELECT name, model_id, artifact_location FROM logged_models
                WHERE source_run_id = ? AND lifecycle_stage = 'active'
                ORDER BY creation_timestamp_ms""",
                (run,),
            ).fetchall()
        return {name: (f"models:/{number}", location) for name, number, location in rows}

    def imported(self) -> set[str]:
        with self._open() as connection:
            if connection is None:
                return set()
            return {
                row[0]
                for row in connection.execute("SELECT value FROM tags WHERE key = ?", (IMPORTED,))
            }

    def _with_job_ends(self, connection: sqlite3.Connection, ids: Sequence[str]) -> list[RunFacts]:
        return [run.with_job_end(self._ends) for run in _facts(connection, ids)]

    def stamp(self) -> str:
        parts = []
        for path in (self._path, self._path.with_name(self._path.name + "-wal")):
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                parts.append(f"{status.st_ino}:{status.st_mtime_ns}:{status.st_size}")
        return "/".join(parts)


def _aliases(connection: sqlite3.Connection) -> dict[str, dict[str, int]]:
    aliases: dict[str, dict[str, int]] = defaultdict(dict)
    for name, alias, version in connection.execute(
        "SELECT name, alias, version FROM registered_model_aliases WHERE workspace = 'default'"
    ):
        aliases[name][alias] = version
    return aliases


def _facts(connection: sqlite3.Connection, ids: Sequence[str]) -> list[RunFacts]:
    facts_of: dict[str, RunFacts] = {}
    for start in range(0, len(ids), _CHUNK):
        facts_of |= _chunk(connection, ids[start : start + _CHUNK])
    return [facts_of[id] for id in ids if id in facts_of]


def _chunk(connection: sqlite3.Connection, ids: Sequence[str]) -> dict[str, RunFacts]:
    among = f"IN ({','.join('?' * len(ids))})"
    metrics: dict[str, dict[str, float]] = defaultdict(dict)
    for id, key, value, is_nan in connection.execute(
        f"SELECT run_uuid, key, value, is_nan FROM latest_metrics WHERE run_uuid {among} ORDER"
        " BY key",
        ids,
    ):
        metrics[id][key] = value_of(value, is_nan)
    params, tags = (_texts(connection, table, among, ids) for table in ("params", "tags"))
    datasets: dict[str, list[str]] = defaultdict(list)
    for id, ref in connection.execute(
        f"SELECT i.destination_id, {DATASET_REF} FROM {DATASETS_OF_RUNS} AND i.destination_id"
        f" {among}",
        ids,
    ):
        datasets[id].append(ref)
    versions = _versions_of(connection, among, ids)
    columns = (
        "r.run_uuid, coalesce(r.name, ''), e.name, lower(r.status), r.user_id, r.start_time,"
        " r.end_time"
    )
    rows = connection.execute(
        f"SELECT {columns} FROM {_RUNS} WHERE {_ACTIVE} AND r.run_uuid {among}", ids
    )
    return {
        id: RunFacts(
            id=id,
            name=name,
            experiment=experiment,
            status=status,
            user=tags[id].get("mlflow.user") or user or "",
            started=started,
            ended=ended,
            metrics=metrics[id],
            params=params[id],
            tags=tags[id],
            datasets=sorted(datasets[id]),
            versions=versions[id],
        )
        for id, name, experiment, status, user, started, ended in rows
    }


def _texts(
    connection: sqlite3.Connection, table: str, among: str, ids: Sequence[str]
) -> Mapping[str, dict[str, str]]:
    """By run, the texts of `params` or `tags` by their keys, in order."""
    texts: dict[str, dict[str, str]] = defaultdict(dict)
    for id, key, text in connection.execute(
        f"SELECT run_uuid, key, value FROM {table} WHERE run_uuid {among} ORDER BY key", ids
    ):
        texts[id][key] = text or ""
    return texts


def _versions_of(
    connection: sqlite3.Connection, among: str, ids: Sequence[str]
) -> Mapping[str, list[str]]:
    """By run, the references of the model versions that were registered from it, in order."""
    versions: dict[str, list[str]] = defaultdict(list)
    for id, model, number in connection.execute(
        f"SELECT v.run_id, v.name, v.version FROM {_VERSIONS} AND v.run_id {among} ORDER BY v.name,"
        " v.version",
        ids,
    ):
        versions[id].append(reference("version", model, str(number)))
    return versions
