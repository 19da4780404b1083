"""The local target: Seldon processes behind Envoy on this machine, kept by a detached keeper."""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import os
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import Unavailable
from ...core.files import explain_os_error
from ...core.processes import TOKEN, end_token, spawn_detached, with_token
from ..gateway import Keys
from . import Figures, ports
from .layout import FIGURES, LOCK, POKE, logs_folder, run_folder, token_of
from .secrets import authorization_file, keys_of
from .surroundings import keepers_surroundings

if TYPE_CHECKING:
    from ...core.project import Project
    from ..store import DeploymentStore

STALE_SECONDS = 30.0
"""Older figures are not shown as present ones."""

TROUBLE_SECONDS = 0.5
SPAWN_SECONDS = 5.0
KILL_SECONDS = 5.0


class LocalTarget:
    """Talks to the keeper through the store: it writes a wish, wakes the keeper, and waits for its
    answer.
    """

    def __init__(self, project: Project, store: DeploymentStore) -> None:
        self._project, self._store = project, store

    def prepare(self) -> None:
        """Raise Unavailable if the port of the settings, or the one that was chosen before, is
        taken by another program.
        """
        kept = self._store.target().port
        port = self._project.settings.deployments.port or kept
        if (
            not port
            or ports.is_free(port)
            or (port == kept and with_token(token_of(self._project, "gateway")))
        ):
            return
        if not ports.falls_free(port):
            raise ports.taken(port)

    def carry_out(self, wish: int, *, timeout: float = 60.0) -> None:
        """Wake the keeper, start one if there is none, and wait until `wish` is done."""
        begun, spawned, pause = time.monotonic(), -math.inf, 0.005
        while (target := self._store.target()).done < wish:
            at = time.monotonic()
            if target.trouble and at - max(begun, spawned) > TROUBLE_SECONDS:
                told = json.loads(target.trouble)
                raise Unavailable(told["what"], told.get("why", ""), told.get("fix", ""))
            if at - begun > timeout:
                raise Unavailable(
                    "The change is recorded, but not in force yet.",
                    f"The keeper did not carry it out within {timeout:.0f} s.",
                    f"See {self._log}.",
                )
            if not self._poke() and at - spawned > SPAWN_SECONDS:
                spawned = at
                self._store.note_target(trouble="")
                self._spawn()
            time.sleep(pause)
            pause = min(0.1, pause * 1.5)

    def base_url(self) -> str:
        """`http://127.0.0.1:PORT`; empty before the first start."""
        port = self._store.target().port
        return f"http://127.0.0.1:{port}" if port else ""

    def keys(self) -> Keys:
        """The probe's mark, and the project's token if one is required."""
        return keys_of(self._project)

    def header_file(self) -> str:
        """The file of the token's header; empty if no token is required."""
        return (
            str(authorization_file(self._project))
            if self._project.settings.deployments.require_token
            else ""
        )

    def running(self) -> Mapping[tuple[str, str], int]:
        """Live serving processes by (deployment, version); empty while the gateway is down."""
        rows = [row for row in self._store.processes() if row.identity.alive()]
        if all(row.deployment for row in rows):
            return {}
        return Counter((row.deployment, row.version) for row in rows if row.deployment)

    def heal(self) -> None:
        """Start a keeper again if the last one was killed while its processes run; those of a
        project that was copied here are not ours.
        """
        ours = token_of(self._project), token_of(self._project, "gateway")
        running = any(
            row.token.startswith(ours) and row.identity.alive() for row in self._store.processes()
        )
        if running and not self._keeper_alive():
            self._spawn()

    def figures(self) -> Mapping[tuple[str, str], Figures]:
        """What the keeper has read from the gateway; empty if that is long ago."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            document = json.loads((run_folder(self._project) / FIGURES).read_text())
            if time.time() - document["at"] <= STALE_SECONDS:
                return {
                    (item.pop("deployment"), item.pop("version")): Figures(**item)
                    for item in document["figures"]
                }
        return {}

    def stopped(self) -> bool:
        """Whether neither keeper nor gateway nor a serving process runs. The keeper frees its lock
        a moment before it ends.
        """
        if self._keeper_alive() or any(row.identity.alive() for row in self._store.processes()):
            return False
        return not with_token(token_of(self._project, "keeper"))

    def kill(self) -> None:
        """End the keeper, which would restart the others, then the gateway and the serving
        processes, found by their marks alone.

        Twice, because another keeper may have been started meanwhile.
        """
        left: list[str] = []
        for grace in (KILL_SECONDS, 0.0):
            left = [
                part
                for part in ("keeper", "gateway", "serve")
                if not end_token(token_of(self._project, part), grace_seconds=grace, begins=True)
            ]
        if left:
            why = "They were killed, and wait for a disk or a network share."
            raise Unavailable(
                f"Some processes of the deployments do not end: {', '.join(left)}.",
                why,
                "Repair what they wait for, or restart the machine.",
            )

    def _keeper_alive(self) -> bool:
        try:
            handle = os.open(
                run_folder(self._project) / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
        except OSError as error:
            raise explain_os_error(error, "The state of the deployments cannot be read.") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
        except BlockingIOError:
            return True
        finally:
            os.close(handle)

    def _poke(self) -> bool:
        """Wake the keeper; returns whether there is one."""
        if not self._keeper_alive():
            return False
        # It has only just taken its lock: it reads the store anyway.
        with contextlib.suppress(OSError):
            handle = os.open(run_folder(self._project) / POKE, os.O_WRONLY | os.O_NONBLOCK)
            try:
                os.write(handle, b"!")
            finally:
                os.close(handle)
        return True

    def _spawn(self) -> None:
        environment = {**keepers_surroundings(os.environ), TOKEN: token_of(self._project, "keeper")}
        spawn_detached(
            "jupyter_mlinfra.deployments.targets.keeper",
            [str(self._project.root)],
            log=self._log,
            environment=environment,
        )

    @property
    def _log(self) -> Path:
        return logs_folder(self._project) / "keeper.log"
