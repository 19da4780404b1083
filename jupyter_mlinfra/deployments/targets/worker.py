"""One serving process of the local target: what it is started from, and what is known about it."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from ...core.processes import TOKEN, Identity
from ..environment import bytecode_folder
from ..gateway import cluster_name
from ..runtime import compression
from ..runtimes import DEFAULT, load_runtime
from .inherited import inherited_variables
from .layout import online_store_file

THREADS = 8
KEEPALIVE_SECONDS = 75
"""Above the gateway's UPSTREAM_IDLE_SECONDS: the gateway closes an idle connection first, so that
no request meets a closing one.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSpec:
    """What a serving process is started from. body_bytes: how large a body may be without its
    compression.
    """

    deployment: str
    version: str
    model: str
    python: str
    bundle: str
    payloads: Path
    logs: Path
    runtime: str = DEFAULT
    body_bytes: int = compression.MOST_BYTES

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
    of the code that the process runs, so that the next keeper knows it too. fresh: it takes the
    place of another one, and has not answered yet. leaving: why another process takes its place; it
    is drained once that one answers. done: requests that it had
    finished when it was last looked at. memory, base: bytes, now and when it first answered. cpu:
    seconds of processor time that it has used.
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
    stopped_since: float = 0.0
    fresh: bool = False
    leaving: str = ""
    replaced_at: float = 0.0
    draining_since: float = 0.0
    idle_since: float = 0.0
    ending_since: float = 0.0
    done: int = 0
    memory: int = 0
    base: int = 0
    cpu: float = 0.0
    log: Path = field(default_factory=Path)

    @property
    def code(self) -> str:
        """See `WorkerSpec.code`; empty while there is no process."""
        return self.token.rpartition("-")[2]

    @property
    def guard(self) -> str:
        """See `guard_file`."""
        return guard_file(self.socket.removesuffix(f".{self.slot}.sock"), self.code)

    def alive(self) -> bool:
        """Whether its process runs; also collects its exit code, so that no zombie is left."""
        if self.process is not None and self.process.poll() is not None:
            return False
        return self.identity is not None and self.identity.alive()


def guard_file(cluster: str, code: str) -> str:
    """Where the processes of a version note what they work on (see `runtime.guard`); a version
    that is deployed anew begins with an empty one.
    """
    return f"{cluster}.{code}.guard"


def open_log(path: Path) -> BinaryIO:
    """A full disk costs the log, not the worker."""
    try:
        return open(path, "ab")
    except OSError:
        return open(os.devnull, "ab")


def command(launch: WorkerSpec) -> list[str]:
    """The command that it is started with."""
    runtime = load_runtime(launch.runtime)
    return list(
        runtime.command(launch.python, threads=THREADS, keepalive_seconds=KEEPALIVE_SECONDS)
    )


def environment(launch: WorkerSpec, worker: Worker) -> Mapping[str, str]:
    """The variables that it is started with."""
    return {
        **inherited_variables(os.environ),
        TOKEN: worker.token,
        "PYTHONPATH": launch.bundle,
        # A bundle is named by its content: nothing may be written into it.
        "PYTHONPYCACHEPREFIX": str(bytecode_folder(Path(launch.python))),
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "MLINFRA_BUNDLE": launch.bundle,
        "MLINFRA_DEPLOYMENT": launch.deployment,
        "MLINFRA_VERSION": launch.version,
        "MLINFRA_MODEL": launch.model,
        "MLINFRA_PAYLOADS": str(launch.payloads),
        "MLINFRA_ONLINE_STORE": str(online_store_file(launch.payloads.parents[1])),
        "MLINFRA_BODY_BYTES": str(launch.body_bytes),
        "MLINFRA_SOCKET": worker.socket,
        "MLINFRA_GUARD": guard_file(cluster_name(*launch.key), launch.code),
        "MLINFRA_SLOT": str(worker.slot),
        **load_runtime(launch.runtime).variables(
            deployment=launch.deployment, version=launch.version
        ),
    }
