"""The pipeline file `*.mlpipeline.yaml`: its schema, and everything that may be wrong with it, each
with line and fix.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches

# An impossible path, such as a name of 300 letters, does not exist for them.
from os.path import isdir, isfile
from pathlib import Path, PurePosixPath
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

from ..core.errors import BadRequest, NotFound, TooLarge, Unprocessable
from ..core.secrets import check_secret
from ..jobs import Needs, needs_of
from .binding import OF_STEP, bind, grouped
from .definition import Definition, StepDefinition, item_names, malformed, placeholders
from .document import Document, KeyPath, parse_document, read_document
from .notebook import read_notebook
from .references import normalize
from .schedules.calendar import Calendar

SUFFIX = ".mlpipeline.yaml"
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(s|min|m|h|d)", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
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

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"


def _finite(value: JsonValue) -> JsonValue:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("Infinity and NaN have no JSON form")
    for item in (
        value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
    ):
        _finite(item)
    return value


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Value = Annotated[JsonValue, AfterValidator(_finite)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")]
References = Annotated[list[str], BeforeValidator(_listed, json_schema_input_type=list[str] | str)]


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True
    )


class Resources(_Part):
    """What a step needs from the machine."""

    gpus: (
        Annotated[int, Field(ge=0)] | Annotated[float, Field(gt=0, lt=1, multiple_of=0.01)] | None
    ) = None
    """GPUs, or a part of one below 1 in hundredths; a step that asks for none sees none."""

    gpu_type: str | None = Field(default=None, min_length=1)
    """Model of the GPU, as the backend calls it."""

    cpus: int | None = Field(default=None, ge=1)
    """CPU slots."""

    memory_gib: float | None = Field(default=None, gt=0)
    """Memory in GiB that is reserved for it."""

    backend: str | None = Field(default=None, min_length=1)
    """Where it runs: `local`, `slurm`, `ray`, `kubernetes`. Default: that of the run, else of the
    project.
    """

    queue: str | None = Field(default=None, min_length=1)
    """Queue or partition of that backend."""


class Options(Resources):
    """What a step does if the file does not set it."""

    retries: int | None = Field(default=None, ge=0)
    """How often a failed step is tried again."""

    time_limit_minutes: float | None = Field(default=None, gt=0)
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

    retries: int | None = Field(default=None, ge=0)
    """How often it is tried again when it fails."""

    time_limit_minutes: float | None = Field(default=None, gt=0)
    """Minutes after which it is ended."""

    cache: bool | None = None
    """`false`: it runs each time."""


def _cron(text: str) -> str:
    _comes(text, "UTC")
    return text


def _zone(text: str) -> str:
    _comes("0 0 * * *", text)
    return text


def _comes(cron: str, tz: str) -> None:
    try:
        Calendar(cron, tz)
    except BadRequest as error:
        raise ValueError(f"{error.what} {error.why}".rstrip(".")) from None


def _span(text: str) -> str:
    if not _SPAN.fullmatch(text):
        raise ValueError(f"{text!r} is not a duration such as 90s, 30min, 6h or 2d")
    return text


class ScheduleEntry(_Part):
    """When it is due. `mlinfra schedules create NAME` reads it."""

    cron: Annotated[str, AfterValidator(_cron)]
    """Minute, hour, day of the month, month, day of the week."""

    tz: Annotated[str, AfterValidator(_zone)] = "UTC"
    """Time zone, such as `Europe/Paris`."""

    catchup: Literal["latest", "all", "none"] = "latest"
    """Which missed due times are run."""

    grace: Annotated[str, AfterValidator(_span)] = "6h"
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
    """When it is to run by the clock."""

    steps: dict[Annotated[str, Field(pattern=NAME)], StepEntry] = Field(min_length=1)
    """The steps by name."""


def schema() -> str:
    """The JSON schema of a pipeline file, as in `docs/mlpipeline.schema.json`: editors check and
    complete with it.
    """
    body = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **PipelineFile.model_json_schema(by_alias=True),
    }
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


def load(root: Path, path: Path) -> Definition:
    """Read and check a pipeline file. Everything but the presence of its inputs is checked here.

    Raises NotFound if there is no such file, Unprocessable with line and fix for anything wrong in
    it.
    """
    name = shown(root, path)
    if os.fsencode(name) != os.fsencode(
        path.relative_to(root) if path.is_relative_to(root) else path
    ):
        raise Unprocessable(
            f"{name} cannot be a pipeline.",
            "Its path is not text in UTF-8.",
            "Rename the file, or the folder that it is in.",
        )
    return _define(root, path, read_document(path, name))


def declared_schedule(root: Path, path: Path) -> dict[str, Any] | None:
    """The `schedule:` of a loaded pipeline file, as fields of a ScheduleSpec; None if it
    has none.
    """
    found = PipelineFile.model_validate(read_document(path, shown(root, path)).data).schedule
    if found is None:
        return None
    number, unit = _SPAN.findall(found.grace)[0]
    return {**found.model_dump(exclude={"grace"}), "grace_seconds": float(number) * _SECONDS[unit]}


def shown(root: Path, path: Path) -> str:
    """How a file is named: its path below the project, as text even if it is not valid text."""
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
    return os.fsencode(name).decode(errors="replace")


def load_text(root: Path, path: Path, text: str) -> Definition:
    """The same for a text that is not saved yet; `path` is where it will be."""
    return _define(root, path, parse_document(text, path.relative_to(root).as_posix()))


def _define(root: Path, path: Path, document: Document) -> Definition:
    if not isinstance(document.data, dict):
        raise document.error(
            (),
            "a pipeline file is a mapping.",
            f"It holds a {type(document.data).__name__}.",
            "Begin with `pipeline: NAME` and `steps:`.",
        )
    try:
        file = PipelineFile.model_validate(document.data)
    except ValidationError as error:
        raise _explain(error, document) from error
    folder = (
        PurePosixPath(path.parent.relative_to(root).as_posix())
        if path.parent.is_relative_to(root)
        else PurePosixPath()
    )
    name = file.pipeline or path.name.removesuffix(SUFFIX)
    if not re.match(NAME, name):
        raise document.error(
            (),
            f"the file's name, {name!r}, cannot be the pipeline's.",
            "It has no `pipeline:`.",
            "Add `pipeline: NAME` of letters, digits, . - _",
        )
    steps = [_step(name, entry, file, document, folder) for name, entry in file.steps.items()]
    for step in steps:
        _check_placeholders(step, {*file.parameters, file.date_parameter}, document)
    for key, value in file.parameters.items():
        _check_secret(("parameters", key), key, value, document)
    uses_date = file.date_parameter in file.parameters or any(
        file.date_parameter in _used(step) for step in steps
    )
    definition = Definition(
        name=name,
        path=document.name,
        description=file.description,
        parameters=file.parameters,
        steps=tuple(steps),
        date=file.date_parameter if uses_date else "",
    )
    bound = bind(definition, definition.values({}), document.error)
    checked = [_check_notebook(root, step, document) for step in steps]
    return grouped(replace(definition, steps=tuple(checked)), bound)


def _step(
    name: str, entry: StepEntry, file: PipelineFile, document: Document, folder: PurePosixPath
) -> StepDefinition:
    def pick(key: str, own: BaseModel, fallback: Any) -> Any:
        return next(
            (
                value
                for value in (getattr(own, key), getattr(file.defaults, key))
                if value is not None
            ),
            fallback,
        )

    spot: KeyPath = ("steps", name)
    return StepDefinition(
        name=name,
        notebook=_path(entry.notebook, (*spot, "notebook"), document, folder),
        description=entry.description,
        parameters=entry.params,
        inputs=_references(entry.inputs, (*spot, "in"), document, folder, steps=file.steps),
        outputs=_references(entry.outputs, (*spot, "out"), document, folder),
        after=(),
        **{
            need.name: pick(
                need.name,
                entry.resources if need.name in Resources.model_fields else entry,
                need.default,
            )
            for need in needs_of(Needs)
        },
        cache=pick("cache", entry, True),
        line=document.line(spot),
        foreach=entry.foreach,
    )


def _path(text: str, spot: KeyPath, document: Document, folder: PurePosixPath) -> str:
    try:
        path = normalize(f"file:{text}", folder=folder)
    except BadRequest as error:
        raise document.error(spot, error.what, error.why, error.fix) from error
    if path.startswith("/"):
        raise document.error(
            spot,
            f"notebook {text} is an absolute path.",
            "A pipeline runs notebooks of its own project.",
            "Write a path below this file's folder.",
        )
    return path


def _references(
    texts: Sequence[str],
    spot: KeyPath,
    document: Document,
    folder: PurePosixPath,
    *,
    steps: Collection[str] | None = None,
) -> tuple[str, ...]:
    """References in normal form, except those with a placeholder, whose form is known when it is
    filled. steps: those whose outputs may be taken.
    """
    found: list[str] = []
    for position, text in enumerate(texts):
        if steps is not None and text.startswith(OF_STEP):
            _check_step(text.removeprefix(OF_STEP), steps, (*spot, position), document)
            reference = text
        elif any(True for _ in placeholders(text)):
            reference = text
        else:
            try:
                reference = normalize(text, folder=folder)
            except BadRequest as error:
                raise document.error((*spot, position), error.what, error.why, error.fix) from error
        if reference in found:
            raise document.error(
                (*spot, position), f"{text} is given twice.", fix="Keep one of them."
            )
        found.append(reference)
    return tuple(found)


def _check_step(name: str, steps: Collection[str], spot: KeyPath, document: Document) -> None:
    if name not in steps:
        close = get_close_matches(name, steps, n=1)
        fix = f"Did you mean step:{close[0]}?" if close else "Name a step of this file."
        raise document.error(
            spot, f"there is no step {name}.", f"The file has: {', '.join(steps)}.", fix
        )


def _where_it_is(root: Path, notebook: str, folder: PurePosixPath) -> str:
    """What to write for a missing notebook: often its path was given from the project's root, or
    has a typo.
    """
    written = os.path.relpath(notebook, folder)
    if isfile(root / written):
        return f"{written} exists below the project: write {os.path.relpath(written, folder)}"
    place = (root / notebook).parent
    there = [path.name for path in place.glob("*.ipynb")] if isdir(place) else []
    close = get_close_matches(Path(notebook).name, there, n=1)
    return f"Did you mean {close[0]}?" if close else "Make it, or correct the path."


def _check_notebook(root: Path, step: StepDefinition, document: Document) -> StepDefinition:
    """The step, after a check that its notebook takes its parameters, including names of
    `foreach`.
    """
    spot: KeyPath = ("steps", step.name, "notebook")
    try:
        notebook = read_notebook(root / step.notebook, step.notebook)
    except NotFound as error:
        fix = _where_it_is(root, step.notebook, PurePosixPath(document.name).parent)
        raise document.error(
            spot, error.what, "Its path begins at this file's folder.", fix
        ) from error
    except (Unprocessable, TooLarge) as error:
        raise document.error(spot, error.what, error.why, error.fix) from error
    for name, value in step.parameters.items():
        _check_secret(("steps", step.name, "params", name), name, value, document)
    given = step.parameters
    known = notebook.parameters
    if given and known is None:
        fix = (
            f"Tag the cell that sets {', '.join(given)} with `parameters` (property inspector, Cell"
            " Tags)."
        )
        raise document.error(
            ("steps", step.name, "params"),
            f"{step.notebook} takes no parameters.",
            "No cell of it is tagged `parameters`.",
            fix,
        )
    python = notebook.language == "python"
    for name in given if python else ():
        if known is not None and name not in known:
            close = get_close_matches(name, known, n=1)
            why = f"Its `parameters` cell sets {', '.join(sorted(known)) or 'nothing'}."
            fix = f"Did you mean {close[0]}?" if close else f"Set {name} to a default in that cell."
            raise document.error(
                ("steps", step.name, "params", name),
                f"{step.notebook} has no parameter {name}.",
                why,
                fix,
            )
    own = {
        name: f"{{{{ {name} }}}}"
        for name in item_names(step.foreach)
        if name not in given and known is not None and (name in known or not python)
    }
    for name in item_names(step.foreach):
        if name not in own and name not in _used(step):
            fix = (
                f"Set {name} to a default in its cell tagged `parameters`, or use {{{{ {name} }}}}"
                " under `params`, `in` or `out`."
            )
            why = f"{step.notebook} has no such parameter."
            raise document.error(
                ("steps", step.name, "foreach", name),
                f"nothing of step {step.name} uses {name}.",
                why,
                fix,
            )
    return replace(step, parameters={**own, **given})


def _used(step: StepDefinition) -> set[str]:
    """Names of all placeholders in a step."""
    return {
        name
        for part in (step.parameters, step.inputs, step.outputs, step.foreach)
        if part is not None
        for name in placeholders(part)
    }


def _check_placeholders(
    step: StepDefinition, parameters: Collection[str], document: Document
) -> None:
    items = item_names(step.foreach)
    parts: list[tuple[str, str | int, Any]] = [
        ("params", name, value) for name, value in step.parameters.items()
    ]
    parts += [
        (key, number, text)
        for key, texts in (("in", step.inputs), ("out", step.outputs))
        for number, text in enumerate(texts)
    ]
    for key, place, value in parts:
        for wanted in placeholders(value):
            if wanted not in parameters and wanted not in items:
                raise _no_parameter(
                    ("steps", step.name, key, place), wanted, [*parameters, *items], document
                )
        for text in malformed(value):
            fix = (
                "Write {{ name }}: the name of a parameter, nothing else; it is filled in, not run."
            )
            raise document.error(
                ("steps", step.name, key, place),
                f"{text} cannot be filled in.",
                "Between {{ and }} there is one name.",
                fix,
            )
    for wanted in placeholders(step.foreach if step.foreach is not None else ""):
        if wanted not in parameters:
            raise _no_parameter(("steps", step.name, "foreach"), wanted, parameters, document)


def _no_parameter(
    spot: KeyPath, wanted: str, known: Collection[str], document: Document
) -> Unprocessable:
    close = get_close_matches(wanted, known, n=1)
    fix = (
        f"Did you mean {{{{ {close[0]} }}}}?"
        if close
        else f"Add it: `parameters: {{{wanted}: …}}` at the top."
    )
    return document.error(
        spot, f"there is no parameter {wanted}.", f"Known here: {', '.join(known) or 'none'}.", fix
    )


def _check_secret(spot: KeyPath, name: str, value: Any, document: Document) -> None:
    try:
        check_secret(name, _said(value), f"parameter {name}")
    except BadRequest as error:
        raise document.error(spot, error.what, error.why, error.fix) from None


def _said(value: Any) -> Any:
    """The value without its `{{ name }}`, whose values are checked where they are given."""
    if isinstance(value, Mapping):
        return {key: _said(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_said(item) for item in value]
    return "" if isinstance(value, str) and any(True for _ in placeholders(value)) else value


def _explain(error: ValidationError, document: Document) -> Unprocessable:
    """One error of pydantic in words: where, what, and the nearest valid key."""
    # A misspelt key is both unknown and missing: users see the unknown one in the file.
    first = min(error.errors(), key=lambda item: item["type"] != "extra_forbidden")
    path: KeyPath = tuple(part for part in first["loc"] if part != "[key]")
    key = str(path[-1]) if path else ""
    if first["type"] == "extra_forbidden":
        known = _keys(path[:-1])
        close = (
            [_ELSEWHERE[key]]
            if _ELSEWHERE.get(key) in known
            else get_close_matches(key, known, n=1, cutoff=0.5)
        )
        fix = f"Did you mean {close[0]}?" if close else "Remove it."
        return document.error(path, f"unknown key {key}.", f"Known here: {', '.join(known)}.", fix)
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
