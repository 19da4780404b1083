"""Who starts a keeper again that was killed together with its standby: the supervisor, by an alarm
that a living keeper puts off again and again.

python -m jupyter_mlinfra.deployments.targets.healing --project ROOT

So nothing runs for it while the keeper lives. A keeper that ends in an orderly way takes its alarm
with it.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...core.errors import MLInfraError
from ...core.records import now, to_json
from ...jobs import ROOT, Alarm, clear_alarm, set_alarm

if TYPE_CHECKING:
    from ...core.project import Project

NAME = "deployment-keeper"
DUE_SECONDS = 20.0
"""After the keeper was last heard of."""
EVERY_SECONDS = 7.0
"""Two times may be missed by a busy machine."""
BUSY_SECONDS = 1.0
"""The keeper does not wait longer than that for the database."""


class HealAlarm:
    """The alarm of one project, for its keeper."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._set_at = float("-inf")
        self._told = False

    def put_off(self) -> None:
        """Set it for later, now and then. Whatever is in the way, the keeper goes on."""
        at = time.monotonic()
        if at - self._set_at < EVERY_SECONDS:
            return
        self._set_at = at
        with contextlib.suppress(MLInfraError):
            _set(self._project)
            if not self._told:  # a supervisor that has nothing to do looks every ten minutes
                from ...jobs import Jobs

                Jobs(self._project).heed_alarms(start=False)
                self._told = True

    def clear(self) -> None:
        """Nobody needs it any more."""
        with (
            contextlib.suppress(MLInfraError),
            self._project.database.write(busy_seconds=BUSY_SECONDS) as connection,
        ):
            clear_alarm(connection, NAME)


def _set(project: Project) -> None:
    at = time.time()
    alarm = Alarm(
        name=NAME,
        due_at=at + DUE_SECONDS,
        set_at=at,
        module="jupyter_mlinfra.deployments.targets.healing",
        arguments=["--project", ROOT],
        log="logs/deployments/healing.log",
    )
    with project.database.write(busy_seconds=BUSY_SECONDS) as connection:
        set_alarm(connection, alarm)


def main(arguments: Sequence[str] | None = None) -> int:
    """Start a keeper if none lives and its processes run; 1 if it does not start, and the
    supervisor tries again.
    """
    from pathlib import Path

    from ...core.project import Project
    from ..store import DeploymentStore
    from .local import LocalTarget

    parser = argparse.ArgumentParser(
        prog="jupyter_mlinfra.deployments.targets.healing",
        description="Start the keeper of deployments again if it was killed.",
    )
    parser.add_argument("--project", required=True, help="root of the project")
    project = Project(Path(parser.parse_args(arguments).project))
    target = LocalTarget(project, DeploymentStore(project.database, project.name))
    try:
        if target.stopped():
            HealAlarm(project).clear()
            return 0
        target.heal()
        _set(project)
    except MLInfraError as error:
        sys.stderr.write(f"{to_json(now())} the keeper was not started: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
