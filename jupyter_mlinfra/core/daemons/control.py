"""A daemon as seen by any other process: start it, wake it, end it, say why it does not work."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import Conflict, MLInfraError, Unavailable
from ..files import check_writable, file_lock, make_below, read_regular
from ..processes import Identity, boot_id, holders, is_stopped, spawn_detached
from ..runtime_folder import runtime_name
from .registration import Registration, Registry
from .wakeups import beat_path

START_SECONDS = 30.0
"""How long a start may take on a busy machine."""
END_SECONDS = 30.0
"""How long it may take to end, and then to die."""
LOCK_SECONDS = 5.0
"""How long a daemon that ends may keep its lock."""
_LOG_BYTES = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonSpec:
    """What differs between the daemons.

    name: in messages, with a capital letter. home: the state folder. lock: its holder is the
    daemon. settings: digest of what it is started with now. silent_seconds: without a heartbeat for
    this long it hangs. without: what its death means, in a sentence or two. shared:
    whether it may run on any machine that has the state folder. evict: ends what holds the lock
    without an address, as daemons of old versions do.
    """

    name: str
    module: str
    arguments: Callable[[], Sequence[str]]
    environment: Callable[[], Mapping[str, str]] = lambda: os.environ
    home: Path
    lock: Path
    log: Path
    settings: Callable[[], str]
    silent_seconds: float
    without: str
    shared: bool = False
    evict: Callable[[], object] | None = None


class DaemonControl[R: Registration]:
    """Controls one daemon from any process."""

    def __init__(self, spec: DaemonSpec, registry: Registry[R]) -> None:
        self._spec, self._registry = spec, registry

    def alive(self) -> R | None:
        """The running daemon, None if there is none on this machine."""
        entry = self._entry()
        return entry if entry is not None and entry.process.alive() else None

    def elsewhere(self) -> str:
        """The other machine on which it runs; empty if there is none. There it cannot be woken, and
        checks on its own what is to be done.
        """
        entry = self._entry()
        if (
            not self._spec.shared
            or entry is None
            or (entry.process.boot, entry.host) == (boot_id(), socket.gethostname())
            or entry.process.alive()
            or self._is_free()
        ):
            return ""
        return entry.host or "another machine"

    def trouble(self) -> str:
        """Why it does not work: it is suspended, hangs, or was killed. Empty if it works, before
        the first start, if a user stopped it, and for one on another machine.
        """
        entry, spec = self._entry(), self._spec
        if entry is None:
            return ""
        if entry.process.alive():
            return self._blocked(entry)
        if entry.stopped or self.elsewhere():
            return ""
        return f"{spec.name} (process {entry.process.pid}) does not run any more. {spec.without}"

    def wake_with_present_settings(self) -> None:
        """Report that there is work. Start a daemon if none runs with the present settings, if a
        user stopped it, or if it hangs; one with other settings ends.
        """
        entry = self._entry()
        if (
            entry is None
            or entry.stopped
            or entry.settings != self._spec.settings()
            or self._hangs(entry)
            or not wake(entry)
        ) and not self.elsewhere():
            self.start()

    def wake_with_any_settings(self) -> None:
        """Report a change that a daemon with any settings can handle; start one if none runs."""
        entry = self._entry()
        if entry is None or not wake(entry):
            self.start()

    def wake_if_running(self) -> None:
        """Wake the running daemon; never start one."""
        entry = self.alive()
        if entry is not None:
            wake(entry)

    def heal(self) -> None:
        """Start a daemon if the last one died, unless a user stopped it."""
        entry = self._entry()
        if entry is not None and (entry.stopped or entry.process.alive()):
            return
        if not self.elsewhere():
            with contextlib.suppress(Unavailable):  # `trouble` says so
                self.start()

    def start(self) -> R:
        """Make sure that a daemon with the present settings runs. What an earlier one started goes
        on under it.

        Raises Unavailable on a full or read-only disk, and with the end of its log if it does not
        start.
        """
        with self._starting():
            entry, spec = self.alive(), self._spec
            if (
                entry is not None
                and entry.settings == spec.settings()
                and not self._blocked(entry)
                and wake(entry)
            ):
                if entry.stopped:
                    self._registry.mark(stopped=False)
                return replace(entry, stopped=False)
            if entry is not None:
                end(entry.process, spec.name)
            # It could not report this, and would be waited for.
            check_writable(spec.home, f"{spec.name} cannot be started.")
            self._wait_for_lock()
            return self._started()

    def stop(self) -> None:
        """End it; what it started goes on, and the next one finds it."""
        with self._starting():
            try:
                host = self.elsewhere()
            except MLInfraError as error:  # its registry is damaged
                self._end_unregistered(error)
                raise
            if host:
                raise Unavailable(
                    f"{self._spec.name} runs on {host}.",
                    "From here it cannot be ended.",
                    f"On {host}: mlinfra down",
                )
            try:
                self._registry.mark(stopped=True)
            finally:  # on a full disk too
                entry = self.alive()
                if entry is not None:
                    end(entry.process, self._spec.name)

    def _end_unregistered(self, error: MLInfraError) -> None:
        """End the holder of the lock, whose entry cannot be read. Raises Unavailable, with its
        process, if it ran. error: why the entry cannot be read.
        """
        spec = self._spec
        if self._is_free():
            return
        found = holders(spec.lock, spec.module)
        for process in found:
            end(process, spec.name)
        if found:
            pids = ", ".join(str(process.pid) for process in found)
            what = f"{spec.name} (process {pids}) was ended, but that was not recorded."
            raise Unavailable(what, error.what, error.fix) from error
        raise Unavailable(
            f"{spec.name} runs and cannot be reached.",
            f"{error.what} {spec.lock} is held by a process that this machine does not know.",
            f"End it: fuser -k {spec.lock}",
        ) from error

    def resume(self) -> None:
        """Allow a daemon that a user stopped to be started again when there is work."""
        with self._starting():
            entry = self._entry()
            if entry is not None and entry.stopped:
                self._registry.mark(stopped=False)

    def _entry(self) -> R | None:
        """The daemon that was started last. A copy of a project also has a copy of its registry: to
        it, the other project's daemon does not run.
        """
        entry = self._registry.read()
        if (
            entry is None
            or entry.process.boot != boot_id()
            or Path(entry.socket).parent.name == runtime_name(self._spec.home)
            or not entry.process.alive()
            or not self._is_free()  # this very folder, under another path
        ):
            return entry
        return replace(entry, process=replace(entry.process, start=-1))

    def _blocked(self, entry: R) -> str:
        """Why the process that runs does not work; empty if it does."""
        pid, name = entry.process.pid, self._spec.name
        if is_stopped(pid):
            return f"{name} (process {pid}) is suspended. It continues after `kill -CONT {pid}`."
        if self._hangs(entry):
            return (
                f"{name} (process {pid}) has not moved for {_silence(entry):.0f} s: it waits for a"
                " disk or a network share. `mlinfra up` replaces it."
            )
        return ""

    def _hangs(self, entry: R) -> bool:
        """Whether its heartbeat has stopped although it is not suspended."""
        return (
            _silence(entry) > self._spec.silent_seconds
            and not is_stopped(entry.process.pid)
            and entry.process.alive()
        )

    def _starting(self) -> contextlib.AbstractContextManager[int]:
        """One process at a time starts or ends it."""
        with contextlib.suppress(OSError):  # the lock says what is wrong
            make_below(self._spec.home, self._spec.lock.parent)
        return file_lock(self._spec.lock.with_suffix(".start.lock"))

    def _started(self) -> R:
        spec, settings = self._spec, self._spec.settings()
        rotate(spec.log)
        spawn_detached(spec.module, spec.arguments(), log=spec.log, environment=spec.environment())
        limit = time.monotonic() + START_SECONDS
        while time.monotonic() < limit:
            found = self.alive()
            if found is not None and found.settings == settings:
                return found
            time.sleep(0.005)
        tail = spec.log.read_text(errors="replace")[-500:].strip() if spec.log.exists() else ""
        raise Unavailable(
            f"{spec.name} did not start.",
            tail or f"It wrote nothing in {START_SECONDS:.0f} s.",
            f"See {spec.log}; `mlinfra up` tries again.",
        )

    def _is_free(self) -> bool:
        if not self._spec.lock.exists():
            return True
        try:
            with file_lock(self._spec.lock, wait=False):
                return True
        except Conflict:
            return False

    def _wait_for_lock(self) -> None:
        """A daemon that ends frees the lock soon. Raises Unavailable while another one holds it: a
        second one would only end again.
        """
        spec, limit = self._spec, time.monotonic() + LOCK_SECONDS
        if not self._is_free() and spec.evict is not None:
            spec.evict()
        while not self._is_free():
            if time.monotonic() >= limit:
                host = self.elsewhere() or ("another machine" if spec.shared else "")
                raise Unavailable(
                    f"{spec.name} runs {f'on {host}' if host else 'and cannot be reached'}.",
                    f"{spec.lock} is held by a process that this machine does not know.",
                    "It goes on there." if host else f"End it: fuser -k {spec.lock}",
                )
            time.sleep(0.02)


def wake(entry: Registration) -> bool:
    """Wake it; returns whether it runs. A message that was taken proves nothing: a child of a
    killed process keeps its socket open until it has started its program.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        try:
            sender.sendto(b"!", entry.socket)
        except BlockingIOError:
            pass  # it has many such messages to read, and will check anyway
        except OSError:
            # Nothing listens there, or the folder was removed: the signal makes it open the socket
            # again.
            return entry.process.signal(signal.SIGHUP)
    return entry.process.alive()


def _silence(entry: Registration) -> float:
    """Seconds since its last heartbeat; 0 if none can be read, which proves nothing."""
    try:
        return max(
            0.0, time.monotonic() - int(read_regular(beat_path(Path(entry.socket)), 100)) / 1e9
        )
    except (OSError, ValueError):
        return 0.0


def end(process: Identity, name: str) -> None:
    """End it; what it started does not notice, and the next one finds it. Raises Unavailable if
    even SIGKILL does not end it. name: with a capital letter.
    """
    for number in (signal.SIGTERM, signal.SIGKILL):
        process.signal(number)
        if is_stopped(process.pid):
            process.signal(signal.SIGCONT)  # until then it receives nothing
        limit = time.monotonic() + END_SECONDS
        while time.monotonic() < limit:
            if not process.alive():
                return
            time.sleep(0.005)
    raise Unavailable(
        f"{name} does not end.",
        f"Process {process.pid} was killed and is still there: it waits for a disk or a"
        " network share.",
        "Repair what it waits for, or restart the machine.",
    )


def rotate(log: Path) -> None:
    """Set a log that has become large aside, before a process is started that appends to it."""
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        os.replace(log, log.with_suffix(".log.1"))
