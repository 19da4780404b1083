"""A notebook as the cache sees it: its code, not its outputs. Read as plain JSON, so that a look costs a millisecond."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.errors import NotFound, Unprocessable

PARAMETERS_TAG = "parameters"
INJECTED_TAG = "injected-parameters"
"""Papermill's own tag of the cell with the values that it was given."""


@dataclass(frozen=True, slots=True)
class CodeCell:
    """One code cell that is not empty. number: its place in the notebook from 1, as jobs count: words too, papermill's own cell not."""

    number: int
    source: str
    tags: Sequence[str]


@dataclass(frozen=True, slots=True)
class Notebook:
    """The code of one notebook. name: what errors call it."""

    name: str
    kernel: str
    language: str
    cells: Sequence[CodeCell]

    def parameters(self) -> set[str] | None:
        """Names that its `parameters` cell sets (the first one so tagged, as papermill has it); None when it has no such cell."""
        tagged = next((cell for cell in self.cells if PARAMETERS_TAG in cell.tags), None)
        return None if tagged is None else _assigned(tagged.source)


def read_notebook(path: Path, name: str) -> Notebook:
    """The code cells of a notebook. Raises NotFound when there is none, Unprocessable when the file is no notebook."""
    try:
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise NotFound(f"Notebook {name} does not exist.", fix="Mend the path; it begins at the pipeline file's folder.") from error
    except OSError as error:
        raise Unprocessable(f"Notebook {name} cannot be read.", f"{error.strerror or error}.", "Give this user the right to read it.") from error
    except (ValueError, RecursionError) as error:
        raise Unprocessable(f"{name} is not a notebook.", f"It is not JSON: {error}.", "Restore it from a backup or from git.") from error
    if not isinstance(content, dict) or not isinstance(content.get("cells"), list):
        raise Unprocessable(
            f"{name} is not a notebook of format 4.", "It has no list of cells.", "Open it in JupyterLab and save it; that brings old notebooks up to date."
        )
    metadata = _mapping(content.get("metadata"))
    kernel = _mapping(metadata.get("kernelspec"))
    language = _mapping(metadata.get("language_info")).get("name") or kernel.get("language") or "python"
    return Notebook(name, str(kernel.get("name") or "python3"), str(language), _code_cells(content["cells"]))


def _code_cells(cells: Sequence[Any]) -> list[CodeCell]:
    """An executed notebook gives the same as the one that it was made from: the cell with the given values is left out."""
    found: list[CodeCell] = []
    number = 0
    for cell in cells:
        tags = _mapping(_mapping(cell).get("metadata")).get("tags")
        if isinstance(tags, list) and INJECTED_TAG in tags:
            continue
        number += 1
        if _mapping(cell).get("cell_type") != "code":
            continue
        source = cell.get("source", "")
        text = "".join(str(line) for line in source) if isinstance(source, list) else str(source)
        if text.strip():
            found.append(CodeCell(number, text, tuple(str(tag) for tag in tags) if isinstance(tags, list) else ()))
    return found


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _assigned(source: str) -> set[str]:
    try:
        body = ast.parse(plain_python(source)).body
    except (SyntaxError, ValueError, RecursionError):
        return set()
    names: set[str] = set()
    for line in body:
        targets = line.targets if isinstance(line, ast.Assign) else [line.target] if isinstance(line, ast.AnnAssign) else []
        for target in targets:
            parts = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
            names |= {part.id for part in parts if isinstance(part, ast.Name)}
    return names


def plain_python(source: str) -> str:
    """The source without IPython's own words: `%magic`, `!command`, `?help`, and the `%%magic` that heads a cell."""
    lines = source.splitlines()
    return "\n".join(_without_magic(line) for line in lines)


def _without_magic(line: str) -> str:
    bare = line.lstrip()
    if bare.startswith(("%", "!", "?")) or bare.rstrip().endswith("?"):
        return line[: len(line) - len(bare)] + "pass"  # keeps the block that it stands in
    return line
