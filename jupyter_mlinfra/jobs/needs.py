"""What a job needs, said once: the records, the options of the command line and of `%%job`, the
bodies of REST and the fields of the forms are made from the fields of `Needs`.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from ..core.errors import BadRequest

MOST_DEVICES = 10_000
_KEY = "need"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """How one need is asked for in every face.

    kind: `share` is a whole number, or below 1 a part in hundredths. least: excluded where the kind
    is `number`. default: None where it may be left out, and `without` says what that means. option:
    of the command line.
    """

    name: str = ""
    label: str
    kind: Literal["whole", "number", "share", "word"]
    default: int | str | None = None
    least: int = 0
    most: int | None = None
    option: str
    metavar: str = ""
    unit: str = ""
    help: str = ""
    without: str = ""

    @property
    def optional(self) -> bool:
        """Whether a job can do without."""
        return self.default is None

    @property
    def sentence(self) -> str:
        """The help as a sentence; empty without one."""
        return f"{self.help[0].upper()}{self.help[1:]}." if self.help else ""

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> dict[str, Any]:
        schema: dict[str, Any] = handler(core_schema)
        keys = ("kind", "label", "option", "unit", "help", "without")
        facts = {key: getattr(self, key) for key in keys}
        facts |= {"default": self.default, "least": self.least, "most": self.most}
        return {**schema, "description": self.sentence, "x-need": facts}


def _need(**facts: Any) -> Any:
    need = Need(**facts)
    return field(default=need.default, metadata={_KEY: need})


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a job asks for, whatever it runs. cpus: slots; with 0 it takes none and starts at once.
    gpus: whole devices, or below 1 a part of one, in hundredths (a part is counted, not enforced).
    gpu_type: a word of the device's name. memory_gib: reserved, not enforced. backend: default that
    of the settings. queue: partition, or whatever the backend calls it; the local backend has only
    one.
    """

    cpus: int = _need(
        label="CPUs",
        kind="whole",
        default=1,
        most=MOST_DEVICES,
        option="--cpus",
        help="slots; 0 for a job that mostly waits",
    )
    gpus: float = _need(
        label="GPUs",
        kind="share",
        default=0,
        most=MOST_DEVICES,
        option="--gpus",
        help="whole ones, or below 1 a part of one: 0.5",
    )
    gpu_type: str | None = _need(
        label="GPU type",
        kind="word",
        option="--gpu-type",
        metavar="WORD",
        help="a word of the device's name, such as A100",
        without="any",
    )
    memory_gib: float | None = _need(
        label="memory",
        kind="number",
        most=1_000_000,
        option="--memory-gib",
        metavar="GIB",
        unit="GiB",
        help="reserved for the job, not enforced",
        without="none",
    )
    time_limit_minutes: float | None = _need(
        label="time limit",
        kind="number",
        most=10_000_000,
        option="--time-limit",
        metavar="MINUTES",
        unit="minutes",
        help="the job is ended after this time",
        without="none",
    )
    retries: int = _need(
        label="retries",
        kind="whole",
        default=0,
        most=1000,
        option="--retries",
        help="new attempts after a failure, each from the last checkpoint",
    )
    backend: str | None = _need(
        label="backend",
        kind="word",
        option="--backend",
        metavar="NAME",
        help="where it runs",
        without="that of the settings",
    )
    queue: str | None = _need(
        label="queue",
        kind="word",
        option="--queue",
        metavar="NAME",
        help="partition or queue of that backend",
        without="its usual one",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class JobNeeds(Needs):
    """What a job by itself asks for; a step of a pipeline has no place in the queue of its own."""

    priority: int = _need(
        label="priority",
        kind="whole",
        default=50,
        most=100,
        option="--priority",
        help="0 is last, 100 first",
    )


@cache
def needs_of(kind: type[Needs] = JobNeeds) -> tuple[Need, ...]:
    """The table: each need of a kind of work, in order."""
    return tuple(
        dataclasses.replace(item.metadata[_KEY], name=item.name)
        for item in dataclasses.fields(kind)
        if _KEY in item.metadata
    )


def asked(work: Needs) -> dict[str, Any]:
    """What work asks for, by name, without its place in the queue."""
    return {need.name: getattr(work, need.name) for need in needs_of(Needs)}


def check_needs(work: JobNeeds) -> None:
    """Raises BadRequest for the first need that no job can have. What is more than the faces take
    (`most`) is left to the backend, which knows what it has.
    """
    for need in needs_of(Needs):
        value = getattr(work, need.name)
        if need.kind in ("whole", "share") and value < need.least:
            raise BadRequest(f"{need.name}={value} is below {need.least}.", fix="Use 0 or more.")
        if need.kind == "number" and value is not None and not need.least < value < math.inf:
            raise BadRequest(
                f"{need.name}={value} is not a number above 0.", fix="Leave it out for no limit."
            )
    if not _is_whole(work.gpus if work.gpus >= 1 else work.gpus * 100):
        raise BadRequest(
            f"gpus={work.gpus} cannot be used.",
            "GPUs are whole, or below 1 a part in hundredths.",
            "Use 1, 2, …, or 0.5, 0.25, …",
        )
    if not 0 <= work.priority <= 100:
        raise BadRequest(
            f"priority={work.priority} is out of range.",
            fix="Use 0 (last) to 100 (first); 50 is usual.",
        )


def _is_whole(value: float) -> bool:
    return math.isfinite(value) and abs(value - round(value)) < 1e-9
