"""Feast's stored keys and values without Feast. Oracle: Feast itself, cell by cell, in SQLite, in a
real Redis and in a real PostgreSQL.
"""

from __future__ import annotations

import decimal
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import psycopg
import pytest
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig
from feast.infra.key_encoding_utils import serialize_entity_key
from feast.protos.feast.types.Value_pb2 import Value
from feast.type_map import feast_value_type_to_python_type, python_values_to_proto_values
from feast.types import from_value_type
from feast.value_type import ValueType
from google.protobuf.message import DecodeError
from hypothesis import example, given, settings
from hypothesis import strategies as st
from psycopg.conninfo import make_conninfo
from servers import Server, postgres, redis

from jupyter_mlinfra.core.feast_online import feast_postgres, feast_values
from jupyter_mlinfra.core.feast_online.feast_itself import (
    FeastStore,
    entity_keys,
    feast_timestamps,
)
from jupyter_mlinfra.core.feast_online.feast_keys import KINDS, serialized, typed
from jupyter_mlinfra.core.feast_online.feast_stores import Keys, Store, direct_store
from jupyter_mlinfra.core.feast_online.feast_values import (
    DamagedValue,
    Remembered,
    python_value,
    values_of,
)

INT64 = {"INT64": "INT64"}
T0 = datetime(2026, 3, 1, 12, 30, 15, tzinfo=UTC)

ID = uuid.UUID("12345678-1234-5678-1234-567812345678")
SAMPLES: Mapping[str, list[Any]] = {
    "BOOL": [True, False],
    "BYTES": [b"", b"\x00\xff", b"x" * 300],
    "DOUBLE": [0.0, -0.0, 1.5, float("inf"), 5e-324, -1e300],
    "FLOAT": [0.0, 1.5, float("-inf")],
    "INT32": [0, 1, -1, 127, 128, 2**31 - 1, -(2**31)],
    "INT64": [0, -1, 300, 2**53 + 1, 2**63 - 1, -(2**63)],
    "STRING": ["", "a", "Zürich \x00 ☃", "y" * 200],
    "UNIX_TIMESTAMP": [T0, T0 - timedelta(days=40_000)],
    "BYTES_LIST": [[b"a", b""]],
    "STRING_LIST": [["a", "ü"], []],
    "INT32_LIST": [[1, -1]],
    "INT64_LIST": [[1, 2**40], []],
    "DOUBLE_LIST": [[1.5, -2.0]],
    "FLOAT_LIST": [[0.5]],
    "BOOL_LIST": [[True, False]],
    "UNIX_TIMESTAMP_LIST": [[T0]],
    "STRING_SET": [{"a", "b"}],
    "INT64_SET": [{1, 2}],
    "MAP": [{"a": 1, "b": "x"}],
    "MAP_LIST": [[{"a": 1}]],
    "JSON": ['{"a": [1, 2]}'],
    "UUID": [ID],
    "TIME_UUID": [ID],
    "UUID_LIST": [[ID]],
    "DECIMAL": [decimal.Decimal("1.10")],
}
"""By Feast's type; each also as null."""

KEYS = st.fixed_dictionaries(
    {},
    optional={
        "b": st.tuples(st.just("BYTES"), st.binary(max_size=20)),
        "s t": st.tuples(st.just("STRING"), st.text(max_size=20)),
        "ü": st.tuples(st.just("INT32"), st.integers(-(2**31), 2**31 - 1)),
        "A": st.tuples(st.just("INT64"), st.integers(-(2**63), 2**63 - 1)),
        "t": st.tuples(st.just("UNIX_TIMESTAMP"), st.integers(-(2**40), 2**40)),
    },
)


@settings(max_examples=150, deadline=None)
@given(KEYS, st.randoms())
def test_keys_are_the_bytes_that_feast_makes(
    found: dict[str, tuple[str, Any]], random: Any
) -> None:
    """Of all types, alone and together, in any order, and none at all."""
    order = list(found)
    random.shuffle(order)
    keys = Keys({name: found[name][0] for name in order}, [[found[name][1] for name in order]])
    assert serialized(*keys) == [
        serialize_entity_key(key, entity_key_serialization_version=3) for key in entity_keys(keys)
    ]


@pytest.mark.parametrize(
    ("value", "kind", "right"),
    [
        (7.0, "INT64", 7),
        (True, "INT32", 1),
        (decimal.Decimal(5), "INT64", 5),
        (12, "STRING", "12"),
        (datetime(2026, 3, 1), "UNIX_TIMESTAMP", 1772323200),
        (T0.astimezone(timezone(timedelta(hours=2))), "UNIX_TIMESTAMP", int(T0.timestamp())),
    ],
)
def test_a_key_of_another_python_type_is_taken_as_feast_takes_it(
    value: Any, kind: str, right: Any
) -> None:
    assert typed(value, kind) == right
    (proto,) = python_values_to_proto_values([value], ValueType[kind])
    assert getattr(proto, f"{kind.lower()}_val") == right


def test_numpy_s_scalars_are_keys() -> None:
    import numpy as np

    assert typed(np.int64(7), "INT64") == typed(np.float64(7), "INT64") == 7
    assert typed(np.datetime64("2026-03-01T00:00:00.5", "ns"), "UNIX_TIMESTAMP") == 1772323200


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (2**31, "INT32"),
        (2**63, "INT64"),
        (-(2**63) - 1, "UNIX_TIMESTAMP"),
        (1.5, "INT64"),
        (float("nan"), "INT64"),
        (decimal.Decimal("1.5"), "INT64"),
        ("a", "BYTES"),
        ([1], "STRING"),
    ],
)
def test_what_is_no_key_of_its_type_is_refused(value: Any, kind: str) -> None:
    with pytest.raises(ValueError):
        typed(value, kind)


SIMPLE_VALUES = {
    "BOOL": st.booleans(),
    "BYTES": st.binary(),
    "DOUBLE": st.floats(allow_nan=False),
    "FLOAT": st.floats(width=32, allow_nan=False),
    "INT32": st.integers(-(2**31), 2**31 - 1),
    "INT64": st.integers(-(2**63), 2**63 - 1),
    "STRING": st.text(),
    "UNIX_TIMESTAMP": st.datetimes(
        datetime(1800, 1, 1), datetime(2900, 1, 1), timezones=st.just(UTC)
    ),
}


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(sorted(SIMPLE_VALUES)).flatmap(
        lambda kind: st.tuples(st.just(kind), st.lists(st.none() | SIMPLE_VALUES[kind], max_size=9))
    )
)
def test_values_are_what_feast_reads(drawn: tuple[str, list[Any]]) -> None:
    kind, values = drawn
    protos = python_values_to_proto_values(values, ValueType[kind])
    right = [feast_value_type_to_python_type(proto, ValueType[kind]) for proto in protos]
    found = values_of([proto.SerializeToString() for proto in protos], kind)
    assert found == right
    assert list(map(type, found)) == list(map(type, right))


@pytest.mark.parametrize("kind", SAMPLES)
def test_values_of_each_type_are_what_feast_reads_whatever_the_definition_says_now(
    kind: str,
) -> None:
    protos = python_values_to_proto_values([*SAMPLES[kind], None], ValueType[kind])
    stored = [proto.SerializeToString() for proto in protos]
    for declared in (kind, "STRING", "DOUBLE"):
        right = [feast_value_type_to_python_type(proto, ValueType[declared]) for proto in protos]
        assert values_of([*stored, None], declared) == [*right, None]


HOSTILE = st.binary(max_size=14) | st.sampled_from(sorted(SIMPLE_VALUES)).flatmap(
    lambda kind: st.tuples(
        SIMPLE_VALUES[kind].map(
            lambda value: python_values_to_proto_values([value], ValueType[kind])[
                0
            ].SerializeToString()
        ),
        st.integers(0, 12),
        st.binary(max_size=3),
    ).map(lambda parts: parts[0][: parts[1]] + parts[2] + parts[0][parts[1] :])
)
"""Any bytes, and values with others put into them."""


@settings(max_examples=200, deadline=None)
@given(HOSTILE, st.sampled_from(sorted(SIMPLE_VALUES)))
@example(b"\x20\x05\xa0\x06\x01", "INT64")  # and a field of a later version
@example(b"\x20\x05\x20\x06", "INT64")  # the last one counts
@example(b"\x18\xff\xff\xff\xff\x1f", "INT32")  # more than 32 bits
@example(b"\x20" + b"\xff" * 9 + b"\x7f", "INT64")  # more than 64
@example(b"\x20" + b"\x80" * 10 + b"\x01", "INT64")
@example(b"\x12\x01\xff", "STRING")
@example(b"\x40" + b"\xff" * 8 + b"\x7f", "UNIX_TIMESTAMP")  # of no calendar
def test_bytes_that_feast_did_not_write_are_what_protobuf_reads_or_damaged(
    data: bytes, kind: str
) -> None:
    beside = [python_values_to_proto_values(SAMPLES[kind][:1], ValueType[kind])[0]] * 2
    around = [item.SerializeToString() for item in beside]
    try:
        message = Value.FromString(data)
    except DecodeError:
        with pytest.raises(DamagedValue) as caught:
            values_of([around[0], None, data, around[1]], kind)
        assert caught.value.place == 2
        return
    found = values_of([around[0], None, data, around[1]], kind)
    right = [python_value(item, kind) for item in (beside[0], message, beside[1])]
    assert repr(found) == repr([right[0], None, *right[1:]])  # nan is itself, 1 is not True


def test_values_stay_what_they_are_while_known_ones_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feast_values, "_known", Remembered(feast_values._small, 3))
    values = [*SAMPLES["INT64"], None] * 3
    protos = python_values_to_proto_values(values, ValueType.INT64)
    assert values_of([item.SerializeToString() for item in protos], "INT64") == values
    assert len(feast_values._known) <= 3


@pytest.fixture(scope="module", params=["sqlite", "redis", "postgres"])
def online(request: pytest.FixtureRequest) -> Iterator[Mapping[str, Any]]:
    if request.param == "sqlite":
        yield {"type": "sqlite", "path": "data/online.db"}
    elif request.param == "redis":
        with redis() as server:
            yield {"type": "redis", "connection_string": f"{server.address},db=3"}
    else:
        with postgres() as server:
            yield in_postgres(server)


def in_postgres(server: Server) -> dict[str, Any]:
    where = {"host": "127.0.0.1", "port": server.port, "database": "postgres"}
    who = {"user": "postgres", "password": "secret", "sslmode": "disable"}
    return {"type": "postgres", **where, **who, "db_schema": "online"}


@pytest.fixture(scope="module")
def feast(tmp_path_factory: pytest.TempPathFactory, online: Mapping[str, Any]) -> FeatureStore:
    """Two views: a feature of each type by one key, and one by two keys; written by Feast."""
    folder = tmp_path_factory.mktemp("repo")
    user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)
    shop = Entity(name="shop", join_keys=["shop"], value_type=ValueType.STRING)
    source = FileSource(path="none.parquet", timestamp_field="at")
    fields = [Field(name=kind, dtype=from_value_type(ValueType[kind])) for kind in SAMPLES]
    keys = [
        Field(name="user_id", dtype=from_value_type(ValueType.INT64)),
        Field(name="shop", dtype=from_value_type(ValueType.STRING)),
    ]
    every = FeatureView(
        name='every "type"', entities=[user], schema=[keys[0], *fields], source=source
    )
    pair = FeatureView(name="pair", entities=[user, shop], schema=[*keys, fields[2]], source=source)
    store = FeatureStore(
        config=RepoConfig(
            project="test",
            provider="local",
            registry=str(folder / "registry.db"),
            repo_path=folder,
            online_store=dict(online),
            offline_store={"type": "file"},
            entity_key_serialization_version=3,
        )
    )
    store.apply([user, shop, every, pair])
    longest = max(map(len, SAMPLES.values()))
    samples = dict(SAMPLES)
    if online["type"] == "postgres":  # it has no text with a NUL
        samples["STRING"] = [text.replace("\x00", "") for text in samples["STRING"]]
    protos = {
        kind: python_values_to_proto_values(
            [*values, *[None] * (longest - len(values) + 1)], ValueType[kind]
        )
        for kind, values in samples.items()
    }
    users = Keys({"user_id": "INT64"}, [(number,) for number in range(longest + 1)])
    rows = [
        (key, {kind: protos[kind][number] for kind in SAMPLES}, T0 + timedelta(hours=number), None)
        for number, key in enumerate(entity_keys(users))
    ]
    _write(store, every.name, rows)
    pairs = Keys({"user_id": "INT64", "shop": "STRING"}, [(1, "b"), (2, "a")])
    _write(
        store,
        "pair",
        [
            (key, {"DOUBLE": protos["DOUBLE"][2 + number]}, T0, None)
            for number, key in enumerate(entity_keys(pairs))
        ],
    )
    return store


def _write(store: FeatureStore, view: str, rows: list[Any]) -> None:
    with feast_timestamps():  # what a fixture writes comes before `times_of_feast` of a test
        store.provider.online_write_batch(store.config, store.get_feature_view(view), rows, None)


@pytest.fixture(params=["direct", "feast"])
def reader(request: pytest.FixtureRequest, feast: FeatureStore, online: Any) -> Store:
    if request.param == "feast":
        return FeastStore(feast.config)
    store = direct_store({"project": "test", "online_store": online}, feast.config.repo_path)
    assert store is not None
    return store


def test_what_is_stored_is_read_as_the_sdk_reads_it(feast: FeatureStore, reader: Store) -> None:
    """Every type, nulls, keys that are not there, and keys that are asked for twice."""
    users = [3, 0, 1, 99, 2, 3, 4, 5, 6, 7, -1]
    name = 'every "type"'
    right = feast.get_online_features(
        features=[f"{name}:{kind}" for kind in SAMPLES],
        entity_rows=[{"user_id": user} for user in users],
    ).to_dict(include_event_timestamps=True)
    keys = Keys({"user_id": "INT64"}, [(user,) for user in users])
    found = reader.read(name, keys, {kind: kind for kind in SAMPLES})
    for kind in SAMPLES:
        assert found[kind].values == right[kind], kind
        times = [0 if at is None else int(at.timestamp()) for at in found[kind].at]
        assert times == right[f"{kind}__ts"], kind
    assert [at is None for at in found["INT64"].at] == [user in (99, -1) for user in users]
    assert found["DOUBLE"].at[0] == T0 + timedelta(hours=3)


def test_keys_of_two_columns_are_found_in_any_order(feast: FeatureStore, reader: Store) -> None:
    asked = [("a", 2), ("b", 2), ("b", 1)]
    right = feast.get_online_features(
        features=["pair:DOUBLE"],
        entity_rows=[{"shop": shop, "user_id": user} for shop, user in asked],
    ).to_dict()["DOUBLE"]
    keys = Keys({"shop": "STRING", "user_id": "INT64"}, asked)
    found = reader.read("pair", keys, {"DOUBLE": "DOUBLE"})["DOUBLE"]
    assert found.values == right == [float("inf"), None, 1.5]
    assert [at is None for at in found.at] == [False, True, False]


def test_a_feature_that_was_never_written_is_not_there_beside_one_that_was(reader: Store) -> None:
    keys = Keys({"user_id": "INT64"}, [(0,)])
    if isinstance(reader, FeastStore):
        pytest.skip("Feast's Redis store takes it for a null")
    found = reader.read('every "type"', keys, {"INT64": "INT64", "new": "INT64"})
    assert [found["INT64"].at[0], found["new"].at[0]] == [T0, None]


def test_more_keys_than_a_statement_takes_come_back_in_their_order(reader: Store) -> None:
    rows = [(number % 7,) for number in range(2600)]
    found = reader.read('every "type"', Keys({"user_id": "INT64"}, rows), {"INT64": "INT64"})
    right = [0, -1, 300, 2**53 + 1, 2**63 - 1, -(2**63), None]
    assert found["INT64"].values == [right[number] for (number,) in rows]


def test_no_keys_give_nothing(reader: Store) -> None:
    found = reader.read(
        "pair", Keys({"user_id": "INT64", "shop": "STRING"}, []), {"DOUBLE": "DOUBLE"}
    )
    assert found["DOUBLE"] == ([], [])


@pytest.mark.parametrize("online", ["postgres"], indirect=True)
def test_postgresql_may_have_any_zone_and_a_lost_connection_is_made_anew(
    feast: FeatureStore, online: Mapping[str, Any]
) -> None:
    """Feast writes UTC as a time of the server's zone."""
    where = make_conninfo(host=online["host"], port=online["port"], user=online["user"])
    with psycopg.connect(where, password=online["password"], autocommit=True) as admin:
        admin.execute("ALTER ROLE postgres SET TimeZone = 'America/New_York'")
        try:
            there = FeatureStore(config=feast.config)
            (key,) = entity_keys(Keys({"user_id": "INT64"}, [(77,)]))
            (value,) = python_values_to_proto_values([7], ValueType.INT64)
            _write(there, 'every "type"', [(key, {"INT64": value}, T0, None)])
            reader = direct_store(
                {"project": "test", "online_store": online}, feast.config.repo_path
            )
            assert reader is not None
            for _ in range(2):
                found = reader.read('every "type"', Keys({"user_id": "INT64"}, [(77,)]), INT64)
                assert found["INT64"] == ([7], [T0])
                ended = admin.execute(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                    " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
                ).fetchone()
                assert ended is not None
                assert ended[0] >= 1
        finally:
            admin.execute("ALTER ROLE postgres RESET TimeZone")


@pytest.mark.parametrize("online", ["postgres"], indirect=True)
def test_a_table_that_another_holds_ends_a_look_up(
    feast: FeatureStore, online: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feast_postgres, "POSTGRES_SECONDS", 1)
    reader = direct_store({"project": "test", "online_store": online}, feast.config.repo_path)
    assert reader is not None
    keys = Keys({"user_id": "INT64", "shop": "STRING"}, [(1, "b")])
    where = make_conninfo(host=online["host"], port=online["port"], user=online["user"])
    with psycopg.connect(where, password=online["password"]) as other:
        other.execute("LOCK TABLE online.test_pair")
        with pytest.raises(psycopg.OperationalError, match="timeout"):
            reader.read("pair", keys, {"DOUBLE": "DOUBLE"})
    assert reader.read("pair", keys, {"DOUBLE": "DOUBLE"})["DOUBLE"].at == [T0]


@pytest.mark.parametrize(
    "settings",
    [
        {"online_store": {"type": "mysql", "host": "db"}},
        {"online_store": None},
        {"online_store": "sqlite", "entity_key_serialization_version": 2},
        {"online_store": {"type": "redis", "redis_type": "redis_cluster"}},
        {"online_store": {"type": "redis", "client": "glide"}},
    ],
)
def test_other_stores_are_left_to_feast(settings: dict[str, Any], tmp_path: Path) -> None:
    assert direct_store({"project": "p", **settings}, tmp_path) is None


def test_the_types_of_keys_have_feast_s_numbers() -> None:
    assert {kind: ValueType[kind].value for kind in KINDS} == dict(KINDS)
