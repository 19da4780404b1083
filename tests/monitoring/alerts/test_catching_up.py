"""An evaluator that was down: later the alerts are where they would be, and nobody is flooded."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments.targets.layout import payload_folder
from jupyter_mlinfra.monitoring import catching_up
from jupyter_mlinfra.monitoring.alerts.condensing import condensed
from jupyter_mlinfra.monitoring.alerts.deliveries import DeliveryStore
from jupyter_mlinfra.monitoring.alerts.silences import muting
from jupyter_mlinfra.monitoring.hours.hourly_history import affordable
from jupyter_mlinfra.monitoring.hours.points import Point
from jupyter_mlinfra.monitoring.rules.evaluator import Notice, evaluate
from jupyter_mlinfra.monitoring.rules.spec import Operator, ThresholdRule
from jupyter_mlinfra.monitoring.spec import AlertSilence
from jupyter_mlinfra.monitoring.verbs import references as reference_verbs
from tests.monitoring.alerts.conftest import Flights, set_clock

SETTINGS = """[monitoring]
evaluate_minutes = 60
[monitoring.receivers.log]
type = "file"
path = "alerts.jsonl"
"""
RULES = """rules:
  - {name: moved, metric: psi, threshold: 0.2, min_rows: 100}
  - {name: strange, metric: out_of_range, threshold: 0.5, where: {feature: temp}}
  - {name: slowly, metric: refused_fraction, threshold: 0.05, for: 2h, min_rows: 1}
"""
HOURS = 12
MOVED = {3: 60, 5: 60, 6: 60, 11: 60}
"""By how much `temp` is shifted in an hour."""


def logged(root: Path, begun: datetime) -> Flights:
    """A project with the log of the hours to come."""
    root.mkdir()
    (root / "mlinfra.toml").write_text(SETTINGS)
    (root / "t.mlrules.yaml").write_text(RULES)
    flights = Flights(Project(root))
    flights.logged = 0
    for hour in range(HOURS + 1):
        at = begun + timedelta(hours=hour)
        flights.log(60, shift=MOVED.get(hour, 0), at=at)
        if hour in (4, 5):
            flights.log(20, at=at, status=400)
        for journal in payload_folder(flights.project, "flights").glob("*.jsonl"):
            if journal.stat().st_mtime < at.timestamp() - 3600:
                os.utime(journal, (at.timestamp(), at.timestamp()))
    return flights


def evaluated(flights: Flights, moments: Iterable[datetime], patch: pytest.MonkeyPatch) -> None:
    """As the alarm has it done at these moments."""
    faults = list[str]()
    for at in moments:
        set_clock(patch, at)
        flights.monitoring.evaluate_all(faults.append)
    assert not faults


def states(flights: Flights) -> dict[str, tuple[Any, ...]]:
    tracks = flights.monitoring._alerts.tracks("flights")
    return {
        key[0]: (track.state, track.since, track.episode, track.told, track.resolved_at)
        for key, (track, _) in tracks.items()
    }


def history(flights: Flights, rule: str) -> list[tuple[str, datetime]]:
    found = flights.alerts.history(f"flights/{rule}").items
    return [(item.what, item.at) for item in found[::-1]]


def messages(flights: Flights) -> list[dict[str, Any]]:
    waiting = DeliveryStore(flights.project.database).due(4e9)
    return [json.loads(message.body) for message in waiting]


def test_an_evaluator_that_was_down_is_where_one_that_was_not_is_and_tells_what_is_still_true(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference_verbs, "answers_of", lambda *_: "values")
    begun = datetime.fromtimestamp(datetime.now(UTC).timestamp() // 3600 * 3600 + 3900, UTC)
    every = [begun + timedelta(hours=hour) for hour in range(HOURS + 1)]
    steady, down = logged(tmp_path / "steady", begun), logged(tmp_path / "down", begun)
    # An hour is judged in the round after that which records it.
    last = every[-1] + timedelta(minutes=5)
    evaluated(steady, [*every, last], monkeypatch)
    evaluated(down, [*every[:2], every[-1], last], monkeypatch)
    assert states(down) == states(steady)
    for rule in ("moved", "strange", "slowly", "failed"):
        assert history(down, rule) == history(steady, rule), rule
    fired = [what for what, _ in history(down, "strange")].count("firing")
    assert fired >= 2, "or the test shows little"
    told = [message["alerts"] for message in messages(down)]
    assert len(told) <= 3 < len(messages(steady)), "two groups of rules, and one for the last round"
    for alerts in told:
        names = [(item["labels"]["alertname"], item["status"]) for item in alerts]
        assert len({*names}) == len(names), "each alert is in it once"
    summaries = [item["annotations"]["summary"] for alerts in told for item in alerts]
    assert any("it fired and ended from" in summary for summary in summaries)


def test_what_passed_unseen_is_one_line_with_its_time_and_what_was_told_is_ended() -> None:
    def notice(kind: Any, episode: int, at: float, rule: str = "r") -> Notice:
        return Notice(key=(rule, ()), kind=kind, episode=episode, at=at, judgement=None)

    passed = [
        notice("firing", 2, 10),
        notice("resolved", 2, 20),
        notice("firing", 3, 30),
        notice("resolved", 3, 40),
    ]
    told = condensed([notice("resolved", 1, 5), *passed, notice("firing", 4, 50)])
    assert [(item.notice.kind, item.notice.episode, item.passed) for item in told] == [
        ("resolved", 1, 0),  # of the episode that receivers know
        ("resolved", 3, 2),
        ("firing", 4, 0),
    ]
    assert told[1].since == 10


def test_a_silence_that_is_in_force_covers_what_is_made_up_for_from_before_it_began() -> None:
    rule = ThresholdRule(name="drift", metric="psi", op=Operator.AT_LEAST, threshold=0.2)
    begun, until = (datetime.fromtimestamp(at, UTC) for at in (5000, 9000))
    silence = AlertSilence(
        number=1,
        monitor="",
        rule="drift",
        labels=None,
        begun_at=begun,
        until=until,
        by="ana",
        why="known",
    )
    point = Point(metric="psi", labels={}, start=0, end=1000, value=0.9, rows=500)

    def found(clock: float) -> tuple[bool, int]:
        muted = muting([silence], "flights", [rule], clock)
        result = evaluate([rule], {}, [point], clock, muted=muted)
        track = result.tracks["drift", ()]
        assert track.state == "firing"
        return track.told, len(result.notices)

    assert found(8000) == (False, 0)
    assert found(9000) == (True, 1)


def test_a_long_pause_is_made_up_for_in_as_many_windows_as_a_day_has() -> None:
    at = datetime(2026, 11, 24, tzinfo=UTC)
    step = timedelta(minutes=5)
    ends = catching_up.missed_ends(at - timedelta(days=30), at, step)
    assert len(ends) <= catching_up.MOST_WINDOWS
    assert at - timedelta(days=30) < ends[0] < ends[-1] < at
    assert catching_up.missed_ends(at - timedelta(minutes=6), at, step) == []
    assert catching_up.missed_ends(at - timedelta(minutes=15), at, step) == [
        at - timedelta(minutes=10),
        at - timedelta(minutes=5),
    ]
    assert catching_up.missed_ends(None, at, step) == []


def test_windows_that_are_slow_to_measure_are_fewer_so_that_no_pause_grows_by_itself() -> None:
    ends = [datetime(2026, 11, 24, hour, tzinfo=UTC) for hour in range(24)]
    assert affordable(ends, 1.0, 150.0) == ends
    assert len(affordable(ends, 30.0, 150.0)) == 5
    assert affordable(ends, 1000.0, 150.0) == ends[:1]


def test_an_evaluation_by_a_user_after_a_pause_records_the_missed_hours_first(
    flights: Flights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference_verbs, "answers_of", lambda *_: "values")
    flights.log(60)
    monitoring = flights.monitoring
    monitoring.evaluate("flights")
    later = datetime.now(UTC) + timedelta(hours=3)
    set_clock(monkeypatch, later)
    settings = flights.project.root / "mlinfra.toml"
    settings.write_text("[monitoring]\nevaluate_minutes = 150\n")
    flights.open(Project(flights.project.root))
    assert not flights.monitoring._was_down(monitoring.monitor("flights")), "one round is no pause"
    flights.monitoring.evaluate("flights")
    assert not monitoring._series.recorded("flights")
    set_clock(monkeypatch, later + timedelta(hours=4))
    flights.monitoring.evaluate("flights")
    assert monitoring._series.recorded("flights")


def test_a_log_that_no_rule_can_be_judged_by_is_no_data_for_rules_against_a_window_too(
    flights: Flights, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = "{name: %s, metric: psi, threshold: 0.2%s, min_rows: 100}"
    rules = rule % ("plain", ""), rule % ("moved", ", against: previous")
    lines = "".join(f"  - {item}\n" for item in rules)
    (flights.project.root / "t.mlrules.yaml").write_text(f"rules:\n{lines}")
    flights.log(600)

    def state() -> str:
        return flights.alerts.show("flights/plain").alert.state

    flights.monitoring.evaluate("flights")
    assert state() == "ok"

    def broken(*_: Any, **__: Any) -> Any:
        raise pl.exceptions.ComputeError("a page of the file is broken")

    monkeypatch.setattr(flights.bench.deployments, "payload_parts", broken)
    with pytest.raises(pl.exceptions.ComputeError):
        flights.monitoring.evaluate("flights")
    assert state() == "no_data"
