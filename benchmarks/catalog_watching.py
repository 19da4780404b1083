"""Late and short commits, learned without thresholds: false alarms and misses in histories.

    python benchmarks/catalog_watching.py [WORD…]

For each history: looks at random moments that call it late although nothing is missing; how long
after its time a missing commit is called late (in usual gaps: median and most); commits that are
called short or large as they are, and how many are called short with 30% of their rows.
"""

from __future__ import annotations

import bisect
import math
import random
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median
from zoneinfo import ZoneInfo

from jupyter_mlinfra.catalog.quality.learning import NEWEST, Commit, freshness, newest
from jupyter_mlinfra.catalog.quality.volumes import volume

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
MONDAY = datetime(2026, 1, 5, tzinfo=UTC).timestamp()
SEEDS, LOOKS, COMMITS = 3, 250, 60

Draw = random.Random
Load = tuple[float, float]
History = Callable[[Draw], Iterator[Load]]


def every(gap: float, count: int, *, late: float, level: Callable[[int], float]) -> History:
    """`count` loads, each up to some seconds off; level: rows by number, none for no load."""

    def made(draw: Draw) -> Iterator[Load]:
        for number in range(count):
            if rows := level(number) * math.exp(draw.gauss(0, 0.1)):
                yield MONDAY + 6 * HOUR + number * gap + draw.gauss(0, late), rows

    return made


def local(zone: str, hours: range, *, weekdays: bool, days: int = 250) -> History:
    """At whole hours of the clock of a place."""

    def made(draw: Draw) -> Iterator[Load]:
        for day in range(days):
            date = datetime(2026, 1, 5, tzinfo=ZoneInfo(zone)) + timedelta(days=day)
            for hour in hours if date.weekday() < 5 or not weekdays else ():
                at = date.replace(hour=hour).timestamp()
                yield at + draw.gauss(0, 3 * MINUTE), 1000 * math.exp(draw.gauss(0, 0.1))

    return made


def monthly(draw: Draw) -> Iterator[Load]:
    """On the last weekday of each of three years."""
    for month in range(36):
        day = datetime(2024 + (month + 1) // 12, (month + 1) % 12 + 1, 1, 17, tzinfo=UTC)
        day -= timedelta(days=1)
        while day.weekday() > 4:
            day -= timedelta(days=1)
        yield day.timestamp() + draw.gauss(0, 30 * MINUTE), 1000 * math.exp(draw.gauss(0, 0.1))


def with_backfill(draw: Draw) -> Iterator[Load]:
    yield from HISTORIES["daily, ± 20 minutes"](draw)
    yield MONDAY + 60.2 * DAY, 500_000


def at_random(draw: Draw) -> Iterator[Load]:
    at = MONDAY
    for _ in range(200):
        at += math.exp(draw.gauss(math.log(6 * HOUR), 1.0))
        yield at, 1000 * math.exp(draw.gauss(0, 0.1))


def files(draw: Draw) -> Iterator[Load]:
    for day in range(90):
        for _ in range(draw.randint(1, 6)):
            yield MONDAY + day * DAY + draw.uniform(0, 9 * MINUTE), draw.uniform(500, 2000)


def _night(number: int, per_hour: int = 1) -> bool:
    return not 5 <= (6 + number // per_hour) % 24 < 23


def _weekend(day: int) -> bool:
    return day % 7 > 4


HISTORIES: dict[str, History] = {
    "daily, ± 20 minutes": every(DAY, 130, late=20 * MINUTE, level=lambda _: 1000),
    "weekdays, ± 20 minutes": every(
        DAY, 160, late=20 * MINUTE, level=lambda day: 0 if _weekend(day) else 1000
    ),
    "daily, 30% of the rows at weekends": every(
        DAY, 130, late=20 * MINUTE, level=lambda day: 300 if _weekend(day) else 1000
    ),
    "weekly, ± 1 hour": every(7 * DAY, 70, late=HOUR, level=lambda _: 1000),
    "monthly, on the last weekday": monthly,
    "hourly, none from 23 to 5": every(
        HOUR, 24 * 60, late=4 * MINUTE, level=lambda hour: 0 if _night(hour) else 1000
    ),
    "hourly, 5% of the rows at night, 30% at weekends": every(
        HOUR,
        24 * 40,
        late=4 * MINUTE,
        level=lambda hour: (50 if _night(hour) else 1000) * (0.3 if _weekend(hour // 24) else 1),
    ),
    "every 15 minutes, 5% of the rows at night": every(
        15 * MINUTE, 96 * 24, late=MINUTE, level=lambda part: 50 if _night(part, 4) else 1000
    ),
    "daily at 6 in Berlin": local("Europe/Berlin", range(6, 7), weekdays=False),
    "hourly from 8 to 18 on weekdays in New York": local(
        "America/New_York", range(8, 19), weekdays=True
    ),
    "daily, growing by 1% a day": every(
        DAY, 150, late=20 * MINUTE, level=lambda day: 1000 * 1.01**day
    ),
    "daily, growing by 3% a day for 60 days, then no more": every(
        DAY, 150, late=20 * MINUTE, level=lambda day: 1000 * 1.03 ** min(day, 60)
    ),
    "daily, from one day on three times the rows": every(
        DAY, 150, late=20 * MINUTE, level=lambda day: 3000 if day >= 90 else 1000
    ),
    "daily, with one commit of 500 times the rows": with_backfill,
    "daily, 30 commits": every(DAY, 30, late=20 * MINUTE, level=lambda _: 1000),
    "2 commits": every(30 * DAY, 2, late=0, level=lambda _: 1000),
    "at random, about every 6 hours": at_random,
    "one to six files, daily, by chance": files,
}


def measured(make: History) -> str:
    """One line of the table."""
    late = looks = odd = told = short = asked = 0
    delays: list[float] = []
    for seed in range(SEEDS):
        draw = Draw(seed)
        loads = sorted(make(draw))
        commits = [Commit(str(n), at, max(1, round(rows))) for n, (at, rows) in enumerate(loads)]
        times = [commit.at for commit in commits]
        gap = median(two - one for one, two in pairwise(times))
        for look in range(LOOKS):
            at = times[0] + (look + draw.random()) * (times[-1] - times[0]) / LOOKS
            found = freshness(_known(commits, bisect.bisect_right(times, at)), at)
            looks += found.verdict != "unknown"
            late += found.verdict == "late"
        for number in range(len(commits) // 3, len(commits), max(1, len(commits) // COMMITS)):
            known = _known(commits, number + 1)
            due = freshness(known, times[number]).expected_by
            if due and number + 1 < len(commits):
                delays.append((due.timestamp() - times[number + 1]) / gap)
            verdict = volume(known).verdict
            told += verdict != "unknown"
            odd += verdict in ("short", "large")
            few = Commit("few", times[number], max(1, round(loads[number][1] * 0.3)))
            verdict = volume(newest([*commits[max(0, number - NEWEST) : number], few])).verdict
            asked += verdict != "unknown"
            short += verdict == "short"
    delay = f"{median(delays):.2f}, {max(delays):.2f}" if delays else "–"
    return f"{late:,} of {looks:,} | {delay} | {odd:,} of {told:,} | {short:,} of {asked:,}"


def _known(commits: list[Commit], count: int) -> list[Commit]:
    return newest(commits[max(0, count - NEWEST) : count])


if __name__ == "__main__":
    for name, history in HISTORIES.items():
        if not sys.argv[1:] or any(word in name for word in sys.argv[1:]):
            print(f"| {name} | {measured(history)} |", flush=True)
