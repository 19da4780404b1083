"""The client's side of the supervisor: start it, wake it, stop it, read its identity."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from ...core.database import newest_revision
from ...core.errors import Unavailable
from ...core.files import check_room, file_lock
from ...core.machine import memory_gib
from ..backends import detached
from ..backends.detached import START_SECONDS
from .registry import Registered, Registry

if TYPE_CHECKING:
    from ...core.project import Project

MODULE = "jupyter_mlinfra.jobs.local.supervisor"
WHAT = "The job supervisor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What a supervisor is started with. cpus, gpus: as in the settings. settings: digest; if it
    differs, the supervisor must be replaced.
    """

    root: str
    home: str
    cpus: int
    gpus: int
    grace_seconds: float
    log_bytes: int
    warm_kernels: int
    warm_memory_gib: float
    warm_imports: Sequence[str]
    settings: str

    @classmethod
    def of(cls, project: Project) -> Config:
        """The configuration for the project's settings."""
        jobs, pipelines = project.settings.jobs, project.settings.pipelines
        facts: dict[str, Any] = {
            "root": str(project.root),
            "home": str(project.home),
            "cpus": jobs.cpus,
            "gpus": jobs.gpus,
            "grace_seconds": jobs.grace_seconds,
            "log_bytes": jobs.log_bytes,
            "warm_kernels": pipelines.warm_size,
            "warm_memory_gib": pipelines.warm_room_gib(memory_gib()),
            "warm_imports": pipelines.warm_imports,
        }
        digest = blake2b(json.dumps([facts, newest_revision()]).encode(), digest_size=8).hexdigest()
        return cls(**facts, settings=digest)

    def dump(self) -> str:
        """As one command-line argument."""
        return json.dumps(asdict(self))


class Control:
    """Controls the supervisor of one project from any process."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._registry = Registry(project.database)

    def alive(self) -> Registered | None:
        """The running supervisor, None if there is none."""
        entry = self._registry.read()
        return entry if entry is not None and entry.process.alive() else None

    def trouble(self) -> str:
        """Why the supervisor does not work: it hangs, or it died. Empty if it works, if a user
        stopped it, and before the first one.
        """
        entry = self._registry.read()
        if entry is None:
            return ""
        if entry.process.alive():
            return detached.trouble(entry, WHAT, silent_seconds=detached.SILENT_SECONDS)
        return "" if entry.stopped else detached.died(entry, WHAT)

    def wake(self) -> None:
        """Report a new job to the supervisor; start one if none runs with the present settings, or
        the present one hangs.
        """
        entry = self._registry.read()
        if (
            entry is None
            or entry.stopped
            or entry.settings != self._config().settings
            or detached.hangs(entry, silent_seconds=detached.SILENT_SECONDS)
            or not detached.poke(entry)
        ):
            self.start()

    def nudge(self) -> None:
        """Report a change that any supervisor can handle; start one if none runs."""
        entry = self._registry.read()
        if entry is None or not detached.poke(entry):
            self.start()

    def tell(self) -> None:
        """Wake the running supervisor; never start one."""
        entry = self.alive()
        if entry is not None:
            detached.poke(entry)

    def drain(self) -> None:
        """Make a supervisor start no more jobs, but keep watching those that run."""
        if self.alive() is None:
            self.start()
        self._registry.mark(stopped=True)

    def heal(self) -> None:
        """Start a supervisor if the last one died, unless a user stopped it."""
        entry = self._registry.read()
        if entry is None or not (entry.stopped or entry.process.alive()):
            with contextlib.suppress(Unavailable):  # `trouble` tells of it
                self.start()

    def start(self) -> Registered:
        """Make sure that a supervisor with the present settings runs. Running jobs continue under
        it.

        Raises Unavailable on a full or read-only disk, and with the end of its log if it does not
        start.
        """
        with file_lock(self._project.folder("jobs") / "start.lock"):
            entry, config = self.alive(), self._config()
            if (
                entry is not None
                and entry.settings == config.settings
                and not detached.trouble(entry, WHAT, silent_seconds=detached.SILENT_SECONDS)
            ):
                if entry.stopped:
                    self._registry.mark(stopped=False)
                detached.poke(entry)
                return entry
            if entry is not None:
                detached.end(entry, WHAT)
            # It could not report this, and would be waited for.
            check_room(self._project.home, "The job supervisor cannot be started.")
            return detached.start(
                MODULE,
                [config.dump()],
                log=self._project.folder("logs") / "supervisor.log",
                environment=dict(os.environ),
                alive=self.alive,
                settings=config.settings,
                what=WHAT,
                seconds=START_SECONDS,
            )

    def stop(self) -> None:
        """End the supervisor; running jobs continue, and the next one finds them."""
        with file_lock(self._project.folder("jobs") / "start.lock"):
            try:
                self._registry.mark(stopped=True)
            finally:  # on a full disk too
                entry = self.alive()
                if entry is not None:
                    detached.end(entry, WHAT)

    def _config(self) -> Config:
        return Config.of(self._project)
