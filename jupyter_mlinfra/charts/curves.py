"""Metrics over steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.errors import BadRequest
from .style import ROWS, WIDTH, altair_ready, axis, colour, dashes, finished, need

if TYPE_CHECKING:
    import altair as alt
    import polars as pl

    from ..core.frames import Frame

LINES = 200
"""The most curves in one chart."""


def metric_curves(frame: Frame, *, metric: str = "value", title: str = "") -> alt.LayerChart:
    """Curves of one metric, each with the band between its smallest and largest value, so that
    spikes stay visible.

    frame: run, step, low, mean, high (as from `Comparison.frame`). A click on a name in the legend
    highlights its curve.
    """
    import polars as pl

    alt = altair_ready()
    frame = need(frame, "run", "step", "low", "mean", "high")
    finite = frame.filter(pl.all_horizontal(pl.col("low", "mean", "high").is_finite()))
    names = finite["run"].unique(maintain_order=True).to_list()
    if not 1 <= len(names) <= LINES:
        raise BadRequest(
            f"{len(names)} curves cannot be drawn.",
            f"A chart holds 1 to {LINES} of them.",
            "Choose fewer runs.",
        )
    drawn = _thinned(finite, min(WIDTH, ROWS // len(names)))
    selection = alt.selection_point(fields=["run"], bind="legend")
    highlighted = alt.value(1.0)
    base = alt.Chart(drawn).encode(
        x=alt.X("step:Q", title="step", axis=axis(grid=False), scale=alt.Scale(nice=False)),
        color=colour("run", names),
    )
    band = base.mark_area(opacity=0.18).encode(
        y=alt.Y("low:Q", title=metric, axis=axis(), scale=alt.Scale(zero=False)),
        y2="high:Q",
        opacity=alt.condition(selection, alt.value(0.18), alt.value(0.04)),
    )
    line = base.mark_line(strokeWidth=1.5).encode(
        y=alt.Y("mean:Q", title=metric),
        strokeDash=dashes("run", names),
        opacity=alt.condition(selection, highlighted, alt.value(0.15)),
        tooltip=[
            "run",
            "step",
            alt.Tooltip("low:Q", format=".4g"),
            alt.Tooltip("mean:Q", format=".4g"),
            alt.Tooltip("high:Q", format=".4g"),
        ],
    )
    note = (
        f"{drawn.height:,} of {frame.height:,} buckets; the band keeps the smallest and largest"
        " value"
        if drawn.height < frame.height
        else ""
    )
    return finished(alt.layer(band, line).add_params(selection), title or f"{metric} by step", note)


def _thinned(frame: pl.DataFrame, points: int) -> pl.DataFrame:
    """At most `points` buckets of steps per run, with the smallest, mean and largest value
    of each.
    """
    import polars as pl

    low, high = pl.col("step").min().over("run"), pl.col("step").max().over("run")
    bucket = (pl.col("step") - low) // ((high - low) // points + 1)
    buckets = frame.group_by("run", bucket.alias("bucket"), maintain_order=True).agg(
        pl.col("step").min(), pl.col("low").min(), pl.col("mean").mean(), pl.col("high").max()
    )
    return buckets.drop("bucket")
