"""Rules as Prometheus has them: `promtool`, of Debian's package of that name, judges each."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from jupyter_mlinfra.monitoring.hours.points import Point
from jupyter_mlinfra.monitoring.rules.evaluator import AlertKey, evaluate
from jupyter_mlinfra.monitoring.rules.prometheus import exposition, rules_file
from jupyter_mlinfra.monitoring.rules.spec import Operator, ThresholdRule
from jupyter_mlinfra.monitoring.spec import AlertState
from jupyter_mlinfra.monitoring.state import NoData, Track
from tests.support.searches import examples

MINUTE = 60.0
START = 1_700_000_000.0
STEPS = 30


def promtool(*words: str, text: str = "", cwd: Path | None = None) -> str:
    """What it prints; fails with that if it finds a fault."""
    path = shutil.which("promtool")
    assert path, "These tests ask Prometheus itself. On Debian: apt-get install promtool"
    done = subprocess.run(
        [path, *words], input=text, capture_output=True, text=True, cwd=cwd, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[:4000]
    return done.stdout


def a_rule(draw: random.Random, number: int) -> ThresholdRule:
    """Any timing; thresholds that the series of `a_series` cross often."""
    op = draw.choice([*Operator])
    threshold = 0.5
    clear = draw.choice([None, 0.3 if op.upward else 0.7])
    return ThresholdRule(
        name=f"r{number}",
        metric=draw.choice(["psi", "performance_real.roc_auc"]),
        op=op,
        threshold=threshold,
        clear=clear,
        hold_seconds=draw.choice([0, 1, 2, 5]) * MINUTE,
        keep_firing_seconds=draw.choice([0, 1, 3]) * MINUTE,
        min_rows=draw.choice([0, 100]),
        share_of_at_least=draw.choice([0, 0, 150]),
        by=draw.choice([(), ("feature",), ("version", "feature")]),
        where=draw.choice([{}, {"version": ("v1",)}, {"version": ("v1", "v.2|")}]),
        monitor=f"m{number}",
        no_data=draw.choice([*NoData]),
        stale_seconds=MINUTE,
    )


Series = dict[tuple[str, str, str], list[tuple[float, int] | None]]


def a_series(draw: random.Random) -> Series:
    """A value and its rows for each minute, or nothing; with ties at the thresholds."""
    values = [0.1, 0.3, 0.4, 0.5, 0.6, 0.7, 0.9]
    found: Series = {}
    for version, feature, segment in (("v1", "a", ""), ("v.2|", 'b"', ""), ("v1", "a", "s=1")):
        found[version, feature, segment] = [
            None if draw.random() < 0.15 else (draw.choice(values), draw.choice([50, 100, 200]))
            for _ in range(STEPS)
        ]
    return found


def points_of(series: Series, metric: str, minute: int) -> list[Point]:
    """The windows that end in that minute; one without a value too, as our series have it."""
    end = START + minute * MINUTE
    return [
        Point(
            metric=metric,
            labels={"version": version, "feature": feature}
            | ({"segment": segment} if segment else {}),
            start=end - MINUTE,
            end=end,
            value=values[minute][0] if values[minute] else None,
            rows=values[minute][1] if values[minute] else 0,
        )
        for (version, feature, segment), values in series.items()
    ]


def alerts_of(rule: ThresholdRule, tracks: Mapping[AlertKey, Track]) -> list[dict[str, Any]]:
    """The series `ALERTS` as our evaluator would have it."""
    shown = {AlertState.PENDING: "pending", AlertState.FIRING: "firing"}
    return [
        {
            "labels": "ALERTS"
            + "{"
            + ", ".join(
                f"{name}={json.dumps(value)}"
                for name, value in {
                    "alertname": rule.name,
                    "alertstate": shown[track.state],
                    "monitor": rule.monitor,
                    "severity": rule.severity,
                    **dict(zip(rule.by, labels, strict=True)),
                }.items()
            )
            + "}",
            "value": 1,
        }
        for (_, labels), track in tracks.items()
        if track.state in shown
    ]


def ours(rule: ThresholdRule, series: Series) -> list[list[dict[str, Any]]]:
    """Our alerts after each minute."""
    tracks: Mapping[AlertKey, Track] = {}
    found = []
    for minute in range(STEPS):
        points = points_of(series, rule.metric, minute)
        tracks = evaluate([rule], tracks, points, START + minute * MINUTE).tracks
        found.append(alerts_of(rule, tracks))
    return found


def input_series(rule: ThresholdRule, series: Series) -> list[dict[str, str]]:
    name, _, metric = rule.metric.partition(".")
    found = []
    for (version, feature, segment), values in series.items():
        labels = {"monitor": rule.monitor, "version": version, "feature": feature}
        labels |= {"segment": segment} if segment else {}
        labels |= {"metric": metric} if metric else {}
        text = ",".join(f"{key}={json.dumps(value)}" for key, value in labels.items())
        for suffix, place in (("", 0), ("_rows", 1)):
            said = [str(item[place]) if item else "stale" for item in values]
            found.append({"series": f"mlinfra_{name}{suffix}{{{text}}}", "values": " ".join(said)})
    return found


def test_every_state_of_random_rules_on_random_series_is_that_of_prometheus(
    tmp_path: Path,
) -> None:
    """Threshold, `for`, `keep_firing_for`, hysteresis, minimum rows, labels and missing values:
    promtool evaluates the exported rules minute by minute, and has to find our alerts.
    """
    draw = random.Random(9)
    tests, rules, moved = [], list[ThresholdRule](), 0
    for number in range(examples(40)):
        rule, series = a_rule(draw, number), a_series(draw)
        if rule.no_data is NoData.FIRE and rule.by:
            rule = replace(rule, no_data=NoData.RESOLVE)
        rules.append(rule)
        expected = ours(rule, series)
        moved += sum(map(bool, expected))
        tests.append(
            {
                "interval": "1m",
                "input_series": input_series(rule, series),
                "promql_expr_test": [
                    {
                        "expr": f'ALERTS{{alertname="{rule.name}"}}',
                        "eval_time": f"{minute}m",
                        "exp_samples": found,
                    }
                    for minute, found in enumerate(expected)
                ],
            }
        )
    assert moved > 5 * len(rules), "most minutes have an alert"
    for rule, test in zip(rules, tests, strict=True):
        (tmp_path / f"{rule.name}.yml").write_text(rules_file([rule]))
        body = {"rule_files": [f"{rule.name}.yml"], "evaluation_interval": "1m", "tests": [test]}
        (tmp_path / f"{rule.name}.test.yml").write_text(yaml.safe_dump(body))
    promtool("test", "rules", *(f"{rule.name}.test.yml" for rule in rules), cwd=tmp_path)


def test_the_oracle_notices_a_wrong_state(tmp_path: Path) -> None:
    """An expectation that is off by one minute does not pass."""
    rule = ThresholdRule(
        name="r", metric="psi", op=Operator.AT_LEAST, threshold=0.5, monitor="m", hold_seconds=120
    )
    series: Series = {("v1", "a", ""): [(0.9, 100)] * STEPS}
    expected = ours(replace(rule, hold_seconds=180), series)
    (tmp_path / "r.yml").write_text(rules_file([rule]))
    body = {
        "rule_files": ["r.yml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": input_series(rule, series),
                "promql_expr_test": [
                    {"expr": "ALERTS", "eval_time": "2m", "exp_samples": expected[2]}
                ],
            }
        ],
    }
    (tmp_path / "t.yml").write_text(yaml.safe_dump(body))
    with pytest.raises(AssertionError, match="FAILED"):
        promtool("test", "rules", "t.yml", cwd=tmp_path)


def test_a_rule_file_says_what_prometheus_cannot(tmp_path: Path) -> None:
    rules = [
        ThresholdRule(
            name="a.b-c", metric="psi", op=Operator.GREATER, threshold=0.2, group="data",
            no_data=NoData.FIRE, inhibited_by=("down",), summary='Drift of "all" {x}',
            runbook="https://example.org/drift",
        ),
        ThresholdRule(
            name="down", metric="requests", op=Operator.LESS, threshold=1, owner='"{{bo}}'
        ),
    ]  # fmt: skip
    text = rules_file(rules, owner="ana")
    (tmp_path / "rules.yml").write_text(text)
    assert "2 rules found" in promtool("check", "rules", "rules.yml", cwd=tmp_path)
    assert "# a.b-c: no_data: fire is left out" in text
    assert "# a.b-c: inhibited_by: down is left out" in text
    groups = yaml.safe_load(text)["groups"]
    assert [group["name"] for group in groups] == ["data", "default"]
    owners = [group["rules"][0]["labels"]["owner"] for group in groups]
    assert owners == ["ana", '"{{ "{{" }}bo}}'], "that of its rule, else of the project"


def test_the_figures_of_a_monitor_are_text_that_prometheus_reads() -> None:
    def point(metric: str, value: float | None, end: float = 60.0, **labels: str) -> Point:
        return Point(
            metric=metric, labels={"version": "v1", **labels}, start=0, end=end, value=value, rows=7
        )

    points: Sequence[Point] = [
        point("psi", 0.25, feature='we"ird\\\n'),
        point("psi", None, feature="none"),
        point("psi", 0.1, feature="temp"),
        point("psi", 0.3, 120.0, feature="temp"),
        point("performance_real.roc_auc", 0.8),
    ]
    text = exposition({"flights": points, "trains": points[:1]})
    promtool("check", "metrics", text=text)
    values = [line for line in text.splitlines() if line.startswith("mlinfra_psi{")]
    assert values == [
        r'mlinfra_psi{monitor="flights",feature="temp",version="v1"} 0.3',
        r'mlinfra_psi{monitor="flights",feature="we\"ird\\\n",version="v1"} 0.25',
        r'mlinfra_psi{monitor="trains",feature="we\"ird\\\n",version="v1"} 0.25',
    ]
    assert 'mlinfra_performance_real{monitor="flights",metric="roc_auc",version="v1"} 0.8' in text
