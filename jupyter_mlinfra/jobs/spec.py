"""What to run and what it needs; and the records of jobs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from ..core.errors import BadRequest
from ..core.records import Number, Page
from .needs import JobNeeds, check_needs, needs_of

ARRAY_LIMIT = 10_000
"""The most elements of one array."""


_WAITING = "waiting"
"""What tables call `queued`, its name in records."""


class JobState(StrEnum):
    """The state of a job. succeeded, failed, cancelled and lost are final."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"

    @classmethod
    def parse(cls, text: str) -> JobState:
        """The state of this name, or of the word that tables have for it. Raises BadRequest with
        the words there are.
        """
        try:
            return cls.QUEUED if text == _WAITING else cls(text)
        except ValueError:
            names = ", ".join(_WAITING if state is cls.QUEUED else state for state in cls)
            raise BadRequest(f"{text!r} is not a state of a job.", f"States: {names}.") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec(JobNeeds):
    """What to run and what it needs; says nothing about where or when.

    Exactly one of `notebook` (path below the project) and `command` (argument list, no shell).
    output: where the executed notebook goes, below the project (default: the job's own folder).
    cwd: folder below the project that it runs in; default the notebook's own folder, for a command
    the project's root. environment: added to that of the submitter; values may be secret
    references. array: one element per mapping, each run as a job: parameters of the notebook, or
    environment variables of the command. max_parallel: elements at a time. after: ids of jobs that
    must succeed before it starts. checkpoints: folder below the project that it keeps over
    attempts, in MLINFRA_CHECKPOINTS; default one of its own. key: idempotency key; a second submit
    with the same key returns the first job. labels: small facts such as the pipeline run.
    """

    notebook: str | None = None
    command: Sequence[str] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    output: str | None = None
    name: str = ""
    cwd: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    array: Sequence[Mapping[str, Any]] = ()
    max_parallel: int | None = None
    after: Sequence[str] = ()
    checkpoints: str | None = None
    key: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if bool(self.notebook) == bool(self.command):
            raise BadRequest(
                "A job runs one notebook or one command.",
                "Both or neither were given.",
                "jobs submit NOTEBOOK, or jobs submit -- COMMAND …",
            )
        if isinstance(self.command, str) or not all(isinstance(word, str) for word in self.command):
            raise BadRequest(
                "The command is not a list of words.",
                f"It is {self.command!r}.",
                "Give program and arguments as a list: ['python', 'train.py'].",
            )
        if self.command and not self.command[0].strip():
            raise BadRequest(
                "The command names no program.",
                f"Its first word is {self.command[0]!r}.",
                "Give the program first: ['python', 'train.py'].",
            )
        paths = (self.notebook or "", self.output or "", self.cwd or "", self.checkpoints or "")
        facts = (
            self.name,
            self.key or "",
            *(getattr(self, need.name) or "" for need in needs_of() if need.kind == "word"),
            *self.labels,
            *map(str, self.labels.values()),
        )
        for text in (
            *self.command,
            *self.environment,
            *self.environment.values(),
            *paths,
            *facts,
            *self.after,
        ):
            _check_text(text)
        for name in self.environment:
            _check_variable(name)
        _check_half_characters([self.parameters, *self.array])
        check_needs(self)
        if self.gpus == int(self.gpus):
            object.__setattr__(self, "gpus", int(self.gpus))  # 1 and not 1.0, wherever it is shown
        self._check_array()

    def _check_array(self) -> None:
        if self.max_parallel is not None and (self.max_parallel < 1 or not self.array):
            raise BadRequest(
                f"max_parallel={self.max_parallel} has no effect.",
                "It is how many elements of an array run at a time.",
                "Use 1 or more, with an array.",
            )
        if len(self.array) > ARRAY_LIMIT:
            raise BadRequest(
                f"The array has {len(self.array):,} elements.",
                f"At most {ARRAY_LIMIT:,} are taken.",
                "Submit it in parts.",
            )
        if self.array and self.output:
            raise BadRequest(
                "An array cannot have one output.",
                "Its elements would overwrite each other's.",
                "Leave output out: each keeps its executed notebook.",
            )
        for element in self.array:
            if not isinstance(element, Mapping):
                raise BadRequest(
                    "An element of the array is not a mapping.",
                    f"It is {element!r}.",
                    'Give a list such as [{"depth": 4}, {"depth": 6}].',
                )
            for name, value in element.items() if self.command else ():
                _check_variable(name)
                _check_text(str(value))


def is_variable(name: str) -> bool:
    """Whether every shell and every backend takes this as the name of an environment variable."""
    return name.isascii() and name.isidentifier()


def _check_variable(name: str) -> None:
    if not is_variable(name):
        raise BadRequest(
            f"{name[:80]!r} cannot be the name of an environment variable.",
            "A shell could not use it.",
            "Use letters, digits and underscores, and no digit first.",
        )


def _check_half_characters(parameters: Sequence[Mapping[str, Any]]) -> None:
    try:
        json.dumps(parameters, ensure_ascii=False, skipkeys=True, default=str).encode()
    except UnicodeEncodeError as error:
        raise BadRequest(
            "A parameter cannot hold half a character.",
            f"{error.object[error.start]!r} is no text (a surrogate).",
            "Write the whole character.",
        ) from None
    except (TypeError, ValueError, RecursionError):
        pass  # without a JSON form: told when the notebook is looked at


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadRequest(
            "A job's words have to be text.", f"{text[:80]!r} is not.", "Rename the file."
        ) from None
    if "\0" in text:
        raise BadRequest(
            "A job's words cannot contain a NUL byte.", f"{text[:80]!r} does.", "Remove it."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """Jobs that were submitted as one. states: how many elements are in each. elements: their ids
    in order; empty in lists.
    """

    size: int
    max_parallel: int | None
    states: Mapping[str, int]
    elements: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is known about a job. reason: why it waits, or why it ended as it did. gpu_ids: the GPUs
    that it has.

    progress: 0 to 1, None if unknown. output: the executed notebook, relative to the project if it
    is below it. snapshot: of the code it runs from. checkpoints: its folder for them. remote: its
    id in the backend. run: id of the newest tracked run that it made, if a single job is shown.
    array: of an array as a whole, whose state is the common state of its elements. part_of, index:
    of an element, the array's id and its index from 0. held_by: who keeps it from starting. after:
    jobs that it waits for. code: how to open it, per interface.
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
    gpus: float
    gpu_type: str | None
    cpus: int
    memory_gib: float | None
    time_limit_minutes: float | None
    gpu_ids: Sequence[str]
    priority: int
    queue: str | None
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
    checkpoints: str | None
    labels: Mapping[str, str]
    remote: str | None = None
    run: str | None = None
    array: Array | None = None
    part_of: str | None = None
    index: int | None = None
    held_by: str = ""
    after: Sequence[str] = ()
    code: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedJob:
    """A waiting job. position: from 1, in the order of the queue. starts_at: an estimate, from
    limits and earlier runs; None if unknown.
    """

    position: int
    job: Job
    starts_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a job would meet. starts_at: None if unknown. seconds: median of the `like` earlier runs
    of the same code, None without any.

    cost: at the settings' prices, None without those. refused: why it can never start; empty if it
    can.
    """

    starts_at: datetime | None
    seconds: Number | None
    like: int
    cost: Number | None
    refused: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """One start of a job. exit_code: None while it runs, or if it could not be read."""

    number: int
    began_at: datetime | None
    ended_at: datetime | None
    exit_code: int | None
    reason: str
    log_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A place where jobs can run. usual: the one of the settings."""

    name: str
    usual: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A file that is not in a code snapshot; the job sees the project's own. size: bytes."""

    path: str
    size: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSnapshot:
    """The code that a job runs from. size: bytes of all files. commit: of git, empty outside a
    repository.

    uncommitted: files that differ from it, including those that are gone; None if unknown.
    """

    id: str
    files: int
    size: int
    commit: str
    left_out: Sequence[LeftOut]
    uncommitted: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodePreview:
    """What a snapshot of the code would contain if taken now. uncommitted: paths that differ from
    the commit. Only the beginning of each list is returned.
    """

    files: int
    size: int
    commit: str
    uncommitted: Page[str]
    left_out: Page[LeftOut]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeDiff:
    """How the code of a job differs from the commit, as git writes it. shown, total: bytes of the
    text, and of the whole difference.
    """

    id: str
    commit: str
    uncommitted: int | None
    text: str
    shown: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """A terminal of the Jupyter server in the environment of a job. name: in the server. note: how
    it differs from the job's own.
    """

    name: str
    job: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogHit:
    """A line of a log that contains the searched text. line: its number from 1. offset: its first
    byte. text: the hit with its surroundings, cut.
    """

    line: int
    offset: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogHits:
    """Lines of a log with a text. total: of those from the beginning to where it was read, all of
    them unless `more`. cursor: for the next ones.
    """

    items: Sequence[LogHit]
    shown: int
    total: int
    more: bool
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogChunk:
    """A byte range of a log. next: offset to continue from. size: existing bytes. ended: nothing
    more will come. note: why there is no text.
    """

    text: str
    offset: int
    next: int
    size: int
    ended: bool
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One GPU slot. holder: job reference or the process that holds it; empty if free. load,
    memory: 0 to 1.
    """

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
class GpuPoint:
    """A GPU of a job at a moment. load, memory: 0 to 1, None if the driver does not say; of the
    whole device, whoever uses it.
    """

    id: str
    load: float | None
    memory: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourcePoint:
    """What a job used at a moment. cpu: share of the CPUs that it asked for, above 1 if it uses
    more. memory_gib: of all its processes.
    """

    at: datetime
    cpu: float
    memory_gib: float
    gpus: Sequence[GpuPoint]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What the newest attempt of a job used, oldest point first. memory_limit_gib: what it asked
    for.
    """

    cpus: int
    memory_limit_gib: float | None
    points: Sequence[ResourcePoint]


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervisor:
    """The local supervisor. pid: None if none runs (the next submit starts it). trouble: why it
    does not work although it runs.
    """

    pid: int | None
    started_at: datetime | None
    running: int
    waiting: int
    cpus: int
    gpus: int
    trouble: str = ""
