"""What all remote backends have in common: the follower does the work, they wake it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from ...core.records import Number
from ..queue.store import JobStore
from ..spec import Compute, Device
from .client import FollowerControl

if TYPE_CHECKING:
    from ...core.project import Project


class FollowedBackend[R]:
    """One backend of a project. R: its remote side. A subclass provides that, and answers what
    needs no follower.
    """

    def __init__(self, project: Project, name: str) -> None:
        self._project, self._name = project, name
        self._store = JobStore(project.database)
        self._control = FollowerControl(project, name)

    def remote(self) -> R:
        """The remote side, for the follower."""
        return self._remote

    @cached_property
    def _remote(self) -> R:
        return self._connect()

    def _connect(self) -> R:
        raise NotImplementedError

    def _computed(
        self,
        devices: Sequence[Device],
        *,
        cpus: float,
        cpus_used: float,
        memory: float,
        memory_used: float,
        load: float | None = None,
    ) -> Compute:
        """What the remote side has and who uses it. load: of its CPUs together; by default the
        share that is held.
        """
        counts, disk = self._store.counts(backend=self._name), shutil.disk_usage(self._project.home)
        busy = cpus_used if load is None else load
        return Compute(
            backend=self._name,
            devices=devices,
            cpus=int(cpus),
            cpus_used=round(cpus_used),
            load=Number(value=min(1.0, busy / cpus) if cpus else 0.0, basis="approx"),
            memory=Number(value=memory_used / memory if memory else 0.0),
            disk=Number(value=disk.used / disk.total),
            running=counts["starting"] + counts["running"],
            waiting=counts["queued"],
        )

    def submit(self, jobs: Sequence[str]) -> None:  # noqa: ARG002 - it reads the whole queue
        """Wake the follower."""
        self._control.wake_with_present_settings()

    def cancel(self, jobs: Sequence[str]) -> None:  # noqa: ARG002 - it reads who is to be cancelled
        """Wake the follower."""
        self._control.wake_with_present_settings()

    def heal(self) -> None:
        """Start the follower if the last one died, unless a user stopped it."""
        self._control.heal()
