"""What the registry holds beside plain views: versions, labels, streams, services, saved training
sets and entities; in a SQLite, a file and a PostgreSQL registry.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from feast.infra.offline_stores.file_source import SavedDatasetFileStorage
from servers import postgres

from jupyter_mlinfra.cli.app import run
from jupyter_mlinfra.cli.session import Session
from jupyter_mlinfra.core.errors import BadRequest, Conflict, NotFound
from jupyter_mlinfra.features import Features

from .conftest import T0, make_shop

MORE = """
from datetime import timedelta

import pandas as pd
from feast import FeatureService, Field, FileSource, PushSource, RequestSource, StreamFeatureView
from feast.aggregation import Aggregation
from feast.feature_logging import LoggingConfig
from feast.infra.offline_stores.file_source import FileLoggingDestination
from feast.labeling import ConflictPolicy, LabelView
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Float64, Int64, String
from views import clicks, spend, user

pushed = PushSource(
    name="live",
    batch_source=FileSource(name="paid", path="data/spend.parquet", timestamp_field="at"),
)
hourly = StreamFeatureView(
    name="hourly", entities=[user], ttl=timedelta(days=1), source=pushed, timestamp_field="at",
    schema=[Field(name="sum_amount_3600s", dtype=Float64)],
    aggregations=[Aggregation(column="amount", function="sum", time_window=timedelta(hours=1))],
)
fraud = LabelView(
    name="fraud", entities=[user], labeler_field="who",
    schema=[Field(name="is_fraud", dtype=Int64), Field(name="who", dtype=String)],
    source=PushSource(
        name="verdicts", batch_source=FileSource(path="data/fraud.parquet", timestamp_field="at")
    ),
    conflict_policy=ConflictPolicy.LABELER_PRIORITY, reference_feature_view="clicks",
    tags={"mlinfra.labelers": "ana, bot", "gold": "yes"}, owner="ana",
)
asked = RequestSource(name="asked", schema=[Field(name="limit", dtype=Float64)])


@on_demand_feature_view(sources=[clicks, asked], schema=[Field(name="over", dtype=Float64)])
def judged(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"over": rows["rate"] - rows["limit"]})


ranking = FeatureService(
    name="ranking", features=[clicks[["rate"]], spend], owner="eva", tags={"tier": "gold"},
    description="For the front page",
    logging_config=LoggingConfig(destination=FileLoggingDestination(path="logs")),
)
renamed = FeatureService(name="renamed", features=[clicks.with_join_key_map({"user_id": "buyer"})])
"""


def add_more(root: Path) -> None:
    repo = root / "feature_repo"
    (repo / "more.py").write_text(MORE)
    fraud = {"user_id": [1, 1], "is_fraud": [1, 0], "who": ["ana", "bot"]}
    pl.DataFrame(fraud).with_columns(at=pl.Series([T0, T0 + timedelta(hours=1)])).write_parquet(
        repo / "data" / "fraud.parquet"
    )


def widen(root: Path) -> None:
    """Give clicks another column: Feast's version 1 of it."""
    data = root / "feature_repo" / "data" / "clicks.parquet"
    pl.read_parquet(data).with_columns(seen=pl.col("clicks_7d") * 2).write_parquet(data)
    views = root / "feature_repo" / "views.py"
    rate = '        Field(name="rate", dtype=Float64),\n'
    seen = '        Field(name="seen", dtype=Int64),\n'
    views.write_text(views.read_text().replace(rate, rate + seen))


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Features]:
    project = make_shop(tmp_path_factory.mktemp("rich") / "shop")
    add_more(project.root)
    features = Features(project)
    assert features.apply().problems == []
    widen(project.root)
    # What is computed from clicks knows its columns.
    assert features.apply().updated == ["clicks", "judged"]
    feast = features.feast()
    feast.create_saved_dataset(
        feast.get_historical_features(
            entity_df=features.examples(["clicks:*"]).to_pandas(), features=["clicks:rate"]
        ),
        name="march",
        storage=SavedDatasetFileStorage(str(project.root / "march.parquet")),
        tags={"for": "report"},
    )
    yield features
    project.database.close()


def test_views_of_all_kinds_are_listed_and_chosen_by_kind_and_tag(rich: Features) -> None:
    kinds = {view.name: (view.kind, view.version) for view in rich.views().items}
    assert kinds == {
        "clicks": ("batch", 1),
        "fraud": ("label", None),
        "hourly": ("stream", 0),
        "judged": ("on_demand", 1),
        "spend": ("batch", 0),
    }
    assert [view.name for view in rich.views(kind="label").items] == ["fraud"]
    assert [view.name for view in rich.views(tag=["team=growth"]).items] == ["clicks"]
    assert [view.name for view in rich.views(tag=["team=sales"]).items] == []
    assert {feature.view for feature in rich.list(tag=["gold"]).items} == {"fraud"}
    assert [feature.name for feature in rich.list(kind="on_demand").items] == ["over"]


def test_the_page_of_a_view_tells_what_it_is_made_of_and_who_takes_it(rich: Features) -> None:
    fraud = rich.show("fraud")
    assert fraud.labels is not None
    assert (fraud.labels.policy, fraud.labels.labeler, fraud.labels.priorities) == (
        "labeler_priority",
        "who",
        ["ana", "bot"],
    )
    assert (fraud.labels.about, fraud.push, fraud.rows.value) == ("clicks", "verdicts", 2)
    hourly = rich.show("hourly")
    assert [(item.feature, item.function, item.seconds) for item in hourly.windows] == [
        ("sum_amount_3600s", "sum", 3600)
    ]
    assert hourly.view.problem == ""  # its feature is computed: no source has it
    assert rich.show("judged").uses == ["clicks"]
    assert rich.show("clicks").services == ["ranking", "renamed"]


def test_a_version_is_read_joined_and_shown_as_it_was(rich: Features) -> None:
    now, then = rich.show("clicks"), rich.show("view:clicks@v0")
    assert now.versions == ["clicks@v1", "clicks@v0"]
    wider = rich.compare_views("clicks@v0", "clicks")
    assert (wider.added, wider.removed, wider.retyped, wider.changes) == (["seen"], [], {}, [])
    assert rich.compare_views("clicks@v1", "clicks").same
    assert 'rows["rate"] - rows["limit"]' in rich.compare_views("judged", "clicks").code
    assert [feature.name for feature in now.features] == ["clicks_7d", "rate", "seen"]
    assert ([feature.name for feature in then.features], then.view.ref) == (
        ["clicks_7d", "rate"],
        "view:clicks@v0",
    )
    assert rich.show("clicks@latest").view == now.view
    entities = rich.examples(["clicks@v0:*"])
    train = rich.training_set(
        ["clicks@v0:rate", "clicks@V1:seen", "clicks:clicks_7d"], entities, full_names=True
    )
    assert train.columns[-3:] == ["clicks@v0__rate", "clicks@v1__seen", "clicks__clicks_7d"]
    assert train["clicks@v1__seen"].to_list() == [2 * n for n in train["clicks__clicks_7d"]]
    assert train["clicks@v0__rate"].null_count() <= 1
    edges = {(edge.input, edge.job) for edge in rich._project.lineage.edges()}
    assert ("view:clicks@v0", "features.training_set") in edges
    with pytest.raises(NotFound, match="no feature seen"):
        rich.training_set(["clicks@v0:seen"], entities)
    with pytest.raises(NotFound, match="no clicks@v7") as caught:
        rich.show("clicks@v7")
    assert "clicks@v0, clicks@v1" in caught.value.why
    for refused in (
        lambda: rich.online(["clicks@v0:rate"], [{"user_id": 1}]),
        lambda: rich.serving(["clicks@v0:rate"]),
    ):
        with pytest.raises(Conflict, match="clicks@v0 is not online") as caught_online:
            refused()
        assert "versioning" not in caught_online.value.fix  # our look-ups do not read such tables
    plan = rich.serving(["clicks@v1:rate", "clicks:seen"])
    assert [view["name"] for view in plan["views"]] == ["clicks"]
    assert plan["requested"] == {"clicks": ["rate", "seen"]}


def test_rows_for_computed_features_need_the_keys_and_what_comes_with_a_request(
    rich: Features,
) -> None:
    rows = rich.examples(["judged:over"])  # keys of the view that it is computed from
    assert rows.columns == ["user_id", "event_timestamp"]
    with pytest.raises(BadRequest, match="judged needs the column limit"):
        rich.training_set(["judged:over"], rows)
    limited = rows.with_columns(limit=pl.lit(0.5))
    with pytest.raises(BadRequest, match="no column user_id") as caught:
        rich.training_set(["judged:over"], limited.drop("user_id"))
    assert caught.value.fix == "Add it; the entity rows have event_timestamp, limit."
    found = rich.training_set(["clicks:rate", "judged:over"], limited)
    assert found["over"].to_list() == [rate - 0.5 for rate in found["rate"]]


def test_a_service_names_the_features_of_a_training_set(rich: Features) -> None:
    assert [service.name for service in rich.services().items] == ["ranking", "renamed"]
    assert [service.name for service in rich.services(tag=["tier=gold"]).items] == ["ranking"]
    page = rich.service("ranking")
    assert (page.service.owner, page.service.logs) == ("eva", "logs")
    assert [feature.ref for feature in page.features] == [
        "feature:clicks:rate",
        "feature:spend:amount",
        "feature:spend:shop",
    ]
    entities = rich.examples(["service:ranking"])
    assert rich.training_set(["service:ranking"], entities).columns[-3:] == [
        "rate",
        "amount",
        "shop",
    ]
    assert "service:ranking" in page.code["python"]
    assert rich.search("front page").items[0].ref == "service:ranking"
    assert "only Feast" in rich.service("renamed").service.problem
    with pytest.raises(BadRequest, match="renames clicks"):
        rich.training_set(["service:renamed"], entities)
    with pytest.raises(NotFound, match="no service rank"):
        rich.service("rank")


def test_labels_are_resolved_in_training_sets_and_online(rich: Features) -> None:
    """The later label is the bot's, the stronger one ana's."""
    entities = pl.DataFrame(
        {"user_id": [1, 1, 2], "event_timestamp": [T0, T0 + timedelta(days=1), T0]}
    )
    train = rich.training_set(["fraud:*"], entities)
    assert train.select("is_fraud", "who").rows() == [(1, "ana"), (1, "ana"), (None, None)]
    known = rich.known_values(["fraud:is_fraud"], entities, at="event_timestamp", snapshots={})
    assert known["fraud:is_fraud"].to_list() == [1, 1, None]
    assert [item.rows for item in rich.materialize("fraud", end=T0 + timedelta(days=1))] == [1]
    [part] = rich.materialize(
        "fraud",
        start=T0 + timedelta(minutes=30),
        end=T0 + timedelta(days=1),
        every=timedelta(minutes=30),
    )
    assert part.parts == 1, "all labels are needed to know which counts"
    [found] = rich.online(["fraud:*"], [{"user_id": 1}])
    assert found.values == {"fraud:is_fraud": 1, "fraud:who": "ana"}
    checked = rich.check("fraud")
    assert (checked.compared, checked.different) == (2, 0)


def test_saved_sets_and_entities_are_shown_and_found_by_name(rich: Features) -> None:
    saved = rich.saved_set("march")
    assert (saved.features, saved.keys, saved.tags) == (
        ["clicks:rate"],
        ["user_id"],
        {"for": "report"},
    )
    assert saved.stored.endswith("march.parquet")
    assert saved.last == T0 + timedelta(days=1)
    user = rich.entity("user")
    assert (user.key, user.type, user.views) == (
        "user_id",
        "i64",
        ["clicks", "fraud", "hourly", "spend"],
    )
    session = Session(str(rich._project.root), json=True)
    for name, kind in (
        ("clicks@v0", "ViewDetail"),
        ("ranking", "ServiceDetail"),
        ("march", "SavedSet"),
        ("item", "Entity"),
        ("entity:user", "Entity"),
    ):
        found = run(["features", "show", name], session)
        assert (found.exit_code, type(found.value).__name__) == (0, kind)


def facts(features: Features) -> list[object]:
    # Feast's file registry compares a stream view with itself before it was written: each apply
    # is a version.
    views = features.views().items
    return [
        [(view.name, view.kind) for view in views],
        {view.name: view.version for view in views if view.kind != "stream"},
        [service.features for service in features.services().items],
        features.show("clicks").versions,
        features.show("fraud").labels,
        features.training_set(["clicks@v0:rate"], features.examples(["clicks@v0:*"])).to_dicts(),
    ]


@pytest.mark.slow
@pytest.mark.timeout(900)  # four applies, each in a process that loads Feast
def test_a_file_and_a_postgresql_registry_hold_the_same(rich: Features, tmp_path: Path) -> None:
    expected = facts(rich)
    with postgres() as server:
        address = f"postgresql+psycopg://postgres:${{PASSWORD}}@{server.address}/postgres"
        registries = {
            "file": "registry: data/registry.pb\n",
            "postgres": f"registry:\n  registry_type: sql\n  path: {address}\n",
        }
        for name, text in registries.items():
            project = make_shop(tmp_path / name / "shop")
            shutil.rmtree(project.root / "feature_repo" / "data")
            add_data = project.root / "feature_repo"
            shutil.copytree(rich._project.root / "feature_repo" / "data", add_data / "data")
            (add_data / "feature_store.yaml").write_text(text)
            add_more(project.root)
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("PASSWORD", "secret")
                features = Features(project)
                features.apply()
                widen(project.root)
                features.apply()
                features._store._index.unlink(missing_ok=True)  # a remote one is read once a minute
                assert facts(features) == expected
                index = features._store._index.read_text()
                assert "secret" not in index
            project.database.close()
