"""One step of a pipeline, alone, with other values for its parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..notebooks.parameters import check_parameters, read_notebook
from .binding import elements_of
from .definition import Definition, StepDefinition, item_names
from .planning import find


def single(
    definition: Definition,
    name: str,
    parameters: Mapping[str, Any],
    bind: Callable[[Definition], Definition],
) -> tuple[Definition, Definition]:
    """The pipeline with that step changed, and a run of only that step, or its elements.

    A value for a name of its `foreach` replaces all of that name's values. Raises NotFound.
    """
    chosen = {step.file_name for step in find(bind(definition), name)}
    steps = tuple(
        _changed(step, parameters) if step.name in chosen else step for step in definition.steps
    )
    changed = replace(definition, steps=steps)
    bound = bind(changed)
    elements = elements_of(bound, name) or elements_of(bound, next(iter(chosen)))
    return changed, replace(bound, steps=tuple(replace(step, after=()) for step in elements))


def read_parameters(root: Path, notebook: str, parameters: Mapping[str, Any]) -> None:
    """Raise BadRequest if the notebook has no such parameters."""
    check_parameters(read_notebook(root / notebook, notebook), parameters, notebook)


def _changed(step: StepDefinition, parameters: Mapping[str, Any]) -> StepDefinition:
    items = {name: value for name, value in parameters.items() if name in item_names(step.foreach)}
    foreach = step.foreach
    if items and isinstance(foreach, Mapping):
        foreach = {**foreach, **{name: [value] for name, value in items.items()}}
    elif items:
        mixed = [{**item, **items} for item in foreach]
        foreach = [item for number, item in enumerate(mixed) if item not in mixed[:number]]
    return replace(
        step,
        foreach=foreach,
        parameters={
            **step.parameters,
            **{name: value for name, value in parameters.items() if name not in items},
        },
    )
