"""The Slurm backend: jobs are sent to a cluster by its own commands, and followed by one process
per project.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....core.errors import BadRequest, Unavailable
from ...backends.launch import Place
from ...backends.shell import Attachment, remote_environment, running, shell_of
from ...queue.rows import JobEntry
from ...remote.slurm.settings import SlurmSettings
from ...settings import JobSettings
from ...spec import Compute, Device, JobSpec
from .. import Stage, Unreachable
from ..backend import FollowedBackend
from .commands import Commands, SlurmRefused
from .remote import SlurmRemote
from .request import needs
from .sightings import number

if TYPE_CHECKING:
    from ....core.project import Project

NAME = "slurm"
_RESTING = {
    "DRAIN",
    "DOWN",
    "FAIL",
    "ERROR",
    "FUTURE",
    "MAINTENANCE",
    "RESERVED",
    "NOT_RESPONDING",
    "POWERED_DOWN",
    "POWER_DOWN",
    "REBOOT_REQUESTED",
}
_STARTS = re.compile(r"to start at (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)")
_GPUS = re.compile(r"gpu(?::([\w.-]+))?:(\d+)(?:\([^)]*IDX:([\d,-]+|N/A)[^)]*\))?")


class SlurmBackend(FollowedBackend[SlurmRemote]):
    """Runs jobs on a Slurm cluster that shares the project's file system."""

    def __init__(self, project: Project) -> None:
        super().__init__(project, NAME)
        self._settings = project.settings.of(SlurmSettings)
        self._commands = Commands(self._settings)

    def _connect(self) -> SlurmRemote:
        return SlurmRemote(self._project)

    def check(self, spec: JobSpec) -> None:
        """Raise BadRequest if the cluster would never start such a job. A cluster that does not
        answer refuses nothing: the job waits for it.
        """
        if 0 < spec.gpus < 1:
            raise BadRequest(
                f"The job asks for {spec.gpus:g} of a GPU.",
                "Slurm gives whole ones.",
                "Ask for 1, or name a partition of small GPUs (MIG).",
            )
        try:
            self._test(spec)
        except SlurmRefused as error:
            if not error.for_good or self._rests(spec):
                return
            raise BadRequest(
                "Slurm would never start such a job.",
                f"{error.message}.",
                "Ask for less, or name another partition (queue).",
            ) from error
        except Unreachable:
            return

    def _rests(self, spec: JobSpec) -> bool:
        """Whether nodes are under maintenance that such a job might use: Slurm's test then refuses
        everything, although it would take the job.
        """
        partition = spec.queue or self._settings.partition
        nodes = [
            node
            for node in self._nodes()
            if not partition or partition in node.get("partitions", ())
        ]
        return any(_RESTING & set(_words(node.get("state"))) for node in nodes)

    def starts(self) -> Mapping[str, datetime]:
        """When Slurm plans to start the waiting jobs."""
        jobs = {entry.token: entry.job.id for entry in self._store.followed(backend=NAME)}
        try:
            seen = self._remote.look() if jobs else ()
        except Unreachable:
            return {}
        return {
            jobs[item.key]: item.starts_at
            for item in seen
            if item.stage is Stage.WAITING and item.starts_at is not None and item.key in jobs
        }

    def would_start(self, spec: JobSpec) -> datetime | None:
        """What `sbatch --test-only` says."""
        try:
            found = _STARTS.search(self._test(spec))
        except (SlurmRefused, Unreachable):
            return None
        # Slurm writes local time.
        return datetime.fromisoformat(found[1]).astimezone() if found else None

    def _test(self, spec: JobSpec) -> str:
        script = str(Path(__file__).with_name("guard.sh"))
        return self._commands.talk(
            "sbatch",
            "--test-only",
            *needs(
                spec,
                self._settings,
                grace_seconds=self._project.settings.of(JobSettings).grace_seconds,
            ),
            script,
        )[1]

    def attach(self, entry: JobEntry) -> Attachment:
        """A step of the job with a terminal, beside what it runs: `srun --overlap` gives it the
        job's node and GPUs.
        """
        running(entry)
        remote = self._number(entry.remote or "")
        environment = remote_environment(
            entry, Place(root=self._project.root, home=self._project.home)
        )
        return Attachment(
            command=[
                self._commands.program("srun"),
                f"--jobid={remote}",
                "--overlap",
                "--pty",
                shell_of(environment),
            ],
            folder=entry.launch.folder,
            environment=self._commands.without_slurm(environment),
            note="",
        )

    def _number(self, remote: str) -> str:
        """Slurm's own id of a job: `srun` does not accept an element as the array's number with an
        index.
        """
        if "_" not in remote:
            return remote
        try:
            return self._commands.run(
                "squeue", "--noheader", "--array", "--format=%A", f"--jobs={remote}"
            ).strip()
        except (SlurmRefused, Unreachable) as error:
            raise Unavailable(
                "Slurm does not say where the job runs.",
                f"{error.message}.",
                "Try again in a moment.",
            ) from error

    def compute(self) -> Compute:
        """The nodes of the cluster, or of the partition of the settings."""
        nodes, holders = self._nodes(), self._holders()
        return self._computed(
            [device for node in nodes for device in _devices(node, holders)],
            cpus=sum(int(node.get("cpus") or 0) for node in nodes),
            cpus_used=sum(int(node.get("alloc_cpus") or 0) for node in nodes),
            memory=sum(int(node.get("real_memory") or 0) for node in nodes),
            memory_used=sum(int(node.get("alloc_memory") or 0) for node in nodes),
            load=sum(number(node.get("cpu_load")) or 0 for node in nodes) / 100,
        )

    def _nodes(self) -> list[dict[str, Any]]:
        try:
            nodes = json.loads(self._commands.run("scontrol", "show", "nodes", "--json"))["nodes"]
        except (SlurmRefused, Unreachable, ValueError, KeyError, TypeError):
            return []
        partition = self._settings.partition
        return [node for node in nodes if not partition or partition in node.get("partitions", ())]

    def _holders(self) -> dict[tuple[str, str], str]:
        """Who holds which GPU of which node."""
        our_jobs = {
            entry.remote: entry.job.ref
            for entry in self._store.followed(backend=NAME)
            if entry.remote
        }
        try:
            jobs = self._remote.queue("--states=running")
        except Unreachable:
            return {}
        found = {}
        for job in jobs:
            array, task = number(job.get("array_job_id")), number(job.get("array_task_id"))
            remote = f"{array}_{task}" if array else str(job["job_id"])
            # Of one node each; of jobs on several nodes only the first is listed.
            for text in job.get("gres_detail") or ():
                for _, _, indexes in _GPUS.findall(str(text)):
                    for index in _span(indexes):
                        found[(str(job.get("nodes") or ""), index)] = our_jobs.get(
                            remote, f"{job.get('user_name')}'s job {remote}"
                        )
        return found


def _words(value: Any) -> list[str]:
    """A list of Slurm's, which older versions write as one word."""
    return (
        re.split(r"[+,]", value) if isinstance(value, str) else [str(word) for word in value or ()]
    )


def _devices(node: Mapping[str, Any], holders: Mapping[tuple[str, str], str]) -> list[Device]:
    name = str(node.get("name") or "")
    used = {
        index
        for _, _, indexes in _GPUS.findall(str(node.get("gres_used") or ""))
        for index in _span(indexes)
    }
    devices = list[Device]()
    for kind, count, _ in _GPUS.findall(str(node.get("gres") or "")):
        for _ in range(int(count)):
            index = str(len(devices))
            holder = holders.get((name, index), "in use" if index in used else "")
            devices.append(
                Device(
                    id=f"{name}:{index}",
                    name=kind.upper() or "GPU",
                    holder=holder,
                    load=None,
                    memory=None,
                )
            )
    return devices


def _span(indexes: str) -> list[str]:
    """0-1,3 as 0, 1, 3."""
    found = list[str]()
    for part in indexes.split(","):
        first, _, last = part.partition("-")
        if first.isdecimal():
            found += [str(index) for index in range(int(first), int(last or first) + 1)]
    return found
