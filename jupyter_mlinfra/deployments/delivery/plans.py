"""Plans as they are stored. What moves them is in the transactions that move the traffic."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from ...core import events
from ...core.errors import NotFound
from ...core.records import from_seconds, now, to_seconds
from .spec import ACTIVE, DeliveryPlan, DeliverySpec, PlanState, StepCheck, advance

STEP = "step"
"""The verb of a change that a plan makes when it goes on."""

_ACTIVE = ", ".join(f"'{state}'" for state in ACTIVE)


class Plans:
    """The plans of one deployment, in an open transaction."""

    def __init__(self, connection: sqlite3.Connection, deployment: str) -> None:
        self._connection, self._deployment = connection, deployment

    def active(self) -> DeliveryPlan | None:
        """The one that has not ended."""
        row = self._connection.execute(
            f"SELECT * FROM deployment_plan WHERE deployment = ? AND state IN ({_ACTIVE})",  # noqa: S608 (states of ours)
            (self._deployment,),
        ).fetchone()
        return _plan(row) if row else None

    def begin(self, version: str, against: str, delivery: DeliverySpec, *, user: str) -> None:
        """Begin one; its first step has just been taken. Another one has been ended by that."""
        self._end(PlanState.STOPPED, f"A plan for {version} was begun.")
        at = to_seconds(now())
        self._connection.execute(
            "INSERT INTO deployment_plan (deployment, version, against, steps, every_seconds,"
            " least_requests, goal, better, state, step, step_at, due_at, user, created_at,"
            " updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?)",
            (
                self._deployment,
                version,
                against,
                json.dumps(list(delivery.steps)),
                delivery.every_seconds,
                delivery.least_requests,
                delivery.goal,
                "higher" if delivery.higher_is_better else "lower",
                PlanState.RUNNING,
                at,
                at + delivery.every_seconds,
                user,
                at,
                at,
            ),
        )
        self._announce()

    def end_by(self, verb: str, traffic: Mapping[str, int], reason: str) -> None:
        """A change of the traffic ends the active plan, unless it is its own step."""
        plan = self.active()
        if plan is None or verb == STEP:
            return
        if verb == "rollback":
            self._end(PlanState.ROLLED_BACK, reason or "It was rolled back by hand.")
        elif traffic.get(plan.version) == 100:
            self._end(PlanState.SUCCEEDED, reason or f"{plan.version} was promoted by hand.")
        else:
            self._end(PlanState.STOPPED, reason or f"The traffic was changed by hand ({verb}).")

    def step(self, plan: DeliveryPlan, *, at: float) -> None:
        """The next step of the active plan has been taken."""
        self._set(plan.id, step=plan.step, step_at=at, due_at=at + plan.every_seconds)

    def finish(self, plan: DeliveryPlan) -> None:
        """The last step has passed too."""
        self._set(plan.id, state=advance(plan.state, PlanState.SUCCEEDED))

    def wait(self, plan: DeliveryPlan, reason: str) -> None:
        """Say why the next step does not come, or nothing."""
        if plan.waits_for != reason:
            self._set(plan.id, reason=reason)

    def pause(self, plan: DeliveryPlan, reason: str) -> None:
        """Hold it."""
        self._set(plan.id, state=advance(plan.state, PlanState.PAUSED), reason=reason)

    def resume(self, plan: DeliveryPlan) -> None:
        """Let it go on: the present step begins again."""
        at = to_seconds(now())
        state = advance(plan.state, PlanState.RUNNING)
        self._set(plan.id, state=state, reason="", step_at=at, due_at=at + plan.every_seconds)

    def judged(self, plan: DeliveryPlan, checks: Sequence[StepCheck], *, at: float) -> None:
        """Keep what the present step was judged by; no event, because it is asked so often."""
        verdict = {"at": at, "checks": [asdict(check) for check in checks]}
        self._connection.execute(
            "UPDATE deployment_plan SET verdict = ? WHERE id = ?", (json.dumps(verdict), plan.id)
        )

    def _end(self, state: PlanState, reason: str) -> None:
        plan = self.active()
        if plan is not None:
            self._set(plan.id, state=advance(plan.state, state), reason=reason)

    def _set(self, id: int, **values: str | int | float) -> None:
        values = {"reason": "", **values, "updated_at": to_seconds(now())}
        sets = ", ".join(f"{name} = :{name}" for name in values)
        self._connection.execute(
            f"UPDATE deployment_plan SET {sets} WHERE id = :_id",  # noqa: S608 (names of ours)
            {**values, "_id": id},
        )
        self._announce()

    def _announce(self) -> None:
        row = self._connection.execute(
            "SELECT state, step, reason FROM deployment_plan WHERE deployment = ?"
            " ORDER BY id DESC LIMIT 1",
            (self._deployment,),
        ).fetchone()
        data = {"plan": row["state"], "step": row["step"] + 1, "text": row["reason"]}
        events.append(self._connection, "deployment", f"deployment:{self._deployment}", data)


def active_plans(connection: sqlite3.Connection) -> list[DeliveryPlan]:
    """All that have not ended."""
    rows = connection.execute(
        f"SELECT * FROM deployment_plan WHERE state IN ({_ACTIVE}) ORDER BY id"  # noqa: S608 (states of ours)
    ).fetchall()
    return [_plan(row) for row in rows]


def last_plan(connection: sqlite3.Connection, deployment: str) -> DeliveryPlan | None:
    """The newest of a deployment, whatever its state."""
    row = connection.execute(
        "SELECT * FROM deployment_plan WHERE deployment = ? ORDER BY id DESC LIMIT 1",
        (deployment,),
    ).fetchone()
    return _plan(row) if row else None


def required(plan: DeliveryPlan | None, deployment: str) -> DeliveryPlan:
    """The plan. Raises NotFound if there is none."""
    if plan is None:
        raise NotFound(
            f"Deployment {deployment} has no plan that goes on.",
            "None was begun, or it has ended.",
            f"mlinfra deployments show {deployment}",
        )
    return plan


def _plan(row: sqlite3.Row) -> DeliveryPlan:
    steps, state = json.loads(row["steps"]), PlanState(row["state"])
    verdict = json.loads(row["verdict"])
    active = state in ACTIVE
    return DeliveryPlan(
        id=row["id"],
        deployment=row["deployment"],
        version=row["version"],
        against=row["against"],
        steps=steps,
        every_seconds=row["every_seconds"],
        least_requests=row["least_requests"],
        goal=row["goal"],
        better=row["better"],
        state=state,
        step=row["step"] + 1,
        percent=steps[row["step"]],
        step_at=from_seconds(row["step_at"]),
        next_at=from_seconds(row["due_at"]) if active else None,
        waits_for=row["reason"],
        checks=[StepCheck(**check) for check in verdict.get("checks", ())],
        checked_at=from_seconds(verdict["at"]) if verdict else None,
        user=row["user"],
        created_at=from_seconds(row["created_at"]),
        updated_at=from_seconds(row["updated_at"]),
    )
