"""How two states of a step differ, for readers: the lines of code that changed, and the old and new
content of inputs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher, unified_diff
from pathlib import Path

from ..core.errors import MLInfraError
from .cache import Change, Parts, explain
from .notebook import CodeCell, read_notebook
from .rows import Result

_LINES, _WIDTH = 200, 400
"""The most lines of code in a detail, and the most characters of each."""
_ID = 12


def parts_of(found: Iterable[Change]) -> tuple[str, ...]:
    """Which parts differ, each once."""
    return tuple(dict.fromkeys(change.part for change in found))


def detail(root: Path, notebook: str, before: Result, after: Parts, found: Sequence[Change]) -> str:
    """All changes in one line, then the lines of code and the content ids; empty if nothing
    differs.
    """
    parts = [explain(found)] if found else []
    if any(change.part == "code" for change in found) and before.notebook is not None:
        with contextlib.suppress(MLInfraError):  # the executed notebook may have been deleted
            parts.append(
                _code(
                    root,
                    notebook,
                    before.notebook,
                    parametrized=(bool(before.parts.parameters), bool(after.parameters)),
                )
            )
    inputs = [
        f"{name}  {_short(before.parts.inputs.get(name))} → {_short(after.inputs.get(name))}"
        for name in sorted({*before.parts.inputs, *after.inputs})
        if before.parts.inputs.get(name) != after.inputs.get(name)
    ]
    return "\n\n".join(part for part in (*parts, "\n".join(inputs)) if part)


def _code(root: Path, notebook: str, executed: str, parametrized: tuple[bool, bool]) -> str:
    """parametrized: whether parameters were given, then and now."""
    old = read_notebook(root / executed, executed, parametrized=parametrized[0])
    new = read_notebook(root / notebook, notebook, parametrized=parametrized[1])
    lines = [
        line if len(line) <= _WIDTH else f"{line[:_WIDTH]}…"
        for line in _changed_lines(old.cells, new.cells, old.name, new.name)
    ]
    more = len(lines) - _LINES
    return "\n".join(lines[:_LINES] + ([f"… {more} lines more"] if more > 0 else []))


def _changed_lines(
    before: Sequence[CodeCell], after: Sequence[CodeCell], old_name: str, new_name: str
) -> Iterator[str]:
    """A unified diff for each run of cells that differ; line numbers start again in each cell."""
    matcher = SequenceMatcher(
        None, [cell.source for cell in before], [cell.source for cell in after], autojunk=False
    )
    for operation, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        if operation == "equal":
            continue
        old, new = list(before[old_from:old_to]), list(after[new_from:new_to])
        for place in range(max(len(old), len(new))):
            first, second = (cells[place] if place < len(cells) else None for cells in (old, new))
            yield from unified_diff(
                first.source.splitlines() if first else [],
                second.source.splitlines() if second else [],
                f"{old_name}, cell {first.number}" if first else "/dev/null",
                f"{new_name}, cell {second.number}" if second else "/dev/null",
                n=1,
                lineterm="",
            )


def _short(identity: str | None) -> str:
    return (
        "none"
        if identity is None
        else identity
        if len(identity) <= _ID + 4
        else f"{identity[:_ID]}…"
    )
