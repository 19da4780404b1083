"""The places in the code of a maker that have to do with a column, and what became of them."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from ...core.errors import MLInfraError, Unprocessable
from ...core.files import read_regular, real_path
from ...notebooks.parameters import language_of, read_notebook
from . import naming
from .comparing import changed, excerpt
from .makers import Maker
from .naming import Found, Piece
from .spec import CausePlace, Change

if TYPE_CHECKING:
    from ...jobs import Jobs, SnapshotFiles

SHOWN = 5
"""At most so many places of a source are shown."""
MOST_CODE = 2_000_000
"""Characters of the modules of a notebook that are read."""
MOST_NAMES = 10_000
"""So many imported names are looked for among the modules of the project."""
MODULE_BYTES = 1_000_000

_ORDER = ("assigns", "names", "ran", "writes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """items: the most telling first, at most `SHOWN` of `named`."""

    items: Sequence[CausePlace] = ()
    named: int = 0
    reasons: Sequence[str] = field(default=())


type _Read = Callable[[str], str | None]
"""A module of the project by its path, None if there is none."""


def places_of(maker: Maker, column: str, dataset: str, *, jobs: Jobs, root: Path) -> Places:
    """Where the notebook of a maker, or a module of the project that it imports, has to do with the
    column; if no cell has, the cell that writes the dataset. Nothing is run.
    """
    if not (maker.executed or maker.notebook):
        return Places()
    try:
        content = _content(maker, jobs, root)
    except MLInfraError as error:
        return Places(reasons=(str(error),))
    cells = naming.cells_of(content)
    python = language_of(content) == "python"
    name = maker.notebook or maker.executed
    found = [(name, item) for item in naming.naming(cells, column, python=python)]
    read = _reader(maker.job, jobs, root)
    complete = True
    if python and not any(item.how == "assigns" for _, item in found):
        more, complete = _in_modules(cells, name, column, read)
        found += more
    known = [item.piece for _, item in found]
    ran = [cell for cell in cells if cell.key == maker.cell != "" and cell not in known]
    found += [(name, Found(cell, "ran", 1)) for cell in ran]
    reasons = [] if found else [f"No code of {name} names {column} literally."]
    if not complete:
        reasons.append(f"{name} imports so much code of the project that only a part was read.")
    if all(item.piece.number is None for _, item in found) and (
        writes := naming.writing(cells, dataset)
    ):
        found.append((name, writes))
    found.sort(key=lambda item: _ORDER.index(item[1].how))
    then, why = _later(maker, jobs)
    read_later = _reader(maker.later[1].job or "", jobs, root) if maker.later else read
    return Places(
        items=[
            _place(file, item, *_became(file, item, maker, then, read_later, name, column))
            for file, item in found[:SHOWN]
        ],
        named=len(found),
        reasons=[*reasons, *why],
    )


def _content(maker: Maker, jobs: Jobs, root: Path) -> Mapping[str, Any]:
    """The notebook as it ran; one that was run by hand, as it is now."""
    if maker.executed:
        found = jobs.executed(maker.executed)
        return found.content if found else {"cells": []}
    try:
        path = real_path(root / maker.notebook)
    except (OSError, ValueError) as error:
        raise Unprocessable(f"{maker.notebook} cannot be read.", f"{error}.") from error
    if not path.is_relative_to(root.resolve()):
        raise Unprocessable(f"{maker.notebook} is not read.", "It is not below the project.")
    return read_notebook(path, maker.notebook)


def _later(maker: Maker, jobs: Jobs) -> tuple[list[Piece] | None, list[str]]:
    """The cells of the newest run of the step, None if there is no other; and why not, if they
    cannot be read.
    """
    if maker.later is None or maker.later[1].job == maker.job:
        return None, []
    executed = maker.later[1].notebook
    try:
        found = jobs.executed(executed) if executed else None
        return (naming.cells_of(found.content), []) if found else (None, [])
    except MLInfraError as error:
        return None, [f"The newest run cannot be compared: {error}"]


def _became(
    file: str,
    item: Found,
    maker: Maker,
    then: list[Piece] | None,
    read: _Read,
    notebook: str,
    column: str,
) -> tuple[Change, str]:
    """What the newest run of the step has in that place."""
    if not maker.step:
        return "unknown", ""
    if maker.later is None:
        return "no later run", ""
    run, step = maker.later
    if step.job == maker.job:  # taken from the cache: its code was the same
        return "unchanged", ""
    if file != notebook:
        text = read(file)
        then = None if text is None else naming.statements_of(text)
    if then is None:
        return "unknown", ""
    alike = (other.piece for other in naming.naming(then, column) if other.how == item.how)
    return changed(
        item.piece,
        then,
        names=(f"{file} in {maker.run}", f"{file} in {run.run}"),
        instead=next(alike, None),
    )


def _place(file: str, item: Found, change: Change, diff: str) -> CausePlace:
    first, source = excerpt(item.piece.source, item.line)
    above = item.piece.line - 1
    return CausePlace(
        file=file,
        cell=item.piece.number,
        how=item.how,
        line=above + item.line,
        first_line=above + first,
        source=source,
        change=change,
        diff=diff,
    )


def _in_modules(
    cells: Sequence[Piece], notebook: str, column: str, read: _Read
) -> tuple[list[tuple[str, Found]], bool]:
    """What the notebook uses of the project's modules that it imports, directly or not; and whether
    all of them were read.
    """
    folder = PurePosixPath(notebook).parent
    names = deque(_own(naming.imported(cells)))
    asked, seen = set[str](), set[str]()
    known: dict[Piece, str] = {}
    code = 0
    while names and len(asked) < MOST_NAMES and code < MOST_CODE:
        name = names.popleft()
        if name in asked:
            continue
        asked.add(name)
        path, text = _module(name, folder, read)
        if text is None or path in seen:
            continue
        seen.add(path)
        code += len(text)
        statements = naming.statements_of(text)
        names += _own(naming.imported(statements))
        known |= dict.fromkeys(statements, path)
    complete = not set(names) - asked
    used = naming.reached(cells, list(known))
    return [(known[item.piece], item) for item in naming.naming(used, column)], complete


def _own(modules: Sequence[str]) -> list[str]:
    """The modules without those of Python itself."""
    return [name for name in modules if name.partition(".")[0] not in sys.stdlib_module_names]


def _module(name: str, folder: PurePosixPath, read: _Read) -> tuple[str, str | None]:
    """The path and the text of a module beside the notebook or at the root of the project."""
    place = name.replace(".", "/")
    for base in dict.fromkeys([folder, PurePosixPath()]):
        for end in (".py", "/__init__.py"):
            path = (base / f"{place}{end}").as_posix()
            if (text := read(path)) is not None:
                return path, text
    return "", None


def _reader(job: str, jobs: Jobs, root: Path) -> _Read:
    """Reads modules as a job ran them; without a job, as they are now."""

    @cache
    def kept() -> SnapshotFiles:
        return jobs.files(job)

    def read(path: str) -> str | None:
        try:
            if job:
                body = kept().read(path)
            else:
                place = real_path(root / path)
                if not place.is_relative_to(root.resolve()):
                    return None
                body = read_regular(place, MODULE_BYTES + 1)
        except (MLInfraError, OSError, ValueError):
            return None
        return body.decode(errors="replace") if 0 < len(body) <= MODULE_BYTES else None

    return read
