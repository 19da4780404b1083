"""A comparison as one HTML file: no script, nothing from elsewhere, at most `SHOWN` columns."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from html import escape

from ...core.records import Number
from ..spec import FeatureDrift
from .tables import Compared

SHOWN = 200
"""Columns with a row in the report, those that moved most."""

_WIDTH, _HEIGHT = 240, 48
"""Of a distribution, in pixels."""

_STYLE = """
:root { color-scheme: light dark; }
body { font: 14px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: 0.25rem 0.75rem; text-align: right; border-bottom: 1px solid #8886; }
th:first-child, td:first-child { text-align: left; overflow-wrap: anywhere; }
td:last-child, th:last-child { text-align: left; }
tr.drifted td:first-child { font-weight: 600; }
tr.drifted td:first-child::after { content: " drifted"; color: #c62828; font-weight: 400; }
.reference { fill: #8a8f98; }
.current { fill: #1976d2; }
"""


def html_of(compared: Compared, *, reference: str, current: str) -> str:
    """The report. reference, current: what was compared, as it is to be called."""
    shown = compared.features[:SHOWN]
    drifted, count = sum(item.drifted for item in compared.features), len(compared.features)
    result = f"{drifted} of {count:,} columns have drifted" if count else "Nothing was compared"
    head = "".join(f"<th scope=col>{escape(name)}</th>" for name in _COLUMNS)
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>Drift of {escape(current)}</title>
<style>{_STYLE}</style>
<h1>{result}</h1>
<p>{escape(current)} ({compared.rows.current:,} rows) against {escape(reference)}
({compared.rows.reference:,} rows). Drifted: a PSI of at least {compared.threshold:g}.
{_left_out(compared)}</p>
<table>
<thead><tr>{head}</tr></thead>
<tbody>
{"".join(map(_row, shown))}
</tbody>
</table>
{_not_compared(compared)}
</html>
"""


_COLUMNS = (
    "Column",
    "PSI",
    "KS",
    "Wasserstein",
    "Jensen–Shannon",
    "Hellinger",
    "χ²",
    "missing then",
    "missing now",
    "Distribution: reference grey, current blue",
)


def _left_out(compared: Compared) -> str:
    more = len(compared.features) - SHOWN
    return f"The {SHOWN} columns that moved most are shown, {more:,} others are not." * (more > 0)


def _row(item: FeatureDrift) -> str:
    figures = (item.psi, item.ks, item.wasserstein, item.js, item.hellinger, item.chi2)
    shares = (item.missing_reference, item.missing_window)
    cells = [*map(_figure, figures), *map(_percent, shares), _distribution(item)]
    row = " class=drifted" if item.drifted else ""
    return (
        f"<tr{row}><td>{escape(item.feature)}</td>"
        + "".join(f"<td>{cell}</td>" for cell in cells)
        + "</tr>\n"
    )


def _figure(number: Number | None) -> str:
    value = None if number is None else number.value
    return f"{value:.4g}" if isinstance(value, int | float) else "–"


def _percent(number: Number) -> str:
    return f"{100 * number.value:.1f} %" if isinstance(number.value, int | float) else "–"


def _distribution(item: FeatureDrift) -> str:
    """Bars of both sides in each bin, as tall as their shares."""
    highest = max([*item.reference, *item.window, 0.0]) or 1.0
    step = _WIDTH / max(len(item.reference), 1)
    names = _names(item)
    bars = "".join(
        f"<g><title>{escape(name)}: {100 * before:.1f} % then, {100 * now:.1f} % now</title>"
        + _bar("reference", place * step, before / highest, step / 2)
        + _bar("current", place * step + step / 2, now / highest, step / 2)
        + "</g>"
        for place, (name, before, now) in enumerate(
            zip(names, item.reference, item.window, strict=True)
        )
    )
    label = escape(f"Distribution of {item.feature}", quote=True)
    return f'<svg role="img" aria-label="{label}" width="{_WIDTH}" height="{_HEIGHT}">{bars}</svg>'


def _bar(kind: str, x: float, share: float, width: float) -> str:
    height = share * _HEIGHT
    return (
        f'<rect class="{kind}" x="{x:.1f}" y="{_HEIGHT - height:.1f}"'
        f' width="{max(width - 0.5, 0.5):.1f}" height="{height:.1f}"/>'
    )


def _names(item: FeatureDrift) -> Sequence[str]:
    """What each bin holds."""
    edges = [f"{edge:.6g}" if isinstance(edge, float) else str(edge) for edge in item.edges]
    more = len(item.reference) - len(edges)
    if item.kind != "number":
        return [*edges, *["all others"] * more]
    if not edges:
        return ["all"]
    return [
        f"up to {edges[0]}",
        *(f"over {low} up to {high}" for low, high in itertools.pairwise(edges)),
        f"over {edges[-1]}",
    ]


def _not_compared(compared: Compared) -> str:
    if not compared.not_compared:
        return ""
    rows = "".join(
        f"<li>{escape(name)}: {escape(why)}</li>\n"
        for name, why in list(compared.not_compared.items())[:SHOWN]
    )
    return f"<h2>Not compared: {len(compared.not_compared):,}</h2>\n<ul>\n{rows}</ul>"
