"""Rules that hold drift against the window before, or a span of time."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta

import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import now
from jupyter_mlinfra.deployments.targets.layout import payload_folder
from jupyter_mlinfra.monitoring import AlertState
from jupyter_mlinfra.monitoring.alerts.texts import Notes, text_of
from jupyter_mlinfra.monitoring.hours.comparisons import points_against
from jupyter_mlinfra.monitoring.hours.points import Point
from jupyter_mlinfra.monitoring.hours.recording import input_of
from jupyter_mlinfra.monitoring.hours.sketches import sketch
from jupyter_mlinfra.monitoring.hours.windows import Window
from jupyter_mlinfra.monitoring.rules.backtesting import replay
from jupyter_mlinfra.monitoring.rules.editing import change_rule
from jupyter_mlinfra.monitoring.rules.evaluator import evaluate
from jupyter_mlinfra.monitoring.rules.file import read_text
from jupyter_mlinfra.monitoring.rules.prometheus import exposition, expression
from tests.monitoring.alerts.conftest import Flights, set_clock
from tests.monitoring.test_recording import REFERENCE, TRAINING, plan

RULES = """rules:
  - {name: drift, metric: psi, threshold: 0.2, min_rows: 100}
  - {name: suddenly, metric: psi, threshold: 0.2, min_rows: 100, against: previous}
"""


def test_what_moved_long_ago_is_drift_against_the_training_and_none_against_the_window_before(
    flights: Flights, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = now()
    (flights.project.root / "mlinfra.toml").write_text("[monitoring]\nevaluate_minutes = 1440\n")
    flights.open(Project(flights.project.root))
    (flights.project.root / "t.mlrules.yaml").write_text(RULES)
    baseline = f"{begun - timedelta(hours=1.5):%Y-%m-%dT%H:%M}..{begun:%Y-%m-%dT%H:%M}"
    with (flights.project.root / "t.mlrules.yaml").open("a") as file:
        file.write(
            "  - {name: since, metric: psi, threshold: 0.2, min_rows: 100,"
            f" against: {baseline}}}\n"
        )
    for hours, shift in ((0, 15), (2, 15), (4, 30)):
        at = begun + timedelta(hours=hours)
        flights.log(200, shift=shift, at=at)
        for journal in payload_folder(flights.project, "flights").glob("*.jsonl"):
            os.utime(journal, (at.timestamp(), at.timestamp()))
    seen, window = [], timedelta(hours=2)
    for hours in (2, 4):
        set_clock(monkeypatch, begun + timedelta(hours=hours, minutes=1))
        alerts = flights.monitoring.evaluate("flights", since=window).alerts
        seen.append({item.name: item.state for item in alerts if item.metric == "psi"})
    fires, is_well = AlertState.FIRING, AlertState.OK
    assert seen == [
        {"drift": fires, "suddenly": is_well, "since": is_well},
        {"drift": fires, "suddenly": fires, "since": fires},
    ]
    text = flights.alerts.show("flights/suddenly").alert.text
    assert text.startswith("PSI of temp against the window before is ")


def test_the_points_against_the_window_before_have_a_label_and_a_name_in_prometheus() -> None:
    point = Point(
        metric="psi",
        labels={"version": "v1", "feature": "temp", "against": "previous"},
        start=0,
        end=1,
        value=0.5,
        rows=100,
    )
    (_, rule) = read_text(RULES, "t.mlrules.yaml").rules
    (usual, _) = read_text(RULES, "t.mlrules.yaml").rules
    assert (usual.key_of(point), rule.key_of(point)) == (None, ())
    exposed = exposition({"flights": [point]})
    assert 'mlinfra_psi_against{monitor="flights",against="previous",feature="temp"' in exposed
    assert 'mlinfra_psi_against{against="previous"' in expression(rule)
    assert "against" not in expression(usual)
    (found,) = replay([rule], [point], 2.0)
    assert len(found.past) == 1, "a back-test hears of it"


def test_a_form_that_changes_a_rule_keeps_what_it_is_against() -> None:
    text = change_rule(RULES, 1, {"threshold": 0.3})
    (_, rule) = read_text(text, "t.mlrules.yaml").rules
    assert (rule.threshold, rule.against) == (0.3, "previous")


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("metric: p95_ms, against: previous", "p95_ms is not measured against anything"),
        ("metric: psi, against: yesterday", "neither reference, previous nor START..END"),
        ("metric: psi, against: previous, by: segment", "compared with the reference only"),
    ],
)
def test_what_a_rule_cannot_be_against_is_a_fault_with_its_reason(rule: str, why: str) -> None:
    file = read_text(f"rules:\n  - {{name: r, threshold: 1, {rule}}}\n", "t.mlrules.yaml")
    assert why in str(file.faults[0])


def test_what_cannot_be_compared_is_no_data_with_its_reason_and_hides_no_other_rule() -> None:
    file = read_text(
        RULES + "  - {name: long, metric: psi, threshold: 0.2, against: 2026-11-01..2026-11-02}\n",
        "t.mlrules.yaml",
    )
    rules = {rule.name: rule for rule in file.rules}

    def measured(start: float, end: float) -> Window:
        if end - start == 86_400:
            raise OverflowError("the span is too long")
        rows = TRAINING.head(1000).with_columns(temp=TRAINING["temp"].head(1000) + (end > 5000) * 9)
        given = rows.rename({"temp": "input.temp", "origin": "input.origin"})
        sketches = {
            column.name: sketch(input_of(given, column), column) for column in REFERENCE.columns
        }
        return Window(start=start, end=end, sketches=sketches)

    against = [rule.against for rule in rules.values()]
    found = points_against(measured, plan(), "v1", against, 4000.0, 8000.0)
    result = evaluate([rules["suddenly"], rules["long"]], {}, found.points, 8000.0)
    states = {name: track.state for (name, _), track in result.tracks.items()}
    assert states == {"suddenly": AlertState.FIRING, "long": AlertState.NO_DATA}
    ((key, track),) = [item for item in result.tracks.items() if item[0][0] == "long"]
    notes = Notes(against=found.reasons)
    text = text_of(rules["long"], result.judgements[key], track, notes)
    assert text.endswith("OverflowError: the span is too long")


def test_a_rule_that_cannot_be_judged_stops_no_other() -> None:
    """As one that was written before numbers were bounded."""
    (good, _) = read_text(RULES, "t.mlrules.yaml").rules
    bad = replace(good, name="bad", share_of_at_least=10**400)
    point = Point(metric="psi", labels={"version": "v1"}, start=0, end=1, value=0.5, rows=100)
    result = evaluate([bad, good], {}, [point], 2.0)
    states = {name: track.state for (name, _), track in result.tracks.items()}
    assert states == {"bad": AlertState.NO_DATA, "drift": AlertState.FIRING}
    key = ("bad", ())
    text = text_of(bad, result.judgements[key], result.tracks[key], Notes())
    assert text.startswith("the rule could not be judged: OverflowError")


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (f"metric: error_fraction, share_of_at_least: {'9' * 400}", "less than or equal to"),
        (f"metric: psi, min_rows: {'9' * 400}", "less than or equal to"),
        ("metric: psi, against: 2026-01-01..9999-12-31T23:59:59-23:59", "years 1 to 9999"),
        (
            "metric: psi, silence: {until: 9999-12-31T23:59:59-23:59, who: a, why: b}",
            "years 1 to 9999",
        ),
        (
            'metric: psi, silence: {until: "0001-01-01T00:00+23:59", who: a, why: b}',
            "years 1 to 9999",
        ),
    ],
    ids=["share", "rows", "span", "late", "early"],
)
def test_numbers_and_times_of_a_rule_are_bounded(rule: str, why: str) -> None:
    file = read_text(f"rules:\n  - {{name: r, threshold: 1, {rule}}}\n", "t.mlrules.yaml")
    assert why in str(file.faults[0])
