"""Columns of a data set: how one is distributed, how one depends on others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.errors import BadRequest
from .style import HEAT, ROWS, SERIES, altair_ready, axis, finished, need

if TYPE_CHECKING:
    import altair as alt
    import polars as pl

    from ..core.frames import Frame

VALUES = 30
"""The most bars for a column of words."""

BARS = 60


def histogram(
    frame: Frame,
    column: str,
    *,
    bins: int = 40,
    limits: tuple[float, float] | None = None,
    title: str = "",
) -> alt.Chart:
    """How the values of a column are distributed. They are counted here, so any number of rows is
    fine.

    Numbers and times fall into equal bins, between `limits` if given; words and booleans are
    counted, the most frequent first. Missing values, and those outside of the limits, are counted
    below the title.
    """
    alt = altair_ready()
    frame = need(frame, column)
    if not 1 <= bins <= 500:
        raise BadRequest(f"bins={bins} is out of range.", "A histogram has 1 to 500 bins.")
    dtype = frame[column].dtype
    if not (dtype.is_numeric() or dtype.is_temporal()):
        return _value_counts(frame, column, title)
    counts, note = _bins(frame[column], bins, limits)
    axis_type = "T" if dtype.is_temporal() else "Q"
    chart = (
        alt.Chart(counts)
        .mark_rect(color=SERIES[0])  # a bar would need to know that times are binned
        .encode(
            x=alt.X(
                f"low:{axis_type}", title=column, axis=axis(grid=False), scale=alt.Scale(nice=False)
            ),
            x2="high",
            y=alt.Y("rows:Q", title="rows", axis=axis(), scale=alt.Scale(zero=True)),
            y2=alt.Y2Datum(0),
            tooltip=[
                alt.Tooltip(f"low:{axis_type}"),
                alt.Tooltip(f"high:{axis_type}"),
                alt.Tooltip("rows:Q", format=","),
            ],
        )
    )
    return finished(chart, title or f"Distribution of {column}", note, height=180)


def bars(
    frame: Frame,
    *,
    x: str,
    y: str,
    low: str = "",
    high: str = "",
    format: str = ".3~g",
    title: str = "",
) -> alt.LayerChart:
    """A bar for each row, in the order of the frame: `x` its length, `y` its name, `low` and `high`
    the ends of an interval.

    At most 60 rows are drawn; the note below the title mentions the rest.
    """
    alt = altair_ready()
    frame = need(frame, x, y, *(name for name in (low, high) if name))
    drawn = frame.head(BARS)
    names = drawn[y].cast(str).to_list()
    base = alt.Chart(drawn).encode(
        y=alt.Y(f"{_field(y)}:N", sort=names, title=None, axis=axis(grid=False, labelLimit=220))
    )
    tooltip = [
        alt.Tooltip(f"{_field(y)}:N"),
        *(alt.Tooltip(f"{_field(name)}:Q", format=format) for name in (x, low, high) if name),
    ]
    layers = [
        base.mark_bar(color=SERIES[0]).encode(
            x=alt.X(f"{_field(x)}:Q", title=x, axis=axis(format=format)), tooltip=tooltip
        )
    ]
    if low and high:
        layers.append(
            base.mark_rule(strokeWidth=1.5, color=SERIES[1]).encode(
                x=alt.X(f"{_field(low)}:Q"), x2=_field(high), tooltip=tooltip
            )
        )
    note = f"the first {BARS} of {frame.height:,}" if frame.height > BARS else ""
    return finished(
        alt.layer(*layers), title or f"{x} by {y}", note, height=max(60, 18 * drawn.height)
    )


def heat_map(
    frame: Frame,
    *,
    x: str,
    y: str,
    value: str,
    least: int = 1,
    format: str = ".3~g",
    title: str = "",
) -> alt.Chart:
    """The mean of `value` in each pair of `x` and `y`, as a colour; pairs of fewer than `least`
    rows stay empty.

    The mean is computed here: the frame may hold one row per pair, or millions.
    """
    alt = altair_ready()
    drawn, note = _cells(need(frame, x, y, value), x, y, value, least)
    chart = (
        alt.Chart(drawn)
        .mark_rect()
        .encode(
            x=alt.X(f"{_field(x)}:O", title=x, axis=axis(labelAngle=0)),
            y=alt.Y(f"{_field(y)}:O", title=y, axis=axis()),
            color=alt.Color(
                "mean:Q",
                title=value,
                scale=alt.Scale(range=HEAT),
                legend=alt.Legend(format=format, labelFontSize=11, titleFontSize=11),
            ),
            tooltip=[
                alt.Tooltip(f"{_field(x)}:O"),
                alt.Tooltip(f"{_field(y)}:O"),
                alt.Tooltip("mean:Q", title=value, format=format),
                alt.Tooltip("rows:Q", format=","),
            ],
        )
    )
    return finished(chart, title or f"{value} by {x} and {y}", note)


def _cells(frame: pl.DataFrame, x: str, y: str, value: str, least: int) -> tuple[pl.DataFrame, str]:
    """x, y, mean and rows of each pair with at least `least` rows, and a note about the others."""
    import polars as pl

    cells = (
        frame.drop_nulls([x, y, value])
        .group_by(x, y)
        .agg(pl.col(value).cast(pl.Float64).mean().alias("mean"), pl.len().alias("rows"))
    )
    drawn = cells.filter(pl.col("rows") >= least).sort(y, x)
    if drawn.is_empty():
        raise BadRequest(
            "There is nothing to draw.",
            f"No pair of {x} and {y} has {least} rows.",
            "Ask for fewer rows a pair.",
        )
    if drawn.height > ROWS:
        raise BadRequest(
            f"{drawn.height:,} cells are too many.",
            f"A heat map holds {ROWS:,}.",
            f"Group {x} or {y} more coarsely.",
        )
    empty = cells.height - drawn.height
    return drawn, f"{empty} of {cells.height} cells have fewer than {least} rows" if empty else ""


def _bins(
    series: pl.Series, bins: int, limits: tuple[float, float] | None
) -> tuple[pl.DataFrame, str]:
    """Equal bins with low, high and rows; the last one includes its upper edge."""
    import numpy as np
    import polars as pl

    dtype = series.dtype
    if dtype in (pl.Date, pl.Time):
        series, dtype = (
            series.cast(pl.Datetime("us") if dtype == pl.Date else pl.Duration("us")),
            pl.Datetime("us") if dtype == pl.Date else pl.Duration("us"),
        )
    numbers = series.cast(pl.Int64) if dtype.is_temporal() else series.cast(pl.Float64)
    values = numbers.drop_nulls().to_numpy()
    finite = values[np.isfinite(values)]
    if not len(finite):
        raise BadRequest(
            "There is nothing to draw.", f"{series.name} holds no value.", "Choose another column."
        )
    low, high = limits or (finite.min(), finite.max())
    if high <= low:
        high = low + 1
    inside = finite[(finite >= low) & (finite <= high)]
    rows, edges = np.histogram(inside, bins=bins, range=(low, high))
    columns: dict[str, Any] = {"low": edges[:-1], "high": edges[1:], "rows": rows}
    frame = pl.DataFrame(columns)
    if dtype.is_temporal():
        frame = frame.with_columns(pl.col("low", "high").cast(pl.Int64).cast(dtype))
    notes = [f"{len(series):,} rows"]
    notes += [f"{len(series) - len(finite):,} missing"] if len(finite) < len(series) else []
    notes += (
        [f"{len(finite) - len(inside):,} outside of {low:g} to {high:g}"]
        if len(inside) < len(finite)
        else []
    )
    return frame, "; ".join(notes)


def _value_counts(frame: pl.DataFrame, column: str, title: str) -> Any:
    import polars as pl

    alt = altair_ready()
    values = frame.select(pl.col(column).cast(pl.String).alias("value")).drop_nulls()
    counts = (
        values.group_by("value")
        .agg(pl.len().alias("rows"))
        .sort("rows", "value", descending=[True, False])
    )
    if counts.is_empty():
        raise BadRequest(
            "There is nothing to draw.", f"{column} holds no value.", "Choose another column."
        )
    drawn = counts.head(VALUES)
    chart = (
        alt.Chart(drawn)
        .mark_bar(color=SERIES[0])
        .encode(
            y=alt.Y(
                "value:N",
                sort=drawn["value"].to_list(),
                title=None,
                axis=axis(grid=False, labelLimit=220),
            ),
            x=alt.X("rows:Q", title="rows", axis=axis()),
            tooltip=["value", alt.Tooltip("rows:Q", format=",")],
        )
    )
    notes = [f"{frame.height:,} rows"]
    notes += [f"{frame.height - values.height:,} missing"] if values.height < frame.height else []
    notes += (
        [f"the {VALUES} most frequent of {counts.height:,} values"]
        if counts.height > VALUES
        else []
    )
    return finished(
        chart,
        title or f"Distribution of {column}",
        "; ".join(notes),
        height=max(60, 18 * drawn.height),
    )


def _field(name: str) -> str:
    """A column's name for Altair's shorthand, in which dots, brackets and colons have a meaning."""
    return "".join(f"\\{char}" if char in ".[]:\\" else char for char in name)
