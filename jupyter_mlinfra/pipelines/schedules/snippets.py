"""Code that opens and starts schedules, and that makes or changes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...core.refs import Ref
from ...core.snippets import (
    Snippets,
    items,
    joined,
    lines,
    literal,
    mapping,
    option,
    parameter_options,
    text,
)
from ...jobs import needs_of

if TYPE_CHECKING:
    from ...workbench import Workbench

_USUAL = {"catchup": "latest", "overlap": "skip", "grace_seconds": 6 * 3600}
"""What need not be said."""


def schedules(refs: Sequence[Ref]) -> Snippets:
    """Schedules as they are: code that is inserted to look at one must not start it."""
    return joined(
        [
            lines(f"ml.schedule({text(ref.name)})", "schedules", "show", ref.name, magic="schedule")
            for ref in refs
        ]
    )


def start_code(name: str) -> Snippets:
    """A start of one schedule at once, whatever the clock says."""
    code = f"ml.schedule({text(name)}).run_now()"
    return lines(code, "schedules", "run-now", name, magic="schedule")


def form(_: Workbench, *, name: str, facts: dict[str, Any], change: bool = False) -> Snippets:
    """What the form of a schedule sends. facts: fields of a schedule; change: of one that exists.
    The command line has no words for some fields of a job: `unsaid` names them.
    """
    present = {key: value for key, value in facts.items() if value is not None}
    job = mapping(present.get("job"))
    command = [str(argument) for argument in items(job.get("command"))]
    values = mapping(present.get("parameters")) or mapping(job.get("parameters"))
    flags = {need.name: need.option for need in needs_of()}
    needs = {
        key: value
        for key, value in job.items()
        if key not in ("notebook", "command", "parameters") and value is not None
    }
    options = [
        *_options(present, job),
        *(
            argument
            for key in needs
            if key in flags
            for argument in option(flags[key], str(needs[key]))
        ),
        *parameter_options(values),
        *(["--", *command] if command and not job.get("notebook") else []),
    ]
    verb = "update" if change else "create"
    unusual = {key: value for key, value in present.items() if _USUAL.get(key) != value}
    arguments = ", ".join(f"{key}={literal(value)}" for key, value in unusual.items())
    return {
        **lines(
            f"ml.schedule({text(name)}).{verb}({arguments})",
            "schedules",
            verb,
            name,
            options=options,
            magic="schedule",
        ),
        "unsaid": ", ".join(key for key in needs if key not in flags),
    }


def _options(facts: Mapping[str, Any], job: Mapping[str, Any]) -> list[str]:
    """The options of a schedule's own fields, in their order on screen."""
    flags: dict[str, Any] = {
        "--pipeline": facts.get("pipeline"),
        "--notebook": job.get("notebook"),
        "--cron": facts.get("cron"),
        "--tz": facts.get("tz"),
    }
    for key in ("catchup", "overlap"):
        if facts.get(key) != _USUAL[key]:
            flags[f"--{key}"] = facts.get(key)
    grace = facts.get("grace_seconds")
    if isinstance(grace, int | float) and grace != _USUAL["grace_seconds"]:
        flags["--grace"] = f"{grace / 3600:g}h"
    return [
        argument for flag, value in flags.items() if value for argument in option(flag, str(value))
    ]
