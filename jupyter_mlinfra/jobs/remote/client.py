"""The client's side of a follower: start it, wake it, stop it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.database import newest_revision
from ...core.errors import Conflict, Unavailable
from ...core.files import check_room, file_lock, write_atomic
from ...core.processes import Identity, boot_id
from ..backends import detached

if TYPE_CHECKING:
    from ...core.project import Project

MODULE = "jupyter_mlinfra.jobs.remote.follower"
LOCK_SECONDS = 5.0
SILENT_SECONDS = 300.0
"""Without a heartbeat for this long a follower hangs. It writes one around each call of the remote
side, which may be several commands of up to a minute.
"""
WHAT = "The follower of jobs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A running follower, in a file. settings: digest; if it differs, the follower must be
    replaced. host: name of its machine. stopped: a user asked it to end; only a user's request
    starts another one.
    """

    process: Identity
    socket: str
    settings: str
    host: str = ""
    stopped: bool = False

    def write(self, path: Path) -> None:
        """Record where it can be reached. The lock decides who follows; this is only its
        address.
        """
        write_atomic(path, json.dumps(asdict(self)).encode())

    @classmethod
    def read(cls, path: Path) -> Mark | None:
        """The follower that was started last, if it still runs here."""
        found = cls.last(path)
        return found if found is not None and found.process.alive() else None

    @classmethod
    def last(cls, path: Path) -> Mark | None:
        """The follower that was started last, on any machine."""
        with contextlib.suppress(OSError, ValueError, TypeError):
            values = json.loads(path.read_bytes())
            return cls(**{**values, "process": Identity(**values["process"])})
        return None


def mark_path(home: Path, backend: str) -> Path:
    """Where the follower of a backend records its identity."""
    return home / "jobs" / f"{backend}.follower"


def lock_path(home: Path, backend: str) -> Path:
    """Its holder is the follower, on whichever machine."""
    return home / "jobs" / f"{backend}.lock"


def followers(home: Path) -> list[str]:
    """Backends that a follower may run for."""
    return sorted(path.stem for path in (home / "jobs").glob("*.follower"))


def digest_of(project: Project) -> str:
    """A digest of what a follower is started with."""
    settings = project.settings.jobs.model_dump(mode="json")
    return blake2b(json.dumps([settings, newest_revision()]).encode(), digest_size=8).hexdigest()


class FollowerControl:
    """Controls the follower of one project and backend from any process. environment: additional
    variables that it is started with.
    """

    def __init__(
        self, project: Project, backend: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self._project, self._backend, self._environment = project, backend, environment or {}

    def alive(self) -> Mark | None:
        """The running follower, None if there is none."""
        return Mark.read(mark_path(self._project.home, self._backend))

    def elsewhere(self) -> str:
        """The other machine on which it runs; empty if there is none. There it cannot be woken, and
        checks on its own what is to be done.
        """
        mark = self._last()
        if (
            mark is None
            or (mark.process.boot, mark.host) == (boot_id(), socket.gethostname())
            or self._free()
        ):
            return ""
        return mark.host or "another machine"

    def trouble(self) -> str:
        """Why the follower does not work: it hangs, or it died. Empty if it works, if there was
        nothing left to follow, if a user stopped it, and for one on another machine.
        """
        mark, what = self._last(), f"The follower of {self._backend} jobs"
        if mark is None or self.elsewhere():
            return ""
        if mark.process.alive():
            return detached.trouble(mark, what, silent_seconds=SILENT_SECONDS)
        return "" if mark.stopped else detached.died(mark, what)

    def _last(self) -> Mark | None:
        return Mark.last(mark_path(self._project.home, self._backend))

    def _free(self) -> bool:
        try:
            with file_lock(lock_path(self._project.home, self._backend), wait=False):
                return True
        except Conflict:
            return False

    def wake(self) -> None:
        """Report that there is work; start it if none runs with the present settings."""
        mark = self.alive()
        if mark is None and self.elsewhere():
            return
        if (
            mark is None
            or mark.stopped
            or mark.settings != digest_of(self._project)
            or detached.hangs(mark, silent_seconds=SILENT_SECONDS)
            or not detached.poke(mark)
        ):
            self.start()

    def heal(self) -> None:
        """Start it if the last one died, unless a user stopped it."""
        mark = self._last()
        if mark is not None and (mark.stopped or mark.process.alive()):
            return
        if not self.elsewhere():
            self.start()

    def start(self) -> Mark:
        """Make sure that one with the present settings runs. Raises Unavailable on a full disk, and
        with the end of its log if it does not start.
        """
        with file_lock(self._project.folder("jobs") / f"{self._backend}.start.lock"):
            mark, settings = self.alive(), digest_of(self._project)
            if (
                mark is not None
                and mark.settings == settings
                and not detached.trouble(mark, WHAT, silent_seconds=SILENT_SECONDS)
                and detached.poke(mark)
            ):
                return self._note(mark, stopped=False) if mark.stopped else mark
            if mark is not None:
                detached.end(mark, WHAT)
            self._wait_for_lock()
            check_room(self._project.home, "The follower of jobs cannot be started.")
            return detached.start(
                MODULE,
                [str(self._project.root), self._backend],
                log=self._project.folder("logs") / f"{self._backend}.log",
                environment={**os.environ, **self._environment},
                alive=self.alive,
                settings=settings,
                what=f"The follower of {self._backend} jobs",
                seconds=detached.START_SECONDS,
            )

    def stop(self) -> None:
        """End it; jobs continue, and the next one finds them."""
        with file_lock(self._project.folder("jobs") / f"{self._backend}.start.lock"):
            mark = self._last()
            if mark is None:
                return
            if not mark.process.alive() and (host := self.elsewhere()):
                raise Unavailable(
                    f"The follower of {self._backend} jobs runs on {host}.",
                    "From here it cannot be ended.",
                    f"On {host}: mlinfra down",
                )
            try:
                self._note(mark, stopped=True)
            finally:  # on a full disk too
                if mark.process.alive():
                    detached.end(mark, WHAT)

    def resume(self) -> None:
        """One that a user stopped may be started again, by whoever sees work for it."""
        with file_lock(self._project.folder("jobs") / f"{self._backend}.start.lock"):
            mark = self._last()
            if mark is not None and mark.stopped:
                self._note(mark, stopped=False)

    def _note(self, mark: Mark, *, stopped: bool) -> Mark:
        """Record whether a user wants no follower."""
        mark = replace(mark, stopped=stopped)
        mark.write(mark_path(self._project.home, self._backend))
        return mark

    def _wait_for_lock(self) -> None:
        """A follower that ends frees the lock soon. Raises Unavailable while another one holds it:
        a second follower would only wait.
        """
        limit = time.monotonic() + LOCK_SECONDS
        while not self._free():
            if time.monotonic() >= limit:
                why = (
                    f"{lock_path(self._project.home, self._backend)} is held by a process that is"
                    " not on this machine, or hides."
                )
                raise Unavailable(
                    f"{self._backend} jobs are followed on"
                    f" {self.elsewhere() or 'another machine'}.",
                    why,
                    "They continue there.",
                )
            time.sleep(0.02)
