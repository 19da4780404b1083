"""The standby of the keeper: a second process that waits for the keeper's lock.

python -m jupyter_mlinfra.deployments.targets.standby PROJECT_ROOT

The kernel frees the lock of a process that dies in any way. The standby, which has its imports
done, then is the keeper, takes the processes over, and starts a standby of its own. So somebody
looks after Envoy and the serving processes although nobody calls a verb; if both are killed at
once, the supervisor starts a keeper (`healing`). A keeper that ends in an orderly way ends its
standby first.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from ...core.processes import Identity
from ...core.project import Project
from .layout import keeper_log

PAUSE_SECONDS = 5.0
"""Between two starts of a standby that does not stay."""


class Standby:
    """The standby of this keeper."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._process: subprocess.Popen[bytes] | None = None
        self._started = float("-inf")

    def keep(self) -> None:
        """Start it if it does not run."""
        if self._process is not None and self._process.poll() is None:
            return
        if time.monotonic() - self._started < PAUSE_SECONDS:
            return
        self._started = time.monotonic()
        with open(keeper_log(self._project), "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", __name__, str(self._project.root)],
                env=os.environ,  # also the mark of a keeper
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def identity(self) -> Identity | None:
        """Its process; None if there is none."""
        return Identity.of(self._process.pid) if self._process is not None else None

    def end(self) -> None:
        """End it, so that it does not take over."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


if __name__ == "__main__":
    from .keeper import main

    main(in_turn=True)
