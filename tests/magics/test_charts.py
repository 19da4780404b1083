"""Charts that a notebook makes with Altair itself, after `%load_ext jupyter_mlinfra`."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import altair as alt

CHART = alt.Chart(alt.Data(values=[{"x": 1}])).mark_point().encode(x="x:Q")


def test_a_chart_of_altair_is_drawn_without_the_internet(shell: Any) -> None:
    with alt.renderers.enable("default"):
        for chart in (CHART, CHART | CHART):
            bundle, _ = shell.display_formatter.format(chart)
            assert set(bundle) == {"application/vnd.vegalite.v6+json", "text/plain"}


def test_a_renderer_that_the_user_chose_draws_it(shell: Any) -> None:
    with alt.renderers.enable("html"):
        bundle, _ = shell.display_formatter.format(CHART)
    assert "<script" in bundle["text/html"]


def test_altair_is_not_loaded_for_it() -> None:
    code = (
        "import sys; from IPython.core.interactiveshell import InteractiveShell;"
        "from traitlets.config import Config; from jupyter_mlinfra.magics import load;"
        "load(InteractiveShell(config=Config({'HistoryManager': {'enabled': False}})));"
        "print('altair' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
