"""Whether a step of a plan may be followed by the next: requests, errors, refusals, latency and
outcomes of the version since the step began.

Each limit is asked again and again, so each is judged by something that may be: the errors and
refusals by confidence sequences, the outcomes by the verdict of `experiments`, whose alpha is
shared out to the steps, because the shares of the traffic, which it checks, change with them.

Nothing of an earlier step judges this one: of the gateway's window, errors and refusals count from
its first reading within the step and latency once all of it is; outcomes count from when the
traffic follows the shares of the step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import MLInfraError
from ..comparing import quantiles
from ..targets import Figures
from ..version_verdicts import SETTLED, rewards
from . import refusals
from .refusals import LEAST, Refusals, looks_worse
from .spec import DeliveryPlan, StepCheck

if TYPE_CHECKING:
    import polars as pl

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
LEAST_FIGURES = 20
"""Requests of the gateway's last window before its p95 says anything."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Log:
    """Of one version since the step began, each request once. milliseconds: of those answered."""

    requests: int
    errors: int
    refused: int
    milliseconds: Sequence[float]


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
    rows = _requests(folder, plan, plan.step_at, until)
    logs = {version: _log(rows, version) for version in (plan.version, plan.against)}
    begun = plan.step_at.timestamp()
    whole = {version: item for version, item in figures.items() if item.since >= begun}
    gateway = {
        version: figures[version].counted_since(begun) if version in figures else (0, 0, 0)
        for version in logs
    }
    found = [
        _requests_check(plan, logs[plan.version]),
        _errors(limits, logs[plan.version], gateway[plan.version]),
        _refusals(plan, logs, gateway, folder),
        _latency(plan, limits, logs, whole),
    ]
    judgement = Judgement(checks=found)
    if plan.goal and traffic.get(plan.against):
        judgement = _with_outcomes(plan, limits, traffic, judgement, folder, rows, until, outcomes)
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
    rows: pl.DataFrame,
    until: datetime,
    outcomes: Outcomes | None,
) -> Judgement:
    """With the verdict on the outcomes. Outcomes that cannot be had hide no breach of the others:
    the step waits.
    """
    try:
        values = _values(plan, folder, rows, until, outcomes)
    except MLInfraError as error:
        limit = f"{plan.goal} not worse than of {plan.against}"
        check = StepCheck(name="outcomes", limit=limit, measured=str(error), passed=None)
        return replace(judgement, checks=[*judgement.checks, check])
    return _by_outcomes(plan, limits, traffic, values, judgement)


def _requests_check(plan: DeliveryPlan, log: _Log) -> StepCheck:
    return StepCheck(
        name="requests",
        limit=f"at least {plan.least_requests:,}",
        measured=f"{log.requests:,}",
        passed=True if log.requests >= plan.least_requests else None,
    )


def _errors(limits: StepLimits, log: _Log, gateway: Counted) -> StepCheck:
    """By the log since the step began, and by the gateway, which also sees what never reached a
    model. gateway: what it has counted in the step, in its last window.
    """
    requests, failed, _ = gateway
    counts = [(log.errors, log.requests), (failed, requests)]
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
    plan: DeliveryPlan, logs: Mapping[str, _Log], gateway: Mapping[str, Counted], folder: Path
) -> StepCheck:
    """By the log and by the gateway, as the errors. What is usual where the other version has no
    traffic any more is read only if the new one refuses enough for that to matter.
    """

    def logged(log: _Log) -> Refusals:
        return Refusals(requests=log.requests, refused=log.refused)

    def counted(version: str) -> Refusals:
        requests, _, refused = gateway[version]
        return Refusals(requests=requests, refused=refused)

    counts = [
        (logged(logs[plan.version]), logged(logs[plan.against])),
        (counted(plan.version), counted(plan.against)),
    ]
    before = Refusals(requests=0, refused=0)
    if any(looks_worse(own, before) and other.requests < LEAST for own, other in counts):
        earlier = _requests(folder, plan, plan.step_at - USUAL, plan.step_at)
        before = logged(_log(earlier, plan.against))
    return refusals.check(plan.against, counts, before)


def _exceeds(errors: int, n: int, most: float) -> bool | None:
    """Whether the share of errors is above `most`; None: it looks so, which may be chance."""
    from ...experiments import verdict as comparison

    if errors <= most * n:
        return False
    low, _ = comparison.proportion(errors, n, alpha=ERROR_ALPHA)
    return True if float(low) > most else None


def _latency(
    plan: DeliveryPlan,
    limits: StepLimits,
    logs: Mapping[str, _Log],
    figures: Mapping[str, Figures],
) -> StepCheck:
    """By the gateway; where it has counted too little, by the models' processes alone. A machine
    that is slow for both versions is not the new one's fault, but holds the plan.
    """
    own, other = _p95(figures.get(plan.version)), _p95(figures.get(plan.against))
    where = "at the gateway"
    if own is None:
        least = max(1, min(LEAST_FIGURES, plan.least_requests))
        own, other = (_logged_p95(logs[name], least) for name in (plan.version, plan.against))
        where = "in the model's process"
    if own is None:
        return StepCheck(
            name="latency",
            limit=f"p95 at most {limits.p95_ms:g} ms",
            measured="too few requests",
            passed=None if plan.least_requests else True,
        )
    slow = own > limits.p95_ms
    both = slow and other is not None and other > limits.p95_ms
    beside = f", {plan.against} {other:.1f} ms" if other is not None else ""
    return StepCheck(
        name="latency",
        limit=f"p95 at most {limits.p95_ms:g} ms",
        measured=f"{own:.1f} ms {where}{beside}",
        passed=None if both else not slow,
    )


def _p95(figures: Figures | None) -> float | None:
    return figures.p95_ms if figures and figures.requests >= LEAST_FIGURES else None


def _logged_p95(log: _Log, least: int) -> float | None:
    return quantiles(log.milliseconds)["p95_ms"] if len(log.milliseconds) >= least else None


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


def _requests(folder: Path, plan: DeliveryPlan, since: datetime, until: datetime) -> pl.DataFrame:
    """Both versions' requests of a time: request_id, ts, version, status, latency_ms."""
    import polars as pl

    from ..payload_log.parts import parts

    frames = [
        part.rows.filter(
            pl.col("version").is_in([plan.version, plan.against]) & (pl.col("row") == 0)
        ).select("request_id", "ts", "version", "status", "latency_ms")
        for part in parts(folder, since, until)
        if not part.problem
    ]
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "request_id": pl.String,
        "ts": pl.Datetime("us", "UTC"),
        "version": pl.String,
        "status": pl.Int16,
        "latency_ms": pl.Float64,
    }
    return pl.concat([pl.DataFrame(schema=schema), *frames], how="vertical_relaxed")


def _log(rows: pl.DataFrame, version: str) -> _Log:
    import polars as pl

    own = rows.filter(pl.col("version") == version)
    return _Log(
        requests=own.height,
        errors=own.filter(pl.col("status") >= 500).height,
        refused=own.filter(pl.col("status").is_between(400, 499)).height,
        milliseconds=own.filter(pl.col("status") == 200)["latency_ms"].to_list(),
    )


def _values(
    plan: DeliveryPlan,
    folder: Path,
    rows: pl.DataFrame,
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
    first, second = rewards(folder, [rows], since, names)
    return first, second
