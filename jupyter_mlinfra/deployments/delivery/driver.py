"""Drives plans: looks at every active one, and takes the step that is due, rolls back, or waits.

All that it knows is in the state database, and each of its moves is one transaction that checks
whether the plan still is as it was seen. So it may be killed anywhere, or run twice at once: the
next one goes on, and no step is taken twice or left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ...core.errors import Conflict, MLInfraError
from ..gates import LATENCY_MS
from ..settings import DeploymentSettings
from ..spec import VersionState
from ..targets import present
from ..targets.layout import payload_folder
from ..traffic import previous, share_of
from .judging import Judgement, Outcomes, StepLimits, judge
from .plans import STEP
from .spec import DeliveryPlan, PlanState

if TYPE_CHECKING:
    from ...core.project import Project
    from ..rollout import Rollout
    from ..rows import DeploymentRow
    from ..store import DeploymentStore
    from ..targets import DeploymentTarget
    from ..transaction import Transaction

SLOW = 10
"""A look that takes long is followed by a pause of so many times its length."""


class Superseded(Conflict):
    """Somebody else has moved the plan meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """clock: seconds since 1970."""

    project: Project
    store: DeploymentStore
    target: DeploymentTarget
    rollout: Rollout
    outcomes: Outcomes | None = None
    clock: Callable[[], float] = time.time

    def look(self, say: Callable[[str], None] = lambda _: None) -> float:
        """Look at every active plan once; returns in how many seconds to look again."""
        started = time.monotonic()
        try:
            self._catch_up()
        except MLInfraError as error:
            say(f"what was decided is not in force yet: {error}")
        plans = self.store.active_plans()
        for plan in plans:
            try:
                self._look_at(plan)
            except Superseded:
                continue
            except Exception as error:  # noqa: BLE001 (one plan must not stop the others)
                say(f"the plan of {plan.deployment} was not moved: {type(error).__name__}: {error}")
        usual = self.project.settings.of(DeploymentSettings).plan_check_seconds
        due = [plan.next_at.timestamp() - self.clock() for plan in plans if plan.next_at]
        soonest = min([usual, *(max(1.0, seconds) for seconds in due if seconds > 0)])
        return max(soonest, SLOW * (time.monotonic() - started))

    def _catch_up(self) -> None:
        """What was decided and not yet carried out when another one was killed."""
        target = self.store.target()
        if target.done < target.wish:
            self.target.carry_out(target.wish)

    def _look_at(self, plan: DeliveryPlan) -> None:
        row = self.store.deployment(plan.deployment)
        if not row.up:
            self._note(plan, "The deployment is down.")
            return
        judgement, at = self._judge(plan, row), self.clock()
        with self.store.change(plan.deployment) as change:
            change.plans.judged(_same(change, plan), judgement.checks, at=at)
        if judgement.breach:
            self._roll_back(plan, judgement.breach)
        elif plan.state is PlanState.PAUSED:
            return
        elif judgement.hold:
            self._hold(plan, judgement.hold)
        elif plan.next_at is None or at < plan.next_at.timestamp():
            self._note(plan, "")
        elif judgement.waits:
            self._note(plan, f"It waits. {judgement.waits}")
        elif plan.step == len(plan.steps):
            with self.store.change(plan.deployment) as change:
                change.plans.finish(_same(change, plan))
        else:
            self._step(plan, at)

    def _judge(self, plan: DeliveryPlan, row: DeploymentRow) -> Judgement:
        item = row.version(plan.version)
        if item.state is VersionState.FAILED:
            return Judgement(checks=plan.checks, breach=f"{item.version} has failed: {item.reason}")
        figures = {
            version: found
            for (deployment, version), found in present(self.target.figures()).items()
            if deployment == plan.deployment
        }
        return judge(
            plan,
            self._limits(),
            folder=payload_folder(self.project, plan.deployment),
            figures=figures,
            traffic=row.traffic,
            until=datetime.fromtimestamp(self.clock() + 1, UTC),
            outcomes=self.outcomes,
        )

    def _limits(self) -> StepLimits:
        settings = self.project.settings
        chosen = settings.of(DeploymentSettings)
        card = settings.project.targets.latency_p99_ms or LATENCY_MS
        return StepLimits(
            errors=chosen.plan_errors, p95_ms=chosen.plan_p95_ms or card, alpha=chosen.plan_alpha
        )

    def _note(self, plan: DeliveryPlan, reason: str) -> None:
        if plan.waits_for == reason:
            return
        with self.store.change(plan.deployment) as change:
            change.plans.wait(_same(change, plan), reason)

    def _hold(self, plan: DeliveryPlan, reason: str) -> None:
        with self.store.change(plan.deployment) as change:
            change.plans.pause(_same(change, plan), reason)
            change.record(
                verb="pause",
                user=self.project.user,
                reason=reason,
                traffic=change.row.traffic,
                text=f"the plan of {plan.version} is held",
            )

    def _step(self, plan: DeliveryPlan, at: float) -> None:
        percent = plan.steps[plan.step]

        def aim(change: Transaction) -> tuple[Mapping[str, int], None]:
            _same(change, plan)
            shares, _ = share_of(plan.version, percent)(change)
            return shares, None

        self.rollout.share(
            plan.deployment,
            aim,
            verb=STEP,
            reason="",
            text=f"step {plan.step + 1} of {len(plan.steps)}",
            then=lambda change: change.plans.step(_same(change, plan), at=at),
        )

    def _roll_back(self, plan: DeliveryPlan, reason: str) -> None:
        def aim(change: Transaction) -> tuple[Mapping[str, int], int]:
            _same(change, plan)
            return previous(change)

        try:
            self.rollout.share(
                plan.deployment,
                aim,
                verb="rollback",
                reason=reason,
                text=f"{plan.version} rolled back by its plan",
            )
        except Superseded:
            raise
        except Conflict as error:
            if plan.state is PlanState.RUNNING:
                self._hold(plan, f"{reason}; but it was not rolled back: {error}")


def _same(change: Transaction, plan: DeliveryPlan) -> DeliveryPlan:
    """The plan as it is now, if it is where it was seen. Raises Superseded."""
    present = change.plans.active()
    if present is None or _place(present) != _place(plan):
        raise Superseded(f"The plan of {plan.deployment} was moved meanwhile.")
    return present


def _place(plan: DeliveryPlan) -> tuple[Any, ...]:
    return plan.id, plan.state, plan.step, plan.step_at
