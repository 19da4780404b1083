"""The local supervisor: one process per project that starts queued jobs and records how they end.

A datagram, the end of a watched process (pidfd), a signal or a due time wakes it; otherwise it
sleeps. It may be killed at any point: everything is recorded before (attempt and token) and after
(process), a job's wrapper stores the exit code in a file, and the next supervisor looks for every
trace before it starts anything.

python -m jupyter_mlinfra.jobs.local.supervisor CONFIG
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import secrets
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from ...core.daemons.daemon import Daemon, described, say
from ...core.daemons.registration import own_identity
from ...core.daemons.wakeups import BEAT_SECONDS
from ...core.database import Database
from ...core.errors import Conflict, MLInfraError, NotFound, Unavailable
from ...core.gpus import gpu_slots
from ...core.machine import cpu_slots, memory_gib
from ...core.processes import Identity, adopt_orphans, boot_id, failpoint, start_ticks
from ...core.runtime_folder import runtime_folder
from ..attempt import log_cap as capping
from ..attempt.environment import forget
from ..attempt.files import REASON_BYTES, Attempt
from ..backends.launch import Place, TryLater, explained, spawn
from ..backends.program import CannotStart
from ..queue.retention import Retention
from ..queue.rows import JobEntry
from ..queue.store import JobStore
from ..spec import JobState
from ..state import judge
from .alarm_clock import Alarms
from .cancel_requests import CancelRequests
from .client import Config
from .explaining import Explanations
from .plan import plan
from .plan_input import capacity_of, holdings_of, needs_of
from .prestarted import Ready
from .registry import Registered, SupervisorRegistry
from .releasing import Environments, watch_deleted
from .running import Live, Prestarted, find, limit_at, orphaned
from .usage import Sampler
from .warm_runners import Warm

QUEUE_LIMIT = 500
"""How many waiting jobs are examined for a start."""
ALIKE = 64
"""How many of those may ask for the same: if the first do not start, neither do the others, and
they must not hide the jobs behind them.
"""
EXPLAINED = 100
"""How many waiting jobs, from the head of the queue, get a reason; the others wait for
their turn.
"""
RETRY_SECONDS = 1.0
"""Pause after the database was busy or the disk full."""
LATER_SECONDS = 5.0
"""Pause before a start is tried again if the machine had no room, or the GPU is used by another
process.
"""
ALONE_SECONDS = 600.0
"""How often an idle supervisor checks its queue without being woken."""


class Supervisor(Daemon):
    """Runs the jobs of one project until it is told to end."""

    def __init__(self, config: Config) -> None:
        self._place = Place(root=Path(config.root), home=Path(config.home))
        super().__init__(
            self._place.home / "jobs" / "supervisor.lock",
            runtime_folder(self._place.home) / "supervisor.sock",
            what="Supervision of this project",
        )
        self._grace = config.grace_seconds
        self._log_bytes = config.log_bytes
        self._settings = config.settings
        self._gpus = gpu_slots(config.gpus)
        self._cpus = cpu_slots(config.cpus)
        self._memory = memory_gib()
        database = Database(self._place.home / "state.db", forced=False, anew=False)
        self._store, self._registry = JobStore(database), SupervisorRegistry(database)
        self._retention = Retention(self._store, self._place.root, self._place.home)
        self._live: dict[str, Live] = {}
        self._adopts = False
        self._unforced = False
        self._environments = Environments(self._store)
        self._cancel_requests = CancelRequests(self._place.home)
        self._sampler = Sampler(self._place.home)
        self._alarms = Alarms(database, self._place)
        self._warm = Warm(
            self._place,
            size=config.warm_kernels,
            memory_gib=config.warm_memory_gib,
            imports=config.warm_imports,
            wakeups=self._wakeups,
            say=say,
        )
        self._ready = Ready(self._place)
        self._aside: dict[str, JobEntry] = {}
        self._adopt_at: float | None = 0.0
        self._retry_at: float | None = None
        self._queue_at: float | None = None
        self._explanations = Explanations(self._store)
        self._cap_at = 0.0

    def _begin(self) -> None:
        self._adopts = adopt_orphans()
        self._alarms.listen(self._wakeups.add)
        self._register()
        self._safely(partial(self._warm.sweep, self._store))
        watch_deleted(self._wakeups.path.parent)

    def _abandon(self) -> None:
        forget(self._wakeups.path.parent, jobs=set(self._live), environments=(), fresh_seconds=0)

    def _close(self) -> None:
        say("ends; running jobs continue")
        self._safely(self._environments.release_all)
        self._warm.close()
        self._ready.close()

    def _register(self) -> None:
        entry = Registered(
            process=own_identity(),
            started_at=datetime.now(UTC),
            socket=str(self._wakeups.path),
            settings=self._settings,
            cpus=self._cpus,
            gpus=len(self._gpus),
        )
        self._registry.write(entry)
        say(f"supervises {self._place.root} with {self._cpus} CPU and {len(self._gpus)} GPU slots")

    def _sleep(self) -> None:
        """Wait for an event or the next due time."""
        moments = [
            self._queue_at,
            self._explanations.due(),
            self._adopt_at,
            self._environments.due(),
            self._sampler.due(running=bool(self._live)),
            self._alarms.due(),
            self._warm.due(),
            self._ready.due(),
            *(live.due() for live in self._live.values()),
        ]
        if self._retry_at is not None:
            moments = [self._retry_at]
        due = [moment for moment in moments if moment is not None]
        timeout = min(due, default=math.inf) - time.monotonic()
        every = capping.LOOK_SECONDS if self._live else BEAT_SECONDS
        # Bounded, because the system cannot be asked to sleep for a month.
        wakeup = self._wakeups.wait(
            min(max(0.0, timeout), ALONE_SECONDS), meanwhile=self._look_after, every=every
        )
        for job, handle in wakeup.ended:
            (self._live[job].process_ended if job else self._warm.can_read)(handle)

    def _look_after(self) -> bool:
        """From time to time, limit what jobs write; returns whether the state is still there."""
        if time.monotonic() >= self._cap_at:
            self._cap_logs()
        return self._owns_state()

    def _cap_logs(self) -> None:
        self._cap_at = time.monotonic() + capping.LOOK_SECONDS
        for live in self._live.values():
            with contextlib.suppress(OSError):  # a job may do to its log what it likes
                capping.cap_log(live.attempt, self._log_bytes)

    def _safely(self, action: Callable[[], None]) -> Exception | None:
        error = super()._safely(action)
        self._retry_at = None
        if error is not None:
            self._adopt_at = 0.0
            self._retry_at = time.monotonic() + RETRY_SECONDS
        return error

    def _isolated(self, job: str, action: Callable[[], None]) -> bool:
        """Do something for one job; returns whether it worked. An error with one job does not
        affect the others, and is logged once.

        Raises Unavailable: that is the database, and affects all of them.
        """
        self._wakeups.beat()
        try:
            action()
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001
            self._faults.note(job, f"job {job} is set aside", error)
            return False
        self._faults.clear(job)
        return True

    def _round(self) -> None:
        if self._adopt_at is not None and time.monotonic() >= self._adopt_at:
            self._adopt()
        self._cancel()
        try:
            self._follow()
            self._start()
        finally:
            self._force()
        self._orphans()  # nobody else waits for them
        self._ready.tend()
        self._sampler.tend(live.entry for live in self._live.values())
        self._alarms.tend()
        self._warm.tend(free=sum(live.entry.spec.cpus for live in self._live.values()) < self._cpus)
        self._retention.tidy(self._wakeups.beat)
        self._environments.tend()

    def _force(self) -> None:
        """Force to disk how jobs ended in this round: once, and after the starts, since the disk
        takes longer than those.

        After a power cut before that, such a job is found as one that was running.
        """
        if self._unforced:
            self._store.sync()
            self._unforced = False

    # Jobs under way

    def _adopt(self) -> None:
        """Take over what an earlier supervisor started; start what it was about to start and did
        not.
        """
        self._aside = {}
        for entry in self._store.active():
            job = entry.job.id
            adopted = job in self._live or self._isolated(job, partial(self._adopt_one, entry))
            if not adopted and job not in self._live:
                self._aside[job] = entry
        self._adopt_at = time.monotonic() + LATER_SECONDS if self._aside else None

    def _adopt_one(self, entry: JobEntry) -> None:
        live = find(entry, self._place.home)
        if live is not None:
            say(f"adopts job {entry.job.id}")
            self._take(live)
        elif by := entry.cancelled_by or self._cancel_requests.read().get(entry.job.id):
            self._store.end(
                entry.job.id, JobState.CANCELLED, reason=f"Cancelled by {by}.", exit_code=None
            )
        else:
            self._spawn(entry)

    def _take(self, live: Live) -> None:
        self._live[live.id] = live
        live.listen(self._wakeups.watch)
        self._write_running(live)

    def _write_running(self, live: Live) -> None:
        if not live.saved and live.wrapper is not None:
            live.entry = self._store.running(live.id, live.wrapper)
        live.saved = True

    def _cancel(self) -> None:
        """End jobs for which that, or a requeue, was requested."""
        if not self._live:
            return
        cancels = self._cancel_requests.read()
        requests = {job: (JobState.CANCELLED, user) for job, user in cancels.items()}
        for job, (state, user) in {**self._store.asked(), **requests}.items():
            live = self._live.get(job)
            if live is not None and (
                live.asked is None
                or (live.asked is JobState.QUEUED and state is JobState.CANCELLED)
            ):
                reason = f"{'Cancelled' if state is JobState.CANCELLED else 'Requeued'} by {user}."
                action = partial(live.ask_to_end, state, reason, grace_seconds=self._grace)
                self._isolated(job, action)

    def _follow(self) -> None:
        """Check each running job; one that cannot be checked is tried again later.

        This also happens if another job's end cannot be recorded: a full disk keeps no process
        alive beyond its grace period.
        """
        unavailable: Unavailable | None = None
        for live in list(self._live.values()):
            if live.aside_until is None or time.monotonic() >= live.aside_until:
                try:
                    worked = self._isolated(live.id, partial(self._see_to, live))
                except Unavailable as error:
                    unavailable = error
                else:
                    live.aside_until = None if worked else time.monotonic() + LATER_SECONDS
        if unavailable is not None:
            raise unavailable

    def _see_to(self, live: Live) -> None:
        """End it if it is past its limit, record what could not be recorded, judge it if it is
        over.
        """
        if live.limit_at is not None and live.asked is None and time.monotonic() >= live.limit_at:
            minutes = live.entry.spec.time_limit_minutes
            live.ask_to_end(
                JobState.FAILED,
                f"Reached its time limit of {minutes:g} min.",
                grace_seconds=self._grace,
            )
        over = live.look(self._wakeups.watch, grace_seconds=self._grace, orphans=self._orphans)
        if not live.saved:
            self._write_running(live)
        if over:
            self._settle(live)
        elif live.orphaned() and not live.explained:
            live.explained = True
            self._store.explain(
                {live.id: "Still runs, but the process that would store its exit code was killed."}
            )

    def _orphans(self) -> bool:
        wrappers = (live.wrapper.pid for live in self._live.values() if live.wrapper is not None)
        return not self._adopts or orphaned({*wrappers, *self._warm.pids(), *self._ready.pids()})

    def _settle(self, live: Live) -> None:
        """The attempt is over: record the outcome of the job, and drop it."""
        failpoint("ended")
        try:
            self._judge(live)
        except (Conflict, NotFound) as error:
            say(f"job {live.id} was changed by another process: {error}")
        except MLInfraError:
            raise
        except Exception as error:  # noqa: BLE001
            self._fail(live.id, "How it ended could not be judged", error)
        failpoint("settled")
        self._wakeups.unwatch(live.handles)
        live.close()
        del self._live[live.id]
        self._retention.count()
        self._release(live.entry)

    def _release(self, entry: JobEntry) -> None:
        """The job has ended, which is not on disk yet."""
        self._unforced = True
        self._environments.add(entry.launch.environment)

    def _judge(self, live: Live) -> None:
        entry, job = live.entry, live.id
        if live.never_began() and live.asked is None:
            self._store.again(
                job,
                reason="The state folder could not be written; it is tried again.",
                exit_code=None,
                counted=False,
                delay=LATER_SECONDS,
            )
            return
        verdict = judge(
            live.ended(self._place.root),
            failures=entry.failures,
            retries=entry.spec.retries,
            requeues=entry.requeues,
        )
        if verdict.state is JobState.QUEUED:
            self._store.again(
                job,
                reason=verdict.reason,
                exit_code=verdict.exit_code,
                counted=verdict.counted,
                delay=verdict.delay,
            )
            return
        started_at = None if entry.job.started_at else live.attempt.began_at()
        self._store.end(
            job,
            verdict.state,
            reason=verdict.reason,
            exit_code=verdict.exit_code,
            started_at=started_at,
            progress=live.attempt.read_progress(),
        )
        self._cancel_requests.forget(job)

    def _fail(self, job: str, failure: str, error: Exception) -> None:
        """An error of ours with this job: it ends, and says so."""
        say(f"job {job} fails: {described(error)}")
        reason = f"{failure}: {type(error).__name__}: {error}. Report this: it is a bug."
        self._store.end(job, JobState.FAILED, reason=reason[:REASON_BYTES], exit_code=None)
        self._cancel_requests.forget(job)

    # Jobs that wait

    def _start(self) -> None:
        at = time.time()
        waiting = self._store.waiting(at=at, limit=QUEUE_LIMIT, alike=ALIKE)
        later = self._store.next_start(at=at)
        self._queue_at = None if later is None else time.monotonic() + later - at
        explain = self._explanations.begin()
        registered = self._registry.read() if waiting else None
        if registered is None or registered.stopped:
            return
        needs = needs_of(waiting)
        holdings = holdings_of(
            (*(live.entry for live in self._live.values()), *self._aside.values())
        )
        look = any(need.gpus for need in needs)
        capacity = capacity_of(
            self._gpus, holdings, cpus=self._cpus, memory_gib=self._memory, look=look
        )
        decided = plan(needs, holdings, capacity, explained=EXPLAINED if explain else 0)
        for job, gpu_ids in decided.starts:
            self._isolated(job, partial(self._launch, job, gpu_ids))
        if len(decided.starts) == len(needs):
            return
        if capacity.busy:
            self._queue_at = min(self._queue_at or math.inf, time.monotonic() + LATER_SECONDS)
        if explain:
            self._explanations.record(
                {
                    item.id: reason
                    for item in waiting
                    if (reason := decided.reasons.get(item.id, item.reason)) != item.reason
                }
            )
        else:
            self._explanations.postpone()

    def _launch(self, job: str, gpu_ids: tuple[str, ...]) -> None:
        process = self._warm.take(self._store, job, gpu_ids) or self._ready.take()
        try:
            entry = self._store.starting(
                job, token=process.token if process else secrets.token_hex(16), gpu_ids=gpu_ids
            )
        except Conflict:  # cancelled since the queue was read
            if process is not None:
                process.give_back()
            return
        except BaseException:
            if process is not None:
                process.discard()
            raise
        failpoint("starting")
        self._spawn(entry, process)

    def _spawn(self, entry: JobEntry, process: Prestarted | None = None) -> None:
        """Start the process of an attempt that is recorded as starting, or give it to a waiting
        process.
        """
        job = entry.job.id
        try:
            with explained():
                pid = process.hand_over(entry) if process is not None else None
            pid = pid or spawn(entry, self._place)
        except CannotStart as error:
            self._store.end(job, JobState.FAILED, reason=error.reason, exit_code=error.code)
            self._release(entry)
            return
        except TryLater as error:
            self._store.again(
                job, reason=error.reason, exit_code=None, counted=False, delay=LATER_SECONDS
            )
            return
        except Exception as error:  # noqa: BLE001
            self._fail(job, "It could not be started", error)
            return
        failpoint("spawned")
        self._ready.started(entry)
        wrapper = Identity(boot_id(), pid, start_ticks(pid, zombie=True) or 0)
        live = Live(
            entry=entry,
            attempt=Attempt.of(self._place.home, job, entry.job.attempt),
            wrapper=wrapper,
            saved=False,
            ours=True,
        )
        live.limit_at = limit_at(entry, live.attempt, wrapper)
        self._take(live)
        failpoint("running")


def main() -> None:
    """Supervise the project of the configuration on the command line."""
    os.chdir("/")
    config = Config(**json.loads(sys.argv[1]))
    try:
        Supervisor(config).run()
    except Conflict as error:
        say(f"ends: {error}")


if __name__ == "__main__":
    main()
