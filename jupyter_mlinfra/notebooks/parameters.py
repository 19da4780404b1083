"""The parameters of a notebook: names, types and defaults of the cell tagged `parameters`."""

from __future__ import annotations

import ast
import json
import stat
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..core.errors import BadRequest, NotFound, TooLarge, Unprocessable
from ..core.files import read_regular
from .spec import JobParameter, Parameter
from .syntax import parse

TAG = "parameters"
EXPECTED = "raises-exception"
"""Tag of a cell whose error is expected: the cells after it run."""
MAX_BYTES = 100 * 2**20
"""Largest notebook, with its outputs: it is read into memory."""


def written_at(path: Path) -> datetime:
    """When a file was last written."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def read_notebook(path: Path, shown: str) -> dict[str, Any]:
    """A notebook file as JSON, of format 4.

    shown: its name in messages. Raises NotFound, TooLarge, or Unprocessable for other content.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise NotFound(
                f"{shown} is not a notebook.",
                "It is not a file.",
                "Give the path of a notebook inside the project.",
            )
        text = read_regular(path, MAX_BYTES + 1, follow=True)
        if len(text) > MAX_BYTES:
            raise TooLarge(
                f"{shown} is too large.",
                f"A notebook has at most {MAX_BYTES // 2**20} MiB.",
                "Clear its outputs in JupyterLab and save it.",
            )
        notebook = json.loads(text)
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(
            f"Notebook {shown} does not exist.",
            f"There is no {path}.",
            "Give its path inside the project.",
        ) from None
    except (ValueError, RecursionError) as error:
        raise Unprocessable(
            f"{shown} is not a notebook.",
            f"It is not valid JSON: {error}.",
            "Save it again in JupyterLab, or restore it.",
        ) from error
    except OSError as error:
        raise Unprocessable(
            f"{shown} cannot be read.",
            f"{error.strerror or error}.",
            "Give this user the right to read it.",
        ) from error
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise Unprocessable(
            f"{shown} is not a notebook of format 4.",
            "It has no list of cells.",
            "Open it in JupyterLab and save it: that converts older formats.",
        )
    for number, cell in enumerate(notebook["cells"], 1):
        outputs = cell.get("outputs", []) if isinstance(cell, dict) else None
        if not isinstance(outputs, list) or not all(isinstance(output, dict) for output in outputs):
            raise Unprocessable(
                f"{shown} is not a notebook.",
                f"Its cell {number} is not a cell.",
                "Save it again in JupyterLab, or restore it.",
            )
    return notebook


def parameters_of(notebook: Mapping[str, Any]) -> list[Parameter] | None:
    """Names, types and defaults of the tagged cell, in order; None when no cell is tagged. Only
    Python is supported.
    """
    cell = next((cell for cell in notebook["cells"] if TAG in tags_of(cell)), None)
    if cell is None:
        return None
    tree = parse(source_of(cell))
    # A cell that is not Python sets nothing: the run will report it, at that line.
    return list(
        {
            parameter.name: parameter
            for node in (tree.body if tree else ())
            for parameter in _assigned(node)
        }.values()
    )


def job_parameters(declared: Sequence[Parameter], values: Mapping[str, Any]) -> list[JobParameter]:
    """What a job runs with. declared: the parameters of its notebook. values: of the submit."""
    parameters = [
        JobParameter(
            name=parameter.name,
            type=parameter.type,
            value=values.get(parameter.name, parameter.default),
            given=parameter.name in values,
        )
        for parameter in declared
    ]
    names = {parameter.name for parameter in declared}
    return parameters + [
        JobParameter(name=name, type="", value=value, given=True)
        for name, value in values.items()
        if name not in names
    ]


def source_of(cell: Mapping[str, Any]) -> str:
    """The text of a cell, which may be saved as a list of lines."""
    source = cell.get("source", "")
    return "".join(map(str, source)) if isinstance(source, list) else str(source)


def check_parameters(notebook: Mapping[str, Any], values: Mapping[str, Any], shown: str) -> None:
    """Raise BadRequest when the notebook cannot take these parameters."""
    if not values:
        return
    declared = parameters_of(notebook)
    names = ", ".join(sorted(values))
    were = "was" if len(values) == 1 else "were"
    if declared is None:
        raise BadRequest(
            f"{shown} takes no parameters.",
            f"{names} {were} given, but no cell is tagged `{TAG}`.",
            f"Put the defaults into a cell and tag it `{TAG}` (cell menu: Mark as Parameters).",
        )
    unknown = sorted(set(values) - {parameter.name for parameter in declared})
    if unknown and language_of(notebook) == "python":
        existing = ", ".join(parameter.name for parameter in declared) or "none"
        raise BadRequest(
            f"{shown} has no parameter {', '.join(unknown)}.",
            f"Its cell tagged `{TAG}` has: {existing}.",
            "Correct the name, or give it a default in that cell.",
        )


def _assigned(node: ast.stmt) -> list[Parameter]:
    if (
        isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and node.value is not None
    ):
        return [
            Parameter(
                name=node.target.id,
                type=ast.unparse(node.annotation),
                default=_value(node.value)[0],
            )
        ]
    if isinstance(node, ast.Assign):
        return [parameter for target in node.targets for parameter in _set(target, node.value)]
    return []


def _set(target: ast.expr, value: ast.expr) -> list[Parameter]:
    """What a target sets: a name, or, in `a, b = 1, 2`, each name to its part."""
    if isinstance(target, ast.Name):
        default, kind = _value(value)
        return [Parameter(name=target.id, type=kind, default=default)]
    parts = [part.elts for part in (target, value) if isinstance(part, ast.Tuple | ast.List)]
    if (
        len(parts) == 2
        and len(parts[0]) == len(parts[1])
        and not any(isinstance(part, ast.Starred) for part in (*parts[0], *parts[1]))
    ):
        return [
            parameter for part, own in zip(*parts, strict=True) for parameter in _set(part, own)
        ]
    names = (
        part.id
        for part in ast.walk(target)
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
    )
    return [Parameter(name=name, type="", default=_text(value)) for name in names]


def _value(node: ast.expr) -> tuple[Any, str]:
    """A default as a JSON value with its type; the source text without a type if it is not a
    literal.
    """
    try:
        value = ast.literal_eval(node)
        json.dumps(value)
    except (ValueError, TypeError, RecursionError):
        return _text(node), ""
    return value, "" if value is None else type(value).__name__


def _text(node: ast.expr) -> str:
    try:
        return ast.unparse(node)
    except RecursionError:
        return "…"


def tags_of(cell: Any) -> Sequence[str]:
    """Its tags; empty if it is not a cell."""
    tags = _mapping(_mapping(cell).get("metadata")).get("tags")
    return [str(tag) for tag in tags] if isinstance(tags, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def language_of(notebook: Mapping[str, Any]) -> str:
    """The notebook's language in lower case; Python by default."""
    metadata = _mapping(notebook.get("metadata"))
    return str(
        _mapping(metadata.get("language_info")).get("name")
        or _mapping(metadata.get("kernelspec")).get("language")
        or "python"
    ).lower()


def kernel_of(notebook: Mapping[str, Any]) -> str:
    """The kernel that the notebook names; `python3` by default."""
    return str(
        _mapping(_mapping(notebook.get("metadata")).get("kernelspec")).get("name") or "python3"
    )
