"""A notebook as the cache sees it: its code, not its outputs. Read as plain JSON, which takes a
millisecond.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..notebooks.parameters import language_of, parameters_of, source_of, tags_of
from ..notebooks.parameters import read_notebook as read_content

INJECTED_TAG = "injected-parameters"
"""Papermill's tag for the cell with the given values. If values are given again, the first such
cell is replaced; otherwise it runs like any other.
"""


@dataclass(frozen=True, slots=True)
class CodeCell:
    """One code cell that is not empty. number: its place in the notebook from 1, as jobs count:
    including text cells, and papermill's own cell counts as the one after it.
    """

    number: int
    source: str
    tags: Sequence[str]


@dataclass(frozen=True, slots=True)
class Notebook:
    """The code of one notebook. name: used in errors. language: in lower case. parameters: None
    without a parameters cell.
    """

    name: str
    kernel: str
    language: str
    parameters: frozenset[str] | None
    cells: Sequence[CodeCell]


def read_notebook(path: Path, name: str, *, parametrized: bool = False) -> Notebook:
    """The code cells of a notebook as it runs. Raises NotFound, TooLarge, or Unprocessable if it is
    not a notebook.

    parametrized: whether it gets parameters; an executed notebook then has the same cells as its
    original.
    """
    content = read_content(path, name)
    kernel = _mapping(_mapping(content.get("metadata")).get("kernelspec"))
    declared = parameters_of(content)
    parameters = None if declared is None else frozenset(parameter.name for parameter in declared)
    return Notebook(
        name,
        str(kernel.get("name") or "python3"),
        language_of(content),
        parameters,
        _code_cells(content["cells"], replaced=parametrized),
    )


def _code_cells(cells: Sequence[Any], *, replaced: bool) -> list[CodeCell]:
    found: list[CodeCell] = []
    number = 0
    for cell in cells:
        tags = tags_of(cell)
        injected = INJECTED_TAG in tags
        if injected and replaced:
            replaced = False  # only the first
            continue
        number += not injected
        if _mapping(cell).get("cell_type") != "code":
            continue
        text = source_of(cell)
        if text.strip():
            found.append(CodeCell(number + injected, text, tags))
    return found


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
