"""Repositories as others keep them: moved, linked, without their data, for stores that are not
installed here, in the words of an earlier Feast. What Feast opens opens here, and what it refuses
is refused with the fix.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from feast import BigQuerySource, Entity, FeatureView, Field, FileSource, PushSource, ValueType
from feast.on_demand_feature_view import on_demand_feature_view
from feast.protos.feast.core.Registry_pb2 import Registry
from feast.repo_contents import RepoContents
from feast.types import Int64

from jupyter_mlinfra.core.errors import Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features import Features
from jupyter_mlinfra.features.as_written import as_written
from jupyter_mlinfra.features.checking import broken_views
from jupyter_mlinfra.features.load_fixes import fix_of_definition
from jupyter_mlinfra.features.loading import load_definitions
from jupyter_mlinfra.features.repo import configuration, feast_config, open_registry, registry_file

from .conftest import T0, make_shop

YAML = """\
project: rides
project_description: Rides of a town
registry: data/registry.db
online_store: {type: sqlite, path: data/online.db}
"""
UNTYPED = """
from feast import Entity, FeatureView, Field, FileSource
from feast.types import Float64
from views import user

unfit = FeatureView(
    name="unfit", entities=[user], schema=[Field(name="gone", dtype=Float64)],
    source=FileSource(name="unfit", path="data/spend.parquet", timestamp_field="at"),
)
driver = Entity(name="driver", join_keys=["driver_id"])
trips = FeatureView(
    name="trips", entities=[driver], schema=[Field(name="km", dtype=Float64)],
    source=FileSource(path="data/trips.parquet", timestamp_field="at"),
)
"""


def with_settings(project: Project, text: str) -> Path:
    path = project.root / "feature_repo" / "feature_store.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.slow
def test_a_repository_is_linked_without_its_data_then_moved_and_read_without_its_stores(
    tmp_path: Path,
) -> None:
    theirs = make_shop(tmp_path / "theirs")
    repo = theirs.root / "feature_repo"
    with_settings(theirs, YAML)
    (repo / "untyped.py").write_text(UNTYPED)
    (repo / "data" / "clicks.parquet").unlink()
    theirs.database.close()
    root = tmp_path / "ours"
    root.mkdir()
    (root / "mlinfra.toml").write_text("")
    (root / "feature_repo").symlink_to(repo)
    project = Project.open(root)
    features = Features(project)

    # Feast needs nothing of a file whose view says all; of `trips` it needs the type of the key.
    applied = features.apply()
    assert applied.created == ["clicks", "spend", "unfit"]
    assert len(applied.notes) == 2
    assert "clicks: There is no file" in applied.notes[0]
    assert "applied as it is written" in applied.notes[0]
    assert "The source of unfit has no column gone" in applied.notes[1]
    assert [item.name for item in applied.problems] == ["trips"]
    shown = {view.name: view.problem for view in features.views().items}
    assert "There is no file" in shown["clicks"]
    assert (shown["spend"], "It is not applied" in shown["trips"]) == ("", True)
    registry = Registry.FromString((repo / "data" / "registry.db").read_bytes())
    assert [item.spec.description for item in registry.projects] == ["Rides of a town"]
    project.database.close()

    # The registry of a repository that was moved names tables at a place that is gone.
    shutil.copytree(repo, tmp_path / "moved" / "feature_repo")
    shutil.rmtree(theirs.root)
    shutil.copy(root / "mlinfra.toml", tmp_path / "moved")
    moved = Project.open(tmp_path / "moved")
    features = Features(moved)
    assert features.apply().unchanged == ["clicks", "spend", "unfit"]
    assert not theirs.root.exists()
    assert [done.rows for done in features.materialize("spend")] == [6]

    # What a store needs is not installed: everything is listed, and what cannot be done says why.
    with_settings(moved, YAML.replace("type: sqlite, path: data/online.db", "type: milvus"))
    (moved.home / "features" / "index.json").unlink()
    assert [view.name for view in features.views().items] == ["clicks", "spend", "trips", "unfit"]
    with pytest.raises(Unprocessable, match="milvus") as caught:
        feast_config(moved)
    assert caught.value.fix == "pip install 'feast[milvus]'"
    moved.database.close()


@pytest.mark.parametrize(
    ("registry", "file"),
    [
        ("registry: data/registry.db", "data/registry.db"),
        ("registry: {path: ../registry.pb, cache_ttl_seconds: 5}", "../registry.pb"),
        ("registry: {registry_type: sql, path: 'sqlite:///data/r.db'}", "data/r.db"),
        ("registry: {registry_type: sql, path: 'sqlite:////var/r.db?timeout=5'}", "/var/r.db"),
        ("registry: {registry_type: remote, path: 'localhost:6570'}", None),
        ("registry: {registry_type: snowflake.registry, database: FEAST}", None),
        ("registry: {registry_store_type: AzureRegistryStore, path: registry.db}", None),
        ("registry: gs://bucket/registry.db", None),
    ],
)
def test_the_registry_is_found_where_feast_has_it(
    project: Project, registry: str, file: str | None
) -> None:
    repo = with_settings(project, f"project: rides\n{registry}\n").parent
    assert registry_file(project) == (None if file is None else repo / file)


def test_a_relative_sqlite_registry_is_in_the_repository_whatever_the_working_directory(
    project: Project,
) -> None:
    with_settings(project, "registry: {registry_type: sql, path: 'sqlite:///data/r.db'}\n")
    file = project.root / "feature_repo" / "data" / "r.db"
    assert configuration(project)["registry"]["path"] == f"sqlite:///{file}"


def test_a_registry_store_of_an_earlier_feast_is_named_with_what_there_is_now(
    project: Project,
) -> None:
    with_settings(
        project, "registry: {registry_store_type: PostgreSQLRegistryStore, path: feast}\n"
    )
    for opened in (feast_config, open_registry):
        with pytest.raises(Unprocessable, match="no registry store PostgreSQLReg") as caught:
            opened(project)
        assert "registry_type: sql" in caught.value.fix


def test_a_store_tells_what_to_install(project: Project) -> None:
    for store, extra in (("snowflake.offline", "snowflake"), ("bigquery", "gcp"), ("ray", "ray")):
        with_settings(project, f"offline_store: {{type: {store}}}\n")
        with pytest.raises(Unprocessable) as caught:
            feast_config(project)
        assert caught.value.fix == f"pip install 'feast[{extra}]'"


def _view(**named: Any) -> FeatureView:
    given = {"name": "v", "source": FileSource(path="a.parquet", timestamp_field="at")}
    return FeatureView(**given | named)


@pytest.mark.parametrize(
    ("old", "fix"),
    [
        (lambda: Entity(name="driver", join_key="id"), "join_keys="),
        (lambda: _view(entities=["driver"]), "Entity objects"),
        (lambda: _view(features=[]), "schema=[Field("),
        (lambda: _view(batch_source=None), "source="),
        (lambda: _view(ttl=86400), "timedelta"),
        (lambda: Field(name="a", dtype=ValueType.INT64), "feast.types"),
        (lambda: BigQuerySource(table_ref="a"), "table="),
        (lambda: BigQuerySource(table="a", event_timestamp_column="at"), "timestamp_field="),
        (lambda: on_demand_feature_view(inputs={}, schema=[]), "sources="),
        (lambda: exec("from feast.data_source import RequestDataSource"), "RequestSource"),
        (lambda: exec("from feast.data_source import FileSource"), "from feast import FileSource"),
        (lambda: __import__("feast.infra.materialization"), "compute_engines"),
        (lambda: __import__("src_of_theirs.models"), "set PYTHONPATH to the folder"),
        (lambda: __import__("pyspark"), "pip install 'feast[spark]', or name the file in"),
        (lambda: PushSource(name=7), ""),
    ],
)
def test_the_words_of_an_earlier_feast_are_told_in_those_of_this_one(
    old: Callable[[], object], fix: str
) -> None:
    try:
        old()
    except Exception as error:  # noqa: BLE001  # whatever this Feast says
        told = fix_of_definition(error)
        assert fix in told
        assert bool(fix) == bool(told)
    else:
        assert not fix


def test_which_views_are_applied_as_they_are_written(project: Project) -> None:
    driver = Entity(name="driver", join_keys=["driver_id"])
    named = Entity(name="named", join_keys=["id"], value_type=ValueType.INT64)
    found_key = Entity(name="found_key", join_keys=["id"])
    rows = str(project.root / "rows.parquet")
    pl.DataFrame({"id": [1], "at": [T0]}).write_parquet(rows)

    def view(name: str, entity: Entity, *columns: str, path: str = "gone.parquet") -> FeatureView:
        return FeatureView(
            name=name,
            entities=[entity],
            schema=[Field(name=column, dtype=Int64) for column in columns],
            source=FileSource(name=name, path=path, timestamp_field="at"),
        )

    views = [
        view("by_schema", driver, "driver_id", "km"),
        view("by_entity", named, "km"),
        view("untyped", driver, "km"),
        view("typed_by_source", found_key, "km", path=rows),
        view("untyped_in_source", driver, "km", path=rows),
        view("without_features", named),
        view("unfit", named, "km", path=rows),
        view("fitted", named, "km", path=rows),
        view("no-table", named, "km"),
    ]
    entities = [driver, named, found_key]
    contents = RepoContents([], [], views, [], [], [], entities, [], [])
    config = feast_config(project)
    broken = broken_views(contents, project.root, config)
    assert sorted(broken) == sorted(item.name for item in views)
    # Whatever there was before, a file that is gone says nothing against a definition.
    found = as_written(broken, contents, config, held={"by_entity", "fitted"})
    assert sorted(found) == ["by_entity", "by_schema", "typed_by_source", "unfit"]


def test_the_state_of_a_project_is_no_part_of_a_repository_that_is_its_own_folder(
    project: Project,
) -> None:
    draft = project.home / "features" / "drafts" / "views-1.py"
    draft.parent.mkdir(parents=True)
    draft.write_text("raise ValueError")
    (project.root / "own_views.py").write_text(
        "from feast import Entity\nowner = Entity(name='owner')\n"
    )
    folder, path = Path.cwd(), list(sys.path)
    try:
        contents = load_definitions(project.root)
    finally:
        os.chdir(folder)
        sys.path[:] = path
    assert [item.name for item in contents.entities] == ["owner", "__dummy"]
