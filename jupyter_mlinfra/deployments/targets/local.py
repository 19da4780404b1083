"""The local target: Seldon processes behind Envoy on this machine, kept by a detached keeper."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ...core.daemons.control import DaemonControl, DaemonSpec
from ...core.daemons.registration import Registration
from ...core.errors import Unavailable
from ...core.processes import TOKEN, end_token, with_token
from ..access.listening import public_address
from ..access.records import GatewayState
from ..gateway import Keys
from ..settings import DeploymentSettings
from . import Counts, Figures, ports
from .inherited import keeper_variables
from .layout import (
    LOCK,
    digest_of,
    figures_file,
    gateway_state_file,
    keeper_log,
    registry_of,
    run_folder,
    token_of,
)
from .process_table import ProcessTable
from .secrets import authorization_file, keys_of, token_required
from .vitals import memory_bytes

if TYPE_CHECKING:
    from ...core.project import Project
    from ..store import DeploymentStore

STALE_SECONDS = 30.0
"""Older figures are not shown as present ones."""

TROUBLE_SECONDS = 0.5
KILL_SECONDS = 5.0
SILENT_SECONDS = 180.0
"""Without a heartbeat for this long a keeper hangs. A step that starts many processes on a busy
machine, or waits for a busy database, takes a while.
"""


def keeper_control(project: Project) -> DaemonControl[Registration]:
    """Controls the keeper of a project from any process."""
    token = token_of(project, "keeper")
    spec = DaemonSpec(
        name="The keeper of deployments",
        module="jupyter_mlinfra.deployments.targets.keeper",
        arguments=lambda: [str(project.root)],
        environment=lambda: {**keeper_variables(os.environ), TOKEN: token},
        home=project.home,
        lock=run_folder(project) / LOCK,
        log=keeper_log(project),
        settings=lambda: digest_of(project),
        silent_seconds=SILENT_SECONDS,
        without=(
            "What serves goes on; what ends is not started again until it runs: by the next deploy,"
            " or `mlinfra up`."
        ),
        # One of a version that recorded no address.
        evict=lambda: end_token(token, grace_seconds=KILL_SECONDS),
    )
    return DaemonControl(spec, registry_of(project))


class LocalTarget:
    """Talks to the keeper through the store: it writes a wish, wakes the keeper, and waits for its
    answer.
    """

    def __init__(self, project: Project, store: DeploymentStore) -> None:
        self._project, self._store = project, store
        self._processes = ProcessTable(project.database)

    @cached_property
    def _keeper(self) -> DaemonControl[Registration]:
        return keeper_control(self._project)  # not for who only reads: it makes folders

    def prepare(self) -> None:
        """Raise Unavailable if the port of the settings, or the one that was chosen before, is
        taken by another program; BadRequest or Unprocessable if other machines are to reach the
        gateway and the address or the files of TLS cannot be used.
        """
        public_address(self._project)
        last_port = self._store.target().port
        port = self._project.settings.of(DeploymentSettings).port or last_port
        if (
            not port
            or ports.is_free(port)
            or (port == last_port and with_token(token_of(self._project, "gateway"), begins=True))
        ):
            return
        if not ports.becomes_free(port):
            raise ports.taken(port)

    def carry_out(self, wish: int, *, timeout: float = 60.0) -> None:
        """Wake the keeper, start one if none runs with the present settings, and wait until `wish`
        is done.
        """
        started, pause = time.monotonic(), 0.005
        self._wake(self._keeper.wake_with_present_settings)
        woken = time.monotonic()
        while (target := self._store.target()).done < wish:
            now = time.monotonic()
            if target.trouble and now - woken > TROUBLE_SECONDS:
                trouble = json.loads(target.trouble)
                raise Unavailable(trouble["what"], trouble.get("why", ""), trouble.get("fix", ""))
            if now - started > timeout:
                raise Unavailable(
                    "The change is recorded, but not in force yet.",
                    self._keeper.trouble()
                    or f"The keeper did not carry it out within {timeout:.0f} s.",
                    f"See {keeper_log(self._project)}.",
                )
            self._wake(self._keeper.wake_with_any_settings)  # it ends when nothing is up
            time.sleep(pause)
            pause = min(0.1, pause * 1.5)

    def _wake(self, wake: Callable[[], None]) -> None:
        """Old trouble is not the answer of a keeper that is started now."""
        if self._keeper.alive() is None:
            self._store.note_target(trouble="")
        wake()

    def base_url(self) -> str:
        """`http://127.0.0.1:PORT`; empty before the first start."""
        port = self._store.target().port
        return f"http://127.0.0.1:{port}" if port else ""

    def keys(self) -> Keys:
        """The probe's mark, and the project's token if one is required."""
        return keys_of(self._project)

    def header_file(self) -> str:
        """The file of the token's header; empty if no token is required."""
        return str(authorization_file(self._project)) if token_required(self._project) else ""

    def running(self) -> Mapping[tuple[str, str], int]:
        """Live serving processes by (deployment, version); empty while the gateway is down."""
        rows = [row for row in self._processes.rows() if row.identity.alive()]
        if all(row.deployment for row in rows):
            return {}
        return Counter((row.deployment, row.version) for row in rows if row.deployment)

    def heal(self) -> None:
        """Start a keeper again if the last one was killed while its processes run; those of a
        project that was copied here are not ours.
        """
        tokens = token_of(self._project), token_of(self._project, "gateway")
        running = any(
            row.token.startswith(tokens) and row.identity.alive() for row in self._processes.rows()
        )
        if running and self._keeper.alive() is None:
            self._keeper.start()

    def gateway(self) -> GatewayState | None:
        """As the keeper has written it last; None while no process of ours runs."""
        with contextlib.suppress(OSError, ValueError, TypeError):
            state = GatewayState(**json.loads(gateway_state_file(self._project).read_text()))
            if any(row.identity.alive() for row in self._processes.rows()):
                return state
        return None

    def figures(self) -> Mapping[tuple[str, str], Figures]:
        """What the keeper has read from the gateway last."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            document = json.loads(figures_file(self._project).read_text())
            stale = time.time() - document["at"] > STALE_SECONDS
            return {
                (item.pop("deployment"), item.pop("version")): _figures(
                    item, stale_since=document["at"] if stale else 0.0
                )
                for item in document["figures"]
            }
        return {}

    def own_metrics(self) -> str:
        """What models count by themselves, in the text format of Prometheus."""
        from . import own_metrics

        folder = figures_file(self._project).parent
        return own_metrics.merged(own_metrics.asked(folder, self._processes.rows()))

    def memory(self, deployment: str, version: str) -> Mapping[int, int]:
        """Bytes of each live process of a version, with its children."""
        return {
            row.identity.pid: memory_bytes(row.identity.pid)
            for row in self._processes.rows()
            if (row.deployment, row.version) == (deployment, version) and row.identity.alive()
        }

    def stopped(self) -> bool:
        """Whether neither keeper nor gateway nor a serving process runs."""
        if any(row.identity.alive() for row in self._processes.rows()):
            return False
        return not with_token(token_of(self._project, "keeper"))

    def kill(self) -> None:
        """End the keeper, which would restart the others, then the gateway and the serving
        processes, found by their marks alone.

        Twice, because another keeper may have been started meanwhile.
        """
        running: list[str] = []
        for grace in (KILL_SECONDS, 0.0):
            running = [
                part
                for part in ("keeper", "gateway", "serve")
                if not end_token(token_of(self._project, part), grace_seconds=grace, begins=True)
            ]
        if running:
            why = "They were killed, and wait for a disk or a network share."
            raise Unavailable(
                f"Some processes of the deployments do not end: {', '.join(running)}.",
                why,
                "Repair what they wait for, or restart the machine.",
            )


def _figures(item: dict[str, Any], stale_since: float) -> Figures:
    counts = item.pop("counts", None)
    return Figures(**item | {"counts": counts and Counts(**counts), "stale_since": stale_since})
