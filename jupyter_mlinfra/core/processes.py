"""Processes that outlive their parent, and how to know them again.

A process is (boot id, pid, start time): the pid alone may belong to a stranger by now.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TOKEN = "MLINFRA_PROCESS_TOKEN"  # noqa: S105 (a name, no secret)
"""Environment variable that marks a tree of processes as ours, so that none is lost and none is started twice."""


@cache
def boot_id() -> str:
    """Changes with every start of the machine."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        import psutil

        return str(int(psutil.boot_time()))


def start_ticks(pid: int) -> int | None:
    """Start time of a live process in clock ticks since boot; None when there is none, or only a zombie."""
    if not Path("/proc/self/stat").exists():
        return _start_without_proc(pid)
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = text[text.rindex(b")") + 2 :].split()  # the name may hold spaces and brackets
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def _start_without_proc(pid: int) -> int | None:
    import psutil

    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE:
            return int(process.create_time() * 100)
    return None


@dataclass(frozen=True, slots=True)
class Identity:
    """One process for ever: never signal on the pid alone."""

    boot: str
    pid: int
    start: int

    @classmethod
    def of(cls, pid: int) -> Identity | None:
        """None when there is no such live process."""
        start = start_ticks(pid)
        return None if start is None else cls(boot_id(), pid, start)

    def alive(self) -> bool:
        """Whether this very process runs."""
        return self.boot == boot_id() and start_ticks(self.pid) == self.start


def with_token(token: str) -> list[int]:
    """Pids of live processes whose environment carries `token`: also those that left the session."""
    needle = f"{TOKEN}={token}\0".encode()
    found = []
    for name in os.listdir("/proc") if Path("/proc/self/environ").exists() else []:
        if not name.isdigit() or int(name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            if needle in Path(f"/proc/{name}/environ").read_bytes() + b"\0" and start_ticks(int(name)) is not None:
                found.append(int(name))
    return found


def signal_all(pids: Iterable[int], number: int) -> None:
    """Send a signal to each; those that are gone are passed over."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def end_token(token: str, *, grace_seconds: float) -> bool:
    """End every process that carries `token`: SIGTERM, grace, SIGKILL until none is left. Says whether all are gone."""
    signal_all(with_token(token), signal.SIGTERM)
    limit = time.monotonic() + grace_seconds
    while with_token(token):
        if time.monotonic() >= limit:
            break
        time.sleep(0.05)
    for _ in range(100):  # a child may be born between the listing and the signal
        left = with_token(token)
        if not left:
            return True
        signal_all(left, signal.SIGKILL)
        time.sleep(0.02)
    return not with_token(token)


def spawn_detached(module: str, arguments: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None) -> None:
    """Start `python -m module …` in a session of its own, child of init, with its output in `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", module, *arguments]
    # An intermediate process ends at once, so the real one is adopted by init and leaves no zombie behind.
    launcher = (
        "import os, sys\n"
        "if os.fork(): os._exit(0)\n"
        "os.setsid()\n"
        "out = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)\n"
        "null = os.open(os.devnull, os.O_RDONLY)\n"
        "os.dup2(null, 0); os.dup2(out, 1); os.dup2(out, 2)\n"
        "os.closerange(3, 1024)\n"
        "os.execv(sys.argv[2], sys.argv[2:])\n"
    )
    pid = os.posix_spawn(sys.executable, [sys.executable, "-S", "-c", launcher, str(log), *command], dict(environment or os.environ))
    os.waitpid(pid, 0)
