"""Rules that hold drift against the window before, or a span of time."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import now
from jupyter_mlinfra.deployments.targets.layout import payload_folder
from jupyter_mlinfra.monitoring import AlertState
from jupyter_mlinfra.monitoring.hours.points import Point
from jupyter_mlinfra.monitoring.rules.backtesting import replay
from jupyter_mlinfra.monitoring.rules.editing import change_rule
from jupyter_mlinfra.monitoring.rules.file import read_text
from jupyter_mlinfra.monitoring.rules.prometheus import exposition, expression
from tests.monitoring.alerts.conftest import Flights, set_clock

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
