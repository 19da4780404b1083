"""Drift by feature and time, and the distribution behind a cell."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from jupyter_mlinfra.core.errors import BadRequest, NotFound
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.faces.cards import card_of
from jupyter_mlinfra.monitoring import Monitoring
from jupyter_mlinfra.monitoring.hours.heatmap import LEAST_ROWS
from jupyter_mlinfra.monitoring.hours.series import HOUR
from jupyter_mlinfra.monitoring.verbs import heat as heat_verbs
from tests.monitoring.logs import Logged, answered, set_now, write_journal
from tests.monitoring.test_recording import START, TRAINING, fill
from tests.monitoring.test_verbs import NOW, Experiments


def watching(project: Project, log: Path) -> Monitoring:
    """A watched deployment with four hours of log."""
    fill(log, requests=120)
    monitoring = Monitoring(project, Logged(log, {"v1": 100}), Experiments())  # type: ignore[arg-type]
    score = np.random.default_rng(4).random(3000)
    monitoring.reference("flights/1", TRAINING, score=score.tolist())
    monitoring._store.add("flights", "flights", "ana")
    monitoring.configure("flights", segments=["origin"])
    return monitoring


def heat_step(psi: float) -> int:
    """As the page of a monitor draws it."""
    return [psi < 0.08, psi < 0.15, psi < 0.2, psi < 0.3, True].index(True)


@pytest.fixture(scope="module", autouse=True)
def _four_hours_later() -> Iterator[None]:
    """It is four hours after the first."""
    with pytest.MonkeyPatch.context() as patch:
        set_now(patch, NOW)
        patch.setattr(heat_verbs, "now", lambda: NOW)
        yield


@pytest.fixture
def monitoring(project: Project, tmp_path: Path) -> Monitoring:
    """Nothing is recorded yet."""
    return watching(project, tmp_path / "log")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitoring]:
    """Its hours are recorded; tests only read."""
    root = tmp_path_factory.mktemp("recorded")
    (root / "mlinfra.toml").write_text("")
    project = Project(root)
    monitoring = watching(project, root / "log")
    monitoring.backfill("flights")
    yield monitoring
    project.database.close()


def test_a_cell_is_the_point_of_its_hour_recorded_or_not(monitoring: Monitoring) -> None:
    live = monitoring.heat("flights", since=timedelta(hours=3))
    monitoring.backfill("flights")
    heat = monitoring.heat("flights", since=timedelta(hours=3))
    card = card_of(monitoring.overview("flights", since=timedelta(hours=3)))
    assert card
    assert [str(row["PSI over time"]) for row in card.rows] == [
        "".join("–" if value is None else "·░▒▓█"[heat_step(value)] for value in row.values)
        for row in heat.rows
    ]
    assert "a mark is 1 h" in card.note
    assert {row.feature for row in heat.rows} == {*TRAINING.columns}
    assert (heat.shown, heat.total, heat.step_seconds) == (len(heat.rows), len(heat.rows), HOUR)
    for row in heat.rows:
        points = monitoring.series("flights", metric="psi", feature=row.feature).items
        values = {at.timestamp(): value for at, value in zip(heat.starts, row.values, strict=True)}
        recorded = {point.start: point.value for point in points if point.value is not None}
        assert len(recorded) >= 2
        assert {at: values[at] for at in recorded if at in values} == {
            at: value for at, value in recorded.items() if at in values
        }
        assert row.values[-1] is not None, "the hour that is not closed"
    before = {row.feature: row for row in live.rows}
    for row in heat.rows:  # the newest hours are measured from the log until they are recorded
        assert [*before[row.feature].values][-3:] == [*row.values][-3:]
    assert "origin=JFK" in heat.segments
    segment = monitoring.heat("flights", since=timedelta(hours=3), segment=heat.segments[0])
    assert segment.rows
    assert segment.rows[0].values != heat.rows[0].values


def test_an_hour_of_a_few_rows_is_no_drift_and_puts_no_feature_first(
    monitoring: Monitoring, tmp_path: Path
) -> None:
    hour = START - 9 * HOUR
    rows = [[500.0, 0]] * (LEAST_ROWS - 1)  # like nothing in the training
    entries = [answered(hour + 60, "odd", rows, [0.5] * len(rows))]
    categories = [[], ["EWR", "JFK", "LGA"]]
    write_journal(tmp_path / "log", hour, entries, names=["temp", "origin"], categories=categories)
    monitoring.backfill("flights")
    heat = monitoring.heat("flights", since=timedelta(hours=24))
    place = [at.timestamp() for at in heat.starts].index(hour)
    (temp,) = (row for row in heat.rows if row.feature == "temp")
    assert (temp.rows[place], temp.values[place]) == (LEAST_ROWS - 1, None)
    assert max(value for value in temp.values if value is not None) < 5


def test_the_worst_comes_first_words_choose_and_a_long_time_has_wider_columns(
    recorded: Monitoring,
) -> None:
    heat = recorded.heat("flights", since=timedelta(days=30))
    assert len(heat.starts) <= 48
    assert heat.step_seconds > HOUR
    worst = [max(value for value in row.values if value is not None) for row in heat.rows]
    assert worst == sorted(worst, reverse=True)
    name = heat.rows[-1].feature
    assert [row.feature for row in recorded.heat("flights", words=name.upper()).rows] == [name]
    few = recorded.heat("flights", limit=1)
    assert (few.shown, few.total) == (1, len(heat.rows))
    with pytest.raises(BadRequest, match="not measured for each feature"):
        recorded.heat("flights", metric="kpi")


def test_a_distribution_counts_the_rows_of_its_hour_over_the_bins_of_the_reference(
    recorded: Monitoring,
) -> None:
    start = datetime.fromtimestamp(START, UTC)
    heat = recorded.heat("flights", since=timedelta(hours=5))
    for row in heat.rows:
        found = recorded.distribution("flights", row.feature, start)
        rows = recorded._deployments.payloads("flights", since=start).filter(
            (pl.col("ts") < start + timedelta(hours=1))
            & (pl.col("version") == "v1")
            & (pl.col("status") < 400)
        )
        assert found.psi.n == rows.height
        assert found.psi.value == pytest.approx(row.values[[*heat.starts].index(start)])
        present = rows.height - rows[row.feature].null_count()
        assert sum(found.window) == pytest.approx(1.0 if present else 0.0)
        assert sum(found.reference) == pytest.approx(1.0)
        assert len(found.window) == len(found.reference)
    answers = recorded.distribution("flights", "prediction", start)
    assert answers.feature == "prediction"
    nothing = recorded.distribution("flights", heat.rows[0].feature, start - timedelta(days=9))
    assert (nothing.psi.value, nothing.psi.n, set(nothing.window)) == (None, 0, {0.0})
    with pytest.raises(NotFound, match="has no nothing"):
        recorded.distribution("flights", "nothing", start)
