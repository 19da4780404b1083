"""A batch reads inputs from feature views as they were at the time of each row. Oracle: the
contract that completes online requests, over Feast's own online store, as of the same time.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.errors import BadRequest, Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments import Batches, Deployments
from jupyter_mlinfra.deployments.batch import job as batch_job
from jupyter_mlinfra.deployments.batch.job import BatchJob
from jupyter_mlinfra.deployments.featuring import FeatureWish, definitions_of, plan_of, wish_of
from jupyter_mlinfra.deployments.logged import read
from jupyter_mlinfra.deployments.packaging import package
from jupyter_mlinfra.deployments.runtime.online_features import featured
from jupyter_mlinfra.deployments.runtime.refusal import RequestRefused
from jupyter_mlinfra.deployments.samples import sample_of
from jupyter_mlinfra.deployments.spec import VersionState
from jupyter_mlinfra.deployments.targets.layout import bundles_folder
from jupyter_mlinfra.features import Features

from .conftest import Registry
from .test_batch import _NoJobs, _SubmittedError
from .test_online_features import T0, VIEWS, contract_of, train, write_shop

AS_OF = T0 + timedelta(hours=1)
DEFAULTS = {"clicks_7d": 7, "pace": 1.5, "twice": 0}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, kit: ModuleType) -> Path:
    return train(tmp_path_factory.mktemp("batch-model") / "m", kit)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop of the online tests; to be copied, because applying takes seconds."""
    features = write_shop(
        tmp_path_factory.mktemp("template") / "shop", f'[features]\nas_of = "{AS_OF}"\n'
    )
    features._project.database.close()
    return features._project.root


class Shop:
    """A copy of the shop, with a catalog and its model as version 1."""

    def __init__(self, root: Path, template: Path, model: Path) -> None:
        shutil.copytree(template, root)
        self.root, self.model, self.project = root, model, Project.open(root)
        self.features = Features(self.project)
        self.catalog, self.registry = Catalog(self.project), Registry({1: model}, "shop")
        self.batches = Batches(
            self.project,
            self.registry,  # type: ignore[arg-type]
            self.catalog,
            _NoJobs(),  # type: ignore[arg-type]
            features=lambda: self.features,
            opener="",
        )

    def scored(self, wish: FeatureWish | None = None, **options: Any) -> pl.DataFrame:
        """What the batch of `t.asked` writes, by the task that its command has."""
        options = {"max_errors": 1.0, "workers": 1, "wish": wish, **options}
        with pytest.raises(_SubmittedError) as submitted:
            self.batches.submit("shop/1", source="t.asked", into="t.scored", **options)
        task = submitted.value.task
        BatchJob(
            task,
            project=self.project,
            experiments=self.registry,  # type: ignore[arg-type]
            catalog=self.catalog,
            features=lambda: self.features,
            folder=self.root / "checkpoints" / task.key,
            report=lambda *_: None,
        ).run()
        found: pl.DataFrame = self.catalog.dataset("t.scored").scan().collect()
        return found

    def online(self, wish: FeatureWish, row: tuple[float, int]) -> float | str:
        """The answer to the same row by its keys, from the online store; else why there is none."""
        import xgboost

        plan = definitions_of(wish, read(self.model).columns, self.features)
        contract = featured(plan, contract_of(self.model))
        try:
            batch = contract.from_rows([list(row)], ["hour", "user_id"])
        except RequestRefused as error:
            return error.what.partition(" in row")[0]
        booster = xgboost.Booster(model_file=self.model / "model.ubj")
        frame = xgboost.DMatrix(batch.matrix, feature_names=booster.feature_names)
        return float(booster.predict(frame)[0])


@pytest.fixture
def shop(
    tmp_path: Path, template: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    monkeypatch.setattr(batch_job, "CHUNK_ROWS", 3)
    monkeypatch.setattr(batch_job, "JOINED_ROWS", 6)  # several joins, of several chunks
    found = Shop(tmp_path / "shop", template, model)
    file = tmp_path / "online_store.json"
    file.write_text(json.dumps(found.features.serving_store()))
    monkeypatch.setitem(os.environ, "MLINFRA_ONLINE_STORE", str(file))
    yield found
    found.project.database.close()


ROWS = [(float(number % 5), [3, 1, 99, 4, 0, 2][number % 6]) for number in range(20)]
"""Hour and user; nobody knows user 99, and user 4 has no rate."""


def asked(hours: float = 1) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": range(len(ROWS)),
            "hour": [hour for hour, _ in ROWS],
            "user_id": [user for _, user in ROWS],
            "event_timestamp": [T0 + timedelta(hours=hours)] * len(ROWS),
        }
    )


@pytest.mark.parametrize(
    ("missing", "defaults"), [(None, None), (None, DEFAULTS)], ids=["error", "default"]
)
def test_the_answers_are_those_of_the_deployment_for_the_same_entities_at_the_same_time(
    shop: Shop, missing: Any, defaults: Any
) -> None:
    wish = wish_of(VIEWS, missing, defaults)
    assert wish is not None
    shop.catalog.write(asked(), into="t.asked")
    found = shop.scored(wish)
    assert found.columns == [*asked().columns, "prediction", "model_version", "error"]
    assert found["id"].to_list() == list(range(len(ROWS)))
    known = 0
    for row, score, error in zip(ROWS, found["prediction"], found["error"], strict=True):
        right = shop.online(wish, row)
        if isinstance(right, str):
            assert (score, error) == (None, f"{right} at the time of the row.")
        else:
            assert (np.float32(score), error) == (np.float32(right), None)
            known += 1
    assert known == (len(ROWS) if defaults else sum(user != 99 for _, user in ROWS))


def test_each_row_gets_what_was_known_at_its_own_time(shop: Shop) -> None:
    late = asked(31).with_columns(id=pl.col("id") + 100)  # past the ttl
    early = asked(-1).with_columns(id=pl.col("id") + 200)
    rows = pl.concat([asked(), late, early]).rename({"event_timestamp": "seen"})
    shop.catalog.write(rows, into="t.asked")
    found = shop.scored(wish_of(VIEWS, None, None), at="seen")
    answered = found.filter(pl.col("prediction").is_not_null())
    assert set(answered["id"]) == {place for place, (_, user) in enumerate(ROWS) if user != 99}
    refs = {edge.input for edge in shop.project.lineage.edges() if "t.scored" in edge.output}
    assert {f"view:{name}" for name in VIEWS} <= {ref.partition("@")[0] for ref in refs}


def test_a_dataset_that_lacks_inputs_gets_the_views_of_the_deployment(
    shop: Shop, model: Path
) -> None:
    shop.catalog.write(asked(), into="t.asked")
    deployments = Deployments(shop.project, shop.registry)  # type: ignore[arg-type]
    with pytest.raises(Unprocessable, match="does not have the inputs"):
        shop.scored(deployed=deployments._deployed_features)
    for name, views in (("shop", VIEWS), ("other", VIEWS)):
        deploy(deployments, name, model, shop, views)
    found = shop.scored(deployed=deployments._deployed_features)
    assert found["prediction"].count() == sum(user != 99 for _, user in ROWS)
    deploy(deployments, "third", model, shop, ["clicks:clicks_7d"])
    with pytest.raises(BadRequest, match="read different features"):
        shop.scored(deployed=deployments._deployed_features, again=True)


def deploy(deployments: Deployments, name: str, model: Path, shop: Shop, views: list[str]) -> None:
    """A version that reads these views, as a deploy leaves it."""
    store, logged, wish = deployments._store, read(model), wish_of(views, None, None)
    assert wish is not None
    plan = plan_of(wish, logged.columns, sample_of(logged), shop.features)
    bundle = package(model, bundles_folder(shop.project), features=plan)
    store.begin(
        name, "v1", target="local", model="shop", number=1, workers=1, runtime="open-inference"
    )
    store.move(name, "v1", VersionState.STARTING, bundle=str(bundle.folder), wanted=True)


def test_datasets_that_do_not_fit_are_refused_before_a_job_begins(shop: Shop) -> None:
    wish = wish_of(VIEWS, None, None)
    for rows, what, why in (
        (asked().drop("event_timestamp"), "does not say when its rows were", "is not there"),
        (asked().with_columns(event_timestamp=pl.lit("now")), "does not say when", "is String"),
        (asked().with_columns(rate=pl.lit(0.5)), "has a column rate already", "clicks has it too"),
        (asked().drop("user_id"), "does not have the inputs", "Missing: user_id"),
    ):
        shop.catalog.write(rows, into="t.asked", mode="replace")
        with pytest.raises(Unprocessable, match=what) as refused:
            shop.scored(wish)
        assert why in refused.value.why


def test_views_are_read_at_the_snapshots_of_the_first_attempt(shop: Shop) -> None:
    repo = shop.features.folder
    shop.catalog.write(pl.read_parquet(repo / "data" / "clicks.parquet"), into="t.clicks")
    text = (repo / "views.py").read_text()
    own = 'source=DatasetSource(dataset="t.clicks", timestamp_field="at")'
    text = text.replace('source=FileSource(path="data/clicks.parquet", timestamp_field="at")', own)
    (repo / "views.py").write_text(
        text.replace(
            "import pandas", "from jupyter_mlinfra.features import DatasetSource\nimport pandas"
        )
    )
    features = Features(shop.project)
    features.apply()
    entities, snapshots = asked().select("user_id", "event_timestamp"), dict[str, str | None]()
    read_first = features.known_values(
        ["clicks:*"], entities, at="event_timestamp", snapshots=snapshots
    )
    assert list(snapshots) == ["t.clicks"]
    newer = pl.DataFrame(
        {"user_id": [3], "at": [T0 + timedelta(minutes=1)], "clicks_7d": [99], "rate": [0.9]}
    )
    shop.catalog.write(newer, into="t.clicks")
    again = features.known_values(["clicks:*"], entities, at="event_timestamp", snapshots=snapshots)
    assert again.equals(read_first)
    fresh = features.known_values(["clicks:*"], entities, at="event_timestamp", snapshots={})
    assert fresh["clicks:clicks_7d"][0] == 99
    assert fresh["clicks:"][0] == T0 + timedelta(minutes=1)
    with pytest.raises(BadRequest, match="twice has no stored history"):
        features.known_values(["twice:*"], entities, at="event_timestamp", snapshots={})
