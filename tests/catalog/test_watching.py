"""Whether datasets are late or short: learned from simulated histories, and seen in lists."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from jupyter_mlinfra.catalog.quality import watching
from jupyter_mlinfra.catalog.quality.learning import Commit, freshness, newest
from jupyter_mlinfra.catalog.quality.volumes import volume
from jupyter_mlinfra.core.records import now

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
MONDAY = datetime(2026, 1, 5, tzinfo=UTC).timestamp()


def daily(draw: random.Random) -> list[float]:
    return [MONDAY + day * DAY + 6 * HOUR + draw.gauss(0, 20 * MINUTE) for day in range(120)]


def weekdays(draw: random.Random) -> list[float]:
    days = [day for day in range(160) if day % 7 < 5]
    return [MONDAY + day * DAY + 6 * HOUR + draw.gauss(0, 20 * MINUTE) for day in days]


def hourly(draw: random.Random) -> list[float]:
    return [MONDAY + hour * HOUR + abs(draw.gauss(0, 8 * MINUTE)) for hour in range(480)]


def office(draw: random.Random) -> list[float]:
    """Every hour from 9 to 17, on weekdays."""
    hours = [day * 24 + hour for day in range(90) if day % 7 < 5 for hour in range(9, 18)]
    return [MONDAY + hour * HOUR + draw.gauss(0, 4 * MINUTE) for hour in hours]


def files(draw: random.Random) -> list[float]:
    """Every day, several files one after the other."""
    return sorted(
        MONDAY + day * DAY + 6 * HOUR + draw.uniform(0, 9 * MINUTE)
        for day in range(90)
        for _ in range(draw.randint(1, 6))
    )


def irregular(draw: random.Random) -> list[float]:
    at, found = MONDAY, []
    for _ in range(150):
        at += math.exp(draw.gauss(math.log(6 * HOUR), 1.0))
        found.append(at)
    return found


def history(times: list[float]) -> list[Commit]:
    return newest(Commit(str(number), at, 100) for number, at in enumerate(times))


@pytest.mark.parametrize("make", [daily, weekdays, hourly, office, files, irregular])
def test_hardly_a_look_is_a_false_alarm(make: Callable[[random.Random], list[float]]) -> None:
    looks = late = 0
    for seed in range(3):
        draw = random.Random(seed)
        times = make(draw)
        step = (times[-1] - times[0]) / 250
        for number in range(250):
            at = times[0] + (number + draw.random()) * step
            found = freshness(history([time for time in times if time <= at]), at)
            looks += found.verdict != "unknown"
            late += found.verdict == "late"
    assert looks > 400
    assert late <= looks / 200, (late, looks)


@pytest.mark.parametrize(
    ("make", "period"),
    [(daily, DAY), (weekdays, DAY), (hourly, HOUR), (files, DAY)],
    ids=["daily", "weekdays", "hourly", "files"],
)
def test_a_commit_that_does_not_come_is_missed_within_one_and_a_half_periods(
    make: Callable[[random.Random], list[float]], period: float
) -> None:
    for seed in range(4):
        times = make(random.Random(seed))
        bursts = [item.at for item in history(times)]
        for number in (len(bursts) // 2, len(bursts) * 3 // 4, len(bursts) - 6):
            known = [at for at in times if at <= bursts[number]]
            missing = bursts[number + 1]
            found = freshness(history(known), missing)
            assert found.verdict == "usual"
            assert found.expected_by is not None
            assert found.expected_by.timestamp() - missing <= 1.5 * period


def test_few_commits_tell_nothing() -> None:
    times = daily(random.Random(1))
    for count in range(9):
        found = freshness(history(times[:count]), times[count] + 30 * DAY)
        assert (found.verdict, found.n) == ("unknown", count)
    assert freshness(history(times[:10]), times[10] + 3 * DAY).verdict == "late"
    quick = [MONDAY + 5 * MINUTE * number for number in range(300)]
    assert freshness(history(quick), quick[-1] + DAY).verdict == "unknown"  # not yet a weekend


def test_one_outage_does_not_make_it_blind() -> None:
    times = daily(random.Random(2))
    times = [at for at in times if not MONDAY + 40 * DAY < at < MONDAY + 50 * DAY]
    known = [at for at in times if at < MONDAY + 80 * DAY]
    assert freshness(history(known), known[-1] + 2.5 * DAY).verdict == "late"


def test_far_fewer_or_more_rows_than_usual_are_seen() -> None:
    draw = random.Random(3)
    rows = [round(draw.gauss(1_000, 60)) for _ in range(40)]

    def verdict(last: int | None, *, replaces: bool = False) -> str:
        commits = [
            Commit(str(number), MONDAY + number * DAY, count, replaces)
            for number, count in enumerate([*rows, last])
        ]
        return volume(commits).verdict

    assert [verdict(last) for last in (0, 300, 700, 1_000, 1_800, 4_000)] == [
        "short", "short", "usual", "usual", "usual", "large",
    ]  # fmt: skip
    assert verdict(None) == "unknown"
    assert verdict(100, replaces=True) == "short"
    false = 0
    for number in range(20, 40):
        kept, rows = rows, rows[:number]
        false += verdict(kept[number]) != "usual"
        rows = kept
    assert false == 0


@pytest.mark.parametrize("weekend", [50, 300, 1_000])
def test_a_weekend_has_its_own_number_of_rows(weekend: int) -> None:
    looks = alarms = missed = 0
    for seed in range(2):
        draw = random.Random(seed)
        usual = [weekend if day % 7 > 4 else 1_000 for day in range(70)]
        commits = [
            Commit(str(day), at, round(rows * math.exp(draw.gauss(0, 0.1))))
            for day, (at, rows) in enumerate(zip(daily(draw), usual, strict=False))
        ]
        for number in range(9, 71):
            known = commits[:number]
            looks += 1
            alarms += volume(known).verdict in ("short", "large")
            few = Commit("few", known[-1].at, usual[number - 1] // 5)
            missed += number > 35 and volume([*known[:-1], few]).verdict != "short"
    assert (looks, alarms, missed) == (124, 0, 0)


@pytest.mark.parametrize("weekend", [0.3, 1.0])
def test_quiet_nights_and_weekends_of_hourly_commits_are_usual(weekend: float) -> None:
    draw, alarms, missed, looks = random.Random(5), 0, 0, 0
    commits = []
    for hour, at in enumerate(hourly(draw)):
        usual = 2_000 * (0.05 if hour % 24 < 7 else 1.0) * (weekend if hour // 24 % 7 > 4 else 1.0)
        commits.append(Commit(str(hour), at, round(usual * math.exp(draw.gauss(0, 0.1)))))
    assert volume(commits[:60]).verdict == "unknown"  # no weekend was seen yet
    for number in range(24 * 15, 480, 2):  # two weekends were
        known = commits[max(0, number - 400) : number]
        few = Commit("few", known[-1].at, (known[-1].rows or 0) // 4)
        looks += 1
        alarms += volume(known).verdict in ("short", "large")
        missed += volume([*known[:-1], few]).verdict != "short"
    assert (looks, alarms, missed) == (60, 0, 0)


def office_in(zone: str) -> list[float]:
    """Every hour from 8 to 18 on weekdays, by the clock there, through a change of the clock."""
    first = datetime(2026, 1, 5, tzinfo=ZoneInfo(zone))
    days = [first + timedelta(days=day) for day in range(100) if day % 7 < 5]
    return [day.replace(hour=hour).timestamp() for day in days for hour in range(8, 19)]


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/Denver"])
def test_the_clock_may_change(zone: str) -> None:
    times = office_in(zone)
    changed = next(at for at in times if datetime.fromtimestamp(at, ZoneInfo(zone)).dst())
    for number in range(times.index(changed), times.index(changed) + 40):
        found = freshness(history(times[: number + 1]), times[number])
        following = times[number + 1]
        assert freshness(history(times[: number + 1]), following).verdict == "usual", number
        assert found.expected_by is not None
        assert found.expected_by.timestamp() - following < 4 * HOUR, number


def test_a_missing_hour_is_noticed_in_spite_of_quiet_nights() -> None:
    times = [MONDAY + hour * HOUR for hour in range(24 * 40) if 5 <= hour % 24 < 23]
    noon = times[30 * 18 + 7]
    found = freshness(history([at for at in times if at <= noon]), noon)
    assert found.expected_by is not None
    assert found.expected_by.timestamp() - noon < 2 * HOUR


def test_a_commit_every_quarter_of_an_hour_is_watched_after_a_week() -> None:
    times = [MONDAY + 15 * MINUTE * number for number in range(96 * 12)]
    assert freshness(history(times), times[-1] + 2 * HOUR).verdict == "late"
    assert freshness(history(times), times[-1] + 20 * MINUTE).verdict == "usual"


@pytest.mark.parametrize("growth", [0.01, -0.01, 0.03])
def test_volume_that_grows_hides_no_short_commit(growth: float) -> None:
    draw = random.Random(7)
    usual = [100_000 * (1 + growth) ** day * math.exp(draw.gauss(0, 0.1)) for day in range(100)]
    commits = [Commit(str(day), at, round(usual[day])) for day, at in enumerate(daily(draw)[:100])]
    verdicts = [volume(commits[:number]).verdict for number in range(20, 101)]
    assert set(verdicts) == {"usual"}
    seen = 0
    for number in range(40, 100, 2):
        few = Commit("few", commits[number].at, round(usual[number] * 0.3))
        seen += volume([*commits[:number], few]).verdict == "short"
    assert seen >= 18, seen  # none before


def test_a_level_that_lasts_is_usual_after_a_week() -> None:
    rows = [1_000 + day % 7 for day in range(60)] + [3_000 + day % 7 for day in range(20)]
    commits = [Commit(str(day), MONDAY + day * DAY, found) for day, found in enumerate(rows)]
    verdicts = [volume(commits[: number + 1]).verdict for number in range(60, 80)]
    assert verdicts == ["large"] * 8 + ["usual"] * 12


def kept(project: Any, commits: list[tuple[datetime, int]]) -> None:
    """Commits whose snapshots have expired."""
    with project.database.write() as connection:
        connection.executemany(
            "INSERT INTO catalog_commit VALUES ('shop.orders', ?, ?, 'append', ?, 0, 9000, 1)",
            [(f"s{number}", at.timestamp(), rows) for number, (at, rows) in enumerate(commits)],
        )


def test_lists_and_pages_say_that_a_dataset_is_late_or_short(
    catalog, project, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog.write(pl.DataFrame({"id": range(5)}), into="shop.orders")
    assert catalog.list().items[0].signs == {}
    assert catalog.rules("shop.orders").freshness.verdict == "unknown"
    kept(project, [(now() - timedelta(days=day), 1_000 + day) for day in range(1, 20)])
    signs = catalog.list().items[0].signs
    assert list(signs) == ["short"]
    assert signs["short"].startswith("The last commit brought 5 rows, fewer than usual")
    later = now() + timedelta(days=2)
    monkeypatch.setattr(watching, "now", lambda: later)
    shown = catalog.show("shop.orders").dataset.signs
    assert list(shown) == ["late", "short"]
    assert "usually come every 24 hours" in shown["late"] or "every 1" in shown["late"]
    report = catalog.quality("shop.orders")
    assert (report.freshness.verdict, report.freshness.basis) == ("late", "est")
    assert (report.volume.verdict, report.volume.measured) == ("short", 5)


def test_an_upsert_brings_the_rows_that_are_new_or_changed(catalog, project) -> None:
    """Its files have others too: those that stood beside a changed row."""
    catalog.write(pl.DataFrame({"id": range(5), "x": [0] * 5}), into="shop.orders")
    upsert = pl.DataFrame({"id": [3, 4, 5], "x": [0, 1, 1]})
    catalog.write(upsert, into="shop.orders", mode="upsert", key=["id"])
    kept(project, [(now() - timedelta(days=day), 1_000 + day) for day in range(1, 20)])
    found = catalog.quality("shop.orders").volume
    assert (found.verdict, found.measured) == ("short", 5 + 2)  # two commits of a minute are one


def test_a_stated_target_counts_instead(catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog.write(pl.DataFrame({"id": [1]}), into="shop.orders")
    catalog.rule("shop.orders", "fresh within 26 h")
    report = catalog.quality("shop.orders")
    assert (report.rules[0].passed, report.freshness.basis) == (True, "target")
    later = now() + timedelta(hours=27)
    monkeypatch.setattr(watching, "now", lambda: later)
    assert list(catalog.list().items[0].signs) == ["late"]
    assert catalog.rules("shop.orders").freshness.verdict == "late"


def test_the_second_fault_on_a_weekday_is_not_called_usual_for_the_first() -> None:
    start = datetime(2026, 3, 2, 9, tzinfo=UTC).timestamp()
    rows = [1000, 1010, 10, 990, 1000, 1005, 1000, 1002, 998, 10]
    commits = [Commit(str(day), start + day * 86_400, found) for day, found in enumerate(rows)]
    assert volume(commits).verdict == "unknown"
    assert volume([*commits[:-1], Commit("9", commits[-1].at, 1001)]).verdict == "usual"
