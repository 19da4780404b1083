"""A follower as seen by other processes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.daemons.control import DaemonControl, DaemonSpec
from ...core.daemons.registration import FileRegistry, Registration, settings_digest
from ..backends import WITHOUT
from ..settings import JobSettings

if TYPE_CHECKING:
    from ...core.project import Project

MODULE = "jupyter_mlinfra.jobs.remote.follower"
SILENT_SECONDS = 300.0
"""Without a heartbeat for this long a follower hangs. It writes one around each call of the remote
side, which may be several commands of up to a minute.
"""


def follower_path(home: Path, backend: str) -> Path:
    """Where the follower of a backend records its address."""
    return home / "jobs" / f"{backend}.follower"


def lock_path(home: Path, backend: str) -> Path:
    """Its holder is the follower, on whichever machine."""
    return home / "jobs" / f"{backend}.lock"


def followers(home: Path) -> list[str]:
    """Backends that a follower may run for."""
    return sorted(path.stem for path in (home / "jobs").glob("*.follower"))


def digest_of(project: Project) -> str:
    """A digest of what a follower is started with."""
    return settings_digest(
        [
            project.settings.of(JobSettings).model_dump(mode="json"),
            project.settings.plugins(JobSettings.TABLE),
        ]
    )


class FollowerControl(DaemonControl[Registration]):
    """Controls the follower of one project and backend from any process. environment: additional
    variables that it is started with.
    """

    def __init__(
        self, project: Project, backend: str, environment: Mapping[str, str] | None = None
    ) -> None:
        spec = DaemonSpec(
            name=f"The follower of {backend} jobs",
            module=MODULE,
            arguments=lambda: [str(project.root), backend],
            environment=lambda: {**os.environ, **(environment or {})},
            home=project.home,
            lock=lock_path(project.home, backend),
            log=project.home / "logs" / f"{backend}.log",
            settings=lambda: digest_of(project),
            silent_seconds=SILENT_SECONDS,
            without=WITHOUT,
            shared=True,
        )
        super().__init__(spec, FileRegistry(follower_path(project.home, backend)))
