"""The parameters of a notebook: names, types and defaults of the cell tagged `parameters`."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..core.errors import BadRequest, NotFound, Unprocessable
from .spec import Parameter

TAG = "parameters"


def read_notebook(path: Path, shown: str) -> dict[str, Any]:
    """A notebook file as JSON, of format 4.

    shown: how messages call it. Raises NotFound, or Unprocessable when it is no notebook.
    """
    try:
        notebook = json.loads(path.read_bytes())
    except (FileNotFoundError, IsADirectoryError):
        raise NotFound(f"There is no notebook {shown}.", f"{path} does not exist.", "Give its path below the project.") from None
    except (ValueError, RecursionError) as error:
        raise Unprocessable(f"{shown} is not a notebook.", f"It is no JSON: {error}.", "Save it again in JupyterLab.") from error
    except OSError as error:
        raise NotFound(f"{shown} cannot be read.", f"{error.strerror}.", "Make it readable.") from error
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise Unprocessable(
            f"{shown} is not a notebook of format 4.", "It has no list of cells.", "Open it in JupyterLab and save it: that converts older formats."
        )
    return notebook


def parameters_of(notebook: Mapping[str, Any]) -> list[Parameter] | None:
    """Names, types and defaults of the tagged cell, in order; None when no cell is tagged. Only Python is understood."""
    cell = next((cell for cell in notebook["cells"] if TAG in _tags(cell)), None)
    if cell is None:
        return None
    source = cell.get("source", "")
    try:
        tree = ast.parse("".join(source) if isinstance(source, list) else str(source))
    except (SyntaxError, ValueError):
        return []  # the run will say so, at that line
    found: dict[str, Parameter] = {}
    for node in tree.body:
        for parameter in _assigned(node):
            found[parameter.name] = parameter
    return list(found.values())


def check_parameters(notebook: Mapping[str, Any], given: Mapping[str, Any], shown: str) -> None:
    """Raise BadRequest when the notebook cannot take these parameters."""
    if not given:
        return
    known = parameters_of(notebook)
    names = ", ".join(sorted(given))
    if known is None:
        raise BadRequest(
            f"{shown} takes no parameters.",
            f"{names} {'was' if len(given) == 1 else 'were'} given, but no cell is tagged `{TAG}`.",
            f"Put the defaults into a cell and tag it `{TAG}` (cell menu: Mark as Parameters).",
        )
    unknown = sorted(set(given) - {parameter.name for parameter in known})
    if unknown and language_of(notebook) == "python":
        there = ", ".join(parameter.name for parameter in known) or "none"
        raise BadRequest(
            f"{shown} has no parameter {', '.join(unknown)}.", f"Its cell tagged `{TAG}` has: {there}.", "Mend the name, or give it a default in that cell."
        )


def _assigned(node: ast.stmt) -> list[Parameter]:
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
        return [Parameter(name=node.target.id, type=ast.unparse(node.annotation), default=_value(node.value)[0])]
    if isinstance(node, ast.Assign):
        default, kind = _value(node.value)
        return [Parameter(name=target.id, type=kind, default=default) for target in node.targets if isinstance(target, ast.Name)]
    return []


def _value(node: ast.expr) -> tuple[Any, str]:
    """A default as JSON value with its type; the source text, of no type, when it has to be reckoned."""
    try:
        value = ast.literal_eval(node)
        json.dumps(value)
    except (ValueError, TypeError, RecursionError):
        return ast.unparse(node), ""
    return value, "" if value is None else type(value).__name__


def _tags(cell: Any) -> Sequence[str]:
    metadata = cell.get("metadata") if isinstance(cell, dict) else None
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    return tags if isinstance(tags, list) else []


def language_of(notebook: Mapping[str, Any]) -> str:
    """The notebook's language in lower case; Python when it does not say."""
    metadata = notebook.get("metadata") or {}
    return str((metadata.get("language_info") or {}).get("name") or (metadata.get("kernelspec") or {}).get("language") or "python").lower()
