"""What a reference learns from labels: calibration, a sample, and models of the error."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.files import write_atomic
from ...core.value_names import value_name
from ...deployments import is_output
from ..figures import PerformanceEstimate
from ..labels.classes import are_places, classes_of
from ..measures import error_models, estimating, shifting
from ..measures.answers import probabilities_of
from ..measures.encoding import encoded, levels_of_inputs

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from .profiles import Reference

SAMPLE = 20_000
"""Labelled rows that are kept beside a reference, evenly spread; only with labels are rows kept."""

LEAST = 100
"""Fewer labelled rows calibrate nothing."""

NO_SAMPLE = "The reference has no labelled rows of a classifier with probabilities."

_LABEL = ".label"


def learned(
    reference: Reference,
    path: Path,
    rows: pl.DataFrame,
    inputs: Sequence[str],
    truth: pl.Series,
    answers: str,
) -> Reference:
    """The reference with what labelled rows show. rows: the inputs, and the answers as in the
    payload log. truth: values, or numbers or names of classes. path: of the reference,
    beside which a sample and the models of the error are kept.
    """
    import numpy as np
    import polars as pl

    if rows["prediction"].dtype == pl.String:
        answers = "classes"  # names, also where the deployment is not said to answer classes
    if answers in ("classes", "probabilities"):
        reference = replace(reference, classes=classes_of(truth))
    labels = _numbers(truth, reference.classes, answers)
    known = np.isfinite(labels)
    rows, labels = rows.filter(pl.Series(known)), labels[known]
    if len(labels) < LEAST:
        return reference
    if answers == "values":
        error_models.fit(path, rows, inputs, labels)
        return replace(reference, errors=error_models.of(path))
    if answers != "probabilities":
        return reference
    if reference.classes and len(reference.classes) > probabilities_of(rows).shape[1]:
        return reference
    kept = rows.with_columns(pl.Series(_LABEL, labels)).gather_every(-(-len(labels) // SAMPLE))
    memory = io.BytesIO()
    kept.write_parquet(memory, compression="zstd")
    write_atomic(_sample(path), memory.getvalue())
    return replace(reference, calibrations=shifting.calibrations_of(probabilities_of(rows), labels))


def _numbers(truth: pl.Series, classes: Sequence[str], answers: str) -> np.ndarray:
    """True values; for probabilities a class as its place among the classes."""
    import polars as pl

    if answers != "probabilities" or are_places(classes):
        return truth.cast(pl.Float64, strict=False).to_numpy()
    texts = truth.cast(pl.String)
    if truth.dtype.is_numeric():
        texts = pl.Series([None if item is None else value_name(item) for item in truth])
    places = {name: float(place) for place, name in enumerate(classes)}
    return texts.replace_strict(places, default=None, return_dtype=pl.Float64).to_numpy()


def has_sample(path: Path) -> bool:
    """Whether labelled rows are kept beside a reference."""
    return _sample(path).exists()


def estimated_under_shift(path: Path, rows: pl.DataFrame) -> PerformanceEstimate | str:
    """PAPE of logged rows, or why there is none. path: of the reference."""
    import polars as pl

    if not has_sample(path):
        return NO_SAMPLE
    if error_models.without_xgboost():
        return "That needs XGBoost: pip install 'jupyter-mlinfra[xgboost]'"
    if rows.height < LEAST:
        return f"The window has {rows.height} answered rows; {LEAST} are needed."
    sample = pl.read_parquet(_sample(path))
    inputs = [
        name.removeprefix("input.")
        for name in sample.columns
        if name != _LABEL and not is_output(name)
    ]
    levels = levels_of_inputs(sample, inputs)
    metrics = shifting.pape(
        encoded(sample, levels),
        probabilities_of(sample),
        sample[_LABEL].to_numpy(),
        encoded(rows, levels),
        probabilities_of(rows),
    )
    return PerformanceEstimate(
        method="PAPE", metrics=metrics, rows=rows.height, caveat=estimating.BLIND
    )


def _sample(path: Path) -> Path:
    return path.with_name(f"{path.stem}.sample.parquet")
