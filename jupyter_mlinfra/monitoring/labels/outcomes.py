"""What each labelled answer was worth: the outcomes by which two versions are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.errors import BadRequest
from ..measures.kpi import decisions, worth_of
from ..measures.performance import wrongs
from .classes import codes_of
from .joining import labelled_rows

if TYPE_CHECKING:
    import numpy as np

    from ..hours.recording import Plan
    from ..hours.series import SeriesStore


def outcomes_of(
    store: SeriesStore, monitor: str, plan: Plan, goal: str, version: str, start: float, end: float
) -> np.ndarray:
    """One number for each labelled answer of a version in a window, in order of time. goal:
    `error`, as of `performance.wrongs`, or `kpi`, by the monitor's costs. Raises BadRequest for a
    KPI without costs, or of a model that has no such outcomes.
    """
    rows = labelled_rows(store, monitor, version=version, segment="", start=start, end=end)
    reference = plan.reference(version)
    classes = reference.classes if reference else ()
    outputs, labels, names = codes_of(rows, classes, plan.answers)
    if goal == "error":
        return wrongs(outputs, labels, plan.answers) if len(labels) else labels
    if not plan.costs or plan.answers == "values":
        raise BadRequest(
            f"Monitor {monitor} measures no KPI.",
            "It has no costs, or the model is no classifier.",
            f"mlinfra monitors watch {plan.deployment} --value fn=-75 --value fp=-10",
        )
    if not len(labels):
        return labels
    found = decisions(outputs, labels, plan.answers, plan.costs, names=names, ordered=bool(classes))
    if isinstance(found, str):
        raise BadRequest(f"Monitor {monitor} measures no KPI.", found, "See docs/monitoring.md.")
    worth: np.ndarray = worth_of(found, plan.costs)[found.places]
    return worth
