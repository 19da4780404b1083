"""Ranges in parts: each counts once it is written, none takes a newer value back, and a run that
was killed goes on where it was.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from jupyter_mlinfra.core.errors import BadRequest, MLInfraError
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features import Features
from jupyter_mlinfra.features.materializing.windows import Window, parts_of
from jupyter_mlinfra.features.sources import SourceSpec
from jupyter_mlinfra.features.worker import call

T0 = datetime(2026, 3, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def clicks(features: Features, users: range = range(10)) -> list[Any]:
    rows = features.online(["clicks:clicks_7d"], [{"user_id": user} for user in users])
    return [row.values["clicks:clicks_7d"] for row in rows]


@pytest.fixture
def features(applied_shop: Project, monkeypatch: pytest.MonkeyPatch) -> Features:
    """Judged as of T0 + 1 day."""
    monkeypatch.setenv("MLINFRA_FEATURES_AS_OF", (T0 + DAY).isoformat())
    return Features(Project.open(applied_shop.root))


def test_a_killed_run_goes_on_with_the_next_part(
    features: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[tuple[str, int, int]] = []
    parts: dict[str, Any] = {"start": T0, "every": 6 * HOUR}
    call(features._project, "index")  # the first to open a copied project changes its registry
    monkeypatch.setenv("MLINFRA_FAIL", "features-part")
    with pytest.raises(MLInfraError, match="ended with -9"):
        features.materialize("clicks", **parts, on_progress=lambda *step: steps.append(step))
    assert steps == [("clicks", 10, 20)]
    copy = features._store.registered(lambda: pytest.fail("no definition has changed"))
    assert copy.views["clicks"].materialized_until == T0 + 6 * HOUR
    assert clicks(features) == list(range(10)), "the first part is online"
    monkeypatch.delenv("MLINFRA_FAIL")
    (done,) = features.materialize("clicks", **parts)
    assert (done.rows, done.parts) == (10, 1), "the second part alone"
    assert clicks(features) == [10 * user for user in range(10)]
    (again,) = features.materialize("clicks", **parts)
    assert (again.rows, again.parts) == (10, 2), "it had ended, and what is older stays out"
    assert clicks(features) == [10 * user for user in range(10)]


def test_a_backfill_of_the_past_leaves_newer_values_and_the_next_run_as_they_are(
    features: Features,
) -> None:
    features.materialize("clicks")
    (done,) = features.materialize("clicks", start=2 * DAY, end=T0 + 2 * HOUR)
    assert (done.rows, done.start) == (0, T0 + 2 * HOUR - 2 * DAY)
    assert clicks(features) == [10 * user for user in range(10)]
    assert features.show("clicks").view.online_at == T0 + DAY
    assert features.materialize("clicks")[0].rows == 0
    assert features.materialize("clicks", full=True)[0].rows == 10


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"full": True, "start": T0}, "A full run has no start"),
        ({"every": timedelta(0)}, "has no length"),
        ({"start": T0 + 2 * DAY}, "is after end"),
        ({"start": timedelta.max}, "is no time"),
    ],
)
def test_a_range_that_is_none_is_refused(
    features: Features, options: dict[str, Any], what: str
) -> None:
    with pytest.raises(BadRequest, match=what):
        features.materialize("clicks", **options)


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("begin", [None, T0, T0 + HOUR])
def test_the_parts_of_a_window_hold_each_of_its_rows_once(
    tmp_path: Path, unit: Any, begin: datetime | None
) -> None:
    """Also those on the bounds, and those a nanosecond after one."""
    times = [T0, T0, T0 + HOUR, T0 + 3 * HOUR, T0 + 26 * HOUR, T0 + 49 * HOUR, None]
    frame = pl.DataFrame({"at": times}).with_columns(pl.col("at").dt.cast_time_unit(unit))
    if unit == "ns":
        frame = pl.concat([frame, frame.with_columns(pl.col("at") + pl.duration(nanoseconds=1))])
    frame.write_parquet(tmp_path / "rows.parquet")
    source = SourceSpec(kind="parquet", name="rows.parquet", time="at")
    window = Window(after=begin, until=T0 + 40 * HOUR)
    parts = parts_of(source, tmp_path, window, HOUR)
    low, high = (pl.lit(at).cast(frame.schema["at"]) for at in (begin or T0, window.until))
    inside = frame.filter(pl.col("at") >= low, pl.col("at") <= high)["at"].to_list()
    found = []
    for part in parts:
        assert part.window.after is not None
        first, last = (
            pl.lit(at).cast(frame.schema["at"]) for at in (part.window.after, part.window.until)
        )
        after = pl.col("at") > first if part.window.open else pl.col("at") >= first
        rows = frame.filter(after, pl.col("at") <= last)["at"].to_list()
        assert len(rows) == part.rows > 0
        found += rows
    assert sorted(found) == sorted(inside)
    assert [part.window.until for part in parts] == sorted(part.window.until for part in parts)
