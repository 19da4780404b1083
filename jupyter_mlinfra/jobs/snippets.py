"""Code that opens, submits and clones jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..core.refs import Ref
from ..core.snippets import (
    Snippets,
    arguments,
    items,
    joined,
    lines,
    literal,
    mapping,
    option,
    parameter_options,
    text,
)
from .needs import needs_of

if TYPE_CHECKING:
    from ..workbench import Workbench

SWEEP_FILE = "sweep.json"
"""The file that the command line reads the elements of an array from."""
_ELEMENTS = 50
"""Elements of an array that are written into Python."""
_TAIL = 50
"""Lines of a log that are printed."""


def jobs(refs: Sequence[Ref]) -> Snippets:
    """Jobs with the end of their logs."""
    return joined([job_code(ref.name) for ref in refs])


def job_code(id: str, *, array: bool = False) -> Snippets:
    """A job with the end of its log; an array, which has no log, as a table of its elements."""
    code = (
        f"ml.job({text(id)}).table()"
        if array
        else f"job = ml.job({text(id)})\nprint(job.logs(tail={_TAIL}))"
    )
    return lines(code, "jobs", "show", id, magic="job")


def array(_: Workbench, *, job: str) -> Snippets:
    """An array as a table of its elements."""
    return job_code(job, array=True)


def submit(_: Workbench, *, spec: dict[str, Any]) -> Snippets:
    """A submit. spec: fields of a job, as they are sent; what is as usual is not said."""
    usual = {need.name: need.default for need in needs_of()}
    asked = {
        key: value
        for key, value in spec.items()
        if value not in (None, "", [], {}) and (key not in usual or usual[key] != value)
    }
    notebook = str(asked.pop("notebook", ""))
    command = [str(word) for word in items(asked.pop("command", ()))]
    parameters = mapping(asked.pop("parameters", None))
    more = {**({"parameters": parameters} if parameters else {}), **asked}
    subject = text(notebook) if notebook else literal(command)
    fields = f", {arguments(more)}" if more else ""
    options = [
        *parameter_options(parameters),
        *_options(asked),
        *(["--array", SWEEP_FILE] if "array" in asked else []),
    ]
    # Without `./`, a name that begins with a dash is an option.
    path = f"./{notebook}" if notebook.startswith("-") else notebook
    written = len(items(asked.get("array"))) <= _ELEMENTS
    return lines(
        f"ml.submit({subject}{fields})" if written else "",
        "jobs",
        "submit",
        *([path] if path else []),
        options=options if path else [*options, "--", *command],
    )


def clone(
    _: Workbench,
    *,
    job: str,
    changes: dict[str, Any],
    parameters: dict[str, Any],
    same_code: bool = False,
) -> Snippets:
    """Another job like an earlier one. changes: what it needs instead, None for what it does
    without.
    """
    more = {**({"parameters": parameters} if parameters else {}), **changes}
    fields = ", ".join(filter(None, ["same_code=True" if same_code else "", arguments(more)]))
    kinds = {need.name: need.kind for need in needs_of()}
    without = {
        key: (0 if kinds.get(key) == "number" else "") if value is None else value
        for key, value in changes.items()
    }
    return lines(
        f"ml.job({text(job)}).clone({fields})",
        "jobs",
        "clone",
        job,
        options=[
            *(["--same-code"] if same_code else []),
            *parameter_options(parameters),
            *_options(without),
        ],
    )


def _options(asked: Mapping[str, Any]) -> list[str]:
    """What a job asks for, as options of the command line."""
    flags = {
        "name": "--name",
        **{need.name: need.option for need in needs_of()},
        "after": "--after",
        "max_parallel": "--max-parallel",
    }
    found: list[str] = []
    for key, flag in flags.items():
        value = asked.get(key)
        values = value if isinstance(value, list | tuple) else [] if value is None else [value]
        found += [argument for item in values for argument in option(flag, _number(item))]
    return found


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) and value == int(value) else str(value)
