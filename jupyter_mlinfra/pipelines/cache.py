"""Whether a step must run: what it was made from last time, what it would be made from now, and the
difference in words.

The key is the sha256 of: the code cells (source, and which one takes the parameters; no outputs, no
ids), the project's own Python files that they import, the parameters, the content of each input,
the kernel and its environment.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from hashlib import sha256
from typing import Any, Literal

from ..notebooks.parameters import TAG
from .notebook import Notebook

Part = Literal["code", "params", "inputs", "environment", "kernel"]
_SHOWN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a result was made from. cells: a digest for each code cell. modules: path → digest.
    inputs: reference → content id.

    places: number of each cell in the notebook; used only in messages, so that another paragraph
    runs nothing. stamps: reference → when and how an input was written; they show whether it
    changed while the step ran, and are not part of the key.
    """

    cells: Sequence[str]
    places: Sequence[int]
    modules: Mapping[str, str]
    parameters: Mapping[str, Any]
    inputs: Mapping[str, str]
    kernel: str
    python: str
    environment: str
    stamps: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """One digest of everything; the order of `inputs` and `modules` does not matter."""
        return sha256(
            json.dumps({**self.to_json(), "places": None, "stamps": None}, sort_keys=True).encode()
        ).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Parts:
        """The reverse of `to_json`."""
        return cls(**body)


@dataclass(frozen=True, slots=True)
class Change:
    """One part of the key that differs, and where."""

    part: Part
    detail: str

    def __str__(self) -> str:
        return f"{self.part} changed: {self.detail}"


def cell_digests(notebook: Notebook) -> list[str]:
    """One digest per code cell: its source, and whether it takes the parameters."""
    return [
        sha256(f"{TAG in cell.tags}\0{cell.source.rstrip()}".encode()).hexdigest()[:20]
        for cell in notebook.cells
    ]


def changes(before: Parts, after: Parts, packages: Mapping[str, Mapping[str, str]]) -> list[Change]:
    """The differences, code first. packages: environment digest → distributions, for environments
    that are still known.
    """
    found = [
        Change("code", detail)
        for detail in (*_cells(before, after), *_named(before.modules, after.modules))
    ]
    found += [Change("params", detail) for detail in _values(before.parameters, after.parameters)]
    found += [Change("inputs", detail) for detail in _named(before.inputs, after.inputs)]
    if before.kernel != after.kernel:
        found.append(Change("kernel", f"{before.kernel} → {after.kernel}"))
    elif before.python != after.python:
        # Otherwise it is the command of a kernel of another language.
        python = "Python " if after.python[:1].isdigit() else ""
        found.append(Change("environment", f"{python}{before.python} → {after.python}"))
    elif before.environment != after.environment:
        found.append(
            Change(
                "environment",
                _packages(packages.get(before.environment), packages.get(after.environment)),
            )
        )
    return found


def explain(found: Iterable[Change]) -> str:
    """One line for all changes: `code changed: cell 4, cell 6; inputs changed: data/raw.csv`."""
    grouped: dict[Part, list[str]] = {}
    for change in found:
        grouped.setdefault(change.part, []).append(change.detail)
    return "; ".join(str(Change(part, _first_few(details))) for part, details in grouped.items())


def _cells(before: Parts, after: Parts) -> Iterator[str]:
    for operation, old_from, old_to, new_from, new_to in SequenceMatcher(
        None, before.cells, after.cells, autojunk=False
    ).get_opcodes():
        if operation == "replace":
            yield _range(after.places[new_from:new_to])
        elif operation == "insert":
            yield f"{_range(after.places[new_from:new_to])} added"
        elif operation == "delete":
            yield f"{_range(before.places[old_from:old_to])} removed"


def _range(places: Sequence[int]) -> str:
    return f"cell {places[0]}" if len(places) == 1 else f"cells {places[0]}–{places[-1]}"


def _named(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*before, *after}):
        if name not in before:
            yield f"{name} added"
        elif name not in after:
            yield f"{name} removed"
        elif before[name] != after[name]:
            yield name


def _values(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({*before, *after}):
        old, new = (
            _text(values[name]) if name in values else "its default" for values in (before, after)
        )
        # Compared as JSON text: in Python 1, 1.0 and true are equal, but a notebook may distinguish
        # them.
        if old != new or json.dumps(before.get(name), sort_keys=True) != json.dumps(
            after.get(name), sort_keys=True
        ):
            yield f"{name} {old} → {new}"


def _text(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _packages(before: Mapping[str, str] | None, after: Mapping[str, str] | None) -> str:
    if before is None or after is None:
        return "installed packages"
    names = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    return _first_few(
        [f"{name} {before.get(name, 'absent')} → {after.get(name, 'absent')}" for name in names]
    )


def _first_few(details: Sequence[str], most: int = 5) -> str:
    more = len(details) - most
    return ", ".join(details[:most]) + (f" and {more} more" if more > 0 else "")
