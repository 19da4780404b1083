"""Names with characters that a filter language or SQL may read otherwise, in a store that MLflow
itself has written: each source finds what was named, and nothing else.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.experiments.api_source import ApiSource
from jupyter_mlinfra.experiments.query import parse_filter, parse_sort
from jupyter_mlinfra.experiments.source import Source
from jupyter_mlinfra.experiments.sql_source import SqlSource
from jupyter_mlinfra.experiments.store import TrackingStore

NAMES = [
    "plain",
    "it's",
    'a "word"',
    'it\'s a "word"',
    "x\" and name != 'y' and name != \"z",
    "x' OR '1'='1",
    "x'; DROP TABLE runs; --",
    "back\\slash",
    "ends with \\",
    "it's \\",
    "\\' both \\\"",
    "100%",
    "1000",
    "under_score",
    "under-score",
    "%",
    "_",
    "`tick`",
    "(in, brackets)",
    "été 中文 🚀",
    "\u202ertl",
    "tab\tline\nend",
    "-- comment",
    "/* comment */",
    "IN",
    "null",
    "?",
    ":name",
    " blank ",
]
ODD = "Of-another_store"
"""An id that MLflow allows but does not make."""
MODELS = [name for name in NAMES if not {"/", ":"} & {*name}]
"""MLflow forbids the two in names of models."""


@pytest.fixture(scope="module")
def store(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> TrackingStore:
    root = tmp_path_factory.mktemp("hostile")
    (root / "mlinfra.toml").touch()
    project = Project(root)
    shutil.copy(empty_store, project.home / "mlflow.db")
    store = TrackingStore(project)
    client = store.client()
    experiment = client.create_experiment('it\'s a "word" \\ 100% été')
    runs = [client.create_run(experiment, run_name=name) for name in NAMES]
    for run, name in zip(runs, NAMES, strict=True):
        client.set_tag(run.info.run_id, "named", name)
        client.log_param(run.info.run_id, "named", name)
    for name in MODELS:
        client.create_registered_model(name)
        client.create_model_version(name, "/models/x", run_id=runs[NAMES.index(name)].info.run_id)
        client.set_registered_model_alias(name, "champion", "1")
    odd = client.create_run(experiment, run_name="odd").info.run_id
    assert store.sqlite
    with contextlib.closing(sqlite3.connect(store.sqlite)) as connection, connection:
        connection.execute("UPDATE tags SET run_uuid = ? WHERE run_uuid = ?", (ODD, odd))
        connection.execute("UPDATE runs SET run_uuid = ? WHERE run_uuid = ?", (ODD, odd))
    return store


@pytest.fixture(params=["sql", "api"])
def source(request: pytest.FixtureRequest, store: TrackingStore) -> Source:
    assert store.sqlite
    return SqlSource(store.sqlite) if request.param == "sql" else ApiSource(store, "test")


def found(source: Source, where: str) -> Sequence[str]:
    runs = source.runs(None, parse_filter(where), parse_sort("name"), None, 100).runs
    return [run.name for run in runs]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("field", ["tags.named", "params.named", "name"])
def test_a_filter_finds_the_run_of_this_name_alone(source: Source, field: str, name: str) -> None:
    text = name.replace("'", "''")
    assert found(source, f"{field} = '{text}'") == [name]
    assert found(source, f"{field} in ('{text}')") == [name]
    assert found(source, f"{field} = '{text}' and tags.named = '{text}'") == [name]
    assert name not in found(source, f"{field} != '{text}'")


@pytest.mark.parametrize("model", MODELS)
def test_a_model_of_this_name_has_its_own_versions_and_aliases(source: Source, model: str) -> None:
    (version,) = source.versions(model, 10)
    assert (version.model, version.aliases) == (model, ["champion"])
    single = source.version(model, 1)
    assert single is not None
    assert (single.model, single.aliases) == (model, ["champion"])


@pytest.mark.parametrize("count", [1, 2, len(NAMES)])
def test_runs_are_asked_for_by_any_text_and_those_that_exist_come(
    source: Source, store: TrackingStore, count: int
) -> None:
    assert store.sqlite
    real = SqlSource(store.sqlite).run_ids("")[1:2]
    hostile = [*NAMES[:count], *(f"{real[0]}{name}" for name in NAMES[:count] if count > 2)]
    assert [run.id for run in source.several([*hostile[1:], *real, ODD])] == [*real, ODD]
    assert source.several(hostile) == []
    for name in NAMES:
        assert source.run_ids(name) == [], name


def test_an_experiment_is_found_by_its_name(source: Source) -> None:
    assert source.experiment_id('it\'s a "word" \\ 100% été') == "1"
    for name in NAMES:
        assert source.experiment_id(name) in (None, "1000")
