"""Whether a step of a plan may be followed by the next: requests, errors, refusals, latency and
outcomes of the version since the step began.

Each limit is asked again and again, so each is judged by something that may be: the errors, the
refusals and the slow requests by confidence sequences, the outcomes by the verdict of
`experiments`, whose alpha is shared out to the steps, because the shares of the traffic, which it
checks, change with them.

Nothing of an earlier step judges this one: what the gateway has counted counts from its first
reading within the step, outcomes from when the traffic follows the shares of the step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import MLInfraError
from ..payload_log.parts import parts
from ..payload_log.request_sums import RequestSums
from ..payload_log.sums import SpanSums, span_sums
from ..targets import Figures
from ..version_verdicts import SETTLED, rewards
from . import latency, refusals
from .refusals import LEAST, Refusals, looks_worse
from .spec import DeliveryPlan, StepCheck

if TYPE_CHECKING:
    from ...experiments.verdict import Verdict
    from ..version_verdicts import Values

Outcomes = Callable[[str, str, Sequence[str], datetime, datetime], Mapping[str, Sequence[float]]]
"""Deployment, goal (`kpi` or `error`), versions, since, until: the outcomes of each version."""

Counted = tuple[int, int, int]
"""Requests, errors and refusals that the gateway has counted."""

USUAL = timedelta(hours=1)
"""Before a step, in which the other version shows what share it refuses where it has no traffic in
the step.
"""

ERROR_ALPHA = 0.01
LEAST_BINARY = 100
"""Outcomes of 0 and 1 of each version before "not worse" says anything. Their confidence sequence
is valid from the first one on, so it may say "worse" before; but it excludes next to nothing then.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLimits:
    """errors: share of the requests. alpha: of the outcomes, over all steps."""

    errors: float
    p95_ms: float
    alpha: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """breach: why the version must be rolled back. hold: why the plan must be paused. waits: why
    the next step may not come yet. Each is empty if there is none.
    """

    checks: Sequence[StepCheck]
    breach: str = ""
    hold: str = ""
    waits: str = ""


def judge(
    plan: DeliveryPlan,
    limits: StepLimits,
    *,
    folder: Path,
    figures: Mapping[str, Figures],
    traffic: Mapping[str, int],
    until: datetime,
    outcomes: Outcomes | None = None,
) -> Judgement:
    """Judge the present step. folder: of the payload log. figures: of the gateway, by version.
    traffic: the present one. outcomes: asks the monitors.
    """
    sums, begun = span_sums(folder, plan.step_at, until), plan.step_at.timestamp()
    versions = (plan.version, plan.against)
    known = {version: figures[version] for version in versions if version in figures}
    gateway = {
        version: known[version].counted_since(begun) if version in known else (0, 0, 0)
        for version in versions
    }
    slow = latency.of_versions(
        versions,
        sums.versions,
        {version: item.latencies_since(begun) for version, item in known.items()},
        limits.p95_ms,
    )
    found = [
        _requests_check(plan, sums.of(plan.version)),
        _errors(limits, sums.of(plan.version), gateway[plan.version]),
        _refusals(plan, sums, gateway, folder),
        latency.check(limits.p95_ms, plan.against, slow, least=plan.least_requests),
    ]
    judgement = Judgement(checks=found)
    if plan.goal and traffic.get(plan.against):
        judgement = _with_outcomes(plan, limits, traffic, judgement, folder, until, outcomes)
    failed = [check for check in judgement.checks if check.passed is False]
    waiting = [check for check in judgement.checks if check.passed is None]
    return replace(
        judgement,
        breach="; ".join(map(_said, failed)),
        waits="; ".join(map(_said, waiting)),
    )


def _said(check: StepCheck) -> str:
    return f"{check.name}: {check.measured}, {check.limit}"


def _with_outcomes(
    plan: DeliveryPlan,
    limits: StepLimits,
    traffic: Mapping[str, int],
    judgement: Judgement,
    folder: Path,
    until: datetime,
    outcomes: Outcomes | None,
) -> Judgement:
    """With the verdict on the outcomes. Outcomes that cannot be had hide no breach of the others:
    the step waits.
    """
    try:
        values = _values(plan, folder, until, outcomes)
    except MLInfraError as error:
        limit = f"{plan.goal} not worse than of {plan.against}"
        check = StepCheck(name="outcomes", limit=limit, measured=str(error), passed=None)
        return replace(judgement, checks=[*judgement.checks, check])
    return _by_outcomes(plan, limits, traffic, values, judgement)


def _requests_check(plan: DeliveryPlan, log: RequestSums) -> StepCheck:
    return StepCheck(
        name="requests",
        limit=f"at least {plan.least_requests:,}",
        measured=f"{log.requests:,}",
        passed=True if log.requests >= plan.least_requests else None,
    )


def _errors(limits: StepLimits, log: RequestSums, gateway: Counted) -> StepCheck:
    """By the log since the step began, and by the gateway, which also sees what never reached a
    model. gateway: what it has counted in the step, in its last window.
    """
    requests, failed, _ = gateway
    counts = [(log.failed, log.requests), (failed, requests)]
    judged = [(_exceeds(errors, n, limits.errors), errors, n) for errors, n in counts if n]
    certain = [item for item in judged if item[0] is True]
    open_ = [item for item in judged if item[0] is None]
    _, errors, n = (certain or open_ or judged or [(False, 0, 0)])[0]
    share = f"{errors / n:.2%} of {n:,} requests" if n else "no request yet"
    return StepCheck(
        name="errors",
        limit=f"at most {limits.errors:.2%}",
        measured=share,
        passed=False if certain else None if open_ else True,
    )


def _refusals(
    plan: DeliveryPlan, sums: SpanSums, gateway: Mapping[str, Counted], folder: Path
) -> StepCheck:
    """By the log and by the gateway, as the errors. What is usual where the other version has no
    traffic any more is read only if the new one refuses enough for that to matter.
    """

    def logged(log: RequestSums) -> Refusals:
        return Refusals(requests=log.requests, refused=log.refused)

    def counted(version: str) -> Refusals:
        requests, _, refused = gateway[version]
        return Refusals(requests=requests, refused=refused)

    counts = [
        (logged(sums.of(plan.version)), logged(sums.of(plan.against))),
        (counted(plan.version), counted(plan.against)),
    ]
    before = Refusals(requests=0, refused=0)
    if any(looks_worse(own, before) and other.requests < LEAST for own, other in counts):
        earlier = span_sums(folder, plan.step_at - USUAL, plan.step_at)
        before = logged(earlier.of(plan.against))
    return refusals.check(plan.against, counts, before)


def _exceeds(errors: int, n: int, most: float) -> bool | None:
    """Whether the share of errors is above `most`; None: it looks so, which may be chance."""
    from ...experiments import verdict as comparison

    if errors <= most * n:
        return False
    low, _ = comparison.proportion(errors, n, alpha=ERROR_ALPHA)
    return True if float(low) > most else None


def _by_outcomes(
    plan: DeliveryPlan,
    limits: StepLimits,
    traffic: Mapping[str, int],
    values: tuple[Values, Values],
    judgement: Judgement,
) -> Judgement:
    """With the verdict on the outcomes. A step waits until there are enough for one."""
    from ...experiments import verdict as comparison

    limit = f"{plan.goal} not worse than of {plan.against}"
    control, treatment = values
    if not len(control) or not len(treatment):
        measured = f"{len(control):,} and {len(treatment):,} outcomes"
        check = StepCheck(name="outcomes", limit=limit, measured=measured, passed=None)
        return replace(judgement, checks=[*judgement.checks, check])
    arms = comparison.arm(control), comparison.arm(treatment)
    share = traffic[plan.version] / (traffic[plan.version] + traffic[plan.against])
    found = comparison.judge(
        [comparison.Look(control=arms[0], treatment=arms[1])],
        method="exact" if arms[0].binary and arms[1].binary else "asymptotic",
        share=share,
        better="higher" if plan.better == "higher" else "lower",
        alpha=limits.alpha / len(plan.steps),
    )
    check = _outcomes_check(limit, found)
    hold = str(found) if found.state == "ratio mismatch" else ""
    return replace(judgement, checks=[*judgement.checks, check], hold=hold)


def _outcomes_check(limit: str, found: Verdict) -> StepCheck:
    """Passed unless they are worse; None while they are too few, or cannot be compared."""
    counts = found.control.n, found.treatment.n
    passed: bool | None = found.state != "worse"
    measured = str(found)
    if found.low is None or found.state == "ratio mismatch":
        passed = None
    elif passed and found.method == "exact" and min(counts) < LEAST_BINARY:
        passed = None
        measured = (
            f"{counts[0]:,} and {counts[1]:,} outcomes are too few: {LEAST_BINARY} of each are"
            " needed"
        )
    return StepCheck(name="outcomes", limit=limit, measured=measured, passed=passed)


def _values(
    plan: DeliveryPlan,
    folder: Path,
    until: datetime,
    outcomes: Outcomes | None,
) -> tuple[Values, Values]:
    """The outcomes of the version that is to be replaced, and of the new one, since all requests
    have followed the shares of the step.
    """
    names, since = [plan.against, plan.version], plan.step_at + SETTLED
    if plan.goal != "reward":
        found = outcomes(plan.deployment, plan.goal, names, since, until) if outcomes else {}
        return found.get(plan.against, ()), found.get(plan.version, ())
    rows = (part.rows for part in parts(folder, since, until) if not part.problem)
    first, second = rewards(folder, rows, since, names)
    return first, second
