"""What is known of the jobs in `state.db`; nothing here writes. The queries are in `queries`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...core.database import Database
from ...core.errors import BadRequest
from ...core.records import Page
from ..spec import Job, JobSpec, JobState
from . import queries
from .queries import read
from .rows import JobEntry, Waiting, entry_of

_FINAL = "state IN ('succeeded', 'failed', 'cancelled', 'lost')"


class JobReader:
    """Reads the jobs of one project."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def named(self, name: str) -> queries.Named:
        """What a name means, see `queries.find`."""
        with self._database.read() as connection:
            return queries.find(connection, name)

    def entry(self, name: str) -> JobEntry:
        """The job with this id, or with the only id that starts like this; `job:ID` works too.

        Raises NotFound if there is none, BadRequest if there are several, or if it is an array.
        """
        with self._database.read() as connection:
            named = queries.find(connection, name)
            if named.array is not None:
                raise BadRequest(
                    f"{name} is an array of {len(named.jobs)} jobs.",
                    "One of them has to be named.",
                    f"{named.array}/0 is the first.",
                )
            return read(connection, named.jobs[0])

    def elements(self, array: str) -> list[JobEntry]:
        """The jobs of the array with exactly this id, in order."""
        return self._select("part_of = ? ORDER BY place", array)

    def job(self, name: str) -> Job:
        """What is known about a job, or about an array as a whole."""
        with self._database.read() as connection:
            return queries.job_named(connection, name)

    def names(self, ids: Sequence[str]) -> dict[str, str]:
        """See `queries.names_of`."""
        with self._database.read() as connection:
            return queries.names_of(connection, ids)

    def by_key(self, key: str) -> Job | None:
        """The job that was submitted with this key, or the array."""
        with self._database.read() as connection:
            row = connection.execute("SELECT id, part_of FROM job WHERE key = ?", (key,)).fetchone()
        return self.job(row["part_of"] or row["id"]) if row else None

    def page(
        self,
        *,
        state: JobState | None,
        label: tuple[str, str] | None,
        limit: int,
        cursor: str | None,
        array: str | None = None,
    ) -> Page[Job]:
        """Jobs, newest first, an array as one; with `array` its elements in order, see
        `queries.page`.
        """
        with self._database.read() as connection:
            return queries.page(
                connection, state=state, label=label, array=array, limit=limit, cursor=cursor
            )

    def counts(self, *, backend: str | None = None) -> dict[str, int]:
        """How many jobs are in each state, including empty ones; an array counts by its
        elements.
        """
        with self._database.read() as connection:
            query = "SELECT state, count(*) FROM job WHERE ? IS NULL OR backend = ? GROUP BY state"
            counts = dict(connection.execute(query, (backend, backend)).fetchall())
        return {str(state): int(counts.get(str(state), 0)) for state in JobState}

    def backends(self) -> list[str]:
        """Backends with jobs that have not ended."""
        with self._database.read() as connection:
            query = (
                "SELECT DISTINCT backend FROM job WHERE state IN ('queued', 'starting', 'running')"
                " ORDER BY backend"
            )
            return [row["backend"] for row in connection.execute(query)]

    def waiting(
        self,
        *,
        at: float,
        limit: int,
        backend: str = "local",
        sent: bool = True,
        alike: int | None = None,
    ) -> list[Waiting]:
        """The head of a backend's queue, see `queries.ready`."""
        with self._database.read() as connection:
            return queries.ready(
                connection, backend=backend, at=at, limit=limit, sent=sent, alike=alike
            )

    def blocked(self, *, at: float, limit: int) -> list[Job]:
        """Waiting jobs that may not start yet."""
        with self._database.read() as connection:
            return [
                read(connection, job).job for job in queries.blocked(connection, at=at, limit=limit)
            ]

    def durations(self, spec: JobSpec, *, limit: int = 20) -> list[float]:
        """Seconds that earlier jobs of the same code took."""
        with self._database.read() as connection:
            return queries.durations(connection, spec, limit=limit)

    def next_start(self, *, at: float) -> float | None:
        """When the next delayed job may start, in seconds since 1970; None if there is none."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT min(not_before) FROM job WHERE state = 'queued' AND not_before > ?", (at,)
            ).fetchone()
        return None if row[0] is None else float(row[0])

    def active(self, *, backend: str = "local") -> list[JobEntry]:
        """Jobs of a backend that have been started and are not known to have ended."""
        return self._select(
            "backend = ? AND state IN ('starting', 'running') ORDER BY number", backend
        )

    def followed(self, *, backend: str) -> list[JobEntry]:
        """Jobs that were sent to a backend, or were about to be, and are not known to have
        ended.
        """
        return self._select(
            "backend = ? AND (state IN ('starting', 'running') OR state = 'queued' AND remote IS"
            " NOT NULL) ORDER BY number",
            backend,
        )

    def asked(self, *, backend: str = "local") -> dict[str, tuple[JobState, str]]:
        """Active jobs that somebody asked to end, the requested state (cancelled, or queued again),
        and who asked.
        """
        query = (
            "SELECT id, cancelled_by, requeued_by FROM job WHERE backend = ? AND state IN"
            " ('starting', 'running') AND (cancelled_by != '' OR requeued_by != '')"
        )
        with self._database.read() as connection:
            rows = connection.execute(query, (backend,)).fetchall()
        return {
            row["id"]: (
                (JobState.CANCELLED, row["cancelled_by"])
                if row["cancelled_by"]
                else (JobState.QUEUED, row["requeued_by"])
            )
            for row in rows
        }

    def ended(self, *, limit: int) -> list[tuple[str, str | None, bool]]:
        """Id, code snapshot and success of jobs that ran and have ended, the most recently ended
        first.
        """
        final = (
            "SELECT id, snapshot, state = 'succeeded' FROM job"  # noqa: S608 - fixed words
            f" WHERE attempt > 0 AND {_FINAL} ORDER BY ended_at DESC, number DESC LIMIT ?"
        )
        with self._database.read() as connection:
            return [
                (row[0], row[1], bool(row[2]))
                for row in connection.execute(final, (limit,)).fetchall()
            ]

    def snapshots(self, *, limit: int) -> set[str]:
        """Code snapshots of the most recently ended jobs, including those that never ran: they may
        be run again.
        """
        final = (
            "SELECT DISTINCT snapshot FROM ("  # noqa: S608 - fixed words
            f"SELECT snapshot FROM job WHERE {_FINAL} ORDER BY ended_at DESC LIMIT ?"
            ") WHERE snapshot IS NOT NULL"
        )
        with self._database.read() as connection:
            return {row[0] for row in connection.execute(final, (limit,)).fetchall()}

    def unfinished(self) -> list[JobEntry]:
        """Every job that is not in a final state."""
        return self._select("state IN ('queued', 'starting', 'running') ORDER BY number")

    def busy(self, *, backend: str | None = None) -> bool:
        """Whether any job (of a backend) has not ended."""
        query = (
            "SELECT 1 FROM job WHERE state IN ('queued', 'starting', 'running') AND (? IS NULL OR"
            " backend = ?) LIMIT 1"
        )
        with self._database.read() as connection:
            return connection.execute(query, (backend, backend)).fetchone() is not None

    def needs(self, environment: str) -> bool:
        """Whether a job that has not ended uses this environment (the path of its file)."""
        query = (
            "SELECT 1 FROM job WHERE state IN ('queued', 'starting', 'running') AND"
            " json_extract(launch, '$.environment') = ? LIMIT 1"
        )
        with self._database.read() as connection:
            return connection.execute(query, (environment,)).fetchone() is not None

    def fingerprint(self) -> str:
        """Changes whenever a job does, apart from progress: by the event that each change adds,
        since a clock may be set back.
        """
        newest = (
            "SELECT id FROM event WHERE topic = 'job' AND json_extract(data, '$.progress') IS NULL"
            " ORDER BY id DESC LIMIT 1"
        )
        with self._database.read() as connection:
            row = connection.execute(f"SELECT (SELECT count(*) FROM job), ({newest})").fetchone()  # noqa: S608 - fixed words
        return f"{row[0]}/{row[1]}"

    def data_version(self) -> int:
        """Changes when another connection commits."""
        return self._database.data_version()

    def _select(self, tail: str, *values: Any) -> list[JobEntry]:
        with self._database.read() as connection:
            rows = connection.execute(f"SELECT * FROM job WHERE {tail}", values).fetchall()  # noqa: S608 - fixed words, bound values
        return [entry_of(row) for row in rows]
