"""Code that opens experiments, runs and models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..core.refs import Ref
from ..core.snippets import Snippets, joined, line, lines, literal, option, python, snippets, text

if TYPE_CHECKING:
    from ..workbench import Workbench

NEWEST_FIRST = "-started"
"""The usual order of runs."""
_SHORT = 8
"""Letters of a run's id that people read; they are enough for a command."""


def experiments(refs: Sequence[Ref]) -> Snippets:
    """The runs of experiments."""
    return joined([_run_list_code(ref.name) for ref in refs])


def run_list(
    _: Workbench,
    *,
    experiment: str,
    where: str = "",
    sort: str = NEWEST_FIRST,
    picked: Sequence[str] = (),
) -> Snippets:
    """The runs of an experiment as its page lists them. picked: ids of those that Python reads
    instead of all.
    """
    return _run_list_code(experiment, where, sort, picked)


def _run_list_code(
    experiment: str, where: str = "", sort: str = NEWEST_FIRST, picked: Sequence[str] = ()
) -> Snippets:
    options = {"where": where} if where else {}
    options |= {"sort": sort} if sort != NEWEST_FIRST else {}
    if picked:
        code = _python_of(list(picked))
    else:
        arguments = "".join(f", {key}={text(value)}" for key, value in options.items())
        code = f"runs = ml.runs({text(experiment)}{arguments})\nruns.frame()"
    flags = [flag for key, value in options.items() for flag in option(f"--{key}", value)]
    return lines(code, "runs", "list", experiment, options=flags)


def runs(refs: Sequence[Ref]) -> Snippets:
    """One run, or several side by side."""
    ids = [ref.name for ref in refs]
    if len(ids) > 1:
        return comparison(ids)
    return lines(_python_of(ids), "runs", "show", ids[0][:_SHORT])


def comparisons(refs: Sequence[Ref]) -> Snippets:
    """Runs side by side."""
    return joined([comparison(ref.parts) for ref in refs])


def comparison(ids: Sequence[str], curve: str | None = None) -> Snippets:
    """Runs side by side. curve: a metric that is drawn over its steps; None for the table."""
    if curve is None:
        code = python(_python_of(ids))
    else:
        code = (
            "import jupyter_mlinfra as ml\nfrom jupyter_mlinfra import charts\n\n"
            f"comparison = ml.runs({literal(list(ids))}).compare()\n"
            f"charts.metric_curves(comparison.frame({text(curve)}), metric={text(curve)})"
        )
    short = [id[:_SHORT] for id in ids]
    return snippets(
        python=code,
        magic=line("%runs compare", *short),
        cli=line("mlinfra runs compare", *short),
    )


def models(refs: Sequence[Ref]) -> Snippets:
    """Models, and versions of them by number or alias."""
    return joined(
        [model_code(ref.name if ref.at is None else f"{ref.name}@{ref.at}") for ref in refs]
    )


def model_code(name: str, *, shown: str = "") -> Snippets:
    """A model version in its own library. name: `churn`, `churn/3`, `churn@champion`. shown: what
    the command line shows; default: the same.
    """
    code = f"model = ml.model({text(name)}).load()\nmodel"
    return lines(code, "models", "show", shown or name)


def _python_of(ids: Sequence[str]) -> str:
    if len(ids) == 1:
        return f"run = ml.run({text(ids[0])})\nrun.metrics"
    return f"runs = ml.runs({literal(list(ids))})\nruns.frame()"
