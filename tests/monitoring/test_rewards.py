"""The KPI of what answers have brought, and of values that were too high or too low."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.monitoring import Monitoring
from jupyter_mlinfra.monitoring.hours.series import HOUR, SeriesStore
from tests.monitoring.logs import Logged, answered, set_now, write_journal
from tests.monitoring.test_recording import NAMES, START, TRAINING, fill
from tests.monitoring.test_verbs import NOW, Experiments

FIVE = timedelta(hours=5)


@pytest.fixture
def log(tmp_path: Path) -> Logged:
    """Requests of three rows each; `0-0-1` and the like arrived in the first hour."""
    fill(tmp_path / "log")
    return Logged(tmp_path / "log", {"v1": 100})


def watched(
    project: Project, log: Logged, monkeypatch: pytest.MonkeyPatch, costs: dict[str, float]
) -> Monitoring:
    set_now(monkeypatch, NOW)
    monitoring = Monitoring(project, log, Experiments())  # type: ignore[arg-type]
    score = np.random.default_rng(4).random(3000)
    monitoring.reference("flights/1", TRAINING, score=score.tolist())
    monitoring.watch("flights", segments=["origin"], costs=costs)
    monitoring.backfill("flights")
    return monitoring


def hourly(monitoring: Monitoring) -> dict[float, float | None]:
    points = monitoring.series("flights", metric="kpi", since=FIVE).items
    return {point.start: point.value for point in points if point.rows}


def test_rewards_of_a_file_are_the_kpi_and_no_labels(
    project: Project, log: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitoring = watched(project, log, monkeypatch, {"reward": 2})
    rows: list[dict[str, Any]] = [
        {"request_id": "0-0-1", "row": 0, "reward": 5},
        {"request_id": "0-0-1", "row": 1, "reward": -1.5, "label": 1},
        {"request_id": "0-0-2", "reward": 4},  # of the request with its three rows: once
        {"request_id": "0-0-3", "row": 2, "label": 0},
        {"request_id": "0-0-4", "row": 0, "reward": "much"},
        {"request_id": "0-0-5", "row": 0},
    ]
    report = monitoring.labels("flights", rows)
    assert (report.joined, report.bad) == (4, 2)
    assert report.bad_rows == ["row 5: the reward is no number: much", "row 6: no label"]
    found = monitoring.figures("flights", since=FIVE)
    assert found.kpi is not None
    assert (found.kpi.rows, found.kpi.total) == (3, 2 * (5 - 1.5 + 4))
    assert found.kpi.value == pytest.approx(5)
    assert found.kpi.low < 5 < found.kpi.high
    assert found.performance.real is not None
    assert found.performance.real.rows == 2
    assert found.performance.label_coverage == pytest.approx(2 / found.rows)
    assert list(hourly(monitoring).values()) == [pytest.approx(5)]
    later = [{"request_id": "0-0-1", "row": 0, "label": 1}]
    assert monitoring.labels("flights", later).replaced == 1
    again = monitoring.figures("flights", since=FIVE)
    assert again.kpi == found.kpi, "a reward stays beside a later label"
    assert again.performance.real
    assert again.performance.real.rows == 3
    outcomes = monitoring.outcomes("flights", "kpi", ["v1"], NOW - FIVE, NOW)
    assert sorted(outcomes["v1"]) == [-3, 8, 10]
    monitoring.configure("flights", costs={"fn": -75})
    classes = monitoring.figures("flights", since=FIVE).kpi
    assert classes is not None
    assert classes.rows == 3


def test_a_reward_of_a_request_and_labels_of_its_rows_leave_each_other(
    project: Project, log: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitoring = watched(project, log, monkeypatch, {"reward": 1})
    labels = [{"request_id": "0-0-1", "row": row, "label": 1} for row in range(3)]
    other = [{"request_id": "0-0-2", "label": 1}, {"request_id": "0-0-2", "row": 0, "reward": 4}]
    report = monitoring.labels("flights", [*labels, {"request_id": "0-0-1", "reward": 6}, *other])
    assert (report.joined, report.bad) == (6, 0)
    found = monitoring.figures("flights", since=FIVE)
    assert (found.kpi and (found.kpi.rows, found.kpi.total)) == (2, 10)
    assert found.performance.real
    assert found.performance.real.rows == 6


FIELDS = ("label.0", "label.1", "reward")
Entry = dict[str, Any]


def some_entries(random: np.random.Generator, ids: list[str]) -> list[Entry]:
    """Labels and rewards of rows and of requests, no two of one value; some cannot be used."""
    entries = []
    for number in range(60):
        entry: Entry = {"request_id": str(random.choice(ids))}
        if random.random() < 0.6:
            entry["row"] = int(random.integers(3))
        for field in random.choice(["label", *FIELDS], random.integers(1, 4), replace=False):
            entry[str(field)] = float(random.integers(10**6)) + number / 64
        entries.append(entry | ({"label": "dear"} if random.random() < 0.1 else {}))
    return entries


def known_of(sources: list[list[Entry]], name: str, row: int) -> tuple[float | None, ...]:
    """What is known of a row in the end: of each field the value of the last source that has one,
    in it that of the row before that of its request, and the last of these.
    """
    values: dict[str, float] = {}
    for source in sources:
        for exact in (False, True):
            for entry in source:
                of_it = entry["request_id"] == name and entry.get("row", row) == row
                if not of_it or ("row" in entry) != exact or entry.get("label") == "dear":
                    continue
                for field in ("label", *FIELDS):
                    if field in entry and (field != "reward" or exact or row == 0):
                        values["label.0" if field == "label" else field] = entry[field]
    return tuple(values.get(field) for field in FIELDS)


def test_of_any_labels_in_any_order_each_value_is_the_last_that_was_given(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of some requests they come before the request is in the log."""
    log, random = Logged(tmp_path / "log", answers="values"), np.random.default_rng(8)
    ids = [f"r{number}" for number in range(12)]

    def ask(some: list[str], hour: int) -> None:
        at = START + hour * HOUR + 60
        rows, given = [[60.0, 1]] * 3, [[0.5, 0.25]] * 3
        entries = [answered(at + place, name, rows, given) for place, name in enumerate(some)]
        write_journal(log.folder, at, entries, names=NAMES)

    ask(ids[:6], 0)
    monitoring = watched(project, log, monkeypatch, {"reward": 1})
    sources = [some_entries(random, ids) for _ in range(5)]
    for number, source in enumerate(sources):
        set_now(monkeypatch, NOW + timedelta(minutes=number))
        if number == 3:
            ask(ids[6:], 2)
        monitoring.labels("flights", source)
    monitoring._look_again(monitoring.monitor("flights"))
    series = SeriesStore(project)
    kept = pl.concat([pl.read_parquet(file) for file in series.files("flights", "labels")])
    second = pl.col("labels").list.get(1, null_on_oob=True)
    found = kept.select("request_id", "row", "label", second, "reward").rows()
    expected = {(name, row): known_of(sources, name, row) for name in ids for row in range(3)}
    assert {row[:2]: row[2:] for row in found} == {
        key: values for key, values in expected.items() if any(values)
    }
    assert series.unjoined("flights").waiting().height == 0


def test_a_reward_and_a_label_that_came_before_their_request_are_both_joined(
    project: Project, log: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitoring = watched(project, log, monkeypatch, {"reward": 1})
    monitoring.labels("flights", [{"request_id": "late", "reward": 6}])
    monitoring.labels("flights", [{"request_id": "late", "label": 1}])
    rows, at = [[60.0, 1], [70.0, 1]], START + 2 * HOUR + 60
    write_journal(log.folder, at, [answered(at, "late", rows, [0.9, 0.8])], names=NAMES)
    monitoring._look_again(monitoring.monitor("flights"))
    found = monitoring.figures("flights", since=FIVE)
    assert (found.kpi and (found.kpi.rows, found.kpi.total)) == (1, 6)
    assert found.performance.real
    assert found.performance.real.rows == 2


def test_the_reward_of_feedback_counts_once_a_request_if_the_kpi_is_of_rewards(
    project: Project, log: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitoring = watched(project, log, monkeypatch, {"reward": 1})
    told = {"ts": START + 3 * HOUR, "k": "f"}
    entries = [
        {**told, "id": "0-0-1", "reward": 3.0},
        {**told, "id": "0-0-2", "reward": 0.0, "truth": [1, 0, 1]},
        {**told, "id": "0-0-3", "reward": 9.0, "truth": [1]},
    ]
    write_journal(log.folder, START + 3 * HOUR, entries, names=NAMES)
    monitoring._take_feedback(monitoring.monitor("flights"))
    found = monitoring.figures("flights", since=FIVE)
    assert found.kpi is not None
    assert (found.kpi.rows, found.kpi.total) == (3, 12)
    assert found.performance.real is not None
    assert found.performance.real.rows == 4


def test_values_too_high_and_too_low_are_worth_what_the_monitor_says(
    project: Project, log: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.answers = "values"
    monitoring = watched(project, log, monkeypatch, {"over": -2, "under": -10})
    wanted = (pl.col("status") == 200) & (pl.col("version") == "v1")
    rows = log.payloads("flights").filter(wanted)
    label = np.random.default_rng(2).random(rows.height)
    monitoring.labels("flights", rows.select("request_id", "row", pl.Series("label", label)))
    worth = [
        -2 * (answer - true) if answer > true else -10 * (true - answer)
        for answer, true in zip(rows["prediction"], label, strict=True)
    ]
    found = monitoring.figures("flights", since=timedelta(hours=6)).kpi
    assert found is not None
    assert (found.value, found.rows) == (pytest.approx(np.mean(worth)), len(worth))
    half = 1.96 * np.std(worth) / len(worth) ** 0.5
    assert (found.low, found.high) == pytest.approx(
        (np.mean(worth) - half, np.mean(worth) + half), abs=0.1 * half
    )
    hours = rows.select(hour=pl.col("ts").dt.epoch("s") // HOUR * HOUR, worth=pl.Series(worth))
    expected = dict(hours.group_by("hour").agg(pl.col("worth").mean()).iter_rows())
    recorded = hourly(monitoring)
    assert recorded
    assert recorded == {start: pytest.approx(expected[start]) for start in recorded}
    origin = monitoring.figures("flights", since=timedelta(hours=6), segment="origin=JFK").kpi
    assert origin is not None
    assert origin.rows == rows.filter(pl.col("origin") == "JFK").height


def test_an_input_may_have_the_name_of_a_column_of_labels(
    project: Project, log: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["label", "text", "reward"]
    rows = [[7.0, 8.0, 9.0], [7.0, 8.0, 9.0]]
    write_journal(
        log.folder, START + 700, [answered(START + 700, "named", rows, [0.9, 0.1])], names=names
    )
    monitoring = watched(project, log, monkeypatch, {"reward": 1})
    given = [{"request_id": "named", "row": 0, "label": 1, "reward": 2}]
    assert monitoring.labels("flights", given).joined == 1
    found = monitoring.figures("flights", since=FIVE)
    assert (found.kpi and found.kpi.total) == 2
    assert found.performance.real
    assert found.performance.real.metrics["accuracy"] == 1
