"""The follower: sends the waiting jobs of one backend on, looks at all of them in one call, writes down what it sees.

It may be killed at any point. Before jobs are sent, the keys that they carry are written down, afterwards how the far side calls them; the
next follower finds by its key what arrived. An attempt is claimed by its guard, so that none runs twice even if it was sent twice. Not being
able to look is nothing to a job: its state stays, and its reason says since when it was not seen.

    python -m jupyter_mlinfra.jobs.backends.following.follower ROOT BACKEND
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol, cast

from ....core.errors import Conflict, MLInfraError, NotFound, Unavailable
from ....core.files import file_lock
from ....core.processes import Identity, boot_id, failpoint, start_ticks
from ....core.project import Project
from ...attempt import REASON_BYTES, Attempt
from ...environment import release
from ...retention import Retention
from ...rows import Entry
from ...spec import JobState
from ...state import judge
from ...store import JobStore
from .. import load_backend
from ..bell import Bell
from ..launch import Place
from ..program import CannotStart
from ..supervisor import say
from . import NotNow, Rejected, Remote, Sighting, Stage, Unreachable
from .control import Mark, digest_of, mark_path
from .guard import UNCLAIMED
from .order import LIMIT, Begun, read_asked
from .outcome import ended
from .patience import Patience
from .sending import batch_of, first_attempt, in_doubt, keys_of

QUEUE_LIMIT = 2000
"""Waiting jobs that are looked at for sending."""
SENT_AT_A_TIME = 40
"""Calls that send, between two looks."""
FIRST_SECONDS = 0.25
"""Pause before the first look after something happened; each is twice the one before, up to the setting."""
BACKOFF_LIMIT_SECONDS = 60.0
TOLD_SECONDS = 30.0
"""How often a reason counts on since when its job was not seen."""
LAG_SECONDS = 5.0
"""How long a file that another machine wrote may take to be seen here, and a job of which nothing is seen may still show up."""
AGAIN_SECONDS = 10.0
"""Between two wishes that the same job end."""
LATER_SECONDS, LATER_LIMIT_SECONDS = 15.0, 600.0
"""Pause before a job is sent again that could not be; and the longest, as it is doubled each time."""
DOUBT_SECONDS, DOUBT_LIMIT_SECONDS = 2.0, 300.0
"""The same of a call that nobody answered: others are not to wait behind it."""
_LAST_SEEN = "Last seen"
IDLE_SECONDS = 60.0
"""How long a follower stays when no job of its backend is left."""


def _rank(sighting: Sighting) -> tuple[bool, bool, bool]:
    """Of jobs with the same key that one is meant which runs, else which waits, else which ended with a word of its own."""
    return sighting.stage is Stage.ENDED, sighting.code == UNCLAIMED, sighting.stage is Stage.WAITING


class _Followed(Protocol):
    def remote(self) -> Remote: ...


class Follower:
    """Follows the jobs of one backend until none is left for a while."""

    def __init__(self, project: Project, backend: str, remote: Remote) -> None:
        self._project, self._backend, self._remote, self._poll = project, backend, remote, remote.poll_seconds
        self._place = Place(root=project.root, home=project.home)
        self._store = JobStore(project.database)
        self._retention = Retention(self._store, project.root, project.home)
        self._bell = Bell(project.home, backend)
        self._pause = FIRST_SECONDS
        self._seen_at = time.time()
        self._told_at = 0.0
        self._failures = 0
        self._refused = Patience(LATER_SECONDS, LATER_LIMIT_SECONDS)
        self._doubted = Patience(DOUBT_SECONDS, DOUBT_LIMIT_SECONDS)
        self._wished: dict[str, float] = {}
        self._missed: dict[str, float] = {}
        self._faults: dict[str, str] = {}
        self._strays = True
        self._idle_since: float | None = None
        self._trouble = ""

    def run(self) -> None:
        """Follow; returns when told to end, or when nothing is left to do."""
        with file_lock(self._project.folder("jobs") / f"{self._backend}.lock") as handle:
            inode = os.fstat(handle).st_ino
            self._bell.hang()
            mark = mark_path(self._project.home, self._backend)
            self._register()
            while not self._bell.stopping:
                self._safely()
                if not os.path.exists(mark) or os.stat(self._project.home / "jobs" / f"{self._backend}.lock").st_ino != inode:
                    break  # the project was deleted, or its state moved away
                if self._idle():
                    mark.unlink()
                    if not self._store.busy(backend=self._backend):  # looked at after nobody can take us for awake
                        break
                    self._register()
                rung = self._bell.wait(self._seconds())
                if rung.rung:
                    self._pause = FIRST_SECONDS
            say("ends; its jobs go on")
            self._bell.close()

    def _register(self) -> None:
        own = Identity(boot_id(), os.getpid(), start_ticks(os.getpid()) or 0)
        Mark(process=own, socket=str(self._bell.path), settings=digest_of(self._project)).write(mark_path(self._project.home, self._backend))

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

    def _safely(self) -> None:
        """A database that is busy or full for a while ends nothing, nor does a fault of ours: the same is tried again, from what is written down."""
        try:
            self._round()
            self._trouble = ""
        except Unreachable as error:
            self._failures += 1
            self._unseen(error.words)
        except Exception as error:  # noqa: BLE001 - without a follower no job would go on
            self._failures += 1
            self._complain("tries again and again", error)

    def _round(self) -> None:
        followed = self._store.followed(backend=self._backend)
        if followed or self._strays:
            self._look(followed)
        self._send()
        self._retention.tidy()

    # Jobs that were sent

    def _look(self, followed: Sequence[Entry]) -> None:
        sightings = self._remote.look()
        self._seen_at, self._failures = time.time(), 0
        known = {entry.token: entry for entry in followed}
        seen = dict[str, Sighting]()
        strays = list[Sighting]()
        for sighting in sorted(sightings, key=_rank):
            if sighting.key in known and sighting.key not in seen:
                seen[sighting.key] = sighting
            elif sighting.stage is Stage.WAITING or (sighting.stage is Stage.RUNNING and sighting.key not in known):
                strays.append(sighting)  # of a job that has ended meanwhile, or sent twice: of two that run, one finds by itself that it is too late
        self._strays = bool(strays)
        for entry in followed:
            if entry.token in seen:
                if seen[entry.token].stage is not Stage.ENDED:  # of what has ended, the exit code may be missed
                    self._missed.pop(entry.token, None)
                self._alone(entry.job.id, partial(self._see, entry, seen[entry.token]))
        self._sync([(entry, seen[entry.token]) for entry in followed if entry.token in seen])
        wanted = [(entry, seen[entry.token]) for entry in followed if (entry.cancelled_by or entry.requeued_by) and entry.token in seen]
        self._end(strays, [(entry, sighting) for entry, sighting in wanted if sighting.stage is not Stage.ENDED])
        self._miss([entry for entry in followed if entry.token not in seen])

    def _end(self, strays: Sequence[Sighting], wanted: Sequence[tuple[Entry, Sighting]]) -> None:
        at, jobs = time.monotonic(), {sighting.remote: entry for entry, sighting in wanted}
        due = [one for one in (*strays, *(sighting for _, sighting in wanted)) if at - self._wished.get(one.remote, -AGAIN_SECONDS) >= AGAIN_SECONDS]
        if due:
            self._wished |= {sighting.remote: at for sighting in due}
            words = self._ask(partial(self._remote.end, due))
            asked = [jobs[sighting.remote] for sighting in due if words and sighting.remote in jobs]
            self._explain(
                {one.job.id: f"{one.cancelled_by or one.requeued_by} asked for its end, and {self._backend} does not do it: {words}" for one in asked}
            )

    def _ask(self, action: Callable[[], None]) -> str:
        """Have the far side change something. What it does not do is asked for again, and nothing to other jobs; returns why."""
        try:
            action()
        except (Unreachable, NotNow, Rejected) as error:
            if self._faults.get("") != error.words:
                say(f"is not done: {error.words}")
            self._faults[""] = error.words
            return error.words
        return ""

    def _see(self, entry: Entry, sighting: Sighting) -> None:
        """One job as it is shown now."""
        if entry.remote != sighting.remote:
            self._store.sent({entry.job.id: sighting.remote})
        current = first_attempt(entry.token) + sighting.restarts
        if entry.job.state is not JobState.QUEUED and entry.job.attempt < current:
            if self._settled(entry):
                self._over(entry, None)  # what is started again has nothing left to do, and is a stray from now on
                return
            words = f"Its place was taken; {self._backend} starts it again." if not sighting.reason else f"Starts again: {sighting.reason}"
            self._store.again(entry.job.id, reason=words, exit_code=None, counted=False, delay=0.0, remote=sighting.remote)
            entry = self._store.entry(entry.job.id)
        if sighting.stage is Stage.WAITING:
            if not entry.cancelled_by and not entry.job.held_by:
                self._explain({entry.job.id: sighting.reason or "Waits for its turn."})
            return
        if sighting.stage is Stage.RUNNING and not Begun.read(Attempt.of(self._place.home, entry.job.id, current)).node and self._early(f"{entry.token}+"):
            return  # its guard is about to say where it runs, and on which GPUs
        if entry.job.state is JobState.QUEUED or sighting.stage is Stage.ENDED:
            entry = self._catch_up(entry, sighting, current)
        elif entry.job.reason and not (entry.cancelled_by or entry.requeued_by):
            self._explain({entry.job.id: ""})
        if sighting.stage is Stage.ENDED:
            self._over(entry, sighting)

    def _settled(self, entry: Entry) -> bool:
        """Whether an attempt ended for good although the far side starts the job again, as Slurm does with one that ends well while it gives way."""
        attempt = Attempt.of(self._place.home, entry.job.id, entry.job.attempt)
        return attempt.exit_code() == 0 or read_asked(attempt) == LIMIT

    def _catch_up(self, entry: Entry, sighting: Sighting | None, current: int) -> Entry:
        """Write down attempts that have begun since the last look."""
        job = entry.job.id
        while entry.job.attempt < current:
            number = entry.job.attempt + 1
            attempt = Attempt.of(self._place.home, job, number)
            began = attempt.began_at()
            if began is None and (sighting is None or sighting.stage is Stage.ENDED):
                break  # it ended before its guard had begun
            entry = self._store.running_there(job, gpu_ids=Begun.read(attempt).gpu_ids, began=time.time() if began is None else began)
            failpoint("running")
            if self._settled(entry):
                break
            if number < current:
                self._store.again(job, reason="Its place was taken.", exit_code=None, counted=False, delay=0.0, remote=entry.remote)
                entry = self._store.entry(job)
        return entry

    def _over(self, entry: Entry, sighting: Sighting | None) -> None:
        """The attempt has ended: judge it, once its exit code is here."""
        job = entry.job
        attempt = Attempt.of(self._place.home, job.id, max(job.attempt, first_attempt(entry.token)))
        if attempt.exit_code() is None and (sighting is None or sighting.asked is None) and self._early(entry.token):
            return
        failpoint("ended")
        verdict = judge(ended(entry, attempt, sighting), failures=entry.failures, retries=entry.spec.retries, requeues=entry.requeues)
        if verdict.state is JobState.QUEUED and job.state is JobState.QUEUED:
            self._store.unsent([job.id], reason=verdict.reason, delay=max(verdict.delay, LATER_SECONDS))
        elif verdict.state is JobState.QUEUED:
            self._store.again(job.id, reason=verdict.reason, exit_code=verdict.exit_code, counted=verdict.counted, delay=verdict.delay)
        else:
            state = JobState.FAILED if verdict.state is JobState.LOST and job.state is JobState.QUEUED else verdict.state
            if job.state is JobState.QUEUED and state is JobState.SUCCEEDED:
                self._store.running_there(job.id, gpu_ids=(), began=time.time())
            self._store.end(job.id, state, reason=verdict.reason, exit_code=verdict.exit_code, progress=attempt.read_progress())
        failpoint("settled")
        self._forget(entry)
        self._pause = FIRST_SECONDS

    def _early(self, token: str) -> bool:
        """Whether what is missing may still come."""
        return time.monotonic() - self._missed.setdefault(token, time.monotonic()) < LAG_SECONDS

    def _forget(self, entry: Entry) -> None:
        self._missed.pop(entry.token, None)
        self._missed.pop(f"{entry.token}+", None)
        self._wished.pop(entry.remote or "", None)
        self._retention.count()
        environment = entry.launch.environment
        release(environment, needed=lambda: self._store.needs(environment))

    def _miss(self, entries: Sequence[Entry]) -> None:
        """Jobs that the far side does not show: those that never arrived are sent again, of the others all traces are looked for."""
        doubtful = [entry for entry in entries if entry.remote == "" and not self._claimed(entry)]
        for batch in in_doubt(doubtful):
            if self._doubted.due(batch[0].token):
                self._alone(batch[0].job.id, partial(self._send_batch, [entry for entry in batch if not entry.cancelled_by]))
        self._store.unsent([entry.job.id for entry in doubtful if entry.cancelled_by], reason="", delay=0.0)
        gone = [entry for entry in entries if entry not in doubtful]
        settled = [entry for entry in gone if not self._early(entry.token)]
        recalled = self._remote.recall([entry.remote for entry in settled if entry.remote]) if settled else {}
        for entry in settled:
            self._alone(entry.job.id, partial(self._lost_sight, entry, recalled.get(entry.remote or "")))

    def _lost_sight(self, entry: Entry, recalled: Sighting | None) -> None:
        """A job that is shown no longer: it ended long ago, or never began."""
        number = max(entry.job.attempt, first_attempt(entry.token))
        while Attempt.of(self._place.home, entry.job.id, number + 1).claimed() is not None:
            number += 1
        if Attempt.of(self._place.home, entry.job.id, number).claimed() is None and recalled is None and entry.job.state is JobState.QUEUED:
            why = entry.job.reason if entry.job.held_by else f"{self._backend} does not know it any more; it is sent again."
            self._store.unsent([entry.job.id], reason=why, delay=0.0)
            return
        self._over(self._catch_up(entry, None, number), recalled)

    def _claimed(self, entry: Entry) -> bool:
        return Attempt.of(self._place.home, entry.job.id, first_attempt(entry.token)).claimed() is not None

    def _sync(self, pairs: Iterable[tuple[Entry, Sighting]]) -> None:
        """Holds and priorities of jobs that wait on the far side."""
        waiting = [(entry, sighting) for entry, sighting in pairs if sighting.stage is Stage.WAITING and not entry.cancelled_by]
        for held in (True, False):
            remotes = [sighting.remote for entry, sighting in waiting if bool(entry.job.held_by) is held and sighting.held is not held]
            if remotes:
                self._ask(partial(self._remote.hold, remotes, held=held))
        moved = {s.remote: entry.job.priority for entry, s in waiting if s.rank is not None and s.rank != self._remote.rank(entry.job.priority)}
        if moved:
            self._ask(partial(self._remote.prioritize, moved))

    def _unseen(self, words: str) -> None:
        """Say of jobs that they cannot be seen at present; nothing else is known."""
        seconds = time.time() - self._seen_at
        due = words != self._trouble or time.monotonic() - self._told_at >= TOLD_SECONDS
        if words != self._trouble:
            say(f"cannot look: {words}")
        if due:
            self._trouble, self._told_at = words, time.monotonic()
        try:
            jobs = [entry.job for entry in self._store.followed(backend=self._backend) if not entry.cancelled_by]
            jobs = [job for job in jobs if due or not job.reason.startswith(_LAST_SEEN)]
            waiting = self._store.waiting(at=time.time(), limit=QUEUE_LIMIT, backend=self._backend, sent=False)
            reasons = {job.id: f"{_LAST_SEEN} {seconds:.0f} s ago: {words}" for job in jobs}
            self._explain({**reasons, **{item.id: f"Waits: {words}" for item in waiting}})
        except MLInfraError as error:
            say(str(error))

    # Jobs that wait here

    def _send(self) -> None:
        waiting = self._store.waiting(at=time.time(), limit=QUEUE_LIMIT, backend=self._backend, sent=False)
        batches = keys_of([self._store.entry(item.id) for item in waiting])
        for keys in batches[:SENT_AT_A_TIME]:
            entries = self._store.sending(keys)
            failpoint("sending")
            if entries:
                self._alone(entries[0].job.id, partial(self._send_batch, entries))
        if batches:
            self._pause = FIRST_SECONDS

    def _send_batch(self, entries: Sequence[Entry]) -> None:
        """Send jobs whose keys are written down. Should the far side not answer, they are in doubt until the next look."""
        if not entries:
            return
        jobs = [entry.job.id for entry in entries]
        try:
            batch = batch_of(entries, self._place, grace_seconds=self._project.settings.jobs.grace_seconds)
            remotes = self._remote.send(batch)
        except Unreachable:
            self._doubted.again(entries[0].token)
            raise
        except (NotNow, Unavailable, OSError) as error:
            self._put_off(entries, error.words if isinstance(error, NotNow) else f"It cannot be sent yet: {explained(error)}")
            return
        except (CannotStart, Rejected, MLInfraError, ValueError) as error:
            words = error.reason if isinstance(error, CannotStart) else error.words if isinstance(error, Rejected) else str(error)
            self._refuse(entries, words, error.code if isinstance(error, CannotStart) else None)
            return
        failpoint("sent")
        self._store.sent(dict(zip(jobs, remotes, strict=True)))
        self._doubted.forget([entries[0].token])
        self._refused.forget(jobs)
        self._explain(dict.fromkeys(jobs, f"Sent to {self._backend}."))
        failpoint("noted")

    def _put_off(self, entries: Sequence[Entry], words: str) -> None:
        delay = max(self._refused.again(entry.job.id) for entry in entries)
        self._store.unsent([entry.job.id for entry in entries], reason=f"{words.rstrip('.')}. It is tried again in {delay:.0f} s.", delay=delay)

    def _refuse(self, entries: Sequence[Entry], words: str, code: int | None) -> None:
        for entry in entries:
            self._store.end(entry.job.id, JobState.FAILED, reason=words[:REASON_BYTES], exit_code=code)
            self._forget(entry)

    # Whatever happens

    def _explain(self, reasons: dict[str, str]) -> None:
        if reasons:
            self._store.explain(reasons)

    def _alone(self, job: str, action: Callable[[], None]) -> None:
        """What goes wrong with one job is nothing to the others, and logged once. Raises what goes for all of them."""
        try:
            action()
            self._faults.pop(job, None)
        except (Unreachable, Unavailable):
            raise
        except (Conflict, NotFound) as error:
            say(f"job {job} was moved by somebody else: {error}")
        except Exception as error:  # noqa: BLE001
            if self._faults.get(job) != str(error):
                self._faults[job] = str(error)
                self._complain(f"job {job} is set aside", error)

    def _complain(self, what: str, error: Exception) -> None:
        if str(error) != self._trouble:
            self._trouble = str(error)
            say(f"{what}: {error if isinstance(error, MLInfraError) else ''.join(traceback.format_exception(error)).rstrip()}")


def explained(error: Exception) -> str:
    """In words for people."""
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def main() -> None:
    """Follow the jobs of the project and backend on the command line."""
    project = Project.open(sys.argv[1])
    os.chdir("/")
    backend = cast(_Followed, load_backend(sys.argv[2], project))
    Follower(project, sys.argv[2], backend.remote()).run()


if __name__ == "__main__":
    main()
