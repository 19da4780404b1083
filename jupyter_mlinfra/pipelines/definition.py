"""A pipeline as it runs: the file with all defaults filled in, in a form that the database can
store.
"""

from __future__ import annotations

import dataclasses
import json
import os.path
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import PurePosixPath
from typing import Any

from ..core.errors import BadRequest
from ..core.records import now
from ..core.secrets import check_secret
from ..jobs import Needs, asked
from .parameter_values import check_kind
from .spec import Step

_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}")
_BRACES = re.compile(r"\{\{.*?\}\}", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDefinition(Needs):
    """One step, as in the file or bound to the values of a run (see `binding`). line: in the file.

    parameters, inputs, outputs: may contain `{{ name }}` until they are bound. foreach: its items
    as in the file; None once bound. group, item: for an element, the step's name in the file and
    the element's values. slot: which of the step's results it can take.
    """

    name: str
    notebook: str
    description: str
    parameters: Mapping[str, Any]
    inputs: Sequence[str]
    outputs: Sequence[str]
    after: Sequence[str]
    cache: bool
    line: int
    foreach: Any = None
    group: str = ""
    item: Mapping[str, Any] = field(default_factory=dict)
    slot: str = ""

    @property
    def file_name(self) -> str:
        """The name in the file: that of the whole step if this is one of its elements."""
        return self.group or self.name

    def record(self, elements: Sequence[str], *, folder: PurePosixPath) -> Step:
        """The record that interfaces show. folder: of the file."""
        return Step(
            name=self.name,
            notebook=self.notebook,
            inputs=tuple(_below(text, folder) for text in self.inputs),
            outputs=tuple(_below(text, folder) for text in self.outputs),
            parameters=self.parameters,
            after=self.after,
            elements=elements,
            **asked(self),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One pipeline; steps in the order of the file. date: the parameter that is the date of a run;
    empty if nothing depends on one.
    """

    name: str
    path: str
    description: str
    parameters: Mapping[str, Any]
    steps: Sequence[StepDefinition]
    date: str = ""

    @property
    def after(self) -> dict[str, Sequence[str]]:
        """For each step, the steps before it."""
        return {step.name: step.after for step in self.steps}

    def step(self, name: str) -> StepDefinition:
        """The step of that name."""
        return next(step for step in self.steps if step.name == name)

    def external_inputs(self) -> list[tuple[StepDefinition, str]]:
        """(step, reference) of everything that is taken and that no step makes."""
        from .makers import Makers

        makers = Makers({step.name: step.outputs for step in self.steps})
        return [
            (step, reference)
            for step in self.steps
            for reference in step.inputs
            if next(makers.feeding(reference), None) is None
        ]

    def values(self, parameters: Mapping[str, Any], *, checked: bool = True) -> dict[str, Any]:
        """The pipeline's parameters with the values for this run.

        Raises BadRequest for a name that the file lacks and, unless an earlier run was started with
        it, for a value of another kind than the default.
        """
        for name in parameters:
            check_secret(name, parameters[name], f"Parameter {name} of pipeline {self.name}")
            if name not in self.parameters and name != self.date:
                close = get_close_matches(name, self.parameters, n=1)
                why = f"{self.path} has: {', '.join(self.parameters) or 'none'}."
                fix = (
                    f"Did you mean {close[0]}?"
                    if close
                    else (
                        f"Add `parameters: {{{name}: …}}` to {self.path}, and use it as {{{{ {name}"
                        " }} under `params` of a step."
                    )
                )
                raise BadRequest(f"Pipeline {self.name} has no parameter {name}.", why, fix)
            if checked and name != self.date:
                check_kind(
                    name,
                    parameters[name],
                    self.parameters[name],
                    pipeline=self.name,
                    path=self.path,
                )
        today = {self.date: now().date().isoformat()} if self.date else {}
        return {**today, **self.parameters, **parameters}

    def date_of(self, values: Mapping[str, Any]) -> str:
        """The date of a run with these values; empty if nothing depends on one."""
        return str(values[self.date]) if self.date else ""

    def as_stored(self) -> Definition:
        """The same as after a round trip through the database, with lists instead of tuples, so
        that two can be compared.
        """
        return self.from_json(json.loads(json.dumps(self.to_json())))

    def to_json(self) -> dict[str, Any]:
        """Plain values for `from_json`."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Definition:
        """The reverse of `to_json`."""
        return cls(**{**body, "steps": tuple(StepDefinition(**step) for step in body["steps"])})


def _below(text: str, folder: PurePosixPath) -> str:
    """A path whose final form is known only when its placeholders are filled, relative to the
    project like the others; anything that may not be a path is unchanged.
    """
    if (
        not any(True for _ in placeholders(text))
        or text.startswith(("{{", "/"))
        or re.match(r"[a-z]{2,}:", text)
    ):
        return text
    return os.path.normpath(folder / text)


def placeholders(value: Any) -> Iterator[str]:
    """Names of all `{{ name }}` in a value, at any depth."""
    if isinstance(value, str):
        yield from _PLACEHOLDER.findall(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from placeholders(item)
    elif isinstance(value, Sequence):
        for item in value:
            yield from placeholders(item)


def render(value: Any, values: Mapping[str, Any]) -> Any:
    """The value with each `{{ name }}` replaced. One that stands alone keeps its type, one inside a
    text becomes text.
    """
    if isinstance(value, str):
        whole = _PLACEHOLDER.fullmatch(value.strip())
        if whole:
            return values[whole[1]]
        return _PLACEHOLDER.sub(lambda found: str(values[found[1]]), value)
    if isinstance(value, Mapping):
        return {key: render(item, values) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [render(item, values) for item in value]
    return value


def malformed(value: Any) -> Iterator[str]:
    """Every `{{ … }}` that is not a name, at any depth: an expression, a filter, a call."""
    if isinstance(value, str):
        yield from (found for found in _BRACES.findall(value) if not _PLACEHOLDER.fullmatch(found))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from malformed(item)
    elif isinstance(value, Sequence):
        for item in value:
            yield from malformed(item)


def item_names(foreach: Any) -> list[str]:
    """Names that the items of a `foreach` define, as far as the file lists them."""
    if isinstance(foreach, Mapping):
        return list(foreach)
    return (
        list(foreach[0])
        if isinstance(foreach, list) and foreach and isinstance(foreach[0], Mapping)
        else []
    )
