"""The answers of logged rows: one value, or the probabilities of classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


def outputs_of(rows: pl.DataFrame) -> np.ndarray:
    """The answers as a matrix: n rows, one column per output; missing ones, and names of classes,
    as NaN.
    """
    import numpy as np
    import polars as pl

    names = ["prediction"]
    while f"prediction_{len(names)}" in rows.columns:
        names.append(f"prediction_{len(names)}")
    return np.asarray(rows.select(pl.col(names).cast(pl.Float64, strict=False)).to_numpy())


def probabilities_of(rows: pl.DataFrame) -> np.ndarray:
    """The probabilities of the classes: n rows, one column per class, at least two. A single
    output is that of class 1.
    """
    import numpy as np

    outputs = outputs_of(rows)
    return np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs
