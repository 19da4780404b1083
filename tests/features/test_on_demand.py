"""Look-ups of on-demand views: computed from stored features and from the request.

Oracle: Feast's own `get_online_features`, and for a value past its ttl, which Feast forgets, the
training set.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from jupyter_mlinfra.core.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    Unavailable,
    Unprocessable,
)
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import to_json
from jupyter_mlinfra.features import Features, OnlineStatus, worker

T0 = datetime(2026, 3, 1, tzinfo=UTC)
FOUND, NULL = OnlineStatus.PRESENT, OnlineStatus.NULL
EXPIRED, ABSENT = OnlineStatus.EXPIRED, OnlineStatus.NOT_FOUND
DEFINITIONS = """
from datetime import timedelta

from feast import Entity, FeatureView, Field, FileSource, RequestSource
from feast.on_demand_feature_view import on_demand_feature_view as computed
from feast.types import Array, Bytes, Float64, Int64, String, UnixTimestamp
from feast.value_type import ValueType

user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)
day = Entity(name="day", join_keys=["day"], value_type=ValueType.UNIX_TIMESTAMP)
shop = Entity(name="shop", join_keys=["shop_id"], value_type=ValueType.STRING)
clicks = FeatureView(
    name="clicks", entities=[user], ttl=timedelta(hours=30),
    schema=[Field(name="n", dtype=Int64), Field(name="seen", dtype=UnixTimestamp)],
    source=FileSource(path="data/clicks.parquet", timestamp_field="at"),
)
sales = FeatureView(
    name="sales", entities=[shop],
    schema=[Field(name="n", dtype=Int64), Field(name="name", dtype=String)],
    source=FileSource(path="data/sales.parquet", timestamp_field="at"),
)
days = FeatureView(
    name="days", entities=[day], schema=[Field(name="sold", dtype=Int64)],
    source=FileSource(path="data/days.parquet", timestamp_field="at"),
)
counts = RequestSource(
    name="counts", schema=[Field(name="count", dtype=Int64), Field(name="list", dtype=Array(Int64))]
)
packed = RequestSource(name="packed", schema=[Field(name="packed", dtype=Bytes)])
sent = RequestSource(
    name="sent", schema=[Field(name="hour", dtype=Float64), Field(name="word", dtype=String)]
)


@computed(sources=[clicks, sent], mode="pandas", schema=[
    Field(name="pace", dtype=Float64), Field(name="known", dtype=Int64)])
def pace(rows):
    rows["pace"] = rows["n"] / (rows["hour"] + 1)
    rows["known"] = rows["n"].notna().astype("int64")
    return rows[["pace", "known"]]


@computed(sources=[clicks, sales, sent], mode="python", schema=[
    Field(name="both", dtype=Int64), Field(name="said", dtype=String),
    Field(name="parts", dtype=Array(Int64)), Field(name="when", dtype=UnixTimestamp)])
def both(rows):
    pairs = list(zip(rows["clicks__n"], rows["sales__n"], rows["word"], rows["seen"]))
    return {
        "both": [a + b for a, b, _, _ in pairs],
        "said": [f"{word}!" if word else None for _, _, word, _ in pairs],
        "parts": [[a, b] for a, b, _, _ in pairs],
        "when": [seen for _, _, _, seen in pairs],
    }


@computed(sources=[clicks], mode="python", singleton=True, schema=[Field(name="one", dtype=Int64)])
def one(row):
    return {"one": (row["n"] or 0) + 1}


@computed(sources=[clicks], mode="pandas", schema=[Field(name="n", dtype=Int64)])
def scaled(rows):
    rows["n"] = rows["n"] * 100
    return rows[["n"]]


@computed(sources=[clicks], mode="python", schema=[Field(name="n", dtype=Int64)])
def halved(rows):
    return {"n": [n // 2 for n in rows["n"]]}


@computed(sources=[days], mode="python", schema=[Field(name="weekday", dtype=Int64)])
def weekdays(rows):  # Feast tries it without keys
    return {"weekday": [day.isoweekday() for day in rows["day"]] if "day" in rows else [1]}


@computed(sources=[counts], mode="python", schema=[Field(name="kinds", dtype=String)])
def kinds(rows):
    pairs = zip(rows["count"], rows["list"])
    return {"kinds": [f"{type(a).__name__} {a}, {type(b).__name__} {b}" for a, b in pairs]}


@computed(sources=[packed], mode="python", schema=[Field(name="turned", dtype=Bytes)])
def turned(rows):
    return {"turned": [value[::-1] for value in rows["packed"]]}


@computed(sources=[clicks, sent], mode="pandas", entities=[user], write_to_online_store=True,
    schema=[Field(name="late", dtype=Float64), Field(name="word", dtype=String)])
def written(rows):
    rows["late"] = rows["n"] + rows["hour"]
    return rows[["late", "word"]]


@computed(sources=[clicks], mode="python", schema=[Field(name="word", dtype=String)])
def odd(rows):
    return {"word": ["ab"] if len(rows["n"]) == 1 else "ab"}


@computed(sources=[clicks], mode="pandas", schema=[Field(name="bad", dtype=Int64)])
def bad(rows):
    if rows["n"].eq(3).any():
        raise ValueError(f"no {rows['n'].tolist()}")
    if rows["n"].eq(10).any():
        print(f"secret {rows['n'].tolist()}")
        raise SystemExit(f"secret {rows['n'].tolist()}")
    rows["bad"] = rows["n"]
    return rows[["bad"]]
"""
USERS = [{"user_id": number, "shop_id": "a", "hour": 3.0, "word": "hi"} for number in (0, 1, 2)]
ABSENT_USER = {"user_id": 99, "shop_id": "a", "hour": 1.0, "word": None}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Features:
    root = tmp_path_factory.mktemp("computed")
    data = root / "feature_repo" / "data"
    data.mkdir(parents=True)
    pl.DataFrame(
        {"user_id": [0, 1, 2, 3], "at": [T0] * 4, "n": [0, 10, None, 3], "seen": [T0] * 4}
    ).write_parquet(data / "clicks.parquet")
    pl.DataFrame({"shop_id": ["a"], "at": [T0], "n": [5], "name": ["A"]}).write_parquet(
        data / "sales.parquet"
    )
    pl.DataFrame({"day": [T0], "at": [T0], "sold": [1]}).write_parquet(data / "days.parquet")
    (root / "feature_repo" / "views.py").write_text(DEFINITIONS)
    (root / "mlinfra.toml").write_text('[project]\nname = "computed"\n')
    features = Features(Project.open(root))
    assert features.apply().problems == []
    features.materialize()
    return features


def at(shop: Features, moment: datetime, monkeypatch: pytest.MonkeyPatch) -> Features:
    monkeypatch.setenv("MLINFRA_FEATURES_AS_OF", moment.isoformat())
    return Features(Project.open(shop._project.root))


def test_values_are_those_of_feast(shop: Features, monkeypatch: pytest.MonkeyPatch) -> None:
    here = at(shop, T0, monkeypatch)
    for refs in (["pace:pace", "pace:known"], ["both:said", "both:when"]):
        right = here.feast().get_online_features(features=refs, entity_rows=USERS[:2]).to_dict()
        batch = here.online_batch(refs, USERS[:2])
        for ref in refs:
            assert batch.values[ref] == right[ref.partition(":")[2]], ref
            assert batch.status[ref] == [FOUND, FOUND]
            assert batch.event_at[ref] == [T0, T0]


def test_values_that_feast_computed_when_they_were_written_are_read_as_they_are_stored(
    shop: Features,
) -> None:
    """`apply` makes their table, which Feast's own leaves out of SQLite. A request has the key
    alone, and the code is not run again.
    """
    refs, users = ["written:late", "written:word"], [{"user_id": number} for number in (7, 1, 8)]
    absent = shop.online(refs, users)
    assert {status for row in absent for status in row.status.values()} == {ABSENT}
    feast, before = shop.feast(), datetime.now(UTC).replace(microsecond=0)
    rows = pl.DataFrame(
        {"user_id": [1, 7], "n": [20, 1], "hour": [3.5, 0.0], "word": [None, "hi"]}
    ).with_columns(event_timestamp=T0)
    feast.write_to_online_store("written", df=rows.to_pandas())
    found = shop.online_batch(refs, users)
    assert found.values == {"written:late": [1.0, 23.5, None], "written:word": ["hi", None, None]}
    assert found.status["written:word"] == [FOUND, NULL, ABSENT]
    right = feast.get_online_features(features=refs, entity_rows=users).to_dict()
    assert [*found.values.values()] == [right["late"], right["word"]]
    assert min(at for at in found.event_at["written:late"] if at) >= before
    (row,) = shop.looked_up(refs, users[:1], code="apart")
    assert (row.entity, row.values) == (users[0], {"written:late": 1.0, "written:word": "hi"})


def test_two_sources_with_a_feature_of_the_same_name_stay_apart(
    shop: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in training; Feast's look-up takes one of them for both (0 and 20, and no error)."""
    here = at(shop, T0, monkeypatch)
    batch = here.online_batch(["both:both", "both:parts"], USERS[:2])
    assert batch.values == {"both:both": [5, 15], "both:parts": [[0, 5], [10, 5]]}
    rows = pl.DataFrame(USERS[:2]).with_columns(event_timestamp=T0)
    train = here.training_set([*batch.values], rows, full_names=True)
    for ref, values in batch.values.items():
        assert train[ref.replace(":", "__")].to_list() == values


def test_a_singleton_is_called_for_each_entity(
    shop: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Feast's look-up computes the first one alone, and its training sets whole columns."""
    here = at(shop, T0, monkeypatch)
    assert here.online_batch(["one:*"], USERS).values == {"one:one": [1, 11, 1]}
    rows = pl.DataFrame(USERS).with_columns(event_timestamp=T0)
    assert here.training_set(["one:one"], rows)["one"].to_list() == [1, 11, 1]
    assert here.training_set(["one:one"], rows[:0]).height == 0


def test_a_feature_may_be_called_as_what_it_is_computed_from(
    shop: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = at(shop, T0, monkeypatch)
    for ref, values in ({"scaled:n": [0, 1000], "halved:n": [0, 5]}).items():
        right = here.feast().get_online_features(features=[ref], entity_rows=USERS[:2]).to_dict()
        assert right["n"] == values
        assert here.online_batch([ref], USERS[:2]).values == {ref: values}


@pytest.mark.parametrize("day", [T0, "2026-03-01T00:00:00Z", date(2026, 3, 1)])
def test_the_function_gets_a_key_that_is_a_time_as_a_time(
    shop: Features, day: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in training, not as the seconds that the store has."""
    here = at(shop, T0, monkeypatch)
    assert here.online_batch(["weekdays:*"], [{"day": day}]).values == {"weekdays:weekday": [7]}


@pytest.mark.parametrize(
    ("count", "items", "found"),
    [
        ("3", "[1, 2]", "int 3, list [1, 2]"),
        (3.0, (1, 2), "int 3, list [1, 2]"),
        (None, [], "NoneType None, list []"),
        (2.7, [], "count of the request has a value of a wrong type. 2.7 is not a whole number"),
        (2**70, [], "count .* is outside"),
        ({"a": 1}, [], "count of the request has a value of a wrong type"),
        (1, "1;2", r"list of the request .* '1;2' is not a list such as \[1, 2\]"),
        (1, [1, "x"], "list of the request .* 'x' is not a whole number"),
    ],
)
def test_what_the_request_has_is_of_its_type_or_refused(
    shop: Features, count: Any, items: Any, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = at(shop, T0, monkeypatch)
    asked = ["kinds:kinds"], [{"count": count, "list": items}]
    if not found.startswith(("int", "None")):
        with pytest.raises(BadRequest, match=found):
            here.online(*asked)
        return
    assert here.online(*asked)[0].values == {"kinds:kinds": found}


def test_a_view_on_demand_is_asked_by_its_version(
    shop: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = at(shop, T0, monkeypatch)
    assert here.online(["scaled@v0:n"], [USERS[1]])[0].values == {"scaled@v0:n": 1000}


def test_one_text_for_two_rows_is_no_column_of_letters(
    shop: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = at(shop, T0, monkeypatch)
    with pytest.raises(Unprocessable, match=r"odd failed.*no word for each of 2 rows, as a list"):
        here.online(["odd:*"], [USERS[0], USERS[2]])


def test_stored_and_computed_features_keep_the_order_of_the_request(
    shop: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    (row,) = at(shop, T0, monkeypatch).online(["both:said", "clicks:n", "pace:pace"], [USERS[1]])
    assert row.values == {"both:said": "hi!", "clicks:n": 10, "pace:pace": 2.5}
    assert list(row.values) == ["both:said", "clicks:n", "pace:pace"]


def test_a_value_past_its_ttl_is_null_for_the_function_as_in_training(
    shop: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = T0 + timedelta(hours=31)
    here = at(shop, later, monkeypatch)
    (row,) = here.online(["pace:*"], [USERS[1]])
    assert row.values == {"pace:pace": None, "pace:known": 0}
    assert row.status == {"pace:pace": EXPIRED, "pace:known": FOUND}
    train = here.training_set(
        ["pace:*"], pl.DataFrame({**USERS[1], "event_timestamp": later})
    ).to_dicts()
    assert (train[0]["pace"], train[0]["known"]) == (None, 0)


def test_an_entity_that_is_not_there_holds_up_no_other(
    shop: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = at(shop, T0, monkeypatch)
    batch = here.online_batch(["both:both", "both:said", "pace:known"], [USERS[1], ABSENT_USER])
    assert batch.values == {
        "both:both": [15, None],
        "both:said": ["hi!", None],
        "pace:known": [1, 0],
    }
    assert batch.status["both:both"] == [FOUND, ABSENT]
    assert here.online_batch(["pace:*"], []).values == {"pace:pace": [], "pace:known": []}


def test_a_null_is_told_as_one(shop: Features, monkeypatch: pytest.MonkeyPatch) -> None:
    (row,) = at(shop, T0, monkeypatch).online(["pace:*"], [USERS[2]])
    assert row.values == {"pace:pace": None, "pace:known": 0}
    assert row.status == {"pace:pace": NULL, "pace:known": FOUND}


@pytest.mark.parametrize(
    ("entity", "words"),
    [
        ({"user_id": 1, "word": "x"}, "pace needs hour of the request. You gave `user_id`, `word`"),
        ({"user_id": 1, "word": "", "hour": "x"}, "hour of the request .* 'x' is not a number"),
        ({"hour": 1.0, "word": ""}, "clicks needs the key user_id"),
    ],
)
def test_what_the_request_lacks_is_named(
    shop: Features, entity: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadRequest, match=words):
        at(shop, T0, monkeypatch).online(["pace:*"], [entity])


def test_an_error_of_the_code_names_its_place_and_tells_no_masked_value(
    shop: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = at(shop, T0, monkeypatch)
    with pytest.raises(Unprocessable, match=r"The code of bad failed.*Line 3 of bad.*no \[3\]"):
        here.online(["bad:*"], [{"user_id": 3}])
    with pytest.raises(Unprocessable, match=r"bad failed\. ValueError") as quiet:
        here.online(["bad:*"], [{"user_id": 3}], telling=False)
    assert "3" not in str(quiet.value)
    assert quiet.value.__cause__ is None


def test_code_that_ends_its_process_or_loops_tells_no_masked_value(
    shop: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = at(shop, T0, monkeypatch)
    with pytest.raises(Unprocessable, match=r"bad failed\. SystemExit") as ended:
        here._online_apart(["bad:*"], [{"user_id": 1}], telling=False)
    assert "10" not in str(ended.value)
    asked = {"features": ["bad:*"], "entities": [{"user_id": 1}], "telling": False}
    monkeypatch.setattr(worker, "_ONLINE_SECONDS", 0.01)
    with pytest.raises(Unavailable, match="given up after") as late:
        worker.call(shop._project, "online", asked, telling=False)
    assert "10" not in str(late.value)


def test_a_view_whose_source_is_gone_says_so(
    shop: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = at(shop, T0, monkeypatch)
    copy = here._copy()
    left = replace(copy, views={name: view for name, view in copy.views.items() if name != "sales"})
    monkeypatch.setattr(here, "_copy", lambda: left)
    with pytest.raises(Conflict, match=r"both cannot be computed.*sales, which the registry"):
        here.looked_up(["both:*"], [USERS[0]])


def test_the_command_line_and_the_server_look_it_up(
    shop: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = at(shop, T0, monkeypatch)
    given = {**USERS[1], "hour": "3"}
    given["packed"] = "AP8="
    keys = [word for name, value in given.items() for word in ("--key", f"{name}={value}")]
    words = ["features", "online", "pace", "both:parts", "turned", *keys, "--json"]
    answer = subprocess.run(
        [sys.executable, "-m", "jupyter_mlinfra.cli", *words],
        cwd=shop._project.root,
        capture_output=True,
        check=True,
    )
    found = json.loads(answer.stdout)
    values = {"pace:pace": 2.5, "pace:known": 1, "both:parts": [10, 5], "turned:turned": "/wA="}
    assert found["values"] == values
    assert found["entity"] == {**USERS[1], "packed": "AP8="}, "each of its type: hour is a number"
    (row,) = here.looked_up(["pace:*", "both:parts", "turned:*"], [given], code="apart")
    assert json.loads(json.dumps(to_json(row)))["values"] == found["values"]
    assert to_json(row.entity) == found["entity"]
    assert row.event_at["pace:pace"] == T0
    with pytest.raises(Forbidden, match="pace cannot be looked up"):
        here.looked_up(["pace:*"], [given], code="never")


def test_its_page_says_what_it_is_asked_by(shop: Features) -> None:
    page = shop.show("both")
    assert (page.join_keys, page.asks) == (["user_id", "shop_id"], ["hour", "word"])
    for word in ("user_id=1", "shop_id=VALUE", "hour=VALUE", "word=VALUE"):
        assert f"--key {word}" in page.code["online"]
