"""The verbs over what monitors have recorded: labels, figures, series, backfill, references."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy import stats

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.errors import BadRequest, NotFound, Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import to_json
from jupyter_mlinfra.deployments import Vitals
from jupyter_mlinfra.deployments.targets.layout import payload_folder
from jupyter_mlinfra.faces.cards import card_of
from jupyter_mlinfra.monitoring import Monitoring
from jupyter_mlinfra.monitoring.hours.series import HOUR, SeriesStore
from jupyter_mlinfra.monitoring.references import profiles as references
from jupyter_mlinfra.monitoring.verbs import recording as recording_verbs
from jupyter_mlinfra.workbench import Workbench
from tests.monitoring.alerts.conftest import Flights
from tests.monitoring.logs import Logged, answered, set_now, some_rows, write_journal
from tests.monitoring.test_recording import CATEGORIES, NAMES, START, TRAINING, files, fill

NOW = datetime.fromtimestamp(START + 4 * HOUR, UTC)


class Experiments:
    """One model with two inputs, whose run names its training data."""

    datasets: tuple[str, ...] = ()

    def version(self, ref: str) -> Any:
        model, _, number = ref.partition("/")
        return SimpleNamespace(model=model, version=int(number), datasets=self.datasets)

    def signature(self, ref: str) -> Any:
        return {"inputs": [{"name": name} for name in NAMES], "outputs": []}

    def download(self, ref: str) -> Path:
        raise NotFound(f"The files of {ref} are gone.")


@pytest.fixture
def log(tmp_path: Path) -> Logged:
    fill(tmp_path / "log")
    return Logged(tmp_path / "log", {"v1": 100})


@pytest.fixture
def monitoring(project: Project, log: Logged, monkeypatch: pytest.MonkeyPatch) -> Monitoring:
    """A watched deployment with four hours of log; it is four hours after the first."""
    set_now(monkeypatch, NOW)
    monitoring = Monitoring(project, log, Experiments())  # type: ignore[arg-type]
    score = np.random.default_rng(4).random(3000)
    monitoring.reference("flights/1", TRAINING, score=score.tolist())
    monitoring.watch("flights", segments=["origin"], costs={"fn": -75, "fp": -10})
    return monitoring


def write_labels(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(("request_id,row,label", *lines)) + "\n")
    return path


def test_labels_are_joined_by_request_and_row_and_bad_ones_lose_no_good_ones(
    monitoring: Monitoring, tmp_path: Path
) -> None:
    monitoring.backfill("flights")
    file = write_labels(
        tmp_path / "truth.csv",
        "0-0-1,0,1",
        "0-0-1,1,true",
        "0-0-2,,0",  # every row of the request
        "nobody,0,1",
        ",0,1",
        "0-0-3,0,yes?",
        "0-0-3,-1,1",
        "0-0-1,0,0",  # the last one wins
    )
    report = monitoring.labels("flights", file)
    assert (report.read, report.joined, report.unknown, report.bad) == (8, 5, 1, 3)
    assert report.unknown_ids == ["nobody"]
    assert report.bad_rows == [
        "row 5: no request_id",
        "row 6: the label is no number: yes?",
        "row 7: row is no number of a row",
    ]
    figures = monitoring.figures("flights", since=timedelta(hours=5))
    assert figures.performance.real
    assert figures.performance.real.rows == 5
    assert figures.performance.label_coverage == pytest.approx(5 / figures.rows)
    assert 0 < report.coverage["v1"] < 1
    again = monitoring.labels("flights", file)
    assert (again.joined, again.replaced) == (5, 5)
    assert monitoring.figures("flights", since=timedelta(hours=5)).performance.real == (
        figures.performance.real
    )


@pytest.mark.parametrize("ending", ["csv", "parquet", "json", "jsonl"])
def test_labels_come_in_every_form(monitoring: Monitoring, tmp_path: Path, ending: str) -> None:
    frame = pl.DataFrame({"request_id": ["0-0-1", "0-0-2"], "label": [1, 0]})
    path = tmp_path / f"truth.{ending}"
    if ending == "csv":
        frame.write_csv(path)
    elif ending == "parquet":
        frame.write_parquet(path)
    elif ending == "json":
        path.write_text(json.dumps([*frame.to_dicts(), {"request_id": "x", "label": {}}, 7]))
    else:
        path.write_text("\n".join(map(json.dumps, frame.to_dicts())) + "\n{torn")
    report = monitoring.labels("flights", path)
    assert (report.joined, report.unknown) == (6, 0)
    assert report.bad == {"json": 2, "jsonl": 1}.get(ending, 0)


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("none.csv", None, NotFound),
        ("truth.xlsx", "x", BadRequest),
        ("truth.csv", "id,label\n1,1\n", BadRequest),
        ("truth.parquet", "x", Unprocessable),
        ("truth.json", "{", Unprocessable),
    ],
)
def test_a_file_that_holds_no_labels_is_refused(
    monitoring: Monitoring, tmp_path: Path, name: str, content: str | None, error: type[Exception]
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(error):
        monitoring.labels("flights", tmp_path / name)


def test_the_real_metrics_of_hours_that_were_labelled_before_and_after_are_the_same(
    monitoring: Monitoring, log: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Labels that come before an hour is recorded count when it is."""
    rows = log.payloads("flights").filter(pl.col("status") == 200)
    labels = rows.select("request_id", "row", label=(pl.col("prediction") > 0.4).cast(pl.Int8))
    monitoring.labels("flights", labels)
    monitoring.backfill("flights")
    first = monitoring.series(
        "flights", metric="performance_real.accuracy", since=timedelta(hours=4)
    )
    monitoring.labels("flights", labels)
    monitoring.backfill("flights", again=True)
    second = monitoring.series(
        "flights", metric="performance_real.accuracy", since=timedelta(hours=4)
    )
    assert first == second
    assert all(0.8 < (point.value or 0) <= 1 for point in first.items if point.rows)
    covered = monitoring.series("flights", metric="label_coverage", since=timedelta(hours=4)).items
    assert [point.value for point in covered][:2] == [1, 1]
    worth = monitoring.figures("flights", since=timedelta(hours=5)).kpi
    assert worth
    assert worth.low <= worth.value <= worth.high < 0
    assert worth.outcomes["fn"] > 0
    span = timedelta(hours=2)
    before = monitoring.figures("flights", since=span).kpi_before
    set_now(monkeypatch, NOW - span)
    then = monitoring.figures("flights", since=span)
    assert then.kpi
    assert before == then.kpi.value
    set_now(monkeypatch, NOW)
    assert monitoring.figures("flights", since=timedelta(days=1)).kpi_before is None
    part = monitoring.figures("flights", since=timedelta(hours=5), segment="origin=JFK")
    assert part.performance.label_coverage == 1
    assert 0 < part.rows < rows.height


def test_feedback_with_a_truth_is_a_label(
    monitoring: Monitoring, log: Logged, project: Project
) -> None:
    truth = {"k": "f", "id": "0-0-1", "ts": START + 3 * HOUR, "reward": 0.0, "truth": [1, 0, 1]}
    write_journal(log.folder, START + 3 * HOUR, [truth], names=NAMES, categories=CATEGORIES, pid=99)
    monitor = monitoring.list().items[0]
    monitoring._record(monitor)
    monitoring.labels("flights", pl.DataFrame({"request_id": ["0-0-1"], "label": [0]}))
    monitoring._record(monitor)  # an older truth does not come back
    figures = monitoring.figures("flights", since=timedelta(hours=5))
    assert figures.performance.real
    assert figures.performance.real.rows == 3
    files = SeriesStore(project).files("flights", "labels")
    assert pl.read_parquet(files)["label"].to_list() == [0, 0, 0]


def test_a_window_is_the_same_from_recorded_hours_as_from_the_log(monitoring: Monitoring) -> None:
    since = timedelta(hours=3, minutes=20)
    live = monitoring.figures("flights", since=since)
    monitoring.backfill("flights")
    kept = monitoring.figures("flights", since=since)
    assert live.rows == kept.rows > 0
    assert live.latency == kept.latency
    for name, item in live.drift.items():
        assert kept.drift[name].psi == pytest.approx(item.psi, abs=1e-12)
        assert kept.drift[name].ks == pytest.approx(item.ks, abs=0.01)


def test_drift_is_against_the_reference_the_window_before_or_any_span(
    monitoring: Monitoring, log: Logged
) -> None:
    """The mean of `temp` rises by 5 in every hour."""

    def temp(since: int, until: int) -> pl.Series:
        at = pl.col("ts").dt.epoch("s")
        good = log.payloads("flights").filter(
            (pl.col("status") < 400) & (pl.col("version") == "v1")
        )
        return good.filter(at.is_between(START + since * HOUR, START + until * HOUR - 1))["temp"]

    hour = timedelta(hours=1)
    figures = {
        against: monitoring.figures("flights", since=2 * hour, against=against)
        for against in (
            "reference",
            "previous",
            "2026-11-24T07:00..2026-11-24T08:00",
            "2020-01-01..2020-01-02",
        )
    }
    reference, previous, earlier, _ = (
        item.drift["temp"].wasserstein if item.drift else None for item in figures.values()
    )
    window = temp(2, 4)
    expected = [
        stats.wasserstein_distance(window, before)
        for before in (TRAINING["temp"], temp(0, 2), temp(-1, 0))
    ]
    assert [reference, previous, earlier] == pytest.approx(expected, rel=0.05)
    assert len({round(value) for value in expected}) == 3
    nothing = figures["2020-01-01..2020-01-02"]
    assert nothing.drift == {}
    assert "Nothing was logged" in nothing.reasons["drift"]
    for wrong in ("yesterday", "2026-01-02..2026-01-01", "..", "a..b..c"):
        with pytest.raises(BadRequest, match="nothing that drift can be against"):
            monitoring.figures("flights", against=wrong)


@pytest.mark.parametrize("from_", ["0001-01-01", "1900-01-01"])
def test_a_span_of_all_time_takes_as_long_as_the_log_that_is_there(
    monitoring: Monitoring, log: Logged, monkeypatch: pytest.MonkeyPatch, from_: str
) -> None:
    """17 million hours, of which the log has five."""
    read = list[datetime]()
    parts = Logged.payload_parts

    def counted(self: Logged, name: str, *, since: datetime, **more: Any) -> Any:
        read.append(since)
        return parts(self, name, since=since, **more)

    monkeypatch.setattr(Logged, "payload_parts", counted)
    for path in log.folder.iterdir():  # as if written then
        begun = int(path.name.split("-")[1]) / 1e6
        os.utime(path, (begun + HOUR, begun + HOUR))
    always = monitoring.figures("flights", against=f"{from_}..9999-12-31T23:59:59")
    read_by_all = len(read)
    close = monitoring.figures("flights", against="2026-11-24T06:00..2026-11-24T13:00")
    assert always.drift == close.drift != {}
    assert read_by_all < 30  # hours; a clock may have been wrong by two of them
    year = monitoring.figures("flights", since=timedelta(days=366))
    assert year.rows == monitoring.figures("flights", since=timedelta(days=1)).rows > 0
    assert len(read) < 150


def test_a_span_whose_end_has_no_date_in_utc_is_refused(monitoring: Monitoring) -> None:
    with pytest.raises(BadRequest, match="nothing that drift can be against"):
        monitoring.figures("flights", against="2026-01-01..9999-12-31T23:59:59-23:59")


def test_what_cannot_be_measured_is_null_with_a_reason(
    monitoring: Monitoring, log: Logged, project: Project
) -> None:
    found = to_json(monitoring.figures("flights", since=timedelta(minutes=1)))
    assert {name: found[name] for name in ("scores", "kpi", "latency", "memory", "retries")} == {
        "scores": None,
        "kpi": None,
        "latency": None,
        "memory": None,
        "retries": None,
    }
    assert found["performance"] == {
        "estimated": None,
        "estimated_under_shift": None,
        "real": None,
        "label_coverage": None,
    }
    assert {"scores", "kpi", "latency", "memory", "performance.real"} <= set(found["reasons"])
    at = int(monitoring.figures("flights").window_end.timestamp()) - 90
    log.minutes = [
        Vitals(
            at=at,
            version="v1",
            memory_bytes=200 << 20,
            cpu_seconds=15.0,
            in_flight=4,
            retried=2,
            processes=2,
        )
    ]
    full = monitoring.figures("flights", since=timedelta(minutes=5))
    used = to_json(full)
    assert used["memory"] == {"mib": 200.0, "max_mib": 200.0}
    assert used["cpu"] == {"cores": 0.25, "max_cores": 0.25}
    assert (full.in_flight, full.retries) == (4, 2)
    assert not {"memory", "cpu", "in_flight", "retries"} & set(full.reasons)
    assert full.gpu is None
    assert full.reasons["gpu"] == "Nobody has looked at the GPUs of its processes."
    without = replace(log.minutes[0], gpu_why="No process of it uses a GPU.")
    with_gpu = replace(without, at=at - 60, gpu_bytes=3 << 30, gpu_load=0.5, gpu_why="")
    log.minutes = [with_gpu, without]
    full = monitoring.figures("flights", since=timedelta(minutes=5))
    of_gpus = {"mib": 3072.0, "max_mib": 3072.0, "load": 0.5, "max_load": 0.5}
    assert (to_json(full)["gpu"], "gpu" in full.reasons) == (of_gpus, False)
    card = card_of(full)
    assert card is not None
    assert card.facts["load of its GPUs"] == "50.0 %"
    log.minutes = [without]
    full = monitoring.figures("flights", since=timedelta(minutes=5))
    assert (full.gpu, full.reasons["gpu"]) == (None, "No process of it uses a GPU.")
    references.path_of(project, "flights/1").unlink()
    full = monitoring.figures("flights", since=timedelta(hours=5))
    assert full.drift == {}
    assert "has no reference profile" in full.reasons["drift"]
    assert full.fill_rate == {"origin": 1.0, "temp": 1.0}


def test_a_request_that_two_processes_got_is_counted_once_and_as_retried(
    monitoring: Monitoring, log: Logged
) -> None:
    found = monitoring.figures("flights", since=timedelta(hours=6))
    rows = log.payloads("flights").filter(pl.col("version") == "v1")
    assert found.rows == rows.filter(pl.col("status") < 400).height
    assert found.latency
    assert found.latency.requests == rows.filter(pl.col("row") == 0).height
    assert found.retries == 3  # one in each hour in which both processes served v1


def test_a_segment_or_a_metric_that_there_is_not_is_refused(monitoring: Monitoring) -> None:
    with pytest.raises(BadRequest, match="has no segment carrier=AA") as caught:
        monitoring.figures("flights", segment="carrier=AA")
    assert "No request so far has a column carrier." in caught.value.why
    with pytest.raises(BadRequest, match="has no segment temp=60") as caught:
        monitoring.figures("flights", segment="temp=60")
    assert caught.value.why == "It has segments of: origin."
    with pytest.raises(BadRequest, match="'drift' is no metric"):
        monitoring.series("flights", metric="drift")
    with pytest.raises(BadRequest, match="4 columns are too many"):
        monitoring.configure("flights", segments=["a", "b", "c", "d"])


def test_a_segment_of_a_column_that_no_request_has_is_taken_with_a_note(
    monitoring: Monitoring,
) -> None:
    """A request may have columns beside the inputs, such as those that features are found by."""
    assert monitoring.watch("flights", segments=["origin", "version"]).note == ""
    watched = monitoring.watch("flights", segments=["origins"])
    note = (
        "No request so far has a column origins. The model's inputs are temp, origin."
        " Did you mean origin?"
    )
    assert watched.note == note
    card = card_of(watched)
    assert card is not None
    assert card.note == note
    card = card_of(monitoring.figures("flights", segment="origins=JFK"))
    assert card is not None
    assert card.facts["no row"] == note
    monitoring.configure("flights", segments=["origin"])
    found = monitoring.figures("flights", since=timedelta(hours=6), segment="origin=XYZ")
    assert found.reasons["segment"] == "No row of the window has origin=XYZ."
    there = monitoring.figures("flights", since=timedelta(hours=6), segment="origin=JFK")
    assert "segment" not in there.reasons


def test_a_column_beside_the_inputs_is_known_from_the_log(
    monitoring: Monitoring, log: Logged
) -> None:
    begun = START + 2 * HOUR
    entry = answered(begun + 1, "with-carrier", [[60.0, 1.0, 7.0]], [0.5])
    write_journal(log.folder, begun, [entry], names=["temp", "origin", "carrier"], pid=99)
    assert monitoring.watch("flights", segments=["carrier"]).note == ""


def test_worths_that_could_never_count_are_refused_before_anything_is_kept(
    monitoring: Monitoring, log: Logged
) -> None:
    with pytest.raises(BadRequest, match="over and under would never count") as caught:
        monitoring.watch("flights", name="other", costs={"over": -1, "under": -3})
    assert "answers probabilities" in caught.value.why
    assert "--value fn=-75" in caught.value.fix
    with pytest.raises(NotFound):
        monitoring.monitor("other")
    log.answers = "values"
    for costs in ({"fn": -75, "fp": -10}, {"1:0": -75}):
        with pytest.raises(BadRequest, match="would never count") as caught:
            monitoring.configure("flights", costs=costs)
        assert "--value over=-1" in caught.value.fix
    monitoring.configure("flights", costs={"over": -1})
    monitoring.configure("flights", costs={"reward": 1})
    log.answers = ""
    monitoring.configure("flights", costs={"fn": -75})


def test_the_reference_is_made_from_the_training_data_that_lineage_knows(
    project: Project, log: Logged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Workbench(project)
    TRAINING.with_columns(late=pl.lit(0)).write_parquet(tmp_path / "training.parquet")
    bench.catalog.ingest([tmp_path / "training.parquet"], into="flights.training")
    experiments = Experiments()
    monitoring = Monitoring(project, log, experiments)  # type: ignore[arg-type]
    with pytest.raises(NotFound) as caught:
        monitoring.watch("flights")
    assert "monitors reference DEPLOYMENT --from DATASET" in caught.value.fix
    snapshot = bench.catalog.dataset("flights.training").ref
    experiments.datasets = ("view:weather", snapshot)
    monkeypatch.setattr(
        Logged,
        "predict",
        lambda self, name, rows, *, version, logged: SimpleNamespace(
            predictions=[0.25] * rows.height, names=[]
        ),
        raising=False,
    )
    monitoring.watch("flights")
    made = references.load(project, "flights/1")
    assert (made.made_from, made.rows) == (snapshot.removeprefix("dataset:"), 3000)
    assert [column.name for column in made.columns] == NAMES
    assert made.score
    assert made.score.edges == [0.25]
    with pytest.raises(Unprocessable, match=r"has no column origin|has no column temp"):
        bench.catalog.write(pl.DataFrame({"x": [1]}), into="flights.other")
        monitoring.make_reference("flights", dataset="flights.other")


def test_with_labels_the_reference_estimates_performance(
    project: Project, log: Logged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scores that are twice as sure as they may be: only labels tell."""
    set_now(monkeypatch, NOW)
    bench, random = Workbench(project), np.random.default_rng(1)
    score = random.random(3000).round(4)
    held_out = TRAINING.with_columns(
        p=pl.Series(score), late=pl.Series(random.random(3000) < 0.25 + score / 2).cast(pl.Int8)
    )
    bench.catalog.write(held_out, into="flights.held_out")
    monitoring = Monitoring(project, log, Experiments())  # type: ignore[arg-type]
    report = monitoring.make_reference(
        "flights", dataset="flights.held_out", label="late", score="p"
    )
    assert (report.labels, report.answers, report.notes) == (True, True, [])
    monitoring.watch("flights")
    monitoring.backfill("flights")
    performance = monitoring.figures("flights", since=timedelta(hours=5)).performance
    assert performance.estimated
    assert performance.estimated.method == "CBPE"
    assert performance.estimated.metrics["accuracy"] == pytest.approx(0.625, abs=0.04)
    assert "blind to concept drift" in performance.estimated.caveat
    assert performance.estimated_under_shift
    assert performance.estimated_under_shift.method == "PAPE"
    points = monitoring.series(
        "flights", metric="performance_estimated.accuracy", since=timedelta(hours=3)
    ).items
    assert points[0].value == pytest.approx(0.625, abs=0.06)


def test_hours_older_than_the_settings_say_are_removed(
    monitoring: Monitoring, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitoring.backfill("flights")
    later = NOW + timedelta(days=366)
    set_now(monkeypatch, later)
    monkeypatch.setattr(Logged, "payloads_since", lambda *_: None)
    monitoring._record(monitoring.list().items[0])
    store = SeriesStore(project)
    kept = sorted(store.recorded("flights"))
    assert kept == [START + 3 * HOUR - HOUR * n for n in range(len(kept))][::-1]
    assert len(store.files("flights", "points")) == len(kept)


def test_a_broken_file_of_the_series_is_no_data_and_hides_no_other(
    monitoring: Monitoring, project: Project
) -> None:
    whole = monitoring.figures("flights", since=timedelta(hours=5))
    monitoring.backfill("flights")
    for part in ("points", "sketches"):
        path = SeriesStore(project).path("flights", part, START)
        path.write_bytes(path.read_bytes()[:-10])
    found = monitoring.series("flights", metric="requests", since=timedelta(hours=4)).items
    # The last hour ended this moment, and is not closed yet.
    assert [point.value is None for point in found] == [True, False, False, True]
    assert monitoring.figures("flights", since=timedelta(hours=5)).rows == whole.rows
    rows = Workbench(project).catalog.sql("SELECT * FROM monitoring.flights_series")
    assert rows["start"].min() != datetime.fromtimestamp(START, UTC)
    monitoring.backfill("flights", again=True)
    found = monitoring.series("flights", metric="requests", since=timedelta(hours=4)).items
    assert found[0].value


def test_each_round_of_the_evaluation_records_hours_and_the_next_one_goes_on(
    monitoring: Monitoring, monkeypatch: pytest.MonkeyPatch, project: Project
) -> None:
    monkeypatch.setattr(recording_verbs, "HOURS_A_ROUND", 2)
    counts, said = list[int](), list[str]()
    for _ in range(4):
        monitoring.evaluate_all(said.append)
        counts.append(len(SeriesStore(project).recorded("flights")))
    assert (counts, said) == ([2, 4, 4, 4], [])


def test_what_was_recorded_stays_when_the_deployment_is_gone(
    monitoring: Monitoring, log: Logged, project: Project
) -> None:
    monitoring.backfill("flights")
    before = files(project)
    log.traffic = {}
    assert monitoring.backfill("flights", again=True).hours == 0
    said = list[str]()
    monitoring.evaluate_all(said.append)
    assert (files(project), said) == (before, [])


def test_an_hour_that_cannot_be_written_is_said_and_the_rules_are_evaluated(
    monitoring: Monitoring, project: Project
) -> None:
    folder = project.folder("monitoring", "series", "flights") / "sketches"
    folder.write_text("in the way")
    said = list[str]()
    monitoring.evaluate_all(said.append)
    assert len(said) == 1
    assert said[0].startswith("the hours of monitor flights were not recorded: 2026-11-24T07")
    assert monitoring.list().items[0].evaluated_at
    folder.unlink()
    monitoring.evaluate_all(said.append)
    assert len(said) == 1


def test_series_are_a_table_for_sql(monitoring: Monitoring, project: Project) -> None:
    catalog = Workbench(project).catalog
    assert catalog.sql("SELECT * FROM monitoring.flights_series").height == 0
    monitoring.backfill("flights")
    found = catalog.sql(
        "SELECT start, value FROM monitoring.flights_series WHERE metric = 'psi'"
        " AND feature = 'temp' AND segment = '' AND version = 'v1' ORDER BY start"
    )
    points = monitoring.series(
        "flights", metric="psi", feature="temp", since=timedelta(hours=5)
    ).items
    assert dict(found.rows()) == {
        datetime.fromtimestamp(point.start, UTC): point.value for point in points if point.rows
    }
    bounds = catalog.sql(
        "SELECT metric, min(error) AS low, max(error) AS high FROM monitoring.flights_series"
        " WHERE value IS NOT NULL AND metric IN ('psi', 'ks') GROUP BY metric ORDER BY metric"
    ).rows(named=True)
    assert [row["metric"] for row in bounds] == ["ks", "psi"]
    assert 0 <= bounds[0]["low"] <= bounds[0]["high"] < 0.1
    assert (bounds[1]["low"], bounds[1]["high"]) == (0, 0), "PSI is exact"
    _profiles_are_those_of_the_rows(monitoring, catalog)
    for name in ("monitoring.nobody_series", "monitoring.flights", "monitoring.nobody_payloads"):
        with pytest.raises(NotFound, match=name):
            catalog.sql(f"SELECT * FROM {name}")


def _profiles_are_those_of_the_rows(monitoring: Monitoring, catalog: Catalog) -> None:
    found = catalog.sql(
        "SELECT start, rows, nulls, mean, std, min, max, q50, bound"
        " FROM monitoring.flights_profiles"
        " WHERE feature = 'temp' AND segment = '' AND version = 'v1' ORDER BY start"
    )
    answered = (pl.col("status") < 400) & (pl.col("version") == "v1")
    rows = monitoring._deployments.payloads("flights").filter(answered)
    temp = pl.col("temp")
    expected = (
        rows.group_by(pl.col("ts").dt.truncate("1h").alias("start"))
        .agg(
            pl.len().alias("rows"),
            temp.null_count().alias("nulls"),
            temp.mean().alias("mean"),
            temp.std().alias("std"),
            temp.min().alias("min"),
            temp.max().alias("max"),
            temp.alias("values"),
        )
        .sort("start")
        .filter(pl.col("start").is_in(found["start"].implode()))
    )
    assert found.height >= 3
    assert_frame_equal(
        found.drop("q50", "bound"), expected.drop("values"), check_dtypes=False, rel_tol=1e-9
    )
    for values, q50, bound in zip(expected["values"], found["q50"], found["bound"], strict=True):
        below = (values <= q50).sum() / len(values)
        assert abs(below - 0.5) <= bound + 1.01 / len(values)


def test_the_payload_log_is_a_table_for_sql(project: Project) -> None:
    Flights(project)
    folder = payload_folder(project, "flights")
    fill(folder)
    found = Workbench(project).catalog.sql(
        "SELECT origin, count(*) AS rows, sum(prediction) AS score"
        " FROM monitoring.flights_payloads WHERE status = 200 GROUP BY origin"
    )
    logged = Logged(folder, {"v1": 100}).payloads("flights").filter(pl.col("status") == 200)
    expected = logged.group_by("origin").agg(
        pl.len().alias("rows"), pl.col("prediction").sum().alias("score")
    )
    assert found.height == 3
    assert_frame_equal(
        found, expected, check_row_order=False, check_dtypes=False, check_column_order=False
    )


def test_rows_that_were_answered_are_those_of_some_process(log: Logged) -> None:
    """The helper writes what the reader of the real journals accepts."""
    rows, scores = some_rows(np.random.default_rng(1), 2)
    write_journal(
        log.folder,
        START + 20 * HOUR,
        [answered(START + 20 * HOUR + 1, "x", rows, scores)],
        names=NAMES,
        categories=CATEGORIES,
    )
    found = log.payloads("flights").filter(pl.col("request_id") == "x")
    assert found["prediction"].to_list() == scores
