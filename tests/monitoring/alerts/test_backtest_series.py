"""A back-test of what the payload log no longer has, from the hourly series."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.core.records import now
from jupyter_mlinfra.deployments.targets.layout import payload_folder
from jupyter_mlinfra.monitoring.alerts.backtests import LOG, SERIES
from jupyter_mlinfra.monitoring.hours import hourly_history
from jupyter_mlinfra.monitoring.hours.series import sketches_of
from jupyter_mlinfra.monitoring.verbs import references as reference_verbs
from tests.monitoring.alerts.conftest import Flights

RULES = """rules:
  - {name: moved, metric: psi, threshold: 0.2, min_rows: 200}
  - {name: slow, metric: p95_ms, threshold: 50, op: '>'}
  - {name: covered, metric: label_coverage, threshold: 0.5, op: <, min_rows: 1}
"""


@pytest.mark.slow
def test_a_past_that_the_log_has_lost_is_replayed_from_the_hourly_series(
    flights: Flights, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shifted from 55 to 50 hours before now; then the log of everything before 30 hours goes."""
    monkeypatch.setattr(reference_verbs, "answers_of", lambda *_: "values")
    end = now()
    folder = payload_folder(flights.project, "flights")
    for hour in range(72, 0, -1):
        at = end - timedelta(hours=hour)
        flights.log(60, shift=60 if 50 <= hour <= 55 else 0, at=at)
        for journal in folder.glob("*.jsonl"):  # as if it had been written then
            if int(journal.name.split("-")[1]) / 1e6 > end.timestamp():
                begun = at.timestamp() - 3600
                name = f"v2-{int(begun * 1e6)}-{os.getpid()}.jsonl"
                journal.rename(folder / name)
                os.utime(folder / name, (at.timestamp(), at.timestamp()))
    rules = flights.project.root / "t.mlrules.yaml"
    rules.write_text(RULES)
    flights.monitoring._catch_up(flights.monitoring.monitor("flights"), None)
    before = flights.alerts.backtest("t.mlrules.yaml", monitor="flights", days=2.5)
    assert before.rules[0].source == LOG
    for journal in folder.glob("*.jsonl"):
        if int(journal.name.split("-")[1]) / 1e6 < (end - timedelta(hours=30)).timestamp():
            journal.unlink()
    after = flights.alerts.backtest("t.mlrules.yaml", monitor="flights", days=2.5)
    _each_hour_is_read_once_and_the_time_is_bounded(flights, monkeypatch, end)
    moved, slow, covered = after.rules
    assert moved.source == slow.source == f"{LOG} and {SERIES}"
    assert covered.source == SERIES
    assert covered.fired == 1, "no hour has a label"
    assert moved.fired == before.rules[0].fired == 1
    (one,), (other,) = before.rules[0].episodes, moved.episodes
    assert abs(one.since - other.since) <= timedelta(hours=2)
    assert one.until is not None
    assert other.until is not None
    assert abs(one.until - other.until) <= timedelta(hours=2)
    assert other.subject == "temp"
    assert slow.measured == slow.windows


def _each_hour_is_read_once_and_the_time_is_bounded(
    flights: Flights, patch: pytest.MonkeyPatch, end: datetime
) -> None:
    read = list[str]()

    def counted(path: Path, **asked: Any) -> Any:
        read.append(path.stem)
        return sketches_of(path, **asked)

    patch.setattr(hourly_history, "sketches_of", counted)
    ends = [end - timedelta(hours=40) + timedelta(minutes=5 * place) for place in range(60)]
    past_points = partial(flights.monitoring.past_points, "flights", window=timedelta(hours=24))
    found, gone = past_points(ends)
    assert gone == ends
    assert {point.end for point in found} >= {end.timestamp() for end in ends}
    assert len(read) == len({*read}) <= 24 + 6
    few, _ = past_points(ends, seconds=0)
    windows = {point.end for point in few if point.metric == "requests"}
    assert 1 <= len(windows) <= 3 * 12, "two to know the cost, and the least that is measured"
