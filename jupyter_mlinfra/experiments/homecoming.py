"""Collect what a job on another machine left in its outbox: events, lineage and tracked runs, under
the same ids.

This may be killed and repeated: each run is written in one transaction with everything that belongs
to it, over what was collected before.

python -m jupyter_mlinfra.experiments.homecoming ROOT OUTBOX…
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import sys
from pathlib import Path

from ..core.domains import topics
from ..core.errors import Unavailable
from ..core.events import append
from ..core.files import file_lock, read_regular
from ..core.outbox import (
    ARTIFACTS,
    EVENTS,
    LINEAGE,
    RUNS,
    RUNS_FILES,
    brought,
    contents,
    note_brought,
)
from ..core.passwords import without_passwords
from ..core.project import Project
from .store import TrackingStore, reading
from .tracking import experiment_id

# Ordered so that no row comes before what it belongs to. Registered models are missing: only the
# project's own registry has them.
_TABLES = (
    "runs",
    "params",
    "metrics",
    "latest_metrics",
    "tags",
    "datasets",
    "inputs",
    "input_tags",
    "logged_models",
    "logged_model_metrics",
    "logged_model_params",
    "logged_model_tags",
    "trace_info",
    "trace_tags",
    "trace_request_metadata",
    "trace_metrics",
    "spans",
    "span_metrics",
    "assessments",
    "entity_associations",
)
_PATH_COLUMNS = {
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("trace_tags", "value"),
}
"""Columns that may contain the path of files."""
_DATASET = """coalesce((
    SELECT own.dataset_uuid FROM node.datasets AS its
    JOIN main.datasets AS own ON own.name = its.name AND own.digest = its.digest
    JOIN temp.experiment AS e ON e.its = its.experiment_id AND e.own = own.experiment_id
    WHERE its.dataset_uuid = t.source_id
), t.source_id)"""


def bring_home(project: Project, folder: Path) -> None:
    """Collect the content of an outbox. Raises Unavailable; what was not collected stays there."""
    with file_lock(project.folder("jobs") / "homecoming.lock"):
        store, collected = TrackingStore(project), brought(folder)
        if (folder / RUNS).is_file():
            _upgrade(store, folder / RUNS)
        current = contents(folder)
        if any(current.get(name) != collected.get(name) for name in RUNS_FILES):
            _copy_runs(store, folder)
        _copy_lineage(project, folder)
        start, stop = (stamps.get(EVENTS, [0])[0] for stamps in (collected, current))
        if stop > start:
            _copy_events(project, folder, start=start, stop=stop)
        note_brought(folder, current)
        if stop > start:
            with project.database.write() as connection:
                connection.execute("DELETE FROM outbox WHERE job = ?", (folder.parent.name,))


def _copy_lineage(project: Project, folder: Path) -> None:
    """Lineage files have names that no other process uses: each is copied as it is, over an earlier
    copy.
    """
    for path in (folder / LINEAGE).glob("*.jsonl"):
        target = project.folder(LINEAGE) / path.name
        draft = target.with_name(f".{target.name}")
        draft.write_bytes(read_regular(path))
        draft.replace(target)


def _copy_events(project: Project, folder: Path, *, start: int, stop: int) -> None:
    """Copy each event once: the position is stored in the same transaction, in case this is killed
    before it is noted in the outbox.
    """
    data, job = read_regular(folder / EVENTS), folder.parent.name
    with project.database.write() as connection:
        stored = connection.execute("SELECT bytes FROM outbox WHERE job = ?", (job,)).fetchone()
        for line in data[max(start, stored[0] if stored else 0) : stop].splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError):  # torn by a killed job
                event = json.loads(line)
                if event["topic"] in topics():
                    append(connection, event["topic"], str(event["ref"]), event["data"])
        connection.execute("INSERT OR REPLACE INTO outbox (job, bytes) VALUES (?, ?)", (job, stop))


def _upgrade(store: TrackingStore, source: Path) -> None:
    """Upgrade the schema: another version of MLflow may have made the file."""
    try:
        store.migrate(source)
    except Exception as error:
        raise Unavailable(
            f"The runs in {source} cannot be read.",
            str(error).partition("\n")[0][:500],
            "Look at that file; collecting it is tried again.",
        ) from error


def _copy_runs(store: TrackingStore, folder: Path) -> None:
    source = folder / RUNS
    if store.sqlite is None:
        raise Unavailable(
            f"The runs in {source} were not collected.",
            "The project now keeps its runs on a server.",
            f"Look at {source} with MLflow.",
        )
    client = store.client()
    with (
        reading(source),
        contextlib.closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True)) as connection,
    ):
        names = connection.execute(
            "SELECT experiment_id, name FROM experiments WHERE experiment_id IN (SELECT"
            " experiment_id FROM runs)"
        ).fetchall()
    experiments = [(its, int(experiment_id(store, client, name))) for its, name in names]
    if (folder / ARTIFACTS).is_dir() and store.artifacts:
        shutil.copytree(folder / ARTIFACTS, store.artifacts, dirs_exist_ok=True)
    with (
        reading(store.sqlite),
        contextlib.closing(
            sqlite3.connect(store.sqlite, timeout=60, isolation_level=None)
        ) as connection,
    ):
        connection.execute("ATTACH ? AS node", (str(source),))
        connection.execute("CREATE TEMP TABLE experiment (its INTEGER PRIMARY KEY, own INTEGER)")
        connection.executemany("INSERT INTO temp.experiment VALUES (?, ?)", experiments)
        connection.execute("BEGIN IMMEDIATE")
        for table in _TABLES:
            _copy_table(connection, table, (str(folder / ARTIFACTS), store.artifacts or ""))
        connection.execute("COMMIT")


def _copy_table(
    connection: sqlite3.Connection, table: str, artifact_roots: tuple[str, str]
) -> None:
    """Copy the rows of one table. artifact_roots: of the outbox and of the project. All names are
    MLflow's own.
    """
    own, incoming = (
        [row[1] for row in connection.execute(f"PRAGMA {schema}.table_info({table})")]
        for schema in ("main", "node")
    )
    columns = [name for name in own if name in incoming]
    if not columns:
        return
    values, parameters = list[str](), list[str]()
    for name in columns:
        if name == "experiment_id":
            values.append("(SELECT own FROM temp.experiment WHERE its = t.experiment_id)")
        elif (table, name) in _PATH_COLUMNS:
            values.append(
                f"CASE WHEN instr(t.{name}, ?) = 1 THEN ? || substr(t.{name}, length(?) + 1) ELSE"
                f" t.{name} END"
            )
            parameters += [artifact_roots[0], artifact_roots[1], artifact_roots[0]]
        elif (table, name) == ("inputs", "source_id"):
            values.append(
                f"CASE WHEN t.source_type = 'DATASET' THEN {_DATASET} ELSE t.source_id END"
            )
        else:
            values.append(f"t.{name}")
    # If both sides know a dataset, the one here stays.
    conflict = "IGNORE" if table == "datasets" else "REPLACE"
    where = (
        "WHERE t.experiment_id IN (SELECT its FROM temp.experiment)"
        if "experiment_id" in columns
        else ""
    )
    connection.execute(
        f"INSERT OR {conflict} INTO main.{table} ({', '.join(columns)})"  # noqa: S608
        f" SELECT {', '.join(values)} FROM node.{table} AS t {where}",
        parameters,
    )


def main() -> None:
    """Collect the outboxes that the command line names."""
    root, *folders = sys.argv[1:]
    project = Project.open(root)
    for folder in folders:
        try:
            bring_home(project, Path(folder))
        except Exception as error:  # noqa: BLE001 - one broken outbox does not stop the others
            sys.stderr.write(
                f"The outbox {folder} was not collected: {type(error).__name__}:"
                f" {without_passwords(str(error))}\n"
            )


if __name__ == "__main__":
    main()
