"""Inputs from the online store: Feast's real SQLite store, read as a serving process reads it.

Oracle: Feast's own `get_online_features`, and the join of training sets.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.core.feast_online.feast_stores import SqliteStore
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments import Deployments
from jupyter_mlinfra.deployments.featuring import plan_of, rows_of, wish_of
from jupyter_mlinfra.deployments.logged import Input, read
from jupyter_mlinfra.deployments.packaging import Bundle, package
from jupyter_mlinfra.deployments.payload_log import reading
from jupyter_mlinfra.deployments.runtime import online_store
from jupyter_mlinfra.deployments.runtime.contract import Column, Contract, MatrixContract
from jupyter_mlinfra.deployments.runtime.online_features import featured
from jupyter_mlinfra.deployments.runtime.refusal import RequestRefused
from jupyter_mlinfra.deployments.runtime.served import Served
from jupyter_mlinfra.deployments.samples import sample_of
from jupyter_mlinfra.features import Features, OnlineStatus

T0 = datetime(2026, 3, 1, tzinfo=UTC)
VIEWS = ["clicks", "pace", "twice"]
DEFINITIONS = """
from datetime import timedelta

import pandas as pd
from feast import Entity, FeatureView, Field, FileSource, RequestSource
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Float64, Int64
from feast.value_type import ValueType

user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)
clicks = FeatureView(
    name="clicks",
    entities=[user],
    ttl=timedelta(hours=30),
    schema=[Field(name="clicks_7d", dtype=Int64), Field(name="rate", dtype=Float64)],
    source=FileSource(path="data/clicks.parquet", timestamp_field="at"),
)
sent = RequestSource(name="sent", schema=[Field(name="hour", dtype=Float64)])


@on_demand_feature_view(
    sources=[clicks, sent], schema=[Field(name="pace", dtype=Float64)], mode="pandas"
)
def pace(inputs: pd.DataFrame) -> pd.DataFrame:
    found = pd.DataFrame()
    found["pace"] = inputs["clicks_7d"] / (inputs["hour"] + 1)
    return found


@on_demand_feature_view(
    sources=[clicks], schema=[Field(name="twice", dtype=Float64)], mode="python"
)
def twice(inputs):
    return {"twice": [2.0 * value for value in inputs["clicks_7d"]]}
"""
INPUTS = ("clicks_7d", "rate", "hour", "pace", "twice")


def write_shop(root: Path, settings: str) -> Features:
    """Five users; user u has clicked u times; user 4 has no rate. Applied and materialized."""
    repo = root / "feature_repo"
    (repo / "data").mkdir(parents=True)
    rows = {"user_id": [0, 1, 2, 3, 4], "at": [T0] * 5, "clicks_7d": [0, 1, 2, 3, 4]}
    frame = pl.DataFrame({**rows, "rate": [0.0, 0.1, 0.2, 0.3, None]})
    frame.write_parquet(repo / "data" / "clicks.parquet")
    (repo / "views.py").write_text(DEFINITIONS)
    (root / "mlinfra.toml").write_text(f'[project]\nname = "shop"\n{settings}')
    features = Features(Project.open(root))
    features.apply()
    features.materialize()
    return features


def train(folder: Path, kit: ModuleType) -> Path:
    """A booster of features and one input that is none."""
    import mlflow
    import pandas as pd
    import xgboost
    from mlflow.models import infer_signature

    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.uniform(0, 5, size=(400, 5)), columns=INPUTS)
    frame["clicks_7d"] = frame["clicks_7d"].astype("int64")
    frame.loc[::9, "rate"] = np.nan
    label = frame["clicks_7d"] * 2 + frame["pace"] + frame["twice"] - frame["hour"]
    data = xgboost.DMatrix(frame, label=label)
    booster = xgboost.train({"max_depth": 3, "nthread": 1}, data, 10)
    mlflow.xgboost.save_model(
        booster,
        folder,
        signature=infer_signature(frame, booster.predict(data)),
        input_example=frame.head(3),
        model_format="ubj",
        pip_requirements=kit.requirements(),
    )
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, kit: ModuleType) -> Path:
    return train(tmp_path_factory.mktemp("model") / "m", kit)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, kit: ModuleType) -> Iterator[Features]:
    """As of an hour after its values."""
    as_of = f'[features]\nas_of = "{T0 + timedelta(hours=1)}"\n'
    targets = "[project.targets]\nlatency_p99_ms = 5000\n[deployments]\nworkers = 1\n"
    features = write_shop(tmp_path_factory.mktemp("shop"), targets + as_of)
    yield features
    kit.clean_up(features._project)


@pytest.fixture(scope="module")
def make(shop: Features, model: Path) -> Callable[..., Mapping[str, Any]]:
    """A plan for the model with these options."""

    def plan(views: list[str] = VIEWS, **options: Any) -> Mapping[str, Any]:
        wish = wish_of(views, options.get("missing"), options.get("defaults"))
        assert wish is not None
        logged = read(model)
        return plan_of(wish, logged.columns, sample_of(logged), shop)

    return plan


@pytest.fixture(scope="module")
def plan(make: Callable[..., Mapping[str, Any]]) -> Mapping[str, Any]:
    return make()


@pytest.fixture
def store(shop: Features, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the online store of its own, and the file that tells a serving process of it."""
    settings = shop.serving_store()
    copy = tmp_path / "online.db"
    shutil.copyfile(settings["config"]["online_store"]["path"], copy)
    settings["config"]["online_store"]["path"] = str(copy)
    file = tmp_path / "online_store.json"
    file.write_text(json.dumps(settings))
    monkeypatch.setenv("MLINFRA_ONLINE_STORE", str(file))
    return copy


def contract_of(model: Path) -> Contract:
    return MatrixContract(
        [Column(item.name, item.type, item.optional) for item in read(model).columns]
    )


def asked(plan: Mapping[str, Any], model: Path, rows: list[list[Any]]) -> Any:
    return featured(plan, contract_of(model)).from_rows(rows, ["hour", "user_id"])


def test_a_request_carries_keys_and_what_no_view_has(plan: Mapping[str, Any]) -> None:
    assert [(item["name"], item["type"]) for item in plan["inputs"]] == [
        ("hour", "double"),
        ("user_id", "long"),
    ]
    assert plan["sample"]["names"] == ["hour", "user_id"]
    assert [line.partition("==")[0] for line in plan["requirements"]] == ["feast"]


@pytest.mark.parametrize("key", [2**53, 2**53 + 1, -(2**62)])
def test_keys_that_a_request_cannot_carry_are_refused_at_the_deploy(key: int) -> None:
    view = {
        "name": "rides",
        "keys": [{"name": "ride", "type": "INT64"}],
        "features": [{"name": "length", "type": "DOUBLE"}],
    }
    found = {"requested": {"rides": ["length"]}, "views": [view], "on_demand": []}
    shop: Any = SimpleNamespace(
        serving=lambda _: found | {"requirements": []},
        personal=lambda _: frozenset(),
        example_entities=lambda *_, **__: pl.DataFrame({"ride": [1, key]}),
        online=lambda _, entities: [SimpleNamespace(complete=True)] * len(entities),
    )
    wish = wish_of(["rides"], None, None)
    assert wish is not None
    columns = [Input(name="length", type="double", optional=False)]
    sample = {"names": ["length"], "ndarray": [[1.0]]}
    if key == 2**53:
        assert plan_of(wish, columns, sample, shop)["sample"]["ndarray"] == [[1], [key]]
        return
    with pytest.raises(BadRequest, match=f"cannot carry, such as {abs(key)}") as refused:
        plan_of(wish, columns, sample, shop)
    assert "Make ride a STRING" in refused.value.fix


@pytest.mark.usefixtures("store")
def test_rows_are_completed_as_feast_itself_would(
    plan: Mapping[str, Any], model: Path, shop: Features
) -> None:
    rows = [[3.0, 3], [0.0, 1], [1.0, 4]]
    batch = asked(plan, model, rows)
    refs = ["clicks:clicks_7d", "clicks:rate", "pace:pace", "twice:twice"]
    entities = [{"hour": hour, "user_id": user} for hour, user in rows]
    right = shop.feast().get_online_features(refs, entities).to_dict()
    for place, name in enumerate(INPUTS):
        expected = [hour for hour, _ in rows] if name == "hour" else right[name]
        found = [None if value != value else value for value in batch.matrix[:, place].tolist()]
        assert found == pytest.approx(expected), name
    # The log has what was read, the key, and of when it is.
    assert batch.logged[0] == [3, 0.3, 3.0, 0.75, 6.0, 3, "2026-03-01T00:00:00"]


@pytest.mark.usefixtures("store")
def test_a_stored_null_is_a_value_for_an_input_that_may_be_missing(
    make: Callable[..., Mapping[str, Any]], model: Path, shop: Features
) -> None:
    """Whatever becomes of values that are not there: user 4 has no rate, user 99 has no row."""
    (row,) = shop.online(["clicks:rate"], [{"user_id": 4}])
    assert row.status == {"clicks:rate": OnlineStatus.NULL}
    defaults = {"clicks_7d": 7, "rate": 0.5, "pace": 1.5, "twice": 0}
    for plan in (make(), make(defaults=defaults)):
        assert [4] in [row[1:] for row in plan["sample"]["ndarray"]], "as complete as the others"
        batch = asked(plan, model, [[1.0, 4]])
        assert batch.matrix[0, 1] != batch.matrix[0, 1], "not the default"
    assert asked(make(defaults=defaults), model, [[1.0, 99]]).matrix[0, 1] == 0.5


@pytest.mark.usefixtures("store")
def test_one_row_takes_well_under_ten_milliseconds(plan: Mapping[str, Any], model: Path) -> None:
    contract = featured(plan, contract_of(model))
    begun = []
    for _ in range(60):
        started = time.process_time()
        contract.from_rows([[2.5, 3]], ["hour", "user_id"])
        begun.append(time.process_time() - started)
    assert sorted(begun)[30] < 0.01


@pytest.mark.usefixtures("store")
def test_an_unknown_entity_is_refused_by_name_with_its_view(
    plan: Mapping[str, Any], model: Path
) -> None:
    with pytest.raises(RequestRefused) as caught:
        asked(plan, model, [[1.0, 2], [1.0, 99]])
    assert caught.value.status == 422
    assert caught.value.what == "clicks has no value of clicks_7d in row 2.", "as it is logged"
    assert caught.value.why.startswith("user_id=99: ")
    with pytest.raises(RequestRefused, match="user_id"):
        asked(plan, model, [[1.0, None]])


def test_a_value_past_its_ttl_is_missing(plan: Mapping[str, Any], model: Path, store: Path) -> None:
    file = store.with_name("online_store.json")
    settings = json.loads(file.read_text())
    settings["as_of"] = (T0 + timedelta(hours=30)).isoformat()
    file.write_text(json.dumps(settings))
    assert asked(plan, model, [[1.0, 2]]).size == 1
    settings["as_of"] = (T0 + timedelta(hours=30, seconds=1)).isoformat()
    file.write_text(json.dumps(settings))
    with pytest.raises(RequestRefused, match="2026-03-01 00:00:00 UTC"):
        asked(plan, model, [[1.0, 2]])


@pytest.mark.usefixtures("store")
def test_the_other_policies_answer_without_the_store_s_values(
    make: Callable[..., Mapping[str, Any]], model: Path
) -> None:
    defaults = {"clicks_7d": 7, "pace": 1.5, "twice": 0}
    batch = asked(make(defaults=defaults), model, [[2.0, 99], [2.0, 1]])
    first = batch.matrix[0].tolist()
    assert first[0] == 7
    assert first[1] != first[1], "rate may be missing, and has no default"
    assert first[2:] == [2.0, 1.5, 0.0]
    assert batch.matrix[1].tolist() == pytest.approx([1, 0.1, 2.0, 1 / 3, 2.0])
    only_rate = make(["clicks:rate"], missing="null")
    names = [item["name"] for item in only_rate["inputs"]]
    contract = featured(only_rate, contract_of(model))
    row = {"clicks_7d": 1, "hour": 2.0, "pace": 3.0, "twice": 4.0, "user_id": 99}
    (found,) = contract.from_rows([[row[name] for name in names]], names).matrix.tolist()
    assert found[1] != found[1]
    assert [found[0], *found[2:]] == [1, 2.0, 3.0, 4.0]


def test_policies_that_leave_values_open_are_refused_at_the_deploy(
    make: Callable[..., Mapping[str, Any]],
) -> None:
    with pytest.raises(BadRequest, match="clicks_7d may not be missing"):
        make(missing="null")
    with pytest.raises(BadRequest, match="There are no defaults"):
        make(missing="default")
    with pytest.raises(BadRequest, match="no feature hour"):
        make(defaults={"hour": 1})
    with pytest.raises(BadRequest, match="No features are named"):
        wish_of(None, "null", None)


def test_a_store_that_is_gone_answers_503_and_one_that_is_back_answers(
    plan: Mapping[str, Any], model: Path, store: Path
) -> None:
    contract = featured(plan, contract_of(model))
    row, names = [[1.0, 2]], ["hour", "user_id"]
    before = contract.from_rows(row, names).matrix.tolist()
    away = store.with_suffix(".away")
    store.rename(away)
    with pytest.raises(RequestRefused, match="did not answer") as caught:
        contract.from_rows(row, names)
    assert caught.value.status == 503
    assert not store.exists(), "no empty store is made"
    shutil.copyfile(away, store)  # another file of the same name
    assert contract.from_rows(row, names).matrix.tolist() == before
    store.unlink()
    store.write_bytes(b"this is no database at all, whatever its name says")
    with pytest.raises(RequestRefused, match="not a database"):
        contract.from_rows(row, names)


@pytest.mark.usefixtures("store")
def test_a_read_that_hangs_is_given_up_and_holds_no_other_request(
    plan: Mapping[str, Any], model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = featured(plan, contract_of(model))
    contract.from_rows([[1.0, 2]], ["hour", "user_id"])
    read_online = SqliteStore.read
    hang = [True]

    def slow(self: Any, *arguments: Any, **named: Any) -> Any:
        if hang.pop() if hang else False:
            time.sleep(4)
        return read_online(self, *arguments, **named)

    monkeypatch.setattr(SqliteStore, "read", slow)
    monkeypatch.setattr(online_store, "READ_SECONDS", 0.5)
    started = time.monotonic()
    with pytest.raises(RequestRefused, match=r"within 0\.5 s"):
        contract.from_rows([[1.0, 2]], ["hour", "user_id"])
    assert time.monotonic() - started < 3.5
    monkeypatch.setattr(online_store, "READ_SECONDS", 60.0)
    assert contract.from_rows([[1.0, 2]], ["hour", "user_id"]).size == 1


def test_online_values_are_compared_with_those_of_training(
    plan: Mapping[str, Any], model: Path, shop: Features, tmp_path: Path
) -> None:
    bundle = package(model, tmp_path / "bundles", features=plan)
    assert "feast" in " ".join(bundle.requirements)
    rows = rows_of(bundle, shop)
    assert rows.gate.passed, rows.gate.measured
    assert rows.gate.measured == "10 values of 5 entities equal"
    by_user = {
        row[1]: dict(zip(INPUTS, full, strict=True))
        for row, full in zip(rows.asked["ndarray"], rows.complete["ndarray"], strict=True)
    }
    assert (by_user[3]["twice"], by_user[3]["clicks_7d"], by_user[4]["rate"]) == (6.0, 3, None)
    skewed = _Skewed(shop)
    found = rows_of(bundle, skewed)  # type: ignore[arg-type]
    assert not found.gate.passed
    assert "clicks:clicks_7d of user_id=" in found.gate.measured
    assert "online and" in found.gate.measured
    assert not found.asked["ndarray"]


class _Skewed:
    """The shop with an online store whose clicks are one too many."""

    def __init__(self, shop: Features) -> None:
        self._shop = shop

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shop, name)

    def online(self, refs: Any, entities: Any) -> Any:
        found = self._shop.online(refs, entities)
        for item in found:
            item.values["clicks:clicks_7d"] += 1  # type: ignore[index]
        return found


def test_a_served_version_logs_the_features_it_used(
    plan: Mapping[str, Any], model: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import xgboost

    bundle: Bundle = package(model, store.parent / "bundles", features=plan)
    log = store.parent / "payloads"
    for name, value in {
        "MLINFRA_BUNDLE": str(bundle.folder),
        "MLINFRA_DEPLOYMENT": "shop",
        "MLINFRA_VERSION": "v1",
        "MLINFRA_MODEL": "shop/1",
        "MLINFRA_PAYLOADS": str(log),
    }.items():
        monkeypatch.setenv(name, value)
    served = Served()
    served.load()
    body = {"data": {"names": ["user_id", "hour"], "ndarray": [[3, 3.0]]}}
    answer = json.loads(served.seldon_v1(json.dumps(body).encode(), lambda _: None).body)
    booster = xgboost.Booster(model_file=model / "model.ubj")
    row = np.array([[3, 0.3, 3.0, 0.75, 6.0]])
    right = booster.inplace_predict(row, validate_features=False)
    assert answer["data"]["ndarray"] == pytest.approx(right.tolist())
    assert [item["name"] for item in served.metadata()["inputs"]] == ["hour", "user_id"]
    assert served.metadata()["outputs"] == [{"name": "predict", "datatype": "FP32", "shape": [-1]}]
    assert served.journal is not None
    served.journal.close()
    (kept,) = reading.scan(log, None).to_dicts()
    assert {name: kept[name] for name in (*INPUTS, "user_id")} == {
        "clicks_7d": 3,
        "rate": 0.3,
        "hour": 3.0,
        "pace": 0.75,
        "twice": 6.0,
        "user_id": 3,
    }
    assert str(kept["clicks.event_timestamp"]).startswith("2026-03-01 00:00:00")


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["seldon-core", "open-inference"])
def test_a_deployment_reads_its_features_by_both_protocols(
    runtime: str, model: Path, kit: ModuleType, shop: Features
) -> None:
    deployments = Deployments(shop._project, kit.Registry({1: model}), features=lambda: shop)
    record = deployments.deploy(runtime, version="flights/1", runtime=runtime, features=VIEWS)
    gates = {gate.name: gate for item in record.versions for gate in item.gates}
    assert gates["features"].measured == "10 values of 5 entities equal"
    assert all(gate.passed for gate in gates.values()), gates
    rows = [{"user_id": 3, "hour": 3.0}]
    found = deployments.predict(runtime, rows)
    explained = deployments.explain(runtime, rows)
    assert explained.rows[0].prediction == pytest.approx(found.predictions[0])
    assert explained.inputs == list(INPUTS)
    assert explained.rows[0].values == pytest.approx([3, 0.3, 3.0, 0.75, 6.0])
    end = time.monotonic() + 30  # the log is written now and then
    while (known := deployments.known_rows(runtime).items)[0].origin != "logged":
        assert time.monotonic() < end
        time.sleep(0.1)
    assert known[0].row == {"hour": 3.0, "user_id": 3}
    assert known[-1].origin == "sample"
    with pytest.raises(BadRequest, match="user_id=99"):
        deployments.predict(runtime, [{"user_id": 99, "hour": 2.5}])
    online = Path(shop.serving_store()["config"]["online_store"]["path"])
    away = online.rename(online.with_suffix(".away"))
    body = json.dumps({"data": {"names": ["user_id", "hour"], "ndarray": [[3, 3.0]]}}).encode()
    try:
        status, text = _post(record.url, body)
    finally:
        away.rename(online)
    assert status == 503
    assert "online store did not answer" in text
    end = time.monotonic() + 30
    while (answer := _post(record.url, body))[0] != 200:
        assert time.monotonic() < end, answer
        time.sleep(0.2)
    # Not through the gateway without the project's secret.
    assert _post(record.url.replace("predictions", "explain"), body)[0] == 404


def _post(url: str, body: bytes) -> tuple[int, str]:
    import httpx

    answer = httpx.post(url, content=body, headers={"Content-Type": "application/json"}, timeout=40)
    return answer.status_code, answer.text
