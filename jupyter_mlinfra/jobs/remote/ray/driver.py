"""The entrypoint of a job in Ray: it checks that the job was not called off, and runs the guard
beside Ray's own processes.

Ray has no containers: when it loses the process that watches an entrypoint (a node or the head is
stopped), it kills only the entrypoint's process group. So the guard is in a group of its own, and
gets a signal when this process dies: the job must then give way, and may save its work. Standard
library only.

python -m jupyter_mlinfra.jobs.remote.ray.driver JOBS ID KEY NOTICE

NOTICE: seconds that the command may take to give way.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import sys
from pathlib import Path

from ...attempt.files import UNCLAIMED, Attempt
from .. import guard
from ..guard_files import has_order

_HANDLED = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD}
_PR_SET_PDEATHSIG = 1


def node_address(head: str) -> str:
    """Ray's name for this node: the address from which it reaches the head. head: as in
    RAY_ADDRESS. Nothing is sent.
    """
    host, _, port = head.rpartition(":")
    with contextlib.suppress(OSError, ValueError):
        family, kind, protocol, _, address = socket.getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_DGRAM
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.connect(address)
            return str(probe.getsockname()[0])
    return socket.gethostname()


def prepare(environment: dict[str, str]) -> dict[str, str]:
    """The environment of what is started here: programs of the interpreter with this package come
    first, not those of Ray's own.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", os.defpath)])
    return {
        **environment,
        "PATH": path,
        guard.NODE: node_address(environment.get("RAY_ADDRESS", "")),
    }


def start(job: Path, number: int, notice_seconds: float) -> int:
    """The guard, as a child that outlives us only to end; returns its pid."""
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    os.setsid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGUSR1, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(UNCLAIMED)
    sys.exit(guard.run(job, number, restarts=0, notice_seconds=0, give_way_seconds=notice_seconds))


def watch(child: int) -> int:
    """Pass on Ray's signals, until the guard has ended; returns its exit code."""
    while True:
        got = signal.sigwait(_HANDLED)
        if got != signal.SIGCHLD:
            os.kill(child, signal.SIGTERM)
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def main() -> None:
    """Run what the command line says."""
    guard.prepare()
    jobs, job, key, notice = sys.argv[1:]
    folder, number = Path(jobs) / job, int(key.split(".")[1])
    if not has_order(Attempt(folder / str(number)), key):
        sys.exit(UNCLAIMED)
    os.environ.update(prepare(dict(os.environ)))
    sys.exit(watch(start(folder, number, float(notice))))


if __name__ == "__main__":
    main()
