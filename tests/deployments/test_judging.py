"""By which outcomes of 0 and 1 a step passes, waits or is rolled back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jupyter_mlinfra.deployments.delivery.judging import StepLimits, judge
from jupyter_mlinfra.deployments.delivery.spec import DeliveryPlan, PlanState, StepCheck

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOO_FEW = "outcomes are too few: 100 of each are needed"


def outcomes_check(folder: Path, control: Sequence[float], treatment: Sequence[float]) -> StepCheck:
    """Of a step at 50 % that is judged by these outcomes, of which more are better."""
    plan = DeliveryPlan(
        id=1,
        deployment="flights",
        version="v2",
        against="v1",
        steps=[50],
        every_seconds=60.0,
        least_requests=0,
        goal="kpi",
        better="higher",
        state=PlanState.RUNNING,
        step=1,
        percent=50,
        step_at=AT,
        next_at=AT,
        waits_for="",
        user="ana",
        created_at=AT,
        updated_at=AT,
    )
    found = judge(
        plan,
        StepLimits(errors=0.01, p95_ms=100.0, alpha=0.05),
        folder=folder,
        figures={},
        traffic={"v1": 50, "v2": 50},
        until=AT.replace(hour=13),
        outcomes=lambda *_: {"v1": control, "v2": treatment},
    )
    return found.checks[-1]


def of(ones: int, n: int) -> list[float]:
    return [1.0] * ones + [0.0] * (n - ones)


@pytest.mark.parametrize(
    ("control", "treatment", "passed"),
    [
        ((1, 1), (1, 1), None),
        ((1, 1), (0, 1), None),
        ((50, 100), (50, 99), None),
        ((50, 100), (50, 100), True),
        # None in a hundred is a frequent outcome of a rare event.
        ((0, 120), (0, 110), True),
        # Beyond any chance, though they are few.
        ((40, 40), (0, 40), False),
        ((80, 100), (30, 100), False),
        # Fewer, which may be chance.
        ((50, 100), (40, 100), True),
    ],
)
def test_outcomes_of_0_and_1_need_a_hundred_of_each_to_pass_and_no_minimum_to_be_worse(
    tmp_path: Path, control: tuple[int, int], treatment: tuple[int, int], passed: bool | None
) -> None:
    check = outcomes_check(tmp_path, of(*control), of(*treatment))
    assert check.name == "outcomes"
    assert check.passed is passed
    assert check.measured.endswith(TOO_FEW) is (passed is None)


def test_other_outcomes_need_the_number_from_which_their_sequence_holds(tmp_path: Path) -> None:
    few, enough = [1.0, 2.0] * 199, [1.0, 2.0] * 200
    assert outcomes_check(tmp_path, enough, few).passed is None
    assert outcomes_check(tmp_path, enough, enough).passed is True
