"""What a look-up in SQLite remembers. Oracle: a reader that was opened for the one question, over a
file that Feast writes.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig
from feast.type_map import python_values_to_proto_values
from feast.types import Array, Float64, Int64, String
from feast.value_type import ValueType
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlinfra.core.feast_online import feast_known
from jupyter_mlinfra.core.feast_online.feast_itself import entity_keys, feast_timestamps
from jupyter_mlinfra.core.feast_online.feast_keys import serialized
from jupyter_mlinfra.core.feast_online.feast_sqlite import SqliteStore
from jupyter_mlinfra.core.feast_online.feast_stores import Column, Keys
from jupyter_mlinfra.core.feast_online.feast_values import DamagedValue

T0 = datetime(2026, 3, 1, 12, 30, 15, tzinfo=UTC)
KINDS = {"n": "INT64", "text": "STRING", "list": "DOUBLE_LIST"}
SIMPLE = {"n": "INT64", "text": "STRING"}

Write = Callable[[int, int, datetime], None]


def keys(users: Sequence[int]) -> Keys:
    return Keys({"user": "INT64"}, [(user,) for user in users])


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> FeatureStore:
    folder = tmp_path_factory.mktemp("repo")
    user = Entity(name="user", join_keys=["user"], value_type=ValueType.INT64)
    types = {"n": Int64, "text": String, "list": Array(Float64)}
    view = FeatureView(
        name="view",
        entities=[user],
        schema=[Field(name=name, dtype=kind) for name, kind in types.items()],
        source=FileSource(path="none.parquet", timestamp_field="at"),
    )
    store = FeatureStore(
        config=RepoConfig(
            project="test",
            provider="local",
            registry=str(folder / "registry.db"),
            repo_path=folder,
            online_store={"type": "sqlite", "path": "online.db"},
            offline_store={"type": "file"},
            entity_key_serialization_version=3,
        )
    )
    store.apply([user, view])
    return store


@pytest.fixture(scope="module")
def file(repo: FeatureStore) -> Path:
    return Path(repo.config.repo_path) / "online.db"


@pytest.fixture(scope="module")
def write(repo: FeatureStore) -> Write:
    """Feast writes one row in this process, by its own connection."""

    def write(user: int, number: int, at: datetime) -> None:
        values = {"n": number, "text": f"{number} " * (number % 90), "list": [number / 2]}
        protos = {
            name: python_values_to_proto_values([value], ValueType[KINDS[name]])[0]
            for name, value in values.items()
        }
        with feast_timestamps():
            row = (*entity_keys(keys([user])), protos, at, None)
            repo.provider.online_write_batch(
                repo.config, repo.get_feature_view("view"), [row], None
            )

    return write


def fresh(file: Path, users: Sequence[int], kinds: Mapping[str, str]) -> Mapping[str, Column]:
    return SqliteStore(file, "test").read("view", keys(users), kinds)


STEPS = st.one_of(
    st.tuples(st.just("write"), st.integers(0, 5), st.integers(0, 1000)),
    st.tuples(
        st.just("read"),
        st.lists(st.integers(0, 6), max_size=9),
        st.sampled_from([KINDS, SIMPLE, {}]),
    ),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(STEPS, max_size=20), st.integers(0, 60))
def test_what_was_written_since_is_read(
    file: Path, write: Write, steps: list[Any], most: int
) -> None:
    """Rows of Feast and questions in any order, also where almost nothing is kept."""
    store = SqliteStore(file, "test")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feast_known, "_MOST_CELLS", most)
        for count, (what, first, second) in enumerate(steps):
            if what == "write":
                write(first, second, T0 + timedelta(minutes=count))
                continue
            found = store.read("view", keys(first), second)
            assert found == fresh(file, first, second)
            for column in found.values():  # an answer belongs to whoever asked
                column.values[:] = ["spoilt"] * len(first)
                column.at.clear()


def test_a_key_is_read_once_until_the_file_changes(
    file: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(1, 7, T0)
    store, read, asked = SqliteStore(file, "test"), SqliteStore._read, []

    def counted(self: SqliteStore, connection: Any, view: str, names: Any, kinds: Any) -> Any:
        asked.append(list(names))
        return read(self, connection, view, names, kinds)

    monkeypatch.setattr(SqliteStore, "_read", counted)
    one, two, none = serialized(*keys([1, 2, 99]))
    for users in ([1, 99, 1], [99, 2], [2, 1]):
        store.read("view", keys(users), SIMPLE)
    assert asked == [[one, none, one], [two]]
    with closing(sqlite3.connect(file)) as other, other:  # another client, in one transaction
        other.execute("UPDATE test_view SET value = NULL WHERE feature_name = 'n'")
    assert store.read("view", keys([1]), SIMPLE)["n"].values == [None]
    assert asked[2:] == [[one]]


@pytest.mark.parametrize("text", [None, "x" * 5000], ids=["numbers", "texts"])
def test_what_is_kept_stays_small(monkeypatch: pytest.MonkeyPatch, text: str | None) -> None:
    """A tenth of what is kept otherwise, which is 20 MB."""
    monkeypatch.setattr(feast_known, "_MOST_CELLS", 40_000)
    known, kind = feast_known.KnownRows(), "STRING" if text else "DOUBLE"

    def read(names: Sequence[bytes]) -> dict[str, Column]:
        values = [f"{text}{name!r}" if text else float(name[-4]) for name in names]
        return {"v": Column(values, [T0] * len(names))}

    tracemalloc.start()
    for start in range(0, 60_000, 500):
        known.columns(1, "view", serialized(*keys(range(start, start + 500))), {"v": kind}, read)
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert kept < 3_000_000


def test_a_file_in_the_place_of_another_is_read(file: Path, write: Write, tmp_path: Path) -> None:
    """Also if its counter of changes is the same."""
    write(3, 1, T0)
    served = Path(shutil.copy(file, tmp_path / "served.db"))
    store = SqliteStore(served, "test")
    assert store.read("view", keys([3]), SIMPLE)["n"].values == [1]
    with closing(sqlite3.connect(shutil.copy(file, tmp_path / "new.db"))) as new, new:
        new.execute("DELETE FROM test_view")
    os.replace(tmp_path / "new.db", served)
    assert store.read("view", keys([3]), SIMPLE)["n"] == Column([None], [None])


def test_a_damaged_value_is_named_by_its_place_beside_known_ones(
    file: Path, write: Write, tmp_path: Path
) -> None:
    for user in (0, 1, 2):
        write(user, 1, T0)
    served = Path(shutil.copy(file, tmp_path / "served.db"))
    with closing(sqlite3.connect(served)) as other, other:
        damage = "UPDATE test_view SET value = x'20ff' WHERE entity_key = ? AND feature_name = 'n'"
        other.execute(damage, serialized(*keys([2])))
    store = SqliteStore(served, "test")
    store.read("view", keys([0, 1]), SIMPLE)
    with pytest.raises(DamagedValue) as caught:
        store.read("view", keys([1, 0, 0, 2]), SIMPLE)
    assert (caught.value.place, caught.value.feature) == (3, "n")
    assert store.read("view", keys([1, 0]), SIMPLE)["n"].values == [1, 1]


def test_a_file_that_is_held_is_waited_for_and_read_after_it(
    file: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(4, 4, T0)
    store = SqliteStore(file, "test")
    store.read("view", keys([4]), SIMPLE)
    store._open()[0].execute("PRAGMA busy_timeout = 20")
    with closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            store.read("view", keys([4]), SIMPLE)
        other.execute("UPDATE test_view SET value = NULL WHERE feature_name = 'n'")
        other.commit()
    assert store.read("view", keys([4]), SIMPLE)["n"].values == [None]
