"""Views over datasets of the catalog: one snapshot a read, incremental runs that miss nothing,
lineage down to the snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.errors import NotFound, Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features import DatasetSource, Features
from jupyter_mlinfra.features.dataset_source import spec_of
from jupyter_mlinfra.features.join import JoinView, join_as_of
from jupyter_mlinfra.features.sources import SourceSpec, one_snapshot, scan, state_of

T0 = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)

DEFINITIONS = """
from datetime import timedelta

from feast import Entity, FeatureView, Field
from feast.types import Float64
from feast.value_type import ValueType

from jupyter_mlinfra.features import DatasetSource

airport = Entity(name="airport", join_keys=["origin"], value_type=ValueType.STRING)
weather = FeatureView(
    name="weather",
    entities=[airport],
    schema=[Field(name="temp", dtype=Float64)],
    source=DatasetSource(
        dataset="flights.weather", timestamp_field="known_at", created_timestamp_column="made_at"
    ),
)
"""


def rows(*given: tuple[str, int, float], made: int = 0) -> pl.DataFrame:
    """(origin, hour, temperature) of each, written in the hour `made`."""
    at = [T0 + hour * HOUR for _, hour, _ in given]
    made_at = [T0 + made * HOUR] * len(given)
    return pl.DataFrame(
        {
            "origin": [origin for origin, _, _ in given],
            "known_at": at,
            "made_at": made_at,
            "temp": [temp for _, _, temp in given],
        }
    )


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("flights") / "project"
    (root / "feature_repo").mkdir(parents=True)
    (root / "mlinfra.toml").write_text("")
    (root / "feature_repo" / "views.py").write_text(DEFINITIONS)
    return root


@pytest.fixture(scope="module")
def flights(template: Path) -> Iterator[Project]:
    """A project whose view reads a dataset; each test appends to it and looks at what changed."""
    project = Project.open(template)
    Catalog(project).write(
        rows(("JFK", 0, 1.0), ("JFK", 5, 6.0), ("LGA", 2, 3.0)), into="flights.weather"
    )
    Features(project).apply()
    yield project
    project.database.close()


def online(features: Features) -> dict[str, float]:
    return {
        row.entity["origin"]: row.values["weather:temp"]
        for row in features.online(
            ["weather:*"], [{"origin": name} for name in ("JFK", "LGA", "EWR")]
        )
    }


@pytest.mark.slow
def test_the_life_of_a_view_over_a_growing_dataset(flights: Project) -> None:
    catalog, features = Catalog(flights), Features(flights)
    entity_rows = pl.DataFrame(
        {
            "origin": ["LGA", "JFK", "JFK"],
            "event_timestamp": [T0 + 3 * HOUR, T0 + HOUR, T0 + 9 * HOUR],
        }
    )
    first = catalog.fingerprint("flights.weather")
    prints = {features.fingerprint("weather")}

    assert features.training_set(["weather:temp"], entity_rows)["temp"].to_list() == [3.0, 1.0, 6.0]
    assert any(
        edge.input == f"dataset:flights.weather@{first}"
        for edge in flights.lineage.edges()
        if edge.job == "features.training_set"
    )
    assert features.show("weather").view.dataset == "flights.weather"
    assert [item.rows for item in features.materialize()] == [2]
    assert [item.rows for item in features.materialize()] == [0]

    # rows at the end: only these are read, and those of the same hour, of which the one made last
    # counts
    catalog.write(rows(("JFK", 5, 6.5), ("LGA", 7, 8.0), made=1), into="flights.weather")
    prints.add(features.fingerprint("weather"))
    assert features.show("weather").view.source_at == T0 + 7 * HOUR
    assert [(item.rows, item.start) for item in features.materialize()] == [(2, T0 + 5 * HOUR)]
    assert online(features) == {"JFK": 6.5, "LGA": 8.0, "EWR": None}

    # a late row of an airport not seen before: the run is a full one, so it comes online
    catalog.write(rows(("EWR", 1, 2.0)), into="flights.weather")
    assert [(item.rows, item.start) for item in features.materialize()] == [(3, T0 + HOUR)]
    assert online(features) == {"JFK": 6.5, "LGA": 8.0, "EWR": 2.0}

    # corrected rows: old event times, new values
    catalog.write(
        rows(("JFK", 5, 60.0), ("LGA", 7, 80.0), ("EWR", 1, 20.0)),
        into="flights.weather",
        mode="replace",
    )
    prints.add(features.fingerprint("weather"))
    assert features.materialize()[0].rows == 3
    assert online(features) == {"JFK": 60.0, "LGA": 80.0, "EWR": 20.0}
    assert len(prints) == 3
    edges = [
        (edge.input.partition("@")[0], edge.output)
        for edge in flights.lineage.edges()
        if edge.job == "features.materialize"
    ]
    assert set(edges) == {("dataset:flights.weather", "view:weather")}


def test_within_one_read_a_dataset_keeps_its_snapshot(flights: Project) -> None:
    catalog, repo = Catalog(flights), flights.root / "feature_repo"
    source = SourceSpec(kind="dataset", name="flights.pinned", time="known_at")
    catalog.write(rows(("JFK", 0, 1.0)), into="flights.pinned")
    before = catalog.fingerprint("flights.pinned")
    with one_snapshot() as pins:
        assert state_of(source, repo) == before
        catalog.write(rows(("JFK", 1, 2.0)), into="flights.pinned")
        assert scan(source, repo).collect().height == 1
        assert (state_of(source, repo), pins) == (before, {"flights.pinned": before})
    assert scan(source, repo).collect().height == 2
    assert state_of(source, repo) != before


def test_files_that_no_row_can_need_are_left_out_and_the_answer_stays(flights: Project) -> None:
    """The numbering of rows must be the same in both readings of the source, whatever files and
    rows the filters remove.
    """
    catalog = Catalog(flights)
    parts = [
        pl.DataFrame(
            {
                "k": [None if (part + i) % 9 == 0 else i % 5 for i in range(200)],
                "t": [T0 + timedelta(minutes=200 * part + i) for i in range(200)],
                "x": [200 * part + i for i in range(200)],
            }
        )
        for part in range(5)
    ]
    for part in parts:
        catalog.write(part, into="flights.parts")
    entity_rows = pl.DataFrame(
        {"k": [1, 2, 3], "at": [T0 + timedelta(minutes=minute) for minute in (500, 520, 620)]}
    )
    everything = pl.concat(parts)
    expected = [
        everything.filter(
            (pl.col("k") == row["k"])
            & (pl.col("t") <= row["at"])
            & (pl.col("t") >= row["at"] - 2 * HOUR)
        )
        .sort("t")["x"]
        .to_list()[-1]
        for row in entity_rows.to_dicts()
    ]
    frame = catalog.dataset("flights.parts").scan()
    for strategy in ("asof", "hash"):
        view = JoinView(
            name="v", frame=frame, keys={"k": "k"}, features={"x": "x"}, time="t", ttl=2 * HOUR
        )
        assert (
            join_as_of(entity_rows.lazy(), [view], at="at", strategy=strategy)
            .collect()["x"]
            .to_list()
            == expected
        )  # type: ignore[arg-type]


def test_columns_that_another_client_changed_count_at_once(flights: Project) -> None:
    """Without new rows: the page, training sets and what comes online follow; values of the column
    of before are not kept online.
    """
    catalog, features = Catalog(flights), Features(flights)
    catalog.write(
        rows(("JFK", 0, 1.0), ("LGA", 2, 3.0)).with_columns(dew=pl.col("temp") - 10),
        into="flights.weather",
        mode="replace",
    )
    features.materialize()
    entity_rows = pl.DataFrame({"origin": ["LGA"], "event_timestamp": [T0 + 3 * HOUR]})
    before = features.fingerprint("weather")
    with catalog._store.iceberg.load_table("flights.weather").update_schema() as update:
        update.rename_column("temp", "old").rename_column("dew", "temp")
    assert features.fingerprint("weather") != before
    assert features.training_set(["weather:temp"], entity_rows)["temp"].to_list() == [-7.0]
    assert [item.rows for item in features.materialize()] == [2]
    found = online(features)
    assert (found["JFK"], found["LGA"]) == (-9.0, -7.0)

    with catalog._store.iceberg.load_table("flights.weather").update_schema() as update:
        update.rename_column("temp", "new")
    assert "no column temp" in features.show("weather").view.problem
    with catalog._store.iceberg.load_table("flights.weather").update_schema() as update:
        update.rename_column("new", "temp").delete_column("old")
    assert features.show("weather").view.problem == ""


def test_a_source_survives_the_registry(flights: Project) -> None:
    given = DatasetSource(
        dataset="a.b",
        timestamp_field="t",
        created_timestamp_column="c",
        field_mapping={"x": "y"},
        description="d",
        tags={"k": "v"},
        owner="ana",
    )
    back = DatasetSource.from_proto(given.to_proto())
    assert back == given
    assert (back.dataset, back.owner, back.tags, back.field_mapping) == (
        "a.b",
        "ana",
        {"k": "v"},
        {"x": "y"},
    )
    assert spec_of(given.to_proto()) == SourceSpec(
        kind="dataset", name="a.b", time="t", created="c", mapping={"x": "y"}
    )
    assert given != DatasetSource(
        dataset="a.c", name="a.b", timestamp_field="t", created_timestamp_column="c"
    )


def test_types_are_inferred_from_the_dataset_and_rows_can_be_written_back(flights: Project) -> None:
    import pandas as pd

    feast = Features(flights).feast()
    columns = dict(
        feast.get_feature_view("weather").batch_source.get_table_column_names_and_types(
            feast.config
        )
    )
    assert set(columns) == {"origin", "known_at", "made_at", "temp"}
    height = Catalog(flights).dataset("flights.weather").scan().collect().height
    new = pd.DataFrame(
        {"origin": ["JFK"], "known_at": [T0 + 9 * HOUR], "made_at": [T0], "temp": [9.0]}
    )
    feast.write_to_offline_store("weather", new)
    assert Catalog(flights).dataset("flights.weather").scan().collect().height == height + 1


WHOLE = """
from feast import Entity, FeatureView

from jupyter_mlinfra.features import DatasetSource

home = Entity(name="home", join_keys=["zip"])
homes = FeatureView(
    name="homes",
    entities=[home],
    source=DatasetSource(dataset="flights.homes", timestamp_field="at"),
)
"""

HOMES = pl.DataFrame(
    {
        "zip": ["02134", "10001"],
        "at": [T0, T0],
        "street": ["Elm", None],
        "rooms": [3, 4],
        "floors": pl.Series([1, 2], dtype=pl.Int32),
        "price": [1.5, None],
        "sold": [True, False],
        "built": [date(1999, 1, 2), None],
        "seen": [T0, None],
        "local": [datetime(2026, 1, 1)] * 2,
        "plan": [b"x", b"y"],
        "areas": [[1.5, 2.0], []],
        "names": [["a", "b"], None],
        "counts": [[1], [2]],
        "visits": [[T0], []],
        "days": [[date(2026, 1, 1)], []],
    }
)


@pytest.mark.slow
def test_a_view_without_a_schema_has_the_types_that_feast_gives_the_rows_in_a_file(
    flights: Project,
) -> None:
    """And its values come online and into training sets. The file is written by Arrow: a text in it
    is text, which is large text in Polars.
    """
    from feast import FileSource
    from pyarrow import parquet

    catalog, features, file = (
        Catalog(flights),
        Features(flights),
        flights.root / "feature_repo" / "homes.py",
    )
    catalog.write(HOMES, into="flights.homes")
    file.write_text(WHOLE)
    features.apply()
    shown = {feature.name: feature.type for feature in features.show("homes").features}
    assert shown == {
        "street": "str",
        "rooms": "i64",
        "floors": "i32",
        "price": "f64",
        "sold": "bool",
        "built": "ts",
        "seen": "ts",
        "local": "ts",
        "plan": "bytes",
        "areas": "list[f64]",
        "names": "list[str]",
        "counts": "list[i64]",
        "visits": "list[ts]",
        "days": "list[ts]",
    }
    # Of these Feast 0.67 has no type in a file.
    plain = HOMES.drop("built", "names", "visits", "days")
    parquet.write_table(
        pa.Table.from_pandas(plain.to_pandas(), preserve_index=False),
        flights.root / "feature_repo" / "homes.parquet",
    )
    config = features.feast().config
    translate = FileSource.source_datatype_to_feast_value_type()
    theirs = {
        name: translate(kind).name
        for name, kind in FileSource(
            path="homes.parquet", timestamp_field="at"
        ).get_table_column_names_and_types(config)
    }
    ours = {
        name: translate(kind).name
        for name, kind in (
            features.feast()
            .get_feature_view("homes")
            .batch_source.get_table_column_names_and_types(config)
        )
    }
    assert {name: ours[name] for name in theirs} == theirs

    assert [item.rows for item in features.materialize("homes")] == [2]
    found = features.online(["homes:*"], [{"zip": "02134"}])[0].values
    midnight = datetime(1999, 1, 2, tzinfo=UTC)
    assert (
        found["homes:street"],
        found["homes:built"],
        found["homes:areas"],
        found["homes:names"],
    ) == ("Elm", midnight, [1.5, 2.0], ["a", "b"])
    assert (found["homes:days"], found["homes:visits"]) == (
        [datetime(2026, 1, 1, tzinfo=UTC)],
        [T0],
    )
    entity_rows = pl.DataFrame({"zip": ["10001"], "event_timestamp": [T0]})
    assert features.training_set(["homes:*"], entity_rows).row(0, named=True)["counts"] == [2]
    file.unlink()


@pytest.mark.slow
def test_a_column_that_feast_has_no_type_for_is_named(flights: Project) -> None:
    file = flights.root / "feature_repo" / "homes.py"
    Catalog(flights).write(
        HOMES.with_columns(tax=pl.lit(Decimal("1.50"))), into="flights.homes", mode="replace"
    )
    file.write_text(WHOLE)
    try:
        (left_out,) = Features(flights).apply().problems
        assert left_out.name == "homes"
        assert "homes.py, line 8, homes: Feast has no type for column tax (decimal" in left_out.what
        assert "schema=" in left_out.fix
    finally:
        file.unlink()


@pytest.mark.parametrize(
    ("old", "new", "error", "what"),
    [
        ("flights.weather", "flights.gone", NotFound, "flights.gone"),
        pytest.param(
            'timestamp_field="known_at"',
            'timestamp_field="when"',
            Unprocessable,
            "no column when",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_dataset_or_column_that_is_not_there_is_named(
    flights: Project, old: str, new: str, error: type[Exception], what: str
) -> None:
    file = flights.root / "feature_repo" / "views.py"
    file.write_text(DEFINITIONS.replace(old, new))
    try:
        with pytest.raises(error, match="weather") as caught:
            Features(flights).apply()
        assert what in str(caught.value)
    finally:
        file.write_text(DEFINITIONS)
