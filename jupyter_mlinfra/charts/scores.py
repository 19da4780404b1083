"""How well scores rank, and how well they are calibrated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..core.errors import BadRequest
from .binning import rates
from .style import REFERENCE, ROWS, SERIES, altair_ready, axis, colour, dashes, finished, need

if TYPE_CHECKING:
    import altair as alt
    import numpy as np
    import polars as pl

    from ..core.frames import Frame

    Floats = np.ndarray[Any, np.dtype[np.float64]]


def roc(frame: Frame, *, label: str, scores: Sequence[str], title: str = "") -> alt.LayerChart:
    """ROC curves; the area under each stands beside its name.

    frame: `label` (0 and 1, or booleans) and one column of scores per model.
    """
    import numpy as np
    import polars as pl

    alt = altair_ready()
    parts = []
    for name, hits, seen in _ranked(frame, label, scores):
        ones, zeros = hits[-1], seen[-1] - hits[-1]
        x, y = np.append(0.0, (seen - hits) / zeros), np.append(0.0, hits / ones)
        area = float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2))
        parts.append(_points(f"{name}  AUC {area:.3f}", x, y, len(scores)))
    names = [part["model"][0] for part in parts]
    diagonal = (
        alt.Chart(pl.DataFrame({"x": [0.0, 1.0], "y": [0.0, 1.0]}))
        .mark_line(strokeDash=[2, 3], color=REFERENCE, strokeWidth=1)
        .encode(x="x:Q", y="y:Q")
    )
    chart = alt.layer(
        diagonal, _lines(pl.concat(parts), names, "false positive rate", "true positive rate")
    )
    return finished(chart, title or "ROC curve", width=320, height=320)


def precision_recall(
    frame: Frame, *, label: str, scores: Sequence[str], title: str = ""
) -> alt.LayerChart:
    """Precision-recall curves; the average precision stands beside each name, the dotted line is
    the share of 1.

    frame: `label` (0 and 1, or booleans) and one column of scores per model.
    """
    import numpy as np
    import polars as pl

    alt = altair_ready()
    parts, share = [], 0.0
    for name, hits, seen in _ranked(frame, label, scores):
        recall, precision = hits / hits[-1], hits / seen
        average = float(np.sum(np.diff(recall, prepend=0.0) * precision))
        share = float(hits[-1] / seen[-1])
        parts.append(
            _points(
                f"{name}  AP {average:.3f}",
                np.append(0.0, recall),
                np.append(precision[0], precision),
                len(scores),
            )
        )
    names = [part["model"][0] for part in parts]
    level = (
        alt.Chart(pl.DataFrame({"x": [0.0, 1.0], "y": [share, share]}))
        .mark_line(strokeDash=[2, 3], color=REFERENCE, strokeWidth=1)
        .encode(x="x:Q", y="y:Q")
    )
    chart = alt.layer(level, _lines(pl.concat(parts), names, "recall", "precision"))
    return finished(chart, title or "Precision and recall", width=420, height=300)


def calibration(
    frame: Frame, *, label: str, score: str, bins: int = 10, title: str = ""
) -> alt.LayerChart:
    """Observed against predicted rate in bins of equal size, with 95 % Wilson intervals; on the
    diagonal they agree.

    frame: `label` (0 and 1, or booleans) and a column of probabilities.
    """
    import polars as pl

    alt = altair_ready()
    labels, values = _columns(frame, label, score)
    table = rates(labels, values, bins)
    top = float(max(table["predicted"].max(), table["high"].max()))  # type: ignore[arg-type, type-var]  # both columns are numbers
    scale = alt.Scale(domain=[0, top], nice=True)
    diagonal = (
        alt.Chart(pl.DataFrame({"x": [0.0, top], "y": [0.0, top]}))
        .mark_line(strokeDash=[2, 3], color=REFERENCE, strokeWidth=1)
        .encode(x="x:Q", y="y:Q")
    )
    base = alt.Chart(table).encode(
        x=alt.X(
            "predicted:Q", title="predicted rate", axis=axis(format="%", grid=False), scale=scale
        )
    )
    bars = base.mark_rule(color=SERIES[0]).encode(
        y=alt.Y("low:Q", title="observed rate", axis=axis(format="%"), scale=scale), y2="high:Q"
    )
    tooltip = [
        alt.Tooltip("rows:Q", format=","),
        *(
            alt.Tooltip(f"{name}:Q", format=".1%")
            for name in ("predicted", "observed", "low", "high")
        ),
    ]
    points = base.mark_line(
        color=SERIES[0], point=alt.OverlayMarkDef(color=SERIES[0], size=35), strokeWidth=1.5
    ).encode(y=alt.Y("observed:Q"), tooltip=tooltip)
    note = f"{len(labels):,} rows in {table.height} bins of equal size"
    return finished(
        alt.layer(diagonal, bars, points),
        title or f"Calibration of {score}",
        note,
        width=320,
        height=320,
    )


def _columns(frame: Frame, label: str, score: str) -> tuple[Floats, Floats]:
    import numpy as np

    frame = need(frame, label, score)
    labels, values = frame[label].cast(float).to_numpy(), frame[score].cast(float).to_numpy()
    if not np.isfinite(values).all() or not np.isin(labels, (0.0, 1.0)).all():
        raise BadRequest(
            f"{score} cannot be judged.",
            "A score is missing or infinite, or a label is neither 0 nor 1.",
            "Drop those rows.",
        )
    if labels.min() == labels.max():
        raise BadRequest(
            "All labels are the same.",
            f"Every one of the {len(labels)} rows is {int(labels[0])}.",
            "Judge on data that hold both.",
        )
    return labels, values


def _ranked(frame: Frame, label: str, scores: Sequence[str]) -> list[tuple[str, Floats, Floats]]:
    """For each score: hits and rows seen at each distinct threshold, from the highest down."""
    import numpy as np

    ranked = []
    for name in scores:
        labels, values = _columns(frame, label, name)
        order = np.argsort(-values, kind="stable")
        ends = np.flatnonzero(np.append(np.diff(values[order]) != 0, True))
        ranked.append((name, np.cumsum(labels[order])[ends], (ends + 1).astype(np.float64)))
    if not ranked:
        raise BadRequest(
            "There is nothing to draw.",
            "No score column was named.",
            "For example scores=['model'].",
        )
    return ranked


def _points(name: str, x: Floats, y: Floats, curves: int) -> pl.DataFrame:
    """A curve with few enough points, including its ends."""
    import numpy as np
    import polars as pl

    indices = np.unique(np.linspace(0, len(x) - 1, min(len(x), 500, ROWS // curves)).astype(int))
    return pl.DataFrame(
        {
            "model": [name] * len(indices),
            "place": np.arange(len(indices)),
            "x": x[indices],
            "y": y[indices],
        }
    )


def _lines(frame: pl.DataFrame, names: Sequence[str], x: str, y: str) -> Any:
    alt = altair_ready()
    unit = alt.Scale(domain=[0, 1])
    return (
        alt.Chart(frame)
        .mark_line(strokeWidth=1.5, clip=True)
        .encode(
            x=alt.X("x:Q", title=x, axis=axis(grid=False), scale=unit),
            y=alt.Y("y:Q", title=y, axis=axis(), scale=unit),
            order="place:Q",
            color=colour("model", names),
            strokeDash=dashes("model", names),
            tooltip=[
                "model",
                alt.Tooltip("x:Q", title=x, format=".3f"),
                alt.Tooltip("y:Q", title=y, format=".3f"),
            ],
        )
    )
