"""Features that come from columns with personal data by an aggregation, a rename or code, and where
their values are told.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import MASK
from jupyter_mlinfra.features import Features, skew, training_sets
from jupyter_mlinfra.features.definitions import Column, Definition
from jupyter_mlinfra.features.knowing import compared, reading
from jupyter_mlinfra.features.knowing.figures import statistics_of
from jupyter_mlinfra.features.knowing.masked import masked_features
from jupyter_mlinfra.features.lazily import TrainingSet
from jupyter_mlinfra.features.masking import hidden, hidden_keys
from jupyter_mlinfra.features.repo import folder
from jupyter_mlinfra.features.sources import SourceSpec
from jupyter_mlinfra.features.spec import FeatureSkew, SkewReport
from jupyter_mlinfra.features.training_lineage import origin_of
from jupyter_mlinfra.features.windows.plan import window_spec

T0 = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
PAY = SourceSpec(kind="dataset", name="hr.pay", time="at", mapping={"gross": "salary"})


def view(name: str, features: Sequence[str], source: SourceSpec | None = PAY, **more: Any) -> Any:
    facts = {
        "kind": "batch",
        "entities": ["user"],
        "keys": [Column(name="user_id", type="INT64", tags={})],
        "features": [Column(name=feature, type="DOUBLE", tags={}) for feature in features],
        "ttl_seconds": None,
        "source": source,
        "online": True,
        "owner": "",
        "tags": {},
        "description": "",
        "digest": "d",
        "materialized_until": None,
        "windows": (),
    }
    return Definition(name=name, **{**facts, **more})


WINDOWS = [
    window_spec("salary", "max", window=HOUR, slide=None, name="top"),
    window_spec("days", "sum", window=HOUR, slide=None, name="worked"),
]
VIEWS = {
    "pay": view("pay", ["salary", "days"]),
    "hourly": view("hourly", ["top", "worked"], windows=WINDOWS, computed=True, aggregated=True),
    "double": view("double", ["twice"], None, kind="on_demand", computed=True, uses=["pay"]),
    "coded": view("coded", ["made"], computed=True),
    "lost": view("lost", ["any"], None, kind="on_demand", computed=True, uses=["gone"]),
    "elsewhere": view("elsewhere", ["x"], SourceSpec(kind="dataset", name="hr.no", time="at")),
}


@pytest.fixture
def catalog(project: Project) -> Catalog:
    (project.root / "feature_repo").mkdir()
    catalog = Catalog(project)
    pay = {"user_id": [1, 2], "at": [T0, T0], "gross": [91234.5, 12.0], "days": [1.0, 2.0]}
    catalog.write(pl.DataFrame(pay), into="hr.pay")
    catalog.tag("column:hr.pay.gross", add=["pii"])
    return catalog


def test_what_is_computed_from_a_tagged_column_is_masked(
    project: Project, catalog: Catalog
) -> None:
    requested = {name: [column.name for column in view.features] for name, view in VIEWS.items()}
    repo = folder(project)
    found = {name: masked_features(VIEWS[name], repo, VIEWS) for name in VIEWS}
    assert found == {
        "pay": {"salary"},
        "hourly": {"top", "salary"},
        "double": {"twice"},
        "coded": {"made", "salary"},
        "lost": {"any", "user_id"},
        "elsewhere": {"x", "user_id"},
    }, "where tags cannot be read, nothing is told"
    requested.pop("lost")
    masked = hidden(project, requested, VIEWS, False, verb="test")
    assert masked == {"pay:salary", "hourly:top", "double:twice", "coded:made"}
    assert catalog.audit().total == 0
    assert not hidden(project, {"double": ["twice"]}, VIEWS, True, verb="test")
    (entry,) = catalog.audit().items
    assert (entry.dataset, list(entry.columns)) == ("hr.pay", ["gross"])
    assert not hidden(project, {"hourly": ["worked"]}, VIEWS, False, verb="test")


def test_examples_of_a_comparison_tell_no_personal_value(project: Project) -> None:
    told = view("pay", ["salary"])
    online = SimpleNamespace(values=[1.0, None], at=[T0, None])
    entities = [{"user_id": 1}, {"user_id": 2}]
    counted = skew._compare([91234.5, 91234.5], online, [T0] * 2, entities, told, True)
    assert counted.example.count(MASK) == 2
    assert "91234" not in counted.example
    counted = skew._compare([91234.5] * 2, online, [T0] * 2, entities, told)
    assert "91234" in counted.example
    report = SkewReport(
        view="pay",
        until=T0,
        sampled=2,
        compared=1,
        different=1,
        missing_online=1,
        rate=1.0,
        upper=1.0,
        features={
            name: FeatureSkew(
                compared=1, different=1, missing_online=0, only_online=0, example="of before"
            )
            for name in ("salary", "days")
        },
        passed=False,
    )
    compared.keep(project, told, report)
    kept, _ = compared.last(project, told, ["salary"])
    assert kept is not None
    assert [kept.features[name].example for name in ("salary", "days")] == ["", "of before"]
    kept, _ = compared.last(project, told, ["user_id"])
    assert kept is not None
    assert [kept.features[name].example for name in ("salary", "days")] == ["", ""]


def test_who_sees_the_statistics_sees_no_key_of_a_comparison(
    project: Project, catalog: Catalog
) -> None:
    catalog.tag("column:hr.pay.user_id", add=["pii"])
    told = view("pay", ["days"])
    counts = {"compared": 1, "different": 1, "missing_online": 0}
    days = FeatureSkew(**counts, only_online=0, example="user_id=1: online 1, source 2")
    report = SkewReport(
        view="pay",
        until=T0,
        sampled=1,
        **counts,
        rate=1.0,
        upper=1.0,
        features={"days": days},
        passed=False,
    )
    compared.keep(project, told, report)
    found = statistics_of(project, told, T0, {"pay": told}, reveal=True)
    assert found.skew is not None
    assert found.skew.features["days"].example == ""


def test_keys_with_personal_data_are_not_told_by_a_comparison_of_training_sets() -> None:
    recipe = training_sets.Recipe(
        requested={"pay": ["salary"]},
        entities=["email", "event_timestamp"],
        at="event_timestamp",
        full_names=False,
        pins={},
        files={},
        definitions={},
        rows=1,
        first=None,
        last=None,
    )
    stored = pl.DataFrame({"email": ["ana@x.org"], "event_timestamp": [T0], "salary": [1.0]})
    found = training_sets.compared(
        "ml.t",
        "1",
        stored,
        stored.with_columns(salary=pl.lit(2.0)),
        recipe,
        newest=False,
        changed=[],
        masked=["email"],
    ).features["pay:salary"]
    assert found.example.startswith(f"email={MASK}, ")
    assert found.example.endswith("stored 1.0, now 2.0")


def test_the_profile_of_a_dataset_of_another_project_is_masked_as_there(
    project: Project, catalog: Catalog, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    there = SourceSpec(
        kind="dataset",
        name="hr.pay",
        time="at",
        mapping={"gross": "salary"},
        options={"project": str(project.root)},
    )
    found = reading._profile(view("pay", ["salary", "days"], there), there, tmp_path / "mine")
    assert "91234" not in str(found.columns["salary"])
    assert found.columns["days"].max == 2.0


def test_a_key_is_masked_where_one_of_its_views_reads_it_from_a_tagged_column(
    project: Project, catalog: Catalog
) -> None:
    catalog.tag("column:hr.pay.user_id", add=["pii"])
    keys = {name: VIEWS[name] for name in ("pay", "double", "elsewhere")}
    assert hidden_keys(project, keys, False, verb="features examples") == {"user_id"}
    assert catalog.audit().total == 0
    assert hidden_keys(project, keys, True, verb="features examples") == frozenset()
    (entry,) = catalog.audit().items
    assert (entry.verb, entry.columns) == ("features examples", ["user_id"])


def test_what_is_kept_of_its_values_goes_when_a_column_is_tagged(
    project: Project, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Features, "registered_views", lambda _: VIEWS)
    files = {
        name: project.folder("features", "figures") / f"{name}-d.json"
        for name in ("pay", "elsewhere")
    }
    for file in files.values():
        file.write_text("{}")
    feast = folder(project) / "feast_monitoring" / "feature_metrics.parquet"
    feast.parent.mkdir()
    rows = {"feature_view_name": ["double", "elsewhere"], "histogram": ["91234.5", "1"]}
    pl.DataFrame(rows).write_parquet(feast)
    catalog.tag("column:hr.pay.days", add=["pii"])
    assert [file.exists() for file in files.values()] == [False, True]
    assert pl.read_parquet(feast)["feature_view_name"].to_list() == ["elsewhere"]


def test_a_lazy_training_set_that_is_written_is_tagged_and_leads_to_its_sources(
    project: Project, catalog: Catalog
) -> None:
    catalog.write(pl.DataFrame({"user_id": [1], "name": ["Ana"]}), into="hr.names")
    catalog.tag("column:hr.names.name", add=["pii"])
    entities = catalog.dataset("hr.names").scan()
    views = {"pay": view("pay", ["salary", "days"])}
    requested, names = {"pay": ["salary", "days"]}, ["user_id", "name"]
    rows = pl.DataFrame({"user_id": [1], "name": ["Ana"], "salary": [91234.5], "days": [1.0]})
    for data, tagged in ((entities, ["name"]), (entities.collect().lazy(), list[str]())):
        train = TrainingSet.of(
            lambda: rows,
            rows.schema,
            str,  # type: ignore[arg-type]
            lambda data=data: (  # type: ignore[misc]
                data,
                origin_of(project, requested, views, names, full_names=False, pins={}),
            ),
        )
        report = catalog.write(train, into="ml.train", mode="replace")
        assert "salary" in str(report.notes)
        assert set(catalog.preview("ml.train").masked) == {"salary", *tagged}
        made = train.select(twice=pl.col("salary") * 2, days="days", who="name")
        catalog.write(made, into="ml.made", mode="replace")
        assert set(catalog.preview("ml.made").masked) == {"twice", *(["who"] if tagged else [])}
        catalog.delete("ml.train", force=True)
        edges = catalog.lineage("ml.made").items
        assert {"dataset:hr.pay", "view:pay"} <= {edge.input for edge in edges}
        catalog.delete("ml.made", force=True)
