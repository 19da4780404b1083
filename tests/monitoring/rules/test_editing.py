"""Changes of a rule file by a form: everything that was not asked for stays as it is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from jupyter_mlinfra.core.errors import Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.monitoring.rules.editing import add_rule, change_rule, remove_rule
from jupyter_mlinfra.workbench import Workbench

TEXT = """\
# rules of the flights
monitor: flights

rules:
  # the sensor is old
  - name: temp   # of the air
    metric: psi
    threshold: 0.25
    where: {feature: temp}
  - {name: down, metric: requests, op: "<", threshold: 1}
# the end
"""


def rules(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(text)["rules"]
    return found


@pytest.mark.parametrize(
    ("place", "values", "expected"),
    [
        (0, {"threshold": 0.3}, {"threshold": 0.3}),
        (0, {"for": "30min", "clear": 0.1}, {"for": "30min", "clear": 0.1}),
        (0, {"where": None}, {"where": None}),
        (0, {"enabled": False}, {"enabled": False}),
        (0, {"by": ["version", "feature"]}, {"by": ["version", "feature"]}),
        (1, {"threshold": 5, "op": None}, {"threshold": 5, "op": None}),
        (1, {"severity": "critical"}, {"severity": "critical"}),
    ],
)
def test_a_value_changes_and_comments_and_the_other_rules_stay(
    place: int, values: dict[str, Any], expected: dict[str, Any]
) -> None:
    before = rules(TEXT)
    text = change_rule(TEXT, place, values)
    found = rules(text)
    wanted = {**before[place], **expected}
    assert found[place] == {key: value for key, value in wanted.items() if value is not None}
    assert found[1 - place] == before[1 - place]
    for comment in ("# rules of the flights", "# the sensor is old", "# of the air", "# the end"):
        assert comment in text


def test_a_rule_is_added_and_taken_away_and_the_text_is_as_before() -> None:
    more = add_rule(TEXT, {"name": "late", "metric": "kpi", "op": "<", "threshold": -3.5})
    assert [rule["name"] for rule in rules(more)] == ["temp", "down", "late"]
    assert rules(more)[2] == {"name": "late", "metric": "kpi", "op": "<", "threshold": -3.5}
    assert remove_rule(more, 2) == TEXT
    assert rules(add_rule("", {"name": "a"})) == [{"name": "a"}]
    assert rules(add_rule("monitor: m\n", {"name": "a"})) == [{"name": "a"}]


def test_what_only_an_editor_can_do_is_refused_and_changes_nothing() -> None:
    alias = "base: &b {name: a, metric: psi}\nrules: [*b]\n"
    for doing in (
        lambda: remove_rule("rules:\n- name: a\n", 0),
        lambda: change_rule(TEXT, 7, {"threshold": 1}),
        lambda: change_rule("rules: {a: 1}", 0, {"threshold": 1}),
        lambda: change_rule("rules: [", 0, {"threshold": 1}),
        lambda: change_rule(alias, 0, {"threshold": 1}),
    ):
        with pytest.raises(Unprocessable):
            doing()


def test_a_draft_has_its_faults_with_lines_and_still_its_rules(tmp_path: Path) -> None:
    (tmp_path / "mlinfra.toml").write_text('[project]\nname = "t"\n')
    alerts = Workbench(Project(tmp_path)).alerts
    good = alerts.draft("a.mlrules.yaml", TEXT)
    assert (good.monitor, good.faults) == ("flights", [])
    assert [(rule.place, rule.line, rule.values["name"]) for rule in good.rules] == [
        (0, 6, "temp"),
        (1, 10, "down"),
    ]
    bad = alerts.draft("a.mlrules.yaml", TEXT.replace("psi", "psy"))
    assert [(fault.line, "psy" in fault.what) for fault in bad.faults] == [(7, True)]
    assert len(bad.rules) == 2
    broken = alerts.draft("a.mlrules.yaml", "rules: [")
    assert broken.rules == []
    assert broken.faults[0].line is not None
    empty = alerts.draft("a.mlrules.yaml", "")
    assert (empty.rules, len(empty.faults)) == ([], 1)
