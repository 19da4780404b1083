"""The follower: sends the waiting jobs of one backend, lists all of them in one call, records their
states.

It may be killed at any point. The keys of jobs are recorded before they are sent, and afterwards
their ids on the remote side; the next follower finds by its key what arrived. An attempt is claimed
by its guard, so that none runs twice even if it was sent twice. If jobs cannot be listed, their
states stay, and their reasons say since when they were not seen.

python -m jupyter_mlinfra.jobs.remote.follower ROOT BACKEND
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, cast

from ...core.daemons.daemon import Daemon, say
from ...core.daemons.registration import FileRegistry, own_registration
from ...core.database import Database
from ...core.errors import Conflict, MLInfraError, NotFound, Unavailable
from ...core.imports import without
from ...core.processes import failpoint
from ...core.project import Project
from ...core.runtime_folder import runtime_folder
from ..attempt.environment import forget_environments
from ..attempt.files import REASON_BYTES, UNCLAIMED
from ..backends import load_backend
from ..backends.launch import Place
from ..backends.program import CannotStart
from ..queue.rows import JobEntry
from ..queue.store import JobStore
from ..settings import JobSettings
from ..spec import JobState
from . import Cluster, NotNow, Rejected, Remote, Sighting, Stage, Unreachable, batches
from .client import digest_of, follower_path, lock_path
from .missing import LAST_SEEN, Missing
from .record import LATER_SECONDS, Record
from .requests import Requests
from .sending import batch_name, batch_of, keys_of

QUEUE_LIMIT = 2000
"""How many waiting jobs are considered for sending."""
SENT_AT_A_TIME = 40
"""How many calls send jobs between two looks."""
FIRST_SECONDS = 0.25
"""Pause before the first look after something happened; it doubles each time, up to the setting."""
BACKOFF_LIMIT_SECONDS = 60.0
UNSEEN_SECONDS = 30.0
"""How often the reason of an unseen job is updated."""
FEWEST = 16
"""How many elements of an array are still sent together if more were refused: each call costs the
remote side.
"""
IDLE_SECONDS = 60.0
"""How long a follower stays after its backend has no jobs left."""
TIDY_SECONDS = 3600.0


def _rank(sighting: Sighting) -> tuple[bool, bool, bool]:
    """Among jobs with the same key the running one counts, else the waiting one, else one that
    ended with a reason of its own.
    """
    return (
        sighting.stage is Stage.ENDED,
        sighting.code == UNCLAIMED,
        sighting.stage is Stage.WAITING,
    )


class _Followed(Protocol):
    def remote(self) -> Remote: ...


class Follower(Daemon):
    """Follows the jobs of one backend until none has been left for a while."""

    def __init__(self, project: Project, backend: str, remote: Remote) -> None:
        super().__init__(
            lock_path(project.home, backend),
            runtime_folder(project.home) / f"{backend}.sock",
            what=f"Following {backend} jobs",
        )
        self._registry = FileRegistry(follower_path(project.home, backend))
        self._project, self._backend, self._remote, self._poll = (
            project,
            backend,
            remote,
            remote.poll_seconds,
        )
        self._place = Place(root=project.root, home=project.home)
        self._store = JobStore(Database(project.database.path, forced=False, anew=False))
        self._record = Record(self._store, self._place, backend)
        self._pause = FIRST_SECONDS
        self._seen_at = time.time()
        self._explained_at = 0.0
        self._failures = 0
        self._requests = Requests(
            remote, self._record, self._faults, backend=backend, call=self.call
        )
        self._missing = Missing(
            self._store,
            self._record,
            remote,
            self._requests,
            self,
            place=self._place,
            backend=backend,
        )
        self._strays = True
        self._fewer = dict[str, int]()
        self._current_cluster: Cluster | None = None
        self._has_looked = False
        self._tidied_at = time.monotonic()
        self._idle_since: float | None = None

    def _begin(self) -> None:
        self._register()

    def _abandon(self) -> None:
        forget_environments(self._wakeups.path.parent)

    def _is_done(self) -> bool:
        """Whether the backend has had no jobs for a while, or the address was removed."""
        if not self._registry.exists():
            return True
        if self._idle():
            self._registry.remove()
            # Checked after no process can take us for awake.
            if not self._store.busy(backend=self._backend):
                return True
            self._register()
        return False

    def _sleep(self) -> None:
        if self._wakeups.wait(self._seconds()).early:
            self._pause = FIRST_SECONDS

    def _close(self) -> None:
        say("ends; its jobs continue")

    def _register(self) -> None:
        self._registry.write(own_registration(self._wakeups.path, digest_of(self._project)))

    def _seconds(self) -> float:
        if self._failures:
            return float(min(BACKOFF_LIMIT_SECONDS, self._poll * 2 ** min(self._failures - 1, 10)))
        self._pause = min(self._pause * 2, self._poll)
        return self._pause

    def _idle(self) -> bool:
        if self._strays or self._failures or self._store.busy(backend=self._backend):
            self._idle_since = None
            return False
        if self._idle_since is None:
            self._idle_since = time.monotonic()
        return time.monotonic() - self._idle_since >= IDLE_SECONDS

    def _safely(self, action: Callable[[], None]) -> Exception | None:
        error = super()._safely(partial(self._seen, action))
        if error is not None:
            self._failures += 1
        return error

    def _seen(self, action: Callable[[], None]) -> None:
        """Do it; a remote side that does not answer is not an error of ours."""
        try:
            try:
                action()
            finally:
                # Once for everything: what a power cut undoes is seen again on the remote side.
                self._store.sync()
            self._faults.clear("unseen")
        except Unreachable as error:
            self._failures += 1
            self._unseen(error.message)

    def cluster(self) -> Cluster:
        """Asked once a round, and only in a round that needs it."""
        if self._current_cluster is None:
            self._current_cluster = self.call(self._remote.cluster)
        return self._current_cluster

    def call[T](self, call: Callable[[], T]) -> T:
        """Ask the remote side, however slow it is."""
        self._wakeups.beat()
        try:
            return call()
        finally:
            self._wakeups.beat()

    def _round(self) -> None:
        self._current_cluster, self._has_looked = None, False
        followed = self._store.followed(backend=self._backend)
        if followed or self._strays:
            self._look(followed)
            self._record.tell()
        self._send()
        self._record.tell()
        self._record.tidy(self._wakeups.beat)
        if time.monotonic() - self._tidied_at > TIDY_SECONDS:
            self._tidied_at = time.monotonic()
            batches.tidy(self._place.home / "jobs", {batch_name(entry.token) for entry in followed})
        self._done = self._is_done()

    # Jobs that were sent

    def _look(self, followed: Sequence[JobEntry]) -> None:
        sightings = self.call(self._remote.look)
        self._seen_at, self._failures, self._has_looked = time.time(), 0, True
        keys = {entry.token for entry in followed}
        seen = dict[str, Sighting]()
        strays = list[Sighting]()
        for sighting in sorted(sightings, key=_rank):
            if sighting.key in keys and sighting.key not in seen:
                seen[sighting.key] = sighting
            elif sighting.stage is Stage.WAITING or (
                sighting.stage is Stage.RUNNING and sighting.key not in keys
            ):
                # A job that has ended meanwhile, or was sent twice: if two run, one of them finds
                # that it is too late.
                strays.append(sighting)
        self._strays = bool(strays) or time.monotonic() < self._missing.doubt_until
        for entry in followed:
            if entry.token in seen:
                self.isolated(entry.job.id, partial(self._record.see, entry, seen[entry.token]))
        self._requests.sync(
            [(entry, seen[entry.token]) for entry in followed if entry.token in seen]
        )
        requested = [
            (entry, seen[entry.token])
            for entry in followed
            if (entry.cancelled_by or entry.requeued_by)
            and entry.token in seen
            and seen[entry.token].stage is not Stage.ENDED
        ]
        self._requests.end(strays, requested)
        ended = [
            sighting
            for sighting in sightings
            if sighting.stage is Stage.ENDED and sighting.key not in keys
        ]
        if ended:
            self._requests.ask(partial(self._remote.forget, ended))
        missing = [entry for entry in followed if entry.token not in seen]
        if missing:
            try:
                self._missing.check(missing, {batch_name(sighting.key) for sighting in sightings})
            finally:  # what was called off may still arrive
                self._strays = self._strays or time.monotonic() < self._missing.doubt_until
        self._requests.forget_old()
        if self._record.settled:
            # Once more, so that the remote side forgets them.
            self._record.settled, self._pause, self._strays = (False, FIRST_SECONDS, True)

    def _unseen(self, message: str) -> None:
        """Record that jobs cannot be seen at present; nothing else is known."""
        new = self._faults.note("unseen", "cannot look", message)
        due = new or time.monotonic() - self._explained_at >= UNSEEN_SECONDS
        if due:
            self._explained_at = time.monotonic()
        try:
            entries = [
                entry
                for entry in self._store.followed(backend=self._backend)
                if not entry.cancelled_by
            ]
            unsure = {
                entry.job.id: f"It is not known yet whether it arrived: {message}"
                for entry in entries
                if entry.remote == ""
            }
            jobs = (
                []
                if self._has_looked
                else [
                    entry.job
                    for entry in entries
                    if due or not entry.job.reason.startswith(LAST_SEEN)
                ]
            )
            waiting = self._store.waiting(
                at=time.time(), limit=QUEUE_LIMIT, backend=self._backend, sent=False
            )
            reasons = {job.id: self.last_seen(message) for job in jobs}
            self._record.explain(
                {**reasons, **unsure, **{item.id: f"Waits: {message}" for item in waiting}}
            )
            self._record.tell()
        except MLInfraError as error:
            say(str(error))

    def last_seen(self, message: str) -> str:
        return f"{LAST_SEEN} {time.time() - self._seen_at:.0f} s ago: {message}"

    # Jobs that wait here

    def _send(self) -> None:
        waiting = self._store.waiting(
            at=time.time(), limit=QUEUE_LIMIT, backend=self._backend, sent=False
        )
        found = (
            keys_of(
                [self._store.entry(item.id) for item in waiting], self.cluster().most, self._fewer
            )
            if waiting
            else []
        )
        for keys in found[:SENT_AT_A_TIME]:
            entries = self._store.sending(keys)
            self._store.sync()  # the keys, before the remote side has them
            failpoint("sending")
            if entries:
                self.isolated(entries[0].job.id, partial(self.send_batch, entries))
        if found:
            self._pause = FIRST_SECONDS

    def send_batch(self, entries: Sequence[JobEntry], *, in_doubt: bool = False) -> None:
        """Send jobs whose keys are recorded. If the remote side does not answer, their arrival is
        uncertain until the next look. in_doubt: it may have them from an earlier try.
        """
        if not entries:
            return
        jobs = [entry.job.id for entry in entries]
        try:
            grace = self._project.settings.of(JobSettings).grace_seconds
            most = self._project.settings.of(JobSettings).log_bytes
            batch = batch_of(
                entries,
                self._place,
                grace_seconds=grace,
                log_bytes=most,
                cluster=self.cluster().name,
            )
            remotes = self.call(partial(self._remote.send, batch))
        except Unreachable:
            self._missing.in_doubt.again(batch_name(entries[0].token))
            raise
        except (NotNow, Unavailable, OSError) as error:
            self._put_off(
                entries,
                (
                    error.message
                    if isinstance(error, NotNow)
                    else f"It cannot be sent yet: {explained(error)}"
                ),
                in_doubt=in_doubt,
            )
            return
        except (CannotStart, Rejected, MLInfraError, ValueError) as error:
            reason = (
                error.reason
                if isinstance(error, CannotStart)
                else error.message
                if isinstance(error, Rejected)
                else str(error)
            )
            code = error.code if isinstance(error, CannotStart) else None
            self._refuse(entries, reason, code, in_doubt=in_doubt)
            return
        failpoint("sent")
        self._store.sent(dict(zip(jobs, remotes, strict=True)))
        self._missing.in_doubt.forget([batch_name(entries[0].token)])
        self._fewer.pop(entries[0].job.part_of or "", None)
        self._record.explain(dict.fromkeys(jobs, f"Sent to {self._backend}."))
        failpoint("noted")

    def _put_off(self, entries: Sequence[JobEntry], reason: str, *, in_doubt: bool) -> None:
        entries = self._missing.withdraw(entries) if in_doubt else entries
        if not entries:
            return
        part_of, fewer = entries[0].job.part_of, len(entries) // 2
        if part_of is not None and fewer >= FEWEST:  # a limit may leave room for some of them
            self._fewer[part_of], delay = fewer, LATER_SECONDS
        else:
            delay = max(self._record.later.again(entry.job.id) for entry in entries)
        self._store.unsent(
            [entry.job.id for entry in entries],
            reason=f"{reason.rstrip('.')}. It is tried again in {delay:.0f} s.",
            delay=delay,
        )

    def _refuse(
        self, entries: Sequence[JobEntry], reason: str, code: int | None, *, in_doubt: bool
    ) -> None:
        for entry in self._missing.withdraw(entries) if in_doubt else entries:
            self._record.end_unstarted(entry, JobState.FAILED, reason[:REASON_BYTES], code)

    # Whatever happens

    def isolated(self, job: str, action: Callable[[], None]) -> None:
        """An error with one job does not affect the others, and is logged once. Raises what affects
        all of them.
        """
        self._wakeups.beat()
        try:
            action()
            self._faults.clear(job)
        except (Unreachable, Unavailable):
            raise
        except (Conflict, NotFound) as error:
            say(f"job {job} was changed by another process: {error}")
        except Exception as error:  # noqa: BLE001
            self._faults.note(job, f"job {job} is set aside", error)


def explained(error: Exception) -> str:
    """The error in words for people."""
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def main() -> None:
    """Follow the jobs of the project and backend on the command line."""
    project = Project.open(sys.argv[1])
    os.chdir("/")
    backend = cast(_Followed, load_backend(sys.argv[2], project))
    try:
        # The client of Kubernetes loads it where it is installed, and with it jsonschema's grammar
        # of addresses: 1.5 s at each start, for checks that are not used here.
        with without("kubernetes_validate"):
            Follower(project, sys.argv[2], backend.remote()).run()
    except Conflict as error:
        say(f"ends: {error}")


if __name__ == "__main__":
    main()
