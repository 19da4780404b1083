"""Online look-up: values, statuses and event times; the ttl counts, which Feast alone forgets."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from jupyter_mlinfra.core.errors import BadRequest, Conflict, NotFound, Unavailable, Unprocessable
from jupyter_mlinfra.core.feast_online.feast_keys import serialized
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import to_json
from jupyter_mlinfra.faces.rows import row_of
from jupyter_mlinfra.features import Features, Freshness, OnlineRow, OnlineStatus
from jupyter_mlinfra.features.online.keys import key_value
from jupyter_mlinfra.features.repo import load_feast
from jupyter_mlinfra.features.verbs import base

T0 = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
FOUND, NULL = OnlineStatus.PRESENT, OnlineStatus.NULL
EXPIRED, ABSENT = OnlineStatus.EXPIRED, OnlineStatus.NOT_FOUND


@pytest.fixture
def shop_at(shop: Features, monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], Features]:
    """The same shop at another time."""

    def at(moment: datetime) -> Features:
        monkeypatch.setenv("MLINFRA_FEATURES_AS_OF", moment.isoformat())
        return Features(Project.open(shop._project.root))

    return at


def test_each_value_has_a_status_and_its_event_time(shop: Features) -> None:
    rows = shop.online(
        ["clicks:clicks_7d", "clicks:rate", "spend:amount"],
        [{"user_id": 0, "item_id": "pen"}, {"user_id": 99, "item_id": "pen"}],
    )
    assert rows == [
        OnlineRow(
            entity={"user_id": 0, "item_id": "pen"},
            values={"clicks:clicks_7d": 0, "clicks:rate": None, "spend:amount": 1.0},
            status={"clicks:clicks_7d": FOUND, "clicks:rate": NULL, "spend:amount": FOUND},
            event_at={"clicks:clicks_7d": T0 + DAY, "clicks:rate": T0 + DAY, "spend:amount": T0},
        ),
        OnlineRow(
            entity={"user_id": 99, "item_id": "pen"},
            values={"clicks:clicks_7d": None, "clicks:rate": None, "spend:amount": None},
            status={"clicks:clicks_7d": ABSENT, "clicks:rate": ABSENT, "spend:amount": ABSENT},
            event_at={"clicks:clicks_7d": None, "clicks:rate": None, "spend:amount": None},
        ),
    ]


def test_faults_of_a_key_a_value_and_the_store_are_told_apart_when_rows_are_written() -> None:
    from feast import RepoConfig

    from jupyter_mlinfra.features.definitions import Column, Definition
    from jupyter_mlinfra.features.online.writing import OnlineWriter, Rows

    closed = {"type": "redis", "connection_string": "127.0.0.1:9"}
    config = RepoConfig(project="p", registry="r.db", provider="local", online_store=closed)
    view = Definition(
        name="clicks",
        kind="batch",
        entities=["user"],
        keys=[Column(name="user_id", type="INT64", tags={})],
        features=[Column(name="n", type="INT64", tags={})],
        ttl_seconds=None,
        source=None,
        online=True,
        digest="",
        materialized_until=None,
        owner="",
        tags={},
        description="",
    )
    writer = OnlineWriter(config, view)
    with pytest.raises(Unprocessable, match="Key user_id of clicks"):
        writer.write(Rows({"user_id": [1.5], "n": [1]}, [T0], [None]), guard=nullcontext)
    with pytest.raises(Unprocessable, match="Column n of clicks"):
        writer.write(Rows({"user_id": [1], "n": ["x"]}, [T0], [None]), guard=nullcontext)
    with pytest.raises(Unavailable, match="The online store did not answer"):
        writer.write(Rows({"user_id": [1], "n": [1]}, [T0], [None]), guard=nullcontext)


@pytest.fixture
def damaged_shop(shop: Features, tmp_path: Path) -> Features:
    """Cut bytes in the place of the value of clicks:clicks_7d of user 0."""
    shutil.copytree(shop._project.root, tmp_path / "shop")
    (file,) = tmp_path.rglob("online.db")
    with sqlite3.connect(file) as online:
        (table,) = online.execute("SELECT name FROM sqlite_master WHERE name LIKE '%_clicks'")
        key = serialized({"user_id": "INT64"}, [(0,)])[0]
        online.execute(
            f'UPDATE "{table[0]}" SET value = ? WHERE entity_key = ? AND feature_name = ?',
            [b"\x20\xff", key, "clicks_7d"],
        )
    return Features(Project.open(tmp_path / "shop"))


def test_a_damaged_value_is_named_and_hides_no_other(
    damaged_shop: Features, shop: Features
) -> None:
    features, asked = damaged_shop, [{"user_id": 1}, {"user_id": 0}]
    with pytest.raises(Unprocessable, match="A value of clicks in the online store") as caught:
        features.online(["clicks:*"], asked)
    assert "clicks_7d for user_id=0" in caught.value.why
    for beside in ((["clicks:*"], asked[:1]), (["clicks:rate"], asked)):
        assert features.online(*beside) == shop.online(*beside)


@pytest.mark.slow
def test_a_damaged_value_is_written_again(damaged_shop: Features, shop: Features) -> None:
    damaged_shop.materialize("clicks", full=True)
    asked = ["clicks:*"], [{"user_id": 0}]
    assert damaged_shop.online(*asked) == shop.online(*asked)


@pytest.mark.parametrize("key", [[1], {"a": 1}, "x", float("nan")])
def test_what_is_no_key_is_the_request_s_fault(shop: Features, key: Any) -> None:
    with pytest.raises(BadRequest, match="user_id of clicks has a value of a wrong type"):
        shop.online(["clicks:rate"], [{"user_id": key}])


@pytest.mark.slow
def test_a_key_that_feast_cannot_look_up_is_said_and_trains_all_the_same(
    fresh_shop: Project,
) -> None:
    repo = fresh_shop.root / "feature_repo"
    rows = pl.DataFrame({"weight": [1.5, 2.5], "raw": [b"a", b"b"], "at": [T0, T0], "v": [1, 2]})
    rows.write_parquet(repo / "data" / "odd.parquet")
    (repo / "views.py").write_text(ODD_KEYS)
    features = Features(fresh_shop)
    features.apply()
    for look in (
        lambda: features.materialize("heavy"),
        lambda: features.online(["heavy:v"], [{"weight": 1.5}]),
    ):
        with pytest.raises(Conflict, match="key weight is double") as caught:
            look()
        assert "online=False" in caught.value.fix
    assert features.training_set(["heavy:v"], rows.select("weight", event_timestamp="at"))[
        "v"
    ].to_list() == [1, 2]
    with pytest.raises(Conflict, match=r"Done: [a-z_, ]*raw"):
        features.materialize()
    assert features.show("raw").view.online_at is not None
    with pytest.raises(BadRequest, match="raw has a value of a wrong type"):
        features.online(["raw:v"], [{"raw": "a"}])
    (row,) = features.looked_up(["raw:v"], [{"raw": "YQ=="}])
    assert (row.values, to_json(row)["entity"]) == ({"raw:v": 1}, {"raw": "YQ=="})
    assert row_of(row)["raw"] == "YQ=="


ODD_KEYS = """
from feast import Entity, FeatureView, Field, FileSource
from feast.types import Int64
from feast.value_type import ValueType

source = FileSource(path="data/odd.parquet", timestamp_field="at")
weight = Entity(name="weight", join_keys=["weight"], value_type=ValueType.DOUBLE)
raw = Entity(name="raw", join_keys=["raw"], value_type=ValueType.BYTES)
schema = [Field(name="v", dtype=Int64)]
heavy = FeatureView(name="heavy", entities=[weight], schema=schema, source=source)
raw_view = FeatureView(name="raw", entities=[raw], schema=schema, source=source)
"""


def test_another_library_s_idea_of_a_timestamp_in_sqlite_does_no_harm_and_is_left_alone(
    shop: Features,
) -> None:
    """IPython's history registers a converter of the same name, in every kernel."""
    # Feast's own is registered now.
    shop.online(["spend:amount"], [{"user_id": 0, "item_id": "pen"}])
    before = sqlite3.converters["TIMESTAMP"]
    other = sqlite3.converters["TIMESTAMP"] = lambda text: datetime.fromisoformat(text.decode())
    try:
        row = shop.online(["spend:amount"], [{"user_id": 0, "item_id": "pen"}])[0]
        assert row.event_at["spend:amount"] == T0
        assert sqlite3.converters["TIMESTAMP"] is other
    finally:
        sqlite3.converters["TIMESTAMP"] = before


@pytest.mark.parametrize(
    ("age", "status", "value", "freshness"),
    [
        (timedelta(hours=30), FOUND, 20, Freshness.FRESH),
        (timedelta(hours=30, microseconds=1), EXPIRED, None, Freshness.EXPIRED),
        (timedelta(days=900), EXPIRED, None, Freshness.EXPIRED),
    ],
)
def test_a_value_past_its_ttl_is_expired_and_not_given(
    shop_at: Callable[[datetime], Features],
    age: timedelta,
    status: OnlineStatus,
    value: int | None,
    freshness: Freshness,
) -> None:
    features = shop_at(T0 + DAY + age)
    row = features.online(["clicks:clicks_7d", "spend:shop"], [{"user_id": 2, "item_id": "book"}])[
        0
    ]
    assert (row.status["clicks:clicks_7d"], row.values["clicks:clicks_7d"]) == (status, value)
    assert row.event_at["clicks:clicks_7d"] == T0 + DAY
    # A ttl of 0 means for ever.
    assert (row.status["spend:shop"], row.values["spend:shop"]) == (FOUND, "x")
    assert features.show("clicks").view.freshness is freshness


def test_a_null_past_its_ttl_is_expired(shop_at: Callable[[datetime], Features]) -> None:
    """Neither it nor a value would be given."""
    row = shop_at(T0 + 900 * DAY).online(["clicks:rate"], [{"user_id": 0}])[0]
    assert (row.status["clicks:rate"], row.values["clicks:rate"]) == (EXPIRED, None)


def test_a_row_is_complete_with_nulls_and_not_with_what_is_absent_or_expired() -> None:
    def row(*states: OnlineStatus) -> OnlineRow:
        status = {f"v:{place}": state for place, state in enumerate(states)}
        return OnlineRow(entity={}, values=dict.fromkeys(status), status=status, event_at={})

    assert row(FOUND, NULL).complete
    assert not row(FOUND, EXPIRED).complete
    assert not row(NULL, ABSENT).complete


def test_statuses_are_the_words_that_scripts_rely_on_and_people_read_others(shop: Features) -> None:
    (row,) = shop.online(["clicks:*"], [{"user_id": 0}])
    assert to_json(row)["status"] == {"clicks:clicks_7d": "PRESENT", "clicks:rate": "NULL"}
    assert row_of(row) == {"user_id": "0", "clicks:clicks_7d": "0", "clicks:rate": "(null)"}
    (row,) = shop.online(["clicks:rate"], [{"user_id": 99}])
    assert row_of(row)["clicks:rate"] == "(not found)"


def test_people_read_how_old_a_value_is_that_has_expired() -> None:
    at = datetime(2026, 6, 29, 23, 57, tzinfo=UTC)
    row = OnlineRow(entity={}, values={"v:a": None}, status={"v:a": EXPIRED}, event_at={"v:a": at})
    assert row_of(row) == {"v:a": "(expired, of 2026-06-29 23:57)"}


def test_people_read_the_first_bytes_of_an_image() -> None:
    present = dict.fromkeys(("v:short", "v:image"), OnlineStatus.PRESENT)
    values = {"v:short": b"\x89PNG", "v:image": bytes(100_000)}
    row = OnlineRow(entity={}, values=values, status=present, event_at={})
    image = f"{'A' * 44}… (100,000 bytes)"
    assert row_of(row) == {"v:short": "iVBORw==", "v:image": image}


def test_many_entities_come_back_in_their_order_and_equal_to_feasts_own_answer(
    shop: Features,
) -> None:
    users = [(7 * n) % 23 for n in range(1500)]
    rows = shop.online(["clicks:*"], [{"user_id": user} for user in users])
    feast = (
        shop.feast()
        .get_online_features(
            features=["clicks:clicks_7d", "clicks:rate"],
            entity_rows=[{"user_id": user} for user in users],
        )
        .to_dict()
    )
    assert [row.entity["user_id"] for row in rows] == users
    for name in ("clicks_7d", "rate"):
        assert [row.values[f"clicks:{name}"] for row in rows] == feast[name]


@pytest.mark.parametrize(
    ("refs", "entities", "error", "what", "hint"),
    [
        (
            ["clicks:clicks_7"],
            [{"user_id": 1}],
            NotFound,
            "clicks has no feature clicks_7",
            "clicks_7d",
        ),
        (["click:rate"], [{"user_id": 1}], NotFound, "no view click", "clicks"),
        (["clicks"], [{"user_id": 1}], NotFound, "no feature", "clicks:*"),
        ([], [{"user_id": 1}], BadRequest, "No features", "view:feature"),
        (["spend:*"], [{"user_id": 1}], BadRequest, "needs the key item_id", "item_id"),
        (["clicks:*"], [{"user_id": None}], BadRequest, "needs the key user_id", "is empty"),
        (
            ["clicks:*"],
            [{"user": "7"}],
            BadRequest,
            "needs the key user_id",
            "You gave `user`; the key is `user_id`.",
        ),
        (
            ["clicks:*"],
            [{"user_id": "ana"}],
            BadRequest,
            "wrong type",
            "'ana' is not a whole number",
        ),
        (["clicks:*"], [{"user_id": 1.5}], BadRequest, "wrong type", "1.5 is not a whole number"),
        (["clicks:*"], {"user_id": 1}, BadRequest, "no entities", "a list, with the keys"),
        (["clicks:*"], ["1"], BadRequest, "no entities", "a list, with the keys"),
        (["clicks:*"], None, BadRequest, "no entities", "a list, with the keys"),
        (["clicks:*"], [{"user_id": 1}] * 10_001, BadRequest, "too many", "parts"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused_with_a_hint(
    shop: Features,
    refs: list[str],
    entities: list[dict[str, Any]],
    error: type[Exception],
    what: str,
    hint: str,
) -> None:
    with pytest.raises(error, match=what) as caught:
        shop.online(refs, entities)
    assert hint in str(caught.value)


def test_a_key_that_is_typed_is_read_as_its_type(shop: Features) -> None:
    """A form and a command line send text; pandas makes whole numbers floats."""
    for user in ("7", " 7 ", 7.0):
        assert (
            shop.online(["clicks:clicks_7d"], [{"user_id": user}])[0].values["clicks:clicks_7d"]
            == 70
        )
    # Text, and no number.
    assert (
        shop.online(["spend:shop"], [{"user_id": "1", "item_id": "02134"}])[0].status["spend:shop"]
        is ABSENT
    )


@pytest.mark.parametrize(
    ("kind", "typed", "read"),
    [
        ("STRING", "02134", "02134"),
        ("INT32", "-3", -3),
        ("UNIX_TIMESTAMP", "2026-03-01", int(T0.timestamp())),
        ("UNIX_TIMESTAMP", "2026-03-01T02:00:00+02:00", int(T0.timestamp())),
    ],
)
def test_text_becomes_a_key_of_each_type(kind: str, typed: str, read: Any) -> None:
    assert key_value(typed, kind) == read


def test_references_may_be_written_in_full_and_repeated(shop: Features) -> None:
    for refs in (
        ["feature:clicks:rate", "clicks:rate"],
        ["view:clicks"],
        ["clicks:*", "clicks:rate"],
    ):
        row = shop.online(refs, [{"user_id": 3}])[0]
        assert row.values["clicks:rate"] == 0.3


def test_a_store_that_answers_with_1970_for_an_absent_key_is_understood(
    applied_shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Feast's Redis store does."""
    from feast.protos.feast.types.Value_pb2 import Value

    class Redis:
        def online_read(
            self, config: Any, table: Any, keys: list[Any], features: list[str]
        ) -> list[tuple[datetime, dict[str, Value]]]:
            known = (T0 + 900 * DAY, {"rate": Value(double_val=0.5)})
            return [known, (datetime(1970, 1, 1, tzinfo=UTC), {"rate": Value()})]

    monkeypatch.setattr("jupyter_mlinfra.features.online.reading.direct_store", lambda *_: None)
    load_feast()
    monkeypatch.setattr(
        "feast.infra.online_stores.helpers.get_online_store_from_config", lambda _: Redis()
    )
    rows = Features(applied_shop).online(["clicks:rate"], [{"user_id": 1}, {"user_id": 2}])
    assert [row.status["clicks:rate"] for row in rows] == [FOUND, ABSENT]
    assert rows[1].event_at == {"clicks:rate": None}


def test_one_feature_may_be_named_by_itself(shop: Features) -> None:
    (row,) = shop.online("spend:shop", [{"user_id": 1, "item_id": "pen"}])
    assert row.values == {"spend:shop": "x"}


def test_no_entities_give_no_rows(shop: Features) -> None:
    assert shop.online(["clicks:*"], []) == []


def test_a_store_that_does_not_answer_is_unavailable(applied_shop: Project) -> None:
    (applied_shop.home / "features" / "online.db").write_bytes(
        b"not a database, and long enough to be read as one" * 100
    )
    with pytest.raises(Unavailable, match="did not answer"):
        Features(applied_shop).online(["clicks:*"], [{"user_id": 1}])


@pytest.fixture
def copied_shop(shop: Features, tmp_path: Path) -> Features:
    """The shop, applied and materialized, of one test's own."""
    shutil.copytree(shop._project.root, tmp_path / "shop")
    return Features(Project.open(tmp_path / "shop"))


def test_look_ups_go_on_without_the_registry_which_is_asked_aside(
    copied_shop: Features, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = copied_shop.online(["spend:*"], [{"user_id": 1, "item_id": "pen"}])
    yaml = copied_shop._project.root / "feature_repo" / "feature_store.yaml"
    yaml.write_text(
        "registry:\n  registry_type: sql\n  path: postgresql+psycopg://u:pw@127.0.0.1:9/x\n"
    )
    asked = []

    def unreachable(_: Project, verb: str) -> None:
        asked.append(verb)
        time.sleep(0.2)
        raise Unavailable("It cannot be reached: postgresql://u:s3cret@127.0.0.1:9/x.")

    monkeypatch.setattr(base, "call", unreachable)
    caplog.set_level(logging.WARNING)
    begin = time.monotonic()
    for _ in range(3):
        assert copied_shop.online(["spend:*"], [{"user_id": 1, "item_id": "pen"}]) == before
    while not caplog.messages and time.monotonic() < begin + 20:
        time.sleep(0.02)
    assert copied_shop.online(["spend:*"], [{"user_id": 1, "item_id": "pen"}]) == before
    assert asked == ["index"]  # one at a time, and not again at once after it failed
    assert "old copy of the registry" in caplog.text
    assert "s3cret" not in caplog.text
    with pytest.raises(Unavailable):  # a view that only the registry may know
        copied_shop.online(["new:*"], [{"user_id": 1}])


@pytest.mark.slow
def test_a_table_of_each_version_is_read_as_feast_reads_it(applied_shop: Project) -> None:
    """The view as it is now, and each version by its name; the oracle is Feast's SDK."""
    root = applied_shop.root
    (root / "feature_repo" / "feature_store.yaml").write_text(
        f"registry:\n  registry_type: sql\n  path: sqlite:///{root}/.mlinfra/features/registry.db\n"
        "  enable_online_feature_view_versioning: true\n"
    )
    toml = root / "mlinfra.toml"  # within the ttl, by which Feast leaves nothing out
    toml.write_text(f'{toml.read_text()}[features]\nas_of = "{T0 + timedelta(hours=30)}"\n')
    features = Features(Project.open(root))
    features.materialize("clicks", end=T0)
    views = root / "feature_repo" / "views.py"
    views.write_text(views.read_text().replace('Field(name="rate", dtype=Float64),', "", 1))
    features.apply()
    assert features.show("clicks").view.version == 1
    with pytest.raises(Conflict, match="never materialized"):
        Features(Project.open(root)).online(["spend:*"], [{"user_id": 1, "item_id": "pen"}])
    features.materialize("clicks", full=True)
    late = [{"user_id": 3, "clicks_7d": 333, "at": T0 + timedelta(hours=29)}]
    assert features.push("clicks", late).rows == 1
    entities = [{"user_id": number} for number in (1, 2, 3, 77)]
    refs = ["clicks:clicks_7d", "clicks@v0:clicks_7d", "clicks@v0:rate", "clicks@v1:clicks_7d"]
    ours = features.online(refs, entities)
    for ref in refs:  # one by one: Feast takes no two features of one name
        told = features.feast().get_online_features(features=[ref], entity_rows=entities).to_dict()
        (theirs,) = [values for name, values in told.items() if name != "user_id"]
        assert [row.values[ref] for row in ours] == theirs, ref
    assert [row.values["clicks@v1:clicks_7d"] for row in ours] == [10, 20, 333, None]
    assert [row.values["clicks@v0:clicks_7d"] for row in ours] == [1, 2, 3, None]
    with pytest.raises(Conflict, match="cannot read this online store"):
        features.serving_store()
