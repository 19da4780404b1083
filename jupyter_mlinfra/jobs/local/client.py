"""The supervisor as seen by other processes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ...core.daemons.control import DaemonControl, DaemonSpec
from ...core.daemons.registration import settings_digest
from ...core.machine import memory_gib
from ..backends import WITHOUT
from .registry import Registered, SupervisorRegistry

if TYPE_CHECKING:
    from ...core.project import Project

MODULE = "jupyter_mlinfra.jobs.local.supervisor"
SILENT_SECONDS = 60.0
"""One step may take a while: it waits up to 30 s for a busy database."""


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
        from ..settings import (
            JobSettings,  # pydantic; the supervisor, which reads this, stays small
        )

        jobs = project.settings.of(JobSettings)
        facts: dict[str, Any] = {
            "root": str(project.root),
            "home": str(project.home),
            "cpus": jobs.cpus,
            "gpus": jobs.gpus,
            "grace_seconds": jobs.grace_seconds,
            "log_bytes": jobs.log_bytes,
            "warm_kernels": jobs.warm_size,
            "warm_memory_gib": jobs.warm_room_gib(memory_gib()),
            "warm_imports": jobs.warm_imports,
        }
        return cls(**facts, settings=settings_digest(facts))

    def dump(self) -> str:
        """As one command-line argument."""
        return json.dumps(asdict(self))


class Control(DaemonControl[Registered]):
    """Controls the supervisor of one project from any process."""

    def __init__(self, project: Project) -> None:
        spec = DaemonSpec(
            name="The job supervisor",
            module=MODULE,
            arguments=lambda: [Config.of(project).dump()],
            home=project.home,
            lock=project.home / "jobs" / "supervisor.lock",
            log=project.home / "logs" / "supervisor.log",
            settings=lambda: Config.of(project).settings,
            silent_seconds=SILENT_SECONDS,
            without=WITHOUT,
        )
        super().__init__(spec, SupervisorRegistry(project.database))

    def drain(self) -> None:
        """Make a supervisor start no more jobs, but keep watching those that run."""
        if self.alive() is None:
            self.start()
        self._registry.mark(stopped=True)
