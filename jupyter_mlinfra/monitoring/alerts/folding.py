"""Lists of alerts that stay readable: a rule that keeps features apart has one alert for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..spec import Alert, AlertState
from ..state import WORST_FIRST
from .store import alert_ref

APART = (AlertState.FIRING, AlertState.PENDING)
"""States whose alerts stay apart: somebody has to look at each."""


def folded(alerts: Sequence[Alert]) -> list[Alert]:
    """One line for the alerts of a rule with labels that are in the same quiet state, where the
    first of them was: all that are ok, that have no data, or that one silence covers.
    """
    groups: dict[tuple[object, ...], list[Alert]] = {}
    for place, alert in enumerate(alerts):
        groups.setdefault(_kind(alert, place), []).append(alert)
    return [group[0] if len(group) == 1 else _line(group) for group in groups.values()]


def tally(alerts: Sequence[Alert]) -> str:
    """How many there are by their state, as `2 firing, 28 ok`."""
    counts = Counter(alert.state for alert in alerts)
    return ", ".join(
        f"{counts[state]:,} {state.replace('_', ' ')}" for state in WORST_FIRST if counts[state]
    )


def _kind(alert: Alert, place: int) -> tuple[object, ...]:
    if alert.state in APART or not alert.labels:
        return (place,)
    silence = alert.silence.number if alert.silence else None
    return (alert.monitor, alert.name, alert.state, silence, alert.held_back_by)


def _line(group: Sequence[Alert]) -> Alert:
    worst = group[0]
    measured = worst.state is not AlertState.NO_DATA
    many = "features" if [*worst.labels] == ["feature"] else "alerts"
    return replace(
        worst,
        ref=alert_ref(worst.monitor, (worst.name, ())),
        subject=f"{len(group):,} {many}",
        text=" ".join(_words(group)),
        value=worst.value if measured else None,
        labels={},
        since=min(alert.since for alert in group),
        window_start=None,
        window_end=None,
        resolved_at=None,
        acknowledged=None,
        cause="",
        count=len(group),
    )


def _words(group: Sequence[Alert]) -> Iterator[str]:
    """The reason that most of them give, or what the worst of them says."""
    if group[0].state is AlertState.NO_DATA:
        text, count = Counter(alert.text for alert in group).most_common(1)[0]
        yield text if count == len(group) else f"{count:,} of them: {text}"
    else:
        yield f"at worst: {group[0].text}"
