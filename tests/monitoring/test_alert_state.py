"""How an alert moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from jupyter_mlinfra.monitoring.spec import AlertState
from jupyter_mlinfra.monitoring.state import advance

T0 = datetime(2026, 1, 1, tzinfo=UTC)
HOLD = timedelta(minutes=5)


def test_a_breach_fires_only_after_it_has_lasted_its_hold() -> None:
    state, since = advance(AlertState.OK, T0, breached=True, at=T0, hold=HOLD)
    assert state is AlertState.PENDING
    state, since = advance(state, since, breached=True, at=T0 + timedelta(minutes=4), hold=HOLD)
    assert (state, since) == (AlertState.PENDING, T0)
    state, since = advance(state, since, breached=True, at=T0 + timedelta(minutes=5), hold=HOLD)
    assert (state, since) == (AlertState.FIRING, T0 + timedelta(minutes=5))


def test_without_hold_a_breach_fires_at_once_and_stays_since_its_beginning() -> None:
    state, since = advance(AlertState.OK, T0, breached=True, at=T0)
    later = advance(state, since, breached=True, at=T0 + HOLD)
    assert state is AlertState.FIRING
    assert later == (AlertState.FIRING, T0)


def test_too_little_data_is_never_green_and_does_not_end_a_firing_alert() -> None:
    assert advance(AlertState.FIRING, T0, breached=None, at=T0 + HOLD) == (AlertState.FIRING, T0)
    for state in set(AlertState) - {AlertState.FIRING}:
        assert advance(state, T0, breached=None, at=T0 + HOLD)[0] is AlertState.NO_DATA
    assert advance(AlertState.NO_DATA, T0, breached=False, at=T0 + HOLD) == (
        AlertState.OK,
        T0 + HOLD,
    )
