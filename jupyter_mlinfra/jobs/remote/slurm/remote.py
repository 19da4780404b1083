"""Slurm as the remote side of a follower."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...remote.slurm.settings import SlurmSettings
from ...settings import JobSettings
from .. import GUARD, Batch, Cluster, NotNow, Rejected, Sighting, Stage, Unreachable
from ..batches import output_path
from ..project_label import mark_of
from ..sending import index_of
from .commands import Absent, Commands, SlurmRefused
from .request import array, needs, nice, output
from .sightings import recalled, sightings_of

if TYPE_CHECKING:
    from ....core.project import Project

BATCH = 1000
"""The most elements of an array that are sent in one call."""
_SETTING = re.compile(r"^(ClusterName|MaxArraySize)\s*=\s*(\S+)", re.M)
KILL_SECONDS = 40.0
"""What a guard gets beyond a job's own time to end, before Slurm ends it: its default KillWait is
30.
"""
SIGNALLED_SECONDS = 600.0
NAMED = 500
"""The most jobs that one command names."""


class SlurmRemote:
    """One project's jobs in Slurm."""

    def __init__(self, project: Project) -> None:
        self._project, self._settings = project, project.settings.of(SlurmSettings)
        self._grace = project.settings.of(JobSettings).grace_seconds
        self._commands = Commands(self._settings)
        self._mark = f"mlinfra:{mark_of(project, 'slurm')}:"
        self._signalled_at = dict[str, float]()
        self.poll_seconds = self._settings.poll_seconds

    def cluster(self) -> Cluster:
        """What the configuration says that the commands find."""
        try:
            config = dict(_SETTING.findall(self._commands.run("scontrol", "show", "config")))
        except SlurmRefused as error:
            raise Unreachable(f"scontrol: {error.message}") from error
        most = config.get("MaxArraySize", "")
        return Cluster(
            name=config.get("ClusterName", ""),
            most=max(1, min(BATCH, int(most))) if most.isdecimal() else BATCH,
        )

    def look(self) -> Sequence[Sighting]:
        """One `squeue` for all of them, including hidden partitions."""
        return sightings_of(self.queue("--me", "--all", "--states=all"), self._mark)

    def queue(self, *arguments: str) -> list[dict[str, Any]]:
        """The jobs that `squeue` shows."""
        try:
            answer = json.loads(self._commands.run("squeue", "--json", *arguments))
            jobs = answer["jobs"]
        except SlurmRefused as error:
            raise Unreachable(f"squeue: {error.message}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise Unreachable(f"squeue: its answer is not a list of jobs: {error}") from error
        if answer.get("errors"):
            raise Unreachable(
                "squeue:"
                f" {answer['errors'][0].get('description') or answer['errors'][0].get('error')}"
            )
        return list(jobs)

    def recall(self, remotes: Sequence[str]) -> Mapping[str, Sighting]:
        """What the controller knows about them by number, whatever became of their comments; of the
        others, what accounting remembers.
        """
        sightings = dict[str, Sighting]()
        for numbers in batched({remote.partition("_")[0] for remote in remotes}, NAMED):
            sightings |= {
                sighting.remote: sighting
                for sighting in sightings_of(self._numbered(numbers), "")
                if sighting.remote in remotes
            }
        for forgotten in batched([remote for remote in remotes if remote not in sightings], NAMED):
            arguments = [
                "--allocations",
                "--noheader",
                "--parsable2",
                f"--jobs={','.join(forgotten)}",
                "--format=JobID,State,ExitCode,Restarts,NodeList",
            ]
            try:
                sightings |= recalled(self._commands.run("sacct", *arguments).splitlines())
            except Absent:
                break
            except SlurmRefused as error:
                if "accounting storage is disabled" not in error.message:
                    raise Unreachable(f"sacct: {error.message}") from error
        return sightings

    def _numbered(self, numbers: Sequence[str]) -> list[dict[str, Any]]:
        """The jobs with these numbers, as far as the controller knows them."""
        try:
            return self.queue("--all", "--states=all", f"--jobs={','.join(numbers)}")
        except Unreachable as error:
            if "Invalid job id" in error.message:
                return []
            raise

    def send(self, batch: Batch) -> Sequence[str]:
        """One `sbatch` for the whole batch. The script is fixed: what to run are its arguments, and
        the orders that those name.
        """
        first = batch.parcels[0].entry
        indexes = [index_of(parcel.key) for parcel in batch.parcels]
        elements = first.job.part_of is not None and len(indexes) > 1
        as_array = elements or max(indexes) > 0
        options = self._options(batch, array(indexes) if as_array else "")
        guard = [
            self._settings.python or first.launch.python,
            "-P",
            "-m",
            GUARD,
            str(self._project.home / "jobs"),
            f"{batch.name}.{batch.attempt}",
            str(self._settings.notice_seconds),
        ]
        try:
            answer = self._commands.run(
                "sbatch",
                *options,
                str(Path(__file__).with_name("guard.sh")),
                *guard,
                "SLURM_ARRAY_TASK_ID",
                "SLURM_RESTART_COUNT",
                environment=batch.environment,
            )
        except SlurmRefused as error:
            raise (Rejected if error.for_good else NotNow)(
                f"Slurm does not take it: {error.message}."
            ) from error
        ident = answer.strip().splitlines()[-1].partition(";")[0] if answer.strip() else ""
        if not ident.isdecimal():
            raise Unreachable(f"sbatch: it answered {answer!r}")
        return [f"{ident}_{index}" if as_array else ident for index in indexes]

    def _options(self, batch: Batch, indexes: str) -> list[str]:
        """Options of `sbatch`. indexes: of the batch as an array; empty for a single job."""
        first, several = batch.parcels[0].entry, len(batch.parcels) > 1
        name = first.job.name
        if first.job.part_of is not None and several:
            name = name.rpartition("/")[0]
        # Not the log, whose bytes belong to the job alone.
        printed = output_path(self._project.home / "jobs", batch.name, "%a" if indexes else 0)
        return [
            "--parsable",
            "--export=ALL",
            "--requeue",
            "--open-mode=append",
            f"--signal=B:USR1@{self._settings.notice_seconds}",
            f"--job-name={name}",
            f"--comment={self._mark}{batch.name}.{batch.attempt}",
            f"--nice={nice(first.job.priority, self._settings)}",
            f"--chdir={self._project.root}",
            f"--output={output(printed.parent)}/{printed.name}",
            *needs(first.spec, self._settings, grace_seconds=self._grace),
            *([f"--array={indexes}"] if indexes else []),
        ]

    def end(self, sightings: Sequence[Sighting]) -> None:
        """Waiting jobs are removed from the queue, even if they start meanwhile, and so are
        suspended ones, whose guards receive nothing.

        The guards of the others are signalled; what a guard should have ended long ago is ended by
        Slurm itself.
        """
        at, remotes = (
            time.monotonic(),
            [sighting.remote for sighting in sightings if sighting.stage is not Stage.ENDED],
        )
        self._signalled_at = {
            remote: since
            for remote, since in self._signalled_at.items()
            if at - since < SIGNALLED_SECONDS + self._grace
        }
        late = [
            remote
            for remote in remotes
            if at - self._signalled_at.setdefault(remote, at) > self._grace + KILL_SECONDS
        ]
        for group in _in_groups(
            [sighting.remote for sighting in sightings if sighting.stage is Stage.WAITING]
        ):
            self._tell("scancel", "--quiet", "--state=PENDING", *group)
        for group in _in_groups(remotes):
            self._tell("scancel", "--quiet", "--state=SUSPENDED", *group)
            self._tell("scancel", "--quiet", "--batch", "--signal=TERM", "--state=RUNNING", *group)
        for group in _in_groups(late):
            self._tell("scancel", "--quiet", *group)

    def forget(self, sightings: Sequence[Sighting]) -> None:
        """It forgets on its own, after some minutes."""

    def hold(self, remotes: Sequence[str], *, held: bool) -> None:
        """As the user, so that the user can release them."""
        for group in _in_groups(remotes):
            self._tell("scontrol", "uhold" if held else "release", ",".join(group))

    def prioritize(self, priorities: Mapping[str, int]) -> None:
        """One call per priority."""
        for priority in set(priorities.values()):
            for group in _in_groups(
                [
                    remote
                    for remote, remote_priority in priorities.items()
                    if remote_priority == priority
                ]
            ):
                self._tell(
                    "scontrol",
                    "update",
                    f"JobId={','.join(group)}",
                    f"Nice={nice(priority, self._settings)}",
                )

    def rank(self, priority: int) -> int | None:
        """The nice value."""
        return nice(priority, self._settings)

    def _tell(self, *arguments: str) -> None:
        """Run a command about jobs that may have changed since they were seen: a refusal is not an
        error, the next look shows their state.

        Raises NotNow if a permission is missing, which somebody has to fix.
        """
        try:
            self._commands.run(*arguments)
        except SlurmRefused as error:
            if "denied" in error.message:
                raise NotNow(f"{arguments[0]}: {error.message}") from error
            sys.stderr.write(f"{arguments[0]}: {error.message}\n")


def _in_groups(remotes: Sequence[str]) -> Iterator[list[str]]:
    yield from map(list, batched(remotes, NAMED))
