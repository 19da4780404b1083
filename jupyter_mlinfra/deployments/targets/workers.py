"""Serving processes of the local target: start, find again, restart with back-off, end after a
drain.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from ...core.errors import MLInfraError
from ...core.files import make_below
from ...core.processes import TOKEN, Identity, end_token
from ...core.records import now
from ..environment import bytecode_folder
from ..gateway import cluster_name
from ..packaging import RUNTIME_NAME, damage
from .envoy import admin
from .inherited import inherited_variables
from .process_table import ProcessRow, ProcessTable

THREADS = 8
KEEPALIVE_SECONDS = 75
"""Above the gateway's UPSTREAM_IDLE_SECONDS: the gateway closes an idle connection first, so that
no request meets a closing one.
"""

START_SECONDS = 150.0
"""A process that has not answered after this time is killed. Longer than a deploy waits, because
the deploy reports more.
"""

UNHEALTHY_SECONDS = 30.0
"""A process that has answered before and now fails the gateway's check for this long is killed."""

STOP_SECONDS = 10.0
STABLE_SECONDS = 60.0
"""A process that ran this long restarts without back-off."""

LOG_BYTES = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSpec:
    """What a serving process is started from."""

    deployment: str
    version: str
    model: str
    python: str
    bundle: str
    payloads: Path
    logs: Path

    @property
    def key(self) -> tuple[str, str]:
        """Deployment and version."""
        return self.deployment, self.version

    @property
    def code(self) -> str:
        """A digest of bundle and Python: the code that its processes run."""
        return hashlib.sha256(f"{self.bundle}\0{self.python}".encode()).hexdigest()[:12]


@dataclass(slots=True)
class Worker:
    """One slot of a version: its process, and what is known about it. token: ends with the digest
    of the code that the process runs, so that the next keeper knows it too.
    """

    slot: int
    socket: str
    identity: Identity | None = None
    token: str = ""
    process: subprocess.Popen[bytes] | None = None
    recorded: bool = False
    ready: bool = False
    started: float = 0.0
    failures: int = 0
    damage: str = ""
    retry_at: float = 0.0
    unhealthy_since: float = 0.0
    ending_since: float = 0.0
    log: Path = field(default_factory=Path)

    def alive(self) -> bool:
        """Whether its process runs; also collects its exit code, so that no zombie is left."""
        if self.process is not None and self.process.poll() is not None:
            return False
        return self.identity is not None and self.identity.alive()


class Workers:
    """All serving processes of one keeper. The working folder is that of the sockets."""

    def __init__(self, table: ProcessTable, token: str) -> None:
        self._table, self._token = table, token
        self.all: dict[tuple[str, str], list[Worker]] = {}

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
            if not worker.alive():
                self._forget(worker)

    def keep(self, launch: WorkerSpec, slots: int) -> None:
        """Start the missing processes of a version, except those that have just failed."""
        for slot in range(slots):
            worker = self._slot(launch.key, slot)
            worker.log = launch.logs / f"{cluster_name(*launch.key)}.{slot}.log"
            # It is wanted again while it ends, which cannot be undone.
            if worker.ending_since:
                self._end(worker)
            elif worker.identity is not None and not worker.alive():
                self._note_failure(worker)
            if worker.identity is None and time.monotonic() >= worker.retry_at:
                self._start(worker, launch)
            elif worker.identity is not None and not worker.ready and not worker.ending_since:
                worker.ready = admin.get(worker.socket, "/health/ping") is not None
        workers = self.all[launch.key]
        for worker in workers[slots:]:  # the setting was lowered
            self._end(worker)
        while len(workers) > slots and workers[-1].identity is None:
            workers.pop()

    def outdated(self, launch: WorkerSpec) -> bool:
        """Whether a process of this version runs other code."""
        return any(
            worker.identity is not None and worker.token.rpartition("-")[2] != launch.code
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
            return True
        return False

    def heal(self, unhealthy: Collection[str]) -> None:
        """Kill processes that run but do not answer; `keep` restarts them. unhealthy: sockets that
        fail the gateway's check.

        Processes that are just starting also fail it: they have their own time limit.
        """
        for worker in (
            worker
            for workers in self.all.values()
            for worker in workers
            if worker.identity is not None
        ):
            if not worker.ready:
                hangs = (
                    not worker.ending_since and time.monotonic() - worker.started > START_SECONDS
                )
            else:
                worker.unhealthy_since = (
                    (worker.unhealthy_since or time.monotonic())
                    if worker.socket in unhealthy
                    else 0.0
                )
                hangs = (
                    bool(worker.unhealthy_since)
                    and time.monotonic() - worker.unhealthy_since > UNHEALTHY_SECONDS
                )
            if hangs and worker.identity is not None:
                worker.identity.signal(signal.SIGKILL)

    def kill(self) -> None:
        """End all at once, without the store."""
        for worker in (
            worker for workers in self.all.values() for worker in workers if worker.token
        ):
            end_token(worker.token, grace_seconds=0)

    def ready(self, key: tuple[str, str]) -> int:
        """How many live processes of a version have answered since they were started."""
        return sum(worker.ready and worker.alive() for worker in self.all.get(key, ()))

    def sockets(self, key: tuple[str, str]) -> list[str]:
        """Sockets of a version, including those of processes that are being restarted, whose slots
        stay.
        """
        return [worker.socket for worker in self.all.get(key, ())]

    def failed_starts(self, key: tuple[str, str]) -> int:
        """The most consecutive starts that ended before the process answered."""
        return max((worker.failures for worker in self.all.get(key, ())), default=0)

    def busy(self) -> bool:
        """Whether something is starting, ending, or waiting to be tried again."""
        return any(
            worker.identity is None or not worker.ready or worker.ending_since
            for workers in self.all.values()
            for worker in workers
        )

    def damage(self, key: tuple[str, str]) -> str:
        """Why the bundle of a version is not started; empty if it was intact at the last start."""
        return next((worker.damage for worker in self.all.get(key, ()) if worker.damage), "")

    def last_error(self, key: tuple[str, str]) -> str:
        """Why a start failed: the last line of the log that looks like an error."""
        for worker in self.all.get(key, ()):
            with contextlib.suppress(OSError):
                lines = [
                    line.strip()
                    for line in worker.log.read_text(errors="replace").splitlines()[-80:]
                    if line.strip()
                ]
                errors = [line for line in lines if "Error" in line or "error" in line]
                if errors or lines:
                    return (errors or lines)[-1][:400]
        return ""

    def identities(self) -> list[Identity]:
        """Every process there is."""
        return [
            worker.identity
            for workers in self.all.values()
            for worker in workers
            if worker.identity is not None
        ]

    def _slot(self, key: tuple[str, str], slot: int) -> Worker:
        workers = self.all.setdefault(key, [])
        while len(workers) <= slot:
            workers.append(
                Worker(slot=len(workers), socket=f"{cluster_name(*key)}.{len(workers)}.sock")
            )
        return workers[slot]

    def _start(self, worker: Worker, launch: WorkerSpec) -> None:
        slot = f"{self._token}-{cluster_name(*launch.key)}-{worker.slot}-"
        # Left by a keeper that was killed before it could record what it started.
        end_token(slot, grace_seconds=0, begins=True)
        with contextlib.suppress(OSError):
            if worker.log.stat().st_size > LOG_BYTES:
                worker.log.replace(worker.log.with_suffix(".old.log"))
        with contextlib.suppress(OSError):  # the disk is full: requests are counted as not logged
            make_below(launch.payloads.parents[1], launch.payloads)
        worker.token, worker.ready, worker.started = slot + launch.code, False, time.monotonic()
        # Before its code runs, because it cannot check itself.
        worker.damage = damage(Path(launch.bundle))
        if worker.damage:
            self._note_failure(worker)
            return
        with _open_log(worker.log) as log:
            environment = _environment(launch, worker.socket, worker.token)
            try:
                process = subprocess.Popen(
                    _command(launch),
                    env=environment,
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
        token = worker.token
        worker.identity, worker.process, worker.token, worker.recorded, worker.ready = (
            None,
            None,
            "",
            False,
            False,
        )
        worker.unhealthy_since = worker.ending_since = 0.0
        if token:
            end_token(token, grace_seconds=0)  # its children, if its own end was not orderly
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


def _open_log(path: Path) -> BinaryIO:
    """A full disk costs the log, not the worker."""
    try:
        return open(path, "ab")
    except OSError:
        return open(os.devnull, "ab")


def _command(launch: WorkerSpec) -> list[str]:
    script = Path(launch.python).parent / "seldon-core-microservice"
    options = [
        "--service-type",
        "MODEL",
        "--grpc-workers",
        "0",
        "--workers",
        "1",
        "--threads",
        str(THREADS),
        "--keepalive",
        str(KEEPALIVE_SECONDS),
    ]
    return [
        launch.python,
        str(script),
        f"{RUNTIME_NAME}.model.Model",
        *options,
        "--log-level",
        "ERROR",
    ]


def _environment(launch: WorkerSpec, socket: str, token: str) -> Mapping[str, str]:
    return {
        **inherited_variables(os.environ),
        TOKEN: token,
        "PYTHONPATH": launch.bundle,
        # A bundle is named by its content: nothing may be written into it.
        "PYTHONPYCACHEPREFIX": str(bytecode_folder(Path(launch.python))),
        "PYTHONUNBUFFERED": "1",
        # Bytes in, bytes out: the component parses and answers by itself.
        "PAYLOAD_PASSTHROUGH": "true",
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "MLINFRA_BUNDLE": launch.bundle,
        "MLINFRA_DEPLOYMENT": launch.deployment,
        "MLINFRA_VERSION": launch.version,
        "MLINFRA_MODEL": launch.model,
        "MLINFRA_PAYLOADS": str(launch.payloads),
        "MLINFRA_SOCKET": socket,
        # Seldon's own names, for its logs and metadata.
        "PREDICTIVE_UNIT_ID": launch.deployment,
        "SELDON_DEPLOYMENT_ID": launch.deployment,
        "PREDICTOR_ID": launch.version,
    }
