"""The built-in rule `drift` has an alert for each feature: what is told of them, what a reference
means, and that lists stay readable.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config

from jupyter_mlinfra.core import database
from jupyter_mlinfra.core.errors import Conflict, NotFound
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import now
from jupyter_mlinfra.core.refs import Ref
from jupyter_mlinfra.faces.cards import card_of
from jupyter_mlinfra.monitoring.alerts.deliveries import DeliveryStore
from jupyter_mlinfra.monitoring.alerts.notebook import path_for
from jupyter_mlinfra.monitoring.alerts.texts import Notes
from jupyter_mlinfra.monitoring.hours.points import Point
from tests.monitoring.alerts.conftest import Flights

SINK = '[monitoring.receivers.log]\ntype = "file"\npath = "alerts.jsonl"\n'
HOSTILE = ["a/b", "a%2Fb", "a b", '"q"', "größe", "100%", "x@1", "@", "n" * 10_000, "é" * 5_000]


@pytest.fixture
def heard(flights: Flights) -> Flights:
    """With a receiver, and alerts that end with the first good window."""
    text = f"[monitoring]\nkeep_firing_minutes = 0\n{SINK}"
    (flights.project.root / "mlinfra.toml").write_text(text)
    flights.open(Project(flights.project.root))
    return flights


def judge(flights: Flights, values: Mapping[str, float], at: datetime | None = None) -> None:
    """An evaluation that found these PSI; without any, as of a window without rows."""
    end = at or now()

    def point(value: float | None, **labels: str) -> Point:
        start = (end - timedelta(hours=24)).timestamp()
        labels = {"version": "v2", **labels}
        rows = 0 if value is None else 5_000
        return Point(
            metric="psi", labels=labels, start=start, end=end.timestamp(), value=value, rows=rows
        )

    points = [point(value, feature=name) for name, value in values.items()]
    judging = flights.monitoring._judging
    verdict = judging.judge("flights", points or [point(None)], end, Notes())
    with flights.project.database.write() as connection:
        verdict.write(connection)


def states(flights: Flights, **options: Any) -> dict[str, str]:
    """Of its drift, by what a list calls it."""
    found = flights.monitoring.alerts(limit=500, **options).items
    return {item.subject: str(item.state) for item in found if item.name == "drift"}


def told(flights: Flights) -> list[list[tuple[str, str]]]:
    """(feature, status) in each message."""
    waiting = DeliveryStore(flights.project.database).due(4e9)
    return [
        [(item["labels"].get("feature", ""), item["status"]) for item in message["alerts"]]
        for message in (json.loads(item.body) for item in waiting)
    ]


def test_a_second_feature_is_told_though_the_first_is_known(heard: Flights) -> None:
    judge(heard, {"temp": 0.6, "wind": 0.1})
    heard.alerts.acknowledge("flights/drift/temp", why="the sensor was changed")
    heard.alerts.silence("flights/drift/temp", span=timedelta(days=1), why="known")
    judge(heard, {"temp": 0.7, "wind": 0.4})
    assert states(heard) == {"wind": "firing", "temp": "silenced"}
    assert told(heard) == [[("temp", "firing")], [("wind", "firing")]]
    assert heard.alerts.show("flights/drift/wind").alert.acknowledged is None


def test_features_that_drift_together_are_one_message(heard: Flights) -> None:
    names = [f"f{number}" for number in range(30)]
    judge(heard, dict.fromkeys(names, 0.3))
    assert [sorted(message) for message in told(heard)] == [
        sorted((name, "firing") for name in names)
    ]
    judge(heard, dict.fromkeys(names, 0.1))
    assert len(told(heard)) == 2


def test_a_silence_of_the_rule_holds_for_every_feature_and_for_those_to_come(
    heard: Flights,
) -> None:
    judge(heard, {"temp": 0.1})
    silence = heard.alerts.silence("flights/drift", span=timedelta(hours=1), why="known")
    judge(heard, {"temp": 0.6, "wind": 0.5})
    assert set(states(heard).values()) == {"silenced"}
    assert (told(heard), heard.monitoring.alerts(firing=True).total) == ([], 0)
    heard.alerts.unsilence(silence.number)
    judge(heard, {"temp": 0.6, "wind": 0.5})
    assert [sorted(message) for message in told(heard)] == [
        [("temp", "firing"), ("wind", "firing")]
    ]


def test_an_acknowledgement_of_the_rule_is_of_what_is_crossed(flights: Flights) -> None:
    judge(flights, {"temp": 0.6, "wind": 0.5, "origin": 0.1})
    done = flights.alerts.acknowledge("flights/drift", why="known")
    assert done.acknowledged == ["alert:flights/drift/temp", "alert:flights/drift/wind"]
    card = card_of(done)
    assert card is not None
    assert (card.title, card.facts["with it"]) == (
        "flights/drift/temp",
        "1 other: flights/drift/wind",
    )
    alone = card_of(flights.alerts.acknowledge("flights/drift/wind"))
    assert alone is not None
    assert "with it" not in alone.facts
    watched = {
        item.subject: bool(item.acknowledged)
        for item in flights.monitoring.alerts().items
        if item.name == "drift"
    }
    assert watched == {"temp": True, "wind": True, "origin": False}
    judge(flights, {"temp": 0.1, "wind": 0.1, "origin": 0.1}, now() + timedelta(hours=1))
    judge(flights, {"temp": 0.1, "wind": 0.1, "origin": 0.1}, now() + timedelta(hours=2))
    with pytest.raises(Conflict, match="nothing to look after"):
        flights.alerts.acknowledge("flights/drift")


def test_a_reference_without_its_feature_is_the_worst_and_a_wrong_one_names_the_near(
    flights: Flights,
) -> None:
    judge(flights, {"temp": 0.3, "wind": 0.6, "origin": 0.1})
    found = flights.alerts.show("flights/drift")
    assert (found.alert.ref, found.stands_for) == ("alert:flights/drift/wind", "2 firing, 1 ok")
    assert flights.alerts.show("flights/drift/temp").stands_for == ""
    with pytest.raises(NotFound, match="flights/drift/temp"):
        flights.alerts.show("flights/drift/tmep")
    judge(flights, {"temp": 0.1, "wind": 0.1, "origin": 0.15}, now() + timedelta(hours=1))
    judge(flights, {"temp": 0.1, "wind": 0.1, "origin": 0.15}, now() + timedelta(hours=2))
    assert flights.alerts.show("flights/drift").alert.subject == "origin"


def test_what_was_never_measured_says_why_until_it_is(heard: Flights) -> None:
    judge(heard, {})
    alert = heard.alerts.show("flights/drift").alert
    assert (alert.ref, alert.state) == ("alert:flights/drift", "no_data")
    assert alert.text == "0 rows in the window; 500 are needed"
    judge(heard, {"temp": 0.1, "wind": 0.1})
    assert states(heard) == {"temp": "ok", "wind": "ok"}
    assert told(heard) == []


def test_a_monitor_that_stands_still_is_one_line_and_tells_nobody(heard: Flights) -> None:
    names = [f"f{number}" for number in range(30)]
    judge(heard, {**dict.fromkeys(names, 0.1), "temp": 0.6})
    assert states(heard, folded=True) == {"temp": "firing", "30 features": "ok"}
    judge(heard, {}, now() + timedelta(hours=1))
    assert states(heard, folded=True) == {"temp": "firing", "30 features": "no_data"}
    (line,) = [item for item in heard.monitoring.alerts(folded=True).items if item.count > 1]
    assert (line.ref, line.value, line.count) == ("alert:flights/drift", None, 30)
    assert line.text == "0 rows in the window; 500 are needed"
    assert told(heard) == [[("temp", "firing")]]
    assert len(states(heard)) == 31


def test_a_folded_list_is_paged_and_has_what_fires_first(flights: Flights) -> None:
    fires = {f"bad{number}": 0.3 + number for number in range(3)}
    judge(flights, {**{f"f{number}": 0.1 for number in range(797)}, **fires})
    page = flights.monitoring.alerts(folded=True, limit=2)
    assert (page.shown, page.total) == (2, 6)
    assert [item.subject for item in page.items] == ["bad2", "bad1"], "the worst first"
    rest = flights.monitoring.alerts(folded=True, cursor=page.cursor).items
    assert [(item.subject, item.state) for item in rest] == [
        ("bad0", "firing"),
        ("", "no_data"),
        ("", "no_data"),
        ("797 features", "ok"),
    ]
    assert flights.monitoring.alerts().total == 802
    kinds = [item.ref for item in flights.monitoring.search_documents() if item.kind == "alert"]
    assert len(kinds) == len({*kinds}) == 6


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: ascii(name)[:8])
def test_an_alert_of_any_feature_is_found_by_its_reference_and_as_it_is_typed(
    flights: Flights, name: str
) -> None:
    judge(flights, {**dict.fromkeys(HOSTILE, 0.1), name: 0.6})
    (alert,) = flights.monitoring.alerts(firing=True).items
    assert alert.labels == {"feature": name}
    assert Ref.parse(alert.ref).parts == ("flights", "drift", name)
    detail = flights.alerts.show(alert.ref)
    assert detail.alert.ref == alert.ref
    assert flights.alerts.silence(alert.ref, span=timedelta(hours=1), why="known").labels == [name]
    assert flights.alerts.show(alert.ref).alert.state == "silenced"
    file = Path(path_for(alert, now())).name.encode()
    assert b"/" not in file
    assert len(file) <= 255
    if name != "a%2Fb":  # that is how the reference of another one is written
        assert flights.alerts.show(f"flights/drift/{name}").alert.ref == alert.ref


def test_an_alert_of_before_goes_on_as_that_of_its_feature(tmp_path: Path) -> None:
    """What it was told, its acknowledgement and its history stay; a silence is of all features."""
    root = tmp_path / "old"
    path = root / ".mlinfra" / "state.db"
    path.parent.mkdir(parents=True)
    (root / "mlinfra.toml").write_text(SINK)
    (root / "own.mlrules.yaml").write_text("rules: [{name: moved, metric: psi, threshold: 0.2}]")
    config = Config()
    config.set_main_option("script_location", str(database._MIGRATIONS))
    config.attributes["path"] = path
    command.upgrade(config, "0020")
    at = now().timestamp() - 3600
    with sqlite3.connect(path) as connection:
        connection.execute(
            "INSERT INTO monitor (name, deployment, created_at, created_by, state, requests, rows,"
            " worst) VALUES ('flights', 'flights', 0, '', 'firing', 10, 10, 'größe')"
        )
        for rule, source, subject in (
            ("drift", "", "größe"),
            ("failed", "", ""),
            ("moved", "own.mlrules.yaml:2", "größe"),
        ):
            connection.execute(
                "INSERT INTO alert (monitor, rule, labels, state, severity, threshold, subject,"
                " text, since, evaluated_at, metric, at, seen, episode, told, acknowledged_at,"
                " acknowledged_by, source) VALUES ('flights', ?, '[]', 'firing', 'warning', 0.2, ?,"
                " 't', ?, ?, 'psi', ?, ?, 3, 1, ?, 'ana', ?)",
                (rule, subject, *[at] * 5, source),
            )
            connection.execute(
                "INSERT INTO alert_history (monitor, rule, labels, at, what, by_user, why, link)"
                " VALUES ('flights', ?, '[]', ?, 'firing', '', '', '')",
                (rule, at),
            )
        connection.execute(
            "INSERT INTO alert_silence (monitor, rule, labels, begun_at, until, by_user, why)"
            " VALUES ('flights', 'drift', NULL, ?, ?, 'ana', 'known')",
            (at, at + 90_000),
        )
    connection.close()
    flights = object.__new__(Flights)
    flights.open(Project(root))
    judge(flights, {"größe": 0.6, "wind": 0.7})
    alert = flights.alerts.show("flights/drift/größe").alert
    assert (alert.state, alert.since) == ("silenced", datetime.fromtimestamp(at, UTC))
    assert alert.acknowledged is not None
    assert [item.what for item in flights.alerts.history(alert.ref).items] == ["firing"]
    assert states(flights) == {"größe": "silenced", "wind": "silenced"}
    assert flights.alerts.show("flights/moved").alert.ref == "alert:flights/moved"
    assert told(flights) == [], "of the first it was told before, the second is silenced"
