"""Jobs whose processes the supervisor watches: how an attempt is followed, ended and judged.
Nothing here decides what starts.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ...core.errors import Conflict
from ...core.files import real_path
from ...core.processes import Identity, boot_id, children, end_token, reap, tree
from ..attempt.files import UNCLAIMED, Attempt
from ..queue.rows import JobEntry
from ..spec import JobState
from ..state import Ended

AGAIN_SECONDS = 0.1
"""Seconds between two rounds of SIGKILL: a process may have had a child between the listing and the
signal.
"""
WARM = "warm-"
"""How the token of an attempt for a warm runner begins: its wrapper is older than the attempt."""
SETTLE_SECONDS = 2.0
"""How long such a runner may take to take the attempt, or to end."""
Watch = Callable[[str, int], None]
"""Called with (job, process handle) to watch a process."""


class Prestarted(Protocol):
    """A process that was started before its attempt. token: in its environment, and recorded with
    the attempt.
    """

    @property
    def token(self) -> str: ...
    def hand_over(self, entry: JobEntry) -> int | None:
        """Give it the attempt; returns the wrapper's pid, or None if it ends instead and the
        attempt must be started normally.
        """

    def give_back(self) -> None:
        """The job that it was taken for does not start."""

    def discard(self) -> None:
        """It is unknown whether the job will have it."""


@dataclass(slots=True)
class Live:
    """One running attempt.

    entry: as last recorded. saved: whether it is recorded as running. handles: pidfd → pid of the
    watched processes. kill_at, limit_at, aside_until: monotonic seconds, None if nothing is due.
    status: how the wrapper ended, if we were its parent. ours: whether we started it, so that
    processes it leaves become our children. explained: whether the job's reason says that its exit
    code will not be stored. aside_until: when it is tried again after an error of ours.
    """

    entry: JobEntry
    attempt: Attempt
    wrapper: Identity | None
    saved: bool = True
    ours: bool = False
    handles: dict[int, int] = field(default_factory=dict)
    status: int | None = None
    asked: JobState | None = None
    asked_reason: str = ""
    kill_at: float | None = None
    limit_at: float | None = None
    explained: bool = False
    aside_until: float | None = None

    @property
    def id(self) -> str:
        """The job's id."""
        return self.entry.job.id

    def due(self) -> float | None:
        """When something must be done for it, in monotonic seconds."""
        if self.aside_until is not None:
            return self.aside_until
        times = [
            moment
            for moment in (self.kill_at, self.limit_at if self.asked is None else None)
            if moment is not None
        ]
        if not self.handles or not self.saved:
            times.append(time.monotonic() + AGAIN_SECONDS)  # no event will report it: check again
        return min(times) if times else None

    def listen(self, watch: Watch) -> None:
        """Watch the wrapper or, if it is gone, everything that is left of the attempt."""
        processes = (
            [self.wrapper]
            if self.wrapper is not None and self.wrapper.alive()
            else tree(self.entry.token)
        )
        for process in processes:
            if process.pid in self.handles.values():
                continue
            with contextlib.suppress(OSError):
                handle = os.pidfd_open(process.pid)
                self.handles[handle] = process.pid
                watch(self.id, handle)

    def process_ended(self, handle: int) -> None:
        """A watched process has ended."""
        del self.handles[handle]
        os.close(handle)

    def ask_to_end(self, state: JobState, reason: str, *, grace_seconds: float) -> None:
        """SIGTERM to all its processes now, SIGKILL after the grace period."""
        self.asked, self.asked_reason = state, reason
        self.kill_at = time.monotonic() + grace_seconds
        self._signal(signal.SIGTERM)

    def look(self, watch: Watch, *, grace_seconds: float, orphans: Callable[[], bool]) -> bool:
        """Check what is left of it and handle that; returns whether the attempt is over.

        What a command leaves behind when it ends is ended too, so that a free slot is free. But if
        only the wrapper was killed, the job itself continues: it is watched, and never counts as
        failed because of that. orphans: whether there may be a process whose parent has ended; if
        not, a scan of all processes is saved.
        """
        if self.wrapper is not None and self.wrapper.alive() and self.asked is None:
            return False
        self._reap()
        processes = (
            [] if self.ours and self.wrapper is None and not orphans() else tree(self.entry.token)
        )
        if not processes:
            return True
        if self.kill_at is None and self.code() is not None:
            self._signal(signal.SIGTERM)
            self.kill_at = time.monotonic() + grace_seconds
        elif self.kill_at is not None and time.monotonic() >= self.kill_at:
            self._signal(signal.SIGKILL)
            self.kill_at = time.monotonic() + AGAIN_SECONDS
        self.listen(watch)
        return False

    def _reap(self) -> None:
        """Read the status of a wrapper that has ended, if it was our child. If a signal killed it,
        that says nothing about the job.
        """
        if self.wrapper is None or self.wrapper.alive():
            return
        with contextlib.suppress(ChildProcessError):
            pid, status = os.waitpid(self.wrapper.pid, os.WNOHANG)
            if pid and os.WIFEXITED(status):
                self.status = os.WEXITSTATUS(status)
        self.wrapper = None

    def orphaned(self) -> bool:
        """Whether the job continues although its wrapper is gone without having stored an exit
        code.
        """
        return self.wrapper is None and self.asked is None and self.code() is None

    def never_began(self) -> bool:
        """Whether the attempt was not even taken: the state folder is full or read-only, or a warm
        runner died.
        """
        if self.attempt.claimed() is not None:
            return False
        return self.status == UNCLAIMED or (
            self.entry.token.startswith(WARM) and self.attempt.folder.is_dir()
        )

    def code(self) -> int | None:
        """The job's own exit code, as the wrapper stored it; else how the wrapper itself ended (it
        could not write).
        """
        stored = self.attempt.exit_code()
        return self.status if stored is None else stored

    def ended(self, root: Path) -> Ended:
        """What is known once it is over. root: the folder of the project."""
        job, code, reason = self.entry.job, self.code(), self.attempt.own_reason()
        seconds = time.time() - job.started_at.timestamp() if job.started_at else 0.0
        if code is None:
            reason = reason or self._why_unknown(root)
        last = self.attempt.last_line() if job.command and code else ""
        return Ended(
            code=code,
            seconds=seconds,
            reason=reason,
            last=last,
            asked=self.asked,
            asked_reason=self.asked_reason,
        )

    def _why_unknown(self, root: Path) -> str:
        """Why there is no exit code; empty if that is not known."""
        process, folder = self.entry.process, self.entry.launch.folder
        if process is not None and process.boot != boot_id():
            return "The machine restarted while it ran."
        if _is_outside(Path(folder), root):
            return (
                "It ended, but how is not known: it could not store its exit code, since the"
                f" project was moved while it ran (it was started in {folder}). Run it in the new"
                f" folder: mlinfra jobs clone {self.id}"
            )
        return ""

    def close(self) -> None:
        """Stop watching."""
        for handle in self.handles:
            os.close(handle)
        self.handles.clear()

    def _signal(self, number: int) -> None:
        for process in tree(self.entry.token):
            process.signal(number)


def _is_outside(folder: Path, root: Path) -> bool:
    """Whether a folder is not below the project, after links are followed: one from its old place
    to its new one leads there. False if they lead nowhere.
    """
    with contextlib.suppress(OSError):
        return not real_path(folder).is_relative_to(real_path(root))
    return False


def orphaned(ours: Collection[int]) -> bool:
    """Whether one of our descendants has lost its original parent. ours: our children that we
    started.

    Everything that an ended job left, at any depth and in any session, has become our child or is
    below one: see `adopt_orphans`.
    """
    descendants = children()
    return descendants is None or not all(reap(pid) for pid in descendants.difference(ours))


def limit_at(entry: JobEntry, attempt: Attempt, process: Identity | None) -> float | None:
    """When the time limit is reached, in monotonic seconds.

    Computed from the process's own start, because clocks may have jumped; but from the claim if the
    process is older than the attempt.
    """
    if entry.spec.time_limit_minutes is None:
        return None
    ran = 0.0
    if process is not None and entry.token.startswith(WARM):
        started_at = attempt.began_at()
        ran = 0.0 if started_at is None else max(0.0, time.time() - started_at)
    elif process is not None:
        ran = time.clock_gettime(time.CLOCK_BOOTTIME) - process.start / os.sysconf("SC_CLK_TCK")
    return time.monotonic() + entry.spec.time_limit_minutes * 60 - ran


def find(entry: JobEntry, home: Path) -> Live | None:
    """An attempt that an earlier supervisor started, or was about to start; None if it never began,
    for which every trace is checked:

    the claim file, the recorded process, the token in any process.
    """
    attempt = Attempt.of(home, entry.job.id, entry.job.attempt)
    if entry.process is None and entry.token.startswith(WARM):
        _await_claim(entry, attempt)
    claimed, recorded = attempt.claimed(), entry.process
    rebooted = recorded is not None and recorded.boot != boot_id()
    processes = [] if rebooted else tree(entry.token)
    if recorded is None and claimed is None and not processes:
        return None
    if recorded is None:
        # A wrapper that has not written its pid yet has no children either: it is alone.
        recorded = next(
            (process for process in processes if process.pid == claimed or not claimed), None
        )
    # Gone otherwise, or its pid belongs to another process by now.
    wrapper = recorded if recorded in processes else None
    live = Live(
        entry=entry,
        attempt=attempt,
        wrapper=wrapper,
        saved=entry.process is not None or wrapper is None,
    )
    live.limit_at = limit_at(entry, attempt, wrapper)
    return live


def _await_claim(entry: JobEntry, attempt: Attempt) -> None:
    """Wait until a warm runner has taken the attempt or has ended: without its supervisor it does
    one of the two.

    It is not killed meanwhile, since that could kill a job that has just begun. Raises Conflict if
    it does neither.
    """
    limit = time.monotonic() + SETTLE_SECONDS
    while attempt.claimed() is None and tree(entry.token):
        if time.monotonic() < limit:
            time.sleep(0.01)
        elif entry.cancelled_by:
            end_token(entry.token, grace_seconds=0)
        else:
            raise Conflict("Its warm runner has neither taken it nor ended.")
