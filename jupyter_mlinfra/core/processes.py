"""Processes that outlive their parent, and how to recognise them.

A process is (boot id, pid, start time): by now the pid alone may belong to another process.
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

from .variables import DETACHED

TOKEN = "MLINFRA_PROCESS_TOKEN"  # noqa: S105 (a name, no secret)
"""Environment variable that marks a tree of processes as ours, so that none is lost or started
twice.
"""


_PR_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>
_KERNEL_THREAD = 0x200000  # PF_KTHREAD of <linux/sched.h>
_EXEC_SECONDS = 1.0
_BARE = 3
"""How often a process with arguments must be seen without an environment before it is taken to have
none.
"""
_HAS_PROC = Path("/proc/self/stat").exists()


def failpoint(name: str) -> None:
    """Kill this process here, as `kill -9` would, if MLINFRA_FAIL names this point: for tests of
    what survives.
    """
    if os.environ.get("MLINFRA_FAIL") == name:
        os.kill(os.getpid(), signal.SIGKILL)


@cache
def boot_id() -> str:
    """Changes with every start of the machine."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        import psutil

        return str(int(psutil.boot_time()))


def start_ticks(pid: int, *, zombie: bool = False) -> int | None:
    """Start time of a live process in clock ticks since boot; None if there is none, or only a
    zombie (unless `zombie`).
    """
    if not _HAS_PROC:
        return _start_without_proc(pid)
    fields = _stat(pid)
    return None if fields is None or (fields[0] in (b"Z", b"X") and not zombie) else int(fields[19])


def _stat(pid: int) -> list[bytes] | None:
    """Fields of /proc/PID/stat from the state on: 0 state, 1 parent, 3 session, 6 flags, 19
    start.
    """
    try:
        handle = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
    except OSError:
        return None
    try:
        text = os.read(handle, 4096)
    except OSError:
        return None
    finally:
        os.close(handle)
    # The name may hold spaces and brackets.
    return text[text.rindex(b")") + 2 :].split() if b")" in text else None


def is_stopped(pid: int) -> bool:
    """Whether a process is suspended, by SIGSTOP or a debugger; False if that cannot be
    found out.
    """
    fields = _stat(pid)
    return fields is not None and fields[0] in (b"T", b"t")


def _start_without_proc(pid: int) -> int | None:
    import psutil

    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE:
            return int(process.create_time() * 100)
    return None


@dataclass(frozen=True, slots=True)
class Identity:
    """One particular process. Never signal by the pid alone."""

    boot: str
    pid: int
    start: int

    @classmethod
    def of(cls, pid: int) -> Identity | None:
        """None when there is no such live process."""
        start = start_ticks(pid)
        return None if start is None else cls(boot_id(), pid, start)

    def alive(self) -> bool:
        """Whether this very process is alive."""
        return self.boot == boot_id() and start_ticks(self.pid) == self.start

    def signal(self, number: int) -> bool:
        """Send a signal to this very process, never to another one with its pid; returns whether it
        was alive.
        """
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        except (
            AttributeError,
            OSError,
        ):
            # Not this system, or a container that forbids it: use the next best.
            alive = self.alive()
            signal_all([self.pid] if alive else [], number)
            return alive
        try:
            if not self.alive():  # the handle holds the pid: it cannot be reused from here on
                return False
            signal.pidfd_send_signal(handle, number)
        except OSError:
            return False
        finally:
            os.close(handle)
        return True


def with_token(token: str, *, begins: bool = False) -> list[int]:
    """Pids of live processes whose environment carries `token`, or one that starts with it,
    including those that left the session.
    """
    needle = _needle(token)[: -1 if begins else None]
    return [pid for pid in _pids() if _carries(pid, needle) and start_ticks(pid) is not None]


def tree(token: str) -> list[Identity]:
    """Live processes that belong to `token`: carriers, the members of their sessions, and all
    descendants of those.

    A carrier's session was created below the first carrier, so all its members belong too, even
    those that cleaned their environment. Only a process that cleaned it, left the session and lost
    its parent is not found.
    """
    return trees([token])[token]


def trees(tokens: Iterable[str]) -> dict[str, list[Identity]]:
    """As `tree`, for several tokens and with one scan of all processes."""
    needles, boot, table = (
        {token: _needle(token) for token in tokens},
        boot_id(),
        dict[int, list[bytes]](),
    )
    carriers: dict[str, set[int]] = {token: set() for token in needles}
    for pid in _pids():
        fields = _stat(pid)
        if fields is None or fields[0] in (b"Z", b"X"):
            continue
        table[pid] = fields
        environment = _environment(pid)
        for token, needle in needles.items():
            if needle in environment:
                carriers[token].add(pid)
    return {
        token: [Identity(boot, pid, int(table[pid][19])) for pid in sorted(_family(pids, table))]
        for token, pids in carriers.items()
    }


def _family(carriers: set[int], table: Mapping[int, Sequence[bytes]]) -> set[int]:
    """Processes with the sessions and the descendants of these."""
    if not carriers:
        return set()
    sessions = {int(table[pid][3]) for pid in carriers} - {os.getsid(0), 0}
    found = carriers | {pid for pid, fields in table.items() if int(fields[3]) in sessions}
    grown = True
    while grown:
        children = {pid for pid, fields in table.items() if int(fields[1]) in found} - found
        found |= children
        grown = bool(children)
    return found


def adopt_orphans() -> bool:
    """Make our descendants our children when they lose their parent, instead of init's; returns
    whether this system supports that.
    """
    import ctypes

    try:
        return bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    except (OSError, AttributeError):
        return False


def children() -> set[int] | None:
    """Pids of our children, including those that ended and were not waited for; None if the system
    does not list them.
    """
    try:
        return {
            int(pid)
            for task in os.listdir("/proc/self/task")
            for pid in Path(f"/proc/self/task/{task}/children").read_bytes().split()
        }
    except OSError:
        return None


def reap(pid: int) -> bool:
    """Wait for a child of ours that has ended; returns whether it had."""
    try:
        return os.waitpid(pid, os.WNOHANG) != (0, 0)
    except ChildProcessError:
        return True


def tokens(prefix: str) -> set[str]:
    """The tokens of live processes that start like this."""
    found = set[str]()
    for pid in with_token(prefix, begins=True):
        with contextlib.suppress(OSError):
            variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            found |= {
                os.fsdecode(variable).partition("=")[2]
                for variable in variables
                if variable.startswith(f"{TOKEN}={prefix}".encode())
            }
    return found


def holders(file: Path, module: str) -> list[Identity]:
    """The processes of `python -m module` that have this file open, such as the holder of a lock;
    none where they cannot be listed.
    """
    try:
        wanted = file.stat()
    except OSError:
        return []
    found = list[Identity]()
    for pid in _pids():
        with contextlib.suppress(OSError):
            if module.encode() not in _bytes(f"/proc/{pid}/cmdline").split(b"\0"):
                continue
            opened = [f"/proc/{pid}/fd/{handle}" for handle in os.listdir(f"/proc/{pid}/fd")]
            if any(_is_file(path, wanted) for path in opened) and (who := Identity.of(pid)):
                found.append(who)
    return found


def _is_file(path: str, wanted: os.stat_result) -> bool:
    with contextlib.suppress(OSError):  # it was closed just now
        return os.path.samestat(os.stat(path), wanted)
    return False


def _pids() -> list[int]:
    own = os.getpid()
    return (
        [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != own]
        if _HAS_PROC
        else []
    )


def _needle(token: str) -> bytes:
    return b"\0" + f"{TOKEN}={token}".encode() + b"\0"


def _carries(pid: int, needle: bytes) -> bool:
    return needle in _environment(pid)


def _environment(pid: int) -> bytes:
    """The environment of a process, each of its words between two NULs; empty when it cannot be
    read.

    A process that starts another program shows none for a moment, or longer on a busy machine, so
    it is read again.
    """
    limit, bare = time.monotonic() + _EXEC_SECONDS, 0
    while True:
        try:
            found = _bytes(f"/proc/{pid}/environ")
            if found:
                return b"\0" + found + b"\0"
            arguments = _bytes(f"/proc/{pid}/cmdline")
        except OSError:
            return b""
        bare += bool(arguments)  # once is not enough: it may have started the program in between
        if bare == _BARE or not (arguments or _may_exec(pid)) or time.monotonic() > limit:
            return b""
        if not arguments:
            time.sleep(0.001)


def _may_exec(pid: int) -> bool:
    """Whether a process without arguments is starting a program, and is neither a zombie nor a
    kernel thread.
    """
    fields = _stat(pid)
    return (
        fields is not None and fields[0] not in (b"Z", b"X") and not int(fields[6]) & _KERNEL_THREAD
    )


def _bytes(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return file.readall()


def signal_all(pids: Iterable[int], number: int) -> None:
    """Send a signal to each; those that are gone are skipped."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def end_token(token: str, *, grace_seconds: float, begins: bool = False) -> bool:
    """End every process that `with_token` finds: SIGTERM, a grace period, then SIGKILL until none
    is left. Returns whether all are gone.

    A process that is dying shows no environment any more but still holds its locks, so each is
    waited for by its identity.
    """
    found: set[Identity] = set()

    def left() -> list[int]:
        pids = with_token(token, begins=begins)
        found.update(one for pid in pids if (one := Identity.of(pid)))
        return pids

    signal_all(left(), signal.SIGTERM)
    limit = time.monotonic() + grace_seconds
    while left():
        if time.monotonic() >= limit:
            break
        time.sleep(0.05)
    for _ in range(100):  # a child may be born between the listing and the signal
        pids = left()
        if not pids and not any(one.alive() for one in found):
            return True
        signal_all(pids, signal.SIGKILL)
        time.sleep(0.02)
    return not left()


def spawn_detached(
    module: str,
    arguments: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Start `python -m module …` in a session of its own, as a child of init, with its output in
    `log`.

    Files that it and its children write are readable by their owner only (umask 077), whatever the
    user's shell says. The token of this process's tree is not passed on: a process that is detached
    from a job outlives the job.
    """
    log.parent.mkdir(exist_ok=True)  # not more: a project that was removed must not come back
    passed = {**(os.environ if environment is None else environment), DETACHED: "1"}
    if passed.get(TOKEN) == os.environ.get(TOKEN):
        passed.pop(TOKEN, None)
    # -P: no file in the working folder shadows a library.
    command = [sys.executable, "-P", "-m", module, *arguments]
    # An intermediate process ends at once, so that init adopts the real one and no zombie is left.
    launcher = (
        "import os, sys\n"
        "if os.fork(): os._exit(0)\n"
        "os.setsid()\n"
        "os.umask(0o077)\n"
        "out = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)\n"
        "null = os.open(os.devnull, os.O_RDONLY)\n"
        "os.dup2(null, 0); os.dup2(out, 1); os.dup2(out, 2)\n"
        "os.closerange(3, 1024)\n"
        "os.execv(sys.argv[2], sys.argv[2:])\n"
    )
    pid = os.posix_spawn(
        sys.executable, [sys.executable, "-S", "-c", launcher, str(log), *command], passed
    )
    os.waitpid(pid, 0)
