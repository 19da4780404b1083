"""A shell in the environment of a job: the command, the folder and the variables. The caller starts
it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...core.errors import Conflict, NotFound
from ..attempt.files import Attempt
from ..code.snapshot import Snapshots
from ..queue.rows import JobEntry
from ..spec import JobState
from .launch import Place, inherited_by, ours, own_variables, resolved


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """How to get a shell beside a job. environment: complete; it may hold secrets, so no answer
    contains it. note: how it differs from the job's own.
    """

    command: Sequence[str]
    folder: str
    environment: Mapping[str, str] = field(repr=False)
    note: str


def shell_of(environment: Mapping[str, str]) -> str:
    """The user's shell, if it is installed."""
    return shutil.which(environment.get("SHELL", ""), path=environment.get("PATH")) or "/bin/sh"


def check_started(entry: JobEntry) -> None:
    """Raise Conflict for a waiting job: it has no code, no GPUs and no place yet."""
    if entry.job.state in (JobState.QUEUED, JobState.STARTING):
        raise Conflict(
            f"Job {entry.job.id} has not started.",
            "It has no GPUs and no place to run in yet.",
            "Attach to it once it runs.",
        )


def running(entry: JobEntry) -> None:
    """Raise Conflict for a job that does not run: on other machines nothing is left of one that has
    ended.
    """
    check_started(entry)
    if entry.job.state is not JobState.RUNNING:
        why = f"It is {entry.job.state}, and what it had on {entry.job.backend} was given back."
        raise Conflict(
            f"Job {entry.job.id} does not run.",
            why,
            "Requeue or clone it, and attach while it runs.",
        )


def local_shell(entry: JobEntry, place: Place) -> Attachment:
    """A shell on this machine, in the job's code and with its environment; for an ended job without
    its GPUs, which others may have by now.
    """
    check_started(entry)
    attempt, over = (
        Attempt.of(place.home, entry.job.id, entry.job.attempt),
        entry.job.state is not JobState.RUNNING,
    )
    # Without the token, which would make the shell a process of the job and end it with the job.
    inherited = inherited_by(entry)
    environment_of_job = {**inherited, **own_variables(entry, place, attempt, inherited)}
    if over:
        environment_of_job["CUDA_VISIBLE_DEVICES"] = ""
    note = (
        f"Job {entry.job.id} has ended: its GPUs and its environment were given back."
        if over
        else ""
    )
    return Attachment(
        command=[shell_of(environment_of_job)],
        folder=_folder(entry, place),
        environment=environment_of_job,
        note=note,
    )


def remote_environment(entry: JobEntry, place: Place) -> dict[str, str]:
    """The job's variables for a shell on another machine, which adds its own GPUs."""
    inherited = inherited_by(entry)
    return {**inherited, **resolved(entry, inherited), **ours(entry, place)}


def _folder(entry: JobEntry, place: Place) -> str:
    """The checkout of the job's code, or the place in it where the job runs; for a job without
    code, its folder.
    """
    if entry.job.snapshot is None:
        if not os.path.isdir(entry.launch.folder):
            raise NotFound(
                f"The folder of job {entry.job.id} is gone.",
                f"{entry.launch.folder} no longer exists.",
                "Submit it again from another one.",
            )
        return entry.launch.folder
    snapshots = Snapshots(place.root, place.home, max_mib=0)
    tree = snapshots.tree_path(entry.job.snapshot)
    if not tree.is_dir():  # an existing one stays as the job has changed it
        tree = snapshots.tree(entry.job.snapshot)
    folder = tree / os.path.relpath(entry.launch.folder, place.root)
    return str(folder if folder.is_dir() else tree)
