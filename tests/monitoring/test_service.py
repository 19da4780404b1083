"""A monitor over a payload log: what it needs, what it reports, when it fires."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from alembic import command
from alembic.config import Config

from jupyter_mlinfra.core import database
from jupyter_mlinfra.core.errors import BadRequest, Conflict, NotFound, Unavailable, Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import Number, now
from jupyter_mlinfra.deployments import Part
from jupyter_mlinfra.monitoring import AlertState, Monitoring, measured_windows
from jupyter_mlinfra.monitoring.measuring import FEATURES
from jupyter_mlinfra.monitoring.references.profiles import path_of
from jupyter_mlinfra.monitoring.store import MonitorStore

TRAINING = pl.DataFrame(
    {
        "temp": np.random.default_rng(1).normal(60, 10, 5000),
        "origin": np.random.default_rng(2).choice(["EWR", "JFK", "LGA"], 5000),
    }
)


class Deployments:
    """One deployment with two versions, and the rows that it was asked: the real domain's answers,
    without its processes.
    """

    def __init__(self) -> None:
        self.rows = payload(0)
        self.traffic = {"v1": 10, "v2": 90}
        self.problems: list[str] = []

    def show(self, name: str) -> Any:
        if name != "flights" or not self.traffic:
            raise NotFound(f"There is no deployment {name}.")
        versions = [
            SimpleNamespace(version=version, model="flights", traffic=percent)
            for version, percent in self.traffic.items()
        ]
        deployment = SimpleNamespace(versions=versions)
        return SimpleNamespace(deployment=deployment, answers="", signature=())

    def payloads(self, name: str, *, since: datetime | None = None) -> pl.DataFrame:
        return self.rows.filter(pl.col("ts") >= since) if since else self.rows

    def payload_parts(self, name: str, *, since: datetime, until: datetime) -> Iterator[Part]:
        rows = self.rows.filter(pl.col("ts").is_between(since, until, closed="left"))
        return iter([Part(rows=rows)] if rows.height else [])

    def payloads_refused(self, name: str, *, since: datetime | None = None) -> pl.DataFrame:
        bad = self.payloads(name, since=since).filter(pl.col("status") >= 400)
        return bad.with_columns(
            what=pl.format("Column origin has an unknown category in row {}.", pl.col("row"))
        )

    def payloads_state(self, name: str, *, since: datetime) -> str:
        return f"{self.rows.height} {self.rows.hash_rows().sum()}"

    def payloads_dropped(self, name: str, *, since: datetime | None = None) -> int:
        assert since is not None  # the window's, not those of all time
        return 3

    def payloads_problems(self, name: str, *, since: datetime | None = None) -> list[str]:
        return self.problems


class Experiments:
    def version(self, ref: str) -> Any:
        model, _, number = ref.replace("@champion", "/2").partition("/")
        return SimpleNamespace(model=model, version=int(number), datasets=())

    def signature(self, ref: str) -> Any:
        return {"inputs": [{"name": name} for name in TRAINING.columns]}


def payload(rows: int, *, shift: float = 0.0, status: int = 200) -> pl.DataFrame:
    random = np.random.default_rng(3)
    return pl.DataFrame(
        {
            "request_id": [f"r{number // 5}" for number in range(rows)],
            "row": pl.Series([number % 5 for number in range(rows)], dtype=pl.Int32),
            "ts": pl.Series([now() - timedelta(minutes=5)] * rows, dtype=pl.Datetime("us", "UTC")),
            "version": pl.Series(
                ["v1" if number % 10 == 0 else "v2" for number in range(rows)], dtype=pl.String
            ),
            "status": pl.Series([status] * rows, dtype=pl.Int64),
            "latency_ms": pl.Series(np.linspace(1, 9, rows) if rows else [], dtype=pl.Float64),
            "prediction": pl.Series(random.random(rows), dtype=pl.Float64),
            "temp": pl.Series(random.normal(60 + shift, 10, rows), dtype=pl.Float64),
            "origin": pl.Series(
                random.choice(["EWR", "JFK", "LGA"], rows) if rows else [], dtype=pl.String
            ),
        }
    )


@pytest.fixture
def deployments() -> Deployments:
    return Deployments()


@pytest.fixture
def monitoring(project: Project, deployments: Deployments) -> Monitoring:
    return Monitoring(project, deployments, Experiments())  # type: ignore[arg-type]


def told(project: Project, rule: str = "drift/temp") -> list[str]:
    """The states of a rule that were events."""
    return [
        event.data["state"]
        for event in project.events.after(0)
        if event.ref == f"alert:flights/{rule}"
    ]


def watched(monitoring: Monitoring) -> Monitoring:
    monitoring.reference("flights@champion", TRAINING, score=np.random.default_rng(4).random(5000))
    monitoring.watch("flights")
    return monitoring


def test_a_version_without_reference_is_not_watched_and_the_fix_is_told(
    monitoring: Monitoring,
) -> None:
    with pytest.raises(NotFound, match="reference profile") as caught:
        monitoring.watch("flights")
    assert "mlinfra monitors reference DEPLOYMENT --from DATASET" in caught.value.fix
    assert "ml.model('flights/2').reference(" in caught.value.fix
    assert monitoring.list().total == 0


def test_a_deployment_that_does_not_exist_is_not_watched(monitoring: Monitoring) -> None:
    with pytest.raises(NotFound):
        monitoring.watch("nothing")


def test_a_name_keeps_to_its_deployment_and_hostile_names_are_refused(
    monitoring: Monitoring,
) -> None:
    watched(monitoring)
    assert monitoring.watch("flights").deployment == "flights"
    monitoring._store.add("other", "elsewhere", "ana")
    with pytest.raises(Conflict):
        monitoring.watch("flights", name="other")
    for name in ("../x", "A b", "", "x" * 70):
        with pytest.raises(BadRequest):
            monitoring.watch("flights", name=name or "-")


def test_of_two_watches_of_one_name_at_once_the_second_is_refused(
    monitoring: Monitoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is done between what the second checks and what it writes."""
    monitoring.reference("flights@champion", TRAINING)
    real = monitoring._store.add

    def overtaken(name: str, deployment: str, user: str) -> Any:
        real(name, "elsewhere", "ana")
        return real(name, deployment, user)

    monkeypatch.setattr(monitoring._store, "add", overtaken)
    with pytest.raises(Conflict, match="Monitor flights watches elsewhere"):
        monitoring.watch("flights")
    assert [item.deployment for item in monitoring.list().items] == ["elsewhere"]


def test_every_watch_starts_the_supervisor_and_one_that_does_not_start_is_no_fault_of_it(
    project: Project, deployments: Deployments
) -> None:
    asked = list[int]()

    def start() -> None:
        asked.append(len(asked))
        if len(asked) == 2:
            raise Unavailable("The job supervisor did not start.")

    monitoring = Monitoring(project, deployments, Experiments(), alarm_set=start)  # type: ignore[arg-type]
    for count in (1, 2, 3):  # from the second on the alarm is set already
        watched(monitoring)
        assert len(asked) == count
    assert monitoring.list().total == 1


@pytest.mark.usefixtures("at_once")
def test_a_shift_of_one_feature_fires_on_that_feature_and_tells_of_it_once(
    monitoring: Monitoring, deployments: Deployments, project: Project
) -> None:
    watched(monitoring)
    deployments.rows = payload(1000)
    assert monitoring.evaluate("flights").monitor.state is AlertState.OK
    deployments.rows = payload(1000, shift=12)
    status = monitoring.evaluate("flights")
    monitoring.evaluate("flights")
    assert status.monitor.state is AlertState.FIRING
    assert [item.feature for item in status.drift if item.drifted] == ["temp"]
    assert status.monitor.worst == status.alerts[0].subject == "temp"
    assert monitoring.alerts(firing=True).total == 1
    assert told(project) == ["ok", "firing"]
    deployments.rows = payload(1000)
    assert monitoring.evaluate("flights").monitor.state is AlertState.OK
    assert monitoring.alerts(firing=True).total == 0


def test_each_change_of_a_monitor_is_an_event(
    monitoring: Monitoring, deployments: Deployments, project: Project
) -> None:
    """What its row shows changes with each evaluation, not only when its state does."""
    watched(monitoring)
    monitoring.watch("flights")  # again: nothing changes
    deployments.rows = payload(1000)
    monitoring.evaluate("flights")
    monitoring.evaluate("flights")
    states = [
        event.data["state"]
        for event in project.events.after(0)
        if (event.topic, event.ref) == ("monitor", "monitor:flights")
    ]
    assert states == ["no_data", "ok", "ok"]


def test_after_a_promotion_of_a_version_without_reference_nothing_stays_green(
    monitoring: Monitoring, deployments: Deployments, project: Project
) -> None:
    watched(monitoring)
    deployments.rows = payload(1000)
    assert monitoring.evaluate("flights").monitor.state is AlertState.OK
    deployments.traffic = {"v2": 10, "v3": 90}
    status = monitoring.evaluate("flights")
    assert status.monitor.state is AlertState.NO_DATA
    assert "flights/3 has no reference profile" in status.alerts[0].text
    assert [(item.name, item.state) for item in status.alerts] == [
        ("drift", "no_data"),
        ("failed", "ok"),
        ("refused", "ok"),
    ]
    assert [item.state for item in monitoring.list().items] == [AlertState.NO_DATA]
    assert told(project) == ["ok", "no_data"]
    assert "no reference profile" in monitoring.status("flights").trouble


def show_at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    """What is read is read at that time."""
    for store in ("store", "alerts.store"):
        monkeypatch.setattr(f"jupyter_mlinfra.monitoring.{store}.now", lambda: moment)


def test_a_verdict_that_nobody_has_confirmed_for_a_day_is_not_green(
    monitoring: Monitoring, deployments: Deployments, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched(monitoring)
    deployments.rows = payload(1000)
    at = now()
    monitoring.evaluate("flights")
    show_at(monkeypatch, at + timedelta(hours=23))
    assert {item.state for item in (*monitoring.alerts().items, *monitoring.list().items)} == {
        AlertState.OK
    }
    show_at(monkeypatch, at + timedelta(hours=25))
    assert {item.state for item in (*monitoring.alerts().items, *monitoring.list().items)} == {
        AlertState.NO_DATA
    }
    assert all(
        item.text.startswith("not judged for over 24 hours; before: ")
        for item in monitoring.alerts().items
    )
    assert all(
        item.since == item.evaluated_at + timedelta(hours=24) for item in monitoring.alerts().items
    ), "there is no data since a verdict is too old, not since it was green"
    assert monitoring.evaluate("flights").monitor.state is AlertState.OK


def test_verdicts_that_are_too_old_stand_before_green_ones(
    monitoring: Monitoring, deployments: Deployments, project: Project
) -> None:
    watched(monitoring)
    deployments.rows = payload(1000)
    monitoring.evaluate("flights")
    with project.database.write() as connection:
        connection.execute(
            "UPDATE alert SET evaluated_at = evaluated_at - 100000, since = since - 100000"
            " WHERE rule = 'refused'"
        )
    assert monitoring.alerts().items[0].name == "refused"


def broken_log(*_: Any, **__: Any) -> Iterator[Part]:
    raise Unprocessable("The payload log cannot be read.")


def a_bug(*_: Any, **__: Any) -> Iterator[Part]:
    raise pl.exceptions.SchemaError("columns")


def test_what_cannot_be_measured_at_all_is_no_data_with_the_reason(
    monitoring: Monitoring, deployments: Deployments, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched(monitoring)
    deployments.rows = payload(1000)
    monitoring.evaluate("flights")
    monkeypatch.setattr(deployments, "payload_parts", broken_log)
    status = monitoring.evaluate("flights")
    assert {item.text for item in status.alerts} == {"The payload log cannot be read."}
    for monitor in (status.monitor, *monitoring.list().items):
        assert monitor.requests.value is monitor.rows.value is monitor.last_request_at is None
    assert {item.state for item in monitoring.alerts().items} == {AlertState.NO_DATA}
    monkeypatch.undo()
    assert monitoring.evaluate("flights").monitor.state is AlertState.OK
    monkeypatch.setattr(deployments, "payload_parts", a_bug)
    with pytest.raises(pl.exceptions.SchemaError):  # a bug is still seen as one
        monitoring.evaluate("flights")
    assert {item.state for item in monitoring.alerts().items} == {AlertState.NO_DATA}
    monkeypatch.undo()
    deployments.traffic = {}
    assert "There is no deployment" in monitoring.evaluate("flights").alerts[0].text


def test_a_window_with_a_broken_file_of_the_log_says_that_it_is_incomplete(
    monitoring: Monitoring, deployments: Deployments
) -> None:
    watched(monitoring)
    deployments.rows = payload(1000)
    assert monitoring.evaluate("flights").problems == []
    deployments.problems = ["v2-1-7 could not be read and is in quarantine/"]
    assert monitoring.status("flights").problems == deployments.problems


def test_refused_requests_fire_and_the_reason_is_named(
    monitoring: Monitoring, deployments: Deployments, project: Project
) -> None:
    """A new category in one request of ten: those that were answered are as in training."""
    watched(monitoring)
    one_row = {"row": pl.lit(0, dtype=pl.Int32)}
    deployments.rows = payload(900).with_columns(**one_row)
    assert monitoring.evaluate("flights").monitor.state is AlertState.OK
    deployments.rows = pl.concat(
        [deployments.rows, payload(100, status=400).with_columns(**one_row)]
    )
    status = monitoring.evaluate("flights")
    assert status.monitor.state is AlertState.FIRING
    (alert,) = monitoring.alerts(firing=True).items
    assert alert.ref == "alert:flights/refused"
    assert (
        alert.text
        == "100 of 1,000 requests were refused, limit 5 %; most often: Column origin has an unknown"
        " category."
    )
    assert (alert.value and alert.value.value, alert.threshold) == (pytest.approx(0.1), 0.05)
    assert told(project, "refused") == ["ok", "firing"]
    assert told(project) == ["ok"]


@pytest.mark.usefixtures("at_once")
def test_failed_requests_fire_sooner_and_one_typing_error_does_not(
    monitoring: Monitoring, deployments: Deployments
) -> None:
    watched(monitoring)
    one_row = {"row": pl.lit(0, dtype=pl.Int32)}
    deployments.rows = pl.concat([payload(3), payload(1, status=400)]).with_columns(**one_row)
    states = {item.name: item.state for item in monitoring.evaluate("flights").alerts}
    assert states == {"drift": "no_data", "failed": "ok", "refused": "ok"}
    # All of them: whatever comes, it is more than the limit.
    deployments.rows = payload(10, status=400).with_columns(**one_row)
    assert {item.name: item.state for item in monitoring.evaluate("flights").alerts}[
        "refused"
    ] == "firing"
    deployments.rows = pl.concat([payload(990), payload(10, status=500)]).with_columns(**one_row)
    alerts = {item.name: item for item in monitoring.evaluate("flights").alerts}
    assert {name: item.state for name, item in alerts.items()} == {
        "drift": "ok",
        "failed": "firing",
        "refused": "ok",
    }
    assert alerts["failed"].text.startswith("10 of 1,000 requests failed, limit 1 %")


def test_too_few_rows_are_no_data_and_never_green(
    monitoring: Monitoring, deployments: Deployments
) -> None:
    watched(monitoring)
    for rows in (0, 50):
        deployments.rows = payload(rows, shift=50)
        status = monitoring.evaluate("flights")
        assert status.monitor.state is AlertState.NO_DATA
        assert not any(item.drifted for item in status.drift)
    assert monitoring.alerts(firing=True).total == 0


@pytest.mark.usefixtures("at_once")
def test_a_firing_alert_outlasts_a_window_with_too_few_rows_and_says_so(
    monitoring: Monitoring, deployments: Deployments, project: Project
) -> None:
    watched(monitoring)
    deployments.rows = payload(1000, shift=12)
    since = monitoring.evaluate("flights").alerts[0].since
    deployments.rows = payload(20)
    status = monitoring.evaluate("flights")
    assert (status.monitor.state, status.alerts[0].since) == (AlertState.FIRING, since)
    assert (
        status.alerts[0].text == "still firing, because it could not be judged again:"
        " 18 rows in the window; 500 are needed"
    )
    assert told(project) == ["firing"]
    deployments.rows = payload(1000)
    assert monitoring.evaluate("flights").monitor.state is AlertState.OK


def test_with_a_hold_a_breach_is_pending_with_the_time_left_before_it_fires(
    project: Project, deployments: Deployments, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.root / "mlinfra.toml").write_text("[monitoring]\nhold_minutes = 10\n")
    monitoring = watched(Monitoring(Project(project.root), deployments, Experiments()))  # type: ignore[arg-type]
    started = now()
    deployments.rows = payload(1000, shift=12)
    seen = []
    for minutes in (0, 4, 11):
        monkeypatch.setattr(
            "jupyter_mlinfra.monitoring.service.now",
            lambda minutes=minutes: started + timedelta(minutes=minutes),
        )
        alert = monitoring.evaluate("flights").alerts[0]
        seen.append((alert.state, alert.since, alert.text.partition("; ")[2]))
    assert seen == [
        (AlertState.PENDING, started, "fires in 10 min if it lasts"),
        (AlertState.PENDING, started, "fires in 6 min if it lasts"),
        (AlertState.FIRING, started + timedelta(minutes=11), ""),
    ]


def test_one_quiet_window_ends_no_alert_of_the_default_rules(
    monitoring: Monitoring,
    deployments: Deployments,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watched(monitoring)
    started, seen = now(), []
    good, bad = payload(1000), payload(1000, shift=12)
    # A bad window between good ones begins the count anew.
    for minutes, rows in enumerate((bad, good, bad, good, good, good)):
        deployments.rows = rows
        monkeypatch.setattr(
            "jupyter_mlinfra.monitoring.service.now",
            lambda minutes=5 * minutes: started + timedelta(minutes=minutes),
        )
        alert = next(a for a in monitoring.evaluate("flights").alerts if a.name == "drift")
        seen.append((str(alert.state), alert.text.partition("; ")[2]))
    quiet = "ends in {} min if it stays so"
    assert seen == [
        ("firing", ""),
        ("firing", quiet.format(10)),
        ("firing", ""),
        ("firing", quiet.format(10)),
        ("firing", quiet.format(5)),
        ("ok", ""),
    ]
    assert told(project) == ["firing", "ok"]


def test_each_version_is_held_against_its_own_reference(
    monitoring: Monitoring, deployments: Deployments
) -> None:
    """v2 was trained on warmer days than v1 and is asked about such days: neither drifts, though
    the two together would.
    """
    warmer = TRAINING.with_columns(pl.col("temp") + 40)
    monitoring.reference("flights/1", TRAINING)
    monitoring.reference("flights/2", warmer)
    monitoring.watch("flights")
    old, new = (
        payload(400).with_columns(version=pl.lit("v1")),
        payload(600, shift=40).with_columns(version=pl.lit("v2")),
    )
    deployments.rows = pl.concat([old, new])
    stable, other = monitoring.evaluate("flights"), monitoring.status("flights", version="v1")
    assert (stable.reference, other.reference) == ("version:flights/2", "version:flights/1")
    assert [
        item.feature for status in (stable, other) for item in status.drift if item.drifted
    ] == []
    assert {item.psi.n for item in stable.drift} == {600}
    assert {item.psi.n for item in other.drift} == {400}
    assert stable.versions == {"v1": 400, "v2": 600}
    with pytest.raises(NotFound, match="no version v9"):
        monitoring.status("flights", version="v9")


def test_an_input_that_no_longer_comes_is_drift_and_one_named_like_a_column_of_the_log_is_found(
    monitoring: Monitoring, deployments: Deployments
) -> None:
    monitoring.reference(
        "flights/2", TRAINING.with_columns(status=pl.col("temp"), wind=pl.col("temp"))
    )
    monitoring.watch("flights")
    deployments.rows = payload(1000).with_columns(pl.col("temp").alias("input.status"))
    found = {item.feature: item for item in monitoring.status("flights").drift}
    assert set(found) == {"temp", "origin", "status", "wind"}
    assert {name for name, item in found.items() if item.drifted} == {"wind"}
    assert found["wind"].missing_window.value == 1.0


def test_a_status_carries_the_features_that_moved_most_and_counts_all(
    monitoring: Monitoring, deployments: Deployments
) -> None:
    many = pl.DataFrame({f"x{index}": [0.0, 1.0] * 150 for index in range(FEATURES + 7)})
    monitoring.reference("flights/2", many)
    monitoring.watch("flights")
    asked = many.with_columns(x9=pl.lit(1.0))
    deployments.rows = pl.concat(
        [payload(300).with_columns(version=pl.lit("v2")), asked], how="horizontal"
    )
    status = monitoring.status("flights")
    assert (len(status.drift), status.features) == (FEATURES, FEATURES + 7)
    assert status.drift[0].feature == "x9"


def first_rows(rows: pl.DataFrame) -> list[float]:
    """The latency of each request, whose rows carry it all."""
    return [
        float(latency) for row, latency in rows.select("row", "latency_ms").iter_rows() if row == 0
    ]


def test_requests_versions_latency_and_errors_are_those_of_the_log(
    monitoring: Monitoring, deployments: Deployments
) -> None:
    watched(monitoring)
    one_row = {"row": pl.lit(0, dtype=pl.Int32)}
    # One id for all of them: they are 100 requests all the same.
    refused = payload(100, status=422).with_columns(request_id=pl.lit("bad"), **one_row)
    failed = payload(10, status=503).with_columns(
        request_id=pl.lit("bad"), latency_ms=pl.lit(70.0), **one_row
    )
    deployments.rows = pl.concat([payload(900), refused, failed])
    status = monitoring.status("flights")
    assert status.monitor.rows.value == 900
    # 180 with 900 answered rows, 100 refused, 10 failed.
    assert status.monitor.requests.value == 290
    assert status.versions == {"v1": 90, "v2": 810}
    assert status.error_fraction is not None
    assert (status.error_fraction.value, status.error_fraction.n) == (pytest.approx(10 / 290), 290)
    assert status.refused_fraction is not None
    assert status.refused_fraction.value == pytest.approx(100 / 290)
    assert status.p95_ms is not None
    assert (status.p95_ms.value, status.p95_ms.n) == (
        pytest.approx(np.quantile(first_rows(deployments.rows), 0.95), abs=0.2),
        290,
    )
    assert status.dropped == 3
    assert status.p50_ms is not None
    assert 4 < float(status.p50_ms.value or 0) < 6
    assert status.reference == "version:flights/2"
    assert status.score is not None


def test_the_worst_psi_in_a_list_says_how_many_rows_it_is_of(
    monitoring: Monitoring, deployments: Deployments
) -> None:
    watched(monitoring)
    deployments.rows = payload(1000, shift=12)
    status = monitoring.evaluate("flights")
    (listed,) = monitoring.list().items
    assert listed == status.monitor
    assert [hour.psi for hour in listed.lately] == [listed.worst_psi and listed.worst_psi.value]
    assert listed.worst_psi is not None
    # Those of v2, whose reference it is held against.
    assert (listed.worst_psi.n, listed.rows.value) == (900, 1000)


def test_the_worst_psi_of_each_of_the_last_24_hours_is_kept(project: Project) -> None:
    store, begun = MonitorStore(project.database), datetime(2026, 1, 1, 8, 5, tzinfo=UTC)
    monitor = store.add("flights", "flights", "ana")
    for minutes, psi in ((0, 0.1), (5, 0.3), (10, 0.2), (60, None), (120, 0.4)):
        at = begun + timedelta(minutes=minutes)
        worst = None if psi is None else Number(value=psi, n=100)
        store.save(replace(monitor, evaluated_at=at, worst_psi=worst), lambda _: None)
    kept = [(hour.at.hour, hour.psi) for hour in store.show("flights").lately]
    assert kept == [(8, 0.3), (9, None), (10, 0.4)]
    for hours in range(3, 40):
        at = begun + timedelta(hours=hours)
        store.save(replace(monitor, evaluated_at=at, worst_psi=None), lambda _: None)
    (first, *_, last) = lately = store.show("flights").lately
    assert (len(lately), last.at - first.at) == (24, timedelta(hours=23))


def test_a_window_is_measured_once_while_nothing_it_depends_on_changes(
    monitoring: Monitoring, deployments: Deployments, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched(monitoring)
    deployments.rows = payload(1000)
    at, read = now(), list[str]()
    parts = deployments.payload_parts

    def counted(name: str, *, since: datetime, until: datetime) -> Iterator[Part]:
        read.append(name)
        return parts(name, since=since, until=until)

    monkeypatch.setattr(deployments, "payload_parts", counted)
    monkeypatch.setattr("jupyter_mlinfra.monitoring.service.now", lambda: at)

    def look(**asked: Any) -> int:
        """How often the log was read for a look at the page."""
        before = len(read)
        monitoring.status("flights", **asked)
        return len(read) - before

    assert [look(), look()] == [1, 0]
    assert [look(version="v1"), look(since=timedelta(hours=1)), look()] == [1, 1, 0]
    deployments.rows = payload(1001)
    assert look() == 1
    assert monitoring.status("flights").monitor.rows.value == 1001
    monitoring.reference("flights/2", TRAINING.head(2000))
    assert [look(), look()] == [1, 0]
    monitoring.evaluate("flights")
    read_by_rules = len(read)
    assert monitoring.status("flights").monitor.evaluated_at, "what is not measured is as it is now"
    assert len(read) == read_by_rules
    later = at + timedelta(minutes=2)
    monkeypatch.setattr("jupyter_mlinfra.monitoring.service.now", lambda: later)
    assert look() == 1, "the first rows have left the window"
    monkeypatch.setattr(measured_windows, "LONG_SECONDS", -1.0)
    deployments.rows = payload(1002)
    assert look() == 1
    deployments.rows = payload(1003)
    assert look() == 0, "it takes long, and pages ask for it often"
    monitoring.evaluate("flights")
    assert monitoring.status("flights").monitor.rows.value == 1003, "rules judge what there is"
    deployments.rows = payload(1004)
    monkeypatch.setattr(measured_windows, "TAKEN_SECONDS", 0.0)
    assert [look(), look(version="v1")] == [0, 1]
    deployments.rows = payload(1005)
    assert look(version="v1") == 1, "the time is over"


def test_an_older_window_is_left_out(monitoring: Monitoring, deployments: Deployments) -> None:
    watched(monitoring)
    deployments.rows = payload(500).with_columns(pl.col("ts") - timedelta(hours=30))
    assert monitoring.status("flights").monitor.rows.value == 0
    assert monitoring.status("flights", since=timedelta(hours=48)).monitor.rows.value == 500


def test_a_reference_holds_no_rows_and_a_broken_one_is_named(
    monitoring: Monitoring, deployments: Deployments, project: Project
) -> None:
    watched(monitoring)
    path = path_of(project, "flights/2")
    assert path.stat().st_size < 500_000
    path.write_text(path.read_text()[:-20])
    deployments.rows = payload(1000)
    status = monitoring.status("flights")
    assert str(path) in status.trouble
    # What does not need it is there.
    assert (status.reference, status.drift, status.monitor.rows.value) == ("", [], 1000)


def test_a_reference_of_nothing_or_of_another_length_is_refused_and_the_old_one_stands(
    monitoring: Monitoring, project: Project
) -> None:
    watched(monitoring)
    before = path_of(project, "flights/2").read_bytes()
    with pytest.raises(BadRequest):
        monitoring.reference("flights/2", TRAINING.head(0))
    with pytest.raises(BadRequest):
        monitoring.reference("flights/2", TRAINING, score=[0.5])
    assert path_of(project, "flights/2").read_bytes() == before


def test_monitors_and_alerts_are_found_by_search(
    monitoring: Monitoring, deployments: Deployments
) -> None:
    watched(monitoring)
    before = monitoring.search_fingerprint()
    deployments.rows = payload(1000, shift=12)
    monitoring.evaluate("flights")
    assert monitoring.search_fingerprint() != before
    assert {document.ref for document in monitoring.search_documents()} == {
        "monitor:flights",
        *(f"alert:flights/drift/{feature}" for feature in ("temp", "origin")),
        "alert:flights/failed",
        "alert:flights/refused",
        *(
            f"dataset:monitoring.flights_{name}"
            for name in ("profiles", "refused_labels", "series")
        ),
    }


def test_a_search_shows_the_words_of_alerts_as_they_are_now(
    monitoring: Monitoring, deployments: Deployments
) -> None:
    watched(monitoring)
    seen = list[Any]()
    for shift in (12, 40):  # it fires both times
        deployments.rows = payload(1000, shift=shift)
        monitoring.evaluate("flights")
        details = [document.detail for document in monitoring.search_documents()]
        seen.append((monitoring.search_fingerprint(), details))
    assert seen[0][1] != seen[1][1]
    assert seen[0][0] != seen[1][0]


def test_a_monitor_of_before_keeps_its_rows_and_knows_of_no_requests_until_it_is_evaluated(
    tmp_path: Path,
) -> None:
    """What was noted as requests were rows."""
    path = tmp_path / "state.db"
    config = Config()
    config.set_main_option("script_location", str(database._MIGRATIONS))
    config.attributes["path"] = path
    command.upgrade(config, "0006")
    with sqlite3.connect(path) as connection:
        connection.execute(
            "INSERT INTO monitor (name, deployment, created_at, created_by, state, requests, worst)"
            " VALUES ('m', 'd', '', '', 'ok', 10005, '')"
        )
    connection.close()
    found = database.Database(path)
    monitor = MonitorStore(found).show("m")
    found.close()
    assert (monitor.rows.value, monitor.requests.value) == (10005, None)


def test_a_reference_is_made_of_a_pandas_frame_as_of_one_of_polars(project: Project) -> None:
    monitoring = Monitoring(project, Deployments(), Experiments())  # type: ignore[arg-type]
    kept = json.loads(monitoring.reference("flights/2", TRAINING).read_text())["columns"]
    for frame in (
        TRAINING.lazy(),
        TRAINING.to_pandas(),
        TRAINING.to_pandas().astype({"origin": "category"}).iloc[::-1].iloc[::-1],
    ):
        assert json.loads(monitoring.reference("flights/2", frame).read_text())["columns"] == kept


@pytest.mark.parametrize(
    ("given", "why"),
    [([[1.0]], "list is not a frame"), (pd.DataFrame({"x": [1, "a", None, {}]}), "cannot be read")],
)
def test_what_is_no_frame_of_columns_makes_no_reference(
    project: Project, given: Any, why: str
) -> None:
    with pytest.raises(BadRequest, match=why):
        Monitoring(project, Deployments(), Experiments()).reference("flights/2", given)  # type: ignore[arg-type]
