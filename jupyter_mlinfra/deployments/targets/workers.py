"""Serving processes of the local target: start, find again, restart with back-off, replace, end
after a drain.

A process that has to go although its version stays (it is stuck, or has grown too large) is
replaced: another one is started, and only when that one answers, the first gets no more requests,
finishes those that it has, and ends. So none is lost.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections.abc import Collection
from pathlib import Path

from ...core.errors import MLInfraError
from ...core.files import make_below
from ...core.processes import Identity, end_token
from ...core.records import now
from ..gateway import REQUEST_SECONDS, cluster_name
from ..runtime.guard import SLOTS, Ledger, Slot
from .checking import BundleChecks
from .envoy import admin
from .process_table import ProcessRow, ProcessTable
from .vitals import cpu_seconds, memory_bytes, suspended
from .worker import THREADS, Worker, WorkerSpec, command, environment, open_log
from .worker_logs import cut, last_error, log_file

START_SECONDS = 150.0
"""A process that has not answered after this time is killed. Longer than a deploy waits, because
the deploy reports more.
"""

UNHEALTHY_SECONDS = 30.0
"""A process that has answered before, and for this long fails the gateway's check and finishes no
request, is killed.
"""

SUSPENDED_SECONDS = 1.0
"""A process that is stopped (SIGSTOP) for this long is killed: its requests wait."""

STUCK_SECONDS = 2.0
"""A request may be stuck after this time, or three times the slowest that was finished lately."""

LEAST_DRAIN_SECONDS = 0.5
"""A request that waits between two tries is in no count of requests in progress."""

SWAP_SECONDS = 5.0
"""How long the gateway may take to find a process healthy that takes the place of another one."""

STOP_SECONDS = 10.0
STABLE_SECONDS = 60.0
"""A process that ran this long restarts without back-off."""


class Workers:
    """All serving processes of one keeper. The working folder is that of the sockets. events: what
    a version's history should say, by deployment and version.
    """

    def __init__(self, table: ProcessTable, token: str, *, memory_limit: int = 0) -> None:
        self._table, self._token, self._memory_limit = table, token, memory_limit
        self.all: dict[tuple[str, str], list[Worker]] = {}
        self.events: list[tuple[tuple[str, str], str]] = []
        self._ledgers: dict[str, Ledger] = {}
        self._refused: dict[str, set[str]] = {}
        self._checks = BundleChecks()

    def adopt(self) -> None:
        """Take over what an earlier keeper started; processes that are gone are removed, with
        whatever they left behind.
        """
        for row in self._table.rows():
            if not row.deployment:
                continue
            worker = self._slot((row.deployment, row.version), row.slot)
            worker.identity, worker.token, worker.started, worker.recorded = (
                row.identity,
                row.token,
                time.monotonic(),
                True,
            )
            if (ledger := self._ledger(worker.guard)) is not None:
                self._refused[worker.guard] = set(ledger.refused())
            if not worker.alive():
                self._forget(worker)

    def keep(self, launch: WorkerSpec, slots: int) -> None:
        """Start the missing processes of a version, except those that have just failed."""
        staying = [item for item in self.all.get(launch.key, ()) if not item.leaving]
        for worker in staying[slots:]:  # the setting was lowered
            worker.leaving = "fewer processes are wanted"
        taken = {item.slot for item in self.all.get(launch.key, ())}
        free = (number for number in range(SLOTS) if number not in taken)
        fresh = [self._slot(launch.key, next(free)) for _ in range(slots - len(staying))]
        for worker in fresh:
            worker.fresh = any(item.leaving for item in self.all[launch.key])
        staying = staying[:slots] + fresh
        for worker in staying:
            worker.log = log_file(launch.logs, cluster_name(*launch.key), worker.slot)
            # It is wanted again while it ends, which cannot be undone.
            if worker.ending_since:
                self._end(worker)
            elif worker.identity is not None and not worker.alive():
                self._note_failure(worker)
            if worker.identity is None and time.monotonic() >= worker.retry_at:
                self._start(worker, launch)
            elif worker.identity is not None and not worker.ready and not worker.ending_since:
                worker.ready = admin.get(worker.socket, "/health/ping") is not None
                if worker.ready:
                    worker.fresh = False
                    worker.base = worker.memory = memory_bytes(worker.identity.pid)
        if all(worker.ready for worker in staying):
            self._drain_leaving(launch.key)

    def outdated(self, launch: WorkerSpec) -> bool:
        """Whether a process of this version runs other code."""
        return any(
            worker.identity is not None and worker.code != launch.code
            for worker in self.all.get(launch.key, ())
        )

    def note(self) -> None:
        """Record what was started while nothing could be written."""
        for key, workers in self.all.items():
            for worker in workers:
                if worker.identity is not None and not worker.recorded:
                    self._record(key, worker)

    def end(self, key: tuple[str, str]) -> bool:
        """Ask the processes of a drained version to end, and kill those that do not. Returns
        whether none is left.
        """
        for worker in self.all.get(key, ()):
            self._end(worker)
        if all(worker.identity is None for worker in self.all.get(key, ())):
            self.all.pop(key, None)
            for path in Path().glob(f"{cluster_name(*key)}.*.guard"):
                if ledger := self._ledgers.pop(path.name, None):
                    ledger.close()
                self._refused.pop(path.name, None)
                path.unlink(missing_ok=True)
            return True
        return False

    def watch(self) -> bool:
        """What has to be seen at once: kill what is suspended, replace what is stuck, end what is
        drained. Cheap while all is well. Returns whether something has changed.
        """
        changed = False
        for key, workers in self.all.items():
            for worker in list(workers):
                if worker.draining_since:
                    changed = self._end_drained(key, worker) or changed
                elif worker.ready and not worker.ending_since:
                    changed = self._watch(key, worker) or changed
        return changed

    def heal(self, unhealthy: Collection[str]) -> None:
        """Kill processes that run but do not answer; `keep` restarts them. unhealthy: sockets that
        fail the gateway's check.

        Processes that are just starting also fail it: they have their own time limit. So does a
        process whose threads are all busy, but that one finishes requests.
        """
        for _, worker in self._running():
            if not worker.ready:
                hangs = (
                    not worker.ending_since and time.monotonic() - worker.started > START_SECONDS
                )
            else:
                slot = self._look(worker)
                moved = slot is not None and slot.done != worker.done
                worker.done = slot.done if slot is not None else 0
                if worker.socket not in unhealthy or moved:
                    worker.unhealthy_since = 0.0
                    continue
                worker.unhealthy_since = worker.unhealthy_since or time.monotonic()
                hangs = time.monotonic() - worker.unhealthy_since > UNHEALTHY_SECONDS
            if hangs and worker.identity is not None:
                worker.identity.signal(signal.SIGKILL)

    def measure(self) -> None:
        """Read how much memory and processor time each process uses; replace one that uses more
        memory than it may. A log that has become too long is cut.
        """
        for key, worker in self._running():
            assert worker.identity is not None
            cut(worker.log)
            worker.memory = memory_bytes(worker.identity.pid)
            worker.cpu = cpu_seconds(worker.identity.pid)
            limit = self._memory_limit
            # A limit below what the model needs would replace it again and again.
            if limit and worker.ready and worker.base <= limit < worker.memory:
                why = f"a process used {worker.memory >> 20} MiB; the limit is {limit >> 20} MiB"
                self._replace(key, worker, why)

    def note_refused(self) -> None:
        """Events for requests that are refused from now on, because processes died of them."""
        for key, workers in self.all.items():
            for name in {worker.guard for worker in workers if worker.token}:
                ledger = self._ledger(name)
                refused = set(ledger.refused()) if ledger is not None else set[str]()
                for digest in sorted(refused - self._refused.get(name, set())):
                    text = "a request is refused: processes died while they worked on it"
                    self.events.append((key, f"{text} (digest {digest[:12]})"))
                self._refused[name] = refused

    def kill(self) -> None:
        """End all at once, without the store."""
        for worker in (
            worker for workers in self.all.values() for worker in workers if worker.token
        ):
            end_token(worker.token, grace_seconds=0)

    def ready(self, key: tuple[str, str]) -> int:
        """How many live processes of a version have answered since they were started."""
        return sum(
            worker.ready and not worker.draining_since and worker.alive()
            for worker in self.all.get(key, ())
        )

    def sockets(self, key: tuple[str, str]) -> list[str]:
        """Sockets of a version, including those of processes that are being restarted, whose slots
        stay.
        """
        return [
            worker.socket
            for worker in self.all.get(key, ())
            if not worker.draining_since and not worker.fresh
        ]

    def memory(self, key: tuple[str, str]) -> int:
        """Bytes that the processes of a version used when they were last measured."""
        return sum(worker.memory for worker in self.all.get(key, ()) if worker.identity)

    def cpu(self, key: tuple[str, str]) -> dict[int, float]:
        """Seconds of processor time that each process of a version had used when it was last
        measured.
        """
        workers = self.all.get(key, ())
        return {worker.identity.pid: worker.cpu for worker in workers if worker.identity}

    def pids(self, key: tuple[str, str]) -> list[int]:
        """The processes of a version; each may have children."""
        return [worker.identity.pid for worker in self.all.get(key, ()) if worker.identity]

    def failed_starts(self, key: tuple[str, str]) -> int:
        """The most consecutive starts that ended before the process answered."""
        return max((worker.failures for worker in self.all.get(key, ())), default=0)

    def busy(self) -> bool:
        """Whether something is starting, ending, or waiting to be tried again."""
        return any(
            worker.identity is None
            or not worker.ready
            or worker.ending_since
            or (worker.leaving and not worker.draining_since)
            for workers in self.all.values()
            for worker in workers
            if not worker.draining_since or worker.ending_since
        )

    def damage(self, key: tuple[str, str]) -> str:
        """Why the bundle of a version is not started; empty if it was intact at the last start."""
        return next((worker.damage for worker in self.all.get(key, ()) if worker.damage), "")

    def last_error(self, key: tuple[str, str]) -> str:
        """Why a start failed: the last line of the log that looks like an error."""
        return next(filter(None, (last_error(worker.log) for worker in self.all.get(key, ()))), "")

    def identities(self) -> list[Identity]:
        """Every process there is."""
        return [worker.identity for _, worker in self._running() if worker.identity is not None]

    def _running(self) -> list[tuple[tuple[str, str], Worker]]:
        return [
            (key, worker)
            for key, workers in self.all.items()
            for worker in workers
            if worker.identity is not None
        ]

    def _slot(self, key: tuple[str, str], slot: int) -> Worker:
        workers = self.all.setdefault(key, [])
        found = next((worker for worker in workers if worker.slot == slot), None)
        if found is None:
            found = Worker(slot=slot, socket=f"{cluster_name(*key)}.{slot}.sock")
            workers.append(found)
            workers.sort(key=lambda worker: worker.slot)
        return found

    def _ledger(self, name: str) -> Ledger | None:
        if name not in self._ledgers:
            with contextlib.suppress(OSError, ValueError):  # its first worker makes it
                self._ledgers[name] = Ledger(name, create=False)
        return self._ledgers.get(name)

    def _look(self, worker: Worker) -> Slot | None:
        """What a process is working on; None for a runtime that does not say."""
        ledger = self._ledger(worker.guard)
        return None if ledger is None else ledger.slot(worker.slot)

    def _watch(self, key: tuple[str, str], worker: Worker) -> bool:
        """Returns whether it was killed or is to be replaced."""
        at = time.monotonic()
        if worker.identity is None or not suspended(worker.identity.pid):
            worker.stopped_since = 0.0
        elif not worker.stopped_since:
            worker.stopped_since = at
        elif at - worker.stopped_since > SUSPENDED_SECONDS:
            end_token(worker.token, grace_seconds=0)
            return True
        slot = self._look(worker)
        if slot is None or worker.leaving:
            return False
        slowest = min(REQUEST_SECONDS, max(STUCK_SECONDS, 3 * slot.slowest))
        stuck = sum(at - begun > slowest for begun in slot.begun)
        if stuck < THREADS / 2 and not _hung(slot, at):
            return False
        return self._replace(key, worker, f"{stuck} of the {THREADS} threads of a process hung")

    def _replace(self, key: tuple[str, str], worker: Worker, why: str) -> bool:
        """Start another process in its place, unless as many as are kept are leaving already."""
        workers = self.all[key]
        leaving = sum(bool(item.leaving) for item in workers)
        if worker.leaving or leaving >= len(workers) - leaving:
            return False
        worker.leaving = why
        self.events.append((key, f"{why}; it is being replaced"))
        return True

    def _drain_leaving(self, key: tuple[str, str]) -> None:
        """Those in whose place another one answers get no more requests, once the gateway has found
        that one.
        """
        at, workers = time.monotonic(), self.all[key]
        if not any(worker.leaving and not worker.draining_since for worker in workers):
            return
        staying = {worker.socket for worker in workers if not worker.leaving}
        found = staying <= admin.answering(cluster_name(*key))
        for worker in [worker for worker in workers if worker.leaving]:
            worker.replaced_at = worker.replaced_at or at
            if worker.identity is None or not worker.alive():
                self._forget(worker)
                workers.remove(worker)
            elif not worker.draining_since and (found or at - worker.replaced_at > SWAP_SECONDS):
                worker.draining_since = at

    def _end_drained(self, key: tuple[str, str], worker: Worker) -> bool:
        """End one that has no request left, or only such as nobody waits for any more."""
        at = time.monotonic()
        if worker.ending_since or worker.identity is None or not worker.alive():
            self._end(worker)
            if worker.identity is None:
                self.all[key].remove(worker)
            return True
        slot = self._look(worker)
        idle = slot is None or not slot.begun
        worker.idle_since = (worker.idle_since or at) if idle else 0.0
        if idle and at - worker.idle_since > LEAST_DRAIN_SECONDS:
            self._end(worker)
            return True
        if at - worker.draining_since > REQUEST_SECONDS:
            end_token(worker.token, grace_seconds=0)
            return True
        return False

    def _start(self, worker: Worker, launch: WorkerSpec) -> None:
        # Before its code runs, because it cannot check itself.
        found = self._checks.damage(Path(launch.bundle))
        if found is None:
            return  # it is being read; the next step looks again
        slot = f"{self._token}-{cluster_name(*launch.key)}-{worker.slot}-"
        # Left by a keeper that was killed before it could record what it started.
        end_token(slot, grace_seconds=0, begins=True)
        cut(worker.log)
        with contextlib.suppress(OSError):  # the disk is full: requests are counted as not logged
            make_below(launch.payloads.parents[1], launch.payloads)
        worker.token, worker.ready, worker.started = slot + launch.code, False, time.monotonic()
        worker.damage = found
        if worker.damage:
            self._note_failure(worker)
            return
        with open_log(worker.log) as log:
            try:
                process = subprocess.Popen(
                    command(launch),
                    env=environment(launch, worker),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            except OSError as error:  # its environment was removed
                log.write(f"Error: {error}\n".encode())
                self._note_failure(worker)
                return
        worker.process, worker.identity = process, Identity.of(process.pid)
        if worker.identity is None:
            self._note_failure(worker)
            return
        with contextlib.suppress(MLInfraError):  # the disk is full: `note` tries again
            self._record(launch.key, worker)

    def _record(self, key: tuple[str, str], worker: Worker) -> None:
        assert worker.identity is not None
        self._table.drop(worker.token)
        row = ProcessRow(
            token=worker.token,
            deployment=key[0],
            version=key[1],
            slot=worker.slot,
            identity=worker.identity,
            started_at=now(),
        )
        self._table.add(row)
        worker.recorded = True

    def _note_failure(self, worker: Worker) -> None:
        ran = time.monotonic() - worker.started
        worker.failures = 0 if ran > STABLE_SECONDS else worker.failures + 1
        # At once the first time, so that a crash costs little; then after 1, 2, 4, … 30 s, so that
        # a broken model costs little.
        worker.retry_at = time.monotonic() + (
            0 if worker.failures <= 1 else min(30.0, 2.0 ** (worker.failures - 2))
        )
        self._forget(worker)

    def _forget(self, worker: Worker) -> None:
        token, ledger = worker.token, self._ledgers.get(worker.guard)
        worker.identity, worker.process, worker.token, worker.recorded, worker.ready = (
            None,
            None,
            "",
            False,
            False,
        )
        worker.unhealthy_since = worker.ending_since = worker.stopped_since = 0.0
        worker.memory = worker.done = 0
        worker.cpu = 0.0
        if token:
            end_token(token, grace_seconds=0)  # its children, if its own end was not orderly
            if ledger is not None:  # whatever it was working on is suspect
                ledger.bury(worker.slot)
            # Last: on a full disk the worker is still started again.
            self._table.drop(token)

    def _end(self, worker: Worker) -> None:
        worker.damage = ""
        if worker.identity is None:
            return
        if not worker.alive():
            self._forget(worker)
        elif not worker.ending_since:
            worker.ending_since, worker.ready = time.monotonic(), False
            worker.identity.signal(signal.SIGTERM)
        elif time.monotonic() - worker.ending_since > STOP_SECONDS:
            end_token(worker.token, grace_seconds=0)


def _hung(slot: Slot, at: float) -> bool:
    """Whether it works on a request that nobody waits for any more."""
    return bool(slot.begun) and at - slot.begun[0] > REQUEST_SECONDS + STUCK_SECONDS
