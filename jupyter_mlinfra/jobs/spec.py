"""What to run and what it needs; and what is known of a job."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from ..core.errors import BadRequest
from ..core.records import Number


class JobState(StrEnum):
    """Where a job stands. succeeded, failed, cancelled and lost are final."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"

    @classmethod
    def parse(cls, text: str) -> JobState:
        """The state of this name. Raises BadRequest with the names there are."""
        try:
            return cls(text)
        except ValueError:
            raise BadRequest(f"{text!r} is not a state of a job.", f"States: {', '.join(cls)}.") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """What to run and what it needs; says nothing of where or when.

    Exactly one of `notebook` (path below the project) and `command` (argument list, no shell).
    output: where the executed notebook goes, below the project (default: the job's own folder).
    cwd: folder below the project that it runs in; default the notebook's own folder, for a command the project's root.
    environment: added to that of the submitter; values may be secret references. memory_gib: reserved, not enforced.
    cpus: slots; with 0 it takes none and starts at once, for a job that mostly waits.
    key: idempotency key; a second submit with the same key returns the first job. labels: small facts such as the pipeline run.
    """

    notebook: str | None = None
    command: Sequence[str] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    output: str | None = None
    name: str = ""
    cwd: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    gpus: int = 0
    cpus: int = 1
    memory_gib: float | None = None
    time_limit_minutes: float | None = None
    priority: int = 50
    retries: int = 0
    key: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if bool(self.notebook) == bool(self.command):
            raise BadRequest("A job runs one notebook or one command.", "Both or neither were given.", "jobs submit NOTEBOOK, or jobs submit -- COMMAND …")
        if isinstance(self.command, str) or not all(isinstance(word, str) for word in self.command):
            raise BadRequest("The command is not a list of words.", f"It is {self.command!r}.", "Give program and arguments apart: ['python', 'train.py'].")
        paths = (self.notebook or "", self.output or "", self.cwd or "")
        facts = (self.name, self.key or "", *self.labels, *map(str, self.labels.values()))
        for text in (*self.command, *self.environment, *self.environment.values(), *paths, *facts):
            _check_text(text)
        for name in self.environment:
            if not name or "=" in name:
                raise BadRequest(f"{name!r} cannot be the name of an environment variable.", fix="Use letters, digits and underscores.")
        for name in ("gpus", "cpus", "retries"):
            if getattr(self, name) < 0:
                raise BadRequest(f"{name}={getattr(self, name)} is below 0.", fix="Use 0 or more.")
        for name in ("memory_gib", "time_limit_minutes"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise BadRequest(f"{name}={value} is not a number above 0.", fix="Leave it out for no limit.")
        if not 0 <= self.priority <= 100:
            raise BadRequest(f"priority={self.priority} is out of range.", fix="Use 0 (last) to 100 (first); 50 is usual.")


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadRequest("A job's words have to be text.", f"{text[:80]!r} is not.", "Rename the file.") from None
    if "\0" in text:
        raise BadRequest("A job's words cannot hold a NUL byte.", f"{text[:80]!r} does.", "Take it out.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is known of a job. reason: why it waits, or why it ended as it did. gpu_ids: those it was given.

    progress: 0 to 1, None when unknown. output: the executed notebook, relative to the project where it lies below it.
    snapshot: of the code it runs from. code: how to get at it, per face.
    """

    id: str
    ref: str
    name: str
    state: JobState
    reason: str
    exit_code: int | None
    backend: str
    user: str
    notebook: str | None
    command: Sequence[str]
    parameters: Mapping[str, Any]
    gpus: int
    cpus: int
    gpu_ids: Sequence[str]
    priority: int
    attempt: int
    retries: int
    submitted_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    elapsed_seconds: float | None
    progress: Number | None
    progress_text: str
    output: str | None
    snapshot: str | None
    labels: Mapping[str, str]
    code: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutedNotebook:
    """A notebook with the outputs of its run. content: nbformat 4. failed_cell: index of the cell with an error, from 0."""

    path: str
    modified_at: datetime
    content: Mapping[str, Any]
    failed_cell: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One name of the cell tagged `parameters`. type: as annotated, else of the default; default: a JSON value, else its source text."""

    name: str
    type: str
    default: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A file that a code snapshot does not hold; the job sees the project's own. size: bytes."""

    path: str
    size: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSnapshot:
    """The code that a job runs from. size: bytes of all files. commit: of git, empty outside a repository."""

    id: str
    files: int
    size: int
    commit: str
    left_out: Sequence[LeftOut]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogChunk:
    """A byte range of a log. next: offset to go on from. size: bytes there are. ended: nothing more will come. note: why there is none any more."""

    text: str
    offset: int
    next: int
    size: int
    ended: bool
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One GPU slot. holder: job reference or the process that holds it; empty when free. load, memory: 0 to 1."""

    id: str
    name: str
    holder: str
    load: Number | None
    memory: Number | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compute:
    """What the backend has. load and memory: 0 to 1, of the machine."""

    backend: str
    devices: Sequence[Device]
    cpus: int
    cpus_used: int
    load: Number
    memory: Number
    disk: Number
    running: int
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervisor:
    """The local supervisor. pid: None when none runs (it is started by the next submit)."""

    pid: int | None
    started_at: datetime | None
    running: int
    waiting: int
    cpus: int
    gpus: int
