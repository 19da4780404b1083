"""How an alert moves, step by step. Its timing is compared with Prometheus in `rules/`."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from jupyter_mlinfra.monitoring.spec import AlertState
from jupyter_mlinfra.monitoring.state import NoData, Track, step

T0 = 1_700_000_000.0


@dataclass(frozen=True)
class Timing:
    hold_seconds: float = 0.0
    keep_firing_seconds: float = 0.0
    no_data: NoData = NoData.KEEP


def moved(
    steps: list[tuple[float, bool | None]], rule: Timing
) -> list[tuple[AlertState, float, int]]:
    """State, since when (seconds after T0) and episode after each (time, verdict)."""
    track, found = Track(since=T0, at=T0, seen=T0), []
    for at, active in steps:
        track = step(track, active, T0 + at, rule)
        found.append((track.state, track.since - T0, track.episode))
    return found


def test_a_breach_fires_only_after_it_has_lasted_its_hold() -> None:
    assert moved([(0, True), (240, True), (300, True), (900, True)], Timing(hold_seconds=300)) == [
        (AlertState.PENDING, 0, 0),
        (AlertState.PENDING, 0, 0),
        (AlertState.FIRING, 300, 1),
        (AlertState.FIRING, 300, 1),
    ]


def test_an_alert_that_fires_again_is_another_episode() -> None:
    found = moved([(0, True), (1, False), (2, True)], Timing())
    assert [episode for _, _, episode in found] == [1, 1, 2]


def test_a_breach_within_the_time_of_keep_firing_starts_that_time_anew() -> None:
    rule = Timing(keep_firing_seconds=100)
    steps = [(0, True), (60, False), (120, True), (180, False), (279, False), (280, False)]
    assert [state for state, _, _ in moved(steps, rule)] == [*["firing"] * 5, "ok"]


@pytest.mark.parametrize("policy", [*NoData])
def test_too_little_data_is_never_green(policy: NoData) -> None:
    rule = Timing(no_data=policy)
    for verdicts in ([None], [False, None], [True, None], [True, False, None]):
        steps = [(float(number), verdict) for number, verdict in enumerate(verdicts)]
        assert moved(steps, rule)[-1][0] is not AlertState.OK


def test_only_by_its_policy_does_missing_data_end_or_begin_an_alert() -> None:
    ends = {
        policy: moved([(0, True), (1, None)], Timing(no_data=policy))[-1][0] for policy in NoData
    }
    assert ends == {"keep": "firing", "resolve": "no_data", "fire": "firing"}
    begins = {
        policy: moved([(0, False), (1, None)], Timing(no_data=policy))[-1][0] for policy in NoData
    }
    assert begins == {"keep": "no_data", "resolve": "no_data", "fire": "firing"}
