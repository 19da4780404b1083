"""The rule file: what it means, and what a broken one gets. Every fault names file and line, and
says what to do.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.monitoring.rules.book import open_book
from jupyter_mlinfra.monitoring.rules.file import read_text
from jupyter_mlinfra.monitoring.rules.schema import schema
from jupyter_mlinfra.monitoring.rules.spec import Operator, RuleSilence, ThresholdRule
from jupyter_mlinfra.monitoring.state import NoData

REPOSITORY = Path(__file__).parents[3]
FULL = """\
group: data
monitor: flights
defaults:
  for: 10min
  severity: info
rules:
  - name: temp
    metric: psi
    op: ">"
    threshold: 0.25
    clear: 0.15
    keep_firing_for: 2h
    min_rows: 500
    where: {feature: temp, version: [v1, v2]}
    by: version
    no_data: resolve
    stale_after: 3h
    inhibited_by: down
    receivers: []
    summary: The thermometer
    runbook: https://example.org
    silence: {until: 2026-12-01T08:00+01:00, who: ana, why: maintenance}
  - name: down
    metric: requests
    op: <
    threshold: 1
    severity: critical
    for: 0s
"""


def test_every_key_has_its_meaning() -> None:
    found = read_text(FULL, "a/b.mlrules.yaml")
    assert not found.faults
    assert found.rules == [
        ThresholdRule(
            name="temp", metric="psi", op=Operator.GREATER, threshold=0.25, clear=0.15,
            hold_seconds=600, keep_firing_seconds=7200, min_rows=500, severity="info", group="data",
            monitor="flights", where={"feature": ("temp",), "version": ("v1", "v2")},
            by=("version",), no_data=NoData.RESOLVE, stale_seconds=10_800, inhibited_by=("down",),
            receivers=(), summary="The thermometer", runbook="https://example.org",
            silence=RuleSilence(
                until=datetime(2026, 12, 1, 7, tzinfo=UTC).timestamp(), who="ana",
                why="maintenance",
            ),
            source="a/b.mlrules.yaml:7",
        ),
        ThresholdRule(
            name="down", metric="requests", op=Operator.LESS, threshold=1, severity="critical",
            group="data", monitor="flights", source="a/b.mlrules.yaml:23",
        ),
    ]  # fmt: skip


BROKEN = [
    ("", "r.mlrules.yaml is empty.", "It has no rules."),
    ("- 1", "line 1: a rule file is a mapping", "Begin with `rules:`"),
    ("rules: []", "line 1: rules cannot be used", "at least 1 item"),
    ("rules:\n  - name: a\n    metric: psi", "line 2: rule 1 has no threshold", "`threshold: …`"),
    (
        "rules:\n  - name: a\n    metric: psi\n    treshold: 1",
        "line 4: unknown key treshold",
        "Did you mean threshold?",
    ),
    (
        "rules:\n  - name: a\n    metric: psi\n    threshold: 1\n    resolve_below: 2",
        "line 5: unknown key resolve_below",
        "Did you mean clear?",
    ),
    (
        "rules:\n  - name: a\n    metric: psy\n    threshold: 1",
        "line 3: there is no metric psy",
        "Did you mean psi?",
    ),
    (
        "rules:\n  - name: a\n    metric: performance_real.\n    threshold: 1",
        "line 3: there is no metric performance_real.",
        "performance_real.roc_auc",
    ),
    (
        "rules:\n  - name: a\n    metric: psi\n    threshold: 0.2\n    clear: 0.3",
        "line 5: clear 0.3 is on the bad side",
        "Write a value below 0.2",
    ),
    (
        "rules:\n  - name: a\n    metric: kpi\n    op: <\n    threshold: 5\n    clear: 4",
        "line 6: clear 4 is on the bad side",
        "Write a value above 5",
    ),
    (
        "rules:\n  - {name: a, metric: psi, threshold: 1, for: 5}",
        "line 2: rules.0.for cannot be used",
        "valid string",
    ),
    (
        "rules:\n  - {name: a, metric: psi, threshold: 1, for: soon}",
        "line 2: rules.0.for cannot be used",
        "'soon' is not a duration such as 90s, 30min, 6h or 2d",
    ),
    (
        "rules:\n  - {name: a, metric: psi, threshold: .nan}",
        "line 2: rules.0.threshold cannot be used",
        "finite",
    ),
    (
        "rules:\n  - {name: a, metric: psi, threshold: 1, share_of_at_least: 9}",
        "line 2: psi is not a share",
        "min_rows",
    ),
    (
        "rules:\n  - {name: a, metric: psi, threshold: 1, inhibited_by: a}",
        "line 2: rule a is inhibited by itself",
        "Take it out",
    ),
    (
        "rules:\n  - {name: a, metric: psi, threshold: 1}\n  - {name: a, metric: ks, threshold: 1}",
        "line 3: rule a is given twice",
        "also on line 2",
    ),
    (
        "rules:\n  - name: a\n    metric: psi\n    threshold: 1\n"
        "    silence: {until: later, who: a, why: b}",
        "line 5: rules.0.silence.until cannot be used",
        "not a time such as",
    ),
    ("rules:\n  - {name: a b, metric: psi, threshold: 1}", "line 2: 'a b' cannot be a name", ""),
    *(
        (
            f"rules:\n  - {{name: a, metric: psi, threshold: 1, where: {{{label}: []}}}}",
            f"line 2: rules.0.where.{label} cannot be used",
            "at least 1 item",
        )
        for label in ("version", "feature", "segment")
    ),
    (
        'rules:\n  - {name: a, metric: psi, threshold: 1, owner: "ana\\n\\e[31m"}',
        "line 2: rules.0.owner cannot be used",
        "the character U+000A",
    ),
    (
        'defaults: {owner: "\\e[31m"}\nrules:\n  - {name: a, metric: psi, threshold: 1}',
        "line 1: defaults.owner cannot be used",
        "the character U+001B",
    ),
    (
        'rules:\n  - {name: a, metric: "performance_real.a\\nb", threshold: 1}',
        "line 2: rules.0.metric cannot be used",
        "the character U+000A",
    ),
    *(
        (
            f'rules:\n  - {{name: a, metric: psi, threshold: 1, runbook: "{address}"}}',
            "line 2: rules.0.runbook cannot be used",
            reason,
        )
        for address, reason in {
            "javascript:alert(1)": "no address of a page",
            "wiki/runbook": "no address of a page",
            "https://": "no address of a page",
            "https://example.org/\\t": "the character U+0009",
        }.items()
    ),
    ("rules: [", "line 1, column 9: this is not valid YAML", ""),
]


@pytest.mark.parametrize(("text", "what", "more"), BROKEN, ids=[item[1][:40] for item in BROKEN])
def test_each_fault_has_its_line_its_reason_and_a_fix(text: str, what: str, more: str) -> None:
    found = read_text(text, "r.mlrules.yaml")
    assert not found.rules
    (fault,) = found.faults
    assert what in fault.what
    assert more in str(fault)


def test_a_file_with_too_many_values_is_refused_as_such_before_its_rest_is_read() -> None:
    many = [f"  - {{name: r{n}, metric: psi, threshold: 1}}\n" for n in range(20_000)]
    found = read_text("".join(["rules:\n", *many, "  - [not YAML"]), "r")
    (fault,) = found.faults
    assert fault.what == "r has too many values."
    assert "50,000 keys and values" in fault.why
    assert "lias" not in str(fault)


def test_all_faults_of_a_file_are_told_at_once() -> None:
    text = """\
rules:
  - {name: a, metric: psy, threshold: 1}
  - {name: b, metric: psi, threshold: 0.1, clear: 0.5}
"""
    assert [fault.what.split(":")[0] for fault in read_text(text, "r").faults] == [
        "r, line 2",
        "r, line 3",
    ]


def test_a_value_that_cannot_be_read_hides_no_other_fault_and_all_are_in_the_order_of_lines() -> (
    None
):
    text = """\
rules:
  - name: a
    metric: psy
    threshold: 1
    for: 1 fortnight
  - {name: b, metric: psi, threshold: high}
  - {name: c, metric: psi, threshold: 0.1, clear: 0.5}
  - {name: d, metric: requests, threshold: low, against: previous}
"""
    found = read_text(text, "r")
    assert not found.rules
    said = [fault.what.removeprefix("r, line ") for fault in found.faults]
    assert [text.split(":")[0] for text in said] == ["3", "5", "6", "7", "8", "8"]
    assert "there is no metric psy" in said[0]


def test_the_built_in_rules_follow_the_settings(project: Project) -> None:
    (project.root / "mlinfra.toml").write_text(
        "[monitoring]\npsi_alert = 0.3\nmin_rows = 50\nfailed_alert = 0.02\nhold_minutes = 2\n"
    )
    rules = {rule.name: rule for rule in open_book(Project(project.root)).of("any")}
    assert [*rules] == ["drift", "failed", "refused"]
    assert (rules["drift"].threshold, rules["drift"].min_rows) == (0.3, 50)
    assert (rules["failed"].threshold, rules["refused"].threshold) == (0.02, 0.05)
    assert {rule.hold_seconds for rule in rules.values()} == {120}
    assert {name: rule.clear for name, rule in rules.items()} == {
        "drift": 0.225,
        "failed": 0.015,
        "refused": 0.0375,
    }
    assert {rule.keep_firing_seconds for rule in rules.values()} == {600}, "two evaluations"
    (project.root / "mlinfra.toml").write_text(
        "[monitoring]\nevaluate_minutes = 60\nclear_fraction = 1\n"
    )
    slow = open_book(Project(project.root)).of("any")
    assert {(rule.clear == rule.threshold, rule.keep_firing_seconds) for rule in slow} == {
        (True, 7200)
    }
    (project.root / "mlinfra.toml").write_text("[monitoring]\nkeep_firing_minutes = 0\n")
    assert {rule.keep_firing_seconds for rule in open_book(Project(project.root)).rules} == {0}


def test_a_bad_file_takes_nothing_away_from_the_others(project: Project) -> None:
    """Not YAML, not text, a clash, a receiver that does not exist, a circle: each is told apart."""
    rule = "{{name: {}, metric: psi, threshold: 0.5{}}}"

    def write(name: str, *rules: str) -> None:
        text = "rules:\n" + "".join(f"  - {item}\n" for item in rules)
        (project.root / f"{name}.mlrules.yaml").write_text(text)

    write("a", rule.format("one", ""), rule.format("two", ", inhibited_by: three"))
    write("b", "[")
    write("c", rule.format("own", ""), rule.format("one", ""))
    write("d", rule.format("four", ", receivers: nobody"))
    write("e", rule.format("three", ", inhibited_by: two"))
    (project.root / "f.mlrules.yaml").write_bytes(b"\xff\xfe")
    (project.root / "sub").mkdir()
    (project.root / "sub" / "g.mlrules.yaml").write_text(f"rules:\n  - {rule.format('last', '')}\n")
    book = open_book(project)
    assert [item.name for item in book.rules] == [
        "drift",
        "failed",
        "refused",
        "one",
        "two",
        "last",
    ]
    told = {name: str(faults[0]) for name, faults in book.problems.items()}
    assert [*sorted(told)] == [f"{name}.mlrules.yaml" for name in "bcdef"]
    assert "is also in a.mlrules.yaml:2" in told["c.mlrules.yaml"]
    assert "there is no receiver nobody" in told["d.mlrules.yaml"]
    assert "In a circle" in told["e.mlrules.yaml"]
    assert "not text in UTF-8" in told["f.mlrules.yaml"]


def test_a_rule_replaces_the_built_in_one_of_its_name_for_all_or_for_one_monitor(
    project: Project,
) -> None:
    (project.root / "x.mlrules.yaml").write_text("""\
rules:
  - {name: drift, metric: ks, threshold: 0.3, monitor: rides}
  - {name: refused, metric: refused_fraction, threshold: 0.5}
  - {name: failed, metric: error_fraction, threshold: 1, monitor: rides, enabled: false}
""")
    book = open_book(project)
    rides = {rule.name: (rule.metric, rule.threshold) for rule in book.of("rides")}
    others = {rule.name: (rule.metric, rule.threshold) for rule in book.of("flights")}
    assert rides == {"drift": ("ks", 0.3), "refused": ("refused_fraction", 0.5)}
    assert others == {
        "drift": ("psi", 0.2),
        "failed": ("error_fraction", 0.01),
        "refused": ("refused_fraction", 0.5),
    }


def test_the_published_schema_is_that_of_the_code() -> None:
    published = REPOSITORY / "docs" / "mlrules.schema.json"
    assert published.read_text() == schema(), (
        "write it anew:"
        " python -m jupyter_mlinfra.monitoring.rules.schema > docs/mlrules.schema.json"
    )
    assert json.loads(schema())["properties"]["rules"]


def test_the_schema_accepts_what_is_read_and_refuses_a_misspelt_key() -> None:
    """By the library that editors' language servers use too."""
    import jsonschema
    import yaml

    checker = jsonschema.Draft202012Validator(json.loads(schema()))
    read = yaml.safe_load(FULL.replace("2026-12-01T08:00+01:00", "'2026-12-01T08:00+01:00'"))
    assert not [*checker.iter_errors(read)]
    read["rules"][0]["treshold"] = 1
    assert [*checker.iter_errors(read)]


def test_the_example_of_the_documentation_is_in_order() -> None:
    text = (REPOSITORY / "docs" / "rules.md").read_text()
    example = text.split("```yaml\n")[1].split("```")[0]
    found = read_text(example, "example.mlrules.yaml")
    assert not found.faults
    assert [rule.name for rule in found.rules] == ["temp-moved", "moved", "down"]
