"""The notebook of an alert: the bad window beside the reference, in code that runs."""

from __future__ import annotations

import json
import re
from datetime import datetime

from ...core.snippets import text
from ..spec import Alert

FOLDER = "alerts"
_FEATURES = 6


def notebook(alert: Alert, deployment: str) -> str:
    """The notebook as JSON (nbformat 4.5)."""
    cells = [*_loading(alert, deployment), *_looking(deployment)]
    body = {
        "cells": [{**cell, "id": f"cell-{number}"} for number, cell in enumerate(cells)],
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(body, ensure_ascii=False, indent=1) + "\n"


def _loading(alert: Alert, deployment: str) -> list[dict[str, object]]:
    """The alert, its window, and the features in their order."""
    name = alert.ref.removeprefix("alert:")
    return [
        _markdown(_head(alert, deployment)),
        _code(
            "import polars as pl\n\n"
            "import jupyter_mlinfra as ml\n"
            "from jupyter_mlinfra import charts\n\n"
            f"alert = ml.alert({text(name)})\n"
            "alert"
        ),
        _markdown("The rows that were answered in the bad window, by any version:"),
        _code("bad = alert.window()\nbad"),
        _markdown("Features by how far they moved from what the version saw in training:"),
        _code(
            "drift = alert.drift()\n"
            "ranked = pl.DataFrame(\n"
            '    {"feature": [item.feature for item in drift],\n'
            '     "psi": [item.psi.value for item in drift],\n'
            '     "missing_reference": [item.missing_reference.value for item in drift],\n'
            '     "missing_window": [item.missing_window.value for item in drift]},\n'
            '    schema_overrides={"psi": pl.Float64},\n'
            ")\n"
            "ranked"
        ),
        _code("charts.psi_bars(ranked) if ranked.height else ranked"),
    ]


def _looking(deployment: str) -> list[dict[str, object]]:
    """Charts, requests, history, and what can be done."""
    return [
        _markdown("Reference and window, those that moved most first:"),
        _code(
            "import altair as alt\n\n"
            "alt.vconcat(\n"
            "    *[\n"
            "        charts.distribution(\n"
            "            item.edges, item.reference, item.window, kind=item.kind,"
            " title=item.feature\n"
            "        )\n"
            f"        for item in drift[:{_FEATURES}]\n"
            "    ]\n"
            ") if drift else bad"
        ),
        _markdown("The requests of the window over time, with those that were refused or failed:"),
        _code(
            "per_minute = (\n"
            '    bad.group_by(pl.col("ts").dt.truncate("1m").alias("minute"))\n'
            '    .agg(requests=pl.col("request_id").n_unique(),\n'
            '         bad=pl.col("request_id").filter(pl.col("status") >= 400).n_unique(),\n'
            '         p95_ms=pl.col("latency_ms").quantile(0.95))\n'
            '    .sort("minute")\n'
            ")\n"
            "per_minute"
        ),
        _code("alert.refused()"),
        _markdown("What was done about it so far, and what you can do:"),
        _code("alert.history()"),
        _code(
            '# alert.acknowledge("what you know")\n'
            '# alert.silence("2h", "why")\n'
            f"# ml.deployment({text(deployment)}).rollback()"
        ),
    ]


def path_for(alert: Alert, at: datetime) -> str:
    """Where it is written, below the project."""
    plain = "-".join([alert.monitor, alert.name, *alert.labels.values()])
    name = re.sub(r"[^\w.-]+", "-", plain).strip("-.")
    short = name.encode(errors="ignore")[:120].decode(
        errors="ignore"
    )  # a file system takes 255 bytes
    return f"{FOLDER}/{short}-{at:%Y%m%d-%H%M%S}.ipynb"


def _head(alert: Alert, deployment: str) -> str:
    window = (
        f"{alert.window_start:%Y-%m-%d %H:%M} to {alert.window_end:%Y-%m-%d %H:%M} UTC"
        if alert.window_start and alert.window_end
        else "the last 24 hours"
    )
    lines = [
        f"# {_plain(alert.ref)}",
        "",
        f"{_plain(alert.text)}",
        "",
        f"Deployment {_plain(deployment)}, version {_plain(alert.version) or 'unknown'};"
        f" rule {_plain(alert.name)}; window {window}.",
    ]
    if alert.runbook:
        lines += ["", f"What to do: {_plain(alert.runbook)}"]
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Text that Markdown and HTML leave alone."""
    return re.sub(r"([\\`*{}\[\]()<>#!|&])", r"\\\1", text)


def _markdown(source: str) -> dict[str, object]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def _code(source: str) -> dict[str, object]:
    return {
        "cell_type": "code",
        "metadata": {},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }
