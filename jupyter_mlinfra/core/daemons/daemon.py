"""A daemon's own side: it holds its lock, works in rounds, and waits. No error ends it."""

from __future__ import annotations

import contextlib
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from ..errors import Conflict, MLInfraError
from ..files import file_lock
from ..passwords import without_passwords
from .wakeups import Wakeups

_LOCK_TRIES, _LOCK_PAUSE = 20, 0.05
"""A process that checks whether a daemon holds the lock takes the lock for a moment."""
_FAULT_SECONDS = 1.0
"""Between two tries when even waiting fails."""


class Daemon:
    """One process that holds a lock. A subclass says what it does in each of its rounds.

    It may be killed at any point: what it does is recorded, and the next one goes on from there.
    lock: in the state folder, never removed before that folder. socket: where it is woken. what:
    the work that one process at a time may do.
    """

    def __init__(self, lock: Path, socket: Path, *, what: str) -> None:
        self._lock, self._what, self._inode = lock, what, 0
        self._wakeups = Wakeups(socket)
        self._faults = Faults()
        self._done = False

    def run(self, *, in_turn: bool = False) -> None:
        """Work; returns when asked to end, when nothing is left to do, or when the state folder was
        deleted or moved away. Raises Conflict if another process holds the lock.

        in_turn: wait for the lock instead, and take over when its holder dies.
        """
        with _held(self._lock, what=self._what, in_turn=in_turn) as handle:
            self._inode = os.fstat(handle).st_ino
            self._wakeups.open()
            self._begin()
            while not self._wakeups.stopping and not self._done:
                if not self._owns_state():
                    self._abandon()
                    break
                self._safely(self._round)
                if not self._done:
                    self._wait()
            self._close()
            self._wakeups.close()

    def _begin(self) -> None:
        """Register; called once, with the lock."""
        raise NotImplementedError

    def _round(self) -> None:
        """Do what is due; sets `_done` when nothing is left to do."""
        raise NotImplementedError

    def _sleep(self) -> None:
        """Wait until something happens or is due."""
        raise NotImplementedError

    def _abandon(self) -> None:
        """The state folder is gone: end what nobody can use any more."""

    def _close(self) -> None:
        """Called before the socket is removed."""

    def _owns_state(self) -> bool:
        """Whether the state is still there, and ours. A share that does not answer for a while
        says nothing.
        """
        try:
            return os.stat(self._lock).st_ino == self._inode
        except FileNotFoundError:
            return False
        except OSError:
            return True

    def _wait(self) -> None:
        try:
            self._sleep()
        except Exception as error:  # noqa: BLE001 - without a daemon nothing would go on
            self._faults.note("wait", "cannot wait", error)
            time.sleep(_FAULT_SECONDS)
        else:
            self._faults.clear("wait")

    def _safely(self, action: Callable[[], None]) -> Exception | None:
        """Run a round. An error, such as a busy or full database, does not end the daemon: the
        next round starts again from what is recorded. Returns the error.
        """
        try:
            action()
        except Exception as error:  # noqa: BLE001 - without a daemon nothing would go on
            self._faults.note("", "tries again", error)
            return error
        self._faults.clear("")
        return None


class Faults:
    """Logs an error once, until it has passed."""

    def __init__(self) -> None:
        self._noted: dict[str, str] = {}

    def note(self, name: str, what: str, error: Exception | str) -> bool:
        """Log it, unless it is the last one noted under this name; returns whether it is new."""
        if self._noted.get(name) == str(error):
            return False
        self._noted[name] = str(error)
        say(f"{what}: {described(error)}")
        return True

    def clear(self, name: str) -> None:
        """It has passed."""
        self._noted.pop(name, None)


def say(text: str) -> None:
    """Write a line to the log of this process, if the disk has room."""
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {without_passwords(text)}\n")
        sys.stderr.flush()


def described(error: Exception | str) -> str:
    """For the log: a traceback for an error of ours, a short message for the usual ones."""
    if isinstance(error, str | MLInfraError | OSError):
        return str(error)
    return "".join(traceback.format_exception(error)).rstrip()


@contextlib.contextmanager
def _held(lock: Path, *, what: str, in_turn: bool) -> Iterator[int]:
    with contextlib.ExitStack() as stack:
        if in_turn:
            yield stack.enter_context(file_lock(lock, what=what))
            return
        for left in reversed(range(_LOCK_TRIES)):
            try:
                handle = stack.enter_context(file_lock(lock, wait=False, what=what))
                break
            except Conflict:
                if not left:
                    raise
                time.sleep(_LOCK_PAUSE)
        yield handle
