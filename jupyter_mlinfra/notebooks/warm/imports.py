"""The imports that a kernel runs before there is a job for it: those at the top level of the
notebooks' cells, unchanged.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from typing import Any

from ..parameters import language_of, source_of
from ..syntax import parse

MAX_LINES = 500


def import_lines(notebook: Mapping[str, Any]) -> list[str]:
    """The import statements of a Python notebook, each once, without relative ones and
    `from __future__`.
    """
    if language_of(notebook) != "python":
        return []
    trees = (
        parse(source_of(cell)) for cell in notebook["cells"] if cell.get("cell_type") == "code"
    )
    return _lines(node for tree in trees if tree is not None for node in tree.body)


def lines_of(modules: Iterable[str]) -> list[str]:
    """The same for module names, as in a setting; invalid names are skipped."""
    return [
        f"import {name}" for name in modules if all(part.isidentifier() for part in name.split("."))
    ]


def _lines(nodes: Iterable[ast.stmt]) -> list[str]:
    found = dict[str, None]()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= dict.fromkeys(f"import {alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module != "__future__":
            found |= dict.fromkeys(
                f"from {node.module} import {alias.name}"
                for alias in node.names
                if alias.name != "*"
            )
    return list(found)[:MAX_LINES]
