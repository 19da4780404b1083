"""Push: rows of a stream go online, into the source of their view, or both; a row that is wrong is
named and goes nowhere. Oracle: Feast's SDK, and the files themselves.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.errors import BadRequest, Conflict, NotFound, Unavailable, Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features import Features
from jupyter_mlinfra.features.materializing import Wish, materialize, one_view
from jupyter_mlinfra.features.online.writing import OnlineWriter, Rows
from jupyter_mlinfra.features.pushing.checking import Checked

T0 = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)

DEFINITIONS = """
from datetime import timedelta

from feast import Entity, FeatureView, Field, FileSource, PushSource
from feast.types import Array, Bool, Float64, Int64, String
from feast.value_type import ValueType

from jupyter_mlinfra.features import DatasetSource

user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)
events = PushSource(
    name="events",
    batch_source=FileSource(
        path="data/events.parquet", timestamp_field="at", created_timestamp_column="made"
    ),
)
clicks = FeatureView(
    name="clicks",
    entities=[user],
    ttl=timedelta(hours=2),
    schema=[Field(name="clicks", dtype=Int64), Field(name="rate", dtype=Float64)],
    source=events,
)
pages = FeatureView(
    name="pages",
    entities=[user],
    schema=[Field(name="page", dtype=String), Field(name="tags", dtype=Array(String))],
    source=events,
)
vips = DatasetSource(dataset="shop.vips", timestamp_field="at")
plain = FeatureView(
    name="plain", entities=[user], schema=[Field(name="vip", dtype=Bool)], source=vips
)
off = FeatureView(
    name="off",
    entities=[user],
    online=False,
    schema=[Field(name="vip", dtype=Bool)],
    source=vips,
)
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("push") / "shop"
    (root / "feature_repo" / "data").mkdir(parents=True)
    (root / "mlinfra.toml").write_text(
        f'[project]\nname = "shop"\n[features]\nas_of = "{T0 + 3 * HOUR}"\n'
    )
    pl.DataFrame(
        {
            "user_id": [1, 2],
            "at": [T0, T0],
            "made": [T0, T0],
            "clicks": [1, 2],
            "rate": [0.1, 0.2],
            "page": ["a", "b"],
            "tags": [["x"], []],
        }
    ).write_parquet(root / "feature_repo" / "data" / "events.parquet")
    (root / "feature_repo" / "views.py").write_text(DEFINITIONS)
    project = Project.open(root)
    vips = pl.DataFrame({"user_id": [1], "at": [T0], "vip": [True]})
    Catalog(project).write(vips, into="shop.vips")
    Features(project).apply()
    project.database.close()
    return root


@pytest.fixture
def features(template: Path, tmp_path: Path) -> Iterator[Features]:
    root = tmp_path / "shop"
    shutil.copytree(template, root)
    project = Project.open(root)
    Catalog(project).relocate()
    yield Features(project)
    project.database.close()


def event(user: Any, hours: float, **values: Any) -> dict[str, Any]:
    row = {"user_id": user, "at": (T0 + hours * HOUR).isoformat(), "clicks": 5, "rate": 0.5}
    return row | {"page": "home", "tags": ["y"]} | values


def look(features: Features, ref: str, user: int) -> Any:
    (row,) = features.online([ref], [{"user_id": user}])
    return row.values[ref], row.status[ref].value


def test_rows_of_a_push_source_go_online_to_all_its_views(features: Features) -> None:
    rows = [event(7, 1, clicks=1), event(7, 2, clicks=2), event(8, 2.5, rate=None, tags=None)]
    done = features.push("events", rows)
    assert (done.views, done.rows, done.to, done.older) == (["clicks", "pages"], 3, "online", 0)
    assert (done.rejected, done.rejected_rows) == ([], 0)
    assert look(features, "clicks:clicks", 7) == (2, "PRESENT"), "the newest of two"
    assert look(features, "clicks:rate", 8) == (None, "NULL")
    assert look(features, "pages:tags", 7) == (["y"], "PRESENT")
    assert look(features, "clicks:clicks", 1) == (None, "NOT_FOUND"), "nothing is materialized"
    right = features.feast().get_online_features(
        ["clicks:clicks", "pages:page", "pages:tags"], [{"user_id": 7}, {"user_id": 8}]
    )
    assert right.to_dict() == {
        "user_id": [7, 8],
        "clicks": [2, 5],
        "page": ["home", "home"],
        "tags": [["y"], None],
    }
    assert features.show("clicks").view.online_at == T0 + 2.5 * HOUR
    assert pl.read_parquet(events_file(features)).height == 2, "and not offline"
    of_pandas = pd.DataFrame([event(9, 2, clicks=9, made=T0 + 2 * HOUR)]).to_dict("records")
    assert features.push("events", of_pandas).older == 0, "times of pandas, the created one too"
    assert look(features, "clicks:clicks", 9) == (9, "PRESENT")


def events_file(features: Features) -> Path:
    return features._project.root / "feature_repo" / "data" / "events.parquet"


def test_a_late_row_replaces_nothing_that_is_newer_and_neither_does_the_source(
    features: Features,
) -> None:
    features.push("clicks", [event(1, 2, clicks=20)])
    done = features.push("clicks", [event(1, 1, clicks=10), event(2, 1, clicks=11)])
    assert (done.views, done.rows, done.older) == (["clicks"], 2, 1)
    assert look(features, "clicks:clicks", 1) == (20, "PRESENT")
    features.materialize("clicks")
    assert look(features, "clicks:clicks", 1) == (20, "PRESENT"), "the source is as of T0"
    assert look(features, "clicks:clicks", 2) == (11, "PRESENT")


def test_what_feast_itself_pushed_is_not_taken_back_by_a_source_that_was_written_again(
    features: Features,
) -> None:
    wish = Wish(views=["clicks"], end=T0 + 3 * HOUR)
    materialize(features._project, wish, progress=lambda *_: None)
    row = {"user_id": 1, "at": T0 + 2 * HOUR, "made": T0 + 2 * HOUR, "clicks": 20, "rate": 0.5}
    pushed = pd.DataFrame([row | {"page": "z", "tags": ["y"]}])
    features.feast().push("events", pushed)
    again = pl.read_parquet(events_file(features)).with_columns(
        pl.col("at", "made") + HOUR, clicks=pl.col("clicks") * 100
    )
    again.write_parquet(events_file(features))
    materialize(features._project, wish, progress=lambda *_: None)
    assert look(features, "clicks:clicks", 1) == (20, "PRESENT")
    assert look(features, "clicks:clicks", 2) == (200, "PRESENT")
    materialize(features._project, replace(wish, full=True), progress=lambda *_: None)
    assert look(features, "clicks:clicks", 1) == (100, "PRESENT")


def test_a_full_run_takes_back_what_was_pushed(features: Features) -> None:
    features.push("pages", [event(1, 2, page="z")])
    features.materialize("pages", full=True)
    assert look(features, "pages:page", 1) == ("a", "PRESENT")
    assert features.show("pages").view.online_at == T0


def test_a_row_in_the_future_does_not_go_online(features: Features) -> None:
    done = features.push("clicks", [event(1, 3.05, clicks=3), event(2, 4, clicks=4)])
    assert [(item.row, item.column) for item in done.rejected] == [(2, "at")]
    assert "in the future" in done.rejected[0].why
    assert look(features, "clicks:clicks", 1) == (3, "PRESENT")
    assert features.push("clicks", [event(2, 4)], to="offline").rejected_rows == 0


def test_the_newer_of_two_pushes_at_once_stays(
    features: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared, begun, compare = threading.Event(), threading.Event(), OnlineWriter._not_older

    def slow(self: OnlineWriter, rows: Rows, over: Any) -> list[bool]:
        found = compare(self, rows, over)
        if rows.at[0] == T0 + HOUR:
            compared.set()
            begun.wait(10)
            time.sleep(0.3)  # the other push is at the lock, or has written
        return found

    monkeypatch.setattr(OnlineWriter, "_not_older", slow)
    older = threading.Thread(target=features.push, args=("clicks", [event(1, 1, clicks=10)]))
    older.start()
    assert compared.wait(60)
    begun.set()
    features.push("clicks", [event(1, 2, clicks=20)])
    older.join()
    assert look(features, "clicks:clicks", 1) == (20, "PRESENT")


def test_what_is_pushed_during_a_materialization_stays_and_is_remembered(
    features: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish = Wish(views=["pages"], end=T0 + 3 * HOUR)

    def pushing(*_: object) -> Any:
        features.push("pages", [event(1, 2, page="z")])
        return newest(*_)

    newest = one_view._newest
    monkeypatch.setattr(one_view, "_newest", pushing)
    for full in (False, True):
        materialize(features._project, replace(wish, full=full), progress=lambda *_: None)
        assert look(features, "pages:page", 1) == ("z", "PRESENT")
        assert look(features, "pages:page", 2) == ("b", "PRESENT")
        assert features.show("pages").view.online_at == T0 + 2 * HOUR


def test_wrong_rows_are_named_and_go_nowhere(features: Features) -> None:
    rows = [
        event(1, 1),
        event("x", 1),
        event(3, 1, clicks=1.5),
        event(4, 1, tags="y"),
        event(None, 1),
        event(6, 1, at="yesterday"),
        event("7", 1, clicks="7", rate=3),
    ]
    done = features.push("events", rows, to="both")
    assert (done.rows, done.rejected_rows) == (2, 5)
    assert [(item.row, item.column) for item in done.rejected] == [
        (2, "user_id"),
        (3, "clicks"),
        (4, "tags"),
        (5, "user_id"),
        (6, "at"),
    ]
    assert [item.why for item in done.rejected][:2] == [
        "'x' is not a whole number.",
        "1.5 is not a whole number.",
    ]
    assert look(features, "clicks:clicks", 7) == (7, "PRESENT")
    assert look(features, "pages:page", 4) == (None, "NOT_FOUND"), "nowhere, also where it is right"
    kept = pl.read_parquet(events_file(features))
    assert kept["user_id"].to_list() == [1, 2, 1, 7, 1, 7]


def test_offline_rows_are_in_the_history_of_a_dataset_and_not_online(features: Features) -> None:
    frame = pl.DataFrame({"user_id": [1, 9], "vip": [False, True], "at": [T0 + HOUR] * 2})
    done = features.push("plain", frame, to="offline")
    assert (done.rows, done.to) == (2, "offline")
    entities = pl.DataFrame({"user_id": [1, 9], "event_timestamp": [T0 + 2 * HOUR] * 2})
    assert features.training_set(["plain:vip"], entities)["vip"].to_list() == [False, True]
    with pytest.raises(Conflict, match="no values of plain"):
        features.online(["plain:vip"], [{"user_id": 9}])


@pytest.mark.parametrize(
    ("name", "rows", "to", "error", "what", "hint"),
    [
        ("evnts", [event(1, 1)], "online", NotFound, "no push source or view evnts", "events"),
        ("clicks", [{"user_id": 1}], "online", BadRequest, "have no column clicks", "rate, at"),
        ("off", [event(1, 1, vip=True)], "online", Conflict, "off is not served", "--to offline"),
        ("clicks", [event("x", 1)], "online", Unprocessable, "None of the 1 rows", "Row 1, user"),
        ("clicks", [[1]], "online", BadRequest, "Row 1 is no row", "an object"),
        ("clicks", [event(1, 1)], "there", BadRequest, "pushed to 'there'", "both"),
    ],
)
def test_a_push_that_cannot_be_is_refused(
    features: Features, name: str, rows: Any, to: Any, error: Any, what: str, hint: str
) -> None:
    with pytest.raises(error, match=what) as refused:
        features.push(name, rows, to=to)
    assert hint in str(refused.value)


def test_values_are_taken_in_their_type_or_refused_with_the_reason() -> None:
    checked = Checked({"x": [True, "false", 1, 0, "yes", 2, None, float("nan")]}, 8)
    checked._column("x", "BOOL", empty=True)
    assert checked.columns["x"][:4] == [True, False, True, False]
    assert sorted(checked.faults) == [4, 5]
    assert checked.columns["x"][6:] == [None, None]
    cases: list[tuple[str, Any, Any]] = [
        ("INT32", 2**31, None),
        ("DOUBLE", "1e3", 1000.0),
        ("DOUBLE", True, None),
        ("STRING", 5, "5"),
        ("STRING", ["a"], None),
        ("BYTES", "a", None),
        ("UNIX_TIMESTAMP", "2026-03-01T02:00:00+02:00", T0),
        ("INT64_LIST", [1, "2"], [1, 2]),
        ("INT64_LIST", [1, "b"], None),
        ("JSON", "{", None),
        ("JSON", '{"a": 1}', '{"a": 1}'),
    ]
    for kind, value, right in cases:
        checked = Checked({"x": [value]}, 1)
        checked._column("x", kind, empty=True)
        assert bool(checked.faults) == (right is None), (kind, value)
        if right is not None:
            assert checked.columns["x"] == [right], (kind, value)


def test_the_command_line_pushes_json_lines_and_answers_with_the_record(
    features: Features, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlinfra.cli import main

    root = features._project.root
    monkeypatch.chdir(root)
    file = root / "rows.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in (event(7, 1), event("x", 1))))
    with pytest.raises(SystemExit) as ended:
        main(["features", "push", "events", str(file), "--json"])
    assert ended.value.code in (0, None)
    found = json.loads(capfd.readouterr().out)
    assert (found["rows"], found["rejected_rows"]) == (1, 1)
    assert found["rejected"][0]["row"] == 2
    with pytest.raises(SystemExit):
        main(["features", "online", "clicks", "--key", "user_id=7", "--json"])
    found = json.loads(capfd.readouterr().out)
    assert found["values"] == {"clicks:clicks": 5, "clicks:rate": 0.5}
    assert found["status"] == {"clicks:clicks": "PRESENT", "clicks:rate": "PRESENT"}


LABELS = """
from feast import Entity, Field, FileSource, PushSource
from feast.labeling import ConflictPolicy, LabelView
from feast.types import Int64, String
from feast.value_type import ValueType

from views import user

verdicts = PushSource(
    name="verdicts", batch_source=FileSource(path="data/fraud.parquet", timestamp_field="at")
)
fraud = LabelView(
    name="fraud",
    entities=[user],
    labeler_field="who",
    schema=[Field(name="is_fraud", dtype=Int64), Field(name="who", dtype=String)],
    source=verdicts,
    conflict_policy=ConflictPolicy.LABELER_PRIORITY,
    tags={"mlinfra.labelers": "ana, bot"},
)
"""


@pytest.fixture(scope="module")
def labelled(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("labels") / "shop"
    shutil.copytree(template, root)
    (root / "feature_repo" / "labels.py").write_text(LABELS)
    labels = {"user_id": [1], "at": [T0], "is_fraud": [0], "who": ["bot"]}
    pl.DataFrame(labels).write_parquet(root / "feature_repo" / "data" / "fraud.parquet")
    project = Project.open(root)
    Features(project).apply()
    project.database.close()
    return root


@pytest.fixture
def fraud(labelled: Path, tmp_path: Path) -> Iterator[Features]:
    root = tmp_path / "shop"
    shutil.copytree(labelled, root)
    project = Project.open(root)
    yield Features(project)
    project.database.close()


def verdict(user: int, hours: float, value: int, who: str) -> dict[str, Any]:
    return {"user_id": user, "at": T0 + hours * HOUR, "is_fraud": value, "who": who}


def test_labels_are_pushed_and_the_stronger_labeler_counts_at_once(fraud: Features) -> None:
    done = fraud.push("verdicts", [verdict(1, 2, 1, "bot"), verdict(2, 2, 1, "ana")])
    assert (done.views, done.rows, done.older) == (["fraud"], 2, 0)
    assert look(fraud, "fraud:is_fraud", 1) == (1, "PRESENT")
    # Of one push, and against what is online: first the labeler, then the time.
    rows = [verdict(1, 1, 7, "ana"), verdict(1, 1.5, 8, "bot"), verdict(2, 2.5, 9, "bot")]
    assert fraud.push("verdicts", rows).older == 1
    assert look(fraud, "fraud:is_fraud", 1) == (7, "PRESENT")
    assert look(fraud, "fraud:is_fraud", 2) == (1, "PRESENT")


@pytest.mark.slow
def test_a_stronger_older_label_of_the_source_is_taken_after_a_push(fraud: Features) -> None:
    fraud.materialize("fraud")
    assert fraud.push("verdicts", [verdict(1, 2, 1, "bot")]).older == 0
    fraud.push("verdicts", [verdict(1, 1, 5, "ana"), verdict(3, 1, 6, "bot")], to="offline")
    file = fraud._project.root / "feature_repo" / "data" / "fraud.parquet"
    assert pl.read_parquet(file).height == 3
    fraud.materialize("fraud")
    assert look(fraud, "fraud:is_fraud", 1) == (5, "PRESENT")
    assert look(fraud, "fraud:is_fraud", 3) == (6, "PRESENT")
    assert fraud.push("verdicts", [verdict(1, 2.5, 2, "bot")]).older == 1, "the weaker one"


_PUSH = """
import sys
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features import Features
Features(Project.open(sys.argv[1])).push(
    "clicks", [{"user_id": 1, "at": "2026-03-01T02:00:00Z", "clicks": 9, "rate": 0.9}]
)
"""


@pytest.mark.parametrize(
    "point", ["features-pushing", pytest.param("features-pushed", marks=pytest.mark.slow)]
)
def test_what_a_killed_push_wrote_is_not_taken_back(features: Features, point: str) -> None:
    features.materialize("clicks")
    killed = subprocess.run(
        [sys.executable, "-c", _PUSH, str(features._project.root)],
        env={**os.environ, "MLINFRA_FAIL": point},
        timeout=240,
        check=False,
        capture_output=True,
        text=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    written = (9, "PRESENT") if point == "features-pushed" else (1, "EXPIRED")
    if point == "features-pushed":
        assert look(features, "clicks:clicks", 1) == written
    rows = features._project.root / "feature_repo" / "data" / "events.parquet"
    pl.read_parquet(rows).with_columns(clicks=pl.col("clicks") + 10).write_parquet(rows)
    features.materialize("clicks")
    if point == "features-pushed":
        assert look(features, "clicks:clicks", 1) == written
    row = {"user_id": 1, "at": (T0 + 2 * HOUR).isoformat(), "clicks": 9, "rate": 0.9}
    features.push("clicks", [row])
    assert look(features, "clicks:clicks", 1) == (9, "PRESENT")
    (last,) = [
        item for name, item in features._store.materializations().items() if name == "clicks"
    ]
    assert (last.pushed, last.pushing) == (T0 + 2 * HOUR, None)
    features.materialize("clicks", full=True)
    assert features._store.materializations()["clicks"].pushed is None


def test_a_push_that_failed_online_adds_its_rows_to_the_source_once(
    features: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> int:
        raise Unavailable("The online store cannot be reached.")

    with monkeypatch.context() as broken:
        broken.setattr(OnlineWriter, "write", fails)
        with pytest.raises(Unavailable, match="cannot be reached"):
            features.push("clicks", [event(1, 2)], to="both")
    for users in ([1, 2, 1], [1, 2, 1, 1]):  # a third push is one of its own
        features.push("clicks", [event(1, 2)], to="both")
        assert pl.read_parquet(events_file(features))["user_id"].to_list() == users
    assert look(features, "clicks:clicks", 1) == (5, "PRESENT")
    assert list(features._project.home.glob("features/pushes/*")) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("point", "to"),
    [
        ("features-pushing", "both"),
        ("features-pushed", "both"),
        ("features-appended", "offline"),
    ],
)
def test_an_equal_push_after_a_killed_one_adds_its_rows_to_the_source_once(
    features: Features, point: str, to: str
) -> None:
    row = '0.9, "page": "home", "tags": ["y"]}]'  # all that the source has
    script = _PUSH.replace("0.9}]", f"{row}, to={to!r}")
    command = [sys.executable, "-c", script, str(features._project.root)]
    for fault in (point, ""):
        environment = {**os.environ, "MLINFRA_FAIL": fault}
        done = subprocess.run(
            command, env=environment, timeout=280, check=False, capture_output=True, text=True
        )
        # The process itself, or the one that adds rows to the source.
        killed = done.returncode == -signal.SIGKILL or "ended with -9" in done.stderr
        assert (killed, done.returncode == 0) == (bool(fault), not fault), done.stderr
        assert pl.read_parquet(events_file(features))["user_id"].to_list() == [1, 2, 1]
