"""A kind of rule of another package: found by its entry point, it judges windows, and everything
else is as for our own. One that is broken takes nothing away from the others.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import now
from jupyter_mlinfra.faces.rows import row_of
from jupyter_mlinfra.monitoring.spec import Alert, AlertState
from tests.monitoring.alerts.conftest import Flights

THEIRS = """
    import sys
    from dataclasses import replace

    import numpy as np
    from pydantic import BaseModel, Field

    from jupyter_mlinfra.monitoring import Judgement


    class Share(BaseModel, extra="forbid"):
        over: float = Field(gt=0)

        def judge(self, rule, points, *, firing):
            moved = [point for point in points if point.value >= self.over]
            share = np.float32(len(moved)) / np.float32(len(points))
            found = replace(points[0], value=share, labels={"version": "v2"})
            said = f"{len(moved)} of {len(points)} features moved"
            return rule.compared(found, firing=firing, text=said)


    class Plain:
        def judge(self, rule, points, *, firing):
            return Judgement(active=None, point=points[0], problem="it is never sure")


    class Quits(Plain):
        def judge(self, rule, points, *, firing):
            sys.exit(3)


    class Babbles(Plain):
        def judge(self, rule, points, *, firing):
            return "moved"


    class Mute:
        pass
"""
POINTS = """
    [mlinfra.rule_kinds]
    share = their_rules:Share
    plain = their_rules:Plain
    quits = their_rules:Quits
    babbles = their_rules:Babbles
    mute = their_rules:Mute
    broken = their_broken:Kind
    ends = their_end:Kind
"""
RULE = """\
monitor: flights
rules:
  - name: many-moved
    kind: {kind}
    with: {options}
    metric: psi
    threshold: 0.5
    clear: 0.4
    min_rows: 100
    receivers: []
"""
SHARE = RULE.format(kind="share", options="{over: 0.2}")


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package, as an installer leaves it."""
    site = tmp_path / "site"
    facts = site / "their_rules-1.0.dist-info"
    facts.mkdir(parents=True)
    (site / "their_rules.py").write_text(textwrap.dedent(THEIRS))
    (site / "their_broken.py").write_text("import nothing_of_that_name\n")
    (site / "their_end.py").write_text("raise SystemExit('no licence')\n")
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: their-rules\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(textwrap.dedent(POINTS))
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.syspath_prepend(str(site))
    yield
    sys.modules.pop("their_rules", None)


def write(flights: Flights, text: str, name: str = "theirs") -> None:
    (flights.project.root / f"{name}.mlrules.yaml").write_text(text)


def alert(flights: Flights, name: str = "many-moved") -> Alert:
    return next(item for item in flights.monitoring.alerts().items if item.name == name)


def test_it_judges_and_its_alert_fires_ends_and_is_shown_as_any_other(flights: Flights) -> None:
    write(flights, SHARE)
    flights.log(600, shift=15)
    flights.monitoring.evaluate("flights")
    found = alert(flights)
    assert (found.state, found.text) == (AlertState.FIRING, "1 of 2 features moved")
    assert found.value is not None
    assert (found.value.value, found.threshold, found.version) == (0.5, 0.5, "v2")
    flights.open(Project(flights.project.root))
    (rule,) = [item for item in flights.alerts.rules("flights").items if item.kind == "share"]
    assert row_of(rule)["fires when"] == "psi >= 0.5 (share)"
    flights.log(6000)
    flights.monitoring.evaluate("flights")
    assert alert(flights).state is AlertState.OK
    changes = [item.what for item in flights.alerts.history("flights/many-moved").items]
    assert changes == ["ok", "firing"]


def test_the_process_that_evaluates_finds_it_and_a_back_test_replays_it(flights: Flights) -> None:
    write(flights, SHARE)
    flights.log(600, shift=15)
    root = str(flights.project.root)
    command = [sys.executable, "-m", "jupyter_mlinfra.monitoring.evaluation", root]
    subprocess.run(command, check=True, capture_output=True, timeout=120, env=dict(os.environ))
    assert alert(flights).state is AlertState.FIRING
    flights.log(600, shift=15, at=now() - timedelta(hours=30))
    tested = {item.rule: item for item in flights.alerts.backtest(days=2).rules}
    assert tested["many-moved"].fired == 1
    assert tested["many-moved"].episodes[0].peak == 0.5


FAULTS = [
    ("shre", "{over: 0.2}", "line 4: there is no kind of rule 'shre'.", "share"),
    ("share", "{over: 0.2, ovr: 1}", "line 5: with.ovr cannot be used.", "not permitted"),
    ("share", "{over: -1}", "line 5: with.over cannot be used.", "greater than 0"),
    ("share", "{}", "line 5: with.over cannot be used.", "required"),
    ("plain", "{a: 1}", "line 5: plain does not take these options.", "no arguments"),
    ("threshold", "{a: 1}", "line 5: rule many-moved has no options.", "Name its kind"),
    ("mute", "{}", "line 4: the kind of rule 'mute' failed.", "no method judge"),
    ("broken", "{}", "line 4: the kind of rule 'broken' failed.", "nothing_of_that_name"),
    ("ends", "{}", "line 4: the kind of rule 'ends' failed.", "no licence"),
    ("3", "{a: 1}", "line 4: rules.0.kind cannot be used.", "valid string"),
]


@pytest.mark.parametrize(("kind", "options", "what", "more"), FAULTS, ids=[i[3] for i in FAULTS])
def test_what_is_wrong_with_it_has_its_line_and_the_other_rules_are_judged(
    flights: Flights, kind: str, options: str, what: str, more: str
) -> None:
    write(flights, SHARE.replace("many-moved", "good"), "good")
    write(flights, RULE.format(kind=kind, options=options))
    (fault,) = flights.alerts.check("theirs.mlrules.yaml").faults
    assert what in fault.what
    assert more in f"{fault.why} {fault.fix}"
    flights.log(600, shift=15)
    flights.monitoring.evaluate("flights")
    assert alert(flights, "good").state is AlertState.FIRING
    assert alert(flights, "drift").state is AlertState.FIRING
    assert flights.alerts.rules().items[0].name == "theirs.mlrules.yaml"


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("plain", "it is never sure"),
        ("quits", "SystemExit: 3"),
        ("babbles", "TypeError: the kind babbles gave no Judgement, but str"),
    ],
)
def test_one_that_cannot_judge_has_no_data_and_the_reason(
    flights: Flights, kind: str, why: str
) -> None:
    write(flights, RULE.format(kind=kind, options="{}"))
    flights.log(600, shift=15)
    flights.monitoring.evaluate("flights")
    assert alert(flights).state is AlertState.NO_DATA
    assert why in alert(flights).text
    assert alert(flights, "drift").state is AlertState.FIRING


def test_too_few_rows_are_no_data_before_it_is_asked(flights: Flights) -> None:
    write(flights, SHARE)
    flights.log(50, shift=15)
    flights.monitoring.evaluate("flights")
    assert (alert(flights).state, alert(flights).text) == (
        AlertState.NO_DATA,
        "50 rows in the window; 100 are needed",
    )


def test_prometheus_is_told_that_it_is_left_out(flights: Flights) -> None:
    write(flights, SHARE)
    text = flights.alerts.export()
    assert "# many-moved: the rule is left out; only the package that adds the kind share" in text
    assert "alert: many-moved" not in text
    assert "alert: drift" in text
