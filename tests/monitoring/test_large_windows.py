"""A window with too many rows for memory says what one says whose rows are all looked at."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments import Part
from jupyter_mlinfra.monitoring import Monitoring, MonitorStatus, large_windows, service
from jupyter_mlinfra.monitoring.hours.windows import overview
from jupyter_mlinfra.monitoring.large_windows import held_rows
from jupyter_mlinfra.monitoring.spec import FeatureDrift
from tests.monitoring.logs import HOUR, Logged, answered, refused, set_now, some_rows, write_journal
from tests.monitoring.test_recording import CATEGORIES, NAMES, START, TRAINING
from tests.monitoring.test_verbs import Experiments

NOW = datetime.fromtimestamp(START + 3.5 * HOUR, UTC)
WINDOW = timedelta(hours=3.25)


@pytest.fixture
def log(tmp_path: Path) -> Logged:
    """Two versions over three and a half hours; each hour has refused and repeated requests."""
    folder, random = tmp_path / "log", np.random.default_rng(5)
    for number in range(7):
        begun = START + number * HOUR / 2
        for version, count in (("v1", 600), ("v2", 200)):
            rows, scores = some_rows(random, count, shift=2.0 * number)
            entries: list[dict[str, Any]] = [
                answered(begun + n * 2, f"{version}-{number}-{n}", [row], [score], ms=float(n % 50))
                for n, (row, score) in enumerate(zip(rows, scores, strict=True))
            ]
            entries += [refused(begun + n, f"x{version}-{number}-{n}") for n in range(20)]
            entries += [refused(begun + 30, f"y{version}-{number}", 500)]
            write_journal(
                folder, begun, entries, names=NAMES, categories=CATEGORIES, version=version
            )
    return Logged(folder, {"v1": 75, "v2": 25})


@pytest.fixture
def monitoring(project: Project, log: Logged, monkeypatch: pytest.MonkeyPatch) -> Monitoring:
    set_now(monkeypatch, NOW)
    monkeypatch.setattr(service, "now", lambda: NOW)
    monitoring = Monitoring(project, log, Experiments())  # type: ignore[arg-type]
    score = np.random.default_rng(4).random(3000)
    monitoring.reference("flights/1", TRAINING, score=score.tolist())
    monitoring._store.add("flights", "flights", "ana")
    return monitoring


def exactly(status: MonitorStatus) -> dict[str, Any]:
    """What both ways must say alike."""
    monitor = status.monitor
    return {
        "requests": monitor.requests,
        "rows": monitor.rows,
        "versions": status.versions,
        "errors": (status.error_fraction, status.refused_fraction),
        "reference": (status.reference, status.trouble),
        "features": [
            (
                *(item.feature, item.kind, item.drifted, item.edges, item.reference, item.window),
                *(item.psi, item.js, item.hellinger, item.chi2),
                *(item.missing_reference, item.missing_window),
            )
            for item in columns(status)
        ],
    }


def columns(status: MonitorStatus) -> list[FeatureDrift]:
    assert status.score
    return [*status.drift, status.score]


@pytest.mark.parametrize("recorded", [False, True])
def test_a_large_window_says_the_same_as_its_rows(
    recorded: bool, monitoring: Monitoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether its hours are recorded or not; quantiles within the error of the sketches."""
    rows = monitoring.status("flights", since=WINDOW)
    if recorded:
        assert monitoring.backfill("flights").hours == 3
    monkeypatch.setattr(large_windows, "MOST_ROWS", 1000)
    sketched = monitoring.status("flights", since=WINDOW)
    assert exactly(sketched) == exactly(rows)
    assert rows.window_start
    assert (sketched.window_start, sketched.window_end) == (rows.window_start, rows.window_end)
    assert sketched.monitor.last_request_at == rows.monitor.last_request_at
    for name in ("p50_ms", "p95_ms"):
        found, exact = getattr(sketched, name), getattr(rows, name)
        assert abs(found.value - exact.value) <= 1
        assert found.n == exact.n
    for ours, theirs in zip(columns(sketched), columns(rows), strict=True):
        if theirs.ks:
            assert ours.ks
            assert abs(float(ours.ks.value or 0) - float(theirs.ks.value or 0)) < 0.005


def test_the_last_request_of_a_recorded_hour_is_when_it_came(
    monitoring: Monitoring, log: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the end of its hour, in which traffic has stopped."""
    set_now(monkeypatch, datetime.fromtimestamp(START + 3.1 * HOUR, UTC))
    monkeypatch.setattr(
        service, "now", lambda: datetime.fromtimestamp(START + 3 * HOUR + 1e-3, UTC)
    )
    for file in log.folder.glob(f"v?-{int((START + 3 * HOUR) * 1e6)}-*"):
        file.unlink()
    stopped = monitoring.status("flights", since=timedelta(hours=3)).monitor.last_request_at
    assert stopped
    assert stopped < datetime.fromtimestamp(START + 3 * HOUR - 60, UTC)
    assert monitoring.backfill("flights").hours == 3
    monkeypatch.setattr(large_windows, "MOST_ROWS", 1000)
    status = monitoring.status("flights", since=timedelta(hours=3))
    assert (status.monitor.last_request_at, status.window_end) == (stopped, stopped)


def test_a_file_that_spans_hours_and_cannot_be_read_is_told_of_once(
    monitoring: Monitoring, log: Logged
) -> None:
    (log.folder / "parquet").mkdir()
    (log.folder / "parquet" / f"v1-{int((START + 60) * 1e6)}-9.parquet").write_bytes(b"broken")
    monitor = monitoring.status("flights", since=WINDOW).monitor
    plan, span = monitoring._plan(monitor), {"start": START, "end": START + 3 * HOUR}
    (problem,) = overview(monitoring._series, log, "flights", plan, **span).problems
    assert problem.startswith("v1-")


def test_no_more_of_a_large_window_is_held_than_it_takes_to_know_that(
    log: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []

    def counted(self: Logged, name: str, **span: Any) -> Iterator[Part]:
        for part in parts(self, name, **span):
            read.append(part.rows.height)
            yield part

    parts = Logged.payload_parts
    monkeypatch.setattr(Logged, "payload_parts", counted)
    monkeypatch.setattr(large_windows, "MOST_ROWS", 1000)
    assert held_rows(log, "flights", START, START + 4 * HOUR) is None
    assert len(read) == 2
    rows = held_rows(log, "flights", START, START + HOUR / 4)
    assert rows is not None
    assert rows.height == sum(read[2:])
    monkeypatch.setattr(large_windows, "MOST_VALUES", rows.height * rows.width)
    whole = held_rows(log, "flights", START, START + HOUR / 4)
    assert whole is not None
    assert whole.equals(rows)
    monkeypatch.setattr(large_windows, "MOST_VALUES", rows.height * rows.width - 1)
    assert held_rows(log, "flights", START, START + HOUR / 4) is None, "many columns count too"
