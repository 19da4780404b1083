"""The keeper: one detached process per project that brings about what the store wants, and
maintains it.

python -m jupyter_mlinfra.deployments.targets.keeper PROJECT_ROOT

It starts Envoy and the serving processes, restarts those that crash, drains those that must end,
and ends itself when nothing is up. If it is killed, requests are still answered, and the next
keeper takes the processes over.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from ...core.daemons.daemon import Daemon, say
from ...core.daemons.registration import own_registration
from ...core.errors import Conflict, MLInfraError, NotFound
from ...core.processes import Identity
from ...core.project import Project
from ..access.store import KeyStore
from ..delivery.watching import PlanWatch, look_now
from ..gateway import DeploymentPlan, KeyPlan, VersionPlan, cluster_name, patience
from ..rows import INTERRUPTED, DeploymentRow, VersionRow
from ..settings import DeploymentSettings
from ..spec import VersionState
from ..state import weights
from ..store import DeploymentStore
from ..transaction import KEEPER
from .compaction import Compaction
from .envoy import admin, watched_files
from .envoy.process import Gateway
from .healing import HealAlarm
from .layout import (
    GATEWAY_STATE,
    LOCK,
    digest_of,
    logs_folder,
    payload_folder,
    registry_of,
    run_folder,
    socket_path,
    token_of,
)
from .measures import Measures
from .process_table import ProcessTable
from .standby import Standby
from .worker import WorkerSpec
from .workers import LEAST_DRAIN_SECONDS, Workers

IDLE_SECONDS = 5.0
BUSY_SECONDS = 0.1
WATCH_SECONDS = 0.5
DRAIN_SECONDS = 30.0
RETRY_SECONDS = 1.0
START_TRIES = 2


class Keeper:
    """What one project serves. `step` does some of everything that is due and never waits long."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.store = DeploymentStore(project.database, project.name)
        self.settings = project.settings.of(DeploymentSettings)
        self.workers = Workers(
            ProcessTable(project.database),
            token_of(project),
            memory_limit=self.settings.worker_memory_mib << 20,
        )
        self.measures = Measures(project, self.workers)
        self.plan_watch = PlanWatch(self.settings.plan_errors, partial(look_now, project))
        self.gateway = Gateway(project, self.store)
        self.draining: dict[tuple[str, str], float] = {}
        self.compaction = Compaction(project)
        self.keys = KeyStore(project.database, project.user)
        self.changing = True
        self.adopted = False

    def adopt(self) -> None:
        """Take over what an earlier keeper left running."""
        self.workers.adopt()
        self.gateway.adopt()

    def kill(self) -> None:
        """End all processes at once, without the store."""
        self.workers.kill()
        self.gateway.kill()

    def step(self) -> bool:
        """Compare the wanted with the actual state, and move one step towards it; returns whether
        nothing is up, or wanted, any more.
        """
        target = self.store.target()
        wish = target.wish
        rows = self._fail_interrupted(self.store.deployments())
        wanted = {
            (row.name, item.version): (row, item)
            for row in rows
            if row.up
            for item in row.versions
            if _keeps_processes(item)
        }
        outdated = {key for key, (row, item) in wanted.items() if self._outdated(row, item)}
        current = [wanted[key] for key in wanted if key not in outdated]
        for row, item in current:
            self._start(row, item)
        keys = self.keys.plans()
        plans = [
            self._plan(row, keys.get(row.name, {}))
            for row in rows
            if row.up
            or any(self.workers.sockets((row.name, item.version)) for item in row.versions)
        ]
        if wanted and not self.gateway.keep(plans):
            return False  # its trouble is recorded; it is tried again
        if self.gateway.alive() and not self.gateway.apply(plans):
            say("Envoy has not taken the configuration over")
            if wanted:
                return False
            self.gateway.end()  # it hangs, and nobody needs it any more
        self._note_gateway()
        # A sum, so that each one is judged.
        self.changing = sum(self._judge(row, item) for row, item in current) > 0
        self.workers.note()
        self.workers.note_refused()
        self._note_events()
        # After the judgement: a caller that waits for the wish must not read a state from before a
        # reboot.
        if target.done != wish or target.trouble:
            self.store.note_target(done=wish, trouble="")
        self._end_unwanted(rows, set(wanted), outdated)
        self._measure(plans, changed=target.done != wish)
        self.compaction.step(rows)
        if wanted or self.workers.all:
            return False
        self.gateway.end()
        return self.store.target().wish == wish

    def _measure(self, plans: Sequence[DeploymentPlan], *, changed: bool) -> None:
        """Read the gateway's counters, if it runs, and heed what they say of the plans of delivery.
        changed: a new wish has been carried out.
        """
        if not self.gateway.alive():
            return
        if changed:
            self.measures.mark(plans)
        if self.measures.step(plans, every=IDLE_SECONDS):
            self.plan_watch.heed(self.store.active_plans(), self.measures.figures)

    def processes(self) -> list[Identity]:
        """All processes whose end matters."""
        return [*self.gateway.identities(), *self.workers.identities()]

    def busy(self) -> bool:
        """Whether the next step should come soon."""
        return (
            self.changing
            or self.workers.busy()
            or bool(self.draining)
            or not self.gateway.settled()
        )

    def watch(self) -> bool:
        """Between two steps: whether something has happened that needs one."""
        return self.workers.watch()

    def _start(self, row: DeploymentRow, item: VersionRow) -> None:
        self.draining.pop((row.name, item.version), None)  # it may be wanted again meanwhile
        if item.state in (VersionState.STOPPED, VersionState.DRAINING):
            self.store.move(row.name, item.version, VersionState.STARTING)
        self.workers.keep(self._launch(row, item), item.workers)

    def _launch(self, row: DeploymentRow, item: VersionRow) -> WorkerSpec:
        return WorkerSpec(
            deployment=row.name,
            version=item.version,
            model=f"{row.model}/{item.number}",
            python=item.python,
            bundle=item.bundle,
            runtime=item.runtime,
            payloads=payload_folder(self.project, row.name),
            logs=logs_folder(self.project),
            body_bytes=int(self.settings.max_body_mib * (1 << 20)),
        )

    def _serves(self, row: DeploymentRow, item: VersionRow) -> bool:
        return _keeps_processes(item) and not self._outdated(row, item)

    def _outdated(self, row: DeploymentRow, item: VersionRow) -> bool:
        """Whether its processes run code of an earlier deploy and must be drained before it is
        started. Those of a proved version go on: they passed its tests.
        """
        return not item.proved and self.workers.outdated(self._launch(row, item))

    def _plan(self, row: DeploymentRow, keys: Mapping[str, KeyPlan]) -> DeploymentPlan:
        """The versions that have processes; those that have passed their tests stand in for each
        other.
        """
        routable = [
            item
            for item in row.versions
            if self.workers.sockets((row.name, item.version)) or _served_by_others(item)
        ]
        stand_ins = [
            item
            for item in sorted(routable, key=lambda item: -item.traffic)
            if item.proved and item.wanted and item.state is VersionState.READY and not item.shadow
        ]
        versions = [
            VersionPlan(
                version=item.version,
                sockets=self.workers.sockets((row.name, item.version)),
                backups=[
                    path
                    for other in stand_ins
                    # Copies for a shadow that is down must not go to those that answer.
                    if other is not item and item.proved and not item.shadow
                    for path in self.workers.sockets((row.name, other.version))
                ],
                routed=row.up and (self._serves(row, item) or _served_by_others(item)),
            )
            for item in routable
        ]
        return DeploymentPlan(
            name=row.name,
            namespace=row.namespace,
            versions=versions,
            weights=weights(
                row.traffic,
                proved={item.version for item in row.versions if item.proved},
                stand_ins={item.version for item in stand_ins},
            ),
            patience_seconds=patience(
                self.settings.patience_seconds,
                [
                    self.measures.p95_ms.get((row.name, item.version), 0.0)
                    for item in routable
                    if not item.shadow
                ],
            ),
            queue=self.settings.queue,
            sticky_header=self.settings.sticky_header,
            shadows={
                item.version: item.shadow
                for item in row.versions
                if item.shadow and item.proved and self._serves(row, item)
            },
            keys=keys,
            rate=self.settings.rate_limits.get(row.name, self.settings.rate_limit),
        )

    def _judge(self, row: DeploymentRow, item: VersionRow) -> bool:
        """Move the state of a wanted version by what its processes do; returns whether it is still
        changing.
        """
        key, present = (
            (row.name, item.version),
            self.store.deployment(row.name).version(item.version),
        )
        if (present.bundle, present.python) != (item.bundle, item.python):
            return True  # deployed again meanwhile: what runs is not what is to be judged
        state = present.state
        ready, damage = self.workers.ready(key), self.workers.damage(key)
        if damage and state in (VersionState.STARTING, VersionState.READY):
            return self._note_damage(row, item, damage, ready)
        if state is VersionState.READY and not ready:
            self.store.move(
                *key,
                VersionState.STARTING,
                reason="no process of it answers; they are being restarted",
            )
        elif (
            state is VersionState.STARTING
            and not item.proved
            and self.workers.failed_starts(key) >= START_TRIES
        ):
            reason = (
                "It did not start:"
                f" {self.workers.last_error(key) or 'it ended without a message in its log.'}"
            )
            self.store.move(*key, VersionState.FAILED, reason=reason, wanted=False)
        elif state is VersionState.STARTING and ready >= (1 if item.proved else item.workers):
            # Envoy must have found its own workers healthy too: until then those of another version
            # may stand in for it.
            healthy = admin.answering(cluster_name(*key)) & set(self.workers.sockets(key))
            if len(healthy) < (1 if item.proved else item.workers):
                return True
            self.store.move(*key, VersionState.READY if item.proved else VersionState.TESTING)
        else:
            return state is VersionState.STARTING
        return True

    def _note_damage(self, row: DeploymentRow, item: VersionRow, damage: str, ready: int) -> bool:
        """A version whose bundle was changed is not started. Processes that still run go on: they
        were started from the original.
        """
        reason = (
            f"{damage} To repair it: mlinfra deployments deploy {row.model}/{item.number} --name"
            f" {row.name}"
        )
        if not ready:
            self.store.move(
                row.name, item.version, VersionState.FAILED, reason=reason, wanted=False
            )
            # Also forget its damage: the next start checks again.
            self.workers.end((row.name, item.version))
        elif item.reason != reason:
            self.store.move(row.name, item.version, item.state, reason=reason)
        return not ready

    def _fail_interrupted(self, rows: Sequence[DeploymentRow]) -> Sequence[DeploymentRow]:
        """Mark versions whose deploy was killed; returns the rows as they are then."""
        interrupted = [item for row in rows for item in row.versions if item.interrupted]
        for item in interrupted:
            with contextlib.suppress(MLInfraError):
                self.store.move(
                    item.deployment,
                    item.version,
                    VersionState.FAILED,
                    reason=INTERRUPTED,
                    wanted=False,
                    deployer="",
                )
        return self.store.deployments() if interrupted else rows

    def _end_unwanted(
        self,
        rows: Sequence[DeploymentRow],
        wanted: Collection[tuple[str, str]],
        outdated: Collection[tuple[str, str]],
    ) -> None:
        """Drain, then end. The configuration without them is already in force: `step` waited for
        it. outdated: wanted versions that are started again when their processes have ended.
        """
        items = {
            (row.name, item.version): item
            for row in rows
            for item in row.versions
            if (row.name, item.version) not in wanted
        }
        for key in [key for key in self.workers.all if key not in wanted or key in outdated]:
            started = self.draining.setdefault(key, time.monotonic())
            item = items.get(key)
            if item is not None and item.state in (
                VersionState.READY,
                VersionState.STARTING,
                VersionState.TESTING,
            ):
                self.store.move(*key, VersionState.DRAINING, only_from=item.state)
            waited = time.monotonic() - started
            # None means that Envoy does not know, so the process may be asked to end.
            idle = waited > LEAST_DRAIN_SECONDS and admin.in_flight(cluster_name(*key)) == 0
            if (idle or waited > DRAIN_SECONDS or not self.gateway.alive()) and self.workers.end(
                key
            ):
                self.draining.pop(key, None)
        for key, item in items.items():
            if key not in self.workers.all and item.state in _HAD_PROCESSES:
                with contextlib.suppress(MLInfraError):  # removed meanwhile
                    self.store.move(
                        *key, VersionState.STOPPED, reason=item.reason, only_from=item.state
                    )

    def _note_gateway(self) -> None:
        """Write how the gateway is, for those who show it."""
        with contextlib.suppress(OSError):
            watched_files.swap(GATEWAY_STATE, json.dumps(asdict(self.gateway.state())))

    def _note_events(self) -> None:
        """Write what has happened to processes into the history; again if it could not be."""
        while self.workers.events:
            (name, version), text = self.workers.events[0]
            with contextlib.suppress(NotFound), self.store.change(name) as change:
                change.record(
                    verb=KEEPER,
                    user="",
                    reason="",
                    traffic=change.row.traffic,
                    text=f"{version}: {text}",
                )
            say(f"{version} of {name}: {text}")
            self.workers.events.pop(0)


_HAD_PROCESSES = (
    VersionState.DRAINING,
    VersionState.READY,
    VersionState.STARTING,
    VersionState.TESTING,
)


def _served_by_others(item: VersionRow) -> bool:
    """A version that was given traffic and cannot be started: those that stand in for it answer."""
    return item.proved and item.traffic > 0 and item.state is VersionState.FAILED


def _keeps_processes(item: VersionRow) -> bool:
    return item.wanted and item.state not in (VersionState.BUILDING, VersionState.FAILED)


class KeeperDaemon(Daemon):
    """The process around a keeper. make: the keeper, made in the folder of its sockets."""

    def __init__(self, project: Project, make: Callable[[Project], Keeper] = Keeper) -> None:
        self._project, self._make = project, make
        super().__init__(
            run_folder(project) / LOCK, socket_path(project), what="The keeper of deployments"
        )
        self._keeper: Keeper | None = None
        self._standby = Standby(project)
        self._alarm = HealAlarm(project)
        self._failed = False

    def _begin(self) -> None:
        # Unix sockets by short names, however deep the project's folder is.
        os.chdir(self._lock.parent)
        self._keeper = self._make(self._project)
        registration = own_registration(self._wakeups.path, digest_of(self._project))
        registry_of(self._project).write(registration)

    def _safely(self, action: Callable[[], None]) -> Exception | None:
        error = super()._safely(action)
        self._failed = error is not None
        return error

    def _round(self) -> None:
        keeper = self._running
        if not keeper.adopted:
            keeper.adopt()
            keeper.adopted = True
        self._done = keeper.step()
        if not self._done and keeper.processes():
            self._standby.keep()
            self._alarm.put_off()

    def _close(self) -> None:
        self._standby.end()
        if self._owns_state():  # a folder that was deleted must not come back
            self._alarm.clear()

    def _abandon(self) -> None:
        """Nobody can use the processes of a project that was deleted or moved away."""
        self._running.kill()

    def _sleep(self) -> None:
        if self._failed:
            time.sleep(RETRY_SECONDS)  # also if a process that cannot be judged has ended
        handles = []
        for identity in (*self._running.processes(), self._standby.identity()):
            if identity is None:
                continue
            with contextlib.suppress(OSError, AttributeError):  # gone already; or not Linux
                handles.append(os.pidfd_open(identity.pid))
        try:
            for handle in handles:
                self._wakeups.watch("process", handle)
            self._wakeups.wait(
                BUSY_SECONDS if self._running.busy() else IDLE_SECONDS,
                meanwhile=lambda: not self._running.watch(),
                every=WATCH_SECONDS,
            )
        finally:
            self._wakeups.unwatch(handles)
            for handle in handles:
                os.close(handle)

    @property
    def _running(self) -> Keeper:
        assert self._keeper is not None, "made when the lock is held"
        return self._keeper


def main(*, in_turn: bool = False) -> None:
    """Maintain the project on the command line until nothing of it is up. in_turn: once the keeper
    that does so now has died.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs every request
    try:
        KeeperDaemon(Project(Path(sys.argv[1]))).run(in_turn=in_turn)
    except Conflict as error:
        say(f"ends: {error}")


if __name__ == "__main__":
    main()
