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
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol, cast

from ...core.daemons.daemon import Daemon, say
from ...core.daemons.registration import FileRegistry, own_registration
from ...core.database import Database
from ...core.errors import Conflict, MLInfraError, NotFound, Unavailable
from ...core.processes import failpoint
from ...core.project import Project
from ...core.runtime_folder import runtime_folder
from ..attempt.environment import forget_environments
from ..attempt.files import REASON_BYTES, UNCLAIMED, Attempt
from ..backends import load_backend
from ..backends.launch import Place
from ..backends.program import CannotStart
from ..queue.rows import JobEntry
from ..queue.store import JobStore
from ..settings import JobSettings
from ..spec import JobState
from . import Cluster, NotNow, Rejected, Remote, Sighting, Stage, Unreachable, batches
from .backoff import Patience
from .client import digest_of, follower_path, lock_path
from .guard_files import call_off, note_hold, read_hold, wanted
from .record import LATER_LIMIT_SECONDS, LATER_SECONDS, Record
from .sending import batch_name, batch_of, first_attempt, in_doubt, keys_of

QUEUE_LIMIT = 2000
"""How many waiting jobs are considered for sending."""
SENT_AT_A_TIME = 40
"""How many calls send jobs between two looks."""
FIRST_SECONDS = 0.25
"""Pause before the first look after something happened; it doubles each time, up to the setting."""
BACKOFF_LIMIT_SECONDS = 60.0
TOLD_SECONDS = 30.0
"""How often the reason of an unseen job is updated."""
AGAIN_SECONDS = 10.0
"""Seconds between two requests to end the same job."""
DOUBT_SECONDS, DOUBT_LIMIT_SECONDS = 2.0, 300.0
"""Pause before a job is sent again whose sending got no answer, so that others do not wait behind
it; and how long it may still arrive.
"""
FEWEST = 16
"""How many elements of an array are still sent together if more were refused: each call costs the
remote side.
"""
LOSSES = 5
"""How often a job is sent again that the remote side forgets before it has begun."""
_LAST_SEEN = "Last seen"
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
        self._told_at = 0.0
        self._failures = 0
        self._lost = Patience(LATER_SECONDS, LATER_LIMIT_SECONDS)
        self._doubted = Patience(DOUBT_SECONDS, DOUBT_LIMIT_SECONDS)
        self._wished: dict[str, float] = {}
        self._strays = True
        self._fewer = dict[str, int]()
        self._here: Cluster | None = None
        self._looked = False
        self._tidied_at = self._doubt_until = time.monotonic()
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
        say("ends; its jobs go on")

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
        """Do it; a remote side that does not answer is no error of ours."""
        try:
            try:
                action()
            finally:
                # Once for everything: what a power cut undoes is seen again on the remote side.
                self._store.sync()
            self._faults.clear("unseen")
        except Unreachable as error:
            self._failures += 1
            self._unseen(error.words)

    def _cluster(self) -> Cluster:
        """Asked once a round, and only in a round that needs it."""
        if self._here is None:
            self._here = self._far(self._remote.cluster)
        return self._here

    def _far[T](self, call: Callable[[], T]) -> T:
        """Ask the remote side, however slow it is."""
        self._wakeups.beat()
        try:
            return call()
        finally:
            self._wakeups.beat()

    def _round(self) -> None:
        self._here, self._looked = None, False
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
        sightings = self._far(self._remote.look)
        self._seen_at, self._failures, self._looked = time.time(), 0, True
        known = {entry.token: entry for entry in followed}
        seen = dict[str, Sighting]()
        strays = list[Sighting]()
        for sighting in sorted(sightings, key=_rank):
            if sighting.key in known and sighting.key not in seen:
                seen[sighting.key] = sighting
            elif sighting.stage is Stage.WAITING or (
                sighting.stage is Stage.RUNNING and sighting.key not in known
            ):
                # A job that has ended meanwhile, or was sent twice: if two run, one of them finds
                # that it is too late.
                strays.append(sighting)
        self._strays = bool(strays) or time.monotonic() < self._doubt_until
        for entry in followed:
            if entry.token in seen:
                self._alone(entry.job.id, partial(self._record.see, entry, seen[entry.token]))
        self._sync([(entry, seen[entry.token]) for entry in followed if entry.token in seen])
        wanted = [
            (entry, seen[entry.token])
            for entry in followed
            if (entry.cancelled_by or entry.requeued_by) and entry.token in seen
        ]
        self._end(
            strays,
            [(entry, sighting) for entry, sighting in wanted if sighting.stage is not Stage.ENDED],
        )
        over = [
            sighting
            for sighting in sightings
            if sighting.stage is Stage.ENDED and sighting.key not in known
        ]
        if over:
            self._ask(partial(self._remote.forget, over))
        missing = [entry for entry in followed if entry.token not in seen]
        if missing:
            self._miss(missing, {batch_name(sighting.key) for sighting in sightings})
        self._wished = {
            remote: at
            for remote, at in self._wished.items()
            if time.monotonic() - at < AGAIN_SECONDS
        }
        if self._record.settled:
            # Once more, so that the remote side forgets them.
            self._record.settled, self._pause, self._strays = (False, FIRST_SECONDS, True)

    def _end(self, strays: Sequence[Sighting], wanted: Sequence[tuple[JobEntry, Sighting]]) -> None:
        at, jobs = time.monotonic(), {sighting.remote: entry for entry, sighting in wanted}
        due = [
            one
            for one in (*strays, *(sighting for _, sighting in wanted))
            if at - self._wished.get(one.remote, -AGAIN_SECONDS) >= AGAIN_SECONDS
        ]
        if due:
            self._wished |= {sighting.remote: at for sighting in due}
            words = self._ask(partial(self._remote.end, due))
            asked = [jobs[sighting.remote] for sighting in due if words and sighting.remote in jobs]
            self._record.explain(
                {
                    one.job.id: (
                        f"{one.cancelled_by or one.requeued_by} asked for its end, and"
                        f" {self._backend} does not do it: {words}"
                    )
                    for one in asked
                }
            )

    def _ask(self, action: Callable[[], None]) -> str:
        """Request a change from the remote side. What it refuses is requested again, and does not
        affect other jobs; returns the reason.
        """
        try:
            self._far(action)
        except (Unreachable, NotNow, Rejected) as error:
            self._faults.note("asked", "is not done", error.words)
            return error.words
        return ""

    def _miss(self, entries: Sequence[JobEntry], shown: Collection[str]) -> None:
        """Jobs that the remote side does not list: those that never arrived are sent again, for the
        others all traces are checked. shown: batches.
        """
        here, sent_to = (
            self._cluster().name,
            {name: self._sent_to(name) for name in {batch_name(entry.token) for entry in entries}},
        )
        elsewhere = [
            entry for entry in entries if sent_to[batch_name(entry.token)] not in ("", here)
        ]
        for entry in elsewhere:
            self._alone(
                entry.job.id,
                partial(self._elsewhere, entry, sent_to[batch_name(entry.token)], here),
            )
        apart = {entry.job.id for entry in elsewhere}
        doubtful = [
            entry
            for entry in entries
            if entry.job.id not in apart
            and entry.remote == ""
            and self._record.attempt(entry).claimed() is None
        ]
        for batch in in_doubt(entry for entry in doubtful if not entry.cancelled_by):
            if self._doubted.due(batch_name(batch[0].token)):
                self._alone(batch[0].job.id, partial(self._send_batch, batch))
        self._call_off([entry for entry in doubtful if entry.cancelled_by])
        apart |= {entry.job.id for entry in doubtful}
        gone = [
            entry
            for entry in entries
            if entry.job.id not in apart
            and (self._taken_back(entry) or not self._record.early(entry.token))
        ]
        self._look_for(gone, shown)

    def _sent_to(self, name: str) -> str:
        shipment = batches.Shipment.read(self._place.home / "jobs", name)
        return "" if shipment is None else shipment.cluster

    def _elsewhere(self, entry: JobEntry, there: str, here: str) -> None:
        """A job that another cluster has: that this one does not know it means nothing."""
        if (
            entry.cancelled_by
            and entry.job.state is JobState.QUEUED
            and call_off(self._record.attempt(entry), entry.token, unless_begun=True)
        ):
            self._unsend([entry], "", 0.0)
            return
        words = (
            f"it was sent to cluster {there}, and the settings lead to"
            f" {here or 'one without a name'} now. It is seen again when they lead there."
        )
        self._record.explain({entry.job.id: f"{_LAST_SEEN} elsewhere: {words}"})

    def _call_off(self, entries: Sequence[JobEntry]) -> None:
        """Cancelled before their arrival is certain: if they arrive, they find their orders
        gone.
        """
        off = [
            entry
            for entry in entries
            if call_off(self._record.attempt(entry), entry.token, unless_begun=True)
        ]
        self._unsend(off, "", 0.0)
        if off:
            self._doubt_until, self._strays = time.monotonic() + DOUBT_LIMIT_SECONDS, True

    def _taken_back(self, entry: JobEntry) -> bool:
        """Whether a job is gone because it was cancelled here while it waited there."""
        return (
            bool(entry.cancelled_by)
            and entry.remote in self._wished
            and self._record.attempt(entry).claimed() is None
        )

    def _look_for(self, entries: Sequence[JobEntry], shown: Collection[str]) -> None:
        unknown = [
            entry
            for entry in entries
            if entry.remote and self._unexplained(entry) and not self._taken_back(entry)
        ]
        try:
            remotes = [entry.remote for entry in unknown if entry.remote]
            recalled = self._far(partial(self._remote.recall, remotes)) if unknown else {}
        except Unreachable as error:
            # The service that remembers them does not answer, so none of them is judged.
            self._record.explain({entry.job.id: self._last_seen(error.words) for entry in unknown})
            recalled, silent = {}, {entry.job.id for entry in unknown}
            entries = [entry for entry in entries if entry.job.id not in silent]
        back, lost = list[JobEntry](), list[JobEntry]()
        for entry in entries:
            sighting = recalled.get(entry.remote or "")
            if sighting is not None and sighting.stage is not Stage.ENDED:
                self._alone(
                    entry.job.id,
                    partial(self._record.see, entry, replace(sighting, key=entry.token)),
                )
                if entry.cancelled_by or entry.requeued_by:
                    self._end([], [(entry, sighting)])
            elif (
                sighting is not None
                or entry.job.state is not JobState.QUEUED
                or self._last(entry).claimed() is not None
            ):
                self._alone(entry.job.id, partial(self._ended_unseen, entry, sighting))
            elif entry.cancelled_by or not wanted(self._record.attempt(entry), entry.token):
                back.append(entry)  # taken back by ourselves
            elif entry.remote and batch_name(entry.token) in shown:
                words = (
                    f"Somebody removed it from the queue of {self._backend}; `requeue` runs it"
                    " again."
                )
                self._alone(
                    entry.job.id,
                    partial(self._record.end_unstarted, entry, JobState.CANCELLED, words),
                )
            else:
                lost.append(entry)
        for held in (True, False):
            some = [entry for entry in back if bool(entry.job.held_by) is held]
            self._unsend(some, some[0].job.reason if held and some else "Waits for its turn.", 0.0)
        self._send_anew(lost)

    def _unexplained(self, entry: JobEntry) -> bool:
        """Whether its guard has stored nothing, or only that a signal ended it: the remote side
        knows who sent that.
        """
        code = self._last(entry).exit_code()
        return code is None or code > 128

    def _last(self, entry: JobEntry) -> Attempt:
        """The last attempt that a guard took, else the next one."""
        number = max(entry.job.attempt, first_attempt(entry.token))
        while self._record.attempt(entry, number + 1).claimed() is not None:
            number += 1
        return self._record.attempt(entry, number)

    def _ended_unseen(self, entry: JobEntry, recalled: Sighting | None) -> None:
        """A job that is no longer listed: it ended long ago."""
        self._record.over(
            self._record.catch_up(entry, None, int(self._last(entry).folder.name)), recalled
        )

    def _send_anew(self, entries: Sequence[JobEntry]) -> None:
        """The remote side has forgotten jobs that had not begun."""
        left = [entry for entry in entries if self._lost.times(entry.job.id) < LOSSES]
        for entry in [entry for entry in entries if self._lost.times(entry.job.id) >= LOSSES]:
            words = (
                f"{self._backend} forgot it {LOSSES + 1} times before it had begun; `requeue` tries"
                " it again."
            )
            self._alone(
                entry.job.id, partial(self._record.end_unstarted, entry, JobState.FAILED, words)
            )
            self._lost.forget([entry.job.id])
        delay = max((self._lost.again(entry.job.id) for entry in left), default=0.0)
        self._unsend(
            left,
            f"{self._backend} does not know it any more; it is sent again in {delay:.0f} s.",
            delay,
        )

    def _unsend(self, entries: Sequence[JobEntry], reason: str, delay: float) -> None:
        if entries:
            self._store.unsent([entry.job.id for entry in entries], reason=reason, delay=delay)
            for entry in entries:
                self._record.forget(entry)

    def _sync(self, pairs: Iterable[tuple[JobEntry, Sighting]]) -> None:
        """Update holds and priorities of jobs that wait on the remote side."""
        waiting = [
            (entry, sighting)
            for entry, sighting in pairs
            if sighting.stage is Stage.WAITING and not entry.cancelled_by
        ]
        for held in (True, False):
            due = [
                (entry, seen)
                for entry, seen in waiting
                if bool(entry.job.held_by) is held and seen.held is not held
            ]
            chosen = [(entry, seen.remote) for entry, seen in due if held or self._holds(entry)]
            if chosen and not self._ask(
                partial(self._remote.hold, [remote for _, remote in chosen], held=held)
            ):
                for entry, _ in chosen:
                    note_hold(self._record.attempt(entry), entry.token if held else "")
        moved = {
            s.remote: entry.job.priority
            for entry, s in waiting
            if s.rank is not None and s.rank != self._remote.rank(entry.job.priority)
        }
        if moved:
            self._ask(partial(self._remote.prioritize, moved))

    def _holds(self, entry: JobEntry) -> bool:
        """Whether we hold it there: what somebody else holds is not ours to release."""
        return read_hold(self._record.attempt(entry)) == entry.token

    def _unseen(self, words: str) -> None:
        """Record that jobs cannot be seen at present; nothing else is known."""
        new = self._faults.note("unseen", "cannot look", words)
        due = new or time.monotonic() - self._told_at >= TOLD_SECONDS
        if due:
            self._told_at = time.monotonic()
        try:
            entries = [
                entry
                for entry in self._store.followed(backend=self._backend)
                if not entry.cancelled_by
            ]
            unsure = {
                entry.job.id: f"It is not known yet whether it arrived: {words}"
                for entry in entries
                if entry.remote == ""
            }
            jobs = (
                []
                if self._looked
                else [
                    entry.job
                    for entry in entries
                    if due or not entry.job.reason.startswith(_LAST_SEEN)
                ]
            )
            waiting = self._store.waiting(
                at=time.time(), limit=QUEUE_LIMIT, backend=self._backend, sent=False
            )
            reasons = {job.id: self._last_seen(words) for job in jobs}
            self._record.explain(
                {**reasons, **unsure, **{item.id: f"Waits: {words}" for item in waiting}}
            )
            self._record.tell()
        except MLInfraError as error:
            say(str(error))

    def _last_seen(self, words: str) -> str:
        return f"{_LAST_SEEN} {time.time() - self._seen_at:.0f} s ago: {words}"

    # Jobs that wait here

    def _send(self) -> None:
        waiting = self._store.waiting(
            at=time.time(), limit=QUEUE_LIMIT, backend=self._backend, sent=False
        )
        found = (
            keys_of(
                [self._store.entry(item.id) for item in waiting], self._cluster().most, self._fewer
            )
            if waiting
            else []
        )
        for keys in found[:SENT_AT_A_TIME]:
            entries = self._store.sending(keys)
            self._store.sync()  # the keys, before the remote side has them
            failpoint("sending")
            if entries:
                self._alone(entries[0].job.id, partial(self._send_batch, entries))
        if found:
            self._pause = FIRST_SECONDS

    def _send_batch(self, entries: Sequence[JobEntry]) -> None:
        """Send jobs whose keys are recorded. If the remote side does not answer, their arrival is
        uncertain until the next look.
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
                cluster=self._cluster().name,
            )
            remotes = self._far(partial(self._remote.send, batch))
        except Unreachable:
            self._doubted.again(batch_name(entries[0].token))
            raise
        except (NotNow, Unavailable, OSError) as error:
            self._put_off(
                entries,
                (
                    error.words
                    if isinstance(error, NotNow)
                    else f"It cannot be sent yet: {explained(error)}"
                ),
            )
            return
        except (CannotStart, Rejected, MLInfraError, ValueError) as error:
            words = (
                error.reason
                if isinstance(error, CannotStart)
                else error.words
                if isinstance(error, Rejected)
                else str(error)
            )
            self._refuse(entries, words, error.code if isinstance(error, CannotStart) else None)
            return
        failpoint("sent")
        self._store.sent(dict(zip(jobs, remotes, strict=True)))
        self._doubted.forget([batch_name(entries[0].token)])
        self._fewer.pop(entries[0].job.part_of or "", None)
        self._record.explain(dict.fromkeys(jobs, f"Sent to {self._backend}."))
        failpoint("noted")

    def _put_off(self, entries: Sequence[JobEntry], words: str) -> None:
        part_of, fewer = entries[0].job.part_of, len(entries) // 2
        if part_of is not None and fewer >= FEWEST:  # a limit may leave room for some of them
            self._fewer[part_of], delay = fewer, LATER_SECONDS
        else:
            delay = max(self._record.later.again(entry.job.id) for entry in entries)
        self._store.unsent(
            [entry.job.id for entry in entries],
            reason=f"{words.rstrip('.')}. It is tried again in {delay:.0f} s.",
            delay=delay,
        )

    def _refuse(self, entries: Sequence[JobEntry], words: str, code: int | None) -> None:
        for entry in entries:
            self._record.end_unstarted(entry, JobState.FAILED, words[:REASON_BYTES], code)

    # Whatever happens

    def _alone(self, job: str, action: Callable[[], None]) -> None:
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
        Follower(project, sys.argv[2], backend.remote()).run()
    except Conflict as error:
        say(f"ends: {error}")


if __name__ == "__main__":
    main()
