"""The local backend: jobs are processes of this machine, run by one supervisor per project."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING

from ...core.errors import BadRequest, Unavailable
from ...core.gpus import Gpu, Reading, gpu_readings, gpu_slots
from ...core.machine import cpu_slots, load, memory_gib, memory_used, process_name
from ...core.processes import end_token
from ...core.records import Number, now
from ..backends.launch import Place
from ..backends.shell import Attachment, local_shell
from ..queue.rows import JobEntry
from ..queue.store import JobStore
from ..settings import JobSettings
from ..spec import Compute, Device, JobSpec
from .cancel_requests import CancelRequests
from .client import Control
from .plan import forecast
from .plan_input import capacity_of, holdings_of, needs_of
from .slots import Need

if TYPE_CHECKING:
    from ...core.project import Project

FORECAST_LIMIT = 100
"""For how many waiting jobs, from the head of the queue, a start is predicted."""


class LocalBackend:
    """Runs jobs on this machine."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._control = Control(project)
        self._store = JobStore(project.database)
        self._cancel_requests = CancelRequests(project.home)

    def check(self, spec: JobSpec) -> None:
        """Raise BadRequest if this machine can never run such a job."""
        settings = self._project.settings.of(JobSettings)
        cpus = cpu_slots(settings.cpus)
        if spec.cpus > cpus:
            raise BadRequest(
                f"The job asks for {spec.cpus} CPUs.",
                f"The local backend has {cpus}.",
                "Ask for less, or raise [jobs] cpus in mlinfra.toml.",
            )
        if spec.gpus:
            self._check_gpus(spec)
        if spec.memory_gib and spec.memory_gib > memory_gib():
            raise BadRequest(
                f"The job asks for {spec.memory_gib:g} GiB of memory.",
                f"This machine has {memory_gib():.1f}.",
                "Ask for less.",
            )

    def _check_gpus(self, spec: JobSpec) -> None:
        slots = gpu_slots(self._project.settings.of(JobSettings).gpus)
        usable = [
            gpu
            for gpu in slots
            if spec.gpu_type is None or spec.gpu_type.casefold() in gpu.name.casefold()
        ]
        if spec.gpus > len(usable):
            kind = f"{spec.gpu_type} GPU" if spec.gpu_type else "GPU"
            types = (
                f" ({', '.join(sorted({gpu.name for gpu in slots}))})"
                if spec.gpu_type and slots
                else ""
            )
            raise BadRequest(
                f"The job asks for {spec.gpus:g} {kind}{'s' if spec.gpus > 1 else ''}.",
                f"The local backend has {len(usable)}{types}.",
                "Ask for less, or use a machine that has them.",
            )

    def submit(self, jobs: Sequence[str]) -> None:  # noqa: ARG002 - it reads the whole queue
        """Wake the supervisor, which reads the queue."""
        self._control.wake_with_present_settings()

    def cancel(self, jobs: Sequence[str]) -> None:
        """Wake the supervisor, which reads what is to be cancelled; end the jobs here if a full
        disk prevents its start.

        The next supervisor sees from the request why they have ended.
        """
        try:
            self._control.wake_with_any_settings()
        except Unavailable:
            for job in jobs:
                self._cancel_requests.leave(job, self._project.user)
                if not end_token(
                    self._store.entry(job).token,
                    grace_seconds=self._project.settings.of(JobSettings).grace_seconds,
                ):
                    raise

    def heal(self) -> None:
        """Start a supervisor if the last one died, unless a user stopped it."""
        self._control.heal()

    def starts(self) -> Mapping[str, datetime]:
        """When waiting jobs may start: the queue is simulated with the durations of earlier runs,
        else with time limits.
        """
        return self._forecast(())

    def would_start(self, spec: JobSpec) -> datetime | None:
        """When such a job may start if submitted now."""
        seconds = None if spec.time_limit_minutes is None else spec.time_limit_minutes * 60
        need = Need(
            job="",
            cpus=spec.cpus,
            gpus=spec.gpus,
            memory_gib=spec.memory_gib or 0.0,
            gpu_type=spec.gpu_type,
            seconds=seconds,
        )
        return self._forecast([need]).get("")

    def _forecast(self, more: Sequence[Need]) -> dict[str, datetime]:
        at, jobs = now(), self._project.settings.of(JobSettings)
        active = self._store.active()
        waiting = self._store.waiting(at=at.timestamp(), limit=FORECAST_LIMIT)
        seconds = {entry.job.id: self._expected(entry, at) for entry in active}
        entries = [self._store.entry(item.id) for item in waiting]
        seconds |= {entry.job.id: self._expected(entry, at) for entry in entries}
        holdings = holdings_of(active)
        gpus = gpu_slots(jobs.gpus)
        capacity = capacity_of(
            gpus, holdings, cpus=cpu_slots(jobs.cpus), memory_gib=memory_gib(), look=bool(gpus)
        )
        found = forecast(
            [*needs_of(waiting), *more],
            holdings,
            capacity,
            {job: value for job, value in seconds.items() if value is not None},
        )
        return {job: at + timedelta(seconds=value) for job, value in found.items()}

    def _expected(self, entry: JobEntry, at: datetime) -> float | None:
        """Seconds that a job still takes: up to the median of earlier ones; without those, or if it
        has run longer, up to its time limit.
        """
        ran = (
            (at - entry.job.started_at).total_seconds() if entry.job.started_at is not None else 0.0
        )
        earlier = self._store.durations(entry.spec)
        if earlier and (usual := median(earlier)) > ran:
            return usual - ran
        limit = entry.spec.time_limit_minutes
        return None if limit is None else max(0.0, limit * 60 - ran)

    def attach(self, entry: JobEntry) -> Attachment:
        """A shell on this machine."""
        return local_shell(entry, Place(root=self._project.root, home=self._project.home))

    def compute(self) -> Compute:
        """Slots and their holders, and how busy the machine is."""
        settings = self._project.settings.of(JobSettings)
        active, counts = self._store.active(), self._store.counts(backend="local")
        holders = {
            gpu: ", ".join(entry.job.ref for entry in active if gpu in entry.job.gpu_ids)
            for entry in active
            for gpu in entry.job.gpu_ids
        }
        readings = gpu_readings() if settings.gpus else {}
        disk = shutil.disk_usage(self._project.home)
        return Compute(
            backend="local",
            devices=[
                _device(gpu, holders.get(gpu.id), readings.get(gpu.id))
                for gpu in gpu_slots(settings.gpus)
            ],
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
        load=(
            Number(value=reading.load) if reading is not None and reading.load is not None else None
        ),
        memory=(
            Number(value=reading.memory)
            if reading is not None and reading.memory is not None
            else None
        ),
    )
