"""Between two looks at the plans: whether the gateway counts so many errors or refusals that the
next look must come at once. The look gives the verdict; this only spares a rollback the wait for
it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from ..targets import Figures
from .alarm import hasten
from .refusals import Refusals, looks_worse
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
        """Ask for a look if the version of a plan has too many errors or refusals in its step: at
        the first of them, and whenever they have doubled since. So few looks are asked for in vain
        while it may still be chance. In a step that begins again they count anew, and those that
        have left the gateway's window no longer.
        """
        found = {
            (plan.id, plan.step, plan.step_at): excess(
                plan,
                figures.get((plan.deployment, plan.version)),
                figures.get((plan.deployment, plan.against)),
                self._most,
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


def excess(plan: DeliveryPlan, figures: Figures | None, other: Figures | None, most: float) -> int:
    """The errors of a plan's step by the gateway if they are more than the share `most`, and the
    refusals if they are clearly more than those of the other version at the same time.
    """
    if figures is None:
        return 0
    begun = plan.step_at.timestamp()
    requests, errors, refused = figures.counted_since(begun)
    others, _, usual = other.counted_since(begun) if other else (0, 0, 0)
    worse = looks_worse(
        Refusals(requests=requests, refused=refused), Refusals(requests=others, refused=usual)
    )
    return errors * (errors > most * requests) + refused * worse


def look_now(project: Project) -> None:
    """Have the supervisor, if it runs, look at the plans at once."""
    if hasten(project.database, at=time.time()):
        from ...jobs import Jobs

        Jobs(project).heed_alarms(start=False)
