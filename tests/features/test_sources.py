"""Sources other than Parquet files on disk: Delta tables, Iceberg tables of any catalog, datasets
of another project, files on S3; and pinned snapshots.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import deltas
import lakes
import pandas as pd
import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from feast import (
    Entity,
    FeatureService,
    FeatureStore,
    FeatureView,
    Field,
    FileSource,
    RepoConfig,
    ValueType,
)
from feast.credentials import ConnectionRef
from feast.data_format import DeltaFormat
from feast.data_source import DataSource
from feast.feature_logging import LoggingConfig
from feast.infra.data_sources.contrib.iceberg_catalog.iceberg_source import IcebergSource
from feast.infra.offline_stores.file_source import FileLoggingDestination, SavedDatasetFileStorage
from feast.types import Float64
from pyarrow import parquet
from pyiceberg.catalog import Catalog as IcebergCatalog

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.errors import NotFound, Unavailable, Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features import (
    DatasetLoggingDestination,
    DatasetSource,
    DatasetStorage,
    Features,
    PinnedIcebergSource,
)
from jupyter_mlinfra.features.dataset_source import spec_of
from jupyter_mlinfra.features.definitions import Definition, Registered
from jupyter_mlinfra.features.offline.writing import append
from jupyter_mlinfra.features.repo import OFFLINE_STORE
from jupyter_mlinfra.features.sources import one_snapshot, scan, state_of
from jupyter_mlinfra.features.store import FeatureFiles

T0 = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
USER = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)
TIMES = {"timestamp_field": "at", "created_timestamp_column": "made"}
ASKED = pd.DataFrame(
    {"user_id": [2, 1, 1], "event_timestamp": [T0 + 6 * HOUR, T0 + 6 * HOUR, T0 + HOUR]}
)


def rows(*given: tuple[int, int, float]) -> pl.DataFrame:
    """(user, hour, score) of each."""
    return pl.DataFrame(
        {
            "user_id": [user for user, _, _ in given],
            "at": [T0 + hour * HOUR for _, hour, _ in given],
            "made": [T0 + hour * HOUR for _, hour, _ in given],
            "score": [score for _, _, score in given],
        }
    )


FIRST = rows((1, 0, 1.0), (1, 5, 2.0), (2, 0, 3.0))
MORE = rows((2, 6, 30.0))


def opened(repo: Path, source: DataSource) -> FeatureStore:
    """A store of Feast with one view over the source, in no project of ours."""
    config = RepoConfig(
        project="test",
        provider="local",
        registry=str(repo / "registry.db"),
        repo_path=repo,
        online_store={"type": "sqlite", "path": str(repo / "online.db")},
        offline_store={"type": OFFLINE_STORE},
    )
    store = FeatureStore(config=config)
    view = FeatureView(
        name="scores",
        entities=[USER],
        schema=[Field(name="score", dtype=Float64)],
        source=source,
    )
    store.apply([USER, view])
    return store


def scores(store: FeatureStore) -> list[float | None]:
    """What the asked rows get."""
    job = store.get_historical_features(entity_df=ASKED, features=["scores:score"])
    found: list[float | None] = job.to_polars()["score"].to_list()
    return found


def push(store: FeatureStore, new: pl.DataFrame) -> None:
    store.write_to_offline_store("scores", new.to_pandas())


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    return folder


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project beside the repository."""
    monkeypatch.delenv("MLINFRA_PROJECT", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "mlinfra.toml").touch()
    found = Project.open(tmp_path / "lake")
    yield found
    found.database.close()


@pytest.fixture
def warehouse(tmp_path: Path) -> tuple[IcebergCatalog, dict[str, Any]]:
    """An Iceberg catalog of another make, and the arguments that name its table."""
    named = {
        "catalog_type": "sql",
        "catalog_properties": {"uri": f"sqlite:///{tmp_path}/other.db"},
        "warehouse": str(tmp_path / "warehouse"),
        "namespace": "feast",
        "table": "scores",
        **TIMES,
    }
    catalog = IcebergSource(**named).get_catalog_client()
    catalog.create_namespace("feast")
    arrow = FIRST.to_arrow()
    catalog.create_table("feast.scores", schema=arrow.schema).append(arrow)
    return catalog, named


def delta(repo: Path, project: Project, iceberg: tuple[IcebergCatalog, dict[str, Any]]) -> Any:
    write_deltalake(repo / "scores", FIRST)
    return FileSource(path="scores", file_format=DeltaFormat(), **TIMES)


def foreign(repo: Path, project: Project, iceberg: tuple[IcebergCatalog, dict[str, Any]]) -> Any:
    return IcebergSource(**iceberg[1])


def dataset(repo: Path, project: Project, iceberg: tuple[IcebergCatalog, dict[str, Any]]) -> Any:
    Catalog(project).write(FIRST, into="lake.scores")
    return DatasetSource(dataset="lake.scores", project="../lake", **TIMES)


@pytest.mark.parametrize("make", [delta, foreign, dataset], ids=["delta", "iceberg", "dataset"])
def test_a_source_is_joined_appended_to_and_put_online(
    repo: Path, project: Project, warehouse: Any, make: Callable[..., DataSource]
) -> None:
    """The repository is in no project; its relative paths are its own."""
    store = opened(repo, make(repo, project, warehouse))
    source = spec_of(store.get_feature_view("scores").batch_source.to_proto())
    assert scores(store) == [3.0, 2.0, 1.0]
    before = state_of(source, repo)
    with one_snapshot() as pins:
        assert scores(store) == [3.0, 2.0, 1.0]
        push(store, MORE)
        assert scores(store) == [3.0, 2.0, 1.0]  # the rows of the block's first look
        assert list(pins.values()) == [before]
    assert scores(store) == [30.0, 2.0, 1.0]
    assert state_of(source, repo) != before
    store.materialize(T0 - HOUR, T0 + 24 * HOUR)
    online = store.get_online_features(
        features=["scores:score"], entity_rows=[{"user_id": 1}, {"user_id": 2}]
    )
    assert online.to_dict()["score"] == [2.0, 30.0]


def test_files_whose_columns_grew_and_those_of_a_pattern_are_read_as_one(repo: Path) -> None:
    """As Feast's own stores read them, with the columns of all files; Dask takes the endings."""
    data = repo / "data"
    (data / "day=2026-01-01").mkdir(parents=True)
    (data / "day=2026-01-02" / "_temporary").mkdir(parents=True)
    old, new = data / "day=2026-01-01" / "part-1.parquet", data / "day=2026-01-02" / "part-2.pq"
    naive = pl.col("at", "made").dt.replace_time_zone(None).dt.cast_time_unit("ns")
    FIRST.with_columns(naive, score=pl.col("score").cast(pl.Float32)).write_parquet(old)
    MORE.with_columns(extra=pl.lit("x"), none=pl.lit(None)).write_parquet(new)
    (data / "day=2026-01-02" / "_temporary" / "half.parquet").write_text("half")

    def read(path: str) -> pl.DataFrame:
        return scan(spec_of(FileSource(path=path, **TIMES).to_proto()), repo).collect()

    found = read("data")
    assert found["score"].to_list() == [1.0, 2.0, 3.0, 30.0]
    assert found["extra"].to_list() == [None, None, None, "x"]
    assert found["day"].to_list() == [date(2026, 1, 1)] * 3 + [date(2026, 1, 2)]
    assert found.schema["at"] == pl.Datetime("us", "UTC")
    assert found["at"].to_list() == [*FIRST["at"], *MORE["at"]]
    for pattern in (
        "data/*/part-*",
        str(data / "d*"),
        "file://" + str(data / "**" / "part-?.p*q*"),
    ):
        assert read(pattern).equals(found), pattern
    assert read("data/*/*.parquet").columns == [*FIRST.columns, "day"]

    store = opened(repo, source := FileSource(path="data/*/part-*", **TIMES))
    assert scores(store) == [30.0, 2.0, 1.0]
    with pytest.raises(Unprocessable, match="It is a pattern"):
        push(store, read("data/*/part-*").tail(1))
    before = state_of(spec_of(source.to_proto()), repo)
    MORE.with_columns(score=pl.lit("many")).write_parquet(data / "day=2026-01-02" / "part-3.parq")
    assert state_of(spec_of(source.to_proto()), repo) != before
    with pytest.raises(
        Unprocessable, match=r"score has another type in part-3\.parq than in part-1"
    ):
        scores(store)
    with pytest.raises(NotFound, match=r"No file matches .*data/no\*\.parquet"):
        read("data/no*.parquet")


@pytest.mark.parametrize("column", ["region", "other"])
def test_a_folder_above_a_source_is_no_column(repo: Path, column: str) -> None:
    """Nor does its value take the place of a column of the files."""
    data = repo / "region=eu" / "data"
    for day, new in (("01", FIRST), ("02", MORE)):
        (data / f"day=2026-01-{day}").mkdir(parents=True)
        part = new.with_columns(pl.lit("inside").alias(column))
        part.write_parquet(data / f"day=2026-01-{day}" / "a.parquet")
    for path in ("region=eu/data", "region=eu/data/*/*.parquet"):
        found = scan(spec_of(FileSource(path=path, **TIMES).to_proto()), repo).collect()
        assert found.columns == [*FIRST.columns, column, "day"]
        assert found[column].unique().to_list() == ["inside"]
        assert found["day"].to_list() == [date(2026, 1, 1)] * 3 + [date(2026, 1, 2)]


def test_an_address_of_a_file_may_write_its_signs_in_hexadecimal(repo: Path) -> None:
    for name in ("müller & co.parquet", "100%20.parquet"):
        FIRST.write_parquet(repo / name)
        for address in ((repo / name).as_uri(), f"file://{repo / name}"):
            spec = spec_of(FileSource(path=address, **TIMES).to_proto())
            assert scan(spec, repo).collect().equals(FIRST)
    (repo / "a b").mkdir()
    for name, part in (("1.parquet", FIRST), ("2.parquet", MORE)):
        part.write_parquet(repo / "a b" / name)
    spec = spec_of(FileSource(path=f"{repo.as_uri()}/a%20b/*.parquet", **TIMES).to_proto())
    assert scan(spec, repo).collect().height == FIRST.height + MORE.height


def test_rows_are_added_to_a_file_with_an_index_of_pandas(repo: Path) -> None:
    """As `frame[frame.score > 1].to_parquet(…)` writes it; new rows have no such column."""
    FIRST.to_pandas().query("score > 1").to_parquet(repo / "scores.parquet")
    spec = spec_of(FileSource(path="scores.parquet", **TIMES).to_proto())
    assert "__index_level_0__" in scan(spec, repo).collect_schema()
    append(spec, MORE.to_arrow(), repo, view="scores")
    found = pl.read_parquet(repo / "scores.parquet")
    assert found["score"].to_list() == [2.0, 3.0, 30.0]
    assert found["__index_level_0__"].to_list() == [1, 2, None]


def test_rows_are_added_to_a_file_of_spark_with_far_times(repo: Path) -> None:
    """INT96, of which Arrow and Polars make nanoseconds: the year 9999 would be another one."""
    file, far = repo / "scores.parquet", datetime(9999, 12, 31)
    rows = FIRST.with_columns(pl.col("at", "made").dt.replace_time_zone(None), until=far).to_arrow()
    parquet.write_table(rows, file, use_deprecated_int96_timestamps=True, store_schema=False)
    store = opened(repo, FileSource(path=str(file), **TIMES))
    push(store, MORE.with_columns(until=far))
    assert scores(store) == [30.0, 2.0, 1.0]
    assert pl.read_parquet(file)["until"].to_list() == [far] * 4


def test_rows_that_are_added_to_a_file_at_once_are_all_there(repo: Path) -> None:
    """By the SDK of Feast, whose feature server has a thread for each request."""
    FIRST.write_parquet(repo / "scores.parquet")
    store = opened(repo, FileSource(path="scores.parquet", **TIMES))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda user: push(store, rows((user, 6, 1.0))), range(12)))
    assert pl.read_parquet(repo / "scores.parquet").height == FIRST.height + 12
    assert [file.name for file in repo.glob("*.parquet")] == ["scores.parquet"]


def test_a_delta_table_with_column_mapping_is_a_source(repo: Path) -> None:
    """Polars does not read it; a row that a deletion vector takes away is none."""
    written = pl.concat([FIRST, MORE, rows((1, 5, 99.0))]).with_columns(day=pl.lit("x"))
    deltas.write_mapped(repo / "scores", written, deleted=[3, 4])
    store = opened(repo, FileSource(path="scores", file_format=DeltaFormat(), **TIMES))
    assert scores(store) == [3.0, 2.0, 1.0]


def test_rows_are_added_to_a_folder_whose_columns_grew(repo: Path) -> None:
    (repo / "data").mkdir()
    FIRST.drop("score").write_parquet(repo / "data" / "a.parquet")
    FIRST.head(0).write_parquet(repo / "data" / "b.pq")
    store = opened(repo, FileSource(path="data", **TIMES))
    push(store, MORE)
    assert scores(store) == [30.0, None, None]


def test_a_table_of_before_is_read_under_its_present_names(repo: Path, warehouse: Any) -> None:
    """Without a pinned snapshot: a column that was renamed since has its new name at once."""
    catalog, named = warehouse
    with catalog.load_table("feast.scores").update_schema() as update:
        update.rename_column("score", "old")
        update.rename_column("made", "score")
    found = scan(spec_of(IcebergSource(**named).to_proto()), repo)
    assert found.collect_schema().names() == ["user_id", "at", "score", "old"]
    assert found.collect()["old"].to_list() == [1.0, 2.0, 3.0]


def test_a_pinned_table_stays_as_it_was(repo: Path, warehouse: Any) -> None:
    catalog, named = warehouse
    table = catalog.load_table("feast.scores")
    snapshot = table.current_snapshot().snapshot_id
    table.manage_snapshots().create_tag(snapshot, "v1").commit()
    table.append(MORE.to_arrow())
    assert scores(opened(repo, IcebergSource(**named))) == [30.0, 2.0, 1.0]
    for pin in (snapshot, "v1"):
        store = opened(repo, PinnedIcebergSource(snapshot=pin, **named))
        assert scores(store) == [3.0, 2.0, 1.0]
        back = store.get_feature_view("scores").batch_source  # as the registry has it
        assert isinstance(back, PinnedIcebergSource)
        assert back == PinnedIcebergSource(snapshot=pin, **named)
        assert not isinstance(back, IcebergSource)  # Feast's stores would read the newest rows
        with pytest.raises(Unprocessable, match="snapshot"):
            push(store, MORE)
    with pytest.raises(NotFound, match="no snapshot 7"):
        scores(opened(repo, PinnedIcebergSource(snapshot=7, **named)))


def test_a_pinned_dataset_stays_as_it_was(repo: Path, project: Project) -> None:
    catalog = Catalog(project)
    snapshot = catalog.write(FIRST, into="lake.scores").snapshot
    catalog.write(MORE, into="lake.scores")
    where = {"dataset": "lake.scores", "project": "../lake", **TIMES}
    assert scores(opened(repo, DatasetSource(**where))) == [30.0, 2.0, 1.0]
    store = opened(repo, DatasetSource(**where, snapshot=snapshot))
    assert scores(store) == [3.0, 2.0, 1.0]
    source = store.get_feature_view("scores").batch_source
    assert source == DatasetSource(**where, snapshot=snapshot) != DatasetSource(**where)
    assert state_of(spec_of(source.to_proto()), repo) == snapshot
    with pytest.raises(Unprocessable, match="snapshot"):
        push(store, MORE)


def test_a_repository_outside_any_project_uses_the_project_of_the_environment(
    repo: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    Catalog(project).write(FIRST, into="lake.scores")
    store = opened(repo, DatasetSource(dataset="lake.scores", project="../lake", **TIMES))
    source = DatasetSource(dataset="lake.scores", **TIMES)
    with pytest.raises(NotFound, match="in no project"):
        scores(opened(repo, source))
    monkeypatch.setenv("MLINFRA_PROJECT", str(project.root))
    assert scores(opened(repo, source)) == scores(store)


@pytest.mark.parametrize("kind", ["delta", "dataset"])
def test_a_result_is_saved_read_back_and_not_overwritten_unasked(
    repo: Path, project: Project, kind: str
) -> None:
    from feast.errors import SavedDatasetLocationAlreadyExists

    FIRST.write_parquet(repo / "scores.parquet")
    store = opened(repo, FileSource(path="scores.parquet", **TIMES))
    storage = (
        SavedDatasetFileStorage(path="saved", file_format=DeltaFormat())
        if kind == "delta"
        else DatasetStorage("lake.saved", project="../lake")
    )

    def save(count: int, *, allow_overwrite: bool) -> None:
        job = store.get_historical_features(entity_df=ASKED.head(count), features=["scores:score"])
        store.create_saved_dataset(job, "kept", storage, allow_overwrite=allow_overwrite)

    save(3, allow_overwrite=False)
    assert sorted(store.get_saved_dataset("kept").to_df()["score"]) == [1.0, 2.0, 3.0]
    with pytest.raises(SavedDatasetLocationAlreadyExists):
        save(1, allow_overwrite=False)
    save(1, allow_overwrite=True)
    assert list(store.get_saved_dataset("kept").to_df()["score"]) == [3.0]
    if kind == "delta":
        assert DeltaTable(repo / "saved").to_pyarrow_table()["score"].to_pylist() == [3.0]
    else:
        assert Catalog(project).dataset("lake.saved").scan().collect()["score"].to_list() == [3.0]


@pytest.mark.parametrize("keys", ["environment", "connection_ref"])
def test_files_on_a_server_of_ones_own_are_reached_there_alone(
    repo: Path, monkeypatch: pytest.MonkeyPatch, keys: str
) -> None:
    """Parquet and Delta: read, added to, saved, logged; with Feast's `s3_endpoint_override`."""
    with lakes.requests_elsewhere(monkeypatch) as elsewhere, lakes.s3("lake") as endpoint:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", lakes.KEY)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", lakes.SECRET)
        options = {
            "aws_endpoint_url": endpoint,
            "aws_region": "us-east-1",
            "aws_allow_http": "true",
        }
        FIRST.write_parquet("s3://lake/scores/a.parquet", storage_options=options)
        write_deltalake("s3://lake/delta", FIRST, storage_options=options)
        ref = None
        if keys == "connection_ref":
            ref = ConnectionRef(provider="env", name="AWS")
        where = {"s3_endpoint_override": endpoint, "connection_ref": ref, **TIMES}
        for source in (
            FileSource(path="s3://lake/scores", **where),
            FileSource(path="s3://lake/scores/a.parquet", **where),
            FileSource(path="s3://lake/delta", file_format=DeltaFormat(), **where),
        ):
            store = opened(repo, source)
            push(store, MORE)
            assert scores(store) == [30.0, 2.0, 1.0]
            job = store.get_historical_features(entity_df=ASKED, features=["scores:score"])
            saved = SavedDatasetFileStorage(
                path=f"{source.path}-saved",
                file_format=source.file_format,
                s3_endpoint_override=endpoint,
            )
            store.create_saved_dataset(job, "kept", saved)
            assert sorted(store.get_saved_dataset("kept").to_df()["score"]) == [1.0, 2.0, 30.0]
        assert elsewhere == []


def test_an_iceberg_catalog_whose_files_are_on_s3_is_read_at_its_endpoint(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keys are references, so no registry holds them."""
    with lakes.requests_elsewhere(monkeypatch) as elsewhere, lakes.s3("lake") as endpoint:
        monkeypatch.setenv("LAKE_SECRET", lakes.SECRET)
        properties = {
            "uri": f"sqlite:///{tmp_path}/other.db",
            "s3.endpoint": endpoint,
            "s3.access-key-id": lakes.KEY,
            "s3.secret-access-key": "env:LAKE_SECRET",
        }
        named = {"warehouse": "s3://lake/w", "namespace": "feast", "table": "scores", **TIMES}
        source = IcebergSource(catalog_type="sql", catalog_properties=properties, **named)
        known = {
            **properties,
            "s3.secret-access-key": lakes.SECRET,
            "s3.region": "us-east-1",
        }
        catalog = IcebergSource(
            catalog_type="sql", catalog_properties=known, **named
        ).get_catalog_client()
        catalog.create_namespace("feast")
        arrow = FIRST.to_arrow()
        catalog.create_table("feast.scores", schema=arrow.schema).append(arrow)
        store = opened(repo, source)
        assert scores(store) == [3.0, 2.0, 1.0]
        push(store, MORE)
        assert scores(store) == [30.0, 2.0, 1.0]
        assert elsewhere == []


IN_A_PROJECT = """
from feast import Entity, FeatureView, FileSource
from feast.data_format import DeltaFormat
from feast.infra.data_sources.contrib.iceberg_catalog.iceberg_source import IcebergSource
from feast.value_type import ValueType

from jupyter_mlinfra.features import DatasetSource

times = {{"timestamp_field": "at", "created_timestamp_column": "made"}}
user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)
sources = {{
    "delta": FileSource(path="scores", file_format=DeltaFormat(), **times),
    "iceberg": IcebergSource(**{named}),
    "pinned": DatasetSource(dataset="lake.scores", snapshot="{snapshot}", **times),
}}
delta, iceberg, pinned = [
    FeatureView(name=name, entities=[user], source=source) for name, source in sources.items()
]
"""


@pytest.mark.slow
def test_a_project_has_views_over_all_of_them(repo: Path, project: Project, warehouse: Any) -> None:
    """Without a schema, so their types are those of the columns: applied, shown, joined, put online
    and in the lineage.
    """
    snapshot = Catalog(project).write(FIRST, into="lake.scores").snapshot
    Catalog(project).write(MORE, into="lake.scores")
    feature_repo = project.root / "feature_repo"
    delta(feature_repo, project, warehouse)
    (feature_repo / "views.py").write_text(
        IN_A_PROJECT.format(named=warehouse[1], snapshot=snapshot)
    )
    features = Features(project)
    features.apply()
    expiry = Catalog(project).expire("lake.scores", older_than=timedelta(0), keep=1)
    kept = {item.id: item.kept_because for item in expiry.snapshots}
    assert kept[str(snapshot)] == "Used by view:pinned."
    for name in ("delta", "iceberg", "pinned"):
        assert (features.show(name).rows.value, features.show(name).view.problem) == (3, "")
        asked = pl.from_pandas(ASKED)
        assert features.training_set([f"{name}:score"], asked)["score"].to_list() == [3.0, 2.0, 1.0]
    assert [item.rows for item in features.materialize()] == [2, 2, 2]
    assert [item.rows for item in features.materialize()] == [0, 0, 0]  # nothing has changed
    assert features.online(["delta:score"], [{"user_id": 1}])[0].values == {"delta:score": 2.0}
    read = {edge.input for edge in project.lineage.edges() if edge.job == "features.training_set"}
    assert {"scores@0", f"dataset:lake.scores@{snapshot}"} <= read


def test_what_is_not_there_is_named(repo: Path, warehouse: Any) -> None:
    missing = FileSource(path="nowhere", file_format=DeltaFormat(), **TIMES)
    with pytest.raises(NotFound, match=r"no Delta table at .*nowhere"):
        scan(spec_of(missing.to_proto()), repo)
    named = warehouse[1]
    with pytest.raises(NotFound, match=r"no Iceberg table .*feast\.gone"):
        scan(spec_of(IcebergSource(**{**named, "table": "gone"}).to_proto()), repo)
    closed = {"uri": "postgresql+psycopg://ana:geheim@127.0.0.1:1/none"}
    with pytest.raises(Unavailable, match="cannot be reached") as refused:
        scan(spec_of(IcebergSource(**{**named, "catalog_properties": closed}).to_proto()), repo)
    assert "geheim" not in str(refused.value)


def test_answers_are_logged_to_a_dataset(repo: Path, project: Project) -> None:
    FIRST.write_parquet(repo / "scores.parquet")
    store = opened(repo, FileSource(path="scores.parquet", **TIMES))
    destination = DatasetLoggingDestination("lake.logged", project="../lake")
    service = FeatureService(
        name="served",
        features=[store.get_feature_view("scores")],
        logging_config=LoggingConfig(destination=destination),
    )
    store.apply([service])
    kept = store.get_feature_service("served")  # as the registry has it
    for number in (1, 2):
        batch = pl.DataFrame(
            {
                "user_id": [number],
                "scores__score": [2.0],
                "scores__score__timestamp": [T0.replace(tzinfo=None)],
                "scores__score__status": [2],
                "__log_timestamp": [T0 + number * HOUR],
                "__log_date": [T0.date()],
                "__request_id": [f"r{number}"],
            }
        )
        store.write_logged_features(logs=batch.to_arrow(), source=kept)
    logged = Catalog(project).dataset("lake.logged").scan().collect()
    assert sorted(logged["__request_id"]) == ["r1", "r2"]
    found = store._get_provider().retrieve_feature_service_logs(
        feature_service=kept,
        start_date=T0 + 2 * HOUR,
        end_date=T0 + 3 * HOUR,
        config=store.config,
        registry=store.registry,
    )
    assert found.to_df()["__request_id"].to_list() == ["r2"]


def test_a_log_on_a_server_of_ones_own(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with lakes.requests_elsewhere(monkeypatch) as elsewhere, lakes.s3("lake") as endpoint:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", lakes.KEY)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", lakes.SECRET)
        FIRST.write_parquet(repo / "scores.parquet")
        store = opened(repo, FileSource(path="scores.parquet", **TIMES))
        destination = FileLoggingDestination(path="s3://lake/log", s3_endpoint_override=endpoint)
        service = FeatureService(
            name="served",
            features=[store.get_feature_view("scores")],
            logging_config=LoggingConfig(destination=destination),
        )
        store.apply([service])
        batch = pl.DataFrame({"user_id": [1], "__log_timestamp": [T0]})
        store.write_logged_features(logs=batch.to_arrow(), source=service)
        found = scan(spec_of(destination.to_data_source().to_proto()), repo).collect()
        assert found.rows() == [(1, T0)]
        assert elsewhere == []


def test_a_secret_said_in_clear_stays_in_the_registry(
    project: Project, warehouse: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, named = warehouse
    monkeypatch.setenv("LAKE_TOKEN", "canary-78")
    secrets = {
        "token": "canary-77",
        "s3.secret-access-key": "canary-77",
        "client": "env:LAKE_TOKEN",
    }
    properties = {**named["catalog_properties"], **secrets}
    clear = spec_of(IcebergSource(**{**named, "catalog_properties": properties}).to_proto())
    view = Definition(
        name="scores",
        kind="batch",
        entities=[],
        keys=[],
        features=[],
        ttl_seconds=None,
        source=clear,
        online=True,
        owner="",
        tags={},
        description="",
        digest="",
        materialized_until=None,
    )
    files = FeatureFiles(project)
    files.save(Registered(views={"scores": view}, versions={"scores@v0": view}), "mark")
    index = (project.home / "features" / "index.json").read_text()
    assert "canary" not in index
    assert "env:LAKE_TOKEN" in index
    assert scan(clear, None).collect().height == 3, "training and materialize have the registry's"
    kept = files._load()[2].views["scores"].source
    with pytest.raises(Unavailable, match=r"token is said in clear.*env:NAME"):
        scan(kept, None)
