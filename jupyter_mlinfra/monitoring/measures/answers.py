"""The answers of logged rows: one value, or the probabilities of classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from .drift import ColumnReference

MOST_OUTPUTS = 50
"""Of more outputs, the first so many are measured apart."""

_SLACK = 1e-3
"""By how much the probabilities of a row may miss 1."""


def answer_columns(rows: pl.DataFrame) -> list[str]:
    """The columns of the answers, in their order: up to the last that has a value, as rows of one
    version have empty columns beside those of another with more outputs.
    """
    names = ["prediction"]
    while f"prediction_{len(names)}" in rows.columns:
        names.append(f"prediction_{len(names)}")
    while len(names) > 1 and rows[names[-1]].null_count() == rows.height:
        names.pop()
    return names


def output_columns(rows: pl.DataFrame) -> list[str]:
    """The columns of several outputs, at most `MOST_OUTPUTS`; none of one output alone. rows: of
    one version.
    """
    names = answer_columns(rows)[:MOST_OUTPUTS]
    return names if len(names) > 1 else []


def output_names(count: int, profiles: Sequence[ColumnReference]) -> list[str]:
    """The names of several outputs: those of their profiles in the reference, else their places."""
    known = {column.source: column.name for column in profiles}
    sources = ("prediction", *(f"prediction_{place}" for place in range(1, count)))
    return [known.get(source) or str(place) for place, source in enumerate(sources[:count])]


def are_probabilities(outputs: np.ndarray) -> bool:
    """Whether several outputs are the probabilities of as many classes. outputs: n rows, one column
    per output.
    """
    import numpy as np

    if outputs.dtype == object or not 1 < outputs.shape[1] <= MOST_OUTPUTS or not len(outputs):
        return False
    known = outputs[np.isfinite(outputs).all(axis=1)]
    sums = known.sum(axis=1)
    return bool(len(known) and (known >= 0).all() and (abs(sums - 1) < _SLACK).all())


def predicted_classes(rows: pl.DataFrame, names: Sequence[str]) -> pl.Series:
    """The class with the largest probability in each row; null where one is missing. names: of the
    outputs.
    """
    import numpy as np
    import polars as pl

    outputs = outputs_of(rows)[:, : len(names)]
    known = np.isfinite(outputs).all(axis=1)
    places = np.where(known, np.nan_to_num(outputs).argmax(axis=1), -1)
    return pl.Series("class", [names[place] if place >= 0 else None for place in places], pl.String)


def outputs_of(rows: pl.DataFrame) -> np.ndarray:
    """The answers as a matrix: n rows, one column per output; missing ones, and names of classes,
    as NaN. rows: of one version.
    """
    import numpy as np
    import polars as pl

    answers = rows.select(pl.col(answer_columns(rows)).cast(pl.Float64, strict=False))
    return np.asarray(answers.to_numpy())


def probabilities_of(rows: pl.DataFrame) -> np.ndarray:
    """The probabilities of the classes: n rows, one column per class, at least two. A single
    output is that of class 1.
    """
    import numpy as np

    outputs = outputs_of(rows)
    return np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs
