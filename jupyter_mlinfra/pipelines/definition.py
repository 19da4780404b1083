"""A pipeline as it runs: the file with all defaults filled in, in a form that the database keeps."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from ..core.errors import BadRequest
from .spec import Step

_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDefinition:
    """One step. notebook and files: below the project. parameters: may hold `{{ name }}`. line: in the file."""

    name: str
    notebook: str
    description: str
    parameters: Mapping[str, Any]
    inputs: Sequence[str]
    outputs: Sequence[str]
    after: Sequence[str]
    gpus: int
    cpus: int
    memory_gib: float | None
    time_limit_minutes: float | None
    retries: int
    cache: bool
    line: int

    def record(self) -> Step:
        """What every face shows of it."""
        return Step(name=self.name, notebook=self.notebook, inputs=self.inputs, outputs=self.outputs, parameters=self.parameters, after=self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One pipeline; steps in the order of the file."""

    name: str
    path: str
    description: str
    parameters: Mapping[str, Any]
    steps: Sequence[StepDefinition]

    @property
    def after(self) -> dict[str, Sequence[str]]:
        """For each step, the steps that come before it."""
        return {step.name: step.after for step in self.steps}

    def step(self, name: str) -> StepDefinition:
        """The step of that name."""
        return next(step for step in self.steps if step.name == name)

    def external_inputs(self) -> list[tuple[StepDefinition, str]]:
        """(step, reference) of everything that is taken and that no step makes."""
        from .references import feeds

        made = [thing for step in self.steps for thing in step.outputs]
        return [(step, taken) for step in self.steps for taken in step.inputs if not any(feeds(thing, taken) for thing in made)]

    def values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The pipeline's parameters with the values given to this run. Raises BadRequest on a name that the file has not."""
        for name in given:
            if name not in self.parameters:
                close = get_close_matches(name, self.parameters, n=1)
                why = f"{self.path} has: {', '.join(self.parameters) or 'none'}."
                fix = (
                    f"Did you mean {close[0]}?"
                    if close
                    else f"Add `parameters: {{{name}: …}}` to {self.path}, and use it as {{{{ {name} }}}} under `params` of a step."
                )
                raise BadRequest(f"Pipeline {self.name} has no parameter {name}.", why, fix)
        return {**self.parameters, **given}

    def kept(self) -> Definition:
        """The same as it comes back from the database: lists where the file gave tuples, so that two can be compared."""
        return self.from_json(json.loads(json.dumps(self.to_json())))

    def to_json(self) -> dict[str, Any]:
        """Plain values that `from_json` takes."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Definition:
        """What `to_json` gave."""
        return cls(**{**body, "steps": tuple(StepDefinition(**step) for step in body["steps"])})


def placeholders(value: Any) -> Iterator[str]:
    """Names of all `{{ name }}` in a value, however deep."""
    if isinstance(value, str):
        yield from _PLACEHOLDER.findall(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from placeholders(item)
    elif isinstance(value, Sequence):
        for item in value:
            yield from placeholders(item)


def render(value: Any, values: Mapping[str, Any]) -> Any:
    """The value with each `{{ name }}` replaced; one that is alone keeps its type, one within a text becomes text."""
    if isinstance(value, str):
        alone = _PLACEHOLDER.fullmatch(value.strip())
        if alone:
            return values[alone[1]]
        return _PLACEHOLDER.sub(lambda found: str(values[found[1]]), value)
    if isinstance(value, Mapping):
        return {key: render(item, values) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [render(item, values) for item in value]
    return value
