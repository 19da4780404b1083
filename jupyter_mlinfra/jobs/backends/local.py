"""The local backend: jobs are processes of this machine, watched over by one supervisor a project."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...core.errors import BadRequest, Unavailable
from ...core.processes import end_token
from ...core.records import Number
from ..devices import Gpu, Reading, gpu_readings, gpu_slots
from ..machine import cpu_slots, load, memory_gib, memory_used, process_name
from ..spec import Compute, Device, JobSpec
from ..store import JobStore
from .control import Control
from .wishes import Wishes

if TYPE_CHECKING:
    from ...core.project import Project


class LocalBackend:
    """Runs jobs on this machine."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._control = Control(project)
        self._store = JobStore(project.database)
        self._wishes = Wishes(project.home)

    def check(self, spec: JobSpec) -> None:
        """Raise BadRequest when this machine can never run such a job."""
        settings = self._project.settings.jobs
        cpus = cpu_slots(settings.cpus)
        if spec.cpus > cpus:
            raise BadRequest(f"The job asks for {spec.cpus} CPUs.", f"The local backend has {cpus}.", "Ask for less, or raise [jobs] cpus in mlinfra.toml.")
        if spec.gpus and spec.gpus > (gpus := len(gpu_slots(settings.gpus))):
            raise BadRequest(
                f"The job asks for {spec.gpus} GPU{'s' if spec.gpus > 1 else ''}.",
                f"The local backend has {gpus}.",
                "Ask for less, or use a machine that has them.",
            )
        if spec.memory_gib and spec.memory_gib > memory_gib():
            raise BadRequest(f"The job asks for {spec.memory_gib:g} GiB of memory.", f"This machine has {memory_gib():.1f}.", "Ask for less.")

    def submit(self, jobs: Sequence[str]) -> None:  # noqa: ARG002 - it reads the whole queue
        """Wake the supervisor, which reads the queue."""
        self._control.wake()

    def cancel(self, jobs: Sequence[str]) -> None:
        """Wake the supervisor, which reads who is to be cancelled; end the jobs here when a full disk lets none start.

        The next supervisor finds by the wish why they have ended.
        """
        try:
            self._control.nudge()
        except Unavailable:
            for job in jobs:
                self._wishes.leave(job, self._project.user)
                if not end_token(self._store.entry(job).token, grace_seconds=self._project.settings.jobs.grace_seconds):
                    raise

    def compute(self) -> Compute:
        """Slots and their holders, and how busy the machine is."""
        settings = self._project.settings.jobs
        active, counts = self._store.active(), self._store.counts()
        holders = {gpu: entry.job.ref for entry in active for gpu in entry.job.gpu_ids}
        readings = gpu_readings() if settings.gpus else {}
        disk = shutil.disk_usage(self._project.home)
        return Compute(
            backend="local",
            devices=[_device(gpu, holders.get(gpu.id), readings.get(gpu.id)) for gpu in gpu_slots(settings.gpus)],
            cpus=cpu_slots(settings.cpus),
            cpus_used=sum(entry.spec.cpus for entry in active),
            load=Number(value=load(), basis="approx"),
            memory=Number(value=memory_used()),
            disk=Number(value=disk.used / disk.total),
            running=len(active),
            waiting=counts["queued"],
        )


def _device(gpu: Gpu, holder: str | None, reading: Reading | None) -> Device:
    if holder is None and reading is not None and reading.pids:
        holder = process_name(reading.pids[0])
    return Device(
        id=gpu.id,
        name=gpu.name,
        holder=holder or "",
        load=Number(value=reading.load) if reading is not None and reading.load is not None else None,
        memory=Number(value=reading.memory) if reading is not None and reading.memory is not None else None,
    )
