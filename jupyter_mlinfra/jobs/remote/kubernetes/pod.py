"""The first process of a pod: it checks that the job was not called off, runs the guard, and does
the work of an init process.

A pod that Kubernetes restarts after a preemption is a new attempt: the first one that is not taken.
Kubernetes asks a pod to end with SIGTERM, both for a cancel and for a preemption. It is a cancel if
the order is gone; else the guard is asked to give way, and the command has all the time that the
pod is given. Standard library only.

python -m jupyter_mlinfra.jobs.remote.kubernetes.pod JOBS BATCH.ATTEMPT
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from ...attempt.files import UNCLAIMED, Attempt
from .. import GUARD
from ..batches import Shipment
from ..guard_files import has_order

INDEX = "JOB_COMPLETION_INDEX"
"""Set by Kubernetes in the pods of an Indexed job."""
GPUS, STARTS = "MLINFRA_GPUS", "MLINFRA_POD_STARTS"
_HANDLED = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
_KEPT = {signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP}
"""Not for us; the guard inherits them blocked, until it handles them."""


def starts(folder: Path, first: int, key: str) -> int:
    """How often a job that was sent with a key has been started."""
    count = 0
    while (attempt := Attempt(folder / str(first + count))).claimed() is not None and has_order(
        attempt, key
    ):
        count += 1
    return count


def visible_gpus(assigned: str, count: int) -> str:
    """What CUDA may see: what the device plugin gave, by UUID if it names them; the container has
    no other.
    """
    uuids = [gpu for gpu in assigned.split(",") if gpu.startswith(("GPU-", "MIG-"))]
    return ",".join(uuids or map(str, range(count)))


def element(jobs: Path, sent: str) -> tuple[Attempt, str] | None:
    """The first attempt of what this pod should run, and the key that its order must have; None if
    it is no longer wanted.
    """
    name, _, number = sent.rpartition(".")
    index, shipment = int(os.environ.get(INDEX) or 0), Shipment.read(jobs, name)
    job = shipment.jobs[index] if shipment is not None and index < len(shipment.jobs) else ""
    first, key = Attempt(jobs / job / number), f"{sent}.{index}"
    return (first, key) if job and has_order(first, key) else None


def prepare(first: Attempt, key: str) -> None:
    """The variables that the guard reads."""
    os.environ[STARTS] = str(starts(first.folder.parent, int(first.folder.name), key))
    os.environ["CUDA_VISIBLE_DEVICES"] = visible_gpus(
        os.environ.get("NVIDIA_VISIBLE_DEVICES", ""), int(os.environ.pop(GPUS, "0"))
    )


def watch(guard: int, order: Attempt, key: str) -> int:
    """Pass on signals to the pod, reap orphans, until the guard has ended; returns its exit
    code.
    """
    while True:
        got = signal.sigwait(_HANDLED)
        if got != signal.SIGCHLD:
            os.kill(guard, signal.SIGUSR1 if has_order(order, key) else signal.SIGTERM)
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return UNCLAIMED
            if pid == guard:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code
            if not pid:
                break


def main() -> None:
    """Run what the command line says."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED | _KEPT)
    os.umask(0o077)
    jobs, sent = sys.argv[1:]
    found = element(Path(jobs), sent)
    if found is None:
        sys.exit(UNCLAIMED)
    prepare(*found)
    guard = os.posix_spawn(
        sys.executable,
        [sys.executable, "-P", "-m", GUARD, jobs, sent, "0", INDEX, STARTS],
        os.environ,
    )
    sys.exit(watch(guard, *found))


if __name__ == "__main__":
    main()
