"""A notebook as text that can be compared: its cells, without what they printed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .parameters import source_of


def plain(notebook: Mapping[str, Any]) -> str:
    """The sources of the cells, each below a line with its number. notebook: of format 4."""
    return "\n".join(
        f"# cell {number}{_kind(cell)}\n{source_of(cell)}\n"
        for number, cell in enumerate(notebook["cells"], 1)
    )


def _kind(cell: Mapping[str, Any]) -> str:
    kind = cell.get("cell_type", "code")
    return "" if kind == "code" else f", {kind}"
