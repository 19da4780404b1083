"""Code that opens datasets and columns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from ..core.refs import Ref
from ..core.snippets import (
    Snippets,
    frame,
    identifier,
    joined,
    line,
    lines,
    python,
    snippets,
    text,
    variable,
)

_ROWS = 100
"""That a query shows."""


def datasets(refs: Sequence[Ref]) -> Snippets:
    """The rows of datasets, each under a variable of its own."""
    found, taken = list[Snippets](), set[str]()
    for ref in refs:
        name = _free(variable(ref.name), taken)
        taken.add(name)
        found.append(dataset_code(ref.name, ref.at, name=name))
    return joined(found)


def dataset_code(dataset: str, at: str | None, *, name: str = "") -> Snippets:
    """The rows of a dataset. at: a snapshot of it. name: of the variable."""
    code = frame(name or variable(dataset), _scan(dataset, at))
    sql = f"SELECT * FROM {identifier(*dataset.split('.'))} LIMIT {_ROWS}"  # noqa: S608  # quoted
    whole = f"{dataset}@{at}" if at else dataset
    # SQL reads the newest snapshot.
    return snippets(**lines(code, "catalog", "show", whole), sql="" if at else sql)


def columns(refs: Sequence[Ref]) -> Snippets:
    """Columns; those of one dataset together."""
    return joined(
        [
            _columns(dataset, at, [ref.parts[-1] for ref in some])
            for (dataset, at), some in groupby(refs, lambda ref: (ref.parts[0], ref.at))
        ]
    )


def _columns(dataset: str, at: str | None, names: Sequence[str]) -> Snippets:
    # A variable of its own: the dataset's is usually the frame with all columns.
    own = variable(names[0]) if len(names) == 1 else f"{variable(dataset)}_columns"
    code = frame(own, f"{_scan(dataset, at)}.select({', '.join(map(text, names))})")
    if at:
        return snippets(python=python(code))
    listed = ", ".join(map(identifier, names))
    sql = f"SELECT {listed} FROM {identifier(*dataset.split('.'))} LIMIT {_ROWS}"  # noqa: S608  # quoted
    return snippets(
        python=python(code),
        magic=line("%catalog sql", sql),
        sql=sql,
        cli=line("mlinfra catalog sql", sql),
    )


def _scan(dataset: str, at: str | None) -> str:
    return f"ml.dataset({text(dataset)}).scan({f'snapshot={text(at)}' if at else ''})"


def _free(name: str, taken: set[str]) -> str:
    """The name, or the first of `name_2`, `name_3`… that is not taken."""
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found
