"""The evaluator of rules: a pure function of what was known, what was measured, and the clock.

Alerts move in the time of the windows, not of the evaluation: an evaluator that was down and finds
several windows at once moves each alert through the states that it would have had.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from typing import Literal

from ..hours.points import Point
from ..spec import AlertState
from ..state import NoData, Track, step
from .spec import Judgement, Key, Rule

AlertKey = tuple[str, Key]
"""Rule and labels: one alert of a monitor."""

FORGET_SECONDS = 7 * 86_400.0
"""An alert of a label that no longer exists, such as an old version, is dropped after this time."""

Muted = Callable[[AlertKey, float], bool]
"""Whether an alert is silenced at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An alert moved. judgement: the one that moved it; None if time alone did."""

    key: AlertKey
    before: AlertState | None
    track: Track
    at: float
    judgement: Judgement | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What receivers are to be told, once for each episode and each end. judgement: the last one
    that this evaluation made.
    """

    key: AlertKey
    kind: Literal["firing", "resolved"]
    episode: int
    at: float
    judgement: Judgement | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What an evaluation leads to. tracks: of all alerts, in the order of the rules. judgements:
    the last of each alert that was measured. held_back: firing alerts whose notifications wait for
    another alert to end.
    """

    tracks: Mapping[AlertKey, Track]
    judgements: Mapping[AlertKey, Judgement]
    changes: Sequence[Change]
    notices: Sequence[Notice]
    held_back: Mapping[AlertKey, str]


def evaluate(
    rules: Sequence[Rule],
    tracks: Mapping[AlertKey, Track],
    points: Iterable[Point],
    clock: float,
    *,
    muted: Muted = lambda _key, _at: False,
    not_before: Mapping[str, float] | None = None,
) -> Evaluation:
    """Move the alerts of one monitor up to `clock` (seconds since 1970).

    points: what was measured, in any order; those that end after the clock or not after what an
    alert has already seen are left out, so a point that comes twice counts once. not_before: by
    rule, a time up to which points are left out: a rule that is new has no past.
    """
    run = _Run({rule.name: rule for rule in rules}, tracks, muted)
    for at, batch in _batches(rules, points, clock, not_before or {}):
        run.advance(at)
        for key, found in batch.items():
            for alert in run.meant(key, batch):
                run.judge(alert, found, at)
        run.tell(at)
    run.advance(clock)
    run.complete(clock)
    run.tell(clock)
    return run.result()


def _batches(
    rules: Sequence[Rule],
    points: Iterable[Point],
    clock: float,
    not_before: Mapping[str, float],
) -> Iterator[tuple[float, Mapping[AlertKey, list[Point]]]]:
    """The points of each alert, by the end of their window, oldest first."""
    by_metric: dict[float, dict[AlertKey, list[Point]]] = {}
    for point in points:
        if point.end > clock:
            continue
        for rule in rules:
            if point.end <= not_before.get(rule.name, 0.0):
                continue
            if (labels := rule.key_of(point)) is not None:
                batch = by_metric.setdefault(point.end, {})
                batch.setdefault((rule.name, labels), []).append(point)
    yield from sorted(by_metric.items())


class _Run:
    """One evaluation while it is made."""

    def __init__(
        self, rules: Mapping[str, Rule], tracks: Mapping[AlertKey, Track], muted: Muted
    ) -> None:
        self._rules, self._muted = rules, muted
        self._tracks = {key: track for key, track in tracks.items() if _fits(key, rules)}
        self._judgements: dict[AlertKey, Judgement] = {}
        self._changes: list[Change] = []
        self._notices: list[Notice] = []
        for key, track in tracks.items():
            if key not in self._tracks:
                self._drop(key, track, max(track.at, track.since))

    def meant(self, key: AlertKey, batch: Mapping[AlertKey, object]) -> Sequence[AlertKey]:
        """The alerts that points are for. Where nothing of any label was measured, these are all
        alerts of the rule of which the batch says nothing else; its one without labels, if there is
        no other.
        """
        if key[1] or not self._rules[key[0]].by:
            return [key]
        labelled = [item for item in {**self._tracks, **batch} if item[0] == key[0] and item[1]]
        return [item for item in labelled if item not in batch] if labelled else [key]

    def judge(self, key: AlertKey, points: Sequence[Point], at: float) -> None:
        """Move an alert by what was measured."""
        rule, known = self._rules[key[0]], self._tracks.get(key)
        unlabelled: AlertKey = (rule.name, ())
        if key[1] and unlabelled in self._tracks:
            self._drop(unlabelled, self._tracks.pop(unlabelled), at)
        # A window may end at the very moment at which the silence before it moved the alert.
        if known is not None and (at < known.at or at == known.at == known.seen):
            return
        before = known or Track(since=at, at=at, seen=at)
        found = _judged(rule, points, firing=before.state is AlertState.FIRING)
        self._judgements[key] = found
        after = replace(step(before, found.active, at, rule), seen=at)
        self._set(key, known, after, at, found)

    def advance(self, until: float) -> None:
        """Move the alerts that got no value for too long, up to the time `until`."""
        due = sorted(
            (at, key)
            for key, track in self._tracks.items()
            for at in _silent_moments(self._rules[key[0]], track)
            if track.at < at < until
        )
        for at, moved in groupby(due, key=itemgetter(0)):
            for _, key in moved:
                known = self._tracks[key]
                self._set(key, known, step(known, None, at, self._rules[key[0]]), at, None)
            self.tell(at)
        for key, track in [*self._tracks.items()]:
            rule = self._rules[key[0]]
            if key[1] and until - track.seen > max(FORGET_SECONDS, rule.stale_seconds):
                self._drop(key, self._tracks.pop(key), until)

    def complete(self, clock: float) -> None:
        """Each rule has an alert, even if nothing was ever measured: one without labels, until the
        first with labels takes its place.
        """
        known = {name for name, _ in self._tracks}
        for rule in self._rules.values():
            key: AlertKey = (rule.name, ())
            if rule.name not in known:
                begun = step(Track(since=clock, at=clock, seen=clock), None, clock, rule)
                # Its first window may have ended before the clock.
                self._set(key, None, replace(begun, at=0.0), clock, None)

    def tell(self, at: float) -> None:
        """Note what receivers are to be told at this time."""
        fires = self._firing()
        for key, track in self._tracks.items():
            firing = track.state is AlertState.FIRING
            if firing and not track.told:
                if not self._holder(key, fires) and not self._muted(key, at):
                    self._notify(key, "firing", track, at)
                    self._tracks[key] = replace(track, told=True)
            elif not firing and track.told:
                self._notify(key, "resolved", track, at)
                self._tracks[key] = replace(track, told=False)

    def result(self) -> Evaluation:
        """The tracks in the order of the rules."""
        order = {name: place for place, name in enumerate(self._rules)}
        tracks = dict(sorted(self._tracks.items(), key=lambda item: (order[item[0][0]], item[0])))
        fires = self._firing()
        held = {
            key: holder
            for key, track in tracks.items()
            if track.state is AlertState.FIRING and (holder := self._holder(key, fires))
        }
        return Evaluation(
            tracks=tracks,
            judgements=self._judgements,
            changes=self._changes,
            notices=self._notices,
            held_back=held,
        )

    def _firing(self) -> Set[str]:
        """The rules of which an alert fires."""
        return {
            name for (name, _), track in self._tracks.items() if track.state is AlertState.FIRING
        }

    def _holder(self, key: AlertKey, firing: Set[str]) -> str:
        """The firing rule that holds an alert back, empty if there is none."""
        return next((name for name in self._rules[key[0]].inhibited_by if name in firing), "")

    def _set(
        self, key: AlertKey, known: Track | None, after: Track, at: float, found: Judgement | None
    ) -> None:
        self._tracks[key] = after
        if known is None or (known.state, known.episode) != (after.state, after.episode):
            before = known.state if known else None
            self._changes.append(
                Change(key=key, before=before, track=after, at=at, judgement=found)
            )

    def _drop(self, key: AlertKey, track: Track, at: float) -> None:
        """An alert that no longer exists ends."""
        if track.told:
            self._notify(key, "resolved", track, at)

    def _notify(
        self, key: AlertKey, kind: Literal["firing", "resolved"], track: Track, at: float
    ) -> None:
        self._notices.append(
            Notice(
                key=key,
                kind=kind,
                episode=track.episode,
                at=at,
                judgement=self._judgements.get(key),
            )
        )


def _judged(rule: Rule, points: Sequence[Point], *, firing: bool) -> Judgement:
    """The verdict of a rule; none, with the reason, if it fails, so that the others are judged."""
    try:
        return rule.judge(points, firing=firing)
    except (Exception, SystemExit) as error:  # noqa: BLE001 (whatever it is, it is of one rule)
        why = f"the rule could not be judged: {type(error).__name__}: {error}"
        return Judgement(active=None, point=points[0], problem=why)


def _fits(key: AlertKey, rules: Mapping[str, Rule]) -> bool:
    """Whether a rule still has such an alert: it may be gone, or keep other labels apart now."""
    rule = rules.get(key[0])
    return rule is not None and (not key[1] or len(key[1]) == len(rule.by))


def _silent_moments(rule: Rule, track: Track) -> Sequence[float]:
    """When the silence of a metric moves an alert: as it becomes stale, and when what its policy
    then waits for is over.
    """
    stale_at = track.seen + rule.stale_seconds
    wait = {
        NoData.KEEP: 0.0,
        NoData.RESOLVE: rule.keep_firing_seconds,
        NoData.FIRE: rule.hold_seconds,
    }[rule.no_data]
    return (stale_at, stale_at + wait) if wait else (stale_at,)
