"""Between two looks at the plans: whether the gateway counts so many errors that the next look must
come at once. The look gives the verdict; this only spares a rollback the wait for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from ..targets import Figures
from .alarm import hasten
from .spec import DeliveryPlan

if TYPE_CHECKING:
    from ...core.project import Project


class PlanWatch:
    """For the keeper, which reads the gateway every few seconds. most: share of the requests that
    may fail. look: has the plans looked at.
    """

    def __init__(self, most: float, look: Callable[[], None]) -> None:
        self._most, self._look = most, look
        self._known: dict[tuple[int, int, datetime], int] = {}

    def heed(
        self, plans: Sequence[DeliveryPlan], figures: Mapping[tuple[str, str], Figures]
    ) -> None:
        """Ask for a look if the version of a plan has too many errors in its step: at the first of
        them, and whenever they have doubled since. So few looks are asked for in vain while it may
        still be chance. In a step that begins again they count anew, and those that have left
        the gateway's window no longer.
        """
        found = {
            (plan.id, plan.step, plan.step_at): excess(
                plan, figures.get((plan.deployment, plan.version)), self._most
            )
            for plan in plans
        }
        more = any(
            errors and errors >= 2 * self._known.get(key, 0) for key, errors in found.items()
        )
        if more:
            self._look()
        self._known = {
            key: errors if more else min(errors, self._known.get(key, 0))
            for key, errors in found.items()
        }


def excess(plan: DeliveryPlan, figures: Figures | None, most: float) -> int:
    """The errors of a plan's step by the gateway if they are more than the share `most`, else 0."""
    if figures is None:
        return 0
    requests, errors = figures.counted_since(plan.step_at.timestamp())
    return errors if errors > most * requests else 0


def look_now(project: Project) -> None:
    """Have the supervisor, if it runs, look at the plans at once."""
    if hasten(project.database, at=time.time()):
        from ...jobs import Jobs

        Jobs(project).heed_alarms(start=False)
