"""Arrays: an element as a job of its own, and elements as one job."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from .spec import JobSpec


def element_of(spec: JobSpec, values: Mapping[str, Any]) -> JobSpec:
    """One element. values: its own parameters, or for a command, variables."""
    plain = replace(spec, array=(), max_parallel=None, key=None)
    if spec.notebook is not None:
        return replace(plain, parameters={**spec.parameters, **values})
    return replace(
        plain,
        environment={**spec.environment, **{name: str(value) for name, value in values.items()}},
    )


def array_of(elements: Sequence[JobSpec], *, max_parallel: int | None) -> JobSpec:
    """The array of these elements, in this order: what all of them share becomes its own."""
    first = elements[0]
    found = [
        dict(spec.environment if spec.notebook is None else spec.parameters) for spec in elements
    ]
    alike = {
        name
        for name, value in found[0].items()
        if all(name in values and canonical(values[name]) == canonical(value) for values in found)
    }
    common = {name: found[0][name] for name in found[0] if name in alike}
    own = [{name: value for name, value in values.items() if name not in alike} for values in found]
    if first.notebook is None:
        return replace(first, environment=common, array=own, max_parallel=max_parallel)
    return replace(first, parameters=common, array=own, max_parallel=max_parallel)


def with_parameters(spec: JobSpec, changes: Mapping[str, Any]) -> JobSpec:
    """The spec with other values for some parameters: of an array, in all its elements."""
    array = [
        {name: value for name, value in values.items() if name not in changes}
        for values in spec.array
    ]
    return replace(spec, parameters={**spec.parameters, **changes}, array=array)


def canonical(value: Any) -> str:
    """A value as JSON, for comparison: for a notebook, 1 and true differ."""
    return json.dumps(value, sort_keys=True)
