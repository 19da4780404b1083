"""Whether a commit brought fewer or more rows than usual, learned from those before it.

Its rows are compared with those of the commits of the same weekday and hour, of the same hour, of
the same weekday, or with all of them: the first of these groups that tells enough. Where a group
grows or shrinks steadily, with what it would have by now.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median

from .clocks import clock_of
from .learning import (
    DAYS,
    FEW,
    LEAST,
    NEWEST,
    TIGHT,
    WIDTH,
    Commit,
    deviation,
    few_of,
    groups,
    hour_of,
    moment_of,
    spread,
    there_are,
    weekday,
)
from .spec import Watch

_NOISE = math.log(1.25)  # the least robust standard deviation of the logarithm
_VOLUMES = 60
_WEEK = 6.5 * 86_400
_SEVERAL = 2  # commits in a day, from which on hours may differ
_RATIO = 2.0
_TREND = 0.75  # of the deviation that is left without a trend, for it to be one
_TELLING = 2  # commits that are odd in the same way, by which it is no accident


def volume(commits: Sequence[Commit]) -> Watch:
    """Whether the last commit brought as many rows as those before it of its kind."""
    if not commits:
        return Watch(verdict="unknown", why="There are no commits with new rows.")
    last, clock = commits[-1], clock_of([item.at for item in commits])
    before = [
        (clock(item.at), item.rows)
        for item in commits[:-1]
        if item.rows is not None and item.replaces == last.replaces
    ]
    is_early = len(before) < LEAST or _is_within_a_week(commits)
    if last.rows is None or is_early:
        why = (
            "The last commit does not tell how many rows it brought."
            if last.rows is None
            else f"{there_are(len(before))} before it; it takes {LEAST}, over more than a week"
            " if several come in a day, to tell how many rows are usual."
        )
        return Watch(
            verdict="unknown",
            why=why,
            last_at=moment_of(last.at),
            measured=last.rows,
            n=len(before),
        )
    low, high, n = _usual_at(clock(last.at), last.rows, before)
    verdict = "short" if last.rows < low else "large" if last.rows > high else "usual"
    if verdict == "usual" and _is_doubtful(clock(last.at), last.rows, n, before):
        return Watch(
            verdict="unknown",
            why=f"The last commit brought {last.rows:,} rows, as did {n} other at this time of the"
            f" week; the rest bring more or fewer. {_TELLING} of them tell what is usual.",
            last_at=moment_of(last.at),
            measured=last.rows,
            n=n,
        )
    words = {"short": "fewer than usual", "large": "more than usual", "usual": "as usual"}
    return Watch(
        verdict=verdict,  # type: ignore[arg-type]  # one of the words
        why=f"The last commit brought {last.rows:,} rows, {words[verdict]} ({low:,} to {high:,}).",
        last_at=moment_of(last.at),
        expected=(low, high),
        measured=last.rows,
        n=n,
    )


def _is_within_a_week(commits: Sequence[Commit]) -> bool:
    """Whether several come in a day and no weekend was seen, so that nobody knows whether nights
    and weekends are quiet.
    """
    if len(commits) >= NEWEST // 2:  # no more are looked at
        return False
    lasted = commits[-1].at - commits[0].at
    return lasted < DAYS and len(commits) > _SEVERAL * (1 + lasted / 86_400)


def _usual_at(at: float, rows: int, before: Sequence[tuple[float, int]]) -> tuple[int, int, int]:
    """The fewest and most rows that are nothing special then, and how many commits tell it. before:
    when others came, and their rows.

    Of the groups up to the first that tells enough, a narrower one counts if the rows are usual in
    it: few weekends tell little, but that they are like this one. So do the newest of the same hour
    on every day of a week, if they are alike.
    """
    logs = _by_now(at, [(moment, math.log1p(found)) for moment, found in before])
    both, *wider = groups(at)
    lately = _of(wider[-1], logs)[-LEAST:]
    if len(lately) == LEAST and at - lately[0][0] > _WEEK and _are_alike(lately):
        low, high = _usual_rows(lately)
        if low <= rows <= high:
            return low, high, LEAST  # a level that lasts is no fault of this commit
    few = few_of([value for _, value in logs], _NOISE)
    tellings: list[Callable[[], Sequence[tuple[float, float]]]] = [
        lambda: _of(both, logs),
        lambda: _same_hour(at, logs),
        *(partial(_of, belongs, logs) for belongs in wider),
        lambda: logs,
    ]
    for telling in tellings:
        group = telling()[-_VOLUMES:]
        if not group:
            continue
        low, high = _usual_rows(group)
        is_tight = len(group) >= few and _are_alike(group)
        if low <= rows <= high or is_tight or len(group) >= LEAST:
            break
    return low, high, len(group)


def _is_doubtful(at: float, rows: int, n: int, before: Sequence[tuple[float, int]]) -> bool:
    """Whether only a few commits, as odd among all as this one, make it look usual: they may be a
    quiet day of the week, or the same fault before.
    """
    logs = _by_now(at, [(moment, math.log1p(found)) for moment, found in before])
    low, high = _usual_rows(logs[-_VOLUMES:])
    return n < _TELLING and not low <= rows <= high


def _are_alike(logs: Sequence[tuple[float, float]]) -> bool:
    values = [value for _, value in logs]
    return max(values) - min(values) <= math.log(TIGHT)


def _of(
    belongs: Callable[[float], bool], logs: Sequence[tuple[float, float]]
) -> list[tuple[float, float]]:
    return [(moment, value) for moment, value in logs if belongs(moment)]


def _same_hour(at: float, logs: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Those of the same hour on all days, as they would be on this weekday; none unless commits
    come at several hours, each with enough of them.

    By Tukey's median polish (Exploratory Data Analysis, 1977), one pass: what is usual at an hour
    is taken off first, and what remains tells how the weekdays differ.
    """
    hours, days = defaultdict[int, list[float]](list), defaultdict[int, list[float]](list)
    for moment, value in logs:
        hours[_apart(at, moment)].append(value)
    known = sum(len(values) >= FEW for values in hours.values())
    if known < 2 or len(hours[0]) < LEAST:
        return []
    usual = {hour: median(values) for hour, values in hours.items()}
    for moment, value in logs:
        days[weekday(moment)].append(value - usual[_apart(at, moment)])
    by_day = {day: median(values) for day, values in days.items()}
    here = by_day.get(weekday(at), 0.0)
    return [
        (moment, value - by_day[weekday(moment)] + here)
        for moment, value in logs
        if not _apart(at, moment)
    ]


def _apart(at: float, moment: float) -> int:
    """Whole hours from the time of day of one moment to that of another, 0 to 23."""
    return round(hour_of(moment) - hour_of(at)) % 24


def _usual_rows(logs: Sequence[tuple[float, float]]) -> tuple[int, int]:
    """The fewest and most rows that are nothing special. logs: when, and log(1 + rows)."""
    values = [value for _, value in logs]
    middle = median(values)
    width = max(WIDTH * spread(values, _NOISE), math.log(_RATIO))
    return math.ceil(math.expm1(middle - width)), math.floor(math.expm1(middle + width))


def _by_now(at: float, logs: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """The newest values as they would be at a time, if those of its hour of the day grow or shrink
    steadily; else all as they are. The middle stays within the newest: what grew need not go on.

    The slope is the median of those from a value of the first half to its like in the second.
    """
    here = _of(groups(at)[-1], logs)[-_VOLUMES:]
    half = len(here) // 2
    pairs = zip(here[:half], here[-half:], strict=True) if half > LEAST // 2 else ()
    slopes = [(two - one) / (then - when) for (when, one), (then, two) in pairs if then > when]
    if not slopes:
        return logs
    slope, values = median(slopes), [value for _, value in here]
    moved = [value + slope * (at - moment) for moment, value in here]
    if deviation(moved) >= _TREND * deviation(values):
        return logs
    middle, newest = median(moved), values[-LEAST:]
    shift = min(max(middle, min(newest)), max(newest)) - middle
    since = here[0][0]
    return [
        (moment, value + slope * (at - moment) + shift) for moment, value in logs if moment >= since
    ]
