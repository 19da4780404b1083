"""A first pipeline file for some notebooks: one step each, connected by what they take and make."""

from __future__ import annotations

import os.path
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from .editing import scalar
from .notebook import Notebook
from .references import feeds, kind_of, overlap
from .touched import touched


def propose(notebooks: Mapping[str, Notebook], *, folder: PurePosixPath, name: str) -> str:
    """The text of a pipeline file in `folder` that runs these notebooks (by path below the
    project), in a suitable order.

    What two of them make is assigned to the first; a circle is left for the user to fix.
    """
    steps = _named(notebooks)
    takes: dict[str, list[str]] = {}
    makes: dict[str, list[str]] = {}
    inputs: list[str] = []
    for step, path in steps.items():
        found = touched(notebooks[path])
        parent = PurePosixPath(path).parent
        outputs = [_below(item, parent, folder) for item in found.outputs]
        makes[step] = [
            item
            for item in dict.fromkeys(outputs)
            if not any(overlap(item, other) for other in inputs)
        ]
        takes[step] = [
            item
            for item in dict.fromkeys(_below(item, parent, folder) for item in found.inputs)
            if item not in outputs
        ]
        inputs += makes[step]
    lines = [f"pipeline: {scalar(name)}", "steps:"]
    for step in _ordered(list(steps), takes, makes):
        lines += [f"  {scalar(step)}:", f"    notebook: {scalar(_relative(steps[step], folder))}"]
        lines += [
            f"    {key}: [{', '.join(map(scalar, items))}]"
            for key, items in (("in", takes[step]), ("out", makes[step]))
            if items
        ]
    return "\n".join(lines) + "\n"


def _named(paths: Mapping[str, Notebook]) -> dict[str, str]:
    """Step name → path: the file's name without its number, in characters that a step may have."""
    steps: dict[str, str] = {}
    for path in paths:
        stem = PurePosixPath(path).stem
        plain = (
            re.sub(r"[^A-Za-z0-9._-]+", "-", re.sub(r"^\d+[\s._-]+", "", stem)).strip("._-")[:90]
            or "step"
        )
        number = 1
        while (name := plain if number == 1 else f"{plain}-{number}") in steps:
            number += 1
        steps[name] = path
    return steps


def _ordered(
    steps: Sequence[str], takes: Mapping[str, Sequence[str]], makes: Mapping[str, Sequence[str]]
) -> list[str]:
    """Makers before takers, otherwise in the given order; steps in a circle come last."""
    after = {
        step: {
            other
            for other in steps
            if other != step and any(feeds(a, b) for a in makes[other] for b in takes[step])
        }
        for step in steps
    }
    order: list[str] = []
    while len(order) < len(steps):
        rest = [step for step in steps if step not in order]
        order.append(next((step for step in rest if after[step] <= set(order)), rest[0]))
    return order


def _below(item: str, parent: PurePosixPath, folder: PurePosixPath) -> str:
    """A path that a notebook in `parent` writes, relative to `folder`; a reference is unchanged."""
    if kind_of(item) != "file" or item.startswith("/"):
        return item
    return _relative(os.path.normpath(parent / item), folder)


def _relative(path: str, folder: PurePosixPath) -> str:
    return os.path.relpath(path, folder).replace(os.sep, "/")
