"""Values of masked inputs are nowhere: neither as such, nor in what is computed of them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from jupyter_mlinfra.cli.app import main
from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import MASK as MASK_TEXT
from jupyter_mlinfra.core.records import from_seconds, now, to_json
from jupyter_mlinfra.deployments.targets.layout import payload_folder
from jupyter_mlinfra.monitoring.hours.recording import Plan, Recorder
from jupyter_mlinfra.monitoring.hours.series import HOUR, SeriesStore
from jupyter_mlinfra.monitoring.references import profiles as references
from jupyter_mlinfra.monitoring.references.making import ReferenceMaker
from jupyter_mlinfra.workbench import Workbench, _open
from tests.monitoring.alerts.conftest import Flights
from tests.monitoring.logs import answered, write_journal

CITY, SALARY, BORN = "Plantedville", 98765.25, datetime(1931, 7, 9, tzinfo=UTC)
PLANTED = (CITY, "98765", "98,765", "1931-07-09", f"{-BORN.timestamp():.0f}")
"""As a text, and as it is written in figures; a date also in seconds before 1970."""

MASK = '[deployments]\nmasked_inputs = ["city", "sal*", "born"]\n'
ROWS = 300
DAY = timedelta(days=1)


def values(rows: int) -> pl.DataFrame:
    """Each input has a value that is planted, which is its most frequent, largest or first one."""
    random = np.random.default_rng(rows)
    return pl.DataFrame(
        {
            "temp": random.normal(60, 10, rows),
            "city": random.choice([CITY, "Aachen"], rows, p=[0.7, 0.3]),
            "salary": random.choice([1.5, SALARY], rows),
            "born": [BORN + timedelta(days=int(day)) for day in np.arange(rows) % 50],
        }
    )


@pytest.fixture
def flights(project: Project) -> Flights:
    """A watched deployment with segments by city, some hours of which are recorded."""
    found = Flights(project)
    score = np.random.default_rng(3).random(1000).tolist()
    profile = references.make("flights/2", values(1000), score)
    references.save(project, profile)
    rows, end = values(ROWS), now().timestamp() - 1
    entries: list[dict[str, Any]] = [
        answered(
            end - 3 * HOUR * place / ROWS,
            f"r{place}",
            [
                [
                    row["temp"],
                    [CITY, "Aachen"].index(row["city"]),
                    row["salary"],
                    to_json(row["born"]),
                ]
            ],
            [0.5],
        )
        for place, row in enumerate(rows.iter_rows(named=True))
    ]
    sent = json.dumps({"data": {"names": ["city"], "ndarray": [[CITY]]}})
    why = "Column city has an unknown category in row 1."
    bad = {"k": "e", "id": "bad", "u": "bad", "ts": end, "ms": 1.0, "st": 400}
    write_journal(
        payload_folder(project, "flights"),
        end - 4 * HOUR,
        [*entries, {**bad, "what": why, "b": sent}],
        names=values(1).columns,
        categories=[[], [CITY, "Aachen"], [], []],
        types=["double", "string", "double", "datetime"],
        version="v2",
    )
    store = SeriesStore(project)
    store.ask("flights", segments=["city"], costs=None)
    plan = Plan(
        deployment="flights",
        segments=("city",),
        answers="values",
        reference={"v2": profile}.get,
        digest=lambda _: "",
    )
    recorder = Recorder(store, found.bench.deployments)
    for hour in recorder.missing("flights", plan, now=end):
        recorder.record("flights", plan, hour)
    found.monitoring.evaluate("flights")
    return found


def masked(flights: Flights) -> Flights:
    with (flights.project.root / "mlinfra.toml").open("a") as settings:
        settings.write(MASK)
    flights.open(Project(flights.project.root))
    return flights


def roads(flights: Flights, folder: Path) -> Iterator[tuple[str, str]]:
    """What the workbench says of the inputs, by where it does."""
    monitoring, alerts, bench = flights.monitoring, flights.alerts, flights.bench
    since = now() - timedelta(hours=3)
    for name, found in {
        "status": monitoring.status("flights"),
        "evaluation": monitoring.evaluate("flights"),
        "figures": monitoring.figures("flights", since=DAY),
        "heat": monitoring.heat("flights", since=DAY),
        "overview": monitoring.overview("flights", since=DAY),
        "distribution of a category": monitoring.distribution("flights", "city", since, now()),
        "distribution of a number": monitoring.distribution("flights", "salary", since, now()),
        "drift of an alert": alerts.drift("flights/refused"),
        "request": bench.deployments.requests("flights").items,
    }.items():
        yield name, json.dumps(to_json(found))
    yield "window of an alert", alerts.window("flights/refused").write_json()
    yield "refused in it", alerts.refused("flights/refused").write_json()
    yield "metrics", monitoring.metrics()
    for ending in ("payloads", "profiles", "series"):
        name = f"monitoring.flights_{ending}"
        yield f"preview of {ending}", json.dumps(to_json(bench.catalog.preview(name, count=500)))
        yield f"profile of {ending}", json.dumps(to_json(bench.catalog.profile(name)))
    report, name = folder / "report.html", "monitoring.flights_payloads"
    _open.clear()  # as in another process
    with contextlib.suppress(SystemExit):
        main(["monitors", "compare", name, name, "--report", str(report)])
    yield "report", report.read_text()


def test_they_are_in_none_of_the_pages_files_and_answers_that_have_them_unmasked(
    flights: Flights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(flights.project.root)

    def leaks(text: str) -> bool:
        return any(value in text for value in PLANTED)

    before = dict(roads(flights, tmp_path))
    assert [name for name, text in before.items() if not leaks(text)] == []
    after = dict(roads(masked(flights), tmp_path))
    assert {name: text for name, text in after.items() if leaks(text)} == {}
    for name, text in after.items():
        assert ("temp" in text) == ("temp" in before[name]), f"{name}: others are as they were"


def test_figures_of_many_rows_stay_and_say_why_others_are_missing(flights: Flights) -> None:
    before = flights.monitoring.figures("flights", since=DAY)
    shape = flights.monitoring.distribution("flights", "city", now() - timedelta(hours=3), now())
    after = masked(flights).monitoring.figures("flights", since=DAY)
    assert after.drift.keys() == before.drift.keys() >= {"city", "salary", "temp"}
    assert after.fill_rate == before.fill_rate
    assert before.dates["born"].first == BORN
    assert after.dates == {}
    assert after.reasons["dates"] == "Values of born are not shown in this project."
    hidden = flights.monitoring.distribution("flights", "city", now() - timedelta(hours=3), now())
    assert (hidden.kind, hidden.reference) == ("category", shape.reference)
    assert list(hidden.edges) == ["••• 1", "••• 2"], "bins stay apart"


def test_a_masked_input_has_no_segments(flights: Flights, tmp_path: Path) -> None:
    assert flights.monitoring.heat("flights", since=DAY).segments == [
        "city=Aachen",
        f"city={CITY}",
    ]
    monitoring = masked(flights).monitoring
    assert monitoring.heat("flights", since=DAY).segments == []
    for refused in (
        lambda: monitoring.configure("flights", segments=["temp", "city"]),
        lambda: monitoring.series("flights", metric="psi", segment=f"city={CITY}"),
    ):
        with pytest.raises(BadRequest, match="city cannot have segments") as caught:
            refused()
        assert "masked_inputs" in caught.value.fix
    with pytest.raises(BadRequest, match="no segment city=x"):
        monitoring.figures("flights", segment="city=x")
    rule = "{name: empty, metric: missing, op: '>=', threshold: 0, min_rows: 1, by: [segment]}"
    (flights.project.root / "own.mlrules.yaml").write_text(f"rules: [{rule}]")
    monitoring.evaluate("flights")
    assert not [item.ref for item in monitoring.alerts().items if "city=" in item.ref]


def test_without_masked_inputs_a_table_is_masked_nowhere_and_other_tables_never_are(
    flights: Flights,
) -> None:
    from jupyter_mlinfra.monitoring.datasets import MonitorTables

    def hidden(project: Project) -> Mapping[str, list[str]]:
        tables = MonitorTables(project)
        names = ("flights_profiles", "flights_series", "flights_refused_labels")
        return {name: sorted(tables.masked(name, ())) for name in names}

    assert set(map(len, hidden(flights.project).values())) == {0}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLINFRA_DEPLOYMENTS_MASKED_INPUTS", '["prediction*", "wind"]')
        others = hidden(Project(flights.project.root))
    assert set(map(len, others.values())) == {0}, "answers are no inputs"
    found = hidden(masked(flights).project)
    assert found["flights_series"] == ["segment"]
    assert set(found["flights_profiles"]) > {"segment", "min", "max", "mean", "q50"}
    assert found["flights_refused_labels"] == []


def test_an_input_that_is_called_like_an_answer_is_masked_as_an_input(
    flights: Flights, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log calls no answer `prediction_0`, so the input keeps its name."""
    at = now().timestamp() - 0.5
    write_journal(
        payload_folder(flights.project, "flights"),
        at,
        [answered(at, "odd", [[31415.25, 30.0]], [0.5])],
        names=["prediction_0", "age"],
        types=["double", "double"],
        version="v2",
        pid=8,
    )
    monkeypatch.setenv("MLINFRA_DEPLOYMENTS_MASKED_INPUTS", '["prediction_0"]')
    bench = Workbench(Project(flights.project.root))
    (request,) = [item for item in bench.deployments.requests("flights").items if item.id == "odd"]
    assert dict(request.answer) == {"prediction": 0.5}
    assert dict(request.features) == {"prediction_0": MASK_TEXT, "age": 30.0}
    assert request.masked == ["prediction_0"]
    shown = bench.catalog.preview("monitoring.flights_payloads", count=500)
    assert "31415" not in json.dumps(to_json(shown))


def test_the_report_on_a_reference_says_why_answers_are_missing_without_a_value(
    flights: Flights,
) -> None:
    """The deployment refuses a row of the training data in words that repeat its value."""
    error = BadRequest("Column city has an unknown category in row 1.", f"It is {CITY}.")

    def said(project: Project) -> str:
        bench = Workbench(project)
        maker = ReferenceMaker(project, bench.deployments, bench.experiments, deployment="flights")
        return maker._said(error)

    assert CITY in said(flights.project)
    assert said(masked(flights).project) == error.what


def test_dates_of_seconds_are_among_the_planted_values() -> None:
    """What the test above looks for is what is written."""
    assert from_seconds(-float(PLANTED[-1])) == BORN
