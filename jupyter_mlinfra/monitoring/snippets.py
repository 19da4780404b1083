"""Code that opens monitors and alerts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..core.refs import Ref
from ..core.snippets import Snippets, joined, line, lines, python, snippets, text

if TYPE_CHECKING:
    from ..workbench import Workbench


def monitors(refs: Sequence[Ref]) -> Snippets:
    """The requests that monitors see."""
    return joined([monitor_code(ref.name) for ref in refs])


def alerts(refs: Sequence[Ref]) -> Snippets:
    """The window of an alert, with its reference."""
    return joined([alert_code(str(ref).removeprefix("alert:")) for ref in refs])


def alert_code(name: str) -> Snippets:
    """The rows of the bad window, and the features that moved most; the command line shows the
    alert with its history.
    """
    code = (
        f"alert = ml.alert({text(name)})\n"
        "bad, drift = alert.window(), alert.drift()  # the rows, and how far each feature moved\n"
        '# alert.acknowledge("why")\n'
        "alert"
    )
    return lines(code, "alerts", "show", name, magic="alerts")


def monitor_code(name: str) -> Snippets:
    """The requests that one monitor sees."""
    code = f'requests = ml.monitor({text(name)}).frame(since="24h")\nrequests'
    return lines(code, "monitors", "status", name, magic="monitor")


def cause_code(name: str, feature: str) -> Snippets:
    """Where a feature comes from."""
    code = f"ml.monitor({text(name)}).cause({text(feature)})"
    return lines(code, "monitors", "cause", name, feature, magic="monitor")


def distribution(
    _: Workbench,
    *,
    name: str,
    feature: str,
    start: str,
    end: str | None = None,
    version: str = "",
    segment: str = "",
) -> Snippets:
    """The values of one feature in a span of time, beside the training data."""
    given = [text(feature), text(start), *([text(end)] if end else [])]
    chosen = {"version": version, "segment": segment}
    given += [f"{key}={text(value)}" for key, value in chosen.items() if value]
    code = f"ml.monitor({text(name)}).distribution({', '.join(given)})"
    return snippets(python=python(code))


def backtest(_: Workbench, *, file: str, days: int = 30) -> Snippets:
    """The rules of a file on the history."""
    words = [] if not file else [file]
    return snippets(cli=line("mlinfra monitors backtest", *words, options=[f"--days={days}"]))
