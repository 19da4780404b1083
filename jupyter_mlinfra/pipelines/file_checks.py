"""Checks of a pipeline file beyond its schema: its notebooks, placeholders and secrets."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import replace
from difflib import get_close_matches

# An impossible path, such as a name of 300 letters, does not exist for them.
from os.path import isdir, isfile
from pathlib import Path, PurePosixPath
from typing import Any

from ..core.errors import BadRequest, NotFound, TooLarge, Unprocessable
from ..core.secrets import check_secret
from .definition import Definition, StepDefinition, item_names, malformed, placeholders
from .document import Document, KeyPath
from .notebook import Notebook, read_notebook
from .schedules.spec import TEMPLATES


def check_notebook(root: Path, step: StepDefinition, document: Document) -> StepDefinition:
    """The step, after a check that its notebook takes its parameters, including names of
    `foreach`.
    """
    notebook = _read_notebook(root, step, document)
    for name, value in step.parameters.items():
        check_parameter_secret(("steps", step.name, "params", name), name, value, document)
    _check_parameters(step, notebook, document)
    python, declared = notebook.language == "python", notebook.parameters
    items = {
        name: f"{{{{ {name} }}}}"
        for name in item_names(step.foreach)
        if name not in step.parameters and declared is not None and (name in declared or not python)
    }
    for name in item_names(step.foreach):
        if name not in items and name not in placeholders_of(step):
            fix = (
                f"Set {name} to a default in its cell tagged `parameters`, or use {{{{ {name} }}}}"
                " under `params`, `in` or `out`."
            )
            raise document.error(
                ("steps", step.name, "foreach", name),
                f"nothing of step {step.name} uses {name}.",
                f"{step.notebook} has no such parameter.",
                fix,
            )
    return replace(step, parameters={**items, **step.parameters})


def _read_notebook(root: Path, step: StepDefinition, document: Document) -> Notebook:
    position: KeyPath = ("steps", step.name, "notebook")
    try:
        return read_notebook(root / step.notebook, step.notebook)
    except NotFound as error:
        fix = _suggestion(root, step.notebook, PurePosixPath(document.name).parent)
        raise document.error(
            position, error.what, "Its path begins at this file's folder.", fix
        ) from error
    except (Unprocessable, TooLarge) as error:
        raise document.error(position, error.what, error.why, error.fix) from error


def _suggestion(root: Path, notebook: str, folder: PurePosixPath) -> str:
    """What to write for a missing notebook: often its path was given from the project's root, or
    has a typo.
    """
    written = os.path.relpath(notebook, folder)
    if isfile(root / written):
        return f"{written} exists below the project: write {os.path.relpath(written, folder)}"
    parent = (root / notebook).parent
    siblings = [path.name for path in parent.glob("*.ipynb")] if isdir(parent) else []
    close = get_close_matches(Path(notebook).name, siblings, n=1)
    return f"Did you mean {close[0]}?" if close else "Make it, or correct the path."


def _check_parameters(step: StepDefinition, notebook: Notebook, document: Document) -> None:
    """Raise Unprocessable if the notebook does not take the parameters of the step; only a Python
    notebook says which it takes.
    """
    if step.parameters and notebook.parameters is None:
        fix = (
            f"Tag the cell that sets {', '.join(step.parameters)} with `parameters` (property"
            " inspector, Cell Tags)."
        )
        raise document.error(
            ("steps", step.name, "params"),
            f"{step.notebook} takes no parameters.",
            "No cell of it is tagged `parameters`.",
            fix,
        )
    declared = notebook.parameters if notebook.language == "python" else None
    for name in step.parameters:
        if declared is not None and name not in declared:
            close = get_close_matches(name, declared, n=1)
            why = f"Its `parameters` cell sets {', '.join(sorted(declared)) or 'nothing'}."
            fix = f"Did you mean {close[0]}?" if close else f"Set {name} to a default in that cell."
            raise document.error(
                ("steps", step.name, "params", name),
                f"{step.notebook} has no parameter {name}.",
                why,
                fix,
            )


def placeholders_of(step: StepDefinition) -> set[str]:
    """Names of all placeholders in a step."""
    return {
        name
        for part in (step.parameters, step.inputs, step.outputs, step.foreach)
        if part is not None
        for name in placeholders(part)
    }


def check_placeholders(
    step: StepDefinition, parameters: Collection[str], document: Document
) -> None:
    """Raise Unprocessable for a placeholder that is not a name, or the name of no parameter and no
    item.
    """
    items = item_names(step.foreach)
    parts: list[tuple[str, str | int, Any]] = [
        ("params", name, value) for name, value in step.parameters.items()
    ]
    parts += [
        (key, number, text)
        for key, texts in (("in", step.inputs), ("out", step.outputs))
        for number, text in enumerate(texts)
    ]
    for key, index, value in parts:
        position: KeyPath = ("steps", step.name, key, index)
        for name in placeholders(value):
            if name not in parameters and name not in items:
                raise _no_parameter(position, name, [*parameters, *items], document)
        for text in malformed(value):
            fix = (
                "Write {{ name }}: the name of a parameter, nothing else; it is filled in, not run."
            )
            raise document.error(
                position,
                f"{text} cannot be filled in.",
                "Between {{ and }} there is one name.",
                fix,
            )
    for name in placeholders(step.foreach if step.foreach is not None else ""):
        if name not in parameters:
            raise _no_parameter(("steps", step.name, "foreach"), name, parameters, document)


def _no_parameter(
    position: KeyPath, name: str, existing: Collection[str], document: Document
) -> Unprocessable:
    close = get_close_matches(name, existing, n=1)
    fix = (
        f"Did you mean {{{{ {close[0]} }}}}?"
        if close
        else f"Add it: `parameters: {{{name}: …}}` at the top."
    )
    return document.error(
        position,
        f"there is no parameter {name}.",
        f"Known here: {', '.join(existing) or 'none'}.",
        fix,
    )


def check_schedule(
    parameters: Mapping[str, Any], definition: Definition, document: Document
) -> None:
    """Raise Unprocessable for what `schedules create` would refuse."""
    for name, value in parameters.items():
        position: KeyPath = ("schedule", "parameters", name)
        for template in placeholders(value):
            if template not in TEMPLATES:
                raise document.error(
                    position,
                    f"{{{{ {template} }}}} has no value.",
                    f"A schedule knows {', '.join(TEMPLATES)}: the due time in its zone.",
                    "Correct it.",
                )
        try:
            definition.values({name: value})
        except BadRequest as error:
            raise document.error(position, error.what, error.why, error.fix) from None


def check_parameter_secret(position: KeyPath, name: str, value: Any, document: Document) -> None:
    """Raise Unprocessable for a value that is a secret, written in full."""
    try:
        check_secret(name, _without_placeholders(value), f"parameter {name}")
    except BadRequest as error:
        raise document.error(position, error.what, error.why, error.fix) from None


def _without_placeholders(value: Any) -> Any:
    """The value without its `{{ name }}`, whose values are checked where they are given."""
    if isinstance(value, Mapping):
        return {key: _without_placeholders(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_placeholders(item) for item in value]
    return "" if isinstance(value, str) and any(True for _ in placeholders(value)) else value
