"""What rules would have done in the past: a replay of recorded points, before they are armed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..hours.points import Point
from ..spec import AlertState
from ..state import Track
from .evaluator import AlertKey, evaluate
from .spec import Judgement, ThresholdRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One time that an alert would have fired; seconds since 1970. until: None if it would still
    fire. worst: the point with the worst value.
    """

    key: AlertKey
    since: float
    until: float | None
    worst: Point | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What one rule would have done. windows: ends of windows that it was asked about; measured:
    those that it could judge.
    """

    rule: ThresholdRule
    past: Sequence[Past]
    windows: int
    measured: int


def replay(
    rules: Sequence[ThresholdRule], points: Sequence[Point], until: float
) -> Sequence[Replayed]:
    """Evaluate the rules at the end of each window, as the evaluator would have done.

    Silences and inhibitions are left out: they decide who is told, not whether a rule fires.
    """
    ends = sorted({point.end for point in points})
    by_end: dict[float, list[Point]] = {}
    for point in points:
        by_end.setdefault(point.end, []).append(point)
    tracks: Mapping[AlertKey, Track] = {}
    watch = _Watch(rules)
    for end in ends:
        result = evaluate(rules, tracks, by_end[end], end)
        watch.note(tracks, result.tracks, result.judgements)
        tracks = result.tracks
    if ends and until > ends[-1]:
        result = evaluate(rules, tracks, (), until)
        watch.note(tracks, result.tracks, {})
    return watch.result()


class _Watch:
    """Notes the episodes while the past is replayed."""

    def __init__(self, rules: Sequence[ThresholdRule]) -> None:
        self._rules = {rule.name: rule for rule in rules}
        self._open: dict[AlertKey, Past] = {}
        self._past: list[Past] = []
        self._windows: dict[str, set[float]] = {rule.name: set() for rule in rules}
        self._measured: dict[str, set[float]] = {rule.name: set() for rule in rules}

    def note(
        self,
        before: Mapping[AlertKey, Track],
        after: Mapping[AlertKey, Track],
        judgements: Mapping[AlertKey, Judgement],
    ) -> None:
        """Compare the tracks before and after one moment."""
        for key, found in judgements.items():
            self._windows[key[0]].add(found.point.end)
            if found.active is not None:
                self._measured[key[0]].add(found.point.end)
        for key, track in after.items():
            previous = before.get(key)
            if key in self._open and _ended(previous, track):
                self._past.append(replace(self._open.pop(key), until=track.resolved_at))
            if track.state is AlertState.FIRING and key not in self._open:
                self._open[key] = Past(key=key, since=track.since, until=None, worst=None)
            self._worst(key, judgements.get(key))
        for key in [*self._open]:
            if key not in after:
                self._past.append(replace(self._open.pop(key), until=before[key].at))

    def result(self) -> Sequence[Replayed]:
        """Of each rule; its newest episodes first."""
        episodes = [*self._past, *self._open.values()]
        return [
            Replayed(
                rule=rule,
                past=sorted(
                    (item for item in episodes if item.key[0] == name), key=lambda item: -item.since
                ),
                windows=len(self._windows[name]),
                measured=len(self._measured[name]),
            )
            for name, rule in self._rules.items()
        ]

    def _worst(self, key: AlertKey, found: Judgement | None) -> None:
        episode = self._open.get(key)
        if episode is None or found is None or found.active is None:
            return
        known, rule = episode.worst, self._rules[key[0]]
        points = [found.point] if known is None else [known, found.point]
        worst = (max if rule.op.upward else min)(points, key=rule.weighed)
        self._open[key] = replace(episode, worst=worst)


def _ended(before: Track | None, after: Track) -> bool:
    """Whether an alert that fired does not any more, or fires for another time."""
    return before is not None and (
        after.state is not AlertState.FIRING or after.episode != before.episode
    )
