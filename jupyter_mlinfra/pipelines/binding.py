"""From the file's steps to those of one run: a `foreach` becomes elements, `{{ name }}` becomes its
value, and the graph is computed from the result.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from itertools import product
from math import prod
from pathlib import PurePosixPath
from typing import Any

from ..core.errors import BadRequest, Unprocessable
from ..core.secrets import check_secret, is_named_like_secret
from . import graph
from .definition import Definition, StepDefinition, placeholders, render
from .document import KeyPath
from .references import feeds, kind_of, normalize
from .spec import Step

Fault = Callable[[KeyPath, str, str, str], Unprocessable]
"""Creates the error (what, why, fix) for a place in the file."""

OF_STEP = "step:"
"""`in: step:train` stands for everything that the step train makes."""
MAX_ELEMENTS = 500
_COUNTED = 10**9
"""A larger number of items is not shown: it may have thousands of digits."""
_SHARED = ("model", "experiment")
"""What several elements of one step may share: each registers a version, or tracks a run, of its
own.
"""
_PLAIN = re.compile(r"[A-Za-z0-9._+-]{1,40}\Z")
_LABEL = 80


def bind(definition: Definition, values: Mapping[str, Any], fault: Fault) -> Definition:
    """The steps of a run with these values, including edges. Raises what `fault` returns for
    outputs that are made twice, circles and invalid items.
    """
    folder = PurePosixPath(definition.path).parent
    steps = [
        _bound(element, values, folder, fault)
        for step in definition.steps
        for element in _elements(step, values, fault)
    ]
    made: dict[str, list[str]] = {step.name: [] for step in definition.steps}
    for step in steps:
        made[step.file_name] += step.outputs
    ordered = {
        step.name: [text.removeprefix(OF_STEP) for text in step.inputs if text.startswith(OF_STEP)]
        for step in steps
    }
    steps = [replace(step, inputs=_inputs(step, made)) for step in steps]
    after = _edges(steps, ordered, fault)
    return replace(definition, steps=tuple(replace(step, after=after[step.name]) for step in steps))


def grouped(definition: Definition, bound: Definition) -> Definition:
    """The file's own steps, each after those whose elements its elements follow."""
    group = {step.name: step.file_name for step in bound.steps}
    before: dict[str, dict[str, None]] = {step.name: {} for step in definition.steps}
    for step in bound.steps:
        before[step.file_name].update(dict.fromkeys(group[name] for name in step.after))
    order = {step.name: number for number, step in enumerate(definition.steps)}
    return replace(
        definition,
        steps=tuple(
            replace(step, after=tuple(sorted(before[step.name], key=order.__getitem__)))
            for step in definition.steps
        ),
    )


def elements_of(bound: Definition, name: str) -> list[StepDefinition]:
    """The steps of a run that `name` refers to: one step or element, or all elements of a
    `foreach`.
    """
    return [step for step in bound.steps if name in (step.name, step.group)]


def records(definition: Definition, bound: Definition) -> list[Step]:
    """The file's own steps as every interface shows them."""
    folder = PurePosixPath(definition.path).parent
    found = {
        step.name: (
            [item.name for item in elements_of(bound, step.name)]
            if step.foreach is not None
            else ()
        )
        for step in definition.steps
    }
    return [step.record(found[step.name], folder=folder) for step in definition.steps]


def lane(definition: Definition, date: str) -> str:
    """Runs in different lanes write different things, so they may run at the same time: the lane is
    the date, if the name of every output contains it.
    """
    texts = [text for step in definition.steps for text in step.outputs]
    return date if date and all(definition.date in placeholders(text) for text in texts) else ""


def _elements(
    step: StepDefinition, values: Mapping[str, Any], fault: Fault
) -> Iterator[StepDefinition]:
    if step.foreach is None:
        yield step
        return
    position: KeyPath = ("steps", step.name, "foreach")
    items = _items(step.name, render(step.foreach, values), position, fault)
    names = [f"{step.name}[{label}]" for label in _labels(items)]
    for name, item in zip(names, items, strict=True):
        if names.count(name) > 1:
            raise fault(
                position,
                f"{name} is given twice.",
                "Two items of foreach are the same.",
                "Keep one of them.",
            )
        yield replace(step, name=name, group=step.name, item=item, foreach=None)


def _items(step: str, foreach: Any, position: KeyPath, fault: Fault) -> list[dict[str, Any]]:
    """`{a: [1, 2], b: [3]}` is every combination; `[{a: 1, b: 3}, …]` is what it says."""
    fix = (
        "Write `foreach: {max_depth: [4, 6, 8]}`, or a list of mappings that all have the same"
        " names."
    )
    if isinstance(foreach, Mapping) and all(isinstance(value, list) for value in foreach.values()):
        # Before they are built: a few short lists have more combinations than memory holds.
        _check_count(step, prod(map(len, foreach.values())), position, fault)
        return [dict(zip(foreach, row, strict=True)) for row in product(*foreach.values())]
    if (
        isinstance(foreach, list)
        and foreach
        and all(isinstance(item, Mapping) and item.keys() == foreach[0].keys() for item in foreach)
    ):
        _check_count(step, len(foreach), position, fault)
        return [dict(item) for item in foreach]
    raise fault(
        position,
        "foreach cannot be used.",
        "It is neither lists by name nor a list of mappings.",
        fix,
    )


def _check_count(step: str, count: int, position: KeyPath, fault: Fault) -> None:
    if not 1 <= count <= MAX_ELEMENTS:
        shown = count if count <= _COUNTED else f"over {_COUNTED}"
        raise fault(
            position,
            f"foreach of step {step} has {shown} items.",
            f"It takes 1 to {MAX_ELEMENTS}.",
            "Give it fewer, or at least one.",
        )


def _labels(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """`max_depth=4`, `a=1,b=x` if that is short and plain; otherwise the item's number from 0. A
    secret is never shown.
    """
    labels = []
    for number, item in enumerate(items):
        texts = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in item.items()
        }
        label = ",".join(f"{name}={text}" for name, text in texts.items())
        plain = all(
            _PLAIN.match(text) and not is_named_like_secret(name) for name, text in texts.items()
        )
        labels.append(label if plain and len(label) <= _LABEL else str(number))
    return labels


def _bound(
    step: StepDefinition, values: Mapping[str, Any], folder: PurePosixPath, fault: Fault
) -> StepDefinition:
    names = {**values, **step.item}
    parameters = {name: render(value, names) for name, value in step.parameters.items()}
    for name, value in {**step.item, **parameters}.items():
        try:
            check_secret(name, value, f"parameter {name} of step {step.file_name}")
        except BadRequest as error:
            raise fault(
                ("steps", step.file_name, "params", name), error.what, error.why, error.fix
            ) from None
    outputs = _references(step, "out", step.outputs, names, folder, fault)
    return replace(
        step,
        parameters=parameters,
        inputs=_references(step, "in", step.inputs, names, folder, fault),
        outputs=outputs,
        slot=(
            sha256(json.dumps(sorted(outputs)).encode()).hexdigest()[:16]
            if _is_kept_apart(step, outputs)
            else ""
        ),
    )


def _is_kept_apart(step: StepDefinition, outputs: Sequence[str]) -> bool:
    """Whether the result with these values stays valid whatever a run with other values makes.

    The bytes of a file show whether another run has written it; a reference does not: a model whose
    name lacks the date belongs to the last run.
    """
    every = set(placeholders(step.outputs))
    return bool(every) and all(
        set(placeholders(text)) == every
        for text, bound in zip(step.outputs, outputs, strict=True)
        if kind_of(bound) != "file"
    )


def _references(
    step: StepDefinition,
    key: str,
    texts: Sequence[str],
    values: Mapping[str, Any],
    folder: PurePosixPath,
    fault: Fault,
) -> tuple[str, ...]:
    """References without a placeholder are already normalized."""
    found: list[str] = []
    for index, text in enumerate(texts):
        position = ("steps", step.file_name, key, index)
        if any(True for _ in placeholders(text)):
            try:
                text = normalize(str(render(text, values)), folder=folder)
            except BadRequest as error:
                raise fault(position, error.what, error.why, error.fix) from error
        if text in found:
            raise fault(position, f"{text} is given twice.", "", "Keep one of them.")
        found.append(text)
    return tuple(found)


def _inputs(step: StepDefinition, made: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for text in step.inputs:
        found.update(
            dict.fromkeys(made[text.removeprefix(OF_STEP)] if text.startswith(OF_STEP) else [text])
        )
    return tuple(found)


def _edges(
    steps: Sequence[StepDefinition], ordered: Mapping[str, Sequence[str]], fault: Fault
) -> dict[str, tuple[str, ...]]:
    inputs = {step.name: step.inputs for step in steps}
    outputs = {step.name: step.outputs for step in steps}
    _check_clash(steps, fault)
    after = graph.edges(inputs, outputs)
    names = {step.name: step.file_name for step in steps}
    place = {name: number for number, name in enumerate(names)}
    members: dict[str, list[str]] = {}
    for name, group in names.items():
        members.setdefault(group, []).append(name)
    for name, groups in ordered.items():
        after[name] = tuple(
            sorted(
                {*after[name], *(other for group in groups for other in members[group])},
                key=place.__getitem__,
            )
        )
    cycle = graph.find_cycle(after)
    if cycle:
        lines = ", ".join(
            f"{step.name} on line {step.line}"
            for name in cycle
            for step in steps
            if step.name == name
        )
        round_trip = " → ".join([*cycle, cycle[0]])
        own = ", ".join(
            reference
            for reference in inputs[cycle[0]]
            if any(feeds(output, reference) for output in outputs[cycle[0]])
        )
        why = (
            f"Each takes what the previous one makes: {lines}."
            if len(cycle) > 1
            else f"It takes what it makes ({own})."
            if own
            else f"It takes what it makes itself: {OF_STEP}{names[cycle[0]]}."
        )
        position = ("steps", names[cycle[0]])
        raise fault(
            position,
            f"the steps run in a circle: {round_trip}.",
            why,
            "Remove one of these things from `in` or `out`.",
        )
    return after


def _check_clash(steps: Sequence[StepDefinition], fault: Fault) -> None:
    seen: set[tuple[str, str]] = set()
    outputs: dict[str, list[str]] = {}
    for step in steps:  # what elements of one step share counts once
        own = [
            text
            for text in step.outputs
            if not (step.group and kind_of(text) in _SHARED and (step.group, text) in seen)
        ]
        seen.update((step.group, text) for text in own)
        outputs[step.name] = own
    clash = graph.find_clash(outputs)
    if clash is None:
        return
    first, second = (
        next(step for step in steps if step.name == name) for name in (clash.first, clash.second)
    )
    same = clash.first_output == clash.second_output
    thing = (
        clash.second_output
        if same
        else f"{clash.second_output} (within or around {clash.first_output})"
    )
    position = ("steps", second.file_name, "out", second.outputs.index(clash.second_output))
    if first.group and first.group == second.group:
        fix = (
            f"Put an item's value into the name, such as `{{{{ {next(iter(second.item), 'name')}"
            " }}`."
        )
        raise fault(
            position,
            f"{thing} is made by two elements of step {first.group}.",
            f"{first.name} and {second.name} run at the same time.",
            fix,
        )
    why = f"Step {first.name} makes it too (line {first.line})."
    raise fault(
        position,
        f"{thing} is made by two steps.",
        why,
        "Let one step make it, and the other take it under `in`.",
    )
