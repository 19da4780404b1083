"""Features made from columns with personal data: looks for people hide their values,
models get them.
"""

from __future__ import annotations

import json
import traceback
from datetime import UTC, datetime

import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.errors import Forbidden, Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import MASK, to_json
from jupyter_mlinfra.features import Features

CANARY = "canary-7f3a"
DEFINITIONS = """
from feast import Entity, FeatureView, Field
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Float64, String, Uuid
from feast.value_type import ValueType

from jupyter_mlinfra.features import DatasetSource

person = Entity(name="person", join_keys=["id"], value_type=ValueType.INT64)
people = FeatureView(
    name="people",
    entities=[person],
    schema=[Field(name="mail", dtype=String), Field(name="score", dtype=Float64)],
    source=DatasetSource(
        dataset="hr.people", timestamp_field="at", field_mapping={"email": "mail"}
    ),
)
coded = FeatureView(
    name="coded",
    entities=[person],
    schema=[Field(name="email", dtype=Uuid)],
    source=DatasetSource(dataset="hr.people", timestamp_field="at", name="coded"),
)


@on_demand_feature_view(
    sources=[people], schema=[Field(name="length", dtype=Float64)], mode="python"
)
def lengths(inputs):
    for mail in inputs["mail"]:
        if "canary" in mail:
            raise ValueError(f"{mail} is no address")
    return {"length": [float(len(mail)) for mail in inputs["mail"]]}
"""


@pytest.mark.slow
def test_looks_for_people_mask_what_comes_from_a_tagged_column(project: Project) -> None:
    (project.root / "feature_repo").mkdir()
    (project.root / "feature_repo" / "views.py").write_text(DEFINITIONS)
    catalog, features = Catalog(project), Features(project)
    at = [datetime(2026, 3, 1, tzinfo=UTC)] * 2
    rows = {"id": [1, 2], "at": at, "email": [CANARY, None], "score": [0.5, 0.25]}
    rows["phone"] = ["1", "2"]  # of no feature
    catalog.write(pl.DataFrame(rows), into="hr.people")
    for column in ("email", "phone"):
        catalog.tag(f"column:hr.people.{column}", add=["pii"])
    features.apply()
    features.materialize("people", end=datetime(2026, 3, 2, tzinfo=UTC))
    entities = [{"id": 1}, {"id": 2}, {"id": 3}]
    served = features.online(["people:*"], entities)
    assert served[0].values == {"people:mail": CANARY, "people:score": 0.5}
    shown = features.looked_up(["people:*"], entities)
    assert CANARY not in json.dumps(to_json(shown))
    assert [row.values["people:mail"] for row in shown] == [MASK, None, None]
    assert [row.values["people:score"] for row in shown] == [0.5, 0.25, None]
    assert [row.status for row in shown] == [row.status for row in served]
    assert catalog.audit().total == 0
    assert features.looked_up(["people:*"], entities, reveal=True) == served
    (entry,) = catalog.audit("hr.people").items
    assert (entry.verb, entry.columns) == ("features online", ["email"])
    assert features.looked_up(["people:score"], entities)[0].values == {"people:score": 0.5}
    _check_known(features, catalog)
    moment = {"id": [1], "event_timestamp": [datetime(2026, 3, 2, tzinfo=UTC)]}
    catalog.write(features.train(["people:*"], pl.DataFrame(moment)), into="ml.train")
    assert CANARY in catalog.dataset("ml.train").scan().collect()["mail"].to_list()
    assert catalog.preview("ml.train").masked == ["mail"]
    _check_examples(features, catalog)
    # The dataset loses the column, and what is online stays masked.
    kept = pl.DataFrame({"id": [1], "at": at[:1], "score": [0.5]})
    catalog.write(kept, into="hr.people", mode="replace")
    assert features.looked_up(["people:mail"], entities)[0].values == {"people:mail": MASK}
    told = features.looked_up(["people:mail"], entities, reveal=True)[0].values
    assert told == {"people:mail": CANARY}
    assert catalog.audit("hr.people").items[0].columns == ["email"]
    catalog.write(kept.with_columns(email=pl.lit("new")), into="hr.people", mode="replace")
    assert features.looked_up(["people:mail"], entities)[0].values == {"people:mail": MASK}
    toml = project.root / "mlinfra.toml"
    toml.write_text(toml.read_text() + '\n[catalog]\nreveal = "never"\n')
    never = Features(Project(project.root))
    for ask in (
        lambda: never.looked_up(["people:*"], entities, reveal=True),
        lambda: never.explain("people", {"id": 1}, reveal=True),
        lambda: never.statistics("people", reveal=True),
    ):
        with pytest.raises(Forbidden):
            ask()
    catalog.delete("hr.people", force=True)
    assert features.looked_up(["people:mail"], entities)[0].values == {"people:mail": MASK}
    catalog.write(pl.DataFrame(rows), into="hr.people")  # another one of its name
    assert features.looked_up(["people:mail"], entities)[0].values == {"people:mail": MASK}


def test_what_is_made_of_a_column_is_traced_to_it_and_hidden_once_it_is_tagged(
    project: Project,
) -> None:
    (project.root / "feature_repo").mkdir()
    (project.root / "feature_repo" / "views.py").write_text(DEFINITIONS)
    catalog, features = Catalog(project), Features(project)
    at = datetime(2026, 3, 1, tzinfo=UTC)
    rows = pl.DataFrame({"id": [1], "at": [at], "email": [CANARY], "score": [0.5]})
    snapshot = catalog.write(rows, into="hr.people").snapshot
    features.apply()
    features.materialize("people", end=at)
    (edge,) = [
        edge
        for edge in features.lineage("people").items
        if edge.input == f"dataset:hr.people@{snapshot}"
    ]
    assert (edge.job, edge.output) == ("features.materialize", "view:people")
    assert sorted(edge.columns) == [("email", "mail"), ("score", "score")]

    moment = pl.DataFrame({"id": [1], "event_timestamp": [at]})
    features.snapshot("ml.train", ["people:*"], moment)
    with pytest.raises(Unprocessable, match=f"{CANARY}' is not a UUID"):
        features.materialize("coded", end=at)
    catalog.write(rows.with_columns(email=pl.lit("other")), into="hr.people", mode="replace")
    shown = f"id=1, event_timestamp={at}: stored {CANARY!r}, now 'other'"
    assert _difference(features) == shown
    catalog.tag("column:hr.people.email", add=["pii"])
    assert catalog.preview("ml.train").masked == []  # it was not tagged when this was stored
    assert _difference(features) == f"id=1, event_timestamp={at}: stored {MASK}, now {MASK}"
    catalog.tag("column:hr.people.id", add=["pii"])
    assert _difference(features).startswith(f"id={MASK}, ")
    assert catalog.audit().total == 0
    assert _difference(features, reveal=True) == shown
    assert {entry.verb for entry in catalog.audit().items} == {"features snapshot"}
    catalog.write(rows, into="hr.people", mode="replace")
    for failing in (
        lambda: features.materialize("coded", end=at),
        lambda: features.snapshot("ml.lengths", ["lengths:*"], moment),
    ):
        with pytest.raises(Unprocessable, match="ValueError; its text may hold") as caught:
            failing()
        assert CANARY not in "".join(traceback.format_exception(caught.value))


def _difference(features: Features, *, reveal: bool = False) -> str:
    """The example of what has changed since the training set was stored."""
    found = features.compare_snapshot("ml.train", newest=True, reveal=reveal)
    return found.features["people:mail"].example


def _check_known(features: Features, catalog: Catalog) -> None:
    """As of and statistics hide the values, and show them by the same rule."""
    hidden = features.explain("people", {"id": 1}), features.statistics("people")
    assert CANARY not in json.dumps(to_json(hidden))
    assert [found.masked for found in hidden] == [["mail"], ["mail"]]
    assert catalog.audit().total == 1
    explained = features.explain("people", {"id": 1}, reveal=True)
    assert explained.taken
    assert (explained.taken.values["mail"], list(explained.masked)) == (CANARY, [])
    told = features.statistics("people", reveal=True)
    assert told.profile
    assert (told.profile.columns["mail"].max, list(told.masked)) == (CANARY, [])
    shown = [(entry.verb, entry.columns) for entry in catalog.audit("hr.people").items[:2]]
    assert shown == [("features statistics", ["email"]), ("features explain", ["email"])]
    assert CANARY not in json.dumps(to_json(features.statistics("people"))), "it was kept"


def _check_examples(features: Features, catalog: Catalog) -> None:
    """Keys of example rows are masked once they are tagged; a proof gets them as they are."""
    assert features.examples(["people:*"], 2)["id"].to_list() == [1]
    features.statistics("people")
    features.check("people")
    home = catalog._project.home / "features"
    assert len([*home.glob("figures/*"), *home.glob("skew/*")]) == 2
    catalog.tag("column:hr.people.id", add=["pii"])
    assert not [*home.glob("figures/*"), *home.glob("skew/*")]
    assert features.examples(["people:*"], 2)["id"].to_list() == [MASK]
    seen = catalog.audit().total
    assert features.example_entities(["people:*"], 2, gaps=True)["id"].to_list() == [1, 2]
    assert catalog.audit().total == seen
    assert features.examples(["people:*"], 2, reveal=True)["id"].to_list() == [1]
    assert catalog.audit().items[0].verb == "features examples"
    names = {"id", "mail", "phone"}
    assert features.personal(["people", "gone"]) == names | {f"people__{name}" for name in names}
