"""Back-tests: the rules of some monitors on their recorded history."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ...core.errors import BadRequest
from ...core.records import from_seconds, now
from ..against import REFERENCE
from ..history import ends_of, recorded_points
from ..hours.points import Point
from ..rules.backtesting import Past, Replayed, replay
from ..rules.book import RuleBook
from ..store import MonitorStore
from .spec import Backtest, Episode, RuleBacktest
from .store import alert_ref
from .texts import subject_of

if TYPE_CHECKING:
    from ...core.project import Project
    from ...deployments import Deployments

WINDOW = timedelta(hours=24)
LONGEST_DAYS = 366.0
SHORTEST_STEP = timedelta(minutes=1)
EPISODES_SHOWN = 50

Progress = Callable[[str, float], None]
"""Told of a monitor, and of the part of its history that is done."""


PastPoints = Callable[..., tuple[list[Point], list[datetime]]]
"""See `Monitoring.past_points`."""

Measured = tuple[str, str]
"""A metric, and what it is against."""

LOG, SERIES = "payload log", "hourly series"


def backtest(
    project: Project,
    deployments: Deployments,
    monitors: Sequence[str],
    book: RuleBook,
    *,
    file: str,
    days: float,
    step: timedelta,
    on_progress: Progress,
    past_points: PastPoints,
) -> Backtest:
    """Replay the last `days` of the monitors. Raises BadRequest for a span or step out of range."""
    if not 0 < days <= LONGEST_DAYS or step < SHORTEST_STEP:
        raise BadRequest(
            "That past cannot be replayed.",
            f"It is {days:g} days in steps of {step.total_seconds():g} s.",
            f"At most {LONGEST_DAYS:g} days, in steps of at least a minute.",
        )
    until = now()
    since = until - timedelta(days=days)
    store, results = MonitorStore(project.database), list[RuleBacktest]()
    for name in monitors:
        rules = book.of(name)
        if not rules:
            continue

        def told(share: float, name: str = name) -> None:
            on_progress(name, share)

        against = sorted({rule.against for rule in rules})
        ends = ends_of(since, until, step)
        recorded, gone = past_points(name, ends, window=WINDOW, against=against)
        logged = [
            *recorded_points(
                project,
                deployments,
                store.show(name),
                since=since,
                until=until,
                step=step,
                window=WINDOW,
                left_out=frozenset(gone),
                on_progress=told,
            )
        ]
        sources = {LOG: _metrics(logged), SERIES: _metrics(recorded)}
        found = replay(rules, [*recorded, *logged], until.timestamp())
        results += [_record(name, item, until, sources) for item in found]
    return Backtest(
        file=file, since=since, until=until, step_seconds=step.total_seconds(), rules=results
    )


def _metrics(points: Sequence[Point]) -> frozenset[Measured]:
    """The metrics that have a value, and what they are against."""
    return frozenset(
        (point.metric, point.labels.get("against", REFERENCE))
        for point in points
        if point.value is not None
    )


def _record(
    monitor: str, found: Replayed, until: datetime, sources: Mapping[str, frozenset[Measured]]
) -> RuleBacktest:
    episodes = [_episode(monitor, item, until) for item in found.past]
    seconds = [item.seconds for item in episodes]
    return RuleBacktest(
        rule=found.rule.name,
        monitor=monitor,
        severity=found.rule.severity,
        fired=len(episodes),
        firing_seconds=sum(seconds),
        longest_seconds=max(seconds, default=0.0),
        windows=found.windows,
        measured=found.measured,
        episodes=episodes[:EPISODES_SHOWN],
        note=_note(found, len(episodes)),
        source=" and ".join(
            name
            for name, metrics in sources.items()
            if (found.rule.metric, found.rule.against) in metrics
        ),
    )


def _episode(monitor: str, item: Past, until: datetime) -> Episode:
    end = until.timestamp() if item.until is None else item.until
    return Episode(
        alert=alert_ref(monitor, item.key),
        since=from_seconds(item.since),
        until=from_seconds(item.until),
        seconds=end - item.since,
        peak=item.worst.value if item.worst else None,
        subject=subject_of(item.worst) if item.worst else "",
    )


def _note(found: Replayed, episodes: int) -> str:
    if not found.windows:
        return "The history has no value of its metric, so this says nothing about it."
    if found.measured < found.windows:
        missing = found.windows - found.measured
        return f"{missing:,} of {found.windows:,} windows could not be judged."
    if episodes > EPISODES_SHOWN:
        return f"{EPISODES_SHOWN} of {episodes:,} episodes are listed, the newest."
    return ""
