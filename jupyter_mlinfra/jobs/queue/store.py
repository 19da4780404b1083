"""The queue in `state.db`: the only module that writes a job, each change with its event in one
transaction.

Reads are in `queries`, changes of rows in `transitions`, new rows in `inserting`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ...core.database import Database
from ...core.errors import BadRequest, Conflict
from ...core.processes import Identity
from ...core.records import Page, now
from ..attempt.files import encodable
from ..spec import Job, JobSpec, JobState
from ..state import ACTIVE, FINAL
from . import queries
from .inserting import Accepted, insert
from .queries import read
from .rows import JobEntry, Waiting, entry_of
from .transitions import (
    change,
    held_reason,
    request,
    requeue,
    restore,
    step,
    tell,
    unstarted,
    write,
)

_FINAL = "state IN ('succeeded', 'failed', 'cancelled', 'lost')"


class JobStore:
    """The jobs of one project; safe to share between threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # What is known

    def named(self, name: str) -> queries.Named:
        """What a name means, see `queries.find`."""
        with self._database.read() as connection:
            return queries.find(connection, name)

    def entry(self, name: str) -> JobEntry:
        """The job with this id, or with the only id that starts like this; `job:ID` works too.

        Raises NotFound if there is none, BadRequest if there are several, or if it is an array.
        """
        with self._database.read() as connection:
            found = queries.find(connection, name)
            if found.array is not None:
                raise BadRequest(
                    f"{name} is an array of {len(found.jobs)} jobs.",
                    "One of them has to be named.",
                    f"{found.array}/0 is the first.",
                )
            return read(connection, found.jobs[0])

    def elements(self, array: str) -> list[JobEntry]:
        """The jobs of the array with exactly this id, in order."""
        return self._select("part_of = ? ORDER BY place", array)

    def job(self, name: str) -> Job:
        """What is known about a job, or about an array as a whole."""
        with self._database.read() as connection:
            return queries.job_named(connection, name)

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
            found = dict(connection.execute(query, (backend, backend)).fetchall())
        return {str(state): int(found.get(str(state), 0)) for state in JobState}

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

    # What changes

    def insert(self, spec: JobSpec, accepted: Accepted) -> Job:
        """Accept a job, or an array as one; with a known key, return what was accepted before. It
        is not accepted until `sync` has returned.

        Raises NotFound for a missing job in `after`, Conflict for one that did not succeed.
        """
        with self._database.unforced(), self._database.write() as connection:
            known = (
                connection.execute(
                    "SELECT id, part_of FROM job WHERE key = ?", (spec.key,)
                ).fetchone()
                if spec.key is not None
                else None
            )
            if known is None:
                return insert(connection, spec, accepted)
        return self.job(known["part_of"] or known["id"])

    def sync(self) -> None:
        """Force to disk what was accepted: from here on it survives a power cut."""
        self._database.sync()

    def starting(self, job: str, *, token: str, gpu_ids: Sequence[str]) -> JobEntry:
        """Record, before the process is started, the attempt and the token that it will carry.
        Raises Conflict if the job no longer waits, or is held. This survives the death of every
        process.

        It is not forced to disk, which would double the time until the start: after a power cut
        before `running` the job is found waiting.
        """
        gpus = json.dumps(list(gpu_ids))
        with self._database.unforced():
            return self._move(
                job,
                JobState.STARTING,
                gpu_ids=gpus,
                token=token,
                boot=None,
                pid=None,
                start=None,
                progress=None,
                progress_text="",
            )

    def running(self, job: str, process: Identity) -> JobEntry:
        """Record, after the process was started, its identity."""
        return self._move(
            job, JobState.RUNNING, boot=process.boot, pid=process.pid, start=process.start
        )

    def sending(self, keys: Mapping[str, str]) -> list[JobEntry]:
        """Record, before jobs are sent on, the key of each, so that it is found again whatever
        dies. Leaves out jobs that no longer wait.
        """
        with self._database.write() as connection:
            entries = [read(connection, job) for job in keys]
            ready = [
                entry
                for entry in entries
                if entry.job.state is JobState.QUEUED
                and not entry.job.held_by
                and not entry.cancelled_by
            ]
            connection.executemany(
                "UPDATE job SET remote = '', token = ? WHERE id = ?",
                [(keys[entry.job.id], entry.job.id) for entry in ready],
            )
            return [read(connection, entry.job.id) for entry in ready]

    def sent(self, remotes: Mapping[str, str]) -> None:
        """Record, after jobs were sent on, their ids in the backend."""
        with self._database.write() as connection:
            connection.executemany(
                "UPDATE job SET remote = ? WHERE id = ?",
                [(remote, job) for job, remote in remotes.items()],
            )

    def unsent(
        self, jobs: Sequence[str], *, reason: str, delay: float, counted: bool = False
    ) -> None:
        """The backend does not have these jobs: they wait here and are not sent for `delay`
        seconds; or they end, if somebody asked for that meanwhile.

        counted: the failed start counts against `retries`.
        """
        with self._database.write() as connection:
            for entry in (read(connection, job) for job in jobs):
                if entry.cancelled_by:
                    write(
                        connection,
                        entry,
                        JobState.CANCELLED,
                        reason=unstarted(entry, entry.cancelled_by),
                    )
                else:
                    change(
                        connection,
                        entry,
                        remote=None,
                        not_before=now().timestamp() + delay,
                        reason=encodable(reason),
                        failures=entry.failures + counted,
                    )

    def running_there(self, job: str, *, gpu_ids: Sequence[str], began: float) -> JobEntry:
        """A job that was sent on is running: the next attempt. began: seconds since 1970."""
        with self._database.write() as connection:
            entry = read(connection, job)
            if entry.job.state is JobState.QUEUED:
                entry = step(
                    connection,
                    entry,
                    JobState.STARTING,
                    gpu_ids=json.dumps(list(gpu_ids)),
                    progress=None,
                    progress_text="",
                    held_by="",
                )
            return step(connection, entry, JobState.RUNNING, started_at=began)

    def again(
        self,
        job: str,
        *,
        reason: str,
        exit_code: int | None,
        counted: bool,
        delay: float,
        remote: str | None = None,
    ) -> JobEntry:
        """Move a job back into the queue for at least `delay` seconds; or end it, if somebody asked
        for that meanwhile.

        remote: of a job that waits in the queue of its backend, which starts it again on its own.
        """
        return self._move(
            job,
            JobState.QUEUED,
            reason=reason,
            exit_code=exit_code,
            counted=counted,
            asked=exit_code is not None and not counted,
            not_before=now().timestamp() + delay,
            gpu_ids="[]",
            requeued_by="",
            remote=remote,
        )

    def end(
        self,
        job: str,
        to: JobState,
        *,
        reason: str,
        exit_code: int | None,
        started_at: float | None = None,
        progress: tuple[float | None, str] = (None, ""),
    ) -> JobEntry:
        """Move a job into a final state. started_at: when it began, if that was not recorded
        before.
        """
        columns: dict[str, Any] = {} if started_at is None else {"started_at": started_at}
        return self._move(
            job,
            to,
            reason=reason,
            exit_code=exit_code,
            progress=progress[0],
            progress_text=progress[1],
            requeued_by="",
            **columns,
        )

    def request_cancel(self, jobs: Sequence[str], *, user: str) -> list[Job]:
        """End waiting jobs at once; leave a request for the process that runs the others. A job
        that has ended is unchanged.
        """
        with self._database.write() as connection:
            return [
                request(
                    connection,
                    read(connection, job),
                    "cancelled_by",
                    user,
                    f"Is being cancelled by {user}.",
                )
                for job in jobs
            ]

    def requeue(
        self, jobs: Sequence[str], *, user: str, environment: str, array: str | None = None
    ) -> list[Job]:
        """Run jobs again that did not succeed, under the same id; leave a request for the process
        that runs the others. Waiting ones are unchanged.

        environment: file with the caller's, since ended jobs have none any more. array: these are
        its elements, and those that succeeded are skipped. Raises Conflict for one that succeeded
        or is being cancelled, or for an array that succeeded.
        """
        with self._database.write() as connection:
            entries = [read(connection, job) for job in jobs]
            if array is not None:
                entries = [entry for entry in entries if entry.job.state is not JobState.SUCCEEDED]
            if not entries:
                raise Conflict(
                    f"Array {array} succeeded.",
                    "All its elements did, and what succeeded is not run again.",
                    "Submit it again.",
                )
            if (
                array is None
                and (by := entries[0].cancelled_by)
                and entries[0].job.state not in FINAL
            ):
                ident = entries[0].job.id
                raise Conflict(
                    f"Job {ident} is being cancelled by {by}.",
                    "It has not ended yet.",
                    f"mlinfra jobs requeue {ident}, once it has.",
                )
            return [requeue(connection, entry, user, environment) for entry in entries]

    def restore(self, jobs: Sequence[str], *, user: str, environment: str) -> list[Job]:
        """Undo the cancel of jobs; also returns what was cancelled with them and waits again.

        environment: as for `requeue`. Raises Conflict for one that is still being cancelled, or if
        none was cancelled.
        """
        with self._database.write() as connection:
            entries = [read(connection, job) for job in jobs]
            job = entries[0].job
            if under_way := [
                entry for entry in entries if entry.cancelled_by and entry.job.state not in FINAL
            ]:
                by = under_way[0].cancelled_by
                raise Conflict(
                    f"Job {job.id} is being cancelled by {by}.",
                    "It has not ended yet.",
                    f"mlinfra jobs restore {job.id}, once it has.",
                )
            cancelled = [entry for entry in entries if entry.job.state is JobState.CANCELLED]
            if not cancelled:
                raise Conflict(
                    f"Job {job.id} is {job.state}.",
                    "It was not cancelled: there is nothing to undo.",
                    f"mlinfra jobs show {job.id}",
                )
            return [
                found
                for entry in cancelled
                for found in restore(connection, entry, user, environment)
            ]

    def hold(self, jobs: Sequence[str], *, user: str) -> list[Job]:
        """Keep waiting jobs from starting. Raises Conflict if none of them waits."""
        return self._mark(jobs, "hold", held_by=user, reason=held_reason(user))

    def release(self, jobs: Sequence[str]) -> list[Job]:
        """Let held jobs start. Raises Conflict if none of them waits."""
        return self._mark(jobs, "release", held_by="", reason="Waits for its turn.")

    def prioritize(self, jobs: Sequence[str], priority: int) -> list[Job]:
        """Move waiting jobs in the queue. Raises Conflict if none of them waits."""
        return self._mark(jobs, "move", priority=priority)

    def explain(self, reasons: Mapping[str, str]) -> None:
        """Record why jobs wait, or why they cannot be watched; their state stays."""
        with self._database.write() as connection:
            for job, words in reasons.items():
                reason = encodable(words)
                entry = read(connection, job)
                if entry.job.state in FINAL or entry.job.reason == reason or entry.job.held_by:
                    continue
                change(connection, entry, reason=reason)

    def told_progress(self, job: str, fraction: float | None) -> None:
        """Report the progress of a running job to listeners; the progress itself is in the
        attempt's files.
        """
        with self._database.write() as connection:
            entry = read(connection, job)
            if entry.job.state in ACTIVE:
                tell(connection, entry.job, fraction)

    def _mark(self, jobs: Sequence[str], verb: str, **columns: Any) -> list[Job]:
        with self._database.write() as connection:
            entries = [read(connection, job) for job in jobs]
            waiting = [entry for entry in entries if entry.job.state is JobState.QUEUED]
            if not waiting:
                job = entries[0].job
                raise Conflict(
                    f"Job {job.id} is {job.state}: nothing to {verb}.",
                    "Only a job that waits can be held, released or moved in the queue.",
                )
            moved = {entry.job.id: change(connection, entry, **columns) for entry in waiting}
            return [moved.get(entry.job.id, entry.job) for entry in entries]

    def _move(self, job: str, to: JobState, **how: Any) -> JobEntry:
        with self._database.write() as connection:
            return step(connection, read(connection, job), to, **how)

    def _select(self, tail: str, *values: Any) -> list[JobEntry]:
        with self._database.read() as connection:
            rows = connection.execute(f"SELECT * FROM job WHERE {tail}", values).fetchall()  # noqa: S608 - fixed words, bound values
        return [entry_of(row) for row in rows]
