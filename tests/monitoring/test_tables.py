"""What monitors keep is in the catalog: listed, shown, previewed and found, and never written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog, DatasetName
from jupyter_mlinfra.catalog.tables.domain import table_of_domain
from jupyter_mlinfra.core.errors import BadRequest, Conflict, NotFound, Unavailable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import now
from jupyter_mlinfra.deployments import Batches
from jupyter_mlinfra.deployments.targets.layout import payload_folder
from jupyter_mlinfra.monitoring.hours.points import Point
from jupyter_mlinfra.monitoring.hours.series import HOUR, SeriesStore, frame_of
from jupyter_mlinfra.monitoring.store import MonitorStore
from jupyter_mlinfra.workbench import Workbench
from tests.monitoring.alerts.conftest import Flights
from tests.monitoring.logs import Logged
from tests.monitoring.test_recording import START, fill, record_all

ENDINGS = ("payloads", "profiles", "refused_labels", "series")


@pytest.fixture
def bench(project: Project) -> Workbench:
    """A watched deployment with three recorded hours, and a dataset."""
    Flights(project)
    log = Logged(payload_folder(project, "flights"))
    fill(log.folder)
    record_all(SeriesStore(project), log, START + 5 * HOUR)
    bench = Workbench(project)
    bench.catalog.write(pl.DataFrame({"x": [1, 2]}), into="zoo.animals")
    return bench


def test_they_are_listed_after_the_datasets_by_page_with_what_is_known_without_reading(
    bench: Workbench,
) -> None:
    tables = [f"monitoring.flights_{ending}" for ending in ENDINGS]
    page = bench.catalog.list()
    assert [item.name for item in page.items] == ["zoo.animals", *tables]
    assert [item.domain for item in page.items] == ["", *["monitoring"] * 4]
    second = bench.catalog.list(limit=2, cursor="2")
    assert ([item.name for item in second.items], second.total) == (tables[1:3], 5)
    assert [item.name for item in bench.catalog.namespaces().items] == ["monitoring", "zoo"]
    assert [item.name for item in bench.catalog.list(domains=()).items] == ["zoo.animals"]
    assert bench.catalog.list(namespace="monitoring").total == 4
    by_name = {item.name: item for item in page.items}
    files = [
        path.stat().st_size
        for part in ("points", "performance")
        for path in SeriesStore(bench.project).folder("flights", part).glob("*")
    ]
    assert by_name["monitoring.flights_series"].bytes == sum(files) > 0
    for name in ("series", "profiles", "refused_labels"):
        shown = bench.catalog.show(f"monitoring.flights_{name}")
        assert by_name[f"monitoring.flights_{name}"].columns == len(shown.schema)


def test_the_page_of_one_has_its_columns_and_rows(bench: Workbench) -> None:
    name = "monitoring.flights_payloads"
    rows = Logged(payload_folder(bench.project, "flights")).payloads("flights")
    shown = bench.catalog.show(name)
    assert {column.name: column.type for column in shown.schema}.items() >= {
        ("temp", "f64"),
        ("origin", "str"),
        ("ts", "ts[us, tz]"),
    }
    assert (shown.dataset.rows.value, shown.snapshots) == (rows.height, 0)
    block = bench.catalog.preview(name, start=3, count=2, columns=["request_id", "temp"])
    lazily = bench.catalog.sql(f"SELECT request_id, temp FROM {name}")
    assert block.total == rows.height
    assert block.data == [column.to_list() for column in lazily[3:5].iter_columns()]
    temp = bench.catalog.profile(name).columns["temp"]
    assert temp.basis["mean"] == "exact"
    assert temp.mean == pytest.approx(rows["temp"].mean())
    assert bench.catalog.dataset(name).scan().collect().height == rows.height


def test_a_long_one_is_previewed_and_profiled_from_its_first_rows(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "monitoring.flights_payloads"
    total = bench.catalog.show(name).dataset.rows.value
    monkeypatch.setattr("jupyter_mlinfra.catalog.tables.domain.PREVIEWED", 20)
    monkeypatch.setattr("jupyter_mlinfra.catalog.tables.domain._COUNTED_BYTES", 20)
    monkeypatch.setattr("jupyter_mlinfra.catalog.tables.domain._SAMPLED_BYTES", 20)
    assert bench.catalog.preview(name, start=15, count=10).shown == 5
    assert bench.catalog.show(name).dataset.rows.value is None
    table = table_of_domain(bench.project, DatasetName.parse(name))
    assert table is not None
    sample, exact = table.profile("sample", 50), table.profile("exact", 50)
    first = next(iter(exact.columns))
    assert (sample.rows, sample.columns[first].sample, sample.first_rows) == (None, 50, True)
    assert (exact.rows, exact.columns[first].basis["distinct"]) == (total, "exact")


@pytest.mark.parametrize("size", [None, 65 << 20])
def test_all_rows_of_a_large_one_are_profiled_block_by_block(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, size: int | None
) -> None:
    monkeypatch.setattr("jupyter_mlinfra.monitoring.datasets._size", lambda _: (size, now()))
    monkeypatch.setattr("jupyter_mlinfra.catalog.tables.statistics.ROWS", 7)
    name = "monitoring.flights_payloads"
    rows = bench.catalog.dataset(name).scan().collect()
    profile = bench.catalog.profile(name, tier="exact")
    assert (profile.tier, profile.rows) == ("exact", rows.height)
    assert profile.columns["temp"].mean == pytest.approx(rows["temp"].mean())
    assert next(iter(bench.catalog.profile(name).columns.values())).distinct


def test_a_masked_input_has_no_values_in_a_preview_and_a_profile_but_in_sql(
    bench: Workbench,
) -> None:
    with (bench.project.root / "mlinfra.toml").open("a") as settings:
        settings.write('[deployments]\nmasked_inputs = ["temp", "orig*"]\n')
    catalog, name = Workbench(Project(bench.project.root)).catalog, "monitoring.flights_payloads"
    before, after = bench.catalog.preview(name, count=5), catalog.preview(name, count=5)
    seen = {item.name: values for item, values in zip(after.columns, after.data, strict=True)}
    assert seen["temp"] == seen["origin"] == seen["params"] == ["•••"] * 5
    for column, values in zip(before.columns, before.data, strict=True):
        if column.name not in ("temp", "origin", "params"):
            assert seen[column.name] == values, column.name
    profile = catalog.profile(name).columns
    for column in (profile["temp"], profile["origin"]):
        assert {column.min, column.max} == {"•••"}
        assert (column.mean, column.std, column.shape) == (None, None, None)
        assert not [*column.top, *column.quantiles]
        assert column.distinct
    assert isinstance(profile["latency_ms"].mean, float)
    temps = catalog.sql(f"SELECT temp FROM {name}")["temp"]
    assert temps.to_list() == catalog.dataset(name).scan().collect()["temp"].to_list()
    assert temps.dtype == pl.Float64


def test_a_monitor_with_a_name_of_its_own_has_its_tables_by_that_name_too(
    bench: Workbench,
) -> None:
    MonitorStore(bench.project.database).add("own-name", "flights", "ana")
    store = SeriesStore(bench.project)
    point = Point(
        metric="psi", labels={"version": "v1"}, start=START, end=START + HOUR, value=0.25, rows=9
    )
    store.write("own-name", "points", START, frame_of([point]))
    found = bench.catalog.sql('SELECT monitor, value FROM monitoring."own-name_series"')
    assert found.rows() == [("own-name", 0.25)]
    assert bench.catalog.preview("monitoring.own-name_series").total == 1
    assert "monitoring.own-name_series" not in [item.name for item in bench.catalog.list().items]
    for name in ("monitoring.own-name_payloads", "monitoring.own-name"):
        with pytest.raises(NotFound, match=f"There is no dataset {name}"):
            bench.catalog.show(name)


def test_columns_that_come_and_go_between_two_looks_break_no_preview_and_no_profile(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = ["x", "y"]

    def rows(*_: object) -> pl.LazyFrame:
        columns.reverse()
        return pl.LazyFrame({columns[0]: [1, 2, 3]})

    monkeypatch.setattr("jupyter_mlinfra.monitoring.datasets.MonitorTables.rows", rows)
    catalog, name = bench.catalog, "monitoring.flights_series"
    for _ in range(2):
        block, profile = catalog.preview(name), catalog.profile(name)
        assert {block.columns[0].name, *profile.columns} <= {"x", "y"}
        assert block.data == [[1, 2, 3]]
        assert [column.max for column in profile.columns.values()] == [3]


CHANGES: dict[str, Callable[[Catalog, str], object]] = {
    "write": lambda catalog, name: catalog.write(pl.DataFrame({"x": [1]}), into=name),
    "ingest": lambda catalog, name: catalog.ingest(["a.csv"], into=name),
    "inspect": lambda catalog, name: catalog.inspect(["a.csv"], into=name),
    "delete": lambda catalog, name: catalog.delete(name, force=True),
    "tag": lambda catalog, name: catalog.tag(name, add=["x"]),
    "describe": lambda catalog, name: catalog.describe(name, owner="ana"),
    "snapshots": lambda catalog, name: catalog.snapshots(name),
    "verify": lambda catalog, name: catalog.verify(name),
    "lineage": lambda catalog, name: catalog.lineage(name),
}


def test_a_name_that_is_not_there_brings_those_that_are(bench: Workbench) -> None:
    with pytest.raises(NotFound) as caught:
        bench.catalog.show("monitoring.flights_seires")
    assert caught.value.fix.startswith("Perhaps: monitoring.flights_series")
    with pytest.raises(NotFound) as caught:
        bench.catalog.show("monitoring.x")
    assert caught.value.fix == "mlinfra catalog list --namespace monitoring"


def test_none_can_be_changed(bench: Workbench) -> None:
    for verb, change in CHANGES.items():
        with pytest.raises(Conflict, match="is a table of monitoring") as caught:
            change(bench.catalog, "monitoring.flights_series")
        assert "Read it with SQL" in caught.value.fix, verb
    bench.catalog.write(pl.DataFrame({"x": [1]}), into="monitoring.notes")
    assert bench.catalog.show("monitoring.notes").dataset.domain == ""
    with pytest.raises(NotFound, match="There is no dataset monitoring"):
        bench.catalog.show("monitoring.other_series")


def test_what_depends_on_one_sees_that_it_has_changed_and_scores_none_that_may(
    bench: Workbench,
) -> None:
    name = "monitoring.flights_series"
    before = bench.catalog.fingerprint(name)
    assert before == bench.catalog.fingerprint(name)
    store = SeriesStore(bench.project)
    store.write("flights", "points", START + 9 * HOUR, frame_of(()))
    assert bench.catalog.fingerprint(name) not in (before, None)
    models: Any = SimpleNamespace(version=lambda _: SimpleNamespace(model="m", version=1))
    batches = Batches(
        bench.project,
        models,
        bench.catalog,
        bench.jobs,
        features=lambda: bench.features,
        opener="x:y",
    )
    with pytest.raises(BadRequest, match="has no snapshots") as caught:
        batches.submit("m/1", source="monitoring.flights_payloads", into="zoo.scores")
    assert "into a dataset" in caught.value.fix


def test_one_that_cannot_be_read_hides_no_other(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = min(SeriesStore(bench.project).folder("flights", "points").glob("*"))
    whole = file.read_bytes()
    file.write_bytes(whole[:4] + b"\0" * (len(whole) - 8) + whole[-4:])
    assert bench.catalog.list().total == 5
    with pytest.raises(Unavailable, match=r"monitoring\.flights_series cannot be read"):
        bench.catalog.show("monitoring.flights_series")
    assert bench.catalog.show("monitoring.flights_payloads").schema
    where = "jupyter_mlinfra.monitoring.datasets"

    def lost(places: list[Path]) -> tuple[None, None]:
        if any("series" in str(place) for place in places):
            raise PermissionError(13, "Permission denied")
        return None, None

    monkeypatch.setattr(f"{where}._size", lost)
    by_name = {item.name: item for item in bench.catalog.list().items}
    assert "Permission denied" in by_name["monitoring.flights_series"].description
    assert "Requests to flights" in by_name["monitoring.flights_payloads"].description
    monkeypatch.setattr(
        f"{where}.MonitorTables.names", lambda _: frame_of(()).select("no such column")
    )
    page = bench.catalog.list()
    assert [item.name for item in page.items] == ["zoo.animals"]
    assert "Tables of monitoring are not listed" in page.note


def test_the_search_finds_them_as_datasets_of_monitoring(bench: Workbench) -> None:
    found = bench.search("flights_payl", kinds=("dataset",), domains=["catalog", "monitoring"])
    assert [hit.ref for hit in found.items] == ["dataset:monitoring.flights_payloads"]
    assert not bench.search("flights_payl", domains=["catalog"]).items
