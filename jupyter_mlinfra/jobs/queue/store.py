"""The queue in `state.db`: the only module that writes a job, each change with its event in one
transaction.

What only reads is in `reader`, changes of rows are in `transitions`, new rows in `inserting`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ...core.display import encodable
from ...core.errors import Conflict
from ...core.processes import Identity
from ...core.records import now
from ..spec import Job, JobSpec, JobState
from ..state import ACTIVE, FINAL
from .inserting import Accepted, insert
from .queries import read
from .reader import JobReader
from .rows import JobEntry
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


class JobStore(JobReader):
    """The jobs of one project; safe to share between threads and processes."""

    def insert(self, spec: JobSpec, accepted: Accepted) -> Job:
        """Accept a job, or an array as one; with a key that was used, return what was accepted
        before. It is not accepted until `sync` has returned.

        Raises NotFound for a missing job in `after`, Conflict for one that did not succeed.
        """
        with self._database.unforced(), self._database.write() as connection:
            row = (
                connection.execute(
                    "SELECT id, part_of FROM job WHERE key = ?", (spec.key,)
                ).fetchone()
                if spec.key is not None
                else None
            )
            if row is None:
                return insert(connection, spec, accepted)
        return self.job(row["part_of"] or row["id"])

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

    def running_remotely(self, job: str, *, gpu_ids: Sequence[str], started_at: float) -> JobEntry:
        """A job that was sent on is running: the next attempt. started_at: seconds since 1970."""
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
            return step(connection, entry, JobState.RUNNING, started_at=started_at)

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
            if ending := [
                entry for entry in entries if entry.cancelled_by and entry.job.state not in FINAL
            ]:
                by = ending[0].cancelled_by
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
                restored
                for entry in cancelled
                for restored in restore(connection, entry, user, environment)
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
            for job, text in reasons.items():
                reason = encodable(text)
                entry = read(connection, job)
                if entry.job.state in FINAL or entry.job.reason == reason or entry.job.held_by:
                    continue
                change(connection, entry, reason=reason)

    def report_progress(self, job: str, fraction: float | None) -> None:
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

    def _move(self, job: str, to: JobState, **columns: Any) -> JobEntry:
        with self._database.write() as connection:
            return step(connection, read(connection, job), to, **columns)
