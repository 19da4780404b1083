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
from .names import DatasetName

_ROWS = 100
"""That a query shows."""


def datasets(refs: Sequence[Ref]) -> Snippets:
    """The rows of datasets, each under a variable of its own; of two snapshots of one dataset, with
    the newer one first as lists have them, how they differ.
    """
    if len(refs) == 2 and refs[0].name == refs[1].name and refs[0].at and refs[1].at:
        return diff_code(DatasetName.of(refs[0].name).asked, refs[1].at, refs[0].at)
    codes, names = list[Snippets](), set[str]()
    for ref in refs:
        name = _free(variable(ref.name), names)
        names.add(name)
        codes.append(dataset_code(DatasetName.of(ref.name).asked, ref.at, name=name))
    return joined(codes)


def dataset_code(dataset: str, at: str | None, *, name: str = "") -> Snippets:
    """The rows of a dataset. at: a snapshot of it. name: of the variable."""
    code = frame(name or variable(dataset), scan_code(dataset, at))
    sql = f"SELECT * FROM {identifier(*dataset.split('.'))} LIMIT {_ROWS}"  # noqa: S608  # quoted
    reference = f"{dataset}@{at}" if at else dataset
    # SQL reads the newest snapshot, and no table by a reference.
    without = at or dataset.startswith("dataset:")
    return snippets(**lines(code, "catalog", "show", reference), sql="" if without else sql)


def diff_code(dataset: str, before: str, after: str) -> Snippets:
    """How two snapshots of a dataset differ."""
    code = f"ml.dataset({text(dataset)}).diff({text(before)}, {text(after)})"
    return snippets(**lines(code, "catalog", "diff", dataset, before, after))


def columns(refs: Sequence[Ref]) -> Snippets:
    """Columns; those of one dataset together."""
    return joined(
        [
            _columns(DatasetName.of(dataset).asked, at, [ref.parts[-1] for ref in group])
            for (dataset, at), group in groupby(refs, lambda ref: (ref.parts[0], ref.at))
        ]
    )


def _columns(dataset: str, at: str | None, names: Sequence[str]) -> Snippets:
    # A variable of its own: the dataset's is usually the frame with all columns.
    variable_name = variable(names[0]) if len(names) == 1 else f"{variable(dataset)}_columns"
    code = frame(variable_name, f"{scan_code(dataset, at)}.select({', '.join(map(text, names))})")
    if at or dataset.startswith("dataset:"):
        return snippets(python=python(code))
    column_list = ", ".join(map(identifier, names))
    sql = f"SELECT {column_list} FROM {identifier(*dataset.split('.'))} LIMIT {_ROWS}"  # noqa: S608  # quoted
    return snippets(
        python=python(code),
        magic=line("%catalog sql", sql),
        sql=sql,
        cli=line("mlinfra catalog sql", sql),
    )


def scan_code(dataset: str, at: str | None) -> str:
    """The lazy frame of its rows."""
    return f"ml.dataset({text(dataset)}).scan({f'snapshot={text(at)}' if at else ''})"


def _free(name: str, taken: set[str]) -> str:
    """The name, or the first of `name_2`, `name_3`… that is not taken."""
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    return candidate
