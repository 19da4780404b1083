"""The schema of a pipeline file, and what pydantic finds wrong with one, in words."""

from __future__ import annotations

import math
import re
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
)

from ..core.errors import BadRequest, Unprocessable
from ..jobs import Needs, needs_of
from .document import Document, KeyPath
from .schedules.calendar import Calendar
from .schedules.spec import MAX_GRACE_DAYS

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(s|min|m|h|d)", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
_MOST = {need.name: need.most for need in needs_of(Needs)}
_ELSEWHERE = {
    "timeout": "time_limit_minutes",
    "after": "in",
    "depends_on": "in",
    "needs": "in",
    "matrix": "foreach",
    "with_items": "foreach",
    "memory": "memory_gib",
}
"""Keys under the names that other tools use."""


def _finite(value: JsonValue) -> JsonValue:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("Infinity and NaN have no JSON form")
    for item in (
        value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
    ):
        _finite(item)
    return value


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Value = Annotated[JsonValue, AfterValidator(_finite)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")]
References = Annotated[list[str], BeforeValidator(_as_list, json_schema_input_type=list[str] | str)]


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True
    )


class Resources(_Part):
    """What a step needs from the machine."""

    gpus: (
        Annotated[int, Field(ge=0, le=_MOST["gpus"])]
        | Annotated[float, Field(gt=0, lt=1, multiple_of=0.01)]
        | None
    ) = None
    """GPUs, or a part of one below 1 in hundredths; a step that asks for none sees none."""

    gpu_type: str | None = Field(default=None, min_length=1)
    """Model of the GPU, as the backend calls it."""

    cpus: int | None = Field(default=None, ge=1, le=_MOST["cpus"])
    """CPU slots."""

    memory_gib: float | None = Field(
        default=None, gt=0, le=_MOST["memory_gib"], allow_inf_nan=False
    )
    """Memory in GiB that is reserved for it."""

    backend: str | None = Field(default=None, min_length=1)
    """Where it runs: `local`, `slurm`, `ray`, `kubernetes`. Default: that of the run, else of the
    project.
    """

    queue: str | None = Field(default=None, min_length=1)
    """Queue or partition of that backend."""


class Options(Resources):
    """What a step does if the file does not set it."""

    retries: int | None = Field(default=None, ge=0, le=_MOST["retries"])
    """How often a failed step is tried again."""

    time_limit_minutes: float | None = Field(
        default=None, gt=0, le=_MOST["time_limit_minutes"], allow_inf_nan=False
    )
    """Minutes after which a step is ended."""

    cache: bool | None = None
    """Whether a step whose code, parameters, inputs and environment are unchanged is left out.
    Default: yes.
    """


class StepEntry(_Part):
    """One notebook, what it takes and what it makes. The graph comes from `in` and `out`."""

    notebook: str = Field(min_length=1)
    """Path of the notebook; it begins at this file's folder."""

    description: str = ""
    """One line that a colleague understands."""

    params: dict[str, Value] = {}
    """Values for the names in the notebook's `parameters` cell; `{{ name }}` is replaced by a
    parameter of the pipeline, the date or a name of `foreach`.
    """

    inputs: References = Field(default=[], alias="in")
    """What it takes: `dataset:ns.t`, `view:v`, `model:m`, `version:m@alias`, `experiment:e`,
    `deployment:d`, `monitor:m`, or a file; `step:NAME` is everything that a step makes. May contain
    `{{ name }}`.
    """

    outputs: References = Field(default=[], alias="out")
    """What it makes; same forms. Only one step may make a thing. May contain `{{ name }}`."""

    foreach: dict[Name, list[Value] | str] | list[dict[Name, Value]] | str | None = None
    """Run it once for each item, in parallel: `{max_depth: [4, 6, 8]}` (several names: every
    combination), or a list of mappings.
    """

    resources: Resources = Resources()
    """What it needs from the machine."""

    retries: int | None = Field(default=None, ge=0, le=_MOST["retries"])
    """How often it is tried again when it fails."""

    time_limit_minutes: float | None = Field(
        default=None, gt=0, le=_MOST["time_limit_minutes"], allow_inf_nan=False
    )
    """Minutes after which it is ended."""

    cache: bool | None = None
    """`false`: it runs each time."""


def _cron(text: str) -> str:
    _check_calendar(text, "UTC")
    return text


def _zone(text: str) -> str:
    _check_calendar("0 0 * * *", text)
    return text


def _check_calendar(cron: str, tz: str) -> None:
    try:
        Calendar(cron, tz)
    except BadRequest as error:
        raise ValueError(f"{error.what} {error.why}".rstrip(".")) from None


def _duration(text: str) -> str:
    if not _SPAN.fullmatch(text):
        raise ValueError(f"{text!r} is not a duration such as 90s, 30min, 6h or 2d")
    if seconds_of(text) > MAX_GRACE_DAYS * 86_400:
        raise ValueError(f"{text} is longer than {MAX_GRACE_DAYS}d")
    return text


def seconds_of(duration: str) -> float:
    """Seconds of a duration such as `90s` or `2d`."""
    number, unit = _SPAN.findall(duration)[0]
    return float(number) * _SECONDS[unit]


class ScheduleEntry(_Part):
    """When it is due. `mlinfra schedules create NAME` reads it."""

    cron: Annotated[str, AfterValidator(_cron)]
    """Minute, hour, day of the month, month, day of the week."""

    tz: Annotated[str, AfterValidator(_zone)] = "UTC"
    """Time zone, such as `Europe/Paris`."""

    catchup: Literal["latest", "all", "none"] = "latest"
    """Which missed due times are run."""

    grace: Annotated[str, AfterValidator(_duration)] = "6h"
    """How old a missed due time may be to be run late: `90s`, `30min`, `6h`, `2d`."""

    overlap: Literal["skip", "queue", "cancel"] = "skip"
    """What happens to a due time while the previous run is still running."""

    parameters: dict[str, Value] = {}
    """Parameters of the pipeline; `{{ date }}` and `{{ due }}` stand for the due time."""


class PipelineFile(_Part):
    """A pipeline of notebooks."""

    pipeline: str | None = Field(default=None, pattern=NAME)
    """Its name; default: the file's name without `.mlpipeline.yaml`."""

    description: str = ""
    """One line that a colleague understands."""

    defaults: Options = Options()
    """Defaults for every step."""

    parameters: dict[Name, Value] = {}
    """Parameters of the pipeline with their defaults; `pipelines run NAME -p day=2013-11-01` sets
    one.
    """

    date_parameter: Name = "date"
    """Name of the parameter that is the date of a run, which a backfill sets; without a default it
    is the day of the run, in UTC.
    """

    schedule: ScheduleEntry | None = None
    """The schedule that it runs on."""

    steps: dict[Annotated[str, Field(pattern=NAME)], StepEntry] = Field(min_length=1)
    """The steps by name."""


def explained(error: ValidationError, document: Document) -> Unprocessable:
    """One error of pydantic in words: where, what, and the nearest valid key."""
    # A misspelt key is both unknown and missing: users see the unknown one in the file.
    first = min(error.errors(), key=lambda item: item["type"] != "extra_forbidden")
    path: KeyPath = tuple(part for part in first["loc"] if part != "[key]")
    key = str(path[-1]) if path else ""
    if first["type"] == "extra_forbidden":
        keys = _keys(path[:-1])
        close = (
            [_ELSEWHERE[key]]
            if _ELSEWHERE.get(key) in keys
            else get_close_matches(key, keys, n=1, cutoff=0.5)
        )
        fix = f"Did you mean {close[0]}?" if close else "Remove it."
        return document.error(path, f"unknown key {key}.", f"Known here: {', '.join(keys)}.", fix)
    if first["type"] == "missing":
        return document.error(
            path[:-1], f"{_named(path[:-1])} has no {key}.", fix=f"Add `{key}: …`."
        )
    if first["type"] == "string_pattern_mismatch":
        return document.error(
            path,
            f"{first['input']!r} cannot be a name.",
            "A name has letters, digits, dot, - and _, and begins with a letter or digit.",
            "Choose another.",
        )
    problem = re.sub(r"^Value error, ", "", first["msg"])
    place = ".".join(str(part) for part in path)
    return document.error(
        path, f"{place} cannot be used.", f"{problem}.", "See the example in docs/pipelines.md."
    )


def _named(path: KeyPath) -> str:
    return (
        f"step {path[1]}"
        if len(path) == 2 and path[0] == "steps"
        else ".".join(str(part) for part in path) or "the file"
    )


def _keys(path: KeyPath) -> list[str]:
    model: type[BaseModel] = PipelineFile
    if path[:1] == ("steps",):
        model = Resources if path[2:] == ("resources",) else StepEntry
    elif path == ("defaults",):
        model = Options
    elif path == ("schedule",):
        model = ScheduleEntry
    return [field.alias or name for name, field in model.model_fields.items()]
