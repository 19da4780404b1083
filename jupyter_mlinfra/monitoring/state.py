"""How an alert changes its state; decided only here.

`step` moves an alert as Prometheus does: pending while a breach lasts less than `for`, firing
afterwards, and kept firing for `keep_firing_for` after the last breach. Source: `AlertingRule.Eval`
of Prometheus 2.53 (rules/alerting.go); the tests compare each state with `promtool test rules`.
Added to that: a value that is missing has a policy of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from .spec import Alert, AlertState

STALE = timedelta(hours=24)
"""The longest window of a rule: an older verdict says nothing about the present."""

WORST_FIRST = (
    AlertState.FIRING,
    AlertState.PENDING,
    AlertState.NO_DATA,
    AlertState.SILENCED,
    AlertState.OK,
)


class NoData(StrEnum):
    """What a missing value means.

    keep: a firing alert goes on, any other has no data. resolve: as a good value, though the state
    is no data. fire: as a breach.
    """

    KEEP = "keep"
    RESOLVE = "resolve"
    FIRE = "fire"


class Timing(Protocol):
    """What moves an alert besides its values; all in seconds."""

    @property
    def hold_seconds(self) -> float: ...
    @property
    def keep_firing_seconds(self) -> float: ...
    @property
    def no_data(self) -> NoData: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """The state of one alert. Times are seconds since 1970.

    since: when the state began. kept_since: the first good value of an alert that is kept firing.
    at: the time up to which it was moved. seen: end of the last window that counted. episode: how
    often it has fired. told: whether receivers were told of this episode.
    """

    state: AlertState = AlertState.NO_DATA
    since: float
    kept_since: float | None = None
    at: float
    seen: float
    episode: int = 0
    told: bool = False
    resolved_at: float | None = None


def as_of(state: AlertState, evaluated_at: datetime | None, at: datetime) -> AlertState:
    """The state to show: a green state that was not confirmed for this long counts as no data."""
    stale = evaluated_at is not None and at - evaluated_at > STALE
    return AlertState.NO_DATA if state is AlertState.OK and stale else state


def step(track: Track, active: bool | None, at: float, rule: Timing) -> Track:
    """The track after a verdict at the time `at`. active: None if nothing could be measured."""
    track = replace(track, at=at)
    if active is None and rule.no_data is NoData.KEEP:
        if track.state is AlertState.FIRING:
            return replace(track, kept_since=None)
        return _moved(track, AlertState.NO_DATA, at)
    if active or (active is None and rule.no_data is NoData.FIRE):
        return _breached(track, at, rule.hold_seconds)
    if track.state is AlertState.FIRING and rule.keep_firing_seconds:
        kept_since = at if track.kept_since is None else track.kept_since
        if at - kept_since < rule.keep_firing_seconds:
            return replace(track, kept_since=kept_since)
    return _moved(track, AlertState.NO_DATA if active is None else AlertState.OK, at)


def _breached(track: Track, at: float, hold: float) -> Track:
    if track.state is AlertState.FIRING:
        return replace(track, kept_since=None)
    if track.state is not AlertState.PENDING:
        track = _moved(track, AlertState.PENDING, at)
    return _moved(track, AlertState.FIRING, at) if at - track.since >= hold else track


def _moved(track: Track, to: AlertState, at: float) -> Track:
    if to is track.state:
        return track
    if to is AlertState.FIRING:
        return replace(
            track, state=to, since=at, episode=track.episode + 1, told=False, resolved_at=None
        )
    ended = at if track.state is AlertState.FIRING else track.resolved_at
    return replace(track, state=to, since=at, kept_since=None, resolved_at=ended)


def worst_state(alerts: Sequence[Alert]) -> AlertState:
    """The state of a monitor: the worst of its alerts, and no data without any."""
    states = {item.state for item in alerts}
    return next((state for state in WORST_FIRST if state in states), AlertState.NO_DATA)
