"""What can be done about an alert, and that it stays in its history."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from jupyter_mlinfra.core.errors import BadRequest, Conflict, NotFound, Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import now
from jupyter_mlinfra.deployments.spec import VersionState
from jupyter_mlinfra.deployments.store import DeploymentStore
from jupyter_mlinfra.monitoring.alerts.deliveries import DeliveryStore
from tests.monitoring.alerts.conftest import Flights

SINK = '[monitoring.receivers.log]\ntype = "file"\npath = "alerts.jsonl"\n'


def with_settings(flights: Flights, text: str) -> Flights:
    (flights.project.root / "mlinfra.toml").write_text(text)
    flights.open(Project(flights.project.root))
    return flights


def lines(flights: Flights, alert: str = "flights/drift/temp") -> list[tuple[str, str]]:
    """What its history says was done by whom, oldest first."""
    return [(item.what, item.by) for item in flights.alerts.history(alert).items[::-1]]


def queued(flights: Flights) -> list[list[tuple[str, str]]]:
    """(alert, status) of each message that waits."""
    found = DeliveryStore(flights.project.database).due(now().timestamp())
    return [
        [
            (item["labels"]["alertname"], item["status"])
            for item in json.loads(message.body)["alerts"]
        ]
        for message in found
    ]


@pytest.mark.usefixtures("at_once")
def test_an_alert_is_told_once_across_restarts_and_its_end_too(flights: Flights) -> None:
    with_settings(flights, SINK)
    flights.log(600, shift=15)
    for _ in range(3):  # each time another process
        flights.open(Project(flights.project.root))
        flights.monitoring.evaluate("flights")
    assert queued(flights) == [[("drift", "firing")]]
    flights.log(6000)
    flights.monitoring.evaluate("flights")
    flights.monitoring.evaluate("flights")
    assert queued(flights) == [[("drift", "firing")], [("drift", "resolved")]]
    assert lines(flights) == [("firing", ""), ("ok", "")]
    assert flights.alerts.show("flights/drift/temp").alert.resolved_at is not None


def test_an_alert_has_the_owner_of_its_rule_or_else_of_the_project(flights: Flights) -> None:
    with_settings(flights, f'[project]\nowner = "ana"\n{SINK}')
    rule = "{name: %s, metric: psi, threshold: 0.2%s}"
    rules = rule % ("moved", ", owner: team-data"), rule % ("also", "")
    (flights.project.root / "own.mlrules.yaml").write_text(f"rules: [{', '.join(rules)}]")
    flights.log(600, shift=15)
    flights.monitoring.evaluate("flights")
    owners = {item.name: item.owner for item in flights.monitoring.alerts().items}
    assert owners == {
        "moved": "team-data",
        "also": "ana",
        "drift": "ana",
        "failed": "ana",
        "refused": "ana",
    }
    told = {
        alert["labels"]["alertname"]: alert["labels"]["owner"]
        for message in DeliveryStore(flights.project.database).due(now().timestamp())
        for alert in json.loads(message.body)["alerts"]
    }
    assert told == {"moved": "team-data", "also": "ana", "drift": "ana"}
    listed = {item.name: item.owner for item in flights.alerts.rules().items}
    assert listed == owners
    assert flights.alerts.export().count("owner: team-data") == 1
    assert flights.alerts.export().count("owner: ana") == 4
    (flights.project.root / "own.mlrules.yaml").write_text(
        f"defaults: {{owner: bo}}\nrules: [{rules[1]}]"
    )
    flights.monitoring.evaluate("flights")
    assert flights.alerts.show("flights/also").alert.owner == "bo"


@pytest.mark.usefixtures("at_once")
def test_an_acknowledgement_lasts_until_the_alert_ends(flights: Flights) -> None:
    flights.log(600, shift=15)
    flights.monitoring.evaluate("flights")
    flights.alerts.acknowledge("alert:flights/drift/temp", why="the sensor was changed")
    flights.monitoring.evaluate("flights")
    found = flights.alerts.show("flights/drift/temp").alert.acknowledged
    assert found is not None
    assert (found.by, found.why) == (flights.project.user, "the sensor was changed")
    flights.log(6000)
    flights.monitoring.evaluate("flights")
    assert flights.alerts.show("flights/drift/temp").alert.acknowledged is None
    with pytest.raises(Conflict, match="nothing to look after"):
        flights.alerts.acknowledge("flights/drift/temp")
    user = flights.project.user
    assert lines(flights) == [("firing", ""), ("acknowledged", user), ("ok", "")]


def test_a_silenced_alert_fires_unheard_and_is_heard_when_the_silence_ends(
    flights: Flights,
) -> None:
    with_settings(flights, SINK)
    flights.log(600, shift=15)
    flights.monitoring.evaluate("flights")
    assert queued(flights) == [[("drift", "firing")]]
    flights.log(10, status=500)
    silence = flights.alerts.silence("flights/failed", span=timedelta(hours=2), why="known")
    flights.monitoring.evaluate("flights")
    states = {item.ref: item.state for item in flights.monitoring.alerts().items}
    assert states["alert:flights/failed"] == "silenced"
    assert states["alert:flights/drift/temp"] == "firing"
    told = [event for event in flights.project.events.after(0) if event.ref.endswith("/failed")]
    assert told[-1].data["state"] == "silenced", "panels notify of nothing that is silenced"
    assert flights.monitoring.alerts(firing=True).total == 1, "those that somebody is told of"
    assert len(queued(flights)) == 1
    ended = flights.alerts.unsilence(silence.number)
    assert ended.ended_by == flights.project.user
    assert ended.until <= now() < silence.until, "it is not shown as if it were in force"
    flights.monitoring.evaluate("flights")
    assert queued(flights)[1:] == [[("failed", "firing")]]
    user = flights.project.user
    assert lines(flights, "flights/failed")[-1] == ("unsilenced", user)
    with pytest.raises(NotFound, match="has run out"):
        flights.alerts.unsilence(silence.number)


def test_a_rule_is_silenced_for_all_monitors_and_a_silence_needs_an_end_and_a_reason(
    flights: Flights,
) -> None:
    flights.log(600, shift=15)
    flights.monitoring.evaluate("flights")
    flights.alerts.silence("drift", until=now() + timedelta(days=1), why="maintenance")
    assert flights.alerts.show("flights/drift/temp").alert.state == "silenced"
    assert lines(flights)[-1] == ("silenced", flights.project.user)
    for wrong, error in (
        ({"why": "x"}, BadRequest),
        ({"why": " ", "span": timedelta(hours=1)}, BadRequest),
        ({"why": "x", "until": now() - timedelta(seconds=1)}, BadRequest),
        ({"why": "x", "span": timedelta(days=400)}, BadRequest),
    ):
        with pytest.raises(error):
            flights.alerts.silence("drift", **wrong)
    for target in ("nothing", "flights/nothing", "nowhere/drift", "flights/drift/tmep"):
        with pytest.raises(NotFound):
            flights.alerts.silence(target, span=timedelta(hours=1), why="x")


def test_a_rule_file_keeps_features_apart_and_a_fault_in_it_ends_no_alert(
    flights: Flights,
) -> None:
    path = flights.project.root / "own.mlrules.yaml"
    good = "rules:\n  - {name: moved, metric: psi, threshold: 0.3, min_rows: 100, by: feature}\n"
    path.write_text(good)
    flights.log(600, shift=15)
    flights.monitoring.evaluate("flights")
    states = {item.ref: item.state for item in flights.monitoring.alerts().items}
    assert states["alert:flights/moved/temp"] == "firing"
    assert states["alert:flights/moved/wind"] == "ok"
    assert flights.alerts.show("flights/moved/temp").alert.labels == {"feature": "temp"}
    path.write_text(good + "    treshold: 1\n")
    flights.monitoring.evaluate("flights")
    assert flights.alerts.show("flights/moved/temp").alert.state == "firing"
    assert flights.alerts.rules().items[0].name == "own.mlrules.yaml"
    path.write_text(good.replace("moved", "renamed"))
    flights.monitoring.evaluate("flights")
    with pytest.raises(NotFound):
        flights.alerts.show("flights/moved/temp")


def test_the_window_of_an_alert_is_the_time_in_which_its_threshold_was_crossed(
    flights: Flights,
) -> None:
    flights.log(1200, shift=15)
    flights.monitoring.evaluate("flights", since=timedelta(minutes=30))
    alert = flights.alerts.show("flights/drift/temp").alert
    assert alert.window_start is not None
    assert alert.window_end is not None
    assert alert.window_end - alert.window_start == timedelta(minutes=30)
    rows = flights.alerts.window("flights/drift/temp")
    assert 595 <= rows.height <= 605
    assert [item.feature for item in flights.alerts.drift("flights/drift/temp")] == ["temp", "wind"]
    assert alert.version == "v2"


def test_the_notebook_of_an_alert_runs(flights: Flights) -> None:
    """In a kernel of its own, from the project's folder, as a user opens it."""
    flights.log(600, shift=15)
    flights.log(20, status=400)
    flights.monitoring.evaluate("flights")
    made = flights.alerts.notebook("flights/drift/temp")
    path = flights.project.root / made.path
    body = nbformat.read(path, 4)
    nbformat.validate(body)
    done = NotebookClient(
        body, timeout=120, resources={"metadata": {"path": str(flights.project.root)}}
    ).execute()
    shown = json.dumps(done.cells)
    assert "application/vnd.vegalite" in shown
    assert "temp is no number" in shown
    assert lines(flights)[-1] == ("notebook", flights.project.user)
    with pytest.raises(Conflict):
        flights.alerts.notebook("flights/drift/temp", path=made.path)
    for wrong in ("../out.ipynb", "out.py", "/tmp/out.ipynb"):
        with pytest.raises(BadRequest):
            flights.alerts.notebook("flights/drift/temp", path=wrong)


def test_a_notebook_says_hostile_names_as_text(flights: Flights) -> None:
    rules = flights.project.root / "h.mlrules.yaml"
    rules.write_text(
        "rules:\n  - {name: r, metric: psi, threshold: 0.3, by: feature,"
        " runbook: 'https://x/<script>'}\n"
    )
    flights.log(600, shift=15)
    flights.monitoring.evaluate("flights")
    made = flights.alerts.notebook("flights/r/temp", path="n.ipynb")
    assert "<script>" not in (flights.project.root / made.path).read_text()


def test_what_cannot_be_retrained_or_rolled_back_says_why(flights: Flights) -> None:
    flights.log(600, shift=15)
    flights.monitoring.evaluate("flights")
    with pytest.raises(NotFound):  # the model is not registered
        flights.alerts.retrain("flights/drift/temp")
    with pytest.raises(Conflict):
        flights.alerts.rollback("flights/drift/temp")
    assert lines(flights) == [("firing", "")], "what was not done is not in the history"


def test_a_back_test_finds_the_past_that_was_logged(flights: Flights) -> None:
    """Shifted from 31 to 25 hours before now, and good before and after. With a share s of the rows
    beyond the last decile, PSI is about 0.9 s ln(1 + 9 s) - 0.9 s ln(1 - s): 0.2 for 4.4 hours in a
    window of 24.
    """
    end = now()
    for hour in range(72, 0, -1):
        shifted = 25 <= hour <= 30
        flights.log(60, shift=60 if shifted else 0, at=end - timedelta(hours=hour))
    rules = flights.project.root / "t.mlrules.yaml"
    rules.write_text(
        "rules:\n"
        "  - {name: moved, metric: psi, threshold: 0.2, min_rows: 200}\n"
        "  - {name: slow, metric: p95_ms, threshold: 50, op: '>'}\n"
        "  - {name: labels, metric: label_coverage, threshold: 0.5, op: <}\n"
    )
    found = flights.alerts.backtest("t.mlrules.yaml", monitor="flights", days=2.5)
    moved, slow, labels = found.rules
    assert (moved.fired, slow.fired, labels.fired) == (1, 0, 0)
    (episode,) = moved.episodes
    assert abs(episode.since - (end - timedelta(hours=26.6))) <= timedelta(hours=2)
    assert episode.until is not None
    assert abs(episode.until - (end - timedelta(hours=5.4))) <= timedelta(hours=2)
    assert episode.subject == "temp"
    assert moved.firing_seconds == moved.longest_seconds == episode.seconds
    assert "has no value of its metric" in labels.note
    assert slow.measured == slow.windows == 60
    assert flights.monitoring.alerts().total == 0, "nothing is armed by it"
    with pytest.raises(BadRequest):
        flights.alerts.backtest("t.mlrules.yaml", days=0)
    rules.write_text("rules: []\n")
    with pytest.raises(Unprocessable, match=r"t\.mlrules\.yaml, line 1"):
        flights.alerts.backtest("t.mlrules.yaml")


def test_an_inhibitor_that_no_rule_is_named_like_is_a_fault_with_a_suggestion(
    flights: Flights,
) -> None:
    path = flights.project.root / "a.mlrules.yaml"
    path.write_text("rules:\n  - {name: a, metric: psi, threshold: 1, inhibited_by: [drfit]}\n")
    (fault,) = flights.alerts.check("a.mlrules.yaml").faults
    assert fault.what.startswith("a.mlrules.yaml, line 2: rule a is inhibited by drfit")
    assert fault.fix == "Did you mean drift?"
    other = flights.project.root / "b.mlrules.yaml"
    other.write_text("rules:\n  - {name: drfit, metric: psi, threshold: 1}\n")
    assert flights.alerts.check("a.mlrules.yaml").rules == ["a"], "a rule of another file"
    other.unlink()


def test_what_a_check_and_the_list_say(flights: Flights) -> None:
    path = flights.project.root / "a.mlrules.yaml"
    path.write_text("rules:\n  - {name: a, metric: psi, threshold: 1}\n")
    assert flights.alerts.check("a.mlrules.yaml").rules == ["a"]
    path.write_text("rules:\n  - {name: a, metric: psi, threshold: 1, receivers: nobody}\n")
    (fault,) = flights.alerts.check(str(path)).faults
    assert "there is no receiver nobody" in fault.what
    with pytest.raises(Unprocessable, match="not a rule file"):
        flights.alerts.check("a.yaml")
    assert flights.alerts.check("none.mlrules.yaml").faults[0].what.endswith("does not exist.")
    names = [item.name for item in flights.alerts.rules("flights").items]
    assert names == ["a.mlrules.yaml", "drift", "failed", "refused"]
    assert "alert: drift" in flights.alerts.export("flights")


def test_history_is_paged(flights: Flights) -> None:
    flights.log(600, shift=15)
    flights.monitoring.evaluate("flights")
    for number in range(5):
        flights.alerts.acknowledge("flights/drift/temp", why=str(number))
    first = flights.alerts.history("flights/drift/temp", limit=4)
    rest = flights.alerts.history("flights/drift/temp", limit=4, cursor=first.cursor)
    assert (first.shown, first.total, rest.shown, rest.cursor) == (4, 6, 2, None)
    assert [item.why for item in first.items] == ["4", "3", "2", "1"]


@pytest.mark.usefixtures("at_once")
def test_the_clock_may_be_set_back(flights: Flights, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was evaluated in a wrong future does not keep the present from being seen."""
    at = now()
    flights.log(600, shift=15)
    monkeypatch.setattr("jupyter_mlinfra.monitoring.service.now", lambda: at + timedelta(hours=9))
    flights.monitoring.evaluate("flights")
    monkeypatch.setattr("jupyter_mlinfra.monitoring.service.now", lambda: at)
    flights.log(9000)
    flights.monitoring.evaluate("flights")
    assert flights.alerts.show("flights/drift/temp").alert.state == "ok"


def test_a_path_of_another_project_is_not_read(flights: Flights, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        flights.alerts.show("../x")


@pytest.mark.slow
def test_retrain_starts_the_pipeline_that_made_the_model_with_its_parameters(
    flights: Flights, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model is of a tracked run whose tags name the step and the run of its pipeline."""
    import mlflow

    root, pipelines = flights.project.root, flights.bench.pipelines
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "execution_count": None}
    cells = [
        {**cell, "metadata": {"tags": ["parameters"]}, "source": "depth = 3"},
        {**cell, "id": "b", "source": "open('trained.txt', 'a').write(f'{depth} ')"},
    ]
    body = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (root / "train.ipynb").write_text(json.dumps(body))
    (root / "train.mlpipeline.yaml").write_text(
        "parameters: {depth: 3}\n"
        "steps:\n"
        "  fit: {notebook: train.ipynb, params: {depth: '{{ depth }}'}}\n"
    )
    first = pipelines.run("train", parameters={"depth": 6})
    flights.bench.experiments.activate()
    client = mlflow.MlflowClient(flights.bench.experiments.tracking_uri)
    client.create_registered_model("flights")
    for _ in range(2):
        run = client.create_run(client.create_experiment(f"e{_}"), tags={
            "mlinfra.step": "train/fit", "mlinfra.run": first.run,
        }).info.run_id  # fmt: skip
        client.create_model_version("flights", f"runs:/{run}/model", run_id=run)
    flights.log(600, shift=15)
    flights.monitoring.evaluate("flights")
    assert flights.alerts.show("flights/drift/temp").pipeline == "train"
    started = flights.alerts.retrain("flights/drift/temp", why="the sensor was changed")
    try:
        deadline = now() + timedelta(seconds=100)
        while not (ended := pipelines.show_run(started.run)).ended_at and now() < deadline:
            time.sleep(0.2)
        assert ended.state == "succeeded"
        assert (root / "trained.txt").read_text() == "6 6 ", "not from the cache"
        newest = flights.alerts.history("flights/drift/temp").items[0]
        assert (newest.what, newest.link) == ("retrain", "pipeline:train")
        assert newest.why == f"run {started.run}: the sensor was changed"
    finally:
        flights.bench.down()


def test_a_rollback_says_in_the_deployments_history_for_which_alert_it_was(
    flights: Flights, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deployment's own rollback has its tests; here it is only asked."""
    flights.log(600, shift=15)
    flights.monitoring.evaluate("flights")
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr(
        flights.bench.deployments,
        "rollback",
        lambda name, *, reason: asked.append((name, reason)),
    )
    flights.alerts.rollback("flights/drift/temp", why="v2 was wrong")
    assert asked == [("flights", "alert:flights/drift/temp: v2 was wrong")]
    assert lines(flights)[-1] == ("rollback", flights.project.user)


def test_a_rollback_that_would_undo_what_was_done_about_the_alert_is_refused(
    flights: Flights, monkeypatch: pytest.MonkeyPatch
) -> None:
    """v1 was given all of the traffic already, by hand: to go back from there is to go to v2."""
    store = DeploymentStore(flights.project.database, flights.project.name)
    store.begin("flights", "v1", target="local", model="flights", number=1, workers=1)
    for version in ("v1", "v2"):
        store.move("flights", version, VersionState.STARTING)
        store.move("flights", version, VersionState.TESTING)
        with store.change("flights") as change:
            change.ready(version, [])

    def give_all_to(version: str) -> None:
        shares = {"v1": 0, "v2": 0, version: 100}
        with store.change("flights") as change:
            change.traffic(shares, verb="promote", user="ana", reason="")

    give_all_to("v1")
    give_all_to("v2")
    flights.log(600, shift=15)
    flights.monitoring.evaluate("flights")
    asked: list[str] = []
    monkeypatch.setattr(
        flights.bench.deployments, "rollback", lambda name, *, reason: asked.append(name)
    )
    flights.alerts.rollback("flights/drift/temp")
    give_all_to("v1")
    with pytest.raises(Conflict, match=r"v1 of flights has all of the traffic already.") as caught:
        flights.alerts.rollback("flights/drift/temp")
    assert "It was v2 100 % when alert:flights/drift/temp became firing" in caught.value.why
    assert asked == ["flights"], "once, while v2 had the traffic"


def test_the_code_that_is_inserted_for_an_alert_loads_its_window_and_its_drift(
    flights: Flights, monkeypatch: pytest.MonkeyPatch
) -> None:
    flights.log(600, shift=15)
    flights.monitoring.evaluate("flights")
    monkeypatch.chdir(flights.project.root)
    code = flights.alerts.show("flights/drift/temp").code
    names: dict[str, Any] = {}
    exec(code["python"], names)
    assert names["bad"].height == 600
    assert [item.feature for item in names["drift"]] == ["temp", "wind"]
    assert "alert.acknowledge(" in code["python"]
    assert code["cli"] == "mlinfra alerts show flights/drift/temp"
