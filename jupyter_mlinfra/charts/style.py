"""What all charts share: colours, axes, sizes, and how they are sent to the front end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..core.errors import BadRequest
from ..core.frames import is_pattern, polars_frame

if TYPE_CHECKING:
    import altair as alt
    import polars as pl

    from ..core.frames import Frame

SERIES = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"]
"""Okabe and Ito's colours, which colour-blind readers can tell apart; dashes help as well."""

REFERENCE = "#9aa0a6"
HEAT = ["#f3f3f3", "#fbe3d3", "#f5b88f", "#e07b35", "#a84300"]
DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4], [10, 2]]
WIDTH, HEIGHT = 520, 240
ROWS = 4000
"""Most rows of data in one chart; Altair itself refuses 5,000."""

_GRID = "rgba(128, 128, 128, 0.2)"  # a hairline on light and on dark


MIME = "application/vnd.vegalite.v6+json"


def enable() -> None:
    """Show charts by MIME type, which the JupyterLab extension draws offline.

    Altair's own default is HTML that loads scripts from the internet: without it the cell stays
    empty. Its `mimetype` renderer names the type `…v6.json`, under which a notebook may hold only
    text: notebooks with such charts do not pass nbformat's schema.
    """
    import altair

    altair.renderers.register("mlinfra", _bundle)
    altair.renderers.enable("mlinfra")


def _bundle(spec: dict[str, Any], **_: Any) -> dict[str, Any]:
    title = spec.get("title")
    name = title.get("text", "") if isinstance(title, dict) else title or ""
    return {MIME: spec, "text/plain": f"chart: {name}" if name else "chart"}


def altair_ready() -> Any:
    """Altair, with `enable` done unless the user chose a renderer."""
    import altair

    if altair.renderers.active == "default":
        enable()
    return altair


def register(shell: Any) -> None:
    """Have a shell draw charts that are made with Altair itself as those of this package; Altair is
    not loaded for it.
    """
    formatter = shell.display_formatter.mimebundle_formatter
    formatter.for_type_by_name("altair.vegalite.v6.api", "TopLevelMixin", _shown)


def _shown(chart: Any) -> Any:
    """What a cell shows of a chart."""
    altair_ready()
    return chart._repr_mimebundle_()


def axis(**options: Any) -> alt.Axis:
    """An axis with hairline grid and small labels."""
    import altair

    return altair.Axis(
        **{
            "gridColor": _GRID,
            "domain": False,
            "tickColor": _GRID,
            "labelFontSize": 11,
            "titleFontSize": 11,
            "titleFontWeight": "normal",
            **options,
        }
    )


def colour(
    field: str, names: Sequence[str], *, colours: Sequence[str] = (), lines: bool = True
) -> alt.Color:
    """A colour per name, in this order; the legend shows lines or squares."""
    import altair

    palette = list(colours) or [SERIES[number % len(SERIES)] for number in range(len(names))]
    symbol = {"symbolType": "stroke", "symbolStrokeWidth": 2} if lines else {"symbolType": "square"}
    legend = altair.Legend(title=None, labelFontSize=11, labelLimit=260, symbolOpacity=1, **symbol)
    return altair.Color(
        f"{field}:N", scale=altair.Scale(domain=list(names), range=palette), legend=legend
    )


def dashes(field: str, names: Sequence[str]) -> alt.StrokeDash:
    """A dash pattern per name, so that lines also differ without colour."""
    import altair

    patterns = [DASHES[number % len(DASHES)] for number in range(len(names))]
    return altair.StrokeDash(
        f"{field}:N", scale=altair.Scale(domain=list(names), range=patterns), legend=None
    )


def finished(
    chart: Any, title: str, note: str = "", *, width: int = WIDTH, height: int | None = HEIGHT
) -> Any:
    """The chart with its size, its title, a note below it on what was reduced, and both as its
    description for screen readers.
    """
    import altair

    size = {"width": width} | ({} if height is None else {"height": height})
    text = altair.TitleParams(
        title,
        subtitle=note or altair.Undefined,
        anchor="start",
        fontSize=13,
        subtitleFontSize=11,
        fontWeight="bold",
    )
    return chart.properties(
        title=text, description=". ".join(part for part in (title, note) if part), **size
    )


def need(data: Frame, *columns: str) -> pl.DataFrame:
    """The frame as a Polars frame, without columns whose names Polars and Altair take for patterns
    (`*`, `^…$`). Raises BadRequest if it lacks a column or has no rows, and for such a name.
    """
    frame = polars_frame(data, "A chart cannot be drawn.")
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise BadRequest(
            f"The frame has no column {', '.join(missing)}.",
            f"It has: {', '.join(frame.columns) or 'none'}.",
            f"A chart needs {', '.join(columns)}.",
        )
    if frame.is_empty():
        raise BadRequest(
            "There is nothing to draw.", "The frame has no rows.", "See what its filter leaves."
        )
    if patterns := [name for name in columns if is_pattern(name)]:
        raise BadRequest(
            f"A chart cannot show column {patterns[0]!r}.",
            "To Polars and Altair that is a pattern of names.",
            f"Rename it: frame.rename({{{patterns[0]!r}: 'another name'}})",
        )
    drawable = [series for series in frame if not is_pattern(series.name)]
    return frame if len(drawable) == frame.width else type(frame)(drawable)
