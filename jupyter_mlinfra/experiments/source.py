"""Where runs and versions are read: one protocol, two implementations.

`SqlSource` reads MLflow's SQLite tables, if their schema is one that was tested; `ApiSource` asks
MLflow's client, for any store. Both must give equal answers:
`tests/experiments/test_conformance.py`.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from .facts import Ends, FoundRuns, RunFacts, VersionFacts, unknown
from .query import Filter, Sort
from .spec import Curve, Experiment, Model
from .store import TrackingStore, reading

TESTED = frozenset({"dc11669786a5"})
"""Alembic revisions of MLflow's schema that `SqlSource` was tested on: 3.17.0 to 3.17.2."""


class Source(Protocol):
    """What can be read from a store."""

    reason: str
    """Why the slow source is used; empty for the fast one."""

    # Runs are filtered, sorted and returned with the states that `RunFacts.with_job_end` gives.

    def experiments(self) -> list[Experiment]:
        """Active experiments, most recently used first; `Default` only if it has runs. A server
        reports neither the runs nor their times.
        """

    def experiment_id(self, name: str) -> str | None:
        """Id of an active experiment by name or id."""

    def runs(
        self,
        experiment: str | None,
        run_filter: Filter | None,
        sorts: Sequence[Sort],
        cursor: str | None,
        count: int,
    ) -> FoundRuns:
        """Active runs that pass the filter, `count` from the cursor on. experiment: an id, None for
        all. Raises BadRequest for a cursor of another list.
        """

    def run_states(self, experiment: str) -> list[tuple[str, str, int | None]]:
        """(id, status, end in milliseconds) of every active run of an experiment, in order of
        id.
        """

    def run_ids(self, beginning: str) -> list[str]:
        """Ids of at most 10 active runs that begin like this."""

    def several(self, ids: Sequence[str]) -> list[RunFacts]:
        """Active runs by their complete ids, in that order, without those that do not exist."""

    def curve_metrics(self, ids: Sequence[str]) -> list[str]:
        """Metrics whose last step is above 0 in any of the runs, by name."""

    def curve(self, run: str, metric: str, points: int) -> Curve | None:
        """One curve; None if the run has no such metric."""

    def models(self) -> list[Model]:
        """Registered models, most recently changed first."""

    def versions(self, model: str, limit: int) -> list[VersionFacts]:
        """Newest versions of a model. From a server without the location of their files, which
        needs a request each.
        """

    def version(self, model: str, version: int) -> VersionFacts | None:
        """One version, with the location of its files."""

    def logged_models(self, run: str) -> Mapping[str, tuple[str, str]]:
        """Models that the run logged: name to (source URI, location of the files)."""

    def imported(self) -> set[str]:
        """Ids that runs had in the stores they were imported from."""

    def stamp(self) -> str:
        """A text that changes whenever any answer above would."""


def choose(store: TrackingStore, ends: Ends = unknown) -> Source:
    """The fastest source that can be trusted with this store. ends: of the jobs that left runs."""
    path = store.sqlite
    if path is None:
        return _api(
            store, "The store is not a SQLite file, so it is read through MLflow's API.", ends
        )
    from .sql_source import SqlSource

    if not path.exists():
        return SqlSource(path, ends)
    revision = revision_of(path)
    if revision not in TESTED:
        with store.schema_lock():  # perhaps another process is creating it
            revision = revision_of(path)
    if revision in TESTED:
        return SqlSource(path, ends)
    return _api(
        store,
        f"MLflow's schema {revision} is not one that was tested ({', '.join(sorted(TESTED))}), so"
        " it is read through MLflow's API.",
        ends,
    )


def _api(store: TrackingStore, reason: str, ends: Ends) -> Source:
    from .api_source import ApiSource

    return ApiSource(store, reason, ends)


def revision_of(path: Path) -> str | None:
    """Alembic revision of MLflow's schema in the file; None if it has none yet."""
    with (
        reading(path),
        contextlib.closing(
            sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=20)
        ) as connection,
    ):
        try:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return None
            raise
    return str(row[0]) if row else None
