"""Whether new rows are late, learned from the commits of a dataset.

Nobody states a threshold. The gap after a commit is compared with the gaps after those of the same
weekday and hour, of the same weekday, of the same hour, or with all of them: the first of these
groups whose gaps are alike, else the first that tells enough. Medians are used, so a single odd
commit changes little.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median

from .clocks import clock_of
from .spec import Watch

LEAST = 8
"""Gaps, or commits before the last one, from which on something can be said."""

NEWEST = 2_400
"""Commits that are looked at: more than a week of one every five minutes."""

_BURST, _LONGEST_BURST = 600.0, 3600.0
"""Commits with shorter pauses are one, as when several files come in one after the other; unless
that would go on for longer than the second.
"""

WIDTH = 4.0  # in robust standard deviations of the logarithm
_NOISE = math.log(1.15)  # the least of these, for gaps
_SLACK, _MOST = 1.2, 10.0  # times the longest gap of the group
TIGHT = 1.5  # gaps are alike if none is so many times another
_SHARE, _LEAST_SHARE = 0.75, 0.05  # beyond the longest of gaps that are alike
_REGULAR = 0.5  # robust standard deviation of the logarithm, from which on all gaps are odd
FEW, _FEW_OF_ODD = 4, 6  # gaps that are alike, by chance only where all are odd
DAYS = 8 * 86_400.0


@dataclass(frozen=True, slots=True)
class Commit:
    """New rows. at: seconds since 1970. rows: how many; None if the commit does not tell. replaces:
    whether they took the place of all others.
    """

    snapshot: str
    at: float
    rows: int | None
    replaces: bool = False

    @classmethod
    def of(
        cls,
        snapshot: str,
        at: float,
        operation: str,
        added: int,
        total: int | None,
        *,
        upserted: int | None = None,
    ) -> Commit | None:
        """What a snapshot tells; None if it brought no rows. operation: see `metadata.kind_of`.
        added: rows in its new files. total: rows of the dataset afterwards. upserted: rows of an
        upsert that were new or changed, where it says so: its files have others too.
        """
        if not added or operation not in ("append", "overwrite", "upsert"):
            return None
        if operation != "overwrite":
            return cls(snapshot, at, added if operation == "append" else upserted)
        return (
            cls(snapshot, at, added, replaces=True) if added == total else cls(snapshot, at, None)
        )


def newest(commits: Iterable[Commit]) -> list[Commit]:
    """The commits by time, each once, those of a burst as one."""
    found = sorted({item.snapshot: item for item in commits}.values(), key=lambda item: item.at)
    found = found[-NEWEST:]
    bursts: list[list[Commit]] = []
    for commit in found:
        if bursts and commit.at - bursts[-1][-1].at < _BURST:
            bursts[-1].append(commit)
        else:
            bursts.append([commit])
    if any(burst[-1].at - burst[0].at > _LONGEST_BURST for burst in bursts):
        return found
    return [_joined(burst) for burst in bursts]


def _joined(burst: Sequence[Commit]) -> Commit:
    last = burst[-1]
    if last.replaces or len(burst) == 1:
        return last
    rows = [item.rows for item in burst]
    total = None if None in rows else sum(filter(None, rows))
    return Commit(last.snapshot, last.at, total)


def there_are(commits: int) -> str:
    words = {0: "There is no commit", 1: "There is 1 commit"}
    return words.get(commits, f"There are {commits} commits")


def freshness(commits: Sequence[Commit], now: float, target: float | None = None) -> Watch:
    """Whether the next rows should have come by now. commits: as `newest` gives them. target:
    seconds within which they must.
    """
    last = commits[-1].at if commits else None
    if target is not None:
        return _against(target, last, now, len(commits))
    gaps = _gaps(commits)
    if last is None or len(gaps) < LEAST or last - commits[0].at < DAYS:
        return Watch(
            verdict="unknown",
            why=f"{there_are(len(commits))} with new rows; it takes {LEAST + 1}, over more than a"
            " week, to tell how often they come.",
            last_at=moment_of(last),
            n=len(commits),
        )
    clock = clock_of([item.at for item in commits])
    due = last + _allowed(clock(last), [(clock(at), gap) for at, gap in gaps])
    usual = _span(median(gap for _, gap in gaps))
    late = now > due
    return Watch(
        verdict="late" if late else "usual",
        why=(
            f"New rows usually come every {usual}; the last came {_span(now - last)} ago, which is"
            f" {'longer than it ever takes' if late else 'not too long'}."
        ),
        last_at=moment_of(last),
        expected_by=moment_of(due),
        n=len(gaps),
    )


def _against(target: float, last: float | None, now: float, n: int) -> Watch:
    late = last is None or now - last > target
    since = "there were none" if last is None else f"the last came {_span(now - last)} ago"
    return Watch(
        verdict="late" if late else "usual",
        why=f"New rows must come within {_span(target)}; {since}.",
        last_at=moment_of(last),
        expected_by=None if last is None else moment_of(last + target),
        n=n,
        basis="target",
    )


def _gaps(commits: Sequence[Commit]) -> list[tuple[float, float]]:
    """When each gap began, and its length."""
    return [(one.at, two.at - one.at) for one, two in pairwise(commits) if two.at > one.at]


def _allowed(last: float, gaps: Sequence[tuple[float, float]]) -> float:
    """How long after the last commit the next may come. All by one clock."""
    lengths = [gap for _, gap in gaps]
    group, is_tight = _comparable(last, gaps)
    same_time = groups(last)[0]
    longest = max([_longest(group), *(gap for at, gap in gaps if same_time(at) and gap in group)])
    if is_tight:
        return longest + max(
            _SHARE * median(lengths), WIDTH * deviation(group), _LEAST_SHARE * longest
        )
    overall = spread([math.log(gap) for gap in lengths], _NOISE)
    logs = [math.log(gap) for gap in group]
    width = WIDTH * (1 + LEAST / len(group))  # a spread of few gaps is itself uncertain
    usual = median(logs) + width * spread(logs, overall)
    return max(math.exp(min(usual, math.log(_MOST * longest))), _SLACK * longest)


def _longest(group: Sequence[float]) -> float:
    """The longest gap; without one outage among many."""
    *_, second, first = sorted([*group, min(group)])
    return second if len(group) >= 20 and first > 2 * second else first


def _comparable(last: float, gaps: Sequence[tuple[float, float]]) -> tuple[list[float], bool]:
    """The gaps that tell how long the one that began at `last` may be, and whether they are so
    alike that a few are enough.
    """
    everything = [gap for _, gap in gaps]
    few = few_of([math.log(gap) for gap in everything], _NOISE)
    found = [[gap for at, gap in gaps if belongs(at)] for belongs in groups(last)]
    for group in [*found, everything]:
        if len(group) >= few and max(group) <= TIGHT * min(group):
            return group, True
    enough = (group for group in found if len(group) >= LEAST)
    return next(enough, everything), False


def few_of(logs: Sequence[float], noise: float) -> int:
    """How many that are alike are no chance. logs: logarithms of all."""
    return FEW if spread(logs, noise) < _REGULAR else _FEW_OF_ODD


def groups(moment: float) -> Sequence[Callable[[float], bool]]:
    """Whether a time is of the same weekday and hour as a moment, the same weekday, or hour."""
    day, hour = weekday(moment), hour_of(moment)
    return (
        lambda at: weekday(at) == day and _near(hour_of(at), hour),
        lambda at: weekday(at) == day,
        lambda at: _near(hour_of(at), hour),
    )


def weekday(at: float) -> int:
    return datetime.fromtimestamp(at, UTC).weekday()


def hour_of(at: float) -> float:
    return at % 86_400 / 3600


def _near(one: float, two: float) -> bool:
    apart = abs(one - two)
    return min(apart, 24 - apart) <= 0.75


def deviation(values: Sequence[float]) -> float:
    """A robust standard deviation."""
    middle = median(values)
    return 1.4826 * median(abs(value - middle) for value in values)


def spread(values: Sequence[float], least: float) -> float:
    """A robust standard deviation, and at least `least`."""
    return max(deviation(values), least)


def moment_of(at: float | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)


def _span(seconds: float) -> str:
    """A length of time in words."""
    for unit, length in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}".replace(".0 ", " ")
    return "less than two minutes"
