"""Code that opens and runs pipelines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..core.refs import Ref
from ..core.snippets import (
    Snippets,
    arguments,
    joined,
    lines,
    literal,
    parameter_options,
    text,
)

_OPTIONS = {"backend", "force", "from_step", "self"}
"""Words of `run` itself, which a parameter cannot be given by."""


def pipelines(refs: Sequence[Ref]) -> Snippets:
    """Pipelines, with their graph and newest runs."""
    return joined(
        [
            lines(f"ml.pipeline({text(ref.name)})", "pipelines", "show", ref.name, magic="pipeline")
            for ref in refs
        ]
    )


def steps(refs: Sequence[Ref]) -> Snippets:
    """Why steps would run again, or that they would not."""
    return joined([_step(*ref.parts[:2]) for ref in refs])


def run_code(name: str, parameters: Mapping[str, Any]) -> Snippets:
    """A run of a pipeline with these parameters."""
    values = arguments(parameters)
    code = f"ml.pipeline({text(name)}).run({values})"
    if parameters.keys() & _OPTIONS:
        code = f"ml.workbench().pipelines.run({text(name)}, parameters={literal(parameters)})"
    return lines(
        code,
        "pipelines",
        "run",
        name,
        options=parameter_options(parameters),
        magic="pipeline",
    )


def _step(pipeline: str, step: str = "") -> Snippets:
    return lines(
        f"ml.pipeline({text(pipeline)}).step({text(step)})",
        "pipelines",
        "explain",
        f"{pipeline}/{step}",
        magic="pipeline",
    )
