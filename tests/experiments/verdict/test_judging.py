"""What is said about two versions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.experiments.verdict import Arm, Look, arm, judge, verdict


def outcomes(n: int, mean: float, seed: int = 1) -> Any:
    return np.random.default_rng(seed).normal(mean, 1, n)


def test_a_better_and_a_worse_version_and_one_of_which_nothing_is_known() -> None:
    control = outcomes(2000, 0.0)
    assert verdict(control, outcomes(2000, 0.3, 2)).state == "better"
    assert verdict(control, outcomes(2000, -0.3, 2)).state == "worse"
    assert verdict(control, outcomes(2000, -0.3, 2), better="lower").state == "better"
    open_one = verdict(control, outcomes(2000, 0.01, 2))
    assert open_one.state == "not yet"
    assert open_one.low is not None
    assert open_one.high is not None
    assert open_one.low < 0 < open_one.high
    assert open_one.decided_at is None


def test_the_interval_is_around_the_difference_and_the_sentence_has_both() -> None:
    found = verdict(outcomes(500, 1.0), outcomes(500, 2.0, 2))
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.difference < found.high
    assert found.difference == pytest.approx(1.0, abs=0.2)
    for number in (found.difference, found.low, found.high):
        assert f"{number:+.4g}" in str(found)
    assert "1,000 outcomes" in str(found)


@pytest.mark.parametrize("method", ["exact", "asymptotic"])
def test_outcomes_of_0_and_1(method: Any) -> None:
    control, treatment = [0] * 900 + [1] * 100, [0] * 700 + [1] * 300
    found = verdict(control, treatment, method=method)
    assert (found.state, found.difference) == ("better", pytest.approx(0.2))
    assert verdict(control, control, method=method).state == "not yet"


def test_betting_judges_outcomes_within_bounds() -> None:
    random = np.random.default_rng(4)
    control, treatment = random.beta(2, 5, 1000) * 100, random.beta(3, 4, 1000) * 100
    found = verdict(control, treatment, method="betting", bounds=(0, 100))
    assert found.state == "better"
    assert found.low is not None
    assert 0 < found.low < 100 / 7 < (found.high or 0)
    for bounds in (None, (1, 0), (0, 50)):
        with pytest.raises(BadRequest):
            verdict(control, treatment, method="betting", bounds=bounds)


def test_a_few_or_equal_outcomes_say_nothing() -> None:
    assert verdict(outcomes(399, 0), outcomes(399, 9)).state == "not yet"
    same = verdict(np.zeros(500), np.ones(500))
    assert (same.state, same.low) == ("not yet", None)
    rare = [0] * 495 + [1] * 5
    assert verdict(rare, [0] * 300 + [1] * 200).low is None


def test_lost_outcomes_stop_the_comparison() -> None:
    found = verdict(outcomes(5000, 0), outcomes(4000, 1.0, 2))
    assert (found.state, found.decided_at) == ("ratio mismatch", None)
    assert "44.44% of 9,000" in found.why
    assert verdict(outcomes(5000, 0), outcomes(4000, 1.0, 2), share=4 / 9).state == "better"


def test_the_first_decision_stays() -> None:
    far = Look(
        control=Arm(n=1000, mean=0.0, variance=1.0, binary=False),
        treatment=Arm(n=1000, mean=0.5, variance=1.0, binary=False),
    )
    near = Look(
        control=Arm(n=2000, mean=0.0, variance=1.0, binary=False),
        treatment=Arm(n=2000, mean=0.05, variance=1.0, binary=False),
    )
    assert judge([near]).state == "not yet"
    found = judge([far, near])
    assert (found.state, found.decided_at, found.difference) == ("better", 1, 0.05)
    lost = Look(control=far.control, treatment=Arm(n=700, mean=0.0, variance=1.0, binary=False))
    assert judge([lost, far]).state == "ratio mismatch"


def test_an_arm_from_values() -> None:
    found = arm([1.0, 2.0, 4.0])
    assert (found.n, found.mean, found.binary) == (3, pytest.approx(7 / 3), False)
    assert found.variance == pytest.approx(np.var([1, 2, 4], ddof=1))
    assert arm([0, 1]).binary


@pytest.mark.parametrize("values", [[], [float("nan")], [1.0, float("inf")], [[1.0]]])
def test_outcomes_that_are_none_are_refused(values: Any) -> None:
    with pytest.raises(BadRequest):
        arm(values)


@pytest.mark.parametrize(
    "options", [{"share": 0.0}, {"share": 1.0}, {"alpha": 0.0}, {"method": "exact"}]
)
def test_numbers_out_of_their_range_are_refused(options: Any) -> None:
    with pytest.raises(BadRequest):
        verdict(outcomes(500, 0), outcomes(500, 0, 2), **options)
    with pytest.raises(BadRequest):
        judge([])


def test_betting_without_the_outcomes_is_refused() -> None:
    look = Look(control=arm(outcomes(200, 0)), treatment=arm(outcomes(200, 0)))
    with pytest.raises(BadRequest, match="every outcome"):
        judge([look], method="betting")
