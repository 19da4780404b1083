"""A wrapper that is started before its attempt, so that the next job need not wait for a shell to
start.

One is kept while jobs start one after the other, and none once the queue is quiet. It waits for a
script on a pipe: the attempt. Its token is recorded with the attempt before that. Whatever dies, it
either has the complete script or ends without having done anything.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from ...core import variables
from ...core.processes import TOKEN, failpoint, reap
from ..attempt import environment
from ..backends.launch import WRAPPER, Place, Start, open_log, prepare, spawn_wrapper
from ..queue.rows import JobEntry
from .running import WARM

KEPT_SECONDS = 10.0
"""How long one is kept for the next job."""
PAUSE_SECONDS = 0.005
"""How long after a start the next one is started, which would otherwise take the processor from the
starting job.
"""
SCRIPT_BYTES = 60_000
"""A longer script might be cut in two: it must fit into the pipe."""
_TRIES = 3
"""After this many wrappers that ended before they were used, none is kept any more: this system's
shell does not support it.
"""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHELLS_OWN = {
    "UID",
    "EUID",
    "PPID",
    "SHELLOPTS",
    "BASHOPTS",
    "BASH_VERSINFO",
    "IFS",
    "LINENO",
    "OPTIND",
    "PWD",
    "OLDPWD",
}
"""Variables that a shell does not accept from outside, or interprets itself."""

# The other wrapper, once it knows its arguments and its own part of the environment.
_WRAPPER = (
    """
. /dev/fd/3
[ $# -gt 2 ] || exit 113
exec 3<&- >> "$1/log" 2>&1
"""
    + WRAPPER
)


@dataclass(frozen=True, slots=True)
class Wrapper:
    """A waiting wrapper. kind, environment: file and content of the environment that it was started
    with. pipe: where its script goes.
    """

    pool: Ready
    kind: str
    environment: Mapping[str, str] = field(repr=False)
    token: str
    pid: int
    pipe: int

    def hand_over(self, entry: JobEntry) -> int | None:
        """See `running.Prestarted`. Raises what `prepare` raises."""
        handed_over = False
        try:
            if self.pool.suits(self, entry):
                start = prepare(entry, self.pool.place, self.environment)
                script = script_of(start)
                failpoint("giving")
                handed_over = len(script) <= SCRIPT_BYTES and self._tell(start, script)
                failpoint("given")
        finally:
            os.close(self.pipe)
            if not handed_over:
                self.pool.ended.append(self.pid)
        return self.pid if handed_over else None

    def _tell(self, start: Start, script: bytes) -> bool:
        os.close(open_log(start.attempt.log))
        with contextlib.suppress(BrokenPipeError):
            return os.write(self.pipe, script) == len(script)
        return False

    def give_back(self) -> None:
        """See `running.Prestarted`."""
        self.discard()

    def discard(self) -> None:
        """See `running.Prestarted`."""
        os.close(self.pipe)  # which makes it end
        self.pool.ended.append(self.pid)


class Ready:
    """The waiting wrapper of one supervisor, if there is one. ended: our children that were
    wrappers, or are about to end.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.ended: list[int] = []
        self._wrapper: Wrapper | None = None
        self._environment = ""
        self._from = self._until = 0.0
        self._failures = 0

    def take(self) -> Wrapper | None:
        """The wrapper for the next job, no longer ours; None if that is started normally."""
        wrapper, self._wrapper = self._wrapper, None
        if wrapper is not None and reap(wrapper.pid):
            os.close(wrapper.pipe)
            self._failures += 1
            return None
        return wrapper

    def suits(self, wrapper: Wrapper, entry: JobEntry) -> bool:
        """Whether a job can have this one."""
        return wrapper.kind == entry.launch.environment and all(
            _NAME.fullmatch(name) and name not in _SHELLS_OWN for name in entry.spec.environment
        )

    def started(self, entry: JobEntry) -> None:
        """A job was started: another may follow, from the same submitter."""
        self._environment, self._from = entry.launch.environment, time.monotonic() + PAUSE_SECONDS
        self._until = self._from + KEPT_SECONDS

    def tend(self) -> None:
        """Keep one while jobs start; end it when they no longer do."""
        self.ended = [pid for pid in self.ended if not reap(pid)]
        at = time.monotonic()
        if at >= self._until:
            self.close()
        elif at >= self._from and self._wants():
            self.close()
            with contextlib.suppress(OSError):
                self._wrapper = self._another()
            if self._wrapper is None:
                self._until = 0.0  # not before another job starts

    def due(self) -> float | None:
        """When to check again, in monotonic seconds."""
        if self._wants() and time.monotonic() < self._until:
            return self._from
        return self._until if self._wrapper is not None else None

    def _wants(self) -> bool:
        return self._failures < _TRIES and (
            self._wrapper is None or self._wrapper.kind != self._environment
        )

    def pids(self) -> list[int]:
        """Our children among them."""
        return [*([] if self._wrapper is None else [self._wrapper.pid]), *self.ended]

    def close(self) -> None:
        """Keep none."""
        if self._wrapper is not None:
            self._wrapper.discard()
            self._wrapper = None

    def _another(self) -> Wrapper | None:
        inherited = environment.recall(self._environment)
        if inherited is None:
            return None
        token = f"{WARM}ready-{secrets.token_hex(16)}"
        reader, writer = os.pipe()
        try:
            pid = spawn_wrapper(
                _WRAPPER,
                [],
                {**inherited, variables.PROJECT: str(self.place.root), TOKEN: token},
                log=None,
                pipe=reader,
            )
        except BaseException:
            os.close(writer)
            raise
        finally:
            os.close(reader)
        return Wrapper(self, self._environment, inherited, token, pid, writer)


def script_of(start: Start) -> bytes:
    """The script: each word quoted, so that it means only itself."""
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in start.own.items())
    return os.fsencode(f"{exports}set -- {' '.join(map(shlex.quote, start.arguments))}\n")
