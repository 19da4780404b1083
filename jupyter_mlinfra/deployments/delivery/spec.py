"""How a version comes to its traffic: at once, as a shadow, or step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from ...core.errors import BadRequest, Conflict

Goal = Literal["", "reward", "kpi", "error"]
Better = Literal["", "higher", "lower"]

LEAST_EVERY, MOST_EVERY = 1.0, 30 * 86_400.0
EVERY = 600.0
LEAST_REQUESTS = 100


class PlanState(StrEnum):
    """running: steps come by themselves. paused: held; a breach still rolls it back. The others are
    final. succeeded: the last step has passed too. rolled_back: after a breach, or by hand.
    stopped: another change of the traffic ended it.
    """

    RUNNING = "running"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    ROLLED_BACK = "rolled_back"
    STOPPED = "stopped"


_NEXT: Mapping[PlanState, frozenset[PlanState]] = {
    PlanState.RUNNING: frozenset(PlanState) - {PlanState.RUNNING},
    PlanState.PAUSED: frozenset(PlanState) - {PlanState.PAUSED},
}
"""A state that is no key is final."""

ACTIVE = tuple(_NEXT)


def advance(state: PlanState, to: PlanState) -> PlanState:
    """The next state of a plan; decided only here. Raises Conflict for a move that does not
    exist.
    """
    if to not in _NEXT.get(state, frozenset()):
        raise Conflict(
            f"The plan is {state}.",
            f"It cannot become {to}.",
            "A new one: mlinfra deployments deploy MODEL/VERSION --steps 5,25,100",
        )
    return to


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySpec:
    """What happens to a version that has passed its tests. shadow: percent of the requests of which
    it gets a copy. steps: its shares of the traffic, one after the other, each for `every_seconds`
    and until it has answered `least_requests`.

    goal: by which outcomes it is compared with the version that it is to replace: `reward` of the
    feedback, `kpi` or `error` by the labels of its monitor; empty: by none. better: which outcomes
    are; empty: lower errors, else higher ones. Raises BadRequest for what makes no sense.
    """

    shadow: int = 0
    steps: Sequence[int] = ()
    every_seconds: float = EVERY
    least_requests: int = LEAST_REQUESTS
    goal: Goal = ""
    better: Better = ""

    def __post_init__(self) -> None:
        if self.shadow and self.steps:
            raise BadRequest(
                "A version is a shadow or gets traffic by steps.",
                "Both were asked for.",
                "Deploy it with --shadow, and with --steps later.",
            )
        if isinstance(self.shadow, bool) or not 0 <= self.shadow <= 100:
            raise BadRequest(f"shadow={self.shadow!r} is not a percentage.", "It is 1 to 100.")
        _check_steps(self.steps)
        if not LEAST_EVERY <= self.every_seconds <= MOST_EVERY:
            raise BadRequest(
                f"A step of {self.every_seconds:g} s cannot be planned.",
                "It is 1 s to 30 d.",
                "For example --every 10m",
            )
        if not 0 <= self.least_requests <= 1_000_000_000:
            raise BadRequest(f"least_requests={self.least_requests} is out of range.")

    @property
    def asks(self) -> bool:
        """Whether anything but its share is asked for."""
        return bool(self.shadow or self.steps)

    def check(self, traffic: Mapping[str, int], version: str) -> None:
        """Raise Conflict if no other version has traffic to copy or to take over."""
        if self.asks and not any(share for name, share in traffic.items() if name != version):
            raise Conflict(
                f"{version} cannot be a shadow or get traffic by steps.",
                "No other version has traffic.",
                "Deploy it without --shadow and --steps.",
            )

    @property
    def higher_is_better(self) -> bool:
        """Whether greater outcomes are better."""
        return (self.better or ("lower" if self.goal == "error" else "higher")) == "higher"


def _check_steps(steps: Sequence[int]) -> None:
    whole = all(isinstance(step, int) and not isinstance(step, bool) for step in steps)
    if not whole or list(steps) != sorted({*steps}) or (steps and not 0 < steps[0] <= 100):
        raise BadRequest(
            f"steps={','.join(map(str, steps))} cannot be planned.",
            "They are whole percentages above 0 that rise.",
            "For example --steps 5,25,100",
        )
    if steps and (steps[-1] > 100 or steps[0] == 100):
        raise BadRequest(
            f"steps={','.join(map(str, steps))} cannot be planned.",
            "The first is below 100 %, and none is above.",
            "For example --steps 5,25,100",
        )


def parse_steps(text: str) -> tuple[int, ...]:
    """`5,25,100`. Raises BadRequest."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and part.isascii() and len(part) <= 3 for part in parts):
        raise BadRequest(
            f"{text!r} names no steps.",
            "They are whole percentages, separated by commas.",
            "For example --steps 5,25,100",
        )
    return tuple(map(int, parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCheck:
    """One thing that a step is judged by. passed: None while too little is known."""

    name: str
    limit: str
    measured: str
    passed: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPlan:
    """A plan of a deployment. against: the version that is to be replaced. step: the present one,
    from 1. percent: its share. next_at: when the next step may come; None if none will. waits_for:
    why it does not come then, or what has ended the plan. checks: as of `checked_at`; empty before
    the first look.
    """

    id: int
    deployment: str
    version: str
    against: str
    steps: Sequence[int]
    every_seconds: float
    least_requests: int
    goal: str
    better: str
    state: PlanState
    step: int
    percent: int
    step_at: datetime
    next_at: datetime | None
    waits_for: str
    checks: Sequence[StepCheck] = field(default_factory=list)
    checked_at: datetime | None = None
    user: str
    created_at: datetime
    updated_at: datetime
