"""What the verbs of rules and back-tests print, and how they end."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from jupyter_mlinfra.cli.app import main
from jupyter_mlinfra.core.records import now
from tests.monitoring.alerts.conftest import Flights


def said(
    capfd: pytest.CaptureFixture[str], flights: Flights, words: str
) -> tuple[int | str | None, str, str]:
    capfd.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["--project", str(flights.project.root), *words.split()])
    return (ended.value.code, *capfd.readouterr())


def test_a_check_ends_with_1_and_the_line_of_the_fault(
    flights: Flights, capfd: pytest.CaptureFixture[str]
) -> None:
    path = flights.project.root / "a.mlrules.yaml"
    path.write_text("rules:\n  - {name: a, metric: psi, threshold: 1}\n")
    assert said(capfd, flights, "rules check a.mlrules.yaml")[0] == 0
    path.write_text("rules:\n  - {name: a, metric: psy, threshold: 1}\n")
    code, out, err = said(capfd, flights, "rules check a.mlrules.yaml")
    assert code == 1
    assert "a.mlrules.yaml, line 2: there is no metric psy." in err + out
    code, out, _ = said(capfd, flights, "rules check a.mlrules.yaml --json")
    found = json.loads(out)
    assert code == 1
    assert "Did you mean psi?" in json.dumps(found)


@pytest.mark.parametrize("words", ["rules check {}", "monitors backtest {}"])
def test_a_fault_names_the_file_as_it_can_be_opened_from_here(
    flights: Flights,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
    words: str,
) -> None:
    (flights.project.root / "sub").mkdir()
    (flights.project.root / "other").mkdir()
    path = flights.project.root / "sub" / "a.mlrules.yaml"
    path.write_text("rules:\n  - {name: a, metric: psy, threshold: 1}\n")
    for here, given in (
        (flights.project.root, "sub/a.mlrules.yaml"),
        (flights.project.root / "sub", "a.mlrules.yaml"),
        (flights.project.root / "other", "sub/a.mlrules.yaml"),
        (tmp_path_factory.mktemp("elsewhere"), "sub/a.mlrules.yaml"),
        (tmp_path_factory.mktemp("elsewhere"), str(path)),
    ):
        monkeypatch.chdir(here)
        code, _, err = said(capfd, flights, words.format(given))
        assert code == 1
        named = err.removeprefix("error: ").partition(", line 2: there is no metric psy.")[0]
        assert (here / named).samefile(path)


def test_no_time_is_no_span_of_0_ms(flights: Flights, capfd: pytest.CaptureFixture[str]) -> None:
    rule = "{name: now, metric: requests, threshold: 1000000}"
    (flights.project.root / "a.mlrules.yaml").write_text(f"rules:\n  - {rule}\n")
    flights.log(20)
    _, out, _ = said(capfd, flights, "monitors backtest a.mlrules.yaml --days 1")
    (own,) = [line for line in out.splitlines() if line.startswith("flights ")]
    assert own.split()[1:5] == ["now", "0", "–", "–"], "it never fired"
    _, listed, _ = said(capfd, flights, "rules list")
    (own,) = [line for line in listed.splitlines() if line.startswith("now ")]
    assert "at once" in own
    assert "0 ms" not in out + listed


def test_the_end_of_a_silence_and_all_that_is_acknowledged_are_said(
    flights: Flights, capfd: pytest.CaptureFixture[str]
) -> None:
    flights.log(600, shift=15)
    flights.monitoring.evaluate("flights")
    _, out, _ = said(capfd, flights, "alerts silence flights/drift --for 1h --why known")
    assert out.startswith("silence 1\n")
    assert "ended" not in out
    code, out, _ = said(capfd, flights, "alerts unsilence 1")
    assert (code, out.splitlines()[0]) == (0, f"silence 1 was ended by {flights.project.user}")
    assert "until" not in out


def test_an_export_is_plain_yaml_on_stdout_or_in_a_file(
    flights: Flights, capfd: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = said(capfd, flights, "rules export --to prometheus")
    assert (code, out.splitlines()[0]) == (0, "groups:")
    target = flights.project.root / "rules.yml"
    assert said(capfd, flights, f"rules export --out {target}")[0] == 0
    assert target.read_text() == out


def test_a_back_test_says_how_often_and_how_long(
    flights: Flights, capfd: pytest.CaptureFixture[str]
) -> None:
    flights.log(600, shift=15, at=now() - timedelta(hours=30))
    code, out, _ = said(capfd, flights, "monitors backtest --days 2 --monitor flights")
    assert code == 0
    (drift,) = [line for line in out.splitlines() if " drift " in f" {line} "]
    assert drift.split()[2] == "1"
    _, own, _ = said(capfd, flights, "monitors backtest flights --days 2")
    assert drift in own.splitlines()
    code, _, err = said(capfd, flights, "monitors backtest rules --monitor flights")
    assert (code, "rules is no rule file" in err) == (2, True)
    code, out, _ = said(capfd, flights, "monitors backtest --days 2 --json")
    found = {item["rule"]: item for item in json.loads(out)["rules"]}
    assert found["drift"]["fired"] == len(found["drift"]["episodes"]) == 1
    assert found["failed"]["fired"] == 0


def test_a_list_of_firing_alerts_ends_with_1(
    flights: Flights, capfd: pytest.CaptureFixture[str]
) -> None:
    assert said(capfd, flights, "alerts list --firing")[0] == 0
    flights.log(600, shift=15)
    flights.monitoring.evaluate("flights")
    assert said(capfd, flights, "alerts list --firing")[0] == 1
    for twice in ("1h --for 2h --why known", "1h known --why other"):
        code, _, err = said(capfd, flights, f"alerts silence flights/drift {twice}")
        assert (code, "One of them counts." in err) == (2, True)
    assert said(capfd, flights, "alerts silence flights/drift --for 1h --why known")[0] == 0
    assert said(capfd, flights, "alerts list --firing")[0] == 0
    code, out, _ = said(capfd, flights, "alerts list")
    (row,) = [line for line in out.splitlines() if line.split()[:1] == ["flights/drift/temp"]]
    assert (code, row.split()[1]) == (0, "silenced"), "it is crossed still, and says so"
    code, out, _ = said(capfd, flights, "alerts show flights/drift")
    assert (code, "known" in out, "silenced" in out) == (0, True, True)
    assert "the worst of 1 silenced, 1 ok" in " ".join(out.split())
