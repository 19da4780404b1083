"""Applying definitions: what changes, what is refused, and that a refusal changes nothing."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import sys
import threading
import time
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from feast import (
    Entity,
    FeatureView,
    Field,
    FileSource,
    PushSource,
    RepoConfig,
    StreamFeatureView,
)
from feast.aggregation import Aggregation
from feast.labeling import LabelView
from feast.repo_contents import RepoContents
from feast.types import Float64, String
from feast.value_type import ValueType

from jupyter_mlinfra.core.errors import MLInfraError, NotFound, Unavailable, Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features import AppliedViews, Features
from jupyter_mlinfra.features.applying import restored_on_failure
from jupyter_mlinfra.features.checking import broken_views, check_source
from jupyter_mlinfra.features.loading import load_definitions


def definitions(project: Project) -> Path:
    return project.root / "feature_repo" / "views.py"


def registry(project: Project) -> list[tuple[str, bytes]]:
    with sqlite3.connect(project.home / "features" / "registry.db") as connection:
        return connection.execute(
            "SELECT feature_view_name, feature_view_proto FROM feature_views ORDER BY 1"
        ).fetchall()


def test_apply_says_what_was_created_changed_and_deleted(fresh_shop: Project) -> None:
    features, file = Features(fresh_shop), definitions(fresh_shop)
    assert features.views().total == 0
    assert features.apply() == AppliedViews(
        created=["clicks", "spend"], updated=[], deleted=[], unchanged=[]
    )
    text = file.read_text().replace("timedelta(hours=30)", "timedelta(hours=5)")
    file.write_text(text[: text.index("spend = ")])
    features.materialize()
    assert features.apply() == AppliedViews(
        created=[], updated=["clicks"], deleted=["spend"], unchanged=[]
    )
    assert [(view.name, view.ttl_seconds) for view in features.views().items] == [
        ("clicks", 5 * 3600)
    ]
    told = [
        (event.ref, event.data["change"])
        for event in fresh_shop.events.after(0)
        if event.topic == "view"
    ]
    assert told == [
        ("view:clicks", "created"),
        ("view:spend", "created"),
        ("view:clicks", "materialized"),
        ("view:spend", "materialized"),
        ("view:clicks", "updated"),
        ("view:spend", "deleted"),
    ]
    first = fresh_shop.lineage.edges()[0]
    assert (first.input, first.output) == ("data/clicks.parquet", "view:clicks")


def test_a_broken_definition_file_is_named_with_its_line_and_the_registry_is_untouched(
    applied_shop: Project,
) -> None:
    (applied_shop.root / "feature_repo" / "broken.py").write_text(
        "from feast import Entity\n\nuser = Entity(name=1)\n"
    )
    before = registry(applied_shop)
    with pytest.raises(Unprocessable, match=r"broken\.py, line 3") as caught:
        Features(applied_shop).apply()
    assert "TypeCheckError" in caught.value.why
    assert registry(applied_shop) == before
    assert Features(applied_shop).views().total == 2


@pytest.mark.parametrize(
    ("name", "code", "where", "why"),
    [
        ("unclosed", "x = 1\ny = (\n", "unclosed.py, line 2", "SyntaxError"),
        ("uses_helper", "import divides\n", "divides.py, line 2", "ZeroDivisionError"),
        ("ends", "import sys\nsys.exit(3)\n", "ends.py, line 2", "SystemExit"),
        (
            "needs",
            "import no_such_library\n",
            "needs.py, line 1",
            "No module named 'no_such_library'",
        ),
        ("json", "x = 1\n", "json.py was not read", "name is that of a module"),
    ],
)
def test_each_way_to_break_a_file_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: str, where: str, why: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / f"{name}.py").write_text(code)
    if name == "uses_helper":
        (tmp_path / "divides.py").write_text("\nx = 1 / 0\n")
        (tmp_path / ".feastignore").write_text("divides.py\n")
    with pytest.raises(Unprocessable) as caught:
        load_definitions(tmp_path)
    assert where in caught.value.what
    assert why in caught.value.why


@pytest.mark.parametrize(
    "failure",
    ["raise SystemExit('why')", pytest.param("raise RuntimeError('why')", marks=pytest.mark.slow)],
)
def test_a_function_that_fails_when_feast_tries_it_is_named(
    fresh_shop: Project, failure: str
) -> None:
    file = definitions(fresh_shop)
    with file.open("a") as text:
        text.write(
            "from feast.on_demand_feature_view import on_demand_feature_view as computed\n\n"
        )
        text.write(
            "@computed(sources=[clicks], mode='python', schema=[Field(name='y', dtype=Int64)])\n"
        )
        text.write(f"def fails(rows):\n    {failure}\n")
    line = file.read_text().splitlines().index(f"    {failure}") + 1
    with pytest.raises(Unprocessable, match="why") as caught:
        Features(fresh_shop).apply()
    assert caught.value.what.startswith(f"{file.name}, line {line}: a function failed")


def test_a_file_that_leaves_the_folder_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Feast derives the names of modules from the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    code = "import os\nos.chdir('/')\nfrom feast import Entity\nuser = Entity(name='user')\n"
    (tmp_path / "leaves_the_folder.py").write_text(code)
    assert [entity.name for entity in load_definitions(tmp_path).entities][:1] == ["user"]


def test_a_view_that_does_not_fit_its_source_is_refused_and_the_registry_is_untouched(
    applied_shop: Project,
) -> None:
    file = definitions(applied_shop)
    file.write_text(file.read_text().replace('join_keys=["user_id"]', 'join_keys=["uid"]', 1))
    before = registry(applied_shop)
    with pytest.raises(
        Unprocessable, match=r"views\.py, line 12, clicks: The source of clicks has no column uid"
    ):
        Features(applied_shop).apply()
    assert registry(applied_shop) == before


@pytest.mark.parametrize(
    ("changes", "what", "cure"),
    [
        (
            {"schema": [Field(name="ratio", dtype=Float64)]},
            "v: The source of v has no column ratio",
            "Correct",
        ),
        ({"time": "when"}, "v: The rows of rows.parquet have no column when", "at, name, rate"),
        ({"time": "name"}, "v: Column name is String", "to_datetime"),
        ({"created": "user_id"}, "v: Column user_id is Int64", "Datetime"),
        ({"path": "gone.parquet"}, "gone.parquet", "Write the file"),
    ],
)
def test_the_column_and_the_cure_are_named(
    tmp_path: Path, changes: dict[str, Any], what: str, cure: str
) -> None:
    pl.DataFrame(
        {"user_id": [1], "at": [datetime(2026, 1, 1)], "name": ["x"], "rate": [1.0]}
    ).write_parquet(tmp_path / "rows.parquet")
    source = FileSource(
        path=changes.get("path", "rows.parquet"),
        timestamp_field=changes.get("time", "at"),
        created_timestamp_column=changes.get("created"),
    )
    schema = changes.get("schema", [Field(name="rate", dtype=Float64)])
    view = FeatureView(
        name="v",
        entities=[Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)],
        schema=schema,
        source=source,
    )
    with pytest.raises((Unprocessable, NotFound)) as caught:
        check_source(view, tmp_path, {"user": "user_id"})
    assert what in caught.value.what
    assert cure in caught.value.fix


def test_sources_of_labels_and_streams_are_checked_but_nothing_that_is_computed(
    tmp_path: Path,
) -> None:
    pl.DataFrame({"user_id": [1], "at": [datetime(2026, 1, 1)], "who": ["ana"]}).write_parquet(
        tmp_path / "rows.parquet"
    )
    user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)

    def labels(name: str, column: str, path: str = "rows.parquet") -> LabelView:
        schema = [Field(name=column, dtype=Float64), Field(name="who", dtype=String)]
        source = FileSource(name=name, path=path, timestamp_field="at")
        return LabelView(
            name=name, entities=[user], schema=schema, labeler_field="who", source=source
        )

    def stream(name: str, *aggregations: Aggregation) -> StreamFeatureView:
        batch = FileSource(name=f"{name}_rows", path="rows.parquet", timestamp_field="at")
        return StreamFeatureView(
            name=name,
            entities=[user],
            ttl=timedelta(days=1),
            schema=[Field(name="sum_n_3600s", dtype=Float64)],
            source=PushSource(name=name, batch_source=batch),
            timestamp_field="at",
            aggregations=list(aggregations),
        )

    hour = timedelta(hours=1)
    hourly = Aggregation(column="n", function="sum", time_window=hour)
    given = Aggregation(column="user_id", function="count", time_window=hour, name="sum_n_3600s")
    contents = RepoContents(
        projects=[],
        data_sources=[],
        feature_views=[],
        on_demand_feature_views=[],
        stream_feature_views=[stream("plain"), stream("hourly", hourly), stream("right", given)],
        label_views=[labels("absent", "n", "gone.parquet"), labels("other", "n")],
        entities=[user],
        feature_services=[],
        permissions=[],
    )
    config = RepoConfig(project="shop", registry="registry.db", provider="local")
    found = broken_views(contents, tmp_path, config)
    assert sorted(found) == ["absent", "hourly", "other", "plain"]
    assert "no column n" in found["other"].what
    assert "no column n" in found["hourly"].what
    assert isinstance(found["absent"], NotFound)


def test_definitions_are_run_in_a_process_of_their_own_and_may_print(fresh_shop: Project) -> None:
    code = (
        "import os, pathlib\nprint('hello')\n"
        "pathlib.Path(__file__).with_suffix('.pid').write_text(str(os.getpid()))\n"
    )
    (fresh_shop.root / "feature_repo" / "more.py").write_text(code)
    assert Features(fresh_shop).apply().created == ["clicks", "spend"]
    assert int((fresh_shop.root / "feature_repo" / "more.pid").read_text()) != os.getpid()


def test_a_folder_without_definitions_deletes_nothing(applied_shop: Project) -> None:
    definitions(applied_shop).unlink()
    with pytest.raises(NotFound, match="no feature definitions"):
        Features(applied_shop).apply()
    assert Features(applied_shop).views().total == 2


def test_what_feast_refuses_is_said_in_its_words(applied_shop: Project) -> None:
    file = definitions(applied_shop)
    file.write_text(file.read_text().replace('name="spend"', 'name="Clicks"'))
    with pytest.raises(Unprocessable, match="Feast refused the definitions") as caught:
        Features(applied_shop).apply()
    assert "clicks" in caught.value.why.lower()


def test_sources_of_one_name_are_told_apart_by_the_fix(applied_shop: Project) -> None:
    from feast.errors import DataSourceRepeatNamesException

    from jupyter_mlinfra.features.applying import refused

    error = refused(DataSourceRepeatNamesException("shop.users"), "nothing was written")
    assert "name=" in error.fix
    assert error.fix.endswith("nothing was written.")
    assert not error.why.endswith("..")


def test_a_registry_is_put_back_when_a_write_fails_halfway(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.execute("INSERT INTO t VALUES (1)")
    with pytest.raises(OSError, match="disk full"), restored_on_failure(path):
        with sqlite3.connect(path) as other:
            other.execute("INSERT INTO t VALUES (2)")
        raise OSError("disk full")
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT x FROM t").fetchall() == [(1,)]


def online_rows(root: Path) -> dict[str, int]:
    with closing(sqlite3.connect(root / ".mlinfra" / "features" / "online.db")) as connection:
        tables = [
            name
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
            ).fetchall()
        ]
        return {
            name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
            for name in tables
        }


@pytest.mark.slow
def test_a_copied_project_leaves_the_online_store_of_the_original_alone_and_a_moved_one_is_applied(
    fresh_shop: Project, tmp_path: Path
) -> None:
    features = Features(fresh_shop)
    features.apply()
    features.materialize()
    original = online_rows(fresh_shop.root)
    assert original == {"shop_clicks": 20, "shop_spend": 12}
    shutil.copytree(fresh_shop.root, tmp_path / "copy")
    assert Features(Project.open(tmp_path / "copy")).apply().unchanged == ["clicks", "spend"]
    assert online_rows(fresh_shop.root) == online_rows(tmp_path / "copy") == original
    fresh_shop.database.close()
    fresh_shop.root.rename(tmp_path / "moved")
    assert Features(Project.open(tmp_path / "moved")).apply().unchanged == ["clicks", "spend"]
    assert online_rows(tmp_path / "moved") == original


@pytest.mark.slow
def test_a_full_disk_is_said_and_leaves_the_registry_as_it_was(
    applied_shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, before = definitions(applied_shop), registry(applied_shop)
    file.write_text(
        file.read_text()
        .replace('owner="ana"', 'owner="ana", description="' + "x" * 50_000 + '"')
        .replace('    description="What a user clicked",\n', "")
    )
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    limit = (applied_shop.home / "features" / "registry.db").stat().st_size + 4096
    # It leaves half a .pyc where a file may not grow, and every later import of it fails.
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    # The child inherits it: no file can grow beyond.
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(Unavailable, match="features apply could not be done"):
            Features(applied_shop).apply()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert registry(applied_shop) == before
    assert Features(applied_shop).apply().updated == ["clicks"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_definition_file_that_never_ends_is_given_up_and_named_and_the_next_apply_can_begin(
    fresh_shop: Project,
) -> None:
    settings, endless = (
        fresh_shop.root / "mlinfra.toml",
        fresh_shop.root / "feature_repo" / "endless.py",
    )
    begun, before = fresh_shop.root / "begun", settings.read_text()
    endless.write_text(
        f"import time\nopen({str(begun)!r}, 'w').close()\n\nwhile True:\n    time.sleep(0.1)\n"
    )
    for minutes in (0.2, 2, 6):  # a busy machine needs longer to get as far as that file
        settings.write_text(f"{before}[features]\napply_minutes = {minutes}\n")
        with pytest.raises(Unavailable, match="given up after") as caught:
            Features(Project.open(fresh_shop.root)).apply()
        if begun.exists():
            break
    assert "endless.py" in caught.value.why
    assert "apply_minutes" in caught.value.fix
    # What it leaves behind must not hold us.
    endless.write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()\n"
    )
    started = time.monotonic()
    assert Features(fresh_shop).apply().created == ["clicks", "spend"]
    assert time.monotonic() - started < 300


def test_a_process_that_dies_before_it_is_asked_is_told_with_its_last_words(
    fresh_shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(MLInfraError, match="ended with 1 and no answer"):
        Features(fresh_shop).apply()


@pytest.mark.slow
def test_two_applies_at_once_both_end_well(fresh_shop: Project) -> None:
    results: list[AppliedViews] = []
    threads = [
        threading.Thread(target=lambda: results.append(Features(fresh_shop).apply()))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(result.created) for result in results) == [0, 2]
    assert Features(fresh_shop).views().total == 2
