"""A reference compared with a window."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from ..core.errors import BadRequest
from ..core.records import MASK
from ..core.value_names import value_name
from .style import REFERENCE, SERIES, altair_ready, axis, colour, finished, need

if TYPE_CHECKING:
    import altair as alt

    from ..core.frames import Frame

FEATURES = 40
"""The most bars of `psi_bars`; the largest are drawn."""

BINS = 200


def distribution(
    edges: Sequence[float | str],
    reference: Sequence[float],
    window: Sequence[float],
    *,
    kind: str = "number",
    title: str = "",
) -> alt.LayerChart:
    """Two distributions over the same bins: the reference as wide grey bars, the window as narrow
    ones in front of them.

    edges: inner edges of numeric bins (one fewer than bins; a bin holds its upper edge), or names
    of categories. kind: `number`; with `discrete` or `category` the edges are the values
    themselves, and one more bin holds all others. reference, window: fractions of each bin.
    """
    import polars as pl

    alt = altair_ready()
    if (
        len(reference) != len(window)
        or len(reference) - len(edges) not in (0, 1)
        or not 1 <= len(reference) <= BINS
    ):
        raise BadRequest(
            "The distributions do not fit together.",
            f"{len(edges)} edges, {len(reference)} bins of the reference, {len(window)} of the"
            " window.",
            f"Give 1 to {BINS} bins each, and inner edges or one name a bin.",
        )
    names = _bin_names(edges, len(reference), kind)
    frame = pl.DataFrame(
        {
            "bin": names * 2,
            "series": ["reference"] * len(names) + ["window"] * len(names),
            "fraction": [*map(float, reference), *map(float, window)],
        }
    )
    base = alt.Chart(frame).encode(
        x=alt.X("bin:N", sort=names, title=None, axis=axis(labelAngle=-40, grid=False)),
        y=alt.Y("fraction:Q", title="fraction of rows", axis=axis(format="%"), stack=None),
        color=colour(
            "series", ["reference", "window"], colours=[REFERENCE, SERIES[0]], lines=False
        ),
        tooltip=["bin", "series", alt.Tooltip("fraction:Q", format=".2%")],
    )
    wide = base.transform_filter("datum.series == 'reference'").mark_bar(
        width=alt.RelativeBandSize(0.9), opacity=0.55
    )
    narrow = base.transform_filter("datum.series == 'window'").mark_bar(
        width=alt.RelativeBandSize(0.45)
    )
    return finished(alt.layer(wide, narrow), title or "Reference and window")


def psi_bars(frame: Frame, *, threshold: float = 0.2, title: str = "") -> alt.LayerChart:
    """Population stability index of each feature, largest first; those above the threshold are
    highlighted.

    frame: feature, psi. A missing psi is left out and counted below the title.
    """
    import polars as pl

    alt = altair_ready()
    frame = need(frame, "feature", "psi")
    finite = frame.filter(pl.col("psi").is_finite())
    if finite.is_empty():
        raise BadRequest(
            "There is nothing to draw.", "No feature has a PSI.", "Wait for more requests."
        )
    largest = finite.sort("psi", "feature", descending=[True, False]).head(FEATURES)
    drawn = largest.select(
        "feature",
        "psi",
        state=pl.when(pl.col("psi") > threshold)
        .then(pl.lit("drifted"))
        .otherwise(pl.lit("stable")),
    )
    bars = (
        alt.Chart(drawn)
        .mark_bar()
        .encode(
            y=alt.Y(
                "feature:N",
                sort=drawn["feature"].to_list(),
                title=None,
                axis=axis(grid=False, labelLimit=200),
            ),
            x=alt.X("psi:Q", title="PSI", axis=axis()),
            color=colour(
                "state", ["drifted", "stable"], colours=[SERIES[1], SERIES[0]], lines=False
            ),
            tooltip=["feature", alt.Tooltip("psi:Q", format=".3f"), "state"],
        )
    )
    limit = (
        alt.Chart(pl.DataFrame({"psi": [threshold]}))
        .mark_rule(strokeDash=[4, 3], color=REFERENCE)
        .encode(x="psi:Q")
    )
    above = int((drawn["psi"] > threshold).sum())
    notes = [f"{above} of {drawn.height} above {threshold:g}"]
    notes += [f"the largest {drawn.height} of {finite.height}"] * (drawn.height < finite.height)
    notes += [f"{frame.height - finite.height} without PSI"] * (finite.height < frame.height)
    return finished(
        alt.layer(bars, limit),
        title or "Drift by feature",
        "; ".join(notes),
        height=max(60, 18 * drawn.height),
    )


def _bin_names(edges: Sequence[float | str], bins: int, kind: str) -> list[str]:
    numbers = [edge for edge in edges if not isinstance(edge, str)]
    if kind == "number" and edges and all(str(edge).startswith(MASK) for edge in edges):
        texts = [str(edge) for edge in edges]
        return [f"≤ {texts[0]}", *map(" – ".join, pairwise(texts)), f"> {texts[-1]}"]
    if kind != "number" or len(numbers) < len(edges) or bins == len(edges):
        return [edge if isinstance(edge, str) else value_name(edge) for edge in edges] + [
            "all others"
        ] * (bins - len(edges))
    if not numbers:
        return ["all"]
    texts = [f"{edge:.4g}" for edge in numbers]
    if len(set(texts)) < len(texts):  # edges that differ only in late digits
        texts = [repr(float(edge)) for edge in numbers]
    between = [f"{low} – {high}" for low, high in pairwise(texts)]
    return [f"≤ {texts[0]}", *between, f"> {texts[-1]}"]
