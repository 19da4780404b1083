"""What a deploy does for a shadow or a plan, in the transaction that moves the traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.records import now, to_seconds
from .alarm import PlanAlarm
from .spec import DeliverySpec

if TYPE_CHECKING:
    from ..transaction import Transaction

SOON_SECONDS = 1.0


def begun(
    change: Transaction, *, version: str, delivery: DeliverySpec, user: str, alarm: PlanAlarm
) -> None:
    """Make a version the shadow, or begin its plan, whose first step is taken here too. Raises
    Conflict without another version that has traffic.
    """
    delivery.check(change.row.traffic, version)
    if delivery.shadow:
        change.shadow(version, delivery.shadow, verb="shadow", user=user, reason="")
    if delivery.steps:
        others = {name: share for name, share in change.row.traffic.items() if name != version}
        against = max(others, key=lambda name: others[name])
        change.plans.begin(version, against, delivery, user=user)
        change.set_alarm(alarm, at=to_seconds(now()), seconds=SOON_SECONDS)
