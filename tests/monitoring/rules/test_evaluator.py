"""The evaluator of rules, by its properties: on random rules, series and evaluations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlinfra.monitoring.hours.points import Point
from jupyter_mlinfra.monitoring.rules.evaluator import (
    FORGET_SECONDS,
    AlertKey,
    Notice,
    evaluate,
)
from jupyter_mlinfra.monitoring.rules.spec import Operator, ThresholdRule
from jupyter_mlinfra.monitoring.spec import AlertState
from jupyter_mlinfra.monitoring.state import NoData, Track
from tests.support.searches import examples

HOUR = 3600.0
T0 = 1_700_000_000.0

RULES = st.builds(
    ThresholdRule,
    name=st.just("r"),
    metric=st.just("psi"),
    op=st.just(Operator.AT_LEAST),
    threshold=st.just(0.5),
    clear=st.sampled_from([None, 0.3]),
    hold_seconds=st.sampled_from([0.0, HOUR, 2.5 * HOUR]),
    keep_firing_seconds=st.sampled_from([0.0, HOUR, 2.5 * HOUR]),
    min_rows=st.sampled_from([0, 100]),
    by=st.sampled_from([(), ("feature",)]),
    no_data=st.sampled_from([*NoData]),
    stale_seconds=st.sampled_from([1.5 * HOUR, 24 * HOUR]),
)
VALUES = st.sampled_from([None, 0.1, 0.3, 0.4, 0.5, 0.9])
SERIES = st.lists(
    st.tuples(st.integers(1, 6), VALUES, st.sampled_from(["a", "b"]), st.sampled_from([50, 200])),
    max_size=20,
)


def point(at: float, value: float | None, feature: str = "a", rows: int = 200) -> Point:
    return Point(
        metric="psi",
        labels={"version": "v1", "feature": feature},
        start=at - HOUR,
        end=at,
        value=value,
        rows=rows,
    )


def series_of(found: Sequence[tuple[int, float | None, str, int]]) -> list[Point]:
    """Windows that end some hours after each other; after a gap too."""
    points, at = [], T0
    for hours, value, feature, rows in found:
        at += hours * HOUR
        points.append(point(at, value, feature, rows))
    return points


def after_each(
    rule: ThresholdRule, points: Sequence[Point], clocks: Sequence[float]
) -> tuple[Mapping[AlertKey, Track], list[tuple[AlertKey, str, int]]]:
    """Evaluate at each of the clocks with what is there by then."""
    tracks: Mapping[AlertKey, Track] = {}
    told: list[tuple[AlertKey, str, int]] = []
    for clock in clocks:
        done = evaluate([rule], tracks, [item for item in points if item.end <= clock], clock)
        tracks = done.tracks
        told += [(item.key, item.kind, item.episode) for item in done.notices]
    return tracks, told


@settings(max_examples=examples(200), deadline=None)
@given(RULES, SERIES, st.integers(0, 40), st.data())
def test_an_evaluator_that_was_down_ends_where_one_that_was_not_does(
    rule: ThresholdRule,
    found: list[tuple[int, float | None, str, int]],
    rest: int,
    data: st.DataObject,
) -> None:
    """Whatever rounds were left out: the same states, since the same times, and each episode told
    once. The first round and the last are made.
    """
    points = series_of(found)
    end = (points[-1].end if points else T0) + rest * HOUR
    every = [T0, *sorted({item.end + 0.25 * HOUR for item in points}), end + HOUR]
    made = [T0, *[item for item in every[1:-1] if data.draw(st.booleans())], every[-1]]
    steady, told = after_each(rule, points, every)
    interrupted, told_late = after_each(rule, points, made)
    assert interrupted == steady
    assert sorted(told_late) == sorted(told)


@settings(max_examples=examples(100), deadline=None)
@given(RULES, SERIES)
def test_what_is_evaluated_twice_changes_nothing_the_second_time(
    rule: ThresholdRule, found: list[tuple[int, float | None, str, int]]
) -> None:
    points = series_of(found)
    clock = (points[-1].end if points else T0) + HOUR
    once = evaluate([rule], {}, points, clock)
    twice = evaluate([rule], once.tracks, points, clock)
    assert twice.tracks == once.tracks
    assert not twice.changes
    assert not twice.notices


@settings(max_examples=examples(100), deadline=None)
@given(RULES, SERIES)
def test_firing_and_resolved_take_turns_and_each_episode_is_told_once(
    rule: ThresholdRule, found: list[tuple[int, float | None, str, int]]
) -> None:
    points = series_of(found)
    _, told = after_each(rule, points, [item.end for item in points])
    for key in {item[0] for item in told}:
        own = [(kind, episode) for which, kind, episode in told if which == key]
        assert (
            own
            == [
                (kind, number // 2 + 1)
                for number, kind in enumerate(["firing", "resolved"] * len(own), 0)
            ][: len(own)]
        )


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(st.sampled_from([0.3, 0.4, 0.5, 0.9]), min_size=1, max_size=30))
def test_between_the_two_thresholds_nothing_flaps(values: list[float]) -> None:
    """Once it fires, no value at or above `clear` ends it, and none below `threshold` began it."""
    rule = ThresholdRule(name="r", metric="psi", op=Operator.AT_LEAST, threshold=0.5, clear=0.3)
    points = [point(T0 + number * HOUR, value) for number, value in enumerate(values)]
    _, told = after_each(rule, points, [item.end for item in points])
    assert [kind for _, kind, _ in told] == (["firing"] if max(values) >= 0.5 else [])


def fired(rule: ThresholdRule, values: Sequence[float | None]) -> list[str]:
    """The states after each hour's value."""
    tracks: Mapping[AlertKey, Track] = {}
    states = []
    for number, value in enumerate(values):
        at = T0 + number * HOUR
        tracks = evaluate([rule], tracks, [point(at, value)], at).tracks
        states.append(str(tracks["r", ()].state))
    return states


RULE = ThresholdRule(name="r", metric="psi", op=Operator.AT_LEAST, threshold=0.5)


def test_one_quiet_window_does_not_end_an_alert_that_is_kept_firing() -> None:
    rule = replace(RULE, keep_firing_seconds=2 * HOUR)
    assert fired(rule, [0.9, 0.1, 0.9, 0.1, 0.1, 0.1]) == [*["firing"] * 5, "ok"]


def test_a_missing_value_is_never_green_whatever_the_policy() -> None:
    values = [0.1, None, 0.9, None, None]
    assert fired(RULE, values) == ["ok", "no_data", "firing", "firing", "firing"]
    resolve = replace(RULE, no_data=NoData.RESOLVE)
    assert fired(resolve, values) == ["ok", "no_data", "firing", "no_data", "no_data"]
    fire = replace(RULE, no_data=NoData.FIRE)
    assert fired(fire, values) == ["ok", "firing", "firing", "firing", "firing"]


def told(
    rules: Sequence[ThresholdRule], values: Mapping[str, Sequence[float]], *, muted_until: float = 0
) -> list[tuple[float, str, str]]:
    """(hour, rule, kind) of each notice; each metric has its values, hour by hour."""
    tracks: Mapping[AlertKey, Track] = {}
    notices: list[Notice] = []
    for hour in range(max(map(len, values.values()))):
        at = T0 + hour * HOUR
        points = [
            replace(point(at, found[hour]), metric=metric)
            for metric, found in values.items()
            if hour < len(found)
        ]
        done = evaluate(
            rules,
            tracks,
            points,
            at,
            muted=lambda key, when: key[0] == "r" and when < T0 + muted_until * HOUR,
        )
        tracks = done.tracks
        notices += done.notices
    return [((item.at - T0) / HOUR, item.key[0], item.kind) for item in notices]


def test_a_silenced_alert_is_told_when_its_silence_runs_out_and_not_if_it_ended_before() -> None:
    values = {"psi": [0.1, 0.9, 0.9, 0.9, 0.9, 0.1]}
    assert told([RULE], values, muted_until=3) == [(3, "r", "firing"), (5, "r", "resolved")]
    assert told([RULE], values, muted_until=9) == []


def test_an_inhibited_alert_waits_for_its_cause_to_end() -> None:
    down = ThresholdRule(name="down", metric="requests", op=Operator.LESS, threshold=1)
    held = replace(RULE, inhibited_by=("down",))
    values = {"requests": [9.0, 0.0, 0.0, 9.0, 9.0], "psi": [0.1, 0.9, 0.9, 0.9, 0.1]}
    assert told([held, down], values) == [
        (1, "down", "firing"),
        (3, "r", "firing"),
        (3, "down", "resolved"),
        (4, "r", "resolved"),
    ]


def test_a_removed_rule_ends_its_alert_and_so_does_a_label_that_is_gone() -> None:
    firing = evaluate([RULE], {}, [point(T0, 0.9)], T0)
    gone = evaluate([], firing.tracks, [], T0 + HOUR)
    assert (gone.tracks, [item.kind for item in gone.notices]) == ({}, ["resolved"])
    rule = replace(RULE, by=("feature",))
    firing = evaluate([rule], {}, [point(T0, 0.9)], T0)
    later = evaluate([rule], firing.tracks, [], T0 + FORGET_SECONDS + HOUR)
    assert [item.kind for item in later.notices] == ["resolved"]
    assert states_of(later.tracks) == {(): "no_data"}, "the rule never has nothing to say"


BY_FEATURE = replace(RULE, by=("feature",))


def nothing(at: float) -> Point:
    """What a window says in which no row was compared."""
    return Point(
        metric="psi", labels={"version": "v1"}, start=at - HOUR, end=at, value=None, rows=0
    )


def states_of(tracks: Mapping[AlertKey, Track]) -> dict[tuple[str, ...], str]:
    return {labels: str(track.state) for (_, labels), track in tracks.items()}


def test_a_rule_with_labels_has_no_data_before_the_first_of_them_has_some() -> None:
    for points in ([], [nothing(T0)]):
        none = evaluate([BY_FEATURE], {}, points, T0)
        assert states_of(none.tracks) == {(): "no_data"}
        later = evaluate([BY_FEATURE], none.tracks, [], T0 + 2 * FORGET_SECONDS)
        assert (later.tracks.keys(), later.changes) == (none.tracks.keys(), [])
        values = [point(T0 + HOUR, 0.1, "a"), point(T0 + HOUR, 0.9, "b")]
        found = evaluate([BY_FEATURE], none.tracks, values, T0 + HOUR)
        assert states_of(found.tracks) == {("a",): "ok", ("b",): "firing"}
        assert [(item.key[1], item.kind) for item in found.notices] == [(("b",), "firing")]


def test_where_nothing_was_measured_all_its_alerts_have_no_data_and_none_stays_green() -> None:
    values = [point(T0, 0.1, "a"), point(T0, 0.9, "b")]
    found = evaluate([BY_FEATURE], {}, values, T0).tracks
    empty = evaluate([BY_FEATURE], found, [nothing(T0 + HOUR)], T0 + HOUR)
    assert states_of(empty.tracks) == {("a",): "no_data", ("b",): "firing"}
    assert not empty.notices
    part = replace(BY_FEATURE, where={"feature": ("a",)})
    found = evaluate([part], {}, values, T0).tracks
    empty = evaluate([part], found, [nothing(T0 + HOUR)], T0 + HOUR)
    assert states_of(empty.tracks) == {("a",): "no_data"}


def test_an_unlabelled_alert_that_was_told_ends_once_its_labels_have_their_own() -> None:
    """As when a rule gets a `by`; and as when it loses it."""
    values = [point(T0 + HOUR, 0.1, "a"), point(T0 + HOUR, 0.9, "b")]
    whole = evaluate([RULE], {}, [point(T0, 0.9)], T0)
    parts = evaluate([BY_FEATURE], whole.tracks, values, T0 + HOUR)
    assert states_of(parts.tracks) == {("a",): "ok", ("b",): "firing"}
    told = [(item.key[1], item.kind, item.at) for item in parts.notices]
    assert told == [((), "resolved", T0 + HOUR), (("b",), "firing", T0 + HOUR)]
    again = evaluate([RULE], parts.tracks, [point(T0 + 2 * HOUR, 0.9)], T0 + 2 * HOUR)
    assert states_of(again.tracks) == {(): "firing"}
    told = [(item.key[1], item.kind, item.at) for item in again.notices]
    assert told == [(("b",), "resolved", T0 + HOUR), ((), "firing", T0 + 2 * HOUR)]


def test_an_alert_is_held_back_while_any_label_of_its_cause_fires() -> None:
    held = ThresholdRule(
        name="slow", metric="ks", op=Operator.AT_LEAST, threshold=0.5, inhibited_by=("r",)
    )
    slow = replace(point(T0, 0.9), metric="ks")
    points = [slow, point(T0, 0.1, "a"), point(T0, 0.9, "b")]
    found = evaluate([BY_FEATURE, held], {}, points, T0)
    assert found.held_back == {("slow", ()): "r"}
    assert [item.key for item in found.notices] == [("r", ("b",))]


def test_a_second_feature_is_told_while_the_first_is_silenced() -> None:
    first = evaluate(
        [BY_FEATURE], {}, [point(T0, 0.9, "a")], T0, muted=lambda key, _: key[1] == ("a",)
    )
    both = [point(T0 + HOUR, 0.9, name) for name in "ab"]
    found = evaluate(
        [BY_FEATURE], first.tracks, both, T0 + HOUR, muted=lambda key, _: key[1] == ("a",)
    )
    assert [(item.key[1], item.kind) for item in (*first.notices, *found.notices)] == [
        (("b",), "firing")
    ]


def test_a_few_requests_are_not_a_share() -> None:
    rule = ThresholdRule(
        name="r", metric="psi", op=Operator.AT_LEAST, threshold=0.05, share_of_at_least=100
    )
    states = [
        evaluate([rule], {}, [point(T0, bad / rows, rows=rows)], T0).tracks["r", ()].state
        for bad, rows in ((1, 4), (4, 10), (5, 10), (10, 400), (20, 400))
    ]
    assert states == [
        AlertState.OK, AlertState.OK, AlertState.FIRING, AlertState.OK, AlertState.FIRING,
    ]  # fmt: skip


def test_windows_that_come_late_or_out_of_order_count_by_their_own_time() -> None:
    points = [point(T0 + hour * HOUR, value) for hour, value in enumerate([0.1, 0.9, 0.9, 0.1])]
    rule = replace(RULE, hold_seconds=HOUR)
    at_once = evaluate([rule], {}, points[::-1], T0 + 9 * HOUR)
    moves = [(item.track.state, item.at) for item in at_once.changes]
    assert [state for state, _ in moves] == ["ok", "pending", "firing", "ok"]
    assert all(later - earlier == HOUR for (_, earlier), (_, later) in pairwise(moves))
    late = evaluate([rule], at_once.tracks, [point(T0 + 2.5 * HOUR, 0.9)], T0 + 10 * HOUR)
    assert late.tracks == at_once.tracks


def test_a_value_that_comes_late_counts_though_its_window_ended_as_the_one_before_got_stale() -> (
    None
):
    """Requests come once a day at the same hour, and their figures after the window has ended."""
    rule = replace(RULE, stale_seconds=24 * HOUR)
    first, second = point(T0, 0.1), point(T0 + 24 * HOUR, 0.9)
    tracks = evaluate([rule], {}, [first], T0 + HOUR).tracks
    stale = evaluate([rule], tracks, [], T0 + 25 * HOUR).tracks
    assert [track.state for track in stale.values()] == ["no_data"]
    late = evaluate([rule], stale, [second], T0 + 26 * HOUR)
    assert [track.state for track in late.tracks.values()] == ["firing"]
    assert not evaluate([rule], late.tracks, [second], T0 + 27 * HOUR).changes


def test_a_new_rule_has_no_past() -> None:
    points = [point(T0 + hour * HOUR, value) for hour, value in enumerate([0.9, 0.1, 0.1])]
    found = evaluate([RULE], {}, points, T0 + 2 * HOUR, not_before={"r": T0 + HOUR})
    assert not found.notices
    assert found.tracks["r", ()].since == T0 + 2 * HOUR
