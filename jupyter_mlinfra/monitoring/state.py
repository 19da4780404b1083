"""How an alert changes its state; decided only here."""

from __future__ import annotations

from datetime import datetime, timedelta

from .spec import AlertState

STALE = timedelta(hours=24)
"""The longest window of a rule: an older verdict says nothing about the present."""

WORST_FIRST = (AlertState.FIRING, AlertState.PENDING, AlertState.NO_DATA, AlertState.OK)


def as_of(state: AlertState, evaluated_at: datetime | None, at: datetime) -> AlertState:
    """The state to show: a green state that was not confirmed for this long counts as no data."""
    stale = evaluated_at is not None and at - evaluated_at > STALE
    return AlertState.NO_DATA if state is AlertState.OK and stale else state


def advance(
    state: AlertState,
    since: datetime,
    *,
    breached: bool | None,
    at: datetime,
    hold: timedelta = timedelta(0),
) -> tuple[AlertState, datetime]:
    """The next state and since when. breached: None if the window has too few rows.

    A breach is pending until it has lasted `hold`, then it fires; it ends with the first evaluation
    that is not a breach. Too little data is a state of its own: never green, and it does not end a
    firing alert.
    """
    if breached is None:
        return (
            (state, since)
            if state in (AlertState.NO_DATA, AlertState.FIRING)
            else (AlertState.NO_DATA, at)
        )
    if not breached:
        return (state, since) if state is AlertState.OK else (AlertState.OK, at)
    if state is AlertState.FIRING:
        return state, since
    if state is AlertState.PENDING:
        return (AlertState.FIRING, at) if at - since >= hold else (state, since)
    return (AlertState.PENDING, at) if hold else (AlertState.FIRING, at)
