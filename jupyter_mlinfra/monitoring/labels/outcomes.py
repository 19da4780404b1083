"""What each labelled answer was worth: the outcomes by which two versions are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.errors import BadRequest
from ..measures.kpi import NO_LABEL, NO_REWARD
from ..measures.performance import wrongs
from .classes import codes_of, kind_of
from .joining import kept_rows
from .worth import has_label, worths_of

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
    import numpy as np

    rows = kept_rows(store, monitor, version=version, segment="", start=start, end=end)
    if goal == "error":
        reference = plan.reference(version)
        classes = reference.classes if reference else ()
        labelled = rows.filter(has_label())
        outputs, labels, _ = codes_of(labelled, classes, plan.answers)
        return wrongs(outputs, labels, kind_of(labelled, plan.answers)) if len(labels) else labels
    found = worths_of(rows, plan, version)
    if not isinstance(found, str):
        return found.amounts
    if found in (NO_LABEL, NO_REWARD):
        return np.empty(0)
    raise BadRequest(
        f"Monitor {monitor} measures no KPI.",
        found,
        f"For example: mlinfra monitors watch {plan.deployment} --value fn=-75 --value fp=-10",
    )
