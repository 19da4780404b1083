"""Statistics of values that no source has: those of windows, against a search over all events."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import mean

import polars as pl
import pytest
from scipy import stats

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import to_json
from jupyter_mlinfra.features.definitions import Column, Definition, WindowSpec
from jupyter_mlinfra.features.knowing import computed, trained
from jupyter_mlinfra.features.knowing.drift import _drift
from jupyter_mlinfra.features.knowing.figures import statistics_of
from jupyter_mlinfra.features.knowing.spec import TrainingWindow, ViewStatistics
from jupyter_mlinfra.features.sources import SourceSpec

T0 = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
LAST = T0 + 200 * HOUR
NOW = T0 + 400 * HOUR
Event = tuple[int | None, datetime, float | None]


@pytest.fixture
def events(project: Project) -> list[Event]:
    """Payments of nine users and of nobody in 400 hours; after `LAST` they are larger."""
    draw = random.Random(4)
    found = [
        (
            draw.choice([*range(9), None]),
            T0 + timedelta(minutes=draw.randrange(400 * 60)),
            None if draw.random() < 0.1 else round(draw.random(), 3),
        )
        for _ in range(900)
    ]
    rows = [(user, at, x and (x + 2 if at > LAST else x)) for user, at, x in found]
    (project.root / "feature_repo").mkdir()
    schema = {"user": pl.Int64, "at": pl.Datetime("us", "UTC"), "paid": pl.Float64}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    frame.write_parquet(project.root / "feature_repo" / "paid.parquet")
    Catalog(project).write(frame.rename({"paid": "amount"}), into="shop.paid")
    window = TrainingWindow(first=T0 + 50 * HOUR, last=LAST, rows=500, made_at=T0)
    trained.keep(project, ["spent"], window)
    return rows


SPENT = Definition(
    name="spent",
    kind="batch",
    entities=["user"],
    keys=[Column(name="user", type="INT64", tags={})],
    features=[
        # Named like the column that it adds up.
        Column(name="paid", type="DOUBLE", tags={}),
        Column(name="times", type="INT64", tags={}),
    ],
    ttl_seconds=5 * 3600,
    source=SourceSpec(kind="parquet", name="paid.parquet", time="at"),
    online=True,
    owner="",
    tags={},
    description="",
    digest="d",
    materialized_until=None,
    computed=True,
    aggregated=True,
    windows=[
        WindowSpec(feature="paid", column="paid", function="sum", seconds=36_000, slide=3600),
        WindowSpec(feature="times", column="paid", function="count", seconds=7200, slide=14_400),
    ],
)


def _brute(rows: list[Event], of: list[Event]) -> dict[str, list[float | None]]:
    """What a training set has at the events `of`, by a search over all of them."""
    found: dict[str, list[float | None]] = {"paid": [], "times": []}
    for user, at, _ in of:
        ends = [
            T0 + (at - T0) // slide * slide for slide in (timedelta(hours=1), timedelta(hours=4))
        ]
        fresh = at - max(ends) <= timedelta(hours=5)
        for name, end, length in zip(found, ends, (10 * HOUR, 2 * HOUR), strict=True):
            inside = [
                x
                for other, t, x in rows
                if other == user and end - length <= t < end and x is not None
            ]
            value: float | None = len(inside) if name == "times" else sum(inside)
            found[name].append(value if fresh and (inside or name == "times") else None)
    return found


def _statistics(project: Project, view: Definition = SPENT) -> ViewStatistics:
    return statistics_of(project, view, NOW, {view.name: view})


def _check(told: ViewStatistics, expected: Mapping[str, list[float | None]]) -> None:
    assert told.profile is not None
    for item in told.features:
        values = [x for x in expected[item.name] if x is not None]
        column = told.profile.columns[item.name]
        assert column.mean == pytest.approx(mean(values))
        assert (column.min, column.max) == pytest.approx((min(values), max(values)))
        assert column.shape is not None
        assert item.fill is not None
        assert item.fill.value == pytest.approx(len(values) / len(expected[item.name]))


def test_windows_are_told_as_training_gets_them_at_every_event(
    project: Project, events: list[Event]
) -> None:
    told, known = _statistics(project), [row for row in events if row[0] is not None]
    expected = _brute(events, known)
    _check(told, expected)
    assert told.profile is not None
    assert told.told_from == f"what a training set gets at {len(known)} events of paid.parquet"
    assert {item.fill.basis for item in told.features if item.fill} == {"exact"}
    assert told.profile.columns["paid"].basis["mean"] == "exact"
    newest = max(at for _, at, x in events if x is not None)
    assert {item.newest for item in told.features} == {newest}

    inside = [row for row in known if T0 + 50 * HOUR <= row[1] <= LAST]
    after = [row for row in known if row[1] > LAST]
    old, new = _brute(events, inside), _brute(events, after)
    for item in told.features:
        sides = [pl.Series(side[item.name], dtype=pl.Float64) for side in (old, new)]
        assert item.drift == _drift(*sides, "exact").psi
        assert item.ks is not None
        ks = stats.ks_2samp(*(side.drop_nulls() for side in sides)).statistic
        assert (item.ks.value, item.ks.basis) == (pytest.approx(ks), "exact")
    drift = {item.name: float(item.drift.value or 0) for item in told.features if item.drift}
    assert drift["paid"] > 1 > 0.2 > drift["times"]


def test_of_many_events_a_sample_is_told_and_called_one(
    project: Project, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(computed, "SAMPLED", 300)
    told = _statistics(project)
    known = [row for row in events if row[0] is not None]
    assert told.profile is not None
    (paid, times), columns = told.features, told.profile.columns
    assert paid.fill is not None
    size = paid.fill.n or 0
    assert 200 < size < 400
    assert told.told_from.startswith(f"what a training set gets at a sample of {size} of")
    assert (paid.fill.basis, columns["paid"].basis["mean"], columns["paid"].sample) == (
        "sample",
        "sample",
        size,
    )
    assert {item.drift.basis for item in (paid, times) if item.drift} == {"sample"}
    assert told.profile.rows == len(known)
    expected = [x for x in _brute(events, known)["paid"] if x is not None]
    assert columns["paid"].mean == pytest.approx(mean(expected), rel=0.15)
    assert _statistics(project) == told, "the same sample each time"


def test_windows_of_a_masked_column_show_no_value(project: Project, events: list[Event]) -> None:
    source = SourceSpec(kind="dataset", name="shop.paid", time="at", mapping={"amount": "paid"})
    view = replace(SPENT, source=source, digest="m")
    Catalog(project).tag("column:shop.paid.amount", add=["pii"])
    told = _statistics(project, view)
    assert told.profile is not None
    assert told.masked == ["paid", "times"]
    assert {column.max for column in told.profile.columns.values()} == {"•••"}
    assert {column.mean for column in told.profile.columns.values()} == {None}
    assert all(item.fill and item.drift for item in told.features)
    known = [row for row in events if row[0] is not None]
    _check(statistics_of(project, view, NOW, {view.name: view}, reveal=True), _brute(events, known))
    assert [entry.verb for entry in Catalog(project).audit("shop.paid").items] == [
        "features statistics"
    ]
    assert to_json(_statistics(project, view)) == to_json(told), "what was revealed is kept nowhere"
